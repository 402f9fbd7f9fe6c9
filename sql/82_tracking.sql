-- Tracking by the recipient: order id and phone.

CREATE FUNCTION ganje.track_allowed(merchant text, order_id text) RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_track_allowed';
COMMENT ON FUNCTION ganje.track_allowed(text, text) IS
'False once an order was asked for with wrong phone numbers ganje_logistics.track_tries times within the hour; counted in shared memory, so that a rollback does not undo it.';

CREATE FUNCTION ganje.track_failed(merchant text, order_id text) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'gl_track_failed';
COMMENT ON FUNCTION ganje.track_failed(text, text) IS 'Counts a wrong phone number for an order.';

-- One path for a wrong phone and an unknown order: the same query, the same
-- count, the same empty answer.
CREATE FUNCTION ganje.tracked_shipments(merchant text, order_id text, phone text) RETURNS SETOF ganje.shipment
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    key text := ganje.phone_key(coalesce(phone, ''));
BEGIN
    PERFORM ganje.check_merchant(merchant, 'checkout', 'fulfilment');
    IF NOT ganje.track_allowed(merchant, coalesce(order_id, '')) THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM ganje.shipment AS s
                  WHERE s.merchant_id = merchant AND s.order_id = tracked_shipments.order_id
                    AND length(key) = 10 AND ganje.phone_key(s.phone) = key
                  ORDER BY s.shipment_id;
    IF NOT FOUND THEN
        PERFORM ganje.track_failed(merchant, coalesce(order_id, ''));
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.tracked_shipments(text, text, text) IS 'The shipments of an order for someone who knows its phone number.';

CREATE FUNCTION ganje.track_json(the_shipment ganje.shipment) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'shipmentId', the_shipment.shipment_id,
    'status', the_shipment.status,
    'normalizedStatus', the_shipment.normalized_status,
    'type', the_shipment.type,
    'provider', the_shipment.provider,
    'day', the_shipment.day,
    'slot', CASE WHEN the_shipment.slot_from IS NOT NULL
                 THEN jsonb_build_array(to_char(the_shipment.slot_from, 'HH24:MI'), to_char(the_shipment.slot_to, 'HH24:MI')) END,
    'orderLink', the_shipment.order_link,
    'trackingUrl', the_shipment.tracking_url,
    'trackingNumber', the_shipment.tracking_number,
    'courierName', the_shipment.courier_name,
    'boxes', the_shipment.boxes,
    'station', the_shipment.station,
    'items', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('itemId', i.item_id, 'quantity', i.quantity, 'name', i.name)) ORDER BY i.position)
                FROM ganje.shipment_item AS i
               WHERE i.merchant_id = the_shipment.merchant_id AND i.shipment_id = the_shipment.shipment_id),
    'journey', (SELECT jsonb_agg(jsonb_build_object('status', e.status, 'normalizedStatus', e.normalized_status, 'at', e.occurred_at)
                                 ORDER BY e.recorded_at, e.event_id)
                  FROM ganje.shipment_event AS e
                 WHERE e.merchant_id = the_shipment.merchant_id AND e.shipment_id = the_shipment.shipment_id)));
COMMENT ON FUNCTION ganje.track_json(ganje.shipment) IS 'A shipment as its recipient may see it.';

CREATE FUNCTION ganje.track_shipment(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shipments jsonb;
BEGIN
    PERFORM ganje.check_object(request, '', 'orderId:id! phoneNumber:text! merchantId:id');
    SELECT jsonb_agg(ganje.track_json(s)) INTO shipments
      FROM ganje.tracked_shipments(ganje.merchant_of(request), request ->> 'orderId', request ->> 'phoneNumber') AS s;
    RETURN CASE WHEN shipments IS NULL THEN '{}'
                ELSE jsonb_build_object('orderId', request ->> 'orderId', 'shipments', shipments) END;
END
$$;
COMMENT ON FUNCTION ganje.track_shipment(jsonb) IS
'rbs.shipment.request.DATA {orderId, phoneNumber}: {orderId, shipments: […]}, or {} for a wrong number as for an unknown order.';

CREATE FUNCTION ganje.track_shipment(order_id text, phone text)
RETURNS TABLE (shipment_id text, status text, normalized_status text, day date, slot_from time, slot_to time,
               order_link text, tracking_url text, courier_name text, updated_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT s.shipment_id, s.status, s.normalized_status, s.day, s.slot_from, s.slot_to, s.order_link, s.tracking_url,
           s.courier_name, s.updated_at
      FROM ganje.tracked_shipments('DEFAULT', track_shipment.order_id, track_shipment.phone) AS s;
END;
COMMENT ON FUNCTION ganje.track_shipment(text, text) IS
'The shipments of an order for someone who knows its phone number; no row for a wrong number as for an unknown order.';
