\echo '== The shop''s own order table: from now on a new row in it is an order'
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id text PRIMARY KEY, hold_id text, phone text, address jsonb);
SELECT ganje.attach_orders('shop.orders', '{"orderId": "id", "holdId": "hold_id", "phone": "phone", "address": "address"}');

\echo '== An order that is rolled back leaves nothing: no shipment, no request, the slot only held'
BEGIN;
INSERT INTO shop.orders VALUES ('ORDER_0', :'hold_id', '+989121234567', '{"city": "Tehran"}');
SELECT count(*) AS shipments, (SELECT count(*) FROM ganje.outbox) AS requests FROM ganje.shipment;
ROLLBACK;
SELECT count(*) AS shipments, (SELECT count(*) FROM ganje.outbox) AS requests FROM ganje.shipment;
SELECT store_id, used, held, confirmed FROM ganje.slot_usage;
