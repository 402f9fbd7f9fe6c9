-- A caller's search_path leads to operators and functions of the names that ours use, with arguments that fit better than the
-- server's own: none of ours runs them, whether it is called by hand, by a trigger, or by another. The caller is a superuser.
\set SHOW_CONTEXT never
SELECT current_database() AS regression \gset
CREATE DATABASE ganje_hostile93;
\connect ganje_hostile93
CREATE EXTENSION ganje_logistics;
SET client_min_messages = warning;
-- What runs says so, and by whom it was called.
CREATE FUNCTION public.steal(what text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stack text;
BEGIN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    IF pg_catalog.strpos(stack, 'function ganje.') OPERATOR(pg_catalog.>) 0 THEN
        RAISE WARNING '% was stolen in %', what, pg_catalog.substring(stack, 'function (ganje\.\w+)');
    END IF;
END $$;
DO $$
DECLARE
    types text[] := '{text,jsonb,int4,int8,numeric,float8,timestamptz,interval,_text,name,date,varchar}';
    one record;
    n integer := 0;
BEGIN
    FOR one IN SELECT o.name, a.type AS a, b.type AS b
                 FROM unnest('{=,<>,<,>,<=,>=,||,->,->>,#>,#>>,@>,?,~,!~,+,-,*,/,%}'::text[]) AS o(name), unnest(types) AS a(type), unnest(types) AS b(type)
                WHERE to_regoperator(format('pg_catalog.%s(%s,%s)', o.name, a.type, b.type)) IS NULL LOOP
        n := n + 1;
        EXECUTE format('CREATE FUNCTION public.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM public.steal(%L); RETURN NULL; END $f$', n, one.a, one.b,
                       CASE WHEN one.name IN ('->', '#>') THEN 'jsonb' WHEN one.name IN ('->>', '#>>') THEN 'text' WHEN one.name IN ('||', '+', '-', '*', '/', '%') THEN one.a ELSE 'bool' END,
                       format('%s(%s,%s)', one.name, one.a, one.b));
        EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.operator_%s)', one.name, one.a, one.b, n);
    END LOOP;
    FOR one IN SELECT * FROM (VALUES ('format', 'text', 'text'), ('format', 'text', 'text,text'), ('format', 'text', 'text,text,text'), ('format', 'text', 'text,text,text,text'), ('format', 'text', 'text,int8'),
                              ('format', 'text', 'text,int4'), ('format', 'text', 'text,text,int8'), ('concat', 'text', 'text,text'), ('concat', 'text', 'text,text,text'), ('concat_ws', 'text', 'text,text,text'),
                              ('jsonb_build_object', 'jsonb', 'text,text'), ('jsonb_build_object', 'jsonb', 'text,jsonb'), ('jsonb_build_object', 'jsonb', 'text,text,text,text'), ('jsonb_build_array', 'jsonb', 'text'),
                              ('to_jsonb', 'jsonb', 'text'), ('to_jsonb', 'jsonb', 'text[]'), ('to_jsonb', 'jsonb', 'numeric'), ('cardinality', 'int4', 'text[]'), ('array_length', 'int4', 'text[],int4'),
                              ('array_position', 'int4', 'text[],text'), ('array_append', 'text[]', 'text[],text'), ('array_to_string', 'text', 'text[],text'), ('to_char', 'text', 'date,text'),
                              ('left', 'text', 'text,int8'), ('now', 'timestamptz', ''), ('quote_ident', 'text', 'name'), ('pg_column_size', 'int4', 'jsonb'), ('unnest', 'SETOF text', 'text[]')) AS v(name, result, arguments) LOOP
        EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN PERFORM public.steal(%L); RETURN%s; END $f$', one.name, one.arguments, one.result,
                       one.name || '(' || one.arguments || ')', CASE WHEN one.result LIKE 'SETOF%' THEN '' ELSE ' NULL' END);
    END LOOP;
END $$;
SELECT count(*) > 2500 AS many FROM pg_proc WHERE pronamespace = 'public'::regnamespace;

\o /dev/null
SELECT ganje.pause_sending();
-- Zones, options, stores
SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone", "rules": [{"addr": {"city": {"IN": ["x"]}}}, {"loc": {"circle": {"center": {"lat": 35.7, "lng": 51.4}, "radius": 15000}}}]}');
SELECT ganje.import_zones('{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "F", "properties": {"name": "F"}, "geometry": {"type": "Polygon", "coordinates": [[[28.9, 41.0], [29.0, 41.0], [29.0, 41.1], [28.9, 41.0]]]}}]}');
SELECT ganje.zones_geojson(), ganje.zone_map('[{"lat": 41, "lng": 29}]'), ganje.list_zones('{}'), ganje.get_zone('{"zoneId": "Z"}');
SELECT * FROM ganje.zone_overlaps();
SELECT ganje.locate_zone_ids(35.7, 51.4), ganje.locate_zone(35.7, 51.4), ganje.locate_zone_by_address('{"city": "x"}'), ganje.locate_zone('{"address": {"city": "x"}, "location": {"lat": 1, "lng": 2}}');
INSERT INTO ganje.zone (zone_id, name, rules) VALUES ('direct', 'd', '[]');
UPDATE ganje.zone SET fee = 3;
INSERT INTO ganje.option (option_id, data) VALUES ('SHIPMENT', '{"days": 3.0}') ON CONFLICT (option_id) DO UPDATE SET data = excluded.data;
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings) VALUES ('G', 'ganje', 'https://g93.example', '{}'), ('M', 'ginee', 'https://m93.example', '{}'),
    ('K', 'hesapkurye', 'https://k93.example', '{"outSourceId": 5, "restaurantId": "R"}');
UPDATE ganje.carrier_account SET base_url = 'https://other93.example', settings = '{"poll": {"perSecond": 1}}' WHERE account_id = 'G';
SELECT ganje.set_credential('G', '{"username": "u", "password": "p"}');
SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [{"ruleId": "R", "types": ["CARGO"], "providers": ["P"], "capacity": 5}]}');
INSERT INTO ganje.store_rule (merchant_id, store_id, rule_id, types) VALUES ('DEFAULT', 'S', 'Q', '{CARGO}');
UPDATE ganje.store_rule SET capacity = 3;
SELECT ganje.upsert_shipment_provider('{"storeId": "S", "shipmentType": "CARGO", "providerId": "P", "name": "n", "data": {"carrierAccount": "G"}}');
-- Checkout and orders
SELECT ganje.get_requirements('{"zoneId": "Z"}'), ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}'),
       ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}, "pool": {"type": "CARGO", "provider": "P"}}');
SELECT * FROM ganje.explain_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}');
INSERT INTO ganje.cart (cart_id) VALUES ('c');
INSERT INTO ganje.cart_item (cart_id, item_id) VALUES ('c', 'a');
CREATE TEMP TABLE held93 AS SELECT ganje.hold_slot('{"zoneId": "Z", "cartId": "c", "pool": [{"items": ["a"], "type": "CARGO", "provider": "P"}]}') AS answer FROM generate_series(1, 2);
SELECT ganje.confirm_hold(min(answer #>> ARRAY['holdId']), 'o93'), ganje.release_hold(max(answer #>> ARRAY['holdId'])) FROM held93;
CREATE TABLE orders93 (id text, phone text, state text, address jsonb);
SELECT ganje.attach_orders('orders93', '{"orderId": "id", "storeId": {"const": "S"}, "type": {"const": "CARGO"}, "provider": {"const": "P"}, "phone": "phone", "address": "address",
    "on": {"update": ["phone"], "cancel": {"column": "state", "equals": "c"}, "delete": "cancel"}}');
INSERT INTO orders93 VALUES ('o1', '+989120000001', 'n', '{}'), ('o2', '+989120000001', 'n', '{}');
UPDATE orders93 SET phone = '+989120000002';
UPDATE orders93 SET state = 'c' WHERE id = 'o1';
DELETE FROM orders93 WHERE id = 'o2';
SELECT * FROM ganje.order_attachment;
-- Shipments
SELECT ganje.upsert_shipment('{"orderId": "u1", "shipmentId": "u1", "address": {"phone": "+989120000000"}, "storeId": "S", "type": "CARGO", "provider": "P", "items": ["a", {"itemId": "b", "qty": 2}]}'),
       ganje.upsert_shipment('{"orderId": "u2", "shipmentId": "u2", "address": {"phone": "+989120000000"}, "items": ["a"]}');
SELECT ganje.upsert_shipment('{"orderId": "u2", "shipmentId": "u2", "items": ["b"], "note": "n"}'), ganje.change_shipment_status('u2', 'u2');
SELECT ganje.shipment_journey('{"orderId": "u2", "shipmentId": "u2", "status": "READY", "boxes": ["x"]}'), ganje.change_shipment_status('{"orderId": "u2", "shipmentId": "u2", "next": true}');
SELECT ganje.call('rbs.process.request.START', '{"processId": "SHIPMENT_JOURNEY", "payload": {"orderId": "u2", "shipmentId": "u2", "status": "DELIVERED"}}'), ganje.call('rbs.logistics.request.LIST_ZONES', '{}');
SELECT ganje.call('rbs.logistics.request.LIST_ZONE', '{}');
SELECT * FROM ganje.shipment_moves('u1', 'u1');
SELECT ganje.get_shipment('{"orderId": "u1", "shipmentId": "u1"}'), ganje.list_shipments('{"orderId": "u1"}'), ganje.poll_shipment('u1');
SELECT ganje.track_shipment('{"orderId": "u1", "phoneNumber": "+989120000000"}'), ganje.track_shipment('u1', '+989120000000');
SELECT ganje.ganje_selected('u1', '{"selectedStation": {"uuid": "d", "location": "35.7, 51.4"}, "selectedTimeScope": {"expected_check_in": "2026-11-24 18:00:00"}}');
SELECT ganje.cancel_at_carrier('u1', 'no'), ganje.lat_lng('1, 2');
-- Webhooks and subscribers
SELECT ganje.receive_webhook('G', '{"uuid": "u", "status": "occupied", "external_id": "u1", "check_in": "2026-03-01 17:20:32"}'), ganje.receive_webhook('G', 'x'),
       ganje.receive_webhook('M', '{"id": "1", "entity": "order", "action": "CREATE", "payload": {"orderId": "SO1", "orderStatus": "PAID", "lastUpdateAt": "2026-01-18T11:41:05Z"}}');
INSERT INTO ganje.webhook_inbox (source, payload) VALUES ('ganje', '{}');
SELECT * FROM ganje.reprocess_webhooks();
CREATE TEMP TABLE subscribed93 AS SELECT ganje.subscribe('https://hook93.example/x', '{order,shipment}') #>> ARRAY['subscriptionId'] AS id;
SELECT ganje.test_subscription(id), ganje.rotate_subscription_secret(id), ganje.notify_order('DEFAULT', 'u1', 'UPDATE', '{}') FROM subscribed93;
INSERT INTO ganje.shipment (order_id, phone) VALUES ('told', '+989120000000');
SELECT ganje.replay_notifications(id, '2026-01-01') FROM subscribed93;
SELECT ganje.disable_subscription(id, 'x'), ganje.enable_subscription(id) FROM subscribed93;
SELECT * FROM ganje.subscription_status;
SELECT ganje.unsubscribe(id) FROM subscribed93;
SELECT ganje.verify_webhook_signature('whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz', '{"webhook-id": "1", "webhook-timestamp": 1, "webhook-signature": "v1,x"}', 'x', to_timestamp(1)),
       ganje.sign_webhook('whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz', 'a', 1, 'x');
-- The operator
SELECT * FROM ganje.status();
SELECT ganje.metrics(), ganje.dashboard();
SELECT ganje.check_credential('K'), ganje.refresh_payment_methods('K'), ganje.ginee_reconcile('M', '2026-01-01'), ganje.ginee_order_details('M', '{a}'), ganje.ginee_ship('M', 'SO1');
SELECT ganje.resume_sending('G'), ganje.retry_dead_letters(), ganje.drain('10 ms'), ganje.tell_drain(5, pg_catalog.now());
CALL ganje.drain_outbox('10 ms');
CREATE ROLE hostile93;
SELECT ganje.grant_access('hostile93', 'checkout'), ganje.grant_access('hostile93', 'fulfilment', 'A');
UPDATE ganje.access SET merchant_id = 'B';
SELECT ganje.revoke_access('hostile93', 'checkout');
SELECT ganje.settle_access();
DELETE FROM ganje.access;
DROP ROLE hostile93;
DELETE FROM ganje.outbox;
DELETE FROM ganje.shipment WHERE order_id = 'told';
SELECT ganje.detach_orders('orders93'), ganje.trim_inbox(0), ganje.trim_log(1), ganje.delete_zone('{"zoneId": "F"}');
\o
-- They did what they are for.
SELECT (SELECT count(*) FROM ganje.shipment) AS shipments, (SELECT count(*) FROM ganje.shipment_event) > 5 AS journeys, (SELECT count(*) FROM ganje.order_attachment) AS attached;
\connect :regression
DROP DATABASE ganje_hostile93 WITH (FORCE);
