/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Why a stream is trusted: decided here and nowhere else, and kept on the stream for reports. A pair of
 * domains is trusted on one stream, for one direction.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_TRUST_H
#define FEDWAY_COMPONENTS_S2S_S2S_TRUST_H

#include "components/s2s/s2s_carriers.h"
#include "components/s2s/s2s_security.h"

#include <fedway/host.h>
#include <fedway/io/channel.h>
#include <fedway/jid.h>

struct s2s;
struct s2s_claim;
struct s2s_leg;
struct s2s_rate;

/* ---- what a peer shows, and whether it is enough ---- */

/** Looks at a channel. @param remote  as fw_domain_key() writes it; "": not known, no certificate names it */
void s2s_trust_look(const struct fw_channel *channel, const char *remote, struct fw_tls_shown *out);

/**
 * The decision. Pure: the same rules and facts give the same verdict.
 * @param method  how the domain was proved or is about to be; S2S_METHOD_NONE: only the connection is judged
 * @return FW_CAUSE_NONE: good; else why not
 */
enum fw_cause s2s_trust_judge(const struct s2s_rules *rules, const struct fw_tls_shown *shown,
                              enum s2s_method method);

/** Why not, with the words for it. */
struct s2s_verdict {
	enum fw_cause cause; /**< FW_CAUSE_NONE: good */
	char detail[160];    /**< what was shown, for the log */
};
/** The same for a channel and the rules in force. @param direction  who opened it. @return good */
bool s2s_trust_channel(const struct s2s *s2s, const struct fw_channel *channel, const char *remote,
                       enum s2s_direction direction, enum s2s_method method,
                       struct s2s_verdict *out);
/** The same for a leg. */
bool s2s_trust_leg(const struct s2s_leg *leg, const char *remote, enum s2s_method method,
                   struct s2s_verdict *out);

/* ---- what is kept ---- */

/** On a leg. */
struct s2s_trust {
	bool tls;               /**< TLS stands; its facts are the channel's */
	enum s2s_method method; /**< of the first valid pair */
	uint64_t since_ms;
	int64_t until_s;        /**< end of the peer's certificate, when a pair rests on it, since 1970; 0: none does */
};
/** What is left of the certificate that pairs of a stream rest on. 0: its time has passed; UINT64_MAX: none does. */
uint64_t s2s_trust_left_ms(const struct s2s_trust *trust);

/** On a proof or claim: why the pair is trusted. */
struct s2s_grant {
	enum s2s_method method;    /**< S2S_METHOD_NONE: it is not, or not yet */
	bool certificate;          /**< one was shown; then: */
	bool named, pinned;        /**< it names the domain; its key is one of the pins */
	enum fw_tls_verdict chain; /**< under the purpose that the rules ask for */
	char *names;               /**< the name that matched, or those that are there */
};
void s2s_grant_clear(struct s2s_grant *grant);

enum s2s_proof_state { S2S_PROOF_POLICY, S2S_PROOF_VERIFY, S2S_PROOF_VALID };

/** One (remote, local) pair on a leg: a proof under way, or done. */
struct s2s_proof {
	struct s2s_proof *next;
	struct s2s_leg *leg;
	struct s2s_carrier at_remote; /**< what we send may go back over the leg */
	enum s2s_proof_state state;
	enum s2s_method method;      /**< in which the peer proves it */
	struct s2s_grant grant;
	char remote[FW_DOMAIN_SIZE]; /**< keys */
	char local[FW_DOMAIN_SIZE];
	char *remote_text;           /**< as the peer wrote them: answers repeat that */
	char *local_text;
	char *key;
	struct fw_request *request;  /**< policy or dialback */
	struct fw_request *judging;  /**< policy, asked again */
	struct s2s_rate *rate;       /**< the remote domain's, once it is proved; NULL: none is kept */
	bool forbidden;              /**< by a policy that came later */
};

/** The pair of the proof may send from now on. Stream limits are raised with the first one. */
void s2s_trust_proof(struct s2s_proof *proof, enum s2s_method method);
/** The receiving server took us for the pair. */
void s2s_trust_claim(struct s2s_claim *claim, enum s2s_method method);

/* ---- for reports (s2s_trust_report.c) ---- */

/** `security` of a stream: TLS and the peer's certificate. */
void s2s_trust_report(const struct s2s_leg *leg, struct fw_json *security);
/** `trust` of a pair; nothing when there is none. */
void s2s_trust_report_grant(const struct s2s_grant *grant, struct fw_json *pair);

#endif
