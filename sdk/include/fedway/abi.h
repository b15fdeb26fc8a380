/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The promise between libfedway and the modules that are built against it.
 *
 * FW_ABI_MAJOR goes up when something was removed or changed, FW_ABI_MINOR when something was added.
 * A module loads when its major equals the host's and its minor is not newer. A module that includes
 * a header of fedway/io/ is "strict": it must be built with the very release it runs under, and carries
 * FW_BUILD_ID to prove it.
 *
 * History (newest first; each change is also in NEWS, libfedway.map and tests/abi/symbols.txt):
 *   2026-11-21  1.0  fw_stanza_attr()
 *   2026-11-21  1.0  fw_work_start(), fw_work_end(), fw_lookup_start(), fw_lookup_cancel()
 *   2026-11-21  1.0  fw_json_appendf()
 *   2026-11-21  1.0  fw_log_fields()
 *   2026-11-21  1.0  fw_bind_for, fw_unbind_for, fw_holders; causes too-many-hops, no-edge
 *   2026-11-21  1.0  receipts, xcoder, trail and destination of stanzas (hosting.h)
 *   2026-11-21  1.0  fw_json_append_copy(); read_commands of a component
 *   2026-11-21  1.0  first release
 *   2026-11-21  1.0  first release; what a node has learned, the federation switch, notices (host.h), copies and
 *                    comparison of values (json.h)
 */
#ifndef FEDWAY_ABI_H
#define FEDWAY_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define FW_BEGIN_DECLS extern "C" {
#define FW_END_DECLS }
#else
#define FW_BEGIN_DECLS
#define FW_END_DECLS
#endif

#define FW_ABI_MAJOR 1u
#define FW_ABI_MINOR 0u
#define FW_ABI ((FW_ABI_MAJOR << 16) | FW_ABI_MINOR)

/** Names the exact release; strict modules carry it. */
#define FW_BUILD_ID "fedway-0.1.0"

/** Marks a symbol that libfedway or a module exports; all others are hidden. */
#define FW_API __attribute__((visibility("default")))

/** Checks the arguments of a printf-like function; counts from 1. */
#define FW_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/** Number of elements of an array (not of a pointer). */
#define FW_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/**
 * Defines the descriptor of a module. `name` must equal the file name of the module without its
 * suffix, dashes as underscores; the loader finds `<name>_LTX_fw_component`.
 */
#define FW_COMPONENT_EXPORT(name) \
	FW_API extern const struct fw_component name##_LTX_fw_component; \
	const struct fw_component name##_LTX_fw_component

/** First members of every descriptor. Use FW_COMPONENT_HEAD_STRICT when fedway/io/ is included. */
#define FW_COMPONENT_HEAD .abi = FW_ABI, .size = sizeof(struct fw_component), .build = NULL
#define FW_COMPONENT_HEAD_STRICT .abi = FW_ABI, .size = sizeof(struct fw_component), .build = FW_BUILD_ID

#endif
