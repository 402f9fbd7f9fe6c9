# The benchmark of the outbox and its soak: a private server, and two stand-ins
# for carriers. Sourced after the files of test/lib.

# nginx is unpacked, not installed: the package would start a server on port 80.
find_nginx()
{
	nginx=$(command -v nginx || command -v /usr/sbin/nginx) && return
	mkdir "$scratch/nginx.deb"
	(cd "$scratch/nginx.deb" && as_root apt-get -q update && apt-get -q download nginx && dpkg -x nginx_*.deb .) \
		>"$scratch/nginx.log" 2>&1 || { tail "$scratch/nginx.log"; die "nginx could not be had."; }
	chmod -R a+rX "$scratch/nginx.deb"
	nginx=$scratch/nginx.deb/usr/sbin/nginx
}

# A port that was free a moment ago.
free_port()
{
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

start_nginx()
{
	nginx_port=$(free_port)
	as_server mkdir -p "$scratch/nginx"
	cat >"$scratch/nginx.conf" <<-END
		daemon off;
		worker_processes 1;
		pid $scratch/nginx/pid;
		error_log stderr error;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $scratch/nginx/body;
			proxy_temp_path $scratch/nginx/proxy;
			fastcgi_temp_path $scratch/nginx/fastcgi;
			uwsgi_temp_path $scratch/nginx/uwsgi;
			scgi_temp_path $scratch/nginx/scgi;
			keepalive_requests 1000000000;
			keepalive_timeout 3600s;
			server {
				listen 127.0.0.1:$nginx_port backlog=4096;
				location / {
					default_type application/json;
					return 200 '{"status": "ok"}';
				}
			}
		}
	END
	chmod 644 "$scratch/nginx.conf"
	start_group "$nginx" -c "$scratch/nginx.conf" -p "$scratch/nginx/" -e stderr 2>"$scratch/nginx.log"
	wait_for_port "$nginx_port"
}

wait_for_port()
{
	local i

	for ((i = 0; i < 500; i++)); do
		(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.02
	done
	die "Nothing listens on port $1."
}

start_bench_carrier()
{
	start_group "$scratch/bench_outbox_carrier" "$scratch/tmp/carrier.port" "$scratch/tmp/arrivals"
	carrier_group=$started
	while [ ! -s "$scratch/tmp/carrier.port" ]; do
		kill -0 "$carrier_group" 2>/dev/null || die "The stand-in carrier did not start."
		sleep 0.02
	done
	carrier_port=$(cat "$scratch/tmp/carrier.port")
}

# set_workers n: once as many run.
set_workers()
{
	run_psql -d bench -c "ALTER SYSTEM SET ganje_logistics.workers = $1" -c 'SELECT pg_reload_conf()' >/dev/null 2>&1
	run_psql -d bench -c "DO \$\$ BEGIN
		WHILE (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ganje_logistics worker' AND datname = 'bench') <> $1 LOOP
			PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
		END LOOP; END \$\$"
}

# Nothing of an earlier measurement is left, neither rows nor dead ones.
empty_outbox()
{
	run_psql -d bench -c 'TRUNCATE ganje.outbox_log, ganje.outbox, ganje.outbox_delivery, ganje.outbox_attempt' \
		-c 'TRUNCATE bench.sent, bench.arrival' || die "The outbox could not be emptied."
}

# fill account requests: puts them into the outbox, which waits until bench.begin.
fill()
{
	printf "SELECT ganje.pause_sending();\nSELECT bench.fill('%s', %s, :'body');\n" "$1" "$2" |
		run_psql -d bench -v body="$(cat "$scratch/body")" -f - >/dev/null || die "The outbox could not be filled."
}

# The carrier's log, as far as it has written it: it does so when it is quiet.
read_arrivals()
{
	sleep 0.2
	run_psql -d bench -c "\\copy bench.arrival FROM '$scratch/tmp/arrivals'" || die "The carrier's log could not be read."
}

# open_outbox_bench setting...: server, stand-ins and accounts.
open_outbox_bench()
{
	local program

	open_scratch
	install_packages gcc libc6-dev make libcurl4-openssl-dev perl
	find_nginx
	prepare_server
	build_extension "$scratch/build.log" || { tail -n 40 "$scratch/build.log"; die "The build failed."; }
	for program in bench_outbox_floor bench_outbox_carrier; do
		gcc -O2 -Wall -Wextra -Werror -D_GNU_SOURCE "$root/test/bench/$program.c" -o "$scratch/$program" -lcurl ||
			die "$program could not be built."
	done
	chmod -R a+rX "$scratch"
	start_nginx
	start_bench_carrier
	start_server "max_connections = 40" "shared_buffers = '512MB'" "fsync = on" "synchronous_commit = on" \
		"max_wal_size = '8GB'" "checkpoint_timeout = '1h'" "ganje_logistics.databases = 'bench'" \
		"ganje_logistics.allowed_networks = '127.0.0.1/32'" "$@"
	run_psql -d postgres -c 'CREATE DATABASE bench'
	run_psql -d bench -c 'CREATE EXTENSION ganje_logistics' -f - <"$root/test/bench/bench_outbox.sql" >/dev/null ||
		die "The data could not be made."
	run_psql -d bench -c "SELECT bench.account('instant', 'http://127.0.0.1:$nginx_port', ${connections:-100}),
		bench.account('slow', 'http://127.0.0.1:$carrier_port/50', 500),
		bench.account('logged', 'http://127.0.0.1:$carrier_port/0', 10),
		bench.account('hanging', 'http://127.0.0.1:$carrier_port/4500', 10)" >/dev/null || die "The accounts could not be made."
	perl -e 'printf q({"external_id": "X1", "phone_number": "+989121234567", "note": "%s"}), "x" x 960' >"$scratch/body"
	chmod 644 "$scratch/body"
}
