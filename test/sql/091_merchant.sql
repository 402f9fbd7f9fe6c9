-- Roles that are confined to one merchant: what they see of another by any table, view or function, and what they can write there.
\set SHOW_CONTEXT never
CREATE ROLE merchant91_a;
CREATE ROLE merchant91_b;
CREATE ROLE merchant91_mixed;
CREATE ROLE merchant91_stranger;
-- The worker leaves the requests of this test alone.
SELECT ganje.pause_sending();
SET ganje_logistics.now = '2026-03-02 06:00:00+00';

-- Two merchants with the same of everything.
SELECT ganje.upsert_zone('{"zoneId": "Z91", "name": "Ninety-one", "rules": [{"addr": {"city": {"IN": ["city 91"]}}}]}') ->> 'zoneId';
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings)
SELECT 'acc91' || m, 'ganje', 'https://ganje91.example', jsonb_build_object('merchantId', '91' || m) FROM unnest('{A,B}'::text[]) AS m;
SELECT ganje.upsert_store(jsonb_build_object('merchantId', '91' || m, 'storeId', 'S91' || m, 'name', 'Store ' || m, 'rules',
           '[{"ruleId": "R", "types": ["CARGO"], "providers": ["LOCKER"], "capacity": 9, "days": ["1","2","3","4","5","6","7"], "slots": [["10:00", "23:00"]]}]'::jsonb)) ->> 'created',
       ganje.upsert_shipment_provider(jsonb_build_object('merchantId', '91' || m, 'storeId', 'S91' || m, 'shipmentType', 'CARGO', 'providerId', 'LOCKER',
           'data', jsonb_build_object('carrierAccount', 'acc91' || m))) ->> 'created'
  FROM unnest('{A,B}'::text[]) AS m;
INSERT INTO ganje.cart (merchant_id, cart_id) SELECT '91' || m, 'cart91' || m FROM unnest('{A,B}'::text[]) AS m;
INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id) SELECT '91' || m, 'cart91' || m, 'i' FROM unnest('{A,B}'::text[]) AS m;
CREATE FUNCTION pg_temp.hold(m text) RETURNS text LANGUAGE sql AS $$
    SELECT ganje.hold_slot(jsonb_build_object('merchantId', '91' || m, 'cartId', 'cart91' || m, 'zoneId', 'Z91', 'pool', '[{"items": ["i"], "type": "CARGO"}]'::jsonb)) ->> 'holdId' $$;
CREATE TEMP TABLE held91 AS SELECT m, pg_temp.hold(m) AS hold, pg_temp.hold(m) AS other_hold FROM unnest('{A,B}'::text[]) AS m;
CREATE TABLE orders91 (id text, merchant text, hold text, phone text);
SELECT ganje.attach_orders('orders91', '{"orderId": "id", "merchantId": "merchant", "holdId": "hold", "phone": "phone"}');
SELECT (ganje.subscribe('https://hook91.example/' || m, '{order,shipment}', merchant_id => '91' || m) ->> 'subscriptionId') IS NOT NULL FROM unnest('{A,B}'::text[]) AS m;
INSERT INTO orders91 SELECT 'order91' || m, '91' || m, hold, '+98912000910' || CASE m WHEN 'A' THEN 1 ELSE 2 END FROM held91;
SELECT ganje.receive_webhook('acc91' || m, format('{"uuid": "u91%s", "status": "occupied", "external_id": "order91%s", "check_in": "2026-03-02 10:00:00"}', m, m)) FROM unnest('{A,B}'::text[]) AS m;
INSERT INTO ganje.outbox_attempt (merchant_id, request_id, attempt, started_at, elapsed_ms) SELECT merchant_id, request_id, 1, now(), 1 FROM ganje.outbox WHERE merchant_id LIKE '91%' AND shipment_id IS NOT NULL;
UPDATE ganje.outbox_delivery SET state = 'dead' WHERE merchant_id LIKE '91%' AND account_id LIKE 'acc91%';
INSERT INTO ganje.outbox_log (log_slot, merchant_id, request_id, account_id, operation, result, attempts, created_at, finished_at)
SELECT 1, '91' || m, 'log91' || m, 'acc91' || m, 'create', 'delivered', 1, now(), now() FROM unnest('{A,B}'::text[]) AS m;
INSERT INTO ganje.marketplace_order (merchant_id, source, order_id, payload) SELECT '91' || m, 'ginee', 'mp91' || m, '{}' FROM unnest('{A,B}'::text[]) AS m;
INSERT INTO ganje.shipment_poll (merchant_id, shipment_id, account_id, due_at, changed_at) SELECT merchant_id, shipment_id, account_id, now() + interval '9 years', now() FROM ganje.shipment WHERE merchant_id LIKE '91%';
UPDATE ganje.shipment_parcel SET expires_at = '2026-03-02 05:00:00+00' WHERE merchant_id LIKE '91%';

-- A has every level for its merchant, B the levels for the other; "mixed" is checkout for all, and the rest for A alone.
SELECT ganje.grant_access(role::regrole, level, merchant)
  FROM (VALUES ('merchant91_a', '91A'), ('merchant91_b', '91B')) AS r(role, merchant), unnest('{checkout,fulfilment,operator}'::text[]) AS level;
SELECT ganje.grant_access('merchant91_mixed', 'checkout'), ganje.grant_access('merchant91_mixed', 'fulfilment', '91A'), ganje.grant_access('merchant91_mixed', 'operator', '91A');

-- Every relation with a merchant that A may read: rows of its own, and none of anybody else's.
CREATE FUNCTION pg_temp.rows(of_role text, relation text, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SET ROLE %I', of_role);
    EXECUTE format('SELECT count(*) FROM ganje.%I WHERE %s', relation, condition) INTO n;
    RESET ROLE;
    RETURN n;
END
$$;
CREATE TEMP TABLE readable91 AS
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'merchant_id'
 WHERE c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND has_table_privilege('merchant91_a', c.oid, 'SELECT');
SELECT relname, pg_temp.rows('merchant91_a', relname, $$merchant_id = '91A'$$) AS of_a, pg_temp.rows('merchant91_a', relname, $$merchant_id <> '91A'$$) AS of_others,
       pg_temp.rows(current_user::text, relname, $$merchant_id = '91B'$$) AS there_are
  FROM readable91 ORDER BY relname COLLATE "C";
-- A condition that could tell of rows that it is not to see is not asked of them.
CREATE FUNCTION public.peek91(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw %', value; RETURN true; END $$;
SET ROLE merchant91_a;
SELECT phone FROM ganje.shipment WHERE peek91(phone);
SELECT count(*) FROM ganje.slot_usage WHERE peek91(store_id);
SELECT count(*) FROM ganje.dead_letters WHERE peek91(account_id);
SELECT DISTINCT merchant_id FROM ganje.parcels_to_collect WHERE peek91(order_id);
RESET ROLE;

-- Writing there.
CREATE FUNCTION pg_temp.try(of_role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SET ROLE %I', of_role);
    BEGIN
        EXECUTE statement;
        GET DIAGNOSTICS n = ROW_COUNT;
        RAISE EXCEPTION USING ERRCODE = 'ZZ091', MESSAGE = 'undo';
    EXCEPTION WHEN OTHERS THEN
        EXECUTE 'RESET ROLE';
        RETURN CASE WHEN SQLSTATE = 'ZZ091' THEN 'rows: ' || n ELSE SQLSTATE || ' ' || regexp_replace(regexp_replace(SQLERRM, '[0-9A-Z]{26}', 'ID'), 'must be owner.*', 'must be owner') END;
    END;
END
$$;
\pset format unaligned
SELECT statement, pg_temp.try('merchant91_a', statement) AS answer FROM unnest(ARRAY[
    $$INSERT INTO ganje.cart (merchant_id, cart_id) VALUES ('91A', 'new')$$,
    $$INSERT INTO ganje.cart (merchant_id, cart_id) VALUES ('91B', 'new')$$,
    $$INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id) VALUES ('91B', 'cart91B', 'j')$$,
    $$UPDATE ganje.cart SET segments = '{x}'$$,
    $$UPDATE ganje.cart SET merchant_id = '91B', cart_id = 'moved' WHERE cart_id = 'cart91A'$$,
    $$UPDATE ganje.cart_item SET merchant_id = '91B', cart_id = 'cart91B', item_id = 'moved'$$,
    $$DELETE FROM ganje.cart_item$$,
    $$INSERT INTO ganje.webhook_inbox (merchant_id, source, payload) VALUES ('91B', 'acc91B', '{}')$$,
    $$SELECT * FROM ganje.shipment WHERE merchant_id = '91B' FOR UPDATE$$,
    $$UPDATE ganje.shipment SET phone = ''$$, $$TRUNCATE ganje.cart CASCADE$$,
    $$ALTER TABLE ganje.cart DISABLE ROW LEVEL SECURITY$$, $$DROP POLICY merchant_select ON ganje.shipment$$]) AS statement;

-- Every function that asks for a merchant, of its own and of another one's.
CREATE TEMP TABLE call91 (n serial, statement text);
INSERT INTO call91 (statement) VALUES
    ('SELECT ganje.get_requirements(''{"merchantId": "91%m", "zoneId": "Z91"}'')'),
    ('SELECT ganje.get_pools(''{"merchantId": "91%m", "zoneId": "Z91", "cartId": "cart91%m"}'')'),
    ('SELECT ganje.get_pools(''{"merchantId": "91%m", "zoneId": "Z91", "cartId": "no such cart"}'')'),
    ('SELECT ganje.get_pools(''{"zoneId": "Z91", "cart": {"merchantId": "91%m", "items": [{"itemId": "i"}]}}'')'),
    ('SELECT ganje.get_pools(''{"merchantId": "91A", "zoneId": "Z91", "cart": {"items": [{"itemId": "i"}, {"itemId": "j", "merchantId": "91%m"}]}}'')'),
    ('SELECT ganje.get_pools(''{"merchantId": "91%m", "zoneId": "Z91", "pool": {"type": "CARGO"}, "cart": {"items": [{"itemId": "i"}]}}'')'),
    ('SELECT * FROM ganje.explain_pools(''{"merchantId": "91%m", "zoneId": "Z91", "cart": {"items": [{"itemId": "i"}]}}'')'),
    ('SELECT ganje.hold_slot(''{"merchantId": "91%m", "zoneId": "Z91", "cart": {"merchantId": "91A", "items": [{"itemId": "i"}]}, "pool": [{"items": ["i"], "type": "CARGO"}]}'')'),
    ('SELECT ganje.hold_slot(''{"merchantId": "91A", "zoneId": "Z91", "cart": {"merchantId": "91%m", "items": [{"itemId": "i"}]}, "pool": [{"items": ["i"], "type": "CARGO"}]}'')'),
    ('SELECT ganje.confirm_hold(other_hold, ''new'', ''91%m'') FROM held91 WHERE m = ''%m'''),
    ('SELECT ganje.confirm_hold(''no such hold'', ''new'', ''91%m'')'),
    ('SELECT ganje.release_hold(other_hold, ''91%m'') FROM held91 WHERE m = ''%m'''),
    ('SELECT ganje.track_shipment(''{"merchantId": "91%m", "orderId": "order91%m", "phoneNumber": "+989120009101"}'')'),
    ('SELECT ganje.track_shipment(''{"merchantId": "91%m", "orderId": "no such order", "phoneNumber": "+989120009101"}'')'),
    ('SELECT ganje.ganje_selected(''order91%m'', ''{"selectedStation": {"uuid": "s"}, "selectedTimeScope": {}}'', ''91%m'')'),
    ('SELECT ganje.get_store(''{"merchantId": "91%m", "storeId": "S91%m"}'')'),
    ('SELECT ganje.list_stores(''{"merchantId": "91%m"}'')'),
    ('SELECT ganje.list_shipment_providers(''{"merchantId": "91%m"}'')'),
    ('SELECT ganje.get_shipment_provider(''{"merchantId": "91%m", "storeId": "S91%m", "shipmentType": "CARGO", "providerId": "LOCKER"}'')'),
    ('SELECT ganje.cancel_at_carrier(s.id, ''no'', ''91%m'') FROM ship91 AS s WHERE m = ''%m'''),
    ('SELECT ganje.poll_shipment(s.id, ''91%m'') FROM ship91 AS s WHERE m = ''%m'''),
    ('SELECT ganje.notify_order(''91%m'', ''order91%m'', ''UPDATE'')'),
    ('SELECT ganje.upsert_store(''{"merchantId": "91%m", "storeId": "S91%m", "name": "Changed"}'')'),
    ('SELECT ganje.upsert_store(''{"merchantId": "91%m", "name": "Another"}'')'),
    ('SELECT ganje.delete_store(''{"merchantId": "91%m", "storeId": "S91%m"}'')'),
    ('SELECT ganje.upsert_shipment_provider(''{"merchantId": "91%m", "storeId": "S91%m", "shipmentType": "CARGO", "name": "x"}'')'),
    ('SELECT ganje.upsert_shipment_provider(''{"merchantId": "91A", "storeId": "S91A", "shipmentType": "CARGO", "data": {"carrierAccount": "acc91%m"}}'')'),
    ('SELECT ganje.retry_request(d.id, ''91%m'') FROM dead91 AS d WHERE m = ''%m'''),
    ('SELECT ganje.cancel_request(d.id, ''91%m'') FROM dead91 AS d WHERE m = ''%m'''),
    ('SELECT ganje.subscribe(''https://other91.example'', ''{order}'', merchant_id => ''91%m'')'),
    ('SELECT ganje.disable_subscription(u.id) FROM subscriber91 AS u WHERE m = ''%m'''),
    ('SELECT ganje.enable_subscription(u.id) FROM subscriber91 AS u WHERE m = ''%m'''),
    ('SELECT ganje.test_subscription(u.id) FROM subscriber91 AS u WHERE m = ''%m'''),
    ('SELECT ganje.replay_notifications(u.id, ''2026-01-01'') FROM subscriber91 AS u WHERE m = ''%m'''),
    ('SELECT ganje.rotate_subscription_secret(u.id) FROM subscriber91 AS u WHERE m = ''%m'''),
    ('SELECT ganje.unsubscribe(u.id) FROM subscriber91 AS u WHERE m = ''%m'''),
    ('SELECT ganje.upsert_shipment(''{"merchantId": "91%m", "orderId": "new91", "address": {}, "items": [{"itemId": "i", "quantity": 1}]}'')'),
    ('SELECT ganje.get_shipment(jsonb_build_object(''merchantId'', ''91%m'', ''orderId'', ''order91%m'', ''shipmentId'', s.id)) FROM ship91 AS s WHERE m = ''%m'''),
    ('SELECT ganje.list_shipments(''{"merchantId": "91%m", "orderId": "order91%m"}'')'),
    ('SELECT ganje.call(''rbs.logistics.request.LIST_SHIPMENTS'', ''{"merchantId": "91%m", "orderId": "order91%m"}'')'),
    ('SELECT ganje.change_shipment_status(jsonb_build_object(''merchantId'', ''91%m'', ''orderId'', ''order91%m'', ''shipmentId'', s.id, ''next'', true)) FROM ship91 AS s WHERE m = ''%m'''),
    ('SELECT ganje.change_shipment_status(''order91%m'', s.id, ''PACKAGING'', ''91%m'') FROM ship91 AS s WHERE m = ''%m'''),
    ('SELECT ganje.change_shipment_status(''no such order'', ''no such shipment'', ''PACKAGING'', ''91%m'')'),
    ('SELECT * FROM ship91 AS s, ganje.shipment_moves(''order91%m'', s.id, ''91%m'') WHERE m = ''%m'''),
    ('SELECT ganje.shipment_journey(jsonb_build_object(''merchantId'', ''91%m'', ''orderId'', ''order91%m'', ''shipmentId'', s.id, ''status'', ''PACKAGING'')) FROM ship91 AS s WHERE m = ''%m'''),
    ('SELECT ganje.start_process(jsonb_build_object(''processId'', ''SHIPMENT_JOURNEY'', ''payload'', jsonb_build_object(''merchantId'', ''91%m'', ''orderId'', ''order91%m'', ''shipmentId'', s.id, ''status'', ''PACKAGING''))) FROM ship91 AS s WHERE m = ''%m'''),
    ('SELECT ganje.ganje_pre_order(''pre91'', ''+989120009101'', ''acc91%m'', ''91%m'') ->> ''created'''),
    -- Nor is it told whether there is what it asks for.
    ('SELECT ganje.upsert_shipment(''{"merchantId": "91%m", "orderId": "new91", "storeId": "no such store", "address": {}, "items": [{"itemId": "i"}]}'')');
CREATE TEMP TABLE ship91 AS SELECT right(merchant_id, 1) AS m, shipment_id AS id FROM ganje.shipment WHERE merchant_id LIKE '91%';
CREATE TEMP TABLE dead91 AS SELECT right(merchant_id, 1) AS m, request_id AS id FROM ganje.dead_letters WHERE merchant_id LIKE '91%';
CREATE TEMP TABLE subscriber91 AS SELECT right(merchant_id, 1) AS m, subscription_id AS id FROM ganje.subscription WHERE merchant_id LIKE '91%';
GRANT SELECT ON held91, ship91, dead91, subscriber91 TO PUBLIC;
SELECT count(*) AS found, count(DISTINCT m) FROM (SELECT * FROM ship91 UNION ALL SELECT * FROM dead91 UNION ALL SELECT * FROM subscriber91) AS found;
SELECT replace(statement, '%m', '?') AS statement, pg_temp.try('merchant91_a', replace(statement, '%m', 'A')) AS own, pg_temp.try('merchant91_a', replace(statement, '%m', 'B')) AS of_another FROM call91 ORDER BY n;
-- track_shipment without a merchant is of the merchant DEFAULT.
SELECT pg_temp.try('merchant91_a', $$SELECT * FROM ganje.track_shipment('order91B', '+989120009102')$$);
-- None of the list's functions that ask is forgotten above.
SELECT l.object FROM ganje.access_list() AS l JOIN pg_proc AS p ON p.oid = CASE WHEN l.object LIKE '%(%' THEN to_regprocedure('ganje.' || l.object) END
 WHERE l.each_merchant AND (p.prosecdef OR p.proname IN ('get_pools', 'explain_pools', 'hold_slot'))
   AND p.proname NOT IN ('get_zone', 'list_zones', 'zones_geojson', 'zone_map', 'zone_overlaps', 'get_option')
   AND NOT EXISTS (SELECT FROM call91 AS c WHERE c.statement LIKE '%ganje.' || p.proname || '(%');

-- Levels of different merchants do not add up: checkout for all and fulfilment for A is no fulfilment for B.
SELECT statement, pg_temp.try('merchant91_mixed', replace(statement, '%m', 'A')) AS for_a, pg_temp.try('merchant91_mixed', replace(statement, '%m', 'B')) AS for_b
  FROM call91 WHERE n IN (2, 6, 7, 17, 25, 30) ORDER BY n;
SELECT relname, pg_temp.rows('merchant91_mixed', relname, $$merchant_id = '91A'$$) AS a, pg_temp.rows('merchant91_mixed', relname, $$merchant_id = '91B'$$) AS b
  FROM unnest('{cart,store,shipment,outbox}'::text[]) AS relname;

-- Who has no access, and is lent a function of a role that has, is nobody for whom it could act; nor is a carrier's function or a stock source.
GRANT USAGE, CREATE ON SCHEMA public TO merchant91_a;
SET ROLE merchant91_a;
CREATE FUNCTION public.lent91(merchant text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$ SELECT ganje.list_stores(jsonb_build_object('merchantId', merchant)) $$;
CREATE FUNCTION public.lent91_rows() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM ganje.shipment $$;
RESET ROLE;
SELECT pg_temp.try('merchant91_stranger', $$SELECT public.lent91('91B')$$) AS stranger, pg_temp.try('merchant91_stranger', $$SELECT public.lent91('91A')$$) AS stranger_for_a,
       pg_temp.try('merchant91_a', $$SELECT public.lent91('91A')$$) AS own, pg_temp.try('merchant91_a', $$SELECT public.lent91('91B')$$) AS of_another;
SET ROLE merchant91_stranger;
SELECT public.lent91_rows() AS rows_by_the_lender;
RESET ROLE;
CREATE FUNCTION public.stock91(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.list_stores('{"merchantId": "91B"}');
    RETURN QUERY SELECT 'i'::text, 5::numeric;
END $$;
GRANT EXECUTE ON FUNCTION ganje.set_stock_source(regprocedure) TO merchant91_a;
SET ROLE merchant91_a;
SELECT ganje.set_stock_source('public.stock91(text, text[])');
RESET ROLE;
SELECT ganje.get_pools('{"merchantId": "91A", "zoneId": "Z91", "cart": {"items": [{"itemId": "i"}]}}') IS NOT NULL;
SELECT ganje.set_stock_source(NULL);
REVOKE EXECUTE ON FUNCTION ganje.set_stock_source(regprocedure) FROM merchant91_a;

-- A role that inherits has the rights of the roles it is a member of, for their merchants; one that does not has to SET ROLE.
ALTER ROLE merchant91_stranger NOINHERIT;
GRANT merchant91_a TO merchant91_stranger;
SELECT pg_temp.try('merchant91_stranger', 'SELECT * FROM ganje.shipment');
REVOKE merchant91_a FROM merchant91_stranger;
ALTER ROLE merchant91_stranger INHERIT;
GRANT merchant91_a TO merchant91_stranger;
SELECT pg_temp.try('merchant91_stranger', replace(statement, '%m', 'A')) AS a, pg_temp.try('merchant91_stranger', replace(statement, '%m', 'B')) AS b FROM call91 WHERE n = 17;
SELECT pg_temp.rows('merchant91_stranger', 'shipment', 'true');
GRANT merchant91_b TO merchant91_stranger;
SELECT pg_temp.try('merchant91_stranger', replace(statement, '%m', 'A')) AS a, pg_temp.try('merchant91_stranger', replace(statement, '%m', 'B')) AS b FROM call91 WHERE n = 17;
SELECT pg_temp.rows('merchant91_stranger', 'shipment', 'true');
REVOKE merchant91_a, merchant91_b FROM merchant91_stranger;

-- An order's row is placed whoever inserts it: the shop's table is the shop's to guard.
GRANT INSERT ON orders91 TO merchant91_stranger;
SELECT pg_temp.try('merchant91_stranger', format('INSERT INTO orders91 VALUES (%L, %L, %L, %L)', 'order91-2', '91A', other_hold, '+989120009101')) FROM held91 WHERE m = 'A';

-- A role that is renamed keeps its access; one that is given its old name has none; one that is dropped leaves nothing to inherit.
ALTER ROLE merchant91_b RENAME TO merchant91_renamed;
CREATE ROLE merchant91_b;
SELECT role, count(*) FROM ganje.access WHERE merchant_id = '91B' GROUP BY role;
SELECT pg_temp.rows('merchant91_renamed', 'cart', 'true');
SELECT pg_temp.try('merchant91_b', 'SELECT * FROM ganje.cart');
DROP OWNED BY merchant91_renamed;
DROP ROLE merchant91_renamed;
SELECT count(*) AS rows_of_nobody FROM ganje.access AS a WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.role);
SELECT ganje.grant_access('merchant91_b', 'checkout', '91A');
SELECT pg_temp.try('merchant91_b', replace(statement, '%m', 'A')) AS a, pg_temp.try('merchant91_b', replace(statement, '%m', 'B')) AS b FROM call91 WHERE n = 2;
SELECT count(*) AS rows_of_nobody FROM ganje.access AS a WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.role);

-- Taking access away, in part and wholly; what another level still gives is kept.
SELECT ganje.grant_access('merchant91_a', 'checkout', '91B');
SELECT pg_temp.rows('merchant91_a', 'cart', $$merchant_id = '91B'$$) AS carts_of_b;
SELECT ganje.revoke_access('merchant91_a', 'checkout', '91B');
SELECT pg_temp.rows('merchant91_a', 'cart', $$merchant_id = '91B'$$) AS carts_of_b, pg_temp.rows('merchant91_a', 'cart', $$merchant_id = '91A'$$) AS carts_of_a;
SELECT ganje.revoke_access('merchant91_a', 'fulfilment');
SELECT has_table_privilege('merchant91_a', 'ganje.shipment', 'SELECT') AS shipments, has_table_privilege('merchant91_a', 'ganje.store', 'SELECT') AS stores,
       has_function_privilege('merchant91_a', 'ganje.get_pools(jsonb)', 'EXECUTE') AS pools;
SELECT ganje.grant_access('merchant91_a', 'operator');
SELECT has_function_privilege('merchant91_a', 'ganje.pause_sending()', 'EXECUTE') AS pause, pg_temp.rows('merchant91_a', 'outbox', $$merchant_id = '91B'$$) > 0 AS all_merchants;
SELECT ganje.revoke_access('merchant91_a', 'operator', '91A');
SELECT ganje.revoke_access('merchant91_a', 'operator', '91A');
SELECT ganje.revoke_access('merchant91_a', 'operator');
SELECT ganje.grant_access('merchant91_a', 'owner');
SELECT ganje.grant_access('merchant91_a', 'checkout', '');
SELECT ganje.grant_access('merchant91_nobody', 'checkout');
SELECT ganje.grant_access('4294967000', 'checkout');
BEGIN;
SELECT ganje.revoke_access('merchant91_a', 'checkout');
SELECT pg_temp.try('merchant91_a', 'SELECT * FROM ganje.cart');
ROLLBACK;
SELECT pg_temp.rows('merchant91_a', 'cart', 'true');

-- A carrier's functions have the rights of the role that registered them, whichever of them runs.
SELECT ganje.grant_access('merchant91_a', 'operator');
SET ROLE merchant91_a;
CREATE FUNCTION public.steal91() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text := '';
    statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY['SELECT secret FROM ganje.carrier_credential', 'ALTER ROLE merchant91_a SUPERUSER', 'SET ROLE NONE', 'RESET SESSION AUTHORIZATION',
            'CREATE TEMP TABLE t (x int)', 'UPDATE ganje.access SET merchant_id = NULL', 'SELECT ganje.list_stores(''{"merchantId": "91B"}'')', 'SELECT pg_read_file(''/etc/passwd'')'] LOOP
        BEGIN
            EXECUTE statement;
            said := said || statement || ': DONE' || E'\n';
        EXCEPTION WHEN OTHERS THEN said := said || statement || ': ' || SQLSTATE || E'\n';
        END;
    END LOOP;
    RETURN said || current_user || E'\n';
END $$;
CREATE FUNCTION public.build91(shipment ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
DECLARE r ganje.http_request; BEGIN r.body := public.steal91(); RETURN r; END $$;
CREATE FUNCTION public.authorize91(account jsonb, request ganje.http_request) RETURNS ganje.http_request LANGUAGE plpgsql AS $$ BEGIN request.body := public.steal91(); RETURN request; END $$;
CREATE FUNCTION public.apply91(account jsonb, request ganje.http_request, response ganje.http_response) RETURNS ganje.outcome LANGUAGE plpgsql AS $$
DECLARE o ganje.outcome; BEGIN o.detail := public.steal91(); RETURN o; END $$;
CREATE FUNCTION public.receive91(account jsonb, payload jsonb) RETURNS ganje.webhook_reading LANGUAGE plpgsql AS $$
DECLARE r ganje.webhook_reading; BEGIN r.detail := public.steal91(); RETURN r; END $$;
SELECT ganje.register_carrier('steal91', 'public.build91', 'public.authorize91', 'public.apply91', 'public.receive91');
RESET ROLE;
SELECT (ganje.run_build('steal91', NULL, 'create')).body AS build;
SELECT (ganje.run_build('steal91', NULL, 'create')).body = (ganje.run_authorize('steal91', '{}', NULL)).body AS authorize_likewise,
       (ganje.run_build('steal91', NULL, 'create')).body = (ganje.run_apply('steal91', '{}', NULL, NULL)).detail AS apply_likewise,
       (ganje.run_build('steal91', NULL, 'create')).body = (ganje.run_receive('steal91', '{}', '{}')).detail AS receive_likewise;
SELECT ganje.unregister_carrier('steal91');

-- Away with it.
SELECT ganje.revoke_access('merchant91_a', 'operator'), ganje.revoke_access('merchant91_a', 'checkout'), ganje.revoke_access('merchant91_b', 'checkout'),
       ganje.revoke_access('merchant91_mixed', 'checkout'), ganje.revoke_access('merchant91_mixed', 'fulfilment'), ganje.revoke_access('merchant91_mixed', 'operator');
SELECT count(*) FROM ganje.access;
DROP TABLE orders91;
DROP FUNCTION public.lent91, public.lent91_rows, public.stock91, public.peek91, public.build91, public.authorize91, public.apply91, public.receive91, public.steal91;
REVOKE CREATE, USAGE ON SCHEMA public FROM merchant91_a;
DROP ROLE merchant91_a, merchant91_b, merchant91_mixed, merchant91_stranger;
SELECT ganje.unsubscribe(subscription_id) FROM ganje.subscription WHERE merchant_id LIKE '91%';
DELETE FROM ganje.outbox WHERE merchant_id LIKE '91%';
DELETE FROM ganje.outbox_log WHERE merchant_id LIKE '91%';
DELETE FROM ganje.notification WHERE merchant_id LIKE '91%';
DELETE FROM ganje.shipment WHERE merchant_id LIKE '91%';
DELETE FROM ganje.marketplace_order WHERE merchant_id LIKE '91%';
DELETE FROM ganje.store WHERE merchant_id LIKE '91%';
DELETE FROM ganje.carrier_account WHERE account_id LIKE 'acc91%';
DELETE FROM ganje.zone WHERE zone_id = 'Z91';
SELECT ganje.resume_sending();
