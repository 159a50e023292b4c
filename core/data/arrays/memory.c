/** Sets of arrays in the caller's memory. */
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/numbers.h"
#include "core/base/size.h"
#include "core/base/sized.h"
#include "core/data/dataset.h"

/** An array of a part, and what it is called in messages. */
typedef struct {
  const char *part, *name;
  const dg_ndarray *array;
} named;

static uint64_t bytes_of(const dg_ndarray *a) {
  return dg_size_times(dg_size_product(a->rank, a->dim), dg_numbers_size(a->type));
}

/** The first number that counts and is not finite; their count: there is none. */
static size_t find_nonfinite(const dg_ndarray *a, const uint32_t *lengths) {
  const size_t count = (size_t)dg_size_product(a->rank, a->dim);
  if (!lengths) return dg_first_nonfinite(a->numbers, count);
  const size_t sample = count / a->dim[0], step = sample / a->dim[1];
  for (uint32_t i = 0; i < a->dim[0]; i++) {
    const size_t there = lengths[i] < a->dim[1] ? lengths[i] * step : sample;
    const size_t first = dg_first_nonfinite((const float *)a->numbers + i * sample, there);
    if (first < there) return i * sample + first;
  }
  return count;
}

/** Checks rank, sizes, type and numbers; beyond `lengths`, unless they are NULL, none counts. */
static bool check_array(const named *n, uint32_t least, const uint32_t *lengths, dg_error *err) {
  const dg_ndarray *a = n->array;
  char place[120];
  uint64_t dim[DG_NDARRAY_RANK];
  if (a->rank < least || a->rank > DG_NDARRAY_RANK)
    return dg_fail(err, DG_ERR_INPUT, "%s %s have %u dimensions; %u to %d are allowed", n->part,
                   n->name, a->rank, least, DG_NDARRAY_RANK);
  if (!a->numbers || bytes_of(a) == 0 || bytes_of(a) >= SIZE_MAX ||
      !dg_size_fits(dg_size_product(a->rank - 1, a->dim + 1)))
    return dg_fail(err, DG_ERR_INPUT, "%s %s are empty, or too large", n->part, n->name);
  if (a->type != DG_NUMBERS_BYTES && a->type != DG_NUMBERS_FLOATS)
    return dg_fail(err, DG_ERR_INPUT, "%s %s are neither bytes nor floats", n->part, n->name);
  if (a->type == DG_NUMBERS_BYTES) return true;
  const size_t count = (size_t)dg_size_product(a->rank, a->dim);
  const size_t first = find_nonfinite(a, lengths);
  for (uint32_t d = 0; d < a->rank; d++) dim[d] = a->dim[d];
  return first == count || dg_fail(err, DG_ERR_INPUT, "%s %s%s are not finite", n->part, n->name,
                                   dg_index_text(a->rank, dim, first, place, sizeof place));
}

/** Checks both arrays of a part. */
static bool check_part(const dg_sample_arrays *arrays, const char *part, dg_error *err) {
  const named inputs = {part, "inputs", &arrays->inputs};
  const named targets = {part, "targets", &arrays->targets};
  if (!check_array(&inputs, 2, arrays->lengths, err)) return false;
  if ((arrays->labels != NULL) == (arrays->targets.rank > 0))
    return dg_fail(err, DG_ERR_INPUT, "%s samples need labels or targets, and not both", part);
  if (arrays->labels) return true;
  return check_array(&targets, 1, NULL, err) &&
         (arrays->inputs.dim[0] == arrays->targets.dim[0] ||
          dg_fail(err, DG_ERR_INPUT, "%s inputs are of %u samples, but the targets of %u", part,
                  arrays->inputs.dim[0], arrays->targets.dim[0]));
}

static dg_sample_kind kind_of(const dg_sample_arrays *arrays) {
  const dg_ndarray *in = &arrays->inputs, *targets = &arrays->targets;
  dg_sample_kind kind = {.shape = {.rank = in->rank - 1}, .type = in->type};
  memcpy(kind.shape.dim, in->dim + 1, (in->rank - 1) * sizeof *in->dim);
  kind.lengths = arrays->lengths != NULL;
  if (arrays->labels) return kind;
  kind.targets = (uint32_t)dg_size_product(targets->rank - 1, targets->dim + 1);
  kind.targets_type = targets->type;
  return kind;
}

/** Takes a part that was checked. */
static bool take_part(dg_samples *samples, const dg_sample_arrays *arrays, bool borrow,
                      dg_error *err) {
  const dg_sample_kind kind = kind_of(arrays);
  const dg_samples from = {.count = arrays->inputs.dim[0],
                           .borrowed = true,
                           .kind = kind,
                           .inputs = (uint8_t *)arrays->inputs.numbers,
                           .labels = (uint8_t *)arrays->labels,
                           .targets = (uint8_t *)arrays->targets.numbers,
                           .lengths = (uint32_t *)arrays->lengths};
  *samples = from;
  if (borrow) return dg_samples_check_lengths(samples, "arrays in memory", err);
  if (!dg_samples_new(samples, from.count, &kind, err)) return false;
  dg_samples_copy(samples, 0, &from, 0, from.count);
  return dg_samples_check_lengths(samples, "arrays in memory", err);
}

static bool take_set(dg_dataset *set, const dg_sample_arrays *train, const dg_sample_arrays *test,
                     bool borrow, dg_error *err) {
  if (!check_part(train, "the training", err) || (test && !check_part(test, "the test", err)))
    return false;
  if (!take_part(&set->train, train, borrow, err)) return false;
  if (test ? !take_part(&set->test, test, borrow, err) : !dg_dataset_hold_out(set, err))
    return false;
  if (!dg_kind_equal(&set->train.kind, &set->test.kind))
    return dg_fail(err, DG_ERR_INPUT,
                   "the samples to test have another shape, type or count of targets than those to "
                   "learn from, or only one of both has lengths");
  dg_dataset_count_classes(set);
  return true;
}

dg_dataset *dg_dataset_from_arrays(const dg_sample_arrays *train, const dg_sample_arrays *test,
                                   bool borrow, dg_error *err) {
  dg_sample_arrays own[2];
  if (!dg_sized_take(&own[0], sizeof own[0], train, "dg_sample_arrays", err) ||
      !dg_sized_take(&own[1], sizeof own[1], test, "dg_sample_arrays", err))
    return NULL;
  dg_dataset *set = dg_dataset_new("arrays in memory", err);
  if (set && take_set(set, &own[0], test ? &own[1] : NULL, borrow, err)) return set;
  dg_dataset_close(set);
  return NULL;
}
