/** Labels, targets and lengths of samples from arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/size.h"
#include "core/data/arrays/numbers.h"

/** Has each sample one number? */
static bool is_single(const dg_numbers *a) {
  return a->count == a->dim[0] && a->rank <= 2;
}

static bool is_label(double value) {
  return value >= 0 && value <= UINT8_MAX && value == (uint8_t)value;
}

bool dg_numbers_are_labels(const dg_numbers *a) {
  if (!is_single(a)) return false;
  if (dg_element_is_integer(a->element)) return true;
  for (uint64_t i = 0; i < a->count; i++)
    if (!is_label(dg_numbers_at(a, i))) return false;
  return true;
}

bool dg_numbers_to_labels(dg_numbers *a, dg_samples *samples, dg_error *err) {
  samples->labels = malloc((size_t)a->count);
  if (!samples->labels) return dg_fail_memory(err, a->count);
  for (uint64_t i = 0; i < a->count; i++) {
    const double value = dg_numbers_at(a, i);
    char what[120];
    if (!is_label(value)) {
      snprintf(what, sizeof what,
               "is %.17g; labels go from 0 to %d: save numbers to learn as floats, or ask for "
               "targets",
               value, UINT8_MAX);
      return dg_numbers_fail(a, i, what, err);
    }
    samples->labels[i] = (uint8_t)value;
  }
  return true;
}

/** Where the channels of [samples, a, b, c] may be: `height` and `width` are those of the pictures;
    `channels` 0: any number. */
typedef struct {
  bool first, last;
} places;

static places find_places(const dg_numbers *a, uint32_t channels, uint32_t height, uint32_t width) {
  const uint64_t *d = a->dim;
  return (places){d[2] == height && d[3] == width && (!channels || d[1] == channels),
                  d[1] == height && d[2] == width && (!channels || d[3] == channels)};
}

bool dg_numbers_turn_targets(dg_numbers *a, const dg_samples *samples, bool inputs_last,
                             const dg_dataset_options *options, dg_error *err) {
  const dg_shape *input = &samples->kind.shape;
  const uint32_t *output = options->output_dim;
  const bool known = options->output_rank == 3;
  char where[600], text[100];
  if (a->rank != 4 || a->channels_first || (!known && input->rank != 3)) return true;
  places p = known ? find_places(a, output[0], output[1], output[2])
                   : find_places(a, 0, input->dim[1], input->dim[2]);
  if (!known && p.first && p.last) p.first = !inputs_last;
  if (p.first && p.last)
    return dg_fail(
        err, DG_ERR_INPUT,
        "%s: %s may have its channels in the first or in the last dimension of a target; "
        "write the set as IDX files, where they are first",
        dg_numbers_where(a, where, sizeof where), dg_numbers_shape(a, text, sizeof text));
  if (!p.last) return true;
  const dg_shape shape = {3, {(uint32_t)a->dim[3], (uint32_t)a->dim[1], (uint32_t)a->dim[2]}};
  return dg_numbers_check(a, err) && dg_numbers_channels_first(a, &shape, err);
}

bool dg_numbers_to_targets(dg_numbers *a, dg_samples *samples, dg_error *err) {
  char where[600];
  const uint64_t targets = a->count / a->dim[0];
  if (!dg_size_fits(targets))
    return dg_fail(err, DG_ERR_INPUT, "%s: %llu targets a sample are too many",
                   dg_numbers_where(a, where, sizeof where), (unsigned long long)targets);
  if (!dg_numbers_to_floats(a, err)) return false;
  samples->kind.targets = (uint32_t)targets;
  samples->kind.targets_type = DG_NUMBERS_FLOATS;
  samples->targets = a->bytes;
  samples->targets_mapping = a->mapping;
  a->bytes = NULL;
  a->mapping = (dg_mapping){0};
  return true;
}

/* ---- lengths ------------------------------------------------------------ */

static bool fail_length(const dg_numbers *a, uint64_t i, uint64_t steps, dg_error *err) {
  char what[100];
  snprintf(what, sizeof what, "is %.17g; lengths are whole numbers from 1 to the %llu steps",
           dg_numbers_at(a, i), (unsigned long long)steps);
  return dg_numbers_fail(a, i, what, err);
}

bool dg_numbers_to_lengths(dg_numbers *a, dg_numbers *inputs, dg_samples *samples, dg_error *err) {
  char where[600];
  const uint64_t steps = inputs->rank > 1 ? inputs->dim[1] : 1;
  const size_t sample = (size_t)(inputs->count / inputs->dim[0]) * dg_element_size(inputs->element);
  if (!is_single(a) || steps == 0 || steps > UINT32_MAX)
    return dg_fail(err, DG_ERR_INPUT, "%s: lengths are one number for each sequence",
                   dg_numbers_where(a, where, sizeof where));
  if (!dg_numbers_own(inputs, err)) return false;
  samples->lengths = malloc((size_t)a->count * sizeof *samples->lengths);
  if (!samples->lengths) return dg_fail_memory(err, a->count * sizeof *samples->lengths);
  samples->kind.lengths = true;
  for (uint64_t i = 0; i < a->count; i++) {
    const double length = dg_numbers_at(a, i);
    if (!(length >= 1 && length <= (double)steps) || length != (uint32_t)length)
      return fail_length(a, i, steps, err);
    const size_t there = sample / (size_t)steps * (uint32_t)length;
    memset(inputs->bytes + i * sample + there, 0, sample - there);
    samples->lengths[i] = (uint32_t)length;
  }
  return true;
}
