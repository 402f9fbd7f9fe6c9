-- The dashboard's picture of slots filling up, day by day.

CREATE FUNCTION ganje.dashboard_slot(slot_from time, slot_to time, confirmed bigint, held bigint, capacity bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat('<div class="slot"><div class="row"><span>',
    CASE WHEN slot_from = slot_to THEN 'under way' ELSE to_char(slot_from, 'HH24:MI') || '–' || to_char(slot_to, 'HH24:MI') END, '</span><span class="soft">',
    ganje.html_number(confirmed + held), CASE WHEN capacity IS NOT NULL THEN ' / ' || ganje.html_number(capacity) END, '</span></div>',
    CASE WHEN capacity > 0 THEN
        ganje.dashboard_bar(ARRAY[least(confirmed::numeric / capacity, 1), least(held::numeric / capacity, 1 - least(confirmed::numeric / capacity, 1))],
                            CASE WHEN confirmed + held >= capacity THEN '{full,full}'::text[] ELSE '{confirmed,held}' END,
                            format('%s confirmed, %s held, of %s', confirmed, held, capacity)) END,
    '</div>');
COMMENT ON FUNCTION ganje.dashboard_slot(time, time, bigint, bigint, bigint) IS 'A slot of a day on the dashboard: how much of it is taken.';

CREATE FUNCTION ganje.dashboard_slots(days integer DEFAULT 7) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    body text;
BEGIN
    -- A capacity of several rules together is none where one of them has no limit.
    WITH slot AS (
        SELECT u.day, u.slot_from, u.slot_to, sum(u.confirmed)::bigint AS confirmed, sum(u.held)::bigint AS held,
               CASE WHEN bool_and(u.capacity IS NOT NULL) THEN sum(u.capacity)::bigint END AS capacity
          FROM ganje.slot_usage AS u
         WHERE u.used > 0 AND (u.day IS NULL OR u.day >= (ganje.now() AT TIME ZONE 'UTC')::date)
         GROUP BY u.day, u.slot_from, u.slot_to),
    day AS (
        SELECT s.day, sum(s.confirmed + s.held) AS taken,
               string_agg(ganje.dashboard_slot(s.slot_from, s.slot_to, s.confirmed, s.held, s.capacity), '' ORDER BY s.slot_from, s.slot_to) AS slots
          FROM slot AS s GROUP BY s.day ORDER BY s.day NULLS FIRST LIMIT days)
    SELECT string_agg(format('<div><div class="row"><h3>%s</h3><span class="soft">%s</span></div>%s</div>',
                             coalesce(to_char(d.day, 'FMDy FMDD FMMon'), 'On demand'), ganje.html_number(d.taken), d.slots),
                      E'\n' ORDER BY d.day NULLS FIRST)
      INTO body FROM day AS d;
    RETURN ganje.dashboard_card('Slots', CASE WHEN body IS NOT NULL THEN 'orders per day and slot, all stores together' ELSE '' END,
        CASE WHEN body IS NULL THEN ganje.dashboard_nothing('Nothing is booked from today on.')
             ELSE concat('<div class="days">', body, '</div><ul class="key"><li><i class="confirmed"></i>confirmed</li>',
                         '<li><i class="held"></i>held by a checkout</li><li><i class="full"></i>full</li></ul>') END);
END
$$;
COMMENT ON FUNCTION ganje.dashboard_slots(integer) IS 'The dashboard''s picture of slots filling up, from today on.';
