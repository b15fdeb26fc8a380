#!/bin/sh
# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
#
# Reads every #include of the rooms and fails on a wrong arrow (router -> config -> sdk; components and plugins
# -> installed sdk headers and their own folder) and on a library outside its one file. A header that is neither
# ours, nor the system's, nor in the table below needs a row here first. Tests may see every room.
# Runs on the tree above $srcdir, and on a small tree of mistakes to prove that it sees them.
set -eu
srcdir=${srcdir:-.}

check_tree() # folder; prints one line per mistake
{
	(
		cd "$1"
		find sdk config router components plugins -name '*.[ch]' 2>/dev/null | LC_ALL=C sort
	) | while read -r file; do
		sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\([<"][^>"]*[>"]\).*/\1/p' "$1/$file" |
			awk -v file="$file" '
BEGIN {
	# library header, and the files that may include it
	library["uv.h"] = "sdk/io/loop.c"
	library["expat.h"] = "sdk/io/xml_reader.c"
	library["openssl/"] = "sdk/io/tls.c sdk/io/tls_private.h sdk/io/tls_certificate.c sdk/io/tls_keys.c " \
		"sdk/io/tls_peer.c sdk/io/tls_request.c sdk/io/tls_sessions.c sdk/io/crypto.c"
	library["jansson.h"] = "sdk/src/json.c"
	library["idn2.h"] = "sdk/src/jid.c"
	library["microhttpd.h"] = "components/axl_service/axls_http.c"
	library["sqlite3.h"] = "components/axl_service/axls_sqlite.c"
	library["libpq-fe.h"] = "components/axl_service/axls_store_postgresql.c"
	library["ares"] = "components/resolver/resolver_dns.c"
	library["curl/"] = "components/axl/axl_http.c"
	library["ltdl.h"] = "router/module_file.c"
	library["dlfcn.h"] = "router/module_file.c sdk/src/log.c"
	library["libconfig.h"] = "config/config_file.c"
	system_headers = " arpa/inet.h arpa/nameser.h assert.h ctype.h dirent.h endian.h errno.h fcntl.h " \
		"getopt.h grp.h ifaddrs.h inttypes.h limits.h locale.h malloc.h math.h net/if.h netdb.h " \
		"netinet/in.h netinet/ip.h netinet/tcp.h poll.h pwd.h sched.h signal.h spawn.h stdarg.h " \
		"stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h sys/auxv.h sys/epoll.h " \
		"sys/file.h sys/ioctl.h sys/mman.h sys/prctl.h sys/random.h sys/resource.h sys/socket.h " \
		"sys/stat.h sys/time.h sys/types.h sys/uio.h sys/un.h sys/wait.h sysexits.h syslog.h " \
		"time.h unistd.h "
	parts = split(file, part, "/")
	room = part[1]
	folder = file
	sub("/[^/]*$", "/", folder)
}
function bad(why) { print file ": " $0 ": " why }
function is_in(path, begin) { return substr(path, 1, length(begin)) == begin }
{
	name = substr($0, 2, length($0) - 2)
	if (name ~ /\.\./) { bad("paths start at the top of the tree"); next }
	if (is_in(name, "fedway/")) {
		if ($0 ~ /^"/) bad("public headers are included with angle brackets")
		if (name == "fedway/hosting.h" && (room == "components" || room == "plugins"))
			bad("hosting.h is for programs that run components")
		next
	}
	if ($0 ~ /^"/) {
		if (room == "sdk" && is_in(name, "sdk/")) next
		if (room == "config" && is_in(name, "config/")) next
		if (room == "router" && (is_in(name, "router/") || is_in(name, "config/"))) next
		if (room == "components" && is_in(name, folder)) next
		if ((room == "components" || room == "plugins") && name !~ /\//) next
		bad("wrong arrow: " room " must not see this")
		next
	}
	if (index(system_headers, " " name " ") > 0) next
	for (header in library) {
		if (is_in(name, header)) {
			if (index(" " library[header] " ", " " file " ") == 0)
				bad("this library lives in " library[header])
			next
		}
	}
	bad("unknown header: add a row to tests/rules/include_rules.sh")
}'
	done
}

# The test of the test: each of these must be reported, and nothing else.
mistakes=$(mktemp -d)
trap 'rm -rf "$mistakes"' EXIT
put() # file, include
{
	mkdir -p "$mistakes/$(dirname "$1")"
	printf '#include %s\n' "$2" >>"$mistakes/$1"
}
put sdk/src/a.c '"router/router.h"'
put sdk/src/b.c '<openssl/ssl.h>'
put sdk/io/c.c '"fedway/str.h"'
put config/d.c '"router/router.h"'
put config/e.c '"sdk/src/self.h"'
put router/f.c '"components/s2s/s2s.h"'
put router/g.c '"sdk/src/self.h"'
put components/s2s/h.c '"components/policy/policy.h"'
put components/s2s/i.c '<fedway/hosting.h>'
put components/s2s/j.c '"../policy/policy.h"'
put components/s2s/k.c '"router/router.h"'
put plugins/echo/l.c '"sdk/src/self.h"'
put plugins/echo/m.c '<curl/curl.h>'
put components/s2s/n.c '<uv.h>'
wrong=14
put sdk/io/loop.c '<uv.h>'
put sdk/src/ok.c '"sdk/src/ok.h"'
put config/ok.c '<fedway/config.h>'
put router/ok.c '"config/config.h"'
put components/s2s/ok.c '"components/s2s/s2s.h"'
put plugins/echo/ok.c '<string.h>'
found=$(check_tree "$mistakes" | wc -l)
if [ "$found" -ne "$wrong" ]; then
	echo "the rule itself is broken: $found of $wrong mistakes found:"
	check_tree "$mistakes"
	exit 1
fi

for room in sdk config router components plugins; do
	[ -n "$(find "$srcdir/$room" -name '*.c' | head -n 1)" ] || { echo "no sources in $srcdir/$room"; exit 1; }
done
report=$(check_tree "$srcdir")
if [ -n "$report" ]; then
	echo "$report"
	exit 1
fi
