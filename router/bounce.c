/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a stanza that cannot be delivered: an error answer to its sender where RFC 6120
 * §8.3.1 and RFC 6121 want one, else its end. Called by the passage, by ports that lose their
 * queue, and by modules. The answer walks through the same rooms, marked, in an account of its own,
 * and is never answered again.
 */
#include "router/bounce.h"

#include <fedway/hosting.h>

#include "router/passage.h"

/* Rows are tried from the top; NULL stands for any type, "" for none. The reasons are in README.md.
 */
static const struct {
	enum fw_kind kind;
	const char *type;
	bool answer;
	enum fw_cause cause; /* of the drop; FW_CAUSE_NONE: the one that ended it */
} rules[] = {
	{ FW_KIND_MESSAGE, "error", false, FW_CAUSE_ERROR_UNDELIVERABLE },
	{ FW_KIND_MESSAGE, "headline", false, FW_CAUSE_NONE },
	{ FW_KIND_MESSAGE, NULL, true, FW_CAUSE_NONE },
	{ FW_KIND_PRESENCE, "error", false, FW_CAUSE_ERROR_UNDELIVERABLE },
	{ FW_KIND_PRESENCE, "", true, FW_CAUSE_NONE },
	{ FW_KIND_PRESENCE, "subscribe", true, FW_CAUSE_NONE },
	{ FW_KIND_PRESENCE, "probe", true, FW_CAUSE_NONE },
	{ FW_KIND_PRESENCE, NULL, false, FW_CAUSE_NONE },
	{ FW_KIND_IQ, "error", false, FW_CAUSE_ERROR_UNDELIVERABLE },
	{ FW_KIND_IQ, "result", false, FW_CAUSE_ERROR_UNDELIVERABLE },
	{ FW_KIND_IQ, NULL, true, FW_CAUSE_NONE },
	{ FW_KIND_OTHER, NULL, false, FW_CAUSE_NONE },
};

bool bounce_is_due(const struct fw_stanza *stanza, enum fw_cause *cause)
{
	enum fw_kind kind = fw_stanza_kind(stanza);
	struct fw_str type = fw_stanza_type(stanza);

	if (fw_stanza_is_bounce(stanza)) {
		*cause = FW_CAUSE_ERROR_UNDELIVERABLE;
		return false;
	}
	for (size_t i = 0; i < FW_COUNT(rules); i++) {
		if (rules[i].kind == kind &&
		    (rules[i].type == NULL || fw_str_is(type, rules[i].type))) {
			if (rules[i].cause != FW_CAUSE_NONE) {
				*cause = rules[i].cause;
			}
			return rules[i].answer;
		}
	}
	return false;
}

void router_bounce(struct router *router, struct fw_stanza **stanza, enum fw_cause cause)
{
	struct passage passage = { .router = router };

	if (*stanza == NULL) {
		return;
	}
	if (!bounce_is_due(*stanza, &cause)) {
		fw_stanza_end(stanza, FW_EXIT_DROPPED, cause);
		return;
	}
	int ret = fw_stanza_error_reply(*stanza, cause, &passage.stanza);
	if (ret != FW_OK) {
		fw_stanza_end(stanza, FW_EXIT_DROPPED,
		              ret == FW_ENOMEM ? FW_CAUSE_RESOURCES : cause);
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
