/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The program around a router: what starts it, what signals and the control socket ask of it, what ends it.
 */
#ifndef FEDWAY_ROUTER_DAEMON_H
#define FEDWAY_ROUTER_DAEMON_H

#include <stdbool.h>

enum {
	DAEMON_OK = 0,
	DAEMON_FAILED = 1,
	DAEMON_USAGE = 2,
	DAEMON_CONFIG = 78, /**< EX_CONFIG of sysexits(3): a restart would not help */
};

/**
 * Starts, runs until told to stop, and takes everything down.
 * @param foreground  log to standard error, whatever log_file says
 * @return one of the above, for exit()
 */
int daemon_run(const char *config_path, bool foreground);
/** Reads and checks a configuration; says on standard error all that is wrong. */
int daemon_check(const char *config_path);

#endif
