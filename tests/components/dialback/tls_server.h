/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * An authoritative server that asks for STARTTLS and answers every <db:verify/> alike, on 127.0.0.1 and in the loop
 * of the test. There is one at a time.
 */
#ifndef TESTS_COMPONENTS_DIALBACK_TLS_SERVER_H
#define TESTS_COMPONENTS_DIALBACK_TLS_SERVER_H

#include <fedway/io/loop.h>

/** Listens, with nothing counted. @return its port */
uint16_t tls_server_begin(struct fw_loop *loop, const char *answer);
/** Stops listening; its connection must have ended. */
void tls_server_end(void);
/** How often it was asked, under TLS or in clear. */
unsigned tls_server_asked(bool under_tls);
/** True when it has no connection. */
bool tls_server_is_alone(void *ctx);

#endif
