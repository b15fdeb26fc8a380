/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stream features, one row each: what a peer offers is read once into flags, when an outgoing leg
 * has its features; what we offer is written to an inbound one. What follows from a feature is for
 * the rooms that use it. STARTTLS is no row: where it is mandatory it stands alone.
 */
#include "components/s2s/s2s_bidi.h"
#include "components/s2s/s2s_leg.h"

#include <stdio.h>

#include "components/s2s/s2s_external.h"
#include "components/s2s/s2s_sasl.h"

#define NS_LIMITS "urn:xmpp:stream-limits:0"

static void features_mechanisms(const struct fw_elem *elem, struct s2s_features *out)
{
	out->external = fw_sasl_is_offered(elem, FW_SASL_EXTERNAL);
}

/* First, as RFC 6120 §6.3.4 wants it. */
static int features_offer_external(const struct s2s_leg *leg, char *out, size_t size)
{
	return s2s_external_is_offered(leg) ? snprintf(out, size, S2S_SASL_MECHANISMS) : 0;
}

static void features_dialback(const struct fw_elem *elem, struct s2s_features *out)
{
	out->dialback = true;
	out->dialback_errors = fw_elem_find(elem, "errors", NULL) != NULL;
}

static int features_offer_dialback(const struct s2s_leg *leg, char *out, size_t size)
{
	(void)leg;
	return snprintf(out, size,
	                "<dialback xmlns='" FW_NS_DIALBACK_FEATURE "'><errors/></dialback>");
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

static struct fw_str limit_text(const struct fw_elem *limits, const char *name)
{
	struct fw_elem *elem = fw_elem_find(limits, name, NS_LIMITS);

	return elem != NULL ? fw_str_trim(fw_elem_text(elem)) : fw_str(NULL);
}

static void features_limits(const struct fw_elem *elem, struct s2s_features *out)
{
	uint64_t number = 0;

	if (fw_str_to_u64(limit_text(elem, "max-bytes"), UINT64_MAX, &number) == FW_OK) {
		out->max_bytes = number;
	}
	if (fw_str_to_u64(limit_text(elem, "idle-seconds"), UINT32_MAX, &number) == FW_OK) {
		out->idle_s = (uint32_t)number;
	}
}

/* XEP-0478 §3: what holds once a pair is proved; on a dialback stream no later features would say
 * so. */
static int features_offer_limits(const struct s2s_leg *leg, char *out, size_t size)
{
	const struct s2s_config *config = leg->s2s->config;
	uint32_t idle_s = config->idle_timeout_ms / 1000;

	return snprintf(out, size,
	                "<limits xmlns='" NS_LIMITS "'><max-bytes>%u</max-bytes>"
	                "<idle-seconds>%u</idle-seconds></limits>",
	                config->stanza_max_bytes, idle_s > 0 ? idle_s : 1);
}

static const struct {
	const char *name, *ns;
	void (*read)(const struct fw_elem *elem, struct s2s_features *out);
	/** As snprintf(); 0: not offered on this leg now. NULL: never offered. */
	int (*offer)(const struct s2s_leg *leg, char *out, size_t size);
} features_rows[] = {
	{ "mechanisms", FW_NS_SASL, features_mechanisms, features_offer_external },
	{ "dialback", FW_NS_DIALBACK_FEATURE, features_dialback, features_offer_dialback },
	{ "bidi", S2S_NS_BIDI_FEATURE, features_bidi, s2s_bidi_offer },
	/* some peers offer the request's name space */
	{ "bidi", S2S_NS_BIDI, features_bidi, NULL },
	{ "sm", FW_NS_SM, features_sm, s2s_acks_offer },
	{ "limits", NS_LIMITS, features_limits, features_offer_limits },
};

bool s2s_features_can_share(const struct s2s_leg *leg)
{
	/* XEP-0220 §2.6.2 asks for this where the target is another. Where only the sender is,
	 * nothing need be asked; but Prosody (0.12), which does no errors, takes the second
	 * domain's proof and sends its answers to the first. */
	return leg->features.dialback_errors;
}

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

void s2s_features_send(struct s2s_leg *leg, enum s2s_features_tls tls)
{
	static const char *const starttls[] = {
		[S2S_FEATURES_NO_TLS] = "",
		[S2S_FEATURES_TLS] = "<starttls xmlns='" FW_NS_TLS "'/>",
		[S2S_FEATURES_TLS_FIRST] = "<starttls xmlns='" FW_NS_TLS "'><required/></starttls>",
	};
	char text[2048];
	size_t used = (size_t)snprintf(text, sizeof(text), "<stream:features>%s", starttls[tls]);

	/* RFC 6120 §5.3.1: nothing else beside a mandatory STARTTLS */
	for (size_t i = 0; tls != S2S_FEATURES_TLS_FIRST && i < FW_COUNT(features_rows); i++) {
		if (features_rows[i].offer != NULL) {
			used += (size_t)features_rows[i].offer(leg, text + used,
			                                       sizeof(text) - used);
			fw_assert(used < sizeof(text));
		}
	}
	snprintf(text + used, sizeof(text) - used, "</stream:features>");
	fw_channel_send_text(leg->channel, "%s", text);
	s2s_log_stream(leg->log, leg->session, true, text);
}
