-- What bench_pools asks about: stores of one merchant with 8 rules each, 7 days
-- of 8 slots, and counters of which some are full. The same seed makes the same.

CREATE SCHEMA bench;
CREATE TABLE bench.request (request jsonb);

-- A share of ten categories; a cart is seldom carried by one rule alone.
CREATE FUNCTION bench.some_categories(least_count int) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
    SELECT jsonb_agg('c' || n) FROM (SELECT n FROM generate_series(0, 9) AS n ORDER BY random()
                                      LIMIT least_count + floor(random() * 4)::int) AS chosen
$$;

CREATE FUNCTION bench.fill(items int, stores int, counters int, full_share float8) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    slots jsonb[] := ARRAY['[["08:00","10:00"],["10:00","12:00"],["12:00","14:00"],["14:00","16:00"],["16:00","18:00"],["18:00","20:00"],["20:00","22:00"],["22:00","24:00"]]',
                           '[["07:00","09:00"],["09:00","11:00"],["11:00","13:00"],["13:00","15:00"],["15:00","17:00"],["17:00","19:00"],["19:00","21:00"],["21:00","23:00"]]'];
BEGIN
    PERFORM setseed(0.5);
    DELETE FROM ganje.slot_counter WHERE merchant_id = 'BENCH';
    DELETE FROM ganje.store WHERE merchant_id = 'BENCH';
    DELETE FROM ganje.zone WHERE zone_id = 'BENCH';
    INSERT INTO ganje.zone (zone_id, name, fee, timezone) VALUES ('BENCH', 'bench', 9, '3');
    INSERT INTO ganje.option (option_id, data) VALUES ('SHIPMENT', '{"days": 6, "maxPools": 10}')
    ON CONFLICT (option_id) DO UPDATE SET data = excluded.data;
    INSERT INTO ganje.store (merchant_id, store_id, name, zones)
    SELECT 'BENCH', 's' || to_char(s, 'FM00000'), 'store ' || s, CASE WHEN s % 4 = 0 THEN '{BENCH}'::text[] ELSE '{}' END
      FROM generate_series(1, stores) AS s;
    INSERT INTO ganje.store_rule (merchant_id, store_id, rule_id, position, types, providers, days, slots, cutoff, on_demand_slot,
                                  on_demand_minutes, zones, capacity, fee, min_order_count, min_cart_total, max_cart_weight, category)
    SELECT 'BENCH', 's' || to_char(s, 'FM00000'), 'r' || r, r,
           CASE r % 4 WHEN 0 THEN '{CARGO}' WHEN 1 THEN '{RESERVED}' WHEN 2 THEN '{SELF}' ELSE '{RESERVED,ON_DEMAND}' END::text[],
           CASE r % 4 WHEN 0 THEN '{ARAS,YURTICI}' ELSE '{}' END::text[],
           '{1,2,3,4,5,6,7}', slots[1 + (s + r) % 2], (ARRAY[0, 30, 60, 120])[1 + (s * 7 + r) % 4],
           CASE r % 4 WHEN 3 THEN '["08:00","23:00"]'::jsonb END, CASE r % 4 WHEN 3 THEN 45 END,
           CASE WHEN r = 5 THEN '{BENCH,OTHER}'::text[] ELSE '{}' END,
           CASE WHEN r % 8 <> 7 THEN 20 END, 5 + floor(random() * 40) / 4,
           CASE WHEN r = 2 THEN 2 END, CASE WHEN r IN (1, 6) THEN 10 * (1 + s % 3) END,
           CASE WHEN r IN (3, 5) THEN 400 END,
           jsonb_build_object('values', bench.some_categories(3))
      FROM generate_series(1, stores) AS s, generate_series(0, 7) AS r;
    INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity, next_expiry)
    SELECT 'BENCH', c.store_id, c.rule_id, c.day, c.slot_from, c.slot_to,
           CASE WHEN random() < full_share THEN 20 ELSE floor(random() * 20)::int END, 20, 'infinity'
      FROM (SELECT r.store_id, r.rule_id, (ganje.now() AT TIME ZONE 'UTC' + interval '3 hours')::date + d AS day,
                   (slot ->> 0)::time AS slot_from, (slot ->> 1)::time AS slot_to
              FROM ganje.store_rule AS r, generate_series(0, 6) AS d, jsonb_array_elements(r.slots) AS slot
             WHERE r.merchant_id = 'BENCH' AND r.capacity IS NOT NULL
             ORDER BY random() LIMIT counters) AS c;
    TRUNCATE bench.request;
    INSERT INTO bench.request
    SELECT jsonb_build_object('merchantId', 'BENCH', 'zoneId', 'BENCH', 'cart', jsonb_build_object('items', jsonb_agg(
               jsonb_build_object('itemId', 'p' || to_char(i, 'FM000'), 'quantity', 1 + i % 3, 'price', 3 + i % 20, 'weight', 0.5 + i % 5,
                                  'categories', jsonb_build_array('c' || floor(random() * 10)::int)) ORDER BY i)))
      FROM generate_series(1, items) AS i;
    ANALYZE ganje.slot_counter, ganje.store, ganje.store_rule;
END
$$;
