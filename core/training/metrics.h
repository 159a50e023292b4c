/**
 * Losses and correct answers of steps: each step, or each slice of one, writes a
 * slot on the device, and the slots are read together now and then.
 */
#ifndef DG_METRICS_H
#define DG_METRICS_H

#include "backends/backend.h"
#include "digits/train.h"

enum { DG_METRICS_STEPS = 128, DG_METRICS_SLOTS = 4096 };

typedef struct {
  dg_device *device;
  uint32_t capacity, slots;    /**< for steps, and for their slices */
  dg_buffer *losses, *correct; /**< float and uint32 [slots] */
  float *read_losses;          /**< [slots] */
  uint32_t *read_correct;      /**< [slots] */
  uint32_t used;               /**< slots since they were last read */
  uint32_t pending;            /**< steps likewise */
  uint32_t samples[DG_METRICS_STEPS], end_slots[DG_METRICS_STEPS]; /**< and their last slots + 1 */
  float loss[DG_METRICS_STEPS];                                    /**< as last read */
  double accuracy[DG_METRICS_STEPS]; /**< shares of correct answers, as last read */
  double loss_sum;                   /**< over samples */
  uint32_t correct_sum, total;
} dg_metrics;

/** For steps of up to `slices` slices, 2^20 at most. */
bool dg_metrics_open(dg_metrics *metrics, dg_device *device, uint32_t slices, dg_error *err);
void dg_metrics_close(dg_metrics *metrics);

/** Forgets all sums. Nothing may be pending. */
void dg_metrics_reset(dg_metrics *metrics);
/** Begins the next step, of n samples. The slots must not be full. */
void dg_metrics_begin(dg_metrics *metrics, uint32_t n);
/** The slot of the next slice of the step that was begun. What slices write adds up to the step's.
 */
uint32_t dg_metrics_slot(dg_metrics *metrics);
static inline bool dg_metrics_full(const dg_metrics *metrics) {
  return metrics->pending == metrics->capacity;
}

/**
 * Waits for the device, adds what is pending to the sums and hands out its losses: `*losses`
 * points to `*count` of them, good until the next call.
 */
bool dg_metrics_read(dg_metrics *metrics, const float **losses, uint32_t *count, dg_error *err);
dg_score dg_metrics_score(const dg_metrics *metrics);

#endif
