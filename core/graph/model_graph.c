#include "core/graph/model_graph.h"

#include <stdlib.h>

#include "core/graph/lower.h"

static dg_model_node node_of(const dg_node *node) {
  dg_model_node n = {.layer = node->layer,
                     .op = node->plan.op,
                     .inputs = node->inputs,
                     .out = node->out,
                     .shape = node->plan.out,
                     .params = node->plan.params,
                     .running_count = node->plan.running_count,
                     .first_param = node->first_param,
                     .first_running = node->first_running};
  for (uint32_t i = 0; i < node->inputs; i++) n.in[i] = node->in[i];
  return n;
}

static bool find_images(dg_model_graph *model_graph, const dg_model *model, dg_error *err) {
  const dg_shape **of = calloc(model_graph->tensor_count, sizeof *of);
  if (!of) return dg_fail_memory(err, model_graph->tensor_count * sizeof *of);
  if (model->input.rank == 3) of[0] = &model->input;
  for (uint32_t i = 0; i < model_graph->node_count; i++) {
    dg_model_node *node = &model_graph->nodes[i];
    node->image = of[node->in[0]];
    if (node->shape.rank == 3)
      of[node->out] = &node->shape;
    else if (dg_op_traits_of(node->op.kind)->keeps_shape)
      of[node->out] = node->image;
  }
  free(of);
  return true;
}

/** Fills in the ops of the model graph. */
static bool describe(dg_model_graph *model_graph, const dg_model *model, dg_error *err) {
  const dg_graph *graph = &model_graph->graph;
  model_graph->nodes = calloc(graph->node_count, sizeof *model_graph->nodes);
  if (!model_graph->nodes)
    return dg_fail_memory(err, graph->node_count * sizeof *model_graph->nodes);
  model_graph->node_count = graph->node_count;
  model_graph->tensor_count = graph->tensor_count;
  model_graph->output = graph->output;
  model_graph->input = model->input;
  model_graph->params = graph->params;
  model_graph->param_count = graph->param_count + graph->running_count;
  for (uint32_t i = 0; i < graph->node_count; i++)
    model_graph->nodes[i] = node_of(&graph->nodes[i]);
  return find_images(model_graph, model, err);
}

bool dg_model_graph_make(dg_model_graph *model_graph, const dg_model *model, dg_error *err) {
  dg_model whole = *model;
  whole.lengths = false; /* which add ops, but no parameters */
  *model_graph = (dg_model_graph){0};
  if (!dg_graph_lower(&model_graph->graph, &whole, NULL, err)) return false;
  if (describe(model_graph, model, err)) return true;
  dg_model_graph_free(model_graph);
  return false;
}

void dg_model_graph_free(dg_model_graph *model_graph) {
  free(model_graph->nodes);
  dg_graph_free(&model_graph->graph);
  *model_graph = (dg_model_graph){0};
}
