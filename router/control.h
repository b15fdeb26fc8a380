/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: a UNIX socket on which an operator's program asks one JSON request per line,
 *
 *   {"command": "log", "args": {"logger": "stream.*", "level": "debug"}}
 *
 * and gets one line back: {"ok": true, "result": {…}} or {"ok": false, "error": "…", "remedy": "…"}. Some
 * take a while: lines {"progress": "…"} may come before the reply. The router's own commands are rows in
 * control_commands.h; all others are those that components declare, and each result is one object per component,
 * {"components": [{"id": "…", …}]}.
 */
#ifndef FEDWAY_ROUTER_CONTROL_H
#define FEDWAY_ROUTER_CONTROL_H

#include "router/router.h"

/** What only the program around the router can do; set by the daemon, absent in tests that need none. */
struct control_daemon {
	/**
	 * Reads the configuration again and applies it.
	 * @param changes   array that receives one line per change
	 * @param problems  on failure: lines that say what is wrong, or NULL [g: free()]
	 */
	int (*reload)(void *ctx, struct fw_json *changes, char **problems, struct fw_error *err);
	/** Begins to drain, then stops. */
	void (*drain)(void *ctx);
	/** Stops at the end of the turn. */
	void (*stop)(void *ctx);
	/** Option rows of a module (or of the router, when absent) as text [g: free()]; NULL with err. */
	char *(*options)(void *ctx, struct fw_str module, struct fw_error *err);
};

/** Opens router->config's control_socket (mode 0660) and sets router->control. "" opens none. */
int control_start(struct router *router, struct fw_error *err);
/** Moves to the path of the configuration in force, if that has changed; a path that fails leaves the old one open. */
int control_apply(struct router *router, struct fw_error *err);
/** Closes it, with all clients, and removes the file. Sets router->control to NULL; NULL is allowed. */
void control_stop(struct router *router);

void control_set_daemon(struct router *router, const struct control_daemon *daemon, void *ctx);

struct control_call;

/**
 * A line for whoever asked, without line end [t: to be freed with free(); NULL when out of memory].
 * @param last  it is the reply; otherwise it tells of progress. Nothing that asked may be freed from here.
 */
typedef void control_reply_fn(void *ctx, char *line, bool last);

/**
 * Begins one request. Hostile text is safe.
 * @param out  the request until its reply was given, which may be before this returns; then NULL again. It must
 *             stay where it is
 * @return FW_OK: the reply comes, exactly once, unless control_cancel() was called; FW_ENOMEM
 */
int control_ask(struct router *router, struct fw_str line, control_reply_fn *reply, void *ctx,
                struct control_call **out);
/** Whoever asked is gone. NULL is allowed. */
void control_cancel(struct control_call **call);

#endif
