/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/log.c: the form of a line, levels that change while the program runs, and where
 * lines go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fedway/hosting.h>
#include <fedway/log.h>

static char seen[8192];
static size_t seen_lines;

static void remember(void *ctx, enum fw_level level, const char *line, size_t len)
{
	(void)level;
	assert_ptr_equal(ctx, seen);
	assert_true(len > 0 && len < sizeof(seen) && line[len - 1] == '\n');
	memcpy(seen, line, len);
	seen[len] = '\0';
	seen_lines++;
}

static int capture(void **state)
{
	static const struct fw_log_sink sink = { remember, seen };

	(void)state;
	fw_log_set_sink(&sink);
	seen[0] = '\0';
	seen_lines = 0;
	return fw_log_set_level(fw_str("*"), FW_LOG_INFO) < 0;
}

static int release(void **state)
{
	(void)state;
	fw_log_set_sink(NULL);
	return 0;
}

/* Everything after the time, which must have its form. */
static const char *after_time(const char *line)
{
	static const char form[] = "0000-00-00T00:00:00.000Z ";

	for (size_t i = 0; form[i] != '\0'; i++) {
		assert_true(form[i] == '0' ? line[i] >= '0' && line[i] <= '9' : line[i] == form[i]);
	}
	return line + sizeof(form) - 1;
}

static void test_line_of_a_component_and_its_session(void **state)
{
	static struct fw_logger logger = FW_LOGGER("test.line");
	struct fw_log *component = NULL;
	struct fw_log *session = NULL;
	struct fw_log *deeper = NULL;
	char wanted[256];

	(void)state;
	assert_int_equal(fw_log_child(NULL, &component, "cm-%d_s2scp-1", 1), FW_OK);
	assert_int_equal(fw_log_child(component, &session, "session=%s", "5f"), FW_OK);
	assert_int_equal(fw_log_child(session, &deeper, "a.example:b.example"), FW_OK);

	fw_log(component, &logger, FW_LOG_INFO, "stream opened tls=%s", "no");
	snprintf(wanted, sizeof(wanted),
	         "cm-1_s2scp-1[%ld]: Level=\"INFO \" CodeLocation=\"test.line\" "
	         "Detail=\"stream opened tls=no\"\n",
	         (long)getpid());
	assert_string_equal(after_time(seen), wanted);

	fw_log(deeper, &logger, FW_LOG_WARNING, "slow");
	snprintf(wanted, sizeof(wanted),
	         "cm-1_s2scp-1[%ld]: Level=\"WARN \" CodeLocation=\"test.line\" "
	         "Detail=\"session=5f a.example:b.example slow\"\n",
	         (long)getpid());
	assert_string_equal(after_time(seen), wanted);
	fw_log_free(&deeper);
	fw_log_free(&session);
	fw_log_free(&component);
	assert_null(component);
	fw_log_free(&component);
}

static void test_line_without_a_context_names_the_program(void **state)
{
	static struct fw_logger logger = FW_LOGGER("test.program");

	(void)state;
	fw_log(NULL, &logger, FW_LOG_ERROR, "hello");
	assert_non_null(strstr(after_time(seen), "test_log["));
}

static void test_an_event_names_its_module(void **state)
{
	static struct fw_logger logger = FW_LOGGER("test.event");

	(void)state;
	fw_log_event(NULL, &logger, FW_LOG_ERROR, "XMPPFederation", "Stream Failed", "why=\"%s\"",
	             "x");
	assert_non_null(strstr(seen, "CodeLocation=\"test.event\" Module=\"XMPPFederation\" "
	                             "Event=\"Stream Failed\" Detail=\"why='x'\"\n"));
	seen[0] = '\0';
	fw_log_event(NULL, &logger, FW_LOG_DEBUG, "XMPPFederation", "Stream Failed", "quiet");
	assert_string_equal(seen, "");
}

static void test_a_line_of_fields_has_their_names_and_order(void **state)
{
	static struct fw_logger logger = FW_LOGGER("network.axl");
	const struct fw_log_field fields[] = {
		{ "Action", FW_STR("Send") },
		{ "URL", FW_STR("https://imp1.example:8443/axl/") },
		{ "Reason", FW_STR("a\nb\"c") },
	};

	(void)state;
	fw_log_fields(NULL, &logger, FW_LOG_INFO, "network.axl", fields, FW_COUNT(fields));
	assert_non_null(strstr(seen, "]: Module=\"network.axl\" Level=\"INFO\" Action=\"Send\" "
	                             "URL=\"https://imp1.example:8443/axl/\" "
	                             "Reason=\"a\\nb\\\"c\"\n"));
	seen[0] = '\0';
	fw_log_fields(NULL, &logger, FW_LOG_DEBUG, "network.axl", fields, FW_COUNT(fields));
	assert_string_equal(seen, "");
}

static void test_a_line_stays_one_line(void **state)
{
	static struct fw_logger logger = FW_LOGGER("test.flat");

	(void)state;
	fw_log(NULL, &logger, FW_LOG_ERROR, "a\nb\rc\x1b[1m\x7f");
	assert_ptr_equal(strchr(seen, '\n'), seen + strlen(seen) - 1);
	assert_non_null(strstr(seen, "Detail=\"a b c [1m \""));
	fw_log(NULL, &logger, FW_LOG_ERROR, "text=\"b\" peer=%s", "\\\"c\\\\\"");
	assert_non_null(strstr(seen, "Detail=\"text='b' peer=\\\"c\\\\'\"\n"));
}

static void test_a_long_line_is_cut_and_stays_whole(void **state)
{
	static struct fw_logger logger = FW_LOGGER("test.long");
	char *text = malloc(100001);

	(void)state;
	memset(text, 'x', 100000);
	text[100000] = '\0';
	fw_log(NULL, &logger, FW_LOG_ERROR, "%s", text);
	size_t len = strlen(seen);
	assert_in_range(len, 1000, 5000);
	assert_string_equal(seen + len - 5, "\xe2\x80\xa6\"\n");
	free(text);
}

static void test_levels(void **state)
{
	static struct fw_logger logger = FW_LOGGER("test.levels");

	(void)state;
	for (int set = 0; set < FW_LOG_LEVEL_COUNT; set++) {
		fw_log_set_level(fw_str("test.levels"), (enum fw_level)set);
		for (int level = 0; level < FW_LOG_LEVEL_COUNT; level++) {
			seen_lines = 0;
			fw_log(NULL, &logger, (enum fw_level)level, "x");
			assert_int_equal(seen_lines, level <= set);
			assert_int_equal(fw_log_on(&logger, (enum fw_level)level), level <= set);
		}
	}
}

static void test_levels_of_loggers_that_appear_later(void **state)
{
	static struct fw_logger early = FW_LOGGER("later.early");
	static struct fw_logger exact = FW_LOGGER("later.exact");
	static struct fw_logger family = FW_LOGGER("later.family");
	static struct fw_logger other = FW_LOGGER("lat");

	(void)state;
	assert_true(fw_log_on(&early, FW_LOG_INFO));
	assert_int_equal(fw_log_set_level(fw_str("later.*"), FW_LOG_DEBUG), 1);
	assert_int_equal(fw_log_set_level(fw_str("later.*"), FW_LOG_DEBUG), 0);
	assert_int_equal(fw_log_set_level(fw_str("later.exact"), FW_LOG_ERROR), 0);
	assert_true(fw_log_on(&early, FW_LOG_DEBUG));
	assert_true(fw_log_on(&family, FW_LOG_DEBUG));
	assert_false(fw_log_on(&exact, FW_LOG_WARNING));
	assert_true(fw_log_on(&exact, FW_LOG_ERROR));
	assert_false(fw_log_on(&other, FW_LOG_DEBUG));
	assert_true(fw_log_on(&other, FW_LOG_INFO));
}

/* What was said last counts, whatever was said about single loggers before. */
static void test_the_last_word_counts(void **state)
{
	static struct fw_logger one = FW_LOGGER("last.one");
	static struct fw_logger two = FW_LOGGER("last.two");

	(void)state;
	fw_log_set_level(fw_str("last.one"), FW_LOG_DEBUG);
	fw_log_set_level(fw_str("last.two"), FW_LOG_DEBUG);
	assert_true(fw_log_on(&one, FW_LOG_DEBUG));
	assert_true(fw_log_set_level(fw_str("*"), FW_LOG_WARNING) >= 1);
	assert_false(fw_log_on(&one, FW_LOG_NOTICE));
	assert_false(fw_log_on(&two, FW_LOG_NOTICE));
	fw_log_set_level(fw_str("last.one"), FW_LOG_INFO);
	assert_true(fw_log_on(&one, FW_LOG_INFO));
}

static void test_bad_levels_and_names_change_nothing(void **state)
{
	enum fw_level level = FW_LOG_NOTICE;

	(void)state;
	assert_true(fw_log_set_level(fw_str(""), FW_LOG_INFO) < 0);
	assert_true(fw_log_set_level(fw_str("*"), FW_LOG_LEVEL_COUNT) < 0);
	assert_int_equal(fw_log_set_level(fw_str("nobody"), FW_LOG_DEBUG), 0);
	assert_int_equal(fw_log_level_parse(fw_str("loud"), &level), FW_EINVAL);
	assert_int_equal(level, FW_LOG_NOTICE);
	for (int i = 0; i < FW_LOG_LEVEL_COUNT; i++) {
		const char *name = fw_log_level_name((enum fw_level)i);
		assert_int_equal(fw_log_level_parse(fw_str(name), &level), FW_OK);
		assert_int_equal(level, i);
	}
	assert_string_equal(fw_log_level_name(FW_LOG_LEVEL_COUNT), "unknown");
}

static void test_known_loggers_can_be_listed(void **state)
{
	static struct fw_logger listed = FW_LOGGER("test.listed");
	size_t found = 0;

	(void)state;
	for (int round = 0; round < 2; round++) {
		found = 0;
		for (const struct fw_logger *each = fw_log_next(NULL); each != NULL;
		     each = fw_log_next(each)) {
			found += each == &listed;
			assert_true(each->level < FW_LOG_LEVEL_COUNT);
		}
		assert_int_equal(found, round);
		fw_log(NULL, &listed, FW_LOG_INFO, "x");
	}
}

/* As before a module goes: its loggers leave the list, and come back with the level that was set.
 */
static void test_loggers_are_forgotten_with_their_code(void **state)
{
	static struct fw_logger one = FW_LOGGER("forget.one");
	static struct fw_logger two = FW_LOGGER("forget.two");
	char elsewhere;

	(void)state;
	fw_log_set_level(fw_str("forget.*"), FW_LOG_ERROR);
	assert_false(fw_log_on(&one, FW_LOG_INFO));
	assert_false(fw_log_on(&two, FW_LOG_INFO));
	fw_log_forget(&elsewhere); /* no code is there */
	fw_log_forget(&one);
	assert_null(fw_log_next(NULL));
	fw_log_set_level(fw_str("forget.one"), FW_LOG_DEBUG);
	assert_true(fw_log_on(&one, FW_LOG_DEBUG));
	assert_false(fw_log_on(&two, FW_LOG_INFO));
	assert_ptr_equal(fw_log_next(NULL), &one);
	assert_ptr_equal(fw_log_next(&one), &two);
	assert_null(fw_log_next(&two));
}

static void test_file_is_appended_and_opened_again(void **state)
{
	static struct fw_logger logger = FW_LOGGER("test.file");
	char path[] = "test_log_XXXXXX";
	char moved[sizeof(path) + 4];
	char text[4096];
	struct fw_error err = { 0 };

	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "before\n", 7), 7);
	close(fd);
	assert_int_equal(fw_log_open(path, &err), FW_OK);
	fw_log(NULL, &logger, FW_LOG_ERROR, "first");
	snprintf(moved, sizeof(moved), "%s.old", path);
	assert_int_equal(rename(path, moved), 0);
	fw_log(NULL, &logger, FW_LOG_ERROR, "second");
	assert_int_equal(fw_log_open(path, &err), FW_OK);
	fw_log(NULL, &logger, FW_LOG_ERROR, "third");
	assert_int_equal(fw_log_open("/nonexistent/x", &err), FW_ESYS);
	assert_non_null(strstr(err.text, "/nonexistent/x"));
	fw_log(NULL, &logger, FW_LOG_ERROR, "fourth"); /* the old one goes on */
	assert_int_equal(fw_log_open("-", &err), FW_OK);

	FILE *file = fopen(moved, "r");
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_int_equal(strncmp(text, "before\n", 7), 0);
	assert_true(strstr(text, "first") != NULL && strstr(text, "second") != NULL);
	assert_null(strstr(text, "third"));
	file = fopen(path, "r");
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_true(strstr(text, "third") != NULL && strstr(text, "fourth") != NULL);
	unlink(path);
	unlink(moved);
}

/* What is written on standard error while $JOURNAL_STREAM says this, read back. */
static const char *written_for(const char *journal, char *text, size_t size)
{
	static struct fw_logger logger = FW_LOGGER("test.journal");
	struct fw_error err = { 0 };
	struct stat file;
	char name[64];
	FILE *to = tmpfile();
	int kept = dup(STDERR_FILENO);

	assert_true(to != NULL && kept >= 0 && fstat(fileno(to), &file) == 0);
	snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)file.st_dev,
	         (unsigned long long)file.st_ino);
	(void)setenv("JOURNAL_STREAM", journal != NULL ? journal : name, 1);
	assert_int_equal(dup2(fileno(to), STDERR_FILENO), STDERR_FILENO);
	int ret = fw_log_open("-", &err);
	fw_log(NULL, &logger, FW_LOG_ERROR, "loud");
	fw_log(NULL, &logger, FW_LOG_INFO, "low");
	(void)dup2(kept, STDERR_FILENO);
	close(kept);
	(void)unsetenv("JOURNAL_STREAM");
	assert_int_equal(ret, FW_OK);
	assert_int_equal(fw_log_open("-", &err), FW_OK);
	rewind(to);
	text[fread(text, 1, size - 1, to)] = '\0';
	fclose(to);
	return text;
}

static void test_the_journal_is_told_how_loud_a_line_is(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(strncmp(written_for(NULL, text, sizeof(text)), "<3>20", 5), 0);
	assert_non_null(strstr(text, "loud\"\n<6>20"));
	/* standard error has gone elsewhere since: to a terminal, or a file */
	assert_int_equal(strncmp(written_for("1:1", text, sizeof(text)), "20", 2), 0);
	assert_null(strstr(text, "<"));
	assert_int_equal(strncmp(written_for("", text, sizeof(text)), "20", 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line_of_a_component_and_its_session, capture,
		                                release),
		cmocka_unit_test_setup_teardown(test_line_without_a_context_names_the_program,
		                                capture, release),
		cmocka_unit_test_setup_teardown(test_an_event_names_its_module, capture, release),
		cmocka_unit_test_setup_teardown(test_a_line_of_fields_has_their_names_and_order,
		                                capture, release),
		cmocka_unit_test_setup_teardown(test_a_line_stays_one_line, capture, release),
		cmocka_unit_test_setup_teardown(test_a_long_line_is_cut_and_stays_whole, capture,
		                                release),
		cmocka_unit_test_setup_teardown(test_levels, capture, release),
		cmocka_unit_test_setup_teardown(test_levels_of_loggers_that_appear_later, capture,
		                                release),
		cmocka_unit_test_setup_teardown(test_the_last_word_counts, capture, release),
		cmocka_unit_test_setup_teardown(test_bad_levels_and_names_change_nothing, capture,
		                                release),
		cmocka_unit_test_setup_teardown(test_known_loggers_can_be_listed, capture, release),
		cmocka_unit_test_setup_teardown(test_loggers_are_forgotten_with_their_code, capture,
		                                release),
		cmocka_unit_test_setup_teardown(test_file_is_appended_and_opened_again, capture,
		                                release),
		cmocka_unit_test_setup_teardown(test_the_journal_is_told_how_loud_a_line_is,
		                                capture, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
