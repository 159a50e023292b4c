#include "core/exchange/onnx/onnx_eltwise.h"

/** x / 2 (1 + f). */
static const char *half(const dg_onnx_op *op, const char *x, const char *f) {
  const char *sum = dg_onnx_binary(op, "Add", f, dg_onnx_number(op, "one", 1));
  return dg_onnx_binary(op, "Mul", dg_onnx_binary(op, "Mul", x, dg_onnx_number(op, "half", 0.5)),
                        sum);
}

static const char *gelu(const dg_onnx_op *op, const char *x) {
  return half(
      op, x,
      dg_onnx_unary(op, "Erf",
                    dg_onnx_binary(op, "Div", x, dg_onnx_number(op, "root", 1.4142135623730951))));
}

static const char *gelu_tanh(const dg_onnx_op *op, const char *x) {
  const char *cube = dg_onnx_binary(op, "Mul", x, dg_onnx_binary(op, "Mul", x, x));
  const char *sum = dg_onnx_binary(
      op, "Add", x, dg_onnx_binary(op, "Mul", cube, dg_onnx_number(op, "cubic", 0.044715)));
  const char *inner =
      dg_onnx_binary(op, "Mul", sum, dg_onnx_number(op, "root", 0.7978845608028654));
  return half(op, x, dg_onnx_unary(op, "Tanh", inner));
}

/** scale elu(beta x), since ONNX's Elu has alpha alone. */
static const char *elu(const dg_onnx_op *op, const char *x) {
  const dg_eltwise_desc *d = &op->node->op.eltwise;
  if (d->beta != 1) x = dg_onnx_binary(op, "Mul", x, dg_onnx_number(op, "beta", d->beta));
  const double scale = (double)d->scale / d->beta; /* of beta x */
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "Elu", 1, &x, 1);
  dg_onnx_set_float(op->graph, node, "alpha", (float)(d->alpha / scale));
  const char *y = dg_onnx_output(node, 0);
  return scale == 1 ? y : dg_onnx_binary(op, "Mul", y, dg_onnx_number(op, "scale", scale));
}

static const char *softplus(const dg_onnx_op *op, const char *x) {
  const float beta = op->node->op.eltwise.beta;
  if (beta == 1) return dg_onnx_unary(op, "Softplus", x);
  const char *factor = dg_onnx_number(op, "beta", beta);
  return dg_onnx_binary(
      op, "Div", dg_onnx_unary(op, "Softplus", dg_onnx_binary(op, "Mul", x, factor)), factor);
}

static const char *hard_sigmoid(const dg_onnx_op *op, const char *x) {
  Dg__Onnx__Node *node = dg_onnx_node(op->graph, "HardSigmoid", 1, &x, 1);
  dg_onnx_set_float(op->graph, node, "alpha", 1.0f / 6);
  return dg_onnx_output(node, 0);
}

static const char *clip(const dg_onnx_op *op, const char *x) {
  const dg_eltwise_desc *d = &op->node->op.eltwise;
  const char *inputs[] = {x, dg_onnx_number(op, "min", d->alpha),
                          dg_onnx_number(op, "max", d->beta)};
  return dg_onnx_output(dg_onnx_node(op->graph, "Clip", 3, inputs, 1), 0);
}

static const char *affine(const dg_onnx_op *op, const char *x) {
  const dg_eltwise_desc *d = &op->node->op.eltwise;
  const char *product = dg_onnx_binary(op, "Mul", x, dg_onnx_number(op, "scale", d->scale));
  return dg_onnx_binary(op, "Add", product, dg_onnx_number(op, "shift", d->alpha));
}

static const char *name_of(const dg_onnx_op *op, const char *x) {
  switch (op->node->op.eltwise.kind) {
  case DG_ELTWISE_GELU:
    return gelu(op, x);
  case DG_ELTWISE_GELU_TANH:
    return gelu_tanh(op, x);
  case DG_ELTWISE_SILU:
    return dg_onnx_binary(op, "Mul", x, dg_onnx_unary(op, "Sigmoid", x));
  case DG_ELTWISE_ELU:
    return elu(op, x);
  case DG_ELTWISE_SOFTPLUS:
    return softplus(op, x);
  case DG_ELTWISE_SOFTSIGN:
    return dg_onnx_unary(op, "Softsign", x);
  case DG_ELTWISE_MISH:
    return dg_onnx_binary(op, "Mul", x,
                          dg_onnx_unary(op, "Tanh", dg_onnx_unary(op, "Softplus", x)));
  case DG_ELTWISE_HARD_SIGMOID:
    return hard_sigmoid(op, x);
  case DG_ELTWISE_HARD_SWISH:
    return dg_onnx_unary(op, "HardSwish", x);
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
