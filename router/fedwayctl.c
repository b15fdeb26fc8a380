/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fedwayctl: turns arguments into one request, asks the daemon, and shows the reply. The commands
 * are rows in control_commands.h; a new row needs nothing here.
 */
#include "router/fedwayctl.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "router/control_commands.h"

static const char usage[] = "Usage: fedwayctl [OPTION]... COMMAND [ARGUMENT]...\n"
                            "Asks a running fedwayd, or tells it what to do.\n"
                            "\n"
                            "  -s, --socket PATH  control socket (default " FW_CONTROL_SOCKET ")\n"
                            "  -j, --json         print the reply as JSON\n"
                            "      --version      print the version and exit\n"
                            "      --help         print this and exit\n"
                            "\n"
                            "Commands:\n";

static const char codes[] =
        "\n"
        "Exit status: 0 done, 1 refused by the daemon, 2 wrong usage, 3 no daemon there,\n"
        "4 no proper reply.\n";

struct arguments {
	const char *socket;
	int json, version, help;
};

#define COMMAND_ROW(word, handler, args, summary) { #word, args },
static const struct {
	const char *word, *args;
} rows[] = { CONTROL_COMMANDS(COMMAND_ROW) };

static int parse(int argc, char **argv, struct arguments *out)
{
	const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, &out->version, 1 },
		{ "help", no_argument, &out->help, 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:j", longs, NULL)) != -1) {
		switch (c) {
		case 0:
			break;
		case 's':
			out->socket = optarg;
			break;
		case 'j':
			out->json = 1;
			break;
		default:
			return CTL_USAGE;
		}
	}
	return CTL_OK;
}

/* Gives each word after the command the name it has in the row. */
static int name_arguments(struct fw_json *args, const char *names, char **words, int count)
{
	char name[32];

	for (int i = 0; i < count; i++) {
		size_t len = strcspn(names, " ");
		if (len == 0) {
			(void)fprintf(stderr, "fedwayctl: unexpected argument \"%s\"\n", words[i]);
			return CTL_USAGE;
		}
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, names);
		fw_json_set(args, name, fw_str(words[i]));
		names += len + (names[len] == ' ' ? 1 : 0);
	}
	return CTL_OK;
}

/* @param out  request as text [g: free()] */
static int compose(char **words, int count, char **out)
{
	struct fw_json *request = fw_json_new();
	int ret = CTL_USAGE;

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (strcmp(rows[i].word, words[0]) != 0) {
			continue;
		}
		fw_json_set(request, "command", fw_str(words[0]));
		ret = name_arguments(fw_json_set_object(request, "args"), rows[i].args, words + 1,
		                     count - 1);
		if (ret == CTL_OK) {
			*out = request != NULL ? fw_json_dump(request, false) : NULL;
			ret = *out != NULL ? CTL_OK : CTL_BROKEN;
		}
		fw_json_free(&request);
		return ret;
	}
	(void)fprintf(stderr, "fedwayctl: unknown command \"%s\"; \"fedwayctl help\" lists them\n",
	              words[0]);
	fw_json_free(&request);
	return CTL_USAGE;
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
	} else if (ret == CTL_OK) {
		fedwayctl_print(stdout, command, fw_json_get(reply, "result"));
	} else {
		fedwayctl_print_refusal(stderr, reply);
	}
	fw_json_free(&reply);
	return ret;
}

static int run(const struct arguments *arguments, char **words, int count)
{
	char *request = NULL, *reply = NULL;
	int ret = compose(words, count, &request);

	if (ret == CTL_OK) {
		ret = fedwayctl_ask(arguments->socket, request, &reply);
	}
	if (ret == CTL_OK) {
		ret = show(words[0], reply, arguments->json != 0);
	}
	free(request);
	free(reply);
	return ret;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .socket = FW_CONTROL_SOCKET };

	if (parse(argc, argv, &arguments) != CTL_OK) {
		(void)fprintf(stderr, "Try \"fedwayctl --help\".\n");
		return CTL_USAGE;
	}
	if (arguments.version) {
		(void)printf("fedwayctl %s\n", PACKAGE_VERSION);
		return CTL_OK;
	}
	bool help = optind < argc && strcmp(argv[optind], "help") == 0 && !arguments.json;
	if (arguments.help || optind == argc || help) {
		FILE *out = arguments.help || help ? stdout : stderr;
		(void)fputs(usage, out);
		fedwayctl_print_commands(out);
		(void)fputs(codes, out);
		return out == stdout ? CTL_OK : CTL_USAGE;
	}
	return run(&arguments, argv + optind, argc - optind);
}
