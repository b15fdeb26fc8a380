/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Components on the router's list: made by instances, links and uplinks, found by the lookup
 * through their routes. Knows nothing of what is behind the port.
 */
#include "router/component.h"

#include <stdlib.h>

#include "router/holders.h"
#include "router/notices.h"
#include "router/route_table.h"
#include "router/router.h"
#include "router/router_drain.h"

static struct fw_logger component_life = FW_LOGGER("component");

int component_add(struct router *router, const char *id, bool shared,
                  const struct component_port *ops, void *port, struct component **out)
{
	struct component *component = NULL;
	struct fw_log *log = NULL;
	int ret = FW_EEXIST;

	if (!shared && route_table_holders(router->routes, id) != NULL) {
		goto done;
	}
	ret = FW_ENOMEM;
	component = calloc(1, sizeof(*component));
	if (component == NULL || fw_log_child(NULL, &log, "%s", id) != FW_OK) {
		goto done;
	}
	component->router = router;
	component->number = router->next_number + 1;
	component->port_ops = ops;
	component->port = port;
	component->state = COMPONENT_STARTING;
	component->priority = 0;
	component->weight = 1;
	component->check_from = true;
	component->log = log;
	component->id = fw_str_dup(fw_str(id));
	component->ledger = fw_ledger_new(router->total);
	if (component->id == NULL || component->ledger == NULL) {
		goto done;
	}
	ret = route_table_bind(router->routes, component, id);
	if (ret != FW_OK) {
		goto done;
	}
	router->next_number++;
	component->next = router->components;
	router->components = component;
	holders_changed(router);
	*out = component;
	component = NULL;
	log = NULL;
done:
	if (component != NULL) {
		fw_ledger_release(&component->ledger);
		free(component->id);
	}
	fw_log_free(&log);
	free(component);
	return ret;
}

void component_remove(struct component **at)
{
	struct component *component = *at;

	if (component == NULL) {
		return;
	}
	struct router *router = component->router;
	struct component **link = &router->components;
	while (*link != component) {
		link = &(*link)->next;
	}
	*link = component->next;
	component->state = COMPONENT_DOWN;
	notices_drop_all(router, component);
	route_table_unbind_all(router->routes, component);
	/* The total keeps what the account counted; stanzas under way still leave through it. */
	fw_ledger_release(&component->ledger);
	struct fw_log *log = (struct fw_log *)component->log;
	fw_log_free(&log);
	free(component->id);
	free(component);
	*at = NULL;
	holders_changed(router);
	router_drain_progress(router);
}

static int bound(struct component *component, const char *domain, int ret, struct fw_error *err)
{
	switch (ret) {
	case FW_OK:
		fw_log(component->log, &component_life, FW_LOG_INFO, "bound domain=%s", domain);
		holders_changed(component->router);
		return FW_OK;
	case FW_EEXIST:
		return fw_error_set(err, ret, "%s holds \"%s\" already", component->id, domain);
	case FW_EPARSE:
		return fw_error_set(err, ret, "\"%s\" is not a domain name", domain);
	default:
		return fw_error_set(err, ret, "cannot bind \"%s\": %s", domain, fw_strerror(ret));
	}
}

int component_bind(struct component *component, const char *domain, struct fw_error *err)
{
	int ret = route_table_bind(component->router->routes, component, domain);
	return bound(component, domain, ret, err);
}

int component_bind_terms(struct component *component, const char *domain,
                         const struct route_terms *terms, struct fw_error *err)
{
	int ret = route_table_bind_terms(component->router->routes, component, domain, terms);
	return bound(component, domain, ret, err);
}

int component_unbind(struct component *component, const char *domain)
{
	int ret = route_table_unbind(component->router->routes, component, domain);

	if (ret == FW_OK) {
		fw_log(component->log, &component_life, FW_LOG_INFO, "unbound domain=%s", domain);
		holders_changed(component->router);
	}
	return ret;
}

static bool is_own(const struct component *component, const char *domain)
{
	return fw_domain_eq(fw_str(domain), fw_str(component->id));
}

static bool strings_have(const struct fw_strings *list, const char *domain)
{
	for (size_t i = 0; list != NULL && i < list->count; i++) {
		if (fw_domain_eq(fw_str(list->items[i]), fw_str(domain)) ||
		    fw_str_is(fw_str(list->items[i]), domain)) {
			return true;
		}
	}
	return false;
}

static void bind_missing(struct component *component, const struct fw_strings *have,
                         const struct fw_strings *domains)
{
	for (size_t i = 0; i < domains->count; i++) {
		const char *domain = domains->items[i];
		struct fw_error err = { 0 };
		if (!is_own(component, domain) && !strings_have(have, domain) &&
		    component_bind(component, domain, &err) != FW_OK) {
			fw_log(component->log, &component_life, FW_LOG_ERROR,
			       "domain not bound domain=%s reason=\"%s\"", domain, err.text);
		}
	}
}

void component_bind_row(struct component *component, const struct fw_strings *domains)
{
	bind_missing(component, NULL, domains);
}

void component_rebind_row(struct component *component, const struct fw_strings *old,
                          const struct fw_strings *domains)
{
	bind_missing(component, old, domains);
	for (size_t i = 0; i < old->count; i++) {
		if (!is_own(component, old->items[i]) && !strings_have(domains, old->items[i])) {
			(void)component_unbind(component, old->items[i]);
		}
	}
}

bool component_holds(const struct component *component, struct fw_str domain)
{
	return route_table_holds(component->router->routes, component, domain);
}

void component_up(struct component *component)
{
	component->state = COMPONENT_UP;
	component->suspended = false;
	fw_log(component->log, &component_life, FW_LOG_NOTICE, "up kind=%s",
	       component->port_ops->kind);
	holders_changed(component->router);
}

void component_suspend(struct component *component)
{
	component->suspended = true;
	fw_log(component->log, &component_life, FW_LOG_NOTICE, "suspended kind=%s",
	       component->port_ops->kind);
	holders_changed(component->router);
	router_drain_progress(component->router);
}

void component_drain(struct component *component)
{
	if (component->state == COMPONENT_DRAINING || component->state == COMPONENT_DOWN) {
		return;
	}
	component->state = COMPONENT_DRAINING;
	holders_changed(component->router);
	fw_log(component->log, &component_life, FW_LOG_NOTICE, "draining");
	if (component->port_ops->drain == NULL) {
		component_drained(component);
	} else {
		component->port_ops->drain(component->port);
	}
}

void component_drained(struct component *component)
{
	if (component->state == COMPONENT_DOWN) {
		return;
	}
	component->state = COMPONENT_DOWN;
	holders_changed(component->router);
	fw_log(component->log, &component_life, FW_LOG_NOTICE, "drained");
	router_drain_progress(component->router);
}

bool component_is(const struct component *component, const char *kind)
{
	return strcmp(component->port_ops->kind, kind) == 0;
}

const char *component_state_name(enum component_state state)
{
	switch (state) {
	case COMPONENT_STARTING:
		return "starting";
	case COMPONENT_UP:
		return "up";
	case COMPONENT_DRAINING:
		return "draining";
	case COMPONENT_DOWN:
		return "down";
	}
	return "unknown";
}
