-- Notifications: what happens to orders and shipments, in the shape of Ginee's
-- webhooks ({id, entity, action, createAt, payload}), for those who subscribed.
--
-- A shipment is told of as "shipment" in our words, and as "delivery-order" in
-- Ginee's, so that a program written for Ginee's webhooks understands ours.

CREATE FUNCTION ganje.utc_text(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
COMMENT ON FUNCTION ganje.utc_text(timestamptz) IS 'A time as 2020-12-24T06:45:29.174Z.';

-- Only what is ours is stripped of nulls, not what the application gave us.
CREATE FUNCTION ganje.shipment_payload(s ganje.shipment) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN jsonb_strip_nulls(
        jsonb_build_object(
            'merchantId', s.merchant_id, 'shipmentId', s.shipment_id, 'orderId', s.order_id, 'externalId', s.external_id,
            'storeId', s.store_id, 'type', s.type, 'provider', s.provider, 'zoneId', s.zone_id, 'day', s.day,
            'slot', CASE WHEN s.slot_from IS NOT NULL THEN jsonb_build_array(to_char(s.slot_from, 'HH24:MI'), to_char(s.slot_to, 'HH24:MI')) END,
            'promisedFrom', ganje.utc_text(s.promised_from), 'promisedTo', ganje.utc_text(s.promised_to), 'fee', s.fee,
            'status', s.status, 'normalizedStatus', s.normalized_status, 'recipient', s.recipient, 'phone', s.phone, 'note', s.note)
        || jsonb_build_object(
            'orderLink', s.order_link, 'trackingUrl', s.tracking_url, 'trackingNumber', s.tracking_number, 'waybillUrl', s.waybill_url,
            'courierName', s.courier_name, 'boxes', s.boxes, 'cannotCancel', nullif(s.cannot_cancel, false),
            'createdAt', ganje.utc_text(s.created_at), 'updatedAt', ganje.utc_text(s.updated_at),
            'items', (SELECT jsonb_agg(jsonb_build_object('itemId', i.item_id, 'quantity', i.quantity, 'price', i.price, 'name', i.name)
                                       ORDER BY i.position, i.item_id)
                        FROM ganje.shipment_item AS i WHERE i.merchant_id = s.merchant_id AND i.shipment_id = s.shipment_id)))
        || CASE WHEN s.address IS NOT NULL THEN jsonb_build_object('address', s.address) ELSE '{}' END
        || CASE WHEN s.station IS NOT NULL THEN jsonb_build_object('station', s.station) ELSE '{}' END
        || CASE WHEN s.data <> '{}' THEN jsonb_build_object('data', s.data) ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION ganje.shipment_payload(ganje.shipment) IS 'A shipment as its notifications tell it.';

-- Ginee documents one status, NEW; the others are normalized ones in capitals.
CREATE FUNCTION ganje.delivery_order_payload(s ganje.shipment) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object(
        'deliveryOrderId', s.shipment_id, 'deliveryOrderSn', s.external_id, 'sourceOrderId', s.order_id,
        'deliveryOrderType', 'SALE_ORDER',
        'deliveryOrderStatus', CASE s.normalized_status WHEN 'pending' THEN 'NEW' ELSE upper(s.normalized_status) END,
        'createAt', ganje.utc_text(s.created_at), 'lastUpdateAt', ganje.utc_text(s.updated_at),
        'warehouseId', s.store_id, 'ownerId', coalesce(s.store_merchant_id, s.merchant_id), 'channel', s.type,
        'waybillUrl', s.waybill_url, 'trackingNumber', s.tracking_number, 'logisticsProvider', s.provider,
        'shop', jsonb_build_object('shopId', s.merchant_id),
        'shippingAddress', nullif(jsonb_strip_nulls(jsonb_build_object(
            'name', coalesce(s.recipient, s.address ->> 'recipient', s.address ->> 'nameSurname'),
            'phoneNumber', s.phone, 'country', s.address ->> 'country', 'province', s.address ->> 'province',
            'city', s.address ->> 'city', 'district', s.address ->> 'district',
            'zipCode', coalesce(s.address ->> 'zipCode', s.address ->> 'postalCode'),
            'fullAddress', coalesce(s.address ->> 'fullAddress', nullif(concat_ws(', ', s.address ->> 'street', s.address ->> 'building',
                s.address ->> 'floor', s.address ->> 'door', s.address ->> 'neighborhood', s.address ->> 'district', s.address ->> 'city',
                s.address ->> 'postalCode', s.address ->> 'country'), '')))), '{}'),
        'orderItems', (SELECT jsonb_agg(jsonb_build_object(
                                  'deliveryOrderId', s.shipment_id, 'deliveryOrderItemId', i.item_id, 'inventoryId', i.item_id,
                                  'inventorySku', i.item_id, 'inventoryName', i.name, 'quantity', i.quantity, 'orderId', s.order_id,
                                  'orderItemId', i.item_id) ORDER BY i.position, i.item_id)
                         FROM ganje.shipment_item AS i WHERE i.merchant_id = s.merchant_id AND i.shipment_id = s.shipment_id)));
END
$$;
COMMENT ON FUNCTION ganje.delivery_order_payload(ganje.shipment) IS 'A shipment as a delivery order of Ginee.';

-- Puts one notification into the line of one subscriber. A turn of 0 or less
-- is that of a replay: before whatever of the shipment still waits.
CREATE FUNCTION ganje.enqueue_notification(account text, notification ganje.notification, operation text, turn integer) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    id text := ganje.ulid();
BEGIN
    INSERT INTO ganje.outbox (merchant_id, request_id, account_id, shipment_id, operation, method, path, headers, body)
    VALUES (notification.merchant_id, id, account, notification.shipment_id, enqueue_notification.operation, 'POST', '/',
            jsonb_build_object('Content-Type', 'application/json', 'webhook-id', notification.notification_id), notification.body);
    INSERT INTO ganje.outbox_delivery (merchant_id, request_id, account_id, shipment_id, turn, due_at, origin)
    VALUES (notification.merchant_id, id, account, notification.shipment_id, enqueue_notification.turn, pg_catalog.now(),
            ganje.system_identifier());
    PERFORM ganje.wake_worker();
    RETURN id;
END
$$;
COMMENT ON FUNCTION ganje.enqueue_notification(text, ganje.notification, text, integer) IS
'Puts a notification into the outbox of a subscriber''s account and answers its request_id.';

CREATE FUNCTION ganje.make_notification(merchant text, entity text, action text, shipment text, payload jsonb) RETURNS ganje.notification
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    made ganje.notification;
BEGIN
    made.merchant_id := merchant;
    made.notification_id := ganje.ulid();
    made.entity := make_notification.entity;
    made.action := make_notification.action;
    made.shipment_id := shipment;
    made.created_at := pg_catalog.now();
    made.log_slot := ganje.log_slot(made.created_at);
    made.body := json_build_object('id', made.notification_id, 'entity', made.entity, 'action', made.action,
                                   'createAt', ganje.utc_text(made.created_at), 'payload', payload)::text;
    RETURN made;
END
$$;
COMMENT ON FUNCTION ganje.make_notification(text, text, text, text, jsonb) IS 'A notification with its body, not yet stored.';

-- The caller holds the lock of the shipment's row, so that turns are given one
-- after another. What a disabled subscription would have been told is kept for
-- its replay; where nobody subscribed nothing is. The lock lets unsubscribe wait,
-- or us see that it was quicker: an order must not fail because of it.
CREATE FUNCTION ganje.notify_subscribers(merchant text, entity text, action text, shipment text, payload jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    made ganje.notification;
    subscriber ganje.subscription;
    next_turn integer;
BEGIN
    FOR subscriber IN
        SELECT * FROM ganje.subscription AS s
         WHERE s.merchant_id = merchant AND notify_subscribers.entity = ANY (s.entities) AND notify_subscribers.action = ANY (s.actions)
         ORDER BY s.subscription_id FOR KEY SHARE
    LOOP
        IF made.notification_id IS NULL THEN
            made := ganje.make_notification(merchant, notify_subscribers.entity, notify_subscribers.action, shipment, payload);
            INSERT INTO ganje.notification SELECT made.*;
        END IF;
        CONTINUE WHEN subscriber.disabled_at IS NOT NULL;
        SELECT coalesce(max(d.turn), 0) + 1 INTO next_turn FROM ganje.outbox_delivery AS d
         WHERE d.merchant_id = merchant AND d.shipment_id = shipment AND d.account_id = subscriber.account_id;
        PERFORM ganje.enqueue_notification(subscriber.account_id, made, format('%s %s', made.entity, made.action), next_turn);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.notify_subscribers(text, text, text, text, jsonb) IS
'Tells the subscribers of a merchant: stores the notification and puts it into the outbox, once for each.';

CREATE FUNCTION ganje.notify_shipment(s ganje.shipment, action text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF EXISTS (SELECT FROM ganje.subscription AS n WHERE n.merchant_id = s.merchant_id AND 'shipment' = ANY (n.entities)) THEN
        PERFORM ganje.notify_subscribers(s.merchant_id, 'shipment', notify_shipment.action, s.shipment_id, ganje.shipment_payload(s));
    END IF;
    IF EXISTS (SELECT FROM ganje.subscription AS n WHERE n.merchant_id = s.merchant_id AND 'delivery-order' = ANY (n.entities)) THEN
        -- As in Ginee's sample, a DELETE does not tell where the parcel would have gone.
        PERFORM ganje.notify_subscribers(s.merchant_id, 'delivery-order', notify_shipment.action, s.shipment_id,
            ganje.delivery_order_payload(s) - CASE notify_shipment.action WHEN 'DELETE'
                THEN '{deliveryOrderStatus,logisticsProvider,shop,shippingAddress,orderItems}' ELSE '{}' END::text[]);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.notify_shipment(ganje.shipment, text) IS 'Tells subscribers of a shipment that it is there, has changed, or is cancelled.';

-- An order has no row here: its notifications wait in the line of its first
-- shipment, so that an UPDATE never overtakes its CREATE.
CREATE FUNCTION ganje.tell_order(merchant_id text, order_id text, action text, payload jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    ids text[];
    at text := ganje.utc_text(pg_catalog.now());
BEGIN
    IF action IS NULL OR action NOT IN ('CREATE', 'UPDATE', 'DELETE') THEN
        RAISE invalid_parameter_value USING MESSAGE = format('action %L is none of CREATE, UPDATE, DELETE', action);
    ELSIF coalesce(order_id, '') = '' OR jsonb_typeof(payload) IS DISTINCT FROM 'object' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'order_id must not be empty, and payload must be an object';
    ELSIF NOT ganje.has_subscriber() THEN
        RETURN;
    END IF;
    SELECT array_agg(locked.shipment_id) INTO ids
      FROM (SELECT s.shipment_id FROM ganje.shipment AS s
             WHERE s.merchant_id = tell_order.merchant_id AND s.order_id = tell_order.order_id
             ORDER BY s.shipment_id FOR NO KEY UPDATE) AS locked;
    PERFORM ganje.notify_subscribers(tell_order.merchant_id, 'order', tell_order.action, ids[1],
        jsonb_strip_nulls(jsonb_build_object('orderId', tell_order.order_id, 'shopId', tell_order.merchant_id, 'lastUpdateAt', at,
            'createAt', CASE tell_order.action WHEN 'CREATE' THEN at END, 'shipmentIds', to_jsonb(ids))) || payload);
END
$$;
COMMENT ON FUNCTION ganje.tell_order(text, text, text, jsonb) IS 'What notify_order does, for an order''s row as well, whoever writes it.';

CREATE FUNCTION ganje.notify_order(merchant_id text, order_id text, action text, payload jsonb DEFAULT '{}') RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    PERFORM ganje.check_merchant(notify_order.merchant_id, 'fulfilment');
    PERFORM ganje.tell_order(notify_order.merchant_id, notify_order.order_id, notify_order.action, notify_order.payload);
END
$$;
COMMENT ON FUNCTION ganje.notify_order(text, text, text, jsonb) IS
'Tells subscribers of an order: CREATE, UPDATE or DELETE. The payload goes over {orderId, shopId, createAt, lastUpdateAt, shipmentIds}.';

-- At the end of the transaction, when its items are there and its first
-- changes are made.
CREATE FUNCTION ganje.shipment_announce() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    the_shipment ganje.shipment;
BEGIN
    SELECT * INTO the_shipment FROM ganje.shipment AS s
     WHERE s.merchant_id = NEW.merchant_id AND s.shipment_id = NEW.shipment_id;
    IF FOUND THEN
        PERFORM ganje.notify_shipment(the_shipment, 'CREATE');
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.shipment_announce() IS 'Trigger: tells subscribers of a new shipment.';
CREATE CONSTRAINT TRIGGER shipment_announce AFTER INSERT ON ganje.shipment DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (ganje.has_subscriber() AND NEW.enqueued_at = pg_catalog.now()) EXECUTE FUNCTION ganje.shipment_announce();

CREATE FUNCTION ganje.shipment_report() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    -- What its own transaction changes in a new shipment its CREATE tells, unless that is out already (SET CONSTRAINTS).
    IF NEW.enqueued_at = pg_catalog.now()
       AND NOT EXISTS (SELECT FROM ganje.notification AS n
                        WHERE n.log_slot = ganje.log_slot(NEW.enqueued_at) AND n.merchant_id = NEW.merchant_id
                          AND n.created_at = NEW.enqueued_at AND n.shipment_id = NEW.shipment_id AND n.entity <> 'order') THEN
        RETURN NULL;
    END IF;
    PERFORM ganje.notify_shipment(NEW, CASE WHEN NEW.normalized_status = 'cancelled' AND OLD.normalized_status <> 'cancelled'
                                            THEN 'DELETE' ELSE 'UPDATE' END);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.shipment_report() IS 'Trigger: tells subscribers of a changed or cancelled shipment.';
CREATE TRIGGER shipment_report AFTER UPDATE ON ganje.shipment
    FOR EACH ROW WHEN (
        ganje.has_subscriber() AND
        (OLD.status, OLD.normalized_status, OLD.order_link, OLD.tracking_url, OLD.tracking_number, OLD.waybill_url, OLD.courier_name,
         OLD.boxes, OLD.station, OLD.cannot_cancel, OLD.address, OLD.recipient, OLD.phone, OLD.note, OLD.data, OLD.provider, OLD.type,
         OLD.store_id, OLD.day, OLD.slot_from, OLD.slot_to, OLD.promised_from, OLD.promised_to, OLD.fee, OLD.external_id)
        IS DISTINCT FROM
        (NEW.status, NEW.normalized_status, NEW.order_link, NEW.tracking_url, NEW.tracking_number, NEW.waybill_url, NEW.courier_name,
         NEW.boxes, NEW.station, NEW.cannot_cancel, NEW.address, NEW.recipient, NEW.phone, NEW.note, NEW.data, NEW.provider, NEW.type,
         NEW.store_id, NEW.day, NEW.slot_from, NEW.slot_to, NEW.promised_from, NEW.promised_to, NEW.fee, NEW.external_id))
    EXECUTE FUNCTION ganje.shipment_report();
