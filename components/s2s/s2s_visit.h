/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One visit to a remote domain for "fedwayctl check": s2s_visit.c goes from step to step, s2s_visit_look.c puts what
 * is found into words. Nobody else includes this.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_VISIT_H
#define FEDWAY_COMPONENTS_S2S_S2S_VISIT_H

#include "components/s2s/s2s_leg.h"

struct visit {
	struct s2s *s2s;
	struct fw_call *call;
	struct fw_json *steps;
	struct fw_log *log;
	struct fw_timer *timer;      /**< over all of it, then over dialback */
	struct fw_request *request;
	struct s2s_targets targets;
	size_t next;                 /**< target to go to */
	struct fw_dial *dial;
	struct fw_channel *channel;
	char *stream_id;
	char local[FW_DOMAIN_SIZE], remote[FW_DOMAIN_SIZE];
	char session[FW_STREAM_ID_SIZE];
	uint64_t until_ms;           /**< the end of all of it */
	uint64_t asked_us;           /**< when the key was sent */
	bool told;                   /**< what is wrong with a target that was reached */
	enum fw_cause unreached;     /**< why the last of the others was not */
	bool proved;                 /**< dialback needs to be tried once only */
};

/** How one target was reached, or not. */
void visit_look_attempt(const struct visit *visit, const struct fw_dial_attempt *attempt);
/** TLS, certificate, and whether they are enough for the rules. @return good enough */
bool visit_look_security(const struct visit *visit);
/** What the peer offers. @return it does dialback */
bool visit_look_features(const struct visit *visit, const struct fw_dial_result *result);

#endif
