#include "backends/cpu/sizes.h"

static dg_cpu_sizes of_linear(const dg_linear_desc *d) {
  return (dg_cpu_sizes){{d->in}, {d->out}, {(size_t)d->in * d->out, d->bias ? d->out : 0}};
}

static dg_cpu_sizes of_conv2d(const dg_conv2d_desc *d) {
  size_t height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  size_t width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  size_t plane = d->pool ? height / d->pool * (width / d->pool) : height * width;
  size_t taps = (size_t)d->channels * d->kernel_h * d->kernel_w;
  return (dg_cpu_sizes){{(size_t)d->channels * d->height * d->width},
                        {d->filters * plane, d->moments ? 2 * (size_t)d->filters : 0},
                        {d->filters * taps, d->bias ? d->filters : 0}};
}

static dg_cpu_sizes of_conv1d(const dg_conv1d_desc *d) {
  size_t steps = dg_window_out(d->steps, d->kernel, d->stride, d->pad);
  return (dg_cpu_sizes){{(size_t)d->steps * d->in},
                        {steps * d->filters},
                        {(size_t)d->filters * d->in * d->kernel, d->bias ? d->filters : 0}};
}

static dg_cpu_sizes of_pool2d(const dg_pool2d_desc *d) {
  size_t height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  size_t width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  return (dg_cpu_sizes){
      {(size_t)d->channels * d->height * d->width}, {d->channels * height * width}, {0}};
}

static dg_cpu_sizes of_same(size_t count) {
  return (dg_cpu_sizes){{count}, {count}, {0}};
}

static dg_cpu_sizes of_add(const dg_add_desc *d) {
  dg_cpu_sizes sizes = {.out = {d->count}};
  for (uint32_t k = 0; k < d->inputs; k++) sizes.in[k] = d->count;
  return sizes;
}

static dg_cpu_sizes of_concat(const dg_concat_desc *d) {
  dg_cpu_sizes sizes = {.out = {0}};
  for (uint32_t k = 0; k < d->inputs; k++) {
    sizes.in[k] = (size_t)d->rows * d->count[k];
    sizes.out[0] += sizes.in[k];
  }
  return sizes;
}

static dg_cpu_sizes of_layer_norm(const dg_layer_norm_desc *d) {
  dg_cpu_sizes sizes = of_same((size_t)d->rows * d->count);
  sizes.param[0] = sizes.param[1] = d->count;
  return sizes;
}

static dg_cpu_sizes of_recurrent(const dg_recurrent_desc *d) {
  uint32_t directions = d->bidirectional ? 2 : 1, params = 0;
  size_t rows = (size_t)dg_cell_gates(d->cell) * d->hidden;
  size_t state = (size_t)directions * d->hidden;
  dg_cpu_sizes sizes = {{(size_t)d->steps * d->in}, {d->sequence ? d->steps * state : state}, {0}};
  for (uint32_t direction = 0; direction < directions; direction++) {
    sizes.param[params++] = rows * d->in;
    sizes.param[params++] = rows * d->hidden;
    for (uint32_t b = 0; b < d->biases; b++) sizes.param[params++] = rows;
  }
  return sizes;
}

bool dg_cpu_sizes_of(const dg_op_desc *desc, dg_cpu_sizes *sizes) {
  switch (desc->kind) {
  case DG_OP_LINEAR:
    return *sizes = of_linear(&desc->linear), true;
  case DG_OP_CONV2D:
    return *sizes = of_conv2d(&desc->conv2d), true;
  case DG_OP_CONV1D:
    return *sizes = of_conv1d(&desc->conv1d), true;
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D:
    return *sizes = of_pool2d(&desc->pool2d), true;
  case DG_OP_ACTIVATION:
    return *sizes = of_same(desc->activation.count), true;
  case DG_OP_DROPOUT:
    return *sizes = of_same(desc->dropout.count), true;
  case DG_OP_CHW_TO_HWC:
    return *sizes = of_same((size_t)desc->chw.channels * desc->chw.height * desc->chw.width), true;
  case DG_OP_ADD:
    return *sizes = of_add(&desc->add), true;
  case DG_OP_CONCAT:
    return *sizes = of_concat(&desc->concat), true;
  case DG_OP_LAYER_NORM:
    return *sizes = of_layer_norm(&desc->layer_norm), true;
  case DG_OP_RECURRENT:
    return *sizes = of_recurrent(&desc->recurrent), true;
  case DG_OP_GATHER:
    *sizes = (dg_cpu_sizes){.out = {(size_t)desc->gather.height * desc->gather.width, 1}};
    return true;
  case DG_OP_LOSS:
    *sizes = (dg_cpu_sizes){.in = {desc->loss.classes, 1}, .out = {desc->loss.classes}};
    return true;
  default:
    return false;
  }
}
