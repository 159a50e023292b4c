/** The built-in digits as a set. */
#include "core/base/error.h"
#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"

static bool draw_samples(dg_samples *samples, uint32_t count, uint32_t seed, dg_digits_part part,
                         unsigned threads, dg_error *err) {
  if (count == 0)
    return dg_fail(err, DG_ERR_INPUT, "built-in digits: expected at least 1 %s image, found 0",
                   part == DG_DIGITS_TRAIN ? "training" : "test");
  const dg_sample_kind kind = dg_gray_kind(DG_DIGIT_SIDE, DG_DIGIT_SIDE);
  if (!dg_samples_new(samples, count, &kind, err)) return false;
  dg_digits_draw(seed, part, count, threads, samples->inputs, samples->labels);
  return true;
}

dg_dataset *dg_dataset_draw(uint32_t train, uint32_t test, uint32_t seed, unsigned threads,
                            dg_error *err) {
  dg_dataset *set = dg_dataset_new("built-in digits", err);
  if (!set || !draw_samples(&set->train, train, seed, DG_DIGITS_TRAIN, threads, err) ||
      !draw_samples(&set->test, test, seed, DG_DIGITS_TEST, threads, err)) {
    dg_dataset_close(set);
    return NULL;
  }
  dg_dataset_count_classes(set);
  return set;
}
