/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keys and certificates of links: read, watched, swapped live; and what a peer's certificate is
 * worth. Called by links.c at start and reload, by link_offer.c, link_sasl.c, and by who dials
 * other routers.
 */
#include "router/link_tls.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/tls_rules.h>
#include <fedway/jid.h>

#include "router/notices.h"

static struct fw_logger tls_log = FW_LOGGER("router.link");

struct link_tls {
	struct router *router;
	struct fw_timer *timer;
	struct fw_tls_context *context;
	bool accepts;
	const struct fw_certificate *certificate; /* ours; NULL: not known */
};

int link_tls_load(const struct config_router *config, struct fw_tls_context **out,
                  struct fw_error *err)
{
	const struct fw_tls_settings settings = {
		.certificate_file = config->link_certificate_file[0] != '\0'
		                            ? config->link_certificate_file
		                            : NULL,
		.key_file = config->link_key_file,
		.ca_file = config->link_ca_file,
		.crl_file = config->link_crl_file,
	};

	if (settings.certificate_file == NULL && config->link_ca_file[0] == '\0' &&
	    config->routers.count == 0) {
		*out = NULL;
		return FW_OK;
	}
	return fw_tls_context_new(&settings, out, err);
}

/* ---- telling ---- */

static void tls_look(struct link_tls *tls, const struct config_router *config)
{
	fw_certificate_release(&tls->certificate);
	if (tls->accepts) {
		(void)fw_certificate_read(config->link_certificate_file, &tls->certificate, NULL);
	}
}

static void tls_tell_end(const struct link_tls *tls)
{
	char end[FW_CERTIFICATE_END_SIZE];

	if (tls->certificate == NULL ||
	    fw_certificate_days_left(tls->certificate) >= FW_CERTIFICATE_WARN_DAYS) {
		notices_clear(tls->router, "link-certificate");
		return;
	}
	notices_set(tls->router, "link-certificate", FW_NOTICE_YELLOW,
	            "renew it; it is taken over without a restart",
	            "the certificate of links %s: %s",
	            fw_certificate_end_text(tls->certificate, end),
	            tls->router->config->router.link_certificate_file);
}

/* ---- taking over ---- */

void link_tls_take(struct link_tls *tls, const struct config_router *config,
                   struct fw_tls_context **context)
{
	fw_tls_context_release(&tls->context);
	tls->context = *context;
	*context = NULL;
	tls->accepts = tls->context != NULL && config->link_certificate_file[0] != '\0';
	tls_look(tls, config);
	notices_clear(tls->router, "link-certificate-files");
	fw_timer_start_ms(tls->timer, config->link_certificate_watch_ms, 0);
}

static void tls_renew(struct link_tls *tls)
{
	const struct config_router *config = &tls->router->config->router;
	struct fw_tls_context *fresh = NULL;
	struct fw_error err = { 0 };

	if (link_tls_load(config, &fresh, &err) != FW_OK) {
		notices_set(tls->router, "link-certificate-files", FW_NOTICE_YELLOW,
		            "mend the files; until then the old ones are used",
		            "the files of TLS for links have changed and cannot be used: %s",
		            err.text);
		return;
	}
	link_tls_take(tls, config, &fresh);
	fw_log(tls->router->log, &tls_log, FW_LOG_NOTICE,
	       "certificates of links taken over, connections that exist keep theirs");
}

static void tls_on_timer(void *ctx)
{
	struct link_tls *tls = ctx;

	fw_timer_start_ms(tls->timer, tls->router->config->router.link_certificate_watch_ms, 0);
	if (tls->context != NULL && fw_tls_context_stale(tls->context)) {
		tls_renew(tls);
	}
	tls_tell_end(tls);
}

int link_tls_new(struct router *router, struct link_tls **out, struct fw_error *err)
{
	struct fw_tls_context *context = NULL;
	struct link_tls *tls = NULL;
	int ret = link_tls_load(&router->config->router, &context, err);

	if (ret != FW_OK) {
		return ret;
	}
	tls = calloc(1, sizeof(*tls));
	if (tls == NULL || fw_timer_new(router->loop, tls_on_timer, tls, &tls->timer) != FW_OK) {
		free(tls);
		fw_tls_context_release(&context);
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	tls->router = router;
	link_tls_take(tls, &router->config->router, &context);
	tls_tell_end(tls);
	*out = tls;
	return FW_OK;
}

void link_tls_free(struct link_tls **tls)
{
	struct link_tls *old = *tls;

	*tls = NULL;
	if (old == NULL) {
		return;
	}
	fw_timer_free(&old->timer);
	fw_tls_context_release(&old->context);
	fw_certificate_release(&old->certificate);
	free(old);
}

struct fw_tls_context *link_tls_context(const struct link_tls *tls)
{
	return tls->context;
}

bool link_tls_accepts(const struct link_tls *tls)
{
	return tls->accepts;
}

/* ---- the peer's ---- */

/* The chain counts, and the name; not what a certificate of an inner authority was meant for, as
 * long as it is a server's or a client's. */
enum fw_cause link_tls_judge(const struct fw_tls *tls, const char *name, char *why, size_t size)
{
	struct fw_tls_facts facts;
	char key[FW_DOMAIN_SIZE];
	char names[128] = "";

	if (tls == NULL) {
		snprintf(why, size, "no TLS");
		return FW_CAUSE_TLS_REQUIRED;
	}
	fw_tls_facts(tls, &facts);
	enum fw_tls_verdict verdict = fw_tls_verdict_under(&facts, FW_TLS_PURPOSE_SERVER);
	if (verdict == FW_TLS_PURPOSE) {
		verdict = fw_tls_verdict_under(&facts, FW_TLS_PURPOSE_STRICT);
	}
	if (verdict != FW_TLS_VALID) {
		snprintf(why, size, "certificate %s %s", fw_tls_verdict_word(verdict),
		         facts.chain_problem);
		return fw_tls_verdict_cause(verdict);
	}
	if (fw_domain_key(fw_str(name), key, NULL) != FW_OK ||
	    !fw_tls_names(tls, key, facts.direct, names, sizeof(names))) {
		snprintf(why, size, "the certificate names %s", names);
		return FW_CAUSE_CERT_NAME;
	}
	return FW_CAUSE_NONE;
}

void link_tls_report(const struct fw_tls *tls, struct fw_json *stream)
{
	struct fw_tls_facts facts;

	if (tls != NULL) {
		fw_tls_facts(tls, &facts);
		fw_json_set(stream, "tls", fw_str(facts.version));
		fw_json_set(stream, "cipher", fw_str(facts.cipher));
	}
}
