/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel: what its files share. On the edge (role "listen") it runs an sshd of its own, on the core (role
 * "connect") one ssh for each edge; both sides speak the provisioning protocol of sdk/PROTOCOL.md through it.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_H
#define COMPONENTS_TUNNEL_TUNNEL_H

#include <fedway/host.h>
#include <fedway/io/loop.h>

#include "components/tunnel/tunnel_book.h"
#include "components/tunnel/tunnel_memory.h"

/** Name of the one subsystem that the edge's sshd has. */
#define TUNNEL_SUBSYSTEM "fedway-tunnel"

/** Realms, also as names of files: longer ones are refused. */
enum { TUNNEL_REALM_SIZE = 128, TUNNEL_PATH_SIZE = 512 };

enum tunnel_role { TUNNEL_LISTEN, TUNNEL_CONNECT };

struct tunnel_edge_row {
	const char *realm, *host;
	uint16_t port;
	const char *user;
	const char *host_key_file;
};

struct tunnel_route_row {
	const char *domain, *host;
	uint16_t port;
};

struct tunnel_config {
	int role;
	const char *directory;
	const char *address;
	uint16_t port;
	struct fw_rows edges; /* of tunnel_edge_row */
	struct fw_strings allow, deny;
	struct fw_rows static_routes; /* of tunnel_route_row */
	uint32_t backoff_min_ms, backoff_max_ms;
	uint32_t beat_ms;
	uint32_t line_max_bytes;
	const char *sshd_program, *ssh_program, *keygen_program, *bridge_program;
};

extern const struct fw_option tunnel_options[];
/** What rows cannot say. */
int tunnel_check(const void *config, struct fw_error *err);
/** A realm: 1 to 127 letters, digits, dots, hyphens, underscores; no dot in front. Also good as a file's name. */
bool tunnel_realm_good(struct fw_str realm);

struct tunnel_sshd;
struct tunnel_gate;
struct tunnel_edge; /* one edge, on the core */
struct tunnel_tool;

struct tunnel {
	struct fw_self *self;
	const struct tunnel_config *config;
	char directory[TUNNEL_PATH_SIZE - 128]; /* absolute: others run there */
	struct tunnel_book *book;     /* what we tell */
	struct tunnel_memory *memory; /* what others have told */
	struct fw_task apply;         /* memory to node state, once a turn */
	struct tunnel_tool *tools;    /* ssh-keygen at work */
	struct tunnel_sshd *sshd;     /* edge */
	struct tunnel_gate *gate;     /* edge */
	struct tunnel_edge *edges;    /* core */
};

enum tunnel_program { TUNNEL_SSHD, TUNNEL_SSH, TUNNEL_KEYGEN, TUNNEL_BRIDGE };
/** Path of a program: as given, or as configure has found it. */
const char *tunnel_program(const struct tunnel *tunnel, enum tunnel_program program);

#define TUNNEL_COUNTERS(X) /* id, name, unit, help */ \
	X(SESSIONS, "sessions", "sessions", "that have begun with a hello of the other side") \
	X(BREAKS, "breaks", "sessions", "of these, that have ended") \
	X(FAILURES, "failures", "starts", "of sshd or ssh that have ended or could not be made") \
	X(LEARNED, "learned", "messages", "snapshots and changes taken from the other side")

#define TUNNEL_COUNTER_ENUM(id, name, unit, help) TUNNEL_COUNT_##id,
enum tunnel_count { TUNNEL_COUNTERS(TUNNEL_COUNTER_ENUM) TUNNEL_COUNTS };
#undef TUNNEL_COUNTER_ENUM

extern const struct fw_command tunnel_commands[];
/** The command of that name. tunnel_show.c */
void tunnel_show(struct fw_self *self, struct fw_call *call);

/** Path of a file in the tunnel's directory, e.g. ("pin.", "edge-1", ".pub"). @return `out` */
const char *tunnel_path(const struct tunnel *tunnel, const char *a, const char *b, const char *c,
                        char out[TUNNEL_PATH_SIZE]);

/** Takes what is known of this node into the book, and tells it. tunnel_facts.c */
void tunnel_facts_take(struct tunnel *tunnel);
/** What peers have told changes the node's state at the end of the turn. tunnel_learn.c */
void tunnel_learn_later(struct tunnel *tunnel);
void tunnel_learn_now(void *ctx);
/** Members of the topics "status" and "facts". tunnel_report.c */
void tunnel_report(struct fw_self *self, const char *topic, struct fw_json *out);

#endif
