/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Both sides count from the bind on: the peer what it has given in all, we what was taken. So a
 * grant that was lost with a connection is made good by the total that the peer says after it has
 * resumed; and what is sent again takes no second time. Called by link.c for each stanza towards a
 * link that has names with credit.
 */
#include "router/link_credit.h"

#include <stdio.h>
#include <stdlib.h>

#include "router/link_queue.h"
#include "router/link_session.h"
#include "router/route_table.h"

static struct fw_logger credit_log = FW_LOGGER("router.link.credit");

struct link_credit {
	struct link_credit *next;
	uint64_t total, taken;
	struct link_queue waiting;
	char name[]; /* as the route table writes it */
};

struct link_credits {
	struct link_credit *first;
};

static void text_of(const struct route_name *name, char out[FW_DOMAIN_SIZE + 2])
{
	(void)snprintf(out, FW_DOMAIN_SIZE + 2, "%s%.*s",
	               name->kind == ROUTE_DEFAULT  ? "*"
	               : name->kind == ROUTE_SUFFIX ? "*."
	                                            : "",
	               name->kind == ROUTE_DEFAULT ? 0 : (int)name->key.len, name->key.ptr);
}

static struct route *route_of(const struct link *link, const struct route_name *name)
{
	struct route *route = name->holders;

	while (route != NULL && route->component != link->component) {
		route = route->sibling;
	}
	return route;
}

/* Peers may write a name in more ways than one. */
static bool same_name(const char *a, const char *b)
{
	bool suffix = strncmp(a, "*.", 2) == 0 && strncmp(b, "*.", 2) == 0;

	return strcmp(a, b) == 0 ||
	       fw_domain_eq(fw_str(suffix ? a + 2 : a), fw_str(suffix ? b + 2 : b));
}

static struct link_credit **find(const struct link *link, const char *name)
{
	struct link_credit **at = &link->credits->first;

	while (*at != NULL && !same_name((*at)->name, name)) {
		at = &(*at)->next;
	}
	return at;
}

static struct link_credit *add(struct link *link, const char *name)
{
	size_t len = strlen(name) + 1;

	if (link->credits == NULL) {
		link->credits = calloc(1, sizeof(*link->credits));
	}
	if (link->credits == NULL) {
		return NULL;
	}
	struct link_credit *credit = *find(link, name);
	if (credit == NULL) {
		credit = calloc(1, sizeof(*credit) + len);
		if (credit == NULL) {
			return NULL;
		}
		memcpy(credit->name, name, len);
		credit->next = link->credits->first;
		link->credits->first = credit;
	}
	return credit;
}

/* Our holding of a name, and the name as the table writes it. */
static struct route *held(const struct link *link, const char *name, char text[FW_DOMAIN_SIZE + 2])
{
	const struct route *route = route_table_holders(link->room->router->routes, name);

	if (route == NULL) {
		return NULL;
	}
	text_of(route->name, text);
	return route_of(link, route->name);
}

/* As long as there is credit, what waited goes, oldest first. */
static void pump(struct link *link, struct link_credit *credit)
{
	while (credit->waiting.count > 0 && credit->taken < credit->total) {
		struct fw_stanza *stanza = link_queue_pop(&credit->waiting);
		credit->taken++;
		if (link_session_send(link, &stanza) != FW_OK) {
			router_bounce(link->room->router, &stanza, FW_CAUSE_QUEUE_FULL);
		}
	}
}

int link_credit_set(struct link *link, const char *name, uint32_t window)
{
	char text[FW_DOMAIN_SIZE + 2];
	struct route *route = held(link, name, text);

	if (route == NULL) {
		return FW_ENOENT;
	}
	struct link_credit *credit = add(link, text);
	if (credit == NULL) {
		return FW_ENOMEM;
	}
	route->credit = credit;
	credit->total = window;
	credit->taken = 0;
	pump(link, credit);
	return FW_OK;
}

static void return_waiting(struct link_returns *returns, struct link_credit *credit)
{
	while (credit->waiting.count > 0) {
		struct fw_stanza *stanza = link_queue_pop(&credit->waiting);
		link_session_return_one(returns, &stanza, false);
	}
	link_queue_clear(&credit->waiting);
	free(credit);
}

void link_credit_forget(struct link *link, const char *name)
{
	struct link_returns returns = { .router = link->room->router,
		                        .cause = FW_CAUSE_COMPONENT_GONE,
		                        .again = true };

	if (link->credits == NULL) {
		return;
	}
	struct link_credit **at = find(link, name);
	struct link_credit *credit = *at;
	if (credit != NULL) {
		*at = credit->next;
		return_waiting(&returns, credit);
	}
}

static bool has_room(const struct link *link, const struct link_credit *credit,
                     const struct fw_stanza *stanza)
{
	const struct config_router *limits = &link->room->router->config->router;

	return credit->waiting.stanzas < limits->link_credit_queue_max_stanzas &&
	       (credit->waiting.stanzas == 0 || credit->waiting.bytes + fw_stanza_size(stanza) <=
	                                                limits->link_credit_queue_max_bytes);
}

int link_credit_take(struct link *link, struct fw_stanza **stanza)
{
	const struct route_name *name = NULL;
	const struct route *route = NULL;

	if (route_table_find(link->room->router->routes, fw_stanza_to_domain(*stanza), &name) ==
	    FW_OK) {
		route = route_of(link, name);
	}
	struct link_credit *credit = route != NULL ? route->credit : NULL;
	if (credit == NULL) {
		return FW_OK;
	}
	if (credit->taken < credit->total && credit->waiting.count == 0) {
		credit->taken++;
		return FW_OK;
	}
	if (!has_room(link, credit, *stanza) || fw_stanza_settle(*stanza) != FW_OK ||
	    link_queue_push(&credit->waiting, stanza) != FW_OK) {
		return FW_ELIMIT;
	}
	return FW_OK;
}

/* ---- the peer gives ---- */

static void on_credit(struct link *link, struct fw_stanza *element)
{
	struct fw_str name = fw_stanza_attr(element, "name");
	struct fw_str add_text = fw_stanza_attr(element, "add");
	struct fw_str total_text = fw_stanza_attr(element, "total");
	char text[FW_DOMAIN_SIZE + 2], quoted[128], asked[FW_DOMAIN_SIZE + 2];
	struct route *route = NULL;
	uint64_t number = 0;

	if (name.len > 0 && name.len < sizeof(asked)) {
		(void)snprintf(asked, sizeof(asked), "%.*s", FW_STR_ARG(name));
		route = held(link, asked, text);
	}
	if (route == NULL || route->credit == NULL ||
	    fw_str_to_u64(total_text.len > 0 ? total_text : add_text, INT64_MAX, &number) !=
	            FW_OK) {
		fw_log(link->component->log, &credit_log,
		       link_ignored(link) ? FW_LOG_WARNING : FW_LOG_DEBUG,
		       "credit ignored name=%s reason=\"no such name with credit, or no number\"",
		       fw_quote(name, quoted, sizeof(quoted)));
		return;
	}
	struct link_credit *credit = route->credit;
	if (total_text.len > 0) {
		credit->total = number;
	} else {
		credit->total += number < INT64_MAX - credit->total ? number : 0;
	}
	pump(link, credit);
}

const struct link_element link_credit_elements[] = {
	{ LINK_NS, "credit", on_credit },
	{ NULL, NULL, NULL },
};

/* ---- report and end ---- */

void link_credit_report(const struct link *link, struct fw_json *stream)
{
	const struct link_credit *credit = link->credits != NULL ? link->credits->first : NULL;
	struct fw_json *list = credit != NULL ? fw_json_set_array(stream, "credit") : NULL;

	for (; credit != NULL; credit = credit->next) {
		struct fw_json *row = fw_json_append_object(list);
		uint64_t left = credit->total > credit->taken ? credit->total - credit->taken : 0;
		fw_json_set(row, "domain", fw_str(credit->name));
		fw_json_set_int(row, "credit", (int64_t)left);
		fw_json_set_int(row, "waiting_stanzas", credit->waiting.stanzas);
		fw_json_set_int(row, "waiting_bytes", (int64_t)credit->waiting.bytes);
	}
}

const struct link_queue *link_credit_next(const struct link *link, const struct link_queue *queue)
{
	const struct link_credit *credit = link->credits != NULL ? link->credits->first : NULL;

	while (queue != NULL && &credit->waiting != queue) {
		credit = credit->next;
	}
	if (queue != NULL) {
		credit = credit->next;
	}
	return credit != NULL ? &credit->waiting : NULL;
}

void link_credit_gather(struct link *link, struct link_returns *returns)
{
	returns->credits = link->credits;
	link->credits = NULL;
}

void link_credit_return(struct link_returns *returns)
{
	struct link_credit *credit = returns->credits != NULL ? returns->credits->first : NULL;

	while (credit != NULL) {
		struct link_credit *next = credit->next;
		return_waiting(returns, credit);
		credit = next;
	}
	free(returns->credits);
	returns->credits = NULL;
}
