# Webhooks in any order, repeated, cut off and hostile: the shipments end as
# they would have in order, nothing raises and nothing is lost.
#
# INBOX_WEBHOOKS and INBOX_SEED make it longer and repeat it; the seed is
# printed. make oracle-inbox WEBHOOKS=100000 SEED=7 runs it by itself.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $webhooks = $ENV{INBOX_WEBHOOKS} || 2000;
my $seed = $ENV{INBOX_SEED} || int(rand(1_000_000)) + 1;
diag("INBOX_SEED=$seed");

my $files = PostgreSQL::Test::Utils::tempdir();
my $said = qx(python3 "$FindBin::RealBin/../webhooks/generate.py" --webhooks $webhooks --seed $seed --directory "$files");
is($?, 0, 'generated');
diag($said);

my $node = PostgreSQL::Test::Cluster->new('inbox');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nlog_statement = none");
$node->start;

sub query { return $node->safe_psql('postgres', $_[0]); }

query(q{
	CREATE EXTENSION ganje_logistics;
	SELECT ganje.pause_sending();
	INSERT INTO ganje.carrier_account (account_id, carrier, base_url, timezone, settings) VALUES
		('locker', 'ganje', 'https://ganje.example', NULL, '{}'),
		('locker-2', 'ganje', 'https://ganje.example', 'Asia/Dubai', '{}'),
		('shop-a', 'ginee', 'https://ginee.example', NULL, '{"merchantId": "M1"}'),
		('shop-b', 'ginee', 'https://ginee.example', 'Asia/Jakarta', '{}'),
		('shop-c', 'ginee', 'https://ginee.example', NULL, '{"merchantId": "M1"}');
	CREATE TABLE shipments (merchant_id text, account_id text, external_id text, late boolean);
	CREATE TABLE payloads (number integer PRIMARY KEY, source text, payload bytea, is_text boolean);
	CREATE TABLE verdicts (number integer PRIMARY KEY, verdict text);
	CREATE TABLE parcels (merchant_id text, account_id text, external_id text, uuid text, status text, check_in timestamp, check_out timestamp);
	CREATE TABLE states (merchant_id text, account_id text, external_id text, normalized_status text, status text);
	CREATE TABLE made (merchant_id text, account_id text, external_id text, state jsonb);
	CREATE TABLE orders (merchant_id text, order_id text, state jsonb);
});
query("\\copy $_ from '$files/$_.tsv'") foreach qw(shipments payloads verdicts parcels states made orders);
query('ANALYZE');

# Some of the orders come later than what is said of them.
my $place = q{
	INSERT INTO ganje.shipment (merchant_id, order_id, account_id, external_id, phone)
	SELECT merchant_id, external_id, account_id, external_id, '+989121234567' FROM shipments WHERE };
query($place . 'NOT late');

# Of three parts one comes in one statement, one by calls in transactions of
# any length, and one by two sessions at a time; raw bytes by calls alone.
my $header = q{jsonb_build_object('x-number', number::text)};
my $third = int($webhooks / 3) + 1;
query(qq{
	INSERT INTO ganje.webhook_inbox (source, payload, headers)
	SELECT source, convert_from(payload, 'UTF8'), $header FROM (SELECT * FROM payloads WHERE is_text AND number < $third OFFSET 0) AS p});
query(qq{
	DO \$\$
	DECLARE
		one payloads;
	BEGIN
		FOR one IN SELECT * FROM payloads WHERE number >= $third AND number < 2 * $third OR NOT is_text AND number < $third ORDER BY number LOOP
			IF one.is_text AND one.number % 2 = 0 THEN
				PERFORM ganje.receive_webhook(one.source, convert_from(one.payload, 'UTF8'), jsonb_build_object('X-Number', one.number::text));
			ELSE
				PERFORM ganje.receive_webhook(one.source, one.payload, jsonb_build_object('X-Number', one.number::text));
			END IF;
			IF one.number % 977 = 0 THEN
				COMMIT;
			END IF;
		END LOOP;
	END
	\$\$});
my @sessions = map {
	my $remainder = $_;
	my ($out, $err) = ('', '');
	my $script = qq{
		DO \$\$
		DECLARE
			one payloads;
		BEGIN
			FOR one IN SELECT * FROM payloads WHERE number >= 2 * $third AND number % 2 = $remainder ORDER BY number LOOP
				PERFORM ganje.receive_webhook(one.source, one.payload, jsonb_build_object('X-Number', one.number::text));
				COMMIT;
			END LOOP;
		END
		\$\$};
	{
		# As an argument: what start() is to write waits for finish(), one session after the other.
		run => IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', $script, '-d', $node->connstr('postgres') ],
			'<', \undef, '>', \$out, '2>', \$err),
		err => \$err
	}
} 0, 1;
foreach my $session (@sessions)
{
	$session->{run}->finish;
	is(${ $session->{err} }, '', 'a session that received webhooks beside another ended well');
}

is(query('SELECT count(*) FROM ganje.webhook_inbox'), query('SELECT count(*) FROM payloads'), 'none is lost');
is(query(q{SELECT count(*) FROM ganje.webhook_inbox WHERE state = 'received'}), '0', 'none is left lying');
is(query(q{SELECT count(*) FROM ganje.webhook_inbox AS i JOIN payloads AS p ON p.number = (i.headers ->> 'x-number')::int
	WHERE original_bytes IS NULL AND convert_to(i.payload, 'UTF8') <> p.payload AND decode(i.payload, 'escape') <> p.payload}),
	'0', 'each is kept as it came');

query($place . 'late');
query("SELECT * FROM ganje.reprocess_webhooks(max_entries => 100)");
query("SELECT * FROM ganje.reprocess_webhooks()");

my $wrong = query(q{
	SELECT v.verdict, i.state, i.reason, i.detail, count(*), min(v.number)
	  FROM verdicts AS v LEFT JOIN ganje.webhook_inbox AS i ON (i.headers ->> 'x-number')::int = v.number
	 WHERE (CASE WHEN i.state = 'quarantined' THEN i.reason ELSE 'settled' END) IS DISTINCT FROM v.verdict
	 GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT 20});
is($wrong, '', 'each payload became what it should');
is(query(q{
	SELECT e.*, s.normalized_status, s.status FROM states AS e LEFT JOIN ganje.shipment AS s USING (merchant_id, account_id, external_id)
	 WHERE (e.normalized_status, e.status) IS DISTINCT FROM (s.normalized_status, s.status) LIMIT 20}),
	'', 'the shipments ended as in order');
is(query(q{
	SELECT e.*, p.carrier_status, p.checked_in_at, p.checked_out_at
	  FROM parcels AS e
	  LEFT JOIN (ganje.shipment_parcel AS p JOIN ganje.shipment AS s USING (merchant_id, shipment_id))
	    ON s.merchant_id = e.merchant_id AND s.account_id = e.account_id AND s.external_id = e.external_id AND p.parcel_ref = e.uuid
	 CROSS JOIN LATERAL (SELECT CASE e.account_id WHEN 'locker' THEN 'Asia/Tehran' ELSE 'Asia/Dubai' END) AS z(zone)
	 WHERE (e.status, e.check_in, e.check_out) IS DISTINCT FROM
	       (p.carrier_status, p.checked_in_at AT TIME ZONE z.zone, p.checked_out_at AT TIME ZONE z.zone) LIMIT 20}),
	'', 'and so did their parcels');
is(query('SELECT count(*) FROM ganje.shipment_parcel'), query('SELECT count(*) FROM parcels'), 'there are no others');
is(query(q{
	SELECT e.merchant_id, e.account_id, e.external_id, k.key, k.value AS expected, s.state -> k.key AS found
	  FROM made AS e
	  LEFT JOIN (SELECT s.merchant_id, s.account_id, s.external_id, jsonb_build_object('order', s.order_id, 'tracking', s.tracking_number,
	                    'waybill', s.waybill_url, 'provider', s.provider, 'address', s.address, 'recipient', s.recipient, 'phone', s.phone,
	                    'normalized', s.normalized_status, 'status', s.status,
	                    'data', (SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}') FROM jsonb_each(s.data) AS d WHERE d.key ~ '^(place|common)'),
	                    'items', (SELECT coalesce(jsonb_agg(jsonb_build_array(i.item_id, i.quantity) ORDER BY i.position), '[]')
	                                FROM ganje.shipment_item AS i WHERE i.merchant_id = s.merchant_id AND i.shipment_id = s.shipment_id)) AS state
	               FROM ganje.shipment AS s WHERE s.made_by = 'ginee') AS s USING (merchant_id, account_id, external_id)
	 CROSS JOIN LATERAL jsonb_each(e.state) AS k
	 WHERE k.value IS DISTINCT FROM s.state -> k.key LIMIT 20}),
	'', 'shipments that Ginee made have each field of the latest message that names it');
is(query("SELECT count(*) FROM ganje.shipment WHERE made_by IS NOT NULL"), query('SELECT count(*) FROM made'), 'there are no others');
is(query(q{
	SELECT e.*, o.order_status, o.channel, o.told
	  FROM orders AS e LEFT JOIN ganje.marketplace_order AS o USING (merchant_id, order_id)
	 WHERE e.state IS DISTINCT FROM jsonb_build_object('status', o.order_status, 'channel', o.channel) LIMIT 20}),
	'', 'and so have its orders');
is(query('SELECT count(*) FROM ganje.marketplace_order'), query('SELECT count(*) FROM orders'), 'of which there are no others');
is(query(q{
	SELECT count(*) FROM (SELECT shipment_id, detail ->> 'parcel', carrier_status FROM ganje.shipment_event
	 WHERE source = 'ganje' GROUP BY 1, 2, 3 HAVING count(*) > 1) AS twice}), '0', 'no step was taken twice');
diag(query(q{SELECT string_agg(n || ' ' || what, ', ' ORDER BY what) FROM (
	SELECT count(*) AS n, concat_ws(' ', state, reason) AS what FROM ganje.webhook_inbox GROUP BY 2) AS t}));
my $errors = () = server_log($node) =~ /ERROR:/g;
is($errors, 0, 'the server logged no error');
unlike(server_log($node), qr/\+98912|FATAL|PANIC/, 'nor a phone number');

$node->stop;
done_testing();
