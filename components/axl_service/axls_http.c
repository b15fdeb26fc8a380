/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd lives here: a daemon without a listening socket and without threads, whose epoll
 * descriptor is watched by our loop. Collects bodies within their limit. Who may ask, and what is
 * answered, is axls_call.c.
 */
#include "components/axl_service/axls_http.h"

#include <stdio.h>
#include <stdlib.h>

#include <microhttpd.h>

#include <fedway/error.h>
#include <fedway/io/crypto.h>

struct axls_exchange {
	struct axls_http *http;
	struct axls_guest *guest;
	struct MHD_Connection *connection;
	struct axls_exchange *next, **link; /* resting; link NULL: it does not rest */
	char *method, *path;
	char *login; /* name, colon, password; NULL: not read yet, or there is none */
	size_t login_size, name_len;
	char cookie[128]; /* that the answer sets; "": none */
	char *body;
	size_t len, room;
	bool too_large, asked, answered;
	struct axls_http_answer answer;
	void *state;
};

struct axls_http {
	struct fw_loop *loop;
	struct axls_http_settings settings;
	const struct axls_http_events *events;
	void *ctx;
	struct MHD_Daemon *daemon;
	struct fw_io *io;
	struct fw_timer *timer;
	struct fw_task run;
	struct axls_guest *coming; /* their connections have not begun */
	struct axls_exchange *resting;
};

/* ---- exchanges ---- */

static void exchange_free(struct axls_exchange *exchange)
{
	if (exchange->link != NULL) {
		*exchange->link = exchange->next;
		if (exchange->next != NULL) {
			exchange->next->link = exchange->link;
		}
	}
	if (exchange->login != NULL) {
		explicit_bzero(exchange->login, exchange->login_size);
	}
	free(exchange->login);
	free(exchange->method);
	free(exchange->path);
	free(exchange->body);
	free(exchange->answer.body);
	free(exchange);
}

static struct axls_exchange *exchange_new(struct axls_http *http, struct MHD_Connection *connection,
                                          const char *url, const char *method)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct axls_exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange == NULL || info == NULL || info->socket_context == NULL) {
		free(exchange);
		return NULL;
	}
	exchange->http = http;
	exchange->connection = connection;
	exchange->guest = info->socket_context;
	exchange->method = fw_str_dup(fw_str(method));
	exchange->path = fw_str_dup(fw_str(url));
	if (exchange->method == NULL || exchange->path == NULL) {
		exchange_free(exchange);
		return NULL;
	}
	uint64_t length = 0;
	struct fw_str text = axls_exchange_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
	exchange->too_large = text.len > 0 &&
	                      fw_str_to_u64(text, http->settings.body_max_bytes, &length) != FW_OK;
	return exchange;
}

static bool exchange_take(struct axls_exchange *exchange, const char *bytes, size_t len)
{
	if (exchange->too_large || exchange->len + len > exchange->http->settings.body_max_bytes) {
		exchange->too_large =
		        true; /* the rest is thrown away, within the time of a request */
		return true;
	}
	if (len > exchange->room - exchange->len) {
		size_t room = (exchange->len + len) * 2;
		char *more = realloc(exchange->body, room);
		if (more == NULL) {
			return false;
		}
		exchange->body = more;
		exchange->room = room;
	}
	memcpy(exchange->body + exchange->len, bytes, len);
	exchange->len += len;
	return true;
}

static enum MHD_Result exchange_send(struct axls_exchange *exchange)
{
	struct axls_http_answer *answer = &exchange->answer;

	if (answer->body == NULL) {
		return MHD_NO;
	}
	struct MHD_Response *response = MHD_create_response_from_buffer(
	        strlen(answer->body), answer->body, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		return MHD_NO;
	}
	answer->body = NULL;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (exchange->cookie[0] != '\0') {
		MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, exchange->cookie);
	}
	if (answer->header != NULL) {
		MHD_add_response_header(response, answer->header, answer->value);
	}
	enum MHD_Result ret = MHD_queue_response(exchange->connection, answer->status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result refuse_size(struct axls_exchange *exchange)
{
	const struct axls_http_answer answer = { .status = MHD_HTTP_CONTENT_TOO_LARGE,
		                                 .type = "text/plain",
		                                 .body = fw_str_dup(
		                                         fw_str("The request is too large.\n")) };

	exchange->asked = exchange->answered = true;
	exchange->answer = answer;
	return exchange_send(exchange);
}

/* ---- called by the library ---- */

static enum MHD_Result on_access(void *ctx, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *bytes,
                                 size_t *size, void **state)
{
	struct axls_http *http = ctx;
	struct axls_exchange *exchange = *state;

	(void)version;
	if (exchange == NULL) { /* the header is there */
		*state = exchange = exchange_new(http, connection, url, method);
		if (exchange == NULL) {
			return MHD_NO;
		}
		return exchange->too_large ? refuse_size(exchange) : MHD_YES;
	}
	if (*size > 0) {
		bool taken = exchange_take(exchange, bytes, *size);
		*size = 0;
		return taken ? MHD_YES : MHD_NO;
	}
	if (!exchange->asked) {
		exchange->asked = true;
		http->events->busy(http->ctx, exchange->guest, true);
		if (exchange->too_large) {
			return refuse_size(exchange);
		}
		http->events->request(http->ctx, exchange);
	}
	if (exchange->answered) {
		return exchange_send(exchange);
	}
	MHD_suspend_connection(connection);
	exchange->next = http->resting;
	exchange->link = &http->resting;
	if (exchange->next != NULL) {
		exchange->next->link = &exchange->next;
	}
	http->resting = exchange;
	return MHD_YES;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
	struct axls_http *http = ctx;
	struct axls_exchange *exchange = *state;

	(void)connection;
	(void)code;
	*state = NULL;
	if (exchange != NULL) {
		http->events->busy(http->ctx, exchange->guest, false);
		exchange_free(exchange);
	}
}

/* The guest of a connection that begins: known by its descriptor. */
static struct axls_guest *take_coming(struct axls_http *http, int fd)
{
	for (struct axls_guest **at = &http->coming; *at != NULL; at = &(*at)->next) {
		struct axls_guest *guest = *at;
		if (guest->fd == fd) {
			*at = guest->next;
			guest->next = NULL;
			return guest;
		}
	}
	return NULL;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
	struct axls_http *http = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
		        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*socket_context = info != NULL ? take_coming(http, info->connect_fd) : NULL;
	} else if (*socket_context != NULL) {
		struct axls_guest *guest = *socket_context;
		*socket_context = NULL;
		guest->attached = false;
		http->events->left(http->ctx, guest);
	}
}

/* ---- on our loop ---- */

static void http_run(void *ctx)
{
	struct axls_http *http = ctx;
	MHD_UNSIGNED_LONG_LONG wait = 0;

	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &wait) == MHD_YES) {
		fw_timer_start_ms(http->timer, wait, 0);
	} else {
		fw_timer_stop(http->timer);
	}
}

static void on_readable(void *ctx, int events)
{
	(void)events;
	http_run(ctx);
}

int axls_http_new(struct fw_loop *loop, const struct axls_http_settings *settings,
                  const struct axls_http_events *events, void *ctx, struct axls_http **out)
{
	struct axls_http *http = calloc(1, sizeof(*http));
	int ret = FW_ENOMEM;

	if (http == NULL) {
		return ret;
	}
	http->loop = loop;
	http->settings = *settings;
	http->events = events;
	http->ctx = ctx;
	http->run.fn = http_run;
	http->run.ctx = http;
	http->daemon = MHD_start_daemon(
	        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
	        on_access, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
	        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_LIMIT,
	        (unsigned)settings->connections_max + 1, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	        (size_t)settings->header_max_bytes + 4096, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
	        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	const union MHD_DaemonInfo *info =
	        http->daemon != NULL ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)
	                             : NULL;
	ret = info == NULL
	              ? FW_ESYS
	              : fw_io_add(loop, info->epoll_fd, FW_IO_READ, on_readable, http, &http->io);
	if (ret == FW_OK) {
		ret = fw_timer_new(loop, http_run, http, &http->timer);
	}
	if (ret != FW_OK) {
		axls_http_free(&http);
		return ret;
	}
	*out = http;
	return FW_OK;
}

void axls_http_free(struct axls_http **at)
{
	struct axls_http *http = *at;

	*at = NULL;
	if (http == NULL) {
		return;
	}
	fw_io_remove(&http->io);
	fw_timer_free(&http->timer);
	fw_defer_cancel(&http->run);
	/* The library does not end with connections that rest. */
	for (struct axls_exchange *exchange = http->resting; exchange != NULL;
	     exchange = exchange->next) {
		MHD_resume_connection(exchange->connection);
	}
	if (http->daemon != NULL) {
		MHD_stop_daemon(http->daemon);
	}
	while (http->coming != NULL) { /* brought, and never begun */
		struct axls_guest *guest = http->coming;
		http->coming = guest->next;
		guest->attached = false;
		http->events->left(http->ctx, guest);
	}
	free(http);
}

void axls_http_set(struct axls_http *http, const struct axls_http_settings *settings)
{
	http->settings = *settings;
}

int axls_http_add(struct axls_http *http, int *fd, struct axls_guest *guest)
{
	int given = *fd;

	*fd = -1;
	guest->fd = given;
	guest->next = http->coming;
	http->coming = guest;
	guest->attached = true;
	/* The library closes the descriptor even when it refuses it. */
	if (MHD_add_connection(http->daemon, given, (const struct sockaddr *)&guest->addr.storage,
	                       guest->addr.len) != MHD_YES) {
		take_coming(http, given);
		guest->attached = false;
		return FW_ELIMIT;
	}
	fw_defer(http->loop, &http->run);
	return FW_OK;
}

/* ---- a request ---- */

struct fw_str axls_exchange_method(const struct axls_exchange *exchange)
{
	return fw_str(exchange->method);
}

struct fw_str axls_exchange_path(const struct axls_exchange *exchange)
{
	return fw_str(exchange->path);
}

struct fw_str axls_exchange_body(const struct axls_exchange *exchange)
{
	return fw_str_n(exchange->body, exchange->len);
}

struct fw_str axls_exchange_header(const struct axls_exchange *exchange, const char *name)
{
	return fw_str(MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name));
}

/* RFC 7617 §2; the name of the scheme has no case (RFC 9110 §11.1). */
static void read_login(struct axls_exchange *exchange)
{
	static const struct fw_str scheme = FW_STR("Basic ");
	struct fw_str text = axls_exchange_header(exchange, MHD_HTTP_HEADER_AUTHORIZATION);
	size_t len = 0;

	if (text.len <= scheme.len || !fw_str_eq_nocase(fw_str_n(text.ptr, scheme.len), scheme)) {
		return;
	}
	text = fw_str_trim(fw_str_n(text.ptr + scheme.len, text.len - scheme.len));
	char *login = calloc(1, text.len + 1);
	if (login == NULL) {
		return;
	}
	char *colon = fw_base64_read(text, login, text.len, &len) == FW_OK && len > 0
	                      ? memchr(login, ':', len)
	                      : NULL;
	if (colon == NULL || memchr(login, '\0', len) != NULL) {
		explicit_bzero(login, text.len);
		free(login);
		return;
	}
	exchange->login = login;
	exchange->login_size = len;
	exchange->name_len = (size_t)(colon - login);
}

bool axls_exchange_login(struct axls_exchange *exchange, struct fw_str *name,
                         struct fw_str *password)
{
	size_t begin;

	if (exchange->login == NULL) {
		read_login(exchange);
	}
	if (exchange->login == NULL) {
		return false;
	}
	begin = exchange->name_len + 1;
	*name = fw_str_n(exchange->login, exchange->name_len);
	*password = fw_str_n(exchange->login + begin, exchange->login_size - begin);
	return true;
}

struct fw_str axls_exchange_cookie(const struct axls_exchange *exchange, const char *name)
{
	return fw_str(MHD_lookup_connection_value(exchange->connection, MHD_COOKIE_KIND, name));
}

void axls_exchange_set_cookie(struct axls_exchange *exchange, const char *name, const char *value)
{
	snprintf(exchange->cookie, sizeof(exchange->cookie),
	         "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict", name, value);
}

const struct fw_addr *axls_exchange_peer(const struct axls_exchange *exchange)
{
	return &exchange->guest->addr;
}

void axls_exchange_set_state(struct axls_exchange *exchange, void *state)
{
	exchange->state = state;
}

void *axls_exchange_state(const struct axls_exchange *exchange)
{
	return exchange->state;
}

void axls_http_answer(struct axls_exchange *exchange, const struct axls_http_answer *answer)
{
	exchange->answer = *answer;
	exchange->answered = true;
	if (exchange->link != NULL) {
		*exchange->link = exchange->next;
		if (exchange->next != NULL) {
			exchange->next->link = exchange->link;
		}
		exchange->link = NULL;
		MHD_resume_connection(exchange->connection);
		fw_defer(exchange->http->loop, &exchange->http->run);
	}
}
