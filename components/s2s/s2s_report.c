/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What fedwayctl shows of S2S: sums, one object per stream with how it is protected and why it is
 * trusted (RFC 7590 §3.6), and what failed last per remote domain. Reads only.
 */
#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_out.h"

static void report_trust(struct fw_json *row, const struct s2s_trust *trust)
{
	struct fw_json *security = fw_json_set_object(row, "security");

	fw_json_set(row, "method", fw_str(s2s_trust_method(trust)));
	fw_json_set_bool(security, "tls", trust->tls);
	if (!trust->tls) {
		return;
	}
	fw_json_set(security, "version", fw_str(trust->tls_version));
	fw_json_set(security, "cipher", fw_str(trust->cipher));
	fw_json_set(security, "certificate",
	            fw_str(!trust->has_certificate ? "none"
	                   : trust->chain_valid    ? "valid"
	                                           : "not trusted"));
	if (trust->chain_problem[0] != '\0') {
		fw_json_set(security, "certificate_problem", fw_str(trust->chain_problem));
	}
}

static void report_common(struct fw_json *row, const struct s2s *s2s, const char *direction,
                          const char *local, const char *remote, const char *address,
                          uint64_t started_ms, uint64_t last_stanza_ms)
{
	uint64_t now = fw_now_ms(s2s->loop);

	fw_json_set(row, "direction", fw_str(direction));
	fw_json_set(row, "local", fw_str(local));
	fw_json_set(row, "remote", fw_str(remote));
	fw_json_set(row, "address", fw_str(address));
	fw_json_set_int(row, "age_ms", (int64_t)(now - started_ms));
	fw_json_set_int(row, "idle_ms", (int64_t)(now - last_stanza_ms));
}

static void report_failure(struct fw_json *row, const struct s2s *s2s, const char *remote)
{
	const struct s2s_failure *failure = s2s_remotes_failure(s2s->remotes, remote);

	if (failure == NULL) {
		return;
	}
	struct fw_json *last = fw_json_set_object(row, "last_failure");
	fw_json_set(last, "cause", fw_str(fw_cause_row(failure->cause)->name));
	fw_json_set(last, "text", fw_str(fw_cause_row(failure->cause)->text));
	fw_json_set(last, "remedy", fw_str(fw_cause_row(failure->cause)->remedy));
	fw_json_set(last, "detail", fw_str(failure->detail));
	fw_json_set_int(last, "ago_ms", (int64_t)(fw_now_ms(s2s->loop) - failure->at_ms));
}

static void report_pair(struct s2s_pair *pair, void *ctx)
{
	const struct s2s_out *out = pair->out;

	if (out == NULL) {
		return;
	}
	struct fw_json *row = fw_json_append_object(ctx);
	report_common(row, pair->s2s, "out", pair->local, pair->remote, out->address,
	              out->started_ms, out->last_stanza_ms);
	fw_json_set(row, "session", fw_str(out->session));
	fw_json_set(row, "state", fw_str(fw_machine_state_name(&out->machine)));
	report_trust(row, &out->trust);
	if (out->channel != NULL) {
		const struct fw_stream_counts *counts = fw_channel_counts(out->channel);
		size_t stanzas = 0;
		size_t bytes = 0;
		fw_channel_queued(out->channel, &stanzas, &bytes);
		fw_json_set_int(row, "stanzas_out", (int64_t)counts->stanzas_out);
		fw_json_set_int(row, "bytes_out", (int64_t)counts->bytes_out);
		fw_json_set_int(row, "bytes_in", (int64_t)counts->bytes_in);
		fw_json_set_int(row, "unwritten", (int64_t)stanzas);
	}
	fw_json_set_int(row, "queued", pair->waiting.stanzas);
	fw_json_set_int(row, "queued_bytes", (int64_t)pair->waiting.bytes);
	report_failure(row, pair->s2s, pair->remote);
}

static void report_in(const struct s2s_in *in, struct fw_json *array)
{
	const struct fw_stream_counts *counts = fw_channel_counts(in->channel);
	struct fw_json *row = fw_json_append_object(array);

	report_common(row, in->s2s, "in", in->local, in->remote, in->address, in->started_ms,
	              in->last_stanza_ms);
	fw_json_set(row, "session", fw_str(in->session));
	fw_json_set(row, "state", fw_str(fw_machine_state_name(&in->machine)));
	report_trust(row, &in->trust);
	fw_json_set_int(row, "stanzas_in", (int64_t)in->stanzas);
	fw_json_set_int(row, "bytes_in", (int64_t)counts->bytes_in);
	fw_json_set_int(row, "bytes_out", (int64_t)counts->bytes_out);
	fw_json_set_int(row, "queued", 0);
	struct fw_json *pairs = fw_json_set_array(row, "pairs");
	for (const struct s2s_proof *proof = in->proofs; proof != NULL; proof = proof->next) {
		struct fw_json *pair = fw_json_append_object(pairs);
		fw_json_set(pair, "local", fw_str(proof->local));
		fw_json_set(pair, "remote", fw_str(proof->remote));
		fw_json_set(pair, "state",
		            fw_str(proof->state == S2S_PROOF_VALID    ? "valid"
		                   : proof->state == S2S_PROOF_VERIFY ? "verifying"
		                                                      : "policy"));
		fw_json_set_bool(pair, "forbidden", proof->forbidden);
	}
	report_failure(row, in->s2s, in->remote);
}

static void report_status(struct s2s *s2s, struct fw_json *out)
{
	for (const struct fw_choice *mode = fw_security_choices; mode->word != NULL; mode++) {
		if (mode->value == s2s->config->security_mode) {
			fw_json_set(out, "security_mode", fw_str(mode->word));
		}
	}
	s2s_listen_report(s2s, fw_json_set_array(out, "listen"));
	fw_json_set_bool(out, "draining", s2s->draining);
	fw_json_set_int(out, "streams_in", s2s->in_count);
	fw_json_set_int(out, "streams_in_unauthenticated", s2s->unauthenticated);
	fw_json_set_int(out, "streams_out", (int64_t)s2s_pairs_count(s2s->pairs));
	fw_json_set_int(out, "queued", (int64_t)s2s->waiting.stanzas);
	fw_json_set_int(out, "queued_bytes", (int64_t)s2s->waiting.bytes);
	s2s_remotes_report(s2s->remotes, fw_json_set_array(out, "failures"));
}

void s2s_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	struct s2s *s2s = fw_self_state(self);

	if (s2s == NULL) {
		return;
	}
	if (strcmp(topic, "status") == 0) {
		report_status(s2s, out);
	} else if (strcmp(topic, "streams") == 0) {
		struct fw_json *array = fw_json_set_array(out, "streams");
		s2s_pairs_each(s2s->pairs, report_pair, array);
		for (const struct s2s_in *in = s2s->ins; in != NULL; in = in->next) {
			report_in(in, array);
		}
	}
}
