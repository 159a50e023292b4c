#include "core/weights/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "core/base/json.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are little-endian; this machine would have to swap bytes"
#endif

enum { LENGTH_BYTES = 8, LARGEST_HEADER = 100000000 };
static const char metadata_key[] = "__metadata__";

uint64_t dg_stored_count(const dg_stored_tensor *t) {
  uint64_t count = 1;
  for (uint32_t i = 0; i < t->rank; i++) {
    if (t->dim[i] && count > (UINT64_MAX >> 8) / t->dim[i]) return UINT64_MAX;
    count *= t->dim[i];
  }
  return count;
}

/** Path and error of a damaged file. */
typedef struct {
  const char *path;
  dg_error *err;
} complaint;

__attribute__((format(printf, 2, 3))) static bool damaged(complaint c, const char *format, ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return dg_fail(c.err, DG_ERR_INPUT, "%s: not a sound safetensors file: %s", c.path, text);
}

static bool read_shape(const json_t *shape, dg_stored_tensor *t) {
  if (!json_is_array(shape) || json_array_size(shape) > DG_TENSOR_RANK) return false;
  t->rank = (uint32_t)json_array_size(shape);
  for (uint32_t i = 0; i < t->rank; i++) {
    const json_t *size = json_array_get(shape, i);
    if (!json_is_integer(size) || json_integer_value(size) < 0) return false;
    t->dim[i] = (uint64_t)json_integer_value(size);
  }
  return true;
}

/** The types of dg_element, in its order, and others that are read as one of them. */
static const struct {
  const char *type;
  dg_element element;
} types[] = {{"F32", DG_ELEMENT_F32},   {"F64", DG_ELEMENT_F64}, {"F16", DG_ELEMENT_F16},
             {"BF16", DG_ELEMENT_BF16}, {"I8", DG_ELEMENT_I8},   {"I16", DG_ELEMENT_I16},
             {"I32", DG_ELEMENT_I32},   {"I64", DG_ELEMENT_I64}, {"U8", DG_ELEMENT_U8},
             {"U16", DG_ELEMENT_U16},   {"U32", DG_ELEMENT_U32}, {"U64", DG_ELEMENT_U64},
             {"BOOL", DG_ELEMENT_U8}};

const char *dg_safetensors_type(const dg_stored_tensor *t) {
  return t->other ? t->other : types[t->element].type;
}

static bool find_type(const char *type, dg_element *element) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (strcmp(types[i].type, type) != 0) continue;
    *element = types[i].element;
    return true;
  }
  return false;
}

/** Reads one entry of the header; `data` are the `capacity` bytes after the header. */
static bool read_tensor(complaint c, const char *name, const json_t *entry, const char *data,
                        size_t capacity, dg_stored_tensor *t) {
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  const json_t *offsets = json_object_get(entry, "data_offsets");
  const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  t->name = name;
  if (!type || !read_shape(json_object_get(entry, "shape"), t) || json_array_size(offsets) != 2 ||
      !json_is_integer(begin) || !json_is_integer(end))
    return damaged(c, "the entry of \"%.80s\" lacks type, shape or offsets", name);
  if (!find_type(type, &t->element)) t->other = type;
  json_int_t from = json_integer_value(begin), to = json_integer_value(end);
  if (from < 0 || to < from || (uint64_t)to > capacity)
    return damaged(c, "the data of \"%.80s\" lie outside the file", name);
  uint64_t count = dg_stored_count(t);
  t->bytes = (uint64_t)(to - from);
  if (count == UINT64_MAX || (!t->other && count * dg_element_size(t->element) != t->bytes))
    return damaged(c, "the size of \"%.80s\" is not that of its shape", name);
  t->data = data + from;
  return true;
}

static int by_offset(const void *a, const void *b) {
  const dg_stored_tensor *x = a, *y = b;
  if (x->data != y->data) return (const char *)x->data < (const char *)y->data ? -1 : 1;
  return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/** Checks that, sorted by offset, each tensor begins where the one before ends. */
static bool check_cover(complaint c, const dg_safetensors *file, const char *data,
                        size_t capacity) {
  const char *at = data;
  for (size_t i = 0; i < file->tensor_count; i++) {
    const dg_stored_tensor *t = &file->tensors[i];
    const char *begin = t->data;
    if (begin != at)
      return damaged(c, "\"%.80s\" %s", t->name,
                     begin < at ? "overlaps another tensor" : "leaves a gap before it");
    at = begin + t->bytes;
  }
  return at == data + capacity ||
         damaged(c, "%zu bytes are left over", (size_t)(data + capacity - at));
}

static bool read_texts(complaint c, json_t *metadata, dg_safetensors *file) {
  const char *key;
  json_t *value;
  if (json_is_null(metadata)) return true;
  if (!json_is_object(metadata)) return damaged(c, "its metadata are no object");
  file->texts = calloc(json_object_size(metadata) + 1, sizeof *file->texts);
  if (!file->texts) return dg_fail_memory(c.err, json_object_size(metadata));
  json_object_foreach(metadata, key, value) {
    if (!json_is_string(value)) return damaged(c, "metadata \"%.80s\" is no text", key);
    file->texts[file->text_count++] = (dg_stored_text){key, json_string_value(value)};
  }
  return true;
}

static bool read_entries(complaint c, dg_safetensors *file, json_t *root, const char *data,
                         size_t capacity) {
  const char *name;
  json_t *entry;
  file->tensors = calloc(json_object_size(root) + 1, sizeof *file->tensors);
  if (!file->tensors) return dg_fail_memory(c.err, json_object_size(root));
  json_object_foreach(root, name, entry) {
    if (strcmp(name, metadata_key) == 0) {
      if (!read_texts(c, entry, file)) return false;
    } else if (!read_tensor(c, name, entry, data, capacity, &file->tensors[file->tensor_count++])) {
      return false;
    }
  }
  qsort(file->tensors, file->tensor_count, sizeof *file->tensors, by_offset);
  return check_cover(c, file, data, capacity);
}

/** The type of another program's file, for messages; NULL: it may be a safetensors file. */
static const char *foreign(const char *content, size_t size) {
  static const struct {
    const char *begin, *what;
  } known[] = {{"PK\3\4", "a zip file, as PyTorch, Keras and numpy write them"},
               {"\x80\2\x8a\x0a", "a pickle, as PyTorch wrote them before 1.6"},
               {"\x89HDF\r\n", "an HDF5 file, as Keras writes them"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(known[i].begin);
    if (size >= length && memcmp(content, known[i].begin, length) == 0) return known[i].what;
  }
  return NULL;
}

bool dg_safetensors_read(dg_safetensors *file, const char *path, dg_error *err) {
  complaint c = {path, err};
  size_t size = 0;
  *file = (dg_safetensors){0};
  file->content = dg_file_read(path, UINT64_MAX, &size, err);
  if (!file->content) return false;
  const char *other = foreign(file->content, size);
  if (other) {
    dg_fail(err, DG_ERR_INPUT,
            "%s is %s, not a safetensors file: digits-convert makes one of its weights", path,
            other);
    return dg_safetensors_free(file), false;
  }
  uint64_t length = 0;
  if (size >= LENGTH_BYTES) memcpy(&length, file->content, LENGTH_BYTES);
  bool ok = (length > 0 && length <= LARGEST_HEADER && length <= size - LENGTH_BYTES) ||
            damaged(c, size ? "it is cut, or no weight file at all" : "the file is empty");
  if (ok) {
    char *header = (char *)file->content + LENGTH_BYTES;
    size_t capacity = size - LENGTH_BYTES - length;
    json_error_t wrong;
    bool starved;
    file->header = dg_json_read(header, length, JSON_REJECT_DUPLICATES, &wrong, &starved);
    if (starved)
      ok = dg_fail_memory(err, length);
    else if (json_is_object((json_t *)file->header))
      ok = read_entries(c, file, file->header, header + length, capacity);
    else
      ok = damaged(c, "its header is no JSON object%s%s", file->header ? "" : ": ",
                   file->header ? "" : wrong.text);
  }
  if (!ok) dg_safetensors_free(file);
  return ok;
}

void dg_safetensors_free(dg_safetensors *file) {
  free(file->tensors);
  free(file->texts);
  free(file->content);
  json_decref(file->header);
  *file = (dg_safetensors){0};
}

const dg_stored_tensor *dg_safetensors_find(const dg_safetensors *file, const char *name) {
  for (size_t i = 0; i < file->tensor_count; i++)
    if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
  return NULL;
}

const char *dg_safetensors_text(const dg_safetensors *file, const char *key) {
  for (size_t i = 0; i < file->text_count; i++)
    if (strcmp(file->texts[i].key, key) == 0) return file->texts[i].value;
  return NULL;
}
