/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What certificates say, and which domains they name (RFC 9525), with names that are good, wrong
 * and hostile.
 */
#include <fedway/io/certificate.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/made_certs.h"

static const struct fw_certificate *described(const struct made_spec *spec)
{
	const struct fw_certificate *out = NULL;
	struct made_cert made = { 0 };
	struct fw_error err = { 0 };

	made_cert(spec, &made);
	const struct made_cert *const all[] = { &made, NULL };
	if (fw_certificate_read(made_file("one.pem", all, NULL), &out, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	made_cert_free(&made);
	return out;
}

static void a_domain_is_named_by_what_the_rules_allow(void **state)
{
	static const struct {
		const char *names, *domain, *matched; /* matched: NULL: it does not */
		bool direct;
	} rows[] = {
		{ "DNS:a.example", "a.example", "DNS:a.example", false },
		{ "DNS:A.eXample", "a.example", "DNS:A.eXample", false },
		{ "DNS:a.example", "b.example", NULL, false },
		{ "DNS:a.example", "x.a.example", NULL, false },
		{ "DNS:x.a.example", "a.example", NULL, false },
		{ "DNS:xn--bcher-kva.example", "xn--bcher-kva.example", "DNS:xn--bcher-kva.example",
		  false },
		{ "DNS:other.example, DNS:a.example", "a.example", "DNS:a.example", false },
		/* a star is the whole left-most label, and stands for one */
		{ "DNS:*.b.example", "a.b.example", "DNS:*.b.example", false },
		{ "DNS:*.b.example", "xn--bcher-kva.b.example", "DNS:*.b.example", false },
		{ "DNS:*.b.example", "b.example", NULL, false },
		{ "DNS:*.b.example", "x.a.b.example", NULL, false },
		{ "DNS:*.example", "a.example", NULL, false },
		{ "DNS:*", "example", NULL, false },
		{ "DNS:*.*.example", "a.b.example", NULL, false },
		{ "DNS:a*.b.example", "ab.b.example", NULL, false },
		{ "DNS:*a.b.example", "ba.b.example", NULL, false },
		{ "DNS:a.*.example", "a.b.example", NULL, false },
		{ "DNS:xn--*.b.example", "xn--a.b.example", NULL, false },
		/* names of services */
		{ MADE_SRV "_xmpp-server.a.example", "a.example", "SRV:_xmpp-server.a.example",
		  false },
		{ MADE_SRV "_XMPP-Server.A.example", "a.example", "SRV:_XMPP-Server.A.example",
		  false },
		{ MADE_SRV "_xmpp-server.a.example", "a.example", "SRV:_xmpp-server.a.example",
		  true },
		{ MADE_SRV "_xmpps-server.a.example", "a.example", "SRV:_xmpps-server.a.example",
		  true },
		{ MADE_SRV "_xmpps-server.a.example", "a.example", NULL, false },
		{ MADE_SRV "_xmpp-client.a.example", "a.example", NULL, false },
		{ MADE_SRV "_xmpp-server.b.example", "a.example", NULL, false },
		{ MADE_SRV "_xmpp-server.*.example", "a.example", NULL, false },
		{ MADE_SRV "a.example", "a.example", NULL, false },
		{ MADE_SRV "_xmpp-server.", "a.example", NULL, false },
		/* addresses of XMPP */
		{ MADE_XMPP "a.example", "a.example", "XMPP:a.example", false },
		{ MADE_XMPP "A.Example", "a.example", "XMPP:a.example", false },
		{ MADE_XMPP "B\xfc" /* Latin-1 for the maker, UTF-8 in the name */
		            "cher.example",
		  "xn--bcher-kva.example", "XMPP:xn--bcher-kva.example", false },
		{ MADE_XMPP "romeo@a.example", "a.example", NULL, false },
		{ MADE_XMPP "a.example/x", "a.example", NULL, false },
		{ MADE_XMPP "*.example.org", "a.example.org", NULL, false },
		/* of the wrong type, or nothing to do with it */
		{ "otherName:1.3.6.1.5.5.7.8.5;IA5STRING:a.example", "a.example", NULL, false },
		{ "otherName:1.3.6.1.5.5.7.8.7;UTF8:_xmpp-server.a.example", "a.example", NULL,
		  false },
		{ "otherName:1.2.3.4;UTF8:a.example", "a.example", NULL, false },
		{ "email:x@a.example", "a.example", NULL, false },
		{ "URI:xmpp:a.example", "a.example", NULL, false },
		{ "DNS:192.0.2.1", "192.0.2.1", NULL, false },
		{ "DNS:*.0.2.1", "192.0.2.1", NULL, false },
		{ NULL, "cn.example", NULL, false }, /* the common name */
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct made_spec spec = { .subject = "cn.example", .names = rows[i].names };
		const struct fw_certificate *certificate = described(&spec);
		char matched[128] = "untouched";
		bool names = fw_certificate_names(certificate, rows[i].domain, rows[i].direct,
		                                  matched, sizeof(matched));

		if (names != (rows[i].matched != NULL)) {
			fail_msg("%s and %s: %d", rows[i].names, rows[i].domain, names);
		}
		assert_string_equal(matched, names ? rows[i].matched : certificate->names);
		fw_certificate_release(&certificate);
		assert_null(certificate);
	}
}

static void hostile_names_match_nothing_and_print_nothing(void **state)
{
	static const char *const raw[] = { "a.example\0.evil.example",
		                           "a.example\0",
		                           "a.exa\nmple",
		                           "a.example, DNS:b.example",
		                           "b\xc3\xbc.example",
		                           "",
		                           ".",
		                           "a..example",
		                           "a.example.",
		                           " a.example",
		                           "good.example",
		                           NULL };
	static const int sizes[] = { 23, 10, 10, 24, 12, 0, 1, 10, 10, 10, 12, 0 };
	const struct made_spec spec = { .subject = "x", .raw_names = raw, .raw_sizes = sizes };
	const struct fw_certificate *certificate = described(&spec);
	char matched[64];

	(void)state;
	assert_string_equal(certificate->names, "DNS:good.example");
	assert_false(
	        fw_certificate_names(certificate, "a.example", true, matched, sizeof(matched)));
	assert_false(
	        fw_certificate_names(certificate, "b.example", true, matched, sizeof(matched)));
	assert_false(fw_certificate_names(certificate, "", true, matched, sizeof(matched)));
	fw_certificate_release(&certificate);
}

static void ten_thousand_names_are_cut_at_a_bound(void **state)
{
	enum { NAMES = 10000 };
	const char **raw = calloc(NAMES + 1, sizeof(*raw));
	int *sizes = calloc(NAMES + 1, sizeof(*sizes));
	char matched[16];

	(void)state;
	for (int i = 0; i < NAMES; i++) {
		raw[i] = i == NAMES - 1 ? "zz.example" : "aaaaaaaaaa.example";
		sizes[i] = (int)strlen(raw[i]);
	}
	const struct made_spec spec = { .subject = "x", .raw_names = raw, .raw_sizes = sizes };
	const struct fw_certificate *certificate = described(&spec);
	assert_in_range(strlen(certificate->names), 32000, 34000);
	/* What was presented is told as far as there is room. */
	assert_false(
	        fw_certificate_names(certificate, "zz.example", false, matched, sizeof(matched)));
	assert_string_equal(matched, "DNS:aaaaaaaaaa.");
	fw_certificate_release(&certificate);
	free(raw);
	free(sizes);
}

static void a_description_tells_all(void **state)
{
	struct made_cert ca = { 0 };
	const struct made_spec authority = { .subject = "Test \xc3\x84uthority\n", .ca = true };

	(void)state;
	made_cert(&authority, &ca);
	const struct made_spec spec = { .subject = "a.example",
		                        .names = "DNS:a.example, " MADE_SRV
		                                 "_xmpp-server.b.example, " MADE_XMPP "c.example",
		                        .serial = 0x12ab,
		                        .issuer = &ca };
	const struct fw_certificate *certificate = described(&spec);
	int64_t now = (int64_t)time(NULL);
	assert_string_equal(certificate->subject, "CN=a.example");
	assert_string_equal(certificate->issuer, "CN=Test \\C3\\84uthority\\0A");
	assert_string_equal(certificate->serial, "12ab");
	assert_string_equal(certificate->names,
	                    "DNS:a.example, SRV:_xmpp-server.b.example, XMPP:c.example");
	assert_string_equal(certificate->key, "EC prime256v1");
	assert_int_equal(strlen(certificate->key_sha256), 64);
	assert_int_equal(strlen(certificate->sha256), 64);
	assert_in_range(certificate->not_before, now - 3700, now - 3500);
	assert_in_range(certificate->not_after, now + 86300, now + 86500);
	const struct fw_certificate *again = fw_certificate_ref(certificate);
	fw_certificate_release(&certificate);
	assert_string_equal(again->serial, "12ab");
	fw_certificate_release(&again);
	made_cert_free(&ca);
}

static void the_end_is_told_in_days_and_words(void **state)
{
	static const struct {
		int64_t left_s, days;
		const char *text;
	} rows[] = {
		{ 12 * 86400 + 60, 12, "ends in 12 days" },
		{ 86400 + 60, 1, "ends in 1 day" },
		{ 60, 0, "ends today" },
		{ -60, -1, "has ended" },
		{ -2 * 86400 - 60, -3, "has ended" },
	};
	char text[FW_CERTIFICATE_END_SIZE];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct fw_certificate certificate = { .not_after = (int64_t)time(NULL) +
			                                                 rows[i].left_s };
		assert_int_equal(fw_certificate_days_left(&certificate), rows[i].days);
		assert_string_equal(fw_certificate_end_text(&certificate, text), rows[i].text);
	}
}

static void the_digests_are_those_that_others_compute(void **state)
{
	const struct fw_certificate *certificate = NULL;
	unsigned char digest[32], whole[32], *spki = NULL;
	const struct made_spec spec = { .subject = "a.example" };
	struct made_cert made = { 0 };

	(void)state;
	made_cert(&spec, &made);
	const struct made_cert *const all[] = { &made, NULL };
	assert_int_equal(fw_certificate_read(made_file("one.pem", all, NULL), &certificate, NULL),
	                 FW_OK);
	int size = i2d_PUBKEY(made.key, &spki);
	assert_true(size > 0);
	assert_int_equal(EVP_Digest(spki, (size_t)size, digest, NULL, EVP_sha256(), NULL), 1);
	assert_int_equal(X509_digest(made.cert, EVP_sha256(), whole, NULL), 1);
	for (size_t i = 0; i < sizeof(digest); i++) {
		char hex[3];
		snprintf(hex, sizeof(hex), "%02x", digest[i]);
		assert_memory_equal(certificate->key_sha256 + 2 * i, hex, 2);
		snprintf(hex, sizeof(hex), "%02x", whole[i]);
		assert_memory_equal(certificate->sha256 + 2 * i, hex, 2);
	}
	OPENSSL_free(spki);
	fw_certificate_release(&certificate);
	made_cert_free(&made);
}

static void a_file_without_a_certificate_is_named(void **state)
{
	static const char *const paths[] = { TEST_CERTS "/none.pem", TEST_CERTS "/a.key",
		                             "/dev/null", "/" };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(paths); i++) {
		const struct fw_certificate *certificate = NULL;
		struct fw_error err = { 0 };

		assert_int_equal(fw_certificate_read(paths[i], &certificate, &err), FW_EINVAL);
		assert_null(certificate);
		assert_non_null(strstr(err.text, paths[i]));
	}
}

static int cleanup(void **state)
{
	(void)state;
	made_folder_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_is_named_by_what_the_rules_allow),
		cmocka_unit_test(hostile_names_match_nothing_and_print_nothing),
		cmocka_unit_test(ten_thousand_names_are_cut_at_a_bound),
		cmocka_unit_test(a_description_tells_all),
		cmocka_unit_test(the_end_is_told_in_days_and_words),
		cmocka_unit_test(the_digests_are_those_that_others_compute),
		cmocka_unit_test(a_file_without_a_certificate_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
