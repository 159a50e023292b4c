#include "core/exchange/arrays.h"

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

dg_array *dg_arrays_add(dg_arrays *arrays, const char *name, uint32_t rank, const uint64_t *dim,
                        bool integer, dg_error *err) {
  uint64_t count;
  if (!check_name(arrays, name, err) || !reserve(arrays, err) ||
      !count_numbers(arrays, name, rank, dim, &count, err))
    return NULL;
  for (size_t i = 0; i < arrays->count; i++)
    if (strcmp(arrays->items[i].name, name) == 0)
      return dg_fail(err, DG_ERR_INPUT, "%s: there are two tensors \"%s\"", arrays->path, name),
             NULL;
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

void dg_array_fill(dg_array *array, dg_element element, const unsigned char *from) {
  size_t size = dg_element_size(element);
  for (uint64_t i = 0; i < array->count; i++)
    array->data[i] = dg_element_read(element, from + i * size);
}

void dg_arrays_drop(dg_arrays *arrays, size_t i) {
  arrays->floats -= arrays->items[i].count;
  free(arrays->items[i].name);
  free(arrays->items[i].data);
  arrays->count--;
  memmove(arrays->items + i, arrays->items + i + 1, (arrays->count - i) * sizeof *arrays->items);
}

void dg_arrays_free(dg_arrays *arrays) {
  while (arrays->count > 0) dg_arrays_drop(arrays, arrays->count - 1);
  free(arrays->items);
  free(arrays->settings);
  free(arrays->model);
  free(arrays->classes);
  *arrays = (dg_arrays){0};
}

char *dg_array_shape(uint32_t rank, const uint64_t *dim, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < rank; i++)
    dg_append(text, capacity, "%s%llu", i ? ", " : "[", (unsigned long long)dim[i]);
  dg_append(text, capacity, rank ? "]" : "[]");
  return text;
}
