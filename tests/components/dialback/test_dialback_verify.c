/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * dialback_verify.c against a scripted authoritative server: answers that count, answers that do
 * not, and all the ways in which there is none. FAKE_HOST_LOG=1 shows the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/json.h>

#include "components/dialback/dialback.h"
#include "tests/components/dialback/fake_server.h"
#include "tests/components/dialback/tls_server.h"
#include "tests/support/fake_host.h"

extern const struct fw_component dialback_LTX_fw_component;

#define ANSWER(from, to, id, more) \
	"<db:verify from='" from "' to='" to "' id='" id "' " more "</db:verify>"
#define VALID ANSWER("partner.example", "corp.example", "S1", "type='valid'>")
#define INVALID ANSWER("partner.example", "corp.example", "S1", "type='invalid'>")
#define WRONG_ID ANSWER("partner.example", "corp.example", "S2", "type='valid'>")
#define WRONG_PAIR ANSWER("other.example", "corp.example", "S1", "type='valid'>")
#define SWAPPED ANSWER("corp.example", "partner.example", "S1", "type='valid'>")

#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define QUESTION(id, key) \
	"<verify xmlns='urn:fedway:dialback:1' receiving='corp.example' " \
	"originating='partner.example' id='" id "' session='5E551011ABCD'>" key "</verify>"

enum { QUICK_MS = 200, LONG_MS = 20000 };

static const struct dialback_config normal = {
	.secret = { "s3cr3tf0rd14lb4ck", 17, NULL },
	.timeout_ms = 10000,
	.security_mode = FW_SECURITY_NONE,
	.connect_timeout_ms = 5000,
	.stream_timeout_ms = 5000,
	.tls_timeout_ms = 5000,
	.max_pending = 3,
};

static struct dialback_config config;
static struct fake_host *host;
static struct fw_self *dialback;
static struct fake_server *server;
static enum fw_cause resolver_cause; /* what the stand-in answers instead of targets */
static const char *resolver_source;
static const char *ca_file;  /* NULL: the system's */
static uint16_t secure_port; /* of the server with TLS; 0: none */

static void stand_in(void *ctx, struct fake_host *at, struct fw_stanza **request)
{
	char targets[512];

	(void)ctx;
	if (resolver_cause == FW_CAUSE_NONE) {
		snprintf(targets, sizeof(targets),
		         "<targets xmlns='urn:fedway:resolver:1' domain='partner.example' "
		         "source='%s' ttl='60' total_us='1' srv_us='1' addr_us='0'>"
		         "<target ip='127.0.0.1' port='%u' host='xmpp.partner.example'/></targets>",
		         resolver_source,
		         server != NULL     ? fake_server_port(server)
		         : secure_port != 0 ? secure_port
		                            : 1);
		fake_host_answer(at, request, targets);
	} else if (resolver_cause != FW_CAUSE_REQUEST_TIMEOUT) {
		fake_host_refuse(at, request, resolver_cause);
	}
}

static void begin(const struct fake_script *script, uint32_t timeout_ms, int security_mode)
{
	struct fw_error err = { 0 };

	config = normal;
	config.timeout_ms = timeout_ms;
	config.security_mode = security_mode;
	config.ca_file = ca_file;
	resolver_cause = FW_CAUSE_NONE;
	resolver_source = "srv";
	host = fake_host_new();
	fake_host_service(host, "resolver", stand_in, NULL);
	server = script != NULL ? fake_server_new(fake_host_loop(host), script) : NULL;
	dialback = fake_host_start(host, &dialback_LTX_fw_component, &config, &err);
	assert_string_equal(err.text, "");
	assert_non_null(dialback);
}

/* Ends what begin() made; with it the ledger is checked. */
static void end(void)
{
	fake_server_free(&server);
	fake_host_free(&host);
}

static int teardown(void **state)
{
	(void)state; /* after a failed assertion */
	end();
	return 0;
}

/* The answer as a word: valid, invalid, or the name of the cause. */
static const char *word_of(struct fw_stanza *answer)
{
	static char word[64];
	struct fw_elem *root = answer != NULL ? fw_stanza_root(answer) : NULL;
	struct fw_elem *verify = fw_elem_find(root, "verify", DIALBACK_NS);
	struct fw_str text = fake_host_cause(answer);

	if (text.len == 0 && verify != NULL) {
		text = fw_elem_attr(verify, "type");
	}
	snprintf(word, sizeof(word), "%.*s", FW_STR_ARG(text));
	return word;
}

/* The counter of a verification that ended with this word. */
static enum dialback_count counter_of(const char *word)
{
	return strcmp(word, "valid") == 0              ? DIALBACK_COUNT_VERIFIED_VALID
	       : strcmp(word, "invalid") == 0          ? DIALBACK_COUNT_VERIFIED_INVALID
	       : strcmp(word, "dialback-timeout") == 0 ? DIALBACK_COUNT_VERIFIED_TIMEOUT
	                                               : DIALBACK_COUNT_VERIFIED_ERROR;
}

/* Asks for one verification; it ends with the word and is counted once under it, if it began. */
static void verify(const char *what, const char *payload, const char *wanted)
{
	uint64_t before[DIALBACK_COUNTS];
	for (unsigned id = 0; id < DIALBACK_COUNTS; id++) {
		before[id] = fw_self_counter(dialback, id);
	}
	struct fw_stanza *answer = fake_host_ask(host, NULL, "dialback", payload, LONG_MS);

	if (strcmp(word_of(answer), wanted) != 0) {
		fail_msg("%s: '%s', wanted '%s'", what, word_of(answer), wanted);
	}
	if (strcmp(wanted, "component-draining") != 0) { /* then it was not even begun */
		before[counter_of(wanted)]++;
	}
	for (unsigned id = 0; id < DIALBACK_COUNTS; id++) {
		assert_int_equal(fw_self_counter(dialback, id), before[id]);
	}
	fake_host_done(&answer);
}

static bool server_is_alone(void *ctx)
{
	(void)ctx;
	return fake_server_open(server) == 0;
}

/* ---- answers that count ---- */

static void test_answers(void **state)
{
	static const struct {
		struct fake_script script;
		const char *wanted;
	} rows[] = {
		{ { "valid", "", NULL, VALID, false }, "valid" },
		{ { "valid, with the key echoed", "", NULL,
		    ANSWER("partner.example", "corp.example", "S1", "type='valid'>abcdef"), false },
		  "valid" },
		{ { "valid, written otherwise", "", NULL,
		    ANSWER("Partner.Example", "CORP.example", "S1", "type='valid'>"), false },
		  "valid" },
		{ { "valid, without prefix", "", NULL,
		    "<verify xmlns='jabber:server:dialback' from='partner.example' "
		    "to='corp.example' "
		    "id='S1' type='valid'/>",
		    false },
		  "valid" },
		{ { "invalid", "", NULL, INVALID, false }, "invalid" },
		{ { "error", "", NULL,
		    ANSWER("partner.example", "corp.example", "S1",
		           "type='error'><error type='cancel'><item-not-found "
		           "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
		    false },
		  "dialback-error" },
		{ { "wrong id, then the right one", "", NULL, WRONG_ID VALID, false }, "valid" },
		{ { "wrong pair, then invalid", "", NULL, WRONG_PAIR INVALID, false }, "invalid" },
		{ { "the first answer counts", "", NULL, INVALID VALID, false }, "invalid" },
		{ { "valid, and hangs up at once", "", NULL, VALID, true }, "valid" },
		{ { "something else before", "", NULL,
		    "<message from='partner.example' to='corp.example'/>"
		    "<db:result from='partner.example' to='corp.example'>k</db:result>" VALID,
		    false },
		  "valid" },
		{ { "a peer before XMPP 1.0",
		    "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
		    "xmlns:stream='http://etherx.jabber.org/streams' id='A1'>",
		    "", VALID, false },
		  "valid" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		begin(&rows[i].script, LONG_MS, FW_SECURITY_NONE);
		verify(rows[i].script.what, QUESTION("S1", "37c69b1cf07a3f67"), rows[i].wanted);
		assert_true(fake_host_run_until(host, server_is_alone, NULL, LONG_MS));
		assert_int_equal(fake_server_connections(server), 1);
		assert_non_null(strstr(fake_server_received(server),
		                       "<db:verify from='corp.example' to='partner.example' "
		                       "id='S1'>37c69b1cf07a3f67</db:verify>"));
		end();
	}
}

/* ---- answers that do not count, and none ---- */

static bool is_logged(void *ctx)
{
	return fake_host_logged(host, ctx) > 0;
}

static void test_ignored(void **state)
{
	static const struct {
		struct fake_script script;
		const char *log;
	} rows[] = {
		{ { "wrong id", "", NULL, WRONG_ID, false }, "ignored: not what was asked" },
		{ { "wrong pair", "", NULL, WRONG_PAIR, false }, "ignored: not what was asked" },
		{ { "from and to swapped", "", NULL, SWAPPED, false },
		  "ignored: not what was asked" },
		{ { "no type", "", NULL, ANSWER("partner.example", "corp.example", "S1", ">"),
		    false },
		  "ignored: unknown type" },
		{ { "a type of its own", "", NULL,
		    ANSWER("partner.example", "corp.example", "S1", "type='perhaps'>"), false },
		  "ignored: unknown type" },
		{ { "a db:result", "", NULL,
		    "<db:result from='partner.example' to='corp.example' id='S1' type='valid'/>",
		    false },
		  "ignored: not a db:verify" },
		{ { "an element of no name that is known", "", NULL,
		    "<v xmlns='jabber:server:dialback' from='partner.example' to='corp.example' "
		    "id='S1' type='valid'/>",
		    false },
		  "ignored: not a db:verify" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		begin(&rows[i].script, LONG_MS, FW_SECURITY_NONE);
		fake_host_request(host, NULL, "1", "dialback", QUESTION("S1", "key"));
		if (!fake_host_run_until(host, is_logged, (void *)rows[i].log, LONG_MS)) {
			fail_msg("%s: no line with '%s'", rows[i].script.what, rows[i].log);
		}
		fake_host_settle(host);
		assert_int_equal(fake_host_waiting(host), 0);
		assert_int_equal(fake_server_open(server), 1); /* the stream goes on */
		fake_server_say(server, INVALID);              /* and the right answer counts */
		assert_true(
		        fake_host_run_until(host, is_logged, (void *)"result=invalid", LONG_MS));
		end();
	}
}

static void test_no_answer(void **state)
{
	static const struct {
		struct fake_script script;
		uint32_t timeout_ms;
		const char *wanted;
		const char *log; /* a line that tells */
	} rows[] = {
		{ { "silence", "", NULL, NULL, false },
		  500,
		  "dialback-timeout",
		  "cause=dialback-timeout phase=asked" },
		{ { "no header", NULL, NULL, NULL, false },
		  200,
		  "dialback-timeout",
		  "cause=dialback-timeout phase=dial" },
		{ { "closes the stream", "", NULL, "</stream:stream>", false },
		  LONG_MS,
		  "dialback-error",
		  "the stream ended without an answer: peer-closed" },
		{ { "hangs up", "", NULL, NULL, true },
		  LONG_MS,
		  "dialback-error",
		  "the stream ended without an answer: peer-lost" },
		{ { "a stream error", "", NULL,
		    "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		    "</stream:error></stream:stream>",
		    false },
		  LONG_MS,
		  "dialback-error",
		  "host-unknown" },
		{ { "no XML", "", NULL, "<<>", false },
		  LONG_MS,
		  "dialback-error",
		  "not-well-formed" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		begin(&rows[i].script, rows[i].timeout_ms, FW_SECURITY_NONE);
		verify(rows[i].script.what, QUESTION("S1", "key"), rows[i].wanted);
		if (fake_host_logged(host, rows[i].log) == 0) {
			fail_msg("%s: no line with '%s'", rows[i].script.what, rows[i].log);
		}
		end();
	}
}

static void test_late_answer(void **state)
{
	static const struct fake_script script = { "valid twice", "", NULL, VALID VALID, false };

	(void)state;
	begin(&script, LONG_MS, FW_SECURITY_NONE);
	verify(script.what, QUESTION("S1", "key"), "valid");
	assert_true(fake_host_run_until(host, server_is_alone, NULL, LONG_MS));
	assert_int_equal(fake_host_waiting(host), 0); /* one answer for one question */
	assert_int_equal(fake_host_logged(host, "verified result=valid"), 1);
	end();
}

static void test_no_connection(void **state)
{
	static const struct {
		enum fw_cause resolver;
		const char *source, *wanted;
	} rows[] = {
		{ FW_CAUSE_DNS_NOT_FOUND, "srv", "dns-not-found" },
		{ FW_CAUSE_DNS_NO_SERVICE, "srv", "dns-no-service" },
		{ FW_CAUSE_DNS_FAILED, "srv", "dns-failed" },
		{ FW_CAUSE_NONE, "srv", "connect-failed" }, /* nobody listens on port 1 */
		{ FW_CAUSE_NONE, "static", "static-route-failed" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		begin(NULL, LONG_MS, FW_SECURITY_NONE);
		resolver_cause = rows[i].resolver;
		resolver_source = rows[i].source;
		verify("no connection", QUESTION("S1", "key"), rows[i].wanted);
		end();
	}
}

static void test_tls_required(void **state)
{
	static const struct fake_script script = { "no TLS", "", NULL, VALID, false };

	(void)state;
	begin(&script, LONG_MS, FW_SECURITY_REQUIRED);
	verify(script.what, QUESTION("S1", "key"), "tls-required");
	assert_null(
	        strstr(fake_server_received(server), "db:verify from")); /* not asked in clear */
	end();
	begin(&script, LONG_MS, FW_SECURITY_OPTIONAL);
	verify(script.what, QUESTION("S1", "key"), "valid");
	end();
}

/* ---- under TLS ---- */

static void test_under_tls(void **state)
{
	static const enum fw_security modes[] = { FW_SECURITY_REQUIRED, FW_SECURITY_OPTIONAL };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(modes); i++) {
		begin(NULL, LONG_MS, modes[i]);
		secure_port = tls_server_begin(fake_host_loop(host), VALID);
		verify("under TLS", QUESTION("S1", "key"), "valid");
		assert_int_equal(tls_server_asked(false), 0);
		assert_int_equal(tls_server_asked(true), 1);
		assert_int_equal(fake_host_logged(host, "tls=yes"), 1);
		assert_true(fake_host_run_until(host, tls_server_is_alone, NULL, LONG_MS));
		tls_server_end();
		secure_port = 0;
		end();
	}
}

/* What S2S asks for one domain goes before what the options ask of all. The server shows a
 * certificate for a.example, by an authority that is not the system's. */
static void test_what_is_asked_of_the_server(void **state)
{
	static const struct {
		const char *asks, *wanted;
		bool ours; /* its authority is in ca_file */
		int mode;
	} rows[] = {
		{ "", "valid", false, FW_SECURITY_OPTIONAL },
		{ "tls", "valid", false, FW_SECURITY_OPTIONAL },
		{ "tls verified", "certificate-untrusted", false, FW_SECURITY_OPTIONAL },
		{ "tls verified", "valid", true, FW_SECURITY_REQUIRED },
		{ "tls verified named", "certificate-name", true, FW_SECURITY_REQUIRED },
		{ "tls pin=" PIN, "certificate-pin", true, FW_SECURITY_REQUIRED },
		{ "tls verified", "tls-required", true, FW_SECURITY_NONE },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char question[512];
		ca_file = rows[i].ours ? TEST_CERTS "/ca.pem" : NULL;
		begin(NULL, LONG_MS, rows[i].mode);
		secure_port = tls_server_begin(fake_host_loop(host), VALID);
		snprintf(question, sizeof(question),
		         "<verify xmlns='urn:fedway:dialback:1' receiving='corp.example' "
		         "originating='partner.example' id='S1' asks='%s'>key</verify>",
		         rows[i].asks);
		verify(rows[i].asks, question, rows[i].wanted);
		assert_int_equal(tls_server_asked(false), 0);
		assert_int_equal(tls_server_asked(true), strcmp(rows[i].wanted, "valid") == 0);
		assert_true(fake_host_run_until(host, tls_server_is_alone, NULL, LONG_MS));
		tls_server_end();
		secure_port = 0;
		ca_file = NULL;
		end();
	}
}

/* ---- several at once ---- */

static size_t wanted_answers;

static bool has_answers(void *ctx)
{
	(void)ctx;
	return fake_host_waiting(host) >= wanted_answers;
}

static void wait_for(size_t answers)
{
	wanted_answers = answers;
	assert_true(fake_host_run_until(host, has_answers, NULL, LONG_MS));
}

static void take(const char *wanted)
{
	struct fw_stanza *answer = fake_host_take(host);
	assert_string_equal(word_of(answer), wanted);
	fake_host_done(&answer);
}

static bool server_was_asked(void *ctx)
{
	return strstr(fake_server_received(server), "</db:verify>") != NULL &&
	       fake_server_connections(server) == *(const unsigned *)ctx;
}

static void test_sharing(void **state)
{
	static const struct fake_script script = { "later", "", NULL, NULL, false };
	unsigned connections = 2;

	(void)state;
	begin(&script, LONG_MS, FW_SECURITY_NONE);
	fake_host_request(host, NULL, "1", "dialback", QUESTION("S1", "key"));
	fake_host_request(host, NULL, "2", "dialback", QUESTION("S1", "key"));
	fake_host_request(host, NULL, "3", "dialback", QUESTION("S1", "yek"));
	assert_true(fake_host_run_until(host, server_was_asked, &connections, LONG_MS));
	fake_host_run_ms(host, 20);
	assert_int_equal(fake_server_connections(server), 2); /* 1 and 2 share a stream */
	fake_server_say(server, INVALID);
	wait_for(3);
	take("invalid");
	take("invalid");
	take("invalid");
	end();
}

static void test_limit(void **state)
{
	static const struct fake_script script = { "silence", "", NULL, NULL, false };

	(void)state;
	begin(&script, QUICK_MS, FW_SECURITY_NONE);
	fake_host_request(host, NULL, "1", "dialback", QUESTION("S1", "key"));
	fake_host_request(host, NULL, "2", "dialback", QUESTION("S2", "key"));
	fake_host_request(host, NULL, "3", "dialback", QUESTION("S3", "key"));
	fake_host_request(host, NULL, "4", "dialback", QUESTION("S4", "key"));
	wait_for(1);
	take("resource-constraint");
	wait_for(3);
	take("dialback-timeout");
	take("dialback-timeout");
	take("dialback-timeout");
	end();
}

static void test_drain_and_stop(void **state)
{
	static const struct fake_script script = { "later", "", NULL, NULL, false };
	unsigned connections = 1;

	(void)state;
	begin(&script, LONG_MS, FW_SECURITY_NONE);
	fake_host_request(host, NULL, "1", "dialback", QUESTION("S1", "key"));
	assert_true(fake_host_run_until(host, server_was_asked, &connections, LONG_MS));
	struct fw_json *out = fw_json_new();
	dialback_LTX_fw_component.report(dialback, "streams", out);
	char *text = fw_json_dump(out, false);
	assert_non_null(strstr(text, "\"local\":\"corp.example\",\"remote\":\"partner.example\","
	                             "\"state\":\"asked\""));
	free(text);
	fw_json_free(&out);
	fake_host_drain(dialback);
	assert_false(fake_host_drained(dialback));
	verify("during a drain", QUESTION("S2", "key"), "component-draining");
	fake_server_say(server, VALID);
	wait_for(1);
	take("valid");
	assert_true(fake_host_drained(dialback));
	end();

	begin(&script, LONG_MS, FW_SECURITY_NONE);
	fake_host_request(host, NULL, "1", "dialback", QUESTION("S1", "key"));
	assert_true(fake_host_run_until(host, server_was_asked, &connections, LONG_MS));
	fake_host_stop(host, &dialback);
	fake_host_settle(host);
	take("component-gone");
	end();
}

/* ---- the log ---- */

static void test_log_tells_the_story(void **state)
{
	static const struct fake_script script = { "valid", "", NULL, VALID, false };
	static const char *const lines[] = {
		"CodeLocation=\"stanza.component.out\"",
		"xcoder=5E551011A sending:: <db:verify from='corp.example' to='partner.example' "
		"id='S1'>37c69b1c…</db:verify>",
		"xcoder=5E551011A received:: <db:verify from='partner.example' to='corp.example' "
		"id='S1' type='valid'></db:verify>",
		"CodeLocation=\"DBVerify\"",
		"closing stream used for dialback only",
		"(5E551011ABCD, corp.example:partner.example, OUT)",
	};

	(void)state;
	begin(&script, LONG_MS, FW_SECURITY_NONE);
	verify(script.what, QUESTION("S1", "37c69b1cf07a3f67"), "valid");
	for (size_t i = 0; i < FW_COUNT(lines); i++) {
		if (fake_host_logged(host, lines[i]) == 0) {
			fail_msg("no line with '%s'", lines[i]);
		}
	}
	assert_int_equal(fake_host_logged(host, "37c69b1cf07a3f67"), 0);
	end();
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers),        TEST(test_ignored),
		TEST(test_no_answer),      TEST(test_late_answer),
		TEST(test_no_connection),  TEST(test_tls_required),
		TEST(test_under_tls),      TEST(test_what_is_asked_of_the_server),
		TEST(test_sharing),        TEST(test_limit),
		TEST(test_drain_and_stop), TEST(test_log_tells_the_story),
	};

	return cmocka_run_group_tests_name("dialback_verify", tests, NULL, NULL);
}
