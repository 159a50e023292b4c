#include "core/network/outline.h"

#include <stdlib.h>

#include "core/network/internal.h"

/* ---- a device that can fuse nothing ------------------------------------- */

static bool supports_nothing(const dg_device *device, const dg_op_desc *desc) {
  (void)device, (void)desc;
  return false;
}

static void free_no_buffer(dg_buffer *buffer) {
  (void)buffer;
}

static void free_no_op(dg_op *op) {
  (void)op;
}

static const dg_device_calls calls = {
    .supports = supports_nothing, .op_free = free_no_op, .buffer_free = free_no_buffer};
static const dg_device nowhere = {.calls = &calls, .backend = "none", .info.alignment = 64};

/* ---- the outline -------------------------------------------------------- */

static dg_outline_node node_of(const dg_node *node) {
  dg_outline_node n = {.layer = node->layer,
                       .op = node->plan.op,
                       .inputs = node->inputs,
                       .out = node->out,
                       .shape = node->plan.out,
                       .params = node->plan.params,
                       .states = node->plan.states,
                       .first_param = node->first_param,
                       .first_state = node->first_state};
  for (uint32_t i = 0; i < node->inputs; i++) n.in[i] = node->in[i];
  return n;
}

static bool find_images(dg_outline *outline, const dg_model *model, dg_error *err) {
  const dg_shape **of = calloc(outline->tensor_count, sizeof *of);
  if (!of) return dg_fail_memory(err, outline->tensor_count * sizeof *of);
  if (model->input.rank == 3) of[0] = &model->input;
  for (uint32_t i = 0; i < outline->node_count; i++) {
    dg_outline_node *node = &outline->nodes[i];
    node->image = of[node->in[0]];
    if (node->shape.rank == 3)
      of[node->out] = &node->shape;
    else if (dg_op_row_of(node->op.kind)->keeps_places)
      of[node->out] = node->image;
  }
  free(of);
  return true;
}

bool dg_outline_make(dg_outline *outline, const dg_model *model, dg_error *err) {
  *outline = (dg_outline){.network = calloc(1, sizeof *outline->network)};
  dg_network *network = outline->network;
  if (!network) return dg_fail_memory(err, sizeof *network);
  network->device = (dg_device *)&nowhere; /* its calls don't write to it */
  network->max_n = 1;
  network->train = true; /* else batch norms would be folded */
  bool right = dg_network_lower(network, model, err);
  if (right) {
    outline->nodes = calloc(network->node_count, sizeof *outline->nodes);
    right = outline->nodes || dg_fail_memory(err, network->node_count * sizeof *outline->nodes);
  }
  if (!right) return dg_outline_free(outline), false;
  outline->node_count = network->node_count;
  outline->tensor_count = network->tensor_count;
  outline->output = network->output;
  outline->input = model->input;
  outline->param_count = dg_network_param_list(network, &outline->params);
  for (uint32_t i = 0; i < network->node_count; i++)
    outline->nodes[i] = node_of(&network->nodes[i]);
  if (find_images(outline, model, err)) return true;
  return dg_outline_free(outline), false;
}

void dg_outline_free(dg_outline *outline) {
  free(outline->nodes);
  dg_network_free(outline->network);
  *outline = (dg_outline){0};
}
