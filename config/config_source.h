/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One text out of a configuration file and all it includes, which remembers where each line came from, and
 * is harmless to the library that parses it. Called by config_file.c; it knows no grammar beyond tokens.
 */
#ifndef FEDWAY_CONFIG_CONFIG_SOURCE_H
#define FEDWAY_CONFIG_CONFIG_SOURCE_H

#include "config/config.h"

struct config_place {
	const char *file;
	int line;
};

struct config_source_chain;

struct config_source {
	void **memory;              /**< the owner's arena, for names of files */
	char *text;                 /**< terminated; no include is left in it */
	char *shown;                /**< same length; for messages: '\1' inside of strings, '\2' not to be shown */
	size_t len, room;
	struct config_place *lines; /**< of each line of `text` */
	size_t line_count, line_room;
	size_t file_count;
	struct config_problems *problems;
	/* while scanning */
	const struct config_source_chain *chain; /**< files being read, innermost first */
	size_t depth;               /**< open brackets */
	struct {
		char bracket;
		struct config_place place;
	} open[32];
};

/** Names the text of config_load_text() in messages. */
#define CONFIG_TEXT_NAME "<text>"

/**
 * Reads `path` (or `text`, when it is not NULL) with its includes.
 * @return FW_OK; otherwise the problems say why. config_source_free() in either case
 */
int config_source_read(struct config_source *source, const char *path, const char *text);
/** Where line `line` (from 1) of the text came from; lines past the end give the last. */
struct config_place config_source_place(const struct config_source *source, int line);
/** The words of that line without the insides of strings, for a message. @return `out` */
const char *config_source_near(const struct config_source *source, int line, char *out, size_t out_size);
void config_source_free(struct config_source *source);

/** config_scan.c: adds the lines of one file. Includes go back to config_source_include(). */
int config_scan(struct config_source *source, const char *file, const char *text, size_t len);
int config_source_include(struct config_source *source, struct config_place place, const char *path, size_t len);
/** Adds bytes; `shown` is what messages may show of them. */
int config_source_add(struct config_source *source, const char *bytes, size_t len, char shown);
/** Says that a line of the text begins here. */
int config_source_line(struct config_source *source, struct config_place place);

#endif
