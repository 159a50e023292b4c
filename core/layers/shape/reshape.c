#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  dg_wholes shape;
} config;

static const config defaults = {.shape = {0}};

static const dg_key keys[] = {
    {.name = "shape",
     .type = DG_KEY_WHOLES,
     .offset = offsetof(config, shape),
     .low = -1,
     .high = 1 << 30,
     .most = 3,
     .required = true,
     .help = "the new dimensions; one of them may be -1: what the others leave"},
};

/** Sets the dimension that isn't given, if there is one, and checks the count. */
static bool fill(dg_shape *out, uint32_t open, uint64_t count) {
  uint64_t known = 1;
  for (uint32_t k = 0; k < out->rank; k++)
    if (k != open) known = dg_size_times(known, out->dim[k]);
  if (known == 0 || known > count || count % known) return false;
  if (open < out->rank) out->dim[open] = (uint32_t)(count / known);
  return dg_shape_count(out) == count;
}

static bool plan_reshape(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  const dg_wholes *wanted = &((const config *)given)->shape;
  const dg_shape *in = &site->in[0];
  dg_shape out = {.rank = wanted->count};
  uint32_t open = wanted->count, opens = 0;
  char shape[64];
  for (uint32_t k = 0; k < wanted->count; k++) {
    if (wanted->value[k] < 0) open = k, opens++;
    out.dim[k] = wanted->value[k] < 0 ? 1 : (uint32_t)wanted->value[k];
  }
  if (opens > 1 || !fill(&out, open, dg_shape_count(in)))
    return dg_fail(
        err, DG_ERR_INPUT,
        "shape doesn't fit \"%s\", which gives %s: the product of its dimensions must be "
        "%llu, and at most one of them -1",
        site->in_names[0], dg_shape_text(in, shape, sizeof shape),
        (unsigned long long)dg_shape_count(in));
  plan->out = out;
  plan->view = true;
  return true;
}

const dg_layer_class dg_layer_reshape = {
    .type = "reshape",
    .help = "The same numbers, in the same order, in another shape.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_reshape,
};
