/**
 * Losses and right answers of steps: each step, or each part of one, writes a
 * slot on the device, and the slots are read together now and then.
 */
#ifndef DG_METER_H
#define DG_METER_H

#include "backends/backend.h"
#include "digits/device.h"
#include "digits/train.h"

enum { DG_METER_STEPS = 128, DG_METER_SLOTS = 4096 };

typedef struct {
  dg_device *device;
  uint32_t room, slots;                                   /**< for steps, and for their parts */
  dg_buffer *losses, *correct;                            /**< float and uint32 [slots] */
  float *read_losses;                                     /**< [slots] */
  uint32_t *read_correct;                                 /**< [slots] */
  uint32_t used;                                          /**< slots since they were last read */
  uint32_t pending;                                       /**< steps likewise */
  uint32_t samples[DG_METER_STEPS], ends[DG_METER_STEPS]; /**< and their last slots + 1 */
  float loss[DG_METER_STEPS];                             /**< as last read */
  double accuracy[DG_METER_STEPS]; /**< shares of right answers, as last read */
  double loss_sum;                 /**< over samples */
  uint32_t right, total;
} dg_meter;

/** For steps of up to `parts` parts, 2^20 at most. */
bool dg_meter_open(dg_meter *meter, dg_device *device, uint32_t parts, dg_error *err);
void dg_meter_close(dg_meter *meter);

/** Forgets all sums. Nothing may be pending. */
void dg_meter_reset(dg_meter *meter);
/** Begins the next step, of n samples. The meter must not be full. */
void dg_meter_begin(dg_meter *meter, uint32_t n);
/** The slot of the next part of the step that was begun. What parts write adds up to the step's. */
uint32_t dg_meter_slot(dg_meter *meter);
static inline bool dg_meter_full(const dg_meter *meter) {
  return meter->pending == meter->room;
}

/**
 * Waits for the device, adds what is pending to the sums and hands out its losses: `*losses`
 * points to `*count` of them, good until the next call.
 */
bool dg_meter_read(dg_meter *meter, const float **losses, uint32_t *count, dg_error *err);
dg_score dg_meter_score(const dg_meter *meter);

#endif
