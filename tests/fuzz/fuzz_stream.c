/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a stream whose stanzas go into a second one. The first line of the input is a
 * script, the rest what a peer sends. However the bytes were cut, rested, drained and taken back,
 * with the recogniser before the parser or without, the events and what leaves are the same, and
 * the library reads the same from what left as from what came.
 *
 * Script: a-z pieces of 1 to 26 bytes, A-M of 2 to 8192; '.' rest, '_' settle, '0'-'9' drain (0:
 * all), '^' the outgoing stream dies and another takes what it had; any other byte is a size.
 * In what the peer sends a form feed ends a piece, and what follows a held <starttls/> is lost up
 * to it; a vertical tab does the same and begins a new stream.
 */
#include <stdlib.h>

#include <fedway/error.h>
#include <fedway/io/stream.h>

#include "sdk/io/stream_private.h"
#include "tests/fuzz/xml_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEER_WAITS = '\f', PEER_RESTARTS = '\v' };

struct play {
	struct fw_str script;
	size_t at;
	struct fw_stream *in, *out;
	struct record events; /* all that was told */
	struct record causes; /* of the documents, a byte for each */
	struct record read;   /* the judge's form of what came in */
	/* out */
	struct record output;
	size_t delivered_bytes; /* of the output: whole stanzas */
	size_t *sizes;          /* of the stanzas sent, in their order */
	size_t sent, done, sizes_max;
	size_t out_before; /* stanzas delivered by outgoing streams that have died */
	/* the document that is being read */
	struct record document;
	size_t elements;
	bool opened, ended, held, restarted, refused;
	enum fw_cause cause;
};

static void note(struct play *play, const char *what, struct fw_str text)
{
	record_add(&play->events, fw_str(what));
	record_add(&play->events, text);
	record_add(&play->events, fw_str("\n"));
}

static bool is_over(const struct play *play)
{
	return play->ended || play->held || play->refused;
}

/* ---- what the stream tells ---- */

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct play *play = ctx;

	fw_assert(!play->opened && !is_over(play));
	play->opened = true;
	note(play, "to ", header->to);
	note(play, "from ", header->from);
	note(play, "id ", header->id);
	note(play, "lang ", header->lang);
	note(play, header->has_version ? "version" : "old", fw_str(""));
	note(play, header->has_dialback ? "dialback" : "no dialback", fw_str(""));
}

static void expect_same(struct fw_str before, struct fw_str after)
{
	struct xml_judge a = { 0 }, b = { 0 };
	struct record root_a = { 0 }, root_b = { 0 };

	record_add(&root_a, fw_str("<r>"));
	record_add(&root_a, before);
	record_add(&root_b, fw_str("<r>"));
	record_add(&root_b, after);
	xml_judge_read(&a, fw_str_n(root_a.bytes, root_a.len));
	xml_judge_read(&b, fw_str_n(root_b.bytes, root_b.len));
	fw_assert(a.well_formed && b.well_formed && a.count == 1 && b.count == 1);
	fw_assert(record_eq(&a.record, &b.record));
	xml_judge_clear(&a);
	xml_judge_clear(&b);
	record_clear(&root_a);
	record_clear(&root_b);
}

/* A copy is edited and edited back: written anew, it is the same. */
static void check_tree(struct fw_stanza *stanza)
{
	struct fw_stanza *copy = NULL, *again = NULL;
	struct fw_str before, after;
	struct fw_elem *child;
	struct record text = { 0 };

	fw_assert(fw_stanza_copy(stanza, &copy) == FW_OK);
	fw_assert(fw_stanza_bytes(copy, &before) == FW_OK);
	record_add(&text, before);
	before = fw_str_n(text.bytes, text.len);
	fw_assert(fw_stanza_root(copy) != NULL);
	fw_assert(fw_str_eq(fw_elem_name(fw_stanza_root(copy)), fw_stanza_name(stanza)));
	child = fw_elem_add(fw_stanza_root(copy), "added", "urn:added");
	fw_assert(child != NULL && fw_elem_set_text(child, fw_str("<&'\r\n>")) == FW_OK);
	fw_assert(fw_elem_set(child, "a", fw_str("<&'\r\n\">")) == FW_OK);
	fw_assert(fw_stanza_bytes(copy, &after) == FW_OK);
	fw_assert(fw_stanza_parse(after, &again) == FW_OK);
	child = fw_elem_find(fw_stanza_root(again), "added", "urn:added");
	while (fw_elem_next(child) != NULL) {
		child = fw_elem_next(child);
	}
	fw_assert(fw_str_is(fw_elem_attr(child, "a"), "<&'\r\n\">"));
	fw_assert(fw_str_is(fw_elem_text(child), "<&'\r\n>"));
	fw_elem_remove(child);
	fw_assert(fw_stanza_bytes(again, &after) == FW_OK);
	expect_same(before, after);
	fw_assert(fw_str_eq(fw_stanza_to(again), fw_stanza_to(stanza)));
	fw_assert(fw_str_eq(fw_stanza_from(again), fw_stanza_from(stanza)));
	fw_stanza_free(&again);
	fw_stanza_free(&copy);
	record_clear(&text);
}

static void send(struct play *play, struct fw_stanza **stanza)
{
	if (play->sent == play->sizes_max) {
		play->sizes_max = play->sizes_max * 2 + 16;
		play->sizes = realloc(play->sizes, play->sizes_max * sizeof(*play->sizes));
		fw_assert(play->sizes != NULL);
	}
	play->sizes[play->sent++] = fw_stanza_size(*stanza);
	fw_assert(fw_stream_send(play->out, stanza) == FW_OK && *stanza == NULL);
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	struct play *play = ctx;

	fw_assert(play->opened && !is_over(play));
	play->elements++;
	note(play, "element ", fw_stanza_name(*stanza));
	note(play, "ns ", fw_stanza_ns(*stanza));
	note(play, "to ", fw_stanza_to(*stanza));
	note(play, "from ", fw_stanza_from(*stanza));
	note(play, "id ", fw_stanza_id(*stanza));
	note(play, "type ", fw_stanza_type(*stanza));
	if (play->script.len == 0) {
		check_tree(*stanza);
	}
	if (fw_str_is(fw_stanza_name(*stanza), "starttls")) {
		play->held = true;
		if (fw_str_is(fw_stanza_id(*stanza), "now")) {
			play->restarted = true; /* the next byte begins a document */
			fw_stream_restart(play->in);
		} else {
			fw_stream_hold(play->in);
		}
	}
	send(play, stanza);
}

static void on_ended(void *ctx)
{
	struct play *play = ctx;

	fw_assert(play->opened && !is_over(play));
	play->ended = true;
	note(play, "end", fw_str(""));
}

static void on_refused(void *ctx, enum fw_cause cause)
{
	struct play *play = ctx;

	fw_assert(!is_over(play) && cause != FW_CAUSE_NONE);
	play->refused = true;
	play->cause = cause;
}

static const struct fw_stream_events in_events = { on_opened, on_element, on_ended, on_refused, NULL };
static const struct fw_stream_events out_events = { NULL, NULL, NULL, NULL, NULL };
static const struct fw_stream_settings in_settings = { FW_NS_SERVER,
	                                               true,
	                                               { 10000, 2000, 8, 8, 8 } };
static const struct fw_stream_settings out_settings = { FW_NS_COMPONENT, false,
	                                                FW_XML_LIMITS_DEFAULT };

/* ---- out ---- */

static void drain(struct play *play, size_t most)
{
	struct iovec pieces[8];
	int count;

	while (most > 0 && (count = fw_stream_pending(play->out, pieces, 8)) > 0) {
		size_t taken = 0;
		for (int i = 0; i < count && taken < most; i++) {
			size_t left = most - taken;
			size_t size = pieces[i].iov_len < left ? pieces[i].iov_len : left;
			record_add(&play->output, fw_str_n(pieces[i].iov_base, size));
			taken += size;
		}
		fw_assert(taken > 0);
		fw_stream_sent(play->out, taken);
		most -= taken;
	}
	while (play->done < play->out_before + fw_stream_counts(play->out)->stanzas_out) {
		play->delivered_bytes += play->sizes[play->done++];
	}
	fw_assert(play->delivered_bytes <= play->output.len);
}

/* The connection breaks: what was not sent whole is sent again on another. */
static void change_outgoing(struct play *play)
{
	struct fw_stream *old = play->out;
	struct fw_stanza *stanza;

	fw_assert(fw_stream_new(&out_settings, &out_events, play, &play->out) == FW_OK);
	play->out_before += fw_stream_counts(old)->stanzas_out;
	play->output.len = play->delivered_bytes;
	for (size_t i = play->done; i < play->sent; i++) {
		stanza = fw_stream_take_back(old);
		fw_assert(stanza != NULL && fw_stanza_size(stanza) == play->sizes[i]);
		fw_assert(fw_stream_send(play->out, &stanza) == FW_OK);
	}
	fw_assert(fw_stream_take_back(old) == NULL);
	fw_stream_free(&old);
}

static void check_queue(const struct play *play)
{
	size_t stanzas, bytes, expect = 0;

	fw_stream_queued(play->out, &stanzas, &bytes);
	for (size_t i = play->done; i < play->sent; i++) {
		expect += play->sizes[i];
	}
	fw_assert(stanzas == play->sent - play->done);
	fw_assert(bytes == expect - (play->output.len - play->delivered_bytes));
}

/* ---- in ---- */

/* The script up to its next size, again and again; without sizes all comes at once. */
static size_t next_piece(struct play *play, size_t left)
{
	for (size_t tries = 0; tries < play->script.len; tries++) {
		unsigned char c = (unsigned char)play->script.ptr[play->at++ % play->script.len];
		if (c == '.') {
			fw_stream_rest(play->in);
		} else if (c == '_') {
			fw_stream_settle(play->out);
		} else if (c == '^') {
			change_outgoing(play);
		} else if (c >= '0' && c <= '9') {
			size_t size = (size_t)(c - '0');
			drain(play, size > 0 ? size * size * size : SIZE_MAX);
		} else {
			size_t size = c >= 'a' && c <= 'z'   ? (size_t)(c - 'a') + 1
			              : c >= 'A' && c <= 'M' ? (size_t)2 << (c - 'A')
			                                     : (size_t)c + 1;
			return size < left ? size : left;
		}
	}
	return left;
}

static void give(struct play *play, struct fw_str bytes)
{
	while (bytes.len > 0 && !play->restarted) {
		void *space = NULL;
		size_t size = 0;
		fw_assert(fw_stream_space(play->in, &space, &size) == FW_OK && size > 0);
		size = size < bytes.len ? size : bytes.len;
		memcpy(space, bytes.ptr, size);
		if (!is_over(play)) {
			record_add(&play->document, fw_str_n(bytes.ptr, size));
		}
		fw_stream_received(play->in, size);
		bytes = fw_str_n(bytes.ptr + size, bytes.len - size);
	}
}

/* The judge minds some mistakes before their tag is complete, so it gets what is. */
static bool is_good_so_far(const struct play *play, struct fw_str document)
{
	uint64_t unfinished = play->in->reader.unfinished;
	struct xml_judge judge = { 0 };
	bool good;

	fw_assert(unfinished <= document.len);
	xml_judge_read(&judge, fw_str_n(document.ptr, (size_t)unfinished));
	good = judge.well_formed;
	xml_judge_clear(&judge);
	return good;
}

/* The document is over: what the library says of it. */
static void judge_document(struct play *play)
{
	struct xml_judge judge = { .inherit_lang = true };
	struct fw_str document = fw_str_n(play->document.bytes, play->document.len);
	char cause = (char)play->cause;

	xml_judge_read(&judge, document);
	fw_assert(judge.count >= play->elements);
	if (play->elements > 0) {
		record_add(&play->read,
		           fw_str_n(judge.record.bytes, judge.ends[play->elements - 1]));
	}
	if (play->ended) {
		fw_assert(judge.closed && judge.count == play->elements);
	} else if (play->refused) {
		fw_assert(play->cause != FW_CAUSE_NOT_WELL_FORMED || !judge.well_formed ||
		          judge.odd_version);
	} else if (!play->held) {
		fw_assert(judge.count == play->elements);
		fw_assert(is_good_so_far(play, document));
	}
	xml_judge_clear(&judge);
	record_add(&play->causes, fw_str_n(&cause, 1));
	note(play, "over", fw_str(""));
	play->document.len = 0;
	play->elements = 0;
	play->cause = FW_CAUSE_NONE;
	play->opened = play->ended = play->held = play->restarted = play->refused = false;
}

static void give_pieces(struct play *play, struct fw_str bytes)
{
	while (bytes.len > 0) {
		size_t size = next_piece(play, bytes.len);
		give(play, fw_str_n(bytes.ptr, size));
		bytes = fw_str_n(bytes.ptr + size, bytes.len - size);
		check_queue(play);
	}
}

/* Up to where the peer waits. A '>' ends it, so that nothing is left unread. */
static void give_flight(struct play *play, struct fw_str bytes)
{
	give_pieces(play, bytes);
	if (bytes.len > 0 && bytes.ptr[bytes.len - 1] != '>') {
		give_pieces(play, fw_str(">"));
	}
}

static void play_run(struct play *play, struct fw_str script, struct fw_str input, bool quick)
{
	memset(play, 0, sizeof(*play));
	play->script = script;
	fw_assert(fw_stream_new(&in_settings, &in_events, play, &play->in) == FW_OK);
	if (quick) {
		fw_stream_set_limits(play->in, &in_settings.limits);
	}
	fw_assert(fw_stream_new(&out_settings, &out_events, play, &play->out) == FW_OK);
	while (input.len > 0) {
		size_t size = 0;
		while (size < input.len && input.ptr[size] != PEER_WAITS &&
		       input.ptr[size] != PEER_RESTARTS) {
			size++;
		}
		give_flight(play, fw_str_n(input.ptr, size));
		if (play->held || (size < input.len && input.ptr[size] == PEER_RESTARTS)) {
			judge_document(play);
			fw_stream_restart(play->in);
		}
		size += size < input.len;
		input = fw_str_n(input.ptr + size, input.len - size);
	}
	judge_document(play);
	fw_stream_free(&play->in); /* what waits outlives it */
	drain(play, SIZE_MAX);
	check_queue(play);
	fw_assert(play->done == play->sent && play->delivered_bytes == play->output.len);
	fw_stream_free(&play->out);
}

/* All that went out, inside a root of the namespace it went to. */
static void judge_output(const struct play *play)
{
	struct xml_judge judge = { .inherit_lang = true };
	struct record document = { 0 };

	record_add(&document, fw_str("<stream:stream xmlns='" FW_NS_COMPONENT
	                             "' xmlns:stream='" FW_NS_STREAMS "'>"));
	record_add(&document, fw_str_n(play->output.bytes, play->output.len));
	xml_judge_read(&judge, fw_str_n(document.bytes, document.len));
	fw_assert(judge.well_formed && judge.count == play->sent);
	fw_assert(record_eq(&judge.record, &play->read));
	xml_judge_clear(&judge);
	record_clear(&document);
}

static void play_clear(struct play *play)
{
	free(play->sizes);
	record_clear(&play->events);
	record_clear(&play->causes);
	record_clear(&play->read);
	record_clear(&play->output);
	record_clear(&play->document);
}

/* How the input is cut decides which of two reasons to refuse it comes first, and when a limit is
 * broken; a parser may be fed in vain only so often. Nothing else. */
static void compare(const struct play *first, const struct play *other, bool quick)
{
	if (memchr(other->causes.bytes, FW_CAUSE_NO_PROGRESS, other->causes.len) != NULL) {
		return;
	}
	fw_assert(record_eq(&first->events, &other->events));
	fw_assert(record_eq(&first->output, &other->output));
	fw_assert(first->causes.len == other->causes.len);
	for (size_t i = 0; i < first->causes.len; i++) {
		enum fw_cause a = (enum fw_cause)first->causes.bytes[i];
		enum fw_cause b = (enum fw_cause)other->causes.bytes[i];
		if (quick && b == FW_CAUSE_NONE) {
			continue; /* the recogniser may wait for the rest of a character */
		}
		fw_assert((a == FW_CAUSE_NONE) == (b == FW_CAUSE_NONE));
		fw_assert(a == b || b == FW_CAUSE_STANZA_TOO_LARGE || b == FW_CAUSE_BAD_FORMAT ||
		          (a == FW_CAUSE_BAD_FORMAT && b == FW_CAUSE_NOT_WELL_FORMED) ||
		          (a == FW_CAUSE_ENCODING && b == FW_CAUSE_NOT_WELL_FORMED));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_str input = fw_str_n((const char *)data, size);
	const char *line = size > 0 ? memchr(data, '\n', size) : NULL;
	struct fw_str script = fw_str_n(input.ptr, line != NULL ? (size_t)(line - input.ptr) : 0);
	struct play first, other;

	if (line != NULL) {
		input = fw_str_n(line + 1, size - script.len - 1);
	}
	play_run(&first, fw_str(""), input, false);
	judge_output(&first);
	for (int way = 1; way < 4; way++) {
		play_run(&other, way & 1 ? script : fw_str(""), input, way > 1);
		judge_output(&other);
		compare(&first, &other, way > 1);
		play_clear(&other);
	}
	play_clear(&first);
	return 0;
}
