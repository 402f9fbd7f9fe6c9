-- Carriers of the user's own: three SQL functions and a name.

CREATE FUNCTION ganje.store_carrier(name text, build text, authorize text, apply text, receive text, timezone text, description text,
                                    role text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF coalesce(name, '') = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'name must not be empty';
    END IF;
    PERFORM ganje.claim_carrier(name, role);
    PERFORM pg_catalog.now() AT TIME ZONE timezone;
    INSERT INTO ganje.carrier AS c (carrier, description, build, authorize, apply, receive, timezone, registered_by)
    VALUES (store_carrier.name, store_carrier.description, store_carrier.build, store_carrier.authorize, store_carrier.apply,
            store_carrier.receive, coalesce(store_carrier.timezone, 'UTC'), role)
    ON CONFLICT ON CONSTRAINT carrier_pkey DO UPDATE
       SET description = excluded.description, build = excluded.build, authorize = excluded.authorize, apply = excluded.apply,
           receive = excluded.receive, timezone = excluded.timezone, registered_by = excluded.registered_by;
END
$$;
COMMENT ON FUNCTION ganje.store_carrier(text, text, text, text, text, text, text, text) IS
'Keeps a carrier whose functions were checked, with the role that registers it.';

CREATE FUNCTION ganje.claim_carrier(name text, role text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    known ganje.carrier;
BEGIN
    SELECT * INTO known FROM ganje.carrier AS c WHERE c.carrier = name FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    ELSIF known.builtin THEN
        RAISE insufficient_privilege USING MESSAGE = format('carrier %L is built in', name), HINT = 'Give yours another name.';
    ELSIF NOT pg_has_role(role, known.registered_by, 'MEMBER') THEN
        RAISE insufficient_privilege USING MESSAGE = format('carrier %L was registered by role %I', name, known.registered_by);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ganje.claim_carrier(text, text) IS
'Raises unless a role may change a carrier; false where there is none of this name.';

CREATE FUNCTION ganje.drop_carrier(name text, role text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    account text;
BEGIN
    IF NOT ganje.claim_carrier(name, role) THEN
        RAISE no_data_found USING MESSAGE = format('carrier %L does not exist', name),
            HINT = 'SELECT carrier FROM ganje.carrier lists the carriers.';
    END IF;
    SELECT min(a.account_id) INTO account FROM ganje.carrier_account AS a WHERE a.carrier = name;
    IF account IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = format('carrier %L has accounts', name),
            DETAIL = format('Account %L is one of them.', account), HINT = 'Delete its accounts first.';
    END IF;
    DELETE FROM ganje.carrier AS c WHERE c.carrier = name;
END
$$;
COMMENT ON FUNCTION ganje.drop_carrier(text, text) IS 'Forgets a carrier that has no accounts, and its mapping of statuses.';

CREATE FUNCTION ganje.register_carrier(name text, build text, authorize text DEFAULT NULL, apply text DEFAULT NULL,
                                       receive text DEFAULT NULL, timezone text DEFAULT 'UTC', description text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_carrier_register';
COMMENT ON FUNCTION ganje.register_carrier(text, text, text, text, text, text, text) IS
'Makes a carrier of SQL functions, given by name or signature, which run as the role that calls this: build(ganje.shipment, operation text) → ganje.http_request; authorize(account jsonb, ganje.http_request) → ganje.http_request, without it nothing is added; apply(account jsonb, ganje.http_request, ganje.http_response) → ganje.outcome, without it 2xx is delivered; receive(account jsonb, payload jsonb) → ganje.webhook_reading, without it no webhook is taken. Again, for the same role, it replaces them.';

CREATE FUNCTION ganje.unregister_carrier(name text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'gl_carrier_unregister';
COMMENT ON FUNCTION ganje.unregister_carrier(text) IS 'Forgets a carrier of your own, which must have no accounts.';
