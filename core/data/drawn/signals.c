/** The built-in signals. */
#include <stdio.h>

#include "core/data/drawn/builtin.h"
#include "core/data/drawn/noise.h"
#include "core/data/drawn/wave.h"

enum { SEED = 1, STEPS = DG_SIGNAL_STEPS, CHANNELS = DG_SIGNAL_CHANNELS };

static const char *const names[DG_SIGNAL_SHAPES] = {"wave",  "square", "saw",
                                                    "chirp", "pulse",  "burst"};

/** What differs between signals of one shape. */
typedef struct {
  float frequency, phase, place, width;
  float warp, bend; /**< of time */
} form;

/** A bump at 0. */
static float bump(float x) {
  return 1 / (1 + x * x);
}

/** The signal at a time from 0 to 1. */
static float value(unsigned shape, const form *f, float time) {
  const float t = time + f->warp * dg_wave(f->bend * time);
  const float turn = f->frequency * t + f->phase, away = (t - f->place) / f->width;
  switch (shape) {
  case 0:
    return dg_wave(turn);
  case 1:
    return dg_wave(turn) >= 0 ? 1.0f : -1.0f;
  case 2:
    return 2 * dg_fraction(turn) - 1;
  case 3:
    return dg_wave(f->frequency * t * (0.4f + 1.4f * t) + f->phase);
  case 4:
    return 2 * bump(away) - 0.5f;
  default:
    return 1.5f * dg_wave(3 * turn) * bump(away) * bump(away);
  }
}

/** Draws signal number `index` of a part, and a length for it; returns its shape. */
static uint8_t draw_signal(dg_part part, uint32_t index, float *out, uint32_t *length) {
  dg_random r = dg_random_start(SEED, dg_stream(DG_STREAM_SIGNALS, (uint32_t)part), index, 0);
  const unsigned shape = dg_random_below(&r, DG_SIGNAL_SHAPES);
  form f;
  f.frequency = dg_between(&r, 2, 6);
  f.phase = dg_random_uniform(&r);
  f.place = dg_between(&r, 0.25f, 0.75f);
  f.width = dg_between(&r, 0.04f, 0.15f);
  f.warp = dg_between(&r, 0, 0.06f);
  f.bend = dg_between(&r, 0.5f, 1.5f);
  for (int c = 0; c < CHANNELS; c++) {
    const float gain = dg_between(&r, 0.4f, 1.6f), offset = dg_between(&r, -0.5f, 0.5f),
                delay = dg_between(&r, 0, 0.1f), noise = dg_between(&r, 0.1f, 0.6f);
    for (int t = 0; t < STEPS; t++)
      out[t * CHANNELS + c] =
          offset + gain * value(shape, &f, (float)t / STEPS - delay) + noise * dg_noise(&r);
  }
  *length = DG_SIGNAL_LEAST + dg_random_below(&r, STEPS - DG_SIGNAL_LEAST + 1);
  return (uint8_t)shape;
}

static bool draw_part(dg_dataset *set, dg_part part, bool unequal, dg_error *err) {
  const bool train = part == DG_PART_TRAIN;
  const uint32_t count = train ? DG_SIGNALS_TRAIN : DG_SIGNALS_TEST;
  const dg_sample_kind kind = {
      .shape = {2, {STEPS, CHANNELS}}, .type = DG_NUMBERS_FLOATS, .lengths = unequal};
  dg_samples *samples = train ? &set->train : &set->test;
  if (!dg_samples_new(samples, count, &kind, err)) return false;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t length;
    float *to = (float *)samples->inputs + (size_t)i * STEPS * CHANNELS;
    samples->labels[i] = draw_signal(part, i, to, &length);
    if (unequal) samples->lengths[i] = length;
  }
  return dg_samples_check_lengths(samples, set->source, err);
}

dg_dataset *dg_builtin_signals(bool unequal, dg_error *err) {
  dg_dataset *set = dg_dataset_new(unequal ? "builtin:signals-unequal" : "builtin:signals", err);
  if (set && draw_part(set, DG_PART_TRAIN, unequal, err) &&
      draw_part(set, DG_PART_TEST, unequal, err)) {
    for (uint32_t k = 0; k < DG_SIGNAL_SHAPES; k++)
      snprintf(set->names.name[k], DG_CLASS_SIZE, "%s", names[k]);
    set->names.count = DG_SIGNAL_SHAPES;
    dg_dataset_count_classes(set);
    return set;
  }
  dg_dataset_close(set);
  return NULL;
}
