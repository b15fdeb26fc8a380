/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses: taking them apart, and the key of a domain. Called for every stanza by the router, and
 * by whoever reads a domain from configuration, DNS or a certificate. libidn2 lives here and is
 * asked only for names with letters outside ASCII. Does not prepare local and resource parts: that
 * is the home server's business.
 */
#include <fedway/jid.h>

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>

#include <fedway/error.h>

enum { JID_LABEL_MAX = 63 }; /* RFC 1035 §2.3.4 */

/* Eight bytes at once: true when all are printable ASCII. The usual case of a hot path; a false
 * may be wrong for a byte above a bad one, which does not matter. */
static inline bool jid_is_plain(const char *ptr)
{
	const uint64_t ones = UINT64_MAX / 255;
	uint64_t word;

	memcpy(&word, ptr, sizeof(word));
	uint64_t below = word - ones * 0x21;          /* borrows where a byte is under 0x21 */
	uint64_t del = (word ^ (ones * 0x7f)) - ones; /* and here where it is 0x7f */
	return ((word | below | del) & (ones * 0x80)) == 0;
}

/* No controls (C0, DEL, C1) and no space in local and domain part (RFC 7622 §3.2, §3.3). */
static bool jid_is_clean(struct fw_str part)
{
	size_t i = 0;

	while (i + 8 <= part.len && jid_is_plain(part.ptr + i)) {
		i += 8;
	}
	if (part.len >= 8 && i + 8 > part.len && jid_is_plain(part.ptr + part.len - 8)) {
		return true;
	}
	for (; i < part.len; i++) {
		unsigned char byte = (unsigned char)part.ptr[i];
		if (byte <= 0x20 || byte == 0x7f) {
			return false;
		}
		if (byte == 0xc2 && i + 1 < part.len &&
		    ((unsigned char)part.ptr[i + 1] & 0xe0) == 0x80) {
			return false;
		}
	}
	return true;
}

/* Cuts at the first slash, then at the first at sign before it (RFC 7622 §3.2). Checks nothing. */
static void jid_cut(struct fw_str text, struct fw_jid *out)
{
	const char *at;

	memset(out, 0, sizeof(*out));
	if (text.len == 0) {
		return;
	}
	const char *slash = memchr(text.ptr, '/', text.len);
	if (slash != NULL) {
		size_t before = (size_t)(slash - text.ptr);
		out->resource = fw_str_n(slash + 1, text.len - before - 1);
		text.len = before;
	}
	at = memchr(text.ptr, '@', text.len);
	if (at != NULL) {
		size_t before = (size_t)(at - text.ptr);
		out->local = fw_str_n(text.ptr, before);
		text = fw_str_n(at + 1, text.len - before - 1);
	}
	out->domain = text;
}

int fw_jid_split(struct fw_str text, struct fw_jid *out)
{
	struct fw_jid jid;

	jid_cut(text, &jid);
	if (jid.domain.len == 0 || (jid.local.ptr != NULL && jid.local.len == 0) ||
	    (jid.resource.ptr != NULL && jid.resource.len == 0)) {
		return FW_EPARSE;
	}
	if (jid.local.len > FW_JID_PART_MAX || jid.domain.len > FW_JID_PART_MAX ||
	    jid.resource.len > FW_JID_PART_MAX) {
		return FW_ELIMIT;
	}
	if (!jid_is_clean(jid.local) || !jid_is_clean(jid.domain) ||
	    memchr(jid.domain.ptr, '@', jid.domain.len) != NULL) {
		return FW_EPARSE;
	}
	*out = jid;
	return FW_OK;
}

struct fw_str fw_jid_domain(struct fw_str text)
{
	struct fw_jid jid;

	jid_cut(text, &jid);
	return jid.domain.len > 0 ? jid.domain : fw_str(NULL);
}

struct fw_str fw_jid_bare(struct fw_str text)
{
	const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;

	return slash != NULL ? fw_str_n(text.ptr, (size_t)(slash - text.ptr)) : text;
}

/* What a byte of an ASCII name becomes in its key; 0 where the quick path ends. The underscore is
 * not for host names, but component IDs have it. */
static const char jid_key_byte[256] = {
	['-'] = '-', ['.'] = '.', ['_'] = '_', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3',
	['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a',
	['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
	['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o',
	['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v',
	['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c',
	['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
	['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q',
	['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x',
	['y'] = 'y', ['z'] = 'z',
};

/* A name of letters, digits, hyphens and underscores: lower case, labels of 1 to 63, no hyphen at
 * the ends. */
static int jid_ascii_key(struct fw_str domain, char *out, size_t *len)
{
	size_t label = 0;
	char last = '.';

	if (domain.len > 0 && domain.ptr[domain.len - 1] == '.') {
		domain.len--; /* RFC 7622 §3.2 */
	}
	if (domain.len == 0) {
		return FW_EPARSE;
	}
	if (domain.len > FW_DOMAIN_SIZE - 3) {
		return FW_ELIMIT;
	}
	for (size_t i = 0; i < domain.len; i++) {
		char byte = jid_key_byte[(unsigned char)domain.ptr[i]];
		if (byte == '.') {
			if (label == 0 || last == '-') {
				return FW_EPARSE;
			}
			label = 0;
		} else if (byte == '\0' || (byte == '-' && label == 0)) {
			return FW_EPARSE;
		} else if (++label > JID_LABEL_MAX) {
			return FW_ELIMIT;
		}
		out[i] = last = byte;
	}
	out[domain.len] = '\0';
	*len = domain.len;
	return label == 0 || last == '-' ? FW_EPARSE : FW_OK;
}

/* A bare or bracketed IPv6 address, in lower case. */
static int jid_ipv6_key(struct fw_str domain, char *out, size_t *len)
{
	bool bracketed =
	        domain.len > 2 && domain.ptr[0] == '[' && domain.ptr[domain.len - 1] == ']';
	struct fw_str inner = bracketed ? fw_str_n(domain.ptr + 1, domain.len - 2) : domain;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (inner.len >= sizeof(text)) {
		return FW_EPARSE;
	}
	memcpy(text, inner.ptr, inner.len);
	text[inner.len] = '\0';
	if (strlen(text) != inner.len || inet_pton(AF_INET6, text, &address) != 1) {
		return FW_EPARSE;
	}
	for (size_t i = 0; i < domain.len; i++) {
		char byte = jid_key_byte[(unsigned char)domain.ptr[i]];
		out[i] = byte != '\0' ? byte : domain.ptr[i];
	}
	out[domain.len] = '\0';
	*len = domain.len;
	return FW_OK;
}

/* A name with letters outside ASCII: mapped (UTS #46) and converted to A-labels by IDNA2008. */
static int jid_idn_key(struct fw_str domain, char *out, size_t *len)
{
	char text[FW_JID_PART_MAX + 1];
	char *ascii = NULL;

	memcpy(text, domain.ptr, domain.len);
	text[domain.len] = '\0';
	int rc = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK) {
		return rc == IDN2_MALLOC                                       ? FW_ENOMEM
		       : rc == IDN2_TOO_BIG_DOMAIN || rc == IDN2_TOO_BIG_LABEL ? FW_ELIMIT
		                                                               : FW_EPARSE;
	}
	int ret = jid_ascii_key(fw_str(ascii), out, len);
	idn2_free(ascii);
	return ret;
}

int fw_domain_key(struct fw_str domain, char out[FW_DOMAIN_SIZE], struct fw_str *key)
{
	bool colon = false;
	bool foreign = false;
	size_t len = 0;
	int ret = jid_ascii_key(domain, out, &len);

	if (ret != FW_OK && domain.len > 0) {
		if (domain.len > FW_JID_PART_MAX) {
			return FW_ELIMIT;
		}
		for (size_t i = 0; i < domain.len; i++) {
			if (domain.ptr[i] == '\0') {
				return FW_EPARSE;
			}
			colon = colon || domain.ptr[i] == ':';
			foreign = foreign || (unsigned char)domain.ptr[i] >= 0x80;
		}
		if (colon) {
			ret = jid_ipv6_key(domain, out, &len);
		} else if (foreign) {
			ret = jid_idn_key(domain, out, &len);
		}
	}
	if (ret == FW_OK && key != NULL) {
		*key = fw_str_n(out, len);
	}
	return ret;
}

const char *fw_domain_text(const char *key, char out[FW_DOMAIN_TEXT_SIZE])
{
	char again[FW_DOMAIN_SIZE];
	char *text = NULL;

	snprintf(out, FW_DOMAIN_TEXT_SIZE, "%s", key);
	if (strstr(key, "xn--") == NULL) {
		return out;
	}
	/* A label that does not lead back is none of IDNA2008: it stays as it is. */
	if (idn2_to_unicode_8z8z(key, &text, 0) == IDN2_OK && strlen(text) <= FW_JID_PART_MAX &&
	    fw_domain_key(fw_str(text), again, NULL) == FW_OK && strcmp(again, key) == 0) {
		snprintf(out, FW_DOMAIN_TEXT_SIZE, "%s", text);
	}
	idn2_free(text);
	return out;
}

bool fw_domain_eq(struct fw_str a, struct fw_str b)
{
	char text_a[FW_DOMAIN_SIZE];
	char text_b[FW_DOMAIN_SIZE];
	struct fw_str key_a;
	struct fw_str key_b;

	if (fw_domain_key(a, text_a, &key_a) != FW_OK) {
		return false;
	}
	if (fw_str_eq(a, b)) {
		return true;
	}
	return fw_domain_key(b, text_b, &key_b) == FW_OK && fw_str_eq(key_a, key_b);
}

bool fw_domain_is_ip(struct fw_str domain)
{
	char text[INET6_ADDRSTRLEN + 2];
	struct in_addr address;
	size_t len;

	if (domain.len == 0 || domain.len >= sizeof(text)) {
		return false;
	}
	if (memchr(domain.ptr, ':', domain.len) != NULL) {
		return jid_ipv6_key(domain, text, &len) == FW_OK;
	}
	memcpy(text, domain.ptr, domain.len);
	text[domain.len] = '\0';
	return strlen(text) == domain.len && inet_pton(AF_INET, text, &address) == 1;
}
