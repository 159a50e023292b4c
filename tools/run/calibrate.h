/** --calibrate: fits the temperature of weights that have been trained. */
#ifndef DG_CALIBRATE_H
#define DG_CALIBRATE_H

#include "digits/train.h"
#include "tools/run/options.h"

typedef struct {
  const options *options;
  dg_device *device;
  const dg_dataset *data;
  const dg_listener *listener; /**< of a second training */
} calibrate_job;

/**
 * Fits the temperature of the weights of --load on the validation images of their recipe. If it
 * sets none aside, the weights have learned from all images. Then a second network is trained by
 * the same recipe without a sixth of them, and its temperature is fitted on these.
 */
bool calibrate_fit(const calibrate_job *job, double *temperature, dg_error *err);

/** Gives the classes of the data the names that the weights carry, if they have none, so that
    saving keeps these names. */
bool calibrate_keep_names(const options *o, dg_dataset *data, dg_error *err);

#endif
