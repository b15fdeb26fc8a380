/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dials a server: targets in order, header, features, STARTTLS as the security mode asks, header
 * again. Called by S2S and by the dialback verifier. It ends where authentication begins, and
 * judges no certificate. Here are its beginning, its result and its log; dial_states.c has the
 * states.
 */
#include "sdk/io/dial_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fw_logger dial_log = FW_LOGGER("ConnInfoHistory");

const struct fw_choice fw_security_choices[] = {
	{ "tls-required", FW_SECURITY_REQUIRED, "no stream without TLS" },
	{ "tls-optional", FW_SECURITY_OPTIONAL, "TLS when the peer offers it" },
	{ "no-tls", FW_SECURITY_NONE, "never TLS" },
	{ NULL, 0, NULL },
};

/* ---- words for the log ---- */

static const char *dial_word(const struct fw_dial *dial, int state)
{
	switch (state) {
	case DIAL_CONNECT:
		return "PENDING";
	case DIAL_STREAM:
		return dial->secured ? "SECURED" : "CONNECTED";
	case DIAL_TLS:
		return "STARTTLS";
	case DIAL_LEAVE:
		return "CLOSING";
	default:
		return "READY";
	}
}

static void dial_changed(void *owner, int from, int to, uint64_t spent_us)
{
	struct fw_dial *dial = owner;
	const struct fw_target *target = &dial->targets[dial->current];
	char addr[FW_ADDR_TEXT_SIZE];

	if (from < FW_DIAL_PHASES) {
		dial->spent_us[from] += spent_us;
	}
	if (to == DIAL_CONNECT) {
		return; /* told as a failure, with its cause */
	}
	fw_log(dial->settings.log, &dial_log, FW_LOG_INFO, "%s->%s target=%s[%s] spent_ms=%.1f",
	       dial_word(dial, from), dial_word(dial, to), target->host,
	       fw_addr_text(&target->addr, addr), (double)spent_us / 1000.0);
}

static void dial_log_failure(struct fw_dial *dial, enum fw_cause cause, const char *detail)
{
	const struct fw_target *target = &dial->targets[dial->current];
	uint64_t spent_us = fw_now_us(dial->loop) - dial->machine.entered_us;
	char addr[FW_ADDR_TEXT_SIZE], words[300];

	fw_log(dial->settings.log, &dial_log, FW_LOG_INFO,
	       "%s->FAILED target=%s[%s] spent_ms=%.1f cause=%s detail=%s",
	       dial_word(dial, dial->machine.state), target->host,
	       fw_addr_text(&target->addr, addr), (double)spent_us / 1000.0,
	       fw_cause_row(cause)->name, fw_quote(fw_str(detail), words, sizeof(words)));
}

/* ---- the end ---- */

void dial_drop_header(struct fw_dial *dial)
{
	free(dial->header_text);
	dial->header_text = NULL;
	memset(&dial->header, 0, sizeof(dial->header));
}

/* Ends the attempt at one target. */
static void drop_attempt(struct fw_dial *dial)
{
	fw_defer_cancel(&dial->refused);
	fw_io_remove(&dial->io);
	fw_socket_close(&dial->fd);
	fw_channel_free(&dial->channel);
	dial_drop_header(dial);
	dial->secured = false;
	dial->leaving = FW_CAUSE_NONE;
}

/* Tells the result. The owner may cancel the dial meanwhile: nothing of it is used afterwards. */
static void dial_tell(struct fw_dial *dial, enum fw_cause cause, const char *detail,
                      size_t target_at, struct fw_stanza *features)
{
	const struct fw_target target = dial->targets[target_at];
	char *header_text = dial->header_text;
	char words[sizeof(dial->failure.detail)];
	struct fw_dial_result result = {
		.cause = cause,
		.detail = words,
		.channel = dial->channel,
		.features = features,
		.header = dial->header,
		.target = &target,
	};

	snprintf(words, sizeof(words), "%s", detail);
	memcpy(result.spent_us, dial->spent_us, sizeof(result.spent_us));
	dial->header_text = NULL;
	dial->channel = NULL;
	fw_machine_stop(&dial->machine);
	dial->done(dial->ctx, &result);
	fw_channel_free(&result.channel);
	free(header_text);
}

void dial_ready(struct fw_dial *dial, struct fw_stanza *features)
{
	fw_machine_goto(&dial->machine, DIAL_DONE);
	dial_tell(dial, FW_CAUSE_NONE, "", dial->current, features);
}

/* A target that answered tells more than one that was silent, and that more than one that refused.
 */
static int failure_rank(enum fw_cause cause)
{
	switch (cause) {
	case FW_CAUSE_CONNECT_FAILED:
		return 1;
	case FW_CAUSE_CONNECT_TIMEOUT:
		return 2;
	case FW_CAUSE_HEADER_TIMEOUT:
		return 3;
	default:
		return 4;
	}
}

void dial_fail(struct fw_dial *dial, enum fw_cause cause, const char *detail)
{
	struct dial_failure *failure = &dial->failure;
	int rank = failure_rank(cause);

	dial_log_failure(dial, cause, detail);
	if (rank >= failure->rank) {
		failure->rank = rank;
		failure->cause = cause;
		failure->target = dial->current;
		snprintf(failure->detail, sizeof(failure->detail), "%s", detail);
	}
	drop_attempt(dial);
	if (dial->current + 1 < dial->settings.target_count) {
		dial->current++;
		fw_machine_goto(&dial->machine, DIAL_CONNECT);
		return;
	}
	if (dial->machine.state < FW_DIAL_PHASES) {
		dial->spent_us[dial->machine.state] +=
		        fw_now_us(dial->loop) - dial->machine.entered_us;
	}
	dial_tell(dial, failure->cause, failure->detail, failure->target, NULL);
}

/* ---- the channel's events ---- */

/* The header outlives its event: it is part of the result. */
static bool keep_header(struct fw_dial *dial, const struct fw_stream_header *header)
{
	struct fw_str *slices[4];
	size_t size = header->to.len + header->from.len + header->id.len + header->lang.len;
	char *text = malloc(size + 1);

	if (text == NULL) {
		return false;
	}
	dial_drop_header(dial);
	dial->header_text = text;
	dial->header = *header;
	slices[0] = &dial->header.to;
	slices[1] = &dial->header.from;
	slices[2] = &dial->header.id;
	slices[3] = &dial->header.lang;
	for (size_t i = 0; i < FW_COUNT(slices); i++) {
		if (slices[i]->ptr != NULL) {
			memcpy(text, slices[i]->ptr, slices[i]->len);
			slices[i]->ptr = text;
			text += slices[i]->len;
		}
	}
	return true;
}

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct fw_dial *dial = ctx;

	if (keep_header(dial, header)) {
		fw_machine_send(&dial->machine, DIAL_OPENED, NULL);
	} else {
		dial_fail(dial, FW_CAUSE_RESOURCES, "out of memory");
	}
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	struct fw_dial *dial = ctx;

	fw_machine_send(&dial->machine, DIAL_ELEMENT, *stanza);
}

static void on_secured(void *ctx)
{
	struct fw_dial *dial = ctx;

	fw_machine_send(&dial->machine, DIAL_SECURED, NULL);
}

static void on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct fw_dial *dial = ctx;
	struct dial_closed closed = { cause, detail };

	fw_machine_send(&dial->machine, DIAL_CLOSED, &closed);
}

const struct fw_channel_events dial_channel_events = {
	.opened = on_opened,
	.element = on_element,
	.secured = on_secured,
	.closed = on_closed,
};

/* ---- the owner's calls ---- */

static void dial_free(struct fw_dial *dial)
{
	fw_machine_stop(&dial->machine);
	drop_attempt(dial);
	fw_tls_context_release(&dial->settings.tls);
	free(dial->local_domain);
	free(dial->remote_domain);
	free(dial->targets);
	free(dial);
}

static bool copy_settings(struct fw_dial *dial, const struct fw_dial_settings *settings)
{
	dial->settings = *settings;
	if (settings->tls != NULL) {
		dial->settings.tls = fw_tls_context_ref(settings->tls);
	}
	dial->local_domain = fw_str_dup(fw_str(settings->local_domain));
	dial->remote_domain = fw_str_dup(fw_str(settings->remote_domain));
	dial->targets = calloc(settings->target_count, sizeof(*dial->targets));
	if (dial->targets == NULL) {
		return false;
	}
	memcpy(dial->targets, settings->targets, settings->target_count * sizeof(*dial->targets));
	return dial->local_domain != NULL && dial->remote_domain != NULL;
}

int fw_dial_start(struct fw_loop *loop, const struct fw_dial_settings *settings, fw_dial_fn *done,
                  void *ctx, struct fw_dial **out)
{
	if (settings->target_count == 0 ||
	    (settings->security != FW_SECURITY_NONE && settings->tls == NULL)) {
		return FW_EINVAL;
	}
	struct fw_dial *dial = calloc(1, sizeof(*dial));
	if (dial == NULL) {
		return FW_ENOMEM;
	}
	dial->loop = loop;
	dial->fd = -1;
	dial->done = done;
	dial->ctx = ctx;
	dial->refused = (struct fw_task){ dial_connect_refused, dial, NULL, NULL };
	dial->machine.log = settings->log;
	dial->machine.changed = dial_changed;
	int ret = copy_settings(dial, settings) ? FW_OK : FW_ENOMEM;
	if (ret == FW_OK) {
		ret = fw_machine_start(&dial->machine, dial_rows, DIAL_STATES, DIAL_CONNECT, loop,
		                       dial);
	}
	if (ret != FW_OK) {
		dial_free(dial);
		return ret;
	}
	*out = dial;
	return FW_OK;
}

void fw_dial_cancel(struct fw_dial **dial)
{
	struct fw_dial *old = *dial;

	*dial = NULL;
	if (old != NULL) {
		dial_free(old);
	}
}

const char *fw_dial_phase_name(const struct fw_dial *dial)
{
	return fw_machine_state_name(&dial->machine);
}
