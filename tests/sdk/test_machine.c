/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * State machines: tables that are refused, order of events, time limits.
 */
#include <fedway/io/machine.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { GREET, AUTH, UP, OVER };
enum { EVENT_WORD = FW_EVENT_OWN };

struct owner {
	struct fw_machine machine;
	struct fw_loop *loop;
	char story[256];
};

static void tell(struct owner *owner, const char *who, int kind)
{
	const char *what = kind == FW_EVENT_ENTER     ? "enter"
	                   : kind == FW_EVENT_TIMEOUT ? "timeout"
	                                              : "word";
	size_t used = strlen(owner->story);

	snprintf(owner->story + used, sizeof(owner->story) - used, "%s:%s ", who, what);
}

static void on_greet(void *ctx, const struct fw_event *event)
{
	struct owner *owner = ctx;

	tell(owner, "greet", event->kind);
	if (event->kind == EVENT_WORD) {
		assert_ptr_equal(event->data, owner);
		fw_machine_goto(&owner->machine, AUTH);
	}
}

static void on_auth(void *ctx, const struct fw_event *event)
{
	struct owner *owner = ctx;

	tell(owner, "auth", event->kind);
	if (event->kind == FW_EVENT_ENTER) {
		fw_machine_goto(&owner->machine, UP); /* a state may lead on at once */
	}
}

static void on_up(void *ctx, const struct fw_event *event)
{
	struct owner *owner = ctx;

	tell(owner, "up", event->kind);
	if (event->kind == FW_EVENT_ENTER) {
		fw_machine_timeout(&owner->machine, 1);
	} else if (event->kind == FW_EVENT_TIMEOUT) {
		fw_machine_goto(&owner->machine, OVER);
	}
}

static void on_over(void *ctx, const struct fw_event *event)
{
	struct owner *owner = ctx;

	tell(owner, "over", event->kind);
	if (event->kind == FW_EVENT_TIMEOUT) {
		fw_machine_stop(&owner->machine);
	}
}

static const struct fw_state_row rows[] = {
	[GREET] = { "greet", on_greet, 10000, FW_TO(AUTH) | FW_TO(OVER) },
	[AUTH] = { "auth", on_auth, 10000, FW_TO(UP) },
	[UP] = { "up", on_up, FW_TIMEOUT_OWN, FW_TO(OVER) },
	[OVER] = { "over", on_over, 2, 0 },
};

static void on_change(void *ctx, int from, int to, uint64_t spent_us)
{
	struct owner *owner = ctx;
	size_t used = strlen(owner->story);

	assert_true(spent_us < 60 * 1000 * 1000);
	snprintf(owner->story + used, sizeof(owner->story) - used, "%s>%s ", rows[from].name,
	         rows[to].name);
}

static void a_machine_walks_its_table(void **state)
{
	struct owner owner = { .machine = { .changed = on_change } };

	(void)state;
	assert_string_equal(fw_machine_state_name(&owner.machine), "none");
	assert_int_equal(fw_loop_new(&owner.loop), FW_OK);
	assert_int_equal(
	        fw_machine_start(&owner.machine, rows, FW_COUNT(rows), GREET, owner.loop, &owner),
	        FW_OK);
	assert_string_equal(fw_machine_state_name(&owner.machine), "greet");
	fw_machine_send(&owner.machine, EVENT_WORD, &owner);
	assert_string_equal(fw_machine_state_name(&owner.machine), "up");
	while (owner.machine.timer != NULL) {
		fw_loop_turn(owner.loop, true);
	}
	assert_string_equal(
	        owner.story,
	        "greet:enter greet:word greet>auth auth:enter auth>up up:enter up:timeout "
	        "up>over over:enter over:timeout ");
	fw_machine_send(&owner.machine, EVENT_WORD, &owner); /* stopped: nobody hears it */
	fw_machine_stop(&owner.machine);
	fw_loop_free(&owner.loop);
}

static void wrong_tables_are_refused(void **state)
{
	static const struct {
		const char *why;
		struct fw_state_row row;
		int count, first;
	} wrong[] = {
		{ "waits for ever", { "a", on_greet, 0, 0 }, 1, 0 },
		{ "no handler", { "a", NULL, 1, 0 }, 1, 0 },
		{ "no name", { NULL, on_greet, 1, 0 }, 1, 0 },
		{ "leads to a state that is not there", { "a", on_greet, 1, FW_TO(1) }, 1, 0 },
		{ "no state", { "a", on_greet, 1, 0 }, 0, 0 },
		{ "more states than bits", { "a", on_greet, 1, 0 }, 33, 0 },
		{ "begins nowhere", { "a", on_greet, 1, 0 }, 1, 1 },
	};
	struct owner owner = { 0 };

	(void)state;
	assert_int_equal(fw_loop_new(&owner.loop), FW_OK);
	for (size_t i = 0; i < FW_COUNT(wrong); i++) {
		print_message("%s\n", wrong[i].why);
		assert_int_equal(fw_machine_start(&owner.machine, &wrong[i].row, wrong[i].count,
		                                  wrong[i].first, owner.loop, &owner),
		                 FW_EINVAL);
		assert_string_equal(owner.story, "");
	}
	fw_loop_free(&owner.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_walks_its_table),
		cmocka_unit_test(wrong_tables_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
