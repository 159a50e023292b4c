#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  dg_wholes dims;
} config;

static const config defaults = {.dims = {0}};

static const dg_key keys[] = {
    {.name = "dims",
     .type = DG_KEY_WHOLES,
     .offset = offsetof(config, dims),
     .low = -3,
     .high = 2,
     .most = 3,
     .help = "the dimensions of what it reads (from 0, -1 is the last) in their new order; without "
             "it the two of a sequence change places"},
};

/** The new order of the dimensions. */
static bool find_order(const dg_wholes *given, const dg_layer_site *site, uint32_t order[3],
                       dg_error *err) {
  const uint32_t rank = site->in[0].rank;
  uint32_t seen = 0;
  char shape[64];
  if (given->count == 0 && rank == 2) {
    order[0] = 1, order[1] = 0;
    return true;
  }
  for (uint32_t k = 0; k < given->count; k++) {
    if (!dg_layer_dim("dims", given->value[k], site, &order[k], err)) return false;
    seen |= 1u << order[k];
  }
  return (given->count == rank && seen == (1u << rank) - 1) ||
         dg_fail(err, DG_ERR_INPUT,
                 "dims must name each of the %u dimensions of \"%s\", which gives %s, once", rank,
                 site->in_names[0], dg_shape_text(&site->in[0], shape, sizeof shape));
}

static bool plan_transpose(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  const config *c = given;
  const dg_shape *in = &site->in[0];
  dg_permute_desc d = {.rank = in->rank};
  if (!find_order(&c->dims, site, d.order, err)) return false;
  plan->out.rank = in->rank;
  plan->view = true;
  for (uint32_t k = 0; k < in->rank; k++) {
    d.dim[k] = in->dim[k];
    plan->out.dim[k] = in->dim[d.order[k]];
    plan->view &= d.order[k] == k;
  }
  plan->op = (dg_op_desc){.kind = DG_OP_PERMUTE, .permute = d};
  return true;
}

const dg_layer_class dg_layer_transpose = {
    .type = "transpose",
    .help = "Its input with the dimensions in another order.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_transpose,
};
