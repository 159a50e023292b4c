/** Writes poolings over windows that pool2d doesn't have. */
#ifndef DG_ONNX_POOL_H
#define DG_ONNX_POOL_H

#include "core/exchange/onnx/onnx_op.h"

/** Has ONNX such windows? It has none of unequal sizes. */
bool dg_onnx_has_windows(const dg_window_pool2d_desc *d);

dg_onnx_value dg_onnx_add_window_pool(const dg_onnx_op *op);

#endif
