/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compares logins with the users of the configuration, all of them each time, by digests of the
 * same length. Addresses that were wrong too often wait; those that were wrong longest ago are
 * forgotten when the table is full. A session spares a client the password; a user has one per
 * address, so that clients that know no cookies do not fill the table. Called by axls_call.c.
 */
#include "components/axl_service/axls_users.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/crypto.h>

#include "components/axl_service/axl_service.h"

enum { ADDRESSES_MAX = 256, SESSIONS_MAX = 64, NAME_SIZE = 129 };

struct failing {
	struct fw_network network;
	uint32_t failures; /* 0: a free place */
	uint64_t last_ms;
};

struct session {
	char id[FW_STREAM_ID_SIZE]; /* "": free place */
	char name[NAME_SIZE];
	int role;
	struct fw_network network;
	uint64_t last_ms;
};

struct axls_users {
	uint32_t failures_max;
	uint64_t pause_ms;
	struct session sessions[SESSIONS_MAX];
	struct failing failing[ADDRESSES_MAX];
};

int axls_users_new(uint32_t failures_max, uint32_t pause_s, struct axls_users **out)
{
	struct axls_users *users = calloc(1, sizeof(*users));

	if (users == NULL) {
		return FW_ENOMEM;
	}
	users->failures_max = failures_max;
	users->pause_ms = (uint64_t)pause_s * 1000;
	*out = users;
	return FW_OK;
}

void axls_users_free(struct axls_users **users)
{
	free(*users);
	*users = NULL;
}

/* The place of an address; with `make` a new one, at worst that of the oldest. */
static struct failing *failing_of(struct axls_users *users, const struct fw_addr *peer, bool make)
{
	struct failing *oldest = &users->failing[0];
	struct fw_network network;

	fw_addr_network(peer, &network);
	for (size_t i = 0; i < ADDRESSES_MAX; i++) {
		struct failing *one = &users->failing[i];
		if (one->failures > 0 && fw_network_eq(&one->network, &network)) {
			return one;
		}
		bool free_place = one->failures == 0 && oldest->failures > 0;
		if (free_place ||
		    (one->failures > 0 && oldest->failures > 0 && one->last_ms < oldest->last_ms)) {
			oldest = one;
		}
	}
	if (!make) {
		return NULL;
	}
	*oldest = (struct failing){ .network = network };
	return oldest;
}

static const struct axls_user_row *find_user(const struct fw_rows *rows, struct fw_str name,
                                             struct fw_str password)
{
	const struct axls_user_row *users = rows->items, *found = NULL;
	char given[FW_SHA256_HEX_SIZE], kept[FW_SHA256_HEX_SIZE];
	char given_name[FW_SHA256_HEX_SIZE], kept_name[FW_SHA256_HEX_SIZE];

	fw_sha256_hex(password, given);
	fw_sha256_hex(name, given_name);
	for (size_t i = 0; i < rows->count; i++) {
		fw_sha256_hex(fw_str_n(users[i].password.bytes, users[i].password.len), kept);
		fw_sha256_hex(fw_str(users[i].name), kept_name);
		bool same_name = fw_equal_const_time(fw_str(given_name), fw_str(kept_name));
		bool same = fw_equal_const_time(fw_str(given), fw_str(kept));
		found = same_name && same ? &users[i] : found;
	}
	explicit_bzero(given, sizeof(given));
	explicit_bzero(kept, sizeof(kept));
	return found;
}

enum axls_login axls_users_login(struct axls_users *users, const struct fw_rows *rows,
                                 struct fw_str name, struct fw_str password,
                                 const struct fw_addr *peer, uint64_t now_ms, int *role)
{
	struct failing *failing = failing_of(users, peer, false);

	if (failing != NULL && now_ms - failing->last_ms >= users->pause_ms) {
		*failing = (struct failing){ 0 };
		failing = NULL;
	}
	if (failing != NULL && failing->failures >= users->failures_max) {
		return AXLS_LOGIN_LATER;
	}
	const struct axls_user_row *user = find_user(rows, name, password);
	if (user == NULL) {
		failing = failing != NULL ? failing : failing_of(users, peer, true);
		failing->failures++;
		failing->last_ms = now_ms;
		return AXLS_LOGIN_WRONG;
	}
	if (failing != NULL) {
		*failing = (struct failing){ 0 };
	}
	*role = user->role;
	return AXLS_LOGIN_OK;
}

/* ---- sessions ---- */

static bool is_alive(const struct session *session, uint64_t now_ms)
{
	return session->id[0] != '\0' && now_ms - session->last_ms < AXLS_SESSION_MS;
}

const char *axls_users_begin_session(struct axls_users *users, struct fw_str name, int role,
                                     const struct fw_addr *peer, uint64_t now_ms)
{
	struct session *place = &users->sessions[0];
	struct fw_network network;

	fw_addr_network(peer, &network);
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct session *one = &users->sessions[i];
		if (is_alive(one, now_ms) && one->role == role && fw_str_is(name, one->name) &&
		    fw_network_eq(&one->network, &network)) {
			one->last_ms = now_ms;
			return one->id;
		}
		place = one->last_ms < place->last_ms ? one : place;
	}
	*place = (struct session){ .role = role, .network = network, .last_ms = now_ms };
	snprintf(place->name, sizeof(place->name), "%.*s", FW_STR_ARG(name));
	fw_random_id(place->id);
	return place->id;
}

struct fw_str axls_users_session(struct axls_users *users, struct fw_str cookie, uint64_t now_ms,
                                 int *role)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct session *one = &users->sessions[i];
		if (is_alive(one, now_ms) && fw_equal_const_time(fw_str(one->id), cookie)) {
			one->last_ms = now_ms;
			*role = one->role;
			return fw_str(one->name);
		}
	}
	return fw_str(NULL);
}

void axls_users_end_sessions(struct axls_users *users)
{
	explicit_bzero(users->sessions, sizeof(users->sessions));
}
