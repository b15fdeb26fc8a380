/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Why a stream is trusted: decided here and nowhere else, and kept on the stream for reports. A pair of
 * domains is trusted on one stream, for one direction.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_TRUST_H
#define FEDWAY_COMPONENTS_S2S_S2S_TRUST_H

#include <fedway/host.h>
#include <fedway/io/channel.h>
#include <fedway/jid.h>

struct s2s_claim;
struct s2s_leg;
struct s2s_rate;

enum s2s_method { S2S_METHOD_NONE, S2S_METHOD_DIALBACK };

/** What was known when trust was given. */
struct s2s_trust {
	enum s2s_method method;
	uint64_t since_ms;
	bool tls;
	char tls_version[16];
	char cipher[64];
	bool has_certificate, chain_valid;
	char chain_problem[128];
};

enum s2s_proof_state { S2S_PROOF_POLICY, S2S_PROOF_VERIFY, S2S_PROOF_VALID };

/** One (remote, local) pair on a leg: a proof under way, or done. */
struct s2s_proof {
	struct s2s_proof *next;
	struct s2s_leg *leg;
	enum s2s_proof_state state;
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
void s2s_trust_proof(struct s2s_proof *proof);
/** The receiving server took us for the pair. */
void s2s_trust_claim(struct s2s_claim *claim);
const char *s2s_trust_method(const struct s2s_trust *trust);
/** What the channel's TLS says now. */
void s2s_trust_look(const struct fw_channel *channel, struct s2s_trust *trust);

#endif
