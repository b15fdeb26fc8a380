/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Programs of others, run as children: no shell, nothing of ours open in them, and none outlives us. A child has a
 * session of its own, the default for every signal, and is killed by the system when the process that started it
 * ends, however it ends (prctl(2), PR_SET_PDEATHSIG; not children of the child, and not a program that is
 * set-user-ID). Its standard streams are /dev/null, or stream sockets whose other end the owner watches.
 */
#ifndef FEDWAY_IO_PROCESS_H
#define FEDWAY_IO_PROCESS_H

#include <stdbool.h>

#include <fedway/io/loop.h>

FW_BEGIN_DECLS

struct fw_process;

/** Standard streams of a child. */
enum fw_process_stream { FW_PROCESS_STDIN, FW_PROCESS_STDOUT, FW_PROCESS_STDERR };

/** What to run. All is copied or used up before fw_process_start() returns. */
struct fw_process_plan {
	const char *const *argv; /**< ends with NULL; argv[0] is an absolute path */
	const char *const *env;  /**< "NAME=value", ends with NULL: all that the child gets; NULL: nothing */
	const char *directory;   /**< to work in; NULL: ours */
	bool wants_stdin;        /**< we write to it; else it is /dev/null, as the next two */
	bool wants_stdout;
	bool wants_stderr;
};

/**
 * The child has ended; runs once, never from within a call of the owner's. What it had written can still be read.
 * @param status  what it returned, when `signo` is 0
 * @param signo   the signal that ended it, or 0
 */
typedef void fw_process_fn(void *ctx, int status, int signo);

/**
 * Starts a program.
 * @param out  the child [g]
 * @return FW_OK: it runs; FW_ENOENT when there is no such file, FW_EDENIED when it may not be run, FW_ENOMEM,
 *         FW_EINVAL when argv[0] is no absolute path, FW_ESYS; then nothing runs, and `err` names the program
 */
FW_API int fw_process_start(struct fw_loop *loop, const struct fw_process_plan *plan, fw_process_fn *fn, void *ctx,
                            struct fw_process **out, struct fw_error *err);
/**
 * Our end of a stream: non-blocking, for fw_io_add(), fw_socket_read() and fw_socket_write(); -1 when it was not
 * wanted, or is closed. It stays the process's: see fw_process_close().
 */
FW_API int fw_process_fd(const struct fw_process *process, enum fw_process_stream stream);
/** Closes our end, e.g. so that the child reads the end of its input. A watcher must be gone before. */
FW_API void fw_process_close(struct fw_process *process, enum fw_process_stream stream);
FW_API int64_t fw_process_pid(const struct fw_process *process);
/** Not told as ended yet. */
FW_API bool fw_process_running(const struct fw_process *process);
/** Sends a signal; nothing happens when the child has ended. */
FW_API void fw_process_kill(struct fw_process *process, int signo);
/**
 * Forgets the child: one that runs is killed (SIGKILL), its callback does not run, and the loop collects it. Closes
 * our ends: watchers must be gone before. NULL is allowed. [t]
 */
FW_API void fw_process_free(struct fw_process **process);

FW_END_DECLS

#endif
