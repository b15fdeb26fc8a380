/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The HTTPS client against a server that does everything wrong that a server can.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/error.h>

#include "components/axl/axl_http.h"
#include "tests/components/axl/axl_server.h"

#define CA TEST_CERTS "/ca.pem"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n\r\nhello"

static struct {
	struct fw_loop *loop;
	struct axl_http *http;
	uint16_t port;
	const char *say;         /* bytes as they are; NULL: nothing */
	const char *say_session; /* instead, to a request with a cookie */
	bool hang_up;
	/* the answer */
	unsigned told;
	enum axl_http_end end;
	unsigned status;
	char type[64], body[64], words[256];
	size_t body_len;
} scene;

static char *serve(void *ctx, const char *request, bool *hang_up)
{
	(void)ctx;
	*hang_up = scene.hang_up;
	if (scene.say_session != NULL && strstr(request, "\r\nCookie: ") != NULL) {
		return fw_str_dup(fw_str(scene.say_session));
	}
	return scene.say != NULL ? fw_str_dup(fw_str(scene.say)) : NULL;
}

static void on_answer(void *ctx, const struct axl_http_answer *answer)
{
	(void)ctx;
	scene.told++;
	scene.end = answer->end;
	scene.status = answer->status;
	scene.body_len = answer->body.len;
	snprintf(scene.type, sizeof(scene.type), "%.*s", FW_STR_ARG(answer->type));
	snprintf(scene.body, sizeof(scene.body), "%.*s",
	         (int)(answer->body.len < 60 ? answer->body.len : 60),
	         answer->body.ptr != NULL ? answer->body.ptr : "");
	snprintf(scene.words, sizeof(scene.words), "%s", answer->words);
	if (answer->end == AXL_HTTP_ANSWERED && scene.status == 499) {
		axl_http_free(&scene.http);
	}
}

/* How long whoever says nothing is waited for. All others have time, on a busy machine too. */
enum { SILENCE_MS = 1000, PATIENCE_MS = 20000 };

static void open_scene(const char *certificate, const char *host, const char *ca_file,
                       uint32_t timeout_ms)
{
	char url[128];
	const struct axl_http_settings settings = {
		.url = url,
		.address = "127.0.0.1",
		.user = "fedway",
		.password = "sec:ret",
		.ca_file = ca_file,
		.connect_timeout_ms = PATIENCE_MS,
		.timeout_ms = timeout_ms,
		.answer_max_bytes = 20000,
	};
	struct fw_error err = { 0 };

	memset(&scene, 0, sizeof(scene));
	assert_int_equal(fw_loop_new(&scene.loop), FW_OK);
	scene.port = axl_server_begin(scene.loop, certificate, serve, NULL);
	snprintf(url, sizeof(url), "https://%s:%u/axl/", host, (unsigned)scene.port);
	if (axl_http_new(scene.loop, &settings, on_answer, NULL, &scene.http, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
}

static int close_scene(void **state)
{
	(void)state;
	axl_http_free(&scene.http);
	axl_server_end();
	for (int i = 0; i < 5; i++) {
		fw_loop_turn(scene.loop, false);
	}
	fw_loop_free(&scene.loop);
	return 0;
}

static void ask(const char *action, const char *body)
{
	unsigned told = scene.told;

	assert_int_equal(axl_http_post(scene.http, action, fw_str(body)), FW_OK);
	assert_int_equal(scene.told, told); /* never from within the call */
	while (scene.told == told) {
		fw_loop_turn(scene.loop, true);
	}
	assert_int_equal(scene.told, told + 1);
}

/* ---- ---- */

static void test_a_request_says_what_it_must(void **state)
{
	(void)state;
	open_scene("a", "a.example", CA, PATIENCE_MS);
	scene.say = HELLO;
	ask("\"CUCM:DB ver=9.1 executeSQLQuery\"", "<question/>");
	assert_int_equal(scene.end, AXL_HTTP_ANSWERED);
	assert_int_equal(scene.status, 200);
	assert_string_equal(scene.type, "text/xml");
	assert_string_equal(scene.body, "hello");
	const char *request = axl_server_last();
	assert_memory_equal(request, "POST /axl/ HTTP/1.1\r\n", 21);
	assert_non_null(strstr(request, "\r\nAuthorization: Basic ZmVkd2F5OnNlYzpyZXQ=\r\n"));
	assert_non_null(strstr(request, "\r\nContent-Type: text/xml; charset=utf-8\r\n"));
	assert_non_null(strstr(request, "\r\nAccept: text/xml\r\n"));
	assert_non_null(strstr(request, "\r\nSOAPAction: \"CUCM:DB ver=9.1 executeSQLQuery\"\r\n"));
	assert_non_null(strstr(request, "\r\nHost: a.example:"));
	assert_non_null(strstr(request, "\r\n\r\n<question/>"));
	assert_null(strstr(request, "Expect"));
	ask("", "<question/>");
	assert_null(strstr(axl_server_last(), "SOAPAction"));
	assert_int_equal(axl_server_requests(), 2);
	assert_int_equal(axl_server_connections(), 1); /* it stays open */
}

/* A publisher need not begin a session for each request; one that it has ended must not look like a
 * wrong password. */
static void test_a_session_goes_on_and_its_end_is_no_failure(void **state)
{
	static const char *const ends[] = { "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
		                            "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno" };

	(void)state;
	open_scene("a", "a.example", CA, PATIENCE_MS);
	scene.say = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n"
	            "Set-Cookie: JSESSIONIDSSO=12ab; Path=/; Secure; HttpOnly\r\n\r\nhello";
	ask("", "<question/>");
	assert_null(strstr(axl_server_last(), "Cookie"));
	for (size_t i = 0; i < FW_COUNT(ends); i++) {
		scene.say_session = NULL;
		ask("", "<question/>");
		assert_non_null(strstr(axl_server_last(), "\r\nCookie: JSESSIONIDSSO=12ab\r\n"));
		assert_non_null(strstr(axl_server_last(), "\r\nAuthorization: Basic "));
		scene.say_session = ends[i];
		unsigned before = axl_server_requests();
		ask("", "<again/>");
		assert_int_equal(scene.status, 200);
		assert_string_equal(scene.body, "hello");
		assert_int_equal(axl_server_requests(), before + 2);
		assert_null(strstr(axl_server_last(), "Cookie"));
		assert_non_null(strstr(axl_server_last(), "\r\n\r\n<again/>"));
	}
	scene.say = ends[0]; /* and without a session it is what it says */
	ask("", "<question/>");
	assert_int_equal(scene.status, 401);
}

static void test_a_connection_that_was_closed_is_made_again(void **state)
{
	(void)state;
	open_scene("a", "a.example", CA, PATIENCE_MS);
	scene.say = HELLO;
	scene.hang_up = true;
	for (unsigned i = 0; i < 3; i++) {
		ask("", "<question/>");
		assert_int_equal(scene.end, AXL_HTTP_ANSWERED);
	}
	assert_int_equal(axl_server_requests(), 3);
}

static void test_what_a_server_can_do_wrong(void **state)
{
	static char huge[60000],
	        huge_told[] = "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\nhello";
	static const struct {
		const char *what, *say;
		bool hang_up;
		enum axl_http_end end;
		unsigned status;
	} rows[] = {
		{ "refuses", "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", false,
		  AXL_HTTP_ANSWERED, 401 },
		{ "leads elsewhere",
		  "HTTP/1.1 302 Gone\r\nLocation: https://b.example/\r\nContent-Length: 0\r\n\r\n",
		  false, AXL_HTTP_ANSWERED, 302 },
		{ "ends with the connection", "HTTP/1.1 200 OK\r\n\r\nhello", true,
		  AXL_HTTP_ANSWERED, 200 },
		{ "sends pieces",
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		  false, AXL_HTTP_ANSWERED, 200 },
		{ "says nothing", NULL, false, AXL_HTTP_TIMEOUT, 0 },
		{ "hangs up at once", NULL, true, AXL_HTTP_BROKEN, 0 },
		/* what is missing is for the reader of the body to see */
		{ "hangs up in the head", "HTTP/1.1 200 OK\r\nContent-T", true, AXL_HTTP_ANSWERED,
		  200 },
		{ "hangs up in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true,
		  AXL_HTTP_BROKEN, 200 },
		{ "hangs up in a piece",
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", true,
		  AXL_HTTP_BROKEN, 200 },
		{ "stops in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", false,
		  AXL_HTTP_TIMEOUT, 200 },
		{ "speaks no HTTP", "220 smtp.example ready\r\n", false, AXL_HTTP_BROKEN, 0 },
		{ "sends bad pieces",
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", false,
		  AXL_HTTP_BROKEN, 200 },
		{ "sends too much", huge, false, AXL_HTTP_TOO_LARGE, 200 },
		{ "says that it will", huge_told, false, AXL_HTTP_TOO_LARGE, 200 },
	};

	(void)state;
	snprintf(huge, 64, "HTTP/1.1 200 OK\r\n\r\n");
	memset(huge + strlen(huge), 'x', sizeof(huge) - 1 - strlen(huge));
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		open_scene("a", "a.example", CA,
		           rows[i].end == AXL_HTTP_TIMEOUT ? SILENCE_MS : PATIENCE_MS);
		scene.say = rows[i].say;
		scene.hang_up = rows[i].hang_up;
		ask("", "<question/>");
		if (scene.end != rows[i].end || scene.status != rows[i].status) {
			fail_msg("%s: end %d, status %u, %s", rows[i].what, (int)scene.end,
			         scene.status, scene.words);
		}
		assert_true(scene.end != AXL_HTTP_ANSWERED || scene.words[0] != '\0');
		assert_true(scene.body_len <= 20000);
		/* whatever it was, the next one is not disturbed */
		scene.say = HELLO;
		scene.hang_up = false;
		ask("", "<question/>");
		assert_int_equal(scene.end, AXL_HTTP_ANSWERED);
		assert_string_equal(scene.body, "hello");
		close_scene(NULL);
	}
}

static void test_whom_it_trusts(void **state)
{
	static const struct {
		const char *what, *certificate, *host, *ca_file;
		enum axl_http_end end;
	} rows[] = {
		{ "good", "a", "a.example", CA, AXL_HTTP_ANSWERED },
		{ "another name", "b", "a.example", CA, AXL_HTTP_CERTIFICATE },
		{ "signed by a stranger", "stranger", "a.example", CA, AXL_HTTP_CERTIFICATE },
		{ "unknown authority", "a", "a.example", TEST_CERTS "/stranger.pem",
		  AXL_HTTP_CERTIFICATE },
		{ "not the system's", "a", "a.example", "", AXL_HTTP_CERTIFICATE },
		{ "no TLS", "", "a.example", CA, AXL_HTTP_TIMEOUT },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		open_scene(rows[i].certificate, rows[i].host, rows[i].ca_file,
		           rows[i].end == AXL_HTTP_TIMEOUT ? SILENCE_MS : PATIENCE_MS);
		scene.say = HELLO;
		ask("", "<secret/>");
		if (scene.end != rows[i].end) {
			fail_msg("%s: end %d, %s", rows[i].what, (int)scene.end, scene.words);
		}
		assert_int_equal(axl_server_requests(), rows[i].end == AXL_HTTP_ANSWERED);
		close_scene(NULL);
	}
}

static void test_nobody_there(void **state)
{
	struct axl_http_settings settings = { .url = "https://a.example:1/axl/",
		                              .address = "127.0.0.1",
		                              .user = "u",
		                              .password = "p",
		                              .ca_file = CA,
		                              .connect_timeout_ms = 5000,
		                              .timeout_ms = 5000,
		                              .answer_max_bytes = 1024 };

	(void)state;
	open_scene("a", "a.example", CA, PATIENCE_MS);
	axl_http_free(&scene.http);
	assert_int_equal(axl_http_new(scene.loop, &settings, on_answer, NULL, &scene.http, NULL),
	                 FW_OK);
	ask("", "<question/>");
	assert_int_equal(scene.end, AXL_HTTP_UNREACHABLE);
	axl_http_free(&scene.http);
	settings.url = "https://nobody.invalid/axl/";
	settings.address = "";
	assert_int_equal(axl_http_new(scene.loop, &settings, on_answer, NULL, &scene.http, NULL),
	                 FW_OK);
	ask("", "<question/>");
	assert_int_equal(scene.end, AXL_HTTP_UNREACHABLE);
}

static void test_it_can_end_at_any_time(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		open_scene("a", "a.example", CA, PATIENCE_MS);
		assert_int_equal(axl_http_post(scene.http, "", fw_str("<question/>")), FW_OK);
		for (int i = 0; i < turns; i++) {
			fw_loop_turn(scene.loop, false);
		}
		axl_http_free(&scene.http);
		for (int i = 0; i < 5; i++) {
			fw_loop_turn(scene.loop, false);
		}
		assert_int_equal(scene.told, 0);
		close_scene(NULL);
	}
	open_scene("a", "a.example", CA, PATIENCE_MS); /* and in its own callback */
	scene.say = "HTTP/1.1 499 Free\r\nContent-Length: 0\r\n\r\n";
	ask("", "<question/>");
	assert_null(scene.http);
}

static void test_addresses_that_are_refused(void **state)
{
	static const struct {
		const char *url, *address, *user, *word;
	} rows[] = {
		{ "http://imp1:8443/axl/", "", "u", "https" },
		{ "https://imp1:8443/axl", "", "u", "'/'" },
		{ "https://u:p@imp1:8443/axl/", "", "u", "option of its own" },
		{ "imp1", "", "u", "https" },
		{ "", "", "u", "form" },
		{ "https://imp1:99999/axl/", "", "u", "form" },
		{ "ftp://imp1/axl/", "", "u", "https" },
		{ "https://imp1/axl/", "imp1", "u", "IP address" },
		{ "https://imp1/axl/", "", "u:v", "':'" },
		{ "https://imp1/axl/", "", "", "name" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_error err = { 0 };
		const struct axl_http_settings settings = { .url = rows[i].url,
			                                    .address = rows[i].address,
			                                    .user = rows[i].user,
			                                    .ca_file = "" };
		assert_int_equal(axl_http_check(&settings, &err), FW_EINVAL);
		if (strstr(err.text, rows[i].word) == NULL) {
			fail_msg("%s: %s", rows[i].url, err.text);
		}
	}
	const struct axl_http_settings settings = { .url = "https://imp1/axl/",
		                                    .address = "::1",
		                                    .user = "u",
		                                    .ca_file = "/nowhere/ca.pem" };
	struct fw_error err = { 0 };
	assert_int_equal(axl_http_check(&settings, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "/nowhere/ca.pem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_request_says_what_it_must, close_scene),
		cmocka_unit_test_teardown(test_a_session_goes_on_and_its_end_is_no_failure,
		                          close_scene),
		cmocka_unit_test_teardown(test_a_connection_that_was_closed_is_made_again,
		                          close_scene),
		cmocka_unit_test(test_what_a_server_can_do_wrong),
		cmocka_unit_test(test_whom_it_trusts),
		cmocka_unit_test_teardown(test_nobody_there, close_scene),
		cmocka_unit_test_teardown(test_it_can_end_at_any_time, close_scene),
		cmocka_unit_test(test_addresses_that_are_refused),
	};
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
