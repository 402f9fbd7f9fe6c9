-- What an operator looks at.

CREATE FUNCTION ganje.version() RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'ganje_logistics';
END;
COMMENT ON FUNCTION ganje.version() IS 'The version of the extension in this database.';

CREATE FUNCTION ganje.worker_pid() RETURNS integer
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_worker_pid_sql';
COMMENT ON FUNCTION ganje.worker_pid() IS 'Process id of this database''s worker, NULL where none runs.';

CREATE FUNCTION ganje.status() RETURNS TABLE (item text, value text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT 'version', ganje.version()
    UNION ALL SELECT 'worker', coalesce('process ' || ganje.worker_pid(), 'not running')
    UNION ALL SELECT 'sending', CASE WHEN s.system_identifier <> ganje.system_identifier()
                                     THEN 'paused: a copy of another cluster''s database; resume_sending() starts it'
                                     WHEN s.paused THEN 'paused' ELSE 'yes' END FROM ganje.sending AS s
    UNION ALL SELECT 'zones', count(*)::text FROM ganje.zone WHERE NOT deleted
    UNION ALL SELECT 'zone cache of this backend', pg_size_pretty(ganje.zone_cache_size())
                     || ', its index up to ' || current_setting('ganje_logistics.zone_cache_size')
    UNION ALL SELECT 'stores', count(*)::text FROM ganje.store WHERE NOT deleted
    UNION ALL SELECT 'requests waiting', count(*)::text FROM ganje.outbox_delivery AS d WHERE d.state = 'pending'
    UNION ALL SELECT 'requests in flight', count(*)::text FROM ganje.outbox_delivery AS d WHERE d.state = 'leased'
    UNION ALL SELECT 'dead letters', count(*)::text FROM ganje.outbox_delivery AS d WHERE d.state = 'dead'
    UNION ALL SELECT 'oldest waiting', coalesce(date_trunc('second', clock_timestamp() - min(o.created_at))::text, '-')
                FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d
                  ON d.merchant_id = o.merchant_id AND d.request_id = o.request_id WHERE d.state <> 'dead'
    UNION ALL SELECT 'accounts paused', count(*)::text FROM ganje.carrier_account AS a WHERE a.paused_at IS NOT NULL
    UNION ALL SELECT 'accounts parked', count(*)::text FROM ganje.carrier_account AS a WHERE a.parked_at IS NOT NULL
    UNION ALL SELECT 'breakers open', concat(count(*), ': ' || string_agg(b.account_id, ', ' ORDER BY b.place) FILTER (WHERE b.place <= 10))
                FROM (SELECT a.account_id, row_number() OVER (ORDER BY a.account_id) AS place
                        FROM ganje.carrier_account AS a CROSS JOIN LATERAL ganje.account_traffic(a.account_id) AS t
                       WHERE t.breaker <> 'closed') AS b
    UNION ALL SELECT 'webhooks quarantined', count(*)::text FROM ganje.webhook_inbox AS i WHERE i.state = 'quarantined';
END;
COMMENT ON FUNCTION ganje.status() IS 'How things stand, on one screen.';
