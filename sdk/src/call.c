/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One command of an operator while a component answers it. The host begins it and hears of its end;
 * the component fills the result and ends it. Either side may go first: a call without a host is an
 * orphan that nobody hears, one without a component fails. Knows nothing of sockets and of text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/src/self.h"

struct fw_call {
	struct fw_call *next, **prev; /* of its component */
	struct fw_call **handle;      /* the host's, set to NULL at the end; NULL: an orphan */
	const struct fw_json *args;
	struct fw_json *result;
	void (*progress)(void *ctx, const char *line);
	void (*ended)(void *ctx, int code, const char *why, const char *remedy);
	void *ctx;
	void (*on_cancel)(void *ctx);
	void *cancel_ctx;
};

int fw_self_call(struct fw_self *self, const struct fw_call_settings *settings,
                 struct fw_call **out)
{
	struct fw_call *call = calloc(1, sizeof(*call));

	if (call == NULL) {
		return FW_ENOMEM;
	}
	call->args = settings->args;
	call->result = settings->result;
	call->progress = settings->progress;
	call->ended = settings->ended;
	call->ctx = settings->ctx;
	call->handle = out;
	call->next = self->calls;
	call->prev = &self->calls;
	if (call->next != NULL) {
		call->next->prev = &call->next;
	}
	self->calls = call;
	*out = call;
	settings->command->run(self, call);
	return FW_OK;
}

static void call_free(struct fw_call *call)
{
	*call->prev = call->next;
	if (call->next != NULL) {
		call->next->prev = call->prev;
	}
	free(call);
}

/* From now on nobody hears it. */
static void call_orphan(struct fw_call *call)
{
	*call->handle = NULL;
	call->handle = NULL;
	call->args = NULL;
	call->result = NULL;
	call->progress = NULL;
	call->ended = NULL;
}

/* The component is told, and has forgotten it; or it ends it later. */
static void call_leave(struct fw_call *call)
{
	void (*on_cancel)(void *) = call->on_cancel;
	void *ctx = call->cancel_ctx;

	if (on_cancel != NULL) {
		call_free(call);
		on_cancel(ctx);
	}
}

static void call_end(struct fw_call **at, int code, const char *why, const char *remedy)
{
	struct fw_call *call = *at;

	if (call == NULL) {
		return;
	}
	void (*ended)(void *, int, const char *, const char *) = call->ended;
	void *ctx = call->ctx;
	*at = NULL;
	if (call->handle != NULL) {
		call_orphan(call);
	}
	call_free(call);
	if (ended != NULL) {
		ended(ctx, code, why, remedy);
	}
}

/* ---- the host's side ---- */

void fw_call_cancel(struct fw_call **handle)
{
	struct fw_call *call = handle != NULL ? *handle : NULL;

	if (call != NULL) {
		call_orphan(call);
		call_leave(call);
	}
}

void fw_self_end_calls(struct fw_self *self)
{
	struct fw_call *call = self->calls;

	while (call != NULL) {
		if (call->handle == NULL) {
			call = call->next;
			continue;
		}
		void (*ended)(void *, int, const char *, const char *) = call->ended;
		void *ctx = call->ctx;
		call_orphan(call);
		call_leave(call);
		ended(ctx, FW_ECLOSED, "the component stopped while it was at work", "try again");
		call = self->calls; /* what was told may have changed the list */
	}
}

void call_forget_all(struct fw_self *self)
{
	while (self->calls != NULL) {
		call_free(self->calls);
	}
}

/* ---- the component's side ---- */

struct fw_str fw_call_arg(const struct fw_call *call, const char *name)
{
	return fw_json_text(fw_json_get(call->args, name));
}

struct fw_json *fw_call_result(struct fw_call *call)
{
	return call->result;
}

void fw_call_progress(struct fw_call *call, const char *format, ...)
{
	char line[512];
	va_list args;

	if (call->progress == NULL) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	call->progress(call->ctx, line);
}

void fw_call_done(struct fw_call **call)
{
	call_end(call, FW_OK, NULL, NULL);
}

void fw_call_fail(struct fw_call **call, int code, const char *remedy, const char *format, ...)
{
	struct fw_error err;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(err.text, sizeof(err.text), format, args);
	va_end(args);
	call_end(call, code, err.text, remedy);
}

void fw_call_on_cancel(struct fw_call *call, void (*fn)(void *ctx), void *ctx)
{
	call->on_cancel = fn;
	call->cancel_ctx = ctx;
}
