/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A component that answers: messages come back with the same body, pings (XEP-0199) are answered,
 * presence is accepted. The file to copy when you write your own; sdk/WRITING-A-COMPONENT.md walks
 * through it. Built against the installed SDK with the Makefile beside it.
 */
#include <fedway/fedway.h>

struct echo_config {
	const char *domain;
};

static const struct fw_option echo_options[] = {
	FW_OPT(struct echo_config, domain, NULL, .help = "the domain to answer for"),
	FW_OPT_END,
};

static struct fw_logger echo_log = FW_LOGGER("echo");

static int echo_start(struct fw_self *self, struct fw_error *err)
{
	const struct echo_config *config = fw_self_config(self);
	int ret = fw_bind(self, config->domain);

	if (ret != FW_OK) {
		return fw_error_set(err, ret, "cannot bind %s: %s", config->domain,
		                    fw_strerror(ret));
	}
	fw_log(fw_self_log(self), &echo_log, FW_LOG_NOTICE, "answering for %s", config->domain);
	return FW_OK;
}

/* An answer that could not be made for want of memory goes on as NULL: fw_reply() bounces the
 * request then. */
static void echo_message(struct fw_self *self, struct fw_stanza **message)
{
	struct fw_elem *body = fw_elem_find(fw_stanza_root(*message), "body", NULL);
	struct fw_stanza *answer = NULL;

	if (fw_stanza_is_error(*message) || body == NULL) {
		return; /* nothing to answer: left in place, it counts as delivered */
	}
	fw_stanza_reply(*message, "chat", &answer);
	body = fw_elem_copy(fw_stanza_root(answer), body);
	if (body == NULL) {
		fw_stanza_free(&answer);
	}
	fw_reply(self, message, &answer);
}

static void echo_iq(struct fw_self *self, struct fw_stanza **iq)
{
	struct fw_stanza *answer = NULL;

	if (!fw_stanza_is_request(*iq)) {
		return;
	}
	if (fw_elem_find(fw_stanza_root(*iq), "ping", "urn:xmpp:ping") == NULL) {
		fw_bounce(self, iq, FW_CAUSE_UNHANDLED);
		return;
	}
	fw_stanza_reply(*iq, "result", &answer);
	fw_reply(self, iq, &answer);
}

static void echo_presence(struct fw_self *self, struct fw_stanza **presence)
{
	struct fw_str type = fw_stanza_type(*presence);
	struct fw_stanza *answer = NULL;

	if (fw_str_is(type, "subscribe")) {
		fw_stanza_reply(*presence, "subscribed", &answer);
	} else if (fw_str_is(type, "probe") || type.len == 0) {
		fw_stanza_reply(*presence, NULL, &answer);
	} else {
		return;
	}
	fw_reply(self, presence, &answer);
}

static void echo_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	switch (fw_stanza_kind(*stanza)) {
	case FW_KIND_MESSAGE:
		echo_message(self, stanza);
		break;
	case FW_KIND_IQ:
		echo_iq(self, stanza);
		break;
	case FW_KIND_PRESENCE:
		echo_presence(self, stanza);
		break;
	case FW_KIND_OTHER:
		break;
	}
}

/* fedwayctl echo TEXT */
static void echo_command(struct fw_self *self, struct fw_call *call)
{
	struct fw_str text = fw_call_arg(call, "text");

	(void)self;
	if (text.len == 0) {
		fw_call_fail(&call, FW_EINVAL, "fedwayctl echo TEXT", "there is nothing to echo");
		return;
	}
	fw_json_set(fw_call_result(call), "text", text);
	fw_call_done(&call);
}

static const struct fw_command echo_commands[] = {
	{ "echo", "text", "say a text again", echo_command },
	FW_COMMAND_END,
};

FW_COMPONENT_EXPORT(echo) = {
	FW_COMPONENT_HEAD,
	.name = "echo",
	.summary = "answers messages with their own body, and pings",
	.options = echo_options,
	.config_size = sizeof(struct echo_config),
	.start = echo_start,
	.deliver = echo_deliver,
	.commands = echo_commands,
};
