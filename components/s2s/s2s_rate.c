/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rates. An account lives while a stream holds it, and after that until its bucket is full again,
 * so that nobody gets a new one by a new connection. Called by the legs for every stanza that comes
 * in.
 */
#include "components/s2s/s2s_rate.h"

#include <stdlib.h>

#include "components/s2s/s2s.h"

enum { RATES_BUCKETS = 1024, TOKEN = 1000 };

/* ---- buckets ---- */

static int64_t bucket_size(struct s2s_flow flow)
{
	return (int64_t)flow.burst * TOKEN;
}

static void bucket_fill(struct s2s_bucket *bucket, struct s2s_flow flow, uint64_t now_ms)
{
	uint64_t elapsed = now_ms - bucket->filled_ms;
	uint64_t needed = (uint64_t)bucket->missing / flow.per_s + 1;

	bucket->filled_ms = now_ms;
	bucket->missing = elapsed >= needed ? 0 : bucket->missing - (int64_t)(elapsed * flow.per_s);
	bucket->missing = bucket->missing > 0 ? bucket->missing : 0;
}

bool s2s_bucket_take(struct s2s_bucket *bucket, struct s2s_flow flow, uint64_t tokens,
                     uint64_t now_ms)
{
	if (flow.per_s == 0) {
		return true;
	}
	bucket_fill(bucket, flow, now_ms);
	if (bucket->missing + (int64_t)tokens * TOKEN > bucket_size(flow)) {
		return false;
	}
	bucket->missing += (int64_t)tokens * TOKEN;
	return true;
}

uint64_t s2s_bucket_owe(struct s2s_bucket *bucket, struct s2s_flow flow, uint64_t tokens,
                        uint64_t now_ms)
{
	if (flow.per_s == 0) {
		return 0;
	}
	bucket_fill(bucket, flow, now_ms);
	bucket->missing += (int64_t)tokens * TOKEN;
	int64_t debt = bucket->missing - bucket_size(flow);
	return debt > 0 ? (uint64_t)debt / flow.per_s + 1 : 0;
}

bool s2s_bucket_full(struct s2s_bucket *bucket, struct s2s_flow flow, uint64_t now_ms)
{
	if (flow.per_s > 0) {
		bucket_fill(bucket, flow, now_ms);
	}
	return flow.per_s == 0 || bucket->missing == 0;
}

/* ---- accounts ---- */

struct s2s_rate {
	struct s2s_rate *next; /* in its bucket of the table */
	struct s2s_rates *rates;
	struct fw_timer *timer; /* runs while streams wait */
	struct s2s_pace *waiting;
	struct s2s_bucket stanzas, bytes;
	struct s2s_flow stanza_flow, byte_flow;
	uint32_t looked; /* s2s->reloads when the flows were looked up, plus one */
	uint32_t holders;
	char remote[];
};

struct s2s_rates {
	struct s2s *s2s;
	struct s2s_rate *buckets[RATES_BUCKETS];
};

static struct s2s_flow flow_of(const struct s2s *s2s, uint64_t per_s)
{
	struct s2s_flow flow = { per_s, per_s * s2s->config->rate_burst_s };

	return flow;
}

/* The component's rates, or those of the domain's row; asked again after a reload. */
static void rate_look(struct s2s_rate *rate)
{
	const struct s2s *s2s = rate->rates->s2s;
	const struct s2s_config *config = s2s->config;

	if (rate->looked == s2s->reloads + 1) {
		return;
	}
	const struct s2s_domain_row *row = s2s_security_row(s2s->security, rate->remote, S2S_IN);
	bool own_stanzas = row != NULL && row->rate_max_stanzas > 0;
	bool own_bytes = row != NULL && row->rate_max_bytes > 0;
	rate->looked = s2s->reloads + 1;
	rate->stanza_flow =
	        flow_of(s2s, own_stanzas ? row->rate_max_stanzas : config->rate_max_stanzas);
	rate->byte_flow = flow_of(s2s, own_bytes ? row->rate_max_bytes : config->rate_max_bytes);
}

int s2s_rates_new(struct s2s *s2s, struct s2s_rates **out)
{
	struct s2s_rates *rates = calloc(1, sizeof(*rates));

	if (rates == NULL) {
		return FW_ENOMEM;
	}
	rates->s2s = s2s;
	*out = rates;
	return FW_OK;
}

static void rate_free(struct s2s_rate *rate)
{
	fw_timer_free(&rate->timer);
	free(rate);
}

void s2s_rates_free(struct s2s_rates **rates_in)
{
	struct s2s_rates *rates = *rates_in;

	*rates_in = NULL;
	for (size_t i = 0; rates != NULL && i < RATES_BUCKETS; i++) {
		while (rates->buckets[i] != NULL) {
			struct s2s_rate *rate = rates->buckets[i];
			fw_assert(rate->holders == 0);
			rates->buckets[i] = rate->next;
			rate_free(rate);
		}
	}
	free(rates);
}

/* Nobody holds it, and it would begin as it is. */
static bool rate_is_over(struct s2s_rate *rate)
{
	uint64_t now = fw_now_ms(rate->rates->s2s->loop);

	rate_look(rate);
	return rate->holders == 0 && rate->waiting == NULL &&
	       s2s_bucket_full(&rate->stanzas, rate->stanza_flow, now) &&
	       s2s_bucket_full(&rate->bytes, rate->byte_flow, now);
}

/* Ends every stream's wait. */
static void rate_on_paid(void *ctx)
{
	struct s2s_rate *rate = ctx;

	while (rate->waiting != NULL) {
		s2s_pace_leave(rate->waiting);
	}
}

static int rate_new(struct s2s_rates *rates, const char *remote, struct s2s_rate **out)
{
	struct s2s_rate *rate = calloc(1, sizeof(*rate) + strlen(remote) + 1);

	if (rate == NULL) {
		return FW_ENOMEM;
	}
	memcpy(rate->remote, remote, strlen(remote) + 1);
	rate->rates = rates;
	if (fw_timer_new(rates->s2s->loop, rate_on_paid, rate, &rate->timer) != FW_OK) {
		free(rate);
		return FW_ENOMEM;
	}
	*out = rate;
	return FW_OK;
}

int s2s_rate_hold(struct s2s_rates *rates, const char *remote, struct s2s_rate **out)
{
	struct s2s_rate **link = &rates->buckets[fw_str_hash(fw_str(remote)) % RATES_BUCKETS];

	while (*link != NULL && strcmp((*link)->remote, remote) != 0) {
		struct s2s_rate *rate = *link;
		if (rate_is_over(rate)) {
			*link = rate->next;
			rate_free(rate);
		} else {
			link = &rate->next;
		}
	}
	if (*link == NULL) {
		struct s2s_rate *rate = NULL;
		if (rate_new(rates, remote, &rate) != FW_OK) {
			return FW_ENOMEM;
		}
		*link = rate;
	}
	(*link)->holders++;
	*out = *link;
	return FW_OK;
}

void s2s_rate_release(struct s2s_rate **rate)
{
	if (*rate != NULL) {
		fw_assert((*rate)->holders > 0);
		(*rate)->holders--;
		*rate = NULL;
	}
}

static const struct s2s_rate *rates_find(const struct s2s_rates *rates, const char *remote)
{
	const struct s2s_rate *rate = rates->buckets[fw_str_hash(fw_str(remote)) % RATES_BUCKETS];

	while (rate != NULL && strcmp(rate->remote, remote) != 0) {
		rate = rate->next;
	}
	return rate;
}

bool s2s_rates_proved(const struct s2s_rates *rates, const char *remote)
{
	const struct s2s_rate *rate = rates_find(rates, remote);

	return rate != NULL && rate->holders > 0;
}

bool s2s_rates_waiting(const struct s2s_rates *rates, const char *remote)
{
	const struct s2s_rate *rate = rates_find(rates, remote);

	return rate != NULL && rate->waiting != NULL;
}

void s2s_rate_took(struct s2s_rate *rate, struct s2s_pace *pace, struct fw_channel *channel,
                   size_t bytes)
{
	if (rate == NULL) {
		return;
	}
	const struct s2s *s2s = rate->rates->s2s;
	uint64_t now = fw_now_ms(s2s->loop);
	rate_look(rate);
	uint64_t wait = s2s_bucket_owe(&rate->stanzas, rate->stanza_flow, 1, now);
	uint64_t more = s2s_bucket_owe(&rate->bytes, rate->byte_flow, bytes, now);

	wait = wait > more ? wait : more;
	if (wait == 0) {
		return;
	}
	fw_timer_start_ms(rate->timer, wait, 0); /* again: the debt has grown */
	if (pace->link == NULL) {
		s2s_count(s2s, S2S_COUNT_STREAMS_SLOWED);
		pace->channel = channel;
		pace->next = rate->waiting;
		pace->link = &rate->waiting;
		if (pace->next != NULL) {
			pace->next->link = &pace->next;
		}
		rate->waiting = pace;
		fw_channel_pause(channel, true);
	}
}

bool s2s_pace_waits(const struct s2s_pace *pace)
{
	return pace->link != NULL;
}

void s2s_pace_leave(struct s2s_pace *pace)
{
	if (pace->link != NULL) {
		*pace->link = pace->next;
		if (pace->next != NULL) {
			pace->next->link = pace->link;
		}
		pace->link = NULL;
		pace->next = NULL;
		fw_channel_pause(pace->channel, false);
	}
}
