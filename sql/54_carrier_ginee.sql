-- Ginee, the marketplaces of South-East Asia: webhooks of orders and delivery
-- orders, and the signed API to ask for orders and to ship them.
-- Source: doc.ginee.com, pages "Web Hooks" (the edition with delivery orders),
-- "Get Started" and those of the order API; what only clients of others show
-- is marked.

CREATE TABLE ganje.marketplace_order (
    merchant_id text NOT NULL DEFAULT 'DEFAULT',
    source text NOT NULL,
    order_id text NOT NULL CHECK (order_id <> ''),
    channel text,
    shop_id text,
    external_shop_id text,
    order_status text,
    ordered_at timestamptz,
    paid_at timestamptz,
    last_update_at timestamptz,
    payload jsonb NOT NULL,
    told jsonb NOT NULL DEFAULT '{}',
    received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (merchant_id, source, order_id)
);
COMMENT ON TABLE ganje.marketplace_order IS 'Orders that marketplaces announced, for the app to join: shipments of theirs have its order_id.';
COMMENT ON COLUMN ganje.marketplace_order.source IS 'the carrier that told of it';
COMMENT ON COLUMN ganje.marketplace_order.payload IS 'every key that the marketplace gave, the last value of each';
COMMENT ON COLUMN ganje.marketplace_order.told IS 'per field, as of when it was said, and what where that is a status: {field: {asOf, value}}';
SELECT pg_catalog.pg_extension_config_dump('ganje.marketplace_order', '');

-- Reading what Ginee sends

CREATE FUNCTION ganje.try_local_time(value text, timezone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $$
BEGIN
    RETURN ganje.local_time(value, timezone);
EXCEPTION
    WHEN invalid_datetime_format OR datetime_field_overflow OR invalid_time_zone_displacement_value THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.try_local_time(text, text) IS 'ganje.local_time, NULL for what is no time.';

-- Everything but the keys marked "!" may be absent, null or an empty text; ids
-- may be numbers; unknown keys are not looked at.
CREATE FUNCTION ganje.ginee_problem(object jsonb, path text, keys text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    word text;
    key text;
    value jsonb;
    fits boolean;
BEGIN
    FOREACH word IN ARRAY string_to_array(keys, ' ') LOOP
        key := split_part(word, ':', 1);
        value := object -> key;
        IF value IS NULL OR value IN ('null', '""') THEN
            IF right(word, 1) = '!' THEN
                RETURN format('%s%s is missing', path, key);
            END IF;
            CONTINUE;
        END IF;
        fits := CASE rtrim(split_part(word, ':', 2), '!')
            WHEN 'id' THEN jsonb_typeof(value) IN ('string', 'number') AND octet_length(value #>> '{}') <= 255
            WHEN 'text' THEN jsonb_typeof(value) IN ('string', 'number')
            WHEN 'time' THEN jsonb_typeof(value) = 'string' AND ganje.try_local_time(value #>> '{}', 'UTC') IS NOT NULL
            WHEN 'quantity' THEN jsonb_typeof(value) = 'number' AND (value #>> '{}')::numeric > 0
            ELSE jsonb_typeof(value) = rtrim(split_part(word, ':', 2), '!') END;
        IF NOT fits THEN
            RETURN format('%s%s is not %s', path, key, CASE rtrim(split_part(word, ':', 2), '!')
                WHEN 'id' THEN 'a text of at most 255 bytes' WHEN 'text' THEN 'a text' WHEN 'time' THEN 'a time' WHEN 'quantity' THEN 'a number above 0'
                WHEN 'object' THEN 'an object' ELSE 'an array' END);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.ginee_problem(jsonb, text, text) IS
'What is wrong with an object, as text that names the path; NULL: nothing. keys is "name:kind …", kinds id, text, time, quantity, object, array, "!" behind it: required.';

CREATE FUNCTION ganje.ginee_order_problem(the_order jsonb, path text) RETURNS text
LANGUAGE sql STABLE
RETURN ganje.ginee_problem(the_order, path, 'orderId:id! channel:text shopId:text externalShopId:text orderStatus:text '
    'createAt:time payAt:time lastUpdateAt:time');
COMMENT ON FUNCTION ganje.ginee_order_problem(jsonb, text) IS 'What is wrong with an order, in a webhook or an answer.';

CREATE FUNCTION ganje.ginee_order(the_order jsonb, timezone text, said_at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'orderId', ganje.json_id(the_order -> 'orderId'), 'channel', ganje.json_id(the_order -> 'channel'),
    'shopId', ganje.json_id(the_order -> 'shopId'), 'externalShopId', ganje.json_id(the_order -> 'externalShopId'),
    'status', ganje.json_id(the_order -> 'orderStatus'),
    'orderedAt', ganje.local_time(ganje.json_id(the_order -> 'createAt'), timezone),
    'paidAt', ganje.local_time(ganje.json_id(the_order -> 'payAt'), timezone),
    'lastUpdateAt', coalesce(ganje.local_time(ganje.json_id(the_order -> 'lastUpdateAt'), timezone), said_at)))
    || jsonb_build_object('payload', the_order);
COMMENT ON FUNCTION ganje.ginee_order(jsonb, text, timestamptz) IS
'An order of Ginee as ganje.record_marketplace_order takes it; said_at where it has no lastUpdateAt.';

CREATE FUNCTION ganje.ginee_items_problem(items jsonb) RETURNS text
LANGUAGE sql STABLE
RETURN CASE WHEN jsonb_array_length(items) > 1000 THEN 'payload.orderItems has more than 1000 items' ELSE (
    SELECT coalesce(
               CASE WHEN jsonb_typeof(t.item) <> 'object' THEN format('payload.orderItems[%s] is not an object', t.place - 1)
                    WHEN t.earlier > 0 THEN format('payload.orderItems[%s].deliveryOrderItemId is there twice', t.place - 1) END,
               ganje.ginee_problem(t.item, format('payload.orderItems[%s].', t.place - 1),
                                   'deliveryOrderItemId:id inventoryName:text quantity:quantity')) AS problem
      FROM (SELECT i.item, i.place, row_number() OVER (PARTITION BY coalesce(ganje.json_id(i.item -> 'deliveryOrderItemId'), '#' || i.place)
                                                       ORDER BY i.place) - 1 AS earlier
              FROM jsonb_array_elements(items) WITH ORDINALITY AS i(item, place)) AS t
     WHERE jsonb_typeof(t.item) <> 'object' OR t.earlier > 0
        OR ganje.ginee_problem(t.item, '', 'deliveryOrderItemId:id inventoryName:text quantity:quantity') IS NOT NULL
     ORDER BY t.place LIMIT 1) END;
COMMENT ON FUNCTION ganje.ginee_items_problem(jsonb) IS 'What is wrong with the orderItems of a delivery order, NULL: nothing.';

-- An item that is listed without a quantity is there once; one without an id
-- is known by its place.
CREATE FUNCTION ganje.ginee_items(items jsonb) RETURNS jsonb
LANGUAGE sql STABLE
RETURN (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'itemId', coalesce(ganje.json_id(t.item -> 'deliveryOrderItemId'), '#' || t.place),
                   'quantity', coalesce((ganje.json_id(t.item -> 'quantity'))::numeric, 1),
                   'name', ganje.json_id(t.item -> 'inventoryName')))
               || jsonb_build_object('data', t.item - '{deliveryOrderItemId,inventoryName,quantity}'::text[]) ORDER BY t.place), '[]')
          FROM jsonb_array_elements(items) WITH ORDINALITY AS t(item, place));
COMMENT ON FUNCTION ganje.ginee_items(jsonb) IS 'orderItems as items of a shipment; keys of theirs that it has no column for are kept in data.';

CREATE FUNCTION ganje.ginee_delivery_order_problem(delivery_order jsonb) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    problem text := ganje.ginee_problem(delivery_order, 'payload.',
        'deliveryOrderId:id! deliveryOrderSn:text sourceOrderId:id sourceOrderSn:text deliveryOrderType:text '
        'deliveryOrderStatus:text createAt:time lastUpdateAt:time warehouseProviderId:text warehouseId:text warehouseCode:text '
        'ownerId:text ownerCode:text channel:text waybillUrl:text trackingNumber:text logisticsProvider:text shop:object '
        'shippingAddress:object senderAddress:object orderItems:array');
BEGIN
    IF problem IS NULL AND jsonb_typeof(delivery_order -> 'shippingAddress') = 'object' THEN
        problem := ganje.ginee_problem(delivery_order -> 'shippingAddress', 'payload.shippingAddress.', 'name:text phoneNumber:text');
    END IF;
    IF problem IS NULL AND jsonb_typeof(delivery_order -> 'orderItems') = 'array' THEN
        problem := ganje.ginee_items_problem(delivery_order -> 'orderItems');
    END IF;
    RETURN problem;
END
$$;
COMMENT ON FUNCTION ganje.ginee_delivery_order_problem(jsonb) IS 'What is wrong with a delivery order, NULL: nothing.';

-- Deleted is the last word on a delivery order, whatever lastUpdateAt a late
-- UPDATE has; of messages of one moment the action decides, then the id.
CREATE FUNCTION ganje.ginee_as_of(action text, at timestamptz, id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat_ws(' ', CASE action WHEN 'DELETE' THEN '1' ELSE '0' END, ganje.as_of(at),
                 array_position('{CREATE,UPDATE,DELETE}'::text[], action), id);
COMMENT ON FUNCTION ganje.ginee_as_of(text, timestamptz, text) IS 'asOf of a message on a delivery order.';

-- The documentation's list of statuses breaks off after NEW: openStatus.
CREATE FUNCTION ganje.ginee_delivery_order_patch(delivery_order jsonb, action text, id text, at timestamptz) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_strip_nulls(jsonb_build_object(
    'entity', 'delivery-order', 'openStatus', true, 'asOf', ganje.ginee_as_of(action, at, id), 'occurredAt', at,
    'carrierStatus', CASE action WHEN 'DELETE' THEN action ELSE ganje.json_id(delivery_order -> 'deliveryOrderStatus') END,
    'orderId', ganje.json_id(delivery_order -> 'sourceOrderId'),
    'provider', ganje.json_id(delivery_order -> 'logisticsProvider'),
    'trackingNumber', ganje.json_id(delivery_order -> 'trackingNumber'),
    'waybillUrl', ganje.json_id(delivery_order -> 'waybillUrl'),
    'recipient', ganje.json_id(delivery_order #> '{shippingAddress,name}'),
    'phone', ganje.json_id(delivery_order #> '{shippingAddress,phoneNumber}')))
    || jsonb_build_object(
        'address', CASE WHEN jsonb_typeof(delivery_order -> 'shippingAddress') = 'object' THEN delivery_order -> 'shippingAddress' END,
        'items', CASE WHEN jsonb_typeof(delivery_order -> 'orderItems') = 'array'
                      THEN ganje.ginee_items(delivery_order -> 'orderItems') END,
        'data', delivery_order - '{sourceOrderId,logisticsProvider,trackingNumber,waybillUrl,shippingAddress,orderItems}'::text[]);
COMMENT ON FUNCTION ganje.ginee_delivery_order_patch(jsonb, text, text, timestamptz) IS
'What a message on a delivery order says of its shipment; keys that a shipment has no column for are kept in data.';

CREATE FUNCTION ganje.ginee_receive(account jsonb, payload jsonb) RETURNS ganje.webhook_reading
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    reading ganje.webhook_reading;
    action text := payload ->> 'action';
    said_at timestamptz;
BEGIN
    reading.detail := ganje.ginee_problem(payload, '', 'id:id! entity:text! action:text! createAt:time payload:object!');
    IF reading.detail IS NULL THEN
        reading.dedupe_key := ganje.json_id(payload -> 'id');
        CASE concat_ws(' ', payload ->> 'entity', action)
            -- The newer documentation sends every change of an order's status.
            WHEN 'order CREATE', 'order UPDATE' THEN
                reading.detail := ganje.ginee_order_problem(payload -> 'payload', 'payload.');
            WHEN 'delivery-order CREATE', 'delivery-order UPDATE', 'delivery-order DELETE' THEN
                reading.detail := ganje.ginee_delivery_order_problem(payload -> 'payload');
            ELSE
                reading.problem := 'unknown_entity';
                reading.detail := format('%s %s is not known', left(payload ->> 'entity', 100), left(action, 100));
                RETURN reading;
        END CASE;
    END IF;
    IF reading.detail IS NOT NULL THEN
        reading.problem := 'malformed';
        RETURN reading;
    END IF;
    said_at := coalesce(ganje.local_time(ganje.json_id(payload #> '{payload,lastUpdateAt}'), account ->> 'timezone'),
                        ganje.local_time(ganje.json_id(payload -> 'createAt'), account ->> 'timezone'), pg_catalog.now());
    IF payload ->> 'entity' = 'order' THEN
        reading.external_id := ganje.json_id(payload #> '{payload,orderId}');
        reading.marketplace_order := ganje.ginee_order(payload -> 'payload', account ->> 'timezone', said_at);
    ELSE
        reading.external_id := ganje.json_id(payload #> '{payload,deliveryOrderId}');
        reading.makes := jsonb_build_object('orderId', ganje.json_id(payload #> '{payload,sourceOrderId}'));
        reading.patch := ganje.ginee_delivery_order_patch(payload -> 'payload', action, reading.dedupe_key, said_at);
    END IF;
    RETURN reading;
END
$$;
COMMENT ON FUNCTION ganje.ginee_receive(jsonb, jsonb) IS
'Ginee, contract "receive": an order is recorded; a delivery order makes a shipment and changes it.';

-- Asking Ginee

CREATE FUNCTION ganje.ginee_path(operation text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE operation
    WHEN 'list' THEN '/openapi/order/v2/list-order'
    WHEN 'order-details' THEN '/openapi/order/v1/batch-get'
    WHEN 'shipping-parameter' THEN '/openapi/logistics/v1/get-shipping-parameter'
    WHEN 'shipping' THEN '/openapi/order/v2/shipping'
    WHEN 'shipping-result' THEN '/openapi/order/v1/get-shipping-result' END;
COMMENT ON FUNCTION ganje.ginee_path(text) IS 'Where an operation is at Ginee; NULL for what is none.';

CREATE FUNCTION ganje.ginee_next(operation text, body jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_build_object('operation', operation, 'path', ganje.ginee_path(operation), 'body', body);
COMMENT ON FUNCTION ganje.ginee_next(text, jsonb) IS 'A request to Ginee as an outcome''s "next" has it.';

-- Ginee makes delivery orders by itself, of the orders of its marketplaces.
CREATE FUNCTION ganje.ginee_build(shipment ganje.shipment, operation text) RETURNS ganje.http_request
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    request ganje.http_request;
BEGIN
    request.body := CASE operation WHEN 'order-details' THEN jsonb_build_object('orderIds', jsonb_build_array(shipment.order_id))
                                   WHEN 'shipping-parameter' THEN jsonb_build_object('orderId', shipment.order_id) END::text;
    IF request.body IS NULL THEN
        RAISE feature_not_supported USING MESSAGE = format('operation %L is not one that carrier ginee has for a shipment', operation),
            HINT = 'Shipments of Ginee come with its webhooks; ganje.ginee_ship ships an order.';
    END IF;
    request.method := 'POST';
    request.path := ganje.ginee_path(operation);
    request.headers := '{"Content-Type": "application/json"}';
    RETURN request;
END
$$;
COMMENT ON FUNCTION ganje.ginee_build(ganje.shipment, text) IS 'Ginee, contract "build": order-details and shipping-parameter of a shipment''s order.';

CREATE FUNCTION ganje.ginee_signature(secret_key text, method text, path text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(ganje.hmac_sha256(convert_to(secret_key, 'UTF8'), convert_to(upper(method) || '$' || split_part(path, '?', 1) || '$', 'UTF8')), 'base64');
COMMENT ON FUNCTION ganje.ginee_signature(text, text, text) IS
'Ginee''s signature of a request: HMAC-SHA256 of METHOD$PATH$ in base64. Neither query nor body are signed.';

CREATE FUNCTION ganje.ginee_authorize(account jsonb, request ganje.http_request) RETURNS ganje.http_request
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    access_key text := account #>> '{secret,accessKey}';
    secret_key text := account #>> '{secret,secretKey}';
BEGIN
    IF coalesce(access_key, '') = '' OR coalesce(secret_key, '') = '' THEN
        RAISE invalid_authorization_specification USING MESSAGE = 'accessKey or secretKey is missing',
            HINT = format('SELECT ganje.set_credential(%L, ''{"accessKey": "…", "secretKey": "…"}'')', account ->> 'accountId');
    END IF;
    request.headers := request.headers || jsonb_build_object(
        'Authorization', access_key || ':' || ganje.ginee_signature(secret_key, request.method, request.path),
        'X-Advai-Country', coalesce(account #>> '{settings,country}', 'ID'));
    RETURN request;
END
$$;
COMMENT ON FUNCTION ganje.ginee_authorize(jsonb, ganje.http_request) IS
'Ginee, contract "authorize": the signature, and the country of the account''s settings (ID unless they name one).';

-- What an answer means before it is asked what it says. IAM_FAILED and
-- SERVICE_BUSY are known from clients of others, not from the documentation.
CREATE FUNCTION ganje.ginee_verdict(response ganje.http_response, answer jsonb) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    outcome ganje.outcome;
    code text := ganje.json_id(answer -> 'code');
BEGIN
    outcome.detail := left(concat_ws(': ', code, ganje.json_id(answer -> 'message')), 300);
    IF code = 'IAM_FAILED' OR response.status IN (401, 403) THEN
        outcome.result := 'unauthorized';
        outcome.detail := format('the carrier refuses the access key or the signature (%s)', left(coalesce(code, response.status::text), 100));
    ELSIF response.status NOT BETWEEN 200 AND 299 THEN
        outcome.result := 'failed';
        outcome.detail := coalesce(nullif(outcome.detail, ''), format('the carrier answered %s', response.status));
    ELSIF code IS NULL THEN
        outcome.result := 'retry';
        outcome.detail := 'the answer is not the JSON that is documented';
    ELSE
        outcome.result := CASE code WHEN 'SUCCESS' THEN 'delivered' WHEN 'SERVICE_BUSY' THEN 'retry' ELSE 'failed' END;
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.ginee_verdict(ganje.http_response, jsonb) IS 'result and detail of an answer by its HTTP status and its code.';

-- Rows that cannot be read, or do not say of when they are, are left out: one
-- of them must not keep the others of its page away.
CREATE FUNCTION ganje.ginee_orders(rows jsonb, timezone text) RETURNS jsonb
LANGUAGE sql STABLE
RETURN (SELECT coalesce(jsonb_agg(ganje.ginee_order(t.value, timezone, NULL)), '[]')
          FROM jsonb_array_elements(rows) AS t(value)
         WHERE jsonb_typeof(t.value) = 'object' AND ganje.ginee_order_problem(t.value, '') IS NULL
           AND ganje.json_id(t.value -> 'lastUpdateAt') IS NOT NULL AND ganje.json_id(t.value -> 'orderStatus') IS NOT NULL);
COMMENT ON FUNCTION ganje.ginee_orders(jsonb, text) IS 'The orders in the rows of an answer.';

-- The answer's form, {content, more, nextCursor}, is known from clients of
-- others. A row of the list is short, so that the details are asked for as
-- well; a cursor that does not move ends the list.
CREATE FUNCTION ganje.ginee_apply_list(account jsonb, sent jsonb, data jsonb, outcome ganje.outcome) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    rows jsonb := data -> 'content';
    ids jsonb;
    cursor_there jsonb := nullif(nullif(data -> 'nextCursor', 'null'), '[]');
BEGIN
    IF jsonb_typeof(rows) IS DISTINCT FROM 'array' THEN
        outcome.result := 'retry';
        outcome.detail := 'the answer has no data.content';
        RETURN outcome;
    END IF;
    outcome.orders := ganje.ginee_orders(rows, account ->> 'timezone');
    outcome.next := '[]';
    SELECT jsonb_agg(DISTINCT t.value -> 'orderId') INTO ids FROM jsonb_array_elements(rows) AS t(value)
     WHERE jsonb_typeof(t.value) = 'object' AND ganje.json_id(t.value -> 'orderId') IS NOT NULL;
    IF ids IS NOT NULL THEN
        outcome.next := outcome.next || ganje.ginee_next('order-details', jsonb_strip_nulls(jsonb_build_object(
            'orderIds', ids, 'historicalData', sent -> 'historicalData')));
    END IF;
    IF cursor_there IS NOT NULL AND cursor_there IS DISTINCT FROM sent -> 'nextCursor' AND rows <> '[]'
       AND data -> 'more' IS DISTINCT FROM 'false' THEN
        outcome.next := outcome.next || ganje.ginee_next('list', sent || jsonb_build_object('nextCursor', cursor_there));
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.ginee_apply_list(jsonb, jsonb, jsonb, ganje.outcome) IS
'A page of list-order: its orders, and as what follows their details and the next page.';

-- How an order is to be shipped where the caller left it to Ginee: its own
-- delivery type, or the first that it offers, with the first address, time and
-- provider. NULL where it offers none.
CREATE FUNCTION ganje.ginee_shipping(order_id text, data jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    delivery_type text := coalesce(ganje.json_id(data -> 'deliveryType'),
                                   ganje.json_id(jsonb_path_query_first(data, '$.logistics[*].logisticsDeliveryType')));
    address jsonb := jsonb_path_query_first(data, '$.addresses[0]');
BEGIN
    IF delivery_type IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_strip_nulls(jsonb_build_object('orderId', order_id, 'deliveryType', delivery_type,
        'addressId', CASE delivery_type WHEN 'PICK_UP' THEN address -> 'addressId' END,
        'pickupTimeId', CASE delivery_type WHEN 'PICK_UP' THEN jsonb_path_query_first(address, '$.pickupTimeList[0].pickupTimeId') END,
        -- The page does not say whether it is the provider's id or name; the marketplaces' own APIs take the name.
        'shipmentProvider', CASE delivery_type WHEN 'DROP_OFF' THEN
            jsonb_path_query_first(data, '$.logistics[*] ? (@.logisticsDeliveryType == $type).logisticDetailList[*].logisticsProviderName',
                                   jsonb_build_object('type', delivery_type)) END,
        'trackingNo', nullif(data -> 'logisticsTrackingNumber', '""')));
END
$$;
COMMENT ON FUNCTION ganje.ginee_shipping(text, jsonb) IS 'The shipping request that follows from an answer to get-shipping-parameter.';

CREATE FUNCTION ganje.ginee_apply_shipping(request ganje.http_request, data jsonb, outcome ganje.outcome) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    sent jsonb := request.body;
    shipping jsonb;
    failed jsonb;
BEGIN
    IF request.operation = 'shipping-parameter' THEN
        shipping := ganje.ginee_shipping(sent ->> 'orderId', data);
        IF shipping IS NULL THEN
            outcome.result := 'failed';
            outcome.detail := 'Ginee offers no way to ship this order';
        ELSE
            outcome.next := jsonb_build_array(ganje.ginee_next('shipping', shipping));
        END IF;
    ELSIF request.operation = 'shipping' THEN
        IF ganje.json_id(data) IS NULL THEN
            outcome.result := 'failed';
            outcome.detail := 'the answer has no task id: it is not known whether the order is shipped';
        ELSE
            outcome.next := jsonb_build_array(ganje.ginee_next('shipping-result', jsonb_build_object('taskId', data)));
        END IF;
    ELSIF data -> 'complete' IS DISTINCT FROM 'true' THEN
        outcome.result := 'retry';
        outcome.detail := 'the shipping is not complete yet';
    ELSE
        failed := jsonb_path_query_first(data, '$.detailList[*] ? (@.status != "SUCCESS")');
        IF failed IS NOT NULL THEN
            outcome.result := 'failed';
            outcome.detail := left(concat_ws(': ', 'shipping', failed ->> 'status', failed ->> 'errorMessage'), 300);
        ELSE
            outcome.next := jsonb_build_array(ganje.ginee_next('order-details',
                jsonb_build_object('orderIds', jsonb_path_query_array(data, '$.detailList[*].orderId'))));
        END IF;
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.ginee_apply_shipping(ganje.http_request, jsonb, ganje.outcome) IS
'Shipping step by step: the parameters lead to the request, its task to the result, which is asked for until it is complete, and that to the order''s details.';

CREATE FUNCTION ganje.ginee_apply(account jsonb, request ganje.http_request, response ganje.http_response) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    answer jsonb := ganje.try_jsonb(response.body);
    outcome ganje.outcome := ganje.ginee_verdict(response, answer);
BEGIN
    IF outcome.result = 'failed' AND request.operation = 'shipping' THEN
        -- Refused, perhaps, because the first try arrived and its answer did not: the order tells.
        outcome.next := jsonb_build_array(ganje.ginee_next('order-details',
            jsonb_build_object('orderIds', jsonb_build_array(request.body::jsonb -> 'orderId'))));
        RETURN outcome;
    ELSIF outcome.result <> 'delivered' THEN
        RETURN outcome;
    ELSIF request.operation = 'list' THEN
        RETURN ganje.ginee_apply_list(account, request.body::jsonb, answer -> 'data', outcome);
    ELSIF request.operation IN ('shipping-parameter', 'shipping', 'shipping-result') THEN
        RETURN ganje.ginee_apply_shipping(request, answer -> 'data', outcome);
    ELSIF jsonb_typeof(answer -> 'data') IS DISTINCT FROM 'array' THEN
        outcome.result := 'retry';
        outcome.detail := 'the answer''s data is not an array';
    ELSE
        outcome.orders := ganje.ginee_orders(answer -> 'data', account ->> 'timezone');
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.ginee_apply(jsonb, ganje.http_request, ganje.http_response) IS
'Ginee, contract "apply": success is 2xx and the code SUCCESS; SERVICE_BUSY is tried again, IAM_FAILED parks the account, any other code is final.';

INSERT INTO ganje.carrier (carrier, description, build, authorize, apply, receive, timezone, builtin) VALUES
    ('ginee', 'Ginee marketplaces (doc.ginee.com)', 'ganje.ginee_build(ganje.shipment,text)',
     'ganje.ginee_authorize(jsonb,ganje.http_request)', 'ganje.ginee_apply(jsonb,ganje.http_request,ganje.http_response)',
     'ganje.ginee_receive(jsonb,jsonb)', 'UTC', true);

-- Each order status names one of the shipment's, so that words that come in
-- another order end in the same one.
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank, builtin) VALUES
    ('ginee', 'order', 'PENDING_PAYMENT', 'pending', 'PENDING', 10, true),
    ('ginee', 'order', 'PARTIALLY_PAID', 'pending', 'PENDING', 10, true),
    ('ginee', 'order', 'PAID', 'pending', 'PENDING', 10, true),
    ('ginee', 'order', 'READY_TO_SHIP', 'ready_to_ship', 'READY', 20, true),
    ('ginee', 'order', 'SHIPPING', 'in_transit', 'IN_TRANSIT', 30, true),
    ('ginee', 'order', 'DELIVERED', 'delivered', 'DELIVERED', 40, true),
    ('ginee', 'order', 'RETURNED', 'return_to_sender', 'IN_TRANSIT', 50, true),
    ('ginee', 'order', 'CANCELLED', 'cancelled', 'CANCELLED', 50, true),
    ('ginee', 'delivery-order', 'NEW', 'pending', 'PENDING', 10, true),
    ('ginee', 'delivery-order', 'DELETE', 'cancelled', 'CANCELLED', 50, true);

-- What the app calls

CREATE FUNCTION ganje.find_ginee_account(account_id text) RETURNS ganje.carrier_account
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    account ganje.carrier_account := ganje.find_account(account_id);
BEGIN
    IF account.carrier <> 'ginee' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('carrier account %L is not one of ginee, but of %s', account_id, account.carrier),
            HINT = 'SELECT account_id FROM ganje.carrier_account WHERE carrier = ''ginee'' lists those that are.';
    END IF;
    RETURN account;
END
$$;
COMMENT ON FUNCTION ganje.find_ginee_account(text) IS 'An account at Ginee; raises where it is none.';

CREATE FUNCTION ganje.ginee_enqueue(account_id text, operation text, body jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    RETURN ganje.enqueue_request(account_id, operation, 'POST', ganje.ginee_path(operation), body::text);
END
$$;
COMMENT ON FUNCTION ganje.ginee_enqueue(text, text, jsonb) IS 'Puts a request to Ginee into the outbox and answers its request_id.';

-- Ginee answers at most 15 days at a time, and what is older than three months
-- only when asked for historical data. 50 orders a page, so that their details
-- stay below the limit of an answer (max_response_bytes).
CREATE FUNCTION ganje.ginee_windows(since timestamptz, until timestamptz)
RETURNS TABLE (window_since timestamptz, window_until timestamptz, historical boolean)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    three_months_ago timestamptz := date_trunc('second', ganje.now() - interval '3 months');
    whole_until timestamptz := date_trunc('second', until + interval '999999 microseconds');
BEGIN
    window_since := date_trunc('second', since);
    WHILE window_since < whole_until LOOP
        historical := window_since < three_months_ago;
        window_until := least(window_since + interval '360 hours', whole_until,
                              CASE WHEN historical THEN three_months_ago END);
        RETURN NEXT;
        window_since := window_until;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ganje.ginee_windows(timestamptz, timestamptz) IS 'A time span in pieces that Ginee''s list of orders takes.';

CREATE FUNCTION ganje.ginee_reconcile(account_id text, since timestamptz, until timestamptz DEFAULT pg_catalog.now()) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    piece record;
    pieces integer := 0;
BEGIN
    PERFORM ganje.find_ginee_account(ginee_reconcile.account_id);
    IF since IS NULL OR until IS NULL OR since >= until OR NOT isfinite(since) OR NOT isfinite(until) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'since must be before until', HINT = 'Give both as points in time, for example now() - interval ''1 day''.';
    ELSIF until - since > interval '5 years' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'since is more than 5 years before until', HINT = 'Ginee is asked for 15 days at a time: reconcile in parts.';
    END IF;
    FOR piece IN SELECT * FROM ganje.ginee_windows(since, until) LOOP
        PERFORM ganje.ginee_enqueue(ginee_reconcile.account_id, 'list', jsonb_strip_nulls(jsonb_build_object(
            'size', 50, 'lastUpdateSince', to_char(piece.window_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'lastUpdateTo', to_char(piece.window_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'historicalData', CASE WHEN piece.historical THEN true END)));
        pieces := pieces + 1;
    END LOOP;
    RETURN pieces;
END
$$;
COMMENT ON FUNCTION ganje.ginee_reconcile(text, timestamptz, timestamptz) IS
'Asks Ginee for the orders that changed between two times, page by page, and applies what is later than what is known to marketplace_order and to the shipments. Answers in how many time spans.';

CREATE FUNCTION ganje.ginee_order_details(account_id text, order_ids text[]) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    requests integer := 0;
BEGIN
    PERFORM ganje.find_ginee_account(ginee_order_details.account_id);
    IF array_position(order_ids, NULL) IS NOT NULL OR '' = ANY (order_ids) THEN
        RAISE invalid_parameter_value USING MESSAGE = 'order_ids has an empty order id', HINT = 'They are Ginee''s own, as in marketplace_order.';
    END IF;
    FOR place IN 1 .. coalesce(cardinality(order_ids), 0) BY 50 LOOP
        PERFORM ganje.ginee_enqueue(ginee_order_details.account_id, 'order-details',
                                    jsonb_build_object('orderIds', to_jsonb(order_ids[place : place + 49])));
        requests := requests + 1;
    END LOOP;
    RETURN requests;
END
$$;
COMMENT ON FUNCTION ganje.ginee_order_details(text, text[]) IS
'Asks Ginee for orders by their ids and applies what is later than what is known; answers with how many requests.';

-- A second call while the first is on its way would ship twice.
CREATE FUNCTION ganje.ginee_ship(account_id text, order_id text, shipping jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known text;
    id_key text;
BEGIN
    PERFORM ganje.find_ginee_account(ginee_ship.account_id);
    IF coalesce(order_id, '') = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'order_id is missing', HINT = 'It is Ginee''s own, as in marketplace_order.';
    END IF;
    IF shipping IS NOT NULL THEN
        PERFORM ganje.check_object(shipping, 'shipping', 'deliveryType:text! addressId:any pickupTimeId:any shipmentProvider:text trackingNo:text');
        IF shipping ->> 'deliveryType' NOT IN ('PICK_UP', 'DROP_OFF', 'MANUAL_SHIP') THEN
            RAISE invalid_parameter_value USING MESSAGE = 'shipping.deliveryType is not known', HINT = 'It is PICK_UP, DROP_OFF or MANUAL_SHIP.';
        END IF;
        -- Ids that Ginee gives are passed back as they are, text or number.
        FOREACH id_key IN ARRAY '{addressId,pickupTimeId}'::text[] LOOP
            IF jsonb_typeof(shipping -> id_key) NOT IN ('string', 'number', 'null') THEN
                RAISE invalid_parameter_value USING MESSAGE = format('shipping.%s must be a text or a number', id_key),
                    HINT = 'It is in the answer to get-shipping-parameter.';
            END IF;
        END LOOP;
    END IF;
    PERFORM 1 FROM ganje.carrier_account AS a WHERE a.account_id = ginee_ship.account_id FOR NO KEY UPDATE;
    SELECT o.request_id INTO known
      FROM ganje.outbox_delivery AS d
      JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id
     WHERE d.account_id = ginee_ship.account_id AND d.state <> 'dead' AND o.operation IN ('shipping-parameter', 'shipping')
       AND o.body::jsonb ->> 'orderId' = ginee_ship.order_id LIMIT 1;
    RETURN coalesce(known, CASE WHEN shipping IS NULL
        THEN ganje.ginee_enqueue(ginee_ship.account_id, 'shipping-parameter', jsonb_build_object('orderId', ginee_ship.order_id))
        ELSE ganje.ginee_enqueue(ginee_ship.account_id, 'shipping',
                                 jsonb_build_object('orderId', ginee_ship.order_id) || jsonb_strip_nulls(shipping)) END);
END
$$;
COMMENT ON FUNCTION ganje.ginee_ship(text, text, jsonb) IS
'Ships an order of Ginee: as shipping {deliveryType, addressId, pickupTimeId, shipmentProvider, trackingNo} says, else as Ginee proposes. Answers the request_id of its first request, or of the one that is on its way.';
