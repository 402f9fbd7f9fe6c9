# HesapKurye through the worker, judged by the carrier's own log: saved, asked
# for until it is delivered, cancelled; a lost answer, refused credentials, and
# whatever a server may answer instead.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use GanjeTest;

my $carrier = start_standin('hesapkurye.py');
my $node = new_server('courier', conf => "log_min_messages = debug2");
my $key = 'JvaXPFXAQEqf7X5XegRxLw==';
my $secret = '92utiyfmPeXDSjHv8RiJ6w==';

sub query { return decode_utf8($node->safe_psql('postgres', encode_utf8($_[0]))); }
sub drain { return query("SELECT ganje.drain('60 s')"); }
sub calls { my ($name) = @_; return grep { ($_->{path} // '') eq "/OutSource/$name" } carrier_log($carrier); }

# What the carrier was asked of an order, one word per call.
sub calls_of
{
	my ($number) = @_;
	return join(' ', map { ($_->{path} =~ m{/OutSource/(.*)})[0] }
		grep { ref $_->{body} eq 'HASH' && ($_->{body}{RemoteOrderNumber} // $_->{body}{remoteOrderNumber} // '') eq $number }
		carrier_log($carrier));
}

sub order
{
	my ($number, %more) = @_;
	my $data = $more{data} // '{"paymentMethod": "Kredi Kartı"}';
	query(qq{
		WITH s AS (
			INSERT INTO ganje.shipment (shipment_id, order_id, account_id, external_id, address, recipient, phone, data)
			VALUES ('$number', '$number', 'courier', '$number', '{"address": "Moda Cd. 5", "lat": 40.98, "lng": 29.02}',
			        'İpek', '+905321234567', '$data'))
		INSERT INTO ganje.shipment_item (merchant_id, shipment_id, item_id, quantity, price, name)
		VALUES ('DEFAULT', '$number', 'p1', 2, 11.0, 'Lahmacun')});
}

sub status_of { return query("SELECT normalized_status FROM ganje.shipment WHERE shipment_id = '$_[0]'"); }
sub is_told { my ($number) = @_; wait_for(sub { calls_of($number) =~ /SavePackage/ }, "$number is told"); drain(); }
sub becomes { my ($number, $status) = @_; wait_for(sub { status_of($number) eq $status }, "$number becomes $status"); }

query(qq{
	INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, settings, retry_base_ms, retry_cap_ms, timeout_ms)
	VALUES ('courier', 'hesapkurye', 'http://127.0.0.1:$carrier->{port}', true,
		'{"outSourceId": 5, "restaurantId": "ifLpIWj5WiOmp1Gm1H+uqQ==",
		  "poll": {"movingSeconds": 0.2, "waitingSeconds": 0.4, "maxSeconds": 1, "perSecond": 50}}', 50, 200, 3000);
	SELECT ganje.set_credential('courier', '{"apiKey": "$key", "apiSecret": "$secret"}')});

# The worker asks for the payment methods by itself; people may ask for them, and whether the keys are good.
wait_for(sub { query("SELECT count(*) FROM ganje.payment_method") eq '2' }, 'the payment methods are there');
is(query("SELECT string_agg(payment_method || ' ' || name, ', ' ORDER BY payment_method) FROM ganje.payment_method"),
	'1 Kapıda Nakit, 2 Kredi Kartı', 'the worker asked for the payment methods');
control($carrier, 'POST', 'methods', [ [ 2, 'Kredi Kartı' ] ]);
query("SELECT ganje.refresh_payment_methods('courier')");
is(drain(), '0', 'they are asked for again');
is(query("SELECT string_agg(name, ', ') FROM ganje.payment_method"), 'Kredi Kartı', 'and are as they are now');
control($carrier, 'POST', 'methods', [ [ 1, 'Kapıda Nakit' ], [ 2, 'Kredi Kartı' ] ]);
query("UPDATE ganje.account_refresh SET due_at = now()");
wait_for(sub { query("SELECT count(*) FROM ganje.payment_method") eq '2' }, 'the worker refreshes them in time');
query("SELECT ganje.check_credential('courier')");
is(drain(), '0', 'the credentials are checked');
is(query("SELECT ok FROM ganje.account_check"), 't', 'and are good');

# From SavePackage to delivery
order('A');
is_told('A');
my ($saved) = calls('SavePackage');
is_deeply([ @$saved{qw(status authorization problem)} ], [ 200, 'good keys', undef ], 'the strict carrier takes the package');
is($saved->{body}{PackagePrice}, '22', 'with its price');
is($saved->{body}{Products}[0]{unitPrice}, '11', 'and its products');
is($saved->{body}{ApiSecret}, '(redacted)', 'with the keys in the body');
is(query("SELECT count(*) FROM ganje.shipment_poll"), '1', 'it is polled from then on');
wait_for(sub { query("SELECT count(*) FROM ganje.shipment_event WHERE carrier_status = '1'") }, 'the first poll is there');
control($carrier, 'POST', 'move', { number => 'A', to => 2 });
becomes('A', 'preparing');
control($carrier, 'POST', 'move', { number => 'A', to => 3, courier => 'John Doe' });
becomes('A', 'assigned');
control($carrier, 'POST', 'move', { number => 'A', to => 5, courier => '' });
becomes('A', 'pending');
control($carrier, 'POST', 'move', { number => 'A', to => 3, courier => 'Ali' });
becomes('A', 'assigned');
is(query("SELECT courier_name FROM ganje.shipment"), 'Ali', 'the courier is known');
control($carrier, 'POST', 'move', { number => 'A', to => 42 });
becomes('A', 'unknown');
control($carrier, 'POST', 'move', { number => 'A', to => 6 });
becomes('A', 'out_for_delivery');
control($carrier, 'POST', 'move', { number => 'A', to => 7 });
wait_for(sub { query("SELECT count(*) FROM ganje.shipment_event WHERE carrier_status = '7'") }, 'the journey has 7');
control($carrier, 'POST', 'move', { number => 'A', to => 8, payments => [ [ 1, 'Kapıda Nakit', 2.0 ], [ 2, 'Kredi Kartı', 20.0 ] ] });
becomes('A', 'delivered');
is(query("SELECT string_agg(carrier_status, ' ' ORDER BY event_id) FROM ganje.shipment_event WHERE source = 'hesapkurye'"),
	'1 2 3 5 3 42 6 7 8', 'the journey has every step, once');
is(query("SELECT status FROM ganje.shipment"), 'DELIVERED', 'and the shipment its status');
is(query("SELECT data #>> '{lastPayments,1,name}' FROM ganje.shipment"), 'Kredi Kartı', 'and how it was paid for');
is(query("SELECT count(*) FROM ganje.shipment_poll"), '0', 'a delivered package is polled no more');
my $polls = scalar calls('GetPackage');
is(query("SELECT count(*) FROM ganje.outbox_log WHERE operation = 'status'"), '9', 'the log has the polls that brought news');
sleep(1.5);
is(scalar(calls('GetPackage')), $polls, 'and the carrier is asked no more');

# Cancelled by the courier service itself
order('G');
is_told('G');
control($carrier, 'POST', 'move', { number => 'G', to => 9 });
becomes('G', 'cancelled');
is(query("SELECT carrier_status || ' ' || normalized_status || ' ' || status FROM ganje.shipment_event WHERE carrier_status = '9'"),
	'9 cancelled CANCELLED', 'what the courier service cancels is cancelled');

# Seldom when nothing moves
query(q{UPDATE ganje.carrier_account SET settings = jsonb_set(settings, '{poll}', '{"movingSeconds": 0.2, "waitingSeconds": 30}')});
order('S');
is_told('S');
sleep(2);
is(calls_of('S'), 'SavePackage', 'a waiting package is asked about seldom');
query("SELECT ganje.poll_shipment('S')");
wait_for(sub { calls_of('S') eq 'SavePackage GetPackage' }, 'poll_shipment asks at once');
query(q{UPDATE ganje.carrier_account SET settings = jsonb_set(settings, '{poll}',
	'{"movingSeconds": 0.2, "waitingSeconds": 0.4, "maxSeconds": 1, "perSecond": 50}')});

# Cancel: never before its SavePackage, and the reason with it
faults($carrier, { match => 'SavePackage', action => 'delay', ms => 500, count => 1 });
order('C');
query("SELECT ganje.cancel_at_carrier('C', 'Müşteri talebi')");
is(drain(), '0', 'an order is cancelled while it is being told');
is(calls_of('C'), 'SavePackage Cancel', 'in order');
is((calls('Cancel'))[0]{body}{Reason}, 'Müşteri talebi', 'with the reason');
is(status_of('C'), 'cancelled', 'and the shipment is cancelled');
is(query("SELECT status FROM ganje.shipment WHERE shipment_id = 'C'"), 'CANCELLED', 'by its own status too');

# Cancelled by a step of its journey: the courier service decides
order('J');
is(drain(), '0', 'an order is told');
is(query(q{SELECT ganje.call('rbs.process.request.START', jsonb_build_object('processId', 'SHIPMENT_JOURNEY', 'payload',
	jsonb_build_object('orderId', order_id, 'shipmentId', shipment_id, 'status', 'CANCELLED', 'reason', 'no stock'))) ->> 'cancelRequested'
	FROM ganje.shipment WHERE shipment_id = 'J'}), 'true', 'its journey asks for the end');
is(drain(), '0', 'the wish is told');
like(calls_of('J'), qr/^SavePackage (GetPackage )*Cancel$/, 'after the order');
is((calls('Cancel'))[-1]{body}{Reason}, 'no stock', 'with the reason');
is(status_of('J'), 'cancelled', 'and the shipment is cancelled');

# A lost answer: GetPackage is asked, and the package is not saved twice
for my $fault ('close_after_commit', 'reset_mid_body', 'wrong_json')
{
	faults($carrier, { match => 'SavePackage', action => $fault, count => 1 });
	order("L-$fault");
	is(drain(), '0', "$fault: the package is told");
	like(calls_of("L-$fault"), qr/^SavePackage GetPackage( GetPackage)*$/, "$fault: once; then it is asked for");
	is(query("SELECT result || ' ' || attempts FROM ganje.outbox_log WHERE shipment_id = 'L-$fault' AND operation = 'create'"),
		'delivered 2', "$fault: and it is there");
}
is(scalar(grep { defined $_->{problem} } carrier_log($carrier)), 0, 'the carrier had nothing to refuse');
# One that never arrived is sent again, under its key.
faults($carrier, { match => 'SavePackage', action => 'reset', count => 1 });
order('N');
is(drain(), '0', 'a package that never arrived');
like(calls_of('N'), qr/^(SavePackage )?GetPackage SavePackage/, 'is asked for, and saved');
# The question itself may go wrong.
faults($carrier, { match => 'SavePackage', action => 'close_after_commit', count => 1 },
	{ match => 'GetPackage', action => 'status', code => 503, count => 2 }, { match => 'GetPackage', action => 'html', count => 1 });
order('Q');
is(drain(), '0', 'a question that fails is asked again');
is(scalar(() = calls_of('Q') =~ /SavePackage/g), 1, 'and the package is saved once');
# A worker that dies with the answer on its way
faults($carrier, { match => 'SavePackage', action => 'drip', ms => 1000, count => 1 });
order('W');
wait_for(sub { calls_of('W') eq 'SavePackage' }, 'the package is saved');
kill 'KILL', worker_pid($node);
wait_for(sub { server_log($node) =~ /was terminated by signal 9/ }, 'the server noticed');
wait_for(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 'the server came back');
is(drain(), '0', 'the next worker goes on');
like(calls_of('W'), qr/^SavePackage GetPackage/, 'and asks before it sends again');
is(scalar(() = calls_of('W') =~ /SavePackage/g), 1, 'what was there already');
# A cancel in doubt
faults($carrier, { match => 'Cancel', action => 'close_after_commit', count => 1 });
query("SELECT ganje.cancel_at_carrier('Q', 'x')");
is(drain(), '0', 'a cancel whose answer is lost');
is(scalar(() = calls_of('Q') =~ /Cancel/g), 1, 'is not sent twice');
is(status_of('Q'), 'cancelled', 'and the shipment is cancelled');
faults($carrier);

# Polls that fail: no dead letter, and the next one brings the news
order('F');
is_told('F');
for my $fault ({ action => 'status', code => 500 }, { action => 'status', code => 404 }, { action => 'html' },
	{ action => 'wrong_json' }, { action => 'reset' }, { action => 'huge', bytes => 10 * 1024 * 1024 },
	{ action => 'status', code => 200, body => '{"StatusValue": "prose"}' }, { action => 'status', code => 400, body => '{"ApiKey": 5}' })
{
	query("UPDATE ganje.shipment_poll SET failures = 0, last_error = NULL WHERE shipment_id = 'F'");
	faults($carrier, { match => 'GetPackage', count => -1, %$fault });
	wait_for(sub { query("SELECT failures FROM ganje.shipment_poll WHERE shipment_id = 'F'") }, "a poll fails: $fault->{action}");
	isnt(query("SELECT last_error FROM ganje.shipment_poll WHERE shipment_id = 'F'"), '', "$fault->{action}: says why");
}
is(query("SELECT count(*) FROM ganje.dead_letters"), '0', 'polls that fail are no dead letters');
faults($carrier);
control($carrier, 'POST', 'move', { number => 'F', to => 6 });
becomes('F', 'out_for_delivery');
is(query("SELECT failures FROM ganje.shipment_poll WHERE shipment_id = 'F'"), '0', 'the next poll brings the news');

# Polls have a rate of their own, and orders do not wait behind them.
query(q{UPDATE ganje.carrier_account SET settings = jsonb_set(settings, '{poll}',
	'{"movingSeconds": 0.05, "waitingSeconds": 0.05, "maxSeconds": 0.05, "perSecond": 5}')});
order("M$_") foreach (1 .. 12);
is(drain(), '0', 'twelve packages are told while others are polled');
control($carrier, 'DELETE', 'log');
wait_for(sub { calls('GetPackage') >= 15 }, 'fifteen polls');
my @asked = map { $_->{time} } calls('GetPackage');
cmp_ok($asked[14] - $asked[0], '>', 1.5, 'take their time at five a second');
my %asked = map { $_->{body}{remoteOrderNumber} => 1 } calls('GetPackage');
cmp_ok(scalar(keys %asked), '>=', 12, 'and each has its turn');
query(q{UPDATE ganje.carrier_account SET settings = jsonb_set(settings, '{poll}', '{"perSecond": 0}')});
wait_for(sub { query("SELECT count(*) FROM ganje.outbox") eq '0' }, 'the last polls are answered');
my $before = scalar calls('GetPackage');
sleep(2);
is(scalar(calls('GetPackage')), $before, 'none at a rate of none');
query(q{UPDATE ganje.carrier_account SET settings = jsonb_set(settings, '{poll}',
	'{"movingSeconds": 0.2, "waitingSeconds": 0.4, "maxSeconds": 1, "perSecond": 50}')});

# An answer that quotes the keys is kept without them.
(my $escaped = $secret) =~ s/=/\\u003D/g;
faults($carrier, { match => 'SavePackage', action => 'status', code => 422,
	body => qq({"ApiKey": "$key", "ApiSecret": "$escaped", "message": ") . 'x' x 3984 . qq($secret"}) });
order('E');
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters") eq '1' }, 'the package is refused');
my $kept_answer = query("SELECT answer FROM ganje.outbox_attempt");
like($kept_answer, qr/^\{"ApiKey": "\(redacted\)", "ApiSecret": "\(redacted\)", "message": "x{3984}\(redacted\)$/, 'the keys are not kept');
unlike($kept_answer, qr/92ut|JvaX/, 'nor the beginning of one, where the answer was cut');
query("SELECT ganje.cancel_request(request_id) FROM ganje.dead_letters");
is(scalar(grep { ($_->{problem} // '') ne '' } carrier_log($carrier)), 0, 'the carrier had nothing to refuse');

# Documented refusals park the account; nothing is lost.
control($carrier, 'POST', 'keys', { key => 'new-key', secret => 'new-secret' });
wait_for(sub { query("SELECT state FROM ganje.outbox_status") =~ /^parked: the carrier refuses the credentials/ }, 'the account is parked');
order('K');
sleep(0.5);
is(calls_of('K'), '', 'nothing is sent while it is');
query("SELECT ganje.check_credential('courier')");
wait_for(sub { query("SELECT ok FROM ganje.account_check") eq 'f' }, 'check_credential says so');
like(query("SELECT detail FROM ganje.account_check"), qr/refuses the credentials/, 'and why');
query("SELECT ganje.set_credential('courier', '{\"apiKey\": \"new-key\", \"apiSecret\": \"new-secret\"}')");
is(drain(), '0', 'new credentials let it go on');
is(status_of('K'), 'pending', 'the order was told');
like(calls_of('K'), qr/^SavePackage/, 'once');

# RestaurantInfos: from user name and password to the keys, and again when they change
query(qq{
	UPDATE ganje.carrier_account SET settings = settings - 'restaurantId';
	SELECT ganje.set_credential('courier', '{"userName": "abc", "password": "xyz-password"}')});
order('R');
is(drain(), '0', 'an account with a user name and a password');
is(query("SELECT settings ->> 'restaurantId' FROM ganje.carrier_account"), 'ifLpIWj5WiOmp1Gm1H+uqQ==', 'learns its restaurant');
is(scalar(calls('RestaurantInfos')), 1, 'by one call');
control($carrier, 'POST', 'keys', { key => $key, secret => $secret });
order('R2');
is(drain(), '0', 'and when the keys change');
is(scalar(calls('RestaurantInfos')), 2, 'it fetches the new ones');
control($carrier, 'POST', 'keys', { key => 'new-key', secret => 'new-secret' });
query("SELECT ganje.check_credential('courier')");
is(drain(), '0', 'a check with keys that changed');
is(query("SELECT ok FROM ganje.account_check"), 't', 'is answered with the new ones');
query("SELECT ganje.set_credential('courier', '{\"userName\": \"abc\", \"password\": \"not-the-password\"}')");
order('R3');
wait_for(sub { query("SELECT state FROM ganje.outbox_status") =~ /^parked: the carrier refuses the login \(401\)/ }, 'a wrong password parks it');

# Nothing secret anywhere
my $kept = query(q{SELECT string_agg(t, ' ') FROM (
	SELECT o::text FROM ganje.outbox AS o UNION ALL SELECT d::text FROM ganje.outbox_delivery AS d UNION ALL
	SELECT a::text FROM ganje.outbox_attempt AS a UNION ALL SELECT l::text FROM ganje.outbox_log AS l UNION ALL
	SELECT p::text FROM ganje.shipment_poll AS p UNION ALL SELECT s::text FROM ganje.shipment AS s UNION ALL
	SELECT c::text FROM ganje.account_check AS c) AS x (t)});
my $log = server_log($node);
for my $word ($key, $secret, 'new-key', 'new-secret', 'xyz-password', 'not-the-password')
{
	unlike($kept, qr/\Q$word\E/, "$word is in no table");
	unlike($log, qr/\Q$word\E/, "$word is not in the server log");
}
unlike($log, qr/5321234567|Moda Cd/, 'nor is a phone number or an address');
unlike($log, qr/ERROR|PANIC/, 'nothing went wrong on the way');

done_testing();
