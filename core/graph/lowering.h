/** A graph that is being made of the layers of a model. */
#ifndef DG_LOWERING_H
#define DG_LOWERING_H

#include "core/graph/graph.h"

/** Lengths of sequences: floor((length of the sample + offset) / stride), see
    core/op/sequence/window_lengths.h. Two of them that are the same have one tensor. */
typedef struct {
  int64_t offset, stride;
  uint32_t tensor; /**< 0: nothing has read them yet */
} dg_lengths;

/** The output of a layer. */
typedef struct {
  uint32_t tensor;
  dg_shape shape;
  dg_lengths *lengths; /**< of its sequences; NULL: all steps are there */
  bool zeros;          /**< all that is beyond the lengths is 0 */
} dg_layer_output;

/** A graph that is being made. */
typedef struct {
  dg_graph *graph;
  const dg_model *model;
  dg_layer_output *outputs; /**< of the input, then of each layer */
  uint64_t params;          /**< numbers of all parameters and running statistics */
  dg_lengths *lengths;      /**< [most nodes + 1] */
  uint32_t lengths_count;
} dg_lowering;

/** Most nodes of a layer: a mask or two, lengths, and two directions that are joined. */
enum { DG_LAYER_NODES = 6 };

/** Adds a tensor with `count` numbers a sample. */
uint32_t dg_lower_tensor(dg_lowering *l, uint64_t count, uint32_t producer);

/** Fills in a parameter or running statistic of a node. */
void dg_lower_param(const dg_node *node, const dg_param_spec *spec, dg_param *param);

/** Adds a node with its output and parameters; returns the output. */
uint32_t dg_lower_node(dg_lowering *l, dg_node *node);

#endif
