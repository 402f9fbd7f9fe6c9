-- The ways to take one unit of a slot that bench_pools compares: 1,001
-- counters, number 0 is the hot one.
CREATE TABLE bench.plain (slot_id int PRIMARY KEY, used int NOT NULL, capacity int NOT NULL) WITH (fillfactor = 70);
CREATE TABLE bench.plain_hold (hold_id text PRIMARY KEY, slot_id int NOT NULL, items jsonb NOT NULL, expires_at timestamptz NOT NULL);

CREATE FUNCTION bench.start_hold(room int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE bench.plain, bench.plain_hold, ganje.slot_counter, ganje.hold, ganje.hold_unit;
    INSERT INTO bench.plain SELECT n, 0, room FROM generate_series(0, 1000) AS n;
    DELETE FROM ganje.store WHERE merchant_id = 'HOLD';
    INSERT INTO ganje.store (merchant_id, store_id, name) VALUES ('HOLD', 'S', 'S');
    INSERT INTO ganje.store_rule (merchant_id, store_id, rule_id, types, capacity)
    SELECT 'HOLD', 'S', 'r' || n, '{RESERVED}', room FROM generate_series(0, 1000) AS n;
    INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity)
    SELECT 'HOLD', 'S', 'r' || n, '2026-12-01', '10:00', '12:00', 0, room FROM generate_series(0, 1000) AS n;
END
$$;

-- The floor: what any hold must do, in two statements of one transaction's function.
CREATE FUNCTION bench.bare(slot int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bench.plain SET used = used + 1 WHERE slot_id = slot AND used < capacity;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO bench.plain_hold VALUES (ganje.ulid(), slot, '[{"itemId": "a", "quantity": 1}]', clock_timestamp() + interval '5 min');
    RETURN true;
END
$$;
CREATE FUNCTION bench.check_then_insert(slot int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM bench.plain_hold AS h WHERE h.slot_id = slot) >= (SELECT p.capacity FROM bench.plain AS p WHERE p.slot_id = slot) THEN
        RETURN false;
    END IF;
    INSERT INTO bench.plain_hold VALUES (ganje.ulid(), slot, '[{"itemId": "a", "quantity": 1}]', clock_timestamp() + interval '5 min');
    RETURN true;
END
$$;
CREATE INDEX ON bench.plain_hold (slot_id);
CREATE FUNCTION bench.advisory(slot int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(4711, slot);
    RETURN bench.check_then_insert(slot);
END
$$;
CREATE FUNCTION bench.take(slot int) RETURNS boolean LANGUAGE sql AS $$
    SELECT (ganje.take_hold('HOLD', NULL, NULL, jsonb_build_array(jsonb_build_object('group_no', 0, 'store_merchant_id', 'HOLD', 'store_id', 'S',
        'rule_id', 'r' || slot, 'type', 'RESERVED', 'day', '2026-12-01', 'slot_from', '10:00', 'slot_to', '12:00', 'fee', 1,
        'items', '[{"itemId": "a", "quantity": 1}]'::jsonb))) ->> 'held')::boolean
$$;
