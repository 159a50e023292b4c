/*
 * Models that a seed makes up, built and run on every device: the generator of the fuzz target,
 * with bytes that are the same every time. What counts is that nothing is read or written where it
 * must not be, which sanitizers and simulators see.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/common/rig.h"
#include "tests/common/suite.h"
#include "tests/fuzz/generate.h"
#include "tests/fuzz/run_model.h"

/** Seeds on the cpu; fewer where kernels are compiled for each model, or simulated. */
enum { BYTES = 160, SEEDS = 200, COMPILED_SEEDS = 24, SMALL_SEEDS = 240 };

/** Does the model of a seed run to its end? */
static bool run(uint32_t seed, dg_device *device) {
  static const uint32_t batches[] = {1, 2, 3, 4, 17};
  static const fuzz_limits large = {1 << 18, 1 << 17, 1 << 22}, small = {1000, 1000, 10000};
  uint8_t bytes[BYTES];
  dg_random random = dg_random_start(seed, 0, 0, 0);
  for (size_t i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(dg_random_word(&random) >> 24);
  char *text = fuzz_generate(bytes, sizeof bytes);
  ck_assert_ptr_nonnull(text);
  bool ran = fuzz_run_model(text, device, batches[seed % 5], rig_small() ? &small : &large);
  free(text);
  return ran;
}

static void generated_models_run(const rig_target *target, int number) {
  (void)number;
  dg_device *device = rig_open(target);
  const dg_device_calls *calls = device->calls;
  bool compiles = strcmp(target->backend->name, "cpu") != 0;
  uint32_t ran = 0, seeds = rig_small() ? SMALL_SEEDS : compiles ? COMPILED_SEEDS : SEEDS;
  fuzz_limit(device);
  for (uint32_t seed = 0; seed < seeds; seed++) ran += run(seed, device);
  printf("%s: %u of %u models ran\n", target->label, ran, seeds);
  ck_assert_uint_ge(ran, seeds / 20);
  device->calls = calls;
  device->calls->close(device);
}

int main(int argc, char **argv) {
  static const rig_group groups[] = {{"generated_models_run", generated_models_run, 0}};
  if (argc > 1 && strcmp(argv[1], "--small") == 0) setenv("DIGITS_TEST_SMALL", "1", 1);
  return rig_main("generated", groups, 1);
}
