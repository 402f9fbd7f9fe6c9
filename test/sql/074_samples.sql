-- Ganje's own samples, word for word: the calls are what is sent, the replies
-- and the plugin's selection are read. (Its webhook: 075. The others' samples:
-- 071 and 073.)
\set SHOW_CONTEXT never
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir /data/ganje_login.json
\set login `cat :file`
\set file :abs_srcdir /data/ganje_login_reply.json
\set login_reply `cat :file`
\set file :abs_srcdir /data/ganje_pre_order.json
\set pre_order `cat :file`
\set file :abs_srcdir /data/ganje_pre_order_reply.json
\set pre_order_reply `cat :file`
\set file :abs_srcdir /data/ganje_selection.json
\set selection `cat :file`
SELECT ganje.pause_sending();
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('74', 'ganje', 'https://ganje.example');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, phone)
VALUES ('M74', 'A', 'external_id', '74', 'external_id', '+989111111111');

-- The calls.
SELECT o.method, o.path, o.body::jsonb = :'pre_order'::jsonb AS as_documented FROM ganje.outbox AS o WHERE o.merchant_id = 'M74';
SELECT r.operation, r.method, r.path, r.body::jsonb = :'login'::jsonb AS as_documented
  FROM ganje.ganje_authorize('{"accountId": "74", "secret": {"username": "username", "password": "1234"}}',
                             ROW('M74', 'r', '74', 'A', 'create', 'POST', '/', '{}', '{}')::ganje.http_request) AS r;
-- The replies: a time that is none is no end of the token.
SELECT o.token, o.token_expires_at
  FROM ganje.ganje_apply('{"timezone": "Asia/Tehran"}', ROW('M74', 'r', '74', 'A', 'login', 'POST', '/', '{}', '{}')::ganje.http_request,
                         ROW(200, '{}', :'login_reply')::ganje.http_response) AS o;
SELECT o.result, o.patch
  FROM ganje.ganje_apply('{}', ROW('M74', 'r', '74', 'A', 'create', 'POST', '/', '{}', '{}')::ganje.http_request,
                         ROW(200, '{}', :'pre_order_reply')::ganje.http_response) AS o;
-- What names no scheme cannot run anything; what names another than http may.
SELECT left(link, 30) AS link, (ganje.ganje_apply_create(jsonb_build_object('order_link', link))).result
  FROM unnest(ARRAY['//ganje.example/r', 'r?x=1', 'data:text/html,x', 'JavaScript:alert(1)', ' javascript:alert(1)', 'a<b', E'a\tb', repeat('a', 2001)]) AS link;
-- What the plugin hands to the page: kept as it came, what is no time or place is none.
SELECT ganje.ganje_selected('external_id', :'selection', 'M74');
SELECT s.selection = :'selection'::jsonb AS kept, s.station, s.expected_check_in, s.expected_duration FROM ganje.shipment AS s WHERE s.merchant_id = 'M74';

-- Ginee's example of a notification has an id without quotes: kept and answered, but no JSON.
\set file :abs_srcdir /data/ginee_notification.txt
\set notification `cat :file`
SELECT ganje.receive_webhook('ginee', :'notification');
SELECT i.payload = :'notification' AS kept, i.state, i.reason FROM ganje.webhook_inbox AS i WHERE i.payload = :'notification';

DELETE FROM ganje.webhook_inbox AS i WHERE i.payload = :'notification';
DELETE FROM ganje.outbox WHERE merchant_id = 'M74';
DELETE FROM ganje.shipment WHERE merchant_id = 'M74';
DELETE FROM ganje.station WHERE nickname = 'station name';
DELETE FROM ganje.carrier_account WHERE account_id = '74';
SELECT ganje.resume_sending();
