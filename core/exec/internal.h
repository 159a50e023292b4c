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

/**
 * What runs a batch in slices (slices.c, stages.c). A node that couples samples runs in phases,
 * between which all slices have to come: the other nodes run in stages, those before the first of
 * them, those up to the next, and so on. Gradients lie on levels (core/parallel/tree.h), and so
 * does what the joining nodes keep, which is the batch's, not a slice's.
 */
typedef struct {
  uint32_t levels;
  uint32_t joins;         /**< nodes that run in phases */
  uint32_t *joining;      /**< [joins] which, in order */
  dg_buffer **gradients;  /**< [levels - 1] those above the network's own, and */
  dg_buffer **grad_views; /**< [levels - 1][params] their views */
  size_t kept_floats;     /**< of a level */
  dg_buffer *kept;        /**< [levels][kept_floats] */
  dg_buffer **kept_views; /**< [levels][joins] */
  dg_bound_op *adds;      /**< [joins + 1] what a stage learns backward is added up */
  dg_buffer **add_views;  /**< [joins + 1][levels] of the gradients that it learns */
} dg_slicing;

struct dg_network {
  dg_device *device;
  bool train;
  bool sliced;    /**< batches come in slices */
  uint32_t max_n; /**< then of a slice */
  dg_graph graph;
  uint32_t instances;         /**< of activations; the arena holds all */
  dg_tensor_buffers *tensors; /**< of each instance one a tensor of the graph */
  dg_bound_op *ops;           /**< of each instance one a node, the op itself the first one's;
                                   their workspaces lie in the arena */
  dg_op_needs *needs;         /**< of each node, also where it is not prepared */
  uint32_t floats;            /**< of the parameter buffer */
  uint32_t learned;           /**< of these the first, which are not states */
  dg_buffer *parameters, *gradients;
  dg_buffer **param_views, **grad_views;
  dg_slicing slicing;
  size_t arena_size; /**< of an instance */
  dg_block *blocks;  /**< of the arena (memory.c) */
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

/** Names the layer of a node in an error, and returns false. */
bool dg_network_name_layer(const dg_network *network, uint32_t node, dg_error *err);

/** Views of the first `count` parameters and states in a buffer (parameters.c). */
bool dg_network_view_params(dg_network *network, uint32_t count, dg_buffer *buffer,
                            dg_buffer **views, dg_error *err);

/** Finds how batches of `max_n` come in slices, as the recipe says (slices.c); it says too how many
    samples and instances there are. */
bool dg_network_slice(dg_network *network, const dg_train_recipe *recipe, uint32_t max_n,
                      dg_error *err);
/** Does a node run in phases? Then it keeps nothing of its own in the arena. */
bool dg_network_phased(const dg_network *network, uint32_t node);
/** The gradients that a backward stage learns, on a level; what is there where it learns none is
    NULL. */
static inline dg_buffer **dg_network_add_view(const dg_network *network, uint32_t stage,
                                              uint32_t level) {
  return &network->slicing.add_views[(size_t)stage * network->slicing.levels + level];
}
/** Prepares what adds up; `runs` as in network.c. */
bool dg_network_slices_prepare(dg_network *network, bool runs, dg_error *err);
/** Allocates the levels. */
bool dg_network_slices_allocate(dg_network *network, dg_error *err);
/** Bytes of the levels but that of the network's own gradients. */
size_t dg_network_slices_bytes(const dg_network *network);
/** Frees what those made; also where they failed. */
void dg_network_slices_release(dg_network *network);

/** Plans the arena (memory.c): its size, and where everything lies in it. */
bool dg_network_plan_arena(dg_network *network, dg_error *err);
/** Bytes that all of it would take side by side. */
size_t dg_network_unshared(const dg_network *network);
/** Allocates all buffers as they were planned and fills in the nodes' (memory.c). */
bool dg_network_allocate(dg_network *network, dg_error *err);
/** Frees all buffers and views of the network, but no node; also where allocation failed. */
void dg_network_release(dg_network *network);

#endif
