/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel on a host without a router: what peers tell becomes node state, and what ssh says
 * becomes a notice. Small scripts stand in for ssh and sshd; tests/live/test_tunnel.py has the real
 * ones.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <fedway/io/file.h>

#include "components/tunnel/tunnel.h"
#include "components/tunnel/tunnel_files.h"
#include "tests/support/fake_host.h"

#define KEY_DATA "AAAAC3NzaC1lZDI1NTE5AAAAIHBUtSOFJ1OzXPjmW4RkAAs+Ye1kGm21X522dj2XU/lo"
#define KEY "ssh-ed25519 " KEY_DATA

extern const struct fw_component tunnel_LTX_fw_component;

static struct fake_host *host;
static struct fw_self *tunnel;
static struct fw_error err;
static char folder[32], directory[40], program[40];
static struct tunnel_edge_row edge_row = { "edge-1", "127.0.0.1", 1, "somebody", "" };
static struct tunnel_config config;

static const char *inside(const char *name)
{
	static char path[320];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void put(const char *name, const char *text)
{
	assert_int_equal(tunnel_file_write(inside(name), text, NULL), FW_OK);
}

/* What stands in for ssh and sshd. */
static void put_program(const char *script)
{
	char text[4096];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	assert_int_equal(fw_file_replace(program, fw_str(text), 0700, NULL), FW_OK);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/fedway-tunnel-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(directory, sizeof(directory), "%s/tunnel", folder);
	snprintf(program, sizeof(program), "%s/program", folder);
	assert_int_equal(mkdir(directory, 0700), 0);
	put("id_ed25519", "secret\n");
	put("host_ed25519", "secret\n");
	put("pin.edge-1.pub", KEY "\n");
	put_program("sleep 600");
	config = (struct tunnel_config){ .role = TUNNEL_CONNECT,
		                         .directory = directory,
		                         .address = "127.0.0.1",
		                         .port = 1,
		                         .edges = { &edge_row, 1 },
		                         .backoff_min_ms = 10,
		                         .backoff_max_ms = 20,
		                         .beat_ms = 1000,
		                         .line_max_bytes = 65536,
		                         .sshd_program = program,
		                         .ssh_program = program,
		                         .keygen_program = "/bin/true",
		                         .bridge_program = "/bin/true" };
	host = fake_host_new();
	fake_host_add_domain(host, "corp.example", true);
	return 0;
}

static void start(void)
{
	memset(&err, 0, sizeof(err));
	tunnel = fake_host_start(host, &tunnel_LTX_fw_component, &config, &err);
	assert_string_equal(err.text, "");
	fake_host_settle(host);
}

static int teardown(void **state)
{
	struct dirent *entry = NULL;

	(void)state;
	fake_host_free(&host);
	DIR *list = opendir(directory);
	while (list != NULL && (entry = readdir(list)) != NULL) {
		(void)unlink(inside(entry->d_name));
	}
	if (list != NULL) {
		closedir(list);
	}
	(void)rmdir(directory);
	(void)unlink(program);
	return rmdir(folder);
}

static bool state_is(const char *key, const char *text)
{
	return strcmp(fake_host_learned(host, key), text) == 0;
}

struct wish {
	const char *key, *text;
};

static bool wish_holds(void *ctx)
{
	const struct wish *wish = ctx;

	return state_is(wish->key, wish->text);
}

static void wait_state(const char *key, const char *text)
{
	struct wish wish = { key, text };

	if (!fake_host_run_until(host, wish_holds, &wish, 20000)) {
		fail_msg("%s is %s, not %s", key, fake_host_learned(host, key), text);
	}
}

static bool notice_holds(void *ctx)
{
	const struct wish *wish = ctx;
	const char *text = fake_host_notice(host, tunnel, wish->key, NULL);

	return wish->text == NULL ? text == NULL : text != NULL && strstr(text, wish->text) != NULL;
}

static void wait_notice(const char *key, const char *text)
{
	struct wish wish = { key, text };

	if (!fake_host_run_until(host, notice_holds, &wish, 20000)) {
		const char *now = fake_host_notice(host, tunnel, key, NULL);
		fail_msg("notice %s is %s, not %s", key, now != NULL ? now : "none",
		         text != NULL ? text : "none");
	}
}

/* ---- the core ---- */

#define EDGE_HELLO \
	"{\"type\":\"hello\",\"version\":1,\"role\":\"edge\",\"realm\":\"edge-1\",\"epoch\":" \
	"\"e\"," \
	"\"serial\":1,\"seen_epoch\":\"\",\"seen_serial\":0,\"software\":\"s\",\"host\":\"h\"}"
#define EDGE_SNAPSHOT \
	"{\"type\":\"snapshot\",\"epoch\":\"e\",\"serial\":1,\"values\":{\"federation\":{\"on\":" \
	"true}," \
	"\"components\":[\"cm-2_s2scp-1.edge-1\",\"cm-1_x-1.other\",7]}}"
#define KNOWN(connected) \
	"[{\"realm\":\"edge-1\",\"host\":\"127.0.0.1\",\"connected\":" connected \
	",\"federation\":true,\"components\":[\"cm-2_s2scp-1.edge-1\"]}]"

static void what_an_edge_tells_stands_when_it_is_gone_and_after_a_restart(void **state)
{
	(void)state;
	put_program("echo '" EDGE_HELLO "'; echo '" EDGE_SNAPSHOT "'; exec sleep 600");
	start();
	wait_state("edges", KNOWN("true"));
	wait_notice("edge edge-1", NULL);
	put_program("echo 'ssh: connect to host x port 1: Connection refused' >&2; exit 255");
	fake_host_stop(host, &tunnel);
	assert_string_equal(fake_host_learned(host, "edges"), KNOWN("false"));
	fake_host_learn(host, "edges", NULL);
	start();
	wait_state("edges", KNOWN("false"));
	wait_notice("edge edge-1", "the edge refuses the connection");
	config.edges.count = 0; /* its row goes, and so does what it has told */
	fake_host_reload(tunnel, &config);
	wait_state("edges", "[]");
	wait_notice("edge edge-1", NULL);
	config.edges.count = 1;
	fake_host_reload(tunnel, &config);
	wait_notice("edge edge-1", "the edge refuses the connection");
	assert_non_null(strstr(fake_host_learned(host, "edges"), "\"components\":[]"));
}

static void each_failure_of_ssh_has_its_sentence(void **state)
{
	static const struct {
		const char *says, *why;
	} rows[] = {
		{ "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key "
		  "verification "
		  "failed.",
		  "the host key of the edge is not the one that is pinned" },
		{ "No ED25519 host key is known for edge-1 and you have requested strict "
		  "checking.\n"
		  "Host key verification failed.",
		  "the host key of the edge is of another kind than the pinned one" },
		{ "root@x: Permission denied (publickey).",
		  "the edge does not take the key of this core" },
		{ "ssh: connect to host x port 1: Connection timed out",
		  "the edge does not answer" },
		{ "ssh: connect to host x port 1: No route to host",
		  "there is no way to the edge" },
		{ "ssh: Could not resolve hostname x: Name or service not known",
		  "the name of the edge is not known" },
		{ "Timeout, server x not responding.", "the edge no longer answers" },
		{ "subsystem request failed on channel 0", "the edge has an sshd, but not ours" },
		{ "Unable to negotiate with x port 1: no matching key exchange method found.",
		  "no common algorithms with the edge" },
		{ "something new", "it ended with status 255: something new" },
	};
	char script[512];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		snprintf(script, sizeof(script), "echo '%s' >&2; exit 255", rows[i].says);
		put_program(script);
		if (i == 0) {
			start();
		}
		wait_notice("edge edge-1", rows[i].why);
	}
	put_program("kill -9 $$");
	wait_notice("edge edge-1", "it was killed by signal 9");
	put_program("echo '{\"type\":\"hello\",\"version\":3}'; exec sleep 600");
	wait_notice("edge edge-1", "version 3 of the protocol is not understood here");
	unlink(inside("pin.edge-1.pub"));
	wait_notice("edge edge-1", "the host key of the edge is not pinned");
	unlink(inside("id_ed25519"));
	wait_notice("edge edge-1", "this core has no key yet");
}

/* ---- the edge ---- */

/* Comes as fedway-tunnel does; the first line is a key. */
static int come(const char *key)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(strlen(inside("tunnel.sock")) < sizeof(addr.sun_path));
	memcpy(addr.sun_path, inside("tunnel.sock"), strlen(inside("tunnel.sock")) + 1);
	assert_int_equal(connect(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(write(sock, key, strlen(key)) == (ssize_t)strlen(key));
	return sock;
}

static void say(int sock, const char *realm, const char *values)
{
	char text[2048];
	int len = snprintf(text, sizeof(text),
	                   "{\"type\":\"hello\",\"version\":1,\"role\":\"core\",\"realm\":\"%s\","
	                   "\"epoch\":\"c\",\"serial\":1,\"seen_epoch\":\"\",\"seen_serial\":0,"
	                   "\"software\":\"s\",\"host\":\"h\"}\n"
	                   "{\"type\":\"snapshot\",\"epoch\":\"c\",\"serial\":1,\"values\":{%s}}\n",
	                   realm, values);

	assert_true(write(sock, text, (size_t)len) == len);
}

struct heard {
	int sock;
	char text[4096];
	size_t len;
};

/* All that it says up to its acknowledgement. */
static bool heard_ack(void *ctx)
{
	struct heard *heard = ctx;
	ssize_t got = recv(heard->sock, heard->text + heard->len,
	                   sizeof(heard->text) - 1 - heard->len, MSG_DONTWAIT);

	heard->len += got > 0 ? (size_t)got : 0;
	return strstr(heard->text, "\"type\":\"ack\"") != NULL;
}

static void cores_tell_and_are_joined(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	config.role = TUNNEL_LISTEN;
	config.edges.count = 0;
	put("authorized_keys", "restrict " KEY " core-1\n# a remark\nrestrict ssh-ed25519 "
	                       "AAAAC3NzaC1lZDI1NTE5AAAAIJI6QcS50I8RTBeKwaAxYzvluo47QNMO core-2\n");
	fake_host_holder(host, "*", "cm-2_s2scp-1.test-realm", true);
	fake_host_holder(host, "*", "cm-9_s2scp-1.elsewhere", true);
	start();
	int first = come(KEY "\n");
	say(first, "core-1",
	    "\"domains\":[{\"name\":\"corp.example\",\"federation\":true},{\"name\":\"not a "
	    "name\"},"
	    "{\"name\":\"rooms.corp.example\",\"federation\":true,\"alias_of\":\"corp.example\"}],"
	    "\"allow\":[\"a.example\",\"*.b.example\",5],"
	    "\"static_routes\":[{\"domain\":\"a.example\",\"host\":\"192.0.2.7\",\"port\":5269},"
	    "{\"domain\":\"b.example\",\"host\":\"x\",\"port\":70000}]");
	wait_state("domains",
	           "[{\"name\":\"corp.example\",\"federation\":true,\"im_and_presence\":false},"
	           "{\"name\":\"rooms.corp.example\",\"federation\":true,\"im_and_presence\":false,"
	           "\"alias_of\":\"corp.example\"}]");
	assert_true(state_is("allow", "[\"a.example\",\"*.b.example\"]"));
	assert_true(state_is("static_routes",
	                     "[{\"domain\":\"a.example\",\"host\":\"192.0.2.7\",\"port\":5269}]"));
	assert_true(state_is("deny", ""));
	assert_int_equal(fake_host_logged(host, "no domains list=allow count=1"), 1);
	heard.sock = first;
	assert_true(fake_host_run_until(host, heard_ack, &heard, 10000));
	assert_non_null(strstr(heard.text, "\"components\":[\"cm-2_s2scp-1.test-realm\"]"));
	assert_non_null(strstr(heard.text, "\"federation\":{\"on\":true"));
	int second = come("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJI6QcS50I8RTBeKwaAxYzvluo47QNMO\n");
	say(second, "core-2",
	    "\"allow\":[\"c.example\",\"a.example\"],\"deny\":[\"evil.example\"]");
	wait_state("deny", "[\"evil.example\"]");
	assert_true(state_is("allow", "[\"a.example\",\"*.b.example\",\"c.example\"]"));
	close(first); /* nothing is taken back */
	close(second);
	fake_host_run_ms(host, 20);
	assert_true(state_is("allow", "[\"a.example\",\"*.b.example\",\"c.example\"]"));
	struct fw_json *result =
	        fake_host_command(host, tunnel, "tunnel revoke", "{\"name\":\"core-2\"}", 5000);
	fw_json_free(&result);
	fake_host_settle(host);
	assert_true(state_is("allow", "[\"a.example\",\"*.b.example\"]"));
	assert_true(state_is("deny", ""));
}

static bool closed(void *ctx)
{
	char bytes[4096];

	return recv(*(int *)ctx, bytes, sizeof(bytes), MSG_DONTWAIT) == 0;
}

static void who_has_no_key_or_another_realm_is_sent_away(void **state)
{
	static const struct {
		const char *key, *realm;
	} rows[] = {
		{ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJI6QcS50I8RTBeKwaAxYzvluo47QNMO\n",
		  "core-1" },
		{ "hello\n", "core-1" },
		{ KEY "\n", "core-2" },
	};

	(void)state;
	config.role = TUNNEL_LISTEN;
	config.edges.count = 0;
	put("authorized_keys", "restrict " KEY " core-1\n" KEY " no-options\n");
	start();
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		int sock = come(rows[i].key);
		say(sock, rows[i].realm, "\"allow\":[\"a.example\"]");
		assert_true(fake_host_run_until(host, closed, &sock, 10000));
		close(sock);
	}
	assert_true(state_is("allow", ""));
}

static void an_sshd_that_does_not_run_is_told(void **state)
{
	enum fw_notice_level level = FW_NOTICE_INFO;

	(void)state;
	config.role = TUNNEL_LISTEN;
	config.edges.count = 0;
	put_program("echo 'error: Bind to port 1 on 127.0.0.1 failed: Address already in use.' >&2;"
	            "echo 'fatal: Cannot bind any address.' >&2; exit 255");
	start();
	wait_notice("sshd", "the port of the tunnel is in use");
	fake_host_notice(host, tunnel, "sshd", &level);
	assert_int_equal(level, FW_NOTICE_YELLOW);
	put_program("echo 'Server listening on 127.0.0.1 port 1.' >&2; exec sleep 600");
	wait_notice("sshd", NULL);
}

/* ---- configuration ---- */

static void options_are_checked(void **state)
{
	static struct tunnel_edge_row twice[] = { { "edge-1", "a", 1, "", "" },
		                                  { "edge-1", "b", 1, "", "" } };
	static const char *const wrong[] = { "a.example", "not a domain" };

	(void)state;
	assert_int_equal(tunnel_check(&config, &err), FW_OK);
	struct tunnel_config bad = config;
	bad.edges = (struct fw_rows){ twice, 2 };
	assert_int_equal(tunnel_check(&bad, &err), FW_EINVAL);
	assert_string_equal(err.text, "edges: realm 'edge-1' is there twice");
	twice[1].realm = "../x";
	assert_int_equal(tunnel_check(&bad, &err), FW_EINVAL);
	assert_string_equal(err.text, "edges: '../x' is not a realm");
	twice[1].realm = "edge-2";
	twice[1].host = "-oProxyCommand=x";
	assert_int_equal(tunnel_check(&bad, &err), FW_EINVAL);
	bad = config;
	bad.allow = (struct fw_strings){ wrong, 2 };
	assert_int_equal(tunnel_check(&bad, &err), FW_EINVAL);
	assert_string_equal(err.text, "allow: 'not a domain' is not a domain");
	bad = config;
	bad.directory = "/tmp/a b";
	assert_int_equal(tunnel_check(&bad, &err), FW_EINVAL);
	bad = config;
	bad.role = TUNNEL_LISTEN;
	assert_int_equal(tunnel_check(&bad, &err), FW_EINVAL);
	assert_string_equal(err.text, "edges are for role = \"connect\"");
}

static void a_directory_that_others_can_see_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(directory, 0750), 0);
	memset(&err, 0, sizeof(err));
	assert_null(fake_host_start(host, &tunnel_LTX_fw_component, &config, &err));
	assert_non_null(strstr(err.text, "it must belong to the user that runs this"));
}

static void a_damaged_memory_is_told_again(void **state)
{
	(void)state;
	put("learned.json", "{\"peers\":[{\"realm\":\"edge-1\",\"epoch\":\"e\",\"values\":{\"a\":");
	put_program("echo '" EDGE_HELLO "'; echo '" EDGE_SNAPSHOT "'; exec sleep 600");
	start();
	assert_int_equal(fake_host_logged(host, "learned.json is not what it was written as"), 1);
	wait_state("edges", KNOWN("true"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_an_edge_tells_stands_when_it_is_gone_and_after_a_restart),
		CASE(each_failure_of_ssh_has_its_sentence),
		CASE(cores_tell_and_are_joined),
		CASE(who_has_no_key_or_another_realm_is_sent_away),
		CASE(an_sshd_that_does_not_run_is_told),
		CASE(options_are_checked),
		CASE(a_directory_that_others_can_see_is_refused),
		CASE(a_damaged_memory_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
