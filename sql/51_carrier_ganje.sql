-- Ganje smart lockers: JWT login, pre-order, status webhook.
-- Source: docs.ganje.net, pages "Reservation Plugin" and "Webhook".

-- The documented format is +98xxxxxxxxxx; people write 0912…, 98912…,
-- 0098912… and digits of their own script. NULL where it is none of these.
CREATE FUNCTION ganje.ganje_phone(phone text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '+98' || substring(regexp_replace(ganje.fold_text(phone), '[\s().-]', '', 'g') FROM '^(?:\+98|0098|98|0)?([1-9][0-9]{9})$');
COMMENT ON FUNCTION ganje.ganje_phone(text) IS 'A phone number in the format that Ganje takes, +98xxxxxxxxxx, or NULL.';

CREATE FUNCTION ganje.ganje_build(shipment ganje.shipment, operation text) RETURNS ganje.http_request
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    phone text := ganje.ganje_phone(shipment.phone);
    request ganje.http_request;
BEGIN
    IF operation <> 'create' THEN
        RAISE feature_not_supported USING MESSAGE = format('operation %L is not supported for carrier ganje yet', operation);
    END IF;
    IF phone IS NULL THEN
        RAISE invalid_parameter_value
            USING MESSAGE = format('the recipient''s phone of order %L is not in the format +98xxxxxxxxxx', shipment.order_id),
                  HINT = 'Ganje sends the customer a text message: give an Iranian number such as +989121234567 or 09121234567.';
    END IF;
    request.method := 'POST';
    request.path := '/v1.1/hub-management/occupancies/pre-order';
    request.headers := '{"Content-Type": "application/json"}';
    request.body := jsonb_build_object('phone_number', phone, 'external_id', shipment.external_id)::text;
    RETURN request;
END
$$;
COMMENT ON FUNCTION ganje.ganje_build(ganje.shipment, text) IS 'Ganje, contract "build": create is the pre-order.';

CREATE FUNCTION ganje.ganje_authorize(account jsonb, request ganje.http_request) RETURNS ganje.http_request
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF account ->> 'token' IS NOT NULL
       AND coalesce((account ->> 'tokenExpiresAt')::timestamptz > clock_timestamp() + interval '10 seconds', true) THEN
        request.headers := request.headers || jsonb_build_object('Authorization', 'Bearer ' || (account ->> 'token'));
        RETURN request;
    END IF;
    IF account #>> '{secret,username}' IS NULL OR account #>> '{secret,password}' IS NULL THEN
        RAISE invalid_authorization_specification USING MESSAGE = 'username or password is missing',
            HINT = format('SELECT ganje.set_credential(%L, ''{"username": "…", "password": "…"}'')', account ->> 'accountId');
    END IF;
    request.operation := 'login';
    request.method := 'POST';
    request.path := '/v1.1/account/jwt/create/';
    request.headers := '{"Content-Type": "application/json"}';
    request.body := jsonb_build_object('username', account #> '{secret,username}', 'password', account #> '{secret,password}')::text;
    RETURN request;
END
$$;
COMMENT ON FUNCTION ganje.ganje_authorize(jsonb, ganje.http_request) IS 'Ganje, contract "authorize": the Bearer token, or the login that fetches one.';

CREATE FUNCTION ganje.ganje_apply(account jsonb, request ganje.http_request, response ganje.http_response) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    answer jsonb := ganje.try_jsonb(response.body);
    outcome ganje.outcome;
BEGIN
    IF response.status NOT BETWEEN 200 AND 299 THEN
        RETURN outcome;
    END IF;
    outcome.result := 'delivered';
    IF request.operation = 'login' THEN
        outcome.token := ganje.json_id(answer -> 'access');
        -- The unit of expire_duration is not documented; expires_at is a time. Without a
        -- readable one the token is used until the carrier refuses it.
        IF answer ->> 'expires_at' ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d' THEN
            outcome.token_expires_at := (answer ->> 'expires_at')::timestamptz;
        END IF;
    ELSE
        outcome.patch := jsonb_build_object('orderLink', ganje.json_id(answer -> 'order_link'));
    END IF;
    IF coalesce(outcome.token, outcome.patch ->> 'orderLink') IS NULL THEN
        outcome := NULL;
        outcome.result := 'retry';
        outcome.detail := 'the answer is not the JSON that is documented';
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.ganje_apply(jsonb, ganje.http_request, ganje.http_response) IS 'Ganje, contract "apply": the token of a login, the order_link of a pre-order.';

-- "2024-10-09 17:20:32" in the account's time zone, or a time that names its
-- own. Only digits: PostgreSQL would also take "yesterday" and "now".
CREATE FUNCTION ganje.local_time(value text, timezone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    IF value ~ '^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?$' THEN
        RETURN value::timestamp AT TIME ZONE timezone;
    ELSIF value IS NULL OR value ~ '^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$' THEN
        RETURN value::timestamptz;
    END IF;
    RAISE invalid_datetime_format USING MESSAGE = 'a time is not written as "2024-10-09 17:20:32"';
END
$$;
COMMENT ON FUNCTION ganje.local_time(text, text) IS
'A time as carriers write it: in the time zone given unless it names its own; NULL for NULL, raises over anything else.';

CREATE FUNCTION ganje.ganje_receive(account jsonb, payload jsonb) RETURNS ganje.webhook_reading
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    reading ganje.webhook_reading;
    key text;
    checked_in timestamptz := ganje.local_time(payload ->> 'check_in', account ->> 'timezone');
    checked_out timestamptz := ganje.local_time(payload ->> 'check_out', account ->> 'timezone');
BEGIN
    FOREACH key IN ARRAY '{uuid,status}'::text[] LOOP
        IF jsonb_typeof(payload -> key) IS DISTINCT FROM 'string' OR payload ->> key = '' THEN
            reading.problem := 'malformed';
            reading.detail := format('%s is not a text', key);
            RETURN reading;
        END IF;
    END LOOP;
    reading.external_id := coalesce(ganje.json_id(payload #> '{shipment,external_id}'), ganje.json_id(payload -> 'external_id'));
    IF reading.external_id IS NULL THEN
        reading.problem := 'malformed';
        reading.detail := 'shipment.external_id is missing';
        RETURN reading;
    END IF;
    reading.dedupe_key := jsonb_build_array(reading.external_id, payload -> 'uuid', payload -> 'status', payload -> 'check_in',
                                            payload -> 'check_out')::text;
    reading.patch := jsonb_strip_nulls(jsonb_build_object(
        'entity', 'occupancy', 'carrierStatus', payload ->> 'status', 'parcel', payload ->> 'uuid',
        'checkedInAt', checked_in, 'checkedOutAt', checked_out,
        'occurredAt', CASE WHEN payload ->> 'status' IN ('unoccupied', 'returned') THEN checked_out
                           WHEN payload ->> 'status' = 'occupied' THEN checked_in END,
        'station', CASE WHEN jsonb_typeof(payload -> 'station') = 'object' THEN payload -> 'station' END));
    RETURN reading;
END
$$;
COMMENT ON FUNCTION ganje.ganje_receive(jsonb, jsonb) IS 'Ganje, contract "receive": the status webhook of one parcel.';

INSERT INTO ganje.carrier (carrier, description, build, authorize, apply, receive, timezone, builtin) VALUES
    ('ganje', 'Ganje smart lockers (docs.ganje.net)', 'ganje.ganje_build(ganje.shipment,text)',
     'ganje.ganje_authorize(jsonb,ganje.http_request)', 'ganje.ganje_apply(jsonb,ganje.http_request,ganje.http_response)',
     'ganje.ganje_receive(jsonb,jsonb)', 'Asia/Tehran', true),
    ('hesapkurye', 'HesapKurye couriers (apidocs.hesapkurye.com)', NULL, NULL, NULL, NULL, 'Europe/Istanbul', true),
    ('ginee', 'Ginee marketplaces (doc.ginee.com)', NULL, NULL, NULL, NULL, 'UTC', true),
    ('webhook', 'Subscribers of notifications', NULL, NULL, NULL, NULL, 'UTC', true);

-- Ranks: reserved < occupied < expired < unoccupied < returned: a customer
-- who comes late still collects (unoccupied after expired). Ganje cancels only
-- what is reserved: whatever it says besides is further on the way. Each names
-- a status, so that words that come in another order end in the same one.
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank, builtin) VALUES
    ('ganje', 'occupancy', 'reserved', 'pending', 'PENDING', 10, true),
    ('ganje', 'occupancy', 'occupied', 'ready_for_pickup', 'IN_TRANSIT', 20, true),
    ('ganje', 'occupancy', 'expired', 'pickup_expired', 'IN_TRANSIT', 30, true),
    ('ganje', 'occupancy', 'unoccupied', 'delivered', 'DELIVERED', 35, true),
    ('ganje', 'occupancy', 'returned', 'return_to_sender', 'IN_TRANSIT', 40, true),
    ('ganje', 'occupancy', 'canceled', 'cancelled', 'CANCELLED', 15, true),
    ('hesapkurye', 'package', '1', 'pending', 'PENDING', 10, true),
    ('hesapkurye', 'package', '2', 'preparing', 'PACKAGING', 20, true),
    ('hesapkurye', 'package', '3', 'assigned', NULL, 30, true),
    ('hesapkurye', 'package', '4', 'assigned', NULL, 30, true),
    ('hesapkurye', 'package', '5', 'pending', NULL, 30, true),
    ('hesapkurye', 'package', '6', 'out_for_delivery', 'IN_TRANSIT', 40, true),
    ('hesapkurye', 'package', '7', 'out_for_delivery', 'IN_TRANSIT', 50, true),
    ('hesapkurye', 'package', '8', 'delivered', 'DELIVERED', 60, true),
    ('hesapkurye', 'package', '9', 'cancelled', 'CANCELLED', 60, true),
    ('ginee', 'order', 'PENDING_PAYMENT', 'pending', 'PENDING', 10, true),
    ('ginee', 'order', 'PARTIALLY_PAID', 'pending', 'PENDING', 10, true),
    ('ginee', 'order', 'PAID', 'pending', 'PENDING', 10, true),
    ('ginee', 'order', 'READY_TO_SHIP', 'ready_to_ship', 'READY', 20, true),
    ('ginee', 'order', 'SHIPPING', 'in_transit', 'IN_TRANSIT', 30, true),
    ('ginee', 'order', 'DELIVERED', 'delivered', 'DELIVERED', 40, true),
    ('ginee', 'order', 'RETURNED', 'return_to_sender', NULL, 50, true),
    ('ginee', 'order', 'CANCELLED', 'cancelled', 'CANCELLED', 50, true),
    ('ginee', 'delivery-order', 'NEW', 'pending', 'PENDING', 10, true),
    ('ginee', 'delivery-order', 'DELETE', 'cancelled', 'CANCELLED', 50, true);
