#include "tools/run/test_result.h"

#include <math.h>
#include <stdio.h>

#include "report/tested/rates.h"
#include "tools/common/say.h"

enum { LOWEST = 3, MAX_TARGETS = 8 };

/** Measures each output, unless there are too many or they are no more than the input's. */
static bool measure_each(test_result *r, dg_trainer *trainer, const dg_model *model,
                         const dg_dataset *data, const float *outputs, dg_error *err) {
  const uint32_t count = dg_trainer_outputs(trainer);
  if (count > REPORT_EACH || dg_model_learns_input(model)) return true;
  r->each_count = count;
  return dg_trainer_test_outputs(trainer, data, outputs, r->each, sizeof *r->each, count, err);
}

bool test_result_measure(test_result *r, dg_trainer *trainer, const dg_model *model,
                         const dg_dataset *data, const dg_part_view *part, float *outputs,
                         dg_error *err) {
  *r = (test_result){.task = dg_trainer_task(trainer)};
  return dg_trainer_test_logits(trainer, data, &r->score, outputs, err) &&
         dg_trainer_test_metrics(trainer, data, outputs, &r->metrics, sizeof r->metrics, err) &&
         measure_each(r, trainer, model, data, outputs, err) &&
         (r->task != DG_TASK_CLASS ||
          certainty_measure(&r->certainty, trainer, model, part, outputs, err));
}

void test_result_print(const test_result *r) {
  const dg_metrics_of_all *m = &r->metrics;
  say("test    loss %.4f", r->score.loss);
  if (r->task != DG_TASK_VALUES) {
    say("  accuracy %.2f %% (%u of %u)", 100 * r->score.accuracy, r->score.correct, r->score.total);
    return;
  }
  say("  mean absolute error %.5g  root mean square %.5g", m->mae, m->rmse);
  if (!isnan(m->r2)) say("  R2 %.4f", m->r2);
}

/* ---- each output -------------------------------------------------------- */

/** The output with the lowest F1 that comes after `last` in that order; each_count: none is left.
    Of equal ones the first is lower; those that no sample and no answer has are left out. */
static uint32_t next_lowest(const test_result *r, const uint32_t *last) {
  uint32_t found = r->each_count;
  for (uint32_t i = 0; i < r->each_count; i++) {
    const double f1 = r->each[i].f1;
    if (r->each[i].actual + r->each[i].predicted == 0) continue;
    if (last && (f1 < r->each[*last].f1 || (f1 == r->each[*last].f1 && i <= *last))) continue;
    if (found == r->each_count || f1 < r->each[found].f1) found = i;
  }
  return found;
}

static void print_lowest(const test_result *r, const dg_dataset *data) {
  uint32_t at = next_lowest(r, NULL);
  say("        F1 %.4f, the mean of %u %s; lowest:", r->metrics.f1_macro, r->each_count,
      r->task == DG_TASK_CLASS ? "classes" : "labels");
  for (int i = 0; i < LOWEST && at < r->each_count; i++) {
    char number[DG_CLASS_SIZE];
    say("%s %s %.4f", i ? "," : "", rates_name(data, r->task, at, number), r->each[at].f1);
    uint32_t last = at;
    at = next_lowest(r, &last);
  }
  putchar('\n');
}

static void print_target(const char *name, const dg_metrics_of_output *m) {
  say("        %s: mean absolute error %.5g  root mean square %.5g", name, m->mae, m->rmse);
  if (!isnan(m->r2)) say("  R2 %.4f", m->r2);
  putchar('\n');
}

void test_result_print_each(const test_result *r, const dg_dataset *data) {
  char number[DG_CLASS_SIZE];
  if (r->task != DG_TASK_VALUES) {
    if (r->each_count > 0) print_lowest(r, data);
    return;
  }
  if (r->each_count < 2 || r->each_count > MAX_TARGETS) return;
  for (uint32_t i = 0; i < r->each_count; i++)
    print_target(rates_name(data, r->task, i, number), &r->each[i]);
}

double test_result_figure(const test_result *r) {
  return r->task == DG_TASK_VALUES ? r->metrics.rmse : r->score.accuracy;
}
