/**
 * Passes over a graph, one per file. They use no device: a predicate tells them whether a changed
 * op can run. build.h knows their order.
 */
#ifndef DG_PASSES_H
#define DG_PASSES_H

#include "core/graph/graph.h"

/** Can an op run with all that is fused to its end? */
typedef struct {
  bool (*holds)(const void *user, const dg_op_desc *desc);
  const void *user;
} dg_op_predicate;

static inline bool dg_can_run(const dg_op_predicate *predicate, const dg_op_desc *desc) {
  return predicate->holds(predicate->user, desc);
}

/** Makes the tensor `output` the graph's output and drops the nodes that it doesn't need. All
    parameters stay. */
bool dg_graph_cut(dg_graph *graph, uint32_t output, dg_error *err);

/** Fuses activations, max poolings and dropouts to the op before them. */
void dg_graph_fuse(dg_graph *graph, const dg_op_predicate *can_run);

/** For networks that only test: folds batch norms into the product before them, and lists them in
    `folds`. */
bool dg_graph_fold(dg_graph *graph, const dg_op_predicate *can_run, dg_error *err);

/** For training: makes batch norms take their statistics from the convolution before them. */
void dg_graph_fuse_statistics(dg_graph *graph, const dg_op_predicate *can_run);

/** For training: finds which tensors need a gradient, and whether a node writes it or adds to
    it. */
void dg_graph_direct_gradients(dg_graph *graph);

/** Does every op, with all that is fused to it, match the sizes of its tensors? */
bool dg_graph_check_sizes(const dg_graph *graph, dg_error *err);

#endif
