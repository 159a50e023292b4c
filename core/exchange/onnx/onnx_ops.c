#include "core/exchange/onnx/onnx_ops.h"

#include <string.h>

#include "core/exchange/onnx/onnx_eltwise.h"
#include "core/exchange/onnx/onnx_recurrent.h"

/** Input `i`, reshaped to what the op reads. */
static dg_onnx_value input(const dg_onnx_op *op, uint32_t i, uint32_t rank, const uint32_t *dim) {
  return dg_onnx_reshape(op->graph, op->in[i], rank, dim);
}

static dg_onnx_value value_of(const char *name, uint32_t rank, const uint32_t *dim) {
  dg_onnx_value value = {.name = name, .rank = rank};
  memcpy(value.dim, dim, rank * sizeof *dim);
  return value;
}

/* ---- products ----------------------------------------------------------- */

static dg_onnx_value add_linear(const dg_onnx_op *op) {
  const dg_linear_desc *d = &op->node->op.linear;
  const char *inputs[3] = {input(op, 0, 1, &d->in).name, dg_onnx_constant(op, 0)};
  if (d->bias) inputs[2] = dg_onnx_constant(op, 1);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Gemm", d->bias ? 3 : 2, inputs, 1);
  dg_onnx_set_int(op->graph, node, "transB", 1);
  return value_of(dg_onnx_output(node, 0), 1, &d->out);
}

/** A window over `dims` dimensions, with the same padding at both ends of each. */
static void set_window(const dg_onnx_op *op, Dg__Onnx__Node *node, uint32_t dims,
                       const int64_t *kernel, const int64_t *stride, const int64_t *pad) {
  int64_t pads[4];
  for (uint32_t i = 0; i < dims; i++) pads[i] = pads[dims + i] = pad[i];
  dg_onnx_set_ints(op->graph, node, "kernel_shape", dims, kernel);
  dg_onnx_set_ints(op->graph, node, "strides", dims, stride);
  dg_onnx_set_ints(op->graph, node, "pads", 2 * dims, pads);
}

static dg_onnx_value add_conv2d(const dg_onnx_op *op) {
  const dg_conv2d_desc *d = &op->node->op.conv2d;
  const uint32_t read[] = {d->channels, d->height, d->width};
  const char *inputs[3] = {input(op, 0, 3, read).name, dg_onnx_constant(op, 0)};
  if (d->bias) inputs[2] = dg_onnx_constant(op, 1);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Conv", d->bias ? 3 : 2, inputs, 1);
  set_window(op, node, 2, (int64_t[]){d->kernel_h, d->kernel_w},
             (int64_t[]){d->stride_h, d->stride_w}, (int64_t[]){d->pad_h, d->pad_w});
  return value_of(dg_onnx_output(node, 0), 3, op->node->shape.dim);
}

/** Window, dilation and groups of a convolution in groups, or of a transposed one. */
static void set_groups(const dg_onnx_op *op, Dg__Onnx__Node *node) {
  const dg_grouped_conv2d_desc *d = &op->node->op.grouped_conv2d;
  dg_onnx_set_ints(op->graph, node, "kernel_shape", 2, (int64_t[]){d->kernel_h, d->kernel_w});
  dg_onnx_set_ints(op->graph, node, "strides", 2, (int64_t[]){d->stride_h, d->stride_w});
  dg_onnx_set_ints(op->graph, node, "dilations", 2, (int64_t[]){d->dilation_h, d->dilation_w});
  dg_onnx_set_ints(op->graph, node, "pads", 4, (int64_t[]){d->pad_h, d->pad_w, d->end_h, d->end_w});
  dg_onnx_set_int(op->graph, node, "group", d->groups);
}

/** What is left of a size after the last window of a convolution. */
static int64_t rest(int64_t size, int64_t padding, int64_t reach, int64_t stride) {
  return (size + padding - reach) % stride;
}

static dg_onnx_value add_grouped_conv2d(const dg_onnx_op *op) {
  const dg_grouped_conv2d_desc *d = &op->node->op.grouped_conv2d;
  const bool transposed = op->node->op.kind == DG_OP_CONV_TRANSPOSE2D;
  const uint32_t large[] = {d->channels, d->height, d->width};
  const uint32_t small[] = {d->filters, dg_grouped_conv2d_out_h(d), dg_grouped_conv2d_out_w(d)};
  const char *inputs[3] = {input(op, 0, 3, transposed ? small : large).name,
                           dg_onnx_constant(op, 0)};
  if (d->bias) inputs[2] = dg_onnx_constant(op, 1);
  Dg__Onnx__Node *node =
      dg_onnx_node(op->graph, transposed ? "ConvTranspose" : "Conv", d->bias ? 3 : 2, inputs, 1);
  set_groups(op, node);
  const int64_t reach_h = (int64_t)d->dilation_h * (d->kernel_h - 1) + 1,
                reach_w = (int64_t)d->dilation_w * (d->kernel_w - 1) + 1;
  if (transposed)
    dg_onnx_set_ints(
        op->graph, node, "output_padding", 2,
        (int64_t[]){rest(d->height, (int64_t)d->pad_h + d->end_h, reach_h, d->stride_h),
                    rest(d->width, (int64_t)d->pad_w + d->end_w, reach_w, d->stride_w)});
  return value_of(dg_onnx_output(node, 0), 3, op->node->shape.dim);
}

static dg_onnx_value add_grouped_conv1d(const dg_onnx_op *op) {
  const dg_grouped_conv1d_desc *d = &op->node->op.grouped_conv1d;
  static const int64_t swap[] = {0, 2, 1};
  const bool transposed = op->node->op.kind == DG_OP_CONV_TRANSPOSE1D;
  const uint32_t large[] = {d->steps, d->channels},
                 small[] = {dg_grouped_conv1d_out(d), d->filters};
  const char *read = input(op, 0, 2, transposed ? small : large).name;
  const char *inputs[3] = {dg_onnx_transpose(op->graph, read, 3, swap), dg_onnx_constant(op, 0)};
  if (d->bias) inputs[2] = dg_onnx_constant(op, 1);
  Dg__Onnx__Node *node =
      dg_onnx_node(op->graph, transposed ? "ConvTranspose" : "Conv", d->bias ? 3 : 2, inputs, 1);
  dg_onnx_set_ints(op->graph, node, "kernel_shape", 1, (int64_t[]){d->kernel});
  dg_onnx_set_ints(op->graph, node, "strides", 1, (int64_t[]){d->stride});
  dg_onnx_set_ints(op->graph, node, "dilations", 1, (int64_t[]){d->dilation});
  dg_onnx_set_ints(op->graph, node, "pads", 2, (int64_t[]){d->pad, d->end});
  dg_onnx_set_int(op->graph, node, "group", d->groups);
  const int64_t reach = (int64_t)d->dilation * (d->kernel - 1) + 1;
  if (transposed)
    dg_onnx_set_ints(op->graph, node, "output_padding", 1,
                     (int64_t[]){rest(d->steps, (int64_t)d->pad + d->end, reach, d->stride)});
  const char *back = dg_onnx_transpose(op->graph, dg_onnx_output(node, 0), 3, swap);
  return value_of(back, 2, op->node->shape.dim);
}

/** ONNX convolves [features, steps], we convolve [steps, features]. */
static dg_onnx_value add_conv1d(const dg_onnx_op *op) {
  const dg_conv1d_desc *d = &op->node->op.conv1d;
  static const int64_t swap[] = {0, 2, 1};
  const uint32_t read[] = {d->steps, d->in};
  const char *turned = dg_onnx_transpose(op->graph, input(op, 0, 2, read).name, 3, swap);
  const char *inputs[3] = {turned, dg_onnx_constant(op, 0)};
  if (d->bias) inputs[2] = dg_onnx_constant(op, 1);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Conv", d->bias ? 3 : 2, inputs, 1);
  set_window(op, node, 1, (int64_t[]){d->kernel}, (int64_t[]){d->stride}, (int64_t[]){d->pad});
  const char *back = dg_onnx_transpose(op->graph, dg_onnx_output(node, 0), 3, swap);
  return value_of(back, 2, op->node->shape.dim);
}

/* ---- pools -------------------------------------------------------------- */

static dg_onnx_value add_pool(const dg_onnx_op *op) {
  const dg_pool2d_desc *d = &op->node->op.pool2d;
  bool average = op->node->op.kind == DG_OP_AVGPOOL2D;
  const uint32_t read[] = {d->channels, d->height, d->width};
  const char *name = input(op, 0, 3, read).name;
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, average ? "AveragePool" : "MaxPool", 1, &name, 1);
  set_window(op, node, 2, (int64_t[]){d->kernel_h, d->kernel_w},
             (int64_t[]){d->stride_h, d->stride_w}, (int64_t[]){d->pad_h, d->pad_w});
  if (average) dg_onnx_set_int(op->graph, node, "count_include_pad", 1);
  const uint32_t out[] = {d->channels, dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
                          dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w)};
  return value_of(dg_onnx_output(node, 0), 3, out);
}

/** Of an image inner is 1, of a sequence outer and width are. */
static dg_onnx_value add_pad(const dg_onnx_op *op) {
  static const char *const modes[] = {"constant", "reflect", "edge"};
  const dg_pad_desc *d = &op->node->op.pad;
  const bool image = d->inner == 1;
  const uint32_t read[] = {image ? d->outer : d->height, image ? d->height : d->width,
                           image ? d->width : d->inner};
  int64_t amounts[8] = {0};
  const int at = image ? 2 : 1; /* of the height; 0 is the samples */
  amounts[at] = d->top, amounts[at + 1] = d->left;
  amounts[4 + at] = d->bottom, amounts[4 + at + 1] = d->right;
  const char *inputs[] = {input(op, 0, 3, read).name, dg_onnx_integers(op->graph, 8, amounts)};
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Pad", 2, inputs, 1);
  dg_onnx_set_text(op->graph, node, "mode", modes[d->mode]);
  uint32_t out[3];
  for (int i = 0; i < 3; i++) out[i] = read[i] + (uint32_t)(amounts[1 + i] + amounts[5 + i]);
  return value_of(dg_onnx_output(node, 0), 3, out);
}

static dg_onnx_value add_upsample2d(const dg_onnx_op *op) {
  const dg_upsample2d_desc *d = &op->node->op.upsample2d;
  const uint32_t read[] = {d->channels, d->height, d->width};
  const int64_t dims = 4; /* samples, channels, height, width */
  float *scales = dg_onnx_memory(op->graph, (size_t)dims, sizeof *scales);
  if (!scales) return op->in[0];
  scales[0] = scales[1] = 1, scales[2] = scales[3] = (float)d->scale;
  const char *name = dg_onnx_text(op->graph, "%s.scales", op->node->layer->name);
  const char *inputs[] = {input(op, 0, 3, read).name, "",
                          dg_onnx_floats(op->graph, name, 1, &dims, scales)};
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Resize", 3, inputs, 1);
  const bool bilinear = op->node->op.kind == DG_OP_UPSAMPLE_BILINEAR2D;
  dg_onnx_set_text(op->graph, node, "mode", bilinear ? "linear" : "nearest");
  if (!bilinear) dg_onnx_set_text(op->graph, node, "nearest_mode", "floor");
  dg_onnx_set_text(op->graph, node, "coordinate_transformation_mode",
                   bilinear ? "half_pixel" : "asymmetric");
  return value_of(dg_onnx_output(node, 0), 3, op->node->shape.dim);
}

/* ---- norms -------------------------------------------------------------- */

/** ONNX normalizes [channels, …], so a sequence [steps, features] is transposed. */
static dg_onnx_value add_batch_norm(const dg_onnx_op *op) {
  const dg_batch_norm_desc *d = &op->node->op.batch_norm;
  static const int64_t swap[] = {0, 2, 1};
  bool sequence = d->rows > 1;
  const uint32_t read[] = {sequence ? d->rows : d->channels, sequence ? d->channels : d->plane};
  dg_onnx_value in = input(op, 0, 2, read);
  const char *inputs[5] = {sequence ? dg_onnx_transpose(op->graph, in.name, 3, swap) : in.name};
  for (uint32_t i = 0; i < 4; i++) inputs[1 + i] = dg_onnx_constant(op, i);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "BatchNormalization", 5, inputs, 1);
  dg_onnx_set_float(op->graph, node, "epsilon", d->eps);
  const char *name = dg_onnx_output(node, 0);
  return value_of(sequence ? dg_onnx_transpose(op->graph, name, 3, swap) : name, 2, read);
}

static dg_onnx_value add_layer_norm(const dg_onnx_op *op) {
  const dg_layer_norm_desc *d = &op->node->op.layer_norm;
  const uint32_t read[] = {d->rows, d->count};
  int64_t count = d->count;
  const dg_array *weight = dg_onnx_param(op, 0), *bias = dg_onnx_param(op, 1);
  const char *inputs[] = {input(op, 0, 2, read).name,
                          dg_onnx_floats(op->graph, weight->name, 1, &count, weight->data),
                          dg_onnx_floats(op->graph, bias->name, 1, &count, bias->data)};
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "LayerNormalization", 3, inputs, 1);
  dg_onnx_set_int(op->graph, node, "axis", -1);
  dg_onnx_set_float(op->graph, node, "epsilon", d->eps);
  return value_of(dg_onnx_output(node, 0), 2, read);
}

/* ---- the rest ----------------------------------------------------------- */

static dg_onnx_value add_activation(const dg_onnx_op *op) {
  static const char *const names[] = {"Identity", "Relu", "LeakyRelu", "Sigmoid", "Tanh"};
  const dg_act *act = &op->node->op.activation.act;
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, names[act->kind], 1, &op->in[0].name, 1);
  if (act->kind == DG_ACT_LEAKY_RELU) dg_onnx_set_float(op->graph, node, "alpha", act->slope);
  return value_of(dg_onnx_output(node, 0), op->in[0].rank, op->in[0].dim);
}

static dg_onnx_value add_hwc(const dg_onnx_op *op) {
  static const int64_t order[] = {0, 2, 3, 1};
  const dg_chw_desc *d = &op->node->op.chw;
  const uint32_t read[] = {d->channels, d->height, d->width};
  const uint32_t out[] = {d->height, d->width, d->channels};
  return value_of(dg_onnx_transpose(op->graph, input(op, 0, 3, read).name, 4, order), 3, out);
}

static dg_onnx_value add_sum(const dg_onnx_op *op) {
  const char *inputs[DG_MAX_IN];
  for (uint32_t i = 0; i < op->node->inputs; i++)
    inputs[i] = input(op, i, op->in[0].rank, op->in[0].dim).name;
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Sum", op->node->inputs, inputs, 1);
  return value_of(dg_onnx_output(node, 0), op->in[0].rank, op->in[0].dim);
}

static dg_onnx_value add_concat(const dg_onnx_op *op) {
  const dg_concat_desc *d = &op->node->op.concat;
  const char *inputs[DG_MAX_IN];
  uint32_t out[] = {d->rows, 0};
  for (uint32_t i = 0; i < d->inputs; i++) {
    inputs[i] = input(op, i, 2, (uint32_t[]){d->rows, d->count[i]}).name;
    out[1] += d->count[i];
  }
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Concat", d->inputs, inputs, 1);
  dg_onnx_set_int(op->graph, node, "axis", 2);
  return value_of(dg_onnx_output(node, 0), 2, out);
}

bool dg_onnx_add(const dg_onnx_op *op, dg_onnx_value *out, dg_error *err) {
  static dg_onnx_value (*const adders[DG_OP_KINDS])(const dg_onnx_op *) = {
      [DG_OP_LINEAR] = add_linear,
      [DG_OP_CONV2D] = add_conv2d,
      [DG_OP_GROUPED_CONV2D] = add_grouped_conv2d,
      [DG_OP_CONV_TRANSPOSE2D] = add_grouped_conv2d,
      [DG_OP_CONV1D] = add_conv1d,
      [DG_OP_GROUPED_CONV1D] = add_grouped_conv1d,
      [DG_OP_CONV_TRANSPOSE1D] = add_grouped_conv1d,
      [DG_OP_PAD] = add_pad,
      [DG_OP_UPSAMPLE_BILINEAR2D] = add_upsample2d,
      [DG_OP_MAXPOOL2D] = add_pool,
      [DG_OP_AVGPOOL2D] = add_pool,
      [DG_OP_UPSAMPLE2D] = add_upsample2d,
      [DG_OP_ACTIVATION] = add_activation,
      [DG_OP_ELTWISE] = dg_onnx_add_eltwise,
      [DG_OP_CHW_TO_HWC] = add_hwc,
      [DG_OP_ADD] = add_sum,
      [DG_OP_CONCAT] = add_concat,
      [DG_OP_BATCH_NORM] = add_batch_norm,
      [DG_OP_LAYER_NORM] = add_layer_norm,
      [DG_OP_RECURRENT] = dg_onnx_add_recurrent,
  };
  dg_op_kind kind = op->node->op.kind;
  if (kind == DG_OP_DROPOUT) /* dropout does nothing in inference */
    *out = op->in[0];
  else if (kind < DG_OP_KINDS && adders[kind])
    *out = adders[kind](op);
  else
    return dg_fail(err, DG_ERR_UNSUPPORTED, "layer \"%s\" (%s) can't be written as ONNX",
                   op->node->layer->name, op->node->layer->kind->type);
  return true;
}
