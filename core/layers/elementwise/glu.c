#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  dg_wholes dim;
} config;

static const config defaults = {.dim = {0}};

static const dg_key keys[] = {
    {.name = "dim",
     .type = DG_KEY_WHOLES,
     .offset = offsetof(config, dim),
     .low = -3,
     .high = 2,
     .most = 1,
     .help = "the dimension that is halved (from 0); without it the last"},
};

static bool plan_glu(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                     dg_error *err) {
  const config *c = given;
  const dg_shape *in = &site->in[0];
  uint32_t dim = in->rank - 1;
  char shape[64];
  if (c->dim.count && !dg_layer_dim("dim", c->dim.value[0], site, &dim, err)) return false;
  if (in->dim[dim] % 2)
    return dg_fail(err, DG_ERR_INPUT, "dimension %u of \"%s\", which gives %s, has no halves", dim,
                   site->in_names[0], dg_shape_text(in, shape, sizeof shape));
  const dg_axis axis = dg_axis_of(in, dim, dim);
  plan->out = *in;
  plan->out.dim[dim] /= 2;
  if (dg_layer_is_apart(in, dim))
    plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->op = (dg_op_desc){.kind = DG_OP_GLU,
                          .glu = {.rows = axis.outer, .count = axis.count / 2 * axis.inner}};
  return true;
}

const dg_layer_class dg_layer_glu = {
    .type = "glu",
    .help = "The first half of a dimension times the sigmoid of the second (Dauphin et al., "
            "arXiv:1612.08083).",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_glu,
};
