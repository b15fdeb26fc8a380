/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two kinds of stream share: one leg is one stream with another server, whoever opened it. `proofs`
 * are the pairs whose remote domain is proved to us on it: their stanzas we take. `claims` are the pairs whose
 * local domain the peer takes or is asked to take: their stanzas we send. s2s_in and s2s_out embed a leg as
 * their first member and add what belongs to their direction: accepting, or resolving and dialing.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_LEG_H
#define FEDWAY_COMPONENTS_S2S_S2S_LEG_H

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_acks.h"
#include "components/s2s/s2s_carriers.h"
#include "components/s2s/s2s_db.h"
#include "components/s2s/s2s_pairs.h"
#include "components/s2s/s2s_probe.h"
#include "components/s2s/s2s_rate.h"
#include "components/s2s/s2s_trust.h"

#include <fedway/io/crypto.h>

struct s2s_check;
struct s2s_claim;
struct s2s_leg;

/** Events of both machines; each kind's own begin at S2S_LEG_EV_OWN. */
enum {
	S2S_LEG_EV_ELEMENT = FW_EVENT_OWN, /**< struct fw_stanza ** (may be taken) */
	S2S_LEG_EV_TRUSTED,                /**< a proof or a claim has become valid */
	S2S_LEG_EV_CLOSED,                 /**< struct s2s_leg_end: the channel has ended */
	S2S_LEG_EV_OWN,
};

struct s2s_leg_end {
	enum fw_cause cause;
	const char *detail;
};

/** What the peer says that it can, in its features or its header. */
struct s2s_features {
	bool dialback;        /**< XEP-0220, by header or feature */
	bool external;        /**< SASL EXTERNAL */
	bool dialback_errors; /**< XEP-0220 §2.4.2: an error keeps the stream */
	bool bidi;            /**< XEP-0288 */
	bool sm;              /**< XEP-0198 */
	uint64_t max_bytes;   /**< XEP-0478: its largest stanza; 0: it did not say */
	uint32_t idle_s;      /**< XEP-0478: it may close after so much silence; 0: it did not say */
};

/** From what a peer says (s2s_features.c). @param features  NULL from a peer before XMPP 1.0 */
void s2s_features_read(struct fw_stanza *features, const struct fw_stream_header *header,
		       struct s2s_features *out);
/** May the stream carry more pairs than the one that it was made for? Never on one that the peer opened: it has no features. */
bool s2s_features_can_share(const struct s2s_leg *leg);

enum s2s_features_tls { S2S_FEATURES_NO_TLS, S2S_FEATURES_TLS, S2S_FEATURES_TLS_FIRST };
/** What we offer to a peer that opened. */
void s2s_features_send(struct s2s_leg *leg, enum s2s_features_tls tls);

/** One row per kind of leg. States from `drain` on are the end. */
struct s2s_leg_kind {
	bool out;                     /**< we opened it */
	const struct fw_state_row *rows;
	const char *const *words;     /**< of ConnInfoHistory lines and reports */
	int count, up, drain, closed; /**< states */
	/** More words for the line of a change between states that are not the end. */
	void (*describe)(const struct s2s_leg *leg, int from, int to, char *more, size_t size);
	/** Gives up what is under way and belongs to the kind. May come more than once. */
	void (*give_up)(struct s2s_leg *leg);
	/** Frees the object around the leg, which has let go of everything. */
	void (*free)(struct s2s_leg *leg);
};

struct s2s_leg {
	struct s2s_leg *next, **link; /**< of s2s->ins or s2s->outs */
	const struct s2s_leg_kind *kind;
	struct s2s *s2s;
	struct fw_machine machine;
	char session[FW_STREAM_ID_SIZE];
	struct fw_log *log;
	enum fw_level level;               /**< of its lines: debug for an attempt that repeats a failure */
	struct fw_channel *channel;        /**< NULL while there is none yet */
	bool channel_closed;
	const char *stream_id;             /**< of the receiving server's last header: keys are made of it */
	char local[FW_DOMAIN_SIZE];        /**< of the headers, as keys; "" when the peer said none */
	char remote[FW_DOMAIN_SIZE];
	struct fw_addr peer;
	char address[FW_ADDR_TEXT_SIZE];
	struct s2s_features features;      /**< of the peer; on a leg that it opened, what its header says */
	bool bidi;                         /**< XEP-0288 was agreed on: it has proofs and claims, whoever opened */
	struct s2s_trust trust;
	struct s2s_proof *proofs;          /**< s2s_proofs.c */
	const struct s2s_proof *last_proof; /**< the pair of the last stanza */
	uint32_t proof_count, proofs_valid;
	struct s2s_check *checks;          /**< s2s_checks.c */
	uint32_t check_count;
	struct s2s_claim *claims;          /**< s2s_claims.c */
	struct s2s_claim *turn;            /**< sends next; NULL: the first */
	uint32_t claim_count, claims_valid;
	struct s2s_acks acks;              /**< XEP-0198 */
	struct s2s_probe probe;            /**< signs of life without XEP-0198 */
	struct s2s_pace pace;              /**< s2s_rate.c: it is read more slowly */
	struct s2s_carrier at_address;     /**< other remote domains of this server may ride along */
	bool bystanders;                   /**< the end is the fault of a pair that has left: the others go on elsewhere */
	bool stuck;                        /**< something waited at the last look */
	uint64_t stuck_at;                 /**< bytes written then */
	bool another_way;                  /**< it ended, but the next can authenticate in another way */
	enum fw_cause cause;               /**< the first reason to end; FW_CAUSE_NONE while there is none */
	char detail[160];
	uint64_t started_ms;
	uint64_t last_stanza_ms;           /**< in or out */
	uint64_t stanzas;                  /**< taken from the peer */
	struct fw_task end_task;
};

/* ---- the object (s2s_leg.c) ---- */

/** The members every leg begins with, and its place among `ins` or `outs`. */
void s2s_leg_init(struct s2s_leg *leg, struct s2s *s2s, const struct s2s_leg_kind *kind);
/** Another log context; the machine's lines follow. @return FW_OK, FW_ENOMEM: the old one stays */
int s2s_leg_context(struct s2s_leg *leg, struct fw_str from, struct fw_str to);
int s2s_leg_start(struct s2s_leg *leg, int first);
/** At once: channel gone, what it had not written is bounced with `cause`. NULL is allowed. */
void s2s_leg_free(struct s2s_leg **leg, enum fw_cause cause);
/** Events of the channel that mean the same on both kinds. */
void s2s_leg_on_element(void *ctx, struct fw_stanza **stanza);
void s2s_leg_on_closed(void *ctx, enum fw_cause cause, const char *detail);
void s2s_leg_on_drained(void *ctx);
void s2s_leg_on_ended(void *ctx);

/** It can take stanzas and pairs, now or later. */
bool s2s_leg_live(const struct s2s_leg *leg);
bool s2s_leg_up(const struct s2s_leg *leg);
/** It is up and its window is open. */
bool s2s_leg_takes(const struct s2s_leg *leg);
/** Nothing of ours waits or is unwritten. */
bool s2s_leg_empty(const struct s2s_leg *leg);

/** Ends it in good order, for a reason that is not the remote domain's fault or came when it was up. */
void s2s_leg_close(struct s2s_leg *leg, enum fw_cause cause, const char *detail);
/** The remote domain could not be reached or did not take us: back-off begins, what waits is bounced. */
void s2s_leg_fail(struct s2s_leg *leg, enum fw_cause cause, const char *format, ...) FW_PRINTF(3, 4);
/** It ended in good order, or may be repeated: what was not written may go over the next leg. */
bool s2s_leg_ended_well(const struct s2s_leg *leg);

/** An element from the peer, in any state in which its stream is open. May take it. */
void s2s_leg_element(struct s2s_leg *leg, struct fw_stanza **element);

/* ---- states that both kinds have (s2s_leg_states.c) ---- */

void s2s_leg_state_up(void *owner, const struct fw_event *event);
void s2s_leg_state_drain(void *owner, const struct fw_event *event);
void s2s_leg_state_closed(void *owner, const struct fw_event *event);
/** The channel gives the peer 5 s for its footer; this is the net below. */
enum { S2S_LEG_DRAIN_MS = 10000 };

/* ---- the peer's domains: receiving role (s2s_proofs.c) ---- */

/** `<db:result/>` without a type: the peer wants to be taken for `remote`. */
void s2s_proofs_result(struct s2s_leg *leg, const struct s2s_db *db, const char *remote,
		       const char *local);
/** The proof of the stanza's pair, valid; NULL: *why says what is wrong with it. */
const struct s2s_proof *s2s_proofs_of(struct s2s_leg *leg, const struct fw_stanza *stanza,
				      enum fw_cause *why);
/** The pair's domain is proved by `method` here: what it sends is taken without a question. */
int s2s_proofs_mirror(struct s2s_leg *leg, const char *local, const char *remote,
		      enum s2s_method method);
/** The pair's proof, valid; NULL: there is none. */
const struct s2s_proof *s2s_proofs_find(const struct s2s_leg *leg, const char *remote,
					const char *local);
/** SASL: the certificate has proved the pair of the headers; only the policy is asked. @return FW_OK, FW_ENOMEM */
int s2s_proofs_external(struct s2s_leg *leg);
bool s2s_proofs_external_pending(const struct s2s_leg *leg);
/** One is under way. */
bool s2s_proofs_pending(const struct s2s_leg *leg);
/** No new proof on this leg: what is not proved yet is forgotten, what is proved stays. */
void s2s_proofs_settle(struct s2s_leg *leg);
void s2s_proofs_free(struct s2s_leg *leg);
/** type='error' to a question as it came; the stream stays (XEP-0220 §2.5). */
void s2s_proofs_refuse(struct s2s_leg *leg, const struct s2s_db *question, const char *condition,
		       const char *text);

/* ---- authoritative role (s2s_checks.c) ---- */

/** `<db:verify/>` without a type: is this key ours? */
void s2s_checks_verify(struct s2s_leg *leg, const struct s2s_db *db, const char *remote,
		       const char *local);
void s2s_checks_free(struct s2s_leg *leg);

/* ---- our domains: initiating role (s2s_claims.c) ---- */

enum s2s_claim_state {
	S2S_CLAIM_WAITING, /**< for the leg */
	S2S_CLAIM_KEY,     /**< for the dialback service */
	S2S_CLAIM_ASKED,   /**< for the peer's db:result */
	S2S_CLAIM_SASL,    /**< for the end of SASL: it is the pair of the headers */
	S2S_CLAIM_VALID,
};

/** One (local, remote) pair that sends over a leg, or wants to. */
struct s2s_claim {
	struct s2s_claim *next;
	struct s2s_leg *leg;
	struct s2s_pair *pair;
	struct s2s_carrier at_remote;
	enum s2s_claim_state state;
	struct s2s_grant grant;
	bool joined;                 /**< the leg was there already, for another pair */
	struct fw_request *request;  /**< for the key */
	struct fw_request *judging;  /**< policy, asked again */
	struct fw_timer *timer;      /**< while it is asked for */
	bool forbidden;              /**< by a policy that came later */
	bool spared;                 /**< the end of the leg does not touch it */
	bool trying;                 /**< the remote domain's account waits for the outcome */
	uint64_t sent;               /**< stanzas given to the channel */
	struct s2s_waiting back;     /**< at the end: those that were not written */
};

/** The leg is made for the pair, which sends over it from now on. @return FW_OK, FW_ENOMEM */
int s2s_claims_add(struct s2s_leg *leg, struct s2s_pair *pair);
/** The same with a leg that is there for others: asks at once when that is up. @return FW_OK, FW_ENOMEM */
int s2s_claims_join(struct s2s_leg *leg, struct s2s_pair *pair);
/** The same with a leg on which the pair's inverse is proved by `method`: it is valid at once. */
int s2s_claims_mirror(struct s2s_leg *leg, struct s2s_pair *pair, enum s2s_method method);
/** Before the leg has a channel: its claims go to another one that is up. */
void s2s_claims_move(struct s2s_leg *leg, struct s2s_leg *to);
/** The policy no longer allows the pair: what waits is bounced, the leg stays for others. */
void s2s_claims_withdraw(struct s2s_claim *claim, enum fw_cause cause);
/** Without a word to the pair. */
void s2s_claims_drop(struct s2s_claim **claim);
/** The same for one that is on no leg any more. */
void s2s_claims_free(struct s2s_claim **claim);
/** The leg's header and features are in: asks for all that wait. */
void s2s_claims_begin(struct s2s_leg *leg);
/** SASL is under way: the pair of the headers waits for it, and all others wait too. */
void s2s_claims_external(struct s2s_leg *leg);
/** The peer took us, and the stream has begun anew. */
void s2s_claims_external_valid(struct s2s_leg *leg);
/** It did not: dialback may do. */
void s2s_claims_external_refused(struct s2s_leg *leg);
/** `<db:result type=…/>`. @return false: nobody asked for it */
bool s2s_claims_answer(struct s2s_leg *leg, const struct s2s_db *db);
/** Sends at once [t] when nothing waits and the window is open. @return false: it has to wait */
bool s2s_claims_send(struct s2s_claim *claim, struct fw_stanza **stanza);
/** Writes what the window allows, one stanza per pair in turn. */
void s2s_claims_pump(struct s2s_leg *leg);
/** The peer takes a pair of ours with the remote domain. */
bool s2s_claims_take_some(const struct s2s_leg *leg, const char *remote);
/** Some are not valid yet. */
bool s2s_claims_pending(const struct s2s_leg *leg);
/** The leg ends for a reason that is the remote domains' fault. */
void s2s_claims_blame(struct s2s_leg *leg, enum fw_cause cause, const char *detail);
/**
 * What waits for the leg is bounced.
 * @param spare_guests  but not that of pairs that had joined and were not taken yet: they try elsewhere
 */
void s2s_claims_bounce(struct s2s_leg *leg, enum fw_cause cause, bool spare_guests);
/** Gives up questions under way; the claims stay. */
void s2s_claims_stop(struct s2s_leg *leg);
/** Takes the claims off a leg that is about to be freed, each with what was not written. */
struct s2s_claim *s2s_claims_take_off(struct s2s_leg *leg);
/**
 * Frees them. Each pair is told that its leg is gone.
 * @param well  the leg ended in good order: what is left begins a new one
 */
void s2s_claims_part(struct s2s_claim *claims, enum fw_cause cause, bool well);

#endif
