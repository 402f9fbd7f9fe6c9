-- Subscribers: what they are told, in which order, and when they are given up.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();

-- The vectors that the libraries of Standard Webhooks publish.
SELECT ganje.sign_webhook('whsec_plJ3nmyCDGBKInavdOK15jsl', 'msg_loFOjxBNrRLzqYUf', 1731705121, '{"event_type":"ping","data":{"success":true}}');
SELECT ganje.sign_webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}');

-- Verified over raw bytes, names of headers in any case, within five minutes.
CREATE FUNCTION verify77(signature text, age integer DEFAULT 0, body text DEFAULT '{"test": 2432232314}', stamp text DEFAULT '1614265330',
                         secret text DEFAULT 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') RETURNS boolean LANGUAGE sql AS $$
    SELECT ganje.verify_webhook_signature(secret, jsonb_build_object('Webhook-Id', 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'WEBHOOK-TIMESTAMP', stamp,
                                                                     'webhook-signature', signature), body::bytea, to_timestamp(1614265330 + age)) $$;
\set good 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
SELECT verify77(:'good') AS good, verify77(:'good', 300) AS late, verify77(:'good', -300) AS early,
       verify77('v1,AAAA v2,x ' || :'good') AS among_others, verify77(:'good', secret => 'whsec_AAAA whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') AS two_keys;
SELECT verify77(:'good', 301) AS too_late, verify77(:'good', -301) AS too_early, verify77(:'good', 0, '{"test":2432232314}') AS other_bytes,
       verify77(:'good', 0, stamp => '1614265331') AS other_time, verify77(:'good', 0, stamp => 'soon') AS no_time,
       verify77(replace(:'good', 'v1', 'v2')) AS other_version, verify77(left(:'good', -1)) AS cut, verify77('') AS none,
       verify77(:'good', secret => 'whsec_plJ3nmyCDGBKInavdOK15jsl') AS other_key;
SELECT ganje.verify_webhook_signature('whsec_AAAA', headers, 'x') FROM (VALUES ('{}'::jsonb), ('[]'), ('null'), (NULL), ('{"webhook-id": ["a"]}'),
    ('{"webhook-id": "a", "webhook-timestamp": null, "webhook-signature": "v1,"}')) AS t(headers);
SELECT verify77(:'good', secret => 'not-base64-secret');

-- Subscribing: what is refused, and stores nothing.
SELECT ganje.subscribe('http://hook.example/', '{shipment}');
SELECT ganje.subscribe('https://user@hook.example/', '{shipment}');
SELECT ganje.subscribe('https://hook.example/#x', '{shipment}');
SELECT ganje.subscribe('ftp://hook.example/', '{shipment}');
SELECT ganje.subscribe(NULL, '{shipment}');
SELECT ganje.subscribe('https://hook.example/', '{shipment,parcel}');
SELECT ganje.subscribe('https://hook.example/', '{}');
SELECT ganje.subscribe('https://hook.example/', '{shipment}', '{CREATE,NULL}');
SELECT ganje.subscribe('https://hook.example/', '{shipment}', secret => 'whsec_c2hvcnQ=');
SELECT ganje.subscribe('https://hook.example/', '{shipment}', secret => 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
SELECT ganje.subscribe('https://hook.example/', '{shipment}', disable_after => '0');
SELECT count(*) FROM ganje.subscription;

-- Nobody subscribed: nothing is kept.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id) VALUES ('M77', '77-0', '77-order-0');
SELECT count(*) FROM ganje.notification;

CREATE TABLE sub77 (name text, id text, secret text);
-- What a statement about a subscriber raises, without its id.
CREATE FUNCTION raise77(subscriber text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    id text := (SELECT n.id FROM sub77 AS n WHERE n.name = subscriber);
    hint text;
BEGIN
    EXECUTE format(statement, id);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN replace(concat_ws(' | ', SQLSTATE, SQLERRM, nullif(hint, '')), id, '(id)');
END $$;
INSERT INTO sub77 SELECT 'all', s ->> 'subscriptionId', s ->> 'secret'
  FROM ganje.subscribe('https://all.example/hook?key=k', '{order,delivery-order,shipment}', merchant_id => 'M77') AS s;
INSERT INTO sub77 SELECT 'some', s ->> 'subscriptionId', s ->> 'secret'
  FROM ganje.subscribe('https://some.example', '{shipment}', '{DELETE}', 'M77', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') AS s;
INSERT INTO sub77 SELECT 'stranger', s ->> 'subscriptionId', s ->> 'secret'
  FROM ganje.subscribe('http://stranger.example', '{order,delivery-order,shipment}', allow_http => true) AS s;
SELECT name, secret ~ '^whsec_[A-Za-z0-9+/]{43}=$' AS made, secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' AS given FROM sub77;
SELECT n.name, a.base_url, a.settings, a.allow_http, a.carrier FROM sub77 AS n JOIN ganje.carrier_account AS a ON a.account_id = n.id ORDER BY n.name;

-- What waits, oldest first, without the ids and times that differ from run to run.
CREATE VIEW waiting77 AS
SELECT n.name, o.operation, d.turn, o.shipment_id, o.body::jsonb AS body, o.headers, o.request_id
  FROM sub77 AS n JOIN ganje.outbox_delivery AS d ON d.account_id = n.id JOIN ganje.outbox AS o USING (merchant_id, request_id);

-- A shipment is told of once its transaction ends, with the items that came after its row, and
-- what it became in that transaction.
BEGIN;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, external_id, store_id, type, provider, recipient, phone, address, fee, day, slot_from, slot_to, created_at, updated_at)
VALUES ('M77', '77-A', '77-order', 'X77', 'S77', 'RESERVED', 'BIKE', 'Ada', '+989121234567', '{"city": "Tehran", "street": "Azadi 1", "postalCode": "13", "floor": null}', 4.50,
        '2026-03-01', '10:00', '12:00', '2026-03-01 08:00:00.125+00', '2026-03-01 08:00:00.125+00');
INSERT INTO ganje.shipment_item (merchant_id, shipment_id, item_id, position, quantity, price, name)
VALUES ('M77', '77-A', 'p1', 0, 2, 10, 'Tea'), ('M77', '77-A', 'p2', 1, 0.5, NULL, NULL);
UPDATE ganje.shipment SET tracking_number = 'T77' WHERE shipment_id = '77-A';
SELECT count(*) FROM waiting77;
COMMIT;
SELECT name, operation, turn, shipment_id, headers - 'webhook-id' AS headers, headers ->> 'webhook-id' = body ->> 'id' AS same_id,
       body ->> 'entity' AS entity, body ->> 'action' AS action, body ->> 'createAt' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$' AS utc
  FROM waiting77 ORDER BY request_id;
SELECT jsonb_pretty(body -> 'payload') FROM waiting77 ORDER BY request_id;

-- A change of what is told, and one of nothing that is; then it is cancelled.
UPDATE ganje.shipment SET status = 'READY', normalized_status = 'ready_to_ship' WHERE shipment_id = '77-A';
UPDATE ganje.shipment SET updated_at = '2026-03-02 08:00:00+00', status = 'READY' WHERE shipment_id = '77-A';
UPDATE ganje.shipment SET status = 'CANCELLED', normalized_status = 'cancelled' WHERE shipment_id = '77-A';
-- Its order, whose first shipment it is.
SELECT ganje.notify_order('M77', '77-order', 'DELETE', '{"orderStatus": "CANCELLED"}');
SELECT name, operation, turn, coalesce(body #>> '{payload,status}', body #>> '{payload,deliveryOrderStatus}', body #>> '{payload,orderStatus}') AS status,
       (SELECT count(*) FROM jsonb_object_keys(body -> 'payload')) AS keys
  FROM waiting77 WHERE NOT (name = 'all' AND turn < 3) ORDER BY name, turn;
SELECT (body -> 'payload') - 'lastUpdateAt'::text AS payload FROM waiting77 WHERE operation IN ('order DELETE', 'delivery-order DELETE') ORDER BY operation;
-- One body and one id for every subscriber.
SELECT count(*), count(DISTINCT body), count(DISTINCT request_id) FROM waiting77 WHERE operation = 'shipment DELETE';
SELECT ganje.notify_order('M77', '77-order', 'REMOVE');
SELECT ganje.notify_order('M77', '', 'UPDATE');
SELECT ganje.notify_order('M77', '77-order', 'UPDATE', '[]');

-- Told at once where the transaction asks for it; then changes are told one by one.
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id) VALUES ('M77', '77-now', '77-order-now');
UPDATE ganje.shipment SET status = 'CANCELLED', normalized_status = 'cancelled' WHERE shipment_id = '77-now';
SELECT name, operation, turn FROM waiting77 WHERE shipment_id = '77-now' ORDER BY name, turn;
ROLLBACK;

-- What is rolled back is told to nobody; nor is a row that a dump brings.
BEGIN;
UPDATE ganje.shipment SET note = 'x' WHERE shipment_id = '77-A';
ROLLBACK;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, enqueued_at) VALUES ('M77', '77-dump', '77-order-dump', '2026-01-01');
SELECT count(*) FROM waiting77;

-- An order placed by way of an attached table.
SELECT ganje.upsert_store('{"merchantId": "M77", "storeId": "S77", "name": "S"}') ->> 'created';
CREATE TABLE orders77 (id text, store text);
SELECT ganje.attach_orders('orders77', '{"orderId": "id", "storeId": "store", "merchantId": {"const": "M77"}}');
INSERT INTO orders77 VALUES ('77-placed', 'S77');
SELECT name, operation, turn, body #>> '{payload,orderId}' AS order_id, jsonb_array_length(body #> '{payload,shipmentIds}') AS shipments
  FROM waiting77 WHERE body #>> '{payload,orderId}' = '77-placed' OR body #>> '{payload,sourceOrderId}' = '77-placed' ORDER BY turn;
BEGIN;
INSERT INTO orders77 VALUES ('77-changed', 'S77');
UPDATE ganje.shipment SET note = 'n' WHERE order_id = '77-changed';
COMMIT;
SELECT operation, turn, body #>> '{payload,note}' AS note FROM waiting77
 WHERE shipment_id = (SELECT s.shipment_id FROM ganje.shipment AS s WHERE s.order_id = '77-changed') ORDER BY turn;
SELECT ganje.detach_orders('orders77');

-- Sent: signed at that time, by one key, or by two while one takes the place of the other.
CREATE FUNCTION signed77(subscriber text) RETURNS TABLE (path text, signatures text[], fresh boolean) LANGUAGE plpgsql AS $$
DECLARE
    account ganje.carrier_account;
    request ganje.http_request;
    sent ganje.http_request;
    keys text[];
BEGIN
    SELECT a.* INTO account FROM ganje.carrier_account AS a JOIN sub77 AS n ON n.id = a.account_id WHERE n.name = subscriber;
    SELECT o.merchant_id, o.request_id, o.account_id, o.shipment_id, o.operation, o.method, o.path, o.headers, o.body INTO request
      FROM ganje.outbox AS o WHERE o.account_id = account.account_id ORDER BY o.request_id LIMIT 1;
    sent := ganje.run_authorize('webhook', ganje.account_json(account) || jsonb_build_object('secret',
        (SELECT c.secret FROM ganje.carrier_credential AS c WHERE c.account_id = account.account_id)), request);
    SELECT array_agg(s.secret) INTO keys FROM (SELECT n.secret FROM sub77 AS n WHERE n.name LIKE subscriber || '%' ORDER BY n.name) AS s;
    path := sent.path;
    fresh := abs(extract(epoch FROM clock_timestamp()) - (sent.headers ->> 'webhook-timestamp')::numeric) < 60;
    signatures := ARRAY(SELECT coalesce((SELECT format('key %s', k.n) FROM unnest(keys) WITH ORDINALITY AS k(secret, n)
        WHERE ganje.verify_webhook_signature(k.secret, sent.headers || jsonb_build_object('webhook-signature', s), convert_to(sent.body, 'UTF8'))), 'unknown')
        FROM unnest(string_to_array(sent.headers ->> 'webhook-signature', ' ')) AS s);
    RETURN NEXT;
END $$;
SELECT * FROM signed77('all');
INSERT INTO sub77 SELECT 'all, rotated', NULL, r ->> 'secret' FROM sub77 AS n, LATERAL ganje.rotate_subscription_secret(n.id, '1 hour') AS r WHERE n.name = 'all';
SELECT * FROM signed77('all');
INSERT INTO sub77 SELECT 'all, rotated twice', NULL, r ->> 'secret' FROM sub77 AS n, LATERAL ganje.rotate_subscription_secret(n.id, '0') AS r WHERE n.name = 'all';
SELECT * FROM signed77('all');
SELECT ganje.rotate_subscription_secret(id, '-1 hour') FROM sub77 WHERE name = 'all';
SELECT ganje.rotate_subscription_secret('nobody');
-- Without a secret the account would be parked.
SELECT ganje.set_credential(id, '{"secret": "whsec_????"}') FROM sub77 WHERE name = 'all';
SELECT raise77('all', 'SELECT * FROM signed77(''all'')');
SELECT r ->> 'subscriptionId' = n.id AS rotated FROM sub77 AS n, LATERAL ganje.rotate_subscription_secret(n.id) AS r WHERE n.name = 'all';

-- What a subscriber's answer means.
SELECT status, (ganje.webhook_apply('{}', NULL, ROW(status, '{}', '')::ganje.http_response)).* FROM unnest('{200,204,301,400,404,410,500}'::integer[]) AS status;

-- 410: disabled, and what waited is in the log.
CREATE FUNCTION fail77(subscriber text, status integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    one ganje.outbox_delivery;
BEGIN
    UPDATE ganje.outbox_delivery AS d SET state = 'leased', lease_token = 'lease77', attempts = d.attempts + 1
     WHERE (d.merchant_id, d.request_id) = (SELECT w.merchant_id, w.request_id FROM ganje.outbox_delivery AS w JOIN sub77 AS n ON n.id = w.account_id
                                             WHERE n.name = subscriber AND w.state <> 'dead' ORDER BY w.turn LIMIT 1) RETURNING d.* INTO one;
    PERFORM ganje.record_answer(one.merchant_id, one.request_id, 'lease77', ROW(status, '{}', 'answer')::ganje.http_response, NULL,
                                status >= 500, 1000, clock_timestamp(), 1, 'answer');
END $$;
CREATE VIEW state77 AS
SELECT n.name, s.state, s.pending, s.dead, s.failing_since IS NOT NULL AS failing FROM ganje.subscription_status AS s JOIN sub77 AS n ON n.id = s.subscription_id ORDER BY n.name;
SELECT fail77('some', 410);
SELECT * FROM state77;
SELECT operation, result, status, attempts FROM ganje.outbox_log WHERE account_id = (SELECT id FROM sub77 WHERE name = 'some');
-- While it is disabled it is told nothing, and nothing that came in between gets out.
UPDATE ganje.shipment SET status = 'PENDING', normalized_status = 'pending' WHERE shipment_id = '77-A';
UPDATE ganje.shipment SET status = 'CANCELLED', normalized_status = 'cancelled' WHERE shipment_id = '77-A';
SELECT count(*) FROM waiting77 WHERE name = 'some';
SELECT raise77('some', 'SELECT ganje.replay_notifications(%L, ''-infinity'')');
SELECT ganje.enable_subscription(id) FROM sub77 WHERE name = 'some';
SELECT ganje.replay_notifications(id, '-infinity') FROM sub77 WHERE name = 'some';
-- Again: what waits is not sent twice. In order, with the ids of the first time.
SELECT ganje.replay_notifications(id, '-infinity') FROM sub77 WHERE name = 'some';
SELECT w.operation, w.turn, w.body ->> 'id' = n.notification_id AS same_id, w.body::text = n.body::jsonb::text AS same_body,
       rank() OVER (ORDER BY w.body ->> 'id') AS place
  FROM waiting77 AS w JOIN ganje.notification AS n ON n.notification_id = w.headers ->> 'webhook-id' WHERE w.name = 'some' ORDER BY w.turn;
SELECT ganje.replay_notifications(id, NULL) FROM sub77 WHERE name = 'some';
SELECT ganje.replay_notifications(id, 'infinity') FROM sub77 WHERE name = 'some';
SELECT ganje.replay_notifications(id, '-infinity', '2000-01-01') FROM sub77 WHERE name = 'some';

-- Failing: noted at the first failure, forgotten when something is accepted, too much after disable_after.
SELECT fail77('some', 500);
SELECT * FROM state77 WHERE name = 'some';
SELECT fail77('some', 200);
SELECT * FROM state77 WHERE name = 'some';
SELECT fail77('some', 502);
UPDATE ganje.subscription SET failing_since = '2026-01-01 00:00:00+00' WHERE subscription_id = (SELECT id FROM sub77 WHERE name = 'some');
SELECT fail77('some', 503);
SELECT * FROM state77 WHERE name = 'some';
SELECT operation, result, status FROM ganje.outbox_log WHERE account_id = (SELECT id FROM sub77 WHERE name = 'some') ORDER BY finished_at;
-- One that slipped in is stopped by authorize, and its failure ends it.
SELECT ganje.enqueue_notification(id, ganje.make_notification('M77', 'shipment', 'DELETE', NULL, '{}'), 'shipment DELETE', 1) IS NOT NULL AS slipped_in FROM sub77 WHERE name = 'some';
SELECT raise77('some', 'SELECT * FROM signed77(''some'')');
SELECT ganje.record_unsent(o.merchant_id, o.request_id, 1000, 'x') FROM ganje.outbox AS o JOIN sub77 AS n ON n.id = o.account_id WHERE n.name = 'some';
SELECT count(*) FROM waiting77 WHERE name = 'some';

-- A test reaches a disabled one, too, and is tried once.
SELECT ganje.test_subscription(id) IS NOT NULL AS sent FROM sub77 WHERE name = 'some';
SELECT operation, shipment_id, body ->> 'entity' AS entity, body #>> '{payload,subscriptionId}' = (SELECT id FROM sub77 WHERE name = 'some') AS its_own FROM waiting77 WHERE name = 'some';
SELECT path, signatures FROM signed77('some');
SELECT fail77('some', 500);
SELECT * FROM state77 WHERE name = 'some';
SELECT operation, last_status, last_error FROM ganje.dead_letters WHERE account_id = (SELECT id FROM sub77 WHERE name = 'some');
SELECT ganje.test_subscription('nobody');

-- What is no passing trouble is final, and the subscription goes on.
SELECT fail77('all', 404);
SELECT d.last_status, d.attempts, d.last_error FROM ganje.dead_letters AS d JOIN sub77 AS n ON n.id = d.account_id WHERE n.name = 'all';
SELECT state, dead FROM state77 WHERE name = 'all';

-- By hand.
SELECT ganje.disable_subscription(id, 'they moved') FROM sub77 WHERE name = 'all';
SELECT * FROM state77 WHERE name = 'all';

-- The end: nothing of it is left but the log.
SELECT ganje.unsubscribe(id) FROM sub77 WHERE id IS NOT NULL;
SELECT (SELECT count(*) FROM ganje.subscription AS s JOIN sub77 AS n ON n.id = s.subscription_id) AS subscriptions,
       (SELECT count(*) FROM ganje.carrier_account AS a JOIN sub77 AS n ON n.id = a.account_id) AS accounts,
       (SELECT count(*) FROM ganje.carrier_credential AS c JOIN sub77 AS n ON n.id = c.account_id) AS credentials,
       (SELECT count(*) FROM ganje.outbox AS o JOIN sub77 AS n ON n.id = o.account_id) AS requests;
SELECT raise77('all', 'SELECT ganje.unsubscribe(%L)');
SELECT count(*) AS before FROM ganje.notification \gset
UPDATE ganje.shipment SET note = 'nobody hears' WHERE shipment_id = '77-A';
SELECT count(*) - :before AS more FROM ganje.notification;

-- Kept as long as the log is.
INSERT INTO ganje.notification (log_slot, merchant_id, notification_id, entity, action, body, created_at)
SELECT ganje.log_slot(pg_catalog.now() - age), 'M77', age::text, 'order', 'CREATE', '{}', pg_catalog.now() - age FROM unnest('{14 days,15 days,30 days}'::interval[]) AS age;
SELECT ganje.trim_log(14);
SELECT notification_id FROM ganje.notification WHERE body = '{}';
