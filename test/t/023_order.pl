# An order is an INSERT into the shop's own table: all of it, or nothing.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $carrier = start_carrier();
my $node = new_server('order');
set_up_account($node, $carrier);

sub query { return $node->safe_psql('postgres', $_[0]); }

query(q{
	SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 0}}');
	SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone"}');
	SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [
		{"ruleId": "R", "types": ["CARGO"], "providers": ["GANJE"], "fee": 5, "capacity": 2}]}');
	SELECT ganje.upsert_shipment_provider('{"storeId": "S", "shipmentType": "CARGO", "providerId": "GANJE",
		"data": {"carrierAccount": "locker"}}');
	CREATE SCHEMA shop;
	CREATE TABLE shop.orders (id bigint PRIMARY KEY, hold_id text, phone text);
	SELECT ganje.attach_orders('shop.orders', '{"orderId": "id", "holdId": "hold_id", "phone": "phone"}');
	CREATE FUNCTION shop.hold() RETURNS text LANGUAGE sql AS $$
		SELECT ganje.hold_slot('{"zoneId": "Z", "cart": {"items": [{"itemId": "p1", "price": 10}]},
			"pool": [{"items": ["p1"], "type": "CARGO", "provider": "GANJE"}]}') ->> 'holdId' $$;
});

my $nothing = q{
	SELECT (SELECT count(*) FROM shop.orders) + (SELECT count(*) FROM ganje.shipment) + (SELECT count(*) FROM ganje.shipment_event)
	     + (SELECT count(*) FROM ganje.outbox) + (SELECT count(*) FROM ganje.outbox_delivery) + (SELECT count(*) FROM ganje.outbox_log)
	     + (SELECT coalesce(sum(used), 0) FROM ganje.slot_usage)};

query("BEGIN; INSERT INTO shop.orders VALUES (1, shop.hold(), '+989121234567'); ROLLBACK;");
is(query($nothing), '0', 'rolled back: no order, shipment, request or used slot');

# The carrier's phone format is checked when the request is made: the order's INSERT fails.
my ($status, $stdout, $stderr) = $node->psql('postgres', "INSERT INTO shop.orders VALUES (1, shop.hold(), '555-77-1')");
isnt($status, 0, 'an order that the carrier would not take fails');
like($stderr, qr/phone of order '1' is not in the format \+98xxxxxxxxxx/, 'with a clear message');
unlike($stderr, qr/555-77/, 'that does not tell the number');
is(query($nothing), '0', 'and leaves nothing');

# A savepoint undone, the transaction committed.
query("BEGIN; SAVEPOINT s; INSERT INTO shop.orders VALUES (1, shop.hold(), '+989121234567'); ROLLBACK TO s; COMMIT;");
is(query($nothing), '0', 'a subtransaction that is undone leaves nothing');

# The worker has looked since: an order after all of these is the first that the carrier hears of.
query("INSERT INTO shop.orders VALUES (2, shop.hold(), '0912 123 45 67')");
is(query("SELECT ganje.drain('60 s')"), '0', 'an order that is committed is sent');
is_deeply([ map { $_->{body}{external_id} } orders_at($carrier) ], ['2'], 'and is the only one that the carrier heard of');
is((orders_at($carrier))[0]{body}{phone_number}, '+989121234567', 'with the phone in the format that it takes');
like(query("SELECT order_link FROM ganje.shipment WHERE order_id = '2'"), qr{^http://127\.0\.0\.1}, 'its link is there to read');
is(query('SELECT used, held, confirmed FROM ganje.slot_usage'), '1|0|1', 'its slot is used');

# The last unit, and one too many.
query("INSERT INTO shop.orders VALUES (3, shop.hold(), '+989121234567')");
is(query("SELECT shop.hold() IS NULL"), 't', 'then the slot is full');
($status, $stdout, $stderr) = $node->psql('postgres', "INSERT INTO shop.orders VALUES (4, shop.hold(), '+989121234567')");
like($stderr, qr/order '4' has neither holdId nor storeId/, 'an order without a hold is refused');

# Changed and cancelled by the row: the carrier hears of what concerns it.
query(q{
	UPDATE ganje.store_rule SET capacity = 10;
	CREATE TABLE shop.more (id text PRIMARY KEY, phone text, city text, state text, hold_id text);
	SELECT ganje.attach_orders('shop.more', '{"orderId": "id", "holdId": "hold_id", "phone": "phone", "address": {"city": "city"},
		"on": {"update": ["phone", "address"], "cancel": {"column": "state", "equals": "cancelled"}, "delete": "cancel"}}');
	SELECT ganje.pause_sending();
	INSERT INTO shop.more VALUES ('M-1', '+989121111111', 'Tehran', 'new', shop.hold()), ('M-2', '+989121111112', 'Tehran', 'new', shop.hold()),
		('M-3', '+989121111113', 'Tehran', 'new', shop.hold());
	UPDATE shop.more SET phone = '+989129999999' WHERE id = 'M-1';
	UPDATE shop.more SET state = 'cancelled' WHERE id = 'M-2';
	SELECT ganje.resume_sending()});
is(query("SELECT ganje.drain('60 s')"), '0', 'changed orders are sent');
is_deeply([ sort map { "$_->{body}{external_id} $_->{body}{phone_number}" } grep { $_->{body}{external_id} =~ /^M/ } orders_at($carrier) ],
	[ 'M-1 +989129999999', 'M-3 +989121111113' ], 'with what was changed before, and without what was cancelled');
is(query("SELECT status FROM ganje.shipment WHERE order_id = 'M-2'"), 'CANCELLED', 'which is cancelled at once');
query("UPDATE shop.more SET city = 'Shiraz' WHERE id = 'M-1'");
($status, $stdout, $stderr) = $node->psql('postgres', "UPDATE shop.more SET phone = '+989120000000' WHERE id = 'M-1'");
like($stderr, qr/order 'M-1' cannot be changed: carrier ganje has been told of it/, 'what the carrier knows is not changed behind its back');
is(query("SELECT phone || ' ' || (address ->> 'city') FROM ganje.shipment WHERE order_id = 'M-1'"), '+989129999999 Shiraz', 'what it does not know is');
query("DELETE FROM shop.more WHERE id IN ('M-1', 'M-3')");
is(query("SELECT ganje.drain('60 s')"), '0', 'cancellations are sent');
is(query("SELECT count(*) FROM ganje.outbox_log WHERE operation = 'cancel' AND result = 'delivered'"), '2', 'to the carrier that carries them');

# The worker deletes old payloads of the inbox, a thousand at a time; those in quarantine stay.
query(q{
	INSERT INTO ganje.webhook_inbox (source, payload, state, reason, received_at)
	SELECT 'ganje', n::text, CASE WHEN n > 2500 THEN 'quarantined' ELSE 'applied' END, CASE WHEN n > 2500 THEN 'malformed' END,
	       now() - interval '31 days' FROM generate_series(1, 2501) AS n;
	INSERT INTO ganje.webhook_inbox (source, payload, state, received_at) VALUES ('ganje', 'young', 'applied', now() - interval '29 days')});
$node->restart;
wait_for(sub { query("SELECT count(*) FROM ganje.webhook_inbox WHERE state = 'applied'") <= 1 }, 'old payloads are gone');
is(query('SELECT string_agg(payload, \' \' ORDER BY payload) FROM ganje.webhook_inbox'), '2501 young', 'the worker keeps what is young or in quarantine');

$node->stop;
done_testing();
