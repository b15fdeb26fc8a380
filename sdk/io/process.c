/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Children: fork, a few settings, exec. Components that supervise a program call it. It does not
 * use the loop library's own processes: those leave no room between fork and exec, where a child
 * is bound to our life. Whoever ends is found by SIGCHLD and waited for by its own number, so that
 * children of other libraries stay theirs.
 */
#include <fedway/io/process.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAMS = 3, ABOVE_STREAMS = 3, CHILD_FAILED = 127 };

struct fw_process {
	struct fw_loop *loop;
	struct fw_signal *ended; /* SIGCHLD */
	struct fw_task at_end;   /* of the loop: the last chance to collect it */
	struct fw_task tell;
	pid_t pid; /* 0: collected */
	int wait_status;
	int fds[STREAMS]; /* our ends */
	fw_process_fn *fn;
	void *ctx;
	bool running; /* as the owner knows */
};

/* What goes wrong in the child between fork and exec. */
struct child_error {
	int number;
	int in_directory;
};

static void close_fd(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

/* ---- the end ---- */

static void process_destroy(struct fw_process *process)
{
	fw_signal_remove(&process->ended);
	fw_defer_cancel(&process->at_end);
	fw_defer_cancel(&process->tell);
	for (int i = 0; i < STREAMS; i++) {
		close_fd(&process->fds[i]);
	}
	free(process);
}

/* True once the child is collected. */
static bool process_collect(struct fw_process *process, bool wait)
{
	pid_t got = 0;

	if (process->pid == 0) {
		return true;
	}
	do {
		got = waitpid(process->pid, &process->wait_status, wait ? 0 : WNOHANG);
	} while (got < 0 && errno == EINTR);
	if (got == 0) {
		return false;
	}
	if (got < 0) { /* somebody else has collected it: how it ended is not known */
		process->wait_status = 0;
	}
	process->pid = 0;
	return true;
}

static void process_tell(void *ctx)
{
	struct fw_process *process = ctx;
	bool killed = WIFSIGNALED(process->wait_status);

	process->running = false;
	process->fn(process->ctx, killed ? 0 : WEXITSTATUS(process->wait_status),
	            killed ? WTERMSIG(process->wait_status) : 0);
}

static void process_on_child(void *ctx, int signo)
{
	struct fw_process *process = ctx;

	(void)signo;
	if (!process_collect(process, false)) {
		return;
	}
	fw_signal_remove(&process->ended);
	if (process->fn == NULL) { /* its owner has gone */
		process_destroy(process);
	} else {
		fw_defer(process->loop, &process->tell);
	}
}

static void process_at_end(void *ctx)
{
	struct fw_process *process = ctx;

	process_collect(process, true);
	process_destroy(process);
}

void fw_process_free(struct fw_process **process)
{
	struct fw_process *dead = *process;

	*process = NULL;
	if (dead == NULL) {
		return;
	}
	fw_process_kill(dead, SIGKILL);
	if (process_collect(dead, false)) {
		process_destroy(dead);
		return;
	}
	dead->fn = NULL;
	for (int i = 0; i < STREAMS; i++) {
		close_fd(&dead->fds[i]);
	}
	fw_at_end(dead->loop, &dead->at_end);
}

/* ---- the child, until it is another program ---- */

static void child_reset_signals(void)
{
	struct sigaction action;
	sigset_t none;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	for (int signo = 1; signo < NSIG; signo++) {
		(void)sigaction(signo, &action, NULL); /* some cannot be changed */
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Only what signal-safety(7) allows: another thread of ours may have held any lock. */
static void child_run(const struct fw_process_plan *plan, const int fds[STREAMS], pid_t parent,
                      int report)
{
	static char *const no_env[] = { NULL };
	struct child_error error = { 0, 0 };

	child_reset_signals();
	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
		_exit(CHILD_FAILED); /* we had ended before it was said */
	}
	for (int i = 0; i < STREAMS; i++) {
		if (dup2(fds[i], i) < 0) {
			goto failed;
		}
	}
	/* All of ours is close-on-exec; this is for what a library may have opened. */
	(void)close_range(ABOVE_STREAMS, ~0U, CLOSE_RANGE_CLOEXEC);
	error.in_directory = 1;
	if (plan->directory != NULL && chdir(plan->directory) != 0) {
		goto failed;
	}
	error.in_directory = 0;
	/* execve() takes pointers to char for the sake of old programs, and changes nothing */
	execve(plan->argv[0], (char *const *)plan->argv,
	       plan->env != NULL ? (char *const *)plan->env : no_env);
failed:
	error.number = errno;
	(void)!write(report, &error, sizeof(error));
	_exit(CHILD_FAILED);
}

/* ---- the start ---- */

/* A descriptor that is in the way of the child's standard streams moves up. */
static int lift(int *fd)
{
	if (*fd >= 0 && *fd < ABOVE_STREAMS) {
		int higher = fcntl(*fd, F_DUPFD_CLOEXEC, ABOVE_STREAMS);
		close(*fd);
		*fd = higher;
	}
	return *fd >= 0 ? FW_OK : FW_ESYS;
}

static int stream_open(bool wanted, int *ours, int *theirs)
{
	int pair[2] = { -1, -1 };

	if (!wanted) {
		*theirs = open("/dev/null", O_RDWR | O_CLOEXEC);
		return lift(theirs);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		return FW_ESYS;
	}
	*ours = pair[0];
	*theirs = pair[1];
	/* Only ours: a program may not expect that its standard streams do not block. */
	if (lift(ours) != FW_OK || lift(theirs) != FW_OK ||
	    fcntl(*ours, F_SETFL, O_NONBLOCK) != 0) {
		return FW_ESYS;
	}
	return FW_OK;
}

/* Waits for the exec, which closes `report`, or for what went wrong before it. */
static int child_result(const struct fw_process_plan *plan, int report, struct fw_error *err)
{
	struct child_error error = { 0, 0 };
	ssize_t got = 0;

	do {
		got = read(report, &error, sizeof(error));
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(error)) {
		return FW_OK;
	}
	int code = error.number == ENOENT || error.number == ENOTDIR ? FW_ENOENT
	           : error.number == EACCES || error.number == EPERM ? FW_EDENIED
	           : error.number == ENOMEM                          ? FW_ENOMEM
	                                                             : FW_ESYS;
	return fw_error_set(err, code, "cannot run %s%s%s: %s", plan->argv[0],
	                    error.in_directory ? " in " : "",
	                    error.in_directory ? plan->directory : "", strerror(error.number));
}

static int process_fork(struct fw_process *process, const struct fw_process_plan *plan,
                        const int fds[STREAMS], struct fw_error *err)
{
	int report[2] = { -1, -1 };
	sigset_t all, before;
	pid_t parent = getpid();
	int ret = FW_ESYS;

	if (pipe2(report, O_CLOEXEC) != 0 || lift(&report[0]) != FW_OK ||
	    lift(&report[1]) != FW_OK) {
		fw_error_set(err, ret, "cannot run %s: %s", plan->argv[0], strerror(errno));
		goto done;
	}
	sigfillset(&all); /* no handler of ours may run in the child */
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0) {
		child_run(plan, fds, parent, report[1]);
	}
	int number = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		fw_error_set(err, ret, "cannot run %s: %s", plan->argv[0], strerror(number));
		goto done;
	}
	process->pid = pid;
	close_fd(&report[1]);
	ret = child_result(plan, report[0], err);
	if (ret != FW_OK) {
		process_collect(process, true);
	}
done:
	close_fd(&report[0]);
	close_fd(&report[1]);
	return ret;
}

static struct fw_process *process_new(struct fw_loop *loop, fw_process_fn *fn, void *ctx)
{
	struct fw_process *process = calloc(1, sizeof(*process));

	if (process == NULL) {
		return NULL;
	}
	process->loop = loop;
	process->fn = fn;
	process->ctx = ctx;
	process->at_end = (struct fw_task){ process_at_end, process, NULL, NULL };
	process->tell = (struct fw_task){ process_tell, process, NULL, NULL };
	for (int i = 0; i < STREAMS; i++) {
		process->fds[i] = -1;
	}
	return process;
}

int fw_process_start(struct fw_loop *loop, const struct fw_process_plan *plan, fw_process_fn *fn,
                     void *ctx, struct fw_process **out, struct fw_error *err)
{
	const bool wanted[STREAMS] = { plan->wants_stdin, plan->wants_stdout, plan->wants_stderr };
	int theirs[STREAMS] = { -1, -1, -1 };
	int ret = FW_OK;

	if (plan->argv[0] == NULL || plan->argv[0][0] != '/') {
		return fw_error_set(err, FW_EINVAL, "\"%s\" is no absolute path of a program",
		                    plan->argv[0] != NULL ? plan->argv[0] : "");
	}
	struct fw_process *process = process_new(loop, fn, ctx);
	if (process == NULL) {
		return fw_error_set(err, FW_ENOMEM, "cannot run %s: %s", plan->argv[0],
		                    fw_strerror(FW_ENOMEM));
	}
	for (int i = 0; i < STREAMS && ret == FW_OK; i++) {
		ret = stream_open(wanted[i], &process->fds[i], &theirs[i]);
	}
	if (ret == FW_OK) { /* before the fork: a child that ends at once is not missed */
		ret = fw_signal_add(loop, SIGCHLD, process_on_child, process, &process->ended);
	}
	if (ret != FW_OK) {
		fw_error_set(err, ret, "cannot run %s: %s", plan->argv[0], strerror(errno));
		goto done;
	}
	ret = process_fork(process, plan, theirs, err);
	if (ret != FW_OK) {
		goto done;
	}
	process->running = true;
	*out = process;
	process = NULL; /* given away */
done:
	for (int i = 0; i < STREAMS; i++) {
		close_fd(&theirs[i]);
	}
	if (process != NULL) {
		process_destroy(process);
	}
	return ret;
}

/* ---- what the owner asks ---- */

int fw_process_fd(const struct fw_process *process, enum fw_process_stream stream)
{
	return process->fds[stream];
}

void fw_process_close(struct fw_process *process, enum fw_process_stream stream)
{
	close_fd(&process->fds[stream]);
}

int64_t fw_process_pid(const struct fw_process *process)
{
	return process->pid;
}

bool fw_process_running(const struct fw_process *process)
{
	return process->running;
}

void fw_process_kill(struct fw_process *process, int signo)
{
	if (process->pid > 0) {
		(void)kill(process->pid, signo);
	}
}
