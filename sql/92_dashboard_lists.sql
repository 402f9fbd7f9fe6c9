-- The dashboard's lists of what waits for people: parcels to collect, webhooks
-- in quarantine, dead letters.

CREATE FUNCTION ganje.dashboard_table(titles text[], lines text, total bigint, most integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat('<table><thead><tr>', (SELECT string_agg(format('<th>%s</th>', ganje.html(t.title)), '' ORDER BY t.i)
                                       FROM unnest(titles) WITH ORDINALITY AS t(title, i)),
              E'</tr></thead><tbody>\n', lines, '</tbody></table>',
              CASE WHEN total > most THEN format('<p class="soft small">and %s more</p>', ganje.html_number(total - most)) END);
COMMENT ON FUNCTION ganje.dashboard_table(text[], text, bigint, integer) IS 'A table of the dashboard, and how many lines it leaves out.';

-- Cells are HTML already; the first is the line's name.
CREATE FUNCTION ganje.dashboard_line(titles text[], VARIADIC cells text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat('<tr>', (SELECT string_agg(CASE WHEN c.i = 1 THEN format('<td class="name">%s</td>', c.cell)
                                              ELSE format('<td%s data-l="%s"><span>%s</span></td>', CASE WHEN titles[c.i] IN ('Age', 'Tries') THEN ' class="nowrap"' END, ganje.html(titles[c.i]), c.cell) END, '' ORDER BY c.i)
                         FROM unnest(cells) WITH ORDINALITY AS c(cell, i)), E'</tr>\n');
COMMENT ON FUNCTION ganje.dashboard_line(text[], text[]) IS 'A line of a table of the dashboard.';

CREATE FUNCTION ganje.dashboard_parcels(most integer DEFAULT 15) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    titles text[] := '{Order,Where,Waiting since,Until}';
    total bigint := (SELECT count(*) FROM ganje.shipment_parcel AS p WHERE p.normalized_status = 'ready_for_pickup');
    lines text;
BEGIN
    SELECT string_agg(ganje.dashboard_line(titles, ganje.html_name(l.order_id),
                concat(ganje.html_name(coalesce(l.station, l.account_id, '–')), (SELECT ' · box ' || ganje.html_name(string_agg(b, ', '), 20) FROM unnest(l.boxes) AS b HAVING count(*) > 0)),
                coalesce(ganje.html_duration(clock_timestamp() - l.checked_in_at), '–'),
                CASE WHEN l.expires_at IS NULL THEN '–'
                     WHEN l.expires_at < clock_timestamp() THEN '<span class="pill bad">overdue</span>'
                     WHEN l.expires_at < clock_timestamp() + interval '6 hours'
                     THEN format('<span class="pill warn">%s left</span>', ganje.html_duration(l.expires_at - clock_timestamp()))
                     ELSE ganje.html_duration(l.expires_at - clock_timestamp()) || ' left' END),
                '' ORDER BY l.place)
      INTO lines
      FROM (SELECT s.order_id, s.account_id, s.boxes, coalesce(s.station ->> 'nickname', s.station ->> 'name', s.station ->> 'slug') AS station,
                   p.checked_in_at, p.expires_at,
                   row_number() OVER (ORDER BY p.expires_at, p.merchant_id, p.shipment_id, p.parcel_ref) AS place
              FROM ganje.shipment_parcel AS p
              JOIN ganje.shipment AS s ON s.merchant_id = p.merchant_id AND s.shipment_id = p.shipment_id
             WHERE p.normalized_status = 'ready_for_pickup'
             ORDER BY p.expires_at, p.merchant_id, p.shipment_id, p.parcel_ref LIMIT most) AS l;
    RETURN ganje.dashboard_card('Parcels to collect', CASE WHEN total > 0 THEN 'the next to expire first' ELSE '' END,
        CASE WHEN lines IS NULL THEN ganje.dashboard_nothing('No parcel waits to be collected.')
             ELSE ganje.dashboard_table(titles, lines, total, most) END);
END
$$;
COMMENT ON FUNCTION ganje.dashboard_parcels(integer) IS 'The dashboard''s list of parcels that wait for their recipients.';

CREATE FUNCTION ganje.dashboard_quarantine(most integer DEFAULT 10) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    titles text[] := '{Source,Reason,What,Age}';
    total bigint := (SELECT count(*) FROM ganje.webhook_inbox AS i WHERE i.state = 'quarantined');
    lines text;
BEGIN
    SELECT string_agg(ganje.dashboard_line(titles, ganje.html_name(l.source),
                format('<span class="pill warn">%s</span>', ganje.html(replace(l.reason, '_', ' '))),
                concat_ws(' · ', '<bdi>' || ganje.html(l.external_id, 60) || '</bdi>', '<bdi>' || ganje.html(l.detail, 100) || '</bdi>'),
                ganje.html_duration(clock_timestamp() - l.received_at)),
                '' ORDER BY l.processed_at DESC, l.inbox_id DESC)
      INTO lines
      FROM (SELECT * FROM ganje.webhook_inbox AS i WHERE i.state = 'quarantined' ORDER BY i.processed_at DESC, i.inbox_id DESC LIMIT most) AS l;
    RETURN ganje.dashboard_card('Quarantine', CASE WHEN total > 0 THEN 'webhooks that could not be applied; reprocess_webhooks() tries again' ELSE '' END,
        CASE WHEN lines IS NULL THEN ganje.dashboard_nothing('No webhook is in quarantine.')
             ELSE ganje.dashboard_table(titles, lines, total, most) END);
END
$$;
COMMENT ON FUNCTION ganje.dashboard_quarantine(integer) IS 'The dashboard''s list of webhooks that could not be applied, without their payloads.';

CREATE FUNCTION ganje.dashboard_dead_letters(most integer DEFAULT 10) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    titles text[] := '{Account,Request,Last error,Tries,Age}';
    total bigint := (SELECT count(*) FROM ganje.outbox_delivery AS d WHERE d.state = 'dead');
    lines text;
BEGIN
    SELECT string_agg(ganje.dashboard_line(titles, ganje.html_account(l.account_id),
                concat(ganje.html_name(l.operation, 30), '<div class="soft small"><code>', ganje.html(l.request_id), '</code></div>'),
                '<bdi>' || ganje.html(coalesce(l.last_error, '–'), 140) || '</bdi>', ganje.html_number(l.attempts),
                ganje.html_duration(clock_timestamp() - l.created_at)),
                '' ORDER BY l.created_at DESC, l.request_id DESC)
      INTO lines
      FROM (SELECT * FROM ganje.dead_letters AS d ORDER BY d.created_at DESC, d.request_id DESC LIMIT most) AS l;
    RETURN ganje.dashboard_card('Dead letters', CASE WHEN total > 0 THEN 'given up; retry_request(id), retry_dead_letters() or cancel_request(id)' ELSE '' END,
        CASE WHEN lines IS NULL THEN ganje.dashboard_nothing('No request was given up.')
             ELSE ganje.dashboard_table(titles, lines, total, most) END);
END
$$;
COMMENT ON FUNCTION ganje.dashboard_dead_letters(integer) IS 'The dashboard''s list of requests that were given up, without their bodies.';
