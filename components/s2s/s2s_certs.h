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
                   enum s2s_method method, const struct fw_log *log);
void s2s_certs_report(const struct s2s_certs *certs, struct fw_json *array);
/** The command `cert list`: ours and theirs. */
void s2s_certs_list(struct fw_self *self, struct fw_call *call);

#endif
