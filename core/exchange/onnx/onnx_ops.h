/** Our ops as nodes of an ONNX graph. */
#ifndef DG_ONNX_OPS_H
#define DG_ONNX_OPS_H

#include "core/exchange/onnx/onnx_op.h"

/** Adds the nodes of an op; `out` is its output. An op that ONNX can't express is an error. */
bool dg_onnx_add(const dg_onnx_op *op, dg_onnx_value *out, dg_error *err);

#endif
