#include "core/exchange/numpy/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/formats/npy.h"

enum { MAGIC = sizeof dg_npy_magic, PREAMBLE = 10, UNIT = 64, MAX_HEADER = 4096 };

/* ---- reading ------------------------------------------------------------ */

/** Adds an array whose type is not read, and which. */
static bool add_unread(dg_arrays *arrays, const char *name, const dg_npy *h, dg_error *err) {
  char why[100];
  const char *type = *h->type ? h->type : "of a record", *text = strpbrk(h->type, "USO");
  snprintf(why, sizeof why, "has the type %s, which is %s: save it as float32", type,
           text ? "no number" : "not read");
  return dg_arrays_add_unread(arrays, name, h->rank, h->dim, why, err);
}

bool dg_npy_read(dg_arrays *arrays, const char *name, const unsigned char *bytes, size_t size,
                 dg_error *err) {
  dg_npy h;
  if (!dg_npy_parse(&h, bytes, size))
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%.100s\" is no sound .npy array", arrays->path, name);
  if (!h.known) return add_unread(arrays, name, &h, err);
  size_t unit = dg_element_size(h.element), left = size - h.begin;
  uint64_t count = dg_npy_count(&h, left);
  if (count > left || count * unit != left)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the %zu bytes of \"%.100s\" are not what its shape takes", arrays->path,
                   left, name);
  dg_array *array =
      dg_arrays_add(arrays, name, h.rank, h.dim, dg_element_is_integer(h.element), err);
  if (!array) return false;
  for (uint64_t i = 0; i < array->count; i++) {
    const unsigned char *from = bytes + h.begin + unit * dg_npy_place(&h, i);
    array->data[i] =
        h.big_endian ? dg_element_read_big(h.element, from) : dg_element_read(h.element, from);
  }
  return true;
}

/* ---- writing ------------------------------------------------------------ */

unsigned char *dg_npy_make(const dg_array *array, size_t *size, dg_error *err) {
  char text[MAX_HEADER] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (uint32_t i = 0; i < array->rank; i++)
    dg_append(text, sizeof text, "%llu,%s", (unsigned long long)array->dim[i],
              i + 1 < array->rank ? " " : "");
  dg_append(text, sizeof text, "), }");
  size_t used = strlen(text), begin = (PREAMBLE + used + UNIT) / UNIT * UNIT;
  size_t length = begin - PREAMBLE, numbers = array->count * sizeof(float);
  *size = begin + numbers;
  unsigned char *bytes = malloc(*size);
  if (!bytes) return dg_fail_memory(err, *size), NULL;
  memcpy(bytes, dg_npy_magic, MAGIC);
  bytes[MAGIC] = 1;
  bytes[MAGIC + 1] = 0;
  bytes[8] = (unsigned char)(length & 0xff);
  bytes[9] = (unsigned char)(length >> 8);
  memset(bytes + PREAMBLE, ' ', length);
  memcpy(bytes + PREAMBLE, text, used);
  bytes[begin - 1] = '\n';
  memcpy(bytes + begin, array->data, numbers);
  return bytes;
}
