/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests to services: an iq goes out, and its answer, a failure or the deadline comes back to one
 * callback. Called through host.h by components and through self.c by the host. An answer counts
 * only when it carries the id that was made here, is addressed to whoever asked, and comes from the
 * address that was asked.
 */
#include "sdk/src/self.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/loop.h>

/* The id is `fw<number>.<mark>`: the number finds the request, the mark is a keyed hash of the
 * number, so that nobody can guess the next one, and a late answer can be told from a stranger's.
 */
enum { REQUEST_ID_SIZE = 40 };

struct fw_request {
	struct fw_self *self;
	struct fw_request *next, **link; /* the chain in self; link is NULL when it was taken out */
	uint64_t number;
	fw_request_fn *done;
	void *ctx;
	struct fw_timer *timer;
	struct fw_task task;      /* runs what was decided while the request was being sent */
	struct fw_stanza *answer; /* held for the task */
	enum fw_cause cause;      /* why there is no answer, for the task */
	bool sending;
	bool ending; /* its callback runs now */
	char *asked; /* address that must answer */
	char *asker; /* address that the answer must be for */
};

static uint64_t request_last; /* number of the last request; never used twice in a process */

static void request_make_id(uint64_t number, char id[REQUEST_ID_SIZE])
{
	uint64_t mark = fw_str_hash(fw_str_n((const char *)&number, sizeof(number)));

	snprintf(id, REQUEST_ID_SIZE, "fw%llx.%016llx", (unsigned long long)number,
	         (unsigned long long)mark);
}

/* Number in an id that was made here, or 0. */
static uint64_t request_number(struct fw_str id)
{
	char text[REQUEST_ID_SIZE];
	char made[REQUEST_ID_SIZE];

	if (id.len < 4 || id.len >= sizeof(text) || memcmp(id.ptr, "fw", 2) != 0) {
		return 0;
	}
	memcpy(text, id.ptr, id.len);
	text[id.len] = '\0';
	uint64_t number = strtoull(text + 2, NULL, 16);
	request_make_id(number, made);
	return strcmp(text, made) == 0 ? number : 0;
}

static void request_free(struct fw_request *request)
{
	if (request == NULL) {
		return;
	}
	if (request->link != NULL) {
		*request->link = request->next;
		if (request->next != NULL) {
			request->next->link = request->link;
		}
	}
	fw_timer_free(&request->timer);
	fw_defer_cancel(&request->task);
	if (request->answer != NULL) {
		fw_stanza_end(&request->answer, FW_EXIT_DROPPED, FW_CAUSE_UNEXPECTED_REPLY);
	}
	free(request->asked);
	free(request->asker);
	free(request);
}

/* The one place where a callback runs. Nothing of self is touched after it. */
static void request_finish(struct fw_request *request, struct fw_stanza **answer,
                           enum fw_cause cause)
{
	request->ending = true;
	fw_timer_stop(request->timer);
	if (request->link != NULL) {
		*request->link = request->next;
		if (request->next != NULL) {
			request->next->link = request->link;
		}
		request->link = NULL;
	}
	request->done(request->ctx, *answer, cause);
	if (*answer != NULL) {
		fw_stanza_end(answer, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	}
	request_free(request);
}

/* The nearest cause for an error that names none: an answer from a component of another make. */
static enum fw_cause request_nearest_cause(struct fw_str condition)
{
	static const struct {
		const char *condition;
		enum fw_cause cause;
	} rows[] = {
		{ "bad-request", FW_CAUSE_BAD_STANZA },
		{ "feature-not-implemented", FW_CAUSE_UNHANDLED },
		{ "forbidden", FW_CAUSE_POLICY_DENIED },
		{ "item-not-found", FW_CAUSE_HOST_UNKNOWN },
		{ "jid-malformed", FW_CAUSE_BAD_ADDRESS },
		{ "not-allowed", FW_CAUSE_POLICY_DENIED },
		{ "not-authorized", FW_CAUSE_NOT_AUTHORIZED },
		{ "policy-violation", FW_CAUSE_POLICY_DENIED },
		{ "remote-server-not-found", FW_CAUSE_DNS_NOT_FOUND },
		{ "remote-server-timeout", FW_CAUSE_REQUEST_TIMEOUT },
		{ "resource-constraint", FW_CAUSE_RESOURCES },
		{ "service-unavailable", FW_CAUSE_UNHANDLED },
	};

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (fw_str_is(condition, rows[i].condition)) {
			return rows[i].cause;
		}
	}
	return FW_CAUSE_INTERNAL;
}

/* What an answer means: none for a result; for an error the cause it names, or the nearest. */
static enum fw_cause request_cause_of(struct fw_stanza *answer)
{
	static const char stanzas_ns[] = "urn:ietf:params:xml:ns:xmpp-stanzas";

	if (!fw_stanza_is_error(answer)) {
		return FW_CAUSE_NONE;
	}
	const struct fw_elem *error = fw_elem_find(fw_stanza_root(answer), "error", NULL);
	const struct fw_elem *named = fw_elem_find(error, "cause", "urn:fedway:cause:1");
	if (named != NULL) {
		enum fw_cause cause = fw_cause_by_name(fw_elem_attr(named, "name"));
		if (cause != FW_CAUSE_NONE && cause != FW_CAUSE_COUNT) {
			return cause;
		}
	}
	return request_nearest_cause(fw_elem_name(fw_elem_find(error, NULL, stanzas_ns)));
}

static void request_on_deadline(void *ctx)
{
	struct fw_stanza *none = NULL;

	request_finish(ctx, &none, FW_CAUSE_REQUEST_TIMEOUT);
}

static void request_on_task(void *ctx)
{
	struct fw_request *request = ctx;
	struct fw_stanza *answer = request->answer;

	request->answer = NULL;
	request_finish(request, &answer, request->cause);
}

static bool request_same_address(struct fw_str got, const char *wanted)
{
	return fw_str_is(got, wanted) || fw_domain_eq(got, fw_str(wanted));
}

bool request_take_reply(struct fw_self *self, struct fw_stanza **stanza)
{
	uint64_t number = request_number(fw_stanza_id(*stanza));

	if (number == 0) {
		return false;
	}
	struct fw_request *request = self->requests[number % SELF_REQUEST_CHAINS];
	while (request != NULL && request->number != number) {
		request = request->next;
	}
	const char *asker = request != NULL ? request->asker : self->id;
	if (!request_same_address(fw_stanza_to(*stanza), asker)) {
		return false; /* it passes through to someone else */
	}
	if (request == NULL || request->answer != NULL ||
	    !request_same_address(fw_stanza_from(*stanza), request->asked)) {
		fw_stanza_end(stanza, FW_EXIT_DROPPED, FW_CAUSE_UNEXPECTED_REPLY);
		return true;
	}
	enum fw_cause cause = request_cause_of(*stanza);
	if (request->sending) { /* the callback must not run before fw_request() returns */
		request->answer = *stanza;
		request->cause = cause;
		*stanza = NULL;
		return true;
	}
	request_finish(request, stanza, cause);
	return true;
}

/* Fills in who asks whom, and under which id. */
static int request_address(struct fw_request *request, const char *service, struct fw_stanza *iq)
{
	struct fw_self *self = request->self;
	struct fw_str from = fw_stanza_from(iq);
	char id[REQUEST_ID_SIZE];
	size_t size = strlen(service) + strlen(self->realm) + 2;
	int ret;

	request->asked = malloc(size);
	request->asker = fw_str_dup(from.len > 0 ? from : fw_str(self->id));
	if (request->asked == NULL || request->asker == NULL) {
		return FW_ENOMEM;
	}
	snprintf(request->asked, size, "%s.%s", service, self->realm);
	request_make_id(request->number, id);
	ret = fw_stanza_set(iq, "id", fw_str(id));
	if (ret == FW_OK) {
		ret = fw_stanza_set(iq, "to", fw_str(request->asked));
	}
	if (ret == FW_OK && from.len == 0) {
		ret = fw_stanza_set(iq, "from", fw_str(self->id));
	}
	return ret;
}

static int request_new(struct fw_self *self, const char *service, struct fw_stanza *iq,
                       struct fw_request **out)
{
	struct fw_request *request = calloc(1, sizeof(*request));

	if (request == NULL) {
		return FW_ENOMEM;
	}
	request->self = self;
	request->number = ++request_last;
	request->task.fn = request_on_task;
	request->task.ctx = request;
	int ret = fw_timer_new(self->loop, request_on_deadline, request, &request->timer);
	if (ret == FW_OK) {
		ret = request_address(request, service, iq);
	}
	if (ret != FW_OK) {
		request_free(request);
		return FW_ENOMEM;
	}
	struct fw_request **chain = &self->requests[request->number % SELF_REQUEST_CHAINS];
	request->next = *chain;
	request->link = chain;
	if (*chain != NULL) {
		(*chain)->link = &request->next;
	}
	*chain = request;
	*out = request;
	return FW_OK;
}

/* Sends it. What is known when that returns is told at the end of the turn. */
static void request_send(struct fw_request *request, struct fw_stanza **iq)
{
	request->sending = true;
	int ret = fw_route(request->self, iq);
	request->sending = false;
	if (request->answer != NULL) {
		fw_defer(request->self->loop, &request->task);
	} else if (ret != FW_OK) {
		request->cause = ret == FW_EDENIED  ? FW_CAUSE_FOREIGN_SENDER
		                 : ret == FW_EPARSE ? FW_CAUSE_BAD_ADDRESS
		                                    : FW_CAUSE_INTERNAL;
		fw_defer(request->self->loop, &request->task);
	}
}

int fw_request(struct fw_self *self, const char *service, struct fw_stanza **iq,
               uint32_t timeout_ms, fw_request_fn *done, void *ctx, struct fw_request **out)
{
	struct fw_request *request = NULL;

	if (!fw_stanza_is_request(*iq)) {
		fw_stanza_free(iq);
		return FW_EINVAL;
	}
	int ret = request_new(self, service, *iq, &request);
	if (ret != FW_OK) {
		fw_stanza_free(iq);
		return ret;
	}
	request->done = done;
	request->ctx = ctx;
	fw_timer_start_ms(request->timer, timeout_ms, 0);
	if (out != NULL) {
		*out = request;
	}
	request_send(request, iq);
	return FW_OK;
}

void fw_request_cancel(struct fw_request **request)
{
	if (request == NULL || *request == NULL) {
		return;
	}
	if (!(*request)->ending) { /* from within its callback there is nothing left to forget */
		request_free(*request);
	}
	*request = NULL;
}

void request_forget_all(struct fw_self *self)
{
	for (size_t i = 0; i < SELF_REQUEST_CHAINS; i++) {
		while (self->requests[i] != NULL) {
			request_free(self->requests[i]);
		}
	}
}
