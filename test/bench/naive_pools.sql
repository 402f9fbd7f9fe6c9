-- get_pools as one would write it first: loops over stores, rules, days and
-- slots, a look at the counter of each slot, and then the whole cart by one
-- rule, or greedily: the rule that carries most of what is left, the cheaper
-- of two, until nothing is left. One pool, not the ten best.
CREATE FUNCTION bench.naive_pools(request jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone ganje.zone := ganje.find_zone(request ->> 'zoneId');
    local_now timestamp := ganje.now() AT TIME ZONE 'UTC' + zone.timezone::numeric * interval '1 hour';
    days int := (ganje.option_data('SHIPMENT') ->> 'days')::int;
    total numeric;
    units numeric;
    rest text[];
    store ganje.store;
    rule ganje.store_rule;
    slot jsonb;
    a_day date;
    item record;
    weight numeric;
    carried text[];
    open_slots jsonb[];
    offers jsonb[] := '{}';
    offer jsonb;
    best jsonb;
    groups jsonb := '[]';
BEGIN
    SELECT sum((i ->> 'price')::numeric * (i ->> 'quantity')::numeric), sum((i ->> 'quantity')::numeric), array_agg(i ->> 'itemId')
      INTO total, units, rest FROM jsonb_array_elements(request #> '{cart,items}') AS i;
    FOR store IN SELECT * FROM ganje.store AS s WHERE s.merchant_id = request ->> 'merchantId' AND NOT s.deleted
                    AND (s.zones = '{}' OR zone.zone_id = ANY (s.zones)) ORDER BY s.store_id LOOP
        FOR rule IN SELECT * FROM ganje.store_rule AS r WHERE r.merchant_id = store.merchant_id AND r.store_id = store.store_id
                       AND NOT r.deleted ORDER BY r.position LOOP
            CONTINUE WHEN rule.zones <> '{}' AND NOT zone.zone_id = ANY (rule.zones);
            CONTINUE WHEN total < greatest(zone.min_cart_total, rule.min_cart_total) OR units < rule.min_order_count;
            carried := '{}';
            weight := 0;
            FOR item IN SELECT i ->> 'itemId' AS id, (i ->> 'weight')::numeric * (i ->> 'quantity')::numeric AS weight, i -> 'categories' AS categories
                          FROM jsonb_array_elements(request #> '{cart,items}') AS i LOOP
                CONTINUE WHEN rule.category IS NOT NULL AND NOT EXISTS (SELECT FROM jsonb_array_elements(item.categories) AS c WHERE rule.category -> 'values' @> c);
                CONTINUE WHEN weight + item.weight > rule.max_cart_weight;
                weight := weight + item.weight;
                carried := carried || item.id;
            END LOOP;
            CONTINUE WHEN carried = '{}';
            open_slots := '{}';
            FOR a_day IN SELECT local_now::date + d FROM generate_series(0, days) AS d LOOP
                CONTINUE WHEN NOT extract(isodow FROM a_day) = ANY (rule.days);
                FOR slot IN SELECT value FROM jsonb_array_elements(rule.slots) LOOP
                    CONTINUE WHEN local_now >= a_day + (slot ->> 0)::time - rule.cutoff * interval '1 minute';
                    CONTINUE WHEN EXISTS (SELECT FROM ganje.slot_counter AS c WHERE c.merchant_id = rule.merchant_id AND c.store_id = rule.store_id
                        AND c.rule_id = rule.rule_id AND c.day = a_day AND c.slot_from = (slot ->> 0)::time
                        AND c.slot_to = (slot ->> 1)::time AND c.used >= rule.capacity);
                    open_slots := array_append(open_slots, jsonb_build_array(a_day, slot));
                END LOOP;
            END LOOP;
            CONTINUE WHEN open_slots = '{}';
            offers := array_append(offers, jsonb_build_object('items', carried, 'type', rule.types[1],
                'fee', coalesce(rule.fee, zone.fee, 0), 'slots', open_slots));
        END LOOP;
    END LOOP;
    WHILE cardinality(rest) > 0 LOOP
        SELECT o INTO best FROM unnest(offers) AS o
         ORDER BY (SELECT count(*) FROM jsonb_array_elements_text(o -> 'items') AS i WHERE i = ANY (rest)) DESC, (o ->> 'fee')::numeric LIMIT 1;
        carried := ARRAY(SELECT i FROM jsonb_array_elements_text(best -> 'items') AS i WHERE i = ANY (rest));
        IF carried = '{}' THEN
            RETURN '[]';
        END IF;
        rest := ARRAY(SELECT i FROM unnest(rest) AS i WHERE NOT i = ANY (carried));
        groups := groups || jsonb_build_array(jsonb_build_object('items', carried, 'options', (
            SELECT jsonb_agg(o - 'items' ORDER BY (o ->> 'fee')::numeric) FROM unnest(offers) AS o
             WHERE o -> 'items' @> to_jsonb(carried))));
    END LOOP;
    RETURN jsonb_build_array(groups);
END
$$;
