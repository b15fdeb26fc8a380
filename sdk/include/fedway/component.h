/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a module is: one const descriptor with its options, its hooks and its life cycle
 *
 *   check(config) → start → deliver and hooks → reload → drain → stop
 *
 * All calls come from one thread, the loop's. Per-instance state hangs on fw_self_set_state(); a module has no
 * mutable globals, so that it can be instantiated several times.
 */
#ifndef FEDWAY_COMPONENT_H
#define FEDWAY_COMPONENT_H

#include <fedway/abi.h>
#include <fedway/cause.h>
#include <fedway/config.h>
#include <fedway/counters.h>
#include <fedway/error.h>
#include <fedway/stanza.h>

FW_BEGIN_DECLS

struct fw_self;
struct fw_json;
struct fw_call; /* host.h: a command under way */

/** Where a hook stands in a stanza's walk. */
enum fw_stage {
	FW_STAGE_ARRIVED, /**< addresses are valid, the sender holds its domain */
	FW_STAGE_POLICY,  /**< may these two talk? before any look-up */
	FW_STAGE_ROUTED,  /**< the destination is known, the stanza has not been handed over */
	FW_STAGE_COUNT
};

/** What a hook decides. */
enum fw_verdict {
	FW_PASS,   /**< go on */
	FW_DROP,   /**< end it; why->cause is counted */
	FW_BOUNCE, /**< return it to the sender with why->cause */
};

struct fw_why {
	enum fw_cause cause;
	char rule[64]; /**< which rule decided, for the log and fedwayctl; may stay empty */
};

/**
 * A hook sees every stanza at its stage, in order of priority (lower first). It borrows the stanza and may
 * edit it; the verdict decides, and only the router ends it.
 */
struct fw_hook {
	enum fw_stage stage;
	int priority;
	enum fw_verdict (*run)(struct fw_self *self, struct fw_stanza *stanza, struct fw_why *why);
};
#define FW_HOOK_END { FW_STAGE_COUNT, 0, NULL }

/** Fills `why` and returns the verdict. */
static inline enum fw_verdict fw_verdict(struct fw_why *why, enum fw_verdict verdict, enum fw_cause cause)
{
	why->cause = cause;
	return verdict;
}

/**
 * A command that an operator can give the component (fedwayctl WORD ARGUMENT…). run() answers with the calls of
 * host.h, at once or later. The router checks the arguments: only names of `args`, only strings.
 */
struct fw_command {
	const char *name;    /**< one word, or two: "dns show" */
	const char *args;    /**< names in order, separated by spaces; "a | b c" for two forms; "" for none */
	const char *summary; /**< one line */
	void (*run)(struct fw_self *self, struct fw_call *call);
};
#define FW_COMMAND_END { NULL, NULL, NULL, NULL }

struct fw_component {
	uint32_t abi;             /**< FW_COMPONENT_HEAD fills these three */
	uint32_t size;
	const char *build;
	const char *name;         /**< the module's name */
	const char *summary;      /**< one line for fedwayctl and --options */
	const struct fw_option *options; /**< rows, or NULL */
	size_t config_size;       /**< of the struct that the rows fill */
	const struct fw_hook *hooks;     /**< ends with FW_HOOK_END, or NULL */

	/** Checks what rows cannot say. No side effects. FW_OK, or an error with a sentence. May be NULL. */
	int (*check)(const void *config, struct fw_error *err);
	/** Begins to work; fw_self_config() is valid until stop, or until reload has returned FW_OK. */
	int (*start)(struct fw_self *self, struct fw_error *err);
	/**
	 * A stanza for one of the component's domains. Take it by setting *stanza to NULL; it must then get
	 * its exit later. Left in place it counts as delivered. NULL: the component only sends.
	 */
	void (*deliver)(struct fw_self *self, struct fw_stanza **stanza);
	/** A new configuration that differs; must not fail (check has passed). NULL: stop and start instead. */
	void (*reload)(struct fw_self *self, const void *config);
	/** A service said that what it answers has changed (fw_announce). `service` is its name without realm. */
	void (*announced)(struct fw_self *self, const char *service);
	/** Stop taking work, finish what is under way, then call fw_self_drained(). NULL: nothing to finish. */
	void (*drain)(struct fw_self *self);
	/**
	 * Adds what the operator may want to see to `out`, an object. Topic "status": members of its own choice;
	 * topic "streams": an array "streams" with one object per stream; topic "facts": what has to be the same on all nodes
	 * with this module (fedwayctl troubleshoot), and a group "own" for what has not. May be NULL.
	 */
	void (*report)(struct fw_self *self, const char *topic, struct fw_json *out);
	/** Ends now. Every stanza still held must get its exit here. NULL: nothing is held. */
	void (*stop)(struct fw_self *self);
	const struct fw_counter *counters; /**< rows, ending with FW_COUNTER_END, or NULL */
	const struct fw_command *commands; /**< rows, ending with FW_COMMAND_END, or NULL */
	/**
	 * Names of those commands that change nothing and whose answers may be told to other nodes, with ", " between
	 * ("connections, cert list"): an operator asks them from there (fedwayctl --all). NULL: none.
	 */
	const char *read_commands;
};

FW_END_DECLS

#endif
