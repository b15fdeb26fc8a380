/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The questions S2S asks of the realm's services, and how their answers are read (sdk/PROTOCOL.md).
 * Called by the streams, which own the request handles. Decides nothing.
 */
#include "components/s2s/s2s.h"
#include "components/s2s/s2s_side.h"

#define NS_RESOLVER "urn:fedway:resolver:1"
#define NS_DIALBACK "urn:fedway:dialback:1"
#define NS_POLICY "urn:fedway:policy:1"

enum { POLICY_TIMEOUT_MS = 5000, CHECK_TIMEOUT_MS = 10000 };

/* A new iq of type get with one child, which is returned; NULL when out of memory. */
static struct fw_elem *ask_new(const char *name, const char *ns, struct fw_stanza **iq)
{
	if (fw_stanza_new("iq", NULL, iq) != FW_OK) {
		return NULL;
	}
	if (fw_stanza_set(*iq, "type", fw_str("get")) != FW_OK) {
		return NULL;
	}
	return fw_elem_add(fw_stanza_root(*iq), name, ns);
}

static int ask_send(struct s2s *s2s, const char *service, struct fw_stanza **iq,
                    uint32_t timeout_ms, fw_request_fn *done, void *ctx, struct fw_request **out)
{
	int ret = fw_request(s2s->self, service, iq, timeout_ms, done, ctx, out);

	fw_stanza_free(iq);
	return ret;
}

/* The answer's first child, when it is the one expected. */
static struct fw_elem *ask_child(struct fw_stanza *reply, const char *name, const char *ns)
{
	return reply != NULL ? fw_elem_find(fw_stanza_root(reply), name, ns) : NULL;
}

/* ---- resolver ---- */

int s2s_ask_targets(struct s2s *s2s, const char *remote, bool skip_static, fw_request_fn *done,
                    void *ctx, struct fw_request **out)
{
	struct fw_stanza *iq = NULL;
	struct fw_elem *resolve = ask_new("resolve", NS_RESOLVER, &iq);

	if (resolve == NULL || fw_elem_set(resolve, "domain", fw_str(remote)) != FW_OK ||
	    (skip_static && fw_elem_set(resolve, "skip", fw_str("static")) != FW_OK)) {
		fw_stanza_free(&iq);
		return FW_ENOMEM;
	}
	return ask_send(s2s, "resolver", &iq, s2s->config->resolve_timeout_ms, done, ctx, out);
}

enum fw_cause s2s_ask_read_targets(struct fw_stanza *reply, enum fw_cause cause,
                                   struct s2s_targets *out)
{
	struct fw_elem *targets = ask_child(reply, "targets", NS_RESOLVER);

	out->count = 0;
	switch (cause) {
	case FW_CAUSE_NONE:
		break;
	case FW_CAUSE_DNS_NOT_FOUND:
	case FW_CAUSE_DNS_NO_SERVICE:
	case FW_CAUSE_BAD_ADDRESS:
	case FW_CAUSE_STATIC_FAILED:
		return cause;
	default:
		return FW_CAUSE_DNS_FAILED;
	}
	out->is_static = targets != NULL && fw_str_is(fw_elem_attr(targets, "source"), "static");
	out->fallback_dns = targets != NULL && fw_str_is(fw_elem_attr(targets, "fallback"), "dns");
	out->count = fw_targets_read(targets, out->items, FW_COUNT(out->items));
	return out->count > 0 ? FW_CAUSE_NONE : FW_CAUSE_DNS_FAILED;
}

/* ---- dialback ---- */

int s2s_ask_key(struct s2s *s2s, const char *receiving, const char *originating,
                const char *stream_id, fw_request_fn *done, void *ctx, struct fw_request **out)
{
	struct fw_stanza *iq = NULL;
	struct fw_elem *key = ask_new("key", NS_DIALBACK, &iq);

	if (key == NULL || fw_elem_set(key, "receiving", fw_str(receiving)) != FW_OK ||
	    fw_elem_set(key, "originating", fw_str(originating)) != FW_OK ||
	    fw_elem_set(key, "id", fw_str(stream_id)) != FW_OK) {
		fw_stanza_free(&iq);
		return FW_ENOMEM;
	}
	return ask_send(s2s, "dialback", &iq, CHECK_TIMEOUT_MS, done, ctx, out);
}

struct fw_str s2s_ask_read_key(struct fw_stanza *reply)
{
	struct fw_elem *key = ask_child(reply, "key", NS_DIALBACK);

	return key != NULL ? fw_str_trim(fw_elem_text(key)) : fw_str(NULL);
}

int s2s_ask_dialback(struct s2s *s2s, const struct s2s_question *question, fw_request_fn *done,
                     void *ctx, struct fw_request **out)
{
	struct fw_stanza *iq = NULL;
	struct fw_elem *elem = ask_new(question->name, NS_DIALBACK, &iq);
	uint32_t timeout = question->timeout_ms > 0 ? question->timeout_ms : CHECK_TIMEOUT_MS;

	if (elem == NULL || fw_elem_set(elem, "receiving", fw_str(question->receiving)) != FW_OK ||
	    fw_elem_set(elem, "originating", fw_str(question->originating)) != FW_OK ||
	    fw_elem_set(elem, "id", question->stream_id) != FW_OK ||
	    fw_elem_set(elem, "session", fw_str(question->session)) != FW_OK ||
	    (question->asks != NULL && question->asks[0] != '\0' &&
	     fw_elem_set(elem, "asks", fw_str(question->asks)) != FW_OK) ||
	    fw_elem_set_text(elem, question->key) != FW_OK) {
		fw_stanza_free(&iq);
		return FW_ENOMEM;
	}
	return ask_send(s2s, "dialback", &iq, timeout, done, ctx, out);
}

enum fw_cause s2s_ask_read_dialback(struct fw_stanza *reply, enum fw_cause cause, const char *name)
{
	if (cause != FW_CAUSE_NONE) {
		return cause;
	}
	struct fw_elem *elem = ask_child(reply, name, NS_DIALBACK);
	struct fw_str type = elem != NULL ? fw_elem_attr(elem, "type") : fw_str(NULL);
	if (fw_str_is(type, "valid")) {
		return FW_CAUSE_NONE;
	}
	return fw_str_is(type, "invalid") ? FW_CAUSE_DIALBACK_INVALID : FW_CAUSE_INTERNAL;
}

/* ---- policy ---- */

int s2s_ask_policy(struct s2s *s2s, const char *local, const char *remote, bool out_direction,
                   fw_request_fn *done, void *ctx, struct fw_request **out)
{
	struct fw_stanza *iq = NULL;
	struct fw_elem *may = ask_new("may", NS_POLICY, &iq);
	bool turned = s2s_side_inner(s2s); /* the policy looks at the world from within */
	bool leaves = out_direction != turned;

	if (may == NULL || fw_elem_set(may, "local", fw_str(turned ? remote : local)) != FW_OK ||
	    fw_elem_set(may, "remote", fw_str(turned ? local : remote)) != FW_OK ||
	    fw_elem_set(may, "direction", fw_str(leaves ? "out" : "in")) != FW_OK) {
		fw_stanza_free(&iq);
		return FW_ENOMEM;
	}
	return ask_send(s2s, "policy", &iq, POLICY_TIMEOUT_MS, done, ctx, out);
}

enum fw_cause s2s_ask_read_policy(struct fw_stanza *reply, enum fw_cause cause, bool *asked)
{
	struct fw_elem *may = ask_child(reply, "may", NS_POLICY);

	*asked = cause == FW_CAUSE_NONE && may != NULL;
	if (!*asked) {
		return cause != FW_CAUSE_NONE ? cause : FW_CAUSE_INTERNAL;
	}
	if (fw_str_is(fw_elem_attr(may, "allowed"), "true")) {
		return FW_CAUSE_NONE;
	}
	cause = fw_cause_by_name(fw_elem_attr(may, "cause"));
	return cause != FW_CAUSE_COUNT && cause != FW_CAUSE_NONE ? cause : FW_CAUSE_POLICY_DENIED;
}
