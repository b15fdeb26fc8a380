/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: every command, what a hostile client can send, and the file it lives in.
 */
#include "tests/router/attach_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/control_commands.h"
#include "router/instance.h"
#include "tests/router/toys.h"

#define CONFIG \
	"realm = \"test-realm\"; control_socket = \"%s\"; log_level = \"error\";" \
	"listen = ( { address = \"127.0.0.1\"; port = %u; } );" \
	"domains = ( { name = \"corp.test\"; federation = true; } );" \
	"links = ( { name = \"a.test\"; secret = \"s-a\"; } );"

static struct rig rig;
static struct peer a, client;
static uint16_t port;
static char path[64];

/* What the daemon was asked for. */
static struct {
	int reloads, drains, stops;
	bool refuse;
} asked;

static int on_reload(void *ctx, struct fw_json *changes, char **problems, struct fw_error *err)
{
	(void)ctx;
	asked.reloads++;
	if (asked.refuse) {
		*problems = fw_str_dup(fw_str("file:1: one\nfile:2: two\n"));
		return fw_error_set(err, FW_EINVAL, "file has 2 problems");
	}
	fw_json_append(changes, fw_str("link added: b.test"));
	return FW_OK;
}

static void on_drain(void *ctx)
{
	(void)ctx;
	asked.drains++;
}

static void on_stop(void *ctx)
{
	(void)ctx;
	asked.stops++;
}

static char *on_options(void *ctx, struct fw_str module, struct fw_error *err)
{
	(void)ctx;
	if (module.len > 0) {
		(void)fw_error_set(err, FW_ENOENT, "no such module");
		return NULL;
	}
	return fw_str_dup(fw_str("router:\n"));
}

static const struct control_daemon daemon_events = { on_reload, on_drain, on_stop, on_options };

static void start_at(const char *socket_path)
{
	port = rig_free_port();
	(void)snprintf(path, sizeof(path), "%s", socket_path);
	rig_start(&rig, CONFIG, path, port);
	control_set_daemon(rig.router, &daemon_events, NULL);
	memset(&asked, 0, sizeof(asked));
	a.fd = client.fd = -1;
}

static void start(void)
{
	start_at(rig_new_socket());
}

static void finish(void)
{
	peer_close(&a);
	peer_close(&client);
	rig_stop(&rig);
}

static void keep_reply(void *ctx, char *line, bool last)
{
	assert_true(last);
	*(char **)ctx = line;
}

/* Asks without a socket; the reply must be JSON, whatever the request was. */
static struct fw_json *ask(const char *request)
{
	struct fw_json *reply = NULL;
	struct fw_error err = { 0 };
	struct control_call *call = NULL;
	char *text = NULL;

	assert_int_equal(control_ask(rig.router, fw_str(request), keep_reply, &text, &call), FW_OK);
	for (int i = 0; call != NULL && i < 10; i++) { /* those that ask all nodes */
		fw_loop_turn(rig.loop, false);
	}
	assert_null(call);
	assert_non_null(text);
	if (fw_json_parse(fw_str(text), &reply, &err) != FW_OK) {
		fail_msg("reply to %s is no JSON: %s", request, text);
	}
	assert_int_equal(fw_json_type(fw_json_get(reply, "ok")), FW_JSON_BOOL);
	free(text);
	return reply;
}

static const struct fw_json *result_of(const struct fw_json *reply)
{
	assert_true(fw_json_bool(fw_json_get(reply, "ok")));
	return fw_json_get(reply, "result");
}

static void test_every_command_answers(void **state)
{
	(void)state;
	start();
	struct fw_json *help = ask("{\"command\": \"help\"}");
	const struct fw_json *list = fw_json_get(result_of(help), "commands");
	assert_true(fw_json_count(list) >= 12);
	for (size_t i = 0; i < fw_json_count(list); i++) {
		char request[128];
		struct fw_str word = fw_json_text(fw_json_get(fw_json_at(list, i), "command"));
		if (fw_str_is(word, "check")) {
			continue; /* needs a domain */
		}
		(void)snprintf(request, sizeof(request), "{\"command\": \"%.*s\", \"args\": {}}",
		               FW_STR_ARG(word));
		struct fw_json *reply = ask(request);
		assert_int_equal(fw_json_type(result_of(reply)), FW_JSON_OBJECT);
		fw_json_free(&reply);
	}
	assert_int_equal(asked.reloads, 1);
	assert_int_equal(asked.drains, 1);
	assert_int_equal(asked.stops, 1);
	fw_json_free(&help);
	finish();
}

static void test_reports_tell_the_truth(void **state)
{
	(void)state;
	start();
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_send(&a, "<message from='a.test' to='a.test' id='1'/><message from='a.test' "
	              "to='no.test' id='2'/>");
	peer_expect(&a, "name='no-route'");
	struct fw_json *reply = ask("{\"command\": \"status\"}");
	const struct fw_json *result = result_of(reply);
	assert_true(fw_str_is(fw_json_text(fw_json_get(result, "realm")), "test-realm"));
	assert_int_equal(fw_json_int(fw_json_get(result, "links")), 1);
	assert_int_equal(fw_json_int(fw_json_get(result, "components_up")), 1);
	assert_int_equal(fw_json_int(fw_json_get(result, "streams")), 1);
	assert_true(fw_json_bool(fw_json_get(fw_json_get(result, "ledger"), "balanced")));
	fw_json_free(&reply);

	reply = ask("{\"command\": \"components\"}");
	const struct fw_json *row = fw_json_at(fw_json_get(result_of(reply), "components"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "id")), "a.test"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "state")), "up"));
	assert_int_equal(fw_json_int(fw_json_get(row, "stanzas_in")), 2);
	fw_json_free(&reply);

	reply = ask("{\"command\": \"routes\"}");
	const struct fw_json *routes = fw_json_get(result_of(reply), "routes");
	bool held = false, listed = false;
	for (size_t i = 0; i < fw_json_count(routes); i++) {
		row = fw_json_at(routes, i);
		struct fw_str domain = fw_json_text(fw_json_get(row, "domain"));
		held = held || (fw_str_is(domain, "a.test") &&
		                fw_str_is(fw_json_text(fw_json_get(row, "component")), "a.test"));
		listed = listed || (fw_str_is(domain, "corp.test") &&
		                    fw_json_bool(fw_json_get(row, "federated")));
	}
	assert_true(held);
	assert_true(listed);
	fw_json_free(&reply);

	reply = ask("{\"command\": \"streams\"}");
	row = fw_json_at(fw_json_get(result_of(reply), "components"), 0);
	row = fw_json_at(fw_json_get(row, "streams"), 0);
	assert_int_equal(fw_json_int(fw_json_get(row, "stanzas_in")), 2);
	fw_json_free(&reply);

	reply = ask("{\"command\": \"ledger\"}");
	const struct fw_json *total = fw_json_get(result_of(reply), "total");
	assert_true(fw_json_bool(fw_json_get(result_of(reply), "balanced")));
	assert_int_equal(fw_json_int(fw_json_get(total, "bounced")), 1);
	assert_int_equal(fw_json_int(fw_json_get(fw_json_get(total, "causes"), "no-route")), 1);
	fw_json_free(&reply);
	finish();
}

/* The row of one counter, among those the command reports; NULL when it is not there. */
static const struct fw_json *counter_row(const struct fw_json *reply, const char *component,
                                         const char *counter)
{
	const struct fw_json *list = fw_json_get(result_of(reply), "counters");

	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *row = fw_json_at(list, i);
		if (fw_str_is(fw_json_text(fw_json_get(row, "component")), component) &&
		    fw_str_is(fw_json_text(fw_json_get(row, "counter")), counter)) {
			return row;
		}
	}
	return NULL;
}

static int64_t counted(const struct fw_json *reply, const char *component, const char *counter)
{
	const struct fw_json *row = counter_row(reply, component, counter);

	assert_non_null(row);
	assert_int_equal(fw_json_type(fw_json_get(row, "value")), FW_JSON_NUMBER);
	return fw_json_int(fw_json_get(row, "value"));
}

#define TWO_TOYS(text) \
	"components = ( { module = \"toy\"; options = { text = \"" text "\"; }; }," \
	"{ module = \"toy\"; }, { module = \"rigid\"; } );"

static void test_counters_of_modules(void **state)
{
	struct config *config = toys_config(TWO_TOYS("old"));

	(void)state;
	memset(&rig, 0, sizeof(rig));
	assert_int_equal(fw_loop_new(&rig.loop), FW_OK);
	assert_int_equal(router_start(rig.loop, &config, NULL, &rig.router, NULL), FW_OK);
	instances_announce(rig.router, "weather", 0);
	struct fw_json *reply = ask("{\"command\": \"counters\"}");
	assert_int_equal(fw_json_count(fw_json_get(result_of(reply), "counters")),
	                 2 * TOY_COUNTERS); /* one that declares none has none */
	assert_int_equal(counted(reply, "toy-1.realm-test", "told"), 1);
	assert_int_equal(counted(reply, "toy-1.realm-test", "reloads"), 0);
	const struct fw_json *row = counter_row(reply, "toy-2.realm-test", "told");
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "unit")), "services"));
	assert_true(
	        fw_str_is(fw_json_text(fw_json_get(row, "help")), "announcements that reached it"));
	fw_json_free(&reply);

	config = toys_config(TWO_TOYS("new")); /* a reload keeps what was counted */
	assert_int_equal(router_reload(rig.router, &config, NULL, NULL), FW_OK);
	reply = ask("{\"command\": \"counters\", \"args\": {\"component\": "
	            "\"toy-1.realm-test\"}}");
	assert_int_equal(fw_json_count(fw_json_get(result_of(reply), "counters")), TOY_COUNTERS);
	assert_int_equal(counted(reply, "toy-1.realm-test", "told"), 1);
	assert_int_equal(counted(reply, "toy-1.realm-test", "reloads"), 1);
	fw_json_free(&reply);

	reply = ask("{\"command\": \"counters\", \"args\": {\"component\": "
	            "\"rigid-1.realm-test\"}}");
	assert_int_equal(fw_json_count(fw_json_get(result_of(reply), "counters")), 0);
	fw_json_free(&reply);
	router_stop(&rig.router);
	rig_settle(&rig);
	fw_loop_free(&rig.loop);
}

static void test_log_levels(void **state)
{
	(void)state;
	start();
	struct fw_json *reply = ask("{\"command\": \"log\", \"args\": {\"logger\": \"router.*\", "
	                            "\"level\": \"debug\"}}");
	(void)result_of(reply);
	fw_json_free(&reply);
	bool seen = false;
	for (const struct fw_logger *l = fw_log_next(NULL); l != NULL; l = fw_log_next(l)) {
		if (strncmp(l->name, "router.", 7) == 0) {
			assert_int_equal(l->level, FW_LOG_DEBUG);
			seen = true;
		}
	}
	assert_true(seen);
	finish();
}

static void test_refused_reload_lists_the_problems(void **state)
{
	(void)state;
	start();
	asked.refuse = true;
	struct fw_json *reply = ask("{\"command\": \"reload\"}");
	assert_false(fw_json_bool(fw_json_get(reply, "ok")));
	assert_int_equal(fw_json_count(fw_json_get(reply, "problems")), 2);
	assert_true(fw_json_text(fw_json_get(reply, "remedy")).len > 0);
	fw_json_free(&reply);
	finish();
}

static const struct {
	const char *sentence, *request;
} wrong[] = {
	{ "nothing", "" },
	{ "no JSON", "status" },
	{ "half a document", "{\"command\": \"stat" },
	{ "two documents", "{\"command\":\"status\"}{\"command\":\"status\"}" },
	{ "no object", "[\"status\"]" },
	{ "no object either", "null" },
	{ "no command", "{}" },
	{ "a command that is no string", "{\"command\": 5}" },
	{ "an empty command", "{\"command\": \"\"}" },
	{ "an unknown command", "{\"command\": \"reboot\"}" },
	{ "a command that only begins right", "{\"command\": \"statusx\"}" },
	{ "a key twice", "{\"command\": \"status\", \"command\": \"stop\"}" },
	{ "args that are no object", "{\"command\": \"status\", \"args\": []}" },
	{ "an argument that the command has not",
	  "{\"command\": \"stop\", \"args\": {\"now\": \"yes\"}}" },
	{ "an argument that is part of a name",
	  "{\"command\": \"log\", \"args\": {\"log\": \"x\"}}" },
	{ "an argument with an empty name", "{\"command\": \"log\", \"args\": {\"\": \"x\"}}" },
	{ "an argument that is no string", "{\"command\": \"log\", \"args\": {\"logger\": 1}}" },
	{ "half of two arguments", "{\"command\": \"log\", \"args\": {\"logger\": \"x\"}}" },
	{ "a level that is none",
	  "{\"command\": \"log\", \"args\": {\"logger\": \"x\", \"level\": \"loud\"}}" },
	{ "a component that is none",
	  "{\"command\": \"counters\", \"args\": {\"component\": \"nobody\"}}" },
	{ "a cause that is none",
	  "{\"command\": \"explain\", \"args\": {\"cause\": \"bad-luck\"}}" },
	{ "a module that is none",
	  "{\"command\": \"options\", \"args\": {\"module\": \"../../x\"}}" },
};

static void test_wrong_requests_are_told_so(void **state)
{
	(void)state;
	start();
	for (size_t i = 0; i < FW_COUNT(wrong); i++) {
		print_message("%s\n", wrong[i].sentence);
		struct fw_json *reply = ask(wrong[i].request);
		assert_false(fw_json_bool(fw_json_get(reply, "ok")));
		assert_true(fw_json_text(fw_json_get(reply, "error")).len > 0);
		fw_json_free(&reply);
	}
	assert_int_equal(asked.stops + asked.drains + asked.reloads, 0);
	finish();
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

static const char request[] =
        "{\"command\": \"log\", \"args\": {\"logger\": \"x\", \"level\": \"info\"}}\n";

static void test_request_cut_and_truncated_at_every_byte(void **state)
{
	(void)state;
	start();
	for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
		connect_client();
		peer_send_bytes(&client, request, cut);
		rig_settle(&rig);
		peer_send_bytes(&client, request + cut, sizeof(request) - 1 - cut);
		peer_expect(&client, "{\"ok\":true");
		peer_close(&client);
		/* truncated: an answer to half a request is a refusal, if it comes at all */
		connect_client();
		peer_send_bytes(&client, request, cut);
		(void)shutdown(client.fd, SHUT_WR);
		peer_expect_end(&client);
		assert_true(peer_has(&client, cut == sizeof(request) - 2 ? "{\"ok\":true"
		                                                         : "{\"ok\":false"));
		peer_close(&client);
	}
	finish();
}

static void test_several_requests_on_one_connection(void **state)
{
	(void)state;
	start();
	connect_client();
	for (int i = 0; i < 50; i++) {
		peer_send(&client, "{\"command\":\"help\"}\r\n\n");
	}
	peer_send(&client, "nonsense\n{\"command\":\"log\",\"args\":{\"logger\":\"last\",\"level\":"
	                   "\"info\"}}\n");
	peer_expect(&client, "\"last\"");
	assert_int_equal(peer_count(&client, "\n"), 52);
	assert_int_equal(peer_count(&client, "{\"ok\":false"), 1);
	finish();
}

static void test_endless_line_is_cut_off(void **state)
{
	static char filler[1024];

	(void)state;
	start();
	memset(filler, 'x', sizeof(filler));
	connect_client();
	for (int i = 0; i < 80; i++) {
		peer_send_bytes(&client, filler, sizeof(filler));
	}
	peer_expect(&client, "too long");
	peer_expect_end(&client);
	finish();
}

static void test_too_many_clients(void **state)
{
	static struct peer crowd[33];
	size_t refused = 0;

	(void)state;
	start();
	for (size_t i = 0; i < FW_COUNT(crowd); i++) {
		connect_client();
		crowd[i].fd = client.fd;
		rig_settle(&rig);
	}
	peer_expect(&client, "too many clients");
	refused++;
	peer_expect_end(&client);
	for (size_t i = 0; i < FW_COUNT(crowd); i++) {
		(void)close(crowd[i].fd);
	}
	rig_settle(&rig);
	connect_client();
	peer_send(&client, "{\"command\":\"help\"}\n");
	peer_expect(&client, "{\"ok\":true");
	assert_int_equal(refused, 1);
	finish();
}

static void test_file_of_the_socket(void **state)
{
	struct fw_error err = { 0 };
	struct stat info;

	(void)state;
	start();
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0660);
	/* a second daemon does not take a living socket away */
	struct router other = { .loop = rig.loop,
		                .config = rig.router->config,
		                .log = rig.router->log };
	assert_int_equal(control_start(&other, &err), FW_EEXIST);
	assert_non_null(strstr(err.text, path));
	assert_null(other.control);
	assert_int_equal(stat(path, &info), 0);
	finish();
	assert_int_equal(stat(path, &info), -1);
	/* one that was left behind is replaced */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	memcpy(addr.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd);
	start_at(rig_socket());
	connect_client();
	peer_send(&client, "{\"command\":\"status\"}\n");
	peer_expect(&client, "{\"ok\":true");
	finish();
	assert_int_equal(stat(path, &info), -1);
	/* a file that is no socket is somebody's: it stays */
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	(void)fclose(file);
	start();
	struct config_router other_paths = rig.router->config->router;
	other_paths.control_socket = addr.sun_path;
	struct config other_config = { .router = other_paths };
	other.config = &other_config;
	assert_int_equal(control_start(&other, &err), FW_EEXIST);
	assert_int_equal(unlink(addr.sun_path), 0);
	finish();
}

static void test_socket_moves_on_reload(void **state)
{
	char old[64], elsewhere[64];
	struct stat info;

	(void)state;
	start();
	(void)snprintf(old, sizeof(old), "%s", path);
	(void)snprintf(elsewhere, sizeof(elsewhere), "/tmp/fedway-control-%d-b.sock",
	               (int)getpid());
	assert_int_equal(rig_reload(&rig, NULL, CONFIG, elsewhere, port), FW_OK);
	assert_int_equal(stat(old, &info), -1);
	(void)snprintf(path, sizeof(path), "%s", elsewhere);
	connect_client();
	peer_send(&client, "{\"command\":\"status\"}\n");
	peer_expect(&client, "{\"ok\":true");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_command_answers),
		cmocka_unit_test(test_reports_tell_the_truth),
		cmocka_unit_test(test_counters_of_modules),
		cmocka_unit_test(test_log_levels),
		cmocka_unit_test(test_refused_reload_lists_the_problems),
		cmocka_unit_test(test_wrong_requests_are_told_so),
		cmocka_unit_test(test_request_cut_and_truncated_at_every_byte),
		cmocka_unit_test(test_several_requests_on_one_connection),
		cmocka_unit_test(test_endless_line_is_cut_off),
		cmocka_unit_test(test_too_many_clients),
		cmocka_unit_test(test_file_of_the_socket),
		cmocka_unit_test(test_socket_moves_on_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
