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

CREATE FUNCTION ganje.plan_hold(request jsonb) RETURNS jsonb
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'gl_plan_hold';
COMMENT ON FUNCTION ganje.plan_hold(jsonb) IS
'For each group of a chosen pool the cheapest store that offers its option: {plan: […], cartId, zoneId}, or {reason} where one is not offered.';

CREATE FUNCTION ganje.hold_slot(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    planned jsonb;
    answer jsonb;
BEGIN
    -- Between plan and taking another checkout may have taken the last unit of the cheapest
    -- store: then the next one is asked.
    FOR attempt IN 1..3 LOOP
        planned := ganje.plan_hold(request);
        IF planned ->> 'reason' IS NOT NULL THEN
            RETURN jsonb_build_object('held', false) || planned;
        END IF;
        answer := ganje.take_hold(ganje.merchant_of(request), planned ->> 'cartId', planned ->> 'zoneId', planned -> 'plan');
        EXIT WHEN (answer ->> 'held')::boolean;
    END LOOP;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION ganje.hold_slot(jsonb) IS
'Takes the slots of a chosen pool for a while: {cartId or cart, zoneId, pool: [{items, type, provider?, day?, slot?}, …]} → {held, holdId, expiresAt}, or {held: false, reason}.';
