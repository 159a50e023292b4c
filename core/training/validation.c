/** Validation, and selection of the parameters that a run ends with. They stay on the device. */
#include <math.h>
#include <stdlib.h>

#include "core/training/trainer.h"

/** Copies the first `floats` numbers of a buffer to another. */
static bool copy(dg_trainer *t, dg_buffer *from, dg_buffer *to, uint32_t floats, dg_error *err) {
  return dg_trainer_calls(t)->copy(from, 0, to, 0, floats * sizeof(float), err);
}

/** Copies the learned parameters. */
static bool copy_learned(dg_trainer *t, dg_buffer *from, dg_buffer *to, dg_error *err) {
  return copy(t, from, to, dg_network_learned(t->network), err);
}

/** Copies the learned parameters and the running statistics. */
static bool copy_all(dg_trainer *t, dg_buffer *from, dg_buffer *to, dg_error *err) {
  return copy(t, from, to, dg_network_floats(t->network), err);
}

/** Evaluates the network on the validation samples and measures its outputs, which go to `outputs`.
 */
static bool measure(dg_trainer *t, float *outputs, dg_score *score, dg_metrics_of_all *metrics,
                    dg_error *err) {
  const uint32_t *members = t->members + t->train_count, count = t->validation_count;
  if (!dg_trainer_evaluate(t, &t->source, count, score, outputs, err)) return false;
  if (!outputs || !isfinite(score->loss)) return true; /* the caller tells that */
  dg_trainer_restore(t, count, outputs);
  return dg_trainer_measure_outputs(t, &t->data->train, members, count, outputs, metrics, err);
}

/** Finds the score, and the metric that the recipe keeps the best by. */
static bool score(dg_trainer *t, dg_epoch_report *report, dg_error *err) {
  const dg_keep_by by = dg_trainer_keep_by(t);
  const size_t numbers = (size_t)t->validation_count * dg_network_outputs(t->network);
  dg_metrics_of_all metrics = {0};
  float *outputs = NULL;
  if (dg_trainer_needs_outputs(by) && !(outputs = malloc(numbers * sizeof *outputs)))
    return dg_fail_memory(err, numbers * sizeof *outputs);
  bool ok = measure(t, outputs, &report->validation, &metrics, err);
  free(outputs);
  report->metric = dg_keep_by_names[by];
  report->value = dg_trainer_metric(by, &report->validation, &metrics);
  return ok;
}

bool dg_trainer_has_waited(const dg_trainer *t) {
  const uint32_t most = t->model->train.early_stop;
  return most > 0 && t->cursor.waited >= most;
}

/** Validates the parameters in the network and stores them if they are the best. */
static bool validate(dg_trainer *t, dg_epoch_report *report, dg_error *err) {
  const uint32_t *members = t->members + t->train_count;
  if (!dg_source_set_order(&t->source, members, t->validation_count, err) || !score(t, report, err))
    return false;
  if (!isfinite(report->validation.loss))
    return dg_fail(err, DG_ERR_RUNTIME,
                   "training diverged: the validation loss is not finite after epoch %u",
                   t->cursor.epoch + 1) ||
           dg_advise(err, DG_REMEDY_LEARNING_RATE);
  report->validated = true;
  const double rank = dg_trainer_rank(dg_trainer_keep_by(t), report->value);
  report->best = rank > t->cursor.best_score;
  report->waited = t->cursor.waited = report->best ? 0 : t->cursor.waited + 1;
  report->stopped_early = dg_trainer_has_waited(t) && report->epoch < report->epochs;
  if (!report->best) return true;
  t->cursor.best_score = rank;
  return copy_all(t, dg_network_parameters(t->network), t->best, err);
}

bool dg_trainer_validate(dg_trainer *t, dg_epoch_report *report, dg_error *err) {
  dg_buffer *parameters = dg_network_parameters(t->network);
  dg_buffer *aside = dg_network_gradients(t->network); /* free to use: every step overwrites them */
  if (!t->averaged) return validate(t, report, err);
  return copy_learned(t, parameters, aside, err) && copy_learned(t, t->averaged, parameters, err) &&
         validate(t, report, err) && copy_learned(t, aside, parameters, err);
}

/** Copies the parameters that the recipe selects into the network. */
static bool restore_best(dg_trainer *t, dg_error *err) {
  dg_buffer *parameters = dg_network_parameters(t->network);
  bool validated = t->cursor.best_score >= 0; /* false if the caller gave all steps */
  if (t->model->train.keep == DG_KEEP_BEST && validated)
    return copy_all(t, t->best, parameters, err);
  return !t->averaged || copy_learned(t, t->averaged, parameters, err);
}

static bool check_restored(dg_trainer *t, dg_error *err) {
  size_t bytes = dg_network_floats(t->network) * sizeof(float);
  float *values = malloc(bytes);
  if (!values) return dg_fail_memory(err, bytes);
  bool ok = dg_network_read(t->network, values, err) &&
            (dg_params_check(t->network, values, err) ||
             dg_fail_prefix(err, "training diverged: with a smaller learning rate it may not"));
  free(values);
  return ok;
}

bool dg_trainer_restore_best(dg_trainer *t, dg_error *err) {
  return restore_best(t, err) && check_restored(t, err);
}
