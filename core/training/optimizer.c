/** The optimizer and the moving average of the parameters, for all parameters at once. */
#include <stdlib.h>

#include "core/training/trainer.h"

/** What the recipe says of the optimizer. */
static dg_update_desc describe(const dg_trainer *t) {
  const dg_optimizer_recipe *o = &t->model->train.optimizer;
  return (dg_update_desc){.kind = o->kind,
                          .momentum = (float)o->momentum,
                          .nesterov = o->nesterov,
                          .beta1 = (float)o->beta1,
                          .beta2 = (float)o->beta2,
                          .rho = (float)o->rho,
                          .eps = (float)o->eps,
                          .weight_decay = (float)o->weight_decay,
                          .decoupled = o->decoupled,
                          .clip_norm = (float)t->model->train.clip_norm,
                          .alpha = (float)o->alpha,
                          .centered = o->centered};
}

uint32_t dg_trainer_state_arrays(const dg_trainer *t) {
  const dg_update_desc desc = describe(t);
  return dg_update_arrays(&desc);
}

static bool bind(dg_trainer *t, dg_bound_op *bound, const char *name, const dg_op_desc *desc,
                 dg_error *err) {
  return dg_bound_prepare(bound, t->device, name, desc, t->model->train.batch, true, err);
}

static bool new_buffer(dg_trainer *t, size_t bytes, dg_buffer **out, dg_error *err) {
  return (*out = dg_trainer_calls(t)->buffer_new(t->device, bytes, err)) != NULL;
}

/** Lists where each learned parameter ends; the trainer owns the list. */
static bool list_ends(dg_trainer *t, dg_update_desc *update, dg_error *err) {
  const dg_param *param;
  uint32_t params = dg_network_param_list(t->network, &param);
  t->bounds = malloc(params * sizeof *t->bounds);
  if (!t->bounds) return dg_fail_memory(err, params * sizeof *t->bounds);
  for (uint32_t i = 0; i < params && param[i].offset < update->count; i++)
    t->bounds[update->params++] = i + 1 < params ? param[i + 1].offset : update->count;
  update->param_ends = t->bounds;
  return true;
}

static bool open_update(dg_trainer *t, dg_error *err) {
  uint32_t floats = dg_network_learned(t->network), arrays = dg_trainer_state_arrays(t);
  static const uint32_t no_fault[2] = {0, UINT32_MAX};
  dg_op_desc desc = {.kind = DG_OP_UPDATE, .update = describe(t)};
  desc.update.count = floats;
  if ((arrays && !new_buffer(t, (size_t)arrays * floats * sizeof(float), &t->state, err)) ||
      !new_buffer(t, sizeof no_fault, &t->fault, err) ||
      !dg_trainer_calls(t)->write(t->fault, 0, no_fault, sizeof no_fault, err) ||
      !list_ends(t, &desc.update, err) || !bind(t, &t->update, "update", &desc, err))
    return false;
  t->update.buffers.in[0] = dg_network_gradients(t->network);
  t->update.buffers.out[0] = dg_network_parameters(t->network);
  t->update.buffers.out[1] = t->state;
  t->update.buffers.out[2] = t->fault;
  return true;
}

static bool open_average(dg_trainer *t, dg_error *err) {
  if (t->model->train.average == 0.0) return true;
  uint32_t floats = dg_network_learned(t->network);
  dg_op_desc desc = {.kind = DG_OP_AVERAGE, .average = {.count = floats}};
  if (!new_buffer(t, floats * sizeof(float), &t->averaged, err) ||
      !bind(t, &t->average, "average", &desc, err))
    return false;
  t->average.buffers.in[0] = dg_network_parameters(t->network);
  t->average.buffers.out[0] = t->averaged;
  return true;
}

bool dg_trainer_open_optimizer(dg_trainer *t, dg_error *err) {
  return open_update(t, err) && open_average(t, err);
}

bool dg_trainer_start_optimizer(dg_trainer *t, dg_error *err) {
  size_t bytes = dg_network_learned(t->network) * sizeof(float);
  size_t arrays = dg_trainer_state_arrays(t);
  return (!t->state || dg_trainer_calls(t)->fill(t->state, 0, 0, arrays * bytes, err)) &&
         (!t->averaged || dg_trainer_calls(t)->copy(dg_network_parameters(t->network), 0,
                                                    t->averaged, 0, bytes, err));
}
