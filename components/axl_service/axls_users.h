/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Who may ask: names, passwords and roles of the configuration, the addresses that guess, and sessions. A password is
 * compared in time that says nothing of it, and is never written anywhere.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_USERS_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_USERS_H

#include <fedway/config.h>
#include <fedway/io/socket.h>

struct axls_users;

enum axls_login {
	AXLS_LOGIN_OK,
	AXLS_LOGIN_WRONG,
	AXLS_LOGIN_LATER, /**< too many wrong ones from that address: not looked at */
};

/** @return FW_OK, FW_ENOMEM [g] */
int axls_users_new(uint32_t failures_max, uint32_t pause_s, struct axls_users **out);
void axls_users_free(struct axls_users **users);
/**
 * Judges a login and remembers it for the address.
 * @param rows  struct axls_user_row
 * @param role  receives the user's when the login is right
 */
enum axls_login axls_users_login(struct axls_users *users, const struct fw_rows *rows, struct fw_str name,
                                 struct fw_str password, const struct fw_addr *peer, uint64_t now_ms, int *role);

/** How long a session lives that is not used. */
#define AXLS_SESSION_MS ((uint64_t)30 * 60 * 1000)

/** The session of a user who has just logged in from there, a new one if there is none: what its cookie says. */
const char *axls_users_begin_session(struct axls_users *users, struct fw_str name, int role, const struct fw_addr *peer,
                                     uint64_t now_ms);
/** Whose cookie it is; it lives on. @param role  receives the user's @return his name, or absent: there is no such session */
struct fw_str axls_users_session(struct axls_users *users, struct fw_str cookie, uint64_t now_ms, int *role);
/** The users have changed: all must log in again. */
void axls_users_end_sessions(struct axls_users *users);

#endif
