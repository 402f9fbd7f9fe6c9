\echo '== The same webhook once more changes nothing'
SELECT ganje.receive_webhook('ganje', :'payload') AS answer;
SELECT source, external_id, state FROM ganje.webhook_inbox ORDER BY received_at, inbox_id;

\echo '== The journey of the locker''s shipment'
SELECT e.status, e.normalized_status, e.carrier_status, e.source, e.jump
  FROM ganje.shipment_event AS e JOIN ganje.shipment AS s ON s.merchant_id = e.merchant_id AND s.shipment_id = e.shipment_id
 WHERE s.order_id = 'ORDER_1' AND s.account_id = 'GANJE_MAIN' ORDER BY e.recorded_at, e.event_id;

\echo '== The customer asks where it is: order number and phone'
SELECT status, normalized_status, order_link FROM ganje.track_shipment('ORDER_1', '+989121234567');
SELECT count(*) AS "shipments for a wrong phone" FROM ganje.track_shipment('ORDER_1', '+989120000000');

\echo '== How things stand'
SELECT * FROM ganje.status();
