/** The ONNX nodes of attention, embeddings and positions. */
#ifndef DG_ONNX_ATTENTION_H
#define DG_ONNX_ATTENTION_H

#include "core/exchange/onnx/onnx_op.h"

dg_onnx_value dg_onnx_add_attention(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_embedding(const dg_onnx_op *op);
dg_onnx_value dg_onnx_add_positions(const dg_onnx_op *op);

#endif
