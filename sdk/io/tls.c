/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS on a descriptor: handshake and records, on OpenSSL. Called by channels. Keys and rules are in
 * tls_keys.c, what is known of the peer in tls_peer.c; nothing is judged here.
 */
#include "sdk/io/tls_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include <fedway/io/loop.h>
#include <fedway/jid.h>

/* ---- bytes to and from the descriptor ---- */

/* OpenSSL's own socket BIO writes with write(2), and a peer that is gone would raise SIGPIPE. */
static int bio_write(BIO *bio, const char *bytes, int size)
{
	int fd = -1;

	BIO_get_fd(bio, &fd);
	BIO_clear_retry_flags(bio);
	errno = 0;
	int put = (int)send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
	if (put <= 0 && BIO_sock_should_retry(put)) {
		BIO_set_retry_write(bio);
	}
	return put;
}

static const BIO_METHOD *bio_method(void)
{
	static BIO_METHOD *method;
	const BIO_METHOD *base = BIO_s_socket();

	if (method == NULL) {
		method = BIO_meth_new(BIO_TYPE_SOCKET, "fedway socket");
		if (method != NULL) {
			BIO_meth_set_write(method, bio_write);
			BIO_meth_set_read(method, BIO_meth_get_read(base));
			BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(base));
			BIO_meth_set_create(method, BIO_meth_get_create(base));
			BIO_meth_set_destroy(method, BIO_meth_get_destroy(base));
		}
	}
	return method;
}

/* ---- channels ---- */

/* XEP-0368 §2.2 */
static const unsigned char alpn[] = "\x0bxmpp-server";

const char *tls_alpn(const struct fw_tls *tls)
{
	const unsigned char *chosen = NULL;
	unsigned size = 0;

	SSL_get0_alpn_selected(tls->ssl, &chosen, &size);
	return size == alpn[0] && memcmp(chosen, alpn + 1, size) == 0 ? (const char *)alpn + 1 : "";
}

int tls_alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *size,
                    const unsigned char *offered, unsigned offered_size, void *ctx)
{
	const struct fw_tls *tls = SSL_get_app_data(ssl);
	unsigned char *chosen = NULL;

	(void)ctx;
	if (!tls->direct) {
		return SSL_TLSEXT_ERR_NOACK; /* after STARTTLS the protocol is known */
	}
	if (SSL_select_next_proto(&chosen, size, alpn, sizeof(alpn) - 1, offered, offered_size) !=
	    OPENSSL_NPN_NEGOTIATED) {
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 9325 §3.8: no_application_protocol */
	}
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool begin_initiating(struct fw_tls *tls, const char *peer_name)
{
	SSL_set_connect_state(tls->ssl);
	tls_keys_choose(tls, NULL);
	tls_sessions_offer(tls);
	if (tls->direct && SSL_set_alpn_protos(tls->ssl, alpn, sizeof(alpn) - 1) != 0) {
		return false;
	}
	/* RFC 6066 §3: no literal addresses in server_name. */
	return peer_name == NULL || peer_name[0] == '\0' || fw_domain_is_ip(fw_str(peer_name)) ||
	       SSL_set_tlsext_host_name(tls->ssl, peer_name) == 1;
}

static bool tls_attach(struct fw_tls *tls, const struct fw_tls_start *start, int fd)
{
	const BIO_METHOD *method = bio_method();

	tls->ssl = SSL_new(tls->context->ssl);
	BIO *bio = method != NULL ? BIO_new(method) : NULL;
	if (tls->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return false;
	}
	BIO_set_fd(bio, fd, BIO_NOCLOSE);
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_app_data(tls->ssl, tls);
	if (tls->side == FW_TLS_INITIATING) {
		return begin_initiating(tls, start->peer_name);
	}
	SSL_set_accept_state(tls->ssl);
	return true;
}

/* The name chooses among our certificates only: one that is none chooses nothing. */
static bool keep_own_name(struct fw_tls *tls, const char *name)
{
	char key[FW_DOMAIN_SIZE];

	if (name == NULL || fw_domain_key(fw_str(name), key, NULL) != FW_OK) {
		return true;
	}
	tls->own_name = fw_str_dup(fw_str(key));
	return tls->own_name != NULL;
}

static bool keep_session_key(struct fw_tls *tls, const struct fw_tls_start *start)
{
	const char *name = start->peer_name != NULL ? start->peer_name : "";

	if (start->session_key == NULL || tls->side == FW_TLS_RECEIVING) {
		return true;
	}
	size_t size = strlen(name) + 1 + strlen(start->session_key) + 1;
	tls->session_key = malloc(size);
	if (tls->session_key != NULL) {
		snprintf(tls->session_key, size, "%s %s", name, start->session_key);
	}
	return tls->session_key != NULL;
}

int fw_tls_new(struct fw_tls_context *context, const struct fw_tls_start *start, int fd,
               struct fw_tls **out)
{
	struct fw_tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL) {
		return FW_ENOMEM;
	}
	ERR_clear_error();
	context->used = true;
	tls->context = fw_tls_context_ref(context);
	tls->side = start->side;
	tls->direct = start->direct;
	if (!keep_own_name(tls, start->own_name) || !keep_session_key(tls, start) ||
	    !tls_attach(tls, start, fd)) {
		fw_tls_free(&tls);
		return FW_ENOMEM;
	}
	*out = tls;
	return FW_OK;
}

void fw_tls_free(struct fw_tls **tls)
{
	struct fw_tls *old = *tls;

	*tls = NULL;
	if (old == NULL) {
		return;
	}
	if (old->ssl != NULL && !old->broken) {
		/* Else OpenSSL takes an end without close_notify as one of the session. */
		SSL_set_shutdown(old->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	}
	SSL_free(old->ssl);
	tls_peer_release(&old->peer);
	tls_peer_release(&old->offered);
	fw_tls_context_release(&old->context);
	free(old->own_name);
	free(old->session_key);
	free(old);
}

static bool cut_off(int number)
{
	return number == 0 || number == ECONNRESET || number == EPIPE;
}

/* What a call of OpenSSL came to; 0 is a clean end. */
static int tls_result(struct fw_tls *tls, int status, int *want, struct fw_error *err)
{
	int number = errno;

	switch (SSL_get_error(tls->ssl, status)) {
	case SSL_ERROR_WANT_READ:
		*want = FW_IO_READ;
		return FW_EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*want = FW_IO_WRITE;
		return FW_EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		tls->broken = true;
		if (cut_off(number)) {
			return fw_error_set(err, FW_ECLOSED, "the peer cut the connection");
		}
		return fw_error_set(err, FW_ESYS, "%s", strerror(number));
	default:
		tls->broken = true;
		/* OpenSSL 3 tells an end without close_notify as an error of the protocol. */
		if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			return fw_error_set(err, FW_ECLOSED, "the peer cut the connection");
		}
		return fw_error_set(err, FW_ESYS, "%s", tls_words());
	}
}

int fw_tls_handshake(struct fw_tls *tls, int *want, struct fw_error *err)
{
	if (tls->broken) {
		return fw_error_set(err, FW_ECLOSED, "the handshake failed before");
	}
	ERR_clear_error();
	errno = 0;
	int status = SSL_do_handshake(tls->ssl);
	if (status == 1) {
		tls->established = true;
		free(tls->own_name); /* it has chosen */
		tls->own_name = NULL;
		tls_sessions_established(tls);
		tls_peer_drop_chain(tls->ssl);
		return FW_OK;
	}
	int ret = tls_result(tls, status, want, err);
	if (ret != FW_EAGAIN) {
		tls_sessions_failed(tls);
	}
	return ret != 0 ? ret : fw_error_set(err, FW_ECLOSED, "the peer ended TLS");
}

ssize_t fw_tls_read(struct fw_tls *tls, void *buffer, size_t size, int *want)
{
	size_t got = 0;

	if (tls->broken) {
		return FW_ECLOSED;
	}
	ERR_clear_error();
	errno = 0;
	int status = SSL_read_ex(tls->ssl, buffer, size, &got);
	return status == 1 ? (ssize_t)got : tls_result(tls, status, want, NULL);
}

ssize_t fw_tls_write(struct fw_tls *tls, const void *bytes, size_t size, int *want)
{
	size_t put = 0;

	if (size == 0) {
		return 0;
	}
	if (tls->broken) {
		return FW_ECLOSED;
	}
	ERR_clear_error();
	errno = 0;
	int status = SSL_write_ex(tls->ssl, bytes, size, &put);
	if (status == 1) {
		return (ssize_t)put;
	}
	int ret = tls_result(tls, status, want, NULL);
	return ret != 0 ? ret : FW_ECLOSED; /* 0 bytes are no end of writing */
}

size_t fw_tls_pending(const struct fw_tls *tls)
{
	return (size_t)SSL_pending(tls->ssl);
}

void fw_tls_shutdown(struct fw_tls *tls)
{
	if (!tls->established || tls->broken) {
		return;
	}
	ERR_clear_error();
	if (SSL_shutdown(tls->ssl) < 0) {
		ERR_clear_error(); /* the socket is full or gone: nothing more can be said */
	}
}
