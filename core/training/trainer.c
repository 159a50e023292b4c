/** The trainer: one loop for every network, on every device. Here it is set up. */
#include "core/training/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/data/classes.h"
#include "core/training/gather.h"
#include "core/weights/weights.h"

/** The layer whose units are the network's outputs. */
static const char *output_name(const dg_model *model) {
  for (uint32_t i = model->layer_count; i-- > 0;)
    if (strcmp(model->layers[i].kind->type, "linear") == 0) return model->layers[i].name;
  return "LAYER";
}

bool dg_trainer_fits(const dg_trainer *t, const dg_samples *samples, uint32_t classes,
                     dg_error *err) {
  const dg_model *model = t->model;
  const dg_shape *in = &model->input;
  uint32_t h = samples->height, w = samples->width, outputs = dg_network_outputs(t->network);
  bool right = dg_shape_count(in) == (uint64_t)h * w;
  if (in->rank == 3) right = in->dim[0] == 1 && in->dim[1] == h && in->dim[2] == w;
  char text[64];
  if (!right)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the input is %s, but the images are of %ux%u: --set input=[1,%u,%u]",
                   model->path, dg_shape_text(in, text, sizeof text), h, w, h, w);
  return classes <= outputs ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: the last layer has %u outputs, but the labels go to %u: --set %s.units=%u",
                 model->path, outputs, classes - 1, output_name(model), classes);
}

bool dg_trainer_same_classes(const dg_classes *learned, const dg_dataset *data, const char *where,
                             dg_error *err) {
  const dg_classes *names = &data->names;
  uint32_t label = dg_classes_differ(learned, names);
  if (label >= learned->count || label >= names->count) return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%.300s: class %u is \"%s\", but \"%s\" in %.300s; a test needs the classes "
                 "that were learned",
                 where, label, learned->name[label], names->name[label], data->source);
}

/** Splits off the validation samples by the seed, and counts the steps of an epoch. */
static bool split(dg_trainer *t, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  uint32_t count = t->data->train.count;
  t->validation_count = t->model->data.validation;
  if (t->validation_count >= count)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: validation = %u leaves nothing of %u samples to train on", t->model->path,
                   t->validation_count, count);
  t->train_count = count - t->validation_count;
  uint64_t steps = recipe->steps ? recipe->steps
                                 : ((uint64_t)t->train_count + recipe->batch - 1) / recipe->batch;
  uint64_t places = recipe->steps ? steps * recipe->batch : t->train_count;
  if (places > UINT32_MAX / sizeof(uint32_t))
    return dg_fail(err, DG_ERR_INPUT, "%s: steps * batch is too large", t->model->path);
  t->steps = (uint32_t)steps;
  t->members = malloc(count * sizeof *t->members);
  /* room for the permutation that passes the end, see order_epoch */
  t->order = malloc((places + t->train_count) * sizeof *t->order);
  if (!t->members || !t->order) return dg_fail_memory(err, places * sizeof *t->order);
  if (t->validation_count)
    dg_shuffled(t->members, count, t->seed, dg_stream(DG_STREAM_SPLIT, 0), 0, 0);
  else
    for (uint32_t i = 0; i < count; i++) t->members[i] = i;
  uint32_t room = places > t->validation_count ? (uint32_t)places : t->validation_count;
  return dg_feed_open(&t->feed, t->device, &t->data->train, room, err);
}

/** Prepares a step op and its workspace; `what` is for messages. */
static bool prepare(dg_trainer *t, dg_step_op *s, const char *what, const dg_op_desc *desc,
                    dg_error *err) {
  if (!dg_trainer_calls(t)->supports(t->device, desc))
    return dg_fail(err, DG_ERR_UNSUPPORTED, "the %s device \"%s\" can't run the %s op",
                   t->device->backend, t->device->info.name, what);
  s->op = dg_trainer_calls(t)->prepare(t->device, desc, t->model->train.batch, true, err);
  if (!s->op) return dg_fail_prefix(err, "%s", what);
  size_t bytes = s->op->needs.forward_workspace;
  if (bytes) s->workspace = dg_trainer_calls(t)->buffer_new(t->device, bytes, err);
  s->buffers.workspace = s->workspace;
  return bytes == 0 || s->workspace;
}

static bool new_buffer(dg_trainer *t, size_t bytes, dg_buffer **out, dg_error *err) {
  return (*out = dg_trainer_calls(t)->buffer_new(t->device, bytes, err)) != NULL;
}

static bool prepare_gather(dg_trainer *t, dg_error *err) {
  const dg_samples *samples = &t->data->train;
  dg_op_desc desc = dg_gather_describe(t->model, samples->height, samples->width);
  if (!new_buffer(t, t->model->train.batch * sizeof(uint32_t), &t->labels, err) ||
      !prepare(t, &t->gather, "gather", &desc, err))
    return false;
  t->gather.buffers.out[0] = dg_network_input(t->network);
  t->gather.buffers.out[1] = t->labels;
  return true;
}

static bool prepare_loss(dg_trainer *t, dg_error *err) {
  dg_op_desc desc = {.kind = DG_OP_LOSS,
                     .loss = {.kind = (dg_loss_kind)t->model->loss,
                              .classes = dg_network_outputs(t->network),
                              .smoothing = (float)t->model->train.label_smoothing}};
  if (!prepare(t, &t->loss, "loss", &desc, err)) return false;
  t->loss.buffers.in[0] = dg_network_output(t->network);
  t->loss.buffers.in[1] = t->labels;
  t->loss.buffers.out[0] = dg_network_d_output(t->network);
  t->loss.buffers.out[1] = t->meter.losses;
  t->loss.buffers.out[2] = t->meter.correct;
  return true;
}

uint32_t dg_trainer_state_arrays(const dg_trainer *t) {
  const dg_optimizer_recipe *recipe = &t->model->train.optimizer;
  if (recipe->kind == DG_SGD) return recipe->momentum > 0.0;
  return 2;
}

/** Says where each learned parameter ends; the trainer keeps the list. */
static bool tell_ends(dg_trainer *t, dg_update_desc *update, dg_error *err) {
  const dg_param *param;
  uint32_t params = dg_network_param_list(t->network, &param);
  t->ends = malloc(params * sizeof *t->ends);
  if (!t->ends) return dg_fail_memory(err, params * sizeof *t->ends);
  for (uint32_t i = 0; i < params && param[i].offset < update->count; i++)
    t->ends[update->parts++] = i + 1 < params ? param[i + 1].offset : update->count;
  update->ends = t->ends;
  return true;
}

static bool prepare_update(dg_trainer *t, dg_error *err) {
  const dg_optimizer_recipe *o = &t->model->train.optimizer;
  uint32_t floats = dg_network_learned(t->network), arrays = dg_trainer_state_arrays(t);
  static const uint32_t no_fault[2] = {0, UINT32_MAX};
  dg_op_desc desc = {.kind = DG_OP_UPDATE,
                     .update = {.kind = o->kind,
                                .count = floats,
                                .momentum = (float)o->momentum,
                                .nesterov = o->nesterov,
                                .beta1 = (float)o->beta1,
                                .beta2 = (float)o->beta2,
                                .rho = (float)o->rho,
                                .eps = (float)o->eps,
                                .weight_decay = (float)o->weight_decay,
                                .decoupled = o->decoupled,
                                .clip_norm = (float)t->model->train.clip_norm}};
  if ((arrays && !new_buffer(t, (size_t)arrays * floats * sizeof(float), &t->state, err)) ||
      !new_buffer(t, sizeof no_fault, &t->fault, err) ||
      !dg_trainer_calls(t)->write(t->fault, 0, no_fault, sizeof no_fault, err) ||
      !tell_ends(t, &desc.update, err) || !prepare(t, &t->update, "update", &desc, err))
    return false;
  t->update.buffers.in[0] = dg_network_gradients(t->network);
  t->update.buffers.out[0] = dg_network_parameters(t->network);
  t->update.buffers.out[1] = t->state;
  t->update.buffers.out[2] = t->fault;
  return true;
}

static bool prepare_average(dg_trainer *t, dg_error *err) {
  if (t->model->train.average == 0.0) return true;
  uint32_t floats = dg_network_learned(t->network);
  dg_op_desc desc = {.kind = DG_OP_AVERAGE, .average = {.count = floats}};
  if (!new_buffer(t, floats * sizeof(float), &t->averaged, err) ||
      !prepare(t, &t->average, "average", &desc, err))
    return false;
  t->average.buffers.in[0] = dg_network_parameters(t->network);
  t->average.buffers.out[0] = t->averaged;
  return true;
}

static bool set_up(dg_trainer *t, dg_error *err) {
  t->network = dg_network_build(t->model, t->device, t->model->train.batch, !t->test_only, err);
  if (!t->network || !dg_trainer_fits(t, &t->data->train, t->data->classes, err)) return false;
  if (!dg_meter_open(&t->meter, t->device, err) || !prepare_gather(t, err) ||
      !prepare_loss(t, err) || !dg_network_initialize(t->network, t->seed, err))
    return false;
  if (t->test_only) return true;
  size_t bytes = dg_network_floats(t->network) * sizeof(float);
  return split(t, err) && prepare_update(t, err) && prepare_average(t, err) &&
         (!t->validation_count || new_buffer(t, bytes, &t->best, err));
}

static bool keep_path(dg_trainer *t, const dg_trainer_options *options, dg_error *err) {
  if (!options->state)
    return !options->resume ||
           dg_fail(err, DG_ERR_INPUT, "a run can't go on without the file of its state");
  t->state_path = strdup(options->state);
  dg_trainer_prepare_state(t);
  return t->state_path || dg_fail_memory(err, strlen(options->state));
}

dg_trainer *dg_trainer_new(const dg_model *model, dg_device *device, const dg_dataset *data,
                           const dg_trainer_options *options, dg_error *err) {
  dg_trainer *t = calloc(1, sizeof *t);
  if (!t) return dg_fail_memory(err, sizeof *t), NULL;
  t->model = model;
  t->device = device;
  t->data = data;
  t->seed = options->seed;
  t->test_only = options->test_only;
  t->listener = options->listener;
  t->at.best_accuracy = -1;
  if (keep_path(t, options, err) && set_up(t, err) &&
      (!options->resume || dg_trainer_take_state(t, err)))
    return t;
  dg_trainer_free(t);
  return NULL;
}

static void release(dg_trainer *t, dg_step_op *s) {
  dg_trainer_calls(t)->op_free(s->op);
  dg_trainer_calls(t)->buffer_free(s->workspace);
}

void dg_trainer_free(dg_trainer *t) {
  if (!t) return;
  dg_trainer_calls(t)->finish(t->device, NULL);
  release(t, &t->gather);
  release(t, &t->loss);
  release(t, &t->update);
  release(t, &t->average);
  dg_trainer_calls(t)->buffer_free(t->labels);
  dg_trainer_calls(t)->buffer_free(t->state);
  dg_trainer_calls(t)->buffer_free(t->averaged);
  dg_trainer_calls(t)->buffer_free(t->best);
  dg_trainer_calls(t)->buffer_free(t->fault);
  dg_meter_close(&t->meter);
  dg_feed_close(&t->feed);
  dg_network_free(t->network);
  free(t->members);
  free(t->order);
  free(t->ends);
  free(t->state_path);
  free(t);
}

uint64_t dg_trainer_parameters(const dg_trainer *t) {
  return dg_network_parameter_count(t->network);
}

uint32_t dg_trainer_outputs(const dg_trainer *t) {
  return dg_network_outputs(t->network);
}

uint32_t dg_trainer_train_samples(const dg_trainer *t) {
  return t->train_count;
}

uint32_t dg_trainer_validation_samples(const dg_trainer *t) {
  return t->validation_count;
}

bool dg_save(dg_trainer *t, const char *path, dg_error *err) {
  return dg_weights_save(t->network, t->model, &t->data->names, path, err);
}

bool dg_load(dg_trainer *t, const char *path, dg_error *err) {
  dg_classes learned;
  if (t->test_only && (!dg_classes_of_weights(&learned, path, err) ||
                       !dg_trainer_same_classes(&learned, t->data, path, err)))
    return false;
  return dg_weights_load(t->network, path, err);
}
