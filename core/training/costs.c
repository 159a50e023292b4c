/** What a trainer's step costs: its own ops around those of the network. */
#include <stdio.h>

#include "core/training/trainer.h"

/** Costs that are being listed. */
typedef struct {
  dg_trainer *trainer;
  dg_cost *out;
  size_t room, count;
} cost_list;

static void add(cost_list *list, const dg_cost *cost, const dg_op_times *times) {
  if (list->count < list->room) {
    dg_cost *out = &list->out[list->count];
    *out = *cost;
    out->forward_seconds = times->forward;
    out->backward_seconds = times->backward;
    out->forward_runs = times->forward_runs;
    out->backward_runs = times->backward_runs;
  }
  list->count++;
}

/** Adds an op around the layers; one that wasn't prepared costs nothing. */
static bool add_step_op(cost_list *list, const dg_bound_op *bound, const char *name, double bytes,
                        dg_error *err) {
  dg_op_times times;
  dg_cost cost = {.forward_bytes = bytes};
  if (!bound->op) return true;
  if (!dg_trainer_calls(list->trainer)->times(bound->op, &times, err)) return false;
  snprintf(cost.layer, sizeof cost.layer, "%s", name);
  snprintf(cost.op, sizeof cost.op, "%s", name);
  add(list, &cost, &times);
  return true;
}

static bool add_layers(cost_list *list, dg_error *err) {
  const dg_network *network = list->trainer->network;
  for (uint32_t i = 0; i < dg_network_ops(network); i++) {
    dg_op_times times;
    dg_node_cost counted = dg_network_cost(network, i);
    dg_cost cost = {.forward_operations = counted.forward_operations,
                    .backward_operations = counted.backward_operations,
                    .forward_bytes = counted.forward_bytes,
                    .backward_bytes = counted.backward_bytes};
    if (!dg_network_op_times(network, i, &times, err)) return false;
    snprintf(cost.layer, sizeof cost.layer, "%s", dg_network_op_layer(network, i));
    dg_network_op_text(network, i, cost.op);
    add(list, &cost, &times);
  }
  return true;
}

/** Pixels are read as bytes and written as numbers, labels alike. */
static double gather_bytes(const dg_trainer *t) {
  double pixels = (double)t->data->train.height * t->data->train.width;
  return t->model->train.batch * (pixels + 1) * (1 + sizeof(float));
}

/** The logits are read; in training their gradient is written. */
static double loss_bytes(const dg_trainer *t) {
  double logits = (double)t->model->train.batch * dg_network_outputs(t->network);
  return (t->test_only ? 1 : 2) * logits * sizeof(float);
}

bool dg_trainer_costs(dg_trainer *t, dg_cost *out, size_t room, size_t *count, dg_error *err) {
  cost_list list = {.trainer = t, .out = out, .room = room};
  double learned = (double)dg_network_learned(t->network) * sizeof(float);
  double update = learned * (1 + 2.0 * (1 + dg_trainer_state_arrays(t)));
  bool right = add_step_op(&list, &t->ends->gather.bound, "gather", gather_bytes(t), err) &&
               add_layers(&list, err) &&
               add_step_op(&list, &t->ends->loss, "loss", loss_bytes(t), err) &&
               add_step_op(&list, &t->update, "update", update, err) &&
               add_step_op(&list, &t->average, "average", 3 * learned, err);
  *count = list.count;
  return right;
}

uint32_t dg_trainer_batch(const dg_trainer *t) {
  return t->model->train.batch;
}

uint64_t dg_trainer_memory(const dg_trainer *t) {
  const dg_samples *samples = &t->data->train;
  const dg_bound_op *const ops[] = {&t->ends->gather.bound, &t->ends->loss, &t->update,
                                    &t->average};
  uint64_t numbers = dg_network_samples(t->network) +
                     2 * (uint64_t)t->meter.slots; /* labels, losses, right answers */
  uint64_t bytes = dg_network_bytes(t->network);
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (ops[i]->op) bytes += ops[i]->op->needs.forward_workspace;
  if (!t->test_only) {
    uint64_t arrays = dg_trainer_state_arrays(t) + (t->averaged ? 1 : 0);
    numbers += arrays * dg_network_learned(t->network) + t->source.places;
    if (t->best) numbers += dg_network_floats(t->network);
    bytes += (uint64_t)samples->count * ((uint64_t)samples->height * samples->width + 1);
  }
  return bytes + numbers * sizeof(float);
}
