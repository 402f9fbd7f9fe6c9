-- What an attached table's rows go through is told to those who subscribed to
-- orders: in the transaction of the change, and not told twice.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
SELECT ganje.upsert_store('{"merchantId": "M79", "storeId": "S79", "name": "79"}') ->> 'storeId' AS store;
SELECT ganje.subscribe('https://hook.example/79', '{order}', merchant_id => 'M79') ->> 'subscriptionId' AS id79 \gset
CREATE TABLE orders79 (id text PRIMARY KEY, note text, state text NOT NULL DEFAULT 'new');
SELECT ganje.attach_orders('orders79', '{"orderId": "id", "merchantId": {"const": "M79"}, "storeId": {"const": "S79"}, "type": {"const": "SELF"},
    "note": "note", "on": {"update": ["note"], "cancel": {"column": "state", "equals": "cancelled"}}}');
CREATE VIEW told79 AS
SELECT o.operation, o.body::jsonb #>> '{payload,orderId}' AS order_id FROM ganje.outbox AS o WHERE o.account_id = :'id79' ORDER BY o.request_id;

INSERT INTO orders79 VALUES ('A', 'ring twice');
SELECT * FROM told79;
UPDATE orders79 SET note = 'ring once' WHERE id = 'A';
-- Nothing that a shipment has: nobody is told.
UPDATE orders79 SET note = 'ring once', state = 'packed' WHERE id = 'A';
SELECT * FROM told79;
BEGIN;
UPDATE orders79 SET note = 'do not ring' WHERE id = 'A';
ROLLBACK;
UPDATE orders79 SET state = 'cancelled' WHERE id = 'A';
UPDATE orders79 SET note = 'too late' WHERE id = 'A';
SELECT * FROM told79;

SELECT ganje.detach_orders('orders79');
DROP VIEW told79;
DROP TABLE orders79;
SELECT ganje.unsubscribe(:'id79');
DELETE FROM ganje.shipment WHERE merchant_id = 'M79';
DELETE FROM ganje.store WHERE merchant_id = 'M79';
SELECT ganje.resume_sending();
