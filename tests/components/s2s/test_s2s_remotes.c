/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of what s2s_remotes.c tells the log: a failure at once, its repeats with a count, and that
 * it is over.
 */
#include "tests/components/s2s/world.h"

#define FIRST "Module=\"XMPPFederation\" Event=\"Stream Failed\""
#define AGAIN "Module=\"XMPPFederation\" Event=\"Stream Failed Again\""
#define REACHED "Module=\"XMPPFederation\" Event=\"Remote Reached\""

static void attempt_fails(struct world *world, const char *remote, enum fw_cause cause)
{
	s2s_remotes_begin(world->s2s->remotes, remote);
	s2s_remotes_failed(world->s2s->remotes, remote, cause, "words \"of\" the peer");
}

static void repeats_are_counted(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	assert_false(s2s_remotes_is_failing(world.s2s->remotes, "a.example"));
	for (int i = 0; i < 5; i++) {
		attempt_fails(&world, "a.example", FW_CAUSE_CONNECT_FAILED);
	}
	attempt_fails(&world, "b.example",
	              FW_CAUSE_CONNECT_FAILED); /* another domain has its own */
	assert_int_equal(fake_host_logged(world.host, FIRST), 2);
	assert_int_equal(fake_host_logged(world.host, AGAIN), 0);
	assert_true(s2s_remotes_is_failing(world.s2s->remotes, "a.example"));
	attempt_fails(&world, "a.example",
	              FW_CAUSE_TLS_FAILED); /* another cause: what was counted is told */
	assert_int_equal(fake_host_logged(world.host, FIRST), 3);
	assert_int_equal(fake_host_logged(world.host, "cause=connect-failed count=4 in_a_row=6"),
	                 1);
	attempt_fails(&world, "a.example", FW_CAUSE_TLS_FAILED);
	s2s_remotes_begin(world.s2s->remotes, "a.example");
	s2s_remotes_succeeded(world.s2s->remotes, "a.example");
	assert_int_equal(fake_host_logged(world.host, "cause=tls-failed count=1"), 1);
	assert_int_equal(fake_host_logged(world.host, REACHED), 1);
	assert_int_equal(fake_host_logged(world.host, "after_failures=7"), 1);
	assert_false(s2s_remotes_is_failing(world.s2s->remotes, "a.example"));
	s2s_remotes_succeeded(world.s2s->remotes, "a.example"); /* nothing new */
	assert_int_equal(fake_host_logged(world.host, REACHED), 1);
	attempt_fails(&world, "a.example", FW_CAUSE_TLS_FAILED); /* begins anew */
	assert_int_equal(fake_host_logged(world.host, FIRST), 4);
	world_free(&world);
}

static void what_lasts_is_told_again(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.failure_log_interval_ms = 20;
	world_start(&world);
	attempt_fails(&world, "a.example", FW_CAUSE_DNS_FAILED);
	attempt_fails(&world, "a.example", FW_CAUSE_DNS_FAILED);
	assert_int_equal(fake_host_logged(world.host, AGAIN), 0);
	fake_host_run_ms(world.host, 40);
	attempt_fails(&world, "a.example", FW_CAUSE_DNS_FAILED);
	assert_int_equal(fake_host_logged(world.host, AGAIN), 1);
	assert_int_equal(fake_host_logged(world.host, "count=2"), 1);
	assert_int_equal(fake_host_logged(world.host, FIRST), 1);
	world_free(&world);
}

/* The lines of the attempts themselves: the first has them all, the others only at debug. */
static void attempts_that_repeat_are_quiet(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.backoff_min_ms = world.config.backoff_max_ms = 1;
	world_start(&world);
	world.port = 1;
	for (int i = 0; i < 4; i++) {
		world_send(&world, "a@corp.example", "b@partner.example", "1");
		world_expect_bounces(&world, FW_CAUSE_CONNECT_FAILED, (unsigned)i + 1);
		fake_host_run_ms(world.host, 5);
	}
	assert_int_equal(fake_host_logged(world.host, "stream ended cause=connect-failed"), 1);
	assert_int_equal(fake_host_logged(world.host, "NEW->RESOLVING"), 1);
	assert_int_equal(fake_host_logged(world.host, "PENDING->FAILED"), 1);
	assert_int_equal(fake_host_logged(world.host, FIRST), 1);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_are_counted),
		cmocka_unit_test(what_lasts_is_told_again),
		cmocka_unit_test(attempts_that_repeat_are_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
