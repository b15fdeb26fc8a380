/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sockets: listen, accept, connect, read, write; addresses are addr.c's. Called by channels,
 * listeners and dials. It waits for nothing: all descriptors are non-blocking.
 */
#include <fedway/io/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- listening ---- */

static int socket_error(struct fw_error *err, const char *what, const struct fw_addr *addr,
                        int number)
{
	char text[FW_ADDR_TEXT_SIZE];

	return fw_error_set(err, FW_ESYS, "%s %s: %s", what, fw_addr_text(addr, text),
	                    strerror(number));
}

static int socket_make(const struct fw_addr *addr)
{
	return socket(addr->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int fw_socket_listen(const struct fw_addr *addr, int backlog, int *fd, struct fw_error *err)
{
	const int on = 1;
	int sock = socket_make(addr);
	int ret = FW_ESYS;

	if (sock < 0) {
		return socket_error(err, "cannot listen on", addr, errno);
	}
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr->storage.ss_family == AF_INET6) {
		setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	}
	if (bind(sock, (const struct sockaddr *)&addr->storage, addr->len) != 0 ||
	    listen(sock, backlog) != 0) {
		socket_error(err, "cannot listen on", addr, errno);
		goto done;
	}
	*fd = sock;
	sock = -1; /* given away */
	ret = FW_OK;
done:
	fw_socket_close(&sock);
	return ret;
}

int fw_socket_name(int fd, struct fw_addr *out)
{
	struct fw_addr addr;

	memset(&addr, 0, sizeof(addr));
	addr.len = sizeof(addr.storage);
	if (getsockname(fd, (struct sockaddr *)&addr.storage, &addr.len) != 0) {
		return FW_ESYS;
	}
	*out = addr;
	return FW_OK;
}

static int accept_error(int number)
{
	switch (number) {
	case EAGAIN:
	case EINTR:
	/* The connection broke before it was taken, or the network says so: accept(2). */
	case ECONNABORTED:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return FW_EAGAIN;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return FW_ELIMIT;
	default:
		return FW_ESYS;
	}
}

int fw_socket_accept(int listen_fd, int *fd, struct fw_addr *peer)
{
	struct fw_addr addr;

	memset(&addr, 0, sizeof(addr));
	addr.len = sizeof(addr.storage);
	int sock = accept4(listen_fd, (struct sockaddr *)&addr.storage, &addr.len,
	                   SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (sock < 0) {
		return accept_error(errno);
	}
	*fd = sock;
	if (peer != NULL) {
		*peer = addr;
	}
	return FW_OK;
}

/* ---- connecting ---- */

int fw_socket_connect(const struct fw_addr *addr, const struct fw_addr *source, int *fd,
                      struct fw_error *err)
{
	int sock = socket_make(addr);
	int ret = FW_ESYS;

	if (sock < 0) {
		return socket_error(err, "cannot connect to", addr, errno);
	}
	if (source != NULL &&
	    bind(sock, (const struct sockaddr *)&source->storage, source->len) != 0) {
		socket_error(err, "cannot connect from", source, errno);
		goto done;
	}
	if (connect(sock, (const struct sockaddr *)&addr->storage, addr->len) != 0 &&
	    errno != EINPROGRESS && errno != EINTR) {
		socket_error(err, "cannot connect to", addr, errno);
		goto done;
	}
	*fd = sock;
	sock = -1; /* given away */
	ret = FW_OK;
done:
	fw_socket_close(&sock);
	return ret;
}

int fw_socket_result(int fd, struct fw_error *err)
{
	int number = 0;
	socklen_t size = sizeof(number);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0) {
		number = errno;
	}
	return number == 0 ? FW_OK : fw_error_set(err, FW_ESYS, "%s", strerror(number));
}

/* ---- bytes ---- */

static bool would_block(int number)
{
	return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

ssize_t fw_socket_read(int fd, void *buffer, size_t size)
{
	ssize_t got = recv(fd, buffer, size, 0);

	if (got < 0) {
		return would_block(errno) ? FW_EAGAIN : FW_ESYS;
	}
	return got;
}

ssize_t fw_socket_write(int fd, const struct iovec *pieces, int count)
{
	struct msghdr message;

	memset(&message, 0, sizeof(message));
	message.msg_iov = (struct iovec *)pieces; /* sendmsg() only reads them */
	message.msg_iovlen = (size_t)count;
	ssize_t put = sendmsg(fd, &message, MSG_NOSIGNAL);
	if (put < 0) {
		return would_block(errno) ? FW_EAGAIN : FW_ESYS;
	}
	return put;
}

void fw_socket_shutdown(int fd)
{
	shutdown(fd, SHUT_WR);
}

void fw_socket_close(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}
