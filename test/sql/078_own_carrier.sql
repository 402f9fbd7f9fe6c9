-- Carriers of the user's own: what they must be, as whom they run, and what is done without them.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
CREATE ROLE owner78;
CREATE ROLE other78;
CREATE SCHEMA courier78;
GRANT USAGE ON SCHEMA ganje, courier78 TO owner78, other78;
GRANT EXECUTE ON FUNCTION ganje.register_carrier(text, text, text, text, text, text, text), ganje.unregister_carrier(text) TO owner78, other78;
CREATE FUNCTION courier78.build(shipment ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
DECLARE
    request ganje.http_request;
BEGIN
    request.method := 'POST';
    request.path := '/' || operation;
    request.body := format('{"order": "%s", "by": "%s"}', shipment.order_id, current_user);
    RETURN request;
END $$;
CREATE FUNCTION courier78.authorize(account jsonb, request ganje.http_request) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
BEGIN
    request.headers := request.headers || jsonb_build_object('X-Api-Key', account #>> '{secret,key}', 'X-Role', current_user);
    RETURN request;
END $$;
CREATE FUNCTION courier78.apply(account jsonb, request ganje.http_request, response ganje.http_response) RETURNS ganje.outcome LANGUAGE plpgsql AS $$
DECLARE
    outcome ganje.outcome;
BEGIN
    outcome.patch := jsonb_build_object('trackingUrl', response.body::jsonb ->> 'url', 'entity', 'job', 'carrierStatus', response.body::jsonb ->> 'state');
    RETURN outcome;
END $$;
CREATE FUNCTION courier78.receive(account jsonb, payload jsonb) RETURNS ganje.webhook_reading LANGUAGE plpgsql AS $$
DECLARE
    reading ganje.webhook_reading;
BEGIN
    reading.external_id := payload ->> 'order';
    reading.dedupe_key := payload ->> 'n';
    reading.patch := jsonb_build_object('entity', 'job', 'carrierStatus', payload ->> 'state');
    RETURN reading;
END $$;
CREATE FUNCTION courier78.text_build(shipment ganje.shipment, operation text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
CREATE FUNCTION courier78.many(account jsonb, request ganje.http_request) RETURNS SETOF ganje.http_request LANGUAGE sql AS $$ SELECT request $$;
CREATE FUNCTION courier78.closed(shipment ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE sql AS $$ SELECT NULL::ganje.http_request $$;
REVOKE EXECUTE ON FUNCTION courier78.closed FROM PUBLIC;

-- What is refused names the function and what it should be; nothing is stored.
SET ROLE owner78;
SELECT ganje.register_carrier('bikes', 'courier78.nothing');
SELECT ganje.register_carrier('bikes', 'courier78.build(text)');
SELECT ganje.register_carrier('bikes', 'build');
SELECT ganje.register_carrier('bikes', 'courier78.text_build');
SELECT ganje.register_carrier('bikes', 'courier78.authorize(jsonb,ganje.http_request)');
SELECT ganje.register_carrier('bikes', 'courier78.build', authorize => 'courier78.many');
SELECT ganje.register_carrier('bikes', 'courier78.build', apply => 'courier78.authorize(jsonb, ganje.http_request)');
SELECT ganje.register_carrier('bikes', 'courier78.build', receive => 'courier78.receive(jsonb)');
SELECT ganje.register_carrier('bikes', 'courier78.closed');
SELECT ganje.register_carrier('bikes', NULL);
SELECT ganje.register_carrier('', 'courier78.build');
SELECT ganje.register_carrier('bikes', 'courier78.build', timezone => 'Nowhere/Town');
SELECT ganje.register_carrier('ganje', 'courier78.build');
SELECT ganje.unregister_carrier('ganje');
SELECT ganje.unregister_carrier('bikes');
RESET ROLE;
SELECT count(*) FROM ganje.carrier WHERE NOT builtin;

-- By name or signature, along the role's own search_path; kept with schema and types.
SET ROLE owner78;
SET search_path = courier78, ganje;
SELECT ganje.register_carrier('bikes', 'build', authorize => 'authorize(jsonb, http_request)', apply => 'apply', receive => 'courier78.receive',
                              timezone => 'Asia/Tehran', description => 'Bicycle couriers');
RESET search_path;
RESET ROLE;
SELECT * FROM ganje.carrier WHERE carrier = 'bikes' \gx
-- Another role can neither replace nor drop it; the same one can, and a superuser.
SET ROLE other78;
SELECT ganje.register_carrier('bikes', 'courier78.build');
SELECT ganje.unregister_carrier('bikes');
RESET ROLE;
SET ROLE owner78;
SELECT ganje.register_carrier('bikes', 'courier78.build', 'courier78.authorize', 'courier78.apply', 'courier78.receive');
RESET ROLE;
SELECT timezone, description, registered_by FROM ganje.carrier WHERE carrier = 'bikes';

-- A request, its answer and a webhook, all by its functions and as its role.
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank)
VALUES ('bikes', 'job', 'accepted', 'assigned', NULL, 10), ('bikes', 'job', 'riding', 'out_for_delivery', 'IN_TRANSIT', 20);
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('78-BIKES', 'bikes', 'https://bikes.example/api');
SELECT ganje.set_credential('78-BIKES', '{"key": "k78"}');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M78', '78-A', '78-order', '78-BIKES', '78-X');
SELECT operation, method, path, headers, body FROM ganje.outbox WHERE merchant_id = 'M78';
SELECT (ganje.run_authorize('bikes', '{"secret": {"key": "k78"}}', ROW('M78', 'r', 'a', 's', 'create', 'POST', '/', '{}', 'b')::ganje.http_request)).headers;
CREATE FUNCTION answer78(status integer, body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    one ganje.outbox_delivery;
BEGIN
    UPDATE ganje.outbox_delivery AS d SET state = 'leased', lease_token = 'lease78', attempts = d.attempts + 1
     WHERE d.merchant_id = 'M78' AND d.state = 'pending' RETURNING d.* INTO one;
    RETURN ganje.record_answer(one.merchant_id, one.request_id, 'lease78', ROW(status, '{}', body)::ganje.http_response, NULL, false, 1000,
                               clock_timestamp(), 1, body);
END $$;
SELECT answer78(200, '{"url": "https://bikes.example/1", "state": "accepted"}');
SELECT status, normalized_status, tracking_url FROM ganje.shipment WHERE merchant_id = 'M78';
SELECT ganje.receive_webhook('bikes', '{"order": "78-X", "n": "1", "state": "riding"}');
SELECT status, normalized_status FROM ganje.shipment WHERE merchant_id = 'M78';
SELECT previous_normalized_status, normalized_status, carrier_status, source FROM ganje.shipment_event WHERE merchant_id = 'M78' ORDER BY event_id;
SELECT ganje.unregister_carrier('bikes');

-- With build alone: requests go out as they were built, 2xx is delivered, anything else is final.
SELECT ganje.register_carrier('feet', 'courier78.build');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('78-FEET', 'feet', 'https://feet.example');
SELECT registered_by = current_user AS by_me, authorize, apply, receive FROM ganje.carrier WHERE carrier = 'feet';
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M78', '78-B', '78-order-2', '78-FEET', '78-Y');
SELECT ganje.run_authorize('feet', '{}', ROW('M78', 'r', 'a', 's', 'create', 'POST', '/', '{"A": "b"}', 'body')::ganje.http_request);
SELECT ganje.run_apply('feet', '{}', NULL, ROW(200, '{}', '')::ganje.http_response) IS NULL AS by_status;
SELECT answer78(204, '');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M78', '78-C', '78-order-3', '78-FEET', '78-Z');
SELECT answer78(422, 'no such street');
SELECT last_status, last_error FROM ganje.dead_letters WHERE merchant_id = 'M78';
SELECT ganje.receive_webhook('feet', '{}');
SELECT reason FROM ganje.webhook_inbox WHERE source = 'feet';

-- Forgotten, with what its statuses meant, once its accounts are gone.
SELECT ganje.register_carrier('nobody', 'courier78.build');
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, rank) VALUES ('nobody', 'job', 'x', 'unknown', 1);
SELECT ganje.unregister_carrier('nobody');
SELECT count(*) FROM ganje.carrier AS c FULL JOIN ganje.status_mapping AS m USING (carrier) WHERE carrier = 'nobody';

-- A function that is dropped, changed or closed afterwards is refused when it is called.
ALTER FUNCTION courier78.build(ganje.shipment, text) RENAME TO built;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M78', '78-D', '78-order-4', '78-FEET', '78-W');
ALTER FUNCTION courier78.built(ganje.shipment, text) RENAME TO build;
REVOKE EXECUTE ON FUNCTION courier78.build FROM PUBLIC;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id) VALUES ('M78', '78-D', '78-order-4', '78-BIKES', '78-W');
SELECT count(*) FROM ganje.shipment WHERE shipment_id = '78-D';
-- Roles outlast the database.
DROP OWNED BY owner78, other78;
DROP ROLE owner78, other78;
