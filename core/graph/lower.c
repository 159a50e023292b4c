#include "core/graph/lower.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/graph/plan_layer.h"

/** The output of a layer: a tensor with a shape. */
typedef struct {
  uint32_t tensor;
  dg_shape shape;
} output;

static uint32_t add_tensor(dg_graph *graph, const dg_shape *shape, uint32_t producer) {
  graph->tensors[graph->tensor_count] =
      (dg_tensor){.count = (uint32_t)dg_shape_count(shape), .producer = producer};
  return graph->tensor_count++;
}

/** Fills in a parameter or running statistic of a node. */
static void fill_param(const dg_node *node, const dg_param_spec *spec, dg_param *param) {
  param->layer = node->layer;
  param->spec = *spec;
  snprintf(param->name, sizeof param->name, "%s.%s", node->layer->name, spec->suffix);
  param->count = (uint32_t)dg_size_product(spec->rank, spec->dim);
}

static void add_params(dg_graph *graph, dg_node *node) {
  node->first_param = graph->param_count;
  for (uint32_t i = 0; i < node->plan.params; i++)
    fill_param(node, &node->plan.param[i], &graph->params[graph->param_count++]);
}

/** Adds the running statistics of all nodes after the last parameter. */
static void add_running(dg_graph *graph) {
  for (uint32_t i = 0; i < graph->node_count; i++) {
    dg_node *node = &graph->nodes[i];
    node->first_running = graph->param_count + graph->running_count;
    for (uint32_t k = 0; k < node->plan.running_count; k++)
      fill_param(node, &node->plan.running[k],
                 &graph->params[graph->param_count + graph->running_count++]);
  }
}

/** Refuses parameters and running statistics whose sum with the `total` before them exceeds 32
    bits. */
static bool params_fit(uint64_t *total, const dg_layer_plan *plan, dg_error *err) {
  for (uint32_t i = 0; i < plan->params; i++)
    *total = dg_size_plus(*total, dg_size_product(plan->param[i].rank, plan->param[i].dim));
  for (uint32_t i = 0; i < plan->running_count; i++)
    *total = dg_size_plus(*total, dg_size_product(plan->running[i].rank, plan->running[i].dim));
  return dg_size_fits(*total) ||
         dg_fail(err, DG_ERR_INPUT, "the network would have more than %d parameters",
                 DG_SIZE_NUMBERS);
}

/** Adds the node of one layer, or only a view if it needs no op. */
static bool lower_layer(dg_graph *graph, const dg_model *model, uint32_t index, output *outputs,
                        uint64_t *total, dg_error *err) {
  const dg_model_layer *layer = &model->layers[index];
  dg_shape shapes[DG_MAX_IN];
  dg_node node = {.layer = layer, .inputs = layer->inputs};
  for (uint32_t i = 0; i < layer->inputs; i++) {
    const output *from = &outputs[layer->in[i] + 1];
    shapes[i] = from->shape;
    node.in[i] = from->tensor;
  }
  if (!dg_plan_layer(model, index, shapes, &node.plan, err) || !params_fit(total, &node.plan, err))
    return dg_name_layer(layer, err);
  node.plan.op.exact = model->train.exact;
  output *own = &outputs[index + 1];
  own->shape = node.plan.out;
  own->tensor = node.in[0];
  if (node.plan.view) return true;
  own->tensor = node.out = add_tensor(graph, &node.plan.out, graph->node_count);
  add_params(graph, &node);
  for (uint32_t i = 0; i < node.inputs; i++) graph->tensors[node.in[i]].readers++;
  graph->nodes[graph->node_count++] = node;
  return true;
}

/** Allocates memory for the output of each layer and its statistics. */
static bool reserve(dg_graph *graph, uint32_t layers, dg_error *err) {
  graph->tensors = calloc(2 * (size_t)layers + 1, sizeof *graph->tensors);
  graph->nodes = calloc(layers, sizeof *graph->nodes);
  graph->params = calloc((size_t)layers * (DG_MAX_PARAM + DG_MAX_RUNNING), sizeof *graph->params);
  return (graph->tensors && graph->nodes && graph->params) || dg_fail_memory(err, layers);
}

/** Checks that there are parameters, that every layer is read, and that a loss can read the last
    one. */
static bool check_whole(const dg_graph *graph, const dg_model *model, const dg_shape *last,
                        dg_error *err) {
  char shape[64];
  if (last->rank != 1)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the last layer gives %s, but the loss needs [classes]; end with a flatten "
                   "or linear layer",
                   model->layers[model->layer_count - 1].location,
                   dg_shape_text(last, shape, sizeof shape));
  for (uint32_t i = 0; i < graph->node_count; i++) {
    const dg_node *node = &graph->nodes[i];
    if (node->out != graph->output && graph->tensors[node->out].readers == 0)
      return dg_fail(err, DG_ERR_INPUT, "%s: nothing reads layer \"%s\" (%s)",
                     node->layer->location, node->layer->name, node->layer->kind->type);
  }
  return graph->param_count > 0 ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: there is nothing to learn: no layer has parameters; add a linear layer",
                 model->path);
}

static bool lower_all(dg_graph *graph, const dg_model *model, output *outputs, dg_error *err) {
  uint64_t total = 0;
  outputs[0] = (output){add_tensor(graph, &model->input, DG_NO_NODE), model->input};
  for (uint32_t i = 0; i < model->layer_count; i++)
    if (!lower_layer(graph, model, i, outputs, &total, err)) return false;
  const output *last = &outputs[model->layer_count];
  graph->output = last->tensor;
  add_running(graph);
  return check_whole(graph, model, &last->shape, err);
}

bool dg_graph_lower(dg_graph *graph, const dg_model *model, uint32_t *tensors, dg_error *err) {
  *graph = (dg_graph){0};
  output *outputs = calloc(model->layer_count + 1, sizeof *outputs);
  if (!outputs) return dg_fail_memory(err, sizeof *outputs);
  bool ok = reserve(graph, model->layer_count, err) && lower_all(graph, model, outputs, err);
  for (uint32_t i = 0; ok && tensors && i < model->layer_count; i++)
    tensors[i] = outputs[i + 1].tensor;
  free(outputs);
  if (!ok) dg_graph_free(graph);
  return ok;
}
