/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Targets in answers of the resolver.
 */
#include <fedway/io/dial.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *what, *xml;
	const char *wanted; /* "address host tls priority weight", or NULL when it is passed over */
} rows[] = {
	{ "all that can be said",
	  "<target ip='192.0.2.7' port='5270' host='x.example' tls='direct' priority='1' "
	  "weight='2'/>",
	  "192.0.2.7:5270 x.example direct 1 2" },
	{ "what a resolver must say", "<target ip='2001:db8::1' port='5269'/>",
	  "[2001:db8::1]:5269  starttls 0 0" },
	{ "starttls by name", "<target ip='192.0.2.7' port='1' tls='starttls' priority='65535'/>",
	  "192.0.2.7:1  starttls 65535 0" },
	{ "no port", "<target ip='192.0.2.7'/>", NULL },
	{ "port 0", "<target ip='192.0.2.7' port='0'/>", NULL },
	{ "no number as a port", "<target ip='192.0.2.7' port='http'/>", NULL },
	{ "a port that is too high", "<target ip='192.0.2.7' port='65536'/>", NULL },
	{ "a priority that is too high", "<target ip='192.0.2.7' port='1' priority='65536'/>",
	  NULL },
	{ "a negative weight", "<target ip='192.0.2.7' port='1' weight='-1'/>", NULL },
	{ "a name in the place of an address", "<target ip='x.example' port='1'/>", NULL },
	{ "an unknown way to speak", "<target ip='192.0.2.7' port='1' tls='quic'/>", NULL },
	{ "something else", "<host ip='192.0.2.7' port='1'/>", NULL },
};

static struct fw_stanza *parse(const char *inside)
{
	struct fw_stanza *stanza = NULL;
	char text[1024];

	snprintf(text, sizeof(text), "<iq><targets xmlns='urn:fedway:resolver:1'>%s</targets></iq>",
	         inside);
	assert_int_equal(fw_stanza_parse(fw_str(text), &stanza), FW_OK);
	return stanza;
}

static void a_target_is_read_or_passed_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].xml);
		struct fw_target target = { .host = "" };
		char addr[FW_ADDR_TEXT_SIZE], got[256];

		print_message("%s\n", rows[i].what);
		size_t count = fw_targets_read(fw_elem_first(fw_stanza_root(stanza)), &target, 1);
		assert_int_equal(count, rows[i].wanted != NULL);
		if (rows[i].wanted != NULL) {
			snprintf(got, sizeof(got), "%s %.32s %s %u %u",
			         fw_addr_text(&target.addr, addr), target.host,
			         fw_target_tls_choices[target.tls].word, target.priority,
			         target.weight);
			assert_string_equal(got, rows[i].wanted);
		}
		fw_stanza_free(&stanza);
	}
}

static void the_order_of_the_answer_stays(void **state)
{
	struct fw_stanza *stanza = parse("<target ip='192.0.2.2' port='2'/><target/>"
	                                 "<target ip='192.0.2.1' port='1'/>"
	                                 "<target ip='192.0.2.3' port='3'/>");
	static const uint16_t ports[] = { 2, 1, 3 };
	struct fw_target targets[3];

	(void)state;
	struct fw_elem *list = fw_elem_first(fw_stanza_root(stanza));
	assert_int_equal(fw_targets_read(list, targets, 3), 3);
	for (size_t i = 0; i < FW_COUNT(ports); i++) {
		assert_int_equal(fw_addr_port(&targets[i].addr), ports[i]);
	}
	assert_int_equal(fw_targets_read(list, targets, 2), 2);
	assert_int_equal(fw_targets_read(NULL, targets, 3), 0);
	fw_stanza_free(&stanza);
}

static void sources_are_one_for_each_family(void **state)
{
	static const char *const both[] = { "2001:db8::1", "192.0.2.1" };
	static const char *const same[] = { "192.0.2.1", "192.0.2.2" };
	static const char *const three[] = { "192.0.2.1", "2001:db8::1", "192.0.2.3" };
	static const char *const name[] = { "example.org" };
	static const struct {
		struct fw_strings texts;
		const char *problem;
	} lists[] = {
		{ { NULL, 0 }, "" },
		{ { both, 2 }, "" },
		{ { same, 2 }, "'192.0.2.1' and '192.0.2.2' are of one family" },
		{ { three, 3 }, "'192.0.2.3' is one too many" },
		{ { name, 1 }, "'example.org' is no address" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(lists); i++) {
		struct fw_error err = { 0 };
		struct fw_addr out[2];

		assert_int_equal(fw_sources_parse(&lists[i].texts, out, &err) == FW_OK,
		                 lists[i].problem[0] == '\0');
		assert_non_null(strstr(err.text, lists[i].problem));
		if (err.text[0] == '\0') {
			assert_int_equal(out[0].len > 0, lists[i].texts.count > 0);
			assert_int_equal(out[1].len > 0, lists[i].texts.count > 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_is_read_or_passed_over),
		cmocka_unit_test(the_order_of_the_answer_stays),
		cmocka_unit_test(sources_are_one_for_each_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
