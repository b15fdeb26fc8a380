/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The receiving side of SASL EXTERNAL (RFC 6120 §6, XEP-0178 §3): a peer that opened a stream
 * authenticates by the certificate it has shown. It is judged when EXTERNAL is offered and again
 * when it is used; the policy is asked in between. After success the stream begins anew.
 */
#include "components/s2s/s2s_external.h"

#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_sasl.h"
#include "components/s2s/s2s_side.h"

/* RFC 6120 §6.4.5 recommends two to five. */
enum { EXTERNAL_TRIES_MAX = 3 };

bool s2s_external_is_offered(const struct s2s_leg *leg)
{
	struct s2s_verdict verdict;

	return !leg->kind->out && leg->trust.tls && leg->remote[0] != '\0' &&
	       leg->local[0] != '\0' && leg->proofs == NULL && leg->claims == NULL &&
	       s2s_side_plays(leg->s2s, leg->local) &&
	       s2s_side_objection(leg->s2s, leg->local, leg->remote, &leg->peer) == NULL &&
	       s2s_trust_leg(leg, leg->remote, S2S_METHOD_EXTERNAL, &verdict);
}

/* The stream stays: there is dialback, and there are more tries (RFC 6120 §6.4.5). */
static void external_refuse(struct s2s_leg *leg, const char *condition, const char *text)
{
	struct s2s_in *in = s2s_in_of(leg);

	in->sasl_challenged = false;
	s2s_count(leg->s2s, S2S_COUNT_EXTERNAL_IN_REFUSED);
	s2s_sasl_send_failure(leg->channel, condition, text, leg->log, leg->session);
	if (++in->sasl_tries >= EXTERNAL_TRIES_MAX) {
		s2s_leg_close(leg, FW_CAUSE_SASL_FAILED, "too many tries");
	}
}

/* What the certificate lacks, in the words of RFC 6120 §6.5. */
static void external_distrust(struct s2s_leg *leg, const struct s2s_verdict *verdict)
{
	external_refuse(leg,
	                verdict->cause == FW_CAUSE_CERT_EXPIRED ? "credentials-expired"
	                                                        : "not-authorized",
	                fw_cause_row(verdict->cause)->text);
}

/* The peer says who it is; the header has said so before. */
static void external_identify(struct s2s_leg *leg, const struct s2s_sasl_identity *identity)
{
	struct s2s_verdict verdict;

	if (identity->authzid[0] != '\0' && strcmp(identity->authzid, leg->remote) != 0) {
		external_refuse(leg, "invalid-authzid",
		                "it is not the from of the stream's header");
	} else if (!s2s_trust_leg(leg, leg->remote, S2S_METHOD_EXTERNAL, &verdict)) {
		external_distrust(leg, &verdict); /* new rules since it was offered */
	} else if (leg->s2s->draining) {
		external_refuse(leg, "temporary-auth-failure", "this router is stopping");
	} else if (s2s_proofs_external(leg) != FW_OK) {
		external_refuse(leg, "temporary-auth-failure", NULL);
	}
}

static void external_auth(struct s2s_leg *leg, struct fw_stanza *element)
{
	struct s2s_in *in = s2s_in_of(leg);
	struct s2s_sasl_identity identity;
	const char *condition = s2s_sasl_read(element, &identity);

	if (!leg->trust.tls) {
		external_refuse(leg, "encryption-required", NULL);
	} else if (condition != NULL) {
		external_refuse(leg, condition, NULL);
	} else if (!s2s_external_is_offered(leg)) {
		external_refuse(leg, "invalid-mechanism", "it was not offered");
	} else if (!identity.given) { /* RFC 6120 §6.4.2: asks for what was not sent along */
		in->sasl_challenged = true;
		s2s_sasl_send(leg->channel, "challenge", leg->log, leg->session);
	} else {
		external_identify(leg, &identity);
	}
}

static void external_response(struct s2s_leg *leg, struct fw_stanza *element)
{
	struct s2s_in *in = s2s_in_of(leg);
	struct s2s_sasl_identity identity;
	const char *condition = s2s_sasl_read(element, &identity);

	in->sasl_challenged = false;
	if (condition != NULL) {
		external_refuse(leg, condition, NULL);
	} else {
		external_identify(leg, &identity);
	}
}

bool s2s_external_take(struct s2s_leg *leg, struct fw_stanza *element)
{
	struct s2s_in *in = s2s_in_of(leg);
	enum fw_sasl_kind kind = fw_sasl_kind(element);

	if (s2s_proofs_external_pending(leg)) {
		s2s_leg_close(leg, FW_CAUSE_UNEXPECTED, "SASL before the last answer");
	} else if (kind == FW_SASL_AUTH && in->authenticated) {
		/* RFC 6120 §6.3.3 and §6.4.6: once is enough. */
		s2s_leg_close(leg, FW_CAUSE_UNEXPECTED, "SASL after SASL");
	} else if (kind == FW_SASL_AUTH && !in->sasl_challenged) {
		external_auth(leg, element);
	} else if (kind == FW_SASL_RESPONSE && in->sasl_challenged) {
		external_response(leg, element);
	} else if (kind == FW_SASL_ABORT && in->sasl_challenged) {
		external_refuse(leg, "aborted", NULL);
	} else {
		return false;
	}
	return true;
}

void s2s_external_settled(struct s2s_leg *leg, enum fw_cause cause)
{
	if (cause == FW_CAUSE_RESOURCES) {
		external_refuse(leg, "temporary-auth-failure", "the policy could not be asked");
	} else if (cause != FW_CAUSE_NONE) {
		external_refuse(leg, "not-authorized", fw_cause_row(cause)->text);
	} else {
		s2s_count(leg->s2s, S2S_COUNT_EXTERNAL_IN);
		s2s_in_of(leg)->authenticated = true;
		s2s_sasl_send(leg->channel, "success", leg->log, leg->session);
		fw_channel_restart(leg->channel); /* RFC 6120 §6.3.2 */
		fw_machine_send(&leg->machine, S2S_IN_EV_RESTARTED, NULL);
	}
}
