/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/error.c: every code has words, sentences are cut and never overrun, assertions
 * end the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fedway/error.h>

static void test_every_code_has_its_own_words(void **state)
{
	(void)state;
	for (int code = FW_OK; code >= FW_EAGAIN; code--) {
		assert_non_null(fw_strerror(code));
		assert_string_not_equal(fw_strerror(code), "unknown error");
		for (int other = FW_OK; other > code; other--) {
			assert_string_not_equal(fw_strerror(code), fw_strerror(other));
		}
	}
	assert_string_equal(fw_strerror(1), "unknown error");
	assert_string_equal(fw_strerror(FW_EAGAIN - 1), "unknown error");
	assert_string_equal(fw_strerror(INT32_MIN), "unknown error");
}

static void test_set_formats_and_returns_the_code(void **state)
{
	struct fw_error err = { 0 };

	(void)state;
	assert_int_equal(fw_error_set(&err, FW_ENOENT, "no file %s", "x"), FW_ENOENT);
	assert_int_equal(err.code, FW_ENOENT);
	assert_string_equal(err.text, "no file x");
	assert_int_equal(fw_error_set(NULL, FW_ELIMIT, "ignored %d", 1), FW_ELIMIT);
}

static void test_set_cuts_a_long_sentence(void **state)
{
	struct fw_error err;
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fw_error_set(&err, FW_EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void test_a_false_assertion_ends_the_process(void **state)
{
	char text[256] = "";
	int ends[2];
	int status = 0;

	(void)state;
	fw_assert(1 + 1 == 2);
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		fw_assert(1 + 1 == 3);
		_exit(0);
	}
	close(ends[1]);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(text, "1 + 1 == 3"));
	assert_non_null(strstr(text, "test_error.c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_has_its_own_words),
		cmocka_unit_test(test_set_formats_and_returns_the_code),
		cmocka_unit_test(test_set_cuts_a_long_sentence),
		cmocka_unit_test(test_a_false_assertion_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
