/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The one door out: hands a stanza to the port of its component. The port has the limits and says
 * when its queue is full.
 */
#include "router/passage.h"

static struct fw_logger stanza_out = FW_LOGGER("stanza.component.out");

static void log_out(const struct passage *passage, size_t size)
{
	char from[128], to[128];

	fw_log(passage->target->log, &stanza_out, FW_LOG_DEBUG,
	       "handed over xcoder=" FW_XCODER " from:to=%s:%s bytes=%zu",
	       fw_stanza_xcoder(passage->stanza),
	       fw_quote(fw_stanza_from(passage->stanza), from, sizeof(from)),
	       fw_quote(fw_stanza_to(passage->stanza), to, sizeof(to)), size);
}

enum passage_next egress_enter(struct passage *passage)
{
	struct component *target = passage->target;
	size_t size = fw_stanza_size(passage->stanza);

	if (fw_log_on(&stanza_out, FW_LOG_DEBUG)) {
		log_out(passage, size);
	}
	target->stanzas_out++;
	target->bytes_out += size;
	/* Once it is handed over nothing of the target is touched: it may have ended itself. */
	if (target->port_ops->deliver(target->port, &passage->stanza) == FW_OK) {
		return PASSAGE_HANDED;
	}
	target->stanzas_out--;
	target->bytes_out -= size;
	return passage_leave(passage, PASSAGE_BOUNCE, FW_CAUSE_QUEUE_FULL);
}
