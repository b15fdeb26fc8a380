/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Attach dialect 2 up to the proof, without TLS: headers, features, SCRAM with right and wrong
 * secrets, names that nobody has, elements out of turn; and XEP-0114 where it is not wanted.
 */
#include "tests/router/attach_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fedway/io/sasl.h>
#include <fedway/io/scram.h>

#define STREAM \
	"<stream:stream xmlns='jabber:component:accept' " \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'"
#define SASL " xmlns='" FW_NS_SASL "'"

static struct rig rig;
static uint16_t port;

static void start(const char *more)
{
	port = rig_free_port();
	rig_start(&rig,
	          "realm = \"test-realm\"; control_socket = \"%s\"; log_level = \"error\";"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; %s } );"
	          "links = ( { name = \"a.test\"; secret = \"s3cret\"; },"
	          "          { name = \"modern.test\"; secret = \"x\"; xep_0114 = false; } );",
	          rig_new_socket(), port, more);
}

static void begin(struct peer *peer, const char *attributes)
{
	peer_connect(peer, &rig, port);
	peer_send(peer, STREAM " %s>", attributes);
	peer_expect(peer, "</stream:features>");
}

/* Up to the client's last word. */
static struct fw_scram_client *prove(struct peer *peer, const char *name, const char *secret)
{
	const struct fw_scram_client_settings settings = { .name = name };
	struct fw_scram_client *client = NULL;
	struct fw_scram_keys keys = { 0 };
	char challenge[FW_SCRAM_MESSAGE_SIZE], final[FW_SCRAM_MESSAGE_SIZE];

	assert_int_equal(fw_scram_client_new(&settings, &client), FW_OK);
	peer_say(peer, "auth", " mechanism='SCRAM-SHA-256'", fw_scram_client_first(client));
	peer_hear(peer, "challenge", challenge, sizeof(challenge));
	assert_int_equal(
	        fw_scram_client_final(client, fw_str(challenge), fw_str(secret), &keys, final),
	        FW_OK);
	peer_say(peer, "response", "", final);
	return client;
}

static void the_secret_opens(void **state)
{
	struct fw_scram_client *client;
	char final[FW_SCRAM_MESSAGE_SIZE];
	struct peer peer;

	(void)state;
	start("");
	begin(&peer, "from='a.test' to='test-realm'");
	assert_true(peer_has(&peer, " from='test-realm'"));
	assert_true(peer_has(&peer, " version='1.0'"));
	assert_true(peer_has(&peer, "<mechanism>SCRAM-SHA-256</mechanism></mechanisms>"));
	assert_false(peer_has(&peer, "EXTERNAL"));
	assert_false(peer_has(&peer, "starttls"));
	client = prove(&peer, "a.test", "s3cret");
	peer_hear(&peer, "success", final, sizeof(final));
	assert_int_equal(fw_scram_client_verify(client, fw_str(final)), FW_OK);
	peer_forget(&peer);
	peer_send(&peer, STREAM " from='a.test' to='test-realm'>");
	peer_expect(&peer, "</stream:features>");
	assert_true(peer_has(&peer, "<bind xmlns='urn:fedway:link:1'/>"));
	assert_true(peer_has(&peer, "<sm xmlns='urn:xmpp:sm:3'/>"));
	assert_false(peer_has(&peer, "mechanism"));
	fw_scram_client_free(&client);
	peer_close(&peer);
	rig_stop(&rig);
}

/* Three tries; what is wrong is not told apart. */
static void wrong_proofs_are_refused_alike(void **state)
{
	static const struct {
		const char *name, *secret;
	} rows[] = {
		{ "a.test", "wrong" },
		{ "nobody.test", "s3cret" },
		{ "not a name", "s3cret" },
	};
	struct peer peer;

	(void)state;
	start("");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		begin(&peer, "from='a.test'");
		for (int tries = 0; tries < 3; tries++) {
			peer_scram(&peer, rows[i].name, rows[i].secret);
			peer_expect(&peer, "<failure" SASL "><not-authorized/></failure>");
		}
		peer_expect(&peer, "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'");
		peer_expect_end(&peer);
		peer_close(&peer);
	}
	rig_stop(&rig);
}

static void a_name_has_the_same_salt_each_time(void **state)
{
	static const char *const names[] = { "a.test", "nobody.test", "A.TEST" };
	char salts[FW_COUNT(names)][2][FW_SCRAM_MESSAGE_SIZE];
	struct peer peer;

	(void)state;
	start("");
	for (size_t i = 0; i < FW_COUNT(names) * 2; i++) {
		char first[64], challenge[FW_SCRAM_MESSAGE_SIZE];
		begin(&peer, "");
		snprintf(first, sizeof(first), "n,,n=%s,r=abc", names[i / 2]);
		peer_say(&peer, "auth", " mechanism='SCRAM-SHA-256'", first);
		peer_hear(&peer, "challenge", challenge, sizeof(challenge));
		snprintf(salts[i / 2][i % 2], sizeof(salts[0][0]), "%s", strstr(challenge, ",s="));
		peer_close(&peer);
	}
	for (size_t i = 0; i < FW_COUNT(names); i++) {
		assert_string_equal(salts[i][0], salts[i][1]);
	}
	assert_string_equal(salts[0][0], salts[2][0]);
	assert_string_not_equal(salts[0][0], salts[1][0]);
	rig_stop(&rig);
}

static const struct {
	const char *sentence, *header, *then, *expected;
} refusals[] = {
	{ "somebody else's header", "from='a.test' to='other.test'", "", "<host-unknown" },
	{ "a stanza before the proof", "", "<message from='a.test' to='a.test'/>",
	  "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'" },
	{ "bind before the proof", "", "<bind xmlns='urn:fedway:link:1' name='a.test'/>",
	  "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'" },
	{ "TLS that was not offered", "", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
	  "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" },
	{ "another mechanism", "", "<auth" SASL " mechanism='PLAIN'>AGEAYg==</auth>",
	  "<invalid-mechanism/>" },
	{ "EXTERNAL without TLS", "", "<auth" SASL " mechanism='EXTERNAL'>=</auth>",
	  "<invalid-mechanism/>" },
	{ "PLUS without TLS", "",
	  "<auth" SASL " mechanism='SCRAM-SHA-256-PLUS'>cD10bHMtZXhwb3J0ZXIsLG49YSxyPWI=</auth>",
	  "<invalid-mechanism/>" },
	{ "no base 64", "", "<auth" SASL " mechanism='SCRAM-SHA-256'>n,,n=a,r=b</auth>",
	  "<incorrect-encoding/>" },
	{ "no first message", "", "<auth" SASL " mechanism='SCRAM-SHA-256'>AAAA</auth>",
	  "<malformed-request/>" },
	{ "an empty first message", "", "<auth" SASL " mechanism='SCRAM-SHA-256'>=</auth>",
	  "<malformed-request/>" },
	{ "somebody else's rights: n,a=b.test,n=a.test,r=b", "",
	  "<auth" SASL " mechanism='SCRAM-SHA-256'>bixhPWIudGVzdCxuPWEudGVzdCxyPWI=</auth>",
	  "<invalid-authzid/>" },
	{ "a response without auth", "", "<response" SASL "/>", "<policy-violation" },
	{ "a second auth", "",
	  "<auth" SASL " mechanism='SCRAM-SHA-256'/><auth" SASL " mechanism='SCRAM-SHA-256'/>",
	  "<policy-violation" },
	{ "giving up", "", "<auth" SASL " mechanism='SCRAM-SHA-256'/><abort" SASL "/>",
	  "<aborted/>" },
};

static void what_is_out_of_turn_is_refused(void **state)
{
	struct peer peer;

	(void)state;
	start("");
	for (size_t i = 0; i < FW_COUNT(refusals); i++) {
		print_message("%s\n", refusals[i].sentence);
		peer_connect(&peer, &rig, port);
		peer_send(&peer, STREAM " %s>%s", refusals[i].header, refusals[i].then);
		peer_expect(&peer, refusals[i].expected);
		peer_close(&peer);
	}
	rig_stop(&rig);
}

/* Byte by byte, and cut off after each byte. */
static void bytes_may_come_one_by_one(void **state)
{
	static const char text[] =
	        STREAM " from='a.test'><auth" SASL " mechanism='SCRAM-SHA-256'/>";
	struct peer peer;

	(void)state;
	start("");
	peer_connect(&peer, &rig, port);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		peer_send_bytes(&peer, text + i, 1);
		rig_settle(&rig);
	}
	peer_expect(&peer, "<challenge" SASL "/>");
	peer_close(&peer);
	for (size_t cut = 0; cut + 1 < sizeof(text); cut++) {
		peer_connect(&peer, &rig, port);
		peer_send_bytes(&peer, text, cut);
		peer_close(&peer);
		rig_settle(&rig);
	}
	rig_stop(&rig);
}

static void try_0114(const char *name, const char *header, const char *expected)
{
	struct peer peer;

	peer_connect(&peer, &rig, port);
	peer_send(&peer,
	          "<stream:stream xmlns='jabber:component:accept' "
	          "xmlns:stream='http://etherx.jabber.org/streams' to='%s'%s>",
	          name, header);
	peer_send(&peer, "<handshake>0</handshake>");
	peer_expect(&peer, expected);
	peer_close(&peer);
}

static void xep_0114_can_be_refused(void **state)
{
	struct peer peer;

	(void)state;
	start("");
	try_0114("a.test", "", "<not-authorized"); /* it is taken, the hash is wrong */
	try_0114("modern.test", "", "<policy-violation");
	/* a component that says a version all the same */
	try_0114("a.test", " version='1.0'", "<not-authorized");
	try_0114("modern.test", " version='1.0'", "<policy-violation");
	peer_attach(&peer, &rig, port, "a.test", "s3cret");
	peer_close(&peer);
	rig_stop(&rig);
	start("xep_0114 = \"tls\";");
	try_0114("a.test", "", "<policy-violation");
	rig_stop(&rig);
	start("xep_0114 = \"never\";");
	try_0114("a.test", "", "<policy-violation");
	begin(&peer, "from='a.test'"); /* the other dialect is not touched */
	peer_close(&peer);
	rig_stop(&rig);
}

/* RFC 7677: the work is done once per secret, and again for another. */
static void a_reload_changes_the_secret(void **state)
{
	struct peer peer;

	(void)state;
	start("");
	for (int round = 0; round < 2; round++) {
		begin(&peer, "from='a.test'");
		peer_scram(&peer, "a.test", round == 0 ? "s3cret" : "other");
		peer_expect(&peer, "<success");
		peer_close(&peer);
		assert_int_equal(
		        rig_reload(
		                &rig, NULL,
		                "realm = \"test-realm\"; control_socket = \"%s\"; log_level = "
		                "\"error\"; listen = ( { address = \"127.0.0.1\"; port = %u; } );"
		                "links = ( { name = \"a.test\"; secret = \"other\"; } );",
		                rig_socket(), port),
		        FW_OK);
	}
	begin(&peer, "from='a.test'");
	peer_scram(&peer, "a.test", "s3cret");
	peer_expect(&peer, "<not-authorized/>");
	peer_close(&peer);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_secret_opens),
		cmocka_unit_test(wrong_proofs_are_refused_alike),
		cmocka_unit_test(a_name_has_the_same_salt_each_time),
		cmocka_unit_test(what_is_out_of_turn_is_refused),
		cmocka_unit_test(bytes_may_come_one_by_one),
		cmocka_unit_test(xep_0114_can_be_refused),
		cmocka_unit_test(a_reload_changes_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
