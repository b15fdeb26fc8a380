/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table of the commands of S2S. What each does is in the file that s2s_commands.h names.
 */
#include "components/s2s/s2s_commands.h"

#include "components/s2s/s2s_certs.h"
#include "components/s2s/s2s_trace.h"

const struct fw_command s2s_commands[] = {
	{ "connections", "", "one row per S2S stream: who, how proved, how old, how much",
	  s2s_connections },
	{ "explain", "local remote", "the part of S2S in fedwayctl explain FROM TO", s2s_explain },
	{ "check", "local remote", "the part of S2S in fedwayctl check DOMAIN", s2s_visit },
	{ "cert list", "", "our certificates, and those that peers have shown", s2s_certs_list },
	{ "trace add", "remote file format seconds max_bytes bodies",
	  "write streams with a remote domain to a file, without what people say", s2s_trace_add },
	{ "trace list", "", "traces that run, and the last that have ended, and why", s2s_trace_list },
	{ "trace remove", "trace", "end a trace; its file stays", s2s_trace_remove },
	FW_COMMAND_END,
};
