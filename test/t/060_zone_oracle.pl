# locate_zone_ids against rational arithmetic written down in Python, for
# counties, provinces, delivery zones and hostile shapes: corners, points on
# edges, the antimeridian, the poles. make oracle-zones asks PostGIS as well.
use strict;
use warnings;
use FindBin;
use Test::More;
use GanjeTest;

my $seed = $ENV{SEED} // int(rand(1_000_000));
my $node = new_server('zone_oracle');
my $psql = "psql -h " . $node->host . " -p " . $node->port . " -d postgres";
my $output = `PYTHONDONTWRITEBYTECODE=1 python3 "$FindBin::RealBin/../oracle/zones.py" --psql "$psql" --points 900 --vertices 300 --delivery 400 --seed $seed`;
my $status = $?;

note($output);
is($status, 0, "the oracle ended well (SEED=$seed)");
my ($questions, $differences, $wrong) = $output =~ /^(\d+) questions, (\d+) differences, (\d+) wrong$/m;
cmp_ok($questions // 0, '>=', 2000, 'it asked');
is($differences, 0, "no answer differs (SEED=$seed)") or diag($output);
is($wrong, 0, "no answer is wrong (SEED=$seed)");
foreach my $set (qw(counties provinces delivery hostile))
{
	my ($answers) = $output =~ /^$set .* (\d+) answers;/m;
	cmp_ok($answers // 0, '>=', 100, "$set has points inside");
}

$node->stop;
done_testing();
