-- Every action of RBS by its full name.
\set SHOW_CONTEXT never
DELETE FROM ganje.option WHERE option_id = 'SHIPMENT';
-- Each has a function that takes jsonb and answers jsonb, and call reaches it: what the two answer, or refuse, is the same.
SELECT a.action, p.proname FROM ganje.actions() AS a LEFT JOIN pg_proc AS p
    ON p.oid = to_regprocedure(format('ganje.%I(jsonb)', a.function)) AND p.prorettype = 'jsonb'::regtype;
CREATE FUNCTION say88(statement text, data jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    EXECUTE statement INTO answer USING data;
    RETURN coalesce(answer::text, 'NULL');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT a.action, d AS data, say88(format('SELECT ganje.%I($1)', a.function), d) AS "by function"
  FROM ganje.actions() AS a CROSS JOIN unnest('{"{}","{\"nonsense\": 1}"}'::jsonb[]) AS d
 WHERE say88(format('SELECT ganje.%I($1)', a.function), d) <> say88(format('SELECT ganje.call(%L, $1)', a.action), d);
SELECT ganje.call('rbs.logistics.request.' || a, d) FROM (VALUES
    (1, 'UPSERT_OPTION', '{"optionId": "SHIPMENT", "data": {"days": 3, "linearStatuses": true}}'::jsonb), (2, 'GET_OPTION', '{"optionId": "SHIPMENT"}'),
    (3, 'UPSERT_ZONE', '{"zoneId": "88", "name": "Test", "timezone": 3, "priority": 1000, "rules": [{"addr": {"city": {"IN": ["88"]}}}]}'), (4, 'GET_ZONE', '{"zoneId": "88"}'),
    (5, 'LOCATE_ZONE', '{"address": {"city": "88"}}'), (6, 'UPSERT_STORE', '{"merchantId": "M88", "storeId": "S", "name": "Test", "rules": [{"ruleId": "r", "types": ["SELF"], "fee": 2}]}'),
    (7, 'GET_STORE', '{"merchantId": "M88", "storeId": "S"}'), (8, 'UPSERT_SHIPMENT_PROVIDER', '{"merchantId": "M88", "storeId": "S", "shipmentType": "CARGO", "providerId": "P", "data": {}}'),
    (9, 'LIST_SHIPMENT_PROVIDERS', '{"merchantId": "M88", "storeId": "S"}'), (10, 'GET_REQUIREMENTS', '{"merchantId": "M88", "zoneId": "88"}'),
    (11, 'UPSERT_SHIPMENT', '{"merchantId": "M88", "orderId": "1", "shipmentId": "A", "address": {"phone": "0912 123 45 67"}, "items": ["p1"]}'),
    (12, 'CHANGE_SHIPMENT_STATUS', '{"merchantId": "M88", "orderId": "1", "shipmentId": "A", "next": true}'), (13, 'DELETE_STORE', '{"merchantId": "M88", "storeId": "S"}'),
    (14, 'LIST_STORES', '{"merchantId": "M88"}')) AS v(n, a, d) ORDER BY n;
SELECT ganje.call('rbs.logistics.get.LOCATE_ZONE', '{"address": {"city": "88"}}');
SELECT jsonb_array_length(ganje.call('rbs.logistics.request.LIST_ZONES')) > 0 AS listed;
SELECT ganje.call('rbs.logistics.request.GET_POOLS', '{"zoneId": "88", "cart": {"merchantId": "M88", "items": [{"itemId": "a", "qty": 1, "price": 5}]}}');

-- The process of the seed, and how it refuses; the path leads into the payload.
SELECT ganje.call('rbs.process.request.START', '{"processId": "SHIPMENT_JOURNEY", "payload": {"merchantId": "M88", "orderId": "1", "shipmentId": "A",
    "status": "READY", "boxes": ["BARCODE_1", "BARCODE_2"], "trackingUrl": "url", "courierName": "NAME SURNAME", "cannotCancel": true}}');
SELECT ganje.call('rbs.process.request.START', '{"processId": "SHIPMENT_JOURNEY", "payload": {"merchantId": "M88", "orderId": "1", "shipmentId": "A", "status": "CANCELLED"}}');
SELECT ganje.call('rbs.process.request.START', '{"processId": "SHIPMENT_JOURNEY", "payload": {"orderId": "1", "shipmentId": "A"}}');
SELECT ganje.call('rbs.process.request.START', '{"processId": "SHIPMENT_JOURNEY", "payload": {"merchantId": "M88", "orderId": "1", "shipmentId": "A", "status": "LOST"}}');
SELECT ganje.call('rbs.process.request.START', '{"processId": "SHIPMENT_JOURNEY", "payload": {"orderId": "1", "shipmentId": "A", "status": "READY", "boxes": ["a", 5]}}');
SELECT ganje.call('rbs.process.request.START', '{"processId": "SHIPMENT_JOURNEY"}');
SELECT ganje.call('rbs.process.request.START', '{"processId": "CREATE_ORDER_AND_SHIPMENTS", "payload": {}}');
SELECT ganje.call('rbs.shipment.request.DATA', '{"orderId": "1", "phoneNumber": "+98 912 123 4567", "merchantId": "M88"}') #- '{shipments,0,journey}';

-- No such action: those that are near are named.
\set VERBOSITY default
SELECT ganje.call('rbs.logistics.request.GET_POOL', '{}');
SELECT ganje.call('LIST_SHIPMENT', '{}');
SELECT ganje.call('rbs.logistics.request.get_pools', '{}');
SELECT ganje.call('rbs.oms.request.CAN_RETURN', '{}');
SELECT ganje.call('', '{}');
SELECT ganje.call(NULL, '{}');
SELECT ganje.call('rbs.logistics.request.GET_POOLS', NULL);
SELECT length(say88('SELECT ganje.call(repeat(''İ'', 100000), $1)', '{}')) AS bounded;
SELECT ganje.edit_distance('GET_POOL', 'GET_POOLS'), ganje.edit_distance('', 'abc'), ganje.edit_distance('şişe', 'sise'), ganje.edit_distance(repeat('ş', 5000), '') AS long;
-- A name is no SQL.
SELECT ganje.call('rbs.logistics.request.GET_POOLS($1); DROP TABLE ganje.zone; --', '{}');

-- As whoever calls: what a role may not execute by itself it may not execute so.
CREATE ROLE regress_caller88;
GRANT USAGE ON SCHEMA ganje TO regress_caller88;
GRANT EXECUTE ON FUNCTION ganje.call(text, jsonb), ganje.actions(), ganje.get_option(jsonb) TO regress_caller88;
SET ROLE regress_caller88;
SELECT ganje.call('rbs.logistics.request.GET_OPTION', '{"optionId": "SHIPMENT_TYPES"}');
SELECT ganje.call('rbs.logistics.request.UPSERT_OPTION', '{"optionId": "SHIPMENT_TYPES", "data": ["SELF"]}');
RESET ROLE;
DROP OWNED BY regress_caller88;
DROP ROLE regress_caller88;
DELETE FROM ganje.option WHERE option_id = 'SHIPMENT';
SELECT ganje.call('rbs.logistics.request.DELETE_ZONE', '{"zoneId": "88"}') -> 'deleted' AS deleted;
DROP FUNCTION say88;
