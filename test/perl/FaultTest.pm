# What the fault tests share beside GanjeTest: a carrier whose requests are as
# plain as can be, so that a stand-in can be told by their path how to
# misbehave to each, and a shim before the server (fault_shim.c) that makes
# name servers, the disk and the clock go wrong.
package FaultTest;

use strict;
use warnings;
use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use GanjeTest;

our @EXPORT = qw(add_plain_carrier add_plain_account tell heard heard_in keys_of took gone kill_server start_again peak_memory forget_peak
	new_shim under_shim shim_names shim_full shim_clock shim_lookups);

# The carrier "plain": POST /<external id>/<operation>, and 2xx is delivered.
sub add_plain_carrier
{
	my ($node, $database) = @_;

	$node->safe_psql($database // 'postgres', q{
		CREATE SCHEMA plain;
		CREATE FUNCTION plain.build(s ganje.shipment, operation text, OUT r ganje.http_request) LANGUAGE plpgsql AS $$
		BEGIN
			r.method := 'POST';
			r.path := '/' || s.external_id || '/' || operation;
			r.headers := '{"Content-Type": "application/json"}';
			r.body := jsonb_build_object('id', s.external_id, 'operation', operation);
		END $$;
		SELECT ganje.register_carrier('plain', build => 'plain.build');});
}

# An account of it at a base URL, or a port of 127.0.0.1; options are columns.
# Without a breaker, which would let it wait: tests of that are others.
sub add_plain_account
{
	my ($node, $account, $where, %columns) = @_;
	my $database = delete $columns{database} // 'postgres';
	my $url = $where =~ /^\d+$/ ? "http://127.0.0.1:$where" : $where;
	my %all = (retry_base_ms => 50, retry_cap_ms => 200, timeout_ms => 10000, max_attempts => 100,
		max_connections => 20, breaker_failures => 0, carrier => "'plain'", %columns);
	my @names = sort keys %all;

	$node->safe_psql($database, "INSERT INTO ganje.carrier_account (account_id, base_url, allow_http, " . join(', ', @names)
		  . ") VALUES ('$account', '$url', true, " . join(', ', map { $all{$_} } @names) . ")");
}

# Shipments of an account with these external ids, in one transaction.
sub tell
{
	my ($node, $account, @ids) = @_;
	my $values = join(', ', map { "('$_', '$account', '$_')" } @ids);

	$node->safe_psql('postgres', "INSERT INTO ganje.shipment (order_id, account_id, external_id) VALUES $values");
}

# Those lines of a log whose request is of an external id.
sub heard_in
{
	my ($id, @log) = @_;
	return grep { index($_->{path} // '', "/$id/") == 0 } @log;
}

sub heard { my ($carrier, $id) = @_; return heard_in($id, carrier_log($carrier)); }

# The idempotency keys of log lines, each once.
sub keys_of
{
	my %keys = map { ($_->{headers}{'idempotency-key'} // 'none') => 1 } @_;
	my @keys = sort keys %keys;
	return @keys;
}

# Has the process ended? A zombie has, though nobody has buried it yet.
sub gone
{
	my ($pid) = @_;
	return 1 unless kill(0, $pid);
	return (eval { slurp_file("/proc/$pid/stat") } // '') =~ /\) Z /;
}

# The most memory that a process has had since forget_peak, in MB.
sub peak_memory
{
	my ($pid) = @_;
	return (slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m)[0] / 1024;
}

sub forget_peak { my ($pid) = @_; append_to_file("/proc/$pid/clear_refs", '5'); }

# kill -9 of the postmaster, after what is to be done right before; answers the
# pids of all processes that were its own.
sub kill_server
{
	my ($node, $before) = @_;
	my @pids = split(/\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()'));

	push @pids, (split(/\n/, slurp_file($node->data_dir . '/postmaster.pid')))[0];
	$before->() if $before;
	$node->kill9;
	return @pids;
}

# Starts it again, once none of them is in the way: not even one that is dead
# and not yet buried.
sub start_again
{
	my ($node, @pids) = @_;

	wait_for(sub { !grep { kill(0, $_) } @pids }, 'all processes are gone');
	$node->start;
}

# Seconds that the code takes; said as a note, and bounded by ten times what is
# promised, since the machine has other things to do.
sub took
{
	my ($what, $bound, $code) = @_;
	my $begin = time();

	$code->();
	my $seconds = time() - $begin;
	note(sprintf('%s: %.3f s', $what, $seconds));
	cmp_ok($seconds, '<', $bound, "$what: without a long wait");
	return $seconds;
}

# The shim, built once per test, and its directory of faults.
sub new_shim
{
	my $directory = PostgreSQL::Test::Utils::tempdir();
	my $shim = { directory => $directory, library => "$directory/fault_shim.so" };

	system_or_bail('gcc', '-Wall', '-Wextra', '-Werror', '-O1', '-fPIC', '-shared', "$FindBin::RealBin/../perl/fault_shim.c",
		'-o', $shim->{library}, '-ldl');
	shim_clock($shim, 0);
	return $shim;
}

# Runs code whose server starts behind the shim.
sub under_shim
{
	my ($shim, $code) = @_;

	local $ENV{LD_PRELOAD} = $shim->{library};
	local $ENV{GANJE_SHIM} = $shim->{directory};
	return $code->();
}

# "name seconds address ...", see fault_shim.c.
sub shim_names
{
	my ($shim, @lines) = @_;

	open(my $file, '>', "$shim->{directory}/names.new") or die;
	print $file "$_\n" foreach @lines;
	close($file) or die;
	rename("$shim->{directory}/names.new", "$shim->{directory}/names") or die;
}

# How often a name was asked for.
sub shim_lookups
{
	my ($shim, $name) = @_;
	my $path = "$shim->{directory}/lookups";

	return -e $path ? scalar(grep { $_ eq $name } split(/\n/, slurp_file($path))) : 0;
}

sub shim_full
{
	my ($shim, $full) = @_;
	my $path = "$shim->{directory}/full";

	return append_to_file($path, '') if $full;
	unlink($path) or die "unlink $path: $!";
}

# The wall clock is wrong by so many seconds from now on. The file is mapped by
# the server's processes: it is written in place.
sub shim_clock
{
	my ($shim, $seconds) = @_;
	my $path = "$shim->{directory}/clock";

	open(my $file, (-e $path ? '+<' : '>'), $path) or die;
	binmode($file);
	syswrite($file, pack('q', $seconds)) == 8 or die;
	close($file) or die;
}

1;
