# What an account may send, by the carrier's own log: requests a second, the
# breaker that leaves a failing carrier alone, pausing; and waiting for the
# outbox. The times are the carrier's; bounds are wide, since the machine may
# be busy, but none is met by sending at once.
use strict;
use warnings;
use IPC::Run qw(start finish timeout);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use GanjeTest;

my $carrier = start_standin('subscriber.py');
my $other = start_standin('subscriber.py');
my $node = new_server('limits');

sub query { return $node->safe_psql('postgres', $_[0]); }

# $count requests of an account, /name/1 to /name/$count.
sub enqueue
{
	my ($account, $count) = @_;
	query("SELECT count(ganje.enqueue_request('$account', 'tell', 'POST', '/$account/' || n, '{}')) FROM generate_series(1, $count) AS n");
}

sub arrivals { my ($from, $path) = @_; return grep { $_->{path} =~ m{^/$path/} } carrier_log($from); }
sub health { my ($column, $account) = @_; return query("SELECT $column FROM ganje.carrier_health WHERE account_id = '$account'"); }

query(qq{
	INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, retry_base_ms, retry_cap_ms, max_attempts)
	VALUES ('slow', 'ganje', 'http://127.0.0.1:$carrier->{port}', true, 1, 50, 1000),
	       ('fails', 'ganje', 'http://127.0.0.1:$carrier->{port}', true, 1, 50, 1000),
	       ('refuses', 'ganje', 'http://127.0.0.1:$carrier->{port}', true, 1, 50, 1000),
	       ('well', 'ganje', 'http://127.0.0.1:$other->{port}', true, 1, 50, 1000);
	INSERT INTO ganje.carrier (carrier, registered_by) VALUES ('plain', current_user);
	UPDATE ganje.carrier_account SET carrier = 'plain';
	UPDATE ganje.carrier_account SET requests_per_second = 20 WHERE account_id = 'slow';
	UPDATE ganje.carrier_account SET breaker_failures = 5, breaker_pause_ms = 300, breaker_cap_ms = 600, max_connections = 4 WHERE account_id = 'fails'});

# Requests a second
enqueue('slow', 70);
is(query("SELECT ganje.drain('60 s')"), '0', 'all are sent');
my @times = sort { $a <=> $b } map { $_->{time} } arrivals($carrier, 'slow');
is(scalar(@times), 70, 'each of them once');
cmp_ok($times[-1] - $times[0], '>=', 2.3, 'twenty at once, and twenty a second');
my $most = 0;
foreach my $from (@times)
{
	my $within = grep { $_ >= $from && $_ < $from + 1 } @times;
	$most = $within if $within > $most;
}
cmp_ok($most, '<=', 44, 'in no second more than what was saved up and what came');
is(health('delivered || $$ $$ || requests || $$ $$ || (p99_ms >= p50_ms AND p50_ms > 0)', 'slow'), '70 70 true', 'carrier_health counted them');

# The carrier fails: after five failures it is left alone, then tried by one request at a time.
faults($carrier, { match => '/fails/', action => 'status', code => 503, count => -1 });
enqueue('fails', 60);
wait_for(sub { (health('failures_in_a_row', 'fails') || 0) >= 5 }, 'the carrier failed');
my $before = arrivals($carrier, 'fails');
wait_for(sub { arrivals($carrier, 'fails') >= $before + 4 }, 'and is tried again');
@times = sort { $a <=> $b } map { $_->{time} } arrivals($carrier, 'fails');
my $together = grep { $_ < $times[0] + 0.2 } @times;
cmp_ok($together, '<=', 25, 'no more than five failures and what was on its way, of sixty');
my @tries = @times[$together .. $#times];
my @gaps = map { $tries[$_] - $tries[ $_ - 1 ] } 1 .. $#tries;
is(scalar(grep { $_ < 0.4 } @gaps), 0, 'from then on one by one, the longest pause between');
note("gaps: @gaps");
like(health('state || $$, $$ || breaker', 'fails'), qr/^(waiting|trying): the carrier failed \d+ times in a row, (open|half-open)$/, 'outbox_status says so');
like(query("SELECT value FROM ganje.status() WHERE item = 'breakers open'"), qr/^1: fails$/, 'and status()');
is(health("breaker_until BETWEEN now() - interval '1 s' AND now() + interval '1 s' OR breaker = 'half-open'", 'fails'), 't', 'and when it is tried again');
is(health('last_error', 'fails'), 'the carrier answered 503', 'and the last error');
is(query("SELECT count(*) > 25 FROM ganje.outbox_delivery WHERE attempts = 0"), 't', 'those that wait spend no attempts');
enqueue('well', 200);
wait_for(sub { arrivals($other, 'well') == 200 }, 'another account is at full speed');

# A worker that ends takes nothing of this with it.
query("SELECT pg_terminate_backend(ganje.worker_pid())");
wait_for(sub { query('SELECT ganje.worker_pid() IS NOT NULL') eq 't' }, 'there is a new worker');
like(health('breaker', 'fails'), qr/open/, 'which knows that the carrier fails');
my $seen = arrivals($carrier, 'fails');
wait_for(sub { arrivals($carrier, 'fails') > $seen + 2 }, 'and tries it on');
@times = sort { $a <=> $b } map { $_->{time} } arrivals($carrier, 'fails');
@gaps = map { $times[$_] - $times[ $_ - 1 ] } $seen + 1 .. $#times;
is(scalar(grep { $_ < 0.4 } @gaps), 0, 'one by one');

# It is back.
faults($carrier);
is(query("SELECT ganje.drain('60 s')"), '0', 'all is delivered');
is(health('state || $$ $$ || breaker || $$ $$ || failures_in_a_row', 'fails'), 'sending closed 0', 'and the breaker closed');
my %delivered;
$delivered{ $_->{path} }++ foreach grep { $_->{status} < 300 } arrivals($carrier, 'fails');
is(scalar(keys %delivered), 60, 'each request arrived');

# A network that is down counts; a carrier that says no does not, nor does one that says later.
faults($carrier, { match => '/refuses/', action => 'status', code => 422, count => 20 });
enqueue('refuses', 20);
is(query("SELECT ganje.drain('60 s')"), '0', 'twenty are refused');
is(health('refused || $$ $$ || dead || $$ $$ || breaker', 'refuses'), '20 20 closed', 'they are dead letters, and the breaker is closed');
is(query("SELECT count(*) FROM ganje.dead_letters WHERE jsonb_array_length(history) = 1 AND history -> 0 ->> 'status' = '422'"), '20', 'with their history');
is(query("SELECT ganje.retry_dead_letters(account_id => 'refuses')"), '20', 'retry_dead_letters sends them again');
is(query("SELECT ganje.drain('60 s')"), '0', 'at once');
is(health('delivered', 'refuses'), '20', 'and they are delivered');
stop_carrier($other);
query("UPDATE ganje.carrier_account SET breaker_failures = 3, breaker_pause_ms = 60000, breaker_cap_ms = 60000 WHERE account_id = 'well'");
enqueue('well', 10);
wait_for(sub { health('breaker', 'well') eq 'open' }, 'refused connections open the breaker');
cmp_ok(health('network', 'well'), '>=', 3, 'counted as the network\'s');
my $left = query("SELECT sum(attempts) FROM ganje.outbox_delivery WHERE account_id = 'well'");
query("SELECT ganje.resume_sending('well')");
wait_for(sub { query("SELECT sum(attempts) FROM ganje.outbox_delivery WHERE account_id = 'well'") > $left }, 'resume_sending(account_id) tries at once');

# Pausing an account, and waiting
query("SELECT ganje.pause_sending('well')");
is(health('state', 'well'), 'paused: this account', 'an account is paused');
is(query("SELECT ganje.drain('60 s')"), '10', 'what is paused is not waited for');
query("SELECT ganje.pause_sending('slow')");
enqueue('slow', 1);
enqueue('refuses', 1);
is(query("SELECT ganje.drain('60 s')"), '11', 'others are sent meanwhile');
query("SELECT ganje.resume_sending('slow')");
is(query("SELECT ganje.drain('60 s')"), '10', 'and it too, once it may');
my ($status, $stdout, $stderr) = $node->psql('postgres', q{
	BEGIN;
	DO $$ BEGIN PERFORM ganje.enqueue_request('slow', 'tell', 'POST', '/slow/own', '{}'); EXCEPTION WHEN division_by_zero THEN NULL; END $$;
	SELECT ganje.drain('60 s');});
like($stderr, qr/drain would wait for requests of its own transaction.*HINT:  Commit, then call it/s, 'drain refuses to wait for its own transaction');
($status, $stdout, $stderr) = $node->psql('postgres', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT ganje.drain('60 s')");
like($stderr, qr/drain cannot see what others do meanwhile/, 'and in a snapshot that stays');

faults($carrier, { match => '/slow/', action => 'hang', count => 1 });
enqueue('slow', 1);
wait_for(sub { grep { ($_->{fault} // '') eq 'hang' } carrier_log($carrier) }, 'a request hangs');
($status, $stdout, $stderr) = $node->psql('postgres', "SELECT ganje.drain('2.5 s')");
is($stdout, '11', 'drain gives up in time');
like($stderr, qr/^(psql:\S+ )?NOTICE:  11 requests are left, 0 a second go$/m, 'and said how it went');
($status, $stdout, $stderr) = $node->psql('postgres', "SET statement_timeout = '200ms'; SELECT ganje.drain('60 s')");
like($stderr, qr/canceling statement due to statement timeout/, 'it can be cancelled');

# The procedure holds no snapshot for long.
my ($in, $out, $err) = ('', '', '');
my $waiter = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SET application_name = 'waiter'",
		'-c', "CALL ganje.drain_outbox('60 s')" ], \$in, \$out, \$err, timeout(120));
my $activity = "FROM pg_stat_activity WHERE application_name = 'waiter' AND query LIKE 'CALL%'";
wait_for(sub { query("SELECT count(*) $activity") eq '1' }, 'drain_outbox waits');
query('CREATE TABLE filler (n integer); INSERT INTO filler VALUES (1)');
my $horizon = query('SELECT pg_current_xact_id()');
query('INSERT INTO filler VALUES (2)');
wait_for(sub { query("SELECT backend_xmin IS NULL OR backend_xmin::text::bigint > $horizon $activity") eq 't' }, 'its horizon moves on while it waits');
is(query("SELECT count(*) $activity"), '1', 'it still waits');
query("UPDATE ganje.carrier_account SET paused_at = now() WHERE account_id = 'slow'");
finish($waiter);
like($out, qr/^11$/m, 'and answers how many remain');

$node->stop;
done_testing();
