/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Limits on what a stream may send, and the escaping of what we send. Finding elements in bytes is
 * fw_stream's work.
 */
#ifndef FEDWAY_IO_XML_H
#define FEDWAY_IO_XML_H

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

FW_END_DECLS

#endif
