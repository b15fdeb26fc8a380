/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/jid.c: addresses cut and checked, domains brought to their key, and every cut of
 * each of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <fedway/error.h>
#include <fedway/jid.h>

static const struct {
	const char *text;
	int ret;
	const char *local, *domain, *resource; /* NULL: absent */
} split_rows[] = {
	{ "example.org", FW_OK, NULL, "example.org", NULL },
	{ "user@example.org", FW_OK, "user", "example.org", NULL },
	{ "user@example.org/phone", FW_OK, "user", "example.org", "phone" },
	{ "example.org/phone", FW_OK, NULL, "example.org", "phone" },
	/* RFC 7622 §3.5, example 15: the first slash ends the rest */
	{ "example.org/user@other.org", FW_OK, NULL, "example.org", "user@other.org" },
	{ "user@example.org/a/b@c d", FW_OK, "user", "example.org", "a/b@c d" },
	{ "\xc3\xbc@\xc3\xbc.example/\xc3\xbc", FW_OK, "\xc3\xbc", "\xc3\xbc.example", "\xc3\xbc" },
	{ "user@[2001:db8::1]", FW_OK, "user", "[2001:db8::1]", NULL },
	{ "", FW_EPARSE, NULL, NULL, NULL },
	{ "@example.org", FW_EPARSE, NULL, NULL, NULL },
	{ "user@", FW_EPARSE, NULL, NULL, NULL },
	{ "user@/phone", FW_EPARSE, NULL, NULL, NULL },
	{ "/phone", FW_EPARSE, NULL, NULL, NULL },
	{ "example.org/", FW_EPARSE, NULL, NULL, NULL },
	{ "a@b@example.org", FW_EPARSE, NULL, NULL, NULL },
	{ "us er@example.org", FW_EPARSE, NULL, NULL, NULL },
	{ "user@exam ple.org", FW_EPARSE, NULL, NULL, NULL },
	{ "us\ner@example.org", FW_EPARSE, NULL, NULL, NULL },
	{ "user@example.org\x7f", FW_EPARSE, NULL, NULL, NULL },
	{ "us\xc2\x85"
	  "er@example.org",
	  FW_EPARSE, NULL, NULL, NULL },
};

static void assert_part(struct fw_str part, const char *wanted)
{
	assert_int_equal(part.ptr == NULL, wanted == NULL);
	assert_true(fw_str_is(part, wanted));
}

static void test_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(split_rows); i++) {
		struct fw_jid jid = { 0 };
		assert_int_equal(fw_jid_split(fw_str(split_rows[i].text), &jid), split_rows[i].ret);
		assert_part(jid.local, split_rows[i].local);
		assert_part(jid.domain, split_rows[i].domain);
		assert_part(jid.resource, split_rows[i].resource);
	}
	struct fw_jid jid;
	assert_int_equal(fw_jid_split(fw_str(NULL), &jid), FW_EPARSE);
	assert_int_equal(fw_jid_split(fw_str_n("a\0b", 3), &jid), FW_EPARSE);
}

/* Each part may have 1023 bytes and not one more (RFC 7622 §3.1). */
static void test_split_limits(void **state)
{
	static const char *const forms[] = { "%s@example.org", "user@%s", "user@example.org/%s" };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(forms); i++) {
		for (size_t len = FW_JID_PART_MAX; len <= FW_JID_PART_MAX + 1; len++) {
			char part[FW_JID_PART_MAX + 2];
			char text[FW_JID_PART_MAX + 32];
			struct fw_jid jid;
			memset(part, 'a', len);
			part[len] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(text, sizeof(text), forms[i], part);
#pragma GCC diagnostic pop
			assert_int_equal(fw_jid_split(fw_str(text), &jid),
			                 len <= FW_JID_PART_MAX ? FW_OK : FW_ELIMIT);
		}
	}
}

/* Every prefix of every row, in memory of just that size: parts lie inside and join to the whole.
 */
static void test_split_truncated_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(split_rows); i++) {
		for (size_t len = 0; len <= strlen(split_rows[i].text); len++) {
			struct fw_jid jid = { 0 };
			char *exact = malloc(len + 1);
			memcpy(exact, split_rows[i].text, len);
			struct fw_str text = fw_str_n(exact, len);
			if (fw_jid_split(text, &jid) == FW_OK) {
				size_t sum = jid.domain.len;
				sum += jid.local.ptr != NULL ? jid.local.len + 1 : 0;
				sum += jid.resource.ptr != NULL ? jid.resource.len + 1 : 0;
				assert_int_equal(sum, len);
				assert_true(fw_str_eq(jid.domain, fw_jid_domain(text)));
				size_t tail = jid.resource.ptr != NULL ? jid.resource.len + 1 : 0;
				assert_int_equal(fw_jid_bare(text).len, len - tail);
			}
			free(exact);
		}
	}
}

/* A bad byte is found at every place of parts of every length, a good one nowhere. */
static void test_split_finds_each_bad_byte(void **state)
{
	(void)state;
	for (size_t len = 1; len < 30; len++) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				struct fw_jid jid;
				char *exact = malloc(len);
				bool bad = byte <= 0x20 || byte == 0x7f;
				memset(exact, 'a', len);
				exact[at] = (char)byte;
				if (byte != '/' && byte != '@') {
					int ret = fw_jid_split(fw_str_n(exact, len), &jid);
					assert_int_equal(ret, bad ? FW_EPARSE : FW_OK);
				}
				free(exact);
			}
		}
	}
}

static void test_domain_without_checks(void **state)
{
	static const struct {
		const char *text, *domain, *bare;
	} rows[] = {
		{ "example.org", "example.org", "example.org" },
		{ "u@example.org/r@x", "example.org", "u@example.org" },
		{ "example.org/u@x", "example.org", "example.org" },
		{ "u@", NULL, "u@" },
		{ "/r", NULL, "" },
		{ "", NULL, "" },
		{ NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_part(fw_jid_domain(fw_str(rows[i].text)), rows[i].domain);
		assert_part(fw_jid_bare(fw_str(rows[i].text)), rows[i].bare);
	}
}

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define NAME_252 \
	LABEL_63 "." LABEL_63 "." LABEL_63 "." \
	         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh"

static const struct {
	const char *why, *domain;
	int ret;
	const char *key;
} key_rows[] = {
	{ "plain", "example.org", FW_OK, "example.org" },
	{ "case", "EXAMPLE.Org", FW_OK, "example.org" },
	{ "one trailing dot", "example.org.", FW_OK, "example.org" },
	{ "two trailing dots", "example.org..", FW_EPARSE, NULL },
	{ "one label", "localhost", FW_OK, "localhost" },
	{ "component ID", "cm-1_s2scp-1.edge-example-net", FW_OK, "cm-1_s2scp-1.edge-example-net" },
	{ "A-label", "XN--bcher-kva.example", FW_OK, "xn--bcher-kva.example" },
	{ "U-label",
	  "b\xc3\xbc"
	  "cher.example",
	  FW_OK, "xn--bcher-kva.example" },
	{ "U-label, upper case",
	  "B\xc3\x9c"
	  "CHER.example",
	  FW_OK, "xn--bcher-kva.example" },
	{ "U-label, decomposed",
	  "bu\xcc\x88"
	  "cher.example",
	  FW_OK, "xn--bcher-kva.example" },
	{ "sharp s is a letter of its own", "fa\xc3\x9f.example", FW_OK, "xn--fa-hia.example" },
	{ "full width and ideographic dot",
	  "\xef\xbd\x81"
	  "b\xe3\x80\x82"
	  "example",
	  FW_OK, "ab.example" },
	{ "ideographic dot at the end",
	  "b\xc3\xbc"
	  "cher\xe3\x80\x82",
	  FW_OK, "xn--bcher-kva" },
	{ "IPv4", "192.0.2.1", FW_OK, "192.0.2.1" },
	{ "IPv6 in brackets", "[2001:DB8::1]", FW_OK, "[2001:db8::1]" },
	{ "IPv6 bare", "2001:db8::1", FW_OK, "2001:db8::1" },
	{ "IPv6 with IPv4", "::ffff:192.0.2.1", FW_OK, "::ffff:192.0.2.1" },
	{ "label of 63", LABEL_63 ".org", FW_OK, LABEL_63 ".org" },
	{ "label of 64", LABEL_63 "x.org", FW_ELIMIT, NULL },
	{ "253 in all", NAME_252 "x", FW_OK, NAME_252 "x" },
	{ "254 in all", NAME_252 "xx", FW_ELIMIT, NULL },
	{ "nothing", "", FW_EPARSE, NULL },
	{ "only a dot", ".", FW_EPARSE, NULL },
	{ "leading dot", ".example.org", FW_EPARSE, NULL },
	{ "empty label", "example..org", FW_EPARSE, NULL },
	{ "leading hyphen", "-example.org", FW_EPARSE, NULL },
	{ "trailing hyphen of a label", "example-.org", FW_EPARSE, NULL },
	{ "trailing hyphen", "example.org-", FW_EPARSE, NULL },
	{ "space", "exam ple.org", FW_EPARSE, NULL },
	{ "slash", "example.org/x", FW_EPARSE, NULL },
	{ "at sign", "a@example.org", FW_EPARSE, NULL },
	{ "wildcard", "*.example.org", FW_EPARSE, NULL },
	{ "port", "example.org:5269", FW_EPARSE, NULL },
	{ "IPv6 with a zone", "fe80::1%eth0", FW_EPARSE, NULL },
	{ "IPv6 with half a bracket", "[2001:db8::1", FW_EPARSE, NULL },
	{ "not UTF-8",
	  "b\xfc"
	  "cher.example",
	  FW_EPARSE, NULL },
	{ "a code point that IDNA forbids",
	  "a\xe2\x80\xae"
	  "b.example",
	  FW_EPARSE, NULL },
};

static void test_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(key_rows); i++) {
		char out[FW_DOMAIN_SIZE];
		struct fw_str key = { 0 };
		int ret = fw_domain_key(fw_str(key_rows[i].domain), out, &key);
		if (ret != key_rows[i].ret) {
			fail_msg("%s: %s", key_rows[i].why, fw_strerror(ret));
		}
		if (ret == FW_OK) {
			assert_string_equal(out, key_rows[i].key);
			assert_true(key.ptr == out && key.len == strlen(out));
			assert_int_equal(fw_domain_key(key, out, NULL), FW_OK);
			assert_string_equal(out, key_rows[i].key); /* a key is its own key */
		}
	}
	char out[FW_DOMAIN_SIZE];
	assert_int_equal(fw_domain_key(fw_str(NULL), out, NULL), FW_EPARSE);
	assert_int_equal(fw_domain_key(fw_str_n("a\0b", 3), out, NULL), FW_EPARSE);
	assert_int_equal(fw_domain_key(fw_str_n("\xc3\xbc\0b", 4), out, NULL), FW_EPARSE);
}

static void test_key_truncated_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(key_rows); i++) {
		for (size_t len = 0; len <= strlen(key_rows[i].domain); len++) {
			char out[FW_DOMAIN_SIZE];
			struct fw_str key = { 0 };
			char *exact = malloc(len + 1);
			memcpy(exact, key_rows[i].domain, len);
			struct fw_str domain = fw_str_n(exact, len);
			if (fw_domain_key(domain, out, &key) == FW_OK) {
				assert_true(key.len > 0 && key.len < FW_DOMAIN_SIZE - 2);
				assert_true(fw_domain_eq(domain, key));
			} else {
				assert_false(fw_domain_eq(domain, domain));
			}
			fw_domain_is_ip(domain);
			free(exact);
		}
	}
}

static void test_key_of_a_very_long_name(void **state)
{
	char text[5000];
	char out[FW_DOMAIN_SIZE];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(fw_domain_key(fw_str_n(text, sizeof(text)), out, NULL), FW_ELIMIT);
	memcpy(text, "\xc3\xbc", 2);
	assert_int_equal(fw_domain_key(fw_str_n(text, sizeof(text)), out, NULL), FW_ELIMIT);
	assert_int_equal(fw_domain_key(fw_str_n(text, 1023), out, NULL), FW_ELIMIT);
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "example.org", "EXAMPLE.ORG.", true },
		{ "b\xc3\xbc"
		  "cher.example",
		  "xn--bcher-kva.example", true },
		{ "example.org", "example.com", false },
		{ "a b", "a b", false },
		{ "example.org", "", false },
		{ "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(fw_domain_eq(fw_str(rows[i].a), fw_str(rows[i].b)), rows[i].equal);
		assert_int_equal(fw_domain_eq(fw_str(rows[i].b), fw_str(rows[i].a)), rows[i].equal);
	}
}

static const struct {
	const char *key, *text;
} texts[] = {
	{ "corp.example", "corp.example" },
	{ "xn--bcher-kva.example", "b\xc3\xbc"
	                           "cher.example" },
	{ "a.xn--bcher-kva.xn--fa-hia", "a.b\xc3\xbc"
	                                "cher.fa\xc3\x9f" },
	{ "xn--a.example", "xn--a.example" },       /* no punycode */
	{ "xn--ls8h.example", "xn--ls8h.example" }, /* not of IDNA2008 */
	{ "xn--bcher-kvb.example", "xn--bcher-kvb.example" },
	{ "192.0.2.1", "192.0.2.1" },
	{ "", "" },
};

static void test_text(void **state)
{
	char out[FW_DOMAIN_TEXT_SIZE], key[FW_DOMAIN_SIZE];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(texts); i++) {
		assert_string_equal(fw_domain_text(texts[i].key, out), texts[i].text);
		if (texts[i].key[0] != '\0') {
			assert_int_equal(fw_domain_key(fw_str(out), key, NULL), FW_OK);
			assert_string_equal(key, texts[i].key);
		}
	}
}

static void test_ip_literals(void **state)
{
	static const struct {
		const char *text;
		bool is_ip;
	} rows[] = {
		{ "192.0.2.1", true },
		{ "192.0.2.256", false },
		{ "192.0.2", false },
		{ "2001:db8::1", true },
		{ "[2001:db8::1]", true },
		{ "[192.0.2.1]", false },
		{ "example.org", false },
		{ "", false },
		{ "[]", false },
		{ "::", true },
		{ "1.2.3.4.example", false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(fw_domain_is_ip(fw_str(rows[i].text)), rows[i].is_ip);
	}
	assert_false(fw_domain_is_ip(fw_str_n("1.2.3.4\0x", 9)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_limits),
		cmocka_unit_test(test_split_truncated_at_every_byte),
		cmocka_unit_test(test_split_finds_each_bad_byte),
		cmocka_unit_test(test_domain_without_checks),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_key_truncated_at_every_byte),
		cmocka_unit_test(test_key_of_a_very_long_name),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ip_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
