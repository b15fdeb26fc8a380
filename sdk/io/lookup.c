/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of a host by the system's own ways (/etc/hosts, DNS, whatever it is told to ask). The
 * system's call blocks, so another thread makes it. For inner hosts such as a database; domains of
 * XMPP are the resolver's work.
 */
#include <fedway/io/lookup.h>

#include <netdb.h>
#include <stdlib.h>

struct fw_lookup {
	struct fw_work *work;
	fw_lookup_fn *fn;
	void *ctx;
	struct fw_lookup **owner; /* NULL: nobody wants to know any more */
	struct fw_addr addrs[FW_LOOKUP_MAX];
	size_t count;
	uint16_t port;
	char host[];
};

static void lookup_run(void *ctx)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct fw_lookup *lookup = ctx;
	struct addrinfo *list = NULL;
	char text[NI_MAXHOST];

	if (getaddrinfo(lookup->host, NULL, &hints, &list) != 0) {
		return;
	}
	for (const struct addrinfo *at = list; at != NULL && lookup->count < FW_LOOKUP_MAX;
	     at = at->ai_next) {
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0,
		                NI_NUMERICHOST) == 0 &&
		    fw_addr_parse(text, lookup->port, &lookup->addrs[lookup->count]) == FW_OK) {
			lookup->count++;
		}
	}
	freeaddrinfo(list);
}

static void lookup_done(void *ctx)
{
	struct fw_lookup *lookup = ctx;

	if (lookup->owner != NULL) {
		*lookup->owner = NULL;
		lookup->fn(lookup->ctx, lookup->addrs, lookup->count);
	}
	free(lookup);
}

int fw_lookup_start(struct fw_loop *loop, const char *host, uint16_t port, fw_lookup_fn *fn,
                    void *ctx, struct fw_lookup **out)
{
	size_t size = strlen(host) + 1;
	struct fw_lookup *lookup = calloc(1, sizeof(*lookup) + size);

	if (lookup == NULL) {
		return FW_ENOMEM;
	}
	lookup->fn = fn;
	lookup->ctx = ctx;
	lookup->owner = out;
	lookup->port = port;
	memcpy(lookup->host, host, size);
	if (fw_work_start(loop, lookup_run, lookup_done, lookup, &lookup->work) != FW_OK) {
		free(lookup);
		return FW_ENOMEM;
	}
	*out = lookup;
	return FW_OK;
}

/* The thread cannot be called back: what it finds is thrown away. */
void fw_lookup_cancel(struct fw_lookup **lookup)
{
	if (*lookup != NULL) {
		(*lookup)->owner = NULL;
		*lookup = NULL;
	}
}
