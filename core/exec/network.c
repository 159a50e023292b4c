#include "core/exec/network.h"

#include <stdlib.h>

#include "core/exec/internal.h"
#include "core/graph/build.h"
#include "core/graph/plan_layer.h"

static const dg_network_beside nothing = {0};

/** Does the device run an op? A dg_op_predicate. */
static bool runs_there(const void *device, const dg_op_desc *desc) {
  return ((const dg_device *)device)->calls->supports(device, desc);
}

/** Prepares the op of a node, or only queries what it would need. */
static bool prepare_node(dg_network *network, uint32_t i, bool runs, dg_error *err) {
  dg_device *device = network->device;
  const dg_node *node = &network->graph.nodes[i];
  const dg_op_desc *desc = &node->plan.op;
  dg_bound_op *bound = &network->ops[i];
  dg_op_needs *needs = &network->needs[i];
  bool train = node->wants_backward;
  if (!device->calls->supports(device, desc)) {
    dg_fail(err, DG_ERR_UNSUPPORTED, "the %s device \"%s\" can't run this op", device->backend,
            device->info.name);
    dg_advise(err, DG_REMEDY_BACKEND);
    return dg_name_layer(node->layer, err);
  }
  if (!runs) {
    if (device->calls->needs(device, desc, network->max_n, train, needs, err)) return true;
  } else if (dg_bound_make(bound, device, desc, network->max_n, train, err)) {
    if (dg_network_shares_folds(network) && device->calls->share)
      device->calls->share(bound->op, network->owner->ops[i].op);
    return *needs = bound->op->needs, true;
  }
  return dg_name_layer(node->layer, err);
}

/** Allocates the arrays for nodes and tensors of the graph. */
static bool reserve(dg_network *network, dg_error *err) {
  const dg_graph *graph = &network->graph;
  size_t ops = (size_t)graph->node_count * network->instances;
  network->ops = calloc(ops, sizeof *network->ops);
  network->needs = calloc(graph->node_count, sizeof *network->needs);
  network->tensors =
      calloc((size_t)graph->tensor_count * network->instances, sizeof *network->tensors);
  return (network->ops && network->needs && network->tensors) ||
         dg_fail_memory(err, ops * sizeof *network->ops);
}

static bool prepare_all(dg_network *network, bool runs, dg_error *err) {
  if (!reserve(network, err) || !dg_network_place_params(network, err) ||
      !dg_network_fold_place(network, err))
    return false;
  for (uint32_t i = 0; i < network->graph.node_count; i++)
    if (!prepare_node(network, i, runs, err)) return false;
  return dg_network_slices_prepare(network, runs, err) && dg_network_plan_arena(network, err);
}

/** `train`: a network for training, which uses only max_n of `how`; `beside`: with ops and memory;
    NULL: it is only planned. */
static dg_network *make(const dg_model *model, dg_device *device, const dg_network_for_test *how,
                        bool train, const dg_network_beside *beside, dg_error *err) {
  const dg_op_predicate can_run = {runs_there, device};
  dg_network *network = calloc(1, sizeof *network);
  if (!network) return dg_fail_memory(err, sizeof *network), NULL;
  network->device = device;
  network->train = train;
  network->learns_input = model->target == DG_TARGET_INPUT;
  network->owner = how->owner && how->owner->owner ? how->owner->owner : how->owner;
  network->folds_apart = how->layer || (network->owner && network->owner->folds_apart);
  if (dg_graph_build(&network->graph, model, train, how->layer, &can_run, err) &&
      dg_network_slice(network, &model->train, how->max_n, err) &&
      prepare_all(network, beside, err) &&
      (!beside ||
       (dg_network_check_memory(network, beside, err) && dg_network_allocate(network, err))))
    return network;
  dg_network_free(network);
  return NULL;
}

dg_network *dg_network_build(const dg_model *model, dg_device *device, uint32_t max_n, bool train,
                             dg_error *err) {
  return dg_network_build_beside(model, device, max_n, train, &nothing, err);
}

dg_network *dg_network_build_beside(const dg_model *model, dg_device *device, uint32_t max_n,
                                    bool train, const dg_network_beside *beside, dg_error *err) {
  return make(model, device, &(dg_network_for_test){.max_n = max_n}, train, beside, err);
}

/** Computes the folded parameters of a network that doesn't share those of its owner. */
static bool fold_apart(dg_network *network, dg_error *err) {
  size_t bytes = network->floats * sizeof(float);
  float *values = malloc(bytes);
  if (!values) return dg_fail_memory(err, bytes);
  bool done = dg_network_read(network, values, err) && dg_network_fold_write(network, values, err);
  free(values);
  return done;
}

dg_network *dg_network_build_for_test(const dg_model *model, dg_device *device,
                                      const dg_network_for_test *how, dg_error *err) {
  dg_network *network = make(model, device, how, false, &nothing, err);
  if (!network || !network->owner || !network->folds_apart || fold_apart(network, err))
    return network;
  dg_network_free(network);
  return NULL;
}

dg_network *dg_network_plan(const dg_model *model, dg_device *device, uint32_t max_n, bool train,
                            dg_error *err) {
  return make(model, device, &(dg_network_for_test){.max_n = max_n}, train, NULL, err);
}

void dg_network_free(dg_network *network) {
  if (!network) return;
  dg_network_release(network);
  for (uint32_t i = 0; network->ops && i < network->graph.node_count; i++)
    dg_bound_release(&network->ops[i]);
  free(network->ops);
  free(network->needs);
  free(network->tensors);
  dg_graph_free(&network->graph);
  free(network);
}

bool dg_network_name_layer(const dg_network *network, uint32_t i, dg_error *err) {
  const dg_model_layer *layer = network->graph.nodes[i].layer;
  return dg_fail_prefix(err, "layer \"%s\" (%s)", layer->name, layer->kind->type);
}

bool dg_network_forward(dg_network *network, const dg_step *step, dg_error *err) {
  for (uint32_t i = 0; i < network->graph.node_count; i++)
    if (!dg_bound_forward(&network->ops[i], step, err))
      return dg_network_name_layer(network, i, err);
  return true;
}

bool dg_network_backward(dg_network *network, const dg_step *step, dg_error *err) {
  for (uint32_t i = network->graph.node_count; i-- > 0;)
    if (network->graph.nodes[i].wants_backward && !dg_bound_backward(&network->ops[i], step, err))
      return dg_network_name_layer(network, i, err);
  return true;
}

uint32_t dg_network_samples(const dg_network *network) {
  return network->max_n;
}

uint32_t dg_network_instances(const dg_network *network) {
  return network->instances;
}

uint32_t dg_network_sync_count(const dg_network *network) {
  return network->slicing.sync_count;
}

dg_network_io dg_network_io_of(dg_network *network, uint32_t instance) {
  const dg_tensor_buffers *tensors =
      network->tensors + (size_t)instance * network->graph.tensor_count;
  uint32_t output = network->graph.output;
  const uint32_t lengths = network->graph.lengths;
  return (dg_network_io){tensors[0].value, tensors[output].value, tensors[output].grad,
                         lengths ? tensors[lengths].value : NULL};
}

dg_buffer *dg_network_input(dg_network *network) {
  return dg_network_io_of(network, 0).input;
}

dg_buffer *dg_network_output(dg_network *network) {
  return dg_network_io_of(network, 0).output;
}

dg_buffer *dg_network_d_output(dg_network *network) {
  return dg_network_io_of(network, 0).d_output;
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

bool dg_network_check_lengths(const dg_network *network, uint32_t steps, const uint32_t *lengths,
                              uint32_t first, uint32_t n, dg_error *err) {
  const dg_graph *graph = &network->graph;
  for (uint32_t i = 0; lengths && i < n; i++) {
    if (lengths[i] == 0 || lengths[i] > steps)
      return dg_fail(err, DG_ERR_INPUT,
                     "sample %u (the first is 0) has a length of %u steps; 1 to %u are allowed",
                     first + i, lengths[i], steps);
    if (lengths[i] < graph->least_length)
      return dg_fail(err, DG_ERR_INPUT,
                     "sample %u (the first is 0) has %u steps, of which the windows of layer "
                     "\"%s\" (%s) leave nothing; at least %u are needed",
                     first + i, lengths[i], graph->least_layer->name,
                     graph->least_layer->kind->type, graph->least_length);
  }
  return true;
}

uint32_t dg_network_outputs(const dg_network *network) {
  return network->graph.tensors[network->graph.output].count;
}

uint32_t dg_network_floats(const dg_network *network) {
  return network->floats;
}

uint32_t dg_network_learned(const dg_network *network) {
  return network->learned;
}

bool dg_network_exact(const dg_network *network) {
  bool exact = true;
  for (uint32_t i = 0; i < network->graph.node_count; i++) exact &= network->ops[i].op->exact;
  return exact;
}

uint64_t dg_network_parameter_count(const dg_network *network) {
  return dg_graph_parameters(&network->graph);
}

uint32_t dg_network_param_list(const dg_network *network, const dg_param **list) {
  *list = network->graph.params;
  return dg_network_params(network);
}

size_t dg_network_arena(const dg_network *network) {
  return network->arena_size * network->instances;
}

size_t dg_network_bytes(const dg_network *network) {
  size_t floats = (size_t)network->floats + network->folded_floats;
  if (network->train) floats += network->learned;
  return dg_network_arena(network) + floats * sizeof(float) + dg_network_slices_bytes(network);
}
