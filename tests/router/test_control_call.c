/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Commands of components over the control socket: gathered, answered later, with progress, and with
 * either side gone too early.
 */
#include "tests/router/attach_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/control.h"
#include "router/instance.h"
#include "tests/router/toys.h"

#define TOYS \
	"components = ( { module = \"toy\"; options = { text = \"quick\"; }; }," \
	"{ module = \"toy\"; options = { text = \"slow\"; slow = true; }; }, { module = " \
	"\"rigid\"; } );"

static struct rig rig;
static struct peer client;
static char path[64];

static void load(const char *text)
{
	struct config *config = toys_config(text);

	config->router.control_socket = path;
	memset(&rig, 0, sizeof(rig));
	assert_int_equal(fw_loop_new(&rig.loop), FW_OK);
	assert_int_equal(router_start(rig.loop, &config, NULL, &rig.router, NULL), FW_OK);
}

static void connect_client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, strlen(path) + 1);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	peer_take(&client, &rig, fd);
}

static void start(void)
{
	toys_begin();
	*toys_waiting() = NULL;
	(void)snprintf(path, sizeof(path), "%s", rig_new_socket());
	load(TOYS);
	connect_client();
}

static void finish(void)
{
	peer_close(&client);
	router_stop(&rig.router);
	fw_loop_turn(rig.loop, false);
	fw_loop_free(&rig.loop);
}

static void test_each_component_answers_for_itself(void **state)
{
	(void)state;
	start();
	peer_send(&client, "{\"command\":\"say\",\"args\":{\"text\":\"hi\"}}\n");
	peer_expect(&client, "\n");
	assert_true(peer_has(&client, "{\"ok\":true,\"result\":{\"components\":["
	                              "{\"id\":\"toy-1.realm-test\",\"said\":\"hi\"},"
	                              "{\"id\":\"toy-2.realm-test\",\"said\":\"hi\"}]}}\n"));
	peer_forget(&client);
	peer_send(&client, "{\"command\":\"say\",\"args\":{\"text\":\"hi\","
	                   "\"component\":\"toy-2.realm-test\"}}\n");
	peer_expect(&client, "\n");
	assert_false(peer_has(&client, "toy-1"));
	assert_true(peer_has(&client, "\"said\":\"hi\""));
	peer_forget(&client);
	peer_send(&client, "{\"command\":\"status\"}\n"); /* the router's own goes first */
	peer_expect(&client, "\"realm\"");
	finish();
}

static const struct {
	const char *sentence, *request, *reply;
} wrong[] = {
	{ "all components fail", "{\"command\":\"say\"}",
	  "{\"ok\":false,\"error\":\"toy-1.realm-test has nothing to say\","
	  "\"remedy\":\"say something\"}" },
	{ "a component that is not there",
	  "{\"command\":\"say\",\"args\":{\"component\":\"toy-9\"}}", "no such component" },
	{ "a component without the command",
	  "{\"command\":\"say\",\"args\":{\"component\":\"rigid-1.realm-test\"}}",
	  "no such component" },
	{ "an argument it has not", "{\"command\":\"say\",\"args\":{\"words\":\"x\"}}",
	  "say has no argument" },
	{ "an argument that is no string", "{\"command\":\"say\",\"args\":{\"text\":[]}}",
	  "must be a string" },
	{ "half of a name", "{\"command\":\"wait\"}", "unknown command" },
	{ "more than a name", "{\"command\":\"wait long \"}", "unknown command" },
	{ "args that are no object", "{\"command\":\"say\",\"args\":\"text\"}",
	  "must be an object" },
};

static void test_wrong_requests(void **state)
{
	(void)state;
	start();
	for (size_t i = 0; i < FW_COUNT(wrong); i++) {
		print_message("%s\n", wrong[i].sentence);
		peer_send(&client, "%s\n", wrong[i].request);
		peer_expect(&client, "\n");
		assert_true(peer_has(&client, "{\"ok\":false"));
		assert_true(peer_has(&client, wrong[i].reply));
		peer_forget(&client);
	}
	finish();
}

static void test_the_reply_waits_for_the_slowest(void **state)
{
	(void)state;
	start();
	peer_send(&client, "{\"command\":\"wait long\"}\n{\"command\":\"help\"}\n");
	peer_expect(&client, "{\"progress\":\"toy-2.realm-test: slow waits\"}\n");
	rig_settle(&rig);
	assert_int_equal(peer_count(&client, "\n"), 1); /* not the reply, nor the next one's */
	fw_json_set(fw_call_result(*toys_waiting()), "late", fw_str("yes"));
	fw_call_done(toys_waiting());
	peer_expect(&client, "{\"id\":\"toy-2.realm-test\",\"late\":\"yes\"}]}}\n");
	peer_expect(&client, "\"summary\":\"say it\",\"module\":\"toy\"");
	assert_int_equal(peer_count(&client, "\"say it\""), 1);
	assert_int_equal(peer_count(&client, "{\"ok\":true"), 2);
	finish();
}

static void test_one_of_two_fails(void **state)
{
	(void)state;
	start();
	peer_send(&client, "{\"command\":\"wait long\"}\n");
	peer_expect(&client, "progress");
	fw_call_fail(toys_waiting(), FW_ETIMEOUT, "wait", "it took too long");
	peer_expect(&client, "{\"id\":\"toy-2.realm-test\",\"error\":\"it took too long\","
	                     "\"remedy\":\"wait\"}");
	assert_true(peer_has(&client, "{\"ok\":true"));
	finish();
}

static void test_the_client_goes(void **state)
{
	(void)state;
	start();
	peer_send(&client, "{\"command\":\"wait long\"}\n");
	peer_expect(&client, "progress");
	assert_non_null(*toys_waiting());
	peer_close(&client);
	rig_settle(&rig);
	assert_null(*toys_waiting());
	assert_non_null(strstr(toys_story, "cancelled toy-2"));
	finish();
}

static void test_a_client_that_only_says_no_more(void **state)
{
	(void)state;
	start();
	peer_send(&client, "{\"command\":\"wait long\"}");
	assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
	peer_expect(&client, "progress");
	rig_settle(&rig);
	assert_non_null(*toys_waiting());
	fw_call_done(toys_waiting());
	peer_expect(&client, "{\"ok\":true");
	peer_expect_end(&client);
	finish();
}

static void test_the_component_goes(void **state)
{
	struct config *config = toys_config("components = ( { module = \"toy\"; options = { text = "
	                                    "\"quick\"; }; } );");

	(void)state;
	start();
	config->router.control_socket = path;
	peer_send(&client, "{\"command\":\"wait long\"}\n");
	peer_expect(&client, "progress");
	assert_int_equal(router_reload(rig.router, &config, NULL, NULL), FW_OK);
	peer_expect(&client, "{\"ok\":true");
	peer_expect(&client, "the component stopped");
	finish();
}

static void test_the_router_goes(void **state)
{
	(void)state;
	start();
	peer_send(&client, "{\"command\":\"wait long\"}\n");
	peer_expect(&client, "progress");
	router_stop(&rig.router);
	assert_null(*toys_waiting());
	finish();
}

static void test_progress_that_nobody_reads_is_not_kept(void **state)
{
	char line[400];

	(void)state;
	start();
	memset(line, 'x', sizeof(line));
	peer_send(&client, "{\"command\":\"wait long\"}\n");
	peer_expect(&client, "progress");
	for (int i = 0; i < 100000; i++) { /* 40 MB, more than a socket takes */
		fw_call_progress(*toys_waiting(), "%.*s", (int)sizeof(line), line);
		if (i % 100 == 0) {
			fw_loop_turn(rig.loop, false);
		}
	}
	fw_call_done(toys_waiting());
	peer_expect(&client, "{\"ok\":true");
	assert_true(client.len < sizeof(client.text) - 1);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_component_answers_for_itself),
		cmocka_unit_test(test_wrong_requests),
		cmocka_unit_test(test_the_reply_waits_for_the_slowest),
		cmocka_unit_test(test_one_of_two_fails),
		cmocka_unit_test(test_the_client_goes),
		cmocka_unit_test(test_a_client_that_only_says_no_more),
		cmocka_unit_test(test_the_component_goes),
		cmocka_unit_test(test_the_router_goes),
		cmocka_unit_test(test_progress_that_nobody_reads_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
