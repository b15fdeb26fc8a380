/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sizes, offsets and numbers that modules built earlier rely on (ABI 1.0, 64-bit systems). A
 * failure here means that the change breaks them: put new members at the end of a descriptor, new
 * rows at the end of a list, and raise FW_ABI_MINOR; or, if it must be, FW_ABI_MAJOR.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fedway/fedway.h>

#define MEMBER(type, member, at) \
	{ \
#type "." #member, offsetof(struct type, member), (at) \
	}
#define SIZE(type, size) \
	{ \
		"size of " #type, sizeof(struct type), (size) \
	}
#define NUMBER(name, value) \
	{ \
#name, (size_t)(name), (value) \
	}

static const struct {
	const char *what;
	size_t is, was;
} rows[] = {
	NUMBER(FW_ABI_MAJOR, 1),
	NUMBER(FW_ABI_MINOR, 0),
	MEMBER(fw_component, abi, 0),
	MEMBER(fw_component, size, 4),
	MEMBER(fw_component, build, 8),
	MEMBER(fw_component, name, 16),
	MEMBER(fw_component, summary, 24),
	MEMBER(fw_component, options, 32),
	MEMBER(fw_component, config_size, 40),
	MEMBER(fw_component, hooks, 48),
	MEMBER(fw_component, check, 56),
	MEMBER(fw_component, start, 64),
	MEMBER(fw_component, deliver, 72),
	MEMBER(fw_component, reload, 80),
	MEMBER(fw_component, announced, 88),
	MEMBER(fw_component, drain, 96),
	MEMBER(fw_component, report, 104),
	MEMBER(fw_component, stop, 112),
	MEMBER(fw_component, counters, 120),
	MEMBER(fw_component, commands, 128),
	MEMBER(fw_component, read_commands, 136),
	SIZE(fw_component, 144),
	MEMBER(fw_command, name, 0),
	MEMBER(fw_command, args, 8),
	MEMBER(fw_command, summary, 16),
	MEMBER(fw_command, run, 24),
	SIZE(fw_command, 32),
	MEMBER(fw_counter, name, 0),
	MEMBER(fw_counter, unit, 8),
	MEMBER(fw_counter, help, 16),
	SIZE(fw_counter, 24),
	MEMBER(fw_option, name, 0),
	MEMBER(fw_option, type, 8),
	MEMBER(fw_option, offset, 16),
	MEMBER(fw_option, default_text, 24),
	MEMBER(fw_option, min, 32),
	MEMBER(fw_option, max, 40),
	MEMBER(fw_option, choices, 48),
	MEMBER(fw_option, rows, 56),
	MEMBER(fw_option, row_size, 64),
	MEMBER(fw_option, unit, 72),
	MEMBER(fw_option, help, 80),
	MEMBER(fw_option, check, 88),
	SIZE(fw_option, 96),
	MEMBER(fw_choice, word, 0),
	MEMBER(fw_choice, value, 8),
	MEMBER(fw_choice, help, 16),
	SIZE(fw_choice, 24),
	MEMBER(fw_hook, stage, 0),
	MEMBER(fw_hook, priority, 4),
	MEMBER(fw_hook, run, 8),
	SIZE(fw_hook, 16),
	MEMBER(fw_why, cause, 0),
	MEMBER(fw_why, rule, 4),
	SIZE(fw_why, 68),
	SIZE(fw_str, 16),
	MEMBER(fw_error, text, 4),
	SIZE(fw_error, 516),
	SIZE(fw_jid, 48),
	MEMBER(fw_secret, bytes, 0),
	MEMBER(fw_secret, len, 8),
	MEMBER(fw_secret, file, 16),
	SIZE(fw_secret, 24),
	SIZE(fw_strings, 16),
	SIZE(fw_rows, 16),
	MEMBER(fw_logger, name, 0),
	MEMBER(fw_logger, level, 8),
	MEMBER(fw_logger, registered, 12),
	MEMBER(fw_logger, next, 16),
	SIZE(fw_logger, 24),
	NUMBER(FW_OPTION_BOOL, 0),
	NUMBER(FW_OPTION_ROWS, 8),
	NUMBER(FW_STAGE_COUNT, 3),
	NUMBER(FW_PASS, 0),
	NUMBER(FW_BOUNCE, 2),
	NUMBER(FW_KIND_OTHER, 3),
	NUMBER(FW_EXIT_DROPPED, 4),
	NUMBER(FW_LOG_DEBUG, 4),
	NUMBER(FW_JSON_OBJECT, 5),
	NUMBER(-FW_EAGAIN, 12),
	/* causes: old numbers stay, new ones come after the last */
	NUMBER(FW_CAUSE_PEER_CLOSED, 1),
	NUMBER(FW_CAUSE_HOST_UNKNOWN, 20),
	NUMBER(FW_CAUSE_DNS_NOT_FOUND, 43),
	NUMBER(FW_CAUSE_UNHANDLED, 65),
};

static void test_nothing_has_moved(void **state)
{
	size_t moved = 0;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (rows[i].is != rows[i].was) {
			print_error("%s: %zu, was %zu\n", rows[i].what, rows[i].is, rows[i].was);
			moved++;
		}
	}
	assert_int_equal(moved, 0);
}

/* Strict modules carry the name of the release: it must be this one's. */
static void test_the_build_id_is_this_release(void **state)
{
	(void)state;
	assert_string_equal(FW_BUILD_ID, PACKAGE "-" PACKAGE_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_has_moved),
		cmocka_unit_test(test_the_build_id_is_this_release),
	};

	if (sizeof(void *) != 8) {
		return 77; /* the numbers above are those of 64-bit systems */
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
