/**
 * A network as a graph of ops over numbered tensors. It is made from the layers of a model
 * (lower.h), changed by passes (passes.h), and run by core/exec. It does not depend on a device,
 * except for the offsets of parameters that core/exec fills in.
 */
#ifndef DG_GRAPH_H
#define DG_GRAPH_H

#include "core/model/model.h"

enum { DG_NO_NODE = UINT32_MAX };

/** A tensor, written by one node and read by any number of nodes. */
typedef struct {
  uint32_t count;    /**< numbers per sample; 0: internal to an op that others were fused to */
  uint32_t producer; /**< node, or DG_NO_NODE for the network's input */
  uint32_t readers;
  bool wants_grad;   /**< it depends on a parameter */
  bool grad_written; /**< the first backward of its readers writes the gradient; the others add */
} dg_tensor;

/** One op; nodes are in execution order. Layers that only reshape their input have no node. */
typedef struct {
  const dg_model_layer *layer;
  dg_layer_plan plan;
  uint32_t inputs, in[DG_MAX_IN], out; /**< tensors */
  uint32_t statistics; /**< tensor with the statistics of `out` (statistics.c); 0: not needed */
  uint32_t first_param, first_running; /**< in dg_graph.params */
  bool wants_backward;
  bool beside; /**< not the layer's own op, but one that the lengths of sequences need */
} dg_node;

/**
 * A learned parameter, or a running statistic, which training steps write: its name, its shape as
 * in PyTorch, and its offset in the parameter buffer. Running statistics follow all parameters.
 */
typedef struct {
  const dg_model_layer *layer;
  char name[2 * DG_NAME_SIZE];
  dg_param_spec spec;
  uint32_t count;  /**< numbers */
  uint32_t offset; /**< of the first number, in numbers; 0 until a device is known */
} dg_param;

/** A batch norm that was folded into the product before it (fold.c). */
typedef struct {
  uint32_t node;    /**< the product */
  uint32_t scale;   /**< index in dg_graph.params of the norm's weight, followed by its bias */
  uint32_t running; /**< likewise of its mean, followed by its variance */
  float eps;
} dg_fold;

typedef struct {
  uint32_t tensor_count, node_count, fold_count;
  uint32_t param_count, running_count; /**< learned ones, then running statistics */
  dg_tensor *tensors;                  /**< the network's input is tensor 0 */
  dg_node *nodes;
  dg_param *params;
  dg_fold *folds;
  uint32_t output;       /**< tensor */
  uint32_t lengths;      /**< tensor of the samples' lengths; 0: all samples are whole */
  uint32_t least_length; /**< of a sample, if they have lengths */
  const dg_model_layer *least_layer; /**< which leaves nothing of a shorter one; NULL: none */
  uint32_t words; /**< the input is of whole numbers below it; 0: of any numbers */
  const dg_model_layer *words_layer; /**< the embedding with the fewest words */
} dg_graph;

/** Frees what the graph owns, not the struct; an all-zero graph is allowed. */
void dg_graph_free(dg_graph *graph);

/** Number of learned numbers. */
uint64_t dg_graph_parameters(const dg_graph *graph);

/** The node whose output is the first input of node `i` and has no other reader; NULL: none. */
dg_node *dg_graph_before(dg_graph *graph, uint32_t i);

/** Makes the node before node `i`, which now does its work too, write the output of node `i`. */
void dg_graph_merge(dg_graph *graph, uint32_t i);

/** Calls `merges` for each node in order, with `user`, and drops the nodes that it merged into
    others. */
void dg_graph_drop_merged(dg_graph *graph,
                          bool (*merges)(dg_graph *graph, uint32_t i, const void *user),
                          const void *user);

#endif
