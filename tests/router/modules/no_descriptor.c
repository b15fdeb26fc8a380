/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: a shared object that is no module.
 */
#include <fedway/abi.h>

FW_API int no_descriptor_value(void);

int no_descriptor_value(void)
{
	return 1;
}
