# Behind pgbouncer in transaction mode, without prepared statements: clients
# share server sessions, whose caches stay right whoever they serve.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $program = $ENV{PGBOUNCER} // '';
plan skip_all => 'there is no pgbouncer' unless -x $program;

my $node = new_server('pooled', conf => "max_connections = 40\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

query(q{
	CREATE ROLE shop LOGIN;
	CREATE ROLE seller LOGIN;
	SELECT ganje.grant_access('shop', 'checkout');
	SELECT ganje.upsert_zone('{"zoneId": "Z", "name": "Zone", "rules": [
		{"loc": {"circle": {"center": {"lat": 35.7, "lng": 51.4}, "radius": 20000}}}]}');
	SELECT ganje.upsert_store('{"storeId": "S", "name": "Store", "rules": [{"ruleId": "R", "types": ["CARGO"], "fee": 5, "capacity": 50,
		"days": ["1","2","3","4","5","6","7"], "slots": [["00:00", "24:00"]]}]}');
	SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"days": 0}}');
	INSERT INTO ganje.shipment (order_id, phone) VALUES ('O1', '+989121234567');
	CREATE TABLE orders (id text, hold_id text, phone text);
	SELECT ganje.attach_orders('orders', '{"orderId": "id", "holdId": "hold_id", "phone": "phone"}')});

# Two server sessions for each role, whatever the number of clients.
my $directory = PostgreSQL::Test::Utils::tempdir_short();
append_to_file("$directory/pgbouncer.ini", join("\n",
		'[databases]',
		sprintf('postgres = host=%s port=%s', $node->host, $node->port),
		'[pgbouncer]',
		'listen_addr =',
		'listen_port = 6432',
		"unix_socket_dir = $directory",
		'auth_type = trust',
		"auth_file = $directory/users",
		'pool_mode = transaction',
		'default_pool_size = 2',
		'max_client_conn = 100',
		"logfile = $directory/log",
		''));
my $superuser = query('SELECT current_user');
append_to_file("$directory/users", qq{"$superuser" ""\n"shop" ""\n"seller" ""\n});
my $pid = fork();
die "fork: $!" unless defined $pid;
if ($pid == 0)
{
	open(STDOUT, '>', "$directory/out") or die;
	open(STDERR, '>&', \*STDOUT) or die;
	exec($program, "$directory/pgbouncer.ini") or die;
}
END { if ($pid) { my $status = $?; kill 'TERM', $pid; waitpid($pid, 0); $? = $status; } }
wait_for(sub { -S "$directory/.s.PGSQL.6432" }, 'pgbouncer listens');

# A client of the pooler; others may be run within it, by \!.
my $pooled = "psql -X -A -t -q -v ON_ERROR_STOP=1 -h $directory -p 6432 -d postgres";
sub client
{
	my ($sql, $user) = @_;
	my ($stdout, $stderr) = ('', '');
	my @command = ('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $directory, '-p', '6432', '-d', 'postgres', '-U', $user // $superuser);
	IPC::Run::run(\@command, '<', \$sql, '>', \$stdout, '2>', \$stderr) or diag($stderr);
	chomp $stdout;
	return $stdout;
}

my $pools = q{SELECT ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}')};
is(client('SELECT ganje.locate_zone(35.7, 51.4), ganje.locate_zone(10, 10)'), 'Z|', 'zones are located');
is(client($pools), query($pools), 'get_pools answers');
is(client(q{SELECT ganje.track_shipment('{"orderId": "O1", "phoneNumber": "+989121234567"}') ->> 'orderId'}), 'O1', 'shipments are tracked');

# Both server sessions have zones, stores and counters in their caches: a client in a transaction has one, another the other.
my $seen = q{SELECT pg_backend_pid() || ':' || ganje.locate_zone(35.7, 51.4) || coalesce(ganje.get_pools('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}}') #>> '{0,0,options,0,fee}', '-');};
(my $seen_shell = $seen) =~ s/"/\\"/g;
my $both = "BEGIN;\n$seen\n\\! $pooled -U $superuser -c \"$seen_shell\"\nCOMMIT;";
sub two
{
	my %found = map { split(/:/, $_, 2) } split(/\n/, client($both));
	return \%found;
}
my $before = two();
is(scalar(keys %$before), 2, 'two clients at a time have two server sessions');
is(join(' ', values %$before), 'Z5 Z5', 'both know zone and fee');
client(q{SELECT ganje.upsert_zone('{"zoneId": "N", "name": "New", "priority": 1, "rules": [{"loc": {"circle": {"center": {"lat": 35.7, "lng": 51.4}, "radius": 500}}}]}')});
client('UPDATE ganje.store_rule SET fee = 7');
my $after = two();
is_deeply([ sort keys %$after ], [ sort keys %$before ], 'the same two');
is(join(' ', values %$after), 'N7 N7', 'see what another client has changed');
# A change that is rolled back, in one of them, is seen by nobody, by itself while it is there.
is(client(qq{BEGIN; UPDATE ganje.zone SET zone_id = 'X' WHERE zone_id = 'N'; SELECT ganje.locate_zone(35.7, 51.4);\n\\! $pooled -U $superuser -c "SELECT ganje.locate_zone(35.7, 51.4)"\nROLLBACK; SELECT ganje.locate_zone(35.7, 51.4)}),
	"X\nN\nN", 'a change is its transaction\'s alone until it commits');
is(join(' ', values %{ two() }), 'N7 N7', 'and forgotten when it is rolled back');

# Who may do what goes by the client's own role, in sessions that others had before.
is(client(q{SELECT ganje.locate_zone(35.7, 51.4)}, 'shop'), 'N', 'a role of level checkout locates zones');
query(q{SELECT ganje.grant_access('seller', 'fulfilment', 'A'); INSERT INTO ganje.store (merchant_id, store_id, name) VALUES ('A', 'SA', 'Of A')});
is(client('SELECT string_agg(store_id, $$ $$) FROM ganje.store', 'seller'), 'SA', 'a role of one merchant sees its rows');
is(client('BEGIN; SET LOCAL ROLE seller; SELECT string_agg(store_id, $$ $$) FROM ganje.store; COMMIT; SELECT string_agg(store_id, $$ $$ ORDER BY store_id) FROM ganje.store'), "SA\nS SA",
	'and SET LOCAL ROLE confines a transaction, not the session');
query(q{SELECT ganje.revoke_access('seller', 'fulfilment', 'A'); SELECT ganje.grant_access('seller', 'fulfilment')});
is(client('SELECT string_agg(store_id, $$ $$ ORDER BY store_id) FROM ganje.store', 'seller'), 'S SA', 'access that changes is known to sessions at once');

# Eight clients at two sessions hold 80 times what there is 50 times, and none of them twice.
append_to_file("$directory/hold.sql", q{SELECT ganje.hold_slot('{"zoneId": "Z", "cart": {"items": [{"itemId": "a"}]}, "pool": [{"items": ["a"], "type": "CARGO"}]}');} . "\n");
my ($out, $err) = run_command([ 'pgbench', '-n', '-M', 'simple', '-c', '8', '-t', '10', '-f', "$directory/hold.sql", '-h', $directory, '-p', '6432', '-U', 'shop', 'postgres' ]);
like($out, qr{number of transactions actually processed: 80/80}, 'eight clients hold slots') or diag($err);
is(query('SELECT used FROM ganje.slot_counter'), '50', 'as many as there are');
is(query('SELECT count(*) FROM ganje.hold'), '50', 'and no hold without one');
is(client($pools), '[]', 'then the slot is full for all');

# An order within a transaction of its client, with its hold.
is(client(q{BEGIN; INSERT INTO orders SELECT 'O2', min(hold_id), '+989121234567' FROM ganje.hold; SELECT count(*) FROM ganje.shipment WHERE order_id = 'O2'; ROLLBACK; SELECT count(*) FROM ganje.shipment WHERE order_id = 'O2'}),
	"1\n0", 'an order is placed, and undone');
is(client(q{INSERT INTO orders SELECT 'O2', min(hold_id), '+989121234567' FROM ganje.hold; SELECT count(*) FROM ganje.shipment WHERE order_id = 'O2'}), '1', 'or placed');
is(client("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = '$superuser'"), '2', 'all by two sessions');

$node->stop;
done_testing();
