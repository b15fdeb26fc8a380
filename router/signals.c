/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which signal means what; one row each. What is done then is daemon.c's business.
 */
#include "router/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

static const struct {
	int signo;
	size_t event; /* offset in struct signals_events */
} signal_rows[] = {
	{ SIGHUP, offsetof(struct signals_events, reload) },
	{ SIGTERM, offsetof(struct signals_events, stop) },
	{ SIGINT, offsetof(struct signals_events, stop) },
	{ SIGUSR1, offsetof(struct signals_events, reopen) },
};

struct signals {
	const struct signals_events *events;
	void *ctx;
	struct fw_signal *watches[FW_COUNT(signal_rows)];
};

static void signal_came(void *ctx, int signo)
{
	struct signals *signals = ctx;

	for (size_t i = 0; i < FW_COUNT(signal_rows); i++) {
		if (signal_rows[i].signo == signo) {
			const char *base = (const char *)signals->events + signal_rows[i].event;
			void (*const *event)(void *) = (void (*const *)(void *))(const void *)base;
			(*event)(signals->ctx);
		}
	}
}

int signals_start(struct fw_loop *loop, const struct signals_events *events, void *ctx,
                  struct signals **out)
{
	int ret = FW_ENOMEM;
	struct signals *signals = calloc(1, sizeof(*signals));

	if (signals == NULL) {
		goto done;
	}
	signals->events = events;
	signals->ctx = ctx;
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < FW_COUNT(signal_rows); i++) {
		ret = fw_signal_add(loop, signal_rows[i].signo, signal_came, signals,
		                    &signals->watches[i]);
		if (ret != FW_OK) {
			goto done;
		}
	}
	*out = signals;
	signals = NULL;
done:
	signals_stop(&signals);
	return ret;
}

void signals_stop(struct signals **signals)
{
	if (*signals == NULL) {
		return;
	}
	for (size_t i = 0; i < FW_COUNT(signal_rows); i++) {
		fw_signal_remove(&(*signals)->watches[i]);
	}
	free(*signals);
	*signals = NULL;
}
