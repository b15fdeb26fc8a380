/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The streams that are looked at while there are traces: each direction is cut into units, which go
 * to the traces that want them. A stream that has not said yet whose it is keeps its first units.
 */
#include <stdlib.h>
#include <time.h>

#include "components/s2s/s2s_trace.h"
#include "components/s2s/trace_cut.h"

enum { TAP_KEPT_MAX = 16384 }; /* bytes of streams whose domain is not known yet */

/* A unit that waits for the name of its stream's domain. */
struct tap_kept {
	struct tap_kept *next;
	uint64_t time_us;
	bool sent, tls;
	size_t len;
	char bytes[]; /* raw, then shown */
};

/* One channel. */
struct s2s_tap {
	struct s2s_tap *next, **link;
	struct s2s_traces *traces;
	const struct fw_channel *channel;
	struct s2s_leg *leg;
	struct fw_addr ours, theirs;
	struct trace_cut cuts[2]; /* in, out */
	struct tap_kept *kept;    /* oldest first */
	size_t kept_bytes;
	bool sent; /* of the bytes that are cut now */
};

static void tap_drop_kept(struct s2s_tap *tap)
{
	while (tap->kept != NULL) {
		struct tap_kept *kept = tap->kept;
		tap->kept = kept->next;
		free(kept);
	}
	tap->kept_bytes = 0;
}

static struct s2s_tap *tap_find(struct s2s_traces *traces, const struct fw_channel *channel)
{
	struct s2s_tap *tap = traces->taps;

	while (tap != NULL && tap->channel != channel) {
		tap = tap->next;
	}
	return tap;
}

static struct s2s_tap *tap_new(struct s2s_leg *leg, const struct fw_channel *channel)
{
	struct s2s_traces *traces = leg->s2s->traces;
	struct s2s_tap *tap = calloc(1, sizeof(*tap));

	if (tap == NULL) {
		return NULL;
	}
	tap->traces = traces;
	tap->channel = channel;
	tap->leg = leg;
	tap->theirs = *fw_channel_peer(channel);
	(void)fw_channel_local(channel, &tap->ours);
	tap->next = traces->taps;
	tap->link = &traces->taps;
	if (tap->next != NULL) {
		tap->next->link = &tap->next;
	}
	traces->taps = tap;
	return tap;
}

static void tap_write(struct s2s_tap *tap, const struct tap_kept *head, struct fw_str raw,
                      struct fw_str shown)
{
	const struct trace_unit unit = {
		.time_us = head->time_us,
		.sent = head->sent,
		.tls = head->tls,
		.raw = raw,
		.shown = shown,
		.leg = tap->leg,
		.ours = &tap->ours,
		.theirs = &tap->theirs,
	};

	s2s_traces_write(tap->traces, &unit);
}

static void tap_keep(struct s2s_tap *tap, const struct tap_kept *head, struct fw_str raw,
                     struct fw_str shown)
{
	struct tap_kept **end = &tap->kept;
	struct tap_kept *kept = tap->kept_bytes + raw.len <= TAP_KEPT_MAX
	                                ? malloc(sizeof(*kept) + 2 * raw.len)
	                                : NULL;

	if (kept == NULL) {
		return;
	}
	*kept = *head;
	kept->next = NULL;
	kept->len = raw.len;
	memcpy(kept->bytes, raw.ptr, raw.len);
	memcpy(kept->bytes + raw.len, shown.ptr, raw.len);
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = kept;
	tap->kept_bytes += raw.len;
}

static void tap_on_unit(void *ctx, struct fw_str raw, struct fw_str shown)
{
	struct s2s_tap *tap = ctx;
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	const struct tap_kept head = {
		.time_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
		.sent = tap->sent,
		.tls = fw_channel_tls(tap->channel) != NULL,
	};
	if (tap->leg->remote[0] == '\0') {
		tap_keep(tap, &head, raw, shown);
		return;
	}
	for (const struct tap_kept *kept = tap->kept; kept != NULL; kept = kept->next) {
		tap_write(tap, kept, fw_str_n(kept->bytes, kept->len),
		          fw_str_n(kept->bytes + kept->len, kept->len));
	}
	tap_drop_kept(tap);
	tap_write(tap, &head, raw, shown);
}

static void tap_end(struct s2s_tap *tap)
{
	for (int i = 0; i < 2; i++) {
		tap->sent = i == 1;
		trace_cut_flush(&tap->cuts[i], tap_on_unit, tap);
		trace_cut_free(&tap->cuts[i]);
	}
	*tap->link = tap->next;
	if (tap->next != NULL) {
		tap->next->link = tap->link;
	}
	tap_drop_kept(tap);
	free(tap);
}

void s2s_tap(void *ctx, const struct fw_channel *channel, bool sent, struct fw_str bytes)
{
	struct s2s_leg *leg = ctx;
	struct s2s_tap *tap = tap_find(leg->s2s->traces, channel);

	if (bytes.ptr == NULL) {
		if (tap != NULL) {
			tap_end(tap);
		}
		return;
	}
	if (tap == NULL && (tap = tap_new(leg, channel)) == NULL) {
		return;
	}
	tap->sent = sent;
	trace_cut_feed(&tap->cuts[sent ? 1 : 0], bytes, tap_on_unit, tap);
}

fw_channel_tap_fn *s2s_tap_wanted(const struct s2s *s2s)
{
	return s2s->traces != NULL && s2s->traces->active > 0 ? s2s_tap : NULL;
}

void s2s_tap_leg(struct s2s_leg *leg)
{
	fw_channel_tap_fn *tap = s2s_tap_wanted(leg->s2s);

	fw_channel_set_tap(leg->channel, tap, tap != NULL ? leg : NULL);
}

static void tap_each(struct s2s_leg *leg)
{
	for (; leg != NULL; leg = leg->next) {
		if (leg->channel != NULL) {
			s2s_tap_leg(leg);
		}
	}
}

void s2s_tap_all(struct s2s *s2s)
{
	tap_each(s2s->ins);
	tap_each(s2s->outs);
}
