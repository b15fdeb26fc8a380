/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One request from its arrival to its answer: path, method, login, role, document, statement, in
 * this order, and the HTTP status that clients of AXL expect for each way to end. Called by
 * axls_http.c; the statement is run by the store.
 */
#include <stdio.h>
#include <stdlib.h>

#include "components/axl_service/axl_service.h"
#include "components/axl_service/axls_soap.h"
#include "components/axl_service/axls_sql.h"
#include "components/axl_service/axls_users.h"

#define PATH "/axl/"
#define SESSION "JSESSIONIDSSO"
#define REALM "Basic realm=\"Fedway AXL\", charset=\"UTF-8\""

enum status {
	STATUS_OK = 200,
	STATUS_LOGIN = 401,
	STATUS_ROLE = 403,
	STATUS_PATH = 404,
	STATUS_METHOD = 405,
	STATUS_TYPE = 415,
	STATUS_FAULT = 500,
	STATUS_LATER = 503,
	STATUS_VERSION = 599, /* no IANA number: Cisco's own */
};

#define MODULE "network.axl"
static struct fw_logger call_logger = FW_LOGGER(MODULE); /* as the other end writes it */

/* A request that is answered later. */
struct axls_call {
	struct axls_call *next, **link;
	struct axls *axls;
	struct axls_exchange *exchange;
	struct axls_request request;
	struct fw_timer *timer; /* of a failed login's answer */
	uint64_t since_us;
};

/* ---- answers ---- */

static void log_call(struct axls *axls, struct axls_exchange *exchange, const char *operation,
                     unsigned status, const char *detail)
{
	struct fw_str user, password;
	char peer[FW_ADDR_TEXT_SIZE], number[16];
	int role;

	snprintf(number, sizeof(number), "%u", status);
	if (!axls_exchange_login(exchange, &user, &password)) {
		user = axls_users_session(axls->users, axls_exchange_cookie(exchange, SESSION),
		                          fw_now_ms(axls->loop), &role);
	}
	const struct fw_log_field fields[] = {
		{ "Action", fw_str("Receive") },
		{ "Peer", fw_str(fw_addr_text(axls_exchange_peer(exchange), peer)) },
		{ "User", user },
		{ "Function", fw_str(operation) },
		{ "Status", fw_str(number) },
		{ "Reason", fw_str(detail[0] != '\0' ? detail : "None") },
	};
	fw_log_fields(fw_self_log(axls->self), &call_logger, FW_LOG_INFO, MODULE, fields,
	              FW_COUNT(fields));
}

static void answer_text(struct axls *axls, struct axls_exchange *exchange, unsigned status,
                        const char *header, const char *value, const char *text)
{
	const struct axls_http_answer answer = { .status = status,
		                                 .type = "text/html; charset=utf-8",
		                                 .body = fw_str_dup(fw_str(text)),
		                                 .header = header,
		                                 .value = value };

	log_call(axls, exchange, "None", status, "");
	axls_http_answer(exchange, &answer);
}

static void answer_document(struct axls *axls, struct axls_exchange *exchange,
                            const struct axls_request *request, unsigned status, char *document,
                            const char *detail)
{
	const struct axls_http_answer answer = { .status = status,
		                                 .type = "text/xml; charset=utf-8",
		                                 .body = document,
		                                 .header = status == STATUS_LATER ? "Retry-After"
		                                                                  : NULL,
		                                 .value = "5" };
	bool known = request != NULL && request->operation != AXLS_OPERATION_COUNT;

	if (status == STATUS_FAULT) {
		fw_count(axls->self, AXLS_COUNT_FAULTS, 1);
	} else if (status == STATUS_LATER) {
		fw_count(axls->self, AXLS_COUNT_THROTTLED, 1);
	}
	log_call(axls, exchange, known ? axls_operation_name(request->operation) : "None", status,
	         detail);
	axls_http_answer(exchange, &answer);
}

static void answer_fault(struct axls *axls, struct axls_exchange *exchange,
                         const struct axls_request *request, enum axls_code code, const char *text)
{
	answer_document(axls, exchange, request, STATUS_FAULT,
	                axls_soap_fault(request, false, code, text), text);
}

static void answer_version(struct axls *axls, struct axls_exchange *exchange)
{
	const struct fw_strings *schemas = &axls->config->schemas;
	char text[512];
	size_t len = (size_t)snprintf(text, sizeof(text),
	                              "The AXL version is not supported. Supported versions: ");

	for (size_t i = 0; i < schemas->count && len < sizeof(text); i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? "," : "",
		                        schemas->items[i]);
	}
	answer_text(axls, exchange, STATUS_VERSION, NULL, NULL, text);
}

/* ---- requests that wait ---- */

static struct axls_call *call_new(struct axls *axls, struct axls_exchange *exchange)
{
	struct axls_call *call = calloc(1, sizeof(*call));

	if (call != NULL) {
		call->axls = axls;
		call->exchange = exchange;
		call->since_us = fw_now_us(axls->loop);
		call->next = axls->waiting;
		call->link = &axls->waiting;
		if (call->next != NULL) {
			call->next->link = &call->next;
		}
		axls->waiting = call;
	}
	return call;
}

static void call_free(struct axls_call *call)
{
	*call->link = call->next;
	if (call->next != NULL) {
		call->next->link = call->link;
	}
	fw_timer_free(&call->timer);
	axls_request_free(&call->request);
	free(call);
}

/* ---- logins ---- */

static void refuse_login(struct axls *axls, struct axls_exchange *exchange)
{
	answer_text(axls, exchange, STATUS_LOGIN, "WWW-Authenticate", REALM, "401 Unauthorized\n");
}

static void on_login_delay(void *ctx)
{
	struct axls_call *call = ctx;
	struct axls_exchange *exchange = call->exchange;
	struct axls *axls = call->axls;

	call_free(call);
	refuse_login(axls, exchange);
}

/* Guessing is slow: the answer waits, the connection with it. */
static void delay_login(struct axls *axls, struct axls_exchange *exchange)
{
	struct axls_call *call = axls->config->login_delay_ms > 0 ? call_new(axls, exchange) : NULL;

	fw_count(axls->self, AXLS_COUNT_LOGINS_FAILED, 1);
	if (call == NULL || fw_timer_new(axls->loop, on_login_delay, call, &call->timer) != FW_OK) {
		if (call != NULL) {
			call_free(call);
		}
		refuse_login(axls, exchange);
		return;
	}
	fw_timer_start_ms(call->timer, axls->config->login_delay_ms, 0);
}

/* @return the role, or AXLS_NO_ROLE when the request has been answered or will be */
static enum axls_role login(struct axls *axls, struct axls_exchange *exchange)
{
	const struct fw_addr *peer = axls_exchange_peer(exchange);
	struct fw_str cookie = axls_exchange_cookie(exchange, SESSION), name, password;
	uint64_t now_ms = fw_now_ms(axls->loop);
	int role = AXLS_NO_ROLE;

	if (!axls_exchange_login(exchange, &name, &password)) {
		if (axls_users_session(axls->users, cookie, now_ms, &role).ptr == NULL) {
			fw_count(axls->self, AXLS_COUNT_LOGINS_FAILED, 1);
			refuse_login(axls, exchange);
		}
		return (enum axls_role)role;
	}
	switch (axls_users_login(axls->users, &axls->config->users, name, password, peer, now_ms,
	                         &role)) {
	case AXLS_LOGIN_OK:
		break;
	case AXLS_LOGIN_WRONG:
		delay_login(axls, exchange);
		return AXLS_NO_ROLE;
	case AXLS_LOGIN_LATER: /* somebody guesses there; whoever has a session is not he */
		if (axls_users_session(axls->users, cookie, now_ms, &role).ptr != NULL) {
			return (enum axls_role)role;
		}
		fw_count(axls->self, AXLS_COUNT_THROTTLED, 1);
		answer_text(axls, exchange, STATUS_LATER, "Retry-After", "60",
		            "503 Too many failed logins from this address; wait login_pause_s\n");
		return AXLS_NO_ROLE;
	}
	if (role == AXLS_NO_ROLE) {
		answer_text(axls, exchange, STATUS_ROLE, NULL, NULL,
		            "403 The user has no role for AXL\n");
	} else {
		axls_exchange_set_cookie(
		        exchange, SESSION,
		        axls_users_begin_session(axls->users, name, role, peer, now_ms));
	}
	return (enum axls_role)role;
}

/* ---- statements ---- */

static void answer_result(struct axls_call *call, const struct axls_result *result)
{
	struct axls *axls = call->axls;
	bool writes = call->request.operation == AXLS_UPDATE;
	unsigned status = STATUS_OK;
	char *document = NULL;
	const char *text = result != NULL ? result->text : "out of memory";
	int code = result != NULL ? result->code : FW_EAGAIN;

	if (code == FW_OK) {
		document = axls_soap_result(&call->request, result);
		fw_count(axls->self, writes ? AXLS_COUNT_UPDATES : AXLS_COUNT_QUERIES, 1);
	} else {
		/* The guide's 503 is for writes that are throttled; we use it for a missing
		 * database too. */
		bool later = code == FW_ECLOSED || (code == FW_EAGAIN && writes);
		status = later ? STATUS_LATER : STATUS_FAULT;
		bool ours = later || code == FW_EAGAIN || code == FW_ESYS;
		document = axls_soap_fault(&call->request, ours,
		                           result != NULL ? result->axl_code : AXLS_CODE_THROTTLE,
		                           text);
	}
	answer_document(axls, call->exchange, &call->request, status, document,
	                code == FW_OK ? "" : text);
}

static void on_done(void *ctx, struct axls_result **result)
{
	struct axls_call *call = ctx;

	answer_result(call, *result);
	call_free(call);
}

static void run_statement(struct axls_call *call)
{
	struct axls *axls = call->axls;
	struct axls_result *result = axls_result_new(&(struct axls_bounds){ 1, 1 });
	bool writes = call->request.operation == AXLS_UPDATE;
	struct axls_sql sql;

	int ret =
	        result != NULL ? axls_sql_read(fw_str(call->request.sql), &sql, result) : FW_ENOMEM;
	if (ret == FW_OK && sql.writes != writes) {
		axls_sql_free(&sql);
		ret = axls_result_fail(result, FW_EDENIED, AXLS_CODE_DENIED,
		                       writes ? "executeSQLUpdate takes insert, update and delete"
		                              : "executeSQLQuery takes select only");
	}
	if (ret != FW_OK) {
		answer_result(call, result);
		call_free(call);
	} else {
		axls->store->type->run(axls->store, &sql, on_done, call);
	}
	axls_result_free(&result);
}

/* ---- documents ---- */

static bool type_fits(struct fw_str type)
{
	static const char *const types[] = { "text/xml", "application/xml" };
	const char *end = type.len > 0 ? memchr(type.ptr, ';', type.len) : NULL;
	struct fw_str media =
	        fw_str_trim(end != NULL ? fw_str_n(type.ptr, (size_t)(end - type.ptr)) : type);
	struct fw_str rest =
	        end != NULL ? fw_str_n(end, (size_t)(type.ptr + type.len - end)) : fw_str("");
	char text[128];
	bool known = type.len == 0;

	for (size_t i = 0; i < FW_COUNT(types); i++) {
		known = known || fw_str_eq_nocase(media, fw_str(types[i]));
	}
	snprintf(text, sizeof(text), "%.*s", FW_STR_ARG(rest));
	const char *charset = strcasestr(text, "charset=");
	return known && (charset == NULL || strcasestr(charset, "utf-8") != NULL ||
	                 strcasestr(charset, "us-ascii") != NULL);
}

static bool is_plain(struct fw_str encoding)
{
	return encoding.len == 0 || fw_str_eq_nocase(fw_str_trim(encoding), fw_str("identity"));
}

static void call_document(struct axls *axls, struct axls_exchange *exchange, enum axls_role role)
{
	struct axls_call *call = call_new(axls, exchange);
	struct fw_error why = { 0 };

	if (call == NULL) {
		answer_fault(axls, exchange, NULL, AXLS_CODE_THROTTLE, "out of memory");
		return;
	}
	int ret = axls_soap_read(axls_exchange_body(exchange),
	                         axls_exchange_header(exchange, "SOAPAction"),
	                         &axls->config->schemas, &call->request, &why);
	if (ret == FW_EABI) {
		answer_version(axls, exchange);
	} else if (ret != FW_OK) {
		answer_fault(axls, exchange, &call->request, AXLS_CODE_OTHER,
		             why.text[0] != '\0' ? why.text : fw_strerror(ret));
	} else if (call->request.operation == AXLS_VERSION) {
		answer_document(axls, exchange, &call->request, STATUS_OK,
		                axls_soap_version(&call->request, axls->config->version), "");
	} else if (call->request.operation == AXLS_UPDATE && role != AXLS_ADMINISTRATOR) {
		answer_text(
		        axls, exchange, STATUS_ROLE, NULL, NULL,
		        "403 The user's role is read-only; executeSQLUpdate needs administrator\n");
	} else {
		run_statement(call);
		return;
	}
	call_free(call);
}

/* ---- requests ---- */

/* Of a whole address, as it is sent to proxies, which servers take too (RFC 9112 §3.2.2). */
static struct fw_str path_of(const struct axls_exchange *exchange)
{
	static const struct fw_str scheme = FW_STR("https://");
	struct fw_str path = axls_exchange_path(exchange);

	if (path.len <= scheme.len || !fw_str_eq_nocase(fw_str_n(path.ptr, scheme.len), scheme)) {
		return path;
	}
	path = fw_str_n(path.ptr + scheme.len, path.len - scheme.len);
	const char *slash = memchr(path.ptr, '/', path.len);
	return slash != NULL ? fw_str_n(slash, (size_t)(path.ptr + path.len - slash)) : fw_str("/");
}

void axls_call(void *ctx, struct axls_exchange *exchange)
{
	struct axls *axls = ctx;
	struct fw_str method = axls_exchange_method(exchange);
	bool get = fw_str_is(method, "GET") || fw_str_is(method, "HEAD");

	if (!fw_str_is(path_of(exchange), PATH)) {
		answer_text(axls, exchange, STATUS_PATH, NULL, NULL,
		            "404 The AXL service is at " PATH "\n");
		return;
	}
	if (!get && !fw_str_is(method, "POST")) {
		answer_text(axls, exchange, STATUS_METHOD, "Allow", "GET, HEAD, POST",
		            "405 Method not allowed\n");
		return;
	}
	enum axls_role role = login(axls, exchange);
	if (role == AXLS_NO_ROLE) {
		return;
	}
	if (get) {
		answer_text(axls, exchange, STATUS_OK, NULL, NULL,
		            "<html><head><title>AXL</title></head><body><h1>Fedway AXL service</h1>"
		            "<p>The login is good. Requests are sent by POST.</p></body></html>\n");
		return;
	}
	if (!type_fits(axls_exchange_header(exchange, "Content-Type")) ||
	    !is_plain(axls_exchange_header(exchange, "Content-Encoding"))) {
		answer_text(axls, exchange, STATUS_TYPE, "Accept-Encoding", "identity",
		            "415 Content-Type must be text/xml in UTF-8, not compressed\n");
		return;
	}
	call_document(axls, exchange, role);
}

void axls_call_end_all(struct axls *axls)
{
	struct axls_call *next = NULL;

	for (struct axls_call *call = axls->waiting; call != NULL; call = next) {
		next = call->next;
		if (call->timer != NULL) {
			on_login_delay(call);
		}
	}
}
