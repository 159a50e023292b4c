/** Writes the norms that ONNX's opset lacks, and those beside them. */
#ifndef DG_ONNX_NORM_H
#define DG_ONNX_NORM_H

#include "core/exchange/onnx/onnx_op.h"

dg_onnx_value dg_onnx_add_rms_norm(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_group_norm(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_lrn(const dg_onnx_op *op);

#endif
