-- Standard Webhooks (standardwebhooks.com), both ways: what we send to
-- subscribers is signed by it, and what comes in may be.
--
-- A secret is "whsec_" and the key in base64. What is signed is id, timestamp
-- and the raw body, joined by dots; the header webhook-signature lists
-- "v1," and the HMAC-SHA256 in base64, one for each key in force.

CREATE FUNCTION ganje.random_bytes(count integer) RETURNS bytea
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'gl_core_random_bytes';
COMMENT ON FUNCTION ganje.random_bytes(integer) IS 'So many random bytes of cryptographic strength, 1024 at most.';

CREATE FUNCTION ganje.same_bytes(a bytea, b bytea) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gl_core_same_bytes';
COMMENT ON FUNCTION ganje.same_bytes(bytea, bytea) IS 'Whether two values are equal, in a time that depends on their lengths alone.';

-- PL/pgSQL, because inlining would put the secret into an error's context.
CREATE FUNCTION ganje.webhook_key(secret text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    encoded text := regexp_replace(secret, '^whsec_', '');
BEGIN
    IF encoded IS NULL OR encoded !~ '^[A-Za-z0-9+/]+={0,2}$' OR length(encoded) % 4 <> 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'a webhook secret is not "whsec_" and a key in base64';
    END IF;
    RETURN decode(encoded, 'base64');
END
$$;
COMMENT ON FUNCTION ganje.webhook_key(text) IS 'The key of a Standard Webhooks secret; raises, without quoting it, where it is none.';

CREATE FUNCTION ganje.sign_webhook(secret text, id text, at bigint, body bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN 'v1,' || encode(ganje.hmac_sha256(ganje.webhook_key(secret), convert_to(format('%s.%s.', id, at), 'UTF8') || body), 'base64');
END
$$;
COMMENT ON FUNCTION ganje.sign_webhook(text, text, bigint, bytea) IS
'The Standard Webhooks signature of a message: "v1," and HMAC-SHA256 in base64 over id, seconds since 1970 and body.';

-- Every key is tried against every signature, whatever was found before.
CREATE FUNCTION ganje.verify_webhook_signature(secret text, headers jsonb, payload bytea, at timestamptz DEFAULT ganje.now())
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text;
    stamp text;
    signatures text;
    key text;
    signature text;
    expected bytea;
    verified boolean := false;
BEGIN
    IF jsonb_typeof(headers) = 'object' THEN
        SELECT min(h.value #>> '{}') FILTER (WHERE lower(h.key) = 'webhook-id'),
               min(h.value #>> '{}') FILTER (WHERE lower(h.key) = 'webhook-timestamp'),
               min(h.value #>> '{}') FILTER (WHERE lower(h.key) = 'webhook-signature')
          INTO id, stamp, signatures
          FROM jsonb_each(headers) AS h WHERE jsonb_typeof(h.value) IN ('string', 'number');
    END IF;
    IF id IS NULL OR signatures IS NULL OR payload IS NULL OR at IS NULL OR NOT coalesce(stamp ~ '^[0-9]{1,12}$', false)
       OR abs(extract(epoch FROM at) - stamp::numeric) > 300 THEN
        RETURN false;
    END IF;
    FOREACH key IN ARRAY coalesce(regexp_split_to_array(secret, '\s+'), '{}') LOOP
        expected := convert_to(ganje.sign_webhook(key, id, stamp::bigint, payload), 'UTF8');
        FOREACH signature IN ARRAY regexp_split_to_array(left(signatures, 4096), '\s+') LOOP
            verified := ganje.same_bytes(expected, convert_to(signature, 'UTF8')) OR verified;
        END LOOP;
    END LOOP;
    RETURN verified;
END
$$;
COMMENT ON FUNCTION ganje.verify_webhook_signature(text, jsonb, bytea, timestamptz) IS
'Whether a payload, as it came byte by byte, was signed by Standard Webhooks with the secret (several are joined by blanks), within five minutes of the time given; names of headers in any case. Raises over a secret that is none.';

-- {"secret": …, "previous": [{"secret": …, "until": time}, …]}: while one takes
-- the place of another a message bears the signatures of both.
CREATE FUNCTION ganje.webhook_signatures(secret jsonb, id text, at timestamptz, body bytea) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    stamp bigint := floor(extract(epoch FROM at));
    signatures text := ganje.sign_webhook(secret ->> 'secret', id, stamp, body);
    old jsonb;
BEGIN
    FOR old IN SELECT o FROM jsonb_array_elements(coalesce(secret -> 'previous', '[]')) AS o LOOP
        IF (old ->> 'until')::timestamptz > at THEN
            signatures := signatures || ' ' || ganje.sign_webhook(old ->> 'secret', id, stamp, body);
        END IF;
    END LOOP;
    RETURN signatures;
END
$$;
COMMENT ON FUNCTION ganje.webhook_signatures(jsonb, text, timestamptz, bytea) IS 'The signatures of a message by every secret of a credential that is in force at that time.';

-- Signed at the time of sending, so that a retry is not refused as too old;
-- id and body are those of the first try.
CREATE FUNCTION ganje.webhook_authorize(account jsonb, request ganje.http_request) RETURNS ganje.http_request
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    at timestamptz := clock_timestamp();
    signatures text;
BEGIN
    IF request.operation <> 'test' AND NOT EXISTS (SELECT FROM ganje.subscription AS s
                                                    WHERE s.account_id = account ->> 'accountId' AND s.disabled_at IS NULL) THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = 'the subscription is disabled';
    END IF;
    BEGIN
        signatures := ganje.webhook_signatures(account -> 'secret', request.headers ->> 'webhook-id', at, convert_to(request.body, 'UTF8'));
    EXCEPTION WHEN data_exception THEN
        signatures := NULL;
    END;
    IF signatures IS NULL THEN
        RAISE invalid_authorization_specification USING MESSAGE = 'the secret that notifications are signed with is missing, or none',
            HINT = format('SELECT ganje.rotate_subscription_secret(%L) makes a new one.', account ->> 'accountId');
    END IF;
    request.path := coalesce(account #>> '{settings,path}', request.path);
    request.headers := request.headers || jsonb_build_object('webhook-timestamp', floor(extract(epoch FROM at))::text,
                                                             'webhook-signature', signatures);
    RETURN request;
END
$$;
COMMENT ON FUNCTION ganje.webhook_authorize(jsonb, ganje.http_request) IS
'Subscribers, contract "authorize": signs a notification by Standard Webhooks, unless its subscription is disabled.';

-- As for any carrier, what is no passing trouble (408, 425, 429, 5xx, the
-- network) is final: a dead letter that retry_request sends again. 410 ends the
-- subscription as well.
CREATE FUNCTION ganje.webhook_apply(account jsonb, request ganje.http_request, response ganje.http_response) RETURNS ganje.outcome
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    outcome ganje.outcome;
BEGIN
    outcome.result := CASE WHEN response.status BETWEEN 200 AND 299 THEN 'delivered' ELSE 'failed' END;
    outcome.detail := format('the subscriber answered %s', response.status);
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.webhook_apply(jsonb, ganje.http_request, ganje.http_response) IS
'Subscribers, contract "apply": 2xx is delivered, anything else is final; what is tried again by its status never gets here.';

INSERT INTO ganje.carrier (carrier, description, authorize, apply, builtin) VALUES
    ('webhook', 'Subscribers of notifications', 'ganje.webhook_authorize(jsonb,ganje.http_request)',
     'ganje.webhook_apply(jsonb,ganje.http_request,ganje.http_response)', true);
