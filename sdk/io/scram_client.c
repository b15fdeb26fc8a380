/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The client's side of SCRAM (RFC 5802 §5): proves that we know a secret, and checks that the
 * server knows it too. Called by who dials out: routers of rows with a host. What a server asks us
 * to compute is bounded, since it has proved nothing yet.
 */
#include "sdk/io/scram_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fw_scram_client {
	char own_nonce[SCRAM_NONCE_MAX + 1];
	uint32_t iterations_max;
	struct fw_str binding; /* in binding_bytes */
	char binding_bytes[FW_SCRAM_BINDING_SIZE];
	struct scram_text header, first;
	struct scram_said said;
	unsigned char server_key[FW_SHA256_SIZE];
};

/* ---- client-first-message ---- */

static int client_add_name(struct scram_text *text, const char *name)
{
	int ret = FW_OK;

	for (; *name != '\0' && ret == FW_OK; name++) {
		ret = scram_text_add(text, *name == ','   ? fw_str("=2C")
		                           : *name == '=' ? fw_str("=3D")
		                                          : fw_str_n(name, 1));
	}
	return ret;
}

static int client_write_first(struct fw_scram_client *client,
                              const struct fw_scram_client_settings *settings)
{
	static const char *const flags[] = {
		[FW_SCRAM_BINDING_NONE] = "n,",
		[FW_SCRAM_BINDING_UNOFFERED] = "y,",
		[FW_SCRAM_BINDING_USED] = "p=" SCRAM_BINDING_TYPE ",",
	};
	struct scram_text *header = &client->header, *bare = &client->said.client_first;
	int ret = scram_text_add(header, fw_str(flags[settings->binding]));

	if (ret == FW_OK && settings->authzid != NULL && settings->authzid[0] != '\0') {
		(void)scram_text_add(header, fw_str("a="));
		ret = client_add_name(header, settings->authzid);
	}
	if (ret == FW_OK) {
		ret = scram_text_add(header, fw_str(","));
	}
	(void)scram_text_add(bare, fw_str("n="));
	if (ret == FW_OK) {
		ret = client_add_name(bare, settings->name);
	}
	if (ret == FW_OK) {
		ret = scram_text_add(bare, fw_str(",r="));
	}
	if (ret == FW_OK) {
		ret = scram_text_add(bare, fw_str(client->own_nonce));
	}
	(void)scram_text_add(&client->first, scram_text(header));
	return ret == FW_OK ? scram_text_add(&client->first, scram_text(bare)) : ret;
}

int fw_scram_client_new(const struct fw_scram_client_settings *settings,
                        struct fw_scram_client **out)
{
	struct fw_scram_client *client;
	int ret;

	if (settings->name == NULL || settings->name[0] == '\0' ||
	    (settings->binding == FW_SCRAM_BINDING_USED &&
	     settings->binding_data.len != FW_SCRAM_BINDING_SIZE)) {
		return FW_EINVAL;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		return FW_ENOMEM;
	}
	fw_random_id(client->own_nonce);
	if (settings->nonce != NULL) {
		snprintf(client->own_nonce, sizeof(client->own_nonce), "%s", settings->nonce);
	}
	client->iterations_max =
	        settings->iterations_max != 0 ? settings->iterations_max : FW_SCRAM_ITERATIONS_MAX;
	if (settings->binding == FW_SCRAM_BINDING_USED) {
		memcpy(client->binding_bytes, settings->binding_data.ptr, FW_SCRAM_BINDING_SIZE);
		client->binding = fw_str_n(client->binding_bytes, FW_SCRAM_BINDING_SIZE);
	}
	ret = client_write_first(client, settings);
	if (ret != FW_OK) {
		fw_scram_client_free(&client);
		return ret;
	}
	*out = client;
	return FW_OK;
}

void fw_scram_client_free(struct fw_scram_client **client)
{
	if (*client != NULL) {
		explicit_bzero(*client, sizeof(**client));
	}
	free(*client);
	*client = NULL;
}

const char *fw_scram_client_first(const struct fw_scram_client *client)
{
	return client->first.bytes;
}

/* ---- server-first-message ---- */

/* The costly step is done when it is asked for something new only. */
static void client_keys(struct fw_str secret, struct fw_str salt, uint32_t iterations,
                        struct fw_scram_keys *keys)
{
	if (keys->iterations != iterations ||
	    !fw_str_eq(salt, fw_str_n((const char *)keys->salt, keys->salt_size))) {
		fw_scram_derive(secret, salt, iterations, keys);
	}
}

static int client_read_challenge(struct fw_scram_client *client, struct fw_str message,
                                 struct fw_str *nonce, unsigned char *salt, size_t *salt_size,
                                 uint32_t *iterations)
{
	struct fw_str rest, salt_text, count_text;
	size_t own = strlen(client->own_nonce);
	uint64_t count = 0;

	if (message.len == 0 || message.len >= FW_SCRAM_MESSAGE_SIZE ||
	    client->said.server_first.len > 0) {
		return FW_EPARSE;
	}
	(void)scram_text_add(&client->said.server_first, message);
	rest = scram_text(&client->said.server_first);
	if (scram_attribute(&rest, 'r', nonce) != FW_OK || !scram_nonce_is_good(*nonce) ||
	    scram_attribute(&rest, 's', &salt_text) != FW_OK ||
	    scram_attribute(&rest, 'i', &count_text) != FW_OK || !scram_extensions_are_good(rest)) {
		return FW_EPARSE;
	}
	int ret = fw_base64_read(salt_text, (char *)salt, FW_SCRAM_SALT_MAX, salt_size);
	if (ret == FW_OK) {
		ret = fw_str_to_u64(count_text, client->iterations_max, &count);
	}
	if (ret != FW_OK) {
		return ret;
	}
	/* RFC 5802 §5.1 "r": the server's nonce begins with ours and has something of its own. */
	if (nonce->len <= own || memcmp(nonce->ptr, client->own_nonce, own) != 0 ||
	    count < FW_SCRAM_ITERATIONS_MIN) {
		return FW_EDENIED;
	}
	*iterations = (uint32_t)count;
	return FW_OK;
}

int fw_scram_client_final(struct fw_scram_client *client, struct fw_str message,
                          struct fw_str secret, struct fw_scram_keys *keys,
                          char out[FW_SCRAM_MESSAGE_SIZE])
{
	char binding[FW_BASE64_SIZE(SCRAM_BINDING_INPUT_MAX)];
	char encoded[FW_BASE64_SIZE(FW_SHA256_SIZE)];
	unsigned char proof[FW_SHA256_SIZE], salt[FW_SCRAM_SALT_MAX];
	struct scram_text *said = &client->said.client_final;
	struct fw_str nonce;
	uint32_t iterations = 0;
	size_t salt_size = 0;

	int ret = client_read_challenge(client, message, &nonce, salt, &salt_size, &iterations);
	if (ret != FW_OK) {
		return ret;
	}
	scram_binding_write(scram_text(&client->header), client->binding, binding);
	int len = snprintf(said->bytes, sizeof(said->bytes), "c=%s,r=%.*s", binding,
	                   FW_STR_ARG(nonce));
	if (len < 0 || (size_t)len + sizeof(encoded) + 3 > sizeof(said->bytes)) {
		said->bytes[0] = '\0';
		return FW_ELIMIT;
	}
	said->len = (size_t)len;
	client_keys(secret, fw_str_n((const char *)salt, salt_size), iterations, keys);
	memcpy(client->server_key, keys->server_key, sizeof(client->server_key));
	scram_sign(keys->stored_key, &client->said, proof);
	scram_xor(proof, keys->client_key);
	fw_base64_write(fw_str_n((const char *)proof, sizeof(proof)), encoded);
	memcpy(out, said->bytes, said->len); /* there is room: see above */
	snprintf(out + said->len, FW_SCRAM_MESSAGE_SIZE - said->len, ",p=%s", encoded);
	return FW_OK;
}

/* ---- server-final-message ---- */

int fw_scram_client_verify(const struct fw_scram_client *client, struct fw_str message)
{
	unsigned char expected[FW_SHA256_SIZE], given[FW_SHA256_SIZE];
	struct fw_str rest = message, value;

	if (client->said.client_final.len == 0) {
		return FW_EPARSE;
	}
	if (scram_attribute(&rest, 'e', &value) == FW_OK) {
		return FW_EDENIED;
	}
	if (scram_attribute(&rest, 'v', &value) != FW_OK || !scram_extensions_are_good(rest) ||
	    scram_digest_read(value, given) != FW_OK) {
		return FW_EPARSE;
	}
	scram_sign(client->server_key, &client->said, expected);
	return fw_equal_const_time(fw_str_n((const char *)given, sizeof(given)),
	                           fw_str_n((const char *)expected, sizeof(expected)))
	               ? FW_OK
	               : FW_EDENIED;
}
