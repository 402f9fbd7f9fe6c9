-- Options: defaults, every good value, every bad one.
\set SHOW_CONTEXT never
SELECT ganje.get_option('{"optionId": "SHIPMENT"}');
SELECT ganje.get_option('{"optionId": "SHIPMENT_TYPES"}');
SELECT jsonb_pretty(ganje.get_option('{"optionId": "SHIPMENT_STATUSES"}'));
SELECT count(*) AS rows_of_defaults FROM ganje.option;

-- Of SHIPMENT, keys that are not named keep their value; null is as good as absent.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 7}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxPools": 4, "linearStatuses": false}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": null, "maxPools": null}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {}}');
-- A whole number stays one however it is written.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 5.0, "maxPools": 1e1}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 0, "maxPools": 1}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 366, "maxPools": 100}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 367}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": -1}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 1.5}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": "3"}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxPools": 0}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxPools": 101}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxPools": 1e400}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"linearStatuses": "yes"}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxpools": 5}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": [1]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": "x"}');
SELECT ganje.get_option('{"optionId": "SHIPMENT"}') AS unchanged_by_errors;

-- Types are replaced as a whole.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["CARGO", "LOCKER"]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": []}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": {"CARGO": true}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["CARGO", 5]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["CARGO", null]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["CARGO", ""]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["CARGO", "SELF", "CARGO"]}');
SELECT ganje.get_option('{"optionId": "SHIPMENT_TYPES"}') AS unchanged_by_errors;

-- Statuses likewise; a flag that is null is absent.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "NEW", "cancellable": true, "addable": null},
    {"status": "DONE", "cancel": false, "back": true, "trackDelivery": true, "triggerInvoice": true}]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": ["NEW"]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "NEW"}, {"cancel": true}]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "NEW", "cancelable": true}]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "NEW", "cancellable": 1}]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "NEW"}, {"status": "NEW"}]}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": []}');

-- The request itself.
SELECT ganje.upsert_option('{"optionId": "SHIPPING", "data": {}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT"}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": null}');
SELECT ganje.upsert_option('{"data": {}}');
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {}, "date": 1}');
SELECT ganje.upsert_option('[]');
SELECT ganje.upsert_option(NULL);
SELECT ganje.get_option('{"optionId": "SHIPPING"}');
SELECT ganje.get_option('{"optionId": 5}');
SELECT ganje.get_option('{}');
SELECT ganje.get_option(NULL);

-- A plain INSERT is checked like an upsert.
INSERT INTO ganje.option (option_id, data) VALUES ('SHIPPING', '{}');
UPDATE ganje.option SET data = '{"days": "many"}' WHERE option_id = 'SHIPMENT';
UPDATE ganje.option SET data = NULL WHERE option_id = 'SHIPMENT';
DELETE FROM ganje.option;
INSERT INTO ganje.option (option_id, data) VALUES ('SHIPMENT', '{"days": 2.0, "maxPools": null}') RETURNING data;
SELECT ganje.get_option('{"optionId": "SHIPMENT"}');
DELETE FROM ganje.option;
SELECT ganje.get_option('{"optionId": "SHIPMENT"}') AS back_to_the_default;
