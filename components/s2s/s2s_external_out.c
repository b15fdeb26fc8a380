/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The initiating side of SASL EXTERNAL (XEP-0178 §3): a peer that offers it is asked to take the
 * pair of the headers by our certificate. A peer that refuses is asked by dialback, on the same
 * stream when it leaves that open, else on the next, and is not asked this way again for a while.
 */
#include "components/s2s/s2s_external.h"

#include <stdio.h>

#include "components/s2s/s2s_out.h"
#include "components/s2s/s2s_sasl.h"

static const struct s2s_rules *external_rules(const struct s2s_leg *leg)
{
	return s2s_security_rules(leg->s2s->security, leg->remote, S2S_OUT);
}

static bool external_was_refused(const struct s2s_leg *leg)
{
	return s2s_remotes_refuses_external(leg->s2s->remotes, leg->remote);
}

enum s2s_method s2s_external_choose(const struct s2s_leg *leg)
{
	const struct s2s_rules *rules = external_rules(leg);
	const bool possible[S2S_METHODS] = {
		[S2S_METHOD_EXTERNAL] = leg->features.external && leg->trust.tls,
		[S2S_METHOD_DIALBACK] = leg->features.dialback,
	};
	enum s2s_method last = S2S_METHOD_NONE;

	for (size_t i = 0; rules->methods[i] != S2S_METHOD_NONE; i++) {
		enum s2s_method method = rules->methods[i];
		if (possible[method] &&
		    (method != S2S_METHOD_EXTERNAL || !external_was_refused(leg))) {
			return method;
		}
		last = possible[method] ? method : last;
	}
	return last; /* what was refused is better than nothing */
}

void s2s_external_begin(struct s2s_leg *leg)
{
	s2s_out_of(leg)->sasl_asked = true;
	s2s_claims_external(leg);
	s2s_sasl_send_auth(leg->channel, leg->local, leg->log, leg->session);
}

static void external_refused(struct s2s_leg *leg, struct fw_stanza *element)
{
	struct fw_sasl_failure failure;
	char condition[64];
	char text[100];
	char detail[176];

	fw_sasl_read_failure(element, &failure);
	snprintf(detail, sizeof(detail), "%s %s",
	         fw_quote(failure.condition, condition, sizeof(condition)),
	         fw_quote(failure.text, text, sizeof(text)));
	s2s_log_element(leg->log, leg->session, false, detail);
	s2s_out_of(leg)->sasl_refused = true;
	s2s_count(leg->s2s, S2S_COUNT_EXTERNAL_OUT_REFUSED);
	s2s_remotes_external_refused(leg->s2s->remotes, leg->remote);
	if (!leg->features.dialback || !s2s_rules_allow(external_rules(leg), S2S_METHOD_DIALBACK)) {
		s2s_leg_fail(leg, FW_CAUSE_SASL_FAILED, "%s", detail);
	} else {
		s2s_claims_external_refused(leg);
	}
}

bool s2s_external_answer(struct s2s_leg *leg, struct fw_stanza *element)
{
	struct s2s_out *out = s2s_out_of(leg);

	if (!out->sasl_asked) {
		return false;
	}
	switch (fw_sasl_kind(element)) {
	case FW_SASL_SUCCESS:
		out->sasl_asked = false;
		s2s_log_element(leg->log, leg->session, false, "<success xmlns='sasl'/>");
		fw_channel_restart(leg->channel); /* RFC 6120 §6.3.2 */
		fw_machine_send(&leg->machine, S2S_OUT_EV_RESTARTED, NULL);
		return true;
	case FW_SASL_FAILURE:
		out->sasl_asked = false;
		external_refused(leg, element);
		return true;
	case FW_SASL_CHALLENGE: /* all that there is to say was said */
		s2s_sasl_send(leg->channel, "abort", leg->log, leg->session);
		return true;
	default:
		return false;
	}
}

bool s2s_external_lost(struct s2s_leg *leg, const struct s2s_leg_end *end)
{
	struct s2s_out *out = s2s_out_of(leg);

	if (!out->sasl_asked && !out->sasl_refused) {
		return false;
	}
	if (out->sasl_asked) {
		s2s_count(leg->s2s, S2S_COUNT_EXTERNAL_OUT_REFUSED);
		s2s_remotes_external_refused(leg->s2s->remotes, leg->remote);
	}
	out->sasl_asked = false;
	if (s2s_rules_allow(external_rules(leg), S2S_METHOD_DIALBACK)) {
		leg->another_way = true;
		s2s_leg_close(leg, FW_CAUSE_SASL_FAILED, end->detail);
	} else {
		s2s_leg_fail(leg, FW_CAUSE_SASL_FAILED, "%s %s", fw_cause_row(end->cause)->name,
		             end->detail);
	}
	return true;
}
