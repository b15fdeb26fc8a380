/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Non-blocking stream sockets. All descriptors are close-on-exec. The scenario tests put another
 * implementation of this header in its place.
 */
#ifndef FEDWAY_IO_SOCKET_H
#define FEDWAY_IO_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

struct fw_addr {
	struct sockaddr_storage storage;
	socklen_t len; /**< 0: no address */
};

/** Buffer size for fw_addr_text(). */
#define FW_ADDR_TEXT_SIZE 64u

/** IP literal (no brackets) and port. @return FW_OK, FW_EPARSE */
FW_API int fw_addr_parse(const char *ip, uint16_t port, struct fw_addr *out);
/** "192.0.2.1:5269" or "[2001:db8::1]:5269". @return `out` */
FW_API const char *fw_addr_text(const struct fw_addr *addr, char out[FW_ADDR_TEXT_SIZE]);
/** Only the IP, without port. @return `out` */
FW_API const char *fw_addr_ip_text(const struct fw_addr *addr, char out[FW_ADDR_TEXT_SIZE]);
FW_API uint16_t fw_addr_port(const struct fw_addr *addr);
FW_API bool fw_addr_eq(const struct fw_addr *a, const struct fw_addr *b);

/** Where a peer comes from, for limits: one IPv4 address, or the /64 that an IPv6 host has to itself. */
struct fw_network {
	unsigned char bytes[9]; /**< the last one is the family */
};

/** Two are the same when their bytes are. @param out  all zero for what is no IP address */
FW_API void fw_addr_network(const struct fw_addr *addr, struct fw_network *out);
FW_API bool fw_network_eq(const struct fw_network *a, const struct fw_network *b);

/** Listens. IPv6 sockets are v6-only, so that "::" and "0.0.0.0" can both be given. @return FW_OK, FW_ESYS */
FW_API int fw_socket_listen(const struct fw_addr *addr, int backlog, int *fd, struct fw_error *err);
/** Address a socket is bound to; tells the port when 0 was asked for. */
FW_API int fw_socket_name(int fd, struct fw_addr *out);
/** @return FW_OK; FW_EAGAIN when nobody waits; FW_ELIMIT when out of descriptors; FW_ESYS */
FW_API int fw_socket_accept(int listen_fd, int *fd, struct fw_addr *peer);
/**
 * Begins to connect; the descriptor becomes writable when it is done, then ask fw_socket_result().
 * @param source  local address to use, or NULL
 * @return FW_OK, FW_ESYS
 */
FW_API int fw_socket_connect(const struct fw_addr *addr, const struct fw_addr *source, int *fd, struct fw_error *err);
/** Result of a connect: FW_OK, or FW_ESYS with the reason. */
FW_API int fw_socket_result(int fd, struct fw_error *err);

/** @return bytes; 0 at the end; FW_EAGAIN; FW_ESYS */
FW_API ssize_t fw_socket_read(int fd, void *buffer, size_t size);
/** @return bytes written; FW_EAGAIN; FW_ESYS. Never raises SIGPIPE. */
FW_API ssize_t fw_socket_write(int fd, const struct iovec *pieces, int count);
/** Closes our half: the peer reads the end. */
FW_API void fw_socket_shutdown(int fd);
FW_API void fw_socket_close(int *fd);

FW_END_DECLS

#endif
