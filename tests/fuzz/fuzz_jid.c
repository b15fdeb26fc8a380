/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: addresses. The parts must lie within the text, and the key of a key must be the key
 * itself.
 */
#include <fedway/error.h>
#include <fedway/jid.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_within(struct fw_str part, struct fw_str text)
{
	fw_assert(part.len == 0 ||
	          (part.ptr >= text.ptr && part.ptr + part.len <= text.ptr + text.len));
}

static void assert_key(struct fw_str domain)
{
	char first[FW_DOMAIN_SIZE], second[FW_DOMAIN_SIZE];
	struct fw_str key;

	if (fw_domain_key(domain, first, &key) == FW_OK) {
		fw_assert(key.len > 0 && key.len < sizeof(first) && first[key.len] == '\0');
		fw_assert(fw_domain_key(key, second, NULL) == FW_OK);
		fw_assert(strcmp(first, second) == 0);
		fw_assert(fw_domain_eq(domain, key));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_str text = fw_str_n((const char *)data, size);
	struct fw_jid jid;

	assert_within(fw_jid_domain(text), text);
	assert_within(fw_jid_bare(text), text);
	assert_key(text);
	(void)fw_domain_is_ip(text);
	if (fw_jid_split(text, &jid) == FW_OK) {
		assert_within(jid.local, text);
		assert_within(jid.domain, text);
		assert_within(jid.resource, text);
		fw_assert(jid.domain.len > 0 && jid.domain.len <= FW_JID_PART_MAX);
		/* the quick form and the careful one agree on what is an address */
		fw_assert(fw_str_eq(fw_jid_domain(text), jid.domain));
		assert_key(jid.domain);
	}
	return 0;
}
