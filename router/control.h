/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The control socket: a UNIX socket on which an operator's program asks one JSON request per line,
 *
 *   {"command": "log", "args": {"logger": "stream.*", "level": "debug"}}
 *
 * and gets one line back: {"ok": true, "result": {…}} or {"ok": false, "error": "…", "remedy": "…"}.
 * Commands are rows in control_commands.c.
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

/**
 * Answers one request line, for the socket and for tests. Hostile text is safe.
 * @return the reply without line end, to be freed with free(); NULL when out of memory
 */
char *control_answer(struct router *router, struct fw_str line);

#endif
