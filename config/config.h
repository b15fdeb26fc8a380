/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A whole configuration: read, checked against option rows, and immutable from then on. Loading either gives a
 * complete snapshot or a list of problems, each with file:line; there is nothing in between. The router
 * compares two snapshots to learn what a reload changes.
 */
#ifndef FEDWAY_CONFIG_CONFIG_H
#define FEDWAY_CONFIG_CONFIG_H

#include <stdio.h>

#include <fedway/component.h>

/** Who wins when a second link claims a name that is held. */
enum config_conflict { CONFIG_CONFLICT_REFUSE, CONFIG_CONFLICT_REPLACE, CONFIG_CONFLICT_SHARE };

/** What attach dialect 2 asks of TLS. */
enum config_link_security {
	CONFIG_LINK_AUTO,         /**< required with link_certificate_file; without one, clear text on loopback only */
	CONFIG_LINK_TLS_REQUIRED,
	CONFIG_LINK_TLS_OPTIONAL,
	CONFIG_LINK_NO_TLS,
};

/** Where the handshake of XEP-0114 is taken, which proves a secret but protects nothing. */
enum config_xep_0114 { CONFIG_XEP_0114_AUTO, CONFIG_XEP_0114_ALWAYS, CONFIG_XEP_0114_TLS, CONFIG_XEP_0114_NEVER };

/** `listen = ( { address = "127.0.0.1"; port = 7400; } );` where links attach */
struct config_listen {
	const char *address;
	uint16_t port;
	int xep_0114;                /**< enum config_xep_0114 */
};

/** `domains = ( { name = "corp.example"; federation = true; } );` */
struct config_domain {
	const char *name;
	bool federation;
	bool im_and_presence;                /**< an IM node of ours serves it */
	struct fw_strings chat_node_aliases; /**< more names of its rooms; ours as the domain is */
};

/** `links = ( { name = …; secret_file = …; } );` one attached component */
struct config_link {
	const char *name;            /**< its domain, and who it is */
	struct fw_secret secret;     /**< not given: it has a certificate */
	const char *certificate_name; /**< name in its certificate; "" is its name */
	bool xep_0114;               /**< it may attach by the handshake of XEP-0114 */
	struct fw_strings domains;   /**< XEP-0114: held beside its name; dialect 2: what it may bind beside its name */
	int conflict;                /**< enum config_conflict */
	bool check_from;             /**< its stanzas must come from what it holds */
	uint32_t priority, weight;   /**< among several holders of a name; lower priority first */
};

/** `uplinks = ( { name = …; host = …; } );` we attach to another server */
struct config_uplink {
	const char *name;            /**< component name there: our header's `to` */
	const char *host;            /**< IP */
	uint16_t port;
	struct fw_secret secret;
	struct fw_strings domains;   /**< domains of this router that are reached through it; "*" for the default */
	bool check_from;
	uint32_t priority, weight;
	uint32_t retry_min_ms, retry_max_ms;
};

/** `routers = ( { realm = "edge-1"; host = …; secret_file = …; } );` another router that we know */
struct config_peer {
	const char *realm;           /**< its name space */
	const char *host;            /**< IP where we dial it; "": it dials us */
	uint16_t port;
	struct fw_secret secret;     /**< both sides know it; or a certificate proves who is who */
	const char *certificate_name; /**< name in its certificate; "" is its realm */
	bool outside;                /**< it speaks for domains that are not ours */
	bool default_route;          /**< its way to the outside is taken */
	struct fw_strings domains;   /**< domains of ours that it may announce beside its rights */
	struct fw_strings realms;    /**< routers behind it that it may announce; "*" is any */
	bool control;                /**< it may ask our control service */
	uint32_t cost;               /**< of the way to it, added to what it announces */
	uint32_t priority, weight;
	uint32_t retry_min_ms, retry_max_ms;
};

/** `log_levels = ( { logger = "stream.*"; level = "debug"; } );` */
struct config_log_level {
	const char *logger;
	int level; /**< enum fw_level */
};

/** `components = ( { module = "s2s"; … } );` */
struct config_component {
	const char *module;          /**< file name without suffix */
	const char *id;              /**< without realm; "" gives "<module>-<n>" */
	bool enabled;
	uint32_t priority, weight;
	/* not from rows: */
	const struct fw_component *descriptor; /**< NULL when not enabled */
	void *options;               /**< struct of the descriptor's rows, from the group `options = { … }`; or NULL */
	char where[256];             /**< file:line */
};

/** The router's own options: the top level of the file. Sections below list the structs above. */
struct config_router {
	const char *realm;
	const char *module_path;     /**< folder of modules; "" is the one of the installation */
	const char *control_socket;
	const char *pid_file;        /**< "" writes none */
	const char *log_file;        /**< "-" is standard error */
	int log_level;
	struct fw_rows log_levels;   /**< struct config_log_level */
	struct fw_rows listen;       /**< struct config_listen */
	struct fw_rows domains;      /**< struct config_domain */
	struct fw_rows links;        /**< struct config_link */
	struct fw_rows uplinks;      /**< struct config_uplink */
	struct fw_rows routers;      /**< struct config_peer */
	uint32_t routes_expire_s;    /**< what another router announced, unless it says it again */
	uint32_t routes_max;         /**< most names that one other router may announce */
	struct fw_rows components;   /**< struct config_component */
	uint32_t link_queue_max_stanzas;
	uint64_t link_queue_max_bytes;
	uint32_t link_unacknowledged_max_stanzas;
	uint64_t link_unacknowledged_max_bytes;
	uint32_t link_credit_queue_max_stanzas;
	uint64_t link_credit_queue_max_bytes;
	uint32_t link_resume_window_s;
	uint32_t link_reroute_after_s;
	uint32_t link_ping_s;
	uint32_t link_dead_s;
	uint32_t link_suspended_max;
	uint32_t link_handshake_timeout_ms;
	int link_security;           /**< enum config_link_security */
	const char *link_certificate_file, *link_key_file; /**< "": none; in the former */
	const char *link_ca_file, *link_crl_file;          /**< "": the system's; none */
	uint32_t link_certificate_watch_ms;
	uint32_t link_scram_iterations;
	uint32_t link_binds_max;     /**< names that one link may hold */
	uint32_t link_unauthenticated_max;
	uint32_t stanza_max_bytes;
	uint32_t drain_timeout_ms;
	const char *state_file;      /**< "" keeps what was learned in memory only */
	bool federation;             /**< the switch, unless a command was the last word */
};

extern const struct fw_option config_router_rows[];

struct config {
	struct config_router router;
	char *path;
	void *memory; /**< everything the pointers above point into */
};

/** Sentences with file:line, collected so that an operator sees them all at once. */
struct config_problems {
	size_t count;
	char *text; /**< one per line, each ends in \n; NULL when there are none */
};
void config_problem(struct config_problems *problems, const char *file, int line, const char *format, ...) FW_PRINTF(4, 5);
void config_problems_free(struct config_problems *problems);

/** How the loader finds the descriptor of a module, whose rows it needs. */
struct config_modules {
	int (*find)(void *ctx, const struct config_router *router, const char *module, const struct fw_component **out,
	            struct fw_error *err);
	void *ctx;
};

/**
 * Reads and checks a file with its includes, fills every struct, reads secrets, runs each component's check().
 * @return FW_OK [g]; otherwise problems says why, *out untouched
 */
int config_load(const char *path, const struct config_modules *modules, struct config **out,
                struct config_problems *problems);
/** Same from text, for tests and fuzzing; includes and secret files are relative to the working directory. */
int config_load_text(const char *text, const struct config_modules *modules, struct config **out,
                     struct config_problems *problems);
void config_free(struct config **config);

/** The options of one row of `links`, of `uplinks`, of `routers`. */
extern const struct fw_option config_link_options[], config_uplink_options[], config_peer_options[];

/** Two structs filled from the same rows say the same; secrets are compared by content. */
bool config_options_equal(const struct fw_option *rows, const void *a, const void *b);

/** Fills `target` with the defaults of `rows`; the rest of the memory hangs on *memory (free with config_options_free). */
int config_options_defaults(const struct fw_option *rows, void *target, void **memory, struct fw_error *err);
void config_options_free(void **memory);

/** Rows as text for `fedwayd --options`: key, type, default, range, help. */
void config_print_rows(FILE *out, const struct fw_option *rows, int indent);
/** Rows as mdoc/man source for fedway.conf(5). */
void config_print_rows_man(FILE *out, const struct fw_option *rows);

#endif
