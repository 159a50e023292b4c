/** The checkpoint FILE.state beside the weights that --save writes, and --resume from it. */
#ifndef DG_RUN_CHECKPOINT_H
#define DG_RUN_CHECKPOINT_H

#include "digits/train.h"
#include "tools/run/options.h"

#define CHECKPOINT_EXTENSION ".state"

typedef struct {
  char path[4096];         /**< empty: no checkpoint, for example if the weights go to a device */
  dg_error none;           /**< why a checkpoint can't be written although the weights can */
  dg_checkpoint_info info; /**< with --resume */
} run_checkpoint;

/**
 * Sets the checkpoint file of a run. With --resume, reads it and fills in options that were not
 * given: backend, device, threads, data and seed. Without --resume, an existing checkpoint is an
 * error.
 */
bool run_checkpoint_find(options *o, run_checkpoint *checkpoint, dg_error *err);

/** Checks whether the checkpoint can be written. If not, the run has none; with --resume that is an
    error. */
bool run_checkpoint_check(run_checkpoint *checkpoint, bool resumed, dg_error *err);

/** Checks that the run, which saves to `save`, has a checkpoint. */
bool run_checkpoint_need(const run_checkpoint *checkpoint, const char *save, dg_error *err);

/** Prints where the run continues, and whether it can be bit for bit the same. */
void run_checkpoint_print(const run_checkpoint *checkpoint, const dg_device *device);

/** Adds to the error of a stopped run how to resume it, if possible. Returns false. */
bool run_checkpoint_hint(const run_checkpoint *checkpoint, const char *save, dg_error *err);

/** Removes the checkpoint once the weights are saved. */
bool run_checkpoint_remove(const run_checkpoint *checkpoint, dg_error *err);

#endif
