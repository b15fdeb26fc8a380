/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an operator can ask of the resolver's memory: `dns show` and `dns flush`. Called by the
 * host. Looks nothing up.
 */
#include "components/resolver/resolver.h"

#include <fedway/json.h>

struct show {
	struct fw_json *entries;
	struct fw_str domain; /* absent: all */
};

/* "=domain" is what DNS says of a domain that has static routes. */
static struct fw_str key_domain(struct fw_str key)
{
	return key.len > 0 && key.ptr[0] == '=' ? fw_str_n(key.ptr + 1, key.len - 1) : key;
}

static void show_entry(void *ctx, const struct resolver_cache_view *view)
{
	const struct show *show = ctx;
	const struct resolver_result *result = view->result;
	struct fw_str domain = key_domain(view->key);
	char targets[RESOLVER_TARGETS_TEXT];

	if (show->domain.ptr != NULL && !fw_str_eq(domain, show->domain)) {
		return;
	}
	struct fw_json *entry = fw_json_append_object(show->entries);
	fw_json_set(entry, "domain", domain);
	fw_json_set(entry, "source", fw_str(resolver_source_name(result->source)));
	fw_json_set(entry, "result",
	            fw_str(result->cause == FW_CAUSE_NONE ? "found"
	                                                  : fw_cause_row(result->cause)->name));
	fw_json_set_int(entry, "left_s", view->left_s);
	fw_json_set_int(entry, "hits", (int64_t)view->hits);
	resolver_targets_text(result, targets);
	fw_json_set(entry, "targets", fw_str(targets));
	fw_json_set(entry, "detail", fw_str(result->detail));
}

/* False: the call has ended, since the argument is no domain. */
static bool read_domain(struct fw_call **call, char text[FW_DOMAIN_SIZE], struct fw_str *domain)
{
	struct fw_str given = fw_call_arg(*call, "domain");

	*domain = fw_str(NULL);
	if (given.ptr != NULL && fw_domain_key(given, text, domain) != FW_OK) {
		fw_call_fail(call, FW_EINVAL, NULL, "'%.*s' is not a domain", FW_STR_ARG(given));
		return false;
	}
	return true;
}

static void dns_show(struct fw_self *self, struct fw_call *call)
{
	struct resolver *resolver = fw_self_state(self);
	char text[FW_DOMAIN_SIZE];
	struct show show;

	if (!read_domain(&call, text, &show.domain)) {
		return;
	}
	show.entries = fw_json_set_array(fw_call_result(call), "entries");
	resolver_cache_each(resolver->cache, fw_now_ms(resolver->loop), show_entry, &show);
	fw_call_done(&call);
}

static void dns_flush(struct fw_self *self, struct fw_call *call)
{
	struct resolver *resolver = fw_self_state(self);
	char text[FW_DOMAIN_SIZE], beside[FW_DOMAIN_SIZE + 1] = "=";
	struct fw_str domain;
	size_t count = resolver_cache_count(resolver->cache);

	if (!read_domain(&call, text, &domain)) {
		return;
	}
	if (domain.ptr == NULL) {
		resolver_cache_clear(resolver->cache);
	} else {
		memcpy(beside + 1, domain.ptr, domain.len);
		resolver_cache_forget(resolver->cache, domain);
		resolver_cache_forget(resolver->cache, fw_str_n(beside, domain.len + 1));
	}
	fw_json_set_int(fw_call_result(call), "flushed",
	                (int64_t)(count - resolver_cache_count(resolver->cache)));
	fw_call_done(&call);
}

const struct fw_command resolver_commands[] = {
	{ "dns show", "domain", "what the resolver remembers of all domains or of one", dns_show },
	{ "dns flush", "domain", "make the resolver forget all domains or one", dns_flush },
	FW_COMMAND_END,
};
