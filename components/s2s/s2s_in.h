/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One inbound stream: from accept to the footer. s2s_in.c is the object, s2s_in_states.c decides what may
 * happen when, s2s_in_dialback.c plays the receiving and the authoritative role of XEP-0220.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_IN_H
#define FEDWAY_COMPONENTS_S2S_S2S_IN_H

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_db.h"
#include "components/s2s/s2s_trust.h"

#include <fedway/io/crypto.h>

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

enum {
	S2S_IN_EV_HEADER = FW_EVENT_OWN, /**< struct fw_stream_header */
	S2S_IN_EV_ELEMENT,               /**< struct fw_stanza * (pointer to the pointer: may be taken) */
	S2S_IN_EV_SECURED,
	S2S_IN_EV_TRUSTED,               /**< a pair was verified */
	S2S_IN_EV_CLOSED,                /**< the channel has ended */
};

/** A question to us as authoritative server, while the service thinks. */
struct s2s_check {
	struct s2s_check *next;
	struct s2s_in *in;
	struct fw_request *request;
	char *from, *to, *id; /**< as the peer wrote them */
};

struct s2s_in {
	struct s2s_in *next, **link; /**< of s2s->ins */
	struct s2s *s2s;
	struct fw_machine machine;
	char session[FW_STREAM_ID_SIZE];
	struct fw_log *log;
	struct fw_channel *channel;
	struct fw_addr peer;
	char address[FW_ADDR_TEXT_SIZE];
	char stream_id[FW_STREAM_ID_SIZE]; /**< of our last header */
	char local[FW_DOMAIN_SIZE];        /**< of the peer's last header, as keys; "" when it said none */
	char remote[FW_DOMAIN_SIZE];
	bool secured, old_version, starttls_offered, extended;
	struct s2s_proof *proofs;
	const struct s2s_proof *last;      /**< the pair of the last stanza */
	uint32_t proof_count, valid_count;
	struct s2s_check *checks;
	uint32_t check_count;
	bool counted;                      /**< among the unauthenticated */
	bool channel_closed;
	enum fw_cause cause;
	char detail[160];
	struct s2s_trust trust;
	uint64_t started_ms;
	uint64_t last_stanza_ms;
	uint64_t stanzas;
	struct fw_task end_task;
};

/** A connection was accepted. [t: fd] */
void s2s_in_accept(struct s2s *s2s, int *fd, const struct fw_addr *peer);
/** At once. */
void s2s_in_free(struct s2s_in **in);
/** Ends it in good order, with the stream error of `cause`. */
void s2s_in_close(struct s2s_in *in, enum fw_cause cause, const char *detail);
/** It ends or has ended. */
bool s2s_in_ending(const struct s2s_in *in);
bool s2s_in_up(const struct s2s_in *in);

/* ---- for s2s_in_states.c ---- */

void s2s_in_send_footer(struct s2s_in *in);
/** Gives up what is under way and ends the object at the end of the turn. */
void s2s_in_finish(struct s2s_in *in);
/** Sets the limit of the state "up". */
void s2s_in_watch(struct s2s_in *in);
/** Checks the header, answers it with ours. @return false: refused, the stream ends */
bool s2s_in_answer_header(struct s2s_in *in, const struct fw_stream_header *header);
void s2s_in_send_features(struct s2s_in *in);
void s2s_in_start_tls(struct s2s_in *in);
void s2s_in_stanza(struct s2s_in *in, struct fw_stanza **stanza);
/** Ends the oldest stream that has proved nothing and has nothing under way. @return false: there is none */
bool s2s_in_make_room(struct s2s *s2s);
/** No longer counted as unauthenticated. */
void s2s_in_settled(struct s2s_in *in);

/* ---- s2s_in_dialback.c ---- */

void s2s_in_dialback(struct s2s_in *in, const struct s2s_db *db);
/** The proof of the stanza's pair, verified; NULL: *why says what is wrong with it. */
const struct s2s_proof *s2s_in_proof_of(struct s2s_in *in, const struct fw_stanza *stanza,
					enum fw_cause *why);
bool s2s_in_proof_pending(const struct s2s_in *in);
void s2s_in_dialback_free(struct s2s_in *in);

#endif
