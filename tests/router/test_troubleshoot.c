/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is compared among nodes, and what is said of a difference. Ours is the core, and has nothing
 * to compare; the two others answer as the test says.
 */
#include "tests/router/other_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct other_node node;

static void answer_as(const char *from, const char *components, long long skew_ms, const char *more)
{
	struct timespec now = { 0 };
	char json[4000];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)snprintf(json, sizeof(json),
	               "{\"ok\":true,\"result\":{\"version\":\"%s\","
	               "\"time_ms\":%lld,\"components\":[%s]%s}}",
	               PACKAGE_VERSION,
	               (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 + skew_ms, components,
	               more);
	other_node_answer(&node, from, json);
}

#define S2S(mode, named) \
	"{\"id\":\"s\",\"module\":\"s2s\",\"facts\":{\"security_mode\":\"" mode \
	"\",\"own\":{\"id\":\"cm-2_s2scp-1.other\",\"domains_not_named\":[" named "]}}}"
#define DIALBACK(digest) \
	"{\"id\":\"d\",\"module\":\"dialback\",\"facts\":{\"secret_digest\":\"" digest "\"}}"
#define POLICY(list) "{\"id\":\"p\",\"module\":\"policy\",\"facts\":{\"allow\":[" list "]}}"
#define TABLE(id, state) \
	"{\"id\":\"a\",\"module\":\"axl_service\",\"facts\":{\"own\":{\"rows\":[" \
	"{\"cp_id\":\"" id "\",\"state\":\"" state "\"}]}}}"
#define ON ",\"federation\":true"
#define OFF ",\"federation\":false"

static const struct {
	const char *sentence, *other, *third, *more, *line;
	long long skew_ms;
} cases[] = {
	{ "equal", S2S("tls-required", ""), S2S("tls-required", ""), ON,
	  "\"step\":\"security mode\",\"verdict\":\"ok\"", 0 },
	{ "another mode", S2S("tls-required", ""), S2S("no-tls", ""), ON,
	  "\"verdict\":\"fail\",\"text\":\"tls-required on other, no-tls on third\"", 0 },
	{ "the switch", S2S("tls-required", ""), S2S("tls-required", ""), OFF,
	  "\"step\":\"switch\",\"verdict\":\"fail\",\"text\":\"off on third; on on other\"", 0 },
	{ "a name that no certificate has", S2S("tls-required", ""),
	  S2S("tls-required", "\"rooms.corp.example\""), ON,
	  "no certificate of third names rooms.corp.example", 0 },
	{ "the secret", S2S("x", "") "," DIALBACK("aa"), S2S("x", "") "," DIALBACK("bb"), ON,
	  "\"step\":\"dialback secret\",\"verdict\":\"fail\"", 0 },
	{ "lists in another order", S2S("x", "") "," POLICY("\"a\",\"b\""),
	  S2S("x", "") "," POLICY("\"b\",\"a\""), ON, "\"step\":\"allow list\",\"verdict\":\"ok\"",
	  0 },
	{ "lists that differ", S2S("x", "") "," POLICY("\"a\",\"b\""),
	  S2S("x", "") "," POLICY("\"b\",\"c\""), ON,
	  "\"step\":\"allow list\",\"verdict\":\"fail\"", 0 },
	{ "a list that is longer", S2S("x", "") "," POLICY("\"a\""),
	  S2S("x", "") "," POLICY("\"a\",\"b\""), ON,
	  "\"step\":\"allow list\",\"verdict\":\"fail\"", 0 },
	{ "a row that is there", S2S("tls-required", ""), TABLE("cm-2_s2scp-1.other", "in force"),
	  ON, "\"step\":\"table\",\"verdict\":\"ok\"", 0 },
	{ "a row that is not followed", S2S("tls-required", ""),
	  TABLE("cm-2_s2scp-1.other", "refused by the router"), ON,
	  "xmpps2snodes of third lacks cm-2_s2scp-1.other", 0 },
	{ "a row that is missing", S2S("tls-required", ""), TABLE("cm-2_s2scp-1.x", "in force"), ON,
	  "xmpps2snodes of third lacks cm-2_s2scp-1.other", 0 },
	{ "a clock", "", "", ON, "\"step\":\"clock\",\"verdict\":\"fail\"", 60000 },
	{ "a clock that is near", "", "", ON, "\"step\":\"clock\",\"verdict\":\"ok\"", -2000 },
};

static void test_differences(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		print_message("%s\n", cases[i].sentence);
		other_node_start(&node, true);
		peer_send(&node.client, "{\"command\":\"troubleshoot\"}\n");
		rig_settle(&node.rig);
		assert_non_null(strstr(node.heard, "name='facts'"));
		answer_as("control.other", cases[i].other, 0, ON);
		assert_int_equal(peer_count(&node.client, "\n"), 0);
		answer_as("control.third", cases[i].third, cases[i].skew_ms, cases[i].more);
		peer_expect(&node.client, "\n");
		if (!peer_has(&node.client, cases[i].line)) {
			fail_msg("%s is not in %s", cases[i].line, node.client.text);
		}
		other_node_finish(&node);
	}
}

static void test_verdict(void **state)
{
	(void)state;
	other_node_start(&node, false);
	peer_send(&node.client, "{\"command\":\"troubleshoot\"}\n");
	rig_settle(&node.rig);
	other_node_answer(&node, "control.other",
	                  "{\"ok\":false,\"error\":\"it sleeps\",\"remedy\":\"wake it\"}");
	peer_expect(&node.client, "\n");
	assert_true(peer_has(&node.client, "\"verdict\":\"fail\",\"text\":\"it sleeps\","
	                                   "\"remedy\":\"wake it\""));
	assert_true(peer_has(&node.client, "\"verdict\":\"refused\""));
	other_node_finish(&node);
}

/* Whatever another node says in its facts is compared, not trusted. */
static void test_strange_facts(void **state)
{
	static const char *const facts[] = {
		"{\"ok\":true,\"result\":[]}",
		"{\"ok\":true,\"result\":{\"components\":{\"a\":1}}}",
		("{\"ok\":true,\"result\":{\"components\":[1,[],{\"module\":\"s2s\","
		 "\"facts\":\"x\"},{\"module\":7}],\"domains\":\"x\",\"time_ms\":\"soon\"}}"),
		"{\"ok\":true}",
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(facts); i++) {
		other_node_start(&node, false);
		peer_send(&node.client, "{\"command\":\"troubleshoot\"}\n");
		rig_settle(&node.rig);
		other_node_answer(&node, "control.other", facts[i]);
		peer_expect(&node.client, "\"verdict\":\"refused\"");
		other_node_finish(&node);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_strange_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
