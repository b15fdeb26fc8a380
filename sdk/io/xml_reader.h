/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Finds the elements of an XML stream in bytes that arrive in any pieces, and checks all that RFC 6120 §11 and the
 * limits ask for. Nothing is copied: the reader tells at which offsets of the stream an element begins and
 * ends. It says nothing of the library behind it.
 */
#ifndef FEDWAY_IO_XML_READER_H
#define FEDWAY_IO_XML_READER_H

#include <fedway/cause.h>
#include <fedway/io/xml.h>

#include "sdk/io/xml_names.h"
#include "sdk/io/xml_quick.h"

struct XML_ParserStruct;

/** A start tag; everything lives until the callback returns. */
struct xml_tag {
	struct fw_str name;  /**< local name */
	struct fw_str prefix;
	struct fw_str ns;
	bool plain;          /**< no prefix, and the root's default namespace: prefix and ns are not filled */
	const char *const *attributes; /**< name, value, …, NULL; names as written */
	int depth;           /**< 0: the stream header */
};

/* Handlers may call xml_reader_stop(); nothing else of the reader. */
struct xml_events {
	/** The root; `end` is the offset behind its start tag. */
	void (*header)(void *ctx, const struct xml_tag *tag, uint64_t end);
	/** A first-level element begins at offset `begin`; in deep mode also every element inside, with begin 0. */
	void (*start)(void *ctx, const struct xml_tag *tag, uint64_t begin);
	/** It has ended; `end` is the offset behind its last byte. */
	void (*end)(void *ctx, int depth, uint64_t end);
	/** Deep mode only. */
	void (*text)(void *ctx, struct fw_str text);
	/** The root ends with a tag that begins at offset `begin`. */
	void (*footer)(void *ctx, uint64_t begin);
	/** A whole first-level element that was recognised at sight; start and end do not come. May be NULL. */
	void (*quick)(void *ctx, const struct xml_quick *element, uint64_t begin, uint64_t end);
	/** A first-level element uses a prefix that only the header declares. */
	void (*free_prefix)(void *ctx, struct fw_str prefix, struct fw_str uri);
};

struct xml_reader {
	struct XML_ParserStruct *parser; /* NULL at rest */
	const struct xml_events *events;
	void *ctx;
	struct fw_xml_limits limits;
	struct xml_names names;
	uint64_t base;          /* stream offset of the parser's first byte */
	uint64_t fed;           /* stream offset of the next byte to feed */
	uint64_t unfinished;    /* where the tag begins that was fed in part; fed when there is none */
	uint64_t element_begin; /* of the first-level element that is open */
	uint32_t fruitless;     /* feeds since the last tag */
	uint32_t glances;       /* at an element that has not arrived whole */
	int depth;              /* open elements; 0 before the header */
	enum fw_cause refused;
	bool begun;             /* the first '<' has been seen */
	bool ended;             /* the footer has been seen */
	bool stopped;
	bool quick;             /* plain elements are recognised without the parser */
	bool deep;
	bool comments;          /* are passed over; on streams they are refused */
};

void xml_reader_init(struct xml_reader *reader, const struct xml_events *events, void *ctx,
                     const struct fw_xml_limits *limits, bool deep);
void xml_reader_clear(struct xml_reader *reader);
/** Begins anew: the next byte fed has offset 0 and must begin a document. */
void xml_reader_restart(struct xml_reader *reader);
/**
 * Looks at bytes that have arrived. `bytes` begins at offset reader->fed; the reader takes as many as it can
 * use (up to the last '>') and wants the rest again with what follows.
 * @return FW_CAUSE_NONE, or why the input is refused from now on
 */
enum fw_cause xml_reader_feed(struct xml_reader *reader, const char *bytes, size_t size);
/** From a handler: no further event; offset `reader->fed` is behind the element that just ended. */
void xml_reader_stop(struct xml_reader *reader, enum fw_cause why);
/** Gives the parser back when nothing is open but the root. */
void xml_reader_rest(struct xml_reader *reader);

#endif
