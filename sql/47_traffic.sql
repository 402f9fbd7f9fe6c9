-- What the workers know of carrier accounts, in shared memory: whether the
-- carrier answers, what became of requests, how long they took. It begins
-- anew with the server; what must be kept is in the log.

CREATE FUNCTION ganje.account_traffic(account_id text, OUT breaker text, OUT breaker_until timestamptz, OUT failures_in_a_row integer,
                                      OUT requests bigint[], OUT requests_hour bigint[], OUT per_minute float8,
                                      OUT latencies bigint[], OUT latency_seconds float8,
                                      OUT p50_ms float8, OUT p95_ms float8, OUT p99_ms float8,
                                      OUT last_error text, OUT last_error_at timestamptz)
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'gl_account_traffic';
COMMENT ON FUNCTION ganje.account_traffic(text) IS
'What is known of an account since the server began: the breaker; requests by what became of them (in the order of traffic_classes()), in all and in the last hour; their rate in the last five to ten minutes; latencies by latency_bounds(), and the hour''s percentiles.';

CREATE FUNCTION ganje.traffic_classes() RETURNS text[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_traffic_class_names';
COMMENT ON FUNCTION ganje.traffic_classes() IS
'What becomes of requests: delivered, refused (4xx, or by the carrier''s own word), throttled (408, 425, 429), server_error (5xx), network, timeout, other (not sent, or the carrier''s function failed).';

CREATE FUNCTION ganje.latency_bounds() RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_latency_bounds_sql';
COMMENT ON FUNCTION ganje.latency_bounds() IS 'Upper bounds, in milliseconds, of the buckets that latencies are counted in; the last bucket has none.';

CREATE FUNCTION ganje.close_breaker(account_id text) RETURNS boolean
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'gl_account_close_breaker';
COMMENT ON FUNCTION ganje.close_breaker(text) IS 'Lets all requests of an account go at once; true where its breaker was open.';

CREATE FUNCTION ganje.keep_traffic(account_ids text[]) RETURNS void
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'gl_account_keep';
COMMENT ON FUNCTION ganje.keep_traffic(text[]) IS 'Forgets what is known of all other accounts of this database.';

CREATE FUNCTION ganje.is_own(xid) RETURNS boolean
LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'gl_outbox_is_own';
COMMENT ON FUNCTION ganje.is_own(xid) IS 'True for the current transaction and its subtransactions.';
