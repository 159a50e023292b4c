/** The state file beside the weights that --save writes, and --resume from it. */
#ifndef DG_RUN_STATE_H
#define DG_RUN_STATE_H

#include "digits/train.h"
#include "tools/run/options.h"

#define RUN_STATE_END ".state"

typedef struct {
  char path[4096];         /**< empty: no state is kept, as beside a device that is no file */
  dg_error none;           /**< why none can be kept beside weights that can be written */
  dg_checkpoint_info info; /**< with --resume */
} run_state;

/**
 * Names the state file of a run. With --resume it is read, and fills in what the options leave
 * open: backend, device, threads, data and seed. Else one that is there already is an error.
 */
bool run_state_find(options *o, run_state *state, dg_error *err);

/** Looks whether the state can be written; where it can't, none is kept. One that is gone on with
    must be. */
bool run_state_check(run_state *state, bool resumed, dg_error *err);

/** Prints where the run goes on, and whether that can be to the same bits. */
void run_state_tell(const run_state *state, const dg_device *device);

/** Adds to the error of a run that stopped how it goes on, if it can. Returns false. */
bool run_state_point(const run_state *state, const char *save, dg_error *err);

/** Removes the state once the weights are saved. */
bool run_state_drop(const run_state *state, dg_error *err);

#endif
