# Ginee's signed API by the worker: what changed is listed page by page and
# applied, orders are shipped step by step, codes are taken at their word.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $carrier = start_standin('ginee.py');
my $node = new_server('ginee');

sub query { return $node->safe_psql('postgres', $_[0]); }
sub drain { return query("SELECT ganje.drain('60 s')"); }
sub calls { my ($part) = @_; return grep { ($_->{path} // '') =~ /$part/ } carrier_log($carrier); }

# A webhook that the stand-in makes, received.
sub webhook
{
	my ($entity, $action, %payload) = @_;
	my $made = control($carrier, 'POST', 'webhook', { entity => $entity, action => $action, payload => \%payload });
	my $text = encode_json($made->{webhook});
	return query("INSERT INTO ganje.webhook_inbox (source, payload) VALUES ('market', \$json\$$text\$json\$) RETURNING state");
}

query(qq{
	INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, retry_base_ms, retry_cap_ms, settings)
	VALUES ('market', 'ginee', 'http://127.0.0.1:$carrier->{port}', true, 50, 200, '{"country": "MY", "merchantId": "shop"}');
	SELECT ganje.set_credential('market', '{"accessKey": "access", "secretKey": "secret"}')});

# Reconciling: 120 orders in two windows, some known from webhooks.
my %orders = map {
	("o$_" => { orderStatus => 'SHIPPING', lastUpdateAt => sprintf('2021-01-%02dT%02d:00:00Z', 1 + $_ % 20, $_ % 24) })
} 1 .. 120;
control($carrier, 'POST', 'orders', \%orders);
is(webhook('delivery-order', 'CREATE', deliveryOrderId => 'd1', sourceOrderId => 'o1'), 'applied', 'a delivery order makes a shipment');
is(webhook('delivery-order', 'CREATE', deliveryOrderId => 'd2', sourceOrderId => 'o2'), 'applied', 'and another');
is(webhook('order', 'CREATE', orderId => 'o2', orderStatus => 'DELIVERED', lastUpdateAt => '2021-02-01T00:00:00Z'), 'applied',
	'an order is known from a webhook that is later than what the list will say');
is(query("SELECT ganje.ginee_reconcile('market', '2021-01-01Z', '2021-01-21Z')"), '2', 'twenty days are asked for in two windows');
is(drain(), '0', 'everything is listed');
is(query("SELECT count(*) FROM ganje.marketplace_order WHERE merchant_id = 'shop' AND source = 'ginee'"), '120', 'all orders are there');
is(query("SELECT string_agg(normalized_status || ' ' || status, ', ' ORDER BY order_id) FROM ganje.shipment"),
	'in_transit IN_TRANSIT, delivered DELIVERED', 'their shipments follow, but for the one of which something later is known');
is(query("SELECT order_status FROM ganje.marketplace_order WHERE order_id = 'o2'"), 'DELIVERED', 'the list takes nothing back');
is(scalar(calls('list-order')), 3, 'three pages');
is(scalar(calls('batch-get')), 3, 'each with its details');
is(scalar(grep { $_->{authorization} ne 'signed' } carrier_log($carrier)), 0, 'every request is signed');
my %asked = map { $_ => 1 } map { @{ $_->{body}{orderIds} } } calls('batch-get');
is(scalar(keys %asked), 120, 'no order is left out');

# Once more: nothing is new, nothing changes.
my $before = query("SELECT md5(string_agg(o::text, '' ORDER BY order_id)) FROM ganje.marketplace_order AS o");
query("SELECT ganje.ginee_reconcile('market', '2021-01-01Z', '2021-01-21Z')");
is(drain(), '0', 'reconciling once more');
is(query("SELECT md5(string_agg(o::text, '' ORDER BY order_id)) FROM ganje.marketplace_order AS o"), $before, 'changes no order');
is(query("SELECT count(*) FROM ganje.shipment_event WHERE carrier_status = 'SHIPPING'"), '1', 'and adds no step to a journey');

# A page whose answer is cut off, and one that was answered without being read
control($carrier, 'DELETE', 'log');
faults($carrier, { match => 'list-order', action => 'wrong_json', count => 1 }, { match => 'batch-get', action => 'close_after_commit', count => 1 });
query("SELECT ganje.ginee_reconcile('market', '2021-01-01Z', '2021-01-02Z')");
is(drain(), '0', 'an answer that cannot be read is asked for again');
is(join(' ', map { $_->{fault} // 'good' } calls('list-order')), 'wrong_json good', 'the list twice');
is(join(' ', map { $_->{fault} // 'good' } calls('batch-get')), 'close_after_commit good', 'the details twice');

# Shipping as Ginee proposes, and as the app says
control($carrier, 'POST', 'orders', { s1 => { orderStatus => 'READY_TO_SHIP', channel => 'SHOPEE_ID' },
		s2 => { orderStatus => 'READY_TO_SHIP' }, s3 => { orderStatus => 'READY_TO_SHIP' } });
webhook('delivery-order', 'CREATE', deliveryOrderId => "w-$_", sourceOrderId => $_) foreach qw(s1 s2 s3);
control($carrier, 'DELETE', 'log');
control($carrier, 'POST', 'refuse-shipping', { s3 => 'no stock' });
query("SELECT ganje.ginee_ship('market', 's1'), ganje.ginee_ship('market', 's2'),
	ganje.ginee_ship('market', 's3', '{\"deliveryType\": \"DROP_OFF\", \"shipmentProvider\": \"JNE\"}')");
is(drain(), '0', 'three orders are shipped');
is(query("SELECT string_agg(order_id || ' ' || normalized_status, ', ' ORDER BY order_id) FROM ganje.shipment WHERE order_id LIKE 's%'"),
	's1 in_transit, s2 in_transit, s3 pending', 'two are on their way');
is(query("SELECT operation || ': ' || last_error FROM ganje.dead_letters"), 'shipping-result: shipping: FAILED: no stock', 'one was refused');
is_deeply([ map { $_->{body} } sort { $a->{body}{orderId} cmp $b->{body}{orderId} } calls('v2/shipping') ],
	[ { orderId => 's1', deliveryType => 'PICK_UP', addressId => 9, pickupTimeId => '1608890400' },
	  { orderId => 's2', deliveryType => 'DROP_OFF', shipmentProvider => 'JNE' },
	  { orderId => 's3', deliveryType => 'DROP_OFF', shipmentProvider => 'JNE' } ], 'each as it should be');
is(scalar(calls('get-shipping-result')), 6, 'each result was asked for until it was complete');
is(query("SELECT count(*) FROM ganje.outbox_log WHERE operation = 'shipping-result' AND attempts = 2"), '2', 'which counts as tries');
query("SELECT ganje.cancel_request(request_id, merchant_id) FROM ganje.dead_letters");

# A shipping of which the answer is lost is refused the second time; the order tells that it is shipped.
control($carrier, 'POST', 'orders', { s4 => { orderStatus => 'READY_TO_SHIP' } });
webhook('delivery-order', 'CREATE', deliveryOrderId => 'w-s4', sourceOrderId => 's4');
faults($carrier, { match => 'v2/shipping', action => 'close_after_commit', count => 1 },
	{ match => 'v2/shipping', action => 'delay', ms => 300, count => 1 });
query("SELECT ganje.ginee_ship('market', 's4')");
wait_for(sub { grep { $_->{path} =~ /v2\/shipping/ && ($_->{body}{orderId} // '') eq 's4' } carrier_log($carrier) }, 'the shipping arrives');
control($carrier, 'POST', 'orders', { s4 => { orderStatus => 'SHIPPING' } });
is(drain(), '0', 'a shipping whose answer is lost is sent again');
is(query("SELECT last_error FROM ganje.dead_letters"), 'BUSINESS_ERROR: This order operation [LAZADA_ID] does not support', 'and refused');
is(query("SELECT normalized_status FROM ganje.shipment WHERE order_id = 's4'"), 'in_transit', 'but known to be shipped');
query("SELECT ganje.cancel_request(request_id, merchant_id) FROM ganje.dead_letters");

# The codes of answers
sub code { return { match => 'batch-get', action => 'status', code => 200, count => $_[1],
		body => { code => $_[0], message => "a message of $_[0]", data => undef } }; }
control($carrier, 'DELETE', 'log');
faults($carrier, code('SERVICE_BUSY', 2));
query("SELECT ganje.ginee_order_details('market', '{o1}')");
is(drain(), '0', 'a busy service is asked again');
is(scalar(calls('batch-get')), 3, 'until it is not busy any more');
faults($carrier, code('PARAMETER_ERROR', 1));
query("SELECT ganje.ginee_order_details('market', '{o1}')");
is(drain(), '0', 'another code is final');
is(query("SELECT attempts || ' ' || last_error FROM ganje.dead_letters"), '1 PARAMETER_ERROR: a message of PARAMETER_ERROR', 'with its message');
query("SELECT ganje.retry_request(request_id, merchant_id) FROM ganje.dead_letters");
is(drain(), '0', 'retry_request sends it again');

# Refused credentials park the account
query(q{SELECT ganje.set_credential('market', '{"accessKey": "access", "secretKey": "hunter2"}')});
control($carrier, 'DELETE', 'log');
query("SELECT ganje.ginee_order_details('market', ARRAY['p' || n]) FROM generate_series(1, 5) AS n");
wait_for(sub { query("SELECT state FROM ganje.outbox_status") =~ /^parked/ }, 'the account is parked');
wait_for(sub { query("SELECT in_flight FROM ganje.outbox_status") eq '0' }, 'nothing is on its way');
is(query("SELECT state FROM ganje.outbox_status"), 'parked: the carrier refuses the access key or the signature (IAM_FAILED)', 'and says why');
is(query("SELECT pending || ' ' || dead FROM ganje.outbox_status"), '5 0', 'its requests wait');
is(query("SELECT max(attempts) FROM ganje.outbox_delivery"), '0', 'and lose no attempt');
cmp_ok(scalar(calls('batch-get')), '<=', 5, 'each was sent once at most');
query(q{SELECT ganje.set_credential('market', '{"accessKey": "access"}')});
wait_for(sub { query("SELECT state FROM ganje.outbox_status") eq 'parked: accessKey or secretKey is missing' }, 'incomplete credentials are not sent');
query(q{SELECT ganje.set_credential('market', '{"accessKey": "access", "secretKey": "secret"}')});
is(drain(), '0', 'set_credential lets them go on');

unlike(server_log($node), qr/hunter2|81283278337/, 'neither a secret nor a phone number is in the log');
is(query("SELECT count(*) FROM ganje.outbox_attempt AS t WHERE t::text LIKE '%hunter2%'"), '0', 'nor in an attempt');
$node->stop;
done_testing();
