/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Our own certificates: one per domain, and one for all others. Their files are watched and taken over when they
 * change and are good; streams that exist keep what they have. Who is near its end is told every day.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_KEYS_H
#define FEDWAY_COMPONENTS_S2S_S2S_KEYS_H

#include <fedway/config.h>
#include <fedway/io/tls.h>
#include <fedway/json.h>

struct s2s;
struct s2s_config;
struct s2s_keys;
struct s2s_security;

/** One row of `certificates`. */
struct s2s_certificate_row {
	const char *domain; /**< "corp.example", "*.corp.example" */
	const char *certificate_file;
	const char *key_file;
};
extern const struct fw_option s2s_certificate_rows[];

/**
 * Reads all files of a configuration. *out is NULL when its rules never ask for TLS. [g]
 * @return FW_OK; FW_EINVAL (err names the file and why); FW_ENOMEM
 */
int s2s_keys_load(const struct s2s_config *config, const struct s2s_security *security,
                  struct fw_tls_context **out, struct fw_error *err);

/** Begins to watch. @return FW_OK, FW_ENOMEM [g] */
int s2s_keys_new(struct s2s *s2s, struct s2s_keys **out);
void s2s_keys_free(struct s2s_keys **keys);
/** Takes the files of the configuration in force into s2s->tls. @return FW_OK; else the old ones stay and err says why */
int s2s_keys_take(struct s2s_keys *keys, struct fw_error *err);
/** One of our certificates names the domain, given as a key (RFC 9525). */
bool s2s_keys_name(const struct s2s_keys *keys, const char *domain_key);
/** For reports: one object per certificate of ours. */
void s2s_keys_report(const struct s2s_keys *keys, struct fw_json *array);
/** What an operator should do soon, as `warning`; nothing when all is well. */
void s2s_keys_warn(const struct s2s_keys *keys, struct fw_json *status);

#endif
