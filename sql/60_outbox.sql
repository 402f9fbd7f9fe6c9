-- The outbox: requests to carriers, kept until they are answered.
--
-- The request is written once; what changes while it is on its way is apart,
-- in a narrow row, so that a retry does not rewrite the body. A finished
-- request moves to the log, 32 tables that are reused by day: keeping the log
-- short is a TRUNCATE.
--
-- Every request is leased once and then deleted, thousands in a second. So a
-- lease changes no column of an index, and finds room for itself on the page
-- (a HOT update); and what belongs to a request goes with it by one statement
-- for all that were deleted, not by a foreign key's trigger for each. The
-- worker deletes rows by themselves, which fires no trigger of a statement.

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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);
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
    lease_until timestamptz,
    last_status integer,
    last_error text,
    origin bigint NOT NULL,
    poll boolean NOT NULL DEFAULT false,
    answer_lost boolean NOT NULL DEFAULT false,
    PRIMARY KEY (merchant_id, request_id),
    CHECK ((state = 'leased') = (lease_token IS NOT NULL))
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE ganje.outbox_delivery IS 'How far each request of the outbox is.';
COMMENT ON COLUMN ganje.outbox_delivery.turn IS 'requests of one shipment to one account are sent in this order, one at a time';
COMMENT ON COLUMN ganje.outbox_delivery.due_at IS 'sent not before, and in this order; a dead letter is due at infinity, out of the worker''s way';
COMMENT ON COLUMN ganje.outbox_delivery.lease_owner IS 'number of the worker that has the lease';
COMMENT ON COLUMN ganje.outbox_delivery.lease_until IS 'when the lease is over: another worker may send the request then';
COMMENT ON COLUMN ganje.outbox_delivery.origin IS 'system identifier of the cluster that wrote it: a copy elsewhere sends nothing';
COMMENT ON COLUMN ganje.outbox_delivery.poll IS 'a poll: where it fails the next one follows at its time, and it is no dead letter';
COMMENT ON COLUMN ganje.outbox_delivery.answer_lost IS 'the carrier may have got it: it is asked first, where it can be';
CREATE INDEX outbox_delivery_due ON ganje.outbox_delivery (account_id, due_at);
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
    PRIMARY KEY (merchant_id, request_id, attempt)
);
COMMENT ON TABLE ganje.outbox_attempt IS 'Tries of unfinished requests that did not succeed.';
COMMENT ON COLUMN ganje.outbox_attempt.answer IS 'the beginning of the carrier''s answer';

CREATE FUNCTION ganje.attempt_history(merchant text, request text) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('attempt', t.attempt, 'at', t.started_at, 'status', t.status,
                                                          'error', t.error)) ORDER BY t.attempt)
      FROM ganje.outbox_attempt AS t WHERE t.merchant_id = merchant AND t.request_id = request;
END;
COMMENT ON FUNCTION ganje.attempt_history(text, text) IS 'The tries of an unfinished request as the log keeps them, NULL where there are none.';

CREATE FUNCTION ganje.outbox_delete() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM ganje.outbox_delivery AS d USING gone AS g
     WHERE d.merchant_id = g.merchant_id AND d.request_id = g.request_id;
    DELETE FROM ganje.outbox_attempt AS t USING gone AS g
     WHERE t.merchant_id = g.merchant_id AND t.request_id = g.request_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.outbox_delete() IS 'Trigger: what belongs to requests goes with them.';
CREATE TRIGGER outbox_delete AFTER DELETE ON ganje.outbox REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.outbox_delete();

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

-- For every row of the log: what is in it is immutable throughout, so that it is inlined.
CREATE FUNCTION ganje.log_slot(at timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (((at AT TIME ZONE 'UTC')::date - date '1970-01-01') % 32)::smallint;
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

CREATE FUNCTION ganje.sending_replace() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
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

-- Carriers know our external id, not our shipment: shipments that share one
-- are one thing to the carrier, and it is told once. Rows of one statement are
-- all there when the first of them fires this, so that of our own
-- transaction's only those count that are in the outbox. The lock lets the
-- answer that is just being recorded come in first. shipment_begin does the
-- same for a new shipment.
CREATE FUNCTION ganje.enqueue_first(the_shipment ganje.shipment) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    twin ganje.shipment;
BEGIN
    SELECT * INTO twin FROM ganje.shipment AS s
     WHERE s.external_id = the_shipment.external_id AND s.account_id = the_shipment.account_id
       AND s.merchant_id IS NOT DISTINCT FROM the_shipment.merchant_id AND s.shipment_id <> the_shipment.shipment_id
       AND (s.enqueued_at IS DISTINCT FROM the_shipment.enqueued_at
            OR EXISTS (SELECT FROM ganje.outbox_delivery AS d
                        WHERE d.merchant_id = s.merchant_id AND d.shipment_id = s.shipment_id
                          AND d.account_id = s.account_id))
     ORDER BY s.shipment_id LIMIT 1 FOR UPDATE OF s;
    IF NOT FOUND THEN
        PERFORM ganje.enqueue(the_shipment, 'create');
    ELSIF twin.order_link IS NOT NULL THEN
        UPDATE ganje.shipment AS s SET order_link = twin.order_link
         WHERE s.merchant_id = the_shipment.merchant_id AND s.shipment_id = the_shipment.shipment_id;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.enqueue_first(ganje.shipment) IS 'Tells the carrier of a new shipment, once per external id.';

CREATE VIEW ganje.outbox_status AS
SELECT a.account_id, a.carrier, coalesce(q.pending, 0) AS pending, coalesce(q.in_flight, 0) AS in_flight,
       coalesce(q.dead, 0) AS dead, q.oldest, q.next_due,
       CASE WHEN ganje.system_identifier() <> ANY (ARRAY[s.system_identifier, a.origin]) THEN 'paused: a copy of another cluster''s database'
            WHEN s.paused THEN 'paused'
            WHEN NOT a.active THEN 'inactive'
            WHEN a.paused_at IS NOT NULL THEN 'paused: this account'
            WHEN a.parked_at IS NOT NULL THEN 'parked: ' || a.parked_reason
            WHEN t.breaker = 'open' THEN format('waiting: the carrier failed %s times in a row', t.failures_in_a_row)
            WHEN t.breaker = 'half-open' THEN format('trying: the carrier failed %s times in a row', t.failures_in_a_row)
            ELSE 'sending' END AS state
  FROM ganje.carrier_account AS a
 CROSS JOIN ganje.sending AS s
 CROSS JOIN LATERAL ganje.account_traffic(a.account_id) AS t
  LEFT JOIN (SELECT d.account_id,
                    count(*) FILTER (WHERE d.state = 'pending') AS pending,
                    count(*) FILTER (WHERE d.state = 'leased') AS in_flight,
                    count(*) FILTER (WHERE d.state = 'dead') AS dead,
                    min(o.created_at) FILTER (WHERE d.state <> 'dead') AS oldest,
                    min(d.due_at) FILTER (WHERE d.state = 'pending') AS next_due
               FROM ganje.outbox_delivery AS d
               JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
              GROUP BY d.account_id) AS q ON q.account_id = a.account_id;
COMMENT ON VIEW ganje.outbox_status IS
'Unfinished requests per carrier account, and whether the account sends: sending, waiting or trying (its breaker is open), paused, parked, inactive.';

CREATE VIEW ganje.dead_letters WITH (security_barrier) AS
SELECT o.merchant_id, o.request_id, o.account_id, o.shipment_id, o.operation, o.method, o.path, o.body,
       d.attempts, d.last_status, d.last_error, o.created_at,
       (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('attempt', t.attempt, 'at', t.started_at, 'elapsedMs', t.elapsed_ms,
                                                              'status', t.status, 'error', t.error, 'answer', t.answer))
                         ORDER BY t.attempt)
          FROM ganje.outbox_attempt AS t WHERE t.merchant_id = o.merchant_id AND t.request_id = o.request_id) AS history
  FROM ganje.outbox_delivery AS d
  JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
 WHERE d.state = 'dead' AND ganje.may_see(o.merchant_id, 'operator');
COMMENT ON VIEW ganje.dead_letters IS 'Requests given up, with every try: retry_request and retry_dead_letters send them again, cancel_request drops them.';
COMMENT ON COLUMN ganje.dead_letters.history IS 'its tries: [{attempt, at, elapsedMs, status, error, answer}, …], secrets taken out';

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
    PERFORM ganje.check_merchant(retry_request.merchant_id, 'operator');
    PERFORM ganje.lock_delivery(retry_request.merchant_id, retry_request.request_id);
    UPDATE ganje.outbox_delivery AS d SET state = 'pending', attempts = 0, due_at = pg_catalog.now()
     WHERE d.merchant_id = retry_request.merchant_id AND d.request_id = retry_request.request_id;
    PERFORM ganje.wake_worker();
END
$$;
COMMENT ON FUNCTION ganje.retry_request(text, text) IS 'Sends a dead or waiting request now, with all its attempts before it again.';

-- In the order of their keys, so that two calls do not lock each other out.
CREATE FUNCTION ganje.retry_dead_letters(carrier text DEFAULT NULL, account_id text DEFAULT NULL, merchant_id text DEFAULT NULL,
                                         operation text DEFAULT NULL, most bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    retried bigint;
BEGIN
    IF retry_dead_letters.account_id IS NOT NULL THEN
        PERFORM ganje.find_account(retry_dead_letters.account_id);
    END IF;
    PERFORM 1 FROM ganje.carrier AS c WHERE c.carrier = retry_dead_letters.carrier;
    IF retry_dead_letters.carrier IS NOT NULL AND NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('carrier %L does not exist', retry_dead_letters.carrier),
            HINT = 'SELECT carrier FROM ganje.carrier lists them.';
    END IF;
    WITH chosen AS MATERIALIZED (
        SELECT d.merchant_id, d.request_id
          FROM ganje.outbox_delivery AS d
          JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
          JOIN ganje.carrier_account AS a ON a.account_id = d.account_id
         WHERE d.state = 'dead'
           AND (retry_dead_letters.carrier IS NULL OR a.carrier = retry_dead_letters.carrier)
           AND (retry_dead_letters.account_id IS NULL OR d.account_id = retry_dead_letters.account_id)
           AND (retry_dead_letters.merchant_id IS NULL OR d.merchant_id = retry_dead_letters.merchant_id)
           AND (retry_dead_letters.operation IS NULL OR o.operation = retry_dead_letters.operation)
         ORDER BY d.merchant_id, d.request_id LIMIT retry_dead_letters.most FOR UPDATE OF d)
    UPDATE ganje.outbox_delivery AS d SET state = 'pending', attempts = 0, due_at = pg_catalog.now()
      FROM chosen AS c
     WHERE d.merchant_id = c.merchant_id AND d.request_id = c.request_id;
    GET DIAGNOSTICS retried = ROW_COUNT;
    PERFORM ganje.wake_worker();
    RETURN retried;
END
$$;
COMMENT ON FUNCTION ganje.retry_dead_letters(text, text, text, text, bigint) IS
'Sends dead letters again, all of them or those of a carrier, an account, a merchant, an operation, the oldest first where not more than so many; answers how many.';

CREATE FUNCTION ganje.cancel_request(request_id text, merchant_id text DEFAULT 'DEFAULT') RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    delivery ganje.outbox_delivery;
BEGIN
    PERFORM ganje.check_merchant(cancel_request.merchant_id, 'operator');
    delivery := ganje.lock_delivery(cancel_request.merchant_id, cancel_request.request_id);
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
           ganje.attempt_history(o.merchant_id, o.request_id), o.created_at, right_now
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

CREATE FUNCTION ganje.pause_sending(account_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.find_account(pause_sending.account_id);
    UPDATE ganje.carrier_account AS a SET paused_at = pg_catalog.now()
     WHERE a.account_id = pause_sending.account_id AND a.paused_at IS NULL;
END
$$;
COMMENT ON FUNCTION ganje.pause_sending(text) IS 'Nothing is sent any more for a carrier account until resume_sending(account_id); requests in flight end.';

CREATE FUNCTION ganje.resume_sending(account_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.find_account(resume_sending.account_id);
    UPDATE ganje.carrier_account AS a SET paused_at = NULL
     WHERE a.account_id = resume_sending.account_id AND a.paused_at IS NOT NULL;
    PERFORM ganje.close_breaker(resume_sending.account_id);
    PERFORM ganje.wake_worker();
END
$$;
COMMENT ON FUNCTION ganje.resume_sending(text) IS
'Sends again for a carrier account after pause_sending(account_id), and at once where the account waits because its carrier failed.';

CREATE FUNCTION ganje.resume_sending() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    here bigint := ganje.system_identifier();
    is_copy boolean := (SELECT s.system_identifier <> here FROM ganje.sending AS s);
BEGIN
    UPDATE ganje.sending SET paused = false, system_identifier = here, changed_at = pg_catalog.now();
    UPDATE ganje.carrier_account AS a SET origin = here WHERE a.origin <> here;
    UPDATE ganje.outbox_delivery AS d SET origin = here WHERE d.origin <> here;
    IF is_copy THEN
        PERFORM ganje.forget_expiries();
    END IF;
    PERFORM ganje.wake_worker();
END
$$;
COMMENT ON FUNCTION ganje.resume_sending() IS 'Sends again after pause_sending(), and in a database restored from a dump, what is pending.';

-- Polls go on for ever, and dead letters wait for people: neither is waited for.
CREATE FUNCTION ganje.is_outbox_drained() RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT NOT EXISTS (
        SELECT FROM ganje.carrier_account AS a
         CROSS JOIN ganje.sending AS s
         WHERE a.active AND a.paused_at IS NULL AND a.parked_at IS NULL
           AND NOT s.paused AND s.system_identifier = ganje.system_identifier() AND a.origin = s.system_identifier
           AND EXISTS (SELECT FROM ganje.outbox_delivery AS d
                        WHERE d.account_id = a.account_id AND d.state <> 'dead' AND NOT d.poll AND d.origin = s.system_identifier));
END;
COMMENT ON FUNCTION ganje.is_outbox_drained() IS 'True where no request is left that can be sent: of no account that is paused, parked or inactive.';

CREATE FUNCTION ganje.outbox_left() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT count(*) FROM ganje.outbox_delivery AS d WHERE d.state <> 'dead' AND NOT d.poll;
END;
COMMENT ON FUNCTION ganje.outbox_left() IS 'Requests in the outbox but for dead letters and polls.';

CREATE FUNCTION ganje.check_drain() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE invalid_transaction_state USING MESSAGE = 'drain cannot see what others do meanwhile',
            DETAIL = format('The transaction is %s.', current_setting('transaction_isolation')),
            HINT = 'Call it in a READ COMMITTED transaction.';
    ELSIF pg_current_xact_id_if_assigned() IS NOT NULL
          AND EXISTS (SELECT FROM ganje.outbox_delivery AS d WHERE d.state <> 'dead' AND ganje.is_own(d.xmin)) THEN
        RAISE invalid_transaction_state USING MESSAGE = 'drain would wait for requests of its own transaction',
            DETAIL = 'Nothing is sent before the transaction that enqueues it has committed.',
            HINT = 'Commit, then call it.';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_drain() IS 'Raises where waiting for the outbox would be in vain.';

-- "before" and "since": how many there were at the last call, and when that was.
CREATE FUNCTION ganje.tell_drain(before bigint, since timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    remaining bigint := ganje.outbox_left();
    seconds float8 := greatest(extract(epoch FROM clock_timestamp() - since), 0.001);
BEGIN
    IF ganje.worker_pid() IS NULL THEN
        RAISE NOTICE '% requests are left, and no worker runs for this database', remaining;
    ELSE
        RAISE NOTICE '% requests are left, % a second go', remaining, round(greatest(before - remaining, 0) / seconds);
    END IF;
    RETURN remaining;
END
$$;
COMMENT ON FUNCTION ganje.tell_drain(bigint, timestamptz) IS 'The line of progress of drain(): how many requests are left, and at what rate they go.';

CREATE FUNCTION ganje.drain(timeout interval DEFAULT '1 minute') RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + timeout;
    said timestamptz := clock_timestamp();
    remaining bigint;
BEGIN
    PERFORM ganje.check_drain();
    remaining := ganje.outbox_left();
    WHILE NOT ganje.is_outbox_drained() AND clock_timestamp() < deadline LOOP
        PERFORM pg_sleep(0.02);
        IF clock_timestamp() > said + interval '1 second' THEN
            remaining := ganje.tell_drain(remaining, said);
            said := clock_timestamp();
        END IF;
    END LOOP;
    RETURN ganje.outbox_left();
END
$$;
COMMENT ON FUNCTION ganje.drain(interval) IS
'Waits until the outbox is empty but for dead letters, polls and what cannot be sent (paused, parked), or the timeout is over; answers how many requests remain, and says each second how it goes. It holds vacuum back while it waits; CALL ganje.drain_outbox does not.';

-- A function runs within its caller's snapshot, which keeps vacuum from
-- removing what died since. A procedure can end its transaction between looks.
CREATE PROCEDURE ganje.drain_outbox(timeout interval DEFAULT '1 minute', INOUT remaining bigint DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + timeout;
    said timestamptz := clock_timestamp();
BEGIN
    PERFORM ganje.check_drain();
    remaining := ganje.outbox_left();
    WHILE NOT ganje.is_outbox_drained() AND clock_timestamp() < deadline LOOP
        COMMIT;
        PERFORM pg_catalog.pg_sleep(0.02);
        IF clock_timestamp() > said + interval '1 second' THEN
            remaining := ganje.tell_drain(remaining, said);
            said := clock_timestamp();
        END IF;
    END LOOP;
    remaining := ganje.outbox_left();
END
$$;
COMMENT ON PROCEDURE ganje.drain_outbox(interval, bigint) IS
'The same as drain(), for long waits: it holds no snapshot, so vacuum goes on meanwhile. Not within a transaction block.';

SELECT pg_catalog.pg_extension_config_dump('ganje.outbox', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.outbox_delivery', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.outbox_attempt', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.sending', '');
