-- What bench_outbox and soak_outbox need in their private server: a carrier that adds nothing to a request, its
-- accounts (the ports come as variables), and requests to send.

CREATE SCHEMA bench;

CREATE FUNCTION bench.build(s ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE sql
AS $$ SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, 'POST', '/orders', '{}'::jsonb, '{}' $$;
INSERT INTO ganje.carrier (carrier, build, registered_by) VALUES ('bench', 'bench.build(ganje.shipment,text)', 'postgres');

-- Between measurements the carrier is quiet, and the worker is to have nothing else on its mind.
CREATE FUNCTION bench.account(account_id text, base_url text, max_connections integer) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, max_connections)
    VALUES (account_id, 'bench', base_url, true, max_connections);
END;

-- Each shipmentless, as enqueue_request would put them there, but in one statement.
CREATE FUNCTION bench.fill(account text, requests integer, body text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    CREATE TEMPORARY TABLE one ON COMMIT DROP AS SELECT ganje.ulid() AS id FROM generate_series(1, requests);
    INSERT INTO ganje.outbox (merchant_id, request_id, account_id, operation, method, path, headers, body)
    SELECT 'DEFAULT', id, account, 'create', 'POST', '/orders', '{"Content-Type": "application/json"}', fill.body FROM one;
    INSERT INTO ganje.outbox_delivery (merchant_id, request_id, account_id, due_at, origin)
    SELECT 'DEFAULT', id, account, now(), ganje.system_identifier() FROM one;
    PERFORM ganje.wake_worker();
END
$$;

CREATE TABLE bench.begun (at timestamptz, lsn pg_lsn);

-- Begins to send; the requests are there.
CREATE PROCEDURE bench.begin()
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM bench.begun;
    INSERT INTO bench.begun VALUES (clock_timestamp(), pg_current_wal_insert_lsn());
    PERFORM ganje.resume_sending();
END
$$;

-- Waits until everything is answered and recorded; not too eager, for a look passes by all that is dead by then, and when
-- the last answer was recorded the log says.
CREATE PROCEDURE bench.wait()
LANGUAGE plpgsql
AS $$
BEGIN
    WHILE EXISTS (SELECT FROM ganje.outbox_delivery WHERE state <> 'dead') LOOP
        COMMIT;
        PERFORM pg_sleep(0.25);
    END LOOP;
END
$$;

-- Requests and WAL bytes of each since begin; only what was delivered counts.
CREATE FUNCTION bench.result(OUT requests bigint, OUT per_second numeric, OUT wal_bytes numeric, OUT seconds numeric)
LANGUAGE plpgsql
AS $$
DECLARE
    begun bench.begun := (SELECT b FROM bench.begun AS b);
    last_at timestamptz;
BEGIN
    SELECT count(*), max(finished_at) INTO requests, last_at FROM ganje.outbox_log WHERE result = 'delivered' AND status = 200;
    seconds := round(extract(epoch FROM last_at - begun.at), 3);
    per_second := round(requests / seconds);
    wal_bytes := round((pg_current_wal_insert_lsn() - begun.lsn) / greatest(requests, 1));
END
$$;

CREATE TABLE bench.sent (request_id text, xid xid DEFAULT pg_current_xact_id()::xid);
CREATE TABLE bench.arrival (request_id text, at bigint, path text);

-- One request as an application would enqueue it, and under which transaction.
CREATE PROCEDURE bench.send_one(account text)
LANGUAGE sql
AS $$
    INSERT INTO bench.sent (request_id) SELECT ganje.enqueue_request(account, 'create', 'POST', '/orders', '{"external_id": "X1"}');
$$;

-- Milliseconds from the commit to the arrival at the carrier; the commit's time is taken before it is flushed.
CREATE FUNCTION bench.latency(OUT requests bigint, OUT p50 numeric, OUT p99 numeric)
LANGUAGE sql
AS $$
    SELECT count(*), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2), round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 2)
      FROM (SELECT a.at / 1000.0 - extract(epoch FROM pg_xact_commit_timestamp(s.xid)) * 1000 AS ms
              FROM bench.sent AS s JOIN bench.arrival AS a ON a.request_id = s.request_id) AS l;
$$;
