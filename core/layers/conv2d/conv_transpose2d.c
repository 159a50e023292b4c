#include <stddef.h>

#include "core/layers/transposed.h"

typedef struct {
  uint32_t filters;
  uint32_t kernel[2], stride[2], dilation[2], output_padding[2];
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
     .help = "size of what a pixel becomes"},
    {.name = "stride",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, stride),
     .low = 1,
     .high = 4096,
     .help = "distance of what two pixels side by side become"},
    {.name = "padding",
     .type = DG_KEY_PADDING,
     .offset = offsetof(config, padding),
     .high = 4096,
     .help = "cut off at the edges; same: the output is the input's size times the stride"},
    {.name = "output_padding",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, output_padding),
     .high = 4096,
     .help = "added below and to the right; below the stride"},
    {.name = "dilation",
     .type = DG_KEY_PAIR,
     .offset = offsetof(config, dilation),
     .low = 1,
     .high = 4096,
     .help = "distance of the numbers that a kernel gives"},
    {.name = "groups",
     .type = DG_KEY_COUNT,
     .offset = offsetof(config, groups),
     .low = 1,
     .high = 1 << 20,
     .help = "groups of channels, each with its own filters"},
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

/** Finds padding and output of dimension i. */
static bool fit(const config *c, int i, const dg_layer_site *site, dg_transposed *t, uint32_t *out,
                dg_error *err) {
  *t = (dg_transposed){.kernel = c->kernel[i],
                       .stride = c->stride[i],
                       .dilation = c->dilation[i],
                       .begin = c->padding.begin[i],
                       .end = c->padding.end[i],
                       .output_padding = c->output_padding[i]};
  if (c->padding.same) dg_transposed_same(t);
  return dg_transposed_fit(t, site->in[0].dim[1 + i], site, out, err);
}

static bool check(const config *c, const dg_layer_site *site, dg_error *err) {
  if (!dg_layer_needs_rank(site, 3, err)) return false;
  if (c->padding.same && (c->output_padding[0] || c->output_padding[1]))
    return dg_fail(err, DG_ERR_INPUT,
                   "padding = \"same\" decides the size of the output; leave output_padding out");
  return dg_layer_check_groups(site, site->in[0].dim[0], c->filters, c->groups, err);
}

/** The convolution that leads from the output back to the input. */
static dg_op_desc op_of(const config *c, const uint32_t *in, const uint32_t *out,
                        const dg_transposed *t) {
  return (dg_op_desc){.kind = DG_OP_CONV_TRANSPOSE2D,
                      .grouped_conv2d = {.channels = c->filters,
                                         .height = out[0],
                                         .width = out[1],
                                         .filters = in[0],
                                         .groups = c->groups,
                                         .kernel_h = t[0].kernel,
                                         .kernel_w = t[1].kernel,
                                         .stride_h = t[0].stride,
                                         .stride_w = t[1].stride,
                                         .dilation_h = t[0].dilation,
                                         .dilation_w = t[1].dilation,
                                         .pad_h = t[0].begin,
                                         .pad_w = t[1].begin,
                                         .end_h = t[0].end,
                                         .end_w = t[1].end,
                                         .bias = c->bias}};
}

static bool plan_conv_transpose2d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                                  dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  dg_transposed t[2];
  uint32_t out[2];
  if (!check(c, site, err)) return false;
  for (int i = 0; i < 2; i++)
    if (!fit(c, i, site, &t[i], &out[i], err)) return false;
  plan->out = (dg_shape){3, {c->filters, out[0], out[1]}};
  plan->op = op_of(c, in, out, t);
  const uint32_t dim[] = {in[0], c->filters / c->groups, c->kernel[0], c->kernel[1]};
  dg_transposed_weights(plan, (dg_init_kind)c->init, c->bias, 4, dim, c->groups);
  return true;
}

const dg_layer_class dg_layer_conv_transpose2d = {
    .type = "conv_transpose2d",
    .help = "Transposed convolution of an image: every pixel becomes a window, and windows add up.",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_conv_transpose2d,
};
