/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a component can ask of its host (the router, or whatever runs it). All calls: loop thread, from any
 * callback, never blocking; none calls back into the caller before it returns, unless it says so.
 */
#ifndef FEDWAY_HOST_H
#define FEDWAY_HOST_H

#include <fedway/component.h>
#include <fedway/json.h>
#include <fedway/log.h>

FW_BEGIN_DECLS

struct fw_loop; /* fedway/io/loop.h */
struct fw_request;

/* ---- about oneself ---- */

/** Component ID, e.g. "cm-1_s2scp-1.edge-example-net"; also an address that others can send to. */
FW_API const char *fw_self_id(const struct fw_self *self);
/** Name space of this router, e.g. "edge-example-net". */
FW_API const char *fw_self_realm(const struct fw_self *self);
/** The struct filled from the option rows [b]. */
FW_API const void *fw_self_config(const struct fw_self *self);
FW_API const struct fw_log *fw_self_log(const struct fw_self *self);
FW_API struct fw_loop *fw_self_loop(const struct fw_self *self);
FW_API void *fw_self_state(const struct fw_self *self);
FW_API void fw_self_set_state(struct fw_self *self, void *state);
/** Says that a drain is complete; stop follows at the end of the turn. */
FW_API void fw_self_drained(struct fw_self *self);

/* ---- names ---- */

/**
 * Claims a domain. Stanzas for it are delivered to this component.
 * @param domain  a domain; "*.example.org" for all below it; "*" for whatever nobody else holds; a name
 *                that ends in "." is a service name, completed with the realm ("resolver." → "resolver.<realm>")
 * @return FW_OK; FW_EPARSE; FW_EEXIST when this component holds it already; FW_EDENIED; FW_ENOMEM
 */
FW_API int fw_bind(struct fw_self *self, const char *domain);
/** Gives a domain back. FW_ENOENT when not held. */
FW_API int fw_unbind(struct fw_self *self, const char *domain);
/**
 * Claims a domain for another component, here or behind another router: its stanzas go to that component. It is chosen
 * among the holders only while there is a way to it, and what it cannot take goes to the others at once. Again with
 * another weight: changes the weight. All claims of a component end with it.
 * @param component_id  full ID, e.g. "cm-2_s2scp-1.edge-1"; copied
 * @param weight        its share among the holders, 1 to 65535
 * @return FW_OK; FW_EPARSE (a name cannot be used), FW_EINVAL (weight), FW_ENOMEM
 */
FW_API int fw_bind_for(struct fw_self *self, const char *domain, const char *component_id, uint32_t weight);
/** Gives such a claim back. FW_ENOENT when there is none. */
FW_API int fw_unbind_for(struct fw_self *self, const char *domain, const char *component_id);
/**
 * Adds who holds a name, exactly as bound ("*" is the default route): one object each, with "id" (full component ID),
 * "realm", "up" (it can take stanzas now) and "cost" of the way to it. When holders of "*" or links to other
 * routers change, every component gets announced("router").
 * @param array  JSON array to add to [b]
 * @return FW_OK, also when nobody holds it; FW_ENOMEM
 */
FW_API int fw_holders(const struct fw_self *self, const char *domain, struct fw_json *array);
/** The domain belongs to this side: held by name or suffix, or listed in `domains`. */
FW_API bool fw_domain_is_local(struct fw_self *self, struct fw_str domain);
/** The domain is listed in `domains` with federation = true: the outside may talk to it, and it to the outside. */
FW_API bool fw_domain_is_federated(struct fw_self *self, struct fw_str domain);
/**
 * Adds the rows of the configuration's `domains` to `array`: objects {name, federation, im_and_presence}; each chat
 * node alias is a row of its own, with `alias_of`. A reload that changes them is announced as "domains".
 * @return FW_OK, FW_ENOMEM
 */
FW_API int fw_domains(const struct fw_self *self, struct fw_json *array);
/** The operator's switch: this node may talk to the outside. A change is announced as "state.federation". */
FW_API bool fw_federation_is_on(const struct fw_self *self);

/* ---- what the node has learned ---- */

/**
 * A value that was learned while the node ran, by any component, now or before a restart.
 * @param key  e.g. "domains"
 * @return the value [b], until that key is set again; NULL when there is none
 */
FW_API const struct fw_json *fw_state(const struct fw_self *self, const char *key);
/**
 * Keeps a value, in memory and in the node's `state_file`. When it differs from the one before, all other components
 * get announced("state.KEY") at the end of the turn. A file that cannot be written is the operator's business (a
 * notice says so); the value holds all the same.
 * @param key    a letter, then letters, digits, "-" and "_"; so are the names of all members in the value
 * @param value  copied; no nulls, whole numbers, arrays of texts or objects only, at most 14 containers deep; NULL
 *               forgets the key
 * @return FW_OK; FW_EINVAL (a name, a type, or rows that the router cannot use); FW_EDENIED (the key is the
 *         router's own: "federation"); FW_ELIMIT (1 MiB in all); FW_ENOMEM; err has the sentence
 */
FW_API int fw_state_set(struct fw_self *self, const char *key, const struct fw_json *value, struct fw_error *err);

/* ---- notices: what an operator should know until it is mended ---- */

enum fw_notice_level {
	FW_NOTICE_INFO,   /**< worth knowing */
	FW_NOTICE_YELLOW, /**< service is worse than it should be */
	FW_NOTICE_RED     /**< no service until somebody acts */
};

/**
 * Raises a notice, or replaces the one of this component with that key; it stands in `fedwayctl notifications` until
 * it is cleared or the component stops. The same level and words again are silent; else one log line says so.
 * @param key     short name of what is wrong, unique in this component [b]
 * @param remedy  what can be done about it, or NULL
 * @param format  one sentence, lower case, no full stop; cut at 511 bytes
 */
FW_API void fw_notice(struct fw_self *self, const char *key, enum fw_notice_level level, const char *remedy,
                      const char *format, ...) FW_PRINTF(5, 6);
/** It is mended. Nothing happens when there is no such notice. */
FW_API void fw_notice_clear(struct fw_self *self, const char *key);

/* ---- stanzas ---- */

/**
 * Hands a stanza to the router, which delivers it or bounces it. The sender's domain must be bound by the
 * caller, unless the caller holds "*" (a gateway: it speaks for the outside).
 * @param stanza  *stanza is NULL on return, whatever the result [t]
 * @return FW_OK       accepted; delivery itself is not reported
 *         FW_EDENIED  the from domain is not bound to this component
 *         FW_EPARSE   a bad address
 * On an error the stanza was bounced or dropped with its cause. May call deliver of other components.
 */
FW_API int fw_route(struct fw_self *self, struct fw_stanza **stanza);
/** Answers a stanza that was delivered: `request` ends as answered, `reply` is routed. Both [t]. */
FW_API int fw_reply(struct fw_self *self, struct fw_stanza **request, struct fw_stanza **reply);
/** Returns a delivered stanza to its sender, or drops it where RFC 6120 §8.3.1 wants no answer. [t] */
FW_API void fw_bounce(struct fw_self *self, struct fw_stanza **stanza, enum fw_cause cause);

/* ---- requests to services ---- */

/**
 * Answer to a request, or its failure.
 * @param reply  iq of type result or error [b]; NULL when there was none
 * @param cause  FW_CAUSE_NONE for a result; for an error the cause it names or the nearest; else why not
 */
typedef void fw_request_fn(void *ctx, struct fw_stanza *reply, enum fw_cause cause);

/**
 * Sends an iq and waits for its answer. `from` (unless set) and `id` are filled in here.
 * @param service     name of a service without realm, e.g. "resolver"
 * @param iq          of type get or set [t]
 * @param timeout_ms  1 or more
 * @param out         handle to cancel with, valid until the callback has run; may be NULL
 * @return FW_OK: `done` runs exactly once, never before this returns; FW_ENOMEM, or FW_EINVAL when `iq` is no
 *         request: it does not run
 */
FW_API int fw_request(struct fw_self *self, const char *service, struct fw_stanza **iq, uint32_t timeout_ms,
                      fw_request_fn *done, void *ctx, struct fw_request **out);
/** Forgets a request; its callback will not run. NULL is allowed. [t] */
FW_API void fw_request_cancel(struct fw_request **request);

/** Tells all components that the answers of `service` have changed; each gets announced(). */
FW_API void fw_announce(struct fw_self *self, const char *service);

/* ---- commands ---- */

/** An argument as text [b]; absent when it was not given. Valid until the call ends. */
FW_API struct fw_str fw_call_arg(const struct fw_call *call, const char *name);
/** The object to fill with the answer [b]; NULL, which fw_json_set…() take, when nobody waits for it any more. */
FW_API struct fw_json *fw_call_result(struct fw_call *call);
/** Tells whoever waits how far it is: one line. */
FW_API void fw_call_progress(struct fw_call *call, const char *format, ...) FW_PRINTF(2, 3);
/** Ends a call: the result is sent. [t] */
FW_API void fw_call_done(struct fw_call **call);
/**
 * Ends a call: it failed. [t]
 * @param code    an error of error.h
 * @param remedy  what can be done about it, or NULL
 */
FW_API void fw_call_fail(struct fw_call **call, int code, const char *remedy, const char *format, ...) FW_PRINTF(4, 5);
/**
 * Runs when nobody waits any more, or when the component is about to stop: the host has ended the call then, and
 * `ctx` must forget it. Without it such a call stays valid, and is ended by the component as ever.
 */
FW_API void fw_call_on_cancel(struct fw_call *call, void (*fn)(void *ctx), void *ctx);

FW_END_DECLS

#endif
