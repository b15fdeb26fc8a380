/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Accepts clients: limits in all and per address, TLS, and one timer per connection, so that
 * whoever sends slowly does not hold it. Bytes flow through the SDK's pipe to axls_http.c. What is
 * asked is not known here.
 */
#include "components/axl_service/axls_door.h"

#include <stdlib.h>

#include <fedway/io/tls_pipe.h>

#include "components/axl_service/axls_users.h"

enum { DOOR_BACKLOG = 64, DOOR_PER_TURN = 16, DOOR_WATCH_MS = 5000 };

#define NOTICE_CERTIFICATE "axl-certificate"
#define NOTICE_CERTIFICATE_END "axl-certificate-end"

static struct fw_logger door_logger = FW_LOGGER("axl.listen");

struct visitor {
	struct axls_guest guest; /* first: a guest is a visitor */
	struct visitor *next, **link;
	struct axls_door *door;
	struct fw_tls_pipe *pipe; /* NULL: it has ended */
	struct fw_timer *timer;
};

struct axls_door {
	struct axls *axls;
	struct fw_tls_context *tls;
	const struct fw_certificate *certificate; /* the one that is shown */
	struct fw_timer *watch;                   /* of its files, and of its end */
	struct fw_listeners *listeners;
	struct visitor *visitors;
	size_t count;
};

/* ---- visitors ---- */

static void visitor_free(struct visitor *visitor)
{
	const struct axls *axls = visitor->door->axls;

	*visitor->link = visitor->next;
	if (visitor->next != NULL) {
		visitor->next->link = visitor->link;
	}
	visitor->door->count--;
	fw_tls_pipe_free(&visitor->pipe);
	fw_timer_free(&visitor->timer);
	free(visitor);
	if (axls->draining && !axls->stopping && axls->door->count == 0) {
		fw_self_drained(axls->self);
	}
}

static void visitor_left(struct visitor *visitor)
{
	if (visitor->pipe == NULL && !visitor->guest.attached) {
		visitor_free(visitor);
	}
}

/* HTTP reads the end of its socket, and says that the guest has left. */
static void visitor_cut(struct visitor *visitor)
{
	fw_tls_pipe_free(&visitor->pipe);
	fw_timer_stop(visitor->timer);
	visitor_left(visitor);
}

static void visitor_on_time(void *ctx)
{
	struct visitor *visitor = ctx;
	char text[FW_ADDR_TEXT_SIZE];

	fw_log(fw_self_log(visitor->door->axls->self), &door_logger, FW_LOG_INFO,
	       "connection ended peer=%s reason='no whole request in request_timeout_ms'",
	       fw_addr_text(&visitor->guest.addr, text));
	visitor_cut(visitor);
}

static void visitor_wait(struct visitor *visitor)
{
	fw_timer_start_ms(visitor->timer, visitor->door->axls->config->request_timeout_ms, 0);
}

static void on_secured(void *ctx, int *fd)
{
	struct visitor *visitor = ctx;

	visitor_wait(visitor);
	axls_http_add(visitor->door->axls->http, fd,
	              &visitor->guest); /* refused: the pipe reads its end */
}

static void on_closed(void *ctx, const char *detail)
{
	struct visitor *visitor = ctx;
	char text[FW_ADDR_TEXT_SIZE], quoted[256];

	if (detail[0] != '\0') {
		fw_log(fw_self_log(visitor->door->axls->self), &door_logger, FW_LOG_INFO,
		       "connection ended peer=%s reason='%s'",
		       fw_addr_text(&visitor->guest.addr, text),
		       fw_quote(fw_str(detail), quoted, sizeof(quoted)));
	}
	visitor_cut(visitor);
}

static const struct fw_tls_pipe_events pipe_events = { on_secured, on_closed };

void axls_door_busy(struct axls_door *door, struct axls_guest *guest, bool busy)
{
	struct visitor *visitor = (struct visitor *)guest;

	(void)door;
	if (visitor->pipe == NULL) {
		return;
	}
	if (busy) {
		fw_timer_stop(visitor->timer);
	} else {
		visitor_wait(visitor);
	}
}

void axls_door_left(struct axls_door *door, struct axls_guest *guest)
{
	(void)door;
	visitor_left((struct visitor *)guest);
}

static void visitor_new(struct axls_door *door, int *fd, const struct fw_addr *peer)
{
	const struct axl_service_config *config = door->axls->config;
	const struct fw_tls_pipe_settings settings = { door->tls, config->handshake_timeout_ms,
		                                       config->stall_timeout_ms };
	struct visitor *visitor = calloc(1, sizeof(*visitor));

	if (visitor == NULL) {
		fw_socket_close(fd);
		return;
	}
	visitor->door = door;
	visitor->guest.addr = *peer;
	visitor->next = door->visitors;
	visitor->link = &door->visitors;
	if (visitor->next != NULL) {
		visitor->next->link = &visitor->next;
	}
	door->visitors = visitor;
	door->count++;
	if (fw_timer_new(door->axls->loop, visitor_on_time, visitor, &visitor->timer) != FW_OK ||
	    fw_tls_pipe_new(door->axls->loop, fd, &settings, &pipe_events, visitor,
	                    &visitor->pipe) != FW_OK) {
		fw_socket_close(fd);
		visitor_free(visitor);
		return;
	}
	fw_count(door->axls->self, AXLS_COUNT_CONNECTIONS, 1);
}

/* ---- listeners ---- */

/* The option that keeps a connection out; NULL: none. */
static const char *refusal(const struct axls_door *door, const struct fw_addr *peer)
{
	const struct axl_service_config *config = door->axls->config;
	struct fw_network network, other;
	size_t same = 0;

	if (door->count >= config->connections_max) {
		return "connections_max";
	}
	fw_addr_network(peer, &network);
	for (const struct visitor *visitor = door->visitors; visitor != NULL;
	     visitor = visitor->next) {
		fw_addr_network(&visitor->guest.addr, &other);
		same += fw_network_eq(&network, &other);
	}
	return same >= config->connections_per_address_max ? "connections_per_address_max" : NULL;
}

static void on_accept(void *ctx, const struct fw_addr *wanted, int *fd, const struct fw_addr *peer)
{
	struct axls_door *door = ctx;
	struct fw_self *self = door->axls->self;
	const char *limit = refusal(door, peer);
	char text[FW_ADDR_TEXT_SIZE];

	(void)wanted;
	if (limit != NULL) {
		fw_count(self, AXLS_COUNT_REFUSED, 1);
		fw_log(fw_self_log(self), &door_logger, FW_LOG_WARNING,
		       "connection refused peer=%s limit=%s", fw_addr_text(peer, text), limit);
		return;
	}
	visitor_new(door, fd, peer);
}

static int listen_all(struct axls_door *door, struct fw_error *err)
{
	const struct fw_rows *rows = &door->axls->config->listen;

	return fw_listeners_follow(door->listeners, rows->items, rows->count, err);
}

/* ---- certificates ---- */

static int load(const struct axl_service_config *config, struct fw_tls_context **out,
                struct fw_error *err)
{
	const struct fw_tls_settings settings = { .certificate_file = config->certificate_file,
		                                  .key_file = config->key_file };

	return fw_tls_context_new(&settings, out, err);
}

int axls_door_check(const struct axl_service_config *config, struct fw_error *err)
{
	struct fw_tls_context *context = NULL;
	int ret = load(config, &context, err);

	fw_tls_context_release(&context);
	return ret;
}

/* What load() has found good; without memory its end is not watched. */
static void note_certificate(struct axls_door *door)
{
	fw_certificate_release(&door->certificate);
	(void)fw_certificate_read(door->axls->config->certificate_file, &door->certificate, NULL);
}

static void tell_end(const struct axls_door *door)
{
	char end[FW_CERTIFICATE_END_SIZE];

	if (door->certificate == NULL ||
	    fw_certificate_days_left(door->certificate) >= FW_CERTIFICATE_WARN_DAYS) {
		fw_notice_clear(door->axls->self, NOTICE_CERTIFICATE_END);
		return;
	}
	fw_notice(door->axls->self, NOTICE_CERTIFICATE_END, FW_NOTICE_YELLOW,
	          "renew it; it is taken over without a restart",
	          "the certificate of the AXL service %s: %s",
	          fw_certificate_end_text(door->certificate, end),
	          door->axls->config->certificate_file);
}

static void take_certificate(struct axls_door *door)
{
	struct fw_self *self = door->axls->self;
	struct fw_tls_context *context = NULL;
	struct fw_error err = { 0 };

	if (load(door->axls->config, &context, &err) != FW_OK) {
		fw_notice(self, NOTICE_CERTIFICATE, FW_NOTICE_YELLOW,
		          "mend the files; until then the certificate before is shown",
		          "the certificate has changed and cannot be used: %s", err.text);
		return;
	}
	fw_notice_clear(self, NOTICE_CERTIFICATE);
	fw_tls_context_release(&door->tls);
	door->tls = context;
	note_certificate(door);
	fw_log(fw_self_log(self), &door_logger, FW_LOG_NOTICE,
	       "the certificate was taken from its files file=%s",
	       door->axls->config->certificate_file);
}

static void on_watch(void *ctx)
{
	struct axls_door *door = ctx;

	if (fw_tls_context_stale(door->tls)) {
		take_certificate(door);
	}
	tell_end(door);
}

/* ---- life ---- */

int axls_door_open(struct axls *axls, struct axls_door **out, struct fw_error *err)
{
	const struct fw_listeners_settings settings = { DOOR_BACKLOG, DOOR_PER_TURN,
		                                        fw_self_log(axls->self), &door_logger };
	struct axls_door *door = calloc(1, sizeof(*door));
	int ret = FW_ENOMEM;

	if (door == NULL) {
		return ret;
	}
	door->axls = axls;
	ret = load(axls->config, &door->tls, err);
	if (ret == FW_OK) {
		ret = fw_listeners_new(axls->loop, &settings, on_accept, door, &door->listeners);
	}
	if (ret == FW_OK) {
		ret = fw_timer_new(axls->loop, on_watch, door, &door->watch);
	}
	if (ret == FW_OK) {
		note_certificate(door);
		tell_end(door);
		fw_timer_start_ms(door->watch, DOOR_WATCH_MS, DOOR_WATCH_MS);
		ret = listen_all(door, err);
	}
	if (ret != FW_OK) {
		axls_door_free(&door);
		return ret;
	}
	*out = door;
	return FW_OK;
}

void axls_door_apply(struct axls_door *door)
{
	struct fw_error err = { 0 };

	take_certificate(door);
	if (listen_all(door, &err) != FW_OK) {
		fw_log(fw_self_log(door->axls->self), &door_logger, FW_LOG_ERROR, "%s", err.text);
	}
}

void axls_door_close(struct axls_door *door)
{
	struct visitor *next = NULL;

	fw_listeners_close(door->listeners);
	for (struct visitor *visitor = door->visitors; visitor != NULL; visitor = next) {
		next = visitor->next;
		if (fw_timer_running(visitor->timer)) {
			visitor_cut(visitor);
		}
	}
}

void axls_door_free(struct axls_door **at)
{
	struct axls_door *door = *at;

	*at = NULL;
	if (door == NULL) {
		return;
	}
	fw_listeners_free(&door->listeners);
	while (door->visitors != NULL) {
		visitor_free(door->visitors);
	}
	fw_timer_free(&door->watch);
	fw_tls_context_release(&door->tls);
	fw_certificate_release(&door->certificate);
	free(door);
}

size_t axls_door_count(const struct axls_door *door)
{
	return door->count;
}

void axls_door_report(const struct axls_door *door, struct fw_json *out)
{
	fw_listeners_report(door->listeners, fw_json_set_array(out, "listen"));
	fw_json_set_int(out, "connections", (int64_t)door->count);
}
