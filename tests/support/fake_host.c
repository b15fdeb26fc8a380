/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The other side of <fedway/host.h> for tests: names in a list, stanzas in a queue that is emptied
 * at the end of each turn, and a memory of all that was bounced, announced and logged. It does no
 * checks of addresses, applies no hooks by itself and balances nothing: that is the router's job.
 */
#include "tests/support/fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { FAKE_COMPONENTS = 8, FAKE_NAMES = 64, FAKE_SERVICES = 8, FAKE_TEXT = 65536 };

struct fake_component {
	struct fake_host *host; /* NULL: free place */
	struct fw_self *self;
	const struct fw_component *component;
	bool stopped; /* no stanza is passed to it any more */
	bool drained;
};

struct fake_bind {
	char domain[256]; /* "": free place */
	struct fake_component *holder;
};

struct fake_domain {
	char name[256];
	bool federated;
};

struct fake_service {
	char name[64]; /* "": free place */
	fake_service_fn *fn;
	void *ctx;
};

struct fake_waiting {
	struct fake_waiting *next;
	struct fw_stanza *stanza;
	struct fake_component *origin;
};

struct fake_announcement {
	struct fake_announcement *next;
	bool told;
	char service[];
};

struct fake_line {
	struct fake_line *next;
	char text[];
};

struct fake_host {
	struct fw_loop *loop;
	struct fw_log *log;
	struct fw_ledger *ledger;
	struct fw_task pass;
	struct fw_timer *limit;
	bool limit_passed;
	struct fake_component components[FAKE_COMPONENTS];
	struct fake_bind binds[FAKE_NAMES];
	struct fake_domain domains[FAKE_NAMES];
	size_t domain_count;
	struct fake_service services[FAKE_SERVICES];
	struct fake_waiting *queue;  /* to be passed at the end of the turn */
	struct fake_waiting *outbox; /* for nobody here: the test's */
	struct fake_announcement *announcements;
	struct fake_line *lines;
	unsigned bounced[FW_CAUSE_COUNT];
	unsigned asked;
};

/* ---- queue ---- */

static void *need(size_t size)
{
	void *memory = calloc(1, size);
	if (memory == NULL) {
		fail_msg("out of memory");
	}
	return memory;
}

static void append(struct fake_waiting **list, struct fw_stanza *stanza,
                   struct fake_component *origin)
{
	struct fake_waiting *entry = need(sizeof(*entry));
	entry->stanza = stanza;
	entry->origin = origin;
	while (*list != NULL) {
		list = &(*list)->next;
	}
	*list = entry;
}

static struct fw_stanza *unlink_first(struct fake_waiting **entry)
{
	struct fake_waiting *first = *entry;
	struct fw_stanza *stanza = first->stanza;
	*entry = first->next;
	free(first);
	return stanza;
}

static void enter(struct fake_host *host, struct fw_stanza *stanza, struct fake_component *origin)
{
	if (fw_stanza_ledger(stanza) == NULL) {
		fw_stanza_enter(stanza, host->ledger, fw_now_ms(host->loop));
	}
	append(&host->queue, stanza, origin);
	fw_defer(host->loop, &host->pass);
}

/* ---- who gets it ---- */

static struct fake_bind *find_bind(const struct fake_host *host, struct fw_str domain)
{
	for (size_t i = 0; i < FAKE_NAMES; i++) {
		const struct fake_bind *bind = &host->binds[i];
		if (bind->domain[0] != '\0' && fw_str_is(domain, bind->domain)) {
			return (struct fake_bind *)bind;
		}
	}
	return NULL;
}

static bool is_listed(const struct fake_host *host, struct fw_str domain, bool federated)
{
	for (size_t i = 0; i < host->domain_count; i++) {
		if (fw_str_is(domain, host->domains[i].name)) {
			return host->domains[i].federated || !federated;
		}
	}
	return false;
}

static struct fake_component *find_holder(struct fake_host *host, struct fw_str domain,
                                          const struct fake_component *origin)
{
	for (size_t i = 0; i < FAKE_COMPONENTS; i++) {
		struct fake_component *component = &host->components[i];
		if (component->host != NULL && fw_str_is(domain, fw_self_id(component->self))) {
			return component;
		}
	}
	const struct fake_bind *bind = find_bind(host, domain);
	if (bind != NULL) {
		return bind->holder;
	}
	bind = find_bind(host, fw_str("*"));
	if (bind == NULL || bind->holder == origin || is_listed(host, domain, false) ||
	    fw_str_is(domain, FAKE_TESTER)) {
		return NULL;
	}
	return bind->holder;
}

static struct fake_service *find_service(struct fake_host *host, struct fw_str domain)
{
	char name[128];

	for (size_t i = 0; i < FAKE_SERVICES; i++) {
		struct fake_service *service = &host->services[i];
		snprintf(name, sizeof(name), "%s." FAKE_REALM, service->name);
		if (service->fn != NULL && fw_str_is(domain, name)) {
			return service;
		}
	}
	return NULL;
}

static void pass_one(struct fake_host *host, struct fw_stanza *stanza,
                     struct fake_component *origin)
{
	struct fw_str domain = fw_stanza_to_domain(stanza);
	struct fake_service *service = find_service(host, domain);
	struct fake_component *holder = find_holder(host, domain, origin);

	if (service != NULL) {
		service->fn(service->ctx, host, &stanza);
		fw_stanza_end(&stanza, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
	} else if (holder != NULL && !holder->stopped) {
		fw_self_deliver(holder->self, &stanza);
		fw_stanza_end(&stanza, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
	} else {
		append(&host->outbox, stanza, NULL);
	}
}

static void tell(struct fake_host *host)
{
	for (struct fake_announcement *said = host->announcements; said != NULL;
	     said = said->next) {
		if (said->told) {
			continue;
		}
		said->told = true;
		for (size_t i = 0; i < FAKE_COMPONENTS; i++) {
			struct fake_component *to = &host->components[i];
			if (to->host != NULL && !to->stopped && to->component->announced != NULL) {
				to->component->announced(to->self, said->service);
			}
		}
	}
}

static void pass_all(void *ctx)
{
	struct fake_host *host = ctx;

	tell(host);
	while (host->queue != NULL) {
		struct fake_component *origin = host->queue->origin;
		pass_one(host, unlink_first(&host->queue), origin);
	}
	tell(host);
}

/* ---- the table behind <fedway/host.h> ---- */

static void complete(const char *domain, char out[256])
{
	size_t len = strlen(domain);
	bool service = len > 0 && domain[len - 1] == '.';
	snprintf(out, 256, "%s%s", domain, service ? FAKE_REALM : "");
}

static int op_bind(void *ctx, const char *domain)
{
	struct fake_component *component = ctx;
	char name[256];

	complete(domain, name);
	if (find_bind(component->host, fw_str(name)) != NULL) {
		return FW_EEXIST;
	}
	for (size_t i = 0; i < FAKE_NAMES; i++) {
		struct fake_bind *bind = &component->host->binds[i];
		if (bind->domain[0] == '\0') {
			snprintf(bind->domain, sizeof(bind->domain), "%s", name);
			bind->holder = component;
			return FW_OK;
		}
	}
	return FW_ELIMIT;
}

static int op_unbind(void *ctx, const char *domain)
{
	struct fake_component *component = ctx;
	char name[256];

	complete(domain, name);
	struct fake_bind *bind = find_bind(component->host, fw_str(name));
	if (bind == NULL || bind->holder != component) {
		return FW_ENOENT;
	}
	bind->domain[0] = '\0';
	return FW_OK;
}

static bool op_domain_is_local(void *ctx, struct fw_str domain)
{
	const struct fake_component *component = ctx;
	const struct fake_bind *bind = find_bind(component->host, domain);

	if (fw_str_is(domain, FAKE_TESTER) || find_service(component->host, domain) != NULL) {
		return true;
	}
	for (size_t i = 0; i < FAKE_COMPONENTS; i++) { /* a component's ID is a name of its own */
		const struct fake_component *other = &component->host->components[i];
		if (other->host != NULL && fw_str_is(domain, fw_self_id(other->self))) {
			return true;
		}
	}
	return is_listed(component->host, domain, false) ||
	       (bind != NULL && strcmp(bind->domain, "*") != 0);
}

static bool op_domain_is_federated(void *ctx, struct fw_str domain)
{
	const struct fake_component *component = ctx;
	return is_listed(component->host, domain, true);
}

static int op_route(void *ctx, struct fw_stanza **stanza)
{
	struct fake_component *component = ctx;
	enter(component->host, *stanza, component);
	*stanza = NULL;
	return FW_OK;
}

static void op_bounce(void *ctx, struct fw_stanza **stanza, enum fw_cause cause)
{
	struct fake_component *component = ctx;
	struct fw_stanza *error = NULL;

	component->host->bounced[cause]++;
	if (fw_stanza_ledger(*stanza) == NULL) { /* it has not been through the router yet */
		fw_stanza_enter(*stanza, component->host->ledger, fw_now_ms(component->host->loop));
	}
	if (fw_stanza_error_reply(*stanza, cause, &error) == FW_OK) {
		fw_stanza_mark_bounce(error);
		enter(component->host, error, NULL);
		fw_stanza_end(stanza, FW_EXIT_BOUNCED, cause);
	} else {
		fw_stanza_end(stanza, FW_EXIT_DROPPED, cause);
	}
}

static void op_announce(void *ctx, const char *service)
{
	struct fake_component *component = ctx;
	struct fake_announcement *said = need(sizeof(*said) + strlen(service) + 1);
	memcpy(said->service, service, strlen(service) + 1);
	said->next = component->host->announcements;
	component->host->announcements = said;
	fw_defer(component->host->loop, &component->host->pass);
}

static void op_drained(void *ctx)
{
	struct fake_component *component = ctx;
	component->drained = true;
}

static const struct fw_host_ops fake_ops = {
	.bind = op_bind,
	.unbind = op_unbind,
	.domain_is_local = op_domain_is_local,
	.domain_is_federated = op_domain_is_federated,
	.route = op_route,
	.bounce = op_bounce,
	.announce = op_announce,
	.drained = op_drained,
};

/* ---- the host itself ---- */

static void keep_line(void *ctx, enum fw_level level, const char *line, size_t len)
{
	struct fake_host *host = ctx;
	struct fake_line *kept = need(sizeof(*kept) + len + 1);

	(void)level;
	memcpy(kept->text, line, len);
	kept->next = host->lines;
	host->lines = kept;
	if (getenv("FAKE_HOST_LOG") != NULL) {
		fwrite(line, 1, len, stderr);
	}
}

static void limit_reached(void *ctx)
{
	struct fake_host *host = ctx;
	host->limit_passed = true;
}

struct fake_host *fake_host_new(void)
{
	struct fake_host *host = need(sizeof(*host));
	const struct fw_log_sink sink = { keep_line, host };

	host->pass.fn = pass_all;
	host->pass.ctx = host;
	host->ledger = fw_ledger_new(NULL);
	assert_non_null(host->ledger);
	assert_int_equal(fw_loop_new(&host->loop), FW_OK);
	assert_int_equal(fw_timer_new(host->loop, limit_reached, host, &host->limit), FW_OK);
	assert_int_equal(fw_log_child(NULL, &host->log, "test"), FW_OK);
	fw_log_set_sink(&sink);
	return host;
}

static void empty(struct fake_waiting **list)
{
	while (*list != NULL) {
		struct fw_stanza *stanza = unlink_first(list);
		fw_stanza_end(&stanza, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
	}
}

void fake_host_free(struct fake_host **at)
{
	struct fake_host *host = *at;

	if (host == NULL) {
		return;
	}
	for (size_t i = 0; i < FAKE_COMPONENTS; i++) {
		struct fw_self *self = host->components[i].self;
		fake_host_stop(host, &self);
	}
	fake_host_settle(host);
	empty(&host->outbox);
	uint64_t left = host->ledger->in_flight;
	bool balanced = fw_ledger_balanced(host->ledger);
	fw_ledger_release(&host->ledger);
	fw_defer_cancel(&host->pass);
	fw_timer_free(&host->limit);
	fw_loop_free(&host->loop);
	fw_log_free(&host->log);
	fw_log_open("-", NULL);
	fake_host_forget_log(host);
	while (host->announcements != NULL) {
		struct fake_announcement *next = host->announcements->next;
		free(host->announcements);
		host->announcements = next;
	}
	free(host);
	*at = NULL;
	if (left != 0 || !balanced) {
		fail_msg("the ledger does not balance: %u stanzas have no exit", (unsigned)left);
	}
}

struct fw_loop *fake_host_loop(const struct fake_host *host)
{
	return host->loop;
}

struct fw_ledger *fake_host_ledger(const struct fake_host *host)
{
	return host->ledger;
}

/* ---- components ---- */

static struct fake_component *of(const struct fw_self *self)
{
	return fw_self_host(self);
}

struct fw_self *fake_host_start(struct fake_host *host, const struct fw_component *component,
                                const void *config, struct fw_error *err)
{
	char id[128];
	size_t place = 0, number = 1;

	while (place < FAKE_COMPONENTS && host->components[place].host != NULL) {
		number += strcmp(host->components[place].component->name, component->name) == 0;
		place++;
	}
	assert_true(place < FAKE_COMPONENTS);
	struct fake_component *entry = &host->components[place];
	*entry = (struct fake_component){ .host = host, .component = component };
	snprintf(id, sizeof(id), "%s-%zu." FAKE_REALM, component->name, number);
	const struct fw_self_settings settings = {
		.component = component,
		.ops = &fake_ops,
		.host = entry,
		.loop = host->loop,
		.log = host->log,
		.id = id,
		.realm = FAKE_REALM,
		.config = config,
	};
	if (fw_self_new(&settings, &entry->self) != FW_OK) {
		fail_msg("no instance of %s", component->name);
	}
	int ret = component->check != NULL ? component->check(config, err) : FW_OK;
	if (ret == FW_OK) {
		ret = component->start(entry->self, err);
	}
	if (ret != FW_OK) {
		fw_self_free(&entry->self);
		entry->host = NULL;
	}
	return entry->self;
}

void fake_host_stop(struct fake_host *host, struct fw_self **self)
{
	if (*self == NULL) {
		return;
	}
	struct fake_component *component = of(*self);
	component->stopped = true;
	if (component->component->stop != NULL) {
		component->component->stop(*self);
	}
	for (size_t i = 0; i < FAKE_NAMES; i++) {
		if (host->binds[i].holder == component) {
			host->binds[i].domain[0] = '\0';
		}
	}
	fw_self_free(self);
	component->self = NULL;
	component->host = NULL;
}

void fake_host_reload(struct fw_self *self, const void *config)
{
	const struct fw_component *component = of(self)->component;

	if (component->check != NULL) {
		assert_int_equal(component->check(config, NULL), FW_OK);
	}
	component->reload(self, config);
	fw_self_set_config(self, config);
}

void fake_host_drain(struct fw_self *self)
{
	of(self)->drained = false;
	of(self)->component->drain(self);
}

bool fake_host_drained(const struct fw_self *self)
{
	return of(self)->drained;
}

enum fw_verdict fake_host_hook(struct fw_self *self, enum fw_stage stage, struct fw_stanza *stanza,
                               struct fw_why *why)
{
	const struct fw_hook *hook = of(self)->component->hooks;

	*why = (struct fw_why){ .cause = FW_CAUSE_NONE };
	for (; hook != NULL && hook->run != NULL; hook++) {
		enum fw_verdict verdict =
		        hook->stage == stage ? hook->run(self, stanza, why) : FW_PASS;
		if (verdict != FW_PASS) {
			return verdict;
		}
	}
	return FW_PASS;
}

/* ---- names ---- */

void fake_host_add_domain(struct fake_host *host, const char *domain, bool federated)
{
	assert_true(host->domain_count < FAKE_NAMES);
	struct fake_domain *added = &host->domains[host->domain_count++];
	snprintf(added->name, sizeof(added->name), "%s", domain);
	added->federated = federated;
}

bool fake_host_holds(const struct fake_host *host, const char *domain)
{
	return find_bind(host, fw_str(domain)) != NULL;
}

void fake_host_service(struct fake_host *host, const char *name, fake_service_fn *fn, void *ctx)
{
	struct fake_service *place = NULL;

	for (size_t i = 0; i < FAKE_SERVICES; i++) {
		struct fake_service *service = &host->services[i];
		if (strcmp(service->name, name) == 0) {
			place = service;
			break;
		}
		if (service->name[0] == '\0' && place == NULL) {
			place = service;
		}
	}
	assert_non_null(place);
	snprintf(place->name, sizeof(place->name), "%s", fn != NULL ? name : "");
	place->fn = fn;
	place->ctx = ctx;
}

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
	char *text = need(FAKE_TEXT);
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text, FAKE_TEXT, format, args);
	va_end(args);
	assert_true(len >= 0 && len < FAKE_TEXT);
	enter(host, parse(text), NULL);
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
	enter(host, reply, NULL);
}

void fake_host_refuse(struct fake_host *host, struct fw_stanza **request, enum fw_cause cause)
{
	struct fw_stanza *reply = NULL;

	assert_int_equal(fw_stanza_error_reply(*request, cause, &reply), FW_OK);
	fw_stanza_end(request, FW_EXIT_ANSWERED, FW_CAUSE_NONE);
	enter(host, reply, NULL);
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
	return fake_host_run_until(host, has_answer, &asked, timeout_ms) ? unlink_first(asked.found)
	                                                                 : NULL;
}

struct fw_stanza *fake_host_take(struct fake_host *host)
{
	return host->outbox != NULL ? unlink_first(&host->outbox) : NULL;
}

struct fw_stanza *fake_host_take_to(struct fake_host *host, const char *to)
{
	for (struct fake_waiting **entry = &host->outbox; *entry != NULL; entry = &(*entry)->next) {
		if (fw_str_is(fw_stanza_to((*entry)->stanza), to)) {
			return unlink_first(entry);
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
