-- Shipment providers.
\set SHOW_CONTEXT never
SELECT ganje.upsert_store('{"storeId": "S32", "name": "Store"}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "YURTICI_KARGO", "name": "Yurtiçi Kargo", "data": {"contract": 5, "note": null}}');
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "YURTICI_KARGO"}');
-- Keys that are not named keep their value; data is replaced as a whole.
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "YURTICI_KARGO", "name": "YK", "data": null}');
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "YURTICI_KARGO"}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "YURTICI_KARGO", "data": {}}');
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "YURTICI_KARGO"}');
-- The same id under another type is another provider; data may be anything.
SELECT ganje.upsert_shipment_provider('{"merchantId": "DEFAULT", "storeId": "S32", "shipmentType": "RESERVED", "providerId": "34ABC123", "data": "a note"}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "ON_DEMAND", "providerId": "34ABC123"}');
SELECT answer ->> 'providerId' ~ '^[0-9A-HJKMNP-TV-Z]{26}$' AS is_ulid, answer - 'providerId' AS rest
  FROM ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "SELF"}') AS answer;
DELETE FROM ganje.shipment_provider WHERE shipment_type = 'SELF';
SELECT jsonb_pretty(ganje.list_shipment_providers('{"storeId": "S32"}'));

-- Tied to a carrier account, which must be there.
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "GANJE", "data": {"carrierAccount": "A32"}}');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('A32', 'ganje', 'https://ganje.example');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "GANJE", "data": {"carrierAccount": "A32"}}');
SELECT provider_id, carrier_account FROM ganje.shipment_provider WHERE carrier_account IS NOT NULL;
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "GANJE", "data": {"carrierAccount": "A32X"}}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "GANJE", "data": {"carrierAccount": 5}}');
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "GANJE"}') -> 'data' AS unchanged;

-- Soft deletion, and back.
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "ON_DEMAND", "providerId": "34ABC123", "deleted": true}');
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "ON_DEMAND", "providerId": "34ABC123"}');
SELECT p ->> 'shipmentType' AS type, p ->> 'providerId' AS id FROM jsonb_array_elements(ganje.list_shipment_providers('{}')) AS p;
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "ON_DEMAND", "providerId": "34ABC123", "deleted": false}');
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "ON_DEMAND", "providerId": "34ABC123"}');

-- Bad input.
SELECT ganje.upsert_shipment_provider('{"storeId": "S32NEVER", "shipmentType": "CARGO", "providerId": "X"}');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M32", "storeId": "S32", "shipmentType": "CARGO", "providerId": "X"}');
SELECT ganje.upsert_shipment_provider('{"shipmentType": "CARGO", "providerId": "X"}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "providerId": "X"}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "", "providerId": "X"}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": 5}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "provider": "X"}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "X", "name": ""}');
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "X", "deleted": "no"}');
SELECT ganje.upsert_shipment_provider('[]');
SELECT ganje.upsert_shipment_provider(NULL);
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO"}');
SELECT ganje.get_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "NEVER"}');
SELECT ganje.list_shipment_providers('{"shipmentType": "CARGO"}');
SELECT ganje.list_shipment_providers(NULL);
-- A deleted store has no new providers.
SELECT ganje.delete_store('{"storeId": "S32"}') -> 'deleted' AS deleted;
SELECT ganje.upsert_shipment_provider('{"storeId": "S32", "shipmentType": "CARGO", "providerId": "X"}');
DELETE FROM ganje.store;
DELETE FROM ganje.carrier_account WHERE account_id = 'A32';
