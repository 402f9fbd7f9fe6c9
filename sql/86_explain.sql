-- Why a cart can be delivered as it can, and not otherwise.

CREATE FUNCTION ganje.explain_pools(request jsonb, OUT merchant_id text, OUT store_id text, OUT rule_id text, OUT type text,
    OUT provider text, OUT verdict text, OUT reason text) RETURNS SETOF record
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'gl_explain_pools';
COMMENT ON FUNCTION ganje.explain_pools(jsonb) IS
'The request of get_pools, answered by one row per store, rule, shipment type and provider: verdict offered or closed, and the reasons in words. A row without a store says which items of the cart nobody offers.';
