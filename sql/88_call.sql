-- RBS's actions by their full names: a client of RBS ports by changing its
-- transport. The functions are called as whoever calls: what a role may not
-- execute by itself it may not execute so.

CREATE FUNCTION ganje.actions() RETURNS TABLE (action text, function text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT 'rbs.logistics.request.' || upper(t.function), t.function
      FROM unnest('{get_option,upsert_option,upsert_zone,list_zones,get_zone,delete_zone,locate_zone,
                    upsert_store,list_stores,get_store,delete_store,
                    upsert_shipment_provider,list_shipment_providers,get_shipment_provider,
                    get_pools,get_requirements,
                    upsert_shipment,get_shipment,list_shipments,change_shipment_status}'::text[]) AS t(function)
     UNION ALL VALUES
           ('rbs.logistics.get.LOCATE_ZONE', 'locate_zone'),
           ('rbs.shipment.request.DATA', 'track_shipment'),
           ('rbs.process.request.START', 'start_process');
END;
COMMENT ON FUNCTION ganje.actions() IS 'The actions that ganje.call takes, and the function of each.';

CREATE FUNCTION ganje.edit_distance(one text, other text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gl_edit_distance';
COMMENT ON FUNCTION ganje.edit_distance(text, text) IS
'How many characters must be put in, taken out or replaced to make one text of the other; of long texts the first 200 bytes count.';

-- Near is a name that differs little, or whose last part is what was asked for:
-- people leave the front away.
CREATE FUNCTION ganje.near_actions(asked text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT string_agg(near.action, ', ' ORDER BY near.distance, near.action COLLATE "C")
      FROM (SELECT a.action, d.distance
              FROM ganje.actions() AS a
             CROSS JOIN LATERAL (SELECT least(ganje.edit_distance(lower(asked), lower(a.action)),
                                              ganje.edit_distance(lower(substring(asked FROM '[^.]*$')), lower(substring(a.action FROM '[^.]*$'))) + 1)) AS d(distance)
             WHERE d.distance <= 4
             ORDER BY d.distance, a.action COLLATE "C" LIMIT 3) AS near);
COMMENT ON FUNCTION ganje.near_actions(text) IS 'The actions whose names are near to one that does not exist, NULL where none is.';

CREATE FUNCTION ganje.call(action text, data jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    called text;
    answer jsonb;
BEGIN
    SELECT a.function INTO called FROM ganje.actions() AS a WHERE a.action = call.action;
    IF called IS NULL THEN
        RAISE undefined_function USING MESSAGE = format('there is no action %L', left(action, 200)),
            HINT = coalesce('Near it: ' || ganje.near_actions(action) || '.', 'SELECT * FROM ganje.actions() lists the actions.');
    ELSIF data IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'data must not be null', HINT = 'An action without parameters takes {}.';
    END IF;
    EXECUTE format('SELECT ganje.%I($1)', called) INTO answer USING data;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION ganje.call(text, jsonb) IS
'An action of RBS by its full name, such as rbs.logistics.request.GET_POOLS; what the function of the action answers. rbs.process.request.START takes {processId, payload}. ganje.actions() lists the names.';
