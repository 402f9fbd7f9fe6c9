-- Stores, their rules and their shipment providers.

CREATE FUNCTION ganje.is_slot(slot jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_typeof(slot) = 'array' AND jsonb_array_length(slot) = 2
   AND jsonb_typeof(slot -> 0) = 'string' AND (slot ->> 0) ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
   AND jsonb_typeof(slot -> 1) = 'string' AND (slot ->> 1) ~ '^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$';
COMMENT ON FUNCTION ganje.is_slot(jsonb) IS 'True for ["HH:MM", "HH:MM"]; the second may be 24:00.';

CREATE FUNCTION ganje.are_slots(slots jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_typeof(slots) = 'array'
   AND (SELECT coalesce(bool_and(coalesce(ganje.is_slot(value), false)), true) FROM jsonb_array_elements(slots));
COMMENT ON FUNCTION ganje.are_slots(jsonb) IS 'True for a list of slots.';

CREATE FUNCTION ganje.is_selection(selection jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_typeof(selection) = 'object'
   AND jsonb_typeof(selection -> 'values') = 'array' AND jsonb_array_length(selection -> 'values') > 0
   AND coalesce(jsonb_typeof(selection -> 'all'), 'boolean') = 'boolean'
   AND NOT jsonb_path_exists(selection, '$.values[*] ? (@.type() != "string")');
COMMENT ON FUNCTION ganje.is_selection(jsonb) IS 'True for a MultiSelectionRule: {values: [text, …], all: boolean}.';

CREATE TABLE ganje.store (
    merchant_id text NOT NULL DEFAULT 'DEFAULT' CHECK (merchant_id <> ''),
    store_id text NOT NULL DEFAULT ganje.ulid() CHECK (store_id <> ''),
    name text NOT NULL CHECK (name <> ''),
    zones text[] NOT NULL DEFAULT '{}',
    match_all boolean NOT NULL DEFAULT false,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (merchant_id, store_id)
);
COMMENT ON TABLE ganje.store IS 'Merchants'' places that ship.';
COMMENT ON COLUMN ganje.store.zones IS 'zones the store serves; empty restricts nothing';
COMMENT ON COLUMN ganje.store.match_all IS 'an item is served only if every rule would serve it (key "all")';

CREATE TABLE ganje.store_rule (
    merchant_id text NOT NULL,
    store_id text NOT NULL,
    rule_id text NOT NULL DEFAULT ganje.ulid() CHECK (rule_id <> ''),
    position integer NOT NULL DEFAULT 0,
    types text[] NOT NULL CHECK (cardinality(types) > 0),
    providers text[] NOT NULL DEFAULT '{}',
    days smallint[] CHECK (days <@ '{1,2,3,4,5,6,7}'::smallint[] AND cardinality(days) > 0),
    slots jsonb CHECK (ganje.are_slots(slots)),
    cutoff integer CHECK (cutoff BETWEEN 0 AND 527040),
    on_demand_slot jsonb CHECK (ganje.is_slot(on_demand_slot)),
    on_demand_minutes integer CHECK (on_demand_minutes BETWEEN 1 AND 1440),
    zones text[] NOT NULL DEFAULT '{}',
    capacity integer CHECK (capacity >= 0),
    fee numeric CHECK (fee BETWEEN 0 AND 1000000000 AND scale(trim_scale(fee)) <= 6),
    min_order_count numeric CHECK (min_order_count >= 0 AND min_order_count < 'Infinity'),
    min_cart_total numeric CHECK (min_cart_total >= 0 AND min_cart_total < 'Infinity'),
    max_cart_weight numeric CHECK (max_cart_weight >= 0 AND max_cart_weight < 'Infinity'),
    max_cart_volume numeric CHECK (max_cart_volume >= 0 AND max_cart_volume < 'Infinity'),
    category jsonb CHECK (ganje.is_selection(category)),
    tag jsonb CHECK (ganje.is_selection(tag)),
    segment jsonb CHECK (ganje.is_selection(segment)),
    deleted boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (merchant_id, store_id, rule_id),
    FOREIGN KEY (merchant_id, store_id) REFERENCES ganje.store ON DELETE CASCADE,
    CHECK ((on_demand_slot IS NULL) = (on_demand_minutes IS NULL)),
    CONSTRAINT slots_need_days CHECK (slots IS NULL OR slots = '[]' OR days IS NOT NULL)
);
COMMENT ON TABLE ganje.store_rule IS 'Store rules: types × providers × days × slots × zones × limits × fee. A rule taken out of its store is marked deleted, so that its holds stay valid.';
COMMENT ON COLUMN ganje.store_rule.days IS 'ISO days of the week, 1 Monday … 7 Sunday; NULL: every day';
COMMENT ON COLUMN ganje.store_rule.slots IS '[["10:00", "12:00"], …] in the zone''s local time; an end not after its start is on the next day';
COMMENT ON COLUMN ganje.store_rule.cutoff IS 'minutes before a slot after which it is no longer offered';
COMMENT ON COLUMN ganje.store_rule.on_demand_slot IS 'local window in which ON_DEMAND orders are taken (key "time.slot")';
COMMENT ON COLUMN ganje.store_rule.on_demand_minutes IS 'minutes within which ON_DEMAND delivers (key "time.in")';
COMMENT ON COLUMN ganje.store_rule.capacity IS 'orders per date and slot; for ON_DEMAND unfinished shipments at a time; NULL: no limit';

CREATE TABLE ganje.shipment_provider (
    merchant_id text NOT NULL DEFAULT 'DEFAULT',
    store_id text NOT NULL,
    shipment_type text NOT NULL CHECK (shipment_type <> ''),
    provider_id text NOT NULL DEFAULT ganje.ulid() CHECK (provider_id <> ''),
    name text,
    data jsonb NOT NULL DEFAULT '{}',
    carrier_account text GENERATED ALWAYS AS (data ->> 'carrierAccount') STORED,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (merchant_id, store_id, shipment_type, provider_id),
    FOREIGN KEY (merchant_id, store_id) REFERENCES ganje.store ON DELETE CASCADE
);
COMMENT ON TABLE ganje.shipment_provider IS 'Who carries for a store: cargo companies, plates, couriers, carrier accounts.';
COMMENT ON COLUMN ganje.shipment_provider.data IS 'integration details; {"carrierAccount": "…"} ties the provider to a carrier account';

CREATE TRIGGER store_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.store
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER store_emptied AFTER TRUNCATE ON ganje.store
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER store_rule_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.store_rule
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER store_rule_emptied AFTER TRUNCATE ON ganje.store_rule
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER shipment_provider_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.shipment_provider
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER shipment_provider_emptied AFTER TRUNCATE ON ganje.shipment_provider
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
ALTER TABLE ganje.store ENABLE ALWAYS TRIGGER store_changed;
ALTER TABLE ganje.store ENABLE ALWAYS TRIGGER store_emptied;
ALTER TABLE ganje.store_rule ENABLE ALWAYS TRIGGER store_rule_changed;
ALTER TABLE ganje.store_rule ENABLE ALWAYS TRIGGER store_rule_emptied;
ALTER TABLE ganje.shipment_provider ENABLE ALWAYS TRIGGER shipment_provider_changed;
ALTER TABLE ganje.shipment_provider ENABLE ALWAYS TRIGGER shipment_provider_emptied;

CREATE TRIGGER option_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.option
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER option_emptied AFTER TRUNCATE ON ganje.option
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
-- Beforehand as well, for an AFTER trigger of the application's own that comes before ours.
CREATE TRIGGER store_changing BEFORE INSERT OR UPDATE OR DELETE ON ganje.store
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER store_rule_changing BEFORE INSERT OR UPDATE OR DELETE ON ganje.store_rule
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER shipment_provider_changing BEFORE INSERT OR UPDATE OR DELETE ON ganje.shipment_provider
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER option_changing BEFORE INSERT OR UPDATE OR DELETE ON ganje.option
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
ALTER TABLE ganje.option ENABLE ALWAYS TRIGGER option_changed;
ALTER TABLE ganje.option ENABLE ALWAYS TRIGGER option_emptied;

-- A JSON list of text as an array; NULL for NULL.
CREATE FUNCTION ganje.text_list(list jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(list) = 'array'
            THEN ARRAY(SELECT value FROM jsonb_array_elements_text(list) WITH ORDINALITY AS t(value, n) ORDER BY n) END;
COMMENT ON FUNCTION ganje.text_list(jsonb) IS 'A JSON list of text as an array, NULL for anything else.';

CREATE FUNCTION ganje.rule_json(rule ganje.store_rule) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'ruleId', rule.rule_id,
    'types', rule.types,
    'providers', rule.providers,
    'days', rule.days::text[],
    'slots', rule.slots,
    'cutoff', rule.cutoff,
    'time', CASE WHEN rule.on_demand_slot IS NOT NULL
                 THEN jsonb_build_object('slot', rule.on_demand_slot, 'in', rule.on_demand_minutes) END,
    'zones', CASE WHEN cardinality(rule.zones) > 0 THEN rule.zones END,
    'capacity', rule.capacity,
    'fee', rule.fee,
    'minOrderCount', rule.min_order_count,
    'minCartTotal', rule.min_cart_total,
    'maxCartWeight', rule.max_cart_weight,
    'maxCartVolume', rule.max_cart_volume,
    'category', rule.category,
    'tag', rule.tag,
    'segment', rule.segment));
COMMENT ON FUNCTION ganje.rule_json(ganje.store_rule) IS 'A store rule in the shape of StoreRule, absent optional keys omitted.';

CREATE FUNCTION ganje.check_rule(rule jsonb, path text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    n int;
    key text;
BEGIN
    PERFORM ganje.check_object(rule, path, 'ruleId:id types:ids! providers:ids days:array slots:array cutoff:count '
        'time:object zones:ids capacity:count fee:fee minOrderCount:amount minCartTotal:amount maxCartWeight:amount '
        'maxCartVolume:amount category:object tag:object segment:object');
    IF jsonb_array_length(rule -> 'types') = 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = path || '.types is empty',
            HINT = 'Name at least one shipment type, such as CARGO.';
    END IF;
    IF (rule ->> 'cutoff')::numeric > 527040 THEN
        RAISE invalid_parameter_value USING MESSAGE = path || '.cutoff is more than a year', HINT = 'cutoff is in minutes.';
    END IF;
    FOR n IN 0 .. coalesce(jsonb_array_length(nullif(rule -> 'days', 'null')), 0) - 1 LOOP
        IF coalesce(ganje.json_id(rule -> 'days' -> n), '') !~ '^[1-7]$' THEN
            RAISE invalid_parameter_value USING MESSAGE = format('%s.days[%s] must be "1" (Monday) to "7" (Sunday)', path, n);
        END IF;
    END LOOP;
    IF jsonb_typeof(rule -> 'days') = 'array' AND jsonb_array_length(rule -> 'days') = 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = path || '.days is empty', HINT = 'Leave days out to mean every day.';
    END IF;
    FOR n IN 0 .. coalesce(jsonb_array_length(nullif(rule -> 'slots', 'null')), 0) - 1 LOOP
        PERFORM ganje.check_slot(rule -> 'slots' -> n, format('%s.slots[%s]', path, n));
        IF coalesce(jsonb_typeof(rule -> 'days'), 'null') = 'null' THEN
            RAISE invalid_parameter_value USING MESSAGE = path || '.days is missing',
                HINT = 'A rule with slots says on which days they are offered.';
        END IF;
    END LOOP;
    IF jsonb_typeof(rule -> 'time') = 'object' THEN
        PERFORM ganje.check_object(rule -> 'time', path || '.time', 'slot:array! in:count!');
        PERFORM ganje.check_slot(rule #> '{time,slot}', path || '.time.slot');
        IF (rule #>> '{time,in}')::numeric NOT BETWEEN 1 AND 1440 THEN
            RAISE invalid_parameter_value USING MESSAGE = path || '.time.in must be between 1 and 1440 minutes';
        END IF;
    END IF;
    FOREACH key IN ARRAY '{category,tag,segment}'::text[] LOOP
        IF jsonb_typeof(rule -> key) = 'object' THEN
            PERFORM ganje.check_object(rule -> key, path || '.' || key, 'values:ids! all:bool');
            IF jsonb_array_length(rule -> key -> 'values') = 0 THEN
                RAISE invalid_parameter_value USING MESSAGE = format('%s.%s.values is empty', path, key);
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.check_rule(jsonb, text) IS 'Raises, naming the JSON path, where a value is not a StoreRule.';

CREATE FUNCTION ganje.check_slot(slot jsonb, path text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF NOT coalesce(ganje.is_slot(slot), false) THEN
        RAISE invalid_parameter_value USING MESSAGE = path || ' must be a pair of times of day',
            HINT = 'A slot is ["10:00", "12:00"]: hours 00 to 23, minutes 00 to 59, and 24:00 as an end.';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_slot(jsonb, text) IS 'Raises, naming the JSON path, where a value is not a slot.';

-- Which existing rule a rule without ruleId is: the one that is equal, else
-- the one at its place that the request does not name. So counters survive
-- an edit made by a client that has never heard of ruleId.
CREATE FUNCTION ganje.settle_rule_ids(merchant text, store text, rules jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    settled jsonb := rules;
    taken text[] := ARRAY(SELECT value ->> 'ruleId' FROM jsonb_array_elements(rules) WHERE value ->> 'ruleId' IS NOT NULL);
    id text;
    n int;
BEGIN
    IF cardinality(taken) <> (SELECT count(DISTINCT t) FROM unnest(taken) AS t) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'rules name a ruleId twice';
    END IF;
    FOR n IN 0 .. jsonb_array_length(rules) - 1 LOOP
        CONTINUE WHEN rules -> n ->> 'ruleId' IS NOT NULL;
        SELECT r.rule_id INTO id FROM ganje.store_rule AS r
         WHERE r.merchant_id = merchant AND r.store_id = store AND NOT r.deleted AND r.rule_id <> ALL (taken)
           AND ganje.rule_json(r) - 'ruleId' = ganje.rule_json(ganje.rule_row(merchant, store, r.rule_id, n, rules -> n)) - 'ruleId'
         ORDER BY r.position LIMIT 1;
        IF FOUND THEN
            taken := taken || id;
            settled := jsonb_set(settled, ARRAY[n::text, 'ruleId'], to_jsonb(id));
        END IF;
    END LOOP;
    FOR n IN 0 .. jsonb_array_length(rules) - 1 LOOP
        CONTINUE WHEN settled -> n ->> 'ruleId' IS NOT NULL;
        SELECT r.rule_id INTO id FROM ganje.store_rule AS r
         WHERE r.merchant_id = merchant AND r.store_id = store AND NOT r.deleted AND r.rule_id <> ALL (taken)
           AND r.position = n LIMIT 1;
        id := coalesce(id, ganje.ulid());
        taken := taken || id;
        settled := jsonb_set(settled, ARRAY[n::text, 'ruleId'], to_jsonb(id));
    END LOOP;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION ganje.settle_rule_ids(text, text, jsonb) IS 'The rules of an upsert, each with its ruleId: given, found again or new.';

CREATE FUNCTION ganje.rule_row(merchant text, store text, id text, place integer, rule jsonb) RETURNS ganje.store_rule
LANGUAGE sql STABLE
RETURN ROW(merchant, store, id, place,
    ganje.text_list(rule -> 'types'),
    coalesce(ganje.text_list(rule -> 'providers'), '{}'),
    ganje.text_list(rule -> 'days')::smallint[],
    nullif(rule -> 'slots', 'null'),
    (rule ->> 'cutoff')::numeric::integer,
    rule #> '{time,slot}',
    (rule #>> '{time,in}')::numeric::integer,
    coalesce(ganje.text_list(rule -> 'zones'), '{}'),
    (rule ->> 'capacity')::numeric::integer,
    coalesce(rule #>> '{fee,amount}', rule ->> 'fee')::numeric,
    (rule ->> 'minOrderCount')::numeric,
    (rule ->> 'minCartTotal')::numeric,
    (rule ->> 'maxCartWeight')::numeric,
    (rule ->> 'maxCartVolume')::numeric,
    nullif(rule -> 'category', 'null'),
    nullif(rule -> 'tag', 'null'),
    nullif(rule -> 'segment', 'null'),
    false, pg_catalog.now())::ganje.store_rule;
COMMENT ON FUNCTION ganje.rule_row(text, text, text, integer, jsonb) IS 'The row of a checked StoreRule.';

CREATE FUNCTION ganje.replace_rules(merchant text, store text, rules jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    settled jsonb;
    n int;
BEGIN
    FOR n IN 0 .. jsonb_array_length(rules) - 1 LOOP
        PERFORM ganje.check_rule(rules -> n, format('rules[%s]', n));
    END LOOP;
    settled := ganje.settle_rule_ids(merchant, store, rules);
    UPDATE ganje.store_rule AS r SET deleted = true, updated_at = pg_catalog.now()
     WHERE r.merchant_id = merchant AND r.store_id = store AND NOT r.deleted
       AND NOT jsonb_path_exists(settled, '$[*].ruleId ? (@ == $id)', jsonb_build_object('id', r.rule_id));
    INSERT INTO ganje.store_rule AS r
    SELECT (ganje.rule_row(merchant, store, value ->> 'ruleId', (place - 1)::integer, value)).*
      FROM jsonb_array_elements(settled) WITH ORDINALITY AS t(value, place)
    ON CONFLICT (merchant_id, store_id, rule_id) DO UPDATE
       SET position = excluded.position, types = excluded.types, providers = excluded.providers, days = excluded.days,
           slots = excluded.slots, cutoff = excluded.cutoff, on_demand_slot = excluded.on_demand_slot,
           on_demand_minutes = excluded.on_demand_minutes, zones = excluded.zones, capacity = excluded.capacity,
           fee = excluded.fee, min_order_count = excluded.min_order_count, min_cart_total = excluded.min_cart_total,
           max_cart_weight = excluded.max_cart_weight, max_cart_volume = excluded.max_cart_volume,
           category = excluded.category, tag = excluded.tag, segment = excluded.segment,
           deleted = excluded.deleted, updated_at = excluded.updated_at;
END
$$;
COMMENT ON FUNCTION ganje.replace_rules(text, text, jsonb) IS 'Makes rules the rules of a store; those it had and has no longer are marked deleted.';

CREATE FUNCTION ganje.upsert_store(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    merchant text := ganje.merchant_of(request);
    id text := coalesce(request ->> 'storeId', ganje.ulid());
    was_created boolean;
BEGIN
    PERFORM ganje.check_object(request, '', 'storeId:id merchantId:id name:text zones:ids rules:array all:bool deleted:bool');
    PERFORM ganje.check_merchant(merchant, 'operator');
    PERFORM 1 FROM ganje.store AS s WHERE s.merchant_id = merchant AND s.store_id = id FOR UPDATE;
    IF NOT FOUND AND request ->> 'name' IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'name is missing',
            HINT = format('A new store needs a name; store %L of merchant %L does not exist yet.', id, merchant);
    END IF;
    -- Whether it was there decides between the two answers; a race is settled by the key.
    INSERT INTO ganje.store AS s (merchant_id, store_id, name, zones, match_all, deleted)
    VALUES (merchant, id, coalesce(request ->> 'name', id), coalesce(ganje.text_list(request -> 'zones'), '{}'),
            coalesce((request ->> 'all')::boolean, false), coalesce((request ->> 'deleted')::boolean, false))
    ON CONFLICT (merchant_id, store_id) DO NOTHING
    RETURNING true INTO was_created;
    IF was_created IS NULL THEN
        UPDATE ganje.store AS s
           SET name = coalesce(request ->> 'name', s.name),
               zones = coalesce(ganje.text_list(request -> 'zones'), s.zones),
               match_all = coalesce((request ->> 'all')::boolean, s.match_all),
               deleted = coalesce((request ->> 'deleted')::boolean, s.deleted),
               updated_at = pg_catalog.now()
         WHERE s.merchant_id = merchant AND s.store_id = id;
    END IF;
    IF jsonb_typeof(request -> 'rules') = 'array' THEN
        PERFORM ganje.replace_rules(merchant, id, request -> 'rules');
    END IF;
    RETURN jsonb_build_object('merchantId', merchant, 'storeId', id, 'created', coalesce(was_created, false));
END
$$;
COMMENT ON FUNCTION ganje.upsert_store(jsonb) IS
'UPSERT_STORE StoreInput: inserts a store, or updates the keys given of an existing one; answers {merchantId, storeId, created}.';

CREATE FUNCTION ganje.store_json(store ganje.store) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'merchantId', store.merchant_id,
    'storeId', store.store_id,
    'name', store.name,
    'zones', CASE WHEN cardinality(store.zones) > 0 THEN store.zones END,
    'rules', (SELECT jsonb_agg(ganje.rule_json(r) ORDER BY r.position, r.rule_id) FROM ganje.store_rule AS r
               WHERE r.merchant_id = store.merchant_id AND r.store_id = store.store_id AND NOT r.deleted),
    'all', nullif(store.match_all, false),
    'deleted', nullif(store.deleted, false)));
COMMENT ON FUNCTION ganje.store_json(ganje.store) IS 'A store in the shape of StoreInput, absent optional keys omitted.';

CREATE FUNCTION ganje.find_store(merchant text, store text) RETURNS ganje.store
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_store ganje.store;
BEGIN
    SELECT * INTO found_store FROM ganje.store AS s
     WHERE s.merchant_id = merchant AND s.store_id = store AND NOT s.deleted;
    IF NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('store %L of merchant %L does not exist', store, merchant),
            HINT = 'SELECT merchant_id, store_id, name FROM ganje.store WHERE NOT deleted lists the stores.';
    END IF;
    RETURN found_store;
END
$$;
COMMENT ON FUNCTION ganje.find_store(text, text) IS 'A store that is not deleted; raises where there is none.';

CREATE FUNCTION ganje.list_stores(request jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'fulfilment', 'operator');
    RETURN (SELECT coalesce(jsonb_agg(ganje.store_json(s) ORDER BY s.store_id COLLATE "C"), '[]')
              FROM ganje.store AS s
             WHERE s.merchant_id = ganje.merchant_of(request) AND NOT s.deleted);
END
$$;
COMMENT ON FUNCTION ganje.list_stores(jsonb) IS 'LIST_STORES {merchantId}: the merchant''s stores that are not deleted.';

CREATE FUNCTION ganje.get_store(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id storeId:id!');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'fulfilment', 'operator');
    RETURN ganje.store_json(ganje.find_store(ganje.merchant_of(request), request ->> 'storeId'));
END
$$;
COMMENT ON FUNCTION ganje.get_store(jsonb) IS 'GET_STORE {merchantId, storeId}: the store in the shape of StoreInput.';

CREATE FUNCTION ganje.delete_store(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deleted_store ganje.store;
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id storeId:id!');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'operator');
    PERFORM ganje.find_store(ganje.merchant_of(request), request ->> 'storeId');
    UPDATE ganje.store AS s SET deleted = true, updated_at = pg_catalog.now()
     WHERE s.merchant_id = ganje.merchant_of(request) AND s.store_id = request ->> 'storeId'
    RETURNING * INTO deleted_store;
    RETURN ganje.store_json(deleted_store);
END
$$;
COMMENT ON FUNCTION ganje.delete_store(jsonb) IS 'DELETE_STORE {merchantId, storeId}: marks the store deleted and answers it.';

SELECT pg_catalog.pg_extension_config_dump('ganje.store', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.store_rule', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.shipment_provider', '');
