/** maxpool2d and avgpool2d: one table of keys, two ops. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef dg_window config; /* stride 0: equal to kernel */

static const config defaults = {.stride = {0, 0}};

static const dg_key keys[] = {
    {.name = "kernel",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, kernel),
     .low = 1,
     .high = 4096,
     .required = true,
     .help = "size of the window"},
    {.name = "stride",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, stride),
     .low = 1,
     .high = 4096,
     .help = "step of the window; default: the kernel's size"},
    {.name = "padding",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, padding),
     .high = 2048,
     .help = "rows and columns added at every edge, at most half the kernel"},
};

static bool plan_pool2d(dg_op_kind kind, const void *given, const dg_layer_site *site,
                        dg_layer_plan *plan, dg_error *err) {
  config c = *(const config *)given;
  for (int i = 0; i < 2; i++) {
    if (c.stride[i] == 0) c.stride[i] = c.kernel[i];
    if (2 * c.padding[i] > c.kernel[i])
      return dg_fail(err, DG_ERR_INPUT,
                     "padding %u is more than half the kernel of %u; make the kernel larger or the "
                     "padding smaller",
                     c.padding[i], c.kernel[i]);
  }
  uint32_t out[2];
  if (!dg_layer_needs_rank(site, 3, err) || !dg_window_fit(&c, site, out, err)) return false;
  const uint32_t *in = site->in[0].dim;
  plan->out = (dg_shape){3, {in[0], out[0], out[1]}};
  plan->op = (dg_op_desc){.kind = kind,
                          .pool2d = {.channels = in[0],
                                     .height = in[1],
                                     .width = in[2],
                                     .kernel_h = c.kernel[0],
                                     .kernel_w = c.kernel[1],
                                     .stride_h = c.stride[0],
                                     .stride_w = c.stride[1],
                                     .pad_h = c.padding[0],
                                     .pad_w = c.padding[1]}};
  return true;
}

static bool plan_maxpool2d(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  return plan_pool2d(DG_OP_MAXPOOL2D, c, site, plan, err);
}

static bool plan_avgpool2d(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  return plan_pool2d(DG_OP_AVGPOOL2D, c, site, plan, err);
}

const dg_layer_class dg_layer_maxpool2d = {
    .type = "maxpool2d",
    .help = "The largest value of every window of an image.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_maxpool2d,
};

const dg_layer_class dg_layer_avgpool2d = {
    .type = "avgpool2d",
    .help = "The mean of every window of an image, padding counted as zeros.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_avgpool2d,
};
