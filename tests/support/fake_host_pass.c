/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What components see of the fake host: the other side of <fedway/host.h>, names in a list, and a
 * queue that is emptied at the end of each turn. It does no checks of addresses, applies no hooks
 * by itself and balances nothing: that is the router's job.
 */
#include "tests/support/fake_host_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- queue ---- */

void *fake_host_need(size_t size)
{
	void *memory = calloc(1, size);
	if (memory == NULL) {
		fail_msg("out of memory");
	}
	return memory;
}

void fake_host_append(struct fake_waiting **list, struct fw_stanza *stanza,
                      struct fake_component *origin)
{
	struct fake_waiting *entry = fake_host_need(sizeof(*entry));
	entry->stanza = stanza;
	entry->origin = origin;
	while (*list != NULL) {
		list = &(*list)->next;
	}
	*list = entry;
}

struct fw_stanza *fake_host_unlink(struct fake_waiting **entry)
{
	struct fake_waiting *first = *entry;
	struct fw_stanza *stanza = first->stanza;
	*entry = first->next;
	free(first);
	return stanza;
}

void fake_host_enter(struct fake_host *host, struct fw_stanza *stanza,
                     struct fake_component *origin)
{
	if (fw_stanza_ledger(stanza) == NULL) {
		fw_stanza_enter(stanza, host->ledger, fw_now_ms(host->loop));
	}
	fake_host_append(&host->queue, stanza, origin);
	fw_defer(host->loop, &host->pass);
}

/* ---- who gets it ---- */

struct fake_bind *fake_host_find_bind(const struct fake_host *host, struct fw_str domain)
{
	for (size_t i = 0; i < FAKE_NAMES; i++) {
		const struct fake_bind *bind = &host->binds[i];
		if (bind->domain[0] != '\0' && fw_str_is(domain, bind->domain)) {
			return (struct fake_bind *)bind;
		}
	}
	return NULL;
}

static bool is_listed(const struct fake_host *host, struct fw_str domain, bool federated)
{
	for (size_t i = 0; i < host->domain_count; i++) {
		if (fw_str_is(domain, host->domains[i].name)) {
			return host->domains[i].federated || !federated;
		}
	}
	return false;
}

static struct fake_component *find_holder(struct fake_host *host, struct fw_str domain,
                                          const struct fake_component *origin)
{
	for (size_t i = 0; i < FAKE_COMPONENTS; i++) {
		struct fake_component *component = &host->components[i];
		if (component->host != NULL && fw_str_is(domain, fw_self_id(component->self))) {
			return component;
		}
	}
	const struct fake_bind *bind = fake_host_find_bind(host, domain);
	if (bind != NULL) {
		return bind->holder;
	}
	bind = fake_host_find_bind(host, fw_str("*"));
	if (bind == NULL || bind->holder == origin || is_listed(host, domain, false) ||
	    fw_str_is(domain, FAKE_TESTER)) {
		return NULL;
	}
	return bind->holder;
}

static struct fake_service *find_service(struct fake_host *host, struct fw_str domain)
{
	char name[128];

	for (size_t i = 0; i < FAKE_SERVICES; i++) {
		struct fake_service *service = &host->services[i];
		snprintf(name, sizeof(name), "%s." FAKE_REALM, service->name);
		if (service->fn != NULL && fw_str_is(domain, name)) {
			return service;
		}
	}
	return NULL;
}

static void pass_one(struct fake_host *host, struct fw_stanza *stanza,
                     struct fake_component *origin)
{
	struct fw_str domain = fw_stanza_to_domain(stanza);
	struct fake_service *service = find_service(host, domain);
	struct fake_component *holder = find_holder(host, domain, origin);

	if (service != NULL) {
		service->fn(service->ctx, host, &stanza);
		fw_stanza_end(&stanza, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
	} else if (holder != NULL && !holder->stopped) {
		fw_self_deliver(holder->self, &stanza);
		fw_stanza_end(&stanza, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
	} else {
		fake_host_append(&host->outbox, stanza, NULL);
	}
}

static void tell(struct fake_host *host)
{
	for (struct fake_announcement *said = host->announcements; said != NULL;
	     said = said->next) {
		if (said->told) {
			continue;
		}
		said->told = true;
		for (size_t i = 0; i < FAKE_COMPONENTS; i++) {
			struct fake_component *to = &host->components[i];
			if (to->host != NULL && !to->stopped && to != said->by &&
			    to->component->announced != NULL) {
				to->component->announced(to->self, said->service);
			}
		}
	}
}

void fake_host_pass(void *ctx)
{
	struct fake_host *host = ctx;

	tell(host);
	while (host->queue != NULL) {
		struct fake_component *origin = host->queue->origin;
		pass_one(host, fake_host_unlink(&host->queue), origin);
	}
	tell(host);
}

/* ---- the table behind <fedway/host.h> ---- */

static void complete(const char *domain, char out[256])
{
	size_t len = strlen(domain);
	bool service = len > 0 && domain[len - 1] == '.';
	snprintf(out, 256, "%s%s", domain, service ? FAKE_REALM : "");
}

static int op_bind(void *ctx, const char *domain)
{
	struct fake_component *component = ctx;
	char name[256];

	complete(domain, name);
	if (fake_host_find_bind(component->host, fw_str(name)) != NULL) {
		return FW_EEXIST;
	}
	for (size_t i = 0; i < FAKE_NAMES; i++) {
		struct fake_bind *bind = &component->host->binds[i];
		if (bind->domain[0] == '\0') {
			snprintf(bind->domain, sizeof(bind->domain), "%s", name);
			bind->holder = component;
			return FW_OK;
		}
	}
	return FW_ELIMIT;
}

static int op_unbind(void *ctx, const char *domain)
{
	struct fake_component *component = ctx;
	char name[256];

	complete(domain, name);
	struct fake_bind *bind = fake_host_find_bind(component->host, fw_str(name));
	if (bind == NULL || bind->holder != component) {
		return FW_ENOENT;
	}
	bind->domain[0] = '\0';
	return FW_OK;
}

static bool op_domain_is_local(void *ctx, struct fw_str domain)
{
	const struct fake_component *component = ctx;
	const struct fake_bind *bind = fake_host_find_bind(component->host, domain);

	if (fw_str_is(domain, FAKE_TESTER) || find_service(component->host, domain) != NULL) {
		return true;
	}
	for (size_t i = 0; i < FAKE_COMPONENTS; i++) { /* a component's ID is a name of its own */
		const struct fake_component *other = &component->host->components[i];
		if (other->host != NULL && fw_str_is(domain, fw_self_id(other->self))) {
			return true;
		}
	}
	return is_listed(component->host, domain, false) ||
	       (bind != NULL && strcmp(bind->domain, "*") != 0);
}

static bool op_domain_is_federated(void *ctx, struct fw_str domain)
{
	const struct fake_component *component = ctx;
	return is_listed(component->host, domain, true);
}

static int op_route(void *ctx, struct fw_stanza **stanza)
{
	struct fake_component *component = ctx;
	fake_host_enter(component->host, *stanza, component);
	*stanza = NULL;
	return FW_OK;
}

static void op_bounce(void *ctx, struct fw_stanza **stanza, enum fw_cause cause)
{
	struct fake_component *component = ctx;
	struct fw_stanza *error = NULL;

	component->host->bounced[cause]++;
	if (fw_stanza_ledger(*stanza) == NULL) { /* it has not been through the router yet */
		fw_stanza_enter(*stanza, component->host->ledger, fw_now_ms(component->host->loop));
	}
	if (fw_stanza_error_reply(*stanza, cause, &error) == FW_OK) {
		fw_stanza_mark_bounce(error);
		fake_host_enter(component->host, error, NULL);
		fw_stanza_end(stanza, FW_EXIT_BOUNCED, cause);
	} else {
		fw_stanza_end(stanza, FW_EXIT_DROPPED, cause);
	}
}

void fake_host_announce(struct fake_host *host, const char *service,
                        const struct fake_component *by)
{
	struct fake_announcement *said = fake_host_need(sizeof(*said) + strlen(service) + 1);

	memcpy(said->service, service, strlen(service) + 1);
	said->by = by;
	said->next = host->announcements;
	host->announcements = said;
	fw_defer(host->loop, &host->pass);
}

static void op_announce(void *ctx, const char *service)
{
	const struct fake_component *component = ctx;

	fake_host_announce(component->host, service, NULL);
}

static void op_drained(void *ctx)
{
	struct fake_component *component = ctx;
	component->drained = true;
}

const struct fw_host_ops fake_host_ops = {
	.bind = op_bind,
	.unbind = op_unbind,
	.domain_is_local = op_domain_is_local,
	.domain_is_federated = op_domain_is_federated,
	.route = op_route,
	.bounce = op_bounce,
	.announce = op_announce,
	.drained = op_drained,
	.domains = fake_host_op_domains,
	.federation_is_on = fake_host_op_federation_is_on,
	.state = fake_host_op_state,
	.state_set = fake_host_op_state_set,
	.notice = fake_host_op_notice,
	.notice_clear = fake_host_op_notice_clear,
	.holders = fake_host_op_holders,
	.bind_for = fake_host_op_bind_for,
	.unbind_for = fake_host_op_unbind_for,
};
