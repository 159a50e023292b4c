/**
 * The memory of a network. Time runs over the list of ops: the gather at 0, node i forward at i +
 * 1, the loss, then the nodes backward. All instances of the activations have the same layout.
 */
#include <stdlib.h>

#include "core/exec/internal.h"

static uint32_t forward_time(uint32_t node) {
  return node + 1;
}

static uint32_t loss_time(const dg_network *network) {
  return network->graph.node_count + 1;
}

static uint32_t backward_time(const dg_network *network, uint32_t node) {
  return 2 * network->graph.node_count + 1 - node;
}

static void live_until(dg_block *block, uint32_t time) {
  if (time > block->last) block->last = time;
}

/** The blocks of a network, in the order of the arrays below. */
typedef struct {
  dg_block *value, *grad;           /* one per tensor */
  dg_block *saved, *ahead, *behind; /* one per node: saved, workspaces of forward and backward */
} blocks;

static blocks lay_out(const dg_network *network) {
  dg_block *all = network->blocks;
  uint32_t tensors = network->graph.tensor_count, nodes = network->graph.node_count;
  dg_block *of_nodes = all + 2 * (size_t)tensors;
  return (blocks){all, all + tensors, of_nodes, of_nodes + nodes, of_nodes + 2 * (size_t)nodes};
}

static size_t tensor_bytes(const dg_network *network, uint32_t tensor) {
  uint64_t numbers = dg_size_times(network->graph.tensors[tensor].count, network->max_n);
  return dg_size_times(numbers, sizeof(float));
}

static void time_tensors(const dg_network *network, blocks b) {
  for (uint32_t t = 0; t < network->graph.tensor_count; t++) {
    const dg_tensor *tensor = &network->graph.tensors[t];
    uint32_t born = tensor->producer == DG_NO_NODE ? 0 : forward_time(tensor->producer);
    b.value[t] = (dg_block){.size = tensor_bytes(network, t), .first = born, .last = born};
    if (!tensor->wants_grad || tensor->producer == DG_NO_NODE) continue;
    uint32_t end = backward_time(network, tensor->producer);
    b.grad[t] = (dg_block){.size = tensor_bytes(network, t), .first = end, .last = end};
  }
  live_until(&b.value[network->graph.output], loss_time(network));
  if (network->learns_input) live_until(&b.value[0], loss_time(network));
  if (b.grad[network->graph.output].size) b.grad[network->graph.output].first = loss_time(network);
}

static void time_nodes(const dg_network *network, blocks b) {
  for (uint32_t i = 0; i < network->graph.node_count; i++) {
    const dg_node *node = &network->graph.nodes[i];
    const dg_op_needs *needs = &network->needs[i];
    uint32_t ahead = forward_time(i), behind = backward_time(network, i);
    b.ahead[i] = (dg_block){.size = needs->forward_workspace, .first = ahead, .last = ahead};
    for (uint32_t k = 0; k < node->inputs; k++) live_until(&b.value[node->in[k]], ahead);
    if (!node->wants_backward) continue;
    b.behind[i] = (dg_block){.size = needs->backward_workspace, .first = behind, .last = behind};
    if (!dg_network_phased(network, i))
      b.saved[i] = (dg_block){.size = needs->saved, .first = ahead, .last = behind};
    if (needs->backward_reads_out) live_until(&b.value[node->out], behind);
    for (uint32_t k = 0; k < node->inputs; k++) {
      if (needs->backward_reads_in) live_until(&b.value[node->in[k]], behind);
      dg_block *grad = &b.grad[node->in[k]];
      if (grad->size && behind < grad->first) grad->first = behind;
    }
  }
}

/** Makes an instance's view of a block, if its size is not 0. */
static bool view_into(dg_network *network, uint32_t instance, const dg_block *block,
                      dg_buffer **out, dg_error *err) {
  *out = NULL;
  if (block->size == 0) return true;
  *out = network->device->calls->buffer_view(
      network->arena, instance * network->arena_size + block->offset, block->size, err);
  if (*out) network->views[network->view_count++] = *out;
  return *out != NULL;
}

/** The buffers of a node's forward and backward. */
static bool bind_node(dg_network *network, uint32_t instance, uint32_t i, blocks b, dg_error *err) {
  const dg_node *node = &network->graph.nodes[i];
  const dg_tensor_buffers *tensors =
      network->tensors + (size_t)instance * network->graph.tensor_count;
  dg_bound_op *op = &network->ops[(size_t)instance * network->graph.node_count + i];
  dg_op_buffers *f = &op->buffers, *back = &op->backward;
  op->op = network->ops[i].op;
  for (uint32_t k = 0; k < node->inputs; k++) {
    f->in[k] = tensors[node->in[k]].value;
    if (node->plan.op.d_in[k] != DG_GRAD_NONE) f->d_in[k] = tensors[node->in[k]].grad;
  }
  f->out[0] = tensors[node->out].value;
  if (node->statistics) f->out[1] = tensors[node->statistics].value;
  f->d_out = tensors[node->out].grad;
  for (uint32_t k = 0; k < node->plan.params; k++) {
    f->param[k] = network->param_views[node->first_param + k];
    if (network->train) f->d_param[k] = network->grad_views[node->first_param + k];
  }
  for (uint32_t k = 0; k < node->plan.running_count; k++)
    f->running[k] = network->param_views[node->first_running + k];
  if (!view_into(network, instance, &b.saved[i], &f->saved, err)) return false;
  *back = *f;
  return view_into(network, instance, &b.ahead[i], &f->workspace, err) &&
         view_into(network, instance, &b.behind[i], &back->workspace, err);
}

static bool bind(dg_network *network, uint32_t instance, blocks b, dg_error *err) {
  dg_tensor_buffers *tensors = network->tensors + (size_t)instance * network->graph.tensor_count;
  for (uint32_t t = 0; t < network->graph.tensor_count; t++)
    if (!view_into(network, instance, &b.value[t], &tensors[t].value, err) ||
        !view_into(network, instance, &b.grad[t], &tensors[t].grad, err))
      return false;
  for (uint32_t i = 0; i < network->graph.node_count; i++)
    if (!bind_node(network, instance, i, b, err)) return false;
  return true;
}

static bool allocate_params(dg_network *network, dg_error *err) {
  const dg_device_calls *calls = network->device->calls;
  uint32_t all = dg_network_params(network);
  network->param_views = calloc(all + 1, sizeof *network->param_views);
  network->grad_views = calloc(network->graph.param_count + 1, sizeof *network->grad_views);
  if (!network->param_views || !network->grad_views)
    return dg_fail_memory(err, all * sizeof *network->param_views);
  size_t bytes = network->floats * sizeof(float);
  network->parameters =
      network->owner ? network->owner->parameters : calls->buffer_new(network->device, bytes, err);
  if (!network->parameters ||
      !dg_network_view_params(network, all, network->parameters, network->param_views, err))
    return false;
  if (!network->train) return true;
  network->gradients = calls->buffer_new(network->device, network->learned * sizeof(float), err);
  return network->gradients && dg_network_view_params(network, network->graph.param_count,
                                                      network->gradients, network->grad_views, err);
}

static size_t block_count(const dg_network *network) {
  return 2 * (size_t)network->graph.tensor_count + 3 * (size_t)network->graph.node_count;
}

bool dg_network_plan_arena(dg_network *network, dg_error *err) {
  size_t count = block_count(network);
  network->blocks = calloc(count, sizeof *network->blocks);
  if (!network->blocks) return dg_fail_memory(err, count * sizeof *network->blocks);
  blocks b = lay_out(network);
  time_tensors(network, b);
  time_nodes(network, b);
  network->arena_size = dg_plan_memory(network->blocks, count, network->device->info.alignment);
  if (network->arena_size <= PTRDIFF_MAX)
    network->arena_size = dg_size_round_up(network->arena_size, network->device->info.alignment);
  return dg_size_times(network->arena_size, network->instances) <= PTRDIFF_MAX ||
         dg_fail(err, DG_ERR_MEMORY,
                 "the activations of %u samples can't be counted in bytes; a smaller batch fits",
                 network->max_n);
}

size_t dg_network_unshared(const dg_network *network) {
  size_t sum = 0;
  blocks b = lay_out(network);
  for (uint32_t t = 0; t < network->graph.tensor_count; t++) {
    size_t bytes = tensor_bytes(network, t);
    sum += (b.value[t].size ? bytes : 0) + (b.grad[t].size ? bytes : 0);
  }
  for (uint32_t i = 0; i < network->graph.node_count; i++) {
    const dg_op_needs *needs = &network->needs[i];
    sum += needs->forward_workspace;
    if (network->train) sum += needs->saved + needs->backward_workspace;
  }
  return sum;
}

bool dg_network_allocate(dg_network *network, dg_error *err) {
  size_t count = block_count(network) * network->instances;
  network->views = calloc(count, sizeof *network->views);
  if (!network->views) return dg_fail_memory(err, count * sizeof *network->views);
  if (!allocate_params(network, err)) return false;
  network->arena = network->device->calls->buffer_new(
      network->device, network->arena_size * network->instances, err);
  for (uint32_t i = 0; network->arena && i < network->instances; i++)
    if (!bind(network, i, lay_out(network), err)) return false;
  return network->arena && dg_network_slices_allocate(network, err) &&
         dg_network_fold_bind(network, err);
}

void dg_network_release(dg_network *network) {
  const dg_device_calls *calls = network->device->calls;
  for (uint32_t i = 0; i < network->view_count; i++) calls->buffer_free(network->views[i]);
  for (uint32_t i = 0; i < dg_network_params(network); i++)
    if (network->param_views) calls->buffer_free(network->param_views[i]);
  for (uint32_t i = 0; i < network->graph.param_count; i++)
    if (network->grad_views) calls->buffer_free(network->grad_views[i]);
  dg_network_fold_release(network);
  dg_network_slices_release(network);
  calls->buffer_free(network->arena);
  if (!network->owner) calls->buffer_free(network->parameters);
  calls->buffer_free(network->gradients);
  free(network->blocks);
  free(network->views);
  free(network->param_views);
  free(network->grad_views);
}
