/**
 * Measuring: what a step costs, how fast a network tests and answers, and what its device could
 * reach at best. The speed of training is told by dg_trainer_train itself: its listener gets the
 * samples a second of each epoch.
 */
#ifndef DIGITS_BENCH_H
#define DIGITS_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"
#include "digits/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a step costs -------------------------------------------------- */

enum { DG_COST_NAME = 64 };

/**
 * What an op of a trainer costs.
 *
 * Operations are those of the direct method: two for each product of a sum, one for each number
 * that another op writes. Backward takes as many again for the gradients of the parameters and as
 * many again for those of the inputs, where these are wanted.
 *
 * Bytes are what must be read and written once: forward reads the inputs and parameters and writes
 * the output and what it keeps for backward; backward reads the gradient of the output, the
 * parameters, what was kept and what it asks for of inputs and output, and writes the gradients of
 * the inputs (reading them too where it adds) and of the parameters; the update reads gradients
 * and reads and writes parameters and the optimizer's state. Workspaces don't count, nor what a
 * cache saves or a kernel reads twice. The ops around the layers count bytes, but no operations.
 */
typedef struct {
  char
      layer[DG_COST_NAME]; /**< its name; "gather", "loss", "update", "average" around the layers */
  char op[DG_COST_NAME];   /**< what it is, with what is fused to it: "conv2d + relu" */
  double forward_operations, backward_operations; /**< of one sample */
  double forward_bytes, backward_bytes;           /**< of a step of a whole batch */
  double forward_seconds,
      backward_seconds; /**< in all its runs; 0 without dg_device_options.profile */
  uint64_t forward_runs, backward_runs;
} dg_cost;

/**
 * Writes up to `capacity` ops of a trainer's step to `out`, elements of `size` bytes
 * (sizeof(dg_cost)), in the order in which they run forward, and to `count` how many there are. For
 * a trainer made with `test_only`, of a step of testing.
 */
DG_API bool dg_trainer_costs(dg_trainer *trainer, dg_cost *out, size_t size, size_t capacity,
                             size_t *count, dg_error *err);

/**
 * Bytes that a trainer keeps on the device: activations, gradients and workspaces as planned,
 * parameters, those of the best epoch where there is validation, the optimizer's state, and the
 * training images. Tables that a backend makes for itself don't count.
 */
DG_API uint64_t dg_trainer_memory(const dg_trainer *trainer);

/* ---- testing ------------------------------------------------------------ */

/** Test images that lie on a trainer's device. */
typedef struct dg_tester dg_tester;

/** Uploads the test images of the trainer's data. The trainer must outlive it. */
DG_API dg_tester *dg_tester_new(dg_trainer *trainer, dg_error *err);
DG_API void dg_tester_free(dg_tester *tester); /**< NULL is allowed */

/** Runs `samples` test images through network and loss in whole batches, as dg_trainer_test does,
   from the first again after the last, and waits for the end. */
DG_API bool dg_tester_run(dg_tester *tester, uint32_t samples, dg_error *err);

/**
 * From one image in the host's memory to its logits there: `image` [height * width] bytes, `logits`
 * [dg_trainer_outputs].
 */
DG_API bool dg_tester_answer(dg_tester *tester, const uint8_t *image, float *logits, dg_error *err);

/* ---- what a device could reach ------------------------------------------ */

typedef struct dg_probe dg_probe;

/** What a device reached. */
typedef struct {
  double operations; /**< a second, of a product of matrices */
  double bytes;      /**< a second, read and written, of a sum of two long arrays */
} dg_rates;

/**
 * Makes a probe of a device, which is named as for dg_open: it multiplies 1024 or 128 samples by
 * 1024 x 1024 weights as a linear layer does, packing included, in every form in which the backend
 * has that kernel, and keeps the fastest.
 */
DG_API dg_probe *dg_probe_new(const char *backend, const char *device, unsigned threads,
                              dg_error *err);
DG_API void dg_probe_free(dg_probe *probe); /**< NULL is allowed */

/** Measures for about `seconds`, half of them each rate. */
DG_API bool dg_probe_run(dg_probe *probe, double seconds, dg_rates *rates, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
