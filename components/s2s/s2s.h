/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The S2S connection manager's own table: its options, its instance, and the small rooms that both
 * directions use (listeners, limits, questions to services, log). Streams are in s2s_leg.h,
 * s2s_in.h and s2s_out.h. Included by the files of this folder and by their tests only.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_H
#define FEDWAY_COMPONENTS_S2S_S2S_H

#include "components/s2s/s2s_security.h"
#include "components/s2s/s2s_waiting.h"

#include <fedway/fedway.h>
#include <fedway/io/channel.h>
#include <fedway/io/dial.h>
#include <fedway/io/listener.h>
#include <fedway/io/machine.h>


struct s2s_egress;
struct s2s_leg;
struct s2s_limits;
struct s2s_certs;
struct s2s_keys;
struct s2s_pair;
struct s2s_pairs;
struct s2s_rates;
struct s2s_remotes;
struct fw_tls_shown;
struct s2s_traces;
struct s2s_side;
struct s2s_targets;

/* ---- options (s2s_options.c) ---- */

struct s2s_config {
	int side;                     /**< enum s2s_side_kind */
	struct fw_rows inner_servers; /**< struct s2s_server_row */
	struct fw_rows listen; /**< struct fw_listen_row */
	int security_mode;     /**< enum fw_security */
	const char *certificate_file;
	const char *key_file;
	struct fw_rows certificates; /**< struct s2s_certificate_row */
	uint32_t certificate_watch_ms;
	const char *ca_file;
	const char *crl_file;
	int tls_min;           /**< these as in struct s2s_domain_row */
	struct fw_strings methods;
	int certificate_name;
	int certificate_purpose;
	bool require_client_certificates;
	struct fw_rows domains; /**< struct s2s_domain_row */
	uint32_t resolve_timeout_ms;
	uint32_t connect_timeout_ms;
	uint32_t attempt_delay_ms;
	uint32_t stream_timeout_ms;
	uint32_t tls_timeout_ms;
	uint32_t auth_timeout_ms;
	uint32_t external_retry_ms;
	uint32_t idle_timeout_ms;
	uint32_t queue_max_stanzas;
	uint64_t queue_max_bytes;
	uint32_t queue_max_age_ms;
	uint32_t queue_total_max_stanzas;
	uint64_t queue_total_max_bytes;
	uint32_t connecting_max;
	uint32_t connecting_per_domain_max;
	struct fw_strings source_addresses;
	uint32_t target_keep_ms;
	uint32_t backoff_min_ms;
	uint32_t backoff_max_ms;
	uint32_t failure_log_interval_ms;
	uint32_t unauthenticated_max;
	uint32_t unauthenticated_per_address_max;
	uint32_t connections_per_address_rate;
	uint32_t rate_max_stanzas;
	uint64_t rate_max_bytes;
	uint32_t rate_burst_s;
	bool acks;
	uint32_t ack_request_stanzas;
	uint32_t ack_request_ms;
	uint32_t ack_window_stanzas;
	uint64_t ack_window_bytes;
	bool resend_unacknowledged;
	uint32_t probe_idle_ms;
	uint32_t probe_timeout_ms;
	uint32_t tcp_timeout_ms;
	uint32_t pairs_per_stream_max;
	int multiplex; /**< enum s2s_multiplex */
	int bidi;      /**< enum s2s_bidi */
	uint32_t tag_max_bytes;
	uint32_t stanza_max_bytes;
	uint16_t depth_max;
	uint16_t attributes_max;
	uint16_t declarations_max;
	const char *trace_dir;
	const char *tls_keylog_file;
};

extern const struct fw_option s2s_options[];
/** What rows cannot say: files that TLS needs, limits that contradict each other. */
int s2s_options_check(const void *config, struct fw_error *err);
/* ---- the instance (s2s.c) ---- */

/** What all queues hold together. */
struct s2s_totals {
	uint64_t stanzas;
	uint64_t bytes;
};

#define S2S_COUNTERS(X) /* id, name, unit, help */ \
	X(STREAMS_IN, "streams_in", "connections", \
	  "accepted from other servers") \
	X(STREAMS_REFUSED, "streams_refused", "connections", \
	  "turned away by unauthenticated_per_address_max or connections_per_address_rate, or ended to make room by unauthenticated_max") \
	X(STREAMS_SLOWED, "streams_slowed", "times", \
	  "a stream was not read for a while, because its domain was over rate_max_stanzas or rate_max_bytes") \
	X(STREAMS_OUT, "streams_out", "streams", \
	  "to other servers that were begun") \
	X(STREAMS_OUT_WAITED, "streams_out_waited", "streams", \
	  "that had to wait for their turn: connecting_max, connecting_per_domain_max") \
	X(STREAMS_OUT_UP, "streams_out_up", "streams", \
	  "to other servers that were authenticated") \
	X(STREAMS_OUT_FAILED, "streams_out_failed", "streams", \
	  "to other servers that failed: not found, not reached, or not authenticated") \
	X(DIALBACK_IN_VALID, "dialback_in_valid", "results", \
	  "domains that other servers proved to us") \
	X(DIALBACK_IN_INVALID, "dialback_in_invalid", "results", \
	  "domains with a key that was not theirs") \
	X(DIALBACK_IN_ERROR, "dialback_in_error", "results", \
	  "domains that we did not take, or that could not be proved") \
	X(DIALBACK_OUT_VALID, "dialback_out_valid", "results", \
	  "domains of ours that other servers took") \
	X(DIALBACK_OUT_INVALID, "dialback_out_invalid", "results", \
	  "domains of ours that other servers answered with invalid") \
	X(DIALBACK_OUT_ERROR, "dialback_out_error", "results", \
	  "domains of ours that other servers answered with an error") \
	X(PAIRS_JOINED, "pairs_joined", "pairs", \
	  "of domains that went over a stream to their server that was there already") \
	X(PAIRS_BACK, "pairs_back", "pairs", \
	  "of domains that went over a stream which their server had opened (XEP-0288)") \
	X(DIALBACK_CHECKS, "dialback_checks", "answers", \
	  "to servers that asked whether a key is ours") \
	X(DIALBACK_IGNORED, "dialback_ignored", "elements", \
	  "of dialback that nobody had asked for") \
	X(EXTERNAL_IN, "external_in", "streams", \
	  "whose peer authenticated by certificate") \
	X(EXTERNAL_IN_REFUSED, "external_in_refused", "tries", \
	  "of peers to do so that were refused") \
	X(EXTERNAL_OUT, "external_out", "streams", \
	  "on which the peer took our certificate") \
	X(EXTERNAL_OUT_REFUSED, "external_out_refused", "tries", \
	  "of ours to do so that were refused") \
	X(PEER_CERTIFICATES_CHANGED, "peer_certificates_changed", "times", \
	  "that a remote domain's server showed another key or issuer than before") \
	X(STANZAS_IN, "stanzas_in", "stanzas", \
	  "of proved pairs, given to the router") \
	X(BYTES_IN, "bytes_in", "bytes", \
	  "size of these stanzas") \
	X(STANZAS_OUT, "stanzas_out", "stanzas", \
	  "given to outgoing streams; one that has to go over a second stream counts twice") \
	X(BYTES_OUT, "bytes_out", "bytes", \
	  "size of these stanzas") \
	X(STANZAS_REFUSED, "stanzas_refused", "stanzas", \
	  "returned at once: full queue, back-off, too large for the peer, or not for the outside") \
	X(STANZAS_RETURNED, "stanzas_returned", "stanzas", \
	  "returned after they had waited for a stream, or were left unwritten by one") \
	X(STANZAS_UNACKNOWLEDGED, "stanzas_unacknowledged", "stanzas", \
	  "written to a stream that ended before the peer acknowledged them: returned, or sent again")

#define S2S_COUNTER_ENUM(id, name, unit, help) S2S_COUNT_##id,
enum s2s_count { S2S_COUNTERS(S2S_COUNTER_ENUM) S2S_COUNTS };
#undef S2S_COUNTER_ENUM

struct s2s {
	struct fw_self *self;
	struct fw_loop *loop;
	const struct s2s_config *config; /**< the one in force; never keep what it points to */
	struct s2s_security *security;   /**< rules of that configuration */
	struct s2s_keys *keys;           /**< what is in `tls`, and who watches it */
	struct s2s_certs *certs;         /**< what peers have shown */
	struct fw_tls_context *tls;      /**< NULL when no rule asks for TLS; streams hold their own reference */
	struct s2s_side *side;
	struct fw_listeners *listeners;
	struct s2s_leg *ins, *outs; /**< newest first */
	uint32_t in_count, out_count;
	uint32_t visits;            /**< under way (s2s_visit.c) */
	uint32_t unauthenticated;
	struct s2s_pairs *pairs;
	struct s2s_carriers *carriers;
	struct s2s_remotes *remotes;
	struct s2s_traces *traces;       /**< NULL until the first (s2s_trace.c) */
	struct s2s_egress *egress;
	struct s2s_limits *limits;
	struct s2s_rates *rates;
	uint32_t reloads;
	struct s2s_totals waiting;
	struct s2s_waiting *ranks[S2S_WAITING_RANKS]; /**< pairs' queues by what they hold */
	struct fw_task progress;
	bool draining, drained, stopping;
};

/** Adds one. */
static inline void s2s_count(const struct s2s *s2s, enum s2s_count id)
{
	fw_count(s2s->self, id, 1);
}

/** Something ended or emptied: while draining, the next step may be due. */
void s2s_progress(struct s2s *s2s);

/* ---- listeners (s2s_listen.c) ---- */

/** A set that listens nowhere yet. */
int s2s_listen_new(struct s2s *s2s, struct fw_listeners **out);
/** The port of the first listener, which the system chose when 0 was asked for; 0: nobody can connect to us. */
uint16_t s2s_listen_port(const struct s2s *s2s);

/* ---- back-off per remote domain (s2s_remotes.c) ---- */

struct s2s_failure {
	enum fw_cause cause;
	char detail[160];
	uint64_t at_ms;
	uint64_t retry_ms; /**< loop time from which one attempt may be made */
	uint32_t failures; /**< in a row; 0 after success */
};

int s2s_remotes_new(struct s2s *s2s, struct s2s_remotes **out);
void s2s_remotes_free(struct s2s_remotes **remotes);
/** An attempt may begin now: nothing failed, or the wait is over and nobody else probes. */
bool s2s_remotes_may_try(struct s2s_remotes *remotes, const char *remote);
/** An attempt begins; after a failure it is the one probe. */
void s2s_remotes_begin(struct s2s_remotes *remotes, const char *remote);
void s2s_remotes_succeeded(struct s2s_remotes *remotes, const char *remote);
/** There is a way to the domain that needs no attempt: no wait any more. */
void s2s_remotes_reached(struct s2s_remotes *remotes, const char *remote);
/** An attempt for one of our domains failed while the remote domain takes others: no wait for it. */
void s2s_remotes_noted(struct s2s_remotes *remotes, const char *remote, enum fw_cause cause,
		       const char *detail);
void s2s_remotes_failed(struct s2s_remotes *remotes, const char *remote, enum fw_cause cause,
			const char *detail);
/** How long to wait after so many failures in a row. */
uint64_t s2s_remotes_wait_ms(const struct s2s_config *config, uint32_t failures);
/** This address took a stream of ours: it goes first while target_keep_ms lasts. */
void s2s_remotes_worked(struct s2s_remotes *remotes, const char *remote, const struct fw_addr *addr);
/** Puts the address that worked last before the others, if it is still among them. */
void s2s_remotes_prefer(const struct s2s_remotes *remotes, const char *remote, struct s2s_targets *targets);
/** An attempt ended without a verdict on the remote domain: policy, shutdown. */
void s2s_remotes_abandoned(struct s2s_remotes *remotes, const char *remote);
/** What failed last there, also when it works again; NULL when nothing is known. */
const struct s2s_failure *s2s_remotes_failure(const struct s2s_remotes *remotes,
					      const char *remote);
/** The domain's server did not take our certificate: EXTERNAL rests for external_retry_ms. */
void s2s_remotes_external_refused(struct s2s_remotes *remotes, const char *remote);
bool s2s_remotes_refuses_external(const struct s2s_remotes *remotes, const char *remote);
/** Attempts fail one after the other: their lines are for debugging, the repeats are counted. */
bool s2s_remotes_is_failing(const struct s2s_remotes *remotes, const char *remote);
/** How the targets of an attempt that has begun were tried. */
void s2s_remotes_tried(struct s2s_remotes *remotes, const char *remote, const struct fw_dial_attempt *attempts,
		       size_t count);
/** The last of these, one row per target. */
void s2s_remotes_report_tried(const struct s2s_remotes *remotes, const char *remote, struct fw_json *array);
void s2s_remotes_report(const struct s2s_remotes *remotes, struct fw_json *array);

/* ---- questions to services, and their answers (s2s_ask.c) ---- */

struct s2s_targets {
	struct fw_target items[FW_TARGETS_MAX];
	size_t count;
	bool is_static;
	bool fallback_dns; /**< static targets that may be given up for what DNS says */
};

/** @param skip_static  they could not be reached: ask DNS; only after an answer with fallback_dns */
int s2s_ask_targets(struct s2s *s2s, const char *remote, bool skip_static, fw_request_fn *done, void *ctx,
		    struct fw_request **out);
/** @return FW_CAUSE_NONE, or why there is nothing to connect to */
enum fw_cause s2s_ask_read_targets(struct fw_stanza *reply, enum fw_cause cause,
				   struct s2s_targets *out);

int s2s_ask_key(struct s2s *s2s, const char *receiving, const char *originating,
		const char *stream_id, fw_request_fn *done, void *ctx, struct fw_request **out);
/** The key; absent when the service gave none. */
struct fw_str s2s_ask_read_key(struct fw_stanza *reply);

/** One dialback question: `name` is "check" (is it ours?) or "verify" (ask the other side). */
struct s2s_question {
	const char *name;
	const char *receiving;
	const char *originating;
	struct fw_str stream_id;
	struct fw_str key;
	const char *session; /**< for log lines; may be NULL */
	const char *asks;    /**< of the server that is to be asked, as fw_tls_rules_write() says it; NULL or "": nothing */
	uint32_t timeout_ms;
};
int s2s_ask_dialback(struct s2s *s2s, const struct s2s_question *question, fw_request_fn *done,
		     void *ctx, struct fw_request **out);
/** @return FW_CAUSE_NONE: valid; FW_CAUSE_DIALBACK_INVALID; another cause: no verdict */
enum fw_cause s2s_ask_read_dialback(struct fw_stanza *reply, enum fw_cause cause,
				    const char *name);

int s2s_ask_policy(struct s2s *s2s, const char *local, const char *remote, bool out_direction,
		   fw_request_fn *done, void *ctx, struct fw_request **out);
/**
 * @param asked  false when the service gave no answer; the cause then says why
 * @return FW_CAUSE_NONE: allowed; else the cause that denies
 */
enum fw_cause s2s_ask_read_policy(struct fw_stanza *reply, enum fw_cause cause, bool *asked);

/** announced("policy"): asks again for every pair of every stream (s2s_judge.c). */
void s2s_judge_all(struct s2s *s2s);
/** Domains, the switch or the configuration have changed: ends legs with a pair that this side would not begin any more. */
void s2s_judge_side(struct s2s *s2s);

/* ---- log (s2s_log.c) ---- */

/** Context of a stream's lines: `(session, from:to, IN)`. */
int s2s_log_context(const struct s2s *s2s, struct fw_log **log, const char *session,
		    struct fw_str from, struct fw_str to, bool out_direction);
/** What the log calls xcoder: short, the same in all lines of a session. */
#define S2S_XCODER_LEN 9
void s2s_log_header(const struct fw_log *log, const char *session,
		    const struct fw_stream_header *header, bool sent);
void s2s_log_stream(const struct fw_log *log, const char *session, bool sent, const char *text);
void s2s_log_element(const struct fw_log *log, const char *session, bool sent, const char *text);
void s2s_log_stanza(const struct fw_log *log, const struct fw_stanza *stanza, bool sent);
/** `from->to` of a stream, with what it took. */
void s2s_log_change(const struct fw_log *log, enum fw_level level, const char *from, const char *to,
		    uint64_t spent_us, const char *more);
/** "tls=TLSv1.3 cipher=… certificate='valid' names='DNS:…' named=true". @return `out` */
#define S2S_LOG_SECURED_SIZE 640
const char *s2s_log_secured(char out[S2S_LOG_SECURED_SIZE], const struct fw_tls_shown *shown);
void s2s_log_closed(const struct fw_log *log, enum fw_level level, enum fw_cause cause, const char *detail,
		    const struct fw_stream_counts *counts, uint64_t age_ms);

/** What an operator follows: Module="XMPPFederation" Event="…". */
#define s2s_event(log, level, event, ...) \
	fw_log_event(log, &s2s_event_logger, level, "XMPPFederation", event, __VA_ARGS__)
extern struct fw_logger s2s_event_logger;

/* ---- reports (s2s_report.c) ---- */

void s2s_report(struct fw_self *self, const char *topic, struct fw_json *out);
/** One stream. */
void s2s_report_leg(const struct s2s_leg *leg, struct fw_json *row);

#endif
