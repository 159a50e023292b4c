/** Inputs of samples from arrays: which dimension is what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/size.h"
#include "core/data/arrays/numbers.h"

static bool fail_shape(const dg_numbers *a, const char *what, dg_error *err) {
  char where[600], shape[100];
  return dg_fail(err, DG_ERR_INPUT, "%s: %s %s", dg_numbers_where(a, where, sizeof where),
                 dg_numbers_shape(a, shape, sizeof shape), what);
}

static bool equal(const uint32_t *dim, uint64_t a, uint64_t b, uint64_t c) {
  return dim[0] == a && dim[1] == b && dim[2] == c;
}

static bool fail_no_channels(const dg_numbers *a, const dg_dataset_options *o, dg_error *err) {
  char what[160], channels[60] = "1 or 3 channels";
  if (o->rank == 3)
    snprintf(channels, sizeof channels, "the channels of the model's input (%u)", o->dim[0]);
  snprintf(what, sizeof what,
           "has %s neither in the first nor in the last dimension of a sample; transpose it%s",
           channels, o->rank == 3 ? ", or change that input" : "");
  return fail_shape(a, what, err);
}

/** Are channels first (*last = false) or last? The model's input says so, else their number. */
static bool find_channels(const dg_numbers *a, const dg_dataset_options *o, bool *last,
                          dg_error *err) {
  const uint64_t *d = a->dim;
  bool first = o->rank == 3 && equal(o->dim, d[1], d[2], d[3]);
  *last = o->rank == 3 && equal(o->dim, d[3], d[1], d[2]);
  if (!first && !*last) {
    first = o->rank == 3 ? d[1] == o->dim[0] : d[1] == 1 || d[1] == 3;
    *last = o->rank == 3 ? d[3] == o->dim[0] : d[3] == 1 || d[3] == 3;
  }
  if (first != *last) return true;
  if (first)
    return fail_shape(a,
                      "may have its channels in the first or in the last dimension of a sample; "
                      "give a model whose input says where, or write the set as IDX files, where "
                      "they are first",
                      err);
  return fail_no_channels(a, o, err);
}

/** The shape of a sample of rank 1: that of the input if it was flattened, or columns. */
static dg_shape row_shape(uint64_t columns, const dg_dataset_options *o) {
  dg_shape input = {o->rank, {o->dim[0], o->dim[1], o->dim[2]}};
  if (o->rank > 1 && dg_shape_count(&input) == columns) return input;
  return (dg_shape){1, {(uint32_t)columns}};
}

/** Chooses the shape of a sample. */
static bool find_shape(const dg_numbers *a, const dg_dataset_options *o, dg_shape *shape,
                       bool *last, dg_error *err) {
  const bool bytes = a->element == DG_ELEMENT_U8 && !a->truths;
  const uint32_t b = (uint32_t)a->dim[1], c = (uint32_t)a->dim[2], d = (uint32_t)a->dim[3];
  *last = false;
  for (uint32_t i = 0; i < a->rank; i++)
    if (a->dim[i] > UINT32_MAX) return fail_shape(a, "is too large", err);
  if (a->rank <= 2) return *shape = row_shape(a->rank == 2 ? b : 1, o), true;
  if (a->rank == 3) {
    const bool picture = o->rank == 3 || ((bytes || a->channels_first) && o->rank != 2);
    *shape = picture ? (dg_shape){3, {1, b, c}} : (dg_shape){2, {b, c}};
    return true;
  }
  if (!a->channels_first && !find_channels(a, o, last, err)) return false;
  *shape = *last ? (dg_shape){3, {d, b, c}} : (dg_shape){3, {b, c, d}};
  return true;
}

/** Makes [n, plane, channels] [n, channels, plane], of elements of `unit` bytes. */
static void turn(uint8_t *to, const uint8_t *from, uint64_t n, size_t plane, size_t channels,
                 size_t unit) {
  for (; n-- > 0; from += plane * channels * unit)
    for (size_t c = 0; c < channels; c++)
      for (size_t p = 0; p < plane; p++, to += unit)
        memcpy(to, from + (p * channels + c) * unit, unit);
}

bool dg_numbers_channels_first(dg_numbers *a, const dg_shape *shape, dg_error *err) {
  const size_t unit = dg_element_size(a->element), plane = (size_t)shape->dim[1] * shape->dim[2];
  const uint64_t bytes = a->count * unit;
  if (shape->dim[0] == 1) return true;
  dg_mapping mapping;
  uint8_t *turned = dg_numbers_room(a, bytes, &mapping, err);
  if (!turned) return false;
  if (unit == 1)
    turn(turned, a->bytes, a->dim[0], plane, shape->dim[0], 1);
  else
    turn(turned, a->bytes, a->dim[0], plane, shape->dim[0], unit);
  dg_numbers_replace(a, turned, &mapping);
  return true;
}

bool dg_numbers_shape_of_sample(const dg_numbers *a, const dg_dataset_options *options,
                                dg_shape *shape, dg_error *err) {
  bool last;
  return find_shape(a, options, shape, &last, err) &&
         (dg_size_fits(dg_shape_count(shape)) || fail_shape(a, "is too large", err));
}

bool dg_numbers_are_last(const dg_numbers *a, const dg_dataset_options *options) {
  dg_shape shape;
  bool last;
  return find_shape(a, options, &shape, &last, NULL) && last;
}

bool dg_numbers_to_inputs(dg_numbers *a, dg_samples *samples, const dg_dataset_options *options,
                          dg_error *err) {
  dg_sample_kind *kind = &samples->kind;
  const bool bytes = a->element == DG_ELEMENT_U8 && !a->truths;
  bool last;
  if (!find_shape(a, options, &kind->shape, &last, err)) return false;
  if (!dg_size_fits(dg_shape_count(&kind->shape))) return fail_shape(a, "is too large", err);
  if (last && !(dg_numbers_check(a, err) && dg_numbers_channels_first(a, &kind->shape, err)))
    return false;
  if (!bytes && !dg_numbers_to_floats(a, err)) return false;
  kind->type = bytes ? DG_NUMBERS_BYTES : DG_NUMBERS_FLOATS;
  samples->count = (uint32_t)a->dim[0];
  samples->inputs = a->bytes;
  samples->inputs_mapping = a->mapping;
  a->bytes = NULL;
  a->mapping = (dg_mapping){0};
  return true;
}
