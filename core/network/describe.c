/** A network in words: layers, shapes, parameters, operations and memory. */
#include <stdio.h>
#include <stdlib.h>

#include "core/network/internal.h"
#include "core/support/writer.h"

/** Operations of what is fused behind the activation of an op whose output has `count` numbers. */
static double fused_operations(dg_op_desc op, uint32_t count) {
  const uint32_t *pool = dg_network_pool(&op);
  const dg_drop *drop = dg_network_drop(&op);
  return (pool ? (double)count * *pool * *pool : 0) + (drop && drop->rate > 0 ? count : 0);
}

/**
 * Floating-point operations of one sample forward by the direct method: two for every product of
 * a sum, one for every number of an element-wise op; a fused activation is not counted.
 */
static double operations(const dg_node *node, const dg_tensor *out) {
  const dg_op_desc *op = &node->plan.op;
  double fused = fused_operations(*op, out->count);
  switch (op->kind) {
  case DG_OP_LINEAR:
    return fused + 2.0 * op->linear.in * op->linear.out;
  case DG_OP_CONV2D: {
    const dg_conv2d_desc *c = &op->conv2d;
    double sums = (double)c->filters *
                  dg_window_out(c->height, c->kernel_h, c->stride_h, c->pad_h) *
                  dg_window_out(c->width, c->kernel_w, c->stride_w, c->pad_w);
    return fused + 2 * sums * c->channels * c->kernel_h * c->kernel_w;
  }
  case DG_OP_CONV1D:
    return 2.0 * out->count * op->conv1d.in * op->conv1d.kernel;
  case DG_OP_RECURRENT: {
    const dg_recurrent_desc *r = &op->recurrent;
    double rows = (r->bidirectional ? 2.0 : 1.0) * dg_cell_gates(r->cell) * r->hidden;
    return 2 * rows * r->steps * (r->in + r->hidden);
  }
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D:
    return (double)out->count * op->pool2d.kernel_h * op->pool2d.kernel_w;
  case DG_OP_CHW_TO_HWC:
    return 0;
  default:
    return out->count;
  }
}

static uint64_t params_of(const dg_network *network, const dg_node *node) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < node->plan.params; i++)
    count += network->params[node->first_param + i].count;
  return count;
}

/** The type of a node's layer, and what is fused to its end. */
static void write_op(const dg_node *node, char *text, size_t room) {
  static const char *const acts[] = {"", " + relu", " + leaky_relu", " + sigmoid", " + tanh"};
  dg_op_desc op = node->plan.op;
  const dg_act *act = dg_network_act(&op);
  const uint32_t *pool = dg_network_pool(&op);
  const dg_drop *drop = dg_network_drop(&op);
  snprintf(text, room, "%s%s%s%s", node->layer->kind->type, act ? acts[act->kind] : "",
           pool && *pool ? " + maxpool2d" : "", drop && drop->rate > 0 ? " + dropout" : "");
}

static void describe_nodes(const dg_network *network, dg_writer *w) {
  double total = 0;
  dg_write(w, "%-14s %-36s %-16s %12s %14s\n", "layer", "op", "output", "parameters", "operations");
  for (uint32_t i = 0; i < network->node_count; i++) {
    const dg_node *node = &network->nodes[i];
    double count = operations(node, &network->tensors[node->out]);
    char shape[64], op[64];
    write_op(node, op, sizeof op);
    dg_write(w, "%-14s %-36s %-16s %12llu %14.0f\n", node->layer->name, op,
             dg_shape_text(&node->plan.out, shape, sizeof shape),
             (unsigned long long)params_of(network, node), count);
    total += count;
  }
  dg_write(w, "%-68s %12llu %14.0f\n", "in all",
           (unsigned long long)dg_network_parameter_count(network), total);
}

static double mebibytes(size_t bytes) {
  return (double)bytes / (1 << 20);
}

/** What all blocks of the arena would take side by side. */
static size_t unshared(const dg_network *network) {
  size_t sum = 0;
  for (uint32_t t = 0; t < network->tensor_count; t++) {
    const dg_tensor *tensor = &network->tensors[t];
    size_t bytes = (size_t)tensor->count * network->max_n * sizeof(float);
    sum += (tensor->value ? bytes : 0) + (tensor->grad ? bytes : 0);
  }
  for (uint32_t i = 0; i < network->node_count; i++) {
    const dg_op_needs *needs = &network->nodes[i].op->needs;
    sum += needs->forward_workspace;
    if (network->train) sum += needs->kept + needs->backward_workspace;
  }
  return sum;
}

static void describe_memory(const dg_network *network, dg_writer *w) {
  size_t params = network->floats * sizeof(float);
  dg_write(w, "\n%s, %u samples a step, on the device\n", network->train ? "training" : "testing",
           network->max_n);
  dg_write(w, "  parameters                              %10.2f MiB\n", mebibytes(params));
  if (network->train)
    dg_write(w, "  gradients                               %10.2f MiB\n",
             mebibytes(network->learned * sizeof(float)));
  dg_write(w, "  activations, gradients and workspaces   %10.2f MiB (%.2f without sharing)\n",
           mebibytes(network->arena_size), mebibytes(unshared(network)));
}

/** Builds a network, describes it as `what` says, and drops it. */
static bool describe_built(const dg_model *model, dg_device *device, bool train, dg_writer *w,
                           dg_error *err) {
  dg_network *network = dg_network_build(model, device, model->train.batch, train, err);
  if (!network) return false;
  if (train) describe_nodes(network, w);
  describe_memory(network, w);
  dg_network_free(network);
  return true;
}

bool dg_describe(const dg_model *model, dg_device *device, char *text, size_t room, size_t *length,
                 dg_error *err) {
  dg_writer w = {text, room, 0};
  char shape[64];
  dg_write(&w, "%s: input %s, batch %u, on %s: %s\n\n", model->name,
           dg_shape_text(&model->input, shape, sizeof shape), model->train.batch, device->backend,
           device->info.name);
  bool right =
      describe_built(model, device, true, &w, err) && describe_built(model, device, false, &w, err);
  *length = w.used;
  return right;
}
