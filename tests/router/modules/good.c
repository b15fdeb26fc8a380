/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: nothing is wrong with it.
 */
#include <fedway/fedway.h>

FW_COMPONENT_EXPORT(good) = { FW_COMPONENT_HEAD, .name = "good", .summary = "does nothing" };
