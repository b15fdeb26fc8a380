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

/* ---- ranks ---- */

/* Share of the total: stanzas weigh as much as the bytes that the limits allow for each. */
static uint8_t waiting_rank_of(const struct s2s *s2s, const struct s2s_waiting *waiting)
{
	const struct s2s_config *config = s2s->config;
	uint64_t each = config->queue_total_max_bytes / config->queue_total_max_stanzas;
	uint64_t weight = waiting->stanzas * each + waiting->bytes;
	uint8_t rank = 0;

	for (; weight > 0; weight >>= 1) {
		rank++;
	}
	return rank;
}

static void waiting_unrank(struct s2s_waiting *waiting)
{
	if (waiting->rank > 0) {
		*waiting->link = waiting->next;
		if (waiting->next != NULL) {
			waiting->next->link = waiting->link;
		}
		waiting->rank = 0;
	}
}

/* It holds more or less than before. */
static void waiting_changed(struct s2s *s2s, struct s2s_waiting *waiting)
{
	uint8_t rank = waiting->ranked ? waiting_rank_of(s2s, waiting) : 0;

	if (rank == waiting->rank) {
		return;
	}
	waiting_unrank(waiting);
	if (rank > 0) {
		waiting->rank = rank;
		waiting->link = &s2s->ranks[rank];
		waiting->next = s2s->ranks[rank];
		if (waiting->next != NULL) {
			waiting->next->link = &waiting->next;
		}
		s2s->ranks[rank] = waiting;
	}
}

static struct s2s_waiting *waiting_heaviest(const struct s2s *s2s)
{
	for (size_t rank = S2S_WAITING_RANKS - 1; rank > 0; rank--) {
		if (s2s->ranks[rank] != NULL) {
			return s2s->ranks[rank];
		}
	}
	return NULL;
}

/* ---- the list ---- */

static void waiting_link(struct s2s_waiting *waiting, struct s2s_waiting_entry *entry)
{
	entry->next = NULL;
	if (waiting->last != NULL) {
		waiting->last->next = entry;
	} else {
		waiting->first = entry;
	}
	waiting->last = entry;
	waiting->stanzas++;
	waiting->bytes += entry->bytes;
}

static struct s2s_waiting_entry *waiting_unlink(struct s2s_waiting *waiting)
{
	struct s2s_waiting_entry *entry = waiting->first;

	waiting->first = entry->next;
	if (waiting->first == NULL) {
		waiting->last = NULL;
	}
	waiting->stanzas--;
	waiting->bytes -= entry->bytes;
	return entry;
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
	waiting_link(waiting, entry);
	s2s->waiting.stanzas++;
	s2s->waiting.bytes += entry->bytes;
	waiting_changed(s2s, waiting);
	return FW_OK;
}

/* There is room for so many bytes in all, when `paid` has gone. */
static bool waiting_has_room(const struct s2s *s2s, const struct s2s_waiting *paid, uint64_t bytes)
{
	return s2s->waiting.stanzas - paid->stanzas < s2s->config->queue_total_max_stanzas &&
	       s2s->waiting.bytes - paid->bytes + bytes <= s2s->config->queue_total_max_bytes;
}

int s2s_waiting_push(struct s2s *s2s, struct s2s_waiting *waiting, struct fw_stanza **stanza,
                     struct s2s_waiting *paid)
{
	const struct s2s_config *config = s2s->config;
	uint64_t bytes = s2s_waiting_size(*stanza);
	struct s2s_waiting after = { .stanzas = waiting->stanzas + 1,
		                     .bytes = waiting->bytes + bytes };

	if (after.stanzas > config->queue_max_stanzas || after.bytes > config->queue_max_bytes) {
		return FW_ELIMIT;
	}
	while (!waiting_has_room(s2s, paid, bytes)) {
		struct s2s_waiting *payer = waiting_heaviest(s2s);
		if (payer == NULL || payer == waiting ||
		    payer->rank <= waiting_rank_of(s2s, &after)) {
			return FW_ELIMIT;
		}
		waiting_link(paid, waiting_unlink(payer));
		waiting_changed(s2s, payer);
	}
	return waiting_append(s2s, waiting, stanza);
}

int s2s_waiting_return(struct s2s *s2s, struct s2s_waiting *waiting, struct fw_stanza **stanza)
{
	return waiting_append(s2s, waiting, stanza);
}

struct fw_stanza *s2s_waiting_pop(struct s2s *s2s, struct s2s_waiting *waiting)
{
	if (waiting->first == NULL) {
		return NULL;
	}
	struct s2s_waiting_entry *entry = waiting_unlink(waiting);
	struct fw_stanza *stanza = entry->stanza;
	s2s->waiting.stanzas--;
	s2s->waiting.bytes -= entry->bytes;
	waiting_changed(s2s, waiting);
	free(entry);
	return stanza;
}

void s2s_waiting_prepend(struct s2s *s2s, struct s2s_waiting *waiting, struct s2s_waiting *front)
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
	waiting_changed(s2s, waiting);
}

uint64_t s2s_waiting_since_ms(const struct s2s_waiting *waiting)
{
	return waiting->first != NULL ? waiting->first->since_ms : 0;
}

void s2s_waiting_bounce(struct s2s *s2s, struct s2s_waiting *waiting, enum fw_cause cause)
{
	/* Apart first: a bounce can make its receiver send again, to this same queue. */
	struct s2s_waiting apart = { .first = waiting->first,
		                     .last = waiting->last,
		                     .stanzas = waiting->stanzas,
		                     .bytes = waiting->bytes };
	struct fw_stanza *stanza;

	waiting_unrank(waiting);
	*waiting = (struct s2s_waiting){ .ranked = waiting->ranked };
	while ((stanza = s2s_waiting_pop(s2s, &apart)) != NULL) {
		s2s_count(s2s, S2S_COUNT_STANZAS_RETURNED);
		fw_bounce(s2s->self, &stanza, cause);
	}
}
