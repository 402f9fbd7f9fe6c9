-- Tracking by order id and phone.
\set SHOW_CONTEXT never
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, recipient, address, tracking_url, day, slot_from, slot_to)
VALUES ('DEFAULT', '80-A', '80-1', '+98 912 123 45 67', 'Name', '{"city": "Tehran"}', 'https://t.example/1', '2026-03-01', '10:00', '12:00'),
       ('DEFAULT', '80-B', '80-1', '09121234567', 'Name', NULL, NULL, NULL, NULL, NULL),
       ('DEFAULT', '80-C', '80-2', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       ('M80', '80-D', '80-1', '09121234567', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO ganje.shipment_item (shipment_id, merchant_id, item_id, quantity, price, name) VALUES ('80-A', 'DEFAULT', 'p1', 2, 10, 'Tea');

-- Any way of writing the number; no address, name or price in the answer.
SELECT jsonb_pretty(ganje.track_shipment('{"orderId": "80-1", "phoneNumber": "0098 (912) 123-4567"}') #- '{shipments,0,journey,0,at}' #- '{shipments,1,journey,0,at}');
SELECT shipment_id, status, normalized_status, day, slot_from, slot_to, tracking_url FROM ganje.track_shipment('80-1', '۰۹۱۲۱۲۳۴۵۶۷');
SELECT ganje.track_shipment('{"orderId": "80-1", "phoneNumber": "09121234567", "merchantId": "M80"}') -> 'shipments' -> 0 ->> 'shipmentId';

-- Wrong number, unknown order, a shipment without a number: one answer.
SELECT ganje.track_shipment('{"orderId": "80-1", "phoneNumber": "09121234568"}');
SELECT ganje.track_shipment('{"orderId": "80-nothing", "phoneNumber": "09121234567"}');
SELECT ganje.track_shipment('{"orderId": "80-2", "phoneNumber": "09121234567"}');
SELECT * FROM ganje.track_shipment('80-1', '');
SELECT * FROM ganje.track_shipment('80-1', NULL);
SELECT * FROM ganje.track_shipment('80-1', '4567');
SELECT ganje.track_shipment('{"orderId": "80-1"}');
SELECT ganje.track_shipment('{"phoneNumber": "1"}');

-- Tries are counted for order 80-1: after ten wrong ones even the right number is refused, and
-- ROLLBACK does not undo the count. Four were wrong above.
BEGIN;
SELECT count(*) FROM generate_series(1, 5) AS n, LATERAL ganje.track_shipment('80-1', '0000000000' || n) AS t;
ROLLBACK;
SELECT count(*) FROM ganje.track_shipment('80-1', '09121234567');
SELECT count(*) FROM ganje.track_shipment('80-1', '0000000000');
SELECT count(*) FROM ganje.track_shipment('80-1', '09121234567');
-- Others are not touched.
SELECT ganje.track_shipment('{"orderId": "80-1", "phoneNumber": "09121234567", "merchantId": "M80"}') -> 'shipments' -> 0 ->> 'shipmentId';

-- Byte for byte one answer, in whichever way it is asked, and the same once tries are used up.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone) VALUES ('DEFAULT', '80-F', '80-3', '09121234567');
CREATE TABLE answer80 (way text, what text, answer text);
INSERT INTO answer80
SELECT w.way, q.what, CASE w.way
         WHEN 'json' THEN ganje.track_shipment(jsonb_build_object('orderId', q.order_id, 'phoneNumber', q.phone))::text
         WHEN 'call' THEN ganje.call('rbs.shipment.request.DATA', jsonb_build_object('orderId', q.order_id, 'phoneNumber', q.phone))::text
         WHEN 'rows' THEN (SELECT json_agg(t)::text FROM ganje.track_shipment(q.order_id, q.phone) AS t) END
  FROM unnest('{json,call,rows}'::text[]) AS w(way)
 CROSS JOIN (VALUES ('wrong phone', '80-3', '09120000000'), ('unknown order', '80-4', '09120000000'), ('no phone known', '80-2', '09120000000'),
                    ('used up', '80-1', '09121234567')) AS q(what, order_id, phone);
SELECT way, count(*) AS asked, count(DISTINCT coalesce(md5(answer), 'nothing')) AS answers, min(answer) AS answer FROM answer80 GROUP BY way ORDER BY way;
DROP TABLE answer80;

-- 1,000 guesses at one order are stopped, though the right number is among them: each in a transaction of its own that is rolled back.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone) VALUES ('DEFAULT', '80-G', '80-5', '09120000500');
CREATE PROCEDURE guess80(INOUT seen bigint) LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    seen := 0;
    FOR n IN 1..1000 LOOP
        SELECT count(*) INTO rows FROM ganje.track_shipment('80-5', '09120000' || to_char(n, 'FM000')) AS t;
        seen := seen + rows;
        ROLLBACK;
    END LOOP;
END
$$;
CALL guess80(0);
SELECT count(*) FROM ganje.track_shipment('80-5', '09120000500');
DROP PROCEDURE guess80;
-- The right number may be asked with as often as one likes, and goes on to while wrong ones are few.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone) VALUES ('DEFAULT', '80-H', '80-6', '09120000500');
SELECT count(*) FROM generate_series(1, 50) AS n, LATERAL ganje.track_shipment('80-6', '09120000' || (500 + 0 * n)) AS t;
SELECT count(*) FROM generate_series(1, 9) AS n, LATERAL ganje.track_shipment('80-6', '0912000060' || n) AS t;
SELECT count(*) FROM ganje.track_shipment('80-6', '09120000500');
-- Asking for thousands of other orders does not give an order its tries back.
SELECT count(*) FROM generate_series(1, 8000) AS n, LATERAL ganje.track_shipment('80-other-' || n, '09120000000') AS t;
SELECT count(*) FROM ganje.track_shipment('80-5', '09120000500');
