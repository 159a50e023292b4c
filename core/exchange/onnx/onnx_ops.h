/** Our ops as nodes of an ONNX graph. */
#ifndef DG_ONNX_OPS_H
#define DG_ONNX_OPS_H

#include "core/exchange/arrays.h"
#include "core/exchange/onnx/onnx_graph.h"
#include "core/network/outline.h"

/** What an op is written with. */
typedef struct {
  dg_onnx_graph *graph;
  const dg_outline *outline;
  const dg_outline_node *node;
  const dg_arrays *arrays; /**< all parameters, then all states, in the network's order */
  const dg_onnx_value *in; /**< [node->inputs] */
} dg_onnx_op;

/**
 * Adds the nodes of an op; `out` is what it gives. An op that ONNX can't say as we mean it is an
 * error.
 */
bool dg_onnx_add(const dg_onnx_op *op, dg_onnx_value *out, dg_error *err);

/** Adds a recurrent layer (onnx_recurrent.c). */
dg_onnx_value dg_onnx_add_recurrent(const dg_onnx_op *op);

/** The numbers of parameter `i` of the op, or of the state behind them. */
const dg_array *dg_onnx_param(const dg_onnx_op *op, uint32_t i);
/** The name of the constant that holds them. */
const char *dg_onnx_constant(const dg_onnx_op *op, uint32_t i);

#endif
