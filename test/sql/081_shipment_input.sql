-- ShipmentInput: upsert_shipment, get_shipment, list_shipments; what its
-- carrier is told, and when.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
-- An error's message and hint, without the ids that differ from run to run.
CREATE FUNCTION upsert81(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    RETURN regexp_replace(ganje.upsert_shipment(request || '{"merchantId": "M81"}')::text, '[0-9A-Z]{26}', 'ULID');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_HINT;
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM || ' ' || detail, '[0-9A-Z]{26}', 'ULID', 'g');
END
$$;
CREATE FUNCTION get81(order_id text, shipment_id text) RETURNS text LANGUAGE sql RETURN
    jsonb_pretty(ganje.get_shipment(jsonb_build_object('merchantId', 'M81', 'orderId', order_id, 'shipmentId', shipment_id))
                 #- '{createdAt}' #- '{updatedAt}' #- '{journey,0,at}');
CREATE VIEW told81 AS
    SELECT o.shipment_id, d.turn, o.operation, o.body::jsonb ->> 'RemoteOrderNumber' AS number, o.body::jsonb ->> 'CustomerPhone' AS phone,
           (SELECT string_agg(p ->> 'productName' || '×' || (p ->> 'quantity'), ' ') FROM jsonb_array_elements(o.body::jsonb -> 'Products') AS p) AS products
      FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id) WHERE o.merchant_id = 'M81'
     ORDER BY o.shipment_id, d.turn;
SELECT ganje.upsert_zone('{"zoneId": "81-ZONE", "name": "Zone", "timezone": 3, "rules": [{"addr": {"city": {"IN": ["81"]}}}]}');
SELECT ganje.upsert_store('{"storeId": "S81", "merchantId": "M81", "name": "Store"}');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings) VALUES
    ('81', 'hesapkurye', 'https://api.hesapkurye.com', '{"outSourceId": 5, "restaurantId": "R"}'),
    ('81-GANJE', 'ganje', 'https://ganje.example', '{}');
SELECT ganje.upsert_shipment_provider(jsonb_build_object('merchantId', 'M81', 'storeId', 'S81', 'shipmentType', t, 'providerId', p,
                                                         'data', jsonb_build_object('carrierAccount', a)))
  FROM (VALUES ('ON_DEMAND', 'COURIER', '81'), ('CARGO', 'GANJE', '81-GANJE'), ('CARGO', 'PLAIN', NULL)) AS v(t, p, a);

-- The seed's keys alone: recipient and phone are in RBS's Address, an item may be its id.
SELECT upsert81('{"orderId": "1", "shipmentId": "A", "storeId": "S81",
    "address": {"nameSurname": "Ayşe Yılmaz", "phone": "+905551234567", "city": "İSTANBUL", "district": "ATAŞEHİR", "note": "ring twice"},
    "items": [{"itemId": "p1", "qty": 2, "price": 10.50, "name": "Tea", "variantGroupId": 7, "merchantId": "M81"}, "p2"]}');
SELECT get81('1', 'A');
-- Without an id one is made; an order has as many as it takes, each with its items.
SELECT upsert81('{"orderId": "1", "address": {}, "items": []}');
SELECT jsonb_array_length(ganje.list_shipments('{"orderId": "1", "merchantId": "M81"}')) AS shipments, ganje.list_shipments('{"orderId": "1"}') AS of_another_merchant;
-- What came out goes in again, and changes nothing.
SELECT ganje.upsert_shipment('{"merchantId": "M81", "orderId": "1", "shipmentId": "A"}' || jsonb_build_object('address', s -> 'address', 'items', s -> 'items')) AS answer
  FROM ganje.get_shipment('{"merchantId": "M81", "orderId": "1", "shipmentId": "A"}') AS s;
SELECT updated_at = created_at AS untouched FROM ganje.shipment WHERE merchant_id = 'M81' AND shipment_id = 'A';
SELECT get81('1', 'A') = (SELECT jsonb_pretty(l #- '{createdAt}' #- '{updatedAt}' || '{"journey": [{"source": "order", "status": "PENDING", "normalizedStatus": "pending"}]}')
                            FROM jsonb_array_elements(ganje.list_shipments('{"orderId": "1", "merchantId": "M81"}')) AS l WHERE l ->> 'shipmentId' = 'A') AS as_listed;
-- Keys that are not given keep their value; null is as good as absent.
SELECT upsert81('{"orderId": "1", "shipmentId": "A", "phone": "+905550000000", "note": null, "items": ["p2", {"itemId": "p3", "qty": 0.5}]}');
SELECT phone, note, recipient, (SELECT string_agg(item_id || '×' || quantity, ' ' ORDER BY position) FROM ganje.shipment_item AS i
                                 WHERE i.merchant_id = s.merchant_id AND i.shipment_id = s.shipment_id) AS items
  FROM ganje.shipment AS s WHERE merchant_id = 'M81' AND shipment_id = 'A';

-- In bad shape: the path is named, and nothing is stored.
\pset format unaligned
SELECT r AS request, upsert81(r) FROM unnest(ARRAY[
    '[]', '{}', '{"orderId": ""}', '{"orderId": 5}', '{"orderId": "9"}', '{"orderId": "9", "address": {}}', '{"orderId": "9", "items": []}',
    '{"orderId": "9", "address": "Main St", "items": []}', '{"orderId": "9", "address": {}, "items": {}}',
    '{"orderId": "9", "address": {}, "items": [], "adress": {}}', '{"orderId": "9", "address": {}, "items": [], "holdId": "H"}',
    '{"orderId": "9", "address": {}, "items": [5]}', '{"orderId": "9", "address": {}, "items": ["a", ""]}',
    '{"orderId": "9", "address": {}, "items": [{"qty": 1}]}', '{"orderId": "9", "address": {}, "items": ["a", {"itemId": "b", "quanity": 1}]}',
    '{"orderId": "9", "address": {}, "items": [{"itemId": "a", "qty": 0}]}', '{"orderId": "9", "address": {}, "items": [{"itemId": "a", "quantity": 0.0}]}',
    '{"orderId": "9", "address": {}, "items": [{"itemId": "a", "qty": -1}]}', '{"orderId": "9", "address": {}, "items": [{"itemId": "a", "qty": "1"}]}',
    '{"orderId": "9", "address": {}, "items": [{"itemId": "a", "price": 1e20}]}', '{"orderId": "9", "address": {}, "items": ["a", "b", "a"]}',
    '{"orderId": "9", "address": {}, "items": [], "storeId": "nowhere"}', '{"orderId": "9", "address": {}, "items": [], "zoneId": "nowhere"}',
    '{"orderId": "9", "address": {}, "items": [], "type": "DRONE"}', '{"orderId": "9", "address": {}, "items": [], "provider": "COURIER"}',
    '{"orderId": "9", "address": {}, "items": [], "provider": "COURIER", "storeId": "S81"}',
    '{"orderId": "9", "address": {}, "items": [], "day": "2026-02-30"}', '{"orderId": "9", "address": {}, "items": [], "day": "tomorrow"}',
    '{"orderId": "9", "address": {}, "items": [], "slot": ["10:00"]}', '{"orderId": "9", "address": {}, "items": [], "slot": ["25:00", "26:00"]}',
    '{"orderId": "9", "address": {}, "items": [], "fee": -1}', '{"orderId": "2", "shipmentId": "A", "address": {}, "items": []}']::jsonb[]) AS r;
\pset format aligned
SELECT ganje.upsert_shipment(NULL);
SELECT jsonb_array_length(ganje.list_shipments('{"orderId": "9", "merchantId": "M81"}')) AS stored;
SELECT upsert81(jsonb_build_object('orderId', '9', 'address', '{}'::jsonb, 'items', (SELECT jsonb_agg('i' || n) FROM generate_series(1, 10001) AS n)));
SELECT ganje.get_shipment('{"orderId": "1", "shipmentId": "A"}');
SELECT ganje.get_shipment('{"orderId": "2", "shipmentId": "A", "merchantId": "M81"}');
SELECT ganje.get_shipment('{"orderId": "1"}');
SELECT ganje.list_shipments('{}');
SELECT ganje.list_shipments('{"orderId": "nothing"}');

-- The carrier is told in the transaction that makes the shipment.
SELECT upsert81('{"orderId": "3", "shipmentId": "K", "storeId": "S81", "type": "ON_DEMAND", "provider": "COURIER", "zoneId": "81-ZONE", "day": "2026-03-01",
    "slot": ["10:00", "12:00"], "fee": {"amount": 6.90}, "address": {"phone": "+905551234567", "street": "Moda Cd. 5"},
    "items": [{"itemId": "p1", "qty": 2, "price": 5, "name": "Tea"}], "data": {"paymentMethod": {"id": 2, "name": "Kart"}}}');
SELECT get81('3', 'K');
BEGIN;
SELECT upsert81('{"orderId": "4", "shipmentId": "GONE", "storeId": "S81", "type": "CARGO", "provider": "GANJE", "address": {"phone": "+989121234567"}, "items": ["p1"]}');
SELECT o.shipment_id, o.path, o.body FROM ganje.outbox AS o WHERE o.merchant_id = 'M81' AND o.shipment_id = 'GONE';
ROLLBACK;
SELECT * FROM told81;
-- A change goes into the first request while that is not sent. Items are part of it.
SELECT upsert81('{"orderId": "3", "shipmentId": "K", "phone": "+905559999999", "items": [{"itemId": "p1", "qty": 1, "price": 5, "name": "Tea"}, {"itemId": "p4", "qty": 3, "price": 1, "name": "Salt"}]}');
SELECT * FROM told81;
-- Split: what one gives to another shipment of the order. A carrier takes both for one, unless it gets another externalId.
SELECT upsert81('{"orderId": "3", "shipmentId": "K", "items": [{"itemId": "p1", "qty": 1, "price": 5, "name": "Tea"}]}');
SELECT upsert81('{"orderId": "3", "shipmentId": "K2", "externalId": "3-2", "storeId": "S81", "type": "ON_DEMAND", "provider": "COURIER",
    "address": {"phone": "+905551234567", "street": "Moda Cd. 5"}, "items": [{"itemId": "p4", "qty": 3, "price": 1, "name": "Salt"}], "data": {"paymentMethod": {"id": 2, "name": "Kart"}}}');
SELECT upsert81('{"orderId": "3", "shipmentId": "K3", "storeId": "S81", "type": "ON_DEMAND", "provider": "COURIER",
    "address": {"phone": "+905551234567", "street": "Moda Cd. 5"}, "items": [{"itemId": "p5", "price": 1}], "data": {"paymentMethod": {"id": 2, "name": "Kart"}}}');
SELECT * FROM told81;
-- A courier who is found later is told then.
SELECT upsert81('{"orderId": "5", "shipmentId": "L", "storeId": "S81", "address": {"phone": "+905551234567", "street": "Moda Cd. 5"}, "items": [{"itemId": "p1", "price": 1, "name": "Tea"}], "data": {"paymentMethod": {"id": 2, "name": "Kart"}}}');
SELECT upsert81('{"orderId": "5", "shipmentId": "L", "type": "ON_DEMAND", "provider": "COURIER"}');
SELECT * FROM told81 WHERE shipment_id = 'L';
-- Another carrier, or another name at this one, would be another shipment.
SELECT upsert81('{"orderId": "5", "shipmentId": "L", "type": "CARGO", "provider": "GANJE"}');
SELECT upsert81('{"orderId": "5", "shipmentId": "L", "type": "CARGO", "provider": "PLAIN"}');
SELECT upsert81('{"orderId": "5", "shipmentId": "L", "externalId": "other"}');
-- A carrier that has been told and takes no changes.
UPDATE ganje.outbox_delivery SET attempts = 1 WHERE merchant_id = 'M81' AND shipment_id = 'L';
SELECT upsert81('{"orderId": "5", "shipmentId": "L", "phone": "+905550000001"}');
SELECT phone FROM ganje.shipment WHERE merchant_id = 'M81' AND shipment_id = 'L';
-- A provider that is deleted leaves what it carries where it is.
SELECT ganje.upsert_shipment_provider('{"merchantId": "M81", "storeId": "S81", "shipmentType": "ON_DEMAND", "providerId": "COURIER", "deleted": true}');
SELECT upsert81('{"orderId": "5", "shipmentId": "L", "data": {"internal": 1}}');
SELECT account_id, data -> 'internal' AS internal FROM ganje.shipment WHERE merchant_id = 'M81' AND shipment_id = 'L';

-- Items stay where the status is not "addable"; nothing changes after the end, nor what a carrier made.
SELECT ganje.change_shipment_status('1', 'A', s, 'M81') FROM unnest('{PACKAGING,READY}'::text[]) AS s;
SELECT upsert81('{"orderId": "1", "shipmentId": "A", "items": ["p9"]}'), upsert81('{"orderId": "1", "shipmentId": "A", "note": "still"}');
SELECT ganje.change_shipment_status('1', 'A', s, 'M81') FROM unnest('{IN_TRANSIT,DELIVERED}'::text[]) AS s;
SELECT upsert81('{"orderId": "1", "shipmentId": "A", "note": "too late"}');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, made_by, external_id) VALUES ('M81', 'G', '6', 'ginee', 'G');
SELECT upsert81('{"orderId": "6", "shipmentId": "G", "note": "n"}');
-- Nor is a slot that was held for it another one.
INSERT INTO ganje.hold (merchant_id, hold_id, zone_id, state, order_id, created_at, expires_at) VALUES ('M81', 'H', '81-ZONE', 'confirmed', '7', now(), 'infinity');
INSERT INTO ganje.hold_unit (merchant_id, hold_id, group_no, state, store_merchant_id, store_id, rule_id, type, day, slot_from, slot_to, fee, items, expires_at)
VALUES ('M81', 'H', 1, 'confirmed', 'M81', 'S81', 'r', 'SELF', '2026-03-01', '10:00', '12:00', 0, '[]', 'infinity');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, hold_id, group_no, store_merchant_id, store_id, type, zone_id, day, slot_from, slot_to)
VALUES ('M81', 'SLOT', '7', 'H', 1, 'M81', 'S81', 'SELF', '81-ZONE', '2026-03-01', '10:00', '12:00');
SELECT upsert81('{"orderId": "7", "shipmentId": "SLOT", "slot": ["12:00", "14:00"]}'), upsert81('{"orderId": "7", "shipmentId": "SLOT", "slot": ["10:00", "12:00"], "note": "n"}');

-- The first status of the project's own list is that of a new shipment, whoever makes it.
BEGIN;
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "VOID", "cancel": true}, {"status": "NEW", "cancellable": true}, {"status": "SENT"}]}') IS NOT NULL AS set;
SELECT upsert81('{"orderId": "8", "shipmentId": "N", "address": {}, "items": []}');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id) VALUES ('M81', 'N2', '8');
SELECT shipment_id, status, normalized_status FROM ganje.shipment WHERE merchant_id = 'M81' AND order_id = '8' ORDER BY 1;
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "VOID", "cancel": true}]}');
ROLLBACK;
SELECT ganje.delete_zone('{"zoneId": "81-ZONE"}') -> 'deleted' AS deleted;
DROP VIEW told81;
DROP FUNCTION upsert81, get81;
