/** Checks that every op, with all that is fused to it, matches the sizes of its tensors. */
#include "core/graph/passes.h"
#include "core/graph/plan_layer.h"

bool dg_graph_check_sizes(const dg_graph *graph, dg_error *err) {
  for (uint32_t i = 0; i < graph->node_count; i++) {
    const dg_node *node = &graph->nodes[i];
    dg_op_sizes sizes = dg_op_sizes_of(&node->plan.op);
    bool agree = sizes.out[0] == graph->tensors[node->out].count;
    for (uint32_t k = 0; k < node->inputs; k++)
      agree &= sizes.in[k] == graph->tensors[node->in[k]].count;
    if (node->statistics) agree &= sizes.out[1] == graph->tensors[node->statistics].count;
    if (agree) continue;
    dg_fail(err, DG_ERR_INPUT, "its sizes contradict those of its op");
    return dg_name_layer(node->layer, err);
  }
  return true;
}
