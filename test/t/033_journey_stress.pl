# People, the worker, polls and whole orders at a few shipments at once, of
# which several are one to their carrier and share slots in any order: no
# deadlock, no step lost, no slot miscounted.  JOURNEY_STRESS_SECONDS and
# JOURNEY_STRESS_CLIENTS make it longer and wider; the random seed is printed
# and taken back from JOURNEY_STRESS_SEED.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{JOURNEY_STRESS_SECONDS} // 5;
my $clients = $ENV{JOURNEY_STRESS_CLIENTS} // 8;
my $seed = $ENV{JOURNEY_STRESS_SEED} // int(rand(1_000_000));
diag("JOURNEY_STRESS_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('journey_stress');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 100\ndeadlock_timeout = 50ms\nfsync = off");
$node->start;
sub query { return $node->safe_psql('postgres', $_[0]); }

# Not preloaded: there is no worker but the clients who play it.  Every status
# may be gone back from and cancelled, so that nothing stands still.
query(q{
CREATE EXTENSION ganje_logistics;
SELECT ganje.upsert_option('{"optionId": "SHIPMENT_STATUSES", "data": [{"status": "CANCELLED", "cancel": true},
	{"status": "PENDING", "cancellable": true, "addable": true}, {"status": "PACKAGING", "cancellable": true, "addable": true, "back": true},
	{"status": "READY", "cancellable": true, "addable": true, "back": true}, {"status": "IN_TRANSIT", "cancellable": true, "back": true}, {"status": "DELIVERED"}]}');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, settings)
VALUES ('K', 'hesapkurye', 'https://api.hesapkurye.com', '{"outSourceId": 5, "restaurantId": "R"}');
INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, capacity, used)
SELECT 'DEFAULT', 'S', 'r' || n, '2026-03-01', '10:00', '12:00', 1000000, 0 FROM generate_series(1, 5) AS n;
CREATE SEQUENCE order_number;
CREATE TABLE outcome (what text, state text);

-- An order of three shipments in slots of any order; every second one has a carrier, to which they are one.
CREATE PROCEDURE place() LANGUAGE plpgsql AS $$
DECLARE
	id text := 'O' || nextval('order_number');
BEGIN
	INSERT INTO ganje.hold (merchant_id, hold_id, zone_id, state, order_id, created_at, expires_at) VALUES ('DEFAULT', id, 'Z', 'confirmed', id, now(), 'infinity');
	INSERT INTO ganje.hold_unit (merchant_id, hold_id, group_no, state, store_merchant_id, store_id, rule_id, type, day, slot_from, slot_to, fee, items, expires_at)
	SELECT 'DEFAULT', id, row_number() OVER (), 'confirmed', 'DEFAULT', 'S', c.rule_id, 'SELF', c.day, c.slot_from, c.slot_to, 0, '[]', 'infinity'
	  FROM (SELECT * FROM ganje.slot_counter ORDER BY random() LIMIT 3) AS c;
	PERFORM 1 FROM ganje.slot_counter AS c ORDER BY c.rule_id FOR UPDATE;
	UPDATE ganje.slot_counter AS c SET used = c.used + 1 WHERE c.rule_id IN (SELECT u.rule_id FROM ganje.hold_unit AS u WHERE u.hold_id = id);
	INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, hold_id, group_no, type, account_id, external_id, address, data)
	SELECT 'DEFAULT', id || '-' || (4 - n), id, id, n, 'SELF', CASE WHEN right(id, 1)::integer % 2 = 0 THEN 'K' END, id, '"Moda Cd. 5"',
	       '{"paymentMethod": {"id": 2, "name": "Kart"}, "packagePrice": 5}' FROM generate_series(1, 3) AS n;
END
$$;

-- One of the last orders.
CREATE FUNCTION some_order() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT o.order_id FROM (SELECT s.order_id FROM ganje.shipment AS s ORDER BY s.enqueued_at DESC LIMIT 12) AS o ORDER BY random() LIMIT 1
$$;

-- Does something and notes what became of it.
CREATE PROCEDURE try(what text) LANGUAGE plpgsql AS $$
<<chosen>>
DECLARE
	order_id text := some_order();
	shipment_id text := order_id || '-' || (1 + floor(random() * 3)::integer);
	delivery ganje.outbox_delivery;
	status text := (ARRAY['PENDING', 'PACKAGING', 'READY', 'IN_TRANSIT', 'CANCELLED'])[1 + floor(random() * 5)::integer];
	word text := (1 + floor(random() * 8)::integer)::text;
BEGIN
	CASE what
		WHEN 'move' THEN
			PERFORM ganje.change_shipment_status(order_id, shipment_id, status);
		WHEN 'journey' THEN
			PERFORM ganje.shipment_journey(jsonb_build_object('orderId', order_id, 'shipmentId', shipment_id, 'status', status, 'boxes', ARRAY[random()::text]));
		WHEN 'edit' THEN
			PERFORM ganje.upsert_shipment(jsonb_build_object('orderId', order_id, 'shipmentId', shipment_id, 'data', jsonb_build_object('n', random())));
		WHEN 'cancel' THEN
			PERFORM ganje.cancel_order(jsonb_build_object('orderId', order_id), 'x');
		WHEN 'answer' THEN
			UPDATE ganje.outbox_delivery AS d SET state = 'leased', lease_token = 't', attempts = attempts + 1
			 WHERE (d.merchant_id, d.request_id) = (SELECT o.merchant_id, o.request_id FROM ganje.outbox_delivery AS o WHERE o.state = 'pending' ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)
			RETURNING * INTO delivery;
			PERFORM ganje.record_answer(delivery.merchant_id, delivery.request_id, 't', ROW(200, '{}', format('{"StatusValue": %s}', word))::ganje.http_response,
			                            NULL, random() < 0.3, 1, clock_timestamp(), 5, '');
		WHEN 'news' THEN
			PERFORM ganje.apply_patch('DEFAULT', s.id, 'hesapkurye', jsonb_build_object('entity', 'package', 'carrierStatus', word))
			   FROM (SELECT t.shipment_id AS id FROM ganje.shipment AS t WHERE t.order_id = chosen.order_id AND t.account_id IS NOT NULL ORDER BY 1) AS s;
	END CASE;
	INSERT INTO outcome VALUES (what, 'done');
EXCEPTION WHEN OTHERS THEN
	INSERT INTO outcome VALUES (what, SQLSTATE || CASE WHEN SQLSTATE IN ('55000') THEN '' ELSE ' ' || SQLERRM END);
END
$$;
CALL place();
CALL place();
});

my $scripts = PostgreSQL::Test::Utils::tempdir();
append_to_file("$scripts/$_", "CALL try('$_');\n") foreach qw(move journey edit cancel answer news);
append_to_file("$scripts/place", "CALL place();\n");

my ($out, $err) = ('', '');
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-c', $clients, '-j', 2, '-T', $seconds, '--random-seed', $seed, '-h', $node->host, '-p', $node->port,
	  map({ ('-f', "$scripts/$_->[0]\@$_->[1]") } [ move => 6 ], [ journey => 4 ], [ edit => 2 ], [ cancel => 2 ], [ answer => 6 ], [ news => 3 ], [ place => 2 ]),
	  'postgres' ],
	'>', \$out, '2>', \$err);
ok($load->finish, 'every client ran to its end') or diag($err);
unlike($err, qr/deadlock|ERROR|aborted/, 'no client was aborted');
is(query("SELECT what, state, count(*) FROM outcome WHERE state NOT IN ('done', '55000') GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5"), '', 'what was not done was refused');
my %count = map { split /\|/ } split /\n/, query("SELECT what || ' ' || state, count(*) FROM outcome GROUP BY 1");
cmp_ok($count{"$_ done"} // 0, '>', 0, "there was: $_ (" . ($count{"$_ done"} // 0) . ")") foreach qw(move journey edit cancel answer news);

# A journey without a lost step is a path: every status is left as often as it
# is come to, but for the one that the shipment has.
is(query(q{
	SELECT shipment_id, status, sum(n)
	  FROM (SELECT e.shipment_id, e.status, 1 AS n FROM ganje.shipment_event AS e
	        UNION ALL SELECT e.shipment_id, e.previous_status, -1 FROM ganje.shipment_event AS e WHERE e.previous_status IS NOT NULL
	        UNION ALL SELECT s.shipment_id, s.status, -1 FROM ganje.shipment AS s) AS steps
	 GROUP BY 1, 2 HAVING sum(n) <> 0}), '', 'no step of a journey is lost');
is(query(q{
	SELECT c.rule_id FROM ganje.slot_counter AS c
	 WHERE c.used <> (SELECT count(*) FROM ganje.hold_unit AS u WHERE u.rule_id = c.rule_id AND u.state = 'confirmed')}), '', 'counters are the units');
is(query(q{
	SELECT s.shipment_id FROM ganje.shipment AS s JOIN ganje.hold_unit AS u USING (merchant_id, hold_id, group_no)
	 WHERE (u.state = 'confirmed') = (s.normalized_status = 'cancelled')
	   AND NOT EXISTS (SELECT FROM ganje.shipment_event AS e WHERE e.shipment_id = s.shipment_id AND e.normalized_status = 'cancelled' AND s.normalized_status <> 'cancelled')}),
	'', 'who is cancelled has given the slot back, and nobody else');

$node->stop;
my ($deadlock) = slurp_file($node->logfile) =~ /^(.*deadlock detected.*\n(?:.*\n){0,30})/m;
is($deadlock // '', '', 'the server saw no deadlock');
done_testing();
