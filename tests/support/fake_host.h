/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs components without a router. It holds names, passes stanzas between the components that run on it, and
 * keeps what is meant for anybody else, so that a test can look at it. Every stanza is in one ledger, which
 * fake_host_free() checks. Stanzas are passed at the end of a turn, never from within a call.
 */
#ifndef TESTS_SUPPORT_FAKE_HOST_H
#define TESTS_SUPPORT_FAKE_HOST_H

#include <fedway/hosting.h>
#include <fedway/io/loop.h>

/** Realm of every fake host. */
#define FAKE_REALM "test-realm"
/** Who asks in fake_host_ask(): a component of this realm. */
#define FAKE_TESTER "tester-1." FAKE_REALM

struct fake_host;

/** A new host with a loop of its own. Log lines are captured from now on. Ends the test on failure. */
struct fake_host *fake_host_new(void);
/** Stops what runs and fails the test unless every stanza got its exit. */
void fake_host_free(struct fake_host **host);

struct fw_loop *fake_host_loop(const struct fake_host *host);
struct fw_ledger *fake_host_ledger(const struct fake_host *host);

/* ---- components ---- */

/**
 * Makes an instance, `<name>-1.test-realm`, and starts it.
 * @param config  the struct that the option rows fill [b]
 * @return the instance, or NULL with the reason in err
 */
struct fw_self *fake_host_start(struct fake_host *host, const struct fw_component *component,
                                const void *config, struct fw_error *err);
/** Stops and frees one instance. */
void fake_host_stop(struct fake_host *host, struct fw_self **self);
/** New configuration, then reload(). */
void fake_host_reload(struct fw_self *self, const void *config);
/** Starts a drain; true once the component has said that it is done. */
void fake_host_drain(struct fw_self *self);
bool fake_host_drained(const struct fw_self *self);
/** Runs the component's hooks of one stage until one does not pass. */
enum fw_verdict fake_host_hook(struct fw_self *self, enum fw_stage stage, struct fw_stanza *stanza,
                               struct fw_why *why);

/* ---- commands ---- */

/**
 * Gives the component a command and runs the loop until it has answered.
 * @param args  JSON text of an object of strings; NULL: none
 * @return the result; when it failed with members "error", "remedy" and "code" added; free with fw_json_free().
 *         Fails the test when it has no such command, or there is no answer in timeout_ms
 */
struct fw_json *fake_host_command(struct fake_host *host, struct fw_self *self, const char *command,
                                  const char *args, uint64_t timeout_ms);
/** The last line of progress that it told; lives until the next command. */
const char *fake_host_progress(void);

/* ---- names ---- */

/** Answers of fw_domain_is_local() and fw_domain_is_federated(); domains as keys. */
void fake_host_add_domain(struct fake_host *host, const char *domain, bool federated);
/** True when some component holds the domain ("resolver.test-realm", "*"). */
bool fake_host_holds(const struct fake_host *host, const char *domain);

/** Weight of a claim made by fw_bind_for(); 0: there is none. */
uint32_t fake_host_claimed(const struct fake_host *host, const char *domain, const char *component_id);
/** Adds a holder for fw_holders(), or changes whether it is up; to be followed by an announcement of "router". */
void fake_host_holder(struct fake_host *host, const char *domain, const char *component_id, bool up);

/**
 * Stands in for a service: `fn` gets each stanza for `<service>.test-realm` and takes it, or answers it with
 * fake_host_answer(). A later call for the same service replaces the former; NULL removes it.
 */
typedef void fake_service_fn(void *ctx, struct fake_host *host, struct fw_stanza **request);
void fake_host_service(struct fake_host *host, const char *service, fake_service_fn *fn, void *ctx);

/* ---- stanzas ---- */

/** Sends a stanza given as text; it is delivered in the next turn. Ends the test when it is no XML. */
void fake_host_send(struct fake_host *host, const char *format, ...) FW_PRINTF(2, 3);
/** Answers a request with a result that holds `payload` (XML text). [t] */
void fake_host_answer(struct fake_host *host, struct fw_stanza **request, const char *payload);
/** Answers it with the error of a cause. [t] */
void fake_host_refuse(struct fake_host *host, struct fw_stanza **request, enum fw_cause cause);
/**
 * Asks a service and runs the loop until the answer is here.
 * @param from     sender; NULL: FAKE_TESTER
 * @param payload  XML text of the iq's child
 * @return the answer, to be given to fake_host_done(); NULL when none came in timeout_ms
 */
struct fw_stanza *fake_host_ask(struct fake_host *host, const char *from, const char *service,
                                const char *payload, uint64_t timeout_ms);
/** Sends the request only; the answer can be had with fake_host_take_to(host, from). */
void fake_host_request(struct fake_host *host, const char *from, const char *id, const char *service,
                       const char *payload);

/** Oldest stanza that was routed to nobody on this host; NULL when there is none. Give it back with done. */
struct fw_stanza *fake_host_take(struct fake_host *host);
/** The same, but only one with this `to`. */
struct fw_stanza *fake_host_take_to(struct fake_host *host, const char *to);
/** How many wait for fake_host_take(). */
size_t fake_host_waiting(const struct fake_host *host);
/** Ends a stanza that was taken, as delivered. */
void fake_host_done(struct fw_stanza **stanza);
/** Text of a stanza, for comparisons; lives until the next call. NULL gives "". */
const char *fake_host_text(struct fw_stanza *stanza);
/** Name of the cause in an error answer, or "". Lives until the stanza ends. */
struct fw_str fake_host_cause(struct fw_stanza *answer);

/** How often fw_bounce() was called with this cause; FW_CAUSE_COUNT: with any. */
unsigned fake_host_bounced(const struct fake_host *host, enum fw_cause cause);
/** How often a service was announced. */
unsigned fake_host_announced(const struct fake_host *host, const char *service);

/* ---- what the node has learned, and notices ---- */

/** Sets a value as another component would, from JSON text; NULL forgets it. It is announced at the end of the turn. */
void fake_host_learn(struct fake_host *host, const char *key, const char *json);
/** The value as JSON text, "" when there is none; lives until the next call. */
const char *fake_host_learned(const struct fake_host *host, const char *key);
/** The switch, on in a new host; a change is announced. */
void fake_host_federation(struct fake_host *host, bool on);
/** What a component says of `key` now; NULL: nothing. *level may be NULL. */
const char *fake_host_notice(const struct fake_host *host, const struct fw_self *self, const char *key,
                             enum fw_notice_level *level);

/* ---- time and log ---- */

/** Runs turns until `ready` says so. @return false when timeout_ms passed first */
bool fake_host_run_until(struct fake_host *host, bool (*ready)(void *ctx), void *ctx,
                         uint64_t timeout_ms);
/** Runs turns for a while; only to show that something does not happen. */
void fake_host_run_ms(struct fake_host *host, uint64_t ms);
/** Passes what waits, without waiting for anything. */
void fake_host_settle(struct fake_host *host);
/** Number of log lines that contain `text`. */
unsigned fake_host_logged(const struct fake_host *host, const char *text);
/** Forgets the lines so far. */
void fake_host_forget_log(struct fake_host *host);

#endif
