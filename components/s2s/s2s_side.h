/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * On which side of the border this component stands. `outer`: it plays our domains towards the world. `inner`: it
 * plays the world towards our own servers, so that they need to know of nobody else. All that differs between the
 * two is asked here.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_SIDE_H
#define FEDWAY_COMPONENTS_S2S_S2S_SIDE_H

#include <fedway/cause.h>
#include <fedway/config.h>
#include <fedway/error.h>
#include <fedway/io/socket.h>

struct s2s;
struct s2s_config;
struct s2s_side;
struct s2s_targets;

enum s2s_side_kind { S2S_SIDE_OUTER, S2S_SIDE_INNER };
extern const struct fw_choice s2s_side_choices[];

/** One row of `inner_servers`. */
struct s2s_server_row {
	struct fw_strings domains;
	const char *host; /**< "": it is not dialled */
	uint16_t port;
	bool direct_tls;
	struct fw_strings addresses; /**< IP addresses and networks it comes from, beside `host` */
};
extern const struct fw_option s2s_server_rows[];

/**
 * Reads the side from a configuration, and keeps nothing of it.
 * @return FW_OK; FW_EINVAL (err has a sentence); FW_ENOMEM [g]
 */
int s2s_side_new(const struct s2s_config *config, struct s2s_side **out, struct fw_error *err);
void s2s_side_free(struct s2s_side **side);

/**
 * Binds what the component is the way to: "*", or the domains of the servers inside. Takes the place of the old side.
 * @param side  becomes s2s->side [t]
 * @return FW_OK; the error of the first name that could not be bound, the others are
 */
int s2s_side_take(struct s2s *s2s, struct s2s_side **side, struct fw_error *err);

/** The address may connect at all. */
bool s2s_side_admits(const struct s2s *s2s, const struct fw_addr *peer);
/** A domain that we play towards peers on this side. */
bool s2s_side_plays(const struct s2s *s2s, const char *local);
/** The peer at this address may be taken for `remote` in talks with `local`. @return NULL, or why not */
const char *s2s_side_objection(const struct s2s *s2s, const char *local, const char *remote,
			       const struct fw_addr *peer);
/** The address proves the domain (XEP-0220 §2.1.1 leaves the method to us): no authoritative server is asked. */
bool s2s_side_vouches(const struct s2s *s2s);
/** Why a stanza of this pair cannot leave on this side; FW_CAUSE_NONE: it can. */
enum fw_cause s2s_side_refusal(const struct s2s *s2s, const char *local, const char *remote);
/** Both domains belong to our organisation: the policy has no say. */
bool s2s_side_among_us(const struct s2s *s2s, const char *local);
/** "outer", "inner" */
const char *s2s_side_word(const struct s2s *s2s);
/** Seen from the border a pair of the inner side is the other way round. */
bool s2s_side_inner(const struct s2s *s2s);
/** Federation is switched off, and this is the side that it concerns. */
bool s2s_side_closed(const struct s2s *s2s);
/** The servers of a domain inside. @return false: the resolver is to be asked */
bool s2s_side_targets(const struct s2s *s2s, const char *remote, struct s2s_targets *out);

#endif
