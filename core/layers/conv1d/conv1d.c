#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t filters, kernel, stride, padding;
  bool bias;
  int init;
} config;

static const config defaults = {.stride = 1, .bias = true};

static const dg_key keys[] = {
    {.name = "filters",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, filters),
     .low = 1,
     .high = 1 << 20,
     .required = true,
     .help = "features of every step of the output"},
    {.name = "kernel",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, kernel),
     .low = 1,
     .high = 4096,
     .required = true,
     .help = "steps in the window"},
    {.name = "stride",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, stride),
     .low = 1,
     .high = 4096,
     .help = "step of the window"},
    {.name = "padding",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, padding),
     .high = 4096,
     .help = "steps of zeros added at both ends"},
    {.name = "bias",
     .type = DG_KEY_BOOL,
     .offset = offsetof(config, bias),
     .help = "add a bias to every filter"},
    {.name = "init",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(config, init),
     .choices = dg_init_names,
     .help = "how the weights start"},
};

static bool plan_conv1d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  const config *c = given;
  uint32_t steps;
  if (!dg_layer_needs_rank(site, 2, err) ||
      !dg_steps_fit(c->kernel, c->stride, c->padding, site, &steps, err))
    return false;
  const uint32_t *in = site->in[0].dim;
  plan->out = (dg_shape){2, {steps, c->filters}};
  plan->steps = (dg_steps_rule){
      .use = DG_STEPS_WINDOWS, .kernel = c->kernel, .stride = c->stride, .padding = c->padding};
  plan->op = (dg_op_desc){.kind = DG_OP_CONV1D,
                          .conv1d = {.steps = in[0],
                                     .in = in[1],
                                     .filters = c->filters,
                                     .kernel = c->kernel,
                                     .stride = c->stride,
                                     .pad = c->padding,
                                     .bias = c->bias}};
  dg_layer_weights(plan, (dg_init_kind)c->init, c->bias, 3,
                   (uint32_t[]){c->filters, in[1], c->kernel}, dg_size_times(in[1], c->kernel),
                   dg_size_times(c->filters, c->kernel));
  return true;
}

const dg_layer_class dg_layer_conv1d = {
    .type = "conv1d",
    .help = "Convolution of a sequence along its steps.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_conv1d,
};
