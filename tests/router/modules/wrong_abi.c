/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: built for the next major ABI.
 */
#include <fedway/fedway.h>

FW_COMPONENT_EXPORT(wrong_abi) = {
	.abi = (FW_ABI_MAJOR + 1) << 16,
	.size = sizeof(struct fw_component),
	.name = "wrong_abi",
};
