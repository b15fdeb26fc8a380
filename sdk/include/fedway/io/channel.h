/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A stream on a socket, in clear or under TLS: reads, parses, writes once per turn, and ends in one way. Used for
 * links on 7400, for S2S in both directions, and by anyone's own connection manager. Timers for phases
 * are the owner's; the channel only bounds the wait for the peer's footer.
 */
#ifndef FEDWAY_IO_CHANNEL_H
#define FEDWAY_IO_CHANNEL_H

#include <fedway/io/loop.h>
#include <fedway/io/socket.h>
#include <fedway/io/stream.h>
#include <fedway/io/tls.h>

FW_BEGIN_DECLS

struct fw_channel;

struct fw_channel_events {
	/** The peer's stream header. */
	void (*opened)(void *ctx, const struct fw_stream_header *header);
	/** A first-level element; take it by setting *stanza to NULL, else it is freed. */
	void (*element)(void *ctx, struct fw_stanza **stanza);
	/** The TLS handshake is done; the stream (re)starts: the initiating side now opens it. May be NULL. */
	void (*secured)(void *ctx);
	/**
	 * The end, exactly once, never from within a call of the owner's. Nothing is sent or received any more;
	 * stanzas that were not written can be had with fw_channel_take_back(). Then fw_channel_free().
	 * @param cause   the first reason; the one given to fw_channel_close() when that came first
	 * @param detail  more words for the log (a peer's error condition, errno, TLS), or ""
	 */
	void (*closed)(void *ctx, enum fw_cause cause, const char *detail);
	/** Everything queued has been written. May be NULL. */
	void (*drained)(void *ctx);
	/** The peer broke a rule and has been told so; closed() follows when it has gone, or after 5 s. May be NULL. */
	void (*refused)(void *ctx, enum fw_cause cause);
	/**
	 * A message, presence or iq was written whole: take it by setting *stanza to NULL, else it ends as delivered.
	 * Nothing may be done with the channel from within. May be NULL.
	 */
	void (*sent)(void *ctx, struct fw_stanza **stanza);
	/** The peer's footer. Ours follows behind what is queued from within this event: last words. May be NULL. */
	void (*ended)(void *ctx);
};

/**
 * Takes over a connected (or connecting) descriptor and begins to read.
 * @param fd  *fd is -1 on return [t]
 * @return FW_OK, FW_ENOMEM, FW_ESYS [g]
 */
FW_API int fw_channel_new(struct fw_loop *loop, int *fd, const struct fw_stream_settings *settings,
                          const struct fw_channel_events *events, void *ctx, struct fw_channel **out);
/** At once, without a footer; closed() does not run. Stanzas not taken back are dropped as component-gone. */
FW_API void fw_channel_free(struct fw_channel **channel);
/** Another owner: events go there from now on. */
FW_API void fw_channel_set_owner(struct fw_channel *channel, const struct fw_channel_events *events, void *ctx);

/** Our stream header. Absent slices are left out. */
FW_API void fw_channel_open(struct fw_channel *channel, struct fw_str to, struct fw_str from, struct fw_str id,
                            bool version);
/**
 * The stream begins anew on the same connection (RFC 6120 §4.3.3), as after SASL: the next bytes are the peer's new
 * header. From the element event that led here, what stands behind that element is forgotten: the peer had to wait.
 * What is queued is still written; fw_channel_open() may follow at once.
 */
FW_API void fw_channel_restart(struct fw_channel *channel);
/** Queues a stanza [t]; written at the end of the turn; it ends as delivered when the system has all of it. */
FW_API void fw_channel_send(struct fw_channel *channel, struct fw_stanza **stanza);
/** Queues text as it is. */
FW_API void fw_channel_send_text(struct fw_channel *channel, const char *format, ...) FW_PRINTF(2, 3);
FW_API void fw_channel_send_vtext(struct fw_channel *channel, const char *format, va_list args) FW_PRINTF(2, 0);
/** The same without a format, for what goes out with every stanza: up to some 200 bytes without an allocation. */
FW_API void fw_channel_send_raw(struct fw_channel *channel, struct fw_str text);
/** What waits to be written. */
FW_API void fw_channel_queued(const struct fw_channel *channel, size_t *stanzas, size_t *bytes);
/** Texts among that: who answers a peer must know when it does not read. */
FW_API size_t fw_channel_queued_texts(const struct fw_channel *channel);
/** Oldest unwritten stanza, or NULL. [g] */
FW_API struct fw_stanza *fw_channel_take_back(struct fw_channel *channel);

/** Acknowledgement: as the calls of fw_stream. Without memory fw_channel_acks_begin() closes the channel. */
FW_API void fw_channel_acks_begin(struct fw_channel *channel, struct fw_str text);
FW_API void fw_channel_acks_end(struct fw_channel *channel);
FW_API int fw_channel_acked(struct fw_channel *channel, uint32_t handled);
FW_API void fw_channel_acks_refuse(struct fw_channel *channel, uint32_t handled, uint32_t sent);
FW_API void fw_channel_unacknowledged(const struct fw_channel *channel, size_t *stanzas, size_t *bytes);
/** Oldest stanza that was written and not acknowledged, or NULL: before fw_channel_take_back(), for the order. [g] */
FW_API struct fw_stanza *fw_channel_take_unacknowledged(struct fw_channel *channel);
FW_API void fw_channel_handled_begin(struct fw_channel *channel);
FW_API uint32_t fw_channel_handled(const struct fw_channel *channel);

/**
 * TLS from here on. By STARTTLS: called from the element event of <starttls/> (after queueing <proceed/>) or of <proceed/>;
 * what is queued goes out in clear, then the handshake begins and the stream starts anew. Bytes behind that element end
 * the channel with FW_CAUSE_TLS_INJECTION (RFC 6120 §5.4.2.3). With `direct`: at once, before anything else is done with the channel.
 */
FW_API void fw_channel_secure(struct fw_channel *channel, struct fw_tls_context *context,
                              const struct fw_tls_start *start);
/**
 * For an accepted channel, before anything else: when the peer's first byte begins TLS, so does the channel
 * (XEP-0368), and secured() comes before opened(); else it goes on in clear.
 */
FW_API void fw_channel_sniff_tls(struct fw_channel *channel, struct fw_tls_context *context);
/** NULL while in clear. */
FW_API struct fw_tls *fw_channel_tls(const struct fw_channel *channel);

/**
 * Ends in good order (RFC 6120 §4.4): error if the cause has one, footer, what is queued before it is still
 * written, up to 5 s for the peer's footer, then closed(). Further calls change nothing. Elements that the peer
 * still sends are given to element(), unless the cause puts the blame on the peer.
 */
FW_API void fw_channel_close(struct fw_channel *channel, enum fw_cause cause);
/**
 * The same, and the channel frees itself after it, at the latest with the loop; nobody is told any more. No stanza
 * may be queued. [t]
 */
FW_API void fw_channel_farewell(struct fw_channel **channel, enum fw_cause cause);
/** Condition of the peer's stream error, when that was its last element; or "". */
FW_API const char *fw_channel_peer_error(const struct fw_channel *channel);
FW_API bool fw_channel_closing(const struct fw_channel *channel);
/** Stops or resumes reading: back-pressure. What has been read already still comes. */
FW_API void fw_channel_pause(struct fw_channel *channel, bool pause);
/**
 * How long TCP may wait for a peer that acknowledges no byte, be it of ours or of its own probes of a silent connection
 * (RFC 5482); then the channel ends with FW_CAUSE_PING_TIMEOUT. 0: the system's own 15 minutes and 2 hours. Local
 * sockets do without.
 */
FW_API void fw_channel_set_user_timeout(struct fw_channel *channel, uint32_t timeout_ms);
FW_API void fw_channel_set_limits(struct fw_channel *channel, const struct fw_xml_limits *limits);

FW_API const struct fw_stream_counts *fw_channel_counts(const struct fw_channel *channel);
FW_API const struct fw_addr *fw_channel_peer(const struct fw_channel *channel);
/** Our own address of the connection. @return FW_OK, FW_ECLOSED when it is gone */
FW_API int fw_channel_local(const struct fw_channel *channel, struct fw_addr *out);

/**
 * Sees the bytes of the stream outside TLS: those that were read, before they are parsed, and those that the system
 * or TLS took. Must not touch the channel, but may end or replace itself. The last call has bytes.ptr NULL: the channel goes, or the
 * tap is replaced.
 */
typedef void fw_channel_tap_fn(void *ctx, const struct fw_channel *channel, bool sent, struct fw_str bytes);
/** Lets somebody look on; NULL ends it. Costs nothing while there is none. */
FW_API void fw_channel_set_tap(struct fw_channel *channel, fw_channel_tap_fn *tap, void *ctx);
/** Loop time of the last byte in or out. */
FW_API uint64_t fw_channel_last_ms(const struct fw_channel *channel);
/** Loop time of the last byte in; of the beginning when there was none. */
FW_API uint64_t fw_channel_heard_ms(const struct fw_channel *channel);

FW_END_DECLS

#endif
