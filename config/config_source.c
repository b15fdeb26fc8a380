/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads configuration files and joins them: an include is looked for in the folder of the file that
 * includes, may not include itself, and keeps its own file:line. Called by config_file.c. What a
 * line may hold is config_scan.c's business.
 */
#include "config/config_source.h"

#include <stdlib.h>

#include <fedway/io/file.h>

#include "config/config_memory.h"

#define SOURCE_BYTES_MAX (8u << 20)
#define SOURCE_FILES_MAX 256u
#define SOURCE_NESTING_MAX 16u

struct config_source_chain {
	const struct config_source_chain *outer;
	dev_t device;
	ino_t inode;
	unsigned nesting;
};

static int source_grow(struct config_source *source, size_t more)
{
	size_t room = source->room > 0 ? source->room : 4096;

	if (more > SOURCE_BYTES_MAX || source->len + more + 1 > SOURCE_BYTES_MAX) {
		config_problem(source->problems, NULL, 0,
		               "the configuration is larger than %u bytes", SOURCE_BYTES_MAX);
		return FW_ELIMIT;
	}
	while (room < source->len + more + 1) {
		room *= 2;
	}
	if (room > source->room) {
		char *text = calloc(2, room);
		if (text == NULL) {
			return FW_ENOMEM;
		}
		if (source->text != NULL) {
			memcpy(text, source->text, source->len);
			memcpy(text + room, source->shown, source->len);
			explicit_bzero(source->text, source->room * 2);
			free(source->text);
		}
		source->text = text;
		source->shown = text + room;
		source->room = room;
	}
	return FW_OK;
}

int config_source_add(struct config_source *source, const char *bytes, size_t len, char shown)
{
	int ret = source_grow(source, len);

	if (ret != FW_OK) {
		return ret;
	}
	memcpy(source->text + source->len, bytes, len);
	if (shown == '\0') {
		memcpy(source->shown + source->len, bytes, len);
	} else {
		memset(source->shown + source->len, shown, len);
	}
	source->len += len;
	return FW_OK;
}

int config_source_line(struct config_source *source, struct config_place place)
{
	if (source->line_count == source->line_room) {
		size_t room = source->line_room > 0 ? source->line_room * 2 : 256;
		struct config_place *lines = realloc(source->lines, room * sizeof(*lines));
		if (lines == NULL) {
			return FW_ENOMEM;
		}
		source->lines = lines;
		source->line_room = room;
	}
	source->lines[source->line_count++] = place;
	return FW_OK;
}

/* Scans one file in the chain of those being read. */
static int source_scan_file(struct config_source *source, struct config_place place,
                            const char *path)
{
	struct config_source_chain link = { .outer = source->chain };
	struct fw_file bytes = { 0 };
	struct fw_error err = { 0 };
	int ret = fw_file_read(path, SOURCE_BYTES_MAX, &bytes, &err);

	if (ret != FW_OK) {
		config_problem(source->problems, place.file, place.line, "%s", err.text);
		goto done;
	}
	link.device = bytes.device;
	link.inode = bytes.inode;
	link.nesting = link.outer != NULL ? link.outer->nesting + 1 : 1;
	for (const struct config_source_chain *c = link.outer; c != NULL; c = c->outer) {
		if (c->device == link.device && c->inode == link.inode) {
			config_problem(source->problems, place.file, place.line,
			               "'%s' includes itself", path);
			ret = FW_EINVAL;
			goto done;
		}
	}
	if (link.nesting > SOURCE_NESTING_MAX || ++source->file_count > SOURCE_FILES_MAX) {
		config_problem(source->problems, place.file, place.line,
		               "too many includes: at most %u files, %u deep", SOURCE_FILES_MAX,
		               SOURCE_NESTING_MAX);
		ret = FW_ELIMIT;
		goto done;
	}
	source->chain = &link;
	ret = config_scan(source, path, bytes.text, bytes.len);
	source->chain = link.outer;
done:
	fw_file_free(&bytes);
	return ret;
}

int config_source_include(struct config_source *source, struct config_place place, const char *path,
                          size_t len)
{
	char *name = config_memory_text(source->memory, path, len);
	char *joined = name != NULL ? config_memory_path(source->memory, place.file, name) : NULL;

	return joined != NULL ? source_scan_file(source, place, joined) : FW_ENOMEM;
}

int config_source_read(struct config_source *source, const char *path, const char *text)
{
	struct config_place nowhere = { NULL, 0 };
	char *name = config_memory_text(source->memory, text != NULL ? CONFIG_TEXT_NAME : path,
	                                strlen(text != NULL ? CONFIG_TEXT_NAME : path));
	int ret;

	if (name == NULL) {
		ret = FW_ENOMEM;
	} else if (text != NULL) {
		ret = config_scan(source, name, text, strlen(text));
	} else {
		ret = source_scan_file(source, nowhere, name);
	}
	/* an empty configuration is a text too */
	ret = ret == FW_OK ? source_grow(source, 0) : ret;
	if (ret == FW_OK) {
		source->text[source->len] = '\0';
		source->shown[source->len] = '\0';
	}
	return ret;
}

struct config_place config_source_place(const struct config_source *source, int line)
{
	struct config_place nowhere = { CONFIG_TEXT_NAME, 0 };
	size_t at = line > 0 ? (size_t)line - 1 : 0;

	if (source->line_count == 0) {
		return nowhere;
	}
	return source->lines[at < source->line_count ? at : source->line_count - 1];
}

const char *config_source_near(const struct config_source *source, int line, char *out,
                               size_t out_size)
{
	const char *at = source->shown;
	const char *end;
	size_t used = 0;

	for (int i = 1; i < line && strchr(at, '\n') != NULL; i++) {
		at = strchr(at, '\n') + 1;
	}
	end = at + strcspn(at, "\n");
	while (at < end && (*at == ' ' || *at == '\t')) {
		at++;
	}
	while (end > at && (end[-1] == ' ' || end[-1] == '\t')) {
		end--;
	}
	for (; at < end && used + 4 < out_size; at++) {
		if (used + 8 >= out_size && ((unsigned char)*at & 0xc0) != 0x80) {
			break; /* between two characters */
		}
		if (*at == '\1' && at[1] != '\1') { /* the end of a string's inside */
			memcpy(out + used, "…", 3);
			used += 3;
		} else if (*at != '\1' && *at != '\2') {
			out[used++] = *at;
		}
	}
	if (at < end) {
		memcpy(out + used, "…", 3);
		used += 3;
	}
	out[used] = '\0';
	return out;
}

void config_source_free(struct config_source *source)
{
	if (source->text != NULL) {
		explicit_bzero(source->text, source->room * 2);
	}
	free(source->text);
	free(source->lines);
	source->text = NULL;
	source->shown = NULL;
	source->lines = NULL;
}
