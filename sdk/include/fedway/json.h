/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * JSON values for reports and for the control socket. Setters take NULL containers and copy texts; a failed
 * allocation makes the whole document fail in fw_json_dump(), so that reports need no check per line.
 */
#ifndef FEDWAY_JSON_H
#define FEDWAY_JSON_H

#include <stdbool.h>

#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

struct fw_json;

enum fw_json_type {
	FW_JSON_NULL, FW_JSON_BOOL, FW_JSON_NUMBER, FW_JSON_STRING, FW_JSON_ARRAY, FW_JSON_OBJECT
};

/** New root object [g]; free with fw_json_free(). NULL when out of memory. */
FW_API struct fw_json *fw_json_new(void);
FW_API void fw_json_free(struct fw_json **json);

/** Members of an object. Bytes that are not UTF-8 are replaced. Nested containers are owned by `object`. */
FW_API void fw_json_set(struct fw_json *object, const char *key, struct fw_str text);
FW_API void fw_json_setf(struct fw_json *object, const char *key, const char *format, ...) FW_PRINTF(3, 4);
FW_API void fw_json_set_int(struct fw_json *object, const char *key, int64_t value);
FW_API void fw_json_set_bool(struct fw_json *object, const char *key, bool value);
FW_API struct fw_json *fw_json_set_object(struct fw_json *object, const char *key);
FW_API struct fw_json *fw_json_set_array(struct fw_json *object, const char *key);
/** A copy of `value`, with all that is in it; NULL removes the member. */
FW_API void fw_json_set_copy(struct fw_json *object, const char *key, const struct fw_json *value);
/** Elements of an array. */
FW_API void fw_json_append(struct fw_json *array, struct fw_str text);
FW_API void fw_json_appendf(struct fw_json *array, const char *format, ...) FW_PRINTF(2, 3);
FW_API struct fw_json *fw_json_append_object(struct fw_json *array);
/** A copy of `value`, with all that is in it; NULL appends a null. */
FW_API void fw_json_append_copy(struct fw_json *array, const struct fw_json *value);

/** Parses one document; duplicate keys are refused. @return FW_OK or FW_EPARSE (err names line and column) [g] */
FW_API int fw_json_parse(struct fw_str text, struct fw_json **out, struct fw_error *err);
/** Text of a document, terminated, to be freed with free(); NULL when out of memory. */
FW_API char *fw_json_dump(const struct fw_json *json, bool indent);

FW_API enum fw_json_type fw_json_type(const struct fw_json *json);
/** Member of an object, or NULL. */
FW_API const struct fw_json *fw_json_get(const struct fw_json *object, const char *key);
FW_API size_t fw_json_count(const struct fw_json *container);
/** Element of an array, or member of an object in document order; NULL past the end. */
FW_API const struct fw_json *fw_json_at(const struct fw_json *container, size_t index);
/** Both say the same: types, values, order of elements; the order of members does not count. Two NULLs do. */
FW_API bool fw_json_equal(const struct fw_json *a, const struct fw_json *b);
/** Key of the member at `index` of an object. */
FW_API const char *fw_json_key_at(const struct fw_json *object, size_t index);
/** Values; another type gives the absent slice, 0 or false. */
FW_API struct fw_str fw_json_text(const struct fw_json *json);
FW_API int64_t fw_json_int(const struct fw_json *json);
FW_API bool fw_json_bool(const struct fw_json *json);

FW_END_DECLS

#endif
