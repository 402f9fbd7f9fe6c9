-- The dashboard: one HTML page for an operator, made of what is in the
-- database. It loads nothing from anywhere and runs no script, so that it can
-- be saved, mailed, and looked at beside a database that is being mended.
-- Whatever comes from outside (names, ids, errors) is escaped by ganje.html()
-- and set apart by <bdi>, so that a right-to-left name turns nothing around
-- it. Phones, addresses and payloads are not shown.

CREATE FUNCTION ganje.html(value text, most integer DEFAULT 120) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(
           regexp_replace(CASE WHEN length(value) > most THEN left(value, most - 1) || '…' ELSE value END,
                          '[\x01-\x1f\x7f-\x9f\ufffe\uffff]', ' ', 'g'),
           '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION ganje.html(text, integer) IS 'Text for HTML and SVG, also for an attribute''s value, cut to so many characters; control characters become spaces.';

CREATE FUNCTION ganje.html_name(value text, most integer DEFAULT 40) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(value) > most THEN format('<bdi title="%s">%s</bdi>', ganje.html(value, 400), ganje.html(value, most))
            ELSE format('<bdi>%s</bdi>', ganje.html(value, most)) END;
COMMENT ON FUNCTION ganje.html_name(text, integer) IS 'A name for HTML, whatever direction it is written in.';

-- The id of a subscriber's account tells nobody who it is. Its host does, and
-- what follows the host in its URL may be a secret.
CREATE FUNCTION ganje.html_account(account_id text, most integer DEFAULT 40) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    host text := (SELECT substring(a.base_url FROM '^https?://(?:[^/?#]*@)?([^/?#]+)') FROM ganje.carrier_account AS a
                   WHERE a.account_id = html_account.account_id AND a.carrier = 'webhook');
BEGIN
    RETURN CASE WHEN host IS NULL THEN ganje.html_name(html_account.account_id, most)
                ELSE format('<bdi title="%s">%s</bdi>', ganje.html(html_account.account_id, 400), ganje.html(host, most)) END;
END
$$;
COMMENT ON FUNCTION ganje.html_account(text, integer) IS 'A carrier account for HTML: its id, or the host of a subscriber.';

CREATE FUNCTION ganje.html_number(value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN trim(to_char(value, 'FM999,999,999,999,990'));
COMMENT ON FUNCTION ganje.html_number(numeric) IS 'A whole number for people.';

CREATE FUNCTION ganje.html_duration(value interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN '–'
            WHEN extract(epoch FROM value) < 1 THEN '0 s'
            WHEN extract(epoch FROM value) < 120 THEN floor(extract(epoch FROM value)) || ' s'
            WHEN extract(epoch FROM value) < 7200 THEN floor(extract(epoch FROM value) / 60) || ' min'
            WHEN extract(epoch FROM value) < 172800 THEN floor(extract(epoch FROM value) / 3600) || ' h'
            ELSE floor(extract(epoch FROM value) / 86400) || ' d' END;
COMMENT ON FUNCTION ganje.html_duration(interval) IS 'A time span for people: 45 s, 12 min, 3 h, 5 d.';

CREATE FUNCTION ganje.html_ms(value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN '–'
            WHEN value < 10 THEN round(value, 1) || ' ms'
            WHEN value < 999.5 THEN round(value) || ' ms'
            ELSE round(value / 1000, 1) || ' s' END;
COMMENT ON FUNCTION ganje.html_ms(numeric) IS 'Milliseconds for people.';

-- Ratios of text to its ground are 4.5 or more, in both schemes.
CREATE FUNCTION ganje.dashboard_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN $css$
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#171b21;--soft:#5a6472;--line:#e1e5ea;--track:#e9ecf0;--plane:#f3f6f8;
--accent:#2563c9;--held:#9dbdf0;--good:#14754a;--goodbg:#e2f3ea;--warn:#8a5300;--warnbg:#fdf0d5;--bad:#b3261e;--badbg:#fce8e6;--idle:#5a6472;--idlebg:#eceff3;
--delivered:#2563c9;--refused:#c77d11;--throttled:#e2b93b;--server_error:#b3261e;--network:#7b4bb7;--timeout:#e4713a;--other:#8792a0}
@media(prefers-color-scheme:dark){:root{--page:#0e1217;--card:#161b22;--ink:#e7eaef;--soft:#9ba6b4;--line:#2a323d;--track:#262d37;--plane:#1b222b;
--accent:#6ba1f5;--held:#365a94;--good:#6fd3a0;--goodbg:#12301f;--warn:#f0bd62;--warnbg:#352709;--bad:#ff9a90;--badbg:#3d1613;--idle:#9ba6b4;--idlebg:#232a34;
--delivered:#6ba1f5;--refused:#dd9a3a;--throttled:#e8c95f;--server_error:#f2665b;--network:#b18be6;--timeout:#f08c5a;--other:#8b97a6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main,header{max-width:1280px;margin:0 auto;padding:0 24px}
header{padding-top:28px;display:flex;gap:4px 16px;align-items:baseline;justify-content:space-between}header>div{min-width:0;overflow-wrap:anywhere}header>p{flex:none}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.015em;font-weight:650}
h2{font-size:16px;line-height:1.3;margin:0;font-weight:620}
h3{font-size:13px;margin:0;font-weight:600}
p{margin:0}
.soft{color:var(--soft)}
.small{font-size:13px}
.grid{display:grid;grid-template-columns:repeat(12,minmax(0,1fr));gap:16px;padding-bottom:32px}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;min-width:0}
.grid>.card{grid-column:span 12}
.head{display:flex;flex-wrap:wrap;gap:2px 12px;justify-content:space-between;align-items:baseline;margin-bottom:14px}
.tiles{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:16px;margin:20px 0 16px;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tiles b{display:block;font-size:28px;line-height:1.15;font-weight:640;letter-spacing:-.02em;margin-top:2px}
.tiles .bad b{color:var(--bad)}
.tiles .warn b{color:var(--warn)}
.pill{display:inline-block;border-radius:999px;padding:1px 10px;font-size:13px;font-weight:560;white-space:nowrap;background:var(--idlebg);color:var(--idle)}
.pill.good{background:var(--goodbg);color:var(--good)}
.pill.warn{background:var(--warnbg);color:var(--warn)}
.pill.bad{background:var(--badbg);color:var(--bad)}
table{border-collapse:collapse;width:100%}
th{font-weight:500;font-size:13px;color:var(--soft);text-align:left;padding:0 12px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:bottom}
td{padding:10px 12px 10px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0;padding-bottom:0}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;white-space:nowrap}.nowrap{white-space:nowrap}
.name{font-weight:560;min-width:124px}
.nil{color:var(--soft)}
.nil p+p{margin-top:2px}
.bar{display:block;width:100%;height:8px;border-radius:4px;overflow:hidden;background:var(--track);margin:6px 0 5px}
.bar rect{height:8px}
.wide{min-width:150px}
.key{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:13px;color:var(--soft);margin:12px 0 0;padding:0;list-style:none}
.key i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px}
.delivered{fill:var(--delivered);background:var(--delivered)}.refused{fill:var(--refused);background:var(--refused)}
.throttled{fill:var(--throttled);background:var(--throttled)}.server_error{fill:var(--server_error);background:var(--server_error)}
.network{fill:var(--network);background:var(--network)}.timeout{fill:var(--timeout);background:var(--timeout)}.other{fill:var(--other);background:var(--other)}
.confirmed{fill:var(--accent);background:var(--accent)}.held{fill:var(--held);background:var(--held)}.full{fill:var(--bad);background:var(--bad)}
.days{display:grid;grid-template-columns:repeat(auto-fill,minmax(136px,1fr));gap:18px 24px}
.slot{margin-top:9px}
.row{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 8px;font-size:13px;white-space:nowrap}
.col{grid-column:span 6;display:grid;gap:16px;align-content:start;min-width:0}
.zero{color:var(--soft)}.alert{color:var(--bad);font-weight:600}
.lat{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,7fr) auto;gap:4px 14px;align-items:center;font-size:13px}
.lat svg{display:block;width:100%;height:22px;overflow:visible}
.lat line{stroke:var(--line)}.lat .span{stroke:var(--held);stroke-width:5;stroke-linecap:round}
.lat circle{fill:var(--accent)}.lat .p99{fill:var(--card);stroke:var(--accent);stroke-width:2}
.lat text{fill:var(--soft);font-size:11px}
.map svg{display:block;width:100%;height:auto;max-height:520px}
.map svg>rect:first-of-type{fill:var(--card)}
.map svg rect[fill="#f3f6f8"]{fill:var(--plane);stroke:var(--line)}
.map svg text{fill:var(--ink)}
.map svg g[stroke="#ffffff"],.map svg text[stroke="#ffffff"]{stroke:var(--card)}
.map svg path[stroke="#333333"]{stroke:var(--soft)}
.map svg path[fill="#333333"]{fill:var(--soft)}
code{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
footer{max-width:1280px;margin:0 auto;padding:0 24px 32px;color:var(--soft);font-size:13px}
@media(max-width:1000px){.col{grid-column:span 12}.tiles{grid-template-columns:repeat(3,minmax(0,1fr))}}
@media(max-width:640px){main,header,footer{padding-left:14px;padding-right:14px}header{padding-top:18px}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}.tiles li{padding:11px 13px}.tiles b{font-size:24px}
.grid,.col{gap:12px}.card{padding:15px 14px}.days{grid-template-columns:repeat(2,minmax(0,1fr))}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,td{display:block}
tr{padding:10px 0;border-bottom:1px solid var(--line)}tr:first-child{padding-top:0}tr:last-child{border:0;padding-bottom:0}
td{border:0;padding:1px 0}.n{text-align:left}
td[data-l]{display:grid;grid-template-columns:104px minmax(0,1fr);gap:12px;align-items:baseline}td[data-l]::before{content:attr(data-l);color:var(--soft);font-size:13px}
td.wide{display:block;padding:4px 0}
td.n[data-l]{display:inline-block;width:25%;padding-top:6px}td.n[data-l]::before{display:block}
.lat{grid-template-columns:minmax(0,1fr) auto}.lat svg{grid-column:1/3;grid-row:auto}.lat .who{grid-column:1}.lat .val{grid-row:auto}}
@media print{body{background:#fff}.card{break-inside:avoid}}
$css$;
COMMENT ON FUNCTION ganje.dashboard_style() IS 'The style sheet of the dashboard.';

-- A part of the page; what it holds is HTML already.
CREATE FUNCTION ganje.dashboard_card(title text, note text, body text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat('<section class="card"><div class="head"><h2>', ganje.html(title), '</h2>',
              CASE WHEN note <> '' THEN concat('<p class="soft small">', ganje.html(note), '</p>') END, E'</div>\n', body, E'\n</section>\n');
COMMENT ON FUNCTION ganje.dashboard_card(text, text, text) IS 'A part of the dashboard: its title, a note beside it, its content in HTML.';

CREATE FUNCTION ganje.dashboard_nothing(first_line text, second_line text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat('<div class="nil"><p>', ganje.html(first_line), '</p>',
              CASE WHEN second_line <> '' THEN concat('<p class="small">', ganje.html(second_line), '</p>') END, '</div>');
COMMENT ON FUNCTION ganje.dashboard_nothing(text, text) IS 'What a part of the dashboard says where there is nothing to show.';

-- A bar of several pieces, each a share (0 to 1) of the width and a class.
CREATE FUNCTION ganje.dashboard_bar(shares numeric[], classes text[], label text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT concat('<svg class="bar" role="img" aria-label="', ganje.html(label), '"><title>', ganje.html(label), '</title>',
                      string_agg(format('<rect class="%s" x="%s%%" y="0" width="%s%%"/>', p.class, round(p.start * 100, 2), round(p.share * 100, 2)), '' ORDER BY p.i)
                      FILTER (WHERE p.share > 0), '</svg>')
          FROM (SELECT b.i, b.class, b.share, sum(b.share) OVER (ORDER BY b.i) - b.share AS start
                  FROM unnest(shares, classes) WITH ORDINALITY AS b(share, class, i)) AS p);
COMMENT ON FUNCTION ganje.dashboard_bar(numeric[], text[], text) IS 'A bar as SVG: pieces by their share of its width, and what it says in words.';
