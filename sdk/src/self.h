/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What lies behind struct fw_self, for the files that share it: self.c, which makes it and passes calls to the
 * host, request.c, which keeps its open requests, call.c, which keeps the commands under way, and counters.c. Nobody else includes this.
 */
#ifndef FEDWAY_SRC_SELF_H
#define FEDWAY_SRC_SELF_H

#include <fedway/hosting.h>
#include <fedway/jid.h>

enum { SELF_REQUEST_CHAINS = 64 };

struct fw_self {
	const struct fw_component *component;
	const struct fw_host_ops *ops;
	void *host;
	struct fw_loop *loop;
	const struct fw_log *log;
	const void *config;
	void *state;
	char *id;
	char *realm;
	uint64_t *counters; /* one per row of the component's `counters` */
	unsigned counter_count;
	struct fw_request *requests[SELF_REQUEST_CHAINS]; /* open ones, by number */
	struct fw_call *calls; /* commands under way, latest first */
};

/**
 * Gives an iq of type result or error to the request it answers.
 * @return true when it was one of ours, early or late: *stanza is NULL then [t]
 */
bool request_take_reply(struct fw_self *self, struct fw_stanza **stanza);

/** Forgets all open requests; no callback runs. */
void request_forget_all(struct fw_self *self);

/** Frees the commands that are still under way: nobody waits for them, and their component is gone. */
void call_forget_all(struct fw_self *self);

/** Makes one value, zero, for each row; `rows` may be NULL. @return FW_OK, FW_ENOMEM */
int counters_make(struct fw_self *self, const struct fw_counter *rows);

#endif
