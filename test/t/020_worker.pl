# The worker's ordinary days: delivery, retries, tokens, dead letters, parking.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use GanjeTest;

my $carrier = start_carrier();
my $node = new_server('worker', conf => "max_prepared_transactions = 2\nlog_min_messages = debug2");
set_up_account($node, $carrier);

sub drain { return $node->safe_psql('postgres', "SELECT ganje.drain('60 s')"); }
sub query { return $node->safe_psql('postgres', $_[0]); }

# Delivery
add_shipments($node, 1, 3);
is(drain(), '0', 'three requests are delivered');
is(query("SELECT count(*) FROM ganje.shipment WHERE order_link LIKE 'http://127.0.0.1%'"), '3', 'each shipment has its link');
is(scalar(orders_at($carrier)), 3, 'the carrier received three pre-orders');
is(scalar(logins_at($carrier)), 1, 'with one login');
my ($first) = orders_at($carrier);
like($first->{headers}{'user-agent'}, qr/^ganje_logistics\/\d/, 'the user agent names the extension');
is(query("SELECT count(*) FROM ganje.outbox_log WHERE request_id = '$first->{headers}{'idempotency-key'}'"),
	'1', 'the idempotency key is the request id');
is(query("SELECT count(*) FROM ganje.outbox_log WHERE result = 'delivered' AND status = 200 AND attempts = 1"),
	'3', 'the log has them');

# A rolled-back order
control($carrier, 'DELETE', 'log');
query("BEGIN; INSERT INTO ganje.shipment (order_id, account_id, external_id, phone)
	   VALUES ('R', 'locker', 'R', '+989121234567'); ROLLBACK;");
add_shipments($node, 4, 4);
drain();
is_deeply([ map { $_->{body}{external_id} } orders_at($carrier) ], ['X4'], 'a rolled-back order is told to nobody');
is(query("SELECT count(*) FROM ganje.outbox"), '0', 'and leaves nothing in the outbox');

# Failures that pass
control($carrier, 'DELETE', 'log');
faults($carrier, { match => 'pre-order', action => 'status', code => 500, count => 2 });
add_shipments($node, 5, 5);
is(drain(), '0', 'delivered after two failures');
my @tries = orders_at($carrier);
is_deeply([ map { $_->{status} } @tries ], [ 500, 500, 200 ], 'the carrier saw three tries');
my %keys = map { $_->{headers}{'idempotency-key'} => 1 } @tries;
is(scalar(keys %keys), 1, 'under one idempotency key');
is(query("SELECT attempts || ' ' || jsonb_path_query_array(history, '\$[*].status')
	      FROM ganje.outbox_log WHERE request_id = '" . (keys %keys)[0] . "'"),
	'3 [500, 500]', 'the attempts are counted and kept');

# A reset connection and an answer that is no text
faults($carrier, { match => 'pre-order', action => 'reset', count => 1 },
	{ match => 'pre-order', action => 'html', count => 1 });
add_shipments($node, 6, 6);
is(drain(), '0', 'delivered after a reset and an HTML page');
is(query("SELECT attempts FROM ganje.outbox_log ORDER BY finished_at DESC LIMIT 1"), '3', 'in three attempts');

# Token expiry, many waiting
control($carrier, 'POST', 'expire-tokens', {});
control($carrier, 'DELETE', 'log');
add_shipments($node, 100, 159);
is(drain(), '0', 'sixty requests are delivered though the token expired');
is(scalar(logins_at($carrier)), 1, 'one login for all of them');
is(query("SELECT count(*) FROM ganje.outbox_log l JOIN ganje.shipment s USING (merchant_id, shipment_id)
	      WHERE s.external_id ~ '^X1[0-9][0-9]\$' AND l.attempts = 1"), '60', 'and no attempt was spent');

# A login that takes its time, while orders come in
control($carrier, 'POST', 'expire-tokens', {});
control($carrier, 'DELETE', 'log');
faults($carrier, { match => 'jwt/create', action => 'delay', ms => 700, count => -1 });
foreach my $batch (0 .. 3)
{
	add_shipments($node, 160 + 10 * $batch, 169 + 10 * $batch);
	sleep(0.15);
}
is(drain(), '0', 'orders that come in during a login wait for it');
is(scalar(logins_at($carrier)), 1, 'and ask for no other');
faults($carrier);

# Final answers
for my $code (404, 400)
{
	control($carrier, 'DELETE', 'log');
	faults($carrier, { match => 'pre-order', action => 'status', code => $code, body => { detail => "no $code" } });
	add_shipments($node, $code, $code);
	wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters") eq '1' }, 'there is a dead letter');
	is(query("SELECT last_status || ' ' || attempts FROM ganje.dead_letters"), "$code 1", "$code is final at once");
	is(query("SELECT answer FROM ganje.outbox_attempt"), qq({"detail": "no $code"}), 'the answer is kept');
	is(scalar(orders_at($carrier)), 1, 'the carrier was asked once');
	query("SELECT ganje.retry_request(request_id) FROM ganje.dead_letters");
	is(drain(), '0', 'retry_request sends it again');
	is(query("SELECT count(*) FROM ganje.dead_letters"), '0', 'and it is delivered');
	is(query("SELECT order_link IS NOT NULL FROM ganje.shipment WHERE external_id = 'X$code'"), 't', 'with its link');
}

# Attempts used up
query("UPDATE ganje.carrier_account SET max_attempts = 3");
control($carrier, 'DELETE', 'log');
faults($carrier, { match => 'pre-order', action => 'status', code => 503, count => -1, headers => { 'Retry-After' => 0 } });
add_shipments($node, 7, 7);
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters") eq '1' }, 'the attempts are used up');
is(scalar(orders_at($carrier)), 3, 'three attempts, then a dead letter');
is(query("SELECT count(*) FROM ganje.outbox_attempt"), '3', 'each is recorded');
faults($carrier);
query("SELECT ganje.cancel_request(request_id) FROM ganje.dead_letters");
is(query("SELECT count(*) FROM ganje.outbox_log WHERE result = 'cancelled'"), '1', 'cancel_request drops it');

# A refused login
query("SELECT ganje.set_credential('locker', '{\"username\": \"shop\", \"password\": \"wrong\"}')");
control($carrier, 'DELETE', 'log');
add_shipments($node, 200, 209);
wait_for(sub { query("SELECT state FROM ganje.outbox_status") =~ /^parked/ }, 'the account is parked');
is(query("SELECT state FROM ganje.outbox_status"), 'parked: the carrier refuses the login (401)', 'and says why');
is(query("SELECT pending || ' ' || in_flight FROM ganje.outbox_status"), '10 0', 'its requests wait');
is(query("SELECT max(attempts) FROM ganje.outbox_delivery"), '0', 'and lose no attempt');
is(scalar(logins_at($carrier)), 1, 'the carrier saw one login');
query("SELECT ganje.set_credential('locker', '{\"username\": \"shop\", \"password\": \"secret\"}')");
is(drain(), '0', 'set_credential lets them go on');

# Missing credentials
query("DELETE FROM ganje.carrier_credential");
add_shipments($node, 210, 211);
wait_for(sub { query("SELECT state FROM ganje.outbox_status") =~ /^parked/ }, 'the account is parked');
is(query("SELECT state FROM ganje.outbox_status"), 'parked: username or password is missing', 'missing credentials park it too');
query("SELECT ganje.set_credential('locker', '{\"username\": \"shop\", \"password\": \"secret\"}')");
is(drain(), '0', 'until there are some');

# A login that the carrier cannot serve for a while
query("UPDATE ganje.carrier_credential SET token = NULL");
faults($carrier, { match => 'jwt/create', action => 'status', code => 500, count => 2 });
add_shipments($node, 220, 224);
is(drain(), '0', 'a login that fails for a while is tried again');
is(query("SELECT max(history -> 0 ->> 'error') FROM ganje.outbox_log"), 'the login failed: the carrier answered 500',
	'and the history tells of it');

# Limits of the account
query("UPDATE ganje.carrier_account SET max_connections = 2");
control($carrier, 'DELETE', 'log');
faults($carrier, { match => 'pre-order', action => 'delay', ms => 200, count => -1 });
add_shipments($node, 300, 307);
my $most = 0;
wait_for(sub {
	my $now = query("SELECT in_flight FROM ganje.outbox_status");
	$most = $now if $now > $most;
	return orders_at($carrier) == 8;
}, 'eight requests are sent');
cmp_ok($most, '<=', 2, 'never more than max_connections at once');
is(drain(), '0', 'all are delivered');
faults($carrier);
query("UPDATE ganje.carrier_account SET max_connections = 10, requests_per_second = 5");
control($carrier, 'DELETE', 'log');
add_shipments($node, 310, 324);
is(drain(), '0', 'fifteen requests at five a second');
my @times = map { $_->{time} } orders_at($carrier);
cmp_ok($times[-1] - $times[0], '>', 1.5, 'take their time');
query("UPDATE ganje.carrier_account SET requests_per_second = NULL");

# Pause
query("SELECT ganje.pause_sending()");
control($carrier, 'DELETE', 'log');
add_shipments($node, 230, 231);
$node->poll_query_until('postgres', "SELECT pg_sleep(1.5) IS NOT NULL");
is(scalar(carrier_log($carrier)), 0, 'nothing is sent while paused');
query("SELECT ganje.resume_sending()");
is(drain(), '0', 'resume_sending sends what is pending');

# PREPARE TRANSACTION wakes nobody; polling finds what was committed
query("BEGIN; INSERT INTO ganje.shipment (order_id, account_id, external_id, phone)
	   VALUES ('P', 'locker', 'PREPARED', '+989121234567'); PREPARE TRANSACTION 'p'");
is(query("SELECT count(*) FROM ganje.outbox"), '0', 'a prepared order is not seen');
query("COMMIT PREPARED 'p'");
is(drain(), '0', 'once committed it is delivered');
is(scalar(grep { $_->{body}{external_id} eq 'PREPARED' } orders_at($carrier)), 1, 'and told once');

# Twins
query("INSERT INTO ganje.shipment (order_id, account_id, external_id, phone)
	   VALUES ('T', 'locker', 'TWIN', '+989121234567'), ('T', 'locker', 'TWIN', '+989121234567')");
is(drain(), '0', 'two shipments of one external id');
is(scalar(grep { $_->{body}{external_id} eq 'TWIN' } orders_at($carrier)), 1, 'are told once');
is(query("SELECT count(order_link) FROM ganje.shipment WHERE external_id = 'TWIN'"), '2', 'and both have the link');

# Nothing secret, nobody's phone in the log
my $log = server_log($node);
unlike($log, qr/access-[0-9a-f]{8}/, 'no token in the server log');
unlike($log, qr/9121234567/, 'no phone in the server log');
unlike($log, qr/"secret"|wrong"/, 'no password in the server log');
unlike($log, qr/ERROR|FATAL|PANIC|WARNING/, 'nothing went wrong on the way');

done_testing();
