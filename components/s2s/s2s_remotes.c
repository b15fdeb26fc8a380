/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is known of remote domains that failed: the last reason, and when the next attempt may be
 * made. The wait doubles with each failure in a row, with jitter, so that many senders do not knock
 * at once; after it one attempt probes, and success forgets the wait. Knows nothing of streams.
 */
#include <stdlib.h>

#include <fedway/io/crypto.h>

#include "components/s2s/s2s.h"

enum { REMOTES_BUCKETS = 256, REMOTES_MAX = 4096, REMOTES_TRIED_MAX = 8 };

/* How one target was tried. */
struct remotes_tried {
	struct fw_addr addr;
	char host[FW_DOMAIN_SIZE];
	struct fw_dial_attempt attempt;
	enum fw_target_tls tls;
};

struct s2s_remote {
	struct s2s_remote *next;
	struct s2s_failure failure;
	uint32_t attempts;          /* under way */
	uint64_t external_after_ms; /* until then EXTERNAL is not tried */
	struct fw_addr worked;      /* len 0: none yet */
	uint64_t worked_ms;
	enum fw_cause told; /* the failure that the log knows of; FW_CAUSE_NONE: none */
	uint64_t told_ms;   /* when it was told last */
	uint32_t repeats;   /* of it since then */
	uint32_t failed;    /* attempts since it worked */
	struct remotes_tried *tried;
	size_t tried_count;
	char name[];
};

struct s2s_remotes {
	struct s2s *s2s;
	size_t count;
	struct s2s_remote *buckets[REMOTES_BUCKETS];
};

static void remote_free(struct s2s_remote *remote)
{
	free(remote->tried);
	free(remote);
}

int s2s_remotes_new(struct s2s *s2s, struct s2s_remotes **out)
{
	struct s2s_remotes *remotes = calloc(1, sizeof(*remotes));

	if (remotes == NULL) {
		return FW_ENOMEM;
	}
	remotes->s2s = s2s;
	*out = remotes;
	return FW_OK;
}

void s2s_remotes_free(struct s2s_remotes **remotes)
{
	if (*remotes == NULL) {
		return;
	}
	for (size_t i = 0; i < REMOTES_BUCKETS; i++) {
		while ((*remotes)->buckets[i] != NULL) {
			struct s2s_remote *remote = (*remotes)->buckets[i];
			(*remotes)->buckets[i] = remote->next;
			remote_free(remote);
		}
	}
	free(*remotes);
	*remotes = NULL;
}

static struct s2s_remote *remotes_find(const struct s2s_remotes *remotes, const char *name)
{
	struct s2s_remote *remote = remotes->buckets[fw_str_hash(fw_str(name)) % REMOTES_BUCKETS];

	while (remote != NULL && strcmp(remote->name, name) != 0) {
		remote = remote->next;
	}
	return remote;
}

/* Makes room: forgets whoever failed longest ago and is not being tried. */
static void remotes_forget_oldest(struct s2s_remotes *remotes)
{
	struct s2s_remote **oldest = NULL;

	for (size_t i = 0; i < REMOTES_BUCKETS; i++) {
		for (struct s2s_remote **link = &remotes->buckets[i]; *link != NULL;
		     link = &(*link)->next) {
			if ((*link)->attempts == 0 &&
			    (oldest == NULL || (*link)->failure.at_ms < (*oldest)->failure.at_ms)) {
				oldest = link;
			}
		}
	}
	if (oldest != NULL) {
		struct s2s_remote *remote = *oldest;
		*oldest = remote->next;
		remotes->count--;
		remote_free(remote);
	}
}

static struct s2s_remote *remotes_get(struct s2s_remotes *remotes, const char *name)
{
	struct s2s_remote *remote = remotes_find(remotes, name);

	if (remote != NULL) {
		return remote;
	}
	if (remotes->count >= REMOTES_MAX) {
		remotes_forget_oldest(remotes);
	}
	size_t len = strlen(name);
	remote = calloc(1, sizeof(*remote) + len + 1);
	if (remote == NULL) {
		return NULL;
	}
	memcpy(remote->name, name, len + 1);
	struct s2s_remote **bucket = &remotes->buckets[fw_str_hash(fw_str(name)) % REMOTES_BUCKETS];
	remote->next = *bucket;
	*bucket = remote;
	remotes->count++;
	return remote;
}

bool s2s_remotes_may_try(struct s2s_remotes *remotes, const char *name)
{
	const struct s2s_remote *remote = remotes_find(remotes, name);

	if (remote == NULL || remote->failure.failures == 0) {
		return true;
	}
	return remote->attempts == 0 && fw_now_ms(remotes->s2s->loop) >= remote->failure.retry_ms;
}

void s2s_remotes_begin(struct s2s_remotes *remotes, const char *name)
{
	struct s2s_remote *remote = remotes_get(remotes, name);

	if (remote != NULL) {
		remote->attempts++;
	}
}

static struct s2s_remote *remotes_end(struct s2s_remotes *remotes, const char *name)
{
	struct s2s_remote *remote = remotes_find(remotes, name);

	if (remote != NULL && remote->attempts > 0) {
		remote->attempts--;
	}
	return remote;
}

void s2s_remotes_succeeded(struct s2s_remotes *remotes, const char *name)
{
	remotes_end(remotes, name);
	s2s_remotes_reached(remotes, name);
}

/* ---- what the log is told ---- */

/* How often the last thing told has come again. */
static void remotes_tell_repeats(const struct s2s_remotes *remotes, struct s2s_remote *remote)
{
	if (remote->repeats > 0) {
		s2s_event(fw_self_log(remotes->s2s->self), FW_LOG_WARNING, "Stream Failed Again",
		          "remote=%s cause=%s count=%u in_a_row=%u detail='%s' remedy='%s'",
		          remote->name, fw_cause_row(remote->told)->name, remote->repeats,
		          remote->failed, remote->failure.detail,
		          fw_cause_row(remote->told)->remedy);
	}
	remote->repeats = 0;
}

/* A failure as it is noted: told at once when it is another one, else counted. */
static void remotes_tell(const struct s2s_remotes *remotes, struct s2s_remote *remote)
{
	const struct s2s_failure *failure = &remote->failure;
	const struct fw_cause_row *row = fw_cause_row(failure->cause);

	remote->failed++;
	if (remote->told == failure->cause) {
		remote->repeats++;
		if (failure->at_ms - remote->told_ms <
		    remotes->s2s->config->failure_log_interval_ms) {
			return;
		}
		remotes_tell_repeats(remotes, remote);
		remote->told_ms = failure->at_ms;
		return;
	}
	remotes_tell_repeats(remotes, remote);
	s2s_event(fw_self_log(remotes->s2s->self), FW_LOG_WARNING, "Stream Failed",
	          "remote=%s cause=%s text='%s' detail='%s' remedy='%s' retry_in_ms=%llu",
	          remote->name, row->name, row->text, failure->detail, row->remedy,
	          failure->retry_ms > failure->at_ms
	                  ? (unsigned long long)(failure->retry_ms - failure->at_ms)
	                  : 0ULL);
	remote->told = failure->cause;
	remote->told_ms = failure->at_ms;
}

static void remotes_tell_reached(const struct s2s_remotes *remotes, struct s2s_remote *remote)
{
	if (remote->told != FW_CAUSE_NONE) {
		remotes_tell_repeats(remotes, remote);
		s2s_event(fw_self_log(remotes->s2s->self), FW_LOG_NOTICE, "Remote Reached",
		          "remote=%s after_failures=%u last_cause=%s", remote->name, remote->failed,
		          fw_cause_row(remote->told)->name);
	}
	remote->told = FW_CAUSE_NONE;
	remote->failed = 0;
}

bool s2s_remotes_is_failing(const struct s2s_remotes *remotes, const char *name)
{
	const struct s2s_remote *remote = remotes_find(remotes, name);

	return remote != NULL && remote->told != FW_CAUSE_NONE;
}

void s2s_remotes_reached(struct s2s_remotes *remotes, const char *name)
{
	struct s2s_remote *remote = remotes_find(remotes, name);

	if (remote != NULL) {
		remotes_tell_reached(remotes, remote);
		remote->failure.failures = 0;
		remote->failure.retry_ms = 0;
	}
}

/* Between half and all of min·2^(failures-1), at most max. */
uint64_t s2s_remotes_wait_ms(const struct s2s_config *config, uint32_t failures)
{
	uint64_t wait = config->backoff_min_ms;
	uint32_t dice;

	for (uint32_t i = 1; i < failures && wait < config->backoff_max_ms; i++) {
		wait *= 2;
	}
	if (wait > config->backoff_max_ms) {
		wait = config->backoff_max_ms;
	}
	fw_random(&dice, sizeof(dice));
	return wait / 2 + dice % (wait - wait / 2 + 1);
}

static void remotes_note(struct s2s_remote *remote, uint64_t now, enum fw_cause cause,
                         const char *detail)
{
	remote->failure.at_ms = now;
	remote->failure.cause = cause;
	fw_quote(fw_str(detail), remote->failure.detail, sizeof(remote->failure.detail));
}

void s2s_remotes_noted(struct s2s_remotes *remotes, const char *name, enum fw_cause cause,
                       const char *detail)
{
	struct s2s_remote *remote = remotes_end(remotes, name);

	if (remote != NULL) {
		remotes_note(remote, fw_now_ms(remotes->s2s->loop), cause, detail);
		remotes_tell(remotes, remote);
	}
}

void s2s_remotes_failed(struct s2s_remotes *remotes, const char *name, enum fw_cause cause,
                        const char *detail)
{
	struct s2s_remote *remote = remotes_end(remotes, name);

	if (remote == NULL) {
		return;
	}
	struct s2s_failure *failure = &remote->failure;
	uint64_t now = fw_now_ms(remotes->s2s->loop);
	/* Attempts that ran side by side and fail together are one failure. */
	if (failure->failures == 0 || now >= failure->retry_ms) {
		failure->failures++;
		failure->retry_ms =
		        now + s2s_remotes_wait_ms(remotes->s2s->config, failure->failures);
	}
	remotes_note(remote, now, cause, detail);
	remotes_tell(remotes, remote);
}

void s2s_remotes_worked(struct s2s_remotes *remotes, const char *name, const struct fw_addr *addr)
{
	struct s2s_remote *remote = remotes_find(remotes, name);

	if (remote != NULL) {
		remote->worked = *addr;
		remote->worked_ms = fw_now_ms(remotes->s2s->loop);
	}
}

void s2s_remotes_prefer(const struct s2s_remotes *remotes, const char *name,
                        struct s2s_targets *targets)
{
	const struct s2s_remote *remote = remotes_find(remotes, name);
	uint64_t keep_ms = remotes->s2s->config->target_keep_ms;
	size_t at = 0;

	if (remote == NULL || remote->worked.len == 0 ||
	    fw_now_ms(remotes->s2s->loop) >= remote->worked_ms + keep_ms) {
		return;
	}
	while (at < targets->count && !fw_addr_eq(&targets->items[at].addr, &remote->worked)) {
		at++;
	}
	if (at > 0 && at < targets->count) {
		const struct fw_target first = targets->items[at];
		memmove(&targets->items[1], &targets->items[0], at * sizeof(first));
		targets->items[0] = first;
	}
}

void s2s_remotes_abandoned(struct s2s_remotes *remotes, const char *name)
{
	remotes_end(remotes, name);
}

void s2s_remotes_external_refused(struct s2s_remotes *remotes, const char *name)
{
	struct s2s_remote *remote = remotes_get(remotes, name);

	if (remote != NULL) {
		remote->external_after_ms =
		        fw_now_ms(remotes->s2s->loop) + remotes->s2s->config->external_retry_ms;
	}
}

bool s2s_remotes_refuses_external(const struct s2s_remotes *remotes, const char *name)
{
	const struct s2s_remote *remote = remotes_find(remotes, name);

	return remote != NULL && fw_now_ms(remotes->s2s->loop) < remote->external_after_ms;
}

const struct s2s_failure *s2s_remotes_failure(const struct s2s_remotes *remotes, const char *name)
{
	const struct s2s_remote *remote = remotes_find(remotes, name);

	return remote != NULL && remote->failure.cause != FW_CAUSE_NONE ? &remote->failure : NULL;
}

/* ---- how targets were tried ---- */

void s2s_remotes_tried(struct s2s_remotes *remotes, const char *name,
                       const struct fw_dial_attempt *attempts, size_t count)
{
	struct s2s_remote *remote = remotes_find(remotes, name);
	size_t kept = count < REMOTES_TRIED_MAX ? count : REMOTES_TRIED_MAX;
	struct remotes_tried *tried =
	        remote != NULL && kept > 0 ? calloc(kept, sizeof(*tried)) : NULL;

	if (tried == NULL) {
		return;
	}
	attempts += count - kept; /* the last ones decided */
	for (size_t i = 0; i < kept; i++) {
		const struct fw_target *target = attempts[i].target;
		tried[i].attempt = attempts[i];
		tried[i].addr = target->addr;
		tried[i].tls = target->tls;
		memcpy(tried[i].host, target->host, sizeof(tried[i].host));
		tried[i].attempt.target = NULL; /* the dial's */
	}
	free(remote->tried);
	remote->tried = tried;
	remote->tried_count = kept;
}

static void remotes_set_ms(struct fw_json *row, const char *key, uint64_t us)
{
	if (us > 0) {
		fw_json_setf(row, key, "%llu.%llu ms", (unsigned long long)(us / 1000),
		             (unsigned long long)(us % 1000 / 100));
	}
}

void s2s_remotes_report_tried(const struct s2s_remotes *remotes, const char *name,
                              struct fw_json *array)
{
	const struct s2s_remote *remote = remotes_find(remotes, name);

	for (size_t i = 0; remote != NULL && i < remote->tried_count; i++) {
		const struct remotes_tried *tried = &remote->tried[i];
		const struct fw_dial_attempt *attempt = &tried->attempt;
		struct fw_json *row = fw_json_append_object(array);
		char address[FW_ADDR_TEXT_SIZE];
		fw_json_set(row, "address", fw_str(fw_addr_text(&tried->addr, address)));
		fw_json_set(row, "host", fw_str(tried->host));
		fw_json_set(row, "tls",
		            fw_str(tried->tls == FW_TARGET_DIRECT_TLS ? "direct" : "starttls"));
		remotes_set_ms(row, "begun", attempt->begun_us);
		remotes_set_ms(row, "connect", attempt->spent_us[FW_DIAL_CONNECT]);
		remotes_set_ms(row, "stream", attempt->spent_us[FW_DIAL_STREAM]);
		remotes_set_ms(row, "handshake", attempt->spent_us[FW_DIAL_TLS]);
		fw_json_set(row, "outcome",
		            fw_str(attempt->cause == FW_CAUSE_NONE
		                           ? "good"
		                           : fw_cause_row(attempt->cause)->name));
		fw_json_set(row, "detail", fw_str(attempt->detail));
	}
}

/* ---- reports ---- */

void s2s_remotes_report(const struct s2s_remotes *remotes, struct fw_json *array)
{
	uint64_t now = fw_now_ms(remotes->s2s->loop);

	for (size_t i = 0; i < REMOTES_BUCKETS; i++) {
		for (const struct s2s_remote *remote = remotes->buckets[i]; remote != NULL;
		     remote = remote->next) {
			const struct s2s_failure *failure = &remote->failure;
			if (failure->cause == FW_CAUSE_NONE) {
				continue;
			}
			struct fw_json *row = fw_json_append_object(array);
			fw_json_set(row, "remote", fw_str(remote->name));
			fw_json_set(row, "cause", fw_str(fw_cause_row(failure->cause)->name));
			fw_json_set(row, "text", fw_str(fw_cause_row(failure->cause)->text));
			fw_json_set(row, "remedy", fw_str(fw_cause_row(failure->cause)->remedy));
			fw_json_set(row, "detail", fw_str(failure->detail));
			fw_json_set_int(row, "ago_ms", (int64_t)(now - failure->at_ms));
			fw_json_set_int(row, "failures", failure->failures);
			fw_json_set_int(row, "retry_in_ms",
			                failure->failures > 0 && failure->retry_ms > now
			                        ? (int64_t)(failure->retry_ms - now)
			                        : 0);
		}
	}
}
