/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The outer and the inner side: which domains this component plays, whom it takes for what, where
 * it dials. Asked by the rooms of the streams, which know nothing of sides. The inner side trusts
 * by address, as the configuration says, and never asks DNS.
 */
#include "components/s2s/s2s_side.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "components/s2s/s2s.h"

static struct fw_logger side_logger = FW_LOGGER("s2s.side");

const struct fw_choice s2s_side_choices[] = {
	{ "outer", S2S_SIDE_OUTER, "towards the world: speaks for our domains" },
	{ "inner", S2S_SIDE_INNER, "towards our own servers: speaks for everybody else" },
	{ NULL, 0, NULL },
};

const struct fw_option s2s_server_rows[] = {
	FW_OPT(struct s2s_server_row, domains, NULL, .min = 1, .max = 1000,
	       .help = "domains of ours that the server serves, chat services included"),
	FW_OPT(struct s2s_server_row, host, "", .max = 64,
	       .help = "IP address where it accepts servers; \"\": it is not dialled, "
	               "stanzas reach it in another way"),
	FW_OPT(struct s2s_server_row, port, "5269", .min = 1, .max = 65535, .help = "TCP port"),
	FW_OPT(struct s2s_server_row, direct_tls, "false",
	       .help = "whether TLS begins with the first byte on that port (XEP-0368)"),
	FW_OPT(struct s2s_server_row, addresses, "", .max = 1000,
	       .help = "IP addresses and networks (\"10.0.5.0/24\") beside host that it connects "
	               "from: whoever does is taken for its domains"),
	FW_OPT_END,
};

/** Addresses whose first `bits` are these. */
struct side_network {
	int family;
	unsigned bits;
	unsigned char bytes[16];
};

/** A server; in the order of the configuration. */
struct side_server {
	struct fw_addr addr; /**< len 0: it is not dialled */
	bool direct_tls;
	size_t network_count;
	struct side_network *networks;
};

/** A name that is bound, and who serves it: one entry per server that has it. */
struct side_name {
	char key[FW_DOMAIN_SIZE];
	const struct side_server *server; /**< NULL for "*" */
};

struct s2s_side {
	enum s2s_side_kind kind;
	size_t server_count;
	struct side_server *servers;
	size_t name_count;
	struct side_name *names; /**< sorted */
};

/* ---- networks ---- */

static int network_read(const char *text, struct side_network *out)
{
	char ip[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned most;

	if (len >= sizeof(ip)) {
		return FW_EPARSE;
	}
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(AF_INET, ip, out->bytes) == 1) {
		out->family = AF_INET;
		most = 32;
	} else if (inet_pton(AF_INET6, ip, out->bytes) == 1) {
		out->family = AF_INET6;
		most = 128;
	} else {
		return FW_EPARSE;
	}
	out->bits = most;
	if (slash != NULL) {
		char *end = NULL;
		unsigned long bits = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most) {
			return FW_EPARSE;
		}
		out->bits = (unsigned)bits;
	}
	return FW_OK;
}

static bool network_has(const struct side_network *network, const struct fw_addr *addr)
{
	const void *bytes = NULL;
	size_t whole = network->bits / 8;
	unsigned rest = network->bits % 8;

	if (addr->len == 0 || addr->storage.ss_family != network->family) {
		return false;
	}
	if (network->family == AF_INET) {
		bytes = &((const struct sockaddr_in *)&addr->storage)->sin_addr;
	} else {
		bytes = &((const struct sockaddr_in6 *)&addr->storage)->sin6_addr;
	}
	const unsigned char *at = bytes;
	if (memcmp(at, network->bytes, whole) != 0) {
		return false;
	}
	unsigned char mask = (unsigned char)(0xff00u >> rest);
	return rest == 0 || ((at[whole] ^ network->bytes[whole]) & mask) == 0;
}

static bool server_has(const struct side_server *server, const struct fw_addr *addr)
{
	for (size_t i = 0; i < server->network_count; i++) {
		if (network_has(&server->networks[i], addr)) {
			return true;
		}
	}
	return false;
}

/* ---- from the configuration ---- */

static int side_read_server(struct side_server *server, const struct s2s_server_row *row,
                            struct fw_error *err)
{
	const char *host = row->host[0] != '\0' ? row->host : NULL;
	size_t count = row->addresses.count + (host != NULL);

	server->direct_tls = row->direct_tls;
	if (host != NULL && fw_addr_parse(host, row->port, &server->addr) != FW_OK) {
		return fw_error_set(err, FW_EINVAL,
		                    "inner_servers: host \"%s\" is not an IP address", host);
	}
	if (count == 0) {
		return fw_error_set(err, FW_EINVAL,
		                    "inner_servers: the server of \"%s\" has neither host nor "
		                    "addresses: nobody could be taken for it",
		                    row->domains.items[0]);
	}
	server->networks = calloc(count, sizeof(*server->networks));
	if (server->networks == NULL) {
		return FW_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const char *text = i < row->addresses.count ? row->addresses.items[i] : host;
		if (network_read(text, &server->networks[i]) != FW_OK) {
			return fw_error_set(err, FW_EINVAL,
			                    "inner_servers: \"%s\" is neither an IP address nor a "
			                    "network like \"10.0.5.0/24\"",
			                    text);
		}
		server->network_count++;
	}
	return FW_OK;
}

static int side_read_names(struct s2s_side *side, const struct side_server *server,
                           const struct fw_strings *domains, struct fw_error *err)
{
	for (size_t i = 0; i < domains->count; i++) {
		struct side_name *name = &side->names[side->name_count];
		if (fw_domain_key(fw_str(domains->items[i]), name->key, NULL) != FW_OK) {
			return fw_error_set(err, FW_EINVAL,
			                    "inner_servers: \"%s\" is not a domain name",
			                    domains->items[i]);
		}
		name->server = server;
		side->name_count++;
	}
	return FW_OK;
}

/* By name, then in the order of the configuration. */
static int side_compare_names(const void *a, const void *b)
{
	const struct side_name *one = a, *two = b;
	int order = strcmp(one->key, two->key);

	return order != 0 ? order : (one->server > two->server) - (one->server < two->server);
}

static int side_read_servers(struct s2s_side *side, const struct fw_rows *rows,
                             struct fw_error *err)
{
	const struct s2s_server_row *row = rows->items;
	size_t names = 0;
	int ret = FW_OK;

	for (size_t i = 0; i < rows->count; i++) {
		names += row[i].domains.count;
	}
	side->servers = calloc(rows->count, sizeof(*side->servers));
	side->names = calloc(names, sizeof(*side->names));
	if (side->servers == NULL || side->names == NULL) {
		return FW_ENOMEM;
	}
	for (size_t i = 0; ret == FW_OK && i < rows->count; i++) {
		side->server_count++;
		ret = side_read_server(&side->servers[i], &row[i], err);
		if (ret == FW_OK) {
			ret = side_read_names(side, &side->servers[i], &row[i].domains, err);
		}
	}
	qsort(side->names, side->name_count, sizeof(*side->names), side_compare_names);
	return ret;
}

int s2s_side_new(const struct s2s_config *config, struct s2s_side **out, struct fw_error *err)
{
	struct s2s_side *side = calloc(1, sizeof(*side));
	bool inner = config->side == S2S_SIDE_INNER;
	int ret = FW_ENOMEM;

	if (side == NULL) {
		goto done;
	}
	side->kind = (enum s2s_side_kind)config->side;
	if (inner != (config->inner_servers.count > 0)) {
		ret = fw_error_set(err, FW_EINVAL, "%s",
		                   inner ? "side = \"inner\" needs inner_servers: which of our "
		                           "domains are served where"
		                         : "inner_servers need side = \"inner\"");
		goto done;
	}
	if (inner) {
		ret = side_read_servers(side, &config->inner_servers, err);
	} else {
		side->names = calloc(1, sizeof(*side->names));
		if (side->names == NULL) {
			goto done;
		}
		side->names[side->name_count++].key[0] = '*';
		ret = FW_OK;
	}
	if (ret == FW_OK) {
		*out = side;
		side = NULL;
	}
done:
	s2s_side_free(&side);
	return ret;
}

void s2s_side_free(struct s2s_side **side)
{
	if (*side == NULL) {
		return;
	}
	for (size_t i = 0; i < (*side)->server_count; i++) {
		free((*side)->servers[i].networks);
	}
	free((*side)->servers);
	free((*side)->names);
	free(*side);
	*side = NULL;
}

/* ---- names ---- */

/* The first entry of a name; the others follow it. */
static const struct side_name *side_find(const struct s2s_side *side, const char *key)
{
	size_t low = 0, high = side != NULL ? side->name_count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(side->names[middle].key, key) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	bool found =
	        side != NULL && low < side->name_count && strcmp(side->names[low].key, key) == 0;
	return found ? &side->names[low] : NULL;
}

/* The same name at its next server. */
static const struct side_name *side_next(const struct s2s_side *side, const struct side_name *name)
{
	bool more =
	        name + 1 < side->names + side->name_count && strcmp(name[1].key, name->key) == 0;

	return more ? name + 1 : NULL;
}

int s2s_side_take(struct s2s *s2s, struct s2s_side **side, struct fw_error *err)
{
	struct s2s_side *old = s2s->side;
	struct s2s_side *now = *side;
	int ret = FW_OK;

	*side = NULL;
	s2s->side = now;
	for (size_t i = 0; i < now->name_count; i++) {
		const char *key = now->names[i].key;
		bool bound = side_find(old, key) != NULL || side_find(now, key) != &now->names[i];
		int one = bound ? FW_OK : fw_bind(s2s->self, key);
		if (one != FW_OK) {
			(void)fw_error_set(err, one, "\"%s\" cannot be bound: %s", key,
			                   fw_strerror(one));
			ret = ret == FW_OK ? one : ret;
		} else if (now->kind == S2S_SIDE_INNER &&
		           !fw_domain_is_federated(s2s->self, fw_str(key))) {
			fw_log(fw_self_log(s2s->self), &side_logger, FW_LOG_NOTICE,
			       "a domain inside cannot talk to the outside domain=%s "
			       "remedy=\"list it in domains with federation = true\"",
			       key);
		}
	}
	for (size_t i = 0; old != NULL && i < old->name_count; i++) {
		if (side_find(now, old->names[i].key) == NULL) {
			(void)fw_unbind(s2s->self, old->names[i].key);
		}
	}
	s2s_side_free(&old);
	return ret;
}

/* ---- questions ---- */

/* A name of this router's own realm: a component or a service, no domain of anybody. */
static bool side_is_realm(const struct s2s *s2s, const char *domain)
{
	const char *realm = fw_self_realm(s2s->self);
	size_t realm_len = strlen(realm);
	size_t len = strlen(domain);

	if (len < realm_len || strcmp(domain + len - realm_len, realm) != 0) {
		return false;
	}
	return len == realm_len || domain[len - realm_len - 1] == '.';
}

/* Loop guard (RFC 6120 §10.5): what one server serves it need not ask us for. */
static bool side_same_server(const struct s2s_side *side, const char *one, const char *other)
{
	const struct side_name *first = side_find(side, other);

	for (const struct side_name *a = side_find(side, one); a != NULL; a = side_next(side, a)) {
		for (const struct side_name *b = first; b != NULL; b = side_next(side, b)) {
			if (a->server == b->server) {
				return true;
			}
		}
	}
	return false;
}

const char *s2s_side_word(const struct s2s *s2s)
{
	return s2s_side_choices[s2s->side->kind].word;
}

bool s2s_side_inner(const struct s2s *s2s)
{
	return s2s->side->kind == S2S_SIDE_INNER;
}

bool s2s_side_closed(const struct s2s *s2s)
{
	return s2s->side->kind == S2S_SIDE_OUTER && !fw_federation_is_on(s2s->self);
}

bool s2s_side_admits(const struct s2s *s2s, const struct fw_addr *peer)
{
	const struct s2s_side *side = s2s->side;
	bool admitted = side->kind == S2S_SIDE_OUTER;

	for (size_t i = 0; !admitted && i < side->server_count; i++) {
		admitted = server_has(&side->servers[i], peer);
	}
	return admitted;
}

bool s2s_side_plays(const struct s2s *s2s, const char *local)
{
	if (s2s->side->kind == S2S_SIDE_INNER) {
		return !side_is_realm(s2s, local);
	}
	return fw_domain_is_federated(s2s->self, fw_str(local));
}

const char *s2s_side_objection(const struct s2s *s2s, const char *local, const char *remote,
                               const struct fw_addr *peer)
{
	const struct s2s_side *side = s2s->side;

	if (side->kind == S2S_SIDE_OUTER) {
		return fw_domain_is_local(s2s->self, fw_str(remote))
		               ? "the domain in from is served here"
		               : NULL;
	}
	if (side_same_server(side, local, remote)) {
		return "both domains are served by the same server";
	}
	for (const struct side_name *name = side_find(side, remote); name != NULL;
	     name = side_next(side, name)) {
		if (server_has(name->server, peer)) {
			return NULL;
		}
	}
	return "this address does not speak for the domain in from";
}

bool s2s_side_vouches(const struct s2s *s2s)
{
	return s2s->side->kind == S2S_SIDE_INNER;
}

enum fw_cause s2s_side_refusal(const struct s2s *s2s, const char *local, const char *remote)
{
	const struct s2s_side *side = s2s->side;
	bool inner = side->kind == S2S_SIDE_INNER;

	if (side_is_realm(s2s, remote)) {
		return FW_CAUSE_NO_ROUTE;
	}
	if (inner ? side_same_server(side, local, remote)
	          : fw_domain_is_local(s2s->self, fw_str(remote))) {
		return FW_CAUSE_LOOP; /* RFC 6120 §10.5 */
	}
	if (!s2s_side_plays(s2s, local)) {
		return FW_CAUSE_NOT_FEDERATED;
	}
	if (s2s_side_closed(s2s)) {
		return FW_CAUSE_FEDERATION_OFF;
	}
	return !inner || s2s_side_targets(s2s, remote, NULL) ? FW_CAUSE_NONE : FW_CAUSE_NO_ROUTE;
}

bool s2s_side_among_us(const struct s2s *s2s, const char *local)
{
	return s2s->side->kind == S2S_SIDE_INNER && fw_domain_is_local(s2s->self, fw_str(local));
}

bool s2s_side_targets(const struct s2s *s2s, const char *remote, struct s2s_targets *out)
{
	const struct s2s_side *side = s2s->side;
	bool found = false;

	if (out != NULL) {
		out->count = 0;
		out->is_static = true;
	}
	if (side->kind == S2S_SIDE_OUTER) {
		return false;
	}
	for (const struct side_name *name = side_find(side, remote); name != NULL;
	     name = side_next(side, name)) {
		const struct side_server *server = name->server;
		found = found || server->addr.len > 0;
		if (server->addr.len > 0 && out != NULL && out->count < FW_COUNT(out->items)) {
			struct fw_target *target = &out->items[out->count++];
			memset(target, 0, sizeof(*target));
			target->addr = server->addr;
			target->tls =
			        server->direct_tls ? FW_TARGET_DIRECT_TLS : FW_TARGET_STARTTLS;
			(void)fw_addr_ip_text(&server->addr, target->host);
		}
	}
	return found;
}
