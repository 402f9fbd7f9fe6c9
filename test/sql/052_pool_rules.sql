-- The gates of an offer, one after the other.
\set SHOW_CONTEXT never
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "052", "name": "Gates", "minCartTotal": 20, "rules": [{"addr": {"city": {"IN": ["city 052"]}}}]}');
SELECT ganje.upsert_zone('{"zoneId": "052-b", "name": "Gates b", "rules": [{"addr": {"city": {"IN": ["city 052b"]}}}]}');
-- Asks for a cart with one rule (or several) in force.  Each answer: the items of each group, and its types.
CREATE FUNCTION pg_temp.ask(cart text, rules text, zone text DEFAULT '052', store text DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    PERFORM ganje.upsert_store('{"merchantId": "M052", "storeId": "S", "name": "S", "zones": [], "all": false}'
        || jsonb_build_object('rules', rules::jsonb) || store::jsonb);
    SELECT string_agg(p.groups, ' or ' ORDER BY p.n) INTO answer
      FROM (SELECT p.n, string_agg((g.value ->> 'items') || ' ' || (SELECT string_agg(DISTINCT o.value ->> 'type', ',') FROM jsonb_array_elements(g.value -> 'options') AS o(value)), ' + ' ORDER BY g.n) AS groups
              FROM jsonb_array_elements(ganje.get_pools(jsonb_build_object('merchantId', 'M052', 'zoneId', zone, 'cart', cart::jsonb))) WITH ORDINALITY AS p(value, n),
                   jsonb_array_elements(p.value) WITH ORDINALITY AS g(value, n)
             GROUP BY p.n) AS p;
    RETURN coalesce(answer, 'none');
END
$$;
\set one '{"items": [{"itemId": "a", "price": 30}]}'

-- Zones of store and rule; an empty list restricts nothing.
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"]}]');
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"], "zones": []}]');
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"], "zones": ["052"]}]');
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"], "zones": ["052-b"]}]');
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"]}]', store => '{"zones": ["052-b", "052"]}');
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"], "zones": ["052"]}]', store => '{"zones": ["052-b"]}');
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"], "zones": ["052"]}]', '052-b', '{"zones": ["052-b"]}');

-- minCartTotal of the zone (20) and of the rule: the larger counts, and reaching it is enough.
SELECT price, pg_temp.ask(format('{"items": [{"itemId": "a", "quantity": 2, "price": %s}]}', price), '[{"ruleId": "r", "types": ["CARGO"]}]') AS "zone 20",
       pg_temp.ask(format('{"items": [{"itemId": "a", "quantity": 2, "price": %s}]}', price), '[{"ruleId": "r", "types": ["CARGO"], "minCartTotal": 5}]') AS "rule 5",
       pg_temp.ask(format('{"items": [{"itemId": "a", "quantity": 2, "price": %s}]}', price), '[{"ruleId": "r", "types": ["CARGO"], "minCartTotal": 20.02}]') AS "rule 20.02"
  FROM unnest('{9.99,10,10.01}'::numeric[]) AS price;

-- minOrderCount counts units, not lines.
SELECT cart, pg_temp.ask(format('{"items": %s}', cart), '[{"ruleId": "r", "types": ["CARGO"], "minOrderCount": 3}]')
  FROM (VALUES ('[{"itemId": "a", "price": 30, "quantity": 2}]'), ('[{"itemId": "a", "price": 30, "quantity": 3}]'),
               ('[{"itemId": "a", "price": 30}, {"itemId": "b"}, {"itemId": "c"}]'),
               ('[{"itemId": "a", "price": 30, "quantity": 2.5}, {"itemId": "b", "quantity": 0.5}]'),
               ('[{"itemId": "a", "price": 30, "quantity": 2}, {"itemId": "w", "itemType": "wrapping", "quantity": 9}]')) AS t(cart);

-- Segments: any, or all.
SELECT segments, pg_temp.ask(format('{"segments": %s, "items": [{"itemId": "a", "price": 30}]}', segments), '[{"ruleId": "r", "types": ["CARGO"], "segment": {"values": ["vip", "staff"]}}]') AS "any",
       pg_temp.ask(format('{"segments": %s, "items": [{"itemId": "a", "price": 30}]}', segments), '[{"ruleId": "r", "types": ["CARGO"], "segment": {"values": ["vip", "staff"], "all": true}}]') AS "all"
  FROM unnest(ARRAY['[]', '["vip"]', '["staff", "vip"]', '["VIP"]']) AS segments;

-- Category and tag: any, or all; both must pass.
\set dressed '{"items": [{"itemId": "a", "price": 30, "categories": ["dry", "food"], "tags": ["new"]}, {"itemId": "b", "categories": ["food"], "tags": ["new", "sale"]}]}'
SELECT pg_temp.ask(:'dressed', '[{"ruleId": "r", "types": ["CARGO"], "category": {"values": ["food", "ice"]}}]');
SELECT pg_temp.ask(:'dressed', '[{"ruleId": "r", "types": ["CARGO"], "category": {"values": ["food", "dry"], "all": true}}, {"ruleId": "s", "types": ["SELF"], "category": {"values": ["food"]}}]');
SELECT pg_temp.ask(:'dressed', '[{"ruleId": "r", "types": ["CARGO"], "tag": {"values": ["sale"]}}, {"ruleId": "s", "types": ["SELF"], "category": {"values": ["dry"]}, "tag": {"values": ["new", "sale"]}}]');
SELECT pg_temp.ask(:'dressed', '[{"ruleId": "r", "types": ["CARGO"], "category": {"values": ["dry"]}, "tag": {"values": ["sale"]}}]');

-- Weight and volume: in cart order, what still fits; fractions are exact.
\set heavy '{"items": [{"itemId": "c", "price": 30, "weight": 0.1, "quantity": 3, "tags": ["c"]}, {"itemId": "a", "weight": 0.7, "tags": ["a"]}, {"itemId": "b", "weight": 0.2, "quantity": 1.5, "tags": ["b"]}]}'
\set singly '{"ruleId": "a", "types": ["SELF"], "tag": {"values": ["a"]}}, {"ruleId": "b", "types": ["SELF"], "tag": {"values": ["b"]}}, {"ruleId": "c", "types": ["SELF"], "tag": {"values": ["c"]}}'
SELECT kg, split_part(pg_temp.ask(:'heavy', format('[{"ruleId": "r", "types": ["CARGO"], "maxCartWeight": %s}, %s]', kg, :'singly')), ' or ', 1)
  FROM unnest('{0,0.29,0.3,0.6,0.99,1,1.29,1.3,1e15}'::numeric[]) AS kg;
SELECT liters, split_part(pg_temp.ask('{"items": [{"itemId": "a", "price": 30, "weight": 1, "volume": 8, "tags": ["a"]}, {"itemId": "b", "weight": 5, "volume": 1, "tags": ["b"]}, {"itemId": "c", "weight": 1, "volume": 2, "tags": ["c"]}]}',
    format('[{"ruleId": "r", "types": ["CARGO"], "maxCartWeight": 5, "maxCartVolume": %s}, %s]', liters, :'singly')), ' or ', 1)
  FROM unnest('{7.999,9.999,10}'::numeric[]) AS liters;

-- SHIPMENT_TYPES restricts, and its order is the order of types.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["SELF", "DRONE"]}') -> 'data';
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO", "DRONE", "SELF"]}]');
SELECT ganje.get_pools('{"merchantId": "M052", "zoneId": "052", "cart": {"items": [{"itemId": "a", "price": 30}]}}');
SELECT pg_temp.ask(:'one', '[{"ruleId": "r", "types": ["CARGO"]}]');
DELETE FROM ganje.option;

-- store.all: only what every rule would serve, while every rule's gates hold; then every rule's options.
\set two '{"items": [{"itemId": "a", "price": 30, "categories": ["x", "y"]}, {"itemId": "b", "categories": ["x"]}]}'
SELECT pg_temp.ask(:'two', '[{"ruleId": "r", "types": ["CARGO"], "category": {"values": ["x"]}}, {"ruleId": "s", "types": ["SELF"], "category": {"values": ["y"]}}]', store => '{"all": true}');
SELECT pg_temp.ask('{"items": [{"itemId": "a", "price": 30, "categories": ["x", "y"]}]}', '[{"ruleId": "r", "types": ["CARGO"], "category": {"values": ["x"]}}, {"ruleId": "s", "types": ["SELF"], "category": {"values": ["y"]}}]', store => '{"all": true}');
SELECT gate, pg_temp.ask(:'two', format('[{"ruleId": "r", "types": ["CARGO"]}, {"ruleId": "s", "types": ["SELF"], %s}]', gate), store => '{"all": true}')
  FROM unnest(ARRAY['"minCartTotal": 30', '"minCartTotal": 31', '"minOrderCount": 2', '"minOrderCount": 3', '"zones": ["052"]', '"zones": ["052-b"]',
                    '"segment": {"values": ["vip"]}', '"capacity": 1', '"capacity": 0', '"days": ["1"]', '"days": ["1"], "slots": [["05:00", "06:00"]]',
                    '"days": ["7"]', '"maxCartWeight": 0']) AS gate;

-- A deleted rule serves nothing, nor counts for store.all.
SELECT pg_temp.ask(:'two', '[{"ruleId": "r", "types": ["CARGO"]}]', store => '{"all": true}');

DELETE FROM ganje.zone WHERE zone_id LIKE '052%';
DELETE FROM ganje.store WHERE merchant_id = 'M052';
