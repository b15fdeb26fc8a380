/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the operator is told of links to other routers that do not stand: one notice per row, with
 * what can be done about it in the words of a row of `routers`. Gone as soon as the link stands.
 */
#include <stdio.h>

#include "router/fabric.h"
#include "router/notices.h"

enum {
	/* The first dial after a break often comes before the other is back. */
	FAILURES_TOLD = 2,
	/* Who is to dial us begins anew within its retry_max_ms. */
	MISSING_TOLD_MS = 30000,
	KEY_SIZE = 300
};

/* Where the general remedy of a cause speaks of servers of others. */
static const struct {
	enum fw_cause cause;
	const char *remedy;
} remedies[] = {
	{ FW_CAUSE_CONNECT_FAILED, "is fedwayd running there, with this address and port in its "
	                           "listen? does a firewall refuse "
	                           "the port?" },
	{ FW_CAUSE_CONNECT_TIMEOUT,
	  "does a firewall between the two drop the port? is host right?" },
	{ FW_CAUSE_NOT_AUTHORIZED, "the row in routers for this realm must be there on the other "
	                           "node, with the same secret in "
	                           "both rows" },
	{ FW_CAUSE_NO_AUTH_METHOD,
	  "give both rows in routers the same secret, or a certificate that the other side takes" },
	{ FW_CAUSE_CERT_UNTRUSTED,
	  "the certificate in link_certificate_file there must be signed by an authority in "
	  "link_ca_file here, and come with its chain" },
	{ FW_CAUSE_CERT_EXPIRED,
	  "renew link_certificate_file there; compare the clocks of both nodes" },
	{ FW_CAUSE_CERT_NAME,
	  "the certificate in link_certificate_file there must name its realm, or what "
	  "certificate_name says in its row here" },
	{ FW_CAUSE_TLS_REQUIRED, "give link_certificate_file there" },
	{ FW_CAUSE_PEER_ERROR, "host-unknown: another realm is there, compare it with the row in "
	                       "routers; anything else is "
	                       "explained in the log there" },
};

const char *fabric_remedy(enum fw_cause cause)
{
	for (size_t i = 0; i < FW_COUNT(remedies); i++) {
		if (remedies[i].cause == cause) {
			return remedies[i].remedy;
		}
	}
	return fw_cause_row(cause)->remedy;
}

static const char *key_of(const struct fabric_peer *peer, char out[KEY_SIZE])
{
	(void)snprintf(out, KEY_SIZE, "router %s", peer->realm);
	return out;
}

void fabric_notice_failed(struct fabric_peer *peer, uint32_t failures)
{
	const struct fw_cause_row *row = fw_cause_row(peer->last_cause);
	bool more = peer->last_detail[0] != '\0';
	char key[KEY_SIZE];

	/* ... but who does not answer at all has kept us waiting long enough */
	if (failures >= FAILURES_TOLD || peer->last_cause == FW_CAUSE_CONNECT_TIMEOUT) {
		notices_set(peer->fabric->router, key_of(peer, key), FW_NOTICE_YELLOW,
		            fabric_remedy(peer->last_cause),
		            "no link to router %s at %s port %u: %s%s%s%s", peer->realm,
		            peer->row->host, peer->row->port, row->text, more ? " (" : "",
		            peer->last_detail, more ? ")" : "");
	}
}

void fabric_notice_look(struct fabric_peer *peer)
{
	struct router *router = peer->fabric->router;
	bool gone = peer->component == NULL || peer->component->suspended;
	char key[KEY_SIZE];
	bool refused = peer->last_cause == FW_CAUSE_NOT_AUTHORIZED;

	if (gone && peer->row->host[0] == '\0' && !router->draining &&
	    fw_now_ms(router->loop) - peer->since_ms >= MISSING_TOLD_MS) {
		notices_set(router, key_of(peer, key), FW_NOTICE_YELLOW,
		            refused ? fabric_remedy(FW_CAUSE_NOT_AUTHORIZED)
		                    : "it has to dial this node: fedwayctl notifications there "
		                      "says why it does not get through",
		            "no link from router %s%s%s", peer->realm,
		            refused ? ": who came was refused: " : "",
		            refused ? peer->last_detail : "");
	}
}

void fabric_refused(const struct router *router, struct fw_str realm, const char *why)
{
	struct fabric_peer *peer = fabric_find(router, realm);

	if (peer != NULL && peer->component == NULL) {
		peer->last_cause = FW_CAUSE_NOT_AUTHORIZED;
		(void)snprintf(peer->last_detail, sizeof(peer->last_detail), "%s", why);
	}
}

void fabric_notice_clear(struct fabric_peer *peer)
{
	char key[KEY_SIZE];

	notices_clear(peer->fabric->router, key_of(peer, key));
}
