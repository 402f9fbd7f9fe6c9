# ALTER EXTENSION UPDATE: a catalog that was updated equals a fresh one.
#
# Every version that CHANGELOG says was released has its install script, as it
# was, in test/released; from each of them there is a way to the version of
# today by the sql/ganje_logistics--A--B.sql. What such a way gives is compared
# with a fresh install. As long as nothing has been released there is nothing
# to update from, and the test says so.
#
# That the comparison sees what an update forgets, and what an update does to
# access, is shown with versions made up here. They need a PostgreSQL that
# finds their scripts: a tree of links in a temporary directory.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use File::Copy;
use File::Path qw(make_path);
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use CatalogTest;
use GanjeTest;

my $root = "$FindBin::RealBin/../..";
my ($today) = slurp_file("$root/ganje_logistics.control") =~ /^default_version = '(.*)'$/m;
my @released = slurp_file("$root/CHANGELOG.md") =~ /^## (\d+\.\d+\.\d+) (?!\(unreleased\))/mg;
my %way = map { /--(.+)--(.+)\.sql$/ ? ($1 => $2) : () } glob("$root/sql/ganje_logistics--*--*.sql");

# A PostgreSQL like that of pg_config, with an extension directory of its own. Programs are copies: they look for their
# files beside themselves.
sub configured { chomp(my $path = `$ENV{PG_CONFIG} --$_[0]`); return abs_path($path); }
my ($bin, $share, $lib) = map { configured($_) } qw(bindir sharedir pkglibdir);
my $tree = PostgreSQL::Test::Utils::tempdir();
make_path("$tree$bin", "$tree$share/extension", "$tree" . dirname($lib));
foreach my $program (glob("$bin/*"))
{
	my $copy = "$tree$bin/" . basename($program);
	next if -d $program;
	copy($program, $copy) or die "copy $program: $!";
	chmod 0755, $copy;
}
symlink($lib, "$tree$lib") unless -e "$tree$lib";
if (-d "$tree$lib" && !-l "$tree$lib")
{
	# bin is below lib, as Debian has it where pkglibdir is its brother: link what is in it.
	symlink($_, "$tree$lib/" . basename($_)) foreach grep { !-e "$tree$lib/" . basename($_) } glob("$lib/*");
}
symlink($_, "$tree$share/" . basename($_)) foreach grep { basename($_) ne 'extension' } glob("$share/*");
symlink($_, "$tree$share/extension/" . basename($_)) foreach glob("$share/extension/*");

sub script { my ($name, $text) = @_; my $file = "$tree$share/extension/ganje_logistics--$name.sql"; unlink $file; append_to_file($file, $text); }
script(basename($_) =~ s/^ganje_logistics--|\.sql$//gr, slurp_file($_)) foreach glob("$root/test/released/ganje_logistics--*.sql");

my $node = PostgreSQL::Test::Cluster->new('upgrade', install_path => dirname("$tree$bin"));
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ganje_logistics'\nganje_logistics.databases = 'none'\n");
$node->start;

sub installed
{
	my ($database, @versions) = @_;
	my $first = shift @versions;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, join(';', "CREATE EXTENSION ganje_logistics VERSION '$first'", map { "ALTER EXTENSION ganje_logistics UPDATE TO '$_'" } @versions));
	return [ catalog_lines($node, $database) ];
}

# What is in one list of lines and not in the other.
sub differences
{
	my ($updated, $fresh) = @_;
	my %updated = map { $_ => 1 } @$updated;
	my %fresh = map { $_ => 1 } @$fresh;
	return ((map { "only updated: $_" } grep { !$fresh{$_} } @$updated), (map { "only fresh: $_" } grep { !$updated{$_} } @$fresh));
}

my $fresh = installed('fresh', $today);
cmp_ok(scalar(@$fresh), '>', 1000, 'a fresh catalog has its lines');
is_deeply([ differences(installed('again', $today), $fresh) ], [], 'and a second one the same');

# What has been released
note(@released ? "released: @released" : "no version has been released: there is nothing to update from");
foreach my $version (grep { $_ ne $today } @released)
{
	(my $database = "from_$version") =~ tr/./_/;
	my @way = ($version);
	push @way, $way{ $way[-1] } while exists $way{ $way[-1] } && @way < 100;

	is($way[-1], $today, "there is a way from $version to $today");
	ok(-e "$root/test/released/ganje_logistics--$version.sql", "and the script of $version is there");
	is_deeply([ differences(installed($database, $version, $today), $fresh) ], [], "an updated $version equals a fresh $today");
}
foreach my $file (glob("$root/sql/ganje_logistics--*--*.sql"))
{
	like(slurp_file($file), qr/^SELECT ganje\.settle_access\(\);\s*\z/m, basename($file) . ' ends with settling access');
}

# Made up: version 99.0.0 has a table, a function, a view's new column and an entry of the list more.
my $script = slurp_file("$share/extension/ganje_logistics--$today.sql");
my $added = q{
CREATE TABLE ganje.parcel_photo (merchant_id text NOT NULL, photo_id text NOT NULL, PRIMARY KEY (merchant_id, photo_id));
COMMENT ON TABLE ganje.parcel_photo IS 'Photos of parcels.';
SELECT pg_catalog.pg_extension_config_dump('ganje.parcel_photo', '');
CREATE FUNCTION ganje.photos(merchant text) RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ BEGIN PERFORM ganje.check_merchant(merchant, 'fulfilment'); RETURN (SELECT count(*) FROM ganje.parcel_photo AS p WHERE p.merchant_id = merchant); END $$;
COMMENT ON FUNCTION ganje.photos(text) IS 'How many photos there are.';
};
my $entries = "('photos(text)', 'EXECUTE', '{fulfilment}', true),\n    ('parcel_photo', 'SELECT', '{fulfilment}', true),\n    ";
my ($list) = $script =~ /^(CREATE FUNCTION ganje\.access_list\(.*?^END;)$/ms;
ok(defined $list, 'the list is found in the script');
(my $longer = $list) =~ s/(?=\('fulfilment\(\)')/$entries/;
isnt($longer, $list, 'and made longer');
(my $next = $script) =~ s/\Q$list\E/$added$longer/;
script('99.0.0', $next);
(my $replaced = $longer) =~ s/^CREATE FUNCTION/CREATE OR REPLACE FUNCTION/;
script("$today--99.0.0", "$added$replaced\nSELECT ganje.settle_access();\n");
my $fresh_next = installed('fresh_next', '99.0.0');
is_deeply([ differences(installed('updated', $today, '99.0.0'), $fresh_next) ], [], 'an update that does all that the new script does gives the same catalog');

my $role = 0;
foreach my $forgotten (
	[ 'to settle access', sub { s/SELECT ganje\.settle_access\(\);// }, qr/parcel_photo.*rls|photos/ ],
	[ 'a comment', sub { s/COMMENT ON FUNCTION ganje\.photos.*// }, qr/comment on function ganje\.photos/ ],
	[ 'that the table is dumped', sub { s/SELECT pg_catalog\.pg_extension_config_dump.*// }, qr/dumped ganje\.parcel_photo/ ],
	[ 'a column\'s constraint', sub { s/photo_id text NOT NULL/photo_id text NOT NULL CHECK (true)/ }, qr/constraint/ ],
	[ 'a function\'s search_path', sub { s/SET search_path = pg_catalog, pg_temp/SET search_path = pg_catalog/ }, qr/function ganje\.photos/ ],
	[ 'a built-in row', sub { $_ .= "DELETE FROM ganje.status_mapping WHERE carrier_status = 'occupied';" }, qr/^only fresh: row .*occupied/ ])
{
	my ($what, $edit, $seen) = @$forgotten;
	my $number = 'wrong' . ++$role;
	local $_ = "$added$replaced\nSELECT ganje.settle_access();\n";
	$edit->();
	script("$today--$number", $_);
	script("$number--99.0.0", '');
	my @differences = differences(installed($number, $today, $number), $fresh_next);
	ok(scalar(grep { $_ =~ $seen } @differences), "an update that forgets $what is seen") or diag(join("\n", @differences));
}

# Roles have what the new list says, those of one merchant as well; a dump of the updated database takes it along, and a role
# can be dropped without a trace.
$node->safe_psql('postgres', 'CREATE ROLE packer; CREATE ROLE packer_of_a; CREATE DATABASE granted; CREATE DATABASE restored');
$node->safe_psql('granted', qq{CREATE EXTENSION ganje_logistics VERSION '$today';
	SELECT ganje.grant_access('packer', 'fulfilment'), ganje.grant_access('packer_of_a', 'fulfilment', 'A');
	ALTER EXTENSION ganje_logistics UPDATE TO '99.0.0';
	INSERT INTO ganje.parcel_photo VALUES ('A', '1'), ('B', '2')});
my $rights = q{SELECT has_function_privilege(r, 'ganje.photos(text)', 'EXECUTE'), has_table_privilege(r, 'ganje.parcel_photo', 'SELECT'), has_table_privilege(r, 'ganje.parcel_photo', 'INSERT')
	FROM unnest('{packer,packer_of_a}'::text[]) AS r};
is($node->safe_psql('granted', $rights), "t|t|f\nt|t|f", 'roles may do what the new version adds to their level');
is($node->safe_psql('granted', q{SELECT count(*) FROM pg_init_privs AS i, aclexplode(i.initprivs) AS a WHERE a.grantee IN ('packer'::regrole, 'packer_of_a'::regrole)}), '0',
	'which is not taken for a right that the extension itself has given');
my $seen = 'SET ROLE packer; SELECT string_agg(photo_id, $$ $$ ORDER BY photo_id) FROM ganje.parcel_photo; SET ROLE packer_of_a; SELECT string_agg(photo_id, $$ $$) FROM ganje.parcel_photo';
is($node->safe_psql('granted', $seen), "1 2\n1", 'for their merchants');
my $dump = $node->backup_dir . '.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('granted'), '-f', $dump ], 'the updated database is dumped');
{
	# The dump asks for the default version, which is today's: the copy is made the new one beforehand.
	(my $text = slurp_file($dump)) =~ s/(CREATE EXTENSION IF NOT EXISTS ganje_logistics WITH SCHEMA ganje)/$1 VERSION '99.0.0'/;
	append_to_file("$dump.99", $text);
}
$node->command_ok([ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', "$dump.99" ], 'and restored');
is($node->safe_psql('restored', $rights), "t|t|f\nt|t|f", 'with the rights of the roles');
is($node->safe_psql('restored', $seen), "1 2\n1", 'and their merchants');

$node->stop;
done_testing();
