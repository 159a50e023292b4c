#include "core/data/collection.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/limits/memory.h"
#include "core/base/size.h"

/** Gives the arrays another capacity; on failure they are unchanged. */
static bool resize(dg_collection *c, uint32_t capacity) {
  uint8_t *inputs = realloc(c->samples.inputs, capacity * dg_input_bytes(&c->samples.kind));
  if (inputs) c->samples.inputs = inputs;
  uint8_t *labels = realloc(c->samples.labels, capacity);
  if (labels) c->samples.labels = labels;
  uint32_t *lengths = c->samples.lengths;
  if (c->samples.kind.lengths) lengths = realloc(lengths, capacity * sizeof *lengths);
  if (lengths) c->samples.lengths = lengths;
  const bool ok = inputs && labels && (lengths || !c->samples.kind.lengths);
  if (ok) c->capacity = capacity;
  return ok;
}

uint8_t *dg_collect(dg_collection *c, uint8_t label, dg_error *err) {
  dg_samples *s = &c->samples;
  uint32_t more = s->count < UINT32_MAX / 2 ? 2 * s->count + 1 : UINT32_MAX;
  if (s->count == c->capacity) {
    const uint64_t bytes =
        dg_size_times(more, dg_input_bytes(&s->kind) + 1 + (s->kind.lengths ? sizeof more : 0));
    if (!dg_memory_check(bytes, "what was read of the data set", err)) return NULL;
    if (s->count == UINT32_MAX || !resize(c, more)) return dg_fail_memory(err, bytes), NULL;
  }
  s->labels[s->count] = label;
  return s->inputs + dg_input_bytes(&s->kind) * s->count++;
}

dg_samples dg_collected(dg_collection *c) {
  if (c->samples.count) resize(c, c->samples.count);
  dg_samples all = c->samples;
  *c = (dg_collection){0};
  return all;
}
