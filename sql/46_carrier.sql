-- Carriers, their accounts and what their words mean.
--
-- A carrier is three SQL functions. build(shipment, operation) makes the
-- request when it is enqueued, without a secret; authorize(account, request)
-- adds token, key or signature in the worker's memory, or answers a request
-- whose operation is "login" where a token must be fetched first, or "ask"
-- where the answer to the last try was lost and the carrier can be asked
-- whether it arrived;
-- apply(account, request, response) says what the answer means. A fourth,
-- receive(account, payload), reads the carrier's webhooks. They are stored as
-- text, because pg_upgrade refuses regprocedure columns, and run as the role
-- that registered them.

CREATE TYPE ganje.http_request AS (
    merchant_id text,
    request_id text,
    account_id text,
    shipment_id text,
    operation text,
    method text,
    path text,
    headers jsonb,
    body text
);
COMMENT ON TYPE ganje.http_request IS 'A request to a carrier; path is joined to the base URL of the account.';

CREATE TYPE ganje.http_response AS (
    status integer,
    headers jsonb,
    body text
);
COMMENT ON TYPE ganje.http_response IS 'A carrier''s answer; names of headers in lower case.';

CREATE TYPE ganje.outcome AS (
    result text,
    detail text,
    patch jsonb,
    token text,
    token_expires_at timestamptz,
    orders jsonb,
    next jsonb
);
COMMENT ON COLUMN ganje.outcome.orders IS 'orders of a marketplace that the answer tells of: [see ganje.webhook_reading.marketplace_order, …]';
COMMENT ON COLUMN ganje.outcome.next IS 'requests of the account that follow, also from a failure: [{operation, method, path, body}, …]';
COMMENT ON TYPE ganje.outcome IS
'What an answer means: result delivered | retry | failed | unauthorized (NULL: by the HTTP status) or, to "ask", absent; a detail for people, a patch for the shipment, a new token.';

CREATE TYPE ganje.webhook_reading AS (
    problem text,
    detail text,
    dedupe_key text,
    external_id text,
    patch jsonb,
    makes jsonb,
    marketplace_order jsonb
);
COMMENT ON COLUMN ganje.webhook_reading.makes IS
'where the carrier has shipments that we do not know: {orderId}, of which one is made before the patch is applied; such a patch has asOf (see ganje.apply_dated_patch)';
COMMENT ON COLUMN ganje.webhook_reading.marketplace_order IS
'an order of a marketplace to record: {orderId, channel, shopId, externalShopId, status, orderedAt, paidAt, lastUpdateAt, payload}';
COMMENT ON TYPE ganje.webhook_reading IS
'What a webhook says: a problem (a quarantine reason) and its detail, or the key that tells a repeat, the shipment''s external id and a patch for it.';

-- How often a carrier is polled: movingSeconds and waitingSeconds between two
-- polls of a shipment that a courier has, and of one that waits; maxSeconds,
-- the longest pause; perSecond, polls of an account (0: none);
-- refreshSeconds between two refreshes of an account's lists.
CREATE FUNCTION ganje.is_poll_settings(settings jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN settings IS NULL OR coalesce(jsonb_typeof(settings) = 'object' AND NOT EXISTS (
    SELECT FROM jsonb_each(CASE WHEN jsonb_typeof(settings) = 'object' THEN settings ELSE '{}' END) AS e
     WHERE NOT CASE WHEN jsonb_typeof(e.value) <> 'number' THEN false
                    WHEN e.key = 'perSecond' THEN (e.value #>> '{}')::numeric BETWEEN 0 AND 1000
                    WHEN e.key IN ('movingSeconds', 'waitingSeconds', 'maxSeconds', 'refreshSeconds')
                    THEN (e.value #>> '{}')::numeric BETWEEN 0.01 AND 31536000
                    ELSE false END), false);
COMMENT ON FUNCTION ganje.is_poll_settings(jsonb) IS
'True for an object of movingSeconds, waitingSeconds, maxSeconds, refreshSeconds (0.01 to a year) and perSecond (0 to 1000), or NULL.';

CREATE TABLE ganje.carrier (
    carrier text PRIMARY KEY CHECK (carrier <> ''),
    description text,
    build text,
    authorize text,
    apply text,
    receive text,
    timezone text NOT NULL DEFAULT 'UTC',
    poll_operation text,
    refresh_operation text,
    poll jsonb NOT NULL DEFAULT '{}' CHECK (ganje.is_poll_settings(poll)),
    registered_by text,
    builtin boolean NOT NULL DEFAULT false,
    CHECK (builtin OR registered_by IS NOT NULL)
);
-- A publication that leaves the built-in rows out asks this of whoever changes one.
ALTER TABLE ganje.carrier REPLICA IDENTITY FULL;
COMMENT ON TABLE ganje.carrier IS 'Integrations: functions by their signature, and the role as which they run.';
COMMENT ON COLUMN ganje.carrier.build IS 'signature of f(ganje.shipment, text) → ganje.http_request';
COMMENT ON COLUMN ganje.carrier.authorize IS 'signature of f(jsonb, ganje.http_request) → ganje.http_request; NULL: requests go out as they were built';
COMMENT ON COLUMN ganje.carrier.apply IS 'signature of f(jsonb, ganje.http_request, ganje.http_response) → ganje.outcome; NULL: 2xx is delivered';
COMMENT ON COLUMN ganje.carrier.receive IS 'signature of f(jsonb, jsonb) → ganje.webhook_reading; NULL: the carrier sends no webhooks';
COMMENT ON COLUMN ganje.carrier.timezone IS 'of times that the carrier writes without a zone, unless its account says otherwise';
COMMENT ON COLUMN ganje.carrier.poll_operation IS 'operation by which the worker asks for the status of open shipments; NULL: it does not';
COMMENT ON COLUMN ganje.carrier.refresh_operation IS 'operation by which the worker refreshes what it knows of an account; NULL: it does not';
COMMENT ON COLUMN ganje.carrier.poll IS 'how often, see ganje.is_poll_settings; settings.poll of an account goes before it';
COMMENT ON COLUMN ganje.carrier.registered_by IS 'role as which the functions run; NULL for built-in carriers: the extension''s owner';

-- What src/carrier/known.c keeps.
CREATE TRIGGER carrier_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.carrier
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
-- Beforehand as well, for an AFTER trigger of the application's own that comes before ours.
CREATE TRIGGER carrier_changing BEFORE INSERT OR UPDATE OR DELETE ON ganje.carrier
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER carrier_emptied AFTER TRUNCATE ON ganje.carrier
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
ALTER TABLE ganje.carrier ENABLE ALWAYS TRIGGER carrier_changed;
ALTER TABLE ganje.carrier ENABLE ALWAYS TRIGGER carrier_emptied;

CREATE FUNCTION ganje.system_identifier() RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'gl_system_identifier';
COMMENT ON FUNCTION ganje.system_identifier() IS 'The identifier of this cluster, as in pg_control_system().';

-- An account says itself whose it is: while a database is being restored or
-- copied, its tables come one by one, and nothing may be done for an account of
-- another cluster before it is known that this is a copy (ganje.sending).
CREATE TABLE ganje.carrier_account (
    account_id text PRIMARY KEY DEFAULT ganje.ulid() CHECK (account_id <> ''),
    carrier text NOT NULL REFERENCES ganje.carrier,
    base_url text NOT NULL,
    allow_http boolean NOT NULL DEFAULT false,
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    timezone text,
    max_connections integer NOT NULL DEFAULT 10 CHECK (max_connections BETWEEN 1 AND 1000),
    requests_per_second numeric CHECK (requests_per_second > 0 AND requests_per_second < 'Infinity'),
    timeout_ms integer NOT NULL DEFAULT 30000 CHECK (timeout_ms BETWEEN 100 AND 600000),
    max_response_bytes integer NOT NULL DEFAULT 1048576 CHECK (max_response_bytes BETWEEN 1024 AND 67108864),
    max_attempts integer NOT NULL DEFAULT 12 CHECK (max_attempts BETWEEN 1 AND 1000),
    retry_base_ms integer NOT NULL DEFAULT 1000 CHECK (retry_base_ms BETWEEN 1 AND 3600000),
    retry_cap_ms integer NOT NULL DEFAULT 3600000 CHECK (retry_cap_ms BETWEEN 1 AND 86400000),
    breaker_failures integer NOT NULL DEFAULT 10 CHECK (breaker_failures BETWEEN 0 AND 10000),
    breaker_pause_ms integer NOT NULL DEFAULT 1000 CHECK (breaker_pause_ms BETWEEN 10 AND 86400000),
    breaker_cap_ms integer NOT NULL DEFAULT 60000 CHECK (breaker_cap_ms BETWEEN 10 AND 86400000),
    active boolean NOT NULL DEFAULT true,
    paused_at timestamptz,
    parked_at timestamptz,
    parked_reason text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    origin bigint NOT NULL DEFAULT ganje.system_identifier(),
    CHECK (retry_cap_ms >= retry_base_ms),
    CONSTRAINT breaker_cap CHECK (breaker_cap_ms >= breaker_pause_ms),
    CHECK ((parked_at IS NULL) = (parked_reason IS NULL)),
    CONSTRAINT settings_poll CHECK (ganje.is_poll_settings(settings -> 'poll')),
    CONSTRAINT https_unless_allowed CHECK (base_url ~ '^https://[^/?#@\s]+' OR (allow_http AND base_url ~ '^http://[^/?#@\s]+'))
);
COMMENT ON TABLE ganje.carrier_account IS 'One login at a carrier: URL and limits. Its secrets are in carrier_credential.';
COMMENT ON COLUMN ganje.carrier_account.allow_http IS 'plain http is refused unless this is set';
COMMENT ON COLUMN ganje.carrier_account.timeout_ms IS 'for a whole request, from connecting to the last byte';
COMMENT ON COLUMN ganje.carrier_account.max_connections IS 'at a time, of all workers together';
COMMENT ON COLUMN ganje.carrier_account.requests_per_second IS 'of all workers together, after a second''s worth at once; NULL: no limit';
COMMENT ON COLUMN ganje.carrier_account.breaker_failures IS 'network errors, timeouts and 5xx in a row after which requests wait and the carrier is tried by one at a time; 0: never';
COMMENT ON COLUMN ganje.carrier_account.breaker_pause_ms IS 'before the first such try; each further pause is twice as long, up to breaker_cap_ms';
COMMENT ON COLUMN ganje.carrier_account.paused_at IS 'since when people let nothing be sent: pause_sending(account_id), resume_sending(account_id)';
COMMENT ON COLUMN ganje.carrier_account.max_attempts IS 'after which a request is a dead letter';
COMMENT ON COLUMN ganje.carrier_account.origin IS 'system identifier of the cluster that sends for it: a copy elsewhere does not, until resume_sending()';
CREATE INDEX carrier_account_carrier ON ganje.carrier_account (carrier);
COMMENT ON COLUMN ganje.carrier_account.parked_at IS 'since when requests wait for people, for example because the carrier refuses the login; set_credential and unpark_account let them go on';

CREATE TABLE ganje.carrier_credential (
    account_id text PRIMARY KEY REFERENCES ganje.carrier_account ON DELETE CASCADE,
    secret jsonb NOT NULL CHECK (jsonb_typeof(secret) = 'object'),
    token text,
    token_expires_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE ganje.carrier_credential IS 'Secrets and cached tokens; read by the worker only, dumped only under ganje_logistics.dump_credentials.';

-- The order in which a shipment advances; of several parcels the least
-- advanced speaks for the shipment.
CREATE FUNCTION ganje.normalized_rank(normalized_status text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position('{unknown,pending,preparing,ready_to_ship,assigned,in_transit,out_for_delivery,ready_for_pickup,pickup_expired,delivered,return_to_sender,cancelled}'::text[], normalized_status);
COMMENT ON FUNCTION ganje.normalized_rank(text) IS 'Place of a normalized status on the way, NULL for what is none.';

CREATE TABLE ganje.status_mapping (
    carrier text NOT NULL REFERENCES ganje.carrier ON DELETE CASCADE,
    entity text NOT NULL,
    carrier_status text NOT NULL,
    normalized_status text NOT NULL CHECK (ganje.normalized_rank(normalized_status) IS NOT NULL),
    shipment_status text,
    rank integer NOT NULL,
    builtin boolean NOT NULL DEFAULT false,
    PRIMARY KEY (carrier, entity, carrier_status, builtin)
);
COMMENT ON TABLE ganje.status_mapping IS 'What a carrier''s statuses mean. A row of yours (builtin = false) goes before the built-in one.';
COMMENT ON COLUMN ganje.status_mapping.shipment_status IS 'status of option SHIPMENT_STATUSES that it moves the shipment to; NULL: none';
COMMENT ON COLUMN ganje.status_mapping.rank IS 'a status of lower rank that comes later is stale';

CREATE FUNCTION ganje.map_status(carrier text, entity text, carrier_status text) RETURNS ganje.status_mapping
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    mapping ganje.status_mapping;
BEGIN
    SELECT * INTO mapping FROM ganje.status_mapping AS m
     WHERE m.carrier = map_status.carrier AND m.entity = map_status.entity AND m.carrier_status = map_status.carrier_status
     ORDER BY m.builtin LIMIT 1;
    RETURN mapping;
END
$$;
COMMENT ON FUNCTION ganje.map_status(text, text, text) IS 'The mapping of a carrier''s status, NULL where there is none.';

CREATE FUNCTION ganje.meaning(carrier text, entity text, carrier_status text) RETURNS ganje.status_mapping
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    mapping ganje.status_mapping := ganje.map_status(carrier, entity, carrier_status);
BEGIN
    IF mapping.carrier IS NULL AND carrier_status IS NOT NULL THEN
        mapping := ROW(carrier, entity, carrier_status, 'unknown', NULL, 0, true);
    END IF;
    RETURN mapping;
END
$$;
COMMENT ON FUNCTION ganje.meaning(text, text, text) IS 'The mapping of a carrier''s status, or that of an unknown one.';

-- What the functions of a carrier are told of an account. Secrets and token
-- are put in for authorize alone, by the worker.
CREATE FUNCTION ganje.account_json(account ganje.carrier_account) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT jsonb_build_object('accountId', account.account_id, 'carrier', account.carrier,
                                      'baseUrl', account.base_url, 'settings', account.settings,
                                      'timezone', coalesce(account.timezone, c.timezone))
              FROM ganje.carrier AS c WHERE c.carrier = account.carrier);
END
$$;
COMMENT ON FUNCTION ganje.account_json(ganje.carrier_account) IS 'An account as the carrier''s functions get it.';

CREATE FUNCTION ganje.set_credential(account_id text, secret jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(secret) IS DISTINCT FROM 'object' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'secret must be an object',
            HINT = 'For Ganje: {"username": …, "password": …}.';
    END IF;
    PERFORM ganje.find_account(set_credential.account_id);
    INSERT INTO ganje.carrier_credential AS c (account_id, secret) VALUES (set_credential.account_id, set_credential.secret)
    ON CONFLICT ON CONSTRAINT carrier_credential_pkey DO UPDATE
       SET secret = excluded.secret, token = NULL, token_expires_at = NULL, updated_at = excluded.updated_at;
    PERFORM ganje.unpark_account(set_credential.account_id);
END
$$;
COMMENT ON FUNCTION ganje.set_credential(text, jsonb) IS
'Stores the secrets of a carrier account, forgets its token and lets its requests go on. Pass the secret as a parameter, so that it is in no statement text.';

CREATE FUNCTION ganje.find_account(account_id text) RETURNS ganje.carrier_account
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    account ganje.carrier_account;
BEGIN
    SELECT * INTO account FROM ganje.carrier_account AS a WHERE a.account_id = find_account.account_id;
    IF NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('carrier account %L does not exist', account_id),
            HINT = 'SELECT account_id, carrier FROM ganje.carrier_account lists the accounts.';
    END IF;
    RETURN account;
END
$$;
COMMENT ON FUNCTION ganje.find_account(text) IS 'A carrier account; raises where there is none.';

CREATE FUNCTION ganje.park_account(account_id text, reason text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE ganje.carrier_account AS a SET parked_at = pg_catalog.now(), parked_reason = reason
     WHERE a.account_id = park_account.account_id;
END;
COMMENT ON FUNCTION ganje.park_account(text, text) IS 'Lets the requests of an account wait until unpark_account or set_credential.';

CREATE FUNCTION ganje.unpark_account(account_id text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE ganje.carrier_account AS a SET parked_at = NULL, parked_reason = NULL
     WHERE a.account_id = unpark_account.account_id;
    PERFORM ganje.wake_worker();
END
$$;
COMMENT ON FUNCTION ganje.unpark_account(text) IS 'Lets the requests of a parked account go on.';

SELECT pg_catalog.pg_extension_config_dump('ganje.carrier', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('ganje.carrier_account', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.carrier_credential',
    'WHERE coalesce(nullif(pg_catalog.current_setting(''ganje_logistics.dump_credentials'', true), ''''), ''off'')::boolean');
SELECT pg_catalog.pg_extension_config_dump('ganje.status_mapping', 'WHERE NOT builtin');
