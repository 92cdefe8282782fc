#!/usr/bin/env bash
# servers.sh runs one PostgreSQL and one MariaDB server for integration tests,
# each private: its data in a folder, on a free port of 127.0.0.1, as the user
# its package has made, since PostgreSQL refuses to run as root.
#
#   servers.sh install        install both from the packages of Debian
#   servers.sh start [DIR]    start both with their data in DIR, print two lines
#                             NAME=URL to be exported
#   servers.sh stop  [DIR]    stop both and remove their data
#
# DIR defaults to $TMPDIR/arrowstream-databases. A server whose programs are not
# installed is left out, with a message.
set -euo pipefail

dir=${2:-${TMPDIR:-/tmp}/arrowstream-databases}

die() { echo "servers.sh: $*" >&2; exit 1; }
note() { echo "servers.sh: $*" >&2; }

install_packages() {
	[ -n "$(pg_bin)" ] && command -v mariadbd >/dev/null && return
	command -v apt-get >/dev/null || die "apt-get is not there: install PostgreSQL and MariaDB by hand"
	apt-get update -qq
	# The packages must not start servers of their own.
	RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql mariadb-server >/dev/null ||
		die "apt-get cannot install postgresql and mariadb-server"
}

# pg_bin is the folder of the newest PostgreSQL, where initdb is.
pg_bin() {
	local b
	for b in $(ls -d /usr/lib/postgresql/*/bin /usr/local/pgsql/bin 2>/dev/null | sort -Vr); do
		[ -x "$b/initdb" ] && echo "$b" && return
	done
	b=$(command -v initdb || true)
	[ -z "$b" ] || dirname "$b"
}

free_port() {
	local p
	for _ in $(seq 100); do
		p=$((20000 + RANDOM % 12000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then
			echo "$p"
			return
		fi
	done
	die "no free port"
}

# as USER sets the words before a command that shall run as USER, if this is root.
as() {
	run=(env HOME=/tmp)
	[ "$(id -u)" != 0 ] || run=(setpriv --reuid="$1" --regid="$(id -g "$1")" --clear-groups -- env HOME=/tmp)
}

# own USER FOLDER makes a folder that USER can write.
own() {
	mkdir -p "$2"
	[ "$(id -u)" != 0 ] || chown "$1" "$2"
}

alive() { [ -e "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# await PID-FILE PORT LOG waits until a server answers.
await() {
	for _ in $(seq 240); do
		alive "$1" || die "the server ended: $(tail -n 20 "$3")"
		(exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return
		sleep 0.25
	done
	die "nothing answers at 127.0.0.1:$2 after 60 s: $(tail -n 20 "$3")"
}

start_postgres() {
	local bin port at="$dir/postgres"
	bin=$(pg_bin)
	[ -n "$bin" ] || { note "PostgreSQL is not installed (servers.sh install)"; return; }
	own postgres "$at"
	as postgres
	echo arrowstream >"$at.password"
	chmod 644 "$at.password"
	"${run[@]}" "$bin/initdb" -D "$at/data" -U arrowstream --pwfile="$at.password" -A scram-sha-256 -E UTF8 --locale=C >"$at.log" 2>&1 ||
		die "initdb: $(tail -n 5 "$at.log")"
	port=$(free_port)
	"${run[@]}" setsid "$bin/postgres" -D "$at/data" -p "$port" -k "" -c listen_addresses=127.0.0.1 \
		-c max_connections=50 -c shared_buffers=64MB >>"$at.log" 2>&1 </dev/null &
	echo $! >"$at.pid"
	await "$at.pid" "$port" "$at.log"
	echo "ARROWSTREAM_POSTGRES=postgres://arrowstream:arrowstream@127.0.0.1:$port/postgres" >>"$dir/addresses"
}

start_mariadb() {
	local port at="$dir/mariadb"
	command -v mariadbd >/dev/null || { note "MariaDB is not installed (servers.sh install)"; return; }
	own mysql "$at"
	as mysql
	local options=(--no-defaults --datadir="$at/data" --socket="$at/socket" --pid-file="$at/server.pid" --innodb-buffer-pool-size=64M)
	"${run[@]}" mariadb-install-db --no-defaults --datadir="$at/data" --auth-root-authentication-method=normal --skip-test-db >"$at.log" 2>&1 ||
		die "mariadb-install-db: $(tail -n 5 "$at.log")"
	cat >"$at.sql" <<-SQL
		CREATE DATABASE IF NOT EXISTS arrowstream;
		CREATE USER IF NOT EXISTS 'arrowstream'@'%' IDENTIFIED BY 'arrowstream';
		GRANT ALL ON *.* TO 'arrowstream'@'%';
	SQL
	port=$(free_port)
	"${run[@]}" setsid mariadbd "${options[@]}" --port="$port" --bind-address=127.0.0.1 --skip-name-resolve --init-file="$at.sql" \
		>>"$at.log" 2>&1 </dev/null &
	echo $! >"$at.pid"
	await "$at.pid" "$port" "$at.log"
	echo "ARROWSTREAM_MARIADB=mysql://arrowstream:arrowstream@127.0.0.1:$port/arrowstream" >>"$dir/addresses"
}

start() {
	if ! alive "$dir/postgres.pid" && ! alive "$dir/mariadb.pid"; then
		rm -rf "$dir"
		mkdir -p "$dir"
		chmod 755 "$dir"
		: >"$dir/addresses"
		start_postgres
		start_mariadb
	fi
	cat "$dir/addresses"
}

stop() {
	local name pid
	for name in postgres mariadb; do
		alive "$dir/$name.pid" || continue
		pid=$(cat "$dir/$name.pid")
		kill -INT "$pid"
		[ $name = postgres ] || kill "$pid"
		for _ in $(seq 60); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.25
		done
		kill -KILL "$pid" 2>/dev/null || true
	done
	rm -rf "$dir"
}

case ${1:-} in
install) install_packages ;;
start | stop) "$1" ;;
*) die "usage: servers.sh install|start|stop [DIR]" ;;
esac
