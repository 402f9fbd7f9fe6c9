-- What carriers and subscribers sign with.

CREATE FUNCTION ganje.hmac_sha256(key bytea, message bytea) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_carrier_hmac_sha256';
COMMENT ON FUNCTION ganje.hmac_sha256(bytea, bytea) IS
'HMAC-SHA256 (RFC 2104) of a message: 32 bytes.';
