/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Remembers what certificate each remote domain's server has shown, and tells when it is another
 * one. Called by s2s_trust.c for each pair that is authenticated, and for `fedwayctl cert list`. It
 * decides nothing: whom a changed key shall keep out has its pins.
 */
#include "components/s2s/s2s_certs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_commands.h"
#include "components/s2s/s2s_keys.h"

enum { CERTS_BUCKETS = 256, CERTS_MAX = 4096 };

struct certs_entry {
	struct certs_entry *next;
	const struct fw_certificate *certificate;
	enum fw_tls_verdict chain;
	enum s2s_method method;
	int64_t first_s, last_s, changed_s; /* since 1970; 0: never */
	char remote[];
};

struct s2s_certs {
	struct s2s *s2s;
	size_t count;
	struct certs_entry *buckets[CERTS_BUCKETS];
};

int s2s_certs_new(struct s2s *s2s, struct s2s_certs **out)
{
	struct s2s_certs *certs = calloc(1, sizeof(*certs));

	if (certs == NULL) {
		return FW_ENOMEM;
	}
	certs->s2s = s2s;
	*out = certs;
	return FW_OK;
}

static void certs_remove(struct s2s_certs *certs, struct certs_entry **link)
{
	struct certs_entry *entry = *link;

	*link = entry->next;
	certs->count--;
	fw_certificate_release(&entry->certificate);
	free(entry);
}

void s2s_certs_free(struct s2s_certs **certs_ptr)
{
	struct s2s_certs *certs = *certs_ptr;

	*certs_ptr = NULL;
	if (certs == NULL) {
		return;
	}
	for (size_t i = 0; i < CERTS_BUCKETS; i++) {
		while (certs->buckets[i] != NULL) {
			certs_remove(certs, &certs->buckets[i]);
		}
	}
	free(certs);
}

static size_t certs_bucket(const char *remote)
{
	return fw_str_hash(fw_str(remote)) % CERTS_BUCKETS;
}

static struct certs_entry *certs_find(const struct s2s_certs *certs, const char *remote)
{
	struct certs_entry *entry = certs->buckets[certs_bucket(remote)];

	while (entry != NULL && strcmp(entry->remote, remote) != 0) {
		entry = entry->next;
	}
	return entry;
}

/* Makes room: forgets whom nobody has seen for longest. */
static void certs_forget_oldest(struct s2s_certs *certs)
{
	struct certs_entry **oldest = NULL;

	for (size_t i = 0; i < CERTS_BUCKETS; i++) {
		for (struct certs_entry **link = &certs->buckets[i]; *link != NULL;
		     link = &(*link)->next) {
			if (oldest == NULL || (*link)->last_s < (*oldest)->last_s) {
				oldest = link;
			}
		}
	}
	certs_remove(certs, oldest);
}

static struct certs_entry *certs_add(struct s2s_certs *certs, const char *remote,
                                     const struct fw_certificate *certificate, int64_t now)
{
	size_t len = strlen(remote);
	struct certs_entry *entry = calloc(1, sizeof(*entry) + len + 1);

	if (entry == NULL) {
		return NULL; /* it is seen again */
	}
	if (certs->count >= CERTS_MAX) {
		certs_forget_oldest(certs);
	}
	memcpy(entry->remote, remote, len + 1);
	entry->certificate = fw_certificate_ref(certificate);
	entry->first_s = now;
	struct certs_entry **link = &certs->buckets[certs_bucket(remote)];
	entry->next = *link;
	*link = entry;
	certs->count++;
	return entry;
}

/* A renewal with the same key by the same authority is no event. */
static void certs_change(struct s2s_certs *certs, struct certs_entry *entry,
                         const struct fw_certificate *certificate, int64_t now,
                         const struct fw_log *log)
{
	const struct fw_certificate *old = entry->certificate;
	bool key = strcmp(old->key_sha256, certificate->key_sha256) != 0;
	bool issuer = strcmp(old->issuer, certificate->issuer) != 0;

	if (key || issuer) {
		entry->changed_s = now;
		s2s_count(certs->s2s, S2S_COUNT_PEER_CERTIFICATES_CHANGED);
		s2s_event(log, FW_LOG_NOTICE, "Certificate Changed",
		          "PeerCertificate changed remote=%s what=%s key_sha256=%s before=%s "
		          "issuer='%s' "
		          "before='%s' names='%s' remedy='if nobody announced it, ask the peer on "
		          "another "
		          "way; pins keep unknown keys out'",
		          entry->remote,
		          key && issuer ? "key,issuer"
		          : key         ? "key"
		                        : "issuer",
		          certificate->key_sha256, old->key_sha256, certificate->issuer,
		          old->issuer, certificate->names);
	}
	fw_certificate_release(&entry->certificate);
	entry->certificate = fw_certificate_ref(certificate);
}

void s2s_certs_saw(struct s2s_certs *certs, const char *remote,
                   const struct fw_certificate *certificate, enum fw_tls_verdict chain,
                   enum s2s_method method, const struct fw_log *log)
{
	struct certs_entry *entry = certs_find(certs, remote);
	int64_t now = (int64_t)time(NULL);

	if (entry == NULL) {
		entry = certs_add(certs, remote, certificate, now);
		if (entry == NULL) {
			return;
		}
	} else if (strcmp(entry->certificate->sha256, certificate->sha256) != 0) {
		certs_change(certs, entry, certificate, now, log);
	}
	entry->chain = chain;
	entry->method = method;
	entry->last_s = now;
}

bool s2s_certs_last(const struct s2s_certs *certs, const char *remote, struct s2s_certs_seen *out)
{
	const struct certs_entry *entry = certs_find(certs, remote);
	int64_t now = (int64_t)time(NULL);

	if (entry == NULL) {
		return false;
	}
	*out = (struct s2s_certs_seen){
		.certificate = entry->certificate,
		.chain = entry->chain,
		.method = entry->method,
		.ago_s = now - entry->last_s,
		.left_s = entry->certificate->not_after - now,
	};
	return true;
}

/* ---- reports ---- */

void s2s_certs_report(const struct s2s_certs *certs, struct fw_json *array)
{
	int64_t now = (int64_t)time(NULL);

	for (size_t i = 0; i < CERTS_BUCKETS; i++) {
		for (const struct certs_entry *entry = certs->buckets[i]; entry != NULL;
		     entry = entry->next) {
			const struct fw_certificate *certificate = entry->certificate;
			struct fw_json *row = fw_json_append_object(array);
			fw_json_set(row, "domain", fw_str(entry->remote));
			fw_json_set_int(row, "days_left", fw_certificate_days_left(certificate));
			fw_json_set(row, "certificate", fw_str(fw_tls_verdict_word(entry->chain)));
			fw_json_set(row, "method", fw_str(s2s_method_word(entry->method)));
			fw_json_set(row, "issuer", fw_str(certificate->issuer));
			fw_json_set(row, "names", fw_str(certificate->names));
			fw_json_set(row, "key_sha256", fw_str(certificate->key_sha256));
			fw_json_set_int(row, "first_seen_ago_s", now - entry->first_s);
			fw_json_set_int(row, "last_seen_ago_s", now - entry->last_s);
			if (entry->changed_s != 0) {
				fw_json_set_int(row, "changed_ago_s", now - entry->changed_s);
			}
		}
	}
}

void s2s_certs_list(struct fw_self *self, struct fw_call *call)
{
	const struct s2s *s2s = fw_self_state(self);
	struct fw_json *result = fw_call_result(call);

	s2s_keys_report(s2s->keys, fw_json_set_array(result, "own"));
	s2s_certs_report(s2s->certs, fw_json_set_array(result, "peers"));
	fw_call_done(&call);
}
