/** From the layers of a model to a graph: an op a layer, nothing fused. */
#ifndef DG_LOWER_H
#define DG_LOWER_H

#include "core/graph/graph.h"

/**
 * Makes the nodes, tensors and parameters of a model's layers; the model must outlive the graph.
 * Writes to `tensors` [layers], unless NULL, where each layer's output is. Layers that don't fit
 * are errors that name them, and leave the graph empty. Free with dg_graph_free.
 */
bool dg_graph_lower(dg_graph *graph, const dg_model *model, uint32_t *tensors, dg_error *err);

#endif
