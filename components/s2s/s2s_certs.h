/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The certificates that peers have shown, the last one per remote domain (RFC 7590 §3.6). Another key or issuer
 * than last time is an event: it may be a renewal, and it may be somebody else.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_CERTS_H
#define FEDWAY_COMPONENTS_S2S_S2S_CERTS_H

#include "components/s2s/s2s_security.h"

#include <fedway/component.h>
#include <fedway/io/certificate.h>
#include <fedway/json.h>
#include <fedway/log.h>

struct s2s;
struct s2s_certs;

/** @return FW_OK, FW_ENOMEM [g] */
int s2s_certs_new(struct s2s *s2s, struct s2s_certs **out);
void s2s_certs_free(struct s2s_certs **certs);
/** A pair with this remote domain was authenticated, and its server has shown this. */
void s2s_certs_saw(struct s2s_certs *certs, const char *remote, const struct fw_certificate *certificate,
                   enum fw_tls_verdict chain, enum s2s_method method, const struct fw_log *log);

/** What a domain's server has shown the last time. */
struct s2s_certs_seen {
	const struct fw_certificate *certificate; /**< lives until the next call of s2s_certs_saw() */
	enum fw_tls_verdict chain;                /**< then */
	enum s2s_method method;                   /**< by which the pair was proved */
	int64_t ago_s, left_s;                    /**< since then; until its end, negative behind that */
};
/** @return false: nothing is remembered */
bool s2s_certs_last(const struct s2s_certs *certs, const char *remote, struct s2s_certs_seen *out);
void s2s_certs_report(const struct s2s_certs *certs, struct fw_json *array);
/** The command `cert list`: ours and theirs. */
void s2s_certs_list(struct fw_self *self, struct fw_call *call);

#endif
