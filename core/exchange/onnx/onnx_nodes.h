/** Nodes of an ONNX graph that several ops write. */
#ifndef DG_ONNX_NODES_H
#define DG_ONNX_NODES_H

#include "core/exchange/onnx/onnx_op.h"

/** Nodes of one or two inputs without attributes; return the output. */
const char *dg_onnx_unary(const dg_onnx_op *op, const char *type, const char *x);
const char *dg_onnx_binary(const dg_onnx_op *op, const char *type, const char *a, const char *b);

/** A constant of the layer, a single number; returns its name. */
const char *dg_onnx_number(const dg_onnx_op *op, const char *what, double value);

#endif
