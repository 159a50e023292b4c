/** Metrics of a network's outputs, and the one that tells the best validation. */
#include <math.h>
#include <stdlib.h>

#include "core/training/trainer.h"

enum { BATCH = 64 }; /* samples whose labels or targets are collected at once */

/* ---- metrics of outputs ------------------------------------------------- */

/** Samples of a set: all up to `count`, or those whose indices are in `order`. */
typedef struct {
  const dg_trainer *trainer;
  const dg_samples *samples;
  const uint32_t *order; /**< NULL: one after the other */
  uint32_t count;
} selection;

static size_t sample_at(const selection *s, uint32_t i) {
  return s->order ? s->order[i] : i;
}

/** Targets of `n` samples from `first` on, or their inputs if these are learned, as floats. */
static void targets_of(const selection *s, uint32_t first, uint32_t n, float *targets) {
  const bool given = s->trainer->model->target == DG_TARGET_GIVEN;
  const dg_sample_kind *kind = &s->samples->kind;
  const dg_numbers_type type = given ? kind->targets_type : kind->type;
  const float white = given ? 1 : 255;
  const size_t outputs = dg_network_outputs(s->trainer->network);
  const uint8_t *bytes = given ? s->samples->targets : s->samples->inputs;
  for (uint32_t i = 0; i < n; i++) {
    const size_t from = sample_at(s, first + i) * outputs;
    for (size_t o = 0; o < outputs; o++)
      targets[i * outputs + o] = type == DG_NUMBERS_BYTES
                                     ? bytes[from + o] / white
                                     : ((const float *)(const void *)bytes)[from + o];
  }
}

/** Adds samples to an evaluation, in batches; `targets` has room for one. */
static bool add_all(const selection *s, const float *outputs, dg_evaluation *evaluation,
                    float *targets, dg_error *err) {
  const size_t count = dg_network_outputs(s->trainer->network);
  const bool classes = dg_trainer_task(s->trainer) == DG_TASK_CLASS;
  uint8_t labels[BATCH];
  for (uint32_t first = 0; first < s->count; first += BATCH) {
    const uint32_t n = s->count - first < BATCH ? s->count - first : BATCH;
    const float *got = outputs + first * count;
    if (!classes) targets_of(s, first, n, targets);
    for (uint32_t i = 0; classes && i < n; i++)
      labels[i] = s->samples->labels[sample_at(s, first + i)];
    if (classes ? !dg_evaluation_add_classes(evaluation, got, labels, n, err)
                : !dg_evaluation_add_targets(evaluation, got, targets, n, err))
      return false;
  }
  return true;
}

dg_evaluation *dg_trainer_new_evaluation(const dg_trainer *t, const dg_samples *samples,
                                         const uint32_t *order, uint32_t count,
                                         const float *outputs, dg_error *err) {
  const selection all = {t, samples, order, count};
  const uint32_t numbers = dg_network_outputs(t->network);
  dg_evaluation *evaluation = dg_evaluation_new(dg_trainer_task(t), numbers, err);
  float *targets = malloc(BATCH * sizeof *targets * numbers);
  bool ok = evaluation && (targets || dg_fail_memory(err, BATCH * sizeof *targets * numbers)) &&
            add_all(&all, outputs, evaluation, targets, err);
  free(targets);
  if (ok) return evaluation;
  dg_evaluation_free(evaluation);
  return NULL;
}

bool dg_trainer_measure_outputs(const dg_trainer *t, const dg_samples *samples,
                                const uint32_t *order, uint32_t count, const float *outputs,
                                dg_metrics_of_all *out, dg_error *err) {
  dg_evaluation *evaluation = dg_trainer_new_evaluation(t, samples, order, count, outputs, err);
  if (!evaluation) return false;
  dg_evaluation_measure(evaluation, out, sizeof *out);
  if (t->model->target == DG_TARGET_INPUT) out->r2 = NAN;
  dg_evaluation_free(evaluation);
  return true;
}

/* ---- the metric of the best --------------------------------------------- */

enum { CLASSES = 1 << DG_TASK_CLASS, LABELS = 1 << DG_TASK_LABELS, VALUES = 1 << DG_TASK_VALUES };

/** Tasks that have each metric. */
static const unsigned tasks_of[] = {
    [DG_KEEP_BY_TASK] = CLASSES | LABELS | VALUES,
    [DG_KEEP_BY_LOSS] = CLASSES | LABELS | VALUES,
    [DG_KEEP_BY_ACCURACY] = CLASSES | LABELS,
    [DG_KEEP_BY_TOP5] = CLASSES,
    [DG_KEEP_BY_PRECISION] = CLASSES | LABELS,
    [DG_KEEP_BY_RECALL] = CLASSES | LABELS,
    [DG_KEEP_BY_F1] = CLASSES | LABELS,
    [DG_KEEP_BY_MAE] = VALUES,
    [DG_KEEP_BY_RMSE] = VALUES,
    [DG_KEEP_BY_R2] = VALUES,
};

dg_keep_by dg_trainer_keep_by(const dg_trainer *t) {
  const dg_keep_by by = (dg_keep_by)t->model->train.keep_by;
  if (by != DG_KEEP_BY_TASK) return by;
  return dg_trainer_task(t) == DG_TASK_VALUES ? DG_KEEP_BY_LOSS : DG_KEEP_BY_ACCURACY;
}

bool dg_trainer_check_keep_by(const dg_trainer *t, dg_error *err) {
  static const char *const what[] = {[DG_TASK_CLASS] = "classes",
                                     [DG_TASK_LABELS] = "several labels",
                                     [DG_TASK_VALUES] = "values"};
  const dg_task task = dg_trainer_task(t);
  const dg_keep_by by = dg_trainer_keep_by(t);
  if (!(tasks_of[by] & 1u << task))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: train.keep_by = \"%s\" doesn't fit: the network learns %s, for which there "
                   "are %s",
                   t->model->path, dg_keep_by_names[by], what[task],
                   task == DG_TASK_VALUES   ? "loss, mae, rmse and r2"
                   : task == DG_TASK_LABELS ? "loss, accuracy, precision_macro, recall_macro and "
                                              "f1_macro"
                                            : "loss, accuracy, top5_accuracy, precision_macro, "
                                              "recall_macro and f1_macro") ||
           dg_advise(err, DG_REMEDY_MODEL_KEY);
  if (by != DG_KEEP_BY_R2) return true;
  if (t->model->target == DG_TARGET_INPUT)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: train.keep_by = \"r2\" doesn't fit target = \"input\": pixels that hardly "
                   "ever change would decide it",
                   t->model->path);
  return t->validation_count >= 2 ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: train.keep_by = \"r2\" needs 2 validation samples at least, not %u",
                 t->model->path, t->validation_count);
}

double dg_trainer_metric(dg_keep_by by, const dg_score *score, const dg_metrics_of_all *metrics) {
  switch (by) {
  case DG_KEEP_BY_TASK:
  case DG_KEEP_BY_LOSS:
    return score->loss;
  case DG_KEEP_BY_ACCURACY:
    return score->accuracy;
  case DG_KEEP_BY_TOP5:
    return metrics->top5_accuracy;
  case DG_KEEP_BY_PRECISION:
    return metrics->precision_macro;
  case DG_KEEP_BY_RECALL:
    return metrics->recall_macro;
  case DG_KEEP_BY_F1:
    return metrics->f1_macro;
  case DG_KEEP_BY_MAE:
    return metrics->mae;
  case DG_KEEP_BY_RMSE:
    return metrics->rmse;
  case DG_KEEP_BY_R2:
    return metrics->r2;
  }
  return NAN;
}

double dg_trainer_rank(dg_keep_by by, double metric) {
  if (by == DG_KEEP_BY_LOSS || by == DG_KEEP_BY_MAE || by == DG_KEEP_BY_RMSE)
    return 1 / (1 + metric);
  return by == DG_KEEP_BY_R2 ? 1 / (2 - metric) : metric;
}
