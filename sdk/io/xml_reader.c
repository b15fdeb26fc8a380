/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * expat lives here. Three facts shape this file. expat's reparse deferral is off, so that a stanza
 * is seen as soon as it is complete; the price, quadratic time for a tag in small pieces, is
 * bounded by feeding up to the last '>' only and by two caps. Names are checked by xml_names.c and
 * only where a ':' or an xmlns is, because most stanzas have neither. And handlers only note what
 * happened: the library forbids life-cycle calls from them.
 */
#include "sdk/io/xml_reader.h"

/* Without this the protection setters are not declared, and a call by implicit declaration fails
 * silently. */
#define XML_DTD 1
#include <expat.h>

/* Largest piece given to expat at once; its own buffer grows with it. */
#define FEED_MAX 16384u
/* Feeds without a tag in between. An honest peer needs one or two per stanza. */
#define FRUITLESS_MAX 1000u

void xml_reader_init(struct xml_reader *reader, const struct xml_events *events, void *ctx,
                     const struct fw_xml_limits *limits, bool deep)
{
	memset(reader, 0, sizeof(*reader));
	reader->events = events;
	reader->ctx = ctx;
	reader->limits = *limits;
	reader->deep = deep;
}

static void drop_parser(struct xml_reader *reader)
{
	if (reader->parser != NULL) {
		XML_ParserFree(reader->parser);
		reader->parser = NULL;
	}
}

void xml_reader_clear(struct xml_reader *reader)
{
	drop_parser(reader);
	xml_names_clear(&reader->names);
}

void xml_reader_restart(struct xml_reader *reader)
{
	drop_parser(reader);
	xml_names_clear(&reader->names);
	reader->base = reader->fed = reader->unfinished = reader->element_begin = 0;
	reader->fruitless = reader->glances = 0;
	reader->depth = 0;
	reader->refused = FW_CAUSE_NONE;
	reader->begun = reader->ended = reader->stopped = false;
}

void xml_reader_stop(struct xml_reader *reader, enum fw_cause why)
{
	if (!reader->stopped) {
		reader->stopped = true;
		reader->refused = why;
		if (reader->parser != NULL) {
			XML_StopParser(reader->parser, XML_FALSE);
		}
	}
}

static enum fw_cause cause_of(enum xml_names_result result)
{
	switch (result) {
	case XML_NAMES_BAD:
		return FW_CAUSE_NOT_WELL_FORMED;
	case XML_NAMES_TOO_MANY:
		return FW_CAUSE_TOO_MANY_ATTRIBUTES;
	case XML_NAMES_NO_MEMORY:
		return FW_CAUSE_RESOURCES;
	default:
		return FW_CAUSE_NONE;
	}
}

/* The prefixes of this tag that no element inside the stanza declares: they come from the header.
 */
static void tell_free_prefix(struct xml_reader *reader, const char *qname)
{
	const char *colon = strchr(qname, ':');
	const struct xml_binding *binding;

	if (colon == NULL) {
		return;
	}
	binding = xml_names_find(&reader->names, fw_str_n(qname, (size_t)(colon - qname)));
	if (binding != NULL && binding->depth == 0) {
		reader->events->free_prefix(reader->ctx, xml_names_prefix(&reader->names, binding),
		                            xml_names_uri(&reader->names, binding));
	}
}

/* Names with a colon, and declarations: off the usual path. */
static bool check_names(struct xml_reader *reader, const char *qname, const char *const *attributes)
{
	enum xml_names_result result;

	reader->names.max = reader->limits.declarations_max;
	result = xml_names_declare(&reader->names, attributes, reader->depth);
	if (result == XML_NAMES_OK) {
		result = xml_names_check(&reader->names, qname, attributes);
	}
	if (result != XML_NAMES_OK) {
		xml_reader_stop(reader, cause_of(result));
		return false;
	}
	return true;
}

static void tell_free_prefixes(struct xml_reader *reader, const char *qname,
                               const char *const *attributes)
{
	tell_free_prefix(reader, qname);
	for (size_t i = 0; attributes[i] != NULL; i += 2) {
		if (strncmp(attributes[i], "xmlns:", 6) != 0) {
			tell_free_prefix(reader, attributes[i]);
		}
	}
}

/* Stream offset of the tag whose handler runs, or after a feed, of what is unfinished. */
static uint64_t tag_offset(const struct xml_reader *reader)
{
	return reader->base + (uint64_t)XML_GetCurrentByteIndex(reader->parser);
}

static uint64_t tag_size(const struct xml_reader *reader)
{
	return (uint64_t)XML_GetCurrentByteCount(reader->parser);
}

static void tell_start(struct xml_reader *reader, const char *qname, const char *const *attributes,
                       bool special)
{
	struct xml_tag tag = { .attributes = attributes, .depth = reader->depth };

	if (special || reader->deep || reader->depth == 0) {
		xml_names_split(qname, &tag.prefix, &tag.name);
		tag.ns = xml_names_resolve(&reader->names, tag.prefix);
	} else {
		tag.name = fw_str(qname);
		tag.plain = true;
	}
	if (reader->depth == 0) {
		reader->events->header(reader->ctx, &tag, tag_offset(reader) + tag_size(reader));
		return;
	}
	if (reader->depth == 1) {
		reader->element_begin = tag_offset(reader);
	}
	reader->events->start(reader->ctx, &tag, reader->depth == 1 ? reader->element_begin : 0);
}

/* Names are short: a loop here is quicker than a call. */
static inline bool has_colon(const char *name)
{
	while (*name != '\0' && *name != ':') {
		name++;
	}
	return *name == ':';
}

/* The namespaces that may not be declared as the default begin so (Namespaces in XML 1.0 §3). */
static inline bool is_reserved(const char *uri)
{
	return strncmp(uri, "http://www.w3.org/", 18) == 0;
}

/* Whether a tag has anything to do with prefixes. A default namespace inside a stanza has not,
 * unless somebody wants every element's. Counts the attributes on the way. */
static bool is_special(const struct xml_reader *reader, const char *qname,
                       const char *const *attributes, size_t *count)
{
	bool all = reader->depth <= 1 || reader->deep;
	bool special = has_colon(qname);
	size_t i;

	for (i = 0; attributes[i] != NULL; i += 2) {
		const char *name = attributes[i];
		if (name[0] == 'x' && strcmp(name, "xmlns") == 0) {
			special |= all || is_reserved(attributes[i + 1]);
		} else {
			special |= has_colon(name);
		}
	}
	*count = i / 2;
	return special;
}

static void XMLCALL on_start(void *ctx, const XML_Char *qname, const XML_Char **atts)
{
	struct xml_reader *reader = ctx;
	const char *const *attributes = atts;
	size_t count;
	bool special;

	if (reader->stopped) {
		return;
	}
	reader->fruitless = 0;
	if (tag_size(reader) > reader->limits.tag_max_bytes) {
		xml_reader_stop(reader, FW_CAUSE_TAG_TOO_LONG);
		return;
	}
	special = is_special(reader, qname, attributes, &count);
	if (count > reader->limits.attributes_max) {
		xml_reader_stop(reader, FW_CAUSE_TOO_MANY_ATTRIBUTES);
		return;
	}
	if (reader->depth >= reader->limits.depth_max) {
		xml_reader_stop(reader, FW_CAUSE_TOO_DEEP);
		return;
	}
	if (special && !check_names(reader, qname, attributes)) {
		return;
	}
	if (reader->depth <= 1 || reader->deep) {
		tell_start(reader, qname, attributes, special);
	}
	if (special && reader->depth > 0 && reader->events->free_prefix != NULL &&
	    !reader->stopped) {
		tell_free_prefixes(reader, qname, attributes);
	}
	reader->depth++;
}

static void XMLCALL on_end(void *ctx, const XML_Char *qname)
{
	struct xml_reader *reader = ctx;
	uint64_t end;

	(void)qname;
	if (reader->stopped) {
		return;
	}
	reader->fruitless = 0;
	reader->depth--;
	if (reader->depth == 0) {
		reader->ended = true;
		reader->events->footer(reader->ctx, tag_offset(reader));
		xml_reader_stop(reader, FW_CAUSE_NONE);
		return;
	}
	if (reader->names.count > 0) {
		xml_names_leave(&reader->names, reader->depth);
	}
	if (reader->depth > 1) {
		if (reader->deep) {
			reader->events->end(reader->ctx, reader->depth, 0);
		}
		return;
	}
	end = tag_offset(reader) + tag_size(reader);
	if (end - reader->element_begin > reader->limits.stanza_max_bytes) {
		xml_reader_stop(reader, FW_CAUSE_STANZA_TOO_LARGE);
		return;
	}
	reader->events->end(reader->ctx, 1, end);
	if (reader->stopped) {
		reader->fed = end;
	}
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
	struct xml_reader *reader = ctx;

	if (!reader->stopped) {
		reader->events->text(reader->ctx, fw_str_n(text, (size_t)len));
	}
}

static bool is_utf8(const char *encoding)
{
	return encoding == NULL || fw_str_eq_nocase(fw_str(encoding), fw_str("UTF-8"));
}

/* RFC 6120 §11.5, §11.6: XML 1.0 and UTF-8, and no promise of outside declarations. */
static void XMLCALL on_declaration(void *ctx, const XML_Char *version, const XML_Char *encoding,
                                   int standalone)
{
	struct xml_reader *reader = ctx;

	if (!is_utf8(encoding)) {
		xml_reader_stop(reader, FW_CAUSE_ENCODING);
	} else if (version != NULL && strcmp(version, "1.0") != 0) {
		xml_reader_stop(reader, FW_CAUSE_NOT_WELL_FORMED);
	} else if (standalone == 0) {
		xml_reader_stop(reader, FW_CAUSE_RESTRICTED_XML);
	}
}

/* RFC 6120 §11.1: no comments, no processing instructions, no DTD. Documents may have comments. */
static void refuse_restricted(void *ctx)
{
	xml_reader_stop(ctx, FW_CAUSE_RESTRICTED_XML);
}

static void XMLCALL on_comment(void *ctx, const XML_Char *text)
{
	const struct xml_reader *reader = ctx;

	(void)text;
	if (!reader->comments) {
		refuse_restricted(ctx);
	}
}

static void XMLCALL on_instruction(void *ctx, const XML_Char *target, const XML_Char *data)
{
	(void)target;
	(void)data;
	refuse_restricted(ctx);
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)internal;
	refuse_restricted(ctx);
}

static void protect(XML_Parser parser)
{
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
	XML_SetReparseDeferralEnabled(parser, XML_FALSE);
#endif
#ifdef HAVE_XML_SETBILLIONLAUGHSATTACKPROTECTIONMAXIMUMAMPLIFICATION
	XML_SetBillionLaughsAttackProtectionMaximumAmplification(parser, 4.0f);
	XML_SetBillionLaughsAttackProtectionActivationThreshold(parser, 65536);
#endif
}

/* A parser with our handlers. After a rest it is told that the root is already open. */
static bool need_parser(struct xml_reader *reader)
{
	static const char root[] = "<stream:stream>";
	XML_Parser parser;

	if (reader->parser != NULL) {
		return true;
	}
	parser = XML_ParserCreate("UTF-8");
	if (parser == NULL) {
		return false;
	}
	protect(parser);
	reader->base = reader->fed;
	if (reader->depth > 0) {
		/* Only a root of this name is ever put to rest; handlers come after it. */
		if (XML_Parse(parser, root, sizeof(root) - 1, 0) != XML_STATUS_OK) {
			XML_ParserFree(parser);
			return false;
		}
		reader->base = reader->fed - (sizeof(root) - 1);
	}
	XML_SetUserData(parser, reader);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetXmlDeclHandler(parser, on_declaration);
	XML_SetCommentHandler(parser, on_comment);
	XML_SetProcessingInstructionHandler(parser, on_instruction);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	if (reader->deep) {
		XML_SetCharacterDataHandler(parser, on_text);
	}
	reader->parser = parser;
	return true;
}

static enum fw_cause cause_of_error(enum XML_Error error)
{
	switch (error) {
	case XML_ERROR_NO_MEMORY:
		return FW_CAUSE_RESOURCES;
	case XML_ERROR_UNDEFINED_ENTITY:
	case XML_ERROR_ENTITY_DECLARED_IN_PE:
	case XML_ERROR_EXTERNAL_ENTITY_HANDLING:
	case XML_ERROR_AMPLIFICATION_LIMIT_BREACH:
		return FW_CAUSE_RESTRICTED_XML;
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		return FW_CAUSE_ENCODING;
	default:
		return FW_CAUSE_NOT_WELL_FORMED;
	}
}

/* Bytes that UTF-8 text has not, but UTF-16 or its mark. */
static bool is_strange(const char *bytes, size_t size)
{
	return memchr(bytes, 0x00, size) != NULL || memchr(bytes, 0xfe, size) != NULL ||
	       memchr(bytes, 0xff, size) != NULL;
}

/* expat would decode UTF-16 even when told UTF-8, and swallow a byte order mark; it decides on the
 * first bytes. So the first tag is looked at before any of it is fed. */
static enum fw_cause check_first_bytes(struct xml_reader *reader, const char **bytes, size_t *size)
{
	/* Keep-alives around a restart may precede the declaration (RFC 6120 §11.7). */
	while (*size > 0 && !reader->begun && strchr(" \t\r\n", **bytes) != NULL &&
	       **bytes != '\0') {
		(*bytes)++;
		(*size)--;
		reader->unfinished = ++reader->fed;
	}
	if (*size == 0) {
		return FW_CAUSE_NONE;
	}
	if (reader->parser == NULL || reader->fed == reader->base) {
		const char *tag = memchr(*bytes, '>', *size);
		if (is_strange(*bytes, tag != NULL ? (size_t)(tag - *bytes) : *size)) {
			return FW_CAUSE_ENCODING;
		}
	}
	if (!reader->begun && **bytes != '<') {
		return FW_CAUSE_NOT_WELL_FORMED;
	}
	reader->begun = true;
	return FW_CAUSE_NONE;
}

/* Feeds whole tags, at most FEED_MAX at once. Returns a cause when the input is refused. */
static enum fw_cause feed_pieces(struct xml_reader *reader, const char *bytes, size_t size)
{
	while (size > 0 && !reader->stopped) {
		size_t piece = size;
		const char *cut;

		if (piece > FEED_MAX) {
			cut = memrchr(bytes, '>', FEED_MAX);
			piece = cut != NULL ? (size_t)(cut - bytes) + 1 : FEED_MAX;
		}
		if (++reader->fruitless > FRUITLESS_MAX) {
			return FW_CAUSE_NO_PROGRESS;
		}
		if (XML_Parse(reader->parser, bytes, (int)piece, 0) != XML_STATUS_OK &&
		    !reader->stopped) {
			return cause_of_error(XML_GetErrorCode(reader->parser));
		}
		if (!reader->stopped) {
			reader->fed += piece;
		}
		bytes += piece;
		size -= piece;
	}
	return reader->refused;
}

/* How much of an unfinished tag has arrived, and of an unfinished element: both have a limit. */
static enum fw_cause check_unfinished(struct xml_reader *reader, const char *tail, size_t tail_size)
{
	uint64_t token = tag_offset(reader);
	uint64_t arrived = reader->fed + tail_size;
	const char *tag = tail_size > 0 ? memchr(tail, '<', tail_size) : NULL;
	uint64_t unfinished = 0;

	reader->unfinished = token < reader->fed ? token : reader->fed;
	if (token < reader->fed) {
		unfinished = arrived - token;
	} else {
		reader->fruitless = 0;
		unfinished = tag != NULL ? tail_size - (size_t)(tag - tail) : 0;
	}
	if (unfinished > reader->limits.tag_max_bytes) {
		return FW_CAUSE_TAG_TOO_LONG;
	}
	if (reader->depth > 1 &&
	    arrived - reader->element_begin > reader->limits.stanza_max_bytes) {
		return FW_CAUSE_STANZA_TOO_LARGE;
	}
	return FW_CAUSE_NONE;
}

/* Up to the last '>': no event is late, because each that matters ends in one. Between stanzas also
 * the white space behind it, which would otherwise pile up. */
static size_t usable_size(const struct xml_reader *reader, const char *bytes, size_t size)
{
	const char *last = memrchr(bytes, '>', size);
	size_t usable = last != NULL ? (size_t)(last - bytes) + 1 : 0;
	const char *next;

	if (reader->depth <= 1 && usable < size) {
		next = memchr(bytes + usable, '<', size - usable);
		usable = next != NULL ? (size_t)(next - bytes) : size;
	}
	return usable;
}

/* Looks again at an element that arrives in so many parts, then leaves it to the parser. */
#define GLANCES_MAX 4u

/* Takes elements that can be recognised at sight, and the white space between. The parser, if there
 * is one, stands between two elements and does not notice: it is only told that it is further on.
 * FALSE: the element at reader->fed has not arrived whole. One that is longer than a tag may be
 * goes to the parser, which counts: no limit waits for the end of an element. */
static bool take_quick(struct xml_reader *reader, const char **bytes, size_t *size)
{
	while (*size > 0 && !reader->stopped) {
		struct xml_quick element;
		enum xml_quick_result result = XML_QUICK_UNSURE;
		size_t step = 1;
		if (**bytes == '<') {
			result = xml_quick_element(*bytes, *size, &reader->limits, &element);
			step = element.size;
		} else if (strchr(" \t\r\n", **bytes) != NULL && **bytes != '\0') {
			result = XML_QUICK_WHOLE;
			element.size = 0;
		}
		if (result != XML_QUICK_WHOLE) {
			return result == XML_QUICK_UNSURE || *size > reader->limits.tag_max_bytes ||
			       ++reader->glances > GLANCES_MAX;
		}
		reader->base += step;
		reader->fed += step;
		reader->unfinished = reader->fed;
		*bytes += step;
		*size -= step;
		if (element.size > 0) {
			reader->glances = 0;
			reader->events->quick(reader->ctx, &element, reader->fed - step,
			                      reader->fed);
		}
	}
	return true;
}

enum fw_cause xml_reader_feed(struct xml_reader *reader, const char *bytes, size_t size)
{
	size_t usable;

	if (reader->stopped || reader->refused != FW_CAUSE_NONE) {
		return reader->refused;
	}
	if (reader->depth == 0) {
		reader->refused = check_first_bytes(reader, &bytes, &size);
		if (reader->refused != FW_CAUSE_NONE) {
			return reader->refused;
		}
	}
	if (reader->quick && reader->depth == 1 && reader->unfinished == reader->fed &&
	    !take_quick(reader, &bytes, &size)) {
		return FW_CAUSE_NONE;
	}
	if (size == 0 || reader->stopped) {
		return reader->refused;
	}
	if (!need_parser(reader)) {
		return reader->refused = FW_CAUSE_RESOURCES;
	}
	usable = usable_size(reader, bytes, size);
	reader->refused = feed_pieces(reader, bytes, usable);
	if (reader->refused == FW_CAUSE_NONE && !reader->stopped && !reader->ended) {
		reader->refused = check_unfinished(reader, bytes + usable, size - usable);
	}
	return reader->refused;
}

void xml_reader_rest(struct xml_reader *reader)
{
	if (reader->parser == NULL || reader->depth != 1 || reader->stopped || reader->ended ||
	    reader->refused != FW_CAUSE_NONE) {
		return;
	}
	if (reader->unfinished < reader->fed) {
		return;
	}
	drop_parser(reader);
}
