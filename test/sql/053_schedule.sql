-- When an option can be had: slots, cut-off, windows, horizon, the zone's clock.
\set SHOW_CONTEXT never
SELECT ganje.upsert_zone('{"zoneId": "053", "name": "Clock", "timezone": 3, "rules": [{"addr": {"city": {"IN": ["city 053"]}}}]}');
-- The options of one item by one rule, at a UTC time.
CREATE FUNCTION pg_temp.at(rule text, utc text, timezone text DEFAULT '3') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.upsert_zone(format('{"zoneId": "053", "timezone": "%s"}', timezone)::jsonb);
    PERFORM ganje.upsert_store(jsonb_build_object('merchantId', 'M053', 'storeId', 'S', 'name', 'S',
        'rules', jsonb_build_array('{"ruleId": "r"}' || rule::jsonb)));
    PERFORM set_config('ganje_logistics.now', utc || '+00', true);
    RETURN ganje.get_pools('{"merchantId": "M053", "zoneId": "053", "cart": {"items": [{"itemId": "a"}]}}') #> '{0,0,options,0,slots}';
END
$$;
-- The same for rules without slots to show: is it offered?
CREATE FUNCTION pg_temp.open_at(rule text, utc text, timezone text DEFAULT '3') RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.at(rule, utc, timezone);
    PERFORM set_config('ganje_logistics.now', utc || '+00', true);
    RETURN ganje.get_pools('{"merchantId": "M053", "zoneId": "053", "cart": {"items": [{"itemId": "a"}]}}') <> '[]';
END
$$;
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 1}}') #> '{data,days}';

-- RESERVED: open while now < start - cutoff, to the second (2026-03-02 is a Monday).
\set rule '{"types": ["RESERVED"], "days": ["1", "2"], "slots": [["10:00", "12:00"], ["14:00", "16:00"]], "cutoff": 90}'
SELECT utc, pg_temp.at(:'rule', utc) FROM unnest('{2026-03-02 05:29:59.999999,2026-03-02 05:30:00,2026-03-02 09:29:59,2026-03-02 09:30:00,2026-03-01 20:59:59,2026-03-01 21:00:00}'::text[]) AS utc;
-- without a cut-off, until it begins
SELECT utc, pg_temp.at('{"types": ["RESERVED"], "days": ["1"], "slots": [["10:00", "12:00"]]}', utc) FROM unnest('{2026-03-02 06:59:59,2026-03-02 07:00:00}'::text[]) AS utc;
-- SELF: until its end less the cut-off; CARGO the same, but its windows are not shown.
SELECT utc, pg_temp.at(:'rule'::jsonb || '{"types": ["SELF"]}' #>> '{}', utc) FROM unnest('{2026-03-02 07:29:59,2026-03-02 07:30:00,2026-03-02 11:29:59,2026-03-02 11:30:00}'::text[]) AS utc;
SELECT utc, pg_temp.at(:'rule'::jsonb || '{"types": ["CARGO"], "days": ["2"]}' #>> '{}', utc), pg_temp.open_at(:'rule'::jsonb || '{"types": ["CARGO"], "days": ["2"]}' #>> '{}', utc)
  FROM unnest('{2026-03-01 20:59:59,2026-03-01 21:00:00,2026-03-03 11:29:59,2026-03-03 11:30:00}'::text[]) AS utc;
-- no slots: every day that matches, whatever the hour
SELECT utc, pg_temp.open_at('{"types": ["CARGO"], "days": ["2"], "cutoff": 600}', utc) FROM unnest('{2026-03-01 20:59:59,2026-03-01 21:00:00,2026-03-03 20:59:59,2026-03-03 21:00:00}'::text[]) AS utc;
SELECT type, pg_temp.at(format('{"types": ["%s"]}', type), '2026-03-02 06:00:00') IS NULL AS slotless, pg_temp.open_at(format('{"types": ["%s"]}', type), '2026-03-02 06:00:00')
  FROM unnest('{CARGO,RESERVED,SELF,ON_DEMAND}'::text[]) AS type;

-- Past midnight, and 24:00.
SELECT utc, pg_temp.at('{"types": ["SELF"], "days": ["1"], "slots": [["22:00", "02:00"], ["20:00", "24:00"]]}', utc)
  FROM unnest('{2026-03-02 10:00:00,2026-03-02 20:59:59,2026-03-02 21:00:00}'::text[]) AS utc;
SELECT pg_temp.at('{"types": ["RESERVED"], "days": ["1"], "slots": [["00:00", "24:00"], ["23:30", "00:00"], ["08:00", "08:00"]]}', '2026-03-01 20:59:59');

-- ON_DEMAND: today's day and window less the cut-off; the promise is rounded up to the minute.
\set rule '{"types": ["ON_DEMAND"], "days": ["1"], "time": {"slot": ["09:00", "18:00"], "in": 90}, "cutoff": 30}'
SELECT utc, pg_temp.at(:'rule', utc) FROM unnest('{2026-03-02 05:59:59,2026-03-02 06:00:00,2026-03-02 06:00:00.000001,2026-03-02 06:29:30,2026-03-02 14:29:59,2026-03-02 14:30:00,2026-03-03 06:00:00,2026-03-01 06:00:00}'::text[]) AS utc;
-- the promise may run past midnight, and the window too: yesterday's serves until it closes
\set rule '{"types": ["ON_DEMAND"], "days": ["1"], "time": {"slot": ["20:00", "02:00"], "in": 60}}'
SELECT utc, pg_temp.at(:'rule', utc) FROM unnest('{2026-03-02 16:59:59,2026-03-02 20:30:00,2026-03-02 20:59:59.5,2026-03-02 21:00:00,2026-03-02 22:59:59,2026-03-02 23:00:00,2026-03-01 22:00:00}'::text[]) AS utc;
SELECT pg_temp.open_at('{"types": ["ON_DEMAND"], "days": ["1"]}', '2026-03-02 20:59:59') AS monday, pg_temp.open_at('{"types": ["ON_DEMAND"], "days": ["1"]}', '2026-03-02 21:00:00') AS tuesday;

-- Horizon: today to today + days, inclusive.
CREATE FUNCTION pg_temp.dates(days integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.upsert_option(jsonb_build_object('optionId', 'SHIPMENT', 'data', jsonb_build_object('days', days)));
    RETURN (SELECT string_agg(key, ' ' ORDER BY key) FROM jsonb_object_keys(pg_temp.at(
        '{"types": ["RESERVED"], "days": ["1","2","3","4","5","6","7"], "slots": [["10:00", "12:00"]]}', '2026-12-30 06:00:00')::jsonb) AS key);
END
$$;
SELECT days, pg_temp.dates(days) FROM unnest('{0,2,5}'::int[]) AS days;
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 1}}') #> '{data,days}';

-- Zones of hours, of fractions of hours, and of names with daylight saving.
\set rule '{"types": ["RESERVED"], "days": ["1","2","3","4","5","6","7"], "slots": [["00:30", "01:30"], ["02:30", "03:30"], ["23:00", "24:00"]]}'
SELECT timezone, pg_temp.at(:'rule', '2026-03-02 19:45:00', timezone) FROM unnest('{0,3,3.5,-8,5.75,14,Asia/Tehran,America/New_York,UTC}'::text[]) AS timezone;
-- New York, 2026-03-08: 02:30 is skipped and means 03:30 EDT; 2026-11-01: 01:30 is twice, the first counts.
\set rule '{"types": ["RESERVED"], "days": ["7"], "slots": [["01:30", "02:30"], ["02:30", "03:30"], ["03:00", "04:00"]]}'
SELECT utc, pg_temp.at(:'rule', utc, 'America/New_York') FROM unnest('{2026-03-08 06:29:59,2026-03-08 06:30:00,2026-03-08 06:59:59,2026-03-08 07:00:00,2026-03-08 07:29:59,2026-03-08 07:30:00}'::text[]) AS utc;
SELECT utc, pg_temp.at(:'rule', utc, 'America/New_York') FROM unnest('{2026-11-01 05:29:59,2026-11-01 05:30:00,2026-11-01 06:30:00,2026-11-01 07:29:59,2026-11-01 07:30:00}'::text[]) AS utc;
-- Istanbul 2015-11-08 (04:00 back to 03:00), Tehran 2022-03-22 (00:00 on to 01:00).
SELECT utc, pg_temp.at(:'rule', utc, 'Europe/Istanbul') FROM unnest('{2015-11-07 23:29:59,2015-11-07 23:30:00,2015-11-08 00:29:59,2015-11-08 00:30:00}'::text[]) AS utc;
\set rule '{"types": ["RESERVED"], "days": ["2"], "slots": [["00:00", "01:00"], ["00:30", "02:00"], ["01:30", "02:00"]]}'
SELECT utc, pg_temp.at(:'rule', utc, 'Asia/Tehran') FROM unnest('{2022-03-21 20:29:59,2022-03-21 20:30:00,2022-03-21 20:59:59,2022-03-21 21:00:00}'::text[]) AS utc;

-- Rules that are refused say where.
CREATE FUNCTION pg_temp.refusal(rule text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.upsert_store(jsonb_build_object('merchantId', 'M053', 'storeId', 'S', 'name', 'S', 'rules', jsonb_build_array(rule::jsonb)));
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT rule, pg_temp.refusal('{"types": ["RESERVED"]}'::jsonb || rule::jsonb #>> '{}')
  FROM (VALUES ('{"slots": [["10:00", "12:00"]]}'), ('{"days": ["1"], "slots": [["25:00", "26:00"]]}'), ('{"days": ["1"], "slots": [["24:00", "02:00"]]}'),
               ('{"days": ["1"], "slots": [["9:00", "10:00"]]}'), ('{"days": ["1"], "slots": [["09:00"]]}'), ('{"days": ["0"]}'), ('{"days": ["8"]}'), ('{"days": []}'),
               ('{"capacity": -1}'), ('{"capacity": 1.5}'), ('{"cutoff": -1}'), ('{"types": []}'), ('{"time": {"slot": ["09:00", "10:00"]}}'),
               ('{"time": {"slot": ["09:00", "10:00"], "in": 0}}'), ('{"time": {"in": 5}}'), ('{"fee": -1}'), ('{"slot": []}')) AS t(rule);

DELETE FROM ganje.zone WHERE zone_id = '053';
DELETE FROM ganje.store WHERE merchant_id = 'M053';
DELETE FROM ganje.option;
