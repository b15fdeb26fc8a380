/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Asks for both SRV services of a domain and says what they come to (RFC 6120 §3.2.1, XEP-0368).
 * Called by resolver_lookup.c, which decides what follows. A service that fails, or is much slower
 * than the other, does not hold up what the other has said.
 */
#include "components/resolver/resolver_srv.h"

#include <stdio.h>

enum { SRV_GRACE_MS = 500 }; /* for the second answer, after the first */

enum { PART_UNASKED, PART_ASKED, PART_HOSTS, PART_NONE, PART_DOT, PART_FAILED };

static const struct {
	const char *name;
	enum fw_target_tls tls;
} services[RESOLVER_SERVICES] = {
	{ "_xmpp-server._tcp", FW_TARGET_STARTTLS },
	{ "_xmpps-server._tcp", FW_TARGET_DIRECT_TLS },
};

/* ---- one answer ---- */

static struct resolver_host *merge_place(struct resolver_result *result, uint16_t priority)
{
	struct resolver_host *worst = &result->hosts[0];

	if (result->host_count < RESOLVER_HOSTS_MAX) {
		return &result->hosts[result->host_count++];
	}
	for (size_t i = 1; i < result->host_count; i++) {
		worst = result->hosts[i].priority > worst->priority ? &result->hosts[i] : worst;
	}
	return priority < worst->priority ? worst : NULL;
}

void resolver_srv_merge(struct resolver_result *result, const struct resolver_srv_records *records,
                        enum fw_target_tls tls)
{
	for (size_t i = 0; i < records->count; i++) {
		const struct resolver_srv *record = &records->items[i];
		struct resolver_host *host =
		        record->host[0] != '\0' ? merge_place(result, record->priority) : NULL;

		if (host != NULL) {
			host->priority = record->priority;
			host->weight = record->weight;
			host->port = record->port;
			host->tls = tls;
			snprintf(host->name, sizeof(host->name), "%s", record->host);
		}
	}
}

/* RFC 6120 §3.2.1: "." says that there is no service. Beside other records it says nothing. */
static bool is_dot(const struct resolver_srv_records *records)
{
	for (size_t i = 0; i < records->count; i++) {
		if (records->items[i].host[0] != '\0') {
			return false;
		}
	}
	return records->count > 0;
}

static void part_fail(struct resolver_srv_part *part, const char *words)
{
	struct resolver_srv_ask *ask = part->ask;
	const char *name = services[part - ask->parts].name;

	part->state = PART_FAILED;
	ask->some_failed = true;
	snprintf(ask->result->detail, sizeof(ask->result->detail), "%s: %s", name, words);
}

static void part_take(struct resolver_srv_part *part, const struct resolver_srv_records *records)
{
	struct resolver_srv_ask *ask = part->ask;

	if (records == NULL || !records->answered) {
		part->state = PART_NONE;
		if (part == &ask->parts[0] && records != NULL) {
			ask->has_negative = records->has_negative;
			ask->negative_s = records->negative_s;
		}
		return;
	}
	ask->ttl_s = records->ttl_s < ask->ttl_s ? records->ttl_s : ask->ttl_s;
	part->state = is_dot(records) ? PART_DOT : PART_HOSTS;
	resolver_srv_merge(ask->result, records, services[part - ask->parts].tls);
}

/* ---- both ---- */

static bool any_is(const struct resolver_srv_ask *ask, int state)
{
	return ask->parts[0].state == state || ask->parts[1].state == state;
}

static enum resolver_srv_outcome srv_outcome(const struct resolver_srv_ask *ask)
{
	if (any_is(ask, PART_HOSTS)) {
		return RESOLVER_SRV_HOSTS;
	}
	/* XEP-0368 §5: a "." of either rules out the domain's own address, so the other counts. */
	if (ask->parts[0].state == PART_FAILED || (ask->some_failed && any_is(ask, PART_DOT))) {
		return RESOLVER_SRV_FAILED;
	}
	return any_is(ask, PART_DOT) ? RESOLVER_SRV_NO_SERVICE : RESOLVER_SRV_NONE;
}

static void srv_tell(struct resolver_srv_ask *ask)
{
	enum resolver_srv_outcome outcome = srv_outcome(ask);
	resolver_srv_fn *done = ask->done;

	resolver_srv_forget(ask);
	done(ask->ctx, outcome);
}

static void srv_on_grace(void *ctx)
{
	struct resolver_srv_ask *ask = ctx;

	for (size_t i = 0; i < RESOLVER_SERVICES; i++) {
		if (ask->parts[i].state == PART_ASKED) {
			part_fail(&ask->parts[i], "much slower than the other service");
		}
	}
	srv_tell(ask);
}

static void srv_on_answer(void *ctx, const struct resolver_dns_answer *answer)
{
	struct resolver_srv_part *part = ctx;
	struct resolver_srv_ask *ask = part->ask;

	part->query = NULL;
	if (answer->status == RESOLVER_DNS_FAILED) {
		part_fail(part, answer->words);
	} else {
		part_take(part, answer->srv);
	}
	if (!any_is(ask, PART_ASKED)) {
		srv_tell(ask);
	} else if (part->state != PART_FAILED) {
		fw_timer_start_ms(ask->grace, SRV_GRACE_MS, 0);
	}
}

int resolver_srv_ask(struct resolver_srv_ask *ask, struct fw_loop *loop, struct resolver_dns *dns,
                     const char *domain, bool direct, struct resolver_result *result,
                     resolver_srv_fn *done, void *ctx)
{
	char name[FW_DOMAIN_SIZE + 32];
	int ret = fw_timer_new(loop, srv_on_grace, ask, &ask->grace);

	ask->result = result;
	ask->done = done;
	ask->ctx = ctx;
	ask->ttl_s = UINT32_MAX;
	ask->some_failed = ask->has_negative = false;
	for (size_t i = 0; i < RESOLVER_SERVICES && ret == FW_OK; i++) {
		struct resolver_srv_part *part = &ask->parts[i];

		part->ask = ask;
		part->state = i == 0 || direct ? PART_ASKED : PART_UNASKED;
		if (part->state == PART_ASKED) {
			snprintf(name, sizeof(name), "%s.%s", services[i].name, domain);
			ret = resolver_dns_srv(dns, name, srv_on_answer, part, &part->query);
		}
	}
	return ret;
}

void resolver_srv_forget(struct resolver_srv_ask *ask)
{
	fw_timer_free(&ask->grace);
	for (size_t i = 0; i < RESOLVER_SERVICES; i++) {
		resolver_query_forget(&ask->parts[i].query);
	}
}
