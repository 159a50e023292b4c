#include <stddef.h>

#include "core/layers/transposed.h"

typedef struct {
  uint32_t filters, kernel, stride, dilation, output_padding, groups;
  dg_padding padding;
  bool bias;
  int init;
} config;

static const config defaults = {.stride = 1, .dilation = 1, .groups = 1, .bias = true};

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
     .help = "steps that a step becomes"},
    {.name = "stride",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, stride),
     .low = 1,
     .high = 4096,
     .help = "distance of what two steps one after the other become"},
    {.name = "padding",
     .type = DG_KEY_STEP_PADDING,
     .offset = offsetof(config, padding),
     .high = 4096,
     .help = "steps cut off at the ends; same: the output has the input's steps times the stride"},
    {.name = "output_padding",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, output_padding),
     .high = 4096,
     .help = "steps added at the end; below the stride"},
    {.name = "dilation",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, dilation),
     .low = 1,
     .high = 4096,
     .help = "distance of the steps that a kernel gives"},
    {.name = "groups",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, groups),
     .low = 1,
     .high = 1 << 20,
     .help = "groups of features, each with its own filters"},
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

static bool check(const config *c, const dg_layer_site *site, dg_error *err) {
  if (!dg_layer_needs_rank(site, 2, err)) return false;
  if (c->padding.same && c->output_padding)
    return dg_fail(err, DG_ERR_INPUT,
                   "padding = \"same\" decides the steps of the output; leave output_padding out");
  return dg_layer_check_groups(site, site->in[0].dim[1], c->filters, c->groups, err);
}

static bool plan_conv_transpose1d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                                  dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  uint32_t steps;
  dg_transposed t = {.kernel = c->kernel,
                     .stride = c->stride,
                     .dilation = c->dilation,
                     .begin = c->padding.begin[0],
                     .end = c->padding.end[0],
                     .output_padding = c->output_padding};
  if (c->padding.same) dg_transposed_same(&t);
  if (!check(c, site, err) || !dg_transposed_fit(&t, in[0], site, &steps, err)) return false;
  plan->out = (dg_shape){2, {steps, c->filters}};
  plan->op = (dg_op_desc){.kind = DG_OP_CONV_TRANSPOSE1D,
                          .grouped_conv1d = {.steps = steps,
                                             .channels = c->filters,
                                             .filters = in[1],
                                             .groups = c->groups,
                                             .kernel = c->kernel,
                                             .stride = c->stride,
                                             .dilation = c->dilation,
                                             .pad = t.begin,
                                             .end = t.end,
                                             .bias = c->bias}};
  dg_transposed_weights(plan, (dg_init_kind)c->init, c->bias, 3,
                        (uint32_t[]){in[1], c->filters / c->groups, c->kernel}, c->groups);
  return true;
}

const dg_layer_class dg_layer_conv_transpose1d = {
    .type = "conv_transpose1d",
    .help = "Transposed convolution of a sequence: every step becomes several, which add up.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_conv_transpose1d,
};
