# A database with something in every table that a dump carries, and what is in
# them: for tests that move it.
package GanjeData;

use strict;
use warnings;
use Exporter 'import';
use GanjeTest;
use Test::More;

our @EXPORT = qw(fill_everything everything);

# Fills database postgres of a server that has the extension; three requests
# stay pending, and sending is paused.
sub fill_everything
{
	my ($node, $carrier) = @_;
	my $query = sub { return $node->safe_psql('postgres', $_[0]); };

	set_up_account($node, $carrier);
	# Configuration, a cart, an attached order table, orders sent, webhooks of every state.
	$query->(q{
		SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 2}}');
		SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "تهران", "timezone": "Asia/Tehran", "fee": 3.50, "rules": [
			{"addr": {"city": {"IN": ["تهران"]}}}, {"loc": {"circle": {"center": {"lat": 35.7, "lng": 51.4}, "radius": 20000}}},
			{"loc": {"polygon": [{"lat": 1, "lng": 1}, {"lat": 2, "lng": 1}, {"lat": 2, "lng": 2}]}}]}');
		SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [
			{"ruleId": "R", "types": ["CARGO"], "providers": ["GANJE"], "fee": 5, "capacity": 50, "days": ["1","2","3","4","5","6","7"],
			 "slots": [["00:00", "24:00"]]}]}');
		SELECT ganje.upsert_shipment_provider('{"storeId": "S", "shipmentType": "CARGO", "providerId": "GANJE",
			"data": {"carrierAccount": "locker"}}');
		INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, rank)
		VALUES ('ganje', 'occupancy', 'lost', 'unknown', 5);
		INSERT INTO ganje.cart (cart_id, segments) VALUES ('C', '{elite}');
		INSERT INTO ganje.cart_item (cart_id, item_id, price) VALUES ('C', 'p1', 19.90), ('C', 'p2', 5);
		CREATE SCHEMA shop;
		CREATE TABLE shop.orders (id text PRIMARY KEY, hold_id text, phone text);
		SELECT ganje.attach_orders('shop.orders', '{"orderId": "id", "holdId": "hold_id", "phone": "phone"}');
		CREATE FUNCTION shop.hold() RETURNS text LANGUAGE sql AS $$
			SELECT ganje.hold_slot('{"cartId": "C", "zoneId": "Z", "pool": [{"items": ["p1", "p2"], "type": "CARGO"}]}') ->> 'holdId' $$;
	});
	$query->("INSERT INTO shop.orders SELECT 'sent-' || n, shop.hold(), '+989121234567' FROM generate_series(1, 3) AS n");
	is($query->("SELECT ganje.drain('60 s')"), '0', 'three orders are sent');
	$query->(q{
		SELECT ganje.receive_webhook('ganje', '{"uuid": "u", "status": "occupied", "external_id": "sent-1", "check_in": "2026-01-01 10:00:00",
			"station": {"slug": "7", "nickname": "Vanak", "location": "35.7, 51.4"}}');
		SELECT ganje.receive_webhook('ganje', '{"uuid": "u", "status": "occupied", "external_id": "sent-1", "check_in": "2026-01-01 10:00:00"}');
		SELECT ganje.receive_webhook('ganje', 'not json');
		SELECT ganje.pause_sending();
		SELECT shop.hold();
	});
	$query->("INSERT INTO shop.orders SELECT 'pending-' || n, shop.hold(), '+989121234567' FROM generate_series(1, 4) AS n");
	$query->("SELECT ganje.cancel_request(request_id) FROM ganje.outbox WHERE body LIKE '%pending-4%'");
	$query->(q{
		UPDATE ganje.shipment_poll SET due_at = now() - interval '1 hour', carrier_status = 'reserved'
		 WHERE shipment_id IN (SELECT shipment_id FROM ganje.shipment WHERE order_id = 'sent-2');
		INSERT INTO ganje.payment_method VALUES ('locker', '1', 'Nakit', now());
		INSERT INTO ganje.account_check VALUES ('locker', true, NULL, now());
		INSERT INTO ganje.account_refresh (account_id, due_at) VALUES ('locker', now());
	});
}

# A query that tells for each table how many rows it has, and a digest of them.
sub everything
{
	return q{
	SELECT c.oid::regclass || ': ' || (xpath('/row/t/text()', query_to_xml(format(
			'SELECT count(*) || '' '' || coalesce(md5(string_agg(r::text, E''\n'' ORDER BY r::text)), ''-'') AS t FROM %s AS r',
			c.oid::regclass), true, true, '')))[1]::text
	  FROM pg_extension AS e, unnest(e.extconfig) AS c(oid)
	 WHERE e.extname = 'ganje_logistics' AND c.oid <> 'ganje.carrier_credential'::regclass ORDER BY 1};
}

1;
