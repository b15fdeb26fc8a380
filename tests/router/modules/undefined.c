/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: it needs a function that nobody has.
 */
#include <fedway/fedway.h>

int function_that_nobody_has(struct fw_self *self, struct fw_error *err);

FW_COMPONENT_EXPORT(undefined) = {
	FW_COMPONENT_HEAD,
	.name = "undefined",
	.start = function_that_nobody_has,
};
