-- How people may move a shipment: CHANGE_SHIPMENT_STATUS, SHIPMENT_JOURNEY and
-- the flags of SHIPMENT_STATUSES; cancelling, which reaches the carrier.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id) SELECT 'M83', i, '83' FROM unnest('{A,B,C,D,E}'::text[]) AS i;
-- Answers, or error with its hint.
CREATE FUNCTION move83(moved text, step jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
    request jsonb := jsonb_build_object('merchantId', 'M83', 'orderId', (SELECT order_id FROM ganje.shipment WHERE merchant_id = 'M83' AND shipment_id = moved), 'shipmentId', moved) || step;
BEGIN
    RETURN (CASE WHEN step ? 'status' THEN ganje.shipment_journey(request) ELSE ganje.change_shipment_status(request) END - '{orderId,shipmentId}'::text[])::text;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(hint, ''));
END
$$;
CREATE FUNCTION journey83(shipment text) RETURNS TABLE (previous text, status text, normalized text, source text, jump boolean, detail jsonb) LANGUAGE sql AS $$
    SELECT e.previous_status, e.status, e.normalized_status, e.source, e.jump, e.detail FROM ganje.shipment_event AS e
     WHERE e.merchant_id = 'M83' AND e.shipment_id = shipment ORDER BY e.recorded_at, e.event_id
$$;

-- The default list, one by one to its end.
SELECT n, move83('A', '{"next": true}') FROM generate_series(1, 5) AS n;
SELECT * FROM journey83('A');
-- Skipping, unknown, back where the status has "back" and where it has not; the same once more is no step.
SELECT s, move83('B', jsonb_build_object('status', s))
  FROM unnest('{READY,LOST,PACKAGING,PACKAGING,PENDING,PACKAGING,READY,PENDING,PACKAGING,CANCELLED,READY,IN_TRANSIT,READY,CANCELLED}'::text[]) AS s;
SELECT * FROM journey83('B');
SELECT * FROM ganje.shipment_moves('83', 'C', 'M83');
-- Cancelled is the end.
SELECT move83('C', '{"status": "CANCELLED", "reason": "out of stock"}'), move83('C', '{"next": true}'), move83('C', '{"status": "CANCELLED"}');
SELECT * FROM journey83('C');
SELECT * FROM ganje.shipment_moves('83', 'C', 'M83');

-- The seed's journey, word for word; it stays what it was where a key is left away.
SELECT move83('D', '{"status": "PACKAGING", "boxes": ["BARCODE_1", "BARCODE_2"], "trackingUrl": "url", "courierName": "NAME SURNAME", "cannotCancel": true}');
SELECT move83('D', '{"status": "PENDING"}'), move83('D', '{"status": "CANCELLED"}'), move83('D', '{"status": "PENDING", "cannotCancel": false, "boxes": ["BARCODE_3"]}');
SELECT boxes, tracking_url, courier_name, cannot_cancel FROM ganje.shipment WHERE merchant_id = 'M83' AND shipment_id = 'D';
SELECT * FROM journey83('D');

-- In bad shape.
\pset format unaligned
SELECT r AS step, move83('E', r) FROM unnest(ARRAY['{}', '{"next": false}', '{"next": 1}', '{"next": true, "state": "READY"}', '{"status": 5}', '{"status": "PACKAGING", "boxes": "B"}',
    '{"status": "PACKAGING", "boxes": [""]}', '{"status": "PACKAGING", "cannotCancel": "yes"}', '{"status": "CANCELLED", "cannotCancel": true}',
    '{"status": "PACKAGING", "shipmentId": "nobody"}', '{"status": "PACKAGING", "orderId": "84"}', '{"status": "PACKAGING", "merchantId": "DEFAULT"}']::jsonb[]) AS r;
\pset format aligned
SELECT ganje.change_shipment_status('{"merchantId": "M83", "orderId": "83", "shipmentId": "E", "next": true, "status": "PACKAGING"}');
SELECT ganje.change_shipment_status(NULL);
SELECT ganje.shipment_moves('83', 'nobody', 'M83');
SELECT status, (SELECT count(*) FROM journey83('E')) AS steps FROM ganje.shipment WHERE merchant_id = 'M83' AND shipment_id = 'E';
-- In SQL's values: to a status, or to the next.
SELECT ganje.change_shipment_status('83', 'E', merchant_id => 'M83'), ganje.change_shipment_status('83', 'E', 'PENDING', 'M83');
SELECT ganje.change_shipment_status('83', 'E', 'READY', 'M83');

-- Not linear: any later status, and still back and cancelled only where the flags say so.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"linearStatuses": false}}') #> '{data,linearStatuses}' AS linear;
SELECT * FROM ganje.shipment_moves('83', 'E', 'M83');
SELECT s, move83('E', jsonb_build_object('status', s)) FROM unnest('{READY,PENDING,PACKAGING,IN_TRANSIT,CANCELLED,DELIVERED,PENDING}'::text[]) AS s;
SELECT * FROM journey83('E');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"linearStatuses": true}}') #> '{data,linearStatuses}' AS linear;

-- A list of the project's own: the cancelling status stands where it likes, one without a mapping is "unknown" until it has one.
BEGIN;
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "NEW", "cancellable": true}, {"status": "VOID", "cancel": true},
    {"status": "WRAPPED", "cancellable": true, "back": true}, {"status": "DELIVERED"}, {"status": "RETURNED", "cancel": true}]}') IS NOT NULL AS set;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id) SELECT 'M83', i, '83-OWN' FROM unnest('{X,Y,Z}'::text[]) AS i;
SELECT move83('X', '{"next": true}'), move83('X', '{"status": "RETURNED"}');
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, rank) VALUES ('rbs', 'shipment', 'WRAPPED', 'preparing', 20);
SELECT move83('Y', '{"next": true}'), move83('Y', '{"next": true}'), move83('Y', '{"next": true}');
-- Its status is not in the list any more: it must not be stuck.
SELECT * FROM ganje.shipment_moves('83', 'D', 'M83');
SELECT move83('D', '{"next": true}');
ROLLBACK;

-- With a carrier. One that was not told is cancelled at once, and its request taken back, also if people moved it on.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings) VALUES ('83', 'hesapkurye', 'https://api.hesapkurye.com', '{"outSourceId": 5, "restaurantId": "R"}');
CREATE FUNCTION carry83(ids text[], external text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
    WITH s AS (INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, address, data)
        SELECT 'M83', i, 'O-' || coalesce(external, i), '83', coalesce(external, i), '"Moda Cd. 5"', '{"paymentMethod": {"id": 2, "name": "Kart"}, "packagePrice": 5}' FROM unnest(ids) AS i RETURNING shipment_id)
    SELECT count(*) FROM s
$$;
CREATE VIEW line83 AS SELECT o.shipment_id, d.turn, o.operation, o.body::jsonb ->> 'Reason' AS reason
  FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id) WHERE o.merchant_id = 'M83' ORDER BY 1, 2;
SELECT carry83('{K1,K2,K3}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "CANCELLED", "cancel": true}, {"status": "PENDING", "cancellable": true},
    {"status": "PACKAGING", "cancellable": true, "back": true}, {"status": "READY"}, {"status": "IN_TRANSIT"}, {"status": "DELIVERED"}]}') IS NOT NULL AS set;
SELECT move83('K1', '{"next": true}'), move83('K1', '{"status": "CANCELLED", "reason": "out of stock"}');
SELECT * FROM line83;
SELECT * FROM journey83('K1');
-- One that it knows is cancelled once it agrees; the wish is a step, once.
UPDATE ganje.outbox_delivery SET attempts = 1 WHERE merchant_id = 'M83';
SELECT move83('K2', '{"status": "CANCELLED", "reason": "out of stock"}'), move83('K2', '{"status": "CANCELLED", "reason": "again"}');
SELECT * FROM line83;
CREATE FUNCTION answer83(shipment text, status integer, body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d ganje.outbox_delivery;
BEGIN
    SELECT * INTO STRICT d FROM ganje.outbox_delivery AS o WHERE o.merchant_id = 'M83' AND o.shipment_id = shipment AND o.state = 'pending' ORDER BY o.turn LIMIT 1;
    UPDATE ganje.outbox_delivery AS o SET state = 'leased', lease_token = 't', attempts = attempts + 1 WHERE o.request_id = d.request_id;
    RETURN ganje.record_answer(d.merchant_id, d.request_id, 't', ROW(status, '{}', body)::ganje.http_response, NULL, status >= 500, 1000, clock_timestamp(), 5, left(body, 60), false);
END
$$;
SELECT answer83('K2', 200, '{"message": "Paket kaydedildi."}'), answer83('K2', 200, '{"message": "Paket iptal edildi."}');
SELECT previous, status, normalized, source, jump FROM journey83('K2');
-- The carrier's word goes where people may not, and the journey marks it; after it people go on from there. What the carrier said is not taken back by a step of ours.
SELECT answer83('K3', 200, '{"message": "Paket kaydedildi."}');
SELECT ganje.apply_patch('M83', 'K3', 'hesapkurye', '{"entity": "package", "carrierStatus": "4", "courierName": "John Doe"}');
SELECT move83('K3', '{"next": true}'), move83('K3', '{"status": "DELIVERED"}');
SELECT ganje.apply_patch('M83', 'K3', 'hesapkurye', '{"entity": "package", "carrierStatus": "7"}');
SELECT move83('K3', '{"status": "CANCELLED"}'), move83('K3', '{"next": true}');
SELECT * FROM journey83('K3');
-- The same word once more, which is no news, undoes nothing.
SELECT ganje.apply_patch('M83', 'K3', 'hesapkurye', '{"entity": "package", "carrierStatus": "7"}');
SELECT status, normalized_status FROM ganje.shipment WHERE merchant_id = 'M83' AND shipment_id = 'K3';
-- Two that are one to the carrier are cancelled together, or not at all.
SELECT carry83('{T1,T2}', 'T');
UPDATE ganje.outbox_delivery SET attempts = 1 WHERE merchant_id = 'M83' AND shipment_id = 'T1';
SELECT move83('T1', '{"status": "PENDING", "cannotCancel": true}'), move83('T2', '{"status": "CANCELLED"}');
SELECT carry83('{U1,U2}', 'U');
SELECT move83('U1', '{"next": true}'), move83('U2', '{"status": "CANCELLED"}');
SELECT shipment_id, status, normalized_status FROM ganje.shipment WHERE merchant_id = 'M83' AND shipment_id ~ '^[TU]' ORDER BY 1;
SELECT * FROM line83;
-- A locker that nobody has reserved yet, of an order that is being packed.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('83-GANJE', 'ganje', 'https://ganje.example');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, phone) VALUES ('M83', 'P', '83-P', '83-GANJE', 'P', '+989121234567');
SELECT answer83('P', 200, '{"order_link": "https://ganje.example/reserve/1"}');
SELECT move83('P', '{"next": true}'), move83('P', '{"status": "CANCELLED"}');
SELECT answer83('P', 404, '{"detail": "Not found"}');
SELECT * FROM journey83('P');
-- A carrier that takes none says so, and nothing has changed.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('83-GINEE', 'ginee', 'https://ginee.example');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, made_by) VALUES ('M83', 'GIN', '83-G', '83-GINEE', 'GIN', 'ginee');
SELECT move83('GIN', '{"status": "CANCELLED"}'), move83('GIN', '{"next": true}');
-- Cancelling gives the slot back.
INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, capacity, used) VALUES ('M83', 'S', 'r', '2026-03-01', '10:00', '12:00', 3, 1);
INSERT INTO ganje.hold (merchant_id, hold_id, zone_id, state, order_id, created_at, expires_at) VALUES ('M83', 'H', 'Z', 'confirmed', '83-H', now(), 'infinity');
INSERT INTO ganje.hold_unit (merchant_id, hold_id, group_no, state, store_merchant_id, store_id, rule_id, type, day, slot_from, slot_to, fee, items, expires_at)
VALUES ('M83', 'H', 1, 'confirmed', 'M83', 'S', 'r', 'SELF', '2026-03-01', '10:00', '12:00', 0, '[]', 'infinity');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, hold_id, group_no, type) VALUES ('M83', 'SLOT', '83-H', 'H', 1, 'SELF');
SELECT move83('SLOT', '{"status": "CANCELLED"}'), (SELECT used FROM ganje.slot_counter WHERE merchant_id = 'M83') AS used_before;
SELECT used FROM ganje.slot_counter WHERE merchant_id = 'M83';
DELETE FROM ganje.option WHERE option_id IN ('SHIPMENT', 'SHIPMENT_STATUSES');
DROP VIEW line83;
DROP FUNCTION move83, journey83, carry83, answer83;
