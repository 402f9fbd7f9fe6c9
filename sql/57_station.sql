-- Stations: the lockers that shipments are collected from, as far as carriers
-- have named them.
--
-- Ganje lists its stations nowhere; they become known one by one. Its two
-- sources do not share a key: the webhook knows a slug, the occupancy call and
-- the plugin's selection a uuid. So a row has both, each as soon as it is
-- known, and an id of our own.

CREATE TABLE ganje.station (
    carrier text NOT NULL REFERENCES ganje.carrier ON DELETE CASCADE,
    station_id text NOT NULL DEFAULT ganje.ulid() CHECK (station_id <> ''),
    uuid text CHECK (uuid <> ''),
    slug text CHECK (slug <> ''),
    nickname text,
    address text,
    postal_code text,
    location text,
    lat double precision CHECK (lat BETWEEN -90 AND 90),
    lng double precision CHECK (lng BETWEEN -180 AND 180),
    confirmed boolean NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    last_seen_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (carrier, station_id),
    UNIQUE (carrier, uuid),
    UNIQUE (carrier, slug),
    CHECK (uuid IS NOT NULL OR slug IS NOT NULL),
    CHECK ((lat IS NULL) = (lng IS NULL))
);
COMMENT ON TABLE ganje.station IS
'Stations of carriers, such as Ganje''s lockers. They are the carrier''s and serve every merchant alike, so that, as for carriers and accounts, no merchant is in the key.';
COMMENT ON COLUMN ganje.station.uuid IS 'Ganje: the key in its occupancy call and in the plugin''s selection';
COMMENT ON COLUMN ganje.station.slug IS 'Ganje: the key in its webhook';
COMMENT ON COLUMN ganje.station.location IS 'as the carrier writes it, "lat, lng"; lat and lng are NULL where it does not';
COMMENT ON COLUMN ganje.station.confirmed IS 'the carrier itself named it; else only a customer''s page did, whose word never changes a confirmed row';
COMMENT ON COLUMN ganje.station.last_seen_at IS 'to the hour, so that a busy station is not written with every webhook';

CREATE FUNCTION ganje.lat_lng(location text, OUT lat double precision, OUT lng double precision)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parts text[] := regexp_match(location, '^\s*(-?\d{1,3}(?:\.\d{1,30})?)\s*,\s*(-?\d{1,3}(?:\.\d{1,30})?)\s*$');
BEGIN
    IF parts[1]::double precision BETWEEN -90 AND 90 AND parts[2]::double precision BETWEEN -180 AND 180 THEN
        lat := parts[1]::double precision;
        lng := parts[2]::double precision;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.lat_lng(text) IS 'A location written as "lat, lng" in degrees; NULLs for anything else.';

-- Keys longer than this would not fit an index, nor are they keys.
CREATE FUNCTION ganje.read_station(carrier text, station jsonb, confirmed boolean) RETURNS ganje.station
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    said ganje.station;
BEGIN
    said.carrier := read_station.carrier;
    said.confirmed := read_station.confirmed;
    said.uuid := substring(ganje.json_id(station -> 'uuid') FROM '^.{1,200}$');
    said.slug := substring(ganje.json_id(station -> 'slug') FROM '^.{1,200}$');
    said.nickname := left(ganje.json_id(station -> 'nickname'), 1000);
    said.address := left(ganje.json_id(station -> 'address'), 1000);
    said.postal_code := left(ganje.json_id(station -> 'postal_code'), 1000);
    said.location := left(ganje.json_id(station -> 'location'), 1000);
    SELECT l.lat, l.lng INTO said.lat, said.lng FROM ganje.lat_lng(said.location) AS l;
    RETURN said;
END
$$;
COMMENT ON FUNCTION ganje.read_station(text, jsonb, boolean) IS 'A station as a row, from the JSON in which a carrier or a selection names it.';

-- A carrier's station whose key is new is the one confirmed row that has only
-- the other key and the same name, address and location: the documents give
-- nothing else that both sources share.
CREATE FUNCTION ganje.find_station(said ganje.station) RETURNS ganje.station
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    known ganje.station;
    twins ganje.station[];
BEGIN
    SELECT * INTO known FROM ganje.station AS t
     WHERE t.carrier = said.carrier AND (t.slug = said.slug OR t.uuid = said.uuid)
     ORDER BY t.confirmed DESC, t.slug IS NULL LIMIT 1;
    IF said.confirmed AND known.confirmed IS NOT TRUE THEN
        SELECT array_agg(t) INTO twins FROM ganje.station AS t
         WHERE t.carrier = said.carrier AND t.confirmed AND t.nickname = said.nickname AND t.address = said.address
           AND t.location = said.location AND (t.uuid IS NULL OR said.uuid IS NULL) AND (t.slug IS NULL OR said.slug IS NULL);
        IF cardinality(twins) = 1 THEN
            known := twins[1];
        END IF;
    END IF;
    RETURN known;
END
$$;
COMMENT ON FUNCTION ganje.find_station(ganje.station) IS 'The row of a station, by its key or, for a carrier''s word, by its place; NULL where there is none.';

CREATE FUNCTION ganje.write_station(new ganje.station) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE ganje.station AS t
       SET uuid = new.uuid, slug = new.slug, nickname = new.nickname, address = new.address, postal_code = new.postal_code,
           location = new.location, lat = new.lat, lng = new.lng, confirmed = new.confirmed, last_seen_at = pg_catalog.now()
     WHERE t.carrier = new.carrier AND t.station_id = new.station_id;
END;
COMMENT ON FUNCTION ganje.write_station(ganje.station) IS 'Writes a station that is there already, seen now.';

-- A row that only a customer's page had made of the same key gives way. Should
-- another session make one just now, the keys are joined the next time: what
-- tells of the station must not fail over it.
CREATE FUNCTION ganje.join_station(new ganje.station) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    DELETE FROM ganje.station AS t
     WHERE t.carrier = new.carrier AND t.station_id <> new.station_id AND (t.uuid = new.uuid OR t.slug = new.slug);
    PERFORM ganje.write_station(new);
EXCEPTION WHEN unique_violation THEN
    RETURN;
END
$$;
COMMENT ON FUNCTION ganje.join_station(ganje.station) IS 'Writes a station that has got its second key.';

-- Whoever else is at the row writes much the same: nobody waits for it.
CREATE FUNCTION ganje.renew_station(known ganje.station, said ganje.station) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    new ganje.station := known;
BEGIN
    new.uuid := coalesce(known.uuid, said.uuid);
    new.slug := coalesce(known.slug, said.slug);
    new.nickname := coalesce(said.nickname, known.nickname);
    new.address := coalesce(said.address, known.address);
    new.postal_code := coalesce(said.postal_code, known.postal_code);
    IF said.location IS NOT NULL THEN
        new.location := said.location;
        new.lat := said.lat;
        new.lng := said.lng;
    END IF;
    new.confirmed := known.confirmed OR said.confirmed;
    IF new IS NOT DISTINCT FROM known AND known.last_seen_at > pg_catalog.now() - interval '1 hour' THEN
        RETURN;
    END IF;
    PERFORM 1 FROM ganje.station AS t WHERE t.carrier = known.carrier AND t.station_id = known.station_id FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    ELSIF (new.uuid, new.slug) IS NOT DISTINCT FROM (known.uuid, known.slug) THEN
        PERFORM ganje.write_station(new);
    ELSE
        PERFORM ganje.join_station(new);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.renew_station(ganje.station, ganje.station) IS 'Writes what is new of a station, and at most once an hour that it was seen.';

CREATE FUNCTION ganje.note_station(carrier text, station jsonb, confirmed boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    said ganje.station;
    known ganje.station;
BEGIN
    IF jsonb_typeof(station) IS DISTINCT FROM 'object' THEN
        RETURN NULL;
    END IF;
    said := ganje.read_station(note_station.carrier, station, note_station.confirmed);
    IF said.uuid IS NULL AND said.slug IS NULL THEN
        RETURN station;
    END IF;
    known := ganje.find_station(said);
    IF known.station_id IS NULL THEN
        INSERT INTO ganje.station (carrier, uuid, slug, nickname, address, postal_code, location, lat, lng, confirmed)
        VALUES (said.carrier, said.uuid, said.slug, said.nickname, said.address, said.postal_code, said.location, said.lat,
                said.lng, said.confirmed) ON CONFLICT DO NOTHING;
        RETURN station;
    ELSIF said.confirmed OR NOT known.confirmed THEN
        PERFORM ganje.renew_station(known, said);
    ELSE
        station := station || jsonb_strip_nulls(jsonb_build_object('nickname', known.nickname, 'address', known.address,
                                                                   'location', known.location));
    END IF;
    RETURN station || jsonb_strip_nulls(jsonb_build_object('uuid', coalesce(said.uuid, known.uuid),
                                                           'slug', coalesce(said.slug, known.slug)));
END
$$;
COMMENT ON FUNCTION ganje.note_station(text, jsonb, boolean) IS
'Keeps what is said of a station, confirmed where the carrier itself says it; answers the JSON with every key that is known of it, NULL where it is no object.';

-- The two sources name different things of one station: both are kept.
CREATE FUNCTION ganje.joined_station(before jsonb, said jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN said IS NULL THEN before
            WHEN before ->> 'uuid' = said ->> 'uuid' OR before ->> 'slug' = said ->> 'slug' THEN before || said
            ELSE said END;
COMMENT ON FUNCTION ganje.joined_station(jsonb, jsonb) IS 'The station of a shipment after another word on it: joined where it is the same one, else the new one.';

SELECT pg_catalog.pg_extension_config_dump('ganje.station', '');
