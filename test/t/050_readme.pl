# Every SQL block of the README runs, in its order, as it is printed; the
# carrier's address alone is replaced by the stand-in's.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $readme = "$FindBin::RealBin/../../README.md";
my $text = slurp_file($readme);
my @blocks = $text =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar(@blocks), '>=', 9, 'the README has SQL to run');

my $carrier = start_carrier();
my $node = new_server('readme', bare => 1);
my $replaced = 0;
foreach my $block (@blocks)
{
	my ($title) = $block =~ /^(.{1,60})/;
	$replaced += ($block =~ s{'https://ganje\.example', false}{'http://127.0.0.1:$carrier->{port}', true});
	my ($status, $stdout, $stderr) = $node->psql('postgres', $block, on_error_die => 0, extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
	is($status . ' ' . $stderr, '0 ', "runs: $title");
	like($stdout, qr{1001\|GANJE\|30\|PENDING\|pending\|http://127\.0\.0\.1}, 'the order has its link') if $block =~ /order_link/;
	like($stdout, qr{t\|IN_TRANSIT\|ready_for_pickup}, 'the customer sees it in the locker') if $block =~ /track_shipment/;
	like($stdout, qr{"slots": \{}, 'the pools have slots') if $block =~ /jsonb_pretty\(ganje\.get_pools/;
	like($stdout, qr{"type": "CARGO".*offered}s, 'the requirements and the reasons are there') if $block =~ /explain_pools/;
	like($stdout, qr{"storeId": "STORE_1"}, 'the store is named') if $block =~ /"pool": \{"type"/;
	like($stdout, qr{^RESERVED\|20$}m, 'the fee that was asked about') if $block =~ /ROLLBACK/;
	like($stdout, qr{^TEHRAN$}m, 'the zone is found') if $block =~ /locate_zone\(35/;
}
is($node->safe_psql('postgres', "SELECT fee FROM ganje.store_rule WHERE 'RESERVED' = ANY (types)"), '55', 'what was rolled back is gone');
is($replaced, 1, 'the account is that of the stand-in');

$node->stop;
done_testing();
