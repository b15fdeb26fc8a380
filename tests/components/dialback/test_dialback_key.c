/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * dialback_key.c: the published vectors of XEP-0185 §3 and XEP-0220 §2, and what must not pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <fedway/jid.h>

#include "components/dialback/dialback_key.h"

static struct fw_secret secret_of(const char *text)
{
	return (struct fw_secret){ .bytes = text, .len = strlen(text) };
}

static const struct {
	const char *secret, *receiving, *originating, *id, *key;
} vectors[] = {
	{ "s3cr3tf0rd14lb4ck", "xmpp.example.com", "example.org", "D60000229F",
	  "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643" },
	{ "s3cr3tf0rd14lb4ck", "montague.example", "capulet.example", "D60000229F",
	  "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3" },
	{ "d14lb4ck43v3r", "capulet.example", "montague.example", "417GAF25",
	  "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d" },
	{ "fedway-secret", "montague.example", "capulet.example", "S1D0001",
	  "358dd62a28257237b615041a7ec37726803fd4c41b93d30b64fc6d13199ab942" },
};

/* Row 1 with the 32 raw bytes of the digest as the key of the HMAC, which is the usual mistake. */
static const char raw_digest[] = "4530485cd3f519a56e49b11b294b990ee9697dddaa9e95949e4cb0e64e9f017f";

static void test_vectors(void **state)
{
	const struct fw_secret none = { NULL, 0, NULL };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(vectors); i++) {
		const struct fw_secret secret = secret_of(vectors[i].secret);
		struct dialback_secrets secrets;
		char key[DIALBACK_KEY_SIZE];

		dialback_secrets_set(&secrets, &secret, &none);
		assert_int_equal(dialback_key_make(secrets.current, fw_str(vectors[i].receiving),
		                                   fw_str(vectors[i].originating),
		                                   fw_str(vectors[i].id), key),
		                 FW_OK);
		assert_string_equal(key, vectors[i].key);
		assert_string_not_equal(key, raw_digest);
	}
}

static bool check(const struct dialback_secrets *secrets, const char *receiving,
                  const char *originating, const char *id, const char *key)
{
	return dialback_key_check(secrets, fw_str(receiving), fw_str(originating), fw_str(id),
	                          fw_str(key));
}

static void test_check(void **state)
{
	const struct fw_secret secret = secret_of(vectors[0].secret), none = { NULL, 0, NULL };
	struct dialback_secrets secrets;
	char spaced[128], cut[128];
	const char *r = vectors[0].receiving, *o = vectors[0].originating, *id = vectors[0].id;

	(void)state;
	dialback_secrets_set(&secrets, &secret, &none);
	snprintf(spaced, sizeof(spaced), "\n    %s\t\r\n", vectors[0].key);
	assert_true(check(&secrets, r, o, id, vectors[0].key));
	assert_true(check(&secrets, r, o, id, spaced));
	assert_false(check(&secrets, r, o, id, raw_digest));
	assert_false(check(&secrets, o, r, id, vectors[0].key));
	assert_false(check(&secrets, r, o, "D60000229E", vectors[0].key));
	assert_false(check(&secrets, r, o, id, ""));
	assert_false(check(&secrets, r, o, "", vectors[0].key));
	for (size_t len = 0; len < strlen(vectors[0].key); len++) {
		snprintf(cut, sizeof(cut), "%.*s", (int)len, vectors[0].key);
		assert_false(check(&secrets, r, o, id, cut));
	}
	for (size_t at = 0; at < strlen(vectors[0].key); at++) {
		snprintf(cut, sizeof(cut), "%s", vectors[0].key);
		cut[at] = cut[at] == '0' ? '1' : '0';
		assert_false(check(&secrets, r, o, id, cut));
	}
	snprintf(cut, sizeof(cut), "%s0", vectors[0].key);
	assert_false(check(&secrets, r, o, id, cut));
}

static void test_two_secrets(void **state)
{
	const struct fw_secret old = secret_of("s3cr3tf0rd14lb4ck"),
	                       new = secret_of("d14lb4ck43v3r");
	const struct fw_secret none = { NULL, 0, NULL };
	struct dialback_secrets both, only;
	char key[DIALBACK_KEY_SIZE];

	(void)state;
	dialback_secrets_set(&both, &new, &old);
	dialback_secrets_set(&only, &new, &none);
	assert_false(dialback_secrets_eq(&both, &only));
	for (size_t i = 0; i < 3; i++) {
		assert_true(check(&both, vectors[i].receiving, vectors[i].originating,
		                  vectors[i].id, vectors[i].key));
		assert_int_equal(check(&only, vectors[i].receiving, vectors[i].originating,
		                       vectors[i].id, vectors[i].key),
		                 i == 2); /* only that one was made with the new secret */
	}
	dialback_key_make(both.current, fw_str(vectors[2].receiving),
	                  fw_str(vectors[2].originating), fw_str(vectors[2].id), key);
	assert_string_equal(key, vectors[2].key); /* new keys are made with the new secret */
}

static void test_limits(void **state)
{
	char id[DIALBACK_ID_MAX + 2], domain[FW_DOMAIN_SIZE + 1], key[DIALBACK_KEY_SIZE];
	struct dialback_secrets secrets;
	const struct fw_secret secret = secret_of("x"), none = { NULL, 0, NULL };

	(void)state;
	dialback_secrets_set(&secrets, &secret, &none);
	memset(id, 'i', sizeof(id));
	memset(domain, 'd', sizeof(domain));
	assert_int_equal(dialback_key_make(secrets.current, fw_str_n(domain, 255),
	                                   fw_str_n(domain, 255), fw_str_n(id, DIALBACK_ID_MAX),
	                                   key),
	                 FW_OK);
	assert_int_equal(dialback_key_make(secrets.current, fw_str("a"), fw_str("b"),
	                                   fw_str_n(id, DIALBACK_ID_MAX + 1), key),
	                 FW_ELIMIT);
	assert_int_equal(dialback_key_make(secrets.current, fw_str_n(domain, 256), fw_str("b"),
	                                   fw_str("i"), key),
	                 FW_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_two_secrets),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("dialback_key", tests, NULL, NULL);
}
