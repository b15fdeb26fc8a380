/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a certificate says, and which domains it names (RFC 9525). Called for each certificate that
 * a peer shows, for our own when they are read, and by tools. The bytes are a peer's: every text is
 * bounded and safe to print, and a name that is not well-formed matches nothing.
 */
#include "sdk/io/tls_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fedway/io/crypto.h>
#include <fedway/jid.h>

enum {
	NAME_TEXT_SIZE = 256,
	SERIAL_MAX = 20,       /* bytes, RFC 5280 §4.1.2.2 */
	NAMES_MAX = 32 * 1024, /* text of all names; what is behind matches nothing */
	SPKI_MAX = 16 * 1024,  /* an RSA key of 16384 bits has 2 KiB */
};

struct description {
	struct fw_certificate given;
	unsigned users;
	char text[];
};

static struct description *description_of(const struct fw_certificate *certificate)
{
	return (struct description *)(uintptr_t)certificate;
}

const struct fw_certificate *fw_certificate_ref(const struct fw_certificate *certificate)
{
	description_of(certificate)->users++;
	return certificate;
}

void fw_certificate_release(const struct fw_certificate **certificate)
{
	const struct fw_certificate *old = *certificate;

	*certificate = NULL;
	if (old != NULL && --description_of(old)->users == 0) {
		free(description_of(old));
	}
}

/* ---- texts ---- */

int64_t tls_certificate_time(const ASN1_TIME *time)
{
	struct tm when;

	return time != NULL && ASN1_TIME_to_tm(time, &when) == 1 ? (int64_t)timegm(&when) : 0;
}

/* Each text is appended with its end; a text that could not be made is "". */
static void put_text(BIO *out, const char *text)
{
	BIO_write(out, text, (int)strlen(text) + 1);
}

static void put_name(BIO *out, const X509_NAME *name)
{
	char text[NAME_TEXT_SIZE] = "";
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio != NULL) {
		/* RFC 2253 form escapes controls and other alphabets: fit for logs. */
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
		int got = BIO_read(bio, text, (int)sizeof(text) - 1);
		text[got > 0 ? got : 0] = '\0';
		BIO_free(bio);
	}
	put_text(out, text);
}

static void put_serial(BIO *out, const ASN1_INTEGER *serial)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	int size = ASN1_STRING_length(serial);

	for (int i = 0; i < size && i < SERIAL_MAX; i++) {
		BIO_printf(out, "%02x", bytes[i]);
	}
	put_text(out, "");
}

static void put_key(BIO *out, X509 *certificate)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	char group[64] = "";

	if (key != NULL) {
		size_t size = 0;
		BIO_printf(out, "%s", EVP_PKEY_get0_type_name(key));
		if (EVP_PKEY_get_group_name(key, group, sizeof(group), &size) == 1) {
			BIO_printf(out, " %s", group);
		} else if (EVP_PKEY_is_a(key, "RSA")) {
			BIO_printf(out, " %d", EVP_PKEY_get_bits(key));
		}
	}
	put_text(out, "");
}

/* SHA-256 over the DER form of something. */
static void put_digest(BIO *out, unsigned char *der, int size)
{
	char hex[FW_SHA256_HEX_SIZE] = "";

	if (size > 0) {
		fw_sha256_hex(fw_str_n((const char *)der, (size_t)size), hex);
	}
	OPENSSL_free(der);
	put_text(out, hex);
}

static void put_digests(BIO *out, X509 *certificate)
{
	unsigned char *spki = NULL;
	unsigned char *whole = NULL;
	int spki_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
	int whole_size = i2d_X509(certificate, &whole);

	put_digest(out, spki, spki_size < SPKI_MAX ? spki_size : 0);
	put_digest(out, whole, whole_size);
}

/* ---- names ---- */

/* Letters, digits, hyphens, underscores and dots; a star only in "*." at the beginning. */
static bool is_dns_text(struct fw_str name, bool wildcard)
{
	char key[FW_DOMAIN_SIZE];

	if (wildcard && name.len > 2 && name.ptr[0] == '*' && name.ptr[1] == '.') {
		name = fw_str_n(name.ptr + 2, name.len - 2);
	}
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.ptr[i] >= 0x80) {
			return false; /* A-labels only, RFC 9525 §6.3 */
		}
	}
	return name.len > 0 && name.ptr[name.len - 1] != '.' && !fw_domain_is_ip(name) &&
	       fw_domain_key(name, key, NULL) == FW_OK;
}

static struct fw_str asn1_str(const ASN1_STRING *string)
{
	return fw_str_n((const char *)ASN1_STRING_get0_data(string),
	                (size_t)ASN1_STRING_length(string));
}

/* id-on-dnsSRV (RFC 4985) and id-on-xmppAddr (RFC 6120 §13.7.1.4). */
static void put_other_name(BIO *out, const OTHERNAME *other, const char *between)
{
	int kind = OBJ_obj2nid(other->type_id);
	char key[FW_DOMAIN_SIZE];

	if (kind == NID_SRVName && ASN1_TYPE_get(other->value) == V_ASN1_IA5STRING) {
		struct fw_str name = asn1_str(other->value->value.ia5string);
		if (is_dns_text(name, false)) {
			BIO_printf(out, "%sSRV:%.*s", between, FW_STR_ARG(name));
		}
	} else if (kind == NID_XmppAddr && ASN1_TYPE_get(other->value) == V_ASN1_UTF8STRING) {
		struct fw_str name = asn1_str(other->value->value.utf8string);
		if (fw_domain_key(name, key, NULL) == FW_OK) {
			BIO_printf(out, "%sXMPP:%s", between, key);
		}
	}
}

static void put_names(BIO *out, X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	size_t begin = BIO_ctrl_pending(out);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const char *between = BIO_ctrl_pending(out) > begin ? ", " : "";

		if (BIO_ctrl_pending(out) - begin > NAMES_MAX) {
			break;
		}
		if (name->type == GEN_DNS && is_dns_text(asn1_str(name->d.dNSName), true)) {
			BIO_printf(out, "%sDNS:%.*s", between,
			           FW_STR_ARG(asn1_str(name->d.dNSName)));
		} else if (name->type == GEN_OTHERNAME) {
			put_other_name(out, name->d.otherName, between);
		}
	}
	put_text(out, "");
	GENERAL_NAMES_free(names);
}

const struct fw_certificate *tls_certificate_describe(X509 *certificate)
{
	struct description *made = NULL;
	const char *text = NULL;
	BIO *out = BIO_new(BIO_s_mem());

	if (out == NULL) {
		return NULL;
	}
	put_name(out, X509_get_subject_name(certificate));
	put_name(out, X509_get_issuer_name(certificate));
	put_serial(out, X509_get0_serialNumber(certificate));
	put_names(out, certificate);
	put_key(out, certificate);
	put_digests(out, certificate);
	size_t size = BIO_ctrl_pending(out);
	made = malloc(sizeof(*made) + size);
	if (made != NULL && BIO_read(out, made->text, (int)size) == (int)size) {
		const char **fields[] = { &made->given.subject, &made->given.issuer,
			                  &made->given.serial,  &made->given.names,
			                  &made->given.key,     &made->given.key_sha256,
			                  &made->given.sha256 };
		text = made->text;
		for (size_t i = 0; i < FW_COUNT(fields); i++) {
			*fields[i] = text;
			text += strlen(text) + 1;
		}
		fw_assert(text == made->text + size);
		made->given.not_before = tls_certificate_time(X509_get0_notBefore(certificate));
		made->given.not_after = tls_certificate_time(X509_get0_notAfter(certificate));
		made->users = 1;
	}
	BIO_free(out);
	ERR_clear_error();
	return made != NULL ? &made->given : NULL;
}

/* ---- files ---- */

int tls_file_check(const char *what, const char *path, struct fw_error *err)
{
	if (access(path, R_OK) != 0) {
		return fw_error_set(err, FW_EINVAL, "cannot read %s %s: %s", what, path,
		                    strerror(errno));
	}
	return FW_OK;
}

int tls_certificate_load(const char *path, X509 **out, struct fw_error *err)
{
	BIO *file = NULL;

	if (tls_file_check("certificate", path, err) != FW_OK) {
		return FW_EINVAL;
	}
	ERR_clear_error();
	file = BIO_new_file(path, "r");
	*out = file != NULL ? PEM_read_bio_X509_AUX(file, NULL, NULL, NULL) : NULL;
	BIO_free(file);
	if (*out == NULL) {
		fw_error_set(err, FW_EINVAL, "no usable certificate in %s: %s", path, tls_words());
	}
	ERR_clear_error();
	return *out != NULL ? FW_OK : FW_EINVAL;
}

int64_t fw_certificate_days_left(const struct fw_certificate *certificate)
{
	enum { DAY_S = 86400 };
	int64_t left = certificate->not_after - (int64_t)time(NULL);

	return left >= 0 ? left / DAY_S : -1 - (-1 - left) / DAY_S;
}

const char *fw_certificate_end_text(const struct fw_certificate *certificate,
                                    char out[FW_CERTIFICATE_END_SIZE])
{
	int64_t days = fw_certificate_days_left(certificate);

	if (days > 0) {
		(void)snprintf(out, FW_CERTIFICATE_END_SIZE, "ends in %" PRId64 " day%s", days,
		               days == 1 ? "" : "s");
	} else {
		(void)snprintf(out, FW_CERTIFICATE_END_SIZE, "%s",
		               days == 0 ? "ends today" : "has ended");
	}
	return out;
}

int fw_certificate_read(const char *path, const struct fw_certificate **out, struct fw_error *err)
{
	X509 *certificate = NULL;
	int ret = tls_certificate_load(path, &certificate, err);

	if (ret != FW_OK) {
		return ret;
	}
	const struct fw_certificate *made = tls_certificate_describe(certificate);
	X509_free(certificate);
	if (made == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	*out = made;
	return FW_OK;
}

/* ---- matching ---- */

static bool dns_matches(struct fw_str name, struct fw_str domain)
{
	if (fw_domain_is_ip(domain)) {
		return false;
	}
	if (name.ptr[0] != '*') {
		return fw_str_eq_nocase(name, domain);
	}
	const char *dot = memchr(domain.ptr, '.', domain.len);
	struct fw_str tail = fw_str_n(name.ptr + 1, name.len - 1); /* ".example.org" */
	if (dot == NULL || memchr(tail.ptr + 1, '.', tail.len - 1) == NULL) {
		return false; /* "*.org" is nobody's */
	}
	/* RFC 9525 §6.3: exactly one label. */
	return fw_str_eq_nocase(tail, fw_str_n(dot, domain.len - (size_t)(dot - domain.ptr)));
}

static bool srv_matches(struct fw_str name, struct fw_str domain, bool direct)
{
	static const struct {
		struct fw_str prefix;
		bool direct_only;
	} services[] = {
		{ FW_STR("_xmpp-server."), false },
		{ FW_STR("_xmpps-server."), true },
	};

	for (size_t i = 0; i < FW_COUNT(services); i++) {
		struct fw_str prefix = services[i].prefix;
		if ((direct || !services[i].direct_only) && name.len > prefix.len &&
		    fw_str_eq_nocase(fw_str_n(name.ptr, prefix.len), prefix) &&
		    fw_str_eq_nocase(fw_str_n(name.ptr + prefix.len, name.len - prefix.len),
		                     domain)) {
			return true;
		}
	}
	return false;
}

/* One name as it stands in the description, "DNS:a.example". */
static bool name_matches(struct fw_str name, struct fw_str domain, bool direct)
{
	if (name.len > 4 && memcmp(name.ptr, "DNS:", 4) == 0) {
		return dns_matches(fw_str_n(name.ptr + 4, name.len - 4), domain);
	}
	if (name.len > 4 && memcmp(name.ptr, "SRV:", 4) == 0) {
		return srv_matches(fw_str_n(name.ptr + 4, name.len - 4), domain, direct);
	}
	return name.len > 5 && memcmp(name.ptr, "XMPP:", 5) == 0 &&
	       fw_str_eq(fw_str_n(name.ptr + 5, name.len - 5), domain);
}

bool fw_certificate_names(const struct fw_certificate *certificate, const char *domain_key,
                          bool direct, char *matched, size_t size)
{
	struct fw_str domain = fw_str(domain_key);
	const char *at = certificate->names;

	while (domain.len > 0 && *at != '\0') {
		const char *end = strstr(at, ", ");
		struct fw_str name = fw_str_n(at, end != NULL ? (size_t)(end - at) : strlen(at));

		if (name_matches(name, domain, direct)) {
			snprintf(matched, size, "%.*s", FW_STR_ARG(name));
			return true;
		}
		at = end != NULL ? end + 2 : at + name.len;
	}
	snprintf(matched, size, "%s", certificate->names);
	return false;
}
