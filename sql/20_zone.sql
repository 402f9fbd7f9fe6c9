-- Zones: areas of delivery. The row keeps the rules as given and, beside
-- them, their compiled form (folded lists, polygon and circle images), made by
-- a trigger in C so that a plain INSERT is checked like an upsert.

CREATE TABLE ganje.zone (
    zone_id text PRIMARY KEY DEFAULT ganje.ulid() CHECK (zone_id <> ''),
    name text NOT NULL CHECK (name <> ''),
    rules jsonb NOT NULL DEFAULT '[]',
    match_all boolean NOT NULL DEFAULT false,
    fee numeric CHECK (fee BETWEEN 0 AND 1000000000 AND scale(trim_scale(fee)) <= 6),
    min_cart_total numeric NOT NULL DEFAULT 0 CHECK (min_cart_total >= 0 AND min_cart_total < 'Infinity'),
    timezone text NOT NULL DEFAULT '0',
    priority integer NOT NULL DEFAULT 0,
    properties jsonb CHECK (jsonb_typeof(properties) = 'object'),
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    compiled bytea NOT NULL,
    facts bytea NOT NULL
);
-- locate_zone reads every row once and few zones' geometry: rows are narrow,
-- with what is large out of line and what every row is asked for within it.
ALTER TABLE ganje.zone SET (toast_tuple_target = 128);
ALTER TABLE ganje.zone
    ALTER COLUMN compiled SET STORAGE EXTERNAL,
    ALTER COLUMN zone_id SET STORAGE MAIN,
    ALTER COLUMN name SET STORAGE MAIN,
    ALTER COLUMN timezone SET STORAGE MAIN,
    ALTER COLUMN facts SET STORAGE MAIN;
COMMENT ON TABLE ganje.zone IS 'Areas of delivery: rules on address and location, fee, minimum and time zone.';
COMMENT ON COLUMN ganje.zone.rules IS 'list of {addr} or {loc: {polygon | circle | geojson}}; none: the zone matches everything';
COMMENT ON COLUMN ganje.zone.match_all IS 'rules joined by AND instead of OR (key "all")';
COMMENT ON COLUMN ganje.zone.fee IS 'service fee where the store rule names none, in the caller''s unit';
COMMENT ON COLUMN ganje.zone.timezone IS 'hours ahead of UTC ("3", "3.5"), or an IANA name, which follows daylight saving';
COMMENT ON COLUMN ganje.zone.priority IS 'of several zones that match, the highest wins, then the oldest';
COMMENT ON COLUMN ganje.zone.properties IS 'properties of the GeoJSON feature that the zone was imported from';
COMMENT ON COLUMN ganje.zone.compiled IS 'the rules as locate_zone reads them; made by a trigger';
COMMENT ON COLUMN ganje.zone.facts IS 'bounds of the compiled rules, for the index of locate_zone; made by a trigger';

CREATE FUNCTION ganje.zone_compile_row() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'gl_zone_compile_row';
COMMENT ON FUNCTION ganje.zone_compile_row() IS 'Trigger: checks a zone''s rules and time zone and stores their compiled form.';
CREATE TRIGGER zone_compile BEFORE INSERT OR UPDATE OF rules, match_all, timezone, compiled, facts ON ganje.zone
    FOR EACH ROW EXECUTE FUNCTION ganje.zone_compile_row();

CREATE FUNCTION ganje.config_changed() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'gl_cache_invalidate';
COMMENT ON FUNCTION ganje.config_changed() IS 'Trigger: tells every backend to read this table anew.';
CREATE TRIGGER zone_changed AFTER INSERT OR UPDATE OR DELETE ON ganje.zone
    FOR EACH ROW EXECUTE FUNCTION ganje.config_changed();
-- Beforehand as well, for an AFTER trigger of the application's own that comes before ours.
CREATE TRIGGER zone_changing BEFORE INSERT OR UPDATE OR DELETE ON ganje.zone
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
CREATE TRIGGER zone_emptied AFTER TRUNCATE ON ganje.zone
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.config_changed();
-- A replicated row is compiled anew, for this machine and this version.
ALTER TABLE ganje.zone ENABLE ALWAYS TRIGGER zone_compile;
ALTER TABLE ganje.zone ENABLE ALWAYS TRIGGER zone_changed;
ALTER TABLE ganje.zone ENABLE ALWAYS TRIGGER zone_emptied;

CREATE FUNCTION ganje.zone_json(zone ganje.zone) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'zoneId', zone.zone_id,
    'name', zone.name,
    'rules', CASE WHEN zone.rules <> '[]' THEN zone.rules END,
    'all', nullif(zone.match_all, false),
    'fee', zone.fee,
    'minCartTotal', nullif(zone.min_cart_total, 0),
    'timezone', CASE WHEN zone.timezone = '0' THEN NULL
                     WHEN zone.timezone ~ '^-?[0-9.]+$' THEN to_jsonb(zone.timezone::numeric)
                     ELSE to_jsonb(zone.timezone) END,
    'priority', nullif(zone.priority, 0),
    'deleted', nullif(zone.deleted, false)))
    || CASE WHEN zone.properties IS NULL THEN '{}' ELSE jsonb_build_object('properties', zone.properties) END;
COMMENT ON FUNCTION ganje.zone_json(ganje.zone) IS 'A zone in the shape of ZoneInput, absent optional keys omitted.';

CREATE FUNCTION ganje.upsert_zone(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text := coalesce(request ->> 'zoneId', ganje.ulid());
    new_fee numeric;
    new_timezone text;
    was_created boolean;
BEGIN
    -- The trigger would see it only when parts were taken out and put together again.
    IF pg_column_size(request) > pg_size_bytes(current_setting('ganje_logistics.zone_max_bytes')) THEN
        RAISE program_limit_exceeded USING
            MESSAGE = format('the zone has %s bytes, more than ganje_logistics.zone_max_bytes allows', pg_column_size(request)),
            HINT = 'Simplify the zone, or raise the setting.';
    END IF;
    PERFORM ganje.check_object(request, '', 'zoneId:id name:text rules:array all:bool fee:fee '
        'minCartTotal:amount timezone:scalar priority:int properties:object deleted:bool');
    new_fee := coalesce(request #>> '{fee,amount}', request ->> 'fee')::numeric;
    new_timezone := request ->> 'timezone';

    UPDATE ganje.zone AS z
       SET name = coalesce(request ->> 'name', z.name),
           rules = coalesce(nullif(request -> 'rules', 'null'), z.rules),
           match_all = coalesce((request ->> 'all')::boolean, z.match_all),
           fee = CASE WHEN request ? 'fee' THEN new_fee ELSE z.fee END,
           min_cart_total = coalesce((request ->> 'minCartTotal')::numeric, z.min_cart_total),
           timezone = coalesce(new_timezone, z.timezone),
           priority = coalesce((request ->> 'priority')::numeric::integer, z.priority),
           properties = CASE WHEN request ? 'properties' THEN nullif(request -> 'properties', 'null') ELSE z.properties END,
           deleted = coalesce((request ->> 'deleted')::boolean, z.deleted),
           updated_at = pg_catalog.now()
     WHERE z.zone_id = id;
    IF FOUND THEN
        RETURN jsonb_build_object('zoneId', id, 'created', false);
    END IF;

    IF request ->> 'name' IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'name is missing',
            HINT = format('A new zone needs a name; zone %L does not exist yet.', id);
    END IF;
    INSERT INTO ganje.zone AS z
        (zone_id, name, rules, match_all, fee, min_cart_total, timezone, priority, properties, deleted)
    VALUES (id, request ->> 'name', coalesce(nullif(request -> 'rules', 'null'), '[]'),
            coalesce((request ->> 'all')::boolean, false), new_fee,
            coalesce((request ->> 'minCartTotal')::numeric, 0), coalesce(new_timezone, '0'),
            coalesce((request ->> 'priority')::numeric::integer, 0), nullif(request -> 'properties', 'null'),
            coalesce((request ->> 'deleted')::boolean, false))
    ON CONFLICT (zone_id) DO NOTHING
    RETURNING true INTO was_created;
    IF was_created THEN
        RETURN jsonb_build_object('zoneId', id, 'created', true);
    END IF;
    -- Another session created it between our two statements: now it can be updated.
    RETURN ganje.upsert_zone(request);
END
$$;
COMMENT ON FUNCTION ganje.upsert_zone(jsonb) IS
'UPSERT_ZONE ZoneInput: inserts a zone, or updates the keys given of an existing one; answers {zoneId, created}.';

CREATE FUNCTION ganje.check_zone(request text) RETURNS void
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_zone_check_text';
COMMENT ON FUNCTION ganje.check_zone(text) IS
'Raises where the text of a zone is larger, deeper or has longer lists than the settings zone_max_bytes, json_max_depth and max_vertices allow, before it is parsed.';

-- The same from text, which is looked over before it is parsed: a literal comes here, and a parameter without a type.
CREATE FUNCTION ganje.upsert_zone(request text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_zone(request);
    RETURN ganje.upsert_zone(request::jsonb);
END
$$;
COMMENT ON FUNCTION ganje.upsert_zone(text) IS
'upsert_zone of a text: what is too large is refused before it is parsed.';

CREATE FUNCTION ganje.list_zones(request jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', '');
    RETURN (SELECT coalesce(jsonb_agg(ganje.zone_json(z) ORDER BY z.priority DESC, z.created_at, z.zone_id COLLATE "C"), '[]')
              FROM ganje.zone AS z WHERE NOT z.deleted);
END
$$;
COMMENT ON FUNCTION ganje.list_zones(jsonb) IS 'LIST_ZONES {}: the zones that are not deleted, in the order in which they match.';

-- Deleted rows are as good as absent, so that an id that was deleted and one
-- that never was give the same answer.
CREATE FUNCTION ganje.find_zone(zone_id text) RETURNS ganje.zone
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_zone ganje.zone;
BEGIN
    SELECT * INTO found_zone FROM ganje.zone AS z WHERE z.zone_id = find_zone.zone_id AND NOT z.deleted;
    IF NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('zone %L does not exist', zone_id),
            HINT = 'SELECT zone_id, name FROM ganje.zone WHERE NOT deleted lists the zones.';
    END IF;
    RETURN found_zone;
END
$$;
COMMENT ON FUNCTION ganje.find_zone(text) IS 'A zone that is not deleted; raises where there is none.';

CREATE FUNCTION ganje.get_zone(request jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_object(request, '', 'zoneId:id!');
    RETURN ganje.zone_json(ganje.find_zone(request ->> 'zoneId'));
END
$$;
COMMENT ON FUNCTION ganje.get_zone(jsonb) IS 'GET_ZONE {zoneId}: the zone in the shape of ZoneInput.';

CREATE FUNCTION ganje.delete_zone(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    deleted_zone ganje.zone;
BEGIN
    PERFORM ganje.check_object(request, '', 'zoneId:id!');
    PERFORM ganje.find_zone(request ->> 'zoneId');
    UPDATE ganje.zone AS z SET deleted = true, updated_at = pg_catalog.now()
     WHERE z.zone_id = request ->> 'zoneId' RETURNING * INTO deleted_zone;
    RETURN ganje.zone_json(deleted_zone);
END
$$;
COMMENT ON FUNCTION ganje.delete_zone(jsonb) IS 'DELETE_ZONE {zoneId}: marks the zone deleted and answers it.';

CREATE FUNCTION ganje.locate_zone(request jsonb) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_locate_zone_json';
COMMENT ON FUNCTION ganje.locate_zone(jsonb) IS
'LOCATE_ZONE {address} and/or {location: {lat, lng}}: {zoneId} of the first zone that matches, or {}.';

CREATE FUNCTION ganje.locate_zone(lat double precision, lng double precision) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_locate_zone_point';
COMMENT ON FUNCTION ganje.locate_zone(double precision, double precision) IS
'zone_id of the first zone that matches a point (degrees, WGS 84), or NULL.';

CREATE FUNCTION ganje.locate_zone_by_address(address jsonb) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_locate_zone_address';
COMMENT ON FUNCTION ganje.locate_zone_by_address(jsonb) IS
'zone_id of the first zone that matches an address such as {"city": "İstanbul"}, or NULL.';

CREATE FUNCTION ganje.locate_zone_ids(lat double precision, lng double precision) RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_locate_zone_ids';
COMMENT ON FUNCTION ganje.locate_zone_ids(double precision, double precision) IS
'zone_id of every zone that matches a point, in the order in which they match.';

CREATE FUNCTION ganje.locate_zones(lat double precision DEFAULT NULL, lng double precision DEFAULT NULL,
                                   address jsonb DEFAULT NULL)
RETURNS TABLE (zone_id text, name text, fee numeric, min_cart_total numeric, priority integer)
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_locate_zones';
COMMENT ON FUNCTION ganje.locate_zones(double precision, double precision, jsonb) IS
'Every zone that matches a point and an address (either may be NULL), in the order in which they match, with fee and minimum.';

CREATE FUNCTION ganje.zone_cache_size() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'gl_zone_cache_size';
COMMENT ON FUNCTION ganje.zone_cache_size() IS
'Bytes that this backend''s zones and their index take; ganje_logistics.zone_cache_size bounds the index.';

SELECT pg_catalog.pg_extension_config_dump('ganje.zone', '');
