/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Commands across nodes: who may ask what, what is answered, and a node that does not answer. The
 * other node is played by a component that holds its names.
 */
#include "tests/router/other_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "router/fabric.h"

#define QUESTION(name, more) \
	"<iq type='get' id='q1' from='control.other' to='control.realm-test'>" \
	"<command xmlns='urn:fedway:control:1' name='" name "'>" more "</command></iq>"

static struct other_node node;

/* ---- what others ask ---- */

static const struct {
	const char *sentence, *xml, *answer;
} questions[] = {
	{ "a report", QUESTION("status", ""), "\"realm\":\"realm-test\"" },
	{ "a report with arguments", QUESTION("explain", "{\"cause\":\"loop\"}"),
	  "\"cause\":\"loop\"" },
	{ "a command of a component that may be asked", QUESTION("say", "{\"text\":\"hi\"}"),
	  "\"said\":\"hi\"" },
	{ "a command that does something", QUESTION("stop", ""), "not answered to other nodes" },
	{ "a command of a component that does something", QUESTION("wait long", ""),
	  "not answered to other nodes" },
	{ "a command that nobody has", QUESTION("dance", ""), "\"unknown\":true" },
	{ "a question within a question", QUESTION("status", "{\"node\":\"third\"}"),
	  "has no argument" },
	{ "arguments that are no JSON", QUESTION("status", "{"), "name='bad-stanza'" },
	{ "no question at all",
	  "<iq type='get' id='q1' from='control.other' to='control.realm-test'><x/></iq>",
	  "name='bad-stanza'" },
	{ "somebody else on that node",
	  "<iq type='get' id='q1' from='control.other/x' to='control.realm-test'><x/></iq>",
	  "name='bad-stanza'" },
	{ "a message", "<message from='control.other' to='control.realm-test' id='m'/>",
	  "name='unhandled'" },
};

static void test_what_others_ask(void **state)
{
	(void)state;
	other_node_start(&node, false);
	for (size_t i = 0; i < FW_COUNT(questions); i++) {
		print_message("%s\n", questions[i].sentence);
		node.heard[0] = '\0';
		other_node_say(&node, questions[i].xml);
		assert_non_null(strstr(node.heard, "to='control.other"));
		if (strstr(node.heard, questions[i].answer) == NULL) {
			char quoted[256]; /* JSON in XML has its quotes escaped */
			size_t used = 0;
			for (const char *at = questions[i].answer; *at != '\0'; at++) {
				used += (size_t)snprintf(quoted + used, sizeof(quoted) - used,
				                         *at == '"' ? "&quot;" : "%c", *at);
			}
			assert_non_null(strstr(node.heard, quoted));
		}
	}
	other_node_finish(&node);
}

static void test_who_may_not_ask(void **state)
{
	(void)state;
	other_node_start(&node, true);
	struct fabric_peer *peer = node.component->peer;
	/* its row does not say control = true, nor is it the one that the question names */
	node.component->peer = fabric_find(node.rig.router, fw_str("third"));
	other_node_say(&node, QUESTION("status", ""));
	assert_non_null(strstr(node.heard, "name='policy-denied'"));
	node.component->peer = peer;
	other_node_say(&node, "<iq type='get' id='q' from='control.third' to='control.realm-test'>"
	                      "<command xmlns='urn:fedway:control:1' name='status'/></iq>");
	assert_non_null(strstr(node.heard, "name='policy-denied'"));
	other_node_finish(&node);
}

static void test_an_answer_too_large(void **state)
{
	(void)state;
	other_node_start(&node, false);
	node.rig.router->config->router.stanza_max_bytes = 2000;
	other_node_say(&node, QUESTION("help", ""));
	assert_non_null(strstr(node.heard, "stanza_max_bytes"));
	assert_true(strlen(node.heard) < 2000);
	other_node_finish(&node);
}

/* ---- what we ask ---- */

static void test_another_node_answers(void **state)
{
	(void)state;
	other_node_start(&node, false);
	peer_send(&node.client,
	          "{\"command\":\"say\",\"args\":{\"text\":\"x\"},\"node\":\"other\"}\n");
	rig_settle(&node.rig);
	/* what an operator sees when it takes long */
	peer_expect(&node.client, "{\"progress\":\"waiting for other\"}\n");
	peer_forget(&node.client);
	assert_non_null(strstr(node.heard, "to='control.other'"));
	assert_non_null(strstr(node.heard, "name='say'"));
	assert_non_null(strstr(node.heard, "text"));
	other_node_answer(&node, "control.third", "{\"ok\":true,\"result\":{\"forged\":1}}");
	rig_settle(&node.rig);
	assert_false(peer_has(&node.client, "forged"));
	/* the other node may speak for no realm but its own */
	other_node_answer(&node, "control.other", "{\"ok\":true,\"result\":{\"said\":\"far\"}}");
	peer_expect(&node.client, "{\"ok\":true,\"result\":{\"said\":\"far\"}}\n");
	other_node_finish(&node);
}

static void test_no_proper_answer(void **state)
{
	(void)state;
	other_node_start(&node, false);
	peer_send(&node.client, "{\"command\":\"status\",\"node\":\"other\"}\n");
	rig_settle(&node.rig);
	other_node_answer(&node, "control.other", "garbage");
	peer_expect(&node.client, "not one of fedwayd's");
	peer_forget(&node.client);
	peer_send(&node.client, "{\"command\":\"status\",\"node\":\"nowhere\"}\n");
	peer_expect(&node.client, "no row of routers has the realm \\\"nowhere\\\"");
	assert_true(peer_has(&node.client, "there are: other\""));
	other_node_finish(&node);
}

static void test_a_node_whose_link_is_down(void **state)
{
	(void)state;
	other_node_start(&node, false);
	node.component->suspended = true; /* it may come back; nobody waits for that here */
	peer_send(&node.client, "{\"command\":\"status\",\"node\":\"other\"}\n");
	peer_expect(&node.client, "other does not answer: link-lost");
	fabric_find(node.rig.router, fw_str("other"))->last_cause = FW_CAUSE_CERT_NAME;
	peer_send(&node.client, "{\"command\":\"status\",\"node\":\"other\"}\n");
	peer_expect(&node.client,
	            "other does not answer: certificate-name"); /* why there is none */
	assert_true(node.heard[0] == '\0');
	node.component->suspended = false;
	other_node_finish(&node);
}

static void test_all_nodes(void **state)
{
	(void)state;
	other_node_start(&node, false);
	peer_send(&node.client, "{\"command\":\"ledger\",\"all\":true}\n");
	rig_settle(&node.rig);
	peer_expect(&node.client, "{\"progress\":\"waiting for other\"}\n");
	assert_false(peer_has(&node.client, "\"ok\"")); /* waits for the other */
	other_node_answer(&node, "control.other",
	                  "{\"ok\":false,\"error\":\"no\",\"remedy\":\"wait\"}");
	peer_expect(&node.client, "{\"ok\":true,\"result\":{\"nodes\":[{\"realm\":\"realm-test\","
	                          "\"ok\":true,\"result\":{\"total\"");
	assert_true(peer_has(&node.client, "{\"realm\":\"other\",\"ok\":false,\"error\":\"no\","
	                                   "\"remedy\":\"wait\"}]}}\n"));
	peer_forget(&node.client);
	peer_send(&node.client, "{\"command\":\"say\",\"args\":{\"text\":\"x\"},\"all\":true}\n");
	rig_settle(&node.rig);
	other_node_answer(&node, "control.other",
	                  "{\"ok\":false,\"error\":\"no\",\"unknown\":true}");
	peer_expect(&node.client, "\"said\":\"x\"");
	assert_false(peer_has(&node.client, "\"realm\":\"other\"")); /* has no such component */
	other_node_finish(&node);
}

static void test_the_client_goes(void **state)
{
	(void)state;
	other_node_start(&node, false);
	peer_send(&node.client, "{\"command\":\"status\",\"node\":\"other\"}\n");
	rig_settle(&node.rig);
	peer_close(&node.client);
	rig_settle(&node.rig);
	other_node_answer(&node, "control.other", "{\"ok\":true,\"result\":{}}"); /* nobody waits */
	assert_int_equal(node.rig.router->total->causes[FW_CAUSE_UNEXPECTED_REPLY], 1);
	other_node_finish(&node);
}

static void test_the_router_goes(void **state)
{
	(void)state;
	other_node_start(&node, false);
	peer_send(&node.client, "{\"command\":\"status\",\"all\":true}\n");
	rig_settle(&node.rig);
	assert_non_null(strstr(node.heard, "name='status'"));
	other_node_leave(&node);
	router_stop(&node.rig.router); /* nothing leaks, nothing is touched afterwards */
	other_node_finish(&node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_others_ask),
		cmocka_unit_test(test_who_may_not_ask),
		cmocka_unit_test(test_an_answer_too_large),
		cmocka_unit_test(test_another_node_answers),
		cmocka_unit_test(test_no_proper_answer),
		cmocka_unit_test(test_a_node_whose_link_is_down),
		cmocka_unit_test(test_all_nodes),
		cmocka_unit_test(test_the_client_goes),
		cmocka_unit_test(test_the_router_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
