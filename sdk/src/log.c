/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Log lines in the XCP manner: who speaks, from where in the code, how loud, and what. Called by
 * every room. Levels belong to loggers and can be changed at any time, also for loggers that have
 * not spoken yet. A logger registers with its first line and is never taken out: modules stay
 * loaded for that reason.
 */
#include <fedway/log.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <fedway/hosting.h>

enum { LOG_LINE_MAX = 4096, LOG_FIELD_MAX = 512 };

/* Who speaks (the words of the root) and, after a space, the words that each child added. */
struct fw_log {
	size_t speaker_len;
	size_t len;
	char text[];
};

/* A level that was set for a name or, with a wildcard, for all names that begin so. */
struct log_rule {
	struct log_rule *next;
	enum fw_level level;
	bool wild;
	size_t len;
	char name[];
};

static void log_write_fd(void *ctx, enum fw_level level, const char *line, size_t len);

static struct fw_logger *log_loggers; /* in order of registration */
static struct fw_logger **log_loggers_end = &log_loggers;
static struct log_rule *log_rules; /* newest first: the first that matches decides */
static int log_fd = STDERR_FILENO;
static bool log_marks; /* the journal reads: it wants to know how loud a line is */
static struct fw_log_sink log_sink = { log_write_fd, NULL };

static const struct {
	const char *name; /* in commands and configuration */
	const char *tag;  /* in lines */
	const char *mark; /* before lines for the journal: sd-daemon(3) */
} log_levels[FW_LOG_LEVEL_COUNT] = {
	[FW_LOG_ERROR] = { "error", "ERROR", "<3>" },
	[FW_LOG_WARNING] = { "warning", "WARN ", "<4>" },
	[FW_LOG_NOTICE] = { "notice", "NOTE ", "<5>" },
	[FW_LOG_INFO] = { "info", "INFO ", "<6>" },
	[FW_LOG_DEBUG] = { "debug", "DEBUG", "<7>" },
};

/* ---- contexts ---- */

int fw_log_child(const struct fw_log *parent, struct fw_log **out, const char *who, ...)
{
	size_t before = parent != NULL ? parent->len + 1 : 0;
	va_list args;

	va_start(args, who);
	int len = vsnprintf(NULL, 0, who, args);
	va_end(args);
	if (len < 0) {
		return FW_ENOMEM;
	}
	struct fw_log *log = malloc(sizeof(*log) + before + (size_t)len + 1);
	if (log == NULL) {
		return FW_ENOMEM;
	}
	if (parent != NULL) {
		memcpy(log->text, parent->text, parent->len);
		log->text[parent->len] = ' ';
	}
	va_start(args, who);
	vsnprintf(log->text + before, (size_t)len + 1, who, args);
	va_end(args);
	log->len = before + (size_t)len;
	log->speaker_len = parent != NULL ? parent->speaker_len : log->len;
	*out = log;
	return FW_OK;
}

void fw_log_free(struct fw_log **log)
{
	if (log == NULL) {
		return;
	}
	free(*log);
	*log = NULL;
}

/* ---- levels ---- */

static bool log_rule_covers(const struct log_rule *rule, const char *name, size_t len)
{
	return (rule->wild ? len >= rule->len : len == rule->len) &&
	       memcmp(name, rule->name, rule->len) == 0;
}

static enum fw_level log_level_for(const char *name)
{
	for (const struct log_rule *rule = log_rules; rule != NULL; rule = rule->next) {
		if (log_rule_covers(rule, name, strlen(name))) {
			return rule->level;
		}
	}
	return FW_LOG_INFO;
}

/* Removes the rules that a new one makes void, so that the list stays as long as what it says. */
static void log_forget_covered(const struct log_rule *newer)
{
	struct log_rule **link = &log_rules;

	while (*link != NULL) {
		struct log_rule *rule = *link;
		if ((newer->wild || !rule->wild) && log_rule_covers(newer, rule->name, rule->len)) {
			*link = rule->next;
			free(rule);
		} else {
			link = &rule->next;
		}
	}
}

int fw_log_set_level(struct fw_str logger_name, enum fw_level level)
{
	int changed = 0;
	bool wild = logger_name.len > 0 && logger_name.ptr[logger_name.len - 1] == '*';
	size_t len = logger_name.len - (wild ? 1 : 0);

	if ((unsigned)level >= FW_LOG_LEVEL_COUNT || logger_name.len == 0) {
		return FW_EINVAL;
	}
	struct log_rule *rule = malloc(sizeof(*rule) + len + 1);
	if (rule == NULL) {
		return FW_ENOMEM;
	}
	rule->level = level;
	rule->wild = wild;
	rule->len = len;
	memcpy(rule->name, logger_name.ptr, len);
	log_forget_covered(rule);
	rule->next = log_rules;
	log_rules = rule;
	for (struct fw_logger *logger = log_loggers; logger != NULL; logger = logger->next) {
		if (logger->level != level &&
		    log_rule_covers(rule, logger->name, strlen(logger->name))) {
			logger->level = level;
			changed++;
		}
	}
	return changed;
}

static void log_register(struct fw_logger *logger)
{
	logger->registered = true;
	logger->level = log_level_for(logger->name);
	logger->next = NULL;
	*log_loggers_end = logger;
	log_loggers_end = &logger->next;
}

void fw_log_forget(const void *symbol)
{
	struct fw_logger **link = &log_loggers;
	Dl_info module;
	Dl_info its;

	if (dladdr(symbol, &module) == 0) {
		return;
	}
	while (*link != NULL) {
		struct fw_logger *logger = *link;
		if (dladdr(logger, &its) != 0 && its.dli_fbase == module.dli_fbase) {
			*link = logger->next;
			logger->registered = false;
			logger->level = FW_LOG_LEVEL_COUNT;
		} else {
			link = &logger->next;
		}
	}
	log_loggers_end = link;
}

/* An unregistered logger stands above all levels, so one comparison settles the common case. */
static inline bool log_is_on(struct fw_logger *logger, enum fw_level level)
{
	if (level > logger->level) {
		return false;
	}
	if (!logger->registered) {
		log_register(logger);
	}
	return level <= logger->level;
}

bool fw_log_on(struct fw_logger *logger, enum fw_level level)
{
	return log_is_on(logger, level);
}

int fw_log_level_parse(struct fw_str text, enum fw_level *out)
{
	for (int i = 0; i < FW_LOG_LEVEL_COUNT; i++) {
		if (fw_str_is(text, log_levels[i].name)) {
			*out = (enum fw_level)i;
			return FW_OK;
		}
	}
	return FW_EINVAL;
}

const char *fw_log_level_name(enum fw_level level)
{
	return (unsigned)level < FW_LOG_LEVEL_COUNT ? log_levels[level].name : "unknown";
}

const struct fw_logger *fw_log_next(const struct fw_logger *logger)
{
	return logger == NULL ? log_loggers : logger->next;
}

/* ---- lines ---- */

/* Appends formatted text; what does not fit is cut. */
static FW_PRINTF(3, 0) void log_append_va(char *line, size_t *used, const char *format,
                                          va_list args)
{
	int len = vsnprintf(line + *used, LOG_LINE_MAX - *used, format, args);

	if (len > 0) {
		size_t room = LOG_LINE_MAX - *used - 1;
		*used += (size_t)len < room ? (size_t)len : room;
	}
}

static FW_PRINTF(3, 4) void log_append(char *line, size_t *used, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_append_va(line, used, format, args);
	va_end(args);
}

/* No line may look like two, and the detail ends at its quote, whatever a caller passed without
 * fw_quote(). What fw_quote() escaped stays as it is. */
static void log_flatten(char *text, size_t len)
{
	bool escaped = false;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			text[i] = ' ';
		} else if (text[i] == '"' && !escaped) {
			text[i] = '\'';
		}
		escaped = text[i] == '\\' && !escaped;
	}
}

/* Time and speaker: `2026-11-21T09:25:02.123Z cm-1_s2scp-1[4711]: `. */
static void log_put_head(const struct fw_log *log, char *line, size_t *used)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm) != NULL) {
		*used = strftime(line, LOG_LINE_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	}
	log_append(line, used, ".%03ldZ ", now.tv_nsec / 1000000);
	if (log != NULL) {
		log_append(line, used, "%.*s", (int)log->speaker_len, log->text);
	} else {
		log_append(line, used, "%s", program_invocation_short_name);
	}
	log_flatten(line, *used);
	log_append(line, used, "[%ld]: ", (long)getpid());
}

/* @param event  Module="…" Event="…" and a space, or "" */
static FW_PRINTF(5, 0) void log_line(const struct fw_log *log, const struct fw_logger *logger,
                                     enum fw_level level, const char *event, const char *format,
                                     va_list args)
{
	static const char cut[] = "\xe2\x80\xa6"; /* … */
	static const char tail[] = "\"\n";
	char line[LOG_LINE_MAX + sizeof(cut) + sizeof(tail)];
	size_t used = 0;

	log_put_head(log, line, &used);
	log_append(line, &used, "Level=\"%s\" CodeLocation=\"%s\" %sDetail=\"",
	           log_levels[level].tag, logger->name, event);
	size_t detail = used;
	if (log != NULL && log->len > log->speaker_len) {
		log_append(line, &used, "%s ", log->text + log->speaker_len + 1);
	}
	log_append_va(line, &used, format, args);
	log_flatten(line + detail, used - detail);
	if (used == LOG_LINE_MAX - 1) {
		memcpy(line + used, cut, sizeof(cut) - 1);
		used += sizeof(cut) - 1;
	}
	memcpy(line + used, tail, sizeof(tail));
	used += sizeof(tail) - 1;
	log_sink.write(log_sink.ctx, level, line, used);
}

void fw_log(const struct fw_log *log, struct fw_logger *logger, enum fw_level level,
            const char *format, ...)
{
	va_list args;

	if (!log_is_on(logger, level)) {
		return;
	}
	va_start(args, format);
	log_line(log, logger, level, "", format, args);
	va_end(args);
}

void fw_log_event(const struct fw_log *log, struct fw_logger *logger, enum fw_level level,
                  const char *module, const char *event, const char *format, ...)
{
	char words[128];
	va_list args;

	if (!log_is_on(logger, level)) {
		return;
	}
	(void)snprintf(words, sizeof(words), "Module=\"%s\" Event=\"%s\" ", module, event);
	va_start(args, format);
	log_line(log, logger, level, words, format, args);
	va_end(args);
}

void fw_log_fields(const struct fw_log *log, struct fw_logger *logger, enum fw_level level,
                   const char *module, const struct fw_log_field *fields, size_t count)
{
	char line[LOG_LINE_MAX + 1];
	size_t used = 0;

	if (!log_is_on(logger, level)) {
		return;
	}
	log_put_head(log, line, &used);
	log_append(line, &used, "Module=\"%s\" Level=\"%.*s\"", module,
	           (int)strcspn(log_levels[level].tag, " "), log_levels[level].tag);
	for (size_t i = 0; i < count; i++) {
		char text[LOG_FIELD_MAX];
		log_append(line, &used, " %s=\"%s\"", fields[i].name,
		           fw_quote(fields[i].text, text, sizeof(text)));
	}
	line[used++] = '\n';
	log_sink.write(log_sink.ctx, level, line, used);
}

/* ---- sinks ---- */

static void log_write_fd(void *ctx, enum fw_level level, const char *line, size_t len)
{
	const char *mark = log_marks ? log_levels[level].mark : "";
	struct iovec parts[] = { { (char *)mark, strlen(mark) }, { (char *)line, len } };
	size_t at = 0;
	int saved = errno;

	(void)ctx;
	while (at < FW_COUNT(parts)) {
		ssize_t written = writev(log_fd, parts + at, (int)(FW_COUNT(parts) - at));
		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written <= 0) {
			break; /* a full disk must not stop the router */
		}
		while (at < FW_COUNT(parts) && (size_t)written >= parts[at].iov_len) {
			written -= (ssize_t)parts[at++].iov_len;
		}
		if (at < FW_COUNT(parts)) {
			parts[at].iov_base = (char *)parts[at].iov_base + written;
			parts[at].iov_len -= (size_t)written;
		}
	}
	errno = saved;
}

void fw_log_set_sink(const struct fw_log_sink *sink)
{
	static const struct fw_log_sink by_default = { log_write_fd, NULL };

	log_sink = sink != NULL ? *sink : by_default;
}

/* systemd.exec(5): $JOURNAL_STREAM names device and inode of what it gave us as standard error. */
static bool log_is_journal(int fd)
{
	const char *told = getenv("JOURNAL_STREAM");
	struct stat file;
	char name[64];

	if (told == NULL || fstat(fd, &file) != 0) {
		return false;
	}
	(void)snprintf(name, sizeof(name), "%llu:%llu", (unsigned long long)file.st_dev,
	               (unsigned long long)file.st_ino);
	return strcmp(told, name) == 0;
}

int fw_log_open(const char *path, struct fw_error *err)
{
	int fd = STDERR_FILENO;

	if (strcmp(path, "-") != 0) {
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
		if (fd < 0) {
			return fw_error_set(err, FW_ESYS, "cannot open log file %s: %s", path,
			                    strerror(errno));
		}
	}
	if (log_fd != STDERR_FILENO) {
		close(log_fd);
	}
	log_fd = fd;
	log_marks = fd == STDERR_FILENO && log_is_journal(fd);
	fw_log_set_sink(NULL);
	return FW_OK;
}
