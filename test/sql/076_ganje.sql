-- Ganje without the network: what is sent, what every answer means, what the
-- customer selected, stations, deadlines, cancellations.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('76-GANJE', 'ganje', 'https://ganje.example');

-- "Send via Ganje": a store rule whose provider is tied to the account; chosen, it becomes a pre-order.
SELECT ganje.upsert_zone('{"zoneId": "76-ZONE", "name": "Lockers", "timezone": "Asia/Tehran"}');
SELECT ganje.upsert_store('{"storeId": "76-STORE", "merchantId": "M76", "name": "Store", "rules": [
    {"ruleId": "76-locker", "types": ["SELF"], "providers": ["GANJE"], "fee": 25},
    {"ruleId": "76-own", "types": ["SELF"], "providers": ["DESK"], "fee": 0}]}');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M76", "storeId": "76-STORE", "shipmentType": "SELF",
    "providerId": "GANJE", "name": "Send via Ganje", "data": {"carrierAccount": "76-GANJE"}}');
SELECT jsonb_path_query(ganje.get_pools('{"merchantId": "M76", "zoneId": "76-ZONE", "cart": {"items": [{"itemId": "tea", "price": 9}]}}'),
                        '$[*][*].options[*]') - 'slots' AS option;
CREATE TABLE orders76 (id text PRIMARY KEY, hold_id text, phone text);
SELECT ganje.attach_orders('orders76', '{"orderId": "id", "holdId": "hold_id", "phone": "phone", "merchantId": {"const": "M76"}}');
INSERT INTO orders76 SELECT 'A/1 چای', ganje.hold_slot('{"merchantId": "M76", "zoneId": "76-ZONE", "cart": {"items": [{"itemId": "tea", "price": 9}]},
    "pool": [{"items": ["tea"], "type": "SELF", "provider": "GANJE"}]}') ->> 'holdId', '0912 123 45 67';
SELECT o.account_id, o.operation, o.method, o.path, o.headers, o.body, s.provider, s.fee
  FROM ganje.outbox AS o JOIN ganje.shipment AS s USING (merchant_id, shipment_id) WHERE merchant_id = 'M76';

-- An answer, from the status and the body to the patch that is applied. The request is out of the way then, as after a delivery.
CREATE FUNCTION answer76(operation text, status integer, body text, external_id text DEFAULT 'A/1 چای') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    request ganje.http_request;
    outcome ganje.outcome;
    shipment ganje.shipment;
BEGIN
    SELECT * INTO STRICT shipment FROM ganje.shipment AS s WHERE s.external_id = answer76.external_id AND s.merchant_id = 'M76' ORDER BY s.shipment_id LIMIT 1;
    SELECT o.merchant_id, o.request_id, o.account_id, o.shipment_id, o.operation, o.method, o.path, o.headers, o.body
      INTO STRICT request FROM ganje.outbox AS o
     WHERE o.merchant_id = 'M76' AND o.operation = answer76.operation
       AND o.shipment_id IN (SELECT s.shipment_id FROM ganje.shipment AS s WHERE s.external_id = answer76.external_id AND s.merchant_id = 'M76') ORDER BY o.request_id LIMIT 1;
    outcome := ganje.run_apply('ganje', '{"timezone": "Asia/Tehran"}', request, ROW(status, '{}', body)::ganje.http_response);
    IF outcome.patch IS NOT NULL AND outcome.result IN ('delivered', 'failed') THEN
        PERFORM ganje.apply_patch('M76', s.shipment_id, 'ganje', outcome.patch) FROM ganje.shipment AS s
          WHERE s.external_id = answer76.external_id AND s.merchant_id = 'M76';
        PERFORM ganje.cancel_request(request.request_id, 'M76');
    END IF;
    SELECT * INTO shipment FROM ganje.shipment AS s WHERE s.merchant_id = 'M76' AND s.shipment_id = shipment.shipment_id;
    RETURN concat_ws(': ', outcome.result, outcome.detail) || ' -> ' || shipment.status || ' / ' || shipment.normalized_status;
END
$$;
-- What is waiting, and the last steps of the journey.
CREATE FUNCTION waiting76() RETURNS TABLE (order_id text, operation text, method text, path text) LANGUAGE sql AS $$
    SELECT s.order_id, o.operation, o.method, o.path FROM ganje.outbox AS o JOIN ganje.shipment AS s USING (merchant_id, shipment_id)
     WHERE merchant_id = 'M76' ORDER BY s.order_id COLLATE "C", o.request_id $$;
CREATE FUNCTION journey76(order_id text) RETURNS TABLE (source text, status text, normalized_status text, carrier_status text, detail jsonb) LANGUAGE sql AS $$
    SELECT e.source, e.status, e.normalized_status, e.carrier_status, e.detail
      FROM ganje.shipment AS s JOIN ganje.shipment_event AS e USING (merchant_id, shipment_id)
     WHERE merchant_id = 'M76' AND s.order_id = journey76.order_id ORDER BY e.event_id $$;

-- The pre-order's answer: documented, and everything else.
SELECT status, left(body, 60) AS body, (ganje.ganje_apply('{}', ROW('M76', 'r', 'a', 's', 'create', 'POST', '/', '{}', '{}')::ganje.http_request,
        ROW(status, '{}', body)::ganje.http_response)).*
  FROM (VALUES (200, '{"order_link": "https://ganje.example/r/1?a=b&c=%20#d"}'), (201, '{"order_link": "https://ganje.example/r/1"}'),
               (200, '{"order_link": 7}'), (200, '{"order_link": null}'), (200, '{"order_link": ""}'), (200, '{"order_link": ["https://x"]}'),
               (200, '{"order_link": "javascript:alert(1)"}'), (200, '{"order_link": "https://x/\"onload=y"}'), (200, '{"order_link": "https://x y"}'),
               (200, '{}'), (200, '[]'), (200, '7'), (200, 'null'), (200, ''), (200, NULL), (200, '{"order_link": "https://ganje.exa'),
               (200, '<!DOCTYPE html><html>sign in</html>'), (200, '{"order_link": "https://x/\u0000"}'), (302, ''), (204, NULL),
               (400, '{"detail": "phone_number: Enter a valid phone number."}'), (401, '{"detail": "x"}'), (404, '{"detail": "Not found"}')) AS t(status, body);
-- The login's: "expires_at" only where it can be used.
SELECT body, o.result, o.token, o.token_expires_at AT TIME ZONE 'UTC' AS expires_at
  FROM (VALUES ('{"refresh": "r", "access": "t", "pk": 0, "uuid": "u", "expire_duration": 0, "expires_at": "2099-01-02T03:04:05Z"}'),
               ('{"access": "t", "expires_at": "2099-01-02 03:04:05"}'), ('{"access": "t", "expires_at": "2001-01-01T00:00:00Z"}'),
               ('{"access": "t", "expires_at": "date-time"}'), ('{"access": "t", "expires_at": "2099-13-45T00:00:00"}'), ('{"access": "t", "expires_at": 5}'),
               ('{"access": "t"}'), ('{"access": 5}'), ('{"access": ""}'), ('{"refresh": "r"}'), ('"t"'), ('{"access": "t"')) AS t(body),
       ganje.ganje_apply('{"timezone": "Asia/Tehran"}', ROW('M76', 'r', 'a', 's', 'login', 'POST', '/', '{}', '{}')::ganje.http_request,
                         ROW(200, '{}', body)::ganje.http_response) AS o;
SELECT answer76('create', 200, '{"order_link": "https://ganje.example/r/1"}');
SELECT order_link FROM ganje.shipment WHERE merchant_id = 'M76';

-- What the customer selected.
SELECT ganje.ganje_selected('A/1 چای', selection, 'M76')
  FROM (VALUES ('{"selectedStation": {"uuid": "76-st-1", "nickname": "Vanak", "address": "Vanak Sq. 1", "location": "35.7527, 51.3745"},
                  "selectedTimeScope": {"expected_check_in": "2026-11-23 18:00:00", "expected_duration": "24"}}'::jsonb)) AS t(selection);
SELECT station, expected_check_in AT TIME ZONE 'Asia/Tehran' AS expected_check_in, expected_duration, selection FROM ganje.shipment WHERE merchant_id = 'M76';
SELECT carrier, uuid, slug, nickname, lat, lng, confirmed FROM ganje.station WHERE uuid LIKE '76-%' ORDER BY uuid COLLATE "C";
-- Once more, as after a lost answer to the page: nothing changes.
SELECT ganje.ganje_selected('A/1 چای', selection, 'M76', '76-GANJE') FROM ganje.shipment WHERE merchant_id = 'M76';
SELECT * FROM journey76('A/1 چای');
-- Another station and time: the last one holds. The form of the time is not documented; what cannot be read is kept as it came.
SELECT t, ganje.readable_time(t, 'Asia/Tehran') AT TIME ZONE 'UTC' AS utc
  FROM unnest('{2026-11-23 18:00:00,2026-11-23T18:00:00Z,2026-11-23T18:00:00.5+03:30,1405-09-02 18:00:00,tomorrow,now,2026-02-30 10:00:00,2026-11-23,18:00,"",NULL}'::text[]) AS t;
SELECT ganje.ganje_selected('A/1 چای', jsonb_set(selection, '{selectedTimeScope,expected_check_in}', '"18:00"'), 'M76') FROM ganje.shipment WHERE merchant_id = 'M76';
SELECT expected_check_in, selection #>> '{selectedTimeScope,expected_check_in}' AS raw FROM ganje.shipment WHERE merchant_id = 'M76';
SELECT ganje.ganje_selected('A/1 چای', '{"selectedStation": {"uuid": "76-st-2", "location": "nowhere"}, "selectedTimeScope": {"expected_duration": 48}, "more": 1}', 'M76');
SELECT station, expected_check_in, expected_duration, selection FROM ganje.shipment WHERE merchant_id = 'M76';

-- What is no selection is refused, with the JSON path, and nothing is stored.
CREATE FUNCTION error76(selection jsonb, external_id text DEFAULT 'A/1 چای') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.ganje_selected(external_id, selection, 'M76');
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT left(s::text, 90) AS selection, error76(s)
  FROM unnest(ARRAY[NULL, 'null', '[]', '"x"', '{}', '{"selectedStation": {}}', '{"selectedStation": "76-st-1", "selectedTimeScope": {}}',
       '{"selectedStation": {"uuid": "76-st-1"}}', '{"selectedStation": {"uuid": "76-st-1"}, "selectedTimeScope": []}',
       '{"selectedStation": {"uuid": 7}, "selectedTimeScope": {}}', '{"selectedStation": {"uuid": ""}, "selectedTimeScope": {}}',
       '{"selectedStation": {"uuid": null}, "selectedTimeScope": {}}', '{"selectedStation": {"uuid": "a", "nickname": {}}, "selectedTimeScope": {}}',
       '{"selectedStation": {"uuid": "a", "address": 7}, "selectedTimeScope": {}}', '{"selectedStation": {"uuid": "a", "location": [35, 51]}, "selectedTimeScope": {}}',
       '{"selectedStation": {"uuid": "a"}, "selectedTimeScope": {"expected_check_in": 1732384800}}',
       '{"selectedStation": {"uuid": "a"}, "selectedTimeScope": {"expected_duration": true}}',
       jsonb_build_object('selectedStation', jsonb_build_object('uuid', repeat('u', 201)), 'selectedTimeScope', '{}'::jsonb),
       jsonb_build_object('selectedStation', jsonb_build_object('uuid', 'u', 'address', repeat('a', 1048576)), 'selectedTimeScope', '{}'::jsonb)]::jsonb[]) AS s;
\set good '{"selectedStation": {"uuid": "76-st-1"}, "selectedTimeScope": {}}'
SELECT error76(:'good', 'nobody'), error76(:'good', NULL);
SELECT ganje.ganje_selected('nobody', :'good', 'M76');
SELECT count(*) FROM ganje.station WHERE uuid LIKE '76-%' OR slug LIKE '76%';

-- The carrier's word goes before the customer's: its station stays, what it has left open is filled.
INSERT INTO orders76 SELECT 'B', ganje.hold_slot('{"merchantId": "M76", "zoneId": "76-ZONE", "cart": {"items": [{"itemId": "tea", "price": 9}]},
    "pool": [{"items": ["tea"], "type": "SELF", "provider": "GANJE"}]}') ->> 'holdId', '+989121234567';
CREATE FUNCTION say76(payload jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    INSERT INTO ganje.webhook_inbox AS i (source, payload) VALUES ('76-GANJE', payload::text)
    RETURNING concat_ws(' ', i.state, i.reason, i.detail) INTO result;
    RETURN result;
END
$$;
SELECT say76('{"uuid": "b-1", "status": "reserved", "external_id": "B", "check_in": null, "check_out": null,
    "station": {"pk": 21, "slug": "76767676", "nickname": "Tajrish", "address": "Tajrish Sq.", "location": "35.8060, 51.4280", "images": []}}');
SELECT ganje.ganje_selected('B', '{"selectedStation": {"uuid": "76-st-9", "nickname": "Elsewhere", "address": "Nowhere", "location": "0, 0"},
    "selectedTimeScope": {"expected_check_in": "2026-11-23 18:00:00", "expected_duration": "24"}}', 'M76');
SELECT station ->> 'nickname' AS station, expected_check_in AT TIME ZONE 'Asia/Tehran' AS expected FROM ganje.shipment WHERE merchant_id = 'M76' AND order_id = 'B';
-- The occupancy call names the same station by its uuid, and both keys are joined; its times replace the selected one.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
VALUES ('M76', '76-D', 'D', '+989121234567', '76-GANJE', 'D/ü?#%&+ d');
SELECT ganje.cancel_request(request_id, 'M76') FROM ganje.outbox WHERE merchant_id = 'M76';
SELECT ganje.enqueue(s, 'occupancy') IS NOT NULL AS asked FROM ganje.shipment AS s WHERE merchant_id = 'M76' AND order_id IN ('B', 'D') ORDER BY order_id;
SELECT * FROM waiting76();
CREATE FUNCTION info76(external_id text, uuid text, status text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT (jsonb_build_object('uuid', uuid, 'process', 'lastmile', 'verbose_id', NULL, 'shipment', jsonb_build_object('external_id', external_id,
        'parcels', '[]'::jsonb), 'station', '{"uuid": "76-tajrish", "nickname": "Tajrish", "address": "Tajrish Sq.", "location": "35.8060, 51.4280", "postal_code": null}'::jsonb,
        'status', status, 'picker', '{"phone_number": "+989121234567", "full_name": null}'::jsonb, 'extra_information', '{}'::jsonb,
        'expected_check_in', '2026-11-24 09:00:00', 'expected_check_out', '2026-11-25 09:00:00', 'check_in', NULL, 'check_out', NULL) || more)::text $$;
SELECT answer76('occupancy', 200, info76('B', 'b-1', 'reserved'), 'B');
SELECT station, expected_check_in AT TIME ZONE 'Asia/Tehran' AS expected_in, expected_check_out AT TIME ZONE 'Asia/Tehran' AS expected_out
  FROM ganje.shipment WHERE merchant_id = 'M76' AND order_id = 'B';
SELECT uuid, slug, nickname, lat, lng, confirmed FROM ganje.station WHERE uuid LIKE '76-%' ORDER BY uuid COLLATE "C";
SELECT * FROM journey76('B');
-- A webhook afterwards knows the slug alone: the shipment keeps both keys.
SELECT say76('{"uuid": "b-1", "status": "occupied", "external_id": "B", "check_in": "2026-11-24 08:30:00",
    "station": {"pk": 21, "slug": "76767676", "nickname": "Tajrish 2", "address": "Tajrish Sq.", "location": "35.8060, 51.4280", "images": []}}');
SELECT station, expires_at AT TIME ZONE 'Asia/Tehran' AS expires_at FROM ganje.shipment WHERE merchant_id = 'M76' AND order_id = 'B';
SELECT uuid, slug, nickname, confirmed FROM ganje.station WHERE slug = '76767676';
-- A page cannot rename what the carrier has named, nor give it another key.
SELECT ganje.note_station('ganje', '{"uuid": "76-tajrish", "nickname": "Forged", "address": "Elsewhere", "location": "1, 1"}', false);
SELECT ganje.note_station('ganje', '{"uuid": "76-forged", "nickname": "Tajrish 2", "address": "Tajrish Sq.", "location": "35.8060, 51.4280"}', false);
SELECT uuid, slug, nickname, address, confirmed FROM ganje.station WHERE uuid LIKE '76-%' ORDER BY uuid COLLATE "C";
-- Nor while the carrier has named but one of the keys. Its own word joins them, and takes the place of the page's.
SELECT ganje.note_station('ganje', '{"slug": "76-slug", "nickname": "Azadi", "address": "Azadi Sq.", "location": "35.69, 51.33"}', true);
SELECT ganje.note_station('ganje', '{"uuid": "76-page", "nickname": "Azadi", "address": "Azadi Sq.", "location": "35.69, 51.33"}', false);
SELECT ganje.note_station('ganje', '{"uuid": "76-page", "nickname": "Azadi", "address": "Azadi Sq.", "location": "35.69, 51.33"}', true);
SELECT uuid, slug, confirmed FROM ganje.station WHERE nickname = 'Azadi' ORDER BY uuid;
-- Once the carrier itself names what only a page had named, it is confirmed, with the carrier's words.
SELECT ganje.note_station('ganje', '{"uuid": "76-st-1", "nickname": "Vanak East"}', true);
SELECT uuid, nickname, address, lat, confirmed FROM ganje.station WHERE uuid = '76-st-1';
SELECT l, (ganje.lat_lng(l)).* FROM unnest('{"35.70820037199022, 51.46982257116468","-90,180"," 1 , 2 ","91, 0","0, 181","35.7",",","35,7, 51,4","NaN, 1","1e1, 2",""}'::text[]) AS l;
SELECT s, ganje.note_station('ganje', s, true) FROM unnest('{"7","\"x\"","{}","null","{\"slug\": {}, \"uuid\": []}"}'::jsonb[]) AS s;
SELECT count(*) FROM ganje.station WHERE uuid LIKE '76-%' OR slug LIKE '76%';

-- Every answer to operation "occupancy" that is not the documented one of this order.
SELECT name, answer76('occupancy', status, body, 'D/ü?#%&+ d')
  FROM (VALUES ('another order', 200, info76('B', 'd-1', 'reserved')), ('no order', 200, info76(NULL, 'd-1', 'reserved')),
               ('status a number', 200, info76('D/ü?#%&+ d', 'd-1', 'reserved', '{"status": 7}')), ('no uuid', 200, info76('D/ü?#%&+ d', NULL, 'reserved')),
               ('uuid a path', 200, info76('D/ü?#%&+ d', '../../x', 'reserved')), ('uuid long', 200, info76('D/ü?#%&+ d', repeat('a', 101), 'reserved')),
               ('HTML', 200, '<html></html>'), ('truncated', 200, left(info76('D/ü?#%&+ d', 'd-1', 'reserved'), 200)), ('a list', 200, '[]'),
               ('nothing', 200, ''), ('no text', 200, NULL), ('server error', 500, '{"detail": "x"}'), ('404 of a proxy', 404, '<html></html>'),
               ('403', 403, '{"detail": "no"}')) AS t(name, status, body);
SELECT answer76('occupancy', 200, info76('D/ü?#%&+ d', 'd-1', 'reserved', '{"check_in": "yesterday"}'), 'D/ü?#%&+ d');
-- 404 of Ganje's own: nothing is reserved (yet), which is no news. Then a status; station and expected times of wrong kinds are passed over.
SELECT answer76('occupancy', 404, '{"detail": "Not found"}', 'D/ü?#%&+ d');
SELECT ganje.enqueue(s, 'occupancy') IS NOT NULL AS asked FROM ganje.shipment AS s WHERE merchant_id = 'M76' AND order_id = 'D';
SELECT answer76('occupancy', 200, info76('D/ü?#%&+ d', 'd-1', 'occupied', '{"station": "x", "expected_check_in": "1403-08-19 10:00:00", "expected_check_out": {}, "check_in": "2026-11-24 10:00:00"}'), 'D/ü?#%&+ d');
SELECT station, expected_check_in, expires_at AT TIME ZONE 'Asia/Tehran' AS expires_at FROM ganje.shipment WHERE merchant_id = 'M76' AND order_id = 'D';
SELECT * FROM journey76('D');

-- The 24 hours, the account's own time, and who must be collected by the store's courier.
SELECT ganje.ganje_collect_within(jsonb_build_object('settings', s)) FROM unnest('{"{}","{\"pickupHours\": 48}","{\"pickupHours\": 0.5}","{\"pickupHours\": 0}","{\"pickupHours\": \"48\"}","{\"pickupHours\": 1e9}"}'::jsonb[]) AS s;
SET ganje_logistics.now = '2026-11-25 04:59:59+00';
SELECT count(*) FROM ganje.parcels_to_collect WHERE merchant_id = 'M76';
SET ganje_logistics.now = '2026-11-25 05:00:00+00';
SELECT order_id, parcel_ref, store_id, station, address, lat, lng, slug, uuid, carrier_status, since AT TIME ZONE 'Asia/Tehran' AS since
  FROM ganje.parcels_to_collect WHERE merchant_id = 'M76';
SELECT say76('{"uuid": "d-1", "status": "expired", "external_id": "D/ü?#%&+ d", "check_in": "2026-11-24 10:00:00"}');
SELECT order_id, carrier_status, since AT TIME ZONE 'Asia/Tehran' AS since FROM ganje.parcels_to_collect WHERE merchant_id = 'M76' AND order_id = 'B';
SELECT order_id, carrier_status, since > now() - interval '1 minute' AS since_heard FROM ganje.parcels_to_collect WHERE merchant_id = 'M76' AND order_id = 'D';
-- Two parcels: the earlier deadline is the shipment's, until that parcel is out.
SELECT say76('{"uuid": "b-2", "status": "occupied", "external_id": "B", "check_in": "2026-11-24 12:00:00"}');
SELECT order_id, status, normalized_status, expires_at AT TIME ZONE 'Asia/Tehran' AS expires_at FROM ganje.shipment WHERE merchant_id = 'M76' AND order_id = 'B';
SELECT say76('{"uuid": "b-1", "status": "unoccupied", "external_id": "B", "check_in": "2026-11-24 08:30:00", "check_out": "2026-11-25 09:00:00"}');
SELECT order_id, status, normalized_status, expires_at AT TIME ZONE 'Asia/Tehran' AS expires_at FROM ganje.shipment WHERE merchant_id = 'M76' AND order_id = 'B';
SET ganje_logistics.now = '2027-01-01 00:00:00+00';
SELECT order_id, parcel_ref FROM ganje.parcels_to_collect WHERE merchant_id = 'M76' ORDER BY 1, 2;
SELECT say76('{"uuid": "b-2", "status": "returned", "external_id": "B", "check_out": "2026-11-26 09:00:00"}'),
       say76('{"uuid": "d-1", "status": "unoccupied", "external_id": "D/ü?#%&+ d", "check_out": "2026-11-26 09:00:00"}');
SELECT order_id, status, normalized_status, expires_at FROM ganje.shipment WHERE merchant_id = 'M76' AND order_id IN ('B', 'D') ORDER BY 1;
SELECT count(*) FROM ganje.parcels_to_collect WHERE merchant_id = 'M76';
RESET ganje_logistics.now;
-- A check-in without its time: the day begins when it is heard of.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id) VALUES ('M76', '76-E', 'E', '+989121234567', '76-GANJE', 'E');
UPDATE ganje.carrier_account SET settings = '{"pickupHours": 2}' WHERE account_id = '76-GANJE';
SELECT say76('{"uuid": "e-1", "status": "occupied", "external_id": "E"}');
SELECT expires_at - updated_at AS wait FROM ganje.shipment_parcel WHERE merchant_id = 'M76' AND parcel_ref = 'e-1';
UPDATE ganje.carrier_account SET settings = '{}' WHERE account_id = '76-GANJE';
-- A finished order takes no selection.
SELECT error76(:'good', 'D/ü?#%&+ d');

-- Polls, where webhooks stay away. The first is due half an hour after the pre-order, and a webhook puts it off.
SELECT poll_operation, poll FROM ganje.carrier WHERE carrier = 'ganje';
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id) VALUES ('M76', '76-P', 'P', '+989121234567', '76-GANJE', 'P');
INSERT INTO ganje.shipment_poll (merchant_id, shipment_id, account_id, due_at, changed_at) VALUES ('M76', '76-P', '76-GANJE', now(), now() - interval '1 day');
SELECT say76('{"uuid": "p-1", "status": "reserved", "external_id": "P"}');
SELECT due_at > now() + interval '20 minutes' AS put_off, changed_at > now() - interval '1 minute' AS begins_anew FROM ganje.shipment_poll WHERE shipment_id = '76-P';
-- What it says against what webhooks have said: times are filled in, the same is no news, and of two that differ the one of higher
-- rank holds, the other being a step of the journey all the same.
CREATE FUNCTION poll76(last_status text, asked_at timestamptz, status text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    known ganje.shipment;
    patch jsonb := (ganje.ganje_read_occupancy('{"timezone": "Asia/Tehran"}', info76('P', 'p-1', status, more)::jsonb, 'poll')).patch;
    result text;
BEGIN
    SELECT * INTO known FROM ganje.shipment AS s WHERE s.shipment_id = '76-P';
    result := ganje.apply_poll(known, 'ganje', patch, last_status, asked_at);
    SELECT * INTO known FROM ganje.shipment AS s WHERE s.shipment_id = '76-P';
    RETURN result || ' -> ' || known.normalized_status;
END
$$;
SELECT poll76(NULL, now(), 'reserved');
SELECT station ->> 'nickname' AS station, expected_check_in AT TIME ZONE 'Asia/Tehran' AS expected FROM ganje.shipment WHERE shipment_id = '76-P';
SELECT poll76('reserved', now(), 'reserved');
SELECT poll76('reserved', now(), 'occupied');
SELECT expires_at > now() + interval '23 hours' AS a_day_from_now FROM ganje.shipment WHERE shipment_id = '76-P';
SELECT poll76('occupied', now(), 'occupied', '{"check_in": "2026-11-20 08:00:00"}');
SELECT expires_at AT TIME ZONE 'Asia/Tehran' AS expires_at FROM ganje.shipment WHERE shipment_id = '76-P';
SELECT say76('{"uuid": "p-1", "status": "unoccupied", "external_id": "P", "check_out": "2026-11-20 18:00:00"}');
SELECT poll76('expired', now(), 'occupied', '{"check_in": "2026-11-20 08:00:00"}');
SELECT poll76('occupied', now(), 'occupied', '{"check_in": "2026-11-20 08:00:00"}');
SELECT poll76('occupied', now(), 'returned', '{"check_in": "2026-11-20 08:00:00", "check_out": "2026-11-20 19:00:00"}');
SELECT * FROM journey76('P');

-- Cancelling. Not told yet: the pre-order is taken back.
SELECT ganje.cancel_request(request_id, 'M76') FROM ganje.outbox WHERE merchant_id = 'M76';
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
SELECT 'M76', '76-' || x, x, '+989121234567', '76-GANJE', x FROM unnest('{F,G,H,I,J,K,L}'::text[]) AS x;
SELECT ganje.cancel_at_carrier('76-F', 'customer called', 'M76');
SELECT * FROM journey76('F');
SELECT order_id FROM waiting76();
SELECT ganje.cancel_at_carrier('76-F', 'again', 'M76');
SELECT ganje.cancel_at_carrier('76-nobody', NULL, 'M76');
SELECT ganje.cancel_at_carrier('76-B', NULL);
SELECT answer76('create', 200, '{"order_link": "https://ganje.example/r"}', x) FROM unnest('{G,H,I,J,K,L}'::text[]) AS x;
-- Told, and nothing known of a parcel: Ganje is asked. Nothing is reserved: cancelled.
SELECT ganje.cancel_at_carrier('76-G', 'out of stock', 'M76') IS NOT NULL AS asked;
SELECT ganje.cancel_at_carrier('76-G', 'twice', 'M76') = (SELECT request_id FROM ganje.outbox WHERE shipment_id = '76-G') AS the_same;
SELECT * FROM waiting76();
SELECT answer76('cancel', 404, '{"detail": "Not found"}', 'G');
SELECT * FROM journey76('G');
SELECT cancel_reason, cancel_requested_at IS NOT NULL AS wished FROM ganje.shipment WHERE shipment_id = '76-G';
-- The customer reserves all the same, by the old link: cancelled as well, once.
SELECT say76('{"uuid": "g-1", "status": "reserved", "external_id": "G"}');
SELECT say76('{"uuid": "g-1", "status": "reserved", "external_id": "G", "check_in": "2026-11-24 08:30:00"}');
SELECT * FROM waiting76();
SELECT answer76('cancel', 200, '{"uuid": "g-1", "status": "canceled"}', 'G');
SELECT * FROM journey76('G') OFFSET 2;
SELECT * FROM waiting76();
-- Asked, and two parcels are there: one after the other.
SELECT ganje.cancel_at_carrier('76-H', NULL, 'M76') IS NOT NULL AS asked;
SELECT answer76('cancel', 200, info76('H', 'h-1', 'reserved'), 'H');
SELECT say76('{"uuid": "h-2", "status": "reserved", "external_id": "H"}');
SELECT * FROM waiting76();
SELECT answer76('cancel', 200, '{"uuid": "h-1", "status": "canceled"}', 'H');
SELECT answer76('cancel', 200, '{"uuid": "h-2", "status": "canceled"}', 'H');
SELECT * FROM waiting76();
-- Refused: in the locker by now. The shipment stays, the journey tells of it, Ganje is asked what is true.
SELECT say76('{"uuid": "i-1", "status": "reserved", "external_id": "I"}');
SELECT ganje.cancel_at_carrier('76-I', 'late', 'M76') IS NOT NULL AS asked;
SELECT say76('{"uuid": "i-1", "status": "reserved", "external_id": "I", "check_in": "2026-11-24 08:30:00"}');
SELECT * FROM waiting76();
SELECT name, answer76('cancel', status, body, 'I')
  FROM (VALUES ('another uuid', 200, '{"uuid": "x", "status": "canceled"}'), ('another status', 200, '{"uuid": "i-1", "status": "reserved"}'), ('HTML', 200, '<html>'),
               ('a list', 200, '[{"uuid": "i-1", "status": "canceled"}]'), ('truncated', 200, '{"uuid": "i-1", "status": "canc'), ('400 of a proxy', 400, '<html>'),
               ('404 of a proxy', 404, 'not here'), ('405', 405, '{"detail": "Method \"PATCH\" not allowed."}'), ('503', 503, '')) AS t(name, status, body);
SELECT answer76('cancel', 400, '{"detail": "This transition is not possible on this occupancy"}', 'I');
SELECT * FROM waiting76();
SELECT cancel_requested_at IS NULL AS over, cancel_reason FROM ganje.shipment WHERE shipment_id = '76-I';
SELECT answer76('occupancy', 200, info76('I', 'i-1', 'occupied', '{"check_in": "2026-11-24 10:00:00"}'), 'I');
SELECT * FROM journey76('I');
SELECT ganje.cancel_at_carrier('76-I', 'now', 'M76');
-- Its parcel is not found by its uuid: asked for by our id. Not there either: gone, and cancelled.
SELECT say76('{"uuid": "j-1", "status": "reserved", "external_id": "J"}');
SELECT ganje.cancel_at_carrier('76-J', NULL, 'M76') IS NOT NULL AS asked;
SELECT answer76('cancel', 404, '{"detail": "Not found"}', 'J');
SELECT answer76('occupancy', 404, '{"detail": "Not found"}', 'J');
SELECT * FROM journey76('J');
-- A carrier that contradicts itself is not asked for ever.
SELECT say76('{"uuid": "k-1", "status": "reserved", "external_id": "K"}');
SELECT ganje.cancel_at_carrier('76-K', NULL, 'M76') IS NOT NULL AS asked;
SELECT answer76('cancel', 404, '{"detail": "Not found"}', 'K');
SELECT answer76('occupancy', 200, info76('K', 'k-1', 'reserved'), 'K');
SELECT answer76('cancel', 404, '{"detail": "Not found"}', 'K');
SELECT answer76('occupancy', 200, info76('K', 'k-1', 'reserved'), 'K');
SELECT * FROM waiting76();
-- The question finds it in the locker: refused.
SELECT ganje.cancel_at_carrier('76-L', NULL, 'M76') IS NOT NULL AS asked;
SELECT answer76('cancel', 200, info76('L', 'l-1', 'occupied', '{"check_in": "2026-11-24 10:00:00"}'), 'L');
SELECT * FROM journey76('L');
SELECT * FROM waiting76();
-- Two shipments of one order are one thing to the carrier: cancelled together, and it is asked once.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id) VALUES
    ('M76', '76-T1', 'T', '+989121234567', '76-GANJE', 'T'), ('M76', '76-T2', 'T', '+989121234567', '76-GANJE', 'T'),
    ('M76', '76-V1', 'V', '+989121234567', '76-GANJE', 'V'), ('M76', '76-V2', 'V', '+989121234567', '76-GANJE', 'V'),
    ('M76', '76-W1', 'W', '+989121234567', '76-GANJE', 'W'), ('M76', '76-W2', 'W', '+989121234567', '76-GANJE', 'W');
SELECT * FROM waiting76();
SELECT ganje.cancel_at_carrier('76-T2', NULL, 'M76');
SELECT answer76('create', 200, '{"order_link": "https://ganje.example/r"}', 'V');
SELECT ganje.cancel_at_carrier('76-V2', NULL, 'M76') IS NOT NULL AS asked;
SELECT answer76('cancel', 404, '{"detail": "Not found"}', 'V');
SELECT answer76('create', 200, '{"order_link": "https://ganje.example/r"}', 'W');
SELECT say76('{"uuid": "w-1", "status": "reserved", "external_id": "W"}'), say76('{"uuid": "w-2", "status": "reserved", "external_id": "W"}');
SELECT ganje.cancel_at_carrier('76-W1', NULL, 'M76') IS NOT NULL AS asked;
SELECT * FROM waiting76();
SELECT answer76('cancel', 200, '{"uuid": "w-1", "status": "canceled"}', 'W');
SELECT * FROM waiting76();
SELECT answer76('cancel', 200, '{"uuid": "w-2", "status": "canceled"}', 'W');
SELECT * FROM waiting76();
SELECT shipment_id, status, normalized_status, cancel_requested_at IS NOT NULL AS wished FROM ganje.shipment
 WHERE merchant_id = 'M76' AND order_id IN ('T', 'V', 'W') ORDER BY 1;

-- What cannot stand in a path is refused when the request is made.
SELECT ganje.url_segment('a/b ?#%&+é'), ganje.url_segment('...');
SELECT ganje.url_segment('.');
SELECT ganje.url_segment('');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id) VALUES ('M76', '76-U', 'U', '+989121234567', '76-GANJE', '..');
SELECT ganje.enqueue(s, 'occupancy') FROM ganje.shipment AS s WHERE shipment_id = '76-U';
SELECT ganje.enqueue(s, 'dance') FROM ganje.shipment AS s WHERE shipment_id = '76-U';

-- A pre-order by hand: one per order, whose link is answered once it is there; a cancelled one is followed by another.
SELECT ganje.ganje_pre_order('PRE', '+989121234567', '76-GANJE', 'M76') - 'shipmentId' AS first, ganje.ganje_pre_order('PRE', '+989121234567', '76-GANJE', 'M76') - 'shipmentId' AS again;
SELECT s.order_id, s.phone, o.operation FROM ganje.shipment AS s JOIN ganje.outbox AS o USING (merchant_id, shipment_id) WHERE s.merchant_id = 'M76' AND s.external_id = 'PRE';
SELECT answer76('create', 200, '{"order_link": "https://ganje.example/pre"}', 'PRE');
SELECT ganje.ganje_pre_order('PRE', '+989121234567', '76-GANJE', 'M76') - 'shipmentId' AS later;
UPDATE ganje.shipment SET normalized_status = 'cancelled' WHERE merchant_id = 'M76' AND external_id = 'PRE';
SELECT ganje.ganje_pre_order('PRE', '+989121234567', '76-GANJE', 'M76') ->> 'created' AS another;
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('76-OTHER', 'ganje', 'https://other76.example');
SELECT ganje.ganje_pre_order('PRE2', '+989121234567', merchant_id => 'M76');
SELECT ganje.ganje_pre_order('PRE2', '+989121234567', '76-NOTHING', 'M76');
SELECT ganje.ganje_pre_order('PRE2', '', '76-GANJE', 'M76');
SELECT ganje.ganje_pre_order(NULL, '+989121234567', '76-GANJE', 'M76');
SELECT ganje.ganje_pre_order('PRE2', 'no phone', '76-GANJE', 'M76');
DELETE FROM ganje.carrier_account WHERE account_id = '76-OTHER';

SELECT ganje.detach_orders('orders76');
DROP TABLE orders76;
DROP FUNCTION answer76, poll76, waiting76, journey76, error76, say76, info76;
SELECT ganje.resume_sending();
