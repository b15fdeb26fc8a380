/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One edge, as its core sees it: an ssh that is kept running, and the session through it. The host
 * key is pinned; nothing of the user's own configuration, agent or known hosts is used.
 */
#include "components/tunnel/tunnel_edge.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "components/tunnel/tunnel_child.h"
#include "components/tunnel/tunnel_conn.h"
#include "components/tunnel/tunnel_files.h"
#include "components/tunnel/tunnel_keys.h"

static struct fw_logger ssh_logger = FW_LOGGER("Tunnel.ssh");

struct tunnel_edge {
	struct tunnel_edge *next;
	struct tunnel *tunnel;
	struct tunnel_edge_row row; /* texts of our own */
	struct fw_log *log;
	struct tunnel_child child;
	struct tunnel_conn *conn;
	bool up;
	char notice[TUNNEL_REALM_SIZE + 8];
	char error[400];
	char remedy[400];
	char port[8], user[TUNNEL_REALM_SIZE];
	char known_hosts[TUNNEL_PATH_SIZE + 32], identity[TUNNEL_PATH_SIZE + 16];
	char alias[TUNNEL_REALM_SIZE + 16];
};

/* ---- the command ---- */

const char *tunnel_edge_pin_path(const struct tunnel *tunnel, const struct tunnel_edge_row *row,
                                 char out[TUNNEL_PATH_SIZE])
{
	if (row->host_key_file[0] != '\0') {
		snprintf(out, TUNNEL_PATH_SIZE, "%s", row->host_key_file);
		return out;
	}
	return tunnel_path(tunnel, "pin.", row->realm, ".pub", out);
}

/* Writes a file of known hosts with one line. */
static int edge_write_known(struct tunnel_edge *edge, struct fw_error *err)
{
	struct tunnel_key *key = malloc(sizeof(*key));
	char *line = malloc(TUNNEL_KEY_SIZE + TUNNEL_REALM_SIZE);
	char path[TUNNEL_PATH_SIZE];
	int ret = FW_ENOMEM;

	if (key == NULL || line == NULL) {
		goto done;
	}
	ret = tunnel_key_read(tunnel_edge_pin_path(edge->tunnel, &edge->row, path), key, err);
	if (ret == FW_ENOENT) {
		fw_error_set(err, ret, "the host key of the edge is not pinned (%s)", path);
		bool file = edge->row.host_key_file[0] != '\0';
		snprintf(edge->remedy, sizeof(edge->remedy),
		         "`fedwayctl tunnel show` on the edge prints its host key%s%s%s",
		         file ? ": write it to that file" : "; here `fedwayctl tunnel pin ",
		         file ? "" : edge->row.realm,
		         file ? "; it is tried again by itself" : " KEY` with it");
	}
	if (ret != FW_OK) {
		goto done;
	}
	snprintf(line, TUNNEL_KEY_SIZE + TUNNEL_REALM_SIZE, "%s %.*s %.*s\n", edge->row.realm,
	         FW_STR_ARG(key->type), FW_STR_ARG(key->data));
	ret = tunnel_file_write(
	        tunnel_path(edge->tunnel, "known_hosts.", edge->row.realm, "", path), line, err);
done:
	free(key);
	free(line);
	return ret;
}

static int edge_prepare(struct tunnel_edge *edge, struct fw_error *err)
{
	const struct tunnel *tunnel = edge->tunnel;
	const struct passwd *we = getpwuid(geteuid());
	char path[TUNNEL_PATH_SIZE];

	edge->error[0] = '\0';
	edge->remedy[0] = '\0';
	int ret = tunnel_directory(tunnel->directory, err);
	if (ret != FW_OK) {
		return ret;
	}
	tunnel_path(tunnel, "id_ed25519", "", "", path);
	if (access(path, F_OK) != 0) {
		snprintf(edge->remedy, sizeof(edge->remedy),
		         "`fedwayctl tunnel keygen` here, then `fedwayctl tunnel authorize` on the "
		         "edge "
		         "with the line that it prints");
		return fw_error_set(err, FW_ENOENT, "this core has no key yet");
	}
	snprintf(edge->identity, sizeof(edge->identity), "IdentityFile=%s", path);
	tunnel_path(tunnel, "known_hosts.", edge->row.realm, "", path);
	snprintf(edge->known_hosts, sizeof(edge->known_hosts), "UserKnownHostsFile=%s", path);
	snprintf(edge->alias, sizeof(edge->alias), "HostKeyAlias=%s", edge->row.realm);
	snprintf(edge->port, sizeof(edge->port), "%u", edge->row.port);
	snprintf(edge->user, sizeof(edge->user), "%s",
	         edge->row.user[0] != '\0' ? edge->row.user
	         : we != NULL              ? we->pw_name
	                                   : "fedway");
	return edge_write_known(edge, err);
}

static int edge_command(void *ctx, struct tunnel_words *words, struct fw_error *err)
{
	static const char *const options[] = {
		"BatchMode=yes",
		"StrictHostKeyChecking=yes",
		"GlobalKnownHostsFile=/dev/null",
		"UpdateHostKeys=no",
		"CheckHostIP=no",
		"VerifyHostKeyDNS=no",
		"IdentitiesOnly=yes",
		"IdentityAgent=none",
		"PreferredAuthentications=publickey",
		"PasswordAuthentication=no",
		"KbdInteractiveAuthentication=no",
		"HostbasedAuthentication=no",
		"ForwardAgent=no",
		"ForwardX11=no",
		"ClearAllForwardings=yes",
		"Tunnel=no",
		"RequestTTY=no",
		"EscapeChar=none",
		"PermitLocalCommand=no",
		"ControlMaster=no",
		"ControlPath=none",
		"ProxyCommand=none",
		"ConnectTimeout=8",
		"ConnectionAttempts=1",
		"ServerAliveInterval=3",
		"ServerAliveCountMax=2",
		"TCPKeepAlive=yes",
		"Compression=no",
		"LogLevel=INFO",
		"KexAlgorithms=" TUNNEL_KEX,
		"Ciphers=" TUNNEL_CIPHERS,
		"MACs=" TUNNEL_MACS,
	};
	struct tunnel_edge *edge = ctx;
	int ret = edge_prepare(edge, err);

	if (ret != FW_OK) {
		return ret;
	}
	tunnel_word(words, tunnel_program(edge->tunnel, TUNNEL_SSH));
	tunnel_word(words, "-F");
	tunnel_word(words, "none");
	for (size_t i = 0; i < FW_COUNT(options); i++) {
		tunnel_word(words, "-o");
		tunnel_word(words, options[i]);
	}
	const char *const own[] = { "-o",           edge->known_hosts, "-o", edge->identity,
		                    "-o",           edge->alias,       "-p", edge->port,
		                    "-l",           edge->user,        "-s", "--",
		                    edge->row.host, TUNNEL_SUBSYSTEM };
	for (size_t i = 0; i < FW_COUNT(own); i++) {
		tunnel_word(words, own[i]);
	}
	return FW_OK;
}

/* ---- the session ---- */

static void edge_ready(void *ctx)
{
	struct tunnel_edge *edge = ctx;

	edge->up = true;
	edge->error[0] = '\0';
	tunnel_child_good(&edge->child);
	fw_notice_clear(edge->tunnel->self, edge->notice);
	fw_log(edge->log, &ssh_logger, FW_LOG_NOTICE, "edge connected");
}

/* The session has ended: so does the ssh, which may know more of why. */
static void edge_ended(void *ctx, const char *why)
{
	struct tunnel_edge *edge = ctx;

	snprintf(edge->error, sizeof(edge->error), "%s", why);
	tunnel_conn_free(&edge->conn);
	if (edge->child.process != NULL && fw_process_running(edge->child.process)) {
		fw_process_kill(edge->child.process, SIGTERM);
	}
}

static const struct tunnel_conn_calls edge_conn_calls = { edge_ready, edge_ended };

static void edge_started(void *ctx, struct fw_process *process)
{
	struct tunnel_edge *edge = ctx;
	struct tunnel_peer *peer = NULL;

	int ret = tunnel_memory_get(edge->tunnel->memory, edge->row.realm, &peer);
	if (ret == FW_OK) {
		ret = tunnel_conn_new(edge->tunnel, fw_process_fd(process, FW_PROCESS_STDOUT),
		                      fw_process_fd(process, FW_PROCESS_STDIN), peer, edge->log,
		                      &edge_conn_calls, edge, &edge->conn);
	}
	if (ret != FW_OK) {
		edge_ended(edge, fw_strerror(ret));
	}
}

/* What the session says is the plainest, then what ssh says. */
static void edge_failed(void *ctx, const char *why, const char *remedy)
{
	struct tunnel_edge *edge = ctx;
	bool was_up = edge->up;

	edge->up = false;
	if (edge->conn != NULL) {
		snprintf(edge->error, sizeof(edge->error), "%s", tunnel_conn_rest(edge->conn));
		tunnel_conn_free(&edge->conn);
	}
	if (edge->error[0] == '\0') {
		snprintf(edge->error, sizeof(edge->error), "%s", why);
		if (remedy != NULL && edge->remedy[0] == '\0') {
			snprintf(edge->remedy, sizeof(edge->remedy), "%s", remedy);
		}
	}
	if (edge->remedy[0] == '\0') {
		snprintf(
		        edge->remedy, sizeof(edge->remedy),
		        "`fedwayctl tunnel show` on both nodes: realm, row of the edge and name of "
		        "the authorized key must agree; else look at the log of the edge");
	}
	if (was_up) {
		fw_log(edge->log, &ssh_logger, FW_LOG_NOTICE, "edge disconnected: %s", edge->error);
	}
	fw_notice(edge->tunnel->self, edge->notice, FW_NOTICE_YELLOW, edge->remedy,
	          "no tunnel to edge %s at %s port %u: %s", edge->row.realm, edge->row.host,
	          edge->row.port, edge->error);
	tunnel_learn_later(edge->tunnel);
}

static const struct tunnel_child_calls edge_child_calls = { edge_command, edge_started, NULL,
	                                                    edge_failed };

/* ---- the list ---- */

static void edge_free(struct tunnel_edge *edge)
{
	tunnel_conn_free(&edge->conn);
	tunnel_child_end(&edge->child);
	fw_notice_clear(edge->tunnel->self, edge->notice);
	fw_log_free(&edge->log);
	free((void *)(uintptr_t)edge->row.realm);
	free((void *)(uintptr_t)edge->row.host);
	free((void *)(uintptr_t)edge->row.user);
	free((void *)(uintptr_t)edge->row.host_key_file);
	free(edge);
}

static int edge_new(struct tunnel *tunnel, const struct tunnel_edge_row *row,
                    struct tunnel_edge **out)
{
	struct tunnel_edge *edge = calloc(1, sizeof(*edge));

	if (edge == NULL) {
		return FW_ENOMEM;
	}
	edge->tunnel = tunnel;
	edge->row = (struct tunnel_edge_row){ fw_str_dup(fw_str(row->realm)),
		                              fw_str_dup(fw_str(row->host)), row->port,
		                              fw_str_dup(fw_str(row->user)),
		                              fw_str_dup(fw_str(row->host_key_file)) };
	snprintf(edge->notice, sizeof(edge->notice), "edge %s", row->realm);
	int ret = fw_log_child(fw_self_log(tunnel->self), &edge->log, "edge %s", row->realm);
	if (edge->row.realm == NULL || edge->row.host == NULL || edge->row.user == NULL ||
	    edge->row.host_key_file == NULL) {
		ret = FW_ENOMEM;
	}
	if (ret == FW_OK) {
		edge->child = (struct tunnel_child){ .tunnel = tunnel,
			                             .calls = &edge_child_calls,
			                             .ctx = edge,
			                             .log = edge->log,
			                             .logger = &ssh_logger,
			                             .talks = true,
			                             .reasons = tunnel_ssh_reasons };
		ret = tunnel_child_begin(&edge->child);
	}
	if (ret != FW_OK) {
		edge_free(edge);
		return ret;
	}
	*out = edge;
	return FW_OK;
}

static bool row_same(const struct tunnel_edge_row *a, const struct tunnel_edge_row *b)
{
	return strcmp(a->realm, b->realm) == 0 && strcmp(a->host, b->host) == 0 &&
	       a->port == b->port && strcmp(a->user, b->user) == 0 &&
	       strcmp(a->host_key_file, b->host_key_file) == 0;
}

/* Those of realms that the configuration has no more. */
static void forget_strangers(struct tunnel *tunnel)
{
	struct tunnel_peer *peer = tunnel->memory->peers;

	while (peer != NULL) {
		struct tunnel_peer *next = peer->next;
		if (tunnel_edge_row(tunnel, peer->realm) == NULL) {
			tunnel_memory_forget(tunnel->memory, peer->realm);
		}
		peer = next;
	}
}

int tunnel_edges_set(struct tunnel *tunnel, struct fw_error *err)
{
	const struct tunnel_edge_row *rows = tunnel->config->edges.items;
	struct tunnel_edge *old = tunnel->edges, **end = &tunnel->edges;
	int ret = FW_OK;

	tunnel->edges = NULL;
	for (size_t i = 0; i < tunnel->config->edges.count && ret == FW_OK; i++) {
		struct tunnel_edge **at = &old;
		while (*at != NULL && !row_same(&(*at)->row, &rows[i])) {
			at = &(*at)->next;
		}
		if (*at != NULL) {
			*end = *at;
			*at = (*at)->next;
		} else {
			ret = edge_new(tunnel, &rows[i], end);
		}
		if (*end != NULL) {
			(*end)->next = NULL;
			end = &(*end)->next;
		}
	}
	while (old != NULL) {
		struct tunnel_edge *dead = old;
		old = dead->next;
		edge_free(dead);
	}
	forget_strangers(tunnel);
	tunnel_learn_later(tunnel);
	return ret == FW_OK ? ret : fw_error_set(err, ret, "edges: %s", fw_strerror(ret));
}

void tunnel_edges_stop(struct tunnel *tunnel)
{
	while (tunnel->edges != NULL) {
		struct tunnel_edge *dead = tunnel->edges;
		tunnel->edges = dead->next;
		edge_free(dead);
	}
}

void tunnel_edges_tell(struct tunnel *tunnel)
{
	for (struct tunnel_edge *edge = tunnel->edges; edge != NULL; edge = edge->next) {
		if (edge->conn != NULL) {
			tunnel_conn_tell(edge->conn);
		}
	}
}

void tunnel_edges_again(struct tunnel *tunnel, const char *realm)
{
	for (struct tunnel_edge *edge = tunnel->edges; edge != NULL; edge = edge->next) {
		if (realm != NULL ? strcmp(edge->row.realm, realm) == 0 : !edge->up) {
			tunnel_conn_free(&edge->conn);
			edge->up = false;
			tunnel_child_again(&edge->child);
			tunnel_learn_later(tunnel);
		}
	}
}

const struct tunnel_edge_row *tunnel_edge_row(const struct tunnel *tunnel, const char *realm)
{
	const struct tunnel_edge_row *rows = tunnel->config->edges.items;

	for (size_t i = 0; i < tunnel->config->edges.count; i++) {
		if (strcmp(rows[i].realm, realm) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

/* What it has told of itself, now or before the tunnel broke. */
static void report_told(const struct tunnel *tunnel, const struct tunnel_edge_row *edge,
                        struct fw_json *row)
{
	const struct tunnel_peer *peer = tunnel_memory_find(tunnel->memory, edge->realm);
	const struct fw_json *ids = peer != NULL ? tunnel_peer_value(peer, "components") : NULL;
	const struct fw_json *on =
	        fw_json_get(peer != NULL ? tunnel_peer_value(peer, "federation") : NULL, "on");

	fw_json_set(row, "federation",
	            fw_str(on == NULL         ? "not known"
	                   : fw_json_bool(on) ? "on"
	                                      : "off"));
	fw_json_set_int(row, "components", (int64_t)fw_json_count(ids));
	fw_json_set_int(row, "serial_seen", peer != NULL ? (int64_t)peer->serial : 0);
}

void tunnel_edges_report(const struct tunnel *tunnel, struct fw_json *array)
{
	for (const struct tunnel_edge *edge = tunnel->edges; edge != NULL; edge = edge->next) {
		struct fw_json *row = fw_json_append_object(array);
		fw_json_set(row, "realm", fw_str(edge->row.realm));
		fw_json_set(row, "host", fw_str(edge->row.host));
		fw_json_set_int(row, "port", edge->row.port);
		fw_json_set(row, "state",
		            fw_str(edge->up             ? "connected"
		                   : edge->conn != NULL ? "connecting"
		                                        : "waiting"));
		fw_json_set_int(row, "restarts", (int64_t)edge->child.restarts);
		fw_json_set(row, "last_error", fw_str(edge->up ? "" : edge->error));
		fw_json_set(row, "remedy", fw_str(edge->up ? "" : edge->remedy));
		report_told(tunnel, &edge->row, row);
		if (edge->conn != NULL) {
			tunnel_conn_report(edge->conn, row);
		}
	}
}
