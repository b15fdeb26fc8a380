/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The door in: which stanzas get past it from whom, and what becomes of the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/router/house.h"

/* Who sends: an ordinary component, one whose sender is not checked, or a gateway. */
enum who { INSIDER, UNCHECKED, GATEWAY };

static const struct ingress_row {
	const char *sentence;
	enum who who;
	const char *xml;
	int result;
	enum fw_exit exit;
	enum fw_cause cause;
	bool answered; /* an error came back to the sender */
} ingress_rows[] = {
	{ "a message from a held domain passes", INSIDER,
	  "<message from='a@in.example' to='t@target.example'/>", FW_OK, FW_EXIT_DELIVERED,
	  FW_CAUSE_NONE, false },
	{ "in other letters too", INSIDER, "<message from='a@In.EXAMPLE.' to='t@target.example'/>",
	  FW_OK, FW_EXIT_DELIVERED, FW_CAUSE_NONE, false },
	{ "from a name below a held suffix", INSIDER,
	  "<message from='a@x.sub.example' to='t@target.example'/>", FW_OK, FW_EXIT_DELIVERED,
	  FW_CAUSE_NONE, false },
	{ "from its own ID", INSIDER, "<message from='in.realm-test' to='t@target.example'/>",
	  FW_OK, FW_EXIT_DELIVERED, FW_CAUSE_NONE, false },
	{ "another's domain is refused, and the link told under its own name", INSIDER,
	  "<message from='a@target.example' to='a@in.example'/>", FW_EDENIED, FW_EXIT_BOUNCED,
	  FW_CAUSE_FOREIGN_SENDER, true },
	{ "an outside domain is refused", INSIDER,
	  "<message from='a@partner.example' to='t@target.example'/>", FW_EDENIED, FW_EXIT_BOUNCED,
	  FW_CAUSE_FOREIGN_SENDER, true },
	{ "no from", INSIDER, "<message to='t@target.example'/>", FW_EPARSE, FW_EXIT_BOUNCED,
	  FW_CAUSE_IMPROPER_ADDRESSING, true },
	{ "an empty from", INSIDER, "<message from='' to='t@target.example'/>", FW_EPARSE,
	  FW_EXIT_BOUNCED, FW_CAUSE_IMPROPER_ADDRESSING, true },
	{ "a from that is no domain name", INSIDER,
	  "<message from='a@b..c' to='t@target.example'/>", FW_EDENIED, FW_EXIT_BOUNCED,
	  FW_CAUSE_FOREIGN_SENDER, true },
	{ "no to is told to the sender", INSIDER, "<message from='a@in.example'/>", FW_EPARSE,
	  FW_EXIT_BOUNCED, FW_CAUSE_IMPROPER_ADDRESSING, true },
	{ "a to without domain", INSIDER, "<message from='a@in.example' to='x@'/>", FW_EPARSE,
	  FW_EXIT_BOUNCED, FW_CAUSE_IMPROPER_ADDRESSING, true },
	{ "a to that is no domain name", INSIDER, "<message from='a@in.example' to='x@a..b'/>",
	  FW_EPARSE, FW_EXIT_BOUNCED, FW_CAUSE_BAD_ADDRESS, true },
	{ "iq get passes", INSIDER,
	  "<iq type='get' id='1' from='a@in.example' to='t@target.example'><q xmlns='x'/></iq>",
	  FW_OK, FW_EXIT_DELIVERED, FW_CAUSE_NONE, false },
	{ "iq without type", INSIDER, "<iq id='1' from='a@in.example' to='t@target.example'/>",
	  FW_OK, FW_EXIT_BOUNCED, FW_CAUSE_BAD_STANZA, true },
	{ "iq of a type that does not exist", INSIDER,
	  "<iq type='put' id='1' from='a@in.example' to='t@target.example'/>", FW_OK,
	  FW_EXIT_BOUNCED, FW_CAUSE_BAD_STANZA, true },
	{ "iq without id", INSIDER, "<iq type='get' from='a@in.example' to='t@target.example'/>",
	  FW_OK, FW_EXIT_BOUNCED, FW_CAUSE_BAD_STANZA, true },
	{ "no stanza", INSIDER, "<route from='a@in.example' to='t@target.example'/>", FW_OK,
	  FW_EXIT_DROPPED, FW_CAUSE_UNSUPPORTED_STANZA, false },
	{ "with check_from off any domain is a sender", UNCHECKED,
	  "<message from='a@elsewhere.example' to='t@target.example'/>", FW_OK, FW_EXIT_DELIVERED,
	  FW_CAUSE_NONE, false },
	{ "the gateway speaks for the outside", GATEWAY,
	  "<message from='a@partner.example' to='t@target.example'/>", FW_OK, FW_EXIT_DELIVERED,
	  FW_CAUSE_NONE, false },
	{ "not for a held domain", GATEWAY, "<message from='a@in.example' to='t@target.example'/>",
	  FW_EDENIED, FW_EXIT_DROPPED, FW_CAUSE_FOREIGN_SENDER, false },
	{ "not for a listed one", GATEWAY,
	  "<message from='a@listed.example' to='t@target.example'/>", FW_EDENIED, FW_EXIT_DROPPED,
	  FW_CAUSE_FOREIGN_SENDER, false },
	{ "not for the realm", GATEWAY, "<message from='x.realm-test' to='t@target.example'/>",
	  FW_EDENIED, FW_EXIT_DROPPED, FW_CAUSE_FOREIGN_SENDER, false },
	{ "outside cannot reach what is not federated", GATEWAY,
	  "<message from='a@partner.example' to='a@in.example'/>", FW_OK, FW_EXIT_DROPPED,
	  FW_CAUSE_HOST_UNKNOWN, false },
	{ "nor a service name", GATEWAY,
	  "<iq type='get' id='1' from='a@partner.example' to='target.realm-test'/>", FW_OK,
	  FW_EXIT_DROPPED, FW_CAUSE_HOST_UNKNOWN, false },
	{ "nor the outside again", GATEWAY,
	  "<message from='a@partner.example' to='b@other.example'/>", FW_OK, FW_EXIT_DROPPED,
	  FW_CAUSE_LOOP, false },
	{ "an empty local part in a good domain", INSIDER,
	  "<message from='a@in.example' to='@target.example'/>", FW_EPARSE, FW_EXIT_BOUNCED,
	  FW_CAUSE_BAD_ADDRESS, true },
	{ "a space in a local part", INSIDER,
	  "<message from='a@in.example' to='b c@target.example'/>", FW_EPARSE, FW_EXIT_BOUNCED,
	  FW_CAUSE_BAD_ADDRESS, true },
	{ "an empty resource of the sender is told to the link", INSIDER,
	  "<message from='a@in.example/' to='t@target.example'/>", FW_EPARSE, FW_EXIT_BOUNCED,
	  FW_CAUSE_BAD_ADDRESS, true },
	{ "nor by a bad address in a federated domain", GATEWAY,
	  "<message from='a@partner.example' to='@target.example'/>", FW_EPARSE, FW_EXIT_BOUNCED,
	  FW_CAUSE_BAD_ADDRESS, true },
	{ "the gateway under its own ID is an insider", GATEWAY,
	  "<iq type='get' id='1' from='gw.realm-test' to='target.realm-test'/>", FW_OK,
	  FW_EXIT_DELIVERED, FW_CAUSE_NONE, false },
};

static void rows_of_the_door(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(ingress_rows); i++) {
		const struct ingress_row *row = &ingress_rows[i];
		struct house house;
		struct guest *guests[3];
		struct fw_error err = { 0 };

		print_message("%s\n", row->sentence);
		house_open(&house);
		guests[INSIDER] = house_guest(&house, "in.realm-test", "in.example");
		assert_int_equal(component_bind(guests[INSIDER]->component, "*.sub.example", &err),
		                 FW_OK);
		guests[UNCHECKED] = house_guest(&house, "un.realm-test", NULL);
		guests[UNCHECKED]->component->check_from = false;
		guests[GATEWAY] = house_guest(&house, "gw.realm-test", "*");
		struct guest *target = house_guest(&house, "target.realm-test", "target.example");
		house_list(&house, "target.example", true);
		house_list(&house, "listed.example", true);
		struct guest *from = guests[row->who];
		for (unsigned twice = 1; twice <= 2; twice++) { /* also by the quick check */
			assert_int_equal(house_send(from, row->xml), row->result);
			assert_int_equal(guest_exits(from, row->exit), twice);
			if (row->cause != FW_CAUSE_NONE) {
				assert_int_equal(guest_causes(from, row->cause), twice);
			}
			assert_int_equal(target->count, row->exit == FW_EXIT_DELIVERED ? twice : 0);
			assert_int_equal(from->count, row->answered ? twice : 0);
			house_check(&house);
		}
		if (row->answered) {
			assert_true(guest_has(from, "type='error'"));
			assert_true(from->last_is_bounce);
		}
		house_close(&house);
	}
}

static void a_stanza_over_the_limit_bounces(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	house.config.router.stanza_max_bytes = 60;
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	assert_int_equal(house_send(in, "<message from='in.example' to='target.example'/>"), FW_OK);
	assert_int_equal(target->count, 1);
	assert_int_equal(house_send(in, "<message from='in.example' to='target.example'>"
	                                "<body>longer than sixty</body></message>"),
	                 FW_OK);
	assert_int_equal(target->count, 1);
	assert_int_equal(guest_causes(in, FW_CAUSE_STANZA_TOO_LARGE), 1);
	assert_true(guest_has(in, "policy-violation"));
	house_close(&house);
}

static void the_quick_check_ends_with_the_binding(void **state)
{
	(void)state;
	static const char message[] = "<message from='a@in.example' to='t@target.example'/>";
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	assert_int_equal(house_send(in, message), FW_OK);
	assert_int_equal(component_unbind(in->component, "in.example"), FW_OK);
	assert_int_equal(house_send(in, message), FW_EDENIED);
	assert_int_equal(target->count, 1);
	house_close(&house);
}

static void the_quick_check_of_a_gateway_ends_when_the_domain_becomes_ours(void **state)
{
	(void)state;
	static const char message[] = "<message from='a@new.example' to='t@target.example'/>";
	struct house house;

	house_open(&house);
	struct guest *gateway = house_guest(&house, "gw", "*");
	struct guest *target = house_guest(&house, "t", "target.example");
	house_list(&house, "target.example", true);
	assert_int_equal(house_send(gateway, message), FW_OK);
	house_list(&house, "new.example", false);
	assert_int_equal(house_send(gateway, message), FW_EDENIED);
	assert_int_equal(target->count, 1);
	house_close(&house);
}

static void a_sender_too_long_to_remember_is_still_checked(void **state)
{
	(void)state;
	static const char domain[] =
	        "a-domain-name-with-many-letters.under-a-long-parent-domain-name"
	        ".and-one-more-label.example";
	struct house house;
	char xml[512];

	house_open(&house);
	struct guest *in = house_guest(&house, "in", domain);
	struct guest *target = house_guest(&house, "t", "target.example");
	(void)snprintf(xml, sizeof(xml), "<message from='a@%s' to='t@target.example'/>", domain);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(house_send(in, xml), FW_OK);
	}
	assert_int_equal(target->count, 3);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_the_door),
		cmocka_unit_test(a_stanza_over_the_limit_bounces),
		cmocka_unit_test(the_quick_check_ends_with_the_binding),
		cmocka_unit_test(the_quick_check_of_a_gateway_ends_when_the_domain_becomes_ours),
		cmocka_unit_test(a_sender_too_long_to_remember_is_still_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
