/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How a link proves who it is (RFC 6120 §6): by its certificate, or that it knows the secret of its
 * row. The elements are io/sasl.h, the messages io/scram.h; here they meet the rows. Which names
 * there are is not told: an unknown one gets a challenge like all others. Called by link_hello.c.
 */
#include "router/link_hello.h"

#include <stdio.h>

#include <fedway/jid.h>

#include "router/fabric.h"
#include "router/link_tls.h"

/* RFC 6120 §6.4.5 recommends two to five. */
enum { SASL_TRIES_MAX = 3 };

static struct fw_logger sasl_log = FW_LOGGER("router.link");

static void sasl_forget(struct link_hello *hello)
{
	fw_scram_server_free(&hello->scram);
	hello->scram_challenged = false;
	hello->mechanism = NULL;
}

/* The stream stays: there are more tries. */
static void sasl_refuse(struct link_hello *hello, const char *condition, const char *words)
{
	char peer[FW_ADDR_TEXT_SIZE], quoted[64], quoted_words[160];

	snprintf(hello->words, sizeof(hello->words), "%s: %s", condition, words);
	fw_log(hello->room->router->log, &sasl_log, FW_LOG_INFO,
	       "proof refused session=%u name=%s peer=%s mechanism=%s condition=%s detail=%s",
	       hello->session, fw_quote(fw_str(hello->name), quoted, sizeof(quoted)),
	       fw_addr_text(fw_channel_peer(hello->channel), peer),
	       hello->mechanism != NULL ? hello->mechanism : "-", condition,
	       fw_quote(fw_str(words), quoted_words, sizeof(quoted_words)));
	fabric_refused(hello->room->router, fw_str(hello->name), words);
	sasl_forget(hello);
	fw_sasl_send_failure(hello->channel, condition, NULL);
	if (++hello->tries >= SASL_TRIES_MAX) {
		link_hello_refuse(hello, FW_CAUSE_NOT_AUTHORIZED, hello->words);
	}
}

/* @param bytes  what goes with <success/>; absent: nothing */
static void sasl_succeed(struct link_hello *hello, const struct link_name *name,
                         struct fw_str bytes)
{
	const char *mechanism = hello->mechanism;

	sasl_forget(hello);
	hello->mechanism = mechanism;
	fw_sasl_send(hello->channel, "success", NULL, bytes);
	link_hello_proved(hello, name->key);
}

/* ---- EXTERNAL (XEP-0178) ---- */

static void sasl_external(struct link_hello *hello, const struct fw_sasl_message *message)
{
	struct fw_str wanted =
	        message->len > 0 ? fw_str_n(message->bytes, message->len) : fw_str(hello->name);
	const struct link_name *name = link_names_find(hello->room->names, wanted);
	char words[128] = "nobody has this name";

	if (wanted.len == 0) {
		sasl_refuse(hello, "invalid-authzid", "neither header nor SASL say who it is");
		return;
	}
	if (name == NULL ||
	    link_tls_judge(fw_channel_tls(hello->channel), link_name_certificate(name), words,
	                   sizeof(words)) != FW_CAUSE_NONE) {
		sasl_refuse(hello, "not-authorized", words);
		return;
	}
	sasl_succeed(hello, name, fw_str(NULL));
}

/* ---- SCRAM ---- */

static bool sasl_same_name(struct fw_str a, struct fw_str b)
{
	return a.len == 0 || fw_str_eq(a, b) || fw_domain_eq(a, b);
}

/* client-first-message */
static void sasl_scram_first(struct link_hello *hello, struct fw_str message)
{
	uint32_t iterations = hello->room->router->config->router.link_scram_iterations;
	unsigned char salt[FW_SCRAM_SALT_SIZE];
	char challenge[FW_SCRAM_MESSAGE_SIZE];
	struct fw_str name, authzid;
	int ret = fw_scram_server_first(hello->scram, message, &name, &authzid);

	if (ret != FW_OK) {
		sasl_refuse(hello, ret == FW_EDENIED ? "not-authorized" : "malformed-request",
		            ret == FW_EDENIED ? "channel binding is not as it was offered"
		                              : "client-first-message");
		return;
	}
	if (!sasl_same_name(authzid, name)) {
		sasl_refuse(hello, "invalid-authzid", "a link may only be itself");
		return;
	}
	link_name_salt(name, salt);
	fw_scram_server_challenge(hello->scram, salt, iterations, challenge);
	hello->scram_challenged = true;
	fw_sasl_send(hello->channel, "challenge", NULL, fw_str(challenge));
}

/* client-final-message. The row is looked up now: a reload may have changed it meanwhile. */
static void sasl_scram_final(struct link_hello *hello, struct fw_str message)
{
	uint32_t iterations = hello->room->router->config->router.link_scram_iterations;
	struct link_name *name =
	        link_names_find(hello->room->names, fw_scram_server_name(hello->scram));
	const struct fw_scram_keys *keys = name != NULL ? link_name_keys(name, iterations) : NULL;
	char out[FW_SCRAM_MESSAGE_SIZE];
	int ret = fw_scram_server_final(hello->scram, keys, message, out);

	if (ret == FW_OK) {
		sasl_succeed(hello, name, fw_str(out));
	} else if (ret == FW_EPARSE) {
		sasl_refuse(hello, "malformed-request", "client-final-message");
	} else {
		sasl_refuse(hello, "not-authorized",
		            name == NULL   ? "nobody has this name"
		            : keys == NULL ? "this name has no secret"
		                           : "the secret is wrong");
	}
}

static int sasl_scram_begin(struct link_hello *hello, bool plus)
{
	unsigned char binding[FW_TLS_EXPORTER_SIZE];
	const struct fw_tls *tls = fw_channel_tls(hello->channel);
	bool bound = tls != NULL && fw_tls_exporter(tls, binding) == FW_OK;

	return fw_scram_server_new(
	        plus, bound ? fw_str_n((const char *)binding, sizeof(binding)) : fw_str(NULL),
	        &hello->scram);
}

/* ---- elements ---- */

static const char *const sasl_mechanisms[] = { FW_SASL_EXTERNAL, FW_SCRAM_PLUS_NAME,
	                                       FW_SCRAM_NAME };

/* What the mechanism under way makes of a message. */
static void sasl_message(struct link_hello *hello, const struct fw_sasl_message *message)
{
	struct fw_str bytes = fw_str_n(message->bytes, message->len);

	if (hello->scram == NULL) {
		sasl_external(hello, message);
	} else if (!hello->scram_challenged) {
		sasl_scram_first(hello, bytes);
	} else {
		sasl_scram_final(hello, bytes);
	}
}

static void sasl_auth(struct link_hello *hello, const struct fw_sasl_message *message)
{
	for (size_t i = 0; i < FW_COUNT(sasl_mechanisms); i++) {
		if (fw_str_is(message->mechanism, sasl_mechanisms[i])) {
			hello->mechanism = sasl_mechanisms[i];
		}
	}
	if (hello->mechanism == NULL || !link_offer_has(hello, hello->mechanism)) {
		sasl_refuse(hello, "invalid-mechanism", "it is not offered");
		return;
	}
	bool plus = strcmp(hello->mechanism, FW_SCRAM_PLUS_NAME) == 0;
	if (strcmp(hello->mechanism, FW_SASL_EXTERNAL) != 0 &&
	    sasl_scram_begin(hello, plus) != FW_OK) {
		sasl_refuse(hello, "temporary-auth-failure", "out of memory");
	} else if (!message->given) { /* RFC 6120 §6.4.2: asks for what was not sent along */
		fw_sasl_send(hello->channel, "challenge", NULL, fw_str(NULL));
	} else {
		sasl_message(hello, message);
	}
}

void link_sasl_take(struct link_hello *hello, struct fw_stanza *element)
{
	enum fw_sasl_kind kind = fw_sasl_kind(element);
	bool under_way = hello->mechanism != NULL;
	struct fw_sasl_message message;

	if (kind == FW_SASL_ABORT) {
		sasl_refuse(hello, "aborted", "by the peer");
		return;
	}
	if (kind != (under_way ? FW_SASL_RESPONSE : FW_SASL_AUTH)) {
		link_hello_refuse(hello, FW_CAUSE_UNEXPECTED, "SASL out of turn");
		return;
	}
	const char *condition = fw_sasl_read(element, &message);
	if (link_offer_wants_tls(hello)) {
		sasl_refuse(hello, "encryption-required", "SASL before TLS");
	} else if (condition != NULL) {
		sasl_refuse(hello, condition, "cannot be read");
	} else if (under_way) {
		sasl_message(hello, &message);
	} else {
		sasl_auth(hello, &message);
	}
}
