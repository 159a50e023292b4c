#include "core/exchange/onnx/onnx_pool.h"

#include <math.h>

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

/** Makes padding part of the input: all before it and `end` after it. `value` NULL: zeros. */
static const char *pad(const dg_onnx_op *op, const char *name, const char *value,
                       const int64_t end[2], window w[2]) {
  const int64_t pads[] = {0, 0, w[0].begin, w[1].begin, 0, 0, end[0], end[1]};
  const char *inputs[] = {name, dg_onnx_integers(op->graph, 8, pads), value};
  for (int i = 0; i < 2; i++) w[i].begin = 0, w[i].end -= end[i];
  return dg_onnx_output(dg_onnx_node(op->graph, "Pad", value ? 3 : 2, inputs, 1), 0);
}

/** ONNX Runtime takes padding below the kernel alone; with dilations there may be more. */
static bool is_wide(const window *w) {
  return w->begin >= w->kernel || w->end >= w->kernel;
}

dg_onnx_value dg_onnx_add_window_pool(const dg_onnx_op *op) {
  const dg_window_pool2d_desc *d = &op->node->op.window_pool2d;
  const bool average = op->node->op.kind == DG_OP_WINDOW_AVGPOOL2D;
  const uint32_t read[] = {d->channels, d->rows.size, d->columns.size};
  const char *name = dg_onnx_reshape(op->graph, op->in[0], 3, read).name;
  window w[] = {window_of(&d->rows), window_of(&d->columns)};
  if (average && d->count_padding) /* zeros that count in means */
    name = pad(op, name, NULL, (int64_t[]){d->rows.end, d->columns.end}, w);
  else if (is_wide(&w[0]) || is_wide(&w[1]))
    name =
        pad(op, name, dg_onnx_number(op, "lowest", -INFINITY), (int64_t[]){w[0].end, w[1].end}, w);
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, average ? "AveragePool" : "MaxPool", 1, &name, 1);
  dg_onnx_set_ints(op->graph, node, "kernel_shape", 2, (int64_t[]){w[0].kernel, w[1].kernel});
  dg_onnx_set_ints(op->graph, node, "strides", 2, (int64_t[]){w[0].stride, w[1].stride});
  dg_onnx_set_ints(op->graph, node, "pads", 4,
                   (int64_t[]){w[0].begin, w[1].begin, w[0].end, w[1].end});
  if (!average)
    dg_onnx_set_ints(op->graph, node, "dilations", 2, (int64_t[]){w[0].dilation, w[1].dilation});
  return (dg_onnx_value){dg_onnx_output(node, 0), 3, {d->channels, d->rows.out, d->columns.out}};
}
