/**
 * In a network that only tests, a batch norm after a product is a scale and a shift of every
 * filter, so it can be folded into the product's weights and bias (Jacob et al., arXiv:1712.05877,
 * 3.2). This pass finds these norms; core/exec computes the folded numbers.
 */
#include <stdlib.h>

#include "core/graph/passes.h"
#include "core/op/fuse.h"

/**
 * If the product supports it, gives it a bias and the norm's activation; `channels` are its
 * filters.
 */
static bool extend_product(dg_op_desc *product, const dg_batch_norm_desc *norm,
                           uint32_t *channels) {
  const dg_op_desc act = {.kind = DG_OP_ACTIVATION, .activation = {norm->channels, norm->act}};
  if (!dg_op_fuse(product, &act) || !dg_op_add_bias(product)) return false;
  *channels = (uint32_t)dg_op_sizes_of(product).param[1];
  return true;
}

/** Are the norm's channels where the product has its filters? A layer between them may have given
    the product's numbers another shape. */
static bool lies_alike(const dg_op_desc *product, const dg_batch_norm_desc *norm) {
  const bool features = product->kind == DG_OP_LINEAR || product->kind == DG_OP_CONV1D;
  return features ? norm->plane == 1 : norm->rows == 1;
}

/** Is a norm already folded into node `i`? It can't take another one. */
static bool has_folded(const dg_graph *graph, uint32_t i) {
  uint32_t k = 0;
  while (k < graph->fold_count && graph->folds[k].node != i) k++;
  return k < graph->fold_count;
}

/** Folds node `i`, a batch norm, into the product before it, if possible. */
static bool fold_norm(dg_graph *graph, uint32_t i, const void *predicate) {
  const dg_node *norm = &graph->nodes[i];
  if (norm->plan.op.kind != DG_OP_BATCH_NORM) return false;
  dg_node *product = dg_graph_before(graph, i);
  if (!product || has_folded(graph, (uint32_t)(product - graph->nodes))) return false;
  dg_op_desc extended = product->plan.op;
  const dg_batch_norm_desc *d = &norm->plan.op.batch_norm;
  uint32_t channels;
  if (!lies_alike(&extended, d) || !extend_product(&extended, d, &channels) ||
      channels != d->channels || !dg_can_run(predicate, &extended))
    return false;
  graph->folds[graph->fold_count++] = (dg_fold){.node = (uint32_t)(product - graph->nodes),
                                                .scale = norm->first_param,
                                                .running = norm->first_running,
                                                .eps = d->eps};
  product->plan.op = extended;
  dg_graph_merge(graph, i);
  return true;
}

bool dg_graph_fold(dg_graph *graph, const dg_op_predicate *can_run, dg_error *err) {
  graph->folds = calloc(graph->node_count, sizeof *graph->folds);
  if (!graph->folds) return dg_fail_memory(err, graph->node_count * sizeof *graph->folds);
  dg_graph_drop_merged(graph, fold_norm, can_run);
  return true;
}
