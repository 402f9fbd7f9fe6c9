\echo '== The order: hold confirmed, two shipments, a request to Ganje, all in this one INSERT'
INSERT INTO shop.orders VALUES ('ORDER_1', :'hold_id', '0912 123 45 67', '{"city": "Tehran"}');

\echo '== The worker has sent it as soon as it was committed'
SELECT ganje.drain('10 s') AS requests_left;
SELECT s.shipment_id, s.type, s.provider, s.status, s.order_link,
       (SELECT string_agg(i.item_id, ', ' ORDER BY i.position) FROM ganje.shipment_item AS i
         WHERE i.merchant_id = s.merchant_id AND i.shipment_id = s.shipment_id) AS items
  FROM ganje.shipment AS s WHERE s.order_id = 'ORDER_1' ORDER BY s.group_no;
SELECT account_id, operation, result, attempts, status FROM ganje.outbox_log;
