/** Creates the trainer, which is the same for all networks and devices. */
#include "core/training/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/sized.h"
#include "core/data/classes.h"
#include "core/data/columns.h"
#include "core/weights/weights.h"

/** Allocates a buffer for the parameters of the best epoch. */
static bool open_best(dg_trainer *t, dg_error *err) {
  size_t bytes = dg_network_floats(t->network) * sizeof(float);
  if (t->validation_count) t->best = dg_trainer_calls(t)->buffer_new(t->device, bytes, err);
  return !t->validation_count || t->best;
}

/** Builds the network if there is memory for all that training and testing need beside the
    samples, and finds out how much it leaves for these. */
static dg_network *build(dg_trainer *t, dg_error *err) {
  const dg_train_recipe *recipe = &t->model->train;
  dg_network_beside beside = {.room = &t->set_memory};
  if (!t->test_only) {
    beside.learned_arrays = dg_trainer_state_arrays(t) + (recipe->average != 0.0);
    beside.arrays = t->model->data.validation != 0;
  }
  dg_network *network =
      dg_network_build_beside(t->model, t->device, recipe->batch, !t->test_only, &beside, err);
  if (t->data_memory && t->data_memory < t->set_memory) t->set_memory = t->data_memory;
  return network;
}

static bool set_up(dg_trainer *t, dg_error *err) {
  if (!dg_trainer_measure(t, err)) return false;
  t->network = build(t, err);
  return t->network && dg_trainer_fits(t, &t->data->train, t->data->classes, err) &&
         (t->test_only || dg_trainer_check_targets(t, &t->data->train, "to train", err)) &&
         dg_metrics_open(&t->metrics, t->device, dg_trainer_step_slices(t),
                         dg_trainer_task(t) != DG_TASK_VALUES, err) &&
         dg_trainer_open_class_weights(t, err) && dg_trainer_open_batch_ops(t, err) &&
         dg_network_initialize(t->network, t->seed, err) &&
         (t->test_only ? dg_trainer_check_room(t, &t->data->test, err)
                       : dg_trainer_open_source(t, err) && dg_trainer_check_keep_by(t, err) &&
                             dg_trainer_open_optimizer(t, err) && open_best(t, err));
}

static bool keep_path(dg_trainer *t, const dg_trainer_options *options, dg_error *err) {
  if (!options->checkpoint && options->save_every)
    return dg_fail(err, DG_ERR_INPUT, "there is no checkpoint that could be saved every %u steps",
                   options->save_every);
  if (!options->checkpoint)
    return !options->resume ||
           dg_fail(err, DG_ERR_INPUT, "a run can't go on without its checkpoint");
  t->checkpoint_path = strdup(options->checkpoint);
  dg_trainer_prepare_checkpoint(t);
  return t->checkpoint_path || dg_fail_memory(err, strlen(options->checkpoint));
}

dg_trainer *dg_trainer_new(const dg_model *model, dg_device *device, const dg_dataset *data,
                           const dg_trainer_options *given, dg_error *err) {
  dg_trainer_options options;
  dg_listener listener = {0};
  if (!dg_sized_take(&options, sizeof options, given, "dg_trainer_options", err) ||
      (options.listener &&
       !dg_sized_take(&listener, sizeof listener, options.listener, "dg_listener", err)))
    return NULL;
  dg_trainer *t = calloc(1, sizeof *t);
  if (!t) return dg_fail_memory(err, sizeof *t), NULL;
  t->model = model;
  t->device = device;
  t->data = data;
  t->seed = options.seed;
  t->test_only = options.test_only;
  t->save_every = options.save_every;
  t->listener = listener;
  t->note = options.note;
  t->user = options.user;
  t->data_memory = options.data_memory;
  t->cursor.best_score = -1;
  if (keep_path(t, &options, err) && set_up(t, err) &&
      (!options.resume || dg_trainer_load_checkpoint(t, err)))
    return t;
  dg_trainer_free(t);
  return NULL;
}

void dg_trainer_free(dg_trainer *t) {
  if (!t) return;
  dg_trainer_calls(t)->finish(t->device, NULL);
  dg_trainer_close_batch_ops(t);
  dg_bound_release(&t->update);
  dg_bound_release(&t->average);
  dg_trainer_calls(t)->buffer_free(t->state);
  dg_trainer_calls(t)->buffer_free(t->averaged);
  dg_trainer_calls(t)->buffer_free(t->best);
  dg_trainer_calls(t)->buffer_free(t->fault);
  dg_trainer_calls(t)->buffer_free(t->class_weights);
  dg_metrics_close(&t->metrics);
  dg_source_close(&t->source);
  dg_source_close(&t->given);
  dg_network_free(t->network);
  free(t->members);
  free(t->order);
  free(t->blocks.shuffled);
  free(t->blocks.samples);
  free(t->blocks.begins);
  free(t->bounds);
  free(t->checkpoint_path);
  dg_model_free(t->measured);
  free(t);
}

bool dg_trainer_exact(const dg_trainer *t) {
  return dg_network_exact(t->network) && t->batch_ops[0].loss.op->exact;
}

uint64_t dg_trainer_parameter_count(const dg_trainer *t) {
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

bool dg_trainer_save(dg_trainer *t, const char *path, dg_error *err) {
  const bool named = t->data->names.count > 0, table = t->data->columns != NULL;
  char *names = named ? dg_classes_text(&t->data->names, err) : NULL;
  char *columns = table ? dg_columns_text(t->data->columns, err) : NULL;
  const dg_weights_about about = {t->model, names, columns, t->temperature};
  bool ok =
      (names || !named) && (columns || !table) && dg_weights_save(t->network, &about, path, err);
  free(columns);
  free(names);
  return ok;
}

static bool same_numbers(const dg_number_list *a, const dg_number_list *b) {
  return a->count == b->count &&
         (!a->count || !memcmp(a->values, b->values, a->count * sizeof *a->values));
}

/** Were the weights of a file learned with the numbers that the recipe measured? */
static bool check_measured(const dg_trainer *t, const char *path, dg_error *err) {
  if (!t->measured) return true;
  dg_model *learned = dg_model_from_weights(path, NULL, 0, err);
  if (!learned) return false;
  const dg_data_recipe *a = &t->model->data, *b = &learned->data;
  bool ok = same_numbers(&a->mean, &b->mean) && same_numbers(&a->std, &b->std) &&
            same_numbers(&a->target_mean, &b->target_mean) &&
            same_numbers(&a->target_std, &b->target_std);
  dg_model_free(learned);
  return ok || dg_fail(err, DG_ERR_INPUT,
                       "%s: its weights were learned with other means and deviations than those "
                       "measured in %.300s; take the model that is in the file, which has them",
                       path, t->data->source);
}

bool dg_trainer_load(dg_trainer *t, const char *path, dg_error *err) {
  dg_classes learned;
  if (!dg_dataset_fits_weights(t->data, path, err) || !check_measured(t, path, err)) return false;
  if (t->test_only && (!dg_classes_from_weights(&learned, path, err) ||
                       !dg_trainer_same_classes(&learned, t->data, path, err)))
    return false;
  double temperature;
  if (!dg_weights_load(t->network, path, &temperature, err)) return false;
  t->temperature = temperature;
  return true;
}
