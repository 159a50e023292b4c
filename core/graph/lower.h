/** Lowers the layers of a model to a graph: one op per layer, nothing fused. */
#ifndef DG_LOWER_H
#define DG_LOWER_H

#include "core/graph/graph.h"

/**
 * Makes the nodes, tensors and parameters of a model's layers; the model must outlive the graph.
 * Unless `tensors` [layers] is NULL, writes to it the output tensor of each layer. Layers that
 * don't fit are errors that name them, and leave the graph empty. Free with dg_graph_free.
 */
bool dg_graph_lower(dg_graph *graph, const dg_model *model, uint32_t *tensors, dg_error *err);

#endif
