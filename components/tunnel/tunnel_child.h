/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program that is kept running: sshd on the edge, ssh on the core. Started again with a growing pause; its lines of
 * standard error go to the log and to the owner.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_CHILD_H
#define COMPONENTS_TUNNEL_TUNNEL_CHILD_H

#include <fedway/io/process.h>

#include "components/tunnel/tunnel.h"
#include "components/tunnel/tunnel_reason.h"

enum { TUNNEL_WORDS_MAX = 96 };

/* What both ends offer; OpenSSH 8.5 has all of it. */
#define TUNNEL_KEX "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org"
#define TUNNEL_CIPHERS "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com"
#define TUNNEL_MACS "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"

/** A command line in the making; texts are the owner's until the program runs. */
struct tunnel_words {
	const char *words[TUNNEL_WORDS_MAX + 1];
	size_t count;
};

struct tunnel_child_calls {
	/** Fills in the command. @return FW_OK, or an error with a sentence: tried again later */
	int (*command)(void *ctx, struct tunnel_words *words, struct fw_error *err);
	/** It runs. */
	void (*started)(void *ctx, struct fw_process *process);
	/** A line of its standard error. May be NULL. */
	void (*line)(void *ctx, struct fw_str line);
	/** It does not run (any more): why, and what can be done. The next try is under way. */
	void (*failed)(void *ctx, const char *why, const char *remedy);
};

struct tunnel_child {
	struct tunnel *tunnel;
	const struct tunnel_child_calls *calls;
	void *ctx;
	const struct fw_log *log;
	struct fw_logger *logger;
	bool talks; /* through its standard input and output */
	const struct tunnel_reason *reasons;
	struct fw_process *process;
	struct fw_io *io;
	struct fw_timer *again;
	uint32_t pause_ms;   /* before the next start */
	uint64_t restarts;
	const struct tunnel_reason *reason; /* what its lines said */
	char text[512]; /* a line in the making */
	size_t len;
	char last[256]; /* the last line */
};

/** All members up to `reasons` must be set. Starts it now. @return FW_OK, FW_ENOMEM */
int tunnel_child_begin(struct tunnel_child *child);
/** Kills and forgets it. */
void tunnel_child_end(struct tunnel_child *child);
/** Kills it and starts it anew at once. */
void tunnel_child_again(struct tunnel_child *child);
/** It works: the next pause is the shortest. */
void tunnel_child_good(struct tunnel_child *child);

void tunnel_word(struct tunnel_words *words, const char *word);

#endif
