/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS contexts: own keys, trust anchors, revocation lists and the rules of every connection. Made
 * by whoever reads the files from the configuration; all is checked here, so that a connection
 * never meets a bad key. A context does not change: the next one takes its place.
 */
#include "sdk/io/tls_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fedway/jid.h>

/* RFC 9325 §4.2 for TLS 1.2: forward secrecy and authenticated encryption only. */
static const char tls_ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/*
 * Whoever has proved nothing yet may make us read certificates, at 0.1 ms each: chains of the world
 * have two or three, and 10 KiB.
 */
enum {
	CHAIN_MAX_BYTES = 32 * 1024,
	CHAIN_MAX_DEPTH = 8,
};

const char *tls_words(void)
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

static bool given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* ---- files ---- */

/* Remembers how a file looked, before it is read: what is written meanwhile is noticed later. */
static int watch_file(struct fw_tls_context *context, const char *what, const char *path,
                      struct fw_error *err)
{
	struct tls_file *grown = NULL;

	if (tls_file_check(what, path, err) != FW_OK) {
		return FW_EINVAL;
	}
	grown = realloc(context->files, (context->file_count + 1) * sizeof(*grown));
	if (grown == NULL) {
		return FW_ENOMEM;
	}
	context->files = grown;
	struct tls_file *file = &grown[context->file_count];
	memset(file, 0, sizeof(*file));
	file->path = fw_str_dup(fw_str(path));
	if (file->path == NULL) {
		return FW_ENOMEM;
	}
	context->file_count++;
	return stat(path, &file->seen) == 0 ? FW_OK : tls_file_check(what, path, err);
}

bool fw_tls_context_stale(const struct fw_tls_context *context)
{
	for (size_t i = 0; i < context->file_count; i++) {
		const struct stat *seen = &context->files[i].seen;
		struct stat now;

		/* A file that is gone for a moment is being replaced: the next look will tell. */
		if (stat(context->files[i].path, &now) == 0 &&
		    (now.st_ino != seen->st_ino || now.st_dev != seen->st_dev ||
		     now.st_size != seen->st_size || now.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
		     now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec)) {
			return true;
		}
	}
	return false;
}

/* ---- own certificates ---- */

int tls_no_passphrase(char *buffer, int size, int writing, void *ctx)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static int check_validity(SSL_CTX *ssl, const char *path, struct fw_error *err)
{
	const X509 *own = SSL_CTX_get0_certificate(ssl);
	char until[32] = "";
	struct tm when;

	if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
		return fw_error_set(err, FW_EINVAL,
		                    "certificate %s is not valid yet: compare the clock", path);
	}
	if (X509_cmp_current_time(X509_get0_notAfter(own)) > 0) {
		return FW_OK;
	}
	if (ASN1_TIME_to_tm(X509_get0_notAfter(own), &when) == 1) {
		strftime(until, sizeof(until), " on %Y-%m-%d", &when);
	}
	return fw_error_set(err, FW_EINVAL, "certificate %s expired%s: renew it", path, until);
}

/* Each must have issued the one before it (RFC 5246 §7.4.2): not every peer puts them in order. */
static int check_order(SSL_CTX *ssl, const char *path, struct fw_error *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *before = SSL_CTX_get0_certificate(ssl);

	SSL_CTX_get0_chain_certs(ssl, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *next = sk_X509_value(chain, i);
		if (X509_check_issued(next, before) != X509_V_OK) {
			return fw_error_set(err, FW_EINVAL,
			                    "certificate %d of %s did not issue the one before it: "
			                    "put our own first, then its issuer, and so on",
			                    i + 2, path);
		}
		before = next;
	}
	return FW_OK;
}

static bool is_mismatch(void)
{
	int reason = ERR_GET_REASON(ERR_peek_error());

	return reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH;
}

static int use_files(SSL_CTX *ssl, const char *cert, const char *key, struct fw_error *err)
{
	if (SSL_CTX_use_certificate_chain_file(ssl, cert) != 1) {
		return fw_error_set(err, FW_EINVAL, "no usable certificate in %s: %s", cert,
		                    tls_words());
	}
	if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) == 1) {
		return FW_OK;
	}
	if (is_mismatch()) {
		return fw_error_set(err, FW_EINVAL,
		                    "key %s does not match the certificate %s, of which the first "
		                    "must be our own",
		                    key, cert);
	}
	return fw_error_set(err, FW_EINVAL, "no usable private key in %s: %s", key, tls_words());
}

/* Reads certificate, chain and key into `ssl`, and describes them in a new row. */
static int add_own(struct fw_tls_context *context, SSL_CTX *ssl, const char *cert,
                   const char *key_file, struct fw_error *err)
{
	const char *key = given(key_file) ? key_file : cert;
	int ret = watch_file(context, "certificate", cert, err);

	if (ret == FW_OK) {
		ret = watch_file(context, "key", key, err);
	}
	if (ret != FW_OK) {
		return ret;
	}
	if (use_files(ssl, cert, key, err) != FW_OK || check_order(ssl, cert, err) != FW_OK ||
	    check_validity(ssl, cert, err) != FW_OK) {
		return FW_EINVAL;
	}
	struct tls_own *grown =
	        realloc(context->owns, (context->own_count + 1) * sizeof(*context->owns));
	if (grown == NULL) {
		return FW_ENOMEM;
	}
	context->owns = grown;
	struct tls_own *own = &grown[context->own_count++];
	memset(own, 0, sizeof(*own));
	own->ssl = ssl;
	SSL_CTX_up_ref(ssl);
	own->file = fw_str_dup(fw_str(cert));
	own->certificate = tls_certificate_describe(SSL_CTX_get0_certificate(ssl));
	return own->file != NULL && own->certificate != NULL ? FW_OK : FW_ENOMEM;
}

int tls_domain_of_row(const char *domain, char out[FW_DOMAIN_SIZE + 2], struct fw_error *err)
{
	bool wildcard = strncmp(domain, "*.", 2) == 0;

	memcpy(out, "*.", 2);
	if (fw_domain_key(fw_str(domain + (wildcard ? 2 : 0)), out + (wildcard ? 2 : 0), NULL) !=
	    FW_OK) {
		return fw_error_set(err, FW_EINVAL, "\"%s\" is no domain", domain);
	}
	return FW_OK;
}

static int check_domain(const struct fw_tls_context *context, const struct tls_own *own,
                        struct fw_error *err)
{
	char names[256];

	for (size_t i = 0; i < context->own_count; i++) {
		const struct tls_own *other = &context->owns[i];
		if (other != own && other->domain != NULL &&
		    strcmp(other->domain, own->domain) == 0) {
			return fw_error_set(err, FW_EEXIST,
			                    "%s has the certificate %s already: name one",
			                    own->domain, other->file);
		}
	}
	if (own->domain[0] != '*' &&
	    !fw_certificate_names(own->certificate, own->domain, true, names, sizeof(names))) {
		return fw_error_set(err, FW_EINVAL,
		                    "certificate %s does not name %s but \"%s\": request one with "
		                    "that name, or give its path to another domain",
		                    own->file, own->domain, names);
	}
	return FW_OK;
}

int fw_tls_context_add_certificate(struct fw_tls_context *context, const char *domain,
                                   const char *certificate_file, const char *key_file,
                                   struct fw_error *err)
{
	char key[FW_DOMAIN_SIZE + 2] = "";
	SSL_CTX *ssl = NULL;

	fw_assert(!context->used);
	ERR_clear_error();
	if (given(domain) && tls_domain_of_row(domain, key, err) != FW_OK) {
		return FW_EINVAL;
	}
	ssl = SSL_CTX_new(TLS_method());
	if (ssl == NULL) {
		return FW_ENOMEM;
	}
	SSL_CTX_set_default_passwd_cb(ssl, tls_no_passphrase);
	int ret = add_own(context, ssl, certificate_file, key_file, err);
	if (ret == FW_OK && key[0] != '\0') {
		struct tls_own *own = &context->owns[context->own_count - 1];
		own->domain = fw_str_dup(fw_str(key));
		ret = own->domain != NULL ? check_domain(context, own, err) : FW_ENOMEM;
	}
	SSL_CTX_free(ssl);
	ERR_clear_error();
	return ret;
}

/* ---- the choice among them ---- */

/* How well a certificate suits one of our domains; 0: not at all. */
static int suits(const struct tls_own *own, const char *domain)
{
	const char *dot = strchr(domain, '.');
	char matched[16];

	if (own->domain != NULL) {
		if (strcmp(own->domain, domain) == 0) {
			return 4;
		}
		return own->domain[0] == '*' && dot != NULL && strcmp(own->domain + 1, dot) == 0
		               ? 2
		               : 0;
	}
	if (!fw_certificate_names(own->certificate, domain, true, matched, sizeof(matched))) {
		return 0;
	}
	return strncmp(matched, "DNS:*", 5) == 0 ? 1 : 3;
}

static const struct tls_own *best_for(const struct fw_tls_context *context, const char *domain)
{
	const struct tls_own *best = NULL;
	int most = 0;

	for (size_t i = 0; i < context->own_count; i++) {
		int suit = suits(&context->owns[i], domain);
		if (suit > most) {
			most = suit;
			best = &context->owns[i];
		}
	}
	return best;
}

/* Only the certificate is another: the rules and the anchors stay those of the context. */
static void use_own(SSL *ssl, const struct tls_own *own)
{
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(own->ssl, &chain);
	SSL_certs_clear(ssl);
	/* It was checked when it was read; without memory the handshake fails for want of one. */
	(void)SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(own->ssl),
	                           SSL_CTX_get0_privatekey(own->ssl), chain, 1);
}

void tls_keys_choose(struct fw_tls *tls, const char *sni)
{
	const struct fw_tls_context *context = tls->context;
	const struct tls_own *own = NULL;
	char key[FW_DOMAIN_SIZE];

	if (context->own_count == 0) {
		return;
	}
	if (sni != NULL && fw_domain_key(fw_str(sni), key, NULL) == FW_OK) {
		own = best_for(context, key);
	}
	if (own == NULL && tls->own_name != NULL) {
		own = best_for(context, tls->own_name);
	}
	/*
	 * RFC 9325 §3.7 lets a server refuse an unknown name. Peers of XMPP also send the name of
	 * the host that they dial, and judge by the stream's domain afterwards: so the default it
	 * is.
	 */
	tls->own = own != NULL ? own : &context->owns[0];
	if (tls->own->ssl != context->ssl) {
		use_own(tls->ssl, tls->own);
	}
}

static int choose_by_sni(SSL *ssl, int *alert, void *ctx)
{
	(void)alert;
	(void)ctx;
	if (SSL_is_server(ssl)) { /* the other side has chosen before it spoke */
		tls_keys_choose(SSL_get_app_data(ssl),
		                SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	}
	return SSL_TLSEXT_ERR_OK;
}

/* ---- anchors and lists ---- */

static int load_anchors(struct fw_tls_context *context, const char *path, struct fw_error *err)
{
	if (!given(path)) {
		/* Not the default "store": it reads the whole folder for every certificate. */
		if (SSL_CTX_set_default_verify_file(context->ssl) != 1 ||
		    SSL_CTX_set_default_verify_dir(context->ssl) != 1) {
			return fw_error_set(err, FW_EINVAL, "cannot use the system's CAs: %s",
			                    tls_words());
		}
		return FW_OK;
	}
	int ret = watch_file(context, "CA file", path, err);
	if (ret == FW_OK && SSL_CTX_load_verify_file(context->ssl, path) != 1) {
		ret = fw_error_set(err, FW_EINVAL, "no usable CA certificate in %s: %s", path,
		                   tls_words());
	}
	return ret;
}

static int load_lists(struct fw_tls_context *context, const char *path, struct fw_error *err)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context->ssl);

	if (!given(path)) {
		return FW_OK;
	}
	int ret = watch_file(context, "CRL file", path, err);
	if (ret != FW_OK) {
		return ret;
	}
	X509_LOOKUP *lookup =
	        X509_STORE_add_lookup(SSL_CTX_get_cert_store(context->ssl), X509_LOOKUP_file());
	if (lookup == NULL || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1) {
		return fw_error_set(err, FW_EINVAL, "no usable revocation list in %s: %s", path,
		                    tls_words());
	}
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return FW_OK;
}

/* ---- life ---- */

static bool set_rules(struct fw_tls_context *context, const struct fw_tls_settings *settings)
{
	static const unsigned char name[] = "fedway";
	SSL_CTX *ssl = context->ssl;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl);
	int floor = settings->min_version == FW_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;

	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* The chain is what the file holds: our trust anchors are not sent along. */
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(ssl, CHAIN_MAX_DEPTH);
	SSL_CTX_set_max_cert_list(ssl, CHAIN_MAX_BYTES);
	SSL_CTX_set_cert_verify_callback(ssl, tls_peer_verify, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, choose_by_sni);
	SSL_CTX_set_alpn_select_cb(ssl, tls_alpn_choose, NULL);
	tls_sessions_init(context, settings);
	SSL_CTX_set_default_passwd_cb(ssl, tls_no_passphrase);
	/* The purpose is looked at in tls_peer.c, under each tolerance. */
	return SSL_CTX_set_min_proto_version(ssl, floor) == 1 &&
	       SSL_CTX_set_cipher_list(ssl, tls_ciphers) == 1 &&
	       SSL_CTX_set_session_id_context(ssl, name, sizeof(name) - 1) == 1 &&
	       X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) == 1 &&
	       X509_VERIFY_PARAM_set_trust(param, X509_TRUST_SSL_SERVER) == 1;
}

static void log_keys(const SSL *ssl, const char *line)
{
	const struct fw_tls *tls = SSL_get_app_data(ssl);

	/* A full disk must not end a connection. */
	(void)dprintf(tls->context->keylog_fd, "%s\n", line);
}

/* Whoever can read this file can read the connections. */
static int open_keylog(struct fw_tls_context *context, const char *path, struct fw_error *err)
{
	struct stat is;

	if (!given(path)) {
		return FW_OK;
	}
	context->keylog_fd =
	        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (context->keylog_fd < 0 || fstat(context->keylog_fd, &is) != 0) {
		return fw_error_set(err, FW_EINVAL, "cannot write keylog_file %s: %s", path,
		                    strerror(errno));
	}
	if ((is.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		return fw_error_set(err, FW_EINVAL,
		                    "keylog_file %s is open to others: chmod 600 or remove it",
		                    path);
	}
	SSL_CTX_set_keylog_callback(context->ssl, log_keys);
	return FW_OK;
}

static int load_all(struct fw_tls_context *context, const struct fw_tls_settings *settings,
                    struct fw_error *err)
{
	int ret = FW_OK;

	if (given(settings->certificate_file)) {
		ret = add_own(context, context->ssl, settings->certificate_file, settings->key_file,
		              err);
	}
	if (ret == FW_OK) {
		ret = load_anchors(context, settings->ca_file, err);
	}
	if (ret == FW_OK) {
		ret = load_lists(context, settings->crl_file, err);
	}
	if (ret == FW_OK) {
		ret = open_keylog(context, settings->keylog_file, err);
	}
	return ret;
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
	context->keylog_fd = -1;
	context->purpose = settings->purpose;
	context->crl_required = settings->crl_required;
	context->ssl = SSL_CTX_new(TLS_method());
	if (context->ssl == NULL || !set_rules(context, settings)) {
		fw_error_set(err, FW_ENOMEM, "cannot set up TLS: %s", tls_words());
		goto done;
	}
	ret = load_all(context, settings, err);
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
	for (size_t i = 0; i < old->own_count; i++) {
		SSL_CTX_free(old->owns[i].ssl);
		free(old->owns[i].file);
		free(old->owns[i].domain);
		fw_certificate_release(&old->owns[i].certificate);
	}
	for (size_t i = 0; i < old->file_count; i++) {
		free(old->files[i].path);
	}
	if (old->keylog_fd >= 0) {
		close(old->keylog_fd);
	}
	tls_sessions_clear(old);
	free(old->owns);
	free(old->files);
	SSL_CTX_free(old->ssl);
	free(old);
}
