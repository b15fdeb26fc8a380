/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Certificates and revocation lists made while a test runs, good and bad, in a folder of its own.
 * For cases that the fixed ones in certs/ do not cover.
 */
#ifndef TESTS_SUPPORT_MADE_CERTS_H
#define TESTS_SUPPORT_MADE_CERTS_H

#include <stdbool.h>

#include <openssl/x509.h>

struct made_cert {
	X509 *cert;
	EVP_PKEY *key;
};

struct made_spec {
	const char *subject;            /* common name */
	const char *names;              /* subjectAltName as in openssl.cnf; NULL: none */
	const char *const *raw_names;   /* instead: dNSNames of exactly `raw_sizes` bytes; the last is NULL */
	const int *raw_sizes;
	const char *eku;                /* extendedKeyUsage; NULL: none */
	long from_s, until_s;           /* from now on; 0, 0: an hour ago until in a day */
	long serial;                    /* 0: 1 */
	const struct made_cert *issuer; /* NULL: self-signed */
	bool ca;
};

#define MADE_SRV "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:"
#define MADE_XMPP "otherName:1.3.6.1.5.5.7.8.5;UTF8:"

/** A folder for the files of this test; the same at each call, removed by made_folder_remove(). */
const char *made_folder(void);
void made_folder_remove(void);

void made_cert(const struct made_spec *spec, struct made_cert *out);
void made_cert_free(struct made_cert *cert);
/** Writes certificates, NULL-terminated, and a key (may be NULL) into a file of the folder. @return its path, static: sixteen live */
const char *made_file(const char *name, const struct made_cert *const *certs, const struct made_cert *key);
/** A revocation list of `issuer` with one serial (0: none). Times are from now on, in seconds. */
const char *made_crl(const char *name, const struct made_cert *issuer, long serial, long from_s, long until_s);

#endif
