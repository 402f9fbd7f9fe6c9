# pg_dump | restore into another cluster: nothing is lost, nothing is done
# again, and nothing is sent until somebody says so; then only what was
# pending.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;
use GanjeData;

my $carrier = start_carrier();
my $node = new_server('origin');

sub query { return $node->safe_psql('postgres', $_[0]); }

fill_everything($node, $carrier);
my $contents = everything();
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
$copy->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $copy->connstr('postgres'), '-f', $dump ], 'and restored elsewhere');
is($copy->safe_psql('postgres', $contents), $before, 'configuration, shipments, outbox and log are the same, row by row');
is($copy->safe_psql('postgres', "SELECT ganje.locate_zone(35.7, 51.41) || ganje.locate_zone(1.5, 1.2)"), 'ZZ', 'zones are found');
is($copy->safe_psql('postgres', "SELECT relation FROM ganje.order_attachment"), 'shop.orders', 'the order table is attached');

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
