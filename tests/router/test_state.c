/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of router/state.c, state_file.c and domains.c: values live through a restart, a file that
 * is damaged or another node's is refused and left alone, a disk that is full costs a notice and no
 * value, and learned domains are ours at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "router/domains.h"
#include "router/federation.h"
#include "router/instance.h"
#include "router/notices.h"
#include "router/state.h"
#include "router/state_file.h"
#include "tests/router/toys.h"

static struct fw_loop *loop;
static struct router *router;
static char folder[64];
static char path[128];

static int start_with(const char *more, struct fw_error *err)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "state_file = \"%s\";\n%s", path, more);
	struct config *config = toys_config(text);
	toys_begin();
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	int ret = router_start(loop, &config, NULL, &router, err);
	if (ret != FW_OK) {
		fw_loop_free(&loop);
	}
	return ret;
}

static void stop(void)
{
	router_stop(&router);
	fw_loop_free(&loop);
}

static int open_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/fedway-state.XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/state.conf", folder);
	return 0;
}

static int close_folder(void **state)
{
	char next[160];

	(void)state;
	(void)snprintf(next, sizeof(next), "%s.new", path);
	(void)rmdir(next);
	(void)unlink(next);
	(void)unlink(path);
	return rmdir(folder);
}

static int learn(const struct component *by, const char *key, const char *text,
                 struct fw_error *err)
{
	struct fw_json *json = NULL;

	assert_int_equal(fw_json_parse(fw_str(text), &json, NULL), FW_OK);
	int ret = state_set(router, by, key, fw_json_get(json, "v"), err);
	fw_json_free(&json);
	return ret;
}

static void write_text(const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static size_t read_text(char *out, size_t size)
{
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	size_t len = fread(out, 1, size - 1, in);
	out[len] = '\0';
	assert_int_equal(fclose(in), 0);
	return len;
}

static void what_was_learned_is_there_after_a_restart(void **state)
{
	struct stat found;

	(void)state;
	assert_int_equal(start_with("", NULL), FW_OK);
	assert_int_equal(stat(path, &found), 0); /* whether it can be written shows at once */
	assert_int_equal(learn(NULL, "allow", "{\"v\":[\"a.example\",\"b.example\"]}", NULL),
	                 FW_OK);
	assert_int_equal(learn(NULL, "gone", "{\"v\":[]}", NULL), FW_OK);
	assert_int_equal(state_set(router, NULL, "gone", NULL, NULL), FW_OK);
	assert_true(state_is_kept(router));
	stop();
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);

	assert_int_equal(start_with("", NULL), FW_OK);
	const struct fw_json *allow = state_get(router, "allow");
	assert_int_equal(fw_json_count(allow), 2);
	assert_true(fw_str_is(fw_json_text(fw_json_at(allow, 1)), "b.example"));
	assert_null(state_get(router, "gone"));
	stop();
}

static void others_are_told_and_only_of_changes(void **state)
{
	(void)state;
	assert_int_equal(
	        start_with("components = ({ module = \"toy\"; }, { module = \"toy\"; });", NULL),
	        FW_OK);
	const struct instance *first = instance_find(router, "toy-1.realm-test");
	toys_begin();
	assert_int_equal(learn(first->component, "allow", "{\"v\":[\"a.example\"]}", NULL), FW_OK);
	fw_loop_turn(loop, false);
	assert_string_equal(toys_story, "told toy-2 state.allow;");
	assert_int_equal(learn(NULL, "allow", "{\"v\":[\"a.example\"]}", NULL), FW_OK);
	fw_loop_turn(loop, false);
	assert_string_equal(toys_story, "told toy-2 state.allow;"); /* nothing is different */
	toys_begin();
	assert_int_equal(learn(first->component, "allow", "{\"v\":[\"b.example\"]}", NULL), FW_OK);
	assert_int_equal(learn(NULL, "allow", "{\"v\":[\"c.example\"]}", NULL), FW_OK);
	fw_loop_turn(loop, false);
	assert_string_equal(toys_story, "told toy-1 state.allow;told toy-2 state.allow;");
	stop();
}

static void values_that_cannot_be_kept_are_refused(void **state)
{
	static const struct {
		const char *key, *value;
		int code;
	} rows[] = {
		{ "no name", "{\"v\":1}", FW_EINVAL },
		{ "true", "{\"v\":1}", FW_EINVAL },
		{ "a", "{\"v\":null}", FW_EINVAL },
		{ "a", "{\"v\":[1]}", FW_EINVAL },
		{ "a", "{\"v\":[[\"x\"]]}", FW_EINVAL },
		{ "a", "{\"v\":{\"corp.example\":1}}", FW_EINVAL },
		{ "federation", "{\"v\":{\"on\":true}}", FW_EDENIED },
		{ "domains", "{\"v\":\"corp.example\"}", FW_EINVAL },
		{ "domains", "{\"v\":[\"corp.example\"]}", FW_EINVAL },
		{ "domains", "{\"v\":[{\"name\":\"not a domain\"}]}", FW_EINVAL },
	};

	(void)state;
	assert_int_equal(start_with("components = ({ module = \"toy\"; });", NULL), FW_OK);
	const struct instance *toy = instance_find(router, "toy-1.realm-test");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_error err = { 0 };
		assert_int_equal(learn(toy->component, rows[i].key, rows[i].value, &err),
		                 rows[i].code);
		assert_true(err.text[0] != '\0');
		assert_null(state_get(router, rows[i].key));
	}
	stop();
}

static void more_than_a_mebibyte_is_refused_and_the_old_value_stays(void **state)
{
	struct fw_json *json = fw_json_new();
	struct fw_json *list = fw_json_set_array(json, "v");
	struct fw_error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		fw_json_append(list,
		               fw_str("a-long-name-of-a-domain-that-fills-the-file.example.org"));
	}
	assert_int_equal(start_with("", NULL), FW_OK);
	assert_int_equal(learn(NULL, "allow", "{\"v\":[\"a.example\"]}", NULL), FW_OK);
	assert_int_equal(state_set(router, NULL, "allow", list, &err), FW_ELIMIT);
	assert_int_equal(fw_json_count(state_get(router, "allow")), 1);
	fw_json_free(&json);
	stop();
}

static void a_file_that_cannot_be_understood_is_refused_and_left_alone(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "format = 1;\nrealm = \"realm-test\";\nlearned = { federation = { on = fal",
		  "state.conf:3: '{' is never closed" },
		{ "", "no state file" },
		{ "realm = \"realm-test\"; domains = ();", "no state file" },
		{ "format = 2; realm = \"realm-test\"; learned = { };", "no state file" },
		{ "format = 1; realm = \"edge-2\"; learned = { };",
		  "belongs to the realm edge-2, not to \"realm-test\"" },
		{ "format = 1; realm = \"realm-test\"; learned = { domains = ( { } ); };",
		  "row 1 of \"domains\" has no name" },
		{ "format = 1; realm = \"realm-test\"; learned = { n = 1.5; };", "fraction" },
	};
	char after[512];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_error err = { 0 };
		write_text(rows[i].text);
		assert_int_equal(start_with("", &err), FW_EPARSE);
		if (strstr(err.text, rows[i].says) == NULL || strstr(err.text, path) == NULL) {
			fail_msg("'%s' does not say '%s'", err.text, rows[i].says);
		}
		(void)read_text(after, sizeof(after));
		assert_string_equal(after, rows[i].text);
	}
}

static void a_file_that_cannot_be_written_costs_a_notice_and_no_value(void **state)
{
	char next[160];

	(void)state;
	(void)snprintf(next, sizeof(next), "%s.new", path);
	assert_int_equal(mkdir(next, 0700), 0); /* is in the way, for root as well */
	assert_int_equal(start_with("", NULL), FW_OK);
	assert_int_equal(learn(NULL, "allow", "{\"v\":[\"a.example\"]}", NULL), FW_OK);
	assert_int_equal(fw_json_count(state_get(router, "allow")), 1);
	assert_false(state_is_kept(router));
	assert_int_equal(notices_worst(router), FW_NOTICE_YELLOW);
	assert_string_equal(router->notices->key, "state-file");
	assert_int_equal(rmdir(next), 0);
	assert_int_equal(learn(NULL, "allow", "{\"v\":[\"b.example\"]}", NULL), FW_OK);
	assert_null(router->notices); /* mended */
	stop();
}

static void killed_while_writing_leaves_one_of_the_two(void **state)
{
	struct fw_json *values = fw_json_new();
	struct fw_json *list = fw_json_set_array(values, "allow");
	unsigned seen = 0;

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		fw_json_append(list, fw_str("partner.example"));
	}
	char *text = state_file_text("realm-test", values);
	for (unsigned i = 0; i < 20; i++) {
		pid_t child = fork();
		if (child == 0) {
			for (;;) {
				(void)state_file_write(path, text, NULL);
			}
		}
		assert_true(child > 0);
		while (seen == 0 && access(path, F_OK) != 0) {
			(void)usleep(1000);
		}
		(void)usleep(200 * i);
		(void)kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		struct fw_json *found = NULL;
		assert_int_equal(state_file_read(path, "realm-test", &found, NULL), FW_OK);
		assert_non_null(found);
		assert_true(fw_json_equal(found, values));
		seen++;
		fw_json_free(&found);
	}
	free(text);
	fw_json_free(&values);
}

static void a_value_that_is_not_whole_leaves_all_as_it_was(void **state)
{
	struct fw_json *broken = fw_json_new();

	(void)state;
	assert_int_equal(start_with("", NULL), FW_OK);
	fw_json_append(broken, fw_str("as after a failed allocation"));
	assert_int_equal(state_set(router, NULL, "a", broken, NULL), FW_ENOMEM);
	assert_null(state_get(router, "a"));
	fw_json_free(&broken);
	assert_int_equal(learn(NULL, "a", "{\"v\":[\"one\"]}", NULL), FW_OK);
	stop();
}

static void a_value_may_be_made_of_the_one_before(void **state)
{
	(void)state;
	assert_int_equal(start_with("", NULL), FW_OK);
	assert_int_equal(learn(NULL, "a", "{\"v\":{\"part\":[\"one\",\"two\"]}}", NULL), FW_OK);
	assert_int_equal(
	        state_set(router, NULL, "a", fw_json_get(state_get(router, "a"), "part"), NULL),
	        FW_OK);
	assert_true(fw_str_is(fw_json_text(fw_json_at(state_get(router, "a"), 1)), "two"));
	stop();
}

static void learned_domains_are_ours_at_once(void **state)
{
	static const char both[] = "{\"v\":[{\"name\":\"corp.example\",\"federation\":true},"
	                           "{\"name\":\"rooms.corp.example\",\"federation\":true,\"alias_"
	                           "of\":\"corp.example\"},"
	                           "{\"name\":\"inner.example\",\"federation\":false}]}";

	(void)state;
	assert_int_equal(
	        start_with("domains = ({ name = \"own.example\"; federation = true; });", NULL),
	        FW_OK);
	assert_int_equal(learn(NULL, "domains", both, NULL), FW_OK);
	assert_true(router_domain_is_federated(router, fw_str("rooms.corp.example")));
	assert_true(router_domain_is_local(router, fw_str("inner.example")));
	assert_false(router_domain_is_federated(router, fw_str("inner.example")));
	assert_true(router_domain_is_federated(router, fw_str("own.example")));
	struct config *config = toys_config("");
	config->router.state_file = path;
	assert_int_equal(router_reload(router, &config, NULL, NULL), FW_OK);
	assert_true(router_domain_is_federated(router, fw_str("corp.example"))); /* still */
	assert_false(router_domain_is_local(router, fw_str("own.example")));
	stop();
	assert_int_equal(start_with("", NULL), FW_OK);
	assert_true(router_domain_is_federated(router, fw_str("corp.example")));
	assert_int_equal(state_set(router, NULL, "domains", NULL, NULL), FW_OK);
	assert_false(router_domain_is_local(router, fw_str("corp.example")));
	stop();
}

static void aliases_are_domains_and_a_change_is_told(void **state)
{
	static const char rows[] = "domains = ({ name = \"corp.example\"; federation = true;"
	                           " chat_node_aliases = [\"rooms.corp.example\"]; },"
	                           " { name = \"in.example\"; im_and_presence = false; });"
	                           "components = ({ module = \"toy\"; });";
	struct fw_json *document = fw_json_new();
	struct fw_json *array = fw_json_set_array(document, "v");

	(void)state;
	assert_int_equal(start_with(rows, NULL), FW_OK);
	assert_true(router_domain_is_federated(router, fw_str("rooms.corp.example")));
	assert_int_equal(fw_domains(toys_self("toy-1.realm-test"), array), FW_OK);
	char *text = fw_json_dump(array, false);
	assert_string_equal(
	        text,
	        "[{\"name\":\"corp.example\",\"federation\":true,\"im_and_presence\":true},"
	        "{\"name\":\"rooms.corp.example\",\"federation\":true,\"im_and_presence\":true,"
	        "\"alias_of\":\"corp.example\"},"
	        "{\"name\":\"in.example\",\"federation\":false,\"im_and_presence\":false}]");
	free(text);
	fw_json_free(&document);
	toys_begin();
	struct config *config = toys_config("domains = ({ name = \"corp.example\"; });"
	                                    "components = ({ module = \"toy\"; });");
	config->router.state_file = path;
	assert_int_equal(router_reload(router, &config, NULL, NULL), FW_OK);
	fw_loop_turn(loop, false);
	assert_string_equal(toys_story, "told toy-1 domains;");
	stop();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)
	const struct CMUnitTest tests[] = {
		CASE(what_was_learned_is_there_after_a_restart),
		CASE(others_are_told_and_only_of_changes),
		CASE(values_that_cannot_be_kept_are_refused),
		CASE(more_than_a_mebibyte_is_refused_and_the_old_value_stays),
		CASE(a_file_that_cannot_be_understood_is_refused_and_left_alone),
		CASE(a_file_that_cannot_be_written_costs_a_notice_and_no_value),
		CASE(killed_while_writing_leaves_one_of_the_two),
		CASE(a_value_that_is_not_whole_leaves_all_as_it_was),
		CASE(a_value_may_be_made_of_the_one_before),
		CASE(learned_domains_are_ours_at_once),
		CASE(aliases_are_domains_and_a_change_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
