/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Certificates and revocation lists made while a test runs.
 */
#include "tests/support/made_certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { PATHS = 16, PATH_SIZE = 256 };

static char folder[64];

const char *made_folder(void)
{
	if (folder[0] == '\0') {
		snprintf(folder, sizeof(folder), "/tmp/fedway-test-certs-XXXXXX");
		assert_non_null(mkdtemp(folder));
	}
	return folder;
}

void made_folder_remove(void)
{
	char command[128];

	if (folder[0] != '\0') {
		snprintf(command, sizeof(command), "rm -rf '%s'", folder);
		assert_int_equal(system(command), 0);
		folder[0] = '\0';
	}
}

static const char *path_in_folder(const char *name)
{
	static char paths[PATHS][PATH_SIZE];
	static unsigned next;
	char *path = paths[next++ % PATHS];

	snprintf(path, PATH_SIZE, "%s/%s", made_folder(), name);
	return path;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Bytes that no configuration file would take. */
static void add_raw_names(X509 *cert, const struct made_spec *spec)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	for (int i = 0; spec->raw_names[i] != NULL; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();
		assert_int_equal(ASN1_STRING_set(text, spec->raw_names[i], spec->raw_sizes[i]), 1);
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	}
	assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
}

void made_cert(const struct made_spec *spec, struct made_cert *out)
{
	bool usual = spec->from_s == 0 && spec->until_s == 0;
	const struct made_cert *issuer = spec->issuer != NULL ? spec->issuer : out;

	out->key = EVP_EC_gen("P-256");
	out->cert = X509_new();
	assert_non_null(out->key);
	assert_non_null(out->cert);
	X509_set_version(out->cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(out->cert), spec->serial != 0 ? spec->serial : 1);
	X509_gmtime_adj(X509_getm_notBefore(out->cert), usual ? -3600 : spec->from_s);
	X509_gmtime_adj(X509_getm_notAfter(out->cert), usual ? 86400 : spec->until_s);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(out->cert), "CN", MBSTRING_UTF8,
	                           (const unsigned char *)spec->subject, -1, -1, 0);
	X509_set_issuer_name(out->cert, X509_get_subject_name(issuer->cert));
	X509_set_pubkey(out->cert, out->key);
	if (spec->ca) {
		add_extension(out->cert, NID_basic_constraints, "critical,CA:TRUE");
		add_extension(out->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	}
	if (spec->eku != NULL) {
		add_extension(out->cert, NID_ext_key_usage, spec->eku);
	}
	if (spec->names != NULL) {
		add_extension(out->cert, NID_subject_alt_name, spec->names);
	}
	if (spec->raw_names != NULL) {
		add_raw_names(out->cert, spec);
	}
	assert_true(X509_sign(out->cert, issuer->key, EVP_sha256()) > 0);
}

void made_cert_free(struct made_cert *cert)
{
	X509_free(cert->cert);
	EVP_PKEY_free(cert->key);
	memset(cert, 0, sizeof(*cert));
}

const char *made_file(const char *name, const struct made_cert *const *certs,
                      const struct made_cert *key)
{
	const char *path = path_in_folder(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (int i = 0; certs != NULL && certs[i] != NULL; i++) {
		assert_int_equal(PEM_write_X509(file, certs[i]->cert), 1);
	}
	if (key != NULL) {
		assert_int_equal(PEM_write_PrivateKey(file, key->key, NULL, NULL, 0, NULL, NULL),
		                 1);
	}
	fclose(file);
	return path;
}

const char *made_crl(const char *name, const struct made_cert *issuer, long serial, long from_s,
                     long until_s)
{
	const char *path = path_in_folder(name);
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *when = X509_gmtime_adj(NULL, from_s);

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
	X509_CRL_set1_lastUpdate(crl, when);
	if (serial != 0) {
		X509_REVOKED *revoked = X509_REVOKED_new();
		ASN1_INTEGER *number = ASN1_INTEGER_new();
		ASN1_INTEGER_set(number, serial);
		X509_REVOKED_set_serialNumber(revoked, number);
		X509_REVOKED_set_revocationDate(revoked, when);
		X509_CRL_add0_revoked(crl, revoked);
		ASN1_INTEGER_free(number);
	}
	ASN1_TIME_free(when);
	when = X509_gmtime_adj(NULL, until_s);
	X509_CRL_set1_nextUpdate(crl, when);
	ASN1_TIME_free(when);
	assert_true(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509_CRL(file, crl), 1);
	fclose(file);
	X509_CRL_free(crl);
	return path;
}
