-- Who may do what: every function, table and view, tried for every level. The list that is printed here is what the levels
-- may do, and what they may not: whatever is new shows up in it, denied until sql/99_access.sql says otherwise.
\set SHOW_CONTEXT never
CREATE ROLE access90_checkout;
CREATE ROLE access90_fulfilment;
CREATE ROLE access90_operator;
CREATE ROLE access90_checkout_one;
CREATE ROLE access90_fulfilment_one;
CREATE ROLE access90_operator_one;
CREATE ROLE access90_nobody;
SELECT ganje.grant_access('access90_checkout', 'checkout'), ganje.grant_access('access90_checkout_one', 'checkout', '90A'),
       ganje.grant_access('access90_fulfilment', 'fulfilment'), ganje.grant_access('access90_fulfilment_one', 'fulfilment', '90A'),
       ganje.grant_access('access90_operator', 'operator'), ganje.grant_access('access90_operator_one', 'operator', '90A');
SELECT * FROM ganje.access ORDER BY role::text;

-- Everything that the list names is there.
SELECT object FROM ganje.access_list() AS l
 WHERE CASE WHEN l.object LIKE '%(%' THEN to_regprocedure('ganje.' || l.object) IS NULL ELSE to_regclass('ganje.' || l.object) IS NULL END;

-- Functions: "each" where a role of one merchant may as well, "all" where only a role of every merchant may, "-" denied.
CREATE FUNCTION pg_temp.word(every boolean, one boolean) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN every AND one THEN 'each' WHEN every THEN 'all' WHEN one THEN 'ONE ALONE' ELSE '-' END;
CREATE FUNCTION pg_temp.may(level text, routine oid) RETURNS text LANGUAGE sql
RETURN pg_temp.word(has_function_privilege('access90_' || level, routine, 'EXECUTE'), has_function_privilege('access90_' || level || '_one', routine, 'EXECUTE'));
\pset format unaligned
SELECT substr(p.oid::regprocedure::text, 7) AS function, pg_temp.may('checkout', p.oid) AS checkout, pg_temp.may('fulfilment', p.oid) AS fulfilment,
       pg_temp.may('operator', p.oid) AS operator
  FROM pg_proc AS p WHERE p.pronamespace = 'ganje'::regnamespace
 ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C";

\pset format aligned

-- Tables and views, by any column: a INSERT, r SELECT, w UPDATE, d DELETE, D TRUNCATE, t TRIGGER, x REFERENCES; behind the
-- stroke a role of one merchant. Partitions have nothing.
CREATE FUNCTION pg_temp.rights(of_role text, relation oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(letter, '' ORDER BY letter COLLATE "C"), '')
      FROM (VALUES ('a', has_any_column_privilege(of_role, relation, 'INSERT')), ('r', has_any_column_privilege(of_role, relation, 'SELECT')),
                   ('w', has_any_column_privilege(of_role, relation, 'UPDATE')), ('x', has_any_column_privilege(of_role, relation, 'REFERENCES')),
                   ('d', has_table_privilege(of_role, relation, 'DELETE')), ('D', has_table_privilege(of_role, relation, 'TRUNCATE')),
                   ('t', has_table_privilege(of_role, relation, 'TRIGGER'))) AS v(letter, may) WHERE may $$;
CREATE FUNCTION pg_temp.may_table(level text, relation oid) RETURNS text LANGUAGE sql
RETURN coalesce(nullif(pg_temp.rights('access90_' || level, relation) || '/' || pg_temp.rights('access90_' || level || '_one', relation), '/'), '-');
SELECT c.relname AS relation, c.relkind, pg_temp.may_table('checkout', c.oid) AS checkout, pg_temp.may_table('fulfilment', c.oid) AS fulfilment,
       pg_temp.may_table('operator', c.oid) AS operator
  FROM pg_class AS c WHERE c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT c.relispartition
 ORDER BY c.relname COLLATE "C";
SELECT c.relname FROM pg_class AS c, pg_roles AS r
 WHERE c.relnamespace = 'ganje'::regnamespace AND c.relispartition AND r.rolname LIKE 'access90%' AND pg_temp.rights(r.rolname, c.oid) <> '';
-- A role without access has not even the schema.
SELECT has_schema_privilege('access90_nobody', 'ganje', 'USAGE'), has_schema_privilege('access90_checkout_one', 'ganje', 'USAGE'),
       has_schema_privilege('access90_operator', 'ganje', 'CREATE');
-- Columns: a table is read as a whole or not at all; no letter above stands for a part of one.
SELECT r.rolname, c.relname, a.attname FROM pg_roles AS r, pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE r.rolname LIKE 'access90%' AND c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p', 'v')
   AND has_column_privilege(r.rolname, c.oid, a.attnum, 'SELECT') <> has_table_privilege(r.rolname, c.oid, 'SELECT');

-- What the catalog says is so: every function that is denied is called, every table that is denied is read and written.
CREATE FUNCTION pg_temp.try(of_role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET ROLE %I', of_role);
    BEGIN
        EXECUTE statement;
        RAISE EXCEPTION USING ERRCODE = 'ZZ090', MESSAGE = 'undo';
    EXCEPTION WHEN OTHERS THEN
        EXECUTE 'RESET ROLE';
        RETURN CASE WHEN SQLSTATE = 'ZZ090' THEN 'done' ELSE SQLSTATE || ' ' || SQLERRM END;
    END;
END
$$;
-- The arguments are no constants: a strict function of a constant NULL would not be called at all.
CREATE FUNCTION pg_temp.call(routine oid) RETURNS text LANGUAGE sql AS $$
    SELECT format(CASE p.prokind WHEN 'p' THEN 'CALL ganje.%1$I(%3$s)' ELSE 'SELECT ganje.%1$I(%2$s) FROM (SELECT %3$s OFFSET 0) AS a' END, p.proname,
                  string_agg(CASE WHEN p.provariadic <> 0 AND t.n = p.pronargs THEN 'VARIADIC a.v' ELSE 'a.v' END || t.n, ', ' ORDER BY t.n),
                  coalesce(string_agg('NULL::' || t.type::regtype || CASE p.prokind WHEN 'p' THEN '' ELSE ' AS v' || t.n END, ', ' ORDER BY t.n),
                           CASE p.prokind WHEN 'p' THEN '' ELSE '1' END))
      FROM pg_proc AS p LEFT JOIN unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t(type, n) ON true WHERE p.oid = routine GROUP BY p.oid, p.proname, p.prokind $$;
SELECT r.rolname, count(*) > 150 AS many,
       string_agg(p.proname || ': ' || t.answer, ', ' ORDER BY p.proname) FILTER (WHERE t.answer NOT LIKE '42501 permission denied for %') AS let_in
  FROM pg_roles AS r, pg_proc AS p, pg_temp.try(r.rolname, pg_temp.call(p.oid)) AS t(answer)
 WHERE r.rolname LIKE 'access90%' AND p.pronamespace = 'ganje'::regnamespace AND p.prorettype <> 'trigger'::regtype
   AND NOT has_function_privilege(r.rolname, p.oid, 'EXECUTE')
 GROUP BY r.rolname ORDER BY r.rolname;
SELECT r.rolname, count(*) > 30 AS many,
       count(*) FILTER (WHERE t.answer NOT LIKE '42501 permission denied for %' AND NOT (c.relkind = 'v' AND t.answer LIKE '55000 cannot %')) AS let_in
  FROM pg_roles AS r, pg_class AS c,
       (VALUES ('SELECT', 'SELECT count(*) FROM ganje.%I'), ('INSERT', 'INSERT INTO ganje.%I DEFAULT VALUES'), ('DELETE', 'DELETE FROM ganje.%I')) AS s(privilege, statement),
       pg_temp.try(r.rolname, format(s.statement, c.relname)) AS t(answer)
 WHERE r.rolname LIKE 'access90%' AND c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p', 'v')
   AND NOT has_table_privilege(r.rolname, c.oid, s.privilege)
 GROUP BY r.rolname ORDER BY r.rolname;
-- Every table and view that is allowed is read.
SELECT r.rolname, count(*) AS allowed, string_agg(c.relname || ': ' || t.answer, ', ') FILTER (WHERE t.answer <> 'done') AS refused
  FROM pg_roles AS r, pg_class AS c, pg_temp.try(r.rolname, format('SELECT * FROM ganje.%I', c.relname)) AS t(answer)
 WHERE r.rolname LIKE 'access90%' AND c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(r.rolname, c.oid, 'SELECT')
 GROUP BY r.rolname ORDER BY r.rolname;

-- Nobody reads credentials, or who has access; nor does an operator help itself to more.
SELECT r.rolname, pg_temp.try(r.rolname, 'SELECT secret FROM ganje.carrier_credential') AS credentials, pg_temp.try(r.rolname, 'SELECT * FROM ganje.access') AS access
  FROM pg_roles AS r WHERE r.rolname IN ('access90_checkout', 'access90_fulfilment', 'access90_operator') ORDER BY 1;
SELECT statement, pg_temp.try('access90_operator', statement) AS operator FROM unnest(ARRAY[
    $$SELECT ganje.grant_access('access90_operator', 'fulfilment')$$, $$INSERT INTO ganje.access VALUES ('access90_operator', 'fulfilment')$$,
    $$UPDATE ganje.access SET merchant_id = NULL$$, $$SELECT ganje.settle_access()$$, $$GRANT SELECT ON ganje.carrier_credential TO access90_operator$$,
    $$CREATE FUNCTION ganje.merchant_of(json) RETURNS text LANGUAGE sql RETURN 'x'$$]) AS statement;

-- Functions that are allowed work, with all that they call.
\pset format unaligned
SELECT ganje.upsert_zone('{"zoneId": "Z90", "name": "Ninety", "rules": [{"addr": {"city": {"IN": ["city 90"]}}}]}') ->> 'zoneId';
SELECT ganje.upsert_store('{"merchantId": "90A", "storeId": "S90", "name": "Store", "rules": [{"ruleId": "R", "types": ["CARGO"], "capacity": 9}]}') ->> 'storeId';
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('90', 'ganje', 'https://ganje90.example');
SELECT ganje.set_credential('90', '{"username": "u", "password": "p"}');
CREATE TEMP TABLE call90 (n serial, statement text);
INSERT INTO call90 (statement) VALUES
    ('SELECT ganje.version(), ganje.ulid(), ganje.now(), ganje.fold_text(''İ''), ganje.phone_key(''0912'')'),
    ('SELECT ganje.locate_zone(''{"address": {"city": "city 90"}}''), ganje.locate_zone(1, 2), ganje.locate_zone_ids(1, 2), ganje.locate_zone_by_address(''{"city": "city 90"}'')'),
    ('SELECT * FROM ganje.locate_zones(1, 2)'),
    ('SELECT ganje.get_requirements(''{"merchantId": "90A", "zoneId": "Z90"}'')'),
    ('SELECT ganje.get_pools(''{"merchantId": "90A", "zoneId": "Z90", "cart": {"items": [{"itemId": "a"}]}}'')'),
    ('SELECT ganje.get_pools(''{"merchantId": "90A", "zoneId": "Z90", "pool": {"type": "CARGO"}, "cart": {"items": [{"itemId": "a"}]}}'')'),
    ('SELECT ganje.confirm_hold(ganje.hold_slot(''{"merchantId": "90A", "zoneId": "Z90", "cart": {"merchantId": "90A", "items": [{"itemId": "a"}]}, "pool": [{"items": ["a"], "type": "CARGO"}]}'') ->> ''holdId'', ''o'', ''90A'')'),
    ('SELECT ganje.track_shipment(''{"merchantId": "90A", "orderId": "nothing", "phoneNumber": "+989120000000"}'')'),
    ('INSERT INTO ganje.cart (merchant_id) VALUES (''90A''); UPDATE ganje.cart SET segments = ''{x}''; DELETE FROM ganje.cart WHERE merchant_id = ''90A'''),
    ('SELECT ganje.verify_webhook_signature(''whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz'', ''{"webhook-id": "1", "webhook-timestamp": 1, "webhook-signature": "v1,x"}'', ''x'', to_timestamp(1))'),
    ('SELECT * FROM ganje.explain_pools(''{"merchantId": "90A", "zoneId": "Z90", "cart": {"items": [{"itemId": "a"}]}}'')'),
    ('SELECT ganje.get_store(''{"merchantId": "90A", "storeId": "S90"}''), ganje.list_stores(''{"merchantId": "90A"}''), ganje.get_zone(''{"zoneId": "Z90"}''), ganje.list_zones(), ganje.get_option(''{"optionId": "SHIPMENT"}'')'),
    ('SELECT ganje.zones_geojson(''{Z90}''), ganje.zone_map(NULL, 300, ''{Z90}''); SELECT * FROM ganje.zone_overlaps(''{Z90}'')'),
    ('SELECT ganje.upsert_store(''{"merchantId": "90A", "storeId": "S90", "name": "Other"}''), ganje.delete_store(''{"merchantId": "90A", "storeId": "S90"}'')'),
    ('SELECT ganje.subscribe(''https://hook90.example'', ''{order}'', merchant_id => ''90A'')'),
    ('SELECT ganje.upsert_option(''{"optionId": "SHIPMENT", "data": {"days": 3}}''), ganje.upsert_zone(''{"zoneId": "Z90", "name": "x"}'')'),
    ('SELECT * FROM ganje.status(); SELECT ganje.pause_sending(), ganje.worker_pid(), ganje.zone_cache_size()'),
    ('INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings) VALUES (''90-2'', ''ganje'', ''https://x.example'', ''{"poll": {}}''); SELECT ganje.set_credential(''90-2'', ''{"username": "u"}'')'),
    ('INSERT INTO ganje.webhook_inbox (source, payload) VALUES (''90'', ''x''); SELECT ganje.receive_webhook(''90'', ''x''); SELECT * FROM ganje.reprocess_webhooks(''90'')'),
    ('INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, rank) VALUES (''ganje'', ''occupancy'', ''x90'', ''unknown'', 1)');
SELECT n, left(statement, 70) AS statement, pg_temp.try('access90_checkout', statement) AS checkout, pg_temp.try('access90_fulfilment', statement) AS fulfilment,
       pg_temp.try('access90_operator', statement) AS operator FROM call90 ORDER BY n;
-- The same for one merchant, of which all the above is.
SELECT n, left(statement, 70) AS statement, left(pg_temp.try('access90_checkout_one', statement), 60) AS checkout, left(pg_temp.try('access90_fulfilment_one', statement), 60) AS fulfilment,
       left(pg_temp.try('access90_operator_one', statement), 60) AS operator FROM call90 ORDER BY n;

\pset format aligned

-- An operator who lets an account lead elsewhere does not get its secrets sent there: they are gone. Other changes keep them.
SET ROLE access90_operator;
UPDATE ganje.carrier_account SET timeout_ms = 5000, settings = '{"merchantId": "90A"}' WHERE account_id = '90';
RESET ROLE;
SELECT count(*) AS kept FROM ganje.carrier_credential WHERE account_id = '90';
UPDATE ganje.carrier_account SET base_url = 'https://ganje90-new.example' WHERE account_id = '90';
SELECT count(*) AS kept_by_owner FROM ganje.carrier_credential WHERE account_id = '90';
SET ROLE access90_operator;
UPDATE ganje.carrier_account SET base_url = 'https://thief.example' WHERE account_id = '90';
RESET ROLE;
SELECT count(*) AS gone FROM ganje.carrier_credential WHERE account_id = '90';

-- What the list says each role of one merchant may, the text of the functions and views says, too: each asks, at the very levels.
-- Functions of the list with the owner's rights that do not: they have nothing of merchants.
WITH asks AS (
    SELECT l.object, l.levels, p.prosecdef, regexp_match(coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), ''),
               'check_merchant\([^;]*?, ((?:''\w+''(?:, )?)+)\)') AS at,
           coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '') ~ 'find_subscription|tracked_shipments|move_shipment|ganje\.journey\(' AS by_another
      FROM ganje.access_list() AS l JOIN pg_proc AS p ON p.oid = CASE WHEN l.object LIKE '%(%' THEN to_regprocedure('ganje.' || l.object) END
     WHERE l.each_merchant)
SELECT object, CASE WHEN at IS NULL THEN 'asks nothing' ELSE 'asks for ' || at[1] END AS problem FROM asks
 WHERE prosecdef AND NOT by_another
   AND (at IS NULL OR (SELECT array_agg(trim(w, ' ''') ORDER BY 1) FROM unnest(string_to_array(at[1], ', ')) AS w) IS DISTINCT FROM (SELECT array_agg(w ORDER BY 1) FROM unnest(levels) AS w))
 ORDER BY object COLLATE "C";
SELECT l.object AS view_that_does_not FROM ganje.access_list() AS l JOIN pg_class AS c ON c.oid = CASE WHEN l.object NOT LIKE '%(%' THEN to_regclass('ganje.' || l.object) END AND c.relkind = 'v'
 WHERE l.each_merchant AND (NOT coalesce('security_barrier=true' = ANY (c.reloptions), false)
       OR pg_get_viewdef(c.oid) !~ ('may_see\(\w+\.merchant_id, VARIADIC ARRAY\[' || (SELECT string_agg(format('%L::text', w), ', ') FROM unnest(l.levels) AS w)));
-- Every table with a merchant has its policies, and every table of the list that a role of one merchant may read has either a merchant or nothing of any.
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'merchant_id'
 WHERE c.relnamespace = 'ganje'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'access'
   AND (NOT c.relrowsecurity OR (SELECT count(*) FROM pg_policy AS p WHERE p.polrelid = c.oid) <> 4);
SELECT l.object AS of_no_merchant FROM ganje.access_list() AS l JOIN pg_class AS c ON c.oid = CASE WHEN l.object NOT LIKE '%(%' THEN to_regclass('ganje.' || l.object) END AND c.relkind <> 'v'
 WHERE l.each_merchant AND NOT c.relrowsecurity ORDER BY 1;
SELECT c.relname, p.polname, pg_get_expr(coalesce(p.polqual, p.polwithcheck), c.oid) FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
 WHERE c.relname IN ('cart', 'shipment', 'webhook_inbox') ORDER BY 1, 2;

-- Revoked, nothing is left.
SELECT ganje.revoke_access('access90_checkout', 'checkout'), ganje.revoke_access('access90_fulfilment', 'fulfilment'), ganje.revoke_access('access90_operator', 'operator'),
       ganje.revoke_access('access90_checkout_one', 'checkout', '90A'), ganje.revoke_access('access90_fulfilment_one', 'fulfilment'), ganje.revoke_access('access90_operator_one', 'operator');
SELECT count(*) FROM ganje.access;
SELECT r.rolname, d.classid::regclass, d.objid FROM pg_shdepend AS d JOIN pg_roles AS r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass WHERE r.rolname LIKE 'access90%';
DROP ROLE access90_checkout, access90_fulfilment, access90_operator, access90_checkout_one, access90_fulfilment_one, access90_operator_one, access90_nobody;
DELETE FROM ganje.carrier_account WHERE account_id = '90';
DELETE FROM ganje.store WHERE merchant_id = '90A';
DELETE FROM ganje.zone WHERE zone_id = 'Z90';
