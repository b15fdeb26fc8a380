/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stanzas and their trees: parse, read, edit, write; replies and errors; ends and ledgers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fedway/hosting.h>

static struct fw_stanza *parse(const char *text)
{
	struct fw_stanza *stanza = NULL;

	if (fw_stanza_parse(fw_str(text), &stanza) != FW_OK) {
		fail_msg("does not parse: %s", text);
	}
	return stanza;
}

static void expect_bytes(struct fw_stanza *stanza, const char *expect)
{
	struct fw_str bytes;
	char got[2048];

	assert_int_equal(fw_stanza_bytes(stanza, &bytes), FW_OK);
	snprintf(got, sizeof(got), "%.*s", FW_STR_ARG(bytes));
	assert_string_equal(got, expect);
	assert_int_equal(fw_stanza_size(stanza), strlen(expect));
}

/* What is written is what was read, up to the choice of prefixes and quotes. */
static void writes_what_it_read(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "<message/>", "<message/>" },
		{ "<message></message>", "<message/>" },
		{ "<message to=\"a\" xml:lang='de'>x&amp;y<b/>z</message>",
		  "<message to='a' xml:lang='de'>x&amp;y<b/>z</message>" },
		{ "<iq><query xmlns='urn:q'><item/></query></iq>",
		  "<iq><query xmlns='urn:q'><item/></query></iq>" },
		{ "<iq><p:query xmlns:p='urn:q' p:a='1' b='2'><p:item/></p:query></iq>",
		  "<iq><query xmlns='urn:q' xmlns:a0='urn:q' a0:a='1' b='2'><item/></query></iq>" },
		{ "<iq><q xmlns='urn:q'><x xmlns=''/></q></iq>",
		  "<iq><q xmlns='urn:q'><x xmlns=''/></q></iq>" },
		{ "<m><![CDATA[<&>]]></m>", "<m>&lt;&amp;&gt;</m>" },
		{ "<m a='&#10;&lt;&apos;'>line&#13;\nnext</m>",
		  "<m a='&#10;&lt;&apos;'>line&#13;\nnext</m>" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].in), *again;
		expect_bytes(stanza, rows[i].out);
		again = parse(rows[i].out);
		expect_bytes(again, rows[i].out);
		fw_stanza_free(&stanza);
		fw_stanza_free(&again);
	}
}

static void refuses_what_is_no_element(void **state)
{
	static const char *const rows[] = {
		"",         " ",         "x",
		"<a",       "<a>",       "<a></b>",
		"<a/><b/>", "<a/>x<b/>", "<a><!-- --></a>",
		"<p:a/>",   "</r>",
	};
	static const char whole[] = "<message to='a'><body>x</body></message>";
	struct fw_stanza *stanza = NULL;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (fw_stanza_parse(fw_str(rows[i]), &stanza) == FW_OK) {
			fail_msg("parses: %s", rows[i]);
		}
	}
	for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
		assert_int_not_equal(fw_stanza_parse(fw_str_n(whole, cut), &stanza), FW_OK);
	}
}

static void reads_the_tree(void **state)
{
	struct fw_stanza *stanza = parse(
	        "<iq type='get' id='7' from='a@b.example/c' to='d.example'><x xmlns='urn:x' k='v'/>"
	        "<body>one<b/>two</body><y xmlns='urn:y'/></iq>");
	struct fw_elem *root = fw_stanza_root(stanza);

	(void)state;
	assert_int_equal(fw_stanza_kind(stanza), FW_KIND_IQ);
	assert_true(fw_stanza_is_request(stanza));
	assert_true(fw_str_is(fw_stanza_from_domain(stanza), "b.example"));
	assert_true(fw_str_is(fw_stanza_to_domain(stanza), "d.example"));
	assert_true(fw_str_is(fw_stanza_id(stanza), "7"));
	assert_true(fw_str_is(fw_elem_attr(fw_elem_find(root, NULL, "urn:x"), "k"), "v"));
	assert_null(fw_elem_attr(root, "absent").ptr);
	assert_true(fw_str_is(fw_elem_text(fw_elem_find(root, "body", "")), "onetwo"));
	assert_true(fw_str_is(fw_elem_name(fw_elem_next(fw_elem_find(root, "body", NULL))), "y"));
	assert_null(fw_elem_find(root, "body", "urn:x"));
	assert_null(fw_elem_first(fw_elem_find(root, "y", "urn:y")));
	assert_null(fw_elem_next(NULL));
	fw_stanza_free(&stanza);
}

static void edits_void_the_bytes(void **state)
{
	struct fw_stanza *stanza = parse("<message to='a'><body>x</body><z/></message>");
	struct fw_elem *root = fw_stanza_root(stanza), *added;

	(void)state;
	assert_int_equal(fw_stanza_set(stanza, "to", fw_str("b@c.example")), FW_OK);
	assert_true(fw_str_is(fw_stanza_to_domain(stanza), "c.example"));
	expect_bytes(stanza, "<message to='b@c.example'><body>x</body><z/></message>");
	assert_int_equal(fw_elem_set_text(fw_elem_find(root, "body", NULL), fw_str("<y>")), FW_OK);
	fw_elem_remove(fw_elem_find(root, "z", NULL));
	added = fw_elem_add(root, "delay", "urn:xmpp:delay");
	assert_int_equal(fw_elem_set(added, "stamp", fw_str("now")), FW_OK);
	assert_non_null(fw_elem_add(added, "inner", NULL));
	assert_int_equal(fw_stanza_set(stanza, "to", fw_str(NULL)), FW_OK);
	assert_null(fw_stanza_to(stanza).ptr);
	expect_bytes(stanza,
	             "<message><body>&lt;y&gt;</body>"
	             "<delay xmlns='urn:xmpp:delay' stamp='now'><inner/></delay></message>");
	assert_null(fw_elem_add(NULL, "x", NULL));
	assert_int_equal(fw_elem_set_text(NULL, fw_str("x")), FW_ENOMEM);
	fw_stanza_free(&stanza);
}

static void copies_are_independent(void **state)
{
	struct fw_stanza *stanza =
	        parse("<message to='a@b'><x xmlns='urn:x'><y>t</y><z/></x></message>");
	struct fw_stanza *copy = NULL, *other = NULL;

	(void)state;
	assert_int_equal(fw_stanza_copy(stanza, &copy), FW_OK);
	assert_int_equal(fw_stanza_new("iq", NULL, &other), FW_OK);
	assert_non_null(fw_elem_copy(fw_stanza_root(other), fw_elem_first(fw_stanza_root(stanza))));
	fw_stanza_set(stanza, "to", fw_str("elsewhere"));
	fw_stanza_free(&stanza);
	assert_true(fw_str_is(fw_stanza_to_domain(copy), "b"));
	expect_bytes(copy, "<message to='a@b'><x xmlns='urn:x'><y>t</y><z/></x></message>");
	expect_bytes(other, "<iq><x xmlns='urn:x'><y>t</y><z/></x></iq>");
	fw_stanza_free(&copy);
	fw_stanza_free(&other);
}

/* RFC 6120 §8.3.1 and RFC 6121: who gets an error answer, and what stands in it. */
static void errors_for_those_who_may_have_one(void **state)
{
	static const struct {
		const char *stanza, *expect;
	} rows[] = {
		{ "<message from='a@b' to='c@d' id='1' type='chat'><body/></message>",
		  "<message type='error' id='1' from='c@d' to='a@b'><error type='cancel'>"
		  "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		  "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no component holds the "
		  "domain</text>"
		  "<cause xmlns='urn:fedway:cause:1' name='no-route'/></error></message>" },
		{ "<iq from='a' to='b' id='1' type='get'/>", "<iq " },
		{ "<iq from='a' to='b' id='1' type='set'/>", "<iq " },
		{ "<iq from='a' to='b' id='1' type='result'/>", NULL },
		{ "<iq from='a' to='b' id='1' type='error'/>", NULL },
		{ "<message from='a' to='b' type='error'/>", NULL },
		{ "<message from='a' to='b' type='headline'/>", NULL },
		{ "<message to='b'/>", NULL },
		{ "<presence from='a' to='b'/>", "<presence " },
		{ "<presence from='a' to='b' type='subscribe'/>", "<presence " },
		{ "<presence from='a' to='b' type='unavailable'/>", NULL },
		{ "<presence from='a' to='b' type='subscribed'/>", NULL },
		{ "<presence from='a' to='b' type='error'/>", NULL },
		{ "<features from='a' to='b'/>", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].stanza), *reply = NULL;
		int ret = fw_stanza_error_reply(stanza, FW_CAUSE_NO_ROUTE, &reply);
		if (rows[i].expect == NULL) {
			assert_int_equal(ret, FW_EDENIED);
			assert_null(reply);
		} else {
			struct fw_str bytes;
			assert_int_equal(ret, FW_OK);
			assert_int_equal(fw_stanza_bytes(reply, &bytes), FW_OK);
			if (strncmp(bytes.ptr, rows[i].expect, strlen(rows[i].expect)) != 0) {
				fail_msg("%s: %.*s", rows[i].stanza, FW_STR_ARG(bytes));
			}
			assert_true(fw_stanza_is_error(reply));
		}
		fw_stanza_free(&reply);
		fw_stanza_free(&stanza);
	}
}

static void an_end_is_counted_once(void **state)
{
	struct fw_ledger *total = fw_ledger_new(NULL), *ledger = fw_ledger_new(total);
	struct fw_stanza *stanza = parse("<message/>");

	(void)state;
	fw_stanza_enter(stanza, ledger, 5);
	assert_int_equal(fw_stanza_since_ms(stanza), 5);
	assert_int_equal(total->in_flight, 1);
	fw_stanza_end(&stanza, FW_EXIT_BOUNCED, FW_CAUSE_NO_ROUTE);
	assert_null(stanza);
	fw_stanza_end(&stanza, FW_EXIT_BOUNCED, FW_CAUSE_NO_ROUTE);
	assert_int_equal(total->exits[FW_EXIT_BOUNCED], 1);
	assert_int_equal(ledger->causes[FW_CAUSE_NO_ROUTE], 1);
	assert_true(fw_ledger_balanced(total) && fw_ledger_balanced(ledger));
	fw_ledger_release(&ledger);
	fw_ledger_release(&total);
}

/* An envelope larger than the stanza's own room goes to the heap, and comes back whole. */
static void long_addresses_are_kept(void **state)
{
	char text[5000], local[1001];
	struct fw_stanza *stanza;

	(void)state;
	memset(local, 'x', sizeof(local) - 1);
	local[sizeof(local) - 1] = '\0';
	snprintf(text, sizeof(text), "<message from='%s@a.example/%s' to='%s@b.example'/>", local,
	         local, local);
	stanza = parse(text);
	assert_int_equal(fw_stanza_from(stanza).len, 2011);
	assert_true(fw_str_is(fw_stanza_from_domain(stanza), "a.example"));
	assert_true(fw_str_is(fw_stanza_to_domain(stanza), "b.example"));
	fw_stanza_free(&stanza);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_what_is_no_element),
		cmocka_unit_test(reads_the_tree),
		cmocka_unit_test(edits_void_the_bytes),
		cmocka_unit_test(copies_are_independent),
		cmocka_unit_test(errors_for_those_who_may_have_one),
		cmocka_unit_test(an_end_is_counted_once),
		cmocka_unit_test(long_addresses_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
