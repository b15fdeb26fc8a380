/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0114 from the component's side with blocking sockets, and readers of /proc. Used by
 * bench_link and bench_idle. It knows the two answers of a handshake and no other XML.
 */
#include "tests/bench/bench_wire.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "tests/bench/bench_stanza.h"

int64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_cpu_ns(int pid)
{
	char path[320];
	int64_t total = -1;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	struct dirent *task;
	while (tasks != NULL && (task = readdir(tasks)) != NULL) {
		long long ns = 0;
		snprintf(path, sizeof(path), "/proc/%d/task/%.40s/schedstat", pid, task->d_name);
		FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (file != NULL && fscanf(file, "%lld", &ns) == 1) {
			total = (total < 0 ? 0 : total) + ns;
		}
		if (file != NULL) {
			fclose(file);
		}
	}
	if (tasks != NULL) {
		closedir(tasks);
	}
	return total;
}

int64_t bench_resident_kib(int pid)
{
	char line[256];
	long long kib = -1;

	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	FILE *file = fopen(line, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "VmRSS: %lld", &kib) == 1) {
			break;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	return kib;
}

int bench_send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR) {
			continue;
		}
		if (sent <= 0) {
			return -1;
		}
		bytes += sent;
		len -= (size_t)sent;
	}
	return 0;
}

/* Reads until `last` is the end of what came; the answer of a handshake ends in '>'. */
static int read_until(int fd, const char *wanted, char *text, size_t room)
{
	size_t have = 0;

	while (have + 1 < room) {
		ssize_t got = recv(fd, text + have, room - have - 1, 0);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			break;
		}
		have += (size_t)got;
		text[have] = '\0';
		const char *at = strstr(text, wanted);
		if (at != NULL && strchr(at, '>') != NULL) {
			return 0;
		}
	}
	return -1;
}

/* Writes the id of a stream header to `id`. */
static int find_id(const char *head, char *id, size_t room)
{
	const char *at = strstr(head, " id=");

	if (at == NULL) {
		return -1;
	}
	size_t len = strcspn(at + 5, at[4] == '"' ? "\"" : "'");
	if (len == 0 || len >= room) {
		return -1;
	}
	memcpy(id, at + 5, len);
	id[len] = '\0';
	return 0;
}

static int handshake(int fd, const char *name, const char *secret)
{
	char text[2048], id[256], both[768];
	unsigned char digest[SHA_DIGEST_LENGTH];

	int len = snprintf(text, sizeof(text), "<?xml version='1.0'?>" BENCH_STREAM_HEAD, name);
	if (bench_send_all(fd, text, (size_t)len) < 0 ||
	    read_until(fd, "<stream:stream", text, sizeof(text)) < 0 ||
	    find_id(text, id, sizeof(id)) < 0) {
		return -1;
	}
	snprintf(both, sizeof(both), "%s%s", id, secret);
	SHA1((const unsigned char *)both, strlen(both), digest);
	len = snprintf(text, sizeof(text), "<handshake>");
	for (size_t i = 0; i < sizeof(digest); i++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%02x", digest[i]);
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len, "</handshake>");
	if (bench_send_all(fd, text, (size_t)len) < 0) {
		return -1;
	}
	return read_until(fd, "<handshake", text, sizeof(text));
}

int bench_attach(const char *ip, int port, const char *name, const char *secret)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0 || inet_pton(AF_INET, ip, &address.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		fprintf(stderr, "bench: cannot connect to %s:%d: %s\n", ip, port, strerror(errno));
		goto fail;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (handshake(fd, name, secret) < 0) {
		fprintf(stderr, "bench: the router refused component %s\n", name);
		goto fail;
	}
	return fd;
fail:
	if (fd >= 0) {
		close(fd);
	}
	return -1;
}
