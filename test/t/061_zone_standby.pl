# A hot standby answers locate_zone and its kin, and follows the primary's
# edits, in sessions that knew the zones before: row by row, emptied, rewritten,
# the extension made anew. import_zones tells how far it is, and can be stopped.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use GanjeTest;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ganje_logistics'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION ganje_logistics');
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION square(lat float8) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('polygon', jsonb_agg(jsonb_build_object('lat', lat + y, 'lng', x)))))
      FROM unnest(ARRAY[0, 0, 1, 1], ARRAY[0, 1, 1, 0]) AS t(y, x) $$;
INSERT INTO ganje.zone (zone_id, name, rules, fee, created_at) VALUES
    ('P', 'polygon', square(10), 1, '2026-01-01'),
    ('A', 'address', '[{"addr": {"city": {"IN": ["İstanbul"]}}}]', 2, '2026-01-02');
SQL

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'the standby is one');

# One session on each that lasts: what it knows is what the next question finds.
my %session;
foreach my $server ($node, $standby)
{
	my ($in, $out) = ('', '');
	$session{ $server->name } = {
		in => \$in,
		out => \$out,
		run => IPC::Run::start(
			[ 'psql', '-X', '-A', '-t', '-q', '-d', $server->connstr('postgres') ],
			'<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(180))
	};
}

sub ask
{
	my ($server, $sql) = @_;
	my $session = $session{ $server->name };
	${ $session->{out} } = '';
	${ $session->{in} } .= "$sql\n\\echo :done\n";
	$session->{run}->pump until ${ $session->{out} } =~ /^:done\n/m;
	my $answer = ${ $session->{out} };
	$answer =~ s/:done\n//;
	return $answer;
}

my $question = join(' ', map { s/\n/ /gr } <<'SQL');
SELECT ganje.locate_zone(10.5, 0.5), ganje.locate_zone_ids(10.5, 0.5),
       ganje.locate_zone('{"location": {"lat": 10.5, "lng": 0.5}, "address": {"city": "ISTANBUL"}}'::jsonb),
       ganje.locate_zone_by_address('{"city": "istanbul"}'),
       (SELECT string_agg(concat_ws(' ', zone_id, name, fee), ', ') FROM ganje.locate_zones(10.5, 0.5, '{"city": "istanbul"}'));
SQL

# After the statement on the primary: the same answers on both, and these.
sub follows
{
	my ($statement, $expected, $title) = @_;
	$node->safe_psql('postgres', $statement) if $statement ne '';
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	is(ask($node, $question), "$expected\n", "$title: the primary");
	is(ask($standby, $question), "$expected\n", "$title: the standby");
}

follows('', 'P|{P}|{"zoneId": "P"}|A|P polygon 1, A address 2', 'as restored');
follows("UPDATE ganje.zone SET rules = square(30) WHERE zone_id = 'P'", '|{}|{"zoneId": "A"}|A|A address 2', 'a zone moved away');
follows("UPDATE ganje.zone SET rules = square(10), fee = 3 WHERE zone_id = 'P'", 'P|{P}|{"zoneId": "P"}|A|P polygon 3, A address 2', 'and back');
follows("INSERT INTO ganje.zone (zone_id, name, priority) VALUES ('E', 'everywhere', 5)", 'E|{E,P}|{"zoneId": "E"}|E|E everywhere, P polygon 3, A address 2', 'one that comes first');
follows("DELETE FROM ganje.zone WHERE zone_id = 'E'", 'P|{P}|{"zoneId": "P"}|A|P polygon 3, A address 2', 'and goes');
follows("BEGIN; DELETE FROM ganje.zone; ROLLBACK", 'P|{P}|{"zoneId": "P"}|A|P polygon 3, A address 2', 'what is rolled back');
follows("BEGIN; SAVEPOINT s; DELETE FROM ganje.zone; ROLLBACK TO s; UPDATE ganje.zone SET fee = 4 WHERE zone_id = 'A'; COMMIT",
	'P|{P}|{"zoneId": "P"}|A|P polygon 3, A address 4', 'a subtransaction that is rolled back');
follows('VACUUM FULL ganje.zone', 'P|{P}|{"zoneId": "P"}|A|P polygon 3, A address 4', 'the table rewritten');
follows('CLUSTER ganje.zone USING zone_pkey', 'P|{P}|{"zoneId": "P"}|A|P polygon 3, A address 4', 'and clustered');
# A view that began before an edit stays what it was.
ask($standby, 'BEGIN ISOLATION LEVEL REPEATABLE READ;');
ask($standby, 'SELECT 1;');
$node->safe_psql('postgres', "UPDATE ganje.zone SET rules = square(30) WHERE zone_id = 'P'");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(ask($standby, 'SELECT ganje.locate_zone(10.5, 0.5);'), "P\n", 'REPEATABLE READ on the standby keeps its view');
ask($standby, 'COMMIT;');
is(ask($standby, 'SELECT ganje.locate_zone(10.5, 0.5);'), "\n", 'and leaks nothing');
follows('TRUNCATE ganje.zone CASCADE', '|{}|{}||', 'the table emptied');
follows("DROP EXTENSION ganje_logistics; CREATE EXTENSION ganje_logistics; INSERT INTO ganje.zone (zone_id, name) VALUES ('N', 'new')",
	'N|{N}|{"zoneId": "N"}|N|N new', 'the extension made anew');
like(ask($standby, "SELECT ganje.upsert_zone('{\"name\": \"x\"}');"), qr/^ERROR:.*read-only transaction/, 'the standby is read only');

# import_zones
my $features = q{jsonb_build_object('type', 'FeatureCollection', 'features', (SELECT jsonb_agg(jsonb_build_object('type', 'Feature', 'id', 'F' || n,
	'properties', jsonb_build_object('name', 'n' || n, 'radius', 1000), 'geometry', jsonb_build_object('type', 'Point', 'coordinates', jsonb_build_array(30, 40)))) FROM generate_series(1, %d) AS n))};
my ($result, $stdout, $stderr) = $node->psql('postgres', sprintf("SELECT ganje.import_zones($features)", 2500));
is($stdout, '2500', 'zones were imported');
is(join(', ', $stderr =~ /NOTICE:  (.*)/g), '1000 of 2500 zones imported, 2000 of 2500 zones imported', 'and it said how far it was');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ganje.zone'), '2501', 'they are there');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(ask($standby, 'SELECT cardinality(ganje.locate_zone_ids(40, 30)), ganje.locate_zone(40, 30);'), "ERROR:  more than 1000 zones match\nHINT:  locate_zone answers the first of them. Are there zones without rules, which match everything? Or raise ganje_logistics.max_matches.\n", 'an answer has its limit on the standby');

# Stopped when it has told of the first thousand.
$node->safe_psql('postgres', 'DELETE FROM ganje.zone');
${ $session{primary}{out} } = '';
${ $session{primary}{in} } .= sprintf("SELECT pg_backend_pid();\nSELECT ganje.import_zones($features);\n\\echo :done\n", 100000) =~ s/\n\t/ /r;
$session{primary}{run}->pump until ${ $session{primary}{out} } =~ /1000 of 100000 zones imported/;
my ($pid) = ${ $session{primary}{out} } =~ /^(\d+)$/m;
my $asked = time();
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
$session{primary}{run}->pump until ${ $session{primary}{out} } =~ /^:done\n/m;
like(${ $session{primary}{out} }, qr/^ERROR:.*canceling statement due to user request/m, 'an import can be cancelled');
cmp_ok(time() - $asked, '<', 10, 'at once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ganje.zone'), '0', 'and nothing of it is there');

foreach my $session (values %session)
{
	${ $session->{in} } .= "\\q\n";
	$session->{run}->finish;
}
$standby->stop;
$node->stop;
done_testing();
