-- Orders: the app's own table, attached by a mapping of its columns. The
-- mapping is the argument of the table's trigger: it goes with the table into a
-- dump, to its partitions, and away with it. The columns that it names are the
-- trigger's list of columns, which follows them where they are renamed.

CREATE FUNCTION ganje.order_row() RETURNS trigger
LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS 'MODULE_PATHNAME', 'gl_order_row';
COMMENT ON FUNCTION ganje.order_row() IS
'Trigger on an attached table: a new row confirms its hold and becomes shipments, a changed or deleted one changes or cancels them as its mapping says.';

CREATE FUNCTION ganje.mapping_columns(relation regclass, mapping jsonb) RETURNS text[]
LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'gl_mapping_columns';
COMMENT ON FUNCTION ganje.mapping_columns(regclass, jsonb) IS
'The columns that a mapping names; raises, naming the JSON path, where it does not fit its table.';

CREATE FUNCTION ganje.relation_name(relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT
BEGIN ATOMIC
    SELECT format('%I.%I', n.nspname, c.relname)
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = relation_name.relation;
END;
COMMENT ON FUNCTION ganje.relation_name(regclass) IS 'A table''s name, schema-qualified and quoted, whatever the search_path.';

CREATE FUNCTION ganje.attachment_trigger(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF coalesce(name, '') = '' OR octet_length(name) > 40 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'name must be a text of 1 to 40 bytes',
            HINT = 'It tells one attachment of a table from another.';
    END IF;
    RETURN CASE name WHEN 'default' THEN 'ganje_logistics_order' ELSE 'ganje_logistics_order:' || name END;
END
$$;
COMMENT ON FUNCTION ganje.attachment_trigger(text) IS 'The trigger of an attachment.';

CREATE FUNCTION ganje.attach_orders(relation regclass, mapping jsonb, name text DEFAULT 'default') RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trigger_name text := ganje.attachment_trigger(attach_orders.name);
    columns text[];
BEGIN
    IF relation IS NULL OR mapping IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'relation and mapping must not be null';
    ELSIF (SELECT c.relkind FROM pg_catalog.pg_class AS c WHERE c.oid = relation) NOT IN ('r', 'p') THEN
        RAISE wrong_object_type USING MESSAGE = format('%s is not a table', ganje.relation_name(relation));
    END IF;
    columns := ganje.mapping_columns(relation, mapping);
    IF (mapping #> '{on,delete}') <> 'null' AND (SELECT c.relkind = 'p' OR c.relispartition FROM pg_catalog.pg_class AS c WHERE c.oid = relation) THEN
        RAISE feature_not_supported USING MESSAGE = format('mapping.on.delete: table %s is partitioned', ganje.relation_name(relation)),
            DETAIL = 'A row that moves to another partition looks like one that is deleted.',
            HINT = 'Cancel by a column: {"on": {"cancel": condition}}.';
    END IF;
    PERFORM ganje.detach_orders(relation, attach_orders.name);
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE%s%s ON %s FOR EACH ROW EXECUTE FUNCTION ganje.order_row(%L, %L)',
                   trigger_name, (SELECT ' OF ' || string_agg(quote_ident(c), ', ' ORDER BY place) FROM unnest(columns) WITH ORDINALITY AS t(c, place)),
                   CASE WHEN (mapping #> '{on,delete}') <> 'null' THEN ' OR DELETE' END,
                   ganje.relation_name(relation), mapping, to_jsonb(columns));
END
$$;
COMMENT ON FUNCTION ganje.attach_orders(regclass, jsonb, text) IS
'Makes rows of a table orders: {"orderId": expression, "holdId": expression, "phone": …, "when": condition, "on": {"update": [key, …], "cancel": condition, "delete": "cancel"}}. Several attachments of one table have several names. The caller must own the table.';

-- Arguments of a trigger end with a zero byte each.
CREATE FUNCTION ganje.trigger_arguments(arguments bytea) RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_mapping_arguments';
COMMENT ON FUNCTION ganje.trigger_arguments(bytea) IS 'The arguments of a trigger, of pg_trigger.tgargs.';

CREATE VIEW ganje.order_attachment AS
SELECT t.tgrelid::regclass AS relation,
       coalesce(nullif(substring(t.tgname FROM '^ganje_logistics_order:(.*)$'), ''), 'default') AS name,
       a.arguments[1]::jsonb AS mapping,
       (SELECT jsonb_object_agg(c.known ->> (p.place - 1)::integer, col.attname)
          FROM (SELECT a.arguments[2]::jsonb AS known) AS c,
               unnest(t.tgattr::smallint[]) WITH ORDINALITY AS p(number, place)
          JOIN pg_catalog.pg_attribute AS col ON col.attrelid = t.tgrelid AND col.attnum = p.number) AS columns,
       t.tgenabled <> 'D' AS enabled
  FROM pg_catalog.pg_trigger AS t
 CROSS JOIN LATERAL (SELECT ganje.trigger_arguments(t.tgargs) AS arguments) AS a
 WHERE t.tgfoid = 'ganje.order_row()'::regprocedure AND t.tgparentid = 0;
COMMENT ON VIEW ganje.order_attachment IS 'Tables of the app whose rows are orders, with their mapping.';
COMMENT ON COLUMN ganje.order_attachment.columns IS 'which column each name in the mapping means: another one after it was renamed';

CREATE FUNCTION ganje.detach_orders(relation regclass, name text DEFAULT 'default') RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trigger_name text := ganje.attachment_trigger(detach_orders.name);
BEGIN
    -- Asked first, because DROP TRIGGER IF EXISTS would say so in a NOTICE.
    PERFORM 1 FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = relation AND t.tgname = trigger_name AND t.tgparentid = 0;
    IF FOUND THEN
        EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, ganje.relation_name(relation));
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.detach_orders(regclass, text) IS 'Rows of the table are no orders any more; shipments stay.';

-- The carrier account that a store's provider is tied to, NULL for none.
CREATE FUNCTION ganje.provider_account(store_merchant text, store text, type text, provider text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p.carrier_account FROM ganje.shipment_provider AS p
     WHERE p.merchant_id = store_merchant AND p.store_id = store AND p.shipment_type = type
       AND p.provider_id = provider AND NOT p.deleted;
END;
COMMENT ON FUNCTION ganje.provider_account(text, text, text, text) IS 'The carrier account of a store''s provider, NULL where nobody need be told.';

-- new_order: {orderId, holdId, merchantId, phone, address, recipient, note, externalId, data}, and
-- storeId, type, provider where there is no hold.
CREATE FUNCTION ganje.place_order(new_order jsonb) RETURNS integer
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'gl_place_order';
COMMENT ON FUNCTION ganje.place_order(jsonb) IS 'Confirms an order''s hold and makes its shipments; answers how many.';

CREATE FUNCTION ganje.place_at_store(new_order jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    merchant text := ganje.merchant_of(new_order);
    id text := ganje.ulid();
BEGIN
    IF new_order ->> 'storeId' IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = format('order %L has neither holdId nor storeId', new_order ->> 'orderId'),
            HINT = 'Hold a slot at checkout (hold_slot) and store the holdId with the order.';
    END IF;
    PERFORM ganje.find_store(merchant, new_order ->> 'storeId');
    INSERT INTO ganje.shipment
        (merchant_id, shipment_id, order_id, store_merchant_id, store_id, type, provider, address, recipient, phone, note, account_id,
         external_id, data, enqueued_at)
    VALUES (merchant, id, new_order ->> 'orderId', merchant, new_order ->> 'storeId', new_order ->> 'type', new_order ->> 'provider',
            nullif(new_order -> 'address', 'null'), new_order ->> 'recipient', new_order ->> 'phone', new_order ->> 'note',
            ganje.provider_account(merchant, new_order ->> 'storeId', new_order ->> 'type', new_order ->> 'provider'),
            coalesce(new_order ->> 'externalId', new_order ->> 'orderId'), coalesce(nullif(new_order -> 'data', 'null'), '{}'),
            pg_catalog.now());
    RETURN id;
END
$$;
COMMENT ON FUNCTION ganje.place_at_store(jsonb) IS 'Makes the one shipment of an order without a hold and answers its id.';

CREATE FUNCTION ganje.has_shipments(the_order jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ganje.shipment AS s
                    WHERE s.order_id = the_order ->> 'orderId' AND s.merchant_id = ganje.merchant_of(the_order));
END
$$;
COMMENT ON FUNCTION ganje.has_shipments(jsonb) IS 'Whether an order has been placed before.';

CREATE FUNCTION ganje.enter_order(new_order jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF ganje.has_shipments(new_order) THEN
        RETURN 0;
    END IF;
    RETURN ganje.place_order(new_order);
END
$$;
COMMENT ON FUNCTION ganje.enter_order(jsonb) IS
'Places an order whose row has come to be one by an UPDATE; one that has its shipments keeps them.';

-- Whether the carrier has heard of a shipment, or of another one under its
-- external id: all but a first request that nobody has tried yet.
CREATE FUNCTION ganje.pending_create(the_shipment ganje.shipment) RETURNS ganje.outbox_delivery
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery;
BEGIN
    SELECT d.* INTO delivery FROM ganje.shipment AS s
      JOIN ganje.outbox_delivery AS d ON d.merchant_id = s.merchant_id AND d.shipment_id = s.shipment_id
      JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
     WHERE s.merchant_id = the_shipment.merchant_id AND s.external_id = the_shipment.external_id
       AND s.account_id = the_shipment.account_id AND o.operation = 'create' AND d.state = 'pending' AND d.attempts = 0
     LIMIT 1 FOR UPDATE OF d SKIP LOCKED;
    RETURN delivery;
END
$$;
COMMENT ON FUNCTION ganje.pending_create(ganje.shipment) IS
'The first request of a shipment, or of its twin, that the carrier has not been sent yet, its row locked; NULL where there is none.';

-- The carrier is told only of what it is told in a create: where that would
-- be the same as before, it need not hear. old_request is what the create was
-- before anything, of its items too, had changed.
CREATE FUNCTION ganje.tell_change(old_request ganje.http_request, after ganje.shipment) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    account ganje.carrier_account := ganje.find_account(after.account_id);
    request ganje.http_request := ganje.run_build(account.carrier, after, 'create');
    unsent ganje.outbox_delivery;
BEGIN
    IF old_request IS NOT DISTINCT FROM request THEN
        RETURN;
    END IF;
    unsent := ganje.pending_create(after);
    IF unsent.request_id IS NOT NULL THEN
        UPDATE ganje.outbox AS o
           SET method = request.method, path = request.path, headers = coalesce(request.headers, '{}'), body = request.body
         WHERE o.merchant_id = unsent.merchant_id AND o.request_id = unsent.request_id;
        RETURN;
    END IF;
    PERFORM ganje.enqueue(after, 'update');
EXCEPTION WHEN feature_not_supported THEN
    RAISE object_not_in_prerequisite_state
        USING MESSAGE = format('order %L cannot be changed: carrier %s has been told of it, and takes no changes', after.order_id, account.carrier),
              HINT = 'Cancel the order and place it anew, or ask the carrier.';
END
$$;
COMMENT ON FUNCTION ganje.tell_change(ganje.http_request, ganje.shipment) IS
'Lets the carrier know of a changed shipment: in its first request while that is not sent, else by operation "update"; raises where the carrier has none.';

CREATE FUNCTION ganje.build_create(the_shipment ganje.shipment) RETURNS ganje.http_request
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN ganje.run_build((ganje.find_account(the_shipment.account_id)).carrier, the_shipment, 'create');
END
$$;
COMMENT ON FUNCTION ganje.build_create(ganje.shipment) IS 'The first request of a shipment as it would be now.';

CREATE FUNCTION ganje.carried_keys(the_order jsonb, old_values jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT coalesce(jsonb_object_agg(key, true), '{}') FROM unnest('{phone,address,recipient,note,data}'::text[]) AS key
         WHERE old_values -> key IS DISTINCT FROM the_order -> key);
COMMENT ON FUNCTION ganje.carried_keys(jsonb, jsonb) IS 'Which keys of an order differ from its old values.';

-- All that an order's change or end may write into, in the order of the ids,
-- as ganje.lock_shipment does: also what is closed, of which subscribers are
-- told, and what is one with a shipment of it at the carrier.
CREATE FUNCTION ganje.lock_order_shipments(the_order jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    merchant text := ganje.merchant_of(the_order);
BEGIN
    PERFORM 1 FROM ganje.shipment AS s
      WHERE s.merchant_id = merchant AND s.shipment_id IN (
            SELECT o.shipment_id FROM ganje.shipment AS o WHERE o.order_id = the_order ->> 'orderId' AND o.merchant_id = merchant
             UNION
            SELECT t.shipment_id FROM ganje.shipment AS o
              JOIN ganje.shipment AS t ON t.external_id = o.external_id AND t.account_id = o.account_id AND t.merchant_id = o.merchant_id
             WHERE o.order_id = the_order ->> 'orderId' AND o.merchant_id = merchant)
      ORDER BY s.shipment_id COLLATE "C" FOR UPDATE;
END
$$;
COMMENT ON FUNCTION ganje.lock_order_shipments(jsonb) IS
'Locks the shipments of an order, and those of their external ids, in the order of their ids.';

CREATE FUNCTION ganje.change_order(the_order jsonb, old_values jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    before ganje.shipment;
    after ganje.shipment;
    changed integer := 0;
BEGIN
    PERFORM ganje.lock_order_shipments(the_order);
    FOR before IN SELECT * FROM ganje.shipment AS s
                   WHERE s.order_id = the_order ->> 'orderId' AND s.merchant_id = ganje.merchant_of(the_order)
                     AND s.normalized_status NOT IN ('delivered', 'return_to_sender', 'cancelled')
                   ORDER BY s.shipment_id COLLATE "C" FOR UPDATE LOOP
        after := ganje.changed_shipment(before, the_order, old_values);
        CONTINUE WHEN after IS NOT DISTINCT FROM before;
        UPDATE ganje.shipment AS s
           SET phone = after.phone, address = after.address, recipient = after.recipient, note = after.note, data = after.data,
               updated_at = pg_catalog.now()
         WHERE s.merchant_id = after.merchant_id AND s.shipment_id = after.shipment_id;
        IF after.account_id IS NOT NULL THEN
            PERFORM ganje.tell_change(ganje.build_create(before), after);
        END IF;
        changed := changed + 1;
    END LOOP;
    IF changed > 0 THEN
        PERFORM ganje.tell_order(ganje.merchant_of(the_order), the_order ->> 'orderId', 'UPDATE');
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION ganje.change_order(jsonb, jsonb) IS
'Carries a changed row over to the shipments of its order that are not at their end: what differs from the old values of phone, address, recipient, note and data.';

-- Old values name what the row said: a key that says the same is left alone,
-- because the carrier or a person may have put it right in the shipment.
CREATE FUNCTION ganje.changed_shipment(INOUT the_shipment ganje.shipment, the_order jsonb, old_values jsonb)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    carried jsonb := ganje.carried_keys(the_order, old_values);
BEGIN
    IF carried ? 'phone' THEN
        the_shipment.phone := the_order ->> 'phone';
    END IF;
    IF carried ? 'address' THEN
        the_shipment.address := the_order -> 'address';
    END IF;
    IF carried ? 'recipient' THEN
        the_shipment.recipient := the_order ->> 'recipient';
    END IF;
    IF carried ? 'note' THEN
        the_shipment.note := the_order ->> 'note';
    END IF;
    IF carried ? 'data' THEN
        the_shipment.data := (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(the_shipment.data) AS e
                               WHERE NOT coalesce(old_values -> 'data' ? e.key, false)) || coalesce(the_order -> 'data', '{}');
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.changed_shipment(ganje.shipment, jsonb, jsonb) IS 'A shipment as it is to be after its order''s row has changed.';

CREATE FUNCTION ganje.cancel_order(the_order jsonb, reason text) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    the_shipment ganje.shipment;
    cancelled integer := 0;
BEGIN
    PERFORM ganje.lock_order_shipments(the_order);
    FOR the_shipment IN SELECT * FROM ganje.shipment AS s
                         WHERE s.order_id = the_order ->> 'orderId' AND s.merchant_id = ganje.merchant_of(the_order)
                           AND s.normalized_status NOT IN ('delivered', 'return_to_sender', 'cancelled')
                         ORDER BY s.shipment_id COLLATE "C" FOR UPDATE LOOP
        PERFORM ganje.check_cancellable(the_shipment);
        IF the_shipment.account_id IS NULL THEN
            PERFORM ganje.cancel_shipment(the_shipment, cancel_order.reason);
        ELSE
            PERFORM ganje.tell_cancel(the_shipment.shipment_id, cancel_order.reason, the_shipment.merchant_id);
        END IF;
        cancelled := cancelled + 1;
    END LOOP;
    IF cancelled > 0 THEN
        PERFORM ganje.tell_order(ganje.merchant_of(the_order), the_order ->> 'orderId', 'DELETE');
    END IF;
    RETURN cancelled;
END
$$;
COMMENT ON FUNCTION ganje.cancel_order(jsonb, text) IS
'Cancels the shipments of an order that are not at their end: those that a carrier carries once it agrees. Raises where one may not be cancelled any more.';

CREATE FUNCTION ganje.check_cancellable(the_shipment ganje.shipment) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF the_shipment.cannot_cancel OR NOT EXISTS (
           SELECT FROM jsonb_array_elements(ganje.option_data('SHIPMENT_STATUSES')) AS o(status)
            WHERE o.status ->> 'status' = the_shipment.status AND (o.status ->> 'cancellable')::boolean) THEN
        RAISE object_not_in_prerequisite_state
            USING MESSAGE = format('order %L cannot be cancelled: its shipment %s is %s', the_shipment.order_id, the_shipment.shipment_id,
                                   CASE WHEN the_shipment.cannot_cancel THEN 'marked cannot_cancel' ELSE the_shipment.status END),
                  HINT = 'A shipment may be cancelled in a status that option SHIPMENT_STATUSES calls cancellable.';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_cancellable(ganje.shipment) IS 'Raises where the app may not cancel a shipment any more.';

CREATE FUNCTION ganje.cancel_shipment(before ganje.shipment, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    cancel_status text := (SELECT o.status ->> 'status' FROM jsonb_array_elements(ganje.option_data('SHIPMENT_STATUSES')) AS o(status)
                            WHERE (o.status ->> 'cancel')::boolean LIMIT 1);
    after ganje.shipment;
BEGIN
    UPDATE ganje.shipment AS s
       SET status = coalesce(cancel_status, s.status), normalized_status = 'cancelled', updated_at = pg_catalog.now()
     WHERE s.merchant_id = before.merchant_id AND s.shipment_id = before.shipment_id
    RETURNING * INTO after;
    PERFORM ganje.append_event(before, after, 'app', '{}');
END
$$;
COMMENT ON FUNCTION ganje.cancel_shipment(ganje.shipment, text) IS 'Cancels a shipment that no carrier carries: its journey ends and its capacity is free.';

CREATE FUNCTION ganje.arrive_order(the_order jsonb, old_values jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN CASE WHEN ganje.has_shipments(the_order) THEN ganje.change_order(the_order, old_values)
                ELSE ganje.place_order(the_order) END;
END
$$;
COMMENT ON FUNCTION ganje.arrive_order(jsonb, jsonb) IS
'Places an order whose row was inserted into a partition, or changes the one whose row has moved there.';
