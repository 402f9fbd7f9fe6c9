-- The contract of carriers, called as the role that registered them, in a
-- security-restricted context. The functions are found by their signature.

CREATE FUNCTION ganje.run_build(carrier text, shipment ganje.shipment, operation text) RETURNS ganje.http_request
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_carrier_run_build';
COMMENT ON FUNCTION ganje.run_build(text, ganje.shipment, text) IS
'Calls a carrier''s build function as the role that registered it.';

CREATE FUNCTION ganje.run_authorize(carrier text, account jsonb, request ganje.http_request) RETURNS ganje.http_request
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_carrier_run_authorize';
COMMENT ON FUNCTION ganje.run_authorize(text, jsonb, ganje.http_request) IS
'Calls a carrier''s authorize function as the role that registered it.';

CREATE FUNCTION ganje.run_apply(carrier text, account jsonb, request ganje.http_request, response ganje.http_response)
RETURNS ganje.outcome
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_carrier_run_apply';
COMMENT ON FUNCTION ganje.run_apply(text, jsonb, ganje.http_request, ganje.http_response) IS
'Calls a carrier''s apply function as the role that registered it.';

CREATE FUNCTION ganje.run_receive(carrier text, account jsonb, payload jsonb) RETURNS ganje.webhook_reading
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_carrier_run_receive';
COMMENT ON FUNCTION ganje.run_receive(text, jsonb, jsonb) IS
'Calls a carrier''s receive function as the role that registered it.';

CREATE FUNCTION ganje.url_segment(value text) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gl_carrier_url_segment';
COMMENT ON FUNCTION ganje.url_segment(text) IS
'An identifier as one part of a URL''s path, percent-encoded; raises over an empty one, "." and "..".';
