/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: one request of the control socket. Whatever comes, the reply is one line of JSON
 * that says ok or not, and a refusal says why. The router has nothing attached: the commands' own
 * work is tested elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fedway/json.h>

#include "router/control.h"
#include "router/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Made once: starting it costs more than all that is asked of it. */
static struct router *router_of_this_run(void)
{
	static struct router *router;
	struct config_problems problems = { 0 };
	struct config_modules modules = { NULL, NULL };
	struct config *config = NULL;
	struct fw_loop *loop = NULL;
	struct fw_error err = { 0 };
	char text[256];

	if (router != NULL) {
		return router;
	}
	/* no listener, and a socket that nobody uses */
	(void)snprintf(text, sizeof(text),
	               "realm = \"fuzz\"; control_socket = \"/tmp/fedway-fuzz-%d.sock\"; log_level "
	               "= \"error\";"
	               "links = ( { name = \"a.test\"; secret = \"x\"; } );",
	               (int)getpid());
	fw_assert(config_load_text(text, &modules, &config, &problems) == FW_OK);
	fw_assert(fw_loop_new(&loop) == FW_OK);
	fw_assert(router_start(loop, &config, NULL, &router, &err) == FW_OK);
	control_stop(router);
	return router;
}

static void keep_reply(void *ctx, char *line, bool last)
{
	fw_assert(last);
	*(char **)ctx = line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_json *reply = NULL;
	struct control_call *call = NULL;
	char *text = NULL;

	fw_assert(control_ask(router_of_this_run(), fw_str_n((const char *)data, size), keep_reply,
	                      &text, &call) == FW_OK);
	fw_assert(call == NULL);
	fw_assert(text != NULL);
	fw_assert(strchr(text, '\n') == NULL);
	fw_assert(fw_json_parse(fw_str(text), &reply, NULL) == FW_OK);
	fw_assert(fw_json_type(fw_json_get(reply, "ok")) == FW_JSON_BOOL);
	if (fw_json_bool(fw_json_get(reply, "ok"))) {
		fw_assert(fw_json_type(fw_json_get(reply, "result")) == FW_JSON_OBJECT);
	} else {
		fw_assert(fw_json_text(fw_json_get(reply, "error")).len > 0);
	}
	fw_json_free(&reply);
	free(text);
	return 0;
}
