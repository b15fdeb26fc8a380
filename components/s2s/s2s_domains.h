/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rows `domains`: what the configuration says of one remote domain, or of a domain and all below it.
 * One row speaks for a domain and direction; what the row leaves out holds as for everybody.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_DOMAINS_H
#define FEDWAY_COMPONENTS_S2S_S2S_DOMAINS_H

#include <fedway/config.h>
#include <fedway/error.h>

/** Who opened the stream: S2S_IN is the remote domain's, S2S_OUT ours. */
enum s2s_direction { S2S_BOTH, S2S_IN, S2S_OUT };

/** One row. A choice of 0 and an empty list say "inherit". */
struct s2s_domain_row {
	const char *name; /**< "partner.example", or "*.partner.example": it and all below it */
	int direction;    /**< enum s2s_direction */
	/* security, read by s2s_security.c */
	int tls;
	int tls_min;
	struct fw_strings methods;
	int certificate_name;
	int certificate_purpose;
	int require_client_certificates;
	struct fw_strings pins;
	/* read by s2s_rate.c; 0: inherit */
	uint32_t rate_max_stanzas;
	uint64_t rate_max_bytes;
	/* read by s2s_out.c */
	struct fw_strings source_addresses;
	/* read by s2s_bidi.c */
	int bidi;
};

extern const struct fw_option s2s_domain_rows[];

struct s2s_domains;

/**
 * Sorts the rows for s2s_domains_find(). Keeps pointers to them: it lives no longer than the configuration.
 * @return FW_OK; FW_EINVAL (err names the row: no domain, given twice); FW_ENOMEM [g]
 */
int s2s_domains_new(const struct fw_rows *rows, struct s2s_domains **out, struct fw_error *err);
void s2s_domains_free(struct s2s_domains **domains);
/**
 * The row with the longest match: the domain itself, then the longest suffix; of two for the same domains the
 * one with a direction. NULL: none.
 * @param remote     as fw_domain_key() writes it
 * @param direction  S2S_IN or S2S_OUT
 */
const struct s2s_domain_row *s2s_domains_find(const struct s2s_domains *domains, const char *remote,
                                              enum s2s_direction direction);

#endif
