-- Where somebody looks after the outbox: dead letters by the lot, accounts
-- paused, the log emptied by day; and the pieces of dashboard() and metrics().
-- Nothing is sent: the database is paused.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
INSERT INTO ganje.carrier (carrier, registered_by) VALUES ('first81', current_user), ('second81', current_user);
INSERT INTO ganje.carrier_account (account_id, carrier, base_url)
VALUES ('81a', 'first81', 'https://a.example'), ('81b', 'first81', 'https://b.example'), ('81c', 'second81', 'https://c.example');

-- Ten requests of two merchants: given up, but for one that waits and one that is being sent.
INSERT INTO ganje.outbox (merchant_id, request_id, account_id, operation, method, path, body)
SELECT 'M' || n % 2, '81-' || n, '81' || (ARRAY['a', 'b', 'c'])[1 + n % 3], CASE WHEN n > 5 THEN 'cancel' ELSE 'create' END, 'POST', '/' || n, '{}'
  FROM generate_series(0, 9) AS n;
INSERT INTO ganje.outbox_delivery (merchant_id, request_id, account_id, state, attempts, due_at, lease_token, last_status, last_error, origin)
SELECT o.merchant_id, o.request_id, o.account_id, CASE o.request_id WHEN '81-8' THEN 'pending' WHEN '81-9' THEN 'leased' ELSE 'dead' END, 3,
       '2026-01-01 00:00+00', CASE WHEN o.request_id = '81-9' THEN 'token' END, 503, 'the carrier answered 503', ganje.system_identifier()
  FROM ganje.outbox AS o WHERE o.request_id LIKE '81-%';
INSERT INTO ganje.outbox_attempt (merchant_id, request_id, attempt, started_at, elapsed_ms, status, error, answer)
SELECT 'M0', '81-0', n, '2026-01-01 00:00+00', 10 * n, CASE WHEN n > 1 THEN 503 END,
       CASE WHEN n > 1 THEN 'the carrier answered 503' ELSE 'connect: refused' END, CASE WHEN n > 1 THEN 'busy' END
  FROM generate_series(1, 3) AS n;
SET timezone = 'UTC';
SELECT jsonb_pretty(history) FROM ganje.dead_letters WHERE request_id = '81-0';
CREATE TEMP VIEW dead81 AS
SELECT string_agg(request_id || account_id, ' ' ORDER BY request_id) AS dead FROM ganje.dead_letters WHERE request_id LIKE '81-%';
TABLE dead81;

-- By carrier, account, merchant, operation; the oldest of them.
SELECT ganje.retry_dead_letters('second81');
TABLE dead81;
SELECT ganje.retry_dead_letters(account_id => '81a', most => 1);
TABLE dead81;
SELECT ganje.retry_dead_letters(carrier => 'first81', merchant_id => 'M1', operation => 'cancel');
TABLE dead81;
SELECT ganje.retry_dead_letters(carrier => 'first81');
SELECT ganje.retry_dead_letters(carrier => 'first81');
SELECT request_id, state, attempts, due_at > '2026-06-01' AS now FROM ganje.outbox_delivery WHERE request_id LIKE '81-%' ORDER BY request_id;
SELECT ganje.retry_dead_letters('nobody');
SELECT ganje.retry_dead_letters(account_id => 'nobody');

-- One by one; what is being sent is left alone.
SELECT ganje.cancel_request('81-0', 'M0');
SELECT ganje.cancel_request('81-9', 'M1');
SELECT ganje.retry_request('81-9', 'M1');
SELECT ganje.retry_request('81-0', 'M0');
SELECT result, attempts, jsonb_array_length(history) AS tries FROM ganje.outbox_log WHERE request_id = '81-0';

-- Why an account does not send
UPDATE ganje.carrier_account SET active = false WHERE account_id = '81a';
SELECT ganje.pause_sending('81b');
SELECT ganje.park_account('81c', 'no credentials');
SELECT account_id, state FROM ganje.outbox_status WHERE account_id LIKE '81%' ORDER BY 1;
BEGIN;
UPDATE ganje.sending SET paused = false;
UPDATE ganje.carrier_account SET active = false WHERE account_id NOT LIKE '81%';
SELECT account_id, pending, in_flight, dead, state FROM ganje.outbox_status WHERE account_id LIKE '81%' ORDER BY 1;
-- Nothing that can be sent is left; what remains is told.
SELECT ganje.is_outbox_drained();
ROLLBACK;
SELECT ganje.pause_sending('nobody');
SELECT ganje.resume_sending('nobody');
SELECT ganje.resume_sending('81b');
SELECT paused_at IS NULL AS resumed FROM ganje.carrier_account WHERE account_id = '81b';
SELECT account_id, breaker, failures_in_a_row, requests, per_minute, p50_ms, last_error, pending, in_flight, dead
  FROM ganje.carrier_health WHERE account_id LIKE '81%' ORDER BY 1;

-- Limits that make no sense
\set VERBOSITY terse
UPDATE ganje.carrier_account SET requests_per_second = 0 WHERE account_id = '81a';
UPDATE ganje.carrier_account SET breaker_failures = -1 WHERE account_id = '81a';
UPDATE ganje.carrier_account SET breaker_pause_ms = 2000, breaker_cap_ms = 1000 WHERE account_id = '81a';
\set VERBOSITY default

-- drain() would wait for what nobody else can see yet.
BEGIN;
UPDATE ganje.carrier_account SET active = true WHERE account_id = '81a';
SAVEPOINT here;
SELECT count(ganje.enqueue_request('81a', 'tell', 'POST', '/own', '{}'));
RELEASE here;
SELECT ganje.drain('1 second');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT ganje.drain('1 second');
ROLLBACK;
SELECT ganje.drain('0 seconds') = ganje.outbox_left() AS answers_what_remains;
DO $$
DECLARE
    remaining bigint;
BEGIN
    CALL ganje.drain_outbox('0 seconds', remaining);
    ASSERT remaining = ganje.outbox_left() AND remaining >= 9;
END
$$;

-- The log keeps so many days before today; the table of tomorrow is empty before it comes.
INSERT INTO ganje.outbox_log (log_slot, merchant_id, request_id, account_id, operation, result, attempts, created_at, finished_at)
SELECT ganje.log_slot(clock_timestamp() - n * interval '1 day'), 'M81', 'age ' || n, '81a', 'tell', 'delivered', 1, now(), clock_timestamp() - n * interval '1 day'
  FROM generate_series(0, 31) AS n;
SELECT ganje.trim_log(14) > 0 AS emptied;
SELECT count(*) AS kept, max(replace(request_id, 'age ', '')::integer) AS oldest FROM ganje.outbox_log WHERE merchant_id = 'M81';
SELECT ganje.trim_log(1) > 0 AS emptied;
SELECT count(*) AS kept, max(replace(request_id, 'age ', '')::integer) AS oldest FROM ganje.outbox_log WHERE merchant_id = 'M81';
SELECT ganje.trim_log(1) AS nothing_is_emptied_twice;

-- What was written while the clock was ahead, over midnight or for days, is not old once it is put back; nor after a rollback behind it.
INSERT INTO ganje.outbox_log (log_slot, merchant_id, request_id, account_id, operation, result, attempts, created_at, finished_at)
SELECT ganje.log_slot(clock_timestamp() + n * interval '1 day'), 'M81', 'ahead ' || n, '81a', 'tell', 'delivered', 1, now(), clock_timestamp() + n * interval '1 day'
  FROM unnest('{1,5}'::integer[]) AS n;
BEGIN;
INSERT INTO ganje.outbox_log SELECT l.* FROM ganje.outbox_log AS l CROSS JOIN generate_series(1, 1000) WHERE l.request_id = 'ahead 1';
ROLLBACK;
SELECT ganje.trim_log(1) AS nothing_is_old;
SELECT string_agg(request_id, ', ' ORDER BY request_id) AS kept FROM ganje.outbox_log WHERE merchant_id = 'M81';

-- The live tables are vacuumed by a number of rows, and without pauses.
SELECT c.relname, o.option_name, o.option_value
  FROM pg_class AS c CROSS JOIN LATERAL pg_options_to_table(c.reloptions) AS o
 WHERE c.oid IN ('ganje.outbox'::regclass, 'ganje.outbox_delivery'::regclass, 'ganje.outbox_attempt'::regclass) AND o.option_name LIKE 'autovacuum_vacuum%'
 ORDER BY 1, 2;

-- Pieces of dashboard() and metrics()
SELECT ganje.html($x$<a href="x" onclick='y'>&amp;$x$), ganje.html(E'a\x01b\nc', 3), ganje.html(NULL), ganje.html_name('longer than four', 4);
SELECT ganje.html_duration(d::interval) FROM unnest('{NULL,-5 s,0.5 s,119.9 s,120 s,119 min,47 h,48 h,400 days}'::text[]) AS d;
SELECT ganje.html_number(n), ganje.html_ms(n) FROM unnest('{0,4.25,999.6,1234567}'::numeric[]) AS n;
SELECT ganje.dashboard_bar('{0.25,0,0.5}', '{a,b,c}', 'a "quarter"');
SELECT ganje.metric_label('name', E'quote " backslash \\ line\nfeed\ttab'), ganje.metric_label('none', NULL);
SELECT ganje.traffic_classes(), ganje.latency_bounds();

UPDATE ganje.outbox_delivery SET state = 'dead', lease_token = NULL WHERE request_id = '81-9';
SELECT count(ganje.cancel_request(request_id, merchant_id)) FROM ganje.outbox WHERE request_id LIKE '81-%';
DELETE FROM ganje.carrier_account WHERE account_id LIKE '81%';
DELETE FROM ganje.carrier WHERE carrier LIKE '%81';
