/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a test does with the fake host: it sends and takes stanzas, lets time pass, and looks at all
 * that was bounced, announced and logged.
 */
#include "tests/support/fake_host_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { FAKE_TEXT = 65536 };

/* ---- stanzas ---- */

static struct fw_stanza *parse(const char *text)
{
	struct fw_stanza *stanza = NULL;
	if (fw_stanza_parse(fw_str(text), &stanza) != FW_OK) {
		fail_msg("not a stanza: %s", text);
	}
	return stanza;
}

void fake_host_send(struct fake_host *host, const char *format, ...)
{
	char *text = fake_host_need(FAKE_TEXT);
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text, FAKE_TEXT, format, args);
	va_end(args);
	assert_true(len >= 0 && len < FAKE_TEXT);
	fake_host_enter(host, parse(text), NULL);
	free(text);
}

void fake_host_answer(struct fake_host *host, struct fw_stanza **request, const char *payload)
{
	struct fw_stanza *reply = NULL, *child = payload != NULL ? parse(payload) : NULL;

	assert_int_equal(fw_stanza_reply(*request, "result", &reply), FW_OK);
	if (child != NULL) {
		assert_non_null(fw_elem_copy(fw_stanza_root(reply), fw_stanza_root(child)));
		fw_stanza_free(&child);
	}
	fw_stanza_end(request, FW_EXIT_ANSWERED, FW_CAUSE_NONE);
	fake_host_enter(host, reply, NULL);
}

void fake_host_refuse(struct fake_host *host, struct fw_stanza **request, enum fw_cause cause)
{
	struct fw_stanza *reply = NULL;

	assert_int_equal(fw_stanza_error_reply(*request, cause, &reply), FW_OK);
	fw_stanza_end(request, FW_EXIT_ANSWERED, FW_CAUSE_NONE);
	fake_host_enter(host, reply, NULL);
}

void fake_host_request(struct fake_host *host, const char *from, const char *id,
                       const char *service, const char *payload)
{
	fake_host_send(host, "<iq type='get' from='%s' to='%s." FAKE_REALM "' id='%s'>%s</iq>",
	               from != NULL ? from : FAKE_TESTER, service, id, payload);
}

struct asked {
	struct fake_host *host;
	struct fake_waiting **found;
	char id[32];
};

static bool has_answer(void *ctx)
{
	struct asked *asked = ctx;

	for (asked->found = &asked->host->outbox; *asked->found != NULL;
	     asked->found = &(*asked->found)->next) {
		if (fw_str_is(fw_stanza_id((*asked->found)->stanza), asked->id)) {
			return true;
		}
	}
	return false;
}

struct fw_stanza *fake_host_ask(struct fake_host *host, const char *from, const char *service,
                                const char *payload, uint64_t timeout_ms)
{
	struct asked asked = { .host = host };

	snprintf(asked.id, sizeof(asked.id), "ask-%u", ++host->asked);
	fake_host_request(host, from, asked.id, service, payload);
	return fake_host_run_until(host, has_answer, &asked, timeout_ms)
	               ? fake_host_unlink(asked.found)
	               : NULL;
}

struct fw_stanza *fake_host_take(struct fake_host *host)
{
	return host->outbox != NULL ? fake_host_unlink(&host->outbox) : NULL;
}

struct fw_stanza *fake_host_take_to(struct fake_host *host, const char *to)
{
	for (struct fake_waiting **entry = &host->outbox; *entry != NULL; entry = &(*entry)->next) {
		if (fw_str_is(fw_stanza_to((*entry)->stanza), to)) {
			return fake_host_unlink(entry);
		}
	}
	return NULL;
}

size_t fake_host_waiting(const struct fake_host *host)
{
	size_t count = 0;
	for (const struct fake_waiting *entry = host->outbox; entry != NULL; entry = entry->next) {
		count++;
	}
	return count;
}

void fake_host_done(struct fw_stanza **stanza)
{
	fw_stanza_end(stanza, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
}

const char *fake_host_text(struct fw_stanza *stanza)
{
	static char text[FAKE_TEXT];
	struct fw_str bytes = FW_STR("");

	if (stanza != NULL) {
		assert_int_equal(fw_stanza_bytes(stanza, &bytes), FW_OK);
	}
	snprintf(text, sizeof(text), "%.*s", FW_STR_ARG(bytes));
	return text;
}

struct fw_str fake_host_cause(struct fw_stanza *answer)
{
	struct fw_str none = FW_STR("");

	if (answer == NULL || !fw_stanza_is_error(answer)) {
		return none;
	}
	struct fw_elem *error = fw_elem_find(fw_stanza_root(answer), "error", NULL);
	struct fw_elem *cause = fw_elem_find(error, "cause", "urn:fedway:cause:1");
	return cause != NULL ? fw_elem_attr(cause, "name") : none;
}

unsigned fake_host_bounced(const struct fake_host *host, enum fw_cause cause)
{
	unsigned sum = 0;

	for (size_t i = 0; i < FW_CAUSE_COUNT; i++) {
		sum += cause == FW_CAUSE_COUNT || cause == (enum fw_cause)i ? host->bounced[i] : 0;
	}
	return sum;
}

unsigned fake_host_announced(const struct fake_host *host, const char *service)
{
	unsigned count = 0;

	for (const struct fake_announcement *said = host->announcements; said != NULL;
	     said = said->next) {
		count += strcmp(said->service, service) == 0;
	}
	return count;
}

/* ---- time and log ---- */

bool fake_host_run_until(struct fake_host *host, bool (*ready)(void *ctx), void *ctx,
                         uint64_t timeout_ms)
{
	bool is_ready;

	fake_host_settle(host);
	host->limit_passed = false;
	fw_timer_start_ms(host->limit, timeout_ms, 0);
	while (!(is_ready = ready(ctx)) && !host->limit_passed) {
		fw_loop_turn(host->loop, true);
	}
	fw_timer_stop(host->limit);
	return is_ready;
}

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

void fake_host_run_ms(struct fake_host *host, uint64_t ms)
{
	fake_host_run_until(host, never, NULL, ms);
}

void fake_host_settle(struct fake_host *host)
{
	do {
		fw_loop_turn(host->loop, false);
	} while (host->queue != NULL);
	fw_loop_turn(host->loop, false);
}

unsigned fake_host_logged(const struct fake_host *host, const char *text)
{
	unsigned count = 0;

	for (const struct fake_line *line = host->lines; line != NULL; line = line->next) {
		count += strstr(line->text, text) != NULL;
	}
	return count;
}

void fake_host_forget_log(struct fake_host *host)
{
	while (host->lines != NULL) {
		struct fake_line *next = host->lines->next;
		free(host->lines);
		host->lines = next;
	}
}
