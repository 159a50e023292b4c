#include "core/graph/graph.h"

#include <stdlib.h>

void dg_graph_free(dg_graph *graph) {
  free(graph->tensors);
  free(graph->nodes);
  free(graph->params);
  free(graph->folds);
  *graph = (dg_graph){0};
}

uint64_t dg_graph_parameters(const dg_graph *graph) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < graph->param_count; i++) count += graph->params[i].count;
  return count;
}

dg_node *dg_graph_before(dg_graph *graph, uint32_t i) {
  const dg_tensor *between = &graph->tensors[graph->nodes[i].in[0]];
  bool alone = between->readers == 1 && between->producer != DG_NO_NODE;
  return alone ? &graph->nodes[between->producer] : NULL;
}

void dg_graph_merge(dg_graph *graph, uint32_t i) {
  const dg_node *node = &graph->nodes[i];
  dg_tensor *between = &graph->tensors[node->in[0]];
  graph->nodes[between->producer].out = node->out;
  graph->tensors[node->out].producer = between->producer;
  between->readers = 0;
  between->count = 0; /* unused, so the plan gives it no memory */
}

void dg_graph_drop_merged(dg_graph *graph,
                          bool (*merges)(dg_graph *graph, uint32_t i, const void *user),
                          const void *user) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < graph->node_count; i++) {
    if (merges(graph, i, user)) continue;
    graph->nodes[kept] = graph->nodes[i];
    graph->tensors[graph->nodes[kept].out].producer = kept;
    kept++;
  }
  graph->node_count = kept;
}
