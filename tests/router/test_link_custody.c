/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What has left and what the peer was told of it: gaps, growth, repetition; and the ring that keeps
 * what was sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "router/link_custody.h"
#include "router/link_queue.h"

enum { MANY = 3000 };

static unsigned moves;

static void moved(void *ctx)
{
	(void)ctx;
	moves++;
}

static struct fw_stanza *new_stanza(void)
{
	struct fw_stanza *stanza = NULL;

	assert_int_equal(fw_stanza_parse(fw_str("<message to='a'/>"), &stanza), FW_OK);
	return stanza;
}

static struct fw_stanza *take(struct link_custody *custody)
{
	struct fw_stanza *stanza = new_stanza();

	assert_int_equal(link_custody_take(custody, stanza), FW_OK);
	return stanza;
}

static void expect_behind(struct link_custody *custody, const char *wanted)
{
	char text[64];

	link_custody_behind(custody, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void test_gaps(void **state)
{
	struct link_custody *custody = NULL;
	struct fw_stanza *s[8];

	(void)state;
	assert_int_equal(link_custody_new(moved, NULL, &custody), FW_OK);
	for (size_t i = 0; i < FW_COUNT(s); i++) {
		s[i] = take(custody);
	}
	assert_int_equal(link_custody_received(custody), 8);
	assert_int_equal(link_custody_prefix(custody), 0);
	assert_false(link_custody_has_behind(custody));
	fw_stanza_free(&s[1]);
	fw_stanza_free(&s[2]);
	fw_stanza_free(&s[4]);
	assert_int_equal(link_custody_prefix(custody), 0);
	assert_true(link_custody_has_behind(custody));
	expect_behind(custody, "2-3 5");
	assert_false(link_custody_has_behind(custody));
	fw_stanza_free(&s[0]);
	assert_int_equal(link_custody_prefix(custody), 3);
	assert_false(link_custody_has_behind(custody));
	fw_stanza_free(&s[6]);
	expect_behind(custody, "4");
	link_custody_tell_again(custody);
	expect_behind(custody, "2 4");
	fw_stanza_free(&s[3]);
	fw_stanza_free(&s[5]);
	assert_int_equal(link_custody_prefix(custody), 7);
	link_custody_free(&custody);
	fw_stanza_free(&s[7]); /* nobody waits for it any more */
}

static void test_many_under_way(void **state)
{
	static struct fw_stanza *s[MANY];
	struct link_custody *custody = NULL;
	char text[16];

	(void)state;
	assert_int_equal(link_custody_new(moved, NULL, &custody), FW_OK);
	for (size_t i = 0; i < MANY; i++) {
		s[i] = take(custody);
	}
	for (size_t i = 1; i < MANY; i += 2) {
		fw_stanza_free(&s[i]);
	}
	size_t told = 0;
	while (link_custody_has_behind(custody)) {
		link_custody_behind(custody, text, sizeof(text));
		assert_true(text[0] != '\0');
		for (const char *at = text; at != NULL; at = strchr(at + 1, ' ')) {
			told++;
		}
	}
	assert_int_equal(told, MANY / 2);
	fw_stanza_free(&s[MANY - 2]); /* far behind those that are told */
	expect_behind(custody, "2999");
	assert_false(link_custody_has_behind(custody));
	moves = 0;
	for (size_t i = 0; i < MANY - 2; i += 2) {
		fw_stanza_free(&s[i]);
		assert_int_equal(link_custody_prefix(custody), i + (i == MANY - 4 ? 4 : 2));
	}
	assert_int_equal(moves, MANY / 2 - 1);
	link_custody_free(&custody);
}

static void test_ring(void **state)
{
	struct link_queue queue = { 0 }, rest = { 0 };
	struct fw_stanza *s[100];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(s); i++) {
		struct fw_stanza *stanza = s[i] = new_stanza();
		assert_int_equal(link_queue_push(&queue, &stanza), FW_OK);
		assert_null(stanza);
		if (i % 3 == 2) { /* the ring's begin moves */
			struct fw_stanza *first = link_queue_pop(&queue);
			assert_ptr_equal(first, s[i / 3]);
			fw_stanza_free(&first);
		}
	}
	assert_int_equal(queue.count, 67);
	assert_int_equal(queue.bytes, 67 * strlen("<message to='a'/>"));
	struct fw_stanza *middle = link_queue_take(&queue, 10);
	assert_ptr_equal(middle, s[43]);
	fw_stanza_free(&middle);
	assert_null(link_queue_at(&queue, 10));
	assert_null(link_queue_take(&queue, 10));
	assert_int_equal(queue.count, 67);
	assert_int_equal(queue.stanzas, 66);
	assert_int_equal(link_queue_split(&queue, 9, &rest), FW_OK);
	assert_int_equal(queue.count, 9);
	assert_int_equal(rest.count, 58);
	assert_int_equal(rest.stanzas, 57);
	while (queue.count > 0) {
		struct fw_stanza *stanza = link_queue_pop(&queue);
		fw_stanza_free(&stanza);
	}
	assert_int_equal(queue.bytes, 0);
	for (size_t i = 42; rest.count > 0; i++) {
		struct fw_stanza *stanza = link_queue_pop(&rest);
		assert_ptr_equal(stanza, i == 43 ? NULL : s[i]);
		fw_stanza_free(&stanza);
	}
	link_queue_clear(&queue);
	link_queue_clear(&rest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_many_under_way),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
