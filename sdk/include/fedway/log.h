/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Logging in the XCP manner. A line is
 *
 *   2026-11-21T09:25:02.123Z cm-1_s2scp-1[4711]: Level="INFO " CodeLocation="stream.in" Detail="…"
 *
 * A logger is a name (the CodeLocation) whose level can be changed while the program runs; a context
 * (struct fw_log) adds who is speaking: the component's ID, then a session. Never bodies, never
 * secrets; text of peers only through fw_quote().
 */
#ifndef FEDWAY_LOG_H
#define FEDWAY_LOG_H

#include <stdbool.h>

#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

enum fw_level {
	FW_LOG_ERROR,   /**< an operator must act */
	FW_LOG_WARNING, /**< service is worse than it should be */
	FW_LOG_NOTICE,  /**< life cycle */
	FW_LOG_INFO,    /**< one line per connection, phase and dialback element */
	FW_LOG_DEBUG,   /**< per stanza */
	FW_LOG_LEVEL_COUNT
};

struct fw_log;

/** A logger, usually a static object at the top of a file: `static struct fw_logger stream_in = FW_LOGGER("stream.in");` */
struct fw_logger {
	const char *name;
	enum fw_level level;
	bool registered;
	struct fw_logger *next;
};
/** Starts above all levels, so that the first line finds its way to the registration; info from then on. */
#define FW_LOGGER(logger_name) { (logger_name), FW_LOG_LEVEL_COUNT, false, NULL }

/**
 * Context of a speaker. The text `who` is formatted once; lines of the child carry the parent's words first.
 * @param parent  context to extend; NULL for the root of the process
 * @return FW_OK, FW_ENOMEM [g]
 */
FW_API int fw_log_child(const struct fw_log *parent, struct fw_log **out, const char *who, ...) FW_PRINTF(3, 4);
FW_API void fw_log_free(struct fw_log **log);

/** True when a line of this level would be written; for lines that are costly to compose. */
FW_API bool fw_log_on(struct fw_logger *logger, enum fw_level level);

/** Writes one line. `log` may be NULL. Lower case, no full stop, then key=value; a bare " is written as '. */
FW_API void fw_log(const struct fw_log *log, struct fw_logger *logger, enum fw_level level, const char *format, ...)
	FW_PRINTF(4, 5);

/** The same for what an operator follows as an event: the line also says Module="…" Event="…", for event logs. */
FW_API void fw_log_event(const struct fw_log *log, struct fw_logger *logger, enum fw_level level, const char *module,
                         const char *event, const char *format, ...) FW_PRINTF(6, 7);

/** One member of a line: name="text". */
struct fw_log_field {
	const char *name;
	struct fw_str text; /**< a peer's, too: it is quoted; cut at 512 bytes */
};
/**
 * The same as members, for lines whose names and order others read: behind time and speaker
 * Module="…" Level="INFO" and then the fields. The context's session is not written.
 * @param module  also the name under which the level is set: give the logger the same
 */
FW_API void fw_log_fields(const struct fw_log *log, struct fw_logger *logger, enum fw_level level, const char *module,
                          const struct fw_log_field *fields, size_t count);

/**
 * Sets the level of a logger by name, now and for loggers that appear later; a name that ends in "*" sets all
 * that begin so; "*" sets the default.
 * @return number of loggers known now that changed
 */
FW_API int fw_log_set_level(struct fw_str logger_name, enum fw_level level);
/** "error" … "debug". @return FW_OK or FW_EINVAL */
FW_API int fw_log_level_parse(struct fw_str text, enum fw_level *out);
FW_API const char *fw_log_level_name(enum fw_level level);
/** Known loggers: first with NULL, then each after the one before; NULL at the end. */
FW_API const struct fw_logger *fw_log_next(const struct fw_logger *logger);

/** Where lines go. The default is standard error. Program only, not for components. */
struct fw_log_sink {
	void (*write)(void *ctx, enum fw_level level, const char *line, size_t len); /**< line ends in \n */
	void *ctx;
};
FW_API void fw_log_set_sink(const struct fw_log_sink *sink);
/** Opens (again) a file for appending and makes it the sink; "-" is standard error. @return FW_OK or FW_ESYS */
FW_API int fw_log_open(const char *path, struct fw_error *err);

FW_END_DECLS

#endif
