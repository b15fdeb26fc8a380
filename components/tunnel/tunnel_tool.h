/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * ssh-keygen, run for a moment: some words and some input in, what it says out.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_TOOL_H
#define COMPONENTS_TUNNEL_TUNNEL_TOOL_H

#include "components/tunnel/tunnel.h"

enum { TUNNEL_TOOL_SAYS_MAX = 65536 };

/** It has ended. @param good  with status 0; @param says  output and errors, at most 64 KiB [b]; NULL: it was stopped */
typedef void tunnel_tool_fn(void *ctx, bool good, const char *says);

/**
 * Runs keygen_program with up to 12 words. `done` runs once, never from within.
 * @param input  text for its standard input, or NULL
 * @return FW_OK, or an error with a sentence: `done` does not run
 */
int tunnel_tool_run(struct tunnel *tunnel, const char *const *words, const char *input,
                    tunnel_tool_fn *done, void *ctx, struct fw_error *err);
/** Ends all that run. */
void tunnel_tool_stop(struct tunnel *tunnel);

#endif
