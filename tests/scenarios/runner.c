/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Plays scenarios: the whole router with its modules, on a fake network and a fake clock, against
 * peers that do what a script says. The language is described in README.md; each scenario ends with
 * a balanced, empty ledger.
 */
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fedway/io/crypto.h>

#include "tests/scenarios/scene.h"

static struct scene scene;

__attribute__((noreturn)) void scene_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", scene.path, scene.line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n--- log\n%s", scene.log != NULL ? scene.log : "");
	exit(1);
}

/* ---- variables: ${name} ---- */

static struct variable *variable_find(const char *name)
{
	for (size_t i = 0; i < scene.variable_count; i++) {
		if (strcmp(scene.variables[i].name, name) == 0) {
			return &scene.variables[i];
		}
	}
	return NULL;
}

void scene_set(const char *name, const char *value, size_t len)
{
	struct variable *variable = variable_find(name);

	if (variable == NULL) {
		if (scene.variable_count == VARIABLES_MAX) {
			scene_fail("too many variables");
		}
		variable = &scene.variables[scene.variable_count++];
		snprintf(variable->name, sizeof(variable->name), "%s", name);
	}
	snprintf(variable->value, sizeof(variable->value), "%.*s", (int)len, value);
}

/* Replaces each ${name}, and the two escapes \n and \s (a space at the end of a line). */
static void expand(const char *in, char *out, size_t size)
{
	size_t len = 0;

	while (*in != '\0' && len + 1 < size) {
		const char *end = strncmp(in, "${", 2) == 0 ? strchr(in, '}') : NULL;
		if (end != NULL) {
			char name[64];
			const struct variable *variable;
			snprintf(name, sizeof(name), "%.*s", (int)(end - in - 2), in + 2);
			variable = variable_find(name);
			if (variable == NULL) {
				scene_fail("no variable %s", name);
			}
			len += (size_t)snprintf(out + len, size - len, "%s", variable->value);
			in = end + 1;
		} else if (in[0] == '\\' && (in[1] == 'n' || in[1] == 's')) {
			out[len++] = in[1] == 'n' ? '\n' : ' ';
			in += 2;
		} else {
			out[len++] = *in++;
		}
	}
	if (len >= size) {
		scene_fail("line too long");
	}
	out[len] = '\0';
}

/* ---- peers ---- */

static struct peer *peer_find(const char *name)
{
	for (size_t i = 0; i < scene.peer_count; i++) {
		if (strcmp(scene.peers[i].name, name) == 0) {
			return &scene.peers[i];
		}
	}
	return NULL;
}

static struct peer *peer_make(const char *name, int fd)
{
	struct peer *peer = peer_find(name);

	if (peer == NULL) {
		if (scene.peer_count == PEERS_MAX) {
			scene_fail("too many peers");
		}
		peer = &scene.peers[scene.peer_count++];
	} else if (peer->fd >= 0) {
		close(peer->fd);
		free(peer->got);
	}
	memset(peer, 0, sizeof(*peer));
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	peer->fd = fd;
	peer->got = strdup("");
	return peer;
}

static void peer_read(struct peer *peer)
{
	char buffer[65536];
	ssize_t got;

	while (peer->fd >= 0 && !peer->deaf &&
	       (got = read(peer->fd, buffer, sizeof(buffer))) >= 0) {
		if (got == 0) {
			peer->ended = true;
			return;
		}
		peer->got = realloc(peer->got, peer->len + (size_t)got + 1);
		memcpy(peer->got + peer->len, buffer, (size_t)got);
		peer->len += (size_t)got;
		peer->got[peer->len] = '\0';
	}
}

void scene_settle(void)
{
	/* What a peer reads makes room for what the program still has to write. */
	for (int i = 0; i < 20; i++) {
		fake_loop_settle(scene.loop);
		for (size_t j = 0; j < scene.peer_count; j++) {
			peer_read(&scene.peers[j]);
		}
	}
}

static void peer_send(struct peer *peer, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t put = write(peer->fd, text, len);
		if (put < 0) {
			scene_fail("%s cannot send: the connection is closed", peer->name);
		}
		text += put;
		len -= (size_t)put;
		scene_settle();
	}
}

static void peer_expects(struct peer *peer, const char *text)
{
	char *found;

	scene_settle();
	found = strstr(peer->got + peer->seen, text);
	if (found == NULL) {
		scene_fail("%s expects '%s', but got: %s", peer->name, text,
		           peer->got + peer->seen);
	}
	peer->seen = (size_t)(found - peer->got) + strlen(text);
}

/* `NAME takes VARIABLE REGEX`: the first group of the match, from what has not been seen yet. */
static void peer_takes(struct peer *peer, char *rest)
{
	char *pattern = strchr(rest, ' ');
	regmatch_t match[2];
	regex_t regex;

	scene_settle();
	if (pattern == NULL) {
		scene_fail("takes wants a name and a pattern");
	}
	*pattern++ = '\0';
	if (regcomp(&regex, pattern, REG_EXTENDED) != 0) {
		scene_fail("bad pattern %s", pattern);
	}
	if (regexec(&regex, peer->got + peer->seen, 2, match, 0) != 0 || match[1].rm_so < 0) {
		scene_fail("%s: nothing matches %s in: %s", peer->name, pattern,
		           peer->got + peer->seen);
	}
	scene_set(rest, peer->got + peer->seen + match[1].rm_so,
	          (size_t)(match[1].rm_eo - match[1].rm_so));
	peer->seen += (size_t)match[0].rm_eo;
	regfree(&regex);
}

static void peer_never_got(struct peer *peer, const char *text)
{
	scene_settle();
	if (strstr(peer->got, text) != NULL) {
		scene_fail("%s must not get '%s', but got: %s", peer->name, text, peer->got);
	}
}

static void peer_gets_end(struct peer *peer)
{
	scene_settle();
	if (!peer->ended) {
		scene_fail("%s expects the end of the connection; unseen: %s", peer->name,
		           peer->got + peer->seen);
	}
}

static void peer_goes(struct peer *peer)
{
	close(peer->fd);
	peer->fd = -1;
	scene_settle();
}

/* `NAME sends N times TEXT`: ${n} counts from 1. */
static void peer_sends_times(struct peer *peer, const char *raw)
{
	char text[LINE_SIZE], number[24];
	char *rest;
	unsigned long count = strtoul(raw, &rest, 10);

	if (strncmp(rest, " times ", 7) != 0) {
		expand(raw, text, sizeof(text));
		peer_send(peer, text);
		return;
	}
	for (unsigned long i = 1; i <= count; i++) {
		snprintf(number, sizeof(number), "%lu", i);
		scene_set("n", number, strlen(number));
		expand(rest + 7, text, sizeof(text));
		peer_send(peer, text);
	}
}

/* `NAME handshakes ID SECRET`: the proof of XEP-0114. */
static void peer_handshakes(struct peer *peer, char *rest)
{
	char proof[FW_SHA1_HEX_SIZE], text[128];
	char *secret = strchr(rest, ' ');

	if (secret == NULL) {
		scene_fail("handshakes wants an id and a secret");
	}
	*secret++ = '\0';
	fw_sha1_hex(fw_str(rest), fw_str(secret), proof);
	snprintf(text, sizeof(text), "<handshake>%s</handshake>", proof);
	peer_send(peer, text);
}

static bool peer_does(struct peer *peer, char *verb, char *raw)
{
	char text[LINE_SIZE];

	if (strcmp(verb, "sends") == 0) {
		peer_sends_times(peer, raw);
		return true;
	}
	expand(raw, text, sizeof(text));
	if (strcmp(verb, "expects") == 0) {
		peer_expects(peer, text);
	} else if (strcmp(verb, "takes") == 0) {
		peer_takes(peer, text);
	} else if (strcmp(verb, "handshakes") == 0) {
		peer_handshakes(peer, text);
	} else if (strcmp(verb, "never") == 0) {
		peer_never_got(peer, text);
	} else if (strcmp(verb, "ended") == 0) {
		peer_gets_end(peer);
	} else if (strcmp(verb, "goes") == 0) {
		peer_goes(peer);
	} else if (strcmp(verb, "deaf") == 0) {
		peer->deaf = true;
	} else {
		return false;
	}
	return true;
}

/* ---- lines ---- */

/* `peer NAME connects IP:PORT [as IP]` and `peer NAME accepts IP:PORT` */
static void do_peer(char *rest)
{
	char name[64], verb[16], addr[64], as[64] = "192.0.2.99";
	int fd;

	if (sscanf(rest, "%63s %15s %63s as %63s", name, verb, addr, as) < 3) {
		scene_fail("peer NAME connects|accepts ADDRESS [as IP]");
	}
	scene_settle();
	fd = strcmp(verb, "connects") == 0 ? fake_net_connect(addr, as) : fake_net_accepted(addr);
	if (fd < 0) {
		scene_fail("%s: nobody %s at %s", name, verb[0] == 'c' ? "listens" : "connects",
		           addr);
	}
	peer_make(name, fd);
	scene_settle();
}

/* `target IP:PORT accepts|refuses|silent` */
static void do_target(char *rest)
{
	static const struct {
		const char *word;
		enum fake_answer answer;
	} answers[] = { { "accepts", FAKE_ACCEPTS },
		        { "refuses", FAKE_REFUSES },
		        { "silent", FAKE_SILENT } };
	char addr[64], word[16];

	if (sscanf(rest, "%63s %15s", addr, word) == 2) {
		for (size_t i = 0; i < FW_COUNT(answers); i++) {
			if (strcmp(word, answers[i].word) == 0) {
				fake_net_target(addr, answers[i].answer);
				return;
			}
		}
	}
	scene_fail("target ADDRESS accepts|refuses|silent");
}

/* `advance 30s`, `advance 500ms` */
static void do_advance(char *rest)
{
	char *unit;
	unsigned long number = strtoul(rest, &unit, 10);

	if (strcmp(unit, "s") != 0 && strcmp(unit, "ms") != 0) {
		scene_fail("advance NUMBER s or ms");
	}
	scene_settle();
	fake_loop_advance(scene.loop, strcmp(unit, "s") == 0 ? number * 1000 : number);
	scene_settle();
}

static void do_expect(char *rest)
{
	char word[64], name[64];
	unsigned long want;

	scene_settle();
	if (strncmp(rest, "log ", 4) == 0) {
		char text[LINE_SIZE];
		expand(rest + 4, text, sizeof(text));
		if (scene.log == NULL || strstr(scene.log, text) == NULL) {
			scene_fail("the log does not say '%s'", text);
		}
		return;
	}
	if (sscanf(rest, "%63s %63s %lu", word, name, &want) != 3) {
		scene_fail("expect log TEXT | exit NAME COUNT | cause NAME COUNT");
	}
	scene_expect_count(word, name, want);
}

/* `send STANZA` from the scene's own component, `got TEXT` at it, `never got TEXT` */
static void do_send(char *rest)
{
	char text[LINE_SIZE];

	expand(rest, text, sizeof(text));
	scene_component_sends(text);
	scene_settle();
}

static void do_got(char *rest)
{
	char text[LINE_SIZE];

	expand(rest, text, sizeof(text));
	scene_settle();
	scene_component_expects(text);
}

/* `not got TEXT` */
static void do_not(char *rest)
{
	char text[LINE_SIZE];

	expand(strncmp(rest, "got ", 4) == 0 ? rest + 4 : rest, text, sizeof(text));
	scene_settle();
	if (scene.got != NULL && strstr(scene.got, text) != NULL) {
		scene_fail("the component must not get '%s', but got: %s", text, scene.got);
	}
}

static const struct {
	const char *word;
	void (*run)(char *rest);
} commands[] = {
	{ "peer", do_peer },     { "target", do_target }, { "advance", do_advance },
	{ "expect", do_expect }, { "send", do_send },     { "got", do_got },
	{ "not", do_not },
};

static void run_line(char *line)
{
	char *rest = strchr(line, ' ');
	struct peer *peer;
	char *verb;

	if (rest != NULL) {
		*rest++ = '\0';
	} else {
		rest = line + strlen(line);
	}
	for (size_t i = 0; i < FW_COUNT(commands); i++) {
		if (strcmp(line, commands[i].word) == 0) {
			commands[i].run(rest);
			return;
		}
	}
	peer = peer_find(line);
	if (peer == NULL) {
		scene_fail("no command and no peer: %s", line);
	}
	verb = rest;
	rest = strchr(verb, ' ');
	if (rest != NULL) {
		*rest++ = '\0';
	} else {
		rest = verb + strlen(verb);
	}
	if (!peer_does(peer, verb, rest)) {
		scene_fail("a peer cannot do that: %s", verb);
	}
}

/* `config` or `reload`, then lines up to `end`. */
static void run_block(FILE *file, const char *word)
{
	char text[16384] = "", expanded[16384], line[LINE_SIZE];
	size_t len = 0;

	while (fgets(line, sizeof(line), file) != NULL && strcmp(line, "end\n") != 0) {
		scene.line++;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", line);
		if (len >= sizeof(text)) {
			scene_fail("configuration too long");
		}
	}
	scene.line++;
	expand(text, expanded, sizeof(expanded));
	if (strcmp(word, "config") == 0) {
		scene_start(expanded);
	} else {
		scene_reload(expanded);
	}
}

/* Variables that every script has: files, and a text longer than a socket's share of memory. */
static void set_variables(void)
{
	static char words[8001];
	char control[64];

	snprintf(control, sizeof(control), "/tmp/fw-scenario-%ld.sock", (long)getpid());
	scene_set("control", control, strlen(control));
	memset(words, 'x', sizeof(words) - 1);
	scene_set("long", words, sizeof(words) - 1);
	scene_set("certificate", TEST_CERTS "/a.pem", strlen(TEST_CERTS "/a.pem"));
	scene_set("key_file", TEST_CERTS "/a.key", strlen(TEST_CERTS "/a.key"));
}

static void run_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[LINE_SIZE];

	scene_open(path);
	set_variables();
	if (file == NULL) {
		scene_fail("cannot be read");
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		scene.line++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#') {
			continue;
		}
		if (strcmp(line, "config") == 0 || strcmp(line, "reload") == 0) {
			run_block(file, line);
		} else {
			run_line(line);
		}
	}
	fclose(file);
	for (size_t i = 0; i < scene.peer_count; i++) {
		if (scene.peers[i].fd >= 0) {
			close(scene.peers[i].fd);
		}
		free(scene.peers[i].got);
	}
	scene.peer_count = 0;
	scene_close();
}

struct scene *scene_current(void)
{
	return &scene;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		run_file(argv[i]);
	}
	printf("%d scenarios played\n", argc - 1);
	return argc > 1 ? 0 : 1;
}
