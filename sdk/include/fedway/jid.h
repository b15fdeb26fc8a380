/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XMPP addresses (RFC 7622) as a router needs them: split without copying, and the one form of a domain
 * that serves as routing key, DNS name and certificate reference (the A-label). Local and resource parts
 * are the home server's business (RFC 7622 §4) and are forwarded untouched.
 */
#ifndef FEDWAY_JID_H
#define FEDWAY_JID_H

#include <fedway/str.h>

FW_BEGIN_DECLS

/** Longest part of an address in bytes (RFC 7622 §3.1). */
#define FW_JID_PART_MAX 1023u
/** Buffer size for a domain as it is written in addresses, with its terminator. */
#define FW_DOMAIN_TEXT_SIZE (FW_JID_PART_MAX + 1u)
/** Buffer size for a domain key, with its terminator (RFC 1035 §2.3.4: 253 octets as text). */
#define FW_DOMAIN_SIZE 256u

/** An address taken apart; the slices point into the text that was split. */
struct fw_jid {
	struct fw_str local;    /**< absent when there is none */
	struct fw_str domain;   /**< never empty; as written, not yet a key */
	struct fw_str resource; /**< absent when there is none */
};

/**
 * Splits an address. Checks the grammar (no empty part, lengths, no control characters or spaces in local
 * and domain part), not the code point classes.
 * @return FW_OK; FW_EPARSE; FW_ELIMIT when a part is over FW_JID_PART_MAX bytes
 */
FW_API int fw_jid_split(struct fw_str text, struct fw_jid *out);

/** Only the domain of an address, without checks; the quick form for look-ups. Absent when there is none. */
FW_API struct fw_str fw_jid_domain(struct fw_str text);

/** Address without its resource. */
FW_API struct fw_str fw_jid_bare(struct fw_str text);

/**
 * Makes the key of a domain: one trailing dot stripped, lower case, U-labels as A-labels (IDNA2008,
 * non-transitional), IP literals as they are. ASCII names take a fast path without any library.
 *
 * @param domain  as written by a peer or an operator
 * @param out     FW_DOMAIN_SIZE bytes; terminated on success
 * @param key     slice of `out` on success; may be NULL
 * @return FW_OK; FW_EPARSE (not a domain name); FW_ELIMIT (too long)
 */
FW_API int fw_domain_key(struct fw_str domain, char out[FW_DOMAIN_SIZE], struct fw_str *key);

/**
 * How a domain is written in addresses and stream headers: with U-labels (RFC 7622 §3.2). DNS and certificates have
 * the key itself.
 *
 * @param key  from fw_domain_key(); one that has no A-label, or a broken one, is copied as it is
 * @return `out`
 */
FW_API const char *fw_domain_text(const char *key, char out[FW_DOMAIN_TEXT_SIZE]);

/** Both name the same domain (their keys are equal). Malformed names are never equal. */
FW_API bool fw_domain_eq(struct fw_str a, struct fw_str b);

/** An IPv4 or bracketed or bare IPv6 literal in the place of a domain. */
FW_API bool fw_domain_is_ip(struct fw_str domain);

FW_END_DECLS

#endif
