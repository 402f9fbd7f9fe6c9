# pg_dump | restore into another cluster: nothing is lost, nothing is done
# again, and nothing is sent until somebody says so; then only what was
# pending.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $carrier = start_carrier();
my $node = new_server('origin');
set_up_account($node, $carrier);

sub query { return $node->safe_psql('postgres', $_[0]); }

# Configuration, a cart, an attached order table, orders sent, webhooks of every state.
query(q{
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
query("INSERT INTO shop.orders SELECT 'sent-' || n, shop.hold(), '+989121234567' FROM generate_series(1, 3) AS n");
is(query("SELECT ganje.drain('60 s')"), '0', 'three orders are sent');
query(q{
	SELECT ganje.receive_webhook('ganje', '{"uuid": "u", "status": "occupied", "external_id": "sent-1", "check_in": "2026-01-01 10:00:00",
		"station": {"slug": "7", "nickname": "Vanak", "location": "35.7, 51.4"}}');
	SELECT ganje.receive_webhook('ganje', '{"uuid": "u", "status": "occupied", "external_id": "sent-1", "check_in": "2026-01-01 10:00:00"}');
	SELECT ganje.receive_webhook('ganje', 'not json');
	SELECT ganje.pause_sending();
	SELECT shop.hold();
});
query("INSERT INTO shop.orders SELECT 'pending-' || n, shop.hold(), '+989121234567' FROM generate_series(1, 4) AS n");
query("SELECT ganje.cancel_request(request_id) FROM ganje.outbox WHERE body LIKE '%pending-4%'");
query(q{
	UPDATE ganje.shipment_poll SET due_at = now() - interval '1 hour', carrier_status = 'reserved'
	 WHERE shipment_id IN (SELECT shipment_id FROM ganje.shipment WHERE order_id = 'sent-2');
	INSERT INTO ganje.payment_method VALUES ('locker', '1', 'Nakit', now());
	INSERT INTO ganje.account_check VALUES ('locker', true, NULL, now());
	INSERT INTO ganje.account_refresh (account_id, due_at) VALUES ('locker', now());
	INSERT INTO ganje.store (merchant_id, store_id, name) VALUES ('A', 'SA', 'Of A');
	CREATE ROLE shop_app;
	CREATE ROLE "Seller of ""A""";
	SELECT ganje.grant_access('shop_app', 'checkout'), ganje.grant_access('"Seller of ""A"""', 'fulfilment', 'A');
});
my $access = q{SELECT r, has_function_privilege(r, 'ganje.get_pools(jsonb)', 'EXECUTE'), has_function_privilege(r, 'ganje.explain_pools(jsonb)', 'EXECUTE'),
	has_table_privilege(r, 'ganje.shipment', 'SELECT'), has_table_privilege(r, 'ganje.carrier_credential', 'SELECT')
	FROM unnest('{shop_app,Seller of "A"}'::text[]) AS r};
$access =~ s/Seller of "A"/"Seller of \\"A\\""/;
my $policies = q{SELECT count(*), md5(string_agg(format('%s %s %s %s %s', polrelid::regclass, polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), ';' ORDER BY polrelid::regclass::text, polname))
	FROM pg_policy};
my $seen = q{SET ROLE "Seller of ""A"""; SELECT string_agg(store_id, ' ') FROM ganje.store};
is(query($access), "shop_app|t|f|f|f\nSeller of \"A\"|t|t|t|f", 'two roles have access');
is(query($seen), 'SA', 'one of them to its merchant\'s rows');
my $before_policies = query($policies);

my $contents = q{
	SELECT c.oid::regclass || ': ' || (xpath('/row/t/text()', query_to_xml(format(
			'SELECT count(*) || '' '' || coalesce(md5(string_agg(r::text, E''\n'' ORDER BY r::text)), ''-'') AS t FROM %s AS r',
			c.oid::regclass), true, true, '')))[1]::text
	  FROM pg_extension AS e, unnest(e.extconfig) AS c(oid)
	 WHERE e.extname = 'ganje_logistics' AND c.oid <> 'ganje.carrier_credential'::regclass ORDER BY 1};
my $before = query($contents);
cmp_ok(scalar(split(/\n/, $before)), '>=', 50, 'the tables are there to compare');
like($before, qr/ganje\.outbox_delivery: 3 /, 'three requests are pending');
like($before, qr/ganje\.slot_counter: \d /, 'slots are counted');
like($before, qr/ganje\.webhook_inbox: 3 /, 'three webhooks were received');
like($before, qr/ganje\.station: 1 /, 'a station is known');

my $dump = $node->backup_dir . '.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'the database is dumped');
unlike(slurp_file($dump), qr/"password"/, 'without credentials');
{
	local $ENV{PGOPTIONS} = '-c ganje_logistics.dump_credentials=on';
	my ($stdout, $stderr) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
	like($stdout, qr/"password": "secret"/, 'with credentials when asked');
}

my $copy = new_server('copy', bare => 1);
$copy->safe_psql('postgres', 'CREATE ROLE shop_app; CREATE ROLE "Seller of ""A"""');
$copy->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $copy->connstr('postgres'), '-f', $dump ], 'and restored elsewhere');
is($copy->safe_psql('postgres', $contents), $before, 'configuration, shipments, outbox and log are the same, row by row');
is($copy->safe_psql('postgres', "SELECT ganje.locate_zone(35.7, 51.41) || ganje.locate_zone(1.5, 1.2)"), 'ZZ', 'zones are found');
is($copy->safe_psql('postgres', "SELECT relation FROM ganje.order_attachment"), 'shop.orders', 'the order table is attached');

# Who has access has it there, and sees what it saw; a role that is gone leaves nothing in a dump.
is($copy->safe_psql('postgres', $access), query($access), 'roles may do the same');
is($copy->safe_psql('postgres', $seen), 'SA', 'for the same merchant');
is($copy->safe_psql('postgres', $policies), $before_policies, 'by the same policies');
like($before_policies, qr/^\d{2,}\|/, 'of which there are some');
query('CREATE ROLE passing; SELECT ganje.grant_access($$passing$$, $$operator$$); DROP OWNED BY passing; DROP ROLE passing');
my ($later) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
my ($rows) = $later =~ /^COPY ganje\.access .*?\n(.*?)^\\\.$/ms;
is($rows, "shop_app\tcheckout\t\\N\n\"Seller of \"\"A\"\"\"\tfulfilment\tA\n", 'a role that was dropped is not in a dump');

# It has a worker, and the carrier hears nothing.
control($carrier, 'DELETE', 'log');
$copy->safe_psql('postgres', q{SELECT ganje.set_credential('locker', '{"username": "shop", "password": "secret"}')});
worker_pid($copy);
$copy->safe_psql('postgres', 'SELECT pg_sleep(2.5)');
is(scalar(carrier_log($carrier)), 0, 'a copy sends nothing');
like($copy->safe_psql('postgres', "SELECT state FROM ganje.outbox_status"), qr/^paused: a copy/, 'and says why');
# A new order waits like the others.
$copy->safe_psql('postgres', "INSERT INTO shop.orders VALUES ('new-1', shop.hold(), '+989121234567')");
$copy->safe_psql('postgres', 'SELECT pg_sleep(1.5)');
is(scalar(carrier_log($carrier)), 0, 'nor does it send a new order');

$copy->safe_psql('postgres', 'SELECT ganje.resume_sending()');
is($copy->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'until resume_sending()');
is_deeply([ sort map { $_->{body}{external_id} } orders_at($carrier) ], [ 'new-1', 'pending-1', 'pending-2', 'pending-3' ],
	'then just what was pending');
is($copy->safe_psql('postgres', "SELECT count(*) FROM ganje.shipment WHERE order_link IS NULL"), '1',
	'all but the cancelled one have their link');

$copy->stop;
$node->stop;
done_testing();
