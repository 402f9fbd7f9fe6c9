-- Smart lockers: what the customer chose on Ganje's page, and what waits to be
-- collected from a locker.

CREATE FUNCTION ganje.check_selection(selection jsonb) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    path text[];
    value jsonb;
BEGIN
    IF jsonb_typeof(selection) IS DISTINCT FROM 'object' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'selection must be an object',
            HINT = 'Pass what the plugin gave to returnSelectedGanje: {"selectedStation": {…}, "selectedTimeScope": {…}}.';
    ELSIF ganje.is_too_large(selection::text) THEN
        RAISE program_limit_exceeded USING MESSAGE = 'selection is larger than ganje_logistics.webhook_max_bytes';
    END IF;
    FOREACH path SLICE 1 IN ARRAY '{{selectedStation},{selectedTimeScope}}'::text[] LOOP
        IF jsonb_typeof(selection #> path) IS DISTINCT FROM 'object' THEN
            RAISE invalid_parameter_value USING MESSAGE = format('selection.%s must be an object', path[1]);
        END IF;
    END LOOP;
    FOREACH path SLICE 1 IN ARRAY '{{selectedStation,uuid},{selectedStation,nickname},{selectedStation,address},{selectedStation,location},
                                    {selectedTimeScope,expected_check_in},{selectedTimeScope,expected_duration}}'::text[] LOOP
        value := coalesce(selection #> path, 'null');
        IF value <> 'null' AND jsonb_typeof(value) <> 'string' AND NOT (path[2] = 'expected_duration' AND jsonb_typeof(value) = 'number') THEN
            RAISE invalid_parameter_value USING MESSAGE = format('selection.%s.%s must be a text', path[1], path[2]);
        END IF;
    END LOOP;
    IF coalesce(selection #>> '{selectedStation,uuid}', '') !~ '^.{1,200}$' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'selection.selectedStation.uuid must be a text of 1 to 200 characters',
            HINT = 'It names the station that the customer selected.';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_selection(jsonb) IS 'Raises, naming the JSON path, unless this is what Ganje''s plugin returns; further keys are let pass.';

CREATE FUNCTION ganje.selection_account(external_id text, merchant_id text, account text) RETURNS ganje.carrier_account
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    accounts text[];
BEGIN
    SELECT array_agg(DISTINCT s.account_id) INTO accounts
      FROM ganje.shipment AS s JOIN ganje.carrier_account AS a ON a.account_id = s.account_id AND a.carrier = 'ganje'
     WHERE s.external_id = selection_account.external_id AND s.merchant_id = selection_account.merchant_id
       AND (account IS NULL OR s.account_id = account);
    IF accounts IS NULL THEN
        RAISE no_data_found USING MESSAGE = format('no shipment has external id %L at an account of carrier ganje', external_id),
            HINT = 'external_id is what the pre-order was made with: shipment.external_id, by default the order''s id.';
    ELSIF cardinality(accounts) > 1 THEN
        RAISE cardinality_violation USING MESSAGE = format('shipments of %s accounts have external id %L', cardinality(accounts), external_id),
            HINT = 'Name the account in the fourth argument.';
    END IF;
    RETURN ganje.find_account(accounts[1]);
END
$$;
COMMENT ON FUNCTION ganje.selection_account(text, text, text) IS 'The one Ganje account at which a merchant''s shipments have an external id; raises where there is none, or more.';

-- Station and time are the customer's word until the carrier has given its own:
-- from then on they only fill what the carrier left open.
CREATE FUNCTION ganje.apply_selection(before ganje.shipment, selection jsonb, timezone text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    after ganje.shipment := before;
    station jsonb := ganje.note_station('ganje', selection -> 'selectedStation', false);
    expected timestamptz := ganje.readable_time(selection #>> '{selectedTimeScope,expected_check_in}', timezone);
    is_told boolean := EXISTS (SELECT FROM ganje.shipment_parcel AS p
                                WHERE p.merchant_id = before.merchant_id AND p.shipment_id = before.shipment_id);
BEGIN
    IF before.normalized_status IN ('delivered', 'return_to_sender', 'cancelled') THEN
        RAISE object_not_in_prerequisite_state
            USING MESSAGE = format('shipment %L is finished (%s)', before.shipment_id, before.normalized_status),
                  HINT = 'A locker can only be selected for a shipment that is still to come.';
    END IF;
    after.station := CASE WHEN is_told THEN coalesce(before.station, station) ELSE ganje.joined_station(before.station, station) END;
    after.expected_check_in := CASE WHEN is_told THEN coalesce(before.expected_check_in, expected) ELSE expected END;
    UPDATE ganje.shipment AS s
       SET selection = apply_selection.selection, station = after.station, expected_check_in = after.expected_check_in,
           expected_duration = apply_selection.selection #>> '{selectedTimeScope,expected_duration}', updated_at = pg_catalog.now()
     WHERE s.merchant_id = before.merchant_id AND s.shipment_id = before.shipment_id;
    PERFORM ganje.append_event(before, after, 'app', jsonb_build_object('via', 'selection', 'detail', jsonb_strip_nulls(
        jsonb_build_object('station', selection #> '{selectedStation,nickname}', 'uuid', selection #> '{selectedStation,uuid}',
                           'expectedCheckIn', selection #> '{selectedTimeScope,expected_check_in}',
                           'expectedDuration', selection #> '{selectedTimeScope,expected_duration}'))));
END
$$;
COMMENT ON FUNCTION ganje.apply_selection(ganje.shipment, jsonb, text) IS 'Stores a customer''s selection of locker and time with a shipment, and in its journey.';

CREATE FUNCTION ganje.ganje_selected(external_id text, selection jsonb, merchant_id text DEFAULT 'DEFAULT', account text DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    the_account ganje.carrier_account;
    the_shipment ganje.shipment;
    shipments integer := 0;
BEGIN
    PERFORM ganje.check_merchant(ganje_selected.merchant_id, 'checkout', 'fulfilment');
    PERFORM ganje.check_selection(ganje_selected.selection);
    the_account := ganje.selection_account(ganje_selected.external_id, ganje_selected.merchant_id, ganje_selected.account);
    FOR the_shipment IN SELECT * FROM ganje.shipment AS s
                         WHERE s.external_id = ganje_selected.external_id AND s.account_id = the_account.account_id
                           AND s.merchant_id = ganje_selected.merchant_id
                         ORDER BY s.shipment_id COLLATE "C" FOR UPDATE LOOP
        shipments := shipments + 1;
        IF the_shipment.selection IS DISTINCT FROM ganje_selected.selection THEN
            PERFORM ganje.apply_selection(the_shipment, ganje_selected.selection, ganje.account_json(the_account) ->> 'timezone');
        END IF;
    END LOOP;
    RETURN shipments;
END
$$;
COMMENT ON FUNCTION ganje.ganje_selected(text, jsonb, text, text) IS
'Stores what Ganje''s plugin gave to returnSelectedGanje, {selectedStation, selectedTimeScope}, with the shipments of an external id; answers how many there are. The same once more changes nothing.';

CREATE FUNCTION ganje.only_account(carrier text, account text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    accounts text[];
BEGIN
    SELECT array_agg(a.account_id) INTO accounts FROM ganje.carrier_account AS a
     WHERE a.carrier = only_account.carrier AND (only_account.account IS NULL OR a.account_id = only_account.account);
    IF accounts IS NULL THEN
        RAISE no_data_found USING MESSAGE = CASE WHEN account IS NULL THEN format('carrier %s has no account', carrier)
                                                 ELSE format('carrier %s has no account %L', carrier, account) END,
            HINT = 'SELECT account_id, carrier FROM ganje.carrier_account lists the accounts.';
    ELSIF cardinality(accounts) > 1 THEN
        RAISE cardinality_violation USING MESSAGE = format('carrier %s has several accounts', carrier), HINT = 'Name the one that is meant.';
    END IF;
    RETURN accounts[1];
END
$$;
COMMENT ON FUNCTION ganje.only_account(text, text) IS 'The account of a carrier that is named, or the only one that it has; raises where there is none, or more.';

-- By hand what the trigger of an order does. One request per order: the lock is
-- for two that ask for the same at once.
CREATE FUNCTION ganje.ganje_pre_order(external_id text, phone_number text, account text DEFAULT NULL, merchant_id text DEFAULT 'DEFAULT')
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    the_account text;
    the_shipment ganje.shipment;
    made boolean := false;
BEGIN
    PERFORM ganje.check_merchant(ganje_pre_order.merchant_id, 'fulfilment');
    IF coalesce(ganje_pre_order.external_id, '') = '' OR coalesce(phone_number, '') = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = CASE WHEN coalesce(ganje_pre_order.external_id, '') = '' THEN 'external_id' ELSE 'phone_number' END
                                                      || ' must not be empty';
    END IF;
    the_account := ganje.only_account('ganje', ganje_pre_order.account);
    PERFORM pg_advisory_xact_lock(hashtextextended(format('ganje_pre_order %L %L', ganje_pre_order.merchant_id, ganje_pre_order.external_id), 0));
    SELECT * INTO the_shipment FROM ganje.shipment AS s
     WHERE s.external_id = ganje_pre_order.external_id AND s.account_id = the_account AND s.merchant_id = ganje_pre_order.merchant_id
       AND s.normalized_status <> 'cancelled'
     ORDER BY s.order_link IS NULL, s.created_at, s.shipment_id COLLATE "C" LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO ganje.shipment AS s (merchant_id, order_id, account_id, external_id, phone)
        VALUES (ganje_pre_order.merchant_id, ganje_pre_order.external_id, the_account, ganje_pre_order.external_id, phone_number) RETURNING s.* INTO the_shipment;
        made := true;
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object('shipmentId', the_shipment.shipment_id, 'created', made, 'orderLink', the_shipment.order_link));
END
$$;
COMMENT ON FUNCTION ganje.ganje_pre_order(text, text, text, text) IS
'A locker for an order that no table of orders and no store''s provider stands for: makes its shipment, of which Ganje is told by a pre-order; answers {shipmentId, created, orderLink?}. Asked again for the same external_id it answers the first one''s, with its link once Ganje has given one.';

-- The deadline is over and nobody has said that it is out of the locker: the
-- store's courier must collect it (page "Reservation Plugin"). Ganje's word
-- "expired" may come later than the deadline, or never.
CREATE VIEW ganje.parcels_to_collect WITH (security_barrier) AS
SELECT p.merchant_id, s.order_id, p.shipment_id, p.parcel_ref, s.account_id, s.external_id, s.store_merchant_id, s.store_id,
       s.station ->> 'nickname' AS station, s.station ->> 'address' AS address, l.lat, l.lng, s.station ->> 'slug' AS slug,
       s.station ->> 'uuid' AS uuid, p.carrier_status, p.checked_in_at, p.expires_at,
       CASE WHEN p.expires_at <= ganje.now() THEN p.expires_at ELSE p.updated_at END AS since
  FROM ganje.shipment_parcel AS p
  JOIN ganje.shipment AS s ON s.merchant_id = p.merchant_id AND s.shipment_id = p.shipment_id
 CROSS JOIN LATERAL ganje.lat_lng(coalesce(s.station ->> 'location', '')) AS l
 WHERE p.normalized_status IN ('ready_for_pickup', 'pickup_expired')
   AND (p.normalized_status = 'pickup_expired' OR p.expires_at <= ganje.now())
   AND ganje.may_see(p.merchant_id, 'fulfilment', 'operator');
COMMENT ON VIEW ganje.parcels_to_collect IS 'Parcels that the store''s courier must take out of a locker: reported expired, or past their deadline.';
COMMENT ON COLUMN ganje.parcels_to_collect.since IS 'the deadline that passed, or, where none is known or it is still to come, when the carrier''s "expired" was heard of';
