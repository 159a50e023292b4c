/** Compares the memory that is planned with what is left of the device's, and tells what then
    remains for data. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/limits/memory.h"
#include "core/base/size.h"
#include "core/exec/internal.h"
#include "core/model/model.h"

/** Bytes of what is planned. */
typedef struct {
  uint64_t arena, parameters;
} demand;

static uint64_t sum(const demand *d) {
  return dg_size_plus(d->arena, d->parameters);
}

static demand demand_of(const dg_network *network, const dg_network_beside *beside) {
  uint64_t numbers = network->owner ? 0 : network->floats;
  if (!dg_network_shares_folds(network)) numbers += network->folded_floats;
  if (network->train) numbers += network->learned;
  numbers += (uint64_t)network->learned * beside->learned_arrays;
  numbers += (uint64_t)network->floats * beside->arrays;
  return (demand){
      dg_size_times(network->arena_size, network->instances),
      dg_size_plus(dg_size_times(numbers, sizeof(float)), dg_network_slices_bytes(network))};
}

static bool fail(const dg_network *network, const demand *d, const dg_memory_left *left,
                 dg_error *err) {
  const demand one_sample = {d->arena / network->max_n, d->parameters};
  const bool smaller_batch = sum(&one_sample) <= left->bytes;
  dg_fail(err, DG_ERR_MEMORY,
          "the network needs %" PRIu64 " MB on the device (%" PRIu64
          " MB for %u samples at a time, %" PRIu64
          " MB for parameters and their optimizer); the memory limit of %s leaves %" PRIu64 " MB%s",
          dg_size_megabytes(sum(d)), dg_size_megabytes(d->arena), network->max_n,
          dg_size_megabytes(d->parameters), left->limit, left->bytes >> 20,
          smaller_batch ? "" : ", too few for any batch; raise it, or take a smaller network");
  return smaller_batch && dg_advise(err, DG_REMEDY_BATCH);
}

bool dg_network_check_memory(const dg_network *network, const dg_network_beside *beside,
                             dg_error *err) {
  const dg_device *device = network->device;
  if (beside->room) *beside->room = UINT64_MAX;
  if (!device->calls->memory_left) return true;
  const demand d = demand_of(network, beside);
  const dg_memory_left left = device->calls->memory_left(device);
  if (sum(&d) > left.bytes) return fail(network, &d, &left, err);
  if (beside->room && left.bytes < UINT64_MAX) *beside->room = left.bytes - sum(&d);
  return true;
}
