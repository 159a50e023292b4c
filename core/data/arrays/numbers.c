#include "core/data/arrays/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/numbers.h"
#include "core/base/text.h"
#include "core/formats/npy.h"

/* ---- messages ----------------------------------------------------------- */

char *dg_numbers_where(const dg_numbers *a, char *text, size_t capacity) {
  snprintf(text, capacity, "%.400s%s%.100s", a->path, *a->name ? ": " : "", a->name);
  return text;
}

char *dg_numbers_shape(const dg_numbers *a, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t d = 0; d < a->rank; d++)
    dg_append(text, capacity, "%s%llu", d ? ", " : "[", (unsigned long long)a->dim[d]);
  dg_append(text, capacity, "]");
  return text;
}

bool dg_numbers_fail(const dg_numbers *a, uint64_t i, const char *what, dg_error *err) {
  char where[600], place[120];
  return dg_fail(err, DG_ERR_INPUT, "%s%s %s", dg_numbers_where(a, where, sizeof where),
                 dg_index_text(a->rank, a->dim, (size_t)(a->first + i), place, sizeof place), what);
}

uint8_t *dg_numbers_room(const dg_numbers *a, uint64_t bytes, dg_mapping *mapping, dg_error *err) {
  return dg_map_room(mapping, bytes, a->in_memory, a->path, err);
}

void dg_numbers_replace(dg_numbers *a, uint8_t *bytes, const dg_mapping *mapping) {
  dg_unmap(&a->mapping, a->bytes);
  a->bytes = bytes;
  a->mapping = *mapping;
  a->read_only = false;
}

bool dg_numbers_own(dg_numbers *a, dg_error *err) {
  const uint64_t bytes = a->count * dg_element_size(a->element);
  dg_mapping mapping;
  if (!a->read_only) return true;
  uint8_t *room = dg_numbers_room(a, bytes, &mapping, err);
  if (!room) return false;
  memcpy(room, a->bytes, (size_t)bytes);
  dg_numbers_replace(a, room, &mapping);
  return true;
}

/* ---- numpy's files ------------------------------------------------------ */

/** Brings the numbers behind a header to the begin of the memory, in C order. Those of a mapped
   file stay where they are, if they may be read there. */
static bool take_numbers(dg_numbers *a, const dg_npy *npy, dg_error *err) {
  const size_t unit = dg_element_size(npy->element), bytes = (size_t)a->count * unit;
  uint8_t *from = a->bytes + npy->begin;
  dg_mapping mapping;
  if (!npy->fortran && !a->mapping.at) return memmove(a->bytes, from, bytes), true;
  if (!npy->fortran && npy->begin % unit == 0) return a->bytes = from, true;
  uint8_t *turned = dg_numbers_room(a, bytes, &mapping, err);
  if (!turned) return false;
  if (!npy->fortran)
    memcpy(turned, from, bytes);
  else
    for (uint64_t i = 0; i < a->count; i++)
      memcpy(turned + i * unit, from + dg_npy_place(npy, i) * unit, unit);
  dg_numbers_replace(a, turned, &mapping);
  return true;
}

static bool check_npy(dg_numbers *a, const dg_npy *npy, uint64_t left, dg_error *err) {
  char where[600];
  dg_numbers_where(a, where, sizeof where);
  if (!npy->known)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: numbers of the type \"%s\" are not read; save it as "
                   "float32 or uint8",
                   where, *npy->type ? npy->type : "of a record");
  if (npy->rank < 1 || npy->rank > DG_NDARRAY_RANK)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: it has %u dimensions; 1 to %d are read, the first one "
                   "counts the samples",
                   where, npy->rank, DG_NDARRAY_RANK);
  a->count = dg_npy_count(npy, left);
  if (a->count == 0)
    return dg_fail(err, DG_ERR_INPUT, "%s: its shape holds no number; save it again", where);
  if (a->count > left || a->count * dg_element_size(npy->element) != left)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: %llu bytes follow its header, which is not what its shape takes: damaged "
                   "or cut; save it again",
                   where, (unsigned long long)left);
  return true;
}

bool dg_numbers_describe(dg_numbers *a, const dg_npy *npy, uint64_t left, dg_error *err) {
  if (!check_npy(a, npy, left, err)) return false;
  a->rank = npy->rank;
  memcpy(a->dim, npy->dim, sizeof a->dim);
  a->element = npy->element;
  a->big_endian = npy->big_endian;
  a->truths = npy->truths;
  return true;
}

bool dg_numbers_from_npy(dg_numbers *a, uint8_t *bytes, size_t size, dg_error *err) {
  dg_npy npy;
  char where[600];
  a->bytes = bytes;
  if (!dg_npy_parse(&npy, bytes, size))
    return dg_fail(err, DG_ERR_INPUT, "%s: no sound .npy array; save it again",
                   dg_numbers_where(a, where, sizeof where));
  return dg_numbers_describe(a, &npy, size - npy.begin, err) && take_numbers(a, &npy, err);
}

void dg_numbers_free(dg_numbers *a) {
  dg_unmap(&a->mapping, a->bytes);
  a->bytes = NULL;
}

/* ---- floats ------------------------------------------------------------- */

/** A whole number of any size and order. */
static uint64_t whole_bits(const dg_numbers *a, uint64_t i) {
  const size_t unit = dg_element_size(a->element);
  const uint8_t *from = a->bytes + i * unit;
  uint64_t bits = 0;
  for (size_t b = 0; b < unit; b++) bits = bits << 8 | from[a->big_endian ? b : unit - 1 - b];
  return bits;
}

static double float64_at(const dg_numbers *a, uint64_t i) {
  const uint64_t bits = whole_bits(a, i);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

double dg_numbers_at(const dg_numbers *a, uint64_t i) {
  const size_t unit = dg_element_size(a->element);
  if (a->element == DG_ELEMENT_F64) return float64_at(a, i);
  if (dg_element_is_integer(a->element)) {
    const uint64_t bits = whole_bits(a, i), unused = 64 - 8 * unit;
    const bool with_sign = a->element <= DG_ELEMENT_I64;
    return with_sign ? (double)((int64_t)(bits << unused) >> unused) : (double)bits;
  }
  const uint8_t *from = a->bytes + i * unit;
  return a->big_endian ? dg_element_read_big(a->element, from) : dg_element_read(a->element, from);
}

/** Can a float hold a number? */
static bool check_number(const dg_numbers *a, uint64_t i, double value, dg_error *err) {
  char what[120];
  const bool whole = dg_element_is_integer(a->element);
  if (whole ? (float)value == value && fabs(value) < 9007199254740992.0 /* 2^53 */
            : isfinite((float)value))
    return true;
  if (isfinite(value))
    snprintf(what, sizeof what, "is %.17g, which a float can't hold exactly; scale the numbers",
             value);
  else
    snprintf(what, sizeof what, "is %s; numbers must be finite", isnan(value) ? "NaN" : "infinite");
  return dg_numbers_fail(a, i, what, err);
}

static bool check_floats(const dg_numbers *a, dg_error *err) {
  const float *numbers = (const float *)(const void *)a->bytes;
  const size_t i = dg_first_nonfinite(numbers, (size_t)a->count);
  return i == a->count || check_number(a, i, (double)numbers[i], err);
}

/** Can a float hold each number of the type? */
static bool is_narrow(const dg_numbers *a) {
  return dg_element_is_integer(a->element) && dg_element_size(a->element) <= 2;
}

/** Makes floats of single bytes. */
static void widen(float *floats, const dg_numbers *a) {
  float table[UINT8_MAX + 1];
  for (int b = 0; b <= UINT8_MAX; b++)
    table[b] = a->element == DG_ELEMENT_I8 ? (int8_t)b : (float)b;
  for (uint64_t i = 0; i < a->count; i++) floats[i] = table[a->bytes[i]];
}

bool dg_numbers_check(const dg_numbers *a, dg_error *err) {
  bool ok = true;
  if (is_narrow(a)) return true;
  if (a->element == DG_ELEMENT_F32 && !a->big_endian) return check_floats(a, err);
  for (uint64_t i = 0; ok && i < a->count; i++) ok = check_number(a, i, dg_numbers_at(a, i), err);
  return ok;
}

bool dg_numbers_to_floats(dg_numbers *a, dg_error *err) {
  if (a->element == DG_ELEMENT_F32 && !a->big_endian) return check_floats(a, err);
  const uint64_t bytes = a->count * sizeof(float);
  dg_mapping mapping;
  uint8_t *room = dg_numbers_room(a, bytes, &mapping, err);
  float *floats = (float *)(void *)room;
  if (!room) return false;
  bool ok = true;
  const bool single = dg_element_size(a->element) == 1;
  if (single) widen(floats, a);
  for (uint64_t i = 0; ok && !single && i < a->count; i++) {
    const double value = dg_numbers_at(a, i);
    ok = check_number(a, i, value, err);
    floats[i] = (float)value;
  }
  if (!ok) return dg_unmap(&mapping, room), false;
  dg_numbers_replace(a, room, &mapping);
  a->element = DG_ELEMENT_F32;
  a->big_endian = a->truths = false;
  return true;
}
