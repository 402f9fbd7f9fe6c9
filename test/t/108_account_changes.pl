# Accounts that people change while their requests are on their way: limits,
# pauses, another address, another carrier, credentials. What was in flight
# ends as it began, nothing is lost, told twice or out of order.
#
#   SEED=n
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use GanjeTest;
use FaultTest;

my $SEED = $ENV{SEED} // int(rand(1_000_000));
my ($SHIPMENTS, $STEPS) = (300, 5);

srand($SEED);
note("SEED=$SEED");
my @carrier = map { start_standin('subscriber.py') } 1 .. 2;
my $node = new_server('changes', conf => "ganje_logistics.workers = 2\ntrack_functions = 'pl'");
add_plain_carrier($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

sub workers { return split(/\n/, query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker' ORDER BY pid")); }

# Another carrier of the same requests, which wants to authorize them.
query(q{
	CREATE FUNCTION plain.sign(account jsonb, INOUT request ganje.http_request) LANGUAGE plpgsql AS $$
	BEGIN
		request.headers := request.headers || jsonb_build_object('Authorization', 'Key ' || coalesce(account #>> '{secret,key}', 'none'));
	END $$;
	SELECT ganje.register_carrier('signed', 'plain.build', 'plain.sign');});
add_plain_account($node, $_, $carrier[0]{port}, max_connections => 10) foreach ('one', 'two');
query(q{SELECT ganje.set_credential('one', '{"key": "first-key"}')});
faults($_, { action => 'delay', ms => 50, count => -1 }) foreach @carrier;
my @workers;
wait_for(sub { @workers = workers(); @workers == 2 }, 'both workers run');

query(qq{
	INSERT INTO ganje.shipment (order_id, account_id, external_id)
	SELECT n, CASE n % 2 WHEN 0 THEN 'one' ELSE 'two' END, 'S' || n FROM generate_series(1, $SHIPMENTS) AS n;
	SELECT count(ganje.enqueue(s, 'step' || step)) FROM generate_series(2, $STEPS) AS step CROSS JOIN ganje.shipment AS s});

my @changes = (
	sub { 'max_connections = ' . (1 + int(rand(10))) },
	sub { 'requests_per_second = ' . (rand() < 0.5 ? 'NULL' : 100 + int(rand(200))) },
	sub { 'timeout_ms = ' . (5000 + int(rand(5000))) },
	sub { "base_url = 'http://127.0.0.1:$carrier[int(rand(2))]{port}'" },
	sub { "carrier = '" . (rand() < 0.5 ? 'plain' : 'signed') . "'" },
	sub { 'active = ' . (rand() < 0.3 ? 'false' : 'true') },
	sub { 'paused_at = ' . (rand() < 0.3 ? 'now()' : 'NULL') },
	sub { 'max_response_bytes = ' . (2000 + int(rand(1000))) },
	sub { 'breaker_failures = ' . int(rand(3)) });
my $changed = 0;
my $deadline = time() + 60;
query("UPDATE ganje.carrier_account SET base_url = 'http://127.0.0.1:$carrier[1]{port}' WHERE account_id = 'two'");
while (time() < $deadline && query('SELECT count(*) FROM ganje.outbox') > 0)
{
	my $account = rand() < 0.5 ? 'one' : 'two';
	my @statements = ("UPDATE ganje.carrier_account SET " . $changes[ int(rand(@changes)) ]->() . " WHERE account_id = '$account'");

	push @statements, "SELECT ganje.set_credential('$account', '{\"key\": \"key-$changed\"}')" if rand() < 0.1;
	push @statements, "DELETE FROM ganje.carrier_credential WHERE account_id = '$account'" if rand() < 0.05;
	push @statements, "SELECT ganje.resume_sending('$account')" if rand() < 0.3;
	push @statements, "UPDATE ganje.carrier_account SET active = true" if rand() < 0.2;
	query($_) foreach @statements;
	$changed += @statements;
}
query("UPDATE ganje.carrier_account SET active = true, paused_at = NULL, requests_per_second = NULL");
query("SELECT ganje.resume_sending(account_id) FROM ganje.carrier_account WHERE account_id IN ('one', 'two')");
is(query("SELECT ganje.drain('60 s')"), '0', 'everything is told');
my @log = sort { $a->{time} <=> $b->{time} } map { carrier_log($_) } @carrier;
note("$changed changes; requests: " . join(' and ', map { scalar(carrier_log($_)) } @carrier));
cmp_ok($changed, '>', 10, 'though much was changed meanwhile');
cmp_ok(scalar(grep { scalar(carrier_log($_)) } @carrier), '==', 2, 'at both addresses');
is(scalar(@log), $SHIPMENTS * $STEPS, 'each request once');
is(scalar(keys_of(@log)), $SHIPMENTS * $STEPS, 'each under its key');
my (%step, $out_of_order);
foreach my $line (@log)
{
	my ($shipment, $operation) = $line->{path} =~ m{^/(S\d+)/(\w+)$} or die "path $line->{path}";
	my $step = $operation eq 'create' ? 1 : substr($operation, 4);

	$out_of_order++ if $step != ($step{$shipment} // 0) + 1;
	$step{$shipment} = $step;
}
is($out_of_order, undef, 'and those of a shipment in their order');
is(query("SELECT count(*) || ' ' || max(attempts) FROM ganje.outbox_log WHERE result = 'delivered'"), $SHIPMENTS * $STEPS . ' 1', 'recorded once, at the first try');
is(query("SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions WHERE schemaname = 'ganje' AND funcname = 'record_answer'"), '0', 'and many at once');
is(query('SELECT count(*) FROM ganje.outbox_log WHERE log_slot <> ganje.log_slot(finished_at)'), '0', 'under their day');
is(join(' ', workers()), "@workers", 'by the same workers');
unlike(server_log($node), qr/(ERROR|FATAL|PANIC):/, 'and nothing went wrong on the way');
$node->stop;
done_testing();
