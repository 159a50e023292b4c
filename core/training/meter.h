/**
 * Losses and right answers of steps: each step writes a slot on the device,
 * and the slots are read together now and then.
 */
#ifndef DG_METER_H
#define DG_METER_H

#include "backends/backend.h"
#include "core/digits.h"

enum { DG_METER_SLOTS = 128 };

typedef struct {
  dg_device *device;
  dg_buffer *losses, *correct; /**< float and uint32 [DG_METER_SLOTS] */
  uint32_t pending;            /**< slots written since they were last read */
  uint32_t samples[DG_METER_SLOTS];
  float loss[DG_METER_SLOTS];      /**< as last read */
  double accuracy[DG_METER_SLOTS]; /**< shares of right answers, as last read */
  double loss_sum;                 /**< over samples */
  uint32_t right, total;
} dg_meter;

bool dg_meter_open(dg_meter *meter, dg_device *device, dg_error *err);
void dg_meter_close(dg_meter *meter);

/** Forgets all sums. Nothing may be pending. */
void dg_meter_reset(dg_meter *meter);
/** The slot of the next step, of n samples. The meter must not be full. */
uint32_t dg_meter_slot(dg_meter *meter, uint32_t n);
static inline bool dg_meter_full(const dg_meter *meter) {
  return meter->pending == DG_METER_SLOTS;
}

/**
 * Waits for the device, adds what is pending to the sums and hands out its losses: `*losses`
 * points to `*count` of them, good until the next call.
 */
bool dg_meter_read(dg_meter *meter, const float **losses, uint32_t *count, dg_error *err);
dg_score dg_meter_score(const dg_meter *meter);

#endif
