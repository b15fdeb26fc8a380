/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whether a descriptor can be used by this host.
 */
#ifndef FEDWAY_ROUTER_MODULE_CHECK_H
#define FEDWAY_ROUTER_MODULE_CHECK_H

#include <fedway/component.h>

/**
 * Checks a descriptor and copies it; members that an older module does not have read as zero.
 * @param name   what the configuration calls the module
 * @param where  its file, for the sentence
 * @return FW_OK; FW_EABI (built for another SDK); FW_EINVAL (the descriptor contradicts itself)
 */
int module_check(const void *descriptor, const char *name, const char *where, struct fw_component *out,
                 struct fw_error *err);

#endif
