/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of plugins/echo/echo.c on a host without a router: what it answers, what it leaves, what it
 * bounces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/fake_host.h"

extern const struct fw_component echo_LTX_fw_component;

static const struct {
	const char *domain; /* the first member of its options */
} config = { "echo.example" };

struct row {
	const char *why, *stanza;
	const char *answer; /* what the sender gets; NULL: nothing */
	enum fw_cause bounced;
};

#define FROM_TO "from='a@b.example/c' to='echo.example'"
#define TO_FROM "to='a@b.example/c' from='echo.example'"

static const struct row rows[] = {
	{ "a message comes back",
	  "<message type='chat' id='1' " FROM_TO "><body>hi &lt;you></body><x/></message>",
	  "<body>hi &lt;you", 0 },
	{ "without a body there is nothing to say",
	  "<message id='1' " FROM_TO "><active/></message>", NULL, 0 },
	{ "errors are never answered",
	  "<message type='error' id='1' " FROM_TO "><body>hi</body></message>", NULL, 0 },
	{ "ping", "<iq type='get' id='p1' " FROM_TO "><ping xmlns='urn:xmpp:ping'/></iq>",
	  "type='result'", 0 },
	{ "another request",
	  "<iq type='set' id='q' " FROM_TO "><query xmlns='jabber:iq:roster'/></iq>", NULL,
	  FW_CAUSE_UNHANDLED },
	{ "ping in another namespace",
	  "<iq type='get' id='q' " FROM_TO "><ping xmlns='urn:other'/></iq>", NULL,
	  FW_CAUSE_UNHANDLED },
	{ "a result that nobody asked for", "<iq type='result' id='r' " FROM_TO "/>", NULL, 0 },
	{ "subscribe", "<presence type='subscribe' " FROM_TO "/>", "type='subscribed'", 0 },
	{ "probe", "<presence type='probe' " FROM_TO "/>", "<presence", 0 },
	{ "available", "<presence " FROM_TO "><show>away</show></presence>", "<presence", 0 },
	{ "unavailable", "<presence type='unavailable' " FROM_TO "/>", NULL, 0 },
	{ "unsubscribe", "<presence type='unsubscribe' " FROM_TO "/>", NULL, 0 },
};

static void check_row(const struct row *row)
{
	struct fake_host *host = fake_host_new();
	struct fw_self *self = fake_host_start(host, &echo_LTX_fw_component, &config, NULL);

	assert_non_null(self);
	assert_true(fake_host_holds(host, "echo.example"));
	fake_host_send(host, "%s", row->stanza);
	fake_host_settle(host);
	assert_int_equal(fake_host_bounced(host, FW_CAUSE_COUNT), row->bounced != 0);
	assert_int_equal(fake_host_bounced(host, row->bounced), row->bounced != 0);
	struct fw_stanza *answer = fake_host_take_to(host, "a@b.example/c");
	if (row->answer != NULL) {
		assert_non_null(answer);
		assert_non_null(strstr(fake_host_text(answer), row->answer));
		assert_true(fw_str_is(fw_stanza_from(answer), "echo.example"));
		assert_null(fw_elem_find(fw_stanza_root(answer), "x", NULL));
	} else if (row->bounced == 0) {
		assert_null(answer);
	}
	if (answer != NULL) {
		fake_host_done(&answer);
	}
	fake_host_stop(host, &self);
	fake_host_free(&host); /* checks the ledger */
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i].why);
		check_row(&rows[i]);
	}
}

static void test_a_domain_that_is_taken_stops_the_start(void **state)
{
	struct fake_host *host = fake_host_new();
	struct fw_self *self = fake_host_start(host, &echo_LTX_fw_component, &config, NULL);
	struct fw_error err = { 0 };

	(void)state;
	assert_null(fake_host_start(host, &echo_LTX_fw_component, &config, &err));
	assert_int_equal(err.code, FW_EEXIST);
	assert_non_null(strstr(err.text, "echo.example"));
	fake_host_stop(host, &self);
	fake_host_free(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_a_domain_that_is_taken_stops_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
