# metrics(): read by Prometheus's own parser; what it counts is what the
# carrier's log has.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $node = new_server('metrics');
my $directory = PostgreSQL::Test::Utils::tempdir();
my $round = 0;

# The families, as the parser has them.
sub metrics
{
	my $file = "$directory/" . $round++;
	append_to_file($file, $node->safe_psql('postgres', 'SELECT ganje.metrics()') . "\n");
	open(my $reader, '-|', "/usr/bin/python3 '$FindBin::RealBin/../dashboard/read_metrics.py' < '$file' 2>'$file.error'") or die;
	local $/;
	my $families = <$reader>;
	return decode_json($families) if close($reader);
	diag(slurp_file("$file.error"));
	return {};
}

# The value of a sample with these labels among its own.
sub value
{
	my ($families, $family, $sample, %labels) = @_;
	my @found = grep { my $s = $_; $s->[0] eq $sample && !grep { ($s->[1]{$_} // '') ne $labels{$_} } keys %labels } @{ $families->{$family}{samples} };
	return @found == 1 ? $found[0][2] : scalar(@found) . ' samples';
}

my $families = metrics();
is_deeply([ sort keys %$families ], [ qw(ganje_accounts_parked ganje_breaker ganje_logistics ganje_outbox_oldest_seconds ganje_outbox_requests
			ganje_parcels_to_collect ganje_request_seconds ganje_requests ganje_sending ganje_stores ganje_webhooks_quarantined ganje_worker_up ganje_zones) ],
	'an empty database has its families');
is(scalar(grep { $families->{$_}{help} eq '' } keys %$families), 0, 'each says what it is');
is(value($families, 'ganje_logistics', 'ganje_logistics_info', version => $node->safe_psql('postgres', 'SELECT ganje.version()')), 1, 'the version');

my $carrier = start_standin('subscriber.py');
my $name = qq{a "quoted" \\n back\\slash\nand a line, یک نام};
my $literal = "E'a \"quoted\" \\\\n back\\\\slash\\nand a line, یک نام'";
$node->safe_psql('postgres', encode_utf8(qq{
	SET client_encoding = 'UTF8';
	INSERT INTO ganje.carrier (carrier, registered_by) VALUES ('plain', current_user);
	INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, retry_base_ms, retry_cap_ms, max_attempts)
	VALUES ($literal, 'plain', 'http://127.0.0.1:$carrier->{port}', true, 1, 50, 1000);
	INSERT INTO ganje.carrier_account (account_id, carrier, base_url) SELECT 'subscriber ' || n, 'webhook', 'https://x.example' FROM generate_series(1, 50) AS n}));
faults($carrier, { match => '/', action => 'status', code => 503, count => 3 }, { match => '/', action => 'status', code => 422, count => 2 },
	{ match => '/', action => 'delay', ms => 300, count => 1 });
$node->safe_psql('postgres', encode_utf8("SET client_encoding = 'UTF8'; SELECT ganje.enqueue_request($literal, 'tell', 'POST', '/' || n, '{}') FROM generate_series(1, 20) AS n"));
is($node->safe_psql('postgres', "SELECT ganje.drain('60 s')"), '0', 'requests are sent');
my @log = carrier_log($carrier);
$families = metrics();
my @of_account = (account => $name, carrier => 'plain');
my %expected = (delivered => scalar(grep { $_->{status} < 300 } @log), refused => scalar(grep { $_->{status} == 422 } @log),
	server_error => scalar(grep { $_->{status} == 503 } @log), throttled => 0, network => 0, timeout => 0, other => 0);
is("$expected{delivered} $expected{refused} $expected{server_error}", '18 2 3', 'the carrier answered as it was told');
is(value($families, 'ganje_requests', 'ganje_requests_total', @of_account, result => $_), $expected{$_}, "as many $_ as in the carrier's log") foreach sort keys %expected;
is(value($families, 'ganje_outbox_requests', 'ganje_outbox_requests', @of_account, state => 'dead'), 2, 'dead letters');
is(value($families, 'ganje_breaker', 'ganje_breaker', @of_account, ganje_breaker => 'closed'), 1, 'the breaker');
is(value($families, 'ganje_request_seconds', 'ganje_request_seconds_count', @of_account), scalar(@log), 'each answer took its time');
cmp_ok(value($families, 'ganje_request_seconds', 'ganje_request_seconds_sum', @of_account), '>=', 0.3, 'that of the slow one is in the sum');
my $below = value($families, 'ganje_request_seconds', 'ganje_request_seconds_bucket', @of_account, le => '0.2');
cmp_ok($below, '<', scalar(@log), 'and in a bucket of its own');
is($families->{ganje_request_seconds}{unit}, 'seconds', 'in seconds');

# Series do not grow with subscribers, orders or requests.
my %accounts;
$accounts{ $_->[1]{account} }++ foreach map { @{ $families->{$_}{samples} } } grep { /^ganje_(breaker|requests|request_seconds|outbox_)/ } keys %$families;
is_deeply([ sort keys %accounts ], [ '', $name ], 'all subscribers are one');
is(scalar(grep { grep { !/^(account|carrier|result|state|le|ganje_breaker|version)$/ } keys %{ $_->[1] } } map { @{ $families->{$_}{samples} } } keys %$families),
	0, 'no other labels');

$node->stop;
done_testing();
