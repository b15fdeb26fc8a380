/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The log lines of S2S, in the XCP manner: stream headers and features under stream.in and
 * stream.out, dialback elements and stanzas under stanza.component.in and .out, states under
 * ConnInfoHistory. What peers wrote goes through fw_quote(); bodies and whole keys are never
 * written.
 */
#include <stdio.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_trust.h"

static struct fw_logger stream_in = FW_LOGGER("stream.in");
static struct fw_logger stream_out = FW_LOGGER("stream.out");
static struct fw_logger element_in = FW_LOGGER("stanza.component.in");
static struct fw_logger element_out = FW_LOGGER("stanza.component.out");
static struct fw_logger history = FW_LOGGER("ConnInfoHistory");
struct fw_logger s2s_event_logger = FW_LOGGER("s2s.event");

static const char *log_verb(bool sent)
{
	return sent ? "sending" : "received";
}

int s2s_log_context(const struct s2s *s2s, struct fw_log **log, const char *session,
                    struct fw_str from, struct fw_str to, bool out_direction)
{
	char from_text[160];
	char to_text[160];
	struct fw_log *fresh = NULL;
	int ret = fw_log_child(fw_self_log(s2s->self), &fresh, "(%s, %s:%s, %s)", session,
	                       from.len > 0 ? fw_quote(from, from_text, sizeof(from_text)) : "-",
	                       to.len > 0 ? fw_quote(to, to_text, sizeof(to_text)) : "-",
	                       out_direction ? "OUT" : "IN");

	if (ret == FW_OK) {
		fw_log_free(log);
		*log = fresh;
	}
	return ret;
}

void s2s_log_header(const struct fw_log *log, const char *session,
                    const struct fw_stream_header *header, bool sent)
{
	char from[160];
	char to[160];
	char id[80];

	fw_log(log, sent ? &stream_out : &stream_in, FW_LOG_INFO,
	       "xcoder=%.*s %s:: <stream:stream from='%s' to='%s' id='%s'%s%s>", S2S_XCODER_LEN,
	       session, log_verb(sent), fw_quote(header->from, from, sizeof(from)),
	       fw_quote(header->to, to, sizeof(to)), fw_quote(header->id, id, sizeof(id)),
	       header->has_version ? " version='1.0'" : "",
	       header->has_dialback ? " xmlns:db='" FW_NS_DIALBACK "'" : "");
}

void s2s_log_stream(const struct fw_log *log, const char *session, bool sent, const char *text)
{
	fw_log(log, sent ? &stream_out : &stream_in, FW_LOG_INFO, "xcoder=%.*s %s:: %s",
	       S2S_XCODER_LEN, session, log_verb(sent), text);
}

void s2s_log_element(const struct fw_log *log, const char *session, bool sent, const char *text)
{
	fw_log(log, sent ? &element_out : &element_in, FW_LOG_INFO, "xcoder=%.*s %s:: %s",
	       S2S_XCODER_LEN, session, log_verb(sent), text);
}

void s2s_log_stanza(const struct fw_log *log, const struct fw_stanza *stanza, bool sent)
{
	struct fw_logger *logger = sent ? &element_out : &element_in;
	char from[160];
	char to[160];
	char type[32];
	char id[64];

	if (!fw_log_on(logger, FW_LOG_DEBUG)) {
		return;
	}
	fw_log(log, logger, FW_LOG_DEBUG,
	       "xcoder=" FW_XCODER " %s:: <%.*s from='%s' to='%s' type='%s' id='%s'> size=%zu",
	       fw_stanza_xcoder(stanza), log_verb(sent), FW_STR_ARG(fw_stanza_name(stanza)),
	       fw_quote(fw_jid_bare(fw_stanza_from(stanza)), from, sizeof(from)),
	       fw_quote(fw_jid_bare(fw_stanza_to(stanza)), to, sizeof(to)),
	       fw_quote(fw_stanza_type(stanza), type, sizeof(type)),
	       fw_quote(fw_stanza_id(stanza), id, sizeof(id)), fw_stanza_size(stanza));
}

void s2s_log_change(const struct fw_log *log, enum fw_level level, const char *from, const char *to,
                    uint64_t spent_us, const char *more)
{
	fw_log(log, &history, level, "%s->%s spent_us=%llu%s%s", from, to,
	       (unsigned long long)spent_us, more[0] != '\0' ? " " : "", more);
}

const char *s2s_log_secured(char out[S2S_LOG_SECURED_SIZE], const struct fw_tls_shown *shown)
{
	char quoted[256];

	if (!shown->tls) {
		snprintf(out, S2S_LOG_SECURED_SIZE, "tls=none");
		return out;
	}
	const struct fw_tls_facts *facts = &shown->facts;
	snprintf(out, S2S_LOG_SECURED_SIZE, "tls=%s cipher=%s%s%s certificate='%s' names='%s'%s",
	         facts->version, facts->cipher, facts->direct ? " direct=true" : "",
	         facts->resumed ? " resumed=true" : "",
	         facts->chain_valid || !facts->has_certificate ? fw_tls_verdict_word(facts->verdict)
	                                                       : facts->chain_problem,
	         fw_quote(fw_str(shown->names), quoted, sizeof(quoted)),
	         shown->named ? " named=true" : "");
	return out;
}

void s2s_log_closed(const struct fw_log *log, enum fw_level level, enum fw_cause cause,
                    const char *detail, const struct fw_stream_counts *counts, uint64_t age_ms)
{
	static const struct fw_stream_counts none;
	const struct fw_cause_row *row = fw_cause_row(cause);
	char quoted[256];

	if (counts == NULL) {
		counts = &none;
	}
	fw_log(log, &history, level,
	       "stream ended cause=%s text='%s' detail='%s' remedy='%s' age_ms=%llu "
	       "stanzas_in=%llu "
	       "stanzas_out=%llu bytes_in=%llu bytes_out=%llu",
	       row->name, row->text, fw_quote(fw_str(detail), quoted, sizeof(quoted)), row->remedy,
	       (unsigned long long)age_ms, (unsigned long long)counts->stanzas_in,
	       (unsigned long long)counts->stanzas_out, (unsigned long long)counts->bytes_in,
	       (unsigned long long)counts->bytes_out);
}
