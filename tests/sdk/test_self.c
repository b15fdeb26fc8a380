/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/self.c: every host call reaches its op, and each delivered stanza gets exactly
 * one exit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include <fedway/hosting.h>

struct host {
	char called[64];
	int ret;
	struct fw_ledger *ledger;
	struct fw_self *self;
	char routed[512]; /* bytes of the last stanza that was routed */
	enum fw_cause bounced;
};

static int op_bind(void *ctx, const char *domain)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "bind %s", domain);
	return host->ret;
}

static int op_unbind(void *ctx, const char *domain)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "unbind %s", domain);
	return host->ret;
}

static bool op_is_local(void *ctx, struct fw_str domain)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "local %.*s", FW_STR_ARG(domain));
	return host->ret != 0;
}

static bool op_is_federated(void *ctx, struct fw_str domain)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "federated %.*s", FW_STR_ARG(domain));
	return host->ret != 0;
}

static int op_route(void *ctx, struct fw_stanza **stanza)
{
	struct host *host = ctx;
	struct fw_str bytes = { 0 };

	assert_int_equal(fw_stanza_bytes(*stanza, &bytes), FW_OK);
	snprintf(host->routed, sizeof(host->routed), "%.*s", FW_STR_ARG(bytes));
	fw_stanza_free(stanza);
	return host->ret;
}

static void op_bounce(void *ctx, struct fw_stanza **stanza, enum fw_cause cause)
{
	struct host *host = ctx;

	host->bounced = cause;
	fw_stanza_end(stanza, FW_EXIT_BOUNCED, cause);
}

static void op_announce(void *ctx, const char *service)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "announce %s", service);
}

static void op_drained(void *ctx)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "drained");
}

static int op_domains(void *ctx, struct fw_json *array)
{
	struct host *host = ctx;

	fw_json_append(array, fw_str("row"));
	return host->ret;
}

static bool op_federation_is_on(void *ctx)
{
	const struct host *host = ctx;

	return host->ret == FW_OK;
}

static const struct fw_json *op_state(void *ctx, const char *key)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "state %s", key);
	return NULL;
}

static int op_state_set(void *ctx, const char *key, const struct fw_json *value,
                        struct fw_error *err)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "set %s %zu", key, fw_json_count(value));
	return fw_error_set(err, host->ret, "because");
}

static void op_notice(void *ctx, const char *key, enum fw_notice_level level, const char *remedy,
                      const char *text)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "notice %s %d %s: %s", key, level, text,
	         remedy);
}

static void op_notice_clear(void *ctx, const char *key)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "clear %s", key);
}

static int op_bind_for(void *ctx, const char *domain, const char *component_id, uint32_t weight)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "bind %s for %s %u", domain, component_id,
	         weight);
	return host->ret;
}

static int op_unbind_for(void *ctx, const char *domain, const char *component_id)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "unbind %s for %s", domain, component_id);
	return host->ret;
}

static int op_holders(void *ctx, const char *domain, struct fw_json *out)
{
	struct host *host = ctx;

	snprintf(host->called, sizeof(host->called), "holders %s", domain);
	return out == NULL ? host->ret : FW_EINVAL;
}

static const struct fw_host_ops ops = {
	.bind = op_bind,
	.unbind = op_unbind,
	.domain_is_local = op_is_local,
	.domain_is_federated = op_is_federated,
	.route = op_route,
	.bounce = op_bounce,
	.announce = op_announce,
	.drained = op_drained,
	.bind_for = op_bind_for,
	.unbind_for = op_unbind_for,
	.holders = op_holders,
	.domains = op_domains,
	.federation_is_on = op_federation_is_on,
	.state = op_state,
	.state_set = op_state_set,
	.notice = op_notice,
	.notice_clear = op_notice_clear,
};

static struct fw_stanza *taken;

/* Takes what says so in its id, leaves the rest in place. */
static void deliver_some(struct fw_self *self, struct fw_stanza **stanza)
{
	fw_self_set_state(self, &taken);
	if (fw_str_is(fw_stanza_id(*stanza), "take")) {
		taken = *stanza;
		*stanza = NULL;
	}
}

static const struct fw_component with_deliver = { FW_COMPONENT_HEAD, .name = "x",
	                                          .deliver = deliver_some };
static const struct fw_component without_deliver = { FW_COMPONENT_HEAD, .name = "y" };

static void open_host(struct host *host, const struct fw_component *component)
{
	struct fw_self_settings settings = {
		.component = component,
		.ops = &ops,
		.host = host,
		.id = "x-1.realm",
		.realm = "realm",
		.config = "config",
	};

	memset(host, 0, sizeof(*host));
	host->ledger = fw_ledger_new(NULL);
	assert_int_equal(fw_self_new(&settings, &host->self), FW_OK);
}

static void close_host(struct host *host)
{
	assert_true(fw_ledger_balanced(host->ledger));
	assert_int_equal(host->ledger->in_flight, 0);
	fw_ledger_release(&host->ledger);
	fw_self_free(&host->self);
	assert_null(host->self);
	fw_self_free(&host->self);
	fw_self_free(NULL);
}

static struct fw_stanza *enter(struct host *host, const char *text)
{
	struct fw_stanza *stanza = NULL;

	assert_int_equal(fw_stanza_parse(fw_str(text), &stanza), FW_OK);
	fw_stanza_enter(stanza, host->ledger, 1);
	return stanza;
}

static void test_it_knows_itself(void **state)
{
	struct host host;
	int thing;

	(void)state;
	open_host(&host, &with_deliver);
	assert_string_equal(fw_self_id(host.self), "x-1.realm");
	assert_string_equal(fw_self_realm(host.self), "realm");
	assert_string_equal(fw_self_config(host.self), "config");
	fw_self_set_config(host.self, "other");
	assert_string_equal(fw_self_config(host.self), "other");
	assert_ptr_equal(fw_self_component(host.self), &with_deliver);
	assert_ptr_equal(fw_self_host(host.self), &host);
	assert_null(fw_self_log(host.self));
	assert_null(fw_self_loop(host.self));
	assert_null(fw_self_state(host.self));
	fw_self_set_state(host.self, &thing);
	assert_ptr_equal(fw_self_state(host.self), &thing);
	close_host(&host);
}

static void test_calls_reach_the_host(void **state)
{
	struct host host;

	(void)state;
	open_host(&host, &with_deliver);
	host.ret = FW_EEXIST;
	assert_int_equal(fw_bind(host.self, "a.example"), FW_EEXIST);
	assert_string_equal(host.called, "bind a.example");
	assert_int_equal(fw_unbind(host.self, "resolver."), FW_EEXIST);
	assert_string_equal(host.called, "unbind resolver.");
	assert_true(fw_domain_is_local(host.self, fw_str("a")));
	assert_string_equal(host.called, "local a");
	assert_true(fw_domain_is_federated(host.self, fw_str("b")));
	assert_string_equal(host.called, "federated b");
	fw_announce(host.self, "resolver");
	assert_string_equal(host.called, "announce resolver");
	host.ret = FW_OK;
	assert_int_equal(fw_bind_for(host.self, "*", "s2s-1.edge-1", 7), FW_OK);
	assert_string_equal(host.called, "bind * for s2s-1.edge-1 7");
	host.ret = FW_ENOENT;
	assert_int_equal(fw_unbind_for(host.self, "*", "s2s-1.edge-1"), FW_ENOENT);
	assert_string_equal(host.called, "unbind * for s2s-1.edge-1");
	assert_int_equal(fw_holders(host.self, "*", NULL), FW_ENOENT);
	assert_string_equal(host.called, "holders *");
	fw_self_drained(host.self);
	assert_string_equal(host.called, "drained");
	close_host(&host);
}

static void test_what_was_learned_is_the_hosts(void **state)
{
	struct host host;
	struct fw_error err = { 0 };
	struct fw_json *document = fw_json_new();
	struct fw_json *array = fw_json_set_array(document, "rows");

	(void)state;
	open_host(&host, &with_deliver);
	assert_true(fw_federation_is_on(host.self));
	host.ret = FW_EDENIED;
	assert_false(fw_federation_is_on(host.self));
	assert_int_equal(fw_domains(host.self, array), FW_EDENIED);
	assert_int_equal(fw_json_count(array), 1);
	assert_null(fw_state(host.self, "allow"));
	assert_string_equal(host.called, "state allow");
	assert_int_equal(fw_state_set(host.self, "allow", array, &err), FW_EDENIED);
	assert_string_equal(host.called, "set allow 1");
	assert_string_equal(err.text, "because");
	fw_notice(host.self, "disk", FW_NOTICE_RED, "make room", "%d left", 7);
	assert_string_equal(host.called, "notice disk 2 7 left: make room");
	fw_notice_clear(host.self, "disk");
	assert_string_equal(host.called, "clear disk");
	fw_json_free(&document);
	close_host(&host);
}

/* Who ends what: rows of stanza, component, exit. */
static void test_each_delivery_has_one_exit(void **state)
{
	static const struct {
		const char *why, *text;
		const struct fw_component *component;
		enum fw_exit exit;
	} rows[] = {
		{ "left in place", "<message to='a' from='b' id='leave'/>", &with_deliver,
		  FW_EXIT_DELIVERED },
		{ "a stranger's result", "<iq type='result' to='a' from='b' id='1'/>",
		  &with_deliver, FW_EXIT_DELIVERED },
		{ "a result without an id", "<iq type='result' to='a' from='b'/>", &with_deliver,
		  FW_EXIT_DELIVERED },
		{ "request to one who only sends", "<iq type='get' to='a' from='b' id='1'/>",
		  &without_deliver, FW_EXIT_BOUNCED },
		{ "message to one who only sends", "<message to='a' from='b'/>", &without_deliver,
		  FW_EXIT_BOUNCED },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct host host;
		open_host(&host, rows[i].component);
		struct fw_stanza *stanza = enter(&host, rows[i].text);
		fw_self_deliver(host.self, &stanza);
		assert_null(stanza);
		assert_int_equal(host.ledger->exits[rows[i].exit], 1);
		assert_int_equal(host.bounced,
		                 rows[i].exit == FW_EXIT_BOUNCED ? FW_CAUSE_UNHANDLED : 0);
		close_host(&host);
	}
}

static void test_what_is_taken_stays_in_flight(void **state)
{
	struct host host;

	(void)state;
	open_host(&host, &with_deliver);
	struct fw_stanza *stanza = enter(&host, "<message to='a' from='b' id='take'/>");
	fw_self_deliver(host.self, &stanza);
	assert_null(stanza);
	assert_int_equal(host.ledger->in_flight, 1);
	fw_bounce(host.self, &taken, FW_CAUSE_QUEUE_AGED);
	assert_int_equal(host.bounced, FW_CAUSE_QUEUE_AGED);
	close_host(&host);
}

static void test_reply_ends_the_request_and_routes_the_answer(void **state)
{
	struct host host;
	struct fw_stanza *answer = NULL;

	(void)state;
	open_host(&host, &with_deliver);
	struct fw_stanza *request =
	        enter(&host, "<iq type='get' to='a.example' from='b.example' id='7'/>");
	assert_int_equal(fw_stanza_reply(request, "result", &answer), FW_OK);
	host.ret = FW_EDENIED;
	assert_int_equal(fw_reply(host.self, &request, &answer), FW_EDENIED);
	assert_true(request == NULL && answer == NULL);
	assert_int_equal(host.ledger->exits[FW_EXIT_ANSWERED], 1);
	struct fw_stanza *sent = NULL;
	assert_int_equal(fw_stanza_parse(fw_str(host.routed), &sent), FW_OK);
	assert_true(fw_str_is(fw_stanza_to(sent), "b.example"));
	assert_true(fw_str_is(fw_stanza_id(sent), "7"));
	fw_stanza_free(&sent);

	request = enter(&host, "<iq type='get' to='a.example' from='b.example' id='8'/>");
	assert_int_equal(fw_reply(host.self, &request, &answer),
	                 FW_ENOMEM); /* no answer could be made */
	assert_null(request);
	assert_int_equal(host.bounced, FW_CAUSE_RESOURCES);
	close_host(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_knows_itself),
		cmocka_unit_test(test_calls_reach_the_host),
		cmocka_unit_test(test_what_was_learned_is_the_hosts),
		cmocka_unit_test(test_each_delivery_has_one_exit),
		cmocka_unit_test(test_what_is_taken_stays_in_flight),
		cmocka_unit_test(test_reply_ends_the_request_and_routes_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
