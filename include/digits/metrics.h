/**
 * Metrics: how well the outputs of a network fit what is wanted, over as many samples as there are.
 * Batches are added one after the other; nothing of them is kept but sums.
 */
#ifndef DIGITS_METRICS_H
#define DIGITS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "digits/error.h"
#include "digits/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What outputs say about a sample. */
typedef enum {
  DG_TASK_CLASS,  /**< its class: the first largest output */
  DG_TASK_LABELS, /**< several labels: yes where an output, a logit, is at least 0 */
  DG_TASK_VALUES, /**< numbers */
} dg_task;

/** Sums over samples. One thread at a time may use it. */
typedef struct dg_evaluation dg_evaluation;

/** Begins with no samples, for networks of `outputs` outputs. */
DG_API dg_evaluation *dg_evaluation_new(dg_task task, uint32_t outputs, dg_error *err);
DG_API void dg_evaluation_free(dg_evaluation *evaluation); /**< NULL is allowed */

/** Adds n samples of DG_TASK_CLASS: their outputs [n, outputs] and labels [n]. After an error,
   which names the sample, none of them is added. */
DG_API bool dg_evaluation_add_classes(dg_evaluation *evaluation, const float *outputs,
                                      const uint8_t *labels, uint32_t n, dg_error *err);

/** The same for the other tasks: targets [n, outputs]; those of labels mean yes from 0.5 on. */
DG_API bool dg_evaluation_add_targets(dg_evaluation *evaluation, const float *outputs,
                                      const float *targets, uint32_t n, dg_error *err);

/** Metrics of all samples; those that the task has not are 0. A quotient whose divisor is 0 is 0.
 */
typedef struct {
  uint64_t samples;
  double accuracy; /**< share of samples with the right class, or with all labels right */
  /** Share of samples whose class is among those of the five largest outputs; of equal outputs the
      first is larger. */
  double top5_accuracy;
  /** Means over labels, or over the classes that samples or answers have. */
  double precision_macro, recall_macro, f1_macro;
  double mae;  /**< mean of |output - target| over all numbers */
  double rmse; /**< square root of the mean of (output - target)^2 over all numbers */
  double r2;   /**< mean over outputs of their r2 */
} dg_metrics_of_all;

DG_API void dg_evaluation_measure(const dg_evaluation *evaluation, dg_metrics_of_all *out,
                                  size_t size);

/** Metrics of an output: a class, a label or a number. */
typedef struct {
  uint64_t actual;    /**< samples that have the class or label */
  uint64_t predicted; /**< samples for which the network says so */
  uint64_t right;     /**< both */
  double precision;   /**< right / predicted */
  double recall;      /**< right / actual */
  double f1;          /**< their harmonic mean */
  double mae, rmse;
  /** 1 - sum of (output - target)^2 / sum of (target - mean of targets)^2; if all targets are the
      same, 1 if the outputs are they and else 0. NaN for less than two samples. */
  double r2;
} dg_metrics_of_output;

/** Writes those of the first `capacity` outputs to `out`, elements of `size` bytes
    (sizeof(dg_metrics_of_output)). */
DG_API void dg_evaluation_measure_outputs(const dg_evaluation *evaluation,
                                          dg_metrics_of_output *out, size_t size, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
