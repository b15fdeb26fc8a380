/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: built for the next minor ABI.
 */
#include <fedway/fedway.h>

FW_COMPONENT_EXPORT(newer_minor) = {
	.abi = FW_ABI + 1,
	.size = sizeof(struct fw_component),
	.name = "newer_minor",
};
