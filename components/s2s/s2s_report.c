/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What fedwayctl shows of S2S: sums, one object per stream with how it is protected and why it is
 * trusted (RFC 7590 §3.6), and what failed last per remote domain. Reads only.
 */
#include "components/s2s/s2s_commands.h"
#include "components/s2s/s2s_keys.h"
#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_side.h"

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

/* What waits for the leg in the queues of its pairs. */
static void report_queued(struct fw_json *row, const struct s2s_leg *leg)
{
	uint64_t stanzas = 0;
	uint64_t bytes = 0;

	for (const struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		stanzas += claim->pair->waiting.stanzas;
		bytes += claim->pair->waiting.bytes;
	}
	fw_json_set_int(row, "queued", (int64_t)stanzas);
	fw_json_set_int(row, "queued_bytes", (int64_t)bytes);
}

static void report_channel(struct fw_json *row, const struct s2s_leg *leg)
{
	size_t stanzas = 0;
	size_t bytes = 0;

	if (leg->channel == NULL) {
		return;
	}
	const struct fw_stream_counts *counts = fw_channel_counts(leg->channel);
	fw_channel_queued(leg->channel, &stanzas, &bytes);
	fw_json_set_int(row, "stanzas_in", (int64_t)leg->stanzas);
	fw_json_set_int(row, "stanzas_out", (int64_t)counts->stanzas_out);
	fw_json_set_int(row, "bytes_in", (int64_t)counts->bytes_in);
	fw_json_set_int(row, "bytes_out", (int64_t)counts->bytes_out);
	fw_json_set_int(row, "unwritten", (int64_t)stanzas);
	fw_json_set_int(row, "unacknowledged", (int64_t)s2s_acks_missing(leg));
}

static void report_pairs(struct fw_json *pairs, const struct s2s_leg *leg)
{
	static const char *const proof_words[] = {
		[S2S_PROOF_POLICY] = "policy",
		[S2S_PROOF_VERIFY] = "verifying",
		[S2S_PROOF_VALID] = "valid",
	};
	static const char *const claim_words[] = {
		[S2S_CLAIM_WAITING] = "waiting", [S2S_CLAIM_KEY] = "key",
		[S2S_CLAIM_ASKED] = "asked",     [S2S_CLAIM_SASL] = "sasl",
		[S2S_CLAIM_VALID] = "valid",
	};

	for (const struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		struct fw_json *pair = fw_json_append_object(pairs);
		fw_json_set(pair, "direction", fw_str("out"));
		fw_json_set(pair, "local", fw_str(claim->pair->local));
		fw_json_set(pair, "remote", fw_str(claim->pair->remote));
		fw_json_set(pair, "state", fw_str(claim_words[claim->state]));
		s2s_trust_report_grant(&claim->grant, pair);
		fw_json_set_bool(pair, "forbidden", claim->forbidden);
		fw_json_set_int(pair, "stanzas", (int64_t)claim->sent);
		fw_json_set_int(pair, "queued", claim->pair->waiting.stanzas);
	}
	for (const struct s2s_proof *proof = leg->proofs; proof != NULL; proof = proof->next) {
		struct fw_json *pair = fw_json_append_object(pairs);
		fw_json_set(pair, "direction", fw_str("in"));
		fw_json_set(pair, "local", fw_str(proof->local));
		fw_json_set(pair, "remote", fw_str(proof->remote));
		fw_json_set(pair, "state", fw_str(proof_words[proof->state]));
		s2s_trust_report_grant(&proof->grant, pair);
		fw_json_set_bool(pair, "forbidden", proof->forbidden);
	}
}

void s2s_report_leg(const struct s2s_leg *leg, struct fw_json *row)
{
	uint64_t now = fw_now_ms(leg->s2s->loop);

	fw_json_set(row, "direction", fw_str(leg->kind->out ? "out" : "in"));
	fw_json_set(row, "local", fw_str(leg->local));
	fw_json_set(row, "remote", fw_str(leg->remote));
	fw_json_set(row, "address", fw_str(leg->address));
	fw_json_set_int(row, "age_ms", (int64_t)(now - leg->started_ms));
	fw_json_set_int(row, "idle_ms", (int64_t)(now - leg->last_stanza_ms));
	fw_json_set(row, "session", fw_str(leg->session));
	fw_json_set(row, "state", fw_str(fw_machine_state_name(&leg->machine)));
	fw_json_set(row, "method", fw_str(s2s_method_word(leg->trust.method)));
	s2s_trust_report(leg, fw_json_set_object(row, "security"));
	report_channel(row, leg);
	report_queued(row, leg);
	report_pairs(fw_json_set_array(row, "pairs"), leg);
	report_failure(row, leg->s2s, leg->remote);
}

/* ---- fedwayctl connections ---- */

/* From a row of "streams": the columns that an operator reads. The names are those of the pair, or
 * of the stream while it has none. */
static void connections_row(const struct fw_json *stream, const struct fw_json *named,
                            struct fw_json *out)
{
	static const char *const names[] = { "direction", "local", "remote" };
	static const char *const texts[] = { "address", "state", "method" };
	static const char *const numbers[] = { "age_ms",      "idle_ms",   "stanzas_in",
		                               "stanzas_out", "bytes_in",  "bytes_out",
		                               "queued",      "unwritten", "unacknowledged" };
	const struct fw_json *security = fw_json_get(stream, "security");

	for (size_t i = 0; i < FW_COUNT(names); i++) {
		fw_json_set(out, names[i], fw_json_text(fw_json_get(named, names[i])));
	}
	for (size_t i = 0; i < FW_COUNT(texts); i++) {
		fw_json_set(out, texts[i], fw_json_text(fw_json_get(stream, texts[i])));
	}
	fw_json_set(out, "tls",
	            fw_json_bool(fw_json_get(security, "tls"))
	                    ? fw_json_text(fw_json_get(security, "version"))
	                    : fw_str("none"));
	for (size_t i = 0; i < FW_COUNT(numbers); i++) {
		fw_json_set_int(out, numbers[i], fw_json_int(fw_json_get(stream, numbers[i])));
	}
}

/* A stream that carries several pairs of domains has a row for each. */
static void connections_stream(const struct fw_json *stream, struct fw_json *list)
{
	const struct fw_json *pairs = fw_json_get(stream, "pairs");

	if (fw_json_count(pairs) == 0) {
		connections_row(stream, stream, fw_json_append_object(list));
	}
	for (size_t i = 0; i < fw_json_count(pairs); i++) {
		connections_row(stream, fw_json_at(pairs, i), fw_json_append_object(list));
	}
}

void s2s_connections(struct fw_self *self, struct fw_call *call)
{
	struct fw_json *report = fw_json_new();
	struct fw_json *list = fw_json_set_array(fw_call_result(call), "connections");

	s2s_report(self, "streams", report);
	const struct fw_json *streams = fw_json_get(report, "streams");
	for (size_t i = 0; i < fw_json_count(streams); i++) {
		connections_stream(fw_json_at(streams, i), list);
	}
	fw_json_free(&report);
	fw_call_done(&call);
}

/* ---- the host's report ---- */

void s2s_report_security_mode(const struct s2s *s2s, struct fw_json *out)
{
	for (const struct fw_choice *mode = fw_security_choices; mode->word != NULL; mode++) {
		if (mode->value == s2s->config->security_mode) {
			fw_json_set(out, "security_mode", fw_str(mode->word));
		}
	}
}

static void report_status(struct s2s *s2s, struct fw_json *out)
{
	s2s_report_security_mode(s2s, out);
	if (s2s->config->tls_keylog_file[0] != '\0') {
		fw_json_setf(out, "warning", "the secrets of all TLS connections are written to %s",
		             s2s->config->tls_keylog_file);
	}
	s2s_keys_warn(s2s->keys, out);
	s2s_keys_report(s2s->keys, fw_json_set_array(out, "certificates"));
	fw_json_set(out, "side", fw_str(s2s_side_word(s2s)));
	fw_listeners_report(s2s->listeners, fw_json_set_array(out, "listen"));
	fw_json_set_bool(out, "draining", s2s->draining);
	fw_json_set_int(out, "streams_in", s2s->in_count);
	fw_json_set_int(out, "streams_in_unauthenticated", s2s->unauthenticated);
	fw_json_set_int(out, "streams_out", s2s->out_count);
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
	} else if (strcmp(topic, "facts") == 0) {
		s2s_facts(s2s, out);
	} else if (strcmp(topic, "streams") == 0) {
		struct fw_json *array = fw_json_set_array(out, "streams");
		for (const struct s2s_leg *leg = s2s->outs; leg != NULL; leg = leg->next) {
			s2s_report_leg(leg, fw_json_append_object(array));
		}
		for (const struct s2s_leg *leg = s2s->ins; leg != NULL; leg = leg->next) {
			s2s_report_leg(leg, fw_json_append_object(array));
		}
	}
}
