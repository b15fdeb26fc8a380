/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One outgoing stream: from the first question to the resolver to the footer. s2s_out.c is the object and
 * touches channel and queue, s2s_out_states.c decides. A stream is never used again after it ended.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_OUT_H
#define FEDWAY_COMPONENTS_S2S_S2S_OUT_H

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_db.h"
#include "components/s2s/s2s_pairs.h"
#include "components/s2s/s2s_trust.h"

#include <fedway/io/crypto.h>

enum s2s_out_state {
	S2S_OUT_RESOLVE,
	S2S_OUT_DIAL,
	S2S_OUT_AUTH,
	S2S_OUT_UP,
	S2S_OUT_DRAIN,
	S2S_OUT_CLOSED,
	S2S_OUT_STATES
};
extern const struct fw_state_row s2s_out_rows[S2S_OUT_STATES];
/** Words of the ConnInfoHistory lines and of reports. */
extern const char *const s2s_out_words[S2S_OUT_STATES];

/** Events of the machine; data by kind. */
enum {
	S2S_OUT_EV_REPLY = FW_EVENT_OWN, /**< struct s2s_out_reply: a service answered */
	S2S_OUT_EV_DIALED,               /**< struct fw_dial_result */
	S2S_OUT_EV_ELEMENT,              /**< struct fw_stanza: from the peer */
	S2S_OUT_EV_CLOSED,               /**< struct s2s_out_end: the channel has ended */
};

struct s2s_out_end {
	enum fw_cause cause;
	const char *detail;
};

struct s2s_out_reply {
	struct fw_stanza *reply;
	enum fw_cause cause;
};

struct s2s_out {
	struct s2s *s2s;
	struct s2s_pair *pair;
	struct fw_machine machine;
	char session[FW_STREAM_ID_SIZE];
	struct fw_log *log;
	struct fw_request *request;
	struct fw_dial *dial;
	struct fw_channel *channel;
	struct s2s_targets targets;
	char *stream_id;        /**< the peer's, of its last header */
	bool key_sent;
	bool trying;            /**< the remote domain's account waits for the outcome */
	bool channel_closed;
	bool stuck;             /**< something waited at the last look */
	uint64_t stuck_at;      /**< bytes written then */
	enum fw_cause cause;    /**< the first reason to end; FW_CAUSE_NONE while there is none */
	char detail[160];
	char address[FW_ADDR_TEXT_SIZE];
	struct s2s_trust trust;
	uint64_t spent_us[FW_DIAL_PHASES];
	uint64_t started_ms;
	uint64_t last_stanza_ms;
	struct fw_task end_task;
};

/** Begins an attempt for the pair. @return FW_OK, FW_ENOMEM [g: the pair owns it] */
int s2s_out_start(struct s2s *s2s, struct s2s_pair *pair, struct s2s_out **out);
/** At once: channel gone; what was not written is in `back`. For stop, and for its own end. */
void s2s_out_free(struct s2s_out **out, struct s2s_waiting *back);
/** Ends it in good order for a reason that is not the remote domain's fault. */
void s2s_out_close(struct s2s_out *out, enum fw_cause cause);
/** It can take stanzas, now or later. */
bool s2s_out_live(const struct s2s_out *out);
bool s2s_out_up(const struct s2s_out *out);
/** Sends at once [t] when nothing waits and the window is open. @return false: it has to wait */
bool s2s_out_send(struct s2s_out *out, struct fw_stanza **stanza);
/** Stanzas wait in the pair's queue: writes what the window allows. */
void s2s_out_pump(struct s2s_out *out);
/** Nothing queued, nothing unwritten. */
bool s2s_out_empty(const struct s2s_out *out);

/* ---- for s2s_out_states.c ---- */

/** The remote domain could not be reached or did not take us: back-off begins, what waits is bounced. */
void s2s_out_fail(struct s2s_out *out, enum fw_cause cause, const char *format, ...)
	FW_PRINTF(3, 4);
/** A stream that was up has ended. */
void s2s_out_lost(struct s2s_out *out, enum fw_cause cause, const char *detail);
int s2s_out_ask_targets(struct s2s_out *out);
int s2s_out_ask_key(struct s2s_out *out);
int s2s_out_dial(struct s2s_out *out);
/** Takes the channel of a dial that succeeded. @return false: no stream id, or out of memory */
bool s2s_out_take(struct s2s_out *out, struct fw_dial_result *result);
void s2s_out_send_key(struct s2s_out *out, struct fw_str key);
void s2s_out_send_footer(struct s2s_out *out);
/** Gives up what is under way and ends the object at the end of the turn. */
void s2s_out_finish(struct s2s_out *out);
/** Sets the limit of the state "up": idle time, or a look at a peer that takes nothing. */
void s2s_out_watch(struct s2s_out *out);

#endif
