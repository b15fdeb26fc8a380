/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/call.c: a command is answered at once or later, and either side may go first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fedway/hosting.h>

static struct fw_call *kept[4]; /* by the component */
static unsigned cancelled;

static void command_echo(struct fw_self *self, struct fw_call *call)
{
	(void)self;
	fw_json_set(fw_call_result(call), "text", fw_call_arg(call, "text"));
	fw_call_done(&call);
	assert_null(call);
}

static void command_fail(struct fw_self *self, struct fw_call *call)
{
	(void)self;
	fw_call_fail(&call, FW_ENOENT, "look elsewhere", "there is no %s", "such thing");
}

static size_t free_place(void)
{
	size_t i = 0;

	while (kept[i] != NULL) {
		i++;
	}
	return i;
}

static void command_keep(struct fw_self *self, struct fw_call *call)
{
	(void)self;
	kept[free_place()] = call;
}

static void forget(void *ctx)
{
	*(struct fw_call **)ctx = NULL;
	cancelled++;
}

static void command_mind(struct fw_self *self, struct fw_call *call)
{
	struct fw_call **place = &kept[free_place()];

	(void)self;
	*place = call;
	fw_call_on_cancel(call, forget, place);
}

static const struct fw_command commands[] = {
	{ "echo", "text", "answer at once", command_echo },
	{ "fail", "", "fail at once", command_fail },
	{ "keep", "", "answer later", command_keep },
	{ "mind", "", "answer later, and mind who waits", command_mind },
	FW_COMMAND_END,
};

enum { ECHO, FAIL, KEEP, MIND };

static const struct fw_component component = { FW_COMPONENT_HEAD, .name = "toy",
	                                       .commands = commands };
static const struct fw_host_ops ops = { 0 };

/* One who asks. */
struct asker {
	struct fw_call *under_way;
	struct fw_json *args, *result;
	unsigned ended;
	int code;
	char why[256], remedy[256], progress[64];
};

static void asker_progress(void *ctx, const char *line)
{
	struct asker *asker = ctx;

	(void)strncpy(asker->progress, line, sizeof(asker->progress) - 1);
}

static void asker_ended(void *ctx, int code, const char *why, const char *remedy)
{
	struct asker *asker = ctx;

	assert_null(asker->under_way);
	asker->ended++;
	asker->code = code;
	(void)strncpy(asker->why, why != NULL ? why : "", sizeof(asker->why) - 1);
	(void)strncpy(asker->remedy, remedy != NULL ? remedy : "", sizeof(asker->remedy) - 1);
}

static struct fw_self *new_self(void)
{
	const struct fw_self_settings settings = {
		.component = &component, .ops = &ops, .id = "toy-1.realm", .realm = "realm"
	};
	struct fw_self *self = NULL;

	memset(kept, 0, sizeof(kept));
	cancelled = 0;
	assert_int_equal(fw_self_new(&settings, &self), FW_OK);
	return self;
}

static void ask(struct asker *asker, struct fw_self *self, unsigned row)
{
	memset(asker, 0, sizeof(*asker));
	assert_int_equal(fw_json_parse(fw_str("{\"text\": \"hello\"}"), &asker->args, NULL), FW_OK);
	asker->result = fw_json_new();
	const struct fw_call_settings settings = {
		.command = &commands[row],
		.args = asker->args,
		.result = asker->result,
		.progress = asker_progress,
		.ended = asker_ended,
		.ctx = asker,
	};
	assert_int_equal(fw_self_call(self, &settings, &asker->under_way), FW_OK);
}

static void asker_free(struct asker *asker)
{
	fw_json_free(&asker->args);
	fw_json_free(&asker->result);
}

static void test_an_answer_at_once(void **state)
{
	(void)state;
	struct fw_self *self = new_self();
	struct asker one, other;
	ask(&one, self, ECHO);
	assert_null(one.under_way);
	assert_int_equal(one.ended, 1);
	assert_int_equal(one.code, FW_OK);
	assert_true(fw_str_is(fw_json_text(fw_json_get(one.result, "text")), "hello"));
	ask(&other, self, FAIL);
	assert_int_equal(other.ended, 1);
	assert_int_equal(other.code, FW_ENOENT);
	assert_string_equal(other.why, "there is no such thing");
	assert_string_equal(other.remedy, "look elsewhere");
	asker_free(&one);
	asker_free(&other);
	fw_self_free(&self);
}

static void test_an_answer_later_with_progress(void **state)
{
	(void)state;
	struct fw_self *self = new_self();
	struct asker one, other;
	ask(&one, self, KEEP);
	ask(&other, self, MIND);
	assert_non_null(one.under_way);
	assert_int_equal(one.ended, 0);
	assert_true(fw_call_arg(kept[0], "none").ptr == NULL);
	fw_call_progress(kept[0], "%d of %d", 1, 2);
	assert_string_equal(one.progress, "1 of 2");
	assert_string_equal(other.progress, "");
	fw_json_set_int(fw_call_result(kept[0]), "number", 7);
	fw_call_done(&kept[0]);
	assert_null(kept[0]);
	assert_int_equal(one.ended, 1);
	assert_int_equal(fw_json_int(fw_json_get(one.result, "number")), 7);
	fw_call_fail(&kept[1], FW_ETIMEOUT, NULL, "too slow");
	assert_int_equal(other.code, FW_ETIMEOUT);
	assert_string_equal(other.remedy, "");
	assert_int_equal(cancelled, 0);
	asker_free(&one);
	asker_free(&other);
	fw_self_free(&self);
}

static void test_whoever_asked_goes_first(void **state)
{
	(void)state;
	struct fw_self *self = new_self();
	struct asker one, other;
	ask(&one, self, MIND);
	fw_call_cancel(&one.under_way);
	assert_null(one.under_way);
	assert_int_equal(one.ended, 0);
	assert_int_equal(cancelled, 1);
	assert_null(kept[0]);
	/* a component that does not mind writes into nothing */
	ask(&other, self, KEEP);
	fw_call_cancel(&other.under_way);
	fw_call_cancel(&other.under_way);
	asker_free(&other);
	assert_true(fw_call_arg(kept[0], "text").ptr == NULL);
	fw_json_set(fw_call_result(kept[0]), "text", fw_str("nobody reads this"));
	fw_call_progress(kept[0], "nor this");
	fw_call_done(&kept[0]);
	assert_int_equal(other.ended, 0);
	asker_free(&one);
	fw_self_free(&self);
}

static void test_the_component_goes_first(void **state)
{
	(void)state;
	struct fw_self *self = new_self();
	struct asker askers[3];
	ask(&askers[0], self, KEEP);
	ask(&askers[1], self, MIND);
	ask(&askers[2], self, KEEP);
	fw_call_cancel(&askers[2].under_way); /* an orphan by then */
	fw_self_end_calls(self);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(askers[i].ended, 1);
		assert_int_equal(askers[i].code, FW_ECLOSED);
		assert_non_null(strstr(askers[i].why, "stopped"));
	}
	assert_int_equal(askers[2].ended, 0);
	assert_int_equal(cancelled, 1);
	fw_call_done(&kept[0]); /* what stop() may still do */
	fw_self_free(&self);    /* the orphan goes with it */
	for (size_t i = 0; i < 3; i++) {
		asker_free(&askers[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_at_once),
		cmocka_unit_test(test_an_answer_later_with_progress),
		cmocka_unit_test(test_whoever_asked_goes_first),
		cmocka_unit_test(test_the_component_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
