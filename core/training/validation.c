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

/** What is better is larger, from 0 to 1: the accuracy, or where there are no answers to count, a
    smaller loss. */
static double score_of(const dg_score *score) {
  return isnan(score->accuracy) ? 1 / (1 + score->loss) : score->accuracy;
}

/** Validates the parameters in the network and stores them if they are the best. */
static bool validate(dg_trainer *t, dg_epoch_report *report, dg_error *err) {
  const uint32_t *members = t->members + t->train_count;
  if (!dg_source_set_order(&t->source, members, t->validation_count, err) ||
      !dg_trainer_evaluate(t, &t->source, t->validation_count, &report->validation, NULL, err))
    return false;
  if (!isfinite(report->validation.loss))
    return dg_fail(err, DG_ERR_RUNTIME,
                   "training diverged: the validation loss is not finite after epoch %u",
                   t->cursor.epoch + 1) ||
           dg_advise(err, DG_REMEDY_LEARNING_RATE);
  report->validated = true;
  const double score = score_of(&report->validation);
  report->best = score > t->cursor.best_score;
  if (!report->best) return true;
  t->cursor.best_score = score;
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
