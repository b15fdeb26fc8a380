/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The list of notices, oldest first. Each has a component and a key; the pair is there once. A
 * change is one log line, the same words again are none. Called by host_services.c for components
 * and by the router's rooms; control_notices.c shows the list.
 */
#include "router/notices.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct fw_logger notice_log = FW_LOGGER("notice");

/* Far more than an operator can read; what is over it is in the log alone. */
enum { NOTICES_MAX = 1000 };

static const struct {
	const char *name, *health;
	enum fw_level log;
} levels[] = {
	[FW_NOTICE_INFO] = { "info", "green", FW_LOG_NOTICE },
	[FW_NOTICE_YELLOW] = { "yellow", "yellow", FW_LOG_WARNING },
	[FW_NOTICE_RED] = { "red", "red", FW_LOG_ERROR },
};

static const struct fw_log *log_of(const struct router *router, const struct component *component)
{
	return component != NULL ? component->log : router->log;
}

static void notice_free(struct notice **at)
{
	struct notice *notice = *at;

	*at = notice->next;
	free(notice->key);
	free(notice->text);
	free(notice->remedy);
	free(notice);
}

/* Where that notice hangs, or would hang: at the end of the list. */
static struct notice **find(struct router *router, const struct component *component,
                            const char *key, size_t *passed)
{
	struct notice **at = &router->notices;

	for (*passed = 0; *at != NULL; at = &(*at)->next, (*passed)++) {
		if ((*at)->component == component && strcmp((*at)->key, key) == 0) {
			break;
		}
	}
	return at;
}

static bool is_same(const struct notice *notice, enum fw_notice_level level, const char *remedy,
                    const char *text)
{
	const char *old = notice->remedy != NULL ? notice->remedy : "";

	return notice->level == level && strcmp(notice->text, text) == 0 &&
	       strcmp(old, remedy != NULL ? remedy : "") == 0;
}

/* Fills what can change; false when out of memory: it is as it was. */
static bool fill(struct notice *notice, enum fw_notice_level level, const char *remedy,
                 const char *text)
{
	char *new_text = fw_str_dup(fw_str(text));
	char *new_remedy = remedy != NULL ? fw_str_dup(fw_str(remedy)) : NULL;

	if (new_text == NULL || (remedy != NULL && new_remedy == NULL)) {
		free(new_text);
		free(new_remedy);
		return false;
	}
	free(notice->text);
	free(notice->remedy);
	notice->text = new_text;
	notice->remedy = new_remedy;
	notice->level = level;
	return true;
}

static struct notice *make(struct router *router, const struct component *component,
                           const char *key)
{
	struct notice *notice = calloc(1, sizeof(*notice));

	if (notice == NULL) {
		return NULL;
	}
	notice->key = fw_str_dup(fw_str(key));
	notice->component = component;
	notice->since_ms = fw_now_ms(router->loop);
	if (notice->key == NULL) {
		notice_free(&notice);
	}
	return notice;
}

void notices_put(struct router *router, const struct component *component, const char *key,
                 enum fw_notice_level level, const char *remedy, const char *text)
{
	size_t passed;
	struct notice **at = find(router, component, key, &passed);

	remedy = remedy != NULL && remedy[0] != '\0' ? remedy : NULL;
	if (*at != NULL && is_same(*at, level, remedy, text)) {
		return;
	}
	fw_log(log_of(router, component), &notice_log, levels[level].log,
	       "%s notice=%s level=%s remedy=\"%s\"", text, key, levels[level].name,
	       remedy != NULL ? remedy : "");
	bool is_new = *at == NULL;
	if (is_new && passed >= NOTICES_MAX) {
		return;
	}
	if (is_new) {
		*at = make(router, component, key);
	}
	if (*at != NULL && !fill(*at, level, remedy, text) && is_new) {
		notice_free(at);
	}
}

void notices_drop(struct router *router, const struct component *component, const char *key)
{
	size_t passed;
	struct notice **at = find(router, component, key, &passed);

	if (*at != NULL) {
		fw_log(log_of(router, component), &notice_log, FW_LOG_NOTICE,
		       "no longer: %s notice=%s", (*at)->text, key);
		notice_free(at);
	}
}

void notices_drop_all(struct router *router, const struct component *component)
{
	struct notice **at = &router->notices;

	while (*at != NULL) {
		if ((*at)->component == component) {
			notice_free(at);
		} else {
			at = &(*at)->next;
		}
	}
}

void notices_free(struct router *router)
{
	while (router->notices != NULL) {
		notice_free(&router->notices);
	}
}

void notices_set(struct router *router, const char *key, enum fw_notice_level level,
                 const char *remedy, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	notices_put(router, NULL, key, level, remedy, text);
}

void notices_clear(struct router *router, const char *key)
{
	notices_drop(router, NULL, key);
}

enum fw_notice_level notices_worst(const struct router *router)
{
	enum fw_notice_level worst = FW_NOTICE_INFO;

	for (const struct notice *each = router->notices; each != NULL; each = each->next) {
		worst = each->level > worst ? each->level : worst;
	}
	return worst;
}

const char *notices_level_name(enum fw_notice_level level)
{
	return levels[level].name;
}

const char *notices_health_name(enum fw_notice_level worst)
{
	return levels[worst].health;
}
