/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fedwayd: reads the arguments and says which of the program's lives is wanted. No logic of its
 * own.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/daemon.h"
#include "router/options.h"

static const char usage[] =
        "Usage: fedwayd [OPTION]...\n"
        "The Fedway XMPP federation router.\n"
        "\n"
        "  -c, --config FILE      configuration (default " FW_CONFIG_FILE ")\n"
        "  -f, --foreground       log to standard error, whatever log_file says\n"
        "  -t, --check            read the configuration, print all problems, and exit\n"
        "      --options          print all options of the router and of the modules found\n"
        "      --man              with --options: as man page source\n"
        "      --module-path DIR  with --options: look for modules there\n"
        "      --version          print the version and exit\n"
        "      --help             print this and exit\n"
        "\n"
        "Signals: HUP reloads the configuration, TERM drains and stops (a second one stops at "
        "once),\n"
        "USR1 opens the log file again. See also fedwayctl(8) and fedway.conf(5).\n";

struct arguments {
	const char *config, *module_path;
	int foreground, check, options, man, version, help;
};

static int parse(int argc, char **argv, struct arguments *out)
{
	const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "check", no_argument, NULL, 't' },
		{ "options", no_argument, &out->options, 1 },
		{ "man", no_argument, &out->man, 1 },
		{ "module-path", required_argument, NULL, 'm' },
		{ "version", no_argument, &out->version, 1 },
		{ "help", no_argument, &out->help, 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:ft", longs, NULL)) != -1) {
		switch (c) {
		case 0:
			break;
		case 'c':
			out->config = optarg;
			break;
		case 'f':
			out->foreground = 1;
			break;
		case 't':
			out->check = 1;
			break;
		case 'm':
			out->module_path = optarg;
			break;
		default:
			return DAEMON_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "fedwayd: unexpected argument \"%s\"\n", argv[optind]);
		return DAEMON_USAGE;
	}
	return DAEMON_OK;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .config = FW_CONFIG_FILE, .module_path = "" };

	if (parse(argc, argv, &arguments) != DAEMON_OK) {
		(void)fprintf(stderr, "Try \"fedwayd --help\".\n");
		return DAEMON_USAGE;
	}
	if (arguments.help) {
		(void)fputs(usage, stdout);
		return DAEMON_OK;
	}
	if (arguments.version) {
		(void)printf("fedwayd %s\n", PACKAGE_VERSION);
		return DAEMON_OK;
	}
	if (arguments.options) {
		int ret = options_print_all(stdout, arguments.module_path, arguments.man != 0);
		return ret == FW_OK ? DAEMON_OK : DAEMON_FAILED;
	}
	if (arguments.check) {
		return daemon_check(arguments.config);
	}
	return daemon_run(arguments.config, arguments.foreground != 0);
}
