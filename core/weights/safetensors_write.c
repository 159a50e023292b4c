#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"
#include "core/weights/safetensors.h"

enum { LENGTH_BYTES = 8, UNIT = 8 };
static const char metadata_key[] = "__metadata__";

/** The content to write. */
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

/** A JSON value; NULL if one of its parts could not be made. */
static json_t *whole(json_t *value, bool ok) {
  if (ok) return value;
  json_decref(value);
  return NULL;
}

static json_t *describe(const dg_stored_tensor *t, uint64_t begin) {
  json_t *shape = json_array();
  bool ok = shape != NULL;
  for (uint32_t i = 0; i < t->rank; i++)
    ok &= json_array_append_new(shape, json_integer((json_int_t)t->dim[i])) == 0;
  return json_pack("{ss so s[II]}", "dtype", "F32", "shape", whole(shape, ok), "data_offsets",
                   (json_int_t)begin, (json_int_t)(begin + bytes_of(t)));
}

static json_t *describe_texts(const contents *c) {
  json_t *metadata = json_object();
  bool ok = metadata != NULL;
  for (size_t i = 0; i < c->text_count; i++)
    ok &= json_object_set_new(metadata, c->texts[i].key, json_string(c->texts[i].value)) == 0;
  return whole(metadata, ok);
}

static json_t *describe_all(const contents *c) {
  json_t *root = json_object();
  bool ok = root != NULL;
  uint64_t offset = 0;
  if (c->text_count) ok &= json_object_set_new(root, metadata_key, describe_texts(c)) == 0;
  for (size_t i = 0; i < c->tensor_count; i++) {
    const dg_stored_tensor *t = &c->tensors[i];
    ok &= json_object_set_new(root, t->name, describe(t, offset)) == 0;
    offset += bytes_of(t);
  }
  return whole(root, ok);
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

/*
 * The header is compared byte by byte with the expected text in jansson's format. It is not parsed:
 * jansson's parser may write out of bounds if an allocation fails, which is what this check must
 * detect.
 */

/** A NUL-terminated text that is compared from its beginning on. */
typedef struct {
  const char *at;
  bool same;
} comparison;

static void expect(comparison *c, const char *text) {
  size_t length = strlen(text);
  c->same = c->same && strncmp(c->at, text, length) == 0;
  if (c->same) c->at += length;
}

static void expect_number(comparison *c, uint64_t number, const char *behind) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  expect(c, text);
  expect(c, behind);
}

/** The JSON escape of a byte of a string. */
static void escape(unsigned char byte, char text[8]) {
  static const char known[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
  const char *found = byte ? strchr(known, byte) : NULL;
  if (found)
    snprintf(text, 8, "\\%c", letters[found - known]);
  else
    snprintf(text, 8, byte < ' ' ? "\\u%04X" : "%c", byte);
}

static void expect_string(comparison *c, const char *string, const char *behind) {
  char text[8];
  expect(c, "\"");
  for (; c->same && *string; string++) {
    escape((unsigned char)*string, text);
    expect(c, text);
  }
  expect(c, "\"");
  expect(c, behind);
}

static void expect_texts(comparison *c, const contents *wanted) {
  expect_string(c, metadata_key, ":{");
  for (size_t i = 0; i < wanted->text_count; i++) {
    expect_string(c, wanted->texts[i].key, ":");
    expect_string(c, wanted->texts[i].value, i + 1 < wanted->text_count ? "," : "}");
  }
  if (wanted->tensor_count) expect(c, ",");
}

static void expect_tensor(comparison *c, const dg_stored_tensor *t, uint64_t begin) {
  expect_string(c, t->name, ":{\"dtype\":\"F32\",\"shape\":[");
  for (uint32_t i = 0; i < t->rank; i++) expect_number(c, t->dim[i], i + 1 < t->rank ? "," : "");
  expect(c, "],\"data_offsets\":[");
  expect_number(c, begin, ",");
  expect_number(c, begin + bytes_of(t), "]}");
}

/** Does a header of `size` bytes describe exactly the content to write? */
static bool tells_all(const char *header, const contents *wanted, uint64_t size) {
  comparison c = {header, true};
  uint64_t offset = 0;
  expect(&c, "{");
  if (wanted->text_count) expect_texts(&c, wanted);
  for (size_t i = 0; i < wanted->tensor_count; i++) {
    if (i) expect(&c, ",");
    expect_tensor(&c, &wanted->tensors[i], offset);
    offset += bytes_of(&wanted->tensors[i]);
  }
  expect(&c, "}");
  return c.same && c.at[strspn(c.at, " ")] == '\0' && offset == size;
}

/** Reads the header of a file that was written; the caller frees it. */
static char *read_header(int descriptor, uint64_t size, uint64_t *length) {
  if (size < LENGTH_BYTES || dg_read_at(descriptor, length, LENGTH_BYTES, 0) != 0 ||
      *length > size - LENGTH_BYTES)
    return NULL;
  char *header = malloc(*length + 1);
  if (header && dg_read_at(descriptor, header, *length, LENGTH_BYTES) == 0) {
    header[*length] = '\0';
    return header;
  }
  free(header);
  return NULL;
}

/** Checks that the written file has the right content. */
static const char *look(int descriptor, uint64_t size, const void *expected) {
  uint64_t length;
  char *header = read_header(descriptor, size, &length);
  bool same = header && tells_all(header, expected, size - LENGTH_BYTES - length);
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
  bool ok = dg_file_begin(&file, path, err);
  if (ok) {
    uint64_t stored = length;
    dg_file_write(&file, &stored, LENGTH_BYTES);
    dg_file_write(&file, header, length);
    for (size_t i = 0; i < tensor_count; i++)
      dg_file_write(&file, tensors[i].data, bytes_of(&tensors[i]));
    ok = dg_file_commit_seen(&file, look, &c, err);
  }
  free(header);
  return ok;
}
