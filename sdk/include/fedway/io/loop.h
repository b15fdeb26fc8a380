/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The event loop: file descriptors, timers, end-of-turn tasks, signals, and work that would block it. One loop, one
 * thread; no call here may come from another thread. Nothing of the library behind it shows through.
 *
 * No object frees itself inside its own callback's caller's feet: every _remove and _free may be called from
 * any callback, its own included, and takes effect at once (no callback runs after it).
 */
#ifndef FEDWAY_IO_LOOP_H
#define FEDWAY_IO_LOOP_H

#include <stdbool.h>

#include <fedway/error.h>

FW_BEGIN_DECLS

struct fw_loop;
struct fw_io;
struct fw_timer;
struct fw_signal;

/** @return FW_OK, FW_ENOMEM, FW_ESYS [g] */
FW_API int fw_loop_new(struct fw_loop **out);
/** All watchers must be gone. */
FW_API void fw_loop_free(struct fw_loop **loop);
/** Runs until fw_loop_stop(). */
FW_API void fw_loop_run(struct fw_loop *loop);
/** Runs one turn. @param wait  block until something happens; a timer that is due already is something */
FW_API void fw_loop_turn(struct fw_loop *loop, bool wait);
/** Ends fw_loop_run() after the current turn. */
FW_API void fw_loop_stop(struct fw_loop *loop);

/** Monotonic clock, cached for the turn: cheap, for stamps and timeouts. */
FW_API uint64_t fw_now_ms(const struct fw_loop *loop);
/** Monotonic clock in microseconds, read now; for timings that are reported. */
FW_API uint64_t fw_now_us(const struct fw_loop *loop);

enum { FW_IO_READ = 1, FW_IO_WRITE = 2 };

/** @param events  what is ready (FW_IO_READ | FW_IO_WRITE); errors and hang-ups show as both */
typedef void fw_io_fn(void *ctx, int events);
/** Watches a descriptor that stays the caller's to close (after fw_io_remove). Level-triggered. [g] */
FW_API int fw_io_add(struct fw_loop *loop, int fd, int events, fw_io_fn *fn, void *ctx, struct fw_io **out);
/** Changes what is watched; 0 pauses. Costs nothing when unchanged. */
FW_API void fw_io_set(struct fw_io *io, int events);
FW_API void fw_io_remove(struct fw_io **io);

typedef void fw_timer_fn(void *ctx);
/** A stopped timer. [g] */
FW_API int fw_timer_new(struct fw_loop *loop, fw_timer_fn *fn, void *ctx, struct fw_timer **out);
/** Starts, or starts again, in `delay_ms`; then every `repeat_ms` unless 0. */
FW_API void fw_timer_start_ms(struct fw_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
FW_API void fw_timer_stop(struct fw_timer *timer);
FW_API bool fw_timer_running(const struct fw_timer *timer);
FW_API void fw_timer_free(struct fw_timer **timer);

/**
 * A task runs once at the end of the current turn, before the loop waits again: one flush per turn, and the
 * place where objects end themselves. Embed it in the object; zero-initialise, set fn and ctx.
 */
struct fw_task {
	void (*fn)(void *ctx);
	void *ctx;
	struct fw_task *next, **link; /**< the loop's; NULL when not queued */
};
/** Queues a task; once per turn however often it is called. */
FW_API void fw_defer(struct fw_loop *loop, struct fw_task *task);
/** Takes it out; must be called before the object that embeds it is freed. */
FW_API void fw_defer_cancel(struct fw_task *task);

/** Queues a task for the end of the loop itself: it runs in fw_loop_free(), unless it was taken out before. */
FW_API void fw_at_end(struct fw_loop *loop, struct fw_task *task);

struct fw_work;
typedef void fw_work_fn(void *ctx);
/**
 * Runs `work` in another thread, for what only blocks (a disk, the system's look-up of names), then `done` in the loop's.
 * What `work` touches is its own until `done`; it calls nothing of the loop's, and does not log.
 * @param out  set to NULL before `done` runs; must stay where it is until then [g]
 * @return FW_OK, FW_ENOMEM
 */
FW_API int fw_work_start(struct fw_loop *loop, fw_work_fn *work, fw_work_fn *done, void *ctx, struct fw_work **out);
/** Waits for `work`, or takes it back when it has not begun; `done` does not run. NULL is allowed. */
FW_API void fw_work_end(struct fw_work **work);

typedef void fw_signal_fn(void *ctx, int signo);
FW_API int fw_signal_add(struct fw_loop *loop, int signo, fw_signal_fn *fn, void *ctx, struct fw_signal **out);
FW_API void fw_signal_remove(struct fw_signal **signal);

FW_END_DECLS

#endif
