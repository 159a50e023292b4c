/** ONNX of ops along dimensions: permute, slice, softmax, reduce, prelu, glu. */
#ifndef DG_ONNX_LINES_H
#define DG_ONNX_LINES_H

#include "core/exchange/onnx/onnx_op.h"

dg_onnx_value dg_onnx_add_permute(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_slice(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_softmax(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_reduce(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_prelu(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_glu(const dg_onnx_op *op);

#endif
