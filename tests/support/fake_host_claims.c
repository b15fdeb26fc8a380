/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Claims for other components (fw_bind_for) and holders that the test invents (fw_holders). They
 * are only written down: the fake host knows no other routers and passes nothing on to them.
 */
#include "tests/support/fake_host_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* The entry of this name and ID; else a free one when `make`; else NULL. */
static struct fake_claim *find(struct fake_claim *list, const char *domain, const char *id,
                               bool make)
{
	struct fake_claim *free_place = NULL;

	for (size_t i = 0; i < FAKE_NAMES; i++) {
		if (list[i].domain[0] == '\0') {
			free_place = free_place == NULL ? &list[i] : free_place;
		} else if (strcmp(list[i].domain, domain) == 0 && strcmp(list[i].id, id) == 0) {
			return &list[i];
		}
	}
	if (!make) {
		return NULL;
	}
	if (free_place == NULL) {
		fail_msg("more claims than the fake host has room for");
		return NULL;
	}
	snprintf(free_place->domain, sizeof(free_place->domain), "%s", domain);
	snprintf(free_place->id, sizeof(free_place->id), "%s", id);
	return free_place;
}

int fake_host_op_bind_for(void *ctx, const char *domain, const char *component_id, uint32_t weight)
{
	const struct fake_component *component = ctx;

	if (weight == 0) {
		return FW_EINVAL;
	}
	find(component->host->claims, domain, component_id, true)->weight = weight;
	return FW_OK;
}

int fake_host_op_unbind_for(void *ctx, const char *domain, const char *component_id)
{
	const struct fake_component *component = ctx;
	struct fake_claim *claim = find(component->host->claims, domain, component_id, false);

	if (claim == NULL) {
		return FW_ENOENT;
	}
	memset(claim, 0, sizeof(*claim));
	return FW_OK;
}

int fake_host_op_holders(void *ctx, const char *domain, struct fw_json *out)
{
	const struct fake_component *component = ctx;
	const struct fake_claim *list = component->host->holders;

	for (size_t i = 0; i < FAKE_NAMES; i++) {
		if (strcmp(list[i].domain, domain) == 0) {
			const char *dot = strchr(list[i].id, '.');
			struct fw_json *row = fw_json_append_object(out);
			fw_json_set(row, "id", fw_str(list[i].id));
			fw_json_set(row, "realm", fw_str(dot != NULL ? dot + 1 : list[i].id));
			fw_json_set_bool(row, "up", list[i].up);
			fw_json_set_int(row, "cost", 0);
		}
	}
	return FW_OK;
}

uint32_t fake_host_claimed(const struct fake_host *host, const char *domain,
                           const char *component_id)
{
	const struct fake_claim *claim =
	        find((struct fake_claim *)host->claims, domain, component_id, false);

	return claim != NULL ? claim->weight : 0;
}

void fake_host_holder(struct fake_host *host, const char *domain, const char *component_id, bool up)
{
	find(host->holders, domain, component_id, true)->up = up;
}
