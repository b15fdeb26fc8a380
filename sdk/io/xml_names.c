/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Declarations as a stack, deepest last; the texts in one store that grows and shrinks with it.
 */
#include "sdk/io/xml_names.h"

#include <stdlib.h>

void xml_names_clear(struct xml_names *names)
{
	free(names->bindings);
	free(names->store);
	names->bindings = NULL;
	names->store = NULL;
	names->count = names->size = names->store_used = names->store_size = 0;
}

static bool make_room(struct xml_names *names, size_t text)
{
	if (names->count == names->size) {
		uint32_t size = names->size != 0 ? names->size * 2 : 4;
		struct xml_binding *bindings = realloc(names->bindings, size * sizeof(*bindings));
		if (bindings == NULL) {
			return false;
		}
		names->bindings = bindings;
		names->size = size;
	}
	/* xmlns='' has no text, but its place must be a place too */
	if (text > names->store_size - names->store_used || names->store == NULL) {
		size_t size = names->store_used + text + names->store_size + 1;
		char *store = size < UINT32_MAX ? realloc(names->store, size) : NULL;
		if (store == NULL) {
			return false;
		}
		names->store = store;
		names->store_size = (uint32_t)size;
	}
	return true;
}

static enum xml_names_result push(struct xml_names *names, struct fw_str prefix, struct fw_str uri,
                                  int depth)
{
	struct xml_binding *binding;

	if (names->count >= names->max || prefix.len > UINT16_MAX) {
		return XML_NAMES_TOO_MANY;
	}
	if (!make_room(names, prefix.len + uri.len)) {
		return XML_NAMES_NO_MEMORY;
	}
	binding = &names->bindings[names->count++];
	binding->depth = (uint16_t)depth;
	binding->prefix_len = (uint16_t)prefix.len;
	binding->prefix_at = names->store_used;
	binding->uri_at = names->store_used + (uint32_t)prefix.len;
	binding->uri_len = (uint32_t)uri.len;
	memcpy(names->store + binding->prefix_at, prefix.ptr, prefix.len);
	memcpy(names->store + binding->uri_at, uri.ptr, uri.len);
	names->store_used += (uint32_t)(prefix.len + uri.len);
	return XML_NAMES_OK;
}

/* Namespaces in XML 1.0 §3: xml means its own namespace and nothing else does; xmlns is never
 * declared, nor is its namespace; a prefix cannot be undeclared. */
static bool may_declare(struct fw_str prefix, struct fw_str uri)
{
	bool is_xml = fw_str_is(prefix, "xml");

	if (fw_str_is(prefix, "xmlns") || fw_str_is(uri, NS_XMLNS)) {
		return false;
	}
	if (is_xml != fw_str_is(uri, NS_XML)) {
		return false;
	}
	return prefix.len == 0 || uri.len > 0;
}

enum xml_names_result xml_names_declare(struct xml_names *names, const char *const *attributes,
                                        int depth)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2) {
		const char *name = attributes[i];
		struct fw_str prefix, uri = fw_str(attributes[i + 1]);
		enum xml_names_result result;

		if (strncmp(name, "xmlns", 5) != 0 || (name[5] != '\0' && name[5] != ':')) {
			continue;
		}
		prefix = fw_str(name[5] == ':' ? name + 6 : "");
		if ((name[5] == ':' && prefix.len == 0) ||
		    memchr(prefix.ptr, ':', prefix.len) != NULL || !may_declare(prefix, uri)) {
			return XML_NAMES_BAD;
		}
		result = push(names, prefix, uri, depth);
		if (result != XML_NAMES_OK) {
			return result;
		}
	}
	return XML_NAMES_OK;
}

struct fw_str xml_names_prefix(const struct xml_names *names, const struct xml_binding *binding)
{
	return fw_str_n(names->store + binding->prefix_at, binding->prefix_len);
}

struct fw_str xml_names_uri(const struct xml_names *names, const struct xml_binding *binding)
{
	return fw_str_n(names->store + binding->uri_at, binding->uri_len);
}

const struct xml_binding *xml_names_find(const struct xml_names *names, struct fw_str prefix)
{
	for (uint32_t i = names->count; i > 0; i--) {
		if (fw_str_eq(xml_names_prefix(names, &names->bindings[i - 1]), prefix)) {
			return &names->bindings[i - 1];
		}
	}
	return NULL;
}

struct fw_str xml_names_resolve(const struct xml_names *names, struct fw_str prefix)
{
	const struct xml_binding *binding = xml_names_find(names, prefix);

	if (binding != NULL) {
		return xml_names_uri(names, binding);
	}
	return fw_str_is(prefix, "xml") ? fw_str(NS_XML) : fw_str(NULL);
}

bool xml_names_split(const char *qname, struct fw_str *prefix, struct fw_str *local)
{
	const char *colon = strchr(qname, ':');

	if (colon == NULL) {
		*prefix = fw_str_n(qname, 0);
		*local = fw_str(qname);
		return true;
	}
	*prefix = fw_str_n(qname, (size_t)(colon - qname));
	*local = fw_str(colon + 1);
	/* What follows the colon begins a name itself (Namespaces in XML 1.0 §4). */
	return prefix->len > 0 && strchr("-.0123456789", colon[1]) == NULL &&
	       strchr(colon + 1, ':') == NULL;
}

/* Namespaces in XML 1.0 §6.3: no two attributes with one name in one namespace. */
static bool same_attribute(const struct xml_names *names, const char *const *attributes,
                           size_t limit, struct fw_str ns, struct fw_str local)
{
	for (size_t i = 0; i < limit; i += 2) {
		struct fw_str prefix, other;
		if (strchr(attributes[i], ':') == NULL ||
		    !xml_names_split(attributes[i], &prefix, &other) ||
		    fw_str_is(prefix, "xmlns")) {
			continue;
		}
		if (fw_str_eq(other, local) && fw_str_eq(xml_names_resolve(names, prefix), ns)) {
			return true;
		}
	}
	return false;
}

enum xml_names_result xml_names_check(const struct xml_names *names, const char *qname,
                                      const char *const *attributes)
{
	struct fw_str prefix, local, ns;

	if (!xml_names_split(qname, &prefix, &local) || fw_str_is(prefix, "xmlns") ||
	    (prefix.len > 0 && xml_names_resolve(names, prefix).ptr == NULL)) {
		return XML_NAMES_BAD;
	}
	for (size_t i = 0; attributes[i] != NULL; i += 2) {
		if (strchr(attributes[i], ':') == NULL) {
			continue;
		}
		if (!xml_names_split(attributes[i], &prefix, &local)) {
			return XML_NAMES_BAD;
		}
		if (fw_str_is(prefix, "xmlns")) {
			continue;
		}
		ns = xml_names_resolve(names, prefix);
		if (ns.ptr == NULL || same_attribute(names, attributes, i, ns, local)) {
			return XML_NAMES_BAD;
		}
	}
	return XML_NAMES_OK;
}
