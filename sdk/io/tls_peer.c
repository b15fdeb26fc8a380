/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the peer: the chain of its certificate is verified once, all that is wrong with
 * it is recorded, and nothing of it ends the handshake. The record outlives OpenSSL's own objects
 * and goes with a session that is resumed. Judging is the owner's business.
 */
#include "sdk/io/tls_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* ---- the verdict ---- */

static const char *const verdict_words[FW_TLS_VERDICT_COUNT] = {
	[FW_TLS_VALID] = "valid",         [FW_TLS_MISSING] = "missing",
	[FW_TLS_PURPOSE] = "purpose",     [FW_TLS_EXPIRED] = "expired",
	[FW_TLS_UNTRUSTED] = "untrusted", [FW_TLS_REVOKED] = "revoked",
};

const char *fw_tls_verdict_word(enum fw_tls_verdict verdict)
{
	return verdict_words[verdict];
}

static enum fw_tls_verdict verdict_of(int code)
{
	switch (code) {
	case X509_V_OK:
		return FW_TLS_VALID;
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return FW_TLS_EXPIRED;
	case X509_V_ERR_CERT_REVOKED:
		return FW_TLS_REVOKED;
	case X509_V_ERR_INVALID_PURPOSE:
		return FW_TLS_PURPOSE;
	default:
		return FW_TLS_UNTRUSTED;
	}
}

/* No list, or one that has had its time: nothing is known of a revocation. */
static bool is_about_lists(int code)
{
	return code == X509_V_ERR_UNABLE_TO_GET_CRL || code == X509_V_ERR_CRL_HAS_EXPIRED ||
	       code == X509_V_ERR_CRL_NOT_YET_VALID || code == X509_V_ERR_DIFFERENT_CRL_SCOPE;
}

static void note(struct tls_findings *findings, int code)
{
	enum fw_tls_verdict verdict = verdict_of(code);

	if (findings->codes[verdict] == X509_V_OK) {
		findings->codes[verdict] = code;
	}
	findings->problems |= 1u << verdict;
}

static struct fw_tls *tls_of(X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());

	return SSL_get_app_data(ssl);
}

/* Called for each problem, and for each certificate that has none. */
static int note_problem(int ok, X509_STORE_CTX *store)
{
	struct fw_tls *tls = tls_of(store);
	int code = X509_STORE_CTX_get_error(store);

	if (!ok && (tls->context->crl_required || !is_about_lists(code))) {
		note(&tls->peer->findings, code);
	}
	return 1;
}

/* The whole chain must allow it, as OpenSSL would ask if the purpose were its business. */
static bool chain_fits(STACK_OF(X509) * chain, int purpose)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (X509_check_purpose(sk_X509_value(chain, i), purpose, i > 0) <= 0) {
			return false;
		}
	}
	return true;
}

static void look_at_chain(struct tls_findings *findings, enum fw_tls_side side,
                          STACK_OF(X509) * chain)
{
	bool server = chain_fits(chain, X509_PURPOSE_SSL_SERVER);

	findings->purpose_fits[FW_TLS_PURPOSE_SERVER] = server;
	findings->purpose_fits[FW_TLS_PURPOSE_STRICT] =
	        side == FW_TLS_INITIATING ? server : chain_fits(chain, X509_PURPOSE_SSL_CLIENT);
	findings->purpose_fits[FW_TLS_PURPOSE_IGNORE] = true;
	findings->valid_until = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		int64_t until = tls_certificate_time(X509_get0_notAfter(sk_X509_value(chain, i)));
		if (until < findings->valid_until) {
			findings->valid_until = until;
		}
	}
}

int tls_peer_verify(X509_STORE_CTX *store, void *ctx)
{
	struct fw_tls *tls = tls_of(store);

	(void)ctx;
	tls_peer_release(&tls->peer);
	tls->peer = tls_peer_new(X509_STORE_CTX_get0_cert(store));
	if (tls->peer == NULL) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
		return 0;
	}
	struct tls_findings *findings = &tls->peer->findings;
	X509_STORE_CTX_set_verify_cb(store, note_problem);
	if (X509_verify_cert(store) != 1 && findings->problems == 0) {
		note(findings, X509_V_ERR_UNSPECIFIED); /* it could not even begin */
	}
	look_at_chain(findings, tls->side, X509_STORE_CTX_get0_chain(store));
	X509_STORE_CTX_set0_verified_chain(store, NULL); /* OpenSSL would keep it */
	X509_STORE_CTX_set_error(store, X509_V_OK);
	ERR_clear_error();
	return 1;
}

void tls_peer_drop_chain(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);

	while (sk_X509_num(chain) > 0) {
		X509_free(sk_X509_pop(chain));
	}
}

/* ---- the record ---- */

struct tls_peer *tls_peer_new(X509 *certificate)
{
	struct tls_peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL) {
		return NULL;
	}
	peer->users = 1;
	peer->certificate = tls_certificate_describe(certificate);
	if (peer->certificate == NULL) {
		tls_peer_release(&peer);
	}
	return peer;
}

struct tls_peer *tls_peer_ref(struct tls_peer *peer)
{
	if (peer != NULL) {
		peer->users++;
	}
	return peer;
}

void tls_peer_release(struct tls_peer **peer)
{
	struct tls_peer *old = *peer;

	*peer = NULL;
	if (old != NULL && --old->users == 0) {
		fw_certificate_release(&old->certificate);
		free(old);
	}
}

/* ---- facts ---- */

static const struct fw_certificate no_certificate = {
	.subject = "",
	.issuer = "",
	.serial = "",
	.names = "",
	.key = "",
	.key_sha256 = "",
	.sha256 = "",
};

enum fw_tls_verdict fw_tls_verdict_under(const struct fw_tls_facts *facts,
                                         enum fw_tls_purpose purpose)
{
	if (!facts->has_certificate) {
		return FW_TLS_MISSING;
	}
	for (int verdict = FW_TLS_REVOKED; verdict > FW_TLS_PURPOSE; verdict--) {
		if ((facts->problems & (1u << verdict)) != 0) {
			return (enum fw_tls_verdict)verdict;
		}
	}
	return facts->purpose_fits[purpose] ? FW_TLS_VALID : FW_TLS_PURPOSE;
}

/* A session may go on for longer than the chain was good. */
static unsigned problems_now(const struct tls_peer *peer)
{
	const struct tls_findings *findings = &peer->findings;
	bool late = findings->valid_until < (int64_t)time(NULL);

	return findings->problems | (late ? 1u << FW_TLS_EXPIRED : 0);
}

static void tell_verdict(const struct fw_tls *tls, struct fw_tls_facts *out)
{
	out->verdict = fw_tls_verdict_under(out, tls->context->purpose);
	out->chain_valid = out->verdict == FW_TLS_VALID;
	if (out->chain_valid || out->verdict == FW_TLS_MISSING) {
		return;
	}
	int code = tls->peer->findings.codes[out->verdict];
	if (code == X509_V_OK) {
		code = out->verdict == FW_TLS_PURPOSE ? X509_V_ERR_INVALID_PURPOSE
		                                      : X509_V_ERR_CERT_HAS_EXPIRED;
	}
	snprintf(out->chain_problem, sizeof(out->chain_problem), "%s",
	         X509_verify_cert_error_string(code));
}

void fw_tls_facts(const struct fw_tls *tls, struct fw_tls_facts *out)
{
	memset(out, 0, sizeof(*out));
	out->version = SSL_get_version(tls->ssl);
	out->version_id = SSL_version(tls->ssl) >= TLS1_3_VERSION ? FW_TLS_1_3 : FW_TLS_1_2;
	out->cipher = SSL_get_cipher_name(tls->ssl);
	out->alpn = tls_alpn(tls);
	out->direct = tls->direct;
	out->resumed = SSL_session_reused(tls->ssl) == 1;
	out->own_certificate = tls->own != NULL ? tls->own->file : "";
	out->certificate = &no_certificate;
	if (tls->peer != NULL) {
		out->has_certificate = true;
		out->certificate = tls->peer->certificate;
		out->problems = problems_now(tls->peer);
		memcpy(out->purpose_fits, tls->peer->findings.purpose_fits,
		       sizeof(out->purpose_fits));
	}
	tell_verdict(tls, out);
}

bool fw_tls_names(const struct fw_tls *tls, const char *domain_key, bool direct, char *matched,
                  size_t size)
{
	const struct fw_certificate *certificate =
	        tls->peer != NULL ? tls->peer->certificate : &no_certificate;

	return fw_certificate_names(certificate, domain_key, direct, matched, size);
}

int fw_tls_exporter(const struct fw_tls *tls, unsigned char out[FW_TLS_EXPORTER_SIZE])
{
	static const char label[] = "EXPORTER-Channel-Binding"; /* RFC 9266 §2 */

	/* RFC 9266 §4.2: before TLS 1.3 only a session with RFC 7627 is one of its own. */
	if (SSL_version(tls->ssl) < TLS1_3_VERSION && SSL_get_extms_support(tls->ssl) != 1) {
		return FW_ENOENT;
	}
	return SSL_export_keying_material(tls->ssl, out, FW_TLS_EXPORTER_SIZE, label,
	                                  sizeof(label) - 1, (const unsigned char *)"", 0, 1) == 1
	               ? FW_OK
	               : FW_ENOENT;
}
