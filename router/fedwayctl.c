/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fedwayctl: turns arguments into one request, asks the daemon, and shows the reply. The router's
 * commands are rows in control_commands.h, those of components are learned from the daemon; a new
 * row needs nothing here.
 */
#include "router/fedwayctl.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "Usage: fedwayctl [OPTION]... COMMAND [ARGUMENT]...\n"
                            "Asks a running fedwayd, or tells it what to do.\n"
                            "\n"
                            "  -s, --socket PATH  control socket (default " FW_CONTROL_SOCKET ")\n"
                            "  -j, --json         print the reply as JSON\n"
                            "  -n, --node REALM   ask another node that ours is linked to\n"
                            "  -a, --all          ask this node and all of them\n"
                            "      --version      print the version and exit\n"
                            "      --help         print this and exit\n"
                            "\n"
                            "Commands:\n";

static const char codes[] =
        "\n"
        "Keys and certificates need no daemon: \"fedwayctl cert help\".\n"
        "\n"
        "Exit status: 0 done, 1 refused by the daemon or so the verdict of check and explain,\n"
        "2 wrong usage, 3 no daemon there, 4 no proper reply.\n";

struct arguments {
	const char *socket;
	const char *node;
	int json, all, version, help;
};

/* One of our options whose value is the next word. */
static bool takes_value(const char *word)
{
	static const char *const words[] = { "-s", "--socket", "-n", "--node" };

	for (size_t i = 0; i < FW_COUNT(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* Where the command stands, behind our own options; argc when there is none. */
static int command_at(int argc, char **argv)
{
	int at = 1;

	while (at < argc && argv[at][0] == '-') {
		at += takes_value(argv[at]) ? 2 : 1;
	}
	return at < argc ? at : argc;
}

/* Behind the command, "--word" and "--name=value" that are no options of ours are the command's
 * own: the same as "word" and "name=value". */
static void leave_to_command(int argc, char **argv, const struct option *ours)
{
	for (int at = command_at(argc, argv); at < argc && strcmp(argv[at], "--") != 0; at++) {
		bool own = strncmp(argv[at], "--", 2) != 0;
		for (const struct option *known = ours; known->name != NULL && !own; known++) {
			const char *word = argv[at] + 2; /* or its beginning, as getopt has it */
			own = strncmp(known->name, word, strcspn(word, "=")) == 0;
		}
		argv[at] += own ? 0 : 2;
	}
}

static int parse(int argc, char **argv, struct arguments *out)
{
	const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "node", required_argument, NULL, 'n' },
		{ "all", no_argument, NULL, 'a' },
		{ "version", no_argument, &out->version, 1 },
		{ "help", no_argument, &out->help, 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	leave_to_command(argc, argv, longs);
	while ((c = getopt_long(argc, argv, "s:jn:a", longs, NULL)) != -1) {
		switch (c) {
		case 0:
			break;
		case 's':
			out->socket = optarg;
			break;
		case 'j':
			out->json = 1;
			break;
		case 'n':
			out->node = optarg;
			break;
		case 'a':
			out->all = 1;
			break;
		default:
			return CTL_USAGE;
		}
	}
	return CTL_OK;
}

/* One heading per node, and below it what it says. */
static int show_nodes(const char *command, const struct fw_json *nodes)
{
	int ret = CTL_OK;

	for (size_t i = 0; i < fw_json_count(nodes); i++) {
		const struct fw_json *node = fw_json_at(nodes, i);
		(void)printf("%s== %s\n", i > 0 ? "\n" : "",
		             fw_json_text(fw_json_get(node, "realm")).ptr);
		if (fw_json_bool(fw_json_get(node, "ok"))) {
			fedwayctl_print(stdout, command, fw_json_get(node, "result"));
		} else {
			fedwayctl_print_refusal(stdout, node);
			ret = CTL_REFUSED;
		}
	}
	return ret;
}

static int show(const char *command, const char *text, bool json)
{
	struct fw_json *reply = NULL;
	struct fw_error err = { 0 };
	int ret = CTL_BROKEN;

	if (fw_json_parse(fw_str(text), &reply, &err) != FW_OK ||
	    fw_json_type(fw_json_get(reply, "ok")) != FW_JSON_BOOL) {
		(void)fprintf(stderr, "fedwayctl: the reply is not one of fedwayd's\n");
		fw_json_free(&reply);
		return ret;
	}
	ret = fw_json_bool(fw_json_get(reply, "ok")) ? CTL_OK : CTL_REFUSED;
	if (json) {
		char *pretty = fw_json_dump(reply, true);
		(void)printf("%s\n", pretty != NULL ? pretty : text);
		free(pretty);
	} else if (ret == CTL_OK && fw_json_get(fw_json_get(reply, "result"), "nodes") != NULL) {
		ret = show_nodes(command, fw_json_get(fw_json_get(reply, "result"), "nodes"));
	} else if (ret == CTL_OK) {
		fedwayctl_print(stdout, command, fw_json_get(reply, "result"));
	} else {
		fedwayctl_print_refusal(stderr, reply);
	}
	if (fedwayctl_any_failed(fw_json_get(reply, "result")) ||
	    fw_str_is(fw_json_text(fw_json_get(fw_json_get(reply, "result"), "verdict")),
	              "refused")) {
		ret = CTL_REFUSED;
	}
	fw_json_free(&reply);
	return ret;
}

static int run(const struct arguments *arguments, char **words, int count)
{
	char *request = NULL, *reply = NULL;
	const struct fedwayctl_where where = { arguments->socket, arguments->node,
		                               arguments->all != 0, arguments->json != 0 };
	int ret = fedwayctl_compose(&where, words, count, &request);

	if (ret == CTL_OK) {
		ret = fedwayctl_ask(arguments->socket, request, false, &reply);
	}
	if (ret == CTL_OK) {
		ret = show(words[0], reply, arguments->json != 0);
	}
	free(request);
	free(reply);
	return ret;
}

/* The router's commands, and those of components if a daemon is there to tell. */
static void help(FILE *out, const char *socket)
{
	struct fw_json *reply = NULL;

	(void)fputs(usage, out);
	fedwayctl_print_commands(out);
	if (fedwayctl_learn(socket, true, &reply) == CTL_OK) {
		fedwayctl_print_learned(out, fw_json_get(reply, "result"));
	}
	(void)fputs(codes, out);
	fw_json_free(&reply);
}

/* Where a command begins that has options of its own and needs no daemon; else argc. */
static int local_command(int argc, char **argv)
{
	int at = command_at(argc, argv);

	return at + 1 < argc && strcmp(argv[at], "cert") == 0 && fedwayctl_cert_has(argv[at + 1])
	               ? at
	               : argc;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .socket = FW_CONTROL_SOCKET };
	int local = local_command(argc, argv);

	if (parse(local, argv, &arguments) != CTL_OK) {
		(void)fprintf(stderr, "Try \"fedwayctl --help\".\n");
		return CTL_USAGE;
	}
	if (local < argc) {
		return fedwayctl_cert(arguments.socket, arguments.json != 0, argc - local - 1,
		                      argv + local + 1);
	}
	if (arguments.version) {
		(void)printf("fedwayctl %s\n", PACKAGE_VERSION);
		return CTL_OK;
	}
	bool asked = optind < argc && strcmp(argv[optind], "help") == 0 && !arguments.json;
	if (arguments.help || optind == argc || asked) {
		FILE *out = arguments.help || asked ? stdout : stderr;
		help(out, arguments.socket);
		return out == stdout ? CTL_OK : CTL_USAGE;
	}
	return run(&arguments, argv + optind, argc - optind);
}
