/** Finds which tensors need a gradient, and whether each node writes it or adds to it. */
#include "core/graph/passes.h"

void dg_graph_direct_gradients(dg_graph *graph) {
  for (uint32_t i = 0; i < graph->node_count; i++) {
    dg_node *node = &graph->nodes[i];
    bool wants = node->plan.params > 0;
    for (uint32_t k = 0; k < node->inputs; k++) wants |= graph->tensors[node->in[k]].wants_grad;
    node->wants_backward = wants;
    graph->tensors[node->out].wants_grad = node->wants_backward;
  }
  for (uint32_t i = graph->node_count; i-- > 0;) {
    dg_node *node = &graph->nodes[i];
    for (uint32_t k = 0; k < node->inputs; k++) {
      dg_tensor *in = &graph->tensors[node->in[k]];
      if (!node->wants_backward || !in->wants_grad) continue;
      node->plan.op.d_in[k] = in->grad_written ? DG_GRAD_ADD : DG_GRAD_WRITE;
      in->grad_written = true;
    }
  }
}
