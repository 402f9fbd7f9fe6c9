-- Polling: asking carriers how open shipments stand, where they do not say so
-- themselves or a webhook may be lost.
--
-- A carrier names the operation that asks (carrier.poll_operation), and how
-- often. Polls are ordinary requests of the outbox, so that limits, tokens and
-- order per shipment hold for them; but one that fails is forgotten, for the
-- next one follows. At most one per shipment is in the outbox, and at most
-- half of an account's connections and of its rate are for polls, so that an
-- order never waits behind them.

CREATE TABLE ganje.shipment_poll (
    merchant_id text NOT NULL,
    shipment_id text NOT NULL,
    account_id text NOT NULL REFERENCES ganje.carrier_account,
    due_at timestamptz NOT NULL,
    carrier_status text,
    changed_at timestamptz NOT NULL,
    polled_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    last_error text,
    PRIMARY KEY (merchant_id, shipment_id),
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES ganje.shipment ON DELETE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE ganje.shipment_poll IS 'Shipments that the worker asks their carrier about, and when next; a closed shipment is asked about no more.';
COMMENT ON COLUMN ganje.shipment_poll.carrier_status IS 'as the last poll said it: the next one is news where it says something else';
COMMENT ON COLUMN ganje.shipment_poll.changed_at IS 'when a poll last brought news, or polling began';
COMMENT ON COLUMN ganje.shipment_poll.failures IS 'polls in a row that brought no answer';
CREATE INDEX shipment_poll_due ON ganje.shipment_poll (account_id, due_at);

CREATE TABLE ganje.account_refresh (
    account_id text PRIMARY KEY REFERENCES ganje.carrier_account ON DELETE CASCADE,
    due_at timestamptz NOT NULL,
    refreshed_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    last_error text
);
COMMENT ON TABLE ganje.account_refresh IS 'When the worker next refreshes what it knows of a carrier account (carrier.refresh_operation).';

CREATE FUNCTION ganje.poll_settings(account ganje.carrier_account) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN '{"movingSeconds": 30, "waitingSeconds": 120, "maxSeconds": 3600, "perSecond": 2, "refreshSeconds": 86400}'
        || (SELECT c.poll FROM ganje.carrier AS c WHERE c.carrier = account.carrier)
        || coalesce(account.settings -> 'poll', '{}');
END
$$;
COMMENT ON FUNCTION ganje.poll_settings(ganje.carrier_account) IS 'How often an account is polled: its own settings, else its carrier''s, else the extension''s.';

CREATE FUNCTION ganje.is_closed(normalized_status text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN normalized_status IN ('delivered', 'return_to_sender', 'cancelled');
COMMENT ON FUNCTION ganje.is_closed(text) IS 'True for the statuses after which a carrier has nothing more to say.';

-- A shipment that has stood still for long is likely to stand still for
-- longer: the pause is a tenth of the time since the last news, so that news
-- is known at most a tenth later than it took to come, within the bounds of
-- the settings. The jitter keeps shipments apart that began together.
CREATE FUNCTION ganje.poll_delay(settings jsonb, normalized_status text, since_news interval, failures integer) RETURNS interval
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    pause float8 := CASE WHEN normalized_status IN ('assigned', 'in_transit', 'out_for_delivery')
                         THEN settings ->> 'movingSeconds' ELSE settings ->> 'waitingSeconds' END;
    longest float8 := settings ->> 'maxSeconds';
BEGIN
    pause := greatest(pause, extract(epoch FROM since_news)::float8 / 10) * 2 ^ least(failures, 20);
    RETURN least(pause, longest) * (0.8 + 0.4 * random()) * interval '1 second';
END
$$;
COMMENT ON FUNCTION ganje.poll_delay(jsonb, text, interval, integer) IS
'Time until the next poll of a shipment: short while it moves, longer the longer there is no news, doubled by each failure, spread by 20 %.';

-- The first poll of a shipment follows the answer to its create.
CREATE FUNCTION ganje.begin_polling(delivery ganje.outbox_delivery, account ganje.carrier_account, carrier_status text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    normalized text;
    right_now timestamptz := clock_timestamp();
    next_due timestamptz;
BEGIN
    SELECT s.normalized_status INTO normalized FROM ganje.shipment AS s
     WHERE s.merchant_id = delivery.merchant_id AND s.shipment_id = delivery.shipment_id;
    IF NOT FOUND OR ganje.is_closed(normalized) THEN
        RETURN;
    END IF;
    next_due := right_now + ganje.poll_delay(ganje.poll_settings(account), normalized, interval '0', 0);
    INSERT INTO ganje.shipment_poll (merchant_id, shipment_id, account_id, due_at, carrier_status, changed_at)
    VALUES (delivery.merchant_id, delivery.shipment_id, delivery.account_id, next_due, begin_polling.carrier_status, right_now)
    ON CONFLICT ON CONSTRAINT shipment_poll_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION ganje.begin_polling(ganje.outbox_delivery, ganje.carrier_account, text) IS
'Polls a shipment that its carrier knows now, unless it is closed.';

CREATE FUNCTION ganje.poll_shipment(shipment_id text, merchant_id text DEFAULT 'DEFAULT') RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_shipment ganje.shipment;
    operation text;
    waiting text;
BEGIN
    PERFORM ganje.check_merchant(poll_shipment.merchant_id, 'fulfilment');
    the_shipment := ganje.lock_told_shipment(poll_shipment.merchant_id, poll_shipment.shipment_id);
    SELECT c.poll_operation INTO operation
      FROM ganje.carrier_account AS a JOIN ganje.carrier AS c ON c.carrier = a.carrier
     WHERE a.account_id = the_shipment.account_id;
    IF operation IS NULL THEN
        RAISE feature_not_supported USING MESSAGE = format('the carrier of shipment %L is not polled', the_shipment.shipment_id),
            HINT = 'Carriers that are have a poll_operation in ganje.carrier.';
    END IF;
    SELECT d.request_id INTO waiting FROM ganje.outbox_delivery AS d
     WHERE d.merchant_id = the_shipment.merchant_id AND d.shipment_id = the_shipment.shipment_id AND d.poll;
    RETURN coalesce(waiting, ganje.enqueue(the_shipment, operation, true));
END
$$;
COMMENT ON FUNCTION ganje.poll_shipment(text, text) IS
'Asks the carrier now how a shipment stands, and answers the request_id; one that is being asked about is not asked about twice.';

CREATE FUNCTION ganje.lock_told_shipment(merchant text, shipment text) RETURNS ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    the_shipment ganje.shipment := ganje.lock_shipment(merchant, shipment);
BEGIN
    IF the_shipment.shipment_id IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('shipment %L does not exist', shipment),
            HINT = 'SELECT merchant_id, shipment_id, order_id FROM ganje.shipment lists the shipments.';
    ELSIF the_shipment.account_id IS NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('shipment %L has no carrier account', shipment),
            HINT = 'Nobody was told of it, so nobody can be asked.';
    END IF;
    RETURN the_shipment;
END
$$;
COMMENT ON FUNCTION ganje.lock_told_shipment(text, text) IS 'A shipment of which a carrier is told, its row locked; raises where there is none.';

-- What the worker looks at: accounts with polls or a refresh, and when the
-- next is due. None is due where nothing may be sent.
CREATE FUNCTION ganje.poll_accounts() RETURNS TABLE (account_id text, per_second float8, due_at timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN QUERY
    SELECT a.account_id, rate.per_second, next.due_at
      FROM ganje.sending AS s
     CROSS JOIN ganje.carrier_account AS a
      JOIN ganje.carrier AS c ON c.carrier = a.carrier
      LEFT JOIN ganje.account_refresh AS r ON r.account_id = a.account_id
     CROSS JOIN LATERAL (SELECT least((ganje.poll_settings(a) ->> 'perSecond')::float8,
                                      a.requests_per_second::float8 / 2) AS per_second) AS rate
     CROSS JOIN LATERAL (SELECT least((SELECT p.due_at FROM ganje.shipment_poll AS p
                                        WHERE p.account_id = a.account_id ORDER BY p.due_at LIMIT 1),
                                      CASE WHEN c.refresh_operation IS NOT NULL
                                            AND EXISTS (SELECT FROM ganje.carrier_credential AS k WHERE k.account_id = a.account_id)
                                           THEN coalesce(r.due_at, '-infinity') END) AS due_at) AS next
     WHERE NOT s.paused AND s.system_identifier = ganje.system_identifier() AND a.origin = s.system_identifier
       AND a.active AND a.parked_at IS NULL AND rate.per_second > 0 AND next.due_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION ganje.poll_accounts() IS 'Accounts that are polled, how many times per second at most, and when next.';

CREATE FUNCTION ganje.postpone_poll(poll ganje.shipment_poll, delay interval, failures integer, error text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    next_due timestamptz := clock_timestamp() + delay;
BEGIN
    UPDATE ganje.shipment_poll AS p
       SET due_at = next_due, failures = postpone_poll.failures, last_error = postpone_poll.error
     WHERE p.merchant_id = poll.merchant_id AND p.shipment_id = poll.shipment_id;
END
$$;
COMMENT ON FUNCTION ganje.postpone_poll(ganje.shipment_poll, interval, integer, text) IS 'Puts the next poll of a shipment off.';

-- One shipment whose poll is due; true where a request was made of it. The
-- time of the next poll is written first: it stands if this one is never
-- answered.
CREATE FUNCTION ganje.enqueue_poll(poll ganje.shipment_poll, the_shipment ganje.shipment, operation text, settings jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delay interval := ganje.poll_delay(settings, the_shipment.normalized_status, clock_timestamp() - poll.changed_at, poll.failures);
BEGIN
    IF operation IS NULL OR ganje.is_closed(the_shipment.normalized_status) THEN
        DELETE FROM ganje.shipment_poll AS p
         WHERE p.merchant_id = poll.merchant_id AND p.shipment_id = poll.shipment_id;
        RETURN false;
    END IF;
    PERFORM ganje.postpone_poll(poll, delay, poll.failures, poll.last_error);
    PERFORM 1 FROM ganje.outbox_delivery AS d
      WHERE d.merchant_id = poll.merchant_id AND d.shipment_id = poll.shipment_id AND d.poll;
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM ganje.enqueue(the_shipment, operation, true);
    RETURN true;
EXCEPTION
    WHEN transaction_rollback OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
        -- A carrier's build function that raises spoils its own shipment's poll.
        PERFORM ganje.postpone_poll(poll, delay, poll.failures + 1, format('the build function failed (SQLSTATE %s)', SQLSTATE));
        RETURN false;
END
$$;
COMMENT ON FUNCTION ganje.enqueue_poll(ganje.shipment_poll, ganje.shipment, text, jsonb) IS
'Puts the poll of a shipment into the outbox, unless it is closed or one is there; true where it did.';

CREATE FUNCTION ganje.enqueue_refresh(account ganje.carrier_account, operation text, settings jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    right_now timestamptz := clock_timestamp();
    next_due timestamptz := right_now + (settings ->> 'refreshSeconds')::float8 * interval '1 second';
    due boolean;
BEGIN
    SELECT r.due_at <= right_now INTO due FROM ganje.account_refresh AS r WHERE r.account_id = account.account_id;
    IF operation IS NULL OR NOT coalesce(due, true) THEN
        RETURN false;
    END IF;
    INSERT INTO ganje.account_refresh AS r (account_id, due_at) VALUES (account.account_id, next_due)
    ON CONFLICT ON CONSTRAINT account_refresh_pkey DO UPDATE SET due_at = excluded.due_at;
    PERFORM 1 FROM ganje.outbox_delivery AS d WHERE d.account_id = account.account_id AND d.poll AND d.shipment_id IS NULL;
    IF FOUND THEN
        RETURN false;
    END IF;
    PERFORM ganje.enqueue_account(account.account_id, operation, '{}', true);
    RETURN true;
EXCEPTION
    WHEN transaction_rollback OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
        INSERT INTO ganje.account_refresh AS r (account_id, due_at, last_error)
        VALUES (account.account_id, next_due, format('the build function failed (SQLSTATE %s)', SQLSTATE))
        ON CONFLICT ON CONSTRAINT account_refresh_pkey DO UPDATE SET due_at = excluded.due_at, last_error = excluded.last_error;
        RETURN false;
END
$$;
COMMENT ON FUNCTION ganje.enqueue_refresh(ganje.carrier_account, text, jsonb) IS
'Puts the refresh of an account into the outbox where it is due; true where it did.';

CREATE FUNCTION ganje.enqueue_due_polls(account_id text, places integer, OUT enqueued integer, OUT next_due timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    account ganje.carrier_account := ganje.find_account(enqueue_due_polls.account_id);
    settings jsonb := ganje.poll_settings(account);
    operations record;
    due record;
    room integer;
BEGIN
    enqueued := 0;
    SELECT c.poll_operation, c.refresh_operation INTO operations FROM ganje.carrier AS c WHERE c.carrier = account.carrier;
    SELECT least(places, greatest(account.max_connections / 2, 1) - count(*)) INTO room
      FROM ganje.outbox_delivery AS d WHERE d.account_id = enqueue_due_polls.account_id AND d.poll;
    IF room > 0 AND ganje.enqueue_refresh(account, operations.refresh_operation, settings) THEN
        enqueued := 1;
    END IF;
    -- Skipping what is locked, this waits for nobody.
    FOR due IN SELECT p AS poll, s AS shipment
                 FROM ganje.shipment_poll AS p
                 JOIN ganje.shipment AS s ON s.merchant_id = p.merchant_id AND s.shipment_id = p.shipment_id
                WHERE p.account_id = enqueue_due_polls.account_id AND p.due_at <= clock_timestamp()
                ORDER BY p.due_at LIMIT greatest(room - enqueued, 0) FOR UPDATE OF p, s SKIP LOCKED
    LOOP
        IF ganje.enqueue_poll(due.poll, due.shipment, operations.poll_operation, settings) THEN
            enqueued := enqueued + 1;
        END IF;
    END LOOP;
    SELECT a.due_at INTO next_due FROM ganje.poll_accounts() AS a WHERE a.account_id = enqueue_due_polls.account_id;
END
$$;
COMMENT ON FUNCTION ganje.enqueue_due_polls(text, integer) IS
'Puts at most so many polls of an account that are due into the outbox; answers how many, and when the next one is due.';

-- A poll that says something else than what another source has said is
-- settled by time and rank: one that was asked before the other's word came,
-- or knows the shipment less far, is stale. Polls among themselves come in
-- the order in which they were asked, and the later one is right: 3, 5, 3 are
-- three steps. The journey shows a stale one too.
CREATE FUNCTION ganje.is_stale_poll(known ganje.shipment_parcel, mapping ganje.status_mapping, last_status text, asked_at timestamptz)
RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN known.parcel_ref IS NOT NULL AND known.carrier_status IS DISTINCT FROM last_status
   AND (mapping.rank < known.rank OR (mapping.rank = known.rank AND known.updated_at > asked_at));
COMMENT ON FUNCTION ganje.is_stale_poll(ganje.shipment_parcel, ganje.status_mapping, text, timestamptz) IS
'True where a poll''s word yields to what is known from elsewhere.';

CREATE FUNCTION ganje.changes_fields(known ganje.shipment, patch jsonb) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(patch ->> 'orderLink' <> coalesce(known.order_link, ''), false)
    OR coalesce(patch ->> 'trackingUrl' <> coalesce(known.tracking_url, ''), false)
    OR coalesce(patch ->> 'trackingNumber' <> coalesce(known.tracking_number, ''), false)
    OR coalesce(patch ->> 'waybillUrl' <> coalesce(known.waybill_url, ''), false)
    OR coalesce(patch ->> 'courierName' <> coalesce(known.courier_name, ''), false)
    OR NOT coalesce(coalesce(known.station, '{}') @> jsonb_strip_nulls(patch -> 'station'), true)
    OR coalesce((patch ->> 'expectedCheckIn')::timestamptz <> coalesce(known.expected_check_in, '-infinity'), false)
    OR coalesce((patch ->> 'expectedCheckOut')::timestamptz <> coalesce(known.expected_check_out, '-infinity'), false)
    OR known.data || coalesce(patch -> 'data', '{}') <> known.data;
COMMENT ON FUNCTION ganje.changes_fields(ganje.shipment, jsonb) IS 'True where the plain fields of a patch say something new of a shipment.';

CREATE FUNCTION ganje.changes_times(known ganje.shipment_parcel, patch jsonb) RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce((patch ->> 'checkedInAt')::timestamptz <> coalesce(known.checked_in_at, '-infinity'), false)
    OR coalesce((patch ->> 'checkedOutAt')::timestamptz <> coalesce(known.checked_out_at, '-infinity'), false);
COMMENT ON FUNCTION ganje.changes_times(ganje.shipment_parcel, jsonb) IS 'True where the times of a patch say something new of a parcel.';

-- A webhook is as good as a poll: the next one is due as long after it as it
-- would be after news of its own. So a carrier that keeps us informed is asked
-- nothing.
CREATE FUNCTION ganje.put_off_poll(the_shipment ganje.shipment) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    right_now timestamptz := clock_timestamp();
    next_due timestamptz;
BEGIN
    PERFORM 1 FROM ganje.shipment_poll AS p
      WHERE p.merchant_id = the_shipment.merchant_id AND p.shipment_id = the_shipment.shipment_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    next_due := right_now + ganje.poll_delay(ganje.poll_settings(ganje.find_account(the_shipment.account_id)),
                                             the_shipment.normalized_status, interval '0', 0);
    UPDATE ganje.shipment_poll AS p SET due_at = greatest(p.due_at, next_due), changed_at = right_now
     WHERE p.merchant_id = the_shipment.merchant_id AND p.shipment_id = the_shipment.shipment_id;
END
$$;
COMMENT ON FUNCTION ganje.put_off_poll(ganje.shipment) IS 'Puts the next poll of a shipment off, because its carrier has just told of it.';

CREATE FUNCTION ganje.apply_poll(known ganje.shipment, carrier text, patch jsonb, last_status text, asked_at timestamptz) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    said text := patch ->> 'carrierStatus';
    mapping ganje.status_mapping := ganje.meaning(carrier, patch ->> 'entity', said);
    parcel ganje.shipment_parcel;
BEGIN
    SELECT * INTO parcel FROM ganje.shipment_parcel AS p
     WHERE p.merchant_id = known.merchant_id AND p.shipment_id = known.shipment_id AND p.parcel_ref = coalesce(patch ->> 'parcel', '');
    IF said = parcel.carrier_status AND ganje.changes_times(parcel, patch) THEN
        RETURN ganje.apply_patch(known.merchant_id, known.shipment_id, carrier, patch);
    ELSIF said IS NULL OR said = parcel.carrier_status OR (said = last_status AND parcel.parcel_ref IS NOT NULL) THEN
        IF NOT ganje.changes_fields(known, patch) THEN
            RETURN 'same';
        END IF;
        RETURN ganje.apply_patch(known.merchant_id, known.shipment_id, carrier, patch - 'carrierStatus');
    ELSIF ganje.is_stale_poll(parcel, mapping, last_status, asked_at) THEN
        PERFORM ganje.append_event(known, known, carrier, patch || '{"stale": true}');
        RETURN 'stale';
    END IF;
    UPDATE ganje.shipment_parcel AS p SET rank = mapping.rank
     WHERE p.merchant_id = parcel.merchant_id AND p.shipment_id = parcel.shipment_id AND p.parcel_ref = parcel.parcel_ref
       AND p.rank > mapping.rank;
    RETURN ganje.apply_patch(known.merchant_id, known.shipment_id, carrier, patch || '{"polled": true}');
END
$$;
COMMENT ON FUNCTION ganje.apply_poll(ganje.shipment, text, jsonb, text, timestamptz) IS
'Applies what a carrier answered when it was asked; answers same where that is no news, stale where another source knows better, else applied.';

-- Only a poll that brought news goes to the log: the others would fill it.
CREATE FUNCTION ganje.settle_poll(delivery ganje.outbox_delivery, carrier text, patch jsonb, asked_at timestamptz, status integer,
                                  excerpt text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    told ganje.shipment := ganje.lock_shipment(delivery.merchant_id, delivery.shipment_id);
    twin ganje.shipment;
    last_status text;
    said text := patch ->> 'carrierStatus';
    news boolean := NOT delivery.poll;
BEGIN
    SELECT p.carrier_status INTO last_status FROM ganje.shipment_poll AS p
     WHERE p.merchant_id = delivery.merchant_id AND p.shipment_id = delivery.shipment_id;
    FOR twin IN SELECT * FROM ganje.shipment AS s
                 WHERE s.merchant_id = told.merchant_id AND s.external_id = told.external_id AND s.account_id = told.account_id
                 ORDER BY s.shipment_id FOR UPDATE
    LOOP
        news := ganje.apply_poll(twin, carrier, coalesce(patch, '{}'), last_status, asked_at) <> 'same' OR news;
    END LOOP;
    PERFORM ganje.note_poll(delivery, said, news);
    IF news THEN
        PERFORM ganje.finish_request(delivery, 'delivered', settle_poll.status, excerpt);
    ELSE
        DELETE FROM ganje.outbox AS o WHERE o.merchant_id = delivery.merchant_id AND o.request_id = delivery.request_id;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.settle_poll(ganje.outbox_delivery, text, jsonb, timestamptz, integer, text) IS
'Records the answer to a poll, or to the question whether a create arrived.';

CREATE FUNCTION ganje.note_poll(delivery ganje.outbox_delivery, said text, news boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    poll ganje.shipment_poll;
    normalized text;
    right_now timestamptz := clock_timestamp();
    next_due timestamptz;
BEGIN
    SELECT s.normalized_status INTO normalized FROM ganje.shipment AS s
     WHERE s.merchant_id = delivery.merchant_id AND s.shipment_id = delivery.shipment_id;
    IF ganje.is_closed(normalized) THEN
        DELETE FROM ganje.shipment_poll AS p WHERE p.merchant_id = delivery.merchant_id AND p.shipment_id = delivery.shipment_id;
        RETURN;
    END IF;
    SELECT * INTO poll FROM ganje.shipment_poll AS p
     WHERE p.merchant_id = delivery.merchant_id AND p.shipment_id = delivery.shipment_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    poll.changed_at := CASE WHEN news THEN right_now ELSE poll.changed_at END;
    next_due := right_now + ganje.poll_delay(ganje.poll_settings(ganje.find_account(delivery.account_id)), normalized,
                                             right_now - poll.changed_at, 0);
    UPDATE ganje.shipment_poll AS p
       SET due_at = next_due, carrier_status = coalesce(said, p.carrier_status), changed_at = poll.changed_at,
           polled_at = right_now, failures = 0, last_error = NULL
     WHERE p.merchant_id = poll.merchant_id AND p.shipment_id = poll.shipment_id;
END
$$;
COMMENT ON FUNCTION ganje.note_poll(ganje.outbox_delivery, text, boolean) IS
'Notes what a poll said and when the next one is due; a closed shipment has none.';

-- Retry-After may ask for more patience than our own pause has.
CREATE FUNCTION ganje.fail_poll(delivery ganje.outbox_delivery, delay_ms bigint, error text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    poll ganje.shipment_poll;
    account ganje.carrier_account := ganje.find_account(delivery.account_id);
    asked_for interval := delay_ms * interval '1 millisecond';
    right_now timestamptz := clock_timestamp();
    normalized text;
BEGIN
    DELETE FROM ganje.outbox AS o WHERE o.merchant_id = delivery.merchant_id AND o.request_id = delivery.request_id;
    IF delivery.shipment_id IS NULL THEN
        PERFORM ganje.fail_refresh(account, asked_for, fail_poll.error);
        RETURN;
    END IF;
    SELECT * INTO poll FROM ganje.shipment_poll AS p
     WHERE p.merchant_id = delivery.merchant_id AND p.shipment_id = delivery.shipment_id FOR UPDATE;
    SELECT s.normalized_status INTO normalized FROM ganje.shipment AS s
     WHERE s.merchant_id = delivery.merchant_id AND s.shipment_id = delivery.shipment_id;
    PERFORM ganje.postpone_poll(poll, greatest(asked_for, ganje.poll_delay(ganje.poll_settings(account), normalized,
                                    right_now - poll.changed_at, poll.failures + 1)), poll.failures + 1, fail_poll.error);
END
$$;
COMMENT ON FUNCTION ganje.fail_poll(ganje.outbox_delivery, bigint, text) IS
'Records a poll that brought no answer: it leaves the outbox, and the next one comes later.';

CREATE FUNCTION ganje.fail_refresh(account ganje.carrier_account, asked_for interval, error text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    settings jsonb := ganje.poll_settings(account);
    failed integer := coalesce((SELECT r.failures FROM ganje.account_refresh AS r WHERE r.account_id = account.account_id), 0) + 1;
    delay interval := least(2 ^ least(failed, 20) * interval '30 seconds', (settings ->> 'refreshSeconds')::float8 * interval '1 second');
    next_due timestamptz := clock_timestamp() + greatest(delay, asked_for);
BEGIN
    UPDATE ganje.account_refresh AS r SET due_at = next_due, failures = failed, last_error = fail_refresh.error
     WHERE r.account_id = account.account_id;
END
$$;
COMMENT ON FUNCTION ganje.fail_refresh(ganje.carrier_account, interval, text) IS 'Records a refresh of an account that failed; it is tried again soon.';

SELECT pg_catalog.pg_extension_config_dump('ganje.shipment_poll', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.account_refresh', '');
