/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What TLS alone costs: full TLS 1.3 handshakes in memory, both sides in this process, with
 * certificates on both sides as servers do it. One stream set-up with dialback has as much of it: a
 * handshake as server, and one as client.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

static int believe(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int shake(SSL_CTX *context)
{
	SSL *client = SSL_new(context), *server = SSL_new(context);
	BIO *near = NULL, *far = NULL;
	char byte;

	if (client == NULL || server == NULL || BIO_new_bio_pair(&near, 0, &far, 0) != 1) {
		return -1;
	}
	SSL_set_bio(client, near, near);
	SSL_set_bio(server, far, far);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < 10 && (SSL_in_init(client) || SSL_in_init(server)); i++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
	SSL_read(client, &byte, 1); /* the tickets */
	int ret = SSL_is_init_finished(client) && SSL_is_init_finished(server) ? 0 : -1;
	SSL_free(client);
	SSL_free(server);
	return ret;
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (count <= 0) {
		fprintf(stderr, "usage: bench_tls CERTIFICATE COUNT\n");
		return 2;
	}
	if (context == NULL || SSL_CTX_use_certificate_chain_file(context, argv[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, argv[1], SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		return 1;
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, believe);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	double start = cpu_ms();
	for (long i = 0; i < count; i++) {
		if (shake(context) < 0) {
			ERR_print_errors_fp(stderr);
			return 1;
		}
	}
	printf("handshakes %.3f ms\n", (cpu_ms() - start) / (double)count);
	SSL_CTX_free(context);
	return 0;
}
