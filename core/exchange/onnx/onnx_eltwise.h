/** The ONNX nodes of functions of single numbers. */
#ifndef DG_ONNX_ELTWISE_H
#define DG_ONNX_ELTWISE_H

#include "core/exchange/onnx/onnx_op.h"

dg_onnx_value dg_onnx_add_eltwise(const dg_onnx_op *op);

#endif
