/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files around OpenSSL share: tls.c (connections), tls_keys.c (contexts), tls_peer.c (the
 * peer's certificate), tls_sessions.c (resumption) and tls_certificate.c (what a certificate says).
 * Nobody else includes it.
 */
#ifndef FEDWAY_IO_TLS_PRIVATE_H
#define FEDWAY_IO_TLS_PRIVATE_H

#include <stdint.h>
#include <sys/stat.h>

#include <openssl/ssl.h>

#include <fedway/io/tls.h>
#include <fedway/jid.h>

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

enum { TLS_TICKET_IV_SIZE = 16 }; /* of AES-CBC */

struct tls_ticket_key {
	unsigned char name[16];
	unsigned char cipher[32];
	unsigned char mac[32];
	int64_t since; /* seconds since 1970 */
};

struct tls_sessions {
	struct tls_session *rows; /* those that we may go on with as initiating side */
	size_t count, room, max;
	uint64_t kept; /* so far */
	int64_t seconds;
	struct tls_ticket_key keys[2]; /* of the tickets that we give; the first makes new ones */
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
	int keylog_fd; /* -1: none */
	struct tls_sessions sessions;
	unsigned users;
};

/* ---- connections ---- */

/* What the chain of the peer's certificate came to. */
struct tls_findings {
	unsigned problems;               /* bits 1 << enum fw_tls_verdict */
	int codes[FW_TLS_VERDICT_COUNT]; /* the first X509_V_ERR_* of each */
	bool purpose_fits[FW_TLS_PURPOSE_COUNT];
	int64_t valid_until; /* of the whole chain */
};

/* Shared by a connection and the sessions that it leaves. */
struct tls_peer {
	unsigned users;
	struct tls_findings findings;
	const struct fw_certificate *certificate;
};

struct fw_tls {
	struct fw_tls_context *context;
	SSL *ssl;
	struct tls_peer *peer;    /* NULL: it has shown no certificate */
	struct tls_peer *offered; /* of the session that we would go on with */
	const struct tls_own *own;
	char *own_name;    /* key of our domain for the choice of `own`; NULL: not known */
	char *session_key; /* under which a session is kept; NULL: none is */
	enum fw_tls_side side;
	bool direct;
	bool session_offered; /* this handshake began with a kept session */
	bool established;
	bool broken; /* after a fatal error OpenSSL allows no more calls but the free */
};

/* ---- tls.c ---- */

/** The application protocol that both sides agreed upon, or "". */
const char *tls_alpn(const struct fw_tls *tls);
/** Chooses it for a receiving side. */
int tls_alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *size,
                    const unsigned char *offered, unsigned offered_size, void *ctx);

/* ---- tls_keys.c ---- */

/** The oldest error in OpenSSL's queue is the one that tells why. */
const char *tls_words(void);
/** Without it OpenSSL would ask for the pass phrase on the terminal. */
int tls_no_passphrase(char *buffer, int size, int writing, void *ctx);
/** The key of a domain, with its star when it has one. FW_EINVAL */
int tls_domain_of_row(const char *domain, char out[FW_DOMAIN_SIZE + 2], struct fw_error *err);
/** Chooses our certificate: by SNI, else by the name the owner gave, else the default. */
void tls_keys_choose(struct fw_tls *tls, const char *sni);

/* ---- tls_peer.c ---- */

/** OpenSSL's verification of a chain: records what is found, and lets the handshake go on. */
int tls_peer_verify(X509_STORE_CTX *store, void *ctx);
/** The chain is judged: an idle connection, and its session, need not keep some KiB of it. */
void tls_peer_drop_chain(SSL *ssl);
/** NULL when out of memory. [g] */
struct tls_peer *tls_peer_new(X509 *certificate);
/** NULL gives NULL. */
struct tls_peer *tls_peer_ref(struct tls_peer *peer);
void tls_peer_release(struct tls_peer **peer);

/* ---- tls_sessions.c ---- */

void tls_sessions_init(struct fw_tls_context *context, const struct fw_tls_settings *settings);
void tls_sessions_clear(struct fw_tls_context *context);
/** Initiating, before the handshake: goes on with a kept session if there is one. */
void tls_sessions_offer(struct fw_tls *tls);
/** The handshake failed: if it was over a session, none is offered there for a while. */
void tls_sessions_failed(struct fw_tls *tls);
/** The handshake is done: if a session went on, what was found of the peer goes on as well. */
void tls_sessions_established(struct fw_tls *tls);

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
