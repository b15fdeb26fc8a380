/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One datagram to the service manager's socket, as sd_notify(3) describes it. Called by the daemon
 * only.
 */
#include "router/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fedway/str.h>

int notify(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char text[512];
	va_list args;
	int ret = FW_OK;

	if (path == NULL || path[0] == '\0') {
		return FW_OK;
	}
	size_t len = strlen(path);
	if (len >= sizeof(addr.sun_path) || (path[0] != '/' && path[0] != '@')) {
		return FW_ELIMIT;
	}
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@') {
		addr.sun_path[0] = '\0'; /* an abstract name */
	}
	va_start(args, format);
	int size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	size = size < (int)sizeof(text) ? size : (int)sizeof(text) - 1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, text, (size_t)size, MSG_NOSIGNAL, (const struct sockaddr *)&addr,
	                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		ret = FW_ESYS;
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	return ret;
}

/* sd_watchdog_enabled(3): meant for us when no process is named, or this one. */
uint64_t notify_watchdog_us(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t usec = 0, who = 0;

	if (fw_str_to_u64(fw_str(getenv("WATCHDOG_USEC")), UINT64_MAX / 2, &usec) != FW_OK) {
		return 0;
	}
	if (pid != NULL &&
	    (fw_str_to_u64(fw_str(pid), INT32_MAX, &who) != FW_OK || who != (uint64_t)getpid())) {
		return 0;
	}
	return usec;
}
