# HTTP/2, which is spoken over TLS where the server offers it: many requests on
# one connection, and a server that sends a connection away, judged by what the
# carrier wrote down.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use GanjeTest;
use FaultTest;

my $certificates = PostgreSQL::Test::Utils::tempdir();
system_or_bail("$FindBin::RealBin/../carriers/make_certificates", $certificates);
my @tls = ('--tls-cert', "$certificates/good.pem", '--tls-key', "$certificates/good.key");
my $node = new_server('http2', conf => "ganje_logistics.ca_file = '$certificates/ca.pem'");
add_plain_carrier($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

sub log_of { return map { decode_json($_) } split(/\n/, slurp_file("$certificates/$_[0].log")); }

# $count requests to a stand-in of its own; what it wrote down, and the account's failed tries.
sub send_to
{
	my ($name, $count, @options) = @_;
	my $standin = start_standin('http2.py', @tls, '--log', "$certificates/$name.log", @options);

	add_plain_account($node, $name, "https://127.0.0.1:$standin->{port}", max_connections => 20);
	tell($node, $name, map { "$name-$_" } 1 .. $count);
	is(query("SELECT ganje.drain('60 s')"), '0', "$name: all is told");
	is(query("SELECT count(*) FROM ganje.outbox_log WHERE account_id = '$name' AND result = 'delivered'"), $count, "$name: and delivered");
	return log_of($name);
}

my @log = send_to('steady', 300);
is(scalar(grep { ($_->{protocol} // '') ne 'h2' } @log), 0, 'HTTP/2 is what is spoken');
is(scalar(@log), 300, 'each request once');
is(scalar(keys_of(@log)), 300, 'each under its key');
is(scalar(grep { decode_json($_->{body})->{id} ne (split(/\//, $_->{path}))[1] } @log), 0, 'with its own body');
my %connections = map { $_->{connection} => 1 } @log;
cmp_ok(scalar(keys %connections), '<=', 20, 'on no more connections than the account may have');
my ($most) = sort { $b <=> $a } map { $_->{open} } @log;
note(sprintf('%d connections, at most %d requests at once on one', scalar(keys %connections), $most));
cmp_ok($most, '>', 1, 'several at once on one');
cmp_ok($most, '<=', 20, 'but no more at once than the account may have');

# What a server drops by going away is sent again, as the same request.
@log = send_to('leaves', 300, '--goaway', 25);
%connections = map { $_->{connection} => 1 } @log;
cmp_ok(scalar(keys %connections), '>=', 12, 'a server that goes away is called again');
my %keys;
$keys{ $_->{path} }{ $_->{headers}{'idempotency-key'} }++ foreach @log;
is(scalar(keys %keys), 300, 'nothing is lost by that');
is(scalar(grep { keys %$_ != 1 } values %keys), 0, 'nor told under two keys');

$node->stop;
done_testing();
