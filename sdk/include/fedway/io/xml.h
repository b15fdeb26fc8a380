/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Finds the first-level elements of an XMPP stream in bytes that arrive in any pieces, and checks all that
 * RFC 6120 §11 and the limits ask for. Elements are not copied: the reader tells where they begin and end.
 * Well-formedness is judged by the XML library behind; namespaces by sdk/io/xml_names.c.
 */
#ifndef FEDWAY_IO_XML_H
#define FEDWAY_IO_XML_H

#include <stdbool.h>

#include <fedway/cause.h>
#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

struct fw_xml_reader;

/** Limits of one stream; each is an option of whoever owns the stream. */
struct fw_xml_limits {
	uint32_t tag_max_bytes;    /**< unfinished tag, 10000 or more */
	uint32_t stanza_max_bytes; /**< first-level element, 10000 or more (RFC 6120 §13.12) */
	uint16_t depth_max;
	uint16_t attributes_max;   /**< per element */
	uint16_t declarations_max; /**< namespace declarations in force at any point of an element */
};
#define FW_XML_LIMITS_BEFORE_AUTH { 10000, 10000, 32, 32, 32 }
#define FW_XML_LIMITS_DEFAULT { 16384, 262144, 64, 64, 64 }

struct fw_xml_attr {
	struct fw_str name;   /**< local name */
	struct fw_str ns;     /**< absent for attributes without prefix */
	struct fw_str value;
};

/** A start tag as the reader's owner sees it; slices live until the callback returns. */
struct fw_xml_tag {
	struct fw_str name; /**< local name */
	struct fw_str prefix;
	struct fw_str ns;
	const struct fw_xml_attr *attrs; /**< resolved on demand: see fw_xml_tag_attr() */
	size_t attr_count;
	const char *const *raw;          /**< name, value, … , NULL as written */
};

struct fw_xml_events {
	/** The root's start tag: a stream header. */
	void (*header)(void *ctx, const struct fw_xml_tag *tag);
	/** Start of a first-level element, and of every element when `deep` is set. */
	void (*start)(void *ctx, const struct fw_xml_tag *tag, int depth);
	/** End of the same. `end` is the offset behind the element, counted as in fw_xml_feed(). */
	void (*end)(void *ctx, int depth, uint64_t begin, uint64_t end);
	/** Character data, when `deep` is set. */
	void (*text)(void *ctx, struct fw_str text);
	/** The root's end tag. */
	void (*footer)(void *ctx);
	bool deep;
};

FW_END_DECLS

#endif
