/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a peer offers, read once into flags. Called when an outgoing leg has its features. What
 * follows from a flag is for the rooms that use it.
 */
#include "components/s2s/s2s_leg.h"

#define NS_BIDI_FEATURE "urn:xmpp:features:bidi"
#define NS_BIDI "urn:xmpp:bidi"
#define NS_SM "urn:xmpp:sm:3"
#define NS_LIMITS "urn:xmpp:stream-limits:0"

static void features_dialback(const struct fw_elem *elem, struct s2s_features *out)
{
	out->dialback = true;
	out->dialback_errors = fw_elem_find(elem, "errors", NULL) != NULL;
}

static void features_bidi(const struct fw_elem *elem, struct s2s_features *out)
{
	(void)elem;
	out->bidi = true;
}

static void features_sm(const struct fw_elem *elem, struct s2s_features *out)
{
	(void)elem;
	out->sm = true;
}

static void features_limits(const struct fw_elem *elem, struct s2s_features *out)
{
	(void)elem;
	out->limits = true;
}

static const struct {
	const char *name, *ns;
	void (*read)(const struct fw_elem *elem, struct s2s_features *out);
} features_rows[] = {
	{ "dialback", FW_NS_DIALBACK_FEATURE, features_dialback },
	{ "bidi", NS_BIDI_FEATURE, features_bidi },
	{ "bidi", NS_BIDI, features_bidi }, /* the request's name space, which some peers offer */
	{ "sm", NS_SM, features_sm },
	{ "limits", NS_LIMITS, features_limits },
};

void s2s_features_read(struct fw_stanza *features, const struct fw_stream_header *header,
                       struct s2s_features *out)
{
	const struct fw_elem *root = features != NULL ? fw_stanza_root(features) : NULL;

	/* XEP-0220 §2.4.1: the namespace on the header says so; some say it by the feature alone.
	 */
	*out = (struct s2s_features){
		.dialback = header->has_dialback || !header->has_version,
	};
	for (size_t i = 0; root != NULL && i < FW_COUNT(features_rows); i++) {
		const struct fw_elem *elem =
		        fw_elem_find(root, features_rows[i].name, features_rows[i].ns);
		if (elem != NULL) {
			features_rows[i].read(elem, out);
		}
	}
}
