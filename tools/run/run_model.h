/** The model of a run. */
#ifndef DG_RUN_MODEL_H
#define DG_RUN_MODEL_H

#include "tools/run/options.h"

/**
 * Loads the model that the options name: the checkpoint's to resume; else MODEL, or that of the
 * weights. To calibrate, the weights' own comes first, since its recipe tells what they have
 * learned from.
 */
dg_model *run_model_load(const options *o, const char *checkpoint, dg_error *err);

#endif
