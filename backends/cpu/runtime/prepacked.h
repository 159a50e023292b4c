/** What ops that only test keep of their parameters from run to run; ops over the same ones may
    share it. */
#ifndef DG_CPU_PREPACKED_H
#define DG_CPU_PREPACKED_H

#include "backends/cpu/runtime/device.h"

/** Memory for what is made of parameters, and what it was made of. */
typedef struct dg_cpu_prepacked dg_cpu_prepacked;

/** For `floats`. NULL where memory fails. */
dg_cpu_prepacked *dg_cpu_prepacked_new(size_t floats, dg_error *err);
/** The same for another op, if it is for as many floats; else NULL. */
dg_cpu_prepacked *dg_cpu_prepacked_share(dg_cpu_prepacked *prepacked, size_t floats);
size_t dg_cpu_prepacked_floats(const dg_cpu_prepacked *prepacked);
/** Frees it after its last op. NULL is allowed. */
void dg_cpu_prepacked_free(dg_cpu_prepacked *prepacked);

/** Its floats; `pack` becomes whether they have to be made: parameters changed since. */
float *dg_cpu_prepacked_for(dg_cpu_prepacked *prepacked, const dg_op_buffers *buffers, bool *pack);

#endif
