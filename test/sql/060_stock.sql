-- The stock source: what stores have, as the app says it.
\set SHOW_CONTEXT never
SELECT ganje.upsert_zone('{"zoneId": "060", "name": "Stock", "rules": [{"addr": {"city": {"IN": ["city 060"]}}}]}') ->> 'zoneId';
SELECT ganje.upsert_store('{"merchantId": "M060", "storeId": "S1", "name": "S1", "rules": [{"ruleId": "r", "types": ["CARGO"], "fee": 1}, {"ruleId": "s", "types": ["SELF"], "maxCartWeight": 3}]}') ->> 'storeId';
SELECT ganje.upsert_store('{"merchantId": "M060", "storeId": "S2", "name": "S2", "rules": [{"ruleId": "r", "types": ["CARGO"], "fee": 2}]}') ->> 'storeId';
SELECT ganje.upsert_store('{"merchantId": "M060b", "storeId": "S1", "name": "S1", "rules": [{"ruleId": "r", "types": ["CARGO"], "fee": 2}]}') ->> 'storeId';
CREATE ROLE shop060;
CREATE SCHEMA shop060 AUTHORIZATION shop060;
GRANT USAGE ON SCHEMA ganje TO shop060;
GRANT EXECUTE ON FUNCTION ganje.set_stock_source(regprocedure) TO shop060;
SET ROLE shop060;
CREATE TABLE shop060.stock (store_id text, item_id text, quantity numeric);
CREATE TABLE shop060.asked (n int GENERATED ALWAYS AS IDENTITY, who text, store_id text, item_ids text[], path text);
CREATE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop060.asked (who, store_id, item_ids, path) VALUES (current_user, $1, $2, current_setting('search_path'));
    RETURN QUERY SELECT s.item_id, s.quantity FROM shop060.stock AS s WHERE s.store_id = $1 AND s.item_id = ANY ($2);
END
$$;
SELECT ganje.set_stock_source('shop060.in_stock(text,text[])');
RESET ROLE;
TABLE ganje.stock_source;
INSERT INTO shop060.stock VALUES ('S1', 'a', 2), ('S1', 'b', 0), ('S2', 'a', 1.5), ('S2', 'c', NULL);

-- One line per pool: items of each group and types.
CREATE FUNCTION pg_temp.pools(items text, merchant text DEFAULT 'M060') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(p.line, E'\n' ORDER BY p.n), 'none')
      FROM (SELECT p.n, string_agg((g.value ->> 'items') || (SELECT string_agg(' ' || (o ->> 'type') || ' ' || (o ->> 'fee'), '' ) FROM jsonb_array_elements(g.value -> 'options') AS o), ' + ' ORDER BY g.n) AS line
              FROM jsonb_array_elements(ganje.get_pools(jsonb_build_object('merchantId', merchant, 'zoneId', '060', 'cart', jsonb_build_object('items', items::jsonb)))) WITH ORDINALITY AS p(value, n),
                   jsonb_array_elements(p.value) WITH ORDINALITY AS g(value, n) GROUP BY p.n) AS p
$$;
-- Enough for the line, not for one unit; what is not answered, or with NULL, is in stock.
SELECT pg_temp.pools('[{"itemId": "a"}]');
SELECT pg_temp.pools('[{"itemId": "a", "quantity": 2}]');
SELECT pg_temp.pools('[{"itemId": "a", "quantity": 2.5}]');
SELECT pg_temp.pools('[{"itemId": "a", "quantity": 2}, {"itemId": "b"}]');
SELECT pg_temp.pools('[{"itemId": "c"}, {"itemId": "d"}]');
-- An item out of stock takes no weight from the others.
SELECT pg_temp.pools('[{"itemId": "b", "weight": 3}, {"itemId": "d", "weight": 3}]');
-- Quantities of one item add up.
INSERT INTO shop060.stock VALUES ('S2', 'a', 0.5);
SELECT pg_temp.pools('[{"itemId": "a", "quantity": 2}]');
-- Once per store, with its merchant's items, as the role that registered, on a fixed path.
TRUNCATE shop060.asked;
SELECT pg_temp.pools('[{"itemId": "a"}, {"itemId": "x", "merchantId": "M060b"}, {"itemId": "b"}]');
SELECT who, store_id, item_ids, path FROM shop060.asked ORDER BY n;
TRUNCATE shop060.asked;
SELECT store_id, rule_id, verdict, reason FROM ganje.explain_pools('{"merchantId": "M060", "zoneId": "060", "cart": {"items": [{"itemId": "a", "quantity": 2}, {"itemId": "b"}, {"itemId": "c"}]}}');
SELECT store_id, count(*) FROM shop060.asked GROUP BY 1 ORDER BY 1;
-- Selected pools and holds know the stock as well.
SELECT ganje.get_pools('{"merchantId": "M060", "zoneId": "060", "pool": {"type": "CARGO"}, "cart": {"items": [{"itemId": "b"}]}}');
SELECT ganje.hold_slot('{"merchantId": "M060", "zoneId": "060", "pool": [{"items": ["b"], "type": "SELF"}], "cart": {"items": [{"itemId": "b"}]}}');

-- A source has the rights of who registered it, and no others; it changes nothing for its caller.
CREATE FUNCTION pg_temp.try(items text DEFAULT '[{"itemId": "a"}]') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_temp.pools(items);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SET ROLE shop060;
CREATE OR REPLACE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT z.zone_id, 1::numeric FROM ganje.zone AS z;
END
$$;
RESET ROLE;
SELECT pg_temp.try();
CREATE OR REPLACE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SET ROLE NONE';
END
$$;
SELECT pg_temp.try();
CREATE OR REPLACE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', 'nowhere', false), set_config('work_mem', '77MB', false);
END
$$;
SELECT pg_temp.try(), current_setting('search_path'), current_setting('work_mem') = '77MB' AS changed, current_user = session_user AS same;
-- One that never ends is stopped; the statement's own limit is in force again.
CREATE OR REPLACE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE plpgsql AS $$
BEGIN
    LOOP PERFORM pg_sleep(0.01); END LOOP;
END
$$;
SELECT pg_temp.pools('[{"itemId": "a"}]');
SET statement_timeout = '2500ms';
DO $$
BEGIN
    PERFORM pg_temp.pools('[{"itemId": "a"}]');
EXCEPTION WHEN query_canceled THEN
    RAISE INFO 'caught: %', SQLERRM;
    PERFORM pg_sleep(30);
    RAISE INFO 'slept';
END
$$;
SET statement_timeout = '200ms';
SELECT pg_temp.pools('[{"itemId": "a"}]');
SET statement_timeout = '1min';
CREATE OR REPLACE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE sql AS 'SELECT ''a'', 0.5';
SELECT pg_temp.pools('[{"itemId": "a"}]');
RESET statement_timeout;
-- Another answer than the one that was checked is cast, or refused, never misread.
DROP FUNCTION shop060.in_stock(text, text[]);
SELECT pg_temp.try();
CREATE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id varchar, quantity int) LANGUAGE sql AS 'SELECT ''a''::varchar, 0';
SELECT pg_temp.try();
DROP FUNCTION shop060.in_stock(text, text[]);
CREATE FUNCTION shop060.in_stock(store_id text, item_ids text[]) RETURNS TABLE (item_id text, quantity box) LANGUAGE sql AS 'SELECT ''a'', NULL::box';
SELECT pg_temp.try();
REVOKE EXECUTE ON FUNCTION shop060.in_stock(text, text[]) FROM PUBLIC;
SELECT pg_temp.try();

-- What a source must be.
CREATE FUNCTION shop060.scalar(text, text[]) RETURNS numeric LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop060.other(text, text) RETURNS TABLE (item_id text, quantity numeric) LANGUAGE sql AS 'SELECT ''a'', 1.0';
CREATE FUNCTION shop060.integers(text, text[]) RETURNS TABLE (item_id text, quantity integer) LANGUAGE sql AS 'SELECT ''a'', 1';
CREATE TYPE shop060.row AS (item_id text, quantity numeric);
CREATE FUNCTION shop060."Rows; --"(text, text[]) RETURNS SETOF shop060.row LANGUAGE sql AS 'SELECT ''a'', 1.0';
CREATE FUNCTION shop060.outs(text, text[], OUT text, OUT numeric) RETURNS SETOF record LANGUAGE sql AS 'SELECT ''a'', 0.0';
CREATE FUNCTION shop060.owners(text, text[]) RETURNS SETOF shop060.row LANGUAGE sql AS 'SELECT ''a'', 1.0';
REVOKE EXECUTE ON FUNCTION shop060.owners(text, text[]) FROM PUBLIC;
SELECT ganje.set_stock_source('shop060.scalar(text,text[])');
SELECT ganje.set_stock_source('shop060.other(text,text)');
SELECT ganje.set_stock_source('shop060.integers(text,text[])');
SELECT ganje.set_stock_source('shop060.nowhere(text,text[])');
SELECT ganje.set_stock_source(0);
SET ROLE shop060;
SELECT ganje.set_stock_source('shop060.owners(text,text[])');
INSERT INTO ganje.stock_source (source, registered_by) VALUES ('x', 'y');
SELECT ganje.store_stock_source('shop060.outs(text,text[])', 'postgres');
RESET ROLE;
SELECT ganje.set_stock_source('shop060."Rows; --"(text,text[])');
SELECT source FROM ganje.stock_source;
SELECT pg_temp.try('[{"itemId": "a"}]'), pg_temp.try('[{"itemId": "a", "quantity": 2}]');
SELECT ganje.set_stock_source('shop060.outs(text,text[])');
SELECT pg_temp.try('[{"itemId": "a"}]'), pg_temp.try('[{"itemId": "b"}]');
SELECT ganje.set_stock_source(NULL);
TABLE ganje.stock_source;
SELECT pg_temp.try('[{"itemId": "a", "quantity": 100}]');

DROP SCHEMA shop060 CASCADE;
REVOKE ALL ON FUNCTION ganje.set_stock_source(regprocedure) FROM shop060;
REVOKE USAGE ON SCHEMA ganje FROM shop060;
DROP ROLE shop060;
DELETE FROM ganje.zone WHERE zone_id = '060';
DELETE FROM ganje.store WHERE merchant_id LIKE 'M060%';
