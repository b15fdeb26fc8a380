/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Is what a peer shows enough? The one place that compares rules with facts, for streams and for
 * the servers that dialback asks; and rules as text, for the way between the two. Pure but for the
 * look at a connection.
 */
#include <fedway/io/tls_rules.h>

#include <stdio.h>
#include <string.h>

#include <fedway/log.h>

void fw_tls_look(const struct fw_tls *tls, const char *domain_key, struct fw_tls_shown *out)
{
	memset(out, 0, sizeof(*out));
	if (tls == NULL) {
		return;
	}
	out->tls = true;
	fw_tls_facts(tls, &out->facts);
	out->named = domain_key[0] != '\0' && fw_tls_names(tls, domain_key, out->facts.direct,
	                                                   out->names, sizeof(out->names));
}

/* ---- one question after the other; the first that fails is the cause ---- */

enum fw_cause fw_tls_verdict_cause(enum fw_tls_verdict verdict)
{
	static const enum fw_cause causes[FW_TLS_VERDICT_COUNT] = {
		[FW_TLS_VALID] = FW_CAUSE_NONE,
		[FW_TLS_MISSING] = FW_CAUSE_CERT_MISSING,
		[FW_TLS_PURPOSE] = FW_CAUSE_CERT_PURPOSE,
		[FW_TLS_EXPIRED] = FW_CAUSE_CERT_EXPIRED,
		[FW_TLS_UNTRUSTED] = FW_CAUSE_CERT_UNTRUSTED,
		[FW_TLS_REVOKED] = FW_CAUSE_CERT_REVOKED,
	};

	return causes[verdict];
}

bool fw_tls_pinned(const struct fw_tls_rules *rules, const struct fw_tls_shown *shown)
{
	for (size_t i = 0; i < rules->pin_count; i++) {
		if (strcmp(rules->pins[i], shown->facts.certificate->key_sha256) == 0) {
			return true;
		}
	}
	return false;
}

enum fw_cause fw_tls_judge(const struct fw_tls_rules *rules, const struct fw_tls_shown *shown)
{
	bool has = shown->facts.has_certificate;

	if (!shown->tls) {
		return rules->required ? FW_CAUSE_TLS_REQUIRED : FW_CAUSE_NONE;
	}
	if (shown->facts.version_id < rules->min_version) {
		return FW_CAUSE_TLS_VERSION;
	}
	if (rules->pin_count > 0 && !has) {
		return FW_CAUSE_CERT_MISSING;
	}
	if (rules->pin_count > 0 && !fw_tls_pinned(rules, shown)) {
		return FW_CAUSE_CERT_PIN;
	}
	enum fw_tls_verdict chain = fw_tls_verdict_under(&shown->facts, rules->purpose);
	if (rules->must_verify && chain != FW_TLS_VALID) {
		return fw_tls_verdict_cause(chain);
	}
	/* Who shows none has named nothing wrongly: dialback proves the domain. */
	return has && rules->name_required && !shown->named ? FW_CAUSE_CERT_NAME : FW_CAUSE_NONE;
}

const char *fw_tls_judge_words(enum fw_cause cause, const struct fw_tls_shown *shown, char *out,
                               size_t size)
{
	char quoted[128];

	switch (cause) {
	case FW_CAUSE_CERT_NAME:
		snprintf(out, size, "it names %s",
		         shown->names[0] != '\0'
		                 ? fw_quote(fw_str(shown->names), quoted, sizeof(quoted))
		                 : "nobody");
		break;
	case FW_CAUSE_CERT_PIN:
		snprintf(out, size, "its key is %s", shown->facts.certificate->key_sha256);
		break;
	case FW_CAUSE_TLS_VERSION:
		snprintf(out, size, "%s", shown->facts.version);
		break;
	case FW_CAUSE_CERT_UNTRUSTED:
	case FW_CAUSE_CERT_EXPIRED:
	case FW_CAUSE_CERT_REVOKED:
	case FW_CAUSE_CERT_PURPOSE:
		snprintf(out, size, "%s", shown->facts.chain_problem);
		break;
	default:
		out[0] = '\0';
		break;
	}
	return out;
}

/* ---- as text ---- */

#define PIN_WORD "pin="

/* Rules that are one word each: all zero but for one member. */
static const struct {
	const char *word;
	struct fw_tls_rules rules;
} rule_words[] = {
	{ "tls", { .required = true } },
	{ "tls-1.3", { .min_version = FW_TLS_1_3 } },
	{ "verified", { .must_verify = true } },
	{ "named", { .name_required = true } },
	{ "purpose-strict", { .purpose = FW_TLS_PURPOSE_STRICT } },
	{ "purpose-ignore", { .purpose = FW_TLS_PURPOSE_IGNORE } },
};

static bool rules_have(const struct fw_tls_rules *rules, const struct fw_tls_rules *one)
{
	return (one->required && rules->required) || (one->must_verify && rules->must_verify) ||
	       (one->name_required && rules->name_required) ||
	       (one->min_version != FW_TLS_1_2 && rules->min_version == one->min_version) ||
	       (one->purpose != FW_TLS_PURPOSE_SERVER && rules->purpose == one->purpose);
}

int fw_tls_rules_write(const struct fw_tls_rules *rules, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; used < size && i < FW_COUNT(rule_words); i++) {
		if (rules_have(rules, &rule_words[i].rules)) {
			used += (size_t)snprintf(out + used, size - used, "%s%s",
			                         used > 0 ? " " : "", rule_words[i].word);
		}
	}
	for (size_t i = 0; used < size && i < rules->pin_count; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s" PIN_WORD "%s",
		                         used > 0 ? " " : "", rules->pins[i]);
	}
	return used < size && rules->pin_count <= FW_TLS_PINS_MAX ? FW_OK : FW_ELIMIT;
}

static int rules_read_pin(struct fw_str pin, struct fw_tls_rules *out,
                          char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE])
{
	if (pin.len != FW_TLS_PIN_SIZE - 1 || out->pin_count >= FW_TLS_PINS_MAX) {
		return FW_EINVAL;
	}
	memcpy(pins[out->pin_count], pin.ptr, pin.len);
	pins[out->pin_count++][pin.len] = '\0';
	return FW_OK;
}

static int rules_read_word(struct fw_str word, struct fw_tls_rules *out,
                           char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE])
{
	const size_t head = sizeof(PIN_WORD) - 1;

	if (word.len > head && memcmp(word.ptr, PIN_WORD, head) == 0) {
		return rules_read_pin(fw_str_n(word.ptr + head, word.len - head), out, pins);
	}
	for (size_t i = 0; i < FW_COUNT(rule_words); i++) {
		const struct fw_tls_rules *one = &rule_words[i].rules;
		if (fw_str_is(word, rule_words[i].word)) {
			out->required = out->required || one->required;
			out->must_verify = out->must_verify || one->must_verify;
			out->name_required = out->name_required || one->name_required;
			out->min_version = one->min_version != FW_TLS_1_2 ? one->min_version
			                                                  : out->min_version;
			out->purpose =
			        one->purpose != FW_TLS_PURPOSE_SERVER ? one->purpose : out->purpose;
			return FW_OK;
		}
	}
	return FW_EINVAL; /* rules that are not understood are not kept to */
}

int fw_tls_rules_read(struct fw_str text, struct fw_tls_rules *out,
                      char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE])
{
	int ret = FW_OK;

	memset(out, 0, sizeof(*out));
	out->pins = (const char(*)[FW_TLS_PIN_SIZE])pins;
	while (ret == FW_OK && text.len > 0) {
		const char *space = memchr(text.ptr, ' ', text.len);
		size_t len = space != NULL ? (size_t)(space - text.ptr) : text.len;
		ret = rules_read_word(fw_str_n(text.ptr, len), out, pins);
		len += space != NULL ? 1 : 0;
		text = fw_str_n(text.ptr + len, text.len - len);
	}
	return ret;
}
