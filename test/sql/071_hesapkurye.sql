-- HesapKurye as pure SQL: what is sent, and what an answer means.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir /data/hesapkurye_save_package.txt
\set save_package `cat :file`
\set file :abs_srcdir /data/hesapkurye_get_package.txt
\set get_package `cat :file`
\set file :abs_srcdir /data/hesapkurye_payment_methods.txt
\set payment_methods `cat :file`
\set file :abs_srcdir /data/hesapkurye_cancel.txt
\set cancel `cat :file`
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings)
VALUES ('71', 'hesapkurye', 'https://api.hesapkurye.com', '{"outSourceId": 5, "restaurantId": "ifLpIWj5WiOmp1Gm1H+uqQ=="}');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings) VALUES ('71-LOGIN', 'hesapkurye', 'https://api.hesapkurye.com', '{"outSourceId": 5}');
CREATE FUNCTION account71(account text, secret jsonb DEFAULT '{"apiKey": "JvaXPFXAQEqf7X5XegRxLw==", "apiSecret": "92utiyfmPeXDSjHv8RiJ6w=="}',
                          token text DEFAULT NULL, answer_lost boolean DEFAULT false) RETURNS jsonb LANGUAGE sql
RETURN (SELECT ganje.account_json(a) || jsonb_build_object('secret', secret, 'token', token, 'answerLost', answer_lost)
          FROM ganje.carrier_account AS a WHERE a.account_id = account);

-- The account's requests: which payment methods are there.
SELECT ganje.refresh_payment_methods('71') IS NOT NULL AS enqueued;
SELECT operation, method, path, headers, body FROM ganje.outbox WHERE account_id = '71';
SELECT r.body, r.operation FROM ganje.outbox AS o, ganje.run_authorize('hesapkurye', account71('71'), ROW(o.merchant_id, o.request_id, o.account_id,
    o.shipment_id, o.operation, o.method, o.path, o.headers, o.body)::ganje.http_request) AS r WHERE o.account_id = '71';

-- An answer to the one request that waits for it, as the worker would record it.
CREATE FUNCTION answer71(status integer, body text, headers jsonb DEFAULT '{}', used_token text DEFAULT NULL, asked boolean DEFAULT false)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d ganje.outbox_delivery;
BEGIN
    UPDATE ganje.outbox_delivery AS o SET state = 'leased', lease_token = 't', attempts = attempts + 1
     WHERE o.account_id = '71' AND o.state = 'pending' RETURNING * INTO STRICT d;
    RETURN ganje.record_answer(d.merchant_id, d.request_id, 't', ROW(status, headers, body)::ganje.http_response,
                               used_token, status >= 500, 1000, clock_timestamp(), 5, left(body, 60), asked);
END
$$;
SELECT answer71(200, :'payment_methods');
SELECT payment_method, name FROM ganje.payment_method WHERE account_id = '71';
-- A list, in another case, with what is none among them; the whole table is replaced.
SELECT ganje.refresh_payment_methods('71') IS NOT NULL AS enqueued;
SELECT answer71(200, '[{"paymentMethod": "1", "paymentName": "sample string 10"}, {"PaymentMethod": 2, "PaymentName": "Kredi Kartı"},
    {"PaymentMethod": 2, "PaymentName": "Kredi Kartı"}, {"PaymentMethod": "x", "PaymentName": "y"}, {"PaymentMethod": 3}, {"PaymentName": "z"}, 7, null]');
SELECT payment_method, name FROM ganje.payment_method WHERE account_id = '71' ORDER BY 1;
SELECT due_at - refreshed_at AS again, failures FROM ganje.account_refresh WHERE account_id = '71';

-- SavePackage: the sample of the documentation, field by field. Its PackageType is none of the documented ones.
WITH s AS (
    INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, address, note, recipient, phone, fee, created_at, data)
    VALUES ('M71', 'A', 'a', '71', 'sample string v2', '{"address": "sample string 0001", "addressDetail": "sample string 0001", "lat": 38.6902, "lng": 35.5450}',
            'sample string 13', 'sample string 14', 'sample string 15', 1.0, '2024-10-25 11:55+03',
            '{"paymentMethod": 1, "prepareTime": 10, "targetDate": "2024-10-25 13:00", "packageType": "Diğer"}'))
INSERT INTO ganje.shipment_item (merchant_id, shipment_id, item_id, position, quantity, price, name, data)
SELECT 'M71', 'A', 'i' || n, n, 1.0, 2.0, 'sample string 3', '{"note": "sample string 4", "totalAmount": 5.0}' FROM generate_series(1, 2) AS n;
SELECT operation, method, path, headers, d.turn, d.poll FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id) WHERE merchant_id = 'M71';
SELECT body FROM ganje.outbox WHERE merchant_id = 'M71';
CREATE VIEW sent71 AS
SELECT r.* FROM ganje.outbox AS o, ganje.run_authorize('hesapkurye', account71('71'), ROW(o.merchant_id, o.request_id, o.account_id,
    o.shipment_id, o.operation, o.method, o.path, o.headers, o.body)::ganje.http_request) AS r WHERE o.merchant_id = 'M71';
SELECT body::jsonb = :'save_package'::jsonb || '{"PackageType": "Diğer", "OutSourceID": 5}' ||
           jsonb_build_object('Products', (SELECT jsonb_agg(p || '{"productOptions": ""}') FROM jsonb_array_elements(:'save_package'::jsonb -> 'Products') AS p)) AS as_documented
  FROM sent71;
-- Numbers as they were given, to the last digit, and the same types.
SELECT body ~ '"PackagePrice" : 11.0,' AND body ~ '"quantity" : 1.0,' AND body ~ '"totalAmount" : 5.0' AS exact FROM sent71;
SELECT string_agg(key || ' ' || jsonb_typeof(value), ', ' ORDER BY key COLLATE "C") FROM sent71, jsonb_each(body::jsonb);

-- Where the document is silent: defaults, RBS's address, an order's own word on its items.
CREATE FUNCTION build71(wish jsonb, items jsonb DEFAULT '[{"quantity": 3, "price": 19.90, "name": "Lahmacun",
    "data": {"options": [{"name": "Acı", "value": "az"}, "soğansız", 7], "note": "sıcak"}}]') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    w jsonb := '{"address": "Moda Cd. 5", "data": {"paymentMethod": "Kredi Kartı"}}'::jsonb || wish;
    body text;
BEGIN
    WITH s AS (
        INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, address, recipient, phone, note, fee, type,
                                    promised_to, created_at, data)
        VALUES ('M71', 'X', 'x', '71', 'x', w -> 'address', w ->> 'recipient', w ->> 'phone', w ->> 'note', (w ->> 'fee')::numeric, w ->> 'type',
                (w ->> 'promisedTo')::timestamptz, '2026-03-29T00:30:00Z', w -> 'data'))
    INSERT INTO ganje.shipment_item SELECT 'M71', 'X', coalesce(i.value ->> 'id', 'i' || i.place), i.place, (i.value ->> 'quantity')::numeric,
        (i.value ->> 'price')::numeric, i.value ->> 'name', coalesce(i.value -> 'data', '{}') FROM jsonb_array_elements(items) WITH ORDINALITY AS i(value, place);
    DELETE FROM ganje.outbox AS o WHERE o.merchant_id = 'M71' AND o.shipment_id = 'X' RETURNING o.body INTO body;
    DELETE FROM ganje.shipment WHERE merchant_id = 'M71' AND shipment_id = 'X';
    RETURN body;
END
$$;
-- An order like most is written in one statement: the same text, where it is written at all.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, created_at) VALUES ('M71', 'P', 'p', '2026-03-29T00:30:00Z'), ('M71', 'Q', 'q', '2026-03-29T00:30:00Z');
INSERT INTO ganje.shipment_item (merchant_id, shipment_id, item_id, position, quantity, price, name, data) VALUES
    ('M71', 'P', 'b', 2, 1.50, 19.90, 'İskender "x"', '{}'), ('M71', 'P', 'a', 2, 2, 0.10, NULL, '{}'), ('M71', 'P', 'c', 1, 3, 0, '', '{}'),
    ('M71', 'Q', 'a', 1, 2, 5, 'Ayran', '{"note": "soğuk"}'), ('M71', 'Q', 'b', 2, 1, 5, 'Pide', '{}');
SELECT count(*) AS orders, count(p.plain) AS plain,
       count(*) FILTER (WHERE CASE WHEN p.plain IS NOT NULL THEN p.plain <> ganje.hesapkurye_order(w, a)::text END) AS different
  FROM ganje.shipment AS s
 CROSS JOIN unnest('{"{}", "{\"paymentMethod\": \"Kredi Kartı\"}", "{\"paymentMethod\": \"2\"}", "{\"paymentMethod\": 2}", "{\"paymentMethod\": null}",
     "{\"paymentMethod\": {\"id\": 2}}", "{\"paymentMethod\": \"Kart\"}", "{\"paymentMethod\": \"2\", \"prepareTime\": 5}", "{\"paymentMethod\": \"2\", \"packageType\": null}",
     "{\"paymentMethod\": \"2\", \"items\": {\"a\": {\"note\": \"n\"}}}", "{\"paymentMethod\": \"2\", \"more\": [1]}"}'::jsonb[]) AS word
 CROSS JOIN unnest('{"\"Moda Cd. 5\"", "{\"street\": \"Moda Cd.\", \"city\": \"İstanbul\", \"floor\": \"3\", \"lat\": 40.98, \"lng\": \"29.02\"}",
     "{\"address\": \"Moda Cd. 5\", \"addressDetail\": \"zil\", \"location\": {\"latitude\": 1.50, \"lng\": -2}}"}'::jsonb[]) AS place
 CROSS JOIN unnest('{NULL, RESERVED, SELF}'::text[]) AS kind
 CROSS JOIN unnest('{NULL, 12.50}'::numeric[]) AS price
 CROSS JOIN unnest('{NULL, 2026-03-29T10:00:00Z}'::timestamptz[]) AS promised
 CROSS JOIN LATERAL jsonb_populate_record(s, jsonb_build_object('account_id', '71', 'external_id', 'p"', 'data', word, 'address', place, 'type', kind,
     'fee', price, 'promised_to', promised, 'recipient', kind, 'note', price)) AS w
  JOIN ganje.carrier_account AS a ON a.account_id = '71'
 CROSS JOIN LATERAL (SELECT ganje.hesapkurye_plain_order(w)::text AS plain) AS p
 WHERE s.merchant_id = 'M71' AND s.shipment_id IN ('P', 'Q');
DELETE FROM ganje.shipment WHERE merchant_id = 'M71' AND shipment_id IN ('P', 'Q');
SELECT jsonb_pretty(build71('{}'));
SELECT build71('{"address": {"street": "Moda Cd.", "building": "5", "district": "Kadıköy", "city": "İstanbul", "floor": "3", "door": "7", "note": "zil bozuk",
    "location": {"lat": "40.98765432109876543", "lng": -29}}}') - '{Products}'::text[] AS address;
SELECT build71('{"type": "RESERVED", "fee": 12.50, "promisedTo": "2026-03-29T10:00:00Z", "note": "x\"y\nz", "recipient": "İpek", "phone": "+90 532 1"}') - 'Products' AS reserved;
SELECT build71('{"type": "SELF", "data": {"paymentMethod": {"id": 2}, "isFutureOrder": true, "isPickUpOrder": false, "packagePrice": 99999999999999999999.990,
    "targetDate": "2026-03-29T12:00:00Z", "prepareTime": 45, "packageType": "Getir Market"}}') - 'Products' AS spoken;
SELECT build71('{"data": {"paymentMethod": "2", "items": {"i1": {"options": "bol acı", "note": "n"}}}}', '[{"quantity": 0.125, "price": 100, "name": "Peynir"},
    {"id": "b", "quantity": 1, "price": 0.10}]') -> 'Products' AS products;
SELECT build71('{"data": {"paymentMethod": 2, "packagePrice": 5}}', '[]') ->> 'PackagePrice' AS without_items;
SELECT t AS package_type FROM unnest('{Yemeksepeti,Trendyol Yemek,Getir Yemek,Migros Yemek,Diğer,Yemeksepeti Market,Trendyol Market,Getir Market,Migros Market,Diğer Market}'::text[]) AS t
 WHERE build71(jsonb_build_object('data', jsonb_build_object('paymentMethod', 2, 'packageType', t))) ->> 'PackageType' = t;
-- The account may say what its orders do not; its time zone counts.
UPDATE ganje.carrier_account SET timezone = 'UTC', settings = settings || '{"packageType": "Yemeksepeti", "prepareTime": 20, "paymentMethod": 1}' WHERE account_id = '71';
SELECT build71('{"data": {}}') - 'Products' AS account_says;
UPDATE ganje.carrier_account SET timezone = NULL, settings = settings - '{packageType,prepareTime,paymentMethod}'::text[] WHERE account_id = '71';

-- What HesapKurye would not take is refused before it is sent, and the order with it.
SELECT build71('{"data": {"paymentMethod": "2", "packageType": "sample string 9"}}');
SELECT build71('{"data": {"paymentMethod": "2", "packageType": "diğer"}}');
SELECT build71('{"data": {"paymentMethod": "2", "packageType": 7}}');
SELECT build71('{"data": {"paymentMethod": "Altın"}}');
SELECT build71('{"data": {"paymentMethod": {"id": 1, "name": "Kredi Kartı"}}}');
SELECT build71('{"data": {"paymentMethod": 99}}');
SELECT build71('{"data": {}}');
SELECT build71('{"data": {"paymentMethod": true}}');
SELECT build71('{"data": {"paymentMethod": 2, "prepareTime": 10.5}}');
SELECT build71('{"data": {"paymentMethod": 2, "prepareTime": "10"}}');
SELECT build71('{"data": {"paymentMethod": 2, "prepareTime": -1}}');
SELECT build71('{"data": {"paymentMethod": 2, "isFutureOrder": "true"}}');
SELECT build71('{"data": {"paymentMethod": 2, "packagePrice": "11.0"}}');
SELECT build71('{"data": {"paymentMethod": 2, "packagePrice": -1}}');
SELECT build71('{"data": {"paymentMethod": 2, "targetDate": "tomorrow"}}');
SELECT build71('{"data": {"paymentMethod": 2, "targetDate": "2024-13-45 00:00"}}');
SELECT build71('{"data": {"paymentMethod": 2, "targetDate": 5}}');
SELECT build71('{"address": null}');
SELECT build71('{"address": {"lat": 1, "lng": 2}}');
SELECT build71('{"address": {"address": "x", "lat": 90.1, "lng": 2}}');
SELECT build71('{"address": {"address": "x", "lat": 1, "lng": "2,5"}}');
SELECT build71('{"address": {"address": "x", "lat": 1, "lng": 1e3}}');
SELECT build71('{}', '[]');
SELECT build71('{}', '[{"quantity": 1, "name": "x"}]');
SELECT build71('{}', '[{"quantity": 1, "price": 1, "data": {"totalAmount": "5.0"}}]');
SELECT count(*) FROM ganje.shipment WHERE merchant_id = 'M71' AND shipment_id = 'X';
BEGIN;
UPDATE ganje.carrier_account SET settings = settings - 'outSourceId' WHERE account_id = '71';
SELECT build71('{}');
ROLLBACK;
BEGIN;
DELETE FROM ganje.payment_method WHERE account_id = '71';
SELECT build71('{"data": {"paymentMethod": {"id": 4, "name": "Nakit"}}}') ->> 'PaymentMethodId';
SELECT build71('{"data": {"paymentMethod": "Nakit"}}');
ROLLBACK;
SELECT ganje.enqueue_account('71', 'teleport');
SELECT ganje.enqueue_account('nobody', 'check');

-- The keys: from the secret, from RestaurantInfos, or from nowhere.
SELECT (ganje.run_authorize('hesapkurye', account71('71', '{}'), (SELECT ROW(s.*)::ganje.http_request FROM sent71 AS s))).body;
SELECT (ganje.run_authorize('hesapkurye', account71('71', '{"apiKey": "", "apiSecret": "x"}'), (SELECT ROW(s.*)::ganje.http_request FROM sent71 AS s))).body;
CREATE VIEW status71 AS SELECT ROW('M71', 'r', '71', 'A', 'status', 'POST', '/OutSource/GetPackage', '{}', '{"remoteOrderNumber" : "sample string v2"}')::ganje.http_request AS r;
SELECT (ganje.run_authorize('hesapkurye', account71('71-LOGIN'), r)).body FROM status71;
SELECT a.operation, a.method, a.path, a.body FROM status71, ganje.run_authorize('hesapkurye', account71('71-LOGIN', '{"userName": "abc", "password": "x\"yz"}'), r) AS a;
SELECT a.operation, a.body FROM status71, ganje.run_authorize('hesapkurye', account71('71', '{"userName": "abc", "password": "xyz"}', E'KEY\nSECRET'), r) AS a;
SELECT a.operation, a.path, a.body FROM sent71 AS s, ganje.run_authorize('hesapkurye', account71('71', answer_lost => true), ROW(s.*)::ganje.http_request) AS a;
SELECT a.operation, a.path FROM status71, ganje.run_authorize('hesapkurye', account71('71', answer_lost => true), r) AS a;

-- Answers. None is documented for SavePackage: 2xx is success, unless it says no.
CREATE FUNCTION apply71(operation text, status integer, body text, path text DEFAULT '/OutSource/GetPackage') RETURNS text LANGUAGE sql
RETURN (SELECT concat_ws(' | ', o.result, o.detail, o.patch, replace(o.token, E'\n', '\n'))
          FROM ganje.run_apply('hesapkurye', account71(CASE operation WHEN 'login' THEN '71-LOGIN' ELSE '71' END, NULL),
              ROW('M71', 'r', '71', 'A', operation, 'POST', path, '{}', '{"remoteOrderNumber": "987654321"}')::ganje.http_request,
              ROW(status, '{}', body)::ganje.http_response) AS o);
SELECT body, apply71('create', 200, body, '/OutSource/SavePackage') AS save FROM unnest(ARRAY['', 'OK', '"Kaydedildi"', '{"message": "Paket kaydedildi."}',
    '{"PackageID": 4711,}', '{"success": false, "message": "Adres bulunamadı"}', '{"IsSuccess": false}', '{"truncated": ', '<!DOCTYPE html><html></html>', NULL]) AS body;
SELECT status, apply71('create', status, '{"message": "x"}', '/OutSource/SavePackage') AS save FROM unnest('{400,404,409,422}'::integer[]) AS status;
-- The documented refusals, whatever their status.
SELECT operation, status, apply71(operation, status, '{"message": "Hatalı ApiKey, ApiSecret veya RestaurantID."}') AS refused
  FROM unnest('{create,status,ask,cancel,payment-methods,check}'::text[]) AS operation, unnest('{200,400}'::integer[]) AS status;
SELECT apply71('status', 400, 'Geçersiz ApiKey veya ApiSecret.'), apply71('payment-methods', 401, ''), apply71('check', 403, NULL);
-- GetPackage, verbatim: prose where the status ought to be.
SELECT apply71('status', 200, :'get_package');
SELECT ganje.try_jsonb(:'get_package') IS NULL AS strictly_none, ganje.try_lenient_jsonb(:'get_package') - '{StatusValue,Status,Products}'::text[] AS leniently;
-- With a number there.
SELECT s, apply71('status', 200, regexp_replace(:'get_package', '"StatusValue": "[^"]*"', '"StatusValue": ' || s)) AS status
  FROM unnest(ARRAY['1', '2', '3', '4', '5', '6', '7', '8', '9', '42', '"8"', '0', '-1', '3.5', 'null', 'true', '"x"', '{}', '[3]', '99999999999']) AS s;
-- Of wrong types, wrapped in a list, of another order, nothing of the kind.
SELECT body, apply71('status', 200, body) AS status FROM unnest(ARRAY[
    '{"StatusValue": 3, "CourierName": 5, "PackageID": {"a": 1}, "LastPackagePayments": {"x": 1}}',
    '{"statusValue": 3, "courierName": "", "lastPackagePayments": [5, null, {"Price": "2"}, {"paymentMethod": 1, "PAYMENTMETHODSTRING": "Nakit", "price": 2.50}]}',
    '{"StatusValue": 8, "CourierName": "Ali", "LastPackagePayments": []}',
    '[{"StatusValue": 3, "RemoteOrderNumber": "other"}, {"StatusValue": 4, "RemoteOrderNumber": 987654321}]',
    '{"StatusValue": 3, "RemoteOrderNumber": "other"}', '[]', 'null', '{}', '', 'OK', '{"StatusValue": 3', '<html>', '{"StatusValue": "\u0000"}',
    '{"message": "Paket bulunamadı."}', NULL]) AS body;
SELECT status, apply71('status', status, '{"message": "x"}') AS status, apply71('ask', status, '{"message": "x"}') AS ask FROM unnest('{400,404,422}'::integer[]) AS status;
SELECT apply71('ask', 200, 'null') AS ask, apply71('ask', 400, '{"message": "Paket bulunamadı."}') AS ask, apply71('ask', 200, '{"StatusValue": 1}') AS ask, apply71('ask', 200, '<html>') AS ask;
-- A cancel in doubt is sent again, unless it is cancelled.
SELECT apply71('ask', 200, '{"StatusValue": 3}', '/OutSource/Cancel') AS ask, apply71('ask', 200, '{"StatusValue": 9}', '/OutSource/Cancel') AS ask;
SELECT body, apply71('cancel', 200, body, '/OutSource/Cancel') AS cancel FROM unnest(ARRAY[:'cancel', '{"message": "Paket iptal edilemedi."}', '{"message": 5}', '{}', 'OK', '<html>', NULL]) AS body;
SELECT body, apply71('payment-methods', 200, body) AS methods FROM unnest(ARRAY[:'payment_methods', '[]', '{}', '{"PaymentMethod": "x", "PaymentName": "y"}', '<html>', NULL]) AS body;
SELECT body, apply71('check', 200, body) AS "check" FROM unnest(ARRAY['', '{"message": "Başarılı"}', '{"success": false}', '<html>']) AS body;
SELECT body, apply71('login', 200, body) AS login FROM unnest(ARRAY['{"RestaurantID": "R1", "ApiKey": "K", "ApiSecret": "S",}', '[{"restaurantID": 7, "apiKey": "K", "apiSecret": "S"}]',
    '[{"RestaurantID": "R1", "ApiKey": "K", "ApiSecret": "S"}, {"RestaurantID": "R2", "ApiKey": "K2", "ApiSecret": "S2"}]', '{"RestaurantID": "R1"}', '{"ApiKey": "K\nX", "ApiSecret": "S", "RestaurantID": 1}', '<html>']) AS body;
UPDATE ganje.carrier_account SET settings = settings || '{"restaurantId": "R2"}' WHERE account_id = '71-LOGIN';
SELECT body, apply71('login', 200, body) AS login FROM unnest(ARRAY['[{"RestaurantID": "R1", "ApiKey": "K", "ApiSecret": "S"}, {"RestaurantID": "R2", "ApiKey": "K2", "ApiSecret": "S2"}]',
    '{"RestaurantID": "R1", "ApiKey": "K", "ApiSecret": "S"}']) AS body;

-- What the sample's writer does to JSON, and what stays wrong.
SELECT replace(v, E'\uFEFF', '<BOM>') AS json, ganje.try_lenient_jsonb(v) AS leniently FROM unnest(ARRAY['{"a": 1,,"b": 2,}', '[1,,2,,,]', '[,1]', '{,}', '// x " { [', '{"a": 1 // "x"' || E'\n' || '}', '/* { */ [1 /* , */, 2]',
    '{"a": "//no", "b": "/* no */,,"}', '["a' || E'\n\t' || 'b"]', '["a\"," , 2]', E'\uFEFF{}', '{"a": 1', '{"a"', '["x', '[1 2]', '{"a":,"b":1}', '{a: 1}', '[1]]', '[1], [2]', '/', '[1 /', '/* x', '']) AS v;
SELECT ganje.try_lenient_jsonb(repeat('[', 70) || repeat(']', 70)) IS NULL AS too_deep, ganje.try_lenient_jsonb('["' || repeat('x', 1100000) || '",]') IS NULL AS too_large,
       length(ganje.try_lenient_jsonb('["' || repeat(E'\n', 900000) || '",]') ->> 0) AS long_text;

-- From SavePackage to delivery, as the worker records it.
SELECT answer71(200, '{"message": "Paket kaydedildi."}');
CREATE FUNCTION poll71(status text, more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    verdict text;
BEGIN
    PERFORM ganje.poll_shipment('A', 'M71');
    verdict := answer71(200, format('{"StatusValue": %s, "RemoteOrderNumber": "sample string v2", "CourierName": "John Doe",%s}', status, more));
    RETURN (SELECT concat_ws(' ', verdict, s.status, s.normalized_status, s.courier_name) FROM ganje.shipment AS s WHERE s.merchant_id = 'M71' AND s.shipment_id = 'A');
END
$$;
SELECT s, poll71(s) FROM unnest('{1,1,2,3,3,5,3,4,6,42,7}'::text[]) AS s;
SELECT poll71('8', '"LastPackagePayments": [{"PaymentMethod": 1, "PaymentMethodString": "sample string",, "Price": 2.0}, {"PaymentMethod": 2, "PaymentMethodString": "Kredi Kartı",, "Price": 9.00}]');
SELECT carrier_status, normalized_status, status, jump FROM ganje.shipment_event WHERE merchant_id = 'M71' AND source = 'hesapkurye' ORDER BY event_id;
SELECT data -> 'lastPayments' AS last_payments FROM ganje.shipment WHERE merchant_id = 'M71';
SELECT count(*) AS polled_no_more FROM ganje.shipment_poll WHERE merchant_id = 'M71';
SELECT ganje.cancel_at_carrier('A', 'too late', 'M71');

-- Cancel: behind what is there, once, with its reason; and what the carrier says of it.
WITH s AS (INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, address, data)
    SELECT 'M71', i, i, '71', i, '"Moda Cd. 5"', '{"paymentMethod": 2, "packagePrice": 5}' FROM unnest('{B,C,D}'::text[]) AS i RETURNING shipment_id)
SELECT count(*) FROM s;
-- One that was not tried yet would be taken back, see 076_ganje.
UPDATE ganje.outbox_delivery SET attempts = 1 WHERE merchant_id = 'M71' AND shipment_id = 'B';
SELECT ganje.cancel_at_carrier('B', 'Müşteri "talebi"', 'M71') = ganje.cancel_at_carrier('B', 'again', 'M71') AS once;
SELECT o.operation, o.path, CASE WHEN o.operation = 'cancel' THEN o.body END AS body, d.turn
  FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id) WHERE o.merchant_id = 'M71' AND o.shipment_id = 'B' ORDER BY turn;
CREATE FUNCTION answer71(shipment text, status integer, body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    d ganje.outbox_delivery;
BEGIN
    SELECT * INTO STRICT d FROM ganje.outbox_delivery AS o WHERE o.merchant_id = 'M71' AND o.shipment_id = shipment AND o.state = 'pending' ORDER BY o.turn LIMIT 1;
    UPDATE ganje.outbox_delivery AS o SET state = 'leased', lease_token = 't', attempts = attempts + 1 WHERE o.request_id = d.request_id;
    RETURN ganje.record_answer(d.merchant_id, d.request_id, 't', ROW(status, '{}', body)::ganje.http_response, NULL, status >= 500, 1000, clock_timestamp(), 5, left(body, 60), false);
END
$$;
SELECT answer71('B', 200, ''), answer71('B', 200, :'cancel');
SELECT status, normalized_status FROM ganje.shipment WHERE merchant_id = 'M71' AND shipment_id = 'B';
SELECT ganje.cancel_at_carrier('B', 'again', 'M71');
SELECT answer71('C', 200, ''), ganje.cancel_at_carrier('C', NULL, 'M71') IS NOT NULL AS enqueued, answer71('C', 200, '{"message": "Paket iptal edilemedi."}');
SELECT operation, last_status, last_error FROM ganje.dead_letters WHERE merchant_id = 'M71';
SELECT status, normalized_status FROM ganje.shipment WHERE merchant_id = 'M71' AND shipment_id = 'C';
SELECT answer71('D', 400, '{"message": "Eksik alan"}');
\set VERBOSITY terse
SELECT ganje.cancel_at_carrier('D', 'x', 'M71');
UPDATE ganje.shipment SET cannot_cancel = true WHERE merchant_id = 'M71' AND shipment_id = 'C';
SELECT ganje.cancel_at_carrier('C', 'x', 'M71');
SELECT ganje.cancel_at_carrier('nobody', 'x', 'M71');
\set VERBOSITY default

-- Of two that are one to the carrier, the other one is cancelled in the line of the one that it was told of.
WITH s AS (INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, account_id, external_id, address, data)
    SELECT 'M71', i, 'twins', '71', 'T', '"Moda Cd. 5"', '{"paymentMethod": 2, "packagePrice": 5}' FROM unnest('{T1,T2}'::text[]) AS i RETURNING shipment_id)
SELECT count(*) FROM s;
UPDATE ganje.outbox_delivery SET attempts = 1 WHERE merchant_id = 'M71' AND shipment_id = 'T1';
SELECT ganje.cancel_at_carrier('T2', 'x', 'M71') IS NOT NULL AS enqueued;
SELECT o.shipment_id, o.operation, d.turn FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id)
 WHERE o.merchant_id = 'M71' AND o.shipment_id LIKE 'T_' ORDER BY turn;
SELECT answer71('T1', 200, ''), answer71('T1', 200, :'cancel');
SELECT shipment_id, normalized_status FROM ganje.shipment WHERE merchant_id = 'M71' AND external_id = 'T' ORDER BY 1;

-- Credentials that are refused park the account; the request loses no attempt.
SELECT ganje.retry_request(request_id, 'M71') FROM ganje.dead_letters WHERE shipment_id = 'D' AND merchant_id = 'M71';
SELECT answer71('D', 400, 'Hatalı ApiKey, ApiSecret veya RestaurantID.');
SELECT parked_reason FROM ganje.carrier_account WHERE account_id = '71';
SELECT state, attempts FROM ganje.outbox_delivery WHERE merchant_id = 'M71' AND shipment_id = 'D';
DELETE FROM ganje.outbox WHERE merchant_id = 'M71';
-- check_credential lets it go on, to see.
SELECT ganje.check_credential('71') IS NOT NULL AS enqueued;
SELECT parked_reason FROM ganje.carrier_account WHERE account_id = '71';
SELECT path, body FROM ganje.outbox WHERE account_id = '71';
SELECT answer71(200, 'Hatalı ApiKey, ApiSecret veya RestaurantID.');
SELECT ok, detail FROM ganje.account_check WHERE account_id = '71';
SELECT parked_reason FROM ganje.carrier_account WHERE account_id = '71';
SELECT ganje.check_credential('71') IS NOT NULL AS enqueued;
SELECT answer71(200, '{"message": "Başarılı"}');
SELECT ok, detail FROM ganje.account_check WHERE account_id = '71';
SELECT parked_reason FROM ganje.carrier_account WHERE account_id = '71';

DROP VIEW sent71, status71;
DROP FUNCTION account71, answer71(integer, text, jsonb, text, boolean), answer71(text, integer, text), apply71, build71, poll71;
DELETE FROM ganje.shipment WHERE merchant_id = 'M71';
DELETE FROM ganje.carrier_account WHERE account_id IN ('71', '71-LOGIN');
SELECT ganje.resume_sending();
