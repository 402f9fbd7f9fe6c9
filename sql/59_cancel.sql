-- Cancelling at the carrier: what becomes of the wish after it was sent.
--
-- A carrier that has only been asked to let a customer reserve (Ganje's
-- pre-order) may reserve after the order is cancelled here. So the wish stays
-- with the shipment, and whatever the carrier says of it is looked at in its
-- light, until the carrier refuses.
--
-- Shipments of one external id are one thing to the carrier: they are cancelled
-- together, and it is asked once.

-- Whoever hears of one of them, or cancels one, writes into all. So they are
-- locked together and in the order of their ids: a person who cancels the
-- second and the answer to the first one's request then wait for each other,
-- and never in a ring. Neither external id nor account of a shipment that has
-- an account ever changes, so that they may be read before the lock.
CREATE FUNCTION ganje.lock_shipment(merchant text, shipment text) RETURNS ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    the_shipment ganje.shipment;
BEGIN
    SELECT * INTO the_shipment FROM ganje.shipment AS s WHERE s.merchant_id = merchant AND s.shipment_id = shipment;
    IF the_shipment.account_id IS NOT NULL THEN
        PERFORM 1 FROM ganje.shipment AS s
          WHERE s.external_id = the_shipment.external_id AND s.account_id = the_shipment.account_id AND s.merchant_id = merchant
          ORDER BY s.shipment_id COLLATE "C" FOR UPDATE;
    END IF;
    SELECT * INTO the_shipment FROM ganje.shipment AS s
     WHERE s.merchant_id = merchant AND s.shipment_id = shipment FOR UPDATE;
    RETURN the_shipment;
END
$$;
COMMENT ON FUNCTION ganje.lock_shipment(text, text) IS
'A shipment, its row locked with those of its external id in the order of their ids; NULL where there is none.';

CREATE FUNCTION ganje.is_asked(the_shipment ganje.shipment, operation text, path_part text) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ganje.shipment AS s
                     JOIN ganje.outbox_delivery AS d ON d.merchant_id = s.merchant_id AND d.shipment_id = s.shipment_id AND NOT d.poll
                     JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
                    WHERE s.external_id = the_shipment.external_id AND s.account_id = the_shipment.account_id
                      AND s.merchant_id = the_shipment.merchant_id
                      AND o.operation = is_asked.operation AND strpos(o.path, is_asked.path_part) > 0);
END
$$;
COMMENT ON FUNCTION ganje.is_asked(ganje.shipment, text, text) IS
'True where the outbox has this request, with this part of a path, for a shipment of the external id; polls apart.';

CREATE FUNCTION ganje.wish_cancel(the_shipment ganje.shipment) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    UPDATE ganje.shipment AS s
       SET cancel_requested_at = coalesce(s.cancel_requested_at, pg_catalog.now()),
           cancel_reason = coalesce(nullif(the_shipment.data ->> 'cancelReason', ''), s.cancel_reason)
     WHERE s.external_id = the_shipment.external_id AND s.account_id = the_shipment.account_id
       AND s.merchant_id = the_shipment.merchant_id
       AND s.normalized_status NOT IN ('delivered', 'return_to_sender', 'cancelled');
END
$$;
COMMENT ON FUNCTION ganje.wish_cancel(ganje.shipment) IS
'Keeps with the shipments of an external id that their carrier shall not carry them; the reason is data.cancelReason of the one that is given.';

CREATE FUNCTION ganje.mark_cancelled(before ganje.shipment, source text, detail jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    after ganje.shipment := before;
BEGIN
    after.normalized_status := 'cancelled';
    after.status := coalesce(
        (SELECT o.value ->> 'status' FROM jsonb_array_elements(ganje.option_data('SHIPMENT_STATUSES')) AS o(value)
          WHERE o.value -> 'cancel' = 'true' LIMIT 1), before.status);
    UPDATE ganje.shipment AS s
       SET normalized_status = after.normalized_status, status = after.status, expires_at = NULL, updated_at = pg_catalog.now()
     WHERE s.merchant_id = before.merchant_id AND s.shipment_id = before.shipment_id;
    PERFORM ganje.append_event(before, after, source, jsonb_build_object('detail', detail));
END
$$;
COMMENT ON FUNCTION ganje.mark_cancelled(ganje.shipment, text, jsonb) IS 'Cancels a shipment that no carrier has.';

-- Nothing is there: parcels that were reserved are not any more. The patch
-- under "absent" says it in the carrier's words.
CREATE FUNCTION ganje.cancel_absent(the_shipment ganje.shipment, carrier text, absent jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    parcel text;
BEGIN
    FOR parcel IN SELECT p.parcel_ref FROM ganje.shipment_parcel AS p
                   WHERE p.merchant_id = the_shipment.merchant_id AND p.shipment_id = the_shipment.shipment_id
                     AND p.normalized_status = 'pending' ORDER BY p.parcel_ref COLLATE "C" LOOP
        PERFORM ganje.apply_patch(the_shipment.merchant_id, the_shipment.shipment_id, carrier,
                                  absent || jsonb_build_object('parcel', parcel));
    END LOOP;
    -- Where the carrier never spoke, people may have moved it on meanwhile.
    IF the_shipment.normalized_status NOT IN ('delivered', 'return_to_sender', 'cancelled')
       AND NOT EXISTS (SELECT FROM ganje.shipment_parcel AS p
                        WHERE p.merchant_id = the_shipment.merchant_id AND p.shipment_id = the_shipment.shipment_id) THEN
        PERFORM ganje.mark_cancelled(the_shipment, carrier, '{"cancel": "nothing was reserved"}');
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.cancel_absent(ganje.shipment, text, jsonb) IS 'What it means for a shipment that shall be cancelled that the carrier has nothing of it.';

-- What a carrier's patch means for a shipment with a wish: cancelRefused, the
-- wish is over; ask, another operation is to tell what is true; absent, the
-- carrier has nothing; pursueCancel, something may be there to be cancelled.
-- Every parcel is asked for once, whoever tells of it: a carrier that
-- contradicts itself must not be asked for ever.
CREATE FUNCTION ganje.pursue_cancel(the_shipment ganje.shipment, carrier text, patch jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    parcel text;
    asked_at timestamptz := clock_timestamp();
BEGIN
    IF patch ? 'cancelRefused' THEN
        UPDATE ganje.shipment AS s SET cancel_requested_at = NULL
         WHERE s.merchant_id = the_shipment.merchant_id AND s.shipment_id = the_shipment.shipment_id;
    END IF;
    IF patch ? 'absent' THEN
        PERFORM ganje.cancel_absent(the_shipment, carrier, patch -> 'absent');
    ELSIF patch ? 'ask' AND NOT ganje.is_asked(the_shipment, patch ->> 'ask', '/') THEN
        PERFORM ganje.enqueue(the_shipment, patch ->> 'ask');
    ELSIF patch ? 'pursueCancel' THEN
        SELECT p.parcel_ref INTO parcel FROM ganje.shipment_parcel AS p
         WHERE p.merchant_id = the_shipment.merchant_id AND p.shipment_id = the_shipment.shipment_id
           AND p.normalized_status = 'pending' AND coalesce(p.cancel_asked_at < the_shipment.cancel_requested_at, true)
           AND NOT ganje.is_asked(the_shipment, 'cancel', ganje.url_segment(p.parcel_ref))
         ORDER BY p.parcel_ref COLLATE "C" LIMIT 1;
        IF FOUND THEN
            UPDATE ganje.shipment_parcel AS p SET cancel_asked_at = asked_at
             WHERE p.merchant_id = the_shipment.merchant_id AND p.shipment_id = the_shipment.shipment_id AND p.parcel_ref = parcel;
            PERFORM ganje.enqueue(the_shipment, 'cancel');
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.pursue_cancel(ganje.shipment, text, jsonb) IS
'What follows from a carrier''s word for a shipment that it shall not carry; the shipment''s row is locked.';

-- A create that has not been tried, nor is just being sent, is unknown to the
-- carrier: to take it back is all there is to do.
CREATE FUNCTION ganje.drop_untold(the_shipment ganje.shipment, reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery;
    twin ganje.shipment;
BEGIN
    SELECT d.* INTO delivery FROM ganje.outbox_delivery AS d
      JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
     WHERE d.merchant_id = the_shipment.merchant_id AND d.shipment_id = the_shipment.shipment_id
       AND o.operation = 'create' AND d.state = 'pending' AND d.attempts = 0
       AND NOT EXISTS (SELECT FROM ganje.shipment_parcel AS p
                        WHERE p.merchant_id = d.merchant_id AND p.shipment_id = d.shipment_id)
       FOR UPDATE OF d SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM ganje.finish_request(delivery, 'cancelled', NULL, NULL);
    FOR twin IN SELECT * FROM ganje.shipment AS s
                 WHERE s.external_id = the_shipment.external_id AND s.account_id = the_shipment.account_id
                   AND s.merchant_id = the_shipment.merchant_id
                   AND s.normalized_status NOT IN ('delivered', 'return_to_sender', 'cancelled')
                 ORDER BY s.shipment_id COLLATE "C" FOR UPDATE LOOP
        PERFORM ganje.mark_cancelled(twin, 'app', jsonb_strip_nulls(jsonb_build_object('cancel', 'the carrier was not told yet',
                                                                                      'reason', nullif(reason, ''))));
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ganje.drop_untold(ganje.shipment, text) IS
'Cancels a shipment, and those of its external id, where the carrier has not been told yet; its row is locked. False where the carrier may know.';
