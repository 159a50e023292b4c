#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t units;
  bool bias;
  int init;
} config;

static const config defaults = {.bias = true, .init = DG_INIT_PYTORCH};

static const dg_key keys[] = {
    {.name = "units",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, units),
     .low = 1,
     .high = 1 << 24,
     .required = true,
     .help = "features of the output"},
    {.name = "bias",
     .type = DG_KEY_BOOL,
     .offset = offsetof(config, bias),
     .help = "add a bias to every output"},
    {.name = "init",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, init),
     .choices = dg_init_names,
     .help = "how the weights start"},
};

static bool plan_linear(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  const config *c = given;
  const dg_shape *shape = &site->in[0];
  const uint32_t last = shape->rank - 1, in = shape->dim[last];
  (void)err;
  plan->out = *shape;
  plan->out.dim[last] = c->units;
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = !c->bias};
  plan->op = (dg_op_desc){.kind = DG_OP_LINEAR,
                          .linear = {.in = in,
                                     .out = c->units,
                                     .bias = c->bias,
                                     .rows = (uint32_t)(dg_shape_count(shape) / in)}};
  dg_layer_weights(plan, (dg_init_kind)c->init, c->bias, 2, (uint32_t[]){c->units, in}, in,
                   c->units);
  return true;
}

const dg_layer_class dg_layer_linear = {
    .type = "linear",
    .help = "Fully connected: every output is a weighted sum of all features; of a sequence or an "
            "image along its last dimension, with the same weights for all.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_linear,
};
