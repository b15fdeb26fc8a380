/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * An HTTPS server that says whatever a test wants, on 127.0.0.1 and in the loop of the test; and a table of rows that
 * answers as an AXL service does. There is one at a time.
 */
#ifndef TESTS_COMPONENTS_AXL_AXL_SERVER_H
#define TESTS_COMPONENTS_AXL_AXL_SERVER_H

#include <fedway/io/loop.h>
#include <fedway/str.h>

/**
 * What it says to a request, bytes as they are; to be freed with free(). NULL: nothing, ever.
 * @param request  head and body
 * @param hang_up  set it to close the connection behind the answer
 */
typedef char *axl_server_fn(void *ctx, const char *request, bool *hang_up);

/** Listens with tests/support/certs/<certificate>.pem; "" is without TLS. @return its port */
uint16_t axl_server_begin(struct fw_loop *loop, const char *certificate, axl_server_fn *fn, void *ctx);
/** Closes everything. */
void axl_server_end(void);
/** Requests that came, connections that were made, and what the last request was. */
unsigned axl_server_requests(void);
unsigned axl_server_connections(void);
const char *axl_server_last(void);

/** A whole answer: status, text/xml, Content-Length and body; for axl_server_fn. */
char *axl_server_answer(unsigned status, const char *type, const char *body);
/** The same with an envelope around `inside`. */
char *axl_server_soap(unsigned status, const char *inside);

/* ---- a table, for axl_server_fn with NULL as ctx ---- */

#define TABLE_ROWS 16u
struct table_row {
	char pkid[64], cp_id[128];
};
struct table {
	struct table_row rows[TABLE_ROWS];
	size_t count;
	const char *version;    /**< of getCCMVersion; NULL: "14.0.1.10000-20" */
	const char *supported;  /**< schema versions, "11.5,12.5,14"; NULL: every one */
	unsigned status;        /**< not 0: what everything is answered with, or only writes, when `writes` */
	bool writes;            /**< the status goes for executeSQLUpdate only */
	bool forgets;           /**< confirms writes and does not do them */
	bool keeps_duplicates;  /**< no unique index */
	bool exists;            /**< every insert is told that the row is there, and then it is */
	unsigned inserts, deletes, selects;
};
extern struct table table;
/** Empties it. */
void table_reset(void);
void table_add(const char *pkid, const char *cp_id);
/** "a.edge-1 b.edge-2": component IDs in their order. */
const char *table_text(void);
char *table_serve(void *ctx, const char *request, bool *hang_up);

#endif
