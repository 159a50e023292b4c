/** Runs a trainer's network on test images. */
#include <math.h>
#include <stdlib.h>

#include "core/base/sized.h"
#include "core/training/trainer.h"

bool dg_trainer_can_test(const dg_trainer *t, const dg_dataset *data, dg_error *err) {
  if (!data) data = t->data;
  if (data->test.count == 0)
    return dg_fail(err, DG_ERR_INPUT, "%.400s: there is no sample to test on", data->source);
  return dg_trainer_fits(t, &data->test, data->classes, err) &&
         dg_trainer_same_classes(&t->data->names, data, t->data->source, err) &&
         dg_trainer_check_room(t, &data->test, err);
}

/** Runs the network on the test images of `data` (NULL: the trainer's own); see
    dg_trainer_evaluate. */
static bool run_test(dg_trainer *t, const dg_dataset *data, dg_score *score, float *logits,
                     dg_error *err) {
  const dg_samples *samples = data ? &data->test : &t->data->test;
  if (!dg_trainer_can_test(t, data, err)) return false;
  dg_source source;
  if (!dg_trainer_open_test(t, samples, &source, err)) return false;
  bool ok = dg_trainer_evaluate(t, &source, samples->count, score, logits, err) &&
            dg_trainer_check_loss(t, &source, samples->count, score, err);
  return dg_trainer_close_test(t, &source, ok ? err : NULL) && ok;
}

bool dg_trainer_test(dg_trainer *t, const dg_dataset *data, dg_score *score, dg_error *err) {
  return run_test(t, data, score, NULL, err);
}

bool dg_trainer_test_logits(dg_trainer *t, const dg_dataset *data, dg_score *score, float *logits,
                            dg_error *err) {
  uint32_t count = data ? data->test.count : t->data->test.count;
  if (!run_test(t, data, score, logits, err) ||
      !dg_network_check_logits(t->network, logits, count, err))
    return false;
  dg_trainer_restore(t, count, logits);
  return true;
}

bool dg_trainer_predict(dg_trainer *t, const dg_dataset *data, float *logits, dg_error *err) {
  dg_score score;
  return dg_trainer_test_logits(t, data, &score, logits, err);
}

/* ---- metrics ------------------------------------------------------------ */

enum { BATCH = 64 }; /* samples whose targets are converted at once */

/** Targets [n] of samples from `first` on, or their inputs if these are learned, as floats. */
static void targets_of(const dg_trainer *t, const dg_samples *samples, uint32_t first, uint32_t n,
                       float *targets) {
  const bool given = t->model->target == DG_TARGET_GIVEN;
  const dg_numbers_type type = given ? samples->kind.targets_type : samples->kind.type;
  const float white = given ? 1 : 255;
  const size_t outputs = dg_network_outputs(t->network), from = first * outputs;
  const uint8_t *bytes = given ? samples->targets : samples->inputs;
  for (size_t i = 0; i < n * outputs; i++)
    targets[i] = type == DG_NUMBERS_BYTES ? bytes[from + i] / white
                                          : ((const float *)(const void *)bytes)[from + i];
}

/** Adds all samples to an evaluation, in batches. */
static bool add_all(const dg_trainer *t, const dg_samples *samples, const float *outputs,
                    dg_evaluation *evaluation, float *targets, dg_error *err) {
  const size_t count = dg_network_outputs(t->network);
  if (dg_trainer_task(t) == DG_TASK_CLASS)
    return dg_evaluation_add_classes(evaluation, outputs, samples->labels, samples->count, err);
  for (uint32_t first = 0; first < samples->count; first += BATCH) {
    const uint32_t n = samples->count - first < BATCH ? samples->count - first : BATCH;
    targets_of(t, samples, first, n, targets);
    if (!dg_evaluation_add_targets(evaluation, outputs + first * count, targets, n, err))
      return false;
  }
  return true;
}

bool dg_trainer_test_metrics(const dg_trainer *t, const dg_dataset *data, const float *outputs,
                             dg_metrics_of_all *out, size_t size, dg_error *err) {
  const uint32_t count = dg_network_outputs(t->network);
  const dg_samples *samples = data ? &data->test : &t->data->test;
  dg_metrics_of_all all = {0};
  dg_evaluation *evaluation = dg_evaluation_new(dg_trainer_task(t), count, err);
  float *targets = malloc(BATCH * sizeof *targets * count);
  bool ok = evaluation && (targets || dg_fail_memory(err, BATCH * sizeof *targets * count)) &&
            add_all(t, samples, outputs, evaluation, targets, err);
  if (ok) dg_evaluation_measure(evaluation, &all, sizeof all);
  if (t->model->target == DG_TARGET_INPUT) all.r2 = NAN;
  if (ok) dg_sized_give(out, size, 0, &all, sizeof all);
  dg_evaluation_free(evaluation);
  free(targets);
  return ok;
}
