# What the README says is there is there: the table of what the four systems
# say names tests that exist and mention it, functions of the catalog, and
# every status that has a meaning; the settings are those of the server.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $root = "$FindBin::RealBin/../..";
my $readme = decode_utf8(slurp_file("$root/README.md"));
my $node = new_server('words');

sub query { return decode_utf8($node->safe_psql('postgres', $_[0])); }
sub column { return map { $_ => 1 } split(/\n/, query($_[0])); }

# A test's text, with what a regression or isolation test prints; undef: there is none.
my %text;
sub text_of
{
	my ($name) = @_;
	$text{$name} //= do {
		my @files = grep { -e $_ } "$root/test/sql/$name.sql", "$root/test/specs/$name.spec", "$root/test/t/$name.pl", "$root/test/unit/$name.c";
		@files ? decode_utf8(join("\n", map { slurp_file($_) } @files, grep { -e $_ } "$root/expected/$name.out")) : '';
	};
	return $text{$name};
}

# A word as it stands, RBS's action also as the function is called.
sub mentions
{
	my ($test, $word) = @_;
	my @forms = $word =~ /^[A-Z]+(_[A-Z]+)+$/ ? ($word, lc $word) : ($word);
	return scalar grep { text_of($test) =~ /(?<!\w)\Q$_\E(?!\w)/ } @forms;
}

my %functions = column("SELECT proname FROM pg_proc WHERE pronamespace = 'ganje'::regnamespace");
my %statuses = column("SELECT DISTINCT carrier || ' ' || entity || ' ' || carrier_status || ' ' || normalized_status FROM ganje.status_mapping");

my ($tables) = $readme =~ /^## What the four systems say.*?\n(.*?)^## /ms;
my $system = '';
my ($rows, %told) = (0);
foreach my $line (split(/\n/, $tables))
{
	$system = lc $1 if $line =~ /^### (\w+)/;
	next unless $line =~ /^\| (?!.*\bhere \|)(.*?) \| (.*?) ?\| (.*?) ?\|$/;
	my ($says, $here, @tests) = ($1, $2, split(/, /, $3));
	my @words = "$says $here" =~ /`([^`]+)`/g;
	my $title = encode_utf8(substr($says, 0, 50));
	if ($here =~ /^not yet: ([^;]*)/)
	{
		is(join(', ', @tests, grep { $functions{$_} } $1 =~ /`(\w+)`/g), '', "$title: not there yet, as the README says");
		next;
	}
	$rows++;
	is(join(', ', grep { text_of($_) eq '' } @tests), '', "$title: the tests are there");
	cmp_ok(scalar(@tests), '>', 0, "$title: has a test");
	foreach my $test (@tests)
	{
		ok(scalar(grep { mentions($test, $_) } @words), "$title: $test mentions it");
	}
	my @unsaid = grep { my $word = $_; !grep { mentions($_, $word) } @tests } @words;
	is(encode_utf8(join(', ', @unsaid)), '', "$title: everything is mentioned");

	# A status and what it means are on one line of a test.
	my ($entity) = $says =~ /^([\w-]+): `[^`]+` → /;
	while ($says =~ /`([^`]+)` → `([a-z_]+)`/g)
	{
		next unless defined $entity;
		my ($status, $meaning) = ($1, $2);
		$told{"$system $entity $status $meaning"} = 1;
		ok(scalar(grep { text_of($_) =~ /^(?=.*(?<![\w"])\Q$status\E(?![\w"]))(?=.*(?<!\w)$meaning(?!\w))/m } @tests),
			"$title: $status becomes $meaning in a test");
	}
}
cmp_ok($rows, '>=', 35, 'the table is there');
is_deeply([ sort keys %told ], [ sort grep { !/^webhook / } keys %statuses ], 'every status that has a meaning is told, with that meaning');

# Functions of the reference, and settings with their defaults
my ($reference) = $readme =~ /^(## A first delivery.*?)^## What the four/ms;
my %called = map { $_ => 1 } map { /(?<![\w.])([a-z_]+_[a-z_]+|drain|status|subscribe|unsubscribe)\(/g } $reference =~ /`([^`\n]+)`/g;
cmp_ok(scalar(keys %called), '>=', 40, 'functions are described');
is(join(', ', grep { !$functions{$_} } sort keys %called), '', 'all of them exist');
my %settings = map { split(/\|/, $_, 2) } split(/\n/, query(q{
	SELECT name || '|' || CASE unit WHEN 'ms' THEN boot_val::integer / 1000 || 's' WHEN 's' THEN boot_val::integer / 60 || 'min'
		WHEN 'B' THEN boot_val::integer / 1048576 || 'MB' WHEN 'kB' THEN boot_val::integer / 1024 || 'MB' ELSE boot_val END
	  FROM pg_settings WHERE name LIKE 'ganje\_logistics.%'}));
my %described = $readme =~ /^\| `(ganje_logistics\.\w+)` \| ([^|]*?) ?\|/mg;
is(join(', ', sort keys %described), join(', ', sort keys %settings), 'every setting is described');
foreach my $name (sort keys %described)
{
	my $value = $described{$name} =~ /^(?:all|none|the system's|)$/ ? '' : $described{$name};
	is($value, $settings{$name}, "$name: its default");
}

# Whatever a level may execute has an example that test 050_readme runs, or is named as what others call.
my $examples = join("\n", $readme =~ /^```sql\n(.*?)^```/msg);
my ($called_by_others) = $readme =~ /^(- Granted as well, because what is above calls them: .*?)\n(?!  )/ms;
my %granted = column("SELECT DISTINCT split_part(object, '(', 1) FROM ganje.access_list() WHERE object LIKE '%(%'");
cmp_ok(scalar(keys %granted), '>', 100, 'functions are granted');
is(join(', ', grep { $examples !~ /\bganje\.$_\(/ && $called_by_others !~ /`$_`/ } sort keys %granted), '', 'every function has an example in the README');
is(join(', ', grep { !$granted{$_} || $examples =~ /\bganje\.$_\(/ } $called_by_others =~ /`(\w+)`/g), '', 'those without one are granted, and have none');

# Every condition that is raised is in the table of errors, with its SQLSTATE.
my %raised;
foreach my $file (glob("$root/sql/[0-9]*.sql"), glob("$root/src/*/*.c"))
{
	my $source = slurp_file($file);
	# PL/pgSQL's names have no prefix of their class.
	$raised{ lc($_) =~ s/^e_r_i_e_//r } = 1 foreach $source =~ /\bRAISE ([a-z_]+) USING/g, $source =~ /\berrcode\(ERRCODE_([A-Z_]+)\)/g;
}
# These are no answer to anything that a caller has done.
delete @raised{qw(internal_error out_of_memory)};
cmp_ok(scalar(keys %raised), '>', 20, 'conditions are raised');
my ($errors) = $readme =~ /^### Errors\n(.*?)^#/ms;
my %told_errors;
foreach my $line ($errors =~ /^\| (.*?) \|$/mg)
{
	my ($states, $conditions) = split(/ \| /, $line);
	my @states = $states =~ /\b([0-9A-Z]{5})\b/g;
	foreach my $condition ($conditions =~ /`(\w+)`/g)
	{
		my $state = shift(@states) // '';
		$told_errors{$condition} = 1;
		is(query("DO \$\$ BEGIN RAISE $condition; EXCEPTION WHEN OTHERS THEN PERFORM set_config('told.state', SQLSTATE, false); END \$\$; SELECT current_setting('told.state')"),
			$state, "$condition is $state");
	}
}
is(join(', ', grep { !$told_errors{$_} } sort keys %raised), '', 'every condition that is raised is told');
is(join(', ', grep { !$raised{$_} } sort keys %told_errors), '', 'and no other');

$node->stop;
done_testing();
