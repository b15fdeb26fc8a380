/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * JSON values. Reports build a document here, the control socket reads and writes one. jansson
 * lives here and does the grammar; the tree is our own, so that a failed allocation can be
 * remembered for the whole document and reading needs no allocation. Not for large data: members
 * are found by walking.
 */
#include <fedway/json.h>

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/src/str_utf8.h"

struct fw_json {
	enum fw_json_type type;
	struct fw_json *root; /* knows whether the document is complete */
	bool failed; /* of the root: an allocation failed, or a value was put where none can be */
	bool truth;
	bool is_real;
	int64_t number;
	double real;
	char *key; /* in an object */
	char *text;
	size_t text_len;
	struct fw_json **items; /* in an array or object */
	size_t count, room;
};

/* ---- the tree ---- */

static void json_free_node(struct fw_json *node)
{
	for (size_t i = 0; i < node->count; i++) {
		json_free_node(node->items[i]);
	}
	free(node->items);
	free(node->key);
	free(node->text);
	free(node);
}

struct fw_json *fw_json_new(void)
{
	struct fw_json *json = calloc(1, sizeof(*json));

	if (json != NULL) {
		json->type = FW_JSON_OBJECT;
		json->root = json;
	}
	return json;
}

void fw_json_free(struct fw_json **json)
{
	if (json == NULL || *json == NULL) {
		return;
	}
	json_free_node(*json);
	*json = NULL;
}

static bool json_make_room(struct fw_json *container)
{
	if (container->count < container->room) {
		return true;
	}
	size_t room = container->room > 0 ? container->room * 2 : 4;
	struct fw_json **items = realloc(container->items, room * sizeof(struct fw_json *));
	if (items == NULL) {
		return false;
	}
	container->items = items;
	container->room = room;
	return true;
}

/* Copy of a text, terminated; bytes that are not UTF-8 become U+FFFD, which takes three. */
static char *json_clean(struct fw_str text, size_t *len)
{
	char *copy = malloc(text.len * 3 + 1);
	size_t used = 0;

	if (copy == NULL) {
		return NULL;
	}
	while (text.len > 0) {
		uint32_t code;
		size_t size = str_utf8(text.ptr, text.len, &code);
		size_t took = size > 0 ? size : 1;
		memcpy(copy + used, size > 0 ? text.ptr : "\xef\xbf\xbd", size > 0 ? size : 3);
		used += size > 0 ? size : 3;
		text.ptr += took;
		text.len -= took;
	}
	copy[used] = '\0';
	*len = used;
	return copy;
}

/* A new null at the end of `container`, with a key for objects. Remembers a failure in the root. */
static struct fw_json *json_add(struct fw_json *container, const char *key)
{
	struct fw_json *node = calloc(1, sizeof(*node));

	if (node == NULL) {
		goto done;
	}
	if (key != NULL) {
		size_t len;
		node->key = json_clean(fw_str(key), &len);
		if (node->key == NULL) {
			goto done;
		}
	}
	if (!json_make_room(container)) {
		goto done;
	}
	node->root = container->root;
	container->items[container->count++] = node;
	return node;
done:
	container->root->failed = true;
	if (node != NULL) {
		json_free_node(node);
	}
	return NULL;
}

/* The member of that key as a null: a new one, or the old one emptied. NULL for a NULL object. */
static struct fw_json *json_member(struct fw_json *object, const char *key)
{
	if (object == NULL) {
		return NULL;
	}
	if (object->type != FW_JSON_OBJECT) {
		object->root->failed = true;
		return NULL;
	}
	for (size_t i = 0; i < object->count; i++) {
		struct fw_json *old = object->items[i];
		if (strcmp(old->key, key) == 0) {
			object->count--;
			memmove(&object->items[i], &object->items[i + 1],
			        (object->count - i) * sizeof(struct fw_json *));
			json_free_node(old);
			break;
		}
	}
	return json_add(object, key);
}

static struct fw_json *json_element(struct fw_json *array)
{
	if (array == NULL) {
		return NULL;
	}
	if (array->type != FW_JSON_ARRAY) {
		array->root->failed = true;
		return NULL;
	}
	return json_add(array, NULL);
}

static void json_put_text(struct fw_json *node, struct fw_str text)
{
	if (node == NULL) {
		return;
	}
	node->text = json_clean(text, &node->text_len);
	if (node->text == NULL) {
		node->root->failed = true;
		return;
	}
	node->type = FW_JSON_STRING;
}

/* ---- writing ---- */

void fw_json_set(struct fw_json *object, const char *key, struct fw_str text)
{
	json_put_text(json_member(object, key), text);
}

/* Before the container is touched: the arguments may be parts of it. NULL when nothing is to be
 * put. */
static FW_PRINTF(2, 0) char *json_format(struct fw_json *container, const char *format,
                                         va_list args)
{
	char *text = NULL;

	if (container != NULL && vasprintf(&text, format, args) < 0) {
		container->root->failed = true;
		return NULL;
	}
	return text;
}

void fw_json_setf(struct fw_json *object, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = json_format(object, format, args);
	va_end(args);
	if (text != NULL) {
		fw_json_set(object, key, fw_str(text));
	}
	free(text);
}

void fw_json_set_int(struct fw_json *object, const char *key, int64_t value)
{
	struct fw_json *node = json_member(object, key);

	if (node != NULL) {
		node->type = FW_JSON_NUMBER;
		node->number = value;
	}
}

void fw_json_set_bool(struct fw_json *object, const char *key, bool value)
{
	struct fw_json *node = json_member(object, key);

	if (node != NULL) {
		node->type = FW_JSON_BOOL;
		node->truth = value;
	}
}

static struct fw_json *json_become(struct fw_json *node, enum fw_json_type type)
{
	if (node != NULL) {
		node->type = type;
	}
	return node;
}

struct fw_json *fw_json_set_object(struct fw_json *object, const char *key)
{
	return json_become(json_member(object, key), FW_JSON_OBJECT);
}

struct fw_json *fw_json_set_array(struct fw_json *object, const char *key)
{
	return json_become(json_member(object, key), FW_JSON_ARRAY);
}

void fw_json_append(struct fw_json *array, struct fw_str text)
{
	json_put_text(json_element(array), text);
}

void fw_json_appendf(struct fw_json *array, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = json_format(array, format, args);
	va_end(args);
	if (text != NULL) {
		fw_json_append(array, fw_str(text));
	}
	free(text);
}

struct fw_json *fw_json_append_object(struct fw_json *array)
{
	return json_become(json_element(array), FW_JSON_OBJECT);
}

/* Makes `node`, which is a null, say what `from` says. */
static void json_assign(struct fw_json *node, const struct fw_json *from)
{
	node->type = from->type;
	node->truth = from->truth;
	node->is_real = from->is_real;
	node->number = from->number;
	node->real = from->real;
	if (from->type == FW_JSON_STRING) {
		json_put_text(node, fw_str_n(from->text, from->text_len));
	}
	for (size_t i = 0; i < from->count; i++) {
		struct fw_json *item = json_add(node, from->items[i]->key);
		if (item != NULL) {
			json_assign(item, from->items[i]);
		}
	}
}

void fw_json_set_copy(struct fw_json *object, const char *key, const struct fw_json *value)
{
	struct fw_json *node = json_member(object, key);

	if (node == NULL) {
		return;
	}
	if (value == NULL) {
		json_free_node(node);
		object->count--; /* it was the last */
		return;
	}
	object->root->failed = object->root->failed || value->root->failed;
	json_assign(node, value);
}

void fw_json_append_copy(struct fw_json *array, const struct fw_json *value)
{
	struct fw_json *node = json_element(array);

	if (node != NULL && value != NULL) { /* without a value it stays a null */
		array->root->failed = array->root->failed || value->root->failed;
		json_assign(node, value);
	}
}

/* ---- from and to text ---- */

/* Copies what jansson read into `node`, which is a null. jansson limits the depth (2048). */
static void json_import(struct fw_json *node, const json_t *from)
{
	json_t *value;
	const char *key;
	void *at;

	switch (json_typeof(from)) {
	case JSON_OBJECT:
		node->type = FW_JSON_OBJECT;
		for (at = json_object_iter((json_t *)from); at != NULL;
		     at = json_object_iter_next((json_t *)from, at)) {
			key = json_object_iter_key(at);
			value = json_object_iter_value(at);
			struct fw_json *member = json_add(node, key);
			if (member != NULL) {
				json_import(member, value);
			}
		}
		break;
	case JSON_ARRAY:
		node->type = FW_JSON_ARRAY;
		for (size_t i = 0; i < json_array_size(from); i++) {
			struct fw_json *element = json_add(node, NULL);
			if (element != NULL) {
				json_import(element, json_array_get(from, i));
			}
		}
		break;
	case JSON_STRING:
		json_put_text(node, fw_str_n(json_string_value(from), json_string_length(from)));
		break;
	case JSON_INTEGER:
		node->type = FW_JSON_NUMBER;
		node->number = json_integer_value(from);
		break;
	case JSON_REAL:
		node->type = FW_JSON_NUMBER;
		node->is_real = true;
		node->real = json_real_value(from);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		node->type = FW_JSON_BOOL;
		node->truth = json_is_true(from);
		break;
	case JSON_NULL:
		break;
	}
}

int fw_json_parse(struct fw_str text, struct fw_json **out, struct fw_error *err)
{
	json_error_t why;
	json_t *from =
	        json_loadb(text.len > 0 ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &why);

	if (from == NULL) {
		if (json_error_code(&why) == json_error_out_of_memory) {
			return fw_error_set(err, FW_ENOMEM, "out of memory");
		}
		char quoted[160];
		fw_quote(fw_str(why.text), quoted, sizeof(quoted));
		return fw_error_set(err, FW_EPARSE, "line %d column %d: %s", why.line, why.column,
		                    quoted);
	}
	struct fw_json *json = fw_json_new();
	if (json != NULL) {
		json_import(json, from);
	}
	json_decref(from);
	if (json == NULL || json->failed) {
		fw_json_free(&json);
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	*out = json;
	return FW_OK;
}

/* The same value as jansson has it; NULL when out of memory. */
static json_t *json_export(const struct fw_json *node)
{
	json_t *to = NULL;

	switch (node->type) {
	case FW_JSON_NULL:
		return json_null();
	case FW_JSON_BOOL:
		return json_boolean(node->truth);
	case FW_JSON_NUMBER:
		return node->is_real ? json_real(node->real) : json_integer(node->number);
	case FW_JSON_STRING:
		return json_stringn(node->text, node->text_len);
	case FW_JSON_ARRAY:
		to = json_array();
		break;
	case FW_JSON_OBJECT:
		to = json_object();
		break;
	}
	for (size_t i = 0; to != NULL && i < node->count; i++) {
		json_t *item = json_export(node->items[i]);
		int bad = node->type == FW_JSON_ARRAY
		                  ? json_array_append_new(to, item)
		                  : json_object_set_new_nocheck(to, node->items[i]->key, item);
		if (bad != 0) {
			json_decref(to);
			to = NULL;
		}
	}
	return to;
}

char *fw_json_dump(const struct fw_json *json, bool indent)
{
	if (json == NULL || json->root->failed) {
		return NULL;
	}
	json_t *to = json_export(json);
	if (to == NULL) {
		return NULL;
	}
	char *text = json_dumps(to, JSON_ENCODE_ANY | (indent ? JSON_INDENT(2) : JSON_COMPACT));
	json_decref(to);
	return text;
}

/* ---- reading ---- */

enum fw_json_type fw_json_type(const struct fw_json *json)
{
	return json != NULL ? json->type : FW_JSON_NULL;
}

const struct fw_json *fw_json_get(const struct fw_json *object, const char *key)
{
	if (fw_json_type(object) != FW_JSON_OBJECT) {
		return NULL;
	}
	for (size_t i = 0; i < object->count; i++) {
		if (strcmp(object->items[i]->key, key) == 0) {
			return object->items[i];
		}
	}
	return NULL;
}

size_t fw_json_count(const struct fw_json *container)
{
	return container != NULL ? container->count : 0;
}

const struct fw_json *fw_json_at(const struct fw_json *container, size_t index)
{
	return index < fw_json_count(container) ? container->items[index] : NULL;
}

const char *fw_json_key_at(const struct fw_json *object, size_t index)
{
	const struct fw_json *member = fw_json_at(object, index);

	return member != NULL ? member->key : NULL;
}

struct fw_str fw_json_text(const struct fw_json *json)
{
	if (fw_json_type(json) != FW_JSON_STRING) {
		return fw_str(NULL);
	}
	return fw_str_n(json->text, json->text_len);
}

int64_t fw_json_int(const struct fw_json *json)
{
	if (fw_json_type(json) != FW_JSON_NUMBER) {
		return 0;
	}
	if (!json->is_real) {
		return json->number;
	}
	if (json->real >= 9223372036854775807.0) {
		return INT64_MAX;
	}
	return json->real <= -9223372036854775808.0 ? INT64_MIN : (int64_t)json->real;
}

bool fw_json_bool(const struct fw_json *json)
{
	return fw_json_type(json) == FW_JSON_BOOL && json->truth;
}

static bool json_equal_items(const struct fw_json *a, const struct fw_json *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		const struct fw_json *item = a->items[i];
		const struct fw_json *other =
		        a->type == FW_JSON_OBJECT ? fw_json_get(b, item->key) : b->items[i];
		if (other == NULL || !fw_json_equal(item, other)) {
			return false;
		}
	}
	return true;
}

bool fw_json_equal(const struct fw_json *a, const struct fw_json *b)
{
	if (a == NULL || b == NULL || a->type != b->type) {
		return a == b;
	}
	switch (a->type) {
	case FW_JSON_NULL:
		return true;
	case FW_JSON_BOOL:
		return a->truth == b->truth;
	case FW_JSON_NUMBER:
		return a->is_real == b->is_real && a->number == b->number && a->real == b->real;
	case FW_JSON_STRING:
		return fw_str_eq(fw_json_text(a), fw_json_text(b));
	case FW_JSON_ARRAY:
	case FW_JSON_OBJECT:
		return json_equal_items(a, b);
	}
	return false;
}
