/** Recurrent layers as nodes of an ONNX graph. */
#ifndef DG_ONNX_RECURRENT_H
#define DG_ONNX_RECURRENT_H

#include "core/exchange/onnx/onnx_op.h"

/** Adds the nodes of a recurrent layer, which ONNX fully supports; returns its output. */
dg_onnx_value dg_onnx_add_recurrent(const dg_onnx_op *op);

#endif
