/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The small rooms by themselves: the queue's limits and order, back-off, dialback elements as text,
 * and the check of the options.
 */
#include "tests/components/s2s/world.h"

/* ---- s2s_waiting.c ---- */

static struct fw_stanza *numbered(struct world *world, const char *id)
{
	struct fw_stanza *stanza = NULL;

	assert_int_equal(fw_stanza_new("message", NULL, &stanza), FW_OK);
	fw_stanza_set(stanza, "id", fw_str(id));
	fw_stanza_set(stanza, "from", fw_str("a@corp.example"));
	fw_stanza_set(stanza, "to", fw_str("b@partner.example"));
	fw_stanza_enter(stanza, fake_host_ledger(world->host), 0);
	return stanza;
}

static void expect_next(struct world *world, struct s2s_waiting *waiting, const char *id)
{
	struct fw_stanza *stanza = s2s_waiting_pop(world->s2s, waiting);

	assert_non_null(stanza);
	assert_true(fw_str_is(fw_stanza_id(stanza), id));
	fake_host_done(&stanza);
}

static void stanzas_leave_in_order(void **ctx)
{
	struct world world;
	struct s2s_waiting waiting = { 0 };
	struct s2s_waiting front = { 0 };
	struct s2s_waiting paid = { 0 };
	const char *const later[] = { "3", "4" };
	const char *const first[] = { "1", "2" };

	(void)ctx;
	world_new(&world);
	for (size_t i = 0; i < 2; i++) {
		struct fw_stanza *stanza = numbered(&world, later[i]);
		assert_int_equal(s2s_waiting_push(world.s2s, &waiting, &stanza, &paid), FW_OK);
		assert_null(stanza);
		stanza = numbered(&world, first[i]);
		assert_int_equal(s2s_waiting_return(world.s2s, &front, &stanza), FW_OK);
	}
	s2s_waiting_prepend(world.s2s, &waiting, &front);
	assert_int_equal(front.stanzas, 0);
	assert_int_equal(waiting.stanzas, 4);
	assert_int_equal(world.s2s->waiting.stanzas, 4);
	expect_next(&world, &waiting, "1");
	expect_next(&world, &waiting, "2");
	expect_next(&world, &waiting, "3");
	expect_next(&world, &waiting, "4");
	assert_null(s2s_waiting_pop(world.s2s, &waiting));
	assert_int_equal(waiting.bytes, 0);
	assert_int_equal(world.s2s->waiting.bytes, 0);
	world_free(&world);
}

static void each_limit_refuses(void **ctx)
{
	static const struct {
		const char *what;
		uint32_t stanzas, total_stanzas;
		bool bytes, total_bytes;
	} rows[] = {
		{ "stanzas of a pair", 2, 100, false, false },
		{ "stanzas in all", 100, 2, false, false },
		{ "bytes of a pair", 100, 100, true, false },
		{ "bytes in all", 100, 100, false, true },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		struct s2s_waiting waiting = { 0 };
		struct s2s_waiting paid = { 0 };
		world_init(&world);
		struct fw_stanza *stanza = numbered(&world, "1");
		struct fw_str bytes;
		assert_int_equal(fw_stanza_bytes(stanza, &bytes), FW_OK);
		size_t size = bytes.len;
		world.config.queue_max_stanzas = rows[i].stanzas;
		world.config.queue_total_max_stanzas = rows[i].total_stanzas;
		world.config.queue_max_bytes = rows[i].bytes ? 2 * size : 1000000;
		world.config.queue_total_max_bytes = rows[i].total_bytes ? 2 * size : 1000000;
		world_start(&world);
		assert_int_equal(s2s_waiting_push(world.s2s, &waiting, &stanza, &paid), FW_OK);
		stanza = numbered(&world, "2");
		assert_int_equal(s2s_waiting_push(world.s2s, &waiting, &stanza, &paid), FW_OK);
		stanza = numbered(&world, "3");
		assert_int_equal(s2s_waiting_push(world.s2s, &waiting, &stanza, &paid), FW_ELIMIT);
		assert_non_null(stanza);
		fake_host_done(&stanza);
		s2s_waiting_bounce(world.s2s, &waiting, FW_CAUSE_PEER_LOST);
		assert_int_equal(waiting.stanzas, 0);
		world_expect_bounces(&world, FW_CAUSE_PEER_LOST, 2);
		world_free(&world);
	}
}

/* Ten of one pair, two of another, and the total is reached: the next of the other goes in, and the
 * busy one gives its oldest; it gives no more when it holds hardly more than who asks. */
static void the_busy_pair_pays_for_the_quiet_one(void **ctx)
{
	struct world world;
	struct s2s_waiting busy = { .ranked = true };
	struct s2s_waiting quiet = { .ranked = true };
	struct s2s_waiting paid = { 0 };
	struct fw_stanza *stanza;
	char id[16];

	(void)ctx;
	world_init(&world);
	world.config.queue_total_max_stanzas = 12;
	world_start(&world);
	for (int i = 1; i <= 12; i++) {
		snprintf(id, sizeof(id), "%s%d", i <= 10 ? "b" : "q", i);
		stanza = numbered(&world, id);
		assert_int_equal(
		        s2s_waiting_push(world.s2s, i <= 10 ? &busy : &quiet, &stanza, &paid),
		        FW_OK);
	}
	assert_int_equal(paid.stanzas, 0);
	stanza = numbered(&world, "q13");
	assert_int_equal(s2s_waiting_push(world.s2s, &quiet, &stanza, &paid), FW_OK);
	assert_int_equal(paid.stanzas, 1);
	assert_int_equal(busy.stanzas, 9);
	stanza = numbered(&world, "b14"); /* it pays for itself */
	assert_int_equal(s2s_waiting_push(world.s2s, &busy, &stanza, &paid), FW_ELIMIT);
	fake_host_done(&stanza);
	for (int i = 14; i < 40; i++) {
		stanza = numbered(&world, "q");
		if (s2s_waiting_push(world.s2s, &quiet, &stanza, &paid) != FW_OK) {
			fake_host_done(&stanza);
		}
	}
	assert_in_range(busy.stanzas, 4, 8); /* within a factor of two */
	assert_int_equal(busy.stanzas + quiet.stanzas, 12);
	expect_next(&world, &paid, "b1");
	expect_next(&world, &paid, "b2");
	s2s_waiting_bounce(world.s2s, &paid, FW_CAUSE_QUEUE_FULL);
	s2s_waiting_bounce(world.s2s, &busy, FW_CAUSE_PEER_LOST);
	s2s_waiting_bounce(world.s2s, &quiet, FW_CAUSE_PEER_LOST);
	assert_int_equal(world.s2s->waiting.stanzas, 0);
	for (size_t i = 0; i < S2S_WAITING_RANKS; i++) {
		assert_null(world.s2s->ranks[i]);
	}
	world_free(&world);
}

/* ---- s2s_remotes.c ---- */

static bool wait_is_over(void *ctx)
{
	struct world *world = ctx;
	const struct s2s_failure *failure =
	        s2s_remotes_failure(world->s2s->remotes, "partner.example");

	return fw_now_ms(world->s2s->loop) >= failure->retry_ms;
}

static void the_wait_grows_and_one_may_probe(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.backoff_min_ms = 8;
	world.config.backoff_max_ms = 32;
	world_start(&world);
	struct s2s_remotes *remotes = world.s2s->remotes;
	for (uint32_t n = 1; n <= 5; n++) {
		assert_true(s2s_remotes_may_try(remotes, "partner.example"));
		s2s_remotes_begin(remotes, "partner.example");
		/* nothing failed yet: others may try too; afterwards only one probes */
		assert_int_equal(s2s_remotes_may_try(remotes, "partner.example"), n == 1);
		s2s_remotes_failed(remotes, "partner.example", FW_CAUSE_CONNECT_FAILED, "refused");
		const struct s2s_failure *failure = s2s_remotes_failure(remotes, "partner.example");
		uint64_t full = n == 1 ? 8 : n == 2 ? 16 : 32;
		uint64_t wait = failure->retry_ms - fw_now_ms(world.s2s->loop);
		assert_in_range(wait, full / 2, full);
		assert_int_equal(failure->failures, n);
		assert_false(s2s_remotes_may_try(remotes, "partner.example"));
		assert_true(s2s_remotes_may_try(remotes, "other.example"));
		world_until(&world, wait_is_over, &world, "the wait is over");
	}
	s2s_remotes_begin(remotes, "partner.example");
	s2s_remotes_succeeded(remotes, "partner.example");
	assert_true(s2s_remotes_may_try(remotes, "partner.example"));
	assert_int_equal(s2s_remotes_failure(remotes, "partner.example")->cause,
	                 FW_CAUSE_CONNECT_FAILED);
	world_free(&world);
}

static void failures_side_by_side_count_once(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct s2s_remotes *remotes = world.s2s->remotes;
	s2s_remotes_begin(remotes, "partner.example");
	s2s_remotes_begin(remotes, "partner.example");
	s2s_remotes_failed(remotes, "partner.example", FW_CAUSE_DNS_FAILED, "");
	s2s_remotes_failed(remotes, "partner.example", FW_CAUSE_DNS_FAILED, "");
	assert_int_equal(s2s_remotes_failure(remotes, "partner.example")->failures, 1);
	world_free(&world);
}

static void many_remotes_are_bounded(void **ctx)
{
	struct world world;
	char name[64];
	unsigned known = 0;

	(void)ctx;
	world_new(&world);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		s2s_remotes_begin(world.s2s->remotes, name);
		s2s_remotes_failed(world.s2s->remotes, name, FW_CAUSE_DNS_NOT_FOUND, "");
	}
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		known += s2s_remotes_failure(world.s2s->remotes, name) != NULL;
	}
	assert_int_equal(known, 4096);
	world_free(&world);
}

/* ---- s2s_db.c ---- */

static void dialback_elements_are_read_and_told(void **ctx)
{
	static const struct {
		const char *xml, *text;
	} rows[] = {
		{ "<db:result xmlns:db='jabber:server:dialback' from='a.example' to='b.example'>\n "
		  "0123456789abcdef </db:result>",
		  "<db:result from='a.example' to='b.example'>01234567\xe2\x80\xa6</db:result>" },
		{ "<result xmlns='jabber:server:dialback' from='a.example' "
		  "to='b.example'>abcd</result>",
		  "<db:result from='a.example' to='b.example'>ab\xe2\x80\xa6</db:result>" },
		{ "<db:verify xmlns:db='jabber:server:dialback' from='a.example' to='b.example' "
		  "id='x' "
		  "type='valid'/>",
		  "<db:verify from='a.example' to='b.example' id='x' type='valid'/>" },
		{ "<db:result xmlns:db='jabber:server:dialback' from='a' to='b' "
		  "type='error'><error "
		  "xmlns='jabber:server' type='cancel'><item-not-found "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
		  "<db:result from='a' to='b' "
		  "type='error'><error><item-not-found/></error></db:result>" },
		{ "<db:other xmlns:db='jabber:server:dialback'/>", NULL },
		{ "<result xmlns='urn:other' from='a' to='b'/>", NULL },
		{ "<message from='a@b' to='c@d'/>", NULL },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = NULL;
		struct s2s_db db;
		char text[512];
		assert_int_equal(fw_stanza_parse(fw_str(rows[i].xml), &stanza), FW_OK);
		assert_int_equal(s2s_db_read(stanza, &db), rows[i].text != NULL);
		if (rows[i].text != NULL) {
			assert_string_equal(s2s_db_text(&db, text, sizeof(text)), rows[i].text);
		}
		fw_stanza_free(&stanza);
	}
}

static void long_elements_are_cut_for_the_log(void **ctx)
{
	char domain[1024];
	struct s2s_db db = { .name = "result", .type = fw_str("valid") };

	(void)ctx;
	memset(domain, 'a', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	db.from = db.to = db.id = fw_str(domain);
	for (size_t size = 1; size < 1200; size++) {
		char *text = malloc(size);
		assert_non_null(text);
		s2s_db_text(&db, text, size); /* the sanitizer looks at the edge */
		assert_true(strlen(text) < size);
		free(text);
	}
}

/* ---- s2s_options.c ---- */

static void options_are_checked(void **ctx)
{
	struct fw_listen_row twice[] = { { "127.0.0.1", 5269 }, { "127.0.0.1", 5269 } };
	struct fw_listen_row name[] = { { "localhost", 5269 } };
	struct fw_error err = { 0 };
	struct world world;

	(void)ctx;
	world_init(&world);
	assert_int_equal(s2s_options_check(&world.config, &err), FW_OK);
	world.config.security_mode = FW_SECURITY_REQUIRED;
	assert_int_equal(s2s_options_check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "certificate_file"));
	assert_non_null(strstr(err.text, "no-tls"));
	world.config.security_mode = FW_SECURITY_OPTIONAL;
	world.config.certificate_file = "/nonexistent/fedway.pem";
	assert_int_equal(s2s_options_check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "/nonexistent/fedway.pem"));
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	assert_int_equal(s2s_options_check(&world.config, &err), FW_OK);
	world.config.listen = (struct fw_rows){ twice, 2 };
	assert_int_equal(s2s_options_check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "twice"));
	world.config.listen = (struct fw_rows){ name, 1 };
	assert_int_equal(s2s_options_check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "localhost"));
	world.config.listen = (struct fw_rows){ NULL, 0 };
	assert_int_equal(s2s_options_check(&world.config, &err), FW_OK);
	world.config.backoff_min_ms = world.config.backoff_max_ms + 1;
	assert_int_equal(s2s_options_check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "backoff_max_ms"));
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stanzas_leave_in_order),
		cmocka_unit_test(each_limit_refuses),
		cmocka_unit_test(the_busy_pair_pays_for_the_quiet_one),
		cmocka_unit_test(the_wait_grows_and_one_may_probe),
		cmocka_unit_test(failures_side_by_side_count_once),
		cmocka_unit_test(many_remotes_are_bounded),
		cmocka_unit_test(dialback_elements_are_read_and_told),
		cmocka_unit_test(long_elements_are_cut_for_the_log),
		cmocka_unit_test(options_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
