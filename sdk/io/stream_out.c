/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bytes out: one queue of stanzas and texts, handed over as pieces of memory for writev(). A stanza
 * is written as the bytes it came in; only a declaration that its old stream's header made is put
 * in, and a repeated content namespace is left out.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/io/stream_private.h"

static void append(struct fw_stream *stream, struct fw_stanza *item)
{
	item->next = NULL;
	if (stream->tail != NULL) {
		stream->tail->next = item;
	} else {
		stream->head = item;
	}
	stream->tail = item;
	if (stream->unsettled == NULL) {
		stream->unsettled = item;
	}
	stream->queued_bytes += stanza_wire_size(item);
	stream->queued_stanzas += !item->text;
	stream->queued_texts += item->text;
}

static struct fw_stanza *remove_head(struct fw_stream *stream)
{
	struct fw_stanza *item = stream->head;

	stream->head = item->next;
	if (stream->head == NULL) {
		stream->tail = NULL;
	}
	if (item == stream->unsettled) {
		stream->unsettled = item->next;
	}
	if (item == stream->footer) {
		stream->footer = NULL;
		stream->footer_sent = true;
	}
	stream->queued_bytes -= stanza_wire_size(item) - stream->head_sent;
	stream->queued_stanzas -= !item->text;
	stream->queued_texts -= item->text;
	stream->head_sent = 0;
	return item;
}

void stream_out_clear(struct fw_stream *stream)
{
	struct fw_stanza *item;

	while ((item = fw_stream_take_unacknowledged(stream)) != NULL) {
		fw_stanza_end(&item, FW_EXIT_DROPPED, FW_CAUSE_NOT_ACKNOWLEDGED);
	}
	while (stream->head != NULL) {
		item = remove_head(stream);
		fw_stanza_end(&item, FW_EXIT_DROPPED, FW_CAUSE_COMPONENT_GONE);
	}
}

int fw_stream_send(struct fw_stream *stream, struct fw_stanza **stanza)
{
	struct fw_stanza *item = *stanza;

	if (item->bytes == NULL && stanza_need_bytes(item) != FW_OK) {
		fw_stanza_end(stanza, FW_EXIT_DROPPED, FW_CAUSE_RESOURCES);
		return FW_ENOMEM;
	}
	*stanza = NULL;
	append(stream, item);
	return FW_OK;
}

int fw_stream_send_raw(struct fw_stream *stream, struct fw_str text)
{
	struct fw_stanza *item = stanza_alloc();

	if (item == NULL) {
		return FW_ENOMEM;
	}
	if (text.len <= sizeof(item->room)) {
		item->bytes = stanza_store(item, text).ptr;
	} else {
		item->chunk = chunk_new(text.len);
		if (item->chunk == NULL) {
			fw_stanza_free(&item);
			return FW_ENOMEM;
		}
		memcpy(item->chunk->bytes, text.ptr, text.len);
		item->bytes = item->chunk->bytes;
	}
	item->size = (uint32_t)text.len;
	item->text = true;
	append(stream, item);
	return FW_OK;
}

int fw_stream_send_vtext(struct fw_stream *stream, const char *format, va_list args)
{
	char small[1024];
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(small, sizeof(small), format, args);
	if (len >= 0 && (size_t)len < sizeof(small)) {
		va_end(again);
		return fw_stream_send_raw(stream, fw_str_n(small, (size_t)len));
	}
	char *large = len >= 0 ? malloc((size_t)len + 1) : NULL;
	int ret = FW_ENOMEM;
	if (large != NULL) {
		(void)vsnprintf(large, (size_t)len + 1, format, again);
		ret = fw_stream_send_raw(stream, fw_str_n(large, (size_t)len));
	}
	va_end(again);
	free(large);
	return ret;
}

int fw_stream_send_text(struct fw_stream *stream, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int ret = fw_stream_send_vtext(stream, format, args);
	va_end(args);
	return ret;
}

/* Room for an attribute whose value is an address: every byte of it may need an escape. */
#define ATTRIBUTE_SIZE (6 * 3072 + 16)

static int add_attribute(char *out, size_t size, const char *name, struct fw_str value)
{
	char escaped[ATTRIBUTE_SIZE];

	if (value.ptr == NULL) {
		return 0;
	}
	fw_xml_escape(value, escaped, sizeof(escaped));
	return snprintf(out, size, " %s='%s'", name, escaped);
}

/* RFC 6120 §4.7; a header without version is that of XEP-0114, or of a peer before XMPP 1.0. */
int fw_stream_open(struct fw_stream *stream, struct fw_str to, struct fw_str from, struct fw_str id,
                   bool version)
{
	const struct {
		const char *name;
		struct fw_str value;
	} attributes[] = { { "to", to }, { "from", from }, { "id", id } };
	size_t size = 512 + FW_COUNT(attributes) * ATTRIBUTE_SIZE;
	char *text = malloc(size);
	size_t len;
	int ret;

	if (text == NULL) {
		return FW_ENOMEM;
	}
	len = (size_t)snprintf(text, size,
	                       "<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s'%s",
	                       stream->settings.content_ns, FW_NS_STREAMS,
	                       stream->settings.dialback ? " xmlns:db='" FW_NS_DIALBACK "'" : "");
	for (size_t i = 0; i < FW_COUNT(attributes); i++) {
		len += (size_t)add_attribute(text + len, size - len, attributes[i].name,
		                             attributes[i].value);
	}
	len += (size_t)snprintf(text + len, size - len, "%s>",
	                        version ? " version='1.0' xml:lang='en'" : "");
	ret = fw_stream_send_raw(stream, fw_str_n(text, len));
	stream->opened = true;
	free(text);
	return ret;
}

/* RFC 6120 §4.9.1: the error is preceded by our header and followed by our footer. */
void fw_stream_close(struct fw_stream *stream, enum fw_cause cause)
{
	const struct fw_cause_row *row = fw_cause_row(cause);
	char more[STREAM_CONDITION_SIZE];

	if (stream->closed) {
		return;
	}
	if (!stream->opened) {
		fw_stream_open(stream, fw_str(NULL), fw_str(NULL), fw_str(NULL), true);
	}
	stream->closed = true;
	if (row->stream_condition[0] != '\0') {
		fw_stream_send_text(stream,
		                    "<stream:error><%s xmlns='" FW_NS_STREAM_ERRORS "'/>"
		                    "<text xmlns='" FW_NS_STREAM_ERRORS
		                    "' xml:lang='en'>%s</text>%s</stream:error>",
		                    row->stream_condition, row->text,
		                    stream_acks_condition(stream, cause, more));
	}
	if (fw_stream_send_text(stream, "</stream:stream>") == FW_OK) {
		stream->footer = stream->tail;
	}
}

/* Adds a piece, or lengthens the one before when it goes on where that ends: stanzas that arrived
 * one behind the other leave in one piece. */
static int add_piece(struct iovec *pieces, int count, const char *bytes, size_t size)
{
	struct iovec *last = count > 0 ? &pieces[count - 1] : NULL;

	if (last != NULL && (const char *)last->iov_base + last->iov_len == bytes) {
		last->iov_len += size;
		return count;
	}
	pieces[count].iov_base = (void *)bytes;
	pieces[count].iov_len = size;
	return count + 1;
}

/* A stanza gives up to four pieces: name, injected text, and the rest before and behind the cut.
 * `skip` bytes have gone already. */
static int add_stanza(struct iovec *pieces, int count, const struct fw_stanza *item, size_t skip)
{
	uint32_t cut_at = item->cut_size > 0 ? item->cut_at : item->size;
	uint32_t behind = cut_at + item->cut_size;
	const struct fw_str parts[] = {
		fw_str_n(item->bytes, item->name_size),
		item->inject,
		fw_str_n(item->bytes + item->name_size, cut_at - item->name_size),
		fw_str_n(item->bytes + behind, item->size - behind),
	};

	for (size_t i = 0; i < FW_COUNT(parts); i++) {
		size_t gone = skip < parts[i].len ? skip : parts[i].len;
		skip -= gone;
		if (parts[i].len > gone) {
			count = add_piece(pieces, count, parts[i].ptr + gone, parts[i].len - gone);
		}
	}
	return count;
}

int fw_stream_pending(struct fw_stream *stream, struct iovec *pieces, int max)
{
	size_t skip = stream->head_sent;
	int count = 0;

	if (stream->footer_sent) {
		return 0;
	}
	for (struct fw_stanza *item = stream->head; item != NULL && count + 4 <= max;
	     item = item->next) {
		if (item->inject.len == 0 && item->cut_size == 0) {
			count = add_piece(pieces, count, item->bytes + skip, item->size - skip);
		} else {
			count = add_stanza(pieces, count, item, skip);
		}
		skip = 0;
		if (item == stream->footer) {
			break;
		}
	}
	return count;
}

void fw_stream_sent(struct fw_stream *stream, size_t size)
{
	stream->counts.bytes_out += size;
	while (size > 0) {
		struct fw_stanza *item = stream->head;
		size_t left = stanza_wire_size(item) - stream->head_sent;
		if (size < left) {
			stream->head_sent += size;
			stream->queued_bytes -= size;
			return;
		}
		size -= left;
		item = remove_head(stream);
		stream->counts.stanzas_out += !item->text;
		if (item == stream->acks_behind) {
			stream->acks_behind = NULL;
			stream->acks = true;
		}
		if (!item->text && item->kind != FW_KIND_OTHER) {
			if (stream->acks) {
				stream_acks_keep(stream, item);
				continue;
			}
			if (stream->events->sent != NULL) {
				item->next = NULL;
				stream->events->sent(stream->ctx, &item);
			}
		}
		fw_stanza_end(&item, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	}
}

void fw_stream_settle(struct fw_stream *stream)
{
	for (; stream->unsettled != NULL; stream->unsettled = stream->unsettled->next) {
		if (fw_stanza_settle(stream->unsettled) != FW_OK) {
			return; /* it goes on borrowing */
		}
	}
}

void fw_stream_queued(const struct fw_stream *stream, size_t *stanzas, size_t *bytes)
{
	*stanzas = stream->queued_stanzas;
	*bytes = stream->queued_bytes;
}

size_t fw_stream_queued_texts(const struct fw_stream *stream)
{
	return stream->queued_texts;
}

struct fw_stanza *fw_stream_take_back(struct fw_stream *stream)
{
	while (stream->head != NULL) {
		struct fw_stanza *item = remove_head(stream);
		if (!item->text) {
			item->next = NULL;
			return item;
		}
		if (item == stream->acks_behind) {
			stream->acks_behind = NULL;
		}
		fw_stanza_end(&item, FW_EXIT_DROPPED, FW_CAUSE_NONE);
	}
	return NULL;
}
