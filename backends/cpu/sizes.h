/** How many numbers an op reads and writes of each sample. */
#ifndef DG_CPU_SIZES_H
#define DG_CPU_SIZES_H

#include "backends/backend.h"

/** Floats; of what isn't sample after sample, or isn't there, 0. */
typedef struct {
  size_t in[DG_MAX_IN], out[DG_MAX_OUT]; /**< of one sample; their gradients are as large */
  size_t param[DG_MAX_PARAM];            /**< in all */
} dg_cpu_sizes;

/** false: the samples of a training step depend on each other, or the op knows none. */
bool dg_cpu_sizes_of(const dg_op_desc *desc, dg_cpu_sizes *sizes);

#endif
