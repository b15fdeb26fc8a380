/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Puts results into words: answers to requests, and the line in the log. The order of trying is
 * drawn here, for each answer anew.
 */
#include "components/resolver/resolver.h"

#include <stdio.h>

#include "components/resolver/resolver_order.h"

static struct fw_logger resolver_logger = FW_LOGGER("Resolver");

static void set_number(struct fw_elem *elem, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	fw_elem_set(elem, name, fw_str(text));
}

/* FW_ENOMEM when a target could not be added. */
static int answer_add_host(struct fw_elem *targets, const struct resolver_host *host)
{
	char ip[FW_ADDR_TEXT_SIZE];

	for (size_t i = 0; i < host->addr_count; i++) {
		struct fw_elem *target = fw_elem_add(targets, "target", NULL);
		if (target == NULL) {
			return FW_ENOMEM;
		}
		fw_elem_set(target, "ip", fw_str(fw_addr_ip_text(&host->addrs[i], ip)));
		set_number(target, "port", fw_addr_port(&host->addrs[i]));
		fw_elem_set(target, "host", fw_str(host->name));
		fw_elem_set(target, "tls", fw_str(fw_target_tls_choices[host->tls].word));
		set_number(target, "priority", host->priority);
		set_number(target, "weight", host->weight);
	}
	return FW_OK;
}

static int answer_fill(struct fw_stanza *reply, const char *domain,
                       const struct resolver_result *result, uint32_t left_s, bool cached)
{
	size_t order[RESOLVER_HOSTS_MAX];
	struct fw_elem *targets = fw_elem_add(fw_stanza_root(reply), "targets", RESOLVER_NS);
	int ret = targets != NULL ? FW_OK : FW_ENOMEM;

	if (ret != FW_OK) {
		return ret;
	}
	fw_elem_set(targets, "domain", fw_str(domain));
	fw_elem_set(targets, "source", fw_str(resolver_source_name(result->source)));
	if (result->fallback_dns) {
		fw_elem_set(targets, "fallback", fw_str("dns"));
	}
	set_number(targets, "ttl", left_s);
	set_number(targets, "total_us", cached ? 0 : result->total_us);
	set_number(targets, "srv_us", cached ? 0 : result->srv_us);
	set_number(targets, "addr_us", cached ? 0 : result->addr_us);
	resolver_order(result->hosts, result->host_count, order, resolver_random, NULL);
	for (size_t i = 0; i < result->host_count && ret == FW_OK; i++) {
		ret = answer_add_host(targets, &result->hosts[order[i]]);
	}
	return ret;
}

static void answer_error(struct resolver *resolver, struct fw_stanza **request, enum fw_cause cause)
{
	struct fw_stanza *reply = NULL;

	if (fw_stanza_error_reply(*request, cause, &reply) != FW_OK) {
		fw_bounce(resolver->self, request, cause);
		return;
	}
	fw_reply(resolver->self, request, &reply);
}

void resolver_answer(struct resolver *resolver, struct fw_stanza **request, const char *domain,
                     const struct resolver_result *result, uint32_t left_s, bool cached)
{
	struct fw_stanza *reply = NULL;

	if (cached) {
		fw_log(fw_self_log(resolver->self), &resolver_logger, FW_LOG_DEBUG,
		       "puny=%s from cache ttl=%u", domain, left_s);
	}
	if (result->cause != FW_CAUSE_NONE) {
		fw_count(resolver->self, RESOLVER_COUNT_NEGATIVE, 1);
		answer_error(resolver, request, result->cause);
		return;
	}
	if (fw_stanza_reply(*request, "result", &reply) != FW_OK ||
	    answer_fill(reply, domain, result, left_s, cached) != FW_OK) {
		fw_stanza_free(&reply);
		resolver_refuse(resolver, request, FW_CAUSE_RESOURCES);
		return;
	}
	fw_count(resolver->self, RESOLVER_COUNT_ANSWERED, 1);
	fw_reply(resolver->self, request, &reply);
}

void resolver_refuse(struct resolver *resolver, struct fw_stanza **request, enum fw_cause cause)
{
	fw_count(resolver->self, RESOLVER_COUNT_REFUSED, 1);
	answer_error(resolver, request, cause);
}

void resolver_answer_static(struct resolver *resolver, struct fw_stanza **request)
{
	const struct resolver_statics *statics = resolver->statics;
	struct fw_stanza *reply = NULL;
	const char *last = "";

	if (fw_stanza_reply(*request, "result", &reply) != FW_OK) {
		resolver_refuse(resolver, request, FW_CAUSE_RESOURCES);
		return;
	}
	struct fw_elem *list = fw_elem_add(fw_stanza_root(reply), "static", RESOLVER_NS);
	for (size_t i = 0; i < statics->count && resolver->config->static_routes_enabled; i++) {
		const char *domain = statics->items[i].domain;
		if (strcmp(domain, last) != 0) {
			struct fw_elem *item = fw_elem_add(list, "domain", NULL);
			if (item != NULL) {
				fw_elem_set(item, "name", fw_str(domain));
			}
			last = domain;
		}
	}
	fw_reply(resolver->self, request, &reply);
}

/* ---- the line ---- */

void resolver_targets_text(const struct resolver_result *result, char out[RESOLVER_TARGETS_TEXT])
{
	const size_t size = RESOLVER_TARGETS_TEXT;
	char addr[FW_ADDR_TEXT_SIZE];
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < result->host_count; i++) {
		const struct resolver_host *host = &result->hosts[i];
		for (size_t k = 0; k < host->addr_count && used < size; k++) {
			int len =
			        snprintf(out + used, size - used, "%s%s[%s]%s", used > 0 ? "," : "",
			                 host->name, fw_addr_text(&host->addrs[k], addr),
			                 host->tls == FW_TARGET_DIRECT_TLS ? "tls" : "");
			used += (size_t)len;
		}
	}
}

void resolver_log(struct resolver *resolver, const char *domain,
                  const struct resolver_result *result)
{
	char targets[RESOLVER_TARGETS_TEXT];
	const struct fw_cause_row *row = fw_cause_row(result->cause);
	bool found = result->cause == FW_CAUSE_NONE;

	if (!fw_log_on(&resolver_logger, FW_LOG_INFO)) {
		return;
	}
	resolver_targets_text(result, targets);
	fw_log(fw_self_log(resolver->self), &resolver_logger, FW_LOG_INFO,
	       "puny=%s service=_xmpp-server._tcp default=%d source=%s "
	       "dns-timings=(TOTAL:%.6f SRV:%.6f ADDR:%.6f) ttl=%u %s%s%s%s",
	       domain, RESOLVER_PORT, resolver_source_name(result->source),
	       (double)result->total_us / 1e6, (double)result->srv_us / 1e6,
	       (double)result->addr_us / 1e6, result->ttl_s,
	       found ? "targets=" : "result=", found ? targets : row->name,
	       result->detail[0] != '\0' ? " detail=" : "", result->detail);
}
