/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Modules for the tests of instances, reloads and drains.
 */
#include "tests/router/toys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <fedway/json.h>

char toys_story[4096];

static struct fw_self *selves[32];

static void tell(const struct fw_self *self, const char *what, const char *more)
{
	size_t used = strlen(toys_story);
	struct fw_str id = fw_str(fw_self_id(self));

	id.len -= strlen(fw_self_realm(self)) + 1;
	(void)snprintf(toys_story + used, sizeof(toys_story) - used, "%s %.*s%s%s;", what,
	               FW_STR_ARG(id), more[0] != '\0' ? " " : "", more);
}

void toys_begin(void)
{
	toys_story[0] = '\0';
}

struct fw_self *toys_self(const char *id)
{
	for (size_t i = 0; i < FW_COUNT(selves); i++) {
		if (selves[i] != NULL && strcmp(fw_self_id(selves[i]), id) == 0) {
			return selves[i];
		}
	}
	return NULL;
}

void toys_finish(const char *id)
{
	struct fw_self *self = toys_self(id);

	assert_non_null(self);
	fw_self_drained(self);
}

static int toy_start(struct fw_self *self, struct fw_error *err)
{
	const struct toy_config *config = fw_self_config(self);

	if (config->refuse[0] != '\0') {
		tell(self, "refuse", config->text);
		return fw_error_set(err, FW_EINVAL, "%s", config->refuse);
	}
	tell(self, "start", config->text);
	if (config->domain[0] != '\0') {
		assert_int_equal(fw_bind(self, config->domain), FW_OK);
	}
	for (size_t i = 0; i < FW_COUNT(selves); i++) {
		if (selves[i] == NULL) {
			selves[i] = self;
			break;
		}
	}
	fw_self_set_state(self, (void *)config); /* as modules do: a pointer into the snapshot */
	return FW_OK;
}

static void toy_reload(struct fw_self *self, const void *next)
{
	const struct toy_config *old = fw_self_state(self), *new = next;
	char text[128];

	/* The old one is still there. */
	(void)snprintf(text, sizeof(text), "%s>%s", old->text, new->text);
	tell(self, "reload", text);
	fw_count(self, TOY_RELOADS, 1);
	if (strcmp(old->domain, new->domain) != 0) {
		if (old->domain[0] != '\0') {
			assert_int_equal(fw_unbind(self, old->domain), FW_OK);
		}
		if (new->domain[0] != '\0') {
			assert_int_equal(fw_bind(self, new->domain), FW_OK);
		}
	}
	fw_self_set_state(self, (void *)next);
}

static void toy_announced(struct fw_self *self, const char *service)
{
	tell(self, "told", service);
	fw_count(self, TOY_TOLD, 1);
}

static void toy_drain(struct fw_self *self)
{
	const struct toy_config *config = fw_self_state(self);

	tell(self, "drain", config->text);
	if (!config->slow) {
		fw_self_drained(self);
	}
}

static void toy_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	const struct toy_config *config = fw_self_state(self);
	struct fw_stanza *reply = NULL;

	tell(self, "got", config->text);
	if (fw_stanza_is_request(*stanza) && fw_stanza_reply(*stanza, "result", &reply) == FW_OK) {
		(void)fw_reply(self, stanza, &reply);
	}
}

static void toy_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	const struct toy_config *config = fw_self_state(self);

	fw_json_set(out, topic, fw_str(config->text));
}

static void toy_stop(struct fw_self *self)
{
	const struct toy_config *config = fw_self_state(self);

	tell(self, "stop", config->text);
	for (size_t i = 0; i < FW_COUNT(selves); i++) {
		selves[i] = selves[i] == self ? NULL : selves[i];
	}
}

static enum fw_verdict toy_policy(struct fw_self *self, struct fw_stanza *stanza,
                                  struct fw_why *why)
{
	(void)self;
	if (fw_str_is(fw_stanza_to_domain(stanza), "denied.example")) {
		return fw_verdict(why, FW_BOUNCE, FW_CAUSE_POLICY_DENIED);
	}
	return FW_PASS;
}

static const struct fw_hook toy_hooks[] = { { FW_STAGE_POLICY, 100, toy_policy }, FW_HOOK_END };

static const struct fw_counter toy_counters[] = {
	[TOY_TOLD] = { "told", "services", "announcements that reached it" },
	[TOY_RELOADS] = { "reloads", "times", "new configurations" },
	FW_COUNTER_END,
};

/* The call that waits for toys_answer(), one at a time. */
static struct fw_call *waiting;

static void forget_waiting(void *ctx)
{
	tell(ctx, "cancelled", "");
	waiting = NULL;
}

struct fw_call **toys_waiting(void)
{
	return &waiting;
}

static void toy_say(struct fw_self *self, struct fw_call *call)
{
	struct fw_str text = fw_call_arg(call, "text");

	if (text.len == 0) {
		fw_call_fail(&call, FW_EINVAL, "say something", "%s has nothing to say",
		             fw_self_id(self));
		return;
	}
	fw_json_set(fw_call_result(call), "said", text);
	fw_call_done(&call);
}

static void toy_wait(struct fw_self *self, struct fw_call *call)
{
	const struct toy_config *config = fw_self_state(self);

	if (config->slow) {
		fw_call_progress(call, "%s waits", config->text);
		fw_call_on_cancel(call, forget_waiting, self);
		waiting = call;
		return;
	}
	fw_call_done(&call);
}

/* Its part of "explain": one step each way; nothing may leave for denied.example. */
static void toy_explain(struct fw_self *self, struct fw_call *call)
{
	bool denied = fw_str_is(fw_call_arg(call, "remote"), "denied.example");
	struct fw_json *result = fw_call_result(call);
	struct fw_json *out = fw_json_append_object(fw_json_set_array(result, "outgoing"));
	struct fw_json *in = fw_json_append_object(fw_json_set_array(result, "incoming"));

	(void)self;
	fw_json_set(out, "step", fw_call_arg(call, "local"));
	fw_json_set(out, "verdict", fw_str(denied ? "fail" : "ok"));
	fw_json_set(out, "cause", fw_str("policy-denied"));
	fw_json_set(in, "step", fw_call_arg(call, "remote"));
	fw_json_set(in, "verdict", fw_str("ok"));
	fw_call_done(&call);
}

/* Looks, and finds nothing but a policy. */
static void toy_check(struct fw_self *self, struct fw_call *call)
{
	bool denied = fw_str_is(fw_call_arg(call, "remote"), "denied.example");
	struct fw_json *steps = fw_json_set_array(fw_call_result(call), "steps");

	(void)self;
	fw_json_set(fw_json_append_object(steps), "verdict", fw_str(denied ? "fail" : "ok"));
	fw_call_done(&call);
}

static const struct fw_command toy_commands[] = {
	{ "check", "local remote", "its part", toy_check },
	{ "explain", "local remote", "its part", toy_explain },
	{ "say", "text", "say it", toy_say },
	{ "wait long", "", "answer when told to, if slow", toy_wait },
	{ "status", "", "never reached: the router's own", NULL },
	FW_COMMAND_END,
};

static const struct fw_option toy_options[] = {
	FW_OPT(struct toy_config, domain, "", .help = "bound at start"),
	FW_OPT(struct toy_config, text, "", .help = "what it says of itself"),
	FW_OPT(struct toy_config, refuse, "", .help = "why it does not start"),
	FW_OPT(struct toy_config, slow, "false", .help = "whether draining takes long"),
	FW_OPT_END,
};

static const struct fw_component toy = {
	FW_COMPONENT_HEAD,          .name = "toy",
	.options = toy_options,     .config_size = sizeof(struct toy_config),
	.hooks = toy_hooks,         .start = toy_start,
	.deliver = toy_deliver,     .reload = toy_reload,
	.announced = toy_announced, .drain = toy_drain,
	.report = toy_report,       .stop = toy_stop,
	.counters = toy_counters,   .commands = toy_commands,
	.read_commands = "say",
};

static const struct fw_component rigid = {
	FW_COMPONENT_HEAD,      .name = "rigid",
	.options = toy_options, .config_size = sizeof(struct toy_config),
	.start = toy_start,     .deliver = toy_deliver,
	.stop = toy_stop,
};

static int find_toy(void *ctx, const struct config_router *router, const char *module,
                    const struct fw_component **out, struct fw_error *err)
{
	(void)ctx;
	(void)router;
	if (strcmp(module, "toy") == 0) {
		*out = &toy;
		return FW_OK;
	}
	if (strcmp(module, "rigid") == 0) {
		*out = &rigid;
		return FW_OK;
	}
	return fw_error_set(err, FW_ENOENT, "there is no toy %s", module);
}

const struct config_modules toys_modules = { find_toy, NULL };

struct config *toys_config(const char *text)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	char whole[8192];

	int len = snprintf(whole, sizeof(whole),
	                   "realm = \"realm-test\"; pid_file = \"\";\n"
	                   "log_level = \"error\"; listen = ();\n%s\n",
	                   text);
	assert_true(len > 0 && (size_t)len < sizeof(whole));
	int ret = config_load_text(whole, &toys_modules, &config, &problems);
	if (ret != FW_OK) {
		print_error("%s", problems.text);
	}
	config_problems_free(&problems);
	assert_int_equal(ret, FW_OK);
	config->router.control_socket = ""; /* opens none */
	return config;
}
