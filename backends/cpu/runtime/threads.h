/** How work is split over the threads of OpenMP, where it isn't cut into pieces yet. */
#ifndef DG_CPU_THREADS_H
#define DG_CPU_THREADS_H

#include "backends/cpu/runtime/pieces.h"

/** What the calling thread of a parallel region gets of [0, count), in units of `grain`. */
dg_span dg_cpu_share(size_t count, size_t grain);

/** Threads worth waking for work of about `operations` simple operations. */
int dg_cpu_threads(const dg_cpu_device *device, size_t operations);

/** As many as there are processors to use, but DG_CPU_MAX_THREADS at most. */
int dg_cpu_available_threads(void);

#endif
