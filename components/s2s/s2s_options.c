/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Option rows of the S2S connection manager, and the checks that rows cannot express. Called by the
 * host before start and before every reload; it changes nothing.
 */
#include "components/s2s/s2s.h"

static const struct fw_option s2s_listen_rows[] = {
	FW_OPT(struct s2s_listen_row, address, NULL, .min = 1, .max = 64,
	       .help = "IP address to accept servers on; \"::\" is every IPv6, \"0.0.0.0\" every "
	               "IPv4 "
	               "address"),
	FW_OPT(struct s2s_listen_row, port, "5269", .max = 65535,
	       .help = "TCP port; 0 lets the system choose"),
	FW_OPT_END,
};

const struct fw_option s2s_options[] = {
	FW_OPT(struct s2s_config, listen, "", .rows = s2s_listen_rows,
	       .row_size = sizeof(struct s2s_listen_row), .max = 64,
	       .help = "addresses on which servers are accepted; none: this component only "
	               "initiates"),
	FW_OPT(struct s2s_config, security_mode, "tls-required", .choices = fw_security_choices,
	       .help = "how much TLS a stream must have, in both directions"),
	FW_OPT(struct s2s_config, certificate_file, "",
	       .help = "PEM file with our certificate first, then its chain; needed unless no-tls"),
	FW_OPT(struct s2s_config, key_file, "",
	       .help = "PEM file with the private key; empty: it is in certificate_file"),
	FW_OPT(struct s2s_config, ca_file, "",
	       .help = "PEM file with the trust anchors for peers; empty: the system's"),
	FW_OPT(struct s2s_config, resolve_timeout_ms, "15000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "to find the addresses of a remote domain"),
	FW_OPT(struct s2s_config, connect_timeout_ms, "10000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "for one TCP connection, per address"),
	FW_OPT(struct s2s_config, attempt_delay_ms, "250", .min = 100, .max = 2000, .unit = "ms",
	       .help = "head start of each address before the next is tried beside it; twice that "
	               "before a worse priority"),
	FW_OPT(struct s2s_config, stream_timeout_ms, "10000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "for the peer's stream header and features, each time"),
	FW_OPT(struct s2s_config, tls_timeout_ms, "10000", .min = 10, .max = 120000, .unit = "ms",
	       .help = "for STARTTLS and the handshake"),
	FW_OPT(struct s2s_config, auth_timeout_ms, "30000", .min = 10, .max = 300000, .unit = "ms",
	       .help = "for dialback: until the peer answers, or must have proved a domain"),
	FW_OPT(struct s2s_config, idle_timeout_ms, "600000", .min = 10, .max = 86400000,
	       .unit = "ms", .help = "a stream without stanzas for so long is closed"),
	FW_OPT(struct s2s_config, queue_max_stanzas, "1000", .min = 1, .max = 1000000,
	       .unit = "stanzas", .help = "waiting for one pair of domains"),
	FW_OPT(struct s2s_config, queue_max_bytes, "4194304", .min = 10000, .max = 1073741824,
	       .unit = "bytes", .help = "waiting for one pair of domains"),
	FW_OPT(struct s2s_config, queue_max_age_ms, "60000", .min = 10, .max = 3600000,
	       .unit = "ms",
	       .help = "a stanza that has waited so long is bounced; a peer that takes nothing for "
	               "so "
	               "long is dead"),
	FW_OPT(struct s2s_config, queue_total_max_stanzas, "50000", .min = 1, .max = 100000000,
	       .unit = "stanzas", .help = "waiting for all pairs together"),
	FW_OPT(struct s2s_config, queue_total_max_bytes, "268435456", .min = 10000,
	       .max = 68719476736, .unit = "bytes", .help = "waiting for all pairs together"),
	FW_OPT(struct s2s_config, backoff_min_ms, "2000", .min = 1, .max = 3600000, .unit = "ms",
	       .help = "first wait after an attempt to reach a remote domain failed; it doubles"),
	FW_OPT(struct s2s_config, backoff_max_ms, "300000", .min = 1, .max = 86400000, .unit = "ms",
	       .help = "longest wait between two attempts"),
	FW_OPT(struct s2s_config, unauthenticated_max, "500", .min = 1, .max = 100000,
	       .unit = "streams",
	       .help = "inbound streams that have not proved a domain yet; beyond it the oldest "
	               "of these that has nothing under way makes room"),
	FW_OPT(struct s2s_config, unauthenticated_per_address_max, "20", .min = 1, .max = 100000,
	       .unit = "streams", .help = "the same, from one IPv4 address or one IPv6 /64"),
	FW_OPT(struct s2s_config, connections_per_address_rate, "50", .min = 0, .max = 100000,
	       .unit = "connections/s",
	       .help = "accepted from one IPv4 address or one IPv6 /64; 0: any number"),
	FW_OPT(struct s2s_config, rate_max_stanzas, "5000", .min = 0, .max = 10000000,
	       .unit = "stanzas/s",
	       .help = "taken from one remote domain over all its streams; beyond it they are read "
	               "more slowly; 0: any number"),
	FW_OPT(struct s2s_config, rate_max_bytes, "16777216", .min = 0, .max = 1099511627776,
	       .unit = "bytes/s", .help = "the same, in bytes of stanzas"),
	FW_OPT(struct s2s_config, rate_burst_s, "5", .min = 1, .max = 3600, .unit = "s",
	       .help = "a rate may be used up in advance for so long"),
	FW_OPT(struct s2s_config, pairs_per_stream_max, "64", .min = 1, .max = 10000,
	       .unit = "pairs", .help = "pairs of domains that a peer may prove on one stream"),
	FW_OPT(struct s2s_config, tag_max_bytes, "16384", .min = 10000, .max = 1048576,
	       .unit = "bytes", .help = "longest tag after authentication; 10000 before"),
	FW_OPT(struct s2s_config, stanza_max_bytes, "262144", .min = 10000, .max = 16777216,
	       .unit = "bytes", .help = "largest stanza after authentication; 10000 before"),
	FW_OPT_END,
};

int s2s_options_tls(const struct s2s_config *config, struct fw_tls_context **out,
                    struct fw_error *err)
{
	if (config->security_mode == FW_SECURITY_NONE) {
		*out = NULL;
		return FW_OK;
	}
	struct fw_tls_settings settings = {
		.certificate_file = config->certificate_file,
		.key_file = config->key_file[0] != '\0' ? config->key_file : NULL,
		.ca_file = config->ca_file,
	};
	return fw_tls_context_new(&settings, out, err);
}

static int s2s_options_check_listen(const struct s2s_config *config, struct fw_error *err)
{
	const struct s2s_listen_row *rows = config->listen.items;

	for (size_t i = 0; i < config->listen.count; i++) {
		struct fw_addr addr;
		if (fw_addr_parse(rows[i].address, rows[i].port, &addr) != FW_OK) {
			return fw_error_set(
			        err, FW_EINVAL,
			        "listen: \"%s\" is not an IP address; give \"::\" or \"0.0.0.0\" "
			        "for all addresses",
			        rows[i].address);
		}
		for (size_t j = 0; j < i; j++) {
			struct fw_addr other;
			if (rows[i].port != 0 &&
			    fw_addr_parse(rows[j].address, rows[j].port, &other) == FW_OK &&
			    fw_addr_eq(&addr, &other)) {
				return fw_error_set(err, FW_EINVAL,
				                    "listen: %s port %u is given twice; remove one",
				                    rows[i].address, rows[i].port);
			}
		}
	}
	return FW_OK;
}

int s2s_options_check(const void *config_in, struct fw_error *err)
{
	const struct s2s_config *config = config_in;
	struct fw_tls_context *tls = NULL;
	int ret = s2s_options_check_listen(config, err);

	if (ret != FW_OK) {
		return ret;
	}
	if (config->security_mode != FW_SECURITY_NONE && config->certificate_file[0] == '\0') {
		return fw_error_set(
		        err, FW_EINVAL,
		        "certificate_file is missing and security_mode needs TLS: name a PEM "
		        "file with certificate, chain and key, or set security_mode = \"no-tls\"");
	}
	if (config->backoff_min_ms > config->backoff_max_ms) {
		return fw_error_set(
		        err, FW_EINVAL,
		        "backoff_min_ms = %u is over backoff_max_ms = %u: raise the second",
		        config->backoff_min_ms, config->backoff_max_ms);
	}
	ret = s2s_options_tls(config, &tls, err);
	fw_tls_context_release(&tls);
	return ret;
}
