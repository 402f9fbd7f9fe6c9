-- The outbox: requests to carriers, kept until they are answered.
--
-- The request is written once; what changes while it is on its way is apart,
-- in a narrow row, so that a retry does not rewrite the body. A finished
-- request moves to the log, 32 tables that are reused by day: keeping the log
-- short is a TRUNCATE.

CREATE TABLE ganje.outbox (
    merchant_id text NOT NULL,
    request_id text NOT NULL DEFAULT ganje.ulid(),
    account_id text NOT NULL REFERENCES ganje.carrier_account,
    shipment_id text,
    operation text NOT NULL,
    method text NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
    path text NOT NULL CHECK (path ~ '^/[^\s]*$'),
    headers jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(headers) = 'object'),
    body text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (merchant_id, request_id),
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES ganje.shipment
);
COMMENT ON TABLE ganje.outbox IS 'Requests to carriers that are not finished: what will be sent, without secrets.';
COMMENT ON COLUMN ganje.outbox.request_id IS 'also the Idempotency-Key of every try';

CREATE TABLE ganje.outbox_delivery (
    merchant_id text NOT NULL,
    request_id text NOT NULL,
    account_id text NOT NULL,
    shipment_id text,
    turn integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'leased', 'dead')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at timestamptz NOT NULL,
    lease_token text,
    lease_owner integer,
    last_status integer,
    last_error text,
    origin bigint NOT NULL,
    poll boolean NOT NULL DEFAULT false,
    answer_lost boolean NOT NULL DEFAULT false,
    PRIMARY KEY (merchant_id, request_id),
    FOREIGN KEY (merchant_id, request_id) REFERENCES ganje.outbox ON DELETE CASCADE,
    CHECK ((state = 'leased') = (lease_token IS NOT NULL))
) WITH (fillfactor = 60);
COMMENT ON TABLE ganje.outbox_delivery IS 'How far each request of the outbox is.';
COMMENT ON COLUMN ganje.outbox_delivery.turn IS 'requests of one shipment to one account are sent in this order, one at a time';
COMMENT ON COLUMN ganje.outbox_delivery.due_at IS 'pending: not before; leased: until when the lease lasts';
COMMENT ON COLUMN ganje.outbox_delivery.origin IS 'system identifier of the cluster that wrote it: a copy elsewhere sends nothing';
COMMENT ON COLUMN ganje.outbox_delivery.poll IS 'a poll: where it fails the next one follows at its time, and it is no dead letter';
COMMENT ON COLUMN ganje.outbox_delivery.answer_lost IS 'the carrier may have got it: it is asked first, where it can be';
CREATE INDEX outbox_delivery_due ON ganje.outbox_delivery (account_id, due_at) WHERE state <> 'dead';
CREATE INDEX outbox_delivery_poll ON ganje.outbox_delivery (account_id) WHERE poll;
CREATE INDEX outbox_delivery_turn ON ganje.outbox_delivery (merchant_id, shipment_id, account_id, turn) WHERE shipment_id IS NOT NULL;

CREATE TABLE ganje.outbox_attempt (
    merchant_id text NOT NULL,
    request_id text NOT NULL,
    attempt integer NOT NULL,
    started_at timestamptz NOT NULL,
    elapsed_ms integer,
    status integer,
    error text,
    answer text,
    PRIMARY KEY (merchant_id, request_id, attempt),
    FOREIGN KEY (merchant_id, request_id) REFERENCES ganje.outbox ON DELETE CASCADE
);
COMMENT ON TABLE ganje.outbox_attempt IS 'Tries of unfinished requests that did not succeed.';
COMMENT ON COLUMN ganje.outbox_attempt.answer IS 'the beginning of the carrier''s answer';

CREATE TABLE ganje.outbox_log (
    log_slot smallint NOT NULL,
    merchant_id text NOT NULL,
    request_id text NOT NULL,
    account_id text NOT NULL,
    shipment_id text,
    operation text NOT NULL,
    result text NOT NULL CHECK (result IN ('delivered', 'cancelled')),
    attempts integer NOT NULL,
    status integer,
    answer text,
    history jsonb,
    created_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL
) PARTITION BY LIST (log_slot);
COMMENT ON TABLE ganje.outbox_log IS 'Finished requests, in 32 tables by day, which are emptied in turn (ganje_logistics.log_days).';
COMMENT ON COLUMN ganje.outbox_log.history IS 'tries before the last: [{attempt, at, status, error}, …]';

CREATE FUNCTION ganje.log_slot(at timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (floor(extract(epoch FROM at) / 86400)::bigint % 32)::smallint;
COMMENT ON FUNCTION ganje.log_slot(timestamptz) IS 'Which of the 32 log tables a UTC day uses.';

DO $$
BEGIN
    FOR n IN 0..31 LOOP
        EXECUTE format('CREATE TABLE ganje.outbox_log_%s PARTITION OF ganje.outbox_log FOR VALUES IN (%s)', to_char(n, 'FM00'), n);
        EXECUTE format('CREATE INDEX ON ganje.outbox_log_%s (merchant_id, request_id)', to_char(n, 'FM00'));
        EXECUTE format('COMMENT ON TABLE ganje.outbox_log_%s IS %L', to_char(n, 'FM00'), 'Part of ganje.outbox_log.');
        PERFORM pg_catalog.pg_extension_config_dump(format('ganje.outbox_log_%s', to_char(n, 'FM00'))::regclass, '');
        EXECUTE format('CREATE TABLE ganje.notification_%s PARTITION OF ganje.notification FOR VALUES IN (%s)', to_char(n, 'FM00'), n);
        EXECUTE format('CREATE INDEX ON ganje.notification_%s (merchant_id, created_at)', to_char(n, 'FM00'));
        EXECUTE format('COMMENT ON TABLE ganje.notification_%s IS %L', to_char(n, 'FM00'), 'Part of ganje.notification.');
        PERFORM pg_catalog.pg_extension_config_dump(format('ganje.notification_%s', to_char(n, 'FM00'))::regclass, '');
    END LOOP;
END
$$;

-- One row: whether this database sends. A row that a dump brings replaces the
-- one made here, so that a database restored elsewhere is seen to be a copy.
CREATE TABLE ganje.sending (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    system_identifier bigint NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE ganje.sending IS 'Whether this database sends: it does not while paused, nor as a copy, until resume_sending().';
COMMENT ON COLUMN ganje.sending.system_identifier IS 'of the cluster that may send';

CREATE FUNCTION ganje.system_identifier() RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'gl_system_identifier';
COMMENT ON FUNCTION ganje.system_identifier() IS 'The identifier of this cluster, as in pg_control_system().';

CREATE FUNCTION ganje.sending_replace() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM ganje.sending;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ganje.sending_replace() IS 'Trigger: the row of a dump takes the place of the one there.';
CREATE TRIGGER sending_replace BEFORE INSERT ON ganje.sending
    FOR EACH ROW EXECUTE FUNCTION ganje.sending_replace();
ALTER TABLE ganje.sending ENABLE ALWAYS TRIGGER sending_replace;
INSERT INTO ganje.sending (system_identifier) VALUES (ganje.system_identifier());

CREATE FUNCTION ganje.wake_worker() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'gl_worker_wake_sql';
COMMENT ON FUNCTION ganje.wake_worker() IS 'Wakes this database''s worker when the transaction commits.';

CREATE FUNCTION ganje.start_worker() RETURNS integer
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'gl_worker_start_sql';
COMMENT ON FUNCTION ganje.start_worker() IS 'Starts this database''s worker where none runs, and answers its process id; not needed where the library is preloaded.';

-- Puts a request of a shipment into the outbox; the shipment's row is locked
-- so that turns are given one after another.
CREATE FUNCTION ganje.enqueue(the_shipment ganje.shipment, operation text, poll boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    account ganje.carrier_account := ganje.find_account(the_shipment.account_id);
    request ganje.http_request;
    id text := ganje.ulid();
    next_turn integer;
BEGIN
    request := ganje.run_build(account.carrier, the_shipment, operation);
    SELECT coalesce(max(d.turn), 0) + 1 INTO next_turn FROM ganje.outbox_delivery AS d
     WHERE d.merchant_id = the_shipment.merchant_id AND d.shipment_id = the_shipment.shipment_id
       AND d.account_id = account.account_id;
    INSERT INTO ganje.outbox (merchant_id, request_id, account_id, shipment_id, operation, method, path, headers, body)
    VALUES (the_shipment.merchant_id, id, account.account_id, the_shipment.shipment_id, enqueue.operation,
            request.method, request.path, coalesce(request.headers, '{}'), request.body);
    INSERT INTO ganje.outbox_delivery (merchant_id, request_id, account_id, shipment_id, turn, due_at, origin, poll)
    VALUES (the_shipment.merchant_id, id, account.account_id, the_shipment.shipment_id, next_turn,
            pg_catalog.now(), ganje.system_identifier(), enqueue.poll);
    IF enqueue.operation = 'cancel' THEN
        PERFORM ganje.wish_cancel(the_shipment);
    END IF;
    PERFORM ganje.wake_worker();
    RETURN id;
END
$$;
COMMENT ON FUNCTION ganje.enqueue(ganje.shipment, text, boolean) IS
'Puts a request (operation "create", "cancel", …) of a shipment into the outbox and answers its request_id. The caller holds the shipment''s row lock.';

-- What concerns an account rather than one shipment: a list, a check.
CREATE FUNCTION ganje.account_merchant(account ganje.carrier_account) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(ganje.json_id(account.settings -> 'merchantId'), 'DEFAULT');
COMMENT ON FUNCTION ganje.account_merchant(ganje.carrier_account) IS
'The merchant whose account it is: merchantId of its settings, else DEFAULT.';

CREATE FUNCTION ganje.enqueue_request(account_id text, operation text, method text, path text, body text DEFAULT NULL,
                                      headers jsonb DEFAULT '{"Content-Type": "application/json"}', merchant_id text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    account ganje.carrier_account := ganje.find_account(enqueue_request.account_id);
    merchant text := coalesce(enqueue_request.merchant_id, ganje.account_merchant(account));
    id text := ganje.ulid();
BEGIN
    INSERT INTO ganje.outbox (merchant_id, request_id, account_id, operation, method, path, headers, body)
    VALUES (merchant, id, account.account_id, enqueue_request.operation, enqueue_request.method, enqueue_request.path,
            enqueue_request.headers, enqueue_request.body);
    INSERT INTO ganje.outbox_delivery (merchant_id, request_id, account_id, due_at, origin)
    VALUES (merchant, id, account.account_id, pg_catalog.now(), ganje.system_identifier());
    PERFORM ganje.wake_worker();
    RETURN id;
END
$$;
COMMENT ON FUNCTION ganje.enqueue_request(text, text, text, text, text, jsonb, text) IS
'Puts a request of a carrier account, of no shipment in particular, into the outbox and answers its request_id.';

CREATE VIEW ganje.outbox_status AS
SELECT a.account_id, a.carrier,
       count(*) FILTER (WHERE d.state = 'pending') AS pending,
       count(*) FILTER (WHERE d.state = 'leased') AS in_flight,
       count(*) FILTER (WHERE d.state = 'dead') AS dead,
       min(o.created_at) FILTER (WHERE d.state <> 'dead') AS oldest,
       min(d.due_at) FILTER (WHERE d.state = 'pending') AS next_due,
       CASE WHEN s.system_identifier <> ganje.system_identifier() THEN 'paused: a copy of another cluster''s database'
            WHEN s.paused THEN 'paused'
            WHEN NOT a.active THEN 'inactive'
            WHEN a.parked_at IS NOT NULL THEN 'parked: ' || a.parked_reason
            ELSE 'sending' END AS state
  FROM ganje.carrier_account AS a
 CROSS JOIN ganje.sending AS s
  LEFT JOIN ganje.outbox_delivery AS d ON d.account_id = a.account_id
  LEFT JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
 GROUP BY a.account_id, a.carrier, a.active, a.parked_at, a.parked_reason, s.system_identifier, s.paused;
COMMENT ON VIEW ganje.outbox_status IS 'Unfinished requests per carrier account, and whether the account sends.';

CREATE VIEW ganje.dead_letters AS
SELECT o.merchant_id, o.request_id, o.account_id, o.shipment_id, o.operation, o.method, o.path, o.body,
       d.attempts, d.last_status, d.last_error, o.created_at
  FROM ganje.outbox_delivery AS d
  JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
 WHERE d.state = 'dead';
COMMENT ON VIEW ganje.dead_letters IS 'Requests given up: retry_request sends them again, cancel_request drops them.';

CREATE FUNCTION ganje.lock_delivery(merchant text, request text) RETURNS ganje.outbox_delivery
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    delivery ganje.outbox_delivery;
BEGIN
    SELECT * INTO delivery FROM ganje.outbox_delivery AS d
     WHERE d.merchant_id = merchant AND d.request_id = request FOR UPDATE;
    IF NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('request %L is not in the outbox', request),
            HINT = 'Finished requests are in ganje.outbox_log.';
    ELSIF delivery.state = 'leased' THEN
        RAISE object_in_use USING MESSAGE = format('request %L is being sent', request), HINT = 'Try again in a moment.';
    END IF;
    RETURN delivery;
END
$$;
COMMENT ON FUNCTION ganje.lock_delivery(text, text) IS 'The delivery of a request that is not being sent, its row locked.';

CREATE FUNCTION ganje.retry_request(request_id text, merchant_id text DEFAULT 'DEFAULT') RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.lock_delivery(retry_request.merchant_id, retry_request.request_id);
    UPDATE ganje.outbox_delivery AS d SET state = 'pending', attempts = 0, due_at = pg_catalog.now()
     WHERE d.merchant_id = retry_request.merchant_id AND d.request_id = retry_request.request_id;
    PERFORM ganje.wake_worker();
END
$$;
COMMENT ON FUNCTION ganje.retry_request(text, text) IS 'Sends a dead or waiting request now, with all its attempts before it again.';

CREATE FUNCTION ganje.cancel_request(request_id text, merchant_id text DEFAULT 'DEFAULT') RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    delivery ganje.outbox_delivery := ganje.lock_delivery(cancel_request.merchant_id, cancel_request.request_id);
BEGIN
    PERFORM ganje.finish_request(delivery, 'cancelled', delivery.last_status, NULL);
END
$$;
COMMENT ON FUNCTION ganje.cancel_request(text, text) IS 'Takes a dead or waiting request out of the outbox; it is kept in the log.';

CREATE FUNCTION ganje.finish_request(delivery ganje.outbox_delivery, result text, status integer, answer text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    right_now timestamptz := clock_timestamp();
    today smallint := ganje.log_slot(right_now);
BEGIN
    INSERT INTO ganje.outbox_log (log_slot, merchant_id, request_id, account_id, shipment_id, operation, result, attempts,
                                  status, answer, history, created_at, finished_at)
    SELECT today, o.merchant_id, o.request_id, o.account_id, o.shipment_id, o.operation,
           finish_request.result, delivery.attempts, finish_request.status, finish_request.answer,
           (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('attempt', t.attempt, 'at', t.started_at, 'status', t.status,
                                                                  'error', t.error)) ORDER BY t.attempt)
              FROM ganje.outbox_attempt AS t WHERE t.merchant_id = o.merchant_id AND t.request_id = o.request_id),
           o.created_at, right_now
      FROM ganje.outbox AS o
     WHERE o.merchant_id = delivery.merchant_id AND o.request_id = delivery.request_id;
    DELETE FROM ganje.outbox AS o WHERE o.merchant_id = delivery.merchant_id AND o.request_id = delivery.request_id;
END
$$;
COMMENT ON FUNCTION ganje.finish_request(ganje.outbox_delivery, text, integer, text) IS 'Moves a finished request from the outbox to the log.';

CREATE FUNCTION ganje.pause_sending() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    UPDATE ganje.sending SET paused = true, changed_at = pg_catalog.now();
END;
COMMENT ON FUNCTION ganje.pause_sending() IS 'Nothing is sent any more from this database until resume_sending(); requests in flight end.';

CREATE FUNCTION ganje.resume_sending() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here bigint := ganje.system_identifier();
BEGIN
    UPDATE ganje.sending SET paused = false, system_identifier = here, changed_at = pg_catalog.now();
    UPDATE ganje.outbox_delivery AS d SET origin = here WHERE d.origin <> here;
    PERFORM ganje.wake_worker();
END
$$;
COMMENT ON FUNCTION ganje.resume_sending() IS 'Sends again after pause_sending(), and in a database restored from a dump, what is pending.';

CREATE FUNCTION ganje.drain(timeout interval DEFAULT '1 minute') RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + timeout;
    remaining bigint;
    said timestamptz := clock_timestamp();
BEGIN
    LOOP
        SELECT count(*) INTO remaining FROM ganje.outbox_delivery AS d WHERE d.state <> 'dead' AND NOT d.poll;
        EXIT WHEN remaining = 0 OR clock_timestamp() >= deadline;
        IF clock_timestamp() > said + interval '5 seconds' THEN
            RAISE NOTICE '% requests are still in the outbox', remaining;
            said := clock_timestamp();
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN remaining;
END
$$;
COMMENT ON FUNCTION ganje.drain(interval) IS 'Waits until the outbox is empty but for dead letters and polls, or the timeout is over; answers how many requests remain. Call it outside the transaction that enqueues.';

SELECT pg_catalog.pg_extension_config_dump('ganje.outbox', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.outbox_delivery', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.outbox_attempt', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.sending', '');
