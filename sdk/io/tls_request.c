/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes what an operator needs before the first connection: a key, a signing request with all the
 * names of a server, or a self-signed certificate for a lab. Called by tools. Keys are never
 * overwritten, and are readable by their owner only from the first moment.
 */
#include "sdk/io/tls_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fedway/io/crypto.h>
#include <fedway/io/file.h>
#include <fedway/jid.h>

enum {
	REQUEST_DAYS = 90,
	COMMON_NAME_MAX = 64, /* RFC 5280, ub-common-name */
	SERIAL_SIZE = 16,
};

static int save(BIO *pem, const char *path, bool overwrite, unsigned mode, struct fw_error *err)
{
	char *bytes = NULL;
	long size = BIO_get_mem_data(pem, &bytes);
	struct fw_str text = fw_str_n(bytes, (size_t)size);

	return overwrite ? fw_file_replace(path, text, mode, err)
	                 : fw_file_create(path, text, mode, err);
}

/* ---- the key ---- */

static EVP_PKEY *make_key(unsigned rsa_bits)
{
	return rsa_bits > 0 ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
}

static int read_key(const char *path, EVP_PKEY **out, struct fw_error *err)
{
	BIO *file = NULL;

	if (tls_file_check("key", path, err) != FW_OK) {
		return FW_EINVAL;
	}
	file = BIO_new_file(path, "r");
	*out = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, tls_no_passphrase, NULL) : NULL;
	BIO_free(file);
	if (*out == NULL) {
		return fw_error_set(err, FW_EINVAL, "no usable private key in %s: %s", path,
		                    tls_words());
	}
	return FW_OK;
}

/* The key of the file, or a new one in it. */
static int have_key(struct fw_certificate_order *order, EVP_PKEY **out, struct fw_error *err)
{
	int ret = FW_ENOMEM;
	BIO *pem = NULL;

	order->key_was_there = access(order->key_file, F_OK) == 0;
	if (order->key_was_there) {
		return read_key(order->key_file, out, err);
	}
	if (order->rsa_bits != 0 &&
	    (order->rsa_bits < FW_RSA_BITS_MIN || order->rsa_bits > FW_RSA_BITS_MAX)) {
		return fw_error_set(err, FW_EINVAL, "an RSA key has %u to %u bits, not %u",
		                    FW_RSA_BITS_MIN, FW_RSA_BITS_MAX, order->rsa_bits);
	}
	*out = make_key(order->rsa_bits);
	pem = BIO_new(BIO_s_secmem());
	if (*out == NULL || pem == NULL ||
	    PEM_write_bio_PrivateKey(pem, *out, NULL, NULL, 0, NULL, NULL) != 1) {
		fw_error_set(err, ret, "cannot make a key: %s", tls_words());
		goto done;
	}
	ret = save(pem, order->key_file, false, 0600, err);
done:
	BIO_free(pem);
	return ret;
}

/* ---- names ---- */

static bool push_name(GENERAL_NAMES *names, GENERAL_NAME *name)
{
	if (name == NULL || sk_GENERAL_NAME_push(names, name) <= 0) {
		GENERAL_NAME_free(name);
		return false;
	}
	return true;
}

static ASN1_STRING *text_of(int type, const char *text)
{
	ASN1_STRING *string = ASN1_STRING_type_new(type);

	if (string != NULL && ASN1_STRING_set(string, text, -1) != 1) {
		ASN1_STRING_free(string);
		string = NULL;
	}
	return string;
}

static bool push_dns(GENERAL_NAMES *names, const char *domain)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *text = text_of(V_ASN1_IA5STRING, domain);

	if (name == NULL || text == NULL) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(text);
		return false;
	}
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	return push_name(names, name);
}

static bool push_other(GENERAL_NAMES *names, int nid, int type, const char *prefix,
                       const char *domain)
{
	char value[2 * FW_DOMAIN_SIZE];
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_TYPE *any = ASN1_TYPE_new();

	(void)snprintf(value, sizeof(value), "%s%s", prefix, domain);
	ASN1_STRING *text = text_of(type, value);
	if (name == NULL || any == NULL || text == NULL) {
		GENERAL_NAME_free(name);
		ASN1_TYPE_free(any);
		ASN1_STRING_free(text);
		return false;
	}
	ASN1_TYPE_set(any, type, text);
	if (GENERAL_NAME_set0_othername(name, OBJ_nid2obj(nid), any) != 1) {
		GENERAL_NAME_free(name);
		ASN1_TYPE_free(any);
		return false;
	}
	return push_name(names, name);
}

/* All names of one domain, which may begin with "*." */
static int push_domain(GENERAL_NAMES *names, const struct fw_certificate_order *order,
                       const char *domain, struct fw_error *err)
{
	char key[FW_DOMAIN_SIZE + 2];
	bool ok = true;

	if (tls_domain_of_row(domain, key, err) != FW_OK) {
		return FW_EINVAL;
	}
	if (fw_domain_is_ip(fw_str(key))) {
		return fw_error_set(err, FW_EINVAL, "\"%s\" is an address, not a domain", domain);
	}
	ok = push_dns(names, key);
	if (ok && order->srv_names && key[0] != '*') {
		ok = push_other(names, NID_SRVName, V_ASN1_IA5STRING, "_xmpp-server.", key) &&
		     push_other(names, NID_SRVName, V_ASN1_IA5STRING, "_xmpps-server.", key);
	}
	if (ok && order->xmpp_addresses && key[0] != '*') {
		ok = push_other(names, NID_XmppAddr, V_ASN1_UTF8STRING, "", key);
	}
	return ok ? FW_OK : FW_ENOMEM;
}

static int make_names(const struct fw_certificate_order *order, GENERAL_NAMES **out,
                      struct fw_error *err)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	int ret = names != NULL ? FW_OK : FW_ENOMEM;

	if (order->domain_count == 0) {
		ret = fw_error_set(err, FW_EINVAL, "a certificate needs at least one domain");
	}
	for (size_t i = 0; i < order->domain_count && ret == FW_OK; i++) {
		ret = push_domain(names, order, order->domains[i], err);
	}
	if (ret != FW_OK) {
		GENERAL_NAMES_free(names);
		return ret;
	}
	*out = names;
	return FW_OK;
}

/* Old tools show the common name; peers do not look at it. */
static bool put_subject(X509_NAME *name, const char *domain)
{
	char key[FW_DOMAIN_SIZE + 2];

	return tls_domain_of_row(domain, key, NULL) != FW_OK || strlen(key) > COMMON_NAME_MAX ||
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)key, -1,
	                                  -1, 0) == 1;
}

/* ---- the two papers ---- */

static bool request_extend(X509_REQ *request, GENERAL_NAMES *names)
{
	STACK_OF(X509_EXTENSION) *all = NULL;
	bool ok = X509V3_add1_i2d(&all, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
	          X509_REQ_add_extensions(request, all) == 1;

	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	return ok;
}

static bool write_request(BIO *pem, const struct fw_certificate_order *order, EVP_PKEY *key,
                          GENERAL_NAMES *names)
{
	X509_REQ *request = X509_REQ_new();
	bool ok = request != NULL && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
	          put_subject(X509_REQ_get_subject_name(request), order->domains[0]) &&
	          X509_REQ_set_pubkey(request, key) == 1 && request_extend(request, names) &&
	          X509_REQ_sign(request, key, EVP_sha256()) > 0 &&
	          PEM_write_bio_X509_REQ(pem, request) == 1;

	X509_REQ_free(request);
	return ok;
}

static bool put_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static bool put_serial(X509 *certificate)
{
	unsigned char bytes[SERIAL_SIZE];

	fw_random(bytes, sizeof(bytes));
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and never shorter */
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool ok = number != NULL &&
	          BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return ok;
}

static bool write_self_signed(BIO *pem, const struct fw_certificate_order *order, EVP_PKEY *key,
                              GENERAL_NAMES *names)
{
	unsigned days = order->days > 0 ? order->days : REQUEST_DAYS;
	X509 *made = X509_new();
	bool ok =
	        made != NULL && X509_set_version(made, X509_VERSION_3) == 1 && put_serial(made) &&
	        X509_gmtime_adj(X509_getm_notBefore(made), 0) != NULL &&
	        X509_time_adj_ex(X509_getm_notAfter(made), (int)days, 0, NULL) != NULL &&
	        put_subject(X509_get_subject_name(made), order->domains[0]) &&
	        X509_set_issuer_name(made, X509_get_subject_name(made)) == 1 &&
	        X509_set_pubkey(made, key) == 1 &&
	        put_extension(made, NID_basic_constraints, "critical,CA:FALSE") &&
	        put_extension(made, NID_key_usage, "critical,digitalSignature") &&
	        put_extension(made, NID_ext_key_usage, "serverAuth,clientAuth") &&
	        X509_add1_ext_i2d(made, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
	        X509_sign(made, key, EVP_sha256()) > 0 && PEM_write_bio_X509(pem, made) == 1;

	X509_free(made);
	return ok;
}

typedef bool write_fn(BIO *, const struct fw_certificate_order *, EVP_PKEY *, GENERAL_NAMES *);

static int fulfil(struct fw_certificate_order *order, write_fn *writer, struct fw_error *err)
{
	int ret = FW_ENOMEM;
	EVP_PKEY *key = NULL;
	GENERAL_NAMES *names = NULL;
	BIO *pem = BIO_new(BIO_s_mem());

	ERR_clear_error();
	order->key_was_there = false;
	if (pem == NULL) {
		goto done;
	}
	/* All that can be wrong is found before a key is made. */
	ret = make_names(order, &names, err);
	if (ret == FW_OK && !order->overwrite && access(order->out_file, F_OK) == 0) {
		ret = fw_error_set(err, FW_EEXIST, "%s exists: it is not overwritten",
		                   order->out_file);
	}
	if (ret == FW_OK) {
		ret = have_key(order, &key, err);
	}
	if (ret != FW_OK) {
		goto done;
	}
	if (!writer(pem, order, key, names)) {
		ret = fw_error_set(err, FW_ENOMEM, "cannot make %s: %s", order->out_file,
		                   tls_words());
		goto done;
	}
	ret = save(pem, order->out_file, order->overwrite, 0644, err);
done:
	BIO_free(pem);
	GENERAL_NAMES_free(names);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ret;
}

int fw_certificate_request(struct fw_certificate_order *order, struct fw_error *err)
{
	return fulfil(order, write_request, err);
}

int fw_certificate_self_signed(struct fw_certificate_order *order, struct fw_error *err)
{
	return fulfil(order, write_self_signed, err);
}
