/** digits-bench: measures one model on one device, in rounds. */
#ifndef DG_BENCH_MEASURE_H
#define DG_BENCH_MEASURE_H

#include "digits/bench.h"
#include "digits/data.h"
#include "tools/bench/options.h"

/** A device to compare with others. */
typedef struct {
  const char *backend, *device; /**< as for dg_open */
  unsigned threads;
  char label[64];      /**< in the table: "cpu", or "opencl:1" if the backend has several */
  dg_device *opened;   /**< the device, open */
  dg_device *profiled; /**< the same with profiling; NULL without --profile */
  dg_probe *probe;
  uint32_t models;  /**< measured so far */
  dg_rates reached; /**< medians of the rounds, summed over these models */
} bench_side;

/** What every round measures. */
typedef enum {
  SERIES_TRAIN,   /**< samples per second */
  SERIES_TEST,    /**< samples per second */
  SERIES_LATENCY, /**< seconds from an image to its logits: the median of the round */
  SERIES_PRODUCT, /**< operations per second of the device */
  SERIES_MEMORY,  /**< bytes per second of the device */
  SERIES_COUNT
} bench_series;

enum { BENCH_LAYERS = 256 };

/** Results of a model on a side. Numbers that weren't measured are NAN, or 0 for counts. */
typedef struct {
  uint32_t batch;
  bool exact;                               /**< same bits with any number of threads */
  uint64_t parameters, memory;              /**< memory: bytes planned on the device to train */
  double train_operations, test_operations; /**< of one sample */
  double train_bytes, test_bytes;           /**< read and written for one sample */
  double series[SERIES_COUNT][BENCH_ROUNDS];
  double median[SERIES_COUNT];
  float losses[BENCH_STEPS];    /**< of the first steps */
  double apart;                 /**< largest relative difference from the first side's losses */
  double cold, warm;            /**< seconds to the first step */
  uint64_t host_memory;         /**< peak bytes of a process that runs two steps */
  dg_cost layers[BENCH_LAYERS]; /**< with --profile: times are those of one step */
  size_t layer_count;
} bench_result;

/** A model that is prepared on a side. */
typedef struct bench_network bench_network;

/**
 * Prepares a model: builds its networks, runs the first steps (into result->losses) and finds how
 * many steps take o->seconds. Fills in the counts.
 */
bench_network *bench_network_new(const bench_options *o, const bench_side *side,
                                 const dg_dataset *data, const char *model, bench_result *result,
                                 dg_error *err);
void bench_network_free(bench_network *network); /**< NULL is allowed */

/** Measures all series once, into entry `round` of each. */
bool bench_network_round(bench_network *network, uint32_t round, dg_error *err);

/** Trains on the device with profiling; fills in the layers. */
bool bench_profile(const bench_options *o, const bench_side *side, const dg_dataset *data,
                   const char *model, bench_result *result, dg_error *err);

/** Runs --first-step: prints how long a first step took. */
bool bench_first_step(const bench_options *o, double begun, dg_error *err);

/** The images to use; `threads` 0: all cores. */
dg_dataset *bench_data(const bench_options *o, dg_error *err);

/**
 * Loads a model with the command line's overrides, and one epoch of so many steps, independent of
 * the number of samples. `batch` 0: not overridden.
 */
dg_model *bench_model(const bench_options *o, const char *name, uint32_t steps, uint32_t batch,
                      dg_error *err);

/** The median of `count` > 0 numbers, which it sorts. */
double bench_median(double *numbers, uint32_t count);

#endif
