#include <stddef.h>

#include "core/layers/layer.h"

enum { ONE, CHANNELS };
static const char *const slopes[] = {"one", "channels", NULL};

typedef struct {
  int slopes;
  double init;
} config;

static const config defaults = {.slopes = ONE, .init = 0.25};

static const dg_key keys[] = {
    {.name = "slopes",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, slopes),
     .choices = slopes,
     .help = "one for all, or one for each channel of an image, each feature of a sequence"},
    {.name = "init",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(config, init),
     .low = -1000,
     .high = 1000,
     .help = "the slopes at first"},
};

static bool plan_prelu(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                       dg_error *err) {
  const config *c = given;
  const dg_shape *in = &site->in[0];
  (void)err;
  const uint32_t dim = in->rank == 2 ? 1 : 0;
  const dg_axis axis = dg_axis_of(in, dim, dim);
  dg_prelu_desc d = {.rows = axis.outer, .channels = axis.count, .plane = axis.inner};
  if (c->slopes == ONE) d = (dg_prelu_desc){1, 1, (uint32_t)dg_shape_count(in)};
  plan->out = *in;
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->op = (dg_op_desc){.kind = DG_OP_PRELU, .prelu = d};
  plan->params = 1;
  plan->param[0] = (dg_param_spec){.suffix = "weight",
                                   .rank = 1,
                                   .dim = {d.channels},
                                   .init = DG_INIT_CONSTANT,
                                   .value = (float)c->init};
  return true;
}

const dg_layer_class dg_layer_prelu = {
    .type = "prelu",
    .help = "x where it is above 0, slope * x elsewhere; slopes are learned (He et al., "
            "arXiv:1502.01852).",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_prelu,
};
