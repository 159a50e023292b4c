/**
 * In training, a batch norm that is the only reader of a convolution takes the statistics of its
 * channels from the convolution, if that can run. The convolution gathers them while its results
 * are in the cache (`statistics` of conv2d and batch_norm in core/op).
 */
#include "core/graph/passes.h"

/** If node `i` is such a norm, makes it take them. */
static void fuse_norm(dg_graph *graph, uint32_t i, const dg_op_predicate *can_run) {
  dg_node *norm = &graph->nodes[i], *conv = dg_graph_before(graph, i);
  if (norm->plan.op.kind != DG_OP_BATCH_NORM || !conv || conv->plan.op.kind != DG_OP_CONV2D) return;
  dg_op_desc gives = conv->plan.op, takes = norm->plan.op;
  if (takes.batch_norm.rows != 1 || takes.batch_norm.channels != gives.conv2d.filters) return;
  gives.conv2d.statistics = takes.batch_norm.statistics = true;
  if (!dg_can_run(can_run, &gives) || !dg_can_run(can_run, &takes)) return;
  conv->plan.op = gives;
  norm->plan.op = takes;
  conv->statistics = norm->in[norm->inputs++] = graph->tensor_count++;
  graph->tensors[conv->statistics] = (dg_tensor){
      .count = 2 * gives.conv2d.filters, .producer = (uint32_t)(conv - graph->nodes), .readers = 1};
}

void dg_graph_fuse_statistics(dg_graph *graph, const dg_op_predicate *can_run) {
  for (uint32_t i = 0; i < graph->node_count; i++) fuse_norm(graph, i, can_run);
}
