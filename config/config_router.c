/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The router's own options: one row each, with default, range and help; they are all that --options
 * and fedway.conf(5) know. Called by config_load.c. What concerns several rows is checked in
 * config_check.c.
 */
#include "config/config_router.h"

#include <arpa/inet.h>
#include <ctype.h>

#include <fedway/jid.h>
#include <fedway/log.h>

static int check_domain(const char *text, struct fw_str name, char *why, size_t why_size)
{
	char key[FW_DOMAIN_SIZE];

	(void)name;
	if (fw_domain_key(fw_str(text), key, NULL) == FW_OK) {
		return 0;
	}
	snprintf(why, why_size, "not a domain name");
	return -1;
}

static int check_domain_or_none(const char *text, struct fw_str name, char *why, size_t why_size)
{
	return text[0] == '\0' ? 0 : check_domain(text, name, why, why_size);
}

/* What can be claimed: a domain, all below one, everything else. */
static int check_claim(const char *text, struct fw_str name, char *why, size_t why_size)
{
	if (strcmp(text, "*") == 0) {
		return 0;
	}
	return check_domain(strncmp(text, "*.", 2) == 0 ? text + 2 : text, name, why, why_size);
}

static int check_ip(const char *text, struct fw_str name, char *why, size_t why_size)
{
	struct in6_addr address;

	(void)name;
	if (inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1) {
		return 0;
	}
	snprintf(why, why_size, "not an IPv4 or IPv6 address");
	return -1;
}

/* Parts of addresses and file names of modules. */
static int check_word(const char *text, struct fw_str name, char *why, size_t why_size)
{
	(void)name;
	for (const char *at = text; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_') {
			snprintf(why, why_size, "only letters, digits, '-' and '_' are allowed");
			return -1;
		}
	}
	return 0;
}

static int check_realms(const char *text, struct fw_str name, char *why, size_t why_size)
{
	return strcmp(text, "*") == 0 ? 0 : check_word(text, name, why, why_size);
}

static const struct fw_choice levels[] = {
	{ "error", FW_LOG_ERROR, "an operator must act" },
	{ "warning", FW_LOG_WARNING, "service is worse than it should be" },
	{ "notice", FW_LOG_NOTICE, "life cycle" },
	{ "info", FW_LOG_INFO, "one line per connection and phase" },
	{ "debug", FW_LOG_DEBUG, "one line per stanza" },
	{ NULL, 0, NULL },
};

static const struct fw_choice conflicts[] = {
	{ "refuse", CONFIG_CONFLICT_REFUSE, "the newcomer is turned away" },
	{ "replace", CONFIG_CONFLICT_REPLACE, "the older link is closed" },
	{ "share", CONFIG_CONFLICT_SHARE, "both hold the name and share its traffic" },
	{ NULL, 0, NULL },
};

static const struct fw_choice securities[] = {
	{ "auto", CONFIG_LINK_AUTO,
	  "tls-required with link_certificate_file; without it, no TLS on loopback addresses and "
	  "no dialect 2 on others" },
	{ "tls-required", CONFIG_LINK_TLS_REQUIRED, "nobody proves anything before TLS" },
	{ "tls-optional", CONFIG_LINK_TLS_OPTIONAL, "TLS is offered, SCRAM works without it" },
	{ "no-tls", CONFIG_LINK_NO_TLS, "TLS is not offered; for networks that are trusted whole" },
	{ NULL, 0, NULL },
};

static const struct fw_choice xep_0114s[] = {
	{ "auto", CONFIG_XEP_0114_AUTO,
	  "where TLS is required for dialect 2, only under TLS or on loopback addresses; else "
	  "always" },
	{ "always", CONFIG_XEP_0114_ALWAYS, "in clear text too" },
	{ "tls", CONFIG_XEP_0114_TLS, "only when TLS began with the first byte" },
	{ "never", CONFIG_XEP_0114_NEVER, "links must speak dialect 2" },
	{ NULL, 0, NULL },
};

static const struct fw_option log_level_rows[] = {
	FW_OPT(struct config_log_level, logger, NULL, .min = 1, .max = 63,
	       .help = "name of a logger; \"stream.*\" means all whose names begin so"),
	FW_OPT(struct config_log_level, level, NULL, .choices = levels,
	       .help = "least important level that it writes"),
	FW_OPT_END,
};

static const struct fw_option listen_rows[] = {
	FW_OPT(struct config_listen, address, "127.0.0.1", .check = check_ip,
	       .help = "IP address to listen on; \"::\" is every address of the machine"),
	FW_OPT(struct config_listen, port, "7400", .min = 1, .max = 65535, .help = "TCP port"),
	FW_OPT(struct config_listen, xep_0114, "auto", .choices = xep_0114s,
	       .help = "whether components may attach here by the handshake of XEP-0114, which "
	               "has no protection of its own"),
	FW_OPT_END,
};

static const struct fw_option domain_rows[] = {
	FW_OPT(struct config_domain, name, NULL, .check = check_domain,
	       .help = "a domain of this side"),
	FW_OPT(struct config_domain, federation, "false",
	       .help = "whether other organisations may talk to it, and it to them"),
	FW_OPT(struct config_domain, im_and_presence, "true",
	       .help = "whether the IM and presence service of this side serves it"),
	FW_OPT(struct config_domain, chat_node_aliases, "", .check = check_domain,
	       .help = "names of its chat rooms; each counts as a domain with the same federation"),
	FW_OPT_END,
};

/* Among several holders of a name. */
#define PRIORITY_HELP "among several holders of a name, those with the lowest number are used"
#define WEIGHT_HELP "share of the traffic among holders of the same priority"

const struct fw_option config_link_options[] = {
	FW_OPT(struct config_link, name, NULL, .check = check_domain,
	       .help = "the component's domain, which its stream header is addressed to"),
	FW_OPT(struct config_link, secret, "",
	       .help = "secret that the component must prove to know; without one it needs a "
	               "certificate"),
	FW_OPT(struct config_link, certificate_name, "", .max = 255, .check = check_domain_or_none,
	       .help = "name that its certificate must carry; \"\" is the link's name"),
	FW_OPT(struct config_link, xep_0114, "true",
	       .help = "whether it may attach by the handshake of XEP-0114, where the listener "
	               "takes that"),
	FW_OPT(struct config_link, domains, "", .check = check_claim,
	       .help = "names beside its own that it holds (XEP-0114) or may bind (dialect 2); "
	               "\"*.example.org\" is all below, "
	               "\"*\" whatever nobody else holds"),
	FW_OPT(struct config_link, conflict, "refuse", .choices = conflicts,
	       .help = "what happens when a second component attaches under this name"),
	FW_OPT(struct config_link, check_from, "true",
	       .help = "whether its stanzas must come from names it holds"),
	FW_OPT(struct config_link, priority, "10", .max = 65535, .help = PRIORITY_HELP),
	FW_OPT(struct config_link, weight, "10", .min = 1, .max = 65535, .help = WEIGHT_HELP),
	FW_OPT_END,
};

const struct fw_option config_uplink_options[] = {
	FW_OPT(struct config_uplink, name, NULL, .check = check_domain,
	       .help = "name of the component that the other server expects"),
	FW_OPT(struct config_uplink, host, "127.0.0.1", .check = check_ip,
	       .help = "IP address of the other server"),
	FW_OPT(struct config_uplink, port, "5347", .min = 1, .max = 65535,
	       .help = "TCP port where the other server accepts components"),
	FW_OPT(struct config_uplink, secret, NULL,
	       .help = "secret of the component at the other server"),
	FW_OPT(struct config_uplink, domains, "", .check = check_claim,
	       .help = "domains that are reached through the other server; "
	               "\"*\" is whatever nobody else holds"),
	FW_OPT(struct config_uplink, check_from, "true",
	       .help = "whether stanzas from there must come from these domains"),
	FW_OPT(struct config_uplink, priority, "10", .max = 65535, .help = PRIORITY_HELP),
	FW_OPT(struct config_uplink, weight, "10", .min = 1, .max = 65535, .help = WEIGHT_HELP),
	FW_OPT(struct config_uplink, retry_min_ms, "1000", .min = 10, .max = 3600000, .unit = "ms",
	       .help = "pause before the first new attempt to connect"),
	FW_OPT(struct config_uplink, retry_max_ms, "60000", .min = 10, .max = 3600000, .unit = "ms",
	       .help = "longest pause; each failure doubles it up to here"),
	FW_OPT_END,
};

/* Where another router is dialled; it may also be left to dial us. */
static int check_peer_host(const char *text, struct fw_str name, char *why, size_t why_size)
{
	return text[0] == '\0' ? 0 : check_ip(text, name, why, why_size);
}

const struct fw_option config_peer_options[] = {
	FW_OPT(struct config_peer, realm, NULL, .min = 1, .max = 63, .check = check_word,
	       .help = "name space of the other router"),
	FW_OPT(struct config_peer, host, "", .check = check_peer_host,
	       .help = "IP address where we dial it; \"\" waits until it dials us"),
	FW_OPT(struct config_peer, port, "7400", .min = 1, .max = 65535,
	       .help = "TCP port where it listens"),
	FW_OPT(struct config_peer, secret, "", .help = "secret that both routers know"),
	FW_OPT(struct config_peer, certificate_name, "", .max = 255,
	       .help = "name that its certificate must carry; \"\" is its realm"),
	FW_OPT(struct config_peer, outside, "false",
	       .help = "whether it speaks for domains that are not ours, as an edge does"),
	FW_OPT(struct config_peer, default_route, "false",
	       .help = "whether stanzas to the outside may leave through it"),
	FW_OPT(struct config_peer, domains, "", .check = check_claim,
	       .help = "domains of ours that an outside router may announce none the less"),
	FW_OPT(struct config_peer, realms, "", .check = check_realms,
	       .help = "routers behind an outside router that it may announce beside itself and "
	               "those that a component here stands for; \"*\" is any"),
	FW_OPT(struct config_peer, control, "false",
	       .help = "whether it may ask our control service"),
	FW_OPT(struct config_peer, cost, "10", .min = 1, .max = 10000,
	       .help = "of the way to it; the lowest sum on the way to a name is taken"),
	FW_OPT(struct config_peer, priority, "10", .max = 65535, .help = PRIORITY_HELP),
	FW_OPT(struct config_peer, weight, "10", .min = 1, .max = 65535, .help = WEIGHT_HELP),
	FW_OPT(struct config_peer, retry_min_ms, "500", .min = 10, .max = 3600000, .unit = "ms",
	       .help = "pause before the first new attempt to connect"),
	FW_OPT(struct config_peer, retry_max_ms, "15000", .min = 10, .max = 3600000, .unit = "ms",
	       .help = "longest pause; each failure doubles it up to here"),
	FW_OPT_END,
};

const struct fw_option config_component_rows[] = {
	FW_OPT(struct config_component, module, NULL, .min = 1, .max = 63, .check = check_word,
	       .help = "file name of the module without its suffix"),
	FW_OPT(struct config_component, id, "", .max = 63, .check = check_word,
	       .help = "component ID without the realm; \"\" numbers it: \"s2s-1\" is the first of "
	               "s2s"),
	FW_OPT(struct config_component, enabled, "true",
	       .help = "whether it runs; a component that does not run keeps its options unread"),
	FW_OPT(struct config_component, priority, "10", .max = 65535, .help = PRIORITY_HELP),
	FW_OPT(struct config_component, weight, "10", .min = 1, .max = 65535, .help = WEIGHT_HELP),
	FW_OPT_END,
};

const struct fw_option config_router_rows[] = {
	FW_OPT(struct config_router, realm, "", .max = 63, .check = check_word,
	       .help = "name space of the router; \"\" is the host name with dots as hyphens"),
	FW_OPT(struct config_router, module_path, "", .max = 4000,
	       .help = "folder of the modules; \"\" is the one of the installation"),
	FW_OPT(struct config_router, control_socket, "/run/fedway/control.sock", .min = 1,
	       .max = 107, .help = "UNIX socket where fedwayctl asks"),
	FW_OPT(struct config_router, pid_file, "", .max = 4000,
	       .help = "file that receives the process number; \"\" writes none"),
	FW_OPT(struct config_router, log_file, "-", .min = 1, .max = 4000,
	       .help = "file that log lines are added to; \"-\" is standard error"),
	FW_OPT(struct config_router, log_level, "info", .choices = levels,
	       .help = "least important level that is written"),
	FW_OPT(struct config_router, log_levels, "", .rows = log_level_rows,
	       .row_size = sizeof(struct config_log_level), .help = "levels of single loggers"),
	FW_OPT(struct config_router, listen, "", .rows = listen_rows,
	       .row_size = sizeof(struct config_listen), .help = "where links attach"),
	FW_OPT(struct config_router, domains, "", .rows = domain_rows,
	       .row_size = sizeof(struct config_domain), .help = "domains that this router serves"),
	FW_OPT(struct config_router, links, "", .rows = config_link_options,
	       .row_size = sizeof(struct config_link),
	       .help = "components of other processes and machines that may attach"),
	FW_OPT(struct config_router, uplinks, "", .rows = config_uplink_options,
	       .row_size = sizeof(struct config_uplink),
	       .help = "servers that this router attaches to as their component (XEP-0114)"),
	FW_OPT(struct config_router, routers, "", .rows = config_peer_options,
	       .row_size = sizeof(struct config_peer),
	       .help = "other routers of this installation, which tell each other their routes"),
	FW_OPT(struct config_router, routes_expire_s, "60", .min = 3, .max = 86400, .unit = "s",
	       .help = "how long other routers believe what we announced and did not repeat"),
	FW_OPT(struct config_router, routes_max, "10000", .min = 10, .max = 1000000,
	       .unit = "routes", .help = "most names that one other router may announce"),
	FW_OPT(struct config_router, components, "", .rows = config_component_rows,
	       .row_size = sizeof(struct config_component),
	       .help = "modules to run; each has its own options in the group options = { … }"),
	FW_OPT(struct config_router, link_queue_max_stanzas, "10000", .min = 1, .max = 10000000,
	       .unit = "stanzas", .help = "longest queue towards one link or uplink"),
	FW_OPT(struct config_router, link_queue_max_bytes, "16777216", .min = 10000,
	       .max = 4294967296, .unit = "bytes",
	       .help = "largest queue towards one link or uplink"),
	FW_OPT(struct config_router, link_unacknowledged_max_stanzas, "10000", .min = 1,
	       .max = 10000000, .unit = "stanzas",
	       .help = "most stanzas towards one link that it has not acknowledged"),
	FW_OPT(struct config_router, link_unacknowledged_max_bytes, "67108864", .min = 10000,
	       .max = 4294967296, .unit = "bytes",
	       .help = "most bytes towards one link that it has not acknowledged"),
	FW_OPT(struct config_router, link_credit_queue_max_stanzas, "1000", .min = 1,
	       .max = 10000000, .unit = "stanzas",
	       .help = "longest queue of one bound name that waits for credit"),
	FW_OPT(struct config_router, link_credit_queue_max_bytes, "4194304", .min = 10000,
	       .max = 4294967296, .unit = "bytes",
	       .help = "largest queue of one bound name that waits for credit"),
	FW_OPT(struct config_router, link_resume_window_s, "60", .max = 3600, .unit = "s",
	       .help = "how long a link whose connection broke is waited for; 0: not at all"),
	FW_OPT(struct config_router, link_reroute_after_s, "2", .min = 1, .max = 3600, .unit = "s",
	       .help = "the same when others can take all that it holds: then they get it"),
	FW_OPT(struct config_router, link_ping_s, "4", .min = 1, .max = 600, .unit = "s",
	       .help = "silence after which a link is asked for a sign of life"),
	FW_OPT(struct config_router, link_dead_s, "9", .min = 2, .max = 1200, .unit = "s",
	       .help = "silence after which its connection counts as dead; more than link_ping_s"),
	FW_OPT(struct config_router, link_suspended_max, "100", .min = 1, .max = 100000,
	       .unit = "sessions",
	       .help = "most links of one row that wait to be resumed; the oldest makes way"),
	FW_OPT(struct config_router, link_handshake_timeout_ms, "10000", .min = 100, .max = 300000,
	       .unit = "ms", .help = "time that a link has to prove its secret"),
	FW_OPT(struct config_router, link_unauthenticated_max, "100", .min = 1, .max = 100000,
	       .unit = "links", .help = "most links that have not proved their secret yet"),
	FW_OPT(struct config_router, link_security, "auto", .choices = securities,
	       .help = "what links that negotiate (attach dialects 2 and 3) need"),
	FW_OPT(struct config_router, link_certificate_file, "", .max = 4096,
	       .help = "PEM file with our certificate for links first, then its chain; \"\" offers "
	               "no TLS"),
	FW_OPT(struct config_router, link_key_file, "", .max = 4096,
	       .help = "PEM file with its private key; \"\": it is in link_certificate_file"),
	FW_OPT(struct config_router, link_ca_file, "", .max = 4096,
	       .help = "PEM file with the authorities that vouch for links and other routers; "
	               "\"\" trusts those of the system"),
	FW_OPT(struct config_router, link_crl_file, "", .max = 4096,
	       .help = "PEM file with revocation lists for certificates of links; \"\" looks at "
	               "none"),
	FW_OPT(struct config_router, link_certificate_watch_ms, "10000", .min = 100,
	       .max = 86400000, .unit = "ms",
	       .help = "how often these files are looked at; what changed and is good is taken "
	               "over"),
	/* RFC 7677 §4: not less than 4096; a client of ours does no more than 100000 */
	FW_OPT(struct config_router, link_scram_iterations, "10000", .min = 4096, .max = 100000,
	       .unit = "rounds",
	       .help = "work that SCRAM puts between a secret and what is stored"),
	FW_OPT(struct config_router, link_binds_max, "1000", .min = 1, .max = 100000,
	       .unit = "names", .help = "most names that one link of dialect 2 may bind"),
	/* RFC 6120 §13.12: not less than 10000 */
	FW_OPT(struct config_router, stanza_max_bytes, "262144", .min = 10000, .max = 16777216,
	       .unit = "bytes", .help = "largest stanza that a link or an uplink may send"),
	FW_OPT(struct config_router, drain_timeout_ms, "10000", .max = 600000, .unit = "ms",
	       .help = "time that components have to finish when the router stops"),
	FW_OPT(struct config_router, state_file, "", .max = 4000,
	       .help = "file that keeps what the node learns by command and by provisioning; "
	               "\"\" forgets it at the next start"),
	FW_OPT(struct config_router, federation, "true",
	       .help = "whether this node talks to the outside; fedwayctl federation on or off "
	               "holds until this key changes"),
	FW_OPT_END,
};

const char *config_router_realm(const char *host, char *out, size_t out_size)
{
	size_t used = 0;

	for (const char *at = host; *at != '\0' && used + 1 < out_size; at++) {
		unsigned char c = (unsigned char)*at;
		bool plain = c < 0x80 && isalnum(c);
		if (plain || used > 0) {
			out[used++] = plain ? (char)tolower(c) : '-';
		}
	}
	while (used > 0 && out[used - 1] == '-') {
		used--;
	}
	out[used] = '\0';
	if (used == 0) {
		snprintf(out, out_size, "fedway");
	}
	return out;
}
