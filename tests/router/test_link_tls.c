/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS of links: STARTTLS and from the first byte, certificates that open and those that do not,
 * secrets bound to the connection, XEP-0114 under TLS, and files that change.
 */
#include "tests/router/attach_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <fedway/io/sasl.h>
#include <fedway/io/scram.h>

#include "router/link.h"
#include "router/link_tls.h"

#define CERT(name) TEST_CERTS "/" name
#define STREAM \
	"<stream:stream xmlns='jabber:component:accept' " \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'"
#define SASL " xmlns='" FW_NS_SASL "'"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'"

static struct rig rig;
static uint16_t port;

static void start(const char *address, const char *more)
{
	port = rig_free_port();
	rig_start(
	        &rig,
	        "realm = \"b\"; control_socket = \"%s\"; log_level = \"error\"; %s"
	        "link_certificate_file = \"" CERT("b.pem") "\"; link_key_file = \"" CERT(
	                "b.key") "\";"
	                         "link_ca_file = \"" CERT(
	                                 "ca.pem") "\";"
	                                           "listen = ( { address = \"%s\"; port = %u; } );"
	                                           "links = ( { name = \"a.example\"; },"
	                                           "          { name = \"other.example\"; "
	                                           "certificate_name = \"client.example\"; },"
	                                           "          { name = \"secret.example\"; secret "
	                                           "= \"s3cret\"; } );",
	        rig_new_socket(), more, address, port);
}

static struct fw_tls_context *context_of(const char *certificate, const char *key)
{
	const struct fw_tls_settings settings = { .certificate_file = certificate,
		                                  .key_file = key,
		                                  .ca_file = CERT("ca.pem") };
	struct fw_tls_context *context = NULL;
	struct fw_error err = { 0 };

	if (fw_tls_context_new(&settings, &context, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	return context;
}

/* Up to the features under TLS. */
static void begin(struct peer *peer, const char *from, const char *certificate, const char *key)
{
	peer_connect(peer, &rig, port);
	peer_send(peer, STREAM " from='%s' to='b'>", from);
	peer_expect(peer, "</stream:features>");
	peer_send(peer, STARTTLS "/>");
	peer_expect(peer, "<proceed");
	assert_true(peer_secure(peer, context_of(certificate, key), false));
	peer_send(peer, STREAM " from='%s' to='b'>", from);
	peer_expect(peer, "</stream:features>");
}

static void tls_comes_first(void **state)
{
	struct peer peer;

	(void)state;
	start("127.0.0.1", "");
	peer_connect(&peer, &rig, port);
	peer_send(&peer, STREAM ">");
	peer_expect(&peer, "</stream:features>");
	assert_true(peer_has(&peer, STARTTLS "><required/></starttls></stream:features>"));
	assert_false(peer_has(&peer, "mechanism"));
	peer_send(&peer, "<auth" SASL " mechanism='SCRAM-SHA-256'>bixsbj1hLHI9Yg==</auth>");
	peer_expect(&peer, "<encryption-required/>");
	peer_close(&peer);
	begin(&peer, "secret.example", NULL, NULL);
	assert_true(peer_has(&peer, "<mechanism>SCRAM-SHA-256-PLUS</mechanism>"
	                            "<mechanism>SCRAM-SHA-256</mechanism>"));
	assert_true(peer_has(&peer, "<channel-binding type='tls-exporter'/>"));
	assert_false(peer_has(&peer, "EXTERNAL"));
	assert_false(peer_has(&peer, "starttls"));
	peer_close(&peer);
	rig_stop(&rig);
}

static void certificates_open_where_they_fit(void **state)
{
	static const struct {
		const char *sentence, *from, *authzid, *certificate, *key, *expected;
	} rows[] = {
		{ "named by the header", "a.example", "=", CERT("a.pem"), CERT("a.key"),
		  "<success" },
		{ "named by SASL", "a.example", "YS5leGFtcGxl", CERT("a.pem"), CERT("a.key"),
		  "<success" },
		{ "another name in the certificate, a client's", "other.example", "=",
		  CERT("client.pem"), CERT("client.key"), "<success" },
		{ "somebody else's certificate", "other.example", "=", CERT("a.pem"), CERT("a.key"),
		  "<not-authorized/>" },
		{ "a certificate for no row", "partner.example", "=", CERT("partner.pem"),
		  CERT("partner.key"), "<not-authorized/>" },
		{ "nobody says who it is", "", "=", CERT("a.pem"), CERT("a.key"),
		  "<invalid-authzid/>" },
		{ "an unknown authority", "a.example", "=", CERT("stranger.pem"),
		  CERT("stranger.key"), "<invalid-mechanism/>" },
		{ "none", "a.example", "=", NULL, NULL, "<invalid-mechanism/>" },
	};
	struct peer peer;

	(void)state;
	start("127.0.0.1", "");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i].sentence);
		begin(&peer, rows[i].from, rows[i].certificate, rows[i].key);
		bool offered = peer_has(&peer, "<mechanism>EXTERNAL</mechanism>");
		assert_int_equal(offered, strcmp(rows[i].expected, "<invalid-mechanism/>") != 0);
		peer_send(&peer, "<auth" SASL " mechanism='EXTERNAL'>%s</auth>", rows[i].authzid);
		peer_expect(&peer, rows[i].expected);
		peer_close(&peer);
	}
	rig_stop(&rig);
}

/* @param binding  what the client takes the connection for; NULL: it knows of none */
static void try_scram(const unsigned char *binding, const char *expected)
{
	unsigned char exporter[FW_TLS_EXPORTER_SIZE];
	struct peer peer;

	begin(&peer, "secret.example", NULL, NULL);
	assert_int_equal(fw_tls_exporter(peer.tls, exporter), FW_OK);
	binding = binding != NULL && binding[0] == 0 ? exporter : binding;
	const struct fw_scram_client_settings settings = {
		.name = "secret.example",
		.binding = binding != NULL ? FW_SCRAM_BINDING_USED : FW_SCRAM_BINDING_NONE,
		.binding_data =
		        fw_str_n((const char *)binding, binding != NULL ? sizeof(exporter) : 0),
	};
	struct fw_scram_client *client = NULL;
	struct fw_scram_keys keys = { 0 };
	char text[FW_SCRAM_MESSAGE_SIZE], final[FW_SCRAM_MESSAGE_SIZE];
	assert_int_equal(fw_scram_client_new(&settings, &client), FW_OK);
	peer_say(&peer, "auth",
	         binding != NULL ? " mechanism='SCRAM-SHA-256-PLUS'" : " mechanism='SCRAM-SHA-256'",
	         fw_scram_client_first(client));
	peer_hear(&peer, "challenge", text, sizeof(text));
	assert_int_equal(
	        fw_scram_client_final(client, fw_str(text), fw_str("s3cret"), &keys, final), FW_OK);
	peer_say(&peer, "response", "", final);
	peer_expect(&peer, expected);
	fw_scram_client_free(&client);
	peer_close(&peer);
}

static void secrets_may_be_bound_to_the_connection(void **state)
{
	static const unsigned char right[1], wrong[FW_TLS_EXPORTER_SIZE] = { 1 };

	(void)state;
	start("127.0.0.1", "");
	try_scram(right, "<success");
	try_scram(wrong, "<not-authorized/>"); /* somebody sits between us */
	try_scram(NULL, "<success");
	rig_stop(&rig);
}

static void tls_may_come_with_the_first_byte(void **state)
{
	char hash[FW_SHA1_HEX_SIZE];
	struct peer peer;

	(void)state;
	start("127.0.0.1", "");
	peer_connect(&peer, &rig, port);
	assert_true(peer_secure(&peer, context_of(CERT("a.pem"), CERT("a.key")), true));
	peer_send(&peer, STREAM " from='a.example' to='b'>");
	peer_expect(&peer, "</stream:features>");
	assert_true(peer_has(&peer, "<mechanism>EXTERNAL</mechanism>"));
	peer_close(&peer);
	/* XEP-0114 */
	peer_connect(&peer, &rig, port);
	assert_true(peer_secure(&peer, context_of(NULL, NULL), true));
	peer_open(&peer, "secret.example");
	peer_expect(&peer, " id='");
	fw_sha1_hex(fw_str_n(strstr(peer.text, " id='") + 5, 32), fw_str("s3cret"), hash);
	peer_send(&peer, "<handshake>%s</handshake>", hash);
	peer_expect(&peer, "<handshake/>");
	peer_close(&peer);
	rig_stop(&rig);
}

/* On a loopback address nothing leaves the machine, so that XEP-0114 is taken in clear; on others
 * only where it is wanted. */
static void xep_0114_in_clear_stays_on_this_machine(void **state)
{
	static const struct {
		const char *more, *expected;
	} rows[] = {
		{ "", "<not-authorized" }, /* taken; the hash is wrong */
		{ "link_security = \"no-tls\";", "<not-authorized" },
		{ "link_security = \"tls-optional\";", "<not-authorized" },
	};
	struct peer peer;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		start("127.0.0.1", rows[i].more);
		peer_connect(&peer, &rig, port);
		peer_open(&peer, "secret.example");
		peer_send(&peer, "<handshake>0</handshake>");
		peer_expect(&peer, rows[i].expected);
		peer_close(&peer);
		peer_connect(&peer, &rig, port);
		peer_send(&peer, STREAM " to='secret.example'>");
		peer_expect(&peer, "</stream:features>");
		assert_int_equal(peer_has(&peer, "starttls"), i != 1);
		assert_int_equal(peer_has(&peer, "<required/>"), i == 0);
		assert_int_equal(peer_has(&peer, "<mechanism>"), i != 0);
		peer_close(&peer);
		rig_stop(&rig);
	}
}

static bool taken_over(void *ctx)
{
	return link_tls_context(rig.router->links->tls) != ctx;
}

static void copy(const char *from, const char *to)
{
	static char bytes[65536];
	FILE *in = fopen(from, "r");
	FILE *out = fopen(to, "w");

	assert_true(in != NULL && out != NULL);
	size_t size = fread(bytes, 1, sizeof(bytes), in);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(in);
	fclose(out);
}

static void files_that_change_are_taken_over(void **state)
{
	char cert[64], key[64];
	struct fw_tls_facts facts;
	struct peer peer;

	(void)state;
	snprintf(cert, sizeof(cert), "/tmp/fedway-link-%d.pem", (int)getpid());
	snprintf(key, sizeof(key), "/tmp/fedway-link-%d.key", (int)getpid());
	copy(CERT("b.pem"), cert);
	copy(CERT("b.key"), key);
	port = rig_free_port();
	rig_start(&rig,
	          "realm = \"b\"; control_socket = \"%s\"; log_level = \"error\";"
	          "link_certificate_file = \"%s\"; link_key_file = \"%s\";"
	          "link_certificate_watch_ms = 100;"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; } );",
	          rig_new_socket(), cert, key, port);
	void *old = link_tls_context(rig.router->links->tls);
	copy(CERT("a.key"), key);
	copy(CERT("a.pem"), cert);
	rig_until(&rig, taken_over, old, "the new files");
	peer_connect(&peer, &rig, port);
	assert_true(peer_secure(&peer, context_of(NULL, NULL), true));
	fw_tls_facts(peer.tls, &facts);
	assert_string_equal(facts.certificate->subject, "CN=a.example");
	peer_close(&peer);
	rig_stop(&rig);
	(void)unlink(cert);
	(void)unlink(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_comes_first),
		cmocka_unit_test(certificates_open_where_they_fit),
		cmocka_unit_test(secrets_may_be_bound_to_the_connection),
		cmocka_unit_test(tls_may_come_with_the_first_byte),
		cmocka_unit_test(xep_0114_in_clear_stays_on_this_machine),
		cmocka_unit_test(files_that_change_are_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
