/**
 * A network as ops over numbered tensors, without a device: what the layers of a model become
 * (lower.h), what the passes work on (passes.h), and what core/exec then runs. Of a device it holds
 * nothing but where core/exec has placed the parameters.
 */
#ifndef DG_GRAPH_H
#define DG_GRAPH_H

#include "core/model/model.h"

enum { DG_NO_NODE = UINT32_MAX };

/** Numbers that one node writes and any number of nodes read. */
typedef struct {
  uint32_t count;    /**< of one sample; 0: an op that others were fused to keeps it to itself */
  uint32_t producer; /**< node, or DG_NO_NODE for the network's input */
  uint32_t readers;
  bool wants_grad;   /**< a parameter lies before it */
  bool grad_written; /**< by the first of its readers' backwards; the others add */
} dg_tensor;

/** One op, in the order of running. Layers that only see their input in another shape have none. */
typedef struct {
  const dg_model_layer *layer;
  dg_layer_plan plan;
  uint32_t inputs, in[DG_MAX_IN], out; /**< tensors */
  uint32_t statistics;                 /**< tensor: of out (statistics.c); 0: not wanted */
  uint32_t first_param, first_running; /**< in dg_graph.params */
  bool wants_backward;
} dg_node;

/**
 * A learned parameter, or a running statistic, which training steps write: its name,
 * PyTorch's shape, and where it lies in the parameter buffer. States lie behind all parameters.
 */
typedef struct {
  const dg_model_layer *layer;
  char name[2 * DG_NAME_SIZE];
  dg_param_spec spec;
  uint32_t count;  /**< numbers */
  uint32_t offset; /**< of the first, in numbers; 0 until a device is known */
} dg_param;

/** A batch norm that became part of the product before it (fold.c). */
typedef struct {
  uint32_t node;    /**< the product */
  uint32_t scale;   /**< in dg_graph.params: the norm's weight, and its bias behind it */
  uint32_t running; /**< likewise its mean, and its variance behind it */
  float eps;
} dg_fold;

typedef struct {
  uint32_t tensor_count, node_count, fold_count;
  uint32_t param_count, running_count; /**< learned; and running statistics behind them */
  dg_tensor *tensors;                  /**< the network's input is tensor 0 */
  dg_node *nodes;
  dg_param *params;
  dg_fold *folds;
  uint32_t output; /**< tensor */
} dg_graph;

/** Frees what the graph has, not the struct; one that is all 0 is allowed. */
void dg_graph_free(dg_graph *graph);

/** Numbers that are learned. */
uint64_t dg_graph_parameters(const dg_graph *graph);

/** The node whose output node `i`, and nobody else, reads first; NULL if there is none. */
dg_node *dg_graph_before(dg_graph *graph, uint32_t i);

/** Lets the node before node `i`, which does its work too, write what node `i` wrote. */
void dg_graph_merge(dg_graph *graph, uint32_t i);

/** Drops the nodes that `merges`, called for each in order with `user`, has merged into others. */
void dg_graph_drop_merged(dg_graph *graph,
                          bool (*merges)(dg_graph *graph, uint32_t i, const void *user),
                          const void *user);

#endif
