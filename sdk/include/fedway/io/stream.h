/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * An XMPP stream without a socket: bytes in, events out, bytes out. It knows headers, first-level elements,
 * errors and footers (RFC 6120 §4); it knows nothing of TLS, timers or trust. Everything from the peer is
 * checked against the limits; what breaks them is told as a cause, and the stream takes no more input.
 */
#ifndef FEDWAY_IO_STREAM_H
#define FEDWAY_IO_STREAM_H

#include <stdarg.h>
#include <sys/uio.h>

#include <fedway/io/xml.h>
#include <fedway/stanza.h>

FW_BEGIN_DECLS

#define FW_NS_STREAMS "http://etherx.jabber.org/streams"
#define FW_NS_SERVER "jabber:server"
#define FW_NS_COMPONENT "jabber:component:accept"
#define FW_NS_DIALBACK "jabber:server:dialback"
#define FW_NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define FW_NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define FW_NS_SM "urn:xmpp:sm:3"
#define FW_NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"
#define FW_NS_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"

struct fw_stream;

struct fw_stream_settings {
	const char *content_ns;      /**< FW_NS_SERVER or FW_NS_COMPONENT; static text */
	bool dialback;               /**< declare xmlns:db in our header */
	struct fw_xml_limits limits;
};

/** The peer's header; slices live until the callback returns. */
struct fw_stream_header {
	struct fw_str to, from, id, lang;
	bool has_version;   /**< false: a peer from before XMPP 1.0, which sends and expects no features */
	bool has_dialback;  /**< it declared the dialback namespace */
};

struct fw_stream_events {
	/** The peer's header has arrived. */
	void (*opened)(void *ctx, const struct fw_stream_header *header);
	/** A first-level element. Take it by setting *stanza to NULL, else it is freed. */
	void (*element)(void *ctx, struct fw_stanza **stanza);
	/** The peer's footer. */
	void (*ended)(void *ctx);
	/** The input is refused; no more is read. */
	void (*refused)(void *ctx, enum fw_cause cause);
	/**
	 * A message, presence or iq was written whole, and is not kept by fw_stream_acks_begin(): take it by setting *stanza to
	 * NULL, else it ends as delivered. Nothing may be sent, ended or freed from within. May be NULL.
	 */
	void (*sent)(void *ctx, struct fw_stanza **stanza);
};

/** @return FW_OK, FW_ENOMEM [g] */
FW_API int fw_stream_new(const struct fw_stream_settings *settings, const struct fw_stream_events *events, void *ctx,
                         struct fw_stream **out);
/** Stanzas still queued are dropped as component-gone: take them back first. May be called from within an event. */
FW_API void fw_stream_free(struct fw_stream **stream);
/** New limits, after authentication. From then on plain stanzas are recognised without the XML library, which stays
 * the judge of all others. */
FW_API void fw_stream_set_limits(struct fw_stream *stream, const struct fw_xml_limits *limits);
/** Clock for stamps of arriving stanzas, in milliseconds; set once per turn by the owner. */
FW_API void fw_stream_set_now(struct fw_stream *stream, uint64_t now_ms);

/* ---- bytes in ---- */

/** Where to put received bytes. *size is never 0. @return FW_OK, FW_ENOMEM */
FW_API int fw_stream_space(struct fw_stream *stream, void **space, size_t *size);
/** Bytes have been put there: parses them and runs events. */
FW_API void fw_stream_received(struct fw_stream *stream, size_t size);
/** Ends parsing at the element whose event runs now: nothing behind it is looked at before fw_stream_restart(). */
FW_API void fw_stream_hold(struct fw_stream *stream);
/** Bytes received behind the element at which parsing was held. */
FW_API size_t fw_stream_held(const struct fw_stream *stream);
/** Forgets the peer's header and all held bytes; the next bytes begin a new stream (RFC 6120 §4.3.3). */
FW_API void fw_stream_restart(struct fw_stream *stream);
/** Gives back parser and buffer when nothing is unfinished; the next bytes build them again. */
FW_API void fw_stream_rest(struct fw_stream *stream);

/* ---- bytes out ---- */

/**
 * Queues our header. Absent slices are left out.
 * @param version  write version='1.0'
 */
FW_API int fw_stream_open(struct fw_stream *stream, struct fw_str to, struct fw_str from, struct fw_str id, bool version);
/**
 * Queues a stanza [t]; it ends as delivered when its last byte was taken. After fw_stream_close() it only waits for
 * fw_stream_take_back().
 * @return FW_OK, FW_ENOMEM (the stanza is dropped as resource-constraint)
 */
FW_API int fw_stream_send(struct fw_stream *stream, struct fw_stanza **stanza);
/** Queues text as it is: features, handshakes. @return FW_OK, FW_ENOMEM */
FW_API int fw_stream_send_text(struct fw_stream *stream, const char *format, ...) FW_PRINTF(2, 3);
FW_API int fw_stream_send_vtext(struct fw_stream *stream, const char *format, va_list args) FW_PRINTF(2, 0);
/** The same without a format; up to some 200 bytes need no allocation. @return FW_OK, FW_ENOMEM */
FW_API int fw_stream_send_raw(struct fw_stream *stream, struct fw_str text);
/** Queues a stream error (when the cause has one) with its text, and the footer. Our header first, if none went. */
FW_API void fw_stream_close(struct fw_stream *stream, enum fw_cause cause);
/** Fills up to `max` pieces of what waits; returns how many. */
FW_API int fw_stream_pending(struct fw_stream *stream, struct iovec *pieces, int max);
/** So many of those bytes have been taken. */
FW_API void fw_stream_sent(struct fw_stream *stream, size_t size);
/** What is queued has to wait: it stops to borrow receive buffers and keeps copies of its own bytes. */
FW_API void fw_stream_settle(struct fw_stream *stream);
/** What waits: stanzas (without texts) and bytes of everything. */
FW_API void fw_stream_queued(const struct fw_stream *stream, size_t *stanzas, size_t *bytes);
/** Texts among that. */
FW_API size_t fw_stream_queued_texts(const struct fw_stream *stream);
/** Takes the oldest stanza that was not sent whole out of the queue; NULL when there is none. [g] */
FW_API struct fw_stanza *fw_stream_take_back(struct fw_stream *stream);

/* ---- acknowledgement: the counting of XEP-0198 §4; its elements are the owner's ---- */

/**
 * Queues `text` (the element that begins the count) and keeps every message, presence and iq that is written behind it,
 * in copies of their own, until the peer has acknowledged them; then they end as acknowledged. The owner bounds their number.
 * @return FW_OK, FW_ENOMEM
 */
FW_API int fw_stream_acks_begin(struct fw_stream *stream, struct fw_str text);
/** The peer does not want to: what was kept ends as delivered, and nothing more is kept. */
FW_API void fw_stream_acks_end(struct fw_stream *stream);
/** The peer has so many, modulo 2^32. @return FW_OK; FW_EINVAL: more than were written */
FW_API int fw_stream_acked(struct fw_stream *stream, uint32_t handled);
/** For an owner that counts itself: what the stream error of FW_CAUSE_HANDLED_TOO_HIGH says. */
FW_API void fw_stream_acks_refuse(struct fw_stream *stream, uint32_t handled, uint32_t sent);
/** What is written and not acknowledged. */
FW_API void fw_stream_unacknowledged(const struct fw_stream *stream, size_t *stanzas, size_t *bytes);
/** Takes the oldest of these: the peer may have it. NULL when there is none. [g] */
FW_API struct fw_stanza *fw_stream_take_unacknowledged(struct fw_stream *stream);
/** Our own count begins with the next stanza that arrives. */
FW_API void fw_stream_handled_begin(struct fw_stream *stream);
/** Our own count, modulo 2^32: stanzas given to the owner since then. */
FW_API uint32_t fw_stream_handled(const struct fw_stream *stream);

/** Counters since the beginning, over all restarts. */
struct fw_stream_counts {
	uint64_t stanzas_in, stanzas_out, bytes_in, bytes_out;
};
FW_API const struct fw_stream_counts *fw_stream_counts(const struct fw_stream *stream);

FW_END_DECLS

#endif
