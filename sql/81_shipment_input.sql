-- ShipmentInput: shipments that an application makes, changes and reads by
-- RBS's actions rather than by its own table of orders.
--
-- Beside the keys of the seed {orderId, shipmentId, address, storeId,
-- merchantId, items} there are those of SelectedPool (type, provider, day,
-- slot), because they say who carries it, and the rest of what a carrier is
-- told. An order is split by making several shipments of it; those that shall
-- be several to their carrier too need an externalId each, which is the
-- orderId otherwise.
--
-- The address is the application's own object, as everywhere: addr rules of
-- zones may ask for any attribute of it. Recipient, phone and note may stand
-- in it, where RBS's Address has them.

CREATE FUNCTION ganje.check_shipment_item(item jsonb, path text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    quantity jsonb;
BEGIN
    IF jsonb_typeof(item) = 'string' THEN
        item := jsonb_build_object('itemId', item);
    END IF;
    PERFORM ganje.check_object(item, path, 'itemId:id! qty:amount quantity:amount price:amount name:text merchantId:id '
        'variantGroupId:scalar itemType:id weight:amount volume:amount categories:ids tags:ids options:any note:text data:object');
    quantity := coalesce(nullif(item -> 'quantity', 'null'), nullif(item -> 'qty', 'null'), '1');
    IF quantity = '0' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s.%s must be more than 0', path,
                                                             CASE WHEN item ->> 'quantity' IS NULL THEN 'qty' ELSE 'quantity' END);
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object('itemId', item -> 'itemId', 'quantity', quantity, 'price', item -> 'price', 'name', item -> 'name'))
        || jsonb_build_object('data', coalesce(nullif(item -> 'data', 'null'), '{}')
                                      || jsonb_strip_nulls(item - '{itemId,qty,quantity,price,name,data}'::text[]));
END
$$;
COMMENT ON FUNCTION ganje.check_shipment_item(jsonb, text) IS
'An item {itemId, qty, price, name, …} of a ShipmentInput, or its id alone, as {itemId, quantity, price, name, data}; raises, naming the JSON path, where it is none.';

CREATE FUNCTION ganje.check_shipment_items(items jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    item jsonb;
    checked jsonb[] := '{}';
    repeated text;
BEGIN
    IF jsonb_array_length(items) > 10000 THEN
        RAISE program_limit_exceeded USING MESSAGE = 'items has more than 10000 items';
    END IF;
    FOR item IN SELECT t.value FROM jsonb_array_elements(items) AS t(value) LOOP
        checked := checked || ganje.check_shipment_item(item, format('items[%s]', cardinality(checked)));
    END LOOP;
    SELECT format('items[%s].itemId names item %L once more', max(t.place) - 1, t.item ->> 'itemId') INTO repeated
      FROM unnest(checked) WITH ORDINALITY AS t(item, place) GROUP BY t.item ->> 'itemId' HAVING count(*) > 1 ORDER BY max(t.place) LIMIT 1;
    IF repeated IS NOT NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = repeated, HINT = 'Give the units of one item as its qty.';
    END IF;
    RETURN to_jsonb(checked);
END
$$;
COMMENT ON FUNCTION ganje.check_shipment_items(jsonb) IS 'The items of a ShipmentInput, each as check_shipment_item answers it.';

CREATE FUNCTION ganje.check_day(value text, path text) RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    IF value !~ '^\d{4}-\d\d-\d\d$' THEN
        RAISE datetime_field_overflow;
    END IF;
    RETURN make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9)::integer);
EXCEPTION WHEN datetime_field_overflow THEN
    RAISE invalid_parameter_value USING MESSAGE = path || ' must be a date', HINT = 'A date is "2026-03-01".';
END
$$;
COMMENT ON FUNCTION ganje.check_day(text, text) IS 'A text as a date; raises, naming the JSON path, where it is none.';

-- What can be said before the shipment is looked for.
CREATE FUNCTION ganje.check_shipment_input(request jsonb) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    PERFORM ganje.check_object(request, '',
        'orderId:id! shipmentId:id merchantId:id storeId:id address:object items:array type:id provider:id zoneId:id day:text slot:any '
        'fee:fee recipient:text phone:text note:text externalId:id data:object');
    IF request ->> 'type' IS NOT NULL AND NOT ganje.option_data('SHIPMENT_TYPES') ? (request ->> 'type') THEN
        RAISE invalid_parameter_value USING MESSAGE = format('type: option SHIPMENT_TYPES has no type %L', request ->> 'type'),
            HINT = 'It has ' || (SELECT string_agg(t, ', ') FROM jsonb_array_elements_text(ganje.option_data('SHIPMENT_TYPES')) AS t) || '.';
    END IF;
    IF request ->> 'storeId' IS NOT NULL THEN
        PERFORM ganje.find_store(ganje.merchant_of(request), request ->> 'storeId');
    END IF;
    IF request ->> 'zoneId' IS NOT NULL THEN
        PERFORM ganje.find_zone(request ->> 'zoneId');
    END IF;
    PERFORM ganje.check_day(request ->> 'day', 'day');
    IF request ->> 'slot' IS NOT NULL THEN
        PERFORM ganje.check_slot(request -> 'slot', 'slot');
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_shipment_input(jsonb) IS 'Raises, naming the JSON path, where a request is no ShipmentInput.';

-- The shipment as it is to be: what the request names, else what it was.
CREATE FUNCTION ganje.shipment_of(request jsonb, before ganje.shipment) RETURNS ganje.shipment
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    after ganje.shipment := before;
    address jsonb := nullif(request -> 'address', 'null');
    slot jsonb := nullif(request -> 'slot', 'null');
BEGIN
    after.store_id := coalesce(request ->> 'storeId', before.store_id);
    after.store_merchant_id := CASE WHEN after.store_id IS NOT NULL THEN coalesce(before.store_merchant_id, before.merchant_id) END;
    after.type := coalesce(request ->> 'type', before.type);
    after.provider := coalesce(request ->> 'provider', before.provider);
    after.zone_id := coalesce(request ->> 'zoneId', before.zone_id);
    after.day := coalesce(ganje.check_day(request ->> 'day', 'day'), before.day);
    after.slot_from := coalesce((slot ->> 0)::time, before.slot_from);
    after.slot_to := coalesce((slot ->> 1)::time, before.slot_to);
    after.fee := coalesce((coalesce(request #> '{fee,amount}', nullif(request -> 'fee', 'null')) #>> '{}')::numeric, before.fee);
    after.address := coalesce(address, before.address);
    after.recipient := coalesce(request ->> 'recipient', nullif(address ->> 'recipient', ''), nullif(address ->> 'nameSurname', ''), before.recipient);
    after.phone := coalesce(request ->> 'phone', nullif(address ->> 'phone', ''), before.phone);
    after.note := coalesce(request ->> 'note', nullif(address ->> 'note', ''), before.note);
    after.data := before.data || coalesce(nullif(request -> 'data', 'null'), '{}');
    after.external_id := coalesce(request ->> 'externalId', before.external_id);
    IF after.provider IS NOT NULL AND (after.store_id IS NULL OR after.type IS NULL) THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s is missing', CASE WHEN after.store_id IS NULL THEN 'storeId' ELSE 'type' END),
            HINT = 'A provider is one of a store and a type: without them its carrier could not be told.';
    END IF;
    after.account_id := CASE WHEN after.provider IS NOT NULL
        THEN ganje.provider_account(after.store_merchant_id, after.store_id, after.type, after.provider) END;
    RETURN after;
END
$$;
COMMENT ON FUNCTION ganje.shipment_of(jsonb, ganje.shipment) IS
'What a checked ShipmentInput makes of a shipment: its row as it is to be, with the carrier account of its provider.';

-- One statement: the trigger that tells the carrier of the shipment sees its
-- items. Answers false where another session has made it meanwhile.
CREATE FUNCTION ganje.insert_shipment(new_row ganje.shipment, items jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    made boolean;
BEGIN
    WITH new_shipment AS (
        INSERT INTO ganje.shipment
            (merchant_id, shipment_id, order_id, store_merchant_id, store_id, type, provider, zone_id, day, slot_from, slot_to, fee,
             address, recipient, phone, note, account_id, external_id, data)
        SELECT new_row.merchant_id, new_row.shipment_id, new_row.order_id, new_row.store_merchant_id, new_row.store_id, new_row.type,
               new_row.provider, new_row.zone_id, new_row.day, new_row.slot_from, new_row.slot_to, new_row.fee, new_row.address,
               new_row.recipient, new_row.phone, new_row.note, new_row.account_id, new_row.external_id, new_row.data
        ON CONFLICT ON CONSTRAINT shipment_pkey DO NOTHING
        RETURNING merchant_id, shipment_id
    ), new_items AS (
        INSERT INTO ganje.shipment_item (merchant_id, shipment_id, item_id, position, quantity, price, name, data)
        SELECT s.merchant_id, s.shipment_id, t.item ->> 'itemId', (t.place - 1)::integer, (t.item ->> 'quantity')::numeric,
               (t.item ->> 'price')::numeric, t.item ->> 'name', t.item -> 'data'
          FROM new_shipment AS s CROSS JOIN jsonb_array_elements(items) WITH ORDINALITY AS t(item, place)
    )
    SELECT count(*) = 1 INTO made FROM new_shipment;
    RETURN made;
END
$$;
COMMENT ON FUNCTION ganje.insert_shipment(ganje.shipment, jsonb) IS
'Makes a shipment with its items, and its carrier is told; false where there is one of this id already.';

CREATE FUNCTION ganje.shipment_items(the_shipment ganje.shipment) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('itemId', i.item_id, 'quantity', i.quantity, 'price', i.price, 'name', i.name))
                                      || jsonb_build_object('data', i.data) ORDER BY i.position, i.item_id COLLATE "C"), '[]')
              FROM ganje.shipment_item AS i
             WHERE i.merchant_id = the_shipment.merchant_id AND i.shipment_id = the_shipment.shipment_id);
END
$$;
COMMENT ON FUNCTION ganje.shipment_items(ganje.shipment) IS 'The items of a shipment as check_shipment_item answers them.';

CREATE FUNCTION ganje.refuse_change(the_shipment ganje.shipment, reason text, remedy text) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RAISE object_not_in_prerequisite_state
        USING MESSAGE = format('shipment %L of order %L cannot be changed: %s', the_shipment.shipment_id, the_shipment.order_id, reason), HINT = remedy;
END
$$;
COMMENT ON FUNCTION ganje.refuse_change(ganje.shipment, text, text) IS 'Raises: a shipment is not such as may be changed so.';

CREATE FUNCTION ganje.check_change(before ganje.shipment, after ganje.shipment, items_change boolean) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF before.made_by IS NOT NULL THEN
        PERFORM ganje.refuse_change(before, format('carrier %s made it', before.made_by), 'Change it there; its messages change it here.');
    ELSIF before.normalized_status IN ('delivered', 'return_to_sender', 'cancelled') THEN
        PERFORM ganje.refuse_change(before, format('it is at its end (%s)', before.normalized_status), 'Make a new one, without its shipmentId.');
    ELSIF items_change AND NOT ganje.status_flag(before.status, 'addable') THEN
        PERFORM ganje.refuse_change(before, format('its items stay in status %s', before.status),
            'Option SHIPMENT_STATUSES says by "addable" in which statuses items may change.');
    ELSIF before.hold_id IS NOT NULL
          AND (before.store_id, before.type, before.provider, before.zone_id, before.day, before.slot_from, before.slot_to)
              IS DISTINCT FROM (after.store_id, after.type, after.provider, after.zone_id, after.day, after.slot_from, after.slot_to) THEN
        PERFORM ganje.refuse_change(before, format('its store and slot are those of hold %L', before.hold_id), 'Cancel it, and hold a slot anew.');
    ELSIF before.account_id IS NOT NULL AND (before.account_id, before.external_id) IS DISTINCT FROM (after.account_id, after.external_id) THEN
        PERFORM ganje.refuse_change(before, format('carrier account %L has it as %L', before.account_id, before.external_id),
            'Cancel it, and make a new one for the other carrier.');
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_change(ganje.shipment, ganje.shipment, boolean) IS 'Raises where an application may not change a shipment so.';

CREATE FUNCTION ganje.update_shipment(before ganje.shipment, request jsonb, items jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    after ganje.shipment := ganje.shipment_of(request, before);
    items_change boolean := items IS NOT NULL AND items <> ganje.shipment_items(before);
    told ganje.http_request;
BEGIN
    IF before.account_id IS NOT NULL AND request ->> 'storeId' IS NULL AND request ->> 'type' IS NULL AND request ->> 'provider' IS NULL THEN
        -- Who carries it was settled when it was made, whatever has become of the provider since.
        after.account_id := before.account_id;
    END IF;
    PERFORM ganje.check_change(before, after, items_change);
    IF after IS NOT DISTINCT FROM before AND NOT items_change THEN
        RETURN;
    END IF;
    IF before.account_id IS NOT NULL THEN
        told := ganje.build_create(before);
    END IF;
    UPDATE ganje.shipment AS s
       SET store_merchant_id = after.store_merchant_id, store_id = after.store_id, type = after.type, provider = after.provider,
           zone_id = after.zone_id, day = after.day, slot_from = after.slot_from, slot_to = after.slot_to, fee = after.fee,
           address = after.address, recipient = after.recipient, phone = after.phone, note = after.note, data = after.data,
           account_id = after.account_id, external_id = after.external_id, updated_at = pg_catalog.now()
     WHERE s.merchant_id = before.merchant_id AND s.shipment_id = before.shipment_id
    RETURNING * INTO after;
    IF items_change THEN
        PERFORM ganje.replace_items(after, items);
    END IF;
    IF before.account_id IS NOT NULL THEN
        PERFORM ganje.tell_change(told, after);
    ELSIF after.account_id IS NOT NULL THEN
        PERFORM ganje.enqueue_first(after);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.update_shipment(ganje.shipment, jsonb, jsonb) IS
'Changes a shipment, its row locked, as a checked ShipmentInput says, and lets its carrier know: one that has none yet gets the first request by its new provider.';

CREATE FUNCTION ganje.upsert_shipment(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    merchant text := ganje.merchant_of(request);
    known ganje.shipment;
    fresh ganje.shipment;
    items jsonb;
    made boolean := false;
BEGIN
    -- First, for what is looked up next would tell of another merchant's stores.
    PERFORM ganje.check_merchant(merchant, 'fulfilment');
    PERFORM ganje.check_shipment_input(request);
    items := ganje.check_shipment_items(nullif(request -> 'items', 'null'));
    fresh.merchant_id := merchant;
    fresh.shipment_id := coalesce(request ->> 'shipmentId', ganje.ulid());
    fresh.order_id := request ->> 'orderId';
    fresh.external_id := request ->> 'orderId';
    fresh.data := '{}';
    -- It may become one with another shipment of its order: all of them, in their order.
    PERFORM ganje.lock_order_shipments(jsonb_build_object('orderId', fresh.order_id, 'merchantId', merchant));
    known := ganje.lock_shipment(merchant, fresh.shipment_id);
    IF known.shipment_id IS NULL THEN
        IF items IS NULL OR request ->> 'address' IS NULL THEN
            RAISE invalid_parameter_value USING MESSAGE = CASE WHEN items IS NULL THEN 'items is missing' ELSE 'address is missing' END,
                HINT = format('A new shipment needs an address and items; there is no shipment %L yet.', fresh.shipment_id);
        END IF;
        made := ganje.insert_shipment(ganje.shipment_of(request, fresh), items);
        IF NOT made THEN
            known := ganje.lock_shipment(merchant, fresh.shipment_id);
        END IF;
    END IF;
    IF NOT made AND known.order_id IS DISTINCT FROM fresh.order_id THEN
        RAISE unique_violation USING MESSAGE = format('shipmentId %L is that of a shipment of another order', fresh.shipment_id),
            HINT = 'Without a shipmentId one is made.';
    ELSIF NOT made THEN
        PERFORM ganje.update_shipment(known, request, items);
    END IF;
    RETURN jsonb_build_object('orderId', fresh.order_id, 'shipmentId', fresh.shipment_id, 'created', made);
END
$$;
COMMENT ON FUNCTION ganje.upsert_shipment(jsonb) IS
'ShipmentInput {orderId, shipmentId?, address, storeId?, merchantId?, items, type?, provider?, zoneId?, day?, slot?, fee?, recipient?, phone?, note?, externalId?, data?}: makes a shipment, of which the carrier of its provider is told in the same transaction, or changes the keys given of an existing one; answers {orderId, shipmentId, created}.';

CREATE FUNCTION ganje.shipment_json(the_shipment ganje.shipment) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN ganje.shipment_payload(the_shipment) || jsonb_build_object('items',
        (SELECT coalesce(jsonb_agg((t.item - '{quantity,data}'::text[]) || jsonb_build_object('qty', t.item -> 'quantity')
                                   || CASE t.item -> 'data' WHEN '{}' THEN '{}' ELSE jsonb_build_object('data', t.item -> 'data') END ORDER BY t.place), '[]')
           FROM jsonb_array_elements(ganje.shipment_items(the_shipment)) WITH ORDINALITY AS t(item, place)))
        || CASE WHEN the_shipment.cancel_requested_at IS NULL THEN '{}'
                ELSE jsonb_build_object('cancelRequestedAt', ganje.utc_text(the_shipment.cancel_requested_at)) END;
END
$$;
COMMENT ON FUNCTION ganje.shipment_json(ganje.shipment) IS 'A shipment in the shape of ShipmentInput, with its status and what its carrier has said.';

CREATE FUNCTION ganje.journey_json(the_shipment ganje.shipment) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('status', e.status, 'normalizedStatus', e.normalized_status,
                       'carrierStatus', e.carrier_status, 'source', e.source, 'jump', nullif(e.jump, false), 'at', ganje.utc_text(e.occurred_at),
                       'detail', nullif(e.detail, '{}'))) ORDER BY e.recorded_at, e.event_id), '[]')
              FROM ganje.shipment_event AS e
             WHERE e.merchant_id = the_shipment.merchant_id AND e.shipment_id = the_shipment.shipment_id);
END
$$;
COMMENT ON FUNCTION ganje.journey_json(ganje.shipment) IS 'The journey of a shipment, step by step.';

CREATE FUNCTION ganje.get_shipment(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_shipment ganje.shipment;
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id orderId:id! shipmentId:id!');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'fulfilment');
    SELECT * INTO the_shipment FROM ganje.shipment AS s
     WHERE s.merchant_id = ganje.merchant_of(request) AND s.shipment_id = request ->> 'shipmentId' AND s.order_id = request ->> 'orderId';
    IF NOT FOUND THEN
        PERFORM ganje.no_shipment(request ->> 'orderId', request ->> 'shipmentId');
    END IF;
    RETURN ganje.shipment_json(the_shipment) || jsonb_build_object('journey', ganje.journey_json(the_shipment));
END
$$;
COMMENT ON FUNCTION ganje.get_shipment(jsonb) IS
'GET_SHIPMENT {orderId, shipmentId, merchantId?}: the shipment in the shape of ShipmentInput, with its status, what its carrier has said, and its journey.';

CREATE FUNCTION ganje.list_shipments(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'merchantId:id orderId:id!');
    PERFORM ganje.check_merchant(ganje.merchant_of(request), 'fulfilment');
    RETURN (SELECT coalesce(jsonb_agg(ganje.shipment_json(s) ORDER BY s.shipment_id COLLATE "C"), '[]')
              FROM ganje.shipment AS s
             WHERE s.order_id = request ->> 'orderId' AND s.merchant_id = ganje.merchant_of(request));
END
$$;
COMMENT ON FUNCTION ganje.list_shipments(jsonb) IS
'LIST_SHIPMENTS {orderId, merchantId?}: the shipments of an order, as get_shipment answers them but for the journey.';
