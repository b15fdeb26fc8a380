/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Certificates over time: ours, whose files change under a running component, and those that peers
 * have shown. Which of several is shown to whom is TLS's choice: tests/sdk/test_tls.c.
 */
#include <stdlib.h>
#include <unistd.h>

#include "components/s2s/s2s_certs.h"
#include "components/s2s/s2s_keys.h"
#include "tests/components/s2s/world.h"

/* ---- ours ---- */

static char folder[] = "/tmp/fedway-certs-XXXXXX";
static char certificate[64], key[64];

/* As a deployment hook does: another file under the same name. */
static void put(const char *from, const char *to)
{
	static char text[65536];
	char fresh[80];
	FILE *in = fopen(from, "r");
	assert_non_null(in);
	size_t size = fread(text, 1, sizeof(text), in);
	fclose(in);
	snprintf(fresh, sizeof(fresh), "%s.new", to);
	FILE *out = fopen(fresh, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, size, out), size);
	fclose(out);
	assert_int_equal(rename(fresh, to), 0);
}

static void watched_world(struct world *world)
{
	world_init(world);
	world_use_tls(world, FW_SECURITY_REQUIRED);
	put(CERT("a.pem"), certificate);
	put(CERT("a.key"), key);
	world->config.certificate_file = certificate;
	world->config.key_file = key;
	world->config.certificate_watch_ms = 5;
	world_start(world);
}

static bool has_other_keys(void *ctx)
{
	void **both = ctx;

	return ((struct world *)both[0])->s2s->tls != both[1];
}

static struct fw_json *list(struct world *world, const char *what)
{
	struct fw_json *array = fw_json_new();

	if (strcmp(what, "own") == 0) {
		s2s_keys_report(world->s2s->keys, fw_json_set_array(array, what));
	} else {
		s2s_certs_report(world->s2s->certs, fw_json_set_array(array, what));
	}
	return array;
}

static const struct fw_json *first(const struct fw_json *report, const char *what)
{
	return fw_json_at(fw_json_get(report, what), 0);
}

static void changed_files_are_taken_over(void **ctx)
{
	struct world world;

	(void)ctx;
	watched_world(&world);
	void *both[] = { &world, world.s2s->tls };
	struct fw_json *report = list(&world, "own");
	assert_true(fw_str_is(fw_json_text(fw_json_get(first(report, "own"), "names")),
	                      "DNS:a.example"));
	assert_true(fw_json_int(fw_json_get(first(report, "own"), "days_left")) > 1000);
	fw_json_free(&report);
	/* the certificate alone: the key does not match yet, and nothing is swapped */
	put(CERT("b.pem"), certificate);
	world_expect_log(&world, "certificates not renewed, the old ones stay");
	assert_ptr_equal(world.s2s->tls, both[1]);
	struct fw_json *status = fw_json_new();
	s2s_report(world.self, "status", status);
	assert_true(fw_json_text(fw_json_get(status, "certificate_warning")).len > 0);
	fw_json_free(&status);
	put(CERT("b.key"), key);
	world_until(&world, has_other_keys, both, "the new certificate is taken over");
	world_expect_log(&world, "certificates taken over");
	assert_int_equal(fake_host_logged(world.host, "certificates not renewed"), 1);
	report = list(&world, "own");
	assert_true(fw_str_is(fw_json_text(fw_json_get(first(report, "own"), "names")),
	                      "DNS:b.example, DNS:*.b.example"));
	fw_json_free(&report);
	world_free(&world);
}

static void each_domain_has_its_certificate(void **ctx)
{
	struct s2s_certificate_row rows[] = {
		{ .domain = "corp.example",
		  .certificate_file = CERT("corp.pem"),
		  .key_file = CERT("corp.key") },
	};
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world.config.certificates = (struct fw_rows){ rows, 1 };
	world_start(&world);
	static const struct {
		const char *to, *names;
	} peers[] = {
		{ "corp.example", "DNS:corp.example" },
		{ "sales.example", "DNS:a.example" },
	};
	for (size_t i = 0; i < FW_COUNT(peers); i++) {
		struct peer *peer = peer_connect(&world);
		struct fw_tls_facts facts;
		peer->sni = ""; /* by the stream's to */
		peer_open(peer, "partner.example", peers[i].to);
		peer_send(peer, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		peer_expect(peer, "<proceed ");
		peer_secure(peer, FW_TLS_INITIATING);
		fw_tls_facts(peer->tls, &facts);
		assert_string_equal(facts.certificate->names, peers[i].names);
		peer_free(&peer);
	}
	struct fw_json *report = list(&world, "own");
	assert_int_equal(fw_json_count(fw_json_get(report, "own")), 2);
	fw_json_free(&report);
	world_free(&world);
}

static void a_row_that_cannot_be_used_is_told(void **ctx)
{
	struct s2s_certificate_row rows[] = {
		{ .domain = "corp.example",
		  .certificate_file = CERT("corp.pem"),
		  .key_file = CERT("a.key") },
	};
	struct fw_error err = { 0 };
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world.config.certificates = (struct fw_rows){ rows, 1 };
	assert_int_equal(s2s_options_check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "corp.pem"));
	world_free(&world);
}

static void an_end_that_is_near_is_told(void **ctx)
{
	const char *const names[] = { "corp.example" };
	char near[80], near_key[80];
	struct fw_error err = { 0 };
	struct world world;

	(void)ctx;
	snprintf(near, sizeof(near), "%s/near.pem", folder);
	snprintf(near_key, sizeof(near_key), "%s/near.key", folder);
	struct fw_certificate_order order = { .domains = names,
		                              .domain_count = 1,
		                              .days = 10,
		                              .key_file = near_key,
		                              .out_file = near };
	if (fw_certificate_self_signed(&order, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world.config.certificate_file = near;
	world.config.key_file = near_key;
	world_start(&world);
	world_expect_log(&world, "our certificate ends soon");
	struct fw_json *status = fw_json_new();
	s2s_report(world.self, "status", status);
	struct fw_str warning = fw_json_text(fw_json_get(status, "certificate_warning"));
	assert_non_null(warning.ptr);
	assert_non_null(strstr(warning.ptr, "renew it"));
	fw_json_free(&status);
	world_free(&world);
	unlink(near);
	unlink(near_key);
}

/* ---- theirs ---- */

static const struct fw_certificate *shown(const char *name)
{
	const struct fw_certificate *out = NULL;
	struct fw_error err = { 0 };
	char path[512];

	snprintf(path, sizeof(path), CERT("%s.pem"), name);
	assert_int_equal(fw_certificate_read(path, &out, &err), FW_OK);
	return out;
}

static void another_key_or_issuer_is_an_event(void **ctx)
{
	static const struct {
		const char *certificate;
		unsigned changes;
	} rows[] = {
		{ "partner", 0 },      { "partner", 0 }, { "partner-self", 1 },
		{ "partner-self", 1 }, { "partner", 2 },
	};
	struct world world;

	(void)ctx;
	world_new(&world);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct fw_certificate *seen = shown(rows[i].certificate);
		s2s_certs_saw(world.s2s->certs, "partner.example", seen, FW_TLS_VALID,
		              S2S_METHOD_EXTERNAL, fw_self_log(world.self));
		fw_certificate_release(&seen);
		assert_int_equal(fw_self_counter(world.self, S2S_COUNT_PEER_CERTIFICATES_CHANGED),
		                 rows[i].changes);
	}
	assert_int_equal(fake_host_logged(world.host,
	                                  "PeerCertificate changed remote=partner.example "
	                                  "what=key,issuer"),
	                 2);
	struct fw_json *report = list(&world, "peers");
	const struct fw_json *row = first(report, "peers");
	assert_int_equal(fw_json_count(fw_json_get(report, "peers")), 1);
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "domain")), "partner.example"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "method")), "external"));
	assert_true(fw_json_get(row, "changed_ago_s") != NULL);
	fw_json_free(&report);
	world_free(&world);
}

static void only_so_many_domains_are_remembered(void **ctx)
{
	const struct fw_certificate *seen = shown("partner");
	struct world world;

	(void)ctx;
	world_new(&world);
	for (unsigned i = 0; i < 4100; i++) {
		char remote[32];
		snprintf(remote, sizeof(remote), "d%u.example", i);
		s2s_certs_saw(world.s2s->certs, remote, seen, FW_TLS_UNTRUSTED, S2S_METHOD_DIALBACK,
		              fw_self_log(world.self));
	}
	fw_certificate_release(&seen);
	struct fw_json *report = list(&world, "peers");
	assert_int_equal(fw_json_count(fw_json_get(report, "peers")), 4096);
	fw_json_free(&report);
	world_free(&world);
}

static int make_folder(void **ctx)
{
	(void)ctx;
	assert_non_null(mkdtemp(folder));
	snprintf(certificate, sizeof(certificate), "%s/our.pem", folder);
	snprintf(key, sizeof(key), "%s/our.key", folder);
	return 0;
}

static int remove_folder(void **ctx)
{
	(void)ctx;
	unlink(certificate);
	unlink(key);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changed_files_are_taken_over),
		cmocka_unit_test(each_domain_has_its_certificate),
		cmocka_unit_test(a_row_that_cannot_be_used_is_told),
		cmocka_unit_test(an_end_that_is_near_is_told),
		cmocka_unit_test(another_key_or_issuer_is_an_event),
		cmocka_unit_test(only_so_many_domains_are_remembered),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
