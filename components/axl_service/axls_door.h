/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The door: listens, accepts within limits, speaks TLS, and gives clear connections to HTTP. A connection has a time
 * within which its next request must have arrived whole. Certificates are watched and swapped.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_DOOR_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_DOOR_H

#include "components/axl_service/axl_service.h"

/** Reads the certificate of a configuration, and opens nothing. @return FW_OK, or an error that names the file */
int axls_door_check(const struct axl_service_config *config, struct fw_error *err);
/** Listens on all addresses of the configuration. @return FW_OK; else nothing is open [g] */
int axls_door_open(struct axls *axls, struct axls_door **out, struct fw_error *err);
/** New limits, certificates and addresses of axls->config; those that stay are not touched. What is wrong is logged. */
void axls_door_apply(struct axls_door *door);
/** No new connections; those without a request under way end. */
void axls_door_close(struct axls_door *door);
/** All connections go at once. After axls_http_free(). */
void axls_door_free(struct axls_door **door);
/** For HTTP: its word about a guest. */
void axls_door_busy(struct axls_door *door, struct axls_guest *guest, bool busy);
void axls_door_left(struct axls_door *door, struct axls_guest *guest);
/** Connections now. */
size_t axls_door_count(const struct axls_door *door);
void axls_door_report(const struct axls_door *door, struct fw_json *out);

#endif
