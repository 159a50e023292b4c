/** What the ops of a network cost: counted from their descriptions. */
#include <stdio.h>

#include "core/network/internal.h"

/**
 * Operations of one sample forward: of the op itself; of these, those on a state within it, whose
 * gradient is wanted even where no input's is; and those of what is fused to its end.
 */
typedef struct {
  double own, within, fused;
} op_count;

/** Operations of what is fused behind the activation of an op whose output has so many numbers. */
static double count_fused(dg_op_desc op, double outputs) {
  const uint32_t *pool = dg_network_pool(&op);
  const dg_drop *drop = dg_network_drop(&op);
  return (pool ? outputs * *pool * *pool : 0) + (drop && drop->rate > 0 ? outputs : 0);
}

/** Those of a sum for each place where the filters stand. */
static double count_conv2d(const dg_conv2d_desc *c) {
  double sums = (double)c->filters * dg_window_out(c->height, c->kernel_h, c->stride_h, c->pad_h) *
                dg_window_out(c->width, c->kernel_w, c->stride_w, c->pad_w);
  return 2 * sums * c->channels * c->kernel_h * c->kernel_w;
}

/** Two for every product of a sum, one for every number of an element-wise op; a fused activation
    is not counted. */
static op_count count_operations(const dg_op_desc *op, double outputs) {
  double fused = count_fused(*op, outputs);
  switch (op->kind) {
  case DG_OP_LINEAR:
    return (op_count){2.0 * op->linear.in * op->linear.out, 0, fused};
  case DG_OP_CONV2D:
    return (op_count){count_conv2d(&op->conv2d), 0, fused};
  case DG_OP_CONV1D:
    return (op_count){2.0 * outputs * op->conv1d.in * op->conv1d.kernel, 0, 0};
  case DG_OP_RECURRENT: {
    const dg_recurrent_desc *r = &op->recurrent;
    double rows = (r->bidirectional ? 2.0 : 1.0) * dg_cell_gates(r->cell) * r->hidden;
    double a_column = 2 * rows * r->steps;
    return (op_count){a_column * (r->in + r->hidden), a_column * r->hidden, 0};
  }
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D:
    return (op_count){outputs * op->pool2d.kernel_h * op->pool2d.kernel_w, 0, 0};
  case DG_OP_CHW_TO_HWC:
    return (op_count){0, 0, 0};
  default:
    return (op_count){outputs, 0, 0};
  }
}

static double param_bytes(const dg_network *network, const dg_node *node) {
  double count = 0;
  for (uint32_t i = 0; i < node->plan.params; i++)
    count += network->params[node->first_param + i].count;
  return count * sizeof(float);
}

static double tensor_bytes(const dg_network *network, uint32_t tensor) {
  return (double)network->tensors[tensor].count * network->max_n * sizeof(float);
}

/** The bytes of all inputs, and what backward does to their gradients. */
static void count_inputs(const dg_network *network, const dg_node *node, double *values,
                         double *gradients) {
  *values = *gradients = 0;
  for (uint32_t k = 0; k < node->inputs; k++) {
    double bytes = tensor_bytes(network, node->in[k]);
    dg_grad_mode mode = node->plan.op.d_in[k];
    *values += bytes;
    *gradients += mode == DG_GRAD_ADD ? 2 * bytes : mode == DG_GRAD_WRITE ? bytes : 0;
  }
}

dg_node_cost dg_network_cost(const dg_network *network, uint32_t op) {
  const dg_node *node = &network->nodes[op];
  const dg_op_needs *needs = &node->needs;
  op_count count = count_operations(&node->plan.op, network->tensors[node->out].count);
  double params = param_bytes(network, node), out = tensor_bytes(network, node->out);
  double in, d_in, kept = network->train ? (double)needs->kept : 0;
  count_inputs(network, node, &in, &d_in);
  dg_node_cost cost = {.forward_operations = count.own + count.fused,
                       .forward_bytes = in + params + out + kept};
  if (!node->wants_backward) return cost;
  cost.backward_operations =
      (node->plan.params ? count.own : 0) + (d_in > 0 ? count.own : count.within) + count.fused;
  cost.backward_bytes = out + 2 * params + kept + d_in + (needs->backward_reads_in ? in : 0) +
                        (needs->backward_reads_out ? out : 0);
  return cost;
}

uint32_t dg_network_ops(const dg_network *network) {
  return network->node_count;
}

const char *dg_network_op_layer(const dg_network *network, uint32_t op) {
  return network->nodes[op].layer->name;
}

void dg_network_op_text(const dg_network *network, uint32_t op, char *text) {
  static const char *const acts[] = {"", " + relu", " + leaky_relu", " + sigmoid", " + tanh"};
  const dg_node *node = &network->nodes[op];
  dg_op_desc desc = node->plan.op;
  const dg_act *act = dg_network_act(&desc);
  const uint32_t *pool = dg_network_pool(&desc);
  const dg_drop *drop = dg_network_drop(&desc);
  snprintf(text, DG_COST_NAME, "%s%s%s%s%s", node->layer->kind->type, act ? acts[act->kind] : "",
           pool && *pool ? " + maxpool2d" : "", drop && drop->rate > 0 ? " + dropout" : "",
           node->moments ? " + moments" : "");
}

bool dg_network_op_times(const dg_network *network, uint32_t op, dg_op_times *times,
                         dg_error *err) {
  return network->device->calls->times(network->nodes[op].op, times, err);
}
