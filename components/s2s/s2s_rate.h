/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How much may come in a second: token buckets, and one account per remote domain over all streams on which it
 * is proved. Who is over its rate is read more slowly; nothing is refused, and nothing is lost.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_RATE_H
#define FEDWAY_COMPONENTS_S2S_S2S_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fw_channel;
struct s2s;
struct s2s_rate;
struct s2s_rates;

/** All zero: full. */
struct s2s_bucket {
	int64_t missing;    /**< thousandths of a token, up to full; over the burst: a debt */
	uint64_t filled_ms; /**< loop time of the last look */
};

/** What a bucket gets per second and holds at most; per_s 0: there is no limit. */
struct s2s_flow {
	uint64_t per_s, burst;
};

/** Takes so many tokens. @return false: there are not enough, and none was taken */
bool s2s_bucket_take(struct s2s_bucket *bucket, struct s2s_flow flow, uint64_t tokens, uint64_t now_ms);
/** Takes them in any case. @return milliseconds until the debt is paid; 0: there is none */
uint64_t s2s_bucket_owe(struct s2s_bucket *bucket, struct s2s_flow flow, uint64_t tokens, uint64_t now_ms);
bool s2s_bucket_full(struct s2s_bucket *bucket, struct s2s_flow flow, uint64_t now_ms);

/** A stream that may have to wait; embedded in the leg, zero at first. */
struct s2s_pace {
	struct s2s_pace *next, **link; /**< link NULL: it does not wait */
	struct fw_channel *channel;
};

int s2s_rates_new(struct s2s *s2s, struct s2s_rates **out);
/** Every account must have been released. */
void s2s_rates_free(struct s2s_rates **rates);
/** The account of a remote domain. Release it. @return FW_OK, FW_ENOMEM [g] */
int s2s_rate_hold(struct s2s_rates *rates, const char *remote, struct s2s_rate **out);
void s2s_rate_release(struct s2s_rate **rate);
/** The remote domain is proved on some stream. */
bool s2s_rates_proved(const struct s2s_rates *rates, const char *remote);
/** A stream of the remote domain is paused: what it has sent may not have been read. */
bool s2s_rates_waiting(const struct s2s_rates *rates, const char *remote);
/** A stanza of the domain came over this stream: it may be paused until the account is in order. NULL: none is kept. */
void s2s_rate_took(struct s2s_rate *rate, struct s2s_pace *pace, struct fw_channel *channel, size_t bytes);
/** The stream is paused. */
bool s2s_pace_waits(const struct s2s_pace *pace);
/** It waits no longer: its time has come, or it ends. */
void s2s_pace_leave(struct s2s_pace *pace);

#endif
