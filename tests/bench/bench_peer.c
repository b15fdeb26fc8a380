/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sockets, TLS and buffers of the bench's server. What the bytes mean is in bench_peer_talk.c.
 */
#include "tests/bench/bench_peer_talk.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

enum { READ_ROOM = 32768, EVENTS = 64 };

/* ---- descriptors ---- */

static void watch(struct peer_conn *conn)
{
	struct epoll_event event = {
		.events = EPOLLIN | (peer_idle(conn) ? 0u : (uint32_t)EPOLLOUT),
		.data.ptr = conn,
	};

	epoll_ctl(conn->peer->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

static struct peer_conn *conn_new(struct peer *peer, int fd, enum peer_kind kind)
{
	struct peer_conn *conn = calloc(1, sizeof(*conn));
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = conn };
	int one = 1;

	if (conn == NULL) {
		abort();
	}
	conn->peer = peer;
	conn->fd = fd;
	conn->kind = kind;
	conn->next = peer->conns;
	if (conn->next != NULL) {
		conn->next->previous = conn;
	}
	peer->conns = conn;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(peer->epoll, EPOLL_CTL_ADD, fd, &event);
	return conn;
}

struct peer_conn *peer_adopt(struct peer *peer, int fd)
{
	return conn_new(peer, fd, PEER_COMPONENT);
}

struct peer_conn *peer_dial(struct peer *peer, const char *domain)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		                    .sin_port = htons((uint16_t)peer->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, peer->ip, &addr.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		perror("bench: connect to the subject");
		return NULL;
	}
	struct peer_conn *conn = conn_new(peer, fd, PEER_DIALLED);
	snprintf(conn->domain, sizeof(conn->domain), "%s", domain);
	talk_open(conn);
	return conn;
}

/* ---- bytes ---- */

bool peer_idle(const struct peer_conn *conn)
{
	return conn->out_at == conn->out_len;
}

static void grow(char **bytes, size_t *size, size_t wanted)
{
	if (wanted <= *size) {
		return;
	}
	*size = wanted * 2;
	*bytes = realloc(*bytes, *size);
	if (*bytes == NULL) {
		abort();
	}
}

void peer_send(struct peer_conn *conn, const char *bytes, size_t len)
{
	bool idle = peer_idle(conn);

	if (idle) {
		conn->out_at = conn->out_len = 0;
	}
	grow(&conn->out, &conn->out_size, conn->out_len + len);
	memcpy(conn->out + conn->out_len, bytes, len);
	conn->out_len += len;
	if (idle) {
		watch(conn);
	}
}

static int flush(struct peer_conn *conn)
{
	while (!peer_idle(conn) && !conn->handshake) {
		size_t left = conn->out_len - conn->out_at, put = 0;
		if (conn->ssl == NULL) {
			ssize_t sent = send(conn->fd, conn->out + conn->out_at, left, MSG_NOSIGNAL);
			if (sent < 0) {
				return errno == EAGAIN ? 0 : -1;
			}
			put = (size_t)sent;
		} else {
			/* one record: the subject meets whole ones, as from a server */
			ERR_clear_error();
			int done = SSL_write_ex(conn->ssl, conn->out + conn->out_at,
			                        left < 16384 ? left : 16384, &put);
			if (done != 1) {
				return SSL_get_error(conn->ssl, done) == SSL_ERROR_WANT_WRITE ? 0
				                                                              : -1;
			}
		}
		conn->out_at += put;
	}
	watch(conn);
	return 0;
}

void peer_close(struct peer_conn *conn)
{
	flush(conn);
	if (conn->previous != NULL) {
		conn->previous->next = conn->next;
	} else {
		conn->peer->conns = conn->next;
	}
	if (conn->next != NULL) {
		conn->next->previous = conn->previous;
	}
	if (conn->ssl != NULL) {
		SSL_shutdown(conn->ssl);
		SSL_free(conn->ssl);
	}
	close(conn->fd);
	free(conn->in);
	free(conn->out);
	free(conn);
}

/* @return bytes; 0: nothing now; -1: the end */
static ssize_t take(struct peer_conn *conn)
{
	size_t got = 0;

	grow(&conn->in, &conn->in_size, conn->in_len + READ_ROOM);
	if (conn->ssl == NULL) {
		ssize_t read_now = recv(conn->fd, conn->in + conn->in_len, READ_ROOM, 0);
		if (read_now <= 0) {
			return read_now < 0 && errno == EAGAIN ? 0 : -1;
		}
		got = (size_t)read_now;
	} else {
		ERR_clear_error();
		int done = SSL_read_ex(conn->ssl, conn->in + conn->in_len, READ_ROOM, &got);
		if (done != 1) {
			int why = SSL_get_error(conn->ssl, done);
			return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
		}
	}
	conn->in_len += got;
	return (ssize_t)got;
}

/* ---- TLS ---- */

/* <proceed/> fits into an empty socket buffer: it is out before TLS begins. */
void peer_start_tls(struct peer_conn *conn)
{
	flush(conn);
	conn->ssl = SSL_new(conn->peer->tls);
	SSL_set_fd(conn->ssl, conn->fd);
	conn->handshake = true;
	conn->in_len = 0;
	if (conn->kind == PEER_DIALLED) {
		SSL_set_connect_state(conn->ssl);
		SSL_set_tlsext_host_name(conn->ssl, conn->peer->target);
		if (conn->peer->session != NULL) {
			SSL_set_session(conn->ssl, conn->peer->session);
		}
	} else {
		SSL_set_accept_state(conn->ssl);
	}
}

static int shake(struct peer_conn *conn)
{
	ERR_clear_error();
	int done = SSL_do_handshake(conn->ssl);

	if (done != 1) {
		int why = SSL_get_error(conn->ssl, done);
		if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
			return 0;
		}
		fprintf(stderr, "bench: TLS with the subject failed: %s\n",
		        ERR_reason_error_string(ERR_get_error()));
		return -1;
	}
	conn->handshake = false;
	if (conn->kind == PEER_DIALLED) {
		conn->peer->resumed += SSL_session_reused(conn->ssl) == 1;
		talk_open(conn);
	}
	return flush(conn);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct peer *peer = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!peer->resume) {
		return 0;
	}
	SSL_SESSION_free(peer->session);
	peer->session = session;
	return 1;
}

static int believe(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static int listen_on(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, 1024) < 0) {
		fprintf(stderr, "bench: listen on 127.0.0.1:%d: %s\n", port, strerror(errno));
		return -1;
	}
	return fd;
}

int peer_init(struct peer *peer, const char *certificate, int listen_port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	peer->epoll = epoll_create1(EPOLL_CLOEXEC);
	peer->listener = listen_on(listen_port);
	peer->last_number = -1;
	peer->tls = SSL_CTX_new(TLS_method());
	if (peer->listener < 0 || peer->tls == NULL ||
	    SSL_CTX_use_certificate_chain_file(peer->tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(peer->tls, certificate, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		return -1;
	}
	SSL_CTX_set_app_data(peer->tls, peer);
	SSL_CTX_set_mode(peer->tls,
	                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(peer->tls, SSL_VERIFY_PEER, believe);
	SSL_CTX_set_session_id_context(peer->tls, (const unsigned char *)"bench", 5);
	SSL_CTX_set_session_cache_mode(peer->tls,
	                               SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(peer->tls, keep_session);
	epoll_ctl(peer->epoll, EPOLL_CTL_ADD, peer->listener, &event);
	return 0;
}

/* ---- the loop ---- */

static int serve(struct peer_conn *conn, uint32_t events)
{
	if (conn->handshake) {
		if (shake(conn) < 0) {
			return -1;
		}
	}
	if ((events & EPOLLOUT) != 0 && flush(conn) < 0) {
		return -1;
	}
	while (!conn->handshake) {
		ssize_t got = take(conn);
		if (got < 0) {
			return -1;
		}
		if (got == 0) {
			break;
		}
		if (talk_hear(conn) < 0) {
			return -1;
		}
		if (conn->handshake) { /* ours to begin, when we dialled */
			return shake(conn);
		}
	}
	return flush(conn);
}

int peer_turn(struct peer *peer, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(peer->epoll, events, EVENTS, timeout_ms);

	if (count == 0) {
		return 1;
	}
	for (int i = 0; i < count; i++) {
		struct peer_conn *conn = events[i].data.ptr;
		if (conn == NULL) {
			int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0) {
				conn_new(peer, fd, PEER_ACCEPTED);
			}
			continue;
		}
		if (serve(conn, events[i].events) < 0) {
			if (conn->kind != PEER_ACCEPTED) {
				fprintf(stderr,
				        "bench: the subject ended a stream; it said last: %.*s\n",
				        (int)conn->in_len, conn->in);
				return -1;
			}
			peer_close(conn);
		}
	}
	return 0;
}
