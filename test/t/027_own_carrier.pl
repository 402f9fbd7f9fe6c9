# The README's carrier, as it is printed there; its address alone is replaced
# by the stand-in's.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my ($block) = grep { /register_carrier/ } slurp_file("$FindBin::RealBin/../../README.md") =~ /^```sql\n(.*?)^```$/msg;
ok(defined $block, 'the README has a carrier');
my $courier = start_standin('subscriber.py');
my $node = new_server('own_carrier');

sub query { return $node->safe_psql('postgres', $_[0]); }

is($block =~ s{'https://courier\.example', false}{'http://127.0.0.1:$courier->{port}', true}, 1, 'whose account is made the stand-in\'s');
faults($courier, { action => 'status', code => 503, count => 1 },
	{ action => 'status', code => 201, body => { state => 'taken' } });
my ($status, $stdout, $stderr) = $node->psql('postgres', $block, extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
is("$status $stderr", '0 ', 'it runs as written');
is(query("SELECT ganje.drain('60 s')"), '0', 'its request is sent');
my @jobs = carrier_log($courier);
is_deeply([ map { "$_->{method} $_->{path} $_->{status}" } @jobs ], [ 'POST /jobs 503', 'POST /jobs 201' ], 'and tried again');
is_deeply($jobs[1]{body}, { reference => '1002', phone => '+989121234567' }, 'it is what build made');
is($jobs[1]{authorization}, 'Key secret', 'with what authorize added');
is($jobs[1]{headers}{'idempotency-key'}, $jobs[0]{headers}{'idempotency-key'}, 'and one key for both tries');
is(query("SELECT status, normalized_status FROM ganje.shipment WHERE order_id = '1002'"), 'READY|assigned', 'apply moved the shipment');

# Refused for good: a dead letter with the answer, until somebody decides.
faults($courier, { action => 'status', code => 422, body => 'no such phone', count => -1 });
query("INSERT INTO ganje.shipment (order_id, account_id, external_id) VALUES ('1003', 'COURIER', '1003')");
wait_for(sub { query("SELECT dead FROM ganje.outbox_status WHERE account_id = 'COURIER'") eq '1' }, 'what is refused is a dead letter');
is(query("SELECT last_status, (SELECT answer FROM ganje.outbox_attempt AS t WHERE t.request_id = d.request_id) FROM ganje.dead_letters AS d"),
	'422|no such phone', 'with the answer');

# A registered function has its role's rights, not the worker's: it can neither read credentials nor become superuser.
query(q{
	CREATE ROLE thief;
	GRANT USAGE ON SCHEMA ganje TO thief;
	GRANT EXECUTE ON FUNCTION ganje.register_carrier(text, text, text, text, text, text, text) TO thief;
	CREATE SCHEMA AUTHORIZATION thief;
	SET ROLE thief;
	CREATE FUNCTION thief.build(shipment ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
	DECLARE r ganje.http_request; BEGIN r.method := 'POST'; r.path := '/jobs'; r.body := '{}'; RETURN r; END $$;
	CREATE FUNCTION thief.authorize(account jsonb, request ganje.http_request) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
	BEGIN
		BEGIN
			request.body := (SELECT jsonb_agg(secret) FROM ganje.carrier_credential);
		EXCEPTION WHEN insufficient_privilege THEN request.body := '{"read": false}';
		END;
		BEGIN
			RESET ROLE;
			request.body := '{"became": "' || current_user || '"}';
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		RETURN request;
	END $$;
	SELECT ganje.register_carrier('thief', 'thief.build', 'thief.authorize');
	RESET ROLE});
query("INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http) VALUES ('THIEF', 'thief', 'http://127.0.0.1:$courier->{port}', true)");
faults($courier);
query("INSERT INTO ganje.shipment (order_id, account_id, external_id) VALUES ('1004', 'THIEF', '1004')");
is(query("SELECT ganje.drain('60 s')"), '0', 'the request of another role\'s carrier is sent');
is_deeply((carrier_log($courier))[-1]{body}, { read => JSON::PP::false }, 'and its function saw nothing that the role may not');

$node->stop;
done_testing();
