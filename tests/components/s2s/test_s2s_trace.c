/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of s2s_trace.c and s2s_tap.c: which streams are written, that nothing private is, and how a
 * trace ends.
 */
#include "components/s2s/s2s_trace.h"
#include "tests/components/s2s/world.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void start(struct world *world)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/fedway-trace-XXXXXX");
	assert_non_null(mkdtemp(folder));
	world_init(world);
	world->config.trace_dir = folder;
	world_start(world);
}

static void finish(struct world *world)
{
	char path[400];
	const struct dirent *entry;

	world_free(world);
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		(void)unlink(path);
	}
	closedir(dir);
	assert_int_equal(rmdir(folder), 0);
}

static struct fw_json *command(struct world *world, const char *name, const char *args)
{
	return fake_host_command(world->host, world->self, name, args, SOON_MS);
}

static void add(struct world *world, const char *args)
{
	struct fw_json *result = command(world, "trace add", args);
	struct fw_str error = fw_json_text(fw_json_get(result, "error"));

	if (error.ptr != NULL) {
		fail_msg("%s: %.*s", args, FW_STR_ARG(error));
	}
	fw_json_free(&result);
}

/* All of a file; lives until the next call. */
static const char *content(const char *name)
{
	static char text[262144];
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	(void)fclose(file);
	return text;
}

static void expect_in(const char *name, const char *words, bool there)
{
	if ((strstr(content(name), words) != NULL) != there) {
		fail_msg("%s: \"%s\" is %sthere:\n%s", name, words, there ? "not " : "",
		         content(name));
	}
}

/* A stream out to partner.example with a message, and one in from there. */
static void talk(struct world *world, struct peer **out, struct peer **in)
{
	*out = peer_listen(world);
	world_send(world, "a@corp.example", "b@partner.example", "m1");
	peer_accept_pair(*out, "id-1", "corp.example", "partner.example");
	peer_expect(*out, "id='m1'");
	*in = peer_connect(world);
	peer_open(*in, "partner.example", "corp.example");
	peer_prove(*in, "partner.example", "corp.example");
	peer_send(*in, "<message from='b@partner.example' to='a@corp.example' id='m2'>"
	               "<body>whisper</body></message>");
	world_expect_routed(world, "m2");
}

static void both_directions_from_the_first_byte(void **ctx)
{
	struct world world;
	struct peer *out = NULL, *in = NULL;

	(void)ctx;
	start(&world);
	add(&world, "{\"remote\": \"Partner.example\", \"file\": \"t.txt\"}");
	add(&world, "{\"remote\": \"partner.example\", \"file\": \"t.json\", \"format\": "
	            "\"json\"}");
	add(&world, "{\"remote\": \"other.example\", \"file\": \"o.txt\"}");
	talk(&world, &out, &in);
	expect_in("t.txt", "<stream:stream xmlns='jabber:server'", true);
	expect_in("t.txt", " IN ", true);
	expect_in("t.txt", "id='m1'", true);
	expect_in("t.txt", "id='m2'", true);
	expect_in("t.txt", "<db:result", true);
	expect_in("t.txt", "whisper", false);
	expect_in("t.txt", "key-for", false);
	expect_in("t.json", "\"direction\":\"in\"", true);
	expect_in("t.json", "id='m2'", true);
	expect_in("t.json", "whisper", false);
	assert_int_equal(strlen(content("o.txt")), 0);
	struct stat info;
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/t.txt", folder);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	peer_free(&in);
	peer_free(&out);
	finish(&world);
}

static void bodies_when_asked_for(void **ctx)
{
	struct world world;
	struct peer *out = NULL, *in = NULL;

	(void)ctx;
	start(&world);
	add(&world, "{\"remote\": \"partner.example\", \"file\": \"all.txt\", \"bodies\": "
	            "\"yes\"}");
	add(&world, "{\"remote\": \"partner.example\", \"file\": \"less.txt\", \"bodies\": "
	            "\"no\"}");
	talk(&world, &out, &in);
	expect_in("all.txt", "<body>whisper</body>", true);
	expect_in("less.txt", "<body>*******</body>", true);
	world_expect_log(&world, "bodies=yes");
	peer_free(&in);
	peer_free(&out);
	finish(&world);
}

static void streams_that_stand_already(void **ctx)
{
	struct world world;
	struct peer *out = NULL, *in = NULL;

	(void)ctx;
	start(&world);
	talk(&world, &out, &in);
	add(&world, "{\"remote\": \"partner.example\", \"file\": \"late.txt\"}");
	peer_send(in, "<message from='b@partner.example' to='a@corp.example' id='m3'>"
	              "<body>whisper</body></message>");
	world_expect_routed(&world, "m3");
	expect_in("late.txt", "id='m3'", true);
	expect_in("late.txt", "whisper", false);
	struct fw_json *result = command(&world, "trace remove", "{\"trace\": \"1\"}");
	assert_true(fw_str_is(fw_json_text(fw_json_get(result, "state")), "ended"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(result, "why")), "removed"));
	fw_json_free(&result);
	fake_host_settle(world.host);
	assert_null(world.s2s->traces->taps); /* left alone again */
	peer_send(in, "<message from='b@partner.example' to='a@corp.example' id='m4'/>");
	world_expect_routed(&world, "m4");
	expect_in("late.txt", "id='m4'", false);
	peer_free(&in);
	peer_free(&out);
	finish(&world);
}

/* The newest trace is there, and marked as one that runs, or as one that has ended and why. */
static void expect_newest(struct world *world, const char *why)
{
	struct fw_json *result = command(world, "trace list", NULL);
	const struct fw_json *row = fw_json_at(fw_json_get(result, "traces"), 0);

	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "state")),
	                      why == NULL ? "running" : "ended"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "why")), why != NULL ? why : ""));
	assert_int_equal(fw_json_get(row, "left_ms") != NULL, why == NULL);
	assert_int_equal(fw_json_get(row, "ended_ago_ms") != NULL, why != NULL);
	fw_json_free(&result);
}

static void it_ends_by_size_and_by_time(void **ctx)
{
	struct world world;
	struct peer *out = NULL, *in = NULL;

	(void)ctx;
	start(&world);
	add(&world, "{\"remote\": \"partner.example\", \"file\": \"small.txt\", \"max_bytes\": "
	            "\"4096\"}");
	talk(&world, &out, &in);
	for (int i = 0; i < 40; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "n%d", i);
		peer_send(in, "<message from='b@partner.example' to='a@corp.example' id='%s'/>",
		          id);
		world_expect_routed(&world, id);
	}
	assert_true(strlen(content("small.txt")) <= 4096);
	expect_newest(&world, "max_bytes reached");
	fake_host_settle(world.host);
	assert_null(world.s2s->traces->taps);

	add(&world, "{\"remote\": \"partner.example\", \"file\": \"short.txt\", \"seconds\": "
	            "\"1\"}");
	expect_newest(&world, NULL);
	fake_host_run_ms(world.host, 1100);
	expect_newest(&world, "time is up");
	peer_free(&in);
	peer_free(&out);
	finish(&world);
}

static const struct {
	const char *sentence, *args, *words;
} wrong[] = {
	{ "no domain", "{}", "remote must be" },
	{ "a domain that is none", "{\"remote\": \"a b\"}", "remote must be" },
	{ "another format", "{\"remote\": \"p.example\", \"format\": \"xml\"}", "format must be" },
	{ "a folder above", "{\"remote\": \"p.example\", \"file\": \"../x\"}", "without a folder" },
	{ "a folder below", "{\"remote\": \"p.example\", \"file\": \"a/x\"}", "without a folder" },
	{ "an absolute path", "{\"remote\": \"p.example\", \"file\": \"/etc/x\"}",
	  "without a folder" },
	{ "a hidden file", "{\"remote\": \"p.example\", \"file\": \".x\"}", "without a folder" },
	{ "no name", "{\"remote\": \"p.example\", \"file\": \"\"}", "without a folder" },
	{ "a line end in the name", "{\"remote\": \"p.example\", \"file\": \"a\\nb\"}",
	  "without a folder" },
	{ "neither yes nor no", "{\"remote\": \"p.example\", \"bodies\": \"maybe\"}", "bodies" },
	{ "no time at all", "{\"remote\": \"p.example\", \"seconds\": \"0\"}", "seconds" },
	{ "too long", "{\"remote\": \"p.example\", \"seconds\": \"86401\"}", "seconds" },
	{ "no number", "{\"remote\": \"p.example\", \"seconds\": \"1e3\"}", "seconds" },
	{ "too small", "{\"remote\": \"p.example\", \"max_bytes\": \"10\"}", "max_bytes" },
	{ "a file that is there", "{\"remote\": \"p.example\", \"file\": \"there.txt\"}",
	  "cannot be made" },
};

static void wrong_arguments_make_no_file(void **ctx)
{
	struct world world;
	char path[128];

	(void)ctx;
	start(&world);
	(void)snprintf(path, sizeof(path), "%s/there.txt", folder);
	assert_int_equal(symlink("/dev/null", path), 0);
	for (size_t i = 0; i < FW_COUNT(wrong); i++) {
		print_message("%s\n", wrong[i].sentence);
		struct fw_json *result = command(&world, "trace add", wrong[i].args);
		struct fw_str error = fw_json_text(fw_json_get(result, "error"));
		assert_non_null(error.ptr);
		assert_non_null(strstr(error.ptr, wrong[i].words));
		fw_json_free(&result);
	}
	struct fw_json *result = command(&world, "trace list", NULL);
	assert_int_equal(fw_json_count(fw_json_get(result, "traces")), 0);
	fw_json_free(&result);
	result = command(&world, "trace remove", "{\"trace\": \"7\"}");
	assert_int_equal(fw_json_int(fw_json_get(result, "code")), FW_ENOENT);
	fw_json_free(&result);
	finish(&world);
}

static void not_more_than_eight(void **ctx)
{
	struct world world;

	(void)ctx;
	start(&world);
	for (int i = 0; i < 8; i++) {
		add(&world, "{\"remote\": \"partner.example\"}"); /* names of their own */
	}
	struct fw_json *result = command(&world, "trace add", "{\"remote\": \"partner.example\"}");
	assert_int_equal(fw_json_int(fw_json_get(result, "code")), FW_ELIMIT);
	fw_json_free(&result);
	finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_from_the_first_byte),
		cmocka_unit_test(bodies_when_asked_for),
		cmocka_unit_test(streams_that_stand_already),
		cmocka_unit_test(it_ends_by_size_and_by_time),
		cmocka_unit_test(wrong_arguments_make_no_file),
		cmocka_unit_test(not_more_than_eight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
