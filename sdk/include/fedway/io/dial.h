/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Opens a server-to-server stream as the initiating server: connects to targets, sends the header, takes the
 * features, does TLS as target and security mode ask, and hands over a channel that is ready for authentication.
 * Targets race (RFC 8305, XEP-0495): the next begins when none has come further for a moment, or when one fails,
 * and the first that is ready for authentication wins. The S2S module and the dialback verifier both dial with it.
 */
#ifndef FEDWAY_IO_DIAL_H
#define FEDWAY_IO_DIAL_H

#include <fedway/config.h>
#include <fedway/io/channel.h>
#include <fedway/jid.h>
#include <fedway/log.h>
#include <fedway/stanza.h>

FW_BEGIN_DECLS

struct fw_dial;

/** How much TLS a stream must have. */
enum fw_security { FW_SECURITY_REQUIRED, FW_SECURITY_OPTIONAL, FW_SECURITY_NONE };

/** For option tables: `tls-required`, `tls-optional`, `no-tls`. */
extern FW_API const struct fw_choice fw_security_choices[];

/** How a target wants to be spoken to. */
enum fw_target_tls {
	FW_TARGET_STARTTLS,   /**< clear text first; TLS as the security mode says */
	FW_TARGET_DIRECT_TLS, /**< TLS from the first byte (XEP-0368) */
};

/** For option tables and for the resolver's answers: `starttls`, `direct`. */
extern FW_API const struct fw_choice fw_target_tls_choices[];

/** One address to try. */
struct fw_target {
	struct fw_addr addr;
	char host[FW_DOMAIN_SIZE]; /**< the name that gave the address, for the log */
	enum fw_target_tls tls;
	uint16_t priority, weight; /**< as in DNS or the static route; the order of the list decides */
};

/**
 * Reads the targets of a resolver's answer in their order; those that cannot be read are left out.
 * @param list  <targets/>, or NULL
 * @return how many were written to `out`, at most `max`
 */
FW_API size_t fw_targets_read(const struct fw_elem *list, struct fw_target *out, size_t max);

/**
 * Addresses to connect from, as an operator writes them.
 * @param out  one for each that was given; len 0: none
 * @return FW_OK; FW_EINVAL (err names the text: no address, or two of one family)
 */
FW_API int fw_sources_parse(const struct fw_strings *texts, struct fw_addr out[2], struct fw_error *err);

/** Targets of one dial; what is over is left out. */
#define FW_TARGETS_MAX 16u
/** What RFC 8305 §5 recommends between two attempts. */
#define FW_DIAL_DELAY_MS 250u

enum fw_dial_phase { FW_DIAL_CONNECT, FW_DIAL_STREAM, FW_DIAL_TLS, FW_DIAL_PHASES };

/** How one target was tried. */
struct fw_dial_attempt {
	const struct fw_target *target;
	enum fw_dial_phase phase;         /**< the last that began */
	enum fw_cause cause;              /**< FW_CAUSE_NONE: it won */
	char detail[160];                 /**< more words, or "" */
	uint64_t begun_us;                /**< after the dial's own beginning */
	uint64_t spent_us[FW_DIAL_PHASES];
};

/**
 * Looks at a connection whose TLS has just been made, before a byte is sent in it.
 * @param detail  words for the log
 * @return FW_CAUSE_NONE: it may go on; else this target has failed for this cause, and makes way for the next
 */
typedef enum fw_cause fw_dial_judge_fn(void *ctx, const struct fw_channel *channel, char *detail, size_t size);

struct fw_dial_settings {
	const char *local_domain;   /**< header's from */
	const char *remote_domain;  /**< header's to, and SNI */
	enum fw_security security;  /**< under no-tls targets with direct TLS are passed over */
	struct fw_tls_context *tls; /**< needed unless no-tls; the dial takes its own reference */
	struct fw_xml_limits limits;
	uint32_t connect_timeout_ms; /**< per target */
	uint32_t stream_timeout_ms;  /**< header and features, each time */
	uint32_t tls_timeout_ms;
	uint32_t attempt_delay_ms;   /**< head start of each target; twice that before a worse priority. 0: the default */
	struct fw_addr sources[2];   /**< addresses to connect from, at most one per family; len 0: the system's choice */
	fw_dial_judge_fn *judge;     /**< with the ctx of `done`; NULL: every certificate will do */
	const struct fw_log *log;    /**< [b]; outlives the dial */
	bool quiet;                  /**< its lines are for debugging only: the owner tells what matters */
	const struct fw_target *targets; /**< copied */
	size_t target_count;         /**< 1 or more; in order of preference */
	fw_channel_tap_fn *tap;      /**< looks on at every channel from its first byte; NULL: nobody */
	void *tap_ctx;
};

/** What a dial brought; given to the callback, lives until it returns. */
struct fw_dial_result {
	enum fw_cause cause;        /**< FW_CAUSE_NONE: the channel is open and features are in */
	const char *detail;         /**< more words for the log, or "" */
	struct fw_channel *channel; /**< take it by setting to NULL; call fw_channel_set_owner() at once */
	struct fw_stanza *features; /**< <stream:features/>; NULL from a peer before XMPP 1.0 */
	struct fw_stream_header header; /**< the peer's last one */
	const struct fw_target *target; /**< the one that worked, or the last tried */
	uint64_t spent_us[FW_DIAL_PHASES]; /**< on that target */
	const struct fw_dial_attempt *attempts; /**< in the order in which they began */
	size_t attempt_count;
};
typedef void fw_dial_fn(void *ctx, struct fw_dial_result *result);

/**
 * Begins. `done` runs exactly once, never before this returns.
 * A target that refuses, times out, or fails in TLS or stream makes way for the next at once. Addresses of one host
 * alternate between the families. Streams that lost the race, or were given up, close by themselves.
 * @return FW_OK, FW_EINVAL (no target), FW_ENOMEM [g]
 */
FW_API int fw_dial_start(struct fw_loop *loop, const struct fw_dial_settings *settings, fw_dial_fn *done, void *ctx,
                         struct fw_dial **out);
/** Gives up; `done` does not run. NULL is allowed. Also frees the handle after `done`. */
FW_API void fw_dial_cancel(struct fw_dial **dial);
/** Word for where the attempt that came furthest stands: "connect", "stream", "tls". */
FW_API const char *fw_dial_phase_name(const struct fw_dial *dial);

FW_END_DECLS

#endif
