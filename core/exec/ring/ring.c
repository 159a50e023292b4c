#include "core/exec/ring/ring.h"

#include <sys/mman.h>
#include <unistd.h>

void dg_ring_start(dg_ring *ring, const dg_ring_order *order) {
  ring->order = *order;
  ring->first = ring->loaded = ring->announced = 0;
}

/** The group of a place. */
static uint32_t group_of(const dg_ring_order *order, uint32_t place) {
  uint32_t low = 0, high = order->groups;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (order->begins[middle] <= place)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static uint32_t begin_of(const dg_ring_order *order, uint32_t place) {
  return order->begins ? order->begins[group_of(order, place)] : place;
}

static uint32_t end_of(const dg_ring_order *order, uint32_t place) {
  return order->begins ? order->begins[group_of(order, place) + 1] : place + 1;
}

static bool upload(const dg_ring *ring, const dg_ring_array *array, uint32_t sample, uint32_t slot,
                   uint32_t n, dg_error *err) {
  return !array->bytes ||
         ring->device->calls->upload(array->to, slot * array->bytes,
                                     array->from + sample * array->bytes, n * array->bytes, err);
}

/** Samples from a place on that follow each other in the set, at most `most`. */
static uint32_t run_at(const dg_ring *ring, uint32_t place, uint32_t most) {
  const uint32_t *samples = ring->order.samples + place;
  uint32_t n = 1;
  while (n < most && samples[n] == samples[0] + n) n++;
  return n;
}

/** Uploads the next samples that follow each other, up to the place `end`. */
static bool upload_run(dg_ring *ring, uint32_t end, dg_error *err) {
  const uint32_t sample = ring->order.samples[ring->loaded], slot = ring->loaded % ring->slots;
  const uint32_t left = end - ring->loaded, most = ring->slots - slot;
  const uint32_t n = run_at(ring, ring->loaded, left < most ? left : most);
  ring->loaded += n;
  return upload(ring, &ring->inputs, sample, slot, n, err) &&
         upload(ring, &ring->targets, sample, slot, n, err) &&
         upload(ring, &ring->lengths, sample, slot, n, err);
}

/** Has the system read what is uploaded after all slots, if it is still in a mapped file. */
static void announce(dg_ring *ring) {
  const uint64_t last = (uint64_t)ring->loaded + ring->slots;
  const uint32_t end = last < ring->order.places ? (uint32_t)last : ring->order.places;
  const size_t bytes = ring->inputs.bytes, page = (size_t)sysconf(_SC_PAGESIZE);
  if (ring->announced < ring->loaded) ring->announced = ring->loaded;
  while (ring->announced < end) {
    const uint32_t n = run_at(ring, ring->announced, end - ring->announced);
    const uintptr_t from =
        (uintptr_t)(ring->inputs.from + ring->order.samples[ring->announced] * bytes);
    posix_madvise((void *)(from / page * page), from % page + n * bytes, POSIX_MADV_WILLNEED);
    ring->announced += n;
  }
}

bool dg_ring_load(dg_ring *ring, uint32_t first, uint32_t n, dg_error *err) {
  const dg_ring_order *order = &ring->order;
  const uint32_t begin = begin_of(order, first), end = end_of(order, first + n - 1);
  const uint64_t most = (uint64_t)begin + ring->slots;
  const uint32_t limit = most < order->places ? (uint32_t)most : order->places;
  if (end > limit)
    return dg_fail(err, DG_ERR_INPUT,
                   "%u samples must be on the device together, which has room for %u", end - begin,
                   ring->slots);
  if (begin < ring->first || begin > ring->loaded) ring->loaded = ring->announced = begin;
  ring->first = begin;
  while (ring->loaded < end)
    if (!upload_run(ring, end, err)) return false;
  /* twice as fast as batches take them, or what is free would only be filled when it is needed */
  const uint32_t before = ring->loaded;
  while (ring->loaded < limit && ring->loaded - before < 2 * n)
    if (!upload_run(ring, limit, err)) return false;
  announce(ring);
  return true;
}
