/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One HTTPS peer that is asked by POST, one request at a time, over a connection that stays open. It knows nothing of
 * SOAP, and nothing of the library behind it shows through.
 */
#ifndef FEDWAY_COMPONENTS_AXL_HTTP_H
#define FEDWAY_COMPONENTS_AXL_HTTP_H

#include <fedway/io/loop.h>
#include <fedway/str.h>

struct axl_http;

/** All texts are copied. */
struct axl_http_settings {
	const char *url;     /**< https://HOST[:PORT]/PATH/ */
	const char *address; /**< IP address of HOST; "" asks the system for it */
	const char *user, *password;
	const char *ca_file; /**< "" : the authorities that the system trusts */
	uint32_t connect_timeout_ms, timeout_ms; /**< TCP and TLS; the whole exchange */
	uint32_t answer_max_bytes;
};

/** How an exchange ended. */
enum axl_http_end {
	AXL_HTTP_ANSWERED,    /**< with a whole answer, whatever its status */
	AXL_HTTP_UNREACHABLE, /**< no address, or nobody there */
	AXL_HTTP_TIMEOUT,
	AXL_HTTP_CERTIFICATE, /**< not from our authorities, not for this host, or over */
	AXL_HTTP_TLS,         /**< no agreement on TLS */
	AXL_HTTP_BROKEN,      /**< not HTTP, or it ended before the answer was whole */
	AXL_HTTP_TOO_LARGE,
	AXL_HTTP_OURSELVES,   /**< our own fault: memory, or ca_file cannot be read */
};

/** Lives until the callback returns or posts again. */
struct axl_http_answer {
	enum axl_http_end end;
	const char *words;   /**< why, when it was not answered; the library's, cut to a line */
	unsigned status;     /**< 0 when no status line came */
	struct fw_str type;  /**< Content-Type; absent when there is none */
	struct fw_str body;
	uint32_t spent_ms;
};
/** Runs exactly once for each post, at the end of a turn. It may post again, and it may free the peer. */
typedef void axl_http_fn(void *ctx, const struct axl_http_answer *answer);

/** Checks url, address and user without opening anything. @return FW_OK, FW_EINVAL */
int axl_http_check(const struct axl_http_settings *settings, struct fw_error *err);
/** @return FW_OK, FW_EINVAL, FW_ENOMEM, FW_ESYS [g] */
int axl_http_new(struct fw_loop *loop, const struct axl_http_settings *settings, axl_http_fn *fn, void *ctx,
                 struct axl_http **out, struct fw_error *err);
/** What is under way is forgotten, its callback does not run. */
void axl_http_free(struct axl_http **http);
/**
 * Sends a request. Nothing may be under way.
 * @param action  value of the header SOAPAction; "" leaves it out
 * @param body    copied
 * @return FW_OK, FW_ENOMEM
 */
int axl_http_post(struct axl_http *http, const char *action, struct fw_str body);

#endif
