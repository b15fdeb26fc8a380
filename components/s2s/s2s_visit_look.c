/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a visit finds on one target, in words: how it was reached, its TLS and certificate, and what
 * it offers. Decides nothing: whether a certificate is enough is asked of s2s_trust.c.
 */
#include <stdio.h>
#include <time.h>

#include "components/s2s/s2s_sasl.h"
#include "components/s2s/s2s_steps.h"
#include "components/s2s/s2s_visit.h"

enum { VISIT_DAYS_FEW = 21, SECONDS_PER_DAY = 86400 };

void visit_look_attempt(const struct visit *visit, const struct fw_dial_attempt *attempt)
{
	const struct fw_target *target = attempt->target;
	char address[FW_ADDR_TEXT_SIZE], connect[S2S_MS_SIZE], stream[S2S_MS_SIZE];
	char tls[S2S_MS_SIZE], words[512];

	fw_addr_text(&target->addr, address);
	(void)snprintf(words, sizeof(words), "%s (%s, %s): TCP %s, stream %s, TLS %s", address,
	               target->host,
	               target->tls == FW_TARGET_DIRECT_TLS ? "direct TLS" : "STARTTLS",
	               s2s_ms(attempt->spent_us[FW_DIAL_CONNECT], connect),
	               s2s_ms(attempt->spent_us[FW_DIAL_STREAM], stream),
	               s2s_ms(attempt->spent_us[FW_DIAL_TLS], tls));
	if (attempt->cause == FW_CAUSE_NONE) {
		s2s_step(visit->steps, S2S_STEP_OK, "target", "%s", words);
		return;
	}
	size_t used = strlen(words);
	(void)snprintf(words + used, sizeof(words) - used, "%s%s",
	               attempt->detail[0] != '\0' ? "; " : "", attempt->detail);
	/* another target may do: whether any did is told at the end */
	s2s_step_cause(visit->steps, S2S_STEP_WARN, "target", attempt->cause, words);
}

static void look_days(const struct visit *visit, const struct fw_certificate *certificate)
{
	int64_t left = (certificate->not_after - (int64_t)time(NULL)) / SECONDS_PER_DAY;

	s2s_step(visit->steps, left < VISIT_DAYS_FEW ? S2S_STEP_WARN : S2S_STEP_OK, "certificate",
	         "%s, by %s, %s, %lld days left", certificate->subject, certificate->issuer,
	         certificate->key, (long long)left);
}

static void look_certificate(const struct visit *visit, const struct fw_tls_shown *shown)
{
	if (!shown->facts.has_certificate) {
		s2s_step(visit->steps, S2S_STEP_WARN, "certificate", "none was shown");
		return;
	}
	look_days(visit, shown->facts.certificate);
	s2s_step(visit->steps, shown->facts.chain_valid ? S2S_STEP_OK : S2S_STEP_WARN, "chain",
	         "%s%s%s", fw_tls_verdict_word(shown->facts.verdict),
	         shown->facts.chain_problem[0] != '\0' ? ": " : "", shown->facts.chain_problem);
	s2s_step(visit->steps, shown->named ? S2S_STEP_OK : S2S_STEP_WARN, "name", "%s %s",
	         shown->named ? "it names the domain as" : "it does not name the domain, but",
	         shown->names[0] != '\0' ? shown->names : "nobody");
	if (!shown->facts.purpose_fits[FW_TLS_PURPOSE_STRICT]) {
		s2s_step(visit->steps, S2S_STEP_WARN, "purpose",
		         "its extended key usage does not have what this use asks for");
	}
}

bool visit_look_security(const struct visit *visit)
{
	struct s2s_verdict verdict;
	struct fw_tls_shown shown;

	s2s_trust_look(visit->channel, visit->remote, &shown);
	if (shown.tls) {
		s2s_step(visit->steps, S2S_STEP_OK, "TLS", "%s, %s%s%s%s", shown.facts.version,
		         shown.facts.cipher, shown.facts.alpn[0] != '\0' ? ", ALPN " : "",
		         shown.facts.alpn, shown.facts.resumed ? ", session resumed" : "");
		look_certificate(visit, &shown);
	} else {
		s2s_step(visit->steps, S2S_STEP_WARN, "TLS", "none");
	}
	if (s2s_trust_channel(visit->s2s, visit->channel, visit->remote, S2S_OUT, S2S_METHOD_NONE,
	                      &verdict)) {
		s2s_step(visit->steps, S2S_STEP_OK, "trust", "good enough for the rules");
		return true;
	}
	s2s_step_cause(visit->steps, S2S_STEP_FAIL, "trust", verdict.cause, verdict.detail);
	return false;
}

bool visit_look_features(const struct visit *visit, const struct fw_dial_result *result)
{
	struct s2s_features features = { 0 };

	s2s_features_read(result->features, &result->header, &features);
	bool external = result->features != NULL &&
	                fw_sasl_is_offered(fw_stanza_root(result->features), FW_SASL_EXTERNAL);
	s2s_step(visit->steps, features.dialback || external ? S2S_STEP_OK : S2S_STEP_FAIL,
	         "offers", "%s%s%s%s%s%s", features.dialback ? "dialback" : "no dialback",
	         features.dialback_errors ? " with errors" : "", external ? ", SASL EXTERNAL" : "",
	         features.bidi ? ", both directions on one stream" : "",
	         features.sm ? ", acknowledgements" : "", features.max_bytes > 0 ? ", limits" : "");
	return features.dialback;
}
