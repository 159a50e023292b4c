/** digits-bench: how long a process takes from its start to the first training step. */
#ifndef DG_BENCH_START_H
#define DG_BENCH_START_H

#include "tools/bench/measure.h"

/**
 * Runs this program twice with --first-step, both times with the caches of compiled kernels in the
 * same temporary folder, empty at first, which is removed. Fills in result->cold, warm and
 * host_memory.
 */
bool bench_start(const bench_options *o, const bench_side *side, const char *model,
                 bench_result *result, dg_error *err);

#endif
