/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The list of components: for each one its module's descriptor, its options after the module's own
 * rows, and an ID that nobody else has. Called by config_load.c. It loads no module itself: the
 * callback of the loader does.
 */
#include "config/config_components.h"

#include "config/config_apply.h"
#include "config/config_memory.h"
#include "config/config_router.h"

struct components_room {
	const struct config_modules *modules;
	struct config_router *router;
	void **memory;
	struct config_problems *problems;
};

static const char *components_id(const struct components_room *room, size_t index)
{
	const struct config_component *all = room->router->components.items;
	size_t number = 1;
	char id[96];

	for (size_t i = 0; i < index; i++) { /* those that do not run count too: IDs stay */
		number += strcmp(all[i].module, all[index].module) == 0;
	}
	snprintf(id, sizeof(id), "%.63s-%zu", all[index].module, number);
	return config_memory_text(room->memory, id, strlen(id));
}

static void components_check_id(const struct components_room *room, size_t index,
                                const struct config_node *node)
{
	const struct config_component *all = room->router->components.items;

	for (size_t i = 0; i < index; i++) {
		if (fw_str_eq_nocase(fw_str(all[i].id), fw_str(all[index].id))) {
			config_problem(room->problems, node->file, node->line,
			               "component ID '%s' is taken by the component at %s, give "
			               "another 'id'",
			               all[index].id, all[i].where);
			return;
		}
	}
}

static int components_options(const struct components_room *room,
                              struct config_component *component, const struct config_node *node)
{
	const struct fw_component *descriptor = component->descriptor;
	const struct config_node *options = config_node_get(node, "options");
	struct config_apply apply = { room->memory, room->problems, component->module, NULL };
	static const struct fw_option none[] = { FW_OPT_END };
	const struct fw_option *rows = descriptor->options != NULL ? descriptor->options : none;
	const struct config_node *owner = options != NULL ? options : node;
	struct fw_error err = { 0 };
	size_t before = room->problems->count;
	int ret;

	component->options = config_memory_take(room->memory, descriptor->config_size + 1);
	ret = component->options != NULL ? config_apply_group(&apply, options, owner, rows,
	                                                      component->options, "options")
	                                 : FW_ENOMEM;
	/* a check may rely on what the rows promise */
	if (ret != FW_OK || room->problems->count != before || descriptor->check == NULL) {
		return ret;
	}
	if (descriptor->check(component->options, &err) != FW_OK) {
		config_problem(room->problems, owner->file, owner->line, "module '%s': %s",
		               component->module,
		               err.text[0] != '\0' ? err.text : "refuses its options");
	}
	return FW_OK;
}

static int components_fill_one(const struct components_room *room,
                               struct config_component *component, const struct config_node *node)
{
	const struct config_node *options = config_node_get(node, "options");
	struct fw_error err = { 0 };

	if (options != NULL && options->type != CONFIG_GROUP) {
		config_problem(room->problems, options->file, options->line,
		               "options: a group { … } is wanted");
		return FW_OK;
	}
	if (!component->enabled || component->module[0] == '\0') {
		return FW_OK;
	}
	if (room->modules == NULL || room->modules->find == NULL) {
		config_problem(room->problems, node->file, node->line,
		               "module '%s': modules cannot be loaded here", component->module);
		return FW_OK;
	}
	if (room->modules->find(room->modules->ctx, room->router, component->module,
	                        &component->descriptor, &err) != FW_OK) {
		component->descriptor = NULL;
		config_problem(room->problems, node->file, node->line, "%s",
		               err.text[0] != '\0' ? err.text : "a module cannot be loaded");
		return FW_OK;
	}
	return components_options(room, component, node);
}

int config_components_fill(const struct config_node *top, const struct config_modules *modules,
                           struct config_router *router, void **memory,
                           struct config_problems *problems)
{
	struct components_room room = { modules, router, memory, problems };
	struct config_component *all = router->components.items;
	const struct config_node *list = config_node_get(top, "components");
	const struct config_node *node = list != NULL ? list->first : NULL;
	int ret = FW_OK;

	for (size_t i = 0; ret == FW_OK && i < router->components.count; i++, node = node->next) {
		snprintf(all[i].where, sizeof(all[i].where), "%.240s:%d", node->file, node->line);
		ret = components_fill_one(&room, &all[i], node);
		if (ret == FW_OK && all[i].id[0] == '\0' && all[i].module[0] != '\0') {
			all[i].id = components_id(&room, i);
			ret = all[i].id != NULL ? FW_OK : FW_ENOMEM;
		}
		if (ret == FW_OK && all[i].id[0] != '\0') {
			components_check_id(&room, i, node);
		}
	}
	return ret;
}
