/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The loop: order within a turn, and that nothing runs after it was removed.
 */
#include <fedway/io/loop.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct probe {
	struct fw_loop *loop;
	struct fw_io *io, *other;
	struct fw_timer *timer;
	struct fw_signal *signal;
	struct fw_task task, second;
	int fd;
	int io_runs, timer_runs, task_runs, second_runs, events;
	bool stop_at_task;
};

static int setup(void **state)
{
	static struct probe probe;

	memset(&probe, 0, sizeof(probe));
	assert_int_equal(fw_loop_new(&probe.loop), FW_OK);
	*state = &probe;
	return 0;
}

static int teardown(void **state)
{
	struct probe *probe = *state;

	fw_loop_free(&probe->loop);
	assert_null(probe->loop);
	return 0;
}

static void count_io(void *ctx, int events)
{
	struct probe *probe = ctx;

	probe->io_runs++;
	probe->events = events;
	fw_defer(probe->loop, &probe->task);
}

static void count_task(void *ctx)
{
	struct probe *probe = ctx;

	probe->task_runs++;
	if (probe->stop_at_task) {
		fw_loop_stop(probe->loop);
	}
}

static void count_second(void *ctx)
{
	((struct probe *)ctx)->second_runs++;
}

static void a_readable_descriptor_runs_its_task_in_the_same_turn(void **state)
{
	struct probe *p = *state;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	p->task = (struct fw_task){ count_task, p, NULL, NULL };
	assert_int_equal(fw_io_add(p->loop, fds[0], FW_IO_READ, count_io, p, &p->io), FW_OK);
	fw_loop_turn(p->loop, false);
	assert_int_equal(p->io_runs, 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	fw_loop_turn(p->loop, true);
	assert_int_equal(p->io_runs, 1);
	assert_int_equal(p->events, FW_IO_READ);
	assert_int_equal(p->task_runs, 1);
	fw_loop_turn(p->loop, true); /* level-triggered */
	assert_int_equal(p->io_runs, 2);
	fw_io_set(p->io, 0);
	fw_loop_turn(p->loop, false);
	assert_int_equal(p->io_runs, 2);
	fw_io_set(p->io, FW_IO_WRITE | FW_IO_READ);
	fw_loop_turn(p->loop, true);
	assert_int_equal(p->events, FW_IO_READ | FW_IO_WRITE);
	fw_io_remove(&p->io);
	assert_null(p->io);
	close(fds[0]);
	close(fds[1]);
}

static void remove_both(void *ctx, int events)
{
	struct probe *probe = ctx;

	(void)events;
	probe->io_runs++;
	fw_io_remove(&probe->io);
	fw_io_remove(&probe->other);
}

static void a_removed_watcher_never_runs_even_when_it_was_ready_too(void **state)
{
	struct probe *p = *state;
	int a[2], b[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	assert_int_equal(fw_io_add(p->loop, a[0], FW_IO_READ, remove_both, p, &p->io), FW_OK);
	assert_int_equal(fw_io_add(p->loop, b[0], FW_IO_READ, remove_both, p, &p->other), FW_OK);
	fw_loop_turn(p->loop, true);
	fw_loop_turn(p->loop, false);
	assert_int_equal(p->io_runs, 1);
	/* The descriptor is free again at once. */
	assert_int_equal(fw_io_add(p->loop, a[0], FW_IO_READ, count_io, p, &p->io), FW_OK);
	fw_io_remove(&p->io);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

static void a_hang_up_is_told(void **state)
{
	struct probe *p = *state;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	p->task = (struct fw_task){ count_task, p, NULL, NULL };
	assert_int_equal(fw_io_add(p->loop, fds[0], FW_IO_READ, count_io, p, &p->io), FW_OK);
	close(fds[1]);
	fw_loop_turn(p->loop, true);
	assert_true((p->events & FW_IO_READ) != 0);
	fw_io_remove(&p->io);
	close(fds[0]);
}

static void a_bad_descriptor_is_an_error(void **state)
{
	struct probe *p = *state;

	assert_int_equal(fw_io_add(p->loop, -1, FW_IO_READ, count_io, p, &p->io), FW_ESYS);
	assert_null(p->io);
}

static void queue_second(void *ctx)
{
	struct probe *probe = ctx;

	probe->task_runs++;
	fw_defer(probe->loop, &probe->second);
	fw_defer(probe->loop, &probe->second);
}

static void a_task_queued_by_a_task_runs_in_the_same_turn_and_once(void **state)
{
	struct probe *p = *state;

	p->task = (struct fw_task){ queue_second, p, NULL, NULL };
	p->second = (struct fw_task){ count_second, p, NULL, NULL };
	fw_defer(p->loop, &p->task);
	fw_defer(p->loop, &p->task);
	fw_loop_turn(p->loop, false);
	assert_int_equal(p->task_runs, 1);
	assert_int_equal(p->second_runs, 1);
	fw_loop_turn(p->loop, false);
	assert_int_equal(p->task_runs, 1);
}

static void queue_again(void *ctx)
{
	struct probe *probe = ctx;

	probe->task_runs++;
	fw_defer(probe->loop, &probe->task);
}

static void a_task_that_queues_itself_does_not_starve_descriptors(void **state)
{
	struct probe *p = *state;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	p->task = (struct fw_task){ queue_again, p, NULL, NULL };
	assert_int_equal(fw_io_add(p->loop, fds[0], FW_IO_READ, count_io, p, &p->io), FW_OK);
	assert_int_equal(write(fds[1], "x", 1), 1);
	fw_defer(p->loop, &p->task);
	fw_loop_turn(p->loop, true); /* does not block either */
	assert_int_equal(p->io_runs, 1);
	assert_true(p->task_runs > 0);
	fw_io_remove(&p->io);
	fw_loop_turn(p->loop, true);
	fw_defer_cancel(&p->task);
	close(fds[0]);
	close(fds[1]);
}

static void cancel_second(void *ctx)
{
	struct probe *probe = ctx;

	probe->task_runs++;
	fw_defer_cancel(&probe->second);
}

static void a_cancelled_task_does_not_run(void **state)
{
	struct probe *p = *state;

	p->task = (struct fw_task){ cancel_second, p, NULL, NULL };
	p->second = (struct fw_task){ count_second, p, NULL, NULL };
	fw_defer(p->loop, &p->task);
	fw_defer(p->loop, &p->second);
	fw_loop_turn(p->loop, false);
	assert_int_equal(p->task_runs, 1);
	assert_int_equal(p->second_runs, 0);
	fw_defer_cancel(&p->second); /* not queued: nothing happens */
}

static void count_timer(void *ctx)
{
	((struct probe *)ctx)->timer_runs++;
}

/* Turns until the time has come. */
static void turn_until(struct probe *p, uint64_t until_ms)
{
	while (fw_now_ms(p->loop) < until_ms) {
		fw_loop_turn(p->loop, true);
	}
}

static void a_timer_fires_once_and_not_early(void **state)
{
	struct probe *p = *state;

	assert_int_equal(fw_timer_new(p->loop, count_timer, p, &p->timer), FW_OK);
	assert_false(fw_timer_running(p->timer));
	fw_loop_turn(p->loop, false);
	uint64_t began = fw_now_ms(p->loop);
	fw_timer_start_ms(p->timer, 20, 0);
	assert_true(fw_timer_running(p->timer));
	while (p->timer_runs == 0) {
		fw_loop_turn(p->loop, true);
	}
	assert_true(fw_now_ms(p->loop) >= began + 20);
	assert_false(fw_timer_running(p->timer));
	fw_timer_free(&p->timer);
}

static void a_turn_does_not_wait_behind_a_timer_that_was_due(void **state)
{
	struct probe *p = *state;
	struct fw_timer *later = NULL;
	struct timespec began, now;

	assert_int_equal(fw_timer_new(p->loop, count_timer, p, &p->timer), FW_OK);
	assert_int_equal(fw_timer_new(p->loop, count_second, p, &later), FW_OK);
	fw_loop_turn(p->loop, false);
	fw_timer_start_ms(p->timer, 1, 0);
	fw_timer_start_ms(later, 5000, 0);
	clock_gettime(CLOCK_MONOTONIC, &began);
	do { /* the machine was busy with something else */
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - began.tv_sec) * 1000000000L + now.tv_nsec - began.tv_nsec < 3000000);
	fw_loop_turn(p->loop, true);
	assert_int_equal(p->timer_runs, 1);
	assert_int_equal(p->second_runs, 0);
	fw_timer_free(&later);
	fw_timer_free(&p->timer);
}

static void a_timer_put_off_fires_at_its_new_time_only(void **state)
{
	struct probe *p = *state;
	struct fw_timer *tick = NULL;

	fw_loop_turn(p->loop, false);
	uint64_t began = fw_now_ms(p->loop);
	assert_int_equal(fw_timer_new(p->loop, count_timer, p, &p->timer), FW_OK);
	fw_timer_start_ms(p->timer, 5, 0);
	fw_timer_start_ms(p->timer, 40, 0);
	while (p->timer_runs == 0) {
		fw_loop_turn(p->loop, true);
	}
	assert_true(fw_now_ms(p->loop) >= began + 40);
	/* Sooner than before works too. */
	began = fw_now_ms(p->loop);
	fw_timer_start_ms(p->timer, 60000, 0);
	fw_timer_start_ms(p->timer, 1, 0);
	while (p->timer_runs == 1) {
		fw_loop_turn(p->loop, true);
	}
	assert_true(fw_now_ms(p->loop) < began + 30000);
	/* Put off, then stopped: it stays silent. */
	fw_timer_start_ms(p->timer, 1, 0);
	fw_timer_start_ms(p->timer, 2, 0);
	fw_timer_stop(p->timer);
	assert_int_equal(fw_timer_new(p->loop, count_second, p, &tick), FW_OK);
	fw_timer_start_ms(tick, 5, 5);
	while (p->second_runs < 2) { /* ten milliseconds at least: the other's time is over */
		fw_loop_turn(p->loop, true);
	}
	assert_int_equal(p->timer_runs, 2);
	fw_timer_free(&tick);
	fw_timer_free(&p->timer);
}

static void free_timer(void *ctx)
{
	struct probe *probe = ctx;

	probe->timer_runs++;
	fw_timer_free(&probe->timer);
}

static void a_timer_may_free_itself(void **state)
{
	struct probe *p = *state;

	assert_int_equal(fw_timer_new(p->loop, free_timer, p, &p->timer), FW_OK);
	fw_timer_start_ms(p->timer, 0, 1);
	uint64_t until_ms = fw_now_ms(p->loop) + 5;
	while (p->timer_runs == 0 || fw_now_ms(p->loop) < until_ms) {
		fw_loop_turn(p->loop, false);
	}
	assert_int_equal(p->timer_runs, 1);
}

static void run_ends_at_stop_even_when_a_task_says_so(void **state)
{
	struct probe *p = *state;

	p->stop_at_task = true;
	p->task = (struct fw_task){ count_task, p, NULL, NULL };
	fw_defer(p->loop, &p->task);
	fw_loop_run(p->loop);
	assert_int_equal(p->task_runs, 1);
	fw_defer(p->loop, &p->task);
	fw_loop_run(p->loop); /* a stopped loop can run again */
	assert_int_equal(p->task_runs, 2);
}

static void stop_at_signal(void *ctx, int signo)
{
	struct probe *probe = ctx;

	probe->events = signo;
	fw_signal_remove(&probe->signal);
	fw_loop_stop(probe->loop);
}

static void a_signal_becomes_an_event(void **state)
{
	struct probe *p = *state;

	assert_int_equal(fw_signal_add(p->loop, SIGUSR1, stop_at_signal, p, &p->signal), FW_OK);
	assert_int_equal(raise(SIGUSR1), 0);
	fw_loop_run(p->loop);
	assert_int_equal(p->events, SIGUSR1);
}

static void clocks_go_forward(void **state)
{
	struct probe *p = *state;
	uint64_t us = fw_now_us(p->loop);
	uint64_t ms = fw_now_ms(p->loop);

	turn_until(p, ms);
	assert_true(fw_now_us(p->loop) >= us);
	assert_true(fw_now_ms(p->loop) >= ms);
}

struct errand {
	struct probe *probe;
	int begun[2], go[2]; /* pipes between the threads */
	int works, dones;
};

static void wait_for_go(void *ctx)
{
	struct errand *errand = ctx;
	char byte = 'b';

	errand->works++;
	if (write(errand->begun[1], &byte, 1) == 1 && read(errand->go[0], &byte, 1) == 1) {
		errand->works++;
	}
}

static void count_done(void *ctx)
{
	struct errand *errand = ctx;

	errand->dones++;
	fw_loop_stop(errand->probe->loop);
}

static void errand_begin(struct errand *errand, struct probe *p, struct fw_work **work)
{
	char byte;

	*errand = (struct errand){ .probe = p };
	assert_int_equal(pipe(errand->begun), 0);
	assert_int_equal(pipe(errand->go), 0);
	assert_int_equal(fw_work_start(p->loop, wait_for_go, count_done, errand, work), FW_OK);
	assert_int_equal(read(errand->begun[0], &byte, 1), 1);
}

static void errand_close(struct errand *errand)
{
	close(errand->begun[0]);
	close(errand->begun[1]);
	close(errand->go[0]);
	close(errand->go[1]);
}

static void work_that_blocks_does_not_hold_the_loop(void **state)
{
	struct probe *p = *state;
	struct fw_work *work = NULL;
	struct errand errand;

	errand_begin(&errand, p, &work);
	fw_loop_turn(p->loop, false); /* the work has begun and waits */
	assert_int_equal(errand.dones, 0);
	assert_non_null(work);
	assert_int_equal(write(errand.go[1], "g", 1), 1);
	fw_loop_run(p->loop);
	assert_int_equal(errand.works, 2);
	assert_int_equal(errand.dones, 1);
	assert_null(work);
	fw_work_end(&work); /* nothing is left of it */
	errand_close(&errand);
}

static void work_that_ends_early_is_waited_for_and_not_told(void **state)
{
	struct probe *p = *state;
	struct fw_work *work = NULL;
	struct errand errand;

	errand_begin(&errand, p, &work);
	assert_int_equal(write(errand.go[1], "g", 1), 1);
	fw_work_end(&work);
	assert_null(work);
	assert_int_equal(errand.works, 2);
	assert_int_equal(write(errand.go[1], "g", 1), 1);
	assert_int_equal(fw_work_start(p->loop, wait_for_go, count_done, &errand, &work), FW_OK);
	fw_loop_run(p->loop); /* both have come back from their threads */
	assert_int_equal(errand.dones, 1);
	errand_close(&errand);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_readable_descriptor_runs_its_task_in_the_same_turn),
		CASE(a_removed_watcher_never_runs_even_when_it_was_ready_too),
		CASE(a_hang_up_is_told),
		CASE(a_bad_descriptor_is_an_error),
		CASE(a_task_queued_by_a_task_runs_in_the_same_turn_and_once),
		CASE(a_task_that_queues_itself_does_not_starve_descriptors),
		CASE(a_cancelled_task_does_not_run),
		CASE(a_timer_fires_once_and_not_early),
		CASE(a_turn_does_not_wait_behind_a_timer_that_was_due),
		CASE(a_timer_put_off_fires_at_its_new_time_only),
		CASE(a_timer_may_free_itself),
		CASE(run_ends_at_stop_even_when_a_task_says_so),
		CASE(a_signal_becomes_an_event),
		CASE(clocks_go_forward),
		CASE(work_that_blocks_does_not_hold_the_loop),
		CASE(work_that_ends_early_is_waited_for_and_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
