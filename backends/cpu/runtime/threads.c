#include "backends/cpu/runtime/threads.h"

#include <omp.h>

#include "core/base/processors.h"

/** Below this many operations a thread costs more to wake than it saves. */
enum { OPERATIONS_PER_THREAD = 16 * 1024 };

int dg_cpu_threads(const dg_cpu_device *device, size_t operations) {
  size_t useful = operations / OPERATIONS_PER_THREAD;
  return useful >= (size_t)device->threads ? device->threads : useful > 1 ? (int)useful : 1;
}

dg_span dg_cpu_share(size_t count, size_t grain) {
  size_t threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
  size_t grains = (count + grain - 1) / grain;
  size_t begin = grains * thread / threads * grain, end = grains * (thread + 1) / threads * grain;
  return (dg_span){begin < count ? begin : count, end < count ? end : count};
}

int dg_cpu_available_threads(void) {
  size_t processors = dg_processors();
  return processors < DG_CPU_MAX_THREADS ? (int)processors : DG_CPU_MAX_THREADS;
}
