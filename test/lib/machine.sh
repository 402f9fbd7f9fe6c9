# The machine: which PostgreSQL, what is missing of Debian's packages, and who
# may install. Sourced by the two commands, make demo and make test.
#
# A server package must not start a cluster of its own, and a PostgreSQL that
# is already there is left alone: all that is ever added to it are the files
# of the extension.

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s\n' "$*" >&2
	exit 1
}

# Runs a command as root: directly, or by sudo.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo ${sudo_options:-} -- "$@"
	fi
}

# Succeeds if as_root can work. Without a terminal sudo must not ask.
may_be_root()
{
	[ "$(id -u)" -eq 0 ] && return 0
	command -v sudo >/dev/null || return 1
	if [ -t 0 ]; then
		sudo_options=
		sudo -v
	else
		sudo_options=-n
		sudo -n true 2>/dev/null
	fi
}

# Major version of the server: the one of PG_CONFIG if that is set, else the
# one of this Debian release.
choose_postgresql()
{
	if [ -n "${PG_CONFIG:-}" ]; then
		pg_config=$(command -v "$PG_CONFIG") || die "PG_CONFIG: $PG_CONFIG is not a program"
		postgresql=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
		return
	fi
	case $(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-}" "${VERSION_ID:-}") in
		'debian 12') postgresql=15 ;;
		'debian 13') postgresql=17 ;;
		*)
			postgresql=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p')
			[ -n "$postgresql" ] || die "This is neither Debian 12 nor 13: set PG_CONFIG to the pg_config of PostgreSQL 15 or later."
			;;
	esac
	pg_config=/usr/lib/postgresql/$postgresql/bin/pg_config
}

is_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_packages()
{
	local package

	for package in "$@"; do
		is_installed "$package" || printf '%s ' "$package"
	done
}

apt_install()
{
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" </dev/null
}

# A file of ours in createcluster.d says that no cluster is to be made; it
# lives from before the server is unpacked until after.
cluster_setting=/etc/postgresql-common/createcluster.d/zz_ganje_logistics.conf

forbid_main_cluster()
{
	local conf=/etc/postgresql-common/createcluster.conf

	if [ "$(pg_conftool "$conf" show -bs create_main_cluster 2>/dev/null)" = off ]; then
		return
	fi
	if [ ! -d "${cluster_setting%/*}" ]; then
		cluster_setting_directory_made=1
		as_root mkdir -p "${cluster_setting%/*}"
	fi
	cluster_setting_made=1
	as_root sh -c "echo 'create_main_cluster = false' > $cluster_setting"
	[ "$(pg_conftool "$conf" show -bs create_main_cluster 2>/dev/null)" = off ] ||
		die "Cannot keep postgresql-common from creating a cluster: set create_main_cluster = false in $conf, then try again."
}

restore_main_cluster()
{
	if [ -n "${cluster_setting_made:-}" ]; then
		as_root rm -f "$cluster_setting"
		cluster_setting_made=
	fi
	if [ -n "${cluster_setting_directory_made:-}" ]; then
		as_root rmdir "${cluster_setting%/*}" 2>/dev/null || true
		cluster_setting_directory_made=
	fi
}

# install_packages name...: installs what is missing of these and of the
# server. Says what is missing, and exits, where it may not install.
install_packages()
{
	local missing server=

	choose_postgresql
	if [ -n "${PG_CONFIG:-}" ]; then
		[ -f "$("$pg_config" --pgxs)" ] || die "$PG_CONFIG: the headers of its server are not installed"
	else
		server="postgresql-common postgresql-$postgresql postgresql-server-dev-$postgresql"
	fi
	command -v dpkg-query >/dev/null || { say "Not Debian: taking for granted what is needed."; return; }

	missing=$(missing_packages "$@" $server)
	[ -n "$missing" ] || return 0
	may_be_root ||
		die "These packages are missing: $missing
Install them, or run this as root or as a user with sudo${sudo_options:+ (which must not ask for a password here)}:
    apt-get install --no-install-recommends $missing"

	say "installing: $missing"
	{
		as_root apt-get -q update </dev/null
		case " $missing" in
			*" postgresql-$postgresql "*)
				is_installed postgresql-common || apt_install postgresql-common
				forbid_main_cluster
				;;
		esac
		apt_install $missing
	} >"$scratch/install.log" 2>&1 ||
		{ tail -n 40 "$scratch/install.log" >&2; restore_main_cluster; die "Installing the packages failed."; }
	restore_main_cluster
}

# install_if_possible name...: what can be done without, and then says so.
install_if_possible()
{
	local missing

	command -v dpkg-query >/dev/null || return 0
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	if may_be_root 2>/dev/null && {
		as_root apt-get -q update </dev/null
		apt_install $missing
	} >"$scratch/install.log" 2>&1; then
		say "installed: $missing"
	else
		say "skipped, as they could not be installed: $missing"
	fi
}

# The extension's own files go where PGXS puts them.
install_extension()
{
	may_be_root || [ -w "$("$pg_config" --pkglibdir)" ] ||
		die "make install needs root or sudo."
	if [ -w "$("$pg_config" --pkglibdir)" ]; then
		make -s --no-print-directory install PG_CONFIG="$pg_config"
	else
		as_root make -s --no-print-directory install PG_CONFIG="$pg_config"
	fi
}

# build_extension log: make, with warnings as errors, output in the log.
build_extension()
{
	make -j "$(nproc)" --no-print-directory WERROR=-Werror PG_CONFIG="$pg_config" >"$1" 2>&1 &&
		install_extension >>"$1" 2>&1
}
