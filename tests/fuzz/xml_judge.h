/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A second opinion on XML for fuzz targets: the library itself, with its own namespace support, and
 * the events written down in one form, so that two readers can be compared as texts. It knows
 * nothing of our reader.
 */
#ifndef FEDWAY_TESTS_FUZZ_XML_JUDGE_H
#define FEDWAY_TESTS_FUZZ_XML_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#include <fedway/str.h>

/* A text that grows. */
struct record {
	char *bytes;
	size_t len, size;
};

void record_add(struct record *record, struct fw_str text);
/** No byte more than its text, so that a sanitizer sees a step beyond it. */
void record_fit(struct record *record);
void record_clear(struct record *record);
bool record_eq(const struct record *a, const struct record *b);
bool record_begins(const struct record *record, const struct record *beginning);

/* The form: a start tag, its attributes in their order, texts, ends. What both content namespaces
 * name is written alike, since a stanza changes from one to the other on its way. */
void record_start(struct record *record, struct fw_str ns, struct fw_str name);
void record_attribute(struct record *record, struct fw_str ns, struct fw_str name,
		      struct fw_str value);
void record_end(struct record *record);

enum { JUDGE_ELEMENTS_MAX = 4096 };

struct xml_judge {
	struct record record;
	size_t ends[JUDGE_ELEMENTS_MAX]; /* of first-level elements, in the record */
	size_t count;
	bool well_formed; /* so far; the text may go on */
	bool closed;      /* the root has ended */
	bool odd_version; /* declared as something else than XML 1.0 */
	/* what is asked for */
	bool with_root;    /* the root's own tag is recorded */
	bool inherit_lang; /* stanzas take the root's language, and every language is told first */
	/* own */
	int depth;
	char lang[36];
};

/** Reads what has come of a document; white space before it is skipped. Give a judge set to 0 but for its wishes. */
void xml_judge_read(struct xml_judge *judge, struct fw_str document);
void xml_judge_clear(struct xml_judge *judge);
/** What was recorded of the first-level element with this number. */
struct fw_str xml_judge_element(const struct xml_judge *judge, size_t number);

#endif
