#include "core/network/network.h"

#include <stdlib.h>

#include "core/network/internal.h"

/** Prepares the op of a node, or only asks what it would need. */
static bool prepare_node(dg_network *network, dg_node *node, bool runs, dg_error *err) {
  dg_device *device = network->device;
  const dg_op_desc *desc = &node->plan.op;
  bool train = node->wants_backward;
  if (!device->calls->supports(device, desc)) {
    dg_fail(err, DG_ERR_UNSUPPORTED,
            "the %s device \"%s\" can't run this op; try another --backend", device->backend,
            device->info.name);
    return dg_network_name_layer(node->layer, err);
  }
  if (!runs) {
    if (device->calls->needs(device, desc, network->max_n, train, &node->needs, err)) return true;
  } else {
    node->op = device->calls->prepare(device, desc, network->max_n, train, err);
    if (node->op) return node->needs = node->op->needs, true;
  }
  return dg_network_name_layer(node->layer, err);
}

static bool prepare_all(dg_network *network, bool runs, dg_error *err) {
  for (uint32_t i = 0; i < network->node_count; i++)
    if (!prepare_node(network, &network->nodes[i], runs, err)) return false;
  return dg_network_plan_arena(network, err);
}

static dg_network *make(const dg_model *model, dg_device *device, uint32_t max_n, bool train,
                        bool runs, dg_error *err) {
  dg_network *network = calloc(1, sizeof *network);
  if (!network) return dg_fail_memory(err, sizeof *network), NULL;
  network->device = device;
  network->max_n = max_n;
  network->train = train;
  if (dg_network_lower(network, model, err) && prepare_all(network, runs, err) &&
      (!runs || dg_network_allocate(network, err)))
    return network;
  dg_network_free(network);
  return NULL;
}

dg_network *dg_network_build(const dg_model *model, dg_device *device, uint32_t max_n, bool train,
                             dg_error *err) {
  return make(model, device, max_n, train, true, err);
}

dg_network *dg_network_plan(const dg_model *model, dg_device *device, uint32_t max_n, bool train,
                            dg_error *err) {
  return make(model, device, max_n, train, false, err);
}

void dg_network_free(dg_network *network) {
  if (!network) return;
  dg_network_release(network);
  for (uint32_t i = 0; i < network->node_count; i++)
    network->device->calls->op_free(network->nodes[i].op);
  free(network->tensors);
  free(network->nodes);
  free(network->params);
  free(network);
}

static bool name_layer(const dg_node *node, dg_error *err) {
  return dg_fail_prefix(err, "layer \"%s\" (%s)", node->layer->name, node->layer->kind->type);
}

bool dg_network_forward(dg_network *network, const dg_step *step, dg_error *err) {
  for (uint32_t i = 0; i < network->node_count; i++) {
    dg_node *node = &network->nodes[i];
    if (!network->device->calls->forward(node->op, &node->forward, step, err))
      return name_layer(node, err);
  }
  return true;
}

bool dg_network_backward(dg_network *network, const dg_step *step, dg_error *err) {
  for (uint32_t i = network->node_count; i-- > 0;) {
    dg_node *node = &network->nodes[i];
    if (node->wants_backward &&
        !network->device->calls->backward(node->op, &node->backward, step, err))
      return name_layer(node, err);
  }
  return true;
}

dg_buffer *dg_network_input(dg_network *network) {
  return network->tensors[0].value;
}

dg_buffer *dg_network_output(dg_network *network) {
  return network->tensors[network->output].value;
}

dg_buffer *dg_network_d_output(dg_network *network) {
  return network->tensors[network->output].grad;
}

dg_buffer *dg_network_parameters(dg_network *network) {
  return network->parameters;
}

dg_buffer *dg_network_gradients(dg_network *network) {
  return network->gradients;
}

bool dg_network_read(dg_network *network, float *values, dg_error *err) {
  return network->device->calls->read(network->parameters, 0, values,
                                      network->floats * sizeof(float), err);
}

bool dg_network_write(dg_network *network, const float *values, dg_error *err) {
  return network->device->calls->write(network->parameters, 0, values,
                                       network->floats * sizeof(float), err) &&
         dg_network_fold_write(network, values, err);
}

uint32_t dg_network_outputs(const dg_network *network) {
  return network->tensors[network->output].count;
}

uint32_t dg_network_floats(const dg_network *network) {
  return network->floats;
}

uint32_t dg_network_learned(const dg_network *network) {
  return network->learned;
}

uint64_t dg_network_parameter_count(const dg_network *network) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < network->param_count; i++) count += network->params[i].count;
  return count;
}

uint32_t dg_network_param_list(const dg_network *network, const dg_param **list) {
  *list = network->params;
  return network->param_count + network->state_count;
}

size_t dg_network_arena(const dg_network *network) {
  return network->arena_size;
}

size_t dg_network_bytes(const dg_network *network) {
  size_t floats = (size_t)network->floats + network->folded_floats;
  return network->arena_size + (floats + (network->train ? network->learned : 0)) * sizeof(float);
}
