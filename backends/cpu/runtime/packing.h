/** What ops that only test keep of their parameters from run to run. */
#ifndef DG_CPU_PACKING_H
#define DG_CPU_PACKING_H

#include "backends/cpu/runtime/device.h"

/** Memory for what is made of parameters, and what it was made of. */
typedef struct dg_cpu_packing dg_cpu_packing;

/** For `floats`. NULL where memory fails. */
dg_cpu_packing *dg_cpu_packing_new(size_t floats, dg_error *err);
void dg_cpu_packing_free(dg_cpu_packing *packing); /**< NULL is allowed */

/** Its floats; `pack` becomes whether they have to be made: parameters changed since. */
float *dg_cpu_packing_for(dg_cpu_packing *packing, const dg_op_buffers *buffers, bool *pack);

#endif
