/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: its descriptor ends too early.
 */
#include <fedway/fedway.h>

FW_COMPONENT_EXPORT(smaller_size) = {
	.abi = FW_ABI,
	.size = offsetof(struct fw_component, drain),
	.name = "smaller_size",
};
