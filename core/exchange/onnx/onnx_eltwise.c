#include "core/exchange/onnx/onnx_eltwise.h"

/** A node of one input without attributes; returns its output. */
static const char *unary(const dg_onnx_op *op, const char *type, const char *x) {
  return dg_onnx_output(dg_onnx_node(op->graph, type, 1, &x, 1), 0);
}

static const char *binary(const dg_onnx_op *op, const char *type, const char *a, const char *b) {
  const char *inputs[] = {a, b};
  return dg_onnx_output(dg_onnx_node(op->graph, type, 2, inputs, 1), 0);
}

/** A constant of the layer. */
static const char *number(const dg_onnx_op *op, const char *what, double value) {
  float *copy = dg_onnx_memory(op->graph, 1, sizeof *copy);
  if (!copy) return op->in[0].name;
  *copy = (float)value;
  const char *name = dg_onnx_text(op->graph, "%s.%s", op->node->layer->name, what);
  return dg_onnx_floats(op->graph, name, 0, NULL, copy);
}

/** x / 2 (1 + f). */
static const char *half(const dg_onnx_op *op, const char *x, const char *f) {
  const char *sum = binary(op, "Add", f, number(op, "one", 1));
  return binary(op, "Mul", binary(op, "Mul", x, number(op, "half", 0.5)), sum);
}

static const char *gelu(const dg_onnx_op *op, const char *x) {
  return half(op, x,
              unary(op, "Erf", binary(op, "Div", x, number(op, "root", 1.4142135623730951))));
}

static const char *gelu_tanh(const dg_onnx_op *op, const char *x) {
  const char *cube = binary(op, "Mul", x, binary(op, "Mul", x, x));
  const char *sum = binary(op, "Add", x, binary(op, "Mul", cube, number(op, "cubic", 0.044715)));
  const char *inner = binary(op, "Mul", sum, number(op, "root", 0.7978845608028654));
  return half(op, x, unary(op, "Tanh", inner));
}

/** scale elu(beta x), since ONNX's Elu has alpha alone. */
static const char *elu(const dg_onnx_op *op, const char *x) {
  const dg_eltwise_desc *d = &op->node->op.eltwise;
  if (d->beta != 1) x = binary(op, "Mul", x, number(op, "beta", d->beta));
  const double scale = (double)d->scale / d->beta; /* of beta x */
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Elu", 1, &x, 1);
  dg_onnx_set_float(op->graph, node, "alpha", (float)(d->alpha / scale));
  const char *y = dg_onnx_output(node, 0);
  return scale == 1 ? y : binary(op, "Mul", y, number(op, "scale", scale));
}

static const char *softplus(const dg_onnx_op *op, const char *x) {
  const float beta = op->node->op.eltwise.beta;
  if (beta == 1) return unary(op, "Softplus", x);
  const char *factor = number(op, "beta", beta);
  return binary(op, "Div", unary(op, "Softplus", binary(op, "Mul", x, factor)), factor);
}

static const char *hard_sigmoid(const dg_onnx_op *op, const char *x) {
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "HardSigmoid", 1, &x, 1);
  dg_onnx_set_float(op->graph, node, "alpha", 1.0f / 6);
  return dg_onnx_output(node, 0);
}

static const char *clip(const dg_onnx_op *op, const char *x) {
  const dg_eltwise_desc *d = &op->node->op.eltwise;
  const char *inputs[] = {x, number(op, "min", d->alpha), number(op, "max", d->beta)};
  return dg_onnx_output(dg_onnx_node(op->graph, "Clip", 3, inputs, 1), 0);
}

static const char *affine(const dg_onnx_op *op, const char *x) {
  const dg_eltwise_desc *d = &op->node->op.eltwise;
  const char *product = binary(op, "Mul", x, number(op, "scale", d->scale));
  return binary(op, "Add", product, number(op, "shift", d->alpha));
}

static const char *name_of(const dg_onnx_op *op, const char *x) {
  switch (op->node->op.eltwise.kind) {
  case DG_ELTWISE_GELU:
    return gelu(op, x);
  case DG_ELTWISE_GELU_TANH:
    return gelu_tanh(op, x);
  case DG_ELTWISE_SILU:
    return binary(op, "Mul", x, unary(op, "Sigmoid", x));
  case DG_ELTWISE_ELU:
    return elu(op, x);
  case DG_ELTWISE_SOFTPLUS:
    return softplus(op, x);
  case DG_ELTWISE_SOFTSIGN:
    return unary(op, "Softsign", x);
  case DG_ELTWISE_MISH:
    return binary(op, "Mul", x, unary(op, "Tanh", unary(op, "Softplus", x)));
  case DG_ELTWISE_HARD_SIGMOID:
    return hard_sigmoid(op, x);
  case DG_ELTWISE_HARD_SWISH:
    return unary(op, "HardSwish", x);
  case DG_ELTWISE_CLIP:
    return clip(op, x);
  default:
    return affine(op, x);
  }
}

dg_onnx_value dg_onnx_add_eltwise(const dg_onnx_op *op) {
  dg_onnx_value value = op->in[0];
  value.name = name_of(op, value.name);
  return value;
}
