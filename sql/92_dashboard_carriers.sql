-- The dashboard's part on carriers: who sends, what became of requests, how
-- long carriers take.

CREATE FUNCTION ganje.dashboard_state(state text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN format('<span class="pill %s">%s</span>%s',
              CASE split_part(state, ':', 1) WHEN 'sending' THEN 'good' WHEN 'waiting' THEN 'bad' WHEN 'trying' THEN 'bad'
                                             WHEN 'parked' THEN 'warn' WHEN 'paused' THEN 'warn' ELSE 'idle' END,
              ganje.html(split_part(state, ':', 1)),
              CASE WHEN strpos(state, ': ') > 0
                   THEN format('<div class="soft small">%s</div>', ganje.html(substr(state, strpos(state, ': ') + 2), 90)) ELSE '' END);
COMMENT ON FUNCTION ganje.dashboard_state(text) IS 'An account''s state as HTML.';

CREATE FUNCTION ganje.dashboard_account(health ganje.carrier_health) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    counts bigint[] := ARRAY[health.delivered, health.refused, health.throttled, health.server_error, health.network,
                             health.timeout, health.other];
    classes text[] := ganje.traffic_classes();
    words text := (SELECT string_agg(format('%s %s', ganje.html_number(c.n), replace(c.class, '_', ' ')), ', ' ORDER BY c.i) FILTER (WHERE c.n > 0)
                     FROM unnest(counts, classes) WITH ORDINALITY AS c(n, class, i));
BEGIN
    RETURN concat('<tr><td><span class="name">', ganje.html_account(health.account_id), '</span><div class="soft small">',
        CASE health.carrier WHEN 'webhook' THEN 'subscriber' ELSE ganje.html_name(health.carrier) END, '</div></td><td>', ganje.dashboard_state(health.state), '</td><td class="wide">',
        CASE WHEN health.requests > 0
             THEN concat('<span class="small">', ganje.html(words), '</span>',
                         ganje.dashboard_bar(ARRAY(SELECT n::numeric / health.requests FROM unnest(counts) WITH ORDINALITY AS c(n, i) ORDER BY c.i),
                                             classes, words))
             ELSE '<span class="soft small">no requests</span>' END,
        CASE WHEN health.delivered < health.requests
             THEN format('<div class="soft small">last: <bdi>%s</bdi>, %s ago</div>', ganje.html(health.last_error, 80),
                         ganje.html_duration(clock_timestamp() - health.last_error_at)) END,
        '</td>',
        (SELECT string_agg(format('<td class="n" data-l="%s"><span class="%s">%s</span></td>', v.label, v.class, v.value), '' ORDER BY v.place)
           FROM (VALUES (1, 'Waiting', ganje.html_number(health.pending), CASE WHEN health.pending = 0 THEN 'zero' END),
                        (2, 'In flight', ganje.html_number(health.in_flight), CASE WHEN health.in_flight = 0 THEN 'zero' END),
                        (3, 'Dead', ganje.html_number(health.dead), CASE WHEN health.dead = 0 THEN 'zero' ELSE 'alert' END),
                        (4, 'Oldest', ganje.html_duration(clock_timestamp() - health.oldest), CASE WHEN health.oldest IS NULL THEN 'zero' END)
                ) AS v(place, label, value, class)),
        E'</tr>\n');
END
$$;
COMMENT ON FUNCTION ganje.dashboard_account(ganje.carrier_health) IS 'A carrier account as a row of the dashboard''s table.';

-- Those that need somebody first.
CREATE FUNCTION ganje.dashboard_carriers(most integer DEFAULT 20) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    total bigint := (SELECT count(*) FROM ganje.carrier_account);
    body text;
BEGIN
    IF total = 0 THEN
        body := ganje.dashboard_nothing('No carrier accounts yet.', 'A row of ganje.carrier_account makes one.');
    ELSE
        SELECT string_agg(ganje.dashboard_account(h.health), '' ORDER BY h.place) INTO body
          FROM (SELECT c AS health, row_number() OVER (ORDER BY c.state <> 'sending' DESC, c.dead > 0 DESC, c.requests DESC, c.account_id) AS place
                  FROM ganje.carrier_health AS c) AS h
         WHERE h.place <= most;
        body := concat('<table><thead><tr><th>Account</th><th>State</th><th>Requests in the last hour</th><th class="n">Waiting</th>',
                       '<th class="n">In flight</th><th class="n">Dead</th><th class="n">Oldest</th></tr></thead><tbody>',
                       body, '</tbody></table><ul class="key">',
                       (SELECT string_agg(format('<li><i class="%s"></i>%s</li>', c.class, replace(c.class, '_', ' ')), '' ORDER BY c.i)
                          FROM unnest(ganje.traffic_classes()) WITH ORDINALITY AS c(class, i)), '</ul>');
    END IF;
    RETURN ganje.dashboard_card('Carriers', CASE WHEN total > most THEN format('%s of %s accounts', most, ganje.html_number(total)) ELSE '' END, body);
END
$$;
COMMENT ON FUNCTION ganje.dashboard_carriers(integer) IS 'The dashboard''s table of carrier accounts.';

-- From 1 ms to a minute on a logarithmic axis, as a percentage of the width.
CREATE FUNCTION ganje.dashboard_place(ms numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(3 + 94 * log(least(greatest(ms, 1), 60000)) / log(60000::numeric), 1);
COMMENT ON FUNCTION ganje.dashboard_place(numeric) IS 'Where a latency is on the dashboard''s axis, in percent.';

CREATE FUNCTION ganje.dashboard_latencies(most integer DEFAULT 12) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    marks text := (SELECT string_agg(format('<line x1="%1$s%%" x2="%1$s%%" y1="0" y2="22"/>', ganje.dashboard_place(m.ms)), '' ORDER BY m.ms)
                     FROM unnest('{1,10,100,1000,10000,60000}'::numeric[]) AS m(ms));
    body text;
BEGIN
    SELECT string_agg(format('<span class="who">%s</span><svg role="img" aria-label="%s">%s<line class="span" x1="%s%%" x2="%s%%" y1="11" y2="11"/>'
                             || '<circle cx="%s%%" cy="11" r="4.5"/><circle class="p99" cx="%s%%" cy="11" r="4"/></svg><span class="val n">%s</span>',
                             ganje.html_account(h.account_id, 28),
                             ganje.html(format('half within %s, 95 %% within %s, 99 %% within %s', ganje.html_ms(h.p50_ms), ganje.html_ms(h.p95_ms), ganje.html_ms(h.p99_ms))),
                             marks, ganje.dashboard_place(h.p50_ms), ganje.dashboard_place(h.p99_ms), ganje.dashboard_place(h.p50_ms),
                             ganje.dashboard_place(h.p99_ms),
                             concat(ganje.html_ms(h.p50_ms), ' · ', ganje.html_ms(h.p95_ms), ' · ', ganje.html_ms(h.p99_ms))),
                      E'\n' ORDER BY h.p99_ms DESC, h.account_id)
      INTO body
      FROM (SELECT * FROM ganje.carrier_health AS c WHERE c.p50_ms IS NOT NULL ORDER BY c.p99_ms DESC, c.account_id LIMIT most) AS h;
    IF body IS NULL THEN
        RETURN ganje.dashboard_card('Answer times', '', ganje.dashboard_nothing('No carrier answered within the last hour.'));
    END IF;
    RETURN ganje.dashboard_card('Answer times', 'last hour: half, 95 % and 99 % of answers within',
        concat('<div class="lat">', body, '<span class="who"></span><svg aria-hidden="true">',
               (SELECT string_agg(format('<text x="%s%%" y="12" text-anchor="middle">%s</text>', ganje.dashboard_place(m.ms), m.label), '' ORDER BY m.ms)
                  FROM (VALUES (1::numeric, '1 ms'), (10, '10 ms'), (100, '100 ms'), (1000, '1 s'), (10000, '10 s'), (60000, '1 min')) AS m(ms, label)),
               '</svg><span></span></div>'));
END
$$;
COMMENT ON FUNCTION ganje.dashboard_latencies(integer) IS 'The dashboard''s picture of how long carriers take to answer.';
