/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the bytes with a table of what each may be. Every function moves `at` forward and
 * never past `end`; the first thing that is out of the ordinary ends the scan.
 */
#include "sdk/io/xml_quick.h"

#include "sdk/src/str_utf8.h"

/* Deeper or richer elements are rare; the parser has the room for them. */
#define DEPTH_MAX 32
#define ATTRIBUTES_MAX 16

enum { START = 1, NAME = 2, TEXT = 4, VALUE = 8, BLANK = 16 };

/* TEXT: character data that needs no second look; ']' might begin "]]>". VALUE: the same in an
 * attribute, where white space other than the space would be changed by a parser. */
static const unsigned char classes[256] = {
	['\t'] = TEXT | BLANK,
	['\n'] = TEXT | BLANK,
	['\r'] = TEXT | BLANK,
	[' '] = TEXT | VALUE | BLANK,
	['!' ... '%'] = TEXT | VALUE,
	['\''] = TEXT | VALUE,
	['(' ... ','] = TEXT | VALUE,
	['-' ... '.'] = TEXT | VALUE | NAME,
	['/'] = TEXT | VALUE,
	['0' ... '9'] = TEXT | VALUE | NAME,
	[':' ... ';'] = TEXT | VALUE,
	['=' ... '@'] = TEXT | VALUE,
	['A' ... 'Z'] = TEXT | VALUE | NAME | START,
	['[' ... '\\'] = TEXT | VALUE,
	[']'] = VALUE,
	['^'] = TEXT | VALUE,
	['_'] = TEXT | VALUE | NAME | START,
	['`'] = TEXT | VALUE,
	['a' ... 'z'] = TEXT | VALUE | NAME | START,
	['{' ... 0x7f] = TEXT | VALUE,
};

struct scan {
	const char *at, *end;
	const struct fw_xml_limits *limits;
	struct xml_quick *out;
	struct fw_str open[DEPTH_MAX]; /* names of the open elements */
	unsigned depth;
	const char *begin;
};

static inline unsigned class_of(const char *at)
{
	return classes[(unsigned char)*at];
}

static inline void skip(struct scan *scan, unsigned class)
{
	while (scan->at < scan->end && (class_of(scan->at) & class) != 0) {
		scan->at++;
	}
}

static enum xml_quick_result read_name(struct scan *scan, struct fw_str *name)
{
	const char *begin = scan->at;

	if (begin == scan->end) {
		return XML_QUICK_PART;
	}
	if ((class_of(begin) & START) == 0) {
		return XML_QUICK_UNSURE;
	}
	skip(scan, NAME);
	*name = fw_str_n(begin, (size_t)(scan->at - begin));
	return scan->at < scan->end ? XML_QUICK_WHOLE : XML_QUICK_PART;
}

/* One of the five references that need no declaration. */
static enum xml_quick_result read_reference(struct scan *scan)
{
	static const struct fw_str references[] = { FW_STR("&amp;"), FW_STR("&lt;"), FW_STR("&gt;"),
		                                    FW_STR("&quot;"), FW_STR("&apos;") };
	size_t left = (size_t)(scan->end - scan->at);

	for (size_t i = 0; i < FW_COUNT(references); i++) {
		if (left >= references[i].len &&
		    memcmp(scan->at, references[i].ptr, references[i].len) == 0) {
			scan->at += references[i].len;
			return XML_QUICK_WHOLE;
		}
	}
	return left < sizeof("&quot;") - 1 ? XML_QUICK_PART : XML_QUICK_UNSURE;
}

/* A character beyond ASCII. U+FFFE and U+FFFF are none (XML 1.0 §2.2). */
static enum xml_quick_result read_character(struct scan *scan)
{
	uint32_t code;
	size_t left = (size_t)(scan->end - scan->at);
	size_t size = str_utf8(scan->at, left, &code);

	if (size == 0) {
		return left < 4 ? XML_QUICK_PART : XML_QUICK_UNSURE;
	}
	if (code == 0xfffe || code == 0xffff) {
		return XML_QUICK_UNSURE;
	}
	scan->at += size;
	return XML_QUICK_WHOLE;
}

/* A quoted value. In the first tag it must need no decoding, because it is used as it stands. */
static enum xml_quick_result read_value(struct scan *scan, struct fw_str *value)
{
	char quote;
	const char *begin;

	if (scan->at == scan->end) {
		return XML_QUICK_PART;
	}
	quote = *scan->at;
	if (quote != '\'' && quote != '"') {
		return XML_QUICK_UNSURE;
	}
	begin = ++scan->at;
	for (;;) {
		enum xml_quick_result step = XML_QUICK_UNSURE;
		while (scan->at < scan->end && *scan->at != quote &&
		       (class_of(scan->at) & VALUE) != 0) {
			scan->at++;
		}
		if (scan->at == scan->end) {
			return XML_QUICK_PART;
		}
		if (*scan->at == quote) {
			*value = fw_str_n(begin, (size_t)(scan->at - begin));
			scan->at++;
			return XML_QUICK_WHOLE;
		}
		if ((unsigned char)*scan->at >= 0x80) {
			step = read_character(scan);
		} else if (*scan->at == '&' && scan->depth > 0) {
			step = read_reference(scan);
		}
		if (step != XML_QUICK_WHOLE) {
			return step;
		}
	}
}

/* Namespaces in XML 1.0 §3: two namespaces may not be made the default one; both begin so. */
static bool may_be_default(struct fw_str uri)
{
	static const char reserved[] = "http://www.w3.org/";

	return uri.len < sizeof(reserved) - 1 ||
	       memcmp(uri.ptr, reserved, sizeof(reserved) - 1) != 0;
}

/* What routing wants to know of the first tag. `from` is where the attribute begins, with its white
 * space. */
static void note_attribute(struct scan *scan, struct fw_str name, struct fw_str value,
                           const char *from)
{
	struct xml_quick *out = scan->out;

	switch (name.len) {
	case 2:
		if (memcmp(name.ptr, "to", 2) == 0) {
			out->to = value;
		} else if (memcmp(name.ptr, "id", 2) == 0) {
			out->id = value;
		}
		break;
	case 4:
		if (memcmp(name.ptr, "from", 4) == 0) {
			out->from = value;
		} else if (memcmp(name.ptr, "type", 4) == 0) {
			out->type = value;
		}
		break;
	case 5:
		if (memcmp(name.ptr, "xmlns", 5) == 0) {
			out->xmlns = value;
			out->xmlns_at = (size_t)(from - scan->begin);
			out->xmlns_size = (size_t)(scan->at - from);
		}
		break;
	case 8:
		out->has_lang |= memcmp(name.ptr, "xml:lang", 8) == 0;
		break;
	default:
		break;
	}
}

/* A plain name, or the one prefixed name that everybody uses. */
static enum xml_quick_result read_attribute_name(struct scan *scan, struct fw_str *name)
{
	static const char lang[] = "xml:lang";
	size_t len = sizeof(lang) - 1;
	size_t left = (size_t)(scan->end - scan->at);

	if (memcmp(scan->at, lang, left < len ? left : len) != 0) {
		return read_name(scan, name);
	}
	if (left <= len) {
		return XML_QUICK_PART;
	}
	*name = fw_str_n(scan->at, len);
	scan->at += len;
	return (class_of(scan->at) & NAME) == 0 ? XML_QUICK_WHOLE : XML_QUICK_UNSURE;
}

/* `name = 'value'`, and whether the name is new in this tag (XML 1.0 §3.1). */
static enum xml_quick_result read_attribute(struct scan *scan, struct fw_str *names, unsigned count,
                                            const char *from)
{
	struct fw_str value = { NULL, 0 };
	struct fw_str *name = &names[count];
	enum xml_quick_result step;

	if (count == ATTRIBUTES_MAX || count >= scan->limits->attributes_max) {
		return XML_QUICK_UNSURE;
	}
	step = read_attribute_name(scan, name);
	if (step != XML_QUICK_WHOLE) {
		return step;
	}
	skip(scan, BLANK);
	if (scan->at == scan->end) {
		return XML_QUICK_PART;
	}
	if (*scan->at != '=') {
		return XML_QUICK_UNSURE;
	}
	scan->at++;
	skip(scan, BLANK);
	step = read_value(scan, &value);
	if (step != XML_QUICK_WHOLE) {
		return step;
	}
	for (unsigned i = 0; i < count; i++) {
		if (fw_str_eq(names[i], *name)) {
			return XML_QUICK_UNSURE;
		}
	}
	if (name->len == 5 && memcmp(name->ptr, "xmlns", 5) == 0 && !may_be_default(value)) {
		return XML_QUICK_UNSURE;
	}
	if (scan->depth == 0) {
		note_attribute(scan, *name, value, from);
	}
	return XML_QUICK_WHOLE;
}

/* Behind the '<' of a start tag, up to its '>'. */
static enum xml_quick_result read_start(struct scan *scan)
{
	struct fw_str names[ATTRIBUTES_MAX + 1], name;
	const char *tag = scan->at - 1;
	unsigned count = 0;
	enum xml_quick_result step = read_name(scan, &name);

	if (step != XML_QUICK_WHOLE) {
		return step;
	}
	if (scan->depth == DEPTH_MAX || scan->depth + 1 >= scan->limits->depth_max) {
		return XML_QUICK_UNSURE;
	}
	for (;;) {
		const char *blank = scan->at;
		skip(scan, BLANK);
		if (scan->at == scan->end) {
			return XML_QUICK_PART;
		}
		if (*scan->at == '>' || *scan->at == '/') {
			break;
		}
		if (scan->at == blank) {
			return XML_QUICK_UNSURE; /* attributes are parted by white space */
		}
		step = read_attribute(scan, names, count++, blank);
		if (step != XML_QUICK_WHOLE) {
			return step;
		}
	}
	if (scan->depth == 0) {
		scan->out->name = name;
	}
	scan->open[scan->depth++] = name;
	if (*scan->at == '/') {
		if (scan->end - scan->at < 2) {
			return XML_QUICK_PART;
		}
		scan->at++;
		scan->depth--;
	}
	if (*scan->at++ != '>' || scan->at - tag > scan->limits->tag_max_bytes) {
		return XML_QUICK_UNSURE;
	}
	return XML_QUICK_WHOLE;
}

/* Behind the "</" of an end tag, up to its '>'. */
static enum xml_quick_result read_end(struct scan *scan)
{
	struct fw_str name;
	enum xml_quick_result step = read_name(scan, &name);

	if (step != XML_QUICK_WHOLE) {
		return step;
	}
	if (!fw_str_eq(name, scan->open[scan->depth - 1])) {
		return XML_QUICK_UNSURE;
	}
	skip(scan, BLANK);
	if (scan->at == scan->end) {
		return XML_QUICK_PART;
	}
	if (*scan->at++ != '>') {
		return XML_QUICK_UNSURE;
	}
	scan->depth--;
	return XML_QUICK_WHOLE;
}

/* Whether eight bytes are all plain text. A high bit shows for each that is a control, beyond
 * ASCII, or one of three signs; a borrow may show one too many, which only sends the eight to the
 * slower look. */
static inline bool eight_are_plain(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
	uint64_t word, tag, reference, bracket, special;

	memcpy(&word, at, sizeof(word));
	tag = word ^ (ones * '<');
	reference = word ^ (ones * '&');
	bracket = word ^ (ones * ']');
	special = word | ((word - ones * ' ') & ~word);
	special |= ((tag - ones) & ~tag) | ((reference - ones) & ~reference) |
	           ((bracket - ones) & ~bracket);
	return (special & high) == 0;
}

/* To the first byte that needs a look of its own. */
static inline void skip_text(struct scan *scan)
{
	for (;;) {
		while (scan->end - scan->at >= 8 && eight_are_plain(scan->at)) {
			scan->at += 8;
		}
		for (int i = 0; i < 8; i++) {
			if (scan->at == scan->end || (class_of(scan->at) & TEXT) == 0) {
				return;
			}
			scan->at++;
		}
	}
}

/* Character data up to the next '<'. */
static enum xml_quick_result read_text(struct scan *scan)
{
	for (;;) {
		enum xml_quick_result step = XML_QUICK_UNSURE;
		skip_text(scan);
		if (scan->at == scan->end) {
			return XML_QUICK_PART;
		}
		if (*scan->at == '<') {
			return XML_QUICK_WHOLE;
		}
		if ((unsigned char)*scan->at >= 0x80) {
			step = read_character(scan);
		} else if (*scan->at == '&') {
			step = read_reference(scan);
		} else if (*scan->at == ']') {
			if (scan->end - scan->at < 3) {
				return XML_QUICK_PART;
			}
			if (scan->at[1] !=
			    ']') { /* "]]" might go on to "]]>", which text must not hold */
				scan->at++;
				step = XML_QUICK_WHOLE;
			}
		}
		if (step != XML_QUICK_WHOLE) {
			return step;
		}
	}
}

enum xml_quick_result xml_quick_element(const char *bytes, size_t size,
                                        const struct fw_xml_limits *limits, struct xml_quick *out)
{
	struct scan scan;
	enum xml_quick_result step;

	/* The list of open names needs no clearing: only what was pushed is read. */
	scan.at = scan.begin = bytes;
	scan.end = bytes + size;
	scan.limits = limits;
	scan.out = out;
	scan.depth = 0;
	memset(out, 0, sizeof(*out));
	do {
		/* Here `at` is on a '<'. */
		scan.at++;
		if (scan.at == scan.end) {
			return XML_QUICK_PART;
		}
		if (*scan.at == '/' && scan.depth > 0) {
			scan.at++;
			step = read_end(&scan);
		} else {
			step = read_start(&scan);
		}
		if (step == XML_QUICK_WHOLE && scan.depth > 0) {
			step = read_text(&scan);
		}
	} while (step == XML_QUICK_WHOLE && scan.depth > 0);
	out->size = (size_t)(scan.at - bytes);
	return out->size <= limits->stanza_max_bytes ? step : XML_QUICK_UNSURE;
}
