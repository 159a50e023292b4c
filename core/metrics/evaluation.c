#include "digits/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/numbers.h"
#include "core/base/sized.h"

/** Sums over the samples of an output. */
typedef struct {
  uint64_t actual, predicted, right;
  double absolute, squared; /**< errors */
  double mean, deviation;   /**< of the targets; deviation: sum of (target - mean)^2 */
} sums;

struct dg_evaluation {
  dg_task task;
  uint32_t outputs;
  uint64_t samples, right, top5;
  sums of[]; /**< [outputs] */
};

dg_evaluation *dg_evaluation_new(dg_task task, uint32_t outputs, dg_error *err) {
  if ((unsigned)task > DG_TASK_VALUES || outputs == 0) {
    dg_fail(err, DG_ERR_INPUT, "there are no metrics of task %d with %u outputs", (int)task,
            outputs);
    return NULL;
  }
  size_t bytes = sizeof(dg_evaluation) + outputs * sizeof(sums);
  dg_evaluation *e = calloc(1, bytes);
  if (!e) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  e->task = task;
  e->outputs = outputs;
  return e;
}

void dg_evaluation_free(dg_evaluation *evaluation) {
  free(evaluation);
}

/* ---- adding ------------------------------------------------------------- */

static bool check_numbers(const dg_evaluation *e, const char *what, const float *numbers,
                          uint32_t n, dg_error *err) {
  size_t count = (size_t)n * e->outputs, at = dg_first_nonfinite(numbers, count);
  return at == count || dg_fail(err, DG_ERR_INPUT, "%s %zu of sample %zu is not a finite number",
                                what, at % e->outputs, at / e->outputs);
}

/** How many outputs are larger than that of the label; of equal ones the first is. */
static uint32_t rank_of(const float *y, uint32_t outputs, uint32_t label) {
  uint32_t rank = 0;
  for (uint32_t c = 0; c < outputs; c++) rank += y[c] > y[label] || (y[c] == y[label] && c < label);
  return rank;
}

bool dg_evaluation_add_classes(dg_evaluation *e, const float *outputs, const uint8_t *labels,
                               uint32_t n, dg_error *err) {
  if (e->task != DG_TASK_CLASS)
    return dg_fail(err, DG_ERR_INPUT, "labels are added to metrics of another task");
  if (!check_numbers(e, "output", outputs, n, err)) return false;
  for (uint32_t s = 0; s < n; s++)
    if (labels[s] >= e->outputs)
      return dg_fail(err, DG_ERR_INPUT, "sample %u has the label %u, but there are %u outputs", s,
                     labels[s], e->outputs);
  for (uint32_t s = 0; s < n; s++, outputs += e->outputs) {
    uint32_t best = dg_argmax(outputs, e->outputs);
    e->of[labels[s]].actual++;
    e->of[best].predicted++;
    e->of[best].right += best == labels[s];
    e->right += best == labels[s];
    e->top5 += rank_of(outputs, e->outputs, labels[s]) < 5;
  }
  e->samples += n;
  return true;
}

/** Adds one sample with several labels. */
static void add_labels(dg_evaluation *e, const float *y, const float *t) {
  bool all = true;
  for (uint32_t c = 0; c < e->outputs; c++) {
    bool said = y[c] >= 0, is = t[c] >= 0.5f;
    e->of[c].actual += is;
    e->of[c].predicted += said;
    e->of[c].right += said && is;
    all &= said == is;
  }
  e->right += all;
}

/** Adds the sample `samples` + 1; mean and deviation as Welford's,
 * doi:10.1080/00401706.1962.10490022. */
static void add_values(dg_evaluation *e, const float *y, const float *t) {
  for (uint32_t c = 0; c < e->outputs; c++) {
    sums *s = &e->of[c];
    double target = (double)t[c], error = (double)y[c] - target, off = target - s->mean;
    s->absolute += fabs(error);
    s->squared += error * error;
    s->mean += off / (double)(e->samples + 1);
    s->deviation += off * (target - s->mean);
  }
}

bool dg_evaluation_add_targets(dg_evaluation *e, const float *outputs, const float *targets,
                               uint32_t n, dg_error *err) {
  if (e->task == DG_TASK_CLASS)
    return dg_fail(err, DG_ERR_INPUT, "targets are added to metrics of classes");
  if (!check_numbers(e, "output", outputs, n, err) || !check_numbers(e, "target", targets, n, err))
    return false;
  for (uint32_t s = 0; s < n; s++, outputs += e->outputs, targets += e->outputs) {
    (e->task == DG_TASK_LABELS ? add_labels : add_values)(e, outputs, targets);
    e->samples++;
  }
  return true;
}

/* ---- measuring ---------------------------------------------------------- */

static double quotient(double a, double b) {
  return b != 0 ? a / b : 0;
}

static double r2_of(const sums *s, uint64_t samples) {
  if (samples < 2) return NAN;
  return s->deviation > 0 ? 1 - s->squared / s->deviation : s->squared == 0;
}

static dg_metrics_of_output measure_output(const dg_evaluation *e, uint32_t c) {
  const sums *s = &e->of[c];
  dg_metrics_of_output m = {.actual = s->actual, .predicted = s->predicted, .right = s->right};
  double right = (double)s->right, predicted = (double)s->predicted, actual = (double)s->actual;
  m.precision = quotient(right, predicted);
  m.recall = quotient(right, actual);
  m.f1 = quotient(2 * right, predicted + actual);
  m.mae = quotient(s->absolute, (double)e->samples);
  m.rmse = sqrt(quotient(s->squared, (double)e->samples));
  if (e->task == DG_TASK_VALUES) m.r2 = r2_of(s, e->samples);
  return m;
}

/** Means over the outputs that count; `counted` of them. */
static void measure_means(const dg_evaluation *e, dg_metrics_of_all *all) {
  double absolute = 0, squared = 0, counted = 0;
  for (uint32_t c = 0; c < e->outputs; c++) {
    dg_metrics_of_output m = measure_output(e, c);
    counted += e->task != DG_TASK_CLASS || m.actual + m.predicted > 0;
    all->precision_macro += m.precision, all->recall_macro += m.recall, all->f1_macro += m.f1;
    all->r2 += m.r2;
    absolute += e->of[c].absolute, squared += e->of[c].squared;
  }
  double numbers = (double)e->samples * e->outputs;
  all->precision_macro = quotient(all->precision_macro, counted);
  all->recall_macro = quotient(all->recall_macro, counted);
  all->f1_macro = quotient(all->f1_macro, counted);
  all->r2 /= e->outputs;
  all->mae = quotient(absolute, numbers);
  all->rmse = sqrt(quotient(squared, numbers));
}

void dg_evaluation_measure(const dg_evaluation *e, dg_metrics_of_all *out, size_t size) {
  dg_metrics_of_all all = {.samples = e->samples};
  all.accuracy = quotient((double)e->right, (double)e->samples);
  all.top5_accuracy = quotient((double)e->top5, (double)e->samples);
  measure_means(e, &all);
  dg_sized_give(out, size, 0, &all, sizeof all);
}

void dg_evaluation_measure_outputs(const dg_evaluation *e, dg_metrics_of_output *out, size_t size,
                                   size_t capacity) {
  for (uint32_t c = 0; c < e->outputs && c < capacity; c++) {
    dg_metrics_of_output m = measure_output(e, c);
    dg_sized_give(out, size, c, &m, sizeof m);
  }
}
