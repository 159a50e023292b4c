/**
 * Benchmarks: the cost of a training step, the speed of testing and of single predictions, and the
 * peak rates of a device. The speed of training comes from dg_trainer_train: its listener gets the
 * samples per second of each epoch.
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

/* ---- cost of a step ----------------------------------------------------- */

enum { DG_COST_NAME = 64 };

/**
 * The cost of an op of a trainer.
 *
 * Operations are those of the direct method: two for each multiply-add; ops without sums of
 * products count one for each number that they write. Backward counts as many for the gradients of
 * the parameters, and as many again for the gradients of the inputs if these are needed.
 *
 * Bytes count each array that must be read or written once. Forward reads the inputs and parameters
 * and writes the output and what it saves for backward. Backward reads the gradient of the output,
 * the parameters, what was saved, and the inputs and output if it needs them; it writes the
 * gradients of the inputs (and reads them too if it adds to them) and of the parameters. The update
 * reads gradients and reads and writes parameters and the optimizer's state. Workspaces, cache hits
 * and repeated reads are not counted. The ops around the layers have bytes, but no operations.
 */
typedef struct {
  char
      layer[DG_COST_NAME]; /**< its name; around the layers "gather", "loss", "update", "average" */
  char op[DG_COST_NAME];   /**< the op and what is fused to it: "conv2d + relu" */
  double forward_operations, backward_operations; /**< of one sample */
  double forward_bytes, backward_bytes;           /**< of a step of a whole batch */
  double forward_seconds,
      backward_seconds; /**< sum over all runs; 0 without dg_device_options.profile */
  uint64_t forward_runs, backward_runs;
} dg_cost;

/**
 * Writes up to `capacity` ops of a training step to `out`, elements of `size` bytes
 * (sizeof(dg_cost)), in forward order, and their total number to `count`. For a trainer made with
 * `test_only`, these are the ops of a test step.
 */
DG_API bool dg_trainer_costs(dg_trainer *trainer, dg_cost *out, size_t size, size_t capacity,
                             size_t *count, dg_error *err);

/**
 * Bytes that a trainer allocates on the device: activations, gradients and workspaces as planned,
 * parameters, a copy of those of the best epoch if there is validation, the optimizer's state, and
 * the training images that are there at a time. Internal tables of a backend are not counted.
 */
DG_API uint64_t dg_trainer_memory(const dg_trainer *trainer);

/* ---- testing ------------------------------------------------------------ */

/** Test images on a trainer's device. */
typedef struct dg_tester dg_tester;

/** Uploads the test images of the trainer's data. The trainer must outlive the tester. */
DG_API dg_tester *dg_tester_new(dg_trainer *trainer, dg_error *err);
DG_API void dg_tester_free(dg_tester *tester); /**< NULL is allowed */

/** Runs `samples` test images through network and loss in whole batches, as dg_trainer_test does,
    and waits until they are done. After the last image it starts again with the first. */
DG_API bool dg_tester_run(dg_tester *tester, uint32_t samples, dg_error *err);

/**
 * Computes the logits of one sample, both in host memory: `image`, bytes of an image or of a sample
 * of the shape and type of the trainer's data, all of whose steps are there; `logits`
 * [dg_trainer_outputs].
 */
DG_API bool dg_tester_answer(dg_tester *tester, const uint8_t *image, float *logits, dg_error *err);

/* ---- peak rates of a device --------------------------------------------- */

typedef struct dg_probe dg_probe;

/** Rates that were measured on a device. */
typedef struct {
  double operations; /**< operations per second of a matrix product */
  double bytes;      /**< bytes per second, read and written, of a sum of two long arrays */
} dg_rates;

/**
 * Makes a probe of a device, which is named as for dg_open. It multiplies 1024 or 128 samples by
 * 1024 x 1024 weights as a linear layer does, packing included. It tries every variant of that
 * kernel that the backend has, and uses the fastest.
 */
DG_API dg_probe *dg_probe_new(const char *backend, const char *device, unsigned threads,
                              dg_error *err);
DG_API void dg_probe_free(dg_probe *probe); /**< NULL is allowed */

/** Measures for about `seconds`, half of them for each rate. */
DG_API bool dg_probe_run(dg_probe *probe, double seconds, dg_rates *rates, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
