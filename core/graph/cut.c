/** Cuts a graph after one of its layers, whose output is then the graph's. */
#include <stdlib.h>

#include "core/graph/passes.h"

/** Drops the nodes that are not `wanted` [node_count]; their tensors take no memory. */
static void drop(dg_graph *graph, const bool *wanted) {
  uint32_t left = 0;
  for (uint32_t t = 0; t < graph->tensor_count; t++) graph->tensors[t].readers = 0;
  for (uint32_t i = 0; i < graph->node_count; i++) {
    const dg_node *node = &graph->nodes[i];
    if (!wanted[i]) {
      graph->tensors[node->out] = (dg_tensor){.producer = DG_NO_NODE};
      continue;
    }
    graph->tensors[node->out].producer = left;
    for (uint32_t k = 0; k < node->inputs; k++) graph->tensors[node->in[k]].readers++;
    graph->nodes[left++] = *node;
  }
  graph->node_count = left;
}

bool dg_graph_cut(dg_graph *graph, uint32_t output, dg_error *err) {
  bool *wanted = calloc(graph->node_count + 1, sizeof *wanted);
  bool *read = calloc(graph->tensor_count, sizeof *read);
  if (wanted && read) {
    read[output] = true;
    for (uint32_t i = graph->node_count; i-- > 0;) {
      const dg_node *node = &graph->nodes[i];
      wanted[i] = read[node->out];
      for (uint32_t k = 0; wanted[i] && k < node->inputs; k++) read[node->in[k]] = true;
    }
    drop(graph, wanted);
    graph->output = output;
  } else {
    dg_fail_memory(err, graph->tensor_count);
  }
  bool done = wanted && read;
  free(wanted);
  free(read);
  return done;
}
