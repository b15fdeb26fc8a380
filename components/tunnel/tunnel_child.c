/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Supervises one program of OpenSSH. Used by tunnel_sshd.c and tunnel_edge.c, which know what it
 * says. A pause doubles with each failure and starts anew when the owner says that it works.
 */
#include "components/tunnel/tunnel_child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <fedway/io/socket.h>

static void child_start(void *ctx);

void tunnel_word(struct tunnel_words *words, const char *word)
{
	fw_assert(words->count < TUNNEL_WORDS_MAX);
	words->words[words->count++] = word;
	words->words[words->count] = NULL;
}

/* ---- its lines ---- */

/* sshd and ssh begin a line with its weight. */
static enum fw_level line_level(struct fw_str line)
{
	static const struct {
		const char *begin;
		enum fw_level level;
	} rows[] = {
		{ "fatal: ", FW_LOG_WARNING },
		{ "error: ", FW_LOG_WARNING },
		{ "debug", FW_LOG_DEBUG },
	};

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		size_t len = strlen(rows[i].begin);
		if (line.len >= len && memcmp(line.ptr, rows[i].begin, len) == 0) {
			return rows[i].level;
		}
	}
	return FW_LOG_INFO;
}

static void child_line(struct tunnel_child *child)
{
	struct fw_str line = fw_str_trim(fw_str_n(child->text, child->len));
	char quoted[sizeof(child->last)];

	child->len = 0;
	if (line.len == 0) {
		return;
	}
	fw_quote(line, quoted, sizeof(quoted));
	fw_log(child->log, child->logger, line_level(line), "%s", quoted);
	const struct tunnel_reason *reason = tunnel_reason_find(child->reasons, line);
	if (reason != NULL &&
	    (child->reason == NULL || reason < child->reason)) { /* the plainest comes first */
		child->reason = reason;
	}
	memcpy(child->last, quoted, sizeof(quoted));
	if (child->calls->line != NULL) {
		child->calls->line(child->ctx, line);
	}
}

/* False at its end. */
static bool child_read(struct tunnel_child *child)
{
	char bytes[4096];
	ssize_t got = fw_socket_read(fw_process_fd(child->process, FW_PROCESS_STDERR), bytes,
	                             sizeof(bytes));

	if (got == FW_EAGAIN) {
		return true;
	}
	for (ssize_t i = 0; i < got; i++) {
		if (bytes[i] == '\n' || child->len == sizeof(child->text)) {
			child_line(child);
		}
		if (bytes[i] != '\n') {
			child->text[child->len++] = bytes[i];
		}
	}
	return got > 0;
}

static void child_on_stderr(void *ctx, int events)
{
	struct tunnel_child *child = ctx;

	(void)events;
	if (!child_read(child)) {
		fw_io_remove(&child->io);
	}
}

/* ---- start and end ---- */

static void child_later(struct tunnel_child *child, const char *why, const char *remedy)
{
	const struct tunnel_config *config = child->tunnel->config;
	uint32_t pause = child->pause_ms > 0 ? child->pause_ms : config->backoff_min_ms;
	uint32_t max = config->backoff_max_ms > config->backoff_min_ms ? config->backoff_max_ms
	                                                               : config->backoff_min_ms;

	child->pause_ms = pause > max / 2 ? max : pause * 2;
	fw_timer_start_ms(child->again, pause, 0);
	fw_count(child->tunnel->self, TUNNEL_COUNT_FAILURES, 1);
	child->calls->failed(child->ctx, why, remedy);
}

static void child_on_exit(void *ctx, int status, int signo)
{
	struct tunnel_child *child = ctx;
	char why[400];

	if (child->io != NULL) { /* the last it has said */
		for (int i = 0; i < 16 && child_read(child); i++) {
		}
	}
	child_line(child);
	fw_io_remove(&child->io);
	if (child->reason != NULL) {
		snprintf(why, sizeof(why), "%s", child->reason->text);
	} else if (signo != 0) {
		snprintf(why, sizeof(why), "it was killed by signal %d (%s)", signo,
		         strsignal(signo));
	} else {
		snprintf(why, sizeof(why), "it ended with status %d%s%s", status,
		         child->last[0] != '\0' ? ": " : "", child->last);
	}
	const char *remedy = child->reason != NULL ? child->reason->remedy : NULL;
	fw_log(child->log, child->logger, FW_LOG_INFO, "program ended status=%d signal=%d", status,
	       signo);
	child->restarts++;
	child_later(child, why, remedy);
}

static void child_forget(struct tunnel_child *child)
{
	fw_io_remove(&child->io);
	fw_process_free(&child->process);
	child->reason = NULL;
	child->last[0] = '\0';
	child->len = 0;
}

static void child_start(void *ctx)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };
	struct tunnel_child *child = ctx;
	struct fw_loop *loop = fw_self_loop(child->tunnel->self);
	struct tunnel_words words = { .count = 0 };
	struct fw_error err = { 0 };

	child_forget(child);
	int ret = child->calls->command(child->ctx, &words, &err);
	if (ret == FW_EAGAIN) {
		return; /* the owner starts it when it is time */
	}
	const struct fw_process_plan plan = { words.words,  env,          child->tunnel->directory,
		                              child->talks, child->talks, true };
	if (ret == FW_OK) {
		ret = fw_process_start(loop, &plan, child_on_exit, child, &child->process, &err);
	}
	if (ret == FW_OK) {
		ret = fw_io_add(loop, fw_process_fd(child->process, FW_PROCESS_STDERR), FW_IO_READ,
		                child_on_stderr, child, &child->io);
	}
	if (ret != FW_OK) {
		fw_process_free(&child->process);
		child_later(child, err.text[0] != '\0' ? err.text : fw_strerror(ret),
		            ret == FW_ENOENT
		                    ? "install OpenSSH, or give the path of the program in the "
		                      "options"
		                    : NULL);
		return;
	}
	fw_log(child->log, child->logger, FW_LOG_DEBUG, "program started pid=%lld",
	       (long long)fw_process_pid(child->process));
	child->calls->started(child->ctx, child->process);
}

int tunnel_child_begin(struct tunnel_child *child)
{
	int ret =
	        fw_timer_new(fw_self_loop(child->tunnel->self), child_start, child, &child->again);

	if (ret == FW_OK) { /* from the loop: the owner is whole then */
		fw_timer_start_ms(child->again, 0, 0);
	}
	return ret;
}

void tunnel_child_end(struct tunnel_child *child)
{
	child_forget(child);
	fw_timer_free(&child->again);
}

void tunnel_child_again(struct tunnel_child *child)
{
	child_forget(child);
	child->pause_ms = 0;
	fw_timer_start_ms(child->again, 0, 0);
}

void tunnel_child_good(struct tunnel_child *child)
{
	child->pause_ms = 0;
}
