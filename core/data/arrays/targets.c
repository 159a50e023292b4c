/** Labels and targets of samples from arrays. */
#include <stdio.h>
#include <stdlib.h>

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
