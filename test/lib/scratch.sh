# One directory for everything temporary, and the end of everything started.
#
# It belongs to the user that the servers run as: PostgreSQL does not run as
# root, and the clone may lie where no other user can read.

umask 022

# Started first, so that whatever happens later is cleaned up. In /tmp whatever
# TMPDIR says: a socket's path must be short, and other users must get there.
open_scratch()
{
	scratch=$(mktemp -d /tmp/ganje_logistics.XXXXXX)
	groups=()
	trap close_scratch EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# Which user servers run as: oneself, or, for root, postgres.
choose_server_user()
{
	if [ "$(id -u)" -ne 0 ]; then
		server_user=$(id -un)
		return
	fi
	server_user=postgres
	getent passwd postgres >/dev/null || server_user=nobody
	chown "$server_user" "$scratch"
}

# Runs a command as the user of the servers, in server_directory and with none
# of the caller's PostgreSQL settings.
as_server()
{
	if [ "$(id -u)" -ne 0 ]; then
		env -C "$server_directory" "${server_environment[@]}" "$@"
	else
		setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --init-groups \
			env -C "$server_directory" "${server_environment[@]}" "$@"
	fi
}

# Starts a command in a process group of its own, which ends with the scratch
# directory. Its process id is in started.
start_group()
{
	if [ "$(id -u)" -ne 0 ]; then
		setsid env -C "$server_directory" "${server_environment[@]}" "$@" </dev/null &
	else
		setsid setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --init-groups \
			env -C "$server_directory" "${server_environment[@]}" "$@" </dev/null &
	fi
	started=$!
	groups+=("$started")
}

end_group()
{
	kill -TERM -- "-$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# Only what lies under our own directory is a server of ours.
stop_servers()
{
	local pid_file

	find "$scratch" -name postmaster.pid 2>/dev/null | while read -r pid_file; do
		as_server "$bindir/pg_ctl" stop -s -w -m immediate -D "${pid_file%/*}" </dev/null >/dev/null 2>&1
	done
}

close_scratch()
{
	local status=$? group

	trap - EXIT
	trap '' HUP INT TERM
	restore_main_cluster
	if [ -n "${keep_scratch:-}" ]; then
		exit "$status"
	fi
	for group in "${groups[@]}"; do
		end_group "$group"
	done
	stop_servers
	rm -rf "$scratch"
	exit "$status"
}
