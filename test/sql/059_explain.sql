-- explain_pools: what each rule offers for a cart, and what stands in its way.
\set SHOW_CONTEXT never
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "059", "name": "Explain", "timezone": 3, "minCartTotal": 20, "fee": 4.5, "rules": [{"addr": {"city": {"IN": ["city 059"]}}}]}') ->> 'zoneId';
CREATE FUNCTION pg_temp.store(store text, rules text, more text DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT ganje.upsert_store(jsonb_build_object('merchantId', 'M059', 'storeId', store, 'name', store, 'rules', rules::jsonb) || more::jsonb) ->> 'storeId'
$$;
CREATE FUNCTION pg_temp.ask(cart text, zone text DEFAULT '059') RETURNS TABLE (what text, verdict text, reason text) LANGUAGE sql AS $$
    SELECT concat_ws(' ', store_id, rule_id, type, provider), verdict, reason
      FROM ganje.explain_pools(jsonb_build_object('merchantId', 'M059', 'zoneId', zone, 'cart', cart::jsonb))
$$;
-- get_pools and explain_pools agree: what one has the other has.
CREATE FUNCTION pg_temp.agrees(cart text) RETURNS boolean LANGUAGE sql AS $$
    SELECT (jsonb_array_length(ganje.get_pools(jsonb_build_object('merchantId', 'M059', 'zoneId', '059', 'cart', cart::jsonb))) = 0)
         = EXISTS (SELECT FROM ganje.explain_pools(jsonb_build_object('merchantId', 'M059', 'zoneId', '059', 'cart', cart::jsonb)) WHERE store_id IS NULL)
$$;
\set cart '{"items": [{"itemId": "p1", "price": 15, "quantity": 2, "weight": 1, "categories": ["food"], "tags": ["new"]}, {"itemId": "p2", "price": 15, "weight": 4, "volume": 9, "categories": ["toys"]}, {"itemId": "p3", "weight": 5, "categories": ["toys"]}]}'

-- Every gate, each with its figures; several at once.
SELECT pg_temp.store('S1', '[{"ruleId": "01-open", "types": ["CARGO", "DRONE"], "providers": ["ARAS", "GONE"], "fee": 6.99},
    {"ruleId": "02-total", "types": ["CARGO"], "minCartTotal": 60.00},
    {"ruleId": "03-zone", "types": ["CARGO"], "zones": ["059-b"]},
    {"ruleId": "04-units", "types": ["CARGO"], "minOrderCount": 5},
    {"ruleId": "05-segment", "types": ["CARGO"], "segment": {"values": ["vip", "staff"]}},
    {"ruleId": "06-segments", "types": ["CARGO"], "segment": {"values": ["vip", "staff"], "all": true}},
    {"ruleId": "07-category", "types": ["CARGO"], "category": {"values": ["ice", "wine"]}},
    {"ruleId": "08-some", "types": ["CARGO"], "category": {"values": ["food"]}},
    {"ruleId": "09-tag", "types": ["CARGO"], "tag": {"values": ["new", "sale"], "all": true}},
    {"ruleId": "10-heavy", "types": ["CARGO"], "maxCartWeight": 3.5},
    {"ruleId": "11-bulky", "types": ["CARGO"], "maxCartVolume": 8},
    {"ruleId": "12-much", "types": ["CARGO"], "zones": ["059-b"], "minCartTotal": 46, "minOrderCount": 4.5, "days": ["7"]}]');
SELECT pg_temp.store('S2', '[{"ruleId": "r", "types": ["SELF"]}]', '{"zones": ["059-b"]}');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M059", "storeId": "S1", "shipmentType": "CARGO", "providerId": "GONE", "deleted": true}') ->> 'created';
SELECT * FROM pg_temp.ask(:'cart');
SELECT what, reason FROM pg_temp.ask('{"items": [{"itemId": "p1", "price": 15, "categories": ["toys"]}]}') WHERE what ~ '01|S2' OR what = '';
SELECT pg_temp.agrees(:'cart'), pg_temp.agrees('{"items": [{"itemId": "p1", "price": 15}]}');
SELECT * FROM ganje.explain_pools('{"merchantId": "M059", "zoneId": "059", "cart": {"items": [{"itemId": "p1", "price": 45}]}}') LIMIT 1;

-- Time: days, slots, cut-offs, the window of ON_DEMAND.
SELECT pg_temp.store('S1', '[{"ruleId": "01-slots", "types": ["RESERVED", "CARGO"], "days": ["1"], "slots": [["08:00","09:00"], ["10:00","12:00"], ["22:00","02:00"]], "cutoff": 60},
    {"ruleId": "02-past", "types": ["RESERVED"], "days": ["1"], "slots": [["09:16","10:16"]], "cutoff": 30},
    {"ruleId": "03-day", "types": ["RESERVED"], "days": ["6","7"], "slots": [["10:00","12:00"]]},
    {"ruleId": "04-days", "types": ["SELF"], "days": ["6"]},
    {"ruleId": "05-now", "types": ["ON_DEMAND"], "days": ["1"], "time": {"slot": ["08:00","20:00"], "in": 45}},
    {"ruleId": "06-soon", "types": ["ON_DEMAND"], "days": ["1"], "time": {"slot": ["10:00","20:00"], "in": 45}},
    {"ruleId": "07-late", "types": ["ON_DEMAND"], "days": ["1"], "time": {"slot": ["07:00","08:59"], "in": 45}},
    {"ruleId": "08-other", "types": ["ON_DEMAND"], "days": ["2"], "time": {"slot": ["07:00","20:00"], "in": 45}}]');
\set one '{"items": [{"itemId": "p1", "price": 45}]}'
SELECT * FROM pg_temp.ask(:'one') WHERE what ~ 'S1';

-- Capacity: how much of how much.
SELECT pg_temp.store('S1', '[{"ruleId": "01-slots", "types": ["RESERVED"], "days": ["1", "2"], "slots": [["10:00","12:00"], ["12:00","14:00"], ["14:00","16:00"]], "capacity": 2, "fee": 1},
    {"ruleId": "02-one", "types": ["RESERVED"], "days": ["1"], "slots": [["10:00","12:00"]], "capacity": 2, "fee": 0},
    {"ruleId": "03-day", "types": ["SELF"], "capacity": 1}, {"ruleId": "04-now", "types": ["ON_DEMAND"], "capacity": 1}, {"ruleId": "05-zero", "types": ["CARGO"], "capacity": 0}]');
SELECT count(ganje.hold_slot(format('{"merchantId": "M059", "zoneId": "059", "cart": %s, "pool": [{"items": ["p1"], %s}]}', :'one', pool)::jsonb) ->> 'holdId') AS held
  FROM unnest(ARRAY['"type": "RESERVED", "day": "2026-03-02", "slot": ["10:00","12:00"]', '"type": "RESERVED", "day": "2026-03-02", "slot": ["10:00","12:00"]', '"type": "SELF", "day": "2026-03-02"', '"type": "ON_DEMAND"']) AS pool;
SELECT * FROM pg_temp.ask(:'one') WHERE what ~ 'S1';
SELECT pg_temp.agrees(:'one');
-- Expired holds count no more.
SET ganje_logistics.now = '2026-03-02 06:06:00+00';
SELECT * FROM pg_temp.ask(:'one') WHERE what ~ '02|04';
SET ganje_logistics.now = '2026-03-02 06:00:00+00';

-- store.all: what the other rules forbid.
SELECT pg_temp.store('S1', '[{"ruleId": "a", "types": ["CARGO"]}, {"ruleId": "b", "types": ["SELF"], "category": {"values": ["food"]}}, {"ruleId": "c", "types": ["SELF"], "minCartTotal": 45}]', '{"all": true}');
SELECT * FROM pg_temp.ask(:'cart') WHERE what !~ 'S2';
SELECT what, verdict, reason FROM pg_temp.ask('{"items": [{"itemId": "p1", "price": 44, "categories": ["food"]}]}') WHERE what !~ 'S2';
-- Nothing is said of what is deleted.
SELECT ganje.delete_store('{"merchantId": "M059", "storeId": "S1"}') ->> 'deleted';
SELECT pg_temp.store('S2', '[]', '{"zones": []}');
SELECT * FROM pg_temp.ask(:'cart');
SELECT verdict, reason FROM ganje.explain_pools('{"merchantId": "M059", "address": {"city": "nowhere"}, "cart": {"items": [{"itemId": "p1"}]}}');

-- What is asked wrongly.
SELECT * FROM ganje.explain_pools('{"zoneId": "059-none", "cart": {"items": [{"itemId": "p1"}]}}');
SELECT * FROM ganje.explain_pools('{"zoneId": "059", "cart": {"items": []}}');
SELECT * FROM ganje.explain_pools('{"zoneId": "059", "pool": {"type": "SELF"}}');
SELECT * FROM ganje.explain_pools('[]');
SELECT * FROM ganje.explain_pools(NULL);

DELETE FROM ganje.zone WHERE zone_id = '059';
DELETE FROM ganje.hold WHERE merchant_id = 'M059';
DELETE FROM ganje.slot_counter WHERE merchant_id = 'M059';
DELETE FROM ganje.store WHERE merchant_id = 'M059';
