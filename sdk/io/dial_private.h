/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a dial is: seen by dial.c (life, result, the channel's events) and dial_states.c (what it
 * does in each state).
 */
#ifndef FEDWAY_IO_DIAL_PRIVATE_H
#define FEDWAY_IO_DIAL_PRIVATE_H

#include <fedway/io/dial.h>
#include <fedway/io/machine.h>

enum { DIAL_CONNECT, DIAL_STREAM, DIAL_TLS, DIAL_LEAVE, DIAL_DONE, DIAL_STATES };

/* What happens to a dial; data as noted. */
enum {
	DIAL_CONNECTED = FW_EVENT_OWN, /* the socket is writable */
	DIAL_OPENED,                   /* the peer's header is kept */
	DIAL_ELEMENT,                  /* struct fw_stanza * */
	DIAL_SECURED,
	DIAL_CLOSED, /* struct dial_closed * */
};

struct dial_closed {
	enum fw_cause cause;
	const char *detail;
};

/* Why the dial failed so far; a later and more telling reason replaces it. */
struct dial_failure {
	int rank;
	enum fw_cause cause;
	char detail[256];
	size_t target;
};

struct fw_dial {
	struct fw_loop *loop;
	struct fw_machine machine;
	struct fw_dial_settings settings; /* its strings and targets are ours */
	struct fw_target *targets;
	char *local_domain, *remote_domain;
	fw_dial_fn *done;
	void *ctx;
	size_t current; /* target */
	int fd;         /* while connecting */
	struct fw_io *io;
	struct fw_task refused; /* a connect that failed at once is told later */
	struct fw_error error;
	struct fw_channel *channel;
	bool secured;
	enum fw_cause leaving; /* why this target is given up while its stream still closes */
	char leaving_detail[64];
	struct fw_stream_header header;
	char *header_text;
	struct dial_failure failure;
	uint64_t spent_us[FW_DIAL_PHASES];
};

extern const struct fw_state_row dial_rows[DIAL_STATES];
extern const struct fw_channel_events dial_channel_events;

/** Success: hands the channel over. `features` is NULL from a peer before XMPP 1.0. */
void dial_ready(struct fw_dial *dial, struct fw_stanza *features);
/** This target is done with: on to the next, or the end. */
void dial_fail(struct fw_dial *dial, enum fw_cause cause, const char *detail);
void dial_drop_header(struct fw_dial *dial);
/** A connect that failed at once: the task that tells it. */
void dial_connect_refused(void *ctx);

#endif
