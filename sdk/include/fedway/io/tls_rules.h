/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of a connection's TLS and of the certificate that its peer shows, and the one place that judges
 * it. Rules are the owner's: who they are for, and where they come from, is not known here. The S2S module judges
 * streams by them and hands them to the dialback verifier, as text, for the servers that it asks.
 */
#ifndef FEDWAY_IO_TLS_RULES_H
#define FEDWAY_IO_TLS_RULES_H

#include <fedway/cause.h>
#include <fedway/io/tls.h>

FW_BEGIN_DECLS

/** The hex digits of a SHA-256 in lower case, with its end; and how many may be given. */
#define FW_TLS_PIN_SIZE 65u
#define FW_TLS_PINS_MAX 16u

/** All zero asks for nothing. */
struct fw_tls_rules {
	bool required;                  /**< a connection in clear is not good enough */
	enum fw_tls_version min_version;
	enum fw_tls_purpose purpose;
	bool must_verify;               /**< under TLS a certificate must be there and lead to an authority */
	bool name_required;             /**< a certificate that is shown must name the domain */
	size_t pin_count;
	const char (*pins)[FW_TLS_PIN_SIZE]; /**< one of them must be the peer's key */
};

/** What the peer of one connection shows, seen for one domain. Lives as long as the connection. */
struct fw_tls_shown {
	bool tls;                  /**< else nothing below counts */
	struct fw_tls_facts facts;
	bool named;                /**< its certificate names the domain */
	char names[256];           /**< the name that matched; else those that are there */
};

/** @param tls  NULL: the connection is in clear. @param domain_key  "": not known, no certificate names it */
FW_API void fw_tls_look(const struct fw_tls *tls, const char *domain_key, struct fw_tls_shown *out);

/** The judgement. Pure: the same rules and facts give the same. @return FW_CAUSE_NONE: good; else why not */
FW_API enum fw_cause fw_tls_judge(const struct fw_tls_rules *rules, const struct fw_tls_shown *shown);
/** More words for the log: what was shown that gave the cause; or "". @return out */
FW_API const char *fw_tls_judge_words(enum fw_cause cause, const struct fw_tls_shown *shown, char *out, size_t size);
/** The peer's key is one of the pins. A certificate must have been shown. */
FW_API bool fw_tls_pinned(const struct fw_tls_rules *rules, const struct fw_tls_shown *shown);
/** FW_CAUSE_NONE for FW_TLS_VALID. */
FW_API enum fw_cause fw_tls_verdict_cause(enum fw_tls_verdict verdict);

/** Room for any rules as text. */
#define FW_TLS_RULES_TEXT_SIZE 1280u
/**
 * Rules as words with a space between, for sdk/PROTOCOL.md: `tls`, `tls-1.3`, `verified`, `named`,
 * `purpose-strict` or `purpose-ignore`, and `pin=HEX` as often as there are pins. The same rules give the same text.
 * @return FW_OK, FW_ELIMIT (too many pins)
 */
FW_API int fw_tls_rules_write(const struct fw_tls_rules *rules, char *out, size_t size);
/** @param pins  room for those of `out`. @return FW_OK; FW_EINVAL: a word that is not known, or too many pins */
FW_API int fw_tls_rules_read(struct fw_str text, struct fw_tls_rules *out,
                             char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE]);

FW_END_DECLS

#endif
