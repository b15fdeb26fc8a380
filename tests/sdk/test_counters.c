/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/counters.c: one value per row, each by itself, kept over a new configuration; an
 * id without a row ends the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fedway/hosting.h>

enum toy_count { TOY_FIRST, TOY_SECOND, TOY_COUNTERS };

static const struct fw_counter toy_counters[] = {
	[TOY_FIRST] = { "first", "things", "the first row" },
	[TOY_SECOND] = { "second", "bytes", "the last row" },
	FW_COUNTER_END,
};
static const struct fw_counter no_counters[] = { FW_COUNTER_END };

static const struct fw_component with_rows = { FW_COMPONENT_HEAD, .name = "toy",
	                                       .counters = toy_counters };
static const struct fw_component empty_list = { FW_COMPONENT_HEAD, .name = "toy",
	                                        .counters = no_counters };
static const struct fw_component no_list = { FW_COMPONENT_HEAD, .name = "toy" };

static const struct fw_host_ops ops = { 0 };

static struct fw_self *new_self(const struct fw_component *component)
{
	const struct fw_self_settings settings = {
		.component = component,
		.ops = &ops,
		.id = "toy-1.realm",
		.realm = "realm",
	};
	struct fw_self *self = NULL;

	assert_int_equal(fw_self_new(&settings, &self), FW_OK);
	return self;
}

static void test_each_row_has_a_value_of_its_own(void **state)
{
	(void)state;
	struct fw_self *one = new_self(&with_rows), *other = new_self(&with_rows);
	for (unsigned id = 0; id < TOY_COUNTERS; id++) {
		assert_int_equal(fw_self_counter(one, id), 0);
	}
	fw_count(one, TOY_FIRST, 1);
	fw_count(one, TOY_FIRST, 1);
	fw_count(one, TOY_SECOND, UINT64_C(0x100000000));
	fw_count(one, TOY_SECOND, 0);
	assert_int_equal(fw_self_counter(one, TOY_FIRST), 2);
	assert_int_equal(fw_self_counter(one, TOY_SECOND), UINT64_C(0x100000000));
	for (unsigned id = 0; id < TOY_COUNTERS; id++) {
		assert_int_equal(fw_self_counter(other, id), 0);
	}
	fw_self_free(&one);
	fw_self_free(&other);
}

static void test_a_new_configuration_keeps_them(void **state)
{
	(void)state;
	struct fw_self *self = new_self(&with_rows);
	fw_count(self, TOY_SECOND, 7);
	fw_self_set_config(self, "new");
	assert_int_equal(fw_self_counter(self, TOY_SECOND), 7);
	fw_self_free(&self);
}

/* Runs one call in a process of its own. @return the signal that ended it, or 0 */
static int signal_of(const struct fw_component *component, unsigned id, bool read)
{
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit no_core = { 0, 0 };
		int null = open("/dev/null", O_WRONLY);
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)signal(SIGABRT, SIG_DFL);
		(void)dup2(null, STDERR_FILENO);
		struct fw_self *self = new_self(component);
		if (read) {
			(void)fw_self_counter(self, id);
		} else {
			fw_count(self, id, 1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static const struct {
	const char *sentence;
	const struct fw_component *component;
	unsigned id;
	int signal;
} ids[] = {
	{ "the last row", &with_rows, TOY_SECOND, 0 },
	{ "one after the last row", &with_rows, TOY_COUNTERS, SIGABRT },
	{ "far away", &with_rows, UINT32_MAX, SIGABRT },
	{ "a list without rows", &empty_list, 0, SIGABRT },
	{ "no list", &no_list, 0, SIGABRT },
};

static void test_an_id_without_a_row_is_our_bug(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(ids); i++) {
		print_message("%s\n", ids[i].sentence);
		assert_int_equal(signal_of(ids[i].component, ids[i].id, false), ids[i].signal);
		assert_int_equal(signal_of(ids[i].component, ids[i].id, true), ids[i].signal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_has_a_value_of_its_own),
		cmocka_unit_test(test_a_new_configuration_keeps_them),
		cmocka_unit_test(test_an_id_without_a_row_is_our_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
