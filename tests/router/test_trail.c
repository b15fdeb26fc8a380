/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Paths between routers: numbers, bounds, loops; and the hop header, good and bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <fedway/hosting.h>

#include "router/trail.h"

/* The realm stands in memory that goes: a reload frees the configuration. */
static struct trails *make(uint32_t max)
{
	char realm[] = "core-1";
	struct trails *trails = NULL;

	assert_int_equal(trails_new(realm, max, &trails), FW_OK);
	memset(realm, 'x', sizeof(realm) - 1);
	return trails;
}

static int try_intern(struct trails *trails, struct trail_peer *peer, const char *path,
                      uint32_t *out)
{
	return trail_intern(trails, peer, fw_str(path), out);
}

static uint32_t intern(struct trails *trails, const char *path)
{
	const char *last = strrchr(path, ' ');
	struct trail_peer peer = { .realm = last != NULL ? last + 1 : path };
	uint32_t trail = 0;

	assert_int_equal(try_intern(trails, &peer, path, &trail), FW_OK);
	return trail;
}

static void one_number_per_path(void **state)
{
	(void)state;
	struct trails *trails = make(100);
	uint32_t one = intern(trails, "im-1"), two = intern(trails, "im-1 edge-1");

	assert_int_not_equal(one, 0);
	assert_int_not_equal(one, two);
	assert_int_equal(intern(trails, "im-1 edge-1"), two);
	assert_true(fw_str_is(trail_path(trails, two), "im-1 edge-1"));
	assert_true(fw_str_is(trail_onward(trails, two), "im-1 edge-1 core-1"));
	assert_true(fw_str_is(trail_onward(trails, 0), "core-1"));
	assert_true(fw_str_is(trail_path(trails, 0), ""));
	assert_int_equal(trail_hops(trails, two), 2);
	assert_true(fw_str_is(trail_first(trails, two), "im-1"));
	assert_true(trail_has(trails, two, fw_str("EDGE-1")));
	assert_false(trail_has(trails, two, fw_str("edge")));
	trails_free(&trails);
}

static void loops_and_long_ways_end(void **state)
{
	(void)state;
	struct trails *trails = make(100);

	assert_int_equal(trail_judge(trails, 0), FW_CAUSE_NONE);
	assert_int_equal(trail_judge(trails, intern(trails, "a b")), FW_CAUSE_NONE);
	assert_int_equal(trail_judge(trails, intern(trails, "a core-1 b")), FW_CAUSE_LOOP);
	assert_int_equal(trail_judge(trails, intern(trails, "a b c d e f g h")), FW_CAUSE_NONE);
	assert_int_equal(trail_judge(trails, intern(trails, "a b c d e f g h i")),
	                 FW_CAUSE_TOO_MANY_HOPS);
	trails_free(&trails);
}

static void bad_paths_are_refused(void **state)
{
	static const char *const paths[] = {
		"", " ", " a", "a ", "a  b", "a.b", "a<b", "\xc3\xa4"
	};
	struct trail_peer b = { .realm = "b" };
	struct trails *trails = make(2);
	uint32_t trail = 77;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(paths); i++) {
		assert_int_equal(try_intern(trails, &b, paths[i], &trail), FW_EPARSE);
	}
	assert_int_equal(try_intern(trails, &b, "a b c d e f g h i j k l m n o p b", &trail),
	                 FW_ELIMIT);
	assert_int_equal(trail, 77);
	trails_free(&trails);
}

/* One that makes up paths, its own or somebody else's, takes no place from others. */
static void paths_are_bounded_for_each_neighbour(void **state)
{
	struct trail_peer a = { .realm = "a" }, b = { .realm = "B" };
	struct trails *trails = make(2);
	uint32_t one, two;

	(void)state;
	assert_int_equal(try_intern(trails, &a, "b", &one), FW_EPARSE);
	assert_int_equal(try_intern(trails, &a, "x b", &one), FW_EPARSE);
	assert_int_equal(try_intern(trails, &a, "xa", &one), FW_EPARSE);
	assert_int_equal(a.paths, 0);
	assert_int_equal(try_intern(trails, &a, "x a", &one), FW_OK);
	assert_int_equal(try_intern(trails, &a, "y a", &two), FW_OK);
	assert_int_equal(try_intern(trails, &a, "z a", &two), FW_ELIMIT);
	assert_int_equal(try_intern(trails, &a, "x a", &two), FW_OK);
	assert_int_equal(one, two);
	assert_int_equal(try_intern(trails, &b, "x a", &two), FW_EPARSE); /* known, but not its */
	assert_int_equal(try_intern(trails, &b, "z b", &two), FW_OK);
	assert_int_equal(try_intern(trails, &b, "z B", &two), FW_OK);
	assert_int_equal(try_intern(trails, &b, "b", &two), FW_ELIMIT);
	trails_free(&trails);
}

static int read_hop(struct trails *trails, const char *xml, struct trail_hop *hop)
{
	struct trail_peer im = { .realm = "im-1" };
	struct fw_stanza *element = NULL, *stanza = NULL;

	assert_int_equal(fw_stanza_parse(fw_str(xml), &element), FW_OK);
	int ret = trail_is_hop(element) ? trail_read_hop(trails, &im, element, hop) : FW_ENOENT;
	if (ret == FW_OK) { /* it must outlive its element */
		assert_int_equal(fw_stanza_new("message", NULL, &stanza), FW_OK);
		assert_int_equal(trail_apply(hop, stanza), FW_OK);
		assert_int_equal(fw_stanza_trail(stanza), hop->trail);
		fw_stanza_free(&stanza);
	}
	fw_stanza_free(&element);
	return ret;
}

#define HOP "<hop xmlns='urn:fedway:link:1' "

static void headers_are_read(void **state)
{
	static const struct {
		const char *xml;
		int ret;
	} rows[] = {
		{ HOP "id='00000000000000FF' path='im-1'/>", FW_OK },
		{ HOP "id='ff' path='edge-2 im-1' to='cm-2_s2scp-1.edge-1'/>", FW_OK },
		{ HOP "id='ff' path='edge-2 IM-1'/>", FW_OK },
		{ "<hop xmlns='urn:other' id='ff' path='im-1'/>", FW_ENOENT },
		{ HOP "path='im-1'/>", FW_EPARSE },
		{ HOP "id='' path='im-1'/>", FW_EPARSE },
		{ HOP "id='0' path='im-1'/>", FW_EPARSE },
		{ HOP "id='xyz' path='im-1'/>", FW_EPARSE },
		{ HOP "id='12345678123456781' path='im-1'/>", FW_EPARSE },
		{ HOP "id='ff'/>", FW_EPARSE },
		{ HOP "id='ff' path=''/>", FW_EPARSE },
		{ HOP "id='ff' path='edge-2'/>", FW_EPARSE }, /* not by whom it came */
		{ HOP "id='ff' path='im-1' to=''/>", FW_EPARSE },
		{ HOP "id='ff' path='im-1' to='a&apos;b'/>", FW_EPARSE },
	};
	struct trails *trails = make(100);
	struct trail_hop hop;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i].xml);
		assert_int_equal(read_hop(trails, rows[i].xml, &hop), rows[i].ret);
	}
	trails_free(&trails);
}

static void headers_are_written(void **state)
{
	(void)state;
	struct trails *trails = make(100);
	struct fw_stanza *stanza = NULL;
	char text[TRAIL_HOP_SIZE];
	struct trail_hop hop;

	assert_int_equal(fw_stanza_new("message", NULL, &stanza), FW_OK);
	fw_stanza_set_xcoder(stanza, 0xab);
	struct fw_str hop_text = trail_write_hop(trails, stanza, text);
	assert_true(fw_str_is(hop_text, HOP "id='00000000000000AB' path='core-1'/>"));
	fw_stanza_set_trail(stanza, intern(trails, "edge-1 im-1"));
	assert_int_equal(fw_stanza_set_destination(stanza, fw_str("s2s-1.edge-2")), FW_OK);
	hop_text = trail_write_hop(trails, stanza, text);
	assert_true(fw_str_is(hop_text, HOP "id='00000000000000AB' path='edge-1 im-1 core-1' "
	                                    "to='s2s-1.edge-2'/>"));
	/* what one writes the next can read */
	struct trails *next = NULL;
	struct fw_stanza *element = NULL;
	assert_int_equal(trails_new("edge-2", 10, &next), FW_OK);
	assert_int_equal(fw_stanza_parse(hop_text, &element), FW_OK);
	struct trail_peer core = { .realm = "core-1" };
	assert_int_equal(trail_read_hop(next, &core, element, &hop), FW_OK);
	assert_int_equal(hop.xcoder, 0xab);
	assert_true(fw_str_is(hop.destination, "s2s-1.edge-2"));
	assert_int_equal(trail_hops(next, hop.trail), 3);
	fw_stanza_free(&element);
	fw_stanza_free(&stanza);
	trails_free(&next);
	trails_free(&trails);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_number_per_path),
		cmocka_unit_test(loops_and_long_ways_end),
		cmocka_unit_test(bad_paths_are_refused),
		cmocka_unit_test(paths_are_bounded_for_each_neighbour),
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(headers_are_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
