/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a connection that has proved nothing is offered: TLS, mechanisms, or the handshake of
 * XEP-0114; and what is offered after the proof. Decided here and nowhere else, from link_security,
 * xep_0114, and whether the connection leaves this machine. Called by link_hello.c and link_sasl.c.
 */
#include "router/link_hello.h"

#include <stdio.h>

#include "router/link_tls.h"

static const struct config_router *offer_config(const struct link_hello *hello)
{
	return &hello->room->router->config->router;
}

/* What is said on a loopback address stays in the machine. */
static bool offer_is_local(const struct link_hello *hello)
{
	char text[FW_ADDR_TEXT_SIZE];
	struct fw_addr own;

	if (fw_channel_local(hello->channel, &own) != FW_OK) {
		return false;
	}
	fw_addr_ip_text(&own, text);
	return strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0 ||
	       strncmp(text, "::ffff:127.", 11) == 0;
}

/* The words of link_security, "auto" resolved for this connection. */
static enum config_link_security offer_security(const struct link_hello *hello)
{
	enum config_link_security security =
	        (enum config_link_security)offer_config(hello)->link_security;

	if (security != CONFIG_LINK_AUTO) {
		return security;
	}
	return !link_tls_accepts(hello->room->tls) && offer_is_local(hello)
	               ? CONFIG_LINK_NO_TLS
	               : CONFIG_LINK_TLS_REQUIRED;
}

bool link_offer_wants_tls(const struct link_hello *hello)
{
	return fw_channel_tls(hello->channel) == NULL &&
	       offer_security(hello) == CONFIG_LINK_TLS_REQUIRED;
}

static bool offer_tls(const struct link_hello *hello)
{
	return fw_channel_tls(hello->channel) == NULL && link_tls_accepts(hello->room->tls) &&
	       offer_security(hello) != CONFIG_LINK_NO_TLS;
}

/* ---- XEP-0114 ---- */

enum fw_cause link_offer_objection(const struct link_hello *hello, const struct link_name *name,
                                   const char **words)
{
	int security = offer_config(hello)->link_security;
	bool clear = fw_channel_tls(hello->channel) == NULL;
	bool guarded = security == CONFIG_LINK_TLS_REQUIRED ||
	               (security == CONFIG_LINK_AUTO && link_tls_accepts(hello->room->tls));

	if (name->row == NULL || !name->row->xep_0114 || hello->xep_0114 == CONFIG_XEP_0114_NEVER) {
		*words = name->row == NULL     ? "a router does not attach by XEP-0114"
		         : name->row->xep_0114 ? "the listener does not take XEP-0114"
		                               : "the link's row does not take XEP-0114";
		return FW_CAUSE_NO_AUTH_METHOD;
	}
	if (clear &&
	    (hello->xep_0114 == CONFIG_XEP_0114_TLS ||
	     (hello->xep_0114 == CONFIG_XEP_0114_AUTO && guarded && !offer_is_local(hello)))) {
		*words = "XEP-0114 in clear text: see xep_0114 of the listener";
		return FW_CAUSE_TLS_REQUIRED;
	}
	return FW_CAUSE_NONE;
}

/* ---- features ---- */

/* RFC 9266: only what both ends can compute. */
static bool offer_plus(const struct link_hello *hello)
{
	unsigned char bytes[FW_TLS_EXPORTER_SIZE];
	const struct fw_tls *tls = fw_channel_tls(hello->channel);

	return tls != NULL && fw_tls_exporter(tls, bytes) == FW_OK;
}

/* A certificate that is good: whether it names who it should is looked at when it is used. */
static bool offer_external(const struct link_hello *hello)
{
	const struct fw_tls *tls = fw_channel_tls(hello->channel);
	struct fw_tls_facts facts;

	if (tls == NULL) {
		return false;
	}
	fw_tls_facts(tls, &facts);
	return facts.has_certificate &&
	       (facts.verdict == FW_TLS_VALID || facts.verdict == FW_TLS_PURPOSE);
}

static bool offer_scram(const struct link_hello *hello)
{
	(void)hello; /* known names or not: the offer tells nothing of them */
	return true;
}

static const struct {
	const char *name;
	bool (*is_offered)(const struct link_hello *hello);
} offer_mechanisms[] = {
	{ FW_SASL_EXTERNAL, offer_external },
	{ FW_SCRAM_PLUS_NAME, offer_plus },
	{ FW_SCRAM_NAME, offer_scram },
};

bool link_offer_has(const struct link_hello *hello, const char *mechanism)
{
	for (size_t i = 0; i < FW_COUNT(offer_mechanisms); i++) {
		if (strcmp(offer_mechanisms[i].name, mechanism) == 0) {
			return offer_mechanisms[i].is_offered(hello);
		}
	}
	return false;
}

static void offer_before_proof(struct link_hello *hello)
{
	bool wanted = link_offer_wants_tls(hello);

	hello->starttls = offer_tls(hello);
	if (hello->starttls) {
		fw_channel_send_text(hello->channel,
		                     "<starttls xmlns='" FW_NS_TLS "'>%s</starttls>",
		                     wanted ? "<required/>" : "");
	}
	if (wanted) {
		return; /* RFC 6120 §5.3.1: nothing beside a mandatory STARTTLS */
	}
	fw_channel_send_text(hello->channel, "<mechanisms xmlns='" FW_NS_SASL "'>");
	for (size_t i = 0; i < FW_COUNT(offer_mechanisms); i++) {
		if (offer_mechanisms[i].is_offered(hello)) {
			fw_channel_send_text(hello->channel, "<mechanism>%s</mechanism>",
			                     offer_mechanisms[i].name);
		}
	}
	fw_channel_send_text(hello->channel, "</mechanisms>");
	if (offer_plus(hello)) { /* XEP-0440: which binding the -PLUS is about */
		fw_channel_send_text(hello->channel,
		                     "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
		                     "<channel-binding type='tls-exporter'/>"
		                     "</sasl-channel-binding>");
	}
}

void link_offer_send(struct link_hello *hello)
{
	const struct link_name *name;

	fw_channel_send_text(hello->channel, "<stream:features>");
	if (hello->proved == NULL) {
		offer_before_proof(hello);
	} else {
		name = link_names_find(hello->room->names, fw_str(hello->proved));
		fw_channel_send_text(hello->channel,
		                     "<%s xmlns='" LINK_NS "'/><sm xmlns='" FW_NS_SM "'/>",
		                     name != NULL && name->peer != NULL ? "router" : "bind");
	}
	fw_channel_send_text(hello->channel, "</stream:features>");
}

void link_offer_start_tls(struct link_hello *hello)
{
	const struct fw_tls_start start = { .side = FW_TLS_RECEIVING };
	bool offered = hello->starttls;

	hello->starttls = false;
	if (!offered || !link_tls_accepts(hello->room->tls)) { /* or a reload took the keys */
		fw_channel_send_text(hello->channel, "<failure xmlns='" FW_NS_TLS "'/>");
		link_hello_refuse(hello, FW_CAUSE_TLS_FAILED, "STARTTLS is not offered");
		return;
	}
	fw_channel_send_text(hello->channel, "<proceed xmlns='" FW_NS_TLS "'/>");
	fw_channel_secure(hello->channel, link_tls_context(hello->room->tls), &start);
}
