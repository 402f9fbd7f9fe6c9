# Ganje end to end, judged by the stand-in's log: from the option in a cart to
# the parcel in the customer's hands, and every way of not getting there.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $carrier = start_carrier();
my $node = new_server('ganje', conf => 'log_min_messages = debug2');
set_up_account($node, $carrier);

sub query { return $node->safe_psql('postgres', $_[0]); }
sub drain { return query("SELECT ganje.drain('60 s')"); }

# The stand-in's JSON as an SQL literal.
sub literal { my $text = encode_json($_[0]); utf8::decode($text); $text =~ s/'/''/g; return "'$text'"; }

# What happens at the locker, told by a webhook or kept back.
sub move { my ($id, $to, %more) = @_; return control($carrier, 'POST', 'move', { external_id => $id, to => $to, %more })->{webhook}; }
sub report { my ($webhook) = @_; return query('SELECT ganje.receive_webhook(' . "'ganje', " . literal($webhook) . ')'); }

sub calls { my ($method, $path) = @_; return grep { ($_->{method} // '') eq $method && $_->{path} =~ $path } carrier_log($carrier); }

sub shipment
{
	my ($id, $columns) = @_;
	return query("SELECT concat_ws('|', " . ($columns // 'status, normalized_status') . ") FROM ganje.shipment WHERE external_id = '$id'");
}

sub shipment_id { return shipment($_[0], 'shipment_id'); }

# "Send via Ganje" is one of the cart's options, because a store's rule names
# a provider that is tied to the account.
query(q{
	SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone"}');
	SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [{"ruleId": "R", "types": ["SELF"], "providers": ["GANJE"], "fee": 25}]}');
	SELECT ganje.upsert_shipment_provider('{"storeId": "S", "shipmentType": "SELF", "providerId": "GANJE", "name": "Send via Ganje",
		"data": {"carrierAccount": "locker"}}');
	CREATE TABLE orders (id text PRIMARY KEY, hold_id text, phone text);
	SELECT ganje.attach_orders('orders', '{"orderId": "id", "holdId": "hold_id", "phone": "phone"}')});
my $cart = '"zoneId": "Z", "cart": {"items": [{"itemId": "tea", "price": 9}]}';
my ($option) = @{ decode_json(query("SELECT ganje.get_pools('{$cart}') -> 0 -> 0 -> 'options'")) };
is_deeply([ @$option{qw(type provider fee)} ], [ 'SELF', 'GANJE', 25 ], 'the cart has the option');
query(qq{INSERT INTO orders SELECT 'A 1/2', ganje.hold_slot('{$cart,
	"pool": [{"items": ["tea"], "type": "$option->{type}", "provider": "$option->{provider}"}]}') ->> 'holdId', '0912 345 67 89'});
is(drain(), '0', 'the order is told');
my ($told) = orders_at($carrier);
is_deeply($told->{body}, { external_id => 'A 1/2', phone_number => '+989123456789' }, 'as a pre-order for the customer');
is($told->{authorization}, 'token 1', 'with a token');
my $link = shipment('A 1/2', 'order_link');
like($link, qr{^http://127\.0\.0\.1:\d+/reserve/\d+$}, 'and the shipment has its link');

# The customer chooses; the shop's page tells the database.
my $chosen = control($carrier, 'POST', 'select', { external_id => 'A 1/2' });
is(query("SELECT ganje.ganje_selected('A 1/2', " . literal($chosen->{selection}) . ")"), '1', 'the selection is stored');
is(shipment('A 1/2', "station ->> 'uuid', expected_duration"), "$chosen->{selection}{selectedStation}{uuid}|24", 'station and duration');
is(shipment('A 1/2', "to_char(expected_check_in AT TIME ZONE 'Asia/Tehran', 'YYYY-MM-DD HH24:MI:SS')"),
	$chosen->{selection}{selectedTimeScope}{expected_check_in}, 'and the expected time, in the time zone of the account');

# All statuses by webhook: station known by both keys once Ganje was asked.
report($chosen->{webhook});
query("SELECT ganje.enqueue(s, 'occupancy') FROM ganje.shipment AS s WHERE external_id = 'A 1/2'");
is(drain(), '0', 'Ganje is asked');
is((calls('GET', qr{/occupancies/}))[0]{path}, '/v1.1/hub-management/occupancies/A%201%2F2/', 'by our id, percent-encoded');
is(query("SELECT count(*) || ' ' || bool_and(confirmed) || ' ' || min(uuid) || ' ' || min(slug) FROM ganje.station"),
	"1 true $chosen->{selection}{selectedStation}{uuid} $chosen->{webhook}{station}{slug}", 'one station, with both its keys');
report(move('A 1/2', 'occupied'));
is(shipment('A 1/2', "status, normalized_status, extract(epoch FROM expires_at - (SELECT checked_in_at FROM ganje.shipment_parcel))::integer"),
	'IN_TRANSIT|ready_for_pickup|86400', 'in the locker, for a day');
report(move('A 1/2', 'expired'));
is(query("SELECT order_id || '|' || station || '|' || slug FROM ganje.parcels_to_collect"),
	"A 1/2|$chosen->{webhook}{station}{nickname}|$chosen->{webhook}{station}{slug}", 'not collected: the courier must');
report(move('A 1/2', 'returned'));
is(shipment('A 1/2', 'normalized_status, expires_at IS NULL'), 'return_to_sender|t', 'returned');
is(query("SELECT count(*) FROM ganje.parcels_to_collect"), '0', 'and nothing is left to collect');
is(query("SELECT string_agg(coalesce(carrier_status, source), ' ' ORDER BY event_id) FROM ganje.shipment_event"),
	'order app reserved occupied expired returned', 'the journey has every step once');

# The answer of a pre-order is lost: sent again under the same key, one link.
for my $fault (qw(close_after_commit reset_mid_body wrong_json))
{
	control($carrier, 'DELETE', 'log');
	faults($carrier, { match => 'pre-order', action => $fault });
	query("INSERT INTO ganje.shipment (order_id, account_id, external_id, phone) VALUES ('$fault', 'locker', '$fault', '+989121234567')");
	is(drain(), '0', "$fault: delivered in the end");
	my @tries = orders_at($carrier);
	is_deeply([ map { $_->{repeated} ? 1 : 0 } @tries ], [ 0, 1 ], "$fault: the carrier had it the first time");
	is($tries[0]{headers}{'idempotency-key'}, $tries[1]{headers}{'idempotency-key'}, "$fault: both tries have one key");
	my ($occupancy) = grep { $_->{external_id} eq $fault } @{ control($carrier, 'GET', 'occupancies') };
	is(scalar(grep { $_->{external_id} eq $fault } @{ control($carrier, 'GET', 'occupancies') }), 1, "$fault: one pre-order is there");
	like(shipment($fault, 'order_link'), qr{/reserve/\d+$}, "$fault: and its link is known");
}

# Cancelling. Nobody has reserved yet: Ganje is asked, and has nothing.
sub told_order
{
	my ($id) = @_;
	query("INSERT INTO ganje.shipment (order_id, account_id, external_id, phone) VALUES ('$id', 'locker', '$id', '+989121234567')");
	drain();
	return shipment_id($id);
}
control($carrier, 'DELETE', 'log');
my $id = told_order('C1');
like(query("SELECT ganje.cancel_at_carrier('$id', 'out of stock')"), qr/^[0-9A-Z]{26}$/, 'a request is made of the wish to cancel');
is(drain(), '0', 'and it is answered');
is(shipment('C1'), 'CANCELLED|cancelled', 'nothing was reserved: cancelled');
is(scalar(calls('PATCH', qr{})), 0, 'nothing was there to be cancelled');
# The customer opens the old link and reserves.
my $late = control($carrier, 'POST', 'select', { external_id => 'C1' })->{webhook};
report($late);
is(drain(), '0', 'what is reserved afterwards');
is_deeply([ map { "$_->{path} $_->{status}" } calls('PATCH', qr{}) ], ["/v1.1/lastmile/occupancy/transit-by-supplier/$late->{uuid}/cancel/ 200"],
	'is cancelled at once, by its uuid');
is((calls('PATCH', qr{}))[0]{body}, undef, 'without a body');
is(shipment('C1'), 'CANCELLED|cancelled', 'and the shipment is cancelled again');

# Reserved, two parcels, of which one webhook was lost: asked, and both are cancelled.
control($carrier, 'DELETE', 'log');
$id = told_order('C2');
my $first = move('C2', 'reserved');
my $second = control($carrier, 'POST', 'add-parcel', { external_id => 'C2' })->{webhook};
report($second);
query("SELECT ganje.cancel_at_carrier('$id', NULL)");
drain();
is(scalar(calls('PATCH', qr{\Q$second->{uuid}\E})), 1, 'the parcel that is known is cancelled');
report($first);
is(drain(), '0', 'and the other one when its webhook comes');
is_deeply([ sort map { "$_->{uuid} $_->{status}" } grep { $_->{external_id} eq 'C2' } @{ control($carrier, 'GET', 'occupancies') } ],
	[ sort map { "$_->{uuid} canceled" } $first, $second ], 'both are cancelled at the carrier');
is(shipment('C2'), 'CANCELLED|cancelled', 'and here');

# The answer of a cancel is lost: the second try is refused, and Ganje is asked what is true.
control($carrier, 'DELETE', 'log');
$id = told_order('C3');
report(move('C3', 'reserved'));
faults($carrier, { match => '/cancel/', action => 'close_after_commit' });
query("SELECT ganje.cancel_at_carrier('$id', NULL)");
wait_for(sub { shipment('C3') eq 'CANCELLED|cancelled' }, 'the lost answer is made good');
is_deeply([ map { $_->{status} } calls('PATCH', qr{}) ], [ 200, 400 ], 'the second try was refused');
is(scalar(calls('GET', qr{/occupancies/C3/})), 1, 'and the carrier was asked once');
query("SELECT ganje.cancel_request(request_id) FROM ganje.dead_letters");

# In the locker already, which nobody has told: refused, for people to see.
control($carrier, 'DELETE', 'log');
$id = told_order('C4');
report(move('C4', 'reserved'));
move('C4', 'occupied');
query("SELECT ganje.cancel_at_carrier('$id', 'too late')");
wait_for(sub { shipment('C4') eq 'IN_TRANSIT|ready_for_pickup' }, 'the carrier has told that it is in the locker');
is(query("SELECT operation || '|' || last_status || '|' || attempts || '|' || last_error FROM ganje.dead_letters"),
	'cancel|400|1|the carrier refuses to cancel: This transition is not possible on this occupancy', 'the refusal is a dead letter');
is(query("SELECT string_agg(coalesce(detail ->> 'cancel', carrier_status, source), ' ' ORDER BY event_id) FROM ganje.shipment_event WHERE shipment_id = '$id'"),
	'order reserved refused occupied', 'and a step of the journey');
my ($status, $stdout, $stderr) = $node->psql('postgres', "SELECT ganje.cancel_at_carrier('$id', 'again')");
like($stderr, qr/no parcel that is only reserved: 'occupied' cannot be cancelled/, 'then the wish is refused right here');
query("SELECT ganje.cancel_request(request_id) FROM ganje.dead_letters");

# Gone at the carrier, whoever took it away.
control($carrier, 'DELETE', 'log');
$id = told_order('C5');
my $gone = move('C5', 'reserved');
report($gone);
control($carrier, 'POST', 'forget', { uuid => $gone->{uuid} });
query("SELECT ganje.cancel_at_carrier('$id', NULL)");
wait_for(sub { shipment('C5') eq 'CANCELLED|cancelled' }, 'what is not found is cancelled');
is_deeply([ map { "$_->{method} $_->{status}" } grep { $_->{path} !~ /pre-order/ } carrier_log($carrier) ], [ 'PATCH 404', 'GET 404' ],
	'once it is found neither by its uuid nor by our id');
is(query("SELECT count(*) FROM ganje.dead_letters"), '0', 'that is no dead letter');

# Not told yet: taken back, and the carrier never hears of it.
control($carrier, 'DELETE', 'log');
query("SELECT ganje.pause_sending()");
query("INSERT INTO ganje.shipment (order_id, account_id, external_id, phone) VALUES ('C6', 'locker', 'C6', '+989121234567')");
is(query("SELECT ganje.cancel_at_carrier('" . shipment_id('C6') . "', NULL) IS NULL"), 't', 'nobody need be asked');
query("SELECT ganje.resume_sending()");
told_order('C7');
is_deeply([ map { $_->{body}{external_id} } orders_at($carrier) ], ['C7'], 'the carrier hears of the next order alone');

# Answers that are none: each is tried again, and nothing is believed.
$id = told_order('E1');
move('E1', 'reserved');
for my $what ('occupancies/E1', '/cancel/')
{
	my $operation = $what eq '/cancel/' ? 'cancel' : 'occupancy';
	my @faults = (
		{ action => 'html' }, { action => 'huge', bytes => 10 * 1024 * 1024 }, { action => 'gzip_bomb', bytes => 300000 },
		{ action => 'status', code => 200, body => '[7]' }, { action => 'status', code => 200, body => '{"uuid": 7, "status": true}' },
		{ action => 'status', code => 500 }, { action => 'status', code => 429, headers => { 'Retry-After' => 0 } }, { action => 'reset' });
	push @faults, { action => 'wrong_json' } if $operation eq 'occupancy';
	control($carrier, 'DELETE', 'log');
	faults($carrier, map { { match => $what, %$_ } } @faults);
	query("SELECT ganje.enqueue(s, '$operation') FROM ganje.shipment AS s WHERE external_id = 'E1'");
	is(drain(), '0', "$operation: delivered after " . scalar(@faults) . ' answers that are none');
	is(scalar(grep { $_->{path} =~ /\Q$what\E/ } carrier_log($carrier)), scalar(@faults) + 1, "$operation: each was tried again");
	is(query("SELECT count(*) FROM ganje.dead_letters"), '0', "$operation: none was given up");
}
is(shipment('E1'), 'CANCELLED|cancelled', 'and in the end the truth is known');

# Final refusals of the occupancy call.
for my $code (400, 403, 404, 405)
{
	faults($carrier, { match => 'occupancies/C7', action => 'status', code => $code, body => "<html>no $code</html>" });
	query("SELECT ganje.enqueue(s, 'occupancy') FROM ganje.shipment AS s WHERE external_id = 'C7'");
	wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters") eq '1' }, 'there is a dead letter');
	is(query("SELECT last_status || ' ' || attempts FROM ganje.dead_letters"), "$code 1", "$code of something in between is final");
	query("SELECT ganje.cancel_request(request_id) FROM ganje.dead_letters");
}

# The token is refused in the middle of things.
control($carrier, 'POST', 'expire-tokens', {});
control($carrier, 'DELETE', 'log');
query("SELECT ganje.enqueue(s, 'occupancy') FROM ganje.shipment AS s WHERE external_id = 'C7'");
is(drain(), '0', 'a token that expired is fetched anew');
is_deeply([ map { $_->{status} } grep { $_->{path} =~ /C7/ } carrier_log($carrier) ], [ 401, 404 ], 'and the call repeated');
is(scalar(logins_at($carrier)), 1, 'after one login');

# Webhooks that never come: the worker asks, and stops when there is nothing more to be told.
is(query("SELECT count(*) FROM ganje.shipment_poll WHERE due_at < now() + interval '15 minutes'"), '0', 'Ganje is not asked while its webhooks come');
query(q{UPDATE ganje.carrier_account SET settings = '{"poll": {"waitingSeconds": 0.2, "maxSeconds": 0.5, "perSecond": 20}}'});
control($carrier, 'DELETE', 'log');
$id = told_order('P1');
wait_for(sub { calls('GET', qr{/occupancies/P1/}) >= 2 }, 'it is asked for');
is(shipment('P1'), 'PENDING|pending', 'nothing is reserved yet, which is no news');
my $unheard = move('P1', 'reserved');
wait_for(sub { query("SELECT parcel_ref FROM ganje.shipment_parcel WHERE shipment_id = '$id'") eq $unheard->{uuid} }, 'what is reserved is known');
faults($carrier, map { { match => 'occupancies/P1', %$_ } } { action => 'html' }, { action => 'huge', bytes => 10 * 1024 * 1024 },
	{ action => 'wrong_json' }, { action => 'status', code => 404, body => 'no JSON' }, { action => 'reset' });
move('P1', 'occupied');
wait_for(sub { shipment('P1') eq 'IN_TRANSIT|ready_for_pickup' }, 'so is what is in the locker');
is(scalar(grep { $_->{left} } @{ control($carrier, 'GET', 'faults') }), 0, 'through answers that are none');
is(query("SELECT count(*) FROM ganje.dead_letters"), '0', 'a poll that fails is no dead letter');
# The webhook comes after all: it says what is known.
my $events = "SELECT string_agg(coalesce(carrier_status, source), ' ' ORDER BY event_id) FROM ganje.shipment_event WHERE shipment_id = '$id'";
report($unheard);
is(query($events), 'order reserved occupied', 'a webhook that is late is no step of the journey');
# One that says more than the last poll did: rank settles it.
report({ %$unheard, status => 'unoccupied', check_out => '2026-01-01 10:00:00' });
is(shipment('P1'), 'DELIVERED|delivered', 'the customer has it');
is(query($events), 'order reserved occupied unoccupied', 'says the journey');
wait_for(sub { query("SELECT count(*) FROM ganje.shipment_poll WHERE shipment_id = '$id'") eq '0' }, 'then it is asked for no more');
is(query("SELECT count(*) FROM ganje.shipment_event WHERE shipment_id = '$id' AND detail ->> 'via' = 'poll'"), '2', 'two steps are known from polls');

my $log = server_log($node);
unlike($log, qr/access-[0-9a-f]{8}|"secret"/, 'no secret in the server log');
unlike($log, qr/9123456789|9121234567/, 'no phone in the server log');

$node->stop;
done_testing();
