# A private PostgreSQL in the scratch directory: a socket and no network, so
# that no port can be taken, and nothing of the machine's own servers.

server_port=5432

# To be called once the packages are there. LANG is for TAP tests, whose modules
# take LC_ALL away: clusters are to be UTF8 whatever the caller's locale.
prepare_server()
{
	bindir=$("$pg_config" --bindir)
	choose_server_user
	server_directory=$scratch
	server_environment=(-u PGDATA -u PGSERVICE -u PGUSER -u PGPASSWORD -u PGDATABASE -u PGOPTIONS
		-u PGHOSTADDR -u PGTZ -u PGCLIENTENCODING -u PGSSLMODE
		HOME="$scratch" TMPDIR="$scratch/tmp" USER="$server_user" LOGNAME="$server_user" PATH="$bindir:$PATH"
		PGHOST="$scratch/socket" PGPORT="$server_port" LC_ALL=C.UTF-8 LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1)
	as_server mkdir "$scratch/tmp" "$scratch/socket"
	cd "$root" || exit 1
}

# start_server setting...: a new cluster whose superuser is postgres.
start_server()
{
	local setting

	as_server "$bindir/initdb" -D "$scratch/data" -U postgres -A trust --locale=C --encoding=UTF8 --no-sync \
		>"$scratch/server.log" 2>&1 || { cat "$scratch/server.log" >&2; die "initdb failed."; }
	for setting in "listen_addresses = ''" "unix_socket_directories = '$scratch/socket'" "port = $server_port" \
		"fsync = off" "log_min_messages = warning" "timezone = 'UTC'" \
		"shared_preload_libraries = 'ganje_logistics'" "$@"; do
		printf '%s\n' "$setting"
	done >"$scratch/postgresql.conf"
	chmod 644 "$scratch/postgresql.conf"
	as_server sh -c "cat '$scratch/postgresql.conf' >> '$scratch/data/postgresql.conf'"
	# The server's log must not be a pipe that somebody waits for.
	as_server "$bindir/pg_ctl" start -s -w -t 60 -D "$scratch/data" -l "$scratch/data/server.log" </dev/null >/dev/null 2>&1 ||
		{ tail -n 30 "$scratch/data/server.log" >&2; die "The private PostgreSQL did not start."; }
}

stop_server()
{
	as_server "$bindir/pg_ctl" stop -s -w -m fast -D "$scratch/data" >/dev/null 2>&1
}

# psql arguments as the cluster's superuser.
run_psql()
{
	as_server "$bindir/psql" -X -q -v ON_ERROR_STOP=1 -U postgres "$@"
}
