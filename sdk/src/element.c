/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Elements of a stanza's tree: reading and editing. The tree is built from bytes by tree_parse.c
 * and written back by stanza_bytes.c.
 */
#include "sdk/src/element_private.h"

#include <stdlib.h>

#include "sdk/src/stanza_private.h"

#define BLOCK_SIZE 2048u

struct tree_block {
	struct tree_block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

struct tree *tree_new(void)
{
	return calloc(1, sizeof(struct tree));
}

void tree_free(struct tree **tree)
{
	struct tree *old = *tree;

	*tree = NULL;
	if (old == NULL) {
		return;
	}
	while (old->blocks != NULL) {
		struct tree_block *block = old->blocks;
		old->blocks = block->next;
		free(block);
	}
	free(old);
}

void *tree_memory(struct tree *tree, size_t size)
{
	size_t need = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	struct tree_block *block = tree->blocks;

	if (block == NULL || block->size - block->used < need) {
		size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;
		block = malloc(sizeof(*block) + room);
		if (block == NULL) {
			return NULL;
		}
		block->used = 0;
		block->size = room;
		block->next = tree->blocks;
		tree->blocks = block;
	}
	block->used += need;
	return block->bytes + block->used - need;
}

struct fw_str tree_text(struct tree *tree, struct fw_str text)
{
	char *copy;

	if (text.ptr == NULL) {
		return text;
	}
	copy = tree_memory(tree, text.len + 1);
	if (copy == NULL) {
		return fw_str(NULL);
	}
	memcpy(copy, text.ptr, text.len);
	return fw_str_n(copy, text.len);
}

struct fw_elem *tree_node(struct fw_stanza *stanza, struct tree *tree, struct fw_elem *parent,
                          struct fw_str name, struct fw_str ns)
{
	struct fw_elem *elem = tree_memory(tree, sizeof(*elem));

	if (elem == NULL) {
		return NULL;
	}
	memset(elem, 0, sizeof(*elem));
	elem->stanza = stanza;
	elem->parent = parent;
	elem->name = tree_text(tree, name);
	elem->ns = tree_text(tree, ns);
	if ((name.ptr != NULL && elem->name.ptr == NULL) ||
	    (ns.ptr != NULL && elem->ns.ptr == NULL)) {
		return NULL;
	}
	if (parent == NULL) {
		tree->root = elem;
		return elem;
	}
	elem->before = parent->last;
	if (parent->last != NULL) {
		parent->last->next = elem;
	} else {
		parent->first = elem;
	}
	parent->last = elem;
	return elem;
}

static struct attribute *attribute_find(const struct fw_elem *elem, struct fw_str name,
                                        struct fw_str ns)
{
	struct attribute *attribute = elem->attributes;

	while (attribute != NULL &&
	       !(fw_str_eq(attribute->name, name) && fw_str_eq(attribute->ns, ns))) {
		attribute = attribute->next;
	}
	return attribute;
}

int tree_attribute(struct tree *tree, struct fw_elem *elem, struct fw_str name, struct fw_str ns,
                   struct fw_str value)
{
	struct attribute *attribute = attribute_find(elem, name, ns);
	struct fw_str copy = tree_text(tree, value);
	struct attribute **end = &elem->attributes;

	if (copy.ptr == NULL && value.ptr != NULL) {
		return FW_ENOMEM;
	}
	if (attribute == NULL) {
		attribute = tree_memory(tree, sizeof(*attribute));
		if (attribute == NULL) {
			return FW_ENOMEM;
		}
		attribute->next = NULL;
		attribute->name = tree_text(tree, name);
		attribute->ns = tree_text(tree, ns);
		while (*end != NULL) {
			end = &(*end)->next;
		}
		*end = attribute;
	}
	attribute->value = copy;
	return FW_OK;
}

void tree_envelope(struct fw_stanza *stanza)
{
	const struct fw_elem *root = stanza->tree->root;

	stanza->name = root->name;
	stanza->ns = root->ns;
	stanza->kind = root->ns.len == 0 ? stanza_kind_of(root->name) : FW_KIND_OTHER;
	stanza->type = fw_elem_attr(root, "type");
	stanza->id = fw_elem_attr(root, "id");
	stanza_set_from(stanza, fw_elem_attr(root, "from"));
	stanza_set_to(stanza, fw_elem_attr(root, "to"));
}

void stanza_edited(struct fw_stanza *stanza)
{
	chunk_release(&stanza->chunk);
	stanza->bytes = NULL;
	stanza->size = stanza->cut_size = 0;
	stanza->inject = fw_str(NULL);
	tree_envelope(stanza);
}

/* ---- reading ---- */

struct fw_elem *fw_stanza_root(struct fw_stanza *stanza)
{
	if (stanza == NULL || (stanza->tree == NULL && tree_parse(stanza) != FW_OK)) {
		return NULL;
	}
	return stanza->tree->root;
}

struct fw_str fw_elem_name(const struct fw_elem *elem)
{
	return elem != NULL ? elem->name : fw_str(NULL);
}

struct fw_str fw_elem_ns(const struct fw_elem *elem)
{
	return elem != NULL ? elem->ns : fw_str(NULL);
}

struct fw_str fw_elem_attr(const struct fw_elem *elem, const char *name)
{
	const struct attribute *attribute;

	attribute = elem != NULL ? attribute_find(elem, fw_str(name), fw_str(NULL)) : NULL;
	return attribute != NULL ? attribute->value : fw_str(NULL);
}

struct fw_str fw_elem_text(struct fw_elem *elem)
{
	struct fw_elem *node, *only = NULL;
	size_t len = 0, pieces = 0;
	char *joined;

	if (elem == NULL) {
		return fw_str(NULL);
	}
	for (node = elem->first; node != NULL; node = node->next) {
		if (elem_is_text(node)) {
			len += node->text.len;
			pieces++;
			only = node;
		}
	}
	if (pieces <= 1) {
		return only != NULL ? only->text : fw_str("");
	}
	joined = tree_memory(elem->stanza->tree, len);
	if (joined == NULL) {
		return fw_str(NULL);
	}
	len = 0;
	for (node = elem->first; node != NULL; node = node->next) {
		if (elem_is_text(node)) {
			memcpy(joined + len, node->text.ptr, node->text.len);
			len += node->text.len;
		}
	}
	return fw_str_n(joined, len);
}

static struct fw_elem *skip_text(struct fw_elem *node)
{
	while (node != NULL && elem_is_text(node)) {
		node = node->next;
	}
	return node;
}

struct fw_elem *fw_elem_first(const struct fw_elem *elem)
{
	return elem != NULL ? skip_text(elem->first) : NULL;
}

struct fw_elem *fw_elem_next(const struct fw_elem *elem)
{
	return elem != NULL ? skip_text(elem->next) : NULL;
}

struct fw_elem *fw_elem_find(const struct fw_elem *elem, const char *name, const char *ns)
{
	struct fw_elem *child = fw_elem_first(elem);

	while (child != NULL && ((name != NULL && !fw_str_is(child->name, name)) ||
	                         (ns != NULL && !fw_str_is(child->ns, ns)))) {
		child = fw_elem_next(child);
	}
	return child;
}

/* ---- editing ---- */

int fw_stanza_set(struct fw_stanza *stanza, const char *name, struct fw_str value)
{
	return fw_elem_set(fw_stanza_root(stanza), name, value);
}

int fw_elem_set(struct fw_elem *elem, const char *name, struct fw_str value)
{
	struct attribute **at;
	int ret = FW_OK;

	if (elem == NULL) {
		return FW_ENOMEM;
	}
	if (value.ptr != NULL) {
		ret = tree_attribute(elem->stanza->tree, elem, fw_str(name), fw_str(NULL), value);
	} else {
		for (at = &elem->attributes; *at != NULL; at = &(*at)->next) {
			if ((*at)->ns.len == 0 && fw_str_is((*at)->name, name)) {
				*at = (*at)->next;
				break;
			}
		}
	}
	stanza_edited(elem->stanza);
	return ret;
}

struct fw_elem *fw_elem_add(struct fw_elem *parent, const char *name, const char *ns)
{
	struct fw_elem *elem;
	struct fw_str space;

	if (parent == NULL) {
		return NULL;
	}
	/* No namespace given: the parent's. */
	space = ns != NULL ? fw_str_n(ns[0] != '\0' ? ns : NULL, strlen(ns)) : parent->ns;
	elem = tree_node(parent->stanza, parent->stanza->tree, parent, fw_str(name), space);
	stanza_edited(parent->stanza);
	return elem;
}

int fw_elem_set_text(struct fw_elem *elem, struct fw_str text)
{
	struct fw_elem *node;

	if (elem == NULL) {
		return FW_ENOMEM;
	}
	for (node = elem->first; node != NULL; node = node->next) {
		if (elem_is_text(node)) {
			fw_elem_remove(node);
		}
	}
	node = tree_node(elem->stanza, elem->stanza->tree, elem, fw_str(NULL), fw_str(NULL));
	if (node == NULL) {
		return FW_ENOMEM;
	}
	node->text = tree_text(elem->stanza->tree, text);
	stanza_edited(elem->stanza);
	return text.ptr != NULL && node->text.ptr == NULL ? FW_ENOMEM : FW_OK;
}

void fw_elem_remove(struct fw_elem *elem)
{
	if (elem == NULL || elem->parent == NULL) {
		return;
	}
	if (elem->before != NULL) {
		elem->before->next = elem->next;
	} else {
		elem->parent->first = elem->next;
	}
	if (elem->next != NULL) {
		elem->next->before = elem->before;
	} else {
		elem->parent->last = elem->before;
	}
	stanza_edited(elem->stanza);
}

static struct fw_elem *copy_node(struct fw_elem *parent, const struct fw_elem *source)
{
	struct tree *tree = parent->stanza->tree;
	struct fw_elem *copy = tree_node(parent->stanza, tree, parent, source->name, source->ns);
	const struct attribute *attribute;

	if (copy == NULL) {
		return NULL;
	}
	copy->text = tree_text(tree, source->text);
	if (source->text.ptr != NULL && copy->text.ptr == NULL) {
		return NULL;
	}
	for (attribute = source->attributes; attribute != NULL; attribute = attribute->next) {
		if (tree_attribute(tree, copy, attribute->name, attribute->ns, attribute->value) !=
		    FW_OK) {
			return NULL;
		}
	}
	return copy;
}

struct fw_elem *fw_elem_copy(struct fw_elem *parent, const struct fw_elem *source)
{
	const struct fw_elem *from = source;
	struct fw_elem *top, *to;

	if (parent == NULL || source == NULL) {
		return NULL;
	}
	top = to = copy_node(parent, source);
	/* Walks without recursion: depth is a peer's choice. */
	while (to != NULL) {
		if (from->first != NULL) {
			from = from->first;
			to = copy_node(to, from);
			continue;
		}
		while (from != source && from->next == NULL) {
			from = from->parent;
			to = to->parent;
		}
		if (from == source) {
			break;
		}
		from = from->next;
		to = copy_node(to->parent, from);
	}
	stanza_edited(parent->stanza);
	return to != NULL ? top : NULL;
}
