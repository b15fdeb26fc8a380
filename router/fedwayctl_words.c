/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * From the words of a command line to one request. The router's own commands are known here; those
 * of components are learned from the daemon. An argument is given by its place or as NAME=VALUE.
 */
#include <stdlib.h>
#include <string.h>

#include "router/control_commands.h"
#include "router/fedwayctl.h"

enum { WORD_SIZE = 64 };

#define COMMAND_ROW(word, handler, args, summary) { #word, args },
static const struct {
	const char *word, *args;
} rows[] = { CONTROL_COMMANDS(COMMAND_ROW) };

/* The next name of a form, which ends at "|" or with the text. @return false at its end */
static bool next_name(const char **form, struct fw_str *name)
{
	*form += strspn(*form, " ");
	*name = fw_str_n(*form, strcspn(*form, " |"));
	*form += name->len;
	return name->len > 0;
}

/* `word` is NAME=VALUE with a name of this form. @return its value, or NULL */
static const char *value_of(const char *word, const char *form)
{
	const char *equals = strchr(word, '=');
	struct fw_str name;

	while (equals != NULL && next_name(&form, &name)) {
		if (fw_str_eq(name, fw_str_n(word, (size_t)(equals - word)))) {
			return equals + 1;
		}
	}
	return NULL;
}

/* The value that one of the words gives to `name`, or NULL. */
static const char *given(struct fw_str name, char **words, int count)
{
	for (int i = 0; i < count; i++) {
		if (strncmp(words[i], name.ptr, name.len) == 0 && words[i][name.len] == '=') {
			return words[i] + name.len + 1;
		}
	}
	return NULL;
}

/* The first word from `at` on that has its meaning by its place; `count` when there is none. */
static int next_place(const char *form, char **words, int at, int count)
{
	while (at < count && value_of(words[at], form) != NULL) {
		at++;
	}
	return at;
}

/* Gives each word the name it has in the form. @return words that were left over */
static const char *name_words(const char *form, char **words, int count, struct fw_json *args)
{
	const char *names = form;
	char name[WORD_SIZE];
	struct fw_str each;
	int at = next_place(form, words, 0, count);

	while (next_name(&names, &each)) {
		const char *value = given(each, words, count);
		if (value == NULL && at < count) {
			value = words[at];
			at = next_place(form, words, at + 1, count);
		}
		if (value != NULL) {
			(void)snprintf(name, sizeof(name), "%.*s", FW_STR_ARG(each));
			fw_json_set(args, name, fw_str(value));
		}
	}
	return at < count ? words[at] : NULL;
}

/* The request, in the first form that takes all words. [g: free()] */
static int compose(const struct fedwayctl_where *where, const char *command, const char *forms,
                   char **words, int count, char **out)
{
	const char *left = NULL;

	for (const char *form = forms; form != NULL;
	     form = strchr(form, '|') != NULL ? strchr(form, '|') + 1 : NULL) {
		struct fw_json *request = fw_json_new();
		fw_json_set(request, "command", fw_str(command));
		if (where->node != NULL) {
			fw_json_set(request, "node", fw_str(where->node));
		}
		if (where->all) {
			fw_json_set_bool(request, "all", true);
		}
		left = name_words(form, words, count, fw_json_set_object(request, "args"));
		if (left == NULL) {
			*out = request != NULL ? fw_json_dump(request, false) : NULL;
			fw_json_free(&request);
			return *out != NULL ? CTL_OK : CTL_BROKEN;
		}
		fw_json_free(&request);
	}
	(void)fprintf(stderr, "fedwayctl: unexpected argument \"%s\"\n", left);
	if (forms[0] != '\0') {
		(void)fprintf(stderr, "The arguments of %s are: %s\n", command, forms);
	}
	return CTL_USAGE;
}

/* How many of the words are this command's name; 0: it is another. */
static int words_of(struct fw_str name, char **words, int count)
{
	const char *space = name.len > 0 ? memchr(name.ptr, ' ', name.len) : NULL;

	if (space == NULL) {
		return fw_str_is(name, words[0]) ? 1 : 0;
	}
	struct fw_str first = fw_str_n(name.ptr, (size_t)(space - name.ptr));
	struct fw_str second = fw_str_n(space + 1, name.len - first.len - 1);
	return count > 1 && fw_str_is(first, words[0]) && fw_str_is(second, words[1]) ? 2 : 0;
}

/* Nothing is called so; but commands of two words may begin so. */
static void tell_unknown(const struct fw_json *list, const char *word)
{
	bool begins = false;

	for (size_t i = 0; i < fw_json_count(list); i++) {
		struct fw_str name = fw_json_text(fw_json_get(fw_json_at(list, i), "command"));
		size_t len = strlen(word);
		if (name.len > len && strncmp(name.ptr, word, len) == 0 && name.ptr[len] == ' ') {
			(void)fprintf(stderr, begins ? ", %s" : "fedwayctl: there are: %s",
			              name.ptr);
			begins = true;
		}
	}
	if (begins) {
		(void)fputs("; \"fedwayctl help\" tells more\n", stderr);
	} else {
		(void)fprintf(
		        stderr,
		        "fedwayctl: unknown command \"%s\"; \"fedwayctl help\" lists those of this "
		        "node\n",
		        word);
	}
}

/* The commands of whoever is to answer. @param out  the reply [g]; NULL unless CTL_OK */
static int ask_help(const struct fedwayctl_where *where, bool quiet, struct fw_json **out)
{
	struct fw_json *reply = NULL;
	char *request = NULL, *text = NULL;
	int ret = compose(where, "help", "", NULL, 0, &request);

	if (ret == CTL_OK) {
		ret = fedwayctl_ask(where->socket, request, quiet, &text);
	}
	if (ret == CTL_OK && fw_json_parse(fw_str(text), &reply, NULL) != FW_OK) {
		ret = CTL_BROKEN;
		if (!quiet) {
			(void)fprintf(stderr, "fedwayctl: the reply is not one of fedwayd's\n");
		}
	}
	if (ret == CTL_OK && !fw_json_bool(fw_json_get(reply, "ok"))) {
		ret = CTL_REFUSED;
		char *pretty = where->json && !quiet ? fw_json_dump(reply, true) : NULL;
		if (pretty != NULL) {
			(void)printf("%s\n", pretty);
		} else if (!quiet) {
			fedwayctl_print_refusal(stderr, reply);
		}
		free(pretty);
		fw_json_free(&reply);
	}
	free(request);
	free(text);
	*out = reply;
	return ret;
}

/* The command of a list that takes most of the words, if that is more than *used. */
static const struct fw_json *best_of(const struct fw_json *list, char **words, int count, int *used)
{
	const struct fw_json *best = NULL;

	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *row = fw_json_at(list, i);
		int taken = words_of(fw_json_text(fw_json_get(row, "command")), words, count);
		best = taken > *used ? row : best;
		*used = taken > *used ? taken : *used;
	}
	return best;
}

/* Asks whoever is to answer for its commands, and finds the one that takes most of the words. */
static int learn(const struct fedwayctl_where *where, char **words, int count, char **out)
{
	struct fw_json *reply = NULL;
	const struct fw_json *list, *nodes, *best;
	int used = 0;
	int ret = ask_help(where, false, &reply);

	if (ret != CTL_OK) {
		return ret;
	}
	list = fw_json_get(fw_json_get(reply, "result"), "commands");
	nodes = fw_json_get(fw_json_get(reply, "result"), "nodes");
	best = best_of(list, words, count, &used);
	for (size_t i = 0; i < fw_json_count(nodes); i++) {
		list = fw_json_get(fw_json_get(fw_json_at(nodes, i), "result"), "commands");
		const struct fw_json *better = best_of(list, words, count, &used);
		best = better != NULL ? better : best;
	}
	if (best != NULL) {
		struct fw_str args = fw_json_text(fw_json_get(best, "args"));
		ret = compose(where, fw_json_text(fw_json_get(best, "command")).ptr,
		              args.ptr != NULL ? args.ptr : "", words + used, count - used, out);
	} else {
		tell_unknown(list, words[0]);
		ret = CTL_USAGE;
	}
	fw_json_free(&reply);
	return ret;
}

int fedwayctl_compose(const struct fedwayctl_where *where, char **words, int count, char **out)
{
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (strcmp(rows[i].word, words[0]) == 0) {
			return compose(where, words[0], rows[i].args, words + 1, count - 1, out);
		}
	}
	return learn(where, words, count, out);
}

int fedwayctl_learn(const char *socket, bool quiet, struct fw_json **out)
{
	const struct fedwayctl_where where = { .socket = socket };

	return ask_help(&where, quiet, out);
}
