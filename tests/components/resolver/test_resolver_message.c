/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * resolver_message.c: answers from the wire, whole, cut off at every byte, and with every byte
 * changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "components/resolver/resolver_message.h"

/* Bytes of a literal without its terminator. */
#define BYTES(text) (const unsigned char *)(text), sizeof(text) - 1

/* offset 12: _xmpp-server._tcp.a.example, with "a.example" at 30 (0x1e) and "example" at 32 (0x20)
 */
#define QUESTION \
	"\x0c_xmpp-server\x04_tcp\x01" \
	"a\x07" \
	"example\0" \
	"\0\x21\0\x01"
#define HEAD(answers, authorities) "\x12\x34\x81\x80\0\x01\0" answers "\0" authorities "\0\0"

static const char two_records[] = HEAD("\x02", "\0") QUESTION
        "\xc0\x0c\0\x21\0\x01\0\0\x01\x2c\0\x0b\0\x05\0\x0a\x14\x95\x02hA\xc0\x1e"
        "\xc0\x0c\0\x21\0\x01\0\0\0\x3c\0\x0b\0\x06\0\0\x14\x96\x02h2\xc0\x1e";
static const char root_target[] =
        HEAD("\x01", "\0") QUESTION "\xc0\x0c\0\x21\0\x01\0\0\x0e\x10\0\x07\0\0\0\0\0\0\0";
static const char alias_first[] = HEAD("\x02", "\0") QUESTION
        "\xc0\x0c\0\x05\0\x01\0\0\0\x07\0\x04\x01s\xc0\x20"
        "\xc0\x39\0\x21\0\x01\0\0\x01\x2c\0\x09\0\x01\0\x02\x14\x95\xc0\x1e\0";
static const char none_with_soa[] = HEAD("\0", "\x01") QUESTION
        "\xc0\x20\0\x06\0\x01\0\0\x01\x2c\0\x1c\x01n\xc0\x20\x01h\xc0\x20"
        "\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x2a";
static const char odd_target[] = HEAD("\x01", "\0") QUESTION
        "\xc0\x0c\0\x21\0\x01\0\0\x01\x2c\0\x0b\0\x05\0\x0a\x14\x95\x02h'\xc0\x1e";
static const char endless_name[] = HEAD("\x01", "\0") QUESTION
        "\xc0\x0c\0\x21\0\x01\0\0\x01\x2c\0\x08\0\x05\0\x0a\x14\x95\xc0\x3f";

static void test_two(void **state)
{
	struct resolver_srv_records out;

	(void)state;
	assert_int_equal(resolver_message_read(BYTES(two_records), &out), FW_OK);
	assert_true(out.answered);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.ttl_s, 60); /* the smaller one */
	assert_int_equal(out.items[0].priority, 5);
	assert_int_equal(out.items[0].weight, 10);
	assert_int_equal(out.items[0].port, 5269);
	assert_string_equal(out.items[0].host, "ha.a.example"); /* in lower case */
	assert_string_equal(out.items[1].host, "h2.a.example");
	assert_int_equal(out.items[1].port, 5270);
	assert_false(out.has_negative);
}

static void test_root(void **state)
{
	struct resolver_srv_records out;

	(void)state;
	assert_int_equal(resolver_message_read(BYTES(root_target), &out), FW_OK);
	assert_int_equal(out.count, 1);
	assert_string_equal(out.items[0].host, "");
	assert_int_equal(out.ttl_s, 3600);
}

static void test_alias(void **state)
{
	struct resolver_srv_records out;

	(void)state;
	assert_int_equal(resolver_message_read(BYTES(alias_first), &out), FW_OK);
	assert_int_equal(out.count, 1);
	assert_string_equal(out.items[0].host, "a.example");
	assert_int_equal(out.ttl_s, 7); /* the alias may change sooner than the record */
}

static void test_none(void **state)
{
	struct resolver_srv_records out;

	(void)state;
	assert_int_equal(resolver_message_read(BYTES(none_with_soa), &out), FW_OK);
	assert_false(out.answered);
	assert_true(out.has_negative);
	assert_int_equal(out.negative_s, 42); /* the smaller of its TTL, 300, and its minimum */
}

static void test_bad_targets(void **state)
{
	struct resolver_srv_records out;

	(void)state;
	assert_int_equal(resolver_message_read(BYTES(odd_target), &out), FW_OK);
	assert_true(out.answered); /* no reason to fall back on the domain's address */
	assert_int_equal(out.count, 0);
	assert_int_equal(resolver_message_read(BYTES(endless_name), &out), FW_EPARSE);
}

static void test_cut_and_changed(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} messages[] = {
		{ two_records, sizeof(two_records) - 1 },
		{ alias_first, sizeof(alias_first) - 1 },
		{ none_with_soa, sizeof(none_with_soa) - 1 },
	};
	struct resolver_srv_records out;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(messages); i++) {
		for (size_t len = 0; len < messages[i].len; len++) {
			unsigned char *cut = malloc(len + 1); /* its end is the end of memory */
			memcpy(cut, messages[i].bytes, len);
			int ret = resolver_message_read(cut, len, &out);
			free(cut);
			if (ret != FW_EPARSE) {
				fail_msg("message %zu cut to %zu is read", i, len);
			}
		}
		for (size_t at = 0; at < messages[i].len; at++) {
			for (unsigned value = 0; value < 256; value++) {
				unsigned char *changed = malloc(messages[i].len);
				memcpy(changed, messages[i].bytes, messages[i].len);
				changed[at] = (unsigned char)value;
				resolver_message_read(changed, messages[i].len, &out);
				free(changed);
				assert_true(out.count <= RESOLVER_HOSTS_MAX);
			}
		}
	}
}

static void test_the_best_are_kept(void **state)
{
	unsigned char message[4096];
	size_t len = sizeof(HEAD("\x2b", "\0") QUESTION) - 1;
	struct resolver_srv_records out;

	(void)state;
	memcpy(message, HEAD("\x2b", "\0") QUESTION, len);
	for (int i = 0; i < 0x2b; i++) { /* 43 records, the best last */
		static const char record[] =
		        "\xc0\x0c\0\x21\0\x01\0\0\x01\x2c\0\x08\0\0\0\x01\x14\x95\xc0\x1e";
		memcpy(message + len, record, sizeof(record) - 1);
		message[len + 13] = (unsigned char)(100 - i);
		len += sizeof(record) - 1;
	}
	assert_int_equal(resolver_message_read(message, len, &out), FW_OK);
	assert_int_equal(out.count, RESOLVER_HOSTS_MAX);
	for (size_t i = 0; i < out.count; i++) {
		assert_in_range(out.items[i].priority, 100 - 0x2a,
		                100 - 0x2a + RESOLVER_HOSTS_MAX - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_bad_targets),
		cmocka_unit_test(test_cut_and_changed),
		cmocka_unit_test(test_the_best_are_kept),
	};

	return cmocka_run_group_tests_name("resolver_message", tests, NULL, NULL);
}
