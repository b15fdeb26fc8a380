/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS for a library that wants a socket in clear: a pipe joins an accepted connection under TLS with one end of a
 * socket pair; whoever speaks the protocol gets the other end. Nothing is read into the bytes, no ALPN is agreed
 * upon, and 16 KiB at most wait in each direction.
 */
#ifndef FEDWAY_IO_TLS_PIPE_H
#define FEDWAY_IO_TLS_PIPE_H

#include <fedway/io/loop.h>
#include <fedway/io/tls.h>

FW_BEGIN_DECLS

struct fw_tls_pipe;

struct fw_tls_pipe_settings {
	struct fw_tls_context *context; /**< with our certificate; the pipe holds its own reference */
	uint32_t handshake_timeout_ms;  /**< for the whole handshake; 0: 10 s */
	uint32_t stall_timeout_ms;      /**< for a peer that takes no byte of those that wait for it; 0: 30 s */
};

struct fw_tls_pipe_events {
	/**
	 * The handshake is done. May free the pipe.
	 * @param fd  the other end, non-blocking; taken by setting *fd to -1, else it is closed and the pipe ends [t]
	 */
	void (*secured)(void *ctx, int *fd);
	/**
	 * The end, exactly once, never from within a call of the owner's: then fw_tls_pipe_free().
	 * @param detail  why, for the log; "" when both sides came to their ends
	 */
	void (*closed)(void *ctx, const char *detail);
};

/**
 * Takes over an accepted descriptor and begins the handshake as receiving side.
 * The peer's end is passed on as an end of reading; what comes back after it is still written. An end from the other
 * side is passed on after all bytes: close_notify, then up to 2 s and 256 KiB of what the peer still sends are
 * thrown away, so that it reads the last answer.
 * @param fd  *fd is -1 on return, whatever the result [t]
 * @return FW_OK, FW_ENOMEM, FW_ESYS [g]
 */
FW_API int fw_tls_pipe_new(struct fw_loop *loop, int *fd, const struct fw_tls_pipe_settings *settings,
                           const struct fw_tls_pipe_events *events, void *ctx, struct fw_tls_pipe **out);
/** At once; closed() does not run. The other end reads its end. */
FW_API void fw_tls_pipe_free(struct fw_tls_pipe **pipe);
/** NULL when it has ended. */
FW_API const struct fw_tls *fw_tls_pipe_tls(const struct fw_tls_pipe *pipe);

FW_END_DECLS

#endif
