/** The command line of digits-bench. */
#ifndef DG_BENCH_OPTIONS_H
#define DG_BENCH_OPTIONS_H

#include "digits/model.h"
#include "tools/common/piped.h"
#include "tools/common/reading.h"

enum { BENCH_MODELS = 256, BENCH_SIDES = 16, BENCH_OVERRIDES = 64, BENCH_ROUNDS = 100 };
enum { BENCH_STEPS = 1000 };

typedef enum { BENCH_RUN, BENCH_FIRST_STEP, BENCH_TUNE, BENCH_HELP, BENCH_VERSION } bench_task;

/** What --measure names, as bits. */
typedef enum {
  MEASURE_TRAIN = 1,
  MEASURE_TEST = 2,
  MEASURE_LATENCY = 4,
  MEASURE_START = 8,
  MEASURE_LOSSES = 16,
} bench_measure;

typedef struct {
  bench_task task;
  const char *models[BENCH_MODELS];
  char pipes[BENCH_MODELS][PIPED_PATH]; /**< what is read in place of FIFOs */
  uint32_t model_count;                 /**< 0: all that are found */
  const char *backends[BENCH_SIDES];
  uint32_t backend_count; /**< 0: all */
  const char *devices[BENCH_SIDES];
  uint32_t device_count; /**< 0: the first of each backend */
  const char *data;      /**< NULL: a small drawn set */
  reading reading;
  const char *json; /**< NULL: no JSON */
  uint32_t threads, seed, steps, rounds;
  uint32_t skip_bad; /**< unreadable pictures that may be left out */
  double seconds;
  unsigned measures; /**< bits */
  bool profile;
  dg_override overrides[BENCH_OVERRIDES];
  uint32_t override_count;
} bench_options;

/** Reads the command line; strings point into argv, where lists are split in place. */
bool bench_options_read(bench_options *out, int argc, char **argv, dg_error *err);

extern const char bench_options_help[];

/** Calls for each device that the options name, until one fails: `device` NULL is the first of its
    backend. */
bool bench_for_devices(const bench_options *options,
                       bool (*call)(void *user, const char *backend, const char *device,
                                    dg_error *err),
                       void *user, dg_error *err);

#endif
