/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Documents that come whole: what is read, what is refused and in which words, and every cut of
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/fedway.h>
#include <fedway/io/xml.h>

static const struct fw_xml_limits limits = { 200, 400, 8, 4, 8 };

static int parse(struct fw_str text, struct fw_stanza **out, struct fw_error *err)
{
	err->text[0] = '\0';
	return fw_xml_document(text, &limits, out, err);
}

static void documents_are_read(void **state)
{
	static const char *const rows[] = {
		"<a xmlns='u:a'><b>text</b></a>",
		"\xef\xbb\xbf<a xmlns='u:a'><b>text</b></a>",
		"<?xml version='1.0'?><a xmlns='u:a'><b>text</b></a>",
		("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<a "
		 "xmlns='u:a'><b>text</b></a>\n"),
		"  <x:a xmlns:x='u:a'><x:b>te<![CDATA[xt]]></x:b></x:a>  ",
		"<a xmlns='u:a'><b>&#116;ext</b></a>",
		"<!-- < > --><a xmlns='u:a'><!--\n<b>not this</b>--><b>te<!-- > "
		"-->xt</b></a><!---->",
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *document = NULL;
		struct fw_error err = { 0 };
		if (parse(fw_str(rows[i]), &document, &err) != FW_OK) {
			fail_msg("%s: %s", rows[i], err.text);
		}
		struct fw_elem *root = fw_stanza_root(document);
		assert_true(fw_str_is(fw_elem_name(root), "a"));
		assert_true(fw_str_is(fw_elem_ns(root), "u:a"));
		struct fw_elem *inner = fw_elem_find(root, "b", "u:a");
		assert_true(fw_str_is(fw_elem_text(inner), "text"));
		fw_stanza_free(&document);
	}
}

static void others_are_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} rows[] = {
		{ "", FW_EPARSE },
		{ "text", FW_EPARSE },
		{ "<a/><b/>", FW_EPARSE },
		{ "<a/></r><r>", FW_EPARSE },
		{ "<a>", FW_EPARSE },
		{ "<a><b></a></b>", FW_EPARSE },
		{ "<x:a/>", FW_EPARSE },
		{ "<a>&nbsp;</a>", FW_EPARSE },
		{ "<a>\xff</a>", FW_EPARSE },
		{ "<a><!-- c -- --></a>", FW_EPARSE },
		{ "<a><!-- c", FW_EPARSE },
		{ "<a><?php?></a>", FW_EPARSE },
		{ "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", FW_EPARSE },
		{ "<!DOCTYPE a [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><a>&b;</a>", FW_EPARSE },
		{ "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", FW_EPARSE },
		{ "<?xml version='1.0' encoding='UTF-8", FW_EPARSE },
		{ "<?xml version='1.0'?><?xml version='1.0'?><a/>", FW_EPARSE },
		{ "<a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a>",
		  FW_ELIMIT },
		{ "<a b='1' c='2' d='3' e='4' f='5' g='6'/>", FW_ELIMIT },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *document = NULL;
		struct fw_error err = { 0 };
		int ret = parse(fw_str(rows[i].text), &document, &err);
		if (ret != rows[i].code || document != NULL || err.text[0] == '\0') {
			fail_msg("%s: %s %s", rows[i].text, fw_strerror(ret), err.text);
		}
	}
}

static void size_is_bounded(void **state)
{
	char text[500];
	struct fw_stanza *document = NULL;
	struct fw_error err = { 0 };

	(void)state;
	snprintf(text, sizeof(text), "<a>%0393d</a>", 1);
	assert_int_equal(parse(fw_str(text), &document, &err), FW_OK);
	fw_stanza_free(&document);
	snprintf(text, sizeof(text), "<a>%0394d</a>", 1);
	assert_int_equal(parse(fw_str(text), &document, &err), FW_ELIMIT);
	assert_string_equal(err.text, "the document has more than 400 bytes");
	snprintf(text, sizeof(text), "<a b='%0300d'/>", 1);
	assert_int_equal(parse(fw_str(text), &document, &err), FW_ELIMIT);
}

static void every_cut_is_refused(void **state)
{
	static const char whole[] =
	        "<?xml version='1.0' encoding='utf-8'?><a xmlns='u:a'><b c='&lt;'>t</b></a>";

	(void)state;
	for (size_t len = 0; len + 1 < sizeof(whole) - 1; len++) {
		char *copy = malloc(len + 1); /* so that a sanitizer sees a read behind the end */
		struct fw_stanza *document = NULL;
		struct fw_error err = { 0 };
		assert_non_null(copy);
		memcpy(copy, whole, len);
		assert_int_equal(parse(fw_str_n(copy, len), &document, &err), FW_EPARSE);
		assert_null(document);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_read),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(every_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
