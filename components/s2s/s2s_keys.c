/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads our certificates, watches their files, and swaps them live. What is read is checked as a
 * whole before anything is swapped: keys that match, chains in order, dates. Called at start, by
 * reload, and by its own timer. Which certificate a stream shows is chosen by TLS.
 */
#include "components/s2s/s2s_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "components/s2s/s2s.h"

enum { TELL_EVERY_S = 86400 };

static struct fw_logger keys_logger = FW_LOGGER("s2s.certificates");

const struct fw_option s2s_certificate_rows[] = {
	FW_OPT(struct s2s_certificate_row, domain, NULL, .min = 1, .max = 1023,
	       .help = "whose it is: a domain of ours, or \"*.example.org\" for all right below"),
	FW_OPT(struct s2s_certificate_row, certificate_file, NULL, .min = 1, .max = 4096,
	       .help = "PEM file with the certificate first, then its chain"),
	FW_OPT(struct s2s_certificate_row, key_file, "",
	       .help = "PEM file with the private key; empty: it is in certificate_file"),
	FW_OPT_END,
};

/** One of ours, as it is in use. */
struct keys_own {
	char *domain; /* "": for all others */
	char *file;
	const struct fw_certificate *certificate;
};

struct s2s_keys {
	struct s2s *s2s;
	struct fw_timer *timer;
	size_t count;
	struct keys_own *own;
	int64_t told_s; /* when certificates near their end were told last */
	char problem[sizeof(
	        ((struct fw_error *)NULL)->text)]; /* with the files as they are now; told once */
};

/* ---- from the configuration ---- */

int s2s_keys_load(const struct s2s_config *config, const struct s2s_security *security,
                  struct fw_tls_context **out, struct fw_error *err)
{
	const struct s2s_certificate_row *rows = config->certificates.items;
	struct fw_tls_context *context = NULL;

	if (!s2s_security_needs_tls(security)) {
		*out = NULL;
		return FW_OK;
	}
	struct fw_tls_settings settings = {
		.certificate_file = config->certificate_file,
		.key_file = config->key_file,
		.ca_file = config->ca_file,
		.crl_file = config->crl_file,
		.keylog_file = config->tls_keylog_file[0] != '\0' ? config->tls_keylog_file : NULL,
	};
	int ret = fw_tls_context_new(&settings, &context, err);
	for (size_t i = 0; ret == FW_OK && i < config->certificates.count; i++) {
		ret = fw_tls_context_add_certificate(
		        context, rows[i].domain, rows[i].certificate_file, rows[i].key_file, err);
	}
	if (ret != FW_OK) {
		fw_tls_context_release(&context);
		return ret;
	}
	*out = context;
	return FW_OK;
}

/* ---- what they are ---- */

static void keys_forget(struct s2s_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		free(keys->own[i].domain);
		free(keys->own[i].file);
		fw_certificate_release(&keys->own[i].certificate);
	}
	free(keys->own);
	keys->own = NULL;
	keys->count = 0;
}

/* Without memory, or when the file is another by now, there is one less to tell of. */
static void keys_describe(struct s2s_keys *keys, const char *domain, const char *file)
{
	struct keys_own *own = &keys->own[keys->count];
	struct fw_error err = { 0 };

	own->domain = fw_str_dup(fw_str(domain));
	own->file = fw_str_dup(fw_str(file));
	if (own->domain != NULL && own->file != NULL &&
	    fw_certificate_read(file, &own->certificate, &err) == FW_OK) {
		keys->count++;
		return;
	}
	free(own->domain);
	free(own->file);
	*own = (struct keys_own){ 0 };
}

static void keys_look(struct s2s_keys *keys)
{
	const struct s2s_config *config = keys->s2s->config;
	const struct s2s_certificate_row *rows = config->certificates.items;

	keys_forget(keys);
	keys->own = calloc(config->certificates.count + 1, sizeof(*keys->own));
	if (keys->own == NULL || keys->s2s->tls == NULL) {
		return;
	}
	keys_describe(keys, "", config->certificate_file);
	for (size_t i = 0; i < config->certificates.count; i++) {
		keys_describe(keys, rows[i].domain, rows[i].certificate_file);
	}
}

static void keys_tell(struct s2s_keys *keys)
{
	keys->told_s = (int64_t)time(NULL);
	for (size_t i = 0; i < keys->count; i++) {
		if (fw_certificate_days_left(keys->own[i].certificate) < FW_CERTIFICATE_WARN_DAYS) {
			fw_log(fw_self_log(keys->s2s->self), &keys_logger, FW_LOG_WARNING,
			       "our certificate ends soon file=%s days_left=%lld remedy='renew it; "
			       "it "
			       "is taken over without a restart'",
			       keys->own[i].file,
			       (long long)fw_certificate_days_left(keys->own[i].certificate));
		}
	}
}

/* ---- taking over ---- */

int s2s_keys_take(struct s2s_keys *keys, struct fw_error *err)
{
	struct s2s *s2s = keys->s2s;
	struct fw_tls_context *fresh = NULL;
	int ret = s2s_keys_load(s2s->config, s2s->security, &fresh, err);

	if (ret != FW_OK) {
		snprintf(keys->problem, sizeof(keys->problem), "%s", err->text);
		return ret;
	}
	keys->problem[0] = '\0';
	fw_tls_context_release(&s2s->tls);
	s2s->tls = fresh;
	keys_look(keys);
	keys_tell(keys);
	return FW_OK;
}

static void keys_renew(struct s2s_keys *keys)
{
	const struct fw_log *log = fw_self_log(keys->s2s->self);
	char told[sizeof(keys->problem)];
	struct fw_error err = { 0 };

	memcpy(told, keys->problem, sizeof(told));
	if (s2s_keys_take(keys, &err) == FW_OK) {
		fw_log(log, &keys_logger, FW_LOG_NOTICE,
		       "certificates taken over, streams that exist keep theirs");
	} else if (strcmp(told, err.text) != 0) {
		fw_log(log, &keys_logger, FW_LOG_WARNING,
		       "certificates not renewed, the old ones stay reason=\"%s\"", err.text);
	}
}

static void keys_on_timer(void *ctx)
{
	struct s2s_keys *keys = ctx;
	uint32_t wait = keys->s2s->config->certificate_watch_ms;

	if (keys->s2s->tls != NULL && fw_tls_context_stale(keys->s2s->tls)) {
		keys_renew(keys);
	}
	if ((int64_t)time(NULL) - keys->told_s >= TELL_EVERY_S) {
		keys_tell(keys);
	}
	fw_timer_start_ms(keys->timer, wait, 0);
}

int s2s_keys_new(struct s2s *s2s, struct s2s_keys **out)
{
	struct s2s_keys *keys = calloc(1, sizeof(*keys));

	if (keys == NULL) {
		return FW_ENOMEM;
	}
	keys->s2s = s2s;
	if (fw_timer_new(s2s->loop, keys_on_timer, keys, &keys->timer) != FW_OK) {
		free(keys);
		return FW_ENOMEM;
	}
	fw_timer_start_ms(keys->timer, s2s->config->certificate_watch_ms, 0);
	*out = keys;
	return FW_OK;
}

void s2s_keys_free(struct s2s_keys **keys_ptr)
{
	struct s2s_keys *keys = *keys_ptr;

	*keys_ptr = NULL;
	if (keys == NULL) {
		return;
	}
	keys_forget(keys);
	fw_timer_free(&keys->timer);
	free(keys);
}

/* ---- reports ---- */

bool s2s_keys_name(const struct s2s_keys *keys, const char *domain_key)
{
	char matched[FW_DOMAIN_SIZE];

	for (size_t i = 0; i < keys->count; i++) {
		if (fw_certificate_names(keys->own[i].certificate, domain_key, false, matched,
		                         sizeof(matched))) {
			return true;
		}
	}
	return false;
}

void s2s_keys_report(const struct s2s_keys *keys, struct fw_json *array)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct keys_own *own = &keys->own[i];
		struct fw_json *row = fw_json_append_object(array);
		fw_json_set(row, "domain",
		            fw_str(own->domain[0] != '\0' ? own->domain : "all others"));
		fw_json_set_int(row, "days_left", fw_certificate_days_left(own->certificate));
		fw_json_set(row, "names", fw_str(own->certificate->names));
		fw_json_set(row, "issuer", fw_str(own->certificate->issuer));
		fw_json_set(row, "key_sha256", fw_str(own->certificate->key_sha256));
		fw_json_set(row, "file", fw_str(own->file));
	}
}

void s2s_keys_warn(const struct s2s_keys *keys, struct fw_json *status)
{
	if (keys->problem[0] != '\0') {
		fw_json_setf(status, "certificate_warning",
		             "the files have changed and cannot be used: %s", keys->problem);
		return;
	}
	for (size_t i = 0; i < keys->count; i++) {
		if (fw_certificate_days_left(keys->own[i].certificate) < FW_CERTIFICATE_WARN_DAYS) {
			char end[FW_CERTIFICATE_END_SIZE];
			fw_json_setf(status, "certificate_warning",
			             "%s %s: renew it; it is taken over without a restart",
			             keys->own[i].file,
			             fw_certificate_end_text(keys->own[i].certificate, end));
			return;
		}
	}
}
