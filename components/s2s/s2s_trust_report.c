/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What fedwayctl shows of trust: how a stream is protected, what certificate its peer has shown,
 * and why each pair is trusted (RFC 7590 §3.6). Called by s2s_report.c; reads only.
 */
#include "components/s2s/s2s_leg.h"

static void trust_report_certificate(struct fw_json *out, const struct fw_certificate *certificate)
{
	const struct {
		const char *key, *value;
	} rows[] = {
		{ "subject", certificate->subject },       { "issuer", certificate->issuer },
		{ "names", certificate->names },           { "key", certificate->key },
		{ "key_sha256", certificate->key_sha256 },
	};

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		fw_json_set(out, rows[i].key, fw_str(rows[i].value));
	}
	fw_json_set_int(out, "not_before", certificate->not_before);
	fw_json_set_int(out, "not_after", certificate->not_after);
}

void s2s_trust_report(const struct s2s_leg *leg, struct fw_json *security)
{
	struct fw_tls_shown shown;

	s2s_trust_look(leg->channel, leg->remote, &shown);
	fw_json_set_bool(security, "tls", shown.tls);
	if (!shown.tls) {
		return;
	}
	fw_json_set(security, "version", fw_str(shown.facts.version));
	fw_json_set(security, "cipher", fw_str(shown.facts.cipher));
	fw_json_set_bool(security, "direct", shown.facts.direct);
	fw_json_set_bool(security, "resumed", shown.facts.resumed);
	fw_json_set(security, "own_certificate", fw_str(shown.facts.own_certificate));
	fw_json_set(security, "certificate", fw_str(fw_tls_verdict_word(shown.facts.verdict)));
	if (shown.facts.chain_problem[0] != '\0') {
		fw_json_set(security, "certificate_problem", fw_str(shown.facts.chain_problem));
	}
	if (shown.facts.has_certificate) {
		trust_report_certificate(fw_json_set_object(security, "peer"),
		                         shown.facts.certificate);
	}
}

void s2s_trust_report_grant(const struct s2s_grant *grant, struct fw_json *pair)
{
	if (grant->method == S2S_METHOD_NONE) {
		return;
	}
	fw_json_set(pair, "method", fw_str(s2s_method_word(grant->method)));
	if (!grant->certificate) {
		return;
	}
	fw_json_set(pair, "certificate", fw_str(fw_tls_verdict_word(grant->chain)));
	fw_json_set_bool(pair, "named", grant->named);
	fw_json_set(pair, "names", fw_str(grant->names));
	fw_json_set_bool(pair, "pinned", grant->pinned);
}
