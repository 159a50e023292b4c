/** What the files of this room share: a network as numbered tensors and nodes that join them. */
#ifndef DG_NETWORK_INTERNAL_H
#define DG_NETWORK_INTERNAL_H

#include "core/network/network.h"

enum { DG_NO_NODE = UINT32_MAX };

/** Numbers that one node writes and any number of nodes read. */
typedef struct {
  uint32_t count;    /**< of one sample */
  uint32_t producer; /**< node, or DG_NO_NODE for the network's input */
  uint32_t readers;
  bool wants_grad;   /**< a parameter lies before it */
  bool grad_written; /**< by the first of its readers' backwards; the others add */
  dg_buffer *value, *grad;
} dg_tensor;

/** One op of the list, in the order of running. */
typedef struct {
  const dg_model_layer *layer;
  dg_layer_plan plan;
  uint32_t inputs, in[DG_MAX_IN], out; /**< tensors */
  uint32_t first_param;
  bool wants_backward;
  dg_op *op;
  dg_op_buffers forward, backward;
} dg_node;

struct dg_network {
  dg_device *device;
  bool train;
  uint32_t max_n;
  uint32_t tensor_count, node_count, param_count;
  dg_tensor *tensors;
  dg_node *nodes;
  dg_param *params;
  uint32_t output; /**< tensor */
  uint32_t floats; /**< of the parameter buffer */
  dg_buffer *parameters, *gradients;
  dg_buffer **param_views, **grad_views;
  size_t arena_size;
  dg_buffer *arena;
  uint32_t view_count;
  dg_buffer **views; /**< into the arena */
};

/** Nodes, tensors and parameters of a model's layers (graph.c). */
bool dg_network_join(dg_network *network, const dg_model *model, dg_error *err);
/** Plans the arena, allocates all buffers and fills in the nodes' (memory.c). */
bool dg_network_allocate(dg_network *network, dg_error *err);
void dg_network_release(dg_network *network);

#endif
