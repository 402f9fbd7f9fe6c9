#!/usr/bin/perl
#
# generate_fold_reference.pl [sample | all]
#	  Prints what test_text_fold.c compares with, a line per case: the input,
#	  its NFC and its fold, each as code points in hexadecimal.  The answers
#	  come from perl's Unicode::Normalize and Unicode::UCD and from the rules
#	  written down once more with regular expressions.
#
#	  "sample" is committed as fold_reference.txt; "all" has every code point,
#	  alone and between letters and marks, and 200,000 random strings.
#
use strict;
use warnings;
use Unicode::Normalize qw(NFC NFD);
use Unicode::UCD qw(prop_invmap);

my ($starts, $values) = prop_invmap('Simple_Case_Folding');
my %simple;
for my $i (0 .. $#$starts)
{
	next unless $values->[$i];
	my $end = $i < $#$starts ? $starts->[ $i + 1 ] - 1 : 0x10FFFF;
	$simple{$_} = $values->[$i] + $_ - $starts->[$i] for $starts->[$i] .. $end;
}

sub fold
{
	my $text = NFD($_[0]);

	$text =~ s/[I\x{131}]/i/g;
	1 while $text =~ s/(i\P{Canonical_Combining_Class=0}*?)\x{307}/$1/;
	$text = join '', map { chr($simple{ ord $_ } // ord $_) } split //, NFC($text);
	$text =~ tr/\x{64A}\x{643}/\x{6CC}\x{6A9}/;
	$text =~ tr/\x{660}-\x{669}\x{6F0}-\x{6F9}/0-90-9/;
	$text = NFC($text);
	$text =~ s/\p{White_Space}+/ /g;
	$text =~ s/^ | $//g;
	return $text;
}

sub hex_of { return join(' ', map { sprintf '%X', ord } split //, $_[0]) || '-'; }

sub line
{
	my ($text) = @_;
	print join(';', hex_of($text), hex_of(NFC($text)), hex_of(fold($text))), "\n";
}

srand(20261121);
my $all = ($ARGV[0] // 'sample') eq 'all';
my @valid = grep { $_ < 0xD800 || $_ > 0xDFFF } 0 .. 0x10FFFF;
my @interesting = grep { chr($_) =~ /\P{Canonical_Combining_Class=0}/ || NFD(chr $_) ne chr $_ || $simple{$_} } @valid;
my @marks = grep { chr($_) =~ /\P{Canonical_Combining_Class=0}/ } @valid;
my @letters = (map { ord } split //, "iIaAoOuUsSgGcCjJ zK\t1 ");
push @letters, 0x130, 0x131, 0x307, 0x301, 0x308, 0x323, 0x345, 0x342, 0x64A, 0x643, 0x6CC, 0x654, 0x653,
  0x660, 0x6F9, 0xA0, 0x200C, 0x3000, 0x391, 0x3B1, 0x3C9, 0x1112, 0x1161, 0x11AB, 0xAC00, 0x34F;

print "# Unicode ", Unicode::UCD::UnicodeVersion(), ", by generate_fold_reference.pl: input;NFC;fold\n";
if ($all)
{
	for my $code (@valid)
	{
		my $char = chr $code;
		line($char);
		line("I$char\x{307}\x{301}");
		line("$char\x{308}\x{345}");
	}
}
for my $round (1 .. ($all ? 200_000 : 1500))
{
	my $text = '';
	for my $step (0 .. int rand 7)
	{
		my $from = rand 10;
		my $set = $from < 4 ? \@letters : $from < 6 ? \@marks : $from < 9 ? \@interesting : \@valid;
		$text .= chr $set->[ rand @$set ];
	}
	line($text);
}
