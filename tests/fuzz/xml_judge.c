/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The judge of fuzz_xml and fuzz_stream: expat with namespace support, fed at once.
 */
#include "tests/fuzz/xml_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include <fedway/error.h>
#include <fedway/io/stream.h>

#define NS_XML "http://www.w3.org/XML/1998/namespace"
/* No XML text can have it, not even as a reference. */
#define SEPARATOR '\x01'

/* ---- records ---- */

void record_add(struct record *record, struct fw_str text)
{
	if (text.len > record->size - record->len) {
		record->size = (record->size + text.len) * 2;
		record->bytes = realloc(record->bytes, record->size);
		fw_assert(record->bytes != NULL);
	}
	if (text.len > 0) {
		memcpy(record->bytes + record->len, text.ptr, text.len);
		record->len += text.len;
	}
}

void record_fit(struct record *record)
{
	char *bytes = realloc(record->bytes, record->len > 0 ? record->len : 1);

	fw_assert(bytes != NULL);
	record->bytes = bytes;
	record->size = record->len;
}

void record_clear(struct record *record)
{
	free(record->bytes);
	memset(record, 0, sizeof(*record));
}

bool record_begins(const struct record *record, const struct record *beginning)
{
	return beginning->len <= record->len &&
	       (beginning->len == 0 ||
	        memcmp(record->bytes, beginning->bytes, beginning->len) == 0);
}

bool record_eq(const struct record *a, const struct record *b)
{
	return a->len == b->len && record_begins(a, b);
}

static void add_name(struct record *record, struct fw_str ns, struct fw_str name)
{
	bool own = fw_str_is(ns, FW_NS_SERVER) || fw_str_is(ns, FW_NS_COMPONENT);

	record_add(record, fw_str("{"));
	record_add(record, own ? fw_str("own") : ns);
	record_add(record, fw_str("}"));
	record_add(record, name);
}

/* The signs below are none of XML's, so that no content looks like one. */

void record_start(struct record *record, struct fw_str ns, struct fw_str name)
{
	record_add(record, fw_str("\x02"));
	add_name(record, ns, name);
}

void record_attribute(struct record *record, struct fw_str ns, struct fw_str name,
                      struct fw_str value)
{
	record_add(record, fw_str("\x03"));
	add_name(record, ns, name);
	record_add(record, fw_str("="));
	record_add(record, value);
}

void record_end(struct record *record)
{
	record_add(record, fw_str("\x04"));
}

/* ---- the judge ---- */

static void split(const char *text, struct fw_str *ns, struct fw_str *name)
{
	const char *mark = strchr(text, SEPARATOR);

	*ns = fw_str_n(text, mark != NULL ? (size_t)(mark - text) : 0);
	*name = fw_str(mark != NULL ? mark + 1 : text);
}

static const char *lang_of(const char *const *attributes)
{
	static const char name[] = { NS_XML "\x01lang" };

	for (; attributes[0] != NULL; attributes += 2) {
		if (strcmp(attributes[0], name) == 0) {
			return attributes[1];
		}
	}
	return NULL;
}

/* RFC 6120 §4.7.4: the header's language is that of the stanzas which name none. */
static void add_lang(struct xml_judge *judge, struct fw_str ns, struct fw_str name,
                     const char *const *attributes)
{
	const char *lang = lang_of(attributes);
	bool stanza = judge->depth == 1 && fw_str_is(ns, FW_NS_SERVER) &&
	              (fw_str_is(name, "message") || fw_str_is(name, "presence") ||
	               fw_str_is(name, "iq"));

	if (lang == NULL && stanza && judge->lang[0] != '\0') {
		lang = judge->lang;
	}
	if (lang != NULL) {
		record_attribute(&judge->record, fw_str(NS_XML), fw_str("lang"), fw_str(lang));
	}
}

static void keep_lang(struct xml_judge *judge, const char *const *attributes)
{
	const char *lang = lang_of(attributes);

	if (lang != NULL && strlen(lang) < sizeof(judge->lang)) {
		(void)snprintf(judge->lang, sizeof(judge->lang), "%s", lang);
	}
}

static void XMLCALL on_start(void *ctx, const XML_Char *text, const XML_Char **atts)
{
	struct xml_judge *judge = ctx;
	const char *const *attributes = atts;
	struct fw_str ns, name;

	if (judge->depth == 0) {
		keep_lang(judge, attributes);
	}
	if (judge->depth > 0 || judge->with_root) {
		split(text, &ns, &name);
		record_start(&judge->record, ns, name);
		if (judge->inherit_lang) {
			add_lang(judge, ns, name, attributes);
		}
		for (; attributes[0] != NULL; attributes += 2) {
			split(attributes[0], &ns, &name);
			if (!judge->inherit_lang || !fw_str_is(ns, NS_XML) ||
			    !fw_str_is(name, "lang")) {
				record_attribute(&judge->record, ns, name, fw_str(attributes[1]));
			}
		}
	}
	judge->depth++;
}

static void XMLCALL on_end(void *ctx, const XML_Char *text)
{
	struct xml_judge *judge = ctx;

	(void)text;
	judge->depth--;
	if (judge->depth > 0 || judge->with_root) {
		record_end(&judge->record);
	}
	if (judge->depth == 1) {
		fw_assert(judge->count < JUDGE_ELEMENTS_MAX);
		judge->ends[judge->count++] = judge->record.len;
	}
	judge->closed = judge->depth == 0;
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
	struct xml_judge *judge = ctx;

	if (judge->depth > 1 || judge->with_root) {
		record_add(&judge->record, fw_str_n(text, (size_t)len));
	}
}

static void XMLCALL on_declaration(void *ctx, const XML_Char *version, const XML_Char *encoding,
                                   int standalone)
{
	struct xml_judge *judge = ctx;

	(void)encoding;
	(void)standalone;
	judge->odd_version = version != NULL && strcmp(version, "1.0") != 0;
}

void xml_judge_read(struct xml_judge *judge, struct fw_str document)
{
	XML_Parser parser = XML_ParserCreateNS("UTF-8", SEPARATOR);

	fw_assert(parser != NULL);
	while (document.len > 0 && memchr(" \t\r\n", *document.ptr, 4) != NULL) {
		document = fw_str_n(document.ptr + 1, document.len - 1);
	}
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
	XML_SetReparseDeferralEnabled(parser, XML_FALSE);
#endif
	XML_SetUserData(parser, judge);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetXmlDeclHandler(parser, on_declaration);
	/* the library waits for more before it minds a word where a tag must be */
	judge->well_formed =
	        document.len == 0 ||
	        (*document.ptr == '<' &&
	         XML_Parse(parser, document.ptr, (int)document.len, 0) == XML_STATUS_OK);
	XML_ParserFree(parser);
}

void xml_judge_clear(struct xml_judge *judge)
{
	record_clear(&judge->record);
}

struct fw_str xml_judge_element(const struct xml_judge *judge, size_t number)
{
	size_t begin = number > 0 ? judge->ends[number - 1] : 0;

	return fw_str_n(judge->record.bytes + begin, judge->ends[number] - begin);
}
