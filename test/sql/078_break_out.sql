-- A carrier's function that does what it can to get more rights than the role that registered it has: as a request is built, in
-- the order's transaction, where the caller is a superuser.
\set SHOW_CONTEXT never
CREATE ROLE thief78;
CREATE SCHEMA thief78 AUTHORIZATION thief78;
SELECT ganje.grant_access('thief78', 'operator');
SELECT ganje.pause_sending();
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('78-RICH', 'ganje', 'https://rich78.example');
SELECT ganje.set_credential('78-RICH', '{"username": "u", "password": "p"}');
SET ROLE thief78;
-- What would run when the transaction commits, as whoever commits.
CREATE TABLE thief78.bait (x integer);
CREATE FUNCTION thief78.trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE thief78 SUPERUSER'; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON thief78.bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION thief78.trap();
-- What would be found in the place of the server's own by a search_path that is left behind.
CREATE FUNCTION thief78.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE thief78 SUPERUSER'; RETURN NULL; END $$;
CREATE TABLE thief78.way (n serial, statement text);
INSERT INTO thief78.way (statement) VALUES
    ('INSERT INTO thief78.bait VALUES (1)'), ('SET ROLE NONE'), ('SET SESSION AUTHORIZATION DEFAULT'), ('ALTER ROLE thief78 SUPERUSER'),
    ('SELECT secret FROM ganje.carrier_credential'), ('SELECT phone FROM ganje.shipment'), ('SELECT ganje.grant_access(''thief78'', ''fulfilment'')'),
    ('SELECT ganje.run_authorize(''ganje'', ''{}'', NULL)'), ('CREATE FUNCTION ganje.merchant_of(json) RETURNS text LANGUAGE sql RETURN ''x'''),
    ('CREATE TRIGGER trap AFTER INSERT ON ganje.shipment FOR EACH ROW EXECUTE FUNCTION thief78.trap()'),
    ('CREATE TEMP TABLE pg_class (x integer)'), ('DECLARE later CURSOR WITH HOLD FOR SELECT thief78.now()'), ('PREPARE later AS SELECT thief78.now()'),
    ('COPY thief78.bait TO PROGRAM ''true'''), ('SET ganje_logistics.now = ''2020-01-01'''), ('SET search_path = thief78');
CREATE FUNCTION thief78.build(shipment ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
DECLARE
    request ganje.http_request;
    way record;
BEGIN
    FOR way IN SELECT * FROM thief78.way AS w ORDER BY w.n LOOP
        BEGIN
            EXECUTE way.statement;
            RAISE NOTICE 'as %, done: %', current_user, way.statement;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE '% %', SQLSTATE, way.statement;
        END;
    END LOOP;
    request.method := 'POST';
    request.path := '/';
    request.headers := '{}';
    request.body := '{}';
    RETURN request;
END $$;
SELECT ganje.register_carrier('thief78', 'thief78.build');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('78-THIEF', 'thief78', 'https://thief78.example');
RESET ROLE;

BEGIN;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, phone) VALUES ('M78T', '78-T', '78-T', '78-THIEF', '78-T', '+989120000000');
-- Nothing is left behind of what it could do.
SELECT current_user = session_user AS myself, current_setting('search_path') AS search_path, now() IS NOT NULL AS the_servers_own;
COMMIT;
SELECT rolsuper FROM pg_roles WHERE rolname = 'thief78';
SELECT count(*) AS baited FROM thief78.bait;

DELETE FROM ganje.outbox WHERE merchant_id = 'M78T';
DELETE FROM ganje.shipment WHERE merchant_id = 'M78T';
DELETE FROM ganje.carrier_account WHERE account_id IN ('78-RICH', '78-THIEF');
DELETE FROM ganje.carrier WHERE carrier = 'thief78';
SELECT ganje.revoke_access('thief78', 'operator');
SELECT ganje.resume_sending();
SET client_min_messages = warning;
DROP SCHEMA thief78 CASCADE;
RESET client_min_messages;
DROP ROLE thief78;
