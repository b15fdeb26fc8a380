/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 on sockets in clear: whole requests out, answers in. It listens nowhere; axls_door.c brings connections.
 * An answer may come at once or later; until then the connection rests.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_HTTP_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_HTTP_H

#include <fedway/io/loop.h>
#include <fedway/io/socket.h>
#include <fedway/str.h>

struct axls_http;
/** One request and its answer. */
struct axls_exchange;

/** Whoever brought a connection; embedded in its object, zero at first. */
struct axls_guest {
	struct fw_addr addr;
	struct axls_guest *next; /* the room's: its connection has not begun */
	int fd;                  /* the room's: the same */
	bool attached;           /* the room's: HTTP knows of it */
};

struct axls_http_settings {
	uint32_t connections_max;
	uint32_t header_max_bytes; /**< memory for one connection's header, also for pieces of its body */
	uint32_t body_max_bytes;   /**< over it: 413 */
};

struct axls_http_events {
	/** A whole request; to be answered with axls_http_answer(), at once or later. */
	void (*request)(void *ctx, struct axls_exchange *exchange);
	/** The guest's request has arrived whole; or was answered, and the next may come. */
	void (*busy)(void *ctx, struct axls_guest *guest, bool busy);
	/** The guest's connection has ended for HTTP: the last word about the guest. */
	void (*left)(void *ctx, struct axls_guest *guest);
};

/** @return FW_OK, FW_ENOMEM, FW_ESYS [g] */
int axls_http_new(struct fw_loop *loop, const struct axls_http_settings *settings,
                  const struct axls_http_events *events, void *ctx, struct axls_http **out);
/** Every request that came has been answered, or is forgotten. left() runs for each guest. */
void axls_http_free(struct axls_http **http);
/** New limits, from the next request on; connections_max stays. */
void axls_http_set(struct axls_http *http, const struct axls_http_settings *settings);
/** A connection in clear. @param fd  *fd is -1 on return [t] @return FW_OK: left() comes once; FW_ELIMIT: it does not */
int axls_http_add(struct axls_http *http, int *fd, struct axls_guest *guest);

/* ---- a request; slices live until it is answered ---- */

struct fw_str axls_exchange_method(const struct axls_exchange *exchange);
struct fw_str axls_exchange_path(const struct axls_exchange *exchange);
struct fw_str axls_exchange_body(const struct axls_exchange *exchange);
/** Absent when there is none. */
struct fw_str axls_exchange_header(const struct axls_exchange *exchange, const char *name);
/** Name and password of Basic (RFC 7617); false when there are none that can be read. */
bool axls_exchange_login(struct axls_exchange *exchange, struct fw_str *name, struct fw_str *password);
/** Absent when there is none. */
struct fw_str axls_exchange_cookie(const struct axls_exchange *exchange, const char *name);
/** The answer will set it: for this host, over TLS, for no script and no other site. @param value  copied */
void axls_exchange_set_cookie(struct axls_exchange *exchange, const char *name, const char *value);
const struct fw_addr *axls_exchange_peer(const struct axls_exchange *exchange);
/** For whoever answers later. */
void axls_exchange_set_state(struct axls_exchange *exchange, void *state);
void *axls_exchange_state(const struct axls_exchange *exchange);

struct axls_http_answer {
	unsigned status;
	const char *type;               /**< of the body */
	char *body;                     /**< allocated; NULL: the connection ends without an answer [t] */
	const char *header, *value;     /**< one more header; NULL: none */
};

/** Answers; the exchange is gone for the caller. */
void axls_http_answer(struct axls_exchange *exchange, const struct axls_http_answer *answer);

#endif
