-- Pools of a cart, and the plan of a hold.

CREATE FUNCTION ganje.get_pools(request jsonb) RETURNS jsonb
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'gl_get_pools';
COMMENT ON FUNCTION ganje.get_pools(jsonb) IS
'GET_POOLS {cartId or cart, zoneId or address or location}: the ways to deliver the cart, best first, each a list of groups {items, options}. With pool, {type, provider?, day?, slot?} or a list with one per group: the stores that can deliver so, each way a list of groups {items, storeId}; what is left out may be anything.';

-- Which store serves a group is for who fulfils the order, not for the customer.
CREATE FUNCTION ganje.fulfilment() RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN true;
COMMENT ON FUNCTION ganje.fulfilment() IS
'Marks the level fulfilment: a role that may execute this may pass pool to get_pools, and so learn the stores.';

CREATE FUNCTION ganje.hold_slot(request jsonb) RETURNS jsonb
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'gl_hold_slot';
COMMENT ON FUNCTION ganje.hold_slot(jsonb) IS
'Takes the slots of a chosen pool for a while: {cartId or cart, zoneId, pool: [{items, type, provider?, day?, slot?}, …]} → {held, holdId, expiresAt}, or {held: false, reason}.';
