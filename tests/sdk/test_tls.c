/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS between two ends of a socket pair: keys that are refused, handshakes, verdicts, ends.
 */
#include <fedway/io/tls.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "tests/support/tls_pair.h"

#define CERT(name) TEST_CERTS "/" name

static void wrong_keys_are_named_with_the_reason(void **state)
{
	static const struct {
		const char *cert, *key, *ca, *file, *why;
	} rows[] = {
		{ CERT("none.pem"), CERT("a.key"), CERT("ca.pem"), "none.pem", "No such file" },
		{ CERT("a.pem"), CERT("none.key"), CERT("ca.pem"), "none.key", "No such file" },
		{ CERT("a.pem"), CERT("a.key"), CERT("none.pem"), "none.pem", "No such file" },
		{ CERT("a.pem"), CERT("b.key"), CERT("ca.pem"), "b.key", "does not match" },
		{ CERT("a.pem"), NULL, CERT("ca.pem"), "a.pem", "no usable private key" },
		{ CERT("a.key"), CERT("a.key"), CERT("ca.pem"), "a.key", "no usable certificate" },
		{ CERT("a.pem"), CERT("a.pem"), CERT("ca.pem"), "a.pem", "no usable private key" },
		{ CERT("a.pem"), CERT("a.key"), CERT("a.key"), "a.key", "no usable CA" },
		{ CERT("expired.pem"), CERT("expired.key"), CERT("ca.pem"), "expired.pem",
		  "expired on 2021-01-01" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct fw_tls_settings settings = { .certificate_file = rows[i].cert,
			                                  .key_file = rows[i].key,
			                                  .ca_file = rows[i].ca };
		struct fw_tls_context *context = NULL;
		struct fw_error err = { 0 };

		assert_int_equal(fw_tls_context_new(&settings, &context, &err), FW_EINVAL);
		assert_null(context);
		print_message("%s\n", err.text);
		assert_non_null(strstr(err.text, rows[i].file));
		assert_non_null(strstr(err.text, rows[i].why));
	}
}

static void certificate_and_key_may_share_a_file(void **state)
{
	char path[] = "/tmp/fedway-test-tls-XXXXXX";
	char block[4096];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	static const char *const parts[] = { CERT("a.pem"), CERT("a.key") };
	for (size_t i = 0; i < FW_COUNT(parts); i++) {
		FILE *file = fopen(parts[i], "r");
		assert_non_null(file);
		size_t got = fread(block, 1, sizeof(block), file);
		fclose(file);
		assert_int_equal(write(fd, block, got), got);
	}
	close(fd);
	struct fw_tls_context *context = context_of(path, NULL, NULL);
	struct fw_tls_context *again = fw_tls_context_ref(context);
	fw_tls_context_release(&context);
	assert_null(context);
	fw_tls_context_release(&again);
	unlink(path);
}

/* ---- two ends ---- */

static void both_ends_see_bytes_and_facts(void **state)
{
	struct fw_tls_facts facts;
	struct pair pair;
	char buffer[16];
	int want = 0;

	(void)state;
	pair_open(&pair, context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem")),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	pair_shake(&pair);
	assert_int_equal(pair.done[0], FW_OK);
	assert_int_equal(pair.done[1], FW_OK);
	/* A certificate for servers only is good on the initiating side too. */
	fw_tls_facts(pair.tls[1], &facts);
	assert_string_equal(facts.version, "TLSv1.3");
	assert_string_equal(facts.certificate->subject, "CN=a.example");
	assert_true(facts.has_certificate);
	assert_true(facts.chain_valid);
	assert_string_equal(facts.chain_problem, "");
	fw_tls_facts(pair.tls[0], &facts);
	assert_string_equal(facts.certificate->subject, "CN=b.example");
	assert_true(facts.chain_valid);

	assert_int_equal(fw_tls_read(pair.tls[1], buffer, sizeof(buffer), &want), FW_EAGAIN);
	assert_int_equal(want, FW_IO_READ);
	assert_int_equal(fw_tls_write(pair.tls[0], "hello", 5, &want), 5);
	assert_int_equal(fw_tls_read(pair.tls[1], buffer, 2, &want), 2);
	assert_int_equal(fw_tls_pending(pair.tls[1]), 3);
	assert_int_equal(fw_tls_read(pair.tls[1], buffer, sizeof(buffer), &want), 3);
	assert_memory_equal(buffer, "llo", 3);
	/* A clean end is no error. */
	fw_tls_shutdown(pair.tls[0]);
	fw_socket_close(&pair.fds[0]);
	assert_int_equal(fw_tls_read(pair.tls[1], buffer, sizeof(buffer), &want), 0);
	pair_close(&pair);
}

/* RFC 9266: the same bytes on both ends, others on every other connection. */
static void a_connection_has_a_name_that_both_ends_know(void **state)
{
	unsigned char names[2][2][FW_TLS_EXPORTER_SIZE];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct pair pair;
		pair_open(&pair, context_of(NULL, NULL, CERT("ca.pem")),
		          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
		pair_up(&pair);
		assert_int_equal(fw_tls_exporter(pair.tls[0], names[i][0]), FW_OK);
		assert_int_equal(fw_tls_exporter(pair.tls[1], names[i][1]), FW_OK);
		assert_memory_equal(names[i][0], names[i][1], FW_TLS_EXPORTER_SIZE);
		pair_close(&pair);
	}
	assert_memory_not_equal(names[0][0], names[1][0], FW_TLS_EXPORTER_SIZE);
}

static void an_end_without_goodbye_is_told_apart(void **state)
{
	struct pair pair;
	char buffer[16];
	int want = 0;

	(void)state;
	pair_open(&pair, context_of(NULL, NULL, CERT("ca.pem")),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	pair_shake(&pair);
	fw_socket_close(&pair.fds[0]);
	assert_int_equal(fw_tls_read(pair.tls[1], buffer, sizeof(buffer), &want), FW_ECLOSED);
	assert_int_equal(fw_tls_read(pair.tls[1], buffer, sizeof(buffer), &want), FW_ECLOSED);
	assert_int_equal(fw_tls_write(pair.tls[1], "x", 1, &want), FW_ECLOSED);
	fw_tls_shutdown(pair.tls[1]); /* allowed, and nothing happens */
	pair_close(&pair);
}

static void bad_certificates_are_recorded_and_the_handshake_goes_on(void **state)
{
	static const struct {
		const char *cert, *key, *why;
		bool has;
	} rows[] = {
		{ CERT("stranger.pem"), CERT("stranger.key"), "self-signed", true },
		{ CERT("client.pem"), CERT("client.key"), "purpose", true },
		{ NULL, NULL, "", false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_tls_facts facts;
		struct pair pair;

		pair_open(&pair, context_of(rows[i].cert, rows[i].key, CERT("ca.pem")),
		          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
		pair_shake(&pair);
		assert_int_equal(pair.done[0], FW_OK);
		assert_int_equal(pair.done[1], FW_OK);
		fw_tls_facts(pair.tls[1], &facts);
		assert_int_equal(facts.has_certificate, rows[i].has);
		assert_false(facts.chain_valid);
		print_message("%s: %s\n", facts.certificate->subject, facts.chain_problem);
		assert_non_null(strstr(facts.chain_problem, rows[i].why));
		pair_close(&pair);
	}
}

static void the_initiating_side_records_an_unknown_issuer(void **state)
{
	struct fw_tls_facts facts;
	struct pair pair;

	(void)state;
	pair_open(&pair, context_of(CERT("a.pem"), CERT("a.key"), CERT("stranger.pem")),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	pair_shake(&pair);
	assert_int_equal(pair.done[0], FW_OK);
	fw_tls_facts(pair.tls[0], &facts);
	assert_false(facts.chain_valid);
	print_message("%s\n", facts.chain_problem);
	assert_non_null(strstr(facts.chain_problem, "issuer"));
	pair_close(&pair);
}

static void clear_text_instead_of_tls_has_the_librarys_words(void **state)
{
	struct iovec piece = { "<stream:stream xmlns='jabber:server'>", 37 };
	struct pair pair;
	int want = 0;

	(void)state;
	pair_open(&pair, context_of(NULL, NULL, CERT("ca.pem")),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	assert_int_equal(fw_socket_write(pair.fds[0], &piece, 1), 37);
	assert_int_equal(fw_tls_handshake(pair.tls[1], &want, &pair.err[1]), FW_ESYS);
	assert_string_not_equal(pair.err[1].text, "");
	print_message("%s\n", pair.err[1].text);
	fw_socket_close(&pair.fds[0]);
	assert_int_equal(fw_tls_handshake(pair.tls[1], &want, &pair.err[1]), FW_ECLOSED);
	pair_close(&pair);
}

static void a_receiving_side_without_certificate_fails(void **state)
{
	struct pair pair;

	(void)state;
	pair_open(&pair, context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem")),
	          context_of(NULL, NULL, CERT("ca.pem")));
	pair_shake(&pair);
	assert_int_equal(pair.done[1], FW_ESYS);
	assert_int_not_equal(pair.done[0], FW_OK);
	pair_close(&pair);
}

static void a_peer_that_leaves_in_the_handshake_is_closed(void **state)
{
	struct pair pair;
	int want = 0;

	(void)state;
	pair_open(&pair, context_of(NULL, NULL, CERT("ca.pem")),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	assert_int_equal(fw_tls_handshake(pair.tls[0], &want, &pair.err[0]), FW_EAGAIN);
	fw_socket_close(&pair.fds[1]);
	assert_int_equal(fw_tls_handshake(pair.tls[0], &want, &pair.err[0]), FW_ECLOSED);
	pair_close(&pair);
}

static void a_megabyte_passes_a_small_socket(void **state)
{
	enum { TOTAL = 1 << 20 };
	unsigned char *bytes = malloc(TOTAL), *copy = malloc(TOTAL);
	const int small = 4096;
	size_t put = 0, got = 0;
	struct pair pair;
	int want = 0;

	(void)state;
	for (size_t i = 0; i < TOTAL; i++) {
		bytes[i] = (unsigned char)(i * 2654435761u >> 13);
	}
	pair_open(&pair, context_of(NULL, NULL, CERT("ca.pem")),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	setsockopt(pair.fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	pair_shake(&pair);
	while (got < TOTAL) {
		ssize_t n = fw_tls_write(pair.tls[0], bytes + put, TOTAL - put, &want);
		assert_true(n > 0 || n == FW_EAGAIN || put == TOTAL);
		put += n > 0 ? (size_t)n : 0;
		n = fw_tls_read(pair.tls[1], copy + got, TOTAL - got, &want);
		assert_true(n > 0 || n == FW_EAGAIN);
		got += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(bytes, copy, TOTAL);
	pair_close(&pair);
	free(bytes);
	free(copy);
}

/* OpenSSL's queue of errors belongs to the thread, which is shared with libcurl and libpq. */
static void leave_errors(void)
{
	ERR_raise(ERR_LIB_ASN1, ERR_R_EVP_LIB);
	ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
}

static void errors_that_others_left_are_not_ours(void **state)
{
	struct fw_tls_settings settings = { .certificate_file = CERT("a.pem"),
		                            .key_file = CERT("b.key") };
	struct fw_tls_context *context = NULL;
	struct fw_error err = { 0 };
	struct pair pair;
	char byte;
	int want = 0;

	(void)state;
	leave_errors();
	assert_int_equal(fw_tls_context_new(&settings, &context, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "does not match"));
	pair_open(&pair, context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem")),
	          context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	pair.done[0] = pair.done[1] = FW_EAGAIN;
	for (int i = 0; i < 100; i++) {
		leave_errors();
		if (pair.done[i % 2] == FW_EAGAIN) {
			pair.done[i % 2] = fw_tls_handshake(pair.tls[i % 2], &want, &err);
		}
	}
	assert_int_equal(pair.done[0], FW_OK);
	assert_int_equal(pair.done[1], FW_OK);
	leave_errors();
	assert_int_equal(fw_tls_read(pair.tls[0], &byte, 1, &want), FW_EAGAIN);
	leave_errors();
	assert_int_equal(fw_tls_write(pair.tls[0], "x", 1, &want), 1);
	leave_errors();
	assert_int_equal(fw_tls_read(pair.tls[1], &byte, 1, &want), 1);
	leave_errors();
	fw_tls_shutdown(pair.tls[0]);
	leave_errors();
	assert_int_equal(fw_tls_read(pair.tls[1], &byte, 1, &want), 0);
	pair_close(&pair);
	ERR_clear_error();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_keys_are_named_with_the_reason),
		cmocka_unit_test(certificate_and_key_may_share_a_file),
		cmocka_unit_test(both_ends_see_bytes_and_facts),
		cmocka_unit_test(a_connection_has_a_name_that_both_ends_know),
		cmocka_unit_test(an_end_without_goodbye_is_told_apart),
		cmocka_unit_test(bad_certificates_are_recorded_and_the_handshake_goes_on),
		cmocka_unit_test(the_initiating_side_records_an_unknown_issuer),
		cmocka_unit_test(clear_text_instead_of_tls_has_the_librarys_words),
		cmocka_unit_test(a_receiving_side_without_certificate_fails),
		cmocka_unit_test(a_peer_that_leaves_in_the_handshake_is_closed),
		cmocka_unit_test(a_megabyte_passes_a_small_socket),
		cmocka_unit_test(errors_that_others_left_are_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
