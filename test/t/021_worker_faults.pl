# The worker and what can happen to it: kill -9, late answers, functions that
# raise, a server without preload.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use GanjeTest;

my $carrier = start_carrier();
my $node = new_server('faults');
set_up_account($node, $carrier);

sub drain { return $node->safe_psql('postgres', "SELECT ganje.drain('60 s')"); }
sub query { return $node->safe_psql('postgres', $_[0]); }

# kill -9 of the worker while requests are in flight
faults($carrier, { match => 'pre-order', action => 'delay', ms => 1500, count => 4 });
add_shipments($node, 1, 40);
wait_for(sub { query("SELECT sum(in_flight) FROM ganje.outbox_status") > 0 && orders_at($carrier) >= 6 },
	'requests are in flight');
kill 'KILL', worker_pid($node);
wait_for(sub { server_log($node) =~ /was terminated by signal 9/ }, 'the server noticed');
wait_for(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 'the server came back');
is(drain(), '0', 'after kill -9 everything is delivered');
my %keys_of;
$keys_of{ $_->{body}{external_id} }{ $_->{headers}{'idempotency-key'} }++ foreach orders_at($carrier);
is(scalar(keys %keys_of), 40, 'the carrier has every order');
is(scalar(grep { scalar(keys %{ $keys_of{$_} }) != 1 } keys %keys_of), 0, 'each under one idempotency key');
is(query("SELECT count(DISTINCT request_id) || ' ' || count(*) FROM ganje.outbox_log"), '40 40', 'each is recorded once');
is(query("SELECT count(order_link) FROM ganje.shipment"), '40', 'each shipment has its link');

# An immediate stop of the server
faults($carrier, { match => 'pre-order', action => 'hang', count => 5 });
add_shipments($node, 41, 50);
wait_for(sub { (grep { ($_->{fault} // '') eq 'hang' } carrier_log($carrier)) == 5 }, 'five requests hang');
my $begin = time();
$node->stop('immediate');
cmp_ok(time() - $begin, '<', 10, 'an immediate stop does not wait for the network');
$node->start;
is(drain(), '0', 'the leases of the dead worker are taken again');
faults($carrier, { match => 'pre-order', action => 'hang', count => 1 });
add_shipments($node, 51, 51);
wait_for(sub { (grep { ($_->{fault} // '') eq 'hang' } carrier_log($carrier)) == 6 }, 'a request hangs');
# A full slot whose hold expires: a worker settles it when it begins, and every minute from then on.
query(q{
	INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity, next_expiry)
	VALUES ('DEFAULT', 'S', 'R', current_date, '10:00', '12:00', 2, 2, now() - interval '1 minute');
	INSERT INTO ganje.hold (hold_id, created_at, expires_at)
	VALUES ('past', now() - interval '1 hour', now() - interval '1 minute'), ('live', now(), '2100-01-01 00:00+00');
	INSERT INTO ganje.hold_unit (merchant_id, hold_id, group_no, store_merchant_id, store_id, rule_id, type, day, slot_from, slot_to, fee, items, expires_at)
	SELECT h.merchant_id, h.hold_id, 0, 'DEFAULT', 'S', 'R', 'SELF', current_date, '10:00', '12:00', 0, '[]', h.expires_at FROM ganje.hold AS h});
$begin = time();
$node->restart;
cmp_ok(time() - $begin, '<', 10, 'nor does a fast restart');
is(drain(), '0', 'and it is delivered afterwards');
ok($node->poll_query_until('postgres', q{
	SELECT c.used = 1 AND NOT c.is_full AND c.next_expiry = '2100-01-01 00:00+00'
	       AND (SELECT string_agg(u.state, ' ' ORDER BY u.hold_id) = 'held reclaimed' FROM ganje.hold_unit AS u)
	  FROM ganje.slot_counter AS c}), 'the worker frees the expired unit of a full slot that nobody asks for');

# kill -9 of the postmaster
my $worker = worker_pid($node);
faults($carrier, { match => 'pre-order', action => 'hang', count => 1 });
add_shipments($node, 52, 52);
wait_for(sub { (grep { ($_->{fault} // '') eq 'hang' } carrier_log($carrier)) == 7 }, 'a request hangs');
$node->kill9;
$begin = time();
wait_for(sub { !kill(0, $worker) }, 'the worker is gone');
cmp_ok(time() - $begin, '<', 10, 'the worker ends with the postmaster');
wait_for(sub { $node->start(fail_ok => 1) }, 'the server starts again');
is(drain(), '0', 'and delivers what was in flight');

# A carrier that hangs holds up neither itself for ever nor anybody else
my $other = start_carrier();
set_up_account($node, $other, account => 'other');
query("UPDATE ganje.carrier_account SET timeout_ms = 1000");
faults($carrier, { match => 'pre-order', action => 'hang', count => 10 });
add_shipments($node, 60, 69);
add_shipments($node, 60, 79, account => 'other', prefix => 'Y');
wait_for(sub { orders_at($other) == 20 }, 'the other carrier is served');
is(drain(), '0', 'requests that ran out of time are sent again');
like(query("SELECT DISTINCT history -> 0 ->> 'error' FROM ganje.outbox_log WHERE history -> 0 ->> 'error' LIKE 'timeout%'"),
	qr/^timeout: /, 'the history says why');

# A carrier that is not there
stop_carrier($other);
add_shipments($node, 80, 80, account => 'other', prefix => 'Y');
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_attempt WHERE error LIKE 'connect: %'") > 0 }, 'refused connections are recorded');
query("UPDATE ganje.carrier_account SET max_attempts = 1 WHERE account_id = 'other'");
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters") eq '1' }, 'the attempts are used up');
query("SELECT ganje.cancel_request(request_id) FROM ganje.dead_letters");

# A network that is not allowed
query("INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http)
	   VALUES ('private', 'ganje', 'http://127.0.0.2:$carrier->{port}', true)");
query("SELECT ganje.set_credential('private', '{\"username\": \"shop\", \"password\": \"secret\"}')");
add_shipments($node, 81, 81, account => 'private');
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE last_error LIKE '%refused address%'") eq '1' },
	'an address that is not allowed is final');
query("SELECT ganje.cancel_request(request_id) FROM ganje.dead_letters");

# Functions of a carrier that raise, do not end, or answer nonsense: a
# carrier of our own, registered by an ordinary role.
query(q{
	CREATE ROLE partner;
	CREATE SCHEMA partner AUTHORIZATION partner;
	GRANT USAGE ON SCHEMA ganje TO partner;
	SET ROLE partner;
	CREATE FUNCTION partner.build(s ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE sql
	AS $$ SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, 'POST', '/v1.1/account/jwt/create/', '{}'::jsonb, '{}' $$;
	CREATE FUNCTION partner.authorize(account jsonb, r ganje.http_request) RETURNS ganje.http_request LANGUAGE plpgsql
	AS $$ BEGIN
		IF account #>> '{secret,fail}' IS NOT NULL THEN RAISE 'leaks %', account; END IF;
		RETURN r;
	END $$;
	CREATE FUNCTION partner.apply(account jsonb, r ganje.http_request, a ganje.http_response) RETURNS ganje.outcome LANGUAGE plpgsql
	AS $$ DECLARE o ganje.outcome; BEGIN
		IF account #>> '{settings,mode}' = 'raise' THEN PERFORM 1 / 0; END IF;
		IF account #>> '{settings,mode}' = 'loop' THEN LOOP END LOOP; END IF;
		IF account #>> '{settings,mode}' = 'read' THEN PERFORM secret FROM ganje.carrier_credential; END IF;
		IF account #>> '{settings,mode}' = 'rise' THEN EXECUTE 'SET ROLE NONE'; END IF;
		o.result := CASE account #>> '{settings,mode}' WHEN 'nonsense' THEN 'splendid' ELSE 'delivered' END;
		RETURN o;
	END $$;
	RESET ROLE;
	INSERT INTO ganje.carrier (carrier, build, authorize, apply, registered_by)
	VALUES ('partner', 'partner.build(ganje.shipment,text)', 'partner.authorize(jsonb,ganje.http_request)',
			'partner.apply(jsonb,ganje.http_request,ganje.http_response)', 'partner');});
my $number = 0;
foreach my $case (
	[ 'raise', qr/22012: division by zero/ ], [ 'nonsense', qr/answered result 'splendid'/ ],
	[ 'read', qr/42501: permission denied/ ], [ 'rise', qr/42501: cannot set parameter "role"/ ],
	[ 'loop', qr/57014: canceling statement due to statement timeout/ ])
{
	my ($mode, $pattern) = @$case;
	$number++;
	query(qq{INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, settings, max_attempts)
			 VALUES ('$mode', 'partner', 'http://127.0.0.1:$carrier->{port}', true, '{"mode": "$mode"}', 1)});
	faults($carrier, { match => 'jwt/create', action => 'status', code => 200, count => 1, body => {} });
	add_shipments($node, $number, $number, account => $mode, prefix => 'P');
	wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE account_id = '$mode'") eq '1' }, "$mode is recorded");
	like(query("SELECT last_error FROM ganje.dead_letters WHERE account_id = '$mode'"), $pattern, "apply: $mode spoils its own row");
}
query(qq{INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, max_attempts)
		 VALUES ('leak', 'partner', 'http://127.0.0.1:$carrier->{port}', true, 1);
		 SELECT ganje.set_credential('leak', '{"fail": "hush-hush"}')});
add_shipments($node, 99, 99, account => 'leak', prefix => 'P');
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE account_id = 'leak'") eq '1' }, 'a failing authorize is recorded');
is(query("SELECT last_error FROM ganje.dead_letters WHERE account_id = 'leak'"), 'the authorize function failed (SQLSTATE P0001)',
	'without what it said, which may be secret');
faults($carrier);
add_shipments($node, 90, 92);
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_delivery WHERE state <> 'dead'") eq '0' }, 'the others go on');

# A shipment that somebody holds locked
my $holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN");
query("UPDATE ganje.carrier_account SET timeout_ms = 30000");
faults($carrier, { match => 'pre-order', action => 'delay', ms => 1000, count => 1 });
add_shipments($node, 95, 95);
$holder->query_safe("SELECT 1 FROM ganje.shipment WHERE external_id = 'X95' FOR UPDATE");
add_shipments($node, 96, 96);
wait_for(sub { query("SELECT order_link IS NOT NULL FROM ganje.shipment WHERE external_id = 'X96'") eq 't' },
	'a locked shipment holds nobody up');
$node->poll_query_until('postgres', "SELECT pg_sleep(2) IS NOT NULL");
$holder->query_safe("COMMIT");
$holder->quit;
wait_for(sub { query("SELECT order_link IS NOT NULL FROM ganje.shipment WHERE external_id = 'X95'") eq 't' },
	'its answer is recorded when it is free');
is(scalar(grep { $_->{body} && ($_->{body}{external_id} // '') eq 'X95' } orders_at($carrier)), 1, 'without another try');

# What the contract asks of a carrier's functions, and how it refuses others
query("INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('contract', 'partner', 'https://partner.example')");
foreach my $case (
	[ "build = NULL", qr/carrier "partner" has no build function/ ],
	[ "build = 'partner.gone(ganje.shipment,text)'", qr/build function partner\.gone\(ganje\.shipment,text\) of carrier "partner" does not exist/ ],
	[ "build = 'build(ganje.shipment,text)'", qr/does not exist/ ],
	[ "build = 'ganje.ulid()'", qr/does not fit the contract/ ],
	[ "build = 'ganje.ganje_build(ganje.shipment,text)'", qr/role "partner" may not execute/ ],
	[ "registered_by = 'nobody there'", qr/role "nobody there" does not exist/ ])
{
	my ($change, $pattern) = @$case;
	my ($status, $out, $error) = $node->psql('postgres', qq{BEGIN; UPDATE ganje.carrier SET $change WHERE carrier = 'partner';
		INSERT INTO ganje.shipment (order_id, account_id, external_id) VALUES ('C', 'contract', 'C')});
	like($error, $pattern, "contract: $change");
}

unlike(server_log($node), qr/access-[0-9a-f]{8}|hush-hush/, 'no secret in the server log');
$node->stop;

# Without preload
my $bare = new_server('bare', preload => 0, bare => 1);
$bare->safe_psql('postgres', "CREATE EXTENSION ganje_logistics");
$bare->safe_psql('postgres', "ALTER SYSTEM SET ganje_logistics.allowed_networks = '127.0.0.1/32'");
set_up_account($bare, $carrier);
control($carrier, 'DELETE', 'log');
add_shipments($bare, 1, 3, prefix => 'B');
is(scalar(orders_at($carrier)), 0, 'without preload nothing is sent by itself');
my $pid = $bare->safe_psql('postgres', 'SELECT ganje.start_worker()');
is($bare->safe_psql('postgres', "SELECT backend_type FROM pg_stat_activity WHERE pid = $pid"), 'ganje_logistics worker',
	'start_worker() starts the worker');
is($bare->safe_psql('postgres', 'SELECT ganje.start_worker()'), $pid, 'and answers the one there is');
is($bare->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'it delivers');
is(scalar(orders_at($carrier)), 3, 'everything');
$bare->stop;

done_testing();
