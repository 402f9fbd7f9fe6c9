# A worker that stands still until its lease is over: another one sends the
# request again, and what the first one has to say of it then counts for
# nothing.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;
use FaultTest;

my $carrier = start_standin('subscriber.py');
my $node = new_server('late', conf => "ganje_logistics.workers = 2\nganje_logistics.lease_margin = 200ms\nganje_logistics.poll_interval = 100ms");
add_plain_carrier($node);
add_plain_account($node, 'shop', $carrier->{port}, max_connections => 2, timeout_ms => 3000);

sub query { return $node->safe_psql('postgres', $_[0]); }
sub owner { return query("SELECT coalesce(max(lease_owner), -1) FROM ganje.outbox_delivery WHERE state = 'leased'"); }

my $pids = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker'";
wait_for(sub { scalar(() = query($pids) =~ /\d+/g) == 2 }, 'two workers run');
faults($carrier, { action => 'delay', ms => 2500, count => -1 });
tell($node, 'shop', 'order');
wait_for(sub { owner() >= 0 }, 'one of them has it');
my $first = owner();
my $worker = query($first == 0 ? 'SELECT ganje.worker_pid()' : "$pids AND pid <> ganje.worker_pid()");
my $idle = "$pids AND pid = $worker AND query LIKE 'waiting: 0 requests at carriers, %, 0 answers to record'";

kill 'STOP', $worker;
wait_for(sub { owner() == 1 - $first }, 'when its lease is over the other one takes it');
kill 'CONT', $worker;
wait_for(sub { query($idle) }, 'the first one goes on, and is done with it');
is(owner(), 1 - $first, 'which leaves the lease of the other one alone');
is(query('SELECT count(*) FROM ganje.outbox_attempt'), '0', 'and is no try that failed');
is(query("SELECT ganje.drain('60 s')"), '0', 'the other one delivers it');
is(query("SELECT string_agg(result || ' ' || attempts, ', ') FROM ganje.outbox_log"), 'delivered 2', 'which is recorded once');
is(scalar(heard($carrier, 'order')), 2, 'the carrier was told twice');
is(scalar(keys_of(heard($carrier, 'order'))), 1, 'under one key');
$node->stop;
done_testing();
