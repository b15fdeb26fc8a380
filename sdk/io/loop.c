/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The event loop: libuv lives here and nowhere else. Every room that waits for something calls it.
 * libuv closes handles asynchronously; that is hidden: an object is dead for its owner at _remove
 * or _free, and its memory goes when libuv has let go of it. It knows nothing of sockets' contents.
 */
#include <fedway/io/loop.h>

#include <stdlib.h>
#include <uv.h>

/* How often tasks that queue tasks are followed within one turn, before I/O gets its turn again. */
enum { LOOP_TASK_ROUNDS = 8 };

struct fw_loop {
	uv_loop_t uv;
	uv_prepare_t prepare; /* runs tasks before the loop blocks */
	uv_idle_t idle;       /* active: the loop does not block */
	struct fw_task *tasks;
	struct fw_task last; /* end of the list, so that a task can be taken out without the loop */
	struct fw_task *ends, ends_last; /* the same, for the end of the loop */
	size_t working;                  /* in other threads */
	bool running_tasks;
	bool timer_ran; /* in this turn, which then has nothing to wait for */
	bool stopped;
};

struct fw_io {
	uv_poll_t uv;
	fw_io_fn *fn;
	void *ctx;
	int events;
};

struct fw_timer {
	uv_timer_t uv;
	fw_timer_fn *fn;
	void *ctx;
	uint64_t due_ms;   /* when it shall fire; libuv's own time may be earlier */
	uint64_t armed_ms; /* when libuv will call */
	uint64_t repeat_ms;
	bool running;
};

struct fw_work {
	uv_work_t uv;
	uv_sem_t ended; /* posted when `work` has returned */
	fw_work_fn *work, *done;
	void *ctx;
	struct fw_work **owner; /* NULL: nobody waits for it any more */
};

struct fw_signal {
	uv_signal_t uv;
	fw_signal_fn *fn;
	void *ctx;
};

/* libuv has let go of the handle, which is the first member of its object. */
static void loop_free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void loop_close_handle(void *handle)
{
	uv_close(handle, loop_free_handle);
}

/* ---- tasks ---- */

static void task_append(struct fw_loop *loop, struct fw_task *task)
{
	task->link = loop->last.link;
	task->next = &loop->last;
	*task->link = task;
	loop->last.link = &task->next;
}

static bool tasks_waiting(const struct fw_loop *loop)
{
	return loop->tasks != &loop->last;
}

static void loop_idle(uv_idle_t *idle)
{
	(void)idle;
}

/* One round is what is queued when it begins; a mark in the list shows where it ends. */
static void tasks_run_round(struct fw_loop *loop)
{
	struct fw_task mark = { NULL, NULL, NULL, NULL };

	task_append(loop, &mark);
	while (loop->tasks != &mark) {
		struct fw_task *task = loop->tasks;

		fw_defer_cancel(task);
		task->fn(task->ctx);
	}
	fw_defer_cancel(&mark);
}

static void tasks_run(struct fw_loop *loop)
{
	if (loop->running_tasks) {
		return; /* a task turns the loop: its own round goes on behind it */
	}
	loop->running_tasks = true;
	for (int round = 0; tasks_waiting(loop) && round < LOOP_TASK_ROUNDS; round++) {
		tasks_run_round(loop);
	}
	loop->running_tasks = false;
}

static void loop_prepare(uv_prepare_t *prepare)
{
	struct fw_loop *loop = prepare->data;

	tasks_run(loop);
	if (tasks_waiting(loop) || loop->timer_ran || loop->stopped) {
		uv_idle_start(&loop->idle, loop_idle);
	} else {
		uv_idle_stop(&loop->idle);
	}
}

void fw_defer(struct fw_loop *loop, struct fw_task *task)
{
	if (task->link == NULL) {
		task_append(loop, task);
	}
}

void fw_defer_cancel(struct fw_task *task)
{
	if (task->link == NULL) {
		return;
	}
	*task->link = task->next;
	task->next->link = task->link;
	task->next = NULL;
	task->link = NULL;
}

void fw_at_end(struct fw_loop *loop, struct fw_task *task)
{
	if (task->link != NULL) {
		return;
	}
	task->next = loop->ends;
	task->link = &loop->ends;
	task->next->link = &task->next;
	loop->ends = task;
}

/* ---- the loop ---- */

int fw_loop_new(struct fw_loop **out)
{
	struct fw_loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL) {
		return FW_ENOMEM;
	}
	int status = uv_loop_init(&loop->uv);
	if (status != 0) {
		free(loop);
		return status == UV_ENOMEM ? FW_ENOMEM : FW_ESYS;
	}
	loop->tasks = &loop->last;
	loop->last.link = &loop->tasks;
	loop->ends = &loop->ends_last;
	loop->ends_last.link = &loop->ends;
	uv_prepare_init(&loop->uv, &loop->prepare);
	loop->prepare.data = loop;
	uv_prepare_start(&loop->prepare, loop_prepare);
	uv_idle_init(&loop->uv, &loop->idle);
	*out = loop;
	return FW_OK;
}

void fw_loop_free(struct fw_loop **loop)
{
	struct fw_loop *dead = *loop;

	if (dead == NULL) {
		return;
	}
	*loop = NULL;
	while (dead->ends != &dead->ends_last) {
		struct fw_task *task = dead->ends;
		fw_defer_cancel(task);
		task->fn(task->ctx);
	}
	uv_close((uv_handle_t *)&dead->prepare, NULL);
	uv_close((uv_handle_t *)&dead->idle, NULL);
	while (dead->working > 0) {
		uv_run(&dead->uv, UV_RUN_ONCE);
	}
	uv_run(&dead->uv, UV_RUN_NOWAIT); /* handles that are still closing */
	fw_assert(uv_loop_close(&dead->uv) == 0);
	free(dead);
}

void fw_loop_turn(struct fw_loop *loop, bool wait)
{
	loop->timer_ran = false;
	uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	tasks_run(loop); /* of I/O and timers that ran after the preparation */
}

void fw_loop_run(struct fw_loop *loop)
{
	while (!loop->stopped) {
		fw_loop_turn(loop, !tasks_waiting(loop));
	}
	loop->stopped = false;
	uv_idle_stop(&loop->idle);
}

void fw_loop_stop(struct fw_loop *loop)
{
	loop->stopped = true;
	uv_idle_start(&loop->idle,
	              loop_idle); /* a task may ask for it just before the loop would block */
}

uint64_t fw_now_ms(const struct fw_loop *loop)
{
	return uv_now(&loop->uv);
}

uint64_t fw_now_us(const struct fw_loop *loop)
{
	(void)loop;
	return uv_hrtime() / 1000;
}

/* ---- descriptors ---- */

static void io_ready(uv_poll_t *uv, int status, int events);

static int io_start(struct fw_io *io)
{
	int mask = 0;

	if (io->events == 0) {
		return uv_poll_stop(&io->uv);
	}
	mask |= (io->events & FW_IO_READ) != 0 ? UV_READABLE : 0;
	mask |= (io->events & FW_IO_WRITE) != 0 ? UV_WRITABLE : 0;
	return uv_poll_start(&io->uv, mask, io_ready);
}

static void io_ready(uv_poll_t *uv, int status, int events)
{
	struct fw_io *io = (struct fw_io *)uv;
	int ready = 0;

	if (status < 0) {
		/* libuv stops the handle at an error; the owner learns it from its next read or
		 * write. */
		ready = FW_IO_READ | FW_IO_WRITE;
		io_start(io);
	}
	ready |= (events & UV_READABLE) != 0 ? FW_IO_READ : 0;
	ready |= (events & UV_WRITABLE) != 0 ? FW_IO_WRITE : 0;
	io->fn(io->ctx, ready);
}

int fw_io_add(struct fw_loop *loop, int fd, int events, fw_io_fn *fn, void *ctx, struct fw_io **out)
{
	struct fw_io *io = calloc(1, sizeof(*io));

	if (io == NULL) {
		return FW_ENOMEM;
	}
	if (uv_poll_init(&loop->uv, &io->uv, fd) != 0) {
		free(io); /* never became a handle */
		return FW_ESYS;
	}
	io->fn = fn;
	io->ctx = ctx;
	io->events = events;
	if (io_start(io) != 0) {
		loop_close_handle(io);
		return FW_ESYS;
	}
	*out = io;
	return FW_OK;
}

void fw_io_set(struct fw_io *io, int events)
{
	if (io->events == events) {
		return;
	}
	io->events = events;
	fw_assert(io_start(io) == 0);
}

void fw_io_remove(struct fw_io **io)
{
	if (*io == NULL) {
		return;
	}
	loop_close_handle(*io);
	*io = NULL;
}

/* ---- timers ---- */

static void timer_fired(uv_timer_t *uv);

static void timer_arm(struct fw_timer *timer, uint64_t delay_ms)
{
	timer->armed_ms = uv_now(timer->uv.loop) + delay_ms;
	uv_timer_start(&timer->uv, timer_fired, delay_ms, 0);
}

static void timer_fired(uv_timer_t *uv)
{
	struct fw_timer *timer = (struct fw_timer *)uv;
	uint64_t now = uv_now(uv->loop);

	if (now < timer->due_ms) {
		timer_arm(timer, timer->due_ms - now);
		return;
	}
	if (timer->repeat_ms > 0) {
		timer->due_ms = now + timer->repeat_ms;
		timer_arm(timer, timer->repeat_ms);
	} else {
		timer->running = false;
	}
	((struct fw_loop *)uv->loop)->timer_ran = true;
	timer->fn(timer->ctx);
}

int fw_timer_new(struct fw_loop *loop, fw_timer_fn *fn, void *ctx, struct fw_timer **out)
{
	struct fw_timer *timer = calloc(1, sizeof(*timer));

	if (timer == NULL) {
		return FW_ENOMEM;
	}
	uv_timer_init(&loop->uv, &timer->uv);
	timer->fn = fn;
	timer->ctx = ctx;
	*out = timer;
	return FW_OK;
}

void fw_timer_start_ms(struct fw_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
	uint64_t now = uv_now(timer->uv.loop);

	timer->due_ms = delay_ms < UINT64_MAX - now ? now + delay_ms : UINT64_MAX;
	timer->repeat_ms = repeat_ms;
	/* Put off again and again, an idle timer costs two stores: it is armed anew when it fires
	 * early. */
	if (!timer->running || timer->due_ms < timer->armed_ms) {
		timer_arm(timer, delay_ms);
	}
	timer->running = true;
}

void fw_timer_stop(struct fw_timer *timer)
{
	timer->running = false;
	uv_timer_stop(&timer->uv);
}

bool fw_timer_running(const struct fw_timer *timer)
{
	return timer->running;
}

void fw_timer_free(struct fw_timer **timer)
{
	if (*timer == NULL) {
		return;
	}
	loop_close_handle(*timer);
	*timer = NULL;
}

/* ---- work in other threads ---- */

static void work_run(uv_work_t *uv)
{
	struct fw_work *work = (struct fw_work *)uv;

	work->work(work->ctx);
	uv_sem_post(&work->ended);
}

static void work_done(uv_work_t *uv, int status)
{
	struct fw_work *work = (struct fw_work *)uv;
	struct fw_loop *loop = (struct fw_loop *)uv->loop;
	bool wanted = work->owner != NULL;
	fw_work_fn *done = work->done;
	void *ctx = work->ctx;

	(void)status; /* taken back: then nobody waits for it */
	if (wanted) {
		*work->owner = NULL;
	}
	uv_sem_destroy(&work->ended);
	free(work);
	loop->working--;
	if (wanted) {
		done(ctx);
	}
}

int fw_work_start(struct fw_loop *loop, fw_work_fn *work, fw_work_fn *done, void *ctx,
                  struct fw_work **out)
{
	struct fw_work *new = calloc(1, sizeof(*new));

	if (new == NULL || uv_sem_init(&new->ended, 0) != 0) {
		free(new);
		return FW_ENOMEM;
	}
	new->work = work;
	new->done = done;
	new->ctx = ctx;
	new->owner = out;
	fw_assert(uv_queue_work(&loop->uv, &new->uv, work_run, work_done) == 0);
	loop->working++;
	*out = new;
	return FW_OK;
}

void fw_work_end(struct fw_work **at)
{
	struct fw_work *work = *at;

	if (work == NULL) {
		return;
	}
	*at = NULL;
	work->owner = NULL;
	if (uv_cancel((uv_req_t *)&work->uv) != 0) { /* it has begun */
		uv_sem_wait(&work->ended);
	}
}

/* ---- signals ---- */

static void signal_raised(uv_signal_t *uv, int signo)
{
	struct fw_signal *signal = (struct fw_signal *)uv;

	signal->fn(signal->ctx, signo);
}

int fw_signal_add(struct fw_loop *loop, int signo, fw_signal_fn *fn, void *ctx,
                  struct fw_signal **out)
{
	struct fw_signal *signal = calloc(1, sizeof(*signal));

	if (signal == NULL) {
		return FW_ENOMEM;
	}
	if (uv_signal_init(&loop->uv, &signal->uv) != 0) {
		free(signal);
		return FW_ESYS;
	}
	signal->fn = fn;
	signal->ctx = ctx;
	if (uv_signal_start(&signal->uv, signal_raised, signo) != 0) {
		loop_close_handle(signal);
		return FW_ESYS;
	}
	*out = signal;
	return FW_OK;
}

void fw_signal_remove(struct fw_signal **signal)
{
	if (*signal == NULL) {
		return;
	}
	loop_close_handle(*signal);
	*signal = NULL;
}
