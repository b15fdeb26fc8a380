/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The race between the targets of a server (RFC 8305, XEP-0495): who begins when, who has won, and
 * what to tell when nobody has. Called by S2S and by the dialback verifier. It knows no protocol
 * and leaves the verdict on certificates to the owner; what happens with one target is in
 * dial_attempt.c.
 */
#include "sdk/io/dial_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct fw_choice fw_security_choices[] = {
	{ "tls-required", FW_SECURITY_REQUIRED, "no stream without TLS" },
	{ "tls-optional", FW_SECURITY_OPTIONAL, "TLS when the peer offers it" },
	{ "no-tls", FW_SECURITY_NONE, "never TLS" },
	{ NULL, 0, NULL },
};

/* ---- the end ---- */

static void dial_free(struct fw_dial *dial)
{
	fw_defer_cancel(&dial->nothing);
	fw_timer_free(&dial->delay);
	while (dial->racing != NULL) {
		struct dial_attempt *attempt = dial->racing;
		dial_attempt_free(&attempt);
	}
	fw_tls_context_release(&dial->settings.tls);
	free(dial->local_domain);
	free(dial->remote_domain);
	free(dial->targets);
	free(dial);
}

/* The owner may cancel the dial from inside; what the result points to lives until it is back. */
static void dial_tell(struct fw_dial *dial, struct fw_dial_result *result)
{
	fw_timer_stop(dial->delay);
	result->attempts = dial->attempts;
	result->attempt_count = dial->attempt_count;
	dial->telling = true;
	dial->done(dial->ctx, result);
	dial->telling = false;
	fw_channel_free(&result->channel);
	if (dial->cancelled) {
		dial_free(dial);
	}
}

static void dial_tell_failure(struct fw_dial *dial)
{
	const struct fw_dial_attempt *failure = dial->failure;
	struct fw_dial_result result = {
		.cause = FW_CAUSE_CONNECT_FAILED,
		.detail = "all targets want direct TLS, which the security mode forbids",
		.target = &dial->targets[0],
	};

	if (failure != NULL) {
		result.cause = failure->cause;
		result.detail = failure->detail;
		result.target = failure->target;
		memcpy(result.spent_us, failure->spent_us, sizeof(result.spent_us));
		dial->phase = failure->phase;
	}
	dial_tell(dial, &result);
}

static void dial_on_nothing(void *ctx)
{
	dial_tell_failure(ctx);
}

/* ---- the race ---- */

/* A target that answered tells more than one that was silent, and that more than one that refused.
 */
static int failure_rank(const struct fw_dial_attempt *attempt)
{
	switch (attempt->cause) {
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

/* Of two that tell as much the later one counts. */
static void race_keep_failure(struct fw_dial *dial, struct fw_dial_attempt *failed)
{
	if (dial->failure == NULL || failure_rank(failed) >= failure_rank(dial->failure)) {
		dial->failure = failed;
	}
}

/* XEP-0495 §4.1: an operator's priorities mean something, so a worse one gives more of a start. */
static void race_wait(struct fw_dial *dial)
{
	const struct fw_target *next;

	if (dial->next >= dial->target_count) {
		fw_timer_stop(dial->delay);
		return;
	}
	next = &dial->targets[dial->next];
	bool worse = dial->next > 0 && next->priority != next[-1].priority;
	fw_timer_start_ms(dial->delay,
	                  (uint64_t)dial->settings.attempt_delay_ms * (worse ? 2 : 1), 0);
}

/* The next target begins. */
static void race_next(void *ctx)
{
	struct fw_dial *dial = ctx;
	int ret = FW_ENOMEM;

	while (ret != FW_OK && dial->next < dial->target_count) {
		struct fw_dial_attempt *record = &dial->attempts[dial->attempt_count++];
		record->target = &dial->targets[dial->next++];
		record->begun_us = fw_now_us(dial->loop) - dial->begun_us;
		ret = dial_attempt_start(dial, record);
		if (ret != FW_OK) {
			record->cause = FW_CAUSE_RESOURCES;
			snprintf(record->detail, sizeof(record->detail), "%s", fw_strerror(ret));
			race_keep_failure(dial, record);
		}
	}
	race_wait(dial);
}

void dial_progressed(struct fw_dial *dial)
{
	if (fw_timer_running(dial->delay)) {
		race_wait(dial);
	}
}

void dial_lost(struct dial_attempt *attempt)
{
	struct fw_dial *dial = attempt->dial;

	race_keep_failure(dial, attempt->record);
	dial_attempt_free(&attempt);
	race_next(dial);
	if (dial->racing == NULL) {
		dial_tell_failure(dial);
	}
}

void dial_won(struct dial_attempt *attempt, struct fw_stanza *features)
{
	struct fw_dial *dial = attempt->dial;
	char *header_text = attempt->header_text;
	struct fw_dial_result result = {
		.detail = "",
		.channel = attempt->channel,
		.features = features,
		.header = attempt->header,
		.target = attempt->record->target,
	};

	memcpy(result.spent_us, attempt->record->spent_us, sizeof(result.spent_us));
	dial->phase = attempt->record->phase;
	attempt->channel = NULL;
	attempt->header_text = NULL;
	dial_attempt_free(&attempt);
	while (dial->racing != NULL) {
		dial_attempt_outrun(dial->racing);
	}
	dial_tell(dial, &result);
	free(header_text);
}

/* ---- the owner's calls ---- */

static bool same_record(const struct fw_target *a, const struct fw_target *b)
{
	return fw_addr_port(&a->addr) == fw_addr_port(&b->addr) && a->tls == b->tls &&
	       a->priority == b->priority && strcmp(a->host, b->host) == 0;
}

/* RFC 8305 §4: the families take turns. Only within one host, whose place SRV has decided. */
static void order_families(struct fw_target *targets, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct fw_target *last = &targets[i - 1];
		size_t other = i;

		while (other < count && same_record(last, &targets[other]) &&
		       last->addr.storage.ss_family == targets[other].addr.storage.ss_family) {
			other++;
		}
		if (other < count && same_record(last, &targets[other])) {
			const struct fw_target moved = targets[other];
			memmove(&targets[i + 1], &targets[i], (other - i) * sizeof(*targets));
			targets[i] = moved;
		}
	}
}

static bool copy_targets(struct fw_dial *dial, const struct fw_dial_settings *settings)
{
	dial->targets = calloc(settings->target_count, sizeof(*dial->targets));
	if (dial->targets == NULL) {
		return false;
	}
	dial->targets[0] = settings->targets[0];
	for (size_t i = 0; i < settings->target_count; i++) {
		if (settings->security != FW_SECURITY_NONE ||
		    settings->targets[i].tls == FW_TARGET_STARTTLS) {
			dial->targets[dial->target_count++] = settings->targets[i];
		}
	}
	order_families(dial->targets, dial->target_count);
	if (dial->target_count > FW_TARGETS_MAX) {
		dial->target_count = FW_TARGETS_MAX;
	}
	return true;
}

static bool copy_settings(struct fw_dial *dial, const struct fw_dial_settings *settings)
{
	dial->settings = *settings;
	if (settings->tls != NULL) {
		dial->settings.tls = fw_tls_context_ref(settings->tls);
	}
	if (settings->attempt_delay_ms == 0) {
		dial->settings.attempt_delay_ms = FW_DIAL_DELAY_MS;
	}
	dial->local_domain = fw_str_dup(fw_str(settings->local_domain));
	dial->remote_domain = fw_str_dup(fw_str(settings->remote_domain));
	return dial->local_domain != NULL && dial->remote_domain != NULL &&
	       copy_targets(dial, settings);
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
	dial->done = done;
	dial->ctx = ctx;
	dial->begun_us = fw_now_us(loop);
	dial->nothing = (struct fw_task){ dial_on_nothing, dial, NULL, NULL };
	if (!copy_settings(dial, settings) ||
	    fw_timer_new(loop, race_next, dial, &dial->delay) != FW_OK) {
		dial_free(dial);
		return FW_ENOMEM;
	}
	race_next(dial);
	if (dial->racing == NULL) {
		fw_defer(loop, &dial->nothing);
	}
	*out = dial;
	return FW_OK;
}

void fw_dial_cancel(struct fw_dial **dial)
{
	struct fw_dial *old = *dial;

	*dial = NULL;
	if (old != NULL && old->telling) {
		old->cancelled = true;
	} else if (old != NULL) {
		dial_free(old);
	}
}

const char *fw_dial_phase_name(const struct fw_dial *dial)
{
	static const char *const names[FW_DIAL_PHASES] = {
		[FW_DIAL_CONNECT] = "connect",
		[FW_DIAL_STREAM] = "stream",
		[FW_DIAL_TLS] = "tls",
	};
	enum fw_dial_phase phase = dial->phase;

	for (const struct dial_attempt *at = dial->racing; at != NULL; at = at->next) {
		phase = at->record->phase > phase ? at->record->phase : phase;
	}
	return names[phase];
}
