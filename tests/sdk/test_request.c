/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/request.c: one callback per request, never early, never after a cancel, and only
 * for the answer that has the id, the sender and the receiver. Every test ends with a balanced
 * ledger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include <fedway/hosting.h>
#include <fedway/io/loop.h>

struct host {
	struct fw_loop *loop;
	struct fw_self *self;
	struct fw_ledger *ledger;
	int route_ret;
	const char *at_once;           /* answer to give from within route(), or NULL */
	char id[64], to[64], from[64]; /* of the last request that was routed */
	/* what the callback saw */
	int calls;
	enum fw_cause cause;
	bool had_reply;
	bool inside; /* a call of fw_request() has not returned */
	struct fw_request *open;
	bool cancel_inside;
};

/* Gives the component an answer to the last request; NULL fields are those that fit. */
static void answer(struct host *host, const char *type, const char *id, const char *from,
                   const char *to, const char *inner)
{
	char text[1024];
	struct fw_stanza *stanza = NULL;

	snprintf(text, sizeof(text), "<iq type='%s' id='%s' from='%s' to='%s'>%s</iq>", type,
	         id != NULL ? id : host->id, from != NULL ? from : host->to,
	         to != NULL ? to : host->from, inner);
	assert_int_equal(fw_stanza_parse(fw_str(text), &stanza), FW_OK);
	fw_stanza_enter(stanza, host->ledger, 1);
	fw_self_deliver(host->self, &stanza);
	assert_null(stanza);
}

static int op_route(void *ctx, struct fw_stanza **stanza)
{
	struct host *host = ctx;

	snprintf(host->id, sizeof(host->id), "%.*s", FW_STR_ARG(fw_stanza_id(*stanza)));
	snprintf(host->to, sizeof(host->to), "%.*s", FW_STR_ARG(fw_stanza_to(*stanza)));
	snprintf(host->from, sizeof(host->from), "%.*s", FW_STR_ARG(fw_stanza_from(*stanza)));
	fw_stanza_free(stanza);
	if (host->at_once != NULL) {
		answer(host, host->at_once, NULL, NULL, NULL, "");
	}
	return host->route_ret;
}

static void op_bounce(void *ctx, struct fw_stanza **stanza, enum fw_cause cause)
{
	(void)ctx;
	fw_stanza_end(stanza, FW_EXIT_BOUNCED, cause);
}

static const struct fw_host_ops ops = { .route = op_route, .bounce = op_bounce };

/* What was not an answer to a request comes here and is left in place. */
static void deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	(void)self;
	(void)stanza;
}

static const struct fw_component component = { FW_COMPONENT_HEAD, .name = "asker",
	                                       .deliver = deliver };

static int setup(void **state)
{
	struct host *host = test_calloc(1, sizeof(*host));

	assert_int_equal(fw_loop_new(&host->loop), FW_OK);
	host->ledger = fw_ledger_new(NULL);
	struct fw_self_settings settings = {
		.component = &component,
		.ops = &ops,
		.host = host,
		.loop = host->loop,
		.id = "asker-1.realm",
		.realm = "realm",
	};
	assert_int_equal(fw_self_new(&settings, &host->self), FW_OK);
	*state = host;
	return 0;
}

static int teardown(void **state)
{
	struct host *host = *state;

	assert_true(fw_ledger_balanced(host->ledger));
	assert_int_equal(host->ledger->in_flight, 0);
	fw_self_free(&host->self);
	fw_ledger_release(&host->ledger);
	fw_loop_free(&host->loop);
	test_free(host);
	return 0;
}

static void on_done(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct host *host = ctx;

	assert_false(host->inside);
	host->calls++;
	host->cause = cause;
	host->had_reply = reply != NULL;
	if (host->cancel_inside) {
		fw_request_cancel(&host->open);
		assert_null(host->open);
	}
}

static struct fw_stanza *new_iq(const char *type)
{
	struct fw_stanza *iq = NULL;

	assert_int_equal(fw_stanza_new("iq", NULL, &iq), FW_OK);
	assert_int_equal(fw_stanza_set(iq, "type", fw_str(type)), FW_OK);
	assert_non_null(fw_elem_add(fw_stanza_root(iq), "resolve", "urn:fedway:resolver:1"));
	return iq;
}

static void ask(struct host *host, uint32_t timeout_ms)
{
	struct fw_stanza *iq = new_iq("get");

	host->inside = true;
	assert_int_equal(
	        fw_request(host->self, "resolver", &iq, timeout_ms, on_done, host, &host->open),
	        FW_OK);
	host->inside = false;
	assert_null(iq);
	assert_int_equal(host->calls, 0);
}

static void test_result(void **state)
{
	struct host *host = *state;

	ask(host, 60000);
	assert_string_equal(host->to, "resolver.realm");
	assert_string_equal(host->from, "asker-1.realm");
	assert_true(strlen(host->id) >= 16);
	answer(host, "result", NULL, NULL, NULL, "<targets xmlns='urn:fedway:resolver:1'/>");
	assert_int_equal(host->calls, 1);
	assert_int_equal(host->cause, FW_CAUSE_NONE);
	assert_true(host->had_reply);
	answer(host, "result", NULL, NULL, NULL, ""); /* again: late, and nobody hears of it */
	assert_int_equal(host->calls, 1);
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 1);
	assert_int_equal(host->ledger->exits[FW_EXIT_DELIVERED], 1);
}

static void test_answers_that_do_not_fit(void **state)
{
	struct host *host = *state;
	char other[64];

	ask(host, 60000);
	answer(host, "result", NULL, "evil.example", NULL, "");
	answer(host, "result", NULL, "dialback.realm", NULL, "");
	answer(host, "result", NULL, "user@resolver.realm", NULL, "");
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 3);
	/* not ours at all: these go to deliver() */
	answer(host, "result", NULL, NULL, "someone@else.example", "");
	answer(host, "result", "fw1.0000000000000000", NULL, NULL, "");
	answer(host, "result", "fw", NULL, NULL, "");
	answer(host, "result", "", NULL, NULL, "");
	for (size_t len = 1; len < strlen(host->id); len++) {
		snprintf(other, sizeof(other), "%.*s", (int)len, host->id);
		answer(host, "result", other, NULL, NULL, "");
	}
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 3);
	assert_int_equal(host->calls, 0);
	answer(host, "result", NULL, "Resolver.REALM", NULL, ""); /* the same address */
	assert_int_equal(host->calls, 1);
}

static void test_errors_carry_their_cause(void **state)
{
	static const struct {
		const char *inner;
		enum fw_cause cause;
	} rows[] = {
		{ "<error type='cancel'><remote-server-not-found "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		  "<cause xmlns='urn:fedway:cause:1' name='dns-no-service'/></error>",
		  FW_CAUSE_DNS_NO_SERVICE },
		{ "<error type='cancel'><remote-server-not-found "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		  "<cause xmlns='urn:fedway:cause:1' name='from-the-future'/></error>",
		  FW_CAUSE_DNS_NOT_FOUND },
		{ "<error type='cancel'><service-unavailable "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
		  FW_CAUSE_UNHANDLED },
		{ "<error type='cancel'><made-up "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
		  FW_CAUSE_INTERNAL },
		{ "", FW_CAUSE_INTERNAL },
	};
	struct host *host = *state;

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		ask(host, 60000);
		answer(host, "error", NULL, NULL, NULL, rows[i].inner);
		assert_int_equal(host->calls, 1);
		assert_int_equal(host->cause, rows[i].cause);
		assert_true(host->had_reply);
		host->calls = 0;
	}
}

static void test_deadline(void **state)
{
	struct host *host = *state;

	ask(host, 1);
	while (host->calls == 0) {
		fw_loop_turn(host->loop, true);
	}
	assert_int_equal(host->cause, FW_CAUSE_REQUEST_TIMEOUT);
	assert_false(host->had_reply);
	answer(host, "result", NULL, NULL, NULL, "");
	assert_int_equal(host->calls, 1);
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 1);
}

static void test_an_answer_from_within_the_call_waits_for_the_end_of_the_turn(void **state)
{
	struct host *host = *state;

	host->at_once = "result";
	ask(host, 60000);
	assert_int_equal(host->ledger->in_flight, 1);
	host->at_once = NULL;
	answer(host, "result", NULL, NULL, NULL, ""); /* a second one does not replace the first */
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 1);
	fw_loop_turn(host->loop, false);
	assert_int_equal(host->calls, 1);
	assert_int_equal(host->cause, FW_CAUSE_NONE);
	assert_true(host->had_reply);
	fw_loop_turn(host->loop, false);
	assert_int_equal(host->calls, 1);
}

static void test_a_request_that_the_host_refuses(void **state)
{
	struct host *host = *state;

	host->route_ret = FW_EDENIED;
	ask(host, 60000);
	fw_loop_turn(host->loop, false);
	assert_int_equal(host->calls, 1);
	assert_int_equal(host->cause, FW_CAUSE_FOREIGN_SENDER);
	assert_false(host->had_reply);
}

static void test_cancel(void **state)
{
	struct host *host = *state;

	ask(host, 1);
	fw_request_cancel(&host->open);
	assert_null(host->open);
	fw_request_cancel(&host->open);
	fw_request_cancel(NULL);
	answer(host, "result", NULL, NULL, NULL, "");
	assert_int_equal(host->calls, 0);
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 1);
}

static void test_cancel_with_an_answer_at_hand(void **state)
{
	struct host *host = *state;

	host->at_once = "result";
	ask(host, 60000);
	fw_request_cancel(&host->open);
	fw_loop_turn(host->loop, false);
	assert_int_equal(host->calls, 0);
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 1);
}

static void test_cancel_from_within_the_callback(void **state)
{
	struct host *host = *state;

	host->cancel_inside = true;
	ask(host, 60000);
	answer(host, "result", NULL, NULL, NULL, "");
	assert_int_equal(host->calls, 1);
}

static void test_a_component_that_goes_forgets_its_requests(void **state)
{
	struct host *host = *state;

	for (int i = 0; i < 200; i++) {
		ask(host, 1);
	}
	host->at_once = "result";
	ask(host, 60000);
	fw_self_free(&host->self);
	fw_loop_turn(host->loop, false);
	assert_int_equal(host->calls, 0);
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 1);
}

static void test_many_open_requests_find_their_own_answers(void **state)
{
	enum { COUNT = 300 };
	struct host *host = *state;
	static char ids[COUNT][64];

	for (int i = 0; i < COUNT; i++) {
		ask(host, 60000);
		memcpy(ids[i], host->id, sizeof(ids[i]));
		for (int earlier = 0; earlier < i; earlier++) {
			assert_string_not_equal(ids[i], ids[earlier]);
		}
	}
	for (int i = COUNT - 1; i >= 0; i -= 2) {
		answer(host, "result", ids[i], NULL, NULL, "");
	}
	for (int i = 0; i < COUNT; i += 2) {
		answer(host, "result", ids[i], NULL, NULL, "");
	}
	assert_int_equal(host->calls, COUNT);
	assert_int_equal(host->ledger->causes[FW_CAUSE_UNEXPECTED_REPLY], 0);
}

static void test_the_sender_may_be_set(void **state)
{
	struct host *host = *state;
	struct fw_stanza *iq = new_iq("set");

	assert_int_equal(fw_stanza_set(iq, "from", fw_str("held.example")), FW_OK);
	assert_int_equal(fw_request(host->self, "policy", &iq, 60000, on_done, host, NULL), FW_OK);
	assert_string_equal(host->from, "held.example");
	answer(host, "result", NULL, NULL, "asker-1.realm", "");
	assert_int_equal(host->calls, 0);
	answer(host, "result", NULL, NULL, NULL, "");
	assert_int_equal(host->calls, 1);
}

static void test_only_requests_can_be_asked(void **state)
{
	struct host *host = *state;
	struct fw_stanza *iq = new_iq("result");

	assert_int_equal(fw_request(host->self, "resolver", &iq, 1, on_done, host, NULL),
	                 FW_EINVAL);
	assert_null(iq);
}

#define IN_HOST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_HOST(test_result),
		IN_HOST(test_answers_that_do_not_fit),
		IN_HOST(test_errors_carry_their_cause),
		IN_HOST(test_deadline),
		IN_HOST(test_an_answer_from_within_the_call_waits_for_the_end_of_the_turn),
		IN_HOST(test_a_request_that_the_host_refuses),
		IN_HOST(test_cancel),
		IN_HOST(test_cancel_with_an_answer_at_hand),
		IN_HOST(test_cancel_from_within_the_callback),
		IN_HOST(test_a_component_that_goes_forgets_its_requests),
		IN_HOST(test_many_open_requests_find_their_own_answers),
		IN_HOST(test_the_sender_may_be_set),
		IN_HOST(test_only_requests_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
