-- The dashboard as a page.

-- More zones than can be told apart make a heavy page.
CREATE FUNCTION ganje.dashboard_zones(most integer DEFAULT 300) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    total bigint := (SELECT count(*) FROM ganje.zone AS z WHERE NOT z.deleted);
    shown text[] := ARRAY(SELECT z.zone_id FROM ganje.zone AS z WHERE NOT z.deleted ORDER BY z.priority DESC, z.created_at, z.zone_id LIMIT most);
BEGIN
    RETURN ganje.dashboard_card('Zones', CASE WHEN total > most THEN format('%s of %s zones', most, ganje.html_number(total)) ELSE '' END,
        CASE WHEN total = 0 THEN ganje.dashboard_nothing('No delivery zones yet.', 'upsert_zone() and import_zones() make them.')
             ELSE concat('<div class="map">', ganje.zone_map(NULL, 420, shown), '</div>') END);
END
$$;
COMMENT ON FUNCTION ganje.dashboard_zones(integer) IS 'The dashboard''s map of the delivery zones.';

CREATE FUNCTION ganje.dashboard_tiles() RETURNS text
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT concat('<ul class="tiles">', string_agg(format('<li class="%s"><span class="soft small">%s</span><b>%s</b></li>', t.class, t.label, t.value), '' ORDER BY t.place), '</ul>')
      FROM (SELECT 1 AS place, 'Requests waiting' AS label, ganje.html_number(count(*) FILTER (WHERE d.state <> 'dead' AND NOT d.poll)) AS value, '' AS class
              FROM ganje.outbox_delivery AS d
            UNION ALL
            SELECT 2, 'Oldest waiting', ganje.html_duration(clock_timestamp() - min(o.created_at)),
                   CASE WHEN clock_timestamp() - min(o.created_at) > interval '1 hour' THEN 'warn' ELSE '' END
              FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d ON d.merchant_id = o.merchant_id AND d.request_id = o.request_id
             WHERE d.state <> 'dead' AND NOT d.poll
            UNION ALL
            SELECT 3, 'Dead letters', ganje.html_number(count(*)), CASE WHEN count(*) > 0 THEN 'bad' ELSE '' END
              FROM ganje.outbox_delivery AS d WHERE d.state = 'dead'
            UNION ALL
            SELECT 4, 'In quarantine', ganje.html_number(count(*)), CASE WHEN count(*) > 0 THEN 'warn' ELSE '' END
              FROM ganje.webhook_inbox AS i WHERE i.state = 'quarantined'
            UNION ALL
            SELECT 5, 'Parcels to collect', ganje.html_number(count(*)), '' FROM ganje.shipment_parcel AS p WHERE p.normalized_status = 'ready_for_pickup'
            UNION ALL
            SELECT 6, 'Full slots', ganje.html_number(count(*)), '' FROM ganje.slot_counter AS c
             WHERE c.is_full AND c.day >= (ganje.now() AT TIME ZONE 'UTC')::date) AS t;
END;
COMMENT ON FUNCTION ganje.dashboard_tiles() IS 'The dashboard''s row of numbers.';

CREATE FUNCTION ganje.dashboard() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sending text := (SELECT s.value FROM ganje.status() AS s WHERE s.item = 'sending');
    worker boolean := ganje.worker_pid() IS NOT NULL;
BEGIN
    RETURN concat(E'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline''"><meta name="referrer" content="no-referrer">',
        '<title>Deliveries · ', ganje.html(current_database()), '</title><style>', ganje.dashboard_style(), E'</style></head><body>\n',
        '<header><div><h1>Deliveries</h1><p class="soft small"><bdi>', ganje.html(current_database()), '</bdi> · ',
        to_char(clock_timestamp(), 'FMDD FMMonth YYYY, HH24:MI TZ'), '</p></div><p>',
        CASE WHEN NOT worker THEN '<span class="pill bad">no worker runs</span>'
             WHEN sending = 'yes' THEN '<span class="pill good">sending</span>'
             ELSE format('<span class="pill warn">%s</span>', ganje.html(split_part(sending, ';', 1))) END,
        E'</p></header>\n<main>', ganje.dashboard_tiles(), E'\n<div class="grid">\n', ganje.dashboard_carriers(), ganje.dashboard_slots(),
        '<div class="col">', ganje.dashboard_zones(), ganje.dashboard_quarantine(), '</div><div class="col">', ganje.dashboard_latencies(),
        ganje.dashboard_parcels(), '</div>', ganje.dashboard_dead_letters(), E'</div></main>\n<footer>ganje_logistics ', ganje.html(ganje.version()), E'</footer>\n</body></html>\n');
END
$$;
COMMENT ON FUNCTION ganje.dashboard() IS
'How things stand, as one HTML page that loads nothing from anywhere and runs no script: psql -At -c ''SELECT ganje.dashboard()'' > dashboard.html.';
