/** From the layers of a model to a list of nodes over numbered tensors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/network/internal.h"
#include "core/op/fuse.h"

/** What a layer gives to its readers: a tensor, seen in a shape. */
typedef struct {
  uint32_t tensor;
  dg_shape shape;
} output;

static uint32_t add_tensor(dg_network *network, const dg_shape *shape, uint32_t producer) {
  network->tensors[network->tensor_count] =
      (dg_tensor){.count = (uint32_t)dg_shape_count(shape), .producer = producer};
  return network->tensor_count++;
}

/** Gives a parameter or state its name and its place behind all that there are. */
static void place_param(dg_network *network, const dg_node *node, const dg_param_spec *spec,
                        dg_param *param) {
  param->spec = *spec;
  snprintf(param->name, sizeof param->name, "%s.%s", node->layer->name, spec->suffix);
  param->count = (uint32_t)dg_size_product(spec->rank, spec->dim);
  param->offset = network->floats;
  network->floats += dg_network_aligned(network, param->count);
}

static void add_params(dg_network *network, dg_node *node) {
  node->first_param = network->param_count;
  for (uint32_t i = 0; i < node->plan.params; i++)
    place_param(network, node, &node->plan.param[i], &network->params[network->param_count++]);
}

/** The states of all nodes, behind the last parameter. */
static void add_states(dg_network *network) {
  network->learned = network->floats;
  for (uint32_t i = 0; i < network->node_count; i++) {
    dg_node *node = &network->nodes[i];
    node->first_state = network->param_count + network->state_count;
    for (uint32_t k = 0; k < node->plan.states; k++)
      place_param(network, node, &node->plan.state[k],
                  &network->params[network->param_count + network->state_count++]);
  }
}

/** Refuses parameters and states that the 32-bit offsets can't reach, with those before them. */
static bool params_fit(dg_network *network, const dg_layer_plan *plan, dg_error *err) {
  uint64_t *total = &network->counted, gap = network->device->info.alignment;
  for (uint32_t i = 0; i < plan->params; i++)
    *total = dg_size_plus(*total, gap + dg_size_product(plan->param[i].rank, plan->param[i].dim));
  for (uint32_t i = 0; i < plan->states; i++)
    *total = dg_size_plus(*total, gap + dg_size_product(plan->state[i].rank, plan->state[i].dim));
  return dg_size_fits(*total) ||
         dg_fail(err, DG_ERR_INPUT, "the network would have more than %d parameters",
                 DG_SIZE_NUMBERS);
}

/** Adds the node of one layer (or only another view, where it needs no op). */
static bool lower_layer(dg_network *network, const dg_model *model, uint32_t index, output *outputs,
                        dg_error *err) {
  const dg_model_layer *layer = &model->layers[index];
  dg_shape shapes[DG_MAX_IN];
  dg_node node = {.layer = layer, .inputs = layer->inputs};
  for (uint32_t i = 0; i < layer->inputs; i++) {
    const output *from = &outputs[layer->in[i] + 1];
    shapes[i] = from->shape;
    node.in[i] = from->tensor;
  }
  if (!dg_network_plan_layer(model, index, shapes, &node.plan, err) ||
      !params_fit(network, &node.plan, err))
    return false;
  output *own = &outputs[index + 1];
  own->shape = node.plan.out;
  own->tensor = node.in[0];
  if (node.plan.view) return true;
  own->tensor = node.out = add_tensor(network, &node.plan.out, network->node_count);
  add_params(network, &node);
  for (uint32_t i = 0; i < node.inputs; i++) network->tensors[node.in[i]].readers++;
  network->nodes[network->node_count++] = node;
  return true;
}

/** Room for what each layer makes, and for the moments of that. */
static bool reserve(dg_network *network, uint32_t layers, dg_error *err) {
  network->tensors = calloc(2 * (size_t)layers + 1, sizeof *network->tensors);
  network->nodes = calloc(layers, sizeof *network->nodes);
  network->params = calloc((size_t)layers * (DG_MAX_PARAM + DG_MAX_STATE), sizeof *network->params);
  return (network->tensors && network->nodes && network->params) || dg_fail_memory(err, layers);
}

static bool lower_all(dg_network *network, const dg_model *model, output *outputs, dg_error *err) {
  outputs[0] = (output){add_tensor(network, &model->input, DG_NO_NODE), model->input};
  for (uint32_t i = 0; i < model->layer_count; i++) {
    if (!lower_layer(network, model, i, outputs, err))
      return dg_network_name_layer(&model->layers[i], err);
  }
  const output *last = &outputs[model->layer_count];
  network->output = last->tensor;
  char shape[64];
  if (last->shape.rank != 1)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the last layer gives %s, but the loss needs [classes]; end with a flatten "
                   "or linear layer",
                   model->layers[model->layer_count - 1].place,
                   dg_shape_text(&last->shape, shape, sizeof shape));
  for (uint32_t i = 0; i < network->node_count; i++) {
    const dg_node *node = &network->nodes[i];
    if (node->out != network->output && network->tensors[node->out].readers == 0)
      return dg_fail(err, DG_ERR_INPUT, "%s: nothing reads layer \"%s\" (%s)", node->layer->place,
                     node->layer->name, node->layer->kind->type);
  }
  return network->floats > 0 ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: there is nothing to learn: no layer has parameters; add a linear layer",
                 model->path);
}

dg_node *dg_network_before(dg_network *network, uint32_t i) {
  const dg_tensor *between = &network->tensors[network->nodes[i].in[0]];
  bool alone = between->readers == 1 && between->producer != DG_NO_NODE;
  return alone ? &network->nodes[between->producer] : NULL;
}

void dg_network_fuse_into(dg_network *network, uint32_t i) {
  const dg_node *node = &network->nodes[i];
  dg_tensor *between = &network->tensors[node->in[0]];
  network->nodes[between->producer].out = node->out;
  network->tensors[node->out].producer = between->producer;
  between->readers = 0;
  between->count = 0; /* nobody writes or reads it: the plan gives it no memory */
}

/** Fuses node `i` to the end of the node before it, if description and device have room for it. */
static bool fuse_node(dg_network *network, uint32_t i) {
  const dg_node *node = &network->nodes[i];
  dg_node *producer = dg_network_before(network, i);
  if (!producer) return false;
  dg_op_desc fused = producer->plan.op;
  if (!dg_op_fuse(&fused, &node->plan.op) ||
      !network->device->calls->supports(network->device, &fused))
    return false;
  producer->plan.op = fused;
  if (node->plan.op.kind == DG_OP_MAXPOOL2D) producer->plan.out = node->plan.out;
  dg_network_fuse_into(network, i);
  return true;
}

void dg_network_fuse_nodes(dg_network *network, bool (*fuses)(dg_network *network, uint32_t i)) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < network->node_count; i++) {
    if (fuses(network, i)) continue;
    network->nodes[kept] = network->nodes[i];
    network->tensors[network->nodes[kept].out].producer = kept;
    kept++;
  }
  network->node_count = kept;
}

/** Which tensors need a gradient, and whether a node writes or adds to it. */
static void direct_gradients(dg_network *network) {
  for (uint32_t i = 0; i < network->node_count; i++) {
    dg_node *node = &network->nodes[i];
    bool wants = node->plan.params > 0;
    for (uint32_t k = 0; k < node->inputs; k++) wants |= network->tensors[node->in[k]].wants_grad;
    node->wants_backward = network->train && wants;
    network->tensors[node->out].wants_grad = node->wants_backward;
  }
  for (uint32_t i = network->node_count; i-- > 0;) {
    dg_node *node = &network->nodes[i];
    for (uint32_t k = 0; k < node->inputs; k++) {
      dg_tensor *in = &network->tensors[node->in[k]];
      if (!node->wants_backward || !in->wants_grad) continue;
      node->plan.op.d_in[k] = in->grad_written ? DG_GRAD_ADD : DG_GRAD_WRITE;
      in->grad_written = true;
    }
  }
}

/** Does every op, with all that was fused to it, read and write what its tensors hold? */
static bool ops_agree(const dg_network *network, dg_error *err) {
  for (uint32_t i = 0; i < network->node_count; i++) {
    const dg_node *node = &network->nodes[i];
    dg_op_sizes sizes = dg_op_sizes_of(&node->plan.op);
    bool agree = sizes.out[0] == network->tensors[node->out].count;
    for (uint32_t k = 0; k < node->inputs; k++)
      agree &= sizes.in[k] == network->tensors[node->in[k]].count;
    if (node->moments) agree &= sizes.out[1] == network->tensors[node->moments].count;
    if (agree) continue;
    dg_fail(err, DG_ERR_INPUT, "its sizes contradict those of its op");
    return dg_network_name_layer(node->layer, err);
  }
  return true;
}

bool dg_network_lower(dg_network *network, const dg_model *model, dg_error *err) {
  output *outputs = calloc(model->layer_count + 1, sizeof *outputs);
  if (!outputs) return dg_fail_memory(err, sizeof *outputs);
  bool right = reserve(network, model->layer_count, err) && lower_all(network, model, outputs, err);
  free(outputs);
  if (!right) return false;
  add_states(network);
  dg_network_fuse_nodes(network, fuse_node);
  if (network->train)
    dg_network_join_moments(network);
  else if (!dg_network_fold(network, err))
    return false;
  direct_gradients(network);
  return ops_agree(network, err);
}
