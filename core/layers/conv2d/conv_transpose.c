/** conv_transpose2d and conv_transpose1d, which has the first of two dimensions alone. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t filters;
  uint32_t kernel[2], stride[2], dilation[2], output_padding[2];
  dg_padding padding;
  uint32_t groups;
  bool bias;
  int init;
} config;

static const config defaults = {.stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .bias = true};

/** Both layers' keys: of sizes `size`, of paddings `sides`. */
#define KEYS(size, sides)                                                                          \
  {                                                                                                \
    {.name = "filters",                                                                            \
     .type = DG_KEY_COUNT,                                                                         \
     .offset = offsetof(config, filters),                                                          \
     .low = 1,                                                                                     \
     .high = 1 << 20,                                                                              \
     .required = true,                                                                             \
     .help = "channels of the output"},                                                            \
        {.name = "kernel",                                                                         \
         .type = size,                                                                             \
         .offset = offsetof(config, kernel),                                                       \
         .low = 1,                                                                                 \
         .high = 4096,                                                                             \
         .required = true,                                                                         \
         .help = "size of the window that a pixel or step is spread over"},                        \
        {.name = "stride",                                                                         \
         .type = size,                                                                             \
         .offset = offsetof(config, stride),                                                       \
         .low = 1,                                                                                 \
         .high = 4096,                                                                             \
         .help = "distance of the windows of two neighbours"},                                     \
        {.name = "padding",                                                                        \
         .type = sides,                                                                            \
         .offset = offsetof(config, padding),                                                      \
         .high = 4096,                                                                             \
         .help = "cut off at the edges; same: the output is the input's size times the stride"},   \
        {.name = "output_padding",                                                                 \
         .type = size,                                                                             \
         .offset = offsetof(config, output_padding),                                               \
         .high = 4096,                                                                             \
         .help = "added at the end of each dimension; below the stride"},                          \
        {.name = "dilation",                                                                       \
         .type = size,                                                                             \
         .offset = offsetof(config, dilation),                                                     \
         .low = 1,                                                                                 \
         .high = 4096,                                                                             \
         .help = "distance of the numbers of a window"},                                           \
        {.name = "groups",                                                                         \
         .type = DG_KEY_COUNT,                                                                     \
         .offset = offsetof(config, groups),                                                       \
         .low = 1,                                                                                 \
         .high = 1 << 20,                                                                          \
         .help = "groups of channels, each with its own filters"},                                 \
        {.name = "bias",                                                                           \
         .type = DG_KEY_BOOL,                                                                      \
         .offset = offsetof(config, bias),                                                         \
         .help = "add a bias to every filter"},                                                    \
        {.name = "init",                                                                           \
         .type = DG_KEY_CHOICE,                                                                    \
         .offset = offsetof(config, init),                                                         \
         .choices = dg_init_names,                                                                 \
         .help = "how the weights start"},                                                         \
  }

static const dg_key keys_of_images[] = KEYS(DG_KEY_PAIR, DG_KEY_PADDING),
                    keys_of_steps[] = KEYS(DG_KEY_COUNT, DG_KEY_STEP_PADDING);

/* ---- sizes ---------------------------------------------------------------- */

/** One dimension of the output. */
typedef struct {
  uint32_t size, begin, end; /**< begin, end: what is cut off */
} extent;

/** The numbers that a window reaches over; keys are at most 4096. */
static uint32_t reach_of(const config *c, int i) {
  return c->dilation[i] * (c->kernel[i] - 1) + 1;
}

/** Finds what is cut off of dimension `i`; returns what is added at its end. With "same" they make
    the output as large as the input times the stride, and half of the cut, rounded down, is at the
    beginning. */
static uint32_t find_padding(const config *c, int i, extent *e) {
  const uint32_t reach = reach_of(c, i), stride = c->stride[i];
  const uint32_t cut = reach > stride ? reach - stride : 0;
  *e = (extent){0, c->padding.begin[i], c->padding.end[i]};
  if (!c->padding.same) return c->output_padding[i];
  *e = (extent){0, cut / 2, cut - cut / 2};
  return reach < stride ? stride - reach : 0;
}

/** Finds dimension `i` of the output for `size` of the input. */
static bool find_extent(const config *c, int i, uint32_t size, const dg_layer_site *site, extent *e,
                        dg_error *err) {
  const uint32_t added = find_padding(c, i, e);
  const uint64_t full = (uint64_t)(size - 1) * c->stride[i] + reach_of(c, i) + added;
  const uint64_t cut = (uint64_t)e->begin + e->end;
  char shape[64];
  if (added >= c->stride[i])
    return dg_fail(err, DG_ERR_INPUT,
                   "output_padding = %u is not below the stride of %u; make it smaller", added,
                   c->stride[i]);
  if (full <= cut)
    return dg_fail(err, DG_ERR_INPUT,
                   "padding [%u, %u] leaves nothing of what \"%s\" of %s becomes; make it smaller",
                   e->begin, e->end, site->in_names[0],
                   dg_shape_text(&site->in[0], shape, sizeof shape));
  if (!dg_size_fits(full - cut))
    return dg_fail(err, DG_ERR_INPUT,
                   "\"%s\" of %s would get more than %d numbers in a line; make the stride smaller",
                   site->in_names[0], dg_shape_text(&site->in[0], shape, sizeof shape),
                   DG_SIZE_NUMBERS);
  e->size = (uint32_t)(full - cut);
  return true;
}

static bool check(const config *c, const dg_layer_site *site, uint32_t rank, uint32_t channels,
                  dg_error *err) {
  if (!dg_layer_needs_rank(site, rank, err)) return false;
  if (c->padding.same && (c->output_padding[0] || c->output_padding[1]))
    return dg_fail(err, DG_ERR_INPUT,
                   "padding = \"same\" decides the size of the output; leave output_padding out");
  return dg_layer_check_groups(site, channels, c->filters, c->groups, err);
}

/** The weights [channels, filters / groups, kernel …] of `rank` and the bias [filters]. */
static void add_weights(dg_layer_plan *plan, const config *c, uint32_t rank, uint32_t channels) {
  const uint32_t dim[] = {channels, c->filters / c->groups, c->kernel[0], c->kernel[1]};
  const uint64_t taps = dg_size_times(dim[2], rank == 4 ? dim[3] : 1);
  dg_layer_weights(plan, (dg_init_kind)c->init, c->bias, rank, dim, dg_size_times(dim[1], taps),
                   dg_size_times(dim[0], taps));
  if (c->bias) plan->param[1].dim[0] = c->filters;
}

/* ---- the layers ------------------------------------------------------------- */

/** The op is described by the convolution that leads from the output back to the input. */
static bool plan_conv_transpose2d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                                  dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  extent h, w;
  if (!check(c, site, 3, in[0], err) || !find_extent(c, 0, in[1], site, &h, err) ||
      !find_extent(c, 1, in[2], site, &w, err))
    return false;
  plan->out = (dg_shape){3, {c->filters, h.size, w.size}};
  plan->op = (dg_op_desc){.kind = DG_OP_CONV_TRANSPOSE2D,
                          .grouped_conv2d = {.channels = c->filters,
                                             .height = h.size,
                                             .width = w.size,
                                             .filters = in[0],
                                             .groups = c->groups,
                                             .kernel_h = c->kernel[0],
                                             .kernel_w = c->kernel[1],
                                             .stride_h = c->stride[0],
                                             .stride_w = c->stride[1],
                                             .dilation_h = c->dilation[0],
                                             .dilation_w = c->dilation[1],
                                             .pad_h = h.begin,
                                             .pad_w = w.begin,
                                             .end_h = h.end,
                                             .end_w = w.end,
                                             .bias = c->bias}};
  add_weights(plan, c, 4, in[0]);
  return true;
}

static bool plan_conv_transpose1d(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                                  dg_error *err) {
  const config *c = given;
  const uint32_t *in = site->in[0].dim;
  extent steps;
  if (!check(c, site, 2, in[1], err) || !find_extent(c, 0, in[0], site, &steps, err)) return false;
  plan->out = (dg_shape){2, {steps.size, c->filters}};
  plan->op = (dg_op_desc){.kind = DG_OP_CONV_TRANSPOSE1D,
                          .grouped_conv1d = {.steps = steps.size,
                                             .channels = c->filters,
                                             .filters = in[1],
                                             .groups = c->groups,
                                             .kernel = c->kernel[0],
                                             .stride = c->stride[0],
                                             .dilation = c->dilation[0],
                                             .pad = steps.begin,
                                             .end = steps.end,
                                             .bias = c->bias}};
  add_weights(plan, c, 3, in[1]);
  return true;
}

const dg_layer_class dg_layer_conv_transpose2d = {
    .type = "conv_transpose2d",
    .help = "Transposed convolution of an image: every pixel becomes a window, and windows add up.",
    .keys = keys_of_images,
    .key_count = sizeof keys_of_images / sizeof *keys_of_images,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_conv_transpose2d,
};

const dg_layer_class dg_layer_conv_transpose1d = {
    .type = "conv_transpose1d",
    .help = "Transposed convolution of a sequence: every step becomes several, which add up.",
    .keys = keys_of_steps,
    .key_count = sizeof keys_of_steps / sizeof *keys_of_steps,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_conv_transpose1d,
};
