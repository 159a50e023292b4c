#include "core/graph/lower.h"

#include <stdlib.h>
#include <string.h>

#include "core/graph/lower_steps.h"
#include "core/graph/plan_layer.h"

/** Adds the running statistics of all nodes after the last parameter. */
static void add_running(dg_graph *graph) {
  for (uint32_t i = 0; i < graph->node_count; i++) {
    dg_node *node = &graph->nodes[i];
    node->first_running = graph->param_count + graph->running_count;
    for (uint32_t k = 0; k < node->plan.running_count; k++)
      dg_lower_param(node, &node->plan.running[k],
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

/** Is a list empty, or all of it this number? */
static bool is_all(const dg_number_list *numbers, double value) {
  for (uint32_t i = 0; i < numbers->count; i++)
    if (numbers->values[i] != value) return false;
  return numbers->word == 0;
}

/** An embedding takes whole numbers: those of the input, as they are. */
static bool note_words(dg_lowering *l, const dg_node *node, dg_error *err) {
  const dg_data_recipe *data = &l->model->data;
  static const dg_augment_recipe none;
  dg_graph *graph = l->graph;
  if (node->plan.op.kind != DG_OP_EMBEDDING) return true;
  if (node->in[0] != 0)
    return dg_fail(
        err, DG_ERR_INPUT,
        "takes whole numbers, which only the network's input has: let it read \"input\"");
  if (!is_all(&data->mean, 0) || !is_all(&data->std, 1) ||
      memcmp(&data->augment, &none, sizeof none) != 0)
    return dg_fail(
        err, DG_ERR_INPUT,
        "takes the whole numbers of the input as they are; leave out data.mean, data.std "
        "and data.augment, which change them");
  const uint32_t words = node->plan.op.embedding.words;
  if (graph->words && graph->words <= words) return true;
  graph->words = words;
  graph->words_layer = node->layer;
  return true;
}

/** Adds the node of one layer, or only a view if it needs no op. */
static bool lower_layer(dg_lowering *l, uint32_t index, dg_error *err) {
  const dg_model_layer *layer = &l->model->layers[index];
  dg_layer_output *own = &l->outputs[index + 1];
  const dg_layer_output *in[DG_MAX_IN];
  dg_shape shapes[DG_MAX_IN];
  dg_node node = {.layer = layer, .inputs = layer->inputs};
  bool lengths = false;
  for (uint32_t i = 0; i < layer->inputs; i++) {
    in[i] = &l->outputs[layer->in[i] + 1];
    shapes[i] = in[i]->shape;
    node.in[i] = in[i]->tensor;
    lengths |= in[i]->lengths != NULL;
  }
  if (!dg_plan_layer(l->model, index, shapes, &node.plan, err) ||
      !params_fit(&l->params, &node.plan, err) || !note_words(l, &node, err))
    return dg_name_layer(layer, err);
  node.plan.op.exact = l->model->train.exact;
  own->shape = node.plan.out;
  if (lengths) return dg_lower_sequence(l, &node, in, own, err) || dg_name_layer(layer, err);
  own->tensor = node.plan.view ? node.in[0] : dg_lower_node(l, &node);
  return true;
}

/** Allocates memory for the outputs of all nodes and their statistics. */
static bool reserve(dg_lowering *l, dg_error *err) {
  dg_graph *graph = l->graph;
  const size_t layers = l->model->layer_count;
  const size_t nodes = l->model->lengths ? DG_LAYER_NODES * layers : layers;
  l->outputs = calloc(layers + 1, sizeof *l->outputs);
  l->lengths = calloc(nodes + 1, sizeof *l->lengths);
  graph->tensors = calloc(2 * nodes + 2, sizeof *graph->tensors);
  graph->nodes = calloc(nodes, sizeof *graph->nodes);
  graph->params = calloc(layers * (DG_MAX_PARAM + DG_MAX_RUNNING), sizeof *graph->params);
  return (l->outputs && l->lengths && graph->tensors && graph->nodes && graph->params) ||
         dg_fail_memory(err, nodes * sizeof *graph->nodes);
}

/** Checks that there are parameters, that every layer is read, and that a loss can read the last
    one. */
static bool check_whole(const dg_graph *graph, const dg_model *model, const dg_shape *last,
                        dg_error *err) {
  char shape[64];
  if (last->rank != 1)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the last layer gives %s, but the loss needs [classes]; put a flatten "
                   "layer before the last linear layer, or at the end if there is none",
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

static bool lower_all(dg_lowering *l, dg_error *err) {
  const dg_model *model = l->model;
  l->outputs[0] =
      (dg_layer_output){.tensor = dg_lower_tensor(l, dg_shape_count(&model->input), DG_NO_NODE),
                        .shape = model->input,
                        .zeros = true};
  if (model->lengths) l->outputs[0].lengths = dg_lower_lengths(l);
  for (uint32_t i = 0; i < model->layer_count; i++)
    if (!lower_layer(l, i, err)) return false;
  const dg_layer_output *last = &l->outputs[model->layer_count];
  l->graph->output = last->tensor;
  add_running(l->graph);
  return check_whole(l->graph, model, &last->shape, err);
}

bool dg_graph_lower(dg_graph *graph, const dg_model *model, uint32_t *tensors, dg_error *err) {
  dg_lowering l = {.graph = graph, .model = model};
  *graph = (dg_graph){0};
  bool ok = reserve(&l, err) && lower_all(&l, err);
  for (uint32_t i = 0; ok && tensors && i < model->layer_count; i++)
    tensors[i] = l.outputs[i + 1].tensor;
  free(l.outputs);
  free(l.lengths);
  if (!ok) dg_graph_free(graph);
  return ok;
}
