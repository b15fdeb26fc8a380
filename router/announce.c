/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tells modules that a service's answers have changed. Called by the service through its host; the
 * telling waits for the end of the turn, so that the caller is not entered again and a burst of
 * changes is told once.
 */
#include "router/announce.h"

#include <stdlib.h>

#include "router/holders.h"
#include "router/instance.h"
#include "router/router.h"

struct announcement {
	struct announcement *next;
	uint32_t by; /* number of the component that knows it already; 0: none */
	char service[];
};

struct announcements {
	struct router *router;
	struct announcement *first;
	struct fw_task task;
};

static struct fw_logger announce_log = FW_LOGGER("announce");

static void free_all(struct announcement **first)
{
	while (*first != NULL) {
		struct announcement *next = (*first)->next;
		free(*first);
		*first = next;
	}
}

static void tell_all(void *ctx)
{
	struct announcements *announcements = ctx;
	struct announcement *first = announcements->first;

	announcements->first = NULL; /* what is announced meanwhile waits for the next turn */
	for (const struct announcement *each = first; each != NULL; each = each->next) {
		fw_log(announcements->router->log, &announce_log, FW_LOG_INFO,
		       "answers have changed service=%s", each->service);
		instances_announce(announcements->router, each->service, each->by);
	}
	free_all(&first);
}

int announcements_new(struct router *router, struct announcements **out)
{
	struct announcements *announcements = calloc(1, sizeof(*announcements));

	if (announcements == NULL) {
		return FW_ENOMEM;
	}
	announcements->router = router;
	announcements->task.fn = tell_all;
	announcements->task.ctx = announcements;
	*out = announcements;
	return FW_OK;
}

void announcements_free(struct announcements **announcements)
{
	if (*announcements == NULL) {
		return;
	}
	fw_defer_cancel(&(*announcements)->task);
	free_all(&(*announcements)->first);
	free(*announcements);
	*announcements = NULL;
}

void router_announce(struct router *router, const char *service, const struct component *by)
{
	struct announcements *announcements = router->announcements;
	struct announcement **at = &announcements->first;
	uint32_t number = by != NULL ? by->number : 0;
	size_t size = strlen(service) + 1;

	for (; *at != NULL; at = &(*at)->next) {
		if (strcmp((*at)->service, service) == 0) {
			(*at)->by = (*at)->by == number ? number : 0;
			return;
		}
	}
	*at = calloc(1, sizeof(struct announcement) + size);
	if (*at == NULL) {
		fw_log(router->log, &announce_log, FW_LOG_ERROR,
		       "out of memory, caches of this service are out of date service=%s", service);
		return;
	}
	(*at)->by = number;
	holders_changed(router); /* other routers may have to be told another thing, too */
	memcpy((*at)->service, service, size);
	fw_defer(router->loop, &announcements->task);
}
