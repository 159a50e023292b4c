/**
 * Sequences of unequal length in a graph that is being made. A tensor of sequences has their
 * lengths beside it, one number a sample, and beyond them what is of no meaning: before a layer
 * reads there, it is cleared.
 */
#ifndef DG_LOWER_STEPS_H
#define DG_LOWER_STEPS_H

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

/** The lengths of the network's input. */
dg_lengths *dg_lower_lengths(dg_lowering *l);

/** Adds a tensor with `count` numbers a sample. */
uint32_t dg_lower_tensor(dg_lowering *l, uint64_t count, uint32_t producer);

/** Adds a node with its output and parameters; returns the output. */
uint32_t dg_lower_node(dg_lowering *l, dg_node *node);

/** Adds the nodes of a layer that reads sequences with lengths; `node` is its own, planned. A layer
    that doesn't know lengths is an error. */
bool dg_lower_sequence(dg_lowering *l, dg_node *node, const dg_layer_output *const *in,
                       dg_layer_output *out, dg_error *err);

#endif
