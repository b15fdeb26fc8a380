/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a dial is: seen by dial.c (the race and its result) and dial_attempt.c (what happens with one
 * target).
 */
#ifndef FEDWAY_IO_DIAL_PRIVATE_H
#define FEDWAY_IO_DIAL_PRIVATE_H

#include <fedway/io/dial.h>
#include <fedway/io/machine.h>

enum { ATTEMPT_CONNECT, ATTEMPT_STREAM, ATTEMPT_TLS, ATTEMPT_DONE, ATTEMPT_STATES };

/* What happens to an attempt; data as noted. */
enum {
	ATTEMPT_CONNECTED = FW_EVENT_OWN, /* the socket is writable */
	ATTEMPT_OPENED,                   /* the peer's header is kept */
	ATTEMPT_ELEMENT,                  /* struct fw_stanza * */
	ATTEMPT_SECURED,
};

/* One target being tried. It ends by dial_won() or dial_lost(). */
struct dial_attempt {
	struct dial_attempt *next, **link;
	struct fw_dial *dial;
	struct fw_dial_attempt *record; /* the dial's */
	struct fw_machine machine;
	int fd; /* while connecting */
	struct fw_io *io;
	struct fw_task refused; /* a connect that failed at once is told later */
	struct fw_error error;
	struct fw_channel *channel;
	bool secured;
	struct fw_stream_header header;
	char *header_text;
};

struct fw_dial {
	struct fw_loop *loop;
	struct fw_dial_settings settings; /* its strings and targets are ours */
	struct fw_target *targets;        /* in the order in which they begin */
	size_t target_count, next;
	char *local_domain, *remote_domain;
	fw_dial_fn *done;
	void *ctx;
	uint64_t begun_us;
	struct fw_timer *delay; /* until the next target begins */
	struct fw_task nothing; /* no target can be tried: told later */
	struct dial_attempt *racing;
	struct fw_dial_attempt attempts[FW_TARGETS_MAX];
	size_t attempt_count;
	struct fw_dial_attempt *failure; /* the most telling so far */
	enum fw_dial_phase phase;        /* after the end: of the attempt that counted */
	bool telling, cancelled;         /* freed by the owner while it is told */
};

/* ---- dial.c ---- */

/** Success: hands the channel over. `features` is NULL from a peer before XMPP 1.0. */
void dial_won(struct dial_attempt *attempt, struct fw_stanza *features);
/** This attempt has failed, as its record says; the next one's turn. The attempt is gone after it. */
void dial_lost(struct dial_attempt *attempt);
/** An attempt has come further: the others wait a little longer. */
void dial_progressed(struct fw_dial *dial);

/* ---- dial_attempt.c ---- */

/** Begins; the record is filled as it goes on. @return FW_OK, FW_ENOMEM */
int dial_attempt_start(struct fw_dial *dial, struct fw_dial_attempt *record);
/** Gives it up because another has won, with a footer where there is a stream. */
void dial_attempt_outrun(struct dial_attempt *attempt);
/** At once. */
void dial_attempt_free(struct dial_attempt **attempt);

#endif
