/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Contexts: which of our certificates a peer gets, what is refused when files are read, when they
 * are stale, versions, ALPN, and the key log.
 */
#include <fedway/io/tls.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/support/made_certs.h"
#include "tests/support/tls_pair.h"

#define CERT(name) TEST_CERTS "/" name

static struct made_cert root;

static int setup(void **state)
{
	const struct made_spec spec = { .subject = "root", .ca = true };

	(void)state;
	made_cert(&spec, &root);
	return 0;
}

static int cleanup(void **state)
{
	(void)state;
	made_cert_free(&root);
	made_folder_remove();
	return 0;
}

static const char *file_of(const char *file, const char *names)
{
	const struct made_spec spec = { .subject = file, .names = names, .issuer = &root };
	struct made_cert made = { 0 };

	made_cert(&spec, &made);
	const struct made_cert *const all[] = { &made, NULL };
	const char *path = made_file(file, all, &made);
	made_cert_free(&made);
	return path;
}

static void add(struct fw_tls_context *context, const char *domain, const char *path)
{
	struct fw_error err = { 0 };

	if (fw_tls_context_add_certificate(context, domain, path, NULL, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
}

/* What the other side sees as our certificate's subject. */
static void seen_by_peer(struct fw_tls_context *ours, enum fw_tls_side side, const char *sni,
                         const char *own_name, const char *subject)
{
	struct fw_tls_context *theirs = context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem"));
	struct fw_tls_start out = { .side = FW_TLS_INITIATING, .peer_name = sni };
	struct fw_tls_start in = { .side = FW_TLS_RECEIVING };
	struct fw_tls_facts facts;
	struct pair pair;

	if (side == FW_TLS_RECEIVING) {
		in.own_name = own_name;
		pair_open_as(&pair, theirs, &out, ours, &in);
	} else {
		out.own_name = own_name;
		pair_open_as(&pair, ours, &out, theirs, &in);
	}
	pair_up(&pair);
	fw_tls_facts(pair.tls[side == FW_TLS_RECEIVING ? 0 : 1], &facts);
	assert_string_equal(facts.certificate->subject, subject);
	fw_tls_facts(pair.tls[side == FW_TLS_RECEIVING ? 1 : 0], &facts);
	assert_non_null(strstr(facts.own_certificate, subject + 3));
	pair_close(&pair);
	fw_tls_context_release(&theirs);
}

static void the_certificate_follows_the_name(void **state)
{
	static const struct {
		const char *sni, *own_name, *subject;
	} rows[] = {
		{ NULL, NULL, "CN=first.pem" },
		{ "first.example", NULL, "CN=first.pem" },
		{ "two.example", NULL, "CN=two.pem" },
		{ "TWO.example", NULL, "CN=two.pem" },
		{ "also.example", NULL, "CN=two.pem" },
		{ "x.wild.example", NULL, "CN=wild.pem" },
		{ "exact.wild.example", NULL, "CN=exact.pem" },
		{ "row.example", NULL, "CN=row.pem" },
		{ "y.rows.example", NULL, "CN=row.pem" },
		/* a name that nobody has chosen gives the default; of STARTTLS the stream's */
		{ "unknown.example", NULL, "CN=first.pem" },
		{ "host7.provider.example", "two.example", "CN=two.pem" },
		{ NULL, "exact.wild.example", "CN=exact.pem" },
		{ "also.example", "exact.wild.example", "CN=two.pem" },
		{ NULL, "not a domain", "CN=first.pem" },
	};
	struct fw_tls_context *ours =
	        context_of(file_of("first.pem", "DNS:first.example"), NULL, CERT("ca.pem"));

	(void)state;
	add(ours, NULL, file_of("wild.pem", "DNS:*.wild.example"));
	add(ours, NULL, file_of("two.pem", "DNS:two.example,DNS:also.example"));
	add(ours, NULL, file_of("exact.pem", "DNS:exact.wild.example"));
	add(ours, "row.example", file_of("row.pem", "DNS:row.example,DNS:two.example"));
	add(ours, "*.rows.example", file_of("row.pem", "DNS:row.example"));
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		seen_by_peer(ours, FW_TLS_RECEIVING, rows[i].sni, rows[i].own_name,
		             rows[i].subject);
	}
	/* As initiating side our own domain chooses, not the name that is asked for. */
	seen_by_peer(ours, FW_TLS_INITIATING, "two.example", NULL, "CN=first.pem");
	seen_by_peer(ours, FW_TLS_INITIATING, "b.example", "two.example", "CN=two.pem");
	fw_tls_context_release(&ours);
}

static void what_is_wrong_with_a_further_certificate_is_told(void **state)
{
	const char *two = strdup(file_of("two.pem", "DNS:two.example"));
	struct fw_tls_context *ours = context_of(two, NULL, CERT("ca.pem"));
	const struct {
		const char *domain, *cert, *key;
		int code;
		const char *words;
	} rows[] = {
		{ "three.example", two, NULL, FW_EINVAL, "does not name three.example" },
		{ "not a domain", two, NULL, FW_EINVAL, "is no domain" },
		{ "two.example", two, CERT("a.key"), FW_EINVAL, "does not match" },
		{ "two.example", CERT("none.pem"), NULL, FW_EINVAL, "No such file" },
		{ "old.example", CERT("expired.pem"), CERT("expired.key"), FW_EINVAL, "renew" },
		{ "TWO.example", two, NULL, FW_OK, "" },
		{ "two.example", two, NULL, FW_EEXIST, "already" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_error err = { 0 };

		assert_int_equal(fw_tls_context_add_certificate(ours, rows[i].domain, rows[i].cert,
		                                                rows[i].key, &err),
		                 rows[i].code);
		print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, rows[i].words));
	}
	fw_tls_context_release(&ours);
	free((void *)(uintptr_t)two);
}

static void a_chain_out_of_order_is_refused(void **state)
{
	const struct made_spec spec = { .subject = "leaf", .issuer = &root };
	const struct made_spec stray_spec = { .subject = "stray", .ca = true };
	struct made_cert leaf = { 0 }, stray = { 0 };

	(void)state;
	made_cert(&spec, &leaf);
	made_cert(&stray_spec, &stray);
	const struct made_cert *const good[] = { &leaf, &root, NULL };
	const struct made_cert *const turned[] = { &root, &leaf, NULL };
	const struct made_cert *const foreign[] = { &leaf, &stray, NULL };
	const struct {
		const struct made_cert *const *certs;
		const char *words;
	} rows[] = {
		{ good, "" },
		{ turned, "the first must be our own" },
		{ foreign, "certificate 2 of" },
	};
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct fw_tls_settings settings = {
			.certificate_file = made_file("chain.pem", rows[i].certs, &leaf),
		};
		struct fw_tls_context *context = NULL;
		struct fw_error err = { 0 };

		int ret = fw_tls_context_new(&settings, &context, &err);
		assert_int_equal(ret, rows[i].words[0] == '\0' ? FW_OK : FW_EINVAL);
		assert_non_null(strstr(err.text, rows[i].words));
		fw_tls_context_release(&context);
	}
	made_cert_free(&leaf);
	made_cert_free(&stray);
}

static void a_file_that_changes_makes_the_context_stale(void **state)
{
	char path[256];
	struct fw_tls_context *context = NULL;

	(void)state;
	snprintf(path, sizeof(path), "%s", file_of("live.pem", "DNS:live.example"));
	context = context_of(path, NULL, CERT("ca.pem"));
	assert_false(fw_tls_context_stale(context));
	unlink(path); /* gone for a moment */
	assert_false(fw_tls_context_stale(context));
	file_of("live.pem", "DNS:live.example");
	assert_true(fw_tls_context_stale(context));
	fw_tls_context_release(&context);
	context = context_of(path, NULL, CERT("ca.pem"));
	assert_false(fw_tls_context_stale(context));
	assert_int_equal(truncate(path, 10), 0); /* written in place */
	assert_true(fw_tls_context_stale(context));
	fw_tls_context_release(&context);
}

static void the_floor_of_versions_holds(void **state)
{
	const struct fw_tls_settings settings = { .certificate_file = CERT("b.pem"),
		                                  .key_file = CERT("b.key"),
		                                  .min_version = FW_TLS_1_3 };
	struct fw_tls_facts facts;
	struct pair pair;

	(void)state;
	pair_open(&pair, context_of(NULL, NULL, CERT("ca.pem")), pair_context(&settings));
	pair_up(&pair);
	fw_tls_facts(pair.tls[0], &facts);
	assert_int_equal(facts.version_id, FW_TLS_1_3);
	pair_close(&pair);
}

/* What a peer of OpenSSL's own says to the end that receives. @return of the handshake there */
static int receive_from(SSL_CTX *ctx, bool direct, const char *protocols, struct fw_error *err)
{
	struct fw_tls_context *ours = context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem"));
	const struct fw_tls_start in = { .side = FW_TLS_RECEIVING, .direct = direct };
	struct fw_tls *tls = NULL;
	int fds[2], want = 0, ret = FW_EAGAIN;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(fw_tls_new(ours, &in, fds[1], &tls), FW_OK);
	SSL *ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fds[0]);
	SSL_set_connect_state(ssl);
	if (protocols != NULL) {
		SSL_set_alpn_protos(ssl, (const unsigned char *)protocols,
		                    (unsigned)strlen(protocols));
	}
	for (int i = 0; i < 10 && ret == FW_EAGAIN; i++) {
		SSL_do_handshake(ssl);
		ret = fw_tls_handshake(tls, &want, err);
	}
	if (ret == FW_OK) {
		struct fw_tls_facts facts;
		fw_tls_facts(tls, &facts);
		assert_int_equal(facts.direct, direct);
		assert_string_equal(facts.alpn, direct && protocols != NULL ? "xmpp-server" : "");
	} else {
		SSL_do_handshake(ssl); /* the alert */
	}
	SSL_free(ssl);
	fw_tls_free(&tls);
	fw_tls_context_release(&ours);
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static void the_protocol_is_agreed_upon_under_direct_tls(void **state)
{
	static const struct {
		const char *protocols;
		bool direct;
		int ret;
	} rows[] = {
		{ "\x0bxmpp-server", true, FW_OK },
		{ "\x02h2\x0bxmpp-server", true, FW_OK },
		{ NULL, true, FW_OK },
		{ "\x02h2", true, FW_ESYS },
		{ "\x0bxmpp-client", true, FW_ESYS },
		{ "\x02h2", false, FW_OK },
		{ NULL, false, FW_OK },
	};
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_error err = { 0 };

		assert_int_equal(receive_from(ctx, rows[i].direct, rows[i].protocols, &err),
		                 rows[i].ret);
		print_message("%s\n", err.text);
		if (rows[i].ret != FW_OK) {
			assert_int_equal(ERR_GET_REASON(ERR_get_error()),
			                 SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
		}
		ERR_clear_error();
	}
	SSL_CTX_free(ctx);
}

static void old_versions_are_refused(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct fw_error err = { 0 };

	(void)state;
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	assert_int_equal(receive_from(ctx, false, NULL, &err), FW_ESYS);
	print_message("%s\n", err.text);
	assert_non_null(strstr(err.text, "protocol"));
	SSL_CTX_free(ctx);
}

static void secrets_are_logged_only_where_nobody_else_reads(void **state)
{
	char path[256], line[512];
	struct fw_tls_settings settings = { .keylog_file = path };
	struct fw_tls_context *context = NULL;
	struct fw_error err = { 0 };
	struct pair pair;
	struct stat is;
	int lines = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/keys.log", made_folder());
	pair_open(&pair, pair_context(&settings),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	pair_up(&pair);
	pair_close(&pair);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	FILE *file = fopen(path, "r");
	while (fgets(line, sizeof(line), file) != NULL) {
		lines += strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
	}
	fclose(file);
	assert_int_equal(lines, 1);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(fw_tls_context_new(&settings, &context, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "open to others"));
	settings.keylog_file = "/nonexistent/keys.log";
	assert_int_equal(fw_tls_context_new(&settings, &context, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_certificate_follows_the_name),
		cmocka_unit_test(what_is_wrong_with_a_further_certificate_is_told),
		cmocka_unit_test(a_chain_out_of_order_is_refused),
		cmocka_unit_test(a_file_that_changes_makes_the_context_stale),
		cmocka_unit_test(the_floor_of_versions_holds),
		cmocka_unit_test(the_protocol_is_agreed_upon_under_direct_tls),
		cmocka_unit_test(old_versions_are_refused),
		cmocka_unit_test(secrets_are_logged_only_where_nobody_else_reads),
	};

	return cmocka_run_group_tests(tests, setup, cleanup);
}
