-- What every other part stands on: identifiers, the clock, folded text and
-- the check of an upsert's JSON object.
--
-- Functions through which every order, webhook and answer goes have SET
-- enable_seqscan = off: their plans are kept, and made when the outbox and its
-- kin may be empty; a sequential scan that is right then would be there still
-- when they are full. All their accesses are by key. And jit = off: a plan
-- that has to scan all the same costs so much on paper that it would be
-- compiled at every call.


-- Who may create schemas may have made this one first, and put something into
-- it, or may do so later, that the names below would find. So it has to be
-- empty, and nobody's who is not a superuser; and no name is looked up in it
-- that does not say so.
SET LOCAL search_path = pg_catalog, pg_temp;
DO $$
DECLARE
    the_schema pg_catalog.pg_namespace;
BEGIN
    SELECT * INTO the_schema FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'ganje';
    PERFORM 1 FROM pg_catalog.pg_roles AS r WHERE r.oid = the_schema.nspowner AND r.rolsuper;
    IF NOT FOUND THEN
        RAISE insufficient_privilege USING MESSAGE = format('schema ganje belongs to %s, who is not a superuser', the_schema.nspowner::regrole),
            HINT = 'Look into it, then DROP SCHEMA ganje or ALTER SCHEMA ganje OWNER TO CURRENT_USER.';
    ELSIF EXISTS (SELECT FROM pg_catalog.aclexplode(the_schema.nspacl) AS a WHERE a.grantee <> the_schema.nspowner AND a.privilege_type = 'CREATE') THEN
        RAISE insufficient_privilege USING MESSAGE = 'others than its owner may create objects in schema ganje',
            HINT = 'REVOKE CREATE ON SCHEMA ganje FROM them.';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = the_schema.oid
                     AND d.deptype = 'n' AND d.classid <> 'pg_extension'::regclass) THEN
        RAISE duplicate_object USING MESSAGE = 'schema ganje is not empty',
            HINT = 'The extension needs it for itself: move what is in it elsewhere, or drop it.';
    END IF;
END
$$;

CREATE FUNCTION ganje.ulid() RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'gl_ulid_make';
COMMENT ON FUNCTION ganje.ulid() IS
'A new ULID: 26 characters of Crockford base 32, 48 bits of milliseconds and 80 of randomness, increasing within a backend.';

CREATE FUNCTION ganje.now() RETURNS timestamptz
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_clock_now';
COMMENT ON FUNCTION ganje.now() IS
'The time that every rule is read against: the setting ganje_logistics.now where it is set, else the transaction''s time.';

CREATE FUNCTION ganje.clock() RETURNS timestamptz
LANGUAGE c VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_clock_wall';
COMMENT ON FUNCTION ganje.clock() IS
'The time of day as the worker and the capacity counters need it, moving within a transaction: the setting ganje_logistics.now where it is set, else the wall clock.';

CREATE FUNCTION ganje.fold_text(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_text_fold_sql';
COMMENT ON FUNCTION ganje.fold_text(text) IS
'Text as address rules compare it: NFC, case folded, the four Turkish i one letter, Arabic yeh and kaf Persian, digits ASCII, white space collapsed.';

CREATE FUNCTION ganje.check_object(object jsonb, path text, keys text) RETURNS void
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_json_check_object';
COMMENT ON FUNCTION ganje.check_object(jsonb, text, text) IS
'Raises, naming the JSON path, unless object is an object with only the keys listed as "key:kind", each of its kind; a "!" behind the kind makes the key required.';

CREATE FUNCTION ganje.try_jsonb(value text) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'gl_json_try_parse';
COMMENT ON FUNCTION ganje.try_jsonb(text) IS
'value as jsonb, or NULL where it is not JSON that jsonb can hold, is deeper than ganje_logistics.json_max_depth or longer than ganje_logistics.webhook_max_bytes.';

CREATE FUNCTION ganje.is_too_large(payload text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_json_is_too_large';
COMMENT ON FUNCTION ganje.is_too_large(text) IS
'True where a payload has more bytes than ganje_logistics.webhook_max_bytes.';

CREATE FUNCTION ganje.is_too_large(payload bytea) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_json_is_too_large';
COMMENT ON FUNCTION ganje.is_too_large(bytea) IS 'The same of a payload''s bytes.';

-- Text of a JSON value that identifies something: a string as it is, a number
-- by its digits (carriers are not of one mind), anything else NULL.
CREATE FUNCTION ganje.json_id(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) IN ('string', 'number') THEN nullif(value #>> '{}', '') END;
COMMENT ON FUNCTION ganje.json_id(jsonb) IS
'The text of a JSON string or number that identifies something, NULL for any other value.';

-- A merchant where the request names none.
CREATE FUNCTION ganje.merchant_of(request jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(ganje.json_id(request -> 'merchantId'), 'DEFAULT');
COMMENT ON FUNCTION ganje.merchant_of(jsonb) IS
'The merchantId of a request, DEFAULT where it names none.';

-- The last ten digits decide whether two phone numbers are one: the rest is
-- country and trunk prefix, which people write in many ways.
CREATE FUNCTION ganje.phone_key(phone text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN right(regexp_replace(ganje.fold_text(phone), '[^0-9]', '', 'g'), 10);
COMMENT ON FUNCTION ganje.phone_key(text) IS
'The last ten digits of a phone number, by which two numbers are compared.';
