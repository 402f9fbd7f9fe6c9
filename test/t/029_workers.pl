# Several workers for one database: each request once, in order, nobody kept
# waiting; a worker that dies, workers that come and go with the setting.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use GanjeTest;

my $workers = 10;
my $requests = 3000;

my $carrier = start_standin('subscriber.py');
my $locker = start_carrier();
my $node = new_server('workers', conf => "ganje_logistics.workers = $workers\nmax_worker_processes = 24\nmax_connections = 60");

sub query { return $node->safe_psql('postgres', $_[0]); }
sub drain { return query("SELECT ganje.drain('120 s')"); }

sub pids
{
	return split(/\n/, query(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker' ORDER BY pid}));
}

sub set_workers
{
	my ($count) = @_;
	query("ALTER SYSTEM SET ganje_logistics.workers = $count");
	query("SELECT pg_reload_conf()");
	wait_for(sub { scalar(pids()) == $count }, "$count workers run");
	return;
}

# Requests of the carrier's log that are not its control, by what they were sent under.
sub sent { return grep { ($_->{path} // '') =~ m{/orders/} } carrier_log($carrier); }

# A carrier that adds nothing to a request, and accounts of it; the stand-in takes everything.
query(q{
	CREATE FUNCTION plain_build(s ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE sql
	AS $$ SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, 'POST', '/orders/' || s.external_id, '{}'::jsonb, '{}' $$;
	INSERT INTO ganje.carrier (carrier, build, registered_by) VALUES ('plain', 'public.plain_build(ganje.shipment,text)', current_user)});
sub add_account
{
	my ($account, %more) = @_;
	query(sprintf(q{INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, max_connections, requests_per_second,
			retry_base_ms, retry_cap_ms, timeout_ms)
		VALUES ('%s', 'plain', 'http://127.0.0.1:%d', true, %d, %s, 50, 200, %d)},
			$account, $carrier->{port}, $more{connections} // 40, $more{rate} // 'NULL', $more{timeout} // 30000));
	return;
}

# Requests of no shipment, each with a path of its own.
sub add_requests
{
	my ($account, $from, $to) = @_;
	query("SELECT count(ganje.enqueue_request('$account', 'create', 'POST', '/orders/$account-' || n, '{}')) FROM generate_series($from, $to) AS n");
	return;
}
# One queue, ten workers
wait_for(sub { scalar(pids()) == $workers }, 'all workers run');
add_account('many');
query("SELECT ganje.pause_sending()");
add_requests('many', 1, $requests);
query("SELECT ganje.resume_sending()");
is(drain(), '0', "$workers workers empty one queue");
my %times;
$times{ $_->{path} }++ foreach sent();
is(scalar(keys %times), $requests, 'the carrier has every request');
is(scalar(grep { $_ != 1 } values %times), 0, 'each once');
is(query("SELECT count(*) || ' ' || count(DISTINCT request_id) FROM ganje.outbox_log WHERE result = 'delivered'"), "$requests $requests",
	'and each is recorded once');

# Order: several requests of one shipment, which any of the workers may send
control($carrier, 'DELETE', 'log');
add_account('order');
query("SELECT ganje.pause_sending()");
query(q{INSERT INTO ganje.shipment (order_id, account_id, external_id) SELECT 'O' || n, 'order', 'S' || n FROM generate_series(1, 60) AS n});
foreach my $operation (1 .. 5)
{
	query(qq{SELECT count(ganje.enqueue(s, 'step$operation')) FROM ganje.shipment AS s WHERE s.account_id = 'order'});
}
query("SELECT ganje.resume_sending()");
is(drain(), '0', 'sixty lines of six requests are sent');
my (%line, %open, $out_of_order);
my %turn_of = map { split(/\t/, $_) } split(/\n/, query(q{
	SELECT request_id || E'\t' || row_number() OVER (PARTITION BY shipment_id ORDER BY request_id) FROM ganje.outbox_log WHERE account_id = 'order'}));
foreach my $request (sent())
{
	my $turn = $turn_of{ $request->{headers}{'idempotency-key'} };
	$out_of_order++ unless $turn == ++$line{ $request->{path} };
}
is(scalar(keys %line), 60, 'of every shipment');
is($out_of_order, undef, 'each shipment\'s in their order');

# Limits hold for all workers together
control($carrier, 'DELETE', 'log');
add_account('limited', connections => 3, rate => 40);
faults($carrier, { match => '/orders/limited', action => 'delay', ms => 100, count => -1 });
my $begin = time();
add_requests('limited', 1, 100);
my $most = 0;
wait_for(sub {
	my $now = query("SELECT in_flight FROM ganje.outbox_status WHERE account_id = 'limited'");
	$most = $now if $now > $most;
	return query("SELECT count(*) FROM ganje.outbox_delivery") eq '0';
}, 'a hundred requests of a limited account');
cmp_ok($most, '<=', 3, 'never more than max_connections at once');
cmp_ok(time() - $begin, '>', 1.3, 'nor more than requests_per_second');

# One login for all of them
set_up_account($node, $locker);
faults($locker, { match => 'jwt/create', action => 'delay', ms => 500, count => 1 });
query("SELECT ganje.pause_sending()");
add_shipments($node, 1, 60);
query("SELECT ganje.resume_sending()");
is(drain(), '0', 'an account that wants a login');
is(scalar(logins_at($locker)), 1, 'gets one, whichever worker asks for it');

# A worker that is killed while requests are in flight
control($carrier, 'DELETE', 'log');
faults($carrier, { match => '/orders/killed', action => 'delay', ms => 700, count => 60 });
add_account('killed');
add_requests('killed', 1, 300);
wait_for(sub { scalar(sent()) >= 30 }, 'requests are in flight');
kill 'KILL', (pids())[int(rand($workers))];
wait_for(sub { server_log($node) =~ /was terminated by signal 9/ }, 'the server noticed');
wait_for(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 'the server came back');
is(drain(), '0', 'everything is delivered after kill -9 of a worker');
my %keys_of;
$keys_of{ $_->{path} }{ $_->{headers}{'idempotency-key'} }++ foreach sent();
is(scalar(keys %keys_of), 300, 'nothing is lost');
is(scalar(grep { scalar(keys %$_) != 1 } values %keys_of), 0, 'what was sent again went under the same key');
is(query("SELECT count(*) || ' ' || count(DISTINCT request_id) FROM ganje.outbox_log WHERE account_id = 'killed'"), '300 300',
	'each is recorded once');

# A successor takes what its predecessor had, and nobody else's
wait_for(sub { scalar(pids()) == $workers }, 'all workers are back');
control($carrier, 'DELETE', 'log');
faults($carrier, { match => '/orders/kept', action => 'hang', count => -1 });
add_account('kept', timeout => 600000);
add_requests('kept', 1, 40);
wait_for(sub { scalar(sent()) == 40 }, 'forty requests hang at the carrier');
my %owner = map { split(/\t/, $_) } split(/\n/, query("SELECT lease_owner || E'\\t' || count(*) FROM ganje.outbox_delivery GROUP BY lease_owner"));
is(scalar(keys %owner), $workers, 'every worker has its part');
my $ended = query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker' AND pid = ganje.worker_pid()");
faults($carrier);
kill 'TERM', $ended;
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_log WHERE account_id = 'kept'") >= $owner{0} }, 'the successor sends them');
wait_for(sub { scalar(pids()) == $workers }, 'the worker has a successor');
is(query("SELECT count(*) FROM ganje.outbox_log WHERE account_id = 'kept'"), $owner{0}, 'those of the worker that ended');
is(query("SELECT count(*) FROM ganje.outbox_delivery WHERE state = 'leased' AND lease_owner <> 0"), 40 - $owner{0},
	'the others are where they were');

# Fewer workers: those that leave finish what they have begun, and give back the rest
query("UPDATE ganje.carrier_account SET active = false WHERE account_id = 'kept'");
$node->restart;
wait_for(sub { scalar(pids()) == $workers }, 'all workers are back');
control($carrier, 'DELETE', 'log');
faults($carrier, { match => '/orders/fewer', action => 'delay', ms => 300, count => -1 });
add_account('fewer');
add_requests('fewer', 1, 200);
wait_for(sub { scalar(sent()) >= 40 }, 'requests are in flight');
set_workers(2);
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_log WHERE account_id = 'fewer'") eq '200' }, 'two workers send the rest');
%times = ();
$times{ $_->{path} }++ foreach sent();
is(join(' ', scalar(keys %times), scalar(grep { $_ != 1 } values %times)), '200 0', 'each once');
set_workers(4);
ok(1, 'more workers start when the setting says so');

$node->stop;
done_testing();
