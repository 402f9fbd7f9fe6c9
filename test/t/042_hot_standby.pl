# A hot standby answers what only reads, counts wrong phone numbers, refuses
# to write with a message that says why, and sends nothing. That it sends once
# it is promoted: 022_worker_databases.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $carrier = start_carrier();
my $primary = new_server('primary', stream => 1);
set_up_account($primary, $carrier);

sub query { return $primary->safe_psql('postgres', $_[0]); }

query(q{
	CREATE ROLE shop LOGIN;
	SELECT ganje.grant_access('shop', 'checkout');
	SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone", "rules": [
		{"loc": {"circle": {"center": {"lat": 35.7, "lng": 51.4}, "radius": 20000}}}]}');
	SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [{"ruleId": "R", "types": ["CARGO"], "fee": 5, "capacity": 2}]}');
	SELECT ganje.pause_sending()});
add_shipments($primary, 1, 2);

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

sub there { return $standby->safe_psql('postgres', $_[0]); }

my $pools = q{SELECT ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}')};
my $track = q{SELECT ganje.track_shipment('{"orderId": "O1", "phoneNumber": "+989121234567"}') ->> 'orderId'};
is(there('SELECT pg_is_in_recovery()'), 't', 'it is a standby');
is(there('SELECT ganje.locate_zone(35.7, 51.4), ganje.locate_zone(10, 10)'), 'Z|', 'it locates zones');
is(there($pools), query($pools), 'answers get_pools');
is(there(q{SELECT ganje.get_requirements('{"zoneId": "Z"}')}), query(q{SELECT ganje.get_requirements('{"zoneId": "Z"}')}), 'and get_requirements');
is(there($track), 'O1', 'and tracks shipments');
is($standby->safe_psql('postgres', "SET ROLE shop; $pools; $track"), query($pools) . "\nO1", 'for a role of level checkout as well');

# Zones, fees, full slots and access that change on the primary, for a session that has them in its caches.
my $at_primary = sprintf('psql -X -q -v ON_ERROR_STOP=1 -h %s -p %s -d postgres', $primary->host, $primary->port);
my $hold = q{SELECT ganje.hold_slot('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}, "pool": [{"items": ["a"], "type": "CARGO"}]}')};
(my $hold_there = $hold) =~ s/"/\\"/g;
my ($status, $stdout, $stderr) = $standby->psql('postgres', qq{
SELECT ganje.locate_zone(35.7, 51.4);
$pools;
\\! $at_primary -c "UPDATE ganje.zone SET name = 'Other', zone_id = 'N'; UPDATE ganje.store_rule SET fee = 7" > /dev/null
DO \$\$ BEGIN FOR i IN 1..3000 LOOP EXIT WHEN ganje.locate_zone(35.7, 51.4) IS DISTINCT FROM 'Z'; PERFORM pg_sleep(0.02); END LOOP; END \$\$;
SELECT ganje.locate_zone(35.7, 51.4);
SELECT ganje.get_pools('{"zoneId": "N", "cart": {"items": [{"itemId": "a"}]}}') #>> '{0,0,options,0,fee}';
}, on_error_stop => 1);
like($stdout, qr/^Z\n.*"fee": 5.*\nN\n7$/, 'a zone and a fee that change are seen by a session that knew the old ones') or diag($stderr);
query("UPDATE ganje.zone SET zone_id = 'Z'");
$primary->wait_for_catchup($standby);
my $slots = q{SELECT jsonb_array_length(ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}'))};
query(q{UPDATE ganje.store_rule SET days = '{1,2,3,4,5,6,7}', slots = '[["00:00", "24:00"]]', capacity = 1;
	SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 0}}')});
$primary->wait_for_catchup($standby);
($status, $stdout, $stderr) = $standby->psql('postgres', qq{
$slots;
\\! $at_primary -c "$hold_there" > /dev/null
DO \$\$ BEGIN FOR i IN 1..3000 LOOP EXIT WHEN (SELECT count(*) FROM ganje.slot_counter WHERE is_full) > 0; PERFORM pg_sleep(0.02); END LOOP; END \$\$;
$slots;
}, on_error_stop => 1);
is($stdout, "1\n0", 'a slot that is taken is seen to be full') or diag($stderr);

# Writing: each says why not, and nothing is broken by it. There is room to hold again.
query('UPDATE ganje.store_rule SET capacity = 5');
$primary->wait_for_catchup($standby);
foreach my $write (
	[ 'hold_slot', $hold ],
	[ 'confirm_hold', q{SELECT ganje.confirm_hold(hold_id, 'o') FROM ganje.hold} ],
	[ 'upsert_zone', q{SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "x"}')} ],
	[ 'upsert_store', q{SELECT ganje.upsert_store('{"storeId": "S", "name": "x"}')} ],
	[ 'a shipment', q{INSERT INTO ganje.shipment (order_id) VALUES ('o')} ],
	[ 'a webhook', q{SELECT ganje.receive_webhook('ganje', '{}')} ],
	[ 'pause_sending', 'SELECT ganje.pause_sending()' ],
	[ 'retry_request', 'SELECT ganje.retry_request(request_id) FROM ganje.outbox LIMIT 1' ],
	[ 'grant_access', q{SELECT ganje.grant_access('shop', 'operator')} ])
{
	($status, $stdout, $stderr) = $standby->psql('postgres', $write->[1]);
	like($stderr, qr/ERROR:  cannot execute [A-Z ]+ in a read-only transaction/, "$write->[0] is refused, and why");
}

# Guesses are counted there, without a write: after ten the right number is not believed either.
is(there(q{SELECT count(*) FROM generate_series(1, 1000) AS n WHERE ganje.track_shipment(jsonb_build_object('orderId', 'O2', 'phoneNumber', '+98910000' || 1000 + n)) <> '{}'}),
	'0', 'a thousand guesses find nothing');
is(there(q{SELECT ganje.track_shipment('{"orderId": "O2", "phoneNumber": "+989121234567"}')}), '{}', 'and then nothing is answered any more');
is(there($track), 'O1', 'but for other orders');
is(query(q{SELECT ganje.track_shipment('{"orderId": "O2", "phoneNumber": "+989121234567"}') ->> 'orderId'}), 'O2', 'each server counts for itself');

# Two requests are pending there as here: it has no worker, and the carrier hears nothing.
is(there('SELECT sum(pending) FROM ganje.outbox_status'), '2', 'requests wait on the standby');
is(there("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'ganje%'"), '0', 'which has no worker');
is(there("SELECT value FROM ganje.status() WHERE item = 'worker'"), 'not running', 'as status() says');
is(scalar(carrier_log($carrier)), 0, 'and the carrier has heard nothing');
query('SELECT ganje.resume_sending()');
is(query("SELECT ganje.drain('60 s')"), '0', 'the primary sends');
is(scalar(orders_at($carrier)), 2, 'each once');

$standby->stop;
$primary->stop;
done_testing();
