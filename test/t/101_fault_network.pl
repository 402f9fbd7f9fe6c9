# Faults of the network, each judged by what the carrier saw: carriers that
# hang or drip, nobody there, names that take long, fail or lead inside, and
# one dead carrier among a hundred.
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
under_shim($shim, sub { $node = new_server('network', conf => 'log_connections = off') });
add_plain_carrier($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# The tries that failed so far of an account's requests.
sub failures { return query("SELECT count(*) FROM ganje.outbox_attempt AS t JOIN ganje.outbox AS o USING (merchant_id, request_id) WHERE o.account_id = '$_[0]' AND t.error ~ '$_[1]'"); }

# A hundred carriers, then a hundred and one, of which one is dead.
my ($ACCOUNTS, $EACH) = (99, 8);
query(qq{INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, retry_base_ms, retry_cap_ms, max_connections)
	SELECT 'many ' || n, 'plain', 'http://127.0.0.1:$carrier->{port}', true, 50, 200, 2 FROM generate_series(1, $ACCOUNTS) AS n});
sub tell_many
{
	my ($run) = @_;
	query(qq{INSERT INTO ganje.shipment (order_id, account_id, external_id)
		SELECT '$run' || n, 'many ' || a, '$run-' || a || '-' || n FROM generate_series(1, $ACCOUNTS) AS a, generate_series(1, $EACH) AS n});
}

# Seconds from the first to the last of a run at the carrier.
sub span_of
{
	my ($run) = @_;
	my @of_run;
	wait_for(sub { (@of_run = grep { index($_->{path}, "/$run-") == 0 } carrier_log($carrier)) >= $ACCOUNTS * $EACH }, "run $run is told");
	is(scalar(@of_run), $ACCOUNTS * $EACH, "run $run: each request once");
	my @times = sort { $a <=> $b } map { $_->{time} } @of_run;
	return $times[-1] - $times[0];
}
tell_many('alive');
my $alive = span_of('alive');
control($carrier, 'DELETE', 'log');
my $dead = start_standin('subscriber.py');
faults($dead, { action => 'hang', count => -1 });
add_plain_account($node, 'dead', $dead->{port}, timeout_ms => 60000, max_connections => 10);
tell($node, 'dead', map { "dead-$_" } 1 .. 200);
wait_for(sub { scalar(carrier_log($dead)) >= 10 }, 'the dead carrier has all that it may have');
tell_many('beside');
my $beside = span_of('beside');
note(sprintf('%d requests to 99 carriers: %.2f s, beside a dead one %.2f s', $ACCOUNTS * $EACH, $alive, $beside));
cmp_ok($beside, '<', 3 * $alive + 3, 'ninety-nine go on at full speed beside a dead one');
is(scalar(carrier_log($dead)), 10, 'which holds its own connections only');
query("UPDATE ganje.carrier_account SET active = false WHERE account_id = 'dead'");

# Carriers that hang, drip a byte a second, or never end their headers: their time is up after timeout_ms, all of it.
my $TIMEOUT = 3000;
my %slow = (
	hang => { action => 'hang' }, 'header-drip' => { action => 'drip', part => 'headers', ms => 1000 },
	drip => { action => 'drip', ms => 1000 }, headers => { action => 'hang', part => 'headers' });
faults($carrier, map { { match => "/$_/", count => -1, %{ $slow{$_} } } } sort keys %slow);
add_plain_account($node, $_, $carrier->{port}, timeout_ms => $TIMEOUT, max_attempts => 1) foreach sort keys %slow;
add_plain_account($node, 'quick', $carrier->{port});
control($carrier, 'DELETE', 'log');
tell($node, $_, $_) foreach sort keys %slow;
wait_for(sub { scalar(carrier_log($carrier)) >= 2 }, 'the slow ones are on their way');
tell($node, 'quick', map { "quick-$_" } 1 .. 40);
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE account_id IN ('hang', 'header-drip', 'drip', 'headers')") eq '4' }, 'their time is up');
for my $name (sort keys %slow)
{
	my ($error, $elapsed) = split(/\|/, query("SELECT t.error, t.elapsed_ms FROM ganje.outbox_attempt AS t JOIN ganje.outbox AS o USING (merchant_id, request_id) WHERE o.account_id = '$name'"));
	note("$name: $elapsed ms of $TIMEOUT");
	like($error, qr/^timeout: /, "$name: times out");
	ok($elapsed >= $TIMEOUT - 50 && $elapsed < $TIMEOUT + 10000, "$name: at its deadline");
}
my @log = carrier_log($carrier);
my ($began) = sort { $a <=> $b } map { $_->{time} } grep { $_->{path} !~ /quick/ } @log;
is(scalar(grep { $_->{path} =~ /quick/ && $_->{time} < $began + $TIMEOUT / 1000 } @log), 40, 'and others were served meanwhile, before the first deadline');
faults($carrier);

# Nobody there: more and more patience, and then somebody comes.
my $nobody = start_standin('subscriber.py');
my $port = $nobody->{port};
stop_carrier($nobody);
add_plain_account($node, 'nobody', $port, retry_base_ms => 100, retry_cap_ms => 400);
tell($node, 'nobody', 'nobody');
wait_for(sub { failures('nobody', '^connect: ') >= 5 }, 'refused connections are failed tries');
$nobody = start_standin('subscriber.py', '--port', $port);
wait_for(sub { scalar(heard($nobody, 'nobody')) }, 'and once somebody is there he is told');
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_log WHERE account_id = 'nobody'") eq '1' }, 'which is recorded');
is(scalar(heard($nobody, 'nobody')), 1, 'once');
my @starts = split(/\n/, query("SELECT extract(epoch FROM (h ->> 'at')::timestamptz) * 1000 FROM ganje.outbox_log, jsonb_array_elements(history) AS h WHERE account_id = 'nobody' ORDER BY (h ->> 'attempt')::integer"));
my @delays = map { $starts[$_] - $starts[ $_ - 1 ] } 1 .. $#starts;
note('delays: ' . join(' ', map { sprintf('%.0f', $_) } @delays));
# base, twice base, and so on to the cap, each a fifth more or less but never below base
my @least = (95, 155, 315, 315);
is_deeply([ grep { $delays[$_] < $least[$_] || $delays[$_] > 10480 } 0 .. 3 ], [], 'each time after twice the delay, up to the cap');

# Names. Five seconds for one that is slow, others that fail or lead to where nobody may go.
my @slow = map { "slow-$_.example 5 127.0.0.1" } 1 .. 5;
shim_names($shim, @slow, 'gone.example 0 nothing', 'later.example 0.2 later', 'inside.example 0 10.1.2.3',
	'loop.example 0 127.0.0.2', 'six.example 0 ::1', 'mixed.example 0 10.1.2.3 127.0.0.1', 'good.example 0 127.0.0.1',
	'mapped.example 0 ::ffff:127.0.0.1', 'metadata.example 0 169.254.169.254', 'nat64.example 0 64:ff9b::7f00:1');
control($carrier, 'DELETE', 'log');
add_plain_account($node, $_, "http://$_.example:$carrier->{port}", timeout_ms => 20000) 
  foreach qw(slow-1 slow-2 slow-3 slow-4 slow-5 gone later inside loop six mixed good mapped metadata nat64);
tell($node, $_, $_) foreach qw(gone later inside loop six mixed good mapped metadata nat64);
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE last_error ~ 'refused address' AND attempts = 1") eq '6' }, 'names that lead inside are refused for good');
is(query("SELECT string_agg(account_id, ' ' ORDER BY account_id) FROM ganje.dead_letters WHERE last_error ~ 'refused address'"), 'inside loop mapped metadata nat64 six', 'those and no others');
wait_for(sub { failures('gone', '^dns: ') >= 3 && failures('later', '^dns: ') >= 3 }, 'names that are not found are asked for again');
is(join(' ', map { scalar(heard($carrier, $_)) } qw(gone later inside loop six mapped metadata nat64)), '0 0 0 0 0 0 0 0', 'nothing was sent to any of them');
wait_for(sub { heard($carrier, 'mixed') && heard($carrier, 'good') }, 'a name that has a good address is called there');
shim_names($shim, @slow, 'gone.example 0 127.0.0.1', 'later.example 0 127.0.0.1', 'rebound.example 0 127.0.0.1');
wait_for(sub { heard($carrier, 'gone') && heard($carrier, 'later') }, 'names that come back are called');
# Rebound: a name that was good when it was first looked at, and leads inside once a new connection is needed.
add_plain_account($node, 'rebound', "http://rebound.example:$carrier->{port}");
tell($node, 'rebound', 'rebound-1');
wait_for(sub { heard($carrier, 'rebound-1') }, 'a name that is good yet is called');
shim_names($shim, @slow, 'rebound.example 0 127.0.0.2');
# libcurl remembers a name for a second
sleep(1.5);
faults($carrier, { match => '/rebound-2/', action => 'reset', count => 1 });
tell($node, 'rebound', 'rebound-2');
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE account_id = 'rebound'") eq '1' }, 'rebound, it is refused for good');
like(query("SELECT last_error FROM ganje.dead_letters WHERE account_id = 'rebound'"), qr/^refused address: /, 'it is said why');
is(scalar(heard($carrier, 'rebound-2')), 1, 'and nothing more was sent than went by the connection that stood');
faults($carrier);

# While five seconds are spent on a name, the worker serves whoever waits for it. Ten times what is promised.
my $worker = worker_pid($node);
query('CREATE DATABASE other');
sub name_hangs
{
	my ($id) = @_;
	tell($node, $id, $id);
	wait_for(sub { shim_lookups($shim, "$id.example") }, 'a name is being looked up');
	return time();
}
my $since = name_hangs('slow-1');
took('DROP DATABASE of another database while a name is looked up (a barrier for all)', 2, sub { query('DROP DATABASE other') });
took('pg_log_backend_memory_contexts', 2, sub { query("SELECT pg_log_backend_memory_contexts($worker)"); wait_for(sub { server_log($node) =~ /\[$worker\].*(?:logging memory contexts of PID $worker|level: 0)/ }, 'the worker says its memory') });
took('another request', 2, sub { tell($node, 'good', 'good-2'); wait_for(sub { heard($carrier, 'good-2') }, 'which is sent') });
cmp_ok(time() - $since, '<', 5, 'all that while the name was still looked up');
is(scalar(heard($carrier, 'slow-1')), 0, 'whose request is not there yet');
wait_for(sub { heard($carrier, 'slow-1') }, 'it comes when the name is known');
$since = name_hangs('slow-2');
took('CREATE DATABASE TEMPLATE of the database', 10, sub { query('SELECT 1'); $node->safe_psql('template1', 'CREATE DATABASE copied TEMPLATE postgres') });
took('DROP DATABASE of the copy', 10, sub { query('DROP DATABASE copied') });
$since = name_hangs('slow-3');
took('a fast stop while a name is looked up', 2, sub { $node->stop('fast') });
cmp_ok(time() - $since, '<', 5, 'which was still looked up then');
under_shim($shim, sub { $node->start });
$since = name_hangs('slow-4');
took('an immediate stop while a name is looked up', 2, sub { $node->stop('immediate') });
under_shim($shim, sub { $node->start });
$since = name_hangs('slow-5');
$worker = worker_pid($node);
my @pids = kill_server($node);
took('the end of the worker after kill -9 of the postmaster while a name is looked up', 10, sub { wait_for(sub { gone($worker) }, 'the worker is gone') });
shim_names($shim, map { "slow-$_.example 0 127.0.0.1" } 1 .. 5);
under_shim($shim, sub { start_again($node, @pids) });
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_delivery WHERE account_id ^@ 'slow-'") eq '0' }, 'all that waited for the name is told');
is(join(' ', map { scalar(keys_of(heard($carrier, "slow-$_"))) } 1 .. 5), '1 1 1 1 1', 'each under one key');

$node->stop;
done_testing();
