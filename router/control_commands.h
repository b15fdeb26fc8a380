/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The commands of the control socket, one row each, for the daemon that answers them and for fedwayctl, which
 * needs their words without a daemon.
 */
#ifndef FEDWAY_ROUTER_CONTROL_COMMANDS_H
#define FEDWAY_ROUTER_CONTROL_COMMANDS_H

#include "router/control_nodes.h"

/* word, handler, names of arguments in order, summary */
#define CONTROL_COMMANDS(X) \
	X(status, control_status, "", "what runs, since when, and whether all is well") \
	X(components, control_components, "", "everything with an address: modules, links, uplinks") \
	X(routes, control_routes, "", "which component holds which domain") \
	X(routers, control_routers, "", "other routers: state, what they announce, what is refused of it") \
	X(streams, control_streams, "", "connections of links, uplinks and modules") \
	X(ledger, control_ledger, "", "what entered, how it left, and whether the two agree") \
	X(counters, control_counters, "component", "what modules count, of all or of one component") \
	X(log, control_log, "logger level", "levels of all loggers; or set one, \"stream.*\" for several") \
	X(reload, control_reload, "", "read the configuration again and apply it; or nothing, and why") \
	X(reattach, control_reattach, "uplink", "attach uplinks anew, all or those of one name") \
	X(drain, control_drain, "", "finish what is under way, then stop") \
	X(stop, control_stop_daemon, "", "stop now") \
	X(options, control_options, "module", "option rows of the router, or of a module") \
	X(explain, control_explain, "cause | from to", "a cause; or what would happen to a stanza, and why") \
	X(check, control_check, "domain local", "go to a remote domain and look: addresses, TLS, certificate, dialback") \
	X(federation, control_federation, "switch", "whether this node talks to the outside, and why; or switch it on or off") \
	X(notifications, control_notifications, "", "what an operator should know now, and what can be done about it") \
	X(facts, control_facts, "", "how this node is set up, to be compared with others") \
	X(troubleshoot, control_troubleshoot, "", "compare all nodes: what must be equal, and is not") \
	X(help, control_help, "", "this list")

struct instance;
struct control_leg;

/** One request while it is answered. */
struct control_call {
	struct router *router;
	const struct control_daemon *daemon; /**< may be NULL */
	void *daemon_ctx;
	const struct fw_json *args;          /**< object, or NULL */
	struct fw_json *result;              /**< object to fill */
	struct fw_error err;                 /**< on failure: the sentence … */
	const char *remedy;                  /**< … what to do about it; may stay NULL … */
	char *problems;                      /**< … and all that is wrong, one per line; or NULL */
	bool unknown;                        /**< nobody here has such a command */
	/** Runs when all components that were asked have answered: FW_OK or an error, as from run(). May be NULL. */
	int (*gathered)(struct control_call *call);
	/* control_call.c only */
	struct fw_json *request, *reply;
	control_reply_fn *tell;
	void *ctx;
	struct control_call **handle;
	struct control_leg *legs;
	struct control_nodes *nodes; /* other nodes that were asked, until all have answered */
	char *relayed;               /* the reply of another node, which stands for ours; or NULL */
	struct fw_timer *timer;
	bool running; /**< run() has not returned */
};

struct control_command {
	const char *name;
	const char *args; /**< names, separated by spaces; "a | b c" for two forms */
	const char *summary;
	/** FW_OK, or an error. Components that it asked answer later. */
	int (*run)(struct control_call *call);
};

/**
 * Asks one component; its answer is written to `out`, an object in the result, when it comes. A failure becomes
 * the members "error" and "remedy" there.
 * @return FW_OK, FW_ENOMEM
 */
int control_ask_component(struct control_call *call, struct instance *instance, const struct fw_command *command,
                          const struct fw_json *args, struct fw_json *out);
/** The row of that name among the module's commands; NULL when it has none. */
const struct fw_command *control_component_command(const struct instance *instance, struct fw_str name);
/** Gives a command to all components that have it. FW_ENOENT when none has. */
int control_ask_components(struct control_call *call, struct fw_str name);

/**
 * Gives a command to another node, or, with NULL, to this one and all others.
 * @return FW_OK, FW_ENOMEM
 */
int control_ask_nodes(struct control_call *call, struct fw_str name, const char *node);

/** For who asks nodes on behalf of a call, the `ctx`: tells its asker whom it waits for. */
void control_nodes_waiting(void *ctx, const char *realms);

/** All nodes that `call->nodes` asked have answered: ends the call, unless it waits for others too. */
void control_nodes_end(struct control_call *call);

/** Row by name; NULL when there is none. */
const struct control_command *control_command_find(struct fw_str name);

/* reports: control_report.c */
int control_status(struct control_call *call);
int control_components(struct control_call *call);
int control_routes(struct control_call *call);
int control_routers(struct control_call *call);
int control_streams(struct control_call *call);
int control_ledger(struct control_call *call);
int control_counters(struct control_call *call);
/** What components warn of, one object each. */
void control_report_warnings(const struct router *router, struct fw_json *list);
/* control_federation.c */
int control_federation(struct control_call *call);
int control_notifications(struct control_call *call);
/** Members active, reason, remedy, switch, by, at, through. */
void control_report_federation(const struct router *router, struct fw_json *out);
/** Members health and notifications; `warnings` is how many components warn of something in their status. */
void control_report_health(const struct router *router, size_t warnings, struct fw_json *out);
/* control_explain.c */
int control_explain(struct control_call *call);
int control_check(struct control_call *call);
/* control_facts.c */
int control_facts(struct control_call *call);
/** The clock on the wall, in milliseconds since 1970: what nodes compare. */
int64_t control_clock_ms(void);
/* troubleshoot.c */
int control_troubleshoot(struct control_call *call);
/* actions: control_commands.c */
int control_log(struct control_call *call);
int control_reload(struct control_call *call);
int control_reattach(struct control_call *call);
int control_drain(struct control_call *call);
int control_stop_daemon(struct control_call *call);
int control_options(struct control_call *call);
int control_help(struct control_call *call);

#endif
