-- Shipments: rows, their items, parcels and journey, and how a carrier's word
-- moves them.

CREATE TABLE ganje.shipment (
    merchant_id text NOT NULL DEFAULT 'DEFAULT' CHECK (merchant_id <> ''),
    shipment_id text NOT NULL DEFAULT ganje.ulid() CHECK (shipment_id <> ''),
    order_id text NOT NULL CHECK (order_id <> ''),
    store_merchant_id text,
    store_id text,
    rule_id text,
    hold_id text,
    group_no integer,
    type text,
    provider text,
    zone_id text,
    day date,
    slot_from time,
    slot_to time,
    promised_from timestamptz,
    promised_to timestamptz,
    fee numeric CHECK (fee >= 0 AND fee < 'Infinity'),
    status text NOT NULL DEFAULT ganje.first_status(),
    normalized_status text NOT NULL DEFAULT 'pending' CHECK (ganje.normalized_rank(normalized_status) IS NOT NULL),
    address jsonb,
    recipient text,
    phone text,
    note text,
    account_id text REFERENCES ganje.carrier_account,
    external_id text,
    order_link text,
    tracking_url text,
    tracking_number text,
    waybill_url text,
    courier_name text,
    boxes text[],
    station jsonb,
    selection jsonb,
    expected_check_in timestamptz,
    expected_check_out timestamptz,
    expected_duration text,
    expires_at timestamptz,
    cannot_cancel boolean NOT NULL DEFAULT false,
    data jsonb NOT NULL DEFAULT '{}',
    made_by text REFERENCES ganje.carrier,
    told jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    enqueued_at timestamptz,
    cancel_requested_at timestamptz,
    cancel_reason text,
    PRIMARY KEY (merchant_id, shipment_id),
    FOREIGN KEY (merchant_id, hold_id, group_no) REFERENCES ganje.hold_unit (merchant_id, hold_id, group_no),
    CHECK (account_id IS NULL OR external_id IS NOT NULL)
);
COMMENT ON TABLE ganje.shipment IS 'One group of one order on its way.';
COMMENT ON COLUMN ganje.shipment.store_merchant_id IS 'merchant of the store; in a marketplace''s cart it may differ from the order''s';
COMMENT ON COLUMN ganje.shipment.status IS 'of option SHIPMENT_STATUSES';
COMMENT ON COLUMN ganje.shipment.normalized_status IS 'the same words for every carrier: see ganje.normalized_rank';
COMMENT ON COLUMN ganje.shipment.account_id IS 'carrier account that carries it, NULL: nobody is told';
COMMENT ON COLUMN ganje.shipment.external_id IS 'our id of it at the carrier';
COMMENT ON COLUMN ganje.shipment.order_link IS 'Ganje: the page where the customer chooses locker and time';
COMMENT ON COLUMN ganje.shipment.made_by IS 'carrier whose webhook made it; NULL: an order';
COMMENT ON COLUMN ganje.shipment.told IS 'per field, as of when a carrier said it, where its messages say so: {field: {asOf, value}}, see ganje.apply_dated_patch';
COMMENT ON COLUMN ganje.shipment.station IS 'where it is collected, with every key of the station that is known (see ganje.station)';
COMMENT ON COLUMN ganje.shipment.selection IS 'Ganje: what the plugin returned to the customer''s page, as it came';
COMMENT ON COLUMN ganje.shipment.expected_check_in IS 'when it is expected in the locker; the carrier''s word goes before the customer''s selection';
COMMENT ON COLUMN ganje.shipment.expected_duration IS 'as the selection names it: its unit is not documented';
COMMENT ON COLUMN ganje.shipment.expires_at IS 'until when the recipient must have collected it; NULL while nothing waits to be collected';
COMMENT ON COLUMN ganje.shipment.cancel_requested_at IS 'since when the carrier shall not carry it: what it reserves afterwards is cancelled as well';
COMMENT ON COLUMN ganje.shipment.enqueued_at IS 'when its first request was put into the outbox; a row that brings one (from a dump) enqueues nothing';
-- Never merchant_id alone in front: on a table without statistics the planner
-- would take such an index for a key lookup, and read a merchant's every row.
CREATE UNIQUE INDEX one_shipment_per_group ON ganje.shipment (hold_id, group_no, merchant_id) WHERE hold_id IS NOT NULL;
CREATE INDEX shipment_order ON ganje.shipment (order_id, merchant_id);
CREATE UNIQUE INDEX one_shipment_per_making ON ganje.shipment (external_id, made_by, merchant_id, (coalesce(account_id, '')))
    WHERE made_by IS NOT NULL;
CREATE INDEX shipment_external ON ganje.shipment (external_id, account_id) WHERE account_id IS NOT NULL;

CREATE TABLE ganje.shipment_item (
    merchant_id text NOT NULL,
    shipment_id text NOT NULL,
    item_id text NOT NULL CHECK (item_id <> ''),
    position integer NOT NULL DEFAULT 0,
    quantity numeric NOT NULL CHECK (quantity > 0 AND quantity < 'Infinity'),
    price numeric CHECK (price >= 0 AND price < 'Infinity'),
    name text,
    data jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (merchant_id, shipment_id, item_id),
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES ganje.shipment ON DELETE CASCADE
);
COMMENT ON TABLE ganje.shipment_item IS 'Items of shipments.';

CREATE TABLE ganje.shipment_parcel (
    merchant_id text NOT NULL,
    shipment_id text NOT NULL,
    parcel_ref text NOT NULL, -- empty where the carrier knows no parcels
    carrier_status text NOT NULL,
    normalized_status text NOT NULL CHECK (ganje.normalized_rank(normalized_status) IS NOT NULL),
    rank integer NOT NULL,
    checked_in_at timestamptz,
    checked_out_at timestamptz,
    expires_at timestamptz,
    cancel_asked_at timestamptz,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, shipment_id, parcel_ref),
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES ganje.shipment ON DELETE CASCADE
);
COMMENT ON TABLE ganje.shipment_parcel IS 'What the carrier last said of each parcel of a shipment.';
COMMENT ON COLUMN ganje.shipment_parcel.parcel_ref IS 'the carrier''s id of the parcel (Ganje: uuid)';
COMMENT ON COLUMN ganje.shipment_parcel.expires_at IS 'until when it must be collected; NULL where it never waited to be';
COMMENT ON COLUMN ganje.shipment_parcel.cancel_asked_at IS 'when the carrier was last asked to cancel it';
CREATE INDEX shipment_parcel_waiting ON ganje.shipment_parcel (expires_at)
    WHERE normalized_status IN ('ready_for_pickup', 'pickup_expired');

CREATE TABLE ganje.shipment_event (
    merchant_id text NOT NULL,
    shipment_id text NOT NULL,
    event_id text NOT NULL DEFAULT ganje.ulid(),
    previous_status text,
    status text NOT NULL,
    previous_normalized_status text,
    normalized_status text NOT NULL,
    carrier_status text,
    source text NOT NULL,
    jump boolean NOT NULL DEFAULT false,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (merchant_id, shipment_id, event_id),
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES ganje.shipment ON DELETE CASCADE
);
COMMENT ON TABLE ganje.shipment_event IS 'The journey: every step that was accepted.';
COMMENT ON COLUMN ganje.shipment_event.source IS 'who said so: "order", "app", or the name of a carrier';
COMMENT ON COLUMN ganje.shipment_event.jump IS 'the step skips or goes back over statuses, which only a carrier''s word may do';
COMMENT ON COLUMN ganje.shipment_event.occurred_at IS 'when it happened by the source''s own word, else when it was recorded';

-- Ordinal of a status in SHIPMENT_STATUSES, NULL where the option does not list it.
-- PL/pgSQL, because its plan is kept over calls; the worker asks for every answer.
CREATE FUNCTION ganje.status_place(status text) RETURNS integer
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT t.place
              FROM jsonb_array_elements(ganje.option_data('SHIPMENT_STATUSES')) WITH ORDINALITY AS t(value, place)
             WHERE t.value ->> 'status' = status_place.status);
END
$$;
COMMENT ON FUNCTION ganje.status_place(text) IS 'Place of a status in option SHIPMENT_STATUSES, NULL where it is not listed.';

-- Shipments of an order, and of an external id, are cancelled one after
-- another in one transaction. Each in the order of its shipments, two of them
-- would wait for each other's counters, and so would a hold of several slots;
-- in the order of the counters' keys, as holds lock them, they do not.
CREATE FUNCTION ganje.lock_counters(the_shipment ganje.shipment) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM 1 FROM ganje.slot_counter AS c
      JOIN (SELECT DISTINCT u.store_merchant_id, u.store_id, u.rule_id, u.day, u.slot_from, u.slot_to
              FROM (SELECT s.merchant_id, s.hold_id, s.group_no FROM ganje.shipment AS s
                     WHERE s.order_id = the_shipment.order_id AND s.merchant_id = the_shipment.merchant_id
                     UNION
                    SELECT t.merchant_id, t.hold_id, t.group_no FROM ganje.shipment AS s
                      JOIN ganje.shipment AS t ON t.external_id = s.external_id AND t.account_id = s.account_id AND t.merchant_id = s.merchant_id
                     WHERE s.order_id = the_shipment.order_id AND s.merchant_id = the_shipment.merchant_id) AS s
              JOIN ganje.hold_unit AS u ON u.merchant_id = s.merchant_id AND u.hold_id = s.hold_id AND u.group_no = s.group_no) AS k
        ON c.merchant_id = k.store_merchant_id AND c.store_id = k.store_id AND c.rule_id = k.rule_id
       AND c.day = k.day AND c.slot_from = k.slot_from AND c.slot_to = k.slot_to
     ORDER BY c.merchant_id COLLATE "C", c.store_id COLLATE "C", c.rule_id COLLATE "C", c.day, c.slot_from, c.slot_to
       FOR UPDATE OF c;
END
$$;
COMMENT ON FUNCTION ganje.lock_counters(ganje.shipment) IS
'Locks the counters of the slots of a shipment''s order, and of what is one with it to a carrier, in the order of their keys.';

-- Gives the unit of capacity back that a shipment no longer needs: cancelled,
-- or, for ON_DEMAND, which counts unfinished shipments, finished.
CREATE FUNCTION ganje.release_capacity(the_shipment ganje.shipment) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    unit ganje.hold_unit;
BEGIN
    IF the_shipment.hold_id IS NULL OR the_shipment.normalized_status NOT IN ('delivered', 'return_to_sender', 'cancelled')
       OR (the_shipment.type IS DISTINCT FROM 'ON_DEMAND' AND the_shipment.normalized_status <> 'cancelled') THEN
        RETURN;
    END IF;
    PERFORM ganje.lock_counters(the_shipment);
    SELECT * INTO unit FROM ganje.hold_unit AS u
     WHERE u.merchant_id = the_shipment.merchant_id AND u.hold_id = the_shipment.hold_id AND u.group_no = the_shipment.group_no;
    PERFORM ganje.end_unit(unit, 'confirmed', 'released');
END
$$;
COMMENT ON FUNCTION ganje.release_capacity(ganje.shipment) IS 'Gives the capacity of a cancelled, or finished ON_DEMAND, shipment back.';

-- Without the time of its check-in a parcel is in there since we heard of it;
-- what has expired already has no deadline to come.
CREATE FUNCTION ganje.collect_until(normalized_status text, patch jsonb) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN coalesce((patch ->> 'checkedInAt')::timestamptz, CASE WHEN normalized_status = 'ready_for_pickup' THEN pg_catalog.now() END)
    + (patch ->> 'collectWithin')::interval;
COMMENT ON FUNCTION ganje.collect_until(text, jsonb) IS 'Until when a parcel must be collected, by a carrier''s patch that says how long it may wait; NULL where it does not.';

-- What the carrier says of one parcel. Answers the parcel's mapping if this is
-- news, NULL if a later word is known already.
CREATE FUNCTION ganje.note_parcel(the_shipment ganje.shipment, mapping ganje.status_mapping, patch jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    noted boolean;
BEGIN
    INSERT INTO ganje.shipment_parcel AS p
        (merchant_id, shipment_id, parcel_ref, carrier_status, normalized_status, rank, checked_in_at, checked_out_at, expires_at,
         updated_at)
    VALUES (the_shipment.merchant_id, the_shipment.shipment_id, coalesce(patch ->> 'parcel', ''), mapping.carrier_status,
            mapping.normalized_status, mapping.rank, (patch ->> 'checkedInAt')::timestamptz,
            (patch ->> 'checkedOutAt')::timestamptz, ganje.collect_until(mapping.normalized_status, patch), pg_catalog.now())
    ON CONFLICT (merchant_id, shipment_id, parcel_ref) DO UPDATE
       SET carrier_status = excluded.carrier_status, normalized_status = excluded.normalized_status, rank = excluded.rank,
           checked_in_at = coalesce(excluded.checked_in_at, p.checked_in_at),
           checked_out_at = coalesce(excluded.checked_out_at, p.checked_out_at),
           expires_at = CASE WHEN excluded.checked_in_at IS NOT NULL THEN coalesce(excluded.expires_at, p.expires_at)
                             ELSE coalesce(p.expires_at, excluded.expires_at) END,
           updated_at = excluded.updated_at
     WHERE excluded.rank >= p.rank
    RETURNING true INTO noted;
    RETURN coalesce(noted, false);
END
$$;
COMMENT ON FUNCTION ganje.note_parcel(ganje.shipment, ganje.status_mapping, jsonb) IS
'Notes a carrier''s word on a parcel; false where a word of higher rank is known already.';

-- A patch is what a carrier's function says of a shipment: plain fields, and,
-- with carrierStatus, a step of its journey. Answers applied, stale or
-- unknown_status. A carrier's word is a fact: it moves the shipment whatever
-- linearStatuses says, and the journey marks the jump. The journey also tells
-- "via" what it is known (webhook, poll, answer), and whatever is in "detail",
-- which makes it a step even without a status. "collectWithin" is how long a
-- parcel waits to be collected; what cancelling needs is at pursue_cancel.
CREATE FUNCTION ganje.apply_patch(merchant text, shipment text, carrier text, patch jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    before ganje.shipment;
    after ganje.shipment;
    mapping ganje.status_mapping;
    least ganje.shipment_parcel;
    known ganje.shipment_parcel;
    repeated boolean := false;
    deadline timestamptz;
    joined jsonb;
BEGIN
    SELECT * INTO STRICT before FROM ganje.shipment AS s
     WHERE s.merchant_id = merchant AND s.shipment_id = shipment FOR UPDATE;
    IF patch ->> 'asOf' IS NOT NULL THEN
        RETURN ganje.apply_dated_patch(before, carrier, patch);
    ELSIF patch ->> 'carrierStatus' IS NOT NULL THEN
        mapping := ganje.map_status(carrier, patch ->> 'entity', patch ->> 'carrierStatus');
        IF mapping.carrier IS NULL AND patch ? 'polled' THEN
            -- A webhook waits in quarantine for its mapping; the answer to a poll has nowhere to wait.
            mapping := ganje.meaning(carrier, patch ->> 'entity', patch ->> 'carrierStatus');
        END IF;
        SELECT * INTO known FROM ganje.shipment_parcel AS p
         WHERE p.merchant_id = merchant AND p.shipment_id = shipment AND p.parcel_ref = coalesce(patch ->> 'parcel', '');
        -- A word that says nothing new does not undo what people have done since it was news.
        repeated := coalesce((known.carrier_status, known.normalized_status) = (mapping.carrier_status, mapping.normalized_status), false);
        IF mapping.carrier IS NULL THEN
            RETURN 'unknown_status';
        ELSIF NOT ganje.note_parcel(before, mapping, patch) THEN
            RETURN 'stale';
        END IF;
        SELECT * INTO least FROM ganje.shipment_parcel AS p
         WHERE p.merchant_id = merchant AND p.shipment_id = shipment
         ORDER BY ganje.normalized_rank(p.normalized_status), p.rank LIMIT 1;
        mapping := ganje.meaning(carrier, patch ->> 'entity', least.carrier_status);
        SELECT min(p.expires_at) INTO deadline FROM ganje.shipment_parcel AS p
         WHERE p.merchant_id = merchant AND p.shipment_id = shipment
           AND p.normalized_status IN ('ready_for_pickup', 'pickup_expired');
    END IF;
    joined := before.station;
    IF patch ? 'station' THEN
        joined := ganje.joined_station(before.station, ganje.note_station(carrier, patch -> 'station', true));
    END IF;
    UPDATE ganje.shipment AS s
       SET normalized_status = CASE WHEN repeated THEN s.normalized_status
                                    ELSE coalesce(mapping.normalized_status, s.normalized_status) END,
           status = CASE WHEN repeated OR ganje.status_place(mapping.shipment_status) IS NULL THEN s.status
                         ELSE mapping.shipment_status END,
           order_link = coalesce(patch ->> 'orderLink', s.order_link),
           tracking_url = coalesce(patch ->> 'trackingUrl', s.tracking_url),
           tracking_number = coalesce(patch ->> 'trackingNumber', s.tracking_number),
           waybill_url = coalesce(patch ->> 'waybillUrl', s.waybill_url),
           courier_name = coalesce(patch ->> 'courierName', s.courier_name),
           station = joined,
           expected_check_in = coalesce((patch ->> 'expectedCheckIn')::timestamptz, s.expected_check_in),
           expected_check_out = coalesce((patch ->> 'expectedCheckOut')::timestamptz, s.expected_check_out),
           expires_at = CASE WHEN mapping.carrier IS NULL THEN s.expires_at ELSE deadline END,
           data = s.data || coalesce(patch -> 'data', '{}'),
           updated_at = pg_catalog.now()
     WHERE s.merchant_id = merchant AND s.shipment_id = shipment
    RETURNING * INTO after;
    -- The same status once more, with other times, is no step.
    IF patch ->> 'carrierStatus' <> coalesce(known.carrier_status, '') OR patch ? 'detail' THEN
        PERFORM ganje.append_event(before, after, carrier, patch);
    END IF;
    IF patch ->> 'via' = 'webhook' THEN
        PERFORM ganje.put_off_poll(after);
    END IF;
    IF after.cancel_requested_at IS NOT NULL THEN
        PERFORM ganje.pursue_cancel(after, carrier, patch);
    END IF;
    RETURN 'applied';
END
$$;
COMMENT ON FUNCTION ganje.apply_patch(text, text, text, jsonb) IS
'Applies what a carrier says of a shipment; answers applied, stale or unknown_status.';

CREATE FUNCTION ganje.append_event(before ganje.shipment, after ganje.shipment, source text, patch jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    INSERT INTO ganje.shipment_event
        (merchant_id, shipment_id, previous_status, status, previous_normalized_status, normalized_status,
         carrier_status, source, jump, occurred_at, detail)
    VALUES (after.merchant_id, after.shipment_id, before.status, after.status, before.normalized_status,
            after.normalized_status, patch ->> 'carrierStatus', source,
            source NOT IN ('app', 'order') AND after.status <> before.status
            AND ganje.status_place(after.status) - ganje.status_place(before.status) IS DISTINCT FROM 1,
            coalesce((patch ->> 'occurredAt')::timestamptz, pg_catalog.now()),
            jsonb_strip_nulls(jsonb_build_object('parcel', patch -> 'parcel', 'stale', patch -> 'stale', 'via', patch -> 'via'))
            || coalesce(patch -> 'detail', '{}'));
    IF after.normalized_status <> before.normalized_status THEN
        PERFORM ganje.release_capacity(after);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.append_event(ganje.shipment, ganje.shipment, text, jsonb) IS 'Appends a step to a shipment''s journey and gives back capacity that it no longer needs.';

CREATE FUNCTION ganje.shipment_begin() RETURNS trigger
LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS 'MODULE_PATHNAME', 'gl_shipment_begin';
COMMENT ON FUNCTION ganje.shipment_begin() IS 'Trigger: the journey of a new shipment begins, and its carrier is told.';

CREATE FUNCTION ganje.shipment_stamp() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.enqueued_at := pg_catalog.now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ganje.shipment_stamp() IS 'Trigger: stamps a new shipment, so that its row in a dump enqueues nothing when it is restored.';
CREATE TRIGGER shipment_stamp BEFORE INSERT ON ganje.shipment
    FOR EACH ROW WHEN (NEW.enqueued_at IS NULL) EXECUTE FUNCTION ganje.shipment_stamp();
-- Only a row stamped in this very transaction is new.
CREATE TRIGGER shipment_enqueue AFTER INSERT ON ganje.shipment
    FOR EACH ROW WHEN (NEW.enqueued_at = pg_catalog.now()) EXECUTE FUNCTION ganje.shipment_begin();

SELECT pg_catalog.pg_extension_config_dump('ganje.shipment', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.shipment_item', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.shipment_parcel', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.shipment_event', '');
