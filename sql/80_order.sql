-- Orders: the app's own table, attached by a mapping of its columns. The
-- mapping is the argument of the table's trigger: it goes with the table into a
-- dump, to its partitions, and away with it.

CREATE FUNCTION ganje.order_row() RETURNS trigger
LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS 'MODULE_PATHNAME', 'gl_order_row';
COMMENT ON FUNCTION ganje.order_row() IS 'Trigger on an attached table: a new row confirms its hold and becomes shipments.';

CREATE FUNCTION ganje.relation_name(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT
BEGIN ATOMIC
    SELECT format('%I.%I', n.nspname, c.relname)
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = relation_name.relation;
END;
COMMENT ON FUNCTION ganje.relation_name(regclass) IS 'A table''s name, schema-qualified and quoted, whatever the search_path.';

CREATE FUNCTION ganje.check_mapping(relation regclass, mapping jsonb) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    key text;
    value jsonb;
BEGIN
    PERFORM ganje.check_object(mapping, 'mapping', 'orderId:any! holdId:any merchantId:any phone:any address:any '
        'recipient:any note:any externalId:any storeId:any type:any provider:any data:any');
    FOR key, value IN SELECT e.key, e.value FROM jsonb_each(mapping) AS e LOOP
        CONTINUE WHEN value = 'null';
        IF jsonb_typeof(value) = 'object' THEN
            PERFORM ganje.check_object(value, 'mapping.' || key, 'const:any!');
        ELSIF jsonb_typeof(value) <> 'string' THEN
            RAISE invalid_parameter_value USING MESSAGE = format('mapping.%s must be a column''s name, or {"const": value}', key);
        ELSE
            PERFORM 1 FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = relation AND a.attname = value #>> '{}' AND a.attnum > 0 AND NOT a.attisdropped;
            IF NOT FOUND THEN
                RAISE undefined_column USING
                    MESSAGE = format('mapping.%s: table %s has no column %I', key, ganje.relation_name(relation), value #>> '{}'),
                    HINT = format('Its columns are: %s.', (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                        FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped));
            END IF;
        END IF;
    END LOOP;
    IF NOT (mapping ? 'holdId' OR mapping ? 'storeId') THEN
        RAISE invalid_parameter_value USING MESSAGE = 'mapping names neither holdId nor storeId',
            HINT = 'An order''s shipments are made of its hold; without holds, name storeId, type and provider.';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_mapping(regclass, jsonb) IS 'Raises, naming the JSON path, where a mapping does not fit its table.';

CREATE FUNCTION ganje.attach_orders(relation regclass, mapping jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM ganje.check_mapping(relation, mapping);
    IF (SELECT c.relkind FROM pg_catalog.pg_class AS c WHERE c.oid = relation) NOT IN ('r', 'p') THEN
        RAISE wrong_object_type USING MESSAGE = format('%s is not a table', ganje.relation_name(relation));
    END IF;
    PERFORM ganje.detach_orders(relation);
    EXECUTE format('CREATE TRIGGER ganje_logistics_order AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION ganje.order_row(%L)',
                   ganje.relation_name(relation), mapping);
END
$$;
COMMENT ON FUNCTION ganje.attach_orders(regclass, jsonb) IS
'Makes every new row of a table an order: {"orderId": column, "holdId": column, "phone": column, "address": column, …}, or {"const": value} for a column. The caller must own the table.';

CREATE VIEW ganje.order_attachment AS
SELECT t.tgrelid::regclass AS relation,
       convert_from(substring(t.tgargs FROM 1 FOR octet_length(t.tgargs) - 1), getdatabaseencoding())::jsonb AS mapping,
       t.tgenabled <> 'D' AS enabled
  FROM pg_catalog.pg_trigger AS t
 WHERE t.tgfoid = 'ganje.order_row()'::regprocedure AND t.tgparentid = 0;
COMMENT ON VIEW ganje.order_attachment IS 'Tables of the app whose new rows are orders, with their mapping.';

CREATE FUNCTION ganje.detach_orders(relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    -- Asked first, because DROP TRIGGER IF EXISTS would say so in a NOTICE.
    PERFORM 1 FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = relation AND t.tgname = 'ganje_logistics_order' AND t.tgparentid = 0;
    IF FOUND THEN
        EXECUTE format('DROP TRIGGER ganje_logistics_order ON %s', ganje.relation_name(relation));
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.detach_orders(regclass) IS 'New rows of the table are no orders any more; shipments stay.';

-- The carrier account that a store's provider is tied to, NULL for none.
CREATE FUNCTION ganje.provider_account(store_merchant text, store text, type text, provider text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p.carrier_account FROM ganje.shipment_provider AS p
     WHERE p.merchant_id = store_merchant AND p.store_id = store AND p.shipment_type = type
       AND p.provider_id = provider AND NOT p.deleted;
END;
COMMENT ON FUNCTION ganje.provider_account(text, text, text, text) IS 'The carrier account of a store''s provider, NULL where nobody need be told.';

CREATE FUNCTION ganje.add_shipment(new_order jsonb, unit ganje.hold_unit) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    merchant text := ganje.merchant_of(new_order);
    id text := ganje.ulid();
    account text := ganje.provider_account(unit.store_merchant_id, unit.store_id, unit.type, unit.provider);
    zone text;
BEGIN
    SELECT h.zone_id INTO zone FROM ganje.hold AS h WHERE h.merchant_id = merchant AND h.hold_id = unit.hold_id;
    -- One statement: the trigger that tells the carrier of the shipment sees its items.
    WITH new_shipment AS (
        INSERT INTO ganje.shipment
            (merchant_id, shipment_id, order_id, store_merchant_id, store_id, rule_id, hold_id, group_no, type, provider, zone_id,
             day, slot_from, slot_to, promised_from, promised_to, fee, address, recipient, phone, note, account_id, external_id, data)
        VALUES (merchant, id, new_order ->> 'orderId', unit.store_merchant_id, unit.store_id, unit.rule_id, unit.hold_id,
                unit.group_no, unit.type, unit.provider, zone, nullif(unit.day, '-infinity'),
                CASE WHEN unit.day > '-infinity' THEN unit.slot_from END, CASE WHEN unit.day > '-infinity' THEN unit.slot_to END,
                unit.promised_from, unit.promised_to, unit.fee, nullif(new_order -> 'address', 'null'), new_order ->> 'recipient',
                new_order ->> 'phone', new_order ->> 'note', account,
                coalesce(new_order ->> 'externalId', new_order ->> 'orderId'), coalesce(nullif(new_order -> 'data', 'null'), '{}')))
    INSERT INTO ganje.shipment_item (merchant_id, shipment_id, item_id, position, quantity, price, name)
    SELECT merchant, id, item ->> 'itemId', (place - 1)::integer, (item ->> 'quantity')::numeric, (item ->> 'price')::numeric,
           item ->> 'name'
      FROM jsonb_array_elements(unit.items) WITH ORDINALITY AS t(item, place);
    RETURN id;
END
$$;
COMMENT ON FUNCTION ganje.add_shipment(jsonb, ganje.hold_unit) IS 'Makes the shipment of one group of an order and answers its id.';

-- new_order: {orderId, holdId, merchantId, phone, address, recipient, note, externalId, data}, and
-- storeId, type, provider where there is no hold.
CREATE FUNCTION ganje.place_order(new_order jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    merchant text := ganje.merchant_of(new_order);
    unit ganje.hold_unit;
    placed integer := 0;
BEGIN
    IF coalesce(new_order ->> 'orderId', '') = '' THEN
        RAISE null_value_not_allowed USING MESSAGE = 'the order has no orderId',
            HINT = 'The column that the mapping names for orderId is null or empty.';
    END IF;
    IF new_order ->> 'holdId' IS NOT NULL THEN
        PERFORM ganje.confirm_hold(new_order ->> 'holdId', new_order ->> 'orderId', merchant);
        PERFORM 1 FROM ganje.shipment AS s WHERE s.merchant_id = merchant AND s.hold_id = new_order ->> 'holdId';
        IF FOUND THEN
            RAISE unique_violation USING MESSAGE = format('hold %L has its shipments already', new_order ->> 'holdId'),
                HINT = 'The order was placed before; a new order needs a hold of its own.';
        END IF;
        FOR unit IN SELECT * FROM ganje.hold_unit AS u
                     WHERE u.merchant_id = merchant AND u.hold_id = new_order ->> 'holdId' ORDER BY u.group_no LOOP
            PERFORM ganje.add_shipment(new_order, unit);
            placed := placed + 1;
        END LOOP;
    ELSIF new_order ->> 'storeId' IS NOT NULL THEN
        PERFORM ganje.find_store(merchant, new_order ->> 'storeId');
        unit.store_merchant_id := merchant;
        unit.store_id := new_order ->> 'storeId';
        unit.type := new_order ->> 'type';
        unit.provider := new_order ->> 'provider';
        unit.items := '[]';
        PERFORM ganje.add_shipment(new_order, unit);
        placed := 1;
    ELSE
        RAISE null_value_not_allowed USING MESSAGE = format('order %L has neither holdId nor storeId', new_order ->> 'orderId'),
            HINT = 'Hold a slot at checkout (hold_slot) and store the holdId with the order.';
    END IF;
    PERFORM ganje.notify_order(merchant, new_order ->> 'orderId', 'CREATE');
    RETURN placed;
END
$$;
COMMENT ON FUNCTION ganje.place_order(jsonb) IS 'Confirms an order''s hold and makes its shipments; answers how many.';
