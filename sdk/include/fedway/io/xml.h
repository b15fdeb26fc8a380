/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Limits on what a stream may send, the escaping of what we send, and documents that come whole (SOAP). Finding
 * elements in bytes that arrive in pieces is fw_stream's work.
 */
#ifndef FEDWAY_IO_XML_H
#define FEDWAY_IO_XML_H

#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

/** Limits of one stream; each is an option of whoever owns the stream. Breaking one ends the stream with its cause. */
struct fw_xml_limits {
	uint32_t tag_max_bytes;    /**< start tag, whole or unfinished: FW_CAUSE_TAG_TOO_LONG */
	uint32_t stanza_max_bytes; /**< first-level element, from < to >: FW_CAUSE_STANZA_TOO_LARGE (RFC 6120 §13.12) */
	uint16_t depth_max;        /**< elements inside each other, the root counts: FW_CAUSE_TOO_DEEP */
	uint16_t attributes_max;   /**< per element: FW_CAUSE_TOO_MANY_ATTRIBUTES */
	uint16_t declarations_max; /**< namespace declarations in force at one point: FW_CAUSE_TOO_MANY_ATTRIBUTES */
};
#define FW_XML_LIMITS_BEFORE_AUTH { 10000, 10000, 32, 32, 32 }
#define FW_XML_LIMITS_DEFAULT { 16384, 262144, 64, 64, 64 }

/** Escapes text for an attribute in single quotes or for character data. @return `out`, cut to fit */
FW_API const char *fw_xml_escape(struct fw_str text, char *out, size_t out_size);

struct fw_stanza; /* stanza.h */

/**
 * Parses one whole document from whoever. As on streams, document types, processing instructions and undeclared
 * entities are refused, and so is what is not UTF-8. Comments are passed over. A byte order mark and an XML declaration
 * may stand first.
 * @param limits  tag, depth, attributes and declarations as for streams; stanza_max_bytes bounds the document
 * @param out     its tree is read with fw_stanza_root() and fw_elem_…(); free with fw_stanza_free() [g]
 * @return FW_OK; FW_EPARSE, FW_ELIMIT (err says what is wrong); FW_ENOMEM
 */
FW_API int fw_xml_document(struct fw_str text, const struct fw_xml_limits *limits, struct fw_stanza **out,
                           struct fw_error *err);

FW_END_DECLS

#endif
