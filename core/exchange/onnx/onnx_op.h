/** One of our ops that is being written to an ONNX graph. */
#ifndef DG_ONNX_OP_H
#define DG_ONNX_OP_H

#include "core/exchange/arrays.h"
#include "core/exchange/onnx/onnx_graph.h"
#include "core/graph/model_graph.h"

/** The inputs for writing an op. */
typedef struct {
  dg_onnx_graph *graph;
  const dg_model_graph *model_graph;
  const dg_model_node *node;
  const dg_arrays *arrays; /**< parameters, then running statistics, in the network's order */
  const dg_onnx_value *in; /**< [node->inputs] */
} dg_onnx_op;

/** The numbers of parameter `i` of the op; running statistics follow the parameters. */
const dg_array *dg_onnx_param(const dg_onnx_op *op, uint32_t i);
/** The name of the constant with them. */
const char *dg_onnx_constant(const dg_onnx_op *op, uint32_t i);

/** The output of a node of one or two inputs without attributes. */
const char *dg_onnx_unary(const dg_onnx_op *op, const char *type, const char *x);
const char *dg_onnx_binary(const dg_onnx_op *op, const char *type, const char *a, const char *b);

/** A constant of the layer, a single number, named after it and `what`. */
const char *dg_onnx_number(const dg_onnx_op *op, const char *what, double value);

#endif
