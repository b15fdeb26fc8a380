/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The operator's side of the control socket: one line out, one line in. Blocking, because there is
 * nothing else to do meanwhile.
 */
#include "router/fedwayctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ASK_TIMEOUT_S = 60, ASK_CHUNK = 65536, ASK_REPLY_MAX = 256 * 1024 * 1024 };

static int not_running(const char *path, int why)
{
	(void)fprintf(stderr, "fedwayctl: cannot reach fedwayd at %s: %s\n", path, strerror(why));
	if (why == EACCES || why == EPERM) {
		(void)fputs("Only members of the socket's group may command the router: use sudo, "
		            "or join "
		            "the group.\n",
		            stderr);
	} else {
		(void)fputs("It is not running, or has another control_socket (see --socket). "
		            "Start it with \"systemctl start fedway\", or in a terminal with "
		            "\"fedwayd --foreground\".\n",
		            stderr);
	}
	return CTL_NOT_RUNNING;
}

static int connect_to(const char *path, int *out)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = ASK_TIMEOUT_S };

	if (strlen(path) >= sizeof(addr.sun_path)) {
		return not_running(path, ENAMETOOLONG);
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		int why = errno;
		if (fd >= 0) {
			(void)close(fd);
		}
		return not_running(path, why);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	*out = fd;
	return CTL_OK;
}

static int send_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = send(fd, bytes, size, MSG_NOSIGNAL);
		if (done <= 0) {
			return -1;
		}
		bytes += done;
		size -= (size_t)done;
	}
	return 0;
}

/* Reads up to the line end. */
static int receive_line(int fd, char **out)
{
	char *text = NULL;
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0 && len < ASK_REPLY_MAX && (len == 0 || text[len - 1] != '\n')) {
		char *more = realloc(text, len + ASK_CHUNK + 1);
		if (more == NULL) {
			break;
		}
		text = more;
		got = recv(fd, text + len, ASK_CHUNK, 0);
		len += got > 0 ? (size_t)got : 0;
	}
	if (len == 0 || text[len - 1] != '\n') {
		free(text);
		return -1;
	}
	text[len - 1] = '\0';
	*out = text;
	return 0;
}

int fedwayctl_ask(const char *socket_path, const char *request, char **reply)
{
	int fd = -1;
	int ret = connect_to(socket_path, &fd);

	if (ret != CTL_OK) {
		return ret;
	}
	if (send_all(fd, request, strlen(request)) != 0 || send_all(fd, "\n", 1) != 0 ||
	    receive_line(fd, reply) != 0) {
		(void)fprintf(stderr,
		              "fedwayctl: no reply from %s: is it fedwayd, and is it alive?\n",
		              socket_path);
		ret = CTL_BROKEN;
	}
	(void)close(fd);
	return ret;
}
