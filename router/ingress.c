/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The one door in: is the sender who it may be, is the stanza one that can be routed at all? First
 * room of the passage. A stanza whose sender is in doubt is never answered to that sender, who may
 * be somebody else; a link is told under its own name.
 */
#include "router/fabric.h"
#include "router/passage.h"
#include "router/route_table.h"

static struct fw_logger stanza_in = FW_LOGGER("stanza.component.in");

static const char *const kind_names[] = { "message", "presence", "iq", "other" };

static void log_in(const struct passage *passage)
{
	char from[128], to[128], type[32];

	fw_log(passage->source->log, &stanza_in, FW_LOG_DEBUG,
	       "arrived xcoder=" FW_XCODER " kind=%s type=%s from:to=%s:%s bytes=%zu",
	       fw_stanza_xcoder(passage->stanza), kind_names[fw_stanza_kind(passage->stanza)],
	       fw_quote(fw_stanza_type(passage->stanza), type, sizeof(type)),
	       fw_quote(fw_stanza_from(passage->stanza), from, sizeof(from)),
	       fw_quote(fw_stanza_to(passage->stanza), to, sizeof(to)),
	       fw_stanza_size(passage->stanza));
}

bool ingress_is_outside(const struct component *source, struct fw_str domain)
{
	bool speaks = source->peer != NULL ? source->peer->row->outside : source->gateway;

	/* A gateway speaks for the outside, never for what is ours. */
	return speaks && !route_table_is_local(source->router->routes, domain);
}

/* May this component send from this domain? The answer is remembered until the route table changes.
 */
static bool sender_is_good(struct component *source, struct fw_str domain)
{
	const struct route_table *routes = source->router->routes;
	bool held = route_table_holds(routes, source, domain);
	bool outside = false;

	if (!held && source->peer != NULL) {
		/* What is ours may be on its way from a domain that was withdrawn meanwhile. */
		held = fabric_may_send(source->peer, domain);
	}
	if (!held) {
		outside = ingress_is_outside(source, domain);
		if (!outside && (source->gateway || source->peer != NULL || source->check_from)) {
			return false;
		}
	}
	source->last_outside = outside;
	source->last_federated = !outside && route_table_is_federated(routes, domain);
	source->last_generation = 0;
	if (domain.len < sizeof(source->last_from_text)) {
		memcpy(source->last_from_text, domain.ptr, domain.len);
		source->last_from = fw_str_n(source->last_from_text, domain.len);
		source->last_generation = route_table_generation(routes);
	}
	return true;
}

/* How it came here: not in a circle, and not through too many routers. */
static enum passage_next check_trail(struct passage *passage)
{
	uint32_t trail = fw_stanza_trail(passage->stanza);

	if (trail == 0) {
		return PASSAGE_ON;
	}
	enum fw_cause cause = trail_judge(passage->router->fabric->trails, trail);
	return cause == FW_CAUSE_NONE ? PASSAGE_ON : passage_leave(passage, PASSAGE_BOUNCE, cause);
}

static enum passage_next refuse_sender(struct passage *passage, int result, enum fw_cause cause)
{
	passage->result = result;
	passage->to_source = component_is(passage->source, "link") && !passage->source->gateway;
	return passage_leave(passage, passage->to_source ? PASSAGE_BOUNCE : PASSAGE_DROP, cause);
}

static enum passage_next check_sender(struct passage *passage)
{
	struct component *source = passage->source;
	struct fw_str domain = fw_stanza_from_domain(passage->stanza);

	if (domain.len == 0) {
		return refuse_sender(passage, FW_EPARSE, FW_CAUSE_IMPROPER_ADDRESSING);
	}
	bool known = source->last_generation == route_table_generation(passage->router->routes) &&
	             fw_str_eq(source->last_from, domain);
	if (!known && !sender_is_good(source, domain)) {
		return refuse_sender(passage, FW_EDENIED, FW_CAUSE_FOREIGN_SENDER);
	}
	struct fw_jid jid;
	if (fw_jid_split(fw_stanza_from(passage->stanza), &jid) != FW_OK) {
		return refuse_sender(passage, FW_EPARSE, FW_CAUSE_BAD_ADDRESS);
	}
	passage->outside = source->last_outside;
	passage->federated = source->last_federated;
	return PASSAGE_ON;
}

/* RFC 6120 §8.2.3 */
static bool iq_is_good(const struct fw_stanza *stanza)
{
	static const char *const types[] = { "get", "set", "result", "error" };
	struct fw_str type = fw_stanza_type(stanza);

	if (fw_stanza_id(stanza).ptr == NULL) {
		return false;
	}
	for (size_t i = 0; i < FW_COUNT(types); i++) {
		if (fw_str_is(type, types[i])) {
			return true;
		}
	}
	return false;
}

static enum passage_next check_stanza(struct passage *passage)
{
	const struct fw_stanza *stanza = passage->stanza;

	if (fw_stanza_to_domain(stanza).len == 0) {
		passage->result = FW_EPARSE;
		return passage_leave(passage, PASSAGE_BOUNCE, FW_CAUSE_IMPROPER_ADDRESSING);
	}
	struct fw_jid jid;
	if (fw_jid_split(fw_stanza_to(stanza), &jid) != FW_OK) {
		passage->result = FW_EPARSE;
		return passage_leave(passage, PASSAGE_BOUNCE, FW_CAUSE_BAD_ADDRESS);
	}
	switch (fw_stanza_kind(stanza)) {
	case FW_KIND_IQ:
		if (!iq_is_good(stanza)) {
			return passage_leave(passage, PASSAGE_BOUNCE, FW_CAUSE_BAD_STANZA);
		}
		break;
	case FW_KIND_MESSAGE:
	case FW_KIND_PRESENCE:
		break;
	case FW_KIND_OTHER:
		return passage_leave(passage, PASSAGE_DROP, FW_CAUSE_UNSUPPORTED_STANZA);
	}
	if (fw_stanza_size(stanza) > passage->router->config->router.stanza_max_bytes) {
		return passage_leave(passage, PASSAGE_BOUNCE, FW_CAUSE_STANZA_TOO_LARGE);
	}
	return PASSAGE_ON;
}

/*
 * From outside only what is federated can be reached, never the realm and its services. No answer:
 * it would have to leave in the name of a domain that does not federate.
 */
static enum passage_next check_outside(struct passage *passage)
{
	const struct route_table *routes = passage->router->routes;
	struct fw_str to = fw_stanza_to_domain(passage->stanza);

	if (!passage->router->federation) {
		return passage_leave(passage, PASSAGE_DROP, FW_CAUSE_FEDERATION_OFF);
	}
	if (route_table_is_federated(routes, to)) {
		return PASSAGE_ON;
	}
	bool ours = route_table_is_local(routes, to);
	return passage_leave(passage, PASSAGE_DROP, ours ? FW_CAUSE_HOST_UNKNOWN : FW_CAUSE_LOOP);
}

enum passage_next ingress_enter(struct passage *passage)
{
	if (passage->source == NULL) {
		return PASSAGE_ON; /* an error answer of our own */
	}
	if (fw_log_on(&stanza_in, FW_LOG_DEBUG)) {
		log_in(passage);
	}
	enum passage_next next = check_sender(passage);
	if (next == PASSAGE_ON) {
		next = check_trail(passage);
	}
	if (next == PASSAGE_ON) {
		next = check_stanza(passage);
	}
	if (next == PASSAGE_ON && passage->outside) {
		next = check_outside(passage);
	}
	return next;
}
