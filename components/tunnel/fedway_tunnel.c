/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fedway-tunnel, which the tunnel's sshd runs for whoever has logged in, and nothing else: joins
 * standard input and output with the UNIX socket of the component (tunnel_gate.c), after telling it
 * which key it was. It judges nothing and ends with either side. Reads and writes block: the
 * component always reads, so that nothing can wait in a circle.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SUBSYSTEM "fedway-tunnel"

static int complain(const char *what)
{
	fprintf(stderr, "fedway-tunnel: %s\n", what);
	return 1;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, bytes, len);
		if (put < 0 && errno != EINTR) {
			return false;
		}
		bytes += put > 0 ? put : 0;
		len -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

/* sshd's file of who has logged in (ExposeAuthInfo): "publickey TYPE DATA". */
static bool tell_key(int sock)
{
	static const char method[] = "publickey ";
	const char *path = getenv("SSH_USER_AUTH");
	char line[9000];
	FILE *file = path != NULL ? fopen(path, "re") : NULL;
	bool good = file != NULL && fgets(line, sizeof(line), file) != NULL &&
	            strncmp(line, method, sizeof(method) - 1) == 0;

	if (file != NULL) {
		fclose(file);
	}
	if (!good) {
		return false;
	}
	const char *key = line + sizeof(method) - 1;
	return write_all(sock, key, strcspn(key, "\n")) && write_all(sock, "\n", 1);
}

static int open_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path)) {
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock >= 0 && connect(sock, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		close(sock);
		sock = -1;
	}
	return sock;
}

/* False when `from` is at its end, or `to` takes nothing. */
static bool pass(int from, int to)
{
	char bytes[16384];
	ssize_t got = read(from, bytes, sizeof(bytes));

	if (got < 0 && errno == EINTR) {
		return true;
	}
	return got > 0 && write_all(to, bytes, (size_t)got);
}

int main(int argc, char **argv)
{
	const char *wanted = getenv("SSH_ORIGINAL_COMMAND");

	if (argc != 2) {
		return complain("sshd of the tunnel runs this, with the path of its socket");
	}
	if (wanted == NULL || strcmp(wanted, SUBSYSTEM) != 0) {
		return complain("only the subsystem " SUBSYSTEM " is here");
	}
	int sock = open_socket(argv[1]);
	if (sock < 0) {
		return complain("fedwayd does not answer");
	}
	if (!tell_key(sock)) {
		return complain("sshd does not say which key has logged in");
	}
	struct pollfd ends[] = { { STDIN_FILENO, POLLIN, 0 }, { sock, POLLIN, 0 } };
	for (;;) {
		if (poll(ends, 2, -1) < 0 && errno != EINTR) {
			return complain("cannot wait");
		}
		if ((ends[0].revents != 0 && !pass(STDIN_FILENO, sock)) ||
		    (ends[1].revents != 0 && !pass(sock, STDOUT_FILENO))) {
			return 0;
		}
	}
}
