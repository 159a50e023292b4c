/** maxpool2d and avgpool2d. */
#include <stddef.h>

#include "core/layers/layer.h"

typedef struct {
  uint32_t kernel[2], stride[2]; /* stride 0: equal to kernel */
  dg_padding padding;
  uint32_t dilation[2];
  bool ceil_mode, count_include_pad;
} config;

static const config defaults = {.dilation = {1, 1}, .count_include_pad = true};

#define WINDOW_KEYS                                                                                \
  {.name = "kernel",                                                                               \
   .type = DG_KEY_PAIR,                                                                            \
   .offset = offsetof(config, kernel),                                                             \
   .low = 1,                                                                                       \
   .high = 4096,                                                                                   \
   .required = true,                                                                               \
   .help = "size of the window"},                                                                  \
      {.name = "stride",                                                                           \
       .type = DG_KEY_PAIR,                                                                        \
       .offset = offsetof(config, stride),                                                         \
       .low = 1,                                                                                   \
       .high = 4096,                                                                               \
       .help = "step of the window; default: the kernel's size"},                                  \
      {.name = "padding",                                                                          \
       .type = DG_KEY_PADDING,                                                                     \
       .offset = offsetof(config, padding),                                                        \
       .high = 4096,                                                                               \
       .help =                                                                                     \
           "rows and columns added at the edges, at most half the kernel; same: the output is "    \
           "the input's size by the stride"},                                                      \
      {.name = "ceil_mode",                                                                        \
       .type = DG_KEY_BOOL,                                                                        \
       .offset = offsetof(config, ceil_mode),                                                      \
       .help = "add a last window that reaches beyond the edge, if there is more input for it"},

static const dg_key max_keys[] = {WINDOW_KEYS{.name = "dilation",
                                              .type = DG_KEY_PAIR,
                                              .offset = offsetof(config, dilation),
                                              .low = 1,
                                              .high = 4096,
                                              .help = "distance of the numbers of a window"}};

static const dg_key average_keys[] = {
    WINDOW_KEYS{.name = "count_include_pad",
                .type = DG_KEY_BOOL,
                .offset = offsetof(config, count_include_pad),
                .help = "count the padding as zeros; false: only the input's numbers count"}};

/** The windows along a dimension but for their number. */
static dg_pool_axis axis_of(const config *c, int dim, uint32_t size) {
  dg_pool_axis a = {.size = size,
                    .kernel = c->kernel[dim],
                    .stride = c->stride[dim] ? c->stride[dim] : c->kernel[dim],
                    .dilation = c->dilation[dim],
                    .begin = c->padding.begin[dim],
                    .end = c->padding.end[dim]};
  if (c->padding.same) dg_same_padding(size, a.kernel, a.stride, a.dilation, &a.begin, &a.end);
  return a;
}

static bool check_padding(const dg_pool_axis *a, dg_error *err) {
  const uint32_t most = a->begin > a->end ? a->begin : a->end;
  if (2 * (uint64_t)most > dg_pool_reach(a))
    return dg_fail(err, DG_ERR_INPUT,
                   "padding %u is more than half the kernel of %u; make the kernel larger or the "
                   "padding smaller",
                   most, (uint32_t)dg_pool_reach(a));
  return !a->begin || a->dilation <= a->size ||
         dg_fail(err, DG_ERR_INPUT,
                 "a dilation of %u is more than the %u numbers of the input, so that windows in "
                 "the padding would be empty; leave out the padding or make the dilation smaller",
                 a->dilation, a->size);
}

/** The last window of ceil_mode must begin before the input's end. */
static void count_windows(const config *c, dg_pool_axis *a) {
  const uint64_t padded = (uint64_t)a->size + a->begin + a->end;
  const uint64_t more = c->ceil_mode ? a->stride - 1 : 0;
  a->out = dg_window_count(padded + more, dg_pool_reach(a), a->stride);
  if (a->out > 1 && (uint64_t)(a->out - 1) * a->stride >= (uint64_t)a->size + a->begin) a->out--;
}

static bool find_windows(const config *c, const dg_layer_site *site, dg_pool_axis axes[2],
                         dg_error *err) {
  for (int i = 0; i < 2; i++) {
    axes[i] = axis_of(c, i, site->in[0].dim[1 + i]);
    if (!check_padding(&axes[i], err)) return false;
    count_windows(c, &axes[i]);
  }
  if (axes[0].out && axes[1].out) return true;
  const uint32_t begin[] = {axes[0].begin, axes[1].begin}, end[] = {axes[0].end, axes[1].end};
  return dg_layer_fail_kernel(site, c->kernel, begin, end, err);
}

/** Does the op pool2d have windows like these along a dimension? */
static bool is_plain(const dg_pool_axis *a) {
  return a->dilation == 1 && a->begin == a->end &&
         a->out == dg_window_out(a->size, a->kernel, a->stride, a->begin);
}

static dg_op_desc plain(dg_op_kind kind, uint32_t channels, const dg_pool_axis axes[2]) {
  return (dg_op_desc){.kind = kind,
                      .pool2d = {.channels = channels,
                                 .height = axes[0].size,
                                 .width = axes[1].size,
                                 .kernel_h = axes[0].kernel,
                                 .kernel_w = axes[1].kernel,
                                 .stride_h = axes[0].stride,
                                 .stride_w = axes[1].stride,
                                 .pad_h = axes[0].begin,
                                 .pad_w = axes[1].begin}};
}

static bool plan_pool2d(bool average, const config *c, const dg_layer_site *site,
                        dg_layer_plan *plan, dg_error *err) {
  const uint32_t *in = site->in[0].dim;
  dg_pool_axis axes[2];
  if (!dg_layer_needs_rank(site, 3, err) || !find_windows(c, site, axes, err)) return false;
  const bool padded = axes[0].begin || axes[1].begin, counts = !padded || c->count_include_pad;
  plan->out = (dg_shape){3, {in[0], axes[0].out, axes[1].out}};
  if (is_plain(&axes[0]) && is_plain(&axes[1]) && (counts || !average))
    plan->op = plain(average ? DG_OP_AVGPOOL2D : DG_OP_MAXPOOL2D, in[0], axes);
  else
    plan->op = (dg_op_desc){.kind = average ? DG_OP_WINDOW_AVGPOOL2D : DG_OP_WINDOW_MAXPOOL2D,
                            .window_pool2d = {.channels = in[0],
                                              .rows = axes[0],
                                              .columns = axes[1],
                                              .count_padding = average && c->count_include_pad}};
  return true;
}

static bool plan_maxpool2d(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  return plan_pool2d(false, c, site, plan, err);
}

static bool plan_avgpool2d(const void *c, const dg_layer_site *site, dg_layer_plan *plan,
                           dg_error *err) {
  return plan_pool2d(true, c, site, plan, err);
}

const dg_layer_class dg_layer_maxpool2d = {
    .type = "maxpool2d",
    .help = "The largest value of every window of an image.",
    .keys = max_keys,
    .key_count = sizeof max_keys / sizeof *max_keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_maxpool2d,
};

const dg_layer_class dg_layer_avgpool2d = {
    .type = "avgpool2d",
    .help = "The mean of every window of an image.",
    .keys = average_keys,
    .key_count = sizeof average_keys / sizeof *average_keys,
    .defaults = &defaults,
    .config_size = sizeof(config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_avgpool2d,
};
