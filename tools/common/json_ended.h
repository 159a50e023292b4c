/** JSON values that are complete, or NULL. */
#ifndef DG_JSON_ENDED_H
#define DG_JSON_ENDED_H

#include <jansson.h>
#include <stdbool.h>

/** Returns the value if all its parts were made (`ok`); else frees it and returns NULL. */
static inline json_t *json_ended(json_t *value, bool ok) {
  if (ok) return value;
  json_decref(value);
  return NULL;
}

/** Adds to an array; a value that is NULL is a failure. */
static inline void json_add(json_t *array, json_t *value, bool *ok) {
  *ok &= json_array_append_new(array, value) == 0;
}

/** Adds to an object; a value that is NULL is a failure. */
static inline void json_put(json_t *object, const char *key, json_t *value, bool *ok) {
  *ok &= json_object_set_new(object, key, value) == 0;
}

#endif
