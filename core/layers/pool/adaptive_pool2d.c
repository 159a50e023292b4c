/** adaptive_avgpool2d and adaptive_maxpool2d. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t size[2];
} config;

static const config defaults = {.size = {0, 0}};

static const dg_key keys[] = {
    {.name = "size",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, size),
     .low = 1,
     .high = 4096,
     .required = true,
     .help = "height and width of the output"},
};

/** Means over windows of one size are those of an ordinary pooling. */
static bool is_even(const config *c, const uint32_t *in) {
  return in[1] % c->size[0] == 0 && in[2] % c->size[1] == 0;
}

static dg_op_desc even(const config *c, const uint32_t *in) {
  const uint32_t height = in[1] / c->size[0], width = in[2] / c->size[1];
  return (dg_op_desc){.kind = DG_OP_AVGPOOL2D,
                      .pool2d = {.channels = in[0],
                                 .height = in[1],
                                 .width = in[2],
                                 .kernel_h = height,
                                 .kernel_w = width,
                                 .stride_h = height,
                                 .stride_w = width}};
}

static bool plan_adaptive(bool average, const config *c, const dg_layer_site *site,
                          dg_layer_plan *plan, dg_error *err) {
  const uint32_t *in = site->in[0].dim;
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  plan->out = (dg_shape){3, {in[0], c->size[0], c->size[1]}};
  if (average && is_even(c, in))
    plan->op = even(c, in);
  else
    plan->op = (dg_op_desc){.kind = average ? DG_OP_WINDOW_AVGPOOL2D : DG_OP_WINDOW_MAXPOOL2D,
                            .window_pool2d = {.channels = in[0],
                                              .rows = {.size = in[1], .out = c->size[0]},
                                              .columns = {.size = in[2], .out = c->size[1]}}};
  return true;
}

static bool plan_average(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  return plan_adaptive(true, c, site, plan, err);
}

static bool plan_maximum(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                         dg_error *err) {
  return plan_adaptive(false, c, site, plan, err);
}

const dg_layer_class dg_layer_adaptive_avgpool2d = {
    .type = "adaptive_avgpool2d",
    .help = "An image of a given size, of means over windows that cover all of the input.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_average,
};

const dg_layer_class dg_layer_adaptive_maxpool2d = {
    .type = "adaptive_maxpool2d",
    .help = "An image of a given size, of maxima over windows that cover all of the input.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_maximum,
};
