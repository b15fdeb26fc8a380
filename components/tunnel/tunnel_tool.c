/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs ssh-keygen, which makes keys and tells their fingerprints, without blocking the loop. Used
 * by commands and before sshd is started the first time.
 */
#include "components/tunnel/tunnel_tool.h"

#include <stdlib.h>
#include <string.h>

#include <fedway/io/process.h>
#include <fedway/io/socket.h>

enum { TOOL_WORDS_MAX = 12, TOOL_TIMEOUT_MS = 30000 };

struct tunnel_tool {
	struct tunnel_tool *next, **link;
	struct fw_process *process;
	struct fw_io *out, *err;
	struct fw_timer *timer;
	tunnel_tool_fn *done;
	void *ctx;
	char *says;
	size_t len;
	bool ended, good;
};

static void tool_free(struct tunnel_tool *tool)
{
	*tool->link = tool->next;
	if (tool->next != NULL) {
		tool->next->link = tool->link;
	}
	fw_io_remove(&tool->out);
	fw_io_remove(&tool->err);
	fw_timer_free(&tool->timer);
	fw_process_free(&tool->process);
	free(tool->says);
	free(tool);
}

/* False at the end. What is too long is read and forgotten. */
static bool tool_read(struct tunnel_tool *tool, enum fw_process_stream stream)
{
	char bytes[4096];
	ssize_t got = fw_socket_read(fw_process_fd(tool->process, stream), bytes, sizeof(bytes));

	if (got > 0) {
		size_t room = TUNNEL_TOOL_SAYS_MAX - tool->len;
		size_t take = (size_t)got < room ? (size_t)got : room;
		memcpy(tool->says + tool->len, bytes, take);
		tool->len += take;
	}
	return got > 0 || got == FW_EAGAIN;
}

static void tool_finish(struct tunnel_tool *tool)
{
	if (!tool->ended || tool->out != NULL || tool->err != NULL) {
		return;
	}
	tool->says[tool->len] = '\0';
	tunnel_tool_fn *done = tool->done;
	void *ctx = tool->ctx;
	bool good = tool->good;
	char *says = tool->says;
	tool->says = NULL;
	tool_free(tool); /* before: what follows may run another, or end us all */
	done(ctx, good, says);
	free(says);
}

static void tool_on_out(void *ctx, int events)
{
	struct tunnel_tool *tool = ctx;

	(void)events;
	if (!tool_read(tool, FW_PROCESS_STDOUT)) {
		fw_io_remove(&tool->out);
		tool_finish(tool);
	}
}

static void tool_on_err(void *ctx, int events)
{
	struct tunnel_tool *tool = ctx;

	(void)events;
	if (!tool_read(tool, FW_PROCESS_STDERR)) {
		fw_io_remove(&tool->err);
		tool_finish(tool);
	}
}

static void tool_on_exit(void *ctx, int status, int signo)
{
	struct tunnel_tool *tool = ctx;

	tool->ended = true;
	tool->good = status == 0 && signo == 0;
	tool_finish(tool);
}

static void tool_on_timeout(void *ctx)
{
	struct tunnel_tool *tool = ctx;

	fw_process_kill(tool->process, 9);
}

static int tool_watch(struct tunnel_tool *tool, struct fw_loop *loop)
{
	int ret = fw_io_add(loop, fw_process_fd(tool->process, FW_PROCESS_STDOUT), FW_IO_READ,
	                    tool_on_out, tool, &tool->out);

	if (ret == FW_OK) {
		ret = fw_io_add(loop, fw_process_fd(tool->process, FW_PROCESS_STDERR), FW_IO_READ,
		                tool_on_err, tool, &tool->err);
	}
	if (ret == FW_OK) {
		ret = fw_timer_new(loop, tool_on_timeout, tool, &tool->timer);
	}
	if (ret == FW_OK) {
		fw_timer_start_ms(tool->timer, TOOL_TIMEOUT_MS, 0);
	}
	return ret;
}

int tunnel_tool_run(struct tunnel *tunnel, const char *const *words, const char *input,
                    tunnel_tool_fn *done, void *ctx, struct fw_error *err)
{
	const char *argv[TOOL_WORDS_MAX + 2] = { tunnel_program(tunnel, TUNNEL_KEYGEN) };
	struct fw_loop *loop = fw_self_loop(tunnel->self);
	struct tunnel_tool *tool = calloc(1, sizeof(*tool));

	for (size_t i = 0; i < TOOL_WORDS_MAX && words[i] != NULL; i++) {
		argv[i + 1] = words[i];
	}
	const struct fw_process_plan plan = { argv,          NULL, tunnel->directory,
		                              input != NULL, true, true };
	if (tool == NULL) {
		return FW_ENOMEM;
	}
	tool->link = &tunnel->tools;
	tool->next = tunnel->tools;
	if (tool->next != NULL) {
		tool->next->link = &tool->next;
	}
	tunnel->tools = tool;
	tool->done = done;
	tool->ctx = ctx;
	tool->says = malloc(TUNNEL_TOOL_SAYS_MAX + 1);
	int ret = tool->says != NULL
	                  ? fw_process_start(loop, &plan, tool_on_exit, tool, &tool->process, err)
	                  : FW_ENOMEM;
	if (ret == FW_OK) {
		ret = tool_watch(tool, loop);
	}
	if (ret != FW_OK) {
		tool_free(tool);
		return ret;
	}
	if (input != NULL) { /* shorter than what a socket takes at once */
		const struct iovec piece = { (void *)(uintptr_t)input, strlen(input) };
		(void)fw_socket_write(fw_process_fd(tool->process, FW_PROCESS_STDIN), &piece, 1);
		fw_process_close(tool->process, FW_PROCESS_STDIN);
	}
	return FW_OK;
}

void tunnel_tool_stop(struct tunnel *tunnel)
{
	while (tunnel->tools != NULL) {
		struct tunnel_tool *tool = tunnel->tools;
		tunnel_tool_fn *done = tool->done;
		void *ctx = tool->ctx;
		tool_free(tool);
		done(ctx, false, NULL);
	}
}
