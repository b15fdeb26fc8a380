/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Children: what they get, how they end, and that none is left, alive or as a zombie.
 */
#include <fedway/io/process.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <fedway/io/socket.h>

struct probe {
	struct fw_loop *loop;
	struct fw_process *process;
	int ends, status, signo;
	char text[4096]; /* what was read */
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
	struct probe *p = *state;

	fw_process_free(&p->process);
	fw_loop_free(&p->loop);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
	assert_int_equal(errno, ECHILD);
	return 0;
}

static void on_end(void *ctx, int status, int signo)
{
	struct probe *p = ctx;

	p->ends++;
	p->status = status;
	p->signo = signo;
}

static int start(struct probe *p, const struct fw_process_plan *plan, struct fw_error *err)
{
	return fw_process_start(p->loop, plan, on_end, p, &p->process, err);
}

/* A shell is a handy child; the library itself uses none. */
static void start_shell(struct probe *p, const char *script, const char *directory)
{
	const char *const argv[] = { "/bin/sh", "-c", script, "name", NULL };
	const char *const env[] = { "PATH=/usr/bin:/bin", "COLOUR=blue", NULL };
	const struct fw_process_plan plan = { argv, env, directory, true, true, true };
	struct fw_error err = { 0 };

	if (start(p, &plan, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	assert_true(fw_process_running(p->process));
	assert_true(fw_process_pid(p->process) > 0);
}

static void turn_until_end(struct probe *p)
{
	while (p->ends == 0) {
		fw_loop_turn(p->loop, true);
	}
	assert_false(fw_process_running(p->process));
}

/* All that it wrote on a stream, after its end. */
static const char *said(struct probe *p, enum fw_process_stream stream)
{
	size_t len = 0;
	ssize_t got = 0;

	while ((got = fw_socket_read(fw_process_fd(p->process, stream), p->text + len,
	                             sizeof(p->text) - 1 - len)) > 0) {
		len += (size_t)got;
	}
	p->text[len] = '\0';
	return p->text;
}

static void a_child_gets_its_arguments_environment_and_directory_and_nothing_else(void **state)
{
	struct probe *p = *state;
	int leak = open("/dev/null", O_RDONLY); /* not close-on-exec, as a library may open it */

	assert_true(leak >= 0);
	assert_int_equal(setenv("FEDWAY_TEST_LEAK", "1", 1), 0);
	start_shell(p, "echo $0 $COLOUR $FEDWAY_TEST_LEAK $(pwd); ls /proc/$$/fd; true", "/usr");
	turn_until_end(p);
	assert_int_equal(p->status, 0);
	assert_int_equal(p->signo, 0);
	assert_string_equal(said(p, FW_PROCESS_STDOUT), "name blue /usr\n0\n1\n2\n");
	close(leak);
}

static void bytes_go_in_and_come_out_and_the_end_of_the_input_is_seen(void **state)
{
	struct probe *p = *state;
	const struct iovec piece = { "some bytes\n", 11 };

	start_shell(p, "cat; echo trouble >&2; exit 7", NULL);
	assert_int_equal(fw_socket_write(fw_process_fd(p->process, FW_PROCESS_STDIN), &piece, 1),
	                 11);
	fw_process_close(p->process, FW_PROCESS_STDIN);
	assert_int_equal(fw_process_fd(p->process, FW_PROCESS_STDIN), -1);
	turn_until_end(p);
	assert_int_equal(p->status, 7);
	assert_string_equal(said(p, FW_PROCESS_STDOUT), "some bytes\n");
	assert_string_equal(said(p, FW_PROCESS_STDERR), "trouble\n");
	assert_int_equal(p->ends, 1);
}

static void streams_that_are_not_wanted_are_dev_null(void **state)
{
	const char *const argv[] = { "/bin/sh", "-c", "cat; test -c /dev/stdout", NULL };
	const struct fw_process_plan plan = { argv, NULL, NULL, false, false, false };
	struct probe *p = *state;

	assert_int_equal(start(p, &plan, NULL), FW_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fw_process_fd(p->process, (enum fw_process_stream)i), -1);
	}
	turn_until_end(p);
	assert_int_equal(p->status, 0);
}

static void signals_begin_at_their_defaults_and_tell_how_it_ended(void **state)
{
	struct probe *p = *state;

	assert_true(signal(SIGTERM, SIG_IGN) != SIG_ERR);
	start_shell(p, "sleep 600 & wait", NULL);
	assert_true(signal(SIGTERM, SIG_DFL) != SIG_ERR);
	assert_int_equal(getsid((pid_t)fw_process_pid(p->process)), fw_process_pid(p->process));
	fw_process_kill(p->process, SIGTERM);
	turn_until_end(p);
	assert_int_equal(p->signo, SIGTERM);
	fw_process_kill(p->process, SIGTERM); /* it has ended: nobody else is hit */
}

static void what_cannot_be_run_says_why(void **state)
{
	static const struct {
		const char *program, *directory;
		int code;
		const char *text;
	} rows[] = {
		{ "/nowhere/program", NULL, FW_ENOENT,
		  "cannot run /nowhere/program: No such file or directory" },
		{ "/etc/passwd", NULL, FW_EDENIED, "cannot run /etc/passwd: Permission denied" },
		{ "/bin/sh", "/nowhere", FW_ENOENT,
		  "cannot run /bin/sh in /nowhere: No such file or directory" },
		{ "sh", NULL, FW_EINVAL, "\"sh\" is no absolute path of a program" },
	};
	struct probe *p = *state;

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const char *const argv[] = { rows[i].program, NULL };
		const struct fw_process_plan plan = { argv, NULL, rows[i].directory,
			                              true, true, true };
		struct fw_error err = { 0 };

		assert_int_equal(start(p, &plan, &err), rows[i].code);
		assert_string_equal(err.text, rows[i].text);
		assert_null(p->process);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	}
}

static void free_at_end(void *ctx, int status, int signo)
{
	struct probe *p = ctx;

	on_end(ctx, status, signo);
	fw_process_free(&p->process);
}

static void a_child_may_be_freed_in_its_own_callback(void **state)
{
	const char *const argv[] = { "/bin/true", NULL };
	const struct fw_process_plan plan = { argv, NULL, NULL, false, false, false };
	struct probe *p = *state;

	assert_int_equal(fw_process_start(p->loop, &plan, free_at_end, p, &p->process, NULL),
	                 FW_OK);
	while (p->ends == 0) {
		fw_loop_turn(p->loop, true);
	}
	assert_null(p->process);
}

static void a_child_that_is_freed_is_killed_and_collected_by_the_loop(void **state)
{
	struct probe *p = *state;

	start_shell(p, "sleep 600", NULL);
	pid_t pid = (pid_t)fw_process_pid(p->process);
	fw_process_free(&p->process);
	while (kill(pid, 0) == 0) {
		fw_loop_turn(p->loop, true);
	}
	assert_int_equal(p->ends, 0);
	/* And one that the loop has no time for: its end collects it. */
	start_shell(p, "sleep 600", NULL);
}

static void several_children_end_each_by_itself(void **state)
{
	struct probe *p = *state;
	struct probe others[8];

	memset(others, 0, sizeof(others));
	for (size_t i = 0; i < FW_COUNT(others); i++) {
		others[i].loop = p->loop;
		start_shell(&others[i], i % 2 == 0 ? "exit 3" : "kill -KILL $$", NULL);
	}
	for (size_t i = 0; i < FW_COUNT(others); i++) {
		turn_until_end(&others[i]);
		assert_int_equal(others[i].ends, 1);
		assert_int_equal(others[i].status, i % 2 == 0 ? 3 : 0);
		assert_int_equal(others[i].signo, i % 2 == 0 ? 0 : SIGKILL);
		fw_process_free(&others[i].process);
	}
}

static void a_child_works_when_our_standard_streams_are_closed(void **state)
{
	struct probe *p = *state;
	int kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 100);

	close(STDIN_FILENO);
	start_shell(p, "echo here; echo there >&2", NULL);
	if (kept >= 0) {
		assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
		close(kept);
	}
	turn_until_end(p);
	assert_string_equal(said(p, FW_PROCESS_STDOUT), "here\n");
	assert_string_equal(said(p, FW_PROCESS_STDERR), "there\n");
}

/* Starts a child, tells its number, and waits to be killed. */
static void be_killed(int tell)
{
	const char *const argv[] = { "/bin/sleep", "600", NULL };
	const struct fw_process_plan plan = { argv, NULL, NULL, true, true, true };
	struct fw_loop *loop = NULL;
	struct fw_process *process = NULL;

	if (fw_loop_new(&loop) == FW_OK &&
	    fw_process_start(loop, &plan, on_end, NULL, &process, NULL) == FW_OK) {
		int64_t pid = fw_process_pid(process);
		(void)!write(tell, &pid, sizeof(pid));
		pause();
	}
	_exit(1);
}

static void a_child_does_not_outlive_the_process_that_started_it(void **state)
{
	int told[2], status = 0;
	int64_t child = 0;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* orphans come to us */
	assert_int_equal(pipe(told), 0);
	pid_t middle = fork();
	if (middle == 0) {
		be_killed(told[1]);
	}
	assert_int_equal(read(told[0], &child, sizeof(child)), sizeof(child));
	assert_int_equal(kill(middle, SIGKILL), 0);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	assert_int_equal(waitpid((pid_t)child, &status, 0), (pid_t)child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(told[0]);
	close(told[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_child_gets_its_arguments_environment_and_directory_and_nothing_else),
		CASE(bytes_go_in_and_come_out_and_the_end_of_the_input_is_seen),
		CASE(streams_that_are_not_wanted_are_dev_null),
		CASE(signals_begin_at_their_defaults_and_tell_how_it_ended),
		CASE(what_cannot_be_run_says_why),
		CASE(a_child_may_be_freed_in_its_own_callback),
		CASE(a_child_that_is_freed_is_killed_and_collected_by_the_loop),
		CASE(several_children_end_each_by_itself),
		CASE(a_child_works_when_our_standard_streams_are_closed),
		CASE(a_child_does_not_outlive_the_process_that_started_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
