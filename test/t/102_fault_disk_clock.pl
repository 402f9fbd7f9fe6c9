# A full disk, and a wall clock that jumps an hour ahead and back: judged by
# what the carrier saw and by what the log says was delivered.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use GanjeTest;
use FaultTest;

my $carrier = start_standin('subscriber.py');
my $shim = new_shim();
my $node;
under_shim($shim, sub { $node = new_server('disk', conf => 'autovacuum = off') });
add_plain_carrier($node);
add_plain_account($node, 'disk', $carrier->{port}, max_connections => 100, timeout_ms => 30000);

sub query { return $node->safe_psql('postgres', $_[0]); }
sub delivered { return query("SELECT count(DISTINCT request_id) || ' ' || count(*) FROM ganje.outbox_log WHERE account_id = '$_[0]' AND result = 'delivered'"); }

# The disk is full when answers come in. What cannot be written now is written when there is room again.
my $ORDERS = 600;
faults($carrier, { match => '/disk-', action => 'delay', ms => 1000, count => 100 });
tell($node, 'disk', map { "disk-$_" } 1 .. $ORDERS);
wait_for(sub { query("SELECT in_flight FROM ganje.outbox_status WHERE account_id = 'disk'") >= 50 }, 'requests are in flight');
my $worker = worker_pid($node);
shim_full($shim, 1);
my ($status, $out, $error) = $node->psql('postgres', "INSERT INTO ganje.shipment (order_id, account_id, external_id) SELECT n, 'disk', 'refused-' || n FROM generate_series(1, 1000) AS n");
like($error, qr/No space left on device/, 'an order that finds no room fails');
wait_for(sub { carrier_log($carrier) >= 100 }, 'answers came in while there was no room');
sleep(2);
my $meanwhile = scalar(carrier_log($carrier));
note("while the disk was full $meanwhile requests arrived");
is(query('SELECT 1'), '1', 'the server lives');
is(worker_pid($node), $worker, 'and so does the worker');
shim_full($shim, 0);
is(query("SELECT ganje.drain('60 s')"), '0', 'once there is room it goes on');
is(delivered('disk'), "$ORDERS $ORDERS", 'everything is delivered, and recorded once');
my @log = carrier_log($carrier);
my %keys;
$keys{ $_->{path} }{ $_->{headers}{'idempotency-key'} }++ foreach @log;
is(scalar(keys %keys), $ORDERS, 'the carrier has every order');
is(scalar(grep { keys %$_ != 1 } values %keys), 0, 'each under one key');
is(scalar(grep { $_->{path} =~ /refused/ } @log), 0, 'and nothing of what was rolled back');
is(scalar(@log), $ORDERS, 'each once: answers waited in memory until there was room');
is(query("SELECT max(attempts) FROM ganje.outbox_log"), '1', 'and no attempt was spent');
is(worker_pid($node), $worker, 'by the same worker');
unlike(server_log($node), qr/PANIC|terminated by signal/, 'without a crash');

# The clock. Requests that are in flight, that wait for their next try, for a place, and that come later.
add_plain_account($node, 'clock', $carrier->{port}, max_connections => 10, timeout_ms => 20000, retry_base_ms => 2000, retry_cap_ms => 4000);
add_plain_account($node, 'roomy', $carrier->{port}, max_connections => 20, timeout_ms => 20000);
for my $jump ([ 'an hour ahead', 3600 ], [ 'back again', 0 ], [ 'an hour back', -3600 ])
{
	my ($word, $seconds) = @$jump;
	(my $id = $word) =~ s/ /-/g;

	control($carrier, 'DELETE', 'log');
	# ten are in flight; five of them will fail; thirty wait for a place
	faults($carrier, { match => "/$id-", action => 'status', code => 503, count => 5 }, 
		{ match => "/$id-roomy-", action => 'delay', ms => 4000, count => -1 }, { match => "/$id-", action => 'delay', ms => 1500, count => 10 });
	tell($node, 'clock', map { "$id-$_" } 1 .. 40);
	wait_for(sub { carrier_log($carrier) >= 5 && query("SELECT count(*) FROM ganje.outbox_attempt") >= 5 }, 'five wait for their next try');
	wait_for(sub { query("SELECT in_flight FROM ganje.outbox_status WHERE account_id = 'clock'") >= 10 }, 'ten are in flight');
	# Others are in flight where there is room for more: their lease must not be over before they are.
	tell($node, 'roomy', map { "$id-roomy-$_" } 1 .. 5);
	wait_for(sub { query("SELECT in_flight FROM ganje.outbox_status WHERE account_id = 'roomy'") == 5 }, 'and five more');
	my $begin = time();
	shim_clock($shim, $seconds);
	tell($node, 'clock', map { "$id-later-$_" } 1 .. 10);
	eval { wait_for(sub { query("SELECT count(*) FROM ganje.outbox_delivery") eq '0' }, 'the outbox is empty') };
	note(sprintf('%s: told after %.1f s, %d requests for 55', $word, time() - $begin, scalar(carrier_log($carrier))));
	is(query("SELECT count(*) FROM ganje.outbox_delivery"), '0', "$word: no stall");
	@log = carrier_log($carrier);
	is(scalar(grep { scalar(keys_of(heard_in($_, @log))) != 1 } (map { "$id-$_" } 1 .. 40), (map { "$id-later-$_" } 1 .. 10), map { "$id-roomy-$_" } 1 .. 5), 0, "$word: everything is told, under one key each");
	is(scalar(grep { ($_->{status} // 0) == 200 } @log), 55, "$word: once");
	cmp_ok(scalar(@log), '<=', 60, "$word: no storm");
	is(worker_pid($node), $worker, "$word: by the same worker");
}

# The log, by day: over midnight, over a clock that is put back, and when its days are over. A worker trims it as it begins.
sub log_days { return query("SELECT string_agg(DISTINCT log_slot || ':' || (log_slot = ganje.log_slot(finished_at)), ' ') FROM ganje.outbox_log WHERE account_id = 'disk' AND request_id IN (SELECT request_id FROM kept)"); }
sub tell_day
{
	my ($id) = @_;
	tell($node, 'disk', $id);
	is(query("SELECT ganje.drain('60 s')"), '0', "$id is told");
	query("INSERT INTO kept SELECT l.request_id FROM ganje.outbox_log AS l JOIN ganje.shipment AS s USING (shipment_id) WHERE s.external_id = '$id'");
}
sub restart { under_shim($shim, sub { $node->restart }); return worker_pid($node); }
query('CREATE TABLE kept (request_id text)');
shim_clock($shim, 0);
restart();
tell_day('today');
shim_clock($shim, 86400);
tell_day('tomorrow');
my $today = query("SELECT ganje.log_slot(clock_timestamp() - interval '1 day')");
is(log_days(), join(' ', sort("$today:true", (($today + 1) % 32) . ':true')), 'each day has its table');
shim_clock($shim, 0);
restart();
is(query("SELECT count(*) FROM ganje.outbox_log WHERE request_id IN (SELECT request_id FROM kept)"), '2', 'a clock that was ahead and is put back takes nothing along');
shim_clock($shim, 15 * 86400);
restart();
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_log WHERE request_id IN (SELECT request_id FROM kept)") eq '1' }, 'a day is dropped when it is over');
is(log_days(), (($today + 1) % 32) . ':true', 'that one, and as a whole');
is(query("SELECT pg_relation_size(format('ganje.outbox_log_%s', to_char($today, 'FM00')))"), '0', 'by emptying its table');

$node->stop;
done_testing();
