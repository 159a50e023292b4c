#include "backends/cpu/runtime/pieces.h"

#include <string.h>

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

dg_span dg_cpu_grains(size_t count, size_t grain, size_t parts, size_t index) {
  dg_span span = dg_cpu_part((count + grain - 1) / grain, parts, index);
  return (dg_span){smaller(span.begin * grain, count), smaller(span.end * grain, count)};
}

size_t dg_cpu_pieces(size_t units, size_t operations) {
  enum { OPERATIONS_OF_PIECE = 16 * 1024 };
  size_t pieces = smaller(smaller(operations / OPERATIONS_OF_PIECE, DG_MOST_PIECES), units);
  return pieces > 1 ? pieces : 1;
}

void dg_cpu_run_pieces(const dg_cpu_device *device, size_t pieces, dg_piece run,
                       const void *context, size_t size) {
  if (device->pool)
    dg_pool_add(device->pool, pieces, run, context, size);
  else
    for (size_t i = 0; i < pieces; i++) run(context, i, 0);
}

void dg_cpu_run_counted(const dg_cpu_device *device, size_t pieces, dg_piece run,
                        const void *context, size_t size) {
  _Alignas(DG_CPU_ALIGNMENT) char counted[DG_POOL_CONTEXT];
  memcpy(counted, context, size);
  memcpy(counted, &pieces, sizeof pieces);
  dg_cpu_run_pieces(device, pieces, run, counted, size);
}

size_t dg_cpu_backwards(const dg_cpu_device *device, size_t pieces, size_t piece) {
  size_t workers = smaller((size_t)device->threads, pieces);
  dg_span own = dg_cpu_part(pieces, workers, ((piece + 1) * workers - 1) / pieces);
  return own.begin + own.end - 1 - piece;
}
