/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A connection before it has proved who it is, for the files that share the work: link_hello.c (headers, XEP-0114,
 * the end), link_offer.c (TLS and features), link_sasl.c (proof).
 */
#ifndef FEDWAY_ROUTER_LINK_HELLO_H
#define FEDWAY_ROUTER_LINK_HELLO_H

#include <fedway/io/sasl.h>
#include <fedway/io/scram.h>

#include "router/link.h"

struct link_hello {
	struct link_hello *next, **prev; /**< in room->hellos */
	struct link_room *room;
	struct fw_channel *channel;
	struct fw_timer *timer;
	char *name;                      /**< who its header says it is; NULL: it does not, or has not yet */
	uint32_t session;
	char id[FW_STREAM_ID_SIZE];
	char words[160];                 /**< for the log: what was wrong last */
	int xep_0114;                    /**< enum config_xep_0114 of its listener */
	bool header;                     /**< the header of the present stream has come */
	bool negotiates;                 /**< it said version 1.0: dialect 2 or 3 */
	bool starttls;                   /**< offered on the present stream */
	/* SASL */
	const char *mechanism;           /**< under way, or with `proved` the one that was right; static */
	struct fw_scram_server *scram;
	bool scram_challenged;
	uint32_t tries;
	char *proved;                    /**< key of the name that it has proved */
};

/** Sends it away, with words for the log beside the cause. */
void link_hello_refuse(struct link_hello *hello, enum fw_cause cause, const char *words);
/** It has proved the name; the stream begins anew. */
void link_hello_proved(struct link_hello *hello, const char *key);

/* ---- link_offer.c ---- */

/** What stands against the handshake of XEP-0114 on this connection; FW_CAUSE_NONE: nothing. @param words  for the log */
enum fw_cause link_offer_objection(const struct link_hello *hello, const struct link_name *name, const char **words);
/** Nothing may be proved before TLS. */
bool link_offer_wants_tls(const struct link_hello *hello);
/** Writes the features that stand behind our header now. */
void link_offer_send(struct link_hello *hello);
/** <starttls/> has come. */
void link_offer_start_tls(struct link_hello *hello);
/** The mechanism is among those offered. */
bool link_offer_has(const struct link_hello *hello, const char *mechanism);

/* ---- link_sasl.c ---- */

/** An element of SASL. */
void link_sasl_take(struct link_hello *hello, struct fw_stanza *element);

#endif
