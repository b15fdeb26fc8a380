/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How this component is set up, for "fedwayctl troubleshoot", which compares edges: what must be
 * the same on all of them stands at the top, what is of this one alone under "own". Reads only.
 */
#include "components/s2s/s2s_commands.h"
#include "components/s2s/s2s_keys.h"
#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_side.h"

#include <stdio.h>

static const char *const purpose_words[FW_TLS_PURPOSE_COUNT] = {
	[FW_TLS_PURPOSE_SERVER] = "server",
	[FW_TLS_PURPOSE_STRICT] = "strict",
	[FW_TLS_PURPOSE_IGNORE] = "ignored",
};

static void facts_rules(const struct s2s_rules *rules, struct fw_json *out)
{
	char methods[64] = "";

	for (size_t i = 0; i < S2S_METHODS && rules->methods[i] != S2S_METHOD_NONE; i++) {
		size_t used = strlen(methods);
		snprintf(methods + used, sizeof(methods) - used, "%s%s", used > 0 ? ", " : "",
		         s2s_method_word(rules->methods[i]));
	}
	fw_json_setf(out, "certificate_validation", "TLS %s, name %s, purpose %s",
	             s2s_rules_tls_word(rules), rules->name_required ? "required" : "optional",
	             purpose_words[rules->purpose]);
	fw_json_set(out, "sasl", fw_str(methods));
}

/* Rows for single domains, in the words of their effect. */
static void facts_rows(const struct s2s *s2s, struct fw_json *array)
{
	static const char *const words[] = { "in", "out" };
	static const enum s2s_direction directions[] = { S2S_IN, S2S_OUT };
	const struct s2s_domain_row *rows = s2s->config->domains.items;

	for (size_t i = 0; i < s2s->config->domains.count; i++) {
		for (size_t d = 0; d < FW_COUNT(words); d++) {
			const struct s2s_rules *rules =
			        s2s_security_rules(s2s->security, rows[i].name, directions[d]);
			if (strcmp(rules->row, rows[i].name) == 0) {
				struct fw_json *out = fw_json_append_object(array);
				fw_json_set(out, "name", fw_str(rows[i].name));
				fw_json_set(out, "direction", fw_str(words[d]));
				facts_rules(rules, out);
			}
		}
	}
}

/* Those that federate, and that none of our certificates names. */
static void facts_not_named(const struct s2s *s2s, const struct fw_json *domains,
                            struct fw_json *array)
{
	char key[FW_DOMAIN_SIZE];

	for (size_t i = 0; i < fw_json_count(domains); i++) {
		const struct fw_json *row = fw_json_at(domains, i);
		struct fw_str name = fw_json_text(fw_json_get(row, "name"));
		if (fw_json_bool(fw_json_get(row, "federation")) &&
		    fw_domain_key(name, key, NULL) == FW_OK && !s2s_keys_name(s2s->keys, key)) {
			fw_json_append(array, name);
		}
	}
}

static void facts_names(const struct s2s *s2s, struct fw_json *array)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *domains = fw_json_set_array(document, "domains");

	(void)fw_domains(s2s->self, domains);
	facts_not_named(s2s, domains, array);
	facts_not_named(s2s, fw_state(s2s->self, "domains"), array);
	fw_json_free(&document);
}

void s2s_facts(const struct s2s *s2s, struct fw_json *out)
{
	if (s2s_side_inner(s2s)) {
		return; /* it faces one server of ours: there is nothing to agree on */
	}
	s2s_report_security_mode(s2s, out);
	facts_rules(s2s_security_rules(s2s->security, "", S2S_IN), out);
	facts_rows(s2s, fw_json_set_array(out, "domain_rules"));
	struct fw_json *own = fw_json_set_object(out, "own");
	fw_json_set(own, "id", fw_str(fw_self_id(s2s->self)));
	facts_names(s2s, fw_json_set_array(own, "domains_not_named"));
}
