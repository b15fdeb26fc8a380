/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The service "control.<realm>": one component with two sides. What others ask goes to
 * control_call.c, as if it came from the control socket; what we ask waits here for its answer.
 * Which of our commands may be asked from outside is decided here.
 */
#include "router/control_remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fedway/jid.h>

#include "router/control_commands.h"
#include "router/fabric.h"
#include "router/instance.h"

#define NS_CONTROL "urn:fedway:control:1"

enum {
	REMOTE_JOBS_MAX = 16,      /**< questions of others under way */
	REMOTE_TIMEOUT_MS = 15000, /**< for an answer to one of ours */
};

static struct fw_logger remote_log = FW_LOGGER("router.control");

/* A question of another node, while it is answered. */
struct control_job {
	struct control_job *next, **prev;
	struct control_remote *room;
	struct fw_stanza *request;
	struct control_call *call;
};

/* A question of ours. */
struct control_ask {
	struct control_ask *next, **prev;
	struct control_remote *room;
	control_ask_fn *done;
	void *ctx;
	struct control_ask **handle;
	struct fw_timer *timer;
	struct fw_task task;      /* tells the end, never from within the asking */
	struct fw_stanza *answer; /* NULL while there is none */
	enum fw_cause cause;
	uint64_t number;
	char service[FW_DOMAIN_SIZE];
};

struct control_remote {
	struct router *router;
	struct component *component;
	struct control_job *jobs;
	unsigned job_count;
	struct control_ask *asks;
	uint64_t next_number;
};

/* ---- what may be asked ---- */

/* The router's own commands that change nothing. */
static const char *const readable[] = {
	"status",  "components", "routes", "streams",       "ledger", "counters",
	"explain", "options",    "facts",  "notifications", "help",   "routers",
};

/* `name` is one of the names, which are separated by ", ". */
static bool is_listed(const char *names, struct fw_str name)
{
	while (names != NULL && *names != '\0') {
		size_t len = strcspn(names, ",");
		if (fw_str_eq(fw_str_n(names, len), name)) {
			return true;
		}
		names += len + strspn(names + len, ", ");
	}
	return false;
}

/* What nobody here has is refused as on the control socket. */
static bool is_readable(const struct router *router, struct fw_str name)
{
	bool known = control_command_find(name) != NULL;

	for (size_t i = 0; i < FW_COUNT(readable); i++) {
		if (fw_str_is(name, readable[i])) {
			return true;
		}
	}
	for (const struct instance *i = router->instances; i != NULL; i = i->next) {
		if (is_listed(i->descriptor->read_commands, name)) {
			return true;
		}
		known = known || control_component_command(i, name) != NULL;
	}
	return !known;
}

/* The router at the other end of the link that a stanza came over is the one that asks, and it may.
 */
static bool may_ask(const struct router *router, const struct fw_stanza *request)
{
	char service[FW_DOMAIN_SIZE];

	for (const struct component *c = router->components; c != NULL; c = c->next) {
		if (c->number == fw_stanza_origin(request) && c->peer != NULL &&
		    c->peer->row->control) {
			(void)snprintf(service, sizeof(service), "control.%s", c->peer->realm);
			return fw_str_eq_nocase(fw_stanza_from_domain(request), fw_str(service));
		}
	}
	return false;
}

/* ---- their questions ---- */

static void job_free(struct control_job **job)
{
	struct control_job *old = *job;

	*job = NULL;
	*old->prev = old->next;
	if (old->next != NULL) {
		old->next->prev = old->prev;
	}
	old->room->job_count--;
	control_cancel(&old->call);
	free(old);
}

static char *refusal(const char *error, const char *remedy)
{
	struct fw_json *reply = fw_json_new();
	char *text;

	fw_json_set_bool(reply, "ok", false);
	fw_json_set(reply, "error", fw_str(error));
	fw_json_set(reply, "remedy", fw_str(remedy));
	text = reply != NULL ? fw_json_dump(reply, false) : NULL;
	fw_json_free(&reply);
	return text;
}

static struct fw_stanza *make_answer(const struct fw_stanza *request, const char *line)
{
	struct fw_stanza *reply = NULL;

	if (line == NULL || fw_stanza_reply(request, "result", &reply) != FW_OK) {
		return NULL;
	}
	struct fw_elem *answer = fw_elem_add(fw_stanza_root(reply), "answer", NS_CONTROL);
	if (answer == NULL || fw_elem_set_text(answer, fw_str(line)) != FW_OK) {
		fw_stanza_free(&reply);
	}
	return reply;
}

/* An answer must fit into a stanza of the links that it crosses. */
static struct fw_stanza *make_fitting(const struct router *router, const struct fw_stanza *request,
                                      const char *line)
{
	uint32_t max = router->config->router.stanza_max_bytes;
	struct fw_stanza *reply = make_answer(request, line);
	struct fw_str bytes;
	char why[160];

	if (reply == NULL || fw_stanza_bytes(reply, &bytes) != FW_OK || bytes.len <= max) {
		return reply;
	}
	(void)snprintf(why, sizeof(why),
	               "the answer has %zu bytes, a stanza may have %u (stanza_max_bytes)",
	               bytes.len, max);
	fw_stanza_free(&reply);
	char *text = refusal(why, "ask on that node itself");
	reply = make_answer(request, text);
	free(text);
	return reply;
}

static void job_answer(struct control_remote *room, struct fw_stanza **request, const char *line)
{
	struct router *router = room->router;
	struct fw_stanza *reply = make_fitting(router, *request, line);

	if (reply == NULL) {
		router_bounce(router, request, FW_CAUSE_RESOURCES);
		return;
	}
	fw_stanza_end(request, FW_EXIT_ANSWERED, FW_CAUSE_NONE);
	(void)router_route(room->component, &reply);
}

static void job_reply(void *ctx, char *line, bool last)
{
	struct control_job *job = ctx;
	struct fw_stanza *request = job->request;
	struct control_remote *room = job->room;

	if (last) {
		job->call = NULL;
		job_free(&job);
		job_answer(room, &request, line);
	}
	free(line);
}

/* The request of the control socket that stands for theirs. [g: free()] */
static char *make_line(struct fw_str name, struct fw_str args)
{
	struct fw_json *line = fw_json_new();
	struct fw_json *given = NULL;
	char *text = NULL;

	fw_json_set(line, "command", name);
	if (args.len == 0 || fw_json_parse(args, &given, NULL) == FW_OK) {
		fw_json_set_copy(line, "args", given);
		text = line != NULL ? fw_json_dump(line, false) : NULL;
	}
	fw_json_free(&given);
	fw_json_free(&line);
	return text;
}

static void job_begin(struct control_remote *room, struct fw_stanza **request, const char *line)
{
	struct control_job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		router_bounce(room->router, request, FW_CAUSE_RESOURCES);
		return;
	}
	job->room = room;
	job->request = *request;
	*request = NULL;
	job->next = room->jobs;
	job->prev = &room->jobs;
	if (job->next != NULL) {
		job->next->prev = &job->next;
	}
	room->jobs = job;
	room->job_count++;
	if (control_ask(room->router, fw_str(line), job_reply, job, &job->call) != FW_OK) {
		*request = job->request;
		job_free(&job);
		router_bounce(room->router, request, FW_CAUSE_RESOURCES);
	}
}

static void take_question(struct control_remote *room, struct fw_stanza **request)
{
	struct fw_elem *command = fw_elem_find(fw_stanza_root(*request), "command", NS_CONTROL);
	char from[128];

	if (!may_ask(room->router, *request)) {
		fw_log(room->router->log, &remote_log, FW_LOG_WARNING,
		       "question refused from=%s cause=%s remedy=\"set control = true in its row "
		       "of "
		       "routers, if it may ask\"",
		       fw_quote(fw_stanza_from(*request), from, sizeof(from)),
		       fw_cause_row(FW_CAUSE_POLICY_DENIED)->name);
		router_bounce(room->router, request, FW_CAUSE_POLICY_DENIED);
		return;
	}
	if (command == NULL) {
		router_bounce(room->router, request, FW_CAUSE_BAD_STANZA);
		return;
	}
	if (room->job_count >= REMOTE_JOBS_MAX) {
		router_bounce(room->router, request, FW_CAUSE_RESOURCES);
		return;
	}
	struct fw_str name = fw_elem_attr(command, "name");
	char *line = NULL;
	if (!is_readable(room->router, name)) {
		line = refusal("this command is not answered to other nodes",
		               "give it on that node itself");
		job_answer(room, request, line);
	} else if ((line = make_line(name, fw_str_trim(fw_elem_text(command)))) == NULL) {
		router_bounce(room->router, request, FW_CAUSE_BAD_STANZA);
	} else {
		job_begin(room, request, line);
	}
	free(line);
}

/* ---- our questions ---- */

static void ask_free(struct control_ask **ask)
{
	struct control_ask *old = *ask;

	if (old == NULL) {
		return;
	}
	*ask = NULL;
	*old->prev = old->next;
	if (old->next != NULL) {
		old->next->prev = old->prev;
	}
	if (old->handle != NULL) {
		*old->handle = NULL;
	}
	fw_defer_cancel(&old->task);
	fw_timer_free(&old->timer);
	fw_stanza_end(&old->answer, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	free(old);
}

static void ask_tell(void *ctx)
{
	struct control_ask *ask = ctx;
	struct fw_elem *answer = ask->answer != NULL ? fw_elem_find(fw_stanza_root(ask->answer),
	                                                            "answer", NS_CONTROL)
	                                             : NULL;

	if (ask->handle != NULL) {
		*ask->handle = NULL;
		ask->handle = NULL;
	}
	if (answer != NULL) {
		ask->done(ask->ctx, fw_elem_text(answer), FW_CAUSE_NONE);
	} else {
		ask->done(ask->ctx, fw_str(NULL),
		          ask->cause != FW_CAUSE_NONE ? ask->cause : FW_CAUSE_BAD_STANZA);
	}
	ask_free(&ask);
}

static void ask_expired(void *ctx)
{
	struct control_ask *ask = ctx;

	ask->cause = FW_CAUSE_REQUEST_TIMEOUT;
	ask_tell(ask);
}

/* The cause that an error answer names; else what is nearest. */
static enum fw_cause cause_of(struct fw_stanza *answer)
{
	struct fw_elem *error = fw_elem_find(fw_stanza_root(answer), "error", NULL);
	struct fw_elem *named = fw_elem_find(error, "cause", "urn:fedway:cause:1");
	enum fw_cause cause =
	        named != NULL ? fw_cause_by_name(fw_elem_attr(named, "name")) : FW_CAUSE_COUNT;

	return cause != FW_CAUSE_COUNT && cause != FW_CAUSE_NONE ? cause : FW_CAUSE_NO_ROUTE;
}

static void take_answer(struct control_remote *room, struct fw_stanza **stanza)
{
	char id[32];

	for (struct control_ask *ask = room->asks; ask != NULL; ask = ask->next) {
		(void)snprintf(id, sizeof(id), "control-%llu", (unsigned long long)ask->number);
		if (ask->answer == NULL && ask->cause == FW_CAUSE_NONE &&
		    fw_str_is(fw_stanza_id(*stanza), id) &&
		    fw_str_eq_nocase(fw_stanza_from_domain(*stanza), fw_str(ask->service))) {
			if (fw_stanza_is_error(*stanza)) {
				ask->cause = cause_of(*stanza);
			}
			ask->answer = *stanza;
			*stanza = NULL;
			fw_defer(room->router->loop, &ask->task);
			return;
		}
	}
	fw_stanza_end(stanza, FW_EXIT_DROPPED, FW_CAUSE_UNEXPECTED_REPLY);
}

static int make_question(const struct control_ask *ask, struct fw_str command,
                         const struct fw_json *args, struct fw_stanza **out)
{
	struct fw_stanza *iq = NULL;
	char *text = args != NULL ? fw_json_dump(args, false) : NULL;
	char id[32];
	int ret = FW_ENOMEM;

	(void)snprintf(id, sizeof(id), "control-%llu", (unsigned long long)ask->number);
	if ((args != NULL && text == NULL) || fw_stanza_new("iq", NULL, &iq) != FW_OK) {
		goto done;
	}
	struct fw_elem *element = fw_elem_add(fw_stanza_root(iq), "command", NS_CONTROL);
	if (fw_stanza_set(iq, "type", fw_str("get")) != FW_OK ||
	    fw_stanza_set(iq, "id", fw_str(id)) != FW_OK ||
	    fw_stanza_set(iq, "from", fw_str(ask->room->component->id)) != FW_OK ||
	    fw_stanza_set(iq, "to", fw_str(ask->service)) != FW_OK || element == NULL ||
	    fw_elem_set(element, "name", command) != FW_OK ||
	    (text != NULL && fw_elem_set_text(element, fw_str(text)) != FW_OK)) {
		goto done;
	}
	*out = iq;
	iq = NULL;
	ret = FW_OK;
done:
	fw_stanza_free(&iq);
	free(text);
	return ret;
}

int control_ask_realm(struct router *router, const char *realm, struct fw_str command,
                      const struct fw_json *args, control_ask_fn *done, void *ctx,
                      struct control_ask **out)
{
	struct control_remote *room = router->remote;
	struct control_ask *ask = calloc(1, sizeof(*ask));
	struct fw_stanza *iq = NULL;

	if (ask == NULL) {
		return FW_ENOMEM;
	}
	ask->room = room;
	ask->done = done;
	ask->ctx = ctx;
	ask->task.fn = ask_tell;
	ask->task.ctx = ask;
	ask->number = ++room->next_number;
	(void)snprintf(ask->service, sizeof(ask->service), "control.%s", realm);
	ask->next = room->asks;
	ask->prev = &room->asks;
	if (ask->next != NULL) {
		ask->next->prev = &ask->next;
	}
	room->asks = ask;
	if (make_question(ask, command, args, &iq) != FW_OK ||
	    fw_timer_new(router->loop, ask_expired, ask, &ask->timer) != FW_OK) {
		fw_stanza_free(&iq);
		ask_free(&ask);
		return FW_ENOMEM;
	}
	ask->handle = out;
	*out = ask;
	fw_timer_start_ms(ask->timer, REMOTE_TIMEOUT_MS, 0);
	(void)router_route(room->component, &iq); /* what goes wrong comes back as an error */
	return FW_OK;
}

void control_ask_cancel(struct control_ask **ask)
{
	if (ask != NULL) {
		ask_free(ask);
	}
}

/* ---- the component ---- */

static int remote_deliver(void *port, struct fw_stanza **stanza)
{
	struct control_remote *room = port;

	if (fw_stanza_kind(*stanza) != FW_KIND_IQ) {
		router_bounce(room->router, stanza, FW_CAUSE_UNHANDLED);
	} else if (fw_stanza_is_request(*stanza)) {
		take_question(room, stanza);
	} else {
		take_answer(room, stanza);
	}
	return FW_OK;
}

static const struct component_port remote_port = {
	.kind = "control",
	.deliver = remote_deliver,
};

int control_remote_start(struct router *router, struct fw_error *err)
{
	struct control_remote *room;
	char id[FW_DOMAIN_SIZE];

	if (router->remote != NULL || router->config->router.routers.count == 0) {
		return FW_OK;
	}
	room = calloc(1, sizeof(*room));
	if (room == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	(void)snprintf(id, sizeof(id), "control.%s", router->realm);
	room->router = router;
	int ret = component_add(router, id, false, &remote_port, room, &room->component);
	if (ret != FW_OK) {
		free(room);
		return fw_error_set(err, ret, "cannot make the service %s: %s", id,
		                    ret == FW_EEXIST ? "a component has that ID"
		                                     : fw_strerror(ret));
	}
	component_up(room->component);
	router->remote = room;
	return FW_OK;
}

void control_remote_stop(struct router *router)
{
	struct control_remote *room = router->remote;

	if (room == NULL) {
		return;
	}
	while (room->jobs != NULL) {
		struct control_job *job = room->jobs;
		struct fw_stanza *request = job->request;
		job_free(&job);
		router_bounce(router, &request, FW_CAUSE_SHUTDOWN);
	}
	while (room->asks != NULL) {
		struct control_ask *ask = room->asks;
		ask->cause = FW_CAUSE_SHUTDOWN;
		ask_tell(ask);
	}
	component_remove(&room->component);
	router->remote = NULL;
	free(room);
}
