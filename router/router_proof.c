/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SASL from the side of the router that dials. The other side is believed for its certificate, when
 * there is an authority to check it with; else only because it knows the secret: over TLS that must
 * be bound to this very connection. We prove ourselves by certificate where both sides can; a
 * secret is for when that fails. Called by router_dial.c.
 */
#include "router/router_proof.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/sasl.h>
#include <fedway/io/tls.h>

#include "router/link_tls.h"

static struct fw_logger proof_log = FW_LOGGER("router.dial");

struct router_proof {
	const struct fabric_peer *peer;
	struct fw_channel *channel;
	struct fw_scram_keys *keys;
	struct fw_scram_client *scram; /* NULL: EXTERNAL */
	const char *method;
	bool plus, plain; /* SCRAM that is offered and may be used, bound and not */
	bool answered;    /* the final message is sent */
};

/* The certificate must name what the row says; without a word of it the realm, or the address. */
static enum fw_cause judge_server(const struct fabric_peer *peer, const struct fw_tls *tls,
                                  char *why, size_t size)
{
	const struct config_peer *row = peer->row;
	const char *name = row->certificate_name[0] != '\0' ? row->certificate_name : row->realm;

	return link_tls_judge(tls, name, why, size);
}

static enum fw_cause begin_scram(struct router_proof *proof, char *why, size_t size)
{
	const struct fabric_peer *peer = proof->peer;
	const struct fw_tls *tls = fw_channel_tls(proof->channel);
	unsigned char binding[FW_TLS_EXPORTER_SIZE];
	bool bound = tls != NULL && fw_tls_exporter(tls, binding) == FW_OK;
	bool plus = proof->plus && bound;
	const struct fw_scram_client_settings settings = {
		.name = peer->fabric->router->realm,
		.binding = plus                    ? FW_SCRAM_BINDING_USED
		           : bound && !proof->plus ? FW_SCRAM_BINDING_UNOFFERED
		                                   : FW_SCRAM_BINDING_NONE,
		.binding_data =
		        plus ? fw_str_n((const char *)binding, sizeof(binding)) : fw_str(NULL),
	};

	if (!plus && !proof->plain) {
		(void)snprintf(why, size,
		               "no SCRAM that is bound to the connection is offered, and there is "
		               "no link_ca_file to judge its certificate with");
		return FW_CAUSE_NO_AUTH_METHOD;
	}
	if (fw_scram_client_new(&settings, &proof->scram) != FW_OK) {
		return FW_CAUSE_RESOURCES;
	}
	proof->method = plus ? FW_SCRAM_PLUS_NAME : FW_SCRAM_NAME;
	fw_sasl_send(proof->channel, "auth", proof->method,
	             fw_str(fw_scram_client_first(proof->scram)));
	return FW_CAUSE_NONE;
}

static enum fw_cause choose(struct router_proof *proof, const struct fw_elem *features, char *why,
                            size_t size)
{
	const struct fabric_peer *peer = proof->peer;
	const struct config_router *config = &peer->fabric->router->config->router;
	const struct fw_elem *mechanisms = fw_elem_find(features, "mechanisms", FW_NS_SASL);
	const struct fw_tls *tls = fw_channel_tls(proof->channel);
	bool judged = config->link_ca_file[0] != '\0' || peer->row->certificate_name[0] != '\0';

	enum fw_cause wrong =
	        tls != NULL && judged ? judge_server(peer, tls, why, size) : FW_CAUSE_NONE;
	if (wrong != FW_CAUSE_NONE) {
		return wrong;
	}
	proof->plus = fw_sasl_is_offered(mechanisms, FW_SCRAM_PLUS_NAME);
	proof->plain = (tls == NULL || judged) && fw_sasl_is_offered(mechanisms, FW_SCRAM_NAME);
	if (tls != NULL && judged && config->link_certificate_file[0] != '\0' &&
	    fw_sasl_is_offered(mechanisms, FW_SASL_EXTERNAL)) {
		proof->method = FW_SASL_EXTERNAL;
		fw_sasl_send(proof->channel, "auth", FW_SASL_EXTERNAL,
		             fw_str(peer->fabric->router->realm));
		return FW_CAUSE_NONE;
	}
	if (peer->row->secret.len > 0) {
		return begin_scram(proof, why, size);
	}
	(void)snprintf(why, size, "EXTERNAL is not offered: it does not take our certificate");
	return FW_CAUSE_NO_AUTH_METHOD;
}

enum fw_cause router_proof_begin(const struct fabric_peer *peer, struct fw_channel *channel,
                                 const struct fw_elem *features, struct fw_scram_keys *keys,
                                 struct router_proof **out, char *why, size_t size)
{
	struct router_proof *proof = calloc(1, sizeof(*proof));

	if (proof == NULL || features == NULL) {
		free(proof);
		return FW_CAUSE_RESOURCES;
	}
	proof->peer = peer;
	proof->channel = channel;
	proof->keys = keys;
	enum fw_cause cause = choose(proof, features, why, size);
	if (cause != FW_CAUSE_NONE) {
		router_proof_free(&proof);
		return cause;
	}
	*out = proof;
	return FW_CAUSE_NONE;
}

static enum fw_cause take_challenge(struct router_proof *proof,
                                    const struct fw_sasl_message *message, char *why, size_t size)
{
	const struct fw_secret *secret = &proof->peer->row->secret;
	char out[FW_SCRAM_MESSAGE_SIZE];

	if (proof->scram == NULL || proof->answered) {
		(void)snprintf(why, size, "a challenge out of turn");
		return FW_CAUSE_UNEXPECTED;
	}
	int ret = fw_scram_client_final(proof->scram, fw_str_n(message->bytes, message->len),
	                                fw_str_n(secret->bytes, secret->len), proof->keys, out);
	if (ret != FW_OK) {
		(void)snprintf(why, size, "its challenge is not good: %s", fw_strerror(ret));
		return FW_CAUSE_NOT_AUTHORIZED;
	}
	proof->answered = true;
	fw_sasl_send(proof->channel, "response", NULL, fw_str(out));
	return FW_CAUSE_NONE;
}

static enum fw_cause take_success(struct router_proof *proof, const struct fw_sasl_message *message,
                                  char *why, size_t size)
{
	if (proof->scram == NULL) {
		return FW_CAUSE_NONE;
	}
	if (!proof->answered ||
	    fw_scram_client_verify(proof->scram, fw_str_n(message->bytes, message->len)) != FW_OK) {
		(void)snprintf(why, size, "the other side does not know the secret");
		return FW_CAUSE_NOT_AUTHORIZED;
	}
	return FW_CAUSE_NONE;
}

/* What is wrong with our certificate is the other's to say; a secret beside it may still do. */
static enum fw_cause take_failure(struct router_proof *proof, struct fw_stanza *element, char *why,
                                  size_t size)
{
	const struct fabric_peer *peer = proof->peer;
	struct fw_sasl_failure failure;

	fw_sasl_read_failure(element, &failure);
	if (proof->scram == NULL && peer->row->secret.len > 0) {
		fw_log(peer->fabric->router->log, &proof_log, FW_LOG_NOTICE,
		       "our certificate is not taken, going on with the secret realm=%s "
		       "condition=%.*s",
		       peer->realm, FW_STR_ARG(failure.condition));
		return begin_scram(proof, why, size);
	}
	(void)snprintf(why, size, "it says %.*s", FW_STR_ARG(failure.condition));
	return FW_CAUSE_NOT_AUTHORIZED;
}

enum fw_cause router_proof_take(struct router_proof *proof, struct fw_stanza *element, bool *done,
                                char *why, size_t size)
{
	enum fw_sasl_kind kind = fw_sasl_kind(element);
	struct fw_sasl_message message;

	if (kind == FW_SASL_FAILURE) {
		return take_failure(proof, element, why, size);
	}
	if ((kind != FW_SASL_CHALLENGE && kind != FW_SASL_SUCCESS) ||
	    fw_sasl_read(element, &message) != NULL) {
		(void)snprintf(why, size, "SASL that cannot be read");
		return FW_CAUSE_UNEXPECTED;
	}
	if (kind == FW_SASL_CHALLENGE) {
		return take_challenge(proof, &message, why, size);
	}
	*done = true;
	return take_success(proof, &message, why, size);
}

const char *router_proof_method(const struct router_proof *proof)
{
	return proof->method;
}

void router_proof_free(struct router_proof **proof)
{
	if (*proof == NULL) {
		return;
	}
	fw_scram_client_free(&(*proof)->scram);
	free(*proof);
	*proof = NULL;
}
