/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files around OpenSSL share: tls.c (connections), tls_keys.c (contexts), tls_peer.c (the
 * peer's certificate) and tls_certificate.c (what a certificate says). Nobody else includes it.
 */
#ifndef FEDWAY_IO_TLS_PRIVATE_H
#define FEDWAY_IO_TLS_PRIVATE_H

#include <stdint.h>
#include <sys/stat.h>

#include <openssl/ssl.h>

#include <fedway/io/tls.h>

/* ---- contexts ---- */

/* One of our certificates. */
struct tls_own {
	SSL_CTX *ssl; /* holds it with its key and chain */
	char *file;
	char *domain; /* key, or "*." and a key; NULL: all that it names */
	const struct fw_certificate *certificate;
};

/* A file as it was when it was read. */
struct tls_file {
	char *path;
	struct stat seen;
};

struct fw_tls_context {
	SSL_CTX *ssl;         /* rules and trust anchors; the first certificate */
	struct tls_own *owns; /* the first one is the default */
	size_t own_count;
	struct tls_file *files;
	size_t file_count;
	enum fw_tls_purpose purpose;
	bool crl_required;
	bool used; /* a connection has begun: nothing is added any more */
	unsigned users;
};

/* ---- connections ---- */

/* What the peer's certificate came to. Shared by a connection and the sessions that it leaves. */
struct tls_peer {
	unsigned users;
	unsigned problems;               /* bits 1 << enum fw_tls_verdict */
	int codes[FW_TLS_VERDICT_COUNT]; /* the first X509_V_ERR_* of each */
	bool purpose_fits[FW_TLS_PURPOSE_COUNT];
	int64_t valid_until; /* of the whole chain */
	const struct fw_certificate *certificate;
};

struct fw_tls {
	struct fw_tls_context *context;
	SSL *ssl;
	struct tls_peer *peer; /* NULL: it has shown no certificate */
	const struct tls_own *own;
	char *own_name; /* key of our domain for the choice of `own`; NULL: not known */
	enum fw_tls_side side;
	bool direct;
	bool established;
	bool broken; /* after a fatal error OpenSSL allows no more calls but the free */
};

/* ---- tls_keys.c ---- */

/** The oldest error in OpenSSL's queue is the one that tells why. */
const char *tls_words(void);
/** Chooses our certificate: by SNI, else by the name the owner gave, else the default. */
void tls_keys_choose(struct fw_tls *tls, const char *sni);

/* ---- tls_peer.c ---- */

/** OpenSSL's verification of a chain: records what is found, and lets the handshake go on. */
int tls_peer_verify(X509_STORE_CTX *store, void *ctx);
void tls_peer_release(struct tls_peer **peer);

/* ---- tls_certificate.c ---- */

/** NULL when out of memory. [g] */
const struct fw_certificate *tls_certificate_describe(X509 *certificate);
/** Seconds since 1970; 0 when the time is none. */
int64_t tls_certificate_time(const ASN1_TIME *time);
/** Reads the first certificate of a PEM file. [g] */
int tls_certificate_load(const char *path, X509 **out, struct fw_error *err);
/** "no such file" and "permission denied" are told before OpenSSL wraps them. */
int tls_file_check(const char *what, const char *path, struct fw_error *err);

#endif
