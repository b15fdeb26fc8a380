/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The command "facts": what this node is and how its components are set up, in a form that can be
 * compared with other nodes. troubleshoot.c compares; secrets are told by digest only.
 */
#include <string.h>
#include <time.h>

#include "router/control_commands.h"
#include "router/domains.h"
#include "router/instance.h"
#include "router/state.h"

int64_t control_clock_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A component without facts has no place in the list. */
static void report_component(const struct instance *instance, struct fw_json *list)
{
	struct fw_json *facts = fw_json_new();

	if (instance->descriptor->report != NULL) {
		instance->descriptor->report(instance->self, "facts", facts);
	}
	if (fw_json_count(facts) > 0) {
		struct fw_json *out = fw_json_append_object(list);
		fw_json_set(out, "id", fw_str(instance->component->id));
		fw_json_set(out, "module", fw_str(instance->descriptor->name));
		fw_json_set_copy(out, "facts", facts);
	}
	fw_json_free(&facts);
}

int control_facts(struct control_call *call)
{
	const struct router *router = call->router;
	struct fw_json *out = call->result;

	fw_json_set(out, "realm", fw_str(router->realm));
	fw_json_set(out, "version", fw_str(PACKAGE_VERSION));
	fw_json_set_int(out, "time_ms", control_clock_ms());
	fw_json_set_bool(out, "federation", router_federation_is_on(router));
	struct fw_json *domains = fw_json_set_array(out, "domains");
	(void)domains_rows(&router->config->router, domains);
	const struct fw_json *learned = state_get(router, "domains");
	for (size_t i = 0; i < fw_json_count(learned); i++) {
		fw_json_append_copy(domains, fw_json_at(learned, i));
	}
	struct fw_json *list = fw_json_set_array(out, "components");
	for (const struct instance *i = router->instances; i != NULL; i = i->next) {
		report_component(i, list);
	}
	return FW_OK;
}
