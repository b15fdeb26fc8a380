/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What attach dialect 2 adds to a link: names are bound and given back one by one. A link may bind
 * its own name, and what `domains` of its row lists; a pattern there stands for all below it.
 * Called by link_hello.c, and by link.c through the kind. What waits for a name that is given back
 * is link_credit.c's; what was handed over already is not touched.
 */
#include "router/link_bind.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/jid.h>

#include "router/link_credit.h"
#include "router/route_table.h"

/** A name as it is kept: a key, with the star of a pattern in front. */
#define BIND_NAME_SIZE (FW_DOMAIN_SIZE + 2)

/** link->owner */
struct link_bound {
	const char *method; /* how it was proved */
	size_t count, room;
	char **names; /* in no order */
};

/* ---- names ---- */

/* "a.example", "*.a.example" or "*", as it is kept. @return FW_OK, FW_EPARSE */
static int bind_key(struct fw_str text, char out[BIND_NAME_SIZE])
{
	size_t star = text.len > 2 && memcmp(text.ptr, "*.", 2) == 0 ? 2 : 0;
	char key[FW_DOMAIN_SIZE];

	if (fw_str_is(text, "*")) {
		memcpy(out, "*", 2);
		return FW_OK;
	}
	if (fw_domain_key(fw_str_n(text.ptr + star, text.len - star), key, NULL) != FW_OK) {
		return FW_EPARSE;
	}
	snprintf(out, BIND_NAME_SIZE, "%s%s", star > 0 ? "*." : "", key);
	return FW_OK;
}

static bool bind_ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* What the row grants. "*" grants itself only: who speaks for the outside does not become anybody
 * inside by that. */
static bool bind_is_granted(const struct config_link *row, const char *name)
{
	char right[BIND_NAME_SIZE];

	if (bind_key(fw_str(row->name), right) == FW_OK && strcmp(name, right) == 0) {
		return true;
	}
	for (size_t i = 0; i < row->domains.count; i++) {
		if (bind_key(fw_str(row->domains.items[i]), right) != FW_OK) {
			continue;
		}
		bool pattern = strncmp(right, "*.", 2) == 0;
		if (strcmp(name, right) == 0 || (pattern && bind_ends_with(name, right + 1))) {
			return true;
		}
	}
	return false;
}

static char **bind_find(const struct link_bound *bound, const char *name)
{
	for (size_t i = 0; i < bound->count; i++) {
		if (strcmp(bound->names[i], name) == 0) {
			return &bound->names[i];
		}
	}
	return NULL;
}

static int bind_keep(struct link_bound *bound, const char *name)
{
	char *copy = fw_str_dup(fw_str(name));

	if (copy != NULL && bound->count == bound->room) {
		size_t room = bound->room > 0 ? bound->room * 2 : 8;
		char **names = realloc(bound->names, room * sizeof(*names));
		if (names == NULL) {
			free(copy);
			return FW_ENOMEM;
		}
		bound->names = names;
		bound->room = room;
	}
	if (copy == NULL) {
		return FW_ENOMEM;
	}
	bound->names[bound->count++] = copy;
	return FW_OK;
}

static void bind_forget(struct link_bound *bound, char **at)
{
	free(*at);
	*at = bound->names[--bound->count];
}

/* ---- answers ---- */

static void bind_say(struct link *link, const char *what, struct fw_str name)
{
	char escaped[6 * FW_DOMAIN_TEXT_SIZE];

	link_say(link, "<%s xmlns='" LINK_NS "' name='%s'/>", what,
	         fw_xml_escape(name, escaped, sizeof(escaped)));
}

/* The element's name, cut to what a name can be: it is given back as it came. */
static struct fw_str bind_name(struct fw_stanza *element)
{
	struct fw_str name = fw_elem_attr(fw_stanza_root(element), "name");

	return name.len < FW_DOMAIN_TEXT_SIZE ? name : fw_str("");
}

static void bind_refuse(struct link *link, struct fw_str name, const char *of, enum fw_cause cause)
{
	const struct fw_cause_row *row = fw_cause_row(cause);
	char escaped[6 * FW_DOMAIN_TEXT_SIZE];

	link_say(link,
	         "<refused xmlns='" LINK_NS "' of='%s' name='%s'>"
	         "<%s xmlns='" FW_NS_STANZA_ERRORS "'/>"
	         "<cause xmlns='urn:fedway:cause:1' name='%s'/></refused>",
	         of, fw_xml_escape(name, escaped, sizeof(escaped)), row->stanza_condition,
	         row->name);
}

/* ---- bind ---- */

static enum fw_cause bind_one(struct link *link, const char *name)
{
	struct link_bound *bound = link->owner;
	const struct config_router *config = &link->room->router->config->router;

	if (!bind_is_granted(link->name->row, name)) {
		return FW_CAUSE_BIND_DENIED;
	}
	if (bind_find(bound, name) != NULL) {
		return FW_CAUSE_NONE; /* said twice */
	}
	if (bound->count >= config->link_binds_max || bind_keep(bound, name) != FW_OK) {
		return FW_CAUSE_RESOURCES;
	}
	int ret = component_bind(link->component, name, NULL);
	if (ret != FW_OK && ret != FW_EEXIST) {
		bind_forget(bound, bind_find(bound, name));
		return ret == FW_EPARSE ? FW_CAUSE_BAD_ADDRESS : FW_CAUSE_RESOURCES;
	}
	return FW_CAUSE_NONE;
}

/* `credit`: how many stanzas the peer takes for this name for now; without it, as many as come. */
static enum fw_cause bind_credit(struct link *link, const char *name, struct fw_str credit)
{
	uint64_t count = 0;

	if (credit.ptr == NULL) {
		return FW_CAUSE_NONE;
	}
	if (fw_str_to_u64(credit, UINT32_MAX, &count) != FW_OK) {
		return FW_CAUSE_BAD_STANZA;
	}
	return link_credit_set(link, name, (uint32_t)count) == FW_OK ? FW_CAUSE_NONE
	                                                             : FW_CAUSE_RESOURCES;
}

static void bind_give_back(struct link *link, const char *name)
{
	char **at = bind_find(link->owner, name);
	char kept[BIND_NAME_SIZE];

	if (at != NULL) {
		snprintf(kept, sizeof(kept), "%s", *at);
		bind_forget(link->owner, at);
		(void)component_unbind(link->component, kept);
		link_credit_forget(link, kept);
	}
}

static void bind_on_bind(struct link *link, struct fw_stanza *element)
{
	struct fw_str text = bind_name(element);
	struct fw_str credit = fw_elem_attr(fw_stanza_root(element), "credit");
	char name[BIND_NAME_SIZE];
	enum fw_cause cause = FW_CAUSE_BAD_ADDRESS;

	if (bind_key(text, name) == FW_OK) {
		cause = bind_one(link, name);
		if (cause == FW_CAUSE_NONE) {
			cause = bind_credit(link, name, credit);
			if (cause != FW_CAUSE_NONE) {
				bind_give_back(link, name);
			}
		}
	}
	if (cause == FW_CAUSE_NONE) {
		bind_say(link, "bound", text);
	} else {
		bind_refuse(link, text, "bind", cause);
	}
}

static void bind_on_unbind(struct link *link, struct fw_stanza *element)
{
	struct fw_str text = bind_name(element);
	char name[BIND_NAME_SIZE];

	if (bind_key(text, name) != FW_OK) {
		bind_refuse(link, text, "unbind", FW_CAUSE_BAD_ADDRESS);
	} else if (bind_find(link->owner, name) == NULL) {
		bind_refuse(link, text, "unbind", FW_CAUSE_HOST_UNKNOWN);
	} else {
		bind_give_back(link, name);
		bind_say(link, "unbound", text);
	}
}

static const struct link_element bind_elements[] = {
	{ LINK_NS, "bind", bind_on_bind },
	{ LINK_NS, "unbind", bind_on_unbind },
	{ NULL, NULL, NULL },
};

/* ---- the kind ---- */

static void bind_ended(struct link *link, enum fw_cause cause)
{
	struct link_bound *bound = link->owner;

	(void)cause;
	link->owner = NULL;
	for (size_t i = 0; i < bound->count; i++) {
		free(bound->names[i]);
	}
	free(bound->names);
	free(bound);
}

/* What the row no longer grants is taken away, and the peer is told. */
static void bind_reload(struct link *link, const struct config_link *old,
                        const struct config *config)
{
	struct link_bound *bound = link->owner;
	char name[BIND_NAME_SIZE];

	(void)old;
	(void)config;
	for (size_t i = bound->count; i > 0; i--) {
		snprintf(name, sizeof(name), "%s", bound->names[i - 1]);
		if (!bind_is_granted(link->name->row, name)) {
			bind_give_back(link, name);
			bind_say(link, "unbound", fw_str(name));
		}
	}
}

static void bind_report(const struct link *link, struct fw_json *stream)
{
	const struct link_bound *bound = link->owner;

	fw_json_set(stream, "method", fw_str(bound->method));
	fw_json_set_int(stream, "bound", (int64_t)bound->count);
}

const struct link_kind link_kind_bind = {
	.name = "link",
	.dialect = 2,
	.elements = bind_elements,
	.ended = bind_ended,
	.reload = bind_reload,
	.report = bind_report,
};

int link_bind_attach(struct link_room *room, struct link_name *name, uint32_t session,
                     const char *method, struct fw_channel **channel, enum fw_cause *cause)
{
	struct link_bound *bound = calloc(1, sizeof(*bound));
	const struct link_start start = {
		.kind = &link_kind_bind,
		.identity = name->row->name,
		.name = name,
		.session = session,
		.owner = bound,
	};

	*cause = FW_CAUSE_RESOURCES;
	if (bound == NULL) {
		return FW_ENOMEM;
	}
	bound->method = method;
	int ret = link_attach(room, &start, channel, NULL, cause);
	if (ret != FW_OK) {
		free(bound);
	}
	return ret;
}
