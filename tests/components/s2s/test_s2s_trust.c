/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The decision: rules and what a peer shows, and the cause that comes of it. One table; streams
 * that end with these causes are in test_s2s_external.c and in the live tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "components/s2s/s2s_trust.h"

#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char pins[][FW_TLS_PIN_SIZE] = { OTHER, PIN };

#define ANY \
	{ \
		S2S_METHOD_EXTERNAL, S2S_METHOD_DIALBACK \
	}
#define ONLY(method) \
	{ \
		S2S_METHOD_##method \
	}

static const struct s2s_rules rules_off = { .tls = S2S_TLS_OFF, .methods = ONLY(DIALBACK) };
static const struct s2s_rules rules_optional = { .tls = S2S_TLS_OPTIONAL, .methods = ANY };
static const struct s2s_rules rules_required = { .tls = S2S_TLS_REQUIRED,
	                                         .methods = ANY,
	                                         .name_required = true };
static const struct s2s_rules rules_unnamed = { .tls = S2S_TLS_REQUIRED, .methods = ANY };
static const struct s2s_rules rules_verified = {
	.tls = S2S_TLS_VERIFIED, .methods = ANY, .name_required = true, .must_verify = true
};
static const struct s2s_rules rules_lax = { .tls = S2S_TLS_VERIFIED,
	                                    .methods = ANY,
	                                    .must_verify = true,
	                                    .purpose = FW_TLS_PURPOSE_IGNORE };
static const struct s2s_rules rules_strict = { .tls = S2S_TLS_VERIFIED,
	                                       .methods = ANY,
	                                       .must_verify = true,
	                                       .purpose = FW_TLS_PURPOSE_STRICT };
static const struct s2s_rules rules_where_tls = { .tls = S2S_TLS_OPTIONAL,
	                                          .methods = ANY,
	                                          .must_verify = true };
static const struct s2s_rules rules_new = { .tls = S2S_TLS_REQUIRED,
	                                    .methods = ANY,
	                                    .tls_min = FW_TLS_1_3 };
static const struct s2s_rules rules_pinned = {
	.tls = S2S_TLS_REQUIRED, .methods = ANY, .pins = pins, .pin_count = 2
};
static const struct s2s_rules rules_pinned_verified = {
	.tls = S2S_TLS_VERIFIED, .methods = ANY, .must_verify = true, .pins = pins, .pin_count = 2
};
static const struct s2s_rules rules_external = { .tls = S2S_TLS_REQUIRED,
	                                         .methods = ONLY(EXTERNAL),
	                                         .name_required = true };
static const struct s2s_rules rules_dialback = { .tls = S2S_TLS_REQUIRED,
	                                         .methods = ONLY(DIALBACK),
	                                         .name_required = true };

/* What peers show. */
enum show {
	CLEAR,
	GOOD,
	GOOD_1_2,
	NONE,        /* TLS without a certificate of theirs */
	SELF_SIGNED, /* with the name */
	OTHER_NAME,
	OTHER_SELF, /* self-signed, for another name */
	EXPIRED,
	REVOKED,
	SERVER_ONLY, /* issued for servers, and the peer came as a client */
	CLIENT_ONLY, /* not issued for servers */
	PINNED,      /* self-signed, for another name, with the key */
	PINNED_OLD,  /* the same, and expired */
	SHOWS
};

static const struct {
	bool tls, has, named, old_version;
	unsigned problems; /* bits of verdicts, without the purpose */
	bool server, client;
	const char *key;
} shows[SHOWS] = {
	[CLEAR] = { .tls = false },
	[GOOD] = { true, true, true, false, 0, true, true, "" },
	[GOOD_1_2] = { true, true, true, true, 0, true, true, "" },
	[NONE] = { true, false, false, false, 1u << FW_TLS_MISSING, true, true, "" },
	[SELF_SIGNED] = { true, true, true, false, 1u << FW_TLS_UNTRUSTED, true, true, "" },
	[OTHER_NAME] = { true, true, false, false, 0, true, true, "" },
	[OTHER_SELF] = { true, true, false, false, 1u << FW_TLS_UNTRUSTED, true, true, "" },
	[EXPIRED] = { true, true, true, false, 1u << FW_TLS_EXPIRED, true, true, "" },
	[REVOKED] = { true, true, true, false, 1u << FW_TLS_REVOKED, true, true, "" },
	[SERVER_ONLY] = { true, true, true, false, 0, true, false, "" },
	[CLIENT_ONLY] = { true, true, true, false, 0, false, true, "" },
	[PINNED] = { true, true, false, false, 1u << FW_TLS_UNTRUSTED, true, true, PIN },
	[PINNED_OLD] = { true, true, false, false, 1u << FW_TLS_UNTRUSTED | 1u << FW_TLS_EXPIRED,
	                 true, true, PIN },
};

static void show(enum show what, struct fw_certificate *certificate, struct fw_tls_shown *out)
{
	*certificate = (struct fw_certificate){
		.key_sha256 = shows[what].key != NULL ? shows[what].key : "",
	};
	*out = (struct fw_tls_shown){ .tls = shows[what].tls, .named = shows[what].named };
	out->facts.has_certificate = shows[what].has;
	out->facts.certificate = certificate;
	out->facts.version_id = shows[what].old_version ? FW_TLS_1_2 : FW_TLS_1_3;
	out->facts.problems = shows[what].problems;
	out->facts.purpose_fits[FW_TLS_PURPOSE_IGNORE] = true;
	out->facts.purpose_fits[FW_TLS_PURPOSE_SERVER] = shows[what].server;
	out->facts.purpose_fits[FW_TLS_PURPOSE_STRICT] = shows[what].client;
	out->facts.verdict = fw_tls_verdict_under(&out->facts, FW_TLS_PURPOSE_SERVER);
}

#define OK FW_CAUSE_NONE
#define NO_TLS FW_CAUSE_TLS_REQUIRED

static const struct {
	const char *name;
	const struct s2s_rules *rules;
	enum show show;
	enum fw_cause none, external, dialback; /* by method */
} verdicts[] = {
	{ "off, clear", &rules_off, CLEAR, OK, FW_CAUSE_NO_AUTH_METHOD, OK },
	{ "off, TLS all the same", &rules_off, OTHER_SELF, OK, FW_CAUSE_NO_AUTH_METHOD, OK },
	{ "optional, clear", &rules_optional, CLEAR, OK, NO_TLS, OK },
	{ "optional, good", &rules_optional, GOOD, OK, OK, OK },
	{ "optional, self-signed", &rules_optional, SELF_SIGNED, OK, FW_CAUSE_CERT_UNTRUSTED, OK },
	{ "optional, other name", &rules_optional, OTHER_NAME, OK, FW_CAUSE_CERT_NAME, OK },
	{ "required, clear", &rules_required, CLEAR, NO_TLS, NO_TLS, NO_TLS },
	{ "required, good", &rules_required, GOOD, OK, OK, OK },
	{ "required, none shown", &rules_required, NONE, OK, FW_CAUSE_CERT_MISSING, OK },
	{ "required, self-signed", &rules_required, SELF_SIGNED, OK, FW_CAUSE_CERT_UNTRUSTED, OK },
	{ "required, other name", &rules_required, OTHER_NAME, FW_CAUSE_CERT_NAME,
	  FW_CAUSE_CERT_NAME, FW_CAUSE_CERT_NAME },
	{ "required, expired", &rules_required, EXPIRED, OK, FW_CAUSE_CERT_EXPIRED, OK },
	{ "required, revoked", &rules_required, REVOKED, OK, FW_CAUSE_CERT_REVOKED, OK },
	{ "required, server only", &rules_required, SERVER_ONLY, OK, OK, OK },
	{ "required, client only", &rules_required, CLIENT_ONLY, OK, FW_CAUSE_CERT_PURPOSE, OK },
	{ "unnamed, other name", &rules_unnamed, OTHER_SELF, OK, FW_CAUSE_CERT_UNTRUSTED, OK },
	{ "unnamed, other good name", &rules_unnamed, OTHER_NAME, OK, FW_CAUSE_CERT_NAME, OK },
	{ "verified, clear", &rules_verified, CLEAR, NO_TLS, NO_TLS, NO_TLS },
	{ "verified, good", &rules_verified, GOOD, OK, OK, OK },
	{ "verified, none shown", &rules_verified, NONE, FW_CAUSE_CERT_MISSING,
	  FW_CAUSE_CERT_MISSING, FW_CAUSE_CERT_MISSING },
	{ "verified, self-signed", &rules_verified, SELF_SIGNED, FW_CAUSE_CERT_UNTRUSTED,
	  FW_CAUSE_CERT_UNTRUSTED, FW_CAUSE_CERT_UNTRUSTED },
	{ "verified, other name", &rules_verified, OTHER_NAME, FW_CAUSE_CERT_NAME,
	  FW_CAUSE_CERT_NAME, FW_CAUSE_CERT_NAME },
	{ "verified, expired", &rules_verified, EXPIRED, FW_CAUSE_CERT_EXPIRED,
	  FW_CAUSE_CERT_EXPIRED, FW_CAUSE_CERT_EXPIRED },
	{ "verified, revoked", &rules_verified, REVOKED, FW_CAUSE_CERT_REVOKED,
	  FW_CAUSE_CERT_REVOKED, FW_CAUSE_CERT_REVOKED },
	{ "verified, server only", &rules_verified, SERVER_ONLY, OK, OK, OK },
	{ "verified, client only", &rules_verified, CLIENT_ONLY, FW_CAUSE_CERT_PURPOSE,
	  FW_CAUSE_CERT_PURPOSE, FW_CAUSE_CERT_PURPOSE },
	{ "purpose ignored", &rules_lax, CLIENT_ONLY, OK, OK, OK },
	{ "purpose strict, server only", &rules_strict, SERVER_ONLY, FW_CAUSE_CERT_PURPOSE,
	  FW_CAUSE_CERT_PURPOSE, FW_CAUSE_CERT_PURPOSE },
	{ "purpose strict, client only", &rules_strict, CLIENT_ONLY, OK, OK, OK },
	{ "certificates required where TLS is, clear", &rules_where_tls, CLEAR, OK, NO_TLS, OK },
	{ "certificates required where TLS is, none", &rules_where_tls, NONE, FW_CAUSE_CERT_MISSING,
	  FW_CAUSE_CERT_MISSING, FW_CAUSE_CERT_MISSING },
	{ "TLS 1.3, spoken", &rules_new, GOOD, OK, OK, OK },
	{ "TLS 1.3, not spoken", &rules_new, GOOD_1_2, FW_CAUSE_TLS_VERSION, FW_CAUSE_TLS_VERSION,
	  FW_CAUSE_TLS_VERSION },
	{ "pinned, the key", &rules_pinned, PINNED, OK, OK, OK },
	{ "pinned, the key in an old certificate", &rules_pinned, PINNED_OLD, OK,
	  FW_CAUSE_CERT_EXPIRED, OK },
	{ "pinned, another key", &rules_pinned, GOOD, FW_CAUSE_CERT_PIN, FW_CAUSE_CERT_PIN,
	  FW_CAUSE_CERT_PIN },
	{ "pinned, none shown", &rules_pinned, NONE, FW_CAUSE_CERT_MISSING, FW_CAUSE_CERT_MISSING,
	  FW_CAUSE_CERT_MISSING },
	{ "pinned, clear", &rules_pinned, CLEAR, NO_TLS, NO_TLS, NO_TLS },
	{ "pinned and verified, self-signed", &rules_pinned_verified, PINNED,
	  FW_CAUSE_CERT_UNTRUSTED, FW_CAUSE_CERT_UNTRUSTED, FW_CAUSE_CERT_UNTRUSTED },
	{ "external alone", &rules_external, GOOD, OK, OK, FW_CAUSE_NO_AUTH_METHOD },
	{ "dialback alone", &rules_dialback, GOOD, OK, FW_CAUSE_NO_AUTH_METHOD, OK },
};

static void rules_and_facts_give_a_cause(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(verdicts); i++) {
		const enum fw_cause wanted[S2S_METHODS] = {
			[S2S_METHOD_NONE] = verdicts[i].none,
			[S2S_METHOD_EXTERNAL] = verdicts[i].external,
			[S2S_METHOD_DIALBACK] = verdicts[i].dialback,
		};
		for (int method = 0; method < S2S_METHODS; method++) {
			struct fw_certificate certificate;
			struct fw_tls_shown shown;
			show(verdicts[i].show, &certificate, &shown);
			enum fw_cause got =
			        s2s_trust_judge(verdicts[i].rules, &shown, (enum s2s_method)method);
			if (got != wanted[method]) {
				fail_msg("%s, %s: %s instead of %s", verdicts[i].name,
				         s2s_method_word((enum s2s_method)method),
				         fw_cause_row(got)->name,
				         fw_cause_row(wanted[method])->name);
			}
		}
	}
}

/* No rules that want TLS take a stream without; no certificate is good enough that verification
 * would refuse. */
static void no_case_is_weaker_than_its_rules(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(verdicts); i++) {
		for (int what = 0; what < SHOWS; what++) {
			struct fw_certificate certificate;
			struct fw_tls_shown shown;
			const struct s2s_rules *rules = verdicts[i].rules;
			show((enum show)what, &certificate, &shown);
			bool good = s2s_trust_judge(rules, &shown, S2S_METHOD_NONE) == OK;
			assert_true(!good || shown.tls || rules->tls <= S2S_TLS_OPTIONAL);
			assert_true(!good || rules->tls != S2S_TLS_VERIFIED ||
			            fw_tls_verdict_under(&shown.facts, rules->purpose) ==
			                    FW_TLS_VALID);
			/* a method never makes a bad connection good */
			assert_true(good ||
			            s2s_trust_judge(rules, &shown, S2S_METHOD_EXTERNAL) != OK);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_and_facts_give_a_cause),
		cmocka_unit_test(no_case_is_weaker_than_its_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
