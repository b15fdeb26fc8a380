/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keys, signing requests and self-signed certificates: what they contain, and that nothing of an
 * operator's is overwritten.
 */
#include <fedway/io/certificate.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/support/made_certs.h"
#include "tests/support/tls_pair.h"

static const char *const domains[] = { "Corp.example", "b\303\274cher.example", "*.corp.example" };

struct world {
	char key[256], out[256];
	struct fw_certificate_order order;
	struct fw_error err;
};

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	snprintf(world.key, sizeof(world.key), "%s/new.key", made_folder());
	snprintf(world.out, sizeof(world.out), "%s/new.pem", made_folder());
	world.order = (struct fw_certificate_order){ .domains = domains,
		                                     .domain_count = FW_COUNT(domains),
		                                     .key_file = world.key,
		                                     .out_file = world.out };
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	made_folder_remove();
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat is;

	assert_int_equal(stat(path, &is), 0);
	return is.st_mode & 0777;
}

static void made(struct world *w, int (*maker)(struct fw_certificate_order *, struct fw_error *))
{
	if (maker(&w->order, &w->err) != FW_OK) {
		fail_msg("%s", w->err.text);
	}
}

static void a_request_names_every_domain(void **state)
{
	struct world *w = *state;

	made(w, fw_certificate_request);
	assert_false(w->order.key_was_there);
	assert_int_equal(mode_of(w->key), 0600);
	FILE *file = fopen(w->out, "r");
	X509_REQ *request = PEM_read_X509_REQ(file, NULL, NULL, NULL);
	fclose(file);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	assert_true(EVP_PKEY_is_a(X509_REQ_get0_pubkey(request), "EC"));
	STACK_OF(X509_EXTENSION) *all = X509_REQ_get_extensions(request);
	GENERAL_NAMES *names = X509V3_get_d2i(all, NID_subject_alt_name, NULL, NULL);
	static const char *const wanted[] = { "corp.example", "xn--bcher-kva.example",
		                              "*.corp.example" };
	assert_int_equal(sk_GENERAL_NAME_num(names), FW_COUNT(wanted));
	for (size_t i = 0; i < FW_COUNT(wanted); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, (int)i);
		assert_int_equal(name->type, GEN_DNS);
		assert_int_equal(ASN1_STRING_length(name->d.dNSName), strlen(wanted[i]));
		assert_memory_equal(ASN1_STRING_get0_data(name->d.dNSName), wanted[i],
		                    strlen(wanted[i]));
	}
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	X509_REQ_free(request);
}

static void a_self_signed_certificate_serves(void **state)
{
	struct world *w = *state;
	const struct fw_certificate *certificate = NULL;
	struct fw_tls_facts facts;
	struct pair pair;
	char matched[64];

	w->order.srv_names = w->order.xmpp_addresses = true;
	w->order.domain_count = 1;
	w->order.days = 3;
	made(w, fw_certificate_self_signed);
	assert_int_equal(fw_certificate_read(w->out, &certificate, NULL), FW_OK);
	assert_string_equal(certificate->subject, "CN=corp.example");
	assert_string_equal(certificate->names,
	                    "DNS:corp.example, SRV:_xmpp-server.corp.example, "
	                    "SRV:_xmpps-server.corp.example, XMPP:corp.example");
	assert_int_equal(certificate->not_after - certificate->not_before, 3 * 86400);
	assert_int_equal(strlen(certificate->serial), 32);
	fw_certificate_release(&certificate);
	/* A peer that has it among its authorities takes it. */
	pair_open(&pair, context_of(w->out, w->key, w->out), context_of(w->out, w->key, w->out));
	pair_up(&pair);
	for (int i = 0; i < 2; i++) {
		fw_tls_facts(pair.tls[i], &facts);
		assert_int_equal(facts.verdict, FW_TLS_VALID);
		assert_true(facts.purpose_fits[FW_TLS_PURPOSE_STRICT]);
		assert_true(
		        fw_tls_names(pair.tls[i], "corp.example", false, matched, sizeof(matched)));
	}
	pair_close(&pair);
}

static void a_key_that_is_there_is_used_and_kept(void **state)
{
	struct world *w = *state;
	const struct fw_certificate *first = NULL, *second = NULL;

	w->order.rsa_bits = 2048;
	made(w, fw_certificate_self_signed);
	assert_int_equal(fw_certificate_read(w->out, &first, NULL), FW_OK);
	assert_string_equal(first->key, "RSA 2048");
	assert_int_equal(fw_certificate_self_signed(&w->order, &w->err), FW_EEXIST);
	assert_non_null(strstr(w->err.text, w->out));
	w->order.overwrite = true;
	made(w, fw_certificate_self_signed);
	assert_true(w->order.key_was_there);
	assert_int_equal(fw_certificate_read(w->out, &second, NULL), FW_OK);
	assert_string_equal(first->key_sha256, second->key_sha256);
	assert_string_not_equal(first->serial, second->serial);
	fw_certificate_release(&first);
	fw_certificate_release(&second);
}

static void what_cannot_be_made_leaves_nothing_behind(void **state)
{
	static const char *const wrong[] = { "corp.example", "not a domain" };
	static const char *const address[] = { "192.0.2.1" };
	static const char *const star[] = { "*" };
	struct world *w = *state;
	const struct {
		const char *const *domains;
		size_t count;
		unsigned rsa_bits;
		const char *out_file, *words;
	} rows[] = {
		{ wrong, 2, 0, w->out, "\"not a domain\"" },
		{ address, 1, 0, w->out, "is an address" },
		{ star, 1, 0, w->out, "is no domain" },
		{ wrong, 0, 0, w->out, "at least one domain" },
		{ wrong, 1, 1024, w->out, "2048 to 8192" },
		{ wrong, 1, 0, "/nonexistent/x.pem", "cannot write '/nonexistent/x.pem'" },
	};

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		w->order.domains = rows[i].domains;
		w->order.domain_count = rows[i].count;
		w->order.rsa_bits = rows[i].rsa_bits;
		w->order.out_file = rows[i].out_file;
		assert_int_not_equal(fw_certificate_request(&w->order, &w->err), FW_OK);
		print_message("%s\n", w->err.text);
		assert_non_null(strstr(w->err.text, rows[i].words));
		assert_int_equal(access(w->out, F_OK), -1);
		if (rows[i].out_file == w->out) {
			assert_int_equal(access(w->key, F_OK), -1);
		}
	}
}

static void a_file_that_is_no_key_is_told(void **state)
{
	struct world *w = *state;
	FILE *file = fopen(w->key, "w");

	fprintf(file, "precious\n");
	fclose(file);
	assert_int_equal(fw_certificate_request(&w->order, &w->err), FW_EINVAL);
	assert_non_null(strstr(w->err.text, "no usable private key"));
	assert_int_equal(access(w->out, F_OK), -1);
	char line[32] = "";
	file = fopen(w->key, "r");
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	assert_string_equal(line, "precious\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_request_names_every_domain),
		CASE(a_self_signed_certificate_serves),
		CASE(a_key_that_is_there_is_used_and_kept),
		CASE(what_cannot_be_made_leaves_nothing_behind),
		CASE(a_file_that_is_no_key_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
