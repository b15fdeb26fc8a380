/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A router with another one beside it, "other", played by the test: what is said to its service
 * control.other is kept, and the test answers. And a client on our control socket.
 */
#ifndef FEDWAY_TESTS_ROUTER_OTHER_NODE_H
#define FEDWAY_TESTS_ROUTER_OTHER_NODE_H

#include "tests/router/attach_rig.h"

struct other_node {
	struct rig rig;
	struct peer client;          /* on our control socket */
	struct component *component; /* the link to it, and to "third" behind it */
	char heard[300000];          /* the last stanza for it */
	char last_id[32], third_id[32]; /* of questions */
};

/* Our router has one component, toy-1, and knows the realm "other", which may ask it; and "third", if wanted. */
void other_node_start(struct other_node *node, bool third);
void other_node_finish(struct other_node *node);
/* The link to it is gone. */
void other_node_leave(struct other_node *node);
/* The other node sends a stanza. */
void other_node_say(struct other_node *node, const char *xml);
/* It answers the last question (that for "third", if there is one and the address is its), under this address. */
void other_node_answer(struct other_node *node, const char *from, const char *json);

#endif
