/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What rows alone cannot say: names given twice, limits in the wrong order. Called by config_load.c
 * after all rows have been applied, so that every line is known. Components are
 * config_components.c's business.
 */
#include "config/config_router.h"

#include <inttypes.h>
#include <stdlib.h>

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

/* A name as it is compared: a domain's key, with the star of a pattern left in front. */
struct check_name {
	char key[FW_DOMAIN_SIZE + 2];
	size_t index;
};

static void check_key(const char *name, struct check_name *out)
{
	size_t star = strncmp(name, "*.", 2) == 0 ? 2 : 0;
	char key[FW_DOMAIN_SIZE];

	if (fw_domain_key(fw_str(name + star), key, NULL) == FW_OK) {
		snprintf(out->key, sizeof(out->key), "%.*s%s", (int)star, name, key);
	} else {
		snprintf(out->key, sizeof(out->key), "%s", name);
	}
}

static int check_compare(const void *a, const void *b)
{
	const struct check_name *one = a, *two = b;
	int order = strcmp(one->key, two->key);

	return order != 0 ? order : (one->index > two->index) - (one->index < two->index);
}

/**
 * For each name the index of the first that is the same; its own when it is the first, or empty.
 * Sorted, since there may be thousands. `at` points to the first name, the next is `step` bytes
 * further. NULL: out of memory.
 */
static size_t *check_firsts(const void *at, size_t step, size_t count)
{
	struct check_name *names = calloc(count + 1, sizeof(*names));
	size_t *firsts = calloc(count + 1, sizeof(*firsts));

	if (names == NULL || firsts == NULL) {
		free(names);
		free(firsts);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		check_key(*(const char *const *)((const char *)at + i * step), &names[i]);
		names[i].index = i;
	}
	qsort(names, count, sizeof(*names), check_compare);
	for (size_t i = 0; i < count; i++) {
		bool same = i > 0 && names[i].key[0] != '\0' &&
		            strcmp(names[i].key, names[i - 1].key) == 0;
		firsts[names[i].index] = same ? firsts[names[i - 1].index] : names[i].index;
	}
	free(names);
	return firsts;
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

/* No two groups of a section have the same name, which is their member at `offset`. */
static void check_names(const struct config_node *top, const char *section, const char *what,
                        const struct fw_rows *rows, size_t row_size, size_t offset,
                        struct config_problems *problems)
{
	const char *at = rows->count > 0 ? (const char *)rows->items + offset : NULL;
	size_t *firsts = check_firsts(at, row_size, rows->count);

	if (firsts == NULL) {
		config_problem(problems, NULL, 0, "%s", fw_strerror(FW_ENOMEM));
		return;
	}
	for (size_t i = 0; i < rows->count; i++) {
		if (firsts[i] != i) {
			const char *name = *(const char *const *)(at + i * row_size);
			check_duplicate(top, section, firsts[i], i, what, name, problems);
		}
	}
	free(firsts);
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

/* The names of one link, uplink or router: `own` (NULL for the latter two) and its list. */
static void check_claims(const struct config_node *place, const char *own, const char *what,
                         const struct fw_strings *claims, struct config_problems *problems)
{
	const struct config_node *list = config_node_get(place, "domains");
	struct check_name own_key, key;
	size_t *firsts = check_firsts(claims->items, sizeof(*claims->items), claims->count);

	if (firsts == NULL) {
		config_problem(problems, NULL, 0, "%s", fw_strerror(FW_ENOMEM));
		return;
	}
	place = list != NULL ? list : place;
	check_key(own != NULL ? own : "", &own_key);
	for (size_t i = 0; i < claims->count; i++) {
		check_key(claims->items[i], &key);
		if (firsts[i] != i || (key.key[0] != '\0' && strcmp(key.key, own_key.key) == 0)) {
			config_problem(problems, place->file, place->line,
			               "'%s' is given twice among the names of this %s",
			               claims->items[i], what);
		}
	}
	free(firsts);
}

/* A chat node alias is a domain like the others: it has one row, and one word about federation. */
static void check_aliases(const struct config_node *top, const struct config_router *router,
                          struct config_problems *problems)
{
	const struct config_domain *domains = router->domains.items;
	size_t count = router->domains.count;
	struct check_alias {
		const char *name;
		size_t row;
	} *all = NULL;
	size_t *firsts = NULL;

	for (size_t i = 0; i < router->domains.count; i++) {
		count += domains[i].chat_node_aliases.count;
	}
	all = calloc(count + 1, sizeof(*all));
	if (all == NULL) {
		goto done;
	}
	count = 0;
	for (size_t i = 0; i < router->domains.count; i++) {
		all[count++] = (struct check_alias){ domains[i].name, i };
	}
	for (size_t i = 0; i < router->domains.count; i++) {
		for (size_t j = 0; j < domains[i].chat_node_aliases.count; j++) {
			all[count++] =
			        (struct check_alias){ domains[i].chat_node_aliases.items[j], i };
		}
	}
	firsts = check_firsts(&all->name, sizeof(*all), count);
	for (size_t i = router->domains.count; firsts != NULL && i < count; i++) {
		if (firsts[i] != i) {
			check_duplicate(top, "domains", all[firsts[i]].row, all[i].row,
			                "chat node alias", all[i].name, problems);
		}
	}
done:
	if (firsts == NULL) {
		config_problem(problems, NULL, 0, "%s", fw_strerror(FW_ENOMEM));
	}
	free(firsts);
	free(all);
}

/* What TLS for links needs. */
static void check_link_tls(const struct config_node *top, const struct config_router *router,
                           struct config_problems *problems)
{
	const struct config_node *place = config_node_get(top, "link_security");
	bool wants = router->link_security == CONFIG_LINK_TLS_REQUIRED ||
	             router->link_security == CONFIG_LINK_TLS_OPTIONAL;

	if (wants && router->listen.count > 0 && router->link_certificate_file[0] == '\0') {
		place = place != NULL ? place : top;
		config_problem(problems, place->file, place->line,
		               "link_security wants TLS: give 'link_certificate_file', or set "
		               "link_security = \"no-tls\"");
	}
	if (router->link_key_file[0] != '\0' && router->link_certificate_file[0] == '\0') {
		place = config_node_get(top, "link_key_file");
		place = place != NULL ? place : top;
		config_problem(problems, place->file, place->line,
		               "link_key_file has no link_certificate_file");
	}
}

/* A link must have something to prove itself with. */
static void check_link_proof(const struct config_node *place, const struct config_router *router,
                             const struct config_link *link, struct config_problems *problems)
{
	bool given = config_node_get(place, "secret") != NULL ||
	             config_node_get(place, "secret_file") != NULL;

	if (link->name[0] != '\0' && !given && router->link_certificate_file[0] == '\0') {
		config_problem(problems, place->file, place->line,
		               "link '%s' has no 'secret_file' (or 'secret'): it can attach by its "
		               "certificate only, and link_certificate_file is not given",
		               link->name);
	}
}

static void check_links(const struct config_node *top, const struct config_router *router,
                        struct config_problems *problems)
{
	const struct config_link *links = router->links.items;
	const struct config_node *list = config_node_get(top, "links");
	const struct config_node *node = list != NULL ? list->first : NULL;

	check_names(top, "links", "link", &router->links, sizeof(*links),
	            offsetof(struct config_link, name), problems);
	for (size_t i = 0; i < router->links.count; i++, node = node->next) {
		check_link_proof(node, router, &links[i], problems);
		check_claims(node, links[i].name, "link", &links[i].domains, problems);
	}
}

static void check_retry(const struct config_node *place, uint32_t min_ms, uint32_t max_ms,
                        struct config_problems *problems)
{
	if (min_ms > max_ms) {
		config_problem(problems, place->file, place->line,
		               "retry_min_ms = %" PRIu32 " is more than retry_max_ms = %" PRIu32,
		               min_ms, max_ms);
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
			if (fw_domain_eq(fw_str(uplink->name), fw_str(uplinks[j].name)) &&
			    strcmp(uplink->host, uplinks[j].host) == 0 &&
			    uplink->port == uplinks[j].port) {
				check_duplicate(top, "uplinks", j, i, "uplink", uplink->name,
				                problems);
				break;
			}
		}
		check_retry(place, uplink->retry_min_ms, uplink->retry_max_ms, problems);
		check_claims(place, NULL, "uplink", &uplink->domains, problems);
	}
}

/* What the members of one row of `routers` say together. */
static void check_peer(const struct config_node *place, const struct config_router *router,
                       const struct config_peer *peer, struct config_problems *problems)
{
	if (peer->realm[0] != '\0' &&
	    fw_str_eq_nocase(fw_str(peer->realm), fw_str(router->realm))) {
		config_problem(problems, place->file, place->line,
		               "router '%s' is this one: name the other's realm", peer->realm);
	}
	/* one that was given but could not be read has been told of already */
	bool given = config_node_get(place, "secret") != NULL ||
	             config_node_get(place, "secret_file") != NULL;
	if (peer->secret.len == 0 && !given && peer->certificate_name[0] == '\0') {
		config_problem(problems, place->file, place->line,
		               "router '%s' needs 'secret_file' (or 'secret'), or "
		               "'certificate_name'",
		               peer->realm);
	}
	if (peer->host[0] == '\0' && router->listen.count == 0) {
		config_problem(problems, place->file, place->line,
		               "router '%s' has no 'host' and is to dial us, but 'listen' is empty",
		               peer->realm);
	}
	if (peer->default_route && !peer->outside) {
		config_problem(problems, place->file, place->line,
		               "default_route = true of router '%s' wants outside = true",
		               peer->realm);
	}
	if (peer->domains.count > 0 && !peer->outside) {
		config_problem(problems, place->file, place->line,
		               "domains of router '%s' wants outside = true: an inner router may "
		               "announce all of ours",
		               peer->realm);
	}
	if (peer->realms.count > 0 && !peer->outside) {
		config_problem(problems, place->file, place->line,
		               "realms of router '%s' wants outside = true: an inner router may "
		               "announce all behind it",
		               peer->realm);
	}
}

static void check_peers(const struct config_node *top, const struct config_router *router,
                        struct config_problems *problems)
{
	const struct config_peer *peers = router->routers.items;

	check_names(top, "routers", "router", &router->routers, sizeof(*peers),
	            offsetof(struct config_peer, realm), problems);
	for (size_t i = 0; i < router->routers.count; i++) {
		const struct config_node *place = check_node(top, "routers", i);

		check_peer(place, router, &peers[i], problems);
		check_retry(place, peers[i].retry_min_ms, peers[i].retry_max_ms, problems);
		check_claims(place, NULL, "router", &peers[i].domains, problems);
	}
}

void config_check(const struct config_node *top, const struct config_router *router,
                  struct config_problems *problems)
{
	const struct config_node *limit = config_node_get(top, "link_queue_max_bytes");

	check_listen(top, router, problems);
	check_names(top, "domains", "domain", &router->domains, sizeof(struct config_domain),
	            offsetof(struct config_domain, name), problems);
	check_aliases(top, router, problems);
	check_link_tls(top, router, problems);
	check_links(top, router, problems);
	check_uplinks(top, router, problems);
	check_peers(top, router, problems);
	if (router->link_dead_s <= router->link_ping_s) {
		const struct config_node *place = config_node_get(top, "link_dead_s");
		place = place != NULL ? place : config_node_get(top, "link_ping_s");
		place = place != NULL ? place : top;
		config_problem(problems, place->file, place->line,
		               "link_dead_s = %" PRIu32 " is not more than link_ping_s = %" PRIu32,
		               router->link_dead_s, router->link_ping_s);
	}
	if (router->link_queue_max_bytes < router->stanza_max_bytes) {
		limit = limit != NULL ? limit : config_node_get(top, "stanza_max_bytes");
		limit = limit != NULL ? limit : top;
		config_problem(problems, limit->file, limit->line,
		               "link_queue_max_bytes = %" PRIu64
		               " is less than one stanza, stanza_max_bytes = %" PRIu32,
		               router->link_queue_max_bytes, router->stanza_max_bytes);
	}
}
