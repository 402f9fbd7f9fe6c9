-- The statuses of a shipment as people and applications may change them.
--
-- Option SHIPMENT_STATUSES is a line, from which the statuses with "cancel"
-- stand apart. RBS names the flags and does not say what they mean; here:
--
--   linearStatuses true   only the next status of the line
--   linearStatuses false  any later one
--   back                  the status before may be gone back to from here
--   cancellable           a status with "cancel" may follow, unless the
--                         shipment is marked cannotCancel
--   addable               items may still be changed (see upsert_shipment)
--
-- From a status with "cancel" nothing follows. From a status that the list
-- does not name any more anything on the line does: the list was changed under
-- the shipment, which must not be stuck for it.
--
-- Carriers are not asked by these rules: their word is a fact (apply_patch).

INSERT INTO ganje.carrier (carrier, description, builtin) VALUES
    ('rbs', 'What the project''s own statuses mean: SHIPMENT_STATUSES as RBS has them', true);
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank, builtin) VALUES
    ('rbs', 'shipment', 'PENDING', 'pending', 'PENDING', 10, true),
    ('rbs', 'shipment', 'PACKAGING', 'preparing', 'PACKAGING', 20, true),
    ('rbs', 'shipment', 'READY', 'ready_to_ship', 'READY', 30, true),
    ('rbs', 'shipment', 'IN_TRANSIT', 'in_transit', 'IN_TRANSIT', 40, true),
    ('rbs', 'shipment', 'DELIVERED', 'delivered', 'DELIVERED', 50, true),
    ('rbs', 'shipment', 'CANCELLED', 'cancelled', 'CANCELLED', 60, true);

CREATE FUNCTION ganje.status_flag(status text, flag text) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM jsonb_array_elements(ganje.option_data('SHIPMENT_STATUSES')) AS t(value)
                    WHERE t.value ->> 'status' = status_flag.status AND t.value -> flag = 'true');
END
$$;
COMMENT ON FUNCTION ganje.status_flag(text, text) IS 'Whether option SHIPMENT_STATUSES gives a status this flag.';

CREATE FUNCTION ganje.status_moves(from_status text, cannot_cancel boolean DEFAULT false) RETURNS TABLE (status text, move text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    statuses jsonb := ganje.option_data('SHIPMENT_STATUSES');
    line text[] := ARRAY(SELECT t.value ->> 'status' FROM jsonb_array_elements(statuses) WITH ORDINALITY AS t(value, place)
                          WHERE t.value -> 'cancel' IS DISTINCT FROM 'true' ORDER BY t.place);
    flags jsonb := (SELECT t.value FROM jsonb_array_elements(statuses) AS t(value) WHERE t.value ->> 'status' = from_status);
    here integer := coalesce(array_position(line, from_status), 0);
    farthest integer := CASE WHEN flags IS NULL OR ganje.option_data('SHIPMENT') -> 'linearStatuses' = 'false'
                             THEN cardinality(line) ELSE here + 1 END;
BEGIN
    IF flags -> 'cancel' = 'true' THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT t.name, CASE WHEN t.place = here + 1 THEN 'next' WHEN t.place > here THEN 'forward' ELSE 'back' END
          FROM unnest(line) WITH ORDINALITY AS t(name, place)
         WHERE t.place BETWEEN here + 1 AND farthest OR (t.place = here - 1 AND flags -> 'back' = 'true')
         ORDER BY t.place < here, t.place;
    IF flags -> 'cancellable' = 'true' AND NOT cannot_cancel THEN
        RETURN QUERY
            SELECT t.value ->> 'status', 'cancel' FROM jsonb_array_elements(statuses) WITH ORDINALITY AS t(value, place)
             WHERE t.value -> 'cancel' = 'true' ORDER BY t.place;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.status_moves(text, boolean) IS
'What may follow a status by options SHIPMENT and SHIPMENT_STATUSES: move is next, forward, back or cancel; the second argument is the shipment''s cannot_cancel.';

CREATE FUNCTION ganje.refuse_move(the_shipment ganje.shipment, wish text) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    moves text := (SELECT string_agg(m.status, ', ') FROM ganje.status_moves(the_shipment.status, the_shipment.cannot_cancel) AS m);
BEGIN
    RAISE object_not_in_prerequisite_state
        USING MESSAGE = format('shipment %L of order %L is %s: %s', the_shipment.shipment_id, the_shipment.order_id,
                               the_shipment.status || CASE WHEN the_shipment.cannot_cancel THEN ', and marked cannotCancel' ELSE '' END, wish),
              HINT = coalesce('It may become ' || moves || '.', 'Nothing may follow.');
END
$$;
COMMENT ON FUNCTION ganje.refuse_move(ganje.shipment, text) IS 'Raises over a move that is not allowed; the hint names those that are.';

-- A status that the project made up means what status_mapping says of it, and
-- nothing we know without that; but one that cancels, cancels.
CREATE FUNCTION ganje.own_meaning(status text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN coalesce((ganje.map_status('rbs', 'shipment', own_meaning.status)).normalized_status,
                    CASE WHEN ganje.status_flag(own_meaning.status, 'cancel') THEN 'cancelled' ELSE 'unknown' END);
END
$$;
COMMENT ON FUNCTION ganje.own_meaning(text) IS 'The normalized status of one of the project''s own.';

-- Once the carrier has said how a shipment stands, people take its normalized
-- status on but not back: a parcel that lies in a locker is not unpacked by a
-- step in our own list.
CREATE FUNCTION ganje.moved_meaning(the_shipment ganje.shipment, status text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    meaning text := ganje.own_meaning(moved_meaning.status);
BEGIN
    IF ganje.normalized_rank(meaning) < ganje.normalized_rank(the_shipment.normalized_status)
       AND (EXISTS (SELECT FROM ganje.shipment_parcel AS p
                     WHERE p.merchant_id = the_shipment.merchant_id AND p.shipment_id = the_shipment.shipment_id)
            OR EXISTS (SELECT FROM jsonb_object_keys(the_shipment.told) AS k WHERE starts_with(k, 'status.'))) THEN
        RETURN the_shipment.normalized_status;
    END IF;
    RETURN meaning;
END
$$;
COMMENT ON FUNCTION ganje.moved_meaning(ganje.shipment, text) IS
'The normalized status that a shipment has once people have moved it to a status.';

CREATE FUNCTION ganje.no_shipment(order_id text, shipment_id text) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RAISE no_data_found USING MESSAGE = format('shipment %L of order %L does not exist', shipment_id, order_id),
        HINT = format('SELECT ganje.list_shipments(%L) lists the shipments of an order.', jsonb_build_object('orderId', order_id));
END
$$;
COMMENT ON FUNCTION ganje.no_shipment(text, text) IS 'Raises: an order has no such shipment.';

CREATE FUNCTION ganje.lock_shipment_of(merchant text, order_id text, shipment_id text) RETURNS ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    the_shipment ganje.shipment;
BEGIN
    PERFORM ganje.check_merchant(merchant, 'fulfilment');
    the_shipment := ganje.lock_shipment(merchant, lock_shipment_of.shipment_id);
    IF the_shipment.order_id IS DISTINCT FROM lock_shipment_of.order_id THEN
        PERFORM ganje.no_shipment(lock_shipment_of.order_id, lock_shipment_of.shipment_id);
    END IF;
    RETURN the_shipment;
END
$$;
COMMENT ON FUNCTION ganje.lock_shipment_of(text, text, text) IS
'A shipment of an order, its row locked with those of its external id; raises where there is none.';

-- To the carrier all shipments of an external id are one: to cancel one is to
-- cancel them all, so that all must be such as may be cancelled.
CREATE FUNCTION ganje.cancel_told(the_shipment ganje.shipment, reason text) RETURNS ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    twin ganje.shipment;
    after ganje.shipment;
BEGIN
    FOR twin IN SELECT * FROM ganje.shipment AS s
                 WHERE s.external_id = the_shipment.external_id AND s.account_id = the_shipment.account_id
                   AND s.merchant_id = the_shipment.merchant_id AND s.shipment_id <> the_shipment.shipment_id
                   AND s.normalized_status NOT IN ('delivered', 'return_to_sender', 'cancelled')
                 ORDER BY s.shipment_id COLLATE "C" LOOP
        PERFORM 1 FROM ganje.status_moves(twin.status, twin.cannot_cancel) AS m WHERE m.move = 'cancel';
        IF NOT FOUND THEN
            PERFORM ganje.refuse_move(twin, format('it is one with shipment %L at the carrier, and cannot be cancelled',
                                                   the_shipment.shipment_id));
        END IF;
    END LOOP;
    PERFORM ganje.cancel_at_carrier(the_shipment.shipment_id, cancel_told.reason, the_shipment.merchant_id);
    SELECT * INTO STRICT after FROM ganje.shipment AS s
     WHERE s.merchant_id = the_shipment.merchant_id AND s.shipment_id = the_shipment.shipment_id;
    IF after.normalized_status <> 'cancelled' AND the_shipment.cancel_requested_at IS NULL THEN
        PERFORM ganje.append_event(after, after, 'app', jsonb_build_object('detail', jsonb_strip_nulls(
            jsonb_build_object('cancel', 'the carrier is asked', 'reason', cancel_told.reason))));
    END IF;
    RETURN after;
END
$$;
COMMENT ON FUNCTION ganje.cancel_told(ganje.shipment, text) IS
'Cancels a shipment that a carrier carries, at once where it was not told yet, else by asking it; answers its row, which is cancelled only once the carrier agrees.';

-- One accepted change, one step of the journey: the same once more is none.
CREATE FUNCTION ganje.write_move(before ganje.shipment, status text, fields jsonb, reason text) RETURNS ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    after ganje.shipment := before;
    news jsonb;
BEGIN
    after.status := write_move.status;
    after.boxes := coalesce(ganje.text_list(fields -> 'boxes'), before.boxes);
    after.tracking_url := coalesce(fields ->> 'trackingUrl', before.tracking_url);
    after.courier_name := coalesce(fields ->> 'courierName', before.courier_name);
    after.cannot_cancel := before.cannot_cancel OR coalesce((fields ->> 'cannotCancel')::boolean, false);
    IF after IS NOT DISTINCT FROM before THEN
        RETURN after;
    END IF;
    IF after.status <> before.status THEN
        after.normalized_status := ganje.moved_meaning(before, after.status);
    END IF;
    UPDATE ganje.shipment AS s
       SET status = after.status, normalized_status = after.normalized_status, boxes = after.boxes, tracking_url = after.tracking_url,
           courier_name = after.courier_name, cannot_cancel = after.cannot_cancel, updated_at = pg_catalog.now(),
           expires_at = CASE WHEN after.normalized_status = 'cancelled' THEN NULL ELSE s.expires_at END
     WHERE s.merchant_id = before.merchant_id AND s.shipment_id = before.shipment_id
    RETURNING * INTO after;
    news := jsonb_strip_nulls(jsonb_build_object(
        'boxes', CASE WHEN after.boxes IS DISTINCT FROM before.boxes THEN to_jsonb(after.boxes) END,
        'trackingUrl', CASE WHEN after.tracking_url IS DISTINCT FROM before.tracking_url THEN after.tracking_url END,
        'courierName', CASE WHEN after.courier_name IS DISTINCT FROM before.courier_name THEN after.courier_name END,
        'cannotCancel', CASE WHEN after.cannot_cancel <> before.cannot_cancel THEN true END, 'reason', write_move.reason));
    PERFORM ganje.append_event(before, after, 'app', jsonb_build_object('detail', news));
    RETURN after;
END
$$;
COMMENT ON FUNCTION ganje.write_move(ganje.shipment, text, jsonb, text) IS
'Writes a status that was found to be allowed, with boxes, trackingUrl, courierName and cannotCancel, and the step of the journey; answers the row.';

-- path is where the request's keys are, for messages. Without a status it is
-- the next one that is meant.
CREATE FUNCTION ganje.move_shipment(request jsonb, path text) RETURNS ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    prefix text := CASE path WHEN '' THEN '' ELSE path || '.' END;
    before ganje.shipment := ganje.lock_shipment_of(ganje.merchant_of(request), request ->> 'orderId', request ->> 'shipmentId');
    wanted text := coalesce(request ->> 'status', (SELECT m.status FROM ganje.status_moves(before.status) AS m WHERE m.move = 'next'));
    cancels boolean := ganje.status_flag(wanted, 'cancel');
BEGIN
    IF wanted IS NULL THEN
        PERFORM ganje.refuse_move(before, 'there is no next status');
    ELSIF ganje.status_place(wanted) IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%sstatus: option SHIPMENT_STATUSES has no status %L', prefix, wanted),
            HINT = 'It has ' || (SELECT string_agg(t.value ->> 'status', ', ' ORDER BY t.place)
                                   FROM jsonb_array_elements(ganje.option_data('SHIPMENT_STATUSES')) WITH ORDINALITY AS t(value, place)) || '.';
    ELSIF cancels AND coalesce((request ->> 'cannotCancel')::boolean, false) AND NOT before.cannot_cancel THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%scannotCancel contradicts %sstatus %s', prefix, prefix, wanted);
    ELSIF wanted <> before.status
          AND NOT EXISTS (SELECT FROM ganje.status_moves(before.status, before.cannot_cancel) AS m WHERE m.status = wanted) THEN
        PERFORM ganje.refuse_move(before, 'it cannot become ' || wanted);
    END IF;
    IF cancels AND wanted <> before.status AND before.account_id IS NOT NULL THEN
        before := ganje.cancel_told(before, request ->> 'reason');
        -- Cancelled, if it is, in the status that the carrier's word has in our list.
        wanted := before.status;
    END IF;
    RETURN ganje.write_move(before, wanted, request, request ->> 'reason');
END
$$;
COMMENT ON FUNCTION ganje.move_shipment(jsonb, text) IS
'Moves a shipment as a checked request {orderId, shipmentId, merchantId, status, boxes, trackingUrl, courierName, cannotCancel, reason} says, and answers its row; raises, naming the moves that are allowed, where this one is not.';

CREATE FUNCTION ganje.moved_json(the_shipment ganje.shipment) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'orderId', the_shipment.order_id, 'shipmentId', the_shipment.shipment_id, 'status', the_shipment.status,
    'normalizedStatus', the_shipment.normalized_status,
    'cancelRequested', CASE WHEN the_shipment.cancel_requested_at IS NOT NULL AND the_shipment.normalized_status <> 'cancelled' THEN true END));
COMMENT ON FUNCTION ganje.moved_json(ganje.shipment) IS 'What is answered to who moved a shipment; cancelRequested while the carrier has not agreed.';

CREATE FUNCTION ganje.change_shipment_status(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'orderId:id! shipmentId:id! merchantId:id next:bool status:id reason:text');
    IF coalesce((request ->> 'next')::boolean, false) = (request ->> 'status' IS NOT NULL) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'either next must be true or status be given',
            HINT = '{"next": true} means the status that follows in option SHIPMENT_STATUSES.';
    END IF;
    RETURN ganje.moved_json(ganje.move_shipment(request, ''));
END
$$;
COMMENT ON FUNCTION ganje.change_shipment_status(jsonb) IS
'CHANGE_SHIPMENT_STATUS {orderId, shipmentId, next: true}, or status in the place of next: answers {orderId, shipmentId, status, normalizedStatus, cancelRequested?}. A move that SHIPMENT_STATUSES does not allow is refused, with those that are in the hint.';

CREATE FUNCTION ganje.change_shipment_status(order_id text, shipment_id text, status text DEFAULT NULL, merchant_id text DEFAULT 'DEFAULT')
RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    request jsonb := jsonb_build_object('orderId', change_shipment_status.order_id, 'shipmentId', change_shipment_status.shipment_id,
                                        'merchantId', change_shipment_status.merchant_id, 'status', change_shipment_status.status);
BEGIN
    PERFORM ganje.check_object(request, '', 'orderId:id! shipmentId:id! merchantId:id status:id');
    RETURN (ganje.move_shipment(request, '')).status;
END
$$;
COMMENT ON FUNCTION ganje.change_shipment_status(text, text, text, text) IS
'The same of SQL''s values: moves a shipment to a status, NULL: to the next one, and answers the status it has then.';

CREATE FUNCTION ganje.shipment_moves(order_id text, shipment_id text, merchant_id text DEFAULT 'DEFAULT') RETURNS TABLE (status text, move text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_shipment ganje.shipment;
BEGIN
    PERFORM ganje.check_merchant(shipment_moves.merchant_id, 'fulfilment');
    SELECT * INTO the_shipment FROM ganje.shipment AS s
     WHERE s.merchant_id = shipment_moves.merchant_id AND s.shipment_id = shipment_moves.shipment_id AND s.order_id = shipment_moves.order_id;
    IF NOT FOUND THEN
        PERFORM ganje.no_shipment(shipment_moves.order_id, shipment_moves.shipment_id);
    END IF;
    RETURN QUERY SELECT m.status, m.move FROM ganje.status_moves(the_shipment.status, the_shipment.cannot_cancel) AS m;
END
$$;
COMMENT ON FUNCTION ganje.shipment_moves(text, text, text) IS
'The statuses that people may move a shipment to now: move is next, forward, back or cancel.';

-- Keys of SHIPMENT_JOURNEY, in one place for both ways in.
CREATE FUNCTION ganje.journey(payload jsonb, path text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM ganje.check_object(payload, path,
        'orderId:id! shipmentId:id! merchantId:id status:id! boxes:ids trackingUrl:text courierName:text cannotCancel:bool reason:text');
    RETURN ganje.moved_json(ganje.move_shipment(payload, path));
END
$$;
COMMENT ON FUNCTION ganje.journey(jsonb, text) IS 'One step of SHIPMENT_JOURNEY; path is where it stands in the request.';

CREATE FUNCTION ganje.shipment_journey(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    RETURN ganje.journey(request, '');
END
$$;
COMMENT ON FUNCTION ganje.shipment_journey(jsonb) IS
'SHIPMENT_JOURNEY {orderId, shipmentId, status, boxes?, trackingUrl?, courierName?, cannotCancel?, reason?}: moves a shipment, or adds to one that has the status; answers as change_shipment_status does. cannotCancel: from now on nobody can cancel, and it stays.';

CREATE FUNCTION ganje.start_process(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'processId:id! payload:object!');
    IF request ->> 'processId' <> 'SHIPMENT_JOURNEY' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('processId: there is no process %L', request ->> 'processId'),
            HINT = 'The process is SHIPMENT_JOURNEY.';
    END IF;
    RETURN ganje.journey(request -> 'payload', 'payload');
END
$$;
COMMENT ON FUNCTION ganje.start_process(jsonb) IS
'rbs.process.request.START {processId: "SHIPMENT_JOURNEY", payload}: what shipment_journey does with the payload.';
