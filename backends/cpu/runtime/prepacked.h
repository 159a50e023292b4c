/** What ops that aren't trained cache of their parameters across runs; ops with the same parameters
    may share it. */
#ifndef DG_CPU_PREPACKED_H
#define DG_CPU_PREPACKED_H

#include "backends/cpu/runtime/device.h"

/** Memory for data derived from parameters, and the versions it was derived from. */
typedef struct dg_cpu_prepacked dg_cpu_prepacked;

/** For `floats`. NULL if there is no memory. */
dg_cpu_prepacked *dg_cpu_prepacked_new(size_t floats, dg_error *err);
/** Shares it with another op that needs as many floats; else NULL. */
dg_cpu_prepacked *dg_cpu_prepacked_share(dg_cpu_prepacked *prepacked, size_t floats);
size_t dg_cpu_prepacked_floats(const dg_cpu_prepacked *prepacked);
/** Releases it; the last op frees it. NULL is allowed. */
void dg_cpu_prepacked_free(dg_cpu_prepacked *prepacked);

/** Its floats; sets `pack` if they have to be computed, because parameters changed. */
float *dg_cpu_prepacked_for(dg_cpu_prepacked *prepacked, const dg_op_buffers *buffers, bool *pack);

#endif
