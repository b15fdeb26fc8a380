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
 * Sends one request and waits for the reply. What takes long shows its progress on stderr.
 * @param request  JSON text without line end
 * @param quiet    tell nothing on stderr
 * @param reply    on CTL_OK: the reply's line [g: free()]
 * @return CTL_OK, or CTL_NOT_RUNNING or CTL_BROKEN after telling why on stderr
 */
int fedwayctl_ask(const char *socket_path, const char *request, bool quiet, char **reply);

/** Who is to answer. */
struct fedwayctl_where {
	const char *socket;
	const char *node; /**< realm of another node that the daemon asks; NULL: none */
	bool all;         /**< this one, and all that it knows */
	bool json;        /**< a refusal is for programs too */
};

/**
 * Makes the request of a command line; for a command of a component the daemon is asked for its words.
 * @param out  JSON text without line end [g: free()]
 * @return CTL_OK, or another after telling why on stderr
 */
int fedwayctl_compose(const struct fedwayctl_where *where, char **words, int count, char **out);
/** Asks the daemon for its commands. @param out  the reply [g]; NULL unless CTL_OK */
int fedwayctl_learn(const char *socket_path, bool quiet, struct fw_json **out);

/** "cert WORD" is done here, not by a component. */
bool fedwayctl_cert_has(const char *word);
/** Does it. @param argv  its word, options and arguments; may be put in another order */
int fedwayctl_cert(const char *socket_path, bool json, int argc, char **argv);

/** Shows the result of a command as text for people. */
void fedwayctl_print(FILE *out, const char *command, const struct fw_json *result);
/** Shows a refusal: words, all problems, remedy. */
void fedwayctl_print_refusal(FILE *out, const struct fw_json *reply);
/** The router's commands with their arguments; no daemon is needed. */
void fedwayctl_print_commands(FILE *out);
/** The commands of components, from the result of "help". */
void fedwayctl_print_learned(FILE *out, const struct fw_json *result);
/** Steps of an explanation or a check, one below the other; a remedy stands under what went wrong. */
void fedwayctl_print_steps(FILE *out, const struct fw_json *steps);
/** What would happen to a stanza. */
void fedwayctl_print_explanation(FILE *out, const struct fw_json *result);
/** What a visit to a remote domain has found. */
void fedwayctl_print_checked(FILE *out, const struct fw_json *result);
/** What a comparison of all nodes has found. */
void fedwayctl_print_survey(FILE *out, const struct fw_json *result);
/** Shows a result that has one object per component. */
void fedwayctl_print_any(FILE *out, const struct fw_json *result);
/** One of the components in a result has failed. */
bool fedwayctl_any_failed(const struct fw_json *result);

#endif
