/** Fuses activations, max poolings and dropouts into the op before them. */
#include "core/op/fuse.h"
#include "core/graph/passes.h"

/** Does a pooling read images of that shape? A layer before it may have given them another one. */
static bool reads(const dg_pool2d_desc *d, const dg_shape *shape) {
  const dg_shape own = {3, {d->channels, d->height, d->width}};
  return dg_shape_equal(&own, shape);
}

/** Fuses node `i` to the end of the node before it, if its description allows that and the result
    can run. */
static bool fuse_node(dg_graph *graph, uint32_t i, const void *predicate) {
  const dg_node *node = &graph->nodes[i];
  dg_node *producer = dg_graph_before(graph, i);
  if (!producer) return false;
  dg_op_desc fused = producer->plan.op;
  if (node->plan.op.kind == DG_OP_MAXPOOL2D && !reads(&node->plan.op.pool2d, &producer->plan.out))
    return false;
  if (!dg_op_fuse(&fused, &node->plan.op) || !dg_can_run(predicate, &fused)) return false;
  producer->plan.op = fused;
  if (node->plan.op.kind == DG_OP_MAXPOOL2D) producer->plan.out = node->plan.out;
  dg_graph_merge(graph, i);
  return true;
}

void dg_graph_fuse(dg_graph *graph, const dg_op_predicate *can_run) {
  dg_graph_drop_merged(graph, fuse_node, can_run);
}
