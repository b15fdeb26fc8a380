/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A leg that a peer opened: from accept until our features are out. s2s_in.c is the object, s2s_in_states.c
 * decides what may happen when.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_IN_H
#define FEDWAY_COMPONENTS_S2S_S2S_IN_H

#include "components/s2s/s2s_leg.h"

enum s2s_in_state {
	S2S_IN_HEADER,
	S2S_IN_SECURE,
	S2S_IN_AUTH,
	S2S_IN_UP,
	S2S_IN_DRAIN,
	S2S_IN_CLOSED,
	S2S_IN_STATES
};
extern const struct fw_state_row s2s_in_rows[S2S_IN_STATES];
extern const char *const s2s_in_words[S2S_IN_STATES];

/** Events of the machine. */
enum {
	S2S_IN_EV_HEADER = S2S_LEG_EV_OWN, /**< struct fw_stream_header */
	S2S_IN_EV_SECURED,
	S2S_IN_EV_RESTARTED,               /**< SASL is done: the peer's next header is awaited */
};

struct s2s_in {
	struct s2s_leg leg;                /**< first: a pointer to one is a pointer to the other */
	char stream_id[FW_STREAM_ID_SIZE]; /**< what leg.stream_id points to: of our last header */
	bool old_version, starttls_offered, starttls_required, extended;
	bool authenticated;                /**< by SASL, as leg.remote */
	bool sasl_challenged;
	uint8_t sasl_tries;                /**< that failed */
	bool counted;                      /**< among the unauthenticated */
};

/** The leg around which it is; our bug when we opened the leg. */
struct s2s_in *s2s_in_of(struct s2s_leg *leg);
/** A connection was accepted. [t: fd] */
void s2s_in_accept(struct s2s *s2s, int *fd, const struct fw_addr *peer);
/** Ends the oldest that has proved nothing and has nothing under way. @return false: there is none */
bool s2s_in_make_room(struct s2s *s2s);

/* ---- for s2s_in_states.c ---- */

/** Checks the header, answers it with ours. @return false: refused, the stream ends */
bool s2s_in_answer_header(struct s2s_in *in, const struct fw_stream_header *header);
void s2s_in_send_features(struct s2s_in *in);
void s2s_in_start_tls(struct s2s_in *in);
/** No longer counted as unauthenticated. */
void s2s_in_settled(struct s2s_in *in);

#endif
