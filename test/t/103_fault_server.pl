# Faults of the server and what people do to it: restarts, a standby that is
# promoted, DDL of databases and of the extension, with requests in flight.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use GanjeTest;
use FaultTest;

# Seconds: ten times what is promised.
my $PROMPT = 10;

my $carrier = start_standin('subscriber.py');
my $primary = new_server('primary', stream => 1, conf => "max_prepared_transactions = 2\nganje_logistics.poll_interval = 200ms");
add_plain_carrier($primary);
add_plain_account($primary, 'shop', $carrier->{port}, timeout_ms => 30000, max_connections => 10, retry_base_ms => 100, retry_cap_ms => 300);

sub query { return $primary->safe_psql('postgres', $_[0]); }

# Five requests of this name hang, three are done with.
sub five_hang
{
	my ($id, $database, $account) = @_;
	faults($carrier, { match => "/$id-", action => 'hang', count => 5 });
	$primary->safe_psql($database // 'postgres', "INSERT INTO ganje.shipment (order_id, account_id, external_id) SELECT n, 'shop', '$id-' || n FROM generate_series(1, 8) AS n");
	wait_for(sub { (grep { ($_->{fault} // '') eq 'hang' && $_->{path} =~ /^\/$id-/ } carrier_log($carrier)) == 5 }, 'five requests hang');
	wait_for(sub { $primary->safe_psql($database // 'postgres', "SELECT count(*) FROM ganje.outbox AS o JOIN ganje.shipment AS s USING (shipment_id) WHERE s.external_id ^@ '$id-'") eq '5' },
		'the answers to the others are recorded');
}

# Eight orders of this name were told, the five that hung twice under their key, the others once.
sub all_told
{
	my ($id, $what) = @_;
	is(query("SELECT ganje.drain('60 s')"), '0', "$what: goes on");
	my %told;
	push @{ $told{ $_->{path} } }, $_ foreach grep { $_->{path} =~ /^\/$id-/ } carrier_log($carrier);
	is(join(' ', sort map { scalar(@$_) } values %told), '1 1 1 2 2 2 2 2', "$what: what hung is sent again, the others are not");
	is(scalar(grep { keys_of(@$_) != 1 } values %told), 0, "$what: under one key each");
}

# Restarts with requests in flight.
for my $mode ('fast', 'immediate')
{
	five_hang($mode);
	took("$mode stop with requests in flight", $PROMPT, sub { $primary->stop($mode) });
	$primary->start;
	took("the first arrival after a $mode stop", $PROMPT, sub { wait_for(sub { (grep { $_->{path} =~ /^\/$mode-/ } carrier_log($carrier)) > 8 }, 'it is sent again') });
	all_told($mode, "$mode restart");
}
five_hang('killed');
my $worker = worker_pid($primary);
my @pids = kill_server($primary);
took('the end of the worker after kill -9 of the postmaster', $PROMPT, sub { wait_for(sub { gone($worker) }, 'the worker is gone') });
start_again($primary, @pids);
all_told('killed', 'kill -9 of the postmaster');

# Prepared, which wakes nobody: found by polling.
query("BEGIN; INSERT INTO ganje.shipment (order_id, account_id, external_id) VALUES ('p', 'shop', 'prepared'); PREPARE TRANSACTION 'p'");
sleep(0.5);
is(scalar(heard($carrier, 'prepared')), 0, 'a prepared order is not told');
query("COMMIT PREPARED 'p'");
took('an order that was prepared and is committed', $PROMPT, sub { wait_for(sub { heard($carrier, 'prepared') }, 'it is told') });

# The extension: with requests in flight, in a database of its own.
query('CREATE DATABASE second');
sub second { return $primary->safe_psql('second', $_[0]); }
sub has_worker { return query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker' AND datname = '$_[0]'"); }
second('BEGIN; CREATE EXTENSION ganje_logistics; ROLLBACK');
sleep(1);
is(has_worker('second'), '0', 'CREATE EXTENSION that is rolled back brings no worker');
sub set_up_second
{
	second('CREATE EXTENSION ganje_logistics');
	took('a worker after CREATE EXTENSION', $PROMPT, sub { worker_pid($primary, 'second') });
	add_plain_carrier($primary, 'second');
	add_plain_account($primary, 'shop', $carrier->{port}, database => 'second', timeout_ms => 30000);
}
set_up_second();
five_hang('altered', 'second');
second('CREATE FUNCTION public.extra() RETURNS integer LANGUAGE sql RETURN 1');
took('ALTER EXTENSION ADD and DROP', $PROMPT, sub { second('ALTER EXTENSION ganje_logistics ADD FUNCTION public.extra(); ALTER EXTENSION ganje_logistics DROP FUNCTION public.extra()') });
took('ALTER EXTENSION UPDATE to the version that is there', $PROMPT, sub { second('ALTER EXTENSION ganje_logistics UPDATE') });
took('DROP EXTENSION that is rolled back', $PROMPT, sub { second('BEGIN; DROP EXTENSION ganje_logistics CASCADE; ROLLBACK') });
second("INSERT INTO ganje.shipment (order_id, account_id, external_id) VALUES ('a', 'shop', 'after-rollback')");
took('an order after that rollback', $PROMPT, sub { wait_for(sub { heard($carrier, 'after-rollback') }, 'is told') });
took('DROP EXTENSION with requests in flight', $PROMPT, sub { second('DROP EXTENSION ganje_logistics CASCADE; DROP SCHEMA plain CASCADE') });
wait_for(sub { has_worker('second') eq '0' }, 'its worker leaves');
set_up_second();
# From an older version, where there is a way from one.
my $older = second(q{SELECT p.source FROM pg_extension_update_paths('ganje_logistics') AS p JOIN pg_available_extensions AS e ON e.name = 'ganje_logistics' AND e.default_version = p.target
	JOIN pg_available_extension_versions AS v ON v.name = e.name AND v.version = p.source WHERE p.path IS NOT NULL LIMIT 1});
SKIP:
{
	skip 'there is no older version to update from', 3 if $older eq '';
	query('CREATE DATABASE old');
	$primary->safe_psql('old', "CREATE EXTENSION ganje_logistics VERSION '$older'");
	worker_pid($primary, 'old');
	took("ALTER EXTENSION UPDATE from $older", $PROMPT, sub { $primary->safe_psql('old', 'ALTER EXTENSION ganje_logistics UPDATE') });
	add_plain_carrier($primary, 'old');
	add_plain_account($primary, 'shop', $carrier->{port}, database => 'old');
	$primary->safe_psql('old', "INSERT INTO ganje.shipment (order_id, account_id, external_id) VALUES ('u', 'shop', 'updated')");
	took('an order after the update', $PROMPT, sub { wait_for(sub { heard($carrier, 'updated') }, 'is told') });
	query('DROP DATABASE old');
}

# Databases: the worker's own, with requests in flight, and others.
five_hang('dropped', 'second');
query('CREATE DATABASE bare');
took('DROP DATABASE of another database', $PROMPT, sub { query('DROP DATABASE bare') });
took('CREATE DATABASE TEMPLATE of the own', $PROMPT, sub { query('CREATE DATABASE third TEMPLATE second') });
took('ALTER DATABASE RENAME of the own', $PROMPT, sub { query('ALTER DATABASE second RENAME TO fourth') });
five_hang('renamed', 'fourth');
took('DROP DATABASE of the own', $PROMPT, sub { query('DROP DATABASE fourth') });
took('DROP DATABASE of a copy', $PROMPT, sub { query('DROP DATABASE third') });
is(has_worker('postgres'), '1', 'the first database has kept its worker');

# A standby: it sends nothing, whatever is due, and what was due is sent once it is promoted.
faults($carrier, { match => '/standby-', action => 'status', code => 503, count => -1 });
took('pg_basebackup with the worker at work', 60, sub { $primary->backup('copy') });
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
tell($primary, 'shop', map { "standby-$_" } 1 .. 20);
wait_for(sub { (grep { $_->{path} =~ /standby/ } carrier_log($carrier)) >= 40 }, 'the primary tries');
$primary->wait_for_catchup($standby);
my @tried = grep { $_->{path} =~ /standby/ } carrier_log($carrier);
$primary->stop('immediate');
control($carrier, 'DELETE', 'log');
sleep(2);
is(scalar(carrier_log($carrier)), 0, 'a standby sends nothing though twenty requests are due');
is($standby->safe_psql('postgres', "SELECT count(*) FROM ganje.outbox_delivery"), '20', 'which it has');
faults($carrier);
$standby->promote;
took('the first arrival after promotion', 20, sub { wait_for(sub { scalar(carrier_log($carrier)) }, 'a request arrives') });
is($standby->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'promoted, it sends what was due');
my %keys;
$keys{ $_->{path} }{ $_->{headers}{'idempotency-key'} } = 1 foreach (@tried, carrier_log($carrier));
is(scalar(grep { keys %$_ == 1 } values %keys), 20, 'under the keys that the primary used');
is(scalar(carrier_log($carrier)), 20, 'each once');
$standby->stop;

my @fatal = grep { /FATAL/ && !/administrator command|the database system is|could not receive data from WAL stream|could not connect to the primary server/ } map { split(/\n/, server_log($_)) } ($primary, $standby);
is(scalar(@fatal), 0, 'no FATAL but those of the restarts') or diag(join("\n", @fatal[ 0 .. ($#fatal < 9 ? $#fatal : 9) ]));
done_testing();
