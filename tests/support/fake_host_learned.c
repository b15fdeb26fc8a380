/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the fake node has learned, its federation switch and the notices of components: kept in
 * memory, announced as the router does. It checks no values: that is the router's job.
 */
#include "tests/support/fake_host_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- what components see ---- */

int fake_host_op_domains(void *ctx, struct fw_json *array)
{
	const struct fake_component *component = ctx;
	const struct fake_host *host = component->host;

	for (size_t i = 0; i < host->domain_count; i++) {
		struct fw_json *row = fw_json_append_object(array);
		fw_json_set(row, "name", fw_str(host->domains[i].name));
		fw_json_set_bool(row, "federation", host->domains[i].federated);
		fw_json_set_bool(row, "im_and_presence", true);
	}
	return FW_OK;
}

bool fake_host_op_federation_is_on(void *ctx)
{
	const struct fake_component *component = ctx;
	return !component->host->federation_off;
}

const struct fw_json *fake_host_op_state(void *ctx, const char *key)
{
	const struct fake_component *component = ctx;
	return fw_json_get(component->host->state, key);
}

static void learn(struct fake_host *host, const struct fake_component *by, const char *key,
                  const struct fw_json *value)
{
	char service[128];

	if (fw_json_equal(fw_json_get(host->state, key), value)) {
		return;
	}
	if (host->state == NULL) {
		host->state = fw_json_new();
		assert_non_null(host->state);
	}
	fw_json_set_copy(host->state, key, value);
	(void)snprintf(service, sizeof(service), "state.%s", key);
	fake_host_announce(host, service, by);
}

int fake_host_op_state_set(void *ctx, const char *key, const struct fw_json *value,
                           struct fw_error *err)
{
	const struct fake_component *component = ctx;

	if (strcmp(key, "federation") == 0) {
		return fw_error_set(err, FW_EDENIED, "\"federation\" is the router's own");
	}
	learn(component->host, component, key, value);
	return FW_OK;
}

void fake_host_op_notice_clear(void *ctx, const char *key)
{
	const struct fake_component *component = ctx;
	struct fake_notice **at = &component->host->notices;

	while (*at != NULL && ((*at)->of != component || strcmp((*at)->key, key) != 0)) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		struct fake_notice *gone = *at;
		*at = gone->next;
		free(gone);
	}
}

void fake_host_op_notice(void *ctx, const char *key, enum fw_notice_level level, const char *remedy,
                         const char *text)
{
	struct fake_component *component = ctx;
	struct fake_notice *notice = fake_host_need(sizeof(*notice));

	(void)remedy;
	fake_host_op_notice_clear(component, key);
	notice->of = component;
	notice->level = level;
	(void)snprintf(notice->key, sizeof(notice->key), "%s", key);
	(void)snprintf(notice->text, sizeof(notice->text), "%s", text);
	notice->next = component->host->notices;
	component->host->notices = notice;
}

void fake_host_forget_notices(struct fake_host *host, const struct fake_component *of)
{
	struct fake_notice **at = &host->notices;

	while (*at != NULL) {
		struct fake_notice *each = *at;
		if (of == NULL || each->of == of) {
			*at = each->next;
			free(each);
		} else {
			at = &each->next;
		}
	}
}

void fake_host_forget_state(struct fake_host *host)
{
	fw_json_free(&host->state);
}

/* ---- what the test does ---- */

void fake_host_learn(struct fake_host *host, const char *key, const char *json)
{
	char text[4096];
	struct fw_json *document = NULL;

	if (json == NULL) {
		learn(host, NULL, key, NULL);
		return;
	}
	int len = snprintf(text, sizeof(text), "{\"v\":%s}", json);
	assert_in_range(len, 1, sizeof(text) - 1);
	assert_int_equal(fw_json_parse(fw_str(text), &document, NULL), FW_OK);
	learn(host, NULL, key, fw_json_get(document, "v"));
	fw_json_free(&document);
}

const char *fake_host_learned(const struct fake_host *host, const char *key)
{
	static char text[4096];
	const struct fw_json *value = fw_json_get(host->state, key);
	char *dump = value != NULL ? fw_json_dump(value, false) : NULL;

	(void)snprintf(text, sizeof(text), "%s", dump != NULL ? dump : "");
	free(dump);
	return text;
}

void fake_host_federation(struct fake_host *host, bool on)
{
	if (host->federation_off == on) {
		host->federation_off = !on;
		fake_host_announce(host, "state.federation", NULL);
	}
}

const char *fake_host_notice(const struct fake_host *host, const struct fw_self *self,
                             const char *key, enum fw_notice_level *level)
{
	for (const struct fake_notice *each = host->notices; each != NULL; each = each->next) {
		if (each->of == fw_self_host(self) && strcmp(each->key, key) == 0) {
			if (level != NULL) {
				*level = each->level;
			}
			return each->text;
		}
	}
	return NULL;
}
