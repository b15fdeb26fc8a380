/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The queue of a pair of domains. It knows limits and order; timers, streams and reasons are the
 * owner's. Called by s2s_pairs.c and s2s_out.c.
 */
#include "components/s2s/s2s_waiting.h"

#include <stdlib.h>

#include "components/s2s/s2s.h"

struct s2s_waiting_entry {
	struct s2s_waiting_entry *next;
	struct fw_stanza *stanza;
	uint64_t bytes;
	uint64_t since_ms;
};

/* A stanza that was made here has no bytes before somebody asks for them; the stream will, soon. */
uint64_t s2s_waiting_size(struct fw_stanza *stanza)
{
	struct fw_str bytes = { NULL, fw_stanza_size(stanza) };

	if (bytes.len == 0 && fw_stanza_bytes(stanza, &bytes) != FW_OK) {
		return 0;
	}
	return bytes.len;
}

static int waiting_append(struct s2s *s2s, struct s2s_waiting *waiting, struct fw_stanza **stanza)
{
	struct s2s_waiting_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL) {
		return FW_ENOMEM;
	}
	/* It must not hold a whole receive buffer while it waits; the limits count its own bytes.
	 */
	if (fw_stanza_settle(*stanza) != FW_OK) {
		free(entry);
		return FW_ENOMEM;
	}
	entry->stanza = *stanza;
	entry->bytes = s2s_waiting_size(*stanza);
	entry->since_ms = fw_now_ms(s2s->loop);
	*stanza = NULL;
	if (waiting->last != NULL) {
		waiting->last->next = entry;
	} else {
		waiting->first = entry;
	}
	waiting->last = entry;
	waiting->stanzas++;
	waiting->bytes += entry->bytes;
	s2s->waiting.stanzas++;
	s2s->waiting.bytes += entry->bytes;
	return FW_OK;
}

int s2s_waiting_push(struct s2s *s2s, struct s2s_waiting *waiting, struct fw_stanza **stanza)
{
	const struct s2s_config *config = s2s->config;
	uint64_t bytes = s2s_waiting_size(*stanza);

	if (waiting->stanzas >= config->queue_max_stanzas ||
	    waiting->bytes + bytes > config->queue_max_bytes ||
	    s2s->waiting.stanzas >= config->queue_total_max_stanzas ||
	    s2s->waiting.bytes + bytes > config->queue_total_max_bytes) {
		return FW_ELIMIT;
	}
	return waiting_append(s2s, waiting, stanza);
}

int s2s_waiting_return(struct s2s *s2s, struct s2s_waiting *waiting, struct fw_stanza **stanza)
{
	return waiting_append(s2s, waiting, stanza);
}

struct fw_stanza *s2s_waiting_pop(struct s2s *s2s, struct s2s_waiting *waiting)
{
	struct s2s_waiting_entry *entry = waiting->first;

	if (entry == NULL) {
		return NULL;
	}
	struct fw_stanza *stanza = entry->stanza;
	waiting->first = entry->next;
	if (waiting->first == NULL) {
		waiting->last = NULL;
	}
	waiting->stanzas--;
	waiting->bytes -= entry->bytes;
	s2s->waiting.stanzas--;
	s2s->waiting.bytes -= entry->bytes;
	free(entry);
	return stanza;
}

void s2s_waiting_prepend(struct s2s_waiting *waiting, struct s2s_waiting *front)
{
	if (front->first == NULL) {
		return;
	}
	front->last->next = waiting->first;
	if (waiting->last == NULL) {
		waiting->last = front->last;
	}
	waiting->first = front->first;
	waiting->stanzas += front->stanzas;
	waiting->bytes += front->bytes;
	*front = (struct s2s_waiting){ 0 };
}

uint64_t s2s_waiting_since_ms(const struct s2s_waiting *waiting)
{
	return waiting->first != NULL ? waiting->first->since_ms : 0;
}

void s2s_waiting_bounce(struct s2s *s2s, struct s2s_waiting *waiting, enum fw_cause cause)
{
	/* Apart first: a bounce can make its receiver send again, to this same queue. */
	struct s2s_waiting apart = *waiting;
	struct fw_stanza *stanza;

	*waiting = (struct s2s_waiting){ 0 };
	while ((stanza = s2s_waiting_pop(s2s, &apart)) != NULL) {
		s2s_count(s2s, S2S_COUNT_STANZAS_RETURNED);
		fw_bounce(s2s->self, &stanza, cause);
	}
}
