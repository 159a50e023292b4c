/** Internal declarations of this folder: a graph and what is needed to run it. */
#ifndef DG_EXEC_INTERNAL_H
#define DG_EXEC_INTERNAL_H

#include "core/exec/bound.h"
#include "core/exec/network.h"
#include "core/exec/plan.h"

/** The buffers of a tensor. */
typedef struct {
  dg_buffer *value, *grad;
} dg_tensor_buffers;

/** Offsets of the folded weight and bias of a fold's product. */
typedef struct {
  size_t weight_offset, bias_offset; /**< in dg_network.folded */
  dg_buffer *views[2];
} dg_folded;

/**
 * State for running a batch in slices (slices.c, stages.c). A node that couples samples, such as a
 * batch norm, runs in phases and is a barrier for all slices. The nodes between these barriers run
 * in stages. Gradients are stored per level (core/parallel/tree.h), and so is what the coupling
 * nodes save for backward, which belongs to the batch, not to a slice.
 */
typedef struct {
  uint32_t levels;
  uint32_t sync_count;     /**< nodes that run in phases */
  uint32_t *sync_nodes;    /**< [sync_count] these nodes, in order */
  dg_buffer **gradients;   /**< [levels - 1] those beyond the network's own */
  dg_buffer **grad_views;  /**< [levels - 1][params] views of them */
  size_t saved_floats;     /**< of a level */
  dg_buffer *saved;        /**< [levels][saved_floats] */
  dg_buffer **saved_views; /**< [levels][sync_count] */
  dg_bound_op *adds;     /**< [sync_count + 1] ops that add up the gradients of a backward stage */
  dg_buffer **add_views; /**< [sync_count + 1][levels] views of its gradients */
} dg_slicing;

struct dg_network {
  dg_device *device;
  bool train;
  bool sliced;       /**< batches run in slices */
  bool learns_input; /**< the loss reads the input, too */
  uint32_t max_n;    /**< samples; if sliced, of a slice */
  dg_graph graph;
  uint32_t instances;         /**< of the activations; all are in the arena */
  dg_tensor_buffers *tensors; /**< for each instance, one per tensor of the graph */
  dg_bound_op *ops;        /**< for each instance, one per node; the op itself is owned by the first
                              instance; the workspaces are in the arena */
  dg_op_needs *needs;      /**< of each node, even if it is not prepared */
  uint32_t floats;         /**< of the parameter buffer */
  uint32_t learned;        /**< the first of these: all but running statistics */
  const dg_network *owner; /**< of the parameters; NULL: the network itself */
  bool folds_apart;        /**< its folded parameters are not shared with its owner */
  dg_buffer *parameters, *gradients;
  dg_buffer **param_views, **grad_views;
  dg_slicing slicing;
  size_t arena_size; /**< of an instance */
  dg_block *blocks;  /**< of the arena (memory.c) */
  dg_buffer *arena;
  uint32_t view_count;
  dg_buffer **views; /**< into the arena */
  size_t folded_floats;
  dg_folded *folds; /**< one per fold of the graph */
  dg_buffer *folded;
};

/** Parameters followed by running statistics. */
static inline uint32_t dg_network_params(const dg_network *network) {
  return network->graph.param_count + network->graph.running_count;
}

/** A count of floats rounded up, so that the next tensor can be a view. */
static inline size_t dg_network_aligned(const dg_network *network, size_t floats) {
  return dg_size_round_up(floats, network->device->info.alignment / sizeof(float));
}

/** Assigns offsets in the buffer to parameters and running statistics (parameters.c). */
bool dg_network_place_params(dg_network *network, dg_error *err);

/** Assigns offsets to the folded parameters (folded.c). */
bool dg_network_fold_place(dg_network *network, dg_error *err);
/** Are the folded parameters those of the owner? */
static inline bool dg_network_shares_folds(const dg_network *network) {
  return network->owner && !network->folds_apart;
}
/** Allocates the folded parameters and binds them to their nodes. */
bool dg_network_fold_bind(dg_network *network, dg_error *err);
/** Computes the folded parameters from `values`, all numbers of the parameter buffer. */
bool dg_network_fold_write(dg_network *network, const float *values, dg_error *err);
/** Frees what dg_network_fold_place and dg_network_fold_bind made, also after a failure. */
void dg_network_fold_release(dg_network *network);

/** Adds the name of a node's layer to an error; returns false. */
bool dg_network_name_layer(const dg_network *network, uint32_t node, dg_error *err);

/** Views of the first `count` parameters and running statistics in a buffer (parameters.c). */
bool dg_network_view_params(dg_network *network, uint32_t count, dg_buffer *buffer,
                            dg_buffer **views, dg_error *err);

/** Plans how batches of `max_n` are cut into slices by the recipe (slices.c), and sets the numbers
    of samples and instances. */
bool dg_network_slice(dg_network *network, const dg_train_recipe *recipe, uint32_t max_n,
                      dg_error *err);
/** Does a node run in phases? Then it saves nothing in the arena. */
bool dg_network_phased(const dg_network *network, uint32_t node);
/** The gradients of a backward stage on a level; NULL if it has none. */
static inline dg_buffer **dg_network_add_view(const dg_network *network, uint32_t stage,
                                              uint32_t level) {
  return &network->slicing.add_views[(size_t)stage * network->slicing.levels + level];
}
/** Prepares the ops that add up gradients; `runs` as in network.c. */
bool dg_network_slices_prepare(dg_network *network, bool runs, dg_error *err);
/** Allocates the levels. */
bool dg_network_slices_allocate(dg_network *network, dg_error *err);
/** Bytes of the levels without that of the network's own gradients. */
size_t dg_network_slices_bytes(const dg_network *network);
/** Frees what these functions made, also after a failure. */
void dg_network_slices_release(dg_network *network);

/** Compares what a planned network and what is `beside` it need with what is left of the device's
    memory, if that is known (memory_limit.c). */
bool dg_network_check_memory(const dg_network *network, const dg_network_beside *beside,
                             dg_error *err);

/** Plans the arena (memory.c): its size and all offsets in it. */
bool dg_network_plan_arena(dg_network *network, dg_error *err);
/** Bytes that the arena would take without sharing memory. */
size_t dg_network_unshared(const dg_network *network);
/** Allocates all buffers as planned and fills in those of the nodes (memory.c). */
bool dg_network_allocate(dg_network *network, dg_error *err);
/** Frees all buffers and views of the network, but no nodes; also after a failed allocation. */
void dg_network_release(dg_network *network);

#endif
