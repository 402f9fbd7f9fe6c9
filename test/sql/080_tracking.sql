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
