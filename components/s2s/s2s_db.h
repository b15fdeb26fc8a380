/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A dialback element (XEP-0220): taken from a peer's bytes, written to a stream, told to the log. It knows
 * the element's form only; what it means is for the streams.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_DB_H
#define FEDWAY_COMPONENTS_S2S_S2S_DB_H

#include <fedway/io/channel.h>
#include <fedway/log.h>

/** Longest foreign key that is taken. Length and alphabet are its authoritative server's business. */
#define S2S_DB_KEY_MAX 256u

struct s2s_db {
	const char *name;         /**< "result" or "verify" */
	struct fw_str from, to;   /**< as the peer wrote them */
	struct fw_str id;         /**< db:verify only */
	struct fw_str type;       /**< absent in questions */
	struct fw_str key;        /**< trimmed */
	struct fw_str condition;  /**< of type='error' */
	struct fw_str text;       /**< words to the condition */
};

/** @return false when it is not a dialback element; slices live as long as the stanza */
bool s2s_db_read(struct fw_stanza *stanza, struct s2s_db *out);
/** Queues it on the channel and logs it. */
void s2s_db_send(struct fw_channel *channel, const struct s2s_db *db, const struct fw_log *log,
		 const char *session);
/** Text for the log: the key is cut to 8 characters. */
const char *s2s_db_text(const struct s2s_db *db, char *out, size_t out_size);

#endif
