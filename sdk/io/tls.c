/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS on a descriptor: OpenSSL lives here (and in crypto.c). Called by channels; contexts are made
 * by whoever reads the keys from the configuration. Peers' certificates are judged and the verdict
 * is recorded, but it ends nothing here: trust is decided by the owner, at one place.
 */
#include <fedway/io/tls.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fedway/io/loop.h>
#include <fedway/jid.h>

/* RFC 9325 §4.2 for TLS 1.2: forward secrecy and authenticated encryption only. */
static const char tls_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

struct fw_tls_context {
	SSL_CTX *ssl;
	unsigned users;
};

struct fw_tls {
	struct fw_tls_context *context;
	SSL *ssl;
	int problem; /* first X509_V_ERR_* of the peer's chain, or X509_V_OK */
	bool established;
	bool broken; /* after a fatal error OpenSSL allows no more calls but the free */
};

/* ---- words ---- */

/* The oldest error in OpenSSL's queue is the one that tells why. */
static const char *tls_words(void)
{
	unsigned long code = ERR_peek_error();
	const char *words = NULL;

	if (code != 0 && ERR_SYSTEM_ERROR(code)) {
		words = strerror(ERR_GET_REASON(code));
	} else if (code != 0) {
		words = ERR_reason_error_string(code);
	}
	return words != NULL ? words : "no reason given";
}

/* ---- contexts ---- */

/* Without it OpenSSL would ask for the pass phrase on the terminal. */
static int tls_no_passphrase(char *buffer, int size, int writing, void *ctx)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

/* "no such file" and "permission denied" are told before OpenSSL wraps them. */
static int file_check(const char *what, const char *path, struct fw_error *err)
{
	if (access(path, R_OK) != 0) {
		return fw_error_set(err, FW_EINVAL, "cannot read %s %s: %s", what, path,
		                    strerror(errno));
	}
	return FW_OK;
}

static int own_validity_check(SSL_CTX *ssl, const char *path, struct fw_error *err)
{
	const X509 *own = SSL_CTX_get0_certificate(ssl);
	char until[32] = "";
	struct tm when;

	if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
		return fw_error_set(err, FW_EINVAL, "certificate %s is not valid yet", path);
	}
	if (X509_cmp_current_time(X509_get0_notAfter(own)) > 0) {
		return FW_OK;
	}
	if (ASN1_TIME_to_tm(X509_get0_notAfter(own), &when) == 1) {
		strftime(until, sizeof(until), " on %Y-%m-%d", &when);
	}
	return fw_error_set(err, FW_EINVAL, "certificate %s expired%s", path, until);
}

static int load_own(SSL_CTX *ssl, const struct fw_tls_settings *settings, struct fw_error *err)
{
	const char *cert = settings->certificate_file;
	bool apart = settings->key_file != NULL && settings->key_file[0] != '\0';
	const char *key = apart ? settings->key_file : cert;

	if (file_check("certificate", cert, err) != FW_OK || file_check("key", key, err) != FW_OK) {
		return FW_EINVAL;
	}
	if (SSL_CTX_use_certificate_chain_file(ssl, cert) != 1) {
		return fw_error_set(err, FW_EINVAL, "no usable certificate in %s: %s", cert,
		                    tls_words());
	}
	if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH ||
		    ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_TYPE_MISMATCH) {
			return fw_error_set(err, FW_EINVAL,
			                    "key %s does not match the certificate %s", key, cert);
		}
		return fw_error_set(err, FW_EINVAL, "no usable private key in %s: %s", key,
		                    tls_words());
	}
	return own_validity_check(ssl, cert, err);
}

static int load_anchors(SSL_CTX *ssl, const char *path, struct fw_error *err)
{
	if (path == NULL || path[0] == '\0') {
		if (SSL_CTX_set_default_verify_paths(ssl) != 1) {
			return fw_error_set(err, FW_EINVAL, "cannot use the system's CAs: %s",
			                    tls_words());
		}
		return FW_OK;
	}
	if (file_check("CA file", path, err) != FW_OK) {
		return FW_EINVAL;
	}
	if (SSL_CTX_load_verify_file(ssl, path) != 1) {
		return fw_error_set(err, FW_EINVAL, "no usable CA certificate in %s: %s", path,
		                    tls_words());
	}
	return FW_OK;
}

/* Records the first problem and lets the handshake go on. */
static int tls_judge(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct fw_tls *tls = SSL_get_app_data(ssl);

	if (!ok && tls->problem == X509_V_OK) {
		tls->problem = X509_STORE_CTX_get_error(store);
	}
	/* Kept in the session too, so that a resumed one is judged the same. */
	X509_STORE_CTX_set_error(store, tls->problem);
	return 1;
}

static bool set_rules(SSL_CTX *ssl)
{
	static const unsigned char name[] = "fedway";

	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* The chain is what the file holds: our trust anchors are not sent along. */
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, tls_judge);
	/* Tickets carry the sessions: none is kept here. */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ssl, 1);
	SSL_CTX_set_default_passwd_cb(ssl, tls_no_passphrase);
	/* Public CAs no longer issue clientAuth: both sides are judged as servers. */
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);
	return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ssl, tls_ciphers) == 1 &&
	       SSL_CTX_set_session_id_context(ssl, name, sizeof(name) - 1) == 1 &&
	       X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) == 1 &&
	       X509_VERIFY_PARAM_set_trust(param, X509_TRUST_SSL_SERVER) == 1;
}

int fw_tls_context_new(const struct fw_tls_settings *settings, struct fw_tls_context **out,
                       struct fw_error *err)
{
	int ret = FW_ENOMEM;
	struct fw_tls_context *context = calloc(1, sizeof(*context));

	ERR_clear_error();
	if (context == NULL) {
		goto done;
	}
	context->users = 1;
	context->ssl = SSL_CTX_new(TLS_method());
	if (context->ssl == NULL || !set_rules(context->ssl)) {
		fw_error_set(err, FW_ENOMEM, "cannot set up TLS: %s", tls_words());
		goto done;
	}
	if (settings->certificate_file != NULL && settings->certificate_file[0] != '\0') {
		ret = load_own(context->ssl, settings, err);
		if (ret != FW_OK) {
			goto done;
		}
	}
	ret = load_anchors(context->ssl, settings->ca_file, err);
	if (ret != FW_OK) {
		goto done;
	}
	*out = context;
	context = NULL; /* given away */
done:
	ERR_clear_error();
	fw_tls_context_release(&context);
	return ret;
}

struct fw_tls_context *fw_tls_context_ref(struct fw_tls_context *context)
{
	context->users++;
	return context;
}

void fw_tls_context_release(struct fw_tls_context **context)
{
	struct fw_tls_context *old = *context;

	*context = NULL;
	if (old == NULL || --old->users > 0) {
		return;
	}
	SSL_CTX_free(old->ssl);
	free(old);
}

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

static bool tls_attach(struct fw_tls *tls, enum fw_tls_side side, int fd, const char *peer_name)
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
	if (side == FW_TLS_RECEIVING) {
		SSL_set_accept_state(tls->ssl);
		return true;
	}
	SSL_set_connect_state(tls->ssl);
	/* RFC 6066 §3: no literal addresses in server_name. */
	return peer_name == NULL || peer_name[0] == '\0' || fw_domain_is_ip(fw_str(peer_name)) ||
	       SSL_set_tlsext_host_name(tls->ssl, peer_name) == 1;
}

int fw_tls_new(struct fw_tls_context *context, enum fw_tls_side side, int fd, const char *peer_name,
               struct fw_tls **out)
{
	struct fw_tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL) {
		return FW_ENOMEM;
	}
	ERR_clear_error();
	tls->context = fw_tls_context_ref(context);
	if (!tls_attach(tls, side, fd, peer_name)) {
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
	SSL_free(old->ssl);
	fw_tls_context_release(&old->context);
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
		return FW_OK;
	}
	int ret = tls_result(tls, status, want, err);
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

/* ---- facts ---- */

static void subject_text(const X509 *cert, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL) {
		return;
	}
	/* RFC 2253 form escapes controls and other alphabets: fit for logs. */
	X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
	int got = BIO_read(bio, out, (int)size - 1);
	out[got > 0 ? got : 0] = '\0';
	BIO_free(bio);
}

void fw_tls_facts(const struct fw_tls *tls, struct fw_tls_facts *out)
{
	const X509 *cert = SSL_get0_peer_certificate(tls->ssl);

	memset(out, 0, sizeof(*out));
	out->version = SSL_get_version(tls->ssl);
	out->cipher = SSL_get_cipher_name(tls->ssl);
	out->has_certificate = cert != NULL;
	if (cert == NULL) {
		return;
	}
	long verdict = tls->problem != X509_V_OK ? tls->problem : SSL_get_verify_result(tls->ssl);
	out->chain_valid = verdict == X509_V_OK && tls->established;
	if (verdict != X509_V_OK) {
		snprintf(out->chain_problem, sizeof(out->chain_problem), "%s",
		         X509_verify_cert_error_string(verdict));
	}
	subject_text(cert, out->subject, sizeof(out->subject));
	ERR_clear_error();
}
