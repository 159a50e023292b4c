/** What the files of this room share: a graph with what runs it. */
#ifndef DG_EXEC_INTERNAL_H
#define DG_EXEC_INTERNAL_H

#include "core/exec/bound.h"
#include "core/exec/network.h"
#include "core/exec/plan.h"

/** The memory of a tensor. */
typedef struct {
  dg_buffer *value, *grad;
} dg_tensor_buffers;

/** Where the numbers lie that a fold of the graph makes for its product. */
typedef struct {
  size_t weight_offset, bias_offset; /**< in dg_network.folded */
  dg_buffer *views[2];
} dg_folded;

struct dg_network {
  dg_device *device;
  bool train;
  uint32_t max_n;
  dg_graph graph;
  dg_tensor_buffers *tensors; /**< one a tensor of the graph */
  dg_bound_op *ops;           /**< one a node; their workspaces lie in the arena */
  dg_op_needs *needs;         /**< of each, also where it is not prepared */
  uint32_t floats;            /**< of the parameter buffer */
  uint32_t learned;           /**< of these the first, which are not states */
  dg_buffer *parameters, *gradients;
  dg_buffer **param_views, **grad_views;
  size_t arena_size;
  dg_block *blocks; /**< of the arena (memory.c) */
  dg_buffer *arena;
  uint32_t view_count;
  dg_buffer **views; /**< into the arena */
  size_t folded_floats;
  dg_folded *folds; /**< one a fold of the graph */
  dg_buffer *folded;
};

/** Parameters, and states behind them. */
static inline uint32_t dg_network_params(const dg_network *network) {
  return network->graph.param_count + network->graph.state_count;
}

/** A count of floats rounded up, so that what follows may be a view. */
static inline size_t dg_network_aligned(const dg_network *network, size_t floats) {
  return dg_size_round_up(floats, network->device->info.alignment / sizeof(float));
}

/** Places parameters and states in their buffer (parameters.c). */
bool dg_network_place_params(dg_network *network, dg_error *err);

/** Places what the folds of the graph make (folded.c). */
bool dg_network_fold_place(dg_network *network, dg_error *err);
/** Allocates the folded parameters and hands them to their nodes. */
bool dg_network_fold_bind(dg_network *network, dg_error *err);
/** Makes the folded parameters of `values`, all numbers of the parameter buffer. */
bool dg_network_fold_write(dg_network *network, const float *values, dg_error *err);
/** Frees what dg_network_fold_place and dg_network_fold_bind made; also where they failed. */
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
