/** The checkpoint FILE.state beside the weights that --save writes, and --resume from it. */
#ifndef DG_RUN_CHECKPOINT_H
#define DG_RUN_CHECKPOINT_H

#include "digits/train.h"
#include "tools/run/options.h"

#define CHECKPOINT_EXTENSION ".state"

typedef struct {
  char path[4096];         /**< empty: no checkpoint is kept, as beside a device that is no file */
  dg_error none;           /**< why none can be kept beside weights that can be written */
  dg_checkpoint_info info; /**< with --resume */
} run_checkpoint;

/**
 * Names the checkpoint file of a run. With --resume it is read, and fills in what the options leave
 * open: backend, device, threads, data and seed. Else one that is there already is an error.
 */
bool run_checkpoint_find(options *o, run_checkpoint *checkpoint, dg_error *err);

/** Looks whether the checkpoint can be written; where it can't, none is kept. One that is gone on
   with must be. */
bool run_checkpoint_check(run_checkpoint *checkpoint, bool resumed, dg_error *err);

/** Prints where the run goes on, and whether that can be to the same bits. */
void run_checkpoint_print(const run_checkpoint *checkpoint, const dg_device *device);

/** Adds to the error of a run that stopped how it goes on, if it can. Returns false. */
bool run_checkpoint_hint(const run_checkpoint *checkpoint, const char *save, dg_error *err);

/** Removes the checkpoint once the weights are saved. */
bool run_checkpoint_remove(const run_checkpoint *checkpoint, dg_error *err);

#endif
