/** What the files of this room share: a network as numbered tensors and nodes that join them. */
#ifndef DG_NETWORK_INTERNAL_H
#define DG_NETWORK_INTERNAL_H

#include "core/network/network.h"
#include "core/network/plan.h"

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
  uint32_t moments;                    /**< tensor: of out (moments.c); 0: not wanted */
  uint32_t first_param, first_state;   /**< in dg_network.params */
  bool wants_backward;
  dg_op_needs needs; /**< of the op, prepared or not */
  dg_op *op;
  dg_op_buffers forward, backward;
} dg_node;

/** A batch norm that became part of the product before it (fold.c). */
typedef struct {
  uint32_t node;                   /**< the product */
  const dg_param *weight, *bias;   /**< its own; bias: NULL where it has none */
  const dg_param *scale, *running; /**< the norm's: weight and bias, mean and variance */
  float eps;
  size_t weight_offset, bias_offset; /**< of the folded numbers, in dg_network.folded */
  dg_buffer *views[2];
} dg_fold;

struct dg_network {
  dg_device *device;
  bool train;
  uint32_t max_n;
  uint32_t tensor_count, node_count;
  uint32_t param_count, state_count; /**< learned parameters, and states behind them */
  uint64_t counted;                  /**< numbers of all of them, and of gaps; while lowering */
  dg_tensor *tensors;
  dg_node *nodes;
  dg_param *params;
  uint32_t output;  /**< tensor */
  uint32_t floats;  /**< of the parameter buffer */
  uint32_t learned; /**< of these the first, which are not states */
  dg_buffer *parameters, *gradients;
  dg_buffer **param_views, **grad_views;
  size_t arena_size;
  dg_block *blocks; /**< of the arena (memory.c) */
  dg_buffer *arena;
  uint32_t view_count;
  dg_buffer **views; /**< into the arena */
  uint32_t fold_count;
  size_t folded_floats;
  dg_fold *folds;
  dg_buffer *folded;
};

/** A count of floats rounded up, so that what follows may be a view. */
static inline uint32_t dg_network_aligned(const dg_network *network, uint32_t floats) {
  uint32_t unit = network->device->info.alignment / (uint32_t)sizeof(float);
  return (floats + unit - 1) / unit * unit;
}

/** What a layer asks for and gives, by the shapes of its inputs (list_layers.c). */
bool dg_network_plan_layer(const dg_model *model, uint32_t index, const dg_shape *in,
                           dg_layer_plan *plan, dg_error *err);
/** Puts a layer's place and name before the message in `err`; returns false. */
bool dg_network_name_layer(const dg_model_layer *layer, dg_error *err);

/** Makes nodes, tensors and parameters of a model's layers, and fuses what can be (graph.c). */
bool dg_network_lower(dg_network *network, const dg_model *model, dg_error *err);
/** The node whose output node `i`, and nobody else, reads; NULL if there is none. */
dg_node *dg_network_before(dg_network *network, uint32_t i);
/** Lets the node before node `i`, which does its work too, write what node `i` wrote. */
void dg_network_fuse_into(dg_network *network, uint32_t i);
/** Drops the nodes that `fuses`, called for each in order, has fused into others. */
void dg_network_fuse_nodes(dg_network *network, bool (*fuses)(dg_network *network, uint32_t i));

/** Lets batch norms have their statistics from the convolutions before them (moments.c). */
void dg_network_join_moments(dg_network *network);

/** Folds batch norms into the products before them, where the device can (fold.c). */
bool dg_network_fold(dg_network *network, dg_error *err);
/** Allocates the folded parameters and hands them to their nodes. */
bool dg_network_fold_bind(dg_network *network, dg_error *err);
/** Makes the folded parameters of `values`, all numbers of the parameter buffer. */
bool dg_network_fold_write(dg_network *network, const float *values, dg_error *err);
/** Frees what dg_network_fold and dg_network_fold_bind made; also where they failed. */
void dg_network_fold_release(dg_network *network);

/** Plans the arena (memory.c): its size, and where everything lies in it. */
bool dg_network_plan_arena(dg_network *network, dg_error *err);
/** Bytes that all of it would take side by side. */
size_t dg_network_unshared(const dg_network *network);
/** Allocates all buffers as they were planned and fills in the nodes' (memory.c). */
bool dg_network_allocate(dg_network *network, dg_error *err);
/** Frees all buffers and views of the network, but no node; also where allocation failed. */
void dg_network_release(dg_network *network);

#endif
