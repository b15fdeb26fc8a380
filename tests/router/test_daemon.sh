#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
# Runs the real fedwayd and fedwayctl on a configuration of its own: check, start, status, log, reload good and
# bad, log rotation, drain, stop, signals, and what is said when no daemon is there.
set -u
bin=${builddir:-.}/router
dir=$(mktemp -d "${TMPDIR:-/tmp}/fedway-daemon.XXXXXX") || exit 99
pid=
failed=0

cleanup() {
	[ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT INT TERM

say_failed() {
	echo "FAILED: $1"
	failed=1
}

ctl() {
	"$bin/fedwayctl" --socket "$dir/control.sock" "$@"
}

# expect STATUS PATTERN SENTENCE COMMAND...: exit status, and a pattern in what was printed
expect() {
	status=$1 pattern=$2 sentence=$3
	shift 3
	"$@" >"$dir/out" 2>&1
	got=$?
	if [ $got -ne "$status" ] || ! grep -q -- "$pattern" "$dir/out"; then
		say_failed "$sentence: exit $got, printed:"
		cat "$dir/out"
	else
		echo "ok: $sentence"
	fi
}

# until_true SENTENCE COMMAND...: waits for up to 10 s
until_true() {
	sentence=$1
	shift
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -gt 200 ]; then
			say_failed "waited in vain: $sentence"
			return 1
		fi
		sleep 0.05
	done
	echo "ok: $sentence"
}

config() { # PORT [MORE]
	cat >"$dir/fedway.conf" <<-END
		realm = "test-realm";
		control_socket = "$dir/control.sock";
		pid_file = "$dir/fedwayd.pid";
		log_file = "$dir/fedwayd.log";
		module_path = "$dir";
		listen = ( { address = "127.0.0.1"; port = $1; } );
		links = ( { name = "a.corp.example"; secret = "one"; } ${2:-} );
	END
}

start() {
	"$bin/fedwayd" --config "$dir/fedway.conf" 2>"$dir/stderr" &
	pid=$!
}

# Somebody may have the port: then the next one is tried.
start_somewhere() {
	port=$((20000 + $$ % 20000))
	for attempt in 1 2 3 4 5 6 7 8 9 10; do
		config $port
		start
		tries=0
		while kill -0 "$pid" 2>/dev/null && [ $tries -lt 200 ]; do
			ctl status >/dev/null 2>&1 && return 0
			tries=$((tries + 1))
			sleep 0.05
		done
		wait "$pid"
		port=$((port + 7))
	done
	cat "$dir/stderr"
	say_failed "fedwayd starts"
	exit 1
}

stopped() { # STATUS SENTENCE
	wait "$pid"
	got=$?
	pid=
	if [ $got -eq "$1" ]; then
		echo "ok: $2"
	else
		say_failed "$2: exit $got"
		cat "$dir/stderr"
	fi
}

config 7400
expect 0 "configuration is good" "a good configuration is called good" "$bin/fedwayd" --check --config "$dir/fedway.conf"
cp "$dir/fedway.conf" "$dir/good.conf"
echo 'link_certificate_file = "no-such.pem";' >>"$dir/fedway.conf"
expect 78 "links: cannot read certificate .*no-such.pem" "a certificate for links that is not there is a problem" \
	"$bin/fedwayd" --check --config "$dir/fedway.conf"
expect 78 "not started (configuration)" "and the daemon does not start with it" "$bin/fedwayd" --config "$dir/fedway.conf"
cp "$dir/good.conf" "$dir/fedway.conf"
echo 'prot = 1;' >>"$dir/fedway.conf"
expect 78 "fedway.conf:[0-9]*:.*prot" "a bad one is refused with file and line" "$bin/fedwayd" --check --config "$dir/fedway.conf"
expect 78 "not started (configuration)" "and not started either" "$bin/fedwayd" --config "$dir/fedway.conf"
expect 78 "no-such-file" "a missing one is named" "$bin/fedwayd" --check --config "$dir/no-such-file.conf"
expect 0 "control_socket" "--options prints the router's rows" "$bin/fedwayd" --options --module-path "$dir"
expect 0 "^\.SS Router" "--options --man prints man source" "$bin/fedwayd" --options --man --module-path "$dir"
expect 0 "control_socket" "several folders of modules" "$bin/fedwayd" --options --module-path "$dir:$dir"
if "$bin/fedwayd" --options --module-path "$dir" | grep -q '^s2s:'; then
	echo "ok: modules are inside the program, no folder is looked at"
else
	expect 1 "no-such-folder" "a folder of modules that is not there" \
		"$bin/fedwayd" --options --module-path "$dir:/no-such-folder"
fi
expect 0 "^fedwayd [0-9]" "--version" "$bin/fedwayd" --version
expect 0 "Usage: fedwayd" "--help" "$bin/fedwayd" --help
expect 2 "fedwayd --help" "an unknown option is wrong usage" "$bin/fedwayd" --no-such-option
expect 2 "unexpected argument" "so is an argument" "$bin/fedwayd" argument
expect 3 "$dir/control.sock" "fedwayctl names the socket when no daemon is there" ctl status
expect 3 "systemctl start fedway" "and says how to start one" ctl status
expect 3 "$dir/control.sock" "a command that may be a component's needs a daemon" ctl reboot
expect 0 "LOGGER LEVEL" "help needs no daemon" ctl help

start_somewhere
expect 0 "test-realm" "status tells the realm" ctl status
expect 0 '"ok": true' "status as JSON" ctl --json status
expect 0 "a.corp.example" "routes show what is listed" ctl routes
expect 0 "the ledger balances" "ledger" ctl ledger
expect 0 "none" "counters" ctl counters
expect 1 "no component" "of a component that is not there" ctl counters nobody
expect 2 "unknown command" "a command that nobody has" ctl reboot
expect 2 "unexpected argument" "an argument too many" ctl status now
expect 1 '"ok": false' "a refusal is JSON too, also of what a component may have" ctl --json --node nowhere connections
expect 1 "both a logger and a level" "an argument by name" ctl log level=debug
expect 0 "none" "components" ctl components
expect 0 "none" "streams" ctl streams
expect 0 "router.control" "log lists the loggers" ctl log
expect 0 "level debug on" "log sets a level" ctl log 'router.*' debug
expect 1 "levels are error" "a wrong level is refused with what is allowed" ctl log router loud
expect 0 "component holds the domain" "explain" ctl explain no-route
expect 1 "of two addresses" "explain of one address says that there should be two" ctl explain a@b.example
expect 1 "check needs a domain" "check of nothing says what is missing" ctl check
expect 0 "link_queue_max_stanzas" "options" ctl options
expect 1 "no-such-module" "options of a module that is not there" ctl options no-such-module
expect 0 "^$pid\$" "the PID file has our number" cat "$dir/fedwayd.pid"
expect 1 "another fedwayd" "a second daemon is refused" "$bin/fedwayd" --config "$dir/fedway.conf"
expect 0 "test-realm" "and the first one still answers" ctl status

expect 0 "nothing is different" "reload of the same file" ctl reload
config $port ', { name = "b.corp.example"; secret = "two"; }'
expect 0 "link added: b.corp.example" "reload lists what changed" ctl reload
echo 'prot = 1;' >>"$dir/fedway.conf"
expect 1 "fedway.conf:[0-9]*:.*prot" "a bad file is refused with its problems" ctl reload
expect 0 "the last reload was refused" "and that is a notice, until one is good" ctl notifications
expect 0 "b.corp.example" "and nothing has changed" ctl routes
config $port
kill -HUP "$pid"
until_true "SIGHUP reloads" grep -q "link removed: b.corp.example" "$dir/fedwayd.log"

mv "$dir/fedwayd.log" "$dir/fedwayd.log.1"
kill -USR1 "$pid"
until_true "SIGUSR1 opens the log file again" test -e "$dir/fedwayd.log"

expect 0 "draining" "drain" ctl drain
stopped 0 "the daemon ends after a drain"
[ -e "$dir/control.sock" ] && say_failed "the control socket is gone"
[ -e "$dir/fedwayd.pid" ] && say_failed "the PID file is gone"

start
until_true "it starts again" ctl status
expect 0 "stopping" "stop" ctl stop
stopped 0 "the daemon stops when told"

start
until_true "and again" ctl status
kill -KILL "$pid"
wait "$pid" 2>/dev/null
start
until_true "what a killed daemon left behind does not stop the next" ctl status
kill -TERM "$pid"
stopped 0 "SIGTERM ends it"

exit $failed
