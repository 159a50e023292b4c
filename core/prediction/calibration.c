/** Compares probabilities with how often they are correct. */
#include <math.h>

#include "core/base/numbers.h"
#include "core/base/sized.h"
#include "digits/calibration.h"

/** The bin of a probability; 0 belongs to the first. */
static dg_calibration_bin *bin_of(dg_calibration *all, double probability) {
  double above = ceil(probability * DG_CALIBRATION_BINS) - 1;
  return &all->bins[above >= DG_CALIBRATION_BINS ? DG_CALIBRATION_BINS - 1
                    : above > 0                  ? (int)above
                                                 : 0];
}

void dg_calibration_measure(const float *p, const uint8_t *labels, uint32_t count, uint32_t classes,
                            dg_calibration *out, size_t size) {
  dg_calibration c = {.count = count};
  for (uint32_t i = 0; i < count; i++, p += classes) {
    uint32_t best = dg_argmax(p, classes);
    dg_calibration_bin *bin = bin_of(&c, (double)p[best]);
    bin->count++;
    bin->confidence += (double)p[best];
    bin->accuracy += best == labels[i];
  }
  for (uint32_t i = 0; i < DG_CALIBRATION_BINS; i++) {
    dg_calibration_bin *bin = &c.bins[i];
    if (!bin->count) continue;
    c.error += fabs(bin->confidence - bin->accuracy) / count;
    bin->confidence /= bin->count;
    bin->accuracy /= bin->count;
  }
  dg_sized_give(out, size, 0, &c, sizeof c);
}
