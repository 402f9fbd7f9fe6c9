-- How the carriers are doing: for people, and for a monitoring system.

CREATE VIEW ganje.carrier_health AS
SELECT s.account_id, s.carrier, s.state, t.breaker, t.breaker_until, t.failures_in_a_row,
       h.requests, h.delivered, h.refused, h.throttled, h.server_error, h.network, h.timeout, h.other,
       round(t.per_minute::numeric, 1) AS per_minute,
       round(t.p50_ms::numeric, 1) AS p50_ms, round(t.p95_ms::numeric, 1) AS p95_ms, round(t.p99_ms::numeric, 1) AS p99_ms,
       t.last_error, t.last_error_at, s.pending, s.in_flight, s.dead, s.oldest
  FROM ganje.outbox_status AS s
 CROSS JOIN LATERAL ganje.account_traffic(s.account_id) AS t
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.n), 0)::bigint AS requests,
           coalesce(sum(c.n) FILTER (WHERE c.class = 'delivered'), 0)::bigint AS delivered,
           coalesce(sum(c.n) FILTER (WHERE c.class = 'refused'), 0)::bigint AS refused,
           coalesce(sum(c.n) FILTER (WHERE c.class = 'throttled'), 0)::bigint AS throttled,
           coalesce(sum(c.n) FILTER (WHERE c.class = 'server_error'), 0)::bigint AS server_error,
           coalesce(sum(c.n) FILTER (WHERE c.class = 'network'), 0)::bigint AS network,
           coalesce(sum(c.n) FILTER (WHERE c.class = 'timeout'), 0)::bigint AS timeout,
           coalesce(sum(c.n) FILTER (WHERE c.class = 'other'), 0)::bigint AS other
      FROM unnest(ganje.traffic_classes(), t.requests_hour) AS c(class, n)) AS h;
COMMENT ON VIEW ganje.carrier_health IS
'Each carrier account: whether it sends, its breaker, and in the last hour (since the server began) requests by what became of them and their latencies.';
COMMENT ON COLUMN ganje.carrier_health.breaker IS 'closed: requests go; open: they wait until breaker_until; half-open: one is tried';
COMMENT ON COLUMN ganje.carrier_health.requests IS 'sent in the last hour, logins among them; then by what became of them, see traffic_classes()';
COMMENT ON COLUMN ganje.carrier_health.per_minute IS 'requests a minute in the last five to ten minutes';
COMMENT ON COLUMN ganje.carrier_health.p50_ms IS 'half of the last hour''s answers took less; estimated from a histogram';

-- OpenMetrics: https://github.com/prometheus/OpenMetrics, 1.0.0. A label's
-- value has backslash, quote and line feed escaped; other control characters
-- are no use to anybody.
CREATE FUNCTION ganje.metric_label(name text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('%s="%s"', name, regexp_replace(replace(replace(replace(coalesce(value, ''), '\', '\\'), '"', '\"'), E'\n', '\n'),
                                              '[\x01-\x1f\x7f]', ' ', 'g'));
COMMENT ON FUNCTION ganje.metric_label(text, text) IS 'A label of OpenMetrics text, its value escaped.';

CREATE FUNCTION ganje.metric_family(name text, type text, unit text, help text, samples text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat(format(E'# TYPE %s %s\n', name, type), CASE WHEN unit <> '' THEN format(E'# UNIT %s %s\n', name, unit) END,
              format(E'# HELP %s %s\n', name, help),
              (SELECT string_agg(concat(name, s.sample, E'\n'), '' ORDER BY s.place) FROM unnest(samples) WITH ORDINALITY AS s(sample, place)));
COMMENT ON FUNCTION ganje.metric_family(text, text, text, text, text[]) IS
'A family of OpenMetrics text; samples are what follows its name.';

-- What the series of metrics() are made of. Subscribers are many, and come and
-- go: they are one.
CREATE FUNCTION ganje.metric_accounts() RETURNS TABLE (labels text, breakers text[], pending bigint, in_flight bigint, dead bigint,
                                                       oldest_seconds float8, requests bigint[], latencies bigint[],
                                                       latency_seconds float8)
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT concat(ganje.metric_label('account', g.account), ',', ganje.metric_label('carrier', g.carrier)),
           array_agg(t.breaker), sum(s.pending)::bigint, sum(s.in_flight)::bigint, sum(s.dead)::bigint,
           coalesce(extract(epoch FROM clock_timestamp() - min(s.oldest)), 0)::float8,
           ARRAY(SELECT sum(x.n)::bigint FROM unnest(array_agg(t.requests)) WITH ORDINALITY AS x(n, i)
                  GROUP BY (x.i - 1) % cardinality(ganje.traffic_classes()) ORDER BY (x.i - 1) % cardinality(ganje.traffic_classes())),
           ARRAY(SELECT sum(x.n)::bigint FROM unnest(array_agg(t.latencies)) WITH ORDINALITY AS x(n, i)
                  GROUP BY (x.i - 1) % (cardinality(ganje.latency_bounds()) + 1)
                  ORDER BY (x.i - 1) % (cardinality(ganje.latency_bounds()) + 1)),
           sum(t.latency_seconds)
      FROM ganje.outbox_status AS s
     CROSS JOIN LATERAL ganje.account_traffic(s.account_id) AS t
     CROSS JOIN LATERAL (SELECT CASE WHEN s.carrier = 'webhook' THEN '' ELSE s.account_id END, s.carrier) AS g(account, carrier)
     GROUP BY g.account, g.carrier
     ORDER BY g.carrier, g.account;
END;
COMMENT ON FUNCTION ganje.metric_accounts() IS 'What metrics() says of each account; all subscribers together are one, with an empty name.';

CREATE FUNCTION ganje.metrics_of_accounts() RETURNS text
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    WITH account AS MATERIALIZED (SELECT * FROM ganje.metric_accounts()), sample AS MATERIALIZED (
        SELECT
            (SELECT array_agg(format('{%s,state="%s"} %s', a.labels, w.state, w.n) ORDER BY a.labels, w.state)
               FROM account AS a, LATERAL (VALUES ('pending', a.pending), ('in_flight', a.in_flight), ('dead', a.dead)) AS w(state, n)) AS requests,
            (SELECT array_agg(format('{%s} %s', a.labels, round(a.oldest_seconds::numeric, 3)) ORDER BY a.labels) FROM account AS a) AS oldest,
            (SELECT array_agg(format('{%s,ganje_breaker="%s"} %s', a.labels, w.state, (w.state = ANY (a.breakers))::integer) ORDER BY a.labels, w.state)
               FROM account AS a, unnest('{closed,open,half-open}'::text[]) AS w(state)) AS breakers,
            (SELECT array_agg(format('_total{%s,result="%s"} %s', a.labels, w.result, w.n) ORDER BY a.labels, w.i)
               FROM account AS a, unnest(ganje.traffic_classes(), a.requests) WITH ORDINALITY AS w(result, n, i)) AS results,
            (SELECT array_agg(w.line ORDER BY a.labels, w.place, w.i)
               FROM account AS a, LATERAL (
                    SELECT 1, b.i, format('_bucket{%s,le="%s"} %s', a.labels, coalesce(to_char(b.bound / 1000, 'FM990.099'), '+Inf'),
                                          sum(b.n) OVER (ORDER BY b.i))
                      FROM unnest(ganje.latency_bounds(), a.latencies) WITH ORDINALITY AS b(bound, n, i)
                    UNION ALL SELECT 2, 0, format('_count{%s} %s', a.labels, (SELECT sum(n) FROM unnest(a.latencies) AS n))
                    UNION ALL SELECT 3, 0, format('_sum{%s} %s', a.labels, a.latency_seconds)) AS w(place, i, line)) AS latencies)
    SELECT concat(
        ganje.metric_family('ganje_outbox_requests', 'gauge', '', 'Unfinished requests to carriers.', s.requests),
        ganje.metric_family('ganje_outbox_oldest_seconds', 'gauge', 'seconds', 'Age of the oldest request that waits or is in flight.', s.oldest),
        ganje.metric_family('ganje_breaker', 'stateset', '', 'Circuit breaker: open, requests wait; half-open, one is tried.', s.breakers),
        ganje.metric_family('ganje_requests', 'counter', '', 'Requests sent since the server began, by what became of them.', s.results),
        ganje.metric_family('ganje_request_seconds', 'histogram', 'seconds', 'How long carriers took to answer.', s.latencies))
      FROM sample AS s;
END;
COMMENT ON FUNCTION ganje.metrics_of_accounts() IS 'The families of metrics() that have a series per carrier account.';

CREATE FUNCTION ganje.metrics() RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT concat(
        ganje.metric_family('ganje_logistics', 'info', '', 'The extension.',
                            ARRAY[format('_info{%s} 1', ganje.metric_label('version', ganje.version()))]),
        ganje.metric_family('ganje_worker_up', 'gauge', '', 'Whether a worker runs for this database.',
                            ARRAY[' ' || (ganje.worker_pid() IS NOT NULL)::integer]),
        ganje.metric_family('ganje_sending', 'gauge', '', 'Whether this database sends: not while paused, nor as a copy.',
                            ARRAY[' ' || (SELECT (NOT s.paused AND s.system_identifier = ganje.system_identifier())::integer FROM ganje.sending AS s)]),
        ganje.metrics_of_accounts(),
        ganje.metric_family('ganje_accounts_parked', 'gauge', '', 'Carrier accounts whose login was refused.',
                            ARRAY[' ' || (SELECT count(*) FROM ganje.carrier_account AS a WHERE a.parked_at IS NOT NULL)]),
        ganje.metric_family('ganje_webhooks_quarantined', 'gauge', '', 'Webhook payloads that could not be applied.',
                            ARRAY[' ' || (SELECT count(*) FROM ganje.webhook_inbox AS i WHERE i.state = 'quarantined')]),
        ganje.metric_family('ganje_parcels_to_collect', 'gauge', '', 'Parcels that wait in a locker or at a desk.',
                            ARRAY[' ' || (SELECT count(*) FROM ganje.shipment_parcel AS p WHERE p.normalized_status = 'ready_for_pickup')]),
        ganje.metric_family('ganje_zones', 'gauge', '', 'Delivery zones.',
                            ARRAY[' ' || (SELECT count(*) FROM ganje.zone AS z WHERE NOT z.deleted)]),
        ganje.metric_family('ganje_stores', 'gauge', '', 'Stores.',
                            ARRAY[' ' || (SELECT count(*) FROM ganje.store AS s WHERE NOT s.deleted)]),
        '# EOF');
END;
COMMENT ON FUNCTION ganje.metrics() IS
'The state of this database in OpenMetrics text, to be served as application/openmetrics-text; version=1.0.0; charset=utf-8.';
