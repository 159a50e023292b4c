#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t filters, kernel, stride, dilation, groups;
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
     .help = "steps in the window"},
    {.name = "stride",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, stride),
     .low = 1,
     .high = 4096,
     .help = "step of the window"},
    {.name = "padding",
     .type = DG_KEY_STEP_PADDING,
     .offset = offsetof(config, padding),
     .high = 4096,
     .help = "steps of zeros added at the ends; same: as many steps as the input by the stride"},
    {.name = "dilation",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, dilation),
     .low = 1,
     .high = 4096,
     .help = "distance of the steps that a kernel meets"},
    {.name = "groups",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, groups),
     .low = 1,
     .high = 1 << 20,
     .help = "groups of features, each with its own filters; as many as features: depthwise"},
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

/** The zeros around an input, and the steps of the output. */
typedef struct {
  uint32_t begin, end, steps;
} extent;

static bool find_extent(const config *c, const dg_layer_site *site, extent *e, dg_error *err) {
  const uint32_t *in = site->in[0].dim;
  *e = (extent){c->padding.begin[0], c->padding.end[0], 0};
  if (c->padding.same)
    dg_same_padding(in[0], c->kernel, c->stride, c->dilation, &e->begin, &e->end);
  e->steps =
      dg_window_dilated_out(in[0], c->kernel, c->stride, c->dilation, (uint64_t)e->begin + e->end);
  return e->steps || dg_layer_fail_kernel(site, &c->kernel, &e->begin, &e->end, err);
}

/** Of sequences of unequal length, the padding must not depend on the length. */
static dg_steps_rule rule_of(const config *c, const extent *e) {
  if (c->padding.same && c->stride > 1) return (dg_steps_rule){.use = DG_STEPS_UNKNOWN};
  return (dg_steps_rule){.use = DG_STEPS_WINDOWS,
                         .kernel = c->dilation * (c->kernel - 1) + 1,
                         .stride = c->stride,
                         .padding = e->begin,
                         .more_after = (int32_t)e->end - (int32_t)e->begin};
}

static dg_op_desc dense(const config *c, const uint32_t *in, const extent *e) {
  return (dg_op_desc){.kind = DG_OP_CONV1D,
                      .conv1d = {.steps = in[0],
                                 .in = in[1],
                                 .filters = c->filters,
                                 .kernel = c->kernel,
                                 .stride = c->stride,
                                 .pad = e->begin,
                                 .bias = c->bias}};
}

static dg_op_desc grouped(const config *c, const uint32_t *in, const extent *e) {
  return (dg_op_desc){.kind = DG_OP_GROUPED_CONV1D,
                      .grouped_conv1d = {.steps = in[0],
                                         .channels = in[1],
                                         .filters = c->filters,
                                         .groups = c->groups,
                                         .kernel = c->kernel,
                                         .stride = c->stride,
                                         .dilation = c->dilation,
                                         .pad = e->begin,
                                         .end = e->end,
                                         .bias = c->bias}};
}

static bool plan_conv1d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  extent e;
  if (!dg_layer_needs_rank(site, 2, err) ||
      !dg_layer_check_groups(site, in[1], c->filters, c->groups, err) ||
      !find_extent(c, site, &e, err))
    return false;
  const uint32_t channels = in[1] / c->groups;
  const bool is_dense = c->groups == 1 && c->dilation == 1 && e.begin == e.end;
  plan->out = (dg_shape){2, {e.steps, c->filters}};
  plan->steps = rule_of(c, &e);
  plan->op = is_dense ? dense(c, in, &e) : grouped(c, in, &e);
  dg_layer_weights(plan, (dg_init_kind)c->init, c->bias, 3,
                   (uint32_t[]){c->filters, channels, c->kernel},
                   dg_size_times(channels, c->kernel), dg_size_times(c->filters, c->kernel));
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
