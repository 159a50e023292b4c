/**
 * Losses and correct counts of steps. Each step, or each slice of one, writes a slot on the device;
 * the slots are read in batches.
 */
#ifndef DG_METRICS_H
#define DG_METRICS_H

#include "backends/backend.h"
#include "digits/train.h"

enum { DG_METRICS_STEPS = 128, DG_METRICS_SLOTS = 4096 };

typedef struct {
  dg_device *device;
  bool counted;                /**< whether answers are counted, or else accuracies are NaN */
  uint32_t capacity, slots;    /**< most steps, and most slices */
  dg_buffer *losses, *correct; /**< float and uint32 [slots] */
  float *read_losses;          /**< [slots] */
  uint32_t *read_correct;      /**< [slots] */
  uint32_t used;               /**< slots written since the last read */
  uint32_t pending;            /**< steps since the last read */
  uint32_t samples[DG_METRICS_STEPS],
      end_slots[DG_METRICS_STEPS];   /**< of each step: samples, and its last slot + 1 */
  float loss[DG_METRICS_STEPS];      /**< as last read */
  double accuracy[DG_METRICS_STEPS]; /**< as last read */
  double loss_sum;                   /**< sum over samples */
  uint32_t correct_sum, total;
} dg_metrics;

/** Allocates for steps of up to `slices` <= 2^20 slices. `counted`: losses count answers. */
bool dg_metrics_open(dg_metrics *metrics, dg_device *device, uint32_t slices, bool counted,
                     dg_error *err);
void dg_metrics_close(dg_metrics *metrics);

/** Resets all sums. No step may be pending. */
void dg_metrics_reset(dg_metrics *metrics);
/** Begins the next step, of n samples. The slots must not be full. */
void dg_metrics_begin(dg_metrics *metrics, uint32_t n);
/** The slot of the next slice of the current step. The slots of its slices are summed. */
uint32_t dg_metrics_slot(dg_metrics *metrics);
static inline bool dg_metrics_full(const dg_metrics *metrics) {
  return metrics->pending == metrics->capacity;
}

/**
 * Waits for the device, adds the pending steps to the sums and returns their losses: `*losses`
 * points to `*count` numbers, valid until the next call.
 */
bool dg_metrics_read(dg_metrics *metrics, const float **losses, uint32_t *count, dg_error *err);
dg_score dg_metrics_score(const dg_metrics *metrics);

#endif
