/** Costs of the ops of a network, computed from their descriptions. */
#include "core/exec/internal.h"
#include "core/op/fuse.h"
#include "core/op/operations.h"
#include "digits/bench.h"

static double param_bytes(const dg_network *network, const dg_node *node) {
  double count = 0;
  for (uint32_t i = 0; i < node->plan.params; i++)
    count += network->graph.params[node->first_param + i].count;
  return count * sizeof(float);
}

static double tensor_bytes(const dg_network *network, uint32_t tensor) {
  return (double)network->graph.tensors[tensor].count * network->max_n * sizeof(float);
}

/** The bytes of all inputs, and those of their gradients in backward. */
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
  const dg_node *node = &network->graph.nodes[op];
  const dg_op_needs *needs = &network->needs[op];
  double params = param_bytes(network, node), out = tensor_bytes(network, node->out);
  double in, d_in, saved = network->train ? (double)needs->saved : 0;
  count_inputs(network, node, &in, &d_in);
  dg_node_cost cost = {.forward_operations = dg_op_forward_operations(&node->plan.op),
                       .forward_bytes = in + params + out + saved};
  if (!node->wants_backward) return cost;
  cost.backward_operations = dg_op_backward_operations(&node->plan.op);
  cost.backward_bytes = out + 2 * params + saved + d_in + (needs->backward_reads_in ? in : 0) +
                        (needs->backward_reads_out ? out : 0);
  return cost;
}

uint32_t dg_network_ops(const dg_network *network) {
  return network->graph.node_count;
}

const char *dg_network_op_layer(const dg_network *network, uint32_t op) {
  return network->graph.nodes[op].layer->name;
}

void dg_network_op_text(const dg_network *network, uint32_t op, char *text) {
  const dg_node *node = &network->graph.nodes[op];
  const char *own = node->layer->kind->type;
  dg_op_text(&node->plan.op, node->beside ? dg_op_name(node->plan.op.kind) : own, text,
             DG_COST_NAME);
}

bool dg_network_op_times(const dg_network *network, uint32_t op, dg_op_times *times,
                         dg_error *err) {
  return network->device->calls->times(network->ops[op].op, times, err);
}
