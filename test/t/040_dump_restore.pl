# pg_dump | restore into another cluster: nothing is lost, nothing is done
# again, and nothing is sent until somebody says so; then only what was
# pending.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;
use GanjeData;

my $carrier = start_carrier();
my $node = new_server('origin');

sub query { return $node->safe_psql('postgres', $_[0]); }

fill_everything($node, $carrier);
query(q{
	INSERT INTO ganje.store (merchant_id, store_id, name) VALUES ('A', 'SA', 'Of A');
	CREATE ROLE shop_app;
	CREATE ROLE "Seller of ""A""";
	SELECT ganje.grant_access('shop_app', 'checkout'), ganje.grant_access('"Seller of ""A"""', 'fulfilment', 'A');
});
my $access = q{SELECT r, has_function_privilege(r, 'ganje.get_pools(jsonb)', 'EXECUTE'), has_function_privilege(r, 'ganje.explain_pools(jsonb)', 'EXECUTE'),
	has_table_privilege(r, 'ganje.shipment', 'SELECT'), has_table_privilege(r, 'ganje.carrier_credential', 'SELECT')
	FROM unnest('{shop_app,Seller of "A"}'::text[]) AS r};
$access =~ s/Seller of "A"/"Seller of \\"A\\""/;
my $policies = q{SELECT count(*), md5(string_agg(format('%s %s %s %s %s', polrelid::regclass, polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), ';' ORDER BY polrelid::regclass::text, polname))
	FROM pg_policy};
my $seen = q{SET ROLE "Seller of ""A"""; SELECT string_agg(store_id, ' ') FROM ganje.store};
is(query($access), "shop_app|t|f|f|f\nSeller of \"A\"|t|t|t|f", 'two roles have access');
is(query($seen), 'SA', 'one of them to its merchant\'s rows');
my $before_policies = query($policies);

my $contents = everything();
my $before = query($contents);
cmp_ok(scalar(split(/\n/, $before)), '>=', 50, 'the tables are there to compare');
like($before, qr/ganje\.outbox_delivery: 3 /, 'three requests are pending');
like($before, qr/ganje\.slot_counter: \d /, 'slots are counted');
like($before, qr/ganje\.webhook_inbox: 3 /, 'three webhooks were received');
like($before, qr/ganje\.station: 1 /, 'a station is known');

my $dump = $node->backup_dir . '.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'the database is dumped');
unlike(slurp_file($dump), qr/"password"/, 'without credentials');
{
	local $ENV{PGOPTIONS} = '-c ganje_logistics.dump_credentials=on';
	my ($stdout, $stderr) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
	like($stdout, qr/"password": "secret"/, 'with credentials when asked');
}

my $copy = new_server('copy', bare => 1);
$copy->safe_psql('postgres', 'CREATE ROLE shop_app; CREATE ROLE "Seller of ""A"""');
$copy->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $copy->connstr('postgres'), '-f', $dump ], 'and restored elsewhere');
is($copy->safe_psql('postgres', $contents), $before, 'configuration, shipments, outbox and log are the same, row by row');
is($copy->safe_psql('postgres', "SELECT ganje.locate_zone(35.7, 51.41) || ganje.locate_zone(1.5, 1.2)"), 'ZZ', 'zones are found');
is($copy->safe_psql('postgres', "SELECT relation FROM ganje.order_attachment"), 'shop.orders', 'the order table is attached');

# Who has access has it there, and sees what it saw; a role that is gone leaves nothing in a dump.
is($copy->safe_psql('postgres', $access), query($access), 'roles may do the same');
is($copy->safe_psql('postgres', $seen), 'SA', 'for the same merchant');
is($copy->safe_psql('postgres', $policies), $before_policies, 'by the same policies');
like($before_policies, qr/^\d{2,}\|/, 'of which there are some');
query('CREATE ROLE passing; SELECT ganje.grant_access($$passing$$, $$operator$$); DROP OWNED BY passing; DROP ROLE passing');
my ($later) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
my ($rows) = $later =~ /^COPY ganje\.access .*?\n(.*?)^\\\.$/ms;
is($rows, "shop_app\tcheckout\t\\N\n\"Seller of \"\"A\"\"\"\tfulfilment\tA\n", 'a role that was dropped is not in a dump');

# By several jobs at once, which PostgreSQL does in no order for an extension's tables: with keys and triggers off, which a
# restore has no need of.
my $folder = $node->backup_dir . '.d';
$node->command_ok([ 'pg_dump', '-Fd', '-j', '2', '-d', $node->connstr('postgres'), '-f', $folder ], 'the database is dumped by two jobs');
$copy->safe_psql('postgres', 'CREATE DATABASE jobs');
{
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	$copy->command_ok([ 'pg_restore', '-j', '4', '-d', $copy->connstr('jobs'), $folder ], 'and restored by four');
}
is($copy->safe_psql('jobs', $contents), $before, 'with every row');
is($copy->safe_psql('jobs', "SELECT ganje.locate_zone(35.7, 51.41) || ganje.locate_zone(1.5, 1.2)"), 'ZZ', 'zones are found there, too');
is($copy->safe_psql('jobs', $access), query($access), 'roles may do the same there');
is($copy->safe_psql('jobs', $policies), $before_policies, 'by the same policies as well');
$copy->safe_psql('postgres', 'DROP DATABASE jobs');

# While its tables come in, a database does not know yet that it is a copy. Here the row that says so is kept back, and a shipment
# is due to be asked about.
my ($list) = run_command([ 'pg_restore', '-l', $folder ]);
my $half = join("\n", grep { !/TABLE DATA ganje sending / } split(/\n/, $list));
isnt($half, $list, 'the row of ganje.sending can be kept back');
append_to_file("$folder.half", "$half\n");
$copy->safe_psql('postgres', 'CREATE DATABASE half');
{
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	$copy->command_ok([ 'pg_restore', '-L', "$folder.half", '-d', $copy->connstr('half'), $folder ], 'a database is half restored');
}
$copy->safe_psql('half', q{SELECT ganje.set_credential('locker', '{"username": "shop", "password": "secret"}')});
is($copy->safe_psql('half', "SELECT count(*) FROM ganje.sending AS s, ganje.shipment_poll AS p WHERE s.system_identifier = ganje.system_identifier() AND p.due_at < now()"),
	'1', 'it takes itself for the original, and has something due');
wait_for(sub { $copy->safe_psql('half', 'SELECT ganje.worker_pid() IS NOT NULL') eq 't' }, 'it has a worker');
$copy->safe_psql('half', 'SELECT ganje.wake_worker(), pg_sleep(2.5)');
sub but_sending { return join("\n", grep { !/^ganje\.sending: / } split(/\n/, $_[0])); }
is(but_sending($copy->safe_psql('half', $contents)), but_sending($before), 'its worker does nothing for accounts of another cluster');
like($copy->safe_psql('half', 'SELECT state FROM ganje.outbox_status'), qr/^paused: a copy/, 'and it says why');
# Not even what is enqueued there.
control($carrier, 'DELETE', 'log');
$copy->safe_psql('half', q{SELECT ganje.enqueue_request('locker', 'ask', 'GET', '/from-half')});
is($copy->safe_psql('half', 'SELECT ganje.is_outbox_drained()'), 't', 'nobody waits for a new request there');
$copy->safe_psql('half', 'SELECT pg_sleep(1.5)');
is(scalar(carrier_log($carrier)), 0, 'nor is it sent');
# A full counter that was looked at before its units came is looked at anew once the copy is let send.
$copy->safe_psql('half', "INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity, next_expiry)
	VALUES ('DEFAULT', 'S', 'R', '2100-01-01', '10:00', '12:00', 1, 1, 'infinity')");
append_to_file("$folder.rest", join("\n", grep { /TABLE DATA ganje sending / } split(/\n/, $list)) . "\n");
$copy->command_ok([ 'pg_restore', '-L', "$folder.rest", '-d', $copy->connstr('half'), $folder ], 'the row that was kept back comes');
$copy->safe_psql('half', 'SELECT ganje.resume_sending(), ganje.pause_sending()');
is($copy->safe_psql('half', "SELECT next_expiry FROM ganje.slot_counter WHERE is_full"), '-infinity', 'it is not known when its units expire');
is($copy->safe_psql('half', "SELECT DISTINCT origin = ganje.system_identifier() FROM ganje.carrier_account"), 't', 'and the account is of this cluster');
$copy->safe_psql('postgres', 'DROP DATABASE half');

# It has a worker, and the carrier hears nothing.
control($carrier, 'DELETE', 'log');
$copy->safe_psql('postgres', q{SELECT ganje.set_credential('locker', '{"username": "shop", "password": "secret"}')});
worker_pid($copy);
$copy->safe_psql('postgres', 'SELECT pg_sleep(2.5)');
is(scalar(carrier_log($carrier)), 0, 'a copy sends nothing');
like($copy->safe_psql('postgres', "SELECT state FROM ganje.outbox_status"), qr/^paused: a copy/, 'and says why');
# A new order waits like the others.
$copy->safe_psql('postgres', "INSERT INTO shop.orders VALUES ('new-1', shop.hold(), '+989121234567')");
$copy->safe_psql('postgres', 'SELECT pg_sleep(1.5)');
is(scalar(carrier_log($carrier)), 0, 'nor does it send a new order');

$copy->safe_psql('postgres', 'SELECT ganje.resume_sending()');
is($copy->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'until resume_sending()');
is_deeply([ sort map { $_->{body}{external_id} } orders_at($carrier) ], [ 'new-1', 'pending-1', 'pending-2', 'pending-3' ],
	'then just what was pending');
is($copy->safe_psql('postgres', "SELECT count(*) FROM ganje.shipment WHERE order_link IS NULL"), '1',
	'all but the cancelled one have their link');

# A copy in the same cluster goes on as the original would: pause_sending() before it is made is what keeps it from sending.
$copy->stop;
control($carrier, 'DELETE', 'log');
query('CREATE DATABASE beside TEMPLATE postgres');
worker_pid($node, 'beside');
$node->safe_psql('beside', 'SELECT ganje.wake_worker(), pg_sleep(1.5)');
is($node->safe_psql('beside', 'SELECT state FROM ganje.outbox_status'), 'paused', 'a copy beside the original is paused as that was');
is(scalar(carrier_log($carrier)), 0, 'and sends nothing');
$node->safe_psql('beside', 'SELECT ganje.resume_sending()');
wait_for(sub { carrier_log($carrier) > 0 }, 'without a pause it sends');
$node->safe_psql('postgres', 'DROP DATABASE beside');

$node->stop;
done_testing();
