/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/cause.c: every row is complete, unlike all others, and speaks the words of RFC
 * 6120.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fedway/cause.h>

/* RFC 6120 §4.9.3 */
static const char *const stream_conditions[] = {
	"",
	"bad-format",
	"bad-namespace-prefix",
	"conflict",
	"connection-timeout",
	"host-gone",
	"host-unknown",
	"improper-addressing",
	"internal-server-error",
	"invalid-from",
	"invalid-namespace",
	"invalid-xml",
	"not-authorized",
	"not-well-formed",
	"policy-violation",
	"remote-connection-failed",
	"reset",
	"resource-constraint",
	"restricted-xml",
	"see-other-host",
	"system-shutdown",
	"undefined-condition",
	"unsupported-encoding",
	"unsupported-feature",
	"unsupported-stanza-type",
	"unsupported-version",
};
/* RFC 6120 §8.3.2 */
static const char *const stanza_types[] = { "auth", "cancel", "continue", "modify", "wait" };
/* RFC 6120 §8.3.3 */
static const char *const stanza_conditions[] = {
	"bad-request",
	"conflict",
	"feature-not-implemented",
	"forbidden",
	"gone",
	"internal-server-error",
	"item-not-found",
	"jid-malformed",
	"not-acceptable",
	"not-allowed",
	"not-authorized",
	"policy-violation",
	"recipient-unavailable",
	"redirect",
	"registration-required",
	"remote-server-not-found",
	"remote-server-timeout",
	"resource-constraint",
	"service-unavailable",
	"subscription-required",
	"undefined-condition",
	"unexpected-request",
};

static bool one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, words[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* Nothing went wrong there, or nobody can do anything about it. */
static const enum fw_cause without_remedy[] = {
	FW_CAUSE_NONE,        FW_CAUSE_PEER_CLOSED,      FW_CAUSE_IDLE,
	FW_CAUSE_SHUTDOWN,    FW_CAUSE_DELIVERED,        FW_CAUSE_UNSUPPORTED_VERSION,
	FW_CAUSE_VERIFY_DONE, FW_CAUSE_CONFIG_CLOSED,    FW_CAUSE_ERROR_UNDELIVERABLE,
	FW_CAUSE_OUTRUN,      FW_CAUSE_UNEXPECTED_REPLY,
};

static void test_operators_are_told_what_to_do(void **state)
{
	(void)state;
	for (int i = 0; i < FW_CAUSE_COUNT; i++) {
		bool may_lack = false;
		for (size_t j = 0; j < FW_COUNT(without_remedy); j++) {
			may_lack = may_lack || without_remedy[j] == (enum fw_cause)i;
		}
		if (!may_lack && fw_cause_row((enum fw_cause)i)->remedy[0] == '\0') {
			fail_msg("%s has no remedy", fw_cause_row((enum fw_cause)i)->name);
		}
	}
}

static void test_every_row_is_complete(void **state)
{
	(void)state;
	for (int i = 0; i < FW_CAUSE_COUNT; i++) {
		const struct fw_cause_row *row = fw_cause_row((enum fw_cause)i);
		size_t len = strlen(row->text);
		assert_true(row->name[0] != '\0' && len > 0);
		assert_int_not_equal(row->text[len - 1], '.');
		assert_non_null(row->remedy);
		assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"),
		                 strlen(row->name));
		assert_true(one_of(row->stream_condition, stream_conditions,
		                   FW_COUNT(stream_conditions)));
		assert_true(one_of(row->stanza_type, stanza_types, FW_COUNT(stanza_types)));
		assert_true(one_of(row->stanza_condition, stanza_conditions,
		                   FW_COUNT(stanza_conditions)));
	}
}

static void test_every_name_finds_its_row(void **state)
{
	(void)state;
	for (int i = 0; i < FW_CAUSE_COUNT; i++) {
		const char *name = fw_cause_row((enum fw_cause)i)->name;
		assert_int_equal(fw_cause_by_name(fw_str(name)), i);
		assert_int_equal(fw_cause_by_name(fw_str_n(name, strlen(name) - 1)),
		                 FW_CAUSE_COUNT);
	}
	assert_int_equal(fw_cause_by_name(fw_str("")), FW_CAUSE_COUNT);
	assert_int_equal(fw_cause_by_name(fw_str(NULL)), FW_CAUSE_COUNT);
}

static void test_numbers_out_of_range_give_the_first_row(void **state)
{
	(void)state;
	assert_string_equal(fw_cause_row(FW_CAUSE_COUNT)->name, "none");
	assert_string_equal(fw_cause_row((enum fw_cause)UINT32_MAX)->name, "none");
}

/* RFC 6120 §8.3.3. What is only for now may wait, also where the RFC knows no other type than
 * cancel. */
static void test_types_and_conditions_are_pairs_of_the_rfc(void **state)
{
	static const struct {
		const char *condition, *types;
	} pairs[] = {
		{ "bad-request", "modify" },
		{ "conflict", "cancel" },
		{ "feature-not-implemented", "cancel modify" },
		{ "forbidden", "auth" },
		{ "gone", "cancel" },
		{ "internal-server-error", "cancel wait" },
		{ "item-not-found", "cancel" },
		{ "jid-malformed", "modify" },
		{ "not-acceptable", "modify" },
		{ "not-allowed", "cancel" },
		{ "not-authorized", "auth" },
		{ "policy-violation", "modify wait" },
		{ "recipient-unavailable", "wait" },
		{ "redirect", "modify" },
		{ "registration-required", "auth" },
		{ "remote-server-not-found", "cancel wait" },
		{ "remote-server-timeout", "wait" },
		{ "resource-constraint", "wait" },
		{ "service-unavailable", "cancel wait" },
		{ "subscription-required", "auth" },
		{ "undefined-condition", "auth cancel continue modify wait" },
		{ "unexpected-request", "wait modify" },
	};

	(void)state;
	for (int cause = 0; cause < FW_CAUSE_COUNT; cause++) {
		const struct fw_cause_row *row = fw_cause_row((enum fw_cause)cause);
		bool found = false;
		for (size_t i = 0; i < FW_COUNT(pairs); i++) {
			found |= strcmp(pairs[i].condition, row->stanza_condition) == 0 &&
			         strstr(pairs[i].types, row->stanza_type) != NULL;
		}
		if (!found) {
			fail_msg("%s: %s %s", row->name, row->stanza_type, row->stanza_condition);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_complete),
		cmocka_unit_test(test_types_and_conditions_are_pairs_of_the_rfc),
		cmocka_unit_test(test_operators_are_told_what_to_do),
		cmocka_unit_test(test_every_name_finds_its_row),
		cmocka_unit_test(test_numbers_out_of_range_give_the_first_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
