# What the TAP tests share: the carrier's stand-in, a server with the library
# preloaded, an account at the carrier, shipments.
package GanjeTest;

use strict;
use warnings;
use Exporter 'import';
use FindBin;
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(start_carrier start_standin stop_carrier control faults carrier_log orders_at logins_at
	new_server set_up_account add_shipments wait_for worker_pid server_log);

# Seconds that anything may take; bounds that a test is about are its own.
our $PATIENCE = 60;

my @carriers;

# Starts a Ganje stand-in; options are those of ganje.py.
sub start_carrier { return start_standin('ganje.py', @_); }

# Starts a stand-in of test/carriers.
sub start_standin
{
	my ($name, @options) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my $script = "$FindBin::RealBin/../carriers/$name";
	my $pid = fork();

	die "fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		open(STDOUT, '>', "$directory/out") or die;
		open(STDERR, '>&', \*STDOUT) or die;
		# whose modules are Debian's packages
		exec('/usr/bin/python3', $script, '--port-file', "$directory/port", @options) or die;
	}
	my $carrier = { pid => $pid };
	push @carriers, $carrier;
	wait_for(sub { -s "$directory/port" }, 'the stand-in listens');
	chomp($carrier->{port} = slurp_file("$directory/port"));
	return $carrier;
}

sub stop_carrier
{
	my ($carrier) = @_;
	return unless $carrier->{pid};
	kill 'TERM', $carrier->{pid};
	waitpid($carrier->{pid}, 0);
	$carrier->{pid} = 0;
}

END
{
	my $status = $?;
	stop_carrier($_) foreach @carriers;
	$? = $status;
}

# A call of the stand-in's /_control/.
sub control
{
	my ($carrier, $method, $what, $value) = @_;
	my %options = defined $value ? (content => encode_json($value)) : ();
	my $answer = HTTP::Tiny->new(timeout => $PATIENCE)
	  ->request($method, "http://127.0.0.1:$carrier->{port}/_control/$what", \%options);
	die "control $what: $answer->{status} $answer->{content}" unless $answer->{success};
	return decode_json($answer->{content});
}

# Replaces the rules by which the stand-in misbehaves.
sub faults { my ($carrier, @rules) = @_; control($carrier, 'POST', 'faults', \@rules); }

sub carrier_log { my ($carrier) = @_; return @{ control($carrier, 'GET', 'log') }; }

# Pre-orders that the carrier received.
sub orders_at { return grep { ($_->{path} // '') =~ /pre-order$/ } carrier_log($_[0]); }

sub logins_at { return grep { ($_->{path} // '') =~ /jwt\/create/ } carrier_log($_[0]); }

# A server that may call loopback, running unless told; of the installation at
# install_path, if told.
sub new_server
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name,
		$options{install_path} ? (install_path => $options{install_path}) : ());
	my $preload = $options{preload} // 1;

	$node->init(allows_streaming => $options{stream} // 0);
	$node->append_conf('postgresql.conf', join("\n",
			$preload ? "shared_preload_libraries = 'ganje_logistics'" : '',
			"max_worker_processes = 16",
			"log_statement = none",
			"restart_after_crash = on",
			"ganje_logistics.allowed_networks = '127.0.0.1/32'",
			$options{conf} // ''));
	return $node if $options{stopped};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION ganje_logistics') unless $options{bare};
	return $node;
}

# An account of the stand-in, with short delays between tries.
sub set_up_account
{
	my ($node, $carrier, %options) = @_;
	my $database = $options{database} // 'postgres';
	my $account = $options{account} // 'locker';
	my $password = $options{password} // 'secret';

	$node->safe_psql($database, qq{
		INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http, retry_base_ms, retry_cap_ms, max_attempts)
		VALUES ('$account', 'ganje', 'http://127.0.0.1:$carrier->{port}', true, 50, 200, }
		. ($options{max_attempts} // 12) . qq{);
		SELECT ganje.set_credential('$account', '{"username": "shop", "password": "$password"}');});
}

# Shipments number $from to $to, whose external ids are "$prefix<number>".
sub add_shipments
{
	my ($node, $from, $to, %options) = @_;
	my $database = $options{database} // 'postgres';
	my $account = $options{account} // 'locker';
	my $prefix = $options{prefix} // 'X';

	$node->safe_psql($database, qq{
		INSERT INTO ganje.shipment (order_id, account_id, external_id, phone)
		SELECT 'O' || n, '$account', '$prefix' || n, '+989121234567' FROM generate_series($from, $to) AS n});
}

# Waits until the code answers true; dies when that takes too long.
sub wait_for
{
	my ($code, $what) = @_;
	my $deadline = time() + $PATIENCE;

	while (time() < $deadline)
	{
		my $answer = $code->();
		return $answer if $answer;
		sleep(0.02);
	}
	die "timed out waiting until $what";
}

# The process id of a database's worker, once it is there.
sub worker_pid
{
	my ($node, $database) = @_;
	$database //= 'postgres';
	return wait_for(
		sub {
			$node->safe_psql('postgres', qq{
				SELECT pid FROM pg_stat_activity
				 WHERE backend_type = 'ganje_logistics worker' AND datname = '$database'});
		}, "database $database has a worker");
}

sub server_log { return slurp_file($_[0]->logfile); }

1;
