/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rules of TLS as text: written, read, cut, and refused. What they come to with the facts of a
 * connection is in tests/components/s2s/test_s2s_trust.c and tests/components/dialback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fedway/io/tls_rules.h>

#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char two_pins[][FW_TLS_PIN_SIZE] = { PIN, OTHER };

static const struct {
	const char *text;
	struct fw_tls_rules rules;
} rows[] = {
	{ "", { .required = false } },
	{ "tls", { .required = true } },
	{ "tls verified named", { .required = true, .must_verify = true, .name_required = true } },
	{ "tls-1.3", { .min_version = FW_TLS_1_3 } },
	{ "purpose-strict", { .purpose = FW_TLS_PURPOSE_STRICT } },
	{ "verified purpose-ignore", { .must_verify = true, .purpose = FW_TLS_PURPOSE_IGNORE } },
	{ "tls pin=" PIN " pin=" OTHER, { .required = true, .pin_count = 2, .pins = two_pins } },
};

static void what_is_written_is_read(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct fw_tls_rules *wanted = &rows[i].rules;
		char text[FW_TLS_RULES_TEXT_SIZE];
		char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE];
		struct fw_tls_rules rules;
		assert_int_equal(fw_tls_rules_write(wanted, text, sizeof(text)), FW_OK);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(fw_tls_rules_read(fw_str(text), &rules, pins), FW_OK);
		assert_int_equal(rules.required, wanted->required);
		assert_int_equal(rules.must_verify, wanted->must_verify);
		assert_int_equal(rules.name_required, wanted->name_required);
		assert_int_equal(rules.min_version, wanted->min_version);
		assert_int_equal(rules.purpose, wanted->purpose);
		assert_int_equal(rules.pin_count, wanted->pin_count);
		for (size_t pin = 0; pin < rules.pin_count; pin++) {
			assert_string_equal(rules.pins[pin], wanted->pins[pin]);
		}
	}
}

static void what_is_not_understood_is_refused(void **ctx)
{
	static const char *const bad[] = { "TLS",          "tls  named", "verified,named", "pin=",
		                           "pin=" PIN "0", "pin=abc",    "purpose" };
	char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE];
	struct fw_tls_rules rules;

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(bad); i++) {
		if (fw_tls_rules_read(fw_str(bad[i]), &rules, pins) != FW_EINVAL) {
			fail_msg("'%s' was taken", bad[i]);
		}
	}
	/* cut anywhere: taken only where a word ends */
	const char *whole = "tls named pin=" PIN;
	for (size_t len = 0; whole[len] != '\0'; len++) {
		bool good = len == 0 || len == 3 || len == 4 || len == 9 || len == 10;
		assert_int_equal(fw_tls_rules_read(fw_str_n(whole, len), &rules, pins),
		                 good ? FW_OK : FW_EINVAL);
	}
}

static void there_is_room_for_so_many_pins(void **ctx)
{
	char many[FW_TLS_PINS_MAX + 1][FW_TLS_PIN_SIZE];
	char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE];
	char text[FW_TLS_RULES_TEXT_SIZE + FW_TLS_PIN_SIZE];
	struct fw_tls_rules rules = { .required = true,
		                      .min_version = FW_TLS_1_3,
		                      .purpose = FW_TLS_PURPOSE_STRICT,
		                      .must_verify = true,
		                      .name_required = true,
		                      .pin_count = FW_TLS_PINS_MAX,
		                      .pins = (const char(*)[FW_TLS_PIN_SIZE])many };

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(many); i++) {
		memcpy(many[i], PIN, sizeof(many[i]));
	}
	assert_int_equal(fw_tls_rules_write(&rules, text, FW_TLS_RULES_TEXT_SIZE), FW_OK);
	assert_int_equal(fw_tls_rules_write(&rules, text, 100), FW_ELIMIT);
	rules.pin_count++;
	assert_int_equal(fw_tls_rules_write(&rules, text, sizeof(text)), FW_ELIMIT);
	assert_int_equal(fw_tls_rules_read(fw_str(text), &rules, pins), FW_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(there_is_room_for_so_many_pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
