/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 9266), both sides, without sockets: message in,
 * message out. Base 64 and the elements of SASL are the caller's. Names and secrets are taken as their bytes are: for
 * printable ASCII that is what SASLprep makes of them; other text must be in the same form (UTF-8, NFC) on both sides.
 */
#ifndef FEDWAY_IO_SCRAM_H
#define FEDWAY_IO_SCRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <fedway/error.h>
#include <fedway/io/crypto.h>

FW_BEGIN_DECLS

#define FW_SCRAM_NAME "SCRAM-SHA-256"
#define FW_SCRAM_PLUS_NAME "SCRAM-SHA-256-PLUS"
/** Room for any message, with its end. Longer ones are refused. */
#define FW_SCRAM_MESSAGE_SIZE 2048u
#define FW_SCRAM_SALT_SIZE 16u     /**< of ours */
#define FW_SCRAM_SALT_MAX 64u      /**< of others */
/** RFC 7677 §4 asks for at least so many; a client takes no fewer. */
#define FW_SCRAM_ITERATIONS_MIN 4096u
#define FW_SCRAM_ITERATIONS_DEFAULT 10000u
/** A client computes no more for a server that it does not know yet: some 50 ms. */
#define FW_SCRAM_ITERATIONS_MAX 100000u
/** Bytes of channel binding `tls-exporter` (RFC 9266): fw_tls_exporter(). */
#define FW_SCRAM_BINDING_SIZE 32u

/* ---- keys ---- */

/** What follows from a secret, a salt and a number of iterations; iterations 0: nothing yet. A plain value. */
struct fw_scram_keys {
	uint32_t iterations;
	uint32_t salt_size;
	unsigned char salt[FW_SCRAM_SALT_MAX];
	unsigned char client_key[FW_SHA256_SIZE]; /**< as good as the secret: keep it as well */
	unsigned char stored_key[FW_SHA256_SIZE];
	unsigned char server_key[FW_SHA256_SIZE];
};

/** The one costly step (fw_pbkdf2_sha256()): do it once per secret and keep the result. @param salt  up to FW_SCRAM_SALT_MAX */
FW_API void fw_scram_derive(struct fw_str secret, struct fw_str salt, uint32_t iterations, struct fw_scram_keys *out);
/**
 * The salt of a name under a key of this process: the same each time, whether somebody has the name or not, so that
 * a server's challenge does not tell which names it knows.
 */
FW_API void fw_scram_salt(struct fw_str name, unsigned char out[FW_SCRAM_SALT_SIZE]);

/* ---- server ---- */

struct fw_scram_server;

/**
 * @param plus     the mechanism that the client chose is the one with channel binding
 * @param binding  FW_SCRAM_BINDING_SIZE bytes when both mechanisms were offered; absent: only the plain one was
 * @return FW_OK, FW_ENOMEM [g]
 */
FW_API int fw_scram_server_new(bool plus, struct fw_str binding, struct fw_scram_server **out);
FW_API void fw_scram_server_free(struct fw_scram_server **server);
/** For tests with known answers: our part of the nonce, printable ASCII without comma. */
FW_API void fw_scram_server_set_nonce(struct fw_scram_server *server, const char *nonce);
/**
 * client-first-message.
 * @param name     who wants in [b until the server goes]
 * @param authzid  whom it wants to be taken for; empty: the same [b likewise]
 * @return FW_OK; FW_EPARSE; FW_ELIMIT (too long); FW_EDENIED: its word on channel binding does not fit what was offered
 */
FW_API int fw_scram_server_first(struct fw_scram_server *server, struct fw_str message, struct fw_str *name,
                                 struct fw_str *authzid);
/** Who wants in: the name of the first message, or empty. [b until the server goes] */
FW_API struct fw_str fw_scram_server_name(const struct fw_scram_server *server);
/** server-first-message. @param salt  FW_SCRAM_SALT_SIZE bytes; use fw_scram_salt(). @return out */
FW_API const char *fw_scram_server_challenge(struct fw_scram_server *server, const unsigned char *salt,
                                             uint32_t iterations, char out[FW_SCRAM_MESSAGE_SIZE]);
/**
 * client-final-message; on FW_OK `out` is the server-final-message. Once per server.
 * @param keys  of the secret, with the salt and iterations of the challenge; NULL: nobody has that name
 * @return FW_OK; FW_EPARSE; FW_EDENIED (wrong secret, wrong channel, or keys NULL)
 */
FW_API int fw_scram_server_final(struct fw_scram_server *server, const struct fw_scram_keys *keys, struct fw_str message,
                                 char out[FW_SCRAM_MESSAGE_SIZE]);

/* ---- client ---- */

struct fw_scram_client;

enum fw_scram_binding {
	FW_SCRAM_BINDING_NONE,      /**< we know of none: no TLS, or TLS without exporter */
	FW_SCRAM_BINDING_UNOFFERED, /**< we know one, the server did not offer -PLUS */
	FW_SCRAM_BINDING_USED,      /**< -PLUS */
};

/** Texts are copied. */
struct fw_scram_client_settings {
	const char *name;
	const char *authzid;            /**< NULL or "": the same */
	enum fw_scram_binding binding;
	struct fw_str binding_data;     /**< FW_SCRAM_BINDING_SIZE bytes with FW_SCRAM_BINDING_USED */
	uint32_t iterations_max;        /**< 0: FW_SCRAM_ITERATIONS_MAX */
	const char *nonce;              /**< for tests; NULL: a random one */
};

/** @return FW_OK; FW_EINVAL (no name, no data for the binding); FW_ELIMIT (name too long); FW_ENOMEM [g] */
FW_API int fw_scram_client_new(const struct fw_scram_client_settings *settings, struct fw_scram_client **out);
FW_API void fw_scram_client_free(struct fw_scram_client **client);
/** client-first-message: the initial response. [b until the client goes] */
FW_API const char *fw_scram_client_first(const struct fw_scram_client *client);
/**
 * server-first-message in, client-final-message out.
 * @param keys  kept by the owner between connections: filled here, and used again while salt and iterations are the same.
 *              The owner clears it (memset) when the secret changes.
 * @return FW_OK; FW_EPARSE; FW_EDENIED: nonce not ours, or fewer than FW_SCRAM_ITERATIONS_MIN iterations;
 *         FW_ELIMIT: more iterations than iterations_max, or a salt over FW_SCRAM_SALT_MAX
 */
FW_API int fw_scram_client_final(struct fw_scram_client *client, struct fw_str message, struct fw_str secret,
                                 struct fw_scram_keys *keys, char out[FW_SCRAM_MESSAGE_SIZE]);
/** server-final-message: the server knows the secret as well. @return FW_OK; FW_EPARSE; FW_EDENIED: it does not, or has said e= */
FW_API int fw_scram_client_verify(const struct fw_scram_client *client, struct fw_str message);

FW_END_DECLS

#endif
