/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The parts of fedwayctl: asking, and showing. The program itself is fedwayctl.c.
 */
#ifndef FEDWAY_ROUTER_FEDWAYCTL_H
#define FEDWAY_ROUTER_FEDWAYCTL_H

#include <stdio.h>

#include <fedway/json.h>

/** What the shell is told. */
enum {
	CTL_OK = 0,
	CTL_REFUSED = 1,     /**< the daemon said no, and why */
	CTL_USAGE = 2,
	CTL_NOT_RUNNING = 3, /**< nobody answers on the socket */
	CTL_BROKEN = 4,      /**< somebody answers, but not as fedwayd does */
};

/**
 * Sends one request and waits for the reply.
 * @param request  JSON text without line end
 * @param reply    on CTL_OK: the reply's line [g: free()]
 * @return CTL_OK, or CTL_NOT_RUNNING or CTL_BROKEN after telling why on stderr
 */
int fedwayctl_ask(const char *socket_path, const char *request, char **reply);

/** Shows the result of a command as text for people. */
void fedwayctl_print(FILE *out, const char *command, const struct fw_json *result);
/** Shows a refusal: words, all problems, remedy. */
void fedwayctl_print_refusal(FILE *out, const struct fw_json *reply);
/** The list of commands with their arguments. */
void fedwayctl_print_commands(FILE *out);

#endif
