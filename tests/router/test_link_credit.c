/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Credit per bound name: a slow one waits alone, its queue is bounded, and the count survives a
 * resumption.
 */
#include "tests/router/link_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "router/link_credit.h"

static struct rig rig;
static struct peer a, b, c;
static struct link *link_b;
static char id[LINK_SESSION_ID_SIZE];

static void bind_name(const char *name)
{
	struct fw_error err = { 0 };

	assert_int_equal(component_bind(link_b->component, name, &err), FW_OK);
}

static void start(const char *more)
{
	uint16_t port = rig_free_port();

	link_rig_forget();
	b.fd = c.fd = -1;
	rig_start(&rig,
	          "realm = \"test-realm\"; control_socket = \"%s\"; log_level = \"error\";"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; } );"
	          "links = ( { name = \"a.test\"; secret = \"s-a\"; } ); %s",
	          rig_new_socket(), port, more);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	link_b = link_rig_enable(&rig, &b, &link_rig_kind2, "b", "free.test", id);
	bind_name("slow.test");
	bind_name("*.slow.test");
}

static void stop(void)
{
	peer_close(&a);
	peer_close(&b);
	peer_close(&c);
	rig_stop(&rig);
}

static void send_to(const char *domain, int first, int last)
{
	for (int i = first; i <= last; i++) {
		peer_send(&a, "<message from='x@a.test' to='y@%s' id='m%d'/>", domain, i);
	}
}

static void test_a_slow_name_waits_alone(void **state)
{
	(void)state;
	start("");
	assert_int_equal(link_credit_set(link_b, "nobody.test", 1), FW_ENOENT);
	assert_int_equal(link_credit_set(link_b, "slow.test", 2), FW_OK);
	assert_int_equal(link_credit_set(link_b, "*.slow.test", 1), FW_OK);
	send_to("slow.test", 1, 5);
	send_to("deep.slow.test", 11, 12);
	send_to("free.test", 21, 29);
	peer_expect(&b, "id='m29'");
	assert_int_equal(peer_count(&b, "@slow.test'"), 2);
	assert_int_equal(peer_count(&b, "@deep.slow.test'"), 1);
	assert_int_equal(peer_count(&b, "@free.test'"), 9);
	peer_forget(&b);
	peer_send(&b, "<credit xmlns='urn:fedway:link:1' name='slow.test' add='2'/>");
	peer_expect(&b, "id='m4'");
	assert_true(strstr(b.text, "id='m3'") < strstr(b.text, "id='m4'"));
	assert_false(peer_has(&b, "id='m5'"));
	/* the same total again gives nothing; nonsense is no credit */
	peer_send(&b, "<credit xmlns='urn:fedway:link:1' name='slow.test' total='4'/>"
	              "<credit xmlns='urn:fedway:link:1' name='slow.test' add='-1'/>"
	              "<credit xmlns='urn:fedway:link:1' name='free.test' add='9'/>"
	              "<credit xmlns='urn:fedway:link:1' add='9'/>");
	send_to("free.test", 31, 31);
	peer_expect(&b, "id='m31'");
	assert_false(peer_has(&b, "id='m5'"));
	peer_send(&b, "<credit xmlns='urn:fedway:link:1' name='SLOW.test' total='5'/>"
	              "<credit xmlns='urn:fedway:link:1' name='*.slow.test' add='1'/>");
	peer_expect(&b, "id='m12'");
	assert_true(peer_has(&b, "id='m5'"));
	peer_send(&b, "<a " SM " h='17'/>");
	stop();
}

static void test_its_queue_is_bounded(void **state)
{
	(void)state;
	start("link_credit_queue_max_stanzas = 2;");
	assert_int_equal(link_credit_set(link_b, "slow.test", 0), FW_OK);
	send_to("slow.test", 1, 3);
	peer_expect(&a, "queue-full");
	assert_true(peer_has(&a, "id='m3'"));
	/* the name goes: what waited has nobody else */
	assert_int_equal(component_unbind(link_b->component, "slow.test"), FW_OK);
	link_credit_forget(link_b, "slow.test");
	peer_expect(&a, "id='m2'");
	assert_int_equal(peer_count(&a, "component-gone"), 2);
	stop();
}

/* What "fedwayctl streams" is told of the link. @return to be freed */
static struct fw_json *report(void)
{
	struct fw_json *out = fw_json_new();

	assert_non_null(out);
	link_b->component->port_ops->report(link_b->component->port, "streams", out);
	return out;
}

static int64_t number_in(const struct fw_json *row, const char *key)
{
	const struct fw_json *value = fw_json_get(row, key);

	assert_non_null(value);
	return fw_json_int(value);
}

static void test_report(void **state)
{
	(void)state;
	start("");
	assert_int_equal(link_credit_set(link_b, "slow.test", 2), FW_OK);
	send_to("slow.test", 1, 5);
	send_to("free.test", 6, 6);
	peer_expect(&b, "id='m6'");
	struct fw_json *out = report();
	const struct fw_json *row = fw_json_at(fw_json_get(out, "streams"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "state")), "up"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "dialect")), "link"));
	assert_int_equal(number_in(row, "unacknowledged"), 3);
	assert_true(fw_json_bool(fw_json_get(row, "resumable")));
	assert_null(fw_json_get(row, "resumable_ms"));
	const struct fw_json *credit = fw_json_at(fw_json_get(row, "credit"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(credit, "domain")), "slow.test"));
	assert_int_equal(number_in(credit, "credit"), 0);
	assert_int_equal(number_in(credit, "waiting_stanzas"), 3);
	assert_true(number_in(credit, "waiting_bytes") > 100);
	fw_json_free(&out);
	peer_close(&b);
	link_rig_state(&rig, link_b, LINK_SUSPENDED);
	out = report();
	row = fw_json_at(fw_json_get(out, "streams"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "state")), "suspended"));
	assert_in_range(number_in(row, "resumable_ms"), 1, 60000);
	assert_int_equal(number_in(row, "unacknowledged"), 3);
	fw_json_free(&out);
	link_end(link_b, FW_CAUSE_CONFIG_CLOSED); /* freed at once: there is no channel to close */
	peer_expect(&a, "id='m5'");
	stop();
}

static void test_credit_survives_a_resumption(void **state)
{
	(void)state;
	start("");
	assert_int_equal(link_credit_set(link_b, "slow.test", 2), FW_OK);
	send_to("slow.test", 1, 4);
	peer_expect(&b, "id='m2'");
	peer_close(&b);
	link_rig_state(&rig, link_b, LINK_SUSPENDED);
	send_to("slow.test", 5, 5);
	rig_settle(&rig);
	(void)link_rig_attach(&rig, &c, &link_rig_kind2, "b", NULL, false);
	/* it had both, and its grant of one more was lost */
	peer_send(&c,
	          "<resume " SM " previd='%s' h='1'/>"
	          "<credit xmlns='urn:fedway:link:1' name='slow.test' total='3'/>",
	          id);
	peer_expect(&c, "id='m3'");
	assert_true(peer_has(&c, "id='m2'"));
	assert_int_equal(peer_count(&c, "<message"), 2);
	peer_send(&c, "<credit xmlns='urn:fedway:link:1' name='slow.test' add='10'/>");
	peer_expect(&c, "id='m5'");
	peer_send(&c, "<a " SM " h='5'/>");
	stop();
}

/* The session ends: what waits for credit goes back as what waits for the channel does. */
static void test_the_end_of_the_link(void **state)
{
	(void)state;
	start("");
	assert_int_equal(link_credit_set(link_b, "slow.test", 1), FW_OK);
	send_to("slow.test", 1, 3);
	send_to("free.test", 9, 9);
	peer_expect(&b, "id='m9'");
	peer_send(&b, "<a " SM " h='2'/></stream:stream>");
	peer_expect(&a, "id='m3'");
	assert_int_equal(peer_count(&a, "link-lost"), 2);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_slow_name_waits_alone),
		cmocka_unit_test(test_its_queue_is_bounded),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_credit_survives_a_resumption),
		cmocka_unit_test(test_the_end_of_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
