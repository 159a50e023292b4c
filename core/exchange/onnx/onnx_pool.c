#include "core/exchange/onnx/onnx_pool.h"

/** Along one dimension. */
typedef struct {
  int64_t kernel, stride, dilation, begin, end;
} window;

static bool is_even(const dg_pool_axis *a) {
  return a->kernel || a->size % a->out == 0;
}

bool dg_onnx_has_windows(const dg_window_pool2d_desc *d) {
  return is_even(&d->rows) && is_even(&d->columns);
}

/** What the last window has beyond the padding counts as more of it. */
static window window_of(const dg_pool_axis *a) {
  if (!a->kernel) return (window){a->size / a->out, a->size / a->out, 1, 0, 0};
  const int64_t reach = (int64_t)dg_pool_reach(a), padded = (int64_t)a->size + a->begin;
  const int64_t end = (int64_t)(a->out - 1) * a->stride + reach - padded;
  return (window){a->kernel, a->stride, a->dilation, a->begin, end > a->end ? end : a->end};
}

/** Zeros around the input that count in means. */
static const char *pad(const dg_onnx_op *op, const char *name, window *rows, window *columns) {
  const dg_window_pool2d_desc *d = &op->node->op.window_pool2d;
  const int64_t pads[] = {0, 0, d->rows.begin, d->columns.begin, 0, 0, d->rows.end, d->columns.end};
  int64_t *copy = dg_onnx_memory(op->graph, 8, sizeof *copy);
  if (!copy) return name;
  for (int i = 0; i < 8; i++) copy[i] = pads[i];
  const char *inputs[] = {name, dg_onnx_integers(op->graph, 8, copy)};
  rows->begin = columns->begin = 0;
  rows->end -= d->rows.end, columns->end -= d->columns.end;
  return dg_onnx_output(dg_onnx_node(op->graph, "Pad", 2, inputs, 1), 0);
}

dg_onnx_value dg_onnx_add_window_pool(const dg_onnx_op *op) {
  const dg_window_pool2d_desc *d = &op->node->op.window_pool2d;
  const bool average = op->node->op.kind == DG_OP_WINDOW_AVGPOOL2D;
  const uint32_t read[] = {d->channels, d->rows.size, d->columns.size};
  const char *name = dg_onnx_reshape(op->graph, op->in[0], 3, read).name;
  window r = window_of(&d->rows), c = window_of(&d->columns);
  if (average && d->count_padding) name = pad(op, name, &r, &c);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, average ? "AveragePool" : "MaxPool", 1, &name, 1);
  dg_onnx_set_ints(op->graph, node, "kernel_shape", 2, (int64_t[]){r.kernel, c.kernel});
  dg_onnx_set_ints(op->graph, node, "strides", 2, (int64_t[]){r.stride, c.stride});
  dg_onnx_set_ints(op->graph, node, "pads", 4, (int64_t[]){r.begin, c.begin, r.end, c.end});
  if (!average)
    dg_onnx_set_ints(op->graph, node, "dilations", 2, (int64_t[]){r.dilation, c.dilation});
  return (dg_onnx_value){dg_onnx_output(node, 0), 3, {d->channels, d->rows.out, d->columns.out}};
}
