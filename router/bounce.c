/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a stanza that cannot be delivered: an error answer to its sender where the SDK
 * says that one may be sent (fw_stanza_error_reply), else its end. Called by the passage, by ports
 * that lose their queue, and by modules. The answer walks through the same rooms, marked, in an
 * account of its own, and is never answered again.
 */
#include <fedway/hosting.h>

#include "router/passage.h"

/* Why a stanza that gets no answer ends: an answer of any kind that could not be delivered has a
 * cause of its own. */
static enum fw_cause drop_cause(const struct fw_stanza *stanza, enum fw_cause cause)
{
	bool result =
	        fw_stanza_kind(stanza) == FW_KIND_IQ && fw_str_is(fw_stanza_type(stanza), "result");

	if (result || fw_stanza_is_error(stanza) || fw_stanza_is_bounce(stanza)) {
		return FW_CAUSE_ERROR_UNDELIVERABLE;
	}
	return cause;
}

void router_bounce(struct router *router, struct fw_stanza **stanza, enum fw_cause cause)
{
	struct passage passage = { .router = router };

	if (*stanza == NULL) {
		return;
	}
	int ret = fw_stanza_error_reply(*stanza, cause, &passage.stanza);
	if (ret != FW_OK) {
		cause = ret == FW_ENOMEM ? FW_CAUSE_RESOURCES : drop_cause(*stanza, cause);
		fw_stanza_end(stanza, FW_EXIT_DROPPED, cause);
		return;
	}
	if (fw_stanza_from(passage.stanza).len == 0) {
		(void)fw_stanza_set(passage.stanza, "from", fw_str(router->realm));
	}
	/* With several holders of the sender's domain the answer goes to the one that sent. */
	passage.prefer = fw_stanza_origin(*stanza);
	fw_stanza_end(stanza, FW_EXIT_BOUNCED, cause);
	fw_stanza_mark_bounce(passage.stanza);
	fw_stanza_enter(passage.stanza, router->bounces, fw_now_ms(router->loop));
	passage_run(&passage);
}
