/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the service manager is told, and what it asks for.
 */
#include "router/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* @param abstract  a name without a file, as systemd uses it too */
static int listen_at(const char *path, bool abstract)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, path, len);
	if (abstract) {
		addr.sun_path[0] = '\0';
	}
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	                 0);
	return fd;
}

static void expect_told(int fd, const char *text)
{
	char got[1024] = "";
	ssize_t len = recv(fd, got, sizeof(got) - 1, 0);

	assert_true(len >= 0);
	assert_string_equal(got, text);
}

static void test_lines_arrive(void **state)
{
	char path[64], abstract[64], long_status[600], told[512];

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/fedway-notify-%d.sock", (int)getpid());
	(void)snprintf(abstract, sizeof(abstract), "@fedway-notify-%d", (int)getpid());
	int fd = listen_at(path, false);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(notify("READY=1\nSTATUS=running realm %s", "r"), FW_OK);
	expect_told(fd, "READY=1\nSTATUS=running realm r");
	/* too long: cut, not lost */
	memset(long_status, 'x', sizeof(long_status) - 1);
	long_status[sizeof(long_status) - 1] = '\0';
	memset(told, 'x', sizeof(told) - 1);
	told[sizeof(told) - 1] = '\0';
	assert_int_equal(notify("%s", long_status), FW_OK);
	expect_told(fd, told);
	(void)close(fd);
	(void)unlink(path);
	assert_int_equal(notify("READY=1"), FW_ESYS);

	fd = listen_at(abstract, true);
	(void)setenv("NOTIFY_SOCKET", abstract, 1);
	assert_int_equal(notify("WATCHDOG=1"), FW_OK);
	expect_told(fd, "WATCHDOG=1");
	(void)close(fd);
}

static const struct {
	const char *socket;
	int ret;
} sockets[] = {
	{ NULL, FW_OK },
	{ "", FW_OK },
	{ "relative", FW_ELIMIT },
	{ "/tmp/"
	  "a-name-that-is-longer-than-a-socket-may-be-longer-than-a-socket-may-be-longer-than-a-"
	  "socket-may-be-at-"
	  "all",
	  FW_ELIMIT },
};

static void test_odd_sockets(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(sockets); i++) {
		if (sockets[i].socket == NULL) {
			(void)unsetenv("NOTIFY_SOCKET");
		} else {
			(void)setenv("NOTIFY_SOCKET", sockets[i].socket, 1);
		}
		assert_int_equal(notify("READY=1"), sockets[i].ret);
	}
}

static const struct {
	const char *usec, *pid; /* pid "own": our number */
	uint64_t expected;
} watchdogs[] = {
	{ NULL, NULL, 0 },
	{ "30000000", NULL, 30000000 },
	{ "30000000", "own", 30000000 },
	{ "30000000", "1", 0 },
	{ "30000000", "x", 0 },
	{ "", NULL, 0 },
	{ "-5", NULL, 0 },
	{ "3 ", NULL, 0 },
};

static void test_watchdog(void **state)
{
	char own[32];

	(void)state;
	(void)snprintf(own, sizeof(own), "%ld", (long)getpid());
	for (size_t i = 0; i < FW_COUNT(watchdogs); i++) {
		(void)unsetenv("WATCHDOG_USEC");
		(void)unsetenv("WATCHDOG_PID");
		if (watchdogs[i].usec != NULL) {
			(void)setenv("WATCHDOG_USEC", watchdogs[i].usec, 1);
		}
		if (watchdogs[i].pid != NULL) {
			bool is_own = strcmp(watchdogs[i].pid, "own") == 0;
			(void)setenv("WATCHDOG_PID", is_own ? own : watchdogs[i].pid, 1);
		}
		assert_int_equal(notify_watchdog_us(), watchdogs[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_arrive),
		cmocka_unit_test(test_odd_sockets),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
