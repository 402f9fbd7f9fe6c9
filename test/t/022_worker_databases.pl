# Workers of several databases, and getting out of the way of DDL.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use GanjeTest;

my $carrier = start_carrier();
my $node = new_server('databases');

sub query { return $node->safe_psql($_[0], $_[1]); }

# Bounds are ten times what is promised.
my $PROMPT = 10;

sub timed
{
	my ($sql, $what, $database) = @_;
	my $begin = time();
	my ($status, $out, $error) = $node->psql($database // 'postgres', $sql);
	is($status, 0, "$what succeeds with the worker attached") or diag($error);
	cmp_ok(time() - $begin, '<', $PROMPT, 'without a long wait');
}

# Two at once
query('postgres', 'CREATE DATABASE second');
query('second', 'CREATE EXTENSION ganje_logistics');
isnt(worker_pid($node, 'second'), worker_pid($node, 'postgres'), 'each database has its worker');
set_up_account($node, $carrier);
set_up_account($node, $carrier, database => 'second');
add_shipments($node, 1, 30, prefix => 'A');
add_shipments($node, 1, 30, prefix => 'B', database => 'second');
is(query($_, "SELECT ganje.drain('60 s')"), '0', "database $_ is drained") foreach qw(postgres second);
my %seen;
$seen{ $_->{body}{external_id} }++ foreach orders_at($carrier);
is(scalar(keys %seen), 60, 'the carrier has the orders of both');
is(query('second', "SELECT count(*) FROM ganje.outbox_log"), '30', 'each database has its own log');

# DROP EXTENSION, and again; its rollback
query('second', 'BEGIN; DROP EXTENSION ganje_logistics CASCADE; SELECT pg_sleep(1.2); ROLLBACK');
add_shipments($node, 31, 31, prefix => 'B', database => 'second');
is(query('second', "SELECT ganje.drain('60 s')"), '0', 'a rolled-back DROP EXTENSION changes nothing');
timed('DROP EXTENSION ganje_logistics CASCADE', 'DROP EXTENSION', 'second');
wait_for(sub { query('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker' AND datname = 'second'") eq '0' },
	'the worker leaves');
query('second', 'CREATE EXTENSION ganje_logistics');
my $begin = time();
worker_pid($node, 'second');
cmp_ok(time() - $begin, '<', $PROMPT, 'after CREATE EXTENSION there is a worker again');
set_up_account($node, $carrier, database => 'second');
add_shipments($node, 40, 45, prefix => 'B', database => 'second');
is(query('second', "SELECT ganje.drain('60 s')"), '0', 'and it delivers');

# Dropped and created again in one breath
query('second', 'BEGIN; DROP EXTENSION ganje_logistics CASCADE; CREATE EXTENSION ganje_logistics; COMMIT');
set_up_account($node, $carrier, database => 'second');
add_shipments($node, 46, 47, prefix => 'B', database => 'second');
is(query('second', "SELECT ganje.drain('60 s')"), '0', 'a new extension of the same name is served');

# Copying, renaming, dropping
timed('CREATE DATABASE third TEMPLATE second', 'CREATE DATABASE TEMPLATE');
wait_for(sub { query('third', 'SELECT ganje.worker_pid()') }, 'the copy gets a worker');
timed('ALTER DATABASE third RENAME TO fourth', 'ALTER DATABASE RENAME');
worker_pid($node, 'fourth');
faults($carrier, { match => 'pre-order', action => 'hang', count => 1 });
add_shipments($node, 50, 50, prefix => 'C', database => 'fourth');
wait_for(sub { grep { ($_->{fault} // '') eq 'hang' } carrier_log($carrier) }, 'a request hangs');
timed('DROP DATABASE fourth', 'DROP DATABASE');
timed('DROP DATABASE second', 'DROP DATABASE');
is(query('postgres', "SELECT ganje.drain('60 s')"), '0', 'the first database goes on');

# Only the databases that are named
$node->append_conf('postgresql.conf', "ganje_logistics.databases = 'elsewhere'");
$node->restart;
query('postgres', 'SELECT pg_sleep(1)');
is(query('postgres', "SELECT ganje.worker_pid() IS NULL"), 't', 'a database that is not named has no worker');
$node->append_conf('postgresql.conf', "ganje_logistics.databases = 'elsewhere, postgres'");
$node->reload;
worker_pid($node);
pass('until it is');

# A standby sends nothing; promoted, it does
my $primary = new_server('primary', stream => 1);
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
set_up_account($primary, $carrier);
add_shipments($primary, 1, 3, prefix => 'S');
$primary->wait_for_catchup($standby);
is($primary->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'the primary sends');
is(scalar(grep { ($_->{body}{external_id} // '') =~ /^S/ } orders_at($carrier)), 3, 'each order once, the standby none');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'ganje%'"), '0',
	'the standby has no worker');
my ($status, $out, $error) = $standby->psql('postgres', 'SELECT ganje.start_worker()');
like($error, qr/a standby sends nothing/, 'nor starts one');
$primary->wait_for_catchup($standby);
$primary->stop;
$standby->promote;
worker_pid($standby);
add_shipments($standby, 4, 4, prefix => 'S');
is($standby->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'promoted, it sends');
$standby->stop;

unlike(server_log($node), qr/(?:FATAL.*\n(?:.*\n){0,200}){20}/, 'no loop of FATAL in the log');
my @fatal = grep { /FATAL/ && !/administrator command/ } split /\n/, server_log($node);
is(scalar(@fatal), 0, 'no FATAL at all') or diag(join "\n", @fatal);

done_testing();
