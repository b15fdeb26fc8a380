/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: strict, from another release.
 */
#include <fedway/fedway.h>

FW_COMPONENT_EXPORT(wrong_build) = {
	.abi = FW_ABI,
	.size = sizeof(struct fw_component),
	.build = "fedway-0.0.1",
	.name = "wrong_build",
};
