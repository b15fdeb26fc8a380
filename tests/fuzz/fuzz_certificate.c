/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: certificates of peers. The input stands as subjectAltName (DER) and as subject's
 * common name in a certificate, and is read as a whole certificate as well. All texts must be
 * printable and bounded; a name that matches must be one of those that are told.
 */
#include <string.h>

#include <openssl/x509v3.h>

#include "sdk/io/tls_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 34 * 1024 };

static void assert_text(const char *text)
{
	size_t len = strlen(text);

	fw_assert(len < TEXT_MAX);
	for (size_t i = 0; i < len; i++) {
		fw_assert(text[i] >= 0x20 && text[i] < 0x7f);
	}
}

static void assert_names(const struct fw_certificate *certificate, const char *domain)
{
	char matched[512];

	for (int direct = 0; direct < 2; direct++) {
		bool names = fw_certificate_names(certificate, domain, direct != 0, matched,
		                                  sizeof(matched));
		fw_assert(strstr(certificate->names, matched) != NULL);
		fw_assert(!names || strncmp(matched, "DNS:", 4) == 0 ||
		          strncmp(matched, "SRV:", 4) == 0 || strncmp(matched, "XMPP:", 5) == 0);
	}
}

static void describe(X509 *x509)
{
	const struct fw_certificate *certificate = tls_certificate_describe(x509);

	fw_assert(certificate != NULL);
	assert_text(certificate->subject);
	assert_text(certificate->issuer);
	assert_text(certificate->serial);
	assert_text(certificate->names);
	assert_text(certificate->key);
	assert_names(certificate, "a.example");
	assert_names(certificate, "x.b.example");
	assert_names(certificate, "192.0.2.1");
	assert_names(certificate, "");
	fw_certificate_release(&certificate);
}

static void describe_with_names(const uint8_t *data, size_t size)
{
	X509 *x509 = X509_new();
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();

	fw_assert(x509 != NULL && value != NULL);
	fw_assert(ASN1_OCTET_STRING_set(value, data, (int)size) == 1);
	X509_EXTENSION *names = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
	fw_assert(names != NULL && X509_add_ext(x509, names, -1) == 1);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, data,
	                           (int)(size < 64 ? size : 64), -1, 0);
	describe(x509);
	X509_EXTENSION_free(names);
	ASN1_OCTET_STRING_free(value);
	X509_free(x509);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	X509 *x509 = d2i_X509(NULL, &at, (long)size);

	if (x509 != NULL) {
		describe(x509);
		X509_free(x509);
	}
	describe_with_names(data, size);
	return 0;
}
