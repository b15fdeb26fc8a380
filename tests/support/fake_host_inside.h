/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the fake host share; tests include fake_host.h only. fake_host.c makes the host and runs
 * components, fake_host_pass.c and fake_host_learned.c are what they see of it, fake_host_stanzas.c what the test sees.
 */
#ifndef TESTS_SUPPORT_FAKE_HOST_INSIDE_H
#define TESTS_SUPPORT_FAKE_HOST_INSIDE_H

#include "tests/support/fake_host.h"

enum { FAKE_COMPONENTS = 8, FAKE_NAMES = 64, FAKE_SERVICES = 8 };

struct fake_component {
	struct fake_host *host; /* NULL: free place */
	struct fw_self *self;
	const struct fw_component *component;
	bool stopped; /* no stanza is passed to it any more */
	bool drained;
};

struct fake_bind {
	char domain[256]; /* "": free place */
	struct fake_component *holder;
};

/* A claim for another component, or a holder that fw_holders() tells of. */
struct fake_claim {
	char domain[256]; /* "": free place */
	char id[256];
	uint32_t weight;  /* of a claim */
	bool up;          /* of a holder */
};

struct fake_domain {
	char name[256];
	bool federated;
};

struct fake_service {
	char name[64]; /* "": free place */
	fake_service_fn *fn;
	void *ctx;
};

struct fake_waiting {
	struct fake_waiting *next;
	struct fw_stanza *stanza;
	struct fake_component *origin;
};

struct fake_announcement {
	struct fake_announcement *next;
	const struct fake_component *by; /* knows it already */
	bool told;
	char service[];
};

struct fake_notice {
	struct fake_notice *next;
	struct fake_component *of;
	enum fw_notice_level level;
	char key[64];
	char text[512];
};

struct fake_line {
	struct fake_line *next;
	char text[];
};

struct fake_host {
	struct fw_loop *loop;
	struct fw_log *log;
	struct fw_ledger *ledger;
	struct fw_task pass;
	struct fw_timer *limit;
	bool limit_passed;
	struct fake_component components[FAKE_COMPONENTS];
	struct fake_bind binds[FAKE_NAMES];
	struct fake_claim claims[FAKE_NAMES];
	struct fake_claim holders[FAKE_NAMES];
	struct fake_domain domains[FAKE_NAMES];
	size_t domain_count;
	struct fake_service services[FAKE_SERVICES];
	struct fake_waiting *queue;  /* to be passed at the end of the turn */
	struct fake_waiting *outbox; /* for nobody here: the test's */
	struct fake_announcement *announcements;
	struct fw_json *state; /* one member per key */
	bool federation_off;
	struct fake_notice *notices;
	struct fake_line *lines;
	unsigned bounced[FW_CAUSE_COUNT];
	unsigned asked;
};

/** The table behind <fedway/host.h>. */
extern const struct fw_host_ops fake_host_ops;

/** Entries of that table: what the node has learned, and notices (fake_host_learned.c). */
int fake_host_op_domains(void *component, struct fw_json *array);
bool fake_host_op_federation_is_on(void *component);
const struct fw_json *fake_host_op_state(void *component, const char *key);
int fake_host_op_state_set(void *component, const char *key, const struct fw_json *value, struct fw_error *err);
void fake_host_op_notice(void *component, const char *key, enum fw_notice_level level, const char *remedy,
                         const char *text);
void fake_host_op_notice_clear(void *component, const char *key);
/** Announces at the end of the turn, to all but `by`. */
void fake_host_announce(struct fake_host *host, const char *service, const struct fake_component *by);
/** Forgets state, and the notices of one component; NULL: of all. */
void fake_host_forget_state(struct fake_host *host);
void fake_host_forget_notices(struct fake_host *host, const struct fake_component *of);
/* Ops of fake_host_claims.c; the host is a struct fake_component. */
int fake_host_op_holders(void *ctx, const char *domain, struct fw_json *out);
int fake_host_op_bind_for(void *ctx, const char *domain, const char *component_id, uint32_t weight);
int fake_host_op_unbind_for(void *ctx, const char *domain, const char *component_id);

/** Memory of zeros; ends the test when there is none. */
void *fake_host_need(size_t size);
/** Puts a stanza at the end of a list. */
void fake_host_append(struct fake_waiting **list, struct fw_stanza *stanza, struct fake_component *origin);
/** Takes the first out of the list that begins here. */
struct fw_stanza *fake_host_unlink(struct fake_waiting **entry);
/** Into the ledger if it is in none, and into the queue. */
void fake_host_enter(struct fake_host *host, struct fw_stanza *stanza, struct fake_component *origin);
/** Tells announcements and empties the queue; the task at the end of a turn. */
void fake_host_pass(void *host);
/** Who holds this name; NULL: nobody. */
struct fake_bind *fake_host_find_bind(const struct fake_host *host, struct fw_str domain);

#endif
