-- get_pools as a competent application would do it in SQL: one query for the
-- offers (rules, the items that each carries, its open slots but for those that
-- are full), and then a pool by greed: the offer that carries most of what is
-- left, the cheaper of two, until nothing is left. One pool, not the ten best.
CREATE TYPE bench.offer AS (items text[], type text, fee numeric, slots jsonb);

CREATE FUNCTION bench.naive_offers(request jsonb, zone ganje.zone) RETURNS SETOF bench.offer LANGUAGE sql STABLE AS $$
    WITH item AS MATERIALIZED (
        SELECT value ->> 'itemId' AS id, place, (value ->> 'weight')::numeric * (value ->> 'quantity')::numeric AS weight,
               (value ->> 'price')::numeric * (value ->> 'quantity')::numeric AS price, (value ->> 'quantity')::numeric AS quantity,
               ARRAY(SELECT jsonb_array_elements_text(value -> 'categories')) AS categories
          FROM jsonb_array_elements(request #> '{cart,items}') WITH ORDINALITY AS i(value, place)
    ), rule AS MATERIALIZED (
        SELECT r.* FROM ganje.store AS s
          JOIN ganje.store_rule AS r USING (merchant_id, store_id)
         CROSS JOIN (SELECT sum(price) AS price, sum(quantity) AS quantity FROM item) AS total
         WHERE merchant_id = request ->> 'merchantId' AND NOT s.deleted AND NOT r.deleted
           AND (s.zones = '{}' OR zone.zone_id = ANY (s.zones)) AND (r.zones = '{}' OR zone.zone_id = ANY (r.zones))
           AND total.price >= greatest(zone.min_cart_total, r.min_cart_total, 0) AND total.quantity >= coalesce(r.min_order_count, 0)
    ), carried AS (
        SELECT c.store_id, c.rule_id, array_agg(c.id) AS items
          FROM (SELECT r.store_id, r.rule_id, i.id, r.max_cart_weight,
                       sum(i.weight) OVER (PARTITION BY r.store_id, r.rule_id ORDER BY i.place) AS weight
                  FROM rule AS r JOIN item AS i ON r.category IS NULL OR r.category -> 'values' ?| i.categories) AS c
         WHERE c.max_cart_weight IS NULL OR c.weight <= c.max_cart_weight
         GROUP BY c.store_id, c.rule_id
    ), slot AS (
        SELECT r.merchant_id, r.store_id, r.rule_id, value AS slot, (value ->> 0)::time AS slot_from, (value ->> 1)::time AS slot_to,
               (value ->> 0)::interval - r.cutoff * interval '1 minute' AS closes
          FROM rule AS r, jsonb_array_elements(r.slots)
    ), day AS MATERIALIZED (
        SELECT t.now::date + n AS day, t.now - (t.now::date + n)::timestamp AS passed
          FROM (SELECT ganje.now() AT TIME ZONE 'UTC' + zone.timezone::numeric * interval '1 hour' AS now) AS t,
               generate_series(0, (ganje.option_data('SHIPMENT') ->> 'days')::int) AS n
    ), day_slots AS (
        SELECT s.store_id, s.rule_id, d.day, jsonb_agg(s.slot) AS slots
          FROM slot AS s JOIN day AS d ON d.passed < s.closes
         WHERE NOT EXISTS (SELECT FROM ganje.slot_counter AS c
                            WHERE c.is_full AND c.merchant_id = s.merchant_id AND c.store_id = s.store_id AND c.rule_id = s.rule_id
                              AND c.day = d.day AND c.slot_from = s.slot_from AND c.slot_to = s.slot_to)
         GROUP BY s.store_id, s.rule_id, d.day
    ), open_slots AS (
        SELECT store_id, rule_id, jsonb_object_agg(day, slots) AS slots FROM day_slots GROUP BY store_id, rule_id)
    SELECT c.items, r.types[1], coalesce(r.fee, zone.fee, 0), o.slots
      FROM rule AS r JOIN carried AS c USING (store_id, rule_id) JOIN open_slots AS o USING (store_id, rule_id)
$$;

CREATE FUNCTION bench.naive_pools(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone ganje.zone := ganje.find_zone(request ->> 'zoneId');
    offers bench.offer[] := ARRAY(SELECT o FROM bench.naive_offers(request, zone) AS o);
    rest text[] := ARRAY(SELECT i ->> 'itemId' FROM jsonb_array_elements(request #> '{cart,items}') AS i);
    taken text[];
    groups jsonb := '[]';
BEGIN
    WHILE cardinality(rest) > 0 LOOP
        SELECT ARRAY(SELECT i FROM unnest(o.items) AS i WHERE i = ANY (rest)) INTO taken FROM unnest(offers) AS o
         ORDER BY (SELECT count(*) FROM unnest(o.items) AS i WHERE i = ANY (rest)) DESC, o.fee LIMIT 1;
        IF coalesce(cardinality(taken), 0) = 0 THEN
            RETURN '[]';
        END IF;
        rest := ARRAY(SELECT i FROM unnest(rest) AS i WHERE i <> ALL (taken));
        groups := groups || jsonb_build_object('items', taken, 'options', (
            SELECT jsonb_agg(jsonb_build_object('type', o.type, 'fee', o.fee, 'slots', o.slots) ORDER BY o.fee)
              FROM unnest(offers) AS o WHERE o.items @> taken));
    END LOOP;
    RETURN jsonb_build_array(groups);
END
$$;
