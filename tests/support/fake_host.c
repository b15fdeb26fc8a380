/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The fake host itself, the components that run on it, and the names that it knows. What components
 * see of it is in fake_host_pass.c, what the test does with it in fake_host_stanzas.c.
 */
#include "tests/support/fake_host_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- the host itself ---- */

static void keep_line(void *ctx, enum fw_level level, const char *line, size_t len)
{
	struct fake_host *host = ctx;
	struct fake_line *kept = fake_host_need(sizeof(*kept) + len + 1);

	(void)level;
	memcpy(kept->text, line, len);
	kept->next = host->lines;
	host->lines = kept;
	if (getenv("FAKE_HOST_LOG") != NULL) {
		fwrite(line, 1, len, stderr);
	}
}

static void limit_reached(void *ctx)
{
	struct fake_host *host = ctx;
	host->limit_passed = true;
}

struct fake_host *fake_host_new(void)
{
	struct fake_host *host = fake_host_need(sizeof(*host));
	const struct fw_log_sink sink = { keep_line, host };

	host->pass.fn = fake_host_pass;
	host->pass.ctx = host;
	host->ledger = fw_ledger_new(NULL);
	assert_non_null(host->ledger);
	assert_int_equal(fw_loop_new(&host->loop), FW_OK);
	assert_int_equal(fw_timer_new(host->loop, limit_reached, host, &host->limit), FW_OK);
	assert_int_equal(fw_log_child(NULL, &host->log, "test"), FW_OK);
	fw_log_set_sink(&sink);
	return host;
}

static void empty(struct fake_waiting **list)
{
	while (*list != NULL) {
		struct fw_stanza *stanza = fake_host_unlink(list);
		fw_stanza_end(&stanza, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
	}
}

void fake_host_free(struct fake_host **at)
{
	struct fake_host *host = *at;

	if (host == NULL) {
		return;
	}
	for (size_t i = 0; i < FAKE_COMPONENTS; i++) {
		struct fw_self *self = host->components[i].self;
		fake_host_stop(host, &self);
	}
	fake_host_settle(host);
	empty(&host->outbox);
	uint64_t left = host->ledger->in_flight;
	bool balanced = fw_ledger_balanced(host->ledger);
	fw_ledger_release(&host->ledger);
	fw_defer_cancel(&host->pass);
	fw_timer_free(&host->limit);
	fw_loop_free(&host->loop);
	fw_log_free(&host->log);
	fw_log_open("-", NULL);
	fake_host_forget_log(host);
	while (host->announcements != NULL) {
		struct fake_announcement *next = host->announcements->next;
		free(host->announcements);
		host->announcements = next;
	}
	fake_host_forget_state(host);
	fake_host_forget_notices(host, NULL);
	free(host);
	*at = NULL;
	if (left != 0 || !balanced) {
		fail_msg("the ledger does not balance: %u stanzas have no exit", (unsigned)left);
	}
}

struct fw_loop *fake_host_loop(const struct fake_host *host)
{
	return host->loop;
}

struct fw_ledger *fake_host_ledger(const struct fake_host *host)
{
	return host->ledger;
}

/* ---- components ---- */

static struct fake_component *of(const struct fw_self *self)
{
	return fw_self_host(self);
}

struct fw_self *fake_host_start(struct fake_host *host, const struct fw_component *component,
                                const void *config, struct fw_error *err)
{
	char id[128];
	size_t place = 0, number = 1;

	while (place < FAKE_COMPONENTS && host->components[place].host != NULL) {
		number += strcmp(host->components[place].component->name, component->name) == 0;
		place++;
	}
	assert_true(place < FAKE_COMPONENTS);
	struct fake_component *entry = &host->components[place];
	*entry = (struct fake_component){ .host = host, .component = component };
	snprintf(id, sizeof(id), "%s-%zu." FAKE_REALM, component->name, number);
	const struct fw_self_settings settings = {
		.component = component,
		.ops = &fake_host_ops,
		.host = entry,
		.loop = host->loop,
		.log = host->log,
		.id = id,
		.realm = FAKE_REALM,
		.config = config,
	};
	if (fw_self_new(&settings, &entry->self) != FW_OK) {
		fail_msg("no instance of %s", component->name);
	}
	int ret = component->check != NULL ? component->check(config, err) : FW_OK;
	if (ret == FW_OK) {
		ret = component->start(entry->self, err);
	}
	if (ret != FW_OK) {
		fw_self_free(&entry->self);
		entry->host = NULL;
	}
	return entry->self;
}

void fake_host_stop(struct fake_host *host, struct fw_self **self)
{
	if (*self == NULL) {
		return;
	}
	struct fake_component *component = of(*self);
	component->stopped = true;
	fw_self_end_calls(*self);
	if (component->component->stop != NULL) {
		component->component->stop(*self);
	}
	for (size_t i = 0; i < FAKE_NAMES; i++) {
		if (host->binds[i].holder == component) {
			host->binds[i].domain[0] = '\0';
		}
	}
	fake_host_forget_notices(host, component);
	fw_self_free(self);
	component->self = NULL;
	component->host = NULL;
}

void fake_host_reload(struct fw_self *self, const void *config)
{
	const struct fw_component *component = of(self)->component;

	if (component->check != NULL) {
		assert_int_equal(component->check(config, NULL), FW_OK);
	}
	component->reload(self, config);
	fw_self_set_config(self, config);
}

void fake_host_drain(struct fw_self *self)
{
	of(self)->drained = false;
	of(self)->component->drain(self);
}

bool fake_host_drained(const struct fw_self *self)
{
	return of(self)->drained;
}

enum fw_verdict fake_host_hook(struct fw_self *self, enum fw_stage stage, struct fw_stanza *stanza,
                               struct fw_why *why)
{
	const struct fw_hook *hook = of(self)->component->hooks;

	*why = (struct fw_why){ .cause = FW_CAUSE_NONE };
	for (; hook != NULL && hook->run != NULL; hook++) {
		enum fw_verdict verdict =
		        hook->stage == stage ? hook->run(self, stanza, why) : FW_PASS;
		if (verdict != FW_PASS) {
			return verdict;
		}
	}
	return FW_PASS;
}

/* ---- names ---- */

void fake_host_add_domain(struct fake_host *host, const char *domain, bool federated)
{
	assert_true(host->domain_count < FAKE_NAMES);
	struct fake_domain *added = &host->domains[host->domain_count++];
	snprintf(added->name, sizeof(added->name), "%s", domain);
	added->federated = federated;
}

bool fake_host_holds(const struct fake_host *host, const char *domain)
{
	return fake_host_find_bind(host, fw_str(domain)) != NULL;
}

void fake_host_service(struct fake_host *host, const char *name, fake_service_fn *fn, void *ctx)
{
	struct fake_service *place = NULL;

	for (size_t i = 0; i < FAKE_SERVICES; i++) {
		struct fake_service *service = &host->services[i];
		if (strcmp(service->name, name) == 0) {
			place = service;
			break;
		}
		if (service->name[0] == '\0' && place == NULL) {
			place = service;
		}
	}
	assert_non_null(place);
	snprintf(place->name, sizeof(place->name), "%s", fn != NULL ? name : "");
	place->fn = fn;
	place->ctx = ctx;
}
