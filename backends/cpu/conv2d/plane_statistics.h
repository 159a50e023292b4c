/** Means and squared deviations of planes, for a batch norm that follows. */
#ifndef DG_CPU_PLANE_STATISTICS_H
#define DG_CPU_PLANE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/cpu/runtime/isa.h"

#define dg_plane_statistics DG_ISA_NAME(dg_plane_statistics)

/** statistics [planes, 2]: the mean of each of the planes x [planes, count], and the sum of squared
    deviations from it. */
void dg_plane_statistics(size_t planes, size_t count, const float *x, float *statistics);

#endif
