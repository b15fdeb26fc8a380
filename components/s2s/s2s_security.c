/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compiles the security options into rules: one set for everybody, one per row of `domains`, one
 * for strangers whose domain is not known yet. What contradicts itself is refused with a sentence.
 * The option rows are in s2s_options.c; whether a stream meets the rules is s2s_trust.c's question.
 */
#include "components/s2s/s2s_security.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_side.h"

struct s2s_security {
	struct s2s_domains *domains;
	const struct s2s_domain_row *rows;
	size_t count;
	struct s2s_rules everybody;
	struct s2s_rules stranger;
	struct s2s_rules rules[]; /* of the rows, in their order */
};

static const char *const tls_words[] = {
	[S2S_TLS_INHERIT] = "inherit",   [S2S_TLS_OFF] = "off",
	[S2S_TLS_OPTIONAL] = "optional", [S2S_TLS_REQUIRED] = "required",
	[S2S_TLS_VERIFIED] = "verified",
};

static const char *const method_words[S2S_METHODS + 1] = {
	[S2S_METHOD_NONE] = "none",
	[S2S_METHOD_EXTERNAL] = "external",
	[S2S_METHOD_DIALBACK] = "dialback",
	[S2S_METHOD_ADDRESS] = "address",
};

const char *s2s_method_word(enum s2s_method method)
{
	return method_words[method];
}

static enum s2s_method method_by_word(const char *word)
{
	for (int method = S2S_METHOD_NONE + 1; method < S2S_METHODS; method++) {
		if (strcmp(method_words[method], word) == 0) {
			return (enum s2s_method)method;
		}
	}
	return S2S_METHOD_NONE;
}

int s2s_security_check_method(const char *text, struct fw_str name, char *why, size_t why_size)
{
	(void)name;
	if (method_by_word(text) != S2S_METHOD_NONE) {
		return 0;
	}
	snprintf(why, why_size, "not a method; there are \"external\" and \"dialback\"");
	return -1;
}

/* ---- what a row says, with what it leaves out filled in ---- */

static int inherit(int given, int from)
{
	return given != 0 ? given : from;
}

static struct fw_strings inherit_list(struct fw_strings given, struct fw_strings from)
{
	return given.count > 0 ? given : from;
}

/* The component's own options in the form of a row. */
static struct s2s_domain_row security_everybody(const struct s2s_config *config)
{
	static const int by_mode[] = {
		[FW_SECURITY_REQUIRED] = S2S_TLS_REQUIRED,
		[FW_SECURITY_OPTIONAL] = S2S_TLS_OPTIONAL,
		[FW_SECURITY_NONE] = S2S_TLS_OFF,
	};
	struct s2s_domain_row row = {
		.name = "",
		.tls = by_mode[config->security_mode],
		.tls_min = config->tls_min,
		.methods = config->methods,
		.certificate_name = config->certificate_name,
		.certificate_purpose = config->certificate_purpose,
		.require_client_certificates =
		        config->require_client_certificates ? S2S_YES : S2S_YES_INHERIT,
	};

	/* Inside, many a server's certificate names its machine only: the address is the proof. */
	if (config->side == S2S_SIDE_INNER && row.certificate_name != S2S_NAME_REQUIRED) {
		row.certificate_name = S2S_NAME_OPTIONAL;
	}
	return row;
}

static struct s2s_domain_row security_fill(const struct s2s_domain_row *row,
                                           const struct s2s_domain_row *everybody)
{
	struct s2s_domain_row full = *row;

	full.tls = inherit(row->tls, everybody->tls);
	full.tls_min = inherit(row->tls_min, everybody->tls_min);
	full.methods = inherit_list(row->methods, everybody->methods);
	full.certificate_name = inherit(row->certificate_name, everybody->certificate_name);
	full.certificate_purpose =
	        inherit(row->certificate_purpose, everybody->certificate_purpose);
	full.require_client_certificates =
	        inherit(row->require_client_certificates, everybody->require_client_certificates);
	return full;
}

/* ---- contradictions ---- */

static bool names_method(const struct fw_strings *methods, enum s2s_method method)
{
	for (size_t i = 0; i < methods->count; i++) {
		if (method_by_word(methods->items[i]) == method) {
			return true;
		}
	}
	return false;
}

static bool external_only(const struct fw_strings *methods)
{
	return methods->count > 0 && !names_method(methods, S2S_METHOD_DIALBACK);
}

static bool external_in_clear(const struct s2s_domain_row *row, const struct s2s_domain_row *full)
{
	return full->tls == S2S_TLS_OFF && names_method(&row->methods, S2S_METHOD_EXTERNAL);
}

static bool external_only_in_clear(const struct s2s_domain_row *row,
                                   const struct s2s_domain_row *full)
{
	(void)row;
	return full->tls <= S2S_TLS_OPTIONAL && external_only(&full->methods);
}

static bool method_twice(const struct s2s_domain_row *row, const struct s2s_domain_row *full)
{
	(void)full;
	for (size_t i = 1; i < row->methods.count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(row->methods.items[i], row->methods.items[j]) == 0) {
				return true;
			}
		}
	}
	return false;
}

static bool pins_in_clear(const struct s2s_domain_row *row, const struct s2s_domain_row *full)
{
	return full->tls <= S2S_TLS_OPTIONAL && row->pins.count > 0;
}

static bool version_in_clear(const struct s2s_domain_row *row, const struct s2s_domain_row *full)
{
	return full->tls == S2S_TLS_OFF && row->tls_min != 0 && row->name[0] != '\0';
}

static bool name_in_clear(const struct s2s_domain_row *row, const struct s2s_domain_row *full)
{
	return full->tls == S2S_TLS_OFF && row->certificate_name == S2S_NAME_REQUIRED;
}

static bool certificate_in_clear(const struct s2s_domain_row *row,
                                 const struct s2s_domain_row *full)
{
	return full->tls == S2S_TLS_OFF && row->require_client_certificates == S2S_YES;
}

static bool verified_and_not(const struct s2s_domain_row *row, const struct s2s_domain_row *full)
{
	return full->tls == S2S_TLS_VERIFIED && row->require_client_certificates == S2S_NO;
}

static const struct {
	bool (*found)(const struct s2s_domain_row *row, const struct s2s_domain_row *full);
	const char *sentence;
} contradictions[] = {
	{ method_twice, "methods names one method twice; name each once" },
	{ external_in_clear,
	  "methods has external, which needs a certificate, and TLS is off; set tls "
	  "= \"required\" or leave external out" },
	{ external_only_in_clear,
	  "external is the only method and a stream in clear could not use it; "
	  "set tls = \"required\" or add dialback to methods" },
	{ pins_in_clear, "pins are given and a stream in clear would go round them; set tls = "
	                 "\"required\" or remove pins" },
	{ version_in_clear, "tls_min is given and TLS is off; set tls = \"required\" or remove "
	                    "tls_min" },
	{ name_in_clear, "certificate_name is required and TLS is off; set tls = \"required\" or "
	                 "remove certificate_name" },
	{ certificate_in_clear, "require_client_certificates is set and TLS is off; set tls = "
	                        "\"required\" or remove it" },
	{ verified_and_not,
	  "tls is verified, which requires a certificate, and "
	  "require_client_certificates = \"no\" does not; remove one of the two" },
};

static int security_check(const struct s2s_domain_row *row, const struct s2s_domain_row *full,
                          struct fw_error *err)
{
	for (size_t i = 0; i < FW_COUNT(contradictions); i++) {
		if (!contradictions[i].found(row, full)) {
			continue;
		}
		if (row->name[0] == '\0') {
			return fw_error_set(err, FW_EINVAL, "%s", contradictions[i].sentence);
		}
		return fw_error_set(err, FW_EINVAL, "domains \"%s\": %s", row->name,
		                    contradictions[i].sentence);
	}
	return FW_OK;
}

/* ---- compiling ---- */

static void compile_methods(const struct s2s_domain_row *full, struct s2s_rules *rules)
{
	static const char *const usual[] = { "external", "dialback" };
	struct fw_strings methods = inherit_list(full->methods, (struct fw_strings){ usual, 2 });
	size_t used = 0;

	for (size_t i = 0; i < methods.count && used + 1 < S2S_METHODS; i++) {
		enum s2s_method method = method_by_word(methods.items[i]);
		if (method != S2S_METHOD_EXTERNAL || full->tls != S2S_TLS_OFF) {
			rules->methods[used++] = method;
		}
	}
	rules->methods[used] = S2S_METHOD_NONE;
}

static int compile_pins(const struct s2s_domain_row *full, struct s2s_rules *rules)
{
	char(*pins)[FW_TLS_PIN_SIZE];

	if (full->pins.count == 0) {
		return FW_OK;
	}
	pins = calloc(full->pins.count, sizeof(*pins));
	if (pins == NULL) {
		return FW_ENOMEM;
	}
	for (size_t i = 0; i < full->pins.count; i++) {
		for (size_t at = 0; at + 1 < FW_TLS_PIN_SIZE && full->pins.items[i][at] != '\0';
		     at++) {
			pins[i][at] = (char)tolower((unsigned char)full->pins.items[i][at]);
		}
	}
	rules->pins = (const char(*)[FW_TLS_PIN_SIZE])pins;
	rules->pin_count = full->pins.count;
	return FW_OK;
}

static int security_compile(const struct s2s_domain_row *row,
                            const struct s2s_domain_row *everybody, struct s2s_rules *rules,
                            struct fw_error *err)
{
	const struct s2s_domain_row full = security_fill(row, everybody);
	int ret = security_check(row, &full, err);

	if (ret != FW_OK) {
		return ret;
	}
	rules->row = row->name;
	rules->tls = (enum s2s_tls)full.tls;
	rules->tls_min = full.tls_min != 0 ? (enum fw_tls_version)(full.tls_min - 1) : FW_TLS_1_2;
	rules->purpose = full.certificate_purpose != 0
	                         ? (enum fw_tls_purpose)(full.certificate_purpose - 1)
	                         : FW_TLS_PURPOSE_SERVER;
	rules->must_verify =
	        full.tls == S2S_TLS_VERIFIED || full.require_client_certificates == S2S_YES;
	/* Who pins a key has said which certificate is right. */
	rules->name_required = full.certificate_name == S2S_NAME_REQUIRED ||
	                       (full.certificate_name != S2S_NAME_OPTIONAL &&
	                        full.tls >= S2S_TLS_REQUIRED && full.pins.count == 0);
	compile_methods(&full, rules);
	ret = compile_pins(&full, rules);
	return ret == FW_OK ? FW_OK : fw_error_set(err, ret, "out of memory");
}

/* Before a domain is known nothing may be demanded that one domain need not do. */
static void security_weaken(struct s2s_security *security)
{
	enum s2s_tls lowest = security->everybody.tls;
	enum s2s_tls highest = lowest;

	for (size_t i = 0; i < security->count; i++) {
		enum s2s_tls tls = security->rules[i].tls;
		if (security->rows[i].direction != S2S_OUT) {
			lowest = tls < lowest ? tls : lowest;
			highest = tls > highest ? tls : highest;
		}
	}
	security->stranger = security->everybody;
	security->stranger.tls =
	        lowest == S2S_TLS_OFF && highest > S2S_TLS_OFF ? S2S_TLS_OPTIONAL : lowest;
}

int s2s_security_new(const struct s2s_config *config, struct s2s_security **out,
                     struct fw_error *err)
{
	const struct s2s_domain_row everybody = security_everybody(config);
	size_t count = config->domains.count;
	struct s2s_security *security =
	        calloc(1, sizeof(*security) + count * sizeof(security->rules[0]));
	int ret = FW_ENOMEM;

	if (security == NULL) {
		return fw_error_set(err, ret, "out of memory");
	}
	security->rows = config->domains.items;
	security->count = count;
	ret = s2s_domains_new(&config->domains, &security->domains, err);
	if (ret == FW_OK) {
		ret = security_compile(&everybody, &everybody, &security->everybody, err);
	}
	for (size_t i = 0; ret == FW_OK && i < count; i++) {
		ret = security_compile(&security->rows[i], &everybody, &security->rules[i], err);
	}
	if (ret == FW_OK) {
		security_weaken(security);
		*out = security;
		security = NULL; /* given away */
	}
	s2s_security_free(&security);
	return ret;
}

void s2s_security_free(struct s2s_security **security_ptr)
{
	struct s2s_security *security = *security_ptr;

	*security_ptr = NULL;
	if (security == NULL) {
		return;
	}
	for (size_t i = 0; i < security->count; i++) {
		free((void *)security->rules[i].pins);
	}
	s2s_domains_free(&security->domains);
	free(security);
}

/* ---- asking ---- */

const struct s2s_domain_row *s2s_security_row(const struct s2s_security *security,
                                              const char *remote, enum s2s_direction direction)
{
	return remote[0] != '\0' ? s2s_domains_find(security->domains, remote, direction) : NULL;
}

const struct s2s_rules *s2s_security_rules(const struct s2s_security *security, const char *remote,
                                           enum s2s_direction direction)
{
	const struct s2s_domain_row *row = s2s_security_row(security, remote, direction);

	if (remote[0] == '\0') {
		return &security->stranger;
	}
	return row != NULL ? &security->rules[row - security->rows] : &security->everybody;
}

bool s2s_security_needs_tls(const struct s2s_security *security)
{
	bool needed = security->everybody.tls != S2S_TLS_OFF;

	for (size_t i = 0; i < security->count; i++) {
		needed |= security->rules[i].tls != S2S_TLS_OFF;
	}
	return needed;
}

bool s2s_rules_allow(const struct s2s_rules *rules, enum s2s_method method)
{
	for (size_t i = 0; rules->methods[i] != S2S_METHOD_NONE; i++) {
		if (rules->methods[i] == method) {
			return true;
		}
	}
	return false;
}

enum fw_security s2s_rules_dial(const struct s2s_rules *rules)
{
	return rules->tls == S2S_TLS_OFF        ? FW_SECURITY_NONE
	       : rules->tls == S2S_TLS_OPTIONAL ? FW_SECURITY_OPTIONAL
	                                        : FW_SECURITY_REQUIRED;
}

struct fw_tls_rules s2s_rules_tls(const struct s2s_rules *rules)
{
	if (rules->tls == S2S_TLS_OFF) {
		return (struct fw_tls_rules){ 0 };
	}
	return (struct fw_tls_rules){
		.required = rules->tls >= S2S_TLS_REQUIRED,
		.min_version = rules->tls_min,
		.purpose = rules->purpose,
		.must_verify = rules->must_verify,
		.name_required = rules->name_required,
		.pin_count = rules->pin_count,
		.pins = rules->pins,
	};
}

const char *s2s_rules_tls_word(const struct s2s_rules *rules)
{
	return tls_words[rules->tls];
}
