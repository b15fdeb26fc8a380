/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Traces as an operator sees them: begun, listed and ended by command, each with an end of its own
 * by time and by size, each in a file of its own in the one folder that is meant for them. Which
 * bytes there are is s2s_tap.c; how they are blotted out trace_cut.c.
 */
#include "components/s2s/s2s_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "components/s2s/trace_pcapng.h"

static struct fw_logger trace_logger = FW_LOGGER("s2s.trace");

enum trace_format { TRACE_TEXT, TRACE_JSON, TRACE_PCAPNG };

static const char *const format_words[] = { "text", "json", "pcapng" };

struct s2s_trace {
	struct s2s_trace *next;
	struct s2s_traces *traces;
	uint64_t id;
	char remote[FW_DOMAIN_SIZE];
	char file[TRACE_NAME_MAX + 1];
	enum trace_format format;
	bool bodies;
	int fd;          /* -1: it has ended */
	const char *why; /* it has ended; NULL: it runs */
	struct fw_timer *timer;
	uint64_t until_ms, ended_ms;
	uint64_t max_bytes, bytes, units;
};

/* ---- the end ---- */

static void trace_end(struct s2s_trace *trace, const char *why)
{
	struct s2s *s2s = trace->traces->s2s;

	if (trace->fd < 0) {
		return;
	}
	(void)close(trace->fd);
	trace->fd = -1;
	trace->why = why;
	trace->ended_ms = fw_now_ms(s2s->loop);
	fw_timer_free(&trace->timer);
	if (--trace->traces->active == 0) {
		fw_defer(s2s->loop, &trace->traces->settle);
	}
	fw_log(fw_self_log(s2s->self), &trace_logger, FW_LOG_NOTICE,
	       "trace ended id=%llu remote=%s file=%s why=%s units=%llu bytes=%llu",
	       (unsigned long long)trace->id, trace->remote, trace->file, why,
	       (unsigned long long)trace->units, (unsigned long long)trace->bytes);
}

static void traces_settle(void *ctx)
{
	const struct s2s_traces *traces = ctx;

	s2s_tap_all(traces->s2s);
}

static void trace_expired(void *ctx)
{
	trace_end(ctx, "time is up");
}

void s2s_traces_free(struct s2s_traces **at)
{
	struct s2s_traces *traces = *at;

	if (traces == NULL) {
		return;
	}
	while (traces->list != NULL) {
		struct s2s_trace *trace = traces->list;
		trace_end(trace, "stopped");
		traces->list = trace->next;
		free(trace);
	}
	fw_defer_cancel(&traces->settle);
	free(traces);
	*at = NULL;
}

/* ---- writing ---- */

static void trace_put(struct s2s_trace *trace, const char *bytes, size_t size)
{
	if (trace->bytes + size > trace->max_bytes) {
		trace_end(trace, "max_bytes reached");
		return;
	}
	while (size > 0) {
		ssize_t done = write(trace->fd, bytes, size);
		if (done <= 0) {
			if (done < 0 && errno == EINTR) {
				continue;
			}
			trace_end(trace, "the file cannot be written");
			return;
		}
		trace->bytes += (uint64_t)done;
		bytes += done;
		size -= (size_t)done;
	}
}

static void time_text(uint64_t time_us, char out[40])
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm parts;
	size_t used = 0;

	if (gmtime_r(&seconds, &parts) != NULL) {
		used = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &parts);
	}
	(void)snprintf(out + used, 40 - used, ".%06uZ", (unsigned)(time_us % 1000000));
}

/* A line of facts, then the unit as it is; what would move a terminal's cursor becomes "?". */
static void write_text(struct s2s_trace *trace, const struct trace_unit *unit, struct fw_str bytes)
{
	char when[40], address[FW_ADDR_TEXT_SIZE], head[512];
	char *text = malloc(bytes.len + sizeof(head) + 2);

	if (text == NULL) {
		return;
	}
	time_text(unit->time_us, when);
	int len = snprintf(head, sizeof(head), "# %s %s %s %s %s %s\n", when,
	                   unit->sent ? "OUT" : "IN", fw_addr_text(unit->theirs, address),
	                   unit->tls ? "tls" : "clear", unit->leg->remote, unit->leg->session);
	size_t used = len > 0 && (size_t)len < sizeof(head) ? (size_t)len : 0;
	memcpy(text, head, used);
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];
		bool moves = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
		text[used++] = moves ? '?' : bytes.ptr[i];
	}
	text[used++] = '\n';
	trace_put(trace, text, used);
	free(text);
}

static void write_json(struct s2s_trace *trace, const struct trace_unit *unit, struct fw_str bytes)
{
	struct fw_json *row = fw_json_new();
	char when[40], address[FW_ADDR_TEXT_SIZE];

	time_text(unit->time_us, when);
	fw_json_set(row, "time", fw_str(when));
	fw_json_set(row, "direction", fw_str(unit->sent ? "out" : "in"));
	fw_json_set(row, "session", fw_str(unit->leg->session));
	fw_json_set(row, "local", fw_str(unit->leg->local));
	fw_json_set(row, "remote", fw_str(unit->leg->remote));
	fw_json_set(row, "address", fw_str(fw_addr_text(unit->theirs, address)));
	fw_json_set_bool(row, "tls", unit->tls);
	fw_json_set(row, "xml", bytes);
	char *text = row != NULL ? fw_json_dump(row, false) : NULL;
	fw_json_free(&row);
	if (text == NULL) {
		return;
	}
	size_t len = strlen(text);
	text[len] = '\n'; /* in the place of the terminator */
	trace_put(trace, text, len + 1);
	free(text);
}

static void write_pcapng(struct s2s_trace *trace, const struct trace_unit *unit,
                         struct fw_str bytes)
{
	const struct trace_packet packet = {
		.time_us = unit->time_us,
		.from = unit->sent ? unit->ours : unit->theirs,
		.to = unit->sent ? unit->theirs : unit->ours,
		.bytes = bytes,
	};
	char *block = NULL;
	size_t size = trace_pcapng_packet(&packet, &block);

	if (size > 0) {
		trace_put(trace, block, size);
	}
	free(block);
}

static bool trace_wants(const struct s2s_trace *trace, const struct s2s_leg *leg)
{
	if (strcmp(leg->remote, trace->remote) == 0) {
		return true;
	}
	for (const struct s2s_proof *proof = leg->proofs; proof != NULL; proof = proof->next) {
		if (strcmp(proof->remote, trace->remote) == 0) {
			return true;
		}
	}
	for (const struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		if (strcmp(claim->pair->remote, trace->remote) == 0) {
			return true;
		}
	}
	return false;
}

void s2s_traces_write(struct s2s_traces *traces, const struct trace_unit *unit)
{
	static void (*const writers[])(struct s2s_trace *, const struct trace_unit *,
	                               struct fw_str) = {
		[TRACE_TEXT] = write_text,
		[TRACE_JSON] = write_json,
		[TRACE_PCAPNG] = write_pcapng,
	};

	for (struct s2s_trace *trace = traces->list; trace != NULL; trace = trace->next) {
		if (trace->fd >= 0 && trace_wants(trace, unit->leg)) {
			trace->units++;
			writers[trace->format](trace, unit,
			                       trace->bodies ? unit->raw : unit->shown);
		}
	}
}

/* ---- trace add ---- */

/* A plain name, so that no file outside of the folder can be meant. */
static bool is_plain_name(struct fw_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		            (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
		if (!good) {
			return false;
		}
	}
	return name.len > 0 && name.len <= TRACE_NAME_MAX && name.ptr[0] != '.';
}

static void default_name(struct s2s_trace *trace)
{
	time_t now = time(NULL);
	struct tm parts = { 0 };
	char when[32] = "", remote[64];

	(void)gmtime_r(&now, &parts);
	(void)strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &parts);
	(void)snprintf(remote, sizeof(remote), "%.*s", (int)sizeof(remote) - 1, trace->remote);
	for (char *c = remote; *c != '\0'; c++) {
		*c = *c == ':' || *c == '[' || *c == ']' ? '_' : *c;
	}
	(void)snprintf(trace->file, sizeof(trace->file), "s2s-%s-%s-%llu.%s", remote, when,
	               (unsigned long long)trace->id,
	               trace->format == TRACE_TEXT ? "txt" : format_words[trace->format]);
}

/* What can be said wrongly; *what is its name then. */
static const char *read_arguments(const struct fw_call *call, struct s2s_trace *trace,
                                  uint64_t *seconds)
{
	struct fw_str format = fw_call_arg(call, "format");
	struct fw_str file = fw_call_arg(call, "file");
	struct fw_str bodies = fw_call_arg(call, "bodies");
	struct fw_str time = fw_call_arg(call, "seconds");
	struct fw_str bytes = fw_call_arg(call, "max_bytes");
	size_t word = 0;

	while (format.ptr != NULL && word < FW_COUNT(format_words) &&
	       !fw_str_is(format, format_words[word])) {
		word++;
	}
	trace->format = (enum trace_format)word;
	trace->bodies = fw_str_is(bodies, "yes");
	*seconds = 600;
	trace->max_bytes = 10485760;
	if (fw_domain_key(fw_call_arg(call, "remote"), trace->remote, NULL) != FW_OK) {
		return "remote must be a domain";
	}
	if (word == FW_COUNT(format_words)) {
		return "format must be text, json or pcapng";
	}
	if (bodies.ptr != NULL && !trace->bodies && !fw_str_is(bodies, "no")) {
		return "bodies must be yes or no";
	}
	if (time.ptr != NULL && (fw_str_to_u64(time, 86400, seconds) != FW_OK || *seconds == 0)) {
		return "seconds must be 1 to 86400";
	}
	if (bytes.ptr != NULL && (fw_str_to_u64(bytes, 1073741824, &trace->max_bytes) != FW_OK ||
	                          trace->max_bytes < 4096)) {
		return "max_bytes must be 4096 to 1073741824";
	}
	if (file.ptr != NULL && !is_plain_name(file)) {
		return "file must be a name of letters, digits, \".\", \"-\" and \"_\", without a "
		       "folder";
	}
	if (file.ptr != NULL) {
		(void)snprintf(trace->file, sizeof(trace->file), "%.*s", FW_STR_ARG(file));
	} else {
		default_name(trace);
	}
	return NULL;
}

/* A new file: nothing that is there is followed or written over. */
static int open_file(struct s2s_trace *trace, const char *folder)
{
	(void)mkdir(folder, 0700); /* unless it is there */
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0) {
		return FW_ESYS;
	}
	trace->fd = openat(dir, trace->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	                   0600);
	int why = errno;
	(void)close(dir);
	errno = why;
	return trace->fd >= 0 ? FW_OK : FW_ESYS;
}

static void trace_row(const struct s2s_trace *trace, struct fw_json *row)
{
	uint64_t now = fw_now_ms(trace->traces->s2s->loop);
	bool active = trace->fd >= 0;

	fw_json_set_int(row, "trace", (int64_t)trace->id);
	fw_json_set(row, "remote", fw_str(trace->remote));
	fw_json_set(row, "state", fw_str(active ? "running" : "ended"));
	if (active) {
		fw_json_set_int(row, "left_ms",
		                trace->until_ms > now ? (int64_t)(trace->until_ms - now) : 0);
	} else {
		fw_json_set(row, "why", fw_str(trace->why));
		fw_json_set_int(row, "ended_ago_ms", (int64_t)(now - trace->ended_ms));
	}
	fw_json_set(row, "format", fw_str(format_words[trace->format]));
	fw_json_set_bool(row, "bodies", trace->bodies);
	fw_json_set_int(row, "units", (int64_t)trace->units);
	fw_json_set_int(row, "bytes", (int64_t)trace->bytes);
	fw_json_set_int(row, "max_bytes", (int64_t)trace->max_bytes);
	fw_json_setf(row, "file", "%s/%s", trace->traces->s2s->config->trace_dir, trace->file);
}

/* Those that have ended make room, the oldest first. */
static void forget_ended(struct s2s_traces *traces)
{
	size_t count = 0;
	struct s2s_trace **oldest = NULL;

	for (struct s2s_trace **at = &traces->list; *at != NULL; at = &(*at)->next) {
		count++;
		oldest = (*at)->fd < 0 ? at : oldest;
	}
	if (count >= 2 * TRACES_MAX && oldest != NULL) {
		struct s2s_trace *old = *oldest;
		*oldest = old->next;
		free(old);
	}
}

static int trace_begin(struct s2s_traces *traces, struct s2s_trace *trace, uint64_t seconds)
{
	int ret = fw_timer_new(traces->s2s->loop, trace_expired, trace, &trace->timer);

	if (ret != FW_OK) {
		(void)close(trace->fd);
		trace->fd = -1;
		return ret;
	}
	fw_timer_start_ms(trace->timer, seconds * 1000, 0);
	trace->until_ms = fw_now_ms(traces->s2s->loop) + seconds * 1000;
	trace->traces = traces;
	forget_ended(traces);
	trace->next = traces->list;
	traces->list = trace;
	traces->active++;
	s2s_tap_all(traces->s2s);
	if (trace->format == TRACE_PCAPNG) {
		struct fw_str head = trace_pcapng_head();
		trace_put(trace, head.ptr, head.len);
	}
	fw_log(fw_self_log(traces->s2s->self), &trace_logger,
	       trace->bodies ? FW_LOG_WARNING : FW_LOG_NOTICE,
	       "trace begins id=%llu remote=%s file=%s/%s seconds=%llu bodies=%s",
	       (unsigned long long)trace->id, trace->remote, traces->s2s->config->trace_dir,
	       trace->file, (unsigned long long)seconds, trace->bodies ? "yes" : "no");
	return FW_OK;
}

static struct s2s_traces *traces_get(struct s2s *s2s)
{
	if (s2s->traces == NULL) {
		s2s->traces = calloc(1, sizeof(*s2s->traces));
		if (s2s->traces != NULL) {
			s2s->traces->s2s = s2s;
			s2s->traces->settle.fn = traces_settle;
			s2s->traces->settle.ctx = s2s->traces;
		}
	}
	return s2s->traces;
}

void s2s_trace_add(struct fw_self *self, struct fw_call *call)
{
	struct s2s *s2s = fw_self_state(self);
	struct s2s_traces *traces = traces_get(s2s);
	struct s2s_trace *trace = traces != NULL ? calloc(1, sizeof(*trace)) : NULL;
	uint64_t seconds = 0;

	if (trace == NULL) {
		fw_call_fail(&call, FW_ENOMEM, NULL, "out of memory");
		return;
	}
	trace->fd = -1;
	trace->id = ++traces->last_id;
	const char *wrong = read_arguments(call, trace, &seconds);
	if (wrong != NULL) {
		fw_call_fail(&call, FW_EINVAL,
		             "for example: fedwayctl trace add remote=partner.example", "%s",
		             wrong);
	} else if (traces->active >= TRACES_MAX) {
		fw_call_fail(&call, FW_ELIMIT, "end one with fedwayctl trace remove",
		             "%d traces run already", TRACES_MAX);
	} else if (open_file(trace, s2s->config->trace_dir) != FW_OK) {
		fw_call_fail(
		        &call, FW_ESYS,
		        "trace_dir must be a folder that fedwayd may write to, file a new name",
		        "%s/%s cannot be made: %s", s2s->config->trace_dir, trace->file,
		        strerror(errno));
	} else if (trace_begin(traces, trace, seconds) != FW_OK) {
		fw_call_fail(&call, FW_ENOMEM, NULL, "out of memory");
	} else {
		trace_row(trace, fw_call_result(call));
		trace = NULL;
		fw_call_done(&call);
	}
	free(trace);
}

/* ---- trace list, trace remove ---- */

void s2s_trace_list(struct fw_self *self, struct fw_call *call)
{
	const struct s2s *s2s = fw_self_state(self);
	struct fw_json *list = fw_json_set_array(fw_call_result(call), "traces");
	const struct s2s_trace *trace = s2s->traces != NULL ? s2s->traces->list : NULL;

	for (; trace != NULL; trace = trace->next) {
		trace_row(trace, fw_json_append_object(list));
	}
	fw_call_done(&call);
}

void s2s_trace_remove(struct fw_self *self, struct fw_call *call)
{
	const struct s2s *s2s = fw_self_state(self);
	struct s2s_trace *trace = s2s->traces != NULL ? s2s->traces->list : NULL;
	uint64_t id = 0;

	(void)fw_str_to_u64(fw_call_arg(call, "trace"), UINT32_MAX, &id);
	while (trace != NULL && trace->id != id) {
		trace = trace->next;
	}
	if (trace == NULL) {
		fw_call_fail(&call, FW_ENOENT, "fedwayctl trace list shows those that there are",
		             "there is no such trace");
		return;
	}
	trace_end(trace, "removed");
	trace_row(trace, fw_call_result(call));
	fw_call_done(&call);
}
