/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS on a socket's descriptor. A context holds keys and rules and may be shared by many channels; a
 * channel is one connection. Peers' certificates are always asked for and their verdict recorded; whether a bad
 * one ends the connection is the owner's decision (fw_tls_facts), taken at one place.
 */
#ifndef FEDWAY_IO_TLS_H
#define FEDWAY_IO_TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include <fedway/error.h>
#include <fedway/io/certificate.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

struct fw_tls_context;
struct fw_tls;

/* ---- contexts ---- */

enum fw_tls_version { FW_TLS_1_2, FW_TLS_1_3 };

/** What a peer's certificate must be good for (its extendedKeyUsage; one without is good for all). */
enum fw_tls_purpose {
	FW_TLS_PURPOSE_SERVER, /**< a TLS server, on either side: public CAs no longer issue clientAuth */
	FW_TLS_PURPOSE_STRICT, /**< the peer's part: a client when it initiated, a server when it received */
	FW_TLS_PURPOSE_IGNORE, /**< not looked at */
	FW_TLS_PURPOSE_COUNT,
};

/** All zero is a good default, but for certificate_file on a receiving side. */
struct fw_tls_settings {
	const char *certificate_file;    /**< PEM chain, own certificate first; NULL: none (initiating side only) */
	const char *key_file;            /**< PEM; NULL or "": in certificate_file */
	const char *ca_file;             /**< trust anchors; NULL or "": the system's */
	const char *crl_file;            /**< PEM revocation lists; NULL or "": none are looked at */
	bool crl_required;               /**< a missing or outdated list makes a certificate untrusted; else it is passed over */
	enum fw_tls_version min_version;
	enum fw_tls_purpose purpose;     /**< for the verdict in the facts; see fw_tls_verdict_under() */
	const char *keylog_file;         /**< secrets of every connection are appended (NSS key log): for Wireshark, never for service */
	unsigned sessions_max;           /**< kept for resumption as initiating side; 0: 1000 */
	unsigned session_seconds;        /**< for how long a session may be resumed, on both sides; 0: 7200 */
};

/**
 * Reads and checks keys: TLS 1.2 and 1.3, no renegotiation, no compression (RFC 9325). The one context serves both
 * sides, and never changes once a connection has begun with it: new files need a new context, and connections keep the old one.
 * Sessions and tickets belong to the context: under new rules nothing is resumed.
 * @return FW_OK; FW_EINVAL (err names the file and why: missing, no match, expired, order, unreadable); FW_ENOMEM [g]
 */
FW_API int fw_tls_context_new(const struct fw_tls_settings *settings, struct fw_tls_context **out, struct fw_error *err);
/**
 * One more own certificate, before the first connection.
 * @param domain    whose it is: a domain or "*.domain"; NULL: every name in the certificate
 * @param key_file  NULL or "": in certificate_file
 * @return as fw_tls_context_new(); also FW_EEXIST when the domain has one already
 */
FW_API int fw_tls_context_add_certificate(struct fw_tls_context *context, const char *domain, const char *certificate_file,
                                          const char *key_file, struct fw_error *err);
/** One more user; channels hold their own. */
FW_API struct fw_tls_context *fw_tls_context_ref(struct fw_tls_context *context);
FW_API void fw_tls_context_release(struct fw_tls_context **context);
/** A file that it was made from is another now (or was written to): time for a new context. Reads no contents. */
FW_API bool fw_tls_context_stale(const struct fw_tls_context *context);

/* ---- connections ---- */

enum fw_tls_side { FW_TLS_INITIATING, FW_TLS_RECEIVING };

/** How a connection begins. Names are copied. */
struct fw_tls_start {
	enum fw_tls_side side;
	bool direct;             /**< TLS from the first byte (XEP-0368): ALPN `xmpp-server` is offered, or checked when offered */
	const char *peer_name;   /**< initiating: the domain that is asked for by SNI; may be NULL */
	const char *own_name;    /**< our domain, which chooses our certificate; receiving: when SNI chooses none. May be NULL */
	const char *session_key; /**< initiating: names all that a session may be shared by, e.g. "host|ip|port|domain"; NULL: never resume */
};

/** @return FW_OK, FW_ENOMEM [g] */
FW_API int fw_tls_new(struct fw_tls_context *context, const struct fw_tls_start *start, int fd, struct fw_tls **out);
FW_API void fw_tls_free(struct fw_tls **tls);

/**
 * @param want  on FW_EAGAIN: FW_IO_READ or FW_IO_WRITE, what to wait for
 * @return FW_OK when done; FW_EAGAIN; FW_ECLOSED; FW_ESYS with the library's words in err
 */
FW_API int fw_tls_handshake(struct fw_tls *tls, int *want, struct fw_error *err);
/**
 * The handshake failed, and it had begun with a session of before: the next one to this server begins without,
 * so that it is worth another try at once.
 */
FW_API bool fw_tls_session_failed(const struct fw_tls *tls);
/** @return bytes; 0 at a clean end; FW_EAGAIN (see want); FW_ECLOSED when cut off; FW_ESYS */
FW_API ssize_t fw_tls_read(struct fw_tls *tls, void *buffer, size_t size, int *want);
/** The same bytes must be offered again after FW_EAGAIN; they may have moved. */
FW_API ssize_t fw_tls_write(struct fw_tls *tls, const void *bytes, size_t size, int *want);
/** Bytes decrypted but not read yet; the descriptor does not show them. */
FW_API size_t fw_tls_pending(const struct fw_tls *tls);
/** Sends close_notify, without waiting. */
FW_API void fw_tls_shutdown(struct fw_tls *tls);

/* ---- facts ---- */

/** What the chain of the peer's certificate came to; the worst that was found stands last. */
enum fw_tls_verdict {
	FW_TLS_VALID,
	FW_TLS_MISSING,   /**< the peer presented none */
	FW_TLS_PURPOSE,   /**< not made for what it is used for */
	FW_TLS_EXPIRED,   /**< it, or one of its chain, is not valid at this time */
	FW_TLS_UNTRUSTED, /**< unknown issuer, self-signed, incomplete chain, bad signature, weak key, … */
	FW_TLS_REVOKED,   /**< by a list of crl_file */
	FW_TLS_VERDICT_COUNT,
};
/** "valid", "missing", "purpose", "expired", "untrusted", "revoked" */
FW_API const char *fw_tls_verdict_word(enum fw_tls_verdict verdict);

/** What is known of an established channel; texts live as long as the channel. */
struct fw_tls_facts {
	const char *version;                     /**< "TLSv1.3" */
	const char *cipher;                      /**< "TLS_AES_256_GCM_SHA384" */
	const char *alpn;                        /**< agreed upon, or "" */
	enum fw_tls_version version_id;
	bool direct;                             /**< TLS from the first byte */
	bool resumed;                            /**< a session went on: verdict and certificate are those of its beginning */
	bool has_certificate;                    /**< the peer presented one */
	bool chain_valid;                        /**< the verdict is FW_TLS_VALID */
	enum fw_tls_verdict verdict;             /**< under the purpose of the context */
	unsigned problems;                       /**< all that was found apart from the purpose: bits 1 << enum fw_tls_verdict */
	bool purpose_fits[FW_TLS_PURPOSE_COUNT]; /**< under each tolerance */
	char chain_problem[128];                 /**< the library's words for the verdict when not valid; else "" */
	const struct fw_certificate *certificate; /**< the peer's; never NULL: without one all its texts are "" */
	const char *own_certificate;             /**< the file of ours that was chosen, or "" */
};
FW_API void fw_tls_facts(const struct fw_tls *tls, struct fw_tls_facts *out);
/** The verdict under another purpose, for owners with rules of their own per domain. */
FW_API enum fw_tls_verdict fw_tls_verdict_under(const struct fw_tls_facts *facts, enum fw_tls_purpose purpose);
/** Does the peer's certificate name the domain? See fw_certificate_names(). */
FW_API bool fw_tls_names(const struct fw_tls *tls, const char *domain_key, bool direct, char *matched, size_t size);

#define FW_TLS_EXPORTER_SIZE 32u
/**
 * What names this very connection on both of its ends and nowhere else: the channel binding `tls-exporter` (RFC 9266).
 * @return FW_OK; FW_ENOENT: the connection has none (TLS 1.2 without extended master secret)
 */
FW_API int fw_tls_exporter(const struct fw_tls *tls, unsigned char out[FW_TLS_EXPORTER_SIZE]);

FW_END_DECLS

#endif
