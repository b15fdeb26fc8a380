/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Acknowledgement (the counting of XEP-0198 §4): stanzas that were written are kept, in order,
 * until the peer says that it has them. Called by owners that speak that protocol, and by
 * stream_out.c for each stanza that has been written. Knows no element of the protocol, and no
 * time.
 */
#include <stdio.h>

#include "sdk/io/stream_private.h"

int fw_stream_acks_begin(struct fw_stream *stream, struct fw_str text)
{
	int ret = fw_stream_send_text(stream, "%.*s", FW_STR_ARG(text));

	if (ret == FW_OK) {
		stream->acks_behind = stream->tail;
	}
	return ret;
}

static struct fw_stanza *remove_kept(struct fw_stream *stream)
{
	struct fw_stanza *item = stream->kept_head;

	if (item == NULL) {
		return NULL;
	}
	stream->kept_head = item->next;
	if (stream->kept_head == NULL) {
		stream->kept_tail = NULL;
	}
	stream->kept_stanzas--;
	stream->kept_bytes -= stanza_wire_size(item);
	item->next = NULL;
	return item;
}

static void end_kept(struct fw_stream *stream, uint32_t count, enum fw_exit exit,
                     enum fw_cause cause)
{
	while (count-- > 0) {
		struct fw_stanza *item = remove_kept(stream);
		fw_stanza_end(&item, exit, cause);
	}
}

void fw_stream_acks_end(struct fw_stream *stream)
{
	stream->acks = false;
	stream->acks_behind = NULL;
	end_kept(stream, stream->kept_stanzas, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
}

void stream_acks_keep(struct fw_stream *stream, struct fw_stanza *item)
{
	/* Without memory it goes on borrowing its receive buffer. */
	(void)fw_stanza_settle(item);
	item->next = NULL;
	if (stream->kept_tail != NULL) {
		stream->kept_tail->next = item;
	} else {
		stream->kept_head = item;
	}
	stream->kept_tail = item;
	stream->kept_stanzas++;
	stream->kept_bytes += stanza_wire_size(item);
}

int fw_stream_acked(struct fw_stream *stream, uint32_t handled)
{
	uint32_t count = handled - stream->acked; /* modulo 2^32: XEP-0198 §4 */

	if (count > stream->kept_stanzas) {
		stream->refused = handled;
		return FW_EINVAL;
	}
	stream->acked = handled;
	end_kept(stream, count, FW_EXIT_ACKNOWLEDGED, FW_CAUSE_DELIVERED);
	return FW_OK;
}

void fw_stream_acks_refuse(struct fw_stream *stream, uint32_t handled, uint32_t sent)
{
	stream->refused = handled;
	stream->acked = sent - stream->kept_stanzas;
}

/* XEP-0198 §4: the error for a count that cannot be. */
const char *stream_acks_condition(const struct fw_stream *stream, enum fw_cause cause,
                                  char out[STREAM_CONDITION_SIZE])
{
	if (cause != FW_CAUSE_HANDLED_TOO_HIGH) {
		return "";
	}
	snprintf(out, STREAM_CONDITION_SIZE,
	         "<handled-count-too-high xmlns='" FW_NS_SM "' h='%u' send-count='%u'/>",
	         (unsigned)stream->refused, (unsigned)(stream->acked + stream->kept_stanzas));
	return out;
}

void fw_stream_unacknowledged(const struct fw_stream *stream, size_t *stanzas, size_t *bytes)
{
	*stanzas = stream->kept_stanzas;
	*bytes = stream->kept_bytes;
}

void fw_stream_handled_begin(struct fw_stream *stream)
{
	stream->handled_from = stream->counts.stanzas_in;
}

uint32_t fw_stream_handled(const struct fw_stream *stream)
{
	return (uint32_t)(stream->counts.stanzas_in - stream->handled_from);
}

struct fw_stanza *fw_stream_take_unacknowledged(struct fw_stream *stream)
{
	return remove_kept(stream);
}
