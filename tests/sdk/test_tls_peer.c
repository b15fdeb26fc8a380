/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is recorded of a peer's certificate: each thing that can be wrong with a chain, from both
 * sides, and that none of them ends the handshake.
 */
#include <fedway/io/tls.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sdk/io/tls_private.h"
#include "tests/support/made_certs.h"
#include "tests/support/tls_pair.h"

#define CERT(name) TEST_CERTS "/" name

/* An authority, one below it, one that nobody knows, and a certificate of each kind. */
static struct made_cert root, middle, stranger;
static const char *anchors;
static long judged_at_s; /* from now on */

static int setup(void **state)
{
	const struct made_spec root_spec = { .subject = "root", .ca = true };
	const struct made_spec middle_spec = {
		.subject = "middle", .ca = true, .issuer = &root, .serial = 2
	};
	const struct made_spec stranger_spec = { .subject = "stranger", .ca = true };

	(void)state;
	made_cert(&root_spec, &root);
	made_cert(&middle_spec, &middle);
	made_cert(&stranger_spec, &stranger);
	const struct made_cert *const all[] = { &root, NULL };
	anchors = strdup(made_file("anchors.pem", all, NULL));
	return 0;
}

static int cleanup(void **state)
{
	(void)state;
	made_cert_free(&root);
	made_cert_free(&middle);
	made_cert_free(&stranger);
	free((void *)(uintptr_t)anchors);
	made_folder_remove();
	return 0;
}

/* A file with a certificate after `spec`, its chain and its key. */
static const char *presented(const struct made_spec *spec, bool with_chain)
{
	struct made_cert made = { 0 };

	made_cert(spec, &made);
	const struct made_cert *const all[] = { &made, with_chain ? spec->issuer : NULL, NULL };
	const char *path = made_file("presented.pem", all, &made);
	made_cert_free(&made);
	return path;
}

/* A shake of hands in which the `side` is shown the file and keeps the rules. */
static void shake(struct pair *pair, enum fw_tls_side side, const char *file,
                  const struct fw_tls_settings *rules, struct fw_tls_facts *facts)
{
	struct fw_tls_settings shows = { .certificate_file = file, .ca_file = anchors };
	struct fw_tls_settings judges = *rules;

	judges.certificate_file = CERT("b.pem");
	judges.key_file = CERT("b.key");
	judges.ca_file = anchors;
	struct fw_tls_context *one = pair_context(&judges), *other = pair_context(&shows);
	if (judged_at_s != 0) {
		X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(one->ssl), time(NULL) + judged_at_s);
	}
	pair_open(pair, side == FW_TLS_INITIATING ? one : other,
	          side == FW_TLS_INITIATING ? other : one);
	pair_up(pair);
	fw_tls_facts(pair->tls[side == FW_TLS_INITIATING ? 0 : 1], facts);
}

struct row {
	const char *what;
	struct made_spec spec;
	enum fw_tls_verdict verdict, ignoring; /* ignoring the purpose */
	long at_s;                             /* when it is judged, from now on */
	bool without_chain;
	const char *words;
};

static void verdicts_of(enum fw_tls_side side, const struct row *rows, size_t count,
                        const struct fw_tls_settings *rules)
{
	for (size_t i = 0; i < count; i++) {
		struct fw_tls_facts facts;
		struct pair pair;

		judged_at_s = rows[i].at_s;
		shake(&pair, side, presented(&rows[i].spec, !rows[i].without_chain), rules, &facts);
		print_message("%s: %s (%s)\n", rows[i].what, fw_tls_verdict_word(facts.verdict),
		              facts.chain_problem);
		assert_int_equal(facts.verdict, rows[i].verdict);
		assert_int_equal(facts.chain_valid, facts.verdict == FW_TLS_VALID);
		assert_true(facts.has_certificate);
		assert_non_null(strstr(facts.chain_problem, rows[i].words));
		assert_int_equal(facts.chain_problem[0] == '\0', facts.chain_valid);
		assert_int_equal(fw_tls_verdict_under(&facts, FW_TLS_PURPOSE_IGNORE),
		                 rows[i].ignoring);
		pair_close(&pair);
		judged_at_s = 0;
	}
}

static void each_problem_has_its_verdict(void **state)
{
	const struct fw_tls_settings usual = { .certificate_file = NULL };
	const struct made_spec good = { .subject = "p", .issuer = &middle };
	const struct made_spec old = { .subject = "p",
		                       .issuer = &middle,
		                       .from_s = -100,
		                       .until_s = 100,
		                       .eku = "clientAuth" };
	const struct row rows[] = {
		{ "good", good, FW_TLS_VALID, FW_TLS_VALID, 0, false, "" },
		{ "below the root",
		  { .subject = "p", .issuer = &root },
		  FW_TLS_VALID,
		  FW_TLS_VALID,
		  0,
		  false,
		  "" },
		{ "for clients only", old, FW_TLS_PURPOSE, FW_TLS_VALID, 0, false, "purpose" },
		{ "expired", old, FW_TLS_EXPIRED, FW_TLS_EXPIRED, 200, false, "expired" },
		{ "too early", old, FW_TLS_EXPIRED, FW_TLS_EXPIRED, -200, false, "not yet valid" },
		{ "no middle", good, FW_TLS_UNTRUSTED, FW_TLS_UNTRUSTED, 0, true, "issuer" },
		{ "self-signed",
		  { .subject = "p" },
		  FW_TLS_UNTRUSTED,
		  FW_TLS_UNTRUSTED,
		  0,
		  false,
		  "self-signed" },
		{ "of a stranger",
		  { .subject = "p", .issuer = &stranger },
		  FW_TLS_UNTRUSTED,
		  FW_TLS_UNTRUSTED,
		  0,
		  false,
		  "self-signed" },
		/* the worst is told, and it stays the worst whatever the purpose */
		{ "all at once",
		  { .subject = "p", .eku = "clientAuth", .from_s = -100, .until_s = 100 },
		  FW_TLS_UNTRUSTED,
		  FW_TLS_UNTRUSTED,
		  200,
		  false,
		  "self-signed" },
	};

	(void)state;
	verdicts_of(FW_TLS_RECEIVING, rows, FW_COUNT(rows), &usual);
	verdicts_of(FW_TLS_INITIATING, rows, FW_COUNT(rows), &usual);
}

static void purposes_depend_on_the_part(void **state)
{
	static const struct {
		const char *eku;
		enum fw_tls_side side;
		bool server, strict;
	} rows[] = {
		{ NULL, FW_TLS_RECEIVING, true, true },
		{ "serverAuth", FW_TLS_RECEIVING, true, false },
		{ "clientAuth", FW_TLS_RECEIVING, false, true },
		{ "serverAuth,clientAuth", FW_TLS_RECEIVING, true, true },
		{ "emailProtection", FW_TLS_RECEIVING, false, false },
		{ "serverAuth", FW_TLS_INITIATING, true, true },
		{ "clientAuth", FW_TLS_INITIATING, false, false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct made_spec spec = { .subject = "p",
			                        .issuer = &middle,
			                        .eku = rows[i].eku };
		const struct fw_tls_settings strict = { .purpose = FW_TLS_PURPOSE_STRICT };
		struct fw_tls_facts facts;
		struct pair pair;

		shake(&pair, rows[i].side, presented(&spec, true), &strict, &facts);
		assert_int_equal(facts.purpose_fits[FW_TLS_PURPOSE_SERVER], rows[i].server);
		assert_int_equal(facts.purpose_fits[FW_TLS_PURPOSE_STRICT], rows[i].strict);
		assert_true(facts.purpose_fits[FW_TLS_PURPOSE_IGNORE]);
		assert_int_equal(facts.verdict, rows[i].strict ? FW_TLS_VALID : FW_TLS_PURPOSE);
		assert_int_equal(facts.problems, 0);
		pair_close(&pair);
	}
}

static void lists_of_revocation_are_kept_to(void **state)
{
	static const struct {
		const char *what;
		long serial, from_s, until_s;
		bool stranger, required;
		enum fw_tls_verdict verdict;
	} rows[] = {
		{ "named", 7, -100, 100, false, false, FW_TLS_REVOKED },
		{ "not named", 8, -100, 100, false, false, FW_TLS_VALID },
		{ "named by an outdated list", 7, -100, -10, false, false, FW_TLS_REVOKED },
		{ "not named by an outdated list", 8, -100, -10, false, false, FW_TLS_VALID },
		{ "no list of this issuer", 7, -100, 100, true, false, FW_TLS_VALID },
		{ "the same, and required", 7, -100, 100, true, true, FW_TLS_UNTRUSTED },
		{ "outdated, and required", 8, -100, -10, false, true, FW_TLS_UNTRUSTED },
		{ "good, and required", 8, -100, 100, false, true, FW_TLS_VALID },
	};
	const struct made_spec spec = { .subject = "p", .issuer = &root, .serial = 7 };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct fw_tls_settings rules = {
			.crl_file = made_crl("crl.pem", rows[i].stranger ? &stranger : &root,
			                     rows[i].serial, rows[i].from_s, rows[i].until_s),
			.crl_required = rows[i].required,
		};
		struct fw_tls_facts facts;
		struct pair pair;

		shake(&pair, FW_TLS_RECEIVING, presented(&spec, true), &rules, &facts);
		print_message("%s: %s (%s)\n", rows[i].what, fw_tls_verdict_word(facts.verdict),
		              facts.chain_problem);
		assert_int_equal(facts.verdict, rows[i].verdict);
		pair_close(&pair);
	}
}

static void who_shows_none_is_missing_one(void **state)
{
	const struct fw_tls_settings usual = { .certificate_file = NULL };
	struct fw_tls_facts facts;
	struct pair pair;
	char matched[64] = "untouched";

	(void)state;
	shake(&pair, FW_TLS_RECEIVING, NULL, &usual, &facts);
	assert_int_equal(facts.verdict, FW_TLS_MISSING);
	assert_int_equal(fw_tls_verdict_under(&facts, FW_TLS_PURPOSE_IGNORE), FW_TLS_MISSING);
	assert_string_equal(facts.chain_problem, "");
	assert_string_equal(facts.certificate->subject, "");
	assert_string_equal(facts.certificate->key_sha256, "");
	assert_false(fw_tls_names(pair.tls[1], "p", false, matched, sizeof(matched)));
	assert_string_equal(matched, "");
	pair_close(&pair);
}

static void the_peers_names_are_asked_for_by_domain(void **state)
{
	const struct made_spec spec = { .subject = "p",
		                        .issuer = &middle,
		                        .names = "DNS:*.p.example" };
	const struct fw_tls_settings usual = { .certificate_file = NULL };
	struct fw_tls_facts facts;
	struct pair pair;
	char matched[64];

	(void)state;
	shake(&pair, FW_TLS_RECEIVING, presented(&spec, true), &usual, &facts);
	assert_true(fw_tls_names(pair.tls[1], "a.p.example", false, matched, sizeof(matched)));
	assert_string_equal(matched, "DNS:*.p.example");
	assert_false(fw_tls_names(pair.tls[1], "p.example", false, matched, sizeof(matched)));
	assert_string_equal(matched, "DNS:*.p.example");
	assert_string_equal(facts.certificate->names, "DNS:*.p.example");
	assert_string_equal(facts.certificate->issuer, "CN=middle");
	pair_close(&pair);
}

/* Some KiB for each connection that idles. */
static void a_judged_chain_is_not_kept(void **state)
{
	const struct made_spec spec = { .subject = "p", .issuer = &middle };
	const struct fw_tls_settings usual = { .certificate_file = NULL };

	(void)state;
	for (int side = FW_TLS_INITIATING; side <= FW_TLS_RECEIVING; side++) {
		struct fw_tls_facts facts;
		struct pair pair;

		shake(&pair, (enum fw_tls_side)side, presented(&spec, true), &usual, &facts);
		assert_true(facts.chain_valid);
		SSL *ssl = pair.tls[side == FW_TLS_INITIATING ? 0 : 1]->ssl;
		assert_true(sk_X509_num(SSL_get_peer_cert_chain(ssl)) <= 0);
		assert_true(sk_X509_num(SSL_get0_verified_chain(ssl)) <= 0);
		pair_close(&pair);
	}
}

/* Reading certificates costs time that a stranger should not have for nothing. */
static void a_chain_beyond_reason_is_not_read(void **state)
{
	enum { NAMES = 1600 };
	const char *raw[NAMES + 1] = { NULL };
	int sizes[NAMES + 1] = { 0 };
	const struct made_spec spec = {
		.subject = "p", .issuer = &middle, .raw_names = raw, .raw_sizes = sizes
	};
	struct fw_tls_settings shows = { .ca_file = anchors }, judges = shows;
	struct pair pair;

	(void)state;
	for (int i = 0; i < NAMES; i++) {
		raw[i] = "twenty-bytes.example";
		sizes[i] = 20;
	}
	shows.certificate_file = presented(&spec, true);
	judges.certificate_file = CERT("b.pem");
	judges.key_file = CERT("b.key");
	pair_open(&pair, pair_context(&shows), pair_context(&judges));
	pair_shake(&pair);
	assert_int_equal(pair.done[1], FW_ESYS);
	print_message("%s\n", pair.err[1].text);
	assert_non_null(strstr(pair.err[1].text, "excessive message size"));
	pair_close(&pair);
}

static void a_chain_too_deep_is_untrusted(void **state)
{
	enum { DEPTH = 10 };
	struct made_cert chain[DEPTH] = { 0 };
	const struct made_cert *all[DEPTH + 1] = { NULL };
	const struct fw_tls_settings usual = { .certificate_file = NULL };
	struct fw_tls_facts facts;
	struct pair pair;

	(void)state;
	for (int i = DEPTH - 1; i >= 0; i--) {
		char name[16];
		snprintf(name, sizeof(name), "level %d", i);
		const struct made_spec spec = { .subject = name,
			                        .ca = i > 0,
			                        .serial = 100 + i,
			                        .issuer = i < DEPTH - 1 ? &chain[i + 1] : &root };
		made_cert(&spec, &chain[i]);
		all[i] = &chain[i];
	}
	shake(&pair, FW_TLS_RECEIVING, made_file("deep.pem", all, &chain[0]), &usual, &facts);
	print_message("%s\n", facts.chain_problem);
	assert_int_equal(facts.verdict, FW_TLS_UNTRUSTED);
	pair_close(&pair);
	for (int i = 0; i < DEPTH; i++) {
		made_cert_free(&chain[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_problem_has_its_verdict),
		cmocka_unit_test(purposes_depend_on_the_part),
		cmocka_unit_test(lists_of_revocation_are_kept_to),
		cmocka_unit_test(who_shows_none_is_missing_one),
		cmocka_unit_test(the_peers_names_are_asked_for_by_domain),
		cmocka_unit_test(a_judged_chain_is_not_kept),
		cmocka_unit_test(a_chain_beyond_reason_is_not_read),
		cmocka_unit_test(a_chain_too_deep_is_untrusted),
	};

	return cmocka_run_group_tests(tests, setup, cleanup);
}
