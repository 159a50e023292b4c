/** The costs of a trainer's step: the network's ops and those around them. */
#include <stdio.h>

#include "core/base/sized.h"
#include "core/training/trainer.h"
#include "digits/bench.h"

/** Costs that are being listed. */
typedef struct {
  dg_trainer *trainer;
  dg_cost *out;
  size_t size, capacity, count;
  uint32_t slices; /**< of a step: ops over samples run once per slice */
} cost_list;

/** Adds an op that runs `slices` times in a step. */
static void add(cost_list *list, const dg_cost *cost, const dg_op_times *times, uint32_t slices) {
  if (list->count < list->capacity) {
    dg_cost whole = *cost;
    whole.forward_bytes *= slices;
    whole.backward_bytes *= slices;
    whole.forward_seconds = times->forward;
    whole.backward_seconds = times->backward;
    whole.forward_runs = times->forward_runs / slices;
    whole.backward_runs = times->backward_runs / slices;
    dg_sized_give(list->out, list->size, list->count, &whole, sizeof whole);
  }
  list->count++;
}

/** Adds an op around the layers; one that isn't prepared is skipped. */
static bool add_step_op(cost_list *list, const dg_bound_op *bound, const char *name, double bytes,
                        uint32_t slices, dg_error *err) {
  dg_op_times times;
  dg_cost cost = {.forward_bytes = bytes};
  if (!bound->op) return true;
  if (!dg_trainer_calls(list->trainer)->times(bound->op, &times, err)) return false;
  snprintf(cost.layer, sizeof cost.layer, "%s", name);
  snprintf(cost.op, sizeof cost.op, "%s", name);
  add(list, &cost, &times, slices);
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
    add(list, &cost, &times, list->slices);
  }
  return true;
}

/** Samples are read as they are stored, and written as 32-bit numbers. */
static double gather_bytes(const dg_trainer *t) {
  const dg_sample_kind *kind = &t->data->train.kind;
  double read = (double)dg_input_bytes(kind) + (double)dg_trainer_target_bytes(t);
  double numbers = (double)dg_shape_count(&kind->shape) + dg_trainer_target_numbers(t);
  return dg_network_samples(t->network) * (read + numbers * sizeof(float));
}

/** The logits are read; in training their gradient is written. */
static double loss_bytes(const dg_trainer *t) {
  double logits = (double)dg_network_samples(t->network) * dg_network_outputs(t->network);
  return (t->test_only ? 1 : 2) * logits * sizeof(float);
}

bool dg_trainer_costs(dg_trainer *t, dg_cost *out, size_t size, size_t capacity, size_t *count,
                      dg_error *err) {
  cost_list list = {.trainer = t,
                    .out = out,
                    .size = size,
                    .capacity = capacity,
                    .slices = dg_trainer_step_slices(t)};
  double learned = (double)dg_network_learned(t->network) * sizeof(float);
  double update = learned * (1 + 2.0 * (1 + dg_trainer_state_arrays(t)));
  bool ok = add_step_op(&list, &t->batch_ops->gather.bound, "gather", gather_bytes(t), list.slices,
                        err) &&
            add_layers(&list, err) &&
            add_step_op(&list, &t->batch_ops->loss, "loss", loss_bytes(t), list.slices, err) &&
            add_step_op(&list, &t->update, "update", update, 1, err) &&
            add_step_op(&list, &t->average, "average", 3 * learned, 1, err);
  *count = list.count;
  return ok;
}

uint32_t dg_trainer_batch_size(const dg_trainer *t) {
  return t->test_only ? t->model->train.batch : dg_trainer_step_samples(t);
}

static uint64_t workspace(const dg_bound_op *bound) {
  return bound->op ? bound->op->needs.forward_workspace : 0;
}

uint64_t dg_trainer_memory(const dg_trainer *t) {
  uint64_t targets =
      (uint64_t)t->instances * dg_network_samples(t->network) * dg_trainer_target_numbers(t);
  uint64_t numbers = targets + 2 * (uint64_t)t->metrics.slots; /* losses, correct counts */
  uint64_t bytes = dg_network_bytes(t->network) + workspace(&t->update) + workspace(&t->average);
  bytes += t->instances * (workspace(&t->batch_ops->gather.bound) + workspace(&t->batch_ops->loss));
  if (t->class_weights) numbers += dg_network_outputs(t->network);
  if (!t->test_only) {
    uint64_t arrays = dg_trainer_state_arrays(t) + (t->averaged ? 1 : 0);
    numbers += arrays * dg_network_learned(t->network);
    if (t->best) numbers += dg_network_floats(t->network);
    bytes += dg_trainer_set_bytes(t, t->source.slots, t->source.capacity);
  }
  return bytes + numbers * sizeof(float);
}
