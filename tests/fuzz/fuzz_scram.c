/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the messages of SCRAM. The input's lines are what a client sends (first, final) and
 * what a server sends (first, final). Whatever comes, nobody who lacks the secret gets in, names
 * lie within bounds, and a client computes no more than it allows.
 */
#include <string.h>

#include <fedway/io/scram.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fw_str next_line(struct fw_str *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->ptr, '\n', rest->len) : NULL;
	struct fw_str line = *rest;

	if (end == NULL) {
		*rest = fw_str_n(rest->ptr, 0);
		return line;
	}
	line.len = (size_t)(end - rest->ptr);
	*rest = fw_str_n(end + 1, rest->len - line.len - 1);
	return line;
}

static void play_server(bool plus, struct fw_str first, struct fw_str final)
{
	static const unsigned char salt[FW_SCRAM_SALT_SIZE] = "0123456789abcdef";
	static const char binding[] = "0123456789abcdef0123456789abcdef";
	static struct fw_scram_keys keys; /* of no secret that the input could know */
	struct fw_scram_server *server = NULL;
	struct fw_str name, authzid;
	char out[FW_SCRAM_MESSAGE_SIZE];

	if (keys.iterations == 0) {
		fw_random(&keys, sizeof(keys));
	}
	fw_assert(fw_scram_server_new(
	                  plus, plus ? fw_str_n(binding, FW_SCRAM_BINDING_SIZE) : fw_str(NULL),
	                  &server) == FW_OK);
	if (fw_scram_server_first(server, first, &name, &authzid) == FW_OK) {
		fw_assert(name.len > 0 && name.len < first.len && authzid.len < first.len);
		fw_scram_server_challenge(server, salt, FW_SCRAM_ITERATIONS_DEFAULT, out);
		fw_assert(strlen(out) < FW_SCRAM_MESSAGE_SIZE);
	}
	fw_assert(fw_scram_server_final(server, &keys, final, out) != FW_OK);
	fw_scram_server_free(&server);
}

static void play_client(struct fw_str first, struct fw_str final)
{
	const struct fw_scram_client_settings settings = {
		.name = "a.example",
		.iterations_max = FW_SCRAM_ITERATIONS_MIN,
		.nonce = "n",
	};
	struct fw_scram_client *client = NULL;
	struct fw_scram_keys keys = { 0 };
	char out[FW_SCRAM_MESSAGE_SIZE];

	fw_assert(fw_scram_client_new(&settings, &client) == FW_OK);
	if (fw_scram_client_final(client, first, fw_str("secret"), &keys, out) == FW_OK) {
		fw_assert(keys.iterations == FW_SCRAM_ITERATIONS_MIN);
		fw_assert(strlen(out) < FW_SCRAM_MESSAGE_SIZE);
	}
	(void)fw_scram_client_verify(client, final);
	fw_scram_client_free(&client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_str rest = fw_str_n((const char *)data, size);
	struct fw_str lines[4];

	for (size_t i = 0; i < FW_COUNT(lines); i++) {
		lines[i] = next_line(&rest);
	}
	play_server(false, lines[0], lines[1]);
	play_server(true, lines[0], lines[1]);
	play_client(lines[2], lines[3]);
	return 0;
}
