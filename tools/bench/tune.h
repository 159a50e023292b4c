/** digits-bench --tune: finds the fastest tile sizes of each device. */
#ifndef DG_BENCH_TUNE_H
#define DG_BENCH_TUNE_H

#include "tools/bench/options.h"

/** Tunes the devices that the options name and prints what was tried, chosen and saved. */
bool bench_tune(const bench_options *options, dg_error *err);

#endif
