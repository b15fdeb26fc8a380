/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Listens for servers, and lets them in as far as s2s_side.c and s2s_limits.c admit them. What an
 * accepted connection does is s2s_in.c.
 */
#include "components/s2s/s2s.h"
#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_limits.h"
#include "components/s2s/s2s_side.h"

enum { LISTEN_BACKLOG = 256, LISTEN_PER_TURN = 64 };

static struct fw_logger listen_logger = FW_LOGGER("s2s.listen");

/* The option that forbids a connection from there; NULL: none. Our own servers may come as often as
 * they like: some dial anew for every domain. */
static const char *listen_refusal(struct s2s *s2s, const struct fw_addr *peer, enum fw_cause *cause)
{
	if (!s2s_side_admits(s2s, peer)) {
		*cause = FW_CAUSE_NOT_AUTHORIZED;
		return "inner_servers";
	}
	*cause = FW_CAUSE_RESOURCES;
	return s2s_side_inner(s2s) ? NULL : s2s_limits_refusal(s2s, peer);
}

static void listen_on_accept(void *ctx, const struct fw_addr *wanted, int *fd,
                             const struct fw_addr *peer)
{
	struct s2s *s2s = ctx;
	enum fw_cause cause = FW_CAUSE_NONE;
	const char *limit = listen_refusal(s2s, peer, &cause);
	char text[FW_ADDR_TEXT_SIZE];

	(void)wanted;
	if (limit != NULL) {
		s2s_count(s2s, S2S_COUNT_STREAMS_REFUSED);
		fw_log(fw_self_log(s2s->self), &listen_logger, FW_LOG_WARNING,
		       "connection refused peer=%s cause=%s limit=%s", fw_addr_text(peer, text),
		       fw_cause_row(cause)->name, limit);
		return;
	}
	s2s_count(s2s, S2S_COUNT_STREAMS_IN);
	s2s_in_accept(s2s, fd, peer);
}

int s2s_listen_new(struct s2s *s2s, struct fw_listeners **out)
{
	const struct fw_listeners_settings settings = { LISTEN_BACKLOG, LISTEN_PER_TURN,
		                                        fw_self_log(s2s->self), &listen_logger };

	return fw_listeners_new(s2s->loop, &settings, listen_on_accept, s2s, out);
}

uint16_t s2s_listen_port(const struct s2s *s2s)
{
	const struct fw_addr *first = fw_listeners_at(s2s->listeners, 0);

	return first != NULL ? fw_addr_port(first) : 0;
}
