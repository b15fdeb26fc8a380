/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A stanza: its envelope (kind, type, id, from, to), the bytes as they came, and a tree for those who ask.
 *
 * A stanza that arrives borrows its bytes from the buffer they were received in and is forwarded as the same
 * bytes. The tree is built on the first fw_stanza_root(); a change to the tree makes the old bytes
 * void, and they are written anew only if the stanza leaves the process. One thread, one owner: whoever
 * holds the pointer ends it, by passing it on or by exactly one exit.
 */
#ifndef FEDWAY_STANZA_H
#define FEDWAY_STANZA_H

#include <inttypes.h>

#include <fedway/cause.h>
#include <fedway/error.h>
#include <fedway/ledger.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

struct fw_stanza;
struct fw_elem;

/** Conversion for an xcoder: `"xcoder=" FW_XCODER, fw_stanza_xcoder(stanza)`. */
#define FW_XCODER "%016" PRIX64

enum fw_kind {
	FW_KIND_MESSAGE,
	FW_KIND_PRESENCE,
	FW_KIND_IQ,
	FW_KIND_OTHER, /**< a first-level element that is no stanza: features, db:result, … */
};

/* ---- reading; slices live as long as the stanza and until it is edited ---- */

FW_API enum fw_kind fw_stanza_kind(const struct fw_stanza *stanza);
/** Attribute values, decoded; absent when the attribute is. */
FW_API struct fw_str fw_stanza_type(const struct fw_stanza *stanza);
FW_API struct fw_str fw_stanza_id(const struct fw_stanza *stanza);
FW_API struct fw_str fw_stanza_from(const struct fw_stanza *stanza);
FW_API struct fw_str fw_stanza_to(const struct fw_stanza *stanza);
/** Domain parts of from and to as written (not keys). */
FW_API struct fw_str fw_stanza_from_domain(const struct fw_stanza *stanza);
FW_API struct fw_str fw_stanza_to_domain(const struct fw_stanza *stanza);
/** Name and namespace of the element, e.g. "result" in "jabber:server:dialback". */
FW_API struct fw_str fw_stanza_name(const struct fw_stanza *stanza);
FW_API struct fw_str fw_stanza_ns(const struct fw_stanza *stanza);
/**
 * Any attribute without namespace of the stanza's own tag, decoded; absent when there is none, or out of memory. Builds
 * no tree, unless the value has references: for elements that come too often for one. The slice ends with
 * fw_stanza_settle() too. `xmlns` is no attribute.
 */
FW_API struct fw_str fw_stanza_attr(struct fw_stanza *stanza, const char *name);
/** type='error'. */
FW_API bool fw_stanza_is_error(const struct fw_stanza *stanza);
/** iq of type get or set. */
FW_API bool fw_stanza_is_request(const struct fw_stanza *stanza);
/** A bounce made by the router itself; it is never bounced again. */
FW_API bool fw_stanza_is_bounce(const struct fw_stanza *stanza);
/** Bytes on the wire. */
FW_API size_t fw_stanza_size(const struct fw_stanza *stanza);
/** Milliseconds of the loop's clock when it was received or made; 0 when never routed. */
FW_API uint64_t fw_stanza_since_ms(const struct fw_stanza *stanza);
/** Number that is the same in every log line about this stanza, on every node; printed with FW_XCODER. */
FW_API uint64_t fw_stanza_xcoder(const struct fw_stanza *stanza);

/** For one that will wait in a queue: it stops to borrow its receive buffer and keeps a copy of its bytes. */
FW_API int fw_stanza_settle(struct fw_stanza *stanza);

/* ---- the tree; elements live as long as their stanza ---- */

/** Root element, parsed on the first call. NULL when out of memory. */
FW_API struct fw_elem *fw_stanza_root(struct fw_stanza *stanza);
FW_API struct fw_str fw_elem_name(const struct fw_elem *elem);
/** Namespace; absent for the stream's own (jabber:server, jabber:component:accept: the stanza's namespace). */
FW_API struct fw_str fw_elem_ns(const struct fw_elem *elem);
/** Value of an attribute without namespace; absent when there is none. */
FW_API struct fw_str fw_elem_attr(const struct fw_elem *elem, const char *name);
/** All character data directly inside, in one piece; empty when there is none. */
FW_API struct fw_str fw_elem_text(struct fw_elem *elem);
/** First child element and next sibling element; NULL at the end, NULL for NULL. */
FW_API struct fw_elem *fw_elem_first(const struct fw_elem *elem);
FW_API struct fw_elem *fw_elem_next(const struct fw_elem *elem);
/** First child with this name (NULL: any) and namespace (NULL: any; "": the stream's own). */
FW_API struct fw_elem *fw_elem_find(const struct fw_elem *elem, const char *name, const char *ns);

/* ---- making and editing; texts are copied, markup is escaped ---- */

/**
 * New stanza.
 * @param name  message, presence, iq; another name makes FW_KIND_OTHER
 * @param ns    namespace of an element of FW_KIND_OTHER; NULL for stanzas (they take the stream's)
 * @return FW_OK or FW_ENOMEM; *out [g] is untouched on failure
 */
FW_API int fw_stanza_new(const char *name, const char *ns, struct fw_stanza **out);
/** Sets or, with an absent slice, removes an attribute of the root; type, id, from, to among others. */
FW_API int fw_stanza_set(struct fw_stanza *stanza, const char *name, struct fw_str value);
/** Adds a last child. NULL parent gives NULL, so that calls can be chained and checked once. */
FW_API struct fw_elem *fw_elem_add(struct fw_elem *parent, const char *name, const char *ns);
FW_API int fw_elem_set(struct fw_elem *elem, const char *name, struct fw_str value);
FW_API int fw_elem_set_text(struct fw_elem *elem, struct fw_str text);
/** Removes an element and what is inside. The root cannot be removed. */
FW_API void fw_elem_remove(struct fw_elem *elem);
/** Deep copy of `source` (of any stanza) as the last child of `parent`. NULL when out of memory. */
FW_API struct fw_elem *fw_elem_copy(struct fw_elem *parent, const struct fw_elem *source);

/** Independent copy that borrows nothing and is not in any ledger. [g] */
FW_API int fw_stanza_copy(struct fw_stanza *stanza, struct fw_stanza **out);
/**
 * Answer with from and to swapped, same kind and id.
 * @param type  e.g. "result"; absent for none
 * @return FW_OK, FW_ENOMEM [g]
 */
FW_API int fw_stanza_reply(const struct fw_stanza *stanza, const char *type, struct fw_stanza **out);
/**
 * Error answer (RFC 6120 §8.3): condition and type of the cause, its text, and the cause's name as an
 * application condition `<cause xmlns='urn:fedway:cause:1' name='…'/>`.
 * @return FW_OK; FW_EDENIED when the stanza must not be answered (an error, a result, a bounce, or a
 *         message or presence that RFC 6120 §8.3.1 does not answer); FW_ENOMEM
 */
FW_API int fw_stanza_error_reply(const struct fw_stanza *stanza, enum fw_cause cause, struct fw_stanza **out);

/**
 * The bytes as they would be written to a stream whose default namespace is the stanza's own.
 * @param out  slice that lives until the stanza is edited or ended
 * @return FW_OK, FW_ENOMEM
 */
FW_API int fw_stanza_bytes(struct fw_stanza *stanza, struct fw_str *out);

/**
 * Parses one element from text, for tests and tools. Not for peers' streams.
 * @return FW_OK, FW_EPARSE, FW_ELIMIT, FW_ENOMEM [g]
 */
FW_API int fw_stanza_parse(struct fw_str text, struct fw_stanza **out);

/* ---- ending ---- */

/** The one exit of a stanza that is in a ledger; frees it and sets *stanza to NULL. NULL is allowed. */
FW_API void fw_stanza_end(struct fw_stanza **stanza, enum fw_exit exit, enum fw_cause cause);

/** Frees a stanza that never entered a ledger. One that did must go by fw_stanza_end(): asserted. */
FW_API void fw_stanza_free(struct fw_stanza **stanza);

FW_END_DECLS

#endif
