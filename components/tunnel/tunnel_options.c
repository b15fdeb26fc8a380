/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel's option rows, and what rows cannot check. Paths go into the configuration of sshd
 * and through its user's shell, so they may hold only signs that mean nothing there.
 */
#include "components/tunnel/tunnel.h"

#include <string.h>

#include <fedway/io/socket.h>
#include <fedway/jid.h>

static const struct fw_choice roles[] = {
	{ "listen", TUNNEL_LISTEN, "the edge: runs sshd, and waits for cores" },
	{ "connect", TUNNEL_CONNECT, "the core: runs ssh to each of its edges" },
	{ NULL, 0, NULL },
};

static const struct fw_option edge_options[] = {
	FW_OPT(struct tunnel_edge_row, realm, NULL, .min = 1, .max = TUNNEL_REALM_SIZE - 1,
	       .help = "realm of the edge"),
	FW_OPT(struct tunnel_edge_row, host, NULL, .min = 1, .max = 255,
	       .help = "name or address of the edge, from here"),
	FW_OPT(struct tunnel_edge_row, port, "2222", .min = 1, .max = 65535,
	       .help = "port of the edge's tunnel"),
	FW_OPT(struct tunnel_edge_row, user, "", .max = 64,
	       .help = "user that runs fedwayd there; empty: the name of the one that runs it "
	               "here"),
	FW_OPT(struct tunnel_edge_row, host_key_file, "", .max = 4000,
	       .help = "file with the edge's public host key; empty: the key given with "
	               "`fedwayctl tunnel pin`"),
	FW_OPT_END
};

static const struct fw_option route_options[] = {
	FW_OPT(struct tunnel_route_row, domain, NULL, .min = 1, .max = 255,
	       .help = "remote domain"),
	FW_OPT(struct tunnel_route_row, host, NULL, .min = 1, .max = 255,
	       .help = "name or address of its server"),
	FW_OPT(struct tunnel_route_row, port, "5269", .min = 1, .max = 65535, .help = "its port"),
	FW_OPT_END
};

const struct fw_option tunnel_options[] = {
	FW_OPT(struct tunnel_config, role, NULL, .choices = roles, .help = "which end this is"),
	FW_OPT(struct tunnel_config, directory, "/var/lib/fedway/tunnel", .min = 1, .max = 255,
	       .help = "keys and what was learned; made with mode 0700"),
	FW_OPT(struct tunnel_config, address, "127.0.0.1", .min = 1, .max = 63,
	       .help = "role listen: address for the cores"),
	FW_OPT(struct tunnel_config, port, "2222", .min = 1, .max = 65535,
	       .help = "role listen: port for the cores"),
	FW_OPT(struct tunnel_config, edges, "", .rows = edge_options,
	       .row_size = sizeof(struct tunnel_edge_row),
	       .help = "role connect: the edges of this core"),
	FW_OPT(struct tunnel_config, allow, "", .max = 10000,
	       .help = "role connect: remote domains for the allow lists of the edges"),
	FW_OPT(struct tunnel_config, deny, "", .max = 10000,
	       .help = "role connect: remote domains for the deny lists of the edges"),
	FW_OPT(struct tunnel_config, static_routes, "", .rows = route_options,
	       .row_size = sizeof(struct tunnel_route_row),
	       .help = "role connect: static routes for the edges"),
	FW_OPT(struct tunnel_config, backoff_min_ms, "1000", .min = 10, .max = 600000, .unit = "ms",
	       .help = "wait before sshd or ssh is started again, doubled each time"),
	FW_OPT(struct tunnel_config, backoff_max_ms, "30000", .min = 10, .max = 3600000,
	       .unit = "ms", .help = "longest such wait"),
	FW_OPT(struct tunnel_config, beat_ms, "3000", .min = 100, .max = 60000, .unit = "ms",
	       .help = "pause between signs of life; after three without one the other end is "
	               "dead"),
	FW_OPT(struct tunnel_config, line_max_bytes, "1048576", .min = 4096, .max = 67108864,
	       .unit = "bytes", .help = "longest line of the protocol that is read or written"),
	FW_OPT(struct tunnel_config, sshd_program, "", .max = 255,
	       .help = "path of sshd; empty: " FW_SSHD),
	FW_OPT(struct tunnel_config, ssh_program, "", .max = 255,
	       .help = "path of ssh; empty: " FW_SSH),
	FW_OPT(struct tunnel_config, keygen_program, "", .max = 255,
	       .help = "path of ssh-keygen; empty: " FW_SSH_KEYGEN),
	FW_OPT(struct tunnel_config, bridge_program, "", .max = 255,
	       .help = "path of the program that sshd runs for a core; empty: " FW_LIBEXEC_DIR
	               "/fedway-tunnel"),
	FW_OPT_END
};

const char *tunnel_program(const struct tunnel *tunnel, enum tunnel_program program)
{
	const struct tunnel_config *config = tunnel->config;
	const struct {
		const char *given, *found;
	} rows[] = {
		[TUNNEL_SSHD] = { config->sshd_program, FW_SSHD },
		[TUNNEL_SSH] = { config->ssh_program, FW_SSH },
		[TUNNEL_KEYGEN] = { config->keygen_program, FW_SSH_KEYGEN },
		[TUNNEL_BRIDGE] = { config->bridge_program, FW_LIBEXEC_DIR "/fedway-tunnel" },
	};

	return rows[program].given[0] != '\0' ? rows[program].given : rows[program].found;
}

static bool has_only(struct fw_str text, const char *signs)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
		    (c == '\0' || strchr(signs, c) == NULL)) {
			return false;
		}
	}
	return text.len > 0;
}

bool tunnel_realm_good(struct fw_str realm)
{
	return realm.len < TUNNEL_REALM_SIZE && has_only(realm, ".-_") && realm.ptr[0] != '.' &&
	       realm.ptr[0] != '-';
}

static int check_paths(const struct tunnel_config *config, struct fw_error *err)
{
	const struct {
		const char *name, *path;
	} rows[] = {
		{ "directory", config->directory },
		{ "sshd_program", config->sshd_program },
		{ "ssh_program", config->ssh_program },
		{ "keygen_program", config->keygen_program },
		{ "bridge_program", config->bridge_program },
	};

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (rows[i].path[0] == '\0') {
			continue;
		}
		if (rows[i].path[0] != '/' && i > 0) {
			return fw_error_set(err, FW_EINVAL,
			                    "%s = \"%s\": an absolute path is needed", rows[i].name,
			                    rows[i].path);
		}
		if (!has_only(fw_str(rows[i].path), "/.-_+@:,=")) {
			return fw_error_set(
			        err, FW_EINVAL,
			        "%s = \"%s\": letters, digits and /.-_+@:,= are allowed",
			        rows[i].name, rows[i].path);
		}
	}
	return FW_OK;
}

static int check_edges(const struct tunnel_config *config, struct fw_error *err)
{
	const struct tunnel_edge_row *rows = config->edges.items;

	for (size_t i = 0; i < config->edges.count; i++) {
		if (!tunnel_realm_good(fw_str(rows[i].realm))) {
			return fw_error_set(err, FW_EINVAL, "edges: '%s' is not a realm",
			                    rows[i].realm);
		}
		if (!has_only(fw_str(rows[i].host), ".-_:%") || rows[i].host[0] == '-') {
			return fw_error_set(err, FW_EINVAL,
			                    "edges: host '%s' is neither a name nor an address",
			                    rows[i].host);
		}
		if (rows[i].user[0] != '\0' &&
		    (!has_only(fw_str(rows[i].user), ".-_") || rows[i].user[0] == '-')) {
			return fw_error_set(err, FW_EINVAL, "edges: user '%s' is not a user's name",
			                    rows[i].user);
		}
		for (size_t k = 0; k < i; k++) {
			if (strcmp(rows[i].realm, rows[k].realm) == 0) {
				return fw_error_set(err, FW_EINVAL,
				                    "edges: realm '%s' is there twice",
				                    rows[i].realm);
			}
		}
	}
	return FW_OK;
}

static int check_lists(const struct tunnel_config *config, struct fw_error *err)
{
	const struct tunnel_route_row *routes = config->static_routes.items;
	const struct {
		const char *name;
		const struct fw_strings *list;
	} lists[] = { { "allow", &config->allow }, { "deny", &config->deny } };
	char room[FW_DOMAIN_SIZE];
	struct fw_str key;

	for (size_t i = 0; i < FW_COUNT(lists); i++) {
		for (size_t k = 0; k < lists[i].list->count; k++) {
			const char *entry = lists[i].list->items[k];
			const char *domain = strncmp(entry, "*.", 2) == 0 ? entry + 2 : entry;
			if (fw_domain_key(fw_str(domain), room, &key) != FW_OK) {
				return fw_error_set(err, FW_EINVAL, "%s: '%s' is not a domain",
				                    lists[i].name, entry);
			}
		}
	}
	for (size_t i = 0; i < config->static_routes.count; i++) {
		if (fw_domain_key(fw_str(routes[i].domain), room, &key) != FW_OK) {
			return fw_error_set(err, FW_EINVAL, "static_routes: '%s' is not a domain",
			                    routes[i].domain);
		}
	}
	return FW_OK;
}

int tunnel_check(const void *given, struct fw_error *err)
{
	const struct tunnel_config *config = given;
	struct fw_addr addr;

	int ret = check_paths(config, err);
	if (ret == FW_OK) {
		ret = check_edges(config, err);
	}
	if (ret == FW_OK) {
		ret = check_lists(config, err);
	}
	if (ret == FW_OK && config->role == TUNNEL_LISTEN &&
	    fw_addr_parse(config->address, config->port, &addr) != FW_OK) {
		ret = fw_error_set(err, FW_EINVAL, "address = \"%s\" is not an address",
		                   config->address);
	}
	if (ret == FW_OK && config->role == TUNNEL_LISTEN && config->edges.count > 0) {
		ret = fw_error_set(err, FW_EINVAL, "edges are for role = \"connect\"");
	}
	return ret;
}
