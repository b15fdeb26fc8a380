/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Prints the option part of fedway.conf(5) at build time. Not installed.
 */
#include "config/config.h"

int main(void)
{
	config_print_rows_man(stdout, config_router_rows);
	return ferror(stdout) || fflush(stdout) != 0;
}
