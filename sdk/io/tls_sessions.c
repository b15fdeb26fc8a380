/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sessions that go on: as initiating side they are kept here, by the names under which the owner
 * may share them; as receiving side they travel in tickets, under keys that change. What was found
 * of the peer's certificate goes along, so that a resumed connection is judged like its first one.
 * All belongs to one context: other rules, other sessions.
 */
#include "sdk/io/tls_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <fedway/io/crypto.h>

enum {
	SESSIONS_MAX = 1000,
	SESSION_SECONDS = 7200,
};

/* ---- initiating: kept sessions ---- */

struct tls_session {
	uint64_t hash; /* of `key`, looked at first */
	char *key;
	SSL_SESSION *session; /* NULL: the server stumbled over one, and gets none for a while */
	struct tls_peer *peer;
	int64_t until;   /* seconds since 1970 */
	uint64_t number; /* in the order in which they were kept */
};

static int64_t now_seconds(void)
{
	return (int64_t)time(NULL);
}

static void session_drop(struct tls_sessions *sessions, size_t at)
{
	struct tls_session *row = &sessions->rows[at];

	SSL_SESSION_free(row->session);
	tls_peer_release(&row->peer);
	free(row->key);
	*row = sessions->rows[--sessions->count];
}

/* The row of a key, or `count`. Those that are too old are dropped on the way. */
static size_t session_find(struct tls_sessions *sessions, const char *key)
{
	uint64_t hash = fw_str_hash(fw_str(key));
	int64_t now = now_seconds();
	size_t i = 0;

	while (i < sessions->count) {
		if (sessions->rows[i].until <= now) {
			session_drop(sessions, i);
		} else if (sessions->rows[i].hash == hash &&
		           strcmp(sessions->rows[i].key, key) == 0) {
			break;
		} else {
			i++;
		}
	}
	return i;
}

static size_t session_oldest(const struct tls_sessions *sessions)
{
	size_t oldest = 0;

	for (size_t i = 1; i < sessions->count; i++) {
		if (sessions->rows[i].number < sessions->rows[oldest].number) {
			oldest = i;
		}
	}
	return oldest;
}

static bool session_room(struct tls_sessions *sessions)
{
	if (sessions->count == sessions->max) {
		session_drop(sessions, session_oldest(sessions));
	}
	if (sessions->count < sessions->room) {
		return true;
	}
	size_t room = sessions->room > 0 ? sessions->room * 2 : 8;
	struct tls_session *grown = realloc(sessions->rows, room * sizeof(*grown));
	if (grown == NULL) {
		return false;
	}
	sessions->rows = grown;
	sessions->room = room;
	return true;
}

/* A new row for this key; takes the session, which may be NULL. */
static bool session_add(struct fw_tls *tls, SSL_SESSION *session, int64_t seconds)
{
	struct tls_sessions *sessions = &tls->context->sessions;
	struct tls_session row = { .key = fw_str_dup(fw_str(tls->session_key)) };

	if (row.key == NULL || !session_room(sessions)) {
		free(row.key);
		return false;
	}
	row.hash = fw_str_hash(fw_str(row.key));
	row.number = ++sessions->kept;
	row.session = session;
	row.peer = tls_peer_ref(tls->peer);
	row.until = now_seconds() + (seconds < sessions->seconds ? seconds : sessions->seconds);
	sessions->rows[sessions->count++] = row;
	return true;
}

/* Takes the session when it is kept. */
static bool session_keep(struct fw_tls *tls, SSL_SESSION *session)
{
	struct tls_sessions *sessions = &tls->context->sessions;

	if (tls->session_key == NULL || SSL_SESSION_is_resumable(session) != 1) {
		return false;
	}
	size_t at = session_find(sessions, tls->session_key);
	if (at < sessions->count) {
		if (sessions->rows[at].session == NULL) {
			return false;
		}
		session_drop(sessions, at); /* the newest is as good as any */
	}
	return session_add(tls, session, SSL_SESSION_get_timeout(session));
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	return session_keep(SSL_get_app_data(ssl), session) ? 1 : 0;
}

void tls_sessions_offer(struct fw_tls *tls)
{
	struct tls_sessions *sessions = &tls->context->sessions;

	if (tls->session_key == NULL) {
		return;
	}
	size_t at = session_find(sessions, tls->session_key);
	if (at == sessions->count || sessions->rows[at].session == NULL) {
		return;
	}
	if (SSL_set_session(tls->ssl, sessions->rows[at].session) == 1) {
		tls->offered = tls_peer_ref(sessions->rows[at].peer);
		tls->session_offered = true;
	}
	/* RFC 8446 §C.4: a ticket is used once, so that nobody links connections by it. */
	session_drop(sessions, at);
}

/*
 * A server may ignore a session, but some end the handshake over it (OpenSSL does, where its owner
 * asks for certificates and names no session id context).
 */
void tls_sessions_failed(struct fw_tls *tls)
{
	if (tls->session_offered) {
		(void)session_add(tls, NULL, tls->context->sessions.seconds);
	}
}

bool fw_tls_session_failed(const struct fw_tls *tls)
{
	return tls->session_offered && !tls->established;
}

/* ---- receiving: what goes along in a ticket ---- */

/* Read back by the same process only, behind its own message authentication. */
struct ticket_data {
	bool has_certificate;
	struct tls_findings findings;
};

static int on_ticket_made(SSL *ssl, void *ctx)
{
	const struct fw_tls *tls = SSL_get_app_data(ssl);
	struct ticket_data data;

	(void)ctx;
	if (SSL_session_reused(ssl) == 1) {
		return 1; /* it has the data of the ticket before */
	}
	memset(&data, 0, sizeof(data));
	data.has_certificate = tls->peer != NULL;
	if (tls->peer != NULL) {
		data.findings = tls->peer->findings;
	}
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &data, sizeof(data));
}

static SSL_TICKET_RETURN on_ticket_read(SSL *ssl, SSL_SESSION *session,
                                        const unsigned char *key_name, size_t key_name_size,
                                        SSL_TICKET_STATUS status, void *ctx)
{
	size_t size = 0;
	void *data = NULL;

	(void)ssl;
	(void)key_name;
	(void)key_name_size;
	(void)ctx;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	}
	if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 ||
	    size != sizeof(struct ticket_data)) {
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	}
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static void resume_receiving(struct fw_tls *tls)
{
	SSL_SESSION *session = SSL_get_session(tls->ssl);
	struct ticket_data data;
	size_t size = 0;
	void *bytes = NULL;

	if (SSL_SESSION_get0_ticket_appdata(session, &bytes, &size) != 1 || size != sizeof(data)) {
		return;
	}
	memcpy(&data, bytes, sizeof(data));
	if (data.has_certificate && SSL_SESSION_get0_peer(session) != NULL) {
		tls->peer = tls_peer_new(SSL_SESSION_get0_peer(session));
		if (tls->peer != NULL) {
			tls->peer->findings = data.findings;
		}
	}
}

void tls_sessions_established(struct fw_tls *tls)
{
	if (SSL_session_reused(tls->ssl) == 1) {
		tls_peer_release(&tls->peer);
		if (tls->side == FW_TLS_RECEIVING) {
			resume_receiving(tls);
		} else {
			tls->peer = tls_peer_ref(tls->offered);
		}
	}
	tls_peer_release(&tls->offered);
	if (tls->side == FW_TLS_INITIATING && SSL_version(tls->ssl) < TLS1_3_VERSION &&
	    SSL_session_reused(tls->ssl) == 1) {
		/* TLS 1.2 goes on with the session that it has. */
		SSL_SESSION *session = SSL_get1_session(tls->ssl);
		if (!session_keep(tls, session)) {
			SSL_SESSION_free(session);
		}
	}
}

/* ---- receiving: the keys of tickets ---- */

static void ticket_key_make(struct tls_ticket_key *key)
{
	fw_random(key->name, sizeof(key->name));
	fw_random(key->cipher, sizeof(key->cipher));
	fw_random(key->mac, sizeof(key->mac));
	key->since = now_seconds();
}

/* RFC 9325 §4.2.1 (tickets): keys change, and an old one reads for as long as its tickets live. */
static struct tls_ticket_key *ticket_key_current(struct tls_sessions *sessions)
{
	int64_t age = now_seconds() - sessions->keys[0].since;

	if (age >= sessions->seconds || age < 0) {
		sessions->keys[1] = sessions->keys[0];
		ticket_key_make(&sessions->keys[0]);
	}
	return &sessions->keys[0];
}

static const struct tls_ticket_key *ticket_key_named(struct tls_sessions *sessions,
                                                     const unsigned char *name)
{
	ticket_key_current(sessions);
	for (size_t i = 0; i < FW_COUNT(sessions->keys); i++) {
		const struct tls_ticket_key *key = &sessions->keys[i];
		if (memcmp(key->name, name, sizeof(key->name)) == 0 &&
		    now_seconds() - key->since < 2 * sessions->seconds) {
			return key;
		}
	}
	return NULL;
}

static int ticket_key_use(const struct tls_ticket_key *key, const unsigned char *iv,
                          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	static EVP_CIPHER *aes;
	static char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac,
		                                  sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	if (aes == NULL) {
		aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	}
	return aes != NULL &&
	       EVP_CipherInit_ex2(cipher, aes, key->cipher, iv, encrypt, NULL) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac, int encrypt)
{
	struct fw_tls *tls = SSL_get_app_data(ssl);
	struct tls_sessions *sessions = &tls->context->sessions;
	const struct tls_ticket_key *key;

	if (encrypt) {
		key = ticket_key_current(sessions);
		memcpy(name, key->name, sizeof(key->name));
		fw_random(iv, TLS_TICKET_IV_SIZE);
		return ticket_key_use(key, iv, cipher, mac, 1) ? 1 : -1;
	}
	key = ticket_key_named(sessions, name);
	if (key == NULL) {
		return 0; /* a full handshake */
	}
	if (!ticket_key_use(key, iv, cipher, mac, 0)) {
		return -1;
	}
	/* 2: and a new ticket, which in TLS 1.3 each connection needs. */
	return key == &sessions->keys[0] && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

/* ---- life ---- */

void tls_sessions_init(struct fw_tls_context *context, const struct fw_tls_settings *settings)
{
	struct tls_sessions *sessions = &context->sessions;
	SSL_CTX *ssl = context->ssl;

	sessions->max = settings->sessions_max > 0 ? settings->sessions_max : SESSIONS_MAX;
	sessions->seconds =
	        settings->session_seconds > 0 ? settings->session_seconds : SESSION_SECONDS;
	ticket_key_make(&sessions->keys[0]);
	SSL_CTX_set_timeout(ssl, (long)sessions->seconds);
	/* OpenSSL keeps none itself: tickets carry those of the receiving side. */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ssl, on_new_session);
	SSL_CTX_set_num_tickets(ssl, 1);
	SSL_CTX_set_session_ticket_cb(ssl, on_ticket_made, on_ticket_read, NULL);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket_key);
}

void tls_sessions_clear(struct fw_tls_context *context)
{
	struct tls_sessions *sessions = &context->sessions;

	while (sessions->count > 0) {
		session_drop(sessions, sessions->count - 1);
	}
	free(sessions->rows);
	OPENSSL_cleanse(sessions->keys, sizeof(sessions->keys));
}
