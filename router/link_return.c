/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of the stanzas that a link still holds when it ends: each goes to another holder of
 * its name or back to its sender, in order. Called by link.c after the component has left the
 * router, so that nothing comes back here.
 */
#include "router/link_credit.h"
#include "router/link_session.h"
#include "router/passage.h"

void link_session_gather(struct link *link, struct link_returns *returns)
{
	struct link_session *session = link->xep198;

	returns->channel = link->channel;
	if (session != NULL) {
		returns->kept = session->kept;
		returns->waiting = session->waiting;
		session->kept = session->waiting = (struct link_queue){ 0 };
	}
}

/* A request that the peer may have is not made a second time: its sender is told instead. */
void link_session_return_one(struct link_returns *returns, struct fw_stanza **stanza, bool written)
{
	if (*stanza == NULL) {
		return;
	}
	if (returns->again && !returns->router->draining &&
	    !(written && fw_stanza_is_request(*stanza))) {
		router_route_again(returns->router, stanza, returns->cause);
	} else {
		router_bounce(returns->router, stanza, returns->cause);
	}
}

static void return_queue(struct link_returns *returns, struct link_queue *queue, bool written)
{
	while (queue->count > 0) {
		struct fw_stanza *stanza = link_queue_pop(queue);
		link_session_return_one(returns, &stanza, written);
	}
	link_queue_clear(queue);
}

void link_session_return(struct link_returns *returns)
{
	struct fw_stanza *stanza;

	return_queue(returns, &returns->kept, true);
	while (returns->channel != NULL &&
	       (stanza = fw_channel_take_back(returns->channel)) != NULL) {
		link_session_return_one(returns, &stanza, false);
	}
	return_queue(returns, &returns->waiting, false);
	link_credit_return(returns);
}
