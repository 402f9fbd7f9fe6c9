-- What takes long says how far it is, and ends when it is told to, with nothing half done: webhooks that are read again (imports are in
-- test 061_zone_standby, drain in 029_limits).
\set SHOW_CONTEXT never
INSERT INTO ganje.webhook_inbox (source, payload) SELECT 'source95', n FROM generate_series(1, 2000) AS n;
SELECT * FROM ganje.reprocess_webhooks(only_source => 'source95');
SELECT max(processed_at) AS before FROM ganje.webhook_inbox WHERE source = 'source95' \gset
SET client_min_messages = warning;
SET statement_timeout = '10ms';
SELECT * FROM ganje.reprocess_webhooks(only_source => 'source95');
RESET statement_timeout;
RESET client_min_messages;
SELECT count(*), max(processed_at) = :'before' AS as_before FROM ganje.webhook_inbox WHERE source = 'source95' AND state = 'quarantined';
DELETE FROM ganje.webhook_inbox WHERE source = 'source95';
