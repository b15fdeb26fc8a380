/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The sockets on which one owner listens, as a set that follows its configuration: what stays the same is not
 * touched, what is new is bound before anything old is closed. It accepts, a bounded number per turn, and rests for
 * a second when the process has no descriptor left, instead of spinning. Who is let in is the owner's question.
 */
#ifndef FEDWAY_IO_LISTENER_H
#define FEDWAY_IO_LISTENER_H

#include <fedway/io/loop.h>
#include <fedway/io/socket.h>
#include <fedway/json.h>
#include <fedway/log.h>

FW_BEGIN_DECLS

struct fw_listeners;

/** Where to listen: for rows of a configuration as they are read. */
struct fw_listen_row {
	const char *address; /**< an IP address; "::" and "0.0.0.0" are all of their family */
	uint16_t port;       /**< 0: the system chooses */
};

/** What is wrong with rows before anything is opened. @return FW_OK; FW_EINVAL: no IP address, or one given twice */
FW_API int fw_listeners_check(const struct fw_listen_row *rows, size_t count, struct fw_error *err);

struct fw_listeners_settings {
	int backlog;             /**< connections that the kernel keeps for each address until they are taken */
	int per_turn;            /**< taken from one address before others have their turn */
	const struct fw_log *log; /**< outlives the set; may be NULL */
	struct fw_logger *logger; /**< says which addresses come and go, and when nothing can be accepted */
};

/**
 * A connection has come.
 * @param wanted  the address as the owner asked for it
 * @param fd      take it by setting *fd to -1, else it is closed
 *
 * Context: the loop. Everything may be called here, fw_listeners_free() included.
 */
typedef void fw_listeners_fn(void *ctx, const struct fw_addr *wanted, int *fd, const struct fw_addr *peer);

/** An empty set. @param settings  copied @return FW_OK, FW_ENOMEM [g] */
FW_API int fw_listeners_new(struct fw_loop *loop, const struct fw_listeners_settings *settings, fw_listeners_fn *fn,
                            void *ctx, struct fw_listeners **out);
/** Closes all addresses without a word. */
FW_API void fw_listeners_free(struct fw_listeners **set);

/**
 * Binds what is missing of the rows, and keeps it aside: the kernel queues connections there, nothing is accepted, and
 * nothing that is open changes. An address that is given twice counts once. One that collides with an address that is
 * to go ("0.0.0.0" and "192.0.2.1" on one port) can only be bound when that has gone: fw_listeners_apply() does it.
 * @return FW_OK; else the first error (FW_EINVAL, FW_ESYS, FW_ENOMEM), which names the address: all others were tried
 *         too. Go on with fw_listeners_apply(), without those that failed, or with fw_listeners_forget().
 */
FW_API int fw_listeners_prepare(struct fw_listeners *set, const struct fw_listen_row *rows, size_t count,
                                struct fw_error *err);
/** What fw_listeners_prepare() has found is not wanted after all. */
FW_API void fw_listeners_forget(struct fw_listeners *set);
/**
 * Makes the last fw_listeners_prepare() true: what was not wanted is closed, what is new accepts.
 * @param changes  an array that gets "listening on ADDRESS" and "no longer listening on ADDRESS"; or NULL
 * @return FW_OK; FW_ESYS or FW_ENOMEM when an address that had to wait for another one's end cannot be bound
 */
FW_API int fw_listeners_apply(struct fw_listeners *set, struct fw_json *changes, struct fw_error *err);
/**
 * Both at once, for owners who have nothing else to make ready: whatever can be listened on is, also when another
 * address cannot. @return as fw_listeners_prepare()
 */
FW_API int fw_listeners_follow(struct fw_listeners *set, const struct fw_listen_row *rows, size_t count,
                               struct fw_error *err);
/** Listens nowhere any more. */
FW_API void fw_listeners_close(struct fw_listeners *set);

/** An address as it is bound, with the port when 0 was asked for; NULL behind the last one, or without a set. */
FW_API const struct fw_addr *fw_listeners_at(const struct fw_listeners *set, size_t index);
/** Appends the texts of all addresses. */
FW_API void fw_listeners_report(const struct fw_listeners *set, struct fw_json *array);

FW_END_DECLS

#endif
