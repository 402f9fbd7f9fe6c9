/*-------------------------------------------------------------------------
 *
 * json.h
 *	  Reading the app's jsonb: every complaint names the JSON path.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_JSON_H
#define GL_JSON_H

#include "utils/jsonb.h"

/* JSON that some carrier wrote, its known sins mended, palloc'd; see repair.c. */
extern char *gl_json_repair(const char *json, size_t length);

/* "path.key", or "key" where path is empty; palloc'd. */
extern char *gl_json_path_key(const char *path, const char *key);

/* "path[index]"; palloc'd. */
extern char *gl_json_path_index(const char *path, int index);

/* What a value is, for a message: "a number", "a list", "null". */
extern const char *gl_json_kind(const JsonbValue *value);

/* The value under key; false where it is absent or null. */
extern bool gl_json_find(JsonbContainer *object, const char *key, JsonbValue *value);

/* A number as double; raises where the value is no number, or not finite as one. */
extern double gl_json_double(const JsonbValue *value, const char *path);

/* A string, zero-terminated and palloc'd; raises where the value is none. */
extern char *gl_json_string(const JsonbValue *value, const char *path);

/* The container of an object or a list; raises where the value is not what is asked for. */
extern JsonbContainer *gl_json_object(const JsonbValue *value, const char *path);
extern JsonbContainer *gl_json_array(const JsonbValue *value, const char *path);

/* Raises over the first key of object that is not among those allowed (NULL-terminated). */
extern void gl_json_only_keys(JsonbContainer *object, const char *path, const char *const *allowed);

/* Raises "path must be …", naming what the value is instead. */
extern void gl_json_raise_kind(const JsonbValue *value, const char *path, const char *expected)
	__attribute__((noreturn));

#endif /* GL_JSON_H */
