/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A real DNS server for the tests of the resolver: unbound, started on a free port of 127.0.0.1
 * with a zone of our own; and a server that never answers.
 */
#include "tests/components/resolver/dns_servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fedway/abi.h>

static const char zone_text[] = "$TTL 300\n"
                                "@ SOA ns.example. admin.example. 1 3600 600 86400 20\n"
                                "@ NS ns.example.\n"
                                "ns A 127.0.0.1\n"
                                "host1 A 127.0.0.11\n"
                                "host1 AAAA ::11\n"
                                "_xmpp-server._tcp.none SRV 0 0 0 .\n"
                                "none A 127.0.0.13\n"
                                "plain A 127.0.0.14\n"
                                "plain AAAA ::14\n"
                                "_xmpp-server._tcp.dead SRV 0 0 5269 nohost\n"
                                "dead A 127.0.0.15\n"
                                "_xmpp-server._tcp.half SRV 0 0 5269 nohost\n"
                                "_xmpp-server._tcp.half SRV 1 0 5269 host2\n"
                                "alias CNAME plain\n"
                                "_xmpp-server._tcp.viaalias SRV 0 0 5269 alias\n"
                                "_xmpp-server._tcp.srvalias CNAME _xmpp-server._tcp.srv\n"
                                "_xmpp-server._tcp.six SRV 0 0 5269 six\n"
                                "six AAAA ::16\n"
                                "_xmpp-server._tcp.broken SRV 0 0 5269 host.broken.\n"
                                "empty TXT nothing\n"
                                "_xmpp-server._tcp.xn--bcher-kva SRV 0 0 5269 host1\n"
                                "_xmpp-server._tcp.srv 120 SRV 20 0 5270 host2\n"
                                "_xmpp-server._tcp.srv 90 SRV 10 0 5269 host1\n"
                                "host2 60 A 127.0.0.12\n"
                                "_xmpp-server._tcp.both SRV 10 0 5269 host2\n"
                                "_xmpps-server._tcp.both SRV 5 0 5270 host2\n"
                                "_xmpps-server._tcp.both SRV 20 0 5271 host2\n"
                                "_xmpps-server._tcp.onlytls SRV 0 0 5270 host2\n"
                                "_xmpp-server._tcp.nodirect SRV 0 0 5269 host2\n"
                                "_xmpps-server._tcp.nodirect SRV 0 0 0 .\n"
                                "_xmpps-server._tcp.dottls SRV 0 0 0 .\n"
                                "dottls A 127.0.0.18\n"
                                "_xmpp-server._tcp.dots SRV 0 0 0 .\n"
                                "_xmpps-server._tcp.dots SRV 0 0 0 .\n"
                                "_xmpp-server._tcp.plaindot SRV 0 0 0 .\n"
                                "_xmpps-server._tcp.plaindot SRV 0 0 5270 host2\n"
                                "_xmpp-server._tcp.refusestls SRV 0 0 5269 host2\n"
                                "_xmpps-server._tcp.refusesplain SRV 0 0 5270 host2\n"
                                "_xmpp-server._tcp.dropstls SRV 0 0 5269 host2\n"
                                "_xmpps-server._tcp.refusesdot SRV 0 0 0 .\n"
                                "refusesnone A 127.0.0.17\n"
                                "_xmpp-server._tcp.loop CNAME _xmpp-server._tcp.pool\n"
                                "_xmpp-server._tcp.pool CNAME _xmpp-server._tcp.loop\n";

static char folder[] = "/tmp/test_resolver.XXXXXX";
static pid_t unbound;
static int silent_fd = -1;
static char server_text[32], silent_text[32];
const char *const dns_servers[1] = { server_text };
const char *const dns_silent_servers[1] = { silent_text };

static int bound_socket(int type, uint16_t *port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                    .sin_port = htons(*port) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&addr, &len);
	*port = ntohs(addr.sin_port);
	return fd;
}

/* A port that is free for UDP and TCP. */
static uint16_t free_port(void)
{
	for (int i = 0; i < 100; i++) {
		uint16_t port = 0;
		int udp = bound_socket(SOCK_DGRAM, &port);
		int tcp = bound_socket(SOCK_STREAM, &port);
		close(udp);
		if (tcp >= 0) {
			close(tcp);
			return port;
		}
	}
	return 0;
}

static void write_file(const char *name, const char *format, ...) FW_PRINTF(2, 3);
static void write_file(const char *name, const char *format, ...)
{
	char path[128];
	va_list args;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
}

static void run_unbound(int log_fd)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/unbound.conf", folder);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log_fd, STDERR_FILENO);
	execl("/usr/sbin/unbound", "unbound", "-d", "-c", path, NULL);
	execlp("unbound", "unbound", "-d", "-c", path, NULL);
	dprintf(STDERR_FILENO, "unbound is not installed\n");
	_exit(127);
}

/* Waits for the line with which unbound says that it serves. */
static int wait_for_unbound(int log_fd)
{
	char text[8192];
	size_t used = 0;
	ssize_t got;

	while (used + 1 < sizeof(text) &&
	       (got = read(log_fd, text + used, sizeof(text) - used - 1)) > 0) {
		used += (size_t)got;
		text[used] = '\0';
		if (strstr(text, "start of service") != NULL) {
			return 0;
		}
	}
	fprintf(stderr, "unbound did not start:\n%.*s\n", (int)used, text);
	return -1;
}

/* Somebody may take the free port before the server does: then the next one is tried. */
static int start_unbound(void)
{
	uint16_t port = free_port();
	int log[2];

	if (pipe(log) != 0) {
		return -1;
	}
	write_file("unbound.conf",
	           "server:\n interface: 127.0.0.1@%u\n port: %u\n do-daemonize: no\n"
	           " use-syslog: no\n logfile: \"\"\n verbosity: 1\n pidfile: \"\"\n"
	           " chroot: \"\"\n username: \"\"\n directory: \"%s\"\n"
	           " do-not-query-localhost: no\n module-config: \"iterator\"\n do-ip6: no\n"
	           " hide-identity: yes\n local-zone: \"broken.\" always_refuse\n"
	           " local-zone: \"_xmpps-server._tcp.refusestls.example.\" always_refuse\n"
	           " local-zone: \"_xmpp-server._tcp.refusesplain.example.\" always_refuse\n"
	           " local-zone: \"_xmpps-server._tcp.dropstls.example.\" always_deny\n"
	           " local-zone: \"_xmpp-server._tcp.refusesdot.example.\" always_refuse\n"
	           " local-zone: \"_xmpps-server._tcp.refusesnone.example.\" always_refuse\n"
	           "remote-control:\n control-enable: no\n"
	           "auth-zone:\n name: \"example.\"\n zonefile: \"example.zone\"\n"
	           " for-downstream: yes\n for-upstream: no\n fallback-enabled: no\n",
	           port, port, folder);
	snprintf(server_text, sizeof(server_text), "127.0.0.1:%u", port);
	unbound = fork();
	if (unbound == 0) {
		run_unbound(log[1]);
	}
	close(log[1]);
	int ret = wait_for_unbound(log[0]);
	fcntl(log[0], F_SETFL, O_NONBLOCK); /* kept open: unbound may go on writing */
	return ret;
}

int dns_servers_start(void **state)
{
	uint16_t silent_port = 0;
	int ret = -1;

	(void)state;
	if (mkdtemp(folder) == NULL) {
		return -1;
	}
	write_file("example.zone", "$ORIGIN example.\n%s", zone_text);
	silent_fd = bound_socket(SOCK_DGRAM, &silent_port);
	snprintf(silent_text, sizeof(silent_text), "127.0.0.1:%u", silent_port);
	for (int i = 0; i < 3 && ret != 0; i++) {
		ret = start_unbound();
		if (ret != 0) {
			waitpid(unbound, NULL, 0); /* it has closed its log: it has ended */
			unbound = 0;
		}
	}
	return ret;
}

int dns_servers_stop(void **state)
{
	char path[128];

	(void)state;
	if (unbound > 0) {
		kill(unbound, SIGKILL);
		waitpid(unbound, NULL, 0);
	}
	close(silent_fd);
	snprintf(path, sizeof(path), "%s/unbound.conf", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/example.zone", folder);
	unlink(path);
	return rmdir(folder);
}
