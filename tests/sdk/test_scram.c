/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SCRAM: the conversation of RFC 7677 §3 from both ends, our two sides with each other, and what
 * each must refuse: every cut, every changed character, wrong secrets, wrong channels, and servers
 * that ask for too much or too little work.
 */
#include <fedway/io/scram.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 7677 §3 */
#define RFC_CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_FIRST "n,,n=user,r=" RFC_CLIENT_NONCE
#define RFC_CHALLENGE "r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define RFC_FINAL \
	"c=biws,r=" RFC_CLIENT_NONCE RFC_SERVER_NONCE \
	",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_VERIFIER "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static const char binding[FW_SCRAM_BINDING_SIZE + 1] = "abcdefghijklmnopqrstuvwxyz012345";
static const char other_binding[FW_SCRAM_BINDING_SIZE + 1] = "zbcdefghijklmnopqrstuvwxyz012345";

static struct fw_str binding_of(const char *bytes)
{
	return bytes != NULL ? fw_str_n(bytes, FW_SCRAM_BINDING_SIZE) : fw_str(NULL);
}

static void rfc_salt(unsigned char out[FW_SCRAM_SALT_SIZE])
{
	size_t len = 0;

	assert_int_equal(fw_base64_read(fw_str("W22ZaJ0SNY7soEsUEjb6gQ=="), (char *)out,
	                                FW_SCRAM_SALT_SIZE, &len),
	                 FW_OK);
	assert_int_equal(len, FW_SCRAM_SALT_SIZE);
}

static void rfc_keys(const char *secret, struct fw_scram_keys *out)
{
	unsigned char salt[FW_SCRAM_SALT_SIZE];

	rfc_salt(salt);
	fw_scram_derive(fw_str(secret), fw_str_n((const char *)salt, sizeof(salt)), 4096, out);
}

/* A server that has read the first message of the RFC and has answered it. */
static struct fw_scram_server *rfc_server(void)
{
	struct fw_scram_server *server = NULL;
	struct fw_str name, authzid;
	unsigned char salt[FW_SCRAM_SALT_SIZE];
	char out[FW_SCRAM_MESSAGE_SIZE];

	assert_int_equal(fw_scram_server_new(false, fw_str(NULL), &server), FW_OK);
	fw_scram_server_set_nonce(server, RFC_SERVER_NONCE);
	assert_int_equal(fw_scram_server_first(server, fw_str(RFC_FIRST), &name, &authzid), FW_OK);
	assert_true(fw_str_is(name, "user"));
	assert_true(fw_str_is(fw_scram_server_name(server), "user"));
	assert_int_equal(authzid.len, 0);
	rfc_salt(salt);
	assert_string_equal(fw_scram_server_challenge(server, salt, 4096, out), RFC_CHALLENGE);
	return server;
}

static struct fw_scram_client *client_of(const struct fw_scram_client_settings *settings)
{
	struct fw_scram_client *client = NULL;

	assert_int_equal(fw_scram_client_new(settings, &client), FW_OK);
	return client;
}

static struct fw_scram_client *rfc_client(void)
{
	const struct fw_scram_client_settings settings = { .name = "user",
		                                           .nonce = RFC_CLIENT_NONCE };

	return client_of(&settings);
}

static void a_server_speaks_as_the_rfc(void **state)
{
	struct fw_scram_server *server = rfc_server();
	struct fw_scram_keys keys;
	char out[FW_SCRAM_MESSAGE_SIZE];

	(void)state;
	rfc_keys("pencil", &keys);
	assert_int_equal(fw_scram_server_final(server, &keys, fw_str(RFC_FINAL), out), FW_OK);
	assert_string_equal(out, RFC_VERIFIER);
	/* once: the same proof is not taken again */
	assert_int_equal(fw_scram_server_final(server, &keys, fw_str(RFC_FINAL), out), FW_EPARSE);
	fw_scram_server_free(&server);
	assert_null(server);
}

static void a_client_speaks_as_the_rfc(void **state)
{
	struct fw_scram_client *client = rfc_client();
	struct fw_scram_keys keys = { 0 };
	char out[FW_SCRAM_MESSAGE_SIZE];

	(void)state;
	assert_string_equal(fw_scram_client_first(client), RFC_FIRST);
	assert_int_equal(fw_scram_client_verify(client, fw_str(RFC_VERIFIER)), FW_EPARSE);
	assert_int_equal(
	        fw_scram_client_final(client, fw_str(RFC_CHALLENGE), fw_str("pencil"), &keys, out),
	        FW_OK);
	assert_string_equal(out, RFC_FINAL);
	assert_int_equal(keys.iterations, 4096);
	assert_int_equal(fw_scram_client_verify(client, fw_str(RFC_VERIFIER)), FW_OK);
	assert_int_equal(fw_scram_client_verify(client, fw_str("e=other-error")), FW_EDENIED);
	fw_scram_client_free(&client);
	assert_null(client);
}

static void kept_keys_are_used_while_they_fit(void **state)
{
	struct fw_scram_keys keys = { 0 };
	char out[FW_SCRAM_MESSAGE_SIZE];

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct fw_scram_client *client = rfc_client();
		/* the second time the secret is not looked at: the keys are there */
		assert_int_equal(fw_scram_client_final(client, fw_str(RFC_CHALLENGE),
		                                       fw_str(round == 0 ? "pencil" : "x"), &keys,
		                                       out),
		                 FW_OK);
		assert_string_equal(out, RFC_FINAL);
		fw_scram_client_free(&client);
	}
	struct fw_scram_client *client = rfc_client();
	const char *other = "r=" RFC_CLIENT_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4097";
	assert_int_equal(fw_scram_client_final(client, fw_str(other), fw_str("x"), &keys, out),
	                 FW_OK);
	assert_int_equal(keys.iterations, 4097);
	fw_scram_client_free(&client);
}

/* ---- our two sides with each other ---- */

struct talk {
	const char *name, *authzid, *secret, *known;
	enum fw_scram_binding flag;
	bool plus;                           /* the mechanism that was chosen */
	const char *client_tls, *server_tls; /* binding data; NULL: none */
	int first, final;
};

static void run_talk(const struct talk *talk)
{
	const struct fw_scram_client_settings settings = {
		.name = talk->name,
		.authzid = talk->authzid,
		.binding = talk->flag,
		.binding_data = binding_of(talk->client_tls),
	};
	struct fw_scram_client *client = client_of(&settings);
	struct fw_scram_server *server = NULL;
	struct fw_scram_keys client_keys = { 0 }, keys;
	unsigned char salt[FW_SCRAM_SALT_SIZE];
	char challenge[FW_SCRAM_MESSAGE_SIZE], final[FW_SCRAM_MESSAGE_SIZE];
	char verifier[FW_SCRAM_MESSAGE_SIZE];
	struct fw_str name, authzid;

	assert_int_equal(fw_scram_server_new(talk->plus, binding_of(talk->server_tls), &server),
	                 FW_OK);
	int ret = fw_scram_server_first(server, fw_str(fw_scram_client_first(client)), &name,
	                                &authzid);
	assert_int_equal(ret, talk->first);
	if (ret == FW_OK) {
		assert_true(fw_str_is(name, talk->name));
		assert_true(fw_str_eq(authzid, fw_str(talk->authzid)));
		fw_scram_salt(name, salt);
		fw_scram_server_challenge(server, salt, 4096, challenge);
		assert_int_equal(fw_scram_client_final(client, fw_str(challenge),
		                                       fw_str(talk->secret), &client_keys, final),
		                 FW_OK);
		if (talk->known != NULL) {
			fw_scram_derive(fw_str(talk->known),
			                fw_str_n((const char *)salt, sizeof(salt)), 4096, &keys);
		}
		ret = fw_scram_server_final(server, talk->known != NULL ? &keys : NULL,
		                            fw_str(final), verifier);
		assert_int_equal(ret, talk->final);
	}
	if (ret == FW_OK) {
		assert_int_equal(fw_scram_client_verify(client, fw_str(verifier)), FW_OK);
	}
	fw_scram_client_free(&client);
	fw_scram_server_free(&server);
}

static void both_sides_understand_each_other(void **state)
{
	static const struct talk rows[] = {
		{ "a.example", NULL, "s", "s", FW_SCRAM_BINDING_NONE, false, NULL, NULL, FW_OK,
		  FW_OK },
		{ "a=b,c", "d,=", "s", "s", FW_SCRAM_BINDING_NONE, false, NULL, NULL, FW_OK,
		  FW_OK },
		{ "b\xc3\xbc"
		  "cher.example",
		  NULL,
		  "gr\xc3\xbc\xc3\x9f"
		  "e",
		  "gr\xc3\xbc\xc3\x9f"
		  "e",
		  FW_SCRAM_BINDING_NONE, false, NULL, NULL, FW_OK, FW_OK },
		{ "a", NULL, "s", "t", FW_SCRAM_BINDING_NONE, false, NULL, NULL, FW_OK,
		  FW_EDENIED },
		{ "nobody", NULL, "s", NULL, FW_SCRAM_BINDING_NONE, false, NULL, NULL, FW_OK,
		  FW_EDENIED },
		/* RFC 5802 §6, RFC 9266 */
		{ "a", NULL, "s", "s", FW_SCRAM_BINDING_USED, true, binding, binding, FW_OK,
		  FW_OK },
		{ "a", NULL, "s", "s", FW_SCRAM_BINDING_USED, true, binding, other_binding, FW_OK,
		  FW_EDENIED },
		{ "a", NULL, "s", "s", FW_SCRAM_BINDING_UNOFFERED, false, NULL, NULL, FW_OK,
		  FW_OK },
		/* it was offered: somebody has cut it out */
		{ "a", NULL, "s", "s", FW_SCRAM_BINDING_UNOFFERED, false, NULL, binding, FW_EDENIED,
		  0 },
		{ "a", NULL, "s", "s", FW_SCRAM_BINDING_NONE, false, NULL, binding, FW_OK, FW_OK },
		{ "a", NULL, "s", "s", FW_SCRAM_BINDING_NONE, true, NULL, binding, FW_EDENIED, 0 },
		{ "a", NULL, "s", "s", FW_SCRAM_BINDING_USED, false, binding, binding, FW_EDENIED,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		run_talk(&rows[i]);
	}
}

static void salts_tell_nothing(void **state)
{
	unsigned char a[FW_SCRAM_SALT_SIZE], b[FW_SCRAM_SALT_SIZE];

	(void)state;
	fw_scram_salt(fw_str("a"), a);
	fw_scram_salt(fw_str("a"), b);
	assert_memory_equal(a, b, sizeof(a));
	fw_scram_salt(fw_str("b"), b);
	assert_memory_not_equal(a, b, sizeof(a));
}

/* ---- what is refused ---- */

static int first_result(struct fw_str message)
{
	struct fw_scram_server *server = NULL;
	struct fw_str name, authzid;
	/* of its own size, so that a read behind the end is seen */
	char *copy = malloc(message.len > 0 ? message.len : 1);

	assert_non_null(copy);
	memcpy(copy, message.ptr, message.len);
	assert_int_equal(fw_scram_server_new(false, fw_str(NULL), &server), FW_OK);
	int ret = fw_scram_server_first(server, fw_str_n(copy, message.len), &name, &authzid);
	fw_scram_server_free(&server);
	free(copy);
	return ret;
}

static void bad_first_messages_are_refused(void **state)
{
	static const struct {
		const char *text;
		int ret;
	} rows[] = {
		{ RFC_FIRST, FW_OK },
		{ "n,a=x,n=user,r=abc", FW_OK },
		{ "n,,n=user,r=abc,x=more,Y=even more", FW_OK },
		{ "", FW_EPARSE },
		{ "n", FW_EPARSE },
		{ "n,", FW_EPARSE },
		{ "n,,", FW_EPARSE },
		{ "n,,n=,r=abc", FW_EPARSE },
		{ "n,,n=user", FW_EPARSE },
		{ "n,,n=user,", FW_EPARSE },
		{ "n,,n=user,r=", FW_EPARSE },
		{ "n,,n=user,r=a b", FW_EPARSE },
		{ "n,,n=user,r=a\xc3\xbc", FW_EPARSE },
		{ "n,,r=abc,n=user", FW_EPARSE },
		{ "n,,m=must,n=user,r=abc", FW_EPARSE },
		{ "n,,n=user,r=abc,m=must", FW_EPARSE },
		{ "n,,n=user,r=abc,", FW_EPARSE },
		{ "n,,n=user,r=abc,1=x", FW_EPARSE },
		{ "n,,n=user,r=abc,x", FW_EPARSE },
		{ "n,,n=us=er,r=abc", FW_EPARSE },
		{ "n,,n=us=2cer,r=abc", FW_EPARSE },
		{ "n,,n=user=,r=abc", FW_EPARSE },
		{ "n,,n=user=2,r=abc", FW_EPARSE },
		{ "n,b=x,n=user,r=abc", FW_EPARSE },
		{ "n,a=,n=user,r=abc", FW_EPARSE },
		{ "N,,n=user,r=abc", FW_EPARSE },
		{ "p=,,n=user,r=abc", FW_EPARSE },
		{ "p=tls-exporter,,n=user,r=abc", FW_EDENIED },
	};
	static char much[FW_SCRAM_MESSAGE_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (first_result(fw_str(rows[i].text)) != rows[i].ret) {
			fail_msg("first message: %s", rows[i].text);
		}
	}
	memset(much, 'a', sizeof(much) - 1);
	memcpy(much, "n,,n=user,r=", 12);
	assert_int_equal(first_result(fw_str(much)), FW_ELIMIT);
	much[12 + 257] = '\0';
	assert_int_equal(first_result(fw_str(much)), FW_EPARSE); /* the nonce */
	much[12 + 256] = '\0';
	assert_int_equal(first_result(fw_str(much)), FW_OK);
	assert_int_equal(first_result(fw_str_n("n,,n=us\0er,r=abc", 16)), FW_EPARSE);
}

static void every_cut_of_a_proof_is_refused(void **state)
{
	struct fw_scram_keys keys;
	char out[FW_SCRAM_MESSAGE_SIZE];

	(void)state;
	rfc_keys("pencil", &keys);
	for (size_t cut = 0; cut < strlen(RFC_FINAL); cut++) {
		struct fw_scram_server *server = rfc_server();
		assert_int_not_equal(
		        fw_scram_server_final(server, &keys, fw_str_n(RFC_FINAL, cut), out), FW_OK);
		fw_scram_server_free(&server);
	}
}

static void every_changed_character_is_refused(void **state)
{
	struct fw_scram_keys keys;
	char out[FW_SCRAM_MESSAGE_SIZE], text[] = RFC_FINAL;

	(void)state;
	rfc_keys("pencil", &keys);
	for (size_t i = 0; i < strlen(RFC_FINAL); i++) {
		struct fw_scram_server *server = rfc_server();
		text[i] ^= 1;
		assert_int_not_equal(fw_scram_server_final(server, &keys, fw_str(text), out),
		                     FW_OK);
		text[i] ^= 1;
		fw_scram_server_free(&server);
	}
}

static void proofs_come_after_the_challenge(void **state)
{
	struct fw_scram_server *server = NULL;
	struct fw_scram_keys keys;
	struct fw_str name, authzid;
	char out[FW_SCRAM_MESSAGE_SIZE];

	(void)state;
	rfc_keys("pencil", &keys);
	assert_int_equal(fw_scram_server_new(false, fw_str(NULL), &server), FW_OK);
	assert_int_equal(fw_scram_server_final(server, &keys, fw_str(RFC_FINAL), out), FW_EPARSE);
	assert_int_equal(fw_scram_server_first(server, fw_str(RFC_FIRST), &name, &authzid), FW_OK);
	assert_int_equal(fw_scram_server_first(server, fw_str(RFC_FIRST), &name, &authzid),
	                 FW_EPARSE);
	fw_scram_server_free(&server);
}

static void a_client_does_not_do_all_that_it_is_asked(void **state)
{
#define MINE "r=" RFC_CLIENT_NONCE
	static const struct {
		const char *text;
		int ret;
	} rows[] = {
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=4096", FW_OK },
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=4096,x=new", FW_OK },
		{ MINE ",s=QSXCR+Q6sek8bf92,i=4096", FW_EDENIED }, /* nothing of its own */
		{ "r=other,s=QSXCR+Q6sek8bf92,i=4096", FW_EDENIED },
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=4095", FW_EDENIED },
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=100001", FW_ELIMIT },
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=99999999999999999999", FW_ELIMIT },
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=-1", FW_EPARSE },
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=", FW_EPARSE },
		{ MINE "x,s=QSXCR+Q6sek8bf9,i=4096", FW_EPARSE },
		{ MINE "x,s=,i=4096", FW_EPARSE },
		{ MINE "x,i=4096,s=QSXCR+Q6sek8bf92", FW_EPARSE },
		{ "m=must," MINE "x,s=QSXCR+Q6sek8bf92,i=4096", FW_EPARSE },
		{ MINE "x,s=QSXCR+Q6sek8bf92,i=4096,m=must", FW_EPARSE },
		{ MINE "x,s=QSXCR+Q6sek8bf92", FW_EPARSE },
		{ "e=other-error", FW_EPARSE },
		{ "", FW_EPARSE },
	};
	struct fw_scram_keys keys = { 0 };
	char out[FW_SCRAM_MESSAGE_SIZE], salt[160];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_scram_client *client = rfc_client();
		int ret = fw_scram_client_final(client, fw_str(rows[i].text), fw_str("pencil"),
		                                &keys, out);
		fw_scram_client_free(&client);
		if (ret != rows[i].ret) {
			fail_msg("challenge: %s", rows[i].text);
		}
	}
	/* 65 bytes of salt */
	snprintf(salt, sizeof(salt), MINE "x,s=%s%s%s,i=4096",
	         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAA=");
	struct fw_scram_client *client = rfc_client();
	assert_int_equal(fw_scram_client_final(client, fw_str(salt), fw_str("pencil"), &keys, out),
	                 FW_ELIMIT);
	fw_scram_client_free(&client);
}

static void a_server_that_does_not_know_the_secret_is_found_out(void **state)
{
	char verifier[] = RFC_VERIFIER, out[FW_SCRAM_MESSAGE_SIZE];
	struct fw_scram_client *client = rfc_client();
	struct fw_scram_keys keys = { 0 };

	(void)state;
	assert_int_equal(
	        fw_scram_client_final(client, fw_str(RFC_CHALLENGE), fw_str("pencil"), &keys, out),
	        FW_OK);
	for (size_t i = 0; i < strlen(verifier); i++) {
		verifier[i] ^= 1;
		assert_int_not_equal(fw_scram_client_verify(client, fw_str(verifier)), FW_OK);
		verifier[i] ^= 1;
		assert_int_not_equal(fw_scram_client_verify(client, fw_str_n(verifier, i)), FW_OK);
	}
	assert_int_equal(fw_scram_client_verify(client, fw_str(verifier)), FW_OK);
	fw_scram_client_free(&client);
}

static void clients_need_a_name(void **state)
{
	struct fw_scram_client *client = NULL;
	struct fw_scram_client_settings settings = { 0 };
	static char much[FW_SCRAM_MESSAGE_SIZE];

	(void)state;
	assert_int_equal(fw_scram_client_new(&settings, &client), FW_EINVAL);
	settings.name = "";
	assert_int_equal(fw_scram_client_new(&settings, &client), FW_EINVAL);
	settings.name = "a";
	settings.binding = FW_SCRAM_BINDING_USED;
	assert_int_equal(fw_scram_client_new(&settings, &client), FW_EINVAL);
	settings.binding = FW_SCRAM_BINDING_NONE;
	memset(much, '=', sizeof(much) - 1);
	settings.name = much;
	assert_int_equal(fw_scram_client_new(&settings, &client), FW_ELIMIT);
	assert_null(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_speaks_as_the_rfc),
		cmocka_unit_test(a_client_speaks_as_the_rfc),
		cmocka_unit_test(kept_keys_are_used_while_they_fit),
		cmocka_unit_test(both_sides_understand_each_other),
		cmocka_unit_test(salts_tell_nothing),
		cmocka_unit_test(bad_first_messages_are_refused),
		cmocka_unit_test(every_cut_of_a_proof_is_refused),
		cmocka_unit_test(every_changed_character_is_refused),
		cmocka_unit_test(proofs_come_after_the_challenge),
		cmocka_unit_test(a_client_does_not_do_all_that_it_is_asked),
		cmocka_unit_test(a_server_that_does_not_know_the_secret_is_found_out),
		cmocka_unit_test(clients_need_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
