#include "core/graph/lowering.h"

#include <stdio.h>

uint32_t dg_lower_tensor(dg_lowering *l, uint64_t count, uint32_t producer) {
  l->graph->tensors[l->graph->tensor_count] =
      (dg_tensor){.count = (uint32_t)count, .producer = producer};
  return l->graph->tensor_count++;
}

void dg_lower_param(const dg_node *node, const dg_param_spec *spec, dg_param *param) {
  param->layer = node->layer;
  param->spec = *spec;
  snprintf(param->name, sizeof param->name, "%s.%s", node->layer->name, spec->suffix);
  param->count = (uint32_t)dg_size_product(spec->rank, spec->dim);
}

static void add_params(dg_graph *graph, dg_node *node) {
  node->first_param = graph->param_count;
  for (uint32_t i = 0; i < node->plan.params; i++)
    dg_lower_param(node, &node->plan.param[i], &graph->params[graph->param_count++]);
}

uint32_t dg_lower_node(dg_lowering *l, dg_node *node) {
  dg_graph *graph = l->graph;
  node->out = dg_lower_tensor(l, dg_shape_count(&node->plan.out), graph->node_count);
  add_params(graph, node);
  for (uint32_t i = 0; i < node->inputs; i++) graph->tensors[node->in[i]].readers++;
  graph->nodes[graph->node_count++] = *node;
  return node->out;
}
