/** Checks that a data set fits a trainer's model and classes. */
#include <string.h>

#include "core/base/text.h"
#include "core/data/classes.h"
#include "core/exec/restore.h"
#include "core/training/trainer.h"

/** The layer whose units are the network's outputs. */
static const char *output_name(const dg_model *model) {
  for (uint32_t i = model->layer_count; i-- > 0;)
    if (strcmp(model->layers[i].kind->type, "linear") == 0) return model->layers[i].name;
  return "LAYER";
}

/** A shape as an override takes it, without spaces. */
static char *override_text(const dg_shape *shape, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < shape->rank; i++)
    dg_append(text, capacity, "%s%u", i ? "," : "[", shape->dim[i]);
  dg_append(text, capacity, "]");
  return text;
}

static bool check_input(const dg_model *model, const dg_samples *samples, dg_error *err) {
  const dg_shape *shape = &samples->kind.shape;
  char input[64], kind[64], fits[64];
  return dg_gather_takes(&model->input, shape) ||
         dg_fail(err, DG_ERR_INPUT, "%s: the input is %s, but the %s are of %s: input=%s would fit",
                 model->path, dg_shape_text(&model->input, input, sizeof input),
                 shape->rank == 3 ? "images" : "samples",
                 dg_kind_text(&samples->kind, kind, sizeof kind),
                 override_text(shape, fits, sizeof fits)) ||
         dg_advise(err, DG_REMEDY_MODEL_KEY);
}

static bool check_classes(const dg_model *model, uint32_t outputs, uint32_t classes,
                          dg_error *err) {
  if (model->data.target_mean.count || model->data.target_std.count)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: data.target_mean and data.target_std scale targets, but the samples have "
                   "labels; leave them out",
                   model->path);
  return classes <= outputs ||
         dg_fail(
             err, DG_ERR_INPUT,
             "%s: the last layer has %u outputs, but the labels go to %u: %s.units=%u would fit",
             model->path, outputs, classes - 1, output_name(model), classes) ||
         dg_advise(err, DG_REMEDY_MODEL_KEY);
}

static bool check_targets(const dg_model *model, uint32_t outputs, uint32_t targets,
                          dg_error *err) {
  if (model->loss == DG_LOSS_CROSS_ENTROPY)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the loss is cross_entropy, which needs a label for each sample, but they "
                   "have targets: loss=\"mse\" would fit",
                   model->path) ||
           dg_advise(err, DG_REMEDY_MODEL_KEY);
  if (model->loss == DG_LOSS_BCE && dg_scales_targets(model))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the loss bce needs targets from 0 to 1, not scaled ones; leave out "
                   "data.targets, data.target_mean and data.target_std",
                   model->path);
  return targets == outputs ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: the last layer has %u outputs, but each sample has %u targets: %s.units=%u "
                 "would fit",
                 model->path, outputs, targets, output_name(model), targets) ||
         dg_advise(err, DG_REMEDY_MODEL_KEY);
}

/** Do samples have lengths only if the model knows them, and does its network leave something of
    each? */
static bool check_lengths(const dg_trainer *t, const dg_samples *samples, dg_error *err) {
  const dg_model *model = t->model;
  const uint32_t steps = model->input.dim[0];
  if (!samples->lengths) return true;
  if (!model->lengths)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the samples are sequences of unequal length, but the model takes all of "
                   "their steps: lengths=true would fit",
                   model->path) ||
           dg_advise(err, DG_REMEDY_MODEL_KEY);
  if (samples->kind.shape.dim[0] != steps)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the input is of %u steps, but the lengths of the samples are of %u",
                   model->path, steps, samples->kind.shape.dim[0]);
  return dg_network_check_lengths(t->network, steps, samples->lengths, 0, samples->count, err) ||
         dg_fail_prefix(err, "%s", model->path);
}

/** Is the output of a network that learns its input as large as it? */
static bool check_decoded(const dg_model *model, uint32_t outputs, dg_error *err) {
  const uint64_t inputs = dg_shape_count(&model->input);
  return outputs == inputs ||
         dg_fail(
             err, DG_ERR_INPUT,
             "%s: the input of %llu numbers is to be learned, but the last layer has %u outputs: "
             "%s.units=%llu would fit",
             model->path, (unsigned long long)inputs, outputs, output_name(model),
             (unsigned long long)inputs) ||
         dg_advise(err, DG_REMEDY_MODEL_KEY);
}

static bool check_words(const dg_trainer *t, const dg_samples *samples, dg_error *err) {
  return dg_network_check_words(t->network, &samples->kind, samples->inputs, samples->lengths,
                                samples->count, err) ||
         dg_fail_prefix(err, "%s", t->model->path);
}

bool dg_trainer_fits(const dg_trainer *t, const dg_samples *samples, uint32_t classes,
                     dg_error *err) {
  const uint32_t outputs = dg_network_outputs(t->network), targets = samples->kind.targets;
  if (t->model->target == DG_TARGET_INPUT)
    return check_input(t->model, samples, err) && check_lengths(t, samples, err) &&
           check_words(t, samples, err) && check_decoded(t->model, outputs, err);
  return check_input(t->model, samples, err) && check_lengths(t, samples, err) &&
         check_words(t, samples, err) && dg_restore_check(t->model, outputs, err) &&
         (targets ? check_targets(t->model, outputs, targets, err)
                  : check_classes(t->model, outputs, classes, err));
}

bool dg_trainer_check_targets(const dg_trainer *t, const dg_samples *samples, const char *what_for,
                              dg_error *err) {
  const dg_sample_kind *kind = &samples->kind;
  const size_t targets = kind->targets, count = samples->count * targets;
  const float *floats = (const float *)(const void *)samples->targets;
  if (t->model->loss != DG_LOSS_BCE || t->model->target != DG_TARGET_GIVEN) return true;
  for (size_t i = 0; i < count; i++) {
    const double target =
        kind->targets_type == DG_NUMBERS_BYTES ? samples->targets[i] : (double)floats[i];
    if (!(target >= 0 && target <= 1))
      return dg_fail(err, DG_ERR_INPUT,
                     "%s: the loss bce needs targets from 0 to 1, but number %zu of the targets of "
                     "sample %zu %s is %g",
                     t->model->path, i % targets, i / targets, what_for, target);
  }
  return true;
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
