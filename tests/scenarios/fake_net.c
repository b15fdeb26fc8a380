/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Listeners, targets, and the queue of connections between the program and the script.
 */
#include "tests/scenarios/fake_net.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACES = 64, WAITING = 64 };

/* A place where one can listen or be connected to. */
struct place {
	char addr[FW_ADDR_TEXT_SIZE];
	enum fake_answer answer;
	int bell;             /* listener: the script's end of the descriptor that is watched */
	int ear;              /* listener: that descriptor */
	int waiting[WAITING]; /* ends that wait to be taken */
	struct fw_addr peers[WAITING];
	size_t waiting_count;
};

static struct place places[PLACES];
static size_t place_count;
static int silent[PLACES], refused[PLACES];
static size_t silent_count, refused_count;

static struct place *place_find(const char *addr)
{
	for (size_t i = 0; i < place_count; i++) {
		if (strcmp(places[i].addr, addr) == 0) {
			return &places[i];
		}
	}
	return NULL;
}

static struct place *place_make(const char *addr)
{
	struct place *place = place_find(addr);

	if (place == NULL) {
		fw_assert(place_count < PLACES);
		place = &places[place_count++];
		memset(place, 0, sizeof(*place));
		snprintf(place->addr, sizeof(place->addr), "%s", addr);
		place->bell = place->ear = -1;
	}
	return place;
}

static void pair(int fds[2])
{
	fw_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
}

static void place_push(struct place *place, int fd, const struct fw_addr *peer)
{
	fw_assert(place->waiting_count < WAITING);
	place->waiting[place->waiting_count] = fd;
	if (peer != NULL) {
		place->peers[place->waiting_count] = *peer;
	}
	place->waiting_count++;
}

static int place_shift(struct place *place, struct fw_addr *peer)
{
	int fd;

	if (place == NULL || place->waiting_count == 0) {
		return -1;
	}
	fd = place->waiting[0];
	if (peer != NULL) {
		*peer = place->peers[0];
	}
	place->waiting_count--;
	memmove(place->waiting, place->waiting + 1,
	        place->waiting_count * sizeof(place->waiting[0]));
	memmove(place->peers, place->peers + 1, place->waiting_count * sizeof(place->peers[0]));
	return fd;
}

static bool contains(const int *list, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == fd) {
			return true;
		}
	}
	return false;
}

static void forget(int *list, size_t *count, int fd)
{
	for (size_t i = 0; i < *count; i++) {
		if (list[i] == fd) {
			list[i] = list[--*count];
			return;
		}
	}
}

/* ---- the script's side ---- */

void fake_net_target(const char *addr, enum fake_answer answer)
{
	place_make(addr)->answer = answer;
}

int fake_net_accepted(const char *addr)
{
	return place_shift(place_find(addr), NULL);
}

int fake_net_connect(const char *listener, const char *peer_ip)
{
	struct place *place = place_find(listener);
	struct fw_addr peer;
	int fds[2];

	if (place == NULL || place->ear < 0) {
		return -1;
	}
	fw_assert(fw_addr_parse(peer_ip, 40000, &peer) == FW_OK);
	pair(fds);
	place_push(place, fds[0], &peer);
	fw_assert(write(place->bell, "!", 1) == 1);
	return fds[1];
}

bool fake_net_is_silent(int fd)
{
	return contains(silent, silent_count, fd);
}

void fake_net_clear(void)
{
	int fd;

	for (size_t i = 0; i < place_count; i++) {
		while ((fd = place_shift(&places[i], NULL)) >= 0) {
			close(fd);
		}
		if (places[i].bell >= 0) {
			close(places[i].bell);
		}
	}
	place_count = silent_count = refused_count = 0;
}

/* ---- the program's side ---- */

int fw_socket_listen(const struct fw_addr *addr, int backlog, int *fd, struct fw_error *err)
{
	char text[FW_ADDR_TEXT_SIZE];
	struct place *place = place_make(fw_addr_text(addr, text));
	int fds[2];

	(void)backlog;
	if (place->ear >= 0) {
		return fw_error_set(err, FW_ESYS, "cannot listen on %s: address already in use",
		                    text);
	}
	pair(fds);
	place->ear = *fd = fds[0];
	place->bell = fds[1];
	return FW_OK;
}

int fw_socket_name(int fd, struct fw_addr *out)
{
	for (size_t i = 0; i < place_count; i++) {
		if (places[i].ear == fd) {
			char ip[FW_ADDR_TEXT_SIZE];
			char *colon;
			snprintf(ip, sizeof(ip), "%s", places[i].addr);
			colon = strrchr(ip, ':');
			*colon = '\0';
			return fw_addr_parse(ip, (uint16_t)strtoul(colon + 1, NULL, 10), out);
		}
	}
	return FW_ESYS;
}

int fw_socket_accept(int listen_fd, int *fd, struct fw_addr *peer)
{
	for (size_t i = 0; i < place_count; i++) {
		if (places[i].ear == listen_fd) {
			char rung;
			if (read(listen_fd, &rung, 1) != 1) {
				return FW_EAGAIN;
			}
			*fd = place_shift(&places[i], peer);
			return *fd >= 0 ? FW_OK : FW_EAGAIN;
		}
	}
	return FW_ESYS;
}

int fw_socket_connect(const struct fw_addr *addr, const struct fw_addr *source, int *fd,
                      struct fw_error *err)
{
	char text[FW_ADDR_TEXT_SIZE];
	struct place *place = place_find(fw_addr_text(addr, text));
	int fds[2];

	(void)source;
	if (place == NULL) {
		return fw_error_set(err, FW_ESYS, "cannot connect to %s: network is unreachable",
		                    text);
	}
	pair(fds);
	*fd = fds[0];
	switch (place->answer) {
	case FAKE_ACCEPTS:
		place_push(place, fds[1], NULL);
		break;
	case FAKE_REFUSES:
		close(fds[1]);
		fw_assert(refused_count < PLACES);
		refused[refused_count++] = fds[0];
		break;
	case FAKE_SILENT:
		close(fds[1]);
		fw_assert(silent_count < PLACES);
		silent[silent_count++] = fds[0];
		break;
	}
	return FW_OK;
}

int fw_socket_result(int fd, struct fw_error *err)
{
	if (contains(refused, refused_count, fd)) {
		return fw_error_set(err, FW_ESYS, "cannot connect: connection refused");
	}
	return FW_OK;
}

ssize_t fw_socket_read(int fd, void *buffer, size_t size)
{
	ssize_t got = read(fd, buffer, size);

	if (got >= 0) {
		return got;
	}
	return errno == EAGAIN ? FW_EAGAIN : FW_ESYS;
}

ssize_t fw_socket_write(int fd, const struct iovec *pieces, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };
	ssize_t put = sendmsg(fd, &message, MSG_NOSIGNAL);

	if (put >= 0) {
		return put;
	}
	return errno == EAGAIN ? FW_EAGAIN : FW_ESYS;
}

void fw_socket_shutdown(int fd)
{
	shutdown(fd, SHUT_WR);
}

void fw_socket_close(int *fd)
{
	if (*fd < 0) {
		return;
	}
	for (size_t i = 0; i < place_count; i++) {
		if (places[i].ear == *fd) {
			places[i].ear = -1;
			close(places[i].bell);
			places[i].bell = -1;
		}
	}
	forget(silent, &silent_count, *fd);
	forget(refused, &refused_count, *fd);
	close(*fd);
	*fd = -1;
}
