/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The budget for streams that are being opened. Attempts to one remote domain wait in the order in
 * which they came; remote domains take turns, so that one with many attempts holds up none of the
 * others. Called by outgoing streams, which keep their stanzas meanwhile. Knows nothing of them.
 */
#include "components/s2s/s2s_egress.h"

#include <stdlib.h>

#include "components/s2s/s2s.h"

enum { EGRESS_BUCKETS = 256 };

struct s2s_egress_remote {
	struct s2s_egress_remote *next;                   /* in its bucket */
	struct s2s_egress_remote *ready_next, **ready_at; /* someone waits and may begin */
	struct s2s_egress_slot *waiting, **waiting_end;
	uint32_t connecting;
	char name[];
};

struct s2s_egress {
	struct s2s *s2s;
	struct fw_task serve;
	uint32_t connecting, waiting;
	struct s2s_egress_remote *ready, **ready_end;
	struct s2s_egress_remote *buckets[EGRESS_BUCKETS];
};

/* ---- remote domains ---- */

static struct s2s_egress_remote **remote_link(struct s2s_egress *egress, const char *name)
{
	struct s2s_egress_remote **at =
	        &egress->buckets[fw_str_hash(fw_str(name)) % EGRESS_BUCKETS];

	while (*at != NULL && strcmp((*at)->name, name) != 0) {
		at = &(*at)->next;
	}
	return at;
}

static struct s2s_egress_remote *remote_get(struct s2s_egress *egress, const char *name)
{
	struct s2s_egress_remote **at = remote_link(egress, name);
	size_t len = strlen(name);

	if (*at == NULL && (*at = calloc(1, sizeof(**at) + len + 1)) != NULL) {
		memcpy((*at)->name, name, len + 1);
		(*at)->waiting_end = &(*at)->waiting;
	}
	return *at;
}

static void ready_remove(struct s2s_egress *egress, struct s2s_egress_remote *remote)
{
	if (remote->ready_at == NULL) {
		return;
	}
	*remote->ready_at = remote->ready_next;
	*(remote->ready_next != NULL ? &remote->ready_next->ready_at : &egress->ready_end) =
	        remote->ready_at;
	remote->ready_next = NULL;
	remote->ready_at = NULL;
}

/* Puts it where it belongs now: at the end of those whose turn it can be, or nowhere. */
static void remote_look(struct s2s_egress *egress, struct s2s_egress_remote *remote)
{
	bool can = remote->waiting != NULL &&
	           remote->connecting < egress->s2s->config->connecting_per_domain_max;

	if (!can) {
		ready_remove(egress, remote);
	} else if (remote->ready_at == NULL) {
		remote->ready_at = egress->ready_end;
		*egress->ready_end = remote;
		egress->ready_end = &remote->ready_next;
	}
	if (remote->waiting == NULL && remote->connecting == 0) {
		*remote_link(egress, remote->name) = remote->next;
		free(remote);
	}
}

/* ---- turns ---- */

static void slot_unwait(struct s2s_egress *egress, struct s2s_egress_slot *slot)
{
	*slot->link = slot->next;
	*(slot->next != NULL ? &slot->next->link : &slot->remote->waiting_end) = slot->link;
	slot->next = NULL;
	slot->link = NULL;
	slot->waits = false;
	egress->waiting--;
}

static void egress_serve(void *ctx)
{
	struct s2s_egress *egress = ctx;

	while (egress->ready != NULL && egress->connecting < egress->s2s->config->connecting_max) {
		struct s2s_egress_remote *remote = egress->ready;
		struct s2s_egress_slot *slot = remote->waiting;

		slot_unwait(egress, slot);
		remote->connecting++;
		egress->connecting++;
		ready_remove(egress, remote); /* the others first */
		remote_look(egress, remote);
		slot->turn(slot->ctx);
	}
}

bool s2s_egress_enter(struct s2s_egress *egress, struct s2s_egress_slot *slot, const char *name)
{
	const struct s2s_config *config = egress->s2s->config;
	struct s2s_egress_remote *remote = remote_get(egress, name);

	slot->remote = remote;
	if (remote == NULL) {
		return false;
	}
	if (egress->ready == NULL && egress->connecting < config->connecting_max &&
	    remote->connecting < config->connecting_per_domain_max) {
		remote->connecting++;
		egress->connecting++;
		return true;
	}
	slot->waits = true;
	slot->link = remote->waiting_end;
	*remote->waiting_end = slot;
	remote->waiting_end = &slot->next;
	egress->waiting++;
	remote_look(egress, remote);
	return false;
}

void s2s_egress_leave(struct s2s_egress *egress, struct s2s_egress_slot *slot)
{
	struct s2s_egress_remote *remote = slot->remote;

	if (remote == NULL) {
		return;
	}
	if (slot->waits) {
		slot_unwait(egress, slot);
	} else {
		remote->connecting--;
		egress->connecting--;
		fw_defer(egress->s2s->loop, &egress->serve);
	}
	slot->remote = NULL;
	remote_look(egress, remote);
}

void s2s_egress_reload(struct s2s_egress *egress)
{
	for (size_t i = 0; i < EGRESS_BUCKETS; i++) {
		for (struct s2s_egress_remote *remote = egress->buckets[i], *next; remote != NULL;
		     remote = next) {
			next = remote->next;
			remote_look(egress, remote);
		}
	}
	fw_defer(egress->s2s->loop, &egress->serve);
}

uint32_t s2s_egress_connecting(const struct s2s_egress *egress)
{
	return egress->connecting;
}

uint32_t s2s_egress_waiting(const struct s2s_egress *egress)
{
	return egress->waiting;
}

/* ---- life ---- */

int s2s_egress_new(struct s2s *s2s, struct s2s_egress **out)
{
	struct s2s_egress *egress = calloc(1, sizeof(*egress));

	if (egress == NULL) {
		return FW_ENOMEM;
	}
	egress->s2s = s2s;
	egress->ready_end = &egress->ready;
	egress->serve = (struct fw_task){ egress_serve, egress, NULL, NULL };
	*out = egress;
	return FW_OK;
}

void s2s_egress_free(struct s2s_egress **at)
{
	if (*at == NULL) {
		return;
	}
	fw_assert((*at)->connecting == 0 && (*at)->waiting == 0);
	fw_defer_cancel(&(*at)->serve);
	free(*at);
	*at = NULL;
}
