#include "backends/opencl/conv2d/grouped/grouped.h"

#include "backends/opencl/elementwise/act_backward.h"

bool dg_cl_grouped_supported(const dg_cl_device *device, const dg_op_desc *desc) {
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  (void)device;
  return dg_grouped_conv2d_out_h(d) > 0 && dg_grouped_conv2d_out_w(d) > 0;
}

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t channels, height, width, filters, out_h, out_w;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  uint32_t group_channels, group_filters;
} sizes;

static sizes sizes_of(const dg_grouped_conv2d_desc *d) {
  return (sizes){.channels = d->channels,
                 .height = d->height,
                 .width = d->width,
                 .filters = d->filters,
                 .out_h = dg_grouped_conv2d_out_h(d),
                 .out_w = dg_grouped_conv2d_out_w(d),
                 .kernel_h = d->kernel_h,
                 .kernel_w = d->kernel_w,
                 .stride_h = d->stride_h,
                 .stride_w = d->stride_w,
                 .dilation_h = d->dilation_h,
                 .dilation_w = d->dilation_w,
                 .pad_h = d->pad_h,
                 .pad_w = d->pad_w,
                 .group_channels = d->channels / d->groups,
                 .group_filters = d->filters / d->groups};
}

bool dg_cl_grouped_prepare(dg_cl_op *op, dg_cl_grouped *g, dg_cl_grouped_kind kind, dg_error *err) {
  static const char *const names[] = {"grouped_forward", "grouped_backward_input",
                                      "grouped_backward_weight"};
  cl_kernel *const kernels[] = {&g->shorten, &g->lengthen, &g->weight};
  const sizes s = sizes_of(&op->desc.grouped_conv2d);
  if (!g->sizes && !(g->sizes = dg_cl_table(op, &s, sizeof s, err))) return false;
  *kernels[kind] = dg_cl_kernel(op, DG_CL_GROUPED, names[kind], err);
  return *kernels[kind];
}

/* Work-items for rows of `width` numbers in `height` lines of some planes. */
static dg_cl_range range_of(size_t width, uint32_t height, uint32_t planes) {
  return dg_cl_range_of((size_t[3]){width, height, planes}, (size_t[3]){4, 4, 1});
}

static bool launch(dg_cl_op *op, const dg_cl_grouped *g, cl_kernel kernel, dg_cl_range range,
                   const dg_cl_grouped_product *p, dg_error *err) {
  return dg_cl_launch(op, kernel, range,
                      DG_CL_ARGS(dg_cl_mem(p->from), dg_cl_mem(p->weight), dg_cl_mem(p->bias),
                                 dg_cl_mem(p->to), dg_cl_mem(g->sizes), dg_cl_u32(p->act.kind),
                                 dg_cl_f32(p->act.slope), dg_cl_u32(p->add)),
                      err);
}

bool dg_cl_grouped_shorten(dg_cl_op *op, const dg_cl_grouped *g, const dg_cl_grouped_product *p,
                           dg_error *err) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const size_t blocks = dg_cl_ceil_div(dg_grouped_conv2d_out_w(d), dg_cl_width(op->device));
  return launch(op, g, g->shorten, range_of(blocks, dg_grouped_conv2d_out_h(d), p->n * d->filters),
                p, err);
}

/* A block has columns a stride apart. */
bool dg_cl_grouped_lengthen(dg_cl_op *op, const dg_cl_grouped *g, const dg_cl_grouped_product *p,
                            dg_error *err) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const size_t columns = dg_cl_ceil_div(d->width, d->stride_w);
  const size_t blocks = dg_cl_ceil_div(columns, dg_cl_width(op->device));
  return launch(op, g, g->lengthen, range_of(blocks * d->stride_w, d->height, p->n * d->channels),
                p, err);
}

bool dg_cl_grouped_weight(dg_cl_op *op, const dg_cl_grouped *g, const dg_buffer *small,
                          const dg_buffer *large, const dg_buffer *d_weight,
                          const dg_buffer *d_bias, uint32_t n, dg_error *err) {
  const uint64_t weights = dg_op_sizes_of(&op->desc).param[0];
  const uint64_t numbers = weights + (d_bias ? op->desc.grouped_conv2d.filters : 0);
  const size_t group = dg_cl_group(op->device);
  const dg_cl_range range = {.global = {group, (size_t)numbers, 1}, .local = {group, 1, 1}};
  return dg_cl_launch(op, g->weight, range,
                      DG_CL_ARGS(dg_cl_mem(small), dg_cl_mem(large), dg_cl_mem(d_weight),
                                 dg_cl_mem(d_bias), dg_cl_mem(g->sizes), dg_cl_u32(n)),
                      err);
}

bool dg_cl_grouped_prepare_activation(dg_cl_op *op, dg_cl_grouped *g, dg_error *err) {
  const bool act = op->desc.grouped_conv2d.act.kind != DG_ACT_NONE;
  op->needs.reads_in = true;
  op->needs.reads_out = act;
  if (!act) return true;
  op->needs.workspace = op->max_n * dg_op_sizes_of(&op->desc).out[0] * sizeof(float);
  g->activation = dg_cl_kernel(op, DG_CL_GROUPED, "activation_backward", err);
  return g->activation;
}

const dg_buffer *dg_cl_grouped_before_activation(dg_cl_op *op, const dg_cl_grouped *g,
                                                 const dg_op_buffers *b, uint32_t n,
                                                 dg_error *err) {
  const dg_cl_act_backward how = {.act = op->desc.grouped_conv2d.act, .scale = 1};
  if (!g->activation) return b->d_out;
  return dg_cl_run_act_backward(op, g->activation, &how, b, b->workspace, n, err) ? b->workspace
                                                                                  : NULL;
}
