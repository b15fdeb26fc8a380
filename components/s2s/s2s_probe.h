/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Signs of life from peers that do not acknowledge: TCP's own, and answers to XEP-0199 pings; and ours to peers that close
 * silent streams.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_PROBE_H
#define FEDWAY_COMPONENTS_S2S_S2S_PROBE_H

#include <fedway/io/crypto.h>
#include <fedway/io/loop.h>
#include <fedway/stanza.h>

struct s2s;
struct s2s_leg;

/** Embedded in the leg, zero at first. */
struct s2s_probe {
	struct fw_timer *timer;  /**< to ask; once asked, to give up */
	struct fw_timer *breath; /**< white space for a peer that closes silent streams */
	char id[FW_STREAM_ID_SIZE + 16];
	uint32_t number;
	uint64_t asked_at;       /**< bytes written when we asked */
	bool asked;
	bool answers;            /**< it has answered one: silence means something */
	bool mute;               /**< it did not answer the first: it is asked no more */
};

/** The leg is up. */
void s2s_probe_begin(struct s2s_leg *leg);
void s2s_probe_clear(struct s2s_leg *leg);
/** A stanza is written: the leg is in use. */
void s2s_probe_writes(struct s2s_leg *leg);
/**
 * Who has not answered in time still takes bytes: it is slow, and not dead.
 * @param asked_at  bytes written when it was asked, or looked at last; moves on
 */
bool s2s_probe_still_takes(const struct s2s_leg *leg, uint64_t *asked_at);
/** A stanza that came in, on whichever leg. @return true: it was an answer to a ping of ours and goes no further */
bool s2s_probe_answered(struct s2s *s2s, const struct fw_stanza *stanza);

#endif
