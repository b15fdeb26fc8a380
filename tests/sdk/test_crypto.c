/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Digests against published vectors, ids that differ, comparison.
 */
#include <fedway/io/crypto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void digests_match_their_vectors(void **state)
{
	char sha1[FW_SHA1_HEX_SIZE];
	char sha256[FW_SHA256_HEX_SIZE];

	(void)state;
	fw_sha1_hex(fw_str("a"), fw_str("bc"), sha1); /* FIPS 180-4: "abc" */
	assert_string_equal(sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
	fw_sha1_hex(fw_str(NULL), fw_str(""), sha1);
	assert_string_equal(sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	fw_sha256_hex(fw_str("s3cr3tf0rd14lb4ck"), sha256);
	assert_string_equal(sha256, "a7136eb1f46c9ef18c5e78c36ca25706"
	                            "7c69b3d518285f0b18a96c33beae9acc");
	fw_sha256_hex(fw_str("abc"), sha256);
	assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223"
	                            "b00361a396177a9cb410ff61f20015ad");
}

static void hmac_matches_its_vectors(void **state)
{
	static const struct {
		const char *key, *data, *hex;
	} rows[] = {
		/* RFC 4231 §4.3 */
		{ "Jefe", "what do ya want for nothing?",
		  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
		/* XEP-0185 §3 and XEP-0220 §2.1.1: the key is the digest of the secret as text. */
		{ "a7136eb1f46c9ef18c5e78c36ca257067c69b3d518285f0b18a96c33beae9acc",
		  "xmpp.example.com example.org D60000229F",
		  "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643" },
		{ "d66b79a6167d8b027a32169eb73edf390f10921f41b9905536d821d9cbf104de",
		  "capulet.example montague.example 417GAF25",
		  "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d" },
	};
	char hex[FW_SHA256_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		fw_hmac_sha256_hex(fw_str(rows[i].key), fw_str(rows[i].data), hex);
		assert_string_equal(hex, rows[i].hex);
	}
}

static void pbkdf2_matches_its_vectors(void **state)
{
	/* RFC 7914 §11, first block; "": by another implementation */
	static const struct {
		const char *password, *salt;
		uint32_t iterations;
		const char *begins;
	} rows[] = {
		{ "passwd", "salt", 1, "\x55\xac\x04\x6e\x56\xe3\x08\x9f" },
		{ "Password", "NaCl", 80000, "\x4d\xdc\xd8\xf6\x0b\x98\xbe\x21" },
		{ "", "", 1, "\xf7\xce\x0b\x65\x3d\x2d\x72\xa4" },
	};
	unsigned char out[FW_SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		fw_pbkdf2_sha256(fw_str(rows[i].password), fw_str(rows[i].salt), rows[i].iterations,
		                 out);
		assert_memory_equal(out, rows[i].begins, strlen(rows[i].begins));
	}
}

static void ids_are_hex_and_differ(void **state)
{
	char a[FW_STREAM_ID_SIZE], b[FW_STREAM_ID_SIZE];

	(void)state;
	fw_random_id(a);
	fw_random_id(b);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
}

static void comparison_sees_every_difference(void **state)
{
	(void)state;
	assert_true(fw_equal_const_time(fw_str("secret"), fw_str("secret")));
	assert_true(fw_equal_const_time(fw_str(NULL), fw_str("")));
	assert_false(fw_equal_const_time(fw_str("secret"), fw_str("secreT")));
	assert_false(fw_equal_const_time(fw_str("secret"), fw_str("secre")));
	assert_false(fw_equal_const_time(fw_str(""), fw_str("s")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_match_their_vectors),
		cmocka_unit_test(hmac_matches_its_vectors),
		cmocka_unit_test(pbkdf2_matches_its_vectors),
		cmocka_unit_test(ids_are_hex_and_differ),
		cmocka_unit_test(comparison_sees_every_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
