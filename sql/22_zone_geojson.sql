-- Zones from and to GeoJSON (RFC 7946): one feature, one zone.

CREATE FUNCTION ganje.import_zones(geojson jsonb, id_property text DEFAULT NULL, name_property text DEFAULT 'name')
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Once: the value may be compressed.
    kind text := geojson ->> 'type';
    feature jsonb;
    feature_path text;
    feature_id text;
    features jsonb;
    twice text;
    imported integer := 0;
BEGIN
    IF pg_column_size(geojson) > pg_size_bytes(current_setting('ganje_logistics.import_max_bytes')) THEN
        RAISE program_limit_exceeded USING
            MESSAGE = format('the GeoJSON has %s bytes, more than ganje_logistics.import_max_bytes allows', pg_column_size(geojson)),
            HINT = 'Import it in parts, or raise the setting.';
    END IF;
    features := CASE kind WHEN 'FeatureCollection' THEN geojson -> 'features'
                                        WHEN 'Feature' THEN jsonb_build_array(geojson) END;
    IF jsonb_typeof(features) IS DISTINCT FROM 'array' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'type must be FeatureCollection (with a list "features") or Feature',
            HINT = 'See RFC 7946, section 3.';
    END IF;
    -- Else the second would quietly take the first one's place.
    SELECT format('features[%s].id is that of features[%s] as well', max(n) - 1, min(n) - 1) INTO twice
      FROM jsonb_array_elements(features) WITH ORDINALITY AS f(value, n)
     GROUP BY ganje.feature_id(f.value, CASE kind WHEN 'Feature' THEN '' ELSE format('features[%s]', n - 1) END,
                               id_property, name_property)
    HAVING count(*) > 1 ORDER BY min(n) LIMIT 1;
    IF FOUND THEN
        RAISE invalid_parameter_value USING MESSAGE = twice;
    END IF;
    FOR feature IN SELECT value FROM jsonb_array_elements(features) LOOP
        feature_path := CASE kind WHEN 'Feature' THEN '' ELSE format('features[%s]', imported) END;
        feature_id := ganje.feature_id(feature, feature_path, id_property, name_property);
        PERFORM ganje.upsert_zone(jsonb_build_object('zoneId', feature_id, 'deleted', false)
            || CASE WHEN feature ? 'zone' THEN ganje.feature_zone(feature, feature_path)
                    ELSE jsonb_build_object(
                        'name', feature -> 'properties' ->> name_property,
                        'rules', ganje.feature_rules(feature, feature_path),
                        'properties', feature -> 'properties') END);
        -- Of two zones that match the older one wins: an export keeps their ages.
        IF feature #> '{zone,createdAt}' IS NOT NULL THEN
            UPDATE ganje.zone AS z SET created_at = (feature #>> '{zone,createdAt}')::timestamptz
             WHERE z.zone_id = feature_id AND z.created_at <> (feature #>> '{zone,createdAt}')::timestamptz;
        END IF;
        imported := imported + 1;
        IF imported % 1000 = 0 THEN
            RAISE NOTICE '% of % zones imported', imported, jsonb_array_length(features);
        END IF;
    END LOOP;
    RETURN imported;
EXCEPTION WHEN OTHERS THEN
    -- The same error, its path that of the feature in the collection; the whole import is undone.
    DECLARE
        message text;
        hint text;
    BEGIN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
        message := regexp_replace(message, '^rules\[\d+\]\.loc\.(geojson|circle)', concat_ws('.', nullif(feature_path, ''), 'geometry'));
        IF feature_path <> '' AND NOT starts_with(message, feature_path) THEN
            message := feature_path || ': ' || message;
        END IF;
        RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = message, HINT = coalesce(nullif(hint, ''), 'Nothing was imported.');
    END;
END
$$;
COMMENT ON FUNCTION ganje.import_zones(jsonb, text, text) IS
'Upserts a zone per feature of a GeoJSON FeatureCollection (Polygon, MultiPolygon, or a Point with a property "radius" in meters) and answers how many; all or none. The zone''s id is the feature''s id, or the property named; its name the property named.';

CREATE FUNCTION ganje.check_geojson(geojson text) RETURNS void
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_zone_check_geojson';
COMMENT ON FUNCTION ganje.check_geojson(text) IS
'Raises where a GeoJSON text is larger, deeper or has longer lists than the settings import_max_bytes, json_max_depth and max_vertices allow, before it is parsed.';

-- The same from text, which is looked over before it is parsed: a literal comes here.
CREATE FUNCTION ganje.import_zones(geojson text, id_property text DEFAULT NULL, name_property text DEFAULT 'name')
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_geojson(geojson);
    RETURN ganje.import_zones(geojson::jsonb, id_property, name_property);
END
$$;
COMMENT ON FUNCTION ganje.import_zones(text, text, text) IS
'import_zones of a text, such as pg_read_file gives: what is too large is refused before it is parsed.';

CREATE FUNCTION ganje.feature_id(feature jsonb, path text, id_property text, name_property text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    prefix text := CASE WHEN path = '' THEN '' ELSE path || '.' END;
    id text := ganje.json_id(CASE WHEN id_property IS NULL THEN coalesce(feature -> 'id', feature #> '{properties,id}')
                                  ELSE feature -> 'properties' -> id_property END);
BEGIN
    IF feature ->> 'type' IS DISTINCT FROM 'Feature' THEN
        RAISE invalid_parameter_value USING MESSAGE = prefix || 'type must be Feature';
    END IF;
    IF feature ? 'zone' AND jsonb_typeof(feature -> 'zone') <> 'object' THEN
        RAISE invalid_parameter_value USING MESSAGE = prefix || 'zone must be an object',
            HINT = 'It is what zones_geojson() writes; leave it out for features from elsewhere.';
    END IF;
    IF jsonb_typeof(feature -> 'geometry') IS DISTINCT FROM 'object' AND NOT feature ? 'zone' THEN
        RAISE invalid_parameter_value USING MESSAGE = prefix || 'geometry must be an object',
            HINT = 'A zone needs a Polygon or a MultiPolygon, or a Point with a property "radius" (meters).';
    END IF;
    IF id IS NULL THEN
        RAISE invalid_parameter_value
            USING MESSAGE = prefix || CASE WHEN id_property IS NULL THEN 'id is missing'
                                           ELSE format('properties.%s is missing', id_property) END,
                  HINT = 'The feature''s id becomes the zoneId: give features an id, or name the property that holds one: import_zones(geojson, id_property => ''code'').';
    END IF;
    IF ganje.json_id(feature -> 'properties' -> name_property) IS NULL AND NOT feature ? 'zone' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%sproperties.%s is missing', prefix, name_property),
            HINT = 'Name the property that holds the zone''s name: import_zones(geojson, name_property => ''title'').';
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION ganje.feature_id(jsonb, text, text, text) IS 'The zoneId of a GeoJSON feature; raises, naming the path, where the feature cannot be a zone.';

-- Rules of a feature that some other program has written.
CREATE FUNCTION ganje.feature_rules(feature jsonb, path text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF feature #>> '{geometry,type}' IS DISTINCT FROM 'Point' THEN
        RETURN jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('geojson', feature -> 'geometry')));
    END IF;
    IF jsonb_typeof(feature #> '{properties,radius}') IS DISTINCT FROM 'number' THEN
        RAISE invalid_parameter_value USING
            MESSAGE = concat_ws('.', nullif(path, ''), 'properties.radius must be a number where the geometry is a Point'),
            HINT = 'A zone needs a Polygon, a MultiPolygon, or a circle: a Point and a radius in meters.';
    END IF;
    RETURN jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('circle',
        ganje.feature_circle(feature -> 'geometry', feature #> '{properties,radius}', path))));
END
$$;
COMMENT ON FUNCTION ganje.feature_rules(jsonb, text) IS 'The rules of a zone for a GeoJSON feature: its polygons, or the circle around its Point.';

CREATE FUNCTION ganje.feature_circle(geometry jsonb, radius jsonb, path text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    IF jsonb_typeof(geometry -> 'coordinates') IS DISTINCT FROM 'array' OR jsonb_array_length(geometry -> 'coordinates') < 2 THEN
        RAISE invalid_parameter_value
            USING MESSAGE = concat_ws('.', nullif(path, ''), 'geometry.coordinates must have a longitude and a latitude');
    END IF;
    RETURN jsonb_build_object('center', jsonb_build_object('lat', geometry #> '{coordinates,1}', 'lng', geometry #> '{coordinates,0}'),
                              'radius', radius);
END
$$;
COMMENT ON FUNCTION ganje.feature_circle(jsonb, jsonb, text) IS 'A circle of a zone''s rules, of a GeoJSON Point and a radius.';

CREATE FUNCTION ganje.zone_geometries(rules jsonb) RETURNS jsonb
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'gl_zone_geometries';
COMMENT ON FUNCTION ganje.zone_geometries(jsonb) IS
'A list with a GeoJSON geometry for each rule on location: Polygon or MultiPolygon by RFC 7946''s right-hand rule, a circle as its middle Point.';

-- The shapes of a feature, as zone_geometries lists them.
CREATE FUNCTION ganje.feature_geometries(feature jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN coalesce(feature -> 'geometry', 'null') = 'null' THEN '[]'
            WHEN feature #>> '{geometry,type}' = 'GeometryCollection' THEN coalesce(feature #> '{geometry,geometries}', '[]')
            ELSE jsonb_build_array(feature -> 'geometry') END;
COMMENT ON FUNCTION ganje.feature_geometries(jsonb) IS 'The geometries of a GeoJSON feature, those of a GeometryCollection one by one.';

-- What zones_geojson() has written.  Where a shape was drawn anew since, the drawing counts.
CREATE FUNCTION ganje.feature_zone(feature jsonb, path text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    zone jsonb := feature -> 'zone';
    rules jsonb := zone -> 'rules';
    drawn jsonb := ganje.feature_geometries(feature);
    shape jsonb;
    n integer := 0;
BEGIN
    PERFORM ganje.check_object(zone, concat_ws('.', nullif(path, ''), 'zone'), 'name:text! rules:array all:bool fee:fee '
        'minCartTotal:amount timezone:scalar priority:int properties:any createdAt:text');
    IF rules IS NULL THEN
        rules := ganje.feature_rules(feature, path);
    ELSIF ganje.zone_geometries(rules) <> drawn THEN
        IF jsonb_typeof(drawn) <> 'array' OR jsonb_array_length(drawn) <> jsonb_array_length(ganje.zone_geometries(rules)) THEN
            RAISE invalid_parameter_value USING
                MESSAGE = concat_ws('.', nullif(path, ''), 'geometry does not have a shape for each rule of zone.rules'),
                HINT = 'Without "zone" the geometry alone becomes the zone.';
        END IF;
        FOR i IN 0 .. jsonb_array_length(rules) - 1 LOOP
            CONTINUE WHEN NOT (rules -> i) ? 'loc';
            shape := drawn -> n;
            IF shape IS DISTINCT FROM ganje.zone_geometries(jsonb_build_array(rules -> i)) -> 0 THEN
                rules := jsonb_set(rules, ARRAY[i::text, 'loc'], CASE shape ->> 'type'
                    WHEN 'Point' THEN jsonb_build_object('circle', ganje.feature_circle(shape, rules #> ARRAY[i::text, 'loc', 'circle', 'radius'], path))
                    ELSE jsonb_build_object('geojson', shape) END);
            END IF;
            n := n + 1;
        END LOOP;
    END IF;
    RETURN jsonb_build_object('name', zone -> 'name', 'rules', rules, 'all', coalesce(zone -> 'all', 'false'), 'fee', zone -> 'fee',
        'minCartTotal', coalesce(zone -> 'minCartTotal', '0'), 'timezone', coalesce(zone -> 'timezone', '"0"'),
        'priority', coalesce(zone -> 'priority', '0'),
        'properties', CASE WHEN (zone -> 'properties') = 'null' AND (feature -> 'properties') - 'name' = '{}' THEN 'null' ELSE feature -> 'properties' END);
END
$$;
COMMENT ON FUNCTION ganje.feature_zone(jsonb, text) IS 'The zone in the shape of ZoneInput, of a feature that zones_geojson() has written.';

CREATE FUNCTION ganje.zones_geojson(zone_ids text[] DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text;
BEGIN
    SELECT wanted INTO missing FROM unnest(zone_ids) AS wanted
     WHERE NOT EXISTS (SELECT FROM ganje.zone AS z WHERE z.zone_id = wanted AND NOT z.deleted) LIMIT 1;
    IF FOUND THEN
        PERFORM ganje.find_zone(missing);
    END IF;
    RETURN jsonb_build_object('type', 'FeatureCollection', 'features', (
        SELECT coalesce(jsonb_agg(ganje.zone_feature(z) ORDER BY z.priority DESC, z.created_at, z.zone_id COLLATE "C"), '[]')
          FROM ganje.zone AS z WHERE NOT z.deleted AND (zone_ids IS NULL OR z.zone_id = ANY (zone_ids))));
END
$$;
COMMENT ON FUNCTION ganje.zones_geojson(text[]) IS
'Zones (all, or those named) as a GeoJSON FeatureCollection, in the order in which they match. What GeoJSON has no place for is in the member "zone" of each feature, so that import_zones() makes the same zones of it.';

CREATE FUNCTION ganje.zone_feature(zone ganje.zone) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    shapes jsonb := ganje.zone_geometries(zone.rules);
    geometry jsonb := CASE jsonb_array_length(shapes) WHEN 0 THEN 'null' WHEN 1 THEN shapes -> 0
                          ELSE jsonb_build_object('type', 'GeometryCollection', 'geometries', shapes) END;
BEGIN
    RETURN jsonb_build_object(
        'type', 'Feature', 'id', zone.zone_id, 'geometry', geometry,
        'properties', coalesce(zone.properties, jsonb_build_object('name', zone.name)),
        'zone', jsonb_strip_nulls(jsonb_build_object(
            'name', zone.name,
            'all', nullif(zone.match_all, false),
            'fee', zone.fee,
            'minCartTotal', nullif(zone.min_cart_total, 0),
            'timezone', nullif(zone.timezone, '0'),
            'priority', nullif(zone.priority, 0),
            'createdAt', CASE WHEN isfinite(zone.created_at) THEN to_char(zone.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END))
            -- What the geometry says already is not said twice.
            || CASE WHEN zone.rules = jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('geojson', geometry))) THEN '{}'
                    ELSE jsonb_build_object('rules', zone.rules) END
            || CASE WHEN zone.properties IS NULL THEN '{"properties": null}' ELSE '{}'::jsonb END);
END
$$;
COMMENT ON FUNCTION ganje.zone_feature(ganje.zone) IS 'A zone as a GeoJSON feature; see zones_geojson.';
