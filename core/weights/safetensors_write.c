#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/support/descriptor.h"
#include "core/support/file.h"
#include "core/weights/safetensors.h"

enum { LENGTH_BYTES = 8, UNIT = 8 };
static const char metadata_key[] = "__metadata__";

/** What a file is to hold. */
typedef struct {
  const dg_stored_tensor *tensors;
  size_t tensor_count;
  const dg_stored_text *texts;
  size_t text_count;
} contents;

static uint64_t bytes_of(const dg_stored_tensor *t) {
  return dg_stored_count(t) * sizeof(float);
}

/* ---- the header --------------------------------------------------------- */

/** A JSON value, or NULL where one of its parts could not be made. */
static json_t *whole(json_t *value, bool right) {
  if (right) return value;
  json_decref(value);
  return NULL;
}

static json_t *describe(const dg_stored_tensor *t, uint64_t begin) {
  json_t *shape = json_array();
  bool right = shape != NULL;
  for (uint32_t i = 0; i < t->rank; i++)
    right &= json_array_append_new(shape, json_integer((json_int_t)t->dim[i])) == 0;
  return json_pack("{ss so s[II]}", "dtype", "F32", "shape", whole(shape, right), "data_offsets",
                   (json_int_t)begin, (json_int_t)(begin + bytes_of(t)));
}

static json_t *describe_texts(const contents *c) {
  json_t *metadata = json_object();
  bool right = metadata != NULL;
  for (size_t i = 0; i < c->text_count; i++)
    right &= json_object_set_new(metadata, c->texts[i].key, json_string(c->texts[i].value)) == 0;
  return whole(metadata, right);
}

static json_t *describe_all(const contents *c) {
  json_t *root = json_object();
  bool right = root != NULL;
  uint64_t place = 0;
  if (c->text_count) right &= json_object_set_new(root, metadata_key, describe_texts(c)) == 0;
  for (size_t i = 0; i < c->tensor_count; i++) {
    const dg_stored_tensor *t = &c->tensors[i];
    right &= json_object_set_new(root, t->name, describe(t, place)) == 0;
    place += bytes_of(t);
  }
  return whole(root, right);
}

/** The header, padded with blanks so that the numbers begin at a multiple of 8. */
static char *make_header(const contents *c, size_t *length) {
  json_t *root = describe_all(c);
  char *text = root ? json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
  json_decref(root);
  if (!text) return NULL;
  size_t used = strlen(text);
  *length = (used + UNIT - 1) / UNIT * UNIT;
  char *padded = realloc(text, *length + 1);
  if (!padded) return free(text), NULL;
  memset(padded + used, ' ', *length - used);
  return padded;
}

/* ---- reading it back ---------------------------------------------------- */

static bool is_number(const json_t *value, uint64_t number) {
  return json_is_integer(value) && (uint64_t)json_integer_value(value) == number;
}

/** Does an entry of the header tell of this tensor, whose numbers begin there? */
static bool tells_tensor(const json_t *entry, const dg_stored_tensor *t, uint64_t begin) {
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  const json_t *shape = json_object_get(entry, "shape");
  const json_t *places = json_object_get(entry, "data_offsets");
  bool same = type && strcmp(type, "F32") == 0 && json_is_array(shape) &&
              json_array_size(shape) == t->rank && json_array_size(places) == 2 &&
              is_number(json_array_get(places, 0), begin) &&
              is_number(json_array_get(places, 1), begin + bytes_of(t));
  for (uint32_t i = 0; same && i < t->rank; i++)
    same = is_number(json_array_get(shape, i), t->dim[i]);
  return same;
}

static bool tells_texts(const json_t *metadata, const contents *c) {
  bool same = json_object_size(metadata) == c->text_count;
  for (size_t i = 0; same && i < c->text_count; i++) {
    const char *value = json_string_value(json_object_get(metadata, c->texts[i].key));
    same = value && strcmp(value, c->texts[i].value) == 0;
  }
  return same;
}

/** Does a header tell of all that the file is to hold, in `size` bytes, and of nothing else? */
static bool tells_all(const json_t *root, const contents *c, uint64_t size) {
  uint64_t place = 0;
  bool same = json_object_size(root) == c->tensor_count + (c->text_count > 0) &&
              (!c->text_count || tells_texts(json_object_get(root, metadata_key), c));
  for (size_t i = 0; same && i < c->tensor_count; i++) {
    same = tells_tensor(json_object_get(root, c->tensors[i].name), &c->tensors[i], place);
    place += bytes_of(&c->tensors[i]);
  }
  return same && place == size;
}

/** Reads the header of a file that was written; the caller frees it. */
static char *read_header(int descriptor, uint64_t size, uint64_t *length) {
  if (dg_read_at(descriptor, length, LENGTH_BYTES, 0) != 0 || size < LENGTH_BYTES ||
      *length > size - LENGTH_BYTES)
    return NULL;
  char *header = malloc(*length + 1);
  if (header && dg_read_at(descriptor, header, *length, LENGTH_BYTES) == 0) return header;
  free(header);
  return NULL;
}

/** Looks whether a file that was written is what it is to be. */
static const char *look(int descriptor, uint64_t size, const void *expected) {
  uint64_t length;
  char *header = read_header(descriptor, size, &length);
  json_t *root = header ? json_loadb(header, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
  bool same = root && tells_all(root, expected, size - LENGTH_BYTES - length);
  json_decref(root);
  free(header);
  return same ? NULL : "its header, read back, is not what was to be written; memory ran out?";
}

/* ---- the file ----------------------------------------------------------- */

bool dg_safetensors_write(const char *path, const dg_stored_tensor *tensors, size_t tensor_count,
                          const dg_stored_text *texts, size_t text_count, dg_error *err) {
  const contents c = {tensors, tensor_count, texts, text_count};
  size_t length;
  char *header = make_header(&c, &length);
  if (!header)
    return dg_fail(err, DG_ERR_RUNTIME,
                   "%s can't be written: a name or text for it is not UTF-8, or memory ran out",
                   path);
  dg_new_file file;
  bool right = dg_file_begin(&file, path, err);
  if (right) {
    uint64_t stored = length;
    dg_file_write(&file, &stored, LENGTH_BYTES);
    dg_file_write(&file, header, length);
    for (size_t i = 0; i < tensor_count; i++)
      dg_file_write(&file, tensors[i].data, bytes_of(&tensors[i]));
    right = dg_file_commit_seen(&file, look, &c, err);
  }
  free(header);
  return right;
}
