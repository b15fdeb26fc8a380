/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Namespace prefixes in force while a stream is read, and the five namespace rules that the XML library leaves to
 * us (Namespaces in XML 1.0 §2.1, §3, §4, §5.3, §6.3): the library is run without namespace support, because most
 * stanzas have no prefixed name at all and then pay nothing.
 */
#ifndef FEDWAY_IO_XML_NAMES_H
#define FEDWAY_IO_XML_NAMES_H

#include <stdbool.h>

#include <fedway/str.h>

#define NS_XML "http://www.w3.org/XML/1998/namespace"
#define NS_XMLNS "http://www.w3.org/2000/xmlns/"

/* One declaration; its texts lie in the store at these offsets. Prefix of length 0: the default namespace. */
struct xml_binding {
	uint16_t depth;
	uint16_t prefix_len;
	uint32_t prefix_at;
	uint32_t uri_at, uri_len;
};

struct xml_names {
	struct xml_binding *bindings;
	char *store;
	uint32_t count, size;
	uint32_t store_used, store_size;
	uint32_t max; /* declarations allowed at one time */
};

enum xml_names_result { XML_NAMES_OK, XML_NAMES_BAD, XML_NAMES_TOO_MANY, XML_NAMES_NO_MEMORY };

void xml_names_clear(struct xml_names *names);
/** Takes the declarations among the attributes of an element at `depth`. */
enum xml_names_result xml_names_declare(struct xml_names *names, const char *const *attributes, int depth);
/** Forgets the declarations of an element that ends. */
static inline void xml_names_leave(struct xml_names *names, int depth)
{
	while (names->count > 0 && names->bindings[names->count - 1].depth >= depth) {
		names->count--;
		names->store_used = names->bindings[names->count].prefix_at;
	}
}
/** Declaration in force for a prefix ("" for the default); NULL when there is none. */
const struct xml_binding *xml_names_find(const struct xml_names *names, struct fw_str prefix);
struct fw_str xml_names_prefix(const struct xml_names *names, const struct xml_binding *binding);
struct fw_str xml_names_uri(const struct xml_names *names, const struct xml_binding *binding);
/** Namespace of a prefix, "xml" included; absent when unknown. */
struct fw_str xml_names_resolve(const struct xml_names *names, struct fw_str prefix);
/** Splits a qualified name; false when it is none ("a:b:c", ":a", "a:"). */
bool xml_names_split(const char *qname, struct fw_str *prefix, struct fw_str *local);
/** Checks the names of an element and its attributes against the declarations in force. */
enum xml_names_result xml_names_check(const struct xml_names *names, const char *qname, const char *const *attributes);

#endif
