/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The loop's calls over poll() and a clock that only fake_loop_advance() moves. Signals never come.
 */
#include "tests/scenarios/fake_loop.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/fake_net.h"

/* A scenario has a few dozen descriptors; more is a script gone wild. */
enum { IO_MAX = 1024, SETTLE_MAX = 100000 };

struct fw_io {
	struct fw_io *next;
	struct fw_loop *loop;
	fw_io_fn *fn;
	void *ctx;
	int fd, events;
	bool dead;
};

struct fw_timer {
	struct fw_timer *next;
	struct fw_loop *loop;
	fw_timer_fn *fn;
	void *ctx;
	uint64_t due_ms, repeat_ms, order;
	bool running, dead;
};

struct fw_signal {
	int signo;
};

struct fw_loop {
	uint64_t now_ms, order;
	struct fw_io *ios;
	struct fw_timer *timers;
	struct fw_task *tasks, *ends;
	bool stopped;
};

int fw_loop_new(struct fw_loop **out)
{
	struct fw_loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL) {
		return FW_ENOMEM;
	}
	loop->now_ms = 1000000;
	*out = loop;
	return FW_OK;
}

/* Watchers that were let go are freed here, when no callback of theirs can be on the stack. */
static void sweep(struct fw_loop *loop)
{
	for (struct fw_io **at = &loop->ios; *at != NULL;) {
		struct fw_io *io = *at;
		if (io->dead) {
			*at = io->next;
			free(io);
		} else {
			at = &io->next;
		}
	}
	for (struct fw_timer **at = &loop->timers; *at != NULL;) {
		struct fw_timer *timer = *at;
		if (timer->dead) {
			*at = timer->next;
			free(timer);
		} else {
			at = &timer->next;
		}
	}
}

void fw_loop_free(struct fw_loop **loop)
{
	if (*loop != NULL) {
		while ((*loop)->ends != NULL) {
			struct fw_task *task = (*loop)->ends;
			fw_defer_cancel(task);
			task->fn(task->ctx);
		}
		sweep(*loop);
		fw_assert((*loop)->ios == NULL && (*loop)->timers == NULL);
		free(*loop);
		*loop = NULL;
	}
}

static bool run_tasks(struct fw_loop *loop)
{
	bool any = false;

	while (loop->tasks != NULL) {
		struct fw_task *task = loop->tasks;
		fw_defer_cancel(task);
		task->fn(task->ctx);
		any = true;
	}
	return any;
}

static bool run_io(struct fw_loop *loop)
{
	struct pollfd fds[IO_MAX];
	struct fw_io *ios[IO_MAX];
	nfds_t count = 0;
	bool any = false;

	for (struct fw_io *io = loop->ios; io != NULL; io = io->next) {
		if (!io->dead && io->events != 0 && !fake_net_is_silent(io->fd)) {
			fw_assert(count < IO_MAX);
			ios[count] = io;
			fds[count].fd = io->fd;
			fds[count].events = (short)((io->events & FW_IO_READ ? POLLIN : 0) |
			                            (io->events & FW_IO_WRITE ? POLLOUT : 0));
			count++;
		}
	}
	if (poll(fds, count, 0) <= 0) {
		return false;
	}
	for (nfds_t i = 0; i < count; i++) {
		int ready = (fds[i].revents & (POLLIN | POLLHUP | POLLERR) ? FW_IO_READ : 0) |
		            (fds[i].revents & (POLLOUT | POLLHUP | POLLERR) ? FW_IO_WRITE : 0);
		if (!ios[i]->dead && (ready & ios[i]->events) != 0) {
			ios[i]->fn(ios[i]->ctx, ready & ios[i]->events);
			any = true;
		}
	}
	return any;
}

static bool turn(struct fw_loop *loop)
{
	bool any = run_tasks(loop);

	any |= run_io(loop);
	any |= run_tasks(loop);
	sweep(loop);
	return any;
}

void fw_loop_turn(struct fw_loop *loop, bool wait)
{
	(void)wait;
	turn(loop);
}

void fw_loop_run(struct fw_loop *loop)
{
	while (!loop->stopped && turn(loop)) {
	}
}

void fw_loop_stop(struct fw_loop *loop)
{
	loop->stopped = true;
}

void fake_loop_settle(struct fw_loop *loop)
{
	int turns = 0;

	while (turn(loop)) {
		fw_assert(++turns < SETTLE_MAX); /* something runs in circles */
	}
}

/* The timer that is due first, no later than `limit`; of two at one time the one that was started
 * first. */
static struct fw_timer *first_due(struct fw_loop *loop, uint64_t limit)
{
	struct fw_timer *first = NULL;

	for (struct fw_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
		if (timer->dead || !timer->running || timer->due_ms > limit) {
			continue;
		}
		if (first == NULL || timer->due_ms < first->due_ms ||
		    (timer->due_ms == first->due_ms && timer->order < first->order)) {
			first = timer;
		}
	}
	return first;
}

void fake_loop_advance(struct fw_loop *loop, uint64_t ms)
{
	uint64_t limit = loop->now_ms + ms;
	struct fw_timer *timer;

	fake_loop_settle(loop);
	while ((timer = first_due(loop, limit)) != NULL) {
		if (timer->due_ms > loop->now_ms) {
			loop->now_ms = timer->due_ms;
		}
		timer->running = timer->repeat_ms > 0;
		timer->due_ms += timer->repeat_ms;
		timer->fn(timer->ctx);
		fake_loop_settle(loop);
	}
	loop->now_ms = limit;
}

uint64_t fw_now_ms(const struct fw_loop *loop)
{
	return loop->now_ms;
}

uint64_t fw_now_us(const struct fw_loop *loop)
{
	return loop->now_ms * 1000;
}

int fw_io_add(struct fw_loop *loop, int fd, int events, fw_io_fn *fn, void *ctx, struct fw_io **out)
{
	struct fw_io *io = calloc(1, sizeof(*io));

	if (io == NULL) {
		return FW_ENOMEM;
	}
	io->loop = loop;
	io->fd = fd;
	io->events = events;
	io->fn = fn;
	io->ctx = ctx;
	io->next = loop->ios;
	loop->ios = io;
	*out = io;
	return FW_OK;
}

void fw_io_set(struct fw_io *io, int events)
{
	io->events = events;
}

void fw_io_remove(struct fw_io **io)
{
	if (*io != NULL) {
		(*io)->dead = true;
		*io = NULL;
	}
}

int fw_timer_new(struct fw_loop *loop, fw_timer_fn *fn, void *ctx, struct fw_timer **out)
{
	struct fw_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL) {
		return FW_ENOMEM;
	}
	timer->loop = loop;
	timer->fn = fn;
	timer->ctx = ctx;
	timer->next = loop->timers;
	loop->timers = timer;
	*out = timer;
	return FW_OK;
}

void fw_timer_start_ms(struct fw_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
	timer->due_ms = timer->loop->now_ms + delay_ms;
	timer->repeat_ms = repeat_ms;
	timer->order = ++timer->loop->order;
	timer->running = true;
}

void fw_timer_stop(struct fw_timer *timer)
{
	timer->running = false;
}

bool fw_timer_running(const struct fw_timer *timer)
{
	return timer->running;
}

void fw_timer_free(struct fw_timer **timer)
{
	if (*timer != NULL) {
		(*timer)->dead = true;
		*timer = NULL;
	}
}

void fw_defer(struct fw_loop *loop, struct fw_task *task)
{
	struct fw_task **at = &loop->tasks;

	if (task->link != NULL) {
		return;
	}
	while (*at != NULL) {
		at = &(*at)->next;
	}
	task->next = NULL;
	task->link = at;
	*at = task;
}

void fw_at_end(struct fw_loop *loop, struct fw_task *task)
{
	if (task->link != NULL) {
		return;
	}
	task->next = loop->ends;
	task->link = &loop->ends;
	if (task->next != NULL) {
		task->next->link = &task->next;
	}
	loop->ends = task;
}

void fw_defer_cancel(struct fw_task *task)
{
	if (task->link == NULL) {
		return;
	}
	*task->link = task->next;
	if (task->next != NULL) {
		task->next->link = task->link;
	}
	task->next = NULL;
	task->link = NULL;
}

int fw_signal_add(struct fw_loop *loop, int signo, fw_signal_fn *fn, void *ctx,
                  struct fw_signal **out)
{
	struct fw_signal *signal = calloc(1, sizeof(*signal));

	(void)loop;
	(void)fn;
	(void)ctx;
	if (signal == NULL) {
		return FW_ENOMEM;
	}
	signal->signo = signo;
	*out = signal;
	return FW_OK;
}

void fw_signal_remove(struct fw_signal **signal)
{
	free(*signal);
	*signal = NULL;
}
