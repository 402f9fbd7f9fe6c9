# pg_upgrade from the server at OLD_INSTALL to the one that runs the tests:
# every row is there afterwards, functions answer, and nothing is sent until
# somebody says so.
use strict;
use warnings;
use File::Spec::Functions qw(rel2abs);
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;
use GanjeData;

my $old_install = $ENV{OLD_INSTALL} or die 'OLD_INSTALL: where the old server is installed';
my $carrier = start_carrier();
my $old = new_server('old', install_path => $old_install);

fill_everything($old, $carrier);
my %questions = (
	'every row' => everything(),
	'zones by point' => 'SELECT ganje.locate_zone(35.7, 51.41) || ganje.locate_zone(1.5, 1.2)',
	'zones by address' => q{SELECT ganje.locate_zone_by_address('{"city": "تهران"}')},
	'pools' => q{SELECT ganje.get_pools('{"cartId": "C", "zoneId": "Z"}')},
	'tracking' => q{SELECT ganje.track_shipment('sent-1', '09121234567')},
	'the attached table' => 'SELECT relation FROM ganje.order_attachment');
$old->append_conf('postgresql.conf', "ganje_logistics.now = '2026-03-01 08:00:00+00'");
$old->reload;
my %before = map { $_ => $old->safe_psql('postgres', $questions{$_}) } keys %questions;
my $version = $old->safe_psql('postgres', 'SHOW server_version');
isnt($before{pools}, '[]', 'the cart has a pool');
$old->stop;

my $new = new_server('new', stopped => 1);
command_ok([ 'pg_upgrade', '--no-sync', '-d', rel2abs($old->data_dir), '-D', rel2abs($new->data_dir),
		'-b', "$old_install/bin", '-B', $new->config_data('--bindir'), '-s', $new->host, '-p', $old->port, '-P', $new->port ],
	'pg_upgrade');
control($carrier, 'DELETE', 'log');
$new->append_conf('postgresql.conf', "ganje_logistics.now = '2026-03-01 08:00:00+00'");
$new->start;
isnt($new->safe_psql('postgres', 'SHOW server_version'), $version, "from $version to another version");
is($new->safe_psql('postgres', $questions{$_}), $before{$_}, "as before: $_") for sort keys %questions;

worker_pid($new);
like($new->safe_psql('postgres', 'SELECT state FROM ganje.outbox_status'), qr/^paused: a copy/, 'the new cluster is another one');
$new->append_conf('postgresql.conf', "ganje_logistics.now = ''");
$new->reload;
$new->safe_psql('postgres', "INSERT INTO shop.orders VALUES ('new-1', shop.hold(), '+989121234567')");
is(scalar(carrier_log($carrier)), 0, 'and sends nothing');
$new->safe_psql('postgres', 'SELECT ganje.resume_sending()');
is($new->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'until resume_sending()');
is_deeply([ sort map { $_->{body}{external_id} } orders_at($carrier) ], [ 'new-1', 'pending-1', 'pending-2', 'pending-3' ],
	'then just what was pending and what came since');

$new->stop;
done_testing();
