/** The graph of a model before fusion, and the meaning of its numbers, for exchange. */
#ifndef DG_MODEL_GRAPH_H
#define DG_MODEL_GRAPH_H

#include "core/graph/graph.h"

/** One op; layers that only reshape their input have none. */
typedef struct {
  const dg_model_layer *layer;
  dg_op_desc op;
  uint32_t inputs, in[DG_MAX_IN], out; /**< tensors; the network's input is tensor 0 */
  dg_shape shape;                      /**< of the output */
  uint32_t params, running_count;
  uint32_t first_param, first_running; /**< in the list of parameters */
  const dg_shape *image; /**< shape of in[0] as an image, or before it was flattened to a row; NULL:
                            it is no image */
} dg_model_node;

typedef struct {
  dg_graph graph;
  uint32_t node_count, tensor_count, param_count;
  uint32_t output; /**< tensor */
  dg_shape input;
  dg_model_node *nodes;
  const dg_param *params; /**< all parameters, then all running statistics */
} dg_model_graph;

/** Builds the graph of a model, which must outlive it. Free with dg_model_graph_free. */
bool dg_model_graph_make(dg_model_graph *model_graph, const dg_model *model, dg_error *err);
void dg_model_graph_free(dg_model_graph *model_graph);

#endif
