/** Runs a trainer's network on test images. */
#include "core/base/sized.h"
#include "core/training/trainer.h"

/** Are the numbers of samples of the types and counts of those that are learned? */
static bool check_kind(const dg_trainer *t, const dg_dataset *data, dg_error *err) {
  static const char *const types[] = {[DG_NUMBERS_BYTES] = "bytes", [DG_NUMBERS_FLOATS] = "floats"};
  const dg_sample_kind *a = &t->data->train.kind, *b = &data->test.kind;
  if (a->type != b->type)
    return dg_fail(
        err, DG_ERR_INPUT,
        "%.300s: the samples are %s, but those of %.300s are %s, which a test needs, too",
        data->source, types[b->type], t->data->source, types[a->type]);
  if (t->model->target == DG_TARGET_INPUT) return true;
  return (a->targets == b->targets && (!a->targets || a->targets_type == b->targets_type)) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%.300s: the samples have other labels or targets than those of %.300s",
                 data->source, t->data->source);
}

bool dg_trainer_can_test(const dg_trainer *t, const dg_dataset *data, dg_error *err) {
  if (!data) data = t->data;
  if (data->test.count == 0)
    return dg_fail(err, DG_ERR_INPUT, "%.400s: there is no sample to test on", data->source);
  return dg_trainer_fits(t, &data->test, data->classes, err) && check_kind(t, data, err) &&
         dg_trainer_check_targets(t, &data->test, "to test", err) &&
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

bool dg_trainer_test_metrics(const dg_trainer *t, const dg_dataset *data, const float *outputs,
                             dg_metrics_of_all *out, size_t size, dg_error *err) {
  const dg_samples *samples = data ? &data->test : &t->data->test;
  dg_metrics_of_all all = {0};
  if (!dg_trainer_can_test(t, data, err)) return false;
  if (!dg_trainer_measure_outputs(t, samples, NULL, samples->count, outputs, &all, err))
    return false;
  dg_sized_give(out, size, 0, &all, sizeof all);
  return true;
}

bool dg_trainer_test_outputs(const dg_trainer *t, const dg_dataset *data, const float *outputs,
                             dg_metrics_of_output *out, size_t size, size_t capacity,
                             dg_error *err) {
  const dg_samples *samples = data ? &data->test : &t->data->test;
  if (!dg_trainer_can_test(t, data, err)) return false;
  dg_evaluation *evaluation =
      dg_trainer_new_evaluation(t, samples, NULL, samples->count, outputs, err);
  if (!evaluation) return false;
  dg_evaluation_measure_outputs(evaluation, out, size, capacity);
  dg_evaluation_free(evaluation);
  return true;
}
