-- What bench_orders writes: orders of one shop, each with a hold of two items
-- whose provider is tied to an account of Ganje (G) or of HesapKurye (H). The
-- tables of bench are those of the extension: the same columns, checks,
-- indexes and foreign keys, but no trigger of ours.

CREATE SCHEMA shop;
CREATE TABLE shop.orders (
    id bigint PRIMARY KEY, hold_id text NOT NULL, phone text, recipient text, street text, building text, district text, city text,
    lat numeric, lng numeric, note text, pay text);
SELECT ganje.attach_orders('shop.orders', '{"orderId": "id", "merchantId": {"const": "M"}, "holdId": "hold_id", "phone": "phone",
    "recipient": "recipient", "note": "note", "data": {"paymentMethod": {"column": "pay"}},
    "address": {"street": "street", "building": "building", "district": "district", "city": "city", "lat": "lat", "lng": "lng"}}');

INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings) VALUES
    ('G', 'ganje', 'https://ganje.example', '{}'),
    ('H', 'hesapkurye', 'https://hesapkurye.example', '{"outSourceId": 5, "restaurantId": "ifLpIWj5WiOmp1Gm1H+uqQ=="}');
INSERT INTO ganje.payment_method (account_id, payment_method, name, refreshed_at) VALUES ('H', '1', 'Nakit', now()), ('H', '2', 'Kredi Kartı', now());
SELECT ganje.upsert_store('{"merchantId": "M", "storeId": "S", "name": "Store",
    "rules": [{"ruleId": "R", "types": ["CARGO"], "providers": ["G", "H"], "fee": 5}]}');
SELECT ganje.upsert_shipment_provider(jsonb_build_object('merchantId', 'M', 'storeId', 'S', 'shipmentType', 'CARGO', 'providerId', p,
           'data', jsonb_build_object('carrierAccount', p))) FROM unnest('{G,H}'::text[]) AS p;
SELECT ganje.pause_sending();

CREATE SCHEMA bench;
CREATE TABLE bench.orders (LIKE shop.orders INCLUDING ALL);
CREATE TABLE bench.naive_orders (LIKE shop.orders INCLUDING ALL);
CREATE TABLE bench.hold (LIKE ganje.hold INCLUDING ALL);
CREATE TABLE bench.hold_unit (LIKE ganje.hold_unit INCLUDING ALL,
    FOREIGN KEY (merchant_id, hold_id) REFERENCES bench.hold ON DELETE CASCADE);
CREATE TABLE bench.shipment (LIKE ganje.shipment INCLUDING ALL,
    FOREIGN KEY (account_id) REFERENCES ganje.carrier_account, FOREIGN KEY (made_by) REFERENCES ganje.carrier,
    FOREIGN KEY (merchant_id, hold_id, group_no) REFERENCES bench.hold_unit (merchant_id, hold_id, group_no));
CREATE TABLE bench.shipment_item (LIKE ganje.shipment_item INCLUDING ALL,
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES bench.shipment ON DELETE CASCADE);
CREATE TABLE bench.shipment_event (LIKE ganje.shipment_event INCLUDING ALL,
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES bench.shipment ON DELETE CASCADE);
CREATE TABLE bench.outbox (LIKE ganje.outbox INCLUDING ALL,
    FOREIGN KEY (account_id) REFERENCES ganje.carrier_account,
    FOREIGN KEY (merchant_id, shipment_id) REFERENCES bench.shipment);
CREATE TABLE bench.outbox_delivery (LIKE ganje.outbox_delivery INCLUDING ALL);
DO $$
DECLARE
    line record;
BEGIN
    FOR line IN SELECT t.oid::regclass AS twin, o.reloptions FROM pg_class AS o JOIN pg_class AS t ON t.relname = o.relname
                 WHERE o.relnamespace = 'ganje'::regnamespace AND t.relnamespace = 'bench'::regnamespace AND o.reloptions IS NOT NULL LOOP
        EXECUTE format('ALTER TABLE %s SET (%s)', line.twin, array_to_string(line.reloptions, ', '));
    END LOOP;
END
$$;

-- Whatever of these tables is not alike, keys, checks, indexes and storage, but for the schema.
CREATE VIEW bench.difference AS
WITH told AS (
    SELECT n.nspname, c.relname,
           array_to_string(c.reloptions, ',') AS options,
           (SELECT string_agg(regexp_replace(pg_get_constraintdef(k.oid), '(bench|ganje)\.', '', 'g'), E'\n' ORDER BY pg_get_constraintdef(k.oid) ~ '^FOREIGN',
                              regexp_replace(pg_get_constraintdef(k.oid), '(bench|ganje)\.', '', 'g'))
              FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype <> 't') AS constraints,
           (SELECT string_agg(regexp_replace(regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \S+ ON', 'INDEX ON'), '(bench|ganje)\.', ''), E'\n'
                              ORDER BY regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', ''))
              FROM pg_index AS i WHERE i.indrelid = c.oid) AS indexes
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relname IN ('hold', 'hold_unit', 'shipment', 'shipment_item', 'shipment_event', 'outbox', 'outbox_delivery') AND c.relkind = 'r')
SELECT o.relname, o.options, o.constraints, o.indexes, t.options AS twin_options, t.constraints AS twin_constraints, t.indexes AS twin_indexes
  FROM told AS o JOIN told AS t ON t.relname = o.relname AND t.nspname = 'bench'
 WHERE o.nspname = 'ganje' AND (o.options, o.constraints, o.indexes) IS DISTINCT FROM (t.options, t.constraints, t.indexes);

-- What somebody would write first: a trigger of PL/pgSQL, statement by statement.
CREATE FUNCTION bench.place_naively() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    the_hold bench.hold;
    unit bench.hold_unit;
    account ganje.carrier_account;
    new_shipment bench.shipment;
    request text := ganje.ulid();
    goods json;
    total numeric;
    body text;
BEGIN
    SELECT * INTO STRICT the_hold FROM bench.hold AS h WHERE h.merchant_id = 'M' AND h.hold_id = NEW.hold_id FOR UPDATE;
    UPDATE bench.hold_unit AS u SET state = 'confirmed' WHERE u.merchant_id = 'M' AND u.hold_id = NEW.hold_id;
    UPDATE bench.hold AS h SET state = 'confirmed', order_id = NEW.id::text WHERE h.merchant_id = 'M' AND h.hold_id = NEW.hold_id;
    FOR unit IN SELECT * FROM bench.hold_unit AS u WHERE u.merchant_id = 'M' AND u.hold_id = NEW.hold_id ORDER BY u.group_no LOOP
        SELECT a.* INTO STRICT account FROM ganje.carrier_account AS a
          JOIN ganje.shipment_provider AS p ON p.carrier_account = a.account_id
         WHERE p.merchant_id = unit.store_merchant_id AND p.store_id = unit.store_id AND p.shipment_type = unit.type
           AND p.provider_id = unit.provider;
        INSERT INTO bench.shipment (merchant_id, order_id, store_merchant_id, store_id, rule_id, hold_id, group_no, type, provider, zone_id,
            day, slot_from, slot_to, fee, address, recipient, phone, note, account_id, external_id, data, enqueued_at)
        VALUES ('M', NEW.id::text, unit.store_merchant_id, unit.store_id, unit.rule_id, unit.hold_id, unit.group_no, unit.type, unit.provider,
            the_hold.zone_id, unit.day, unit.slot_from, unit.slot_to, unit.fee,
            jsonb_build_object('street', NEW.street, 'building', NEW.building, 'district', NEW.district, 'city', NEW.city, 'lat', NEW.lat, 'lng', NEW.lng),
            NEW.recipient, NEW.phone, NEW.note, account.account_id, NEW.id::text, jsonb_build_object('paymentMethod', NEW.pay), now())
        RETURNING * INTO new_shipment;
        INSERT INTO bench.shipment_item (merchant_id, shipment_id, item_id, position, quantity, price, name)
        SELECT 'M', new_shipment.shipment_id, item ->> 'itemId', place - 1, (item ->> 'quantity')::numeric, (item ->> 'price')::numeric, item ->> 'name'
          FROM jsonb_array_elements(unit.items) WITH ORDINALITY AS t(item, place);
        INSERT INTO bench.shipment_event (merchant_id, shipment_id, status, normalized_status, source, occurred_at)
        VALUES ('M', new_shipment.shipment_id, new_shipment.status, new_shipment.normalized_status, 'order', new_shipment.created_at);
        IF account.carrier = 'ganje' THEN
            body := jsonb_build_object('phone_number', NEW.phone, 'external_id', NEW.id::text)::text;
        ELSE
            SELECT json_agg(json_build_object('quantity', i.quantity, 'unitPrice', i.price, 'productName', i.name, 'productOptions', '',
                       'productNote', '', 'totalAmount', i.quantity * i.price) ORDER BY i.position), sum(i.quantity * i.price) INTO goods, total
              FROM bench.shipment_item AS i WHERE i.merchant_id = 'M' AND i.shipment_id = new_shipment.shipment_id;
            body := json_build_object('OutSourceID', (account.settings ->> 'outSourceId')::integer, 'RemoteOrderNumber', NEW.id::text,
                'Address', concat_ws(', ', NEW.street, NEW.building, NEW.district, NEW.city), 'AddressDetail', '', 'Latitude', NEW.lat::text,
                'Longitude', NEW.lng::text, 'PackageType', 'Diğer', 'PaymentMethodId', 2, 'PaymentMethod', NEW.pay,
                'PackagePrice', total + unit.fee, 'OrderNote', NEW.note, 'CustomerName', NEW.recipient, 'CustomerPhone', NEW.phone,
                'CreateDate', to_char(now(), 'YYYY-MM-DD HH24:MI'), 'TargetDate', to_char(now(), 'YYYY-MM-DD HH24:MI'),
                'PrepareTime', 0, 'IsFutureOrder', false, 'IsPickUpOrder', false, 'Products', goods)::text;
        END IF;
        INSERT INTO bench.outbox (merchant_id, request_id, account_id, shipment_id, operation, method, path, headers, body)
        VALUES ('M', request, account.account_id, new_shipment.shipment_id, 'create', 'POST',
                CASE account.carrier WHEN 'ganje' THEN '/v1.1/hub-management/occupancies/pre-order' ELSE '/OutSource/SavePackage' END,
                '{"Content-Type": "application/json"}', body);
        INSERT INTO bench.outbox_delivery (merchant_id, request_id, account_id, shipment_id, turn, due_at, origin)
        VALUES ('M', request, account.account_id, new_shipment.shipment_id, 1, now(), ganje.system_identifier());
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER place_naively AFTER INSERT ON bench.naive_orders FOR EACH ROW EXECUTE FUNCTION bench.place_naively();

-- So many holds for each of so many clients, and nothing else.
CREATE PROCEDURE bench.start_anew(account text, clients int, orders int) LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
    side text;
BEGIN
    TRUNCATE shop.orders, ganje.hold, ganje.hold_unit, ganje.shipment, ganje.outbox, ganje.outbox_delivery, bench.orders,
        bench.naive_orders, bench.hold, bench.hold_unit, bench.shipment, bench.outbox, bench.outbox_delivery CASCADE;
    FOREACH side IN ARRAY '{ganje,bench}'::text[] LOOP
        EXECUTE format($sql$
            INSERT INTO %1$I.hold (merchant_id, hold_id, zone_id, created_at, expires_at)
            SELECT 'M', lpad((c * 1000000 + n)::text, 26, '0'), 'Z', now(), now() + interval '1 day'
              FROM generate_series(0, $1 - 1) AS c, generate_series(1, $2) AS n;
            INSERT INTO %1$I.hold_unit (merchant_id, hold_id, group_no, store_merchant_id, store_id, rule_id, type, provider, day, slot_from,
                slot_to, fee, items, expires_at)
            SELECT h.merchant_id, h.hold_id, 0, 'M', 'S', 'R', 'CARGO', $3, date '2026-11-23', time '10:00', time '12:00', 5,
                   '[{"itemId": "p-1001", "quantity": 1, "price": 129.90, "name": "Karışık pide"},
                     {"itemId": "p-1002", "quantity": 2, "price": 24.50, "name": "Ayran 300 ml"}]', h.expires_at
              FROM %1$I.hold AS h$sql$, side) USING clients, orders, account;
    END LOOP;
    ANALYZE ganje.hold, ganje.hold_unit, bench.hold, bench.hold_unit;
END
$$;

-- Rows and bytes that a side has written, table by table.
CREATE FUNCTION bench.written(side text, orders regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    told text;
    line text;
BEGIN
    EXECUTE format('SELECT format(''orders %%s %%s'', count(*), sum(pg_column_size(t.*))) FROM %s AS t', orders) INTO told;
    FOREACH line IN ARRAY '{hold,hold_unit,shipment,shipment_item,shipment_event,outbox,outbox_delivery}'::text[] LOOP
        EXECUTE format('SELECT format(''%s; %2$s %%s %%s'', count(*), sum(pg_column_size(t.*))) FROM %3$I.%2$I AS t', told, line, side) INTO told;
    END LOOP;
    RETURN told;
END
$$;
