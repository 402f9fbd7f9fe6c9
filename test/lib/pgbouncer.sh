# pgbouncer, as a pooler to stand behind: sourced after machine.sh.

# Sets pgbouncer to a program: the one that is installed, else Debian's, which
# is unpacked and not installed, because to install it is to start a service.
# What it is linked to is installed. Empty where there is none to be had; the
# test then says so, and is skipped.
lend_pgbouncer()
{
	local directory=$1 libraries get='apt-get -q download pgbouncer'

	pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) && return 0
	mkdir -p "$directory"
	(cd "$directory" && { $get || { may_be_root && as_root apt-get -q update && $get; }; } && dpkg-deb -x pgbouncer_*.deb .) \
		>"$directory/apt.log" 2>&1 </dev/null || return 0
	libraries=$(dpkg-deb -f "$directory"/pgbouncer_*.deb Depends | tr ',' '\n' | sed -n 's/^ *\(lib[^ ]*\).*/\1/p')
	install_packages $libraries
	chmod -R go+rX "$directory"
	pgbouncer=$directory/usr/sbin/pgbouncer
}
