/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * For programs that run components: the router, and the test host. Not for components. Behind each call of
 * host.h stands one entry of this table.
 */
#ifndef FEDWAY_HOSTING_H
#define FEDWAY_HOSTING_H

#include <fedway/host.h>

FW_BEGIN_DECLS

struct fw_host_ops {
	int (*bind)(void *host, const char *domain);
	int (*unbind)(void *host, const char *domain);
	bool (*domain_is_local)(void *host, struct fw_str domain);
	bool (*domain_is_federated)(void *host, struct fw_str domain);
	int (*route)(void *host, struct fw_stanza **stanza);
	void (*bounce)(void *host, struct fw_stanza **stanza, enum fw_cause cause);
	void (*announce)(void *host, const char *service);
	void (*drained)(void *host);
	int (*domains)(void *host, struct fw_json *array);
	bool (*federation_is_on)(void *host);
	const struct fw_json *(*state)(void *host, const char *key);
	int (*state_set)(void *host, const char *key, const struct fw_json *value, struct fw_error *err);
	void (*notice)(void *host, const char *key, enum fw_notice_level level, const char *remedy, const char *text);
	void (*notice_clear)(void *host, const char *key);
	int (*holders)(void *host, const char *domain, struct fw_json *out);
	int (*bind_for)(void *host, const char *domain, const char *component_id, uint32_t weight);
	int (*unbind_for)(void *host, const char *domain, const char *component_id);
};

struct fw_self_settings {
	const struct fw_component *component;
	const struct fw_host_ops *ops;
	void *host;          /**< first argument of every op */
	struct fw_loop *loop;
	const struct fw_log *log;
	const char *id;      /**< copied */
	const char *realm;   /**< copied */
	const void *config;  /**< [b] until replaced */
};

/** @return FW_OK, FW_ENOMEM [g] */
FW_API int fw_self_new(const struct fw_self_settings *settings, struct fw_self **out);
/** Requests still open are forgotten. */
FW_API void fw_self_free(struct fw_self **self);
FW_API void fw_self_set_config(struct fw_self *self, const void *config);
FW_API const struct fw_component *fw_self_component(const struct fw_self *self);
FW_API void *fw_self_host(const struct fw_self *self);
/** Value of a counter; `id` is the place of its row in the component's `counters`. */
FW_API uint64_t fw_self_counter(const struct fw_self *self, unsigned id);
/** Gives a stanza to the component: replies to its requests go to their callback, the rest to deliver(). [t] */
FW_API void fw_self_deliver(struct fw_self *self, struct fw_stanza **stanza);

/* ---- commands ---- */

struct fw_call_settings {
	const struct fw_command *command; /**< one of the component's rows */
	const struct fw_json *args;       /**< object of strings, or NULL [b] */
	struct fw_json *result;           /**< object that the component fills [b] */
	/** May be NULL. */
	void (*progress)(void *ctx, const char *line);
	/**
	 * Runs exactly once, maybe before fw_self_call() has returned, unless the call is cancelled first.
	 * @param code    FW_OK, or an error with its sentence `why` and, unless NULL, a remedy
	 */
	void (*ended)(void *ctx, int code, const char *why, const char *remedy);
	void *ctx;
};

/**
 * Runs a command.
 * @param out  the call, for fw_call_cancel(); set to NULL when it has ended, so it must stay where it is
 * @return FW_OK, FW_ENOMEM
 */
FW_API int fw_self_call(struct fw_self *self, const struct fw_call_settings *settings, struct fw_call **out);
/** Whoever asked is gone: ended() will not run; args and result are not touched any more. NULL is allowed. */
FW_API void fw_call_cancel(struct fw_call **call);
/** Ends all that are under way, because the component is about to stop; to be called before stop(). */
FW_API void fw_self_end_calls(struct fw_self *self);

/**
 * Forgets the loggers of the module or program that holds `symbol`; those that speak again are known again. To be
 * called before a module's code goes.
 */
FW_API void fw_log_forget(const void *symbol);

/* ---- what a router does with stanzas ---- */

/** Puts a stanza into a ledger: its entry. It leaves by fw_stanza_end(). */
FW_API void fw_stanza_enter(struct fw_stanza *stanza, struct fw_ledger *ledger, uint64_t now_ms);
FW_API struct fw_ledger *fw_stanza_ledger(const struct fw_stanza *stanza);
/** Marks an error answer as made by the router. */
FW_API void fw_stanza_mark_bounce(struct fw_stanza *stanza);
/** A number the router hangs on the stanza to know where it came from; 0 when not set. */
FW_API void fw_stanza_set_origin(struct fw_stanza *stanza, uint32_t origin);
FW_API uint32_t fw_stanza_origin(const struct fw_stanza *stanza);
/** Takes over the number that another node gave the stanza, so that one number is found in the logs of all nodes. */
FW_API void fw_stanza_set_xcoder(struct fw_stanza *stanza, uint64_t xcoder);
/** A number for the path by which the stanza came, of the router's own table of paths; 0 when not set. */
FW_API void fw_stanza_set_trail(struct fw_stanza *stanza, uint32_t trail);
FW_API uint32_t fw_stanza_trail(const struct fw_stanza *stanza);
/**
 * The component that another node, or a rule here, has chosen for it; absent: none.
 * @param component  its ID, copied into the stanza's own memory (no allocation for one of usual length); absent: none
 * @return FW_OK, FW_ENOMEM (unchanged)
 */
FW_API int fw_stanza_set_destination(struct fw_stanza *stanza, struct fw_str component);
/** Lives as long as the stanza, or until it is set again. */
FW_API struct fw_str fw_stanza_destination(const struct fw_stanza *stanza);

/* ---- receipts: who answers for a stanza until it has left learns that it has ---- */

struct fw_receipts;

/**
 * @param left  a stanza with a receipt has gone, by whatever exit; from within the call that ended it, so it only takes note
 * @return FW_OK, FW_ENOMEM [g]
 */
FW_API int fw_receipts_new(void (*left)(void *ctx, uint64_t number), void *ctx, struct fw_receipts **out);
/** Nobody is told any more. The memory goes with the last stanza that carries one. Sets *receipts to NULL; NULL is allowed. */
FW_API void fw_receipts_release(struct fw_receipts **receipts);
/** Hangs a receipt on a stanza that has none. Copies and answers do not inherit it. */
FW_API void fw_stanza_set_receipt(struct fw_stanza *stanza, struct fw_receipts *receipts, uint64_t number);

FW_END_DECLS

#endif
