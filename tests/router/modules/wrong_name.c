/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module for test_module_file.c: it calls itself otherwise than its file.
 */
#include <fedway/fedway.h>

FW_COMPONENT_EXPORT(wrong_name) = { FW_COMPONENT_HEAD, .name = "right_name" };
