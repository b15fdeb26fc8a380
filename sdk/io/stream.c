/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bytes in: receive buffers, headers (RFC 6120 §4.7, §4.8), and stanzas that borrow their bytes
 * from the buffer they arrived in. Bytes out are stream_out.c's, XML is xml_reader.c's.
 */
#include "sdk/io/stream_private.h"

#include <fedway/error.h>

#include <stdio.h>
#include <stdlib.h>

/* Less room than this is not worth a read. */
#define SPACE_MIN 4096u
/* Longest name of a language that is worth keeping (RFC 5646 §4.4.1). */
#define LANG_MAX 35
/* Longest text that the header may add to a stanza. */
#define INJECT_MAX 1400

static const struct xml_events reader_events;

int fw_stream_new(const struct fw_stream_settings *settings, const struct fw_stream_events *events,
                  void *ctx, struct fw_stream **out)
{
	struct fw_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		return FW_ENOMEM;
	}
	stream->settings = *settings;
	stream->events = events;
	stream->ctx = ctx;
	xml_reader_init(&stream->reader, &reader_events, stream, &settings->limits, false);
	*out = stream;
	return FW_OK;
}

void fw_stream_free(struct fw_stream **stream)
{
	struct fw_stream *old = *stream;

	*stream = NULL;
	if (old == NULL) {
		return;
	}
	if (old->busy) {
		old->dead = true;
		if (!old->reader.stopped) {
			xml_reader_stop(&old->reader, FW_CAUSE_NONE);
		}
		return;
	}
	stream_out_clear(old);
	fw_stanza_free(&old->current);
	xml_reader_clear(&old->reader);
	chunk_release(&old->chunk);
	free(old->lang);
	free(old);
}

void fw_stream_set_limits(struct fw_stream *stream, const struct fw_xml_limits *limits)
{
	stream->reader.limits = *limits;
	stream->reader.quick = true;
}

void fw_stream_set_now(struct fw_stream *stream, uint64_t now_ms)
{
	stream->now_ms = now_ms;
}

const struct fw_stream_counts *fw_stream_counts(const struct fw_stream *stream)
{
	return &stream->counts;
}

/* ---- receive buffers ---- */

static const char *at(const struct fw_stream *stream, uint64_t offset)
{
	return stream->chunk->bytes + (offset - stream->chunk_offset);
}

int fw_stream_space(struct fw_stream *stream, void **space, size_t *size)
{
	uint64_t keep_from =
	        stream->current != NULL ? stream->reader.element_begin : stream->reader.unfinished;
	size_t kept = (size_t)(stream->received - keep_from);
	size_t used = (size_t)(stream->received - stream->chunk_offset);
	struct chunk *chunk = stream->chunk;

	if (chunk != NULL && kept == 0 && chunk->holders == 1) {
		stream->chunk_offset = stream->received;
		used = 0;
	} else if (chunk == NULL || chunk->size - used < SPACE_MIN) {
		chunk = chunk_new(kept < CHUNK_SIZE / 2 ? CHUNK_SIZE : kept * 2 + SPACE_MIN);
		if (chunk == NULL) {
			return FW_ENOMEM;
		}
		if (kept > 0) {
			memcpy(chunk->bytes, at(stream, keep_from), kept);
		}
		chunk_release(&stream->chunk);
		stream->chunk = chunk;
		stream->chunk_offset = keep_from;
		used = kept;
	}
	*space = chunk->bytes + used;
	*size = chunk->size - used;
	return FW_OK;
}

/* Only white space may stand between stanzas (RFC 6120 §11.7). */
static bool gap_is_blank(struct fw_stream *stream, uint64_t upto)
{
	const char *text = at(stream, stream->gap_from);
	const char *end = at(stream, upto);

	for (; text < end; text++) {
		if (*text != ' ' && *text != '\n' && *text != '\r' && *text != '\t') {
			return false;
		}
	}
	stream->gap_from = upto;
	return true;
}

static void restart_now(struct fw_stream *stream)
{
	fw_stanza_free(&stream->current);
	xml_reader_restart(&stream->reader);
	chunk_release(&stream->chunk);
	stream->chunk_offset = stream->received = stream->gap_from = 0;
	free(stream->lang);
	stream->lang = NULL;
	stream->restart = false;
}

void fw_stream_received(struct fw_stream *stream, size_t size)
{
	struct xml_reader *reader = &stream->reader;
	enum fw_cause refused;

	stream->counts.bytes_in += size;
	if (reader->stopped && (reader->ended || reader->refused != FW_CAUSE_NONE)) {
		return; /* nothing counts any more: the same room is used again */
	}
	stream->received += size;
	if (reader->stopped) {
		return; /* held: the owner decides */
	}
	stream->busy = true;
	refused = xml_reader_feed(reader, at(stream, reader->fed),
	                          (size_t)(stream->received - reader->fed));
	if (refused == FW_CAUSE_NONE && reader->depth == 1 && !reader->stopped &&
	    !gap_is_blank(stream, reader->unfinished)) {
		refused = FW_CAUSE_BAD_FORMAT;
	}
	if (refused != FW_CAUSE_NONE && !stream->dead) {
		reader->stopped = true;
		reader->refused = refused;
		stream->events->refused(stream->ctx, refused);
	}
	stream->busy = false;
	if (stream->dead) {
		fw_stream_free(&stream);
	} else if (stream->restart) {
		restart_now(stream);
	}
}

void fw_stream_hold(struct fw_stream *stream)
{
	if (stream->busy) {
		xml_reader_stop(&stream->reader, FW_CAUSE_NONE);
	}
}

size_t fw_stream_held(const struct fw_stream *stream)
{
	return (size_t)(stream->received - stream->reader.fed);
}

void fw_stream_restart(struct fw_stream *stream)
{
	stream->opened = false; /* at once: the owner may open again before this event is over */
	if (stream->busy) {
		fw_stream_hold(stream);
		stream->restart = true;
		return;
	}
	restart_now(stream);
}

void fw_stream_rest(struct fw_stream *stream)
{
	if (stream->busy || stream->current != NULL ||
	    stream->received != stream->reader.unfinished) {
		return;
	}
	xml_reader_rest(&stream->reader);
	chunk_release(&stream->chunk);
	stream->chunk_offset = stream->gap_from = stream->received;
}

/* ---- events of the reader ---- */

/* RFC 6120 §4.8.1, §4.8.3, §4.8.5; the prefix must be the usual one, which §4.8.5 allows to demand.
 */
static enum fw_cause check_header(const struct fw_stream *stream, const struct xml_tag *tag)
{
	struct fw_str content = xml_names_resolve(&stream->reader.names, fw_str(""));

	if (!fw_str_is(tag->name, "stream") || !fw_str_is(tag->ns, FW_NS_STREAMS)) {
		return FW_CAUSE_INVALID_NAMESPACE;
	}
	if (!fw_str_is(tag->prefix, "stream")) {
		return FW_CAUSE_BAD_NAMESPACE_PREFIX;
	}
	return fw_str_is(content, stream->settings.content_ns) ? FW_CAUSE_NONE
	                                                       : FW_CAUSE_INVALID_NAMESPACE;
}

static struct fw_str attribute(const struct xml_tag *tag, const char *name)
{
	for (size_t i = 0; tag->attributes[i] != NULL; i += 2) {
		if (strcmp(tag->attributes[i], name) == 0) {
			return fw_str(tag->attributes[i + 1]);
		}
	}
	return fw_str(NULL);
}

static bool declares(const struct fw_stream *stream, const char *uri)
{
	const struct xml_names *names = &stream->reader.names;

	for (uint32_t i = 0; i < names->count; i++) {
		if (fw_str_is(xml_names_uri(names, &names->bindings[i]), uri)) {
			return true;
		}
	}
	return false;
}

/* RFC 6120 §4.7.5: major and minor are numbers; anything from 1.0 on sends features. */
static bool has_version(struct fw_str version)
{
	const char *dot = version.len > 0 ? memchr(version.ptr, '.', version.len) : NULL;
	uint64_t major;

	return dot != NULL &&
	       fw_str_to_u64(fw_str_n(version.ptr, (size_t)(dot - version.ptr)), UINT32_MAX,
	                     &major) == FW_OK &&
	       major >= 1;
}

/* RFC 6120 §4.7.4: the default language of the stanzas that name none. */
static void keep_lang(struct fw_stream *stream, struct fw_str lang)
{
	char escaped[LANG_MAX * 6 + 1], *copy; /* "&quot;" is the longest escape */
	int len;

	if (lang.len == 0 || lang.len > LANG_MAX) {
		return;
	}
	fw_xml_escape(lang, escaped, sizeof(escaped));
	len = snprintf(NULL, 0, " xml:lang='%s'", escaped);
	copy = malloc((size_t)len + 1);
	if (copy != NULL) {
		snprintf(copy, (size_t)len + 1, " xml:lang='%s'", escaped);
		stream->lang = copy;
	}
}

static void on_header(void *ctx, const struct xml_tag *tag, uint64_t end)
{
	struct fw_stream *stream = ctx;
	enum fw_cause cause = check_header(stream, tag);
	struct fw_stream_header header = {
		.to = attribute(tag, "to"),
		.from = attribute(tag, "from"),
		.id = attribute(tag, "id"),
		.lang = attribute(tag, "xml:lang"),
		.has_version = has_version(attribute(tag, "version")),
		.has_dialback = declares(stream, FW_NS_DIALBACK),
	};

	if (cause != FW_CAUSE_NONE) {
		xml_reader_stop(&stream->reader, cause);
		return;
	}
	stream->gap_from = end;
	keep_lang(stream, header.lang);
	stream->events->opened(stream->ctx, &header);
}

/* One pass over the attributes, by first letter: the envelope is what routing needs, and the texts
 * end with this call. */
static void fill_envelope(struct fw_stanza *stanza, const char *const *attributes, bool *has_lang,
                          bool *has_ns)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2) {
		const char *name = attributes[i];
		const char *value = attributes[i + 1];
		switch (name[0]) {
		case 't':
			if (name[1] == 'o' && name[2] == '\0') {
				stanza_set_to(stanza, stanza_store(stanza, fw_str(value)));
			} else if (strcmp(name, "type") == 0) {
				stanza->type = stanza_store(stanza, fw_str(value));
			}
			break;
		case 'f':
			if (strcmp(name, "from") == 0) {
				stanza_set_from(stanza, stanza_store(stanza, fw_str(value)));
			}
			break;
		case 'i':
			if (name[1] == 'd' && name[2] == '\0') {
				stanza->id = stanza_store(stanza, fw_str(value));
			}
			break;
		case 'x':
			*has_lang |= strcmp(name, "xml:lang") == 0;
			*has_ns |= strcmp(name, "xmlns") == 0;
			break;
		default:
			break;
		}
	}
}

/* Name, kind and namespace. FALSE: a prefix where the content namespace must be the default one
 * (RFC 6120 §4.8.5). */
static bool fill_name(const struct fw_stream *stream, struct fw_stanza *stanza,
                      const struct xml_tag *tag)
{
	bool own = tag->plain || fw_str_is(tag->ns, stream->settings.content_ns);
	enum fw_kind kind = own ? stanza_kind_of(tag->name) : FW_KIND_OTHER;

	stanza->kind = (uint8_t)kind;
	stanza->name =
	        kind != FW_KIND_OTHER ? stanza_kind_name(kind) : stanza_store(stanza, tag->name);
	stanza->name_size = (uint32_t)(1 + tag->name.len);
	if (!own) {
		stanza->ns = stanza_store(stanza, tag->ns);
	}
	if (tag->prefix.len > 0) {
		stanza->name_size += (uint32_t)tag->prefix.len + 1;
	}
	return !own || tag->prefix.len == 0;
}

static void on_start(void *ctx, const struct xml_tag *tag, uint64_t begin)
{
	struct fw_stream *stream = ctx;
	bool has_lang = false, has_ns = false;
	struct fw_stanza *stanza;

	if (begin != stream->gap_from && !gap_is_blank(stream, begin)) {
		xml_reader_stop(&stream->reader, FW_CAUSE_BAD_FORMAT);
		return;
	}
	stanza = stream->current = stanza_alloc();
	if (stanza == NULL) {
		xml_reader_stop(&stream->reader, FW_CAUSE_RESOURCES);
		return;
	}
	if (!fill_name(stream, stanza, tag)) {
		xml_reader_stop(&stream->reader, FW_CAUSE_BAD_NAMESPACE_PREFIX);
		return;
	}
	fill_envelope(stanza, tag->attributes, &has_lang, &has_ns);
	/* A header's xmlns that the stanza repeats must not follow it to a stream with another one.
	 */
	stanza->cut_size = has_ns && stanza->ns.ptr == NULL;
	if (stream->lang != NULL && !has_lang && stanza->kind != FW_KIND_OTHER) {
		stanza->inject = stanza_store(stanza, fw_str(stream->lang));
	}
}

static void on_free_prefix(void *ctx, struct fw_str prefix, struct fw_str uri)
{
	struct fw_stream *stream = ctx;
	struct fw_stanza *stanza = stream->current;
	char escaped[INJECT_MAX * 6 + 1], text[INJECT_MAX];
	int len, added;

	if (uri.len > INJECT_MAX) {
		xml_reader_stop(&stream->reader, FW_CAUSE_TOO_MANY_ATTRIBUTES);
		return;
	}
	fw_xml_escape(uri, escaped, sizeof(escaped));
	added = snprintf(text, sizeof(text), " xmlns:%.*s='%s'", FW_STR_ARG(prefix), escaped);
	if (added >= (int)sizeof(text) || stanza->inject.len + (size_t)added >= sizeof(text)) {
		xml_reader_stop(&stream->reader, FW_CAUSE_TOO_MANY_ATTRIBUTES);
		return;
	}
	if (stanza->inject.len > 0 &&
	    memmem(stanza->inject.ptr, stanza->inject.len, text, (size_t)added) != NULL) {
		return;
	}
	len = snprintf(text, sizeof(text), "%.*s xmlns:%.*s='%s'", FW_STR_ARG(stanza->inject),
	               FW_STR_ARG(prefix), escaped);
	stanza->inject = stanza_store(stanza, fw_str_n(text, (size_t)len));
}

/* Where the root's own xmlns attribute stands in the bytes. */
static void find_cut(struct fw_stanza *stanza, const char *bytes, uint32_t size)
{
	uint32_t begin = stanza->name_size, at = begin;
	struct fw_str name, value;

	stanza->cut_size = 0;
	while (stanza_next_attribute(bytes, size, &at, &name, &value)) {
		if (fw_str_is(name, "xmlns")) {
			stanza->cut_at = begin;
			stanza->cut_size = at - begin;
			return;
		}
		begin = at;
	}
}

/* The element is complete: it borrows its bytes and goes to the owner. */
static void hand_over(struct fw_stream *stream, struct fw_stanza *stanza, uint64_t begin,
                      uint64_t end)
{
	stream->gap_from = end;
	stanza->chunk = chunk_hold(stream->chunk);
	stanza->borrowed = true;
	stanza->bytes = at(stream, begin);
	stanza->size = (uint32_t)(end - begin);
	stanza->since_ms = stream->now_ms;
	stream->counts.stanzas_in += stanza->kind != FW_KIND_OTHER;
	stream->events->element(stream->ctx, &stanza);
	fw_stanza_free(&stanza);
}

static void on_end(void *ctx, int depth, uint64_t end)
{
	struct fw_stream *stream = ctx;
	struct fw_stanza *stanza = stream->current;
	uint64_t begin = stream->reader.element_begin;

	(void)depth;
	stream->current = NULL;
	if (stanza->cut_size > 0) {
		find_cut(stanza, at(stream, begin), (uint32_t)(end - begin));
	}
	hand_over(stream, stanza, begin, end);
}

/* The same without a parser: the envelope's slices point into the bytes themselves. */
static void on_quick(void *ctx, const struct xml_quick *element, uint64_t begin, uint64_t end)
{
	struct fw_stream *stream = ctx;
	bool own = element->xmlns.ptr == NULL ||
	           fw_str_is(element->xmlns, stream->settings.content_ns);
	enum fw_kind kind = own ? stanza_kind_of(element->name) : FW_KIND_OTHER;
	struct fw_stanza *stanza = stanza_alloc();

	if (stanza == NULL) {
		xml_reader_stop(&stream->reader, FW_CAUSE_RESOURCES);
		return;
	}
	stanza->kind = (uint8_t)kind;
	stanza->name = kind != FW_KIND_OTHER ? stanza_kind_name(kind) : element->name;
	stanza->name_size = (uint32_t)(1 + element->name.len);
	stanza->type = element->type;
	stanza->id = element->id;
	stanza_set_from(stanza, element->from);
	stanza_set_to(stanza, element->to);
	if (!own) {
		stanza->ns = element->xmlns;
	} else if (element->xmlns.ptr != NULL) {
		stanza->cut_at = (uint32_t)element->xmlns_at;
		stanza->cut_size = (uint32_t)element->xmlns_size;
	}
	if (stream->lang != NULL && !element->has_lang && kind != FW_KIND_OTHER) {
		stanza->inject = stanza_store(stanza, fw_str(stream->lang));
	}
	hand_over(stream, stanza, begin, end);
}

static void on_footer(void *ctx, uint64_t begin)
{
	struct fw_stream *stream = ctx;

	if (!gap_is_blank(stream, begin)) {
		xml_reader_stop(&stream->reader, FW_CAUSE_BAD_FORMAT);
		return;
	}
	stream->events->ended(stream->ctx);
}

static const struct xml_events reader_events = {
	.header = on_header,
	.start = on_start,
	.end = on_end,
	.footer = on_footer,
	.quick = on_quick,
	.free_prefix = on_free_prefix,
};
