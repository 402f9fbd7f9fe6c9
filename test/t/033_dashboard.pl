# dashboard(): with data, with none, and with hostile names. Read by a parser
# of HTML that is not ours, then by Chromium, whose idea of the page must be
# the same, and which must ask nobody for anything: every name it could ask
# for leads to the server that the page came from.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8 decode_utf8);
use FindBin;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $node = new_server('dashboard');
my $directory = PostgreSQL::Test::Utils::tempdir();
my ($chromium) = grep { -x $_ } map { "$_/chromium" } split(/:/, $ENV{PATH});

# What test/dashboard/read_page.py says of a page.
sub read_page
{
	my ($name, $page, @options) = @_;
	my $file = "$directory/$name";
	append_to_file($file, $page);
	open(my $reader, '-|', "python3 '$FindBin::RealBin/../dashboard/read_page.py' @options < '$file'") or die;
	local $/;
	return decode_json(<$reader>);
}

# Serves a page once and again, and writes down what is asked for.
sub serve
{
	my ($page) = @_;
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "listen: $!";
	my $log = "$directory/asked." . $listener->sockport;
	my $pid = fork() // die "fork: $!";
	return ($listener->sockport, $log, $pid) if $pid;
	$SIG{TERM} = sub { POSIX::_exit(0) };
	$SIG{CHLD} = 'IGNORE';
	while (my $client = $listener->accept)
	{
		# A browser opens connections that it does not use yet.
		next if fork();
		my ($line, $host) = (scalar(<$client>), '');
		while (defined(my $header = <$client>))
		{
			$host = $1 if $header =~ /^Host: *(\S+)/i;
			last if $header =~ /^\r?$/;
		}
		# The browser has business of its own: the time, updates.
		append_to_file($log, "$1 http://$host$2\n") if ($line // '') =~ /^(GET|POST|HEAD|OPTIONS) (\S+)/ && $host !~ /\.(google|googleapis|gvt1)\.com$/;
		print $client "HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " . length($page) . "\r\n\r\n$page";
		close($client);
		POSIX::_exit(0);
	}
	POSIX::_exit(0);
}

# The DOM that Chromium makes of a page, and what it asked for.
sub browse
{
	my ($page) = @_;
	my ($port, $log, $pid) = serve($page);
	my $home = PostgreSQL::Test::Utils::tempdir();
	my $dom = `HOME='$home' timeout 100 '$chromium' --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \\
		--disable-background-networking --disable-component-update --disable-sync --user-data-dir='$home/profile' \\
		--host-resolver-rules='MAP * 127.0.0.1:$port' --virtual-time-budget=3000 --dump-dom 'http://dashboard.test/' 2>'$home/log'`;
	kill 'TERM', $pid;
	waitpid($pid, 0);
	return ($dom, slurp_file($log));
}

# A page by the parser and by the browser; answers its text.
sub check_page
{
	my ($name, $database) = @_;
	my $page = $node->safe_psql($database, 'SELECT ganje.dashboard()') . "\n";
	my $read = read_page("$name.html", $page);
	is_deeply($read->{problems}, [], "$name: nothing in it that could run or load, and all is closed");
	cmp_ok(scalar(grep { /^section / } @{ $read->{tags} }), '==', 7, "$name: seven parts");
  SKIP:
	{
		skip('Chromium is not installed', 3) unless $chromium;
		my ($dom, $asked) = browse($page);
		my $seen = read_page("$name.dom", $dom, '--dom');
		is_deeply($seen->{tags}, $read->{tags}, "$name: the browser reads it as it was meant");
		is($seen->{text}, $read->{text}, "$name: and shows that text");
		is($asked, "GET http://dashboard.test/\n", "$name: it asks for nothing else");
	}
	return $read->{text};
}

# None
my $text = check_page('empty', 'postgres');
foreach my $line ('No carrier accounts yet.', 'Nothing is booked from today on.', 'No delivery zones yet.', 'No carrier answered within the last hour.',
	'No parcel waits to be collected.', 'No webhook is in quarantine.', 'No request was given up.')
{
	like($text, qr/\Q$line\E/, "empty: $line");
}

# Fills a database with one of each; what names things is a SQL expression of a name.
sub fill
{
	my ($database, $port, $name) = @_;
	$node->safe_psql($database, encode_utf8(qq{
		SET client_encoding = 'UTF8';
		CREATE FUNCTION pg_temp.n(what text) RETURNS text LANGUAGE sql RETURN $name;
		SELECT ganje.upsert_zone(jsonb_build_object('zoneId', pg_temp.n('Z'), 'name', pg_temp.n('zone'), 'rules',
			'[{"loc": {"circle": {"center": {"lat": 41, "lng": 29}, "radius": 5000}}}]'::jsonb));
		SELECT ganje.upsert_store('{"storeId": "S", "name": "S", "rules": [{"ruleId": "R", "types": ["CARGO"], "providers": [], "capacity": 10,
			"days": ["1", "2", "3", "4", "5", "6", "7"], "slots": [["10:00", "12:00"]]}]}');
		INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, slot_from, slot_to, used, capacity)
		SELECT 'DEFAULT', 'S', 'R', current_date + n, '10:00', '12:00', 11 - n, 10 FROM generate_series(1, 3) AS n;
		INSERT INTO ganje.carrier (carrier, registered_by) VALUES (pg_temp.n('carrier'), current_user);
		INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http)
		VALUES (pg_temp.n('account'), pg_temp.n('carrier'), 'http://127.0.0.1:$port', true);
		SELECT ganje.enqueue_request(pg_temp.n('account'), pg_temp.n('operation'), 'POST', '/' || n, '{}') FROM generate_series(1, 4) AS n;
		INSERT INTO ganje.shipment (order_id, phone, recipient, station, boxes)
		VALUES (pg_temp.n('order'), '+989121234567', 'Secret Person', jsonb_build_object('nickname', pg_temp.n('station')), ARRAY[pg_temp.n('box')]);
		INSERT INTO ganje.shipment_parcel (merchant_id, shipment_id, parcel_ref, carrier_status, normalized_status, rank, checked_in_at, expires_at, updated_at)
		SELECT merchant_id, shipment_id, '', 'occupied', 'ready_for_pickup', 1, now() - interval '3 hours', now() + interval '5 hours', now() FROM ganje.shipment;
		SELECT ganje.receive_webhook(pg_temp.n('source'), '{"phone": "+989121234567"}');
		SELECT ganje.subscribe('https://<b>hook.example/secret-path?token=secret', '{order}');}));
}

my $carrier = start_standin('subscriber.py');
faults($carrier, { match => '/1', action => 'status', code => 422, count => 1, body => '+989121234567' });
fill('postgres', $carrier->{port}, "'Plain ' || what");
is($node->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'requests are sent');
$text = check_page('data', 'postgres');
like($text, qr/Plain account ?Plain carrier ?sending ?3 delivered, 1 refused/, 'data: the account, and what became of its requests');
like($text, qr/<b>hook\.example ?subscriber ?sending/, 'data: a subscriber by its host');
unlike($text, qr/secret/, 'data: but not by what follows in its URL');
like($text, qr/last: the carrier answered 422, \d+ s ago/, 'data: the last error');
like($text, qr{10:00–12:00 ?10 / 10 ?10 confirmed, 0 held, of 10}, 'data: a full slot');
like($text, qr/Plain zone/, 'data: a zone on the map');
like($text, qr/Plain order ?Plain station · box Plain box ?3 h ?4 h left|Plain order ?Plain station · box Plain box ?3 h ?\d+ min left/, 'data: a parcel to collect');
like($text, qr/Plain source ?unknown source/, 'data: a webhook in quarantine');
like($text, qr/Plain account ?Plain operation ?\w{26} ?the carrier answered 422 ?1/, 'data: a dead letter');
unlike($text, qr/9121234567|Secret/, 'data: no phone, no name of a person');

# Names that want to be markup, end a picture, turn the text around, or load something.
my $hostile = q{what || '<script>document.title="owned"</script>"''><img src=http://evil.test/x onerror=alert(1)></svg></style><!-- ' || U&'\202E' || 'سلام &amp; ]]> ' || chr(7)};
my $database = q{dash "<b>'};
$node->safe_psql('postgres', qq{CREATE DATABASE "dash ""<b>'"});
$node->safe_psql($database, 'CREATE EXTENSION ganje_logistics');
faults($carrier, { match => '/1', action => 'status', code => 422, count => 1, body => '<script>' });
fill($database, $carrier->{port}, $hostile);
is($node->safe_psql($database, "SELECT ganje.drain('60 s')"), '0', 'requests of hostile names are sent');
$text = check_page('hostile', $database);
foreach my $what (qw(account carrier zone order source operation station))
{
	like($text, qr/\Q$what<script>\E/, "hostile: $what is shown as text");
}
like($text, qr/سلام|‮|"'><img/, 'hostile: whole');
like($text, qr/dash "<b>'/, 'hostile: the database too');

$node->stop;
done_testing();
