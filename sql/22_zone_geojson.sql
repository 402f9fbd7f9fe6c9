-- Zones from and to GeoJSON (RFC 7946): one feature, one zone.

CREATE FUNCTION ganje.import_zones(geojson jsonb, id_property text DEFAULT NULL, name_property text DEFAULT 'name')
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    feature jsonb;
    feature_path text;
    feature_id text;
    features jsonb;
    twice text;
    imported integer := 0;
BEGIN
    features := CASE geojson ->> 'type' WHEN 'FeatureCollection' THEN geojson -> 'features'
                                        WHEN 'Feature' THEN jsonb_build_array(geojson) END;
    IF jsonb_typeof(features) IS DISTINCT FROM 'array' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'type must be FeatureCollection (with a list "features") or Feature',
            HINT = 'See RFC 7946, section 3.';
    END IF;
    -- Else the second would quietly take the first one's place.
    SELECT format('features[%s].id is that of features[%s] as well', max(n) - 1, min(n) - 1) INTO twice
      FROM jsonb_array_elements(features) WITH ORDINALITY AS f(value, n)
     GROUP BY ganje.feature_id(f.value, CASE geojson ->> 'type' WHEN 'Feature' THEN '' ELSE format('features[%s]', n - 1) END,
                               id_property, name_property)
    HAVING count(*) > 1 ORDER BY min(n) LIMIT 1;
    IF FOUND THEN
        RAISE invalid_parameter_value USING MESSAGE = twice;
    END IF;
    FOR feature IN SELECT value FROM jsonb_array_elements(features) LOOP
        feature_path := CASE geojson ->> 'type' WHEN 'Feature' THEN '' ELSE format('features[%s]', imported) END;
        feature_id := ganje.feature_id(feature, feature_path, id_property, name_property);
        PERFORM ganje.upsert_zone(jsonb_build_object(
            'zoneId', feature_id,
            'name', feature -> 'properties' ->> name_property,
            'rules', jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('geojson', feature -> 'geometry'))),
            'properties', feature -> 'properties',
            'deleted', false));
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
        message := replace(message, 'rules[0].loc.geojson', concat_ws('.', nullif(feature_path, ''), 'geometry'));
        IF feature_path <> '' AND NOT starts_with(message, feature_path) THEN
            message := feature_path || ': ' || message;
        END IF;
        RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = message, HINT = coalesce(nullif(hint, ''), 'Nothing was imported.');
    END;
END
$$;
COMMENT ON FUNCTION ganje.import_zones(jsonb, text, text) IS
'Upserts a zone per feature of a GeoJSON FeatureCollection (Polygon or MultiPolygon) and answers how many; all or none. The zone''s id is the feature''s id, or the property named; its name the property named.';

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
    IF jsonb_typeof(feature -> 'geometry') IS DISTINCT FROM 'object' THEN
        RAISE invalid_parameter_value USING MESSAGE = prefix || 'geometry must be an object',
            HINT = 'A zone needs a Polygon or a MultiPolygon.';
    END IF;
    IF id IS NULL THEN
        RAISE invalid_parameter_value
            USING MESSAGE = prefix || CASE WHEN id_property IS NULL THEN 'id is missing'
                                           ELSE format('properties.%s is missing', id_property) END,
                  HINT = 'The feature''s id becomes the zoneId: give features an id, or name the property that holds one: import_zones(geojson, id_property => ''code'').';
    END IF;
    IF ganje.json_id(feature -> 'properties' -> name_property) IS NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%sproperties.%s is missing', prefix, name_property),
            HINT = 'Name the property that holds the zone''s name: import_zones(geojson, name_property => ''title'').';
    END IF;
    RETURN id;
END
$$;
COMMENT ON FUNCTION ganje.feature_id(jsonb, text, text, text) IS 'The zoneId of a GeoJSON feature; raises, naming the path, where the feature cannot be a zone.';
