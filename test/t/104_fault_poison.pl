# Poison: rows whose carrier's functions raise, do not end, or take the worker
# along. Each spoils itself alone, and not for ever.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use GanjeTest;
use FaultTest;

my $carrier = start_standin('subscriber.py');
my $node = new_server('poison');
add_plain_carrier($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# A carrier whose functions do what the external id says, to that request alone.
query(q{
	CREATE FUNCTION plain.poison(word text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF word = 'raise' THEN RAISE EXCEPTION 'poison';
		ELSIF word = 'divide' THEN PERFORM 1 / 0;
		ELSIF word = 'deep' THEN PERFORM plain.poison(word);
		ELSIF word = 'loop' THEN LOOP END LOOP;
		ELSIF word = 'sleep' THEN PERFORM pg_sleep(3600);
		ELSIF word = 'busy' THEN RAISE lock_not_available;
		ELSIF word = 'stubborn' THEN
			LOOP
				BEGIN
					PERFORM pg_sleep(3600);
				EXCEPTION WHEN query_canceled THEN NULL;
				END;
			END LOOP;
		ELSIF word = 'kill' THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(3600);
		END IF;
	END $$;
	CREATE FUNCTION plain.authorize(account jsonb, INOUT request ganje.http_request) LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM plain.poison(substring(request.path FROM '^/authorize-([a-z]+)/'));
	END $$;
	CREATE FUNCTION plain.apply(account jsonb, request ganje.http_request, response ganje.http_response, OUT outcome ganje.outcome) LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM plain.poison(substring(request.path FROM '^/apply-([a-z]+)[0-9]*/'));
	END $$;
	SELECT ganje.register_carrier('poisoned', 'plain.build', 'plain.authorize', 'plain.apply')});
add_plain_account($node, 'poison', $carrier->{port}, carrier => "'poisoned'", max_attempts => 1);
add_plain_account($node, 'good', $carrier->{port});

# All in one batch with good ones, of the same account and of another.
my @poison = map { ("apply-$_", "authorize-$_") } qw(raise divide deep loop sleep);
my $worker = worker_pid($node);
tell($node, 'poison', @poison, map { "fine-$_" } 1 .. 20);
tell($node, 'good', map { "good-$_" } 1 .. 20);
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_log") eq '40' }, 'the good ones are told');
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_delivery WHERE state <> 'dead'") eq '0' }, 'the bad ones are given up');
is(query('SELECT count(*) FROM ganje.dead_letters WHERE attempts = 1'), scalar(@poison), 'after their attempts, each of the bad ones');
is(query("SELECT string_agg(DISTINCT last_error, '; ' ORDER BY last_error) FROM ganje.dead_letters WHERE path ~ '/authorize-(loop|sleep)/'"),
	'the authorize function failed (SQLSTATE 57014)', 'a function without end is ended');
is(query("SELECT count(*) FROM ganje.dead_letters WHERE path ~ '/apply-(loop|sleep)/' AND last_error ~ '57014: canceling statement due to statement timeout'"), '2', 'in apply as well');
is(query("SELECT string_agg(last_error, '; ') FROM ganje.dead_letters WHERE path ~ '/apply-(raise|divide)/'") =~ /P0001: poison/ ? 1 : 0, 1, 'it is said why');
my @log = carrier_log($carrier);
is(scalar(grep { $_->{path} =~ /authorize/ } @log), 0, 'what could not be authorized was not sent');
is(scalar(grep { $_->{path} =~ /\/(fine|good)-/ } @log), 40, 'the good ones were sent once');
is(join(' ', map { scalar(heard_in("apply-$_", @log)) } qw(raise divide deep loop sleep)), '1 1 1 1 1', 'and the bad ones as well');
is(worker_pid($node), $worker, 'by one worker');

# One that takes the worker along: given up after three tries more than it has, and those beside it are not.
tell($node, 'poison', 'apply-kill', map { "beside-$_" } 1 .. 5);
tell($node, 'good', map { "apart-$_" } 1 .. 5);
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE path ~ 'apply-kill'") eq '1' }, 'what ends the worker each time is given up');
is(query("SELECT attempts, last_error FROM ganje.dead_letters WHERE path ~ 'apply-kill'"), '4|the worker ended during this and earlier tries', 'and it is said why');
is(scalar(heard($carrier, 'apply-kill')), 4, 'after four tries');
is(scalar(keys_of(heard($carrier, 'apply-kill'))), 1, 'under one key');
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_delivery WHERE state <> 'dead'") eq '0' }, 'the others go on');
is(query("SELECT count(*) FROM ganje.outbox_log AS l JOIN ganje.shipment AS s USING (shipment_id) WHERE s.external_id ~ '^(beside|apart)-'"), '10', 'and are delivered');

# A function that fails for every answer opens its account's breaker: the carrier is not called for nothing.
query("UPDATE ganje.carrier_account SET breaker_failures = 5, breaker_pause_ms = 60000, breaker_cap_ms = 60000, max_attempts = 100, max_connections = 2 WHERE account_id = 'poison'");
control($carrier, 'DELETE', 'log');
tell($node, 'poison', map { "apply-raise$_" } 1 .. 30);
wait_for(sub { query("SELECT breaker FROM ganje.carrier_health WHERE account_id = 'poison'") eq 'open' }, 'poison that goes on opens the breaker');
tell($node, 'good', 'good-after');
wait_for(sub { heard($carrier, 'good-after') }, 'others go on');
my $called = scalar(grep { $_->{path} =~ /apply-raise/ } carrier_log($carrier));
note("$called of 30 were sent before it opened");
cmp_ok($called, '<', 15, 'most of them were not sent');
is(query("SELECT count(*) FROM ganje.outbox_delivery WHERE account_id = 'poison' AND state = 'pending'"), '30', 'and all wait');
query("UPDATE ganje.carrier_account SET breaker_failures = 0 WHERE account_id = 'poison'");
query("SELECT ganje.pause_sending('poison')");

# One that catches being canceled, and goes on: nothing but the end of the process ends it.
query("SELECT ganje.cancel_request(request_id) FROM ganje.outbox_delivery WHERE account_id = 'poison' AND state = 'pending'");
query("SELECT ganje.resume_sending('poison')");
tell($node, 'poison', 'apply-stubborn');
wait_for(sub { server_log($node) =~ /a carrier's function did not end when it was canceled/ }, 'a function that will not end takes the worker along');
pass('a function that catches its cancellation is ended');
$node->stop;
done_testing();
