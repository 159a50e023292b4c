#include "core/exchange/arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

/* Only hostile files want more: the largest network of the zoo has 1 % of these numbers. */
enum { MAX_NUMBERS = 1 << 28, MAX_ARRAYS = 4096, MAX_NAME = 200 };
/* Limit for a small file, since a network of zeros packs to nearly nothing; and limit per byte of a
   large file. */
enum { FEW_NUMBERS = 1 << 22, NUMBERS_A_BYTE = 32 };

void dg_arrays_bound(dg_arrays *arrays, uint64_t bytes) {
  arrays->most = bytes < MAX_NUMBERS / NUMBERS_A_BYTE ? bytes * NUMBERS_A_BYTE : MAX_NUMBERS;
  if (arrays->most < FEW_NUMBERS) arrays->most = FEW_NUMBERS;
}

static bool check_name(const dg_arrays *arrays, const char *name, dg_error *err) {
  if (strlen(name) > MAX_NAME)
    return dg_fail(err, DG_ERR_INPUT, "%s: a tensor's name of %zu bytes; %d is the most",
                   arrays->path, strlen(name), MAX_NAME);
  bool printable = *name && !dg_utf8_fault(name);
  for (const char *at = name; *at; at++) printable &= (unsigned char)*at >= ' ' && *at != 0x7f;
  return printable ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: a tensor's name is empty, no UTF-8 or has control characters", arrays->path);
}

/** Count of numbers of a shape; more than the rest of the limit is an error. */
static bool count_numbers(const dg_arrays *arrays, const char *name, uint32_t rank,
                          const uint64_t *dim, uint64_t *count, dg_error *err) {
  bool none = false, fits = rank <= DG_TENSOR_RANK;
  uint64_t all = arrays->most ? arrays->most : MAX_NUMBERS, most = all - arrays->floats;
  *count = 1;
  for (uint32_t i = 0; fits && i < rank; i++) none |= dim[i] == 0;
  for (uint32_t i = 0; fits && i < rank && !none; i++) {
    fits = dim[i] <= most / *count;
    if (fits) *count *= dim[i];
  }
  if (none) *count = 0;
  return fits || dg_fail(err, DG_ERR_INPUT,
                         "%s: \"%s\" makes more numbers than the %llu, or dimensions than the %d, "
                         "that a weight file of this size may have here; save it unpacked",
                         arrays->path, name, (unsigned long long)all, DG_TENSOR_RANK);
}

static bool reserve(dg_arrays *arrays, dg_error *err) {
  if (arrays->count < arrays->capacity) return true;
  if (arrays->count == MAX_ARRAYS)
    return dg_fail(err, DG_ERR_INPUT, "%s: more than %d tensors", arrays->path, MAX_ARRAYS);
  size_t capacity = arrays->capacity ? 2 * arrays->capacity : 32;
  dg_array *items = realloc(arrays->items, capacity * sizeof *items);
  if (!items) return dg_fail_memory(err, capacity * sizeof *items);
  arrays->items = items;
  arrays->capacity = capacity;
  return true;
}

static size_t layer_of(const char *name) {
  size_t layer = 0;
  for (size_t i = 0; name[i]; i++)
    if (name[i] == '.' || name[i] == '/') layer = i;
  return layer;
}

/** Checks that there may be one more tensor of that name, and makes room for it. */
static bool admit(dg_arrays *arrays, const char *name, dg_error *err) {
  if (!check_name(arrays, name, err) || !reserve(arrays, err)) return false;
  for (size_t i = 0; i < arrays->count; i++)
    if (strcmp(arrays->items[i].name, name) == 0)
      return dg_fail(err, DG_ERR_INPUT, "%s: there are two tensors \"%s\"", arrays->path, name);
  return true;
}

dg_array *dg_arrays_add(dg_arrays *arrays, const char *name, uint32_t rank, const uint64_t *dim,
                        bool integer, dg_error *err) {
  uint64_t count;
  if (!admit(arrays, name, err) || !count_numbers(arrays, name, rank, dim, &count, err))
    return NULL;
  dg_array *array = &arrays->items[arrays->count];
  *array = (dg_array){.name = strdup(name),
                      .layer = layer_of(name),
                      .rank = rank,
                      .count = count,
                      .data = calloc(count + 1, sizeof(float)),
                      .integer = integer};
  memcpy(array->dim, dim, rank * sizeof *dim);
  arrays->count++;
  arrays->floats += count;
  if (array->name && array->data) return array;
  dg_arrays_drop(arrays, arrays->count - 1);
  return dg_fail_memory(err, (count + 1) * sizeof(float)), NULL;
}

bool dg_arrays_add_unread(dg_arrays *arrays, const char *name, uint32_t rank, const uint64_t *dim,
                          const char *why, dg_error *err) {
  if (!admit(arrays, name, err)) return false;
  dg_array *array = &arrays->items[arrays->count];
  *array = (dg_array){.name = strdup(name), .unread = strdup(why), .layer = layer_of(name)};
  if (dim && rank <= DG_TENSOR_RANK) {
    array->rank = rank;
    memcpy(array->dim, dim, rank * sizeof *dim);
  }
  arrays->count++;
  if (array->name && array->unread) return true;
  dg_arrays_drop(arrays, arrays->count - 1);
  return dg_fail_memory(err, strlen(name) + strlen(why) + 2);
}

void dg_array_fill(dg_array *array, dg_element element, const unsigned char *from) {
  size_t size = dg_element_size(element);
  for (uint64_t i = 0; i < array->count; i++)
    array->data[i] = dg_element_read(element, from + i * size);
}

bool dg_array_spare(const dg_array *array) {
  return !array->told && (array->unread || array->integer);
}

bool dg_array_transpose(dg_array *array, dg_error *err) {
  uint64_t rows = array->dim[0], columns = array->dim[1];
  float *data = array->unread ? NULL : malloc((array->count + 1) * sizeof *data);
  if (!data && !array->unread) return dg_fail_memory(err, (array->count + 1) * sizeof *data);
  for (uint64_t i = 0; i < array->count; i++)
    data[i % columns * rows + i / columns] = array->data[i];
  free(array->data);
  array->data = data;
  array->dim[0] = columns;
  array->dim[1] = rows;
  return true;
}

void dg_arrays_drop(dg_arrays *arrays, size_t i) {
  arrays->floats -= arrays->items[i].count;
  free(arrays->items[i].name);
  free(arrays->items[i].unread);
  free(arrays->items[i].data);
  arrays->count--;
  memmove(arrays->items + i, arrays->items + i + 1, (arrays->count - i) * sizeof *arrays->items);
}

bool dg_array_rename(dg_array *array, size_t part, const char *to, dg_error *err) {
  const char *rest = array->name + part;
  size_t size = strlen(to) + strlen(rest) + 1;
  char *name = malloc(size);
  if (!name) return dg_fail_memory(err, size);
  snprintf(name, size, "%s%s", to, rest);
  free(array->name);
  array->name = name;
  array->layer = layer_of(name);
  return true;
}

/** What all names begin with, each once: "\"a\", \"b\"". */
static char *list_beginnings(const dg_arrays *arrays, char *text, size_t capacity) {
  text[0] = '\0';
  for (size_t i = 0; i < arrays->count && strlen(text) + 1 < capacity; i++) {
    const char *name = arrays->items[i].name;
    size_t length = strcspn(name, "./"), k = 0;
    while (k < i && (strncmp(arrays->items[k].name, name, length) != 0 ||
                     strcspn(arrays->items[k].name, "./") != length))
      k++;
    if (k == i) dg_append(text, capacity, "%s\"%.*s\"", *text ? ", " : "", (int)length, name);
  }
  return text;
}

/** Is a name a key, then '.' or '/', and something behind it? */
static bool is_under(const char *name, const char *key) {
  size_t length = strlen(key);
  return strncmp(name, key, length) == 0 && (name[length] == '.' || name[length] == '/') &&
         name[length + 1];
}

bool dg_arrays_choose(dg_arrays *arrays, const char *key, dg_error *err) {
  bool found = false;
  char known[400];
  for (size_t i = 0; i < arrays->count; i++) found |= is_under(arrays->items[i].name, key);
  if (!found)
    return dg_fail(err, DG_ERR_INPUT, "%s has nothing under \"%s\"; its names begin with %s",
                   arrays->path, key, list_beginnings(arrays, known, sizeof known)) ||
           dg_advise(err, DG_REMEDY_KEY);
  for (size_t i = 0; i < arrays->count;) {
    if (!is_under(arrays->items[i].name, key))
      dg_arrays_drop(arrays, i);
    else if (!dg_array_rename(&arrays->items[i++], strlen(key) + 1, "", err))
      return false;
  }
  return true;
}

void dg_arrays_free(dg_arrays *arrays) {
  while (arrays->count > 0) dg_arrays_drop(arrays, arrays->count - 1);
  free(arrays->items);
  free(arrays->settings);
  free(arrays->model);
  free(arrays->classes);
  free(arrays->columns);
  *arrays = (dg_arrays){0};
}

char *dg_array_shape(uint32_t rank, const uint64_t *dim, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < rank; i++)
    dg_append(text, capacity, "%s%llu", i ? ", " : "[", (unsigned long long)dim[i]);
  dg_append(text, capacity, rank ? "]" : "[]");
  return text;
}
