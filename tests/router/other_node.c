/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A router with another one beside it, "other", played by the test: what is said to its service
 * control.other is kept, and the test answers. And a client on our control socket.
 */
#include "tests/router/other_node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/control.h"
#include "router/fabric.h"
#include "tests/router/toys.h"

#define TEXT \
	"components = ( { module = \"toy\"; options = { text = \"quick\"; }; } );" \
	"routers = ( { realm = \"other\"; host = \"127.0.0.1\"; port = 1; secret = \"one\"; " \
	"control = true; }"

static int other_deliver(void *port, struct fw_stanza **stanza)
{
	struct other_node *node = port;
	struct fw_str bytes;

	assert_int_equal(fw_stanza_bytes(*stanza, &bytes), FW_OK);
	assert_true(bytes.len < sizeof(node->heard));
	memcpy(node->heard, bytes.ptr, bytes.len);
	node->heard[bytes.len] = '\0';
	bool third = fw_str_is(fw_stanza_to_domain(*stanza), "control.third");
	(void)snprintf(third ? node->third_id : node->last_id, sizeof(node->last_id), "%.*s",
	               FW_STR_ARG(fw_stanza_id(*stanza)));
	fw_stanza_end(stanza, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	return FW_OK;
}

/* What our router announces is not looked at here. */
static void wire_send(void *link, struct fw_stanza **element)
{
	(void)link;
	fw_stanza_free(element);
}

static void wire_end(void *link, enum fw_cause cause)
{
	(void)link;
	(void)cause;
}

static const struct fabric_wire other_wire = { wire_send, wire_end };
/* The link is that of the last. */
static const char *const realms[] = { "third", "other" };
static const struct component_port other_port = { .kind = "link", .deliver = other_deliver };

void other_node_start(struct other_node *node, bool third)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[64];
	struct config *config;
	struct fw_error err = { 0 };

	memset(node, 0, sizeof(*node));
	toys_begin();
	*toys_waiting() = NULL;
	(void)snprintf(path, sizeof(path), "%s", rig_new_socket());
	config = toys_config(third ? TEXT ", { realm = \"third\"; host = \"127.0.0.1\"; port = 1; "
	                                  "secret = \"two\"; } );"
	                           : TEXT " );");
	config->router.control_socket = path;
	assert_int_equal(fw_loop_new(&node->rig.loop), FW_OK);
	assert_int_equal(router_start(node->rig.loop, &config, NULL, &node->rig.router, NULL),
	                 FW_OK);
	assert_int_equal(component_add(node->rig.router, "the-other", true, &other_port, node,
	                               &node->component),
	                 FW_OK);
	assert_int_equal(component_bind(node->component, "control.other", &err), FW_OK);
	assert_int_equal(component_bind(node->component, "control.third", &err), FW_OK);
	component_up(node->component);
	for (size_t i = third ? 0 : 1; i < FW_COUNT(realms); i++) {
		fabric_up(fabric_find(node->rig.router, fw_str(realms[i])), node->component,
		          &other_wire, node);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	peer_take(&node->client, &node->rig, fd);
	node->rig.router->config->router.control_socket = ""; /* `path` goes */
}

void other_node_finish(struct other_node *node)
{
	peer_close(&node->client);
	if (node->rig.router != NULL) {
		assert_true(fw_ledger_balanced(node->rig.router->total));
		assert_int_equal(node->rig.router->total->in_flight, 0);
	}
	other_node_leave(node);
	router_stop(&node->rig.router);
	fw_loop_turn(node->rig.loop, false);
	fw_loop_free(&node->rig.loop);
}

void other_node_leave(struct other_node *node)
{
	for (size_t i = 0; i < FW_COUNT(realms) && node->component != NULL; i++) {
		struct fabric_peer *peer = fabric_find(node->rig.router, fw_str(realms[i]));
		if (peer != NULL && peer->component == node->component) {
			fabric_down(peer, FW_CAUSE_NONE, "");
		}
	}
	component_remove(&node->component);
}

void other_node_say(struct other_node *node, const char *xml)
{
	struct fw_stanza *stanza = NULL;

	assert_int_equal(fw_stanza_parse(fw_str(xml), &stanza), FW_OK);
	(void)router_route(node->component, &stanza);
	rig_settle(&node->rig);
}

void other_node_answer(struct other_node *node, const char *from, const char *json)
{
	bool third = strcmp(from, "control.third") == 0 && node->third_id[0] != '\0';
	const char *id = third ? node->third_id : node->last_id;
	struct fw_stanza *stanza = NULL;

	assert_true(id[0] != '\0');
	assert_int_equal(fw_stanza_new("iq", NULL, &stanza), FW_OK);
	(void)fw_stanza_set(stanza, "type", fw_str("result"));
	(void)fw_stanza_set(stanza, "id", fw_str(id));
	(void)fw_stanza_set(stanza, "from", fw_str(from));
	(void)fw_stanza_set(stanza, "to", fw_str("control.realm-test"));
	struct fw_elem *answer =
	        fw_elem_add(fw_stanza_root(stanza), "answer", "urn:fedway:control:1");
	assert_int_equal(fw_elem_set_text(answer, fw_str(json)), FW_OK);
	(void)router_route(node->component, &stanza);
	rig_settle(&node->rig);
}
