# Every SQL block of the README runs, in its order, as it is printed. The
# addresses of carriers and subscribers alone are replaced by those of stand-ins.
#
# A block without a language right after one of SQL is what that one prints:
# the results of its last statements, as psql aligns them. Blanks, ruling and
# line breaks do not count; "…" stands for what no two runs have in common.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $text = decode_utf8(slurp_file("$FindBin::RealBin/../../README.md"));
my @blocks;
while ($text =~ /^```sql\n(.*?)^```$(?:\s*^```\n(.*?)^```$)?/msg)
{
	push @blocks, { sql => $1, shown => $2 };
}
cmp_ok(scalar(@blocks), '>=', 25, 'the README has SQL to run');
cmp_ok(scalar(grep { defined $_->{shown} } @blocks), '>=', 15, 'and shows what it prints');

my %carriers = (
	'ganje.example' => start_carrier(),
	'kurye.example' => start_standin('hesapkurye.py'),
	'courier.example' => start_standin('subscriber.py'),
	'shop.example' => start_standin('subscriber.py'));
faults($carriers{'courier.example'}, { action => 'status', code => 201, body => { state => 'taken' }, count => -1 });
# A publisher has wal_level = logical.
my $node = new_server('readme', bare => 1, stream => 'logical', conf => "timezone = 'UTC'");

# Words and cells of a result, whatever is between them.
sub words
{
	my ($result) = @_;
	$result =~ s/^[-+]+$//mg;
	$result =~ s/^\([0-9]+ rows?\)$//mg;
	$result =~ s/\s+/ /g;
	$result =~ s/^ | $//g;
	return $result;
}

# What is shown as a pattern; "…" never reaches over the border of a cell.
sub pattern
{
	my ($shown) = @_;
	my $pattern = join('[^|]*?', map { quotemeta } split(/…/, words($shown), -1));
	return qr/^$pattern$/;
}

my %replaced;
foreach my $block (@blocks)
{
	my ($title) = $block->{sql} =~ /^(.{1,60})/;
	my $sql = encode_utf8($block->{sql});
	$title = encode_utf8($title);
	foreach my $host (sort keys %carriers)
	{
		my $url = "http://127.0.0.1:$carriers{$host}{port}";
		$replaced{$host}++ if $sql =~ s{'https://\Q$host\E', false}{'$url', true};
		$replaced{$host}++ if $sql =~ s{subscribe\('https://\Q$host\E([^)]*)\)}{subscribe('$url$1, allow_http => true)};
	}
	my ($status, $stdout, $stderr) = $node->psql('postgres', $sql,
		extra_params => [ '-v', 'ON_ERROR_STOP=1', '-P', 'format=aligned', '-P', 'tuples_only=off' ]);
	is("$status $stderr", '0 ', "runs: $title");
	next unless defined $block->{shown};

	my $printed = decode_utf8($stdout);
	foreach my $host (sort keys %carriers) { $printed =~ s{http://127\.0\.0\.1:$carriers{$host}{port}}{https://$host}g; }
	my @results = grep { /\S/ } split(/^\([0-9]+ rows?\)$/m, $printed);
	my @shown = grep { /\S/ } split(/\n\n+|^\([0-9]+ rows?\)$/m, $block->{shown});
	my $last = @results > @shown ? @results - @shown : 0;
	foreach my $i (0 .. $#shown)
	{
		my $result = $results[ $last + $i ] // '';
		ok(words($shown[$i]) =~ /[^…\s]/ && words($result) =~ pattern($shown[$i]), "prints what is shown: $title")
		  or diag(encode_utf8("It prints\n$result\nnot\n$shown[$i]"));
	}
}
is_deeply([ sort keys %replaced ], [ sort keys %carriers ], 'every carrier is a stand-in');
is($node->safe_psql('postgres', "SELECT count(*) FROM ganje.carrier_account JOIN
		(SELECT account_id, attempts FROM ganje.outbox_delivery UNION ALL SELECT account_id, attempts FROM ganje.outbox_log) AS t USING (account_id)
		WHERE attempts > 0 AND base_url NOT LIKE 'http://127.0.0.1:%'"), '0', 'nothing was sent to anybody else');
is($node->safe_psql('postgres', "SELECT fee FROM ganje.store_rule WHERE 'RESERVED' = ANY (types)"), '55', 'what was rolled back is gone');

$node->stop;
done_testing();
