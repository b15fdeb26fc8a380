/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows c-ares (1.18 or newer). It is driven by our loop: the library says which
 * sockets it waits for and how long. Its callbacks may run inside any of its calls, so an answer is
 * kept and told at the end of the turn. Called by resolver_lookup.c; decides nothing about what
 * answers mean.
 */
#include "components/resolver/resolver_dns.h"

#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

enum { CLASS_IN = 1, TYPE_SRV = 33, SERVERS_TEXT_MAX = 2048 };

struct resolver_query {
	struct resolver_query *next, **link;
	struct resolver_dns *dns;
	struct fw_task told; /* hands the answer over at the end of the turn */
	resolver_dns_fn *fn; /* NULL: forgotten */
	void *ctx;
	bool answered; /* the library will not call any more */
	uint16_t port;
	enum resolver_dns_status status;
	int code; /* the library's */
	bool has_srv;
	struct resolver_srv_records srv;
	struct fw_addr addrs[RESOLVER_ADDRS_MAX];
	size_t addr_count;
	uint32_t ttl_s;
};

struct dns_socket {
	struct dns_socket *next;
	struct resolver_dns *dns;
	struct fw_io *io;
	int fd;
};

struct resolver_dns {
	struct fw_loop *loop;
	ares_channel channel;
	struct fw_timer *timer;
	struct dns_socket *sockets;
	struct resolver_query *queries;
	int family;
};

/* ---- the library and our loop ---- */

/* After each call into the library: when does it want to be called at the latest? */
static void dns_wind(struct resolver_dns *dns)
{
	struct timeval wait, *until = ares_timeout(dns->channel, NULL, &wait);

	if (until == NULL) {
		fw_timer_stop(dns->timer);
		return;
	}
	uint64_t ms = (uint64_t)until->tv_sec * 1000 + (uint64_t)until->tv_usec / 1000;
	fw_timer_start_ms(dns->timer, ms + 1, 0);
}

static void dns_on_timer(void *ctx)
{
	struct resolver_dns *dns = ctx;

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	dns_wind(dns);
}

static void dns_on_io(void *ctx, int events)
{
	struct dns_socket *ready = ctx;
	struct resolver_dns *dns = ready->dns;
	int fd = ready->fd; /* the library may close it, which frees `ready` */

	ares_process_fd(dns->channel, events & FW_IO_READ ? fd : ARES_SOCKET_BAD,
	                events & FW_IO_WRITE ? fd : ARES_SOCKET_BAD);
	dns_wind(dns);
}

static void dns_socket_free(struct dns_socket **at)
{
	struct dns_socket *gone = *at;

	*at = gone->next;
	fw_io_remove(&gone->io);
	free(gone);
}

/* The library opens, changes or is about to close a socket. */
static void dns_on_state(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct resolver_dns *dns = ctx;
	struct dns_socket **at = &dns->sockets;
	int events = (readable ? FW_IO_READ : 0) | (writable ? FW_IO_WRITE : 0);

	while (*at != NULL && (*at)->fd != fd) {
		at = &(*at)->next;
	}
	if (*at != NULL && events == 0) {
		dns_socket_free(at);
		return;
	}
	if (*at != NULL) {
		fw_io_set((*at)->io, events);
		return;
	}
	struct dns_socket *added = events != 0 ? calloc(1, sizeof(*added)) : NULL;
	if (added == NULL) { /* without memory the question runs into its time limit */
		return;
	}
	added->dns = dns;
	added->fd = fd;
	if (fw_io_add(dns->loop, fd, events, dns_on_io, added, &added->io) != FW_OK) {
		free(added);
		return;
	}
	added->next = dns->sockets;
	dns->sockets = added;
}

/* ---- questions ---- */

static void query_free(struct resolver_query *query)
{
	fw_defer_cancel(&query->told);
	*query->link = query->next;
	if (query->next != NULL) {
		query->next->link = query->link;
	}
	free(query);
}

static void query_tell(void *ctx)
{
	struct resolver_query *query = ctx;
	const struct resolver_dns_answer answer = {
		.status = query->status,
		.words = ares_strerror(query->code),
		.srv = query->has_srv ? &query->srv : NULL,
		.addrs = query->addrs,
		.addr_count = query->addr_count,
		.ttl_s = query->ttl_s,
	};
	resolver_dns_fn *fn = query->fn;

	query->fn = NULL;
	if (fn != NULL) {
		fn(query->ctx, &answer);
	}
	query_free(query);
}

static void query_answered(struct resolver_query *query, int code)
{
	static const int none[] = { ARES_ENODATA, ARES_ENOTFOUND, ARES_ENONAME };

	query->answered = true;
	query->code = code;
	query->status = code == ARES_SUCCESS ? RESOLVER_DNS_OK : RESOLVER_DNS_FAILED;
	for (size_t i = 0; i < FW_COUNT(none); i++) {
		if (code == none[i]) {
			query->status = RESOLVER_DNS_NONE;
		}
	}
	fw_defer(query->dns->loop, &query->told);
}

static struct resolver_query *query_new(struct resolver_dns *dns, resolver_dns_fn *fn, void *ctx)
{
	struct resolver_query *query = calloc(1, sizeof(*query));

	if (query == NULL) {
		return NULL;
	}
	query->dns = dns;
	query->fn = fn;
	query->ctx = ctx;
	query->told.fn = query_tell;
	query->told.ctx = query;
	query->next = dns->queries;
	query->link = &dns->queries;
	if (query->next != NULL) {
		query->next->link = &query->next;
	}
	dns->queries = query;
	return query;
}

void resolver_query_forget(struct resolver_query **at)
{
	struct resolver_query *query = *at;

	*at = NULL;
	if (query == NULL) {
		return;
	}
	query->fn = NULL; /* the library cannot forget one question: its answer is thrown away */
	if (query->answered) {
		query_free(query);
	}
}

/* ---- SRV ---- */

static void dns_on_srv(void *ctx, int code, int timeouts, unsigned char *bytes, int len)
{
	struct resolver_query *query = ctx;

	(void)timeouts;
	if (bytes != NULL && len > 0) {
		int ret = resolver_message_read(bytes, (size_t)len, &query->srv);
		query->has_srv = ret == FW_OK;
		code = code == ARES_SUCCESS && ret != FW_OK ? ARES_EBADRESP : code;
	}
	query_answered(query, code);
}

int resolver_dns_srv(struct resolver_dns *dns, const char *name, resolver_dns_fn *fn, void *ctx,
                     struct resolver_query **out)
{
	struct resolver_query *query = query_new(dns, fn, ctx);

	if (query == NULL) {
		return FW_ENOMEM;
	}
	*out = query;
	ares_query(dns->channel, name, CLASS_IN, TYPE_SRV, dns_on_srv, query);
	dns_wind(dns);
	return FW_OK;
}

/* ---- addresses ---- */

static void query_add(struct resolver_query *query, const struct sockaddr *addr, size_t len)
{
	struct fw_addr *added = &query->addrs[query->addr_count];

	if (query->addr_count == RESOLVER_ADDRS_MAX || len > sizeof(added->storage)) {
		return;
	}
	memcpy(&added->storage, addr, len);
	added->len = (socklen_t)len;
	query->addr_count++;
}

static void dns_on_addr(void *ctx, int code, int timeouts, struct ares_addrinfo *info)
{
	struct resolver_query *query = ctx;
	uint32_t ttl = UINT32_MAX;

	(void)timeouts;
	if (code == ARES_SUCCESS && info != NULL) {
		for (struct ares_addrinfo_node *node = info->nodes; node != NULL;
		     node = node->ai_next) {
			query_add(query, node->ai_addr, node->ai_addrlen);
			ttl = (uint32_t)node->ai_ttl < ttl ? (uint32_t)node->ai_ttl : ttl;
		}
		for (struct ares_addrinfo_cname *alias = info->cnames; alias != NULL;
		     alias = alias->next) {
			ttl = (uint32_t)alias->ttl < ttl ? (uint32_t)alias->ttl : ttl;
		}
		code = query->addr_count > 0 ? code : ARES_ENODATA;
	}
	ares_freeaddrinfo(info);
	query->ttl_s = ttl;
	query_answered(query, code);
}

int resolver_dns_addr(struct resolver_dns *dns, const char *host, uint16_t port,
                      resolver_dns_fn *fn, void *ctx, struct resolver_query **out)
{
	struct resolver_query *query = query_new(dns, fn, ctx);
	const struct ares_addrinfo_hints hints = {
		.ai_family = dns->family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = ARES_AI_NUMERICSERV,
	};
	char service[8];

	if (query == NULL) {
		return FW_ENOMEM;
	}
	*out = query;
	snprintf(service, sizeof(service), "%u", (unsigned)port);
	ares_getaddrinfo(dns->channel, host, service, &hints, dns_on_addr, query);
	dns_wind(dns);
	return FW_OK;
}

/* ---- the channel ---- */

static int dns_servers_text(const struct fw_strings *servers, char *out, struct fw_error *err)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < servers->count; i++) {
		int len = snprintf(out + used, SERVERS_TEXT_MAX - used, "%s%s", used > 0 ? "," : "",
		                   servers->items[i]);
		used += (size_t)len;
		if (used >= SERVERS_TEXT_MAX) {
			return fw_error_set(err, FW_EINVAL, "servers: the list is too long");
		}
	}
	return FW_OK;
}

static int dns_channel_new(const struct resolver_dns_settings *settings, struct resolver_dns *dns,
                           ares_channel *out, struct fw_error *err)
{
	struct ares_options options = {
		.timeout = (int)settings->timeout_ms,
		.tries = (int)settings->tries,
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.ndomains = 0, /* all names are absolute */
		.sock_state_cb = dns_on_state,
		.sock_state_cb_data = dns,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS;
	char servers[SERVERS_TEXT_MAX];

	int ret = dns_servers_text(&settings->servers, servers, err);
	if (ret != FW_OK) {
		return ret;
	}
	mask |= dns != NULL ? ARES_OPT_SOCK_STATE_CB : 0;
	int code = ares_init_options(out, &options, mask);
	if (code != ARES_SUCCESS) {
		return fw_error_set(err, code == ARES_ENOMEM ? FW_ENOMEM : FW_ESYS,
		                    "the DNS library does not start: %s", ares_strerror(code));
	}
	code = servers[0] != '\0' ? ares_set_servers_ports_csv(*out, servers) : ARES_SUCCESS;
	if (code != ARES_SUCCESS) {
		ares_destroy(*out);
		return fw_error_set(err, FW_EINVAL, "servers: '%s' is no list of addresses",
		                    servers);
	}
	return FW_OK;
}

int resolver_dns_check(const struct resolver_dns_settings *settings, struct fw_error *err)
{
	ares_channel channel = NULL;

	int ret = dns_channel_new(settings, NULL, &channel, err);
	if (ret == FW_OK) {
		ares_destroy(channel);
	}
	return ret;
}

int resolver_dns_new(struct fw_loop *loop, const struct resolver_dns_settings *settings,
                     struct resolver_dns **out, struct fw_error *err)
{
	struct resolver_dns *dns = calloc(1, sizeof(*dns));
	int ret = FW_ENOMEM;

	if (dns == NULL) {
		goto done;
	}
	dns->loop = loop;
	dns->family = settings->ipv4 && settings->ipv6 ? AF_UNSPEC
	              : settings->ipv4                 ? AF_INET
	                                               : AF_INET6;
	ret = fw_timer_new(loop, dns_on_timer, dns, &dns->timer);
	if (ret != FW_OK) {
		goto done;
	}
	ret = dns_channel_new(settings, dns, &dns->channel, err);
	if (ret != FW_OK) {
		dns->channel = NULL;
		goto done;
	}
	*out = dns;
	dns = NULL;
done:
	resolver_dns_free(&dns);
	return ret;
}

void resolver_dns_free(struct resolver_dns **at)
{
	struct resolver_dns *dns = *at;

	*at = NULL;
	if (dns == NULL) {
		return;
	}
	for (struct resolver_query *query = dns->queries; query != NULL; query = query->next) {
		query->fn = NULL;
	}
	if (dns->channel != NULL) {
		ares_destroy(dns->channel); /* runs the callbacks of all questions */
	}
	while (dns->queries != NULL) {
		query_free(dns->queries);
	}
	while (dns->sockets != NULL) {
		dns_socket_free(&dns->sockets);
	}
	fw_timer_free(&dns->timer);
	free(dns);
}
