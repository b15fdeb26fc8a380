/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What rows alone cannot say: names given twice, limits in the wrong order. Called by config_load.c
 * after all rows have been applied, so that every line is known. Components are
 * config_components.c's business.
 */
#include "config/config_router.h"

#include <inttypes.h>

#include <fedway/jid.h>

/* Node of a list's element; the list's lines and its structs have the same order. */
static const struct config_node *check_node(const struct config_node *top, const char *section,
					    size_t index)
{
	const struct config_node *list = config_node_get(top, section);
	const struct config_node *node = list != NULL ? list->first : NULL;

	for (; node != NULL && index > 0; index--) {
		node = node->next;
	}
	return node != NULL ? node : top;
}

static bool check_same_name(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || fw_domain_eq(fw_str(a), fw_str(b));
}

static void check_duplicate(const struct config_node *top, const char *section, size_t first,
			    size_t second, const char *what, const char *name,
			    struct config_problems *problems)
{
	const struct config_node *a = check_node(top, section, first);
	const struct config_node *b = check_node(top, section, second);

	config_problem(problems, b->file, b->line, "%s '%s' is given twice, first at %s:%d", what,
		       name, a->file, a->line);
}

static void check_domains(const struct config_node *top, const struct config_router *router,
			  struct config_problems *problems)
{
	const struct config_domain *domains = router->domains.items;

	for (size_t i = 0; i < router->domains.count; i++) {
		for (size_t j = 0; domains[i].name[0] != '\0' && j < i; j++) {
			if (check_same_name(domains[i].name, domains[j].name)) {
				check_duplicate(top, "domains", j, i, "domain", domains[i].name,
						problems);
				break;
			}
		}
	}
}

/* The line holds what it says; values that were refused have left the default there. */
static bool check_listen_as_written(const struct config_node *node,
				    const struct config_listen *listen)
{
	const struct config_node *address = config_node_get(node, "address");
	const struct config_node *port = config_node_get(node, "port");

	return node->type == CONFIG_GROUP && (port == NULL || port->number == listen->port) &&
	       (address == NULL ||
		(address->text != NULL && strcmp(address->text, listen->address) == 0));
}

static void check_listen(const struct config_node *top, const struct config_router *router,
			 struct config_problems *problems)
{
	const struct config_listen *listen = router->listen.items;
	char name[96];

	for (size_t i = 0; i < router->listen.count; i++) {
		bool found = !check_listen_as_written(check_node(top, "listen", i), &listen[i]);
		for (size_t j = 0; j < i && !found; j++) {
			found = listen[i].port == listen[j].port &&
				strcmp(listen[i].address, listen[j].address) == 0 &&
				check_listen_as_written(check_node(top, "listen", j), &listen[j]);
			if (found) {
				snprintf(name, sizeof(name), "%.60s port %u", listen[i].address,
					 listen[i].port);
				check_duplicate(top, "listen", j, i, "address", name, problems);
			}
		}
	}
}

/* A name in the list of one link or uplink. */
static void check_claims(const struct config_node *place, const char *own,
			 const struct fw_strings *claims, struct config_problems *problems)
{
	for (size_t i = 0; i < claims->count; i++) {
		bool twice = own != NULL && check_same_name(own, claims->items[i]);
		for (size_t j = 0; claims->items[i][0] != '\0' && j < i && !twice; j++) {
			twice = check_same_name(claims->items[i], claims->items[j]);
		}
		if (twice) {
			const struct config_node *list = config_node_get(place, "domains");
			place = list != NULL ? list : place;
			config_problem(problems, place->file, place->line,
				       "'%s' is given twice among the names of this %s",
				       claims->items[i], own != NULL ? "link" : "uplink");
		}
	}
}

static void check_links(const struct config_node *top, const struct config_router *router,
			struct config_problems *problems)
{
	const struct config_link *links = router->links.items;

	for (size_t i = 0; i < router->links.count; i++) {
		for (size_t j = 0; links[i].name[0] != '\0' && j < i; j++) {
			if (check_same_name(links[i].name, links[j].name)) {
				check_duplicate(top, "links", j, i, "link", links[i].name,
						problems);
				break;
			}
		}
		check_claims(check_node(top, "links", i), links[i].name, &links[i].domains,
			     problems);
	}
}

static void check_uplinks(const struct config_node *top, const struct config_router *router,
			  struct config_problems *problems)
{
	const struct config_uplink *uplinks = router->uplinks.items;

	for (size_t i = 0; i < router->uplinks.count; i++) {
		const struct config_uplink *uplink = &uplinks[i];
		const struct config_node *place = check_node(top, "uplinks", i);

		for (size_t j = 0; uplink->name[0] != '\0' && j < i; j++) {
			if (check_same_name(uplink->name, uplinks[j].name) &&
			    strcmp(uplink->host, uplinks[j].host) == 0 &&
			    uplink->port == uplinks[j].port) {
				check_duplicate(top, "uplinks", j, i, "uplink", uplink->name,
						problems);
				break;
			}
		}
		if (uplink->retry_min_ms > uplink->retry_max_ms) {
			config_problem(problems, place->file, place->line,
				       "retry_min_ms = %" PRIu32
				       " is more than retry_max_ms = %" PRIu32,
				       uplink->retry_min_ms, uplink->retry_max_ms);
		}
		check_claims(place, NULL, &uplink->domains, problems);
	}
}

void config_check(const struct config_node *top, const struct config_router *router,
		  struct config_problems *problems)
{
	const struct config_node *limit = config_node_get(top, "link_queue_max_bytes");

	check_listen(top, router, problems);
	check_domains(top, router, problems);
	check_links(top, router, problems);
	check_uplinks(top, router, problems);
	if (router->link_queue_max_bytes < router->stanza_max_bytes) {
		limit = limit != NULL ? limit : config_node_get(top, "stanza_max_bytes");
		limit = limit != NULL ? limit : top;
		config_problem(problems, limit->file, limit->line,
			       "link_queue_max_bytes = %" PRIu64
			       " is less than one stanza, stanza_max_bytes = %" PRIu32,
			       router->link_queue_max_bytes, router->stanza_max_bytes);
	}
}
