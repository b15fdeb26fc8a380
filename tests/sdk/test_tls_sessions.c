/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that go on: who may share them, for how long, and that a resumed connection knows of its
 * peer what the first one found.
 */
#include <fedway/io/tls.h>

#include <stdio.h>
#include <time.h>

#include "sdk/io/tls_private.h"
#include "tests/support/tls_pair.h"

#define CERT(name) TEST_CERTS "/" name

/* The clock of the sessions, ahead of OpenSSL's own. */
static time_t ahead;
time_t __real_time(time_t *out);
time_t __wrap_time(time_t *out);

time_t __wrap_time(time_t *out)
{
	return __real_time(out) + ahead;
}

struct world {
	struct fw_tls_context *out, *in;
	struct fw_tls_start out_start, in_start;
	struct fw_tls_facts facts[2];
};

static struct fw_tls_context *context_with(const char *cert, const char *key,
                                           enum fw_tls_version floor, unsigned max,
                                           unsigned seconds)
{
	const struct fw_tls_settings settings = { .certificate_file = cert,
		                                  .key_file = key,
		                                  .ca_file = CERT("ca.pem"),
		                                  .min_version = floor,
		                                  .sessions_max = max,
		                                  .session_seconds = seconds };

	return pair_context(&settings);
}

static void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->out = context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem"));
	w->in = context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem"));
	w->out_start = (struct fw_tls_start){ .side = FW_TLS_INITIATING,
		                              .peer_name = "b.example",
		                              .session_key = "key" };
	w->in_start = (struct fw_tls_start){ .side = FW_TLS_RECEIVING };
}

static void world_close(struct world *w)
{
	fw_tls_context_release(&w->out);
	fw_tls_context_release(&w->in);
}

/* One connection from beginning to end. @return whether a session went on, by both accounts */
static bool connect_once(struct world *w)
{
	struct pair pair;

	pair_open_as(&pair, w->out, &w->out_start, w->in, &w->in_start);
	pair_up(&pair);
	for (int i = 0; i < 2; i++) {
		fw_tls_facts(pair.tls[i], &w->facts[i]);
	}
	assert_int_equal(w->facts[0].resumed, w->facts[1].resumed);
	assert_true(w->facts[0].chain_valid);
	assert_true(w->facts[1].chain_valid);
	assert_string_equal(w->facts[0].certificate->subject, "CN=b.example");
	assert_string_equal(w->facts[1].certificate->subject, "CN=a.example");
	assert_true(fw_tls_names(pair.tls[0], "b.example", false, (char[64]){ 0 }, 64));
	assert_true(fw_tls_names(pair.tls[1], "a.example", false, (char[64]){ 0 }, 64));
	bool resumed = w->facts[0].resumed;
	pair_close(&pair);
	return resumed;
}

static void a_session_goes_on_again_and_again(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	assert_false(connect_once(&w));
	for (int i = 0; i < 5; i++) {
		assert_true(connect_once(&w));
	}
	world_close(&w);
}

static void a_ticket_is_used_once(void **state)
{
	struct world w;
	struct pair pair[2];

	(void)state;
	world_open(&w);
	assert_false(connect_once(&w));
	for (int i = 0; i < 2; i++) {
		struct fw_tls_facts facts;
		pair_open_as(&pair[i], w.out, &w.out_start, w.in, &w.in_start);
		pair_shake(&pair[i]);
		fw_tls_facts(pair[i].tls[0], &facts);
		assert_int_equal(facts.resumed, i == 0);
	}
	pair_close(&pair[0]);
	pair_close(&pair[1]);
	world_close(&w);
}

static void only_the_same_names_share_a_session(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	assert_false(connect_once(&w));
	w.out_start.session_key = "another";
	assert_false(connect_once(&w));
	w.out_start.session_key = "key";
	w.out_start.peer_name = "other.b.example";
	assert_false(connect_once(&w));
	w.out_start.peer_name = "b.example";
	w.out_start.session_key = NULL;
	assert_false(connect_once(&w));
	w.out_start.session_key = "key";
	assert_true(connect_once(&w));
	world_close(&w);
}

static void another_context_knows_no_sessions(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	assert_false(connect_once(&w));
	fw_tls_context_release(&w.in);
	w.in = context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem"));
	assert_false(connect_once(&w)); /* the ticket is of the old one's key */
	assert_true(connect_once(&w));
	fw_tls_context_release(&w.out);
	w.out = context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem"));
	assert_false(connect_once(&w));
	world_close(&w);
}

static void sessions_are_bounded_in_number(void **state)
{
	static const char *const keys[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10" };
	struct world w;
	int kept = 0;

	(void)state;
	world_open(&w);
	fw_tls_context_release(&w.out);
	w.out = context_with(CERT("a.pem"), CERT("a.key"), FW_TLS_1_2, 3, 0);
	for (size_t i = 0; i < FW_COUNT(keys); i++) {
		w.out_start.session_key = keys[i];
		assert_false(connect_once(&w));
	}
	/* Each look takes one and leaves one: those that are kept stay the same. */
	for (size_t i = FW_COUNT(keys); i-- > 0 && kept < 3;) {
		w.out_start.session_key = keys[i];
		kept += connect_once(&w);
	}
	assert_int_equal(kept, 3);
	world_close(&w);
}

static void sessions_are_bounded_in_time(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	fw_tls_context_release(&w.out);
	w.out = context_with(CERT("a.pem"), CERT("a.key"), FW_TLS_1_2, 0, 100);
	assert_false(connect_once(&w));
	assert_true(connect_once(&w));
	ahead = 101;
	assert_false(connect_once(&w));
	ahead = 0;
	world_close(&w);
}

static void keys_of_tickets_change_and_old_tickets_are_read_for_a_while(void **state)
{
	struct tls_ticket_key first;
	struct world w;

	(void)state;
	world_open(&w);
	fw_tls_context_release(&w.in);
	w.in = context_with(CERT("b.pem"), CERT("b.key"), FW_TLS_1_2, 0, 100);
	first = w.in->sessions.keys[0];
	assert_false(connect_once(&w));
	assert_memory_equal(&first, &w.in->sessions.keys[0], sizeof(first));
	ahead = 150; /* the initiating side keeps it for two hours */
	assert_true(connect_once(&w));
	assert_memory_equal(&first, &w.in->sessions.keys[1], sizeof(first));
	assert_memory_not_equal(&first, &w.in->sessions.keys[0], sizeof(first));
	ahead = 150 + 250; /* both are too old now */
	assert_false(connect_once(&w));
	ahead = 0;
	world_close(&w);
}

static void a_session_does_not_outlive_the_certificate(void **state)
{
	struct fw_tls_facts facts;
	struct world w;
	struct pair pair;

	(void)state;
	world_open(&w);
	assert_false(connect_once(&w));
	pair_open_as(&pair, w.out, &w.out_start, w.in, &w.in_start);
	pair_up(&pair);
	for (int i = 0; i < 2; i++) {
		fw_tls_facts(pair.tls[i], &facts);
		assert_true(facts.resumed);
		assert_int_equal(facts.verdict, FW_TLS_VALID);
		ahead = 200L * 365 * 86400;
		fw_tls_facts(pair.tls[i], &facts);
		assert_int_equal(facts.verdict, FW_TLS_EXPIRED);
		assert_non_null(strstr(facts.chain_problem, "expired"));
		ahead = 0;
	}
	pair_close(&pair);
	world_close(&w);
}

static void a_bad_verdict_goes_along(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	fw_tls_context_release(&w.out);
	fw_tls_context_release(&w.in);
	w.out = context_of(CERT("client.pem"), CERT("client.key"), CERT("stranger.pem"));
	w.in = context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem"));
	for (int i = 0; i < 2; i++) {
		struct fw_tls_facts facts;
		struct pair pair;

		pair_open_as(&pair, w.out, &w.out_start, w.in, &w.in_start);
		pair_up(&pair);
		fw_tls_facts(pair.tls[0], &facts);
		assert_int_equal(facts.resumed, i == 1);
		assert_int_equal(facts.verdict, FW_TLS_UNTRUSTED);
		assert_non_null(strstr(facts.chain_problem, "issuer"));
		fw_tls_facts(pair.tls[1], &facts);
		assert_int_equal(facts.resumed, i == 1);
		assert_int_equal(facts.verdict, FW_TLS_PURPOSE);
		assert_string_equal(facts.certificate->subject, "CN=client.example");
		pair_close(&pair);
	}
	world_close(&w);
}

static void tls_1_2_goes_on_as_well(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	fw_tls_context_release(&w.in);
	w.in = context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem"));
	SSL_CTX_set_max_proto_version(w.in->ssl, TLS1_2_VERSION);
	assert_false(connect_once(&w));
	assert_string_equal(w.facts[0].version, "TLSv1.2");
	assert_true(connect_once(&w));
	assert_true(connect_once(&w));
	world_close(&w);
}

static void a_server_that_stumbles_is_offered_none_for_a_while(void **state)
{
	struct world w;
	struct pair pair;

	(void)state;
	world_open(&w);
	/* OpenSSL's servers that ask for certificates stumble without it. */
	SSL_CTX_set_session_id_context(w.in->ssl, (const unsigned char *)"", 0);
	assert_false(connect_once(&w));
	pair_open_as(&pair, w.out, &w.out_start, w.in, &w.in_start);
	pair_shake(&pair);
	print_message("%s / %s\n", pair.err[0].text, pair.err[1].text);
	assert_int_equal(pair.done[0], FW_ESYS);
	assert_true(fw_tls_session_failed(pair.tls[0]));
	pair_close(&pair);
	for (int i = 0; i < 3; i++) {
		assert_false(connect_once(&w));
	}
	fw_tls_context_release(&w.in);
	w.in = context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem"));
	assert_false(connect_once(&w));
	ahead = 7201;
	assert_false(connect_once(&w)); /* and now it is kept again */
	assert_true(connect_once(&w));
	ahead = 0;
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_goes_on_again_and_again),
		cmocka_unit_test(a_ticket_is_used_once),
		cmocka_unit_test(only_the_same_names_share_a_session),
		cmocka_unit_test(another_context_knows_no_sessions),
		cmocka_unit_test(sessions_are_bounded_in_number),
		cmocka_unit_test(sessions_are_bounded_in_time),
		cmocka_unit_test(keys_of_tickets_change_and_old_tickets_are_read_for_a_while),
		cmocka_unit_test(a_session_does_not_outlive_the_certificate),
		cmocka_unit_test(a_bad_verdict_goes_along),
		cmocka_unit_test(a_server_that_stumbles_is_offered_none_for_a_while),
		cmocka_unit_test(tls_1_2_goes_on_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
