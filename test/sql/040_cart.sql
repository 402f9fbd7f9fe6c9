-- Carts: what the tables and an inline cart accept, and what is refused by name.
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.get(request text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN ganje.get_pools('{"zoneId": "040", "merchantId": "M040"}' || request::jsonb);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "040", "name": "Carts", "timezone": 3, "rules": [{"addr": {"city": {"IN": ["city 040"]}}}]}');
SELECT ganje.upsert_store('{"storeId": "S", "merchantId": "M040", "name": "Store", "rules": [
    {"ruleId": "cargo", "types": ["CARGO"], "providers": ["X"], "fee": 5}]}');

-- The tables
INSERT INTO ganje.cart (merchant_id, cart_id) VALUES ('M040', 'C1'), ('M040', 'EMPTY'), ('M040', 'GIFT');
INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id, position) VALUES ('M040', 'C1', 'b', 1), ('M040', 'C1', 'a', 2), ('M040', 'C1', 'c', 1);
INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id, item_type) VALUES ('M040', 'C1', 'wrap', 'service'), ('M040', 'GIFT', 'wrap', 'service');
SELECT pg_temp.get('{"cartId": "C1"}');
SELECT pg_temp.get('{"cartId": "EMPTY"}');
SELECT pg_temp.get('{"cartId": "GIFT"}');
SELECT pg_temp.get('{"cartId": "NONE"}');
SELECT pg_temp.get('{"cartId": "C1", "merchantId": "M-OTHER"}');
SELECT v, pg_temp.refusal(format('INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id, %s) VALUES (''M040'', ''C1'', ''x'', %s)', c, v))
  FROM (VALUES ('quantity', '0'), ('quantity', '-1'), ('quantity', '''NaN'''), ('price', '-0.01'), ('price', '''Infinity'''),
               ('weight', '-1'), ('volume', '-1'), ('item_merchant_id', '''''')) AS t(c, v);
SELECT pg_temp.refusal('INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id) VALUES (''M040'', ''NONE'', ''x'')');

-- An inline cart
SELECT pg_temp.get('{"cart": {"items": [{"itemId": "z"}, {"itemId": "a", "qty": 2, "variantGroupId": 7}]}}');
SELECT pg_temp.get('{"cart": {"items": [{"itemId": "z"}, {"itemId": "wrap", "itemType": "service", "price": -1}]}}');
SELECT pg_temp.get('{"merchantId": "M-OTHER", "cart": {"merchantId": "M040", "items": [{"itemId": "z"}]}}');
SELECT pg_temp.get('{"merchantId": "M-OTHER", "cart": {"items": [{"itemId": "z", "merchantId": "M040"}]}}');
SELECT cart, pg_temp.get(format('{"cart": %s}', cart))
  FROM (VALUES ('7'), ('{}'), ('{"items": {}}'), ('{"items": []}'), ('{"items": [7]}'), ('{"items": [{}]}'),
               ('{"items": [{"itemId": 7}]}'), ('{"items": [{"itemId": "a"}], "segment": []}'),
               ('{"items": [{"itemId": "a"}], "segments": "vip"}'), ('{"items": [{"itemId": "a"}], "segments": [1]}'),
               ('{"items": [{"itemId": "a", "price": -1}]}'), ('{"items": [{"itemId": "a", "weight": -0.001}]}'),
               ('{"items": [{"itemId": "a", "volume": -1}]}'), ('{"items": [{"itemId": "a", "quantity": 0}]}'),
               ('{"items": [{"itemId": "a", "quantity": -1}]}'), ('{"items": [{"itemId": "a", "qty": -1}]}'),
               ('{"items": [{"itemId": "a", "price": "5"}]}'), ('{"items": [{"itemId": "a", "weight": 1e-10}]}'),
               ('{"items": [{"itemId": "a", "weight": 1e300}]}'), ('{"items": [{"itemId": "a", "categories": "x"}]}'),
               ('{"items": [{"itemId": "a", "tags": [null]}]}'), ('{"items": [{"itemId": "a", "merchantId": 7}]}'),
               ('{"items": [{"itemId": "a", "itemType": 7}]}'),
               ('{"items": [{"itemId": "a"}, {"itemId": "b"}, {"itemId": "a"}]}')) AS t(cart);
SELECT left(pg_temp.get(jsonb_build_object('cart', jsonb_build_object('items',
    (SELECT jsonb_agg(jsonb_build_object('itemId', n::text)) FROM generate_series(1, 4097) AS n)))::text), 60);

-- The request
SELECT request, pg_temp.refusal(format('SELECT ganje.get_pools(%L)', request))
  FROM (VALUES ('[]'), ('{}'), ('{"cartId": 7, "zoneId": "040"}'), ('{"cartID": "C1", "zoneId": "040"}'),
               ('{"cartId": "C1", "merchantId": "M040"}'), ('{"cartId": "C1", "merchantId": "M040", "zoneId": "NONE"}'),
               ('{"cartId": "C1", "merchantId": "M040", "zoneId": 7}'),
               ('{"cartId": "C1", "merchantId": "M040", "zoneId": "040", "pool": []}'),
               ('{"cartId": "C1", "merchantId": "M040", "zoneId": "040", "pool": {"type": "CARGO"}}'),
               ('{"cartId": "C1", "merchantId": "M040", "zoneId": "040", "pool": null}')) AS t(request);
SELECT ganje.get_pools(NULL) IS NULL;

-- By address: the zone is located; where there is none, nothing is delivered.
SELECT ganje.get_pools('{"cartId": "C1", "merchantId": "M040", "address": {"city": "CITY 040"}}');
SELECT ganje.get_pools('{"cartId": "C1", "merchantId": "M040", "address": {"city": "nowhere 040"}}');
SELECT ganje.get_pools('{"cartId": "C1", "merchantId": "M040", "location": {"lat": 0, "lng": 0}}');
SELECT pg_temp.refusal($$SELECT ganje.get_pools('{"cartId": "C1", "merchantId": "M040", "location": {"lat": 91, "lng": 0}}')$$);
SELECT ganje.delete_zone('{"zoneId": "040"}') ->> 'deleted';
SELECT pg_temp.get('{"cartId": "C1"}');

DELETE FROM ganje.zone WHERE zone_id = '040';
DELETE FROM ganje.store WHERE merchant_id = 'M040';
DELETE FROM ganje.cart WHERE merchant_id = 'M040';
