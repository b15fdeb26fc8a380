/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Walks through the hosts of a connection string in their order, and through the addresses of each
 * name. Called by the store of PostgreSQL, whose library would look names up by itself, and wait.
 */
#include "components/axl_service/axls_places.h"

#include <stdio.h>
#include <stdlib.h>

struct axls_places {
	struct fw_loop *loop;
	axls_place_fn *fn;
	void *ctx;
	char *hosts, *addresses, *ports;
	size_t count, at; /* hosts; the next one */
	struct axls_place place;
	struct fw_lookup *lookup;
	struct fw_addr found[FW_LOOKUP_MAX]; /* addresses of the place's name that are left */
	size_t found_count;
};

static size_t items_of(const char *list)
{
	size_t count = 1;

	for (; *list != '\0'; list++) {
		count += *list == ',';
	}
	return count;
}

/* The item, cut to its room; "" behind the end. */
static void item_at(const char *list, size_t index, char *out, size_t size)
{
	for (; index > 0; index--) {
		list += strcspn(list, ",");
		list += *list == ',';
	}
	snprintf(out, size, "%.*s", (int)strcspn(list, ","), list);
}

/* The library takes a path for a UNIX socket's; an address needs no look-up. */
static bool is_name(const struct axls_place *place)
{
	struct fw_addr addr;

	return place->address[0] == '\0' && place->host[0] != '\0' && place->host[0] != '/' &&
	       place->host[0] != '@' && fw_addr_parse(place->host, 0, &addr) != FW_OK;
}

static void give_found(struct axls_places *places)
{
	fw_addr_ip_text(&places->found[0], places->place.address);
	places->found_count--;
	memmove(places->found, places->found + 1, places->found_count * sizeof(*places->found));
	places->fn(places->ctx, &places->place);
}

static void on_found(void *ctx, const struct fw_addr *addrs, size_t count)
{
	struct axls_places *places = ctx;

	if (count == 0) {
		places->fn(places->ctx, NULL);
		return;
	}
	memcpy(places->found, addrs, count * sizeof(*addrs));
	places->found_count = count;
	give_found(places);
}

void axls_places_next(struct axls_places *places)
{
	struct axls_place *place = &places->place;

	fw_lookup_cancel(&places->lookup);
	if (places->found_count > 0) {
		give_found(places);
		return;
	}
	item_at(places->hosts, places->at, place->host, sizeof(place->host));
	item_at(places->addresses, places->at, place->address, sizeof(place->address));
	item_at(places->ports, items_of(places->ports) == 1 ? 0 : places->at, place->port,
	        sizeof(place->port));
	places->at = (places->at + 1) % places->count;
	if (!is_name(place)) {
		places->fn(places->ctx, place);
	} else if (fw_lookup_start(places->loop, place->host, 0, on_found, places,
	                           &places->lookup) != FW_OK) {
		places->fn(places->ctx, NULL);
	}
}

void axls_places_rewind(struct axls_places *places)
{
	fw_lookup_cancel(&places->lookup);
	places->at = 0;
	places->found_count = 0;
}

bool axls_places_left(const struct axls_places *places)
{
	return places->found_count > 0 || places->at > 0;
}

int axls_places_new(struct fw_loop *loop, const char *hosts, const char *addresses,
                    const char *ports, axls_place_fn *fn, void *ctx, struct axls_places **out)
{
	struct axls_places *places = calloc(1, sizeof(*places));

	if (places == NULL) {
		return FW_ENOMEM;
	}
	places->loop = loop;
	places->fn = fn;
	places->ctx = ctx;
	places->hosts = fw_str_dup(fw_str(hosts != NULL ? hosts : ""));
	places->addresses = fw_str_dup(fw_str(addresses != NULL ? addresses : ""));
	places->ports = fw_str_dup(fw_str(ports != NULL ? ports : ""));
	if (places->hosts == NULL || places->addresses == NULL || places->ports == NULL) {
		axls_places_free(&places);
		return FW_ENOMEM;
	}
	places->count = items_of(places->hosts[0] != '\0' ? places->hosts : places->addresses);
	*out = places;
	return FW_OK;
}

void axls_places_free(struct axls_places **at)
{
	struct axls_places *places = *at;

	*at = NULL;
	if (places == NULL) {
		return;
	}
	fw_lookup_cancel(&places->lookup);
	free(places->hosts);
	free(places->addresses);
	free(places->ports);
	free(places);
}
