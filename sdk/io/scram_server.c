/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The server's side of SCRAM (RFC 5802 §5): who wants in, a challenge, is the proof right. Who has
 * which secret, and what follows, is the caller's: router/link_sasl.c. The proof is computed for
 * unknown names as well, so that time does not tell them from others.
 */
#include "sdk/io/scram_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fw_scram_server {
	bool plus;
	struct fw_str binding; /* in binding_bytes */
	char binding_bytes[FW_SCRAM_BINDING_SIZE];
	char own_nonce[FW_STREAM_ID_SIZE];
	struct scram_text header; /* gs2-header of the first message */
	struct scram_text name, authzid;
	struct fw_str client_nonce; /* in said.client_first */
	char nonce[SCRAM_NONCE_MAX + FW_STREAM_ID_SIZE];
	struct scram_said said;
};

int fw_scram_server_new(bool plus, struct fw_str binding, struct fw_scram_server **out)
{
	struct fw_scram_server *server = calloc(1, sizeof(*server));

	if (server == NULL) {
		return FW_ENOMEM;
	}
	fw_assert(binding.len == 0 || binding.len == sizeof(server->binding_bytes));
	server->plus = plus;
	if (binding.len > 0) {
		memcpy(server->binding_bytes, binding.ptr, binding.len);
		server->binding = fw_str_n(server->binding_bytes, binding.len);
	}
	fw_random_id(server->own_nonce);
	*out = server;
	return FW_OK;
}

void fw_scram_server_free(struct fw_scram_server **server)
{
	free(*server);
	*server = NULL;
}

void fw_scram_server_set_nonce(struct fw_scram_server *server, const char *nonce)
{
	snprintf(server->own_nonce, sizeof(server->own_nonce), "%s", nonce);
}

/* ---- client-first-message ---- */

/* RFC 5802 §5.1 "n": "=2C" is a comma, "=3D" an equals sign, nothing else begins with one. */
static int server_read_name(struct fw_str text, struct scram_text *out)
{
	int ret = FW_OK;

	for (size_t i = 0; i < text.len && ret == FW_OK; i++) {
		struct fw_str piece = fw_str_n(text.ptr + i, 1);
		if (text.ptr[i] == '=') {
			struct fw_str code = fw_str_n(text.ptr + i, text.len - i < 3 ? 0 : 3);
			piece = fw_str_is(code, "=2C")   ? fw_str(",")
			        : fw_str_is(code, "=3D") ? fw_str("=")
			                                 : fw_str(NULL);
			i += 2;
		}
		ret = piece.len > 0 ? scram_text_add(out, piece) : FW_EPARSE;
	}
	return ret;
}

/* RFC 5802 §6: what the client says of channel binding must fit what was offered, or somebody
 * between us has changed the offer. */
static int server_check_flag(const struct fw_scram_server *server, struct fw_str flag)
{
	if (fw_str_is(flag, "n")) {
		return server->plus ? FW_EDENIED : FW_OK;
	}
	if (fw_str_is(flag, "y")) {
		return server->plus || server->binding.len > 0 ? FW_EDENIED : FW_OK;
	}
	if (flag.len > 2 && flag.ptr[0] == 'p' && flag.ptr[1] == '=') {
		return server->plus && fw_str_is(flag, "p=" SCRAM_BINDING_TYPE) ? FW_OK
		                                                                : FW_EDENIED;
	}
	return FW_EPARSE;
}

/* gs2-header: flag "," [ "a=" saslname ] ",". @return its length in *size */
static int server_read_header(struct fw_scram_server *server, struct fw_str message, size_t *size)
{
	const char *first = memchr(message.ptr, ',', message.len);
	const char *second;
	struct fw_str authzid;

	if (first == NULL) {
		return FW_EPARSE;
	}
	second = memchr(first + 1, ',', message.len - (size_t)(first + 1 - message.ptr));
	if (second == NULL) {
		return FW_EPARSE;
	}
	int ret = server_check_flag(server, fw_str_n(message.ptr, (size_t)(first - message.ptr)));
	if (ret != FW_OK) {
		return ret;
	}
	authzid = fw_str_n(first + 1, (size_t)(second - first - 1));
	if (authzid.len > 0) {
		struct fw_str value, rest = authzid;
		if (scram_attribute(&rest, 'a', &value) != FW_OK ||
		    server_read_name(value, &server->authzid) != FW_OK) {
			return FW_EPARSE;
		}
	}
	*size = (size_t)(second + 1 - message.ptr);
	return scram_text_add(&server->header, fw_str_n(message.ptr, *size));
}

int fw_scram_server_first(struct fw_scram_server *server, struct fw_str message,
                          struct fw_str *name, struct fw_str *authzid)
{
	struct fw_str rest, value;
	size_t header = 0;

	if (message.len >= FW_SCRAM_MESSAGE_SIZE) {
		return FW_ELIMIT;
	}
	if (server->header.len > 0 || message.len == 0) {
		return FW_EPARSE;
	}
	int ret = server_read_header(server, message, &header);
	if (ret != FW_OK) {
		return ret;
	}
	rest = fw_str_n(message.ptr + header, message.len - header);
	(void)scram_text_add(&server->said.client_first, rest); /* shorter than the message */
	rest = scram_text(&server->said.client_first);
	if (scram_attribute(&rest, 'n', &value) != FW_OK ||
	    server_read_name(value, &server->name) != FW_OK ||
	    scram_attribute(&rest, 'r', &server->client_nonce) != FW_OK ||
	    !scram_nonce_is_good(server->client_nonce) || !scram_extensions_are_good(rest)) {
		return FW_EPARSE;
	}
	*name = scram_text(&server->name);
	*authzid = scram_text(&server->authzid);
	return FW_OK;
}

struct fw_str fw_scram_server_name(const struct fw_scram_server *server)
{
	return scram_text(&server->name);
}

/* ---- challenge ---- */

const char *fw_scram_server_challenge(struct fw_scram_server *server, const unsigned char *salt,
                                      uint32_t iterations, char out[FW_SCRAM_MESSAGE_SIZE])
{
	char encoded[FW_BASE64_SIZE(FW_SCRAM_SALT_SIZE)];
	struct scram_text *said = &server->said.server_first;

	fw_base64_write(fw_str_n((const char *)salt, FW_SCRAM_SALT_SIZE), encoded);
	snprintf(server->nonce, sizeof(server->nonce), "%.*s%s", FW_STR_ARG(server->client_nonce),
	         server->own_nonce);
	said->len = (size_t)snprintf(said->bytes, sizeof(said->bytes), "r=%s,s=%s,i=%u",
	                             server->nonce, encoded, iterations);
	memcpy(out, said->bytes, said->len + 1);
	return out;
}

/* ---- client-final-message ---- */

static bool server_binding_fits(const struct fw_scram_server *server, struct fw_str given)
{
	char expected[FW_BASE64_SIZE(SCRAM_BINDING_INPUT_MAX)];

	scram_binding_write(scram_text(&server->header),
	                    server->plus ? server->binding : fw_str(NULL), expected);
	return fw_equal_const_time(given, fw_str(expected));
}

/* RFC 5802 §3: ClientKey = ClientProof XOR ClientSignature; its digest is what is stored. */
static bool server_proof_is_right(const struct fw_scram_server *server,
                                  const struct fw_scram_keys *keys, unsigned char *proof)
{
	static const struct fw_scram_keys nobody;
	unsigned char digest[FW_SHA256_SIZE];
	const struct fw_scram_keys *used = keys != NULL ? keys : &nobody;

	scram_sign(used->stored_key, &server->said, digest);
	scram_xor(proof, digest);
	fw_sha256(fw_str_n((const char *)proof, FW_SHA256_SIZE), digest);
	bool right = fw_equal_const_time(
	        fw_str_n((const char *)digest, sizeof(digest)),
	        fw_str_n((const char *)used->stored_key, sizeof(used->stored_key)));
	return right && keys != NULL;
}

int fw_scram_server_final(struct fw_scram_server *server, const struct fw_scram_keys *keys,
                          struct fw_str message, char out[FW_SCRAM_MESSAGE_SIZE])
{
	struct fw_str rest, binding, nonce, proof_text;
	unsigned char proof[FW_SHA256_SIZE];
	char encoded[FW_BASE64_SIZE(FW_SHA256_SIZE)];
	const char *last = message.len > 0 ? memrchr(message.ptr, ',', message.len) : NULL;

	if (message.len >= FW_SCRAM_MESSAGE_SIZE || last == NULL ||
	    server->said.server_first.len == 0 || server->said.client_final.len > 0) {
		return FW_EPARSE;
	}
	rest = fw_str_n(last + 1, message.len - (size_t)(last + 1 - message.ptr));
	if (scram_attribute(&rest, 'p', &proof_text) != FW_OK ||
	    scram_digest_read(proof_text, proof) != FW_OK) {
		return FW_EPARSE;
	}
	(void)scram_text_add(&server->said.client_final,
	                     fw_str_n(message.ptr, (size_t)(last - message.ptr)));
	rest = scram_text(&server->said.client_final);
	if (scram_attribute(&rest, 'c', &binding) != FW_OK ||
	    scram_attribute(&rest, 'r', &nonce) != FW_OK || !scram_extensions_are_good(rest)) {
		return FW_EPARSE;
	}
	bool fits = server_binding_fits(server, binding) &&
	            fw_equal_const_time(nonce, fw_str(server->nonce));
	if (!server_proof_is_right(server, keys, proof) || !fits) {
		return FW_EDENIED;
	}
	scram_sign(keys->server_key, &server->said, proof);
	fw_base64_write(fw_str_n((const char *)proof, sizeof(proof)), encoded);
	snprintf(out, FW_SCRAM_MESSAGE_SIZE, "v=%s", encoded);
	return FW_OK;
}
