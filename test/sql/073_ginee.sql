-- Ginee: its signature, its webhooks in any order, what its answers mean.
\set SHOW_CONTEXT never
SET DateStyle = ISO;
SET TimeZone = 'UTC';
SELECT ganje.pause_sending();

-- The signature: a vector that was computed elsewhere; neither the query nor how the method is written matters.
SELECT ganje.ginee_signature('secret', 'POST', '/openapi/order/v2/list-order') AS signature;
SELECT ganje.ginee_signature('secret', 'post', '/openapi/order/v2/list-order?page=1') = ganje.ginee_signature('secret', 'POST', '/openapi/order/v2/list-order') AS same,
       ganje.ginee_signature('Secret', 'POST', '/openapi/order/v2/list-order') = ganje.ginee_signature('secret', 'POST', '/openapi/order/v2/list-order') AS other_key;

-- The documentation's samples. It breaks off the one of an order before its last brace.
\getenv abs_srcdir PG_ABS_SRCDIR
\set order_file :abs_srcdir /data/ginee_order_create.json
\set update_file :abs_srcdir /data/ginee_delivery_order_update.json
\set delete_file :abs_srcdir /data/ginee_delivery_order_delete.json
\set order `cat :order_file`
\set update `cat :update_file`
\set delete `cat :delete_file`
\set whole_order :order '}'
CREATE FUNCTION say73(payload text, source text DEFAULT '73-GINEE') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    INSERT INTO ganje.webhook_inbox AS i (source, payload) VALUES (say73.source, say73.payload)
    RETURNING concat_ws(' ', i.state, i.reason, '(' || i.detail || ')') INTO result;
    RETURN result;
END
$$;
-- Without an account: an app that only listens needs none.
BEGIN;
SELECT ganje.receive_webhook('ginee', :'order');
SELECT ganje.receive_webhook('ginee', :'whole_order');
SELECT ganje.receive_webhook('ginee', :'update');
SELECT ganje.receive_webhook('ginee', :'delete');
SELECT state, reason, external_id FROM ganje.webhook_inbox WHERE source = 'ginee' ORDER BY inbox_id;
SELECT source, order_id, channel, shop_id, external_shop_id, order_status, ordered_at AT TIME ZONE 'UTC' AS ordered,
       paid_at AT TIME ZONE 'UTC' AS paid, last_update_at AT TIME ZONE 'UTC' AS updated, payload
  FROM ganje.marketplace_order WHERE order_id = 'order_1';
\x on
SELECT merchant_id, order_id, account_id, external_id, made_by, provider, status, normalized_status, recipient, phone, tracking_number, waybill_url,
       address, data
  FROM ganje.shipment WHERE external_id IN ('WDO600573D16B2F070001497EAF', 'WDO606D24DD46E0FB0001D87335') ORDER BY order_id;
SELECT i.item_id, i.position, i.quantity, i.price, i.name, i.data FROM ganje.shipment_item AS i JOIN ganje.shipment AS s USING (merchant_id, shipment_id)
 WHERE s.external_id = 'WDO600573D16B2F070001497EAF';
\x off
SELECT e.previous_status, e.status, e.normalized_status, e.carrier_status, e.source, e.occurred_at AT TIME ZONE 'UTC' AS occurred
  FROM ganje.shipment_event AS e JOIN ganje.shipment AS s USING (merchant_id, shipment_id)
 WHERE s.external_id = 'WDO606D24DD46E0FB0001D87335' AND e.carrier_status IS NOT NULL ORDER BY e.event_id;
-- Nobody is told of a shipment that the carrier made.
SELECT count(*) AS requests FROM ganje.outbox AS o JOIN ganje.shipment AS s USING (merchant_id, shipment_id) WHERE s.made_by = 'ginee';
-- An account that comes later finds what was there before it.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('73-LATE', 'ginee', 'https://ginee.example');
SELECT say73(jsonb_set(jsonb_set(:'update'::jsonb, '{id}', '"again"'), '{payload,lastUpdateAt}', '"2021-02-01T00:00:00Z"')::text, 'ginee');
SELECT count(*) FROM ganje.shipment WHERE external_id = 'WDO600573D16B2F070001497EAF';
ROLLBACK;

-- With one: its merchant is that of its settings; the carrier's name is enough while it is the only one.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings)
VALUES ('73-GINEE', 'ginee', 'https://ginee.example', '{"merchantId": "M73"}');
SELECT say73(:'order'), say73(:'whole_order', 'ginee'), say73(:'update'), say73(:'delete');
SELECT merchant_id, order_id, account_id FROM ganje.shipment WHERE made_by = 'ginee' ORDER BY order_id;
-- Told twice: by its id.
SELECT say73(:'whole_order'), say73(:'update', 'ginee'), say73(jsonb_set(:'delete'::jsonb, '{payload,trackingNumber}', '"other"')::text);
SELECT tracking_number FROM ganje.shipment WHERE external_id = 'WDO606D24DD46E0FB0001D87335';

-- Every order in which a delivery order's messages can arrive ends the same.
CREATE FUNCTION message73(name text, run text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(CASE name
        WHEN 'create' THEN '{"id": "C-RUN", "entity": "delivery-order", "action": "CREATE", "createAt": "2021-01-01T10:00:01Z", "payload": {
            "deliveryOrderId": "D-RUN", "sourceOrderId": "S-RUN", "sourceOrderSn": "SN", "deliveryOrderStatus": "NEW", "channel": "SHOPEE_ID",
            "createAt": "2021-01-01T10:00:00Z", "lastUpdateAt": "2021-01-01T10:00:00Z", "trackingNumber": "", "fromCreate": {"kept": true},
            "shippingAddress": {"name": "Ani", "phoneNumber": "+62 811", "city": "Bandung"},
            "orderItems": [{"deliveryOrderItemId": "I1", "inventoryName": "Tea", "inventorySku": "T", "quantity": 2}, {"inventorySku": "U", "quantity": 1}]}}'
        WHEN 'update1' THEN '{"id": "U1-RUN", "entity": "delivery-order", "action": "UPDATE", "createAt": "2021-01-02T10:00:00Z", "payload": {
            "deliveryOrderId": "D-RUN", "sourceOrderId": "S-RUN", "deliveryOrderStatus": "ASSIGNED", "lastUpdateAt": "2021-01-02T10:00:00.500Z",
            "trackingNumber": "TN-1", "logisticsProvider": "AnterAja", "fromUpdate1": 1}}'
        WHEN 'update2' THEN '{"id": "U2-RUN", "entity": "delivery-order", "action": "UPDATE", "payload": {
            "deliveryOrderId": "D-RUN", "deliveryOrderStatus": "PACKED", "lastUpdateAt": "2021-01-02T10:00:00.600Z", "trackingNumber": "TN-2",
            "waybillUrl": "https://waybill.example/2", "orderItems": [{"deliveryOrderItemId": "I1", "inventoryName": "Tea", "quantity": 3}]}}'
        WHEN 'delete' THEN '{"id": "X-RUN", "entity": "delivery-order", "action": "DELETE", "createAt": "2021-01-03T10:00:00Z", "payload": {
            "deliveryOrderId": "D-RUN", "sourceOrderId": "S-RUN", "trackingNumber": "TN-2", "lastUpdateAt": "2021-01-03T10:00:00Z", "shippingAddress": null}}'
        WHEN 'order1' THEN '{"id": "O1-RUN", "entity": "order", "action": "CREATE", "payload": {
            "orderId": "S-RUN", "orderStatus": "READY_TO_SHIP", "lastUpdateAt": "2021-01-01T11:00:00Z"}}'
        WHEN 'order2' THEN '{"id": "O2-RUN", "entity": "order", "action": "UPDATE", "payload": {
            "orderId": "S-RUN", "orderStatus": "SHIPPING", "lastUpdateAt": "2021-01-01T12:00:00Z"}}' END, 'RUN', run) $$;
-- Less the hashes of messages: each run has ids of its own.
CREATE FUNCTION state73(run text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT replace(regexp_replace(((to_jsonb(s) - '{shipment_id,created_at,updated_at,enqueued_at}'::text[])
        || jsonb_build_object('items', (SELECT jsonb_agg(to_jsonb(i) - 'shipment_id' ORDER BY i.position) FROM ganje.shipment_item AS i
                                         WHERE i.merchant_id = s.merchant_id AND i.shipment_id = s.shipment_id),
                              'order', (SELECT o.order_status FROM ganje.marketplace_order AS o
                                         WHERE o.merchant_id = s.merchant_id AND o.source = 'ginee' AND o.order_id = s.order_id)))::text,
        ' [0-9a-f]{16}(?=")', '', 'g'), run, 'RUN')::jsonb
      FROM ganje.shipment AS s WHERE s.merchant_id = 'M73' AND s.external_id = 'D-' || run $$;
CREATE FUNCTION permutations73(names text[]) RETURNS SETOF text[] LANGUAGE sql AS $$
    WITH RECURSIVE way (done) AS (
        SELECT '{}'::text[] UNION ALL
        SELECT done || name FROM way, unnest(names) AS name WHERE NOT name = ANY (done))
    SELECT done FROM way WHERE cardinality(done) = cardinality(names) $$;
CREATE TABLE run73 AS
SELECT 'Q' || row_number() OVER () || 'Q' AS run, set_name, way, NULL::jsonb AS state
  FROM (SELECT 'all' AS set_name, w AS way FROM permutations73('{create,update1,update2,delete}') AS w
         UNION ALL SELECT 'not deleted', w FROM permutations73('{create,update1,update2}') AS w
         UNION ALL SELECT 'with its order', w FROM permutations73('{create,update1,order1,order2}') AS w
         UNION ALL SELECT 'order and deleted', w FROM permutations73('{update1,delete,order1,order2}') AS w
         UNION ALL SELECT 'deleted and created', w FROM permutations73('{create,delete}') AS w) AS t;
SELECT set_name, count(*) FROM run73 GROUP BY set_name ORDER BY set_name;
CREATE TABLE said73 AS
SELECT r.run, t.place, say73(message73(t.name, r.run)) AS said FROM run73 AS r, unnest(r.way) WITH ORDINALITY AS t(name, place);
UPDATE run73 SET state = state73(run);
SELECT set_name, count(DISTINCT state) AS states, count(*) = count(state) AS all_there FROM run73 GROUP BY set_name ORDER BY set_name;
SELECT split_part(said, ' ', 1) AS said, count(*) FROM said73 GROUP BY 1 ORDER BY 1;
SELECT set_name, (array_agg(state ->> 'status'))[1] AS status, (array_agg(state ->> 'normalized_status'))[1] AS normalized,
       (array_agg(state ->> 'tracking_number'))[1] AS tracking, (array_agg(state ->> 'recipient'))[1] AS recipient,
       (array_agg(state #>> '{items,0,quantity}'))[1] AS quantity, (array_agg(jsonb_array_length(nullif(state -> 'items', 'null'))))[1] AS items
  FROM run73 GROUP BY set_name ORDER BY set_name;
SELECT jsonb_pretty(state - '{told}'::text[]) FROM run73 WHERE set_name = 'all' AND way = '{delete,update2,update1,create}';
-- So do an order's, of which one names no status, one a status that has no mapping, and two are of one moment; before and after the delivery order.
CREATE FUNCTION order73(name text, run text) RETURNS text LANGUAGE sql AS $$
    SELECT format('{"id": "%1$s-%2$s", "entity": "%3$s", "action": "UPDATE", "payload": {"orderId": "S-%2$s", "deliveryOrderId": "D-%2$s", "sourceOrderId": "S-%2$s", %4$s}}',
        name, run, CASE name WHEN 'delivery' THEN 'delivery-order' ELSE 'order' END, CASE name
            WHEN 'delivery' THEN '"lastUpdateAt": "2021-01-01T10:00:00Z"'
            WHEN 'shipping' THEN '"orderStatus": "SHIPPING", "channel": "SHOPEE_ID", "lastUpdateAt": "2021-01-01T11:00:00Z"'
            WHEN 'ready' THEN '"orderStatus": "READY_TO_SHIP", "lastUpdateAt": "2021-01-01T11:00:00Z"'
            WHEN 'on hold' THEN '"orderStatus": "ON_HOLD", "early": 1, "lastUpdateAt": "2021-01-01T12:00:00Z"'
            WHEN 'silent' THEN '"shopId": "late", "early": 2, "lastUpdateAt": "2021-01-01T13:00:00Z"' END) $$;
CREATE TABLE order_run73 AS
SELECT 'R' || row_number() OVER () || 'R' AS run, set_name, way
  FROM (SELECT 'status' AS set_name, w AS way FROM permutations73('{delivery,shipping,ready,silent}') AS w
         UNION ALL SELECT 'no mapping', w FROM permutations73('{delivery,shipping,ready,on hold,silent}') AS w) AS t;
CREATE TABLE order_said73 AS
SELECT say73(order73(t.name, r.run)) AS said FROM order_run73 AS r, unnest(r.way) WITH ORDINALITY AS t(name, place);
SELECT split_part(said, ' ', 1) AS said, count(*) FROM order_said73 GROUP BY 1 ORDER BY 1;
SELECT r.set_name, s.status, s.normalized_status, o.order_status, o.channel, o.shop_id, o.last_update_at AT TIME ZONE 'UTC' AS updated, o.payload ->> 'early' AS early, count(*)
  FROM order_run73 AS r
  LEFT JOIN ganje.shipment AS s ON s.merchant_id = 'M73' AND s.external_id = 'D-' || r.run
  LEFT JOIN ganje.marketplace_order AS o ON o.merchant_id = 'M73' AND o.order_id = 'S-' || r.run
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1;
-- A thousand items are enough for a delivery order, and are read in no time.
SELECT split_part(say73(jsonb_build_object('id', 'many ' || n, 'entity', 'delivery-order', 'action', 'CREATE', 'payload', jsonb_build_object(
           'deliveryOrderId', 'many ' || n, 'orderItems', (SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, n))))::text), ': ', 1) AS said
  FROM unnest('{1000,1001,200000}'::integer[]) AS n;
-- Ever new keys: of one shipment or order a MiB is kept and one message more; beyond the 32nd payload of a transaction, too, none raises.
SELECT split_part(said, ': ', 1) AS said, count(*) FROM (
    SELECT say73(jsonb_build_object('id', 'grow ' || e || n, 'entity', e, 'action', 'UPDATE', 'payload', jsonb_build_object(
               'deliveryOrderId', 'grow', 'orderId', 'grow', 'lastUpdateAt', '2021-01-01T10:00:00Z', 'key' || n, repeat('x', 100000)))::text) AS said
      FROM unnest('{order,delivery-order}'::text[]) AS e, generate_series(1, 20) AS n) AS t GROUP BY 1 ORDER BY 1;
-- Many orders in one transaction take few of the server's locks.
BEGIN;
SELECT count(say73(format('{"id": "lock %1$s", "entity": "order", "action": "CREATE", "payload": {"orderId": "lock %1$s"}}', n))) AS said
  FROM generate_series(1, 1500) AS n;
SELECT count(*) BETWEEN 500 AND 1024 AS few FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
ROLLBACK;
-- A late message that says nothing that is not known better is stale.
SELECT say73(replace(replace(message73('update1', (SELECT run FROM run73 WHERE way = '{create,update1,update2,delete}')), '"U1-', '"V1-'), '10:00:00.500Z', '10:00:00.499Z')),
       say73(replace(message73('order1', (SELECT run FROM run73 WHERE way = '{create,update1,order1,order2}')), '"O1-', '"P1-'));
-- Deleted is the last word, whatever the time of a later one.
SELECT say73(replace(replace(message73('update1', run), '"U1-', '"W1-'), '2021-01-02', '2022-01-02')), state73(run) ->> 'normalized_status' AS status
  FROM run73 WHERE way = '{create,update1,update2,delete}';
-- The journey of the one whose messages came in order, and a status of which we know nothing.
SELECT e.status, e.normalized_status, e.carrier_status, e.source, e.jump, e.occurred_at AT TIME ZONE 'UTC' AS occurred
  FROM ganje.shipment_event AS e JOIN ganje.shipment AS s USING (merchant_id, shipment_id) JOIN run73 AS r ON s.external_id = 'D-' || r.run
 WHERE r.way = '{create,update1,update2,delete}' AND e.carrier_status IS NOT NULL ORDER BY e.event_id;
SELECT DISTINCT said FROM said73 WHERE said LIKE '%(%' ORDER BY said;
-- Once it has a mapping the next message knows what it means.
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank)
VALUES ('ginee', 'delivery-order', 'PACKED', 'preparing', 'PACKAGING', 15);
SELECT say73(message73('create', 'mapped')), say73(message73('update2', 'mapped')), state73('mapped') ->> 'status' AS status, state73('mapped') ->> 'normalized_status' AS normalized;
DELETE FROM ganje.status_mapping WHERE NOT builtin;
-- Every status that an order has, and what it makes of its shipment.
SELECT s AS order_status, say73(message73('create', 'st-' || s)) AS created, say73(replace(message73('order2', 'st-' || s), '"SHIPPING"', to_json(s)::text)) AS told,
       state73('st-' || s) ->> 'status' AS status, state73('st-' || s) ->> 'normalized_status' AS normalized
  FROM unnest('{PENDING_PAYMENT,PARTIALLY_PAID,PAID,READY_TO_SHIP,SHIPPING,DELIVERED,RETURNED,CANCELLED}'::text[]) AS s;

-- Only what is required: everything else is optional, null or empty.
SELECT say73('{"id": "m1", "entity": "delivery-order", "action": "CREATE", "payload": {"deliveryOrderId": "bare"}}');
SELECT order_id, status, normalized_status, provider, address, recipient, phone, tracking_number, data FROM ganje.shipment WHERE external_id = 'bare' AND merchant_id = 'M73';
SELECT say73('{"id": "m2", "entity": "delivery-order", "action": "UPDATE", "createAt": null, "payload": {"deliveryOrderId": "bare", "sourceOrderId": "S-bare",
    "shippingAddress": null, "orderItems": [], "lastUpdateAt": "", "trackingNumber": null, "deliveryOrderStatus": ""}}');
SELECT order_id, status FROM ganje.shipment WHERE external_id = 'bare' AND merchant_id = 'M73';
SELECT say73('{"id": "m3", "entity": "order", "action": "CREATE", "payload": {"orderId": "bare"}}');
SELECT channel, order_status, last_update_at = received_at AS now, payload FROM ganje.marketplace_order WHERE order_id = 'bare' AND merchant_id = 'M73';
SELECT say73('{"id": 4, "entity": "delivery-order", "action": "CREATE", "payload": {"deliveryOrderId": 77, "trackingNumber": 10000972949095,
    "orderItems": [{}, {"quantity": 2.5, "colour": "red"}]}}');
SELECT s.tracking_number, i.item_id, i.quantity, i.data FROM ganje.shipment AS s JOIN ganje.shipment_item AS i USING (merchant_id, shipment_id)
 WHERE s.external_id = '77' ORDER BY i.position;

-- Quarantined, never raised: what is of a wrong kind, or not known.
CREATE TABLE hostile73 (name text, payload text);
INSERT INTO hostile73
SELECT key, jsonb_build_object('id', 'h-' || key, 'entity', 'delivery-order', 'action', 'UPDATE', 'payload',
           '{"deliveryOrderId": "hostile"}'::jsonb || jsonb_build_object(key, value))::text
  FROM jsonb_each('{"deliveryOrderId": {"a": 1}, "sourceOrderId": [1], "deliveryOrderStatus": true, "lastUpdateAt": "yesterday", "createAt": 5,
        "trackingNumber": {}, "waybillUrl": [], "logisticsProvider": false, "shippingAddress": "home", "senderAddress": 1, "shop": [], "orderItems": {}}');
INSERT INTO hostile73
SELECT 'items ' || n, jsonb_build_object('id', 'i-' || n, 'entity', 'delivery-order', 'action', 'CREATE', 'payload',
           jsonb_build_object('deliveryOrderId', 'hostile', 'orderItems', items))::text
  FROM jsonb_array_elements('[[1], [{}, {"quantity": "4"}], [{"quantity": 0}], [{"quantity": -1}], [{"deliveryOrderItemId": {}}],
        [{"deliveryOrderItemId": "x"}, {"deliveryOrderItemId": "x"}], [{"deliveryOrderItemId": "#2"}, {}]]') WITH ORDINALITY AS t(items, n);
INSERT INTO hostile73 VALUES
    ('name', '{"id": "n", "entity": "delivery-order", "action": "CREATE", "payload": {"deliveryOrderId": "hostile", "shippingAddress": {"name": ["x"]}}}'),
    ('time', '{"id": "t", "entity": "delivery-order", "action": "CREATE", "payload": {"deliveryOrderId": "hostile", "lastUpdateAt": "2021-13-01T00:00:00Z"}}'),
    ('month', '{"id": "t", "entity": "order", "action": "CREATE", "payload": {"orderId": "hostile", "payAt": "2021-02-30T00:00:00Z"}}'),
    ('infinity', '{"id": "t", "entity": "order", "action": "CREATE", "payload": {"orderId": "hostile", "payAt": "infinity"}}'),
    ('no order id', '{"id": "o", "entity": "order", "action": "CREATE", "payload": {"orderStatus": "PAID"}}'),
    ('no id', '{"entity": "order", "action": "CREATE", "payload": {"orderId": "hostile"}}'),
    ('id of a wrong kind', '{"id": {}, "entity": "order", "action": "CREATE", "payload": {"orderId": "hostile"}}'),
    ('no payload', '{"id": "p", "entity": "order", "action": "CREATE"}'), ('payload a list', '{"id": "p", "entity": "order", "action": "CREATE", "payload": []}'),
    ('createAt', '{"id": "p", "entity": "order", "action": "CREATE", "createAt": true, "payload": {"orderId": "hostile"}}'),
    ('the documentation''s first example', '{"id": GENIE5FF31A7C5F15030001D3ED5F, "entity": "delivery-order", "action": "CREATE", "payload": {}}'),
    ('unknown entity', '{"id": "e", "entity": "master_product_create", "action": "CREATE", "payload": {"anything": [1, 2, 3]}}'),
    ('unknown action', '{"id": "e", "entity": "delivery-order", "action": "MERGE", "payload": {}}'),
    ('order deleted', '{"id": "e", "entity": "order", "action": "DELETE", "payload": {"orderId": "hostile"}}'),
    ('entity of a wrong kind', '{"id": "e", "entity": ["order"], "action": "CREATE", "payload": {"orderId": "hostile"}}');
INSERT INTO hostile73 SELECT 'long id', jsonb_build_object('id', 'l', 'entity', 'delivery-order', 'action', 'CREATE', 'payload',
    jsonb_build_object('deliveryOrderId', string_agg(md5(n::text), '')))::text FROM generate_series(1, 2000) AS n;
SELECT name, left(say73(payload), 150) AS said FROM hostile73 ORDER BY name COLLATE "C";
SELECT count(*) FROM ganje.shipment WHERE external_id LIKE 'hostile%';
SELECT count(*) FROM ganje.marketplace_order WHERE order_id LIKE 'hostile%';
SELECT count(*) AS kept FROM hostile73 AS h WHERE EXISTS (SELECT FROM ganje.webhook_inbox AS i WHERE md5(i.payload) = md5(h.payload) AND i.payload = h.payload);

-- What a function of somebody else's reads is checked in the same way.
SELECT what, ganje.news_problem(ROW(NULL, NULL, coalesce(r ->> 'key', 'k'), coalesce(r ->> 'id', 'x'), r -> 'patch', r -> 'makes', r -> 'order')::ganje.webhook_reading)
  FROM (VALUES ('good', '{"makes": {}, "patch": {"items": [{"itemId": "a", "quantity": 1}, {"itemId": "b", "quantity": 0.5, "price": 3}], "occurredAt": "2021-01-01T00:00:00Z"}}'::jsonb),
    ('good order', '{"order": {"orderId": "o", "paidAt": "2021-01-01 00:00:00+00", "payload": {}}}'), ('no key', '{"key": "", "makes": {}, "patch": {}}'),
    ('no id', '{"id": "", "makes": {}, "patch": {}}'), ('no patch', '{"makes": {}}'), ('patch', '{"makes": {}, "patch": [1]}'), ('data', '{"makes": {}, "patch": {"data": 1}}'),
    ('order id', '{"makes": {}, "patch": {"orderId": ""}}'), ('order without id', '{"order": {"payload": {}}}'), ('order without payload', '{"order": {"orderId": "o"}}'),
    ('order time', '{"order": {"orderId": "o", "paidAt": "tomorrow", "payload": {}}}'), ('time', '{"makes": {}, "patch": {"occurredAt": "soon"}}'),
    ('items', '{"makes": {}, "patch": {"items": 5}}'), ('item', '{"makes": {}, "patch": {"items": [5]}}'), ('item id', '{"makes": {}, "patch": {"items": [{"quantity": 1}]}}'),
    ('quantity', '{"makes": {}, "patch": {"items": [{"itemId": "a", "quantity": "1"}]}}'), ('price', '{"makes": {}, "patch": {"items": [{"itemId": "a", "quantity": 1, "price": -1}]}}'),
    ('twice', '{"makes": {}, "patch": {"items": [{"itemId": "a", "quantity": 1}, {"itemId": "a", "quantity": 1}]}}')) AS v(what, r);

-- Several accounts: the carrier's name does not say for whom.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, timezone) VALUES ('73-OTHER', 'ginee', 'https://ginee.example', 'Asia/Jakarta');
SELECT say73(message73('create', 'two'), 'ginee'), say73(message73('create', 'two'), '73-GINEE'), say73(message73('create', 'two'), '73-OTHER');
SELECT merchant_id, account_id, external_id FROM ganje.shipment WHERE external_id = 'D-two' ORDER BY account_id;
-- Times without a zone are in the account's.
SELECT say73('{"id": "z", "entity": "order", "action": "CREATE", "payload": {"orderId": "zone", "createAt": "2021-01-01 07:00:00"}}', '73-OTHER');
SELECT ordered_at AT TIME ZONE 'UTC' AS ordered FROM ganje.marketplace_order WHERE order_id = 'zone';

-- An app's own shipment is not Ginee's to touch.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, external_id) VALUES ('M73', '73-OWN', 'S-own', 'D-own');
SELECT say73(message73('delete', 'own')), say73(message73('order2', 'own'));
SELECT made_by, status FROM ganje.shipment WHERE external_id = 'D-own' ORDER BY made_by;
INSERT INTO ganje.shipment (merchant_id, order_id, account_id, external_id) VALUES ('M73', 'S-own2', '73-GINEE', 'S-own2');

-- What is asked of Ginee
SELECT ganje.ginee_reconcile('73-GINEE', '2021-01-01', '2021-01-01 00:00:00.5+00');
SET ganje_logistics.now = '2021-06-01 12:00:00+00';
SELECT ganje.ginee_reconcile('73-GINEE', '2021-02-20 00:00:00.3+00', '2021-04-05 00:00:00.1+00');
SELECT merchant_id, operation, method, path, body FROM ganje.outbox WHERE account_id = '73-GINEE' ORDER BY request_id;
SELECT max((body::jsonb ->> 'lastUpdateTo')::timestamptz - (body::jsonb ->> 'lastUpdateSince')::timestamptz) = '15 days' AS longest FROM ganje.outbox WHERE account_id = '73-GINEE';
RESET ganje_logistics.now;
SELECT ganje.ginee_reconcile('73-GINEE', '2021-01-02', '2021-01-01');
SELECT ganje.ginee_reconcile('73-GINEE', NULL);
SELECT ganje.ginee_reconcile('73-GINEE', '-infinity');
SELECT ganje.ginee_reconcile('73-GINEE', '1999-01-01');
SELECT ganje.ginee_reconcile('73-NOBODY', '2021-01-01');
SELECT ganje.ginee_order_details('73-OTHER', (SELECT array_agg('o' || n ORDER BY n) FROM generate_series(1, 120) AS n)), ganje.ginee_order_details('73-OTHER', '{}');
SELECT jsonb_array_length(body::jsonb -> 'orderIds') AS ids FROM ganje.outbox WHERE account_id = '73-OTHER' ORDER BY request_id;
SELECT ganje.ginee_order_details('73-OTHER', '{a,NULL}');
SELECT ganje.ginee_ship('73-OTHER', 'o1') = ganje.ginee_ship('73-OTHER', 'o1') AS once,
       ganje.ginee_ship('73-OTHER', 'o2', '{"deliveryType": "PICK_UP", "addressId": 5, "pickupTimeId": "t1", "trackingNo": null}') IS NOT NULL AS ships;
SELECT operation, path, body FROM ganje.outbox WHERE account_id = '73-OTHER' AND operation <> 'order-details' ORDER BY request_id;
SELECT ganje.ginee_ship('73-OTHER', 'o3', '{"deliveryType": "BY_AIR"}');
SELECT ganje.ginee_ship('73-OTHER', 'o3', '{"deliverytype": "PICK_UP"}');
SELECT ganje.ginee_ship('73-OTHER', 'o3', '{"deliveryType": "PICK_UP", "addressId": [1]}');
SELECT ganje.ginee_ship('73-OTHER', '');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('73-LOCKER', 'ganje', 'https://ganje.example');
SELECT ganje.ginee_ship('73-LOCKER', 'o1');

-- How it is authorized
SELECT (ganje.ginee_authorize('{"secret": {"accessKey": "ak", "secretKey": "secret"}, "settings": {"country": "MY"}}',
            ROW('M', 'r', 'a', NULL, 'list', 'POST', '/openapi/order/v2/list-order', '{"Content-Type": "application/json"}', '{}'))).headers;
SELECT ganje.ginee_authorize('{"accountId": "73-GINEE", "secret": {"accessKey": "ak"}}', NULL);

-- What its answers mean
CREATE FUNCTION answer73(operation text, body text, answer text, status integer DEFAULT 200) RETURNS TABLE (result text, detail text, orders text, next jsonb)
LANGUAGE sql AS $$
    SELECT a.result, a.detail, (SELECT string_agg(concat_ws(' ', o ->> 'orderId', o ->> 'status', o ->> 'lastUpdateAt'), ', ') FROM jsonb_array_elements(a.orders) AS o), a.next
      FROM ganje.ginee_apply('{"timezone": "UTC"}', ROW('M', 'r', 'a', NULL, operation, 'POST', ganje.ginee_path(operation), '{}', body),
                             ROW(status, '{}', answer)) AS a $$;
\pset null '-'
SELECT a.* FROM (VALUES ('{"code": "SUCCESS", "data": []}', 200), ('{"code": "SERVICE_BUSY", "message": "later"}', 200), ('{"code": "IAM_FAILED", "message": "no"}', 200),
    ('{"code": "PARAMETER_ERROR", "message": "Parameter is invalid: Parameter should not be empty: orderIds"}', 200), ('{"code": "BUSINESS_ERROR"}', 400),
    ('{"code": {"a": 1}}', 200), ('<html>', 200), (NULL, 200), ('no', 404), ('', 401), ('{"code": "SUCCESS"}', 200), ('{"code": "SUCCESS", "data": []}', 500)) AS v(answer, status),
    answer73('order-details', '{"orderIds": ["a"]}', v.answer, v.status) AS a;
-- A page: rows that can be used, their details, the next page.
SELECT a.result, a.detail, a.orders, jsonb_pretty(a.next) AS next FROM answer73('list', '{"size": 50, "lastUpdateSince": "x"}', '{"code": "SUCCESS", "data": {"more": true, "nextCursor": ["2021-01-01", 7],
    "content": [{"orderId": "a", "orderStatus": "PAID", "lastUpdateAt": "2021-01-01T00:00:00Z"}, {"orderId": "b"}, 5, {"orderId": {}}, {"orderId": "c", "orderStatus": "PAID", "lastUpdateAt": "never"}]}}') AS a;
SELECT a.* FROM (VALUES ('{"more": false, "nextCursor": [1], "content": [{"orderId": "a"}]}'), ('{"more": true, "content": [{"orderId": "a"}]}'),
    ('{"more": true, "nextCursor": ["same"], "content": [{"orderId": "a"}]}'), ('{"more": true, "nextCursor": [2], "content": []}'), ('{"list": []}'), ('[]'), ('null')) AS v(data),
    answer73('list', '{"nextCursor": ["same"]}', '{"code": "SUCCESS", "data": ' || v.data || '}') AS a;
-- Shipping, step by step.
SELECT a.* FROM (VALUES
    ('{"deliveryType": "", "logistics": [{"logisticsDeliveryType": "DROP_OFF", "logisticDetailList": [{"logisticsProviderId": "1", "logisticsProviderName": "JNE"}]}], "addresses": []}'),
    ('{"deliveryType": "PICK_UP", "addresses": [{"addressId": 9, "pickupTimeList": [{"pickupTimeId": "p1"}, {"pickupTimeId": "p2"}]}]}'),
    ('{"deliveryType": "MANUAL_SHIP", "logisticsTrackingNumber": "T"}'), ('{"deliveryType": "", "logistics": []}'), ('null'), ('{"deliveryType": "PICK_UP", "addresses": "none"}')) AS v(data),
    answer73('shipping-parameter', '{"orderId": "a"}', '{"code": "SUCCESS", "data": ' || v.data || '}') AS a;
SELECT a.* FROM answer73('shipping', '{"orderId": "a"}', '{"code": "BUSINESS_ERROR", "message": "no"}') AS a;
SELECT a.* FROM (VALUES ('"task-1"'), ('5'), ('null'), ('{}')) AS v(data), answer73('shipping', '{"orderId": "a"}', '{"code": "SUCCESS", "data": ' || v.data || '}') AS a;
SELECT a.* FROM (VALUES ('{"complete": false}'), ('{}'), ('null'), ('{"complete": true, "detailList": [{"orderId": "a", "status": "SUCCESS"}]}'),
    ('{"complete": true, "detailList": [{"orderId": "a", "status": "SUCCESS"}, {"orderId": "b", "status": "FAILED", "errorMessage": "no stock"}]}')) AS v(data),
    answer73('shipping-result', '{"taskId": "t"}', '{"code": "SUCCESS", "data": ' || v.data || '}') AS a;

DELETE FROM ganje.outbox WHERE account_id LIKE '73-%';
DROP TABLE run73, said73, hostile73;
DROP FUNCTION say73, message73, state73, permutations73, answer73;
SELECT ganje.resume_sending();
