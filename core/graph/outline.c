#include "core/graph/outline.h"

#include <stdlib.h>

#include "core/graph/lower.h"

static dg_outline_node node_of(const dg_node *node) {
  dg_outline_node n = {.layer = node->layer,
                       .op = node->plan.op,
                       .inputs = node->inputs,
                       .out = node->out,
                       .shape = node->plan.out,
                       .params = node->plan.params,
                       .states = node->plan.states,
                       .first_param = node->first_param,
                       .first_state = node->first_state};
  for (uint32_t i = 0; i < node->inputs; i++) n.in[i] = node->in[i];
  return n;
}

static bool find_images(dg_outline *outline, const dg_model *model, dg_error *err) {
  const dg_shape **of = calloc(outline->tensor_count, sizeof *of);
  if (!of) return dg_fail_memory(err, outline->tensor_count * sizeof *of);
  if (model->input.rank == 3) of[0] = &model->input;
  for (uint32_t i = 0; i < outline->node_count; i++) {
    dg_outline_node *node = &outline->nodes[i];
    node->image = of[node->in[0]];
    if (node->shape.rank == 3)
      of[node->out] = &node->shape;
    else if (dg_op_traits_of(node->op.kind)->keeps_shape)
      of[node->out] = node->image;
  }
  free(of);
  return true;
}

/** What the outline says of its graph. */
static bool describe(dg_outline *outline, const dg_model *model, dg_error *err) {
  const dg_graph *graph = &outline->graph;
  outline->nodes = calloc(graph->node_count, sizeof *outline->nodes);
  if (!outline->nodes) return dg_fail_memory(err, graph->node_count * sizeof *outline->nodes);
  outline->node_count = graph->node_count;
  outline->tensor_count = graph->tensor_count;
  outline->output = graph->output;
  outline->input = model->input;
  outline->params = graph->params;
  outline->param_count = graph->param_count + graph->state_count;
  for (uint32_t i = 0; i < graph->node_count; i++) outline->nodes[i] = node_of(&graph->nodes[i]);
  return find_images(outline, model, err);
}

bool dg_outline_make(dg_outline *outline, const dg_model *model, dg_error *err) {
  *outline = (dg_outline){0};
  if (!dg_graph_lower(&outline->graph, model, err)) return false;
  if (describe(outline, model, err)) return true;
  dg_outline_free(outline);
  return false;
}

void dg_outline_free(dg_outline *outline) {
  free(outline->nodes);
  dg_graph_free(&outline->graph);
  *outline = (dg_outline){0};
}
