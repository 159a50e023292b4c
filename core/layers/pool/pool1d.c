/** maxpool1d and avgpool1d: one table of keys, two ops. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t kernel, stride, padding; /* stride 0: equal to kernel */
} config;

static const config defaults = {0, 0, 0};

static const dg_key keys[] = {
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
     .help = "step of the window; default: the kernel's size"},
    {.name = "padding",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, padding),
     .high = 2048,
     .help = "steps added at both ends, at most half the kernel"},
};

/** A sequence is pooled as an image of one channel whose columns are the features. */
static bool plan_pool1d(dg_op_kind kind, const config *c, const dg_layer_site *site,
                        dg_layer_plan *plan, dg_error *err) {
  const uint32_t *in = site->in[0].dim, stride = c->stride ? c->stride : c->kernel;
  if (2 * c->padding > c->kernel)
    return dg_fail(err, DG_ERR_INPUT,
                   "padding %u is more than half the kernel of %u; make the kernel larger or the "
                   "padding smaller",
                   c->padding, c->kernel);
  if (!dg_layer_needs_rank(site, 2, err)) return false;
  const uint32_t steps = dg_window_out(in[0], c->kernel, stride, c->padding);
  if (!steps) return dg_layer_fail_kernel(site, &c->kernel, &c->padding, &c->padding, err);
  plan->out = (dg_shape){2, {steps, in[1]}};
  plan->steps = (dg_steps_rule){.use = DG_STEPS_WINDOWS,
                                .kernel = c->kernel,
                                .stride = stride,
                                .padding = c->padding,
                                .lowest = kind == DG_OP_MAXPOOL2D};
  plan->op = (dg_op_desc){.kind = kind,
                          .pool2d = {.channels = 1,
                                     .height = in[0],
                                     .width = in[1],
                                     .kernel_h = c->kernel,
                                     .kernel_w = 1,
                                     .stride_h = stride,
                                     .stride_w = 1,
                                     .pad_h = c->padding}};
  return true;
}

static bool plan_maxpool1d(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  return plan_pool1d(DG_OP_MAXPOOL2D, c, site, plan, err);
}

static bool plan_avgpool1d(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  return plan_pool1d(DG_OP_AVGPOOL2D, c, site, plan, err);
}

const dg_layer_class dg_layer_maxpool1d = {
    .type = "maxpool1d",
    .help = "The largest value of every feature in every window of steps.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_maxpool1d,
};

const dg_layer_class dg_layer_avgpool1d = {
    .type = "avgpool1d",
    .help = "The mean of every feature in every window of steps, padding counted as zeros.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_avgpool1d,
};
