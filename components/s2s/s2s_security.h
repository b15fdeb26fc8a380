/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a remote domain, per direction: the options of s2s and its rows `domains`, compiled once per
 * configuration and never changed. Whether a stream meets the rules is decided in s2s_trust.c.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_SECURITY_H
#define FEDWAY_COMPONENTS_S2S_S2S_SECURITY_H

#include "components/s2s/s2s_domains.h"

#include <fedway/io/dial.h>
#include <fedway/io/tls_rules.h>

struct s2s_config;

/* Values of options: 0 is "inherit", in the component's own options "not given". */
enum s2s_tls { S2S_TLS_INHERIT, S2S_TLS_OFF, S2S_TLS_OPTIONAL, S2S_TLS_REQUIRED, S2S_TLS_VERIFIED };
enum s2s_name { S2S_NAME_INHERIT, S2S_NAME_AS_TLS, S2S_NAME_REQUIRED, S2S_NAME_OPTIONAL };
enum s2s_yes { S2S_YES_INHERIT, S2S_YES, S2S_NO };

/** For lists of words: is it a method? */
int s2s_security_check_method(const char *text, struct fw_str name, char *why, size_t why_size);

/** Ways to prove a domain. */
enum s2s_method {
	S2S_METHOD_NONE,
	S2S_METHOD_EXTERNAL,
	S2S_METHOD_DIALBACK,
	S2S_METHODS,                       /**< those that can be chosen end here */
	S2S_METHOD_ADDRESS = S2S_METHODS,  /**< dialback by name; the address was proof enough (s2s_side.h) */
};
/** "none", "external", "dialback", "address" */
const char *s2s_method_word(enum s2s_method method);

/** What is asked of one remote domain in one direction. */
struct s2s_rules {
	const char *row;                            /**< name of the row that says so; "": the component's own options */
	enum s2s_tls tls;                           /**< never inherit */
	enum fw_tls_version tls_min;
	enum fw_tls_purpose purpose;
	enum s2s_method methods[S2S_METHODS];       /**< in order of preference; ends with S2S_METHOD_NONE */
	bool name_required;                         /**< a certificate that is shown must name the domain */
	bool must_verify;                           /**< under TLS the certificate must be there and lead to an authority */
	size_t pin_count;
	const char (*pins)[FW_TLS_PIN_SIZE];           /**< lower case; one of them must be the peer's key */
};

struct s2s_security;

/**
 * Compiles the rules of a configuration. Keeps pointers into it: it lives no longer than that.
 * @return FW_OK; FW_EINVAL (err has a sentence: rows that contradict themselves); FW_ENOMEM [g]
 */
int s2s_security_new(const struct s2s_config *config, struct s2s_security **out, struct fw_error *err);
void s2s_security_free(struct s2s_security **security);
/**
 * The rules for a remote domain. They may be gone after the next reload: look them up when they are needed.
 * @param remote     as fw_domain_key() writes it; "": not known yet, which gives what is asked of everybody
 * @param direction  S2S_IN or S2S_OUT
 */
const struct s2s_rules *s2s_security_rules(const struct s2s_security *security, const char *remote,
                                           enum s2s_direction direction);
/** The row itself, for what is not about security; NULL: none. */
const struct s2s_domain_row *s2s_security_row(const struct s2s_security *security, const char *remote,
                                              enum s2s_direction direction);
/** Some stream may have TLS: certificates are needed. */
bool s2s_security_needs_tls(const struct s2s_security *security);

bool s2s_rules_allow(const struct s2s_rules *rules, enum s2s_method method);
/** The same in the words of fw_dial. */
enum fw_security s2s_rules_dial(const struct s2s_rules *rules);
/** The same in those of fw_tls_judge(): what is asked of the connection; under TLS that is off, nothing. */
struct fw_tls_rules s2s_rules_tls(const struct s2s_rules *rules);
/** "off", "optional", "required", "verified" */
const char *s2s_rules_tls_word(const struct s2s_rules *rules);

#endif
