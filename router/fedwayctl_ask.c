/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The operator's side of the control socket: one line out, one line in, and lines of progress
 * before it. Blocking, because there is nothing else to do meanwhile.
 */
#include "router/fedwayctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	ASK_TIMEOUT_S = 150,    /* longer than any request may take */
	ASK_PATIENCE_MS = 2000, /* what is faster shows no progress */
	ASK_CHUNK = 65536,
	ASK_REPLY_MAX = 256 * 1024 * 1024
};

static int not_running(const char *path, bool quiet, int why)
{
	if (quiet) {
		return CTL_NOT_RUNNING;
	}
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

static int connect_to(const char *path, bool quiet, int *out)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = ASK_TIMEOUT_S };

	if (strlen(path) >= sizeof(addr.sun_path)) {
		return not_running(path, quiet, ENAMETOOLONG);
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		int why = errno;
		if (fd >= 0) {
			(void)close(fd);
		}
		return not_running(path, quiet, why);
	}
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

/* Lines from the daemon. */
struct answer {
	int fd;
	char *text;
	size_t len;           /* bytes that are here, of this line and maybe of the next */
	uint64_t patience_ms; /* when progress is shown from */
	bool quiet;
	char held[512]; /* progress that came before that */
};

static uint64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void show_held(struct answer *answer)
{
	if (answer->held[0] != '\0' && !answer->quiet) {
		(void)fprintf(stderr, "... %s\n", answer->held);
	}
	answer->held[0] = '\0';
}

/* Waits for bytes; what is at work for long is told meanwhile. @return false when none come */
static bool wait_for_bytes(struct answer *answer)
{
	struct pollfd ready = { .fd = answer->fd, .events = POLLIN };
	uint64_t now = now_ms();

	if (now < answer->patience_ms) {
		if (poll(&ready, 1, (int)(answer->patience_ms - now)) > 0) {
			return true;
		}
	}
	show_held(answer);
	return poll(&ready, 1, ASK_TIMEOUT_S * 1000) > 0;
}

/* Reads until a line is there. @return its length without the end, or -1 */
static ssize_t receive_line(struct answer *answer)
{
	size_t seen = 0;

	for (;;) {
		char *end = answer->len > seen
		                    ? memchr(answer->text + seen, '\n', answer->len - seen)
		                    : NULL;
		if (end != NULL) {
			*end = '\0';
			return end - answer->text;
		}
		seen = answer->len;
		char *more = answer->len < ASK_REPLY_MAX
		                     ? realloc(answer->text, answer->len + ASK_CHUNK)
		                     : NULL;
		if (more == NULL) {
			return -1;
		}
		answer->text = more;
		if (!wait_for_bytes(answer)) {
			return -1;
		}
		ssize_t got = recv(answer->fd, answer->text + answer->len, ASK_CHUNK, 0);
		if (got <= 0) {
			return -1;
		}
		answer->len += (size_t)got;
	}
}

/* Keeps what a line of progress says. @return false when it is the reply */
static bool take_progress(struct answer *answer, size_t len)
{
	struct fw_json *line = NULL;
	struct fw_str text = { NULL, 0 };
	static const char begin[] = "{\"progress\":";

	if (len >= sizeof(begin) - 1 && memcmp(answer->text, begin, sizeof(begin) - 1) == 0 &&
	    fw_json_parse(fw_str_n(answer->text, len), &line, NULL) == FW_OK) {
		text = fw_json_text(fw_json_get(line, "progress"));
	}
	if (text.ptr != NULL) {
		(void)snprintf(answer->held, sizeof(answer->held), "%.*s", FW_STR_ARG(text));
		answer->len -= len + 1;
		memmove(answer->text, answer->text + len + 1, answer->len);
	}
	fw_json_free(&line);
	return text.ptr != NULL;
}

/* @param out  the reply [g: free()] */
static int receive_reply(int fd, bool quiet, char **out)
{
	struct answer answer = { .fd = fd, .quiet = quiet };
	ssize_t len;

	answer.patience_ms = now_ms() + ASK_PATIENCE_MS;
	do {
		len = receive_line(&answer);
	} while (len >= 0 && take_progress(&answer, (size_t)len));
	if (len < 0) {
		free(answer.text);
		return -1;
	}
	*out = answer.text;
	return 0;
}

int fedwayctl_ask(const char *socket_path, const char *request, bool quiet, char **reply)
{
	int fd = -1;
	int ret = connect_to(socket_path, quiet, &fd);

	if (ret != CTL_OK) {
		return ret;
	}
	if (send_all(fd, request, strlen(request)) != 0 || send_all(fd, "\n", 1) != 0 ||
	    receive_reply(fd, quiet, reply) != 0) {
		if (!quiet) {
			(void)fprintf(
			        stderr,
			        "fedwayctl: no reply from %s: is it fedwayd, and is it alive?\n",
			        socket_path);
		}
		ret = CTL_BROKEN;
	}
	(void)close(fd);
	return ret;
}
