# Random walks over random lists of statuses: what SHIPMENT_JOURNEY and
# CHANGE_SHIPMENT_STATUS accept, refuse and name in their hints is what a model
# says that was written from the rules alone and never asks the database.
# JOURNEY_SEED takes a seed back, JOURNEY_WALKS makes it longer.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;

my $walks = $ENV{JOURNEY_WALKS} // 40;
my $steps = 40;
my $seed = $ENV{JOURNEY_SEED} // int(rand(1_000_000));
diag("JOURNEY_SEED=$seed");
srand($seed);

my $node = new_server('journeys');
my $json = JSON::PP->new->canonical;

# One answer per line: the status that the shipment has then and what may
# follow, or what was refused with what the hint allows.
$node->safe_psql('postgres', q{
CREATE FUNCTION walk(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	RETURN 'ok ' || (CASE WHEN request ? 'next' THEN ganje.change_shipment_status(request) ELSE ganje.shipment_journey(request) END ->> 'status');
EXCEPTION
	WHEN object_not_in_prerequisite_state THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		RETURN 'refused ' || hint;
	WHEN invalid_parameter_value THEN
		RETURN 'bad';
END
$$;
CREATE FUNCTION carrier_says(shipment text, word text) RETURNS text LANGUAGE sql
RETURN 'fact ' || ganje.apply_patch('DEFAULT', shipment, 'hesapkurye', jsonb_build_object('entity', 'walk', 'carrierStatus', word));
});

# A list of statuses, of which some cancel, with flags at random.
sub random_list
{
	my @list = map { { status => "S$_" } } 1 .. 1 + int(rand(6));
	splice(@list, int(rand(@list + 1)), 0, { status => "C$_", cancel => 1 }) foreach 1 .. int(rand(3));
	foreach my $entry (@list)
	{
		$entry->{back} = 1 if rand() < 0.4;
		$entry->{cancellable} = 1 if rand() < 0.5;
	}
	return \@list;
}

# The statuses that may follow one. A carrier may have taken the shipment to
# any of the list, so that "here" is always one of it.
sub allowed
{
	my ($list, $linear, $here, $cannot_cancel) = @_;
	my ($entry) = grep { $_->{status} eq $here } @$list;
	my (@before, @after);
	my $passed = 0;

	return () if $entry->{cancel};
	foreach my $other (@$list)
	{
		$passed = 1, next if $other == $entry;
		next if $other->{cancel};
		push @{ $passed ? \@after : \@before }, $other->{status};
	}
	@after = @after[ 0 .. 0 ] if $linear && @after;
	return (
		@after,
		$entry->{back} && @before ? $before[-1] : (),
		$entry->{cancellable} && !$cannot_cancel ? map { $_->{status} } grep { $_->{cancel} } @$list : ());
}

# Walks one shipment; answers the statements and what each must print.
sub walk
{
	my ($id, $list, $linear) = @_;
	my ($first) = grep { !$_->{cancel} } @$list;
	my ($here, $cannot_cancel, $events, $jumps) = ($first->{status}, 0, 1, 0);
	my (@sql, @expected);

	push @sql, "SELECT ganje.upsert_shipment('{\"orderId\": \"O\", \"shipmentId\": \"$id\", \"address\": {}, \"items\": []}') -> 'created'";
	push @expected, 'true';
	foreach my $step (1 .. $steps)
	{
		my @allowed = allowed($list, $linear, $here, $cannot_cancel);
		my $refusal = 'refused ' . (@allowed ? 'It may become ' . join(', ', @allowed) . '.' : 'Nothing may follow.');
		my $kind = rand();
		my %request = (orderId => 'O', shipmentId => $id);
		my $target;

		if ($kind < 0.1)
		{
			# A fact is never refused; to be a jump is to be no single step on the list.
			my @names = map { $_->{status} } @$list;
			my ($from, $to) = map { my $name = $_; (grep { $names[$_] eq $name } 0 .. $#names)[0] } ($here, $names[ rand @names ]);
			$jumps++ if $from != $to && $to - $from != 1;
			$here = $names[$to];
			# The same word once more is no news, so every one has a number.
			push @sql, "INSERT INTO ganje.status_mapping VALUES ('hesapkurye', 'walk', '$id-$step', 'pending', '$here', 10)",
			  "SELECT carrier_says('$id', '$id-$step')";
			push @expected, 'fact applied';
			$events++;
			next;
		}
		elsif ($kind < 0.3)
		{
			$request{next} = JSON::PP::true;
			my ($line) = grep { my $name = $_; !grep { $_->{cancel} && $_->{status} eq $name } @$list } allowed([ map { +{ %$_, back => 0 } } @$list ], 1, $here, 1);
			$target = $line;
		}
		else
		{
			$request{status} = rand() < 0.05 ? 'ELSEWHERE' : $list->[ rand @$list ]{status};
			$request{cannotCancel} = rand() < 0.5 ? JSON::PP::true : JSON::PP::false if rand() < 0.1;
			$target = $request{status};
		}
		push @sql, 'SELECT walk(' . "'" . $json->encode(\%request) . "')";
		my ($entry) = grep { defined $target && $_->{status} eq $target } @$list;
		my $marks = $request{cannotCancel} && !$cannot_cancel;
		if (defined $target && !$entry || $entry && $entry->{cancel} && $marks)
		{
			push @expected, 'bad';
		}
		elsif (defined $target && ($target eq $here || grep { $_ eq $target } @allowed))
		{
			push @expected, "ok $target";
			$events++ if $target ne $here || $marks;
			$here = $target;
			$cannot_cancel = 1 if $marks;
		}
		else
		{
			push @expected, $refusal;
		}
	}
	push @sql, "SELECT s.status, s.cannot_cancel, count(*), count(*) FILTER (WHERE e.jump) FROM ganje.shipment AS s
		JOIN ganje.shipment_event AS e USING (merchant_id, shipment_id) WHERE s.shipment_id = '$id' GROUP BY 1, 2";
	push @expected, join('|', $here, $cannot_cancel ? 't' : 'f', $events, $jumps);
	push @sql, "SELECT string_agg(m.status, ' ') FROM ganje.shipment_moves('O', '$id') AS m";
	push @expected, join(' ', allowed($list, $linear, $here, $cannot_cancel));
	return (\@sql, \@expected);
}

my ($refused, $accepted, $facts, $different) = (0, 0, 0, 0);
foreach my $number (1 .. $walks)
{
	my $list = random_list();
	my $linear = rand() < 0.5;
	my ($sql, $expected) = walk("W$number", $list, $linear);
	my @setup = (
		"SET client_min_messages = warning",
		"DO \$\$ BEGIN PERFORM ganje.upsert_option('{\"optionId\": \"SHIPMENT\", \"data\": {\"linearStatuses\": "
		  . ($linear ? 'true' : 'false') . "}}'); PERFORM ganje.upsert_option(jsonb_build_object('optionId', 'SHIPMENT_STATUSES', 'data', '"
		  . $json->encode([ map { my %e = %$_; +{ map { $_ => $_ eq 'status' ? $e{$_} : JSON::PP::true } keys %e } } @$list ]) . "'::jsonb)); END \$\$");
	my @said = split(/\n/, $node->safe_psql('postgres', join(";\n", @setup, @$sql)), -1);
	if (join("\n", @said) ne join("\n", @$expected))
	{
		my ($at) = grep { ($said[$_] // '') ne ($expected->[$_] // '') } 0 .. $#$expected;
		my @asked = grep { /^SELECT/ } @$sql;
		diag("walk $number, linear $linear, list " . $json->encode($list) . "\nstep $at: $asked[$at]\n  said: " . ($said[$at] // '') . "\n  model: $expected->[$at]");
		$different++;
	}
	$accepted += grep { /^ok/ } @$expected;
	$refused += grep { /^refused/ } @$expected;
	$facts += grep { /^fact/ } @$expected;
}
is($different, 0, "$walks walks are as the model has them");
cmp_ok($accepted, '>', $walks, "steps were accepted ($accepted)");
cmp_ok($refused, '>', $walks, "and refused ($refused)");
cmp_ok($facts, '>', $walks, "and carriers had their say ($facts)");

$node->stop;
done_testing();
