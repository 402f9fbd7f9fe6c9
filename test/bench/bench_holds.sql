-- What bench_holds takes units of: 1,000 slots, those of 20 merchants with one
-- small store each, 5 days of 10 slots; slot 0 is the hot one. The tables of
-- the ways that are not ours have the columns, keys and indexes of ours; only
-- what keeps a counter from being oversold is left out, or nobody could see
-- what the others do.

CREATE SCHEMA bench;
CREATE TABLE bench.slot_counter (LIKE ganje.slot_counter INCLUDING ALL) WITH (fillfactor = 70);
ALTER TABLE bench.slot_counter DROP CONSTRAINT never_oversold;
CREATE TABLE bench.hold (LIKE ganje.hold INCLUDING ALL);
CREATE TABLE bench.hold_unit (LIKE ganje.hold_unit INCLUDING ALL,
    FOREIGN KEY (merchant_id, hold_id) REFERENCES bench.hold ON DELETE CASCADE);

INSERT INTO ganje.zone (zone_id, name, fee, timezone) VALUES ('Z', 'bench', 9, '3');
INSERT INTO ganje.option (option_id, data) VALUES ('SHIPMENT', '{"days": 6}');
SELECT ganje.upsert_store(jsonb_build_object('merchantId', 'M' || m, 'storeId', 'S', 'name', 'S', 'rules', jsonb_build_array(
           jsonb_build_object('ruleId', 'cargo', 'types', '{CARGO}'::text[], 'fee', 3),
           jsonb_build_object('ruleId', 'slots', 'types', '{RESERVED}'::text[], 'fee', 5, 'capacity', 1, 'cutoff', 60,
               'days', '{1,2,3,4,5,6,7}'::text[],
               'slots', (SELECT jsonb_agg(jsonb_build_array(to_char(s, 'FM00') || ':00', to_char(s + 1, 'FM00') || ':00'))
                           FROM generate_series(10, 19) AS s)))))
  FROM generate_series(0, 19) AS m;

-- Nothing held, and so many units in every slot.
CREATE PROCEDURE bench.start_anew(units int) LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    TRUNCATE ganje.slot_counter, ganje.hold, ganje.hold_unit, bench.slot_counter, bench.hold, bench.hold_unit CASCADE;
    UPDATE ganje.store_rule SET capacity = units WHERE rule_id = 'slots';
    INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity)
    SELECT 'M' || m, 'S', 'slots', date '2026-11-23' + d, make_time(s, 0, 0), make_time(s + 1, 0, 0), 0, units
      FROM generate_series(0, 19) AS m, generate_series(0, 4) AS d, generate_series(10, 19) AS s;
    INSERT INTO bench.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity)
    SELECT merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity FROM ganje.slot_counter;
    ANALYZE ganje.slot_counter, bench.slot_counter;
END
$$;
