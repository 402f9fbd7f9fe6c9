# Nothing secret where people look for faults: the server's log at its most
# talkative, pg_stat_activity, what is recorded, a dump.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;
use FaultTest;

my $carrier = start_carrier();
my $courier = start_standin('subscriber.py');
my $node = new_server('secrets');
add_plain_carrier($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# Credentials are set before anybody listens; who has them at hand may log them himself.
set_up_account($node, $carrier);
query(q{
	CREATE FUNCTION plain.authorize(account jsonb, INOUT request ganje.http_request) LANGUAGE plpgsql AS $$
	BEGIN
		request.headers := request.headers || jsonb_build_object('Authorization', 'Key ' || (account #>> '{secret,key}'));
		IF request.path ~ '^/cast' THEN PERFORM (account #>> '{secret,key}')::integer; END IF;
		IF request.path ~ '^/raise' THEN RAISE EXCEPTION 'it is %', account; END IF;
	END $$;
	CREATE FUNCTION plain.apply(account jsonb, request ganje.http_request, response ganje.http_response, OUT outcome ganje.outcome) LANGUAGE plpgsql AS $$
	BEGIN
		RAISE LOG 'apply knows %', account;
		IF request.path ~ '^/apply' THEN RAISE EXCEPTION 'apply knows %, %', account, request; END IF;
	END $$;
	SELECT ganje.register_carrier('keyed', 'plain.build', 'plain.authorize', 'plain.apply')});
add_plain_account($node, 'keyed', $courier->{port}, carrier => "'keyed'", max_attempts => 2);
query(q{SELECT ganje.set_credential('keyed', '{"key": "hush-hush-key"}')});
query("UPDATE ganje.carrier_credential SET secret = secret WHERE account_id = 'locker'");

$node->append_conf('postgresql.conf', $_) foreach ('log_min_messages = debug5', 'log_statement = all', 'log_min_duration_statement = 0',
	'log_parameter_max_length = -1', 'log_parameter_max_length_on_error = -1', 'log_error_verbosity = verbose', 'debug_print_parse = on',
	'debug_print_rewritten = on', 'debug_print_plan = on', 'log_executor_stats = off', 'track_activity_query_size = 1MB');
$node->restart;
my @seen;
tell($node, 'keyed', 'fine', 'cast', 'raise', 'apply');
add_shipments($node, 1, 3);
control($carrier, 'POST', 'expire-tokens', {});
faults($carrier, { match => 'pre-order', action => 'delay', ms => 300, count => -1 });
add_shipments($node, 4, 9);
# A person's order, by a session that itself logs nothing, as an app's that passes parameters.
query(q{
	SET log_min_messages = fatal;
	INSERT INTO ganje.shipment (order_id, account_id, external_id, recipient, phone, address)
	SELECT 'person-' || account_id, account_id, v.external_id, 'Hidden Recipient', '+989129876543', '{"street": "Hidden Street"}'
	  FROM (VALUES ('locker', 'person'), ('keyed', 'apply-person')) AS v(account_id, external_id)});
wait_for(sub {
	push @seen, query("SELECT query FROM pg_stat_activity WHERE backend_type ~ 'ganje'");
	return query("SELECT count(*) FROM ganje.outbox_delivery WHERE state <> 'dead'") eq '0' }, 'all is told or given up');
is(query('SELECT count(*) FROM ganje.dead_letters'), '4', 'four functions failed');

my $log = server_log($node);
# A plan shows a constant by its bytes.
my @constants = $log =~ /\bconstvalue\s+-?\d+\s+\[([-\d\s]+)\]/g;
$log .= join(' ', map { pack('C*', map { $_ & 255 } split(' ', $_)) } @constants);
my $kept = query(q{SELECT string_agg(t, ' ') FROM (
	SELECT o::text FROM ganje.outbox AS o UNION ALL SELECT d::text FROM ganje.outbox_delivery AS d UNION ALL
	SELECT a::text FROM ganje.outbox_attempt AS a UNION ALL SELECT l::text FROM ganje.outbox_log AS l) AS x (t)});
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
my ($restore) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') . ' options=-cganje_logistics.dump_credentials=on' ]);
ok($log =~ /pre-order/, 'the log is talkative');
for my $secret (qr/hush-hush-key/, qr/access-[0-9a-f]{8}/, qr/"password": "secret"/)
{
	ok($log !~ $secret, "$secret is not in the log");
	ok($kept !~ $secret, "$secret is not recorded");
	ok(join(' ', @seen) !~ $secret, "$secret is not in pg_stat_activity");
	ok($dump !~ $secret, "$secret is not in a dump");
}
ok($log !~ $_, "$_ is not in the log") foreach (qr/Hidden Recipient/, qr/Hidden Street/, qr/9129876543/);
is(query("SELECT count(*) FROM ganje.outbox_log WHERE shipment_id IN (SELECT shipment_id FROM ganje.shipment WHERE order_id = 'person-locker')"), '1',
	'though the person\'s order was told');
ok($restore =~ /hush-hush-key/, 'but where it is asked for');
$node->stop;
done_testing();
