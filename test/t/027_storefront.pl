# The storefront's page: its SQL runs as it is printed, and its script hands
# the link to the plugin and the plugin's selection to the shop.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $file = "$FindBin::RealBin/../storefront/ganje.html";
my $page = slurp_file($file);

# What the documentation of the plugin prescribes.
like($page, qr{<script src="https://cdn\.jsdelivr\.net/gh/GanjeCo/reserve-plugin/index\.js"></script>}, 'the documented script');
like($page, qr{<link rel="stylesheet" href="https://cdn\.jsdelivr\.net/gh/GanjeCo/reserve-plugin/style\.css">}, 'and style sheet');
like($page, qr{openGanjeDelivery\(link, returnSelectedGanje\)}, 'are used as documented');

my %sql = $page =~ m{<pre id="sql-(\w+)">(.*?)</pre>}gs;
is_deeply([ sort keys %sql ], [qw(link selection)], 'two statements for the shop');

my $carrier = start_carrier();
my $node = new_server('storefront');
set_up_account($node, $carrier);

sub query { return $node->safe_psql('postgres', $_[0]); }

# As a shop would run them, with parameters.
is(query("PREPARE link AS $sql{link}; EXECUTE link('A 1/2')"), '', 'no order, no link');
query("SELECT ganje.pause_sending()");
query("INSERT INTO ganje.shipment (order_id, account_id, external_id, phone) VALUES ('A 1/2', 'locker', 'A 1/2', '+989121234567')");
is(query("PREPARE link AS $sql{link}; EXECUTE link('A 1/2')"), '', 'none before the pre-order');
query("SELECT ganje.resume_sending()");
is(query("SELECT ganje.drain('60 s')"), '0', 'the pre-order is made');
my $link = query("PREPARE link AS $sql{link}; EXECUTE link('A 1/2')");
like($link, qr{^http://127\.0\.0\.1:\d+/reserve/\d+$}, 'then there is the link');

my $selection = encode_json(control($carrier, 'POST', 'select', { external_id => 'A 1/2' })->{selection});
my $told = decode_json($selection);

SKIP:
{
	skip 'node is not installed: the script of the page is not run', 5 if system('node --version >/dev/null 2>&1') != 0;
	my ($out, $error) = run_command([ 'node', "$FindBin::RealBin/../storefront/run_page.js", $file, $link, $selection ]);
	is($error, '', 'the script runs');
	my $seen = decode_json($out);
	is_deeply($seen->{opened}, [$link], 'the plugin is opened with the link');
	is_deeply([ map { "$_->[0] $_->[1]" } @{ $seen->{asked} } ],
		[ 'GET ganje/link?order=A%201%2F2', 'GET ganje/link?order=A%201%2F2', 'POST ganje/selection?order=A%201%2F2' ],
		'the shop is asked for the link until there is one, then told of the selection');
	is_deeply($seen->{asked}[2][2], $told, 'as the plugin returned it');
	is($seen->{said}[-1], "Your order goes to $told->{selectedStation}{nickname}.", 'and the customer reads where it goes');
}

is(query("PREPARE selection AS $sql{selection}; EXECUTE selection('A 1/2', '$selection')"), '1', 'the selection is stored');
is(query("SELECT station ->> 'uuid' FROM ganje.shipment"), $told->{selectedStation}{uuid}, 'with the shipment');
is(query("PREPARE selection AS $sql{selection}; EXECUTE selection('A 1/2', '$selection')"), '1', 'a page that was reloaded tells it again');
is(query("SELECT count(*) FROM ganje.shipment_event WHERE source = 'app'"), '1', 'which is one step of the journey');

$node->stop;
done_testing();
