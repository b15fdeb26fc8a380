/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: its name has a dash, its symbol an underscore.
 */
#include <fedway/fedway.h>

FW_COMPONENT_EXPORT(good_dash) = { FW_COMPONENT_HEAD, .name = "good-dash" };
