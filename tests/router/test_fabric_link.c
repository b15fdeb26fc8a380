/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two whole routers in one process, of which one dials the other: they attach by their secret,
 * learn from each other, and one that says something malformed is sent away with bad-hop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "router/fabric.h"
#include "router/link.h"
#include "router/module_list.h"
#include "router/notices.h"
#include "tests/router/toys.h"

struct pair {
	struct fw_loop *loop;
	struct router *edge, *core;
};

static struct router *begin(struct fw_loop *loop, const char *text)
{
	struct config *config = NULL;
	struct config_problems problems = { 0 };
	struct router *router = NULL;
	struct fw_error err = { 0 };

	if (config_load_text(text, &toys_modules, &config, &problems) != FW_OK) {
		fail_msg("%s", problems.text);
	}
	if (router_start(loop, &config, NULL, &router, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	return router;
}

#define COMMON "state_file = \"\"; domains = ( { name = \"corp.example\"; federation = true; } ); "

static void open_pair(struct pair *pair, const char *secret)
{
	/* several suites may run at once */
	unsigned port = 20000 + (unsigned)getpid() % 20000;
	char text[1024];

	(void)fw_log_set_level(fw_str("*"), FW_LOG_ERROR);
	assert_int_equal(fw_loop_new(&pair->loop), FW_OK);
	(void)snprintf(text, sizeof(text),
	               COMMON
	               "realm = \"edge-1\"; log_level = \"error\"; control_socket = "
	               "\"test_fabric_link.edge\"; listen = ( { address = \"127.0.11.1\"; port = "
	               "%u; } ); routers = ( { realm = \"core-1\"; secret = \"good\"; } );",
	               port);
	pair->edge = begin(pair->loop, text);
	(void)snprintf(text, sizeof(text),
	               COMMON "realm = \"core-1\"; log_level = \"error\"; control_socket = "
	                      "\"test_fabric_link.core\"; routers = ( { realm = \"edge-1\"; host = "
	                      "\"127.0.11.1\"; port = %u; secret = \"%s\"; outside = true; "
	                      "retry_min_ms = 10; retry_max_ms = 20; } );",
	               port, secret);
	pair->core = begin(pair->loop, text);
}

static void close_pair(struct pair *pair)
{
	router_stop(&pair->core);
	router_stop(&pair->edge);
	fw_loop_free(&pair->loop);
}

static struct fabric_peer *core_of(const struct pair *pair)
{
	return fabric_find(pair->edge, fw_str("core-1"));
}

static struct fabric_peer *edge_of(const struct pair *pair)
{
	return fabric_find(pair->core, fw_str("edge-1"));
}

/* Turns until both have confirmed what the other has said; fails after some ten seconds. */
static void wait_up(const struct pair *pair, bool up)
{
	uint64_t end = fw_now_ms(pair->loop) + 10000;

	while (fw_now_ms(pair->loop) < end) {
		bool both = core_of(pair)->component != NULL && edge_of(pair)->component != NULL &&
		            core_of(pair)->learned.count == 2 && edge_of(pair)->learned.count == 2;
		if (up ? both : core_of(pair)->component == NULL) {
			return;
		}
		fw_loop_turn(pair->loop, true);
	}
	fail_msg("waited in vain");
}

static void two_attach_and_learn(void **state)
{
	(void)state;
	struct pair pair;

	open_pair(&pair, "good");
	wait_up(&pair, true);
	assert_non_null(fabric_set_find(&edge_of(&pair)->learned, "*.edge-1"));
	assert_non_null(fabric_set_find(&core_of(&pair)->learned, "core-1"));
	assert_null(pair.core->notices);
	close_pair(&pair);
}

static void a_wrong_secret_is_told(void **state)
{
	(void)state;
	struct pair pair;

	open_pair(&pair, "bad");
	uint64_t end = fw_now_ms(pair.loop) + 10000;
	while (edge_of(&pair)->last_cause == FW_CAUSE_NONE && fw_now_ms(pair.loop) < end) {
		fw_loop_turn(pair.loop, true);
	}
	assert_int_equal(edge_of(&pair)->last_cause, FW_CAUSE_NOT_AUTHORIZED);
	assert_null(edge_of(&pair)->component);
	while (pair.core->notices == NULL && fw_now_ms(pair.loop) < end) {
		fw_loop_turn(pair.loop, true);
	}
	assert_non_null(strstr(pair.core->notices->text, "no link to router edge-1 at 127.0.11.1"));
	assert_non_null(strstr(pair.core->notices->remedy, "same secret"));
	core_of(&pair)->since_ms = fw_now_ms(pair.loop) - 30000;
	fabric_notice_look(core_of(&pair));
	assert_string_equal(
	        pair.edge->notices->text,
	        "no link from router core-1: who came was refused: the secret is wrong");
	close_pair(&pair);
}

static void a_stanza_without_its_header_ends_the_link(void **state)
{
	static const char *const words[] = {
		"<message from='a.core-1' to='b.edge-1'/>",
		"<hop xmlns='urn:fedway:link:1' id='1' path='im-1'/>",
		("<hop xmlns='urn:fedway:link:1' id='1' path='core-1'/>"
		 "<hop xmlns='urn:fedway:link:1' id='1' path='core-1'/>"),
		("<hop xmlns='urn:fedway:link:1' id='1' path='im-1'/>"
		 "<hop xmlns='urn:fedway:link:1' id='2' path='core-1'/>"
		 "<message from='a.core-1' to='b.edge-1'/>"),
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(words); i++) {
		struct pair pair;
		open_pair(&pair, "good");
		wait_up(&pair, true);
		uint64_t in = pair.edge->total->in;
		link_say(edge_of(&pair)->link, "%s", words[i]);
		wait_up(&pair, false);
		assert_int_equal(core_of(&pair)->last_cause, FW_CAUSE_BAD_HOP);
		assert_int_equal(pair.edge->total->in, in); /* nothing of it was taken */
		close_pair(&pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_attach_and_learn),
		cmocka_unit_test(a_wrong_secret_is_told),
		cmocka_unit_test(a_stanza_without_its_header_ends_the_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
