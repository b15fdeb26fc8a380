/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tree of a stanza inside the SDK: nodes in blocks of memory that end together with the stanza.
 */
#ifndef FEDWAY_SRC_ELEMENT_PRIVATE_H
#define FEDWAY_SRC_ELEMENT_PRIVATE_H

#include <fedway/stanza.h>

struct tree_block;

struct tree {
	struct fw_elem *root;
	struct tree_block *blocks;
};

struct attribute {
	struct attribute *next;
	struct fw_str name; /* without prefix */
	struct fw_str ns;   /* absent: no prefix */
	struct fw_str value;
};

/* An element, or character data when name.ptr is NULL (then `text` holds it). */
struct fw_elem {
	struct fw_stanza *stanza;
	struct fw_elem *parent, *first, *last, *next, *before;
	struct fw_str name, ns, text;
	struct attribute *attributes;
};

static inline bool elem_is_text(const struct fw_elem *elem)
{
	return elem->name.ptr == NULL;
}

/** New tree without a root; NULL when out of memory. */
struct tree *tree_new(void);
void tree_free(struct tree **tree);
/** Memory that lives as long as the tree; NULL when out of memory. */
void *tree_memory(struct tree *tree, size_t size);
struct fw_str tree_text(struct tree *tree, struct fw_str text);
/** A node under `parent` (NULL: the root). Name absent: character data. */
struct fw_elem *tree_node(struct fw_stanza *stanza, struct tree *tree, struct fw_elem *parent, struct fw_str name,
                          struct fw_str ns);
/** Adds or replaces an attribute; FW_OK, FW_ENOMEM. */
int tree_attribute(struct tree *tree, struct fw_elem *elem, struct fw_str name, struct fw_str ns, struct fw_str value);
/** Reads the envelope of a stanza from its root. */
void tree_envelope(struct fw_stanza *stanza);

/** Parses the stanza's bytes into its tree. FW_OK, FW_EPARSE, FW_ELIMIT, FW_ENOMEM */
int tree_parse(struct fw_stanza *stanza);

#endif
