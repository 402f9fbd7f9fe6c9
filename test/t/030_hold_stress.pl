# Clients that hold, confirm, release and let expire at random on few slots:
# never above capacity at any moment, nothing lost or left over at the end, no
# deadlock.  HOLD_STRESS_SECONDS and HOLD_STRESS_CLIENTS make it longer and
# wider; the random seed is printed and taken back from HOLD_STRESS_SEED.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{HOLD_STRESS_SECONDS} // 6;
my $clients = $ENV{HOLD_STRESS_CLIENTS} // 8;
my $seed = $ENV{HOLD_STRESS_SEED} // int(rand(1_000_000));
diag("HOLD_STRESS_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('hold_stress');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 200\ndeadlock_timeout = 50ms\nfsync = off");
$node->start;
sub query { return $node->safe_psql('postgres', $_[0]); }

# Two merchants' stores, a rule for each of ten items, two days: twenty slots
# of one to three units.  A hold lives for one to two seconds.
query(q{
CREATE EXTENSION ganje_logistics;
SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone"}');
SELECT ganje.upsert_store(jsonb_build_object('merchantId', 'M' || m, 'storeId', 'S', 'name', 'S', 'rules', (
    SELECT jsonb_agg(jsonb_build_object('ruleId', 'r' || n, 'types', ARRAY['SELF'], 'capacity', 1 + n % 3,
                                        'category', jsonb_build_object('values', ARRAY['c' || n])))
      FROM generate_series(1, 5) AS n)))
  FROM generate_series(1, 2) AS m;
CREATE TABLE held (hold_id text PRIMARY KEY, client integer);
CREATE SEQUENCE order_number;
CREATE TABLE outcome (what text, at timestamptz DEFAULT clock_timestamp());

-- Holds one to three groups, in any order of the items.
CREATE PROCEDURE hold(client integer) LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    answer jsonb;
BEGIN
    SELECT ganje.hold_slot(jsonb_build_object('zoneId', 'Z',
               'cart', jsonb_build_object('items', jsonb_agg(jsonb_build_object('itemId', m || '-' || n, 'merchantId', 'M' || m, 'categories', ARRAY['c' || n]))),
               'pool', jsonb_agg(jsonb_build_object('items', ARRAY[m || '-' || n], 'type', 'SELF', 'day', today + 1 + (random() * 1)::int))))
      INTO answer
      FROM (SELECT m, n FROM generate_series(1, 2) AS m, generate_series(1, 5) AS n ORDER BY random() LIMIT 1 + floor(random() * 3)::int) AS chosen;
    INSERT INTO outcome VALUES (coalesce(answer ->> 'reason', 'held'));
    INSERT INTO held SELECT answer ->> 'holdId', client WHERE (answer ->> 'held')::boolean;
END
$$;

-- Confirms or releases a hold, its own or another client's, alive or not.
CREATE PROCEDURE settle(what text) LANGUAGE plpgsql AS $$
DECLARE
    id text;
BEGIN
    SELECT h.hold_id INTO id FROM ganje.hold AS h WHERE h.state = 'held' ORDER BY random() LIMIT 1;
    IF id IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        IF what = 'confirm' THEN
            PERFORM ganje.confirm_hold(id, 'O' || nextval('order_number'));
        ELSE
            PERFORM ganje.release_hold(id);
        END IF;
        INSERT INTO outcome VALUES (what);
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        INSERT INTO outcome VALUES (what || ' refused');
    END;
END
$$;

-- A customer cancels: the confirmed units go back, so that there is something to sell.
CREATE PROCEDURE cancel() LANGUAGE plpgsql AS $$
DECLARE
    unit ganje.hold_unit;
BEGIN
    FOR unit IN SELECT * FROM ganje.hold_unit AS u WHERE u.state = 'confirmed' ORDER BY random() LIMIT 1 LOOP
        PERFORM FROM ganje.slot_counter AS c
          WHERE (c.merchant_id, c.store_id, c.rule_id, c.day) = (unit.store_merchant_id, unit.store_id, unit.rule_id, unit.day) FOR UPDATE;
        UPDATE ganje.hold_unit AS u SET state = 'released'
         WHERE (u.merchant_id, u.hold_id, u.group_no, u.state) = (unit.merchant_id, unit.hold_id, unit.group_no, 'confirmed');
        IF FOUND THEN
            PERFORM ganje.give_back_unit(unit);
        END IF;
    END LOOP;
END
$$;

-- Capacity against what is really out: units that are confirmed or held and alive.
CREATE VIEW oversold AS
    SELECT u.store_merchant_id, u.rule_id, u.day, count(*) AS live, r.capacity
      FROM ganje.hold_unit AS u
      JOIN ganje.store_rule AS r ON (r.merchant_id, r.store_id, r.rule_id) = (u.store_merchant_id, u.store_id, u.rule_id)
     WHERE u.state = 'confirmed' OR (u.state = 'held' AND u.expires_at > clock_timestamp())
     GROUP BY u.store_merchant_id, u.rule_id, u.day, r.capacity HAVING count(*) > r.capacity;
-- Counters against the units that they are said to count.
CREATE VIEW miscounted AS
    SELECT c.*, u.units
      FROM ganje.slot_counter AS c
     CROSS JOIN LATERAL (SELECT count(*) AS units FROM ganje.hold_unit AS u
                          WHERE (u.store_merchant_id, u.store_id, u.rule_id, u.day, u.slot_from, u.slot_to) =
                                (c.merchant_id, c.store_id, c.rule_id, c.day, c.slot_from, c.slot_to)
                            AND u.state IN ('held', 'confirmed')) AS u
     WHERE c.used <> u.units;
});

my $scripts = PostgreSQL::Test::Utils::tempdir();
my %script = (
	hold => "\\set ttl random(1, 2)\nSET ganje_logistics.hold_ttl = :ttl;\nCALL hold(:client_id);\n",
	confirm => "CALL settle('confirm');\n",
	release => "CALL settle('release');\n",
	cancel => "CALL cancel();\n",
	# holds and thinks better of it
	rollback => "BEGIN;\nCALL hold(:client_id);\nROLLBACK;\n");
append_to_file("$scripts/$_", $script{$_}) foreach keys %script;

my ($out, $err) = ('', '');
my $load = IPC::Run::start(
	[ 'pgbench', '-n', '-c', $clients, '-j', 2, '-T', $seconds, '--random-seed', $seed, '-h', $node->host, '-p', $node->port,
	  '-f', "$scripts/hold\@20", '-f', "$scripts/confirm\@1", '-f', "$scripts/release\@1", '-f', "$scripts/cancel\@1",
	  '-f', "$scripts/rollback\@1", 'postgres' ],
	'>', \$out, '2>', \$err);

my ($samples, @wrong) = (0);
my $deadline = time() + $seconds - 0.5;
while (time() < $deadline)
{
	my $oversold = query('SELECT * FROM oversold; SELECT * FROM miscounted');
	push @wrong, $oversold if $oversold ne '';
	$samples++;
	sleep(0.02);
}
ok($load->finish, 'every client ran to its end') or diag($err);
unlike($err, qr/deadlock|ERROR|aborted/, 'no error and no deadlock');
is_deeply(\@wrong, [], 'never above capacity, counters and units agree, at any of the samples');
cmp_ok($samples, '>', 0, "there were samples ($samples)");

is(query('SELECT * FROM miscounted'), '', 'at the end the counters are the units');
is(query('SELECT count(*) FROM ganje.slot_usage WHERE used <> held + confirmed OR used > capacity'), '0', 'used is confirmed and live holds, within capacity');
is(query(q{
	DO $$ BEGIN PERFORM set_config('ganje_logistics.now', clock_timestamp()::text, false); END $$;
	SELECT (SELECT sum(used) FROM ganje.slot_usage) =
	       (SELECT count(*) FROM ganje.hold_unit AS u JOIN ganje.hold AS h USING (merchant_id, hold_id)
	         WHERE u.state = 'confirmed' OR (u.state = 'held' AND h.state = 'held' AND h.expires_at > ganje.clock()))}),
	't', 'and no unit is used by nobody');
is(query(q{SELECT count(*) FROM ganje.hold AS h JOIN ganje.hold_unit AS u USING (merchant_id, hold_id)
	        WHERE (h.state = 'confirmed' AND u.state NOT IN ('confirmed', 'released')) OR (h.state = 'released' AND u.state IN ('held', 'confirmed'))}),
	'0', 'units stand as their holds do');
my %count = map { split /\|/ } split /\n/, query('SELECT what, count(*) FROM outcome GROUP BY what');
cmp_ok($count{$_} // 0, '>', 0, "there was: $_ (" . ($count{$_} // 0) . ")") foreach ('held', 'slot_full', 'confirm', 'release');

# Everything settled, and every slot full of holds that have expired: each
# sells to its last unit and no further.
query(q{
	DO $$ BEGIN WHILE EXISTS (SELECT 1 FROM ganje.hold_unit WHERE state = 'confirmed') LOOP CALL cancel(); END LOOP; END $$;
	SET ganje_logistics.hold_ttl = 1;
	DO $$ BEGIN FOR n IN 1..300 LOOP CALL hold(-1); END LOOP; END $$;});
my $reclaimed = query("SELECT count(*) FROM ganje.hold_unit WHERE state = 'reclaimed'");
sleep(2.1);
is(query(q{
	SET ganje_logistics.hold_ttl = 600;
	DO $$
	BEGIN
		FOR n IN 1..300 LOOP
			CALL hold(-1);
		END LOOP;
	END $$;
	SELECT count(*) FROM oversold; SELECT count(*) FROM miscounted}), "0\n0", 'sold out without overselling');
cmp_ok(query("SELECT count(*) FROM ganje.hold_unit WHERE state = 'reclaimed'"), '>', $reclaimed, 'expired units were reclaimed');

$node->stop;
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'the server saw no deadlock');
done_testing();
