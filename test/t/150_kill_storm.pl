# Random kill -9 of the worker, the postmaster and the carrier while requests
# are sent, judged by what the carrier wrote down: nothing is lost, nothing out
# of order within a shipment, and nothing told twice but under one key and for
# having been in flight at a kill. make soak-kills is this at length.
#
#   KILLS=n REQUESTS=n SEED=n
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use GanjeTest;
use FaultTest;

my $KILLS = $ENV{KILLS} // 10;
my $REQUESTS = $ENV{REQUESTS} // 1000;
my $SEED = $ENV{SEED} // int(rand(1_000_000));

# Requests of a shipment, sent one after the other; connections of each account.
my $STEPS = 5;
my $CONNECTIONS = 8;

$GanjeTest::PATIENCE = 120;
srand($SEED);
note("KILLS=$KILLS REQUESTS=$REQUESTS SEED=$SEED");

my $directory = PostgreSQL::Test::Utils::tempdir();
my $node = new_server('storm', conf => 'log_min_messages = fatal');
my @carrier;

# The carrier does its work at once, but its answer takes a moment, so that a kill finds it done and not yet known.
sub start_carrier_again
{
	my @port = @carrier ? ('--port', $carrier[-1]{port}) : ();
	push @carrier, start_standin('subscriber.py', '--log', "$directory/" . scalar(@carrier) . '.log', @port);
	faults($carrier[-1], { action => 'drip', ms => 3, count => -1 });
}

start_carrier_again();
add_plain_carrier($node);
add_plain_account($node, $_, $carrier[0]{port}, max_connections => $CONNECTIONS, max_attempts => 1000) foreach ('one', 'two');

sub query { return $node->safe_psql('postgres', $_[0]); }

# A batch of shipments, all steps of each in the outbox at once.
my $told = 0;
sub tell_batch
{
	my ($shipments) = @_;
	my ($from, $to) = ($told + 1, $told + $shipments);

	query(qq{
		INSERT INTO ganje.shipment (order_id, account_id, external_id)
		SELECT n, CASE n % 2 WHEN 0 THEN 'one' ELSE 'two' END, 'S' || n FROM generate_series($from, $to) AS n;
		SELECT ganje.enqueue(s, step) FROM generate_series(2, $STEPS) AS step_number
		 CROSS JOIN LATERAL (VALUES ('step' || step_number)) AS v(step)
		  JOIN ganje.shipment AS s ON substr(s.external_id, 2)::integer BETWEEN $from AND $to
		 ORDER BY s.shipment_id, step_number});
	$told = $to;
}

my (@kills, %killed, @who);

# Asks the outbox what is leased while the worker stands still; nothing where it stands still with a lock in its hands
# that the question needs. The answer is waited for half a second.
sub ask_leased
{
	my $answer = '';
	my $question = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'),
			'-c', "SELECT request_id FROM ganje.outbox_delivery WHERE state = 'leased'" ], '>', \$answer);
	my $deadline = time() + 0.5;

	sleep(0.01), $question->pump_nb while $question->pumpable && time() < $deadline;
	return ($question, $question->pumpable ? undef : { map { $_ => 1 } split(/\n/, $answer) });
}

# What is in flight at a kill: sent, or about to be, and not recorded.
sub note_kill
{
	my ($what, $pid) = @_;
	my ($question, $leased);

	until ($leased)
	{
		kill 'STOP', $pid;
		wait_for(sub { slurp_file("/proc/$pid/stat") =~ /\) T / }, 'the worker stands still');
		($question, $leased) = ask_leased();
		kill 'CONT', $pid unless $leased;
		$question->finish;
	}
	push @kills, { what => $what, time => time(), leased => $leased };
	$killed{$what}++;
}

my %kill = (
	worker => sub {
		my $pid = worker_pid($node);
		note_kill('worker', $pid);
		kill 'KILL', $pid;
		# the server ends all sessions and begins anew
		wait_for(sub { gone($pid) }, 'the worker is dead');
		wait_for(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 'the server is back');
	},
	postmaster => sub {
		my $pid = worker_pid($node);
		my @pids = kill_server($node, sub { note_kill('postmaster', $pid) });
		# as a power cut; that it would end by itself is shown by 103
		kill 'KILL', $pid;
		start_again($node, @pids);
	},
	carrier => sub {
		my $carrier = $carrier[-1];
		my $pid = worker_pid($node);
		note_kill('carrier', $pid);
		kill 'KILL', $carrier->{pid};
		waitpid($carrier->{pid}, 0);
		$carrier->{pid} = 0;
		kill 'CONT', $pid;
		start_carrier_again();
	});

my $begin = time();
my $shipments = int($REQUESTS / $STEPS);
for my $number (1 .. $KILLS)
{
	tell_batch(int($shipments * $number / $KILLS) - $told);
	sleep(rand(0.5));
	# drawn without putting back, so that a short run has each of them too
	@who = ('worker', 'worker', 'postmaster', 'carrier', 'carrier') unless @who;
	$kill{ splice(@who, int(rand(@who)), 1) }->();
}
query("SELECT ganje.drain('600 s')");

# What the carriers wrote down, in their order.
my @log = map { my $file = "$directory/$_.log"; -e $file ? map { decode_json($_) } grep { /\}$/ } split(/\n/, slurp_file($file)) : () } 0 .. $#carrier;
my (%seen, %step, @repeats);
my $out_of_order = 0;
for my $line (@log)
{
	my ($shipment, $operation) = $line->{path} =~ m{^/(S\d+)/(\w+)$} or die "path $line->{path}";
	my $step = $operation eq 'create' ? 1 : substr($operation, 4);
	my $name = "$shipment/$step";

	push @repeats, { name => $name, first => $seen{$name}, again => $line } if $seen{$name};
	# A later step than this was told before: out of order. The one before it not at all: likewise.
	$out_of_order++ if ($step{$shipment} // 0) > $step || ($step{$shipment} // 0) < $step - 1;
	$step{$shipment} = $step;
	$seen{$name} = $line;
}

# A repeat is explained by a kill between the two at which the request was in flight (what was written to a socket before
# a kill may come a moment after it).
my $other_key = grep { $_->{first}{headers}{'idempotency-key'} ne $_->{again}{headers}{'idempotency-key'} } @repeats;
my @unexplained = grep {
	my ($first, $again) = ($_->{first}, $_->{again});
	!grep { $_->{time} >= $first->{time} - 0.3 && $_->{time} <= $again->{time} && $_->{leased}{ $first->{headers}{'idempotency-key'} } } @kills;
} @repeats;
my ($most) = sort { $b <=> $a } map { scalar(keys %{ $_->{leased} }) } @kills;

note(sprintf('%d kills (%s) in %.0f s, %d requests', scalar(@kills), join(', ', map { "$killed{$_} $_" } sort keys %killed), time() - $begin, $told * $STEPS));
note(sprintf('the carrier saw %d requests, %d of them again (at most %d were in flight at a kill)', scalar(@log), scalar(@repeats), $most));
note(sprintf('lost %d, out of order %d, repeats under another key %d, repeats of what was not in flight at a kill %d',
	$told * $STEPS - keys %seen, $out_of_order, $other_key, scalar(@unexplained)));

is(scalar(@kills), $KILLS, 'all kills were made');
is($told * $STEPS - keys %seen, 0, 'nothing is lost');
is($out_of_order, 0, 'nothing is out of order within a shipment');
is($other_key, 0, 'nothing is told twice under different keys');
is(scalar(@unexplained), 0, 'nor but for having been in flight at a kill');
is(query('SELECT count(*) FROM ganje.outbox'), '0', 'the outbox is empty');
is(query("SELECT count(*) || ' ' || count(DISTINCT request_id) || ' ' || count(*) FILTER (WHERE result = 'delivered') FROM ganje.outbox_log"),
	join(' ', ($told * $STEPS) x 3), 'each request is recorded once');

$node->stop;
done_testing();
