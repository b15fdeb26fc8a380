/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Option rows. A component describes each option by one row of a table; the host fills the component's struct
 * from it, checks ranges, and prints the same row in `fedwayd --options` and in the man page. The key in the
 * file is the member's name, with its unit in the name (`idle_timeout_s`, `stanza_max_bytes`).
 */
#ifndef FEDWAY_CONFIG_H
#define FEDWAY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <fedway/abi.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

enum fw_option_type {
	FW_OPTION_BOOL,   /**< bool */
	FW_OPTION_U16,    /**< uint16_t */
	FW_OPTION_U32,    /**< uint32_t */
	FW_OPTION_U64,    /**< uint64_t */
	FW_OPTION_STRING, /**< const char *; "" when the default is "". Named `<name>_file` or `directory` it is a path: one
	                       that is relative arrives with the folder of the configuration file in front */
	FW_OPTION_CHOICE, /**< int; the value of one of `choices` */
	FW_OPTION_SECRET, /**< struct fw_secret; the file holds a path in `<name>_file`, or the text */
	FW_OPTION_STRINGS,/**< struct fw_strings */
	FW_OPTION_ROWS,   /**< struct fw_rows; a list of groups, each described by `rows` */
};

/** A secret: never printed. Bytes of the file without one final line end. */
struct fw_secret {
	const char *bytes; /**< terminated; NULL when not given */
	size_t len;
	const char *file;  /**< path as given, or NULL when the text was in the configuration */
};

struct fw_strings {
	const char *const *items;
	size_t count;
};

/** A list of groups: `items` points to `count` structs of the size named in the option row. */
struct fw_rows {
	void *items;
	size_t count;
};

/** One word of a choice; the table ends with a NULL word. */
struct fw_choice {
	const char *word;
	int value;
	const char *help;
};

struct fw_option {
	const char *name;          /**< NULL ends the table */
	enum fw_option_type type;
	size_t offset;
	const char *default_text;  /**< in the syntax of the file; NULL: must be given. Lists: "" is the empty list,
	                                "a, b" a list of strings */
	uint64_t min, max;         /**< numbers: range, when max > 0; strings and lists: length or count, when max > 0 */
	const struct fw_choice *choices;
	const struct fw_option *rows; /**< FW_OPTION_ROWS: the options of one group */
	size_t row_size;
	const char *unit;          /**< "ms", "s", "bytes", … or NULL */
	const char *help;          /**< one sentence without full stop */
	int (*check)(const char *text, struct fw_str name, char *why, size_t why_size); /**< strings: 0, or fills why */
};

/* The type of a row is taken from the member, so that no row can disagree with its field. */
#define FW_OPTION_TYPE_OF(type, member) \
	_Generic(((type *)0)->member, \
	         bool: FW_OPTION_BOOL, \
	         uint16_t: FW_OPTION_U16, \
	         uint32_t: FW_OPTION_U32, \
	         uint64_t: FW_OPTION_U64, \
	         const char *: FW_OPTION_STRING, \
	         int: FW_OPTION_CHOICE, \
	         struct fw_secret: FW_OPTION_SECRET, \
	         struct fw_strings: FW_OPTION_STRINGS, \
	         struct fw_rows: FW_OPTION_ROWS)

/**
 * One row, e.g. `FW_OPT(struct s2s_config, idle_timeout_s, "600", .min = 1, .max = 86400, .unit = "s", .help = "…")`.
 * A choice needs `.choices`, a list of groups `.rows` and `.row_size`.
 */
#define FW_OPT(struct_type, member, default_value, ...) \
	{ .name = #member, .type = FW_OPTION_TYPE_OF(struct_type, member), \
	  .offset = offsetof(struct_type, member), .default_text = (default_value), __VA_ARGS__ }
#define FW_OPT_END { .name = NULL }

FW_END_DECLS

#endif
