#include <stddef.h>
#include <string.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t filters;
  uint32_t kernel[2], stride[2], dilation[2];
  dg_padding padding;
  uint32_t groups;
  bool bias;
  int init;
} config;

static const config defaults = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .bias = true};

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
     .help = "step of the window"},
    {.name = "padding",
     .type = DG_KEY_PADDING,
     .offset = offsetof(config, padding),
     .high = 4096,
     .help = "zeros added at the edges; same: the output is the input's size by the stride"},
    {.name = "dilation",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, dilation),
     .low = 1,
     .high = 4096,
     .help = "distance of the numbers that a kernel meets"},
    {.name = "groups",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, groups),
     .low = 1,
     .high = 1 << 20,
     .help = "groups of channels, each with its own filters; as many as channels: depthwise"},
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

/** The zeros around an input, and the size of the output. */
typedef struct {
  uint32_t begin[2], end[2], out[2];
} extent;

static bool find_extent(const config *c, const dg_layer_site *site, extent *e, dg_error *err) {
  const uint32_t *in = site->in[0].dim;
  memcpy(e->begin, c->padding.begin, sizeof e->begin);
  memcpy(e->end, c->padding.end, sizeof e->end);
  for (int i = 0; i < 2; i++) {
    if (c->padding.same)
      dg_same_padding(in[1 + i], c->kernel[i], c->stride[i], c->dilation[i], &e->begin[i],
                      &e->end[i]);
    e->out[i] = dg_window_dilated_out(in[1 + i], c->kernel[i], c->stride[i], c->dilation[i],
                                      (uint64_t)e->begin[i] + e->end[i]);
  }
  return (e->out[0] && e->out[1]) || dg_layer_fail_kernel(site, c->kernel, e->begin, e->end, err);
}

static dg_op_desc dense(const config *c, const uint32_t *in, const extent *e) {
  return (dg_op_desc){.kind = DG_OP_CONV2D,
                      .conv2d = {.channels = in[0],
                                 .height = in[1],
                                 .width = in[2],
                                 .filters = c->filters,
                                 .kernel_h = c->kernel[0],
                                 .kernel_w = c->kernel[1],
                                 .stride_h = c->stride[0],
                                 .stride_w = c->stride[1],
                                 .pad_h = e->begin[0],
                                 .pad_w = e->begin[1],
                                 .bias = c->bias}};
}

static dg_op_desc grouped(const config *c, const uint32_t *in, const extent *e) {
  return (dg_op_desc){.kind = DG_OP_GROUPED_CONV2D,
                      .grouped_conv2d = {.channels = in[0],
                                         .height = in[1],
                                         .width = in[2],
                                         .filters = c->filters,
                                         .groups = c->groups,
                                         .kernel_h = c->kernel[0],
                                         .kernel_w = c->kernel[1],
                                         .stride_h = c->stride[0],
                                         .stride_w = c->stride[1],
                                         .dilation_h = c->dilation[0],
                                         .dilation_w = c->dilation[1],
                                         .pad_h = e->begin[0],
                                         .pad_w = e->begin[1],
                                         .end_h = e->end[0],
                                         .end_w = e->end[1],
                                         .bias = c->bias}};
}

static bool plan_conv2d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                        dg_error *err) {
  const config *c = given;
  extent e;
  if (!dg_layer_needs_rank(site, 3, err) ||
      !dg_layer_check_groups(site, site->in[0].dim[0], c->filters, c->groups, err) ||
      !find_extent(c, site, &e, err))
    return false;
  const uint32_t *in = site->in[0].dim, channels = in[0] / c->groups;
  const bool is_dense = c->groups == 1 && c->dilation[0] == 1 && c->dilation[1] == 1 &&
                        memcmp(e.begin, e.end, sizeof e.begin) == 0;
  const uint64_t taps = dg_size_times(c->kernel[0], c->kernel[1]);
  const uint32_t dim[] = {c->filters, channels, c->kernel[0], c->kernel[1]};
  plan->out = (dg_shape){3, {c->filters, e.out[0], e.out[1]}};
  plan->op = is_dense ? dense(c, in, &e) : grouped(c, in, &e);
  dg_layer_weights(plan, (dg_init_kind)c->init, c->bias, 4, dim, dg_size_times(channels, taps),
                   dg_size_times(c->filters, taps));
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
