# Subscribers: judged by what they were sent, whose signatures they verify
# themselves.
use strict;
use warnings;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $locker = start_carrier();
my $good = start_standin('subscriber.py');
my $bad = start_standin('subscriber.py');
my $node = new_server('subscribers');
set_up_account($node, $locker);

sub query { return $node->safe_psql('postgres', $_[0]); }

# Subscribes a stand-in, which then accepts only what is signed with its secret.
sub subscribe
{
	my ($standin, $more) = @_;
	my $id = query(qq{
		CREATE TEMP TABLE s AS SELECT ganje.subscribe('http://127.0.0.1:$standin->{port}/hook?key=k', '{shipment}', allow_http => true$more) AS s;
		UPDATE ganje.carrier_account SET retry_base_ms = 50, retry_cap_ms = 200 WHERE account_id = (SELECT s ->> 'subscriptionId' FROM s);
		SELECT s ->> 'subscriptionId', s ->> 'secret' FROM s});
	my ($subscription, $secret) = split(/\|/, $id);
	control($standin, 'POST', 'secrets', [$secret]);
	return ($subscription, $secret);
}

sub heard { my ($standin) = @_; return grep { ($_->{path} // '') =~ /^\/hook/ } carrier_log($standin); }
sub accepted { my ($standin) = @_; return grep { ($_->{status} // 0) == 200 } heard($standin); }

# "CREATE UPDATE" per shipment, as accepted.
sub story
{
	my ($standin) = @_;
	my %story;
	push @{ $story{ $_->{body}{payload}{orderId} } }, $_->{body}{action} foreach accepted($standin);
	return { map { $_ => join(' ', @{ $story{$_} }) } keys %story };
}

sub state_of { my ($subscription) = @_; return query("SELECT state FROM ganje.subscription_status WHERE subscription_id = '$subscription'"); }

sub settled { my ($subscription, $what) = @_; wait_for(sub { query("SELECT pending + in_flight FROM ganje.subscription_status WHERE subscription_id = '$subscription'") eq '0' }, $what); }

my ($good_id, $good_secret) = subscribe($good, '');
my ($bad_id, $bad_secret) = subscribe($bad, '');

# In the transaction of the shipment, or not at all.
query("BEGIN; INSERT INTO ganje.shipment (order_id) VALUES ('undone'); ROLLBACK;");
add_shipments($node, 1, 3);
is(query("SELECT ganje.drain('60 s')"), '0', 'everybody is told');
is_deeply(story($good), { map { $_ => 'CREATE UPDATE' } qw(O1 O2 O3) }, 'of each shipment, and then that it has its link; not of one that was rolled back');
is_deeply(story($bad), story($good), 'and the other subscriber as well');
is_deeply([ grep { !$_->{webhook}{fresh} || "@{ $_->{webhook}{signed_by} }" ne '0' } heard($good) ], [], 'every message is signed, and fresh');
is_deeply([ map { $_->{webhook}{id} } grep { $_->{webhook}{id} ne $_->{body}{id} } heard($good) ], [], 'its webhook-id is the id in its body');
is((heard($good))[0]{path}, '/hook?key=k', 'at the path and query that were subscribed');
is((heard($good))[0]{headers}{'content-type'}, 'application/json', 'as JSON');

is(query("SELECT count(*) FROM ganje.shipment WHERE order_link IS NOT NULL AND updated_at <= created_at"), '0', 'what the worker writes bears its time');

# The signature by somebody else's code: OpenSSL's.
my $message = (heard($good))[0];
my $body = query("SELECT body FROM ganje.notification WHERE notification_id = '$message->{webhook}{id}'");
my $file = PostgreSQL::Test::Utils::tempdir() . '/signed';
append_to_file($file, "$message->{webhook}{id}.$message->{webhook}{timestamp}.$body");
my ($digest, $errors) = run_command([ 'openssl', 'dgst', '-sha256', '-mac', 'HMAC', '-macopt',
		'hexkey:' . unpack('H*', decode_base64($good_secret =~ s/^whsec_//r)), '-r', $file ]);
is($message->{webhook}{signature}, 'v1,' . encode_base64(pack('H*', (split(/ /, $digest))[0]), ''), 'openssl signs it the same');

# One subscriber is down: nobody waits for it, neither the carrier nor the other subscriber.
control($_, 'DELETE', 'log') foreach ($good, $bad, $locker);
faults($bad, { action => 'status', code => 500, count => -1 });
add_shipments($node, 4, 8);
wait_for(sub { scalar(accepted($good)) == 10 }, 'the other subscriber is told of all');
is(scalar(orders_at($locker)), 5, 'so is the carrier');
is(query('SELECT count(*) FROM ganje.shipment WHERE order_link IS NULL'), '0', 'whose answers are there');
is_deeply(story($good), { map { $_ => 'CREATE UPDATE' } map { "O$_" } 4 .. 8 }, 'in order');
is_deeply([ grep { $_->{body}{action} ne 'CREATE' } heard($bad) ], [], 'to the one that is down no UPDATE overtakes its CREATE');
is(state_of($bad_id), 'failing', 'and it is seen to fail');
faults($bad);
settled($bad_id, 'it is told once it is up again');
is_deeply(story($bad), story($good), 'of everything, in order');
my %bodies;
$bodies{ $_->{body}{id} }{ JSON::PP->new->canonical->encode($_->{body}) }++ foreach heard($bad);
is_deeply([ grep { keys %{ $bodies{$_} } != 1 } keys %bodies ], [], 'a retry has the id and the body of the first try');
cmp_ok(scalar(heard($bad)), '>', scalar(accepted($bad)), 'and there were retries');
is(state_of($bad_id), 'ok', 'then it fails no longer');

# One that hangs holds up nobody else.
control($_, 'DELETE', 'log') foreach ($good, $bad);
faults($bad, { action => 'hang', count => 2 });
add_shipments($node, 9, 10);
wait_for(sub { scalar(accepted($good)) == 4 }, 'the other subscriber does not wait for one that hangs');
is(scalar(accepted($bad)), 0, 'which has accepted nothing yet');
query("UPDATE ganje.carrier_account SET timeout_ms = 500 WHERE account_id = '$bad_id'");
settled($bad_id, 'its requests time out and are sent again');

# 410: disabled at once, nothing more is sent, and what it missed can be replayed.
control($_, 'DELETE', 'log') foreach ($good, $bad);
my $since = query('SELECT clock_timestamp()');
faults($bad, { action => 'status', code => 410, count => -1 });
add_shipments($node, 11, 13);
wait_for(sub { state_of($bad_id) eq 'disabled: the subscriber answered 410 Gone' }, '410 disables a subscription');
wait_for(sub { scalar(accepted($good)) == 6 }, 'the other is told');
settled($bad_id, 'what waited for it ends');
faults($bad);
control($bad, 'DELETE', 'log');
query("UPDATE ganje.shipment SET status = 'READY', normalized_status = 'ready_to_ship' WHERE order_id = 'O11'");
is(query("SELECT ganje.drain('60 s')"), '0', 'the outbox is empty');
is(scalar(heard($bad)), 0, 'and it is sent nothing more');
my $test = query("SELECT ganje.test_subscription('$bad_id')");
is(query("SELECT ganje.drain('60 s')"), '0', 'a test call gets through');
is_deeply([ map { $_->{body}{entity} } heard($bad) ], ['test'], 'to a disabled one');
is(query("SELECT result || ' ' || status || ' ' || answer FROM ganje.outbox_log WHERE request_id = '$test'"), 'delivered 200 {"status": true}', 'and its answer is in the log');
control($bad, 'DELETE', 'log');
query("SELECT ganje.enable_subscription('$bad_id'); SELECT ganje.replay_notifications('$bad_id', '$since');");
is(query("SELECT ganje.drain('60 s')"), '0', 'what it missed is sent');
is_deeply(story($bad), { O11 => 'CREATE UPDATE UPDATE', O12 => 'CREATE UPDATE', O13 => 'CREATE UPDATE' }, 'in order');
is_deeply([ sort map { $_->{webhook}{id} } accepted($bad) ], [ sort map { $_->{webhook}{id} } accepted($good) ], 'with the ids that the other got');

# Too long without success.
control($bad, 'DELETE', 'log');
query("UPDATE ganje.subscription SET disable_after = '0.2 s' WHERE subscription_id = '$bad_id'");
faults($bad, { action => 'status', code => 503, count => -1 });
add_shipments($node, 14, 14);
wait_for(sub { state_of($bad_id) =~ /^disabled: nothing was accepted since 2/ }, 'one that accepts nothing for long is disabled');
cmp_ok(scalar(heard($bad)), '>', 1, 'after several tries');
settled($bad_id, 'and nothing waits for it');
faults($bad);

# A new secret: both signatures while the old one is in force, then the new alone.
control($good, 'DELETE', 'log');
my $new_secret = query("SELECT ganje.rotate_subscription_secret('$good_id', '1 hour') ->> 'secret'");
control($good, 'POST', 'secrets', [ $good_secret, $new_secret ]);
query("UPDATE ganje.shipment SET note = 'n' WHERE order_id = 'O1'; SELECT ganje.drain('60 s')");
wait_for(sub { scalar(accepted($good)) == 1 }, 'the change is told');
is_deeply((accepted($good))[0]{webhook}{signed_by}, [ 0, 1 ], 'signed by the old secret and the new');
query("UPDATE ganje.carrier_credential SET secret = jsonb_set(secret, '{previous,0,until}', to_jsonb(now())) WHERE account_id = '$good_id'");
query("UPDATE ganje.shipment SET note = 'm' WHERE order_id = 'O1'");
wait_for(sub { scalar(accepted($good)) == 2 }, 'the next change is told');
is_deeply((accepted($good))[1]{webhook}{signed_by}, [1], 'after the overlap by the new one alone');

# A worker that dies with a notification on its way: sent again, as the same.
control($good, 'DELETE', 'log');
faults($good, { action => 'hang', count => 1 });
query("UPDATE ganje.shipment SET note = 'o' WHERE order_id = 'O1'");
wait_for(sub { scalar(heard($good)) == 1 }, 'it is on its way');
kill 'KILL', worker_pid($node);
wait_for(sub { eval { scalar(accepted($good)) == 1 } }, 'it is sent again');
my ($first, $second) = heard($good);
ok(!defined $first->{status} && $second->{status} == 200, 'once it was answered');
is($second->{body}{id}, $first->{body}{id}, 'under the same id');
wait_for(sub { eval { query('SELECT 1') } }, 'the server is back');

# Secrets are nowhere but in their table.
my $log = server_log($node);
my $tables = query("SELECT string_agg(o::text, '') FROM ganje.outbox_log AS o") . query("SELECT string_agg(n::text, '') FROM ganje.notification AS n")
  . query("SELECT string_agg(a::text, '') FROM ganje.carrier_account AS a");
foreach my $secret ($good_secret, $new_secret, $bad_secret)
{
	my $key = $secret =~ s/^whsec_//r;
	ok(index($log . $tables, $key) < 0, 'a secret is neither in the server log nor in another table');
}

# A dump takes subscriptions and notifications along, and its restore tells nobody.
query("SELECT ganje.unsubscribe('$bad_id')");
my $count = "SELECT (SELECT count(*) FROM ganje.notification), (SELECT count(*) FROM ganje.outbox), (SELECT count(*) FROM ganje.subscription),"
  . " (SELECT count(*) FROM ganje.shipment)";
my $before = query($count);
my $dump = $node->backup_dir . '.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'the database is dumped');
control($good, 'DELETE', 'log');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $dump ], 'and restored');
is($node->safe_psql('copy', $count), $before, 'with its subscription and notifications, and none more');
$node->safe_psql('copy', "SELECT ganje.pause_sending(); UPDATE ganje.shipment SET note = 'in the copy' WHERE order_id = 'O1'");
is($node->safe_psql('copy', "SELECT count(*) FROM ganje.outbox WHERE operation = 'shipment UPDATE'"), '1', 'there, too, a change is told');
is(scalar(heard($good)), 0, 'and nothing was sent');

# Unsubscribed: silence.
query("SELECT ganje.unsubscribe('$good_id'); INSERT INTO ganje.shipment (order_id) VALUES ('last')");
is(query("SELECT ganje.drain('60 s')"), '0', 'nothing waits');
is(scalar(heard($good)), 0, 'and nothing is sent after the end of a subscription');
is(query("SELECT count(*) FROM ganje.carrier_account WHERE carrier = 'webhook'"), '0', 'whose account is gone');

$node->stop;
done_testing();
