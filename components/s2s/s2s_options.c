/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Option rows of the S2S connection manager, and the checks that rows cannot express. Called by the
 * host before start and before every reload; it changes nothing.
 */
#include "components/s2s/s2s.h"
#include "components/s2s/s2s_bidi.h"
#include "components/s2s/s2s_keys.h"
#include "components/s2s/s2s_carriers.h"
#include "components/s2s/s2s_side.h"

#include <stdio.h>

static const struct fw_option s2s_listen_rows[] = {
	FW_OPT(struct fw_listen_row, address, NULL, .min = 1, .max = 64,
	       .help = "IP address to accept servers on; \"::\" is every IPv6, \"0.0.0.0\" every "
	               "IPv4 "
	               "address"),
	FW_OPT(struct fw_listen_row, port, "5269", .max = 65535,
	       .help = "TCP port; 0 lets the system choose"),
	FW_OPT_END,
};

/* ---- rows of `domains` ---- */

static const struct fw_choice direction_choices[] = {
	{ "both", S2S_BOTH, "streams that either side opened" },
	{ "in", S2S_IN, "streams that the remote domain opened" },
	{ "out", S2S_OUT, "streams that we opened" },
	{ NULL, 0, NULL },
};

#define INHERIT \
	{ \
		"inherit", 0, "as for all domains" \
	}

static const struct fw_choice row_tls_choices[] = {
	INHERIT,
	{ "off", S2S_TLS_OFF, "never TLS" },
	{ "optional", S2S_TLS_OPTIONAL, "TLS when the peer does it" },
	{ "required", S2S_TLS_REQUIRED, "no stream without TLS" },
	{ "verified", S2S_TLS_VERIFIED,
	  "no stream without TLS and a certificate that leads to an authority of ca_file" },
	{ NULL, 0, NULL },
};

#define TLS_MIN_WORDS \
	{ "1.2", FW_TLS_1_2 + 1, "TLS 1.2 or later" }, \
	{ \
		"1.3", FW_TLS_1_3 + 1, "TLS 1.3" \
	}
static const struct fw_choice tls_min_choices[] = { TLS_MIN_WORDS, { NULL, 0, NULL } };
static const struct fw_choice row_tls_min_choices[] = { INHERIT, TLS_MIN_WORDS, { NULL, 0, NULL } };

#define NAME_WORDS \
	{ "as-tls", S2S_NAME_AS_TLS, \
	  "required where tls is required or verified and no key is pinned" }, \
	        { "required", S2S_NAME_REQUIRED, \
		  "a certificate that is shown must name the domain" }, \
	{ \
		"optional", S2S_NAME_OPTIONAL, "it may name others; external still needs the name" \
	}
static const struct fw_choice name_choices[] = { NAME_WORDS, { NULL, 0, NULL } };
static const struct fw_choice row_name_choices[] = { INHERIT, NAME_WORDS, { NULL, 0, NULL } };

#define PURPOSE_WORDS \
	{ "server", FW_TLS_PURPOSE_SERVER + 1, "serverAuth is enough on both sides" }, \
	        { "strict", FW_TLS_PURPOSE_STRICT + 1, \
		  "clientAuth from who opens a stream, serverAuth from who takes it" }, \
	{ \
		"ignore", FW_TLS_PURPOSE_IGNORE + 1, "not looked at" \
	}
static const struct fw_choice purpose_choices[] = { PURPOSE_WORDS, { NULL, 0, NULL } };
static const struct fw_choice row_purpose_choices[] = { INHERIT, PURPOSE_WORDS, { NULL, 0, NULL } };

static const struct fw_choice row_require_choices[] = {
	INHERIT,
	{ "yes", S2S_YES, "under TLS the certificate must verify" },
	{ "no", S2S_NO, "it need not" },
	{ NULL, 0, NULL },
};

static const struct fw_choice row_bidi_choices[] = {
	INHERIT,
	{ "yes", S2S_YES, "where the peer agrees" },
	{ "no", S2S_NO, "each direction has streams of its own" },
	{ NULL, 0, NULL },
};

static int options_check_pin(const char *text, struct fw_str name, char *why, size_t why_size)
{
	(void)name;
	if (strlen(text) == FW_TLS_PIN_SIZE - 1 &&
	    strspn(text, "0123456789abcdefABCDEF") == FW_TLS_PIN_SIZE - 1) {
		return 0;
	}
	snprintf(why, why_size, "not the 64 hex digits of a SHA-256 over a public key");
	return -1;
}

const struct fw_option s2s_domain_rows[] = {
	FW_OPT(struct s2s_domain_row, name, NULL, .min = 1, .max = 1023,
	       .help = "remote domain, or \"*.example.org\" for example.org and all below it; the "
	               "longest match speaks"),
	FW_OPT(struct s2s_domain_row, direction, "both", .choices = direction_choices,
	       .help = "streams that the row speaks of; one with a direction goes before one for "
	               "both"),
	FW_OPT(struct s2s_domain_row, tls, "inherit", .choices = row_tls_choices,
	       .help = "how much TLS a stream must have"),
	FW_OPT(struct s2s_domain_row, tls_min, "inherit", .choices = row_tls_min_choices,
	       .help = "oldest version of TLS"),
	FW_OPT(struct s2s_domain_row, methods, "", .min = 1, .max = 2,
	       .check = s2s_security_check_method,
	       .help = "\"external\", \"dialback\", in order of preference; empty: inherit"),
	FW_OPT(struct s2s_domain_row, certificate_name, "inherit", .choices = row_name_choices,
	       .help = "must a certificate that is shown name the domain"),
	FW_OPT(struct s2s_domain_row, certificate_purpose, "inherit",
	       .choices = row_purpose_choices,
	       .help = "what a certificate must have been issued for"),
	FW_OPT(struct s2s_domain_row, require_client_certificates, "inherit",
	       .choices = row_require_choices,
	       .help = "under TLS the peer's certificate must verify"),
	FW_OPT(struct s2s_domain_row, rate_max_stanzas, "0", .min = 0, .max = 10000000,
	       .unit = "stanzas/s",
	       .help = "taken from each of these domains over all its streams; 0: inherit"),
	FW_OPT(struct s2s_domain_row, rate_max_bytes, "0", .min = 0, .max = 1099511627776,
	       .unit = "bytes/s", .help = "the same, in bytes of stanzas; 0: inherit"),
	FW_OPT(struct s2s_domain_row, source_addresses, "", .max = 2,
	       .help = "addresses to connect from; empty: inherit"),
	FW_OPT(struct s2s_domain_row, bidi, "inherit", .choices = row_bidi_choices,
	       .help = "may the streams carry stanzas in both directions (XEP-0288)"),
	FW_OPT(struct s2s_domain_row, pins, "", .max = FW_TLS_PINS_MAX, .check = options_check_pin,
	       .help = "SHA-256 of the public keys of which the peer must have one, in hex"),
	FW_OPT_END,
};

/* ---- the component's own ---- */

static const struct fw_choice s2s_multiplex_choices[] = {
	{ "none", S2S_MULTIPLEX_NONE, "every pair of domains has a stream of its own" },
	{ "sender", S2S_MULTIPLEX_SENDER, "pairs with the same remote domain share one" },
	{ "target", S2S_MULTIPLEX_TARGET,
	  "and pairs whose remote domains are served at one address" },
	{ NULL, 0, NULL },
};

static const struct fw_choice s2s_bidi_choices[] = {
	{ "off", S2S_BIDI_OFF, "none" },
	{ "in", S2S_BIDI_IN, "those that other servers open" },
	{ "out", S2S_BIDI_OUT, "those that we open" },
	{ "both", S2S_BIDI_BOTH, "all, where the other server agrees" },
	{ NULL, 0, NULL },
};

const struct fw_option s2s_options[] = {
	FW_OPT(struct s2s_config, side, "outer", .choices = s2s_side_choices,
	       .help = "on which side of the border this component stands"),
	FW_OPT(struct s2s_config, inner_servers, "", .rows = s2s_server_rows,
	       .row_size = sizeof(struct s2s_server_row), .max = 1000,
	       .help = "our own servers, for side = \"inner\""),
	FW_OPT(struct s2s_config, listen, "", .rows = s2s_listen_rows,
	       .row_size = sizeof(struct fw_listen_row), .max = 64,
	       .help = "addresses on which servers are accepted; none: this component only "
	               "initiates"),
	FW_OPT(struct s2s_config, security_mode, "tls-required", .choices = fw_security_choices,
	       .help = "how much TLS a stream must have, in both directions"),
	FW_OPT(struct s2s_config, certificate_file, "",
	       .help = "PEM file with our certificate first, then its chain; needed unless no-tls"),
	FW_OPT(struct s2s_config, key_file, "",
	       .help = "PEM file with the private key; empty: it is in certificate_file"),
	FW_OPT(struct s2s_config, certificates, "", .rows = s2s_certificate_rows,
	       .row_size = sizeof(struct s2s_certificate_row), .max = 1000,
	       .help = "certificates for single domains of ours, chosen by SNI, then by the "
	               "stream's to; certificate_file is for all others"),
	FW_OPT(struct s2s_config, certificate_watch_ms, "5000", .min = 100, .max = 86400000,
	       .unit = "ms",
	       .help = "how often the files of certificates, keys and authorities are looked at; "
	               "changed ones are taken over when all are good"),
	FW_OPT(struct s2s_config, ca_file, "",
	       .help = "PEM file with the trust anchors for peers; empty: the system's"),
	FW_OPT(struct s2s_config, crl_file, "",
	       .help = "PEM file with revocation lists of the authorities; empty: nothing is "
	               "revoked"),
	FW_OPT(struct s2s_config, tls_min, "1.2", .choices = tls_min_choices,
	       .help = "oldest version of TLS"),
	FW_OPT(struct s2s_config, methods, "", .min = 1, .max = 2,
	       .check = s2s_security_check_method,
	       .help = "ways to prove a domain, in order of preference: \"external\" by "
	               "certificate (SASL), \"dialback\"; empty: both, in this order"),
	FW_OPT(struct s2s_config, certificate_name, "as-tls", .choices = name_choices,
	       .help = "must a certificate that a peer shows name its domain"),
	FW_OPT(struct s2s_config, certificate_purpose, "server", .choices = purpose_choices,
	       .help = "what a peer's certificate must have been issued for"),
	FW_OPT(struct s2s_config, require_client_certificates, "false",
	       .help = "under TLS every peer must show a certificate that verifies: authority, "
	               "validity, revocation"),
	FW_OPT(struct s2s_config, domains, "", .rows = s2s_domain_rows,
	       .row_size = sizeof(struct s2s_domain_row), .max = 10000,
	       .help = "what holds for single remote domains instead"),
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
	FW_OPT(struct s2s_config, external_retry_ms, "3600000", .min = 1, .max = 86400000,
	       .unit = "ms",
	       .help = "a server that refused our certificate is not asked to take it for so long"),
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
	FW_OPT(struct s2s_config, connecting_max, "500", .min = 1, .max = 100000, .unit = "streams",
	       .help = "to other servers that are being opened at once; more wait for their turn"),
	FW_OPT(struct s2s_config, connecting_per_domain_max, "10", .min = 1, .max = 100000,
	       .unit = "streams", .help = "the same, to one remote domain"),
	FW_OPT(struct s2s_config, source_addresses, "", .max = 2,
	       .help = "addresses to connect from, one for each family at most; none: the "
	               "system's choice"),
	FW_OPT(struct s2s_config, target_keep_ms, "600000", .max = 86400000, .unit = "ms",
	       .help = "the address of a remote domain that worked last is tried first for so "
	               "long; 0: never"),
	FW_OPT(struct s2s_config, backoff_min_ms, "2000", .min = 1, .max = 3600000, .unit = "ms",
	       .help = "first wait after an attempt to reach a remote domain failed; it doubles"),
	FW_OPT(struct s2s_config, backoff_max_ms, "300000", .min = 1, .max = 86400000, .unit = "ms",
	       .help = "longest wait between two attempts"),
	FW_OPT(struct s2s_config, failure_log_interval_ms, "600000", .min = 1000, .max = 86400000,
	       .unit = "ms",
	       .help = "a remote domain that keeps failing for one cause is told of again so "
	               "often, "
	               "with a count"),
	FW_OPT(struct s2s_config, unauthenticated_max, "500", .min = 1, .max = 100000,
	       .unit = "streams",
	       .help = "inbound streams that have not proved a domain yet; beyond it the oldest "
	               "of these that has nothing under way makes room"),
	FW_OPT(struct s2s_config, unauthenticated_per_address_max, "250", .min = 1, .max = 100000,
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
	FW_OPT(struct s2s_config, acks, "true",
	       .help = "stream management (XEP-0198): offered, and used where the peer offers it"),
	FW_OPT(struct s2s_config, ack_request_stanzas, "100", .min = 1, .max = 100000,
	       .unit = "stanzas", .help = "the peer is asked what it has when so many are out"),
	FW_OPT(struct s2s_config, ack_request_ms, "2000", .min = 10, .max = 60000, .unit = "ms",
	       .help = "and when some have been out for so long"),
	FW_OPT(struct s2s_config, ack_window_stanzas, "4096", .min = 1, .max = 1000000,
	       .unit = "stanzas",
	       .help = "kept for one stream until the peer has acknowledged them"),
	FW_OPT(struct s2s_config, ack_window_bytes, "4194304", .min = 10000, .max = 1073741824,
	       .unit = "bytes", .help = "the same, in bytes"),
	FW_OPT(struct s2s_config, resend_unacknowledged, "false",
	       .help = "what a lost peer had not acknowledged goes again over a new stream, and "
	               "may "
	               "arrive twice; otherwise it is bounced"),
	FW_OPT(struct s2s_config, probe_idle_ms, "10000", .min = 10, .max = 600000, .unit = "ms",
	       .help = "after so long a stream in use that has no acknowledgements is asked for a "
	               "sign of life (XEP-0199)"),
	FW_OPT(struct s2s_config, probe_timeout_ms, "20000", .min = 10, .max = 600000, .unit = "ms",
	       .help = "a peer that answers no question for so long is dead"),
	FW_OPT(struct s2s_config, tcp_timeout_ms, "25000", .min = 0, .max = 3600000, .unit = "ms",
	       .help = "a peer whose system acknowledges nothing for so long is dead; 0: as long "
	               "as "
	               "the system waits"),
	FW_OPT(struct s2s_config, pairs_per_stream_max, "64", .min = 1, .max = 10000,
	       .unit = "pairs",
	       .help = "pairs of domains on one stream: that a peer may prove, and that we send "
	               "for"),
	FW_OPT(struct s2s_config, bidi, "both", .choices = s2s_bidi_choices,
	       .help = "streams that may carry stanzas in both directions (XEP-0288)"),
	FW_OPT(struct s2s_config, multiplex, "target", .choices = s2s_multiplex_choices,
	       .help = "which pairs of domains share a stream to another server that advertises "
	               "dialback errors"),
	FW_OPT(struct s2s_config, tag_max_bytes, "16384", .min = 10000, .max = 1048576,
	       .unit = "bytes", .help = "longest tag after authentication; 10000 before"),
	FW_OPT(struct s2s_config, stanza_max_bytes, "262144", .min = 10000, .max = 16777216,
	       .unit = "bytes", .help = "largest stanza after authentication; 10000 before"),
	FW_OPT(struct s2s_config, depth_max, "64", .min = 8, .max = 1000, .unit = "elements",
	       .help = "inside each other, after authentication; 32 before"),
	FW_OPT(struct s2s_config, attributes_max, "64", .min = 8, .max = 1000, .unit = "attributes",
	       .help = "of one element, after authentication; 32 before"),
	FW_OPT(struct s2s_config, declarations_max, "64", .min = 8, .max = 1000,
	       .unit = "declarations",
	       .help = "of name spaces in force at one place, after authentication; 32 before"),
	FW_OPT(struct s2s_config, trace_dir, "/var/lib/fedway/traces", .min = 1, .max = 255,
	       .help = "folder for the files of \"fedwayctl trace\"; they are made for the "
	               "daemon's user only"),
	FW_OPT(struct s2s_config, tls_keylog_file, "", .max = 255,
	       .help = "secrets of every TLS connection are appended here, for Wireshark; only "
	               "while you look for a fault: whoever reads the file reads all streams"),
	FW_OPT_END,
};

static int s2s_options_check_sources(const struct s2s_config *config, struct fw_error *err)
{
	const struct s2s_domain_row *rows = config->domains.items;
	struct fw_addr sources[2];
	int ret = fw_sources_parse(&config->source_addresses, sources, err);

	for (size_t i = 0; i < config->domains.count && ret == FW_OK; i++) {
		ret = fw_sources_parse(&rows[i].source_addresses, sources, err);
	}
	return ret;
}

int s2s_options_check(const void *config_in, struct fw_error *err)
{
	const struct s2s_config *config = config_in;
	struct s2s_security *security = NULL;
	struct fw_tls_context *tls = NULL;
	struct s2s_side *side = NULL;
	int ret = fw_listeners_check(config->listen.items, config->listen.count, err);

	if (ret == FW_OK) {
		ret = s2s_side_new(config, &side, err);
		s2s_side_free(&side);
	}
	if (ret == FW_OK) {
		ret = s2s_options_check_sources(config, err);
	}
	if (ret == FW_OK) {
		ret = s2s_security_new(config, &security, err);
	}
	if (ret != FW_OK) {
		return ret;
	}
	if (s2s_security_needs_tls(security) && config->certificate_file[0] == '\0') {
		ret = fw_error_set(
		        err, FW_EINVAL,
		        "certificate_file is missing and %s TLS: name a PEM file with certificate, "
		        "chain and key, or %s",
		        config->security_mode != FW_SECURITY_NONE ? "security_mode needs"
		                                                  : "domains has rows that need",
		        config->security_mode != FW_SECURITY_NONE ? "set security_mode = \"no-tls\""
		                                                  : "remove these rows");
		goto done;
	}
	if (config->backoff_min_ms > config->backoff_max_ms) {
		ret = fw_error_set(
		        err, FW_EINVAL,
		        "backoff_min_ms = %u is over backoff_max_ms = %u: raise the second",
		        config->backoff_min_ms, config->backoff_max_ms);
		goto done;
	}
	ret = s2s_keys_load(config, security, &tls, err);
	fw_tls_context_release(&tls);
done:
	s2s_security_free(&security);
	return ret;
}
