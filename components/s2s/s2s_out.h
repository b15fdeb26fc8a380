/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A leg that we open: from the first question to the resolver until the peer's features are in. s2s_out.c is
 * the object, s2s_out_states.c decides. A leg is never used again after it ended.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_OUT_H
#define FEDWAY_COMPONENTS_S2S_S2S_OUT_H

#include "components/s2s/s2s_egress.h"
#include "components/s2s/s2s_leg.h"

enum s2s_out_state {
	S2S_OUT_WAIT, /**< for its turn: s2s_egress.c */
	S2S_OUT_RESOLVE,
	S2S_OUT_DIAL,
	S2S_OUT_AUTH,
	S2S_OUT_RESTART,
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
	S2S_OUT_EV_REPLY = S2S_LEG_EV_OWN, /**< struct s2s_out_reply: the resolver answered */
	S2S_OUT_EV_TURN,                 /**< it may begin */
	S2S_OUT_EV_DIALED,                 /**< struct fw_dial_result */
	S2S_OUT_EV_RESTARTED,              /**< SASL is done: the stream begins anew */
	S2S_OUT_EV_HEADER,                 /**< struct fw_stream_header */
};

struct s2s_out_reply {
	struct fw_stanza *reply;
	enum fw_cause cause;
};

struct s2s_out {
	struct s2s_leg leg; /**< first: a pointer to one is a pointer to the other */
	struct fw_request *request;
	struct fw_dial *dial;
	struct s2s_targets targets;
	bool skip_static;   /**< static routes could not be reached: DNS is asked */
	struct s2s_egress_slot slot;
	char *stream_id;    /**< what leg.stream_id points to */
	bool sasl_asked, sasl_refused;
	bool header_in, has_dialback; /**< of the header after SASL */
	uint64_t spent_us[FW_DIAL_PHASES];
};

/** The leg around which it is; our bug when the leg was accepted. */
struct s2s_out *s2s_out_of(struct s2s_leg *leg);
/** Begins a leg to the pair's remote domain; the pair has its claim on it. @return FW_OK, FW_ENOMEM */
int s2s_out_start(struct s2s *s2s, struct s2s_pair *pair);
/** It has not begun: too many others are being opened. */
bool s2s_out_waits(const struct s2s_leg *leg);

/* ---- for s2s_out_states.c ---- */

int s2s_out_ask_targets(struct s2s_out *out);
int s2s_out_dial(struct s2s_out *out);
/** Takes the channel of a dial that succeeded. @return false: no stream id, or out of memory */
bool s2s_out_take(struct s2s_out *out, struct fw_dial_result *result);
/** Our header, the second time. */
void s2s_out_open_again(struct s2s_out *out);
/** The peer's, the second time. @return false: no stream id, or out of memory */
bool s2s_out_header_again(struct s2s_out *out, const struct fw_stream_header *header);
/** And its features: what it offers now holds. */
void s2s_out_features_again(struct s2s_out *out, struct fw_stanza *features);

#endif
