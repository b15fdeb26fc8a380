/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows libcurl (7.85 or newer). It is driven by our loop: the library says
 * which sockets it waits for and how long. An answer is kept and told at the end of the turn, so
 * that whoever is told may do what he likes. Called by axl_publisher.c; does not know what is said.
 */
#include "components/axl/axl_http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/socket.h>

enum { HEADER_SIZE = 160, FIRST_ROOM = 4096 };

struct http_socket {
	struct http_socket *next;
	struct axl_http *http;
	struct fw_io *io;
	curl_socket_t fd;
};

struct axl_http {
	struct fw_loop *loop;
	axl_http_fn *fn;
	void *ctx;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *resolve, *headers;
	struct fw_timer *timer;
	struct http_socket *sockets;
	struct fw_task told;
	char *body;
	size_t body_len, body_size, body_max;
	bool begun, busy, too_large;
	bool session; /* the server is sent a cookie that it gave */
	CURLcode code;
	uint64_t began_ms;
	char words[CURL_ERROR_SIZE];
};

/* ---- the answer ---- */

static enum axl_http_end http_end_of(const struct axl_http *http)
{
	switch (http->code) {
	case CURLE_OK:
		return AXL_HTTP_ANSWERED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return AXL_HTTP_UNREACHABLE;
	case CURLE_OPERATION_TIMEDOUT:
		return AXL_HTTP_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return AXL_HTTP_CERTIFICATE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		return AXL_HTTP_TLS;
	case CURLE_FILESIZE_EXCEEDED:
		return AXL_HTTP_TOO_LARGE;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return AXL_HTTP_OURSELVES;
	default:
		return http->too_large ? AXL_HTTP_TOO_LARGE : AXL_HTTP_BROKEN;
	}
}

static void http_tell(void *ctx)
{
	struct axl_http *http = ctx;
	struct axl_http_answer answer = {
		.end = http_end_of(http),
		.words = http->words[0] != '\0' ? http->words : curl_easy_strerror(http->code),
		.body = fw_str_n(http->body, http->body_len),
		.spent_ms = (uint32_t)(fw_now_ms(http->loop) - http->began_ms),
	};
	long status = 0;
	const char *type = NULL;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(http->easy, CURLINFO_CONTENT_TYPE, &type);
	answer.status = status > 0 && status < 1000 ? (unsigned)status : 0;
	answer.type = fw_str(type);
	http->busy = false;
	http->fn(http->ctx, &answer); /* may free http */
}

static bool http_begin(struct axl_http *http)
{
	struct curl_slist *cookies = NULL;

	curl_easy_getinfo(http->easy, CURLINFO_COOKIELIST, &cookies);
	http->session = cookies != NULL;
	curl_slist_free_all(cookies);
	http->body_len = 0;
	http->too_large = false;
	http->words[0] = '\0';
	http->begun = curl_multi_add_handle(http->multi, http->easy) == CURLM_OK;
	return http->begun;
}

/* A session that has ended is told by 401 or 404, whatever the password: once more, without it. */
static bool http_again(struct axl_http *http)
{
	long status = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	if (http->code != CURLE_OK || !http->session || (status != 401 && status != 404)) {
		return false;
	}
	curl_easy_setopt(http->easy, CURLOPT_COOKIELIST, "ALL"); /* forgets them */
	return http_begin(http);
}

/* After each call into the library: has it finished? */
static void http_look(struct axl_http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		if (message->msg == CURLMSG_DONE) {
			http->code = message->data.result;
			curl_multi_remove_handle(http->multi, http->easy);
			http->begun = false;
			if (!http_again(http)) {
				fw_defer(http->loop, &http->told);
			}
		}
	}
}

static size_t http_on_body(char *bytes, size_t one, size_t size, void *ctx)
{
	struct axl_http *http = ctx;

	size *= one;
	if (size > http->body_max - http->body_len) {
		http->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (size > http->body_size - http->body_len) {
		size_t room = (http->body_len + size) * 2 + FIRST_ROOM;
		char *more = realloc(http->body, room);
		if (more == NULL) {
			return CURL_WRITEFUNC_ERROR;
		}
		http->body = more;
		http->body_size = room;
	}
	memcpy(http->body + http->body_len, bytes, size);
	http->body_len += size;
	return size;
}

/* ---- the library and our loop ---- */

static void http_on_timer(void *ctx)
{
	struct axl_http *http = ctx;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	http_look(http);
}

/* The library wants to be called in so many milliseconds at the latest; it forbids to do it here.
 */
static int http_on_wind(CURLM *multi, long ms, void *ctx)
{
	struct axl_http *http = ctx;

	(void)multi;
	if (ms < 0) {
		fw_timer_stop(http->timer);
	} else {
		fw_timer_start_ms(http->timer, (uint64_t)ms, 0);
	}
	return 0;
}

static void http_on_io(void *ctx, int events)
{
	const struct http_socket *ready = ctx;
	struct axl_http *http = ready->http; /* the library may free `ready` */
	int what = (events & FW_IO_READ ? CURL_CSELECT_IN : 0) |
	           (events & FW_IO_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(http->multi, ready->fd, what, &running);
	http_look(http);
}

static void http_socket_free(struct axl_http *http, struct http_socket *gone)
{
	struct http_socket **at = &http->sockets;

	while (*at != gone) {
		at = &(*at)->next;
	}
	*at = gone->next;
	fw_io_remove(&gone->io);
	free(gone);
}

/* The library opens, changes or is about to close a socket. */
static int http_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct axl_http *http = ctx;
	struct http_socket *entry = known;
	int events =
	        (what & CURL_POLL_IN ? FW_IO_READ : 0) | (what & CURL_POLL_OUT ? FW_IO_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (entry != NULL) {
			http_socket_free(http, entry);
			curl_multi_assign(http->multi, fd, NULL);
		}
		return 0;
	}
	if (entry != NULL) {
		fw_io_set(entry->io, events);
		return 0;
	}
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL) { /* the exchange runs into its time limit */
		return -1;
	}
	entry->http = http;
	entry->fd = fd;
	if (fw_io_add(http->loop, fd, events, http_on_io, entry, &entry->io) != FW_OK) {
		free(entry);
		return -1;
	}
	entry->next = http->sockets;
	http->sockets = entry;
	curl_multi_assign(http->multi, fd, entry);
	return 0;
}

/* ---- settings ---- */

static int http_part(CURLU *url, CURLUPart part, char *out, size_t out_size)
{
	char *text = NULL;
	int len = -1;

	if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		len = snprintf(out, out_size, "%s", text);
	}
	curl_free(text);
	return len >= 0 && (size_t)len < out_size ? FW_OK : FW_EINVAL;
}

/* HOST and PORT of an address that this component may ask. */
static int http_read_url(const char *text, char host[256], char port[8], struct fw_error *err)
{
	CURLU *url = curl_url();
	char scheme[16], path[512], user[64];
	int ret = FW_EINVAL;

	if (url == NULL) {
		return fw_error_set(err, FW_ENOMEM, "%s", fw_strerror(FW_ENOMEM));
	}
	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    http_part(url, CURLUPART_SCHEME, scheme, sizeof(scheme)) != FW_OK ||
	    http_part(url, CURLUPART_HOST, host, 256) != FW_OK ||
	    http_part(url, CURLUPART_PORT, port, 8) != FW_OK ||
	    http_part(url, CURLUPART_PATH, path, sizeof(path)) != FW_OK) {
		fw_error_set(err, ret, "url '%.200s' is no address of the form %s", text,
		             "https://HOST:8443/axl/");
	} else if (strcmp(scheme, "https") != 0) {
		fw_error_set(err, ret, "url '%.200s' is not https: a password goes over TLS only",
		             text);
	} else if (http_part(url, CURLUPART_USER, user, sizeof(user)) == FW_OK) {
		fw_error_set(err, ret,
		             "url: the user has an option of its own, and so has the "
		             "password");
	} else if (path[strlen(path) - 1] != '/') {
		fw_error_set(err, ret, "url '%.200s' does not end in '/': the service is /axl/",
		             text);
	} else {
		ret = FW_OK;
	}
	curl_url_cleanup(url);
	return ret;
}

int axl_http_check(const struct axl_http_settings *settings, struct fw_error *err)
{
	char host[256], port[8];
	struct fw_addr addr;
	int ret = http_read_url(settings->url, host, port, err);

	if (ret != FW_OK) {
		return ret;
	}
	if (settings->address[0] != '\0' && fw_addr_parse(settings->address, 0, &addr) != FW_OK) {
		return fw_error_set(err, FW_EINVAL, "address '%.80s' is no IP address",
		                    settings->address);
	}
	if (settings->user[0] == '\0' || strchr(settings->user, ':') != NULL) {
		return fw_error_set(err, FW_EINVAL, "user '%.80s' must have a name without ':'",
		                    settings->user);
	}
	if (settings->ca_file[0] != '\0') {
		FILE *file = fopen(settings->ca_file, "re");
		if (file == NULL) {
			return fw_error_set(err, FW_EINVAL, "ca_file %.200s cannot be read",
			                    settings->ca_file);
		}
		fclose(file);
	}
	return FW_OK;
}

/* "HOST:PORT:ADDRESS": this name is not looked up. */
static int http_set_address(struct axl_http *http, const struct axl_http_settings *settings)
{
	char host[256], port[8], text[400];
	bool six = strchr(settings->address, ':') != NULL;

	if (settings->address[0] == '\0') {
		return FW_OK;
	}
	if (http_read_url(settings->url, host, port, NULL) != FW_OK) {
		return FW_EINVAL;
	}
	snprintf(text, sizeof(text), "%s:%s:%s%s%s", host, port, six ? "[" : "", settings->address,
	         six ? "]" : "");
	http->resolve = curl_slist_append(NULL, text);
	if (http->resolve == NULL) {
		return FW_ENOMEM;
	}
	curl_easy_setopt(http->easy, CURLOPT_RESOLVE, http->resolve);
	return FW_OK;
}

static bool http_set_trust(CURL *easy, const struct axl_http_settings *settings)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");

	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	if (settings->ca_file[0] != '\0') {
		code |= curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
		code |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	/* Pre-emptively: else each call would cost a 401 first. */
	code |= curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	code |= curl_easy_setopt(easy, CURLOPT_USERNAME, settings->user);
	code |= curl_easy_setopt(easy, CURLOPT_PASSWORD, settings->password);
	return code == CURLE_OK;
}

static bool http_set_exchange(struct axl_http *http, const struct axl_http_settings *settings)
{
	CURL *easy = http->easy;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, settings->url);

	code |= curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nor what the environment says */
	code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* none; but they are kept */
	code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	                         (long)settings->connect_timeout_ms);
	code |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)settings->timeout_ms);
	code |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)settings->answer_max_bytes);
	code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->words);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_body);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, http);
	return code == CURLE_OK;
}

static bool http_set_loop(struct axl_http *http)
{
	CURLMcode code = curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, http_on_socket);

	code |= curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	code |= curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, http_on_wind);
	code |= curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	code |= curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 1L);
	return code == CURLM_OK;
}

int axl_http_new(struct fw_loop *loop, const struct axl_http_settings *settings, axl_http_fn *fn,
                 void *ctx, struct axl_http **out, struct fw_error *err)
{
	struct axl_http *http = NULL;
	int ret = axl_http_check(settings, err);

	if (ret != FW_OK) {
		return ret;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		return fw_error_set(err, FW_ESYS, "the HTTP library does not start");
	}
	ret = FW_ENOMEM;
	http = calloc(1, sizeof(*http));
	if (http == NULL) {
		curl_global_cleanup();
		goto done;
	}
	http->loop = loop;
	http->fn = fn;
	http->ctx = ctx;
	http->body_max = settings->answer_max_bytes;
	http->told = (struct fw_task){ .fn = http_tell, .ctx = http };
	http->multi = curl_multi_init();
	http->easy = curl_easy_init();
	if (http->multi == NULL || http->easy == NULL || !http_set_loop(http) ||
	    !http_set_trust(http->easy, settings) || !http_set_exchange(http, settings) ||
	    fw_timer_new(loop, http_on_timer, http, &http->timer) != FW_OK) {
		goto done;
	}
	ret = http_set_address(http, settings);
	if (ret != FW_OK) {
		goto done;
	}
	*out = http;
	http = NULL;
done:
	if (ret != FW_OK) {
		fw_error_set(err, ret, "the HTTP library refuses %.200s: %s", settings->url,
		             fw_strerror(ret));
	}
	axl_http_free(&http);
	return ret;
}

void axl_http_free(struct axl_http **at)
{
	struct axl_http *http = *at;

	*at = NULL;
	if (http == NULL) {
		return;
	}
	fw_defer_cancel(&http->told);
	if (http->begun) {
		curl_multi_remove_handle(http->multi, http->easy);
	}
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi); /* closes the connection and removes its sockets */
	while (http->sockets != NULL) {
		http_socket_free(http, http->sockets);
	}
	fw_timer_free(&http->timer);
	curl_slist_free_all(http->resolve);
	curl_slist_free_all(http->headers);
	free(http->body);
	free(http);
	curl_global_cleanup();
}

/* ---- a request ---- */

static bool http_add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	*list = more != NULL ? more : *list;
	return more != NULL;
}

static int http_set_headers(struct axl_http *http, const char *action)
{
	struct curl_slist *list = NULL;
	char line[HEADER_SIZE];

	snprintf(line, sizeof(line), "SOAPAction: %s", action);
	/* "Expect:" without a value is not sent: nobody needs to wait for a 100. */
	if (!http_add_header(&list, "Content-Type: text/xml; charset=utf-8") ||
	    !http_add_header(&list, "Accept: text/xml") || !http_add_header(&list, "Expect:") ||
	    (action[0] != '\0' && !http_add_header(&list, line))) {
		curl_slist_free_all(list);
		return FW_ENOMEM;
	}
	curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, list);
	curl_slist_free_all(http->headers);
	http->headers = list;
	return FW_OK;
}

int axl_http_post(struct axl_http *http, const char *action, struct fw_str body)
{
	fw_assert(!http->busy);
	if (http_set_headers(http, action) != FW_OK ||
	    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE, (long)body.len) != CURLE_OK ||
	    curl_easy_setopt(http->easy, CURLOPT_COPYPOSTFIELDS, body.ptr) != CURLE_OK) {
		return FW_ENOMEM;
	}
	http->began_ms = fw_now_ms(http->loop);
	http->busy = http_begin(http);
	return http->busy ? FW_OK : FW_ENOMEM;
}
