# Logical replication of the tables: a subscriber gets configuration and data,
# sees changed zones at once in sessions that had them in their cache, and
# neither sends what the publisher sends nor does anything again.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $carrier = start_carrier();
my $publisher = new_server('publisher', stream => 'logical');
my $subscriber = new_server('subscriber', stream => 'logical');

sub query { return $publisher->safe_psql('postgres', $_[0]); }
sub there { return $subscriber->safe_psql('postgres', $_[0]); }

set_up_account($publisher, $carrier);
query(q{
	SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone", "timezone": "Asia/Tehran", "rules": [
		{"loc": {"circle": {"center": {"lat": 35.7, "lng": 51.4}, "radius": 20000}}}]}');
	SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [{"ruleId": "R", "types": ["CARGO"], "providers": ["GANJE"], "fee": 5, "capacity": 50}]}');
	SELECT ganje.upsert_shipment_provider('{"storeId": "S", "shipmentType": "CARGO", "providerId": "GANJE", "data": {"carrierAccount": "locker"}}');
	INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, rank) VALUES ('ganje', 'occupancy', 'lost', 'unknown', 5)});
add_shipments($publisher, 1, 3);
is(query("SELECT ganje.drain('60 s')"), '0', 'three pre-orders are sent');
query('SELECT ganje.pause_sending()');
query(q{SELECT ganje.subscribe('https://hook.invalid', '{shipment}')});
add_shipments($publisher, 4, 6);
query(q{SELECT ganje.receive_webhook('ganje', '{"uuid": "u", "status": "occupied", "external_id": "X1", "check_in": "2026-01-01 10:00:00"}')});

# Everything that a dump would take, but for secrets and for who has access: roles are each cluster's own.
my $publication = query(q{
	SELECT format('CREATE PUBLICATION ganje FOR TABLE %s', string_agg(format('%s%s', t.oid::regclass, CASE WHEN t.condition = 'WHERE NOT builtin' THEN ' WHERE (NOT builtin)' ELSE '' END), ', '))
	  FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS t(oid, condition)
	 WHERE e.extname = 'ganje_logistics' AND t.oid <> ALL ('{ganje.carrier_credential,ganje.access}'::regclass[])});
query($publication);
there(sprintf("CREATE SUBSCRIPTION ganje CONNECTION 'host=%s port=%s dbname=postgres' PUBLICATION ganje", $publisher->host, $publisher->port));
wait_for(sub { there("SELECT count(*) > 50 AND count(*) FILTER (WHERE srsubstate <> 'r') = 0 FROM pg_subscription_rel") eq 't' }, 'the tables are copied');

my $contents = q{
	SELECT c.oid::regclass || ': ' || (xpath('/row/t/text()', query_to_xml(format(
			'SELECT count(*) || '' '' || coalesce(md5(string_agg(r::text, E''\n'' ORDER BY r::text)), ''-'') AS t FROM %s AS r',
			c.oid::regclass), true, true, '')))[1]::text
	  FROM pg_extension AS e, unnest(e.extconfig) AS c(oid)
	 WHERE e.extname = 'ganje_logistics' AND c.oid <> ALL ('{ganje.carrier_credential,ganje.access}'::regclass[]) ORDER BY 1};
sub catch_up { $publisher->wait_for_catchup('ganje'); }

catch_up();
is(there($contents), query($contents), 'configuration and data are the same, row by row: nothing was done again');
like(query($contents), qr/ganje\.shipment_event: 7 /, 'of which there are some');
my $pools = q{SELECT ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}')};
is(there($pools), query($pools), 'get_pools answers the same');
is(there(q{SELECT ganje.track_shipment('{"orderId": "O1", "phoneNumber": "+989121234567"}')}),
	query(q{SELECT ganje.track_shipment('{"orderId": "O1", "phoneNumber": "+989121234567"}')}), 'and so does track_shipment');

# A session that has zones, stores and full slots in its caches, while the publisher changes them. The psql within is run by
# that of the session, which goes on when the subscriber has applied what it did.
my $at_publisher = sprintf('psql -X -q -v ON_ERROR_STOP=1 -h %s -p %s -d postgres', $publisher->host, $publisher->port);
my $wait = q{DO $$ BEGIN FOR i IN 1..3000 LOOP EXIT WHEN ganje.locate_zone(35.7, 51.4) IS DISTINCT FROM 'Z'; PERFORM pg_sleep(0.02); END LOOP; END $$;};
my ($status, $stdout, $stderr) = $subscriber->psql('postgres', qq{
SELECT ganje.locate_zone(35.7, 51.4), ganje.locate_zone(10, 10);
SELECT ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}') #>> '{0,0,options,0,fee}';
SELECT (ganje.map_status('ganje', 'occupancy', 'lost')).normalized_status;
\\! $at_publisher -c "UPDATE ganje.store_rule SET fee = 7; SELECT ganje.upsert_zone('{\\"zoneId\\": \\"N\\", \\"name\\": \\"New\\", \\"priority\\": 1, \\"rules\\": [{\\"loc\\": {\\"circle\\": {\\"center\\": {\\"lat\\": 35.7, \\"lng\\": 51.4}, \\"radius\\": 500}}}]}')" > /dev/null
$wait
SELECT ganje.locate_zone(35.7, 51.4), ganje.locate_zone(10, 10);
SELECT ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}') #>> '{0,0,options,0,fee}';
}, on_error_stop => 1);
is($stdout, "Z|\n5\nunknown\nN|\n7", 'a zone and a fee that change are seen by a session that knew the old ones') or diag($stderr);
is(there("SELECT octet_length(compiled) FROM ganje.zone WHERE zone_id = 'N'"), query("SELECT octet_length(compiled) FROM ganje.zone WHERE zone_id = 'N'"),
	'a zone has its compiled form there');

# The subscriber has the requests, an account and a worker, even a password: it sends nothing.
there(q{SELECT ganje.set_credential('locker', '{"username": "shop", "password": "secret"}')});
control($carrier, 'DELETE', 'log');
worker_pid($subscriber);
like(there("SELECT state FROM ganje.outbox_status WHERE account_id = 'locker'"), qr/^paused: a copy/, 'the subscriber says that it is a copy');
there('SELECT ganje.wake_worker()');
$subscriber->safe_psql('postgres', 'SELECT pg_sleep(2.5)');
is(scalar(carrier_log($carrier)), 0, 'and sends nothing');

# What the publisher then sends comes over with its answer.
is(query(q{SELECT count(*) FROM ganje.subscription, LATERAL (SELECT ganje.unsubscribe(subscription_id)) AS u}), '1', 'the subscriber of notifications is gone');
query('SELECT ganje.resume_sending()');
is(query("SELECT ganje.drain('60 s')"), '0', 'the publisher sends');
catch_up();
is_deeply([ sort map { $_->{body}{external_id} } orders_at($carrier) ], [qw(X4 X5 X6)], 'each once');
is(there('SELECT count(*) FROM ganje.shipment WHERE order_link IS NOT NULL'), '6', 'and the subscriber knows the links');
is(there($contents), query($contents), 'it has the same still');
like(there("SELECT state FROM ganje.outbox_status WHERE account_id = 'locker'"), qr/^paused: a copy/, 'and still is a copy');

# Once it is to take over it does, by one call: what the publisher has not sent is sent by it.
query('SELECT ganje.pause_sending()');
add_shipments($publisher, 7, 7);
catch_up();
there('DROP SUBSCRIPTION ganje');
control($carrier, 'DELETE', 'log');
there('SELECT ganje.resume_sending()');
is(there("SELECT ganje.drain('60 s')"), '0', 'after resume_sending() it sends');
is_deeply([ map { $_->{body}{external_id} } orders_at($carrier) ], ['X7'], 'what was pending, and nothing else');

$subscriber->stop;
$publisher->stop;
done_testing();
