/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Recognises plain elements at several times the speed of an XML parser. It knows a part of XML only (no prefix but
 * xml:lang, no CDATA, comment or declaration, no reference but the five, ASCII names) and says "unsure" to all
 * else. What it takes, a parser takes too, with the same end and the same attributes; what it does not take is put
 * before the parser, which alone refuses. tests/sdk/test_xml_quick.c holds it to that.
 */
#ifndef FEDWAY_IO_XML_QUICK_H
#define FEDWAY_IO_XML_QUICK_H

#include <stdbool.h>

#include <fedway/io/xml.h>
#include <fedway/str.h>

/** A whole first-level element. Slices point into the bytes; values need no decoding. */
struct xml_quick {
	size_t size;         /**< from < to > */
	struct fw_str name, xmlns, to, from, id, type;
	size_t xmlns_at;     /**< where its xmlns attribute stands, with the white space before it */
	size_t xmlns_size;
	bool has_lang;       /**< it has an xml:lang */
};

enum xml_quick_result {
	XML_QUICK_WHOLE,
	XML_QUICK_PART,   /**< good so far, but it has not arrived whole */
	XML_QUICK_UNSURE, /**< the parser must decide */
};

/** @param bytes  begins with the element's '<' */
enum xml_quick_result xml_quick_element(const char *bytes, size_t size, const struct fw_xml_limits *limits,
                                        struct xml_quick *out);

#endif
