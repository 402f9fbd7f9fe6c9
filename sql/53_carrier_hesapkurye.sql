-- HesapKurye couriers: packages are saved, asked for and cancelled.
-- Source: apidocs.hesapkurye.com; POST and JSON throughout, no webhook.
--
-- The keys are in every body: authorize puts them in front of what build
-- wrote, whose text it leaves as it is. An account has settings.outSourceId
-- (the POS company), settings.restaurantId, and the secret {apiKey, apiSecret};
-- or {userName, password}, for which RestaurantInfos gives the others: that is
-- this carrier's login, and what it gives is kept as a token.

CREATE FUNCTION ganje.try_lenient_jsonb(value text) RETURNS jsonb
LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'gl_json_try_lenient';
COMMENT ON FUNCTION ganje.try_lenient_jsonb(text) IS
'As try_jsonb, but comments, superfluous commas and line breaks within strings are no reason to refuse it.';

-- The samples write names now with a capital, now without.
CREATE FUNCTION ganje.json_field(object jsonb, name text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT e.value FROM jsonb_each(CASE WHEN jsonb_typeof(object) = 'object' THEN object ELSE '{}' END) AS e
         WHERE lower(e.key) = lower(name) ORDER BY e.key = name DESC, e.key LIMIT 1);
COMMENT ON FUNCTION ganje.json_field(jsonb, text) IS 'The field of an object whatever the case of its name, NULL where there is none.';

-- One refusal is documented for each call, by the end of a sentence alone:
-- "… ApiKey, ApiSecret veya RestaurantID." or "… ApiKey veya ApiSecret.".
CREATE FUNCTION ganje.hesapkurye_refuses(status integer, body text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN status IN (401, 403) OR coalesce(body ~* 'ApiKey\s*(,\s*ApiSecret\s*veya\s*RestaurantID|veya\s*ApiSecret)', false);
COMMENT ON FUNCTION ganje.hesapkurye_refuses(integer, text) IS 'True for an answer that says that the credentials are wrong.';

CREATE FUNCTION ganje.hesapkurye_raise(problem text, remedy text) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RAISE invalid_parameter_value USING MESSAGE = problem, HINT = remedy;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_raise(text, text) IS 'Raises over an order that HesapKurye would not take.';

-- An order's own word on a field, else the account's, of the kind that the
-- document wants; NULL where neither says anything.
CREATE FUNCTION ganje.hesapkurye_option(shipment ganje.shipment, account ganje.carrier_account, key text, kind text) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    value jsonb := coalesce(nullif(shipment.data -> key, 'null'), nullif(account.settings -> key, 'null'));
    place text := CASE WHEN nullif(shipment.data -> key, 'null') IS NULL THEN 'settings.' ELSE 'data.' END || key;
BEGIN
    IF jsonb_typeof(value) <> (CASE kind WHEN 'integer' THEN 'number' ELSE kind END)
       OR (kind = 'integer' AND NOT value #>> '{}' ~ '^[0-9]{1,9}$')
       OR (kind = 'number' AND (value #>> '{}')::numeric < 0) THEN
        PERFORM ganje.hesapkurye_raise(format('%s must be a%s', place, CASE kind WHEN 'integer' THEN ' whole number from 0 on'
                                              WHEN 'number' THEN ' number from 0 on' WHEN 'string' THEN ' text' ELSE ' ' || kind END),
                                       format('It is %s.', left(value::text, 100)));
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_option(ganje.shipment, ganje.carrier_account, text, text) IS
'shipment.data.key, else settings.key of the account; raises where it is not of the kind (string, number, integer, boolean).';

-- A coordinate as text, exactly as it was given; it may be a text already.
CREATE FUNCTION ganje.hesapkurye_degrees(address jsonb, names text[], limit_degrees integer) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    value text := coalesce(ganje.json_id(address -> names[1]), ganje.json_id(address -> 'location' -> names[1]),
                           ganje.json_id(address -> names[2]), ganje.json_id(address -> 'location' -> names[2]));
BEGIN
    IF value !~ '^-?[0-9]{1,3}(\.[0-9]{1,20})?$' OR abs(value::numeric) > limit_degrees THEN
        PERFORM ganje.hesapkurye_raise(format('address.%s must be degrees from -%s to %s', names[1], limit_degrees, limit_degrees),
                                       'Write it as 41.0082, a number or a text.');
    END IF;
    RETURN coalesce(value, '');
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_degrees(jsonb, text[], integer) IS
'A latitude or longitude of an address as text, empty where it has none; raises where it is no such thing.';

CREATE FUNCTION ganje.hesapkurye_payment(shipment ganje.shipment, account ganje.carrier_account) RETURNS ganje.payment_method
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    wish jsonb := coalesce(nullif(shipment.data -> 'paymentMethod', 'null'), account.settings -> 'paymentMethod');
    wish_id text := ganje.json_id(CASE jsonb_typeof(wish) WHEN 'object' THEN wish -> 'id' ELSE wish END);
    wish_name text := CASE jsonb_typeof(wish) WHEN 'object' THEN wish ->> 'name' ELSE wish #>> '{}' END;
    method ganje.payment_method;
BEGIN
    IF coalesce(wish_id, wish_name) IS NULL THEN
        PERFORM ganje.hesapkurye_raise(format('order %L has no payment method', shipment.order_id),
            'Give data.paymentMethod, or settings.paymentMethod of the account: an id or name of ganje.payment_method, or {"id", "name"}.');
    END IF;
    SELECT * INTO method FROM ganje.payment_method AS m
     WHERE m.account_id = account.account_id
       AND CASE jsonb_typeof(wish) WHEN 'object'
                THEN m.payment_method = coalesce(wish_id, m.payment_method) AND m.name = coalesce(wish_name, m.name)
                ELSE wish_name IN (m.payment_method, m.name) END
     ORDER BY m.payment_method = wish_id DESC, m.payment_method LIMIT 1;
    IF NOT FOUND AND EXISTS (SELECT FROM ganje.payment_method AS m WHERE m.account_id = account.account_id) THEN
        PERFORM ganje.hesapkurye_raise(
            format('data.paymentMethod: account %L has no payment method %s', account.account_id, left(wish::text, 100)),
            format('It has: %s. refresh_payment_methods asks for them again.',
                   (SELECT string_agg(format('%s %s', m.payment_method, m.name), ', ' ORDER BY m.payment_method)
                      FROM ganje.payment_method AS m WHERE m.account_id = account.account_id)));
    ELSIF NOT FOUND THEN
        IF jsonb_typeof(wish) <> 'object' OR wish_id !~ '^[0-9]{1,9}$' OR coalesce(wish_name, '') = '' OR wish_id IS NULL THEN
            PERFORM ganje.hesapkurye_raise(
                format('data.paymentMethod: the payment methods of account %L are not known yet', account.account_id),
                format('SELECT ganje.refresh_payment_methods(%L) asks for them; or give {"id": …, "name": …}.', account.account_id));
        END IF;
        method.payment_method := wish_id;
        method.name := wish_name;
    END IF;
    RETURN method;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_payment(ganje.shipment, ganje.carrier_account) IS
'The payment method that an order names, by id, name or both; raises where the account does not know it.';

-- OutsourceOrderProduct. An item's options and note are in its data, or in
-- shipment.data.items under its id.
CREATE FUNCTION ganje.hesapkurye_product(item ganje.shipment_item, more jsonb) RETURNS json
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    extra jsonb := coalesce(more, '{}') || item.data;
    options jsonb := extra -> 'options';
    total jsonb := nullif(extra -> 'totalAmount', 'null');
BEGIN
    IF item.price IS NULL THEN
        PERFORM ganje.hesapkurye_raise(format('item %L has no price', item.item_id), 'HesapKurye wants unitPrice of every product.');
    ELSIF jsonb_typeof(total) <> 'number' OR (total #>> '{}')::numeric < 0 THEN
        PERFORM ganje.hesapkurye_raise(format('totalAmount of item %L must be a number from 0 on', item.item_id),
                                       format('It is %s.', left(total::text, 100)));
    END IF;
    RETURN json_build_object(
        'quantity', item.quantity, 'unitPrice', item.price, 'productName', coalesce(item.name, item.item_id),
        'productOptions', coalesce(CASE WHEN jsonb_typeof(options) = 'array' THEN
                (SELECT string_agg(coalesce(ganje.json_id(o.value),
                                            concat_ws(': ', o.value ->> 'name', o.value ->> 'value')), ', ' ORDER BY o.place)
                   FROM jsonb_array_elements(options) WITH ORDINALITY AS o(value, place))
            ELSE ganje.json_id(options) END, ''),
        'productNote', coalesce(ganje.json_id(extra -> 'note'), ''),
        'totalAmount', coalesce((total #>> '{}')::numeric, item.quantity * item.price));
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_product(ganje.shipment_item, jsonb) IS
'An item as OutsourceOrderProduct: options (a text, a list of texts or of {name, value}) as one text, totalAmount as given or quantity times price.';

-- Most items have nothing but what a cart knows: those are written here, as hesapkurye_product would.
CREATE FUNCTION ganje.hesapkurye_products(shipment ganje.shipment, OUT products json, OUT total numeric)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    more jsonb := shipment.data -> 'items';
BEGIN
    SELECT coalesce(json_agg(p.product ORDER BY p.position, p.item_id), '[]'), sum(coalesce(p.total, (p.product ->> 'totalAmount')::numeric))
      INTO products, total
      FROM (SELECT i.position, i.item_id,
                   CASE WHEN i.price IS NOT NULL AND i.data = '{}' AND more -> i.item_id IS NULL THEN json_build_object(
                       'quantity', i.quantity, 'unitPrice', i.price, 'productName', coalesce(i.name, i.item_id), 'productOptions', '',
                       'productNote', '', 'totalAmount', i.quantity * i.price)
                   ELSE ganje.hesapkurye_product(i, more -> i.item_id) END AS product,
                   CASE WHEN i.price IS NOT NULL AND i.data = '{}' AND more -> i.item_id IS NULL THEN i.quantity * i.price END AS total
              FROM ganje.shipment_item AS i
             WHERE i.merchant_id = shipment.merchant_id AND i.shipment_id = shipment.shipment_id) AS p;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_products(ganje.shipment) IS 'The items of a shipment as Products, and the sum of their totals, NULL where there are none.';

CREATE FUNCTION ganje.hesapkurye_address(shipment ganje.shipment, OUT address text, OUT detail text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    given jsonb := shipment.address;
BEGIN
    address := coalesce(ganje.json_id(given), ganje.json_id(given -> 'address'),
                        concat_ws(', ', given ->> 'neighborhood', given ->> 'street', given ->> 'building', given ->> 'district',
                                  given ->> 'city', given ->> 'postalCode'));
    detail := coalesce(ganje.json_id(given -> 'addressDetail'),
                       concat_ws(', ', 'Kat: ' || (given ->> 'floor'), 'Daire: ' || (given ->> 'door'), given ->> 'note'), '');
    IF address = '' THEN
        PERFORM ganje.hesapkurye_raise(format('order %L has no address', shipment.order_id),
            'address is a text, or an object with address, or with street, building, district, city.');
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_address(ganje.shipment) IS 'Address and AddressDetail of a shipment; raises where it has none.';

CREATE FUNCTION ganje.hesapkurye_times(shipment ganje.shipment, zone text, prepare_time integer, OUT created text, OUT target text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    wish timestamptz;
BEGIN
    IF shipment.data ->> 'targetDate' IS NOT NULL THEN
        BEGIN
            wish := ganje.local_time(shipment.data ->> 'targetDate', zone);
        EXCEPTION WHEN data_exception THEN
            PERFORM ganje.hesapkurye_raise('data.targetDate is no time', 'Write it as 2024-10-25 13:00, local to the account, or with a zone.');
        END;
    END IF;
    created := to_char(shipment.created_at AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI');
    target := to_char(coalesce(wish, shipment.promised_to, shipment.created_at + prepare_time * interval '1 minute')
                      AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI');
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_times(ganje.shipment, text, integer) IS
'CreateDate and TargetDate as documented, 2024-10-25 11:55, in the account''s time zone; the target is data.targetDate, the end of the promise, or the time when the order is prepared.';

-- OutsourceOrder, but for what authorize adds. Whatever neither the order nor
-- the account has a word on is NULL, for which hesapkurye_option need not be asked.
CREATE FUNCTION ganje.hesapkurye_order(shipment ganje.shipment, account ganje.carrier_account) RETURNS json
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    package_type text := coalesce(CASE WHEN shipment.data ? 'packageType' OR account.settings ? 'packageType' THEN ganje.hesapkurye_option(shipment, account, 'packageType', 'string') #>> '{}' END, 'Diğer');
    prepare_time integer := coalesce(CASE WHEN shipment.data ? 'prepareTime' OR account.settings ? 'prepareTime' THEN ganje.hesapkurye_option(shipment, account, 'prepareTime', 'integer') END, '0');
    method ganje.payment_method := ganje.hesapkurye_payment(shipment, account);
    address record := ganje.hesapkurye_address(shipment);
    goods record := ganje.hesapkurye_products(shipment);
    times record := ganje.hesapkurye_times(shipment,
        coalesce(account.timezone, (SELECT c.timezone FROM ganje.carrier AS c WHERE c.carrier = account.carrier)), prepare_time);
    price numeric := coalesce(CASE WHEN shipment.data ? 'packagePrice' OR account.settings ? 'packagePrice' THEN (ganje.hesapkurye_option(shipment, account, 'packagePrice', 'number') #>> '{}')::numeric END,
                              goods.total + coalesce(shipment.fee, 0));
BEGIN
    IF package_type <> ALL ('{Yemeksepeti,Trendyol Yemek,Getir Yemek,Migros Yemek,Diğer,Yemeksepeti Market,Trendyol Market,Getir Market,Migros Market,Diğer Market}'::text[]) THEN
        PERFORM ganje.hesapkurye_raise(format('data.packageType %L is unknown to HesapKurye', left(package_type, 100)),
            'It takes Yemeksepeti, Trendyol Yemek, Getir Yemek, Migros Yemek, Diğer, Yemeksepeti Market, Trendyol Market, Getir Market, Migros Market, Diğer Market.');
    ELSIF price IS NULL THEN
        PERFORM ganje.hesapkurye_raise(format('order %L has no price', shipment.order_id),
            'Insert its items in the statement that inserts the shipment, or give data.packagePrice.');
    END IF;
    RETURN json_build_object(
        'OutSourceID', ganje.hesapkurye_out_source(account), 'RemoteOrderNumber', shipment.external_id,
        'Address', address.address, 'AddressDetail', address.detail,
        'Latitude', ganje.hesapkurye_degrees(shipment.address, '{lat,latitude}', 90),
        'Longitude', ganje.hesapkurye_degrees(shipment.address, '{lng,longitude}', 180),
        'PackageType', package_type, 'PaymentMethodId', method.payment_method::integer, 'PaymentMethod', method.name,
        'PackagePrice', price, 'OrderNote', coalesce(shipment.note, ''), 'CustomerName', coalesce(shipment.recipient, ''),
        'CustomerPhone', coalesce(shipment.phone, ''), 'CreateDate', times.created, 'TargetDate', times.target,
        'PrepareTime', prepare_time,
        'IsFutureOrder', coalesce(CASE WHEN shipment.data ? 'isFutureOrder' OR account.settings ? 'isFutureOrder' THEN ganje.hesapkurye_option(shipment, account, 'isFutureOrder', 'boolean') END,
                                  to_jsonb(coalesce(shipment.type = 'RESERVED', false))),
        'IsPickUpOrder', coalesce(CASE WHEN shipment.data ? 'isPickUpOrder' OR account.settings ? 'isPickUpOrder' THEN ganje.hesapkurye_option(shipment, account, 'isPickUpOrder', 'boolean') END,
                                  to_jsonb(coalesce(shipment.type = 'SELF', false))),
        'Products', goods.products);
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_order(ganje.shipment, ganje.carrier_account) IS
'A shipment as OutsourceOrder, every field of its documented type; raises, naming the field, where HesapKurye would not take it.';

CREATE FUNCTION ganje.hesapkurye_out_source(account ganje.carrier_account) RETURNS integer
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF NOT coalesce(account.settings ->> 'outSourceId' ~ '^[0-9]{1,9}$', false) THEN
        PERFORM ganje.hesapkurye_raise(format('account %L has no settings.outSourceId', account.account_id),
            'It is the number that HesapKurye gave your POS company.');
    END IF;
    RETURN account.settings ->> 'outSourceId';
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_out_source(ganje.carrier_account) IS 'OutSourceID of an account; raises where it has none.';

-- What nearly every order is like, in less than half of the time that
-- hesapkurye_order takes, and the same to the last character (071_hesapkurye).
-- Three short statements and not a join of them: starting that one takes
-- longer than all three.
CREATE FUNCTION ganje.hesapkurye_plain_order(shipment ganje.shipment) RETURNS json
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    settings jsonb;
    zone text;
    wish jsonb;
    method_id text;
    method_name text;
    products json;
    total numeric;
    are_plain boolean;
    place record;
BEGIN
    IF shipment.data ?| '{items,packageType,prepareTime,packagePrice,isFutureOrder,isPickUpOrder,targetDate}' THEN
        RETURN NULL;
    END IF;
    SELECT a.settings, coalesce(a.timezone, c.timezone) INTO settings, zone
      FROM ganje.carrier_account AS a JOIN ganje.carrier AS c ON c.carrier = a.carrier
     WHERE a.account_id = shipment.account_id;
    wish := coalesce(nullif(shipment.data -> 'paymentMethod', 'null'), settings -> 'paymentMethod');
    IF (settings ->> 'outSourceId' ~ '^[0-9]{1,9}$' AND jsonb_typeof(wish) = 'string' AND wish <> '""'
        AND NOT settings ?| '{packageType,prepareTime,packagePrice,isFutureOrder,isPickUpOrder}') IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    SELECT m.payment_method, m.name INTO method_id, method_name FROM ganje.payment_method AS m
     WHERE m.account_id = shipment.account_id AND wish #>> '{}' IN (m.payment_method, m.name)
     ORDER BY m.payment_method = wish #>> '{}' DESC, m.payment_method LIMIT 1;
    IF method_id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT json_agg(json_build_object(
               'quantity', i.quantity, 'unitPrice', i.price, 'productName', coalesce(i.name, i.item_id), 'productOptions', '',
               'productNote', '', 'totalAmount', i.quantity * i.price) ORDER BY i.position, i.item_id),
           sum(i.quantity * i.price), bool_and(i.price IS NOT NULL AND i.data = '{}')
      INTO products, total, are_plain
      FROM ganje.shipment_item AS i
     WHERE i.merchant_id = shipment.merchant_id AND i.shipment_id = shipment.shipment_id;
    IF are_plain IS NOT TRUE THEN
        RETURN NULL;
    END IF;
    -- The address is looked at last, as there: of two faults the same one is told.
    place := ganje.hesapkurye_address(shipment);
    RETURN json_build_object(
        'OutSourceID', (settings ->> 'outSourceId')::integer, 'RemoteOrderNumber', shipment.external_id,
        'Address', place.address, 'AddressDetail', place.detail,
        'Latitude', ganje.hesapkurye_degrees(shipment.address, '{lat,latitude}', 90),
        'Longitude', ganje.hesapkurye_degrees(shipment.address, '{lng,longitude}', 180),
        'PackageType', 'Diğer', 'PaymentMethodId', method_id::integer, 'PaymentMethod', method_name,
        'PackagePrice', total + coalesce(shipment.fee, 0), 'OrderNote', coalesce(shipment.note, ''),
        'CustomerName', coalesce(shipment.recipient, ''), 'CustomerPhone', coalesce(shipment.phone, ''),
        'CreateDate', to_char(shipment.created_at AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI'),
        'TargetDate', to_char(coalesce(shipment.promised_to, shipment.created_at) AT TIME ZONE zone, 'YYYY-MM-DD HH24:MI'),
        'PrepareTime', 0, 'IsFutureOrder', coalesce(shipment.type = 'RESERVED', false),
        'IsPickUpOrder', coalesce(shipment.type = 'SELF', false), 'Products', products);
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_plain_order(ganje.shipment) IS
'As hesapkurye_order where the order has items with prices, a payment method that is known, and no word of its own on anything; else NULL.';

CREATE FUNCTION ganje.hesapkurye_build(shipment ganje.shipment, operation text) RETURNS ganje.http_request
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    account ganje.carrier_account;
    request ganje.http_request;
    body json := CASE operation WHEN 'create' THEN ganje.hesapkurye_plain_order(shipment) END;
BEGIN
    IF body IS NULL THEN
        account := ganje.find_account(shipment.account_id);
    END IF;
    CASE operation
        WHEN 'create' THEN
            request.path := '/OutSource/SavePackage';
            body := coalesce(body, ganje.hesapkurye_order(shipment, account));
        WHEN 'status' THEN
            request.path := '/OutSource/GetPackage';
            body := json_build_object('remoteOrderNumber', shipment.external_id);
        WHEN 'cancel' THEN
            request.path := '/OutSource/Cancel';
            body := json_build_object('remoteOrderNumber', shipment.external_id, 'OutSourceID', ganje.hesapkurye_out_source(account),
                                      'Reason', coalesce(shipment.data ->> 'cancelReason', ''));
        WHEN 'payment-methods' THEN
            request.path := '/OutSource/GetPaymentMethods';
            body := '{}';
        WHEN 'check' THEN
            request.path := '/OutSource/check-credential';
            body := '{}';
        ELSE
            RAISE feature_not_supported USING MESSAGE = format('carrier hesapkurye has no operation %L', operation),
                HINT = 'It has create, status, cancel, payment-methods and check.';
    END CASE;
    request.method := 'POST';
    request.headers := '{"Content-Type": "application/json"}';
    request.body := body::text;
    RETURN request;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_build(ganje.shipment, text) IS
'HesapKurye, contract "build": SavePackage, GetPackage, Cancel, GetPaymentMethods, check-credential, without the keys.';

CREATE FUNCTION ganje.hesapkurye_keys(account jsonb, path text) RETURNS json
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    api_key text := coalesce(account #>> '{secret,apiKey}', split_part(account ->> 'token', E'\n', 1));
    api_secret text := coalesce(account #>> '{secret,apiSecret}', split_part(account ->> 'token', E'\n', 2));
    restaurant text := account #>> '{settings,restaurantId}';
BEGIN
    IF coalesce(api_key, '') = '' OR coalesce(api_secret, '') = '' THEN
        RETURN NULL;
    ELSIF path = '/OutSource/GetPaymentMethods' THEN
        RETURN json_build_object('ApiKey', api_key, 'ApiSecret', api_secret);
    ELSIF coalesce(restaurant, '') = '' THEN
        RAISE invalid_authorization_specification USING MESSAGE = 'settings.restaurantId is missing';
    END IF;
    RETURN json_build_object('ApiKey', api_key, 'ApiSecret', api_secret, 'RestaurantID', restaurant);
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_keys(jsonb, text) IS 'What every body begins with, NULL where the keys are not there.';

-- A text in front of a text: the order and the spelling of what build wrote
-- (11.0, say) are kept.
CREATE FUNCTION ganje.hesapkurye_authorize(account jsonb, request ganje.http_request) RETURNS ganje.http_request
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    keys json := ganje.hesapkurye_keys(account, request.path);
    written jsonb;
BEGIN
    IF keys IS NULL THEN
        IF account #>> '{secret,userName}' IS NULL OR account #>> '{secret,password}' IS NULL THEN
            RAISE invalid_authorization_specification USING MESSAGE = 'apiKey or apiSecret is missing';
        END IF;
        request.operation := 'login';
        request.path := '/OutSource/RestaurantInfos';
        request.body := json_build_object('ProjectID', coalesce((account #>> '{settings,projectId}')::integer, 3),
            'UserName', account #>> '{secret,userName}', 'Password', account #>> '{secret,password}');
        RETURN request;
    END IF;
    IF (account ->> 'answerLost')::boolean AND request.operation IN ('create', 'cancel') THEN
        written := request.body;
        request.operation := 'ask';
        request.path := '/OutSource/GetPackage';
        request.body := json_build_object('remoteOrderNumber', coalesce(written -> 'RemoteOrderNumber', written -> 'remoteOrderNumber'));
    END IF;
    request.body := rtrim(keys::text, '}') || CASE WHEN request.body = '{}' THEN '' ELSE ', ' END || ltrim(request.body, '{');
    RETURN request;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_authorize(jsonb, ganje.http_request) IS
'HesapKurye, contract "authorize": the keys in the body; RestaurantInfos where only user name and password are known; GetPackage where it is not known whether a package arrived.';

-- The package of an answer: the object itself, or the one of ours in a list.
CREATE FUNCTION ganje.hesapkurye_package(answer jsonb, order_number text) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN (SELECT p.value FROM jsonb_array_elements(CASE jsonb_typeof(answer) WHEN 'array' THEN answer ELSE jsonb_build_array(answer) END) AS p
         WHERE jsonb_typeof(p.value) = 'object' AND ganje.json_field(p.value, 'StatusValue') IS NOT NULL
           AND coalesce(ganje.json_id(ganje.json_field(p.value, 'RemoteOrderNumber')), order_number) = order_number
         LIMIT 1);
COMMENT ON FUNCTION ganje.hesapkurye_package(jsonb, text) IS 'What GetPackage says of an order, NULL where it says nothing of it.';

CREATE FUNCTION ganje.hesapkurye_payments(package jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'paymentMethod', ganje.json_id(ganje.json_field(p.value, 'PaymentMethod')),
                   'name', ganje.json_id(ganje.json_field(p.value, 'PaymentMethodString')),
                   'price', CASE WHEN jsonb_typeof(ganje.json_field(p.value, 'Price')) = 'number'
                                 THEN ganje.json_field(p.value, 'Price') END)) ORDER BY p.place)
          FROM jsonb_array_elements(CASE WHEN jsonb_typeof(ganje.json_field(package, 'LastPackagePayments')) = 'array'
                                         THEN ganje.json_field(package, 'LastPackagePayments') ELSE '[]' END)
               WITH ORDINALITY AS p(value, place)
         WHERE jsonb_typeof(p.value) = 'object' AND ganje.json_field(p.value, 'PaymentMethod') IS NOT NULL);
COMMENT ON FUNCTION ganje.hesapkurye_payments(jsonb) IS 'How a package was paid for in the end: [{paymentMethod, name, price}, …], NULL where it was not yet.';

CREATE FUNCTION ganje.hesapkurye_apply_package(request ganje.http_request, response ganje.http_response, answer jsonb) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    written jsonb := request.body;
    order_number text := coalesce(written ->> 'remoteOrderNumber', written ->> 'RemoteOrderNumber');
    package jsonb := ganje.hesapkurye_package(answer, order_number);
    status text := ganje.json_id(ganje.json_field(package, 'StatusValue'));
    cancelling boolean := request.path = '/OutSource/Cancel';
    outcome ganje.outcome;
BEGIN
    IF package IS NULL AND (response.status = 404 OR response.body ~* 'bulunamad|not found'
                            OR (response.status BETWEEN 200 AND 299 AND answer IN ('null', '[]', '{}'))) THEN
        outcome.result := CASE WHEN request.operation = 'ask' THEN 'absent' ELSE 'failed' END;
        outcome.detail := 'HesapKurye does not know the package';
    ELSIF response.status NOT BETWEEN 200 AND 299 THEN
        outcome.result := 'failed';
    ELSIF package IS NULL OR NOT coalesce(status ~ '^[0-9]{1,9}$', false) THEN
        outcome.result := 'retry';
        outcome.detail := 'the answer is not the JSON that is documented';
    ELSIF cancelling AND status <> '9' THEN
        outcome.result := 'absent';
    ELSE
        outcome.result := 'delivered';
        outcome.patch := jsonb_strip_nulls(jsonb_build_object(
            'entity', 'package', 'parcel', 'package', 'carrierStatus', status,
            'courierName', CASE WHEN jsonb_typeof(ganje.json_field(package, 'CourierName')) = 'string'
                                THEN nullif(left(ganje.json_field(package, 'CourierName') #>> '{}', 200), '') END,
            'data', jsonb_strip_nulls(jsonb_build_object(
                'packageId', ganje.json_id(ganje.json_field(package, 'PackageID')),
                'lastPayments', ganje.hesapkurye_payments(package)))));
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_apply_package(ganje.http_request, ganje.http_response, jsonb) IS
'What GetPackage says: status, courier and last payments; to "ask", that the package is not there.';

-- Several restaurants of one user: settings.restaurantId says which.
CREATE FUNCTION ganje.hesapkurye_apply_login(account jsonb, answer jsonb) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    wanted text := nullif(account #>> '{settings,restaurantId}', '');
    found jsonb;
    outcome ganje.outcome;
BEGIN
    SELECT jsonb_agg(r.value) INTO found
      FROM jsonb_array_elements(CASE jsonb_typeof(answer) WHEN 'array' THEN answer ELSE jsonb_build_array(answer) END) AS r
     WHERE ganje.json_id(ganje.json_field(r.value, 'ApiKey')) !~ '\n' AND ganje.json_id(ganje.json_field(r.value, 'ApiSecret')) !~ '\n'
       AND ganje.json_id(ganje.json_field(r.value, 'RestaurantID')) = coalesce(wanted, ganje.json_id(ganje.json_field(r.value, 'RestaurantID')));
    IF jsonb_array_length(found) = 1 THEN
        outcome.result := 'delivered';
        outcome.token := ganje.json_id(ganje.json_field(found -> 0, 'ApiKey')) || E'\n' || ganje.json_id(ganje.json_field(found -> 0, 'ApiSecret'));
        outcome.patch := jsonb_build_object('settings', jsonb_build_object(
            'restaurantId', ganje.json_id(ganje.json_field(found -> 0, 'RestaurantID'))));
    ELSE
        outcome.result := 'retry';
        outcome.detail := CASE WHEN found IS NULL THEN 'RestaurantInfos answered no ApiKey, ApiSecret and RestaurantID'
                                               || coalesce(' of restaurant ' || wanted, '')
                               ELSE 'RestaurantInfos answered several restaurants: settings.restaurantId must name one' END;
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_apply_login(jsonb, jsonb) IS 'What RestaurantInfos gives: the keys, as token, and the restaurant''s id, for the account''s settings.';

CREATE FUNCTION ganje.hesapkurye_apply_methods(answer jsonb) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    outcome ganje.outcome;
BEGIN
    SELECT jsonb_build_object('paymentMethods', jsonb_agg(jsonb_build_object(
               'id', ganje.json_id(ganje.json_field(m.value, 'PaymentMethod')),
               'name', ganje.json_id(ganje.json_field(m.value, 'PaymentName')))))
      INTO outcome.patch
      FROM jsonb_array_elements(CASE jsonb_typeof(answer) WHEN 'array' THEN answer ELSE jsonb_build_array(answer) END) AS m
     WHERE ganje.json_id(ganje.json_field(m.value, 'PaymentMethod')) ~ '^[0-9]{1,9}$'
       AND ganje.json_id(ganje.json_field(m.value, 'PaymentName')) IS NOT NULL;
    outcome.result := 'delivered';
    IF jsonb_typeof(outcome.patch -> 'paymentMethods') <> 'array' THEN
        outcome := NULL;
        outcome.result := 'retry';
        outcome.detail := 'the answer is not the JSON that is documented';
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_apply_methods(jsonb) IS 'The payment methods of an answer: one object, as the sample has it, or a list.';

-- No answer is documented for SavePackage and check-credential, so that 2xx is
-- success unless it is a web page, broken JSON, or says no in a field of its own.
CREATE FUNCTION ganje.hesapkurye_apply_plain(request ganje.http_request, response ganje.http_response, answer jsonb) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    message text := ganje.json_id(ganje.json_field(answer, 'message'));
    says_no boolean := 'false' IN (ganje.json_field(answer, 'success'), ganje.json_field(answer, 'isSuccess'),
                                   ganje.json_field(answer, 'status'));
    outcome ganje.outcome;
BEGIN
    IF response.status NOT BETWEEN 200 AND 299 THEN
        outcome.result := 'failed';
        RETURN outcome;
    ELSIF response.body IS NULL OR (answer IS NULL AND response.body ~ '^\s*[<{[]')
          OR (request.operation = 'cancel' AND message IS NULL) THEN
        outcome.result := 'retry';
        outcome.detail := 'the answer is not the JSON that is documented';
        RETURN outcome;
    END IF;
    outcome.result := 'delivered';
    IF request.operation = 'check' THEN
        outcome.patch := jsonb_build_object('check', jsonb_strip_nulls(jsonb_build_object(
            'ok', says_no IS NOT TRUE, 'detail', CASE WHEN says_no THEN 'HesapKurye says no' END)));
    ELSIF says_no OR (request.operation = 'cancel' AND message !~* 'iptal edildi') THEN
        outcome.result := 'failed';
        outcome.detail := 'HesapKurye says no';
    ELSIF request.operation = 'cancel' THEN
        outcome.patch := '{"entity": "package", "parcel": "package", "carrierStatus": "9"}';
    ELSIF ganje.json_id(ganje.json_field(answer, 'PackageID')) IS NOT NULL THEN
        outcome.patch := jsonb_build_object('data', jsonb_build_object('packageId', ganje.json_id(ganje.json_field(answer, 'PackageID'))));
    END IF;
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_apply_plain(ganje.http_request, ganje.http_response, jsonb) IS
'What SavePackage, Cancel and check-credential answer.';

CREATE FUNCTION ganje.hesapkurye_apply(account jsonb, request ganje.http_request, response ganje.http_response) RETURNS ganje.outcome
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    answer jsonb := ganje.try_lenient_jsonb(response.body);
    outcome ganje.outcome;
BEGIN
    IF ganje.hesapkurye_refuses(response.status, response.body) THEN
        outcome.result := 'unauthorized';
        outcome.patch := CASE WHEN request.operation = 'check'
                              THEN jsonb_build_object('check', jsonb_build_object('ok', false,
                                       'detail', format('the carrier refuses the credentials (%s)', response.status))) END;
        RETURN outcome;
    END IF;
    RETURN CASE
        WHEN request.operation IN ('status', 'ask') THEN ganje.hesapkurye_apply_package(request, response, answer)
        WHEN request.operation IN ('login', 'payment-methods') AND response.status NOT BETWEEN 200 AND 299 THEN outcome
        WHEN request.operation = 'login' THEN ganje.hesapkurye_apply_login(account, answer)
        WHEN request.operation = 'payment-methods' THEN ganje.hesapkurye_apply_methods(answer)
        ELSE ganje.hesapkurye_apply_plain(request, response, answer) END;
END
$$;
COMMENT ON FUNCTION ganje.hesapkurye_apply(jsonb, ganje.http_request, ganje.http_response) IS 'HesapKurye, contract "apply".';

INSERT INTO ganje.carrier (carrier, description, build, authorize, apply, timezone, poll_operation, refresh_operation, poll, builtin) VALUES
    ('hesapkurye', 'HesapKurye couriers (apidocs.hesapkurye.com)', 'ganje.hesapkurye_build(ganje.shipment,text)',
     'ganje.hesapkurye_authorize(jsonb,ganje.http_request)', 'ganje.hesapkurye_apply(jsonb,ganje.http_request,ganje.http_response)',
     'Europe/Istanbul', 'status', 'payment-methods', '{"movingSeconds": 20, "waitingSeconds": 60, "maxSeconds": 1800}', true);

-- 3, 4 and 5 are of one rank: a courier may be assigned, refuse, and another be assigned.
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank, builtin) VALUES
    ('hesapkurye', 'package', '1', 'pending', 'PENDING', 10, true),
    ('hesapkurye', 'package', '2', 'preparing', 'PACKAGING', 20, true),
    ('hesapkurye', 'package', '3', 'assigned', NULL, 30, true),
    ('hesapkurye', 'package', '4', 'assigned', NULL, 30, true),
    ('hesapkurye', 'package', '5', 'pending', NULL, 30, true),
    ('hesapkurye', 'package', '6', 'out_for_delivery', 'IN_TRANSIT', 40, true),
    ('hesapkurye', 'package', '7', 'out_for_delivery', 'IN_TRANSIT', 50, true),
    ('hesapkurye', 'package', '8', 'delivered', 'DELIVERED', 60, true),
    ('hesapkurye', 'package', '9', 'cancelled', 'CANCELLED', 60, true);
