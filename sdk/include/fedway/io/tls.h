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
#include <fedway/str.h>

FW_BEGIN_DECLS

struct fw_tls_context;
struct fw_tls;

struct fw_tls_settings {
	const char *certificate_file; /**< PEM chain, own certificate first; NULL: none (initiating side only) */
	const char *key_file;         /**< PEM; NULL: in certificate_file */
	const char *ca_file;          /**< trust anchors; NULL or "": the system's */
};

/**
 * Reads and checks keys: TLS 1.2 and 1.3, no renegotiation, no compression (RFC 9325). The one context serves both
 * sides. Certificates of peers are judged with the purpose "TLS server" on both sides, because public CAs no
 * longer issue clientAuth.
 * @return FW_OK; FW_EINVAL (err names the file and why: missing, no match, expired, unreadable); FW_ENOMEM [g]
 */
FW_API int fw_tls_context_new(const struct fw_tls_settings *settings, struct fw_tls_context **out, struct fw_error *err);
/** One more user; channels hold their own. */
FW_API struct fw_tls_context *fw_tls_context_ref(struct fw_tls_context *context);
FW_API void fw_tls_context_release(struct fw_tls_context **context);

enum fw_tls_side { FW_TLS_INITIATING, FW_TLS_RECEIVING };

/** @param peer_name  initiating side: name for SNI; may be NULL. @return FW_OK, FW_ENOMEM [g] */
FW_API int fw_tls_new(struct fw_tls_context *context, enum fw_tls_side side, int fd, const char *peer_name,
                      struct fw_tls **out);
FW_API void fw_tls_free(struct fw_tls **tls);

/**
 * @param want  on FW_EAGAIN: FW_IO_READ or FW_IO_WRITE, what to wait for
 * @return FW_OK when done; FW_EAGAIN; FW_ECLOSED; FW_ESYS with the library's words in err
 */
FW_API int fw_tls_handshake(struct fw_tls *tls, int *want, struct fw_error *err);
/** @return bytes; 0 at a clean end; FW_EAGAIN (see want); FW_ECLOSED when cut off; FW_ESYS */
FW_API ssize_t fw_tls_read(struct fw_tls *tls, void *buffer, size_t size, int *want);
/** The same bytes must be offered again after FW_EAGAIN; they may have moved. */
FW_API ssize_t fw_tls_write(struct fw_tls *tls, const void *bytes, size_t size, int *want);
/** Bytes decrypted but not read yet; the descriptor does not show them. */
FW_API size_t fw_tls_pending(const struct fw_tls *tls);
/** Sends close_notify, without waiting. */
FW_API void fw_tls_shutdown(struct fw_tls *tls);

/** What is known of an established channel; slices live as long as the channel. */
struct fw_tls_facts {
	const char *version;        /**< "TLSv1.3" */
	const char *cipher;         /**< "TLS_AES_256_GCM_SHA384" */
	bool has_certificate;       /**< the peer presented one */
	bool chain_valid;           /**< path, validity, purpose */
	char chain_problem[128];    /**< the library's words when not valid; else "" */
	char subject[256];          /**< of the peer's certificate; else "" */
};
FW_API void fw_tls_facts(const struct fw_tls *tls, struct fw_tls_facts *out);

FW_END_DECLS

#endif
