/**
 * In training, a batch norm that alone reads a convolution takes the moments of its channels from
 * the convolution, which gathers them while its results are in the cache (moments of conv2d and
 * batch_norm in core/op), where the device can.
 */
#include "core/network/internal.h"

/** Lets node `i`, if it is such a norm, take them. */
static void join_norm(dg_network *network, uint32_t i) {
  dg_node *norm = &network->nodes[i], *conv = dg_network_before(network, i);
  if (norm->plan.op.kind != DG_OP_BATCH_NORM || !conv || conv->plan.op.kind != DG_OP_CONV2D) return;
  dg_op_desc gives = conv->plan.op, takes = norm->plan.op;
  if (takes.batch_norm.rows != 1 || takes.batch_norm.channels != gives.conv2d.filters) return;
  gives.conv2d.moments = takes.batch_norm.moments = true;
  const dg_device *device = network->device;
  if (!device->calls->supports(device, &gives) || !device->calls->supports(device, &takes)) return;
  conv->plan.op = gives;
  norm->plan.op = takes;
  conv->moments = norm->in[norm->inputs++] = network->tensor_count++;
  network->tensors[conv->moments] = (dg_tensor){.count = 2 * gives.conv2d.filters,
                                                .producer = (uint32_t)(conv - network->nodes),
                                                .readers = 1};
}

void dg_network_join_moments(dg_network *network) {
  for (uint32_t i = 0; i < network->node_count; i++) join_norm(network, i);
}
