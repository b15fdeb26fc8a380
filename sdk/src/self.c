/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A component as it sees itself: its names, its configuration, and the door to its host. Components
 * call the functions of host.h; the host makes the object, delivers through it, and stands behind
 * its table of ops. Decides only what happens to a delivered stanza that the component left in
 * place.
 */
#include "sdk/src/self.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int fw_self_new(const struct fw_self_settings *settings, struct fw_self **out)
{
	struct fw_self *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		return FW_ENOMEM;
	}
	self->component = settings->component;
	self->ops = settings->ops;
	self->host = settings->host;
	self->loop = settings->loop;
	self->log = settings->log;
	self->config = settings->config;
	self->id = fw_str_dup(fw_str(settings->id));
	self->realm = fw_str_dup(fw_str(settings->realm));
	if (self->id == NULL || self->realm == NULL ||
	    counters_make(self, settings->component->counters) != FW_OK) {
		fw_self_free(&self);
		return FW_ENOMEM;
	}
	*out = self;
	return FW_OK;
}

void fw_self_free(struct fw_self **self)
{
	if (self == NULL || *self == NULL) {
		return;
	}
	fw_self_end_calls(*self);
	call_forget_all(*self);
	request_forget_all(*self);
	free((*self)->id);
	free((*self)->realm);
	free((*self)->counters);
	free(*self);
	*self = NULL;
}

/* ---- about oneself ---- */

const char *fw_self_id(const struct fw_self *self)
{
	return self->id;
}

const char *fw_self_realm(const struct fw_self *self)
{
	return self->realm;
}

const void *fw_self_config(const struct fw_self *self)
{
	return self->config;
}

void fw_self_set_config(struct fw_self *self, const void *config)
{
	self->config = config;
}

const struct fw_log *fw_self_log(const struct fw_self *self)
{
	return self->log;
}

struct fw_loop *fw_self_loop(const struct fw_self *self)
{
	return self->loop;
}

void *fw_self_state(const struct fw_self *self)
{
	return self->state;
}

void fw_self_set_state(struct fw_self *self, void *state)
{
	self->state = state;
}

const struct fw_component *fw_self_component(const struct fw_self *self)
{
	return self->component;
}

void *fw_self_host(const struct fw_self *self)
{
	return self->host;
}

void fw_self_drained(struct fw_self *self)
{
	self->ops->drained(self->host);
}

/* ---- names ---- */

int fw_bind(struct fw_self *self, const char *domain)
{
	return self->ops->bind(self->host, domain);
}

int fw_unbind(struct fw_self *self, const char *domain)
{
	return self->ops->unbind(self->host, domain);
}

int fw_bind_for(struct fw_self *self, const char *domain, const char *component_id, uint32_t weight)
{
	return self->ops->bind_for(self->host, domain, component_id, weight);
}

int fw_unbind_for(struct fw_self *self, const char *domain, const char *component_id)
{
	return self->ops->unbind_for(self->host, domain, component_id);
}

int fw_holders(const struct fw_self *self, const char *domain, struct fw_json *array)
{
	return self->ops->holders(self->host, domain, array);
}

bool fw_domain_is_local(struct fw_self *self, struct fw_str domain)
{
	return self->ops->domain_is_local(self->host, domain);
}

bool fw_domain_is_federated(struct fw_self *self, struct fw_str domain)
{
	return self->ops->domain_is_federated(self->host, domain);
}

int fw_domains(const struct fw_self *self, struct fw_json *array)
{
	return self->ops->domains(self->host, array);
}

bool fw_federation_is_on(const struct fw_self *self)
{
	return self->ops->federation_is_on(self->host);
}

const struct fw_json *fw_state(const struct fw_self *self, const char *key)
{
	return self->ops->state(self->host, key);
}

int fw_state_set(struct fw_self *self, const char *key, const struct fw_json *value,
                 struct fw_error *err)
{
	return self->ops->state_set(self->host, key, value, err);
}

/* ---- telling ---- */

void fw_notice(struct fw_self *self, const char *key, enum fw_notice_level level,
               const char *remedy, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	self->ops->notice(self->host, key, level, remedy, text);
}

void fw_notice_clear(struct fw_self *self, const char *key)
{
	self->ops->notice_clear(self->host, key);
}

void fw_announce(struct fw_self *self, const char *service)
{
	self->ops->announce(self->host, service);
}

/* ---- stanzas ---- */

int fw_route(struct fw_self *self, struct fw_stanza **stanza)
{
	return self->ops->route(self->host, stanza);
}

void fw_bounce(struct fw_self *self, struct fw_stanza **stanza, enum fw_cause cause)
{
	self->ops->bounce(self->host, stanza, cause);
}

int fw_reply(struct fw_self *self, struct fw_stanza **request, struct fw_stanza **reply)
{
	if (*reply == NULL) { /* could not be made */
		fw_bounce(self, request, FW_CAUSE_RESOURCES);
		return FW_ENOMEM;
	}
	fw_stanza_end(request, FW_EXIT_ANSWERED, FW_CAUSE_NONE);
	return fw_route(self, reply);
}

/* An answer to an iq, as opposed to a request or another kind of stanza. */
static bool self_is_answer(const struct fw_stanza *stanza)
{
	return fw_stanza_kind(stanza) == FW_KIND_IQ && !fw_stanza_is_request(stanza);
}

void fw_self_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	if (self_is_answer(*stanza) && request_take_reply(self, stanza)) {
		return;
	}
	if (self->component->deliver == NULL) {
		fw_bounce(self, stanza, FW_CAUSE_UNHANDLED);
		return;
	}
	self->component->deliver(self, stanza);
	if (*stanza != NULL) {
		fw_stanza_end(stanza, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	}
}
