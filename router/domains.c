/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The list of what is ours, made of the configuration and of what the node has learned. Called by
 * router.c at start and on a reload, and by state.c when somebody has learned domains. Who holds a
 * domain is the route table's business.
 */
#include "router/domains.h"

#include "router/route_table.h"
#include "router/state.h"

typedef int domain_fn(struct route_table *routes, const char *domain, bool federated);

/* ---- the list ---- */

static int each_configured(const struct config_router *config, struct route_table *routes,
                           domain_fn *visit)
{
	const struct config_domain *domains = config->domains.items;
	int ret = FW_OK;

	for (size_t i = 0; ret == FW_OK && i < config->domains.count; i++) {
		const struct fw_strings *aliases = &domains[i].chat_node_aliases;
		ret = visit(routes, domains[i].name, domains[i].federation);
		for (size_t j = 0; ret == FW_OK && j < aliases->count; j++) {
			ret = visit(routes, aliases->items[j], domains[i].federation);
		}
	}
	return ret;
}

/* Names of links and uplinks are ours too, held or not, but the outside may not talk to them. */
static int each_attached(const struct config_router *config, struct route_table *routes,
                         domain_fn *visit)
{
	const struct config_link *links = config->links.items;
	const struct config_uplink *uplinks = config->uplinks.items;
	int ret = FW_OK;

	for (size_t i = 0; ret == FW_OK && i < config->links.count; i++) {
		ret = visit(routes, links[i].name, false);
		for (size_t j = 0; ret == FW_OK && j < links[i].domains.count; j++) {
			ret = visit(routes, links[i].domains.items[j], false);
		}
	}
	for (size_t i = 0; ret == FW_OK && i < config->uplinks.count; i++) {
		for (size_t j = 0; ret == FW_OK && j < uplinks[i].domains.count; j++) {
			ret = visit(routes, uplinks[i].domains.items[j], false);
		}
	}
	return ret;
}

static int each_learned(const struct router *router, domain_fn *visit)
{
	const struct fw_json *rows = state_get(router, "domains");
	int ret = FW_OK;

	for (size_t i = 0; ret == FW_OK && i < fw_json_count(rows); i++) {
		const struct fw_json *row = fw_json_at(rows, i);
		ret = visit(router->routes, fw_json_text(fw_json_get(row, "name")).ptr,
		            fw_json_bool(fw_json_get(row, "federation")));
	}
	return ret;
}

static int each_own_domain(const struct router *router, const struct config_router *config,
                           domain_fn *visit)
{
	int ret = each_configured(config, router->routes, visit);

	if (ret == FW_OK) {
		ret = each_attached(config, router->routes, visit);
	}
	return ret == FW_OK ? each_learned(router, visit) : ret;
}

static int want_domain(struct route_table *routes, const char *domain, bool federated)
{
	(void)federated;
	return route_table_want(routes, domain);
}

static int list_domain(struct route_table *routes, const char *domain, bool federated)
{
	route_table_list(routes, domain, federated);
	return FW_OK;
}

int domains_check(struct router *router, const struct config *config, struct fw_error *err)
{
	int ret = each_own_domain(router, &config->router, want_domain);

	if (ret != FW_OK) {
		domains_forget(router);
		return fw_error_set(err, ret,
		                    "a name in domains, links or uplinks cannot be used: %s",
		                    fw_strerror(ret));
	}
	return FW_OK;
}

void domains_forget(struct router *router)
{
	route_table_list_end(router->routes);
}

void domains_apply(struct router *router, const struct config *config)
{
	route_table_list_begin(router->routes);
	(void)each_own_domain(router, &config->router, list_domain);
	route_table_list_end(router->routes);
}

bool router_domain_is_local(const struct router *router, struct fw_str domain)
{
	return route_table_is_local(router->routes, domain);
}

bool router_domain_is_federated(const struct router *router, struct fw_str domain)
{
	return route_table_is_federated(router->routes, domain);
}

/* ---- what was learned ---- */

int domains_check_learned(const struct fw_json *rows, struct fw_error *err)
{
	char key[FW_DOMAIN_SIZE], quoted[160];

	if (rows != NULL && fw_json_type(rows) != FW_JSON_ARRAY) {
		return fw_error_set(err, FW_EINVAL, "\"domains\" is no list");
	}
	for (size_t i = 0; i < fw_json_count(rows); i++) {
		struct fw_str name = fw_json_text(fw_json_get(fw_json_at(rows, i), "name"));
		if (name.len == 0) {
			return fw_error_set(err, FW_EINVAL, "row %zu of \"domains\" has no name",
			                    i + 1);
		}
		if (strlen(name.ptr) != name.len || fw_domain_key(name, key, NULL) != FW_OK) {
			return fw_error_set(err, FW_EINVAL,
			                    "row %zu of \"domains\": %s is not a domain name",
			                    i + 1, fw_quote(name, quoted, sizeof(quoted)));
		}
	}
	return FW_OK;
}

int domains_relearn(struct router *router, struct fw_error *err)
{
	int ret = domains_check(router, router->config, err);

	if (ret == FW_OK) {
		domains_apply(router, router->config);
	}
	return ret;
}

/* ---- what a component sees of the configuration ---- */

static void add_row(struct fw_json *array, const struct config_domain *domain, const char *alias)
{
	struct fw_json *row = fw_json_append_object(array);

	fw_json_set(row, "name", fw_str(alias != NULL ? alias : domain->name));
	fw_json_set_bool(row, "federation", domain->federation);
	fw_json_set_bool(row, "im_and_presence", domain->im_and_presence);
	if (alias != NULL) {
		fw_json_set(row, "alias_of", fw_str(domain->name));
	}
}

int domains_rows(const struct config_router *config, struct fw_json *array)
{
	const struct config_domain *domains = config->domains.items;
	size_t wanted = fw_json_count(array);

	for (size_t i = 0; i < config->domains.count; i++) {
		const struct fw_strings *aliases = &domains[i].chat_node_aliases;
		add_row(array, &domains[i], NULL);
		for (size_t j = 0; j < aliases->count; j++) {
			add_row(array, &domains[i], aliases->items[j]);
		}
		wanted += 1 + aliases->count;
	}
	return fw_json_count(array) == wanted ? FW_OK : FW_ENOMEM;
}

bool domains_equal(const struct config_router *a, const struct config_router *b)
{
	struct fw_json *rows = fw_json_new();
	struct fw_json *of_a = fw_json_set_array(rows, "a");
	struct fw_json *of_b = fw_json_set_array(rows, "b");
	bool equal = domains_rows(a, of_a) == FW_OK && domains_rows(b, of_b) == FW_OK &&
	             fw_json_equal(of_a, of_b);

	fw_json_free(&rows);
	return equal;
}
