-- Capacity: counters of units taken, and holds that take them.
--
-- Lock order, everywhere: the hold's row, then rules (only for the first unit of
-- a counter, and when a capacity is changed), then counters in the order of
-- their key, then hold units. Nobody waits for a rule while holding a counter:
-- src/cart/take_hold.c. Expired units of other holds are taken back with SKIP
-- LOCKED, so that nobody ever waits for a unit while holding a counter; and so
-- confirm_hold, which has no need of counters while its units are its own, may
-- touch units first.

CREATE TABLE ganje.slot_counter (
    merchant_id text NOT NULL,
    store_id text NOT NULL,
    rule_id text NOT NULL,
    day date NOT NULL,
    slot_from time NOT NULL,
    slot_to time NOT NULL,
    used integer NOT NULL CHECK (used >= 0),
    capacity integer CHECK (capacity >= 0),
    kept integer,
    next_expiry timestamptz NOT NULL DEFAULT '-infinity',
    is_full boolean NOT NULL GENERATED ALWAYS AS (coalesce(used >= capacity, false)) STORED,
    PRIMARY KEY (merchant_id, store_id, rule_id, day, slot_from, slot_to),
    CONSTRAINT never_oversold CHECK (used <= greatest(capacity, kept))
) WITH (fillfactor = 70);
COMMENT ON TABLE ganje.slot_counter IS 'Units taken by live holds and confirmed orders per rule, date and slot.';
COMMENT ON COLUMN ganje.slot_counter.day IS 'local date of the slot; -infinity for ON_DEMAND, which counts unfinished shipments whatever the day';
COMMENT ON COLUMN ganje.slot_counter.capacity IS 'the rule''s capacity (NULL: no limit), brought here by a trigger, so that the counter alone says whether it is full';
COMMENT ON COLUMN ganje.slot_counter.kept IS 'units that are kept though the capacity was lowered below them; NULL: none';
COMMENT ON COLUMN ganje.slot_counter.next_expiry IS 'no unit that is held here expires before; infinity: none is held; -infinity: not known';
COMMENT ON COLUMN ganje.slot_counter.is_full IS 'no unit is left, but for those of expired holds';
-- On is_full, not on used: so an update of used stays on its page (HOT) until the counter is full.
CREATE INDEX slot_counter_full ON ganje.slot_counter (merchant_id, day) WHERE is_full;

-- What fills or frees is told to every backend, which keeps the full slots. The
-- conditions are short because every hold reads one anew.
CREATE FUNCTION ganje.counter_changed() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'gl_counter_changed';
COMMENT ON FUNCTION ganje.counter_changed() IS 'Trigger: tells every backend to read the full counters anew.';
CREATE TRIGGER slot_counter_new AFTER INSERT ON ganje.slot_counter
    FOR EACH ROW WHEN (NEW.is_full) EXECUTE FUNCTION ganje.counter_changed();
CREATE TRIGGER slot_counter_changed AFTER UPDATE ON ganje.slot_counter
    FOR EACH ROW WHEN (OLD.is_full OR NEW.is_full)
    EXECUTE FUNCTION ganje.counter_changed();
CREATE TRIGGER slot_counter_gone AFTER DELETE ON ganje.slot_counter
    FOR EACH ROW WHEN (OLD.is_full) EXECUTE FUNCTION ganje.counter_changed();
CREATE TRIGGER slot_counter_emptied AFTER TRUNCATE ON ganje.slot_counter
    FOR EACH STATEMENT EXECUTE FUNCTION ganje.counter_changed();
ALTER TABLE ganje.slot_counter ENABLE ALWAYS TRIGGER slot_counter_new;
ALTER TABLE ganje.slot_counter ENABLE ALWAYS TRIGGER slot_counter_changed;
ALTER TABLE ganje.slot_counter ENABLE ALWAYS TRIGGER slot_counter_gone;
ALTER TABLE ganje.slot_counter ENABLE ALWAYS TRIGGER slot_counter_emptied;

CREATE TABLE ganje.hold (
    merchant_id text NOT NULL DEFAULT 'DEFAULT',
    hold_id text NOT NULL DEFAULT ganje.ulid(),
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'confirmed', 'released')),
    cart_id text,
    zone_id text,
    order_id text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, hold_id),
    CHECK ((state = 'confirmed') = (order_id IS NOT NULL))
);
COMMENT ON TABLE ganje.hold IS 'Slots taken for a checkout. A hold in state "held" whose expires_at is past counts as free.';

CREATE TABLE ganje.hold_unit (
    merchant_id text NOT NULL,
    hold_id text NOT NULL,
    group_no integer NOT NULL CHECK (group_no >= 0),
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'confirmed', 'released', 'reclaimed')),
    store_merchant_id text NOT NULL,
    store_id text NOT NULL,
    rule_id text NOT NULL,
    type text NOT NULL,
    provider text,
    day date NOT NULL,
    slot_from time NOT NULL,
    slot_to time NOT NULL,
    promised_from timestamptz,
    promised_to timestamptz,
    fee numeric NOT NULL,
    items jsonb NOT NULL CHECK (jsonb_typeof(items) = 'array'),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, hold_id, group_no),
    FOREIGN KEY (merchant_id, hold_id) REFERENCES ganje.hold ON DELETE CASCADE
);
COMMENT ON TABLE ganje.hold_unit IS 'One group of a hold: the unit of capacity it has taken, and of whom.';
COMMENT ON COLUMN ganje.hold_unit.state IS 'held and confirmed units are counted in slot_counter; released and reclaimed ones no longer';
COMMENT ON COLUMN ganje.hold_unit.items IS '[{itemId, quantity, price, name}, …] as they were in the cart';
CREATE INDEX hold_unit_held ON ganje.hold_unit (store_merchant_id, store_id, rule_id, day, slot_from, slot_to, expires_at) WHERE state = 'held';

-- The owner's rights and a check of its own, because the units of a store may be held for another merchant's carts.
CREATE VIEW ganje.slot_usage WITH (security_barrier) AS
SELECT c.merchant_id, c.store_id, c.rule_id, nullif(c.day, '-infinity') AS day, c.slot_from, c.slot_to,
       r.capacity, c.used - e.expired AS used, e.live AS held, c.used - e.expired - e.live AS confirmed
  FROM ganje.slot_counter AS c
  LEFT JOIN ganje.store_rule AS r ON r.merchant_id = c.merchant_id AND r.store_id = c.store_id AND r.rule_id = c.rule_id
 CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE u.expires_at <= ganje.clock()))::integer AS expired,
           (count(*) FILTER (WHERE u.expires_at > ganje.clock()))::integer AS live
      FROM ganje.hold_unit AS u
     WHERE u.store_merchant_id = c.merchant_id AND u.store_id = c.store_id AND u.rule_id = c.rule_id AND u.day = c.day
       AND u.slot_from = c.slot_from AND u.slot_to = c.slot_to AND u.state = 'held') AS e
 WHERE ganje.may_see(c.merchant_id, 'fulfilment', 'operator');
COMMENT ON VIEW ganje.slot_usage IS 'Units used per rule, date and slot (used = held + confirmed; expired holds do not count), beside the rule''s capacity.';
COMMENT ON COLUMN ganje.slot_usage.day IS 'NULL for ON_DEMAND, which counts unfinished shipments whatever the day';

-- Takes back the units of expired holds on one counter. The caller has locked
-- nothing, or earlier counters in key order only; this locks the counter.
CREATE FUNCTION ganje.reclaim_expired(merchant text, store text, rule text, on_day date, from_time time, to_time time) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    reclaimed integer;
    expiry timestamptz;
    right_now timestamptz := ganje.clock();
BEGIN
    PERFORM 1 FROM ganje.slot_counter AS c
      WHERE c.merchant_id = merchant AND c.store_id = store AND c.rule_id = rule
        AND c.day = on_day AND c.slot_from = from_time AND c.slot_to = to_time FOR UPDATE;
    WITH expired AS (
        SELECT u.merchant_id, u.hold_id, u.group_no FROM ganje.hold_unit AS u
         WHERE u.store_merchant_id = merchant AND u.store_id = store AND u.rule_id = rule
           AND u.day = on_day AND u.slot_from = from_time AND u.slot_to = to_time
           AND u.state = 'held' AND u.expires_at <= right_now
           FOR UPDATE SKIP LOCKED)
    UPDATE ganje.hold_unit AS u SET state = 'reclaimed'
      FROM expired AS e
     WHERE u.merchant_id = e.merchant_id AND u.hold_id = e.hold_id AND u.group_no = e.group_no;
    GET DIAGNOSTICS reclaimed = ROW_COUNT;
    SELECT coalesce(min(u.expires_at), 'infinity') INTO expiry FROM ganje.hold_unit AS u
     WHERE u.store_merchant_id = merchant AND u.store_id = store AND u.rule_id = rule
       AND u.day = on_day AND u.slot_from = from_time AND u.slot_to = to_time AND u.state = 'held';
    UPDATE ganje.slot_counter AS c
       SET used = c.used - reclaimed, kept = CASE WHEN c.used - reclaimed > c.capacity THEN c.used - reclaimed END,
           next_expiry = expiry
     WHERE c.merchant_id = merchant AND c.store_id = store AND c.rule_id = rule
       AND c.day = on_day AND c.slot_from = from_time AND c.slot_to = to_time
       AND (reclaimed > 0 OR c.next_expiry <> expiry);
    RETURN reclaimed > 0;
END
$$;
COMMENT ON FUNCTION ganje.reclaim_expired(text, text, text, date, time, time) IS 'Frees the expired units on a counter; true where there were any.';

-- What asks for full slots looks for expired units only where there may be
-- some: this keeps such counters few. Nothing depends on it but time.
CREATE FUNCTION ganje.settle_counters(most integer DEFAULT 1000) RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    counter ganje.slot_counter;
    settled integer := 0;
BEGIN
    FOR counter IN SELECT * FROM ganje.slot_counter AS c
                    WHERE c.is_full AND c.next_expiry <= ganje.clock()
                    ORDER BY c.merchant_id COLLATE "C", c.store_id COLLATE "C", c.rule_id COLLATE "C", c.day, c.slot_from, c.slot_to
                    LIMIT most FOR UPDATE SKIP LOCKED LOOP
        PERFORM ganje.reclaim_expired(counter.merchant_id, counter.store_id, counter.rule_id, counter.day, counter.slot_from, counter.slot_to);
        settled := settled + 1;
    END LOOP;
    RETURN settled;
END
$$;
COMMENT ON FUNCTION ganje.settle_counters(integer) IS
'Takes back the expired units of full counters, as the next customer would, and answers how many counters; the worker calls it every minute.';

-- A copy's worker may have looked at a counter before the units on it came.
CREATE FUNCTION ganje.forget_expiries() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM 1 FROM ganje.slot_counter AS c WHERE c.is_full
      ORDER BY c.merchant_id COLLATE "C", c.store_id COLLATE "C", c.rule_id COLLATE "C", c.day, c.slot_from, c.slot_to
        FOR UPDATE;
    UPDATE ganje.slot_counter AS c SET next_expiry = '-infinity' WHERE c.is_full AND c.next_expiry <> '-infinity';
END
$$;
COMMENT ON FUNCTION ganje.forget_expiries() IS 'Has expired units looked for anew on every full counter.';

-- The counter decides, one row in one statement: src/cart/take_hold.c.
CREATE FUNCTION ganje.take_unit(unit ganje.hold_unit) RETURNS boolean
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'gl_take_unit';
COMMENT ON FUNCTION ganje.take_unit(ganje.hold_unit) IS 'Takes one unit of capacity, of an expired hold if need be; false where none is left.';

CREATE FUNCTION ganje.give_back_unit(unit ganje.hold_unit) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE ganje.slot_counter AS c
       SET used = c.used - 1, kept = CASE WHEN c.used - 1 > c.capacity THEN c.used - 1 END
     WHERE c.merchant_id = unit.store_merchant_id AND c.store_id = unit.store_id AND c.rule_id = unit.rule_id
       AND c.day = unit.day AND c.slot_from = unit.slot_from AND c.slot_to = unit.slot_to;
END;
COMMENT ON FUNCTION ganje.give_back_unit(ganje.hold_unit) IS 'Gives one unit of capacity back.';

-- The counter is locked before the unit: from then on nobody can reclaim the
-- unit under us, and nobody waits for a unit while holding a counter.
CREATE FUNCTION ganje.end_unit(unit ganje.hold_unit, from_state text, to_state text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM 1 FROM ganje.slot_counter AS c
      WHERE c.merchant_id = unit.store_merchant_id AND c.store_id = unit.store_id AND c.rule_id = unit.rule_id
        AND c.day = unit.day AND c.slot_from = unit.slot_from AND c.slot_to = unit.slot_to FOR UPDATE;
    UPDATE ganje.hold_unit AS u SET state = to_state
     WHERE u.merchant_id = unit.merchant_id AND u.hold_id = unit.hold_id AND u.group_no = unit.group_no
       AND u.state = from_state;
    IF FOUND THEN
        PERFORM ganje.give_back_unit(unit);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.end_unit(ganje.hold_unit, text, text) IS
'Gives the capacity of a unit back that is still in the state given, and moves it to another that is not counted.';

-- What is sold stays sold: a counter above a lowered capacity is full until
-- enough is given back. By statement, not by row: the counters of all rules
-- that it changes are locked in the order of their keys.
CREATE FUNCTION ganje.spread_capacity() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM 1 FROM changed AS r LEFT JOIN was USING (merchant_id, store_id, rule_id)
          WHERE was.rule_id IS NULL OR was.capacity IS DISTINCT FROM r.capacity;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM 1 FROM changed AS r
      JOIN ganje.slot_counter AS c ON c.merchant_id = r.merchant_id AND c.store_id = r.store_id AND c.rule_id = r.rule_id
       AND c.capacity IS DISTINCT FROM r.capacity
     ORDER BY c.merchant_id COLLATE "C", c.store_id COLLATE "C", c.rule_id COLLATE "C", c.day, c.slot_from, c.slot_to
       FOR UPDATE OF c;
    UPDATE ganje.slot_counter AS c
       SET capacity = r.capacity, kept = CASE WHEN c.used > r.capacity THEN c.used END
      FROM changed AS r
     WHERE c.merchant_id = r.merchant_id AND c.store_id = r.store_id AND c.rule_id = r.rule_id
       AND c.capacity IS DISTINCT FROM r.capacity;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.spread_capacity() IS 'Trigger: brings capacities to the counters of their rules, whatever they have sold.';
CREATE TRIGGER store_rule_capacity AFTER UPDATE ON ganje.store_rule
    REFERENCING OLD TABLE AS was NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ganje.spread_capacity();
-- A rule may have been deleted and come back, its counters still there.
CREATE TRIGGER store_rule_returned AFTER INSERT ON ganje.store_rule
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ganje.spread_capacity();

CREATE FUNCTION ganje.lock_hold(merchant text, hold text) RETURNS ganje.hold
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    found_hold ganje.hold;
BEGIN
    SELECT * INTO found_hold FROM ganje.hold AS h WHERE h.merchant_id = merchant AND h.hold_id = hold FOR UPDATE;
    IF NOT FOUND THEN
        RAISE no_data_found USING MESSAGE = format('hold %L of merchant %L does not exist', hold, merchant),
            HINT = 'hold_slot answers the holdId.';
    END IF;
    RETURN found_hold;
END
$$;
COMMENT ON FUNCTION ganje.lock_hold(text, text) IS 'A hold, its row locked; raises where there is none.';

CREATE FUNCTION ganje.retake_hold(the_hold ganje.hold) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    unit ganje.hold_unit;
BEGIN
    FOR unit IN SELECT * FROM ganje.hold_unit AS u
                 WHERE u.merchant_id = the_hold.merchant_id AND u.hold_id = the_hold.hold_id AND u.state <> 'confirmed'
                 ORDER BY u.store_merchant_id COLLATE "C", u.store_id COLLATE "C", u.rule_id COLLATE "C", u.day, u.slot_from, u.slot_to LOOP
        PERFORM ganje.end_unit(unit, 'held', 'reclaimed');
        IF NOT ganje.take_unit(unit) THEN
            RAISE object_not_in_prerequisite_state
                USING MESSAGE = format('hold %L has expired and its slot is full', the_hold.hold_id),
                      DETAIL = format('%s, store %L, rule %L',
                                      CASE WHEN unit.day = '-infinity' THEN unit.type
                                           ELSE to_char(unit.day, 'YYYY-MM-DD') || to_char(unit.slot_from, ' HH24:MI')
                                                || to_char(unit.slot_to, '–HH24:MI') END, unit.store_id, unit.rule_id),
                      HINT = 'Ask the customer to choose another slot.';
        END IF;
        UPDATE ganje.hold_unit AS u SET state = 'confirmed'
         WHERE u.merchant_id = unit.merchant_id AND u.hold_id = unit.hold_id AND u.group_no = unit.group_no;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.retake_hold(ganje.hold) IS
'Takes the units of an expired hold that are not confirmed again and confirms them, all or, raising, none.';

CREATE FUNCTION ganje.bind_hold(hold_id text, order_id text, merchant_id text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    the_hold ganje.hold := ganje.lock_hold(bind_hold.merchant_id, bind_hold.hold_id);
BEGIN
    IF coalesce(bind_hold.order_id, '') = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'order_id is missing';
    END IF;
    IF the_hold.state = 'confirmed' AND the_hold.order_id IS DISTINCT FROM bind_hold.order_id THEN
        RAISE object_not_in_prerequisite_state
            USING MESSAGE = format('hold %L is confirmed for another order', the_hold.hold_id);
    ELSIF the_hold.state = 'released' THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('hold %L has been released', the_hold.hold_id),
            HINT = 'Hold a slot anew.';
    ELSIF the_hold.state = 'held' THEN
        IF the_hold.expires_at > ganje.clock() THEN
            UPDATE ganje.hold_unit AS u SET state = 'confirmed'
             WHERE u.merchant_id = the_hold.merchant_id AND u.hold_id = the_hold.hold_id AND u.state = 'held';
        END IF;
        -- Whatever the clock said: a unit that somebody else has taken as expired is ours no longer.
        IF EXISTS (SELECT FROM ganje.hold_unit AS u
                    WHERE u.merchant_id = the_hold.merchant_id AND u.hold_id = the_hold.hold_id AND u.state <> 'confirmed') THEN
            PERFORM ganje.retake_hold(the_hold);
        END IF;
        UPDATE ganje.hold AS h SET state = 'confirmed', order_id = bind_hold.order_id
         WHERE h.merchant_id = the_hold.merchant_id AND h.hold_id = the_hold.hold_id;
    END IF;
    RETURN jsonb_build_object('confirmed', true, 'holdId', the_hold.hold_id, 'orderId', bind_hold.order_id);
END
$$;
COMMENT ON FUNCTION ganje.bind_hold(text, text, text) IS 'What confirm_hold does, for an order''s row as well, whoever writes it.';

CREATE FUNCTION ganje.confirm_hold(hold_id text, order_id text, merchant_id text DEFAULT 'DEFAULT') RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM ganje.check_merchant(confirm_hold.merchant_id, 'checkout', 'fulfilment');
    RETURN ganje.bind_hold(confirm_hold.hold_id, confirm_hold.order_id, confirm_hold.merchant_id);
END
$$;
COMMENT ON FUNCTION ganje.confirm_hold(text, text, text) IS
'Makes a hold an order''s for good; an expired one only if its units can be taken again, else it raises. Calling it again for the same order changes nothing.';

CREATE FUNCTION ganje.release_hold(hold_id text, merchant_id text DEFAULT 'DEFAULT') RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_hold ganje.hold;
    unit ganje.hold_unit;
BEGIN
    PERFORM ganje.check_merchant(release_hold.merchant_id, 'checkout', 'fulfilment');
    the_hold := ganje.lock_hold(release_hold.merchant_id, release_hold.hold_id);
    IF the_hold.state = 'confirmed' THEN
        RAISE object_not_in_prerequisite_state
            USING MESSAGE = format('hold %L is confirmed for order %L', the_hold.hold_id, the_hold.order_id),
                  HINT = 'Cancel the order''s shipment to give its slot back.';
    END IF;
    IF the_hold.state = 'held' THEN
        FOR unit IN SELECT * FROM ganje.hold_unit AS u
                     WHERE u.merchant_id = the_hold.merchant_id AND u.hold_id = the_hold.hold_id
                     ORDER BY u.store_merchant_id COLLATE "C", u.store_id COLLATE "C", u.rule_id COLLATE "C", u.day, u.slot_from, u.slot_to LOOP
            PERFORM ganje.end_unit(unit, 'held', 'released');
        END LOOP;
        UPDATE ganje.hold AS h SET state = 'released'
         WHERE h.merchant_id = the_hold.merchant_id AND h.hold_id = the_hold.hold_id;
    END IF;
    RETURN jsonb_build_object('released', true, 'holdId', the_hold.hold_id);
END
$$;
COMMENT ON FUNCTION ganje.release_hold(text, text) IS 'Gives the slots of a hold back; calling it again changes nothing, a confirmed hold is refused.';

-- What hold_slot does once the groups have their stores and rules.
CREATE FUNCTION ganje.take_hold(merchant text, cart text, zone text, units ganje.hold_unit[]) RETURNS jsonb
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_take_hold';
COMMENT ON FUNCTION ganje.take_hold(text, text, text, ganje.hold_unit[]) IS 'Takes units in key order, or none of them, and answers as hold_slot does.';

SELECT pg_catalog.pg_extension_config_dump('ganje.slot_counter', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.hold', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.hold_unit', '');
