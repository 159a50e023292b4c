#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t filters;
  dg_window window;
  bool bias;
  int init;
} config;

static const config defaults = {.window = {.stride = {1, 1}}, .bias = true};

static const dg_key keys[] = {
    {.name = "filters",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, filters),
     .low = 1,
     .high = 1 << 20,
     .required = true,
     .help = "channels of the output"},
    {.name = "kernel",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, window.kernel),
     .low = 1,
     .high = 4096,
     .required = true,
     .help = "size of the window"},
    {.name = "stride",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, window.stride),
     .low = 1,
     .high = 4096,
     .help = "step of the window"},
    {.name = "padding",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, window.padding),
     .high = 4096,
     .help = "zeros added at every edge"},
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

static bool plan_conv2d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  const config *c = given;
  const dg_window *w = &c->window;
  uint32_t out[2];
  if (!dg_layer_needs_rank(site, 3, err) || !dg_window_fit(w, site, out, err)) return false;
  const uint32_t *in = site->in[0].dim;
  uint64_t window = dg_size_times(w->kernel[0], w->kernel[1]);
  uint64_t fan_in = dg_size_times(in[0], window), fan_out = dg_size_times(c->filters, window);
  plan->out = (dg_shape){3, {c->filters, out[0], out[1]}};
  plan->op = (dg_op_desc){.kind = DG_OP_CONV2D,
                          .conv2d = {.channels = in[0],
                                     .height = in[1],
                                     .width = in[2],
                                     .filters = c->filters,
                                     .kernel_h = w->kernel[0],
                                     .kernel_w = w->kernel[1],
                                     .stride_h = w->stride[0],
                                     .stride_w = w->stride[1],
                                     .pad_h = w->padding[0],
                                     .pad_w = w->padding[1],
                                     .bias = c->bias}};
  uint32_t dim[] = {c->filters, in[0], w->kernel[0], w->kernel[1]};
  dg_layer_weights(plan, (dg_init_kind)c->init, c->bias, 4, dim, fan_in, fan_out);
  return true;
}

const dg_layer_class dg_layer_conv2d = {
    .type = "conv2d",
    .help = "Convolution of an image (computed as a cross-correlation, as is usual).",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_conv2d,
};
