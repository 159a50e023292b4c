/** digits-bench --tune: which tiles are fastest, device by device. */
#ifndef DG_BENCH_TUNE_H
#define DG_BENCH_TUNE_H

#include "tools/bench/options.h"

/** Tunes the devices that the options name and prints what was tried, chosen and kept. */
bool bench_tune(const bench_options *options, dg_error *err);

#endif
