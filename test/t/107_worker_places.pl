# A server that has no background worker left for us, as it is told to the log
# and to who looks; and what pg_stat_activity shows of those that run.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use GanjeTest;
use FaultTest;

my $carrier = start_standin('subscriber.py');
my $node = new_server('places', stopped => 1, conf => "ganje_logistics.workers = 3\nmax_logical_replication_workers = 0\nmax_parallel_workers = 0");

sub query { return $node->safe_psql('postgres', $_[0]); }
sub complaints { return scalar(() = server_log($node) =~ /no background worker is left for database "postgres"/g); }
sub pids { return split(/\n/, query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker'")); }

# The launcher has a place, and nobody else.
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->start;
query('CREATE EXTENSION ganje_logistics');
add_plain_carrier($node);
add_plain_account($node, 'shop', $carrier->{port});
wait_for(sub { complaints() }, 'the launcher says that there is no place');
like(server_log($node), qr/no background worker is left for database "postgres"\n.*HINT:  Raise max_worker_processes/, 'and what to do');
for my $number (1 .. 20)
{
	tell($node, 'shop', "waits-$number");
	sleep(0.4);
}
is(complaints(), 1, 'once, though orders come in all the time and it tries again and again');
is(query("SELECT value FROM ganje.status() WHERE item = 'worker'"), 'not running', 'status() tells');
my ($status, $out, $error) = $node->psql('postgres', 'SELECT ganje.start_worker()');
like($error, qr/no background worker is left\n.*HINT:  Raise max_worker_processes/, 'so does start_worker()');
is(scalar(carrier_log($carrier)), 0, 'nothing was sent');

# Room for two of three: these do it all.
$node->append_conf('postgresql.conf', 'max_worker_processes = 3');
$node->restart;
is(query("SELECT ganje.drain('60 s')"), '0', 'with fewer workers than there should be everything is sent');
is(scalar(pids()), 2, 'by those that there are');
is(scalar(carrier_log($carrier)), 20, 'each once');
wait_for(sub { complaints() == 2 }, 'the launcher says that one is missing');

# What they do, when there is nothing to do.
my $event = $node->pg_version >= 17 ? 'GanjeWorkerMain' : 'Extension';
is(query("SELECT DISTINCT state, wait_event_type, wait_event, query FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker'"),
	"idle|Extension|$event|waiting: 0 requests at carriers, 0 in line, 0 answers to record", 'pg_stat_activity shows that they wait');
# Each looks once in poll_interval, a second, and the first looks for polls as well.
my $transactions = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = 'postgres'";
my $before = query($transactions);
sleep(3);
my $looks = query($transactions) - $before;
note("$looks transactions of two idle workers in three seconds");
cmp_ok($looks, '<', 60, 'idle workers look at the outbox once in poll_interval');
faults($carrier, { action => 'hang', count => 3 });
tell($node, 'shop', 'hang-1', 'hang-2', 'hang-3');
wait_for(sub { query("SELECT sum(substring(query FROM 'waiting: (\\d+) requests at carriers')::integer) FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker'") eq '3' },
	'and for how many answers');
is(query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker' AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL OR xact_start IS NOT NULL)"),
	'0', 'while no transaction of theirs is open');
$node->stop;
done_testing();
