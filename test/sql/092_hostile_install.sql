-- CREATE EXTENSION in a database in which somebody else was first.
\set SHOW_CONTEXT never
SELECT current_database() AS regression \gset
CREATE ROLE hostile92;
CREATE DATABASE ganje_hostile92;
GRANT CREATE ON DATABASE ganje_hostile92 TO hostile92;
\connect ganje_hostile92
GRANT CREATE ON SCHEMA public TO hostile92;

-- The schema is there, and somebody else's.
SET ROLE hostile92;
CREATE SCHEMA ganje;
RESET ROLE;
CREATE EXTENSION ganje_logistics;
SELECT count(*) FROM pg_extension WHERE extname = 'ganje_logistics';
-- It is ours, and others may put things into it.
ALTER SCHEMA ganje OWNER TO CURRENT_USER;
GRANT CREATE ON SCHEMA ganje TO hostile92;
CREATE EXTENSION ganje_logistics;
-- They did: functions that would be found instead of ours, by better matching arguments.
SET ROLE hostile92;
CREATE FUNCTION ganje.merchant_of(request json) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE hostile92 SUPERUSER'; RETURN 'x'; END $$;
RESET ROLE;
REVOKE CREATE ON SCHEMA ganje FROM hostile92;
CREATE EXTENSION ganje_logistics;
DROP FUNCTION ganje.merchant_of(json);

-- What is elsewhere is not found: functions, operators, casts and types named as what the script and the functions use.
SET ROLE hostile92;
CREATE FUNCTION public.steal() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'stolen by %', current_user; END $$;
CREATE FUNCTION public.coalesce_text(a text, b varchar) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal(); RETURN true; END $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = varchar, FUNCTION = public.coalesce_text);
CREATE OPERATOR public.<> (LEFTARG = text, RIGHTARG = varchar, FUNCTION = public.coalesce_text);
CREATE FUNCTION public.name_text(a name, b text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal(); RETURN true; END $$;
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.name_text);
CREATE OPERATOR public.~ (LEFTARG = name, RIGHTARG = text, FUNCTION = public.name_text);
CREATE FUNCTION public.jsonb_text(a jsonb, b varchar) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal(); RETURN 'x'; END $$;
CREATE OPERATOR public.->> (LEFTARG = jsonb, RIGHTARG = varchar, FUNCTION = public.jsonb_text);
CREATE FUNCTION public.format(a text, b integer) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal(); RETURN ''; END $$;
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal(); RETURN '2000-01-01'; END $$;
CREATE FUNCTION public.jsonb_build_object(VARIADIC text[]) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal(); RETURN '{}'; END $$;
CREATE FUNCTION public.ulid() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM public.steal(); RETURN 'mine'; END $$;
CREATE TYPE public.jsonb AS (x integer);
CREATE DOMAIN public.text AS pg_catalog.text CHECK (public.format(VALUE::pg_catalog.text, 1) IS NULL);
CREATE TABLE public.shipment (x integer);
CREATE TABLE public.pg_class (relname name);
RESET ROLE;
SET search_path = public, pg_catalog;
CREATE EXTENSION ganje_logistics;
-- Installed, and used with that search_path.
SELECT n.nspname, count(*) > 100 AS functions FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'ganje_logistics'
  JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.objid JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace GROUP BY n.nspname;
SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone", "rules": [{"addr": {"city": {"IN": ["x"]}}}]}');
SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [{"ruleId": "R", "types": ["CARGO"], "capacity": 1}]}');
SELECT ganje.get_requirements('{"zoneId": "Z"}');
SELECT ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}');
SELECT ganje.explain_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}');
SELECT ganje.hold_slot('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}, "pool": [{"items": ["a"], "type": "CARGO"}]}') ->> 'held'::pg_catalog.text AS held;
INSERT INTO ganje.shipment (order_id, phone) VALUES ('o', '+989120000000');
SELECT ganje.track_shipment('{"orderId": "o", "phoneNumber": "+989120000000"}') -> 'orderId'::pg_catalog.text AS tracked;
SELECT ganje.receive_webhook('ganje', 'x');
SELECT ganje.grant_access('hostile92', 'checkout');
SET ROLE hostile92;
SELECT ganje.locate_zone('{"address": {"city": "x"}}');
SELECT ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}');
RESET ROLE;
SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = 'hostile92';
\connect :regression
-- At once, though the worker of that database may be there.
DROP DATABASE ganje_hostile92 WITH (FORCE);
DROP ROLE hostile92;
