-- Pools: covers made partitions, and what of their options is shown.
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "050", "name": "Pools", "timezone": 3, "fee": 4.5, "rules": [{"addr": {"city": {"IN": ["city 050"]}}}]}');
-- One store of a merchant; an existing one is replaced.
CREATE FUNCTION pg_temp.store(merchant text, store text, rules text) RETURNS text LANGUAGE sql AS $$
    SELECT ganje.upsert_store(jsonb_build_object('merchantId', merchant, 'storeId', store, 'name', store, 'rules', rules::jsonb)) ->> 'storeId'
$$;
-- Pools as rows: items of each group and its options, one a line.
CREATE FUNCTION pg_temp.pools(merchant text, items text) RETURNS TABLE (pool bigint, items text, options text) LANGUAGE sql AS $$
    SELECT p.n, g.value ->> 'items', string_agg(o.value::text, E'\n' ORDER BY o.n)
      FROM jsonb_array_elements(ganje.get_pools(jsonb_build_object('merchantId', merchant, 'zoneId', '050',
               'cart', jsonb_build_object('items', items::jsonb)))) WITH ORDINALITY AS p(value, n),
           jsonb_array_elements(p.value) WITH ORDINALITY AS g(value, n),
           jsonb_array_elements(g.value -> 'options') WITH ORDINALITY AS o(value, n)
     GROUP BY p.n, g.n, g.value ORDER BY p.n, g.n
$$;

-- Three items, three stores of two items each, one of all: one group first, then
-- pairs by fee, then by items; the shared item goes to the larger, then cheaper set.
SELECT pg_temp.store('M050a', 'AB', '[{"ruleId": "r", "types": ["CARGO"], "fee": 3, "category": {"values": ["a", "b"]}}]');
SELECT pg_temp.store('M050a', 'BC', '[{"ruleId": "r", "types": ["CARGO"], "fee": 2, "category": {"values": ["b", "c"]}}]');
SELECT pg_temp.store('M050a', 'CA', '[{"ruleId": "r", "types": ["CARGO"], "fee": 4, "category": {"values": ["c", "a"]}}]');
SELECT pg_temp.store('M050a', 'ABC', '[{"ruleId": "r", "types": ["CARGO"], "fee": 20}]');
SELECT * FROM pg_temp.pools('M050a', '[{"itemId": "a", "categories": ["a"]}, {"itemId": "b", "categories": ["b"]}, {"itemId": "c", "categories": ["c"]}]');
-- maxPools cuts the list, not the order.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxPools": 2}}') #> '{data,maxPools}';
SELECT pool, items FROM pg_temp.pools('M050a', '[{"itemId": "a", "categories": ["a"]}, {"itemId": "b", "categories": ["b"]}, {"itemId": "c", "categories": ["c"]}]');
DELETE FROM ganje.option;
-- An item that nobody serves: no pool.
SELECT * FROM pg_temp.pools('M050a', '[{"itemId": "a", "categories": ["a"]}, {"itemId": "x", "merchantId": "M050none"}]');

-- Stores are merged by type, provider where shown, and fee; the dearer of two equal faces keeps what the other has not.
SELECT pg_temp.store('M050b', 'S1', '[{"ruleId": "r", "types": ["RESERVED"], "days": ["2"], "slots": [["10:00","12:00"],["12:00","14:00"]], "fee": 6}]');
SELECT pg_temp.store('M050b', 'S2', '[{"ruleId": "r", "types": ["RESERVED"], "days": ["2","3"], "slots": [["12:00","14:00"],["14:00","16:00"]], "fee": 6.0}]');
SELECT pg_temp.store('M050b', 'S3', '[{"ruleId": "r", "types": ["RESERVED"], "days": ["2","4"], "slots": [["10:00","12:00"],["18:00","20:00"]], "fee": 8}]');
SELECT pg_temp.store('M050b', 'S4', '[{"ruleId": "r", "types": ["RESERVED"], "days": ["2"], "slots": [["10:00","12:00"],["14:00","16:00"]], "fee": 9}]');
SELECT * FROM pg_temp.pools('M050b', '[{"itemId": "a"}]');

-- CARGO shows its provider, others hide it unless a carrier account is behind it.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http) VALUES ('050', 'ganje', 'http://127.0.0.1:9', true);
SELECT pg_temp.store('M050c', 'S1', '[{"ruleId": "cargo", "types": ["CARGO"], "providers": ["ARAS", "YURTICI", "GONE"], "fee": 9},
    {"ruleId": "plain", "types": ["CARGO"], "fee": 8},
    {"ruleId": "moto", "types": ["ON_DEMAND", "SELF"], "providers": ["MOTO1", "MOTO2", "TIED"]}]');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M050c", "storeId": "S1", "shipmentType": "ON_DEMAND", "providerId": "TIED", "name": "Send via Ganje", "data": {"carrierAccount": "050"}}');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M050c", "storeId": "S1", "shipmentType": "ON_DEMAND", "providerId": "MOTO1", "data": {"phone": "1"}}');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M050c", "storeId": "S1", "shipmentType": "CARGO", "providerId": "GONE", "deleted": true}');
SELECT * FROM pg_temp.pools('M050c', '[{"itemId": "a"}]');
-- Where every provider of a rule is gone, so is the rule.
SELECT pg_temp.store('M050d', 'S1', '[{"ruleId": "cargo", "types": ["CARGO"], "providers": ["GONE"], "fee": 9}]');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M050d", "storeId": "S1", "shipmentType": "CARGO", "providerId": "GONE", "deleted": true}');
SELECT * FROM pg_temp.pools('M050d', '[{"itemId": "a"}]');

-- Fees: of the rule, else of the zone, else nothing; {"amount"} is a number too.
SELECT pg_temp.store('M050e', 'S1', '[{"ruleId": "a", "types": ["CARGO"], "fee": {"amount": 7.25}}, {"ruleId": "b", "types": ["SELF"]}, {"ruleId": "c", "types": ["RESERVED"], "fee": 0}]');
SELECT * FROM pg_temp.pools('M050e', '[{"itemId": "a"}]');
SELECT ganje.upsert_zone('{"zoneId": "050", "fee": null}') ->> 'created';
SELECT options FROM pg_temp.pools('M050e', '[{"itemId": "a"}]');

-- Several merchants: each item is shipped by its merchant's stores.
SELECT pg_temp.store('M050f', 'S1', '[{"ruleId": "r", "types": ["CARGO"], "fee": 1}]');
SELECT pg_temp.store('M050g', 'S1', '[{"ruleId": "r", "types": ["CARGO"], "fee": 2}]');
SELECT * FROM pg_temp.pools('M050f', '[{"itemId": "b"}, {"itemId": "a", "merchantId": "M050g"}, {"itemId": "c", "merchantId": "M050f"}]');

-- Rules deleted, stores deleted, and brought back.
SELECT ganje.delete_store('{"merchantId": "M050g", "storeId": "S1"}') ->> 'deleted';
SELECT * FROM pg_temp.pools('M050g', '[{"itemId": "a"}]');
SELECT ganje.upsert_store('{"merchantId": "M050g", "storeId": "S1", "deleted": false}') ->> 'created';
SELECT * FROM pg_temp.pools('M050g', '[{"itemId": "a"}]');
SELECT pg_temp.store('M050g', 'S1', '[]');
SELECT * FROM pg_temp.pools('M050g', '[{"itemId": "a"}]');

-- What-if: rules edited, asked, rolled back.
BEGIN;
SELECT pg_temp.store('M050f', 'S1', '[{"ruleId": "r", "types": ["CARGO"], "fee": 99}]');
SELECT options FROM pg_temp.pools('M050f', '[{"itemId": "a"}]');
ROLLBACK;
SELECT options FROM pg_temp.pools('M050f', '[{"itemId": "a"}]');

-- A spent budget warns and answers what it has: pools as right as ever, perhaps not the best.
SELECT count(pg_temp.store('M050h', 'S' || i, format('[{"ruleId": "r", "types": ["CARGO"], "fee": %s, "category": {"values": [%s]}}]', i % 7,
           (SELECT string_agg(format('"%s"', j), ',') FROM generate_series(0, 39) AS j WHERE hashint4(i * 100 + j) % 4 = 0))))
  FROM generate_series(1, 60) AS i;
SET ganje_logistics.pool_budget = 1000;
SELECT count(DISTINCT pool) > 0 AS found
  FROM pg_temp.pools('M050h', (SELECT jsonb_agg(jsonb_build_object('itemId', j, 'categories', ARRAY[j])) FROM (SELECT n::text FROM generate_series(0, 39) AS n) AS t(j))::text);
-- Without one the search of a hard cart would last for minutes; it can be cancelled.
SELECT count(pg_temp.store('M050c', 'S' || i, format('[{"ruleId": "r", "types": ["CARGO"], "category": {"values": ["%s", "%s"]}}]', i, (i + 1) % 64)))
  FROM generate_series(0, 63) AS i;
SET ganje_logistics.pool_budget = 2147483647;
SET statement_timeout = '200ms';
\set SHOW_CONTEXT never
SELECT count(*)
  FROM pg_temp.pools('M050c', (SELECT jsonb_agg(jsonb_build_object('itemId', j, 'categories', ARRAY[j])) FROM (SELECT n::text FROM generate_series(0, 63) AS n) AS t(j))::text);
\set SHOW_CONTEXT errors
RESET statement_timeout;
RESET ganje_logistics.pool_budget;

-- The answer is written as it is stored: byte for byte what the server itself would make of it.
SELECT pg_temp.store('M050i', 'S1', jsonb_build_array(
    jsonb_build_object('ruleId', 'many', 'types', ARRAY['CARGO'], 'providers', (SELECT jsonb_agg('P' || n) FROM generate_series(1, 70) AS n), 'fee', 1.5),
    jsonb_build_object('ruleId', 'slots', 'types', ARRAY['RESERVED'], 'days', ARRAY['1', '2', '3', '4'], 'fee', 567890.123456,
                       'slots', (SELECT jsonb_agg(jsonb_build_array(to_char(make_time(n / 4, n % 4 * 15, 0), 'HH24:MI'), '24:00')) FROM generate_series(0, 90) AS n)),
    jsonb_build_object('ruleId', 'none', 'types', ARRAY['SELF'], 'fee', 0))::text);
SELECT asked, answer = again AS same, pg_column_size(answer) = pg_column_size(again) AS same_size
  FROM (SELECT asked, ganje.get_pools(request) AS answer, ganje.get_pools(request)::text::jsonb AS again
          FROM unnest('{M050a,M050b,M050c,M050i,M050none}'::text[]) AS asked,
               LATERAL (SELECT jsonb_build_object('merchantId', asked, 'zoneId', '050', 'cart', jsonb_build_object('items',
                   (SELECT jsonb_agg(jsonb_build_object('itemId', chr(96 + n) || repeat('ü', n), 'categories', ARRAY[chr(97 + n % 3)])) FROM generate_series(1, 40) AS n)))) AS r(request)) AS both_ways;

DELETE FROM ganje.zone WHERE zone_id = '050';
DELETE FROM ganje.store WHERE merchant_id LIKE 'M050%';
DELETE FROM ganje.carrier_account WHERE account_id = '050';
