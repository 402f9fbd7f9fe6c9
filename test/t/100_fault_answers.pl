# Faults of carriers' answers, each judged by what the carrier saw: delays and
# Retry-After, refusals, redirects, addresses, bodies that are too much,
# certificates. Every case has an account of its own, and all go at once.
use strict;
use warnings;
use FindBin;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use GanjeTest;
use FaultTest;

# Milliseconds; the log of the carrier and the clock of the worker are not one.
my ($BASE, $CAP, $SLACK) = (400, 1200, 20);

# How late a busy machine may be, in seconds.
my $LATE = 10;

my $certificates = PostgreSQL::Test::Utils::tempdir();
system_or_bail("$FindBin::RealBin/../carriers/make_certificates", $certificates);

my $carrier = start_standin('subscriber.py');
my $inner = start_standin('subscriber.py');
my $ganje = start_carrier();
my $node = new_server('answers', conf => "ganje_logistics.ca_file = '$certificates/ca.pem'\nshared_buffers = 16MB");
add_plain_carrier($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

my @rules;

# Delays. Each of the answers that ask for another try, with each thing that
# Retry-After can say; twice, then the request is taken.
my %says = (
	nothing => undef, zero => '0', second => '1', decade => '315360000', endless => '9' x 40, past => 'Sun, 06 Nov 1994 08:49:37 GMT',
	future => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time() + 10 * 365 * 86400)),
	garbage => 'presently', negative => '-5', broken => '1.5', empty => '');
my @delayed;
for my $code (408, 425, 429, 500, 503)
{
	for my $word (sort keys %says)
	{
		my $id = "delay-$code-$word";
		my %rule = (match => "/$id/", action => 'status', code => $code, count => 2);
		$rule{headers} = { 'Retry-After' => $says{$word} } if defined $says{$word};
		push @rules, \%rule;
		push @delayed, { id => $id, code => $code, word => $word };
	}
}

# Refusals, which are final, with their body.
my @final = map { { id => "final-$_", code => $_ } } (400, 403, 404, 405, 409, 410, 422);
# Redirects: to loopback, to a file; wherever, they are not followed.
push @final, map { { id => "redirect-$_", code => $_, location => "http://127.0.0.1:$inner->{port}/secrets" } } (301, 302, 303, 307, 308);
push @final, { id => 'redirect-file', code => 302, location => 'file:///etc/passwd' };
for my $case (@final)
{
	my %rule = (match => "/$case->{id}/", action => 'status', code => $case->{code}, count => -1, body => { detail => "no $case->{id}" });
	$rule{headers} = { Location => $case->{location} } if defined $case->{location};
	push @rules, \%rule;
}
faults($carrier, @rules);

add_plain_account($node, $_->{id}, $carrier->{port}, retry_base_ms => $BASE, retry_cap_ms => $CAP) foreach (@delayed, @final);
query("INSERT INTO ganje.shipment (order_id, account_id, external_id) SELECT a.account_id, a.account_id, a.account_id FROM ganje.carrier_account AS a WHERE a.carrier = 'plain'");
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_delivery WHERE state <> 'dead'") eq '0' }, 'everything is answered for good');

my @log = carrier_log($carrier);
for my $word (sort keys %says)
{
	my $least = $word eq 'second' ? 1000 : $word =~ /decade|endless|future/ ? $CAP : $BASE;
	my @strange;

	for my $case (grep { $_->{word} eq $word } @delayed)
	{
		my @tries = heard_in($case->{id}, @log);
		my @delays = map { ($tries[$_]{time} - $tries[ $_ - 1 ]{time}) * 1000 } 1 .. $#tries;

		push @strange, "$case->{id}: " . join(' ', map { $_->{status} } @tries)
		  unless join(' ', map { $_->{status} } @tries) eq "$case->{code} $case->{code} 200";
		push @strange, "$case->{id}: delays @delays" if grep { $_ < $least - $SLACK || $_ > $CAP + $LATE * 1000 } @delays;
		push @strange, "$case->{id}: keys " . join(' ', keys_of(@tries)) unless keys_of(@tries) == 1;
	}
	is_deeply(\@strange, [], "Retry-After $word: tried again under one key, within base and cap");
}
for my $case (@final)
{
	is(scalar(heard_in($case->{id}, @log)), 1, "$case->{id}: the carrier is asked once");
	is(query("SELECT d.attempts, d.last_status, t.answer FROM ganje.dead_letters AS d JOIN ganje.outbox_attempt AS t USING (merchant_id, request_id)
			   WHERE d.account_id = '$case->{id}'"), qq(1|$case->{code}|{"detail": "no $case->{id}"}), "$case->{id}: and its word is kept");
}
is(scalar(carrier_log($inner)), 0, 'nobody went where a redirect points');

# What cannot be sent: refused for good, and nothing goes out.
control($carrier, 'DELETE', 'log');
add_plain_account($node, 'evil', $carrier->{port});
my %evil = (
	'cr lf in a value' => '{"X-Note": "a\r\nX-Admin: yes"}', 'lf in a value' => '{"X-Note": "a\nX-Admin: yes"}',
	'cr in a name' => '{"X-Note\r\nX-Admin": "yes"}', 'a length of its own' => '{"Content-Length": "3"}',
	'another host' => '{"Host": "other.example"}', 'chunks' => '{"Transfer-Encoding": "chunked"}');
query("SELECT ganje.enqueue_request('evil', 'call', 'POST', '/evil', '{}', '$evil{$_}')") foreach sort keys %evil;
wait_for(sub { query("SELECT count(*) FROM ganje.dead_letters WHERE account_id = 'evil'") eq keys(%evil) }, 'hostile headers are final');
is(query("SELECT string_agg(DISTINCT d.attempts::text, ' ') FROM ganje.dead_letters AS d WHERE d.account_id = 'evil'"), '1', 'at the first try');
is(scalar(carrier_log($carrier)), 0, 'and nothing was sent');
for my $url ('file:///etc/passwd', 'ftp://127.0.0.1/x', "gopher://127.0.0.1:$carrier->{port}/")
{
	my ($status, $out, $error) = $node->psql('postgres', "INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http) VALUES ('x', 'plain', '$url', true)");
	like($error, qr/https_unless_allowed/, "$url is no base URL");
}
for my $path ("/a\r\nX: y", '/a b', 'a')
{
	my ($status, $out, $error) = $node->psql('postgres', "SELECT ganje.enqueue_request('evil', 'call', 'POST', '$path')");
	like($error, qr/violates check constraint/, 'nor is that a path');
}

# Addresses, written in every way; none of them is the one that is allowed.
my %hosts = ('loopback' => '127.0.0.2', 'private' => '10.0.0.1', 'loopback six' => '[::1]', 'mapped' => '[::ffff:127.0.0.1]',
	'metadata' => '169.254.169.254', 'number' => '2130706434', 'hexadecimal' => '0x7f.2', 'octal' => '0177.0.0.2', 'zero' => '0');
add_plain_account($node, "private $_", "http://$hosts{$_}:$carrier->{port}") foreach sort keys %hosts;
add_plain_account($node, 'private user', "http://127.0.0.1\@127.0.0.2:$carrier->{port}");
query("SELECT ganje.enqueue_request(account_id, 'call', 'POST', '/private', '{}') FROM ganje.carrier_account WHERE account_id ^@ 'private '");
wait_for(sub { query("SELECT count(*) FROM ganje.outbox_delivery WHERE account_id ^@ 'private ' AND state <> 'dead'") eq '0' }, 'private addresses are refused for good');
is(query("SELECT count(*) FROM ganje.dead_letters WHERE account_id ^@ 'private ' AND attempts = 1 AND last_error ~ 'refused address|URL'"),
	keys(%hosts) + 1, 'at the first try, and it is said why');
is(scalar(carrier_log($carrier)), 0, 'and nothing was sent');

# Bodies that are none, or too much. Eight orders get one of each, in turn.
my @bodies = (
	[ qr/not the JSON that is documented/, action => 'html' ],
	[ qr/not the JSON that is documented/, action => 'wrong_json' ],
	[ qr/^too large: /, action => 'huge', bytes => 100 * 1024 * 1024 ],
	[ qr/^too large: /, action => 'huge', bytes => -1 ],
	[ qr/not the JSON that is documented/, action => 'gzip_bomb', bytes => 10 * 1024 * 1024 ],
	[ qr/^reset: /, action => 'reset' ],
	[ qr/^reset: /, action => 'reset_mid_body' ],
	[ qr/^reset: /, action => 'close_after_commit' ]);
set_up_account($node, $ganje, max_attempts => 100);
query("UPDATE ganje.carrier_account SET breaker_failures = 0");
add_shipments($node, 0, 0);
is(query("SELECT ganje.drain('60 s')"), '0', 'a good order, and a login');
my $worker = worker_pid($node);
my $before = eval { forget_peak($worker); peak_memory($worker) };
faults($ganje, map { my (undef, %rule) = @$_; { match => 'pre-order', count => 8, %rule } } @bodies);
add_shipments($node, 1, 8);
is(query("SELECT ganje.drain('120 s')"), '0', 'orders are told in the end, whatever came before');
is(scalar(grep { $_->{left} } @{ control($ganje, 'GET', 'faults') }), 0, 'and it all came');
is(query("SELECT count(order_link) FROM ganje.shipment WHERE external_id ~ '^X[1-8]\$'"), '8', 'each has its link');
my @errors = split(/\n/, query("SELECT h ->> 'error' FROM ganje.outbox_log, jsonb_array_elements(history) AS h WHERE account_id = 'locker'"));
my %wanted;
$wanted{ $_->[0] } += 8 foreach @bodies;
is(scalar(grep { $_ =~ $bodies[0][0] } @errors), $wanted{ $bodies[0][0] }, 'pages, half an answer and what is packed are failed tries');
is(scalar(grep { $_ =~ /^too large/ } @errors), 16, 'so are 100 MB and chunks without end');
is(scalar(grep { $_ =~ /^reset/ } @errors), 24, 'and broken connections');
is(scalar(grep { keys_of(@$_) != 1 } values %{ { map { my $id = $_; $id => [ grep { $_->{body}{external_id} eq $id } orders_at($ganje) ] } map { "X$_" } 1 .. 8 } }),
	0, 'each order has one key');
SKIP:
{
	skip 'no /proc to read the peak of memory from', 1 unless defined $before;
	my $rise = peak_memory($worker) - $before;
	is(worker_pid($node), $worker, 'the worker is the same');
	note(sprintf('memory of the worker: %.1f MB before, at most %.1f MB more', $before, $rise));
	cmp_ok($rise, '<', 40, 'eight at once, each with a cap of 1 MiB, take no 40 MB');
}

# Certificates: not a byte of a request goes to who cannot prove its name.
my %logs;
for my $name ('good', 'expired', 'self-signed', 'wrong-host')
{
	$logs{$name} = "$certificates/$name.log";
	my $standin = start_standin('subscriber.py', '--log', $logs{$name}, '--tls-cert', "$certificates/$name.pem", '--tls-key', "$certificates/$name.key");
	add_plain_account($node, "tls $name", "https://127.0.0.1:$standin->{port}", max_attempts => 3);
}
query("SELECT ganje.enqueue_request(account_id, 'call', 'POST', '/tls', '{\"secret\": 1}') FROM ganje.carrier_account WHERE account_id ^@ 'tls '");
is(query("SELECT ganje.drain('60 s')"), '0', 'certificates are judged');
is(query("SELECT string_agg(account_id, ', ' ORDER BY account_id) FROM ganje.dead_letters WHERE attempts = 3 AND last_error ~ '^tls: '"),
	'tls expired, tls self-signed, tls wrong-host', 'bad ones are refused, at each try');
is(-s $logs{$_} // 0, 0, "$_: not a byte of the request was sent") foreach ('expired', 'self-signed', 'wrong-host');
is(scalar(() = slurp_file($logs{good}) =~ /"path": "\/tls"/g), 1, 'the good one is called');

unlike(server_log($node), qr/PANIC|terminated by signal/, 'nothing went wrong on the way');
$node->stop;
done_testing();
